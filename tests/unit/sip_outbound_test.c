/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations at a server that the test plays, through a whole signalling thread on a set clock:
 * every line of behaviour C3 as it is on the wire. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "switchd/alarm/alarm.h"
#include "tests/support/changes.h"
#include "tests/support/outbound_bench.h"

static void registered_at_once(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	char contact[128];

	(void)state;
	server_expects(bench, 3600);
	snprintf(contact, sizeof(contact), "<sip:alice@127.0.0.1:%u>;expires=3600", bench->port);
	assert_string_equal(server_value(outbound_server(bench), "Contact"), contact);
	assert_string_equal(server_value(outbound_server(bench), "To"), "<sip:alice@127.0.0.1>");
	assert_string_equal(server_value(outbound_server(bench), "CSeq"), "1 REGISTER");
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERING);
	assert_true(trunk_is_offline(bench));
	server_grants(bench, 100);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	assert_int_equal(outbound_first(bench).granted_s, 100);
	assert_string_equal(outbound_first(bench).answer, "200 OK");
	assert_false(trunk_is_offline(bench));
	outbound_bench_close(bench);
}

/* At 90 % of the grant, with the same Call-ID and From tag, a rising CSeq, from the same port. */
static void refreshed(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	char call_id[128], from[128], cseq[32];

	(void)state;
	server_expects(bench, 3600);
	snprintf(call_id, sizeof(call_id), "%s", server_value(outbound_server(bench), "Call-ID"));
	snprintf(from, sizeof(from), "%s", server_value(outbound_server(bench), "From"));
	assert_int_equal(worker_of_call_id(&bench->shared, span_of(call_id)), 0);
	assert_int_equal(strncmp(call_id, "v1-00", 5), 0);
	for (int i = 2; i < 20; i++) {
		server_grants(bench, 100);
		server_expects_nothing(bench, 89900);
		assert_false(trunk_is_offline(bench));
		bench_advance(bench, 120);
		server_expects(bench, 3600);
		assert_false(trunk_is_offline(bench));
		assert_string_equal(server_value(outbound_server(bench), "Call-ID"), call_id);
		assert_string_equal(server_value(outbound_server(bench), "From"), from);
		snprintf(cseq, sizeof(cseq), "%d REGISTER", i);
		assert_string_equal(server_value(outbound_server(bench), "CSeq"), cseq);
	}
	outbound_bench_close(bench);
}

/* What the grant is read from: our contact among others, the only one, Expires, nothing at all. */
static void grants(void **state)
{
	static const struct {
		const char *lines;
		uint32_t granted_s;
	} rows[] = {
		{"Contact: <sip:other@192.0.2.9>;expires=50, %s;expires=70\r\nExpires: 90\r\n", 70},
		{"Contact: <sip:other@192.0.2.9>;expires=50\r\nContact: %s;expires=70\r\n", 70},
		{"Contact: <sip:alice@203.0.113.7:1024>;expires=55\r\n", 55},
		{"Contact: <sip:a@192.0.2.9>;expires=50\r\nContact: "
		 "<sip:b@192.0.2.9>;expires=51\r\n"
		 "Expires: 44\r\n",
		 44},
		{"Expires: 40\r\n", 40},
		{"Contact: %s\r\nExpires: 41\r\n", 41},
		{"", 3600},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *bench = outbound_bench_open(NULL);
		char own[64], lines[512];

		server_expects(bench, 3600);
		snprintf(own, sizeof(own), "<sip:alice@127.0.0.1:%u>", bench->port);
		lines[0] = '\0';
		for (const char *at = rows[i].lines; *at; at++) {
			bool is_own = at[0] == '%' && at[1] == 's';

			snprintf(lines + strlen(lines), sizeof(lines) - strlen(lines), "%.*s",
				 is_own ? (int)strlen(own) : 1, is_own ? own : at);
			at += is_own;
		}
		server_answers(bench, "200 OK", lines);
		assert_int_equal(outbound_first(bench).granted_s, rows[i].granted_s);
		outbound_bench_close(bench);
	}
}

static void nothing_granted(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 0);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	assert_true(trunk_is_offline(bench));
	outbound_bench_close(bench);
}

static void a_fixed_lifetime(void **state)
{
	static const char *const fields[] = {"expire", "120", NULL};
	struct bench *bench = outbound_bench_open(fields);

	(void)state;
	server_expects(bench, 120);
	server_grants(bench, 3600);
	assert_int_equal(outbound_first(bench).granted_s, 120);
	server_expects_nothing(bench, 107800);
	bench_advance(bench, 300);
	server_expects(bench, 120);
	server_grants(bench, 20);
	server_expects_nothing(bench, 14900);
	bench_advance(bench, 200);
	server_expects(bench, 120);
	outbound_bench_close(bench);
}

static void challenged(void **state)
{
	static const char *const codes[] = {"401 Unauthorized",
					    "407 Proxy Authentication Required"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bench *bench = outbound_bench_open(NULL);
		const char *header = i ? "Proxy-Authorization" : "Authorization";
		char call_id[128];

		server_expects(bench, 3600);
		assert_null(strstr(outbound_server(bench)->text, "uthorization: "));
		snprintf(call_id, sizeof(call_id), "%s",
			 server_value(outbound_server(bench), "Call-ID"));
		server_challenges(bench, codes[i], "n1");
		server_expects(bench, 3600);
		server_expects_credentials(bench, header, "n1", 1);
		assert_string_equal(server_value(outbound_server(bench), "Call-ID"), call_id);
		assert_string_equal(server_value(outbound_server(bench), "CSeq"), "2 REGISTER");
		server_grants(bench, 100);
		/* The nonce is used again; when it is old, the new one is. */
		bench_skip(bench, 90100);
		server_expects(bench, 3600);
		server_expects_credentials(bench, header, "n1", 2);
		server_challenges(bench, codes[i], "n2\", stale=\"true");
		server_expects(bench, 3600);
		server_expects_credentials(bench, header, "n2", 1);
		server_grants(bench, 100);
		outbound_bench_close(bench);
	}
}

/* One answer a nonce: the same challenge again means that the password is wrong. */
static void a_nonce_is_answered_once(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	server_expects(bench, 3600);
	server_challenges(bench, "401 Unauthorized", "n1");
	server_expects(bench, 3600);
	server_challenges(bench, "401 Unauthorized", "n1");
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	assert_string_equal(outbound_first(bench).answer, "401 Unauthorized");
	assert_int_equal(outbound_alarms(bench), 1);
	/* The next try begins from nothing. */
	server_expects_nothing(bench, 59900);
	bench_advance(bench, 200);
	server_expects(bench, 3600);
	assert_null(strstr(outbound_server(bench)->text, "uthorization: "));
	server_grants(bench, 100);
	assert_int_equal(outbound_alarms(bench), 0);
	outbound_bench_close(bench);
}

static void challenges_end(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	char nonce[16];

	(void)state;
	outbound_set_param(bench, "SS_SIP_AUTHENTICATION_RETRY", "3");
	for (int i = 0; i < 4; i++) {
		server_expects(bench, 3600);
		snprintf(nonce, sizeof(nonce), "n%d", i);
		server_challenges(bench, "401 Unauthorized", nonce);
	}
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	outbound_bench_close(bench);
}

/* Somebody else who knows the branch gets no signature of ours. */
static void a_challenge_from_elsewhere(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	socklen_t len = sizeof(sin);
	struct peer other = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	char address[32];

	(void)state;
	assert_int_equal(bind(other.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(other.fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(address, sizeof(address), "127.0.0.2:%u", ntohs(sin.sin_port));
	server_expects(bench, 3600);
	server_grants(bench, 100);
	outbound_set(&list, "carrier", "server", address);
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_grants(bench, 0);
	bench_advance(bench, 20);
	peer_expect(&other, "REGISTER sip:127.0.0.2:");
	memcpy(outbound_server(bench)->text, other.text, sizeof(other.text));
	server_challenges(bench, "401 Unauthorized", "n1");
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	peer_expect_nothing(&other);
	peer_expect_nothing(outbound_server(bench));
	outbound_bench_close(bench);
	close(other.fd);
}

static void a_password_that_is_missing(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};

	(void)state;
	changes_field_reset(&list, "registration", "carrier", "password", NULL);
	outbound_commit(bench, &list);
	/* The one on its way is followed by a new one without the password. */
	server_expects(bench, 3600);
	server_expects(bench, 3600);
	server_challenges(bench, "401 Unauthorized", "n1");
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	outbound_bench_close(bench);
}

static void too_brief(void **state)
{
	static const char *const fields[] = {"expire", "60", NULL};
	struct bench *bench = outbound_bench_open(fields);

	(void)state;
	server_expects(bench, 60);
	server_answers(bench, "423 Interval Too Brief", "Min-Expires: 1800\r\n");
	server_expects(bench, 1800);
	assert_string_equal(server_value(outbound_server(bench), "CSeq"), "2 REGISTER");
	server_grants(bench, 1800);
	assert_int_equal(outbound_first(bench).granted_s, 1800);
	bench_skip(bench, 1620100);
	server_expects(bench, 1800);
	/* One that asks for more each time, for less, or for nothing. */
	server_answers(bench, "423 Interval Too Brief", "Min-Expires: 3600\r\n");
	server_expects(bench, 3600);
	server_answers(bench, "423 Interval Too Brief", "Min-Expires: 7200\r\n");
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	bench_skip(bench, 60100);
	server_expects(bench, 3600);
	server_answers(bench, "423 Interval Too Brief", "");
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).failures, 2);
	outbound_bench_close(bench);
}

/* 503 with and without Retry-After, a delay of its own, and that of the parameter. */
static void retried(void **state)
{
	static const struct {
		const char *delay; /* of the object; NULL = unset */
		const char *status;
		const char *lines;
		unsigned wait_s;
	} rows[] = {
		{NULL, "503 Service Unavailable", "", 90},
		{NULL, "403 Forbidden", "Retry-After: 89\r\n", 90},
		{"40", "503 Service Unavailable", "Retry-After: 30\r\n", 40},
		{"40", "480 Temporarily Unavailable", "Retry-After: 200 (later);duration=60\r\n",
		 200},
		{"40", "302 Moved Temporarily", "Contact: <sip:192.0.2.1>\r\n", 40},
		{"40", "600 Busy Everywhere", "Retry-After: soon\r\n", 40},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const fields[] = {"retry-delay", rows[i].delay, NULL};
		struct bench *bench = outbound_bench_open(rows[i].delay ? fields : NULL);

		outbound_set_param(bench, "SS_SIP_USER_AGENT_RETRY_DELAY", "90");
		server_expects(bench, 3600);
		server_answers(bench, rows[i].status, rows[i].lines);
		assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
		assert_string_equal(outbound_first(bench).answer, rows[i].status);
		assert_int_equal(outbound_alarms(bench), 1);
		server_expects_nothing(bench, rows[i].wait_s * UINT64_C(1000) - 100);
		bench_advance(bench, 200);
		server_expects(bench, 3600);
		assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERING);
		outbound_bench_close(bench);
	}
}

/* 32 s of the resend list, then failed; while it holds and is refreshed calls may go on. */
static void silence(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct alarm alarm;
	int sent = 0;

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 100);
	bench_skip(bench, 90100);
	server_expects(bench, 3600);
	bench_advance(bench, 31800);
	while (peer_got(outbound_server(bench)))
		sent++;
	assert_int_equal(sent, 10);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REFRESHING);
	assert_false(trunk_is_offline(bench));
	assert_int_equal(outbound_alarms(bench), 0);
	bench_advance(bench, 300);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	assert_string_equal(outbound_first(bench).answer, "no answer");
	assert_true(trunk_is_offline(bench));
	assert_int_equal(alarms_list(bench->shared.alarms, true, &alarm, 1), 1);
	assert_int_equal(alarm.kind, WORD_ALARM_KIND_GATEWAY_OFFLINE);
	assert_string_equal(alarm.subject, "carrier");
	assert_non_null(strstr(alarm.text, "no answer; next try in 60 s"));
	bench_skip(bench, 60100);
	server_expects(bench, 3600);
	server_grants(bench, 100);
	assert_false(trunk_is_offline(bench));
	assert_int_equal(outbound_alarms(bench), 0);
	outbound_bench_close(bench);
}

static void a_provisional_answer(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	server_expects(bench, 3600);
	server_answers(bench, "100 Trying", "");
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERING);
	server_grants(bench, 60);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	/* The answer again, and one that nobody waits for. */
	server_grants(bench, 3);
	assert_int_equal(outbound_first(bench).granted_s, 60);
	outbound_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(registered_at_once), cmocka_unit_test(refreshed),
	  cmocka_unit_test(grants), cmocka_unit_test(nothing_granted),
	  cmocka_unit_test(a_fixed_lifetime), cmocka_unit_test(challenged),
	  cmocka_unit_test(a_nonce_is_answered_once), cmocka_unit_test(challenges_end),
	  cmocka_unit_test(a_challenge_from_elsewhere),
	  cmocka_unit_test(a_password_that_is_missing), cmocka_unit_test(too_brief),
	  cmocka_unit_test(retried), cmocka_unit_test(silence),
	  cmocka_unit_test(a_provisional_answer))
