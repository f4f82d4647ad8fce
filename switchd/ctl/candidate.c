/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/candidate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uthash.h>

#include "switchd/store/journal.h"

/* An object that the list creates or deletes: what it says last. */
struct touched_object {
	UT_hash_handle hh;
	bool exists;
	char name[MODE_KEY_MAX + 8]; /* "<kind>/<key>" */
};

void candidate_open(struct config_candidate *candidate, struct snapshot *base)
{
	*candidate =
		(struct config_candidate){.base = snapshot_ref(base), .known = snapshot_ref(base)};
}

enum vos_err candidate_open_empty(struct config_candidate *candidate, struct snapshot *known)
{
	struct snapshot *empty = snapshot_new_empty();

	if (!empty)
		return VOS_ENOMEM;
	*candidate = (struct config_candidate){.base = empty, .known = snapshot_ref(known)};
	return VOS_OK;
}

static void forget_objects(struct config_candidate *candidate)
{
	struct touched_object *object;
	struct touched_object *next;

	HASH_ITER (hh, candidate->objects, object, next) {
		HASH_DEL(candidate->objects, object);
		free(object);
	}
	candidate->objects = NULL;
}

static void drop(struct config_candidate *candidate)
{
	forget_objects(candidate);
	change_list_clear(&candidate->changes);
	if (candidate->base)
		snapshot_unref(candidate->base);
	if (candidate->known)
		snapshot_unref(candidate->known);
	*candidate = (struct config_candidate){0};
}

void candidate_close(struct config_candidate *candidate)
{
	journal_close(candidate->journal, false);
	drop(candidate);
}

void candidate_leave(struct config_candidate *candidate)
{
	journal_close(candidate->journal, true);
	drop(candidate);
}

void candidate_rebase(struct config_candidate *candidate, struct snapshot *base)
{
	struct config_candidate fresh;

	candidate_open(&fresh, base);
	fresh.journal = candidate->journal;
	journal_restart(fresh.journal, snapshot_generation(base));
	drop(candidate);
	*candidate = fresh;
}

static struct touched_object *touched_find(const struct config_candidate *candidate,
					   enum object_kind kind, const char *key)
{
	struct touched_object *object;
	char name[sizeof(object->name)];

	snprintf(name, sizeof(name), "%d/%s", (int)kind, key);
	HASH_FIND_STR(candidate->objects, name, object);
	return object;
}

static enum vos_err touch(struct config_candidate *candidate, enum object_kind kind,
			  const char *key, bool exists)
{
	struct touched_object *object = touched_find(candidate, kind, key);

	if (!object) {
		object = calloc(1, sizeof(*object));
		if (!object)
			return VOS_ENOMEM;
		snprintf(object->name, sizeof(object->name), "%d/%s", (int)kind, key);
		HASH_ADD_STR(candidate->objects, name, object);
	}
	object->exists = exists;
	return VOS_OK;
}

bool candidate_has_object(const struct config_candidate *candidate, enum object_kind kind,
			  const char *key)
{
	const struct touched_object *touched;

	if (object_type(kind)->is_singleton)
		return true;
	touched = touched_find(candidate, kind, key);
	if (touched)
		return touched->exists;
	return snapshot_object_find(candidate->base, kind, span_of(key)) != NULL;
}

static enum vos_err out_of_memory(struct vos_fault *fault)
{
	fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	return VOS_ENOMEM;
}

/* Takes what the change owns, also on failure. */
static enum vos_err add(struct config_candidate *candidate, struct change *change,
			struct vos_fault *fault)
{
	enum vos_err err;

	if (change->op == CHANGE_OBJECT_CREATE || change->op == CHANGE_OBJECT_DELETE) {
		err = touch(candidate, change->kind, change->key,
			    change->op == CHANGE_OBJECT_CREATE);
		if (err) {
			change_clear(change);
			return out_of_memory(fault);
		}
	}
	journal_add(candidate->journal, change);
	err = change_list_add(&candidate->changes, change);
	change_clear(change);
	return err ? out_of_memory(fault) : VOS_OK;
}

static enum vos_err add_object(struct config_candidate *candidate, enum change_op op,
			       enum object_kind kind, const char *key, int line,
			       struct vos_fault *fault)
{
	struct change change = {
		.op = op, .kind = kind, .line = line, .key = span_dup(span_of(key))};

	if (!change.key)
		return out_of_memory(fault);
	return add(candidate, &change, fault);
}

/* The value a change replaces: of the list if it has one, else of the base. NULL when there is
 * none. */
static const struct value *present_value(const struct config_candidate *candidate, bool is_param,
					 enum param_id param, enum object_kind kind,
					 const char *key, enum field_id field)
{
	const struct object *object;

	for (size_t i = candidate->changes.count; i-- > 0;) {
		const struct change *change = &candidate->changes.items[i];

		if (is_param && change->op == CHANGE_PARAM_SET && change->param == param)
			return &change->value;
		if (is_param && change->op == CHANGE_PARAM_RESET && change->param == param)
			return param_default(param);
		if (!is_param && change->op == CHANGE_FIELD_SET && change->field == field &&
		    strcmp(change->key, key) == 0)
			return &change->value;
	}
	if (is_param)
		return snapshot_param(candidate->known, param);
	object = snapshot_object_find(candidate->known, kind, span_of(key));
	return object ? object_field(object, field) : NULL;
}

/* The sealed text that is there already, when it opens to the same secret: sealing again would
 * make a change out of nothing. */
static const char *same_secret(const struct config_candidate *candidate, const struct match *match,
			       const struct secret_key *key)
{
	const struct object *object = NULL;
	const struct value *value = NULL;
	char plain[SECRET_PLAIN_MAX + 1];
	const char *same = NULL;
	size_t len;

	if (match->inner == COMMAND_PARAM_SET)
		value = snapshot_param(candidate->known, match->param);
	else
		object = snapshot_object_find(candidate->known, match->object, span_of(match->key));
	if (object)
		value = object_field(object, match->field);
	if (!value || value->type != VALUE_SECRET || !value->text)
		return NULL;
	if (secret_open(key, span_of(value->text), plain, &len) != VOS_OK)
		return NULL;
	if (len == match->value_text.len && sodium_memcmp(plain, match->value_text.ptr, len) == 0)
		same = value->text;
	secret_wipe(plain, sizeof(plain));
	return same;
}

static enum vos_err seal(const struct config_candidate *candidate, const struct match *match,
			 const struct secret_key *key, struct value *value, struct vos_fault *fault)
{
	char sealed[SECRET_SEALED_MAX];
	char plain[SECRET_PLAIN_MAX + 1];
	const char *kept;
	size_t len;

	if (match->value_is_sealed) {
		if (secret_open(key, span_of(value->text), plain, &len) != VOS_OK) {
			fault_set(fault, FAULT_VALUE_FORMAT, match->value_column,
				  "sealed text is damaged or was sealed under another host's key; "
				  "give the secret as plain \"...\"");
			return VOS_EINVAL;
		}
		secret_wipe(plain, sizeof(plain));
		return VOS_OK;
	}
	if (span_eq(match->value_text, SPAN_LIT("<redacted>"))) {
		fault_set(
			fault, FAULT_VALUE_FORMAT, match->value_column,
			"<redacted> stands for a secret that was left out; give the secret itself");
		return VOS_EINVAL;
	}
	kept = same_secret(candidate, match, key);
	if (!kept) {
		if (secret_seal(key, match->value_text, sealed) != VOS_OK) {
			fault_set(fault, FAULT_VALUE_RANGE, match->value_column,
				  "secret is too long; allowed are %d bytes", SECRET_PLAIN_MAX);
			return VOS_EINVAL;
		}
		kept = sealed;
	}
	if (value->text)
		secret_wipe(value->text, strlen(value->text));
	value_clear(value);
	value->text = span_dup(span_of(kept));
	if (!value->text)
		return out_of_memory(fault);
	value->type = VALUE_SECRET;
	return VOS_OK;
}

/* Sealed text is longer than what a spec allows for the secret itself, so it is taken unparsed. */
static enum vos_err parse_value(const struct config_candidate *candidate,
				const struct value_spec *spec, const char *label,
				const struct match *match, const struct secret_key *key,
				struct value *out, struct vos_fault *fault)
{
	struct value value = {0};
	enum vos_err err = VOS_OK;

	if (spec->type == VALUE_SECRET && match->value_is_sealed) {
		value.type = VALUE_SECRET;
		value.text = span_dup(match->value_text);
		if (!value.text)
			return out_of_memory(fault);
	} else {
		err = value_parse(spec, label, match->value_text, &value, fault);
	}
	if (!err && spec->type == VALUE_SECRET)
		err = seal(candidate, match, key, &value, fault);
	if (err) {
		value_clear(&value);
		if (fault && !fault->column)
			fault->column = match->value_column;
		return err;
	}
	*out = value;
	return VOS_OK;
}

static enum vos_err apply_param(struct config_candidate *candidate, const struct match *match,
				const struct secret_key *key, int line, struct vos_fault *fault)
{
	const struct param *param = param_get(match->param);
	struct change change = {.op = CHANGE_PARAM_RESET, .param = match->param, .line = line};
	enum vos_err err;

	if (match->inner == COMMAND_PARAM_SET) {
		change.op = CHANGE_PARAM_SET;
		err = parse_value(candidate, &param->spec, param->keyword, match, key,
				  &change.value, fault);
		if (err) {
			candidate_explain_range(candidate, match, fault);
			return err;
		}
	}
	return add(candidate, &change, fault);
}

static enum vos_err missing_object(const struct match *match, struct vos_fault *fault)
{
	const struct object_type *type = object_type(match->object);

	fault_set(fault, FAULT_NOT_FOUND, 0, "there is no %s %s", type->keyword, match->key);
	if (fault)
		snprintf(fault->path, sizeof(fault->path), "%s %s", type->keyword, match->key);
	return VOS_ENOENT;
}

static enum vos_err apply_field(struct config_candidate *candidate, const struct match *match,
				const struct secret_key *key, int line, struct vos_fault *fault)
{
	const struct field *field = field_get(match->field);
	bool is_set = match->inner == COMMAND_FIELD_SET;
	struct change change = {.op = is_set ? CHANGE_FIELD_SET : CHANGE_FIELD_RESET,
				.kind = match->object,
				.field = match->field,
				.line = line};
	enum vos_err err;

	if (!candidate_has_object(candidate, match->object, match->key)) {
		if (!is_set)
			return missing_object(match, fault);
		err = add_object(candidate, CHANGE_OBJECT_CREATE, match->object, match->key, line,
				 fault);
		if (err)
			return err;
	}
	if (is_set || match->has_value) {
		err = parse_value(candidate, &field->spec, field->keyword, match, key,
				  &change.value, fault);
		if (err) {
			candidate_explain_range(candidate, match, fault);
			return err;
		}
	}
	change.key = span_dup(span_of(match->key));
	if (!change.key) {
		change_clear(&change);
		return out_of_memory(fault);
	}
	return add(candidate, &change, fault);
}

enum vos_err candidate_apply_match(struct config_candidate *candidate, const struct match *match,
				   const struct secret_key *key, int line, struct vos_fault *fault)
{
	switch ((int)match->inner) {
	case COMMAND_PARAM_SET:
	case COMMAND_PARAM_RESET:
		return apply_param(candidate, match, key, line, fault);
	case COMMAND_FIELD_SET:
	case COMMAND_FIELD_RESET:
		return apply_field(candidate, match, key, line, fault);
	case COMMAND_OBJECT_ENTER:
		if (candidate_has_object(candidate, match->object, match->key))
			return VOS_OK;
		return add_object(candidate, CHANGE_OBJECT_CREATE, match->object, match->key, line,
				  fault);
	case COMMAND_OBJECT_DELETE:
		if (!candidate_has_object(candidate, match->object, match->key))
			return missing_object(match, fault);
		return add_object(candidate, CHANGE_OBJECT_DELETE, match->object, match->key, line,
				  fault);
	case COMMAND_MODE_ENTER:
		return VOS_OK;
	default:
		fault_set(fault, FAULT_STATE, 0, "this is no line of the configuration");
		return VOS_EINVAL;
	}
}

void candidate_explain_range(const struct config_candidate *candidate, const struct match *match,
			     struct vos_fault *fault)
{
	bool is_param = match->inner == COMMAND_PARAM_SET;
	bool is_field = match->inner == COMMAND_FIELD_SET;
	const struct value *value;
	const struct value_spec *spec;
	struct buf text = buf_new();
	size_t len;

	if (!fault || fault->code != FAULT_VALUE_RANGE || (!is_param && !is_field))
		return;
	spec = is_param ? &param_get(match->param)->spec : &field_get(match->field)->spec;
	if (spec->type == VALUE_SECRET || (is_field && field_get(match->field)->is_list))
		return;
	value = present_value(candidate, is_param, match->param, match->object, match->key,
			      match->field);
	if (!value || value->type == VALUE_NONE)
		return;
	value_print(spec, value, &text);
	len = strlen(fault->text);
	if (text.len && text.len < 80)
		snprintf(fault->text + len, sizeof(fault->text) - len, ", now %s", buf_cstr(&text));
	buf_free(&text);
}

enum vos_err candidate_add_list(struct config_candidate *candidate, struct change_list *changes)
{
	enum vos_err err = VOS_OK;

	for (size_t i = 0; i < changes->count && !err; i++)
		err = add(candidate, &changes->items[i], NULL);
	change_list_clear(changes);
	return err;
}
