/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session timers of calls (RFC 4028, behaviour C4) through a whole signalling thread on a set
 * clock: who proposes what, who refreshes how, and when a call whose peer is gone ends. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "switchd/call/call.h"
#include "tests/support/session_call.h"

/* --- What is agreed on. --- */

static void proposed(void **state)
{
	static const struct {
		const char *party;
		const char *ttl;
		const char *line;
	} rows[] = {
		{"on", "1800", TIMER "Session-Expires: 1800\r\n"},
		{"on", "90", TIMER "Session-Expires: 90\r\n"},
		{"on", "0", NULL},
		{"off", "1800", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const params[] = {"SS_SIP_SESSION_TTL", rows[i].ttl, NULL};
		struct bench *bench = bench_open("off");
		struct session session;

		bench->session_timer = rows[i].party;
		bench_configure(bench, params);
		dial(&session, bench, TIMER "Session-Expires: 600\r\n", "");
		snprintf(bench->callee.text, sizeof(bench->callee.text), "%s", session.invite);
		snprintf(bench->caller.text, sizeof(bench->caller.text), "%s", session.answer);
		if (rows[i].line) {
			expect_header(&bench->callee, rows[i].line);
			expect_header(&bench->caller, "Require: timer\r\n");
		} else {
			expect_no_header(&bench->callee, "timer\r\n");
			expect_no_header(&bench->callee, "Session-Expires");
			expect_no_header(&bench->caller, "Session-Expires");
		}
		hang_up(&session);
	}
}

static void answered(void **state)
{
	static const struct {
		const char *request;
		const char *line; /* NULL: no timer */
	} rows[] = {
		{"", NULL},
		{TIMER, "Session-Expires: 1800;refresher=uas\r\n"},
		{TIMER "Session-Expires: 600;refresher=uac\r\n",
		 "Session-Expires: 600;refresher=uac\r\n"},
		{"Require: timer\r\nSession-Expires: 3600\r\n",
		 "Session-Expires: 1800;refresher=uas\r\n"},
		{TIMER "Session-Expires: 3600\r\nMin-SE: 2400\r\n",
		 "Session-Expires: 2400;refresher=uas\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *bench = bench_open("off");
		struct session session;

		dial(&session, bench, rows[i].request, "");
		snprintf(bench->caller.text, sizeof(bench->caller.text), "%s", session.answer);
		if (rows[i].line)
			expect_header(&bench->caller, rows[i].line);
		else
			expect_no_header(&bench->caller, "Session-Expires");
		hang_up(&session);
	}
}

static void refused_requests(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	bench->extra = TIMER "Session-Expires: 60\r\n";
	caller_sends(bench, "INVITE", 1, "small", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 422 ");
	expect_header(&bench->caller, "Min-SE: 90\r\n");
	bench->extra = TIMER "Session-Expires: soon\r\n";
	caller_sends(bench, "INVITE", 2, "bad", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 400 ");
	bench->extra = "Require: timer, frobnicate\r\n";
	caller_sends(bench, "INVITE", 3, "ext", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 420 ");
	expect_header(&bench->caller, "Unsupported: frobnicate\r\n");
	peer_expect_nothing(&bench->callee);
	/* The same inside the call, which stays as it was. */
	dial(&session, bench, "", "");
	bench->extra = TIMER "Session-Expires: 60\r\n";
	caller_sends(bench, "INVITE", 2, "again", session.tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 422 ");
	expect_header(&bench->caller, "Min-SE: 90\r\n");
	bench->extra = "";
	caller_sends(bench, "ACK", 2, "again", session.tag, "");
	peer_expect_nothing(&bench->callee);
	hang_up(&session);
}

/* A gateway that wants a longer interval is called once more with that. */
static void raised(void **state)
{
	struct bench *bench = bench_open("off");
	char call_id[128];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "CSeq: 1 INVITE\r\n");
	snprintf(call_id, sizeof(call_id), "%.60s", strstr(bench->callee.text, "Call-ID: "));
	answer(bench, &bench->callee, "100 Trying", "", "");
	answer(bench, &bench->callee, "422 Too Small", "Min-SE: 3600\r\n", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "CSeq: 2 INVITE\r\n");
	expect_header(&bench->callee, "Session-Expires: 3600\r\nMin-SE: 3600\r\n");
	assert_non_null(strstr(bench->callee.text, strtok(call_id, "\r")));
	assert_string_equal(body_of(bench->callee.text), BODY);
	peer_expect_nothing(&bench->caller);
	/* Once: what is refused again ends the attempt. */
	answer(bench, &bench->callee, "422 Too Small", "Min-SE: 7200\r\n", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect_nothing(&bench->callee);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	caller_sends(bench, "ACK", 1, "inv1", "x", "");
	bench_close(bench);
}

/* Given up while the second INVITE has no answer yet: CANCEL follows its first response. */
static void raised_and_given_up(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	answer(bench, &bench->callee, "100 Trying", "", "");
	answer(bench, &bench->callee, "422 Too Small", "Min-SE: 3600\r\n", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "INVITE ");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	answer(bench, &bench->callee, "180 Ringing", "", "");
	peer_expect(&bench->callee, "CANCEL ");
	bench_close(bench);
}

/* --- We refresh. --- */

static void refreshed_by_update(void **state)
{
	static const struct {
		const char *ttl;
		const char *segment;
		const char *agreed;
		unsigned period_s;
	} rows[] = {
		{"1800", "300", "1800", 300}, {"600", "2", "600", 300}, {"900", "10", "900", 90},
		{"1800", "300", "90", 45},    {"90", "30", "90", 30},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const params[] = {"SS_SIP_SESSION_TTL", rows[i].ttl,
					      "SS_SIP_SESSION_UPDATE_SEGMENT", rows[i].segment,
					      NULL};
		struct bench *bench = bench_open("off");
		struct session session;
		char line[128], extra[256];

		bench_configure(bench, params);
		snprintf(line, sizeof(line), "Session-Expires: %s;refresher=uac\r\n",
			 rows[i].agreed);
		snprintf(extra, sizeof(extra), "%sRequire: timer\r\n%s", UPDATES, line);
		dial(&session, bench, "", extra);
		for (int n = 0; n < 3; n++) {
			bench_skip(bench, rows[i].period_s * 1000 - 20);
			peer_expect_nothing(&bench->callee);
			bench_skip(bench, 30);
			peer_expect(&bench->callee, "UPDATE ");
			expect_header(&bench->callee, line);
			expect_header(&bench->callee, TIMER);
			expect_header(&bench->callee, "Contact: ");
			expect_no_header(&bench->callee, "m=audio");
			answer(bench, &bench->callee, "200 OK", line, "");
			bench->worker->now_us -= bench->worker->now_us % 10000;
		}
		peer_expect_nothing(&bench->caller);
		hang_up(&session);
	}
}

static void refreshed_by_reinvite(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	for (int n = 0; n < 3; n++) {
		bench_skip(bench, 299900);
		peer_expect_nothing(&bench->callee);
		bench_skip(bench, 110);
		peer_expect(&bench->callee, "INVITE ");
		expect_header(&bench->callee, "Session-Expires: 1800;refresher=uac\r\n");
		/* o= and its version too. */
		assert_string_equal(body_of(bench->callee.text), body_of(session.invite));
		answer(bench, &bench->callee, "100 Trying", "", "");
		answer(bench, &bench->callee, "200 OK", WE_REFRESH, BODY);
		peer_expect(&bench->callee, "ACK ");
		/* The 200 again gets its ACK again. */
		peer_expect_nothing(&bench->callee);
	}
	peer_expect_nothing(&bench->caller);
	hang_up(&session);
}

/* The SDP of the last exchange, whoever offered. */
static void refreshed_with_the_last_sdp(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	dial(&session, bench, TIMER, WE_REFRESH);
	/* The caller moves; the callee is told, and that is what it hears from then on. */
	caller_sends(bench, "INVITE", 2, "move", session.tag, MOVED_BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "Session-Expires: 1800;refresher=uac\r\n");
	answer(bench, &bench->callee, "200 OK", WE_REFRESH, BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "moveack", session.tag, "");
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	answer(bench, &bench->callee, "200 OK", WE_REFRESH, BODY);
	peer_expect(&bench->callee, "ACK ");
	/* The caller's leg: its re-INVITE brought no word of a timer, and it is refreshed on. */
	peer_expect(&bench->caller, "INVITE ");
	assert_string_equal(body_of(bench->caller.text), BODY);
	answer(bench, &bench->caller, "200 OK", "", MOVED_BODY);
	peer_expect(&bench->caller, "ACK ");
	peer_expect_nothing(&bench->callee);
	hang_up(&session);
}

/* A peer that takes a refresh as an occasion to move its media. */
static void refresh_answered_with_other_media(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	answer(bench, &bench->callee, "200 OK", WE_REFRESH, MOVED_BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "INVITE ");
	assert_string_equal(body_of(bench->caller.text), MOVED_BODY);
	answer(bench, &bench->caller, "200 OK", "", BODY);
	peer_expect(&bench->caller, "ACK ");
	peer_expect_nothing(&bench->callee);
	hang_up(&session);
}

static void refused_refreshes(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	dial(&session, bench, "", UPDATES WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "UPDATE ");
	/* Longer, once. */
	answer(bench, &bench->callee, "422 Too Small", "Min-SE: 2400\r\n", "");
	peer_expect(&bench->callee, "UPDATE ");
	expect_header(&bench->callee, "Session-Expires: 2400;refresher=uac\r\nMin-SE: 2400\r\n");
	answer(bench, &bench->callee, "422 Too Small", "Min-SE: 3000\r\n", "");
	peer_expect_nothing(&bench->callee);
	/* What is no answer to the question is asked again. */
	bench_skip(bench, 29900);
	peer_expect_nothing(&bench->callee);
	bench_skip(bench, 110);
	peer_expect(&bench->callee, "UPDATE ");
	answer(bench, &bench->callee, "500 Busy", "Retry-After: 7 (soon)\r\n", "");
	bench_skip(bench, 6900);
	peer_expect_nothing(&bench->callee);
	bench_skip(bench, 110);
	peer_expect(&bench->callee, "UPDATE ");
	answer(bench, &bench->callee, "200 OK", "Session-Expires: 2400;refresher=uac\r\n", "");
	peer_expect_nothing(&bench->caller);
	hang_up(&session);
}

/* Whose refreshes are all refused is given up when the session expires. */
static void refused_to_the_end(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	uint64_t start_us;

	(void)state;
	dial(&session, bench, "", UPDATES WE_REFRESH);
	start_us = bench->worker->now_us;
	while (count_calls(bench)) {
		bench_skip(bench, 1000);
		if (peer_got(&bench->callee) && strncmp(bench->callee.text, "UPDATE ", 7) == 0)
			answer(bench, &bench->callee, "488 Not Here", "", "");
	}
	assert_in_range((bench->worker->now_us - start_us) / 1000, 1768000, 1769100);
	peer_expect(&bench->caller, "BYE ");
	expect_header(&bench->caller, TIMED_OUT);
	bench_close(bench);
}

/* --- The peer is gone. --- */

static void refresh_says_gone(void **state)
{
	static const char *const statuses[] = {"408 Timeout", "481 Gone"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		for (int by_update = 0; by_update < 2; by_update++) {
			struct bench *bench = bench_open("off");
			struct session session;

			dial(&session, bench, "", by_update ? UPDATES WE_REFRESH : WE_REFRESH);
			bench_skip(bench, 300010);
			peer_expect(&bench->callee, by_update ? "UPDATE " : "INVITE ");
			answer(bench, &bench->callee, statuses[i], "", "");
			if (!by_update)
				peer_expect(&bench->callee, "ACK ");
			expect_ended(bench, TIMED_OUT);
			bench_close(bench);
		}
	}
}

/* TTL 1800, refreshed by us every 300 s: a peer that dies right after a refresh is noticed 332 s
 * later, when the next refresh has been sent eleven times; by UPDATE and by re-INVITE. */
static void dead_peer_we_refresh(void **state)
{
	(void)state;
	for (int by_update = 0; by_update < 2; by_update++) {
		struct bench *bench = bench_open("off");
		struct session session;
		int sent = 0;

		dial(&session, bench, "", by_update ? UPDATES WE_REFRESH : WE_REFRESH);
		bench_skip(bench, 331900);
		assert_int_equal(count_calls(bench), 1);
		peer_expect_nothing(&bench->caller);
		while (peer_got(&bench->callee))
			sent++;
		assert_int_equal(sent, 11);
		bench_skip(bench, 200);
		expect_ended(bench, TIMED_OUT);
		bench_close(bench);
	}
}

/* TTL 1800, refreshed by the peer: 1,800 s less the margin, a third of the time and at most 32 s,
 * or the parameter's. */
static void dead_peer_refreshes(void **state)
{
	static const struct {
		const char *margin;
		const char *interval;
		unsigned end_s;
	} rows[] = {
		{"0", "1800", 1768},
		{"0", "90", 60},
		{"100", "1800", 1700},
		{"2000", "1800", 900},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const params[] = {"SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP", rows[i].margin,
					      NULL};
		struct bench *bench = bench_open("off");
		struct session session;
		char caller[128];

		bench_configure(bench, params);
		snprintf(caller, sizeof(caller), TIMER "Session-Expires: %s;refresher=uac\r\n",
			 rows[i].interval);
		dial(&session, bench, caller, "");
		bench_skip(bench, rows[i].end_s * 1000 - 20);
		peer_expect_nothing(&bench->caller);
		peer_expect_nothing(&bench->callee);
		bench_skip(bench, 30);
		expect_ended(bench, TIMED_OUT);
		bench_close(bench);
	}
}

/* What the peer sends restarts the timer: UPDATE without offer, re-INVITE, UPDATE with offer. */
static void peer_refreshes(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	int cseq = 2;

	(void)state;
	dial(&session, bench, TIMER "Session-Expires: 1800;refresher=uac\r\n", "");
	for (int n = 0; n < 3; n++) {
		char branch[16];

		bench_skip(bench, 1700000);
		snprintf(branch, sizeof(branch), "r%d", n);
		bench->extra = TIMER "Session-Expires: 1800;refresher=uac\r\n";
		caller_sends(bench, n == 1 ? "INVITE" : "UPDATE", cseq++, branch, session.tag,
			     n == 0 ? "" : BODY);
		bench->extra = "";
		if (n == 1)
			peer_expect(&bench->caller, "SIP/2.0 100 ");
		if (n > 0) {
			peer_expect(&bench->callee, "INVITE ");
			answer(bench, &bench->callee, "200 OK", "", BODY);
			peer_expect(&bench->callee, "ACK ");
		}
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		expect_header(&bench->caller, "Session-Expires: 1800;refresher=uac\r\n");
		expect_header(&bench->caller, "Contact: ");
		if (n == 1)
			caller_sends(bench, "ACK", 3, "r1ack", session.tag, "");
	}
	bench_skip(bench, 1767000);
	assert_int_equal(count_calls(bench), 1);
	bench_skip(bench, 1100);
	expect_ended(bench, TIMED_OUT);
	bench_close(bench);
}

static void shown(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	struct call_info info;

	(void)state;
	dial(&session, bench, TIMER "Session-Expires: 600;refresher=uac\r\n", UPDATES WE_REFRESH);
	bench_skip(bench, 100000);
	assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
	assert_string_equal(info.timers, "caller refreshed by the peer, ends in 468 s; "
					 "callee refreshed by us in 200 s, ends in 1668 s");
	bench_skip(bench, 200010);
	peer_expect(&bench->callee, "UPDATE ");
	assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
	assert_non_null(strstr(info.timers, "callee refresh under way, ends in 1467 s"));
	hang_up(&session);
}

TEST_MAIN(cmocka_unit_test(proposed), cmocka_unit_test(answered),
	  cmocka_unit_test(refused_requests), cmocka_unit_test(raised),
	  cmocka_unit_test(raised_and_given_up), cmocka_unit_test(refreshed_by_update),
	  cmocka_unit_test(refreshed_by_reinvite), cmocka_unit_test(refreshed_with_the_last_sdp),
	  cmocka_unit_test(refresh_answered_with_other_media), cmocka_unit_test(refused_refreshes),
	  cmocka_unit_test(refused_to_the_end), cmocka_unit_test(refresh_says_gone),
	  cmocka_unit_test(dead_peer_we_refresh), cmocka_unit_test(dead_peer_refreshes),
	  cmocka_unit_test(peer_refreshes), cmocka_unit_test(shown))
