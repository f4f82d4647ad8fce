/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in files: each of them once, whenever a run ends and whatever it leaves behind; how many
 * files are kept; the form of the lines. */
#include "tests/support/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/cdr/files.h"
#include "switchd/cdr/text.h"
#include "tests/support/config.h"
#include "tests/support/state_folder.h"

#define WAIT_MS   30000
#define FLOWS_MAX 4096

struct fixture {
	void *folder;
	struct store *store;
	struct snapshot *config;
	struct cdr_writer *writer;
	struct cdr_files *files;
};

static const char *const params[] = {
	"SS_CDR_RECORD_TO_FILE",
	"on",
	"SS_CDR_RECORD_NONCONNECT",
	"on",
	"SERVER_CDR_FILE_WRITE_MAX",
	"3",
	NULL,
};

static void open_files(struct fixture *fixture)
{
	struct vos_fault fault = {0};

	fixture->store = state_open(&state_quiet);
	assert_int_equal(cdr_writer_create(fixture->store, &state_quiet, NULL, 1, fixture->config,
					   &fixture->writer, &fault),
			 VOS_OK);
	assert_int_equal(cdr_files_create(fixture->writer, store_dir(fixture->store), &state_quiet,
					  NULL, fixture->config, &fixture->files),
			 VOS_OK);
	assert_int_equal(cdr_writer_start(fixture->writer, &fault), VOS_OK);
	assert_int_equal(cdr_files_start(fixture->files), VOS_OK);
}

static void close_files(struct fixture *fixture)
{
	cdr_writer_stop(fixture->writer);
	cdr_files_destroy(fixture->files);
	cdr_writer_destroy(fixture->writer);
	store_close(fixture->store);
	fixture->files = NULL;
	fixture->writer = NULL;
	fixture->store = NULL;
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	fixture->config = test_snapshot(params);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	if (fixture->store)
		close_files(fixture);
	snapshot_unref(fixture->config);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, int64_t key)
{
	struct cdr cdr = {.key = key, .start_ms = clock_wall_ms()};

	cdr.stop_ms = cdr.start_ms;
	snprintf(cdr.caller, sizeof(cdr.caller), "a,\"b\"\n|%lld", (long long)key);
	cdr_spool_put(cdr_writer_spool(fixture->writer, 0), CDR_WHOLE, &cdr);
}

/* --- What stands in the folder. --- */

struct found {
	unsigned rotating[FLOWS_MAX]; /* times that the record was seen */
	unsigned hourly[FLOWS_MAX];
	size_t closed;
	size_t open;
};

static void count_lines(const char *path, enum cdr_form form, unsigned *times)
{
	FILE *file = fopen(path, "r");
	char line[8192];

	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		size_t len = strlen(line);
		uint64_t flow = cdr_text_flow(form, (struct span){line, len - 1});

		assert_int_equal(line[len - 1], '\n');
		assert_true(flow < FLOWS_MAX);
		times[flow]++;
	}
	fclose(file);
}

static void look(struct found *found)
{
	DIR *folder = opendir(state_path("state/cdr-files"));
	const struct dirent *entry;
	char path[512];

	memset(found, 0, sizeof(*found));
	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		snprintf(path, sizeof(path), "%s/%s", state_path("state/cdr-files"), entry->d_name);
		if (strstr(entry->d_name, ".txt")) {
			count_lines(path, CDR_BARS, found->hourly);
		} else if (strstr(entry->d_name, ".csv")) {
			count_lines(path, CDR_CSV, found->rotating);
			found->open += strstr(entry->d_name, ".part") != NULL;
			found->closed += !strstr(entry->d_name, ".part");
		}
	}
	closedir(folder);
}

static void run_and_die(struct fixture *fixture, int from, int count, useconds_t after_us)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		open_files(fixture);
		for (int key = from; key < from + count; key++) {
			put(fixture, key);
			if (key % 16 == 0)
				usleep(1000);
		}
		usleep(after_us);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

/* Somebody collects the files. */
static void take_folder(void)
{
	char from[512];

	snprintf(from, sizeof(from), "%s", state_path("state/cdr-files"));
	assert_int_equal(rename(from, state_path("taken")), 0);
}

/* A power cut may leave half of a line. */
static void tear(const char *ending)
{
	DIR *folder = opendir(state_path("state/cdr-files"));
	const struct dirent *entry;
	char path[512];

	while (folder && (entry = readdir(folder))) {
		int fd;

		if (!strstr(entry->d_name, ending))
			continue;
		snprintf(path, sizeof(path), "%s/%s", state_path("state/cdr-files"), entry->d_name);
		fd = open(path, O_WRONLY | O_APPEND);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, "4000,torn|4000", 14), 14);
		close(fd);
	}
	if (folder)
		closedir(folder);
}

static void killed(void **state)
{
	struct fixture *fixture = *state;
	struct found found;

	for (int round = 0; round < 10; round++) {
		run_and_die(fixture, round * 100, 100, (useconds_t)round * 10000);
		tear(".part");
		tear(".txt");
	}
	open_files(fixture);
	put(fixture, 1000);
	close_files(fixture);
	look(&found);
	for (int flow = 1; flow <= 1001; flow++) {
		assert_int_equal(found.rotating[flow], 1);
		assert_int_equal(found.hourly[flow], 1);
	}
	assert_int_equal(found.rotating[1002], 0);
	assert_int_equal(found.rotating[0], 1); /* one heading: it was one file all the time */
	assert_int_equal(found.open, 0);
	assert_int_equal(found.closed, 1);
}

/* Each stop in order closes a file, which may be taken away at once. */
static void kept(void **state)
{
	struct fixture *fixture = *state;
	struct found found;

	for (int run = 0; run < 5; run++) {
		open_files(fixture);
		put(fixture, run);
		close_files(fixture);
	}
	look(&found);
	assert_int_equal(found.closed, 3);
	assert_int_equal(found.rotating[2], 0);
	for (int flow = 3; flow <= 5; flow++)
		assert_int_equal(found.rotating[flow], 1);
	take_folder();
	open_files(fixture);
	put(fixture, 5);
	close_files(fixture);
	look(&found);
	assert_int_equal(found.rotating[5], 0);
	assert_int_equal(found.rotating[6], 1);
	assert_int_equal(found.closed, 1);
}

static bool has_hourly(uint64_t flow)
{
	struct found found;

	if (access(state_path("state/cdr-files"), F_OK) != 0)
		return false;
	look(&found);
	return found.hourly[flow] == 1 && found.rotating[flow] == 1;
}

static void wait_for(uint64_t flow)
{
	for (int tries = 0; !has_hourly(flow); tries++) {
		assert_true(tries < WAIT_MS / 10);
		usleep(10000);
	}
}

/* What was in a removed folder is the remover's business; what comes after has a new one. */
static void folder_removed(void **state)
{
	struct fixture *fixture = *state;
	struct found found;

	open_files(fixture);
	put(fixture, 0);
	wait_for(1);
	take_folder();
	put(fixture, 1);
	put(fixture, 2);
	wait_for(3);
	close_files(fixture);
	look(&found);
	assert_int_equal(found.rotating[1], 0);
	assert_int_equal(found.rotating[2], 1);
	assert_int_equal(found.hourly[2], 1);
}

static void lines(void **state)
{
	struct cdr cdr = {
		.flow = 77,
		.caller = "10|01",
		.callee = "8\n2",
		.caller_party = "phone 1001",
		.callee_party = "routing-gateway a b",
		.caller_sent = "+1",
		.callee_sent = "82",
		.caller_address = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, 1}},
		.start_ms = 1700000000123,
		.stop_ms = 1700000001123,
		.hold_s = 5,
		.cause = -3,
		.side = CDR_BY_SWITCH,
		.ring_ms = 40,
		.caller_codec = "a\"b,c",
	};
	struct buf text = buf_new();

	(void)state;
	cdr_text_line(CDR_BARS, &cdr, &text);
	assert_string_equal(buf_cstr(&text),
			    "10_01|8?2|1700000001123|1700000001123|5|-3|2||a b|192.0.2.1||1001||"
			    "+1|82|40|0|77\n");
	assert_int_equal(cdr_text_flow(CDR_BARS, (struct span){text.data, text.len - 1}), 77);
	buf_reset(&text);
	cdr_text_line(CDR_JSON, &cdr, &text);
	assert_int_equal(cdr_text_flow(CDR_JSON, (struct span){text.data, text.len - 1}), 77);
	assert_non_null(strstr(buf_cstr(&text), "\"caller_codec\":\"a\\\"b,c\""));
	assert_non_null(strstr(buf_cstr(&text), "\"start_time\":\"2023-11-14T22:13:20.123Z\""));
	assert_non_null(strstr(buf_cstr(&text), "\"callee\":\"8?2\""));
	buf_reset(&text);
	cdr_text_line(CDR_CSV, &cdr, &text);
	assert_non_null(strstr(buf_cstr(&text), ",\"a\"\"b,c\","));
	assert_int_equal(cdr_text_flow(CDR_CSV, (struct span){text.data, text.len - 1}), 77);
	buf_reset(&text);
	cdr_text_heading(&text);
	assert_int_equal(cdr_text_flow(CDR_CSV, (struct span){text.data, text.len - 1}), 0);
	assert_memory_equal(text.data, "flow,", 5);
	buf_free(&text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(killed), TEST(kept), TEST(folder_removed), TEST(lines))
