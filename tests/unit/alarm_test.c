/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of alarms: beginning, end, who has seen it, its bounds and its levels. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "shared/base/log_ring.h"
#include "switchd/alarm/alarm.h"
#include "tests/support/changes.h"

#define CERTIFICATE  WORD_ALARM_KIND_CERTIFICATE  /* high */
#define ILLEGAL_CALL WORD_ALARM_KIND_ILLEGAL_CALL /* medium */
#define DATABASE     WORD_ALARM_KIND_DATABASE     /* critical */

struct fixture {
	struct log log;
	struct alarms *alarms;
	struct alarm list[ALARM_HISTORY_MAX + 1];
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->log = (struct log){.fd = open("/dev/null", O_WRONLY | O_CLOEXEC),
				    .threshold = LOG_LEVEL_DEBUG,
				    .ring = log_ring_create()};
	assert_true(fixture->log.fd >= 0);
	assert_non_null(fixture->log.ring);
	assert_int_equal(alarms_create(&fixture->log, &fixture->alarms), VOS_OK);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	alarms_destroy(fixture->alarms);
	log_ring_destroy(fixture->log.ring);
	close(fixture->log.fd);
	free(fixture);
	return 0;
}

static size_t active(struct fixture *fixture)
{
	return alarms_list(fixture->alarms, true, fixture->list, ALARM_HISTORY_MAX + 1);
}

static size_t history(struct fixture *fixture)
{
	return alarms_list(fixture->alarms, false, fixture->list, ALARM_HISTORY_MAX + 1);
}

static size_t logged(const struct fixture *fixture)
{
	return (size_t)log_ring_end(fixture->log.ring);
}

/* The newest line. */
static void assert_logged(const struct fixture *fixture, enum log_level level, const char *text)
{
	uint64_t number = log_ring_end(fixture->log.ring) - 1;
	struct log_line line;

	assert_true(log_ring_read(fixture->log.ring, &number, &line));
	assert_int_equal(line.level, level);
	assert_string_equal(line.subsystem, "alarm");
	assert_string_equal(line.text, text);
}

static void from_beginning_to_end(void **state)
{
	struct fixture *fixture = *state;

	assert_int_equal(active(fixture), 0);
	assert_int_equal(history(fixture), 0);
	alarms_raise(fixture->alarms, CERTIFICATE, "public", "expires in %d days", 7);
	assert_int_equal(active(fixture), 1);
	assert_int_equal(fixture->list[0].id, 1);
	assert_int_equal(fixture->list[0].kind, CERTIFICATE);
	assert_int_equal(fixture->list[0].level, WORD_ALARM_LEVEL_HIGH);
	assert_string_equal(fixture->list[0].subject, "public");
	assert_string_equal(fixture->list[0].text, "expires in 7 days");
	assert_true(fixture->list[0].raised_ms > 0);
	assert_int_equal(fixture->list[0].cleared_ms, 0);
	assert_logged(fixture, LOG_LEVEL_WARNING, "certificate public raised: expires in 7 days");
	/* Looked at again: the text follows, nothing is said. */
	alarms_raise(fixture->alarms, CERTIFICATE, "public", "expires in %d days", 6);
	assert_int_equal(active(fixture), 1);
	assert_int_equal(fixture->list[0].id, 1);
	assert_string_equal(fixture->list[0].text, "expires in 6 days");
	assert_int_equal(logged(fixture), 1);
	/* Another subject and another kind are other alarms; what is not active does not end. */
	alarms_raise(fixture->alarms, CERTIFICATE, "", "none");
	alarms_raise(fixture->alarms, DATABASE, "public", "none");
	alarms_clear(fixture->alarms, CERTIFICATE, "elsewhere");
	assert_int_equal(active(fixture), 3);
	alarms_clear(fixture->alarms, CERTIFICATE, "public");
	alarms_clear(fixture->alarms, CERTIFICATE, "public");
	assert_logged(fixture, LOG_LEVEL_NOTICE, "certificate public over: expires in 6 days");
	assert_int_equal(logged(fixture), 4);
	assert_int_equal(history(fixture), 1);
	assert_int_equal(fixture->list[0].id, 1);
	assert_true(fixture->list[0].cleared_ms >= fixture->list[0].raised_ms);
	assert_int_equal(active(fixture), 2);
	assert_int_equal(fixture->list[0].id, 2);
	assert_int_equal(fixture->list[1].id, 3);
	/* When it comes back it is a new one. */
	alarms_raise(fixture->alarms, CERTIFICATE, "public", "again");
	assert_int_equal(active(fixture), 3);
	assert_int_equal(fixture->list[2].id, 4);
	alarms_raise(NULL, CERTIFICATE, "public", "nobody keeps it");
	alarms_clear(NULL, CERTIFICATE, "public");
}

static void somebody_has_seen_it(void **state)
{
	struct fixture *fixture = *state;
	struct alarm_counts counts;

	alarms_count(fixture->alarms, &counts);
	assert_int_equal(counts.active, 0);
	assert_int_equal(counts.unacknowledged, 0);
	alarms_raise(fixture->alarms, ILLEGAL_CALL, "192.0.2.1", "x");
	alarms_raise(fixture->alarms, CERTIFICATE, "public", "y");
	alarms_count(fixture->alarms, &counts);
	assert_int_equal(counts.active, 2);
	assert_int_equal(counts.unacknowledged, 2);
	assert_int_equal(counts.highest, WORD_ALARM_LEVEL_HIGH);
	assert_int_equal(alarms_acknowledge(fixture->alarms, 3, "ann", ""), VOS_ENOENT);
	assert_int_equal(alarms_acknowledge(fixture->alarms, 0, "ann", ""), VOS_ENOENT);
	assert_int_equal(alarms_acknowledge(fixture->alarms, 2, "ann", "on it"), VOS_OK);
	assert_logged(fixture, LOG_LEVEL_NOTICE, "certificate public acknowledged by ann");
	alarms_count(fixture->alarms, &counts);
	assert_int_equal(counts.unacknowledged, 1);
	assert_int_equal(active(fixture), 2);
	assert_string_equal(fixture->list[1].acknowledged_by, "ann");
	assert_string_equal(fixture->list[1].comment, "on it");
	assert_true(fixture->list[1].acknowledged_ms > 0);
	/* The last one holds; what it was goes into the history. */
	assert_int_equal(alarms_acknowledge(fixture->alarms, 2, "bob", "done"), VOS_OK);
	alarms_raise(fixture->alarms, CERTIFICATE, "public", "new text");
	assert_int_equal(alarms_end(fixture->alarms, 2), VOS_OK);
	assert_logged(fixture, LOG_LEVEL_NOTICE, "certificate public cleared by hand: new text");
	assert_int_equal(alarms_end(fixture->alarms, 2), VOS_ENOENT);
	assert_int_equal(alarms_acknowledge(fixture->alarms, 2, "ann", ""), VOS_ENOENT);
	assert_int_equal(history(fixture), 1);
	assert_string_equal(fixture->list[0].acknowledged_by, "bob");
	assert_string_equal(fixture->list[0].comment, "done");
	alarms_count(fixture->alarms, &counts);
	assert_int_equal(counts.active, 1);
	assert_int_equal(counts.highest, WORD_ALARM_LEVEL_MEDIUM);
}

static void long_texts_are_cut(void **state)
{
	struct fixture *fixture = *state;
	char text[1000];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	alarms_raise(fixture->alarms, DATABASE, text, "%s", text);
	alarms_raise(fixture->alarms, DATABASE, text, "%s", text);
	assert_int_equal(alarms_acknowledge(fixture->alarms, 1, text, text), VOS_OK);
	assert_int_equal(active(fixture), 1);
	assert_int_equal(strlen(fixture->list[0].subject), ALARM_SUBJECT_MAX - 1);
	assert_int_equal(strlen(fixture->list[0].text), ALARM_TEXT_MAX - 1);
	assert_int_equal(strlen(fixture->list[0].acknowledged_by), ALARM_NAME_MAX - 1);
	assert_int_equal(strlen(fixture->list[0].comment), ALARM_COMMENT_MAX - 1);
	alarms_clear(fixture->alarms, DATABASE, text);
	assert_int_equal(active(fixture), 0);
}

static void raise_number(struct fixture *fixture, int kind, unsigned number)
{
	char subject[16];

	snprintf(subject, sizeof(subject), "s%u", number);
	alarms_raise(fixture->alarms, kind, subject, "text %u", number);
}

static void a_full_table_keeps_the_more_serious(void **state)
{
	struct fixture *fixture = *state;
	size_t lines;

	raise_number(fixture, CERTIFICATE, 0);
	for (unsigned i = 1; i < ALARM_ACTIVE_MAX; i++)
		raise_number(fixture, i % 2 ? ILLEGAL_CALL : CERTIFICATE, i);
	assert_int_equal(active(fixture), ALARM_ACTIVE_MAX);
	/* As serious as the least one there is: it has to wait, which is said once. */
	lines = logged(fixture);
	for (unsigned i = 0; i < 3; i++)
		raise_number(fixture, ILLEGAL_CALL, 1000);
	assert_int_equal(logged(fixture), lines + 1);
	assert_logged(fixture, LOG_LEVEL_WARNING, "256 are active: further ones are not kept");
	assert_int_equal(history(fixture), 0);
	/* Known ones are brought up to date all the same. */
	alarms_raise(fixture->alarms, ILLEGAL_CALL, "s1", "news");
	/* More serious ones displace the oldest of the least serious, until there are none. */
	for (unsigned i = 0; i < ALARM_ACTIVE_MAX; i++)
		raise_number(fixture, CERTIFICATE, 2000 + i);
	assert_int_equal(history(fixture), ALARM_ACTIVE_MAX / 2);
	assert_string_equal(fixture->list[ALARM_ACTIVE_MAX / 2 - 1].subject, "s1");
	assert_string_equal(fixture->list[ALARM_ACTIVE_MAX / 2 - 1].text, "news");
	assert_string_equal(fixture->list[0].subject, "s255");
	assert_int_equal(active(fixture), ALARM_ACTIVE_MAX);
	for (size_t i = 0; i < ALARM_ACTIVE_MAX; i++) {
		assert_int_equal(fixture->list[i].kind, CERTIFICATE);
		assert_true(i == 0 || fixture->list[i].id > fixture->list[i - 1].id);
	}
	/* Where one ends another has room. */
	alarms_clear(fixture->alarms, CERTIFICATE, "s0");
	raise_number(fixture, ILLEGAL_CALL, 1000);
	assert_int_equal(active(fixture), ALARM_ACTIVE_MAX);
	assert_string_equal(fixture->list[ALARM_ACTIVE_MAX - 1].subject, "s1000");
}

static void the_history_keeps_the_newest(void **state)
{
	struct fixture *fixture = *state;

	for (unsigned i = 0; i < ALARM_HISTORY_MAX + 5; i++) {
		char subject[16];

		raise_number(fixture, DATABASE, i);
		snprintf(subject, sizeof(subject), "s%u", i);
		alarms_clear(fixture->alarms, DATABASE, subject);
	}
	assert_int_equal(history(fixture), ALARM_HISTORY_MAX);
	for (unsigned i = 0; i < ALARM_HISTORY_MAX; i++)
		assert_int_equal(fixture->list[i].id, ALARM_HISTORY_MAX + 5 - i);
	assert_int_equal(alarms_list(fixture->alarms, false, fixture->list, 2), 2);
	assert_int_equal(fixture->list[1].id, ALARM_HISTORY_MAX + 4);
}

/* Each word of the catalogue can be raised, has a level, and takes the one that is configured. */
static void levels_follow_the_configuration(void **state)
{
	struct fixture *fixture = *state;
	const char *const *words = object_type(OBJECT_ALARM)->key.words;
	struct change_list list = {0};
	struct snapshot *snapshot;
	int kinds = 0;

	for (; words[kinds]; kinds++) {
		assert_string_equal(alarm_kind_word(kinds), words[kinds]);
		alarms_raise(fixture->alarms, kinds, "", "x");
		changes_create(&list, "alarm", words[kinds]);
		changes_field(&list, "alarm", words[kinds], "level",
			      kinds % 2 ? "critical" : "low");
	}
	assert_int_equal(active(fixture), kinds);
	snapshot = changes_apply(NULL, &list);
	alarms_configure(fixture->alarms, snapshot);
	active(fixture);
	for (int i = 0; i < kinds; i++)
		assert_string_equal(alarm_level_word(fixture->list[i].level),
				    i % 2 ? "critical" : "low");
	alarms_clear(fixture->alarms, 0, "");
	alarms_raise(fixture->alarms, 0, "", "x");
	active(fixture);
	assert_int_equal(fixture->list[kinds - 1].level, WORD_ALARM_LEVEL_LOW);
	snapshot_unref(snapshot);
	/* Without the objects they are the kinds' own again. */
	snapshot = snapshot_new_empty();
	alarms_configure(fixture->alarms, snapshot);
	alarms_raise(fixture->alarms, DATABASE, "", "x");
	active(fixture);
	for (int i = 0; i < kinds; i++)
		if (fixture->list[i].kind == DATABASE)
			assert_int_equal(fixture->list[i].level, WORD_ALARM_LEVEL_CRITICAL);
	snapshot_unref(snapshot);
}

static void *raise_and_clear(void *context)
{
	struct fixture *fixture = context;
	struct alarm_counts counts;

	for (unsigned i = 0; i < 2000; i++) {
		raise_number(fixture, DATABASE, i % 7);
		alarms_count(fixture->alarms, &counts);
		alarms_clear(fixture->alarms, DATABASE, "s3");
		(void)!alarms_acknowledge(fixture->alarms, i, "ann", "x");
	}
	return NULL;
}

static void many_threads(void **state)
{
	struct fixture *fixture = *state;
	pthread_t threads[4];

	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, raise_and_clear, fixture), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	alarms_clear(fixture->alarms, DATABASE, "s3");
	assert_int_equal(active(fixture), 6);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(from_beginning_to_end), TEST(somebody_has_seen_it), TEST(long_texts_are_cut),
	  TEST(a_full_table_keeps_the_more_serious), TEST(the_history_keeps_the_newest),
	  TEST(levels_follow_the_configuration), TEST(many_threads))
