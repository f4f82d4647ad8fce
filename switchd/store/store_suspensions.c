/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspensions outlive a restart, or a restart would be what every guesser waits for. They are
 * written by the storage thread, beside the bindings; the time they end at is wall time. A record
 * that cannot be read lets one source in early, so it is passed over. */
#include <errno.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/lockout.h"
#include "switchd/store/store_private.h"

#define PREFIX SPAN_LIT("s/")

struct suspension_write {
	struct store *store;
	bool is_all; /* whatever is stored goes first */
	size_t count;
	struct suspension_change *changes;
	struct buf key;
	struct buf record;
};

void store_set_auth(struct store *store, struct auth *auth)
{
	store->auth = auth;
}

/* "s/192.0.2.1", "s/192.0.2.1 1001": an address holds no blank. */
static enum vos_err key_of(const struct suspension *suspension, struct buf *out)
{
	char address[ADDR_TEXT_MAX];

	buf_reset(out);
	buf_add_span(out, PREFIX);
	buf_add_str(out, addr_print_ip(&suspension->source, address));
	if (suspension->user[0]) {
		buf_add_char(out, ' ');
		buf_add_str(out, suspension->user);
	}
	return out->failed ? VOS_ENOMEM : VOS_OK;
}

static int write_one(struct suspension_write *write, MDB_txn *txn, MDB_dbi dbi,
		     const struct suspension_change *change)
{
	const struct suspension *suspension = &change->suspension;
	struct span key;
	MDB_val db_key;
	MDB_val record;
	int code;

	if (key_of(suspension, &write->key))
		return ENOMEM;
	key = buf_span(&write->key);
	db_key = env_val(key);
	if (change->is_over) {
		code = mdb_del(txn, dbi, &db_key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	}
	record_begin(&write->record);
	buf_printf(&write->record, "%u\t%lld\t%lld\n", suspension->failures,
		   (long long)suspension->since_ms, (long long)suspension->until_ms);
	record_seal(&write->record, &write->store->sum_key, key);
	if (write->record.failed)
		return ENOMEM;
	record = env_val(buf_span(&write->record));
	return mdb_put(txn, dbi, &db_key, &record, 0);
}

static int write_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct suspension_write *write = context;
	int code = write->is_all ? store_remove_all(txn, dbi, PREFIX) : 0;

	for (size_t i = 0; !code && i < write->count; i++)
		code = write_one(write, txn, dbi, &write->changes[i]);
	return code;
}

/* What changed, or the whole list in its place. */
static bool collect(struct suspension_write *write, struct suspensions *suspensions)
{
	struct suspension *all;
	size_t room = SUSPENSION_CHANGES_MAX;

	write->changes = calloc(room, sizeof(*write->changes));
	if (!write->changes)
		return false;
	write->count = suspensions_drain(suspensions, write->changes, room, &write->is_all);
	if (!write->is_all)
		return true;
	room = suspensions_count(suspensions) + SUSPENSION_WAYS;
	all = calloc(room, sizeof(*all));
	free(write->changes);
	write->changes = calloc(room, sizeof(*write->changes));
	if (all && write->changes) {
		write->count = suspensions_list(suspensions, clock_mono_us(), all, room);
		for (size_t i = 0; i < write->count; i++)
			write->changes[i].suspension = all[i];
	}
	free(all);
	return all && write->changes;
}

bool store_write_suspensions(struct store *store, struct vos_fault *fault)
{
	struct suspension_write write = {.store = store};
	struct suspensions *suspensions;
	bool is_done;

	if (!store->auth)
		return true;
	suspensions = lockout_suspensions(store->auth);
	is_done = collect(&write, suspensions);
	if (!is_done)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	else if (write.count || write.is_all)
		is_done = env_write(&store->bindings, write_all, &write, fault) == VOS_OK;
	if (!is_done)
		suspensions_mark_all(suspensions);
	buf_free(&write.key);
	buf_free(&write.record);
	free(write.changes);
	return is_done;
}

/* --- At start. --- */

struct suspension_read {
	struct store *store;
	struct auth *auth;
	int64_t now_ms;
	size_t count;
	size_t refused;
	struct buf word;
};

static bool parse_key(struct span key, struct suspension *out)
{
	struct span rest = {key.ptr + 2, key.len - 2};
	size_t blank = span_find(rest, ' ');

	if (!addr_parse((struct span){rest.ptr, blank}, &out->source))
		return false;
	if (blank == rest.len)
		return true;
	return span_copy((struct span){rest.ptr + blank + 1, rest.len - blank - 1}, out->user,
			 sizeof(out->user));
}

static bool restore_one(struct suspension_read *read, struct span key, struct span record)
{
	struct suspension suspension = {0};
	struct span payload;
	struct span line;
	uint64_t failures;
	uint64_t since_ms;
	uint64_t until_ms;

	if (record_open(record, &read->store->sum_key, key, &payload) ||
	    !parse_key(key, &suspension) || !record_next_line(&payload, &line) ||
	    !record_next_number(&line, &read->word, UINT32_MAX, &failures) ||
	    !record_next_number(&line, &read->word, INT64_MAX, &since_ms) ||
	    !record_next_number(&line, &read->word, INT64_MAX, &until_ms))
		return false;
	suspension.failures = (uint32_t)failures;
	suspension.since_ms = (int64_t)since_ms;
	suspension.until_ms = (int64_t)until_ms;
	read->count += lockout_restore(read->auth, &suspension, clock_mono_us(), read->now_ms);
	return true;
}

static void restore(void *context, struct span key, struct span record)
{
	struct suspension_read *read = context;

	read->refused += !restore_one(read, key, record);
}

static int restore_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	return store_each(txn, dbi, PREFIX, restore, context);
}

enum vos_err store_load_suspensions(struct store *store, struct auth *auth, int64_t now_ms,
				    size_t *count)
{
	struct suspension_read read = {.store = store, .auth = auth, .now_ms = now_ms};
	struct vos_fault fault = {0};
	enum vos_err err = env_read(&store->bindings, restore_all, &read, &fault);

	buf_free(&read.word);
	if (err) {
		log_error(store->log, "store", "suspensions cannot be read: %s", fault.text);
		return err;
	}
	if (read.refused)
		log_error(store->log, "store", "%s: %zu suspensions cannot be read, passed over",
			  store->bindings.path, read.refused);
	/* What is over goes with the first write. */
	suspensions_mark_all(lockout_suspensions(auth));
	*count = read.count;
	return VOS_OK;
}
