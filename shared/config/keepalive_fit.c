/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/config/keepalive_fit.h"

#include <math.h>
#include <stdio.h>

static uint64_t divide_up(uint64_t number, uint64_t by)
{
	return number / by + (number % by != 0);
}

static uint64_t lowest(enum param_id id)
{
	return (uint64_t)param_get(id)->spec.min;
}

static uint64_t highest(enum param_id id)
{
	return (uint64_t)param_get(id)->spec.max;
}

/* Raised to the parameter's minimum; 0 above its maximum. */
static uint64_t within(enum param_id id, uint64_t number)
{
	if (number < lowest(id))
		return lowest(id);
	return number <= highest(id) ? number : 0;
}

struct keepalive_pace keepalive_pace_of(const struct snapshot *config)
{
	return (struct keepalive_pace){
		.period_s = (uint64_t)snapshot_number(config, PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD),
		.interval_ms = (uint64_t)snapshot_number(config,
							 PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL),
		.one_time = (uint64_t)snapshot_number(config,
						      PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME),
	};
}

static uint64_t bursts_of(const struct keepalive_pace *pace)
{
	return divide_up(pace->period_s * 1000, pace->interval_ms);
}

uint64_t keepalive_capacity(const struct keepalive_pace *pace)
{
	return bursts_of(pace) * pace->one_time;
}

/* Seconds in which all have had their turn, each burst with the pause behind it. */
static uint64_t period_for(const struct keepalive_pace *pace, uint64_t devices)
{
	return divide_up(divide_up(devices, pace->one_time) * pace->interval_ms, 1000);
}

/* The longest pause of which the period holds one a burst; 0: not even 1 ms. */
static uint64_t interval_for(const struct keepalive_pace *pace, uint64_t devices)
{
	uint64_t interval_ms = pace->period_s * 1000 / divide_up(devices, pace->one_time);
	uint64_t most_ms = highest(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL);

	if (interval_ms < lowest(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL))
		return 0;
	return interval_ms < most_ms ? interval_ms : most_ms;
}

/* Burst and pause each take their half of what is missing, as factors. */
static struct keepalive_pace meet(const struct keepalive_pace *pace, uint64_t devices)
{
	const struct keepalive_pace none = {0};
	double factor = sqrt((double)devices / (double)keepalive_capacity(pace));
	uint64_t most = highest(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME);
	struct keepalive_pace met = *pace;
	double burst = ceil((double)pace->one_time * factor);

	met.one_time = burst < (double)most ? (uint64_t)burst : most;
	met.interval_ms = interval_for(&met, devices);
	if (met.interval_ms > pace->interval_ms)
		met.interval_ms = pace->interval_ms;
	if (met.interval_ms)
		return met;
	/* The pause cannot be as short as that: the burst takes the rest, then the period. */
	met.interval_ms = lowest(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL);
	met.one_time = within(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME,
			      divide_up(devices, bursts_of(&met)));
	if (met.one_time)
		return met;
	met.one_time = most;
	met.period_s = within(PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD, period_for(&met, devices));
	return met.period_s ? met : none;
}

void keepalive_fit(const struct keepalive_pace *pace, uint64_t devices, struct keepalive_fit *out)
{
	uint64_t capacity = keepalive_capacity(pace);

	*out = (struct keepalive_fit){
		.devices = devices,
		.capacity = capacity,
		.fits = devices <= capacity,
		.fair_rounds = divide_up(devices, capacity),
		.needed_period_s = period_for(pace, devices),
	};
	if (out->fits)
		return;
	out->starved = devices - capacity;
	out->one_time = within(PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME,
			       divide_up(devices, bursts_of(pace)));
	out->interval_ms = interval_for(pace, devices);
	out->period_s = within(PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD, out->needed_period_s);
	out->together = meet(pace, devices);
}

struct setting {
	enum param_id param;
	uint64_t value; /* 0: left out */
};

static void print_settings(const struct setting *settings, size_t count, const char *last,
			   struct buf *out)
{
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += settings[i].value != 0;
	for (size_t i = 0; i < count; i++) {
		if (!settings[i].value)
			continue;
		buf_printf(out, "%s %llu", param_get(settings[i].param)->name,
			   (unsigned long long)settings[i].value);
		left--;
		buf_add_str(out, left > 1 ? ", " : left == 1 ? last : "");
	}
}

char *keepalive_fit_print(const struct keepalive_fit *fit, char out[KEEPALIVE_FIT_TEXT])
{
	const struct setting alone[] = {
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME, fit->one_time},
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL, fit->interval_ms},
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD, fit->period_s},
	};
	const struct setting together[] = {
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME, fit->together.one_time},
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_INTERVAL, fit->together.interval_ms},
		{PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD, fit->together.period_s},
	};
	struct buf text = buf_over(out, KEEPALIVE_FIT_TEXT - 1);

	if (fit->one_time || fit->interval_ms || fit->period_s)
		print_settings(alone, sizeof(alone) / sizeof(alone[0]), " or ", &text);
	else if (fit->together.one_time)
		print_settings(together, sizeof(together) / sizeof(together[0]), " and ", &text);
	else
		buf_add_lit(&text, "no setting");
	out[text.len] = '\0';
	return out;
}
