/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys ? and TAB: what the grammar knows, with what only switchd knows when it answers in time.
 */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/grammar/token.h"
#include "vosctl/render/output.h"
#include "vosctl/shell/shell_private.h"

#define HELP_WAIT_MS     500
#define COMPLETE_WAIT_MS 100
#define LIST_MAX         60
#define WORD_WIDTH_MAX   36
#define TYPE_WIDTH_MAX   28
#define VALUES_WIDTH_MAX 24
#define HELP_WIDTH_MIN   20
#define HELP_INDENT      6

/* --- ? --- */

struct rows {
	struct candidate *items;
	size_t count;
	size_t cap;
};

static void add_row(void *context, const struct candidate *candidate)
{
	struct rows *rows = context;

	if (rows->count == rows->cap) {
		size_t cap = rows->cap ? rows->cap * 2 : 64;
		struct candidate *more = realloc(rows->items, cap * sizeof(*more));

		if (!more)
			return;
		rows->items = more;
		rows->cap = cap;
	}
	rows->items[rows->count++] = *candidate;
}

/* A value of which only the type is known has it in the column of the words. */
static const char *row_word(const struct candidate *row)
{
	return row->word[0] ? row->word : row->type;
}

static const char *row_type(const struct candidate *row)
{
	return row->word[0] ? row->type : "";
}

static int widest(const struct rows *rows, const char *(*text)(const struct candidate *), int max)
{
	int width = 0;

	for (size_t i = 0; i < rows->count; i++) {
		int own = render_width(span_of(text(&rows->items[i])));

		if (own > width && own <= max)
			width = own;
	}
	return width;
}

static const char *row_help(const struct candidate *row)
{
	return row->help;
}

/* Default, and the value in force where it is another. */
static void add_values(struct buf *out, const struct candidate *row)
{
	buf_add_str(out, row->standard);
	if (row->current[0] && strcmp(row->current, row->standard) != 0)
		buf_printf(out, "%snow %s", row->standard[0] ? ", " : "", row->current);
}

static void pad(struct buf *out, struct span text, int width)
{
	buf_add_span(out, text);
	for (int i = render_width(text); i < width; i++)
		buf_add_char(out, ' ');
}

/* As much of the text as fits, cut at a blank; the whole when there is none. */
static struct span cut_line(struct span text, int width)
{
	size_t last = 0;

	if (render_width(text) <= width)
		return text;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != ' ')
			continue;
		if (render_width((struct span){text.ptr, i}) > width)
			break;
		last = i;
	}
	return (struct span){text.ptr, last ? last : text.len};
}

struct columns {
	int word;
	int type;
	int help;
	int screen;      /* 0: unknown */
	bool is_stacked; /* no room beside the value: the help is below */
};

static struct columns lay_out(const struct rows *rows, int width)
{
	struct columns columns = {
		.word = widest(rows, row_word, WORD_WIDTH_MAX),
		.type = widest(rows, row_type, TYPE_WIDTH_MAX),
		.help = widest(rows, row_help, INT_MAX),
		.screen = width,
	};
	int values = 0;
	int room;

	for (size_t i = 0; i < rows->count; i++) {
		struct buf text = buf_new();
		int own;

		add_values(&text, &rows->items[i]);
		own = render_width(buf_span(&text));
		values = own > values ? own : values;
		buf_free(&text);
	}
	values = values > VALUES_WIDTH_MAX ? VALUES_WIDTH_MAX : values;
	room = width - 2 - columns.word - (columns.type ? columns.type + 2 : 0) - 2 -
	       (values ? values + 2 : 0);
	if (width <= 0 || columns.help <= room)
		return columns;
	columns.is_stacked = room < HELP_WIDTH_MIN && values;
	if (columns.is_stacked)
		room = width - HELP_INDENT;
	columns.help = room > HELP_WIDTH_MIN ? room : HELP_WIDTH_MIN;
	return columns;
}

/* The words of an enumeration may be more than a row has room for; then it goes on behind a "|".
 * Returns whether one row was enough. */
static bool add_words(struct buf *out, struct span text, int at, int width)
{
	bool is_one = true;

	while (width > 0 && at + render_width(text) > width) {
		size_t cut = 0;

		for (size_t i = 0; i < text.len; i++)
			if (text.ptr[i] == '|' &&
			    at + render_width((struct span){text.ptr, i + 1}) <= width)
				cut = i + 1;
		if (!cut)
			break;
		buf_printf(out, "%.*s\n%*s", (int)cut, text.ptr, at, "");
		text = (struct span){text.ptr + cut, text.len - cut};
		is_one = false;
	}
	buf_add_span(out, text);
	return is_one;
}

/* Word and type in their columns. False when they need more, so that a row of its own has the rest.
 */
static bool add_head(struct buf *out, const struct candidate *row, const struct columns *columns)
{
	struct span word = span_of(row_word(row));
	struct span type = span_of(row_type(row));
	int word_width = render_width(word);
	int type_width = render_width(type);
	bool is_one;

	buf_add_lit(out, "  ");
	is_one = add_words(out, word, 2, columns->screen);
	if (columns->type || type.len) {
		int at = word_width > columns->word ? word_width : columns->word;

		buf_printf(out, "%*s", at - word_width + 2, "");
		is_one = add_words(out, type, at + 4, columns->screen) && is_one;
	}
	if (!is_one || word_width > columns->word || type_width > columns->type)
		return false;
	buf_printf(out, "%*s",
		   2 + (columns->type ? columns->type - type_width : columns->word - word_width),
		   "");
	return true;
}

static void trim_end(struct buf *out)
{
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
}

/* Word, type, help and default; what is too long of the help goes into rows of its own. */
static void add_text(struct buf *out, const struct candidate *row, const struct columns *columns)
{
	int help_at = 4 + columns->word + (columns->type ? columns->type + 2 : 0);
	int indent = columns->is_stacked ? HELP_INDENT : help_at;
	struct span help = span_of(row->help);
	struct span part = {help.ptr, 0};
	bool has_room = add_head(out, row, columns);
	struct buf values = buf_new();

	add_values(&values, row);
	if (!has_room || (columns->is_stacked && values.len &&
			  help_at + render_width(buf_span(&values)) > columns->screen)) {
		trim_end(out);
		buf_printf(out, "\n%*s", indent, "");
	}
	if (!columns->is_stacked) {
		part = cut_line(help, columns->help);
		pad(out, part, columns->help);
		buf_add_lit(out, "  ");
	}
	buf_add_span(out, buf_span(&values));
	buf_free(&values);
	trim_end(out);
	if (out->len && out->data[out->len - 1] != '\n')
		buf_add_char(out, '\n');
	while (part.len < help.len) {
		help = span_trim((struct span){help.ptr + part.len, help.len - part.len});
		part = cut_line(help, columns->help);
		buf_printf(out, "%*s%.*s\n", indent, "", SPAN_ARG(part));
	}
}

static void print_rows(struct shell *shell, const struct rows *rows)
{
	struct columns columns = lay_out(rows, screen_columns(&shell->screen));

	screen_begin(&shell->screen, false);
	for (size_t i = 0; i < rows->count; i++) {
		struct buf text = buf_new();

		add_text(&text, &rows->items[i], &columns);
		if (!text.failed)
			screen_write(&shell->screen, text.data, text.len);
		buf_free(&text);
	}
}

void assist_help(void *context, struct span before)
{
	struct shell *shell = context;
	char mode[MODE_KEY_MAX + 48];
	char *line = span_dup(before);
	struct rows rows = {0};
	int more = 0;
	enum vos_err err = VOS_ECLOSED;

	if (!line)
		return;
	if (!shell->is_lost)
		err = client_help(shell->client, mode_print(&shell->mode, mode), line, HELP_WAIT_MS,
				  add_row, &rows, &more);
	if (err != VOS_OK) {
		rows.count = 0;
		grammar_help(shell->grammar, &shell->mode, client_info(shell->client)->role, before,
			     add_row, &rows);
	}
	if (rows.count == 0) {
		struct vos_fault fault = {0};

		/* An earlier word is wrong: say which. */
		if (grammar_match(shell->grammar, &shell->mode, before, &shell->match, &fault) ==
			    VOS_EINVAL &&
		    fault.code != FAULT_SYNTAX_INCOMPLETE)
			printf("%% %s\n", fault.text);
		else
			fputs("% nothing is known to follow here\n", stdout);
	}
	print_rows(shell, &rows);
	if (more > 0)
		printf("  ... %d more\n", more);
	free(rows.items);
	free(line);
}

/* --- TAB --- */

struct finder {
	struct shell *shell;
	struct span word;
	enum value_source source;
};

static void add_word(void *context, const struct candidate *candidate)
{
	struct finder *finder = context;
	struct words *words = &finder->shell->words;

	if (!candidate->word[0] || strcmp(candidate->word, "<cr>") == 0 ||
	    !span_istarts_with(span_of(candidate->word), finder->word))
		return;
	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->items[i], candidate->word) == 0)
			return;
	}
	if (words->count == words->cap) {
		size_t cap = words->cap ? words->cap * 2 : 64;
		void *more = realloc(words->items, cap * sizeof(words->items[0]));

		if (!more)
			return;
		words->items = more;
		words->cap = cap;
	}
	memcpy(words->items[words->count++], candidate->word, sizeof(words->items[0]));
}

static void find_words(struct shell *shell, struct span before, struct finder *finder)
{
	char mode[MODE_KEY_MAX + 48];
	struct completion completion;
	char *line;
	int more = 0;

	shell->words.count = 0;
	shell->words.left_out = 0;
	/* The word is known only afterwards, so a first walk finds it and a second one its
	 * candidates. */
	finder->word = SPAN_NONE;
	grammar_complete(shell->grammar, &shell->mode, client_info(shell->client)->role, before,
			 &completion, add_word, finder);
	finder->word = completion.word;
	finder->source = completion.source;
	if (completion.source == SOURCE_FILES || shell->is_lost ||
	    (completion.source == SOURCE_NONE && shell->is_same_language))
		return;
	line = span_dup(before);
	if (!line)
		return;
	if (client_complete(shell->client, mode_print(&shell->mode, mode), line, COMPLETE_WAIT_MS,
			    add_word, finder, &more) == VOS_OK &&
	    more > 0)
		shell->words.left_out = (size_t)more;
	free(line);
}

/* Length of what all words have in common, case aside. */
static size_t common_length(const struct words *words)
{
	size_t len = strlen(words->items[0]);

	for (size_t i = 1; i < words->count; i++) {
		size_t same = 0;

		while (same < len && tolower((unsigned char)words->items[i][same]) ==
					     tolower((unsigned char)words->items[0][same]))
			same++;
		len = same;
	}
	while (len && ((unsigned char)words->items[0][len] & 0xc0) == 0x80)
		len--;
	return len;
}

void assist_complete(void *context, struct span before, struct edit_completion *out)
{
	struct shell *shell = context;
	struct words *words = &shell->words;
	struct finder finder = {.shell = shell};
	struct buf insert = buf_over(out->insert, sizeof(out->insert) - 1);

	files_clear(&shell->files);
	find_words(shell, before, &finder);
	if (finder.source == SOURCE_FILES) {
		files_complete(finder.word, COMPLETE_WAIT_MS, &shell->files, out);
		return;
	}
	if (words->count == 0 || (finder.word.len && finder.word.ptr[0] == '"'))
		return;
	out->replace = finder.word.len;
	if (words->count == 1 && words->left_out == 0) {
		if (strcmp(words->items[0], "|") == 0)
			buf_add_char(&insert, '|');
		else
			token_quote(span_of(words->items[0]), &insert);
		buf_add_char(&insert, ' ');
	} else {
		size_t len = common_length(words);

		if (len > finder.word.len && words->left_out == 0)
			buf_add(&insert, words->items[0], len);
		else
			out->is_listing = true;
	}
	if (insert.failed)
		insert.len = 0;
	out->insert[insert.len] = 0;
}

/* Names beside each other, as many as the screen has room for. */
static void print_names(const char *(*name)(const struct shell *, size_t),
			const struct shell *shell, size_t count)
{
	int columns = screen_columns(&shell->screen);
	int width = 0;
	int per_row;

	for (size_t i = 0; i < count; i++) {
		int own = render_width(span_of(name(shell, i))) + 2;

		width = own > width ? own : width;
	}
	per_row = columns > width && width ? (columns - 2) / width : 1;
	for (size_t i = 0; i < count; i++) {
		bool is_last = (int)(i % (size_t)per_row) == per_row - 1 || i + 1 == count;

		printf("%s%s", i % (size_t)per_row == 0 ? "  " : "", name(shell, i));
		if (is_last)
			putchar('\n');
		else
			printf("%*s", width - render_width(span_of(name(shell, i))), "");
	}
}

static const char *word_at(const struct shell *shell, size_t i)
{
	return shell->words.items[i];
}

static const char *file_at(const struct shell *shell, size_t i)
{
	return shell->files.items[i];
}

void assist_list(void *context)
{
	const struct shell *shell = context;
	bool has_files = shell->files.count > 0;
	size_t count = has_files ? shell->files.count : shell->words.count;
	size_t shown = count < LIST_MAX ? count : LIST_MAX;
	size_t more = count - shown + (has_files ? 0 : shell->words.left_out);

	print_names(has_files ? file_at : word_at, shell, shown);
	if (more)
		printf("  ... %zu more; type a prefix\n", more);
}
