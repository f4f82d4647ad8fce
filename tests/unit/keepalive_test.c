/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The pacing of behaviour A1, with a clock that the test moves. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/config/snapshot.h"
#include "switchd/nat/keepalive.h"
#include "tests/support/config.h"

#define S  1000000u /* us in a second */
#define T0 (1000u * (uint64_t)S)

static struct snapshot *pace(const char *period, const char *interval, const char *one_time)
{
	const char *const params[] = {"SS_SIP_NAT_KEEP_ALIVE_PERIOD",
				      period,
				      "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL",
				      interval,
				      "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME",
				      one_time,
				      NULL};

	return test_snapshot(params);
}

static struct addr device(uint16_t number)
{
	struct addr addr;

	assert_true(addr_parse(SPAN_LIT("192.0.2.1"), &addr));
	addr.port = number;
	return addr;
}

static keepalive_id add(struct keepalive *keepalive, const struct addr *addr, uint8_t socket_index)
{
	const struct keepalive_device one = {.address = *addr, .socket_index = socket_index};

	return keepalive_add(keepalive, &one);
}

/* A list of devices with the ports 1..count. */
static struct keepalive *list_of(uint16_t count, keepalive_id *ids)
{
	struct keepalive *keepalive;

	assert_int_equal(keepalive_create(&keepalive), VOS_OK);
	for (uint16_t i = 1; i <= count; i++) {
		struct addr addr = device(i);
		keepalive_id id = add(keepalive, &addr, 0);

		assert_int_not_equal(id, 0);
		if (ids)
			ids[i] = id;
	}
	return keepalive;
}

/* Ports of the devices sent to at that time, as "1 2 3"; asks in chunks of two. */
static const char *turn_at(struct keepalive *keepalive, const struct snapshot *config,
			   uint64_t now_us, uint64_t *wait_us)
{
	static char text[4096];
	struct keepalive_target targets[2];
	uint64_t wait;
	size_t count;

	text[0] = '\0';
	do {
		count = keepalive_turn(keepalive, config, now_us, targets, 2, &wait);
		for (size_t i = 0; i < count; i++)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%u",
				 text[0] ? " " : "", targets[i].device.port);
	} while (count == 2);
	if (wait_us)
		*wait_us = wait;
	return text;
}

static void capacity_follows_the_formula(void **state)
{
	struct keepalive *keepalive = list_of(7, NULL);
	struct snapshot *config = test_snapshot(NULL);
	struct keepalive_status status;

	(void)state;
	keepalive_status(keepalive, config, T0, &status);
	assert_true(status.is_on);
	assert_int_equal(status.capacity, 180000);
	assert_int_equal(status.device_count, 7);
	assert_int_equal(status.needed_period_s, 1); /* one burst: 0.5 s, rounded up */
	snapshot_unref(config);
	config = pace("10", "4000", "2");
	keepalive_status(keepalive, config, T0, &status);
	assert_int_equal(status.capacity, 6);         /* bursts at 0, 4 and 8 s */
	assert_int_equal(status.needed_period_s, 16); /* ceil(7/2) * 4 s */
	snapshot_unref(config);
	config = pace("10", "5000", "3");
	keepalive_status(keepalive, config, T0, &status);
	assert_int_equal(status.capacity, 6); /* none at the very end of the round */
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void every_device_gets_one_datagram_a_round(void **state)
{
	struct keepalive *keepalive = list_of(5, NULL);
	struct snapshot *config = pace("10", "1000", "2");
	uint64_t wait_us;

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, &wait_us), "1 2");
	assert_int_equal(wait_us, 1 * S);
	assert_string_equal(turn_at(keepalive, config, T0 + S - 1, &wait_us), "");
	assert_int_equal(wait_us, 1);
	assert_string_equal(turn_at(keepalive, config, T0 + 1 * S, NULL), "3 4");
	assert_string_equal(turn_at(keepalive, config, T0 + 2 * S, NULL), "5");
	for (unsigned t = 3; t < 10; t++)
		assert_string_equal(turn_at(keepalive, config, T0 + t * (uint64_t)S, NULL), "");
	assert_string_equal(turn_at(keepalive, config, T0 + 10 * (uint64_t)S - 1, &wait_us), "");
	assert_int_equal(wait_us, 1);
	assert_string_equal(turn_at(keepalive, config, T0 + 10 * (uint64_t)S, NULL), "1 2");
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void tail_starves_when_the_round_is_too_short(void **state)
{
	keepalive_id ids[11];
	struct keepalive *keepalive = list_of(10, ids);
	struct snapshot *config = pace("10", "4000", "2");
	struct keepalive_status status;
	struct keepalive_view view;

	(void)state;
	for (uint64_t round = 0; round < 3; round++) {
		uint64_t start_us = T0 + round * 10 * S;

		assert_string_equal(turn_at(keepalive, config, start_us, NULL), "1 2");
		assert_string_equal(turn_at(keepalive, config, start_us + 4 * S, NULL), "3 4");
		assert_string_equal(turn_at(keepalive, config, start_us + 8 * S, NULL), "5 6");
		assert_string_equal(turn_at(keepalive, config, start_us + 10 * S - 1, NULL), "");
		keepalive_status(keepalive, config, start_us + 10 * S - 1, &status);
		assert_int_equal(status.round, round + 1);
		assert_int_equal(status.round_elapsed_ms, 9999);
		assert_int_equal(status.sent_this_round, 6);
		assert_int_equal(status.sent_last_round, round ? 6 : 0);
		assert_int_equal(status.missed_last_round, round ? 4 : 0);
		assert_int_equal(status.missed_total, 4 * round);
		assert_int_equal(status.sent_total, 6 * (round + 1));
	}
	assert_string_equal(turn_at(keepalive, config, T0 + 30 * (uint64_t)S, NULL), "1 2");
	assert_true(keepalive_view(keepalive, ids[1], &view));
	assert_int_equal(view.last_sent_us, T0 + 30 * (uint64_t)S);
	assert_int_equal(view.missed, 0);
	assert_true(keepalive_view(keepalive, ids[6], &view));
	assert_int_equal(view.last_sent_us, T0 + 28 * (uint64_t)S);
	assert_int_equal(view.missed, 0);
	assert_false(view.is_starved);
	assert_true(keepalive_view(keepalive, ids[7], &view));
	assert_int_equal(view.last_sent_us, 0);
	assert_int_equal(view.missed, 3);
	assert_true(view.is_starved);
	keepalive_status(keepalive, config, T0 + 30 * (uint64_t)S, &status);
	assert_int_equal(status.starved_count, 4);
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void parameters_change_in_the_middle_of_a_round(void **state)
{
	struct keepalive *keepalive = list_of(12, NULL);
	struct snapshot *slow = pace("60", "4000", "2");
	struct snapshot *fast = pace("60", "1000", "3");
	struct snapshot *brief = pace("10", "1000", "3");

	(void)state;
	assert_string_equal(turn_at(keepalive, slow, T0, NULL), "1 2");
	/* The burst of 4 s is not due yet; with the new interval it was at 1 s. */
	assert_string_equal(turn_at(keepalive, slow, T0 + 1 * S, NULL), "");
	assert_string_equal(turn_at(keepalive, fast, T0 + 1 * S, NULL), "3 4 5");
	assert_string_equal(turn_at(keepalive, fast, T0 + 2 * S, NULL), "6 7 8");
	/* The round that is 10 s long now ends at 10 s. */
	assert_string_equal(turn_at(keepalive, brief, T0 + 3 * S, NULL), "9 10 11");
	assert_string_equal(turn_at(keepalive, brief, T0 + 4 * S, NULL), "12");
	assert_string_equal(turn_at(keepalive, brief, T0 + 10 * (uint64_t)S, NULL), "1 2 3");
	snapshot_unref(slow);
	snapshot_unref(fast);
	snapshot_unref(brief);
	keepalive_destroy(keepalive);
}

static void a_shorter_round_that_is_long_over_starts_anew(void **state)
{
	struct keepalive *keepalive = list_of(2, NULL);
	struct snapshot *config = pace("86400", "500", "10");
	struct snapshot *brief = pace("10", "500", "10");

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, brief, T0 + 1005 * (uint64_t)S, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, brief, T0 + 1014 * (uint64_t)S, NULL), "");
	assert_string_equal(turn_at(keepalive, brief, T0 + 1015 * (uint64_t)S, NULL), "1 2");
	snapshot_unref(config);
	snapshot_unref(brief);
	keepalive_destroy(keepalive);
}

static void devices_come_and_go_in_the_middle_of_a_round(void **state)
{
	keepalive_id ids[7];
	struct keepalive *keepalive = list_of(6, ids);
	struct snapshot *config = pace("10", "1000", "2");
	struct keepalive_status status;
	struct keepalive_device moved = {.socket_index = 1};
	struct addr addr = device(99);
	struct keepalive_view view;
	keepalive_id late;

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, NULL), "1 2");
	keepalive_remove(keepalive, ids[1]); /* sent to already */
	keepalive_remove(keepalive, ids[4]); /* not yet */
	assert_false(keepalive_view(keepalive, ids[4], &view));
	assert_string_equal(turn_at(keepalive, config, T0 + 1 * S, NULL), "3 5");
	/* Takes the place of the one freed last, but its turn is the last. */
	late = add(keepalive, &addr, 3);
	assert_int_equal(late, ids[4]);
	assert_string_equal(turn_at(keepalive, config, T0 + 2 * S, NULL), "6 99");
	addr = device(77);
	moved.address = addr;
	keepalive_change(keepalive, ids[6], &moved);
	assert_string_equal(turn_at(keepalive, config, T0 + 9 * S, NULL), "");
	assert_string_equal(turn_at(keepalive, config, T0 + 10 * (uint64_t)S, NULL), "2 3");
	keepalive_status(keepalive, config, T0 + 10 * (uint64_t)S, &status);
	assert_int_equal(status.device_count, 5);
	assert_int_equal(status.sent_last_round, 6); /* with the one that has left */
	assert_int_equal(status.missed_last_round, 0);
	assert_string_equal(turn_at(keepalive, config, T0 + 11 * (uint64_t)S, NULL), "5 77");
	assert_string_equal(turn_at(keepalive, config, T0 + 12 * (uint64_t)S, NULL), "99");
	assert_true(keepalive_view(keepalive, late, &view));
	assert_int_equal(view.last_sent_us, T0 + 12 * (uint64_t)S);
	assert_int_equal(view.missed, 0);
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void a_device_added_before_the_walk_is_reached(void **state)
{
	struct keepalive *keepalive = list_of(3, NULL);
	struct snapshot *config = pace("10", "1000", "2");
	struct addr addr = device(4);

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, NULL), "1 2");
	assert_int_not_equal(add(keepalive, &addr, 0), 0);
	assert_string_equal(turn_at(keepalive, config, T0 + 1 * S, NULL), "3 4");
	addr = device(5);
	/* The walk is over: no second burst for those who come now. */
	assert_int_not_equal(add(keepalive, &addr, 0), 0);
	assert_string_equal(turn_at(keepalive, config, T0 + 2 * S, NULL), "");
	assert_string_equal(turn_at(keepalive, config, T0 + 10 * (uint64_t)S, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, config, T0 + 11 * (uint64_t)S, NULL), "3 4");
	assert_string_equal(turn_at(keepalive, config, T0 + 12 * (uint64_t)S, NULL), "5");
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void bursts_held_up_by_a_stall_follow(void **state)
{
	struct keepalive *keepalive = list_of(10, NULL);
	struct snapshot *config = pace("10", "1000", "2");
	struct keepalive_status status;

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, config, T0 + 3500000, NULL), "3 4 5 6 7 8");
	/* Over the end of the round: what it owed first, then the new round on its beat. */
	assert_string_equal(turn_at(keepalive, config, T0 + 10500000, NULL), "9 10 1 2");
	keepalive_status(keepalive, config, T0 + 10500000, &status);
	assert_int_equal(status.missed_last_round, 0);
	assert_int_equal(status.round_elapsed_ms, 500);
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

/* Not so long that it would never end: a round that is late by another whole one is over. */
static void a_round_that_is_late_by_another_one_is_over(void **state)
{
	struct keepalive *keepalive = list_of(10, NULL);
	struct snapshot *config = pace("10", "1000", "2");
	struct keepalive_status status;

	(void)state;
	assert_string_equal(turn_at(keepalive, config, T0, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, config, T0 + 20 * (uint64_t)S - 1, NULL),
			    "3 4 5 6 7 8 9 10 1 2 3 4 5 6 7 8 9 10");
	assert_string_equal(turn_at(keepalive, config, T0 + 20 * (uint64_t)S, NULL), "1 2");
	assert_string_equal(turn_at(keepalive, config, T0 + 40 * (uint64_t)S, NULL), "1 2");
	keepalive_status(keepalive, config, T0 + 40 * (uint64_t)S, &status);
	assert_int_equal(status.round, 4);
	assert_int_equal(status.sent_last_round, 2);
	assert_int_equal(status.missed_last_round, 8);
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void an_empty_message_turns_it_off(void **state)
{
	const char *const off[] = {"SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "", NULL};
	struct keepalive *keepalive = list_of(3, NULL);
	struct snapshot *config = test_snapshot(NULL);
	struct snapshot *silent = test_snapshot(off);
	struct keepalive_status status;
	uint64_t wait_us;

	(void)state;
	assert_string_equal(turn_at(keepalive, silent, T0, &wait_us), "");
	assert_true(wait_us >= S / 2);
	keepalive_status(keepalive, silent, T0, &status);
	assert_false(status.is_on);
	assert_string_equal(turn_at(keepalive, config, T0 + 1 * S, NULL), "1 2 3");
	assert_string_equal(turn_at(keepalive, silent, T0 + 31 * (uint64_t)S, NULL), "");
	assert_string_equal(turn_at(keepalive, config, T0 + 32 * (uint64_t)S, NULL), "1 2 3");
	keepalive_status(keepalive, config, T0 + 32 * (uint64_t)S, &status);
	assert_int_equal(status.missed_total, 0);
	snapshot_unref(config);
	snapshot_unref(silent);
	keepalive_destroy(keepalive);
}

static void full_list_of_defaults_is_reached_in_a_round(void **state)
{
	struct keepalive *keepalive;
	struct snapshot *config = pace("10", "1000", "3000"); /* capacity 30,000 */
	struct keepalive_target targets[512];
	struct keepalive_status status;
	struct addr addr = device(1);
	uint64_t wait_us;

	(void)state;
	assert_int_equal(keepalive_create(&keepalive), VOS_OK);
	for (uint32_t i = 0; i < 30001; i++)
		assert_int_not_equal(add(keepalive, &addr, 0), 0);
	for (uint64_t t = 0; t < 10; t++) {
		size_t sent = 0;
		size_t count;

		do {
			count = keepalive_turn(keepalive, config, T0 + t * S, targets, 512,
					       &wait_us);
			sent += count;
		} while (count == 512);
		assert_int_equal(sent, 3000);
	}
	keepalive_turn(keepalive, config, T0 + 10 * (uint64_t)S, targets, 1, &wait_us);
	keepalive_status(keepalive, config, T0 + 10 * (uint64_t)S, &status);
	assert_int_equal(status.sent_last_round, 30000);
	assert_int_equal(status.missed_last_round, 1);
	assert_int_equal(status.needed_period_s, 11);
	snapshot_unref(config);
	keepalive_destroy(keepalive);
}

static void payloads_are_told_from_sip(void **state)
{
	static const struct {
		const char *text;
		bool is_payload;
	} CASES[] = {
		{"HELLO", true},
		{"", true},
		{"\r\n\r\n", true},
		{"h\xc3\xa9llo", true},
		{"INVITE sip:a@b SIP/2.0\r\n\r\n", false},
		{"SIP/2.0 200 OK\r\n\r\n", false},
		{"x sip/2.0", false},
		{"\x01\x02", false},
	};
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(keepalive_is_payload(CASES[i].text, strlen(CASES[i].text)),
				 CASES[i].is_payload);
	assert_false(keepalive_is_payload("a\0b", 3));
	memset(text, 'A', sizeof(text));
	assert_true(keepalive_is_payload(text, 64)); /* the longest message that can be set */
	assert_true(keepalive_is_payload(text, 128));
	assert_false(keepalive_is_payload(text, 129));
}

TEST_MAIN(cmocka_unit_test(capacity_follows_the_formula),
	  cmocka_unit_test(every_device_gets_one_datagram_a_round),
	  cmocka_unit_test(tail_starves_when_the_round_is_too_short),
	  cmocka_unit_test(parameters_change_in_the_middle_of_a_round),
	  cmocka_unit_test(a_shorter_round_that_is_long_over_starts_anew),
	  cmocka_unit_test(devices_come_and_go_in_the_middle_of_a_round),
	  cmocka_unit_test(a_device_added_before_the_walk_is_reached),
	  cmocka_unit_test(bursts_held_up_by_a_stall_follow),
	  cmocka_unit_test(a_round_that_is_late_by_another_one_is_over),
	  cmocka_unit_test(an_empty_message_turns_it_off),
	  cmocka_unit_test(full_list_of_defaults_is_reached_in_a_round),
	  cmocka_unit_test(payloads_are_told_from_sip))
