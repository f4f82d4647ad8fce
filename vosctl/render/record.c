/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows for a screen that is too narrow for their table: each as lines of "name: value". And long
 * lines folded where the screen ends, so that the terminal does not do it. */
#include "vosctl/render/output.h"
#include "vosctl/render/table.h"

#define FOLD_INDENT 2
#define FOLD_LEAST  8 /* columns; below that nothing is folded */

/* As much of the text as has room, ending at a blank when the word behind it fits a row of its own.
 */
static size_t take_part(struct span text, int room, int next_room)
{
	size_t len = render_prefix(text, room);
	size_t blank = len;
	struct span word;

	/* A character wider than the screen is printed all the same. */
	if (len == text.len || len == 0)
		return text.len;
	while (blank && text.ptr[blank] != ' ')
		blank--;
	word = (struct span){text.ptr + blank + 1, text.len - blank - 1};
	word.len = span_find(word, ' ');
	return blank && render_width(word) <= next_room ? blank : len;
}

void fold_line(struct span text, int width, int indent, struct buf *out)
{
	int room = width;

	indent += FOLD_INDENT;
	while (width - indent >= FOLD_LEAST && render_width(text) > room) {
		size_t len = take_part(text, room, width - indent);

		buf_add(out, text.ptr, len);
		text = span_trim((struct span){text.ptr + len, text.len - len});
		if (!text.len)
			return;
		buf_printf(out, "\n%*s", indent, "");
		room = width - indent;
	}
	buf_add_span(out, text);
}

void record_row(const struct table *table, json_t *row)
{
	struct buf record = buf_new();
	struct buf line = buf_new();

	for (int i = 0; i < table->count; i++) {
		const struct table_column *column = &table->columns[i];

		if (column->is_hidden)
			continue;
		buf_reset(&line);
		buf_printf(&line, "%s: ", column->name);
		cell_print(json_array_get(row, (size_t)i), false, table->redact, &line);
		fold_line(buf_span(&line), table->width, 0, &record);
		buf_add_char(&record, '\n');
	}
	/* One line for the filters, which count and choose rows; its last line break leaves the
	 * blank one between two records. */
	table->line(table->context, buf_span(&record), false);
	buf_free(&record);
	buf_free(&line);
}
