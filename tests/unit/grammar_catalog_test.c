/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Properties of the whole language: every parameter and field can be set, every command reaches its
 * own row, every abbreviation means one word or is called ambiguous. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/grammar/grammar_private.h"
#include "shared/grammar/token.h"

static struct grammar *grammar;
static struct match match;

static int make_grammar(void **state)
{
	(void)state;
	grammar = grammar_create();
	return grammar ? 0 : -1;
}

static int free_grammar(void **state)
{
	(void)state;
	grammar_destroy(grammar);
	return 0;
}

/* --- Values: texts that may fit a spec. --- */

#define SAMPLES_MAX 80
#define SAMPLE_SIZE 600

struct samples {
	char text[SAMPLES_MAX][SAMPLE_SIZE];
	int count;
};

static void add_sample(struct samples *samples, const char *text)
{
	if (samples->count < SAMPLES_MAX && strlen(text) < SAMPLE_SIZE)
		strcpy(samples->text[samples->count++], text);
}

static void add_repeated(struct samples *samples, char c, int64_t count)
{
	char text[SAMPLE_SIZE];

	if (count < 0 || count >= SAMPLE_SIZE)
		return;
	memset(text, c, (size_t)count);
	text[count] = 0;
	add_sample(samples, text);
}

static void collect_samples(struct samples *samples, const struct value_spec *spec)
{
	static const char *const fixed[] = {
		"on",
		"off",
		"0x00",
		"0xfc",
		"10000,10001",
		"1024,65535",
		"0.5,1,2",
		"90/3600",
		"192.0.2.1",
		"192.0.2.1:5060",
		"10.0.0.0/8",
		"a",
		"1:2",
		"486:503",
		"host.example",
		"host:5060",
		"/tmp/x",
		"0",
		"1->2",
		"\"two words\"",
		"a b",
		"\xc3\xa9",
		"alice",
		"+49*",
		"300",
		"mon-fri 08:00-18:00 allow",
		"*",
		"2001:db8::1",
		"http://h/",
		"deny mon 1-2",
		"a|b",
		"allow mon-fri 08:00-18:00",
		"08:00-18:00",
	};
	char number[32];

	samples->count = 0;
	for (int64_t i = 0; spec->type == VALUE_ENUM && spec->words[i]; i++)
		add_sample(samples, spec->words[i]);
	snprintf(number, sizeof(number), "%lld", (long long)spec->min);
	add_sample(samples, number);
	snprintf(number, sizeof(number), "%lld", (long long)spec->max);
	add_sample(samples, number);
	if (spec->type == VALUE_STRING || spec->type == VALUE_SECRET) {
		add_repeated(samples, 'a', spec->min);
		add_repeated(samples, 'a', spec->max);
		add_repeated(samples, '1', spec->max);
	}
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		add_sample(samples, fixed[i]);
}

static bool fits(const struct value_spec *spec, const char *text)
{
	struct value value = {0};

	if (value_parse(spec, "", span_of(text), &value, NULL) != VOS_OK)
		return false;
	value_clear(&value);
	return true;
}

/* `before` + the quoted value matches as `command`, and gives the value back. */
static void check_line(const char *mode_text, const char *before, const char *value,
		       enum command_id command, const struct value_spec *spec)
{
	struct buf line = buf_new();
	struct vos_fault fault = {0};
	struct mode mode;

	buf_printf(&line, "%s ", before);
	token_quote(span_of(value), &line);
	assert_true(mode_parse(span_of(mode_text), &mode));
	if (grammar_match(grammar, &mode, buf_span(&line), &match, &fault) != VOS_OK)
		fail_msg("%s: %s: %s", mode_text, buf_cstr(&line), fault.text);
	assert_int_equal(match.command, command);
	assert_true(span_eq(match.value_text, span_of(value)));
	assert_int_equal(match.has_secret, spec->type == VALUE_SECRET);
	if (spec->type == VALUE_SECRET)
		assert_null(strstr(match.full_line + strlen(before), "aaa"));
	buf_free(&line);
}

static bool is_secret_word(const char *text)
{
	return strcmp(text, "plain") == 0 || strcmp(text, "sealed") == 0;
}

static void every_parameter_is_set(void **state)
{
	static struct samples samples;

	(void)state;
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);
		char mode[80];
		int tried = 0;

		snprintf(mode, sizeof(mode), "config-%s", tab_keyword(param->tab));
		collect_samples(&samples, &param->spec);
		if (param->has_default) {
			assert_true(fits(&param->spec, param->default_text));
			add_sample(&samples, param->default_text);
		}
		for (int i = 0; i < samples.count; i++) {
			const char *text = samples.text[i];

			if (!fits(&param->spec, text) || is_secret_word(text))
				continue;
			tried++;
			check_line(mode, param->keyword, text, COMMAND_PARAM_SET, &param->spec);
			assert_int_equal(match.param, id);
			check_line(mode, param->name, text, COMMAND_PARAM_SET, &param->spec);
			assert_int_equal(match.param, id);
			check_line("config", param->name, text, COMMAND_PARAM_SET, &param->spec);
			assert_int_equal(match.param, id);
		}
		if (!tried)
			fail_msg("%s: no sample fits", param->name);
	}
}

static void every_number_is_bounded(void **state)
{
	(void)state;
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);
		struct vos_fault fault = {0};
		struct mode mode = {.kind = MODE_TAB, .tab = param->tab};
		char line[160];

		if (param->spec.type != VALUE_INT && param->spec.type != VALUE_DURATION)
			continue;
		snprintf(line, sizeof(line), "%s %lld", param->keyword,
			 (long long)param->spec.max + 1);
		assert_int_equal(grammar_match(grammar, &mode, span_of(line), &match, &fault),
				 VOS_EINVAL);
		assert_int_equal(fault.code, FAULT_VALUE_RANGE);
		assert_int_equal(fault.column, strlen(param->keyword) + 2);
	}
}

/* A key that the kind takes, in canonical form; "" for one without. */
static const char *sample_key(enum object_kind kind, struct samples *samples)
{
	const struct object_type *type = object_type(kind);

	if (type->is_singleton)
		return "";
	collect_samples(samples, &type->key);
	for (int i = 0; i < samples->count; i++) {
		struct buf canonical = buf_over(samples->text[i], SAMPLE_SIZE - 1);
		struct value value = {0};

		if (strlen(samples->text[i]) > 31 ||
		    value_parse(&type->key, "", span_of(samples->text[i]), &value, NULL) != VOS_OK)
			continue;
		value_print(&type->key, &value, &canonical);
		samples->text[i][canonical.len] = 0;
		value_clear(&value);
		return samples->text[i];
	}
	fail_msg("%s: no key fits", type->keyword);
	return NULL;
}

static void every_field_is_set(void **state)
{
	static struct samples samples;
	static struct samples keys;

	(void)state;
	for (int id = 0; id < FIELD_COUNT; id++) {
		const struct field *field = field_get((enum field_id)id);
		const struct object_type *type = object_type(field->kind);
		const char *key = sample_key(field->kind, &keys);
		char mode[MODE_KEY_MAX + 48] = "config";
		char before[SAMPLE_SIZE];
		char set_before[SAMPLE_SIZE + 4];
		int tried = 0;

		if (type->keyword[0])
			mode_print(&(struct mode){.kind = MODE_OBJECT, .object = field->kind},
				   mode);
		if (key[0])
			snprintf(mode, sizeof(mode), "config-%s:%s", type->keyword, key);
		snprintf(before, sizeof(before), "%s %s %s", type->keyword, key, field->keyword);
		snprintf(set_before, sizeof(set_before), "set %s", before);
		collect_samples(&samples, &field->spec);
		if (field->has_default)
			add_sample(&samples, field->default_text);
		for (int i = 0; i < samples.count; i++) {
			const char *text = samples.text[i];

			if (!fits(&field->spec, text) || is_secret_word(text))
				continue;
			tried++;
			check_line(mode, field->keyword, text, COMMAND_FIELD_SET, &field->spec);
			assert_int_equal(match.field, id);
			assert_string_equal(match.key, key);
			check_line("config", before, text, COMMAND_FIELD_SET, &field->spec);
			assert_int_equal(match.field, id);
			assert_string_equal(match.key, key);
			check_line("exec", set_before, text, COMMAND_SET, &field->spec);
			assert_int_equal(match.inner, COMMAND_FIELD_SET);
			assert_int_equal(match.field, id);
		}
		if (!tried)
			fail_msg("%s %s: no sample fits", type->keyword, field->keyword);
	}
}

/* --- Commands. --- */

static const struct {
	enum command_id id;
	const char *pattern;
	unsigned where;
} rows[] = {
#define COMMAND(id_, pattern_, role_, where_, ...) {COMMAND_##id_, pattern_, where_},
#include "shared/grammar/commands.def"
#undef COMMAND
};

static const char *sample_of_slot(const char *name)
{
	static const struct {
		const char *name;
		const char *text;
	} texts[] = {
		{"state", "ringing"},
		{"tab", "sip-parameter"},
		{"section", "phone"},
		{"address", "192.0.2.1"},
		{"line", "SS_QOS_RTP = 0xb8"},
		{"comment", "\"a note\""},
		{"leg", "a"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name) == 0)
			return texts[i].text;
	}
	return "1";
}

static void add_text(struct buf *line, const char *text)
{
	buf_printf(line, "%s%s", line->len ? " " : "", text);
}

/* Writes one line that the pattern takes: with or without what may be left out; the last
 * alternative or the first. Returns behind what it read. */
static const char *expand(const char *at, bool is_full, bool is_last, bool is_written,
			  struct buf *line)
{
	while (*at && *at != ']' && *at != '}' && *at != '|') {
		char word[64] = "";

		if (*at == ' ') {
			at++;
		} else if (*at == '[' || *at == '{') {
			bool is_taken = is_written && (*at == '{' || is_full);
			const char *ahead = at + 1;
			struct buf alternative = buf_new();

			/* The last alternative overwrites those before it; else only the first is
			 * kept. */
			for (bool is_first = true;; is_first = false) {
				if (is_first || is_last)
					alternative.len = 0;
				ahead = expand(ahead, is_full, is_last, is_first || is_last,
					       &alternative);
				if (*ahead != '|')
					break;
				ahead++;
			}
			if (is_taken && alternative.len)
				add_text(line, buf_cstr(&alternative));
			buf_free(&alternative);
			at = ahead + 1;
		} else if (*at == '<') {
			size_t len = strcspn(at, ">");

			memcpy(word, at + 1, len - 1);
			if (is_written)
				add_text(line, sample_of_slot(word));
			at += len + 1;
		} else {
			size_t len = strcspn(at, " |[]{}<");

			memcpy(word, at, len);
			if (is_written)
				add_text(line, word);
			at += len;
		}
	}
	return at;
}

static void every_command_matches_itself(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mode mode = {.kind = rows[i].where & IN_EXEC ? MODE_EXEC : MODE_CONFIG};

		for (int form = 0; form < 4; form++) {
			struct buf line = buf_new();
			struct vos_fault fault = {0};

			expand(rows[i].pattern, form & 1, form & 2, true, &line);
			if (grammar_match(grammar, &mode, buf_span(&line), &match, &fault) !=
			    VOS_OK)
				fail_msg("%s: column %d: %s", buf_cstr(&line), fault.column,
					 fault.text);
			assert_string_equal(command_name(match.command), command_name(rows[i].id));
			assert_string_equal(match.full_line, buf_cstr(&line));
			assert_false(match.is_abbreviated);
			buf_free(&line);
		}
	}
}

static void commands_have_help_and_names(void **state)
{
	(void)state;
	for (int id = 0; id < COMMAND_COUNT; id++) {
		assert_true(strlen(command_name((enum command_id)id)) > 2);
		assert_null(
			strpbrk(command_name((enum command_id)id), "_ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
	}
	assert_string_equal(command_name(COMMAND_SHOW_CALLS), "show-calls");
	assert_string_equal(command_name(COMMAND_FIELD_RESET), "field-reset");
	assert_string_equal(command_schema(COMMAND_SHOW_CALLS), "calls/1");
	assert_null(command_schema(COMMAND_EXIT));
	assert_null(command_schema(COMMAND_PARAM_SET));
	assert_int_equal(command_role(COMMAND_SHOW_CALLS), ROLE_MONITOR);
	assert_int_equal(command_role(COMMAND_CLEAR_CALL), ROLE_OPERATOR);
	assert_int_equal(command_role(COMMAND_PARAM_SET), ROLE_ADMIN);
	assert_true(command_is_local(COMMAND_HISTORY));
	assert_false(command_is_local(COMMAND_SHOW_CALLS));
}

/* --- Abbreviations. --- */

#define WORDS_MAX 400

struct word_list {
	char words[WORDS_MAX][192];
	int count;
};

static void add_word(void *context, const struct candidate *candidate)
{
	struct word_list *list = context;

	assert_true(list->count < WORDS_MAX);
	for (int i = 0; i < list->count; i++)
		assert_string_not_equal(list->words[i], candidate->word);
	strcpy(list->words[list->count++], candidate->word);
}

static void check_prefixes(const struct mode *mode, const char *before,
			   const struct word_list *list, const char *word)
{
	for (size_t len = 1; len <= strlen(word); len++) {
		struct buf line = buf_new();
		struct vos_fault fault = {0};
		bool is_exact = false;
		int fitting = 0;
		enum vos_err err;
		int column = (int)strlen(before) + 1;

		for (int i = 0; i < list->count; i++) {
			if (strcmp(list->words[i], "shutdown") == 0 ||
			    strncmp(list->words[i], word, len) != 0)
				continue;
			fitting++;
			is_exact |= strlen(list->words[i]) == len;
		}
		buf_printf(&line, "%s%.*s", before, (int)len, word);
		err = grammar_match(grammar, mode, buf_span(&line), &match, &fault);
		if (is_exact || fitting == 1) {
			if (err != VOS_OK && fault.column == column)
				fail_msg("%s: %s", buf_cstr(&line), fault.text);
		} else if (fitting > 1) {
			assert_int_equal(err, VOS_EINVAL);
			assert_int_equal(fault.code, FAULT_SYNTAX_AMBIGUOUS);
			assert_int_equal(fault.column, column);
			/* A long list says how many it leaves out. */
			if (!strstr(fault.text, word) && !strstr(fault.text, " more"))
				fail_msg("%s: %s is not listed: %s", buf_cstr(&line), word,
					 fault.text);
		}
		buf_free(&line);
	}
}

static void abbreviations_are_unique_or_ambiguous(void **state)
{
	static const char *const places[][2] = {
		{"exec", ""},
		{"exec", "show "},
		{"exec", "show calls "},
		{"exec", "show configuration "},
		{"exec", "clear "},
		{"exec", "show version | "},
		{"config", ""},
		{"config", "no "},
		{"config-softswitch-management", ""},
		{"config-additional-settings", ""},
		{"config-sip-parameter", ""},
		{"config-h323-parameter", ""},
		{"config-server-parameter", "default "},
		{"config-phone:1", ""},
		{"config-routing-gateway:a", ""},
		{"config-logging", "level "},
	};
	static struct word_list list;

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		struct completion completion;
		struct mode mode;

		list.count = 0;
		assert_true(mode_parse(span_of(places[i][0]), &mode));
		grammar_complete(grammar, &mode, ROLE_ADMIN, span_of(places[i][1]), &completion,
				 add_word, &list);
		assert_true(list.count > 0);
		for (int j = 0; j < list.count; j++) {
			/* Not abbreviable, see commands.def. */
			if (strcmp(list.words[j], "shutdown") == 0)
				continue;
			check_prefixes(&mode, places[i][1], &list, list.words[j]);
		}
	}
}

static void hash_is_stable(void **state)
{
	struct grammar *other = grammar_create();

	(void)state;
	assert_non_null(other);
	assert_string_equal(grammar_hash(other), grammar_hash(grammar));
	assert_int_equal(strlen(grammar_hash(other)), 16);
	grammar_destroy(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_parameter_is_set),
		cmocka_unit_test(every_number_is_bounded),
		cmocka_unit_test(every_field_is_set),
		cmocka_unit_test(every_command_matches_itself),
		cmocka_unit_test(commands_have_help_and_names),
		cmocka_unit_test(abbreviations_are_unique_or_ambiguous),
		cmocka_unit_test(hash_is_stable),
	};

	return cmocka_run_group_tests(tests, make_grammar, free_grammar);
}
