/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keepalive list under devices that come, go and move at random, beside a model that knows of
 * each device in which rounds its turn came. Rounds are of 10 s, in bursts of a second. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/config/snapshot.h"
#include "switchd/nat/keepalive.h"
#include "tests/support/config.h"

#define S           1000000u /* us in a second */
#define BURSTS      10u
#define DEVICES_MAX 400u

struct model {
	bool is_there;
	bool is_waiting; /* for this round to reach it */
	bool was_missed; /* by the round before */
	keepalive_id id;
	unsigned missed;     /* rounds, all in all */
	unsigned in_a_row;   /* whole rounds since its last turn, or since it came */
	unsigned to_wait;    /* such rounds after which its turn must have come when it is fair */
	unsigned whole_from; /* the first round that it sees as a whole */
};

struct world {
	struct keepalive *keepalive;
	struct snapshot *settings[2]; /* in order, fair */
	struct snapshot *off;
	struct model models[DEVICES_MAX]; /* a device's port is its place here, + 1 */
	unsigned capacity;
	unsigned devices;
	unsigned round;
	unsigned fair_since; /* first round of those that are fair without a break; 0 = none */
	bool is_fair;
	bool is_around; /* the round has reached all that waited */
	uint64_t now_us;
	uint64_t missed_total;
};

static struct snapshot *settings(unsigned burst, const char *fair, const char *message)
{
	char one_time[16];
	const char *const params[] = {"SS_SIP_NAT_KEEP_ALIVE_PERIOD",
				      "10",
				      "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL",
				      "1000",
				      "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME",
				      one_time,
				      "SS_SIP_NAT_KEEP_ALIVE_FAIR",
				      fair,
				      "SS_SIP_NAT_KEEP_ALIVE_MESSAGE",
				      message,
				      NULL};

	snprintf(one_time, sizeof(one_time), "%u", burst);
	return test_snapshot(params);
}

static void world_open(struct world *world, unsigned burst)
{
	*world = (struct world){
		.now_us = 1000u * (uint64_t)S, .capacity = BURSTS * burst, .is_around = true};
	world->settings[0] = settings(burst, "off", "HELLO");
	world->settings[1] = settings(burst, "on", "HELLO");
	world->off = settings(burst, "on", "");
	assert_int_equal(keepalive_create(&world->keepalive), VOS_OK);
}

static void world_close(struct world *world)
{
	keepalive_destroy(world->keepalive);
	snapshot_unref(world->settings[0]);
	snapshot_unref(world->settings[1]);
	snapshot_unref(world->off);
}

static unsigned any(unsigned below)
{
	return (unsigned)lrand48() % below;
}

static unsigned divide_up(unsigned a, unsigned b)
{
	return (a + b - 1) / b;
}

static void note_around(struct world *world)
{
	for (unsigned i = 0; i < DEVICES_MAX; i++)
		if (world->models[i].is_there && world->models[i].is_waiting)
			return;
	world->is_around = true;
}

static struct keepalive_device device(unsigned place)
{
	return (struct keepalive_device){
		.address = {.family = ADDR_IP4,
			    .ip = {192, 0, 2, 1},
			    .port = (uint16_t)(place + 1)},
		.socket_index = (uint8_t)any(3),
		.is_probed = any(2) != 0,
	};
}

static void come(struct world *world, unsigned place)
{
	struct model *model = &world->models[place];
	struct keepalive_device one = device(place);

	*model = (struct model){
		.is_there = true,
		/* Where rounds go on from each other, it comes behind those that wait. */
		.is_waiting = !world->is_around && !world->is_fair,
		.id = keepalive_add(world->keepalive, &one),
		.whole_from = world->round + 1,
	};
	assert_int_not_equal(model->id, 0);
	world->devices++;
	model->to_wait = divide_up(world->devices, world->capacity);
}

static void go(struct world *world, unsigned place)
{
	keepalive_remove(world->keepalive, world->models[place].id);
	world->models[place].is_there = false;
	world->devices--;
	note_around(world);
}

/* Comings and goings of the time until the next burst. */
static void churn(struct world *world, unsigned most)
{
	for (unsigned n = any(most + 1); n > 0; n--) {
		unsigned place = any(DEVICES_MAX);
		struct keepalive_device one = device(place);

		if (!world->models[place].is_there)
			come(world, place);
		else if (any(3) == 0)
			keepalive_change(world->keepalive, world->models[place].id, &one);
		else
			go(world, place);
	}
}

static void begin_round(struct world *world, bool is_fair)
{
	world->round++;
	world->is_fair = is_fair;
	if (!is_fair)
		world->fair_since = 0;
	else if (!world->fair_since)
		world->fair_since = world->round;
	world->is_around = false;
	for (unsigned i = 0; i < DEVICES_MAX; i++)
		world->models[i].is_waiting = world->models[i].is_there;
	note_around(world);
}

static void end_round(struct world *world)
{
	for (unsigned i = 0; i < DEVICES_MAX; i++) {
		struct model *model = &world->models[i];

		if (!model->is_there)
			continue;
		model->was_missed = model->is_waiting;
		if (!model->is_waiting)
			continue;
		model->missed++;
		world->missed_total++;
		if (world->round >= model->whole_from)
			model->in_a_row++;
		/* The promise of SS_SIP_NAT_KEEP_ALIVE_FAIR, for waits that began when it was on.
		 */
		if (world->fair_since && model->whole_from > world->fair_since)
			assert_true(model->in_a_row < model->to_wait);
	}
}

static void reached(struct world *world, const struct keepalive_target *target)
{
	struct model *model = &world->models[target->device.port - 1];

	assert_true(model->is_there);
	assert_true(model->is_waiting);
	assert_int_equal(target->id, model->id);
	model->is_waiting = false;
	model->was_missed = false;
	model->in_a_row = 0;
	model->whole_from = world->round + 1;
	model->to_wait = divide_up(world->devices, world->capacity);
}

/* One burst; chunks of seven do not divide it. */
static unsigned burst(struct world *world)
{
	struct keepalive_target targets[7];
	unsigned sent = 0;
	uint64_t wait_us;
	size_t count;

	do {
		count = keepalive_turn(world->keepalive, world->settings[world->is_fair],
				       world->now_us, targets, 7, &wait_us);
		for (size_t i = 0; i < count; i++)
			reached(world, &targets[i]);
		sent += (unsigned)count;
	} while (count == 7);
	note_around(world);
	assert_true(sent == world->capacity / BURSTS || world->is_around);
	return sent;
}

static void compare(struct world *world)
{
	struct keepalive_status status;
	unsigned starved = 0;
	unsigned probed = 0;

	keepalive_status(world->keepalive, world->settings[0], world->now_us, &status);
	for (unsigned i = 0; i < DEVICES_MAX; i++) {
		struct model *model = &world->models[i];
		struct keepalive_view view;

		if (!model->is_there)
			continue;
		assert_true(keepalive_view(world->keepalive, model->id, &view));
		assert_int_equal(view.missed, model->missed);
		assert_int_equal(view.is_starved, model->was_missed);
		starved += model->was_missed;
		probed += view.is_probed;
	}
	assert_int_equal(status.device_count, world->devices);
	assert_int_equal(status.starved_count, starved);
	assert_int_equal(status.probed_count, probed);
	assert_int_equal(status.missed_total, world->missed_total);
	assert_int_equal(status.round, world->round);
}

static void run_round(struct world *world, bool is_fair, unsigned most)
{
	for (unsigned i = 0; i < BURSTS; i++) {
		if (i == 0)
			begin_round(world, is_fair);
		burst(world);
		compare(world);
		churn(world, most);
		compare(world);
		world->now_us += S;
	}
	end_round(world);
}

static void fill(struct world *world, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		come(world, i);
}

static void fair_rounds_reach_everyone_in_time(void **state)
{
	(void)state;
	for (long seed = 1; seed <= TEST_MANY(40); seed++) {
		struct world world;

		srand48(seed);
		world_open(&world, 1 + any(12));
		fill(&world, any(DEVICES_MAX));
		for (unsigned round = 0; round < 60; round++)
			run_round(&world, true, any(2) ? any(30) : 2);
		world_close(&world);
	}
}

static void figures_hold_whatever_is_set(void **state)
{
	(void)state;
	for (long seed = 101; seed <= 100 + TEST_MANY(30); seed++) {
		struct keepalive_target target;
		struct world world;
		uint64_t wait_us;

		srand48(seed);
		world_open(&world, 1 + any(12));
		fill(&world, any(DEVICES_MAX));
		for (unsigned round = 0; round < 60; round++) {
			run_round(&world, any(2) != 0, any(2) ? any(30) : 2);
			if (any(10))
				continue;
			/* Off and on again, in the middle of a round: nobody was missed so far. */
			begin_round(&world, true);
			burst(&world);
			world.now_us += S;
			assert_int_equal(keepalive_turn(world.keepalive, world.off, world.now_us,
							&target, 1, &wait_us),
					 0);
			for (unsigned i = 0; i < DEVICES_MAX; i++) {
				world.models[i].missed = 0;
				world.models[i].was_missed = false;
				world.models[i].is_waiting = false;
			}
			world.is_around = true;
			world.fair_since = 0;
			compare(&world);
			churn(&world, 20);
			compare(&world);
			world.now_us += any(30) * (uint64_t)S;
		}
		world_close(&world);
	}
}

/* Without it every round reaches the same ones: those that came first. */
static void otherwise_the_tail_starves(void **state)
{
	struct world world;

	(void)state;
	srand48(7);
	world_open(&world, 3);
	fill(&world, 100);
	for (unsigned round = 1; round <= 20; round++) {
		run_round(&world, false, 0);
		for (unsigned i = 0; i < 100; i++)
			assert_int_equal(world.models[i].missed, i < 30 ? 0 : round);
	}
	/* From now on each has its turn every fourth round. */
	for (unsigned round = 1; round <= 40; round++)
		run_round(&world, true, 0);
	for (unsigned i = 0; i < 100; i++)
		assert_in_range(world.models[i].missed, i < 30 ? 28 : 48, i < 30 ? 28 : 48);
	world_close(&world);
}

/* Where there is room for all, it changes nothing: each has its turn at the same second. */
static void fair_is_the_same_where_all_fit(void **state)
{
	uint64_t last_us[2][50];

	(void)state;
	for (unsigned fair = 0; fair < 2; fair++) {
		struct world world;

		srand48(7);
		world_open(&world, 5);
		fill(&world, 50);
		for (unsigned round = 1; round <= 20; round++)
			run_round(&world, fair != 0, 0);
		assert_int_equal(world.missed_total, 0);
		for (unsigned i = 0; i < 50; i++) {
			struct keepalive_view view;

			assert_true(keepalive_view(world.keepalive, world.models[i].id, &view));
			last_us[fair][i] = view.last_sent_us;
		}
		world_close(&world);
	}
	assert_memory_equal(last_us[0], last_us[1], sizeof(last_us[0]));
}

TEST_MAIN(cmocka_unit_test(fair_rounds_reach_everyone_in_time),
	  cmocka_unit_test(figures_hold_whatever_is_set),
	  cmocka_unit_test(otherwise_the_tail_starves),
	  cmocka_unit_test(fair_is_the_same_where_all_fit))
