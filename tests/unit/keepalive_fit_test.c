/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of behaviour A1: what a round reaches, and which values would reach more. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "shared/config/keepalive_fit.h"

static const struct keepalive_pace DEFAULTS = {30, 500, 3000};

static void figures_of_the_defaults(void **state)
{
	struct keepalive_fit fit;

	(void)state;
	assert_int_equal(keepalive_capacity(&DEFAULTS), 180000);
	keepalive_fit(&DEFAULTS, 0, &fit);
	assert_true(fit.fits);
	assert_int_equal(fit.fair_rounds, 0);
	keepalive_fit(&DEFAULTS, 180000, &fit);
	assert_true(fit.fits);
	assert_int_equal(fit.starved, 0);
	assert_int_equal(fit.fair_rounds, 1);
	assert_int_equal(fit.needed_period_s, 30);
	assert_int_equal(fit.one_time, 0);
	assert_int_equal(fit.together.one_time, 0);
	keepalive_fit(&DEFAULTS, 180001, &fit);
	assert_false(fit.fits);
	assert_int_equal(fit.starved, 1);
	assert_int_equal(fit.fair_rounds, 2);
	assert_int_equal(fit.needed_period_s, 31);
	assert_int_equal(fit.period_s, 31);
	assert_int_equal(fit.one_time, 3001);
	assert_int_equal(fit.interval_ms, 491); /* 30 s among 61 bursts */
}

static void alone_only_within_the_range(void **state)
{
	const struct keepalive_pace slow = {10, 60000, 1}; /* one burst of one */
	const struct keepalive_pace dense = {86400, 1, 1000000};
	char text[KEEPALIVE_FIT_TEXT];
	struct keepalive_fit fit;

	(void)state;
	keepalive_fit(&slow, 1441, &fit);
	assert_int_equal(fit.one_time, 1441);
	assert_int_equal(fit.interval_ms, 6);
	assert_int_equal(fit.period_s, 0); /* 1441 min are longer than a day */
	keepalive_fit(&slow, 1440, &fit);
	assert_int_equal(fit.period_s, 86400);
	keepalive_fit(&slow, 10001, &fit);
	assert_int_equal(fit.interval_ms, 0); /* under 1 ms */
	assert_int_equal(fit.one_time, 10001);
	keepalive_fit(&slow, 1000001, &fit);
	assert_int_equal(fit.one_time, 0);
	assert_int_equal(fit.interval_ms, 0);
	assert_int_equal(fit.period_s, 0);
	assert_true(fit.together.one_time && fit.together.interval_ms);
	assert_int_equal(fit.together.period_s, 10);
	assert_non_null(
		strstr(keepalive_fit_print(&fit, text), " and SS_SIP_NAT_KEEP_ALIVE_PERIOD"));
	/* There is an end to everything. */
	keepalive_fit(&dense, keepalive_capacity(&dense) + 1, &fit);
	assert_int_equal(fit.together.one_time, 0);
	assert_string_equal(keepalive_fit_print(&fit, text), "no setting");
}

static void text_names_what_there_is(void **state)
{
	char text[KEEPALIVE_FIT_TEXT];
	struct keepalive_fit fit;

	(void)state;
	keepalive_fit(&DEFAULTS, 200000, &fit);
	assert_string_equal(keepalive_fit_print(&fit, text),
			    "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 3334, "
			    "SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL 447 or "
			    "SS_SIP_NAT_KEEP_ALIVE_PERIOD 34");
	fit.interval_ms = 0;
	assert_string_equal(keepalive_fit_print(&fit, text),
			    "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 3334 or "
			    "SS_SIP_NAT_KEEP_ALIVE_PERIOD 34");
	fit.period_s = 0;
	assert_string_equal(keepalive_fit_print(&fit, text),
			    "SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME 3334");
	/* The longest there can be fits its room. */
	fit = (struct keepalive_fit){.one_time = 1000000, .interval_ms = 60000, .period_s = 86400};
	assert_non_null(strstr(keepalive_fit_print(&fit, text), " 86400"));
}

static void assert_settable(const struct keepalive_pace *pace)
{
	assert_in_range(pace->period_s, 10, 86400);
	assert_in_range(pace->interval_ms, 1, 60000);
	assert_in_range(pace->one_time, 1, 1000000);
}

/* What is named does fit, and nothing that would be kinder does. */
static void expect_good_advice(const struct keepalive_pace *pace, uint64_t devices)
{
	struct keepalive_pace other = *pace;
	struct keepalive_fit fit;

	keepalive_fit(pace, devices, &fit);
	assert_int_equal(fit.fits, devices <= keepalive_capacity(pace));
	assert_true(fit.fair_rounds * fit.capacity >= devices);
	assert_true(fit.fair_rounds == 0 || (fit.fair_rounds - 1) * fit.capacity < devices);
	if (fit.fits)
		return;
	assert_int_equal(fit.starved + fit.capacity, devices);
	if (fit.one_time) {
		other.one_time = fit.one_time;
		assert_settable(&other);
		assert_true(keepalive_capacity(&other) >= devices);
		other.one_time--;
		assert_true(keepalive_capacity(&other) < devices);
	}
	other = *pace;
	if (fit.interval_ms) {
		uint64_t bursts = (devices + pace->one_time - 1) / pace->one_time;

		other.interval_ms = fit.interval_ms;
		assert_settable(&other);
		assert_true(keepalive_capacity(&other) >= devices);
		assert_true(fit.interval_ms == 60000 ||
			    (fit.interval_ms + 1) * bursts > pace->period_s * 1000);
	}
	other = *pace;
	if (fit.period_s) {
		assert_int_equal(fit.period_s, fit.needed_period_s);
		other.period_s = fit.period_s;
		assert_settable(&other);
		assert_true(keepalive_capacity(&other) >= devices);
	}
	if (fit.together.one_time) {
		assert_settable(&fit.together);
		assert_true(keepalive_capacity(&fit.together) >= devices);
		assert_true(fit.together.interval_ms <= pace->interval_ms);
		assert_true(!fit.one_time || fit.together.one_time <= fit.one_time);
	} else {
		const struct keepalive_pace most = {86400, 1, 1000000};

		assert_true(keepalive_capacity(&most) < devices);
	}
}

static uint64_t any(uint64_t low, uint64_t high)
{
	return low + (uint64_t)lrand48() % (high - low + 1);
}

static void advice_of_any_setting_is_good(void **state)
{
	(void)state;
	srand48(4711);
	for (int i = 0; i < 200000; i++) {
		struct keepalive_pace pace = {
			.period_s = any(10, i % 2 ? 86400 : 120),
			.interval_ms = any(1, i % 3 ? 60000 : 600),
			.one_time = any(1, i % 5 ? 1000000 : 50),
		};
		uint64_t capacity = keepalive_capacity(&pace);

		expect_good_advice(&pace, any(0, 10000000));
		expect_good_advice(&pace, capacity);
		expect_good_advice(&pace, capacity + any(1, 1 + capacity / 4));
		expect_good_advice(&pace, capacity * any(2, 1000));
	}
}

TEST_MAIN(cmocka_unit_test(figures_of_the_defaults), cmocka_unit_test(alone_only_within_the_range),
	  cmocka_unit_test(text_names_what_there_is),
	  cmocka_unit_test(advice_of_any_setting_is_good))
