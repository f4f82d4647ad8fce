/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The open state folder. For switchd/store only. */
#pragma once

#include "switchd/store/env.h"
#include "switchd/store/keys.h"
#include "switchd/store/store.h"

struct store_thread;

struct store {
	const struct log *log;
	struct alarms *alarms;       /* may be NULL */
	bool has_run_mark;           /* it goes with the close */
	pthread_mutex_t alarms_lock; /* from the drain to the write */
	char *dir;
	int lock_fd;
	struct secret_key key;
	struct sum_key sum_key;
	struct env config;
	struct env bindings;
	struct store_thread *thread; /* NULL: not running */
	struct auth *auth;           /* whose suspensions and black list are kept; NULL: nobody's */
	struct live_table *live;     /* whose turns of number pools are kept; NULL: nobody's */
	uint64_t turns_sum;          /* of what was written last */
	uint64_t turns_due_us;
};

/* A stored record that cannot be used; fills the fault with where it stands and what to do. */
enum vos_err store_refuse_record(const struct env *env, struct span key, enum vos_err err,
				 const char *detail, struct vos_fault *fault);

/* store_load_config() of another environment that holds a configuration. */
VOS_CHECK enum vos_err store_load_config_from(struct store *store, struct env *env,
					      struct snapshot **out, struct vos_fault *fault);

/* The run is over in order. */
void store_end_run(struct store *store);

/* What waits for its confirmation, inside a transaction; NULL ends the waiting. 0 or a code of
 * LMDB. */
int store_put_confirm(struct store *store, MDB_txn *txn, MDB_dbi dbi,
		      const struct store_confirm *confirm);
/* In the storage thread: what changed of the suspensions. False: tried again at its next turn. */
bool store_write_suspensions(struct store *store, struct vos_fault *fault);
/* The same of the dynamic black list. */
bool store_write_black_list(struct store *store, struct vos_fault *fault);
/* Where number pools stand, once a minute. */
bool store_write_turns(struct store *store, uint64_t now_us, struct vos_fault *fault);
/* Inside a transaction: every record whose key begins so goes. 0 or a code of LMDB. */
int store_remove_all(MDB_txn *txn, MDB_dbi dbi, struct span prefix);
/* Gives each of them to take(). 0 or what LMDB said. */
typedef void store_record_fn(void *context, struct span key, struct span record);
int store_each(MDB_txn *txn, MDB_dbi dbi, struct span prefix, store_record_fn *take, void *context);
