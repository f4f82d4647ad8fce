/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the dynamic black list outlive a restart, as suspensions do and in the same way: the
 * storage thread writes what changed, the time they end at is wall time, and a record that cannot
 * be read is passed over. */
#include <errno.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/auth/blacklist.h"
#include "switchd/store/store_private.h"

#define PREFIX SPAN_LIT("l/")

struct black_write {
	struct store *store;
	bool is_all; /* whatever is stored goes first */
	size_t count;
	struct black_change *changes;
	struct buf key;
	struct buf record;
};

/* "l/caller 5551" */
static enum vos_err key_of(const struct black_entry *entry, struct buf *out)
{
	buf_reset(out);
	buf_add_span(out, PREFIX);
	buf_add_str(out, black_type_side(entry->type));
	buf_add_char(out, ' ');
	buf_add_str(out, entry->number);
	return out->failed ? VOS_ENOMEM : VOS_OK;
}

static int write_one(struct black_write *write, MDB_txn *txn, MDB_dbi dbi,
		     const struct black_change *change)
{
	const struct black_entry *entry = &change->entry;
	struct span key;
	MDB_val db_key;
	MDB_val record;
	int code;

	if (key_of(entry, &write->key))
		return ENOMEM;
	key = buf_span(&write->key);
	db_key = env_val(key);
	if (change->is_over) {
		code = mdb_del(txn, dbi, &db_key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	}
	record_begin(&write->record);
	buf_printf(&write->record, "%s\t%u\t%lld\t%lld\n", black_type_word(entry->type),
		   entry->count, (long long)entry->since_ms, (long long)entry->until_ms);
	record_seal(&write->record, &write->store->sum_key, key);
	if (write->record.failed)
		return ENOMEM;
	record = env_val(buf_span(&write->record));
	return mdb_put(txn, dbi, &db_key, &record, 0);
}

static int write_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct black_write *write = context;
	int code = write->is_all ? store_remove_all(txn, dbi, PREFIX) : 0;

	for (size_t i = 0; !code && i < write->count; i++)
		code = write_one(write, txn, dbi, &write->changes[i]);
	return code;
}

/* The whole list in the place of what changed. Those that begin meanwhile have room; with more of
 * them the next turn is another such. */
static bool collect_all(struct black_write *write, struct blacklist *list)
{
	size_t room = blacklist_count(list) + BLACK_CHANGES_MAX;
	struct black_entry *all = calloc(room, sizeof(*all));

	free(write->changes);
	write->changes = calloc(room, sizeof(*write->changes));
	if (all && write->changes) {
		write->count = blacklist_list(list, BLACK_NONE, NULL, clock_mono_us(), all, room);
		for (size_t i = 0; i < write->count; i++)
			write->changes[i].entry = all[i];
	}
	free(all);
	return all && write->changes;
}

static bool collect(struct black_write *write, struct blacklist *list)
{
	write->changes = calloc(BLACK_CHANGES_MAX, sizeof(*write->changes));
	if (!write->changes)
		return false;
	write->count = blacklist_drain(list, write->changes, BLACK_CHANGES_MAX, &write->is_all);
	return !write->is_all || collect_all(write, list);
}

bool store_write_black_list(struct store *store, struct vos_fault *fault)
{
	struct black_write write = {.store = store};
	struct blacklist *list;
	bool is_done;

	if (!store->auth)
		return true;
	list = auth_blacklist(store->auth);
	is_done = collect(&write, list);
	if (!is_done)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	else if (write.count || write.is_all)
		is_done = env_write(&store->bindings, write_all, &write, fault) == VOS_OK;
	if (!is_done)
		blacklist_mark_all(list);
	buf_free(&write.key);
	buf_free(&write.record);
	free(write.changes);
	return is_done;
}

/* --- At start. --- */

struct black_read {
	struct store *store;
	struct blacklist *list;
	int64_t now_ms;
	size_t count;
	size_t refused;
	struct buf word;
};

/* The type has to be one of the side that the key says. */
static bool parse_names(struct span key, struct span type, struct black_entry *out)
{
	struct span rest = {key.ptr + 2, key.len - 2};
	size_t blank = span_find(rest, ' ');
	struct span side = {rest.ptr, blank};

	for (int i = BLACK_NONE + 1; i < BLACK_TYPES; i++) {
		if (!span_eq(type, span_of(black_type_word((enum black_type)i))))
			continue;
		out->type = (enum black_type)i;
		return blank < rest.len && span_eq(side, span_of(black_type_side(out->type))) &&
		       span_copy((struct span){rest.ptr + blank + 1, rest.len - blank - 1},
				 out->number, sizeof(out->number));
	}
	return false;
}

static bool restore_one(struct black_read *read, struct span key, struct span record)
{
	struct black_entry entry = {0};
	struct span payload;
	struct span line;
	uint64_t calls;
	uint64_t since_ms;
	uint64_t until_ms;

	if (record_open(record, &read->store->sum_key, key, &payload) ||
	    !record_next_line(&payload, &line) || !record_next_word(&line, &read->word) ||
	    !parse_names(key, buf_span(&read->word), &entry) ||
	    !record_next_number(&line, &read->word, UINT32_MAX, &calls) ||
	    !record_next_number(&line, &read->word, INT64_MAX, &since_ms) ||
	    !record_next_number(&line, &read->word, INT64_MAX, &until_ms))
		return false;
	entry.count = (uint32_t)calls;
	entry.since_ms = (int64_t)since_ms;
	entry.until_ms = (int64_t)until_ms;
	read->count += blacklist_restore(read->list, &entry, clock_mono_us(), read->now_ms);
	return true;
}

static void restore(void *context, struct span key, struct span record)
{
	struct black_read *read = context;

	read->refused += !restore_one(read, key, record);
}

static int restore_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	return store_each(txn, dbi, PREFIX, restore, context);
}

enum vos_err store_load_black_list(struct store *store, struct auth *auth, int64_t now_ms,
				   size_t *count)
{
	struct black_read read = {.store = store, .list = auth_blacklist(auth), .now_ms = now_ms};
	struct vos_fault fault = {0};
	enum vos_err err = env_read(&store->bindings, restore_all, &read, &fault);

	buf_free(&read.word);
	if (err) {
		log_error(store->log, "store", "the black list cannot be read: %s", fault.text);
		return err;
	}
	if (read.refused)
		log_error(store->log, "store",
			  "%s: %zu black-list entries cannot be read, passed over",
			  store->bindings.path, read.refused);
	/* What is over goes with the first write. */
	blacklist_mark_all(read.list);
	*count = read.count;
	return VOS_OK;
}
