/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What TAB offers, and which values it would ask switchd for. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/grammar/grammar.h"

static struct grammar *grammar;

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

static void add_word(void *context, const struct candidate *candidate)
{
	struct buf *out = context;

	if (out->len)
		buf_add_char(out, ' ');
	buf_add_str(out, candidate->word);
}

struct row {
	const char *mode;
	const char *line;
	const char *words;
	const char *word;
	enum value_source source;
};

static const struct row rows[] = {
	{"exec", "sho", "show", "sho", SOURCE_NONE},
	{"exec", "shut", "shutdown", "shut", SOURCE_NONE},
	{"exec", "show c", "clock calls call configuration capacity counters cdr", "c",
	 SOURCE_NONE},
	{"exec", "show call ", "", "", SOURCE_CALLS},
	{"exec", "show call 1", "", "1", SOURCE_CALLS},
	{"exec", "show calls st", "state", "st", SOURCE_NONE},
	{"exec", "show calls state ", "setup trying ringing connected releasing", "", SOURCE_NONE},
	{"exec", "show calls brief d", "", "d", SOURCE_NONE},
	{"exec", "show calls brief ph", "phone", "ph", SOURCE_NONE},
	{"exec", "clear reg ", "outbound all", "", SOURCE_PHONES},
	{"exec", "show parameter SS_QOS", "SS_QOS_SIGNAL SS_QOS_RTP", "SS_QOS", SOURCE_PARAMETERS},
	{"exec", "show parameter ss_qos_r", "SS_QOS_RTP", "ss_qos_r", SOURCE_PARAMETERS},
	{"exec", "show version |", "|", "|", SOURCE_NONE},
	{"exec", "show version | in", "include", "in", SOURCE_NONE},
	{"exec", "show version | save f ", "append |", "", SOURCE_NONE},
	{"exec", "set ss_qos_", "SS_QOS_SIGNAL SS_QOS_RTP", "ss_qos_", SOURCE_NONE},
	{"exec", "set phone 1 lo", "lock local-address local-ring local-ring-delay", "lo",
	 SOURCE_NONE},
	{"exec", "set ph", "phone", "ph", SOURCE_NONE},
	{"exec", "bogus x", "", NULL, SOURCE_NONE},
	{"exec", "\"sh", "", "\"sh", SOURCE_NONE},
	{"config", "soft add s", "system-parameter sip-parameter", "s", SOURCE_NONE},
	{"config", "phone ", "", "", SOURCE_PHONES},
	{"config", "no routing-gateway ", "", "", SOURCE_ROUTING_GATEWAYS},
	{"config", "network ", "", "", SOURCE_OBJECT_KEYS},
	{"config", "do sh", "show shutdown", "sh", SOURCE_NONE},
	{"config", "ss_qos_s", "SS_QOS_SIGNAL", "ss_qos_s", SOURCE_NONE},
	{"config", "SS_MEDIA_PROXY_MODE = m", "must-on", "m", SOURCE_NONE},
	{"config-sip-parameter", "nat-keep-alive-s",
	 "nat-keep-alive-send-interval nat-keep-alive-send-one-time", "nat-keep-alive-s",
	 SOURCE_NONE},
	{"config-phone:1", "media-proxy ", "auto on off must-on", "", SOURCE_NONE},
	{"config-phone:1", "local-ring o", "on off", "o", SOURCE_NONE},
	{"config-phone:1", "network ", "", "", SOURCE_OBJECT_KEYS},
	{"config-phone:1", "password ", "plain sealed", "", SOURCE_NONE},
	{"config", "! note", "", NULL, SOURCE_NONE},
};

static void completes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct completion completion;
		struct buf words = buf_new();
		struct mode mode;

		assert_true(mode_parse(span_of(rows[i].mode), &mode));
		grammar_complete(grammar, &mode, ROLE_ADMIN, span_of(rows[i].line), &completion,
				 add_word, &words);
		if (strcmp(buf_cstr(&words), rows[i].words) != 0)
			fail_msg("%s: %s: %s", rows[i].mode, rows[i].line, buf_cstr(&words));
		assert_int_equal(completion.source, rows[i].source);
		if (rows[i].word)
			assert_true(span_eq(completion.word, span_of(rows[i].word)));
		buf_free(&words);
	}
}

static void hides_above_role(void **state)
{
	struct mode mode = {.kind = MODE_EXEC};
	struct completion completion;
	struct buf words = buf_new();

	(void)state;
	grammar_complete(grammar, &mode, ROLE_MONITOR, SPAN_LIT("c"), &completion, add_word,
			 &words);
	assert_string_equal(buf_cstr(&words), "");
	grammar_complete(grammar, &mode, ROLE_OPERATOR, SPAN_LIT("c"), &completion, add_word,
			 &words);
	assert_string_equal(buf_cstr(&words), "clear");
	words.len = 0;
	grammar_complete(grammar, &mode, ROLE_ADMIN, SPAN_LIT("c"), &completion, add_word, &words);
	assert_string_equal(buf_cstr(&words), "clear certificates configure commit");
	buf_free(&words);
}

static void names_the_kind_of_keys(void **state)
{
	static const struct {
		const char *mode;
		const char *line;
		enum object_kind kind;
	} keys[] = {
		{"config", "network ", OBJECT_NETWORK},
		{"config-phone:1", "network ", OBJECT_NETWORK},
		{"config-phone:1", "caller-transform ", OBJECT_NUMBER_TRANSFORM},
		{"exec", "show running-config user ", OBJECT_USER},
		{"config", "no listen ", OBJECT_LISTEN},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct completion completion;
		struct buf words = buf_new();
		struct mode mode;

		assert_true(mode_parse(span_of(keys[i].mode), &mode));
		grammar_complete(grammar, &mode, ROLE_ADMIN, span_of(keys[i].line), &completion,
				 add_word, &words);
		assert_int_equal(completion.source, SOURCE_OBJECT_KEYS);
		assert_int_equal(completion.object, keys[i].kind);
		buf_free(&words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(completes),
		cmocka_unit_test(hides_above_role),
		cmocka_unit_test(names_the_kind_of_keys),
	};

	return cmocka_run_group_tests(tests, make_grammar, free_grammar);
}
