/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RFC 4028 as a leg uses it: what is agreed on for what was asked, and when something is due. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/sip/session_timer.h"

static const struct session_rules rules = {.ttl_s = 1800, .segment = 300};

struct fixture {
	struct sip_msg msg;
	char data[2048];
};

static void parse(struct fixture *fixture, const char *start, const char *headers)
{
	const char *why;
	int status;
	int len = snprintf(fixture->data, sizeof(fixture->data),
			   "%s\r\n"
			   "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\r\n"
			   "From: <sip:ann@example.com>;tag=a1\r\n"
			   "To: <sip:bob@example.com>;tag=b1\r\n"
			   "Call-ID: timer@192.0.2.7\r\n"
			   "CSeq: 7 INVITE\r\n%s\r\n",
			   start, headers);

	assert_int_equal(sip_msg_parse(&fixture->msg, fixture->data, (size_t)len, &status, &why),
			 SIP_VERDICT_OK);
}

static void parse_request(struct fixture *fixture, const char *headers)
{
	parse(fixture, "INVITE sip:bob@example.com SIP/2.0", headers);
}

static void parse_answer(struct fixture *fixture, int status, const char *headers)
{
	char start[32];

	snprintf(start, sizeof(start), "SIP/2.0 %d Fine", status);
	parse(fixture, start, headers);
}

static void test_requests(void **state)
{
	static const struct {
		const char *headers;
		enum session_verdict verdict;
		enum session_refresher refresher;
		uint32_t interval_s;
	} rows[] = {
		{"", SESSION_AGREED, SESSION_OFF, 0},
		{"Supported: 100rel\r\n", SESSION_AGREED, SESSION_OFF, 0},
		{"Supported: timer\r\n", SESSION_AGREED, SESSION_WE_REFRESH, 1800},
		{"k: timer\r\nx: 600\r\n", SESSION_AGREED, SESSION_WE_REFRESH, 600},
		{"Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n", SESSION_AGREED,
		 SESSION_PEER_REFRESHES, 600},
		{"Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n", SESSION_AGREED,
		 SESSION_WE_REFRESH, 600},
		{"Supported: timer\r\nSession-Expires: 7200;refresher=UAC\r\n", SESSION_AGREED,
		 SESSION_PEER_REFRESHES, 1800},
		{"Supported: timer\r\nSession-Expires: 7200\r\nMin-SE: 3600\r\n", SESSION_AGREED,
		 SESSION_WE_REFRESH, 3600},
		{"Supported: timer\r\nSession-Expires: 90\r\n", SESSION_AGREED, SESSION_WE_REFRESH,
		 90},
		{"Supported: timer\r\nSession-Expires: 89\r\n", SESSION_TOO_SMALL, SESSION_OFF, 0},
		/* Put there by a proxy; the caller does not know what it means. */
		{"Session-Expires: 600;refresher=uac\r\n", SESSION_AGREED, SESSION_WE_REFRESH, 600},
		{"Session-Expires: 60\r\n", SESSION_AGREED, SESSION_WE_REFRESH, 90},
		{"Supported: timer\r\nSession-Expires: soon\r\n", SESSION_BAD, SESSION_OFF, 0},
		{"Supported: timer\r\nSession-Expires: -1\r\n", SESSION_BAD, SESSION_OFF, 0},
		{"Supported: timer\r\nMin-SE: x\r\n", SESSION_BAD, SESSION_OFF, 0},
		{"Supported: timer\r\nSession-Expires: 4294967295;refresher=uac\r\n",
		 SESSION_AGREED, SESSION_PEER_REFRESHES, 1800},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		struct session_timer timer;

		parse_request(&fixture, rows[i].headers);
		if (session_take_request(&rules, &fixture.msg, &timer) != rows[i].verdict)
			fail_msg("verdict of %s", rows[i].headers);
		if (timer.refresher != rows[i].refresher || timer.interval_s != rows[i].interval_s)
			fail_msg("%s gave %u s", rows[i].headers, timer.interval_s);
	}
}

static void test_answers(void **state)
{
	static const struct {
		const char *headers;
		enum session_refresher refresher;
		uint32_t interval_s;
	} rows[] = {
		{"", SESSION_OFF, 0},
		{"Session-Expires: 1800;refresher=uac\r\n", SESSION_WE_REFRESH, 1800},
		{"Session-Expires: 1800;refresher=uas\r\n", SESSION_PEER_REFRESHES, 1800},
		{"Session-Expires: 1800\r\n", SESSION_WE_REFRESH, 1800},
		{"x: 30;refresher=uas\r\n", SESSION_PEER_REFRESHES, 90},
		{"x: often\r\n", SESSION_OFF, 0},
		{"x: 0\r\n", SESSION_OFF, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;
		struct session_timer timer;

		parse_answer(&fixture, 200, rows[i].headers);
		session_take_answer(&rules, &fixture.msg, &timer);
		if (timer.refresher != rows[i].refresher || timer.interval_s != rows[i].interval_s)
			fail_msg("%s gave %u s", rows[i].headers, timer.interval_s);
	}
}

static void test_off(void **state)
{
	const struct session_rules off = {.ttl_s = 0, .segment = 300};
	struct fixture fixture;
	struct session_timer timer;

	(void)state;
	parse_request(&fixture, "Supported: timer\r\nSession-Expires: 600\r\n");
	assert_int_equal(session_take_request(&off, &fixture.msg, &timer), SESSION_AGREED);
	assert_int_equal(timer.refresher, SESSION_OFF);
	parse_answer(&fixture, 200, "Session-Expires: 600;refresher=uas\r\n");
	session_take_answer(&off, &fixture.msg, &timer);
	assert_int_equal(timer.refresher, SESSION_OFF);
}

static void test_422(void **state)
{
	struct fixture fixture;

	(void)state;
	parse_answer(&fixture, 422, "Min-SE: 3600\r\n");
	assert_int_equal(session_after_422(1800, &fixture.msg), 3600);
	assert_int_equal(session_after_422(3600, &fixture.msg), 0);
	parse_answer(&fixture, 422, "");
	assert_int_equal(session_after_422(1800, &fixture.msg), 0);
	parse_answer(&fixture, 422, "Min-SE: much\r\n");
	assert_int_equal(session_after_422(1800, &fixture.msg), 0);
}

static void expect_text(struct buf *out, const char *text)
{
	assert_string_equal(buf_cstr(out), text);
	buf_reset(out);
}

static void test_headers(void **state)
{
	struct session_timer timer = {SESSION_WE_REFRESH, 600, true};
	char memory[256];
	struct buf out = buf_over(memory, sizeof(memory));

	(void)state;
	session_write_request(&out, 0, NULL, 0);
	expect_text(&out, "Supported: timer\r\n");
	session_write_request(&out, 1800, NULL, 0);
	expect_text(&out, "Supported: timer\r\nSession-Expires: 1800\r\n");
	session_write_request(&out, 3600, NULL, 3600);
	expect_text(&out, "Supported: timer\r\nSession-Expires: 3600\r\nMin-SE: 3600\r\n");
	session_write_request(&out, 600, &timer, 0);
	expect_text(&out, "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n");
	session_write_answer(&out, &timer);
	expect_text(&out, "Require: timer\r\nSession-Expires: 600;refresher=uas\r\n");
	timer.refresher = SESSION_PEER_REFRESHES;
	session_write_request(&out, 600, &timer, 0);
	expect_text(&out, "Supported: timer\r\nSession-Expires: 600;refresher=uas\r\n");
	session_write_answer(&out, &timer);
	expect_text(&out, "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n");
	timer = (struct session_timer){SESSION_WE_REFRESH, 600, false};
	session_write_answer(&out, &timer);
	expect_text(&out, "Session-Expires: 600;refresher=uas\r\n");
	timer.refresher = SESSION_OFF;
	session_write_answer(&out, &timer);
	expect_text(&out, "");
}

static void test_times(void **state)
{
	static const struct {
		uint32_t segment;
		uint32_t early_s;
		uint32_t interval_s;
		uint32_t refresh_s; /* when it is us */
		uint32_t give_up_s;
	} rows[] = {
		{300, 0, 1800, 300, 1768}, /* 1800 - min(32, 600) */
		{2, 0, 600, 300, 568},     /* as a divider: the same five minutes */
		{10, 0, 1800, 180, 1768},    {300, 0, 90, 45, 60},      {300, 60, 1800, 300, 1740},
		{300, 3000, 1800, 300, 900}, {900, 0, 1800, 900, 1768}, {901, 0, 1800, 900, 1768},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct session_rules with = {.ttl_s = 1800,
					     .segment = rows[i].segment,
					     .early_hangup_s = rows[i].early_s};
		struct session_timer timer = {SESSION_WE_REFRESH, rows[i].interval_s, true};

		assert_int_equal(session_refresh_after_s(&with, &timer), rows[i].refresh_s);
		assert_int_equal(session_give_up_after_s(&with, &timer), rows[i].give_up_s);
		timer.refresher = SESSION_PEER_REFRESHES;
		assert_int_equal(session_refresh_after_s(&with, &timer), 0);
		assert_int_equal(session_give_up_after_s(&with, &timer), rows[i].give_up_s);
		timer.refresher = SESSION_OFF;
		assert_int_equal(session_refresh_after_s(&with, &timer), 0);
		assert_int_equal(session_give_up_after_s(&with, &timer), 0);
	}
}

TEST_MAIN(cmocka_unit_test(test_requests), cmocka_unit_test(test_answers),
	  cmocka_unit_test(test_off), cmocka_unit_test(test_422), cmocka_unit_test(test_headers),
	  cmocka_unit_test(test_times))
