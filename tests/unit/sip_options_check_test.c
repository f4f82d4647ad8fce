/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Supervision of gateways by OPTIONS on a set clock. Gateway "g" takes numbers that begin with 7
 * and has two addresses: the first two phones of the bench. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "switchd/alarm/alarm.h"
#include "switchd/conf/live.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define KIND      "routing-gateway"
#define PERIOD_MS 10000

struct fixture {
	struct bench *bench;
	struct peer *first;
	struct peer *second;
	struct live *live;
	struct log log;
};

static void add_address(struct change_list *list, const struct peer *peer)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	changes_field(list, KIND, "g", "address", address);
}

/* Checked every ten seconds: the first address at 0, 10, 20..., the second at 5, 15, 25... */
static void open_fixture(struct fixture *fixture)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");

	*fixture = (struct fixture){
		.bench = bench, .first = &bench->phones[0], .second = &bench->phones[1]};
	fixture->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
				    .threshold = LOG_LEVEL_DEBUG};
	assert_true(fixture->log.fd >= 0);
	assert_int_equal(alarms_create(&fixture->log, &bench->shared.alarms), VOS_OK);
	bench->called = "700";
	changes_param(&list, "SS_SIP_OPTIONS_CHECK_PERIOD", "10");
	/* No repetition, so that every datagram is a round of its own. */
	changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
	changes_create(&list, KIND, "g");
	add_address(&list, fixture->first);
	add_address(&list, fixture->second);
	changes_field(&list, KIND, "g", "prefixes", "7");
	changes_field(&list, KIND, "g", "options-check", "on");
	bench_change(bench, &list);
	fixture->live = conf_routing_gateway_find(bench->conf, SPAN_LIT("g"))->live;
}

static void close_fixture(struct fixture *fixture)
{
	struct alarms *alarms = fixture->bench->shared.alarms;
	struct change_list list = {0};
	struct alarm active;

	changes_field(&list, KIND, "g", "options-check", "off");
	bench_change(fixture->bench, &list);
	/* Nobody watches any more, so nothing is held against it. */
	assert_int_equal(fixture->live->is_offline, 0);
	assert_int_equal(fixture->live->dead_addresses, 0);
	assert_int_equal(alarms_list(alarms, true, &active, 1), 0);
	bench_close(fixture->bench);
	alarms_destroy(alarms);
	close(fixture->log.fd);
}

static size_t count_alarms(const struct fixture *fixture)
{
	struct alarm active[2];
	size_t count = alarms_list(fixture->bench->shared.alarms, true, active, 2);

	if (count) {
		assert_int_equal(active[0].kind, WORD_ALARM_KIND_GATEWAY_OFFLINE);
		assert_string_equal(active[0].subject, "g");
	}
	return count;
}

/* The address is asked, and says this; NULL: nothing. */
static void asked(struct fixture *fixture, struct peer *peer, const char *answer)
{
	char start[64];

	snprintf(start, sizeof(start), "OPTIONS sip:127.0.0.1:%u SIP/2.0", peer->port);
	peer_expect(peer, start);
	if (answer)
		peer_answers(fixture->bench, peer, peer->text, answer, "up", "");
}

/* From the beginning of a round to that of the next one. */
static void round_of(struct fixture *fixture, const char *first, const char *second)
{
	bench_advance(fixture->bench, 20);
	asked(fixture, fixture->first, first);
	peer_expect_nothing(fixture->second);
	bench_advance(fixture->bench, PERIOD_MS / 2);
	asked(fixture, fixture->second, second);
	bench_advance(fixture->bench, PERIOD_MS / 2 - 20);
	peer_expect_nothing(fixture->second);
}

/* A call now rings at this address alone; NULL: it is refused. The caller gives up. */
static void calls_go_to(struct fixture *fixture, struct peer *where, const char *call_id)
{
	struct bench *bench = fixture->bench;
	char branch[32];
	char tag[64];

	bench->call_id = call_id;
	snprintf(branch, sizeof(branch), "b%s", call_id);
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	if (!where) {
		peer_expect(&bench->caller, "SIP/2.0 503 ");
		message_to_tag(bench->caller.text, tag, sizeof(tag));
		caller_sends(bench, "ACK", 1, branch, tag, "");
		return;
	}
	peer_expect(where, "INVITE ");
	peer_answers(bench, where, where->text, "486 Busy", "gw", "");
	peer_expect(where, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, branch, tag, "");
}

static void any_answer_but_two(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	round_of(&fixture, "200 OK", "404 Unknown");
	assert_int_equal(fixture.live->dead_addresses, 0);
	assert_int_equal(fixture.live->check_answers[0], 200);
	assert_int_equal(fixture.live->check_answers[1], 404);
	round_of(&fixture, "503 Down", "501 What");
	assert_int_equal(fixture.live->dead_addresses, 1);
	round_of(&fixture, "405 No", "408 Late");
	assert_int_equal(fixture.live->dead_addresses, 2);
	round_of(&fixture, "503 Down", "200 OK");
	assert_int_equal(fixture.live->dead_addresses, 1);
	/* One of two is enough. */
	assert_int_equal(fixture.live->is_offline, 0);
	assert_int_equal(count_alarms(&fixture), 0);
	close_fixture(&fixture);
}

static void calls_avoid_the_dead(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	calls_go_to(&fixture, fixture.first, "unknown");
	round_of(&fixture, "503 Down", "200 OK");
	calls_go_to(&fixture, fixture.second, "first-dead");
	round_of(&fixture, "503 Down", "503 Down");
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT);
	assert_int_equal(count_alarms(&fixture), 1);
	calls_go_to(&fixture, NULL, "both-dead");
	round_of(&fixture, "200 OK", "503 Down");
	assert_int_equal(fixture.live->is_offline, 0);
	assert_int_equal(count_alarms(&fixture), 0);
	calls_go_to(&fixture, fixture.first, "alive-again");
	close_fixture(&fixture);
}

/* A second address that is dead is no other chance for a call that failed at the first. */
static void no_second_try_at_a_dead_one(void **state)
{
	struct fixture fixture;
	struct bench *bench;

	(void)state;
	open_fixture(&fixture);
	bench = fixture.bench;
	round_of(&fixture, "200 OK", "503 Down");
	bench->call_id = "one";
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(fixture.first, "INVITE ");
	peer_answers(bench, fixture.first, fixture.first->text, "503 Full", "gw", "");
	peer_expect(fixture.first, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(fixture.second);
	close_fixture(&fixture);
}

static void silence_is_death_after_one_period(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	round_of(&fixture, NULL, NULL);
	assert_int_equal(fixture.live->dead_addresses, 0); /* the time of the first is not over */
	bench_advance(fixture.bench, 20);
	assert_int_equal(fixture.live->dead_addresses, 1);
	assert_int_equal(fixture.live->check_answers[0], LIVE_CHECK_NO_ANSWER);
	bench_advance(fixture.bench, PERIOD_MS / 2 + 20);
	assert_int_equal(fixture.live->dead_addresses, 3);
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT);
	close_fixture(&fixture);
}

static void registration_is_another_reason(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	live_set_offline(fixture.live, LIVE_UNREGISTERED, true);
	round_of(&fixture, "503 Down", "503 Down");
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT | LIVE_UNREGISTERED);
	round_of(&fixture, "200 OK", "200 OK");
	assert_int_equal(fixture.live->is_offline, LIVE_UNREGISTERED);
	live_set_offline(fixture.live, LIVE_UNREGISTERED, false);
	close_fixture(&fixture);
}

/* A commit that changes nothing of the gateway moves neither state nor times, however often. */
static void commits_do_not_put_it_off(void **state)
{
	struct change_list list = {0};
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	round_of(&fixture, "503 Down", "200 OK");
	for (int second = 1; second < PERIOD_MS / 1000; second++) {
		char hostname[16];

		bench_advance(fixture.bench, 500);
		if (second == 1)
			asked(&fixture, fixture.first, "503 Down");
		snprintf(hostname, sizeof(hostname), "sw%d", second);
		changes_param(&list, "SS_SIP_AUTHENTICATION_REALM", hostname);
		bench_change(fixture.bench, &list);
		peer_expect_nothing(fixture.first);
		assert_int_equal(fixture.live->dead_addresses, 1);
	}
	bench_advance(fixture.bench, 1000);
	asked(&fixture, fixture.second, "200 OK");
	/* Another address is another matter. */
	changes_field_reset(&list, KIND, "g", "address", NULL);
	add_address(&list, fixture.second);
	bench_change(fixture.bench, &list);
	assert_int_equal(fixture.live->dead_addresses, 0);
	assert_int_equal(fixture.live->check_answers[0], 0);
	bench_advance(fixture.bench, 20);
	asked(&fixture, fixture.second, "200 OK");
	close_fixture(&fixture);
}

static void period_zero_asks_nobody(void **state)
{
	struct change_list list = {0};
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	round_of(&fixture, "503 Down", "503 Down");
	changes_param(&list, "SS_SIP_OPTIONS_CHECK_PERIOD", "0");
	bench_change(fixture.bench, &list);
	assert_int_equal(fixture.live->is_offline, 0);
	assert_int_equal(count_alarms(&fixture), 0);
	bench_advance(fixture.bench, 60000);
	peer_expect_nothing(fixture.first);
	peer_expect_nothing(fixture.second);
	close_fixture(&fixture);
}

/* The gateway goes while a call is up there; the call stays. */
static void calls_in_progress_stay(void **state)
{
	struct fixture fixture;
	struct bench *bench;
	char invite[8192];
	char tag[64];

	(void)state;
	open_fixture(&fixture);
	bench = fixture.bench;
	bench->call_id = "up";
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(fixture.first, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", fixture.first->text);
	peer_answers(bench, fixture.first, invite, "200 OK", "gw", BODY);
	peer_expect(fixture.first, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "a1", tag, "");
	round_of(&fixture, "503 Down", "503 Down");
	assert_int_equal(fixture.live->is_offline, LIVE_SILENT);
	peer_expect_nothing(&bench->caller);
	assert_int_equal(fixture.live->calls, 1);
	caller_sends(bench, "BYE", 2, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench_advance(bench, 20);
	peer_expect(fixture.first, "BYE ");
	peer_answers(bench, fixture.first, fixture.first->text, "200 OK", "gw", "");
	close_fixture(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_answer_but_two),
		cmocka_unit_test(calls_avoid_the_dead),
		cmocka_unit_test(no_second_try_at_a_dead_one),
		cmocka_unit_test(silence_is_death_after_one_period),
		cmocka_unit_test(registration_is_another_reason),
		cmocka_unit_test(commits_do_not_put_it_off),
		cmocka_unit_test(period_zero_asks_nobody),
		cmocka_unit_test(calls_in_progress_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
