/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole line against the grammar. */
#include "shared/grammar/walk.h"

void walk_start(struct walk *walk, const struct grammar *grammar, const struct mode *mode,
		struct span line, struct match *match)
{
	*walk = (struct walk){
		.grammar = grammar,
		.mode = mode,
		.line = line,
		.match = match,
		.storage = buf_over(match->storage, sizeof(match->storage)),
		.full = buf_over(match->full_line, sizeof(match->full_line) - 1),
		.phase = PHASE_LINE,
		.place = *mode,
	};
	match->command = COMMAND_COUNT;
	match->inner = COMMAND_COUNT;
	match->arg_count = 0;
	match->pipe_count = 0;
	match->param = PARAM_COUNT;
	match->object = mode->kind == MODE_OBJECT ? mode->object : OBJECT_COUNT;
	memcpy(match->key, mode->key, sizeof(match->key));
	match->field = FIELD_COUNT;
	match->value_text = (struct span){"", 0};
	match->has_value = false;
	match->has_secret = false;
	match->value_is_sealed = false;
	match->value_column = 0;
	match->target = *mode;
	match->is_abbreviated = false;
	match->abbreviated = SPAN_NONE;
	match->full_form = NULL;
	match->full_line[0] = 0;
}

static bool has_underscore(struct span text)
{
	return span_find(text, '_') < text.len;
}

/* A parameter by its SS_ name, alias, or a prefix of one name that has an underscore (without it,
 * "s" would stand for a hundred names beside every keyword). -1: none, -2: several. */
static int find_name(struct span text)
{
	int found = param_find_name(text);

	if (found >= 0 || !has_underscore(text))
		return found;
	for (int id = 0; id < PARAM_COUNT; id++) {
		if (!span_istarts_with(span_of(param_get((enum param_id)id)->name), text))
			continue;
		if (found >= 0)
			return -2;
		found = id;
	}
	return found;
}

bool choice_is_full_only(const struct choice *choice)
{
	return choice->kind == CHOICE_PLAIN || choice->kind == CHOICE_SEALED ||
	       (choice->kind == CHOICE_NODE && choice->node->is_full_only);
}

/* Free text: anything would fit, so a prefix of a keyword may well be meant as a value. */
static bool is_free_text(const struct choice *value)
{
	return value && value->spec->type == VALUE_STRING;
}

/* Full words before prefixes, keywords before values; a quoted word is always a value. *count is
 * the number of different words that fit. */
static const struct choice *pick(const struct choices *choices, const struct token *token,
				 struct span text, int *count)
{
	const struct choice *found = NULL;
	const struct choice *value = NULL;

	*count = 0;
	for (int i = 0; i < choices->count; i++) {
		const struct choice *choice = &choices->items[i];
		struct span word = span_of(choice->word);

		if (!choice->word) {
			if (!value)
				value = choice;
			continue;
		}
		if (token->is_quoted || !span_istarts_with(word, text))
			continue;
		if (word.len == text.len) {
			*count = 1;
			return choice;
		}
		if (choice_is_full_only(choice) ||
		    (found && strcmp(found->word, choice->word) == 0))
			continue;
		found = choice;
		(*count)++;
	}
	/* What a value's own parser takes as it stands (an alias, a number) is no abbreviation. */
	if (found && value && found->kind == value->kind && found->spec &&
	    found->spec == value->spec) {
		struct value parsed = {0};

		if (value_parse(value->spec, "", text, &parsed, NULL) == VOS_OK) {
			value_clear(&parsed);
			*count = 1;
			return value;
		}
	}
	if (found && !(choices->is_acting && is_free_text(value)))
		return found;
	*count = value ? 1 : 0;
	return value;
}

/* The word as SS_NAME; "SS_NAME=value" is cut before the equals sign. */
static bool pick_name(struct walk *walk, struct token *token, struct span *text, struct choice *out,
		      int *count)
{
	struct span name = *text;
	int id;

	name.len = span_find(name, '=');
	id = find_name(name);
	if (id == -1)
		return false;
	if (id == -2) {
		*count = 2;
		return true;
	}
	if (name.len < text->len) {
		token->raw.len = name.len;
		walk->pos = (size_t)token->column - 1 + name.len;
		*text = name;
	}
	*out = (struct choice){
		.kind = CHOICE_PARAM_NAME, .word = param_get((enum param_id)id)->name, .id = id};
	*count = 1;
	return true;
}

enum vos_err walk_step(struct walk *walk, struct choices *choices, struct vos_fault *fault)
{
	char text_memory[GRAMMAR_LINE_MAX];
	struct buf text_buf = buf_over(text_memory, sizeof(text_memory));
	const struct choice *choice;
	struct choice named;
	struct token token;
	struct span text;
	int count;

	if (!token_next(walk->line, &walk->pos, &token))
		return VOS_ENOENT;
	/* Scraped lines have words such as "Must On" without quotes. */
	if (walk->is_named && walk->phase == PHASE_VALUE && !token.is_quoted) {
		token.raw = span_trim(
			(struct span){token.raw.ptr, walk->line.len - ((size_t)token.column - 1)});
		walk->pos = walk->line.len;
	}
	if (token_text(&token, &text_buf, fault) != VOS_OK)
		return VOS_EINVAL;
	text = buf_span(&text_buf);
	walk_expect(walk, choices);
	choice = pick(choices, &token, text, &count);
	if (choices->has_names && !token.is_quoted &&
	    (!choice || strlen(choice->word) != text.len) &&
	    pick_name(walk, &token, &text, &named, &count))
		choice = count == 1 ? &named : NULL;
	if (count == 1)
		return walk_take(walk, choice, &token, text, fault);
	if (count > 1)
		fault_ambiguous(fault, choices, &token);
	else
		fault_unknown(fault, choices, walk, &token);
	return VOS_EINVAL;
}

/* What the match says besides what the words filled in. */
static void finish(struct walk *walk)
{
	struct match *match = walk->match;

	if (walk->is_set)
		match->command = COMMAND_SET;
	else
		match->command = match->inner;
	if (match->command == COMMAND_EXIT)
		match->target = mode_parent(walk->mode);
	else if (match->command == COMMAND_END)
		match->target = (struct mode){.kind = MODE_EXEC};
	else if (match->command == COMMAND_CONFIGURE_REPLACE ||
		 (match->command == COMMAND_CONFIGURE && walk->mode->kind == MODE_EXEC))
		match->target = (struct mode){.kind = MODE_CONFIG};
	else if (match->inner != COMMAND_MODE_ENTER && match->inner != COMMAND_OBJECT_ENTER)
		match->target = *walk->mode;
	match->full_line[walk->full.len] = 0;
}

enum vos_err grammar_match(const struct grammar *grammar, const struct mode *mode, struct span line,
			   struct match *out, struct vos_fault *fault)
{
	struct choices choices;
	struct walk walk;
	enum vos_err err;

	while (line.len && strchr("\r\n", line.ptr[line.len - 1]))
		line.len--;
	walk_start(&walk, grammar, mode, line, out);
	err = token_check_line(line, fault);
	if (err != VOS_OK)
		return err;
	if (token_line_is_comment(line)) {
		fault_set(fault, FAULT_NONE, 0, "%s", "");
		return VOS_ENOENT;
	}
	do {
		err = walk_step(&walk, &choices, fault);
	} while (err == VOS_OK);
	if (err != VOS_ENOENT)
		return err;
	walk_expect(&walk, &choices);
	if (!choices.can_end) {
		fault_incomplete(fault, &choices,
				 (int)span_trim(line).len + (int)(span_trim(line).ptr - line.ptr) +
					 1);
		return VOS_EINVAL;
	}
	finish(&walk);
	return VOS_OK;
}

const struct match_arg *match_arg(const struct match *match, const char *name)
{
	for (int i = 0; i < match->arg_count; i++) {
		if (strcmp(match->args[i].name, name) == 0)
			return &match->args[i];
	}
	return NULL;
}

const char *match_text(const struct match *match, const char *name)
{
	const struct match_arg *arg = match_arg(match, name);

	return arg ? arg->text.ptr : "";
}
