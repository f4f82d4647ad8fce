/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happened: the audit trail and the newest lines of the log. */
#include <stdlib.h>
#include <time.h>

#include "shared/base/log_ring.h"
#include "switchd/ctl/handlers.h"

#define AUDIT_SHOWN 100 /* without `last` */

static const struct column audit_columns[] = {
	{"time", CELL_TIME, "", "TIME", 20},       {"user", CELL_TEXT, "", "USER", 10},
	{"uid", CELL_INT, "", "UID", -5},          {"session", CELL_INT, "", "SESSION", 7},
	{"result", CELL_TEXT, "", "RESULT", 8},    {"generation", CELL_INT, "", "GENERATION", 10},
	{"command", CELL_TEXT, "", "COMMAND", 30},
};

const struct schema schema_audit = SCHEMA_OF_ROWS(audit_columns);

static int64_t wanted(const struct request *request, int64_t standard)
{
	const char *last = request_arg(request, "last");

	return last ? strtoll(last, NULL, 10) : standard;
}

static void drop_reader(void *state)
{
	audit_read_close(state);
	free(state);
}

/* The file is ours, but anybody's editor may have been in it. */
static void emit_number(struct request *request, json_t *json, const char *name)
{
	json_t *value = json_object_get(json, name);

	if (json_is_integer(value))
		emit_int(request, json_integer_value(value));
	else
		emit_null(request);
}

static void emit_word(struct request *request, json_t *json, const char *name)
{
	emit_str(request, json_string_value(json_object_get(json, name)));
}

/* 0 when it is no time. */
static int64_t time_of(const char *text)
{
	struct tm tm = {0};
	const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm) : NULL;

	return end && !*end ? (int64_t)timegm(&tm) * 1000 : 0;
}

static void emit_audit(struct request *request, json_t *json)
{
	emit_time(request, time_of(json_string_value(json_object_get(json, "time"))));
	emit_word(request, json, "user");
	emit_number(request, json, "uid");
	emit_number(request, json, "session");
	emit_word(request, json, "result");
	emit_number(request, json, "generation");
	emit_word(request, json, "command");
	emit_row_end(request);
}

enum step show_audit(struct request *request)
{
	struct audit_reader *reader = request->state;
	struct span line;
	int count = 0;

	if (!reader) {
		reader = request_state(request, sizeof(*reader));
		if (!reader)
			return request_no_memory(request);
		EMIT_TABLE(request, audit_columns);
		audit_read_open(reader, &request->ctl->audit,
				(uint64_t)wanted(request, AUDIT_SHOWN));
		request->drop_state = drop_reader;
	}
	while (count < CTL_SLICE && audit_read_next(reader, &line)) {
		json_t *json = json_loadb(line.ptr, line.len, 0, NULL);

		count++;
		/* What a crash cut short is not worth more words. */
		if (json_is_object(json))
			emit_audit(request, json);
		json_decref(json);
	}
	return count == CTL_SLICE ? STEP_MORE : STEP_DONE;
}

static const struct column logging_columns[] = {
	{"time", CELL_TIME, "", "TIME", 20},
	{"level", CELL_TEXT, "", "LEVEL", 7},
	{"subsystem", CELL_TEXT, "", "SUBSYSTEM", 9},
	{"message", CELL_TEXT, "", "MESSAGE", 40},
};

const struct schema schema_logging = SCHEMA_OF_ROWS(logging_columns);

struct walk_log {
	uint64_t next;
	uint64_t end; /* what is logged meanwhile is not shown: it could be without end */
	struct log_line line;
};

enum step show_logging(struct request *request)
{
	const struct log *log = request->ctl->context.log;
	struct walk_log *walk = request->state;
	struct log_ring *ring = log ? log->ring : NULL;

	if (!walk) {
		uint64_t last = (uint64_t)wanted(request, LOG_RING_LINES);

		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		EMIT_TABLE(request, logging_columns);
		walk->end = ring ? log_ring_end(ring) : 0;
		walk->next = walk->end > last ? walk->end - last : 0;
	}
	for (int i = 0; i < CTL_SLICE; i++) {
		if (walk->next >= walk->end || !log_ring_read(ring, &walk->next, &walk->line))
			return STEP_DONE;
		emit_time(request, walk->line.time_ms);
		emit_str(request, log_level_name((enum log_level)walk->line.level));
		emit_str(request, walk->line.subsystem);
		emit_str(request, walk->line.text);
		emit_row_end(request);
	}
	return STEP_MORE;
}
