/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening and closing of the state folder: lock, host key, environments. */
#include "switchd/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switchd/conf/live.h"

#define PATH_LEN 4096

static enum vos_err join(const char *dir, const char *name, char out[PATH_LEN],
			 struct vos_fault *fault)
{
	if ((size_t)snprintf(out, PATH_LEN, "%s/%s", dir, name) >= PATH_LEN)
		return file_fail(dir, ENAMETOOLONG, fault);
	return VOS_OK;
}

enum vos_err store_refuse_record(const struct env *env, struct span key, enum vos_err err,
				 const char *detail, struct vos_fault *fault)
{
	if (err == VOS_ENOMEM)
		return file_fail(env->path, ENOMEM, fault);
	if (fault)
		snprintf(fault->path, sizeof(fault->path), "%s %.*s", env->path, SPAN_ARG(key));
	if (err == VOS_ECORRUPT)
		fault_set(fault, FAULT_INTERNAL, 0,
			  "%s: record %.*s fails its check sum: damaged, or written under another "
			  "host.key; restore the state folder from a backup",
			  env->path, SPAN_ARG(key));
	else
		fault_set(fault, FAULT_INTERNAL, 0,
			  "%s: record %.*s cannot be read by this version of switchd%s%s; use the "
			  "version that wrote it, or restore the state folder from a backup",
			  env->path, SPAN_ARG(key), *detail ? ": " : "", detail);
	return VOS_ECORRUPT;
}

/* Makes the folder's last component only: a wrong path must not grow a tree. */
static enum vos_err make_folder(const char *dir, struct vos_fault *fault)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		if (errno != ENOENT)
			return file_fail(dir, errno, fault);
		fault_set(fault, FAULT_STATE, 0,
			  "state folder %s cannot be made: its parent folder does not exist", dir);
		return VOS_ENOENT;
	}
	if (stat(dir, &st) != 0)
		return file_fail(dir, errno, fault);
	if (!S_ISDIR(st.st_mode))
		return file_fail(dir, ENOTDIR, fault);
	return VOS_OK;
}

static enum vos_err refuse_locked(struct store *store, struct vos_fault *fault)
{
	char pid[32] = "";
	ssize_t len = pread(store->lock_fd, pid, sizeof(pid) - 1, 0);

	pid[len > 0 ? len : 0] = '\0';
	pid[strcspn(pid, "\n")] = '\0';
	fault_set(fault, FAULT_STATE, 0,
		  "state folder %s is in use by switchd pid %s; stop it or give another --state",
		  store->dir, *pid ? pid : "unknown");
	return VOS_EINUSE;
}

static enum vos_err take_lock(struct store *store, struct vos_fault *fault)
{
	char path[PATH_LEN];
	char pid[32];
	int len;
	enum vos_err err = join(store->dir, "lock", path, fault);

	if (err)
		return err;
	store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (store->lock_fd < 0)
		return file_fail(path, errno, fault);
	if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return refuse_locked(store, fault);
		return file_fail(path, errno, fault);
	}
	len = snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(store->lock_fd, 0) != 0 || pwrite(store->lock_fd, pid, (size_t)len, 0) != len)
		return file_fail(path, errno ? errno : EIO, fault);
	return VOS_OK;
}

static enum vos_err refuse_key(const char *path, const char *why, struct vos_fault *fault)
{
	if (fault)
		snprintf(fault->path, sizeof(fault->path), "%.*s", FAULT_PATH_MAX - 1, path);
	fault_set(fault, FAULT_INTERNAL, 0,
		  "%s %s; restore it from a backup: without it neither secrets nor records can be "
		  "read",
		  path, why);
	return VOS_ECORRUPT;
}

static enum vos_err write_key(struct store *store, const char *path, struct vos_fault *fault)
{
	char temporary[PATH_LEN];
	enum vos_err err = join(store->dir, "host.key.new", temporary, fault);
	int dir_fd;
	int fd;

	if (err)
		return err;
	secret_key_random(&store->key);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return file_fail(temporary, errno, fault);
	if (write(fd, store->key.bytes, sizeof(store->key.bytes)) !=
		    (ssize_t)sizeof(store->key.bytes) ||
	    fsync(fd) != 0) {
		err = file_fail(temporary, errno ? errno : EIO, fault);
		close(fd);
		return err;
	}
	close(fd);
	if (rename(temporary, path) != 0)
		return file_fail(path, errno, fault);
	dir_fd = open(store->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0 || fsync(dir_fd) != 0)
		err = file_fail(store->dir, errno, fault);
	if (dir_fd >= 0)
		close(dir_fd);
	return err;
}

static bool has_config(const struct store *store)
{
	char path[PATH_LEN];
	struct stat st;

	return !join(store->dir, "config/data.mdb", path, NULL) && stat(path, &st) == 0 &&
	       st.st_size > 0;
}

static enum vos_err read_key(struct store *store, struct vos_fault *fault)
{
	uint8_t bytes[SECRET_KEY_BYTES + 1];
	char path[PATH_LEN];
	struct stat st;
	ssize_t len;
	int fd;
	enum vos_err err = join(store->dir, "host.key", path, fault);

	if (err)
		return err;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT) {
		if (has_config(store))
			return refuse_key(path, "is missing", fault);
		return write_key(store, path, fault);
	}
	if (fd < 0)
		return file_fail(path, errno, fault);
	if (fstat(fd, &st) == 0 && (st.st_mode & 077)) {
		log_warning(store->log, "store", "%s was readable for others; now mode 0600", path);
		if (fchmod(fd, 0600) != 0)
			log_error(store->log, "store", "%s: mode cannot be changed", path);
	}
	len = read(fd, bytes, sizeof(bytes));
	close(fd);
	if (len != SECRET_KEY_BYTES)
		return refuse_key(path, "is not 32 bytes long", fault);
	memcpy(store->key.bytes, bytes, sizeof(store->key.bytes));
	secret_wipe(bytes, sizeof(bytes));
	return VOS_OK;
}

static enum vos_err open_envs(struct store *store, struct vos_fault *fault)
{
	char path[PATH_LEN];
	enum vos_err err = join(store->dir, "config", path, fault);

	if (!err)
		err = env_open(&store->config, store->log, path, 0, fault);
	if (!err)
		err = join(store->dir, "bindings", path, fault);
	/* The last second of bindings may be lost, so their meta page needs no sync of its own. */
	if (!err)
		err = env_open(&store->bindings, store->log, path, MDB_NOMETASYNC, fault);
	return err;
}

enum vos_err store_open(const struct log *log, const char *dir, struct store **out,
			struct vos_fault *fault)
{
	struct store *store = calloc(1, sizeof(*store));
	enum vos_err err = VOS_ENOMEM;

	if (!store)
		goto out;
	store->log = log;
	store->lock_fd = -1;
	pthread_mutex_init(&store->alarms_lock, NULL);
	store->dir = strdup(dir);
	if (!store->dir || sodium_init() < 0)
		goto out;
	err = make_folder(dir, fault);
	if (!err)
		err = take_lock(store, fault);
	if (!err)
		err = read_key(store, fault);
	if (err)
		goto out;
	sum_key_derive(&store->key, &store->sum_key);
	err = open_envs(store, fault);
out:
	if (!err) {
		*out = store;
		return VOS_OK;
	}
	if (err == VOS_ENOMEM)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	store_close(store);
	return err;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	store_thread_stop(store);
	store_end_run(store);
	live_table_unref(store->live);
	env_close(&store->bindings);
	env_close(&store->config);
	if (store->lock_fd >= 0)
		close(store->lock_fd);
	secret_wipe(&store->key, sizeof(store->key));
	secret_wipe(&store->sum_key, sizeof(store->sum_key));
	pthread_mutex_destroy(&store->alarms_lock);
	free(store->dir);
	free(store);
}

const struct secret_key *store_key(const struct store *store)
{
	return &store->key;
}

const char *store_dir(const struct store *store)
{
	return store->dir;
}
