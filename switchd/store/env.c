/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "switchd/store/verify.h"

#define MAP_START   (1u << 20)
#define MAP_MAX     ((size_t)1 << 40)
#define MODE_FILE   0600
#define MODE_FOLDER 0700
/* What LMDB 0.9 needs for its standard number of readers, and room to spare. */
#define LOCK_FILE_BYTES 16384
/* With less room than this an error of writing is taken for a full file system, which LMDB reports
 * as an input/output error. */
#define ROOM_LEAST 65536u

static void set_path(struct vos_fault *fault, const char *path)
{
	if (fault)
		snprintf(fault->path, sizeof(fault->path), "%.*s", FAULT_PATH_MAX - 1, path);
}

static bool is_full(const char *path)
{
	struct statvfs fs;

	return statvfs(path, &fs) == 0 && (uint64_t)fs.f_bavail * fs.f_frsize < ROOM_LEAST;
}

enum vos_err file_fail(const char *path, int code, struct vos_fault *fault)
{
	set_path(fault, path);
	if (code == EIO && is_full(path))
		code = ENOSPC;
	switch (code) {
	case ENOMEM:
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	case EACCES:
	case EPERM:
	case EROFS:
		fault_set(
			fault, FAULT_STATE, 0,
			"%s cannot be written: %s; make it writable for the user that runs switchd",
			path, strerror(code));
		return VOS_EPERM;
	case ENOSPC:
	case EDQUOT:
		fault_set(fault, FAULT_STATE, 0, "no space left for %s; free some and try again",
			  path);
		return VOS_ENOSPC;
	case ENOENT:
	case ENOTDIR:
		fault_set(fault, FAULT_STATE, 0, "%s cannot be made: %s", path, strerror(code));
		return VOS_ENOENT;
	default:
		fault_set(fault, FAULT_INTERNAL, 0, "%s: %s", path, strerror(code));
		return VOS_EIO;
	}
}

static enum vos_err damaged(const char *path, const char *what, struct vos_fault *fault)
{
	set_path(fault, path);
	fault_set(fault, FAULT_INTERNAL, 0,
		  "%s/data.mdb is damaged (%s); restore the state folder from a backup, or move %s "
		  "away to begin without it",
		  path, what, path);
	return VOS_ECORRUPT;
}

enum vos_err env_fail(const char *path, int code, struct vos_fault *fault)
{
	switch (code) {
	case MDB_MAP_FULL:
		return file_fail(path, ENOSPC, fault);
	case MDB_CORRUPTED:
	case MDB_INVALID:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
	case MDB_PANIC:
	case MDB_INCOMPATIBLE:
		return damaged(path, mdb_strerror(code), fault);
	default:
		break;
	}
	if (code > 0)
		return file_fail(path, code, fault);
	set_path(fault, path);
	fault_set(fault, FAULT_INTERNAL, 0, "%s: %s", path, mdb_strerror(code));
	return VOS_EIO;
}

static int open_database(struct env *env)
{
	MDB_txn *txn;
	int code = mdb_txn_begin(env->mdb, NULL, 0, &txn);

	if (code)
		return code;
	code = mdb_dbi_open(txn, NULL, 0, &env->dbi);
	if (code) {
		mdb_txn_abort(txn);
		return code;
	}
	return mdb_txn_commit(txn);
}

/* LMDB maps its lock file for writing while it may have no blocks yet; on a full file system the
 * first touch would be a SIGBUS. So the blocks are had beforehand, or the lack of them is an error.
 */
static int reserve_lock_file(const char *path)
{
	char file[4096];
	int code;
	int fd;

	if ((size_t)snprintf(file, sizeof(file), "%s/lock.mdb", path) >= sizeof(file))
		return ENAMETOOLONG;
	fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE_FILE);
	if (fd < 0)
		return errno;
	code = posix_fallocate(fd, 0, LOCK_FILE_BYTES);
	close(fd);
	return code;
}

static int open_map(struct env *env)
{
	int stale;
	int code = reserve_lock_file(env->path);

	if (!code)
		code = mdb_env_create(&env->mdb);
	if (code)
		return code;
	code = mdb_env_set_mapsize(env->mdb, MAP_START);
	if (!code)
		code = mdb_env_open(env->mdb, env->path, env->flags, MODE_FILE);
	if (!code)
		code = mdb_reader_check(env->mdb, &stale);
	if (!code)
		code = open_database(env);
	if (code) {
		mdb_env_close(env->mdb);
		env->mdb = NULL;
	}
	return code;
}

static enum vos_err verify(const char *path, struct vos_fault *fault)
{
	char file[4096];
	char why[128] = "";
	enum vos_err err;

	if ((size_t)snprintf(file, sizeof(file), "%s/data.mdb", path) >= sizeof(file))
		return file_fail(path, ENAMETOOLONG, fault);
	err = lmdb_file_verify(file, why, sizeof(why));
	switch (err) {
	case VOS_OK:
		return VOS_OK;
	case VOS_ECORRUPT:
		return damaged(path, why, fault);
	case VOS_EPERM:
		return file_fail(file, EACCES, fault);
	case VOS_ENOMEM:
		return file_fail(file, ENOMEM, fault);
	default:
		return file_fail(file, EIO, fault);
	}
}

/* A file of no bytes is what a first start leaves that was killed at once, so it is no damage; but
 * it may also be what a copy gone wrong leaves, and then an empty configuration must not come as a
 * surprise. */
static void warn_of_empty(const struct log *log, const char *path)
{
	char file[4096];
	struct stat status;

	if ((size_t)snprintf(file, sizeof(file), "%s/data.mdb", path) < sizeof(file) &&
	    stat(file, &status) == 0 && status.st_size == 0)
		log_warning(log, "store", "%s has no bytes: taken as new and empty", file);
}

enum vos_err env_open(struct env *env, const struct log *log, const char *path, unsigned flags,
		      struct vos_fault *fault)
{
	enum vos_err err;
	int code;

	*env = (struct env){.log = log, .flags = flags};
	if (mkdir(path, MODE_FOLDER) != 0 && errno != EEXIST)
		return file_fail(path, errno, fault);
	err = verify(path, fault);
	if (err)
		return err;
	warn_of_empty(log, path);
	env->path = strdup(path);
	if (!env->path)
		return file_fail(path, ENOMEM, fault);
	code = open_map(env);
	if (code) {
		free(env->path);
		env->path = NULL;
		return env_fail(path, code, fault);
	}
	pthread_mutex_init(&env->lock, NULL);
	pthread_cond_init(&env->uncopied, NULL);
	return VOS_OK;
}

void env_close(struct env *env)
{
	if (!env->path)
		return;
	if (env->mdb)
		mdb_env_close(env->mdb);
	pthread_cond_destroy(&env->uncopied);
	pthread_mutex_destroy(&env->lock);
	free(env->path);
	*env = (struct env){0};
}

/* After a write of the meta page failed, LMDB refuses everything: what stands on disk is found out
 * by opening it anew. */
static int reopen(struct env *env)
{
	log_warning(env->log, "store", "%s: opened anew after a failed write", env->path);
	if (env->mdb)
		mdb_env_close(env->mdb);
	env->mdb = NULL;
	if (verify(env->path, NULL))
		return MDB_CORRUPTED;
	return open_map(env);
}

/* A copy reads the map from another thread; whoever wants to change it waits. The lock is held. */
static void wait_for_copies(struct env *env)
{
	while (env->copies)
		pthread_cond_wait(&env->uncopied, &env->lock);
}

static int begin(struct env *env, unsigned flags, MDB_txn **txn)
{
	int code = env->mdb ? mdb_txn_begin(env->mdb, NULL, flags, txn) : MDB_PANIC;

	if (code != MDB_PANIC)
		return code;
	wait_for_copies(env);
	code = reopen(env);
	return code ? code : mdb_txn_begin(env->mdb, NULL, flags, txn);
}

static int grow(struct env *env)
{
	MDB_envinfo info;
	size_t size;
	int code;

	wait_for_copies(env);
	code = env->mdb ? mdb_env_info(env->mdb, &info) : MDB_PANIC;
	if (code)
		return code;
	size = info.me_mapsize * 2;
	if (size > MAP_MAX)
		return MDB_MAP_FULL;
	code = mdb_env_set_mapsize(env->mdb, size);
	if (!code)
		log_info(env->log, "store", "%s: map grown to %zu MiB", env->path, size >> 20);
	return code;
}

enum vos_err env_write(struct env *env, env_work_fn *work, void *context, struct vos_fault *fault)
{
	enum vos_err err = VOS_OK;
	int code;

	pthread_mutex_lock(&env->lock);
	for (;;) {
		MDB_txn *txn;

		code = begin(env, 0, &txn);
		if (code)
			break;
		code = work(txn, env->dbi, context);
		/* The commit frees the transaction, also when it fails. */
		if (code)
			mdb_txn_abort(txn);
		else
			code = mdb_txn_commit(txn);
		if (code != MDB_MAP_FULL)
			break;
		code = grow(env);
		if (code)
			break;
	}
	if (code)
		err = env_fail(env->path, code, fault);
	pthread_mutex_unlock(&env->lock);
	return err;
}

enum vos_err env_read(struct env *env, env_work_fn *work, void *context, struct vos_fault *fault)
{
	enum vos_err err = VOS_OK;
	MDB_txn *txn;
	int code;

	pthread_mutex_lock(&env->lock);
	code = begin(env, MDB_RDONLY, &txn);
	if (!code) {
		code = work(txn, env->dbi, context);
		mdb_txn_abort(txn);
	}
	if (code)
		err = env_fail(env->path, code, fault);
	pthread_mutex_unlock(&env->lock);
	return err;
}

/* --- Copies. --- */

static int copy_to(struct env *env, int fd)
{
	int code;

	pthread_mutex_lock(&env->lock);
	if (!env->mdb) {
		pthread_mutex_unlock(&env->lock);
		return MDB_PANIC;
	}
	env->copies++;
	pthread_mutex_unlock(&env->lock);
	code = mdb_env_copyfd2(env->mdb, fd, MDB_CP_COMPACT);
	pthread_mutex_lock(&env->lock);
	if (--env->copies == 0)
		pthread_cond_broadcast(&env->uncopied);
	pthread_mutex_unlock(&env->lock);
	return code;
}

enum vos_err env_copy(struct env *env, const char *file, struct vos_fault *fault)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, MODE_FILE);
	int code;

	if (fd < 0)
		return file_fail(file, errno, fault);
	code = copy_to(env, fd);
	if (!code && fsync(fd) != 0)
		code = errno;
	if (close(fd) != 0 && !code)
		code = errno;
	if (!code)
		return VOS_OK;
	(void)unlink(file);
	return code > 0 ? file_fail(file, code, fault) : env_fail(env->path, code, fault);
}

enum vos_err env_open_copy(struct env *env, const struct log *log, const char *file,
			   struct vos_fault *fault)
{
	const unsigned flags = MDB_RDONLY | MDB_NOSUBDIR | MDB_NOLOCK;
	MDB_txn *txn;
	int code;

	*env = (struct env){.log = log, .flags = flags, .path = strdup(file)};
	if (!env->path)
		return file_fail(file, ENOMEM, fault);
	pthread_mutex_init(&env->lock, NULL);
	pthread_cond_init(&env->uncopied, NULL);
	code = mdb_env_create(&env->mdb);
	if (!code)
		code = mdb_env_open(env->mdb, file, flags, MODE_FILE);
	if (!code)
		code = mdb_txn_begin(env->mdb, NULL, MDB_RDONLY, &txn);
	if (!code) {
		code = mdb_dbi_open(txn, NULL, 0, &env->dbi);
		/* A commit keeps the handle. */
		if (code)
			mdb_txn_abort(txn);
		else
			code = mdb_txn_commit(txn);
	}
	if (!code)
		return VOS_OK;
	env_close(env);
	return env_fail(file, code, fault);
}
