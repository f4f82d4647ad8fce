/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the number pools that are taken in turn stand, so that a restart does not begin with the
 * first number again. Written once a minute and at the stop, by the storage thread: a kill costs
 * the turns of a minute at most. Pools that are gone by the next start go with the first write. */
#include <errno.h>

#include "shared/base/clock.h"
#include "switchd/conf/conf.h"
#include "switchd/store/store_private.h"

#define PREFIX    SPAN_LIT("t/")
#define PERIOD_US 60000000u
#define NAME_MAX  64

struct turn {
	char name[NAME_MAX + 1];
	uint64_t turns;
};

struct turns_write {
	struct store *store;
	struct buf list; /* of struct turn */
	uint64_t sum;    /* of all turns: with none more than at the last write nothing is new */
	struct buf key;
	struct buf record;
};

static void collect(void *context, const struct live *live)
{
	struct turns_write *write = context;
	struct turn turn = {.turns = atomic_load_explicit(&live->attempts, memory_order_relaxed)};

	if (turn.turns == 0 || !span_copy(span_of(live->name), turn.name, sizeof(turn.name)))
		return;
	write->sum += turn.turns;
	buf_add(&write->list, (const char *)&turn, sizeof(turn));
}

static int write_one(struct turns_write *write, MDB_txn *txn, MDB_dbi dbi, const struct turn *turn)
{
	MDB_val key;
	MDB_val record;

	buf_reset(&write->key);
	buf_add_span(&write->key, PREFIX);
	buf_add_str(&write->key, turn->name);
	record_begin(&write->record);
	buf_printf(&write->record, "%llu\n", (unsigned long long)turn->turns);
	record_seal(&write->record, &write->store->sum_key, buf_span(&write->key));
	if (write->key.failed || write->record.failed)
		return ENOMEM;
	key = env_val(buf_span(&write->key));
	record = env_val(buf_span(&write->record));
	return mdb_put(txn, dbi, &key, &record, 0);
}

static int write_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct turns_write *write = context;
	int code = store_remove_all(txn, dbi, PREFIX);
	struct turn turn;

	for (size_t at = 0; !code && at < write->list.len; at += sizeof(turn)) {
		memcpy(&turn, write->list.data + at, sizeof(turn));
		code = write_one(write, txn, dbi, &turn);
	}
	return code;
}

bool store_write_turns(struct store *store, uint64_t now_us, struct vos_fault *fault)
{
	struct turns_write write = {.store = store};
	bool is_done = true;

	if (!store->live || now_us < store->turns_due_us)
		return true;
	live_each(store->live, LIVE_POOL, collect, &write);
	if (write.list.failed) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		is_done = false;
	} else if (write.sum != store->turns_sum) {
		is_done = env_write(&store->bindings, write_all, &write, fault) == VOS_OK;
	}
	if (is_done) {
		store->turns_sum = write.sum;
		store->turns_due_us = now_us + PERIOD_US;
	}
	buf_free(&write.list);
	buf_free(&write.key);
	buf_free(&write.record);
	return is_done;
}

/* --- At start. --- */

struct turns_read {
	struct store *store;
	const struct conf *conf;
	size_t refused;
	struct buf word;
	struct buf name;
};

static bool restore_one(struct turns_read *read, struct span key, struct span record)
{
	const struct conf_pool *pool;
	struct span payload;
	struct span line;
	uint64_t turns;

	if (record_open(record, &read->store->sum_key, key, &payload) ||
	    !record_next_line(&payload, &line) ||
	    !record_next_number(&line, &read->word, UINT64_MAX, &turns))
		return false;
	buf_reset(&read->name);
	buf_add(&read->name, key.ptr + PREFIX.len, key.len - PREFIX.len);
	pool = conf_pool_find(conf_rules(read->conf), buf_cstr(&read->name));
	if (pool)
		atomic_store_explicit(&pool->turn->attempts, turns, memory_order_relaxed);
	return true;
}

static void restore(void *context, struct span key, struct span record)
{
	struct turns_read *read = context;

	read->refused += !restore_one(read, key, record);
}

static int restore_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	return store_each(txn, dbi, PREFIX, restore, context);
}

enum vos_err store_load_turns(struct store *store, const struct conf *conf)
{
	struct turns_read read = {.store = store, .conf = conf};
	struct vos_fault fault = {0};
	enum vos_err err = env_read(&store->bindings, restore_all, &read, &fault);

	buf_free(&read.word);
	buf_free(&read.name);
	if (err) {
		log_error(store->log, "store", "turns of number pools cannot be read: %s",
			  fault.text);
		return err;
	}
	if (read.refused)
		log_error(store->log, "store",
			  "%s: turns of %zu number pools cannot be read, passed over",
			  store->bindings.path, read.refused);
	store->live = live_table_ref(conf_live(conf));
	return VOS_OK;
}
