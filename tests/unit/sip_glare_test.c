/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers and refreshes that cross each other inside a call (RFC 3261 section 14), on a set clock.
 */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/session_call.h"

/* --- Collisions (RFC 3261 section 14). --- */

/* Who owns the Call-ID waits 2.1 to 4 s, the other one less than 2 s. */
static void glare_waits(void **state)
{
	uint64_t least_ms[2] = {UINT64_MAX, UINT64_MAX};
	uint64_t most_ms[2] = {0, 0};

	(void)state;
	for (int is_callee = 0; is_callee < 2; is_callee++) {
		struct bench *bench = bench_open("off");
		struct peer *peer = is_callee ? &bench->callee : &bench->caller;
		struct session session;

		if (is_callee)
			dial(&session, bench, "", WE_REFRESH);
		else
			dial(&session, bench, TIMER, "");
		bench_skip(bench, 300010);
		peer_expect(peer, "INVITE ");
		for (int n = 0; n < 40; n++) {
			uint64_t wait_ms;

			answer(bench, peer, "491 Request Pending", "", "");
			peer_expect(peer, "ACK ");
			wait_ms = wait_for(bench, peer, 5000);
			assert_int_equal(strncmp(peer->text, "INVITE ", 7), 0);
			if (wait_ms < least_ms[is_callee])
				least_ms[is_callee] = wait_ms;
			if (wait_ms > most_ms[is_callee])
				most_ms[is_callee] = wait_ms;
		}
		answer(bench, peer, "200 OK", "", BODY);
		peer_expect(peer, "ACK ");
		hang_up(&session);
	}
	assert_in_range(most_ms[0], 1000, 2020);
	assert_in_range(least_ms[1], 2100, 2500);
	assert_in_range(most_ms[1], 3000, 4020);
}

/* Both refresh at once: each refuses the other's, and the one that waits less gets through; its
 * offer reaches the other side. */
static void glare_with_the_peer(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	char ours[8192];

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	callee_sends(bench, session.invite, "INVITE", 7, MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 491 ");
	acknowledge(bench, &bench->callee, 7);
	/* An UPDATE with an offer is refused as well, one without is not. */
	callee_sends(bench, session.invite, "UPDATE", 8, MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 491 ");
	callee_sends(bench, session.invite, "UPDATE", 9, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	callee_answers(bench, ours, "491 Request Pending", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect_nothing(&bench->caller);
	/* The peer comes first, and has refreshed: ours is not sent again. */
	bench_advance(bench, 1000);
	bench->extra = TIMER "Session-Expires: 1800\r\n";
	callee_sends(bench, session.invite, "INVITE", 10, MOVED_BODY);
	bench->extra = "";
	peer_expect(&bench->callee, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "INVITE ");
	assert_string_equal(body_of(bench->caller.text), MOVED_BODY);
	answer(bench, &bench->caller, "200 OK", "", BODY);
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	callee_sends(bench, session.invite, "ACK", 10, "");
	bench_skip(bench, 10000);
	peer_expect_nothing(&bench->callee);
	hang_up(&session);
}

/* The peer becomes the refresher while ours collides: it is left to it, up to the end. */
static void peer_takes_over(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	char ours[8192];

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	bench->extra = TIMER "Session-Expires: 600;refresher=uac\r\n";
	callee_sends(bench, session.invite, "UPDATE", 7, "");
	bench->extra = "";
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	expect_header(&bench->callee, "Session-Expires: 600;refresher=uac\r\n");
	callee_answers(bench, ours, "491 Request Pending", "");
	peer_expect(&bench->callee, "ACK ");
	bench_skip(bench, 567000);
	peer_expect_nothing(&bench->callee);
	peer_expect_nothing(&bench->caller);
	bench_skip(bench, 1100);
	expect_ended(bench, TIMED_OUT);
	bench_close(bench);
}

/* The other side's offer while a refresh is under way: after it. */
static void offer_waits_for_the_refresh(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	char ours[8192];

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	caller_sends(bench, "INVITE", 2, "move", session.tag, MOVED_BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect_nothing(&bench->callee);
	callee_answers(bench, ours, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "INVITE ");
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	answer(bench, &bench->callee, "200 OK", "", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "moveack", session.tag, "");
	hang_up(&session);
}

/* It waits as long as the refresh does when that has collided, and then goes in its place. */
static void offer_waits_for_the_collision(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	char ours[8192];
	uint64_t wait_ms;

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	caller_sends(bench, "INVITE", 2, "move", session.tag, MOVED_BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	callee_answers(bench, ours, "491 Request Pending", "");
	peer_expect(&bench->callee, "ACK ");
	wait_ms = wait_for(bench, &bench->callee, 5000);
	assert_in_range(wait_ms, 2100, 4020);
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	answer(bench, &bench->callee, "200 OK", WE_REFRESH, BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "moveack", session.tag, "");
	/* The next refresh is a whole period later, with what was offered. */
	bench_skip(bench, 299900);
	peer_expect_nothing(&bench->callee);
	bench_skip(bench, 110);
	peer_expect(&bench->callee, "INVITE ");
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	answer(bench, &bench->callee, "200 OK", WE_REFRESH, BODY);
	peer_expect(&bench->callee, "ACK ");
	hang_up(&session);
}

static void waiting_offer_is_withdrawn(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;
	char ours[8192];

	(void)state;
	dial(&session, bench, "", WE_REFRESH);
	bench_skip(bench, 300010);
	peer_expect(&bench->callee, "INVITE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	caller_sends(bench, "INVITE", 2, "move", session.tag, MOVED_BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	caller_sends(bench, "CANCEL", 2, "move", session.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	caller_sends(bench, "ACK", 2, "move", session.tag, "");
	callee_answers(bench, ours, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect_nothing(&bench->callee);
	peer_expect_nothing(&bench->caller);
	assert_int_equal(count_calls(bench), 1);
	hang_up(&session);
}

/* BYE while an offer waits, and while an UPDATE is under way. */
static void ends_in_the_middle(void **state)
{
	(void)state;
	for (int by_update = 0; by_update < 2; by_update++) {
		struct bench *bench = bench_open("off");
		struct session session;

		dial(&session, bench, "", by_update ? UPDATES WE_REFRESH : WE_REFRESH);
		bench_skip(bench, 300010);
		peer_expect(&bench->callee, by_update ? "UPDATE " : "INVITE ");
		if (!by_update) {
			caller_sends(bench, "INVITE", 2, "move", session.tag, MOVED_BODY);
			peer_expect(&bench->caller, "SIP/2.0 100 ");
			peer_expect_nothing(&bench->callee);
			caller_sends(bench, "BYE", 90, "bye", session.tag, "");
			peer_expect(&bench->caller, "SIP/2.0 200 ");
			peer_expect(&bench->caller, "SIP/2.0 487 ");
			peer_expect(&bench->callee, "BYE ");
			bench_close(bench);
		} else {
			hang_up(&session);
		}
	}
}

TEST_MAIN(cmocka_unit_test(glare_waits), cmocka_unit_test(glare_with_the_peer),
	  cmocka_unit_test(peer_takes_over), cmocka_unit_test(offer_waits_for_the_refresh),
	  cmocka_unit_test(offer_waits_for_the_collision),
	  cmocka_unit_test(waiting_offer_is_withdrawn), cmocka_unit_test(ends_in_the_middle))
