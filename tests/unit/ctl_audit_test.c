/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The audit file: kept, bounded, read back newest first, and whole after a crash. */
#include "switchd/ctl/audit.h"

#include "switchd/alarm/alarm.h"
#include "switchd/ctl/file_sync.h"
#include "shared/catalog/catalog.h"
#include "tests/support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
	audit_open(&audit, dir, NULL, NULL);
	assert_last(&audit, 10, 0, 0);
	append(&audit, 0, 3);
	assert_last(&audit, 10, 0, 3);
	assert_last(&audit, 3, 0, 3);
	assert_last(&audit, 2, 1, 2);
	assert_last(&audit, 1, 2, 1);
	audit_close(&audit);
	assert_int_equal(stat(file_name(0, path), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	audit_open(&audit, dir, NULL, NULL);
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
	audit_open(&audit, dir, NULL, NULL);
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
	audit_open(&audit, dir, NULL, NULL);
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
	audit_open(&audit, dir, NULL, NULL);
	append(&audit, 0, 1);
	audit_close(&audit);
	file = fopen(file_name(0, path), "a");
	assert_non_null(file);
	fputs("{\"n\":0000", file);
	fclose(file);
	audit_open(&audit, dir, NULL, NULL);
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
	audit_open(&audit, dir, NULL, NULL);
	append(&audit, 0, 3);
	assert_int_equal(audit.lost, 3);
	assert_int_equal(rmdir(path), 0);
	append(&audit, 3, 1);
	assert_int_equal(audit.lost, 0);
	assert_last(&audit, 10, 3, 1);
	audit_close(&audit);
}

static size_t active(struct alarms *alarms, struct alarm *out)
{
	return alarms_list(alarms, true, out, 1);
}

/* An alarm from the first line that is lost to the first that is written again. */
static void what_cannot_be_written_is_said_loudly(void **state)
{
	struct alarms *alarms;
	struct alarm alarm;
	struct audit audit;
	char path[96];

	(void)state;
	assert_int_equal(alarms_create(NULL, &alarms), VOS_OK);
	audit_open(&audit, dir, NULL, alarms);
	append(&audit, 0, 1);
	assert_int_equal(active(alarms, &alarm), 0);
	audit_close(&audit);
	assert_int_equal(unlink(file_name(0, path)), 0);
	assert_int_equal(mkdir(path, 0700), 0);
	append(&audit, 1, 2);
	assert_int_equal(active(alarms, &alarm), 1);
	assert_int_equal(alarm.kind, WORD_ALARM_KIND_DISK);
	assert_non_null(strstr(alarm.text, "Is a directory"));
	assert_int_equal(rmdir(path), 0);
	append(&audit, 3, 1);
	assert_int_equal(active(alarms, &alarm), 0);
	audit_close(&audit);
	alarms_destroy(alarms);
}

struct syncs {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int count;
	int error; /* of the last one */
};

static void count_sync(void *user, int error)
{
	struct syncs *syncs = user;

	pthread_mutex_lock(&syncs->mutex);
	syncs->count++;
	syncs->error = error;
	pthread_cond_signal(&syncs->changed);
	pthread_mutex_unlock(&syncs->mutex);
}

static void await_syncs(struct syncs *syncs, int count)
{
	pthread_mutex_lock(&syncs->mutex);
	while (syncs->count < count)
		pthread_cond_wait(&syncs->changed, &syncs->mutex);
	pthread_mutex_unlock(&syncs->mutex);
}

static void a_marked_file_is_synced(void **state)
{
	struct syncs syncs = {.mutex = PTHREAD_MUTEX_INITIALIZER,
			      .changed = PTHREAD_COND_INITIALIZER};
	struct file_sync *sync;
	int fds[2];
	char path[96];
	int fd = open(file_name(0, path), O_WRONLY | O_CREAT, 0600);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(file_sync_start(count_sync, &syncs, &sync), VOS_OK);
	file_sync_mark(sync, fd);
	await_syncs(&syncs, 1);
	assert_int_equal(syncs.error, 0);
	/* A burst shares one; what is flushed needs no thread. */
	for (int i = 0; i < 1000; i++)
		file_sync_mark(sync, fd);
	file_sync_flush(sync);
	assert_int_equal(syncs.count, 2);
	/* What cannot be synced is told. */
	file_sync_mark(sync, fds[1]);
	await_syncs(&syncs, 3);
	assert_int_equal(syncs.error, EINVAL);
	/* The end waits for what is marked. */
	file_sync_mark(sync, fd);
	close(fd);
	file_sync_stop(sync);
	assert_int_equal(syncs.count, 4);
	assert_int_equal(syncs.error, 0);
	close(fds[0]);
	close(fds[1]);
}

static void what_switchd_does_at_start_is_kept(void **state)
{
	struct audit_reader reader;
	struct audit audit;
	struct span line;

	(void)state;
	audit_start_act(dir, NULL, "takes back generation 7 of me", 8);
	audit_open(&audit, dir, NULL, NULL);
	audit_read_open(&reader, &audit, 5);
	assert_true(audit_read_next(&reader, &line));
	assert_non_null(strstr(line.ptr, "\"user\":\"switchd\",\"uid\":null,\"session\":null,"
					 "\"command\":\"takes back generation 7 of me\","
					 "\"result\":\"ok\",\"generation\":8}"));
	assert_false(audit_read_next(&reader, &line));
	audit_read_close(&reader);
	audit_close(&audit);
}

static void a_link_is_not_followed(void **state)
{
	struct audit audit;
	char path[96];
	char target[96];

	(void)state;
	assert_int_equal(symlink(file_name(1, target), file_name(0, path)), 0);
	audit_open(&audit, dir, NULL, NULL);
	append(&audit, 0, 1);
	assert_int_equal(audit.lost, 1);
	assert_int_equal(access(target, F_OK), -1);
	audit_close(&audit);
}

static void nothing_is_kept_without_a_folder(void **state)
{
	struct audit audit;

	(void)state;
	audit_open(&audit, NULL, NULL, NULL);
	append(&audit, 0, 2);
	assert_int_equal(audit.lost, 0);
	assert_last(&audit, 10, 0, 0);
	audit_close(&audit);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_dir, remove_dir)

TEST_MAIN(IN_A_FOLDER(keeps_and_reads), IN_A_FOLDER(stays_bounded),
	  IN_A_FOLDER(rotation_while_reading), IN_A_FOLDER(half_a_line_is_ended),
	  IN_A_FOLDER(what_cannot_be_written_is_counted),
	  IN_A_FOLDER(what_cannot_be_written_is_said_loudly), IN_A_FOLDER(a_marked_file_is_synced),
	  IN_A_FOLDER(what_switchd_does_at_start_is_kept), IN_A_FOLDER(a_link_is_not_followed),
	  cmocka_unit_test(nothing_is_kept_without_a_folder))
