/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Set-up and end of calls, races and timers, through a whole signalling thread on a set clock. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "switchd/call/call.h"
#include "tests/support/call_bench.h"

static void caller_hangs_up(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE sip:900@127.0.0.1:");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	/* The answer was lost: the repeat gets the same one, and nothing else happens. */
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

static void callee_hangs_up(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	callee_sends(bench, invite, "BYE", 1, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "BYE sip:100@127.0.0.1:");
	/* Nobody answers our BYE: it is repeated on the list, then given up; close_bench sees it
	 * gone. */
	bench_advance(bench, 1600);
	peer_expect(&bench->caller, "BYE ");
	peer_expect(&bench->caller, "BYE ");
	peer_expect_nothing(&bench->caller);
	bench_close(bench);
}

/* SS_SIP_RESEND_INTERVAL 0.5,1,2,4,... and SS_SIP_TIMEOUT_INVITE 10: five sends, then the caller is
 * told. */
static void silent_callee(void **state)
{
	static const int sends_at_ms[] = {0, 500, 1500, 3500, 7500};
	struct bench *bench = bench_open("off");
	int now_ms = 0;

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	for (size_t i = 0; i < 5; i++) {
		if (sends_at_ms[i]) {
			bench_advance(bench, (uint64_t)(sends_at_ms[i] - now_ms - 20));
			peer_expect_nothing(&bench->callee);
			bench_advance(bench, 40);
			now_ms = sends_at_ms[i] + 20;
		}
		peer_expect(&bench->callee, "INVITE ");
	}
	bench_advance(bench, (uint64_t)(9980 - now_ms));
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 60);
	peer_expect(&bench->caller, "SIP/2.0 408 ");
	peer_expect_nothing(&bench->callee); /* nothing was heard, so no CANCEL (RFC 3261 9.1) */
	bench_close(bench);
}

static void cancel_while_ringing(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "inv1", tag, "");
	peer_expect(&bench->callee, "CANCEL ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	callee_answers(bench, invite, "487 Request Terminated", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect_nothing(&bench->callee);
	peer_expect_nothing(&bench->caller);
	bench_close(bench);
}

/* CANCEL before anything was heard waits for the first provisional; the 200 that crosses it is
 * ended. */
static void answer_crosses_cancel(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect_nothing(&bench->callee);
	callee_answers(bench, invite, "180 Ringing", "");
	peer_expect(&bench->callee, "CANCEL ");
	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

/* The answer comes after the INVITE was given up for lack of any response. */
static void answer_after_timeout(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	bench_advance(bench, 12000);
	while (peer_got(&bench->callee)) {
	}
	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	bench_close(bench);
}

static void refused(const char *status, const char *seen)
{
	struct bench *bench = bench_open("off");

	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, status, "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, seen);
	/* The caller's ACK is lost: the answer is repeated on the list. */
	bench_advance(bench, 520);
	peer_expect(&bench->caller, seen);
	bench_close(bench);
}

static void callee_refuses(void **state)
{
	(void)state;
	refused("486 Busy Here", "SIP/2.0 486 ");
	refused("603 Decline", "SIP/2.0 603 ");
	refused("500 Oops", "SIP/2.0 500 ");
	/* What is between the switch and its gateway is not the caller's business. */
	refused("401 Unauthorized", "SIP/2.0 480 ");
	refused("302 Moved", "SIP/2.0 482 "); /* to itself */
}

static void unknown_number(void **state)
{
	struct bench *bench = bench_open("off");
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text),
		 "INVITE sip:555@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "127.0.0.1:%u;branch=z9hG4bKx\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@a>;tag=1\r\nTo: <sip:555@a>\r\nCall-ID: u\r\n"
		 "CSeq: 1 INVITE\r\nContact: <sip:100@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
		 bench->caller.port, bench->caller.port);
	peer_send(bench, &bench->caller, text);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

/* No ACK for the 200: repeated on the list, then both legs end. */
static void missing_ack(void **state)
{
	struct bench *bench = bench_open("off");
	int repeats = 0;

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench_advance(bench, 31900);
	while (peer_got(&bench->caller)) {
		assert_memory_equal(bench->caller.text, "SIP/2.0 200 ", 12);
		repeats++;
	}
	assert_int_equal(repeats, 10);
	peer_expect_nothing(&bench->callee);
	bench_advance(bench, 200);
	peer_expect(&bench->caller, "BYE ");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(caller_hangs_up), cmocka_unit_test(callee_hangs_up),
	  cmocka_unit_test(silent_callee), cmocka_unit_test(cancel_while_ringing),
	  cmocka_unit_test(answer_crosses_cancel), cmocka_unit_test(answer_after_timeout),
	  cmocka_unit_test(callee_refuses), cmocka_unit_test(unknown_number),
	  cmocka_unit_test(missing_ack))
