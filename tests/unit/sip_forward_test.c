/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Forwarding on a set clock: when a call to a phone goes elsewhere, in which order, and never in a
 * circle. 400 and 401 are phones, 900 a number of the bench's gateway. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

static void forward(struct change_list *list, const char *phone, const char *kind,
		    const char *number)
{
	changes_field(list, "phone", phone, kind, number);
}

/* 400 is registered as phones[0], 401 as phones[1], when asked for. */
static struct bench *open_phones(struct change_list *list, bool is_registered)
{
	struct bench *bench = bench_open("off");

	changes_create(list, "phone", "400");
	changes_create(list, "phone", "401");
	bench->called = "400";
	if (is_registered) {
		bench_register(bench, "400", 0, 1000);
		bench_register(bench, "401", 1, 1000);
	}
	return bench;
}

static void call(struct bench *bench)
{
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

static void refuse(struct bench *bench, struct peer *peer, const char *status)
{
	peer_expect(peer, "INVITE ");
	peer_answers(bench, peer, peer->text, status, "p", "");
	peer_expect(peer, "ACK ");
}

static void always(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-always", "401");
	forward(&list, "400", "forward-always", "900");
	bench_change(bench, &list);
	call(bench);
	peer_expect_nothing(&bench->phones[0]);
	refuse(bench, &bench->phones[1], "404 Unknown");
	refuse(bench, &bench->callee, "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void busy(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-busy", "401");
	bench_change(bench, &list);
	call(bench);
	refuse(bench, &bench->phones[0], "486 Busy");
	refuse(bench, &bench->phones[1], "480 Gone");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

static void only_for_its_reason(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-busy", "401");
	forward(&list, "400", "forward-offline", "401");
	bench_change(bench, &list);
	call(bench);
	refuse(bench, &bench->phones[0], "603 Decline");
	peer_expect(&bench->caller, "SIP/2.0 603 ");
	peer_expect_nothing(&bench->phones[1]);
	bench_close(bench);
}

static void no_answer(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-no-answer", "401");
	changes_field(&list, "phone", "400", "forward-ring-time", "7");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "180 Ringing", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	bench_advance(bench, 6980);
	peer_expect_nothing(&bench->phones[1]);
	bench_advance(bench, 40);
	peer_expect(&bench->phones[0], "CANCEL ");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void offline(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, false);

	(void)state;
	forward(&list, "400", "forward-offline", "401"); /* offline too: the next one */
	forward(&list, "400", "forward-offline", "900");
	bench_change(bench, &list);
	call(bench);
	refuse(bench, &bench->callee, "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void circle(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-always", "401");
	forward(&list, "401", "forward-always", "400");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	peer_expect_nothing(&bench->phones[0]);
	peer_expect_nothing(&bench->phones[1]);
	bench_close(bench);
}

static void too_deep(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	for (char digit = '2'; digit <= '8'; digit++) {
		char from[] = {'4', '0', digit, '\0'};
		char to[] = {'4', '0', (char)(digit + 1), '\0'};

		changes_create(&list, "phone", from);
		forward(&list, from, "forward-always", to);
	}
	bench->called = "402";
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	bench_close(bench);
}

static void who_is_shown(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-always", "900");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE sip:900@");
	assert_non_null(strstr(bench->callee.text, "From: <sip:100@"));
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "p", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	changes_param(&list, "SS_CALL_FORWARD_USING_ORIGINAL_CALLER", "off");
	bench_change(bench, &list);
	bench->call_id = "call-2";
	caller_sends(bench, "INVITE", 1, "i2", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE sip:900@");
	assert_non_null(strstr(bench->callee.text, "From: <sip:400@"));
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "p", "");
	peer_expect(&bench->callee, "ACK ");
	bench_close(bench);
}

/* 401 shows itself to whom it forwards to; what comes behind it in the list of 400 is shown the
 * caller again. */
static void who_is_shown_after_another(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	forward(&list, "400", "forward-always", "401");
	forward(&list, "400", "forward-always", "900");
	forward(&list, "401", "forward-busy", "901");
	changes_field(&list, "phone", "401", "forward-display", "local-number");
	changes_field(&list, "phone", "401", "display-number", "4010");
	changes_field(&list, "routing-gateway", "out", "show-display-number", "on");
	bench_change(bench, &list);
	call(bench);
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->callee, "INVITE sip:901@");
	assert_non_null(strstr(bench->callee.text, "From: <sip:4010@"));
	peer_answers(bench, &bench->callee, bench->callee.text, "404 Unknown", "p", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "INVITE sip:900@");
	assert_non_null(strstr(bench->callee.text, "From: <sip:100@"));
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "p", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void all_lines_taken(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);
	char tag[64], answer[8192];

	(void)state;
	changes_field(&list, "phone", "400", "capacity", "1");
	forward(&list, "400", "forward-busy", "401");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "p", BODY);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	snprintf(answer, sizeof(answer), "%s", bench->caller.text);
	bench->call_id = "call-2";
	caller_sends(bench, "INVITE", 1, "i2", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench->call_id = "call-1";
	message_to_tag(answer, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "a1", tag, "");
	caller_sends(bench, "BYE", 2, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->phones[0], "BYE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "p", "");
	bench->call_id = "call-3"; /* the line is free again */
	caller_sends(bench, "INVITE", 1, "i3", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	refuse(bench, &bench->phones[0], "603 Decline");
	peer_expect(&bench->caller, "SIP/2.0 603 ");
	bench_close(bench);
}

/* Each of them once, and not always the same one first. */
static void at_random(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, false);
	unsigned firsts[5] = {0};

	(void)state;
	changes_field(&list, "phone", "400", "forward-order", "random");
	for (int i = 0; i < 5; i++) {
		char number[] = {'9', '0', (char)('0' + i), '\0'};

		forward(&list, "400", "forward-offline", number);
	}
	bench_change(bench, &list);
	/* By chance all begin with the same one in 1 of 5 to the 24th. */
	for (int i = 0; i < 25; i++) {
		unsigned seen = 0;
		char call_id[16];

		snprintf(call_id, sizeof(call_id), "call-%d", i);
		bench->call_id = call_id;
		caller_sends(bench, "INVITE", 1, call_id, "", BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		for (int tried = 0; tried < 5; tried++) {
			unsigned number;

			peer_expect(&bench->callee, "INVITE sip:90");
			number = (unsigned)(bench->callee.text[strlen("INVITE sip:90")] - '0');
			assert_in_range(number, 0, 4);
			assert_false(seen >> number & 1);
			seen |= 1u << number;
			firsts[number] += tried == 0;
			peer_answers(bench, &bench->callee, bench->callee.text, "404 Unknown", "p",
				     "");
			peer_expect(&bench->callee, "ACK ");
		}
		peer_expect(&bench->caller, "SIP/2.0 404 ");
	}
	for (int i = 0; i < 5; i++)
		assert_int_not_equal(firsts[i], 25);
	bench_close(bench);
}

/* Two phones and a number of a gateway; nobody is called who is not there. */
static void at_once(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);
	const struct conf_phone *phone;
	char invite[8192];

	(void)state;
	changes_create(&list, "phone", "402");
	changes_create(&list, "phone", "403");
	bench_register(bench, "402", 2, 1000);
	changes_field(&list, "phone", "401", "capacity", "1");
	changes_field(&list, "phone", "400", "forward-order", "all-at-once");
	forward(&list, "400", "forward-always", "401");
	forward(&list, "400", "forward-always", "403");
	forward(&list, "400", "forward-always", "400");
	forward(&list, "400", "forward-always", "900");
	forward(&list, "400", "forward-always", "402");
	bench_change(bench, &list);
	phone = conf_phone_find(bench->conf, SPAN_LIT("401"));
	call(bench);
	peer_expect_nothing(&bench->phones[0]);
	peer_expect(&bench->phones[1], "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->phones[1].text);
	peer_expect(&bench->phones[2], "INVITE ");
	peer_expect(&bench->callee, "INVITE sip:900@");
	assert_int_equal(phone->live->calls, 1);
	callee_answers(bench, bench->callee.text, "404 Unknown", "");
	peer_expect(&bench->callee, "ACK ");
	peer_answers(bench, &bench->phones[2], bench->phones[2].text, "486 Busy", "p", "");
	peer_expect(&bench->phones[2], "ACK ");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "200 OK", "p", BODY);
	peer_expect(&bench->phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_int_equal(phone->live->calls, 1);
	peer_requests(bench, &bench->phones[1], "p", invite, "BYE", 1, "");
	peer_expect(&bench->phones[1], "SIP/2.0 200 ");
	assert_int_equal(phone->live->calls, 0);
	bench_close(bench);
}

/* One that answers is enough: the others are told, and their lines are free. */
static void at_once_one_answers(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);
	const struct conf_phone *phone;

	(void)state;
	changes_field(&list, "phone", "401", "capacity", "1");
	changes_field(&list, "phone", "400", "forward-order", "all-at-once");
	forward(&list, "400", "forward-always", "401");
	forward(&list, "400", "forward-always", "900");
	bench_change(bench, &list);
	phone = conf_phone_find(bench->conf, SPAN_LIT("401"));
	call(bench);
	peer_expect(&bench->phones[1], "INVITE ");
	peer_expect(&bench->callee, "INVITE sip:900@");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "180 Ringing", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->phones[1], "CANCEL ");
	assert_int_equal(phone->live->calls, 0);
	bench_close(bench);
}

/* The line of one that refuses is free while others still ring; of a phone with two contacts that
 * is when neither is left. */
static void at_once_one_refuses(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);
	const struct conf_phone *phone;

	(void)state;
	changes_field(&list, "phone", "401", "max-addresses", "2");
	changes_field(&list, "phone", "401", "capacity-in", "1");
	changes_field(&list, "phone", "400", "forward-order", "all-at-once");
	forward(&list, "400", "forward-always", "401");
	forward(&list, "400", "forward-always", "900");
	bench_change(bench, &list);
	bench_register(bench, "401", 2, 1000);
	phone = conf_phone_find(bench->conf, SPAN_LIT("401"));
	call(bench);
	peer_expect(&bench->phones[1], "INVITE ");
	peer_expect(&bench->phones[2], "INVITE ");
	peer_expect(&bench->callee, "INVITE sip:900@");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "486 Busy", "p", "");
	peer_expect(&bench->phones[1], "ACK ");
	assert_int_equal(phone->live->calls, 1);
	peer_answers(bench, &bench->phones[2], bench->phones[2].text, "486 Busy", "p", "");
	peer_expect(&bench->phones[2], "ACK ");
	assert_int_equal(phone->live->calls, 0);
	assert_int_equal(phone->live_ways[CONF_WAY_IN]->calls, 0);
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	assert_int_equal(phone->live->calls, 0);
	bench_close(bench);
}

/* All refuse: the best answer is the caller's; a phone that forwards on is left out. */
static void at_once_all_refuse(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list, true);

	(void)state;
	changes_create(&list, "phone", "402");
	bench_register(bench, "402", 2, 1000);
	forward(&list, "402", "forward-always", "400");
	changes_field(&list, "phone", "400", "forward-order", "all-at-once");
	forward(&list, "400", "forward-busy", "402");
	forward(&list, "400", "forward-busy", "401");
	forward(&list, "400", "forward-busy", "900");
	forward(&list, "401", "forward-busy", "400");
	bench_change(bench, &list);
	call(bench);
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect_nothing(&bench->phones[2]);
	refuse(bench, &bench->callee, "503 Full");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	peer_expect_nothing(&bench->phones[0]);
	bench_close(bench);
}

static void in_period(void **state)
{
	/* Always, by two rules that share the week; never; for some callers; for none of these. */
	static const struct {
		const char *rules[2];
		bool is_forwarded;
	} cases[] = {
		{{"mon-sun 00:00-12:00 allow", "mon-sun 12:00-24:00 allow"}, true},
		{{"mon-sun 00:00-24:00 allow", "mon-sun 00:00-24:00 deny"}, false},
		{{"mon-sun 00:00-24:00 allow caller 100", NULL}, true},
		{{"mon-sun 00:00-24:00 deny caller 49", NULL}, true},
		{{"mon-sun 00:00-24:00 deny caller 100", NULL}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct change_list list = {0};
		struct bench *bench = open_phones(&list, true);

		for (int at = 0; at < 2 && cases[i].rules[at]; at++)
			changes_field(&list, "phone", "400", "forward-period", cases[i].rules[at]);
		forward(&list, "400", "forward-in-period", "401");
		forward(&list, "400", "forward-always", "900");
		bench_change(bench, &list);
		call(bench);
		if (cases[i].is_forwarded) {
			peer_expect(&bench->phones[1], "INVITE ");
			assert_non_null(strstr(bench->phones[1].text, "reason=time-of-day"));
			peer_answers(bench, &bench->phones[1], bench->phones[1].text, "486 Busy",
				     "p", "");
			peer_expect(&bench->phones[1], "ACK ");
		} else {
			refuse(bench, &bench->callee, "486 Busy");
		}
		peer_expect(&bench->caller, "SIP/2.0 486 ");
		bench_close(bench);
	}
}

TEST_MAIN(cmocka_unit_test(always), cmocka_unit_test(busy), cmocka_unit_test(only_for_its_reason),
	  cmocka_unit_test(no_answer), cmocka_unit_test(offline), cmocka_unit_test(circle),
	  cmocka_unit_test(too_deep), cmocka_unit_test(who_is_shown),
	  cmocka_unit_test(who_is_shown_after_another), cmocka_unit_test(all_lines_taken),
	  cmocka_unit_test(at_random), cmocka_unit_test(at_once),
	  cmocka_unit_test(at_once_one_answers), cmocka_unit_test(at_once_one_refuses),
	  cmocka_unit_test(at_once_all_refuse), cmocka_unit_test(in_period))
