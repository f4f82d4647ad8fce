/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer of records: every answered call becomes one record, whatever moment a run ends at;
 * numbers rise by one; what some consumer has not had stays. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/call/cause.h"
#include "switchd/cdr/writer.h"
#include "switchd/store/cdr_store.h"
#include "tests/support/config.h"
#include "tests/support/state_folder.h"

#define WAIT_MS 30000

struct fixture {
	void *folder;
	struct store *store;
	struct snapshot *config;
	struct cdr_writer *writer;
	size_t counted; /* records of this run that whoever counts them has seen */
};

static void open_writer(struct fixture *fixture, int threads)
{
	struct vos_fault fault = {0};

	fixture->store = state_open(&state_quiet);
	if (cdr_writer_create(fixture->store, &state_quiet, NULL, threads, fixture->config,
			      &fixture->writer, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
}

static void close_writer(struct fixture *fixture)
{
	cdr_writer_destroy(fixture->writer);
	store_close(fixture->store);
	fixture->writer = NULL;
	fixture->store = NULL;
}

static void count(void *context, const struct cdr *cdr, struct cdr_batch *batch)
{
	struct fixture *fixture = context;

	(void)batch;
	assert_true(cdr->flow > 0);
	fixture->counted++;
}

static void begin(struct fixture *fixture)
{
	struct vos_fault fault = {0};

	fixture->counted = 0;
	cdr_writer_on_record(fixture->writer, count, fixture);
	if (cdr_writer_start(fixture->writer, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	fixture->config = test_snapshot(NULL);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	close_writer(fixture);
	snapshot_unref(fixture->config);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static void put(struct fixture *fixture, int thread, enum cdr_event event, int64_t key)
{
	struct cdr cdr = {.key = key};

	if (event != CDR_CLOSE) {
		snprintf(cdr.caller, sizeof(cdr.caller), "c%lld", (long long)key);
		cdr.start_ms = clock_wall_ms();
	}
	if (event == CDR_BEGIN) {
		cdr.answer_us = clock_mono_us();
		cdr.answer_ms = cdr.start_ms;
	}
	if (event == CDR_CLOSE)
		cdr.talk_ms = 1050;
	cdr_spool_put(cdr_writer_spool(fixture->writer, thread), event, &cdr);
}

struct seen {
	uint64_t flows;
	struct cdr last;
	unsigned times[4096]; /* by key */
	size_t cut;
};

static bool see(void *context, const char *key, struct span value)
{
	struct seen *seen = context;

	(void)key;
	assert_true(cdr_decode(value, &seen->last));
	assert_int_equal(seen->last.flow, ++seen->flows);
	assert_in_range(seen->last.key, 0, 4095);
	seen->times[seen->last.key]++;
	seen->cut += strcmp(seen->last.cause_name, "restart") == 0;
	return true;
}

static void read_all(struct fixture *fixture, struct seen *seen)
{
	memset(seen, 0, sizeof(*seen));
	assert_int_equal(
		cdr_store_walk(cdr_writer_store(fixture->writer), 'r', "", false, see, seen),
		VOS_OK);
}

static void answered_and_not(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen;

	open_writer(fixture, 1);
	begin(fixture);
	put(fixture, 0, CDR_BEGIN, 1);
	put(fixture, 0, CDR_WHOLE, 2);
	assert_int_equal(cdr_writer_wait(fixture->writer, 0, WAIT_MS), 1);
	put(fixture, 0, CDR_CLOSE, 1);
	put(fixture, 0, CDR_BEGIN, 3);
	put(fixture, 0, CDR_CLOSE, 3);
	assert_int_equal(cdr_writer_wait(fixture->writer, 2, WAIT_MS), 3);
	read_all(fixture, &seen);
	assert_int_equal(seen.flows, 3);
	assert_string_equal(seen.last.caller, "c3");
	assert_int_equal(seen.last.talk_ms, 1050);
	assert_int_equal(seen.last.hold_s, 2);
	for (int key = 1; key <= 3; key++)
		assert_int_equal(seen.times[key], 1);
	assert_int_equal(seen.cut, 0);
}

/* The end of a run, at any moment: with what has been put, and half of the calls still up. */
static void run_and_die(struct fixture *fixture, int from, int calls, useconds_t after_us)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		open_writer(fixture, 2);
		begin(fixture);
		for (int key = from; key < from + calls; key++) {
			put(fixture, key % 2, CDR_BEGIN, key);
			if (key % 4 < 2)
				put(fixture, key % 2, CDR_CLOSE, key);
			if (key % 16 == 0)
				usleep(500);
		}
		usleep(after_us);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
}

static void killed(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen;

	for (int round = 0; round < 10; round++)
		run_and_die(fixture, round * 100, 100, (useconds_t)round * 4000);
	/* Fewer threads than before: their spools are read all the same. */
	open_writer(fixture, 1);
	begin(fixture);
	read_all(fixture, &seen);
	assert_int_equal(seen.flows, 1000);
	for (int key = 0; key < 1000; key++)
		assert_int_equal(seen.times[key], 1);
	assert_int_equal(seen.cut, 500);
	/* At least those of the last run that were up. */
	assert_in_range(fixture->counted, 50, 100);
	assert_int_equal(access(state_path("state/calls-1.spool"), F_OK), -1);
	close_writer(fixture);
	/* Nothing comes twice. */
	open_writer(fixture, 1);
	begin(fixture);
	read_all(fixture, &seen);
	assert_int_equal(seen.flows, 1000);
	assert_int_equal(fixture->counted, 0);
}

static void stopped_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct seen seen;

	open_writer(fixture, 1);
	begin(fixture);
	for (int key = 0; key < 2000; key++)
		put(fixture, 0, CDR_WHOLE, key);
	close_writer(fixture);
	open_writer(fixture, 1);
	begin(fixture);
	read_all(fixture, &seen);
	assert_int_equal(seen.flows, 2000);
	assert_int_equal(seen.last.key, 1999);
}

/* A consumer holds what it has not had; its place outlives a restart. */
static void consumers(void **state)
{
	static const char *const params[] = {"SERVER_MAX_CDR_PENDING_LIST_LENGTH", "1000", NULL};
	struct fixture *fixture = *state;
	struct cdr_consumer slow = {.name = "slow"};
	struct cdr_consumer again = {.name = "slow"};
	struct cdr_status status = {0};

	snapshot_unref(fixture->config);
	fixture->config = test_snapshot(params);
	open_writer(fixture, 1);
	atomic_store(&slow.is_on, true);
	cdr_writer_add_consumer(fixture->writer, &slow);
	assert_int_equal(atomic_load(&slow.done), 0);
	begin(fixture);
	assert_false(cdr_writer_refuses(fixture->writer));
	for (int key = 0; key < 1500; key++)
		put(fixture, 0, CDR_WHOLE, key);
	for (uint64_t newest = 0; newest < 1500;)
		newest = cdr_writer_wait(fixture->writer, newest, WAIT_MS);
	assert_true(cdr_writer_refuses(fixture->writer));
	cdr_writer_status(fixture->writer, &status);
	assert_int_equal(status.pending, 1500);
	atomic_store(&slow.done, 1400);
	/* The place is kept with the next transaction. */
	put(fixture, 0, CDR_WHOLE, 1500);
	assert_int_equal(cdr_writer_wait(fixture->writer, 1500, WAIT_MS), 1501);
	assert_false(cdr_writer_refuses(fixture->writer));
	close_writer(fixture);
	open_writer(fixture, 1);
	cdr_writer_add_consumer(fixture->writer, &again);
	assert_int_equal(atomic_load(&again.done), 1400);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(answered_and_not), TEST(killed), TEST(stopped_in_order), TEST(consumers))
