/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of lines typed before. */
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "vosctl/shell/history.h"

struct fixture {
	char folder[64];
	char path[96];
};

static int make_folder(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	strcpy(fixture->folder, "/tmp/vos-history-XXXXXX");
	if (!mkdtemp(fixture->folder))
		return -1;
	snprintf(fixture->path, sizeof(fixture->path), "%s/history", fixture->folder);
	*state = fixture;
	return 0;
}

static int remove_folder(void **state)
{
	struct fixture *fixture = *state;

	unlink(fixture->path);
	rmdir(fixture->folder);
	free(fixture);
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void file_is(const char *path, const char *expected)
{
	char text[256] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	text[fread(text, 1, sizeof(text) - 1, file)] = 0;
	fclose(file);
	assert_string_equal(text, expected);
}

static void lines_come_back(void **state)
{
	const struct fixture *fixture = *state;
	struct shell_history *history = shell_history_open(fixture->path);

	shell_history_add(history, "one");
	shell_history_add(history, "two \xc3\xa9");
	shell_history_add(history, "two \xc3\xa9");
	shell_history_add_unsaved(history, "not stored");
	shell_history_close(history);
	file_is(fixture->path, "one\ntwo \xc3\xa9\n");
	history = shell_history_open(fixture->path);
	assert_int_equal(shell_history_count(history), 2);
	assert_string_equal(shell_history_at(history, 1), "two \xc3\xa9");
	shell_history_close(history);
}

static void two_shells_append(void **state)
{
	const struct fixture *fixture = *state;
	struct shell_history *first = shell_history_open(fixture->path);
	struct shell_history *second = shell_history_open(fixture->path);

	shell_history_add(first, "a");
	shell_history_add(second, "b");
	shell_history_add(first, "c");
	shell_history_close(first);
	shell_history_close(second);
	file_is(fixture->path, "a\nb\nc\n");
}

static void file_is_private(void **state)
{
	const struct fixture *fixture = *state;
	struct shell_history *history;
	struct stat info;

	write_file(fixture->path, "old\n");
	assert_int_equal(chmod(fixture->path, 0644), 0);
	history = shell_history_open(fixture->path);
	assert_int_equal(shell_history_count(history), 1);
	shell_history_close(history);
	assert_int_equal(stat(fixture->path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
}

static void links_are_left_alone(void **state)
{
	const struct fixture *fixture = *state;
	struct shell_history *history;
	char target[128];

	snprintf(target, sizeof(target), "%s/target", fixture->folder);
	write_file(target, "other\n");
	assert_int_equal(symlink(target, fixture->path), 0);
	history = shell_history_open(fixture->path);
	assert_int_equal(shell_history_count(history), 0);
	shell_history_add(history, "line");
	assert_int_equal(shell_history_count(history), 1);
	shell_history_close(history);
	file_is(target, "other\n");
	unlink(target);
}

static size_t count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	size_t count = 0;

	for (int c = fgetc(file); c != EOF; c = fgetc(file))
		count += c == '\n';
	fclose(file);
	return count;
}

static void long_file_is_cut_back(void **state)
{
	const struct fixture *fixture = *state;
	struct buf text = buf_new();
	struct shell_history *history;
	char last[32];

	for (int i = 0; i < 2 * HISTORY_LINES_MAX; i++)
		buf_printf(&text, "line %d\n", i);
	write_file(fixture->path, buf_cstr(&text));
	shell_history_close(shell_history_open(fixture->path));
	assert_int_equal(count_lines(fixture->path), 2 * HISTORY_LINES_MAX);
	buf_add_str(&text, "one more\n");
	write_file(fixture->path, buf_cstr(&text));
	buf_free(&text);
	history = shell_history_open(fixture->path);
	assert_int_equal(shell_history_count(history), HISTORY_LINES_MAX);
	snprintf(last, sizeof(last), "line %d", HISTORY_LINES_MAX + 1);
	assert_string_equal(shell_history_at(history, 0), last);
	assert_string_equal(shell_history_at(history, HISTORY_LINES_MAX - 1), "one more");
	shell_history_close(history);
	assert_int_equal(count_lines(fixture->path), HISTORY_LINES_MAX);
}

static void works_without_a_file(void **state)
{
	struct shell_history *history = shell_history_open("");

	(void)state;
	shell_history_add(history, "line");
	assert_int_equal(shell_history_count(history), 1);
	shell_history_close(history);
	history = shell_history_open("/nowhere/at/all");
	shell_history_add(history, "line");
	assert_int_equal(shell_history_count(history), 1);
	shell_history_close(history);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

TEST_MAIN(WITH_FOLDER(lines_come_back), WITH_FOLDER(two_shells_append),
	  WITH_FOLDER(file_is_private), WITH_FOLDER(links_are_left_alone),
	  WITH_FOLDER(long_file_is_cut_back), cmocka_unit_test(works_without_a_file))
