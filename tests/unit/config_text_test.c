/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Running-config text, byte for byte. */
#include "tests/support/test.h"

#include "shared/config/text_write.h"
#include "tests/support/changes.h"

static struct snapshot *sample(void)
{
	struct change_list list = {0};
	struct change password = {.op = CHANGE_FIELD_SET,
				  .kind = OBJECT_PHONE,
				  .field = FIELD_PHONE_PASSWORD,
				  .value = {.type = VALUE_SECRET}};

	changes_create(&list, "phone", "1002");
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "Front desk");
	password.key = strdup("1001");
	password.value.text = strdup("v1:3q2m_-x");
	assert_int_equal(change_list_add(&list, &password), VOS_OK);
	changes_create(&list, "routing-gateway", "carrier-a");
	changes_field(&list, "routing-gateway", "carrier-a", "address", "192.0.2.1:5070");
	changes_field(&list, "routing-gateway", "carrier-a", "address", "2001:db8::1");
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_PERIOD", "20");
	changes_param(&list, "SERVER_CDR_FILE_WRITE_MAX", "5");
	changes_param(&list, "SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "");
	changes_field(&list, "", "", "hostname", "sw1");
	changes_field(&list, "logging", "", "level", "debug");
	return changes_apply(NULL, &list);
}

static void expect_text(const struct config_text_options *options, const char *wanted)
{
	struct snapshot *snapshot = sample();
	struct buf out = buf_new();

	config_write_text(snapshot, options, &out);
	assert_false(out.failed);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_free(&out);
	snapshot_unref(snapshot);
}

static void whole(void **state)
{
	struct config_text_options options = {
		.time_ms = 1795219142000, .author = "alice", .comment = "carrier A\ntrial"};

	(void)state;
	expect_text(&options, "! switchd configuration, format 1\n"
			      "! generation 1, 2026-11-20T23:59:02Z, alice: carrier A trial\n"
			      "!\n"
			      "softswitch-management\n"
			      " additional-settings\n"
			      "  sip-parameter\n"
			      "   nat-keep-alive-message \"\"\n"
			      "   nat-keep-alive-period 20\n"
			      "   exit\n"
			      "  exit\n"
			      " server-parameter\n"
			      "  cdr-file-write-max 5\n"
			      "  exit\n"
			      " exit\n"
			      "!\n"
			      "hostname sw1\n"
			      "!\n"
			      "logging\n"
			      " level debug\n"
			      " exit\n"
			      "!\n"
			      "phone 1001\n"
			      " password sealed v1:3q2m_-x\n"
			      " name \"Front desk\"\n"
			      " exit\n"
			      "!\n"
			      "phone 1002\n"
			      " exit\n"
			      "!\n"
			      "routing-gateway carrier-a\n"
			      " address 192.0.2.1:5070\n"
			      " address 2001:db8::1\n"
			      " exit\n"
			      "!\n"
			      "end\n");
}

static void one_object_redacted(void **state)
{
	struct config_text_options options = {.section = "phone", .key = "1001", .redact = true};

	(void)state;
	expect_text(&options, "! switchd configuration, format 1\n"
			      "! generation 1\n"
			      "!\n"
			      "phone 1001\n"
			      " password <redacted>\n"
			      " name \"Front desk\"\n"
			      " exit\n"
			      "!\n"
			      "end\n");
}

static void names_of_one_part(void **state)
{
	struct config_text_options options = {.section = "softswitch-management", .names = true};

	(void)state;
	expect_text(&options, "! switchd configuration, format 1\n"
			      "! generation 1\n"
			      "!\n"
			      "SS_SIP_NAT_KEEP_ALIVE_MESSAGE = \"\"\n"
			      "SS_SIP_NAT_KEEP_ALIVE_PERIOD = 20\n"
			      "SERVER_CDR_FILE_WRITE_MAX = 5\n"
			      "!\n"
			      "end\n");
}

static void sections_leave_the_rest_out(void **state)
{
	static const struct {
		const char *section;
		const char *first;
	} cases[] = {
		{"server-parameter", "softswitch-management\n server-parameter\n"},
		{"sip-parameter", "softswitch-management\n additional-settings\n  sip-parameter\n"},
		{"additional-settings",
		 "softswitch-management\n additional-settings\n  sip-parameter\n"},
		{"hostname", "hostname sw1\n!\nend\n"},
		{"logging", "logging\n level debug\n exit\n!\nend\n"},
		{"routing-gateway", "routing-gateway carrier-a\n"},
		{"network", "end\n"},
	};
	struct snapshot *snapshot = sample();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config_text_options options = {.section = cases[i].section};
		struct buf out = buf_new();
		const char *body;

		assert_true(config_text_is_section(span_of(cases[i].section)));
		config_write_text(snapshot, &options, &out);
		body = strstr(buf_cstr(&out), "\n!\n") + 3;
		assert_memory_equal(body, cases[i].first, strlen(cases[i].first));
		if (strcmp(cases[i].section, "additional-settings") == 0)
			assert_null(strstr(body, "server-parameter"));
		buf_free(&out);
	}
	assert_false(config_text_is_section(SPAN_LIT("nonsense")));
	assert_false(config_text_is_section(SPAN_LIT("")));
	snapshot_unref(snapshot);
}

/* With `all` every parameter that has a value is there, once. */
static void all_shows_every_default(void **state)
{
	struct snapshot *snapshot = sample();
	struct config_text_options options = {.all = true, .names = true};
	struct buf out = buf_new();

	(void)state;
	config_write_text(snapshot, &options, &out);
	for (int i = 0; i < PARAM_COUNT; i++) {
		struct buf line = buf_new();
		const char *hit;

		buf_printf(&line, "\n%s = ", param_get((enum param_id)i)->name);
		hit = strstr(buf_cstr(&out), buf_cstr(&line));
		assert_int_equal(hit != NULL,
				 snapshot_param(snapshot, (enum param_id)i)->type != VALUE_NONE);
		if (hit)
			assert_null(strstr(hit + 1, buf_cstr(&line)));
		buf_free(&line);
	}
	assert_non_null(strstr(buf_cstr(&out), "\nphone 1002\n name \"\"\n lock none\n"));
	assert_non_null(
		strstr(buf_cstr(&out), "\ntrace\n ring-size 64\n media-ring-size 64\n exit\n"));
	buf_free(&out);
	snapshot_unref(snapshot);
}

static void empty_configuration(void **state)
{
	struct snapshot *empty = snapshot_new_empty();
	char *text = changes_text(empty);

	(void)state;
	assert_string_equal(text, "end\n");
	free(text);
	snapshot_unref(empty);
}

static void words(void **state)
{
	static const struct {
		struct span word;
		const char *wanted;
	} cases[] = {
		{SPAN_LIT("plain-1.2:3/4"), "plain-1.2:3/4"},
		{SPAN_LIT("a=b"), "a=b"},
		{SPAN_LIT("="), "\"=\""},
		{SPAN_LIT(""), "\"\""},
		{SPAN_LIT("two words"), "\"two words\""},
		{SPAN_LIT("a|b"), "\"a|b\""},
		{SPAN_LIT("?"), "\"?\""},
		{SPAN_LIT("!x"), "\"!x\""},
		{SPAN_LIT("#x"), "\"#x\""},
		{SPAN_LIT("a\"b\\c"), "\"a\\\"b\\\\c\""},
		{SPAN_LIT("a\nb\tc"), "\"a\\nb\\x09c\""},
		{SPAN_LIT("\x7f"), "\"\\x7f\""},
		{SPAN_LIT("Z\xc3\xbcrich"), "\"Z\xc3\xbcrich\""},
		{SPAN_LIT("\xe5\x89\x8d\xf0\x9f\x93\x9e"), "\"\xe5\x89\x8d\xf0\x9f\x93\x9e\""},
		{SPAN_LIT("\xc3"), "\"\\xc3\""},
		{SPAN_LIT("\xc0\x80"), "\"\\xc0\\x80\""},
		{SPAN_LIT("\xed\xa0\x80"), "\"\\xed\\xa0\\x80\""},
		{SPAN_LIT("\xff"
			  "a"),
		 "\"\\xffa\""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = buf_new();

		config_write_word(cases[i].word, &out);
		assert_string_equal(buf_cstr(&out), cases[i].wanted);
		buf_free(&out);
	}
}

static void changes_as_lines(void **state)
{
	static const char *const wanted[] = {
		"sip-parameter session-ttl 600",
		"no system-parameter qos-rtp",
		"phone \"10 1\"",
		"phone 1001 name \"a b\"",
		"no phone 1001 lock",
		"no routing-gateway a prefixes 44",
		"no phone 1002",
		"hostname sw1",
		"logging level debug",
		"phone 1001 password <redacted>",
	};
	struct change_list list = {0};

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	changes_param_reset(&list, "SS_QOS_RTP");
	changes_create(&list, "phone", "10 1");
	changes_field(&list, "phone", "1001", "name", "a b");
	changes_field_reset(&list, "phone", "1001", "lock", NULL);
	changes_field_reset(&list, "routing-gateway", "a", "prefixes", "44");
	changes_delete(&list, "phone", "1002");
	changes_field(&list, "", "", "hostname", "sw1");
	changes_field(&list, "logging", "", "level", "debug");
	changes_field(&list, "phone", "1001", "password", "secret");
	assert_int_equal(list.count, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < list.count; i++) {
		struct buf out = buf_new();

		config_write_change(&list.items[i], true, &out);
		assert_string_equal(buf_cstr(&out), wanted[i]);
		buf_free(&out);
	}
	change_list_clear(&list);
}

TEST_MAIN(cmocka_unit_test(whole), cmocka_unit_test(one_object_redacted),
	  cmocka_unit_test(names_of_one_part), cmocka_unit_test(sections_leave_the_rest_out),
	  cmocka_unit_test(all_shows_every_default), cmocka_unit_test(empty_configuration),
	  cmocka_unit_test(words), cmocka_unit_test(changes_as_lines))
