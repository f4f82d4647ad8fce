/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of the state folder: complete or not there, and no byte of them changes unseen. */
#include "switchd/store/backup.h"

#include "tests/support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/changes.h"
#include "tests/support/state_folder.h"

#define TIME_MS 1795219142000 /* 2026-11-20T23:59:02Z */
#define STAMP   "20261120T235902Z"

static char folder[256];

static int make(void **state)
{
	int code = state_folder_make(state);

	snprintf(folder, sizeof(folder), "%s", state_path("backups"));
	return code;
}

static struct store *open_filled(struct snapshot **current)
{
	struct store *store = state_open(&state_quiet);
	struct change_list list = {0};

	*current = state_load(store);
	state_fill(&list);
	state_commit(store, current, &list);
	return store;
}

static struct backup_info create(struct store *store, int64_t now_ms, const char *comment)
{
	struct vos_fault fault = {0};
	struct backup_info info;

	if (backup_create(store, folder, "alice", comment, now_ms, &info, &fault))
		fail_msg("%s", fault.text);
	return info;
}

static size_t list_all(struct store *store, struct backup_info **list)
{
	struct vos_fault fault = {0};
	size_t count;

	if (backup_list(store, folder, list, &count, &fault))
		fail_msg("%s", fault.text);
	return count;
}

static size_t count_all(struct store *store)
{
	struct backup_info *list;
	size_t count = list_all(store, &list);

	free(list);
	return count;
}

static enum vos_err verify(struct store *store, const char *name)
{
	struct backup_report report;
	struct vos_fault fault = {0};
	enum vos_err err = backup_verify(store, folder, name, &report, &fault);

	if (err)
		assert_true(fault.text[0] != '\0');
	return err;
}

/* Entries of the folder, those with a dot in front too. */
static size_t count_entries(void)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t count = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
	closedir(dir);
	return count;
}

static const char *file_of(const char *name, const char *file)
{
	static char path[512];

	snprintf(path, sizeof(path), "%s/%s%s%s", folder, name, file ? "/" : "", file ? file : "");
	return path;
}

static void a_copy_is_what_was_there(void **state)
{
	struct snapshot *current;
	struct store *store = open_filled(&current);
	struct backup_info info = create(store, TIME_MS, "before the\tmove");
	struct backup_report report;
	struct snapshot *loaded = NULL;
	struct vos_fault fault = {0};
	struct change_list diff = {0};

	(void)state;
	assert_string_equal(info.name, STAMP "-g1");
	assert_true(info.is_complete);
	assert_int_equal(info.generation, 1);
	assert_int_equal(backup_verify(store, folder, info.name, &report, &fault), VOS_OK);
	assert_string_equal(report.info.comment, "before the\tmove");
	assert_string_equal(report.info.author, "alice");
	assert_int_equal(report.info.time_ms, TIME_MS);
	assert_int_equal(report.info.size_bytes, info.size_bytes);
	/* 42 objects, the switch, logging, 5 parameters, a generation and its number. */
	assert_true(report.config_records >= 49);
	assert_int_equal(report.binding_records, 0);
	assert_int_equal(backup_load(store, folder, info.name, &loaded, &info, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(loaded), 1);
	assert_int_equal(snapshot_diff(current, loaded, &diff), VOS_OK);
	assert_int_equal(diff.count, 0);
	snapshot_unref(loaded);
	snapshot_unref(current);
	store_close(store);
}

static void bindings_are_in_it(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct backup_report report;
	struct vos_fault fault = {0};

	(void)state;
	assert_int_equal(store_mark_set(store, OBJECT_ROUTING_GATEWAY, "a", "draining", &fault),
			 VOS_OK);
	create(store, TIME_MS, "");
	assert_int_equal(backup_verify(store, folder, STAMP "-g0", &report, &fault), VOS_OK);
	assert_int_equal(report.binding_records, 1);
	store_close(store);
}

static void the_newest_comes_first(void **state)
{
	struct snapshot *current;
	struct store *store = open_filled(&current);
	struct backup_info *list;

	(void)state;
	assert_int_equal(count_all(store), 0);
	create(store, TIME_MS, "second");
	create(store, TIME_MS + 5000, "third");
	create(store, TIME_MS - 1000, "first");
	create(store, TIME_MS, "second too");
	assert_int_equal(list_all(store, &list), 4);
	assert_string_equal(list[0].comment, "third");
	assert_string_equal(list[1].name, STAMP "-g1-2");
	assert_string_equal(list[2].name, STAMP "-g1");
	assert_string_equal(list[3].comment, "first");
	for (int i = 0; i < 4; i++) {
		assert_true(list[i].is_complete);
		assert_int_equal(verify(store, list[i].name), VOS_OK);
	}
	free(list);
	snapshot_unref(current);
	store_close(store);
}

static void other_names_are_none(void **state)
{
	static const char *const names[] = {"nope", "", ".", "..", "../state", ".new-x", "a/b"};
	struct store *store = state_open(&state_quiet);

	(void)state;
	create(store, TIME_MS, "");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(verify(store, names[i]), VOS_ENOENT);
	/* What else lies there is not listed. */
	assert_int_equal(mkdir(file_of("of somebody", NULL), 0700), 0);
	assert_int_equal(count_all(store), 1);
	store_close(store);
}

static void flip(const char *path, off_t at)
{
	int fd = open(path, O_RDWR);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}

static void a_flipped_byte_is_found(void **state)
{
	static const struct {
		const char *file;
		off_t step;
	} files[] = {{"info", 1}, {"config.mdb", 211}, {"bindings.mdb", 97}};
	struct snapshot *current;
	struct store *store = open_filled(&current);
	struct backup_info info = create(store, TIME_MS, "");

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *path = file_of(info.name, files[i].file);
		struct stat st;

		assert_int_equal(stat(path, &st), 0);
		assert_true(st.st_size > 0);
		for (off_t at = 0; at < st.st_size; at += files[i].step) {
			flip(path, at);
			assert_int_equal(verify(store, info.name), VOS_ECORRUPT);
			flip(path, at);
		}
	}
	assert_int_equal(verify(store, info.name), VOS_OK);
	snapshot_unref(current);
	store_close(store);
}

static void a_short_file_is_found(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct backup_info info = create(store, TIME_MS, "");
	struct backup_info *list;
	struct stat st;

	(void)state;
	assert_int_equal(stat(file_of(info.name, "bindings.mdb"), &st), 0);
	assert_int_equal(truncate(file_of(info.name, "bindings.mdb"), st.st_size - 1), 0);
	assert_int_equal(verify(store, info.name), VOS_ECORRUPT);
	assert_int_equal(list_all(store, &list), 1);
	assert_false(list[0].is_complete);
	free(list);
	assert_int_equal(unlink(file_of(info.name, "config.mdb")), 0);
	assert_int_not_equal(verify(store, info.name), VOS_OK);
	store_close(store);
}

static void the_oldest_go(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct vos_fault fault = {0};
	struct backup_info *list;
	size_t removed;

	(void)state;
	for (int i = 0; i < 5; i++)
		create(store, TIME_MS + i * 1000, "");
	/* One that is damaged is neither counted nor touched. */
	flip(file_of("20261120T235905Z-g0", "info"), 40);
	assert_int_equal(backup_prune(store, folder, 2, &removed, &fault), VOS_OK);
	assert_int_equal(removed, 2);
	assert_int_equal(list_all(store, &list), 3);
	assert_string_equal(list[0].name, "20261120T235906Z-g0");
	assert_string_equal(list[1].name, "20261120T235904Z-g0");
	assert_false(list[2].is_complete);
	free(list);
	assert_int_equal(backup_prune(store, folder, 2, &removed, &fault), VOS_OK);
	assert_int_equal(removed, 0);
	assert_int_equal(count_entries(), 3);
	store_close(store);
}

/* A copy of another switch in a shared folder: seen, not used, not removed. */
static void another_host(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct vos_fault fault = {0};
	struct backup_info *list;
	char first[256];
	size_t removed;

	(void)state;
	create(store, TIME_MS, "");
	store_close(store);
	snprintf(first, sizeof(first), "%s", state_path("first"));
	assert_int_equal(rename(state_path("state"), first), 0);
	assert_int_equal(mkdir(file_of(".new-0123456789abcdef-copy", NULL), 0700), 0);
	store = state_open(&state_quiet);
	assert_int_equal(list_all(store, &list), 1);
	assert_false(list[0].is_complete);
	free(list);
	assert_int_equal(verify(store, STAMP "-g0"), VOS_ECORRUPT);
	create(store, TIME_MS + 1000, "");
	assert_int_equal(backup_prune(store, folder, 1, &removed, &fault), VOS_OK);
	assert_int_equal(removed, 0);
	assert_int_equal(count_entries(), 3);
	store_close(store);
}

static void wrong_folders(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct vos_fault fault = {0};
	struct backup_info info;
	struct backup_info *list;
	size_t count;
	int fd;

	(void)state;
	assert_int_equal(
		backup_create(store, state_path("no/backups"), "", "", TIME_MS, &info, &fault),
		VOS_ENOENT);
	assert_non_null(strstr(fault.text, "no/backups"));
	fd = open(state_path("file"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(backup_create(store, state_path("file"), "", "", TIME_MS, &info, &fault),
			 VOS_ENOENT);
	assert_int_equal(backup_list(store, state_path("file"), &list, &count, &fault), VOS_ENOENT);
	/* A folder that is not there has no copies. */
	assert_int_equal(backup_list(store, state_path("nowhere"), &list, &count, &fault), VOS_OK);
	assert_int_equal(count, 0);
	free(list);
	store_close(store);
}

/* As on a full disk: the child may not write files longer than that. */
static int create_with_limit(rlim_t bytes)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		const struct rlimit limit = {bytes, bytes};
		struct store *store = state_open(&state_quiet);
		struct vos_fault fault = {0};
		struct backup_info info;

		signal(SIGXFSZ, SIG_IGN);
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			_exit(100);
		_exit((int)backup_create(store, folder, "", "", TIME_MS, &info, &fault));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void no_room(void **state)
{
	struct snapshot *current;
	struct store *store = open_filled(&current);
	off_t sizes[3];
	static const char *const files[] = {"config.mdb", "bindings.mdb", "info"};
	struct stat st;

	(void)state;
	create(store, TIME_MS, "");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(stat(file_of(STAMP "-g1", files[i]), &st), 0);
		sizes[i] = st.st_size;
	}
	snapshot_unref(current);
	store_close(store);
	/* The first file, the second, and the record in the end do not fit. */
	for (int i = 0; i < 3; i++) {
		assert_int_not_equal(create_with_limit((rlim_t)sizes[i] - 1), VOS_OK);
		assert_int_equal(count_entries(), 1);
	}
	assert_int_equal(create_with_limit(RLIM_INFINITY), VOS_OK);
	assert_int_equal(count_entries(), 2);
}

/* kill -9 at any moment of making and removing copies. */
static void killed(void **state)
{
	struct snapshot *current;
	struct store *store = open_filled(&current);
	struct vos_fault fault = {0};
	size_t interrupted = 0;
	size_t removed;

	(void)state;
	snapshot_unref(current);
	store_close(store);
	for (int round = 0; round < 60; round++) {
		struct backup_info *list;
		size_t count;
		int pipe_fds[2];
		char byte;
		pid_t child;

		assert_int_equal(pipe(pipe_fds), 0);
		child = fork();
		if (child == 0) {
			struct backup_info info;

			store = state_open(&state_quiet);
			if (write(pipe_fds[1], "", 1) != 1)
				_exit(1);
			for (int i = 0;; i++) {
				if (backup_create(store, folder, "", "", TIME_MS + i * 1000, &info,
						  &fault) ||
				    backup_prune(store, folder, 3, &removed, &fault))
					_exit(1);
			}
		}
		assert_int_equal(read(pipe_fds[0], &byte, 1), 1);
		usleep((useconds_t)(round * 97 % 4000));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		close(pipe_fds[0]);
		close(pipe_fds[1]);

		store = state_open(&state_quiet);
		count = list_all(store, &list);
		interrupted += count_entries() > count;
		for (size_t i = 0; i < count; i++) {
			assert_true(list[i].is_complete);
			assert_int_equal(verify(store, list[i].name), VOS_OK);
		}
		free(list);
		/* What was left half made goes. */
		assert_int_equal(backup_prune(store, folder, 3, &removed, &fault), VOS_OK);
		assert_int_equal(count_entries(), count_all(store));
		store_close(store);
	}
	assert_true(interrupted > 0);
}

#define COPIES 20

static void *make_copies(void *context)
{
	struct store *store = context;

	for (int i = 0; i < COPIES; i++)
		create(store, TIME_MS + i * 1000, "");
	return NULL;
}

/* Copies while commits make the map grow: each copy is one generation, whole. */
static void while_it_changes(void **state)
{
	struct snapshot *current;
	struct store *store = open_filled(&current);
	struct backup_info *list;
	pthread_t thread;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, make_copies, store), 0);
	for (int round = 0; round < 30; round++) {
		struct change_list list_of_round = {0};

		for (int i = 0; i < 200; i++) {
			char key[16];

			snprintf(key, sizeof(key), "2%02d%03d", round, i);
			changes_create(&list_of_round, "phone", key);
			changes_field(&list_of_round, "phone", key, "name",
				      "a name of some length, so that many pages are filled");
		}
		state_commit(store, &current, &list_of_round);
	}
	pthread_join(thread, NULL);
	assert_int_equal(list_all(store, &list), COPIES);
	for (int i = 0; i < COPIES; i++) {
		struct snapshot *loaded = NULL;
		struct backup_info info;
		struct vos_fault fault = {0};

		assert_int_equal(backup_load(store, folder, list[i].name, &loaded, &info, &fault),
				 VOS_OK);
		assert_int_equal(snapshot_object_count(loaded, OBJECT_PHONE),
				 40 + 200 * (snapshot_generation(loaded) - 1));
		assert_int_equal(snapshot_generation(loaded), list[i].generation);
		snapshot_unref(loaded);
	}
	free(list);
	snapshot_unref(current);
	store_close(store);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make, state_folder_remove)

TEST_MAIN(IN_A_FOLDER(a_copy_is_what_was_there), IN_A_FOLDER(bindings_are_in_it),
	  IN_A_FOLDER(the_newest_comes_first), IN_A_FOLDER(other_names_are_none),
	  IN_A_FOLDER(a_flipped_byte_is_found), IN_A_FOLDER(a_short_file_is_found),
	  IN_A_FOLDER(the_oldest_go), IN_A_FOLDER(another_host), IN_A_FOLDER(wrong_folders),
	  IN_A_FOLDER(no_room), IN_A_FOLDER(killed), IN_A_FOLDER(while_it_changes))
