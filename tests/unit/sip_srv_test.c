/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Services of the DNS: records read, put in order, kept as long as they hold; and a resolver that
 * asks a server of the test's. */
#include "tests/support/test.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/sip/resolve.h"
#include "switchd/sip/srv.h"
#include "tests/support/dns_server.h"

static const uint8_t QUESTION[] = "\x04_sip\x04_udp\x01x\x00\x00\x21\x00\x01";

static size_t answer(uint8_t out[1024], const struct dns_row *rows, size_t count)
{
	return dns_answer(out, QUESTION, sizeof(QUESTION) - 1, rows, count, 0);
}

static void records_are_read(void **state)
{
	const struct dns_row rows[] = {{20, 5, 5070, "\001b\007example", 900},
				       {10, 0, 5060, DNS_LOCALHOST, 300}};
	const struct dns_row none[] = {{0, 0, 0, "", 7200}};
	const struct dns_row longest[] = {{0, 0, 1, DNS_LOCALHOST, 0x7fffffff}};
	uint8_t data[1024];
	struct srv_set set;
	size_t len = answer(data, rows, 2);

	(void)state;
	assert_true(srv_parse(data, len, &set));
	assert_int_equal(set.count, 2);
	assert_int_equal(set.ttl_s, 300);
	assert_int_equal(set.records[0].priority, 20);
	assert_int_equal(set.records[0].weight, 5);
	assert_int_equal(set.records[0].port, 5070);
	assert_string_equal(set.records[0].target, "b.example");
	assert_string_equal(set.records[1].target, "localhost");
	/* Whatever is missing at its end. */
	for (size_t less = 1; less < len; less++)
		assert_false(srv_parse(data, len - less, &set));
	assert_true(srv_parse(data, answer(data, none, 1), &set));
	assert_true(set.is_refused);
	assert_int_equal(set.count, 0);
	assert_int_equal(set.ttl_s, SRV_TTL_NONE_S);
	assert_true(srv_parse(data, answer(data, longest, 1), &set));
	assert_int_equal(set.ttl_s, SRV_TTL_MAX_S);
	assert_true(srv_parse(data, answer(data, NULL, 0), &set));
	assert_int_equal(set.count, 0);
	assert_false(set.is_refused);
}

static void too_many_records(void **state)
{
	struct dns_row rows[SRV_RECORDS_MAX + 4];
	uint8_t data[1024];
	struct srv_set set;

	(void)state;
	for (unsigned i = 0; i < SRV_RECORDS_MAX + 4; i++)
		rows[i] = (struct dns_row){i, 0, 1000 + i, DNS_LOCALHOST, 60};
	assert_true(srv_parse(data, answer(data, rows, SRV_RECORDS_MAX + 4), &set));
	assert_int_equal(set.count, SRV_RECORDS_MAX);
}

static uint32_t next_random(void *context, uint32_t n)
{
	uint64_t *seed = context;

	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*seed >> 33) % (n + 1);
}

static void order_of_priority_and_weight(void **state)
{
	unsigned first[4] = {0};
	unsigned unweighted[2] = {0};
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 10000; i++) {
		struct srv_set set = {.count = 6,
				      .records = {{30, 0, 5, "e"},
						  {10, 60, 1, "a"},
						  {10, 30, 2, "b"},
						  {10, 0, 3, "c"},
						  {30, 0, 6, "f"},
						  {20, 9, 4, "d"}}};
		unsigned seen = 0;

		srv_order(&set, next_random, &seed);
		first[set.records[0].port]++;
		assert_int_equal(set.records[3].port, 4);
		unweighted[set.records[4].port - 5]++;
		for (size_t at = 0; at < 6; at++)
			seen |= 1u << set.records[at].port;
		assert_int_equal(seen, 0x7e);
	}
	assert_in_range(first[1], 6000, 7200);
	assert_in_range(first[2], 2800, 3800);
	assert_in_range(first[3], 20, 400);
	assert_in_range(unweighted[0], 4500, 5500);
	assert_int_equal(unweighted[0] + unweighted[1], 10000);
}

static void kept_while_it_holds(void **state)
{
	const uint64_t s = 1000000;
	struct srv_cache cache = {0};
	struct srv_set set = {.count = 1, .ttl_s = 10, .records = {{1, 2, 3, "t"}}};
	struct srv_set out;
	char name[16];

	(void)state;
	assert_false(srv_cache_get(&cache, "_sip._udp.x", 0, &out));
	srv_cache_put(&cache, "_sip._udp.x", 100 * s, &set);
	assert_true(srv_cache_get(&cache, "_SIP._udp.X", 110 * s - 1, &out));
	assert_string_equal(out.records[0].target, "t");
	assert_false(srv_cache_get(&cache, "_sip._udp.x", 110 * s, &out));
	set.ttl_s = 0;
	srv_cache_put(&cache, "never", 100 * s, &set);
	assert_false(srv_cache_get(&cache, "never", 100 * s, &out));
	/* Full: what holds the shortest goes, and no more is kept. */
	for (unsigned i = 0; i < 3 * SRV_CACHE_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		set.ttl_s = 1000 + i;
		srv_cache_put(&cache, name, 200 * s, &set);
	}
	assert_false(srv_cache_get(&cache, "n0", 200 * s, &out));
	snprintf(name, sizeof(name), "n%u", 2 * SRV_CACHE_MAX);
	assert_true(srv_cache_get(&cache, name, 200 * s, &out));
	srv_cache_free(&cache);
}

/* --- A server, and a resolver that asks it. --- */

static void came_back(struct mail *mail, void *receiver)
{
	struct resolve_letter **out = receiver;

	*out = (struct resolve_letter *)mail;
}

/* The ports of IPv4 that are found, in order. */
static size_t ask(struct resolver *resolver, const char *service, uint16_t ports[])
{
	struct resolve_letter *letter = calloc(1, sizeof(*letter));
	struct resolve_letter *back = NULL;
	struct pollfd ready = {.events = POLLIN};
	struct mailbox box;
	size_t count = 0;

	assert_non_null(letter);
	assert_int_equal(mailbox_init(&box, &back), VOS_OK);
	ready.fd = box.wake_fd;
	letter->mail.run = came_back;
	letter->box = &box;
	letter->service = service;
	strcpy(letter->name, "localhost");
	assert_true(resolver_ask(resolver, letter));
	while (!back) {
		assert_int_equal(poll(&ready, 1, 60000), 1);
		mailbox_run(&box);
	}
	for (size_t i = 0; i < back->count; i++)
		if (back->found[i].family == ADDR_IP4)
			ports[count++] = back->found[i].port;
	free(back);
	mailbox_close(&box);
	mailbox_destroy(&box);
	return count;
}

static void resolver_asks(void **state)
{
	const struct dns_row rows[] = {{20, 0, 5072, DNS_LOCALHOST, 600},
				       {10, 0, 5071, DNS_LOCALHOST, 600}};
	struct dns_server server = {.rows = rows, .count = 2};
	struct resolver *resolver;
	uint16_t ports[RESOLVE_ADDRESSES_MAX];

	(void)state;
	dns_server_start(&server);
	assert_int_equal(resolver_create(&resolver), VOS_OK);
	resolver_use_server(resolver, &server.address);
	/* Once; the second time it is known. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ask(resolver, "_sip._udp", ports), 2);
		assert_int_equal(ports[0], 5071);
		assert_int_equal(ports[1], 5072);
		assert_int_equal(atomic_load(&server.asked), 1);
	}
	/* Without a service nobody is asked for one. */
	assert_int_equal(ask(resolver, NULL, ports), 1);
	assert_int_equal(ports[0], 0);
	assert_int_equal(atomic_load(&server.asked), 1);
	resolver_destroy(resolver);
	dns_server_stop(&server);
}

/* Names without such records, domains without the service, servers that fail. */
static void resolver_goes_without(void **state)
{
	static const struct dns_row refused[] = {{0, 0, 0, "", 600}};
	static const struct {
		const struct dns_row *rows;
		size_t count;
		unsigned code;
		size_t found;
	} cases[] = {
		{NULL, 0, 0, 1},    /* no such records */
		{NULL, 0, 3, 1},    /* no such name */
		{NULL, 0, 2, 1},    /* a failure of the server */
		{refused, 1, 0, 0}, /* no such service */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_server server = {
			.rows = cases[i].rows, .count = cases[i].count, .code = cases[i].code};
		struct resolver *resolver;
		uint16_t ports[RESOLVE_ADDRESSES_MAX];

		dns_server_start(&server);
		assert_int_equal(resolver_create(&resolver), VOS_OK);
		resolver_use_server(resolver, &server.address);
		assert_int_equal(ask(resolver, "_sip._tcp", ports), cases[i].found);
		if (cases[i].found)
			assert_int_equal(ports[0], 0);
		assert_true(atomic_load(&server.asked) > 0);
		resolver_destroy(resolver);
		dns_server_stop(&server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_are_read),
		cmocka_unit_test(too_many_records),
		cmocka_unit_test(order_of_priority_and_weight),
		cmocka_unit_test(kept_while_it_holds),
		cmocka_unit_test(resolver_asks),
		cmocka_unit_test(resolver_goes_without),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
