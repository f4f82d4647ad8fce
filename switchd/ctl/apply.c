/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole file over the protocol: apply, as one commit, and load, into the session's candidate. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/ctl/file_load.h"
#include "switchd/ctl/handlers.h"

#define LINES_A_STEP 250

enum step apply_part_method(struct request *request)
{
	struct session *session = request->session;
	json_t *text = json_object_get(request->params, "text");
	size_t len = json_string_length(text);

	if (!json_is_string(text))
		return request_refuse(request, FAULT_SYNTAX_INCOMPLETE, 0,
				      "apply-part needs a text");
	if (session_role(session) < ROLE_ADMIN)
		return request_refuse(request, FAULT_AUTH_ROLE, 0, "apply needs the role admin");
	if (session->upload.len + len > CTL_UPLOAD_MAX) {
		/* The apply that follows must not take the beginning of a file for the whole. */
		session->upload_failed = true;
		buf_free(&session->upload);
		return request_refuse(request, FAULT_VALUE_RANGE, 0,
				      "the file is longer than %u MiB", CTL_UPLOAD_MAX >> 20);
	}
	buf_add(&session->upload, json_string_value(text), len);
	if (session->upload.failed)
		session->upload_failed = true;
	request->result = json_object();
	return STEP_DONE;
}

struct apply {
	struct config_candidate candidate; /* the file's own; the session's is touched at the end */
	struct file_load load;
	struct buf text;
	struct diff_rows rows;
	bool is_load;
};

static void drop_apply(void *state)
{
	struct apply *apply = state;

	candidate_close(&apply->candidate);
	diff_rows_clear(&apply->rows);
	if (apply->text.len)
		secret_wipe(apply->text.data, apply->text.len);
	buf_free(&apply->text);
	secret_wipe(&apply->load.match, sizeof(apply->load.match));
	free(apply);
}

static void report_to_client(void *context, const struct vos_fault *fault, bool is_error)
{
	emit_warning(context, fault, is_error);
}

static const char *text_param(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->params, name));
}

static bool flag_param(const struct request *request, const char *name)
{
	return json_is_true(json_object_get(request->params, name));
}

static enum step rows_step(struct request *request)
{
	struct apply *apply = request->state;

	return diff_rows_emit(request, &apply->rows);
}

/* --diff: what would change, and nothing else. */
static enum step show_difference(struct request *request, struct apply *apply, bool replace)
{
	struct snapshot *running = request_running(request);
	struct commit_plan plan;
	struct check_facts facts;
	struct vos_fault fault = {0};

	commit_facts(request->ctl->context.location, &facts);
	if (commit_plan_make(running, &apply->candidate.changes, replace, &facts, &plan, &fault) !=
	    VOS_OK)
		return request_fail(request, &fault);
	apply->rows.from = snapshot_ref(running);
	apply->rows.changes = plan.diff;
	plan.diff = (struct change_list){0};
	commit_plan_clear(&plan);
	request->is_different = apply->rows.changes.count > 0;
	request->step = rows_step;
	return rows_step(request);
}

/* --- load: what the file says becomes part of the session's candidate, or all of it. --- */

/* What makes the running configuration the one of the file. */
static enum vos_err replacing_changes(struct request *request, struct apply *apply,
				      struct change_list *out, struct vos_fault *fault)
{
	struct snapshot *running = request_running(request);
	struct snapshot *after;
	enum vos_err err = snapshot_apply(apply->candidate.base, &apply->candidate.changes,
					  snapshot_generation(running), &after, fault);

	if (err)
		return err;
	err = snapshot_diff(running, after, out);
	snapshot_unref(after);
	return err;
}

static enum step into_candidate(struct request *request, struct apply *apply)
{
	struct config_candidate *candidate = &request->session->candidate;
	struct change_list changes = {0};
	struct vos_fault fault = {0};
	enum vos_err err = VOS_OK;

	if (apply->load.replace) {
		err = replacing_changes(request, apply, &changes, &fault);
		if (!err && !open_candidate(request, false)) {
			change_list_clear(&changes);
			return STEP_DONE;
		}
		if (!err)
			candidate_rebase(candidate, request_running(request));
		request->mode_after = (struct mode){.kind = MODE_CONFIG};
	} else {
		changes = apply->candidate.changes;
		apply->candidate.changes = (struct change_list){0};
	}
	if (!err)
		err = candidate_add_list(candidate, &changes);
	change_list_clear(&changes);
	if (err)
		return fault.code ? request_fail(request, &fault) : request_no_memory(request);
	emit_say(request, "the candidate has %zu change%s; show configuration changes, then commit",
		 candidate->changes.count, candidate->changes.count == 1 ? "" : "s");
	return STEP_DONE;
}

/* --- Both. --- */

static int confirm_param(const struct request *request)
{
	json_int_t minutes = json_integer_value(json_object_get(request->params, "confirm"));

	return minutes < 0 || minutes > CONFIRM_MINUTES_MAX ? -1 : (int)minutes;
}

static enum step load_step(struct request *request)
{
	struct apply *apply = request->state;
	const char *name = text_param(request, "name");
	const struct commit_options options = {
		.check_only = flag_param(request, "check"),
		.replace = apply->load.replace,
		.confirm_minutes = confirm_param(request),
		.comment = text_param(request, "comment"),
		.author = request->session->login,
	};
	struct vos_fault fault;

	if (file_load_step(&apply->load, LINES_A_STEP))
		return STEP_MORE;
	if (apply->load.fault_count) {
		file_load_summary(&apply->load, name ? name : "the file", &fault);
		return request_fail(request, &fault);
	}
	if (apply->is_load)
		return into_candidate(request, apply);
	if (flag_param(request, "diff"))
		return show_difference(request, apply, options.replace);
	commit_candidate(request, &apply->candidate, &options);
	request->is_different = false;
	return STEP_DONE;
}

/* A file that replaces everything names every object itself: it starts from nothing. One that is
 * merged into a candidate starts from what that would make. */
static enum vos_err open_base(const struct request *request, struct apply *apply,
			      struct vos_fault *fault)
{
	const struct config_candidate *candidate = &request->session->candidate;
	struct snapshot *after;
	enum vos_err err;

	apply->load.replace = flag_param(request, "replace");
	if (apply->load.replace)
		return candidate_open_empty(&apply->candidate, request_running(request));
	if (!apply->is_load) {
		candidate_open(&apply->candidate, request_running(request));
		return VOS_OK;
	}
	err = snapshot_apply(candidate->base, &candidate->changes,
			     snapshot_generation(candidate->base), &after, fault);
	if (err)
		return err;
	candidate_open(&apply->candidate, after);
	snapshot_unref(after);
	return VOS_OK;
}

static enum step start_file(struct request *request, bool is_load)
{
	struct session *session = request->session;
	json_t *text = json_object_get(request->params, "text");
	struct vos_fault fault = {0};
	struct apply *apply = request_state(request, sizeof(*apply));
	enum vos_err err;

	if (!apply)
		return request_no_memory(request);
	request->drop_state = drop_apply;
	apply->is_load = is_load;
	apply->text = session->upload;
	session->upload = buf_new();
	buf_add(&apply->text, json_string_value(text), json_string_length(text));
	if (session->upload_failed || apply->text.failed || !json_is_string(text)) {
		session->upload_failed = false;
		return request_refuse(request, FAULT_STATE, 0, "the file did not arrive whole");
	}
	err = open_base(request, apply, &fault);
	if (err)
		return fault.code ? request_fail(request, &fault) : request_no_memory(request);
	apply->load.grammar = request->ctl->grammar;
	apply->load.key = store_key(request->ctl->context.store);
	apply->load.candidate = &apply->candidate;
	apply->load.report = report_to_client;
	apply->load.context = request;
	file_load_init(&apply->load, buf_span(&apply->text));
	request->step = load_step;
	return load_step(request);
}

/* The line of the audit, and the right to it. */
static bool may_send_file(struct request *request, const char *command)
{
	const char *name = text_param(request, "name");

	request->is_audited = true;
	snprintf(request->match.full_line, sizeof(request->match.full_line), "%s %.200s", command,
		 name ? name : "");
	if (session_role(request->session) < ROLE_ADMIN) {
		request_refuse(request, FAULT_AUTH_ROLE, 0, "%s needs the role admin", command);
		return false;
	}
	return true;
}

enum step apply_method(struct request *request)
{
	bool is_commit = !flag_param(request, "check") && !flag_param(request, "diff");

	request->match.command = COMMAND_SHOW_CONFIGURATION_DIFF; /* names the schema of --diff */
	if (!may_send_file(request, "apply"))
		return STEP_DONE;
	if (confirm_param(request) < 0)
		return request_refuse(request, FAULT_VALUE_RANGE, 0, "confirm: allowed 1..%d min",
				      CONFIRM_MINUTES_MAX);
	if (is_commit && refuse_locked(request))
		return STEP_DONE;
	return start_file(request, false);
}

enum step load_method(struct request *request)
{
	const struct config_candidate *candidate = &request->session->candidate;
	bool replace = flag_param(request, "replace");

	if (!may_send_file(request, replace ? "configure replace" : "load merge"))
		return STEP_DONE;
	if (!replace && !candidate->base)
		return request_refuse(request, FAULT_STATE, 0,
				      "no candidate is open; enter configure");
	if (replace && candidate->changes.count)
		return request_refuse(request, FAULT_STATE, 0,
				      "the candidate has %zu changes; commit or discard them first",
				      candidate->changes.count);
	if (replace && refuse_locked(request))
		return STEP_DONE;
	return start_file(request, true);
}
