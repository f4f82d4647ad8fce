/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls through several gateways on a set clock: each rule of behaviour C6, C7, C9, C10 and C15 as
 * a caller and the gateways see it. The gateways are the bench's callee ("a") and its phones ("b",
 * "c").
 */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

static void field(struct change_list *list, const char *name, const char *what, const char *value)
{
	changes_field(list, "routing-gateway", name, what, value);
}

static void add_gateway(struct change_list *list, const char *name, const struct peer *peer,
			const char *priority)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	changes_create(list, "routing-gateway", name);
	field(list, name, "address", address);
	field(list, name, "prefixes", "7");
	field(list, name, "priority", priority);
}

/* Number 7..., gateways a, b and c in that order. */
static struct bench *open_three(struct change_list *list)
{
	struct bench *bench = bench_open("off");

	add_gateway(list, "a", &bench->callee, "1");
	add_gateway(list, "b", &bench->phones[0], "2");
	add_gateway(list, "c", &bench->phones[1], "3");
	bench->called = "700";
	return bench;
}

static void call(struct bench *bench, const char *call_id, const char *branch)
{
	bench->call_id = call_id;
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

/* The gateway gets the INVITE and refuses it. */
static void refuse(struct bench *bench, struct peer *gateway, const char *status)
{
	peer_expect(gateway, "INVITE ");
	peer_answers(bench, gateway, gateway->text, status, "gw", "");
	peer_expect(gateway, "ACK ");
}

/* The gateway gets the INVITE and takes the call; the INVITE is left in `invite`. */
static void take(struct bench *bench, struct peer *gateway, char invite[8192])
{
	peer_expect(gateway, "INVITE ");
	snprintf(invite, 8192, "%s", gateway->text);
	peer_answers(bench, gateway, invite, "200 OK", "gw", BODY);
	peer_expect(gateway, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
}

static void hang_up(struct bench *bench, struct peer *gateway, const char *branch)
{
	char answer[8192];
	char tag[64];

	snprintf(answer, sizeof(answer), "%s", bench->caller.text);
	message_to_tag(answer, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack", tag, "");
	caller_sends(bench, "BYE", 2, branch, tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(gateway, "BYE ");
	peer_answers(bench, gateway, gateway->text, "200 OK", "gw", "");
}

static void next_after_a_failure(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "503 Down");
	refuse(bench, &bench->phones[0], "404 Unknown");
	take(bench, &bench->phones[1], invite);
	hang_up(bench, &bench->phones[1], "b1");
	/* All fail: the caller hears what the last one said. */
	call(bench, "two", "i2");
	refuse(bench, &bench->callee, "503 Down");
	refuse(bench, &bench->phones[0], "404 Unknown");
	refuse(bench, &bench->phones[1], "480 Gone");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

static void busy_stops(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	field(&list, "b", "switch-after-busy", "on");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	peer_expect_nothing(&bench->phones[0]);
	/* b allows it. */
	field(&list, "a", "lock", "all");
	bench_change(bench, &list);
	call(bench, "two", "i2");
	refuse(bench, &bench->phones[0], "486 Busy");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void stop_codes_and_the_limit(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	field(&list, "a", "stop-codes", "484");
	changes_param(&list, "SS_GATEWAY_SWITCH_LIMIT", "1");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "484 Incomplete");
	peer_expect(&bench->caller, "SIP/2.0 484 ");
	call(bench, "two", "i2");
	refuse(bench, &bench->callee, "503 Down");
	refuse(bench, &bench->phones[0], "500 Worse"); /* one switch, so two gateways */
	peer_expect(&bench->caller, "SIP/2.0 500 ");
	peer_expect_nothing(&bench->phones[1]);
	bench_close(bench);
}

static void ringing_stops(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	bench_change(bench, &list);
	for (int round = 0; round < 2; round++) {
		char invite[8192];

		call(bench, round ? "two" : "one", round ? "i2" : "i1");
		peer_expect(&bench->callee, "INVITE ");
		snprintf(invite, sizeof(invite), "%s", bench->callee.text);
		peer_answers(bench, &bench->callee, invite, "180 Ringing", "gw", "");
		peer_expect(&bench->caller, "SIP/2.0 180 ");
		peer_answers(bench, &bench->callee, invite, "480 Gone", "gw", "");
		peer_expect(&bench->callee, "ACK ");
		if (round == 0) {
			peer_expect(&bench->caller, "SIP/2.0 480 ");
			peer_expect_nothing(&bench->phones[0]);
			changes_param(&list, "SS_GATEWAY_SWITCH_UNTIL_CONNECT", "on");
			bench_change(bench, &list);
		} else {
			refuse(bench, &bench->phones[0], "486 Busy");
			peer_expect(&bench->caller, "SIP/2.0 486 ");
		}
	}
	bench_close(bench);
}

static void stage_timer_of_a_gateway(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
	field(&list, "a", "timeout-invite", "3");
	field(&list, "b", "timeout-trying", "2");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	peer_expect(&bench->callee, "INVITE ");
	bench_advance(bench, 2980);
	peer_expect_nothing(&bench->phones[0]);
	bench_advance(bench, 40);
	peer_expect(&bench->phones[0], "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->phones[0].text);
	peer_answers(bench, &bench->phones[0], invite, "100 Trying", "gw", "");
	bench_advance(bench, 1980);
	peer_expect_nothing(&bench->phones[0]);
	bench_advance(bench, 40);
	peer_expect(&bench->phones[0], "CANCEL ");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void other_address_first(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", bench->phones[2].port);
	field(&list, "a", "address", address);
	changes_param(&list, "SS_GATEWAY_SWITCH_LIMIT", "0"); /* one gateway, both its addresses */
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "503 Down");
	refuse(bench, &bench->phones[2], "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	peer_expect_nothing(&bench->phones[0]);
	/* A word on the number is a word of the gateway, whichever address says it. */
	call(bench, "two", "i2");
	refuse(bench, &bench->callee, "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	peer_expect_nothing(&bench->phones[2]);
	bench_close(bench);
}

static void capacity(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char first[8192], second[8192], tag[64], one_answer[8192];

	(void)state;
	field(&list, "a", "capacity", "1");
	field(&list, "b", "capacity", "1");
	field(&list, "c", "lock", "all");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	take(bench, &bench->callee, first);
	snprintf(one_answer, sizeof(one_answer), "%s", bench->caller.text);
	call(bench, "two", "i2");
	take(bench, &bench->phones[0], second);
	hang_up(bench, &bench->phones[0], "b2");
	call(bench, "three", "i3");
	take(bench, &bench->phones[0], second);
	call(bench, "four", "i4");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	/* The first one ends: its line is free. */
	bench->call_id = "one";
	message_to_tag(one_answer, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "200 OK", "gw", "");
	call(bench, "five", "i5");
	refuse(bench, &bench->callee, "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench); /* the third call ends for want of its ACK */
}

static void capacity_of_the_caller(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_field(&list, "mapping-gateway", "in", "capacity", "1");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	take(bench, &bench->callee, invite);
	call(bench, "two", "i2");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

static void retry_after(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "503 Down\r\nRetry-After: 30 (overload);duration=5");
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_advance(bench, 29000);
	while (peer_got(&bench->caller) || peer_got(&bench->callee) || peer_got(&bench->phones[0]))
		;
	call(bench, "two", "i2");
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_advance(bench, 1100);
	while (peer_got(&bench->caller))
		;
	call(bench, "three", "i3");
	take(bench, &bench->callee, invite);
	bench_close(bench);
}

/* No time, and words that are none, leave it where it is; more than a day is a day. */
static void odd_retry_after(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	bench_change(bench, &list);
	call(bench, "zero", "i1");
	refuse(bench, &bench->callee, "503 Down\r\nRetry-After: 0");
	refuse(bench, &bench->phones[0], "503 Down\r\nRetry-After: soon (60)");
	refuse(bench, &bench->phones[1], "503 Down\r\nRetry-After: -5");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	/* That these are down is no reason for the caller to stop what goes elsewhere. */
	assert_null(strstr(bench->caller.text, "Retry-After"));
	call(bench, "huge", "i2");
	refuse(bench, &bench->callee, "503 Down\r\nRetry-After: 86401");
	refuse(bench, &bench->phones[0],
	       "503 Down\r\nRetry-After: 99999999999999999999999 (never)");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_skip(bench, 86390 * 1000);
	while (peer_got(&bench->caller) || peer_got(&bench->phones[1]))
		;
	call(bench, "left-alone", "i3");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_skip(bench, 20 * 1000);
	while (peer_got(&bench->caller))
		;
	call(bench, "a-day-later", "i4");
	refuse(bench, &bench->callee, "503 Down");
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void protected_one(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
	changes_param(&list, "SS_SIP_TIMEOUT_INVITE", "4");
	field(&list, "a", "protect", "on"); /* first in order, and still last */
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->phones[0], "503 Down");
	refuse(bench, &bench->phones[1], "503 Down");
	refuse(bench, &bench->callee, "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	/* With a delay it is in its place in the order once set-up has taken so long. */
	changes_param(&list, "SS_TRY_PROTECT_ROUTE_DELAY", "3");
	bench_change(bench, &list);
	call(bench, "two", "i2");
	peer_expect(&bench->phones[0], "INVITE ");
	bench_advance(bench, 4040);
	peer_expect_nothing(&bench->phones[1]);
	refuse(bench, &bench->callee, "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void numbers_on_the_way(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	changes_create(&list, "number-transform", "in");
	changes_field(&list, "number-transform", "in", "rule", "00->7");
	changes_create(&list, "number-transform", "out");
	changes_field(&list, "number-transform", "out", "rule", "7->+49");
	changes_create(&list, "number-transform", "who");
	changes_field(&list, "number-transform", "who", "rule", "1->+4930");
	changes_create(&list, "number-pool", "p");
	changes_field(&list, "number-pool", "p", "number", "5551");
	changes_field(&list, "mapping-gateway", "in", "callee-transform", "in");
	field(&list, "a", "callee-transform", "out");
	field(&list, "a", "caller-transform", "who");
	field(&list, "b", "number-pool", "p");
	bench->called = "0042";
	bench_change(bench, &list);
	call(bench, "one", "i1");
	peer_expect(&bench->callee, "INVITE sip:+4942@");
	assert_non_null(strstr(bench->callee.text, "From: <sip:+493000@"));
	assert_non_null(strstr(bench->callee.text, "To: <sip:+4942@"));
	peer_answers(bench, &bench->callee, bench->callee.text, "503 Down", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->phones[0], "INVITE sip:742@");
	assert_non_null(strstr(bench->phones[0].text, "From: <sip:5551@"));
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "486 Busy", "gw", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void pool_runs_empty(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_create(&list, "number-pool", "p");
	changes_field(&list, "number-pool", "p", "number", "5551");
	changes_field(&list, "number-pool", "p", "reuse-count", "1");
	field(&list, "a", "number-pool", "p");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	take(bench, &bench->callee, invite);
	call(bench, "two", "i2"); /* no number: the gateway is passed over */
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* A gateway that has no number for the call is passed over: that is no switch, and it says nothing
 * to the caller. */
static void passed_over(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_create(&list, "number-pool", "p");
	changes_field(&list, "number-pool", "p", "number", "5551");
	changes_field(&list, "number-pool", "p", "reuse-count", "1");
	field(&list, "b", "number-pool", "p");
	field(&list, "c", "number-pool", "p");
	changes_param(&list, "SS_GATEWAY_SWITCH_LIMIT", "1");
	bench_change(bench, &list);
	call(bench, "holds", "i1");
	refuse(bench, &bench->callee, "503 Down");
	take(bench, &bench->phones[0], invite);
	call(bench, "as-a", "i2");
	refuse(bench, &bench->callee, "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	changes_create(&list, "number-pool", "q");
	changes_field(&list, "number-pool", "q", "number", "5552");
	field(&list, "c", "number-pool", "q");
	bench_change(bench, &list);
	call(bench, "switch", "i3");
	refuse(bench, &bench->callee, "404 Unknown");
	refuse(bench, &bench->phones[1], "480 Gone");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	/* First of all it leaves all switches to the others. */
	field(&list, "a", "number-pool", "p");
	field(&list, "b", "number-pool", "q");
	bench_change(bench, &list);
	call(bench, "still", "i4");
	refuse(bench, &bench->phones[0], "404 Unknown");
	refuse(bench, &bench->phones[1], "480 Gone");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

/* A gateway that leaves while another one is tried is not tried after that. */
static void gone_meanwhile(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	struct live *b;
	struct live *c;

	(void)state;
	bench_change(bench, &list);
	b = conf_routing_gateway_find(bench->conf, SPAN_LIT("b"))->live;
	c = conf_routing_gateway_find(bench->conf, SPAN_LIT("c"))->live;
	call(bench, "disabled", "i1");
	peer_expect(&bench->callee, "INVITE ");
	atomic_store(&b->admin, LIVE_DISABLED);
	peer_answers(bench, &bench->callee, bench->callee.text, "503 Down", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	refuse(bench, &bench->phones[1], "480 Gone");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	peer_expect_nothing(&bench->phones[0]);
	call(bench, "offline", "i2");
	peer_expect(&bench->callee, "INVITE ");
	atomic_store(&c->is_offline, true);
	peer_answers(bench, &bench->callee, bench->callee.text, "503 Down", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(&bench->phones[1]);
	atomic_store(&b->admin, LIVE_ENABLED);
	atomic_store(&c->is_offline, false);
	/* One that another call is told to leave alone. */
	call(bench, "waits", "i3");
	peer_expect(&bench->callee, "INVITE ");
	atomic_store(&b->down_until_us, bench->worker->now_us + 60000000);
	peer_answers(bench, &bench->callee, bench->callee.text, "503 Down", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void limits_of_the_caller(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
	changes_field(&list, "mapping-gateway", "in", "proceeding-timeout", "15");
	changes_field(&list, "mapping-gateway", "in", "replace-cause", "408:503");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	peer_expect(&bench->callee, "INVITE ");
	bench_advance(bench, 10040); /* SS_SIP_TIMEOUT_INVITE of the first */
	peer_expect(&bench->phones[0], "INVITE ");
	bench_advance(bench, 4900);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 100);
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(&bench->phones[1]);
	/* A number that is not let through. */
	changes_field(&list, "mapping-gateway", "in", "callee-prefixes", "8");
	bench_change(bench, &list);
	while (peer_got(&bench->caller))
		;
	call(bench, "two", "i2");
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	bench_close(bench);
}

static void ringing_as_the_caller_wants_it(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_field(&list, "mapping-gateway", "in", "remote-ringing", "183-sdp");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	peer_answers(bench, &bench->callee, invite, "180 Ringing", "gw", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	peer_answers(bench, &bench->callee, invite, "180 Ringing", "gw", BODY);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	peer_answers(bench, &bench->callee, invite, "486 Busy", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void longest_talk(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192], tag[64], answer[8192];

	(void)state;
	changes_param(&list, "SS_MAX_CALL_DURATION", "7200");
	field(&list, "a", "max-call-duration", "3600");
	changes_field(&list, "mapping-gateway", "in", "max-call-duration", "0");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	take(bench, &bench->callee, invite);
	snprintf(answer, sizeof(answer), "%s", bench->caller.text);
	message_to_tag(answer, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack", tag, "");
	bench_advance(bench, 3599900);
	peer_expect_nothing(&bench->callee);
	bench_advance(bench, 200);
	peer_expect(&bench->callee, "BYE ");
	peer_answers(bench, &bench->callee, bench->callee.text, "200 OK", "gw", "");
	peer_expect(&bench->caller, "BYE ");
	bench_close(bench);
}

/* The number is looked up behind the prefix, unless it is a phone's, or one that it was forwarded
 * to. */
static void proportional_prefix(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);

	(void)state;
	changes_field(&list, "mapping-gateway", "in", "proportional-prefix", "1000:990");
	changes_create(&list, "number-transform", "in");
	changes_field(&list, "number-transform", "in", "rule", "00->7");
	changes_create(&list, "number-transform", "out");
	changes_field(&list, "number-transform", "out", "rule", "99->");
	changes_field(&list, "mapping-gateway", "in", "callee-transform", "in");
	field(&list, "b", "prefixes", "990");
	field(&list, "b", "callee-transform", "out");
	changes_field(&list, "phone", IN_TURN, "forward-always", "700");
	bench->called = "0042";
	bench_change(bench, &list);
	call(bench, "one", "i1");
	peer_expect(&bench->phones[0], "INVITE sip:0742@");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "486 Busy", "gw", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench->called = IN_TURN;
	call(bench, "two", "i2");
	peer_expect(&bench->callee, "INVITE sip:700@");
	peer_answers(bench, &bench->callee, bench->callee.text, "486 Busy", "gw", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void period_terms(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	changes_create(&list, "number-transform", "own");
	changes_field(&list, "number-transform", "own", "rule", "7->1");
	changes_create(&list, "number-transform", "now");
	changes_field(&list, "number-transform", "now", "rule", "7->+49");
	field(&list, "a", "capacity", "9");
	field(&list, "a", "callee-transform", "own");
	field(&list, "a", "period", "mon-sun 00:00-24:00 capacity 1");
	field(&list, "a", "period", "mon-sun 00:00-24:00 callee-transform now callee 70");
	field(&list, "b", "capacity", "1");
	field(&list, "b", "period", "mon-sun 00:00-24:00 capacity 0");
	bench_change(bench, &list);
	call(bench, "one", "i1");
	take(bench, &bench->callee, invite);
	assert_ptr_equal(strstr(invite, "INVITE sip:+4900@"), invite);
	for (int i = 0; i < 2; i++) {
		char id[2] = {(char)('0' + i), '\0'};

		call(bench, id, id); /* a is full at this time; b has no limit */
		take(bench, &bench->phones[0], invite);
		assert_ptr_equal(strstr(invite, "INVITE sip:700@"), invite);
	}
	bench_close(bench);
}

/* However many gateways have the prefix, those that are fit are found. */
static void many_candidates(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list);
	char invite[8192];

	(void)state;
	for (int i = 0; i < 300; i++) {
		char name[8];

		snprintf(name, sizeof(name), "m%03d", i);
		add_gateway(&list, name, &bench->caller, "0");
		field(&list, name, "lock", "all");
	}
	bench_change(bench, &list);
	call(bench, "one", "i1");
	refuse(bench, &bench->callee, "503 Down");
	take(bench, &bench->phones[0], invite);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(proportional_prefix), cmocka_unit_test(period_terms),
	  cmocka_unit_test(many_candidates), cmocka_unit_test(next_after_a_failure),
	  cmocka_unit_test(busy_stops), cmocka_unit_test(stop_codes_and_the_limit),
	  cmocka_unit_test(ringing_stops), cmocka_unit_test(stage_timer_of_a_gateway),
	  cmocka_unit_test(other_address_first), cmocka_unit_test(capacity),
	  cmocka_unit_test(capacity_of_the_caller), cmocka_unit_test(retry_after),
	  cmocka_unit_test(protected_one), cmocka_unit_test(numbers_on_the_way),
	  cmocka_unit_test(pool_runs_empty), cmocka_unit_test(limits_of_the_caller),
	  cmocka_unit_test(odd_retry_after), cmocka_unit_test(passed_over),
	  cmocka_unit_test(gone_meanwhile), cmocka_unit_test(ringing_as_the_caller_wants_it),
	  cmocka_unit_test(longest_talk))
