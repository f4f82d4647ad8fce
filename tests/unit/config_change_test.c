/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change lists: superseding, faults, paths, and the property that a diff, applied, gives what it
 * was the difference to. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/config/text_write.h"
#include "tests/support/changes.h"

static void later_set_supersedes(void **state)
{
	struct change_list list = {0};

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "a");
	changes_param(&list, "SS_SIP_SESSION_TTL", "700");
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "b");
	changes_field(&list, "phone", "1002", "name", "c");
	assert_int_equal(list.count, 4);
	assert_int_equal(list.items[0].value.number, 700);
	assert_string_equal(list.items[2].value.text, "b");
	assert_string_equal(list.items[3].key, "1002");
	changes_param_reset(&list, "SS_SIP_SESSION_TTL");
	assert_int_equal(list.count, 4);
	assert_int_equal(list.items[0].op, CHANGE_PARAM_RESET);
	change_list_clear(&list);
	assert_int_equal(list.count, 0);
}

static void list_values_add_up(void **state)
{
	struct change_list list = {0};

	(void)state;
	changes_field(&list, "routing-gateway", "a", "prefixes", "44");
	changes_field(&list, "routing-gateway", "a", "prefixes", "1");
	changes_field_reset(&list, "routing-gateway", "a", "prefixes", NULL);
	changes_field(&list, "routing-gateway", "a", "prefixes", "2");
	assert_int_equal(list.count, 4);
	change_list_clear(&list);
}

/* A set before the object was deleted and made again must not swallow a set after it. */
static void order_around_a_deletion_is_kept(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;
	const struct object *phone;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "capacity", "7");
	one = changes_apply(NULL, &list);
	changes_field(&list, "phone", "1001", "name", "a");
	changes_delete(&list, "phone", "1001");
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "b");
	assert_int_equal(list.count, 4);
	two = changes_apply(one, &list);
	phone = snapshot_object_at(two, OBJECT_PHONE, 0);
	assert_string_equal(object_field(phone, FIELD_PHONE_NAME)->text, "b");
	assert_false(object_field_is_set(phone, FIELD_PHONE_CAPACITY));
	snapshot_unref(one);
	snapshot_unref(two);
}

/* The list is a plain struct: items taken out by other hands must not confuse the next add. */
static void list_changed_by_hand_is_indexed_anew(void **state)
{
	struct change_list list = {0};

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	changes_param(&list, "SS_QOS_RTP", "0xb8");
	change_clear(&list.items[0]);
	list.items[0] = list.items[1];
	list.count = 1;
	changes_param(&list, "SS_QOS_RTP", "0x40");
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].value.number, 0x40);
	changes_param(&list, "SS_SIP_SESSION_TTL", "900");
	assert_int_equal(list.count, 2);
	change_list_clear(&list);
}

static void missing_objects_are_refused(void **state)
{
	struct snapshot *empty = snapshot_new_empty();
	struct snapshot *after = NULL;
	struct change_list list = {0};
	struct vos_fault fault = {0};

	(void)state;
	changes_field(&list, "phone", "1001", "name", "a");
	list.items[0].line = 17;
	assert_int_equal(snapshot_apply(empty, &list, 1, &after, &fault), VOS_ENOENT);
	assert_null(after);
	assert_int_equal(fault.code, FAULT_NOT_FOUND);
	assert_int_equal(fault.line, 17);
	assert_string_equal(fault.path, "phone 1001 name");
	assert_string_equal(fault.text, "phone 1001 does not exist");
	change_list_clear(&list);

	changes_delete(&list, "routing-gateway", "a");
	assert_int_equal(snapshot_apply(empty, &list, 1, &after, &fault), VOS_ENOENT);
	assert_string_equal(fault.path, "routing-gateway a");
	assert_int_equal(snapshot_apply(empty, &list, 1, &after, NULL), VOS_ENOENT);
	change_list_clear(&list);

	/* Twice deleted is once too often. */
	changes_create(&list, "phone", "1");
	changes_delete(&list, "phone", "1");
	changes_delete(&list, "phone", "1");
	assert_int_equal(snapshot_apply(empty, &list, 1, &after, &fault), VOS_ENOENT);
	change_list_clear(&list);
	snapshot_unref(empty);
}

static void singletons_need_no_creation(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;

	(void)state;
	changes_field(&list, "", "", "hostname", "sw1");
	changes_field(&list, "logging", "", "level", "debug");
	changes_field_reset(&list, "trace", "", "ring-size", NULL);
	one = changes_apply(NULL, &list);
	assert_int_equal(snapshot_object_count(one, OBJECT_SWITCH), 1);
	assert_int_equal(snapshot_object_count(one, OBJECT_TRACE), 0);
	changes_field_reset(&list, "", "", "hostname", NULL);
	changes_delete(&list, "logging", "");
	two = changes_apply(one, &list);
	assert_int_equal(snapshot_object_count(two, OBJECT_SWITCH), 0);
	assert_int_equal(snapshot_object_count(two, OBJECT_LOGGING), 0);
	snapshot_unref(one);
	snapshot_unref(two);
}

static void paths(void **state)
{
	struct change change = {.op = CHANGE_PARAM_SET, .param = PARAM_SS_SIP_SESSION_TTL};
	char long_key[400];
	char path[FAULT_PATH_MAX];

	(void)state;
	assert_string_equal(change_path(&change, path), "param SS_SIP_SESSION_TTL");
	change = (struct change){
		.op = CHANGE_FIELD_RESET, .kind = OBJECT_SWITCH, .field = FIELD_SWITCH_HOSTNAME};
	assert_string_equal(change_path(&change, path), "hostname");
	memset(long_key, 'k', sizeof(long_key) - 1);
	long_key[sizeof(long_key) - 1] = '\0';
	change = (struct change){.op = CHANGE_FIELD_SET,
				 .kind = OBJECT_PHONE,
				 .field = FIELD_PHONE_NAME,
				 .key = long_key};
	assert_int_equal(strlen(change_path(&change, path)), FAULT_PATH_MAX - 1);
	assert_memory_equal(path, "phone kkk", 9);
}

/* xorshift64: the same lists in every run. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static const char *pick(uint64_t *random, const char *const *words, size_t count)
{
	return words[next_random(random) % count];
}

#define PICK(random, ...)                                  \
	pick((random), (const char *const[]){__VA_ARGS__}, \
	     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static bool has(const struct snapshot *base, const struct change_list *list, const char *kind,
		const char *key)
{
	int id = object_kind_find(span_of(kind));
	bool is_there = snapshot_object_find(base, (enum object_kind)id, span_of(key)) != NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct change *change = &list->items[i];

		if ((int)change->kind != id || !change->key || strcmp(change->key, key) != 0)
			continue;
		if (change->op == CHANGE_OBJECT_CREATE)
			is_there = true;
		if (change->op == CHANGE_OBJECT_DELETE)
			is_there = false;
	}
	return is_there;
}

static void add_random(uint64_t *random, const struct snapshot *base, struct change_list *list)
{
	const char *key = PICK(random, "1", "2", "10", "11", "3", "20", "7", "8");
	const char *kind = PICK(random, "phone", "routing-gateway");
	bool is_phone = strcmp(kind, "phone") == 0;

	switch (next_random(random) % 9) {
	case 0:
		changes_param(list, "SS_SIP_SESSION_TTL", PICK(random, "90", "1800", "86400"));
		return;
	case 1:
		changes_param_reset(list, PICK(random, "SS_SIP_SESSION_TTL", "SS_QOS_RTP"));
		return;
	case 2:
		changes_param(list, "SS_SIP_NAT_KEEP_ALIVE_MESSAGE",
			      PICK(random, "", "x", "HELLO"));
		return;
	case 3:
		changes_field(list, "logging", "", "level", PICK(random, "debug", "notice"));
		return;
	default:
		break;
	}
	if (!has(base, list, kind, key)) {
		changes_create(list, kind, key);
		return;
	}
	if (next_random(random) % 5 == 0) {
		changes_delete(list, kind, key);
	} else if (is_phone && next_random(random) % 2) {
		changes_field(list, kind, key, PICK(random, "name", "forward-always"),
			      PICK(random, "1", "22", "333"));
	} else if (is_phone) {
		changes_field_reset(list, kind, key, PICK(random, "name", "forward-always"), NULL);
	} else if (next_random(random) % 3) {
		changes_field(list, kind, key, "prefixes", PICK(random, "1", "2", "3", "4", "5"));
	} else {
		changes_field_reset(list, kind, key, "prefixes",
				    PICK(random, "1", "2", "3", NULL, "5"));
	}
}

static void applied_diff_gives_the_other(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15u;
	struct snapshot *base = snapshot_new_empty();

	(void)state;
	for (int round = 0; round < 500; round++) {
		size_t steps = next_random(&random) % 12;
		struct change_list list = {0};
		struct change_list diff = {0};
		struct change_list back = {0};
		struct change_list none = {0};
		struct snapshot *next;
		struct snapshot *again;
		struct snapshot *first;

		for (size_t i = 0; i < steps; i++)
			add_random(&random, base, &list);
		next = changes_apply(base, &list);
		assert_int_equal(snapshot_diff(base, next, &diff), VOS_OK);
		assert_int_equal(snapshot_diff(next, base, &back), VOS_OK);
		again = changes_apply(base, &diff);
		first = changes_apply(next, &back);

		assert_int_equal(snapshot_diff(next, again, &none), VOS_OK);
		assert_int_equal(none.count, 0);
		assert_int_equal(snapshot_diff(base, first, &none), VOS_OK);
		assert_int_equal(none.count, 0);
		{
			char *wanted = changes_text(next);
			char *got = changes_text(again);

			assert_string_equal(got, wanted);
			free(wanted);
			free(got);
		}
		snapshot_unref(again);
		snapshot_unref(first);
		snapshot_unref(base);
		base = next;
	}
	snapshot_unref(base);
}

static void diff_is_small(void **state)
{
	struct change_list list = {0};
	struct snapshot *one;
	struct snapshot *two;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "prefixes", "1");
	changes_field(&list, "routing-gateway", "a", "prefixes", "2");
	one = changes_apply(NULL, &list);
	changes_field(&list, "routing-gateway", "a", "prefixes", "3");
	two = changes_apply(one, &list);
	assert_int_equal(snapshot_diff(one, two, &list), VOS_OK);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].op, CHANGE_FIELD_SET);
	change_list_clear(&list);
	assert_int_equal(snapshot_diff(two, one, &list), VOS_OK);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].op, CHANGE_FIELD_RESET);
	assert_string_equal(list.items[0].value.text, "3");
	change_list_clear(&list);
	assert_int_equal(snapshot_diff(two, two, &list), VOS_OK);
	assert_int_equal(list.count, 0);
	snapshot_unref(one);
	snapshot_unref(two);
}

TEST_MAIN(cmocka_unit_test(later_set_supersedes), cmocka_unit_test(list_values_add_up),
	  cmocka_unit_test(order_around_a_deletion_is_kept),
	  cmocka_unit_test(list_changed_by_hand_is_indexed_anew),
	  cmocka_unit_test(missing_objects_are_refused),
	  cmocka_unit_test(singletons_need_no_creation), cmocka_unit_test(paths),
	  cmocka_unit_test(applied_diff_gives_the_other), cmocka_unit_test(diff_is_small))
