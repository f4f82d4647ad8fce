/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request from its message to its reply. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/ctl/emit.h"
#include "switchd/ctl/resume.h"

struct method {
	const char *name;
	step_fn *step;
};

/* Seconds that are left to confirm the last commit in; nothing when none waits. */
static void add_confirm(const struct ctl *ctl, json_t *object)
{
	int64_t left_ms = confirm_left_ms(&ctl->confirm, clock_wall_ms(), clock_mono_us());

	if (confirm_is_pending(&ctl->confirm))
		json_object_set_new(object, "confirm_s", json_integer((left_ms + 999) / 1000));
}

static enum step hello_method(struct request *request)
{
	struct session *session = request->session;
	struct ctl *ctl = request->ctl;
	const char *client = json_string_value(json_object_get(request->params, "client"));
	json_t *protocol = json_object_get(request->params, "protocol");
	const char *before = json_string_value(json_object_get(request->params, "resume"));
	const struct kept_candidate *kept;
	char id[24];
	char token[20];

	if (json_is_integer(protocol) && json_integer_value(protocol) != CONTROL_PROTOCOL)
		return request_refuse(request, FAULT_VERSION_SKEW, 0,
				      "this switchd speaks protocol %d, not %" JSON_INTEGER_FORMAT,
				      CONTROL_PROTOCOL, json_integer_value(protocol));
	snprintf(session->client, sizeof(session->client), "%s", client ? client : "");
	snprintf(id, sizeof(id), "%llu", (unsigned long long)session->id);
	snprintf(token, sizeof(token), "%016llx", (unsigned long long)session->token);
	session->resume = before ? strtoull(before, NULL, 16) : 0;
	kept = kept_find(&ctl->kept, session->uid, session->resume);
	request->result =
		json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "protocol", CONTROL_PROTOCOL,
			  "version", ctl->context.version, "grammar", grammar_hash(ctl->grammar),
			  "hostname", ctl->conf->hostname, "role", role_name(session_role(session)),
			  "session", id, "token", token, "generation",
			  (json_int_t)snapshot_generation(request_running(request)));
	add_confirm(ctl, request->result);
	if (kept)
		json_object_set_new(request->result, "kept",
				    json_integer((json_int_t)kept->candidate.changes.count));
	return STEP_DONE;
}

static const struct method methods[] = {
	{"hello", hello_method}, {"exec", dispatch_exec},           {"complete", complete_method},
	{"help", help_method},   {"apply-part", apply_part_method}, {"apply", apply_method},
	{"load", load_method},
};

static step_fn *find_method(const char *name)
{
	for (size_t i = 0; name && i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, name) == 0)
			return methods[i].step;
	return NULL;
}

struct request *request_create(struct session *session, json_t *message)
{
	struct request *request = calloc(1, sizeof(*request));
	const char *name = json_string_value(json_object_get(message, "method"));
	json_t *id = json_object_get(message, "id");
	const char *mode;

	if (!request)
		return NULL;
	request->session = session;
	request->ctl = session->ctl;
	request->id = json_is_integer(id) ? json_integer_value(id) : -1;
	request->serial = ++session->ctl->next_serial;
	request->params = json_incref(json_object_get(message, "params"));
	request->step = find_method(name);
	request->yes = json_is_true(json_object_get(request->params, "yes"));
	request->batch = json_is_true(json_object_get(request->params, "batch"));
	if (request->batch)
		session->is_batch = true;
	request->file = json_string_value(json_object_get(request->params, "file"));
	request->line_number = (int)json_integer_value(json_object_get(request->params, "number"));
	mode = json_string_value(json_object_get(request->params, "mode"));
	if (!request->step) {
		request_refuse(request, FAULT_SYNTAX_UNKNOWN_WORD, 0, "unknown method \"%.40s\"",
			       name ? name : "");
	} else if (mode && !mode_parse(span_of(mode), &request->mode)) {
		request->mode = (struct mode){.kind = MODE_EXEC};
		request_refuse(request, FAULT_VALUE_FORMAT, 0, "unknown mode \"%.80s\"", mode);
	}
	request->mode_after = request->mode;
	return request;
}

void request_drop_state(struct request *request)
{
	if (!request->state)
		return;
	if (request->drop_state)
		request->drop_state(request->state);
	else
		free(request->state);
	request->state = NULL;
	request->drop_state = NULL;
}

void request_destroy(struct request *request)
{
	if (!request)
		return;
	request_drop_state(request);
	json_decref(request->emit.heading);
	json_decref(request->emit.row);
	json_decref(request->emit.rows);
	json_decref(request->emit.item);
	json_decref(request->result);
	json_decref(request->params);
	/* The match holds the words as typed, passwords among them. */
	secret_wipe(&request->match, sizeof(request->match));
	free(request);
}

static json_t *status_json(const struct request *request)
{
	const struct session *session = request->session;
	char mode[MODE_KEY_MAX + 48];
	json_t *status = json_pack(
		"{s:s, s:o, s:I, s:I, s:s}", "status", request->has_fault ? "error" : "ok", "mode",
		control_text(span_of(mode_print(&request->mode_after, mode))), "pending",
		(json_int_t)session->candidate.changes.count, "generation",
		(json_int_t)snapshot_generation(request_running(request)), "hostname",
		request->ctl->conf->hostname);

	add_confirm(request->ctl, status);
	if (request->is_different)
		json_object_set_new(status, "different", json_true());
	if (request->is_closing)
		json_object_set_new(status, "closing", json_true());
	return status;
}

void request_finish(struct request *request)
{
	json_t *message;

	/* Who is told that a commit is in force finds it so. */
	if (!ctl_update_read_only(request->ctl))
		emit_warning(request, &request->ctl->read_only_fault, false);
	resume_flush(request);
	if (!request->has_fault)
		emit_heading(request);
	emit_flush(request);
	if (request->is_audited)
		audit_command(request, request->match.full_line,
			      request->has_fault ? fault_code_name(request->fault.code) : "ok");
	if (!request->has_fault) {
		message = control_result(request->id,
					 request->result ? request->result : status_json(request));
		request->result = NULL;
	} else {
		json_t *data;
		json_t *status;

		request->mode_after = request->mode;
		message = control_error(request->id, &request->fault);
		status = status_json(request);
		data = json_object_get(json_object_get(message, "error"), "data");
		json_object_update_missing(data, status);
		if (request->question[0])
			json_object_set_new(data, "question",
					    control_text(span_of(request->question)));
		if (request->is_commit_refused)
			json_object_set_new(data, "stage", json_string("commit"));
		json_decref(status);
	}
	session_send(request->session, message);
}

enum step request_refuse(struct request *request, enum fault_code code, int column,
			 const char *format, ...)
{
	va_list args;

	request->has_fault = true;
	request->fault.code = code;
	request->fault.column = column;
	request->fault.line = request->line_number;
	va_start(args, format);
	vsnprintf(request->fault.text, sizeof(request->fault.text), format, args);
	va_end(args);
	return STEP_DONE;
}

enum step request_ask(struct request *request, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(request->question, sizeof(request->question), format, args);
	va_end(args);
	return request_refuse(request, FAULT_STATE, 0, "%s; confirm with -y", request->question);
}

enum step request_fail(struct request *request, const struct vos_fault *fault)
{
	request->has_fault = true;
	request->fault = *fault;
	if (!request->fault.line)
		request->fault.line = request->line_number;
	return STEP_DONE;
}

enum step request_no_memory(struct request *request)
{
	return request_refuse(request, FAULT_INTERNAL, 0, "out of memory");
}

void *request_state(struct request *request, size_t size)
{
	if (!request->state)
		request->state = calloc(1, size);
	return request->state;
}

bool request_has(const struct request *request, const char *arg)
{
	return match_arg(&request->match, arg) != NULL;
}

struct snapshot *request_running(const struct request *request)
{
	return request->ctl->conf->snapshot;
}
