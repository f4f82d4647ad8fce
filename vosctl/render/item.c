/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thing as labelled lines. Labels and units come from the member names, which carry their unit:
 * "uptime_s" is printed as "uptime  123 s". */
#include "vosctl/render/item.h"

#include <limits.h>
#include <string.h>

#include "vosctl/render/output.h"

struct unit {
	const char *suffix;
	const char *text;
};

static const struct unit units[] = {
	{"_s", "s"},
	{"_ms", "ms"},
	{"_bytes", "bytes"},
};

static bool ends_with(struct span name, const char *suffix)
{
	size_t len = strlen(suffix);

	return name.len > len && memcmp(name.ptr + name.len - len, suffix, len) == 0;
}

struct span item_label(const char *name, const char **unit)
{
	struct span label = span_of(name);

	*unit = "";
	if (span_starts_with(label, SPAN_LIT("is_"))) {
		label.ptr += 3;
		label.len -= 3;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!ends_with(label, units[i].suffix))
			continue;
		label.len -= strlen(units[i].suffix);
		*unit = units[i].text;
		break;
	}
	return label;
}

static size_t label_width(json_t *item)
{
	const char *name;
	const char *unit;
	json_t *value;
	size_t width = 0;

	json_object_foreach (item, name, value) {
		struct span label = item_label(name, &unit);

		if (!json_is_array(value) && label.len > width)
			width = label.len;
	}
	return width;
}

static void add_label(struct span label, size_t width, struct buf *line)
{
	for (size_t i = 0; i < label.len; i++)
		buf_add_char(line, label.ptr[i] == '_' ? ' ' : label.ptr[i]);
	for (size_t i = label.len; i < width; i++)
		buf_add_char(line, ' ');
}

/* One line for the filters, folded for a narrow screen. */
static void put_line(struct table *table, struct buf *line, int indent)
{
	struct buf folded = buf_new();

	fold_line(buf_span(line), table->width ? table->width : INT_MAX, indent, &folded);
	table->line(table->context, buf_span(&folded), false);
	buf_free(&folded);
}

static void print_members(struct table *table, json_t *item, int indent);

static void print_list(struct table *table, struct span label, json_t *list, int indent)
{
	struct buf line = buf_new();
	json_t *entry;
	size_t i;

	buf_printf(&line, "%*s", indent, "");
	add_label(label, label.len, &line);
	if (!json_array_size(list))
		buf_add_lit(&line, "  -");
	put_line(table, &line, indent);
	if (item_table(table, list, indent + 2)) {
		buf_free(&line);
		return;
	}
	json_array_foreach (list, i, entry) {
		if (json_is_object(entry)) {
			if (i)
				table->line(table->context, SPAN_LIT(""), false);
			print_members(table, entry, indent + 2);
			continue;
		}
		buf_reset(&line);
		buf_printf(&line, "%*s", indent + 2, "");
		cell_print(entry, false, table->redact, &line);
		put_line(table, &line, indent + 2);
	}
	buf_free(&line);
}

static void print_members(struct table *table, json_t *item, int indent)
{
	size_t width = label_width(item);
	const char *name;
	json_t *value;

	json_object_foreach (item, name, value) {
		const char *unit;
		struct span label = item_label(name, &unit);
		struct buf line = buf_new();

		if (json_is_array(value)) {
			print_list(table, label, value, indent);
			continue;
		}
		buf_printf(&line, "%*s", indent, "");
		add_label(label, width, &line);
		buf_add_lit(&line, "  ");
		cell_print(value, false, table->redact, &line);
		if (*unit && json_is_integer(value))
			buf_printf(&line, " %s", unit);
		put_line(table, &line, indent);
		buf_free(&line);
	}
}

void item_lines(struct table *table, json_t *item)
{
	print_members(table, item, 0);
}
