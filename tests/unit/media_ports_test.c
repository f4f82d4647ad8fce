/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Port pairs: how many, in which order, how they rest, what happens when nothing is left. Binding
 * is replaced by a table of taken ports, so that the full default range can be walked. */
#include "tests/support/test.h"

#include "switchd/media/ports.h"

#define PORTS  65536
#define SECOND UINT64_C(1000000)

struct fake {
	uint8_t taken[PORTS]; /* by someone else */
	uint8_t bound[PORTS]; /* handed out by the test */
	uint32_t calls;
	int fail_after; /* calls until descriptors run out; -1: never */
	enum vos_err failure;
	uint8_t tos;
};

static enum vos_err fake_bind(void *context, const struct addr *local, uint8_t tos, int fds[2])
{
	struct fake *fake = context;

	fake->calls++;
	fake->tos = tos;
	if (fake->fail_after == 0)
		return fake->failure;
	if (fake->fail_after > 0)
		fake->fail_after--;
	if (fake->taken[local->port] || fake->taken[local->port + 1])
		return VOS_EINUSE;
	fds[0] = -1;
	fds[1] = -1;
	return VOS_OK;
}

static struct fake *new_fake(void)
{
	struct fake *fake = calloc(1, sizeof(*fake));

	assert_non_null(fake);
	fake->fail_after = -1;
	return fake;
}

static struct ports *new_ports(struct fake *fake, uint16_t low, uint16_t high, uint32_t ready)
{
	const struct ports_options options = {
		.low = low,
		.high = high,
		.tos = 0xa3,
		.ready_target = ready,
		.rest_us = 5 * SECOND,
		.bind = fake_bind,
		.bind_context = fake,
	};
	struct ports *ports;

	assert_int_equal(ports_create(&options, &ports), VOS_OK);
	return ports;
}

static struct addr local(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

static struct ports_status status(struct ports *ports, uint64_t now_us)
{
	struct ports_status out;

	ports_status(ports, now_us, &out);
	return out;
}

/* 30,000 ports carry 15,000 calls on each address, every pair once, even first. */
static void default_range_has_15000_pairs(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 39999, 0);
	struct port_pair *pairs = calloc(15000, sizeof(*pairs));
	const struct addr here = local("192.0.2.1");
	const struct addr there = local("192.0.2.2");
	struct port_pair extra;

	(void)state;
	for (int i = 0; i < 15000; i++) {
		assert_int_equal(ports_take(ports, &here, 0, &pairs[i]), VOS_OK);
		assert_int_equal(pairs[i].port % 2, 0);
		assert_true(pairs[i].port >= 10000 && pairs[i].port < 39999);
		assert_int_equal(fake->bound[pairs[i].port]++, 0);
	}
	assert_int_equal(ports_take(ports, &here, 0, &extra), VOS_EFULL);
	assert_int_equal(status(ports, 0).used, 15000);
	assert_int_equal(ports_take(ports, &there, 0, &extra), VOS_OK);
	assert_int_equal(status(ports, 0).high_water, 15001);
	assert_int_equal(status(ports, 0).total, 30000);
	ports_release(ports, &extra, 0);
	for (int i = 0; i < 15000; i++)
		ports_release(ports, &pairs[i], 0);
	assert_int_equal(status(ports, 0).used, 0);
	assert_int_equal(fake->tos, 0xa0);
	ports_destroy(ports);
	free(pairs);
	free(fake);
}

/* Neither rising nor the same in two pools: a port does not tell the next one. */
static void order_is_random(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 39999, 0);
	const struct addr addresses[2] = {local("192.0.2.1"), local("192.0.2.2")};
	uint16_t seen[2][200];
	int rising = 0;
	int near = 0;
	int same = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		for (int j = 0; j < 2; j++) {
			struct port_pair pair;

			assert_int_equal(ports_take(ports, &addresses[j], 0, &pair), VOS_OK);
			seen[j][i] = pair.port;
		}
		rising += i && seen[0][i] > seen[0][i - 1];
		near += i && abs(seen[0][i] - seen[0][i - 1]) <= 20;
		same += seen[0][i] == seen[1][i];
	}
	/* Of 199 fair coins 60 or fewer, or 139 or more, come once in 10^8 runs. */
	assert_in_range(rising, 60, 139);
	assert_in_range(near, 0, 10);
	assert_in_range(same, 0, 10);
	ports_destroy(ports);
	free(fake);
}

static void odd_low_counts_from_the_next(void **state)
{
	struct ports *ports = NULL;
	struct ports_options options = {.low = 10001, .high = 10004};
	struct fake *fake = new_fake();
	const struct addr here = local("192.0.2.1");
	struct port_pair pair;

	(void)state;
	ports = new_ports(fake, 10001, 10004, 0);
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	assert_int_equal(pair.port, 10002);
	ports_destroy(ports);
	free(fake);
	options.high = 10002;
	assert_int_equal(ports_create(&options, &ports), VOS_EINVAL);
	options.low = 0;
	options.high = 100;
	assert_int_equal(ports_create(&options, &ports), VOS_EINVAL);
	options.low = 65535;
	options.high = 65535;
	assert_int_equal(ports_create(&options, &ports), VOS_EINVAL);
	options.low = 65534;
	assert_int_equal(ports_create(&options, &ports), VOS_OK);
	ports_destroy(ports);
}

static void released_pairs_rest(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 20000, 20007, 0);
	const struct addr here = local("192.0.2.1");
	struct port_pair pairs[4];
	struct port_pair again;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(ports_take(ports, &here, 0, &pairs[i]), VOS_OK);
	ports_release(ports, &pairs[2], 10 * SECOND);
	assert_int_equal(status(ports, 15 * SECOND - 1).resting, 1);
	assert_int_equal(status(ports, 15 * SECOND).resting, 0);
	assert_int_equal(ports_take(ports, &here, 15 * SECOND, &again), VOS_OK);
	assert_int_equal(again.port, pairs[2].port);
	/* With a rested one free, one that still rests is left alone. */
	ports_release(ports, &pairs[0], 20 * SECOND);
	ports_release(ports, &pairs[1], 26 * SECOND);
	assert_int_equal(ports_take(ports, &here, 27 * SECOND, &again), VOS_OK);
	assert_int_equal(again.port, pairs[0].port);
	ports_destroy(ports);
	free(fake);
}

/* A small range refuses a call only when every pair is in use: the longest rested goes first. */
static void resting_pair_is_better_than_none(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 20000, 20005, 0);
	const struct addr here = local("192.0.2.1");
	struct port_pair pairs[3];
	struct port_pair again;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(ports_take(ports, &here, 0, &pairs[i]), VOS_OK);
	assert_int_equal(ports_take(ports, &here, 0, &again), VOS_EFULL);
	ports_release(ports, &pairs[1], 1 * SECOND);
	ports_release(ports, &pairs[0], 2 * SECOND);
	assert_int_equal(ports_take(ports, &here, 3 * SECOND, &again), VOS_OK);
	assert_int_equal(again.port, pairs[1].port);
	assert_int_equal(ports_take(ports, &here, 3 * SECOND, &again), VOS_OK);
	assert_int_equal(again.port, pairs[0].port);
	assert_int_equal(ports_take(ports, &here, 3 * SECOND, &again), VOS_EFULL);
	ports_destroy(ports);
	free(fake);
}

/* The range overlaps the kernel's ephemeral one: someone may have a port of it. */
static void taken_ports_are_skipped_and_counted(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 20000, 20007, 0);
	const struct addr here = local("192.0.2.1");
	struct port_pair pair;

	(void)state;
	fake->taken[20000] = 1;
	fake->taken[20003] = 1; /* the odd half of the second pair */
	fake->taken[20006] = 1;
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	assert_int_equal(pair.port, 20004);
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_EFULL);
	assert_true(status(ports, 0).bind_failures >= 3);
	assert_int_equal(status(ports, 0).used, 1);
	/* Freed by the other one: found again. */
	fake->taken[20003] = 0;
	assert_int_equal(ports_take(ports, &here, 1, &pair), VOS_OK);
	assert_int_equal(pair.port, 20002);
	ports_destroy(ports);
	free(fake);
}

static void no_descriptors_is_full_at_once(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 39999, 0);
	const struct addr here = local("192.0.2.1");
	struct port_pair pair;

	(void)state;
	fake->fail_after = 0;
	fake->failure = VOS_EFULL;
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_EFULL);
	assert_int_equal(fake->calls, 1);
	fake->failure = VOS_EIO;
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_EIO);
	assert_int_equal(fake->calls, 2);
	assert_int_equal(status(ports, 0).used, 0);
	assert_int_equal(status(ports, 0).bind_failures, 0);
	/* Nothing was lost meanwhile. */
	fake->fail_after = -1;
	for (int i = 0; i < 15000; i++)
		assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	ports_destroy(ports);
	free(fake);
}

static void pairs_are_bound_ahead(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 10099, 8);
	const struct addr here = local("192.0.2.1");
	struct port_pair pair;

	(void)state;
	assert_false(ports_wants_refill(ports));
	ports_prepare(ports, &here);
	assert_true(ports_wants_refill(ports));
	assert_true(ports_refill(ports, 0, 5));
	assert_false(ports_wants_refill(ports));
	assert_false(ports_refill(ports, 0, 100));
	assert_int_equal(status(ports, 0).ready, 8);
	assert_int_equal(fake->calls, 8);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	assert_int_equal(fake->calls, 8);
	assert_int_equal(status(ports, 0).ready, 3);
	assert_int_equal(status(ports, 0).used, 5);
	assert_true(ports_wants_refill(ports));
	ports_destroy(ports);
	free(fake);
}

/* Being ready takes nothing away: all pairs of a small range can be had. */
static void ready_pairs_count_as_free(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 10015, 4);
	const struct addr here = local("192.0.2.1");
	struct port_pair pairs[8];
	struct port_pair extra;

	(void)state;
	ports_prepare(ports, &here);
	assert_false(ports_refill(ports, 0, 100));
	assert_int_equal(status(ports, 0).ready, 4);
	for (int i = 0; i < 8; i++)
		assert_int_equal(ports_take(ports, &here, 0, &pairs[i]), VOS_OK);
	assert_int_equal(ports_take(ports, &here, 0, &extra), VOS_EFULL);
	for (int i = 0; i < 8; i++)
		ports_release(ports, &pairs[i], 0);
	/* What rests is not bound ahead before its time. */
	assert_false(ports_refill(ports, 4 * SECOND, 100));
	assert_int_equal(status(ports, 4 * SECOND).ready, 0);
	assert_false(ports_refill(ports, 5 * SECOND, 100));
	assert_int_equal(status(ports, 5 * SECOND).ready, 4);
	ports_destroy(ports);
	free(fake);
}

static void new_range_is_for_new_pairs(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 10099, 4);
	const struct addr here = local("192.0.2.1");
	struct ports_options options = {.low = 20000,
					.high = 20001,
					.tos = 0xb8,
					.ready_target = 4,
					.rest_us = 5 * SECOND,
					.bind = fake_bind,
					.bind_context = fake};
	struct port_pair old;
	struct port_pair pair;
	struct port_pair extra;

	(void)state;
	assert_int_equal(ports_take(ports, &here, 0, &old), VOS_OK);
	assert_int_equal(ports_configure(ports, &options), VOS_OK);
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	assert_int_equal(pair.port, 20000);
	assert_int_equal(fake->tos, 0xb8);
	assert_int_equal(status(ports, 0).used, 2);
	assert_int_equal(ports_take(ports, &here, 0, &extra), VOS_EFULL);
	/* The old pair ends outside the new books. */
	ports_release(ports, &old, 0);
	assert_int_equal(status(ports, 0).used, 1);
	assert_int_equal(status(ports, 0).resting, 0);
	/* Nothing new: the pairs stay what they are. */
	assert_int_equal(ports_configure(ports, &options), VOS_OK);
	ports_release(ports, &pair, 0);
	assert_int_equal(status(ports, 0).resting, 1);
	/* A range that cannot be leaves the one that is. */
	options.high = 19999;
	assert_int_equal(ports_configure(ports, &options), VOS_EINVAL);
	assert_int_equal(status(ports, 0).low, 20000);
	ports_destroy(ports);
	free(fake);
}

static void knows_its_own_ports(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 10099, 0);
	const struct addr here = local("192.0.2.1");
	struct addr probe = local("192.0.2.2:10000");
	struct port_pair pair;

	(void)state;
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	for (uint32_t port = 0; port < PORTS; port++) {
		probe = here;
		probe.port = (uint16_t)port;
		assert_int_equal(ports_is_used(ports, &probe),
				 port == pair.port || port == pair.port + 1u);
	}
	probe = local("192.0.2.2");
	probe.port = pair.port;
	assert_false(ports_is_used(ports, &probe));
	probe = here;
	probe.port = pair.port;
	ports_release(ports, &pair, 0);
	assert_false(ports_is_used(ports, &probe));
	ports_destroy(ports);
	free(fake);
}

static void too_many_addresses_are_refused(void **state)
{
	struct fake *fake = new_fake();
	struct ports *ports = new_ports(fake, 10000, 10099, 0);
	struct addr here = local("192.0.2.1");
	struct port_pair pair;

	(void)state;
	for (int i = 0; i < PORTS_ADDRESSES_MAX; i++) {
		here.ip[3] = (uint8_t)(i + 1);
		assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
	}
	here.ip[3] = 200;
	assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_EFULL);
	ports_destroy(ports);
	free(fake);
}

TEST_MAIN(cmocka_unit_test(default_range_has_15000_pairs), cmocka_unit_test(order_is_random),
	  cmocka_unit_test(odd_low_counts_from_the_next), cmocka_unit_test(released_pairs_rest),
	  cmocka_unit_test(resting_pair_is_better_than_none),
	  cmocka_unit_test(taken_ports_are_skipped_and_counted),
	  cmocka_unit_test(no_descriptors_is_full_at_once), cmocka_unit_test(pairs_are_bound_ahead),
	  cmocka_unit_test(ready_pairs_count_as_free), cmocka_unit_test(new_range_is_for_new_pairs),
	  cmocka_unit_test(knows_its_own_ports), cmocka_unit_test(too_many_addresses_are_refused))
