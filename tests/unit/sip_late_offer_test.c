/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offers that come as answers (RFC 3261 13.2.1, RFC 3262 section 5), where those who asked for them
 * are gone or have taken another one: none is left without an answer. */
#include "tests/support/test.h"

#include "tests/support/early_call.h"
#include "tests/support/transfer_call.h"

#define IDLE "m=audio 9 RTP/AVP 0\r\na=inactive\r\na=rtpmap:0 PCMU/8000\r\n"

/* A proxy has called two phones for our INVITE, and each has made its offer in a reliable 183: the
 * caller has taken that of the first. */
static struct bench *open_forked(struct early *early)
{
	struct bench *bench = bench_open("off");

	early_dial(early, bench, REL, "");
	early_answer(early, "183 Session Progress", "one", 7, "", BODY);
	early_expect(early, "SIP/2.0 183 ", BODY);
	early_prack(early, MOVED_BODY);
	early_pracked(early, 7, "one", MOVED_BODY);
	early_answer(early, "183 Session Progress", "two", 30, "", MOVED_BODY);
	peer_expect(&bench->callee, "PRACK ");
	expect_header(&bench->callee, "\r\nRAck: 30 1 INVITE\r\n");
	expect_header(&bench->callee, ";tag=two\r\nCall-ID:");
	expect_header(&bench->callee, IDLE);
	answer(bench, &bench->callee, "200 OK", "", "");
	early_answer(early, "180 Ringing", "two", 31, "", "");
	early_pracked(early, 31, "two", "");
	early_expect(early, "SIP/2.0 183 ", "");
	early_prack(early, "");
	early_expect(early, "SIP/2.0 180 ", "");
	early_prack(early, "");
	return bench;
}

/* The second answers: it is asked for an offer before the caller hears of it. */
static void second_answers(struct early *early)
{
	struct bench *bench = early->bench;

	early_answer(early, "200 OK", "two", 0, "", "");
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, ";tag=two\r\nCall-ID:");
	assert_string_equal(body_of(bench->callee.text), "");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, ";tag=two\r\nCall-ID:");
	assert_string_equal(body_of(bench->callee.text), "");
	peer_expect_nothing(&bench->caller);
}

static void the_first_wins(void **state)
{
	struct early early;
	struct bench *bench = open_forked(&early);

	(void)state;
	early_answer(&early, "200 OK", "one", 0, "", BODY);
	peer_expect(&bench->callee, "ACK ");
	assert_string_equal(body_of(bench->callee.text), "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	caller_sends(bench, "ACK", 1, "ack1", early.tag, "");
	peer_expect_nothing(&bench->callee);
	early_hang_up(&early);
}

static void the_second_wins(void **state)
{
	struct early early;
	struct bench *bench = open_forked(&early);
	char first[64];

	(void)state;
	snprintf(first, sizeof(first), "%s", early.tag);
	second_answers(&early);
	answer(bench, &bench->callee, "200 OK", "", OTHER_BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_string_equal(body_of(bench->caller.text), OTHER_BODY);
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	assert_string_not_equal(early.tag, first);
	peer_expect_nothing(&bench->callee); /* the ACK has the caller's answer */
	caller_sends(bench, "ACK", 1, "ack1", early.tag, BODY);
	peer_expect(&bench->callee, "ACK ");
	assert_string_equal(body_of(bench->callee.text), BODY);
	assert_int_equal(count_calls(bench), 1);
	early_hang_up(&early);
}

/* It is asked again after a collision, and not for ever. */
static void the_second_collides(void **state)
{
	(void)state;
	for (int is_endless = 0; is_endless < 2; is_endless++) {
		struct early early;
		struct bench *bench = open_forked(&early);

		second_answers(&early);
		for (int i = 0; i < (is_endless ? 5 : 2); i++) {
			answer(bench, &bench->callee, "491 Request Pending", "", "");
			peer_expect(&bench->callee, "ACK ");
			if (i < 4) {
				assert_in_range(wait_for(bench, &bench->callee, 5000), 2100, 4010);
				assert_int_equal(strncmp(bench->callee.text, "INVITE ", 7), 0);
			}
		}
		if (is_endless) {
			assert_in_range(wait_for(bench, &bench->callee, 5000), 2100, 4010);
			assert_int_equal(strncmp(bench->callee.text, "BYE ", 4), 0);
			peer_expect(&bench->caller, "SIP/2.0 491 ");
		} else {
			caller_sends(bench, "CANCEL", 1, "inv1", "", "");
			peer_expect(&bench->callee, "BYE ");
		}
		assert_int_equal(count_calls(bench), 0);
		bench_close(bench);
	}
}

static void the_second_refuses(void **state)
{
	struct early early;
	struct bench *bench = open_forked(&early);

	(void)state;
	second_answers(&early);
	answer(bench, &bench->callee, "488 Not Acceptable Here", "", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "BYE ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	bench_close(bench);
}

static void the_second_hangs_up(void **state)
{
	struct early early;
	struct bench *bench = open_forked(&early);

	(void)state;
	second_answers(&early);
	peer_requests(bench, &bench->callee, "two", early.invite, "BYE", 1, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 4");
	peer_expect_nothing(&bench->callee);
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

/* What comes of the question then has its ACK, with an answer. */
static void the_caller_gives_up(void **state)
{
	struct early early;
	struct bench *bench = open_forked(&early);
	char asked[8192];

	(void)state;
	second_answers(&early);
	snprintf(asked, sizeof(asked), "%s", bench->callee.text);
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect(&bench->callee, "BYE ");
	peer_answers(bench, &bench->callee, asked, "200 OK", "two", BODY);
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, IDLE);
	bench_close(bench);
}

/* --- Nobody has an answer. --- */

/* The answer has crossed with the CANCEL. */
static void cancelled(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", "");
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->callee, "CANCEL ");
	early_answer(&early, "200 OK", "callee", 0, "", BODY);
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, IDLE);
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

/* The kept party will not have the target: what that has offered is answered before it is told to
 * go. */
static void transfer_is_dropped(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:401@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->phones[1], "INVITE ");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "200 OK", "t", OFFER);
	peer_expect(&bench->caller, "INVITE ");
	answer(bench, &bench->caller, "488 No", "", "");
	peer_expect(&bench->phones[1], "ACK ");
	expect_header(&bench->phones[1], "m=audio 9 RTP/AVP 8\r\na=inactive\r\n");
	peer_expect(&bench->phones[1], "BYE ");
	expect_notify(bench, &bench->phones[0], "488", true);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* The party of another call was asked for an offer, and the one it was for hangs up: that call goes
 * on, with what its other side has. */
static void question_is_dropped(void **state)
{
	static const char *const offers[] = {
		BODY "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n", MOVED_BODY};

	(void)state;
	for (int is_moved = 0; is_moved < 2; is_moved++) {
		struct change_list list = {0};
		struct bench *bench = open_transfer(&list, "off");
		struct transfer first, second;
		char refer_to[512];

		connect_to(&first, bench, "c1", "400", 0, "p");
		connect_to(&second, bench, "c2", "401", 1, "q");
		snprintf(refer_to, sizeof(refer_to),
			 "Refer-To: <sip:401@x?Replaces=c2%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller>"
			 "\r\n",
			 second.tag);
		bench->call_id = "c1";
		bench->called = "400";
		caller_refers(&first, 2, refer_to);
		peer_expect(&bench->caller, "SIP/2.0 202 ");
		expect_notify(bench, &bench->caller, "100", false);
		peer_expect(&bench->phones[1], "INVITE ");
		peer_requests(bench, &bench->phones[0], "p", first.invite, "BYE", 7, "");
		peer_expect(&bench->phones[0], "SIP/2.0 200 ");
		peer_expect(&bench->caller, "NOTIFY ");
		agree(bench, &bench->caller, "");
		end_by(bench, &bench->caller);
		agree(bench, &bench->phones[1], offers[is_moved]);
		if (is_moved) {
			/* Its media is elsewhere now: that is for the other side to know. */
			peer_expect(&bench->caller, "INVITE ");
			assert_string_equal(body_of(bench->caller.text), MOVED_BODY);
			peer_expect_nothing(&bench->phones[1]);
			agree(bench, &bench->caller, BODY);
			peer_expect(&bench->caller, "ACK ");
			peer_expect(&bench->phones[1], "ACK ");
			assert_string_equal(body_of(bench->phones[1].text), BODY);
		} else {
			peer_expect(&bench->phones[1], "ACK ");
			expect_header(&bench->phones[1],
				      "m=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n");
			expect_header(&bench->phones[1], "m=video 9 RTP/AVP 96\r\na=inactive\r\n");
		}
		peer_expect_nothing(&bench->caller);
		assert_int_equal(count_calls(bench), 1);
		peer_requests(bench, &bench->phones[1], "q", second.invite, "BYE", 7, "");
		peer_expect(&bench->phones[1], "SIP/2.0 200 ");
		end_by(bench, &bench->caller);
		bench_close(bench);
	}
}

/* A re-INVITE without offer that was given up, as its answer came: relayed, so the answer has our
 * port. */
static void reinvite_is_dropped(void **state)
{
	struct bench *bench = bench_open("on");
	char invite[8192], reinvite[8192], tag[64], port[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	snprintf(port, sizeof(port), "%.*s", (int)strcspn(strstr(invite, "m=audio"), "R"),
		 strstr(invite, "m=audio"));
	caller_sends(bench, "INVITE", 2, "re1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(reinvite, sizeof(reinvite), "%s", bench->callee.text);
	caller_sends(bench, "CANCEL", 2, "re1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	callee_answers(bench, reinvite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, port);
	expect_header(&bench->callee, "a=sendrecv");
	callee_answers(bench, reinvite, "200 OK", BODY); /* again: the same ACK */
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, port);
	caller_sends(bench, "BYE", 4, "bye1", tag, "");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

/* The call ends while the callee's answer to an offer waits for the caller's ACK. */
static void ends_before_the_ack(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	peer_expect(&bench->callee, "ACK ");
	expect_header(&bench->callee, IDLE);
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(the_first_wins), cmocka_unit_test(the_second_wins),
	  cmocka_unit_test(the_second_collides), cmocka_unit_test(the_second_refuses),
	  cmocka_unit_test(the_second_hangs_up), cmocka_unit_test(the_caller_gives_up),
	  cmocka_unit_test(cancelled), cmocka_unit_test(transfer_is_dropped),
	  cmocka_unit_test(question_is_dropped), cmocka_unit_test(reinvite_is_dropped),
	  cmocka_unit_test(ends_before_the_ack))
