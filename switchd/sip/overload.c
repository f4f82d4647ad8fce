/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/overload.h"

#define SAMPLES_MIN    3u  /* of a window that is to count */
#define BEGIN_WINDOWS  2u  /* pressed in a row */
#define STEER_PART     5u  /* of the limit: what is steered to */
#define END_WINDOWS    20u /* calm in a row */
#define CUT_PAUSE      2u  /* windows in which a cut shows what it does */
#define FAST_WINDOWS   5u  /* without pressure, after which rates rise faster */
#define RATE_BEGIN     500u
#define RATE_MIN       10u /* a second: never nothing */
#define RATE_MAX       1000000u
#define WINDOWS_A_S    (1000000u / OVERLOAD_WINDOW_US)
#define FORGOTTEN_US   2000000u
#define BURST_FRACTION 20u /* of a second's worth that may come at once */

/* Percent of the rate that a beginning and a cut leave. */
static const uint32_t BEGIN_PERCENT[OVERLOAD_SHARES] = {90, 50};
static const uint32_t CUT_PERCENT[OVERLOAD_SHARES] = {85, 60};

static uint32_t within(uint64_t rate)
{
	return rate < RATE_MIN ? RATE_MIN : rate > RATE_MAX ? RATE_MAX : (uint32_t)rate;
}

static void cut(struct overload *overload)
{
	for (int share = 0; share < OVERLOAD_SHARES; share++) {
		struct overload_rate *rate = &overload->rates[share];

		/* What is not used up is not what presses. */
		if (rate->average >= rate->rate / 2)
			rate->rate = within((uint64_t)rate->rate * CUT_PERCENT[share] / 100);
	}
	overload->cooldown = CUT_PAUSE;
}

static void raise_rates(struct overload *overload)
{
	for (int share = 0; share < OVERLOAD_SHARES; share++) {
		struct overload_rate *rate = &overload->rates[share];

		/* Slowly at first, since that is where the limit was a moment ago. */
		rate->rate = within((uint64_t)rate->rate +
				    rate->rate / (overload->unpressed < FAST_WINDOWS ? 25 : 8) + 2);
	}
}

static void begin(struct overload *overload)
{
	overload->is_on = true;
	overload->calm = 0;
	overload->unpressed = 0;
	overload->cooldown = CUT_PAUSE;
	for (int share = 0; share < OVERLOAD_SHARES; share++) {
		struct overload_rate *rate = &overload->rates[share];
		uint64_t start = (uint64_t)rate->average * BEGIN_PERCENT[share] / 100;

		/* One that hardly came has not made the overload, and is not to wait for its end.
		 */
		rate->rate = within(start > RATE_BEGIN ? start : RATE_BEGIN);
	}
	atomic_fetch_add_explicit(&overload->episodes, 1, memory_order_relaxed);
}

static void steer(struct overload *overload, bool is_pressed)
{
	if (overload->cooldown)
		overload->cooldown--;
	if (is_pressed) {
		overload->calm = 0;
		overload->unpressed = 0;
		/* A queue that gets shorter needs time, not a second cut. */
		if (!overload->cooldown && overload->window_least >= overload->last_least)
			cut(overload);
		return;
	}
	raise_rates(overload);
	overload->unpressed++;
	overload->calm = overload->window_refused ? 0 : overload->calm + 1;
	if (overload->calm >= END_WINDOWS)
		overload->is_on = false;
}

static void show(struct overload *overload, uint64_t now_us)
{
	atomic_store_explicit(&overload->shown_on, overload->is_on, memory_order_relaxed);
	atomic_store_explicit(&overload->shown_pressure,
			      overload->window_samples ? overload->window_least : 0,
			      memory_order_relaxed);
	for (int share = 0; share < OVERLOAD_SHARES; share++)
		atomic_store_explicit(&overload->shown_rates[share], overload->rates[share].rate,
				      memory_order_relaxed);
	atomic_store_explicit(&overload->shown_us, now_us, memory_order_relaxed);
}

static void close_window(struct overload *overload)
{
	/* Once it is on, the queue is to become short, not just bearable. */
	uint32_t limit = overload->is_on ? OVERLOAD_LIMIT / STEER_PART : OVERLOAD_LIMIT;
	bool is_pressed =
		overload->window_samples >= SAMPLES_MIN && overload->window_least >= limit;

	overload->pressed = is_pressed ? overload->pressed + 1 : 0;
	for (int share = 0; share < OVERLOAD_SHARES; share++) {
		struct overload_rate *rate = &overload->rates[share];

		rate->average = (3 * rate->average + rate->taken * WINDOWS_A_S) / 4;
		rate->taken = 0;
	}
	if (overload->is_on)
		steer(overload, is_pressed);
	else if (overload->pressed >= BEGIN_WINDOWS)
		begin(overload);
	show(overload, overload->window_end_us);
	overload->last_least = overload->window_least;
	overload->window_least = 0;
	overload->window_samples = 0;
	overload->window_refused = false;
	overload->window_end_us += OVERLOAD_WINDOW_US;
}

void overload_sample(struct overload *overload, uint64_t now_us, uint32_t pressure)
{
	/* A window without samples is a calm one; after so many nothing is left to remember. */
	for (uint32_t i = 0; now_us >= overload->window_end_us && i <= END_WINDOWS; i++)
		close_window(overload);
	if (now_us >= overload->window_end_us)
		overload->window_end_us = now_us + OVERLOAD_WINDOW_US;
	if (!overload->window_samples || pressure < overload->window_least)
		overload->window_least = pressure;
	overload->window_samples++;
}

void overload_stop(struct overload *overload)
{
	overload->is_on = false;
	overload->pressed = 0;
	show(overload, overload->window_end_us);
}

static struct bucket_rule rule_of(const struct overload_rate *rate)
{
	return (struct bucket_rule){
		.rate = rate->rate,
		.burst = rate->rate / BURST_FRACTION + 1,
	};
}

bool overload_would_take(const struct overload *overload, enum overload_share share,
			 uint64_t now_us)
{
	const struct overload_rate *rate = &overload->rates[share];

	return !overload->is_on || bucket_has(&rate->bucket, rule_of(rate), now_us);
}

bool overload_takes(struct overload *overload, enum overload_share share, uint64_t now_us)
{
	struct overload_rate *rate = &overload->rates[share];

	if (overload->is_on && !bucket_take(&rate->bucket, rule_of(rate), now_us)) {
		overload->window_refused = true;
		return false;
	}
	rate->taken++;
	return true;
}

struct overload_state overload_read(const struct overload *overload, uint64_t now_us)
{
	uint64_t shown_us = atomic_load_explicit(&overload->shown_us, memory_order_relaxed);
	struct overload_state state = {
		.episodes = atomic_load_explicit(&overload->episodes, memory_order_relaxed),
	};

	if (now_us > shown_us + FORGOTTEN_US)
		return state;
	state.is_on = atomic_load_explicit(&overload->shown_on, memory_order_relaxed);
	state.pressure = atomic_load_explicit(&overload->shown_pressure, memory_order_relaxed);
	for (int share = 0; share < OVERLOAD_SHARES; share++)
		state.rates[share] =
			atomic_load_explicit(&overload->shown_rates[share], memory_order_relaxed);
	return state;
}
