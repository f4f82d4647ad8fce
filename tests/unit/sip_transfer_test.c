/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blind transfer on a set clock (RFC 3515): who may, who hears what, and what becomes of the call
 * when the target does not answer, or somebody hangs up meanwhile. */
#include "tests/support/test.h"

#include "switchd/call/call_transfer.h"
#include "tests/support/transfer_call.h"

/* The target answers, the kept party takes its offer, both talk: `kept` has the dialog with `tag`.
 */
static void join_invited(struct bench *bench, struct peer *target, struct peer *kept,
			 char invite[8192])
{
	peer_expect(target, "INVITE ");
	memcpy(invite, target->text, sizeof(target->text));
	assert_null(strstr(invite, "application/sdp"));
	peer_answers(bench, target, invite, "200 OK", "target", OFFER);
	peer_expect(kept, "INVITE ");
	expect_header(kept, "m=audio ");
	expect_header(kept, "PCMA");
	peer_expect_nothing(target);
	agree(bench, kept, ANSWER);
	peer_expect(kept, "ACK ");
	peer_expect(target, "ACK ");
	expect_header(target, "PCMA");
}

static void join(struct bench *bench, struct peer *target, struct peer *kept)
{
	char invite[8192];

	join_invited(bench, target, kept, invite);
}

static void by_the_caller(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	caller_refers(&call, 2, "Refer-To: <sip:900@example.net>\r\n");
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	expect_notify(bench, &bench->caller, "100", false);
	join(bench, &bench->callee, &bench->phones[0]);
	expect_header(&bench->callee, "m=audio 8000 "); /* direct media */
	expect_notify(bench, &bench->caller, "200", true);
	end_by(bench, &bench->caller);
	assert_int_equal(count_calls(bench), 1);
	peer_requests(bench, &bench->phones[0], "p", call.invite, "BYE", 5, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	end_by(bench, &bench->callee);
	bench_close(bench);
}

static void by_the_callee(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "must-on");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "r: <sip:401@example.net;user=phone>\r\nb: <sip:400@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	join(bench, &bench->phones[1], &bench->caller);
	assert_null(strstr(bench->phones[1].text, "m=audio 8000 ")); /* relayed */
	expect_notify(bench, &bench->phones[0], "200", true);
	end_by(bench, &bench->phones[0]);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

static void rings_first(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: sip:900@x\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->callee, "INVITE sip:900@");
	peer_answers(bench, &bench->callee, bench->callee.text, "180 Ringing", "t", "");
	expect_notify(bench, &bench->phones[0], "180", false);
	peer_expect_nothing(&bench->caller);
	/* The phone hangs up before the answer: what it hears last is what it was told last. */
	peer_requests(bench, &bench->phones[0], "p", call.invite, "BYE", 3, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	expect_notify(bench, &bench->phones[0], "180", true);
	peer_expect_nothing(&bench->caller);
	assert_int_equal(count_calls(bench), 1);
	peer_answers(bench, &bench->callee, bench->callee.text, "200 OK", "t", OFFER);
	peer_expect(&bench->caller, "INVITE ");
	agree(bench, &bench->caller, ANSWER);
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->callee, "ACK ");
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->callee);
	bench_close(bench);
}

static void target_refuses(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:900@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->callee, "INVITE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "t", "");
	peer_expect(&bench->callee, "ACK ");
	expect_notify(bench, &bench->phones[0], "486", true);
	assert_int_equal(count_calls(bench), 1);
	/* The call before is as it was, and may be transferred again: now with an id. */
	phone_refers(&call, 3, "Refer-To: <tel:404404;phone-context=x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	peer_expect(&bench->phones[0], "NOTIFY ");
	expect_header(&bench->phones[0], "Event: refer;id=3\r\n");
	agree(bench, &bench->phones[0], "");
	expect_notify(bench, &bench->phones[0], "404", true);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

static void kept_refuses(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:900@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->callee, "INVITE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "200 OK", "t", OFFER);
	peer_expect(&bench->caller, "INVITE ");
	answer(bench, &bench->caller, "488 No", "", "");
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->callee, "ACK ");
	end_by(bench, &bench->callee);
	expect_notify(bench, &bench->phones[0], "488", true);
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

static void kept_is_busy_with_an_offer(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:900@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->callee, "INVITE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "200 OK", "t", OFFER);
	peer_expect(&bench->caller, "INVITE ");
	answer(bench, &bench->caller, "491 Pending", "", "");
	peer_expect(&bench->caller, "ACK ");
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 510);
	peer_expect(&bench->caller, "INVITE ");
	agree(bench, &bench->caller, ANSWER);
	peer_expect(&bench->caller, "ACK ");
	while (peer_got(&bench->callee) && strncmp(bench->callee.text, "ACK ", 4) != 0) {
	}
	expect_header(&bench->callee, "m=audio 8000 ");
	expect_notify(bench, &bench->phones[0], "200", true);
	end_by(bench, &bench->phones[0]);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->callee);
	bench_close(bench);
}

static void kept_hangs_up(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:900@x>\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->callee, "INVITE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "180 Ringing", "t", "");
	expect_notify(bench, &bench->phones[0], "180", false);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_notify(bench, &bench->phones[0], "500", true);
	peer_expect(&bench->callee, "CANCEL ");
	end_by(bench, &bench->phones[0]);
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

static void without_subscription(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2,
		     "Refer-To: <sip:900@x>\r\nRefer-Sub: false\r\nRequire: norefersub\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	expect_header(&bench->phones[0], "Refer-Sub: false\r\n");
	join(bench, &bench->callee, &bench->caller);
	end_by(bench, &bench->phones[0]);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->callee);
	bench_close(bench);
}

static void refused(struct transfer *call, const char *headers, const char *status)
{
	static int cseq = 100;

	phone_refers(call, ++cseq, headers);
	peer_expect(&call->bench->phones[0], status);
	peer_expect_nothing(&call->bench->phones[0]);
}

static void what_is_refused(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	refused(&call, "", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <sip:1@x>\r\nRefer-To: <sip:2@x>\r\n", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <sip:1@x>, <sip:2@x>\r\n", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <sip:x>\r\n", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <sip:1%0d%0ax@x>\r\n", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <sip:1@x?Replaces=%>\r\n", "SIP/2.0 400 ");
	refused(&call, "Refer-To: <http://x>\r\n", "SIP/2.0 416 ");
	refused(&call, "Refer-To: <sip:1@x;method=BYE>\r\n", "SIP/2.0 603 ");
	refused(&call, "Refer-To: <sip:1@x>\r\nRequire: other\r\n", "SIP/2.0 420 ");
	changes_field(&list, "phone", "400", "transfer", "off");
	bench_change(bench, &list);
	refused(&call, "Refer-To: <sip:900@x>\r\n", "SIP/2.0 603 ");
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	/* Nor outside a call. */
	bench->call_id = "outside";
	bench->extra = "Refer-To: <sip:900@x>\r\n";
	caller_sends(bench, "REFER", 1, "outside", "", "");
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	bench->extra = "";
	bench_close(bench);
}

/* One that only takes calls out calls nobody on its own account. */
static void routing_gateway(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	/* Its address is the mapping gateway's as well: it calls as that. */
	bench->extra = "Refer-To: <sip:401@x>\r\n";
	callee_sends(bench, invite, "REFER", 2, "");
	bench->extra = "";
	peer_expect(&bench->callee, "SIP/2.0 202 ");
	expect_notify(bench, &bench->callee, "100", false);
	peer_expect(&bench->phones[1], "INVITE ");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "603 No", "t", "");
	peer_expect(&bench->phones[1], "ACK ");
	expect_notify(bench, &bench->callee, "603", true);
	changes_field(&list, "mapping-gateway", "in", "authentication", "password");
	changes_field(&list, "mapping-gateway", "in", "address", "192.0.2.77");
	changes_field_reset(&list, "mapping-gateway", "in", "address", "127.0.0.1");
	bench_change(bench, &list);
	bench->extra = "Refer-To: <sip:401@x>\r\n";
	callee_sends(bench, invite, "REFER", 3, "");
	bench->extra = "";
	peer_expect(&bench->callee, "SIP/2.0 403 ");
	peer_expect_nothing(&bench->phones[1]);
	caller_sends(bench, "BYE", 9, "bye", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->callee);
	bench_close(bench);
}

/* The number of the party that stays is shown, unless phone or parameter say the other's. */
static void who_is_shown(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	phone_refers(&call, 2, "Refer-To: <sip:900@x>\r\nRefer-Sub: false\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "From: <sip:100@");
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "t", "");
	peer_expect(&bench->callee, "ACK ");
	changes_param(&list, "SS_CALL_TRANSFER_NORMAL_DISPLAY", "local-number");
	bench_change(bench, &list);
	phone_refers(&call, 3, "Refer-To: <sip:900@x>\r\nRefer-Sub: false\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "From: <sip:400@");
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "t", "");
	peer_expect(&bench->callee, "ACK ");
	/* The phone that transfers may have a word of its own. */
	changes_field(&list, "phone", "400", "transfer-display", "original-caller");
	bench_change(bench, &list);
	phone_refers(&call, 4, "Refer-To: <sip:900@x>\r\nRefer-Sub: false\r\n");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_header(&bench->callee, "From: <sip:100@");
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "t", "");
	peer_expect(&bench->callee, "ACK ");
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* A mapping gateway's rules hold for what it transfers to. */
static void its_rights(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	changes_field(&list, "mapping-gateway", "in", "callee-prefix-rule", "deny");
	changes_field(&list, "mapping-gateway", "in", "callee-prefixes", "90");
	bench_change(bench, &list);
	caller_refers(&call, 2, "Refer-To: <sip:900@x>\r\n");
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	expect_notify(bench, &bench->caller, "100", false);
	expect_notify(bench, &bench->caller, "403", true);
	peer_expect_nothing(&bench->callee);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* Calls to a further number of the phone that stays would ring that phone. */
static void not_to_itself(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;

	(void)state;
	changes_field(&list, "phone", "400", "did", "7400");
	bench_change(bench, &list);
	connect_to(&call, bench, "c1", "7400", 0, "p");
	caller_refers(&call, 2, "Refer-To: <sip:400@x>\r\n");
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	expect_notify(bench, &bench->caller, "100", false);
	expect_notify(bench, &bench->caller, "483", true);
	peer_expect_nothing(&bench->phones[0]);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* Each target hands the caller on to the next: so often, and no more. */
static void not_for_ever(void **state)
{
	static const char *const numbers[] = {"400", "401", "402"};
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer call;
	char refer_to[64];

	(void)state;
	connect_to(&call, bench, "c1", "400", 0, "p");
	for (int i = 0; i <= CALL_TRANSFERS_MAX; i++) {
		struct peer *phone = &bench->phones[i % 3];

		snprintf(refer_to, sizeof(refer_to), "Refer-To: <sip:%s@x>\r\n",
			 numbers[(i + 1) % 3]);
		bench->extra = refer_to;
		peer_requests(bench, phone, i ? "target" : "p", call.invite, "REFER", 2 + i, "");
		bench->extra = "";
		if (i == CALL_TRANSFERS_MAX) {
			peer_expect(phone, "SIP/2.0 403 ");
			break;
		}
		peer_expect(phone, "SIP/2.0 202 ");
		expect_notify(bench, phone, "100", false);
		join_invited(bench, &bench->phones[(i + 1) % 3], &bench->caller, call.invite);
		expect_notify(bench, phone, "200", true);
		end_by(bench, phone);
	}
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 9, "bye", call.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[CALL_TRANSFERS_MAX % 3]);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(by_the_caller), cmocka_unit_test(by_the_callee),
	  cmocka_unit_test(rings_first), cmocka_unit_test(target_refuses),
	  cmocka_unit_test(kept_refuses), cmocka_unit_test(kept_is_busy_with_an_offer),
	  cmocka_unit_test(kept_hangs_up), cmocka_unit_test(without_subscription),
	  cmocka_unit_test(what_is_refused), cmocka_unit_test(routing_gateway),
	  cmocka_unit_test(who_is_shown), cmocka_unit_test(its_rights),
	  cmocka_unit_test(not_to_itself), cmocka_unit_test(not_for_ever))
