/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One LMDB environment of the state folder, with its one lock.
 *
 * Caveats: the lock serialises everything in this process that uses the environment, readers too,
 * so that the map can be enlarged (no transaction may be open then). Transactions are short and
 * never outlive a call. An environment is not to be used across fork(2). */
#pragma once

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/span.h"

struct env {
	const struct log *log;
	MDB_env *mdb;
	MDB_dbi dbi;
	pthread_mutex_t lock;
	pthread_cond_t uncopied;
	unsigned copies; /* being made; the map stays as it is meanwhile */
	char *path;      /* folder */
	unsigned flags;
};

/* What a transaction does; 0 or a code of LMDB. It may run more than once. */
typedef int env_work_fn(MDB_txn *txn, MDB_dbi dbi, void *context);

/* Opens or makes the environment in the folder `path` (made when missing), after a check of its
 * data file. */
VOS_CHECK enum vos_err env_open(struct env *env, const struct log *log, const char *path,
				unsigned flags, struct vos_fault *fault);
void env_close(struct env *env);
/* One write transaction: commits what the work did when it returns 0, else aborts. A full map is
 * doubled and the work run again. */
VOS_CHECK enum vos_err env_write(struct env *env, env_work_fn *work, void *context,
				 struct vos_fault *fault);
/* One read transaction. */
VOS_CHECK enum vos_err env_read(struct env *env, env_work_fn *work, void *context,
				struct vos_fault *fault);
/* A compacted copy into a new file, on the disk when this returns. Others go on reading and writing
 * meanwhile, but for the one that finds the map full. On failure no file is left. */
VOS_CHECK enum vos_err env_copy(struct env *env, const char *file, struct vos_fault *fault);
/* A file that env_copy() made, for env_read() and env_close(); it is not checked before. */
VOS_CHECK enum vos_err env_open_copy(struct env *env, const struct log *log, const char *file,
				     struct vos_fault *fault);
/* Lets go of the pages of the map: all that a walk or many writes have touched would else count as
 * memory of the process for ever. The kernel keeps them as long as it has room. */
void env_forget_pages(struct env *env);
/* Fault and error of a code of LMDB or errno. `path` is where it happened. */
enum vos_err env_fail(const char *path, int code, struct vos_fault *fault);
/* The same for a folder or file that could not be made, opened or written. */
enum vos_err file_fail(const char *path, int code, struct vos_fault *fault);

static inline MDB_val env_val(struct span s)
{
	return (MDB_val){.mv_size = s.len, .mv_data = (void *)(uintptr_t)s.ptr};
}

static inline struct span env_span(MDB_val value)
{
	return (struct span){value.mv_data, value.mv_size};
}
