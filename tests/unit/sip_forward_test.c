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

TEST_MAIN(cmocka_unit_test(always), cmocka_unit_test(busy), cmocka_unit_test(only_for_its_reason),
	  cmocka_unit_test(no_answer), cmocka_unit_test(offline), cmocka_unit_test(circle),
	  cmocka_unit_test(too_deep), cmocka_unit_test(who_is_shown),
	  cmocka_unit_test(all_lines_taken))
