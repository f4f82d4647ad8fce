/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables themselves: complete, without clashes, and consistent with the rules that readers rely
 * on. */
#include "tests/support/test.h"

#include <ctype.h>
#include <stdio.h>

#include "shared/catalog/catalog.h"

#define HELP_MAX 100

static const struct param *param_at(int i)
{
	return param_get((enum param_id)i);
}

static const struct field *field_at(int i)
{
	return field_get((enum field_id)i);
}

static const struct object_type *object_at(int i)
{
	return object_type((enum object_kind)i);
}

/* Each line of the golden list is a parameter, each parameter a line of it. */
static void no_parameter_was_dropped_or_renamed(void **state)
{
	char path[512], line[128];
	bool is_listed[PARAM_COUNT] = {false};
	FILE *file;

	(void)state;
	assert_non_null(getenv("VOS_SOURCE_DIR"));
	snprintf(path, sizeof(path), "%s/tests/golden/parameter-names.txt",
		 getenv("VOS_SOURCE_DIR"));
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		int id;

		line[strcspn(line, "\n")] = '\0';
		id = param_find_name(span_of(line));
		if (id < 0 || strcmp(param_at(id)->name, line) != 0)
			fail_msg("no parameter %s", line);
		assert_false(is_listed[id]);
		is_listed[id] = true;
	}
	fclose(file);
	for (int i = 0; i < PARAM_COUNT; i++)
		if (!is_listed[i])
			fail_msg("%s is not in the list", param_at(i)->name);
}

static void names_and_aliases_lead_to_one_parameter(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		char word[128];
		const char *rest = param_at(i)->aliases;

		assert_int_equal(param_find_name(span_of(param_at(i)->name)), i);
		while (*rest) {
			size_t len = strcspn(rest, "|");

			snprintf(word, sizeof(word), "%.*s", (int)len, rest);
			assert_int_equal(param_find_name(span_of(word)), i);
			for (char *c = word; *c; c++)
				*c = (char)tolower((unsigned char)*c);
			assert_int_equal(param_find_name(span_of(word)), i);
			rest += len + (rest[len] == '|');
		}
	}
	assert_int_equal(param_find_name(SPAN_LIT("SS_NO_SUCH")), -1);
	assert_int_equal(param_find_name(SPAN_LIT("")), -1);
}

static const char *without_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0 ? name + strlen(prefix) : NULL;
}

/* The keyword is the name in lower case, "-" for "_", without the tab's prefix. */
static void keywords_follow_from_names(void **state)
{
	static const char *const prefixes[TAB_COUNT][2] = {
		[TAB_SYSTEM] = {"SS_"},           [TAB_SIP] = {"SS_SIP_"},
		[TAB_H323] = {"SS_H323_", "SS_"}, [TAB_AUDIO] = {"IVR_"},
		[TAB_SERVER] = {"SERVER_"},
	};

	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct param *param = param_at(i);
		const char *stem = NULL;
		char keyword[128];
		size_t n;

		for (int p = 0; p < 2 && !stem && prefixes[param->tab][p]; p++)
			stem = without_prefix(param->name, prefixes[param->tab][p]);
		if (!stem)
			stem = param->name;
		for (n = 0; stem[n]; n++)
			keyword[n] = (char)(stem[n] == '_' ? '-' : tolower((unsigned char)stem[n]));
		keyword[n] = '\0';
		assert_string_equal(param->keyword, keyword);
		/* Finding itself means that no earlier row of the tab has the keyword. */
		assert_int_equal(param_find_keyword(param->tab, span_of(keyword)), i);
	}
	assert_int_equal(param_find_keyword(TAB_SIP, SPAN_LIT("media-proxy-mode")), -1);
	assert_int_equal(param_find_keyword(TAB_SIP, SPAN_LIT("Session-TTL")),
			 PARAM_SS_SIP_SESSION_TTL);
	assert_int_equal(param_find_keyword(TAB_H323, SPAN_LIT("h245-port-range")),
			 PARAM_SS_H245_PORT_RANGE);
}

static void assert_help(const char *what, const char *help)
{
	if (!help || !*help || strlen(help) > HELP_MAX || strchr(help, '\n') ||
	    help[strlen(help) - 1] == '.')
		fail_msg("help of %s: \"%s\"", what, help ? help : "");
}

static void every_row_explains_itself(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		assert_help(param_at(i)->name, param_at(i)->help);
		assert_true(param_at(i)->source && *param_at(i)->source);
	}
	for (int i = 0; i < FIELD_COUNT; i++)
		assert_help(field_at(i)->keyword, field_at(i)->help);
	for (int i = 0; i < OBJECT_COUNT; i++)
		assert_help(object_at(i)->keyword, object_at(i)->help);
}

static void assert_spec(const char *what, const struct value_spec *spec)
{
	bool is_number = spec->type == VALUE_INT || spec->type == VALUE_DURATION;

	if (spec->min > spec->max)
		fail_msg("%s: empty range", what);
	if (is_number && !spec->unit)
		fail_msg("%s: no unit", what);
	if (spec->type == VALUE_DURATION && strcmp(spec->unit, "s") && strcmp(spec->unit, "ms"))
		fail_msg("%s: unit %s", what, spec->unit);
	if ((spec->check || spec->canonical) && !spec->extra)
		fail_msg("%s: a rule without words for it", what);
	if (spec->none_word && spec->none_number >= spec->min && spec->none_number <= spec->max)
		fail_msg("%s: the word stands for a number of the range", what);
	if (spec->type == VALUE_ENUM) {
		assert_non_null(spec->words);
		assert_non_null(spec->words[spec->max]);
		assert_null(spec->words[spec->max + 1]);
	}
}

static void specs_are_complete(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++)
		assert_spec(param_at(i)->name, &param_at(i)->spec);
	for (int i = 0; i < FIELD_COUNT; i++)
		assert_spec(field_at(i)->keyword, &field_at(i)->spec);
	for (int i = 0; i < OBJECT_COUNT; i++)
		assert_spec(object_at(i)->keyword, &object_at(i)->key);
}

static void defaults_parse_or_are_unset(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct value *value = param_default((enum param_id)i);

		if (value->type != (param_at(i)->has_default ? param_at(i)->spec.type : VALUE_NONE))
			fail_msg("default of %s", param_at(i)->name);
		assert_ptr_equal(value, param_default((enum param_id)i));
	}
	for (int i = 0; i < FIELD_COUNT; i++)
		if (field_default((enum field_id)i)->type !=
		    (field_at(i)->has_default ? field_at(i)->spec.type : VALUE_NONE))
			fail_msg("default of %s", field_at(i)->keyword);
}

static int64_t number(enum param_id id)
{
	return param_default(id)->number;
}

/* Where sources disagree, the reading that was decided. */
static void decided_readings_are_the_defaults(void **state)
{
	const struct value *resend = param_default(PARAM_SS_SIP_RESEND_INTERVAL);
	uint32_t total_ms = 0;

	(void)state;
	assert_int_equal(number(PARAM_SS_MEDIA_PROXY_MODE), WORD_MEDIA_PROXY_AUTO);
	assert_true(param_default(PARAM_SS_MEDIA_PROXY_BETWEEN_NET)->boolean);
	assert_true(param_default(PARAM_SS_MEDIA_PROXY_BEHIND_NAT)->boolean);
	assert_false(param_default(PARAM_SS_MEDIA_PROXY_SAME_NAT)->boolean);
	assert_int_equal(number(PARAM_SS_SIP_SESSION_TTL), 1800);
	assert_int_equal(number(PARAM_SS_SIP_SESSION_UPDATE_SEGMENT), 300);
	assert_int_equal(param_default(PARAM_SS_RTP_PORT_RANGE)->ports.low, 10000);
	assert_int_equal(param_default(PARAM_SS_RTP_PORT_RANGE)->ports.high, 39999);
	assert_int_equal(param_default(PARAM_SS_ENDPOINT_EXPIRE)->expire.standard, 300);
	assert_int_equal(param_default(PARAM_SS_ENDPOINT_EXPIRE)->expire.max, 3600);
	assert_int_equal(number(PARAM_SS_AUTHENTICATION_MAX_RETRY), 6);
	assert_int_equal(number(PARAM_SS_AUTHENTICATION_FAILED_SUSPEND), 180);
	assert_int_equal(number(PARAM_SS_SIP_AUTHENTICATION_CODE), WORD_AUTHENTICATION_CODE_401);
	assert_int_equal(number(PARAM_SS_QOS_SIGNAL), 0xa0);
	assert_int_equal(number(PARAM_SS_QOS_RTP), 0xa0);
	assert_int_equal(number(PARAM_SS_GATEWAY_SWITCH_LIMIT), -1);
	assert_int_equal(number(PARAM_SS_SIP_USER_AGENT_EXPIRE), -1);
	assert_string_equal(param_default(PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE)->text, "HELLO");
	assert_int_equal(param_default(PARAM_SS_ENDPOINT_REGISTER_RETRY)->type, VALUE_NONE);
	for (int i = 0; i < resend->intervals.count; i++)
		total_ms += resend->intervals.ms[i];
	assert_int_equal(total_ms + resend->intervals.ms[0], 32000);
}

/* switchd reads these numbers as its own enums. */
static void words_keep_their_places(void **state)
{
	(void)state;
	assert_int_equal(WORD_MEDIA_PROXY_AUTO, 0);
	assert_int_equal(WORD_MEDIA_PROXY_ON, 1);
	assert_int_equal(WORD_MEDIA_PROXY_OFF, 2);
	assert_int_equal(WORD_MEDIA_PROXY_MUST_ON, 3);
	assert_int_equal(WORD_LOCK_NONE, 0);
	assert_int_equal(WORD_LOCK_OUT, 1);
	assert_int_equal(WORD_LOCK_IN, 2);
	assert_int_equal(WORD_LOCK_ALL, 3);
	assert_string_equal(field_at(FIELD_PHONE_LOCK)->spec.words[WORD_LOCK_IN], "in");
	assert_string_equal(field_at(FIELD_PHONE_MEDIA_PROXY)->spec.words[WORD_MEDIA_PROXY_MUST_ON],
			    "must-on");
}

/* No word or alias of a list reads as another word of it. */
static void assert_words_distinct(const struct value_spec *spec)
{
	struct value value;

	for (int i = 0; spec->type == VALUE_ENUM && spec->words[i]; i++) {
		const char *rest = spec->word_aliases[i] ? spec->word_aliases[i] : "";

		assert_int_equal(value_parse(spec, "word", span_of(spec->words[i]), &value, NULL),
				 VOS_OK);
		assert_int_equal(value.number, i);
		while (*rest) {
			struct span alias = {rest, strcspn(rest, "|")};

			assert_int_equal(value_parse(spec, "word", alias, &value, NULL), VOS_OK);
			assert_int_equal(value.number, i);
			rest += alias.len + (rest[alias.len] == '|');
		}
	}
}

static void words_are_distinct(void **state)
{
	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++)
		assert_words_distinct(&param_at(i)->spec);
	for (int i = 0; i < FIELD_COUNT; i++)
		assert_words_distinct(&field_at(i)->spec);
	for (int i = 0; i < OBJECT_COUNT; i++)
		assert_words_distinct(&object_at(i)->key);
}

static void fields_belong_to_their_objects(void **state)
{
	int next = 0;

	(void)state;
	for (int i = 0; i < OBJECT_COUNT; i++) {
		const struct object_type *type = object_at(i);

		assert_int_equal(type->first_field, next);
		assert_true(type->field_count > 0);
		next += type->field_count;
		assert_int_equal(object_kind_find(span_of(type->keyword)), i);
		for (int f = type->first_field; f < next; f++) {
			assert_int_equal(field_at(f)->kind, i);
			assert_int_equal(
				field_find((enum object_kind)i, span_of(field_at(f)->keyword)), f);
		}
	}
	assert_int_equal(next, FIELD_COUNT);
	assert_int_equal(object_kind_find(SPAN_LIT("gateway")), -1);
	assert_int_equal(field_find(OBJECT_LISTEN, SPAN_LIT("password")), -1);
	assert_int_equal(field_find(OBJECT_PHONE, SPAN_LIT("Media-Proxy")),
			 FIELD_PHONE_MEDIA_PROXY);
}

static void keys_and_references_fit(void **state)
{
	(void)state;
	for (int i = 0; i < OBJECT_COUNT; i++) {
		const struct object_type *type = object_at(i);

		assert_int_equal(type->is_singleton, type->key.type == VALUE_NONE);
		assert_int_equal(type->is_singleton, *type->key_label == '\0');
		for (int tab = 0; tab < TAB_COUNT; tab++)
			assert_string_not_equal(type->keyword, tab_keyword((enum param_tab)tab));
	}
	for (int i = 0; i < FIELD_COUNT; i++) {
		const struct field *field = field_at(i);

		if (field->is_list)
			assert_false(field->has_default);
		if (field->refers_to == OBJECT_COUNT)
			continue;
		assert_int_equal(field->spec.type, VALUE_STRING);
		assert_false(object_type(field->refers_to)->is_singleton);
	}
	assert_int_equal(field_at(FIELD_PHONE_NETWORK)->refers_to, OBJECT_NETWORK);
	assert_int_equal(field_at(FIELD_PHONE_NAME)->refers_to, OBJECT_COUNT);
	assert_true(field_at(FIELD_MAPPING_GATEWAY_ADDRESS)->is_list);
	assert_true(field_at(FIELD_ROUTING_GATEWAY_PREFIXES)->is_list);
	assert_false(field_at(FIELD_PHONE_ADDRESS)->is_list);
}

static void nothing_is_in_effect_in_a_kind_that_is_not(void **state)
{
	(void)state;
	for (int i = 0; i < FIELD_COUNT; i++)
		if (field_at(i)->in_effect && !object_type(field_at(i)->kind)->in_effect)
			fail_msg("%s %s is in effect, its kind is not",
				 object_type(field_at(i)->kind)->keyword, field_at(i)->keyword);
}

static void words_of_the_shell(void **state)
{
	(void)state;
	assert_string_equal(tab_keyword(TAB_SIP), "sip-parameter");
	assert_string_equal(tab_keyword(TAB_AUDIO), "audio-service-parameter");
	assert_string_equal(tab_title(TAB_AUDIO), "Audio service");
	assert_string_equal(apply_class_name(APPLY_NOW), "now");
	assert_string_equal(apply_class_name(APPLY_NEW_CALLS), "new-calls");
	assert_string_equal(apply_class_name(APPLY_NEW_REGISTRATIONS), "new-registrations");
	assert_string_equal(apply_class_name(APPLY_RESTART), "restart");
}

TEST_MAIN(cmocka_unit_test(no_parameter_was_dropped_or_renamed),
	  cmocka_unit_test(names_and_aliases_lead_to_one_parameter),
	  cmocka_unit_test(keywords_follow_from_names), cmocka_unit_test(every_row_explains_itself),
	  cmocka_unit_test(specs_are_complete), cmocka_unit_test(defaults_parse_or_are_unset),
	  cmocka_unit_test(decided_readings_are_the_defaults),
	  cmocka_unit_test(words_keep_their_places), cmocka_unit_test(words_are_distinct),
	  cmocka_unit_test(fields_belong_to_their_objects),
	  cmocka_unit_test(keys_and_references_fit),
	  cmocka_unit_test(nothing_is_in_effect_in_a_kind_that_is_not),
	  cmocka_unit_test(words_of_the_shell))
