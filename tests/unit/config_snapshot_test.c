/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Snapshots: what they read as, what they share, and that large change lists stay linear. */
#include "tests/support/test.h"

#include <pthread.h>
#include <stdio.h>

#include "shared/config/snapshot_private.h"
#include "tests/support/changes.h"

static void empty_reads_as_defaults(void **state)
{
	struct snapshot *empty = snapshot_new_empty();

	(void)state;
	assert_int_equal(snapshot_generation(empty), 0);
	for (int i = 0; i < PARAM_COUNT; i++) {
		assert_false(snapshot_param_is_set(empty, (enum param_id)i));
		assert_ptr_equal(snapshot_param(empty, (enum param_id)i),
				 param_default((enum param_id)i));
	}
	assert_int_equal(snapshot_object_count(empty, OBJECT_PHONE), 0);
	assert_null(snapshot_object_find(empty, OBJECT_PHONE, SPAN_LIT("1001")));
	assert_int_equal(snapshot_number(empty, PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD), 30);
	assert_string_equal(snapshot_text(empty, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE), "HELLO");
	snapshot_unref(empty);
}

static void unset_singleton_is_found_with_defaults(void **state)
{
	struct snapshot *empty = snapshot_new_empty();
	const struct object *logging = snapshot_object_find(empty, OBJECT_LOGGING, SPAN_LIT(""));

	(void)state;
	assert_non_null(logging);
	assert_int_equal(snapshot_object_count(empty, OBJECT_LOGGING), 0);
	assert_int_equal(object_field(logging, FIELD_LOGGING_LEVEL)->number, WORD_LOG_LEVEL_NOTICE);
	assert_int_equal(object_kind_of(logging), OBJECT_LOGGING);
	snapshot_unref(empty);
}

static void a_change_leaves_the_base_alone(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "Front desk");
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	one = changes_apply(NULL, &list);
	changes_field(&list, "phone", "1001", "name", "Back door");
	changes_param_reset(&list, "SS_SIP_SESSION_TTL");
	two = changes_apply(one, &list);

	assert_string_equal(
		object_field(snapshot_object_at(one, OBJECT_PHONE, 0), FIELD_PHONE_NAME)->text,
		"Front desk");
	assert_string_equal(
		object_field(snapshot_object_at(two, OBJECT_PHONE, 0), FIELD_PHONE_NAME)->text,
		"Back door");
	assert_int_equal(snapshot_number(one, PARAM_SS_SIP_SESSION_TTL), 600);
	assert_int_equal(snapshot_number(two, PARAM_SS_SIP_SESSION_TTL), 1800);
	assert_int_equal(snapshot_generation(two), 2);
	snapshot_unref(one);
	/* What both shared has to outlive the first. */
	assert_string_equal(object_key(snapshot_object_at(two, OBJECT_PHONE, 0)), "1001");
	snapshot_unref(two);
}

static void untouched_parts_are_shared(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;

	(void)state;
	for (int i = 0; i < 100; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", 1000 + i);
		changes_create(&list, "phone", key);
	}
	changes_create(&list, "network", "lan");
	one = changes_apply(NULL, &list);
	changes_field(&list, "phone", "1050", "name", "x");
	two = changes_apply(one, &list);
	assert_ptr_equal(one->sets[OBJECT_NETWORK], two->sets[OBJECT_NETWORK]);
	for (size_t i = 0; i < 100; i++) {
		const struct object *before = snapshot_object_at(one, OBJECT_PHONE, i);
		const struct object *after = snapshot_object_at(two, OBJECT_PHONE, i);

		if (i == 50)
			assert_ptr_not_equal(before, after);
		else
			assert_ptr_equal(before, after);
	}
	/* A change that changes nothing shares everything. */
	snapshot_unref(one);
	changes_field(&list, "phone", "1050", "name", "x");
	one = changes_apply(two, &list);
	assert_ptr_equal(one->sets[OBJECT_PHONE], two->sets[OBJECT_PHONE]);
	snapshot_unref(one);
	snapshot_unref(two);
}

static void a_default_set_by_hand_is_unset(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "1800");
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "lock", "none");
	changes_field(&list, "logging", "", "level", "notice");
	one = changes_apply(NULL, &list);
	assert_false(snapshot_param_is_set(one, PARAM_SS_SIP_SESSION_TTL));
	assert_false(
		object_field_is_set(snapshot_object_at(one, OBJECT_PHONE, 0), FIELD_PHONE_LOCK));
	assert_int_equal(snapshot_object_count(one, OBJECT_LOGGING), 0);
	snapshot_unref(one);
}

static void lists_keep_order_and_take_a_value_once(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;
	const struct object *gateway;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "prefixes", "44");
	changes_field(&list, "routing-gateway", "a", "prefixes", "1");
	changes_field(&list, "routing-gateway", "a", "prefixes", "44");
	changes_field(&list, "routing-gateway", "a", "prefixes", "33");
	one = changes_apply(NULL, &list);
	gateway = snapshot_object_at(one, OBJECT_ROUTING_GATEWAY, 0);
	assert_int_equal(object_list_count(gateway, FIELD_ROUTING_GATEWAY_PREFIXES), 3);
	assert_string_equal(object_list_at(gateway, FIELD_ROUTING_GATEWAY_PREFIXES, 0)->text, "44");
	assert_string_equal(object_list_at(gateway, FIELD_ROUTING_GATEWAY_PREFIXES, 1)->text, "1");
	assert_string_equal(object_list_at(gateway, FIELD_ROUTING_GATEWAY_PREFIXES, 2)->text, "33");

	changes_field_reset(&list, "routing-gateway", "a", "prefixes", "1");
	changes_field_reset(&list, "routing-gateway", "a", "prefixes", "99");
	two = changes_apply(one, &list);
	snapshot_unref(one);
	gateway = snapshot_object_at(two, OBJECT_ROUTING_GATEWAY, 0);
	assert_int_equal(object_list_count(gateway, FIELD_ROUTING_GATEWAY_PREFIXES), 2);

	changes_field_reset(&list, "routing-gateway", "a", "prefixes", NULL);
	one = changes_apply(two, &list);
	gateway = snapshot_object_at(one, OBJECT_ROUTING_GATEWAY, 0);
	assert_int_equal(object_list_count(gateway, FIELD_ROUTING_GATEWAY_PREFIXES), 0);
	snapshot_unref(one);
	snapshot_unref(two);
}

static void scalar_counts_as_a_list_of_one(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	const struct object *phone;

	(void)state;
	changes_create(&list, "phone", "1001");
	one = changes_apply(NULL, &list);
	phone = snapshot_object_at(one, OBJECT_PHONE, 0);
	assert_int_equal(object_list_count(phone, FIELD_PHONE_LOCK), 1);
	assert_int_equal(object_list_at(phone, FIELD_PHONE_LOCK, 0)->number, WORD_LOCK_NONE);
	assert_int_equal(object_list_count(phone, FIELD_PHONE_ADDRESS), 0);
	snapshot_unref(one);
}

static void keys_are_in_order_and_found(void **state)
{
	static const char *const keys[] = {"2", "10", "1", "100", "1001", "a-b", "a"};
	static const char *const sorted[] = {"1", "10", "100", "1001", "2", "a", "a-b"};
	struct change_list list = {0};
	struct snapshot *one;

	(void)state;
	for (size_t i = 0; i < 7; i++)
		changes_create(&list, "phone", keys[i]);
	one = changes_apply(NULL, &list);
	for (size_t i = 0; i < 7; i++) {
		const struct object *object = snapshot_object_at(one, OBJECT_PHONE, i);

		assert_string_equal(object_key(object), sorted[i]);
		assert_ptr_equal(snapshot_object_find(one, OBJECT_PHONE, span_of(sorted[i])),
				 object);
	}
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_LIT("")));
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_NONE));
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_LIT("10011")));
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_LIT("100\0")));
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_LIT("0")));
	assert_null(snapshot_object_find(one, OBJECT_PHONE, SPAN_LIT("z")));
	snapshot_unref(one);
}

/* 50,000 creations and as many deletions in one list each: a quadratic step would be felt as a
 * hang. */
static void many_objects_in_one_list(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;
	char key[16];

	(void)state;
	for (int i = 0; i < 50000; i++) {
		snprintf(key, sizeof(key), "%d", (i * 7919) % 50000);
		changes_create(&list, "phone", key);
		changes_field(&list, "phone", key, "name", key);
	}
	one = changes_apply(NULL, &list);
	assert_int_equal(snapshot_object_count(one, OBJECT_PHONE), 50000);
	for (size_t i = 1; i < 50000; i++)
		assert_true(strcmp(object_key(snapshot_object_at(one, OBJECT_PHONE, i - 1)),
				   object_key(snapshot_object_at(one, OBJECT_PHONE, i))) < 0);
	for (int i = 0; i < 49999; i++) {
		snprintf(key, sizeof(key), "%d", i);
		changes_delete(&list, "phone", key);
	}
	two = changes_apply(one, &list);
	assert_int_equal(snapshot_object_count(two, OBJECT_PHONE), 1);
	snapshot_unref(one);
	snapshot_unref(two);
}

/* Numbers of one list, added and taken away at random, against an array. */
static void long_lists_as_short_ones(void **state)
{
	enum { NUMBERS = 300, ROUNDS = 12, CHANGES = 250 };
	char model[NUMBERS + CHANGES][8];
	size_t count = 0;
	uint32_t seed = 99;
	struct change_list list = {0};
	struct snapshot *now;

	(void)state;
	changes_create(&list, "number-group", "g");
	now = changes_apply(NULL, &list);
	for (int round = 0; round < ROUNDS; round++) {
		const struct object *group;
		struct snapshot *next;

		for (int i = 0; i < CHANGES; i++) {
			char number[8];
			size_t at = 0;

			seed = seed * 1664525u + 1013904223u;
			snprintf(number, sizeof(number), "%u", (seed >> 8) % NUMBERS);
			while (at < count && strcmp(model[at], number) != 0)
				at++;
			if (seed >> 30 < (round % 3 == 2 ? 3u : 1u)) {
				changes_field_reset(&list, "number-group", "g", "number", number);
				if (at < count)
					memmove(model[at], model[at + 1],
						(--count - at) * sizeof(model[0]));
				continue;
			}
			changes_field(&list, "number-group", "g", "number", number);
			if (at == count)
				memcpy(model[count++], number, sizeof(number));
		}
		if (round == 7) {
			changes_field_reset(&list, "number-group", "g", "number", NULL);
			changes_field(&list, "number-group", "g", "number", "1");
			memcpy(model[0], "1", 2);
			count = 1;
		}
		next = changes_apply(now, &list);
		snapshot_unref(now);
		now = next;
		group = snapshot_object_at(now, OBJECT_NUMBER_GROUP, 0);
		assert_int_equal(object_list_count(group, FIELD_NUMBER_GROUP_NUMBER), count);
		for (size_t i = 0; i < count; i++)
			assert_string_equal(
				object_list_at(group, FIELD_NUMBER_GROUP_NUMBER, i)->text,
				model[i]);
	}
	snapshot_unref(now);
}

/* As with objects: 20,000 values in, all but one of them out. */
static void many_values_in_one_list(void **state)
{
	struct change_list list = {0};
	const struct object *group;
	struct snapshot *one;
	struct snapshot *two;
	char number[16];

	(void)state;
	changes_create(&list, "number-group", "g");
	for (int i = 0; i < 20000; i++) {
		snprintf(number, sizeof(number), "%d", i);
		changes_field(&list, "number-group", "g", "number", number);
	}
	one = changes_apply(NULL, &list);
	group = snapshot_object_at(one, OBJECT_NUMBER_GROUP, 0);
	assert_int_equal(object_list_count(group, FIELD_NUMBER_GROUP_NUMBER), 20000);
	for (int i = 0; i < 19999; i++) {
		snprintf(number, sizeof(number), "%d", i);
		changes_field_reset(&list, "number-group", "g", "number", number);
	}
	two = changes_apply(one, &list);
	group = snapshot_object_at(two, OBJECT_NUMBER_GROUP, 0);
	assert_int_equal(object_list_count(group, FIELD_NUMBER_GROUP_NUMBER), 1);
	assert_string_equal(object_list_at(group, FIELD_NUMBER_GROUP_NUMBER, 0)->text, "19999");
	snapshot_unref(one);
	snapshot_unref(two);
}

static void *read_and_drop(void *context)
{
	struct snapshot *snapshot = context;

	for (int i = 0; i < 1000; i++) {
		struct snapshot *mine = snapshot_ref(snapshot);

		assert_true(snapshot_object_count(mine, OBJECT_PHONE) == 1);
		snapshot_unref(mine);
	}
	snapshot_unref(snapshot);
	return NULL;
}

static void threads_count_references(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	pthread_t threads[4];

	(void)state;
	changes_create(&list, "phone", "1001");
	one = changes_apply(NULL, &list);
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, read_and_drop, snapshot_ref(one)), 0);
	changes_field(&list, "phone", "1001", "name", "x");
	for (int i = 0; i < 4; i++) {
		struct snapshot *next = changes_apply(one, &list);

		snapshot_unref(one);
		one = next;
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	snapshot_unref(one);
}

TEST_MAIN(cmocka_unit_test(empty_reads_as_defaults),
	  cmocka_unit_test(unset_singleton_is_found_with_defaults),
	  cmocka_unit_test(a_change_leaves_the_base_alone),
	  cmocka_unit_test(untouched_parts_are_shared),
	  cmocka_unit_test(a_default_set_by_hand_is_unset),
	  cmocka_unit_test(lists_keep_order_and_take_a_value_once),
	  cmocka_unit_test(scalar_counts_as_a_list_of_one),
	  cmocka_unit_test(keys_are_in_order_and_found), cmocka_unit_test(many_objects_in_one_list),
	  cmocka_unit_test(long_lists_as_short_ones), cmocka_unit_test(many_values_in_one_list),
	  cmocka_unit_test(threads_count_references))
