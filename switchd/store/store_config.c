/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration: loaded as a whole at start, written as one transaction a commit. */
#include "switchd/store/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/config/builder.h"

#define KEY_GENERATION SPAN_LIT("m/generation")

struct load {
	struct store *store;
	struct env *env;
	struct snapshot_builder *builder;
	uint64_t generation;
	struct buf word;
	struct buf text;
	enum vos_err err;
	struct vos_fault *fault;
};

static enum vos_err refuse(struct load *load, struct span key, enum vos_err err, const char *detail)
{
	return store_refuse_record(load->env, key, err, detail, load->fault);
}

static enum vos_err apply(struct load *load, struct span key, struct change *change,
			  const struct value_spec *spec, struct span text)
{
	struct vos_fault why = {0};
	enum vos_err err = VOS_OK;

	if (spec)
		err = record_parse_value(spec, "value", text, &change->value, &why);
	if (!err)
		err = snapshot_builder_apply(load->builder, change, &why);
	value_clear(&change->value);
	return err ? refuse(load, key, err, why.text) : VOS_OK;
}

static enum vos_err load_param(struct load *load, struct span key, struct span payload)
{
	struct span name = {key.ptr + 2, key.len - 2};
	int id = param_find_name(name);
	struct change change = {.op = CHANGE_PARAM_SET, .param = (enum param_id)id};

	if (id < 0)
		return refuse(load, key, VOS_EINVAL, "unknown parameter");
	/* One word; read as such so that its escapes go. */
	if (!record_next_word(&payload, &load->word))
		return refuse(load, key, VOS_EINVAL, "no value");
	return apply(load, key, &change, &param_get((enum param_id)id)->spec,
		     buf_span(&load->word));
}

static enum vos_err load_fields(struct load *load, struct span key, struct span payload,
				struct change *change)
{
	struct span line;

	while (record_next_line(&payload, &line)) {
		enum vos_err err;
		int id;

		if (!record_next_word(&line, &load->word))
			return refuse(load, key, VOS_EINVAL, "a line without a field");
		id = field_find(change->kind, buf_span(&load->word));
		if (id < 0)
			return refuse(load, key, VOS_EINVAL, "unknown field");
		if (!record_next_word(&line, &load->word))
			return refuse(load, key, VOS_EINVAL, "a field without a value");
		change->op = CHANGE_FIELD_SET;
		change->field = (enum field_id)id;
		err = apply(load, key, change, &field_get(change->field)->spec,
			    buf_span(&load->word));
		if (err)
			return err;
	}
	return VOS_OK;
}

static enum vos_err load_object(struct load *load, struct span key, struct span payload)
{
	struct span rest = {key.ptr + 2, key.len - 2};
	size_t slash = span_find(rest, '/');
	int kind = record_find_kind((struct span){rest.ptr, slash});
	struct change change = {.op = CHANGE_OBJECT_CREATE, .kind = (enum object_kind)kind};
	enum vos_err err;

	if (kind < 0 || slash == rest.len)
		return refuse(load, key, VOS_EINVAL, "unknown kind of object");
	buf_reset(&load->text);
	buf_add(&load->text, rest.ptr + slash + 1, rest.len - slash - 1);
	change.key = span_dup(buf_span(&load->text));
	if (!change.key)
		return refuse(load, key, VOS_ENOMEM, "");
	err = apply(load, key, &change, NULL, SPAN_NONE);
	if (!err)
		err = load_fields(load, key, payload, &change);
	free(change.key);
	return err;
}

static enum vos_err load_record(struct load *load, struct span key, struct span record)
{
	struct span payload;
	enum vos_err err = record_open(record, &load->store->sum_key, key, &payload);

	if (err)
		return refuse(load, key, err, "unknown format");
	if (span_starts_with(key, SPAN_LIT("p/")))
		return load_param(load, key, payload);
	if (span_starts_with(key, SPAN_LIT("o/")))
		return load_object(load, key, payload);
	if (span_eq(key, KEY_GENERATION) && !span_to_u64(payload, UINT64_MAX, &load->generation))
		return refuse(load, key, VOS_EINVAL, "not a number");
	return VOS_OK;
}

static int load_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct load *load = context;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	while ((code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) == 0) {
		load->err = load_record(load, env_span(key), env_span(record));
		if (load->err)
			break;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err store_load_config_from(struct store *store, struct env *env, struct snapshot **out,
				    struct vos_fault *fault)
{
	struct load load = {.store = store, .env = env, .fault = fault};
	enum vos_err err;

	load.builder = snapshot_builder_new(NULL);
	if (!load.builder)
		return store_refuse_record(env, SPAN_NONE, VOS_ENOMEM, "", fault);
	err = env_read(env, load_all, &load, fault);
	if (!err)
		err = load.err;
	buf_free(&load.word);
	buf_free(&load.text);
	if (err) {
		snapshot_builder_free(load.builder);
		return err;
	}
	err = snapshot_builder_finish(load.builder, load.generation, out);
	if (err)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	return err;
}

enum vos_err store_load_config(struct store *store, struct snapshot **out, struct vos_fault *fault)
{
	return store_load_config_from(store, &store->config, out, fault);
}

struct commit {
	struct store *store;
	const struct snapshot *before;
	const struct snapshot *after;
	const struct change_list *changes; /* as asked for */
	struct change_list forward;        /* what really differs */
	struct change_list inverse;
	const char *author;
	const char *comment;
	int64_t now_ms;
	const struct store_confirm *confirm; /* NULL: holds without more ado */
	struct buf key;
	struct buf record;
	struct buf text;
	bool is_stale;
	enum vos_err err;
};

static int put(struct commit *commit, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val key = env_val(buf_span(&commit->key));
	MDB_val record;

	record_seal(&commit->record, &commit->store->sum_key, buf_span(&commit->key));
	if (commit->record.failed || commit->key.failed)
		return ENOMEM;
	record = env_val(buf_span(&commit->record));
	return mdb_put(txn, dbi, &key, &record, 0);
}

static int erase(struct commit *commit, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val key = env_val(buf_span(&commit->key));
	int code = mdb_del(txn, dbi, &key, NULL);

	return code == MDB_NOTFOUND ? 0 : code;
}

static void add_value_word(struct commit *commit, const struct value_spec *spec,
			   const struct value *value)
{
	buf_reset(&commit->text);
	record_print_value(spec, value, &commit->text);
	record_add_word(&commit->record, buf_span(&commit->text));
	if (commit->text.failed)
		commit->record.failed = true;
}

static int write_param(struct commit *commit, MDB_txn *txn, MDB_dbi dbi, enum param_id id)
{
	commit->err = key_of_param(id, &commit->key);
	if (commit->err)
		return EINVAL;
	if (!snapshot_param_is_set(commit->after, id))
		return erase(commit, txn, dbi);
	record_begin(&commit->record);
	add_value_word(commit, &param_get(id)->spec, snapshot_param(commit->after, id));
	return put(commit, txn, dbi);
}

static int write_object(struct commit *commit, MDB_txn *txn, MDB_dbi dbi, enum object_kind kind,
			const char *key)
{
	const struct object_type *type = object_type(kind);
	const struct object *object = snapshot_object_find(commit->after, kind, span_of(key));

	commit->err = key_of_object(kind, key, &commit->key);
	if (commit->err)
		return EINVAL;
	if (!object || object == object_unset(kind))
		return erase(commit, txn, dbi);
	record_begin(&commit->record);
	for (int i = 0; i < type->field_count; i++) {
		enum field_id id = (enum field_id)(type->first_field + i);
		const struct field *field = field_get(id);
		size_t count = object_field_is_set(object, id) ? object_list_count(object, id) : 0;

		for (size_t at = 0; at < count; at++) {
			buf_add_str(&commit->record, field->keyword);
			buf_add_char(&commit->record, '\t');
			add_value_word(commit, &field->spec, object_list_at(object, id, at));
			buf_add_char(&commit->record, '\n');
		}
	}
	return put(commit, txn, dbi);
}

static bool is_param_op(const struct change *change)
{
	return change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET;
}

/* A diff has the changes of one object next to each other: each object is written once. */
static int write_values(struct commit *commit, MDB_txn *txn, MDB_dbi dbi)
{
	const struct change *last = NULL;
	int code = 0;

	for (size_t i = 0; !code && i < commit->forward.count; i++) {
		const struct change *change = &commit->forward.items[i];

		if (is_param_op(change)) {
			code = write_param(commit, txn, dbi, change->param);
			continue;
		}
		if (last && last->kind == change->kind && strcmp(last->key, change->key) == 0)
			continue;
		code = write_object(commit, txn, dbi, change->kind, change->key);
		last = change;
	}
	return code;
}

static void add_line(struct buf *record, const char *name, struct span text)
{
	buf_add_str(record, name);
	buf_add_char(record, '\t');
	record_add_word(record, text);
	buf_add_char(record, '\n');
}

static void add_changes(struct buf *record, const char *name, const struct change_list *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		buf_add_str(record, name);
		buf_add_char(record, '\t');
		record_add_change(record, &changes->items[i]);
		buf_add_char(record, '\n');
	}
}

static int write_generation(struct commit *commit, MDB_txn *txn, MDB_dbi dbi)
{
	uint64_t number = snapshot_generation(commit->after);
	char text[32];
	int code;

	key_of_generation(number, &commit->key);
	record_begin(&commit->record);
	snprintf(text, sizeof(text), "%lld", (long long)commit->now_ms);
	add_line(&commit->record, "time", span_of(text));
	add_line(&commit->record, "author", span_of(commit->author));
	add_line(&commit->record, "comment", span_of(commit->comment));
	snprintf(text, sizeof(text), "%zu", commit->changes->count);
	add_line(&commit->record, "count", span_of(text));
	add_changes(&commit->record, "do", commit->changes);
	add_changes(&commit->record, "undo", &commit->inverse);
	code = put(commit, txn, dbi);
	if (code)
		return code;
	buf_reset(&commit->key);
	buf_add_span(&commit->key, KEY_GENERATION);
	record_begin(&commit->record);
	buf_add_u64(&commit->record, number);
	return put(commit, txn, dbi);
}

/* Generations older than the last 50, from the oldest on. */
static int prune(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_cursor *cursor;
	MDB_val key = env_val(SPAN_LIT("g/"));
	MDB_val record;
	size_t count = 0;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	for (; !code && span_starts_with(env_span(key), SPAN_LIT("g/")); count++)
		code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT);
	for (; (!code || code == MDB_NOTFOUND) && count > STORE_GENERATIONS; count--) {
		key = env_val(SPAN_LIT("g/"));
		code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
		if (!code)
			code = mdb_cursor_del(cursor, 0);
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

/* The difference is reckoned from `before`: what is stored has to be that generation. */
static int check_base(struct commit *commit, MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val key = env_val(KEY_GENERATION);
	MDB_val record;
	struct span payload;
	uint64_t stored = 0;
	int code = mdb_get(txn, dbi, &key, &record);

	if (code && code != MDB_NOTFOUND)
		return code;
	if (!code &&
	    (record_open(env_span(record), &commit->store->sum_key, KEY_GENERATION, &payload) ||
	     !span_to_u64(payload, UINT64_MAX, &stored)))
		return MDB_CORRUPTED;
	commit->is_stale = stored != snapshot_generation(commit->before) ||
			   stored >= snapshot_generation(commit->after);
	return commit->is_stale ? EINVAL : 0;
}

static int write_commit(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct commit *commit = context;
	int code = check_base(commit, txn, dbi);

	if (!code)
		code = write_values(commit, txn, dbi);
	if (!code)
		code = write_generation(commit, txn, dbi);
	if (!code)
		code = store_put_confirm(commit->store, txn, dbi, commit->confirm);
	return code ? code : prune(txn, dbi);
}

enum vos_err store_commit(struct store *store, const struct change_list *changes,
			  const struct snapshot *before, const struct snapshot *after,
			  const char *author, const char *comment, int64_t now_ms,
			  struct vos_fault *fault)
{
	return store_commit_confirmed(store, changes, before, after, author, comment, now_ms, NULL,
				      fault);
}

enum vos_err store_commit_confirmed(struct store *store, const struct change_list *changes,
				    const struct snapshot *before, const struct snapshot *after,
				    const char *author, const char *comment, int64_t now_ms,
				    const struct store_confirm *confirm, struct vos_fault *fault)
{
	struct commit commit = {.store = store,
				.before = before,
				.after = after,
				.changes = changes,
				.author = author ? author : "",
				.comment = comment ? comment : "",
				.now_ms = now_ms,
				.confirm = confirm};
	enum vos_err err = snapshot_diff(before, after, &commit.forward);

	if (!err)
		err = snapshot_diff(after, before, &commit.inverse);
	if (!err)
		err = env_write(&store->config, write_commit, &commit, fault);
	else
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	if (err && commit.is_stale) {
		err = VOS_EINVAL;
		fault_set(
			fault, FAULT_CONFLICT_GENERATION, 0,
			"the configuration was changed meanwhile: generation %llu is no longer the "
			"latest",
			(unsigned long long)snapshot_generation(before));
	} else if (err && commit.err) {
		err = commit.err;
		fault_set(fault, FAULT_VALUE_RANGE, 0, "a key is longer than %d bytes",
			  STORE_KEY_MAX);
	}
	change_list_clear(&commit.forward);
	change_list_clear(&commit.inverse);
	buf_free(&commit.key);
	buf_free(&commit.record);
	buf_free(&commit.text);
	return err;
}
