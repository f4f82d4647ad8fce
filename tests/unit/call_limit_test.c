/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a call that is up ends by itself (behaviour C5): the ceiling for callers without session
 * timer, the longest duration, media that has stopped; on a set clock. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/call/call.h"
#include "switchd/media/media.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define TIMER    "Supported: timer\r\nSession-Expires: 7200;refresher=uac\r\n"
#define NO_TIMER "without session timer"
#define NO_MEDIA "no media packet"
#define TOO_LONG "longest permitted talk time"

struct session {
	char invite[8192];
	char tag[64];
	char answer[8192];
};

static void dial(struct session *session, struct bench *bench, const char *caller)
{
	bench->extra = caller;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(session->invite, sizeof(session->invite), "%s", bench->callee.text);
	callee_answers(bench, session->invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	snprintf(session->answer, sizeof(session->answer), "%s", bench->caller.text);
	message_to_tag(bench->caller.text, session->tag, sizeof(session->tag));
	caller_sends(bench, "ACK", 1, "ack1", session->tag, "");
}

static size_t count_calls(const struct bench *bench)
{
	return call_table_count(bench->worker->calls);
}

static void hang_up(struct session *session, struct bench *bench)
{
	caller_sends(bench, "BYE", 90, "bye", session->tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

static void expect_ended(struct bench *bench, const char *why)
{
	peer_expect(&bench->caller, "BYE ");
	if (!strstr(bench->caller.text, why))
		fail_msg("no %s in %s", why, bench->caller.text);
	peer_expect(&bench->callee, "BYE ");
	assert_non_null(strstr(bench->callee.text, why));
	assert_int_equal(count_calls(bench), 0);
}

/* Refreshes of the caller's, so that only the ceiling can end the call. */
static void refresh(struct bench *bench, const struct session *session, int cseq)
{
	char branch[16];

	snprintf(branch, sizeof(branch), "upd%d", cseq);
	bench->extra = TIMER;
	caller_sends(bench, "UPDATE", cseq, branch, session->tag, "");
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 200 ");
}

static void ceiling(void **state)
{
	static const struct {
		const char *ceiling;
		const char *longest;
		unsigned end_s;
		const char *why;
	} rows[] = {
		{"7200", "0", 7200, NO_TIMER},    {"60", "0", 60, NO_TIMER},
		{"7200", "3600", 3600, TOO_LONG}, {"3600", "3600", 3600, TOO_LONG},
		{"3600", "7200", 3600, NO_TIMER}, {"0", "7000", 7000, TOO_LONG},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *const params[] = {"SS_SIP_NO_TIMER_REINVITE_INTERVAL", rows[i].ceiling,
					      "SS_MAX_CALL_DURATION", rows[i].longest, NULL};
		struct bench *bench = bench_open("off");
		struct session session;

		bench_configure(bench, params);
		dial(&session, bench, "");
		bench_skip(bench, rows[i].end_s * 1000 - 20);
		peer_expect_nothing(&bench->caller);
		assert_int_equal(count_calls(bench), 1);
		bench_skip(bench, 40);
		expect_ended(bench, rows[i].why);
		bench_close(bench);
	}
}

static void no_ceiling(void **state)
{
	static const char *const params[] = {"SS_SIP_NO_TIMER_REINVITE_INTERVAL", "0", NULL};
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	bench_configure(bench, params);
	dial(&session, bench, "");
	bench_skip(bench, 86400000);
	peer_expect_nothing(&bench->caller);
	hang_up(&session, bench);
}

/* A caller with a timer has no ceiling, as long as it has one. */
static void ceiling_and_timer(void **state)
{
	static const char *const params[] = {"SS_SIP_NO_TIMER_REINVITE_INTERVAL", "3600",
					     "SS_SIP_SESSION_TTL", "7200", NULL};
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	bench_configure(bench, params);
	dial(&session, bench, TIMER);
	for (int cseq = 2; cseq < 6; cseq++) {
		bench_skip(bench, 3000000);
		refresh(bench, &session, cseq);
	}
	/* 12,000 s; it goes on without: the next look at 14,400 s ends the call. */
	caller_sends(bench, "UPDATE", 6, "upd6", session.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench_skip(bench, 2399000);
	peer_expect_nothing(&bench->caller);
	assert_int_equal(count_calls(bench), 1);
	bench_skip(bench, 2000);
	expect_ended(bench, NO_TIMER);
	bench_close(bench);
}

/* Each call has a limit of its own, of the party that draws the shorter one. */
static void drawn(void **state)
{
	static const struct {
		const char *from[2]; /* of the caller and the callee; NULL: not drawn */
		const char *max[2];
		unsigned least_s;
		unsigned most_s;
	} rows[] = {
		{{"60", NULL}, {"64", "0"}, 60, 64},      {{NULL, "60"}, {"0", "64"}, 60, 64},
		{{"60", "300"}, {"64", "400"}, 60, 64},   {{"60", NULL}, {"60", NULL}, 60, 60},
		{{"86399", NULL}, {"86400", "3"}, 3, 3},  {{"50", "50"}, {"90", "90"}, 50, 90},
		{{NULL, "1"}, {NULL, "86400"}, 1, 86400},
	};
	static const char *const kinds[] = {"mapping-gateway", "routing-gateway"};
	static const char *const names[] = {"in", "out"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *bench = bench_open("off");
		struct change_list list = {0};
		struct session session;
		struct call_info info;
		unsigned limit_s = 0;

		changes_param(&list, "SS_SIP_NO_TIMER_REINVITE_INTERVAL", "0");
		for (int side = 0; side < 2; side++) {
			if (rows[i].from[side])
				changes_field(&list, kinds[side], names[side],
					      "max-call-duration-from", rows[i].from[side]);
			if (rows[i].max[side])
				changes_field(&list, kinds[side], names[side], "max-call-duration",
					      rows[i].max[side]);
		}
		bench_change(bench, &list);
		dial(&session, bench, "");
		assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
		assert_int_equal(sscanf(info.timers, "max-call-duration %u s", &limit_s), 1);
		assert_in_range(limit_s, rows[i].least_s, rows[i].most_s);
		bench_skip(bench, limit_s * 1000 - 20);
		assert_int_equal(count_calls(bench), 1);
		bench_skip(bench, 40);
		expect_ended(bench, TOO_LONG);
		bench_close(bench);
	}
}

/* --- Media. --- */

static struct bench *open_relayed(const char *limit)
{
	const char *const params[] = {"SS_NO_MEDIA_HANGUP_TIME", limit, NULL};
	struct bench *bench = bench_open("on");

	bench_configure(bench, params);
	return bench;
}

static void silence(void **state)
{
	static const struct {
		const char *limit;
		unsigned end_ms;
	} rows[] = {{"60", 60000}, {"1", 1000}, {"3600", 3600000}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *bench = open_relayed(rows[i].limit);
		struct session session;

		dial(&session, bench, "");
		bench_skip(bench, rows[i].end_ms - 20);
		assert_int_equal(count_calls(bench), 1);
		bench_skip(bench, rows[i].end_ms / 10 + 40);
		expect_ended(bench, NO_MEDIA);
		bench_close(bench);
	}
}

static void silence_is_allowed(void **state)
{
	struct bench *bench = open_relayed("0");
	struct session session;

	(void)state;
	dial(&session, bench, "");
	bench_skip(bench, 7000000);
	hang_up(&session, bench);
	/* What does not pass by us cannot be heard. */
	bench = bench_open("off");
	dial(&session, bench, "");
	bench_skip(bench, 7000000);
	hang_up(&session, bench);
}

static uint16_t relay_port(const char *message)
{
	const char *at = strstr(message, "m=audio ");

	assert_non_null(at);
	return (uint16_t)atoi(at + 8);
}

/* One packet of the caller's to the relay, which counts it in a thread of its own. */
static void send_rtp(struct bench *bench, int fd, uint16_t port)
{
	static const uint8_t packet[172] = {0x80, 0};
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint64_t give_up_us = clock_mono_us() + 20000000;
	struct call_info before;
	struct call_info now;

	assert_int_equal(call_table_list(bench->worker->calls, 0, &before, 1), 1);
	assert_int_equal(
		sendto(fd, packet, sizeof(packet), 0, (struct sockaddr *)&sin, sizeof(sin)),
		sizeof(packet));
	do
		call_table_list(bench->worker->calls, 0, &now, 1);
	while (now.legs[0].counters.packets == before.legs[0].counters.packets &&
	       clock_mono_us() < give_up_us && poll(NULL, 0, 1) == 0);
	assert_int_equal(now.legs[0].counters.packets, before.legs[0].counters.packets + 1);
}

/* Where the caller takes and sends its media. */
static int open_media(char *body, size_t size)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	snprintf(body, size,
		 "v=0\r\no=a 1 9 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0\r\n",
		 ntohs(sin.sin_port));
	return fd;
}

/* Packets of one side are enough. */
static void heard(void **state)
{
	struct bench *bench = open_relayed("60");
	struct session session;
	char body[512];
	int fd = open_media(body, sizeof(body));
	uint16_t port;

	(void)state;
	dial(&session, bench, "");
	port = relay_port(session.answer);
	caller_sends(bench, "INVITE", 2, "move", session.tag, body);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "moveack", session.tag, "");
	peer_expect(&bench->callee, "ACK ");
	for (int n = 0; n < 5; n++) {
		bench_skip(bench, 50000);
		send_rtp(bench, fd, port);
	}
	bench_skip(bench, 59000);
	assert_int_equal(count_calls(bench), 1);
	bench_skip(bench, 8000);
	expect_ended(bench, NO_MEDIA);
	close(fd);
	bench_close(bench);
}

static void reinvite(struct bench *bench, const struct session *session, int cseq,
		     const char *offered, const char *answered)
{
	char branch[16];

	snprintf(branch, sizeof(branch), "hold%d", cseq);
	caller_sends(bench, "INVITE", cseq, branch, session->tag, offered);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", answered);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	snprintf(branch, sizeof(branch), "holda%d", cseq);
	caller_sends(bench, "ACK", cseq, branch, session->tag, "");
	peer_expect(&bench->callee, "ACK ");
}

/* A held call may be silent; one that is resumed has the whole time again. */
static void held(void **state)
{
	static const char *const bodies[][2] = {
		{BODY "a=sendonly\r\n", BODY "a=recvonly\r\n"},
		{BODY "a=inactive\r\n", BODY "a=inactive\r\n"},
		{BODY "a=sendonly\r\n", BODY "a=inactive\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		struct bench *bench = open_relayed("60");
		struct session session;

		dial(&session, bench, "");
		bench_skip(bench, 50000);
		reinvite(bench, &session, 2, bodies[i][0], bodies[i][1]);
		bench_skip(bench, 3600000);
		assert_int_equal(count_calls(bench), 1);
		reinvite(bench, &session, 3, BODY, BODY);
		bench_skip(bench, 53000);
		assert_int_equal(count_calls(bench), 1);
		bench_skip(bench, 14000);
		expect_ended(bench, NO_MEDIA);
		bench_close(bench);
	}
}

static void shown(void **state)
{
	struct bench *bench = open_relayed("60");
	struct session session;
	struct call_info info;

	(void)state;
	dial(&session, bench, "");
	bench_skip(bench, 10000);
	assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
	assert_string_equal(info.timers,
			    "caller without timer, ends in 7190 s; no media ends it in 50 s");
	hang_up(&session, bench);
}

TEST_MAIN(cmocka_unit_test(drawn), cmocka_unit_test(ceiling), cmocka_unit_test(no_ceiling),
	  cmocka_unit_test(ceiling_and_timer), cmocka_unit_test(silence),
	  cmocka_unit_test(silence_is_allowed), cmocka_unit_test(heard), cmocka_unit_test(held),
	  cmocka_unit_test(shown))
