/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Journals of candidates: read back after any end, and nothing taken from a file that somebody has
 * touched. */
#include "switchd/store/journal.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/changes.h"
#include "tests/support/state_folder.h"
#include "tests/support/test.h"

static const struct journal_head owner = {
	.session = 17, .uid = 1000, .token = 0x8c1f00000000abcd, .base = 42};

static struct store *store;

static int start(void **state)
{
	if (state_folder_make(state) != 0)
		return -1;
	store = state_open(&state_quiet);
	return 0;
}

static int end(void **state)
{
	store_close(store);
	return state_folder_remove(state);
}

/* So many changes of phone names. */
static void add_names(struct journal *journal, int from, int count)
{
	for (int i = from; i < from + count; i++) {
		struct change_list list = {0};
		char name[32];

		snprintf(name, sizeof(name), "n%d with \\\\ it", i);
		changes_field(&list, "phone", "1001", "name", name);
		journal_add(journal, &list.items[0]);
		change_list_clear(&list);
	}
}

static struct journal *make(int names)
{
	struct vos_fault fault = {0};
	struct journal *journal;

	if (journal_create(store, &owner, &journal, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	add_names(journal, 0, names);
	assert_true(journal_flush(journal, &fault));
	return journal;
}

/* The one file there is. */
static char *path_of(char out[512])
{
	DIR *dir = opendir(state_path("state/candidates"));
	const struct dirent *entry;

	out[0] = '\0';
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			snprintf(out, 512, "%s/%.64s", state_path("state/candidates"),
				 entry->d_name);
	closedir(dir);
	return out;
}

struct loaded {
	int files;
	size_t changes;
	size_t changes_of[8];
	struct journal_head head;
	char last[64];
	bool takes; /* the journal goes on */
	struct journal *journal;
};

static bool take(void *context, const struct journal_head *head, struct change_list *changes,
		 struct journal *journal)
{
	struct loaded *loaded = context;
	const struct change *last = &changes->items[changes->count - 1];

	loaded->changes_of[loaded->files++ % 8] = changes->count;
	loaded->changes = changes->count;
	loaded->head = *head;
	if (last->op == CHANGE_FIELD_SET)
		snprintf(loaded->last, sizeof(loaded->last), "%s", last->value.text);
	if (loaded->takes)
		loaded->journal = journal;
	return loaded->takes;
}

static struct loaded load(bool takes)
{
	struct loaded loaded = {.takes = takes};

	journals_load(store, take, &loaded);
	return loaded;
}

static void read_back_as_written(void **state)
{
	struct journal_head other = owner;
	struct loaded loaded;
	char path[512];

	(void)state;
	journal_close(make(3), true);
	loaded = load(true);
	assert_int_equal(loaded.files, 1);
	assert_int_equal(loaded.changes, 3);
	assert_int_equal(loaded.head.session, 17);
	assert_int_equal(loaded.head.uid, 1000);
	assert_true(loaded.head.token == owner.token);
	assert_int_equal(loaded.head.base, 42);
	assert_int_equal(loaded.head.lost_ms, 0);
	assert_string_equal(loaded.last, "n2 with \\\\ it");
	/* It goes on where it was, under another session. */
	other.session = 18;
	other.lost_ms = 123456789;
	journal_set_session(loaded.journal, &other);
	add_names(loaded.journal, 3, 1);
	journal_close(loaded.journal, true);
	loaded = load(true);
	assert_int_equal(loaded.changes, 4);
	assert_int_equal(loaded.head.session, 18);
	assert_true(loaded.head.lost_ms == 123456789);
	/* The end of a candidate is the end of its file. */
	journal_close(loaded.journal, false);
	assert_string_equal(path_of(path), "");
	assert_int_equal(load(true).files, 0);
}

static void what_is_forgotten_does_not_come_back(void **state)
{
	struct journal *journal = make(3);
	struct loaded loaded;
	char path[512];

	(void)state;
	journal_restart(journal, 43);
	add_names(journal, 7, 1);
	journal_close(journal, true);
	loaded = load(true);
	assert_int_equal(loaded.changes, 1);
	assert_int_equal(loaded.head.base, 43);
	assert_string_equal(loaded.last, "n7 with \\\\ it");
	/* Without changes there is nothing to keep. */
	journal_restart(loaded.journal, 44);
	journal_close(loaded.journal, true);
	assert_int_equal(load(true).files, 0);
	assert_string_equal(path_of(path), "");
}

static off_t size_of(const char *path)
{
	struct stat info;

	assert_int_equal(stat(path, &info), 0);
	return info.st_size;
}

/* Cut anywhere, the changes in front of the cut are there. */
static void a_torn_end_costs_no_more_than_itself(void **state)
{
	char path[512];
	off_t size;
	size_t most = 0;

	(void)state;
	journal_close(make(4), true);
	size = size_of(path_of(path));
	for (off_t cut = size; cut >= 0; cut--) {
		struct loaded loaded;

		assert_int_equal(truncate(path, cut), 0);
		loaded = load(true);
		if (!loaded.files)
			break; /* the file is gone: no change was left in it */
		if (cut == size)
			most = loaded.changes;
		assert_true(loaded.changes <= most);
		most = loaded.changes;
		/* What is added now is read too, behind the last whole frame. */
		add_names(loaded.journal, 90, 1);
		journal_close(loaded.journal, true);
		loaded = load(true);
		assert_int_equal(loaded.changes, most + 1);
		assert_string_equal(loaded.last, "n90 with \\\\ it");
		journal_close(loaded.journal, true);
		assert_int_equal(truncate(path, cut), 0);
	}
	assert_int_equal(most, 1);
}

static void not_a_byte_can_be_changed(void **state)
{
	char path[512];
	off_t size;

	(void)state;
	journal_close(make(2), true);
	size = size_of(path_of(path));
	for (off_t at = 0; at < size; at++) {
		struct loaded loaded;
		uint8_t byte;
		int fd = open(path, O_RDWR);

		/* The file is remade when a change in front has cost it all. */
		if (fd < 0) {
			journal_close(make(2), true);
			fd = open(path_of(path), O_RDWR);
		}
		assert_true(fd >= 0);
		assert_int_equal(pread(fd, &byte, 1, at), 1);
		byte ^= 0x10;
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		close(fd);
		loaded = load(true);
		assert_true(loaded.files == 0 || loaded.changes == 1);
		if (loaded.files) {
			assert_int_equal(loaded.head.uid, 1000);
			journal_close(loaded.journal, false);
		}
	}
}

static void a_file_under_another_name_is_none(void **state)
{
	char path[512];
	char other[512];

	(void)state;
	journal_close(make(2), true);
	path_of(path);
	snprintf(other, sizeof(other), "%s/0123456789abcdef", state_path("state/candidates"));
	assert_int_equal(rename(path, other), 0);
	assert_int_equal(load(true).files, 0);
	assert_int_equal(access(other, F_OK), -1);
}

static void the_last_changed_comes_last(void **state)
{
	const struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	struct loaded loaded;
	char path[512];

	(void)state;
	journal_close(make(2), true);
	assert_int_equal(utimensat(AT_FDCWD, path_of(path), times, 0), 0);
	journal_close(make(5), true);
	loaded = load(false);
	assert_int_equal(loaded.files, 2);
	assert_int_equal(loaded.changes_of[0], 2);
	assert_int_equal(loaded.changes_of[1], 5);
	assert_string_equal(path_of(path), "");
}

/* Forgetting again and again does not make the file longer for ever, and when it begins anew, all
 * of it is there. */
static void a_long_file_begins_anew(void **state)
{
	struct vos_fault fault = {0};
	struct journal *journal = make(1);
	struct loaded loaded;
	char path[512];

	(void)state;
	for (int round = 0; round < 10; round++) {
		journal_restart(journal, 100 + (uint64_t)round);
		add_names(journal, 0, 4000);
		assert_true(journal_flush(journal, &fault));
		assert_true(size_of(path_of(path)) < 2 * 1024 * 1024);
	}
	journal_close(journal, true);
	loaded = load(true);
	assert_int_equal(loaded.changes, 4000);
	assert_int_equal(loaded.head.base, 109);
	assert_int_equal(loaded.head.session, 17);
	journal_close(loaded.journal, false);
}

static void what_cannot_be_written_is_told_once(void **state)
{
	struct vos_fault fault = {0};
	struct journal *journal;
	char path[512];
	char folder[512];
	struct rlimit small = {.rlim_cur = 4096};
	struct rlimit before;
	int fd;

	(void)state;
	snprintf(folder, sizeof(folder), "%s", state_path("state/candidates"));
	fd = open(folder, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_int_not_equal(journal_create(store, &owner, &journal, &fault), VOS_OK);
	assert_non_null(strstr(fault.text, "candidates"));
	assert_int_equal(unlink(folder), 0);
	/* No room: half a frame is written, and then nothing. */
	journal = make(1);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small.rlim_max = before.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	add_names(journal, 0, 500);
	fault = (struct vos_fault){0};
	assert_false(journal_flush(journal, &fault));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_non_null(strstr(fault.text, "would not outlive"));
	fault = (struct vos_fault){0};
	add_names(journal, 0, 1);
	assert_false(journal_flush(journal, &fault));
	assert_int_equal(fault.code, FAULT_NONE);
	journal_close(journal, true);
	assert_string_equal(path_of(path), "");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, start, end)

TEST_MAIN(WITH_STORE(read_back_as_written), WITH_STORE(what_is_forgotten_does_not_come_back),
	  WITH_STORE(a_torn_end_costs_no_more_than_itself), WITH_STORE(not_a_byte_can_be_changed),
	  WITH_STORE(a_file_under_another_name_is_none), WITH_STORE(the_last_changed_comes_last),
	  WITH_STORE(a_long_file_begins_anew), WITH_STORE(what_cannot_be_written_is_told_once))
