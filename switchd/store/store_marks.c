/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words about objects that are no part of the configuration, and yet outlive a restart. They lie
 * beside the bindings: a commit has nothing to do with them, and neither has a rollback. */
#include "switchd/store/store_private.h"

#include <errno.h>
#include <stdlib.h>

struct mark {
	struct buf key;
	struct buf record;
	bool is_removed;
};

static int write_mark(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct mark *mark = context;
	MDB_val key = env_val(buf_span(&mark->key));
	MDB_val record = env_val(buf_span(&mark->record));
	int code;

	if (!mark->is_removed)
		return mdb_put(txn, dbi, &key, &record, 0);
	code = mdb_del(txn, dbi, &key, NULL);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err store_mark_set(struct store *store, enum object_kind kind, const char *key,
			    const char *word, struct vos_fault *fault)
{
	struct mark mark = {.is_removed = *word == '\0'};
	enum vos_err err = key_of_mark(kind, key, &mark.key);

	if (err) {
		fault_set(fault, FAULT_VALUE_RANGE, 0, "a key is longer than %d bytes",
			  STORE_KEY_MAX);
		goto out;
	}
	record_begin(&mark.record);
	record_add_word(&mark.record, span_of(word));
	record_seal(&mark.record, &store->sum_key, buf_span(&mark.key));
	if (mark.record.failed || mark.key.failed)
		err = file_fail(store->bindings.path, ENOMEM, fault);
	else
		err = env_write(&store->bindings, write_mark, &mark, fault);
out:
	buf_free(&mark.key);
	buf_free(&mark.record);
	return err;
}

struct marks {
	struct store *store;
	store_mark_fn *fn;
	void *context;
};

static enum vos_err report(struct marks *marks, struct span key, struct span record)
{
	struct span rest = {key.ptr + 2, key.len - 2};
	size_t slash = span_find(rest, '/');
	int kind = record_find_kind((struct span){rest.ptr, slash});
	struct buf word = buf_new();
	struct span payload;
	char *name = NULL;
	enum vos_err err = record_open(record, &marks->store->sum_key, key, &payload);

	if (!err && (kind < 0 || slash == rest.len || !record_next_word(&payload, &word)))
		err = VOS_EINVAL;
	if (!err) {
		name = span_dup((struct span){rest.ptr + slash + 1, rest.len - slash - 1});
		if (name)
			marks->fn(marks->context, (enum object_kind)kind, name, buf_cstr(&word));
		else
			err = VOS_ENOMEM;
	}
	free(name);
	buf_free(&word);
	return err;
}

static int read_marks(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct marks *marks = context;
	MDB_cursor *cursor;
	MDB_val key = env_val(SPAN_LIT("a/"));
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	for (; !code && span_starts_with(env_span(key), SPAN_LIT("a/"));
	     code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) {
		enum vos_err err = report(marks, env_span(key), env_span(record));

		if (err)
			log_error(marks->store->log, "store", "%s: record %.*s passed over: %s",
				  marks->store->bindings.path, SPAN_ARG(env_span(key)),
				  vos_strerror(err));
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err store_marks(struct store *store, store_mark_fn *fn, void *context)
{
	struct marks marks = {store, fn, context};
	struct vos_fault fault = {0};
	enum vos_err err = env_read(&store->bindings, read_marks, &marks, &fault);

	if (err)
		log_error(store->log, "store", "marks cannot be read: %s", fault.text);
	return err;
}
