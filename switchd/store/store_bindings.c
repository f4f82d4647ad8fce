/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bindings at start. A record that cannot be read costs one phone its registration until it
 * registers again, so it is logged and passed over, not a reason to stay down. */
#include "switchd/store/store_private.h"

#include <errno.h>

#include "switchd/store/binding_record.h"

struct restore {
	struct store *store;
	struct location *location;
	int64_t now_ms;    /* of the table */
	int64_t offset_ms; /* of wall time */
	size_t refused;
	struct buf word;
	enum vos_err err;
};

static enum vos_err restore_user(struct restore *restore, struct span key, struct span record)
{
	struct span user = {key.ptr + 2, key.len - 2};
	struct span payload;
	struct span line;
	enum vos_err err = record_open(record, &restore->store->sum_key, key, &payload);

	if (err)
		return err;
	while (record_next_line(&payload, &line)) {
		struct binding binding;

		err = binding_parse(line, user, &restore->word, &binding);
		if (err)
			return err;
		binding.registered_ms -= restore->offset_ms;
		binding.expires_ms -= restore->offset_ms;
		err = location_restore(restore->location, &binding, restore->now_ms);
		if (err)
			return err;
	}
	return VOS_OK;
}

static int restore_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct restore *restore = context;
	MDB_cursor *cursor;
	MDB_val key = env_val(SPAN_LIT("b/"));
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	for (; !code && span_starts_with(env_span(key), SPAN_LIT("b/"));
	     code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) {
		enum vos_err err = restore_user(restore, env_span(key), env_span(record));

		if (err == VOS_ENOMEM) {
			code = ENOMEM;
			break;
		}
		if (err && restore->refused++ == 0)
			log_error(restore->store->log, "store", "%s: record %.*s passed over: %s",
				  restore->store->bindings.path, SPAN_ARG(env_span(key)),
				  vos_strerror(err));
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err store_load_bindings(struct store *store, struct location *location, int64_t now_ms,
				 size_t *count)
{
	struct restore restore = {.store = store,
				  .location = location,
				  .now_ms = now_ms,
				  .offset_ms = location_wall_offset_ms(location)};
	size_t before = location_count(location);
	struct vos_fault fault = {0};
	enum vos_err err = env_read(&store->bindings, restore_all, &restore, &fault);

	buf_free(&restore.word);
	env_forget_pages(&store->bindings);
	if (err) {
		log_error(store->log, "store", "bindings cannot be read: %s", fault.text);
		return err;
	}
	if (restore.refused)
		log_error(store->log, "store",
			  "%s: %zu records passed over; their phones are back when they register",
			  store->bindings.path, restore.refused);
	*count = location_count(location) - before;
	return VOS_OK;
}
