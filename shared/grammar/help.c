/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What ? prints: the words that may stand at the end of a line with type, help and default. */
#include <stdio.h>

#include "shared/grammar/walk.h"

static void set_help(struct candidate *candidate, const char *help, bool in_effect)
{
	snprintf(candidate->help, sizeof(candidate->help), "%s%s", help,
		 in_effect ? "" : "; not in effect yet");
}

static void set_type(struct candidate *candidate, const struct value_spec *spec)
{
	struct choice choice = {.spec = spec};

	choice_type(&choice, candidate->type, sizeof(candidate->type));
}

static void describe_param(struct candidate *candidate, enum param_id id)
{
	const struct param *param = param_get(id);

	candidate->param = id;
	set_type(candidate, &param->spec);
	set_help(candidate, param->help, param->in_effect);
	snprintf(candidate->standard, sizeof(candidate->standard), "%s",
		 param->has_default ? param->default_text : "");
}

static void describe_field(struct candidate *candidate, enum field_id id)
{
	const struct field *field = field_get(id);

	candidate->field = id;
	set_type(candidate, &field->spec);
	set_help(candidate, field->help, field->in_effect);
	snprintf(candidate->standard, sizeof(candidate->standard), "%s",
		 field->has_default ? field->default_text : "");
}

/* The value of the parameter or field that the walk stands behind. */
static void describe_value(struct candidate *candidate, const struct walk *walk)
{
	if (walk->match->field != FIELD_COUNT)
		describe_field(candidate, walk->match->field);
	else if (walk->match->param != PARAM_COUNT)
		describe_param(candidate, walk->match->param);
}

static void describe(struct candidate *candidate, const struct walk *walk,
		     const struct choice *choice)
{
	*candidate = (struct candidate){.param = PARAM_COUNT, .field = FIELD_COUNT};
	snprintf(candidate->word, sizeof(candidate->word), "%s", choice->word ? choice->word : "");
	switch (choice->kind) {
	case CHOICE_PARAM:
		describe_param(candidate, (enum param_id)choice->id);
		break;
	case CHOICE_FIELD:
		describe_field(candidate, (enum field_id)choice->id);
		break;
	case CHOICE_VALUE:
		if (!choice->word)
			describe_value(candidate, walk);
		break;
	case CHOICE_OBJECT: {
		const struct object_type *type = object_type((enum object_kind)choice->id);

		if (!type->is_singleton)
			snprintf(candidate->type, sizeof(candidate->type), "<%s>", type->key_label);
		snprintf(candidate->help, sizeof(candidate->help), "%s", type->help);
		break;
	}
	default:
		snprintf(candidate->help, sizeof(candidate->help), "%s",
			 choice->word && choice->spec ? "" : choice->help);
		if (!choice->word)
			choice_type(choice, candidate->type, sizeof(candidate->type));
		break;
	}
}

/* Whether ? lists the choice for the word typed so far. */
static bool is_listed(const struct choice *choice, struct span word, enum role role, bool has_words)
{
	if (choice->kind == CHOICE_NODE && choice->node->role > role)
		return false;
	/* The row of a parameter's or field's value has all its words in the type. */
	if (choice->word && choice->kind == CHOICE_VALUE)
		return word.len > 0 && span_istarts_with(span_of(choice->word), word);
	if (choice->word)
		return span_istarts_with(span_of(choice->word), word);
	/* Words listed one by one need no row for the value they make up, except as above. */
	if (choice->kind == CHOICE_VALUE)
		return word.len == 0 || !has_words;
	return choice->spec->type != VALUE_ENUM && choice->spec->type != VALUE_BOOL &&
	       (word.len == 0 || !has_words);
}

static void help_names(struct span word, candidate_fn *fn, void *context)
{
	for (int id = 0; id < PARAM_COUNT; id++) {
		struct candidate candidate = {.field = FIELD_COUNT};

		if (!span_istarts_with(span_of(param_get((enum param_id)id)->name), word))
			continue;
		describe_param(&candidate, (enum param_id)id);
		snprintf(candidate.word, sizeof(candidate.word), "%s",
			 param_get((enum param_id)id)->name);
		fn(context, &candidate);
	}
}

static bool any_word(const struct choices *choices, struct span word)
{
	for (int i = 0; i < choices->count; i++) {
		const char *text = choices->items[i].word;

		if (text && span_istarts_with(span_of(text), word))
			return true;
	}
	return false;
}

void grammar_help(const struct grammar *grammar, const struct mode *mode, enum role role,
		  struct span line, candidate_fn *fn, void *context)
{
	struct choices choices;
	struct match match;
	struct walk walk;
	struct span word;
	bool has_words;

	walk_start(&walk, grammar, mode, line, &match);
	if (!walk_to_cursor(&walk, &choices, &word))
		return;
	has_words = any_word(&choices, word);
	for (int i = 0; i < choices.count; i++) {
		struct candidate candidate;

		if (!is_listed(&choices.items[i], word, role, has_words))
			continue;
		describe(&candidate, &walk, &choices.items[i]);
		fn(context, &candidate);
	}
	if (choices.has_names && span_find(word, '_') < word.len)
		help_names(word, fn, context);
	if (choices.can_end && word.len == 0) {
		struct candidate end = {.word = "<cr>", .param = PARAM_COUNT, .field = FIELD_COUNT};

		fn(context, &end);
	}
}

void grammar_list(const struct grammar *grammar, const struct mode *mode, enum role role,
		  candidate_fn *fn, void *context)
{
	unsigned where = mode->kind == MODE_EXEC ? IN_EXEC : IN_CONFIG;
	struct choices choices;
	struct match match;
	struct walk walk;

	walk_start(&walk, grammar, mode, SPAN_NONE, &match);
	walk_expect(&walk, &choices);
	for (int i = 0; i < choices.count; i++) {
		struct candidate candidate;

		if (choices.items[i].kind == CHOICE_NODE)
			continue;
		describe(&candidate, &walk, &choices.items[i]);
		fn(context, &candidate);
	}
	for (int id = 0; command_row((enum command_id)id); id++) {
		const struct command_row *row = command_row((enum command_id)id);
		struct candidate candidate = {.param = PARAM_COUNT, .field = FIELD_COUNT};

		if (!(row->where & where) || row->role > role)
			continue;
		snprintf(candidate.word, sizeof(candidate.word), "%s", row->pattern);
		snprintf(candidate.help, sizeof(candidate.help), "%s", row->help);
		fn(context, &candidate);
	}
}
