/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The life of a registration line by line of behaviour C3, on a clock that is a number. */
#include "tests/support/test.h"

#include "switchd/sip/outbound_machine.h"

#define S UINT64_C(1000000)

static const struct outbound_rules AUTO = {
	.expire_s = 3600, .is_auto = true, .retry_delay_s = 60, .most_answers = 6};
static const struct outbound_rules FIXED = {
	.expire_s = 120, .retry_delay_s = 30, .most_answers = 2};

static enum outbound_action take(struct outbound_machine *machine,
				 const struct outbound_rules *rules, enum outbound_event event,
				 uint64_t now_s)
{
	return outbound_machine_take(machine, rules, event, NULL, now_s * S);
}

static enum outbound_action granted(struct outbound_machine *machine,
				    const struct outbound_rules *rules, uint32_t granted_s,
				    uint64_t now_s)
{
	const struct outbound_news news = {.granted_s = granted_s};

	return outbound_machine_take(machine, rules, OUTBOUND_GRANTED, &news, now_s * S);
}

static enum outbound_action refused(struct outbound_machine *machine,
				    const struct outbound_rules *rules, uint32_t retry_after_s,
				    uint64_t now_s)
{
	const struct outbound_news news = {.retry_after_s = retry_after_s};

	return outbound_machine_take(machine, rules, OUTBOUND_REFUSED, &news, now_s * S);
}

/* Registered at 100 s for so long. */
static struct outbound_machine registered(const struct outbound_rules *rules, uint32_t granted_s)
{
	struct outbound_machine machine = {0};

	assert_int_equal(take(&machine, rules, OUTBOUND_DUE, 99), OUTBOUND_REGISTER);
	assert_int_equal(granted(&machine, rules, granted_s, 100), OUTBOUND_KEEP);
	assert_int_equal(machine.state, OUTBOUND_REGISTERED);
	return machine;
}

/* 90 % of the grant, at the latest 5 s before its end. */
static void refresh_in_time(void **state)
{
	static const struct {
		uint32_t granted_s;
		uint64_t ms;
	} rows[] = {
		{3600, 3240000},
		{100, 90000},
		{60, 54000},
		{51, 45900},
		{50, 45000},
		{49, 44000},
		{20, 15000},
		{11, 6000},
		{10, 5000},
		{5, 2500},
		{2, 1000},
		{1, 1000},
		{UINT32_MAX, UINT32_MAX * UINT64_C(900)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(outbound_refresh_us(rows[i].granted_s), rows[i].ms * 1000);
	/* Whatever is granted, there is time for a refresh, and no storm of them. */
	for (uint32_t granted_s = 1; granted_s < 100000; granted_s++) {
		uint64_t us = outbound_refresh_us(granted_s);

		assert_true(us >= S && us <= granted_s * S);
		if (granted_s > 10)
			assert_true(us <= granted_s * S - 5 * S);
	}
}

static void auto_lives_by_the_grant(void **state)
{
	struct outbound_machine machine = {0};

	(void)state;
	assert_int_equal(outbound_machine_proposes(&machine, &AUTO), 3600);
	machine = registered(&AUTO, 300);
	assert_int_equal(machine.granted_s, 300);
	assert_int_equal(machine.due_us, 370 * S);
	machine = registered(&AUTO, 7200);
	assert_int_equal(machine.granted_s, 7200);
	assert_int_equal(machine.due_us, (100 + 6480) * S);
}

static void a_number_accepts_less_and_not_more(void **state)
{
	struct outbound_machine machine = {0};

	(void)state;
	assert_int_equal(outbound_machine_proposes(&machine, &FIXED), 120);
	machine = registered(&FIXED, 60);
	assert_int_equal(machine.granted_s, 60);
	machine = registered(&FIXED, 3600);
	assert_int_equal(machine.granted_s, 120);
	assert_int_equal(machine.due_us, 208 * S);
	/* The server holds it for as long as it said. */
	assert_int_equal(machine.bound_us, 3700 * S);
}

static void refreshed_again_and_again(void **state)
{
	struct outbound_machine machine = registered(&AUTO, 100);
	uint64_t now_us = machine.due_us;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const struct outbound_news news = {.granted_s = 100};

		assert_int_equal(outbound_machine_take(&machine, &AUTO, OUTBOUND_DUE, NULL, now_us),
				 OUTBOUND_REGISTER);
		assert_int_equal(machine.state, OUTBOUND_REFRESHING);
		assert_int_equal(machine.due_us, 0);
		assert_int_equal(
			outbound_machine_take(&machine, &AUTO, OUTBOUND_GRANTED, &news, now_us),
			OUTBOUND_KEEP);
		assert_int_equal(machine.due_us, now_us + 90 * S);
		now_us = machine.due_us;
	}
}

static void failures(void **state)
{
	struct outbound_machine machine = {0};

	(void)state;
	take(&machine, &AUTO, OUTBOUND_DUE, 0);
	assert_int_equal(refused(&machine, &AUTO, 0, 10), OUTBOUND_FAIL);
	assert_int_equal(machine.state, OUTBOUND_FAILED);
	assert_int_equal(machine.due_us, 70 * S);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_DUE, 70), OUTBOUND_REGISTER);
	assert_int_equal(machine.state, OUTBOUND_REGISTERING);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_SILENT, 102), OUTBOUND_FAIL);
	assert_int_equal(machine.due_us, 162 * S);
	assert_int_equal(machine.failures, 2);
	/* A larger Retry-After wins, a smaller one does not, and no year is waited. */
	take(&machine, &AUTO, OUTBOUND_DUE, 200);
	refused(&machine, &AUTO, 300, 200);
	assert_int_equal(machine.due_us, 500 * S);
	take(&machine, &AUTO, OUTBOUND_DUE, 500);
	refused(&machine, &AUTO, 59, 500);
	assert_int_equal(machine.due_us, 560 * S);
	take(&machine, &AUTO, OUTBOUND_DUE, 600);
	refused(&machine, &AUTO, UINT32_MAX, 600);
	assert_int_equal(machine.due_us, (600 + 86400) * S);
	assert_int_equal(machine.failures, 5);
	take(&machine, &AUTO, OUTBOUND_DUE, 90000);
	granted(&machine, &AUTO, 60, 90000);
	assert_int_equal(machine.failures, 0);
}

/* The refresh fails: the registration counts as failed, though the server may hold it still. */
static void a_refresh_that_fails(void **state)
{
	struct outbound_machine machine = registered(&AUTO, 100);

	(void)state;
	take(&machine, &AUTO, OUTBOUND_DUE, 190);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_SILENT, 199), OUTBOUND_FAIL);
	assert_int_equal(machine.state, OUTBOUND_FAILED);
	assert_int_equal(machine.granted_s, 0);
	assert_int_equal(outbound_machine_farewell(&machine, 199 * S), OUTBOUND_LEAVE_BOUND);
	assert_int_equal(outbound_machine_farewell(&machine, 201 * S), OUTBOUND_LEAVE);
}

static void challenges_are_counted(void **state)
{
	struct outbound_machine machine = {0};
	struct outbound_rules none = FIXED;

	(void)state;
	take(&machine, &FIXED, OUTBOUND_DUE, 0);
	for (int i = 0; i < 2; i++) {
		assert_true(outbound_machine_may_answer(&machine, &FIXED));
		assert_int_equal(take(&machine, &FIXED, OUTBOUND_CHALLENGED, 1), OUTBOUND_REPEAT);
		assert_int_equal(machine.state, OUTBOUND_REGISTERING);
	}
	assert_false(outbound_machine_may_answer(&machine, &FIXED));
	refused(&machine, &FIXED, 0, 1);
	take(&machine, &FIXED, OUTBOUND_DUE, 31);
	assert_true(outbound_machine_may_answer(&machine, &FIXED));
	/* 0 would mean to answer none: the first is answered all the same. */
	none.most_answers = 0;
	assert_true(outbound_machine_may_answer(&machine, &none));
	take(&machine, &none, OUTBOUND_CHALLENGED, 31);
	assert_false(outbound_machine_may_answer(&machine, &none));
}

static void too_brief(void **state)
{
	const struct outbound_news news = {.min_expires_s = 900};
	struct outbound_machine machine = {0};

	(void)state;
	take(&machine, &FIXED, OUTBOUND_DUE, 0);
	assert_false(outbound_machine_may_lengthen(&machine, &FIXED, 120));
	assert_true(outbound_machine_may_lengthen(&machine, &FIXED, 121));
	assert_int_equal(outbound_machine_take(&machine, &FIXED, OUTBOUND_TOO_BRIEF, &news, S),
			 OUTBOUND_REPEAT);
	assert_int_equal(outbound_machine_proposes(&machine, &FIXED), 900);
	/* Once; a server that always wants more does not get it. */
	assert_false(outbound_machine_may_lengthen(&machine, &FIXED, 1000));
	granted(&machine, &FIXED, 900, 1);
	assert_int_equal(machine.granted_s, 900);
	/* The refresh proposes what was wanted. */
	take(&machine, &FIXED, OUTBOUND_DUE, 811);
	assert_int_equal(outbound_machine_proposes(&machine, &FIXED), 900);
	assert_true(outbound_machine_may_lengthen(&machine, &FIXED, 1000));
	assert_int_equal(outbound_machine_proposes(&machine, &AUTO), 3600);
}

static void farewells(void **state)
{
	struct outbound_machine machine = {0};

	(void)state;
	assert_int_equal(outbound_machine_farewell(&machine, 0), OUTBOUND_LEAVE);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_LEAVE, 0), OUTBOUND_END);
	assert_int_equal(machine.state, OUTBOUND_GONE);

	machine = registered(&AUTO, 100);
	assert_int_equal(outbound_machine_farewell(&machine, 110 * S), OUTBOUND_LEAVE_BOUND);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_LEAVE_BOUND, 110), OUTBOUND_UNREGISTER);
	assert_int_equal(machine.state, OUTBOUND_LEAVING);
	assert_int_equal(machine.due_us, 0);
	assert_int_equal(outbound_machine_proposes(&machine, &AUTO), 0);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_CHALLENGED, 110), OUTBOUND_REPEAT);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_AGAIN, 110), OUTBOUND_NOTHING);
	assert_int_equal(machine.state, OUTBOUND_LEAVING);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_SILENT, 142), OUTBOUND_END);

	/* One on its way may be granted without our hearing of it. */
	machine = (struct outbound_machine){0};
	take(&machine, &AUTO, OUTBOUND_DUE, 0);
	assert_int_equal(outbound_machine_farewell(&machine, S), OUTBOUND_LEAVE_BOUND);
}

/* By an operator or a commit: at once, in every state but when it leaves. */
static void again(void **state)
{
	struct outbound_machine machine = registered(&AUTO, 100);

	(void)state;
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_AGAIN, 101), OUTBOUND_REGISTER);
	assert_int_equal(machine.state, OUTBOUND_REFRESHING);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_AGAIN, 101), OUTBOUND_REGISTER);
	assert_int_equal(refused(&machine, &AUTO, 0, 102), OUTBOUND_FAIL);
	assert_int_equal(take(&machine, &AUTO, OUTBOUND_AGAIN, 103), OUTBOUND_REGISTER);
	assert_int_equal(machine.state, OUTBOUND_REGISTERING);
}

/* Every event in every state: nothing is done twice, and an ended one stays ended. */
static void all_events_in_all_states(void **state)
{
	(void)state;
	for (int at = 0; at < OUTBOUND_STATES; at++) {
		for (int event = 0; event < OUTBOUND_EVENTS; event++) {
			struct outbound_machine machine = {.state = (enum outbound_state)at};
			const struct outbound_news news = {.granted_s = 60, .min_expires_s = 90};
			enum outbound_action action = outbound_machine_take(
				&machine, &AUTO, (enum outbound_event)event, &news, S);

			if (at == OUTBOUND_GONE)
				assert_int_equal(action, OUTBOUND_NOTHING);
			if (action == OUTBOUND_NOTHING)
				assert_int_equal(machine.state, at);
			/* What waits has a time to act, or an answer to come. */
			assert_int_equal(action == OUTBOUND_KEEP || action == OUTBOUND_FAIL,
					 machine.due_us != 0);
			assert_int_equal(action == OUTBOUND_END,
					 at != OUTBOUND_GONE && machine.state == OUTBOUND_GONE);
			assert_non_null(outbound_state_word(machine.state));
		}
	}
}

TEST_MAIN(cmocka_unit_test(refresh_in_time), cmocka_unit_test(auto_lives_by_the_grant),
	  cmocka_unit_test(a_number_accepts_less_and_not_more),
	  cmocka_unit_test(refreshed_again_and_again), cmocka_unit_test(failures),
	  cmocka_unit_test(a_refresh_that_fails), cmocka_unit_test(challenges_are_counted),
	  cmocka_unit_test(too_brief), cmocka_unit_test(farewells), cmocka_unit_test(again),
	  cmocka_unit_test(all_events_in_all_states))
