/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer's state, shared by writer.c (life and loop), writer_spools.c (their files),
 * writer_batch.c (events into changes), writer_consumers.c (who has had what) and writer_recover.c
 * (what an earlier run has left). */
#pragma once

#include <pthread.h>
#include <uthash.h>

#include "switchd/cdr/writer.h"
#include "switchd/store/cdr_store.h"

#define WRITER_EVENTS_MAX 4096 /* of one transaction */

/* A call that is up, and whose beginning is not in the store yet. */
struct writer_begun {
	uint64_t key;
	bool is_put; /* into the batch, which could not be stored */
	UT_hash_handle hh;
	size_t len;
	char record[]; /* as it is stored */
};

struct writer_settings {
	int64_t precision_ms;
	uint64_t pending_max;
	uint64_t history;
	bool refuses_when_full;
};

struct cdr_writer {
	struct store *base;
	struct cdr_store *store;
	const struct log *log;
	struct alarms *alarms;
	int threads; /* that put something in this run */
	int spool_count;
	struct cdr_spool **spools;
	uint64_t *positions; /* read so far, of each spool */
	int wake_fd;
	atomic_bool is_asleep;
	pthread_t thread;
	bool is_started;
	atomic_bool is_stopping;

	/* The thread's own. */
	struct cdr_batch batch;
	struct writer_begun *begun;
	size_t records; /* in the batch */
	size_t events;
	uint64_t next; /* number of the next record */
	uint64_t oldest;
	uint64_t boot;
	uint64_t identity;
	uint64_t alive_us; /* last sign of life */
	uint64_t slow_us;  /* that a commit takes at its slowest, of late */
	bool is_failing;
	cdr_seen_fn *seen;
	void *seen_context;
	cdr_batch_fn *commits; /* told before each transaction of records */
	void *commits_context;
	cdr_batch_fn *signs; /* told of each sign of life */
	void *signs_context;

	struct cdr_consumer *consumers[CDR_CONSUMERS_MAX];
	int consumer_count;
	uint64_t consumer_put[CDR_CONSUMERS_MAX];  /* place in the batch, else as the next */
	uint64_t consumer_kept[CDR_CONSUMERS_MAX]; /* place in the store */

	pthread_mutex_t lock; /* of the following */
	pthread_cond_t news;
	struct writer_settings settings;
	struct cdr_status status;
	atomic_bool refuses;
};

/* writer_spools.c */
/* How many there are; an earlier run may have had more threads. */
int writer_spools_of(const struct store *store, int threads);
VOS_CHECK enum vos_err writer_spools_open(struct cdr_writer *writer, struct vos_fault *fault);
/* Those from that number on. */
void writer_spools_close(struct cdr_writer *writer, int from);
/* And their files. */
void writer_spools_remove(struct cdr_writer *writer, int from);

/* writer_batch.c */
void writer_take(struct cdr_writer *writer, const struct writer_settings *settings,
		 const struct cdr_spooled *spooled);
void writer_batch_reset(struct cdr_writer *writer);
/* A record that is whole, with the next number. */
void writer_add_record(struct cdr_writer *writer, const struct writer_settings *settings,
		       struct cdr *cdr);
/* Stores it. */
VOS_CHECK enum vos_err writer_store_batch(struct cdr_writer *writer, struct vos_fault *fault);

/* writer_consumers.c */
/* How far each has come, into the batch; and once that is stored. */
void writer_put_consumers(struct cdr_writer *writer);
void writer_consumers_kept(struct cdr_writer *writer);
/* The first record that some consumer has not had. */
uint64_t writer_first_pending(const struct cdr_writer *writer);

/* writer_recover.c */
/* How far the spools are read, into the batch: what is stored is not stored again, also when the
 * spool could not be told so any more. */
void writer_put_places(struct cdr_writer *writer);
/* Which numbers are given. */
VOS_CHECK enum vos_err writer_resume(struct cdr_writer *writer);
VOS_CHECK enum vos_err writer_recover(struct cdr_writer *writer, struct vos_fault *fault);
/* The sign of life, into the batch. */
void writer_sign(struct cdr_writer *writer);
