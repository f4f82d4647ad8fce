/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateways that are not at addresses of their own, on a set clock: several contacts of one that
 * registered here, called one after the other, and OPTIONS to where it is, or to the server where
 * we register. Gateway "box" takes numbers that begin with 8. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/conf/live.h"
#include "switchd/sip/location.h"
#include "switchd/sip/presence.h"
#include "tests/support/changes.h"
#include "tests/support/outbound_bench.h"

#define KIND      "routing-gateway"
#define PERIOD_MS 10000

struct fixture {
	struct bench *bench;
	struct peer *first; /* best contact */
	struct peer *second;
	struct live *live;
};

static void open_fixture(struct fixture *fixture, const char *options_check)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	*fixture = (struct fixture){
		.bench = bench, .first = &bench->phones[1], .second = &bench->phones[2]};
	changes_param(&list, "SS_SIP_OPTIONS_CHECK_PERIOD", "10");
	changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
	changes_create(&list, KIND, "box");
	changes_field(&list, KIND, "box", "registration", "dynamic");
	changes_field(&list, KIND, "box", "prefixes", "8");
	changes_field(&list, KIND, "box", "options-check", options_check);
	bench_register(bench, "@box", 1, 1000);
	bench_register(bench, "@box", 2, 500);
	bench_change(bench, &list);
	fixture->live = conf_routing_gateway_find(bench->conf, SPAN_LIT("box"))->live;
	presence_update_all(bench->worker);
	bench->called = "8001";
}

static void close_fixture(struct fixture *fixture)
{
	struct change_list list = {0};

	changes_field(&list, KIND, "box", "options-check", "off");
	bench_change(fixture->bench, &list);
	assert_int_equal(fixture->live->dead_addresses, 0);
	assert_int_equal(fixture->live->is_offline & LIVE_SILENT, 0);
	location_clear(fixture->bench->shared.location, SPAN_LIT("@box"));
	bench_close(fixture->bench);
}

/* The contact is asked and says this; NULL: nothing. */
static void asked(struct fixture *fixture, struct peer *peer, const char *answer)
{
	peer_expect(peer, "OPTIONS sip:");
	if (answer)
		peer_answers(fixture->bench, peer, peer->text, answer, "up", "");
}

static void round_of(struct fixture *fixture, const char *first, const char *second)
{
	bench_advance(fixture->bench, 20);
	asked(fixture, fixture->first, first);
	asked(fixture, fixture->second, second);
	bench_advance(fixture->bench, PERIOD_MS - 20);
	peer_expect_nothing(fixture->first);
	peer_expect_nothing(fixture->second);
}

/* A call that is busy there; NULL: refused. */
static void calls_go_to(struct fixture *fixture, struct peer *where, const char *call_id)
{
	struct bench *bench = fixture->bench;
	char branch[32];
	char tag[64];

	bench->call_id = call_id;
	snprintf(branch, sizeof(branch), "b%s", call_id);
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	if (where) {
		peer_expect(where, "INVITE sip:8001@");
		peer_answers(bench, where, where->text, "486 Busy", "gw", "");
		peer_expect(where, "ACK ");
	}
	peer_expect(&bench->caller, where ? "SIP/2.0 486 " : "SIP/2.0 503 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, branch, tag, "");
}

static void contacts_are_asked(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture, "on");
	round_of(&fixture, "200 OK", "404 Who");
	calls_go_to(&fixture, fixture.first, "both");
	round_of(&fixture, "503 Down", "200 OK");
	calls_go_to(&fixture, fixture.second, "second");
	round_of(&fixture, "408 Late", "503 Down");
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT);
	calls_go_to(&fixture, NULL, "none");
	round_of(&fixture, "200 OK", "503 Down");
	assert_int_equal(fixture.live->is_offline, 0);
	calls_go_to(&fixture, fixture.first, "first");
	close_fixture(&fixture);
}

/* What is known of a contact goes with it. */
static void contact_that_leaves(void **state)
{
	struct fixture fixture;
	struct bench *bench;

	(void)state;
	open_fixture(&fixture, "on");
	bench = fixture.bench;
	round_of(&fixture, "503 Down", "503 Down");
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT);
	location_clear(bench->shared.location, SPAN_LIT("@box"));
	bench_register(bench, "@box", 2, 500);
	bench_advance(bench, 20);
	asked(&fixture, fixture.second, "200 OK");
	peer_expect_nothing(fixture.first);
	assert_int_equal(fixture.live->is_offline, 0);
	bench_register(bench, "@box", 1, 1000);
	calls_go_to(&fixture, fixture.first, "new-one");
	bench_advance(bench, PERIOD_MS);
	asked(&fixture, fixture.first, "200 OK");
	asked(&fixture, fixture.second, "200 OK");
	close_fixture(&fixture);
}

/* Another contact may do better where this one cannot; where it is a refusal it may not. */
static void contacts_in_turn(void **state)
{
	struct fixture fixture;
	struct bench *bench;
	char tag[64];

	(void)state;
	open_fixture(&fixture, "off");
	bench = fixture.bench;
	bench->call_id = "turn";
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(fixture.first, "INVITE sip:8001@");
	peer_answers(bench, fixture.first, fixture.first->text, "503 Full", "gw", "");
	peer_expect(fixture.first, "ACK ");
	peer_expect(fixture.second, "INVITE sip:8001@");
	peer_answers(bench, fixture.second, fixture.second->text, "503 Full", "gw", "");
	peer_expect(fixture.second, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "i1", tag, "");
	peer_expect_nothing(fixture.first);
	calls_go_to(&fixture, fixture.first, "busy-is-busy");
	peer_expect_nothing(fixture.second);
	close_fixture(&fixture);
}

static void server_of_a_registration(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct peer *server = outbound_server(bench);
	struct change_list list = {0};
	struct live *live;

	(void)state;
	server_expects(bench, 3600);
	changes_param(&list, "SS_SIP_OPTIONS_CHECK_PERIOD", "10");
	changes_field(&list, KIND, "trunk", "options-check", "on");
	bench_change(bench, &list);
	live = conf_routing_gateway_find(bench->conf, SPAN_LIT("trunk"))->live;
	/* Not registered yet: there is nobody to ask. */
	bench_advance(bench, 20);
	peer_expect_nothing(server);
	server_grants(bench, 3600);
	bench_advance(bench, PERIOD_MS);
	peer_expect(server, "OPTIONS sip:");
	peer_answers(bench, server, server->text, "503 Down", "s", "");
	assert_int_equal(live->is_offline, LIVE_SILENT);
	bench_advance(bench, PERIOD_MS);
	peer_expect(server, "OPTIONS sip:");
	peer_answers(bench, server, server->text, "200 OK", "s", "");
	assert_int_equal(live->is_offline, 0);
	changes_field(&list, KIND, "trunk", "options-check", "off");
	bench_change(bench, &list);
	outbound_bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contacts_are_asked),
		cmocka_unit_test(contact_that_leaves),
		cmocka_unit_test(contacts_in_turn),
		cmocka_unit_test(server_of_a_registration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
