/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations that are changed by a commit, by an operator, by the end of the switch; those that
 * are many, and those whose server is a name. */
#include "tests/support/test.h"

#include <poll.h>
#include <stdio.h>

#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/resolve.h"
#include "switchd/sip/worker_private.h"
#include "tests/support/changes.h"
#include "tests/support/dns_server.h"
#include "tests/support/outbound_bench.h"

static void removed_by_a_commit(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	struct outbound_info info;

	(void)state;
	server_expects(bench, 3600);
	server_challenges(bench, "401 Unauthorized", "n1");
	server_expects(bench, 3600);
	server_grants(bench, 100);
	changes_delete(&list, "registration", "carrier");
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_expects_credentials(bench, "Authorization", "n1", 2);
	assert_non_null(strstr(server_value(outbound_server(bench), "Contact"), ">;expires=0"));
	assert_true(trunk_is_offline(bench));
	assert_int_equal(outbound_list(bench->worker->outbound, "", &info, 1), 0);
	/* It still answers a challenge, with the password that is configured no more. */
	server_challenges(bench, "401 Unauthorized", "n2");
	server_expects(bench, 0);
	server_expects_credentials(bench, "Authorization", "n2", 1);
	server_grants(bench, 0);
	server_expects_nothing(bench, 200000);
	outbound_bench_close(bench);
}

/* Another server or account is another registration; the first one goes. */
static void changed_by_a_commit(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	char call_id[128];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 100);
	snprintf(call_id, sizeof(call_id), "%s", server_value(outbound_server(bench), "Call-ID"));
	/* What it does not ask for with changes nothing on the wire. */
	outbound_set(&list, "carrier", "retry-delay", "300");
	outbound_commit(bench, &list);
	peer_expect_nothing(outbound_server(bench));
	/* Another password: the same registration, at once. */
	outbound_set_password(&list, "carrier", "other");
	outbound_commit(bench, &list);
	server_expects(bench, 3600);
	assert_string_equal(server_value(outbound_server(bench), "Call-ID"), call_id);
	assert_false(trunk_is_offline(bench));
	server_grants(bench, 100);
	outbound_set(&list, "carrier", "expire", "60");
	outbound_commit(bench, &list);
	server_expects(bench, 60);
	server_grants(bench, 60);
	outbound_set(&list, "carrier", "account", "bob");
	outbound_commit(bench, &list);
	assert_true(trunk_is_offline(bench));
	server_expects(bench, 0);
	assert_string_equal(server_value(outbound_server(bench), "To"), "<sip:alice@127.0.0.1>");
	assert_string_equal(server_value(outbound_server(bench), "Call-ID"), call_id);
	server_grants(bench, 0);
	assert_true(trunk_is_offline(bench));
	bench_advance(bench, 20);
	server_expects(bench, 60);
	assert_string_equal(server_value(outbound_server(bench), "To"), "<sip:bob@127.0.0.1>");
	assert_string_not_equal(server_value(outbound_server(bench), "Call-ID"), call_id);
	server_grants(bench, 60);
	assert_false(trunk_is_offline(bench));
	outbound_bench_close(bench);
}

static void by_hand(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	server_expects(bench, 3600);
	server_answers(bench, "403 Forbidden", "");
	assert_int_equal(outbound_by_hand(bench, SPAN_LIT("nobody")), 0);
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_by_hand(bench, SPAN_LIT("carrier")), 1);
	server_expects(bench, 3600);
	server_grants(bench, 100);
	assert_int_equal(outbound_by_hand(bench, SPAN_NONE), 1);
	server_expects(bench, 3600);
	assert_false(trunk_is_offline(bench));
	outbound_bench_close(bench);
}

static bool run_stop(struct bench *bench, uint64_t ms)
{
	bool is_done = outbound_stop(bench->worker->outbound);

	worker_io_flush(bench->worker);
	bench_advance(bench, ms);
	return is_done;
}

static void the_switch_stops(void **state)
{
	(void)state;
	for (int answers = 0; answers < 2; answers++) {
		struct bench *bench = outbound_bench_open(NULL);
		int turns = 0;

		server_expects(bench, 3600);
		server_grants(bench, 100);
		assert_false(run_stop(bench, 10));
		server_expects(bench, 0);
		if (answers)
			server_grants(bench, 0);
		while (!run_stop(bench, 10))
			turns++;
		/* At most 2 s for an answer. */
		assert_int_equal(turns, answers ? 0 : 199);
		outbound_bench_close(bench);
	}
}

static void the_switch_stops_without_a_word(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	outbound_set_param(bench, "SS_SIP_USER_AGENT_SEND_UNREGISTER", "off");
	server_expects(bench, 3600);
	server_grants(bench, 100);
	assert_true(run_stop(bench, 10));
	peer_expect_nothing(outbound_server(bench));
	outbound_bench_close(bench);
}

/* Its mail is run by the test, as there is no thread that would. */
static void run_mail(struct bench *bench)
{
	struct pollfd pollfd = {.fd = bench->worker->mailbox.wake_fd, .events = POLLIN};

	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	mailbox_run(&bench->worker->mailbox);
	worker_io_flush(bench->worker);
}

static void by_name(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	char server[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 100);
	snprintf(server, sizeof(server), "localhost:%u", outbound_server(bench)->port);
	outbound_set(&list, "carrier", "server", server);
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_grants(bench, 0);
	bench_advance(bench, 20);
	run_mail(bench);
	peer_expect(outbound_server(bench), "REGISTER sip:localhost:");
	assert_string_equal(server_value(outbound_server(bench), "To"), "<sip:alice@localhost>");
	server_grants(bench, 100);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	/* RFC 6761 6.4: a name that no resolver knows. */
	outbound_set(&list, "carrier", "server", "nowhere.invalid");
	outbound_commit(bench, &list);
	peer_expect(outbound_server(bench), "REGISTER sip:localhost:");
	server_grants(bench, 0);
	bench_advance(bench, 20);
	run_mail(bench);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	assert_string_equal(outbound_first(bench).answer, "its name cannot be looked up");
	/* One that asks while the lookup is under way waits for it. */
	outbound_by_hand(bench, SPAN_NONE);
	outbound_by_hand(bench, SPAN_NONE);
	run_mail(bench);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	outbound_bench_close(bench);
}

/* A name without a port is that of a service: the server is where the DNS says. With a port it is
 * there, whatever the DNS says. */
static void by_service(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	const struct dns_row rows[] = {
		{2, 0, 9, DNS_LOCALHOST, 60},
		{1, 0, outbound_server(bench)->port, DNS_LOCALHOST, 60},
	};
	struct dns_server dns = {.rows = rows, .count = 2};
	struct change_list list = {0};
	char server[64];

	(void)state;
	dns_server_start(&dns);
	resolver_use_server(bench->shared.resolver, &dns.address);
	server_expects(bench, 3600);
	server_grants(bench, 100);
	outbound_set(&list, "carrier", "server", "localhost");
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_grants(bench, 0);
	bench_advance(bench, 20);
	run_mail(bench);
	peer_expect(outbound_server(bench), "REGISTER sip:localhost ");
	server_grants(bench, 100);
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	assert_int_equal(atomic_load(&dns.asked), 1);
	snprintf(server, sizeof(server), "localhost:%u", outbound_server(bench)->port);
	outbound_set(&list, "carrier", "server", server);
	outbound_commit(bench, &list);
	peer_expect(outbound_server(bench), "REGISTER sip:localhost ");
	server_grants(bench, 0);
	bench_advance(bench, 20);
	run_mail(bench);
	peer_expect(outbound_server(bench), "REGISTER sip:localhost:");
	server_grants(bench, 100);
	assert_int_equal(atomic_load(&dns.asked), 1);
	outbound_bench_close(bench);
	dns_server_stop(&dns);
}

static void no_listen_address_of_the_kind(void **state)
{
	static const char *const fields[] = {"transport", "tcp", NULL};
	struct bench *bench = outbound_bench_open(fields);

	(void)state;
	peer_expect_nothing(outbound_server(bench));
	assert_int_equal(outbound_first(bench).state, OUTBOUND_FAILED);
	assert_string_equal(outbound_first(bench).answer, "no listen address has tcp for it");
	outbound_bench_close(bench);
}

#define MANY 1000

/* 1,000 accounts begin within 5 s, never more than a few in 10 ms, and end as quickly. */
static void many(void **state)
{
	static struct outbound_info infos[MANY + 1];
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	char name[16], account[16];
	int begun = 0;
	int turns = 0;

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "r%04d", i);
		snprintf(account, sizeof(account), "4930%04d", i);
		outbound_add(bench, &list, name, account);
	}
	outbound_commit(bench, &list);
	for (int tick = 0; tick < 510; tick++) {
		int burst = 0;

		bench_advance(bench, 10);
		while (peer_got(outbound_server(bench))) {
			server_grants(bench, 3600);
			burst++;
		}
		assert_true(burst <= 3);
		begun += burst;
	}
	assert_int_equal(begun, MANY);
	assert_int_equal(outbound_list(bench->worker->outbound, "", infos, MANY + 1), MANY + 1);
	for (int i = 0; i <= MANY; i++) {
		assert_int_equal(infos[i].state, OUTBOUND_REGISTERED);
		if (i)
			assert_true(strcmp(infos[i - 1].name, infos[i].name) < 0);
	}
	/* Slices of the list go on behind a name. */
	assert_int_equal(outbound_list(bench->worker->outbound, "r0997", infos, 10), 2);
	for (begun = 0; !run_stop(bench, 10); turns++)
		while (peer_got(outbound_server(bench))) {
			assert_string_equal(server_value(outbound_server(bench), "Expires"), "0");
			server_grants(bench, 0);
			begun++;
		}
	while (peer_got(outbound_server(bench)))
		begun++;
	assert_int_equal(begun, MANY + 1);
	assert_true(turns < 100);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "r%04d", i);
		changes_delete(&list, "registration", name);
	}
	outbound_commit(bench, &list);
	outbound_bench_close(bench);
}

/* Two registrations of one gateway: it takes calls while one of them holds. */
static void two_for_one_gateway(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	struct trunk_way way;
	const struct conf_registration *used;

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	outbound_add(bench, &list, "second", "bob");
	outbound_set(&list, "second", "routing-gateway", "trunk");
	outbound_commit(bench, &list);
	bench_advance(bench, 20);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	used = conf_registration_way(conf_routing_gateway_find(bench->conf, SPAN_LIT("trunk")),
				     &way);
	assert_string_equal(used->name, "carrier");
	assert_int_equal(way.server.port, outbound_server(bench)->port);
	outbound_by_hand(bench, SPAN_LIT("carrier"));
	server_expects(bench, 3600);
	server_answers(bench, "500 Server Internal Error", "");
	assert_false(trunk_is_offline(bench));
	used = conf_registration_way(conf_routing_gateway_find(bench->conf, SPAN_LIT("trunk")),
				     &way);
	assert_string_equal(used->name, "second");
	changes_delete(&list, "registration", "second");
	outbound_commit(bench, &list);
	assert_true(trunk_is_offline(bench));
	server_expects(bench, 0);
	outbound_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(removed_by_a_commit), cmocka_unit_test(changed_by_a_commit),
	  cmocka_unit_test(by_hand), cmocka_unit_test(the_switch_stops),
	  cmocka_unit_test(the_switch_stops_without_a_word), cmocka_unit_test(by_name),
	  cmocka_unit_test(by_service), cmocka_unit_test(no_listen_address_of_the_kind),
	  cmocka_unit_test(many), cmocka_unit_test(two_for_one_gateway))
