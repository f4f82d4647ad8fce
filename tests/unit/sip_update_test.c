/* SPDX-License-Identifier: GPL-2.0-or-later */
/* UPDATE (RFC 3311): before the answer and in the call, of either side, and what collides. */
#include "tests/support/changes.h"
#include "tests/support/early_call.h"

static void callee_updates(struct early *early, const char *tag, int cseq, const char *body)
{
	peer_requests(early->bench, &early->bench->callee, tag, early->invite, "UPDATE", cseq,
		      body);
}

/* Without offer it is nobody else's business. */
static void without_offer(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	early_caller_sends(&early, "UPDATE", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_header(&bench->caller, "\r\nContact: <sip:");
	callee_updates(&early, "callee", 2, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	callee_updates(&early, "stranger", 2, "");
	peer_expect(&bench->callee, "SIP/2.0 481 ");
	peer_expect_nothing(&bench->callee);
	peer_expect_nothing(&bench->caller);
	early_finish(&early, BODY, BODY);
	early_caller_sends(&early, "UPDATE", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	callee_updates(&early, "callee", 1, ""); /* its number is used up */
	peer_expect(&bench->callee, "SIP/2.0 500 ");
	callee_updates(&early, "callee", 3, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	early_hang_up(&early);
}

/* As long as the INVITE's offer has no reliable answer there can be no other (RFC 3311 5.2). */
static void before_the_first_answer(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, UPDATES, BODY);
	early_answer(&early, "183 Session Progress", "callee", 0, UPDATES, BODY);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
	peer_expect(&bench->caller, "SIP/2.0 500 ");
	expect_header(&bench->caller, "\r\nRetry-After: ");
	callee_updates(&early, "callee", 1, MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 491 ");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

static void caller_offers(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_agree(&early, bench);
	early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
	peer_expect(&bench->callee, "UPDATE sip:900@127.0.0.1:");
	expect_header(&bench->callee, ";tag=callee\r\nCall-ID:");
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	peer_expect_nothing(&bench->caller);
	answer(bench, &bench->callee, "200 OK", "", OTHER_BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_header(&bench->caller, " UPDATE\r\n");
	assert_string_equal(body_of(bench->caller.text), OTHER_BODY);
	/* That holds, also where the 200 to INVITE still says what was before. */
	early_finish(&early, BODY, "");
	peer_expect_nothing(&bench->caller);
	early_hang_up(&early);
}

static void callee_offers(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_agree(&early, bench);
	callee_updates(&early, "callee", 1, MOVED_BODY);
	peer_expect(&bench->caller, "UPDATE sip:100@127.0.0.1:");
	assert_string_equal(body_of(bench->caller.text), MOVED_BODY);
	answer(bench, &bench->caller, "200 OK", "", OTHER_BODY);
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	assert_string_equal(body_of(bench->callee.text), OTHER_BODY);
	early_finish(&early, "", "");
	peer_expect_nothing(&bench->caller);
	early_hang_up(&early);
}

/* Refused, or with no answer at all: the session is as it was, and the call goes on. */
static void refused(void **state)
{
	static const char *const answers[][2] = {{"488 Not Acceptable Here", "SIP/2.0 488 "},
						 {"491 Request Pending", "SIP/2.0 491 "},
						 {"481 No", "SIP/2.0 504 "}};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_agree(&early, bench);
		early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
		peer_expect(&bench->callee, "UPDATE ");
		answer(bench, &bench->callee, answers[i][0], "", "");
		peer_expect(&bench->caller, answers[i][1]);
		callee_updates(&early, "callee", 1, MOVED_BODY);
		peer_expect(&bench->caller, "UPDATE ");
		answer(bench, &bench->caller, answers[i][0], "", "");
		peer_expect(&bench->callee, answers[i][1]);
		early_finish(&early, "", "");
		peer_expect_nothing(&bench->caller);
		early_hang_up(&early);
	}
}

static void unanswered(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_agree(&early, bench);
	early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
	bench_advance(bench, 32100);
	peer_expect(&bench->caller, "SIP/2.0 504 ");
	while (peer_got(&bench->callee))
		assert_int_equal(strncmp(bench->callee.text, "UPDATE ", 7), 0);
	early_finish(&early, "", "");
	early_hang_up(&early);
}

/* Whose peer cannot be asked is refused at once. */
static void other_side_cannot(void **state)
{
	(void)state;
	for (int by_callee = 0; by_callee < 2; by_callee++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, by_callee ? "" : REL UPDATES, BODY);
		early_answer(&early, "183 Session Progress", "callee", 5, by_callee ? UPDATES : "",
			     BODY);
		early_pracked(&early, 5, "callee", "");
		peer_expect(&bench->caller, "SIP/2.0 183 ");
		message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
		if (by_callee) {
			callee_updates(&early, "callee", 1, MOVED_BODY);
			peer_expect(&bench->callee, "SIP/2.0 488 ");
		} else {
			early.rseq = rseq_in(bench->caller.text);
			early_prack(&early, "");
			early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
			peer_expect(&bench->caller, "SIP/2.0 488 ");
		}
		early_finish(&early, "", by_callee ? BODY : "");
		early_hang_up(&early);
	}
}

/* One offer at a time, in either dialog (RFC 3311 5.2). */
static void glare(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char ours[8192];

	(void)state;
	early_agree(&early, bench);
	early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
	peer_expect(&bench->callee, "UPDATE ");
	snprintf(ours, sizeof(ours), "%s", bench->callee.text);
	callee_updates(&early, "callee", 1, MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 491 ");
	early_caller_sends(&early, "UPDATE", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 500 ");
	expect_header(&bench->caller, "\r\nRetry-After: ");
	early_caller_sends(&early, "UPDATE", "", ""); /* collides with nothing */
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	callee_answers(bench, ours, "200 OK", BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_string_equal(body_of(bench->caller.text), BODY);
	callee_updates(&early, "callee", 2, MOVED_BODY);
	peer_expect(&bench->caller, "UPDATE ");
	snprintf(ours, sizeof(ours), "%s", bench->caller.text);
	early_caller_sends(&early, "UPDATE", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 491 ");
	callee_updates(&early, "callee", 3, BODY);
	peer_expect(&bench->callee, "SIP/2.0 500 ");
	expect_header(&bench->callee, "\r\nRetry-After: ");
	peer_answers(bench, &bench->caller, ours, "200 OK", "x", BODY);
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	early_finish(&early, "", "");
	early_hang_up(&early);
}

/* The callee answers the INVITE, or refuses it, while an offer waits for it. */
static void set_up_ends_meanwhile(void **state)
{
	(void)state;
	for (int is_answered = 0; is_answered < 2; is_answered++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_agree(&early, bench);
		early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
		peer_expect(&bench->callee, "UPDATE ");
		early_answer(&early, is_answered ? "200 OK" : "503 No", "callee", 0, "", "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 491 ");
		peer_expect(&bench->caller, is_answered ? "SIP/2.0 200 " : "SIP/2.0 503 ");
		caller_sends(bench, "ACK", 1, is_answered ? "ack1" : "inv1", early.tag, "");
		if (is_answered)
			early_hang_up(&early);
		else
			bench_close(bench);
	}
}

/* The callee answers while its own offer is with the caller: both are answered. */
static void answers_with_own_offer_out(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char ours[8192];

	(void)state;
	early_agree(&early, bench);
	callee_updates(&early, "callee", 1, MOVED_BODY);
	peer_expect(&bench->caller, "UPDATE ");
	snprintf(ours, sizeof(ours), "%s", bench->caller.text);
	early_finish(&early, "", "");
	peer_answers(bench, &bench->caller, ours, "200 OK", "x", OTHER_BODY);
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	assert_string_equal(body_of(bench->callee.text), OTHER_BODY);
	peer_expect_nothing(&bench->caller);
	early_hang_up(&early);
}

/* The caller has a session with the first of those that a proxy calls, not with the second. */
static void of_another_tag(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_agree(&early, bench);
	early_answer(&early, "183 Session Progress", "two", 9, UPDATES, MOVED_BODY);
	early_pracked(&early, 9, "two", "");
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	early.rseq = rseq_in(bench->caller.text);
	early_prack(&early, "");
	callee_updates(&early, "two", 1, MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 488 ");
	callee_updates(&early, "two", 2, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
	peer_expect(&bench->callee, "UPDATE ");
	expect_header(&bench->callee, ";tag=callee\r\nCall-ID:");
	answer(bench, &bench->callee, "200 OK", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	early_finish(&early, "", "");
	early_hang_up(&early);
}

/* PRACK with an offer: answered in its 200 by the callee, or with what was agreed on before. */
static void prack_with_offer(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, REL UPDATES, BODY);
		early_answer(&early, "183 Session Progress", "callee", 5, i ? UPDATES : "", BODY);
		early_pracked(&early, 5, "callee", "");
		early_expect(&early, "SIP/2.0 183 ", BODY);
		early_prack_as(&early, NULL, MOVED_BODY);
		if (i) {
			peer_expect(&bench->callee, "UPDATE ");
			assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
			/* The INVITE is not answered before its PRACK. */
			peer_expect_nothing(&bench->caller);
			answer(bench, &bench->callee, i == 1 ? "200 OK" : "488 No", "",
			       i == 1 ? OTHER_BODY : "");
		}
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		expect_header(&bench->caller, " PRACK\r\n");
		assert_string_equal(body_of(bench->caller.text), i == 1 ? OTHER_BODY : BODY);
		early_finish(&early, "", "");
		early_hang_up(&early);
	}
}

/* A relayed one: what moves is where the relay sends. */
static void relayed(void **state)
{
	struct bench *bench = bench_open("on");
	struct early early;
	char port[64];

	(void)state;
	early_dial(&early, bench, REL UPDATES, BODY);
	early_answer(&early, "183 Session Progress", "callee", 5, UPDATES, BODY);
	early_pracked(&early, 5, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	copy_line(bench->caller.text, "m=audio 20", port, sizeof(port));
	early.rseq = rseq_in(bench->caller.text);
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	early_prack(&early, "");
	callee_updates(&early, "callee", 1, MOVED_BODY);
	peer_expect(&bench->caller, "UPDATE ");
	expect_header(&bench->caller, port);
	answer(bench, &bench->caller, "200 OK", "", MOVED_BODY);
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	expect_header(&bench->callee, "m=audio 20");
	early_finish(&early, "", "");
	early_hang_up(&early);
}

static void add_gateway(struct change_list *list, const char *name, const struct peer *peer,
			const char *priority)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	changes_create(list, "routing-gateway", name);
	changes_field(list, "routing-gateway", name, "address", address);
	changes_field(list, "routing-gateway", name, "prefixes", "7");
	changes_field(list, "routing-gateway", name, "priority", priority);
	changes_field(list, "routing-gateway", name, "switch-after-sdp", "on");
	changes_field(list, "routing-gateway", name, "switch-after-ring", "on");
}

/* The caller has moved its media when the gateway fails: the next one is offered where it is now,
 * but not what a gateway has refused. */
static void next_gateway(void **state)
{
	(void)state;
	for (int is_taken = 0; is_taken < 2; is_taken++) {
		struct change_list list = {0};
		struct bench *bench = bench_open("off");
		struct early early;

		add_gateway(&list, "a", &bench->callee, "1");
		add_gateway(&list, "b", &bench->phones[0], "2");
		bench_change(bench, &list);
		bench->called = "700";
		early_agree(&early, bench);
		early_caller_sends(&early, "UPDATE", "", MOVED_BODY);
		peer_expect(&bench->callee, "UPDATE ");
		answer(bench, &bench->callee, is_taken ? "200 OK" : "488 No", "",
		       is_taken ? OTHER_BODY : "");
		peer_expect(&bench->caller, is_taken ? "SIP/2.0 200 " : "SIP/2.0 488 ");
		early_answer(&early, "503 No", "callee", 0, "", "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->phones[0], "INVITE ");
		assert_string_equal(body_of(bench->phones[0].text), is_taken ? MOVED_BODY : BODY);
		peer_answers(bench, &bench->phones[0], bench->phones[0].text, "486 Busy Here", "b",
			     "");
		peer_expect(&bench->phones[0], "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 486 ");
		acknowledge(bench, &bench->caller, 1);
		bench_close(bench);
	}
}

/* In the call an offer in UPDATE goes to the other side whatever that one takes. */
static void in_the_call(void **state)
{
	struct bench *bench = bench_open("off");
	struct session session;

	(void)state;
	dial(&session, bench, "", "");
	caller_sends(bench, "UPDATE", 2, "up1", session.tag, MOVED_BODY);
	peer_expect(&bench->callee, "INVITE ");
	assert_string_equal(body_of(bench->callee.text), MOVED_BODY);
	answer(bench, &bench->callee, "200 OK", "", OTHER_BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_header(&bench->caller, " UPDATE\r\n");
	assert_string_equal(body_of(bench->caller.text), OTHER_BODY);
	callee_sends(bench, session.invite, "UPDATE", 1, MOVED_BODY);
	peer_expect(&bench->caller, "INVITE ");
	answer(bench, &bench->caller, "488 Not Acceptable Here", "", "");
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->callee, "SIP/2.0 488 ");
	assert_int_equal(count_calls(bench), 1);
	hang_up(&session);
}

TEST_MAIN(cmocka_unit_test(without_offer), cmocka_unit_test(before_the_first_answer),
	  cmocka_unit_test(caller_offers), cmocka_unit_test(callee_offers),
	  cmocka_unit_test(refused), cmocka_unit_test(unanswered),
	  cmocka_unit_test(other_side_cannot), cmocka_unit_test(glare),
	  cmocka_unit_test(set_up_ends_meanwhile), cmocka_unit_test(answers_with_own_offer_out),
	  cmocka_unit_test(of_another_tag), cmocka_unit_test(prack_with_offer),
	  cmocka_unit_test(relayed), cmocka_unit_test(next_gateway), cmocka_unit_test(in_the_call))
