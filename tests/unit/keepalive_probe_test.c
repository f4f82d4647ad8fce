/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that are probed: what their silence and their answers change. */
#include "tests/support/test.h"

#include "shared/config/snapshot.h"
#include "switchd/nat/keepalive.h"
#include "tests/support/config.h"

#define S 1000000u /* us in a second */

struct world {
	struct keepalive *keepalive;
	struct snapshot *config; /* rounds of 10 s */
	uint64_t now_us;
	keepalive_id message;
	keepalive_id probed;
	struct keepalive_target target; /* the newest probe */
};

static struct snapshot *settings(const char *fails)
{
	const char *const params[] = {"SS_SIP_NAT_KEEP_ALIVE_PERIOD", "10",
				      "SS_SIP_NAT_KEEP_ALIVE_PROBE_FAILS", fails, NULL};

	return test_snapshot(params);
}

static struct keepalive_device device(uint16_t port, bool is_probed)
{
	return (struct keepalive_device){
		.address = {.family = ADDR_IP4, .ip = {192, 0, 2, 1}, .port = port},
		.is_probed = is_probed,
		.owner = 1000u + port,
	};
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct keepalive_device plain = device(1, false);
	struct keepalive_device probed = device(2, true);

	assert_non_null(world);
	world->now_us = 1000u * (uint64_t)S;
	world->config = settings("3");
	assert_int_equal(keepalive_create(&world->keepalive), VOS_OK);
	world->message = keepalive_add(world->keepalive, &plain);
	world->probed = keepalive_add(world->keepalive, &probed);
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	keepalive_destroy(world->keepalive);
	snapshot_unref(world->config);
	free(world);
	return 0;
}

/* The next round; both devices have their turn. */
static void round_passes(struct world *world)
{
	struct keepalive_target targets[4];
	uint64_t wait_us;

	world->now_us += 10 * S;
	assert_int_equal(keepalive_turn(world->keepalive, world->config, world->now_us, targets, 4,
					&wait_us),
			 2);
	assert_false(targets[0].is_probe);
	assert_true(targets[1].is_probe);
	assert_int_equal(targets[1].id, world->probed);
	assert_int_equal(targets[1].owner, 1002);
	world->target = targets[1];
}

static void expect(struct world *world, bool is_unreachable, unsigned unanswered)
{
	struct keepalive_status status;
	struct keepalive_view view;

	assert_true(keepalive_view(world->keepalive, world->probed, &view));
	assert_true(view.is_probed);
	assert_int_equal(view.is_unreachable, is_unreachable);
	assert_int_equal(view.unanswered, unanswered);
	assert_int_equal(keepalive_is_unreachable(world->keepalive, world->probed), is_unreachable);
	keepalive_status(world->keepalive, world->config, world->now_us, &status);
	assert_int_equal(status.device_count, 2);
	assert_int_equal(status.probed_count, 1);
	assert_int_equal(status.unreachable_count, is_unreachable);
	/* Of the other one nothing is known. */
	assert_true(keepalive_view(world->keepalive, world->message, &view));
	assert_false(view.is_probed);
	assert_false(view.is_unreachable);
	assert_int_equal(view.unanswered, 0);
}

static void grow_silent(struct world *world)
{
	for (unsigned i = 1; i <= 4; i++)
		round_passes(world);
	expect(world, true, 4);
}

static void silence_makes_unreachable(void **state)
{
	struct world *world = *state;

	expect(world, false, 0);
	for (unsigned i = 1; i <= 3; i++) {
		round_passes(world);
		expect(world, false, i);
	}
	/* The third one has had its time when the fourth goes out. */
	round_passes(world);
	expect(world, true, 4);
	for (unsigned i = 5; i < 300; i++)
		round_passes(world);
	expect(world, true, 255);
}

static void an_answer_brings_it_back(void **state)
{
	struct world *world = *state;

	grow_silent(world);
	assert_true(keepalive_answered(world->keepalive, world->target.id, world->target.mark));
	expect(world, false, 0);
	/* Once more is no harm. */
	assert_true(keepalive_answered(world->keepalive, world->target.id, world->target.mark));
	expect(world, false, 0);
	grow_silent(world);
}

static void answers_in_time_keep_it_reachable(void **state)
{
	struct world *world = *state;

	for (unsigned i = 0; i < 20; i++) {
		round_passes(world);
		if (i % 3 == 2)
			assert_true(keepalive_answered(world->keepalive, world->target.id,
						       world->target.mark));
		expect(world, false, (i + 1) % 3);
	}
}

static void answers_that_are_none(void **state)
{
	struct world *world = *state;
	struct keepalive_target old;

	grow_silent(world);
	old = world->target;
	round_passes(world);
	assert_int_not_equal(old.mark, world->target.mark);
	assert_false(keepalive_answered(world->keepalive, old.id, old.mark));
	assert_false(
		keepalive_answered(world->keepalive, world->target.id, world->target.mark + 1));
	assert_false(keepalive_answered(world->keepalive, world->target.id, 0));
	assert_false(keepalive_answered(world->keepalive, world->message, world->target.mark));
	assert_false(keepalive_answered(world->keepalive, world->message, 0));
	assert_false(keepalive_answered(world->keepalive, 0, world->target.mark));
	assert_false(keepalive_answered(world->keepalive, UINT32_MAX, world->target.mark));
	expect(world, true, 5);
}

static void registering_again_brings_it_back(void **state)
{
	struct world *world = *state;
	struct keepalive_device one = device(2, true);

	grow_silent(world);
	keepalive_change(world->keepalive, world->probed, &one);
	expect(world, false, 0);
}

static void the_next_one_in_its_place_is_another(void **state)
{
	struct world *world = *state;
	struct keepalive_device one = device(2, true);
	struct keepalive_target old;

	grow_silent(world);
	old = world->target;
	keepalive_remove(world->keepalive, world->probed);
	assert_false(keepalive_answered(world->keepalive, old.id, old.mark));
	assert_int_equal(keepalive_add(world->keepalive, &one), world->probed);
	expect(world, false, 0);
	assert_false(keepalive_answered(world->keepalive, old.id, old.mark));
	round_passes(world);
	assert_false(keepalive_answered(world->keepalive, old.id, old.mark));
	expect(world, false, 1);
}

static void the_number_of_fails_is_a_setting(void **state)
{
	struct world *world = *state;

	snapshot_unref(world->config);
	world->config = settings("1");
	round_passes(world);
	expect(world, false, 1);
	round_passes(world);
	expect(world, true, 2);
}

static void a_message_instead_of_probes(void **state)
{
	struct world *world = *state;
	struct keepalive_device plain = device(2, false);
	struct keepalive_target targets[4];
	struct keepalive_status status;
	uint64_t wait_us;

	grow_silent(world);
	keepalive_change(world->keepalive, world->probed, &plain);
	keepalive_status(world->keepalive, world->config, world->now_us, &status);
	assert_int_equal(status.probed_count, 0);
	assert_int_equal(status.unreachable_count, 0);
	assert_false(keepalive_answered(world->keepalive, world->target.id, world->target.mark));
	world->now_us += 10 * S;
	assert_int_equal(keepalive_turn(world->keepalive, world->config, world->now_us, targets, 4,
					&wait_us),
			 2);
	assert_false(targets[1].is_probe);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(silence_makes_unreachable), TEST(an_answer_brings_it_back),
	  TEST(answers_in_time_keep_it_reachable), TEST(answers_that_are_none),
	  TEST(registering_again_brings_it_back), TEST(the_next_one_in_its_place_is_another),
	  TEST(the_number_of_fails_is_a_setting), TEST(a_message_instead_of_probes))
