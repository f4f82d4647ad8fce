/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records of calls on the disk: an environment of their own (DIR/cdr/), fully synced, so that a
 * commit of them waits for no commit of configuration, and the other way round.
 *
 *   o/<call, 16 hex>     a call that is up: what was known at its answer
 *   r/<number, 16 hex>   a record; numbers rise by one
 *   n/<name>             a number that is kept: how far somebody has come, the last sign of life
 *   t/<text>             a row of statistics (reports), the text its key
 *
 * All functions but the reading ones belong to the thread that stores records. Values are opaque
 * bytes here (cdr.h). */
#pragma once

#include "shared/base/buf.h"
#include "switchd/store/store.h"

struct cdr_store;

/* VOS_ECORRUPT and the like as store_open(). */
VOS_CHECK enum vos_err cdr_store_open(struct store *store, struct cdr_store **out,
				      struct vos_fault *fault);
void cdr_store_close(struct cdr_store *store);

/* --- Changes, collected and then written as one transaction. --- */

struct cdr_change {
	char space; /* 'o', 'r', 'n', 't' */
	bool is_removed;
	char key[96]; /* what stands behind the slash */
	size_t at;    /* of the value in the batch's bytes */
	size_t len;
};

struct cdr_batch {
	struct cdr_change *changes; /* in order; later ones win */
	size_t count;
	size_t room;
	struct buf bytes;
	uint64_t gone_from; /* records that go: gone_from <= number < gone_until */
	uint64_t gone_until;
	bool failed; /* out of memory */
};

void cdr_batch_free(struct cdr_batch *batch);
void cdr_batch_reset(struct cdr_batch *batch);
void cdr_batch_put(struct cdr_batch *batch, char space, const char *key, struct span value);
void cdr_batch_put_number(struct cdr_batch *batch, const char *name, uint64_t number);
void cdr_batch_remove(struct cdr_batch *batch, char space, const char *key);
/* Records with from <= number < until, also those that the batch puts; one range a batch. */
void cdr_batch_remove_records(struct cdr_batch *batch, uint64_t from, uint64_t until);
bool cdr_batch_is_empty(const struct cdr_batch *batch);
/* "00c0ffee00c0ffee" */
void cdr_number_key(uint64_t number, char out[17]);

VOS_CHECK enum vos_err cdr_store_write(struct cdr_store *store, const struct cdr_batch *batch,
				       struct vos_fault *fault);

/* --- Reading, by any thread. --- */

/* VOS_ENOENT: there is none. */
VOS_CHECK enum vos_err cdr_store_get(struct cdr_store *store, char space, const char *key,
				     struct buf *out);
/* 0 when there is none. */
uint64_t cdr_store_number(struct cdr_store *store, const char *name);
/* Of the records that there are; both 0 when there are none. */
VOS_CHECK enum vos_err cdr_store_range(struct cdr_store *store, uint64_t *first, uint64_t *last);

/* False ends the walk. */
typedef bool cdr_walk_fn(void *context, const char *key, struct span value);
/* Those of a space in the order of their keys, from the key on (""; for records a number key). The
 * function must not call the store. Damaged ones are logged and passed over. */
VOS_CHECK enum vos_err cdr_store_walk(struct cdr_store *store, char space, const char *from,
				      bool is_backward, cdr_walk_fn *fn, void *context);
