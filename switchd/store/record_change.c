/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values and changes as words of a record. */
#include "switchd/store/keys.h"

#include <stdlib.h>

static const struct op_word {
	enum change_op op;
	const char *word;
} op_words[] = {
	{CHANGE_PARAM_SET, "param"},      {CHANGE_PARAM_RESET, "no-param"},
	{CHANGE_OBJECT_CREATE, "create"}, {CHANGE_OBJECT_DELETE, "delete"},
	{CHANGE_FIELD_SET, "set"},        {CHANGE_FIELD_RESET, "no-set"},
};

#define OP_WORDS (sizeof(op_words) / sizeof(op_words[0]))

void record_print_value(const struct value_spec *spec, const struct value *value, struct buf *out)
{
	if (value->type == VALUE_SECRET)
		buf_add_str(out, value->text);
	else
		value_print(spec, value, out);
}

enum vos_err record_parse_value(const struct value_spec *spec, const char *label, struct span text,
				struct value *out, struct vos_fault *fault)
{
	char *copy;

	if (spec->type != VALUE_SECRET)
		return value_parse(spec, label, text, out, fault);
	/* Sealed text is longer than the plain text whose length the spec bounds. */
	copy = span_dup(text);
	if (!copy)
		return VOS_ENOMEM;
	*out = (struct value){.type = VALUE_SECRET, .text = copy};
	return VOS_OK;
}

static void add_value(struct buf *record, const struct value_spec *spec, const struct value *value)
{
	struct buf text = buf_new();

	record_print_value(spec, value, &text);
	if (text.failed)
		record->failed = true;
	buf_add_char(record, '\t');
	record_add_word(record, buf_span(&text));
	buf_free(&text);
}

void record_add_change(struct buf *record, const struct change *change)
{
	const struct value_spec *spec = NULL;

	for (size_t i = 0; i < OP_WORDS; i++)
		if (op_words[i].op == change->op)
			buf_add_str(record, op_words[i].word);
	buf_add_char(record, '\t');
	if (change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET) {
		spec = &param_get(change->param)->spec;
		buf_add_str(record, param_get(change->param)->name);
	} else {
		buf_add_str(record, object_type(change->kind)->keyword);
		buf_add_char(record, '\t');
		record_add_word(record, span_of(change->key));
	}
	if (change->op == CHANGE_FIELD_SET || change->op == CHANGE_FIELD_RESET) {
		spec = &field_get(change->field)->spec;
		buf_add_char(record, '\t');
		buf_add_str(record, field_get(change->field)->keyword);
	}
	if (spec && change->value.type != VALUE_NONE)
		add_value(record, spec, &change->value);
}

int record_find_kind(struct span keyword)
{
	for (int i = 0; i < OBJECT_COUNT; i++)
		if (span_eq(keyword, span_of(object_type((enum object_kind)i)->keyword)))
			return i;
	return -1;
}

/* Reads what an op acts on; leaves *spec NULL when it takes no value. */
static bool parse_subject(struct span *line, struct buf *word, struct change *out,
			  const struct value_spec **spec)
{
	int found;

	if (!record_next_word(line, word))
		return false;
	if (out->op == CHANGE_PARAM_SET || out->op == CHANGE_PARAM_RESET) {
		found = param_find_name(buf_span(word));
		if (found < 0)
			return false;
		out->param = (enum param_id)found;
		*spec = &param_get(out->param)->spec;
		return true;
	}
	found = record_find_kind(buf_span(word));
	if (found < 0 || !record_next_word(line, word))
		return false;
	out->kind = (enum object_kind)found;
	out->key = span_dup(buf_span(word));
	if (out->op != CHANGE_FIELD_SET && out->op != CHANGE_FIELD_RESET)
		return true;
	if (!record_next_word(line, word))
		return false;
	found = field_find(out->kind, buf_span(word));
	if (found < 0)
		return false;
	out->field = (enum field_id)found;
	*spec = &field_get(out->field)->spec;
	return true;
}

enum vos_err record_parse_change(struct span line, struct change *out)
{
	struct change change = {.param = PARAM_COUNT, .field = FIELD_COUNT};
	const struct value_spec *spec = NULL;
	struct buf word = buf_new();
	enum vos_err err = VOS_EINVAL;
	size_t op = 0;

	if (!record_next_word(&line, &word))
		goto out;
	while (op < OP_WORDS && !span_eq(span_of(op_words[op].word), buf_span(&word)))
		op++;
	if (op == OP_WORDS)
		goto out;
	change.op = op_words[op].op;
	if (!parse_subject(&line, &word, &change, &spec))
		goto out;
	err = VOS_OK;
	if (!change.key)
		change.key = span_dup(SPAN_LIT(""));
	if (spec && record_next_word(&line, &word))
		err = record_parse_value(spec, "value", buf_span(&word), &change.value, NULL);
	else if (change.op == CHANGE_PARAM_SET || change.op == CHANGE_FIELD_SET)
		err = VOS_EINVAL;
	if (!err && (!change.key || word.failed))
		err = VOS_ENOMEM;
out:
	buf_free(&word);
	if (err)
		change_clear(&change);
	else
		*out = change;
	return err;
}
