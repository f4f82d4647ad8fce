/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON Schema (draft 2020-12) of the document that `vosctl -j` prints for a command. */
#include <stdio.h>

#include "man/docgen/docgen.h"
#include "switchd/ctl/schema.h"

static const char *const helps[] = {
#define COMMAND(id, pattern, role, where, schema, help_) help_,
#include "shared/grammar/commands.def"
#undef COMMAND
};

#define ROW_COUNT ((int)(sizeof(helps) / sizeof(helps[0])))

static void put_string(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

/* What is not known is null, whatever its type. */
static void put_type(enum cell_type type)
{
	static const char *const types[] = {
		[CELL_TEXT] = "string",
		[CELL_INT] = "integer",
		[CELL_BOOL] = "boolean",
		[CELL_TIME] = "string",
		[CELL_VALUE] = "integer\", \"string",
	};

	printf("\"type\": [\"%s\", \"null\"]", types[type]);
	if (type == CELL_TIME)
		printf(", \"format\": \"date-time\"");
}

static void put_unit(const char *name)
{
	static const char *const units[][2] = {
		{"_ms", "in milliseconds"}, {"_s", "in seconds"}, {"_bytes", "in bytes"}};
	size_t len = strlen(name);

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t suffix = strlen(units[i][0]);

		if (len > suffix && strcmp(name + len - suffix, units[i][0]) == 0) {
			printf(", \"description\": \"%s\"", units[i][1]);
			return;
		}
	}
}

static void put_column(const struct column *column, bool is_last)
{
	printf("        \"%s\": {", column->name);
	put_type(column->type);
	put_unit(column->name);
	printf("}%s\n", is_last ? "" : ",");
}

static void put_columns(const struct schema *schema)
{
	const struct field_columns *detail = schema->detail ? schema->detail() : NULL;
	size_t more = detail ? detail->count : 0;

	printf("    \"row\": {\n      \"type\": \"object\",\n      \"properties\": {\n");
	for (size_t i = 0; i < schema->column_count; i++)
		put_column(&schema->columns[i], i + 1 == schema->column_count + more);
	for (size_t i = 0; i < more; i++)
		put_column(&detail->columns[i], i + 1 == more);
	printf("      },\n      \"required\": [");
	for (size_t i = 0; i < schema->column_count; i++)
		printf("%s\"%s\"", i ? ", " : "", schema->columns[i].name);
	printf("],\n      \"additionalProperties\": false\n    }");
}

static void put_members(const struct member *members, int indent);

static void put_member(const struct member *member, int indent)
{
	printf("%*s\"%s\": {", indent, "", member->name);
	if (member->rule != MEMBER_LIST) {
		put_type(member->type);
		put_unit(member->name);
	} else {
		printf("\"type\": \"array\", \"items\": {");
		if (member->members) {
			putchar('\n');
			put_members(member->members, indent + 2);
			printf("%*s", indent, "");
		} else {
			put_type(member->type);
		}
		putchar('}');
	}
	putchar('}');
}

static void put_members(const struct member *members, int indent)
{
	const char *comma = "";

	printf("%*s\"type\": \"object\",\n%*s\"properties\": {\n", indent, "", indent, "");
	for (const struct member *member = members; member->name; member++) {
		put_member(member, indent + 2);
		printf("%s\n", member[1].name ? "," : "");
	}
	printf("%*s},\n%*s\"required\": [", indent, "", indent, "");
	for (const struct member *member = members; member->name; member++) {
		if (member->rule == MEMBER_AT_TIMES)
			continue;
		printf("%s\"%s\"", comma, member->name);
		comma = ", ";
	}
	printf("],\n%*s\"additionalProperties\": false\n", indent, "");
}

static void put_fault(void)
{
	printf("    \"fault\": {\n"
	       "      \"type\": \"object\",\n"
	       "      \"properties\": {\n"
	       "        \"code\": {\"type\": \"string\"},\n"
	       "        \"message\": {\"type\": \"string\"},\n"
	       "        \"path\": {\"type\": [\"string\", \"null\"]},\n"
	       "        \"line\": {\"type\": \"integer\", \"minimum\": 0},\n"
	       "        \"column\": {\"type\": \"integer\", \"minimum\": 0},\n"
	       "        \"error\": {\"type\": \"boolean\"}\n"
	       "      },\n"
	       "      \"required\": [\"code\", \"message\", \"path\", \"line\", \"column\"],\n"
	       "      \"additionalProperties\": false\n"
	       "    }\n");
}

/* The output of one command; its rows or item have the schema that is named. */
static void put_section(void)
{
	printf("    \"section\": {\n"
	       "      \"type\": \"object\",\n"
	       "      \"properties\": {\n"
	       "        \"command\": {\"type\": \"string\"},\n"
	       "        \"schema\": {\"type\": \"string\"},\n"
	       "        \"rows\": {\"type\": \"array\", \"items\": {\"type\": \"object\"}},\n"
	       "        \"item\": {\"type\": \"object\"},\n"
	       "        \"text\": {\"type\": \"string\"},\n"
	       "        \"count\": {\"type\": \"integer\", \"minimum\": 0}\n"
	       "      },\n"
	       "      \"required\": [\"command\", \"schema\"],\n"
	       "      \"additionalProperties\": false\n"
	       "    },\n");
}

static void put_body(const struct schema *schema)
{
	switch (schema->kind) {
	case SCHEMA_ROWS:
		printf("    \"rows\": {\"type\": \"array\", \"items\": {\"$ref\": "
		       "\"#/$defs/row\"}},\n"
		       "    \"count\": {\"type\": \"integer\", \"minimum\": 0},\n"
		       "    \"complete\": {\"type\": \"boolean\"},\n"
		       "    \"error\": {\"$ref\": \"#/$defs/fault\"},\n");
		break;
	case SCHEMA_ITEM:
		printf("    \"item\": {\"$ref\": \"#/$defs/item\"},\n");
		break;
	case SCHEMA_TEXT:
		printf("    \"text\": {\"type\": \"string\"},\n");
		break;
	case SCHEMA_SECTIONS:
		printf("    \"sections\": {\"type\": \"array\", \"items\": {\"$ref\": "
		       "\"#/$defs/section\"}},\n"
		       "    \"count\": {\"type\": \"integer\", \"minimum\": 0},\n"
		       "    \"complete\": {\"type\": \"boolean\"},\n"
		       "    \"error\": {\"$ref\": \"#/$defs/fault\"},\n");
		break;
	}
}

static void put_schema(const char *name, const char *help, const struct schema *schema)
{
	static const char *const bodies[] = {
		[SCHEMA_ROWS] = "\"rows\", \"count\", \"complete\"",
		[SCHEMA_ITEM] = "\"item\"",
		[SCHEMA_TEXT] = "\"text\"",
		[SCHEMA_SECTIONS] = "\"sections\", \"count\", \"complete\"",
	};

	printf("{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
	       "  \"title\": \"%s\",\n  \"description\": ",
	       name);
	put_string(help);
	printf(",\n  \"type\": \"object\",\n  \"properties\": {\n"
	       "    \"schema\": {\"const\": \"%s\"},\n"
	       "    \"generation\": {\"type\": \"integer\", \"minimum\": 0},\n"
	       "    \"time\": {\"type\": \"string\", \"format\": \"date-time\"},\n",
	       name);
	put_body(schema);
	printf("    \"warnings\": {\"type\": \"array\", \"items\": {\"$ref\": "
	       "\"#/$defs/fault\"}}\n"
	       "  },\n  \"required\": [\"schema\", \"generation\", \"time\", %s],\n"
	       "  \"additionalProperties\": false,\n  \"$defs\": {\n",
	       bodies[schema->kind]);
	if (schema->kind == SCHEMA_ROWS) {
		put_columns(schema);
		printf(",\n");
	} else if (schema->kind == SCHEMA_ITEM) {
		printf("    \"item\": {\n");
		put_members(schema->members, 6);
		printf("    },\n");
	} else if (schema->kind == SCHEMA_SECTIONS) {
		put_section();
	}
	put_fault();
	printf("  }\n}\n");
}

/* "calls/1" is known as "calls". */
static bool has_name(const char *schema, const char *name)
{
	size_t len = strcspn(schema, "/");

	return strlen(name) == len && memcmp(schema, name, len) == 0;
}

void docgen_schema_names(void)
{
	for (int id = 0; id < ROW_COUNT; id++) {
		const char *schema = command_schema((enum command_id)id);

		if (schema)
			printf("%.*s\n", (int)strcspn(schema, "/"), schema);
	}
}

bool docgen_schema(const char *name)
{
	for (int id = 0; id < ROW_COUNT; id++) {
		const char *schema = command_schema((enum command_id)id);

		if (!schema || !has_name(schema, name) || !schema_of((enum command_id)id))
			continue;
		put_schema(schema, helps[id], schema_of((enum command_id)id));
		return true;
	}
	return false;
}
