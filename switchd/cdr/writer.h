/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that stores records: from the spools of the signalling threads into the store, within
 * 50 ms, many in one transaction.
 *
 * A finished call is durable before anything else is done with it. What is done then is the
 * business of consumers (files, push), each a thread that reads the store at its own pace and says
 * how far it has come; a record goes when all have had it and it is not among the newest that
 * `cdr history` keeps. Records that some consumer has not had are pending: alarms rise at 50 and
 * 90 % of SERVER_MAX_CDR_PENDING_LIST_LENGTH, and at 100 % new calls are refused if
 * `cdr refuse-when-full` says so.
 *
 * Calls that are up are in the store since their answer, and every 10 s a sign of life is. At the
 * start after a crash each of them becomes a record that ends at the last sign (cause `restart`).
 */
#pragma once

#include <stdatomic.h>

#include "shared/base/log.h"
#include "switchd/cdr/spool.h"

struct alarms;
struct cdr_store;
struct cdr_writer;
struct snapshot;
struct store;

#define CDR_CHECKPOINT_S 10

/* Opens spools and store. alarms may be NULL. */
VOS_CHECK enum vos_err cdr_writer_create(struct store *store, const struct log *log,
					 struct alarms *alarms, int signalling_threads,
					 const struct snapshot *config, struct cdr_writer **out,
					 struct vos_fault *fault);
/* Settles what an earlier run has left, which whoever wants to see records sees too, and begins. */
VOS_CHECK enum vos_err cdr_writer_start(struct cdr_writer *writer, struct vos_fault *fault);
/* After the signalling threads: stores what is left. */
void cdr_writer_stop(struct cdr_writer *writer);
/* NULL is allowed. */
void cdr_writer_destroy(struct cdr_writer *writer);
/* Any thread. */
void cdr_writer_configure(struct cdr_writer *writer, const struct snapshot *config);

/* Of a signalling thread. */
struct cdr_spool *cdr_writer_spool(struct cdr_writer *writer, int thread);
/* Of the records' store: random, made with it, and never another. Together with a record's number
 * it names that record among those of all switches. */
uint64_t cdr_writer_identity(const struct cdr_writer *writer);
/* For a signalling thread, before a new call: there is no room for its record. */
bool cdr_writer_refuses(const struct cdr_writer *writer);
struct cdr_store *cdr_writer_store(struct cdr_writer *writer);

/* --- Consumers: threads that have to have had a record before it may go. --- */

#define CDR_CONSUMERS_MAX 4

struct cdr_consumer {
	const char *name;          /* its place is kept under that name */
	atomic_uint_fast64_t done; /* the last record it is done with */
	atomic_bool is_on;         /* off: nothing waits for it */
};

/* Before the start. Its place is read from the store; one that was never there begins behind the
 * newest record. */
void cdr_writer_add_consumer(struct cdr_writer *writer, struct cdr_consumer *consumer);
/* Waits until there is a record behind `number`, or timeout_ms have passed, or the writer stops;
 * the newest record's number. */
uint64_t cdr_writer_wait(struct cdr_writer *writer, uint64_t number, int timeout_ms);
/* Wakes those that wait. */
void cdr_writer_wake(struct cdr_writer *writer);

/* After the writer's stop: what the consumers have done since. */
void cdr_writer_keep_places(struct cdr_writer *writer);

/* --- For show and statistics. --- */

struct cdr_consumer_status {
	const char *name;
	bool is_on;
	uint64_t done;
};

/* How many there are. */
int cdr_writer_consumers(const struct cdr_writer *writer,
			 struct cdr_consumer_status out[CDR_CONSUMERS_MAX]);

struct cdr_status {
	uint64_t newest;  /* number of the newest record */
	uint64_t oldest;  /* that is still kept; 0: none */
	uint64_t pending; /* some consumer has not had them */
	uint64_t pending_max;
	uint64_t in_memory;   /* not durable yet: the store cannot be written */
	uint64_t spool_bytes; /* on the way to it */
	uint64_t calls_open;  /* answered, and not ended yet */
	uint64_t commits;
	uint64_t commit_us; /* of the longest */
	bool is_failing;    /* the store cannot be written */
	bool refuses;       /* new calls are refused */
};

void cdr_writer_status(struct cdr_writer *writer, struct cdr_status *out);

/* Each record as it is stored, in order, in the writer's thread, before the transaction that stores
 * it; what it adds to the batch is part of that. For statistics. */
struct cdr_batch;
typedef void cdr_seen_fn(void *context, const struct cdr *cdr, struct cdr_batch *batch);
void cdr_writer_on_record(struct cdr_writer *writer, cdr_seen_fn *fn, void *context);
/* Before each transaction that stores records, behind the last of them. */
typedef void cdr_batch_fn(void *context, struct cdr_batch *batch);
void cdr_writer_on_commit(struct cdr_writer *writer, cdr_batch_fn *fn, void *context);
/* With each sign of life, every CDR_CHECKPOINT_S. */
void cdr_writer_on_sign(struct cdr_writer *writer, cdr_batch_fn *fn, void *context);
