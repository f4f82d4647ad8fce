/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit file: kept, bounded, read back newest first, and whole after a crash. */
#include "switchd/ctl/audit.h"

#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/vos-audit-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static char *file_name(int number, char out[96])
{
	if (number)
		snprintf(out, 96, "%s/audit.log.%d", dir, number);
	else
		snprintf(out, 96, "%s/audit.log", dir);
	return out;
}

static int remove_dir(void **state)
{
	char path[96];

	(void)state;
	for (int i = 0; i <= AUDIT_OLD + 1; i++)
		unlink(file_name(i, path));
	return rmdir(dir);
}

static void append(struct audit *audit, int from, int count)
{
	for (int i = from; i < from + count; i++) {
		char line[32];

		snprintf(line, sizeof(line), "{\"n\":%06d}", i);
		audit_append(audit, span_of(line));
	}
}

/* The last lines, which have to be numbered from..from+count-1. */
static void assert_last(const struct audit *audit, uint64_t last, int from, int count)
{
	struct audit_reader reader;
	struct span line;

	audit_read_open(&reader, audit, last);
	for (int i = from; i < from + count; i++) {
		char wanted[32];

		snprintf(wanted, sizeof(wanted), "{\"n\":%06d}", i);
		assert_true(audit_read_next(&reader, &line));
		assert_true(span_eq(line, span_of(wanted)));
	}
	assert_false(audit_read_next(&reader, &line));
	audit_read_close(&reader);
}

static void keeps_and_reads(void **state)
{
	struct audit audit;
	struct stat info;
	char path[96];

	(void)state;
	audit_open(&audit, dir, NULL);
	assert_last(&audit, 10, 0, 0);
	append(&audit, 0, 3);
	assert_last(&audit, 10, 0, 3);
	assert_last(&audit, 3, 0, 3);
	assert_last(&audit, 2, 1, 2);
	assert_last(&audit, 1, 2, 1);
	audit_close(&audit);
	assert_int_equal(stat(file_name(0, path), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	audit_open(&audit, dir, NULL);
	append(&audit, 3, 1);
	assert_last(&audit, 10, 0, 4);
	audit_close(&audit);
}

static void stays_bounded(void **state)
{
	struct audit audit;
	struct stat info;
	char path[96];

	(void)state;
	audit_open(&audit, dir, NULL);
	audit.size_max = 10 * 13; /* ten lines a file */
	append(&audit, 0, 10);
	assert_int_equal(access(file_name(1, path), F_OK), -1);
	append(&audit, 10, 85);
	for (int i = 0; i <= AUDIT_OLD; i++) {
		assert_int_equal(stat(file_name(i, path), &info), 0);
		assert_int_equal(info.st_size, i ? 130 : 65);
	}
	assert_int_equal(access(file_name(AUDIT_OLD + 1, path), F_OK), -1);
	assert_last(&audit, 1000, 60, 35);
	assert_last(&audit, 20, 75, 20);
	audit_close(&audit);
}

/* A list that has begun goes on through the files it began with. */
static void rotation_while_reading(void **state)
{
	struct audit_reader reader;
	struct audit audit;
	struct span line;
	int count = 0;

	(void)state;
	audit_open(&audit, dir, NULL);
	audit.size_max = 130;
	append(&audit, 0, 15);
	audit_read_open(&reader, &audit, 100);
	append(&audit, 15, 100);
	while (audit_read_next(&reader, &line))
		count++;
	assert_true(count >= 15);
	audit_read_close(&reader);
	audit_close(&audit);
}

static void half_a_line_is_ended(void **state)
{
	struct audit_reader reader;
	struct audit audit;
	struct span line;
	char path[96];
	FILE *file;

	(void)state;
	audit_open(&audit, dir, NULL);
	append(&audit, 0, 1);
	audit_close(&audit);
	file = fopen(file_name(0, path), "a");
	assert_non_null(file);
	fputs("{\"n\":0000", file);
	fclose(file);
	audit_open(&audit, dir, NULL);
	append(&audit, 1, 1);
	audit_read_open(&reader, &audit, 10);
	assert_true(audit_read_next(&reader, &line));
	assert_true(audit_read_next(&reader, &line));
	assert_true(span_eq(line, SPAN_LIT("{\"n\":0000")));
	assert_true(audit_read_next(&reader, &line));
	assert_true(span_eq(line, SPAN_LIT("{\"n\":000001}")));
	assert_false(audit_read_next(&reader, &line));
	audit_read_close(&reader);
	audit_close(&audit);
}

/* A folder in the file's place: lines are lost and counted, and written again once it is away. */
static void what_cannot_be_written_is_counted(void **state)
{
	struct audit audit;
	char path[96];

	(void)state;
	assert_int_equal(mkdir(file_name(0, path), 0700), 0);
	audit_open(&audit, dir, NULL);
	append(&audit, 0, 3);
	assert_int_equal(audit.lost, 3);
	assert_int_equal(rmdir(path), 0);
	append(&audit, 3, 1);
	assert_int_equal(audit.lost, 0);
	assert_last(&audit, 10, 3, 1);
	audit_close(&audit);
}

static void a_link_is_not_followed(void **state)
{
	struct audit audit;
	char path[96];
	char target[96];

	(void)state;
	assert_int_equal(symlink(file_name(1, target), file_name(0, path)), 0);
	audit_open(&audit, dir, NULL);
	append(&audit, 0, 1);
	assert_int_equal(audit.lost, 1);
	assert_int_equal(access(target, F_OK), -1);
	audit_close(&audit);
}

static void nothing_is_kept_without_a_folder(void **state)
{
	struct audit audit;

	(void)state;
	audit_open(&audit, NULL, NULL);
	append(&audit, 0, 2);
	assert_int_equal(audit.lost, 0);
	assert_last(&audit, 10, 0, 0);
	audit_close(&audit);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

TEST_MAIN(IN_A_FOLDER(keeps_and_reads), IN_A_FOLDER(stays_bounded),
	  IN_A_FOLDER(rotation_while_reading), IN_A_FOLDER(half_a_line_is_ended),
	  IN_A_FOLDER(what_cannot_be_written_is_counted), IN_A_FOLDER(a_link_is_not_followed),
	  cmocka_unit_test(nothing_is_kept_without_a_folder))
