/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/cdr_store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "switchd/store/store_private.h"

#define FOLDER  "cdr"
#define KEY_MAX 128

struct cdr_store {
	struct store *store;
	struct env env;
};

/* Keys are written by the thousand a second, so without printf. */
static struct span full_key(char space, const char *key, char out[KEY_MAX])
{
	size_t len = strnlen(key, KEY_MAX - 2);

	out[0] = space;
	out[1] = '/';
	memcpy(out + 2, key, len);
	return (struct span){out, len + 2};
}

void cdr_number_key(uint64_t number, char out[17])
{
	for (int i = 0; i < 16; i++)
		out[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
	out[16] = '\0';
}

enum vos_err cdr_store_open(struct store *store, struct cdr_store **out, struct vos_fault *fault)
{
	struct cdr_store *cdr = calloc(1, sizeof(*cdr));
	struct buf path = buf_new();
	enum vos_err err;

	*out = NULL;
	buf_printf(&path, "%s/" FOLDER, store->dir);
	if (!cdr || path.failed) {
		free(cdr);
		buf_free(&path);
		return file_fail(store->dir, ENOMEM, fault);
	}
	cdr->store = store;
	err = env_open(&cdr->env, store->log, buf_cstr(&path), 0, fault);
	buf_free(&path);
	if (err) {
		free(cdr);
		return err;
	}
	*out = cdr;
	return VOS_OK;
}

void cdr_store_close(struct cdr_store *store)
{
	if (!store)
		return;
	env_close(&store->env);
	free(store);
}

/* --- Changes. --- */

void cdr_batch_free(struct cdr_batch *batch)
{
	free(batch->changes);
	buf_free(&batch->bytes);
	*batch = (struct cdr_batch){0};
}

void cdr_batch_reset(struct cdr_batch *batch)
{
	batch->count = 0;
	batch->gone_from = 0;
	batch->gone_until = 0;
	batch->failed = false;
	batch->bytes.failed = false;
	buf_reset(&batch->bytes);
}

static struct cdr_change *add_change(struct cdr_batch *batch, char space, const char *key)
{
	struct cdr_change *change;

	if (batch->count == batch->room) {
		size_t room = batch->room ? batch->room * 2 : 64;
		struct cdr_change *changes = realloc(batch->changes, room * sizeof(*changes));

		if (!changes) {
			batch->failed = true;
			return NULL;
		}
		batch->changes = changes;
		batch->room = room;
	}
	change = &batch->changes[batch->count++];
	change->space = space;
	change->is_removed = false;
	change->at = batch->bytes.len;
	change->len = 0;
	span_join(span_of(key), SPAN_NONE, change->key, sizeof(change->key));
	return change;
}

void cdr_batch_put(struct cdr_batch *batch, char space, const char *key, struct span value)
{
	struct cdr_change *change = add_change(batch, space, key);

	if (!change)
		return;
	buf_add_span(&batch->bytes, value);
	change->len = value.len;
	batch->failed |= batch->bytes.failed;
}

void cdr_batch_put_number(struct cdr_batch *batch, const char *name, uint64_t number)
{
	char text[24];
	int len = snprintf(text, sizeof(text), "%" PRIu64, number);

	cdr_batch_put(batch, 'n', name, (struct span){text, (size_t)len});
}

void cdr_batch_remove(struct cdr_batch *batch, char space, const char *key)
{
	struct cdr_change *change = add_change(batch, space, key);

	if (change)
		change->is_removed = true;
}

void cdr_batch_remove_records(struct cdr_batch *batch, uint64_t from, uint64_t until)
{
	batch->gone_from = from;
	batch->gone_until = until;
}

bool cdr_batch_is_empty(const struct cdr_batch *batch)
{
	return batch->count == 0 && batch->gone_from == batch->gone_until;
}

struct write_work {
	struct cdr_store *store;
	const struct cdr_batch *batch;
	struct buf record;
};

static int write_change(struct write_work *work, MDB_txn *txn, MDB_dbi dbi,
			const struct cdr_change *change)
{
	char memory[KEY_MAX];
	struct span key = full_key(change->space, change->key, memory);
	MDB_val db_key = env_val(key);
	MDB_val value;
	int code;

	if (change->is_removed) {
		code = mdb_del(txn, dbi, &db_key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	}
	record_begin(&work->record);
	buf_add(&work->record, work->batch->bytes.data + change->at, change->len);
	record_seal(&work->record, &work->store->store->sum_key, key);
	if (work->record.failed)
		return ENOMEM;
	value = env_val(buf_span(&work->record));
	code = mdb_put(txn, dbi, &db_key, &value, 0);
	buf_reset(&work->record);
	return code;
}

static int remove_records(MDB_txn *txn, MDB_dbi dbi, uint64_t from, uint64_t until)
{
	char number[17];
	char memory[KEY_MAX];
	int code = 0;

	for (uint64_t i = from; !code && i < until; i++) {
		MDB_val key;

		cdr_number_key(i, number);
		key = env_val(full_key('r', number, memory));
		code = mdb_del(txn, dbi, &key, NULL);
		if (code == MDB_NOTFOUND)
			code = 0;
	}
	return code;
}

static int write_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct write_work *work = context;
	int code = work->batch->failed ? ENOMEM : 0;

	buf_reset(&work->record);
	work->record.failed = false;
	for (size_t i = 0; !code && i < work->batch->count; i++)
		code = write_change(work, txn, dbi, &work->batch->changes[i]);
	if (!code)
		code = remove_records(txn, dbi, work->batch->gone_from, work->batch->gone_until);
	return code;
}

enum vos_err cdr_store_write(struct cdr_store *store, const struct cdr_batch *batch,
			     struct vos_fault *fault)
{
	struct write_work work = {.store = store, .batch = batch, .record = buf_new()};
	enum vos_err err = env_write(&store->env, write_all, &work, fault);

	buf_free(&work.record);
	return err;
}

/* --- Reading. --- */

struct get_work {
	struct cdr_store *store;
	struct span key;
	struct buf *out;
	enum vos_err err;
};

static int get_one(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct get_work *work = context;
	MDB_val key = env_val(work->key);
	struct span payload;
	MDB_val value;
	int code = mdb_get(txn, dbi, &key, &value);

	work->err = VOS_ENOENT;
	if (code)
		return code == MDB_NOTFOUND ? 0 : code;
	work->err = record_open(env_span(value), &work->store->store->sum_key, work->key, &payload);
	if (work->err)
		return 0;
	buf_reset(work->out);
	buf_add_span(work->out, payload);
	return work->out->failed ? ENOMEM : 0;
}

enum vos_err cdr_store_get(struct cdr_store *store, char space, const char *key, struct buf *out)
{
	char memory[KEY_MAX];
	struct get_work work = {.store = store, .key = full_key(space, key, memory), .out = out};
	enum vos_err err = env_read(&store->env, get_one, &work, NULL);

	return err ? err : work.err;
}

uint64_t cdr_store_number(struct cdr_store *store, const char *name)
{
	struct buf text = buf_new();
	uint64_t number = 0;

	if (cdr_store_get(store, 'n', name, &text) == VOS_OK)
		number = strtoull(buf_cstr(&text), NULL, 10);
	buf_free(&text);
	return number;
}

struct walk_work {
	struct cdr_store *store;
	char space;
	struct span from;
	bool is_backward;
	cdr_walk_fn *fn;
	void *context;
};

static bool is_of_space(MDB_val key, char space)
{
	const char *bytes = key.mv_data;

	return key.mv_size >= 2 && bytes[0] == space && bytes[1] == '/';
}

/* The last key at or before `from`; with none, the last of the space. */
static int seek_back(MDB_cursor *cursor, const struct walk_work *work, MDB_val *key, MDB_val *value)
{
	char end[2] = {work->space, '/' + 1};
	int code;

	*key = work->from.len > 2 ? env_val(work->from) : env_val((struct span){end, 2});
	code = mdb_cursor_get(cursor, key, value, MDB_SET_RANGE);
	if (!code && work->from.len > 2 && span_eq(env_span(*key), work->from))
		return 0;
	return mdb_cursor_get(cursor, key, value, code ? MDB_LAST : MDB_PREV);
}

static bool show(struct walk_work *work, struct span key, struct span record)
{
	struct span payload;
	char name[KEY_MAX];
	enum vos_err err = record_open(record, &work->store->store->sum_key, key, &payload);

	if (err) {
		log_error(work->store->store->log, "store", "%s: record %.*s passed over: %s",
			  work->store->env.path, SPAN_ARG(key), vos_strerror(err));
		return true;
	}
	span_copy((struct span){key.ptr + 2, key.len - 2}, name, sizeof(name));
	return work->fn(work->context, name, payload);
}

static int walk_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct walk_work *work = context;
	MDB_cursor *cursor;
	MDB_val key = env_val(work->from);
	MDB_val value;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = work->is_backward ? seek_back(cursor, work, &key, &value)
				 : mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	while (!code && is_of_space(key, work->space) && show(work, env_span(key), env_span(value)))
		code = mdb_cursor_get(cursor, &key, &value,
				      work->is_backward ? MDB_PREV : MDB_NEXT);
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err cdr_store_walk(struct cdr_store *store, char space, const char *from, bool is_backward,
			    cdr_walk_fn *fn, void *context)
{
	char memory[KEY_MAX];
	struct walk_work work = {
		.store = store,
		.space = space,
		.from = full_key(space, from, memory),
		.is_backward = is_backward,
		.fn = fn,
		.context = context,
	};

	return env_read(&store->env, walk_all, &work, NULL);
}

static bool take_key(void *context, const char *key, struct span value)
{
	uint64_t *number = context;

	(void)value;
	*number = strtoull(key, NULL, 16);
	return false;
}

enum vos_err cdr_store_range(struct cdr_store *store, uint64_t *first, uint64_t *last)
{
	enum vos_err err;

	*first = 0;
	*last = 0;
	err = cdr_store_walk(store, 'r', "", false, take_key, first);
	return err ? err : cdr_store_walk(store, 'r', "", true, take_key, last);
}
