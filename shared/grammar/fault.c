/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults about words: unknown, ambiguous, missing. */
#include <ctype.h>

#include "shared/grammar/walk.h"

#define SHOWN_WORD_MAX  64
#define SHOWN_LIST_MAX  20
#define SHOWN_NEXT_MAX  8 /* of what may follow; ? shows them all */
#define SUGGEST_LEN_MAX 64

/* A word as it is shown in a fault: cut at a character's border, without what would disturb a
 * screen. */
static struct span shown_word(const struct token *token, const char **more)
{
	struct span word = token->raw;

	*more = "";
	if (word.len > SHOWN_WORD_MAX) {
		word.len = SHOWN_WORD_MAX;
		while (word.len && ((unsigned char)word.ptr[word.len] & 0xc0) == 0x80)
			word.len--;
		*more = "...";
	}
	return word;
}

static int smaller(int a, int b)
{
	return a < b ? a : b;
}

/* Optimal string alignment distance, case ignored: insert, delete, replace, swap neighbours. */
static int edit_distance(struct span a, struct span b)
{
	int rows[3][SUGGEST_LEN_MAX + 1];
	int *before = rows[0];
	int *last = rows[1];
	int *now = rows[2];

	for (size_t j = 0; j <= b.len; j++)
		last[j] = (int)j;
	for (size_t i = 1; i <= a.len; i++) {
		int *free_row = before;

		now[0] = (int)i;
		for (size_t j = 1; j <= b.len; j++) {
			int ca = tolower((unsigned char)a.ptr[i - 1]);
			int cb = tolower((unsigned char)b.ptr[j - 1]);

			now[j] =
				smaller(smaller(last[j], now[j - 1]) + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b.ptr[j - 2]) &&
			    cb == tolower((unsigned char)a.ptr[i - 2]))
				now[j] = smaller(now[j], before[j - 2] + 1);
		}
		before = last;
		last = now;
		now = free_row;
	}
	return last[b.len];
}

struct suggestion {
	struct span word;
	const char *best;
	int distance;
};

static void suggest(struct suggestion *suggestion, const char *word)
{
	struct span candidate = span_of(word);
	size_t len = suggestion->word.len;
	/* Two slips in a word of three letters make any other word. */
	int allowed = len <= 2 ? 0 : len <= 4 ? 1 : 2;
	size_t gap = candidate.len > len ? candidate.len - len : len - candidate.len;
	int distance;

	if (len > SUGGEST_LEN_MAX || candidate.len > SUGGEST_LEN_MAX || gap > (size_t)allowed)
		return;
	distance = edit_distance(suggestion->word, candidate);
	if (distance <= allowed && (!suggestion->best || distance < suggestion->distance)) {
		suggestion->best = word;
		suggestion->distance = distance;
	}
}

static const char *suggest_word(const struct choices *choices, struct span word)
{
	struct suggestion suggestion = {.word = word};

	for (int i = 0; i < choices->count; i++) {
		if (choices->items[i].word)
			suggest(&suggestion, choices->items[i].word);
	}
	if (choices->has_names && span_find(word, '_') < word.len) {
		suggestion.word.len = span_find(word, '=');
		for (int id = 0; id < PARAM_COUNT; id++)
			suggest(&suggestion, param_get((enum param_id)id)->name);
	}
	return suggestion.best;
}

/* A parameter that stands in another tab: says where. */
static const char *tab_of_keyword(struct span word)
{
	for (int tab = 0; tab < TAB_COUNT; tab++) {
		if (param_find_keyword((enum param_tab)tab, word) >= 0)
			return tab_keyword((enum param_tab)tab);
	}
	return NULL;
}

/* A keyword that may not be abbreviated, when the word is a prefix of it. */
static const char *full_only_word(const struct choices *choices, struct span word)
{
	for (int i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->items[i];

		if (choice->kind == CHOICE_NODE && choice->node->is_full_only &&
		    span_istarts_with(span_of(choice->word), word))
			return choice->word;
	}
	return NULL;
}

void fault_unknown(struct vos_fault *fault, const struct choices *choices, const struct walk *walk,
		   const struct token *token)
{
	const char *more;
	struct span word = shown_word(token, &more);
	const char *best = token->is_quoted ? NULL : suggest_word(choices, token->raw);
	const char *full = token->is_quoted ? NULL : full_only_word(choices, token->raw);
	const char *tab = choices->has_names ? tab_of_keyword(token->raw) : NULL;

	if (walk->is_secret) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "%s takes one word; put text with blanks in quotes", walk->label);
	} else if (choices->count == 0 ||
		   (choices->count == 1 && choices->items[0].kind == CHOICE_PIPE)) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "unexpected word \"%.*s%s\": the command ends before it%s",
			  SPAN_ARG(word), more,
			  walk->spec ? "; put text with blanks in quotes" : "");
	} else if (full) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "\"%s\" has to be written in full", full);
	} else if (best) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "unknown word \"%.*s%s\"; did you mean \"%s\"?", SPAN_ARG(word), more,
			  best);
	} else if (tab) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "unknown word \"%.*s%s\" in this mode; it belongs to %s", SPAN_ARG(word),
			  more, tab);
	} else if (choices->has_names && walk->place.kind != MODE_CONFIG &&
		   object_kind_find(token->raw) >= 0) {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "unknown word \"%.*s%s\" in this mode; exit to (config)# first",
			  SPAN_ARG(word), more);
	} else {
		fault_set(fault, FAULT_SYNTAX_UNKNOWN_WORD, token->column,
			  "unknown word \"%.*s%s\"", SPAN_ARG(word), more);
	}
}

struct list {
	struct buf text;
	int max;
	int shown;
	int left_out;
};

static void list_add(struct list *list, const char *word)
{
	size_t need = strlen(word) + 2;

	if (list->shown == list->max || list->text.cap - list->text.len < need + 24) {
		list->left_out++;
		return;
	}
	if (list->shown++)
		buf_add_lit(&list->text, ", ");
	buf_add_str(&list->text, word);
}

static const char *list_text(struct list *list)
{
	if (list->left_out)
		buf_printf(&list->text, " and %d more", list->left_out);
	return buf_cstr(&list->text);
}

void fault_ambiguous(struct vos_fault *fault, const struct choices *choices,
		     const struct token *token)
{
	char memory[360];
	struct list list = {.text = buf_over(memory, sizeof(memory)), .max = SHOWN_LIST_MAX};
	const char *more;
	struct span word = shown_word(token, &more);

	for (int i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->items[i];

		if (choice->word && span_istarts_with(span_of(choice->word), token->raw) &&
		    !choice_is_full_only(choice))
			list_add(&list, choice->word);
	}
	for (int id = 0;
	     choices->has_names && span_find(token->raw, '_') < token->raw.len && id < PARAM_COUNT;
	     id++) {
		const char *name = param_get((enum param_id)id)->name;

		if (span_istarts_with(span_of(name), token->raw))
			list_add(&list, name);
	}
	fault_set(fault, FAULT_SYNTAX_AMBIGUOUS, token->column, "ambiguous word \"%.*s%s\": %s",
		  SPAN_ARG(word), more, list_text(&list));
}

void fault_incomplete(struct vos_fault *fault, const struct choices *choices, int column)
{
	char memory[400];
	struct list list = {.text = buf_over(memory, sizeof(memory)), .max = SHOWN_NEXT_MAX};
	const struct value_spec *listed = NULL;

	for (int i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->items[i];

		if (choice->word) {
			list_add(&list, choice->word);
			if (choice->spec)
				listed = choice->spec;
		} else if (choice->spec != listed) {
			char type[96];

			choice_type(choice, type, sizeof(type));
			list_add(&list, type);
		}
	}
	fault_set(fault, FAULT_SYNTAX_INCOMPLETE, column, "incomplete command; expected %s",
		  list_text(&list));
}
