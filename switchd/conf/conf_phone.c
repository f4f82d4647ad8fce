/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a phone's configuration says of one call: its lines, and where the call goes instead. */
#include "switchd/conf/conf_phone.h"

/* --- Lines. --- */

enum conf_line_verdict conf_phone_line_ask(const struct conf_phone *phone, enum conf_way way,
					   uint64_t now_us)
{
	const struct live *of_way = phone->live_ways[way];

	if (phone->live && live_would_admit(phone->live, phone->capacity, 0, now_us) != LIVE_OK)
		return CONF_LINE_FULL;
	if (of_way && live_would_admit(of_way, phone->capacity_ways[way], 0, now_us) != LIVE_OK)
		return CONF_LINE_WAY_FULL;
	return CONF_LINE_OK;
}

enum conf_line_verdict conf_phone_line_take(const struct conf_phone *phone, enum conf_way way,
					    uint64_t now_us, struct live **line)
{
	struct live *of_way = phone->live_ways[way];

	*line = NULL;
	if (!phone->live)
		return CONF_LINE_OK;
	if (live_begin(phone->live, phone->capacity, 0, now_us) != LIVE_OK)
		return CONF_LINE_FULL;
	/* From here on the line of the way stands for both. */
	if (of_way && live_begin(of_way, phone->capacity_ways[way], 0, now_us) != LIVE_OK) {
		live_end(phone->live);
		return CONF_LINE_WAY_FULL;
	}
	*line = of_way ? of_way : phone->live;
	return CONF_LINE_OK;
}

/* --- Forwarding. --- */

/* The time of the week is asked for only where it matters. */
static bool is_in_period(const struct conf_forwarding *forwarding, const struct conf_phone *phone,
			 int64_t wall_ms, const char *caller)
{
	const struct period_query query = {
		.week_min = conf_week_minute(wall_ms),
		.caller = span_of(caller),
		.callee = span_of(phone->number),
	};

	return period_rules_allow(forwarding->periods.rules, forwarding->periods.count, &query);
}

enum conf_forward conf_phone_forwards(const struct conf_phone *phone, int64_t wall_ms,
				      const char *caller)
{
	const struct conf_forwarding *forwarding = phone->forwarding;

	if (!forwarding)
		return CONF_FORWARDS;
	if (forwarding->numbers[CONF_FORWARD_PERIOD].count &&
	    is_in_period(forwarding, phone, wall_ms, caller))
		return CONF_FORWARD_PERIOD;
	return forwarding->numbers[CONF_FORWARD_ALWAYS].count ? CONF_FORWARD_ALWAYS : CONF_FORWARDS;
}

bool conf_phone_goes_out(const struct conf_phone *phone)
{
	return phone->tries_gateways &&
	       !(phone->forwarding && phone->forwarding->numbers[CONF_FORWARD_OFFLINE].count);
}
