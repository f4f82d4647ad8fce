/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a table is made to fit the screen: optional columns go, then the widest texts are cut. The
 * first column names the row, so it is cut only as long as no two rows look the same for it. */
#include <stdlib.h>

#include "vosctl/render/output.h"
#include "vosctl/render/table.h"

#define CUT_LEAST 6 /* a column is not cut below this or its header */

int table_gap(const struct table *table)
{
	return table->has_header ? 2 : 1;
}

static int total_width(const struct table *table)
{
	int total = -table_gap(table);

	for (int i = 0; i < table->count; i++)
		if (!table->columns[i].is_hidden)
			total += table->columns[i].width + table_gap(table);
	return total;
}

/* The narrowest that a column is cut to. */
static int least_width(const struct table *table, int at, int name_width)
{
	int least = render_width(span_of(table->columns[at].header));

	if (least < CUT_LEAST)
		least = CUT_LEAST;
	return at == 0 && least < name_width ? name_width : least;
}

static struct table_column *widest_column(struct table *table, int name_width)
{
	struct table_column *widest = NULL;

	for (int i = 0; i < table->count; i++) {
		struct table_column *column = &table->columns[i];

		if (column->is_hidden || !column->may_cut ||
		    column->width <= least_width(table, i, name_width))
			continue;
		if (!widest || column->width > widest->width)
			widest = column;
	}
	return widest;
}

size_t table_cut(const struct table_column *column, struct span text)
{
	return render_width(text) > column->width ? render_prefix(text, column->width - 1)
						  : text.len;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Columns that it takes to tell the texts apart, with the ellipsis. Sorted, those that begin alike
 * stand beside each other. */
static int telling_width(char **texts, size_t count)
{
	int width = 0;

	for (size_t i = 1; i < count; i++) {
		const char *a = texts[i - 1];
		const char *b = texts[i];
		size_t same = 0;
		int own;

		if (strcmp(a, b) == 0)
			continue;
		while (a[same] == b[same])
			same++;
		/* To the end of the character that differs. */
		while (b[same + 1] && ((unsigned char)b[same + 1] & 0xc0) == 0x80)
			same++;
		own = render_width((struct span){b, same + 1}) + 1;
		width = own > width ? own : width;
	}
	return width;
}

/* The width in which the first cells of the rows that are held can be told apart. */
static int name_width(const struct table *table)
{
	size_t count = json_array_size(table->held);
	char **texts = calloc(count + 1, sizeof(*texts));
	size_t known = 0;
	int width = 0;

	for (size_t i = 0; texts && i < count; i++) {
		struct buf text = buf_new();

		cell_print(json_array_get(json_array_get(table->held, i), 0), false, table->redact,
			   &text);
		texts[known] = text.failed ? NULL : span_dup(buf_span(&text));
		known += texts[known] != NULL;
		buf_free(&text);
	}
	if (known) {
		qsort(texts, known, sizeof(*texts), by_text);
		width = telling_width(texts, known);
	}
	for (size_t i = 0; i < known; i++)
		free(texts[i]);
	free(texts);
	return width;
}

bool table_fit(struct table *table)
{
	int least;

	if (!table->width || !table->has_header)
		return true;
	for (int i = table->count; i-- > 0 && total_width(table) > table->width;)
		if (table->columns[i].is_optional)
			table->columns[i].is_hidden = true;
	if (total_width(table) <= table->width)
		return true;
	least = name_width(table);
	while (total_width(table) > table->width) {
		struct table_column *widest = widest_column(table, least);

		if (!widest)
			return false;
		widest->width--;
	}
	return true;
}
