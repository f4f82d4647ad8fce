/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What TAB offers: words that fit at the end of a line that is still being typed. */
#include <stdio.h>

#include "shared/grammar/walk.h"

void choice_type(const struct choice *choice, char *out, size_t size)
{
	char memory[512];
	struct buf text = buf_over(memory, sizeof(memory) - 1);

	if (choice->label)
		buf_printf(&text, "<%s>", choice->label);
	else if (choice->spec)
		value_print_type(choice->spec, &text);
	memory[text.len] = 0;
	if (text.len < size && !text.failed) {
		memcpy(out, memory, text.len + 1);
		return;
	}
	if (text.len > size - 4)
		text.len = size - 4;
	memcpy(out, memory, text.len);
	memcpy(out + text.len, "...", 4);
}

/* `set` takes a configuration line: what is offered behind it are the words of that. */
static void enter_line(struct walk *walk, struct choices *choices)
{
	static const struct span nothing = {"", 0};

	for (int i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->items[i];
		struct token token = {.raw = nothing, .column = (int)walk->line.len + 1};
		struct choice line;

		if (choice->kind != CHOICE_ELEM || choice->elem->kind != ELEM_VALUE ||
		    choice->elem->slot->how != HOW_LINE)
			continue;
		line = *choice;
		if (walk_take(walk, &line, &token, nothing, NULL) == VOS_OK)
			walk_expect(walk, choices);
		return;
	}
}

bool walk_to_cursor(struct walk *walk, struct choices *choices, struct span *word)
{
	struct span line = walk->line;
	struct token token;
	size_t pos = 0;
	size_t end = line.len;

	/* The last word, when no blank follows it, is the one being typed. */
	while (token_next(line, &pos, &token)) {
		if (pos == line.len)
			end = (size_t)token.column - 1;
	}
	*word = (struct span){line.ptr + end, line.len - end};
	if (token_check_line(line, NULL) != VOS_OK)
		return false;
	if (token_line_is_comment(line) && line.len && span_trim(line).len)
		return false;
	walk->line.len = end;
	walk->is_open = true;
	for (;;) {
		enum vos_err err = walk_step(walk, choices, NULL);

		if (err == VOS_ENOENT)
			break;
		if (err != VOS_OK)
			return false;
	}
	walk_expect(walk, choices);
	enter_line(walk, choices);
	return true;
}

static enum object_kind key_kind(const struct walk *walk)
{
	const struct match *match = walk->match;

	if (walk->phase == PHASE_VALUE && match->field != FIELD_COUNT)
		return field_get(match->field)->refers_to;
	if (walk->phase == PHASE_KEY)
		return match->object;
	for (int i = 0; i < match->arg_count; i++) {
		int kind = object_kind_find(match->args[i].text);

		if (strcmp(match->args[i].name, "section") == 0 && kind >= 0)
			return (enum object_kind)kind;
	}
	return OBJECT_COUNT;
}

static void offer(candidate_fn *fn, void *context, const char *word, const char *help)
{
	struct candidate candidate = {.param = PARAM_COUNT, .field = FIELD_COUNT};

	snprintf(candidate.word, sizeof(candidate.word), "%s", word);
	snprintf(candidate.help, sizeof(candidate.help), "%s", help);
	fn(context, &candidate);
}

static void offer_names(struct span word, candidate_fn *fn, void *context)
{
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);

		if (span_istarts_with(span_of(param->name), word))
			offer(fn, context, param->name, param->help);
	}
}

void grammar_complete(const struct grammar *grammar, const struct mode *mode, enum role role,
		      struct span line, struct completion *out, candidate_fn *fn, void *context)
{
	struct choices choices;
	struct match match;
	struct walk walk;
	const char *last = NULL;

	walk_start(&walk, grammar, mode, line, &match);
	*out = (struct completion){.source = SOURCE_NONE, .object = OBJECT_COUNT};
	if (!walk_to_cursor(&walk, &choices, &out->word))
		return;
	for (int i = 0; i < choices.count; i++) {
		const struct choice *choice = &choices.items[i];

		if (choice->kind == CHOICE_NODE && choice->node->role > role)
			continue;
		if (!choice->word) {
			if (choice->source != SOURCE_NONE)
				out->source = choice->source;
			continue;
		}
		if (!span_istarts_with(span_of(choice->word), out->word) ||
		    (last && strcmp(last, choice->word) == 0))
			continue;
		last = choice->word;
		offer(fn, context, choice->word, choice->spec ? "" : choice->help);
	}
	if (out->source == SOURCE_OBJECT_KEYS)
		out->object = key_kind(&walk);
	/* SS_ names are known here; nobody needs all of them in front of an empty word. */
	if (out->source == SOURCE_PARAMETERS ||
	    (choices.has_names && span_find(out->word, '_') < out->word.len))
		offer_names(out->word, fn, context);
}
