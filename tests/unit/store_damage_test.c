/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder when something is wrong with it: damage, missing rights, writes that fail. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/changes.h"
#include "tests/support/state_folder.h"

static char *read_file(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	char *bytes;
	long size;

	assert_non_null(file);
	assert_int_equal(fseek(file, 0, SEEK_END), 0);
	size = ftell(file);
	rewind(file);
	bytes = malloc((size_t)size + 1);
	assert_non_null(bytes);
	*len = fread(bytes, 1, (size_t)size, file);
	fclose(file);
	return bytes;
}

static void write_file(const char *path, const char *bytes, size_t len)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, len, file), len);
	assert_int_equal(fclose(file), 0);
}

#define DATA "state/config/data.mdb"

/* Opens and loads, and commits when that worked. True when the file was taken; the text is then
 * that of one of two generations. */
static bool try_damaged(const char *newest, const char *before)
{
	struct vos_fault fault = {0};
	struct snapshot *snapshot = NULL;
	struct store *store = NULL;
	enum vos_err err = store_open(&state_quiet, state_path("state"), &store, &fault);
	bool is_known;
	char *text;

	if (!err)
		err = store_load_config(store, &snapshot, &fault);
	if (err) {
		assert_int_equal(err, VOS_ECORRUPT);
		assert_true(strlen(fault.text) > 20);
		store_close(store);
		return false;
	}
	text = changes_text(snapshot);
	is_known = strcmp(text, newest) == 0 || strcmp(text, before) == 0;
	if (!is_known)
		print_message("read as:\n%s", text);
	assert_true(is_known);
	free(text);
	{
		struct change_list list = {0};

		changes_param(&list, "SS_SIP_SESSION_TTL", "777");
		changes_create(&list, "phone", "2000");
		state_commit(store, &snapshot, &list);
	}
	snapshot_unref(snapshot);
	store_close(store);
	return true;
}

/* One byte anywhere: refused, or of no account; never a crash, never other values. */
static void flipped_bytes_are_found(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct change_list list = {0};
	uint64_t random = 88172645463325252u;
	char *texts[2];
	size_t refused = 0;
	size_t len;
	char *bytes;

	(void)state;
	state_fill(&list);
	state_commit(store, &current, &list);
	texts[1] = changes_text(current);
	changes_delete(&list, "phone", "1001");
	state_commit(store, &current, &list);
	texts[0] = changes_text(current);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(state_path(DATA), &len);

	for (int i = 0; i < 600; i++) {
		size_t at;
		uint8_t bits;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		at = random % len;
		/* A third of them into the meta pages and the heads of pages. */
		if (i % 3 == 0)
			at = random % (len / 4096) * 4096 + random / 4096 % 152;
		bits = (uint8_t)(1u << (random >> 61));
		bytes[at] ^= (char)bits;
		write_file(state_path(DATA), bytes, len);
		bytes[at] ^= (char)bits;
		refused += !try_damaged(texts[0], texts[1]);
	}
	assert_true(refused > 50);
	free(bytes);
	free(texts[0]);
	free(texts[1]);
}

static void a_record_that_was_altered_is_named(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	size_t len;
	char *bytes;
	char *hit;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "Quixote");
	state_commit(store, &current, &list);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(state_path(DATA), &len);
	/* The object's record, not the generation's line about it. */
	hit = memmem(bytes, len, "name\tQuixote\n", 13);
	while (hit && memmem(hit - 40, 40, "o/phone/1001", 12) == NULL)
		hit = memmem(hit + 1, len - (size_t)(hit + 1 - bytes), "name\tQuixote\n", 13);
	assert_non_null(hit);
	hit[5] = 'X';
	write_file(state_path(DATA), bytes, len);
	free(bytes);
	store = state_open(&state_quiet);
	current = NULL;
	assert_int_equal(store_load_config(store, &current, &fault), VOS_ECORRUPT);
	assert_null(current);
	assert_non_null(strstr(fault.text, "record o/phone/1001 fails its check sum"));
	assert_non_null(strstr(fault.text, "backup"));
	store_close(store);
}

static void garbage_and_short_files_are_refused(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	char *texts[2];
	size_t len;
	char *bytes;

	(void)state;
	texts[1] = changes_text(current);
	state_fill(&list);
	state_commit(store, &current, &list);
	texts[0] = changes_text(current);
	snapshot_unref(current);
	store_close(store);
	bytes = read_file(state_path(DATA), &len);
	for (size_t size = 1; size < len; size += 1021) {
		write_file(state_path(DATA), bytes, size);
		try_damaged(texts[0], texts[1]);
	}
	write_file(state_path(DATA), bytes, 8192);
	assert_int_equal(state_try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "config/data.mdb is damaged"));
	memset(bytes, 'x', len);
	write_file(state_path(DATA), bytes, len);
	assert_int_equal(state_try_open(&fault), VOS_ECORRUPT);
	memset(bytes, 0, len);
	write_file(state_path(DATA), bytes, len);
	assert_int_equal(state_try_open(&fault), VOS_ECORRUPT);
	/* Nothing in it is as good as no file: LMDB makes it, and may be killed before it writes.
	 */
	write_file(state_path(DATA), bytes, 0);
	assert_int_equal(state_try_open(&fault), VOS_OK);
	free(bytes);
	free(texts[0]);
	free(texts[1]);
}

static void a_lost_key_is_refused(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct change_list list = {0};
	struct vos_fault fault = {0};

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	state_commit(store, &current, &list);
	snapshot_unref(current);
	store_close(store);
	write_file(state_path("state/host.key"), "short", 5);
	assert_int_equal(state_try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "is not 32 bytes long"));
	assert_int_equal(remove(state_path("state/host.key")), 0);
	assert_int_equal(state_try_open(&fault), VOS_ECORRUPT);
	assert_non_null(strstr(fault.text, "host.key is missing"));
	/* Another host's key opens the folder, and no record. */
	write_file(state_path("state/host.key"), "0123456789abcdef0123456789abcdef", 32);
	store = state_open(&state_quiet);
	assert_int_equal(store_load_config(store, &current, &fault), VOS_ECORRUPT);
	store_close(store);
}

/* In a child without root's rights; exits with the error's number. */
static int open_unprivileged(void)
{
	struct vos_fault fault = {0};

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return 100;
	return -(int)state_try_open(&fault);
}

static int in_child(int (*run)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void folders_that_cannot_be_written(void **state)
{
	(void)state;
	assert_int_equal(chmod(state_path(""), 0755), 0);
	assert_int_equal(mkdir(state_path("state"), 0700), 0);
	assert_int_equal(chmod(state_path("state"), 0555), 0);
	assert_int_equal(in_child(open_unprivileged), -VOS_EPERM);
	/* One level up. */
	assert_int_equal(remove(state_path("state")), 0);
	assert_int_equal(chmod(state_path(""), 0555), 0);
	assert_int_equal(in_child(open_unprivileged), -VOS_EPERM);
	assert_int_equal(chmod(state_path(""), 0700), 0);
}

/* No file may grow beyond some pages: what a full file system does, without one. */
static void a_failed_write_changes_nothing(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *after = NULL;
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct rlimit old;
	struct rlimit small;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	state_commit(store, &current, &list);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 32768;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	state_fill(&list);
	for (int i = 0; i < 500; i++) {
		char key[16];

		snprintf(key, sizeof(key), "3%03d", i);
		changes_create(&list, "phone", key);
	}
	assert_int_equal(snapshot_apply(current, &list, 2, &after, NULL), VOS_OK);
	assert_int_not_equal(store_commit(store, &list, current, after, "a", "", 1, &fault),
			     VOS_OK);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(strlen(fault.text) > 0);
	snapshot_unref(after);
	after = state_load(store);
	assert_int_equal(snapshot_generation(after), 1);
	snapshot_unref(after);
	/* The same process goes on once there is room. */
	state_commit(store, &current, &list);
	store_close(store);
	store = state_open(&state_quiet);
	after = state_load(store);
	assert_int_equal(snapshot_generation(after), 2);
	assert_int_equal(snapshot_object_count(after, OBJECT_PHONE), 540);
	snapshot_unref(after);
	snapshot_unref(current);
	store_close(store);
	signal(SIGXFSZ, SIG_DFL);
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, state_folder_make, state_folder_remove)

TEST_MAIN(STORE_TEST(flipped_bytes_are_found), STORE_TEST(a_record_that_was_altered_is_named),
	  STORE_TEST(garbage_and_short_files_are_refused), STORE_TEST(a_lost_key_is_refused),
	  STORE_TEST(folders_that_cannot_be_written), STORE_TEST(a_failed_write_changes_nothing))
