/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a phone's configuration makes of calls to it and from it: lines of either way, further
 * numbers, do-not-disturb, gateways in its place, the number that it shows, and calls known by its
 * address. 400 and 401 are phones, 900 a number of the bench's gateway. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

static void set(struct change_list *list, const char *field, const char *value)
{
	changes_field(list, "phone", "400", field, value);
}

static struct bench *open_phones(struct change_list *list)
{
	struct bench *bench = bench_open("off");

	changes_create(list, "phone", "400");
	changes_create(list, "phone", "401");
	bench->called = "400";
	return bench;
}

static void call(struct bench *bench, const char *call_id)
{
	bench->call_id = call_id;
	caller_sends(bench, "INVITE", 1, call_id, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

static void refuse(struct bench *bench, struct peer *peer, const char *status)
{
	peer_expect(peer, "INVITE ");
	peer_answers(bench, peer, peer->text, status, "p", "");
	peer_expect(peer, "ACK ");
}

/* A call that the phone has not answered yet. */
static void occupy(struct bench *bench, const char *call_id)
{
	call(bench, call_id);
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "180 Ringing", call_id, "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
}

static void cancel(struct bench *bench, const char *call_id)
{
	bench->call_id = call_id;
	caller_sends(bench, "CANCEL", 1, call_id, "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect(&bench->phones[0], "CANCEL ");
}

static void lines_in(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);
	const struct conf_phone *phone;

	(void)state;
	bench_register(bench, "400", 0, 1000);
	set(&list, "capacity-in", "1");
	set(&list, "capacity-out", "5");
	bench_change(bench, &list);
	phone = conf_phone_find(bench->conf, SPAN_LIT("400"));
	occupy(bench, "call-1");
	assert_int_equal(phone->live->calls, 1);
	assert_int_equal(phone->live_ways[CONF_WAY_IN]->calls, 1);
	assert_int_equal(phone->live_ways[CONF_WAY_OUT]->calls, 0);
	call(bench, "call-2");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	assert_int_equal(phone->live->calls, 1);
	cancel(bench, "call-1");
	assert_int_equal(phone->live->calls, 0);
	assert_int_equal(phone->live_ways[CONF_WAY_IN]->calls, 0);
	occupy(bench, "call-3");
	cancel(bench, "call-3");
	bench_close(bench);
}

static void lines_in_forward_as_busy(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	bench_register(bench, "400", 0, 1000);
	set(&list, "capacity-in", "1");
	set(&list, "forward-busy", "900");
	bench_change(bench, &list);
	occupy(bench, "call-1");
	call(bench, "call-2");
	refuse(bench, &bench->callee, "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	cancel(bench, "call-1");
	bench_close(bench);
}

/* The bench's caller as a static phone, beside the mapping gateway that it is else. */
static void be_static(struct bench *bench, struct change_list *list, const char *authentication,
		      unsigned port)
{
	char address[64];

	snprintf(address, sizeof(address), "127.0.0.1:%u", port);
	set(list, "registration", "static");
	set(list, "address", address);
	set(list, "authentication", authentication);
	bench->called = "900";
}

static void lines_out(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);
	const struct conf_phone *phone;

	(void)state;
	be_static(bench, &list, "ip", 5060);
	set(&list, "capacity-out", "1");
	set(&list, "capacity-in", "1");
	bench_change(bench, &list);
	phone = conf_phone_find(bench->conf, SPAN_LIT("400"));
	call(bench, "call-1");
	peer_expect(&bench->callee, "INVITE sip:900@");
	assert_int_equal(phone->live->calls, 1);
	assert_int_equal(phone->live_ways[CONF_WAY_OUT]->calls, 1);
	assert_int_equal(phone->live_ways[CONF_WAY_IN]->calls, 0);
	call(bench, "call-2");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	callee_answers(bench, bench->callee.text, "404 Unknown", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	assert_int_equal(phone->live->calls, 0);
	bench_close(bench);
}

/* Who calls is said by the address, and by the port where that is asked for. */
static void known_by_address(void **state)
{
	static const struct {
		const char *authentication;
		bool has_port;
		const char *from;
	} cases[] = {
		{"ip", true, "From: <sip:400@"},
		{"ip", false, "From: <sip:400@"},
		{"ip-port", true, "From: <sip:400@"},
		{"ip-port", false, "From: <sip:100@"}, /* the mapping gateway's */
		{"password", true, "From: <sip:100@"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct change_list list = {0};
		struct bench *bench = open_phones(&list);

		be_static(bench, &list, cases[i].authentication,
			  cases[i].has_port ? bench->caller.port : 5060);
		bench_change(bench, &list);
		call(bench, "call-1");
		peer_expect(&bench->callee, "INVITE ");
		assert_non_null(strstr(bench->callee.text, cases[i].from));
		callee_answers(bench, bench->callee.text, "404 Unknown", "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 404 ");
		bench_close(bench);
	}
}

static const char *phone_at(struct bench *bench, const char *address, const char *number)
{
	struct addr source;
	const struct conf_phone *phone;

	assert_true(addr_parse(span_of(address), &source));
	phone = conf_phone_at(bench->conf, &source, span_of(number));
	return phone ? phone->number : "";
}

/* Several at one address are told apart by their numbers. */
static void several_at_one_address(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	be_static(bench, &list, "ip", 5060);
	set(&list, "did", "7400");
	bench_change(bench, &list);
	assert_string_equal(phone_at(bench, "127.0.0.1:9", "555"), "400");
	assert_string_equal(phone_at(bench, "127.0.0.2:9", "400"), "");
	changes_field(&list, "phone", "401", "registration", "static");
	changes_field(&list, "phone", "401", "address", "127.0.0.1:6000");
	changes_field(&list, "phone", "401", "authentication", "ip-port");
	bench_change(bench, &list);
	assert_string_equal(phone_at(bench, "127.0.0.1:9", "555"), "400");
	assert_string_equal(phone_at(bench, "127.0.0.1:9", "401"), "400");
	assert_string_equal(phone_at(bench, "127.0.0.1:6000", "555"), "");
	assert_string_equal(phone_at(bench, "127.0.0.1:6000", "401"), "401");
	assert_string_equal(phone_at(bench, "127.0.0.1:6000", "7400"), "400");
	bench_close(bench);
}

static void further_numbers(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	bench_register(bench, "400", 0, 1000);
	set(&list, "did", "7400");
	set(&list, "did", "7000");
	changes_field(&list, "phone", "401", "did", "7100");
	bench_change(bench, &list);
	assert_string_equal(conf_phone_called(bench->conf, SPAN_LIT("7100"))->number, "401");
	assert_string_equal(conf_phone_called(bench->conf, SPAN_LIT("401"))->number, "401");
	assert_null(conf_phone_called(bench->conf, SPAN_LIT("740")));
	assert_null(conf_phone_called(bench->conf, SPAN_LIT("74000")));
	assert_null(conf_phone_find(bench->conf, SPAN_LIT("7400")));
	bench->called = "7400";
	call(bench, "call-1");
	peer_expect(&bench->phones[0], "INVITE sip:400@");
	assert_non_null(strstr(bench->phones[0].text, "To: <sip:7400@"));
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "486 Busy", "p", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* A did of the phone is the phone: it is not called a second time. */
static void no_circle_by_a_did(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	bench_register(bench, "400", 0, 1000);
	set(&list, "did", "7400");
	set(&list, "forward-busy", "7400");
	bench_change(bench, &list);
	call(bench, "call-1");
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	peer_expect_nothing(&bench->phones[0]);
	bench_close(bench);
}

static void not_disturbed(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	bench_register(bench, "400", 0, 1000);
	set(&list, "do-not-disturb", "on");
	bench_change(bench, &list);
	call(bench, "call-1");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	peer_expect_nothing(&bench->phones[0]);
	set(&list, "forward-busy", "900");
	bench_change(bench, &list);
	call(bench, "call-2");
	refuse(bench, &bench->callee, "404 Unknown");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	bench_close(bench);
}

static void offline(struct bench *bench, const char *call_id, bool goes_out)
{
	call(bench, call_id);
	if (!goes_out) {
		peer_expect(&bench->caller, "SIP/2.0 480 ");
		peer_expect_nothing(&bench->callee);
		return;
	}
	peer_expect(&bench->callee, "INVITE sip:400@");
	callee_answers(bench, bench->callee.text, "404 Unknown", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
}

/* The field goes before the parameter, and both are for phones that are not there. */
static void gateways_while_offline(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	changes_field(&list, "routing-gateway", "out", "prefixes", "4");
	bench_change(bench, &list);
	offline(bench, "call-1", false);
	changes_param(&list, "SS_PHONE_OFFLINE_ROUTING", "on");
	bench_change(bench, &list);
	offline(bench, "call-2", true);
	set(&list, "offline-routing", "off");
	bench_change(bench, &list);
	offline(bench, "call-3", false);
	changes_param(&list, "SS_PHONE_OFFLINE_ROUTING", "off");
	set(&list, "offline-routing", "on");
	set(&list, "capacity", "1");
	bench_change(bench, &list);
	offline(bench, "call-4", true);
	offline(bench, "call-5", true);
	assert_int_equal(conf_phone_find(bench->conf, SPAN_LIT("400"))->live->calls, 0);
	bench_register(bench, "400", 0, 1000);
	call(bench, "call-6");
	refuse(bench, &bench->phones[0], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* Where its calls go while it is offline was said, or no gateway takes them. */
static void no_gateways_while_offline(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	set(&list, "offline-routing", "on");
	set(&list, "forward-offline", "401");
	bench_register(bench, "401", 1, 1000);
	bench_change(bench, &list);
	call(bench, "call-1");
	refuse(bench, &bench->phones[1], "486 Busy");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	changes_field_reset(&list, "phone", "400", "forward-offline", NULL);
	bench_change(bench, &list);
	offline(bench, "call-2", false);
	bench_close(bench);
}

static void expect_from(struct bench *bench, struct peer *peer, const char *from)
{
	peer_expect(peer, "INVITE ");
	if (!strstr(peer->text, from))
		fail_msg("no %s in %s", from, peer->text);
	peer_answers(bench, peer, peer->text, "404 Unknown", "p", "");
	peer_expect(peer, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 404 ");
}

static void display_number(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	be_static(bench, &list, "ip", 5060);
	set(&list, "display-number", "4950");
	bench_register(bench, "401", 1, 1000);
	bench_change(bench, &list);
	call(bench, "call-1");
	expect_from(bench, &bench->callee, "From: <sip:4950@");
	bench->called = "401";
	call(bench, "call-2");
	expect_from(bench, &bench->phones[1], "From: <sip:4950@");
	bench->called = "900";
	changes_field(&list, "routing-gateway", "out", "show-display-number", "off");
	bench_change(bench, &list);
	call(bench, "call-3");
	expect_from(bench, &bench->callee, "From: <sip:400@");
	bench_close(bench);
}

/* A phone that forwards and shows itself does so by its display-number; its own field goes before
 * the parameter. */
static void shown_on_forward(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_phones(&list);

	(void)state;
	set(&list, "forward-always", "900");
	set(&list, "display-number", "4950");
	bench_change(bench, &list);
	call(bench, "call-1");
	expect_from(bench, &bench->callee, "From: <sip:100@");
	set(&list, "forward-display", "local-number");
	bench_change(bench, &list);
	call(bench, "call-2");
	expect_from(bench, &bench->callee, "From: <sip:4950@");
	changes_param(&list, "SS_CALL_FORWARD_USING_ORIGINAL_CALLER", "off");
	set(&list, "forward-display", "original-caller");
	bench_change(bench, &list);
	call(bench, "call-3");
	expect_from(bench, &bench->callee, "From: <sip:100@");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(lines_in), cmocka_unit_test(lines_in_forward_as_busy),
	  cmocka_unit_test(lines_out), cmocka_unit_test(known_by_address),
	  cmocka_unit_test(several_at_one_address), cmocka_unit_test(further_numbers),
	  cmocka_unit_test(no_circle_by_a_did), cmocka_unit_test(not_disturbed),
	  cmocka_unit_test(gateways_while_offline), cmocka_unit_test(no_gateways_while_offline),
	  cmocka_unit_test(display_number), cmocka_unit_test(shown_on_forward))
