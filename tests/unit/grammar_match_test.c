/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole lines: what they match, what they capture, how they are refused. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/grammar/grammar.h"

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

static enum vos_err run(const char *mode_text, const char *line, struct vos_fault *fault)
{
	struct mode mode;

	assert_true(mode_parse(span_of(mode_text), &mode));
	*fault = (struct vos_fault){0};
	return grammar_match(grammar, &mode, span_of(line), &match, fault);
}

struct good_row {
	const char *mode;
	const char *line;
	enum command_id command;
	const char *full_line;
	const char *target; /* NULL: the mode */
};

static const struct good_row good_rows[] = {
	{"exec", "show version", COMMAND_SHOW_VERSION, "show version", NULL},
	{"exec", "sh ver", COMMAND_SHOW_VERSION, "show version", NULL},
	{"exec", "SHOW Version", COMMAND_SHOW_VERSION, "show version", NULL},
	{"exec", "show call 17", COMMAND_SHOW_CALL, "show call 17", NULL},
	{"exec", "show calls", COMMAND_SHOW_CALLS, "show calls", NULL},
	{"exec", "show calls brief state ri callee 2 act", COMMAND_SHOW_CALLS,
	 "show calls brief state ringing callee 2 active", NULL},
	{"exec", "sh nat cap dev 500", COMMAND_SHOW_NAT_KEEP_ALIVE_CAPACITY,
	 "show nat-keep-alive capacity devices 500", NULL},
	{"exec", "show nat-keep-alive", COMMAND_SHOW_NAT_KEEP_ALIVE, "show nat-keep-alive", NULL},
	{"exec", "sh nat ph mis ph 1001 unr", COMMAND_SHOW_NAT_KEEP_ALIVE_PHONES,
	 "show nat-keep-alive phones missed phone 1001 unreachable", NULL},
	{"exec", "show running phone 1001 red", COMMAND_SHOW_RUNNING_CONFIG,
	 "show running-config phone 1001 redact", NULL},
	{"exec", "show running", COMMAND_SHOW_RUNNING_CONFIG, "show running-config", NULL},
	{"exec", "show calls | inc a|b | LAST 5 | save \"my file\" app", COMMAND_SHOW_CALLS,
	 "show calls | include a|b | last 5 | save \"my file\" append", NULL},
	{"exec", "conf t", COMMAND_CONFIGURE, "configure terminal", "config"},
	{"exec", "exit", COMMAND_EXIT, "exit", "exec"},
	{"exec", "clear reg all", COMMAND_CLEAR_REGISTRATION, "clear registration all", NULL},
	{"exec", "clear reg \"all\"", COMMAND_CLEAR_REGISTRATION, "clear registration \"all\"",
	 NULL},
	{"exec", "shutdown graceful 30", COMMAND_SHUTDOWN, "shutdown graceful 30", NULL},
	{"exec", "set SS_SIP_NAT_KEEP_ALIVE_PERIOD = 40", COMMAND_SET,
	 "set SS_SIP_NAT_KEEP_ALIVE_PERIOD = 40", NULL},
	{"exec", "set soft add sip nat-keep-alive-per 40", COMMAND_SET,
	 "set softswitch-management additional-settings sip-parameter nat-keep-alive-period 40",
	 NULL},
	{"exec", "set phone 1001 password x", COMMAND_SET, "set phone 1001 password ******", NULL},
	{"exec", "set no phone 1001", COMMAND_SET, "set no phone 1001", NULL},
	{"exec", "set no phone 1001 nam", COMMAND_SET, "set no phone 1001 name", NULL},
	{"exec", "set def SS_SIP_SESSION_TTL", COMMAND_SET, "set default SS_SIP_SESSION_TTL", NULL},
	{"exec", "set no sip session-ttl", COMMAND_SET, "set no sip-parameter session-ttl", NULL},
	{"config-phone:1001", "conf excl", COMMAND_CONFIGURE, "configure exclusive",
	 "config-phone:1001"},
	{"config-phone:1001", "conf repl a", COMMAND_CONFIGURE_REPLACE, "configure replace a",
	 "config"},
	{"config", "soft add sip", COMMAND_MODE_ENTER,
	 "softswitch-management additional-settings sip-parameter", "config-sip-parameter"},
	{"config", "soft", COMMAND_MODE_ENTER, "softswitch-management",
	 "config-softswitch-management"},
	{"config", "sip", COMMAND_MODE_ENTER, "sip-parameter", "config-sip-parameter"},
	{"config", "server", COMMAND_MODE_ENTER, "server-parameter", "config-server-parameter"},
	{"config-softswitch-management", "add", COMMAND_MODE_ENTER, "additional-settings",
	 "config-additional-settings"},
	{"config-additional-settings", "h323", COMMAND_MODE_ENTER, "h323-parameter",
	 "config-h323-parameter"},
	{"config", "phone 1001", COMMAND_OBJECT_ENTER, "phone 1001", "config-phone:1001"},
	{"config", "trusted 192.0.2.1/32", COMMAND_OBJECT_ENTER, "trusted 192.0.2.1/32",
	 "config-trusted:192.0.2.1/32"},
	{"config", "logging", COMMAND_OBJECT_ENTER, "logging", "config-logging"},
	{"config", "logging level debug", COMMAND_FIELD_SET, "logging level debug", NULL},
	{"config", "hostname sw2", COMMAND_FIELD_SET, "hostname sw2", NULL},
	{"config", "no phone 1001", COMMAND_OBJECT_DELETE, "no phone 1001", NULL},
	{"config", "no phone 1001 password", COMMAND_FIELD_RESET, "no phone 1001 password", NULL},
	{"config", "default phone 1001 lock", COMMAND_FIELD_RESET, "default phone 1001 lock", NULL},
	{"config", "phone 1001 password x", COMMAND_FIELD_SET, "phone 1001 password ******", NULL},
	{"config", "phone 1001 pass plain \"a b\"", COMMAND_FIELD_SET,
	 "phone 1001 password plain ******", NULL},
	{"config-phone:1001", "password sealed v1:abc", COMMAND_FIELD_SET, "password sealed ******",
	 NULL},
	{"config-phone:1001", "media-proxy mu", COMMAND_FIELD_SET, "media-proxy must-on", NULL},
	{"config-phone:1001", "no forward-busy 12", COMMAND_FIELD_RESET, "no forward-busy 12",
	 NULL},
	{"config-phone:1001", "exit", COMMAND_EXIT, "exit", "config"},
	{"config-phone:1001", "end", COMMAND_END, "end", "exec"},
	{"config-sip-parameter", "exit", COMMAND_EXIT, "exit", "config-additional-settings"},
	{"config-server-parameter", "exit", COMMAND_EXIT, "exit", "config-softswitch-management"},
	{"config", "exit", COMMAND_EXIT, "exit", "exec"},
	{"config-sip-parameter", "nat-keep-alive-period 20", COMMAND_PARAM_SET,
	 "nat-keep-alive-period 20", NULL},
	{"config-sip-parameter", "no nat-keep-alive-period", COMMAND_PARAM_RESET,
	 "no nat-keep-alive-period", NULL},
	{"config-sip-parameter", "default SS_QOS_RTP", COMMAND_PARAM_RESET, "default SS_QOS_RTP",
	 NULL},
	{"config-phone:1001", "ss_sip_nat_keep_alive_period=20", COMMAND_PARAM_SET,
	 "SS_SIP_NAT_KEEP_ALIVE_PERIOD = 20", NULL},
	{"config", "SS_SIP_NAT_KEEP_ALIVE_PERIOD =20", COMMAND_PARAM_SET,
	 "SS_SIP_NAT_KEEP_ALIVE_PERIOD = 20", NULL},
	{"config", "SS_SIP_NAT_KEEP_ALIVE_MESSAGE == a", COMMAND_PARAM_SET,
	 "SS_SIP_NAT_KEEP_ALIVE_MESSAGE = = a", NULL},
	{"config", "SS_SIP_NAT_KEEP_ALIVE_MESSAGE =", COMMAND_PARAM_SET,
	 "SS_SIP_NAT_KEEP_ALIVE_MESSAGE = \"\"", NULL},
	{"config", "SS_MEDIA_PROXY_MODE = Must On\r\n", COMMAND_PARAM_SET,
	 "SS_MEDIA_PROXY_MODE = Must On", NULL},
	{"config", "SS_MEDIAPROXYMODE auto", COMMAND_PARAM_SET, "SS_MEDIA_PROXY_MODE = auto", NULL},
	{"config", "do sh ver", COMMAND_SHOW_VERSION, "do show version", NULL},
	{"config", "show version", COMMAND_SHOW_VERSION, "show version", NULL},
	{"config", "do clear call 5", COMMAND_CLEAR_CALL, "do clear call 5", NULL},
	{"config", "commit check comment raise | it", COMMAND_COMMIT,
	 "commit check comment raise | it", NULL},
	{"config", "commit comment \"a b\" force", COMMAND_COMMIT, "commit comment \"a b\" force",
	 NULL},
	{"config", "commit confirmed 1440 comment x", COMMAND_COMMIT,
	 "commit confirmed 1440 comment x", NULL},
	{"config", "commit confirm", COMMAND_COMMIT_CONFIRM, "commit confirm", NULL},
	{"exec", "commit confirm", COMMAND_COMMIT_CONFIRM, "commit confirm", NULL},
	{"exec", "conf ex", COMMAND_CONFIGURE, "configure exclusive", "config"},
	{"exec", "conf rep a.conf", COMMAND_CONFIGURE_REPLACE, "configure replace a.conf",
	 "config"},
	{"config", "load merge a.conf", COMMAND_LOAD_MERGE, "load merge a.conf", NULL},
	{"config", "rollback 3", COMMAND_ROLLBACK, "rollback 3", NULL},
};

static void matches_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(good_rows) / sizeof(good_rows[0]); i++) {
		const struct good_row *row = &good_rows[i];
		char target[MODE_KEY_MAX + 48];
		struct vos_fault fault;

		if (run(row->mode, row->line, &fault) != VOS_OK)
			fail_msg("%s: %s: column %d: %s", row->mode, row->line, fault.column,
				 fault.text);
		assert_string_equal(command_name(match.command), command_name(row->command));
		assert_string_equal(match.full_line, row->full_line);
		assert_string_equal(mode_print(&match.target, target),
				    row->target ? row->target : row->mode);
	}
}

struct bad_row {
	const char *mode;
	const char *line;
	enum fault_code code;
	int column;
	const char *text; /* part of the sentence */
};

static const struct bad_row bad_rows[] = {
	{"exec", "show cals", FAULT_SYNTAX_UNKNOWN_WORD, 6,
	 "unknown word \"cals\"; did you mean \"calls\"?"},
	{"exec", "  shwo calls", FAULT_SYNTAX_UNKNOWN_WORD, 3, "did you mean \"show\"?"},
	{"exec", "xyzzy", FAULT_SYNTAX_UNKNOWN_WORD, 1, "unknown word \"xyzzy\""},
	{"exec", "commit", FAULT_SYNTAX_INCOMPLETE, 7, "expected confirm"},
	{"exec", "commit check", FAULT_SYNTAX_UNKNOWN_WORD, 8, "unknown word"},
	{"config", "commit confirmed 0", FAULT_VALUE_RANGE, 18, "1..1440 min"},
	{"config", "commit confirmed 1441", FAULT_VALUE_RANGE, 18, "1..1440 min"},
	{"config", "commit confirmed", FAULT_SYNTAX_INCOMPLETE, 17, "1..1440 min"},
	{"config", "commit conf", FAULT_SYNTAX_AMBIGUOUS, 8, "confirm"},
	{"exec", "shut", FAULT_SYNTAX_UNKNOWN_WORD, 1, "\"shutdown\" has to be written in full"},
	{"exec", "\"show\" version", FAULT_SYNTAX_UNKNOWN_WORD, 1, "unknown word"},
	{"exec", "show r", FAULT_SYNTAX_AMBIGUOUS, 6,
	 "ambiguous word \"r\": registrations, routing-gateways, route, running-config"},
	{"exec", "clear authentication suspended a", FAULT_SYNTAX_AMBIGUOUS, 32, "all, address"},
	{"exec", "show", FAULT_SYNTAX_INCOMPLETE, 5, "expected version, status"},
	{"exec", "show call  ", FAULT_SYNTAX_INCOMPLETE, 10, "expected <id>"},
	{"exec", "show version now", FAULT_SYNTAX_UNKNOWN_WORD, 14, "unexpected word \"now\""},
	{"exec", "show calls brief brief", FAULT_SYNTAX_UNKNOWN_WORD, 18, "unknown word"},
	{"exec", "show calls state up", FAULT_VALUE_FORMAT, 18, "state"},
	{"exec", "show nat-keep-alive devices 5", FAULT_SYNTAX_UNKNOWN_WORD, 21, "devices"},
	{"exec", "show nat-keep-alive capacity devices 0", FAULT_VALUE_RANGE, 38, "devices: 0"},
	{"exec", "clear authentication suspended address 1.2.3", FAULT_VALUE_FORMAT, 40, "address"},
	{"exec", "show calls |", FAULT_SYNTAX_INCOMPLETE, 13, "include"},
	{"exec", "show calls | x", FAULT_SYNTAX_UNKNOWN_WORD, 14, "unknown word \"x\""},
	{"exec", "show calls | last x", FAULT_VALUE_FORMAT, 19, "last"},
	{"exec", "show calls \"open", FAULT_SYNTAX_INCOMPLETE, 12, "not closed"},
	{"exec", "show \xff", FAULT_SYNTAX_UNKNOWN_WORD, 6, "0xff is not UTF-8"},
	{"exec", "set", FAULT_SYNTAX_INCOMPLETE, 4, "expected"},
	{"exec", "set sip-parameter", FAULT_SYNTAX_INCOMPLETE, 18, "expected"},
	{"exec", "set show version", FAULT_SYNTAX_UNKNOWN_WORD, 5, "unknown word \"show\""},
	{"exec", "set SS_SIP_NAT_KEEP_ALIVE_PERIOD 5", FAULT_VALUE_RANGE, 34, "10..86400 s"},
	{"config", "do exit", FAULT_SYNTAX_UNKNOWN_WORD, 4, "unknown word"},
	{"config", "do", FAULT_SYNTAX_INCOMPLETE, 3, "expected"},
	{"config", "no", FAULT_SYNTAX_INCOMPLETE, 3, "expected"},
	{"config", "no show", FAULT_SYNTAX_UNKNOWN_WORD, 4, "unknown word"},
	{"config", "phone", FAULT_SYNTAX_INCOMPLETE, 6, "expected <number>"},
	{"config", "default phone 1", FAULT_SYNTAX_INCOMPLETE, 16, "expected"},
	{"config", "phone \"a b\"", FAULT_VALUE_FORMAT, 7, "phone"},
	{"config", "nat-keep-alive-period 20", FAULT_SYNTAX_UNKNOWN_WORD, 1,
	 "it belongs to sip-parameter"},
	{"config", "ss_qos", FAULT_SYNTAX_AMBIGUOUS, 1, "SS_QOS_SIGNAL, SS_QOS_RTP"},
	{"config", "SS_QOS_RTX 0xa0", FAULT_SYNTAX_UNKNOWN_WORD, 1, "did you mean \"SS_QOS_RTP\"?"},
	{"config-sip-parameter", "nat-keep-alive-perod 30", FAULT_SYNTAX_UNKNOWN_WORD, 1,
	 "unknown word \"nat-keep-alive-perod\"; did you mean \"nat-keep-alive-period\"?"},
	{"config-sip-parameter", "nat-keep-alive-period 5", FAULT_VALUE_RANGE, 23,
	 "nat-keep-alive-period: 5 s is below the minimum; allowed 10..86400 s"},
	{"config-sip-parameter", "nat-keep-alive-period 20 30", FAULT_SYNTAX_UNKNOWN_WORD, 26,
	 "put text with blanks in quotes"},
	{"config-sip-parameter", "nat-keep-alive-period", FAULT_SYNTAX_INCOMPLETE, 22,
	 "expected <10..86400 s>"},
	{"config-phone:1001", "name Front desk", FAULT_SYNTAX_UNKNOWN_WORD, 12, "quotes"},
	{"config-phone:1001", "password sealed x", FAULT_VALUE_FORMAT, 17, "v1:"},
	{"config-phone:1001", "password ******", FAULT_VALUE_FORMAT, 10, "left out"},
	{"config-phone:1001", "password <redacted>", FAULT_VALUE_FORMAT, 10, "left out"},
	{"config-phone:1001", "phone 1002", FAULT_SYNTAX_UNKNOWN_WORD, 1, "unknown word"},
};

static void refuses_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		const struct bad_row *row = &bad_rows[i];
		struct vos_fault fault;

		if (run(row->mode, row->line, &fault) != VOS_EINVAL)
			fail_msg("%s: %s: not refused", row->mode, row->line);
		if (fault.code != row->code || fault.column != row->column ||
		    !strstr(fault.text, row->text))
			fail_msg("%s: %s: %s, column %d: %s", row->mode, row->line,
				 fault_code_name(fault.code), fault.column, fault.text);
	}
}

static void skips_blank_and_comment(void **state)
{
	static const char *const lines[] = {"", "   ", "! note", "  # note", "\r\n"};
	struct vos_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(run("config", lines[i], &fault), VOS_ENOENT);
		assert_int_equal(fault.code, FAULT_NONE);
	}
}

/* A fault must not carry what may be part of a secret. */
static void never_echoes_secrets(void **state)
{
	static const char *const lines[] = {
		"password hunter2 swordfish", "password plain hunter2 swordfish",
		"password sealed swordfish",  "password sealed v1:x swordfish",
		"no password swordfish",      "password \"swordfish\" swordfish",
	};
	struct vos_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(run("config-phone:1001", lines[i], &fault), VOS_EINVAL);
		assert_null(strstr(fault.text, "swordfish"));
		assert_null(strstr(fault.text, "hunter2"));
	}
}

static void captures_secret(void **state)
{
	struct vos_fault fault;

	(void)state;
	assert_int_equal(run("config", "phone 1001 password plain \"a \\\"b\"", &fault), VOS_OK);
	assert_true(match.has_secret);
	assert_false(match.value_is_sealed);
	assert_true(span_eq(match.value_text, SPAN_LIT("a \"b")));
	assert_string_equal(match.key, "1001");
	assert_int_equal(match.field, FIELD_PHONE_PASSWORD);
	assert_int_equal(run("config", "phone 1001 password sealed v1:x", &fault), VOS_OK);
	assert_true(match.value_is_sealed);
	assert_true(span_eq(match.value_text, SPAN_LIT("v1:x")));
	/* The word alone, in quotes, is a password like any other. */
	assert_int_equal(run("config", "phone 1001 password \"sealed\"", &fault), VOS_OK);
	assert_false(match.value_is_sealed);
	assert_true(span_eq(match.value_text, SPAN_LIT("sealed")));
	assert_int_equal(run("config", "phone 1001 name x", &fault), VOS_OK);
	assert_false(match.has_secret);
}

static void captures_arguments(void **state)
{
	struct vos_fault fault;

	(void)state;
	assert_int_equal(
		run("exec", "show calls caller \"+1 2\" brief | include \"a b\" | count", &fault),
		VOS_OK);
	assert_string_equal(match_text(&match, "caller"), "+1 2");
	assert_int_equal(match_arg(&match, "caller")->column, 19);
	assert_string_equal(match_text(&match, "brief"), "brief");
	assert_null(match_arg(&match, "detail"));
	assert_string_equal(match_text(&match, "callee"), "");
	assert_int_equal(match.pipe_count, 2);
	assert_int_equal(match.pipes[0].kind, PIPE_INCLUDE);
	assert_true(span_eq(match.pipes[0].text, SPAN_LIT("a b")));
	assert_int_equal(match.pipes[1].kind, PIPE_COUNT_LINES);

	assert_int_equal(run("exec", "set listen a udp 127.0.0.1:5060", &fault), VOS_OK);
	assert_int_equal(match.command, COMMAND_SET);
	assert_int_equal(match.inner, COMMAND_FIELD_SET);
	assert_string_equal(match_text(&match, "line"), "listen a udp 127.0.0.1:5060");
	assert_string_equal(match.key, "a");
	assert_int_equal(match.field, FIELD_LISTEN_UDP);

	assert_int_equal(run("exec", "set no phone 1001", &fault), VOS_OK);
	assert_int_equal(match.inner, COMMAND_OBJECT_DELETE);
	assert_int_equal(run("exec", "set no phone 1001 name", &fault), VOS_OK);
	assert_int_equal(match.inner, COMMAND_FIELD_RESET);
	assert_int_equal(run("exec", "set default SS_SIP_SESSION_TTL", &fault), VOS_OK);
	assert_int_equal(match.inner, COMMAND_PARAM_RESET);
	/* Neither a place, nor a command, nor both words. */
	assert_int_equal(run("exec", "set no sip-parameter", &fault), VOS_EINVAL);
	assert_int_equal(run("exec", "set no no phone 1001", &fault), VOS_EINVAL);
	assert_int_equal(run("exec", "set do show clock", &fault), VOS_EINVAL);

	assert_int_equal(run("exec", "show calls | save f append", &fault), VOS_OK);
	assert_true(match.pipes[0].append);
	assert_int_equal(run("config", "commit comment two words", &fault), VOS_OK);
	assert_string_equal(match_text(&match, "comment"), "two words");
}

static void reports_abbreviations(void **state)
{
	struct vos_fault fault;

	(void)state;
	assert_int_equal(run("exec", "show ver | inc x", &fault), VOS_OK);
	assert_true(match.is_abbreviated);
	assert_true(span_eq(match.abbreviated, SPAN_LIT("ver")));
	assert_string_equal(match.full_form, "version");
	assert_int_equal(run("exec", "show version | include x", &fault), VOS_OK);
	assert_false(match.is_abbreviated);
	/* An alias of a word is not short for it. */
	assert_int_equal(run("config-sip-parameter", "authentication-code 401", &fault), VOS_OK);
	assert_false(match.is_abbreviated);
}

static void bounds_pipes(void **state)
{
	struct buf line = buf_new();
	struct vos_fault fault;

	(void)state;
	buf_add_str(&line, "show calls");
	for (int i = 0; i < MATCH_PIPES_MAX; i++)
		buf_add_str(&line, " | count");
	assert_int_equal(run("exec", buf_cstr(&line), &fault), VOS_OK);
	assert_int_equal(match.pipe_count, MATCH_PIPES_MAX);
	buf_add_str(&line, " | count");
	assert_int_equal(run("exec", buf_cstr(&line), &fault), VOS_EINVAL);
	buf_free(&line);
}

/* The longest line of the shortest words: everything expands and is stored, nothing overflows. */
static void takes_longest_line(void **state)
{
	struct buf line = buf_new();
	struct vos_fault fault;

	(void)state;
	buf_add_str(&line, "set SS_SIP_NAT_KEEP_ALIVE_MESSAGE ");
	while (line.len < GRAMMAR_LINE_MAX)
		buf_add_char(&line, 'x');
	assert_int_equal(run("exec", buf_cstr(&line), &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_VALUE_RANGE);
	line.len = 0;
	buf_add_str(&line, "sh calls | inc ");
	while (line.len < 1000)
		buf_add_char(&line, 'x');
	assert_int_equal(run("exec", buf_cstr(&line), &fault), VOS_OK);
	assert_int_equal(strlen(match.full_line), line.len + 2 + 4);
	buf_free(&line);
}

static void prints_modes(void **state)
{
	static const char *const good[] = {
		"exec",
		"config",
		"config-softswitch-management",
		"config-additional-settings",
		"config-sip-parameter",
		"config-audio-service-parameter",
		"config-phone:1001",
		"config-trusted:10.0.0.0/8",
		"config-trusted:2001:db8::/32",
		"config-logging",
	};
	static const char *const bad[] = {"",
					  "conf",
					  "config-",
					  "config-phone",
					  "config-phone:",
					  "config-logging:x",
					  "config-x",
					  "config-:x"};
	struct mode mode;
	char text[MODE_KEY_MAX + 48];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(mode_parse(span_of(good[i]), &mode));
		assert_string_equal(mode_print(&mode, text), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(mode_parse(span_of(bad[i]), &mode));
	assert_true(mode_parse(span_of("exec"), &mode));
	mode = mode_parent(&mode);
	assert_int_equal(mode.kind, MODE_EXEC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(matches_lines),           cmocka_unit_test(refuses_lines),
		cmocka_unit_test(skips_blank_and_comment), cmocka_unit_test(never_echoes_secrets),
		cmocka_unit_test(captures_secret),         cmocka_unit_test(captures_arguments),
		cmocka_unit_test(reports_abbreviations),   cmocka_unit_test(bounds_pipes),
		cmocka_unit_test(takes_longest_line),      cmocka_unit_test(prints_modes),
	};

	return cmocka_run_group_tests(tests, make_grammar, free_grammar);
}
