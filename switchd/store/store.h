/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder: LMDB environments for configuration and for bindings, the host key, the lock.
 *
 * Threads: store_open, _close, _thread_start and _thread_stop belong to the main thread.
 * Configuration may be read and committed from any thread, as a rule the control thread; one lock
 * serialises it, and a commit returns when it is on disk, so a signalling or media thread must not
 * ask for one. Bindings are written by the storage thread only (store_thread.c), under a lock of
 * their own.
 *
 * Key layout and an example database stand at the head of keys.h. Third-party boundary: lmdb.h is
 * included only in this folder. Not to be used across fork(2). */
#pragma once

#include "shared/base/log.h"
#include "shared/base/secret.h"
#include "shared/config/change.h"

struct alarms;
struct auth;
struct conf;
struct store;
struct location;

/* Opens or creates DIR (mode 0700, last component only), takes its lock file, clears stale readers,
 * reads or makes the host key. Faults say what to do: VOS_EINUSE another switchd, VOS_EPERM missing
 * right, VOS_ENOSPC full, VOS_ECORRUPT damaged, VOS_ENOENT no parent folder. `log` must outlive the
 * store. */
VOS_CHECK enum vos_err store_open(const struct log *log, const char *dir, struct store **out,
				  struct vos_fault *fault);
void store_close(struct store *store);
const struct secret_key *store_key(const struct store *store);
const char *store_dir(const struct store *store);

/* The stored configuration as a snapshot of its latest generation (an empty one, generation 0, when
 * new). Every record's check sum is verified: VOS_ECORRUPT names the key. */
VOS_CHECK enum vos_err store_load_config(struct store *store, struct snapshot **out,
					 struct vos_fault *fault);

struct generation_info {
	uint64_t number;
	int64_t time_ms;
	char author[64];
	char comment[256];
	size_t change_count;
};

/* One write transaction: values, generation record and its inverse. `before` is the latest stored
 * generation (else VOS_EINVAL, FAULT_CONFLICT_GENERATION), `after` is that plus the changes, with
 * the new generation number. Keeps the last 50 generations. Synchronous and fully synced. */
VOS_CHECK enum vos_err store_commit(struct store *store, const struct change_list *changes,
				    const struct snapshot *before, const struct snapshot *after,
				    const char *author, const char *comment, int64_t now_ms,
				    struct vos_fault *fault);

/* A generation that is taken back at a time unless somebody confirms it. */
struct store_confirm {
	uint64_t generation;
	int64_t until_ms;  /* wall time */
	int64_t period_ms; /* from the commit to until_ms: a clock that was set back adds nothing */
	char author[64];
};

/* store_commit that also stores, in the same transaction, that the generation waits for its
 * confirmation. `confirm` may be NULL; its generation is that of `after`. Any commit removes what
 * an earlier one has left waiting. */
VOS_CHECK enum vos_err
store_commit_confirmed(struct store *store, const struct change_list *changes,
		       const struct snapshot *before, const struct snapshot *after,
		       const char *author, const char *comment, int64_t now_ms,
		       const struct store_confirm *confirm, struct vos_fault *fault);
/* VOS_ENOENT: nothing waits. */
VOS_CHECK enum vos_err store_confirm_get(struct store *store, struct store_confirm *out);
/* Replaces what waits (another time), or ends the waiting (NULL). */
VOS_CHECK enum vos_err store_confirm_set(struct store *store, const struct store_confirm *confirm,
					 struct vos_fault *fault);

/* Newest first; returns how many, at most max. */
size_t store_generations(struct store *store, struct generation_info *out, size_t max);
/* The changes of a generation (inverse = what takes it back). VOS_ENOENT when it is not kept. */
VOS_CHECK enum vos_err store_generation_changes(struct store *store, uint64_t generation,
						bool inverse, struct change_list *out);

/* A word that belongs to an object beside its configuration, such as what an operator has said of a
 * gateway. An empty word removes it. Written at once, from any thread. */
VOS_CHECK enum vos_err store_mark_set(struct store *store, enum object_kind kind, const char *key,
				      const char *word, struct vos_fault *fault);
/* Calls fn for each. A record that is damaged is logged and passed over. */
typedef void store_mark_fn(void *context, enum object_kind kind, const char *key, const char *word);
VOS_CHECK enum vos_err store_marks(struct store *store, store_mark_fn *fn, void *context);

/* Bindings: loaded once at start (a damaged record is logged and passed over); then the storage
 * thread drains the table's dirty users once a second (or 10,000 records) into one transaction. */
VOS_CHECK enum vos_err store_load_bindings(struct store *store, struct location *location,
					   int64_t now_ms, size_t *count);
/* Suspensions and the dynamic black list: the same, for the auth that was set before the thread
 * starts. */
void store_set_auth(struct store *store, struct auth *auth);
VOS_CHECK enum vos_err store_load_suspensions(struct store *store, struct auth *auth,
					      int64_t now_ms, size_t *count);
VOS_CHECK enum vos_err store_load_black_list(struct store *store, struct auth *auth, int64_t now_ms,
					     size_t *count);
/* Where number pools stand in their order: put back into the conf's, and kept from then on. */
VOS_CHECK enum vos_err store_load_turns(struct store *store, const struct conf *conf);
/* Alarms: loaded once into a table that has none, before threads run, together with whether the run
 * before was stopped in order (this one is when the store is closed); then kept by the storage
 * thread as they change, or at once by who does not want to wait for it (any thread). */
VOS_CHECK enum vos_err store_load_alarms(struct store *store, struct alarms *alarms);
/* NULL is allowed. */
bool store_keep_alarms(struct store *store, struct alarms *alarms, struct vos_fault *fault);
/* Who hears of bindings that cannot be stored, and whose alarms are kept; before the thread starts.
 */
void store_set_alarms(struct store *store, struct alarms *alarms);
VOS_CHECK enum vos_err store_thread_start(struct store *store, struct location *location);
/* Writes what is pending and stops. */
void store_thread_stop(struct store *store);
