/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replaces on a set clock (RFC 3891): attended transfer, and a leg that takes over from another of
 * the same party. */
#include "tests/support/test.h"

#include "tests/support/transfer_call.h"

/* Two calls of the caller: to 400 ("c1"), and to 401 ("c2"). */
struct two_calls {
	struct bench *bench;
	struct transfer first;
	struct transfer second;
	char refer_to[512];
};

static void open_two(struct two_calls *two, struct change_list *list, const char *media_mode)
{
	two->bench = open_transfer(list, media_mode);
	connect_to(&two->first, two->bench, "c1", "400", 0, "p");
	connect_to(&two->second, two->bench, "c2", "401", 1, "q");
	snprintf(two->refer_to, sizeof(two->refer_to),
		 "Refer-To: <sip:401@x?Replaces=c2%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller&"
		 "Require=replaces>\r\n",
		 two->second.tag);
	two->bench->call_id = "c1";
	two->bench->called = "400";
}

static void start(struct two_calls *two)
{
	caller_refers(&two->first, 2, two->refer_to);
	peer_expect(&two->bench->caller, "SIP/2.0 202 ");
	expect_notify(two->bench, &two->bench->caller, "100", false);
	peer_expect(&two->bench->phones[1], "INVITE ");
	assert_null(strstr(two->bench->phones[1].text, "application/sdp"));
}

static void hang_up_both(struct two_calls *two)
{
	struct bench *bench = two->bench;

	assert_int_equal(count_calls(bench), 1);
	peer_requests(bench, &bench->phones[0], "p", two->first.invite, "BYE", 7, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

static void attended(void **state)
{
	static const char *const modes[] = {"off", "must-on"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct change_list list = {0};
		struct two_calls two;
		struct bench *bench;

		open_two(&two, &list, modes[i]);
		bench = two.bench;
		start(&two);
		agree(bench, &bench->phones[1], OFFER);
		end_by(bench, &bench->caller); /* the consultation */
		peer_expect(&bench->phones[0], "INVITE ");
		expect_header(&bench->phones[0], "PCMA");
		agree(bench, &bench->phones[0], ANSWER);
		expect_notify(bench, &bench->caller, "200", true);
		end_by(bench, &bench->caller);
		peer_expect(&bench->phones[0], "ACK ");
		peer_expect(&bench->phones[1], "ACK ");
		expect_header(&bench->phones[1], "PCMA");
		hang_up_both(&two);
	}
}

/* The target is told who it talks to from now on, if it is to know. */
static void who_is_shown(void **state)
{
	static const struct {
		const char *display;
		const char *line; /* NULL: it is told nothing */
	} cases[] = {
		{NULL, NULL},
		{"original-caller", "\r\nP-Asserted-Identity: <sip:400@127.0.0.1:"},
		{"local-number", "\r\nP-Asserted-Identity: <sip:100@127.0.0.1:"},
	};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct change_list list = {0};
		struct two_calls two;
		struct bench *bench;
		struct peer *target;

		if (cases[i].display)
			changes_param(&list, "SS_CALL_TRANSFER_ASK_DISPLAY", cases[i].display);
		open_two(&two, &list, "off");
		bench = two.bench;
		target = &bench->phones[1];
		changes_field(&list, "phone", "401", "remote-party-id", i == 2 ? "on" : "off");
		bench_change(bench, &list);
		start(&two);
		if (cases[i].line)
			expect_header(target, cases[i].line);
		else
			expect_no_header(target, "P-Asserted-Identity");
		assert_int_equal(strstr(target->text, "\r\nRemote-Party-ID: <sip:100@") != NULL,
				 i == 2);
		agree(bench, target, OFFER);
		end_by(bench, &bench->caller);
		peer_expect(&bench->phones[0], "INVITE ");
		expect_no_header(&bench->phones[0], "P-Asserted-Identity");
		agree(bench, &bench->phones[0], ANSWER);
		expect_notify(bench, &bench->caller, "200", true);
		end_by(bench, &bench->caller);
		peer_expect(&bench->phones[0], "ACK ");
		peer_expect(target, "ACK ");
		/* An offer of the call's own says it no more. */
		peer_requests(bench, &bench->phones[0], "p", two.first.invite, "INVITE", 5, OFFER);
		peer_expect(&bench->phones[0], "SIP/2.0 100 ");
		peer_expect(target, "INVITE ");
		expect_no_header(target, "P-Asserted-Identity");
		agree(bench, target, ANSWER);
		peer_expect(target, "ACK ");
		peer_expect(&bench->phones[0], "SIP/2.0 200 ");
		peer_requests(bench, &bench->phones[0], "p", two.first.invite, "ACK", 5, "");
		hang_up_both(&two);
	}
}

/* It hangs up both calls as soon as its REFER is accepted. */
static void referrer_hangs_up(void **state)
{
	struct change_list list = {0};
	struct two_calls two;
	struct bench *bench;

	(void)state;
	open_two(&two, &list, "must-on");
	bench = two.bench;
	start(&two);
	caller_sends(bench, "BYE", 8, "b1", two.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_notify(bench, &bench->caller, "100", true);
	bench->call_id = "c2";
	caller_sends(bench, "BYE", 8, "b2", two.second.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect_nothing(&bench->phones[0]);
	assert_int_equal(count_calls(bench), 1);
	agree(bench, &bench->phones[1], OFFER);
	peer_expect(&bench->phones[0], "INVITE ");
	agree(bench, &bench->phones[0], ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	hang_up_both(&two);
}

/* Each call goes on as it was. */
static void target_refuses(void **state)
{
	struct change_list list = {0};
	struct two_calls two;
	struct bench *bench;

	(void)state;
	open_two(&two, &list, "must-on");
	bench = two.bench;
	start(&two);
	answer(bench, &bench->phones[1], "488 No", "", "");
	peer_expect(&bench->phones[1], "ACK ");
	expect_notify(bench, &bench->caller, "488", true);
	assert_int_equal(count_calls(bench), 2);
	caller_sends(bench, "BYE", 8, "b1", two.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench->call_id = "c2";
	caller_sends(bench, "BYE", 8, "b2", two.second.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

static void target_hangs_up(void **state)
{
	struct change_list list = {0};
	struct two_calls two;
	struct bench *bench;

	(void)state;
	open_two(&two, &list, "must-on");
	bench = two.bench;
	start(&two);
	peer_requests(bench, &bench->phones[1], "q", two.second.invite, "BYE", 7, "");
	peer_expect(&bench->phones[1], "SIP/2.0 200 ");
	peer_expect(&bench->caller, "NOTIFY ");
	expect_header(&bench->caller, "terminated");
	agree(bench, &bench->caller, "");
	end_by(bench, &bench->caller);
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 8, "b1", two.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

static void expect_no_such_dialog(struct two_calls *two, int cseq, const char *refer_to)
{
	struct bench *bench = two->bench;

	caller_refers(&two->first, cseq, refer_to);
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	peer_expect(&bench->caller, "NOTIFY ");
	agree(bench, &bench->caller, "");
	peer_expect(&bench->caller, "NOTIFY ");
	expect_header(&bench->caller, "SIP/2.0 481 ");
	agree(bench, &bench->caller, "");
	peer_expect_nothing(&bench->phones[0]);
	peer_expect_nothing(&bench->phones[1]);
}

static void what_is_no_dialog_of_its_own(void **state)
{
	struct change_list list = {0};
	struct two_calls two;
	struct bench *bench;
	char text[512];

	(void)state;
	open_two(&two, &list, "must-on");
	bench = two.bench;
	expect_no_such_dialog(&two, 2, "Refer-To: <sip:401@x?Replaces=c2>\r\n");
	snprintf(text, sizeof(text),
		 "Refer-To: <sip:401@x?Replaces=c2%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dother>\r\n",
		 two.second.tag);
	expect_no_such_dialog(&two, 3, text);
	snprintf(text, sizeof(text),
		 "Refer-To: <sip:401@x?Replaces=c9%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller>\r\n",
		 two.second.tag);
	expect_no_such_dialog(&two, 4, text);
	/* The call itself. */
	snprintf(text, sizeof(text),
		 "Refer-To: <sip:401@x?Replaces=c1%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller>\r\n",
		 two.first.tag);
	expect_no_such_dialog(&two, 5, text);
	/* Another's: the phone is not the gateway. */
	bench->extra = two.refer_to;
	peer_requests(bench, &bench->phones[0], "p", two.first.invite, "REFER", 6, "");
	bench->extra = "";
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	expect_notify(bench, &bench->phones[0], "481", true);
	assert_int_equal(count_calls(bench), 2);
	caller_sends(bench, "BYE", 8, "b1", two.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench->call_id = "c2";
	caller_sends(bench, "BYE", 8, "b2", two.second.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

/* --- INVITE with Replaces. --- */

static void invite_instead(struct bench *bench, const struct transfer *call, const char *more,
			   const char *body)
{
	static char extra[256];

	snprintf(extra, sizeof(extra), "Replaces: c1;to-tag=%s;from-tag=caller%s\r\n", call->tag,
		 more);
	bench->call_id = "new";
	bench->extra = extra;
	caller_sends(bench, "INVITE", 1, "new1", "", body);
	bench->extra = "";
}

static void leg_takes_over(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "must-on");
	struct transfer call;
	char tag[64];

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "PCMA");
	agree(bench, &bench->phones[0], ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	peer_expect(&bench->caller, "BYE "); /* of the leg before */
	expect_header(&bench->caller, "Call-ID: c1\r\n");
	agree(bench, &bench->caller, "");
	caller_sends(bench, "ACK", 1, "newack", tag, "");
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 8, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* The offer comes with the 200, its answer with the ACK. */
static void leg_without_offer(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;
	char tag[64];

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, "", "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	agree(bench, &bench->phones[0], OFFER);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_header(&bench->caller, "m=audio 7000 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	end_by(bench, &bench->caller);
	peer_expect_nothing(&bench->phones[0]);
	caller_sends(bench, "ACK", 1, "newack", tag, ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	expect_header(&bench->phones[0], "m=audio 8000 ");
	caller_sends(bench, "BYE", 8, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

static void end_first(struct bench *bench, const struct transfer *call)
{
	assert_int_equal(count_calls(bench), 1);
	bench->call_id = "c1";
	caller_sends(bench, "BYE", 8, "b1", call->tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

static void other_side_refuses(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	answer(bench, &bench->phones[0], "488 No", "", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	acknowledge(bench, &bench->caller, 1);
	end_first(bench, &call);
}

static void new_leg_gives_up(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;
	char invite[8192];

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->phones[0].text);
	answer(bench, &bench->phones[0], "100 Trying", "", "");
	caller_sends(bench, "CANCEL", 1, "new1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	acknowledge(bench, &bench->caller, 1);
	peer_expect(&bench->phones[0], "CANCEL ");
	agree(bench, &bench->phones[0], "");
	peer_answers(bench, &bench->phones[0], invite, "487 Terminated", "p", "");
	peer_expect(&bench->phones[0], "ACK ");
	end_first(bench, &call);
}

/* Both old and other side hang up meanwhile. */
static void all_hang_up(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	bench->call_id = "c1";
	caller_sends(bench, "BYE", 8, "b1", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_int_equal(count_calls(bench), 1);
	peer_requests(bench, &bench->phones[0], "p", call.invite, "BYE", 7, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 ");
	acknowledge(bench, &bench->caller, 1);
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

static void what_is_not_replaced(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	invite_instead(bench, &call, ";early-only", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	invite_instead(bench, &call, "x", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 481 ");
	invite_instead(bench, &call, "\r\nReplaces: x;to-tag=1;from-tag=2", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 400 ");
	changes_field(&list, "mapping-gateway", "in", "transfer", "off");
	bench_change(bench, &list);
	invite_instead(bench, &call, "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	acknowledge(bench, &bench->caller, 1);
	peer_expect_nothing(&bench->phones[0]);
	end_first(bench, &call);
}

TEST_MAIN(cmocka_unit_test(attended), cmocka_unit_test(who_is_shown),
	  cmocka_unit_test(referrer_hangs_up), cmocka_unit_test(target_refuses),
	  cmocka_unit_test(target_hangs_up), cmocka_unit_test(what_is_no_dialog_of_its_own),
	  cmocka_unit_test(leg_takes_over), cmocka_unit_test(leg_without_offer),
	  cmocka_unit_test(other_side_refuses), cmocka_unit_test(new_leg_gives_up),
	  cmocka_unit_test(all_hang_up), cmocka_unit_test(what_is_not_replaced))
