/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session collects before it commits, and who wins when two did. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/ctl/commit.h"
#include "tests/support/ctl.h"

static struct ctl_fixture fixture;

static int open_fixture(void **state)
{
	(void)state;
	ctl_fixture_open(&fixture);
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	ctl_fixture_close(&fixture);
	return 0;
}

static const struct check_facts no_facts;

/* What the candidate would do to the running configuration. */
static struct commit_plan plan_of(const struct config_candidate *candidate)
{
	struct commit_plan plan;
	struct vos_fault fault = {0};

	if (commit_plan_make(fixture.running, &candidate->changes, false, &no_facts, &plan,
			     &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	return plan;
}

static void an_object_is_created_once(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;

	(void)state;
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate,
		  "phone 1001\nname A\nexit\nphone 1001\nname B\nphone 1001 lock out");
	assert_true(candidate_has_object(&candidate, OBJECT_PHONE, "1001"));
	assert_false(candidate_has_object(&candidate, OBJECT_PHONE, "1002"));
	plan = plan_of(&candidate);
	assert_int_equal(plan.diff.count, 3); /* the phone, its name, its lock */
	assert_int_equal(snapshot_object_count(plan.after, OBJECT_PHONE), 1);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void deleted_and_made_again_starts_empty(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;
	const struct object *phone;

	(void)state;
	ctl_commit(&fixture, "a", "phone 1001\nname A\nlock out");
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "no phone 1001");
	assert_false(candidate_has_object(&candidate, OBJECT_PHONE, "1001"));
	ctl_lines(&fixture, &candidate, "phone 1001\nname B");
	assert_true(candidate_has_object(&candidate, OBJECT_PHONE, "1001"));
	plan = plan_of(&candidate);
	phone = snapshot_object_find(plan.after, OBJECT_PHONE, span_of("1001"));
	assert_non_null(phone);
	assert_string_equal(object_field(phone, FIELD_PHONE_NAME)->text, "B");
	assert_false(object_field_is_set(phone, FIELD_PHONE_LOCK));
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void what_is_missing_cannot_be_removed(void **state)
{
	struct config_candidate candidate;
	struct mode mode = {.kind = MODE_CONFIG};
	struct vos_fault fault = {0};

	(void)state;
	candidate_open(&candidate, fixture.running);
	assert_int_equal(ctl_line(&fixture, &candidate, &mode, "no phone 7", &fault), VOS_ENOENT);
	assert_int_equal(fault.code, FAULT_NOT_FOUND);
	assert_string_equal(fault.path, "phone 7");
	assert_int_equal(candidate.changes.count, 0);
	ctl_lines(&fixture, &candidate, "phone 7");
	assert_int_equal(ctl_line(&fixture, &candidate, &mode, "no phone 7", &fault), VOS_OK);
	assert_int_equal(ctl_line(&fixture, &candidate, &mode, "no phone 7", &fault), VOS_ENOENT);
	candidate_close(&candidate);
}

static void assert_refused(struct config_candidate *candidate, const char *line, const char *text)
{
	struct mode mode = {.kind = MODE_CONFIG};
	struct vos_fault fault = {0};
	enum vos_err err = ctl_line(&fixture, candidate, &mode, line, &fault);

	assert_int_equal(err, VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_VALUE_RANGE);
	if (!strstr(fault.text, text))
		fail_msg("\"%s\" does not say \"%s\"", fault.text, text);
}

static void a_range_fault_names_the_value_now(void **state)
{
	struct config_candidate candidate;

	(void)state;
	ctl_commit(&fixture, "a", "phone 1\nforward-ring-time 40");
	candidate_open(&candidate, fixture.running);
	assert_refused(&candidate, "SS_SIP_NAT_KEEP_ALIVE_PERIOD 5", ", now 30");
	ctl_lines(&fixture, &candidate, "SS_SIP_NAT_KEEP_ALIVE_PERIOD = 44");
	assert_refused(&candidate, "SS_SIP_NAT_KEEP_ALIVE_PERIOD 5", ", now 44");
	ctl_lines(&fixture, &candidate, "no SS_SIP_NAT_KEEP_ALIVE_PERIOD");
	assert_refused(&candidate, "SS_SIP_NAT_KEEP_ALIVE_PERIOD 5", ", now 30");
	assert_refused(&candidate, "phone 1 forward-ring-time 601", ", now 40");
	candidate_close(&candidate);
}

static const char *secret_of(const struct snapshot *snapshot)
{
	const struct object *phone = snapshot_object_find(snapshot, OBJECT_PHONE, span_of("1"));

	assert_non_null(phone);
	return object_field(phone, FIELD_PHONE_PASSWORD)->text;
}

static void the_same_secret_is_no_change(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;
	char plain[SECRET_PLAIN_MAX + 1];
	size_t len;

	(void)state;
	ctl_commit(&fixture, "a", "phone 1\npassword plain \"s e c\"");
	assert_int_equal(secret_open(store_key(fixture.store), span_of(secret_of(fixture.running)),
				     plain, &len),
			 VOS_OK);
	assert_string_equal(plain, "s e c");
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "phone 1 password \"s e c\"");
	plan = plan_of(&candidate);
	assert_null(plan.after);
	commit_plan_clear(&plan);
	ctl_lines(&fixture, &candidate, "phone 1 password other");
	plan = plan_of(&candidate);
	assert_int_equal(plan.diff.count, 1);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void a_parameter_may_be_a_secret(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;

	(void)state;
	ctl_commit(&fixture, "a", "SS_RTP_ENCRYPTION_KEY = \"s e c\"");
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "SS_RTP_ENCRYPTION_KEY = \"s e c\"");
	plan = plan_of(&candidate);
	assert_null(plan.after);
	commit_plan_clear(&plan);
	ctl_lines(&fixture, &candidate, "SS_RTP_ENCRYPTION_KEY other");
	plan = plan_of(&candidate);
	assert_int_equal(plan.diff.count, 1);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void sealed_text_must_open(void **state)
{
	struct config_candidate candidate;
	struct mode mode = {.kind = MODE_CONFIG};
	struct vos_fault fault = {0};
	struct secret_key foreign;
	char sealed[SECRET_SEALED_MAX];
	char line[SECRET_SEALED_MAX + 64];

	(void)state;
	candidate_open(&candidate, fixture.running);
	secret_key_random(&foreign);
	assert_int_equal(secret_seal(&foreign, span_of("x"), sealed), VOS_OK);
	snprintf(line, sizeof(line), "phone 1 password sealed %s", sealed);
	assert_int_equal(ctl_line(&fixture, &candidate, &mode, line, &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_VALUE_FORMAT);
	assert_int_equal(secret_seal(store_key(fixture.store), span_of("x"), sealed), VOS_OK);
	snprintf(line, sizeof(line), "phone 1 password sealed %s", sealed);
	assert_int_equal(ctl_line(&fixture, &candidate, &mode, line, &fault), VOS_OK);
	mode = (struct mode){.kind = MODE_CONFIG};
	assert_int_equal(
		ctl_line(&fixture, &candidate, &mode, "phone 1 password <redacted>", &fault),
		VOS_EINVAL);
	candidate_close(&candidate);
}

static void setting_what_is_set_makes_no_generation(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;

	(void)state;
	ctl_commit(&fixture, "a", "phone 1\nname A\nexit\nSS_SIP_NAT_KEEP_ALIVE_PERIOD 20");
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "phone 1\nname A\nexit\nSS_SIP_NAT_KEEP_ALIVE_PERIOD 20");
	plan = plan_of(&candidate);
	assert_null(plan.after);
	assert_int_equal(plan.diff.count, 0);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void a_check_error_refuses(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;

	(void)state;
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "phone 1\nnetwork nowhere");
	plan = plan_of(&candidate);
	assert_int_equal(plan.report.error_count, 1);
	assert_int_equal(plan.report.errors[0].code, FAULT_REF_MISSING);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void replace_starts_from_nothing(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;
	struct vos_fault fault = {0};
	struct snapshot *empty;

	(void)state;
	ctl_commit(&fixture, "a", "phone 1\nname A\nexit\nphone 2\nlock out\nexit\nhostname sw7");
	empty = snapshot_new_empty();
	assert_non_null(empty);
	candidate_open(&candidate, empty);
	snapshot_unref(empty);
	ctl_lines(&fixture, &candidate, "phone 2\nname B");
	assert_int_equal(commit_plan_make(fixture.running, &candidate.changes, true, &no_facts,
					  &plan, &fault),
			 VOS_OK);
	assert_int_equal(snapshot_generation(plan.after), 2);
	assert_int_equal(snapshot_object_count(plan.after, OBJECT_PHONE), 1);
	assert_false(object_field_is_set(
		snapshot_object_find(plan.after, OBJECT_PHONE, span_of("2")), FIELD_PHONE_LOCK));
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

struct conflict_case {
	const char *before;
	const char *theirs;
	const char *mine;
	size_t conflicts;
};

static const struct conflict_case conflict_cases[] = {
	{"phone 1", "hostname a", "phone 1 name x", 0},
	{"phone 1", "hostname a", "hostname b", 1},
	{"phone 1", "hostname a", "hostname a", 1},
	{"phone 1", "phone 1 name a", "phone 1 name b", 1},
	{"phone 1", "phone 1 name a", "phone 1 lock out", 0},
	{"phone 1", "phone 1 name a", "phone 2 name b", 0},
	{"phone 1", "no phone 1", "phone 1 name b", 1},
	{"phone 1", "phone 1 name a", "no phone 1", 1},
	{"phone 1", "no phone 1", "no phone 1", 0}, /* both delete it */
	{"phone 1\nexit\nphone 10", "phone 10 name a", "no phone 1", 0},
	{"phone 1", "phone 2 name a", "phone 2 lock out", 0}, /* both create it */
	{"phone 1", "phone 2 name a", "phone 2 name b", 1},
	{"phone 1", "SS_SIP_NAT_KEEP_ALIVE_PERIOD 20", "no SS_SIP_NAT_KEEP_ALIVE_PERIOD", 1},
	{"phone 1", "SS_SIP_NAT_KEEP_ALIVE_PERIOD 20\nhostname a\nphone 1 name x",
	 "SS_SIP_NAT_KEEP_ALIVE_PERIOD 21\nphone 1 name y\nphone 1 lock in", 2},
};

static void expect_conflict(void *context, const struct change *ours, const char *path,
			    uint64_t generation, const char *author)
{
	uint64_t *expected = context;

	assert_non_null(ours);
	assert_true(*path != '\0');
	assert_int_equal(generation, *expected);
	assert_string_equal(author, "them");
}

static void conflicts_go_by_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(conflict_cases) / sizeof(conflict_cases[0]); i++) {
		const struct conflict_case *one = &conflict_cases[i];
		struct config_candidate candidate;
		uint64_t generation;
		size_t count = 99;

		if (i)
			ctl_fixture_open(&fixture);
		ctl_commit(&fixture, "me", one->before);
		candidate_open(&candidate, fixture.running);
		ctl_lines(&fixture, &candidate, one->mine);
		ctl_commit(&fixture, "them", one->theirs);
		generation = snapshot_generation(fixture.running);
		assert_int_equal(commit_conflicts(fixture.store, candidate.base, fixture.running,
						  &candidate.changes, expect_conflict, &generation,
						  &count),
				 VOS_OK);
		if (count != one->conflicts)
			fail_msg("case %zu: %zu conflicts", i, count);
		candidate_close(&candidate);
		if (i + 1 < sizeof(conflict_cases) / sizeof(conflict_cases[0]))
			ctl_fixture_close(&fixture);
	}
}

/* More generations than are kept: the difference of the two snapshots decides. */
static void conflicts_outlive_the_history(void **state)
{
	struct config_candidate candidate;
	struct config_candidate other;
	size_t count = 99;

	(void)state;
	ctl_commit(&fixture, "me", "hostname a");
	candidate_open(&candidate, fixture.running);
	candidate_open(&other, fixture.running);
	ctl_lines(&fixture, &candidate, "hostname mine");
	ctl_lines(&fixture, &other, "phone 5 name z");
	ctl_commit(&fixture, "", "hostname theirs");
	for (int i = 0; i < 60; i++) {
		char line[64];

		snprintf(line, sizeof(line), "SS_SIP_NAT_KEEP_ALIVE_PERIOD %d", 20 + i);
		ctl_commit(&fixture, "", line);
	}
	assert_int_equal(commit_conflicts(fixture.store, candidate.base, fixture.running,
					  &candidate.changes, NULL, NULL, &count),
			 VOS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(commit_conflicts(fixture.store, other.base, fixture.running,
					  &other.changes, NULL, NULL, &count),
			 VOS_OK);
	assert_int_equal(count, 0);
	candidate_close(&candidate);
	candidate_close(&other);
}

/* A whole configuration with its secrets in clear, again: nothing has changed. */
static void a_replacing_text_keeps_secrets(void **state)
{
	struct config_candidate candidate;
	struct commit_plan plan;
	struct vos_fault fault = {0};

	(void)state;
	ctl_commit(&fixture, "a", "phone 1\npassword plain \"s e c\"\nforward-ring-time 40");
	assert_int_equal(candidate_open_empty(&candidate, fixture.running), VOS_OK);
	assert_refused(&candidate, "phone 1 forward-ring-time 601", ", now 40");
	assert_false(candidate_has_object(&candidate, OBJECT_PHONE, "1"));
	ctl_lines(&fixture, &candidate, "phone 1\nforward-ring-time 40\npassword plain \"s e c\"");
	assert_int_equal(commit_plan_make(fixture.running, &candidate.changes, true, &no_facts,
					  &plan, &fault),
			 VOS_OK);
	assert_null(plan.after);
	commit_plan_clear(&plan);
	ctl_lines(&fixture, &candidate, "phone 1 password \"s e d\"");
	assert_int_equal(commit_plan_make(fixture.running, &candidate.changes, true, &no_facts,
					  &plan, &fault),
			 VOS_OK);
	assert_int_equal(plan.diff.count, 1);
	commit_plan_clear(&plan);
	candidate_close(&candidate);
}

static void note_path(void *context, const struct change *ours, const char *path,
		      uint64_t generation, const char *author)
{
	struct buf *text = context;

	assert_int_equal(ours->op, CHANGE_OBJECT_DELETE);
	buf_printf(text, "%s by %s in %d;", path, author, (int)generation);
}

static void a_deletion_meets_every_field(void **state)
{
	struct config_candidate candidate;
	struct buf text = buf_new();
	size_t count;

	(void)state;
	ctl_commit(&fixture, "me", "phone 1\nexit\nphone 11");
	candidate_open(&candidate, fixture.running);
	ctl_lines(&fixture, &candidate, "no phone 1");
	ctl_commit(&fixture, "bob", "phone 1 name x\nphone 11 name y");
	ctl_commit(&fixture, "eve", "phone 1 lock in\nphone 1 name z");
	assert_int_equal(commit_conflicts(fixture.store, candidate.base, fixture.running,
					  &candidate.changes, note_path, &text, &count),
			 VOS_OK);
	assert_int_equal(count, 2);
	assert_string_equal(buf_cstr(&text), "phone 1 name by eve in 3;phone 1 lock by eve in 3;");
	buf_free(&text);
	candidate_close(&candidate);
}

static void the_past_comes_back_exactly(void **state)
{
	struct snapshot *past[6];
	struct snapshot *at;

	(void)state;
	for (int i = 0; i < 6; i++) {
		static const char *const steps[] = {
			"phone 1\nname a\nlock out",  "no phone 1\nphone 2 name b",
			"phone 1 name c\nhostname x", "no phone 2\nSS_SIP_SESSION_TTL 900",
			"phone 2\nlock in",           "no hostname\nno SS_SIP_SESSION_TTL"};

		ctl_commit(&fixture, "a", steps[i]);
		past[i] = snapshot_ref(fixture.running);
	}
	for (int i = 0; i < 6; i++) {
		struct change_list diff = {0};
		uint64_t generation = snapshot_generation(past[i]);

		assert_int_equal(
			commit_snapshot_at(fixture.store, fixture.running, generation, &at),
			VOS_OK);
		assert_int_equal(snapshot_generation(at), generation);
		assert_int_equal(snapshot_diff(past[i], at, &diff), VOS_OK);
		assert_int_equal(diff.count, 0);
		snapshot_unref(at);
		snapshot_unref(past[i]);
	}
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

TEST_MAIN(WITH_STORE(an_object_is_created_once), WITH_STORE(deleted_and_made_again_starts_empty),
	  WITH_STORE(what_is_missing_cannot_be_removed),
	  WITH_STORE(a_range_fault_names_the_value_now), WITH_STORE(the_same_secret_is_no_change),
	  WITH_STORE(a_parameter_may_be_a_secret), WITH_STORE(sealed_text_must_open),
	  WITH_STORE(setting_what_is_set_makes_no_generation), WITH_STORE(a_check_error_refuses),
	  WITH_STORE(replace_starts_from_nothing), WITH_STORE(conflicts_go_by_path),
	  WITH_STORE(conflicts_outlive_the_history), WITH_STORE(a_replacing_text_keeps_secrets),
	  WITH_STORE(a_deletion_meets_every_field), WITH_STORE(the_past_comes_back_exactly))
