/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state folder: what is kept over a restart and a kill -9. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/changes.h"
#include "tests/support/state_folder.h"

static void a_new_folder_is_made(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *snapshot = state_load(store);
	struct generation_info info;
	struct stat st;

	(void)state;
	assert_int_equal(snapshot_generation(snapshot), 0);
	assert_int_equal(store_generations(store, &info, 1), 0);
	assert_int_equal(stat(state_path("state"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(stat(state_path("state/host.key"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_size, SECRET_KEY_BYTES);
	snapshot_unref(snapshot);
	store_close(store);
}

static void the_key_stays(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct secret_key key = *store_key(store);

	(void)state;
	store_close(store);
	assert_int_equal(chmod(state_path("state/host.key"), 0644), 0);
	store = state_open(&state_quiet);
	assert_memory_equal(store_key(store)->bytes, key.bytes, sizeof(key.bytes));
	store_close(store);
	{
		struct stat st;

		assert_int_equal(stat(state_path("state/host.key"), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
	}
}

static void wrong_folders_are_refused(void **state)
{
	struct vos_fault fault = {0};
	struct store *store = NULL;
	int fd;

	(void)state;
	assert_int_equal(store_open(&state_quiet, state_path("no/state"), &store, &fault),
			 VOS_ENOENT);
	assert_non_null(strstr(fault.text, "parent folder does not exist"));
	assert_int_not_equal(access(state_path("no"), F_OK), 0);
	fd = open(state_path("file"), O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(store_open(&state_quiet, state_path("file"), &store, &fault), VOS_ENOENT);
	assert_null(store);
}

static void a_second_switchd_is_refused(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct vos_fault fault = {0};
	char wanted[512];

	(void)state;
	snprintf(wanted, sizeof(wanted),
		 "state folder %s is in use by switchd pid %ld; stop it or give another --state",
		 state_path("state"), (long)getpid());
	assert_int_equal(state_try_open(&fault), VOS_EINUSE);
	assert_string_equal(fault.text, wanted);
	store_close(store);
	assert_int_equal(state_try_open(&fault), VOS_OK);
}

static void what_was_committed_is_loaded(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *again;
	struct change_list list = {0};
	struct change_list diff = {0};
	struct generation_info info[3];
	char *wanted;
	char *got;

	(void)state;
	state_fill(&list);
	state_commit(store, &current, &list);
	changes_delete(&list, "phone", "1005");
	changes_param_reset(&list, "SS_SIP_SESSION_TTL");
	changes_field_reset(&list, "logging", "", "level", NULL);
	state_commit(store, &current, &list);
	store_close(store);

	store = state_open(&state_quiet);
	again = state_load(store);
	assert_int_equal(snapshot_generation(again), 2);
	wanted = changes_text(current);
	got = changes_text(again);
	assert_string_equal(got, wanted);
	assert_int_equal(snapshot_diff(current, again, &diff), VOS_OK);
	assert_int_equal(diff.count, 0);
	assert_int_equal(store_generations(store, info, 3), 2);
	assert_int_equal(info[0].number, 2);
	assert_int_equal(info[0].change_count, 3);
	assert_int_equal(info[1].number, 1);
	assert_string_equal(info[1].author, "alice");
	assert_string_equal(info[1].comment, "try\tthis\nout");
	assert_int_equal(info[1].time_ms, 1795219142000);
	free(wanted);
	free(got);
	snapshot_unref(current);
	snapshot_unref(again);
	store_close(store);
}

/* Every value the catalogue can print is read back: each enum word, each bound, each default. */
static void every_parameter_is_read_back(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *again;
	struct change_list list = {0};

	(void)state;
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct param *param = param_get((enum param_id)i);
		struct change change = {.op = CHANGE_PARAM_SET, .param = (enum param_id)i};
		struct buf text = buf_new();

		switch (param->spec.type) {
		case VALUE_BOOL:
			buf_add_str(&text, strcmp(param->default_text, "on") ? "on" : "off");
			break;
		case VALUE_ENUM:
			buf_add_str(&text, param->spec.words[param->spec.max]);
			break;
		case VALUE_INT:
		case VALUE_DURATION:
			buf_printf(&text, "%lld", (long long)param->spec.max);
			break;
		default:
			buf_add_str(&text, param->default_text);
			break;
		}
		if (value_parse(&param->spec, param->name, buf_span(&text), &change.value, NULL) ==
		    VOS_OK) {
			change.key = strdup("");
			assert_int_equal(change_list_add(&list, &change), VOS_OK);
		}
		buf_free(&text);
	}
	assert_true(list.count > 100);
	state_commit(store, &current, &list);
	again = state_load(store);
	assert_int_equal(snapshot_diff(current, again, &list), VOS_OK);
	assert_int_equal(list.count, 0);
	snapshot_unref(current);
	snapshot_unref(again);
	store_close(store);
}

static void fifty_generations_are_kept(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *before = NULL;
	struct generation_info info[60];
	struct change_list list = {0};
	struct snapshot *back;
	char *wanted;
	char *got;

	(void)state;
	for (int i = 1; i <= 200; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", 1000 + i % 7);
		if (i % 3 == 0 && snapshot_object_find(current, OBJECT_PHONE, span_of(key))) {
			changes_delete(&list, "phone", key);
		} else {
			changes_create(&list, "phone", key);
			changes_field(&list, "phone", key, "name", key);
			changes_field(&list, "phone", key, "forward-always", key);
		}
		snprintf(key, sizeof(key), "%d", 100 + i);
		changes_param(&list, "SS_SIP_SESSION_TTL", key);
		if (i == 200)
			before = snapshot_ref(current);
		state_commit(store, &current, &list);
	}
	assert_int_equal(store_generations(store, info, 60), 50);
	for (uint64_t i = 0; i < 50; i++)
		assert_int_equal(info[i].number, 200 - i);
	assert_int_equal(store_generations(store, info, 3), 3);
	assert_int_equal(store_generation_changes(store, 150, true, &list), VOS_ENOENT);
	assert_int_equal(store_generation_changes(store, 201, false, &list), VOS_ENOENT);
	assert_int_equal(store_generation_changes(store, 151, true, &list), VOS_OK);
	change_list_clear(&list);

	/* Taking back the last one gives the one before, and doing it again the last one. */
	assert_int_equal(store_generation_changes(store, 200, true, &list), VOS_OK);
	back = changes_apply(current, &list);
	wanted = changes_text(before);
	got = changes_text(back);
	assert_string_equal(got, wanted);
	free(wanted);
	free(got);
	assert_int_equal(store_generation_changes(store, 200, false, &list), VOS_OK);
	snapshot_unref(before);
	before = changes_apply(back, &list);
	assert_int_equal(snapshot_diff(before, current, &list), VOS_OK);
	assert_int_equal(list.count, 0);
	snapshot_unref(before);
	snapshot_unref(back);
	snapshot_unref(current);
	store_close(store);
}

static void a_stale_base_is_refused(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *old = snapshot_ref(current);
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct snapshot *after;

	(void)state;
	changes_param(&list, "SS_SIP_SESSION_TTL", "600");
	state_commit(store, &current, &list);
	changes_param(&list, "SS_SIP_SESSION_TTL", "700");
	assert_int_equal(snapshot_apply(old, &list, 2, &after, NULL), VOS_OK);
	assert_int_equal(store_commit(store, &list, old, after, "bob", "", 1, &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_CONFLICT_GENERATION);
	change_list_clear(&list);
	snapshot_unref(after);
	snapshot_unref(old);
	old = state_load(store);
	assert_int_equal(snapshot_generation(old), 1);
	assert_int_equal(snapshot_number(old, PARAM_SS_SIP_SESSION_TTL), 600);
	snapshot_unref(old);
	snapshot_unref(current);
	store_close(store);
}

/* Far more than the map begins with, in one commit. */
static void the_map_grows(void **state)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct snapshot *again;
	struct change_list list = {0};
	struct stat st;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char key[16];

		snprintf(key, sizeof(key), "%d", 100000 + i);
		changes_create(&list, "phone", key);
		changes_field(&list, "phone", key, "name", "a name of some length, to fill pages");
	}
	state_commit(store, &current, &list);
	assert_int_equal(stat(state_path("state/config/data.mdb"), &st), 0);
	assert_true(st.st_size > 2 << 20);
	store_close(store);
	store = state_open(&state_quiet);
	again = state_load(store);
	assert_int_equal(snapshot_object_count(again, OBJECT_PHONE), 20000);
	snapshot_unref(again);
	snapshot_unref(current);
	store_close(store);
}

/* Commits for ever; each is told to the parent when store_commit has returned. */
static void commit_for_ever(int out)
{
	struct store *store = state_open(&state_quiet);
	struct snapshot *current = state_load(store);
	struct change_list list = {0};

	for (;;) {
		uint64_t number = snapshot_generation(current) + 1;
		char key[32];

		snprintf(key, sizeof(key), "%llu", (unsigned long long)number);
		changes_create(&list, "phone", key);
		changes_param(&list, "SERVER_CDR_FILE_WRITE_MAX", key);
		state_commit(store, &current, &list);
		if (write(out, &number, sizeof(number)) != (ssize_t)sizeof(number))
			_exit(1);
	}
}

static void acknowledged_commits_survive_a_kill(void **state)
{
	uint64_t acknowledged = 0;

	(void)state;
	for (int round = 0; round < 8; round++) {
		uint64_t number = 0;
		struct snapshot *snapshot;
		struct generation_info info;
		struct store *store;
		int fds[2];
		pid_t pid;

		assert_int_equal(pipe(fds), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			close(fds[0]);
			commit_for_ever(fds[1]);
		}
		close(fds[1]);
		for (int i = 0; i < 3 + round * 5; i++)
			assert_int_equal(read(fds[0], &number, sizeof(number)), sizeof(number));
		kill(pid, SIGKILL);
		while (read(fds[0], &number, sizeof(number)) == (ssize_t)sizeof(number))
			acknowledged = number;
		close(fds[0]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		if (number > acknowledged)
			acknowledged = number;

		store = state_open(&state_quiet);
		snapshot = state_load(store);
		assert_true(snapshot_generation(snapshot) >= acknowledged);
		assert_true(snapshot_generation(snapshot) <= acknowledged + 1);
		assert_int_equal(snapshot_object_count(snapshot, OBJECT_PHONE),
				 snapshot_generation(snapshot));
		assert_int_equal(store_generations(store, &info, 1), 1);
		assert_int_equal(info.number, snapshot_generation(snapshot));
		snapshot_unref(snapshot);
		store_close(store);
	}
}

#define STORE_TEST(f) cmocka_unit_test_setup_teardown(f, state_folder_make, state_folder_remove)

TEST_MAIN(STORE_TEST(a_new_folder_is_made), STORE_TEST(the_key_stays),
	  STORE_TEST(wrong_folders_are_refused), STORE_TEST(a_second_switchd_is_refused),
	  STORE_TEST(what_was_committed_is_loaded), STORE_TEST(every_parameter_is_read_back),
	  STORE_TEST(fifty_generations_are_kept), STORE_TEST(a_stale_base_is_refused),
	  STORE_TEST(the_map_grows), STORE_TEST(acknowledged_commits_survive_a_kill))
