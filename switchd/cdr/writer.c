/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life and loop of the thread. It sleeps until a signalling thread puts something, waits for more
 * as long as 50 ms allow, and writes all there is in one transaction. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/config/snapshot.h"
#include "switchd/alarm/alarm.h"
#include "switchd/cdr/writer_private.h"

#define PROMISE_US    50000 /* from a record to the disk */
#define GATHER_MIN_US 20000
#define GATHER_MAX_US 40000
#define IDLE_MS       1000
#define AGAIN_MS      500  /* after a write that failed */
#define REMOVE_MAX    5000 /* records of one transaction that go */
#define ALARM_STORE   "store"
#define ALARM_QUEUE   "queue"

static void read_settings(struct writer_settings *out, const struct snapshot *config)
{
	const struct object *cdr = snapshot_object_find(config, OBJECT_CDR, SPAN_LIT(""));

	if (!cdr)
		cdr = object_unset(OBJECT_CDR);
	out->precision_ms = snapshot_number(config, PARAM_SERVER_BILLING_HOLD_TIME_PRECISION);
	out->pending_max =
		(uint64_t)snapshot_number(config, PARAM_SERVER_MAX_CDR_PENDING_LIST_LENGTH);
	out->history = (uint64_t)object_field(cdr, FIELD_CDR_HISTORY)->number;
	out->refuses_when_full = object_field(cdr, FIELD_CDR_REFUSE_WHEN_FULL)->boolean;
}

void cdr_writer_configure(struct cdr_writer *writer, const struct snapshot *config)
{
	pthread_mutex_lock(&writer->lock);
	read_settings(&writer->settings, config);
	pthread_mutex_unlock(&writer->lock);
}

enum vos_err cdr_writer_create(struct store *store, const struct log *log, struct alarms *alarms,
			       int signalling_threads, const struct snapshot *config,
			       struct cdr_writer **out, struct vos_fault *fault)
{
	struct cdr_writer *writer = calloc(1, sizeof(*writer));
	pthread_condattr_t attributes;
	enum vos_err err = VOS_ENOMEM;

	*out = NULL;
	if (!writer)
		return VOS_ENOMEM;
	writer->base = store;
	writer->log = log;
	writer->alarms = alarms;
	writer->threads = signalling_threads;
	writer->spool_count = writer_spools_of(store, signalling_threads);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&writer->news, &attributes);
	pthread_condattr_destroy(&attributes);
	writer->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	writer->spools = calloc((size_t)writer->spool_count, sizeof(struct cdr_spool *));
	writer->positions = calloc((size_t)writer->spool_count, sizeof(uint64_t));
	read_settings(&writer->settings, config);
	if (writer->wake_fd >= 0 && writer->spools && writer->positions)
		err = cdr_store_open(store, &writer->store, fault);
	if (!err)
		err = writer_spools_open(writer, fault);
	if (!err)
		err = writer_resume(writer);
	if (err) {
		cdr_writer_destroy(writer);
		return err;
	}
	*out = writer;
	return VOS_OK;
}

void cdr_writer_destroy(struct cdr_writer *writer)
{
	if (!writer)
		return;
	cdr_writer_stop(writer);
	writer_batch_reset(writer);
	cdr_batch_free(&writer->batch);
	if (writer->spools)
		writer_spools_close(writer, 0);
	free(writer->spools);
	free(writer->positions);
	cdr_store_close(writer->store);
	if (writer->wake_fd >= 0)
		close(writer->wake_fd);
	pthread_cond_destroy(&writer->news);
	pthread_mutex_destroy(&writer->lock);
	free(writer);
}

/* --- One turn. --- */

static void take_spools(struct cdr_writer *writer, const struct writer_settings *settings)
{
	for (int i = 0; i < writer->spool_count; i++) {
		struct cdr_spooled spooled;

		while (writer->events < settings->pending_max + WRITER_EVENTS_MAX &&
		       cdr_spool_next(writer->spools[i], &writer->positions[i], &spooled))
			writer_take(writer, settings, &spooled);
	}
}

static void spools_done(struct cdr_writer *writer)
{
	for (int i = 0; i < writer->spool_count; i++)
		cdr_spool_done(writer->spools[i], writer->positions[i]);
}

/* The store cannot be written: the batch stays and grows. Its events stay in the spool too, as long
 * as that has room for new ones. */
static void hold(struct cdr_writer *writer, const struct vos_fault *fault)
{
	for (int i = 0; i < writer->spool_count; i++)
		if (cdr_spool_backlog(writer->spools[i]) > CDR_SPOOL_BYTES / 2)
			cdr_spool_done(writer->spools[i], writer->positions[i]);
	alarms_raise(writer->alarms, WORD_ALARM_KIND_DATABASE, ALARM_STORE,
		     "records of calls cannot be stored: %s", fault->text);
	if (!writer->is_failing)
		log_error(writer->log, "cdr",
			  "records of calls cannot be stored, tried again twice a second: %s",
			  fault->text);
	writer->is_failing = true;
}

/* In the transaction of the batch: one of their own would cost as much as that of all new ones. */
static void remove_old(struct cdr_writer *writer, const struct writer_settings *settings)
{
	uint64_t until = writer_first_pending(writer);

	if (until + settings->history > writer->next)
		until = writer->next > settings->history ? writer->next - settings->history : 0;
	if (until <= writer->oldest)
		return;
	if (until - writer->oldest > REMOVE_MAX)
		until = writer->oldest + REMOVE_MAX;
	cdr_batch_remove_records(&writer->batch, writer->oldest, until);
}

static void write_batch(struct cdr_writer *writer)
{
	struct vos_fault fault = {0};
	uint64_t began_us = clock_mono_us();
	uint64_t took_us;

	writer_put_consumers(writer);
	if (cdr_batch_is_empty(&writer->batch) && !writer->begun)
		return;
	if (writer_store_batch(writer, &fault) != VOS_OK) {
		hold(writer, &fault);
		return;
	}
	took_us = clock_mono_us() - began_us;
	writer->slow_us = took_us > writer->slow_us ? took_us : writer->slow_us / 8 * 7;
	if (writer->batch.gone_until)
		writer->oldest = writer->batch.gone_until;
	writer_consumers_kept(writer);
	spools_done(writer);
	writer_batch_reset(writer);
	if (writer->is_failing) {
		alarms_clear(writer->alarms, WORD_ALARM_KIND_DATABASE, ALARM_STORE);
		log_notice(writer->log, "cdr", "records of calls are stored again");
	}
	writer->is_failing = false;
	pthread_mutex_lock(&writer->lock);
	writer->status.commits++;
	if (took_us > writer->status.commit_us)
		writer->status.commit_us = took_us;
	pthread_mutex_unlock(&writer->lock);
}

/* Up at 50 and 90 %, down at 40. */
static void watch_queue(struct cdr_writer *writer, uint64_t pending, uint64_t max)
{
	if (pending * 10 >= max * 9)
		alarms_raise(writer->alarms, WORD_ALARM_KIND_PENDING_CDR, ALARM_QUEUE,
			     "%llu of %llu records wait, over 90 %%: new calls will be refused",
			     (unsigned long long)pending, (unsigned long long)max);
	else if (pending * 2 >= max)
		alarms_raise(writer->alarms, WORD_ALARM_KIND_PENDING_CDR, ALARM_QUEUE,
			     "%llu of %llu records wait, over 50 %%", (unsigned long long)pending,
			     (unsigned long long)max);
	else if (pending * 5 < max * 2)
		alarms_clear(writer->alarms, WORD_ALARM_KIND_PENDING_CDR, ALARM_QUEUE);
}

static void publish(struct cdr_writer *writer, const struct writer_settings *settings)
{
	uint64_t pending = writer->next - writer_first_pending(writer);
	uint64_t spool = 0;
	bool refuses;

	if (pending < writer->records)
		pending = writer->records;
	for (int i = 0; i < writer->spool_count; i++)
		spool += cdr_spool_backlog(writer->spools[i]);
	refuses = settings->refuses_when_full && pending >= settings->pending_max;
	watch_queue(writer, pending, settings->pending_max);
	atomic_store(&writer->refuses, refuses);
	pthread_mutex_lock(&writer->lock);
	writer->status.newest = writer->next - 1 - writer->records;
	writer->status.oldest = writer->oldest < writer->next ? writer->oldest : 0;
	writer->status.pending = pending;
	writer->status.pending_max = settings->pending_max;
	writer->status.in_memory = writer->records;
	writer->status.spool_bytes = spool;
	writer->status.is_failing = writer->is_failing;
	writer->status.refuses = refuses;
	pthread_cond_broadcast(&writer->news);
	pthread_mutex_unlock(&writer->lock);
}

static void turn(struct cdr_writer *writer)
{
	struct writer_settings settings;

	pthread_mutex_lock(&writer->lock);
	settings = writer->settings;
	pthread_mutex_unlock(&writer->lock);
	/* Before what is read: all that is up at this moment is in the store with it. */
	if (clock_mono_us() >= writer->alive_us + CDR_CHECKPOINT_S * 1000000u)
		writer_sign(writer);
	take_spools(writer, &settings);
	remove_old(writer, &settings);
	write_batch(writer);
	publish(writer, &settings);
}

/* A commit costs the same for one record and for many, so it waits as long as the promise allows:
 * less what one takes, and what was put meanwhile has waited for the one before. */
static void gather(const struct cdr_writer *writer)
{
	uint64_t commits_us = 2 * writer->slow_us;
	uint64_t wait_us = GATHER_MIN_US;
	struct timespec pause = {0};

	if (commits_us + GATHER_MIN_US < PROMISE_US)
		wait_us = PROMISE_US - commits_us;
	if (wait_us > GATHER_MAX_US)
		wait_us = GATHER_MAX_US;
	pause.tv_nsec = (long)wait_us * 1000;
	nanosleep(&pause, NULL);
}

/* Until somebody puts something, or a second has passed. */
static void wait_for_more(struct cdr_writer *writer)
{
	struct pollfd poll_fd = {.fd = writer->wake_fd, .events = POLLIN};
	uint64_t count;

	atomic_store(&writer->is_asleep, true);
	for (int i = 0; i < writer->spool_count; i++)
		if (!writer->is_failing &&
		    cdr_spool_has_more(writer->spools[i], writer->positions[i])) {
			atomic_store(&writer->is_asleep, false);
			return gather(writer);
		}
	if (poll(&poll_fd, 1, writer->is_failing ? AGAIN_MS : IDLE_MS) > 0 &&
	    read(writer->wake_fd, &count, sizeof(count)) > 0 && !atomic_load(&writer->is_stopping))
		gather(writer);
	atomic_store(&writer->is_asleep, false);
}

static void *run(void *argument)
{
	struct cdr_writer *writer = argument;

	while (!atomic_load(&writer->is_stopping)) {
		turn(writer);
		wait_for_more(writer);
	}
	turn(writer);
	return NULL;
}

enum vos_err cdr_writer_start(struct cdr_writer *writer, struct vos_fault *fault)
{
	enum vos_err err = writer_recover(writer, fault);

	if (err)
		return err;
	writer_spools_remove(writer, writer->threads);
	/* Consumers judge by it what they find, and may be there before the first turn. */
	writer->status.newest = writer->next - 1 - writer->records;
	if (thread_start(&writer->thread, NULL, "records", run, writer) != 0)
		return VOS_ENOMEM;
	writer->is_started = true;
	return VOS_OK;
}

static void ring(struct cdr_writer *writer)
{
	const uint64_t one = 1;

	if (write(writer->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error(writer->log, "cdr", "cannot wake the thread: %s", strerror(errno));
}

void cdr_writer_stop(struct cdr_writer *writer)
{
	if (!writer || !writer->is_started)
		return;
	atomic_store(&writer->is_stopping, true);
	ring(writer);
	pthread_join(writer->thread, NULL);
	writer->is_started = false;
	if (writer->records)
		log_error(writer->log, "cdr",
			  "stopped with %zu records that are not stored; those that their spool "
			  "still has are stored at the next start",
			  writer->records);
	cdr_writer_wake(writer);
}

/* --- For others. --- */

struct cdr_spool *cdr_writer_spool(struct cdr_writer *writer, int thread)
{
	return writer ? writer->spools[thread] : NULL;
}

bool cdr_writer_refuses(const struct cdr_writer *writer)
{
	return writer && atomic_load_explicit(&writer->refuses, memory_order_relaxed);
}

struct cdr_store *cdr_writer_store(struct cdr_writer *writer)
{
	return writer->store;
}

void cdr_writer_status(struct cdr_writer *writer, struct cdr_status *out)
{
	pthread_mutex_lock(&writer->lock);
	*out = writer->status;
	pthread_mutex_unlock(&writer->lock);
}

void cdr_writer_keep_places(struct cdr_writer *writer)
{
	if (!writer->is_started)
		write_batch(writer);
}

void cdr_writer_on_record(struct cdr_writer *writer, cdr_seen_fn *fn, void *context)
{
	writer->seen = fn;
	writer->seen_context = context;
}

void cdr_writer_on_commit(struct cdr_writer *writer, cdr_batch_fn *fn, void *context)
{
	writer->commits = fn;
	writer->commits_context = context;
}
