/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a message that nobody answers is sent again, and when it is given up, for any
 * SS_SIP_RESEND_INTERVAL (behaviour A10): requests, and the 2xx that waits for its ACK. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/call/call.h"
#include "tests/support/call_bench.h"

#define STEP_MS   10
#define WAITS_MAX 16

static const char *const lists[] = {
	"0.5,1,2,4,4,4,4,4,4,4", "0.2,0.4,0.8", "1", "0.05,0.05", "3,2,1", "0.11,7,0.33,5.5",
};

struct schedule {
	unsigned waits_ms[WAITS_MAX];
	size_t count;
	unsigned end_ms; /* one first interval after the last time */
};

static struct schedule parse(const char *list)
{
	struct schedule schedule = {0};
	const char *at = list;

	while (*at) {
		char *end;

		schedule.waits_ms[schedule.count] = (unsigned)(strtod(at, &end) * 1000 + 0.5);
		schedule.end_ms += schedule.waits_ms[schedule.count++];
		at = *end ? end + 1 : end;
	}
	schedule.end_ms += schedule.waits_ms[0];
	return schedule;
}

static struct bench *open_bench(const char *list)
{
	const char *const params[] = {"SS_SIP_RESEND_INTERVAL", list, "SS_SIP_TIMEOUT_INVITE",
				      "600", NULL};
	struct bench *bench = bench_open("off");

	bench_configure(bench, params);
	return bench;
}

/* The peer has got the message, and gets it again exactly on the list, then never again; until
 * what follows it starts with `next`. */
static void expect_repeats(struct bench *bench, struct peer *peer, const char *list,
			   const char *next)
{
	struct schedule schedule = parse(list);
	char first[8192];
	unsigned waited_ms = 0;
	unsigned total_ms = 0;
	size_t repeats = 0;

	snprintf(first, sizeof(first), "%s", peer->text);
	while (total_ms < schedule.end_ms + 2 * STEP_MS) {
		bench_advance(bench, STEP_MS);
		waited_ms += STEP_MS;
		total_ms += STEP_MS;
		if (!peer_got(peer))
			continue;
		if (strcmp(peer->text, first) != 0)
			break;
		/* A tick is 10 ms, and a wait never ends before its time. */
		assert_true(repeats < schedule.count);
		assert_in_range(waited_ms, schedule.waits_ms[repeats] - STEP_MS,
				schedule.waits_ms[repeats] + STEP_MS);
		waited_ms = 0;
		repeats++;
	}
	assert_int_equal(repeats, schedule.count);
	assert_in_range(total_ms, schedule.end_ms, schedule.end_ms + 2 * STEP_MS);
	if (next)
		assert_int_equal(strncmp(peer->text, next, strlen(next)), 0);
}

static void invite(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct bench *bench = open_bench(lists[i]);

		caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		expect_repeats(bench, &bench->callee, lists[i], NULL);
		peer_expect(&bench->caller, "SIP/2.0 408 ");
		bench_close(bench);
	}
}

static void bye(void **state)
{
	char text[8192], tag[64];

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct bench *bench = open_bench(lists[i]);

		bench_set_up(bench, text, tag);
		caller_sends(bench, "BYE", 2, "bye1", tag, "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		peer_expect(&bench->callee, "BYE ");
		expect_repeats(bench, &bench->callee, lists[i], NULL);
		peer_expect_nothing(&bench->callee);
		bench_close(bench);
	}
}

/* re-INVITE, and UPDATE as a refresh: the end of the list is the end of the call. */
static void in_the_call(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (int by_update = 0; by_update < 2; by_update++) {
			struct bench *bench = open_bench(lists[i]);

			caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
			peer_expect(&bench->callee, "INVITE ");
			bench->extra =
				by_update
					? "Allow: UPDATE\r\nSession-Expires: 1800;refresher=uac\r\n"
					: "Session-Expires: 1800;refresher=uac\r\n";
			callee_answers(bench, bench->callee.text, "200 OK", BODY);
			bench->extra = "";
			peer_expect(&bench->callee, "ACK ");
			peer_expect(&bench->caller, "SIP/2.0 100 ");
			peer_expect(&bench->caller, "SIP/2.0 200 ");
			{
				char tag[64];

				message_to_tag(bench->caller.text, tag, sizeof(tag));
				caller_sends(bench, "ACK", 1, "ack1", tag, "");
			}
			bench_skip(bench, 299980);
			while (!peer_got(&bench->callee))
				bench_advance(bench, STEP_MS);
			assert_int_equal(
				strncmp(bench->callee.text, by_update ? "UPDATE " : "INVITE ", 7),
				0);
			expect_repeats(bench, &bench->callee, lists[i], "BYE ");
			peer_expect(&bench->caller, "BYE ");
			bench_close(bench);
		}
	}
}

static void answer_without_ack(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct bench *bench = open_bench(lists[i]);

		caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		callee_answers(bench, bench->callee.text, "200 OK", BODY);
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		expect_repeats(bench, &bench->caller, lists[i], "BYE ");
		peer_expect(&bench->callee, "BYE ");
		bench_close(bench);
	}
}

/* An answer ends it at once; a provisional one that of an INVITE. */
static void answered(void **state)
{
	struct bench *bench = open_bench("0.2,0.4,0.8");
	char text[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(text, sizeof(text), "%s", bench->callee.text);
	bench_advance(bench, 220);
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, text, "100 Trying", "");
	bench_advance(bench, 5000);
	peer_expect_nothing(&bench->callee);
	callee_answers(bench, text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(invite), cmocka_unit_test(bye), cmocka_unit_test(in_the_call),
	  cmocka_unit_test(answer_without_ack), cmocka_unit_test(answered))
