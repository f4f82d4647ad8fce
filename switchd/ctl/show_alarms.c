/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms as operators see and answer them. */
#include <stdlib.h>

#include "switchd/alarm/alarm.h"
#include "switchd/alarm/notices.h"
#include "switchd/ctl/handlers.h"
#include "switchd/store/store.h"

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

/* --- show alarms notices --- */

static const struct column notices_columns[] = {
	{"way", CELL_TEXT, "", "WAY", 8},          {"target", CELL_TEXT, "", "TARGET", 30},
	{"waiting", CELL_INT, "", "WAITING", 7},   {"told", CELL_INT, "", "TOLD", 6},
	{"failed", CELL_INT, "", "FAILED", 6},     {"lost", CELL_INT, "", "LOST", 6},
	{"answer", CELL_TEXT, "", "ANSWER", 20},   {"answer_time", CELL_TIME, "", "AT", -20},
	{"next_time", CELL_TIME, "", "NEXT", -20},
};

const struct schema schema_alarms_notices = SCHEMA_OF_ROWS(notices_columns);

enum step show_alarms_notices(struct request *request)
{
	static const char *const ways[ALARM_NOTICE_WAYS] = {"command", "post"};

	EMIT_TABLE(request, notices_columns);
	for (int way = 0; way < ALARM_NOTICE_WAYS; way++) {
		struct alarm_notice_status status;

		alarm_notices_status(request->ctl->context.alarm_notices,
				     (enum alarm_notice_way)way, &status);
		emit_str(request, ways[way]);
		emit_str(request, status.target);
		emit_int(request, (int64_t)status.waiting);
		emit_int(request, (int64_t)status.told);
		emit_int(request, (int64_t)status.failed);
		emit_int(request, (int64_t)status.lost);
		emit_str(request, status.answer);
		emit_time(request, status.answered_ms);
		emit_time(request, status.next_ms);
		emit_row_end(request);
	}
	return STEP_DONE;
}

/* --- What is done about them. --- */

/* Before the answer says so; the storage thread would take up to a second. What cannot be written
 * now is tried again, and has an alarm. */
static void keep_alarms(const struct request *request)
{
	struct vos_fault fault = {0};

	if (!store_keep_alarms(request->ctl->context.store, request->ctl->context.alarms, &fault))
		log_error(request->ctl->context.log, "alarm", "not stored yet: %s", fault.text);
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
	keep_alarms(request);
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
	keep_alarms(request);
	emit_say(request, "alarm %u acknowledged", (unsigned)wanted_id(request));
	return STEP_DONE;
}
