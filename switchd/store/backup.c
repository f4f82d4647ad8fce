/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/backup_private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES     100 /* of names within one second */
#define MARK_NEW  ".new-"
#define MARK_GONE ".gone-"

static enum vos_err sync_folder(const char *path, struct vos_fault *fault)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int code = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return code ? file_fail(path, code, fault) : VOS_OK;
}

/* The folder of a copy with what it holds. Errors leave what is left for the next time. */
static void remove_copy(const char *path)
{
	static const char *const files[] = {"config.mdb", "bindings.mdb", BACKUP_INFO};
	char file[BACKUP_PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (backup_path(file, path, files[i], NULL, NULL) == VOS_OK)
			(void)unlink(file);
	(void)rmdir(path);
}

/* "/backups/.new-<host>-" */
static enum vos_err marked_path(const struct store *store, const char *folder, const char *mark,
				const char *name, char out[BACKUP_PATH_MAX],
				struct vos_fault *fault)
{
	char host[BACKUP_HOST_HEX + 1];
	char entry[BACKUP_NAME_MAX + 64];

	backup_host(store, host);
	snprintf(entry, sizeof(entry), "%s%s-%s", mark, host, name);
	return backup_path(out, folder, entry, NULL, fault);
}

/* What a switchd of this host that was killed has left half made or half removed. */
static void sweep(const struct store *store, const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char host[BACKUP_HOST_HEX + 1];
	char new_mark[64];
	char gone_mark[64];

	if (!dir)
		return;
	backup_host(store, host);
	snprintf(new_mark, sizeof(new_mark), "%s%s-", MARK_NEW, host);
	snprintf(gone_mark, sizeof(gone_mark), "%s%s-", MARK_GONE, host);
	while ((entry = readdir(dir)) != NULL) {
		char path[BACKUP_PATH_MAX];

		if (strncmp(entry->d_name, new_mark, strlen(new_mark)) != 0 &&
		    strncmp(entry->d_name, gone_mark, strlen(gone_mark)) != 0)
			continue;
		if (backup_path(path, folder, entry->d_name, NULL, NULL) == VOS_OK)
			remove_copy(path);
	}
	closedir(dir);
}

/* --- Making one. --- */

static enum vos_err copy_part(struct store *store, const char *folder, enum backup_part part,
			      struct backup_record *record, struct vos_fault *fault)
{
	struct env *env = part == BACKUP_CONFIG ? &store->config : &store->bindings;
	struct snapshot *snapshot = NULL;
	char path[BACKUP_PATH_MAX];
	uint64_t count;
	enum vos_err err = backup_path(path, folder, backup_part_file(part), NULL, fault);

	if (!err)
		err = env_copy(env, path, fault);
	if (!err)
		err = backup_hash(store, path, record->hashes[part], &record->sizes[part], fault);
	if (!err)
		err = backup_check_part(store, path, part, &count,
					part == BACKUP_CONFIG ? &snapshot : NULL, fault);
	if (snapshot) {
		record->info.generation = snapshot_generation(snapshot);
		snapshot_unref(snapshot);
	}
	return err;
}

/* Everything but the name. */
static enum vos_err fill(struct store *store, const char *path, struct backup_record *record,
			 struct vos_fault *fault)
{
	char info[BACKUP_PATH_MAX];
	enum vos_err err = VOS_OK;

	for (enum backup_part part = 0; !err && part < BACKUP_PARTS; part++)
		err = copy_part(store, path, part, record, fault);
	if (!err)
		err = backup_path(info, path, BACKUP_INFO, NULL, fault);
	if (!err)
		err = backup_info_write(store, info, record, fault);
	return err ? err : sync_folder(path, fault);
}

/* Gives the finished copy its name: the time and the generation, and a number when there is one of
 * that name already. */
static enum vos_err give_name(const char *path, const char *folder, struct backup_info *info,
			      struct vos_fault *fault)
{
	time_t seconds = (time_t)(info->time_ms / 1000);
	char stamp[32];
	struct tm tm;

	gmtime_r(&seconds, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (int i = 1; i <= TRIES; i++) {
		char final[BACKUP_PATH_MAX];
		char number[16] = "";
		enum vos_err err;

		if (i > 1)
			snprintf(number, sizeof(number), "-%d", i);
		snprintf(info->name, sizeof(info->name), "%s-g%llu%s", stamp,
			 (unsigned long long)info->generation, number);
		err = backup_path(final, folder, info->name, NULL, fault);
		if (err)
			return err;
		/* A folder is not put over one that has something in it. */
		if (rename(path, final) == 0)
			return sync_folder(folder, fault);
		if (errno != ENOTEMPTY && errno != EEXIST)
			return file_fail(final, errno, fault);
	}
	return file_fail(folder, EEXIST, fault);
}

enum vos_err backup_create(struct store *store, const char *folder, const char *author,
			   const char *comment, int64_t now_ms, struct backup_info *out,
			   struct vos_fault *fault)
{
	struct backup_record record = {.info = {.is_complete = true, .time_ms = now_ms}};
	char path[BACKUP_PATH_MAX];
	enum vos_err err;

	snprintf(record.info.author, sizeof(record.info.author), "%s", author);
	snprintf(record.info.comment, sizeof(record.info.comment), "%s", comment);
	if (mkdir(folder, 0700) != 0 && errno != EEXIST)
		return file_fail(folder, errno, fault);
	sweep(store, folder);
	err = marked_path(store, folder, MARK_NEW, "copy", path, fault);
	if (err)
		return err;
	if (mkdir(path, 0700) != 0)
		return file_fail(path, errno, fault);
	err = fill(store, path, &record, fault);
	if (!err)
		err = give_name(path, folder, &record.info, fault);
	if (err) {
		remove_copy(path);
		return err;
	}
	for (enum backup_part part = 0; part < BACKUP_PARTS; part++)
		record.info.size_bytes += record.sizes[part];
	*out = record.info;
	return VOS_OK;
}

/* --- Seeing what there is. --- */

/* Its files have the sizes that its record tells of. */
static bool has_files(const char *folder, const struct backup_record *record)
{
	char path[BACKUP_PATH_MAX];
	struct stat st;

	for (enum backup_part part = 0; part < BACKUP_PARTS; part++)
		if (backup_path(path, folder, record->info.name, backup_part_file(part), NULL) ||
		    stat(path, &st) != 0 || (uint64_t)st.st_size != record->sizes[part])
			return false;
	return true;
}

static int newest_first(const void *a, const void *b)
{
	const struct backup_info *left = a;
	const struct backup_info *right = b;

	if (left->time_ms != right->time_ms)
		return left->time_ms > right->time_ms ? -1 : 1;
	return strcmp(right->name, left->name);
}

/* False: it is no copy. */
static bool read_entry(struct store *store, const char *folder, const char *name,
		       struct backup_info *out)
{
	struct backup_record record;
	struct vos_fault fault = {0};
	enum vos_err err;

	if (name[0] == '.' || strlen(name) >= BACKUP_NAME_MAX)
		return false;
	err = backup_info_read(store, folder, name, &record, &fault);
	if (err == VOS_ENOENT)
		return false;
	memset(out, 0, sizeof(*out));
	if (!err)
		*out = record.info;
	span_copy(span_of(name), out->name, sizeof(out->name));
	out->is_complete = !err && has_files(folder, &record);
	return true;
}

enum vos_err backup_list(struct store *store, const char *folder, struct backup_info **out,
			 size_t *count, struct vos_fault *fault)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	struct backup_info *list = NULL;
	size_t room = 0;

	*out = NULL;
	*count = 0;
	if (!dir)
		return errno == ENOENT ? VOS_OK : file_fail(folder, errno, fault);
	while ((entry = readdir(dir)) != NULL) {
		if (*count == room) {
			struct backup_info *grown;

			room = room ? room * 2 : 16;
			grown = realloc(list, room * sizeof(*list));
			if (!grown) {
				free(list);
				closedir(dir);
				return file_fail(folder, ENOMEM, fault);
			}
			list = grown;
		}
		*count += read_entry(store, folder, entry->d_name, &list[*count]);
	}
	closedir(dir);
	if (*count)
		qsort(list, *count, sizeof(*list), newest_first);
	*out = list;
	return VOS_OK;
}

/* --- Reading one, removing old ones. --- */

static bool is_name(const char *name)
{
	return name[0] != '.' && !strchr(name, '/') && strlen(name) < BACKUP_NAME_MAX;
}

static enum vos_err check(struct store *store, const char *folder, const char *name,
			  struct backup_report *out, struct snapshot **snapshot,
			  struct vos_fault *fault)
{
	uint64_t *counts[BACKUP_PARTS] = {&out->config_records, &out->binding_records};
	struct backup_record record;
	enum vos_err err;

	*out = (struct backup_report){0};
	if (!is_name(name)) {
		fault_set(fault, FAULT_NOT_FOUND, 0, "there is no backup %s", name);
		return VOS_ENOENT;
	}
	err = backup_info_read(store, folder, name, &record, fault);
	/* The configuration last: what is loaded is not given back when the rest is damaged. */
	for (int part = BACKUP_PARTS - 1; !err && part >= 0; part--) {
		char hash[BACKUP_HASH_HEX + 1];
		char path[BACKUP_PATH_MAX];
		uint64_t size;

		err = backup_path(path, folder, name, backup_part_file((enum backup_part)part),
				  fault);
		if (!err)
			err = backup_hash(store, path, hash, &size, fault);
		if (!err &&
		    (size != record.sizes[part] || strcmp(hash, record.hashes[part]) != 0)) {
			fault_set(fault, FAULT_STATE, 0,
				  "%s is damaged: it is not what was copied; make another backup",
				  path);
			err = VOS_ECORRUPT;
		}
		if (!err)
			err = backup_check_part(store, path, (enum backup_part)part, counts[part],
						part == BACKUP_CONFIG ? snapshot : NULL, fault);
	}
	out->info = record.info;
	return err;
}

enum vos_err backup_verify(struct store *store, const char *folder, const char *name,
			   struct backup_report *out, struct vos_fault *fault)
{
	return check(store, folder, name, out, NULL, fault);
}

enum vos_err backup_load(struct store *store, const char *folder, const char *name,
			 struct snapshot **out, struct backup_info *info, struct vos_fault *fault)
{
	struct backup_report report;
	enum vos_err err = check(store, folder, name, &report, out, fault);

	*info = report.info;
	return err;
}

/* Out of the list first: a copy that is half removed is none. */
static enum vos_err drop(const struct store *store, const char *folder, const char *name,
			 struct vos_fault *fault)
{
	char path[BACKUP_PATH_MAX];
	char gone[BACKUP_PATH_MAX];
	enum vos_err err = backup_path(path, folder, name, NULL, fault);

	if (!err)
		err = marked_path(store, folder, MARK_GONE, name, gone, fault);
	if (err)
		return err;
	if (rename(path, gone) != 0)
		return file_fail(path, errno, fault);
	remove_copy(gone);
	return VOS_OK;
}

enum vos_err backup_prune(struct store *store, const char *folder, size_t keep, size_t *removed,
			  struct vos_fault *fault)
{
	struct backup_info *list;
	size_t count;
	size_t kept = 0;
	enum vos_err err = backup_list(store, folder, &list, &count, fault);

	*removed = 0;
	if (err)
		return err;
	sweep(store, folder);
	for (size_t i = 0; !err && i < count; i++) {
		if (!list[i].is_complete || kept++ < keep)
			continue;
		err = drop(store, folder, list[i].name, fault);
		*removed += !err;
	}
	free(list);
	return err;
}
