/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms over a restart: what was active, acknowledged, ended or forgotten; and a run that was not
 * stopped. */
#include "tests/support/test.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/alarm/alarm_json.h"
#include "switchd/store/store.h"
#include "tests/support/state_folder.h"

#define DISK  WORD_ALARM_KIND_DISK
#define CALLS WORD_ALARM_KIND_CALL_DURATION
#define ENDED WORD_ALARM_KIND_PROCESS_ENDED

struct fixture {
	void *folder;
	struct store *store;
	struct alarms *alarms;
	struct alarm list[ALARM_HISTORY_MAX];
};

static void open_all(struct fixture *fixture)
{
	fixture->store = state_open(&state_quiet);
	assert_int_equal(alarms_create(&state_quiet, &fixture->alarms), VOS_OK);
	assert_int_equal(store_load_alarms(fixture->store, fixture->alarms), VOS_OK);
}

static void keep(struct fixture *fixture)
{
	struct vos_fault fault = {0};

	assert_true(store_keep_alarms(fixture->store, fixture->alarms, &fault));
}

static void close_all(struct fixture *fixture)
{
	store_close(fixture->store);
	alarms_destroy(fixture->alarms);
	fixture->store = NULL;
	fixture->alarms = NULL;
}

static void restart(struct fixture *fixture)
{
	keep(fixture);
	close_all(fixture);
	open_all(fixture);
}

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(state_folder_make(&fixture->folder), 0);
	open_all(fixture);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	close_all(fixture);
	state_folder_remove(&fixture->folder);
	free(fixture);
	return 0;
}

static size_t list(struct fixture *fixture, bool active)
{
	return alarms_list(fixture->alarms, active, fixture->list, ALARM_HISTORY_MAX);
}

static void active_and_ended(void **state)
{
	struct fixture *fixture = *state;
	struct alarm *alarm = &fixture->list[0];

	alarms_raise(fixture->alarms, DISK, "a\tb", "tab\tand\nline \\ %d", 1);
	alarms_raise(fixture->alarms, DISK, "b", "two");
	alarms_raise(fixture->alarms, CALLS, "c", "a call");
	assert_int_equal(alarms_acknowledge(fixture->alarms, 1, "alice", "seen, \"thanks\""),
			 VOS_OK);
	alarms_clear(fixture->alarms, DISK, "b");
	restart(fixture);
	/* Nothing to write: nothing has changed, but that no call outlives a restart. */
	assert_int_equal(list(fixture, true), 1);
	assert_int_equal(alarm->id, 1);
	assert_int_equal(alarm->kind, DISK);
	assert_int_equal(alarm->level, WORD_ALARM_LEVEL_HIGH);
	assert_string_equal(alarm->subject, "a\tb");
	assert_string_equal(alarm->text, "tab\tand\nline \\ 1");
	assert_string_equal(alarm->acknowledged_by, "alice");
	assert_string_equal(alarm->comment, "seen, \"thanks\"");
	assert_true(alarm->raised_ms > 0 && alarm->acknowledged_ms >= alarm->raised_ms);
	assert_int_equal(alarm->cleared_ms, 0);
	assert_int_equal(list(fixture, false), 2);
	assert_string_equal(fixture->list[0].subject, "c");
	assert_string_equal(fixture->list[1].subject, "b");
	assert_true(fixture->list[1].cleared_ms > 0);
	/* Its condition still holds: it is the same alarm. */
	alarms_raise(fixture->alarms, DISK, "a\tb", "three");
	alarms_raise(fixture->alarms, DISK, "d", "four");
	assert_int_equal(list(fixture, true), 2);
	assert_int_equal(fixture->list[0].id, 1);
	assert_string_equal(fixture->list[0].text, "three");
	assert_true(fixture->list[0].acknowledged_ms > 0);
	assert_int_equal(fixture->list[1].id, 4);
}

static void nobody_raises_it_again(void **state)
{
	struct fixture *fixture = *state;

	alarms_raise(fixture->alarms, DISK, "a", "one");
	alarms_raise(fixture->alarms, DISK, "b", "two");
	restart(fixture);
	alarms_raise(fixture->alarms, DISK, "b", "two");
	alarms_settle(fixture->alarms, clock_mono_us());
	assert_int_equal(list(fixture, true), 2);
	alarms_settle(fixture->alarms, clock_mono_us() + ALARM_SETTLE_S * 1000000ull);
	assert_int_equal(list(fixture, true), 1);
	assert_string_equal(fixture->list[0].subject, "b");
	assert_int_equal(list(fixture, false), 1);
	/* Once is enough. */
	restart(fixture);
	assert_int_equal(list(fixture, true), 1);
	assert_int_equal(list(fixture, false), 1);
}

/* More changes than are remembered one by one, and more ended ones than are kept. */
static void many(void **state)
{
	struct fixture *fixture = *state;

	for (int i = 0; i < ALARM_HISTORY_MAX + 300; i++) {
		alarms_raise(fixture->alarms, DISK, "x", "%d", i);
		alarms_clear(fixture->alarms, DISK, "x");
		if (i % 100 == 0)
			keep(fixture);
	}
	restart(fixture);
	assert_int_equal(list(fixture, true), 0);
	assert_int_equal(list(fixture, false), ALARM_HISTORY_MAX);
	for (int i = 0; i < ALARM_HISTORY_MAX; i++)
		assert_int_equal(fixture->list[i].id, ALARM_HISTORY_MAX + 300 - i);
	/* What falls out of the history is forgotten on the disk too. */
	alarms_raise(fixture->alarms, DISK, "y", "newer");
	alarms_clear(fixture->alarms, DISK, "y");
	restart(fixture);
	assert_int_equal(list(fixture, false), ALARM_HISTORY_MAX);
	assert_int_equal(fixture->list[0].id, ALARM_HISTORY_MAX + 301);
}

static void crashed(void **state)
{
	struct fixture *fixture = *state;
	pid_t child;
	int status;

	close_all(fixture);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		open_all(fixture);
		alarms_raise(fixture->alarms, DISK, "a", "one");
		if (alarms_acknowledge(fixture->alarms, 1, "bob", "") == VOS_OK)
			keep(fixture);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	open_all(fixture);
	assert_int_equal(list(fixture, true), 1);
	assert_string_equal(fixture->list[0].acknowledged_by, "bob");
	alarms_tell_crash(fixture->alarms);
	alarms_tell_crash(fixture->alarms);
	assert_int_equal(list(fixture, false), 1);
	assert_int_equal(fixture->list[0].kind, ENDED);
	assert_non_null(strstr(fixture->list[0].text, "was not stopped"));
	/* And this one was. */
	restart(fixture);
	alarms_tell_crash(fixture->alarms);
	assert_int_equal(list(fixture, false), 1);
}

static void as_json(void **state)
{
	static const struct alarm alarm = {
		.id = 7,
		.kind = DISK,
		.level = WORD_ALARM_LEVEL_HIGH,
		.subject = "caf\xc3\xa9 \xc3", /* cut short */
		.text = "say \"no\"\\\n\x01\xed\xa0\x80",
		.raised_ms = 1000,
	};
	struct buf out = buf_new();

	(void)state;
	alarm_json(&alarm, ALARM_ACKNOWLEDGED, "sw1", &out);
	assert_string_equal(buf_cstr(&out),
			    "{\"event\":\"acknowledged\",\"switch\":\"sw1\",\"id\":7,"
			    "\"level\":\"high\",\"kind\":\"disk\","
			    "\"subject\":\"caf\xc3\xa9 \xef\xbf\xbd\","
			    "\"text\":\"say \\\"no\\\"\\\\\\u000a\\u0001"
			    "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
			    "\"raised_time\":\"1970-01-01T00:00:01Z\",\"cleared_time\":null,"
			    "\"acknowledged_time\":null,\"acknowledged_by\":null,"
			    "\"comment\":null}\n");
	buf_free(&out);
}

TEST_MAIN(cmocka_unit_test_setup_teardown(active_and_ended, setup, teardown),
	  cmocka_unit_test_setup_teardown(nobody_raises_it_again, setup, teardown),
	  cmocka_unit_test_setup_teardown(many, setup, teardown),
	  cmocka_unit_test_setup_teardown(crashed, setup, teardown), cmocka_unit_test(as_json))
