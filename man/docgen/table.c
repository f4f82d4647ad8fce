/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exec commands as a table that a shell script can walk: for the words of a command line, what
 * may come next. A row is left out where its command's own row says the same, so that options which
 * come in any order need one row each and not one an order. */
#include <stdio.h>
#include <stdlib.h>

#include "man/docgen/docgen.h"

struct row_head {
	const char *pattern;
};

static const struct row_head patterns[] = {
#define COMMAND(id, pattern_, role, where, schema, help) {pattern_},
#include "shared/grammar/commands.def"
#undef COMMAND
};

static bool begins_with_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	return strncmp(text, word, len) == 0 && (text[len] == ' ' || text[len] == 0);
}

/* The line is the keywords of commands and nothing else, so that no other row speaks for it. */
static bool is_head(const char *line)
{
	for (size_t id = 0; id < sizeof(patterns) / sizeof(patterns[0]); id++) {
		const char *pattern = patterns[id].pattern;

		if (begins_with_word(pattern, line) && strcspn(pattern, "[{<") >= strlen(line))
			return true;
	}
	return false;
}

/* Of no use as the one command of a call: the terminal's own, and those that only change modes. */
static bool is_interactive(const char *word)
{
	for (size_t id = 0; id < sizeof(patterns) / sizeof(patterns[0]); id++)
		if (begins_with_word(patterns[id].pattern, word))
			return command_is_local((enum command_id)id) || id == COMMAND_CONFIGURE ||
			       id == COMMAND_EXIT;
	return false;
}

/* Behind `set` the tabs alone reach every parameter. */
static bool is_detour(const char *word)
{
	static const char *const detours[] = {"no", "default", "do", "softswitch-management"};

	for (size_t i = 0; i < sizeof(detours) / sizeof(detours[0]); i++)
		if (strcmp(word, detours[i]) == 0)
			return true;
	return false;
}

static void drop(struct offers *offers, const char *line)
{
	int kept = 0;

	for (int i = 0; i < offers->count; i++) {
		const char *word = offers->items[i].word;

		if (param_find_name(span_of(word)) >= 0 || (!line[0] && is_interactive(word)) ||
		    (strcmp(line, "set") == 0 && is_detour(word)))
			continue;
		if (kept != i)
			offers->items[kept] = offers->items[i];
		kept++;
	}
	offers->count = kept;
}

static bool is_nothing(const struct offers *offers)
{
	return offers->count == 0 && !offers->has_value;
}

static void after(const struct grammar *grammar, const char *line, const char *word,
		  struct offers *out)
{
	char text[256];

	snprintf(text, sizeof(text), "%s%s%s", line, line[0] ? " " : "", word);
	offers_after(grammar, text, out);
	drop(out, text);
}

/* Some value that the place takes, so that what follows it can be asked for. */
static const char *sample(const struct grammar *grammar, const char *line)
{
	static const char *const samples[] = {"1", "a", "192.0.2.1"};
	struct offers offers;

	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		after(grammar, line, samples[i], &offers);
		if (!is_nothing(&offers))
			return samples[i];
	}
	return samples[0];
}

static void set_source(struct table_row *row)
{
	static const char *const sources[] = {
		[SOURCE_PHONES] = "phones",
		[SOURCE_MAPPING_GATEWAYS] = "mapping-gateways",
		[SOURCE_ROUTING_GATEWAYS] = "routing-gateways",
		[SOURCE_GATEWAYS] = "gateways",
		[SOURCE_BACKUPS] = "backups",
		[SOURCE_CALLS] = "calls",
		[SOURCE_ALARMS] = "alarms",
		[SOURCE_GENERATIONS] = "generations",
		[SOURCE_REGISTRATIONS] = "phones",
		[SOURCE_PARAMETERS] = "names",
		[SOURCE_FILES] = "files",
		[SOURCE_OUTBOUND] = "keys:registration",
	};
	const struct completion *completion = &row->offers.completion;
	const char *source = "";

	if (strcmp(row->line, "set") == 0)
		source = "names";
	else if ((size_t)completion->source < sizeof(sources) / sizeof(sources[0]) &&
		 sources[completion->source])
		source = sources[completion->source];
	if (completion->source == SOURCE_OBJECT_KEYS && completion->object != OBJECT_COUNT)
		snprintf(row->source, sizeof(row->source), "@keys:%s",
			 object_type(completion->object)->keyword);
	else if (source[0] || row->offers.has_value)
		snprintf(row->source, sizeof(row->source), "@%s", source);
}

/* Whether the line ends with whatever word comes next. */
static bool ends_next(const struct grammar *grammar, const char *line, const struct offers *offers)
{
	struct offers next;

	for (int i = 0; i < offers->count; i++) {
		after(grammar, line, offers->items[i].word, &next);
		if (!is_nothing(&next))
			return false;
	}
	if (!offers->has_value)
		return true;
	after(grammar, line, sample(grammar, line), &next);
	return is_nothing(&next);
}

static bool says_the_same(const struct offers *offers, const struct table_row *base)
{
	if (!base || is_nothing(offers) || (offers->has_value && !base->offers.has_value))
		return false;
	for (int i = 0; i < offers->count; i++)
		if (!offers_have(&base->offers, offers->items[i].word))
			return false;
	return true;
}

static struct table_row *add_row(struct table *table, const char *line, const struct offers *offers)
{
	struct table_row *row = table->count < TABLE_ROWS_MAX ? calloc(1, sizeof(*row)) : NULL;

	if (!row) {
		table->failed = true;
		return NULL;
	}
	snprintf(row->line, sizeof(row->line), "%s", line);
	row->offers = *offers;
	set_source(row);
	table->rows[table->count++] = row;
	return row;
}

/* The words of a value speak for themselves; keywords have a help text. */
static bool are_values(const struct offers *offers)
{
	for (int i = 0; i < offers->count; i++)
		if (offers->items[i].help[0])
			return false;
	return !offers->has_value;
}

static void visit(const struct grammar *grammar, const char *typed, const char *shown,
		  const struct table_row *base, struct table *table);

/* Behind the word, which the table knows as `as`. */
static void visit_word(const struct grammar *grammar, const struct table_row *row,
		       const char *typed, const char *word, const char *as,
		       const struct table_row *base, struct table *table)
{
	char next_typed[160];
	char next_shown[160];

	snprintf(next_typed, sizeof(next_typed), "%s%s%s", typed, typed[0] ? " " : "", word);
	snprintf(next_shown, sizeof(next_shown), "%s%s%s", row->line, typed[0] ? " " : "", as);
	visit(grammar, next_typed, next_shown, base, table);
}

/* typed: the line with sample values; shown: with "*" in their place. */
static void visit(const struct grammar *grammar, const char *typed, const char *shown,
		  const struct table_row *base, struct table *table)
{
	struct offers offers;
	struct table_row *row;

	offers_after(grammar, typed, &offers);
	drop(&offers, typed);
	if (!is_head(typed) && says_the_same(&offers, base))
		return;
	row = add_row(table, shown, &offers);
	if (!row || is_nothing(&offers))
		return;
	row->is_last = ends_next(grammar, typed, &offers);
	row->is_values = are_values(&offers);
	if (row->is_last)
		return;
	if (row->is_values) {
		visit_word(grammar, row, typed, offers.items[0].word, "*", base, table);
		return;
	}
	if (offers.count)
		base = row;
	for (int i = 0; i < offers.count; i++)
		visit_word(grammar, row, typed, offers.items[i].word, offers.items[i].word, base,
			   table);
	if (offers.has_value)
		visit_word(grammar, row, typed, sample(grammar, typed), "*", base, table);
}

void table_build(const struct grammar *grammar, struct table *out)
{
	*out = (struct table){.count = 0};
	visit(grammar, "", "", NULL, out);
	for (int id = 0; id < PARAM_COUNT; id++) {
		char line[128];

		snprintf(line, sizeof(line), "set %s", param_get((enum param_id)id)->name);
		visit(grammar, line, line, NULL, out);
	}
}

void table_free(struct table *table)
{
	for (int i = 0; i < table->count; i++)
		free(table->rows[i]);
}

bool table_rows_equal(const struct table_row *a, const struct table_row *b)
{
	if (a->offers.count != b->offers.count || a->is_last != b->is_last ||
	    a->is_values != b->is_values || strcmp(a->source, b->source) != 0)
		return false;
	for (int i = 0; i < a->offers.count; i++)
		if (strcmp(a->offers.items[i].word, b->offers.items[i].word) != 0 ||
		    strcmp(a->offers.items[i].help, b->offers.items[i].help) != 0)
			return false;
	return true;
}
