/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Declarations of what the show commands print: complete, and named as the contract says. */
#include "switchd/ctl/schema.h"

#include "tests/support/test.h"

#include <stdio.h>

static bool is_name(const char *name)
{
	return name[0] >= 'a' && name[0] <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == 0;
}

static bool ends_with(const char *text, const char *end)
{
	size_t len = strlen(text);
	size_t end_len = strlen(end);

	return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

static void check_type(const char *name, enum cell_type type)
{
	if (type == CELL_TIME)
		assert_true(strcmp(name, "time") == 0 || ends_with(name, "_time"));
	if (strncmp(name, "is_", 3) == 0 || strncmp(name, "has_", 4) == 0)
		assert_int_equal(type, CELL_BOOL);
	if (ends_with(name, "_s") || ends_with(name, "_ms") || ends_with(name, "_bytes"))
		assert_int_equal(type, CELL_INT);
}

static void check_columns(const struct schema *schema)
{
	assert_true(schema->column_count > 0);
	for (size_t i = 0; i < schema->column_count; i++) {
		const struct column *column = &schema->columns[i];
		char suffix[16];

		assert_true(is_name(column->name));
		check_type(column->name, column->type);
		snprintf(suffix, sizeof(suffix), "_%s", column->unit);
		if (column->unit[0])
			assert_true(ends_with(column->name, suffix));
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(column->name, schema->columns[j].name);
	}
}

static void check_members(const struct member *members)
{
	assert_non_null(members);
	assert_non_null(members->name);
	for (const struct member *member = members; member->name; member++) {
		assert_true(is_name(member->name));
		check_type(member->name, member->type);
		if (member->members) {
			assert_int_equal(member->rule, MEMBER_LIST);
			check_members(member->members);
		}
		for (const struct member *other = members; other < member; other++)
			assert_string_not_equal(member->name, other->name);
	}
}

static void every_command_with_a_schema_is_declared(void **state)
{
	(void)state;
	for (int id = 0; id < COMMAND_COUNT; id++) {
		const struct schema *schema = schema_of((enum command_id)id);
		const char *name = command_schema((enum command_id)id);

		if (!name != !schema)
			fail_msg("%s: schema %s, but %s", command_name((enum command_id)id),
				 name ? name : "none", schema ? "declared" : "not declared");
		if (!schema)
			continue;
		assert_true(ends_with(name, "/1"));
		if (schema->kind == SCHEMA_ROWS)
			check_columns(schema);
		else if (schema->kind == SCHEMA_ITEM)
			check_members(schema->members);
	}
}

/* Each name stands for one shape. */
static void no_two_commands_share_a_name(void **state)
{
	(void)state;
	for (int a = 0; a < COMMAND_COUNT; a++) {
		const char *name = command_schema((enum command_id)a);

		for (int b = 0; name && b < a; b++)
			if (command_schema((enum command_id)b))
				assert_string_not_equal(name, command_schema((enum command_id)b));
	}
}

TEST_MAIN(cmocka_unit_test(every_command_with_a_schema_is_declared),
	  cmocka_unit_test(no_two_commands_share_a_name))
