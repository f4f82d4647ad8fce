/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The storage thread: before every second is over it takes the users whose bindings changed and
 * writes them, up to 10,000 in a transaction. So a kill -9 costs at most the last second.
 *
 * What the location table hands over is first put into memory, so that its locks are never held
 * over LMDB, and so that a write may be repeated after the map grew. When a write fails the users
 * are marked again: nothing is lost but time, and the backlog is bounded by the number of users. */
#include "switchd/store/store_private.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/alarm/alarm.h"
#include "switchd/store/binding_record.h"

#define ALARM_SUBJECT "registrations"
#define BATCH_USERS   10000u
#define PERIOD_MS     800 /* with the write itself under a second */
#define STEP_MIN_MS   1000

/* A user taken from the table. */
struct entry {
	char user[LOCATION_USER_LEN];
	size_t payload; /* where it begins in the bytes of the batch */
	size_t len;     /* 0: no bindings left */
};

struct batch {
	struct store *store;
	struct entry *entries; /* BATCH_USERS of them */
	size_t count;
	struct buf bytes;  /* payloads one behind the other */
	int64_t offset_ms; /* from the table's times to wall time */
	struct buf key;
	struct buf record;
};

struct store_thread {
	struct store *store;
	struct location *location;
	struct batch batch;
	pthread_t id;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_stopping;
	bool is_failing; /* the last write failed, and it was said */
};

static void take_user(void *context, const char *user, const struct binding *bindings, size_t count)
{
	struct batch *batch = context;
	struct entry *entry = &batch->entries[batch->count++];

	span_copy(span_of(user), entry->user, sizeof(entry->user));
	entry->payload = batch->bytes.len;
	for (size_t i = 0; i < count; i++)
		binding_write(&batch->bytes, &bindings[i], batch->offset_ms);
	entry->len = batch->bytes.len - entry->payload;
}

static int write_user(struct batch *batch, MDB_txn *txn, MDB_dbi dbi, const struct entry *entry)
{
	struct span key;
	MDB_val db_key;
	MDB_val record;
	int code;

	if (key_of_user(entry->user, &batch->key))
		return ENOMEM;
	key = buf_span(&batch->key);
	db_key = env_val(key);
	if (entry->len == 0) {
		code = mdb_del(txn, dbi, &db_key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	}
	record_begin(&batch->record);
	buf_add(&batch->record, batch->bytes.data + entry->payload, entry->len);
	record_seal(&batch->record, &batch->store->sum_key, key);
	if (batch->record.failed)
		return ENOMEM;
	record = env_val(buf_span(&batch->record));
	return mdb_put(txn, dbi, &db_key, &record, 0);
}

static int write_batch(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct batch *batch = context;
	int code = batch->bytes.failed ? ENOMEM : 0;

	for (size_t i = 0; !code && i < batch->count; i++)
		code = write_user(batch, txn, dbi, &batch->entries[i]);
	return code;
}

/* Said once when it begins and once when it ends. */
static void report(struct store_thread *thread, bool is_failing, const struct vos_fault *fault)
{
	const struct log *log = thread->store->log;
	struct alarms *alarms = thread->store->alarms;

	if (is_failing == thread->is_failing)
		return;
	thread->is_failing = is_failing;
	if (is_failing) {
		alarms_raise(alarms, WORD_ALARM_KIND_DISK, ALARM_SUBJECT,
			     "registrations are not being stored: %s", fault->text);
		log_error(log, "store",
			  "bindings are not being stored, tried again every second: %s",
			  fault->text);
	} else {
		alarms_clear(alarms, WORD_ALARM_KIND_DISK, ALARM_SUBJECT);
		log_notice(log, "store", "bindings are being stored again");
	}
}

/* What is stored is wall time: after a step of that clock all of it is wrong. */
static void follow_clock(struct store_thread *thread)
{
	int64_t offset_ms = location_wall_offset_ms(thread->location);

	if (llabs(offset_ms - thread->batch.offset_ms) < STEP_MIN_MS)
		return;
	log_notice(thread->store->log, "store",
		   "the wall clock was stepped by %lld s; all bindings are stored again",
		   (long long)(offset_ms - thread->batch.offset_ms) / 1000);
	thread->batch.offset_ms = offset_ms;
	location_mark_all_dirty(thread->location);
}

/* Writes what is pending; false when that failed. */
static bool flush(struct store_thread *thread)
{
	struct batch *batch = &thread->batch;
	struct vos_fault first = {0};
	size_t taken;

	follow_clock(thread);
	if (thread->store->alarms)
		alarms_settle(thread->store->alarms, clock_mono_us());
	if (!store_write_suspensions(thread->store, &first) ||
	    !store_write_black_list(thread->store, &first) ||
	    !store_write_turns(thread->store, clock_mono_us(), &first) ||
	    !store_keep_alarms(thread->store, thread->store->alarms, &first)) {
		report(thread, true, &first);
		return false;
	}
	do {
		struct vos_fault fault = {0};

		batch->count = 0;
		batch->bytes.failed = false;
		batch->record.failed = false;
		batch->key.failed = false;
		buf_reset(&batch->bytes);
		taken = location_drain_dirty(thread->location, BATCH_USERS, take_user, batch);
		if (batch->count == 0)
			return true;
		if (env_write(&thread->store->bindings, write_batch, batch, &fault)) {
			for (size_t i = 0; i < batch->count; i++)
				location_mark_dirty(thread->location, batch->entries[i].user);
			report(thread, true, &fault);
			return false;
		}
		report(thread, false, NULL);
	} while (taken == BATCH_USERS);
	env_forget_pages(&thread->store->bindings);
	return true;
}

/* Until the next turn, counted from the start of the last one, or the stop; true for the stop. */
static bool wait_turn(struct store_thread *thread, uint64_t *turn_us)
{
	uint64_t now_us = clock_mono_us();
	struct timespec until;
	bool is_stopping;
	int code = 0;

	*turn_us += PERIOD_MS * 1000u;
	if (*turn_us < now_us)
		*turn_us = now_us;
	until.tv_sec = (time_t)(*turn_us / 1000000u);
	until.tv_nsec = (long)(*turn_us % 1000000u) * 1000;
	pthread_mutex_lock(&thread->lock);
	while (!thread->is_stopping && code != ETIMEDOUT)
		code = pthread_cond_timedwait(&thread->wake, &thread->lock, &until);
	is_stopping = thread->is_stopping;
	pthread_mutex_unlock(&thread->lock);
	return is_stopping;
}

static void *run(void *context)
{
	struct store_thread *thread = context;
	uint64_t turn_us = clock_mono_us();

	while (!wait_turn(thread, &turn_us))
		flush(thread);
	thread->store->turns_due_us = 0;
	/* The last time: what fails now is lost, and its phones register again. */
	if (!flush(thread))
		log_error(thread->store->log, "store", "stopped with bindings that are not stored");
	return NULL;
}

static void free_thread(struct store_thread *thread)
{
	buf_free(&thread->batch.bytes);
	buf_free(&thread->batch.key);
	buf_free(&thread->batch.record);
	free(thread->batch.entries);
	pthread_cond_destroy(&thread->wake);
	pthread_mutex_destroy(&thread->lock);
	free(thread);
}

void store_set_alarms(struct store *store, struct alarms *alarms)
{
	store->alarms = alarms;
}

enum vos_err store_thread_start(struct store *store, struct location *location)
{
	struct store_thread *thread = calloc(1, sizeof(*thread));
	pthread_condattr_t attributes;

	if (!thread)
		return VOS_ENOMEM;
	thread->store = store;
	thread->location = location;
	thread->batch.store = store;
	thread->batch.offset_ms = location_wall_offset_ms(location);
	pthread_mutex_init(&thread->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&thread->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	thread->batch.entries = calloc(BATCH_USERS, sizeof(*thread->batch.entries));
	if (!thread->batch.entries ||
	    thread_start(&thread->id, NULL, "storage", run, thread) != 0) {
		free_thread(thread);
		return VOS_ENOMEM;
	}
	store->thread = thread;
	return VOS_OK;
}

void store_thread_stop(struct store *store)
{
	struct store_thread *thread = store->thread;

	if (!thread)
		return;
	pthread_mutex_lock(&thread->lock);
	thread->is_stopping = true;
	pthread_cond_signal(&thread->wake);
	pthread_mutex_unlock(&thread->lock);
	pthread_join(thread->id, NULL);
	store->thread = NULL;
	free_thread(thread);
}
