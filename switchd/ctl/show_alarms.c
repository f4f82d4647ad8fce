/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms as operators see and answer them. */
#include <stdlib.h>

#include "switchd/alarm/alarm.h"
#include "switchd/ctl/handlers.h"

static const struct column alarms_columns[] = {
	{"id", CELL_INT, "", "ID", 4},
	{"level", CELL_TEXT, "", "LEVEL", 8},
	{"kind", CELL_TEXT, "", "KIND", 15},
	{"subject", CELL_TEXT, "", "SUBJECT", 15},
	{"text", CELL_TEXT, "", "TEXT", 40},
	{"raised_time", CELL_TIME, "", "RAISED", 20},
	{"cleared_time", CELL_TIME, "", "CLEARED", -20},
	{"acknowledged_time", CELL_TIME, "", "ACKNOWLEDGED", -20},
	{"acknowledged_by", CELL_TEXT, "", "BY", 8},
	{"comment", CELL_TEXT, "", "COMMENT", -20},
};

const struct schema schema_alarms = SCHEMA_OF_ROWS(alarms_columns);

struct walk_alarms {
	size_t at;
	size_t count;
	struct alarm alarms[ALARM_HISTORY_MAX];
};

_Static_assert(ALARM_HISTORY_MAX >= ALARM_ACTIVE_MAX, "either list fits");

static void emit_alarm(struct request *request, const struct alarm *alarm)
{
	emit_int(request, alarm->id);
	emit_str(request, alarm_level_word(alarm->level));
	emit_str(request, alarm_kind_word(alarm->kind));
	emit_str(request, alarm->subject);
	emit_str(request, alarm->text);
	emit_time(request, alarm->raised_ms);
	emit_time(request, alarm->cleared_ms);
	emit_time(request, alarm->acknowledged_ms);
	emit_str(request, alarm->acknowledged_by);
	emit_str(request, alarm->comment);
	emit_row_end(request);
}

enum step show_alarms(struct request *request)
{
	struct alarms *alarms = request->ctl->context.alarms;
	struct walk_alarms *walk = request->state;

	if (!walk) {
		const char *last = request_arg(request, "last");
		size_t wanted = last ? strtoul(last, NULL, 10) : ALARM_HISTORY_MAX;

		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		EMIT_TABLE(request, alarms_columns);
		if (alarms)
			walk->count = alarms_list(
				alarms, !request_arg(request, "history"), walk->alarms,
				wanted < ALARM_HISTORY_MAX ? wanted : ALARM_HISTORY_MAX);
	}
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_alarm(request, &walk->alarms[walk->at++]);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}

static uint32_t wanted_id(const struct request *request)
{
	return (uint32_t)strtoul(request_arg(request, "alarm"), NULL, 10);
}

static enum step refuse_unknown(struct request *request)
{
	return request_refuse(request, FAULT_NOT_FOUND, match_arg(&request->match, "alarm")->column,
			      "no active alarm is number %s", request_arg(request, "alarm"));
}

enum step cmd_clear_alarm(struct request *request)
{
	struct alarms *alarms = request->ctl->context.alarms;

	if (!alarms || alarms_end(alarms, wanted_id(request)))
		return refuse_unknown(request);
	emit_say(request, "alarm %u cleared", (unsigned)wanted_id(request));
	return STEP_DONE;
}

enum step cmd_alarm_acknowledge(struct request *request)
{
	struct alarms *alarms = request->ctl->context.alarms;
	const char *comment = request_arg(request, "comment");

	if (!alarms || alarms_acknowledge(alarms, wanted_id(request), request->session->login,
					  comment ? comment : ""))
		return refuse_unknown(request);
	emit_say(request, "alarm %u acknowledged", (unsigned)wanted_id(request));
	return STEP_DONE;
}
