/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of ?: word, type, help, default. */
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

static void add_row(void *context, const struct candidate *row)
{
	buf_printf(context, "%s;%s;%s;%s\n", row->word, row->type, row->help, row->standard);
}

static const char *help(const char *mode_text, enum role role, const char *line, struct buf *out)
{
	struct mode mode;

	out->len = 0;
	assert_true(mode_parse(span_of(mode_text), &mode));
	grammar_help(grammar, &mode, role, span_of(line), add_row, out);
	return buf_cstr(out);
}

static void describes_parameters(void **state)
{
	struct buf out = buf_new();
	const char *text = help("config-sip-parameter", ROLE_ADMIN, "nat-keep-alive-", &out);
	char expected[1024];
	size_t len = 0;

	(void)state;
	for (int id = PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE;
	     id <= PARAM_SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS; id++) {
		const struct param *param = param_get((enum param_id)id);
		struct buf type = buf_new();

		value_print_type(&param->spec, &type);
		len += (size_t)snprintf(expected + len, sizeof(expected) - len, "%s;%s;%s;%s\n",
					param->keyword, buf_cstr(&type), param->help,
					param->default_text);
		buf_free(&type);
	}
	assert_string_equal(text, expected);
	assert_non_null(strstr(text, "nat-keep-alive-period;<10..86400 s>;"));
	assert_non_null(strstr(text, ";30\n"));
	buf_free(&out);
}

static void tells_what_is_not_in_effect(void **state)
{
	struct buf out = buf_new();

	(void)state;
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);
		struct mode mode = {.kind = MODE_TAB, .tab = param->tab};
		char text[MODE_KEY_MAX + 48];

		help(mode_print(&mode, text), ROLE_ADMIN, param->name, &out);
		assert_int_equal(strstr(buf_cstr(&out), "; not in effect yet;") != NULL,
				 !param->in_effect);
	}
	buf_free(&out);
}

static void separates_word_and_next_word(void **state)
{
	struct buf out = buf_new();

	(void)state;
	assert_string_equal(
		help("exec", ROLE_ADMIN, "show call", &out),
		"calls;;calls in progress;\n"
		"call;;one call: both legs, codecs, media path, timers, route attempts;\n");
	assert_string_equal(help("exec", ROLE_ADMIN, "show call ", &out),
			    ";<id>;call id, as show calls prints it;\n");
	buf_free(&out);
}

static void offers_the_end(void **state)
{
	struct buf out = buf_new();

	(void)state;
	assert_non_null(strstr(help("exec", ROLE_ADMIN, "show calls ", &out), "<cr>;"));
	assert_non_null(strstr(help("exec", ROLE_ADMIN, "show calls ", &out), "|;"));
	assert_null(strstr(help("exec", ROLE_ADMIN, "show calls caller ", &out), "<cr>;"));
	assert_null(strstr(help("exec", ROLE_ADMIN, "show calls a", &out), "<cr>;"));
	assert_string_equal(help("config", ROLE_ADMIN, "no hostname ", &out), "<cr>;;;\n");
	assert_string_equal(help("config", ROLE_ADMIN, "discard ", &out),
			    "|;;filter or save the output;\n<cr>;;;\n");
	buf_free(&out);
}

static void describes_values(void **state)
{
	struct buf out = buf_new();

	(void)state;
	assert_non_null(strstr(help("config-phone:1", ROLE_ADMIN, "media-proxy ", &out),
			       ";{auto|on|off|must-on};"));
	assert_string_equal(help("config-phone:1", ROLE_ADMIN, "media-proxy mu", &out),
			    "must-on;;;\n");
	assert_string_equal(
		help("config-sip-parameter", ROLE_ADMIN, "nat-keep-alive-period 2", &out),
		";<10..86400 s>;one round over all NAT devices;30\n");
	assert_string_equal(help("config", ROLE_ADMIN, "phone ", &out),
			    ";<number>;a phone or other endpoint with a number of its own;\n");
	assert_string_equal(help("exec", ROLE_ADMIN, "show calls state tr", &out), "trying;;;\n");
	buf_free(&out);
}

static void hides_above_role(void **state)
{
	struct buf out = buf_new();

	(void)state;
	assert_null(strstr(help("exec", ROLE_MONITOR, "", &out), "configure;"));
	assert_null(strstr(help("exec", ROLE_MONITOR, "", &out), "clear;"));
	assert_non_null(strstr(help("exec", ROLE_OPERATOR, "", &out), "clear;"));
	assert_null(strstr(help("exec", ROLE_OPERATOR, "", &out), "shutdown;"));
	assert_non_null(strstr(help("exec", ROLE_ADMIN, "", &out), "shutdown;"));
	buf_free(&out);
}

static void is_silent_behind_a_fault(void **state)
{
	struct buf out = buf_new();

	(void)state;
	assert_string_equal(help("exec", ROLE_ADMIN, "bogus ", &out), "");
	assert_string_equal(help("exec", ROLE_ADMIN, "show version now ", &out), "");
	assert_string_equal(help("exec", ROLE_ADMIN, "show \xff", &out), "");
	buf_free(&out);
}

/* Everything that ? can list has a help text, except the words of a value. */
static void rows_have_help(void **state)
{
	static const char *const places[][2] = {
		{"exec", ""},
		{"exec", "show "},
		{"exec", "show media "},
		{"exec", "show calls "},
		{"exec", "show registrations "},
		{"exec", "show nat-keep-alive "},
		{"exec", "show nat-keep-alive capacity "},
		{"exec", "show nat-keep-alive phones "},
		{"exec", "show parameters "},
		{"exec", "clear "},
		{"exec", "clear authentication suspended "},
		{"exec", "configure "},
		{"exec", "shutdown "},
		{"exec", "show version | "},
		{"exec", "show version | save f "},
		{"config", ""},
		{"config", "commit "},
		{"config-softswitch-management", ""},
		{"config-additional-settings", ""},
		{"config-system-parameter", ""},
		{"config-phone:1", ""},
	};
	struct buf out = buf_new();

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		char *line = (char *)(uintptr_t)help(places[i][0], ROLE_ADMIN, places[i][1], &out);

		assert_true(line[0]);
		for (char *next; line && *line; line = next) {
			char *semicolon = strchr(strchr(line, ';') + 1, ';');

			next = strchr(line, '\n') + 1;
			if (strncmp(line, "<cr>", 4) != 0 && semicolon[1] == ';')
				fail_msg("%s: %s: %.*s", places[i][0], places[i][1],
					 (int)(next - line), line);
		}
	}
	buf_free(&out);
}

static void lists_all_commands(void **state)
{
	struct mode exec = {.kind = MODE_EXEC};
	struct mode config = {.kind = MODE_CONFIG};
	struct buf out = buf_new();

	(void)state;
	grammar_list(grammar, &exec, ROLE_ADMIN, add_row, &out);
	assert_non_null(strstr(buf_cstr(&out), "show call <id> [advice];"));
	assert_non_null(strstr(buf_cstr(&out), "[state <state>] [brief | detail];"));
	assert_null(strstr(buf_cstr(&out), "commit ["));
	out.len = 0;
	grammar_list(grammar, &config, ROLE_ADMIN, add_row, &out);
	assert_non_null(strstr(buf_cstr(&out), "commit [check] [confirmed <minutes>] [force] "));
	assert_non_null(strstr(buf_cstr(&out), "phone;<number>;"));
	assert_null(strstr(buf_cstr(&out), "clear call"));
	out.len = 0;
	grammar_list(grammar, &exec, ROLE_MONITOR, add_row, &out);
	assert_null(strstr(buf_cstr(&out), "shutdown"));
	buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(describes_parameters),
		cmocka_unit_test(tells_what_is_not_in_effect),
		cmocka_unit_test(separates_word_and_next_word),
		cmocka_unit_test(offers_the_end),
		cmocka_unit_test(describes_values),
		cmocka_unit_test(hides_above_role),
		cmocka_unit_test(is_silent_behind_a_fault),
		cmocka_unit_test(rows_have_help),
		cmocka_unit_test(lists_all_commands),
	};

	return cmocka_run_group_tests(tests, make_grammar, free_grammar);
}
