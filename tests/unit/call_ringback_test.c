/* SPDX-License-Identifier: GPL-2.0-or-later */
/* local-ring-delay on a set clock: when a gateway's callee has no media of its own for so long, the
 * caller is told of a tone of ours (behaviour C8). */
#include "tests/support/test.h"

#include "tests/support/changes.h"
#include "tests/support/session_call.h"

#define DELAY_MS 3000

static struct bench *open_ring(void)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("auto");

	changes_field(&list, "routing-gateway", "out", "local-ring", "on");
	changes_field(&list, "routing-gateway", "out", "local-ring-delay", "3");
	bench_change(bench, &list);
	return bench;
}

static void call_out(struct bench *bench, char invite[8192])
{
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, 8192, "%s", bench->callee.text);
	callee_answers(bench, invite, "100 Trying", "");
}

/* 183 with the port of a tone, not before its time. */
static void expect_tone(struct bench *bench)
{
	bench_advance(bench, DELAY_MS - 20);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 40);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	expect_header(&bench->caller, "\r\nm=audio ");
	expect_header(&bench->caller, "a=rtpmap:0 PCMU/8000\r\n");
}

static void talk_and_end(struct bench *bench, const char *invite)
{
	char tag[64];

	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	bench_advance(bench, 2 * DELAY_MS);
	peer_expect_nothing(&bench->caller);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	bench_close(bench);
}

/* Whether it rings meanwhile or not; ringing alone is passed as it is. */
static void after_its_delay(void **state)
{
	(void)state;
	for (int rings = 0; rings < 2; rings++) {
		struct bench *bench = open_ring();
		char invite[8192];

		call_out(bench, invite);
		if (rings) {
			callee_answers(bench, invite, "180 Ringing", "");
			peer_expect(&bench->caller, "SIP/2.0 180 ");
			expect_no_header(&bench->caller, "m=audio");
		}
		expect_tone(bench);
		/* More ringing is no news to who hears a tone. */
		callee_answers(bench, invite, "180 Ringing", "");
		peer_expect_nothing(&bench->caller);
		talk_and_end(bench, invite);
	}
}

static void media_or_answer_comes_first(void **state)
{
	(void)state;
	for (int is_answered = 0; is_answered < 2; is_answered++) {
		struct bench *bench = open_ring();
		char invite[8192];

		call_out(bench, invite);
		bench_advance(bench, DELAY_MS - 100);
		if (!is_answered) {
			callee_answers(bench, invite, "183 Session Progress", BODY);
			peer_expect(&bench->caller, "SIP/2.0 183 ");
			bench_advance(bench, DELAY_MS);
			peer_expect_nothing(&bench->caller);
		}
		talk_and_end(bench, invite);
	}
}

/* The time is the callee's that is called: the next one's begins with its INVITE. */
static void next_gateway_has_its_own_time(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_ring();
	char address[32], invite[8192];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", bench->phones[0].port);
	changes_create(&list, "routing-gateway", "second");
	changes_field(&list, "routing-gateway", "second", "address", address);
	changes_field(&list, "routing-gateway", "second", "prefixes", "9");
	changes_field(&list, "routing-gateway", "second", "priority", "1000");
	changes_field(&list, "routing-gateway", "second", "local-ring", "on");
	changes_field(&list, "routing-gateway", "second", "local-ring-delay", "3");
	changes_field(&list, "routing-gateway", "second", "session-timer", "off");
	bench_change(bench, &list);
	call_out(bench, invite);
	bench_advance(bench, DELAY_MS - 1000);
	callee_answers(bench, invite, "503 No", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->phones[0], "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->phones[0].text);
	peer_answers(bench, &bench->phones[0], invite, "100 Trying", "b", "");
	expect_tone(bench);
	peer_answers(bench, &bench->phones[0], invite, "486 Busy Here", "b", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	acknowledge(bench, &bench->caller, 1);
	bench_advance(bench, 2 * DELAY_MS);
	peer_expect_nothing(&bench->caller);
	bench_close(bench);
}

/* A phone has a time of its own as well. */
static void phone_has_its_delay(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("auto");
	char invite[8192];

	(void)state;
	changes_field(&list, "phone", IN_TURN, "local-ring", "on");
	changes_field(&list, "phone", IN_TURN, "local-ring-delay", "3");
	bench_change(bench, &list);
	bench->called = IN_TURN;
	bench_register(bench, IN_TURN, 0, 1000);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->phones[0].text);
	peer_answers(bench, &bench->phones[0], invite, "100 Trying", "p", "");
	expect_tone(bench);
	peer_answers(bench, &bench->phones[0], invite, "486 Busy Here", "p", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	acknowledge(bench, &bench->caller, 1);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(after_its_delay), cmocka_unit_test(media_or_answer_comes_first),
	  cmocka_unit_test(next_gateway_has_its_own_time), cmocka_unit_test(phone_has_its_delay))
