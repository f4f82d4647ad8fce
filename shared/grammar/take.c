/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One word of a line taken: what it means for the walk and for the match. */
#include <stdio.h>

#include "shared/base/secret.h"
#include "shared/grammar/walk.h"

#define SECRET_MASK "******"

static void full_add(struct walk *walk, struct span text)
{
	if (walk->full.len)
		buf_add_char(&walk->full, ' ');
	buf_add_span(&walk->full, text);
}

/* A keyword: into full_line in full, and noted when it was abbreviated. */
static void full_add_word(struct walk *walk, const char *word, const struct token *token)
{
	struct match *match = walk->match;

	full_add(walk, span_of(word));
	if (!match->is_abbreviated && token->raw.len < strlen(word)) {
		match->is_abbreviated = true;
		match->abbreviated = token->raw;
		match->full_form = word;
	}
}

/* NUL-terminated copy inside the match. The storage is bigger than any line, so it cannot run out.
 */
static struct span store(struct walk *walk, struct span text)
{
	size_t begin = walk->storage.len;

	buf_add_span(&walk->storage, text);
	buf_add_char(&walk->storage, 0);
	if (walk->storage.failed)
		return (struct span){"", 0};
	return (struct span){walk->storage.data + begin, text.len};
}

static enum vos_err check_value(const struct value_spec *spec, const char *label, struct span text,
				int column, struct vos_fault *fault)
{
	struct value value = {0};
	enum vos_err err = value_parse(spec, label, text, &value, fault);

	if (err == VOS_OK)
		value_clear(&value);
	else if (fault)
		fault->column = column;
	return err;
}

/* Everything from the word on, for values that take the rest of the line. */
static struct span rest_of_line(struct walk *walk, const struct token *token)
{
	size_t start = (size_t)token->column - 1;
	struct span rest = {walk->line.ptr + start, walk->line.len - start};

	walk->pos = walk->line.len;
	return span_trim(rest);
}

/* text: static, or stored. */
static enum vos_err add_arg(struct walk *walk, const char *name, struct span text, int column)
{
	struct match *match = walk->match;

	/* No pattern has that many values; a test holds it. */
	if (match->arg_count == MATCH_ARGS_MAX)
		return VOS_EFULL;
	match->args[match->arg_count++] =
		(struct match_arg){.name = name, .text = text, .column = column};
	return VOS_OK;
}

/* `set`: what follows is a line of configuration mode. */
static enum vos_err take_line(struct walk *walk, const struct choice *choice,
			      const struct token *token)
{
	struct span rest = rest_of_line(walk, token);
	enum vos_err err =
		add_arg(walk, choice->elem->slot->name, store(walk, rest), token->column);

	walk->pos = (size_t)token->column - 1;
	walk->phase = PHASE_LINE;
	walk->place = (struct mode){.kind = MODE_CONFIG};
	walk->is_set = true;
	walk->may_pipe = false;
	return err;
}

static enum vos_err take_elem(struct walk *walk, const struct choice *choice,
			      const struct token *token, struct span text, struct vos_fault *fault)
{
	const struct pattern_elem *elem = choice->elem;
	enum vos_err err;

	walk->phase = PHASE_PATTERN;
	walk->pattern = choice->next;
	if (elem->kind == ELEM_WORD) {
		full_add_word(walk, elem->word, token);
		return elem->is_flag ? add_arg(walk, elem->word, span_of(elem->word), token->column)
				     : VOS_OK;
	}
	if (elem->slot->how == HOW_LINE)
		return take_line(walk, choice, token);
	if (choice->word) {
		full_add_word(walk, choice->word, token);
		return add_arg(walk, elem->slot->name, span_of(choice->word), token->column);
	}
	if (elem->slot->how == HOW_REST && !token->is_quoted)
		text = rest_of_line(walk, token);
	err = check_value(&elem->slot->spec, elem->slot->name, text, token->column, fault);
	if (err != VOS_OK)
		return err;
	full_add(walk, elem->slot->how == HOW_REST && !token->is_quoted ? text : token->raw);
	return add_arg(walk, elem->slot->name, store(walk, text), token->column);
}

static void take_node(struct walk *walk, const struct tree_node *node, const struct token *token)
{
	full_add_word(walk, node->word, token);
	walk->node = node;
	walk->phase = PHASE_TREE;
	walk->may_pipe = true;
	walk->match->command = walk->match->inner =
		node->command >= 0 ? (enum command_id)node->command : COMMAND_COUNT;
}

static void take_place(struct walk *walk, const struct choice *choice)
{
	walk->place = (struct mode){.kind = (enum mode_kind)choice->id};
	if (walk->place.kind == MODE_TAB)
		walk->place.tab = (enum param_tab)choice->tab;
	walk->phase = PHASE_PLACE;
	walk->match->target = walk->place;
	walk->match->inner = COMMAND_MODE_ENTER;
}

/* A value behind "SS_NAME =" may be missing: a scraped line of an empty text. */
static enum vos_err take_empty_value(struct walk *walk, struct vos_fault *fault)
{
	walk->match->value_text = store(walk, SPAN_NONE);
	walk->match->value_column = (int)walk->line.len + 1;
	walk->match->has_value = true;
	walk->phase = PHASE_DONE;
	full_add(walk, SPAN_LIT("\"\""));
	return check_value(walk->spec, walk->label, SPAN_NONE, walk->match->value_column, fault);
}

static bool skip_equals(struct walk *walk)
{
	size_t pos = walk->pos;

	while (pos < walk->line.len && (walk->line.ptr[pos] == ' ' || walk->line.ptr[pos] == '\t'))
		pos++;
	if (pos == walk->line.len || walk->line.ptr[pos] != '=')
		return false;
	walk->pos = pos + 1;
	return true;
}

static enum vos_err take_param(struct walk *walk, const struct choice *choice,
			       const struct token *token, struct vos_fault *fault)
{
	const struct param *param = param_get((enum param_id)choice->id);
	struct match *match = walk->match;
	bool has_equals;

	walk->is_named = choice->kind == CHOICE_PARAM_NAME;
	walk->label = walk->is_named ? param->name : param->keyword;
	walk->spec = &param->spec;
	walk->is_secret = param->spec.type == VALUE_SECRET;
	full_add_word(walk, choice->word, token);
	match->param = (enum param_id)choice->id;
	match->inner = walk->verb == VERB_SET ? COMMAND_PARAM_SET : COMMAND_PARAM_RESET;
	if (walk->verb != VERB_SET) {
		walk->phase = PHASE_DONE;
		return VOS_OK;
	}
	walk->phase = PHASE_VALUE;
	/* As in files; and a value that starts with an equals sign itself is read back whole. */
	if (walk->is_named)
		full_add(walk, SPAN_LIT("="));
	has_equals = walk->is_named && skip_equals(walk);
	if (has_equals && !walk->is_open &&
	    span_is_empty(span_trim(
		    (struct span){walk->line.ptr + walk->pos, walk->line.len - walk->pos})))
		return take_empty_value(walk, fault);
	return VOS_OK;
}

static void enter_object(struct walk *walk)
{
	struct match *match = walk->match;

	walk->place = (struct mode){.kind = MODE_OBJECT, .object = match->object};
	memcpy(walk->place.key, match->key, sizeof(walk->place.key));
	walk->phase = PHASE_FIELD;
	match->inner = walk->verb == VERB_NO ? COMMAND_OBJECT_DELETE : COMMAND_OBJECT_ENTER;
	if (walk->verb == VERB_SET && !walk->is_set)
		match->target = walk->place;
}

static void take_object(struct walk *walk, const struct choice *choice, const struct token *token)
{
	full_add_word(walk, choice->word, token);
	walk->match->object = (enum object_kind)choice->id;
	walk->match->key[0] = 0;
	if (object_type(walk->match->object)->is_singleton)
		enter_object(walk);
	else
		walk->phase = PHASE_KEY;
}

/* Keys are kept in canonical form, so that 192.0.2.1 and 192.0.2.1/32 are one object. */
static enum vos_err take_key(struct walk *walk, const struct choice *choice,
			     const struct token *token, struct span text, struct vos_fault *fault)
{
	const struct object_type *type = object_type(walk->match->object);
	struct buf key = buf_over(walk->match->key, sizeof(walk->match->key) - 1);
	struct value value = {0};
	enum vos_err err;

	if (choice->word)
		text = span_of(choice->word);
	err = value_parse(&type->key, type->keyword, text, &value, fault);
	if (err != VOS_OK) {
		if (fault)
			fault->column = token->column;
		return err;
	}
	value_print(&type->key, &value, &key);
	value_clear(&value);
	if (key.failed || key.len == 0) {
		fault_set(fault, FAULT_VALUE_RANGE, token->column, "%s: a %s has 1..%d bytes",
			  type->keyword, type->key_label, MODE_KEY_MAX - 1);
		return VOS_EINVAL;
	}
	walk->match->key[key.len] = 0;
	if (choice->word)
		full_add_word(walk, choice->word, token);
	else
		full_add(walk, token->raw);
	enter_object(walk);
	return VOS_OK;
}

static void take_field(struct walk *walk, const struct choice *choice, const struct token *token)
{
	const struct field *field = field_get((enum field_id)choice->id);
	struct match *match = walk->match;

	full_add_word(walk, choice->word, token);
	if (walk->place.kind == MODE_OBJECT) {
		match->object = walk->place.object;
		memcpy(match->key, walk->place.key, sizeof(match->key));
	} else {
		match->object = field->kind;
		match->key[0] = 0;
	}
	match->field = (enum field_id)choice->id;
	match->target = *walk->mode;
	match->inner = walk->verb == VERB_SET ? COMMAND_FIELD_SET : COMMAND_FIELD_RESET;
	walk->spec = &field->spec;
	walk->label = field->keyword;
	walk->is_secret = field->spec.type == VALUE_SECRET;
	walk->phase = PHASE_VALUE;
	if (walk->verb == VERB_DEFAULT || (walk->verb == VERB_NO && !field->is_list))
		walk->phase = PHASE_DONE;
}

static enum vos_err take_secret(struct walk *walk, const struct token *token, struct span text,
				struct vos_fault *fault)
{
	struct match *match = walk->match;
	enum vos_err err = VOS_OK;

	if (span_eq(text, SPAN_LIT("<redacted>")) || span_eq(text, SPAN_LIT(SECRET_MASK))) {
		fault_set(
			fault, FAULT_VALUE_FORMAT, token->column,
			"%s: %.*s stands for a secret that was left out; give the secret, or leave "
			"the line out",
			walk->label, SPAN_ARG(text));
		return VOS_EINVAL;
	}
	if (!match->value_is_sealed) {
		err = check_value(walk->spec, walk->label, text, token->column, fault);
	} else if (!span_starts_with(text, SPAN_LIT("v1:")) || text.len >= SECRET_SEALED_MAX) {
		fault_set(fault, FAULT_VALUE_FORMAT, token->column,
			  "%s: sealed text starts with v1: and has at most %d bytes", walk->label,
			  SECRET_SEALED_MAX - 1);
		err = VOS_EINVAL;
	}
	if (err != VOS_OK)
		return err;
	match->has_secret = true;
	full_add(walk, SPAN_LIT(SECRET_MASK));
	return VOS_OK;
}

static enum vos_err take_value(struct walk *walk, const struct choice *choice,
			       const struct token *token, struct span text, struct vos_fault *fault)
{
	struct match *match = walk->match;
	enum vos_err err = VOS_OK;

	if (walk->spec->type == VALUE_SECRET) {
		err = take_secret(walk, token, text, fault);
	} else if (choice->word) {
		text = span_of(choice->word);
		full_add_word(walk, choice->word, token);
	} else {
		err = check_value(walk->spec, walk->label, text, token->column, fault);
		if (err == VOS_OK)
			full_add(walk, token->is_quoted ? token->raw : text);
	}
	if (err != VOS_OK)
		return err;
	match->value_text = store(walk, text);
	match->value_column = token->column;
	match->has_value = true;
	walk->phase = PHASE_DONE;
	return VOS_OK;
}

static void take_pipe_kind(struct walk *walk, const struct choice *choice,
			   const struct token *token)
{
	struct match *match = walk->match;

	full_add_word(walk, choice->word, token);
	walk->pipe = (enum pipe_kind)choice->id;
	match->pipes[match->pipe_count++] =
		(struct match_pipe){.kind = walk->pipe, .text = {"", 0}};
	walk->phase = pipe_rows[walk->pipe].slot ? PHASE_PIPE_TEXT : PHASE_DONE;
}

static enum vos_err take_pipe_text(struct walk *walk, const struct token *token, struct span text,
				   struct vos_fault *fault)
{
	struct match_pipe *pipe = &walk->match->pipes[walk->match->pipe_count - 1];
	const struct slot *slot = pipe_rows[walk->pipe].slot;
	enum vos_err err =
		check_value(&slot->spec, pipe_rows[walk->pipe].word, text, token->column, fault);

	if (err != VOS_OK)
		return err;
	full_add(walk, token->raw);
	pipe->text = store(walk, text);
	walk->phase = walk->pipe == PIPE_SAVE ? PHASE_PIPE_APPEND : PHASE_DONE;
	return VOS_OK;
}

static void take_keyword(struct walk *walk, const struct choice *choice, const struct token *token)
{
	full_add_word(walk, choice->word, token);
	switch (choice->kind) {
	case CHOICE_DO:
		walk->is_do = true;
		walk->place = (struct mode){.kind = MODE_EXEC};
		break;
	case CHOICE_NO:
		walk->verb = VERB_NO;
		break;
	case CHOICE_DEFAULT:
		walk->verb = VERB_DEFAULT;
		break;
	case CHOICE_PLACE:
		take_place(walk, choice);
		break;
	case CHOICE_PLAIN:
	case CHOICE_SEALED:
		walk->match->value_is_sealed = choice->kind == CHOICE_SEALED;
		walk->phase = PHASE_SECRET;
		break;
	case CHOICE_PIPE:
		walk->phase = PHASE_PIPE_KIND;
		break;
	default:
		walk->match->pipes[walk->match->pipe_count - 1].append = true;
		walk->phase = PHASE_DONE;
		break;
	}
}

enum vos_err walk_take(struct walk *walk, const struct choice *choice, const struct token *token,
		       struct span text, struct vos_fault *fault)
{
	switch (choice->kind) {
	case CHOICE_NODE:
		take_node(walk, choice->node, token);
		return VOS_OK;
	case CHOICE_ELEM:
		return take_elem(walk, choice, token, text, fault);
	case CHOICE_PARAM:
	case CHOICE_PARAM_NAME:
		return take_param(walk, choice, token, fault);
	case CHOICE_OBJECT:
		take_object(walk, choice, token);
		return VOS_OK;
	case CHOICE_KEY:
		return take_key(walk, choice, token, text, fault);
	case CHOICE_FIELD:
		take_field(walk, choice, token);
		return VOS_OK;
	case CHOICE_VALUE:
		return take_value(walk, choice, token, text, fault);
	case CHOICE_PIPE_KIND:
		take_pipe_kind(walk, choice, token);
		return VOS_OK;
	case CHOICE_PIPE_TEXT:
		return take_pipe_text(walk, token, text, fault);
	default:
		take_keyword(walk, choice, token);
		return VOS_OK;
	}
}
