/* SPDX-License-Identifier: GPL-2.0-or-later */
/* apply: a whole file as one commit, over the protocol and at start. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shared/base/clock.h"
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
	struct config_candidate candidate;
	struct file_load load;
	struct buf text;
	struct diff_rows rows;
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

static enum step load_step(struct request *request)
{
	struct apply *apply = request->state;
	const char *name = text_param(request, "name");
	const struct commit_options options = {
		.check_only = flag_param(request, "check"),
		.replace = apply->load.replace,
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
	if (flag_param(request, "diff"))
		return show_difference(request, apply, options.replace);
	commit_candidate(request, &apply->candidate, &options);
	request->is_different = false;
	return STEP_DONE;
}

/* A file that replaces everything names every object itself: it starts from nothing. */
static bool open_base(const struct request *request, struct apply *apply)
{
	struct snapshot *empty;

	apply->load.replace = flag_param(request, "replace");
	if (!apply->load.replace) {
		candidate_open(&apply->candidate, request_running(request));
		return true;
	}
	empty = snapshot_new_empty();
	if (!empty)
		return false;
	candidate_open(&apply->candidate, empty);
	snapshot_unref(empty);
	return true;
}

enum step apply_method(struct request *request)
{
	struct session *session = request->session;
	struct session *holder = request->ctl->exclusive;
	json_t *text = json_object_get(request->params, "text");
	struct apply *apply;

	request->is_audited = true;
	snprintf(request->match.full_line, sizeof(request->match.full_line), "apply %.200s",
		 text_param(request, "name") ? text_param(request, "name") : "");
	request->match.command = COMMAND_SHOW_CONFIGURATION_DIFF; /* names the schema of --diff */
	if (session_role(session) < ROLE_ADMIN)
		return request_refuse(request, FAULT_AUTH_ROLE, 0, "apply needs the role admin");
	if (holder && holder != session)
		return request_refuse(request, FAULT_STATE, 0,
				      "configuration is locked by %s, session %llu", holder->login,
				      (unsigned long long)holder->id);
	apply = request_state(request, sizeof(*apply));
	if (!apply)
		return request_no_memory(request);
	request->drop_state = drop_apply;
	apply->text = session->upload;
	session->upload = buf_new();
	buf_add(&apply->text, json_string_value(text), json_string_length(text));
	if (session->upload_failed || apply->text.failed || !json_is_string(text)) {
		session->upload_failed = false;
		return request_refuse(request, FAULT_STATE, 0, "the file did not arrive whole");
	}
	if (!open_base(request, apply))
		return request_no_memory(request);
	apply->load.grammar = request->ctl->grammar;
	apply->load.key = store_key(request->ctl->context.store);
	apply->load.candidate = &apply->candidate;
	apply->load.report = report_to_client;
	apply->load.context = request;
	file_load_init(&apply->load, buf_span(&apply->text));
	request->step = load_step;
	return load_step(request);
}

/* --- At start. --- */

struct start_report {
	const struct log *log;
	const char *path;
};

static void report_to_log(void *context, const struct vos_fault *fault, bool is_error)
{
	const struct start_report *to = context;

	log_write(to->log, is_error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "apply", "%s:%d:%d: %s",
		  to->path, fault->line, fault->column, fault->text);
}

static enum vos_err read_file(const char *path, struct buf *out, struct vos_fault *fault)
{
	FILE *file = fopen(path, "re");
	char piece[16384];
	size_t len;

	if (!file) {
		fault_set(fault, FAULT_STATE, 0, "cannot read %s: %s", path, strerror(errno));
		return errno == ENOENT ? VOS_ENOENT : VOS_EIO;
	}
	while ((len = fread(piece, 1, sizeof(piece), file)) > 0 && out->len <= CTL_UPLOAD_MAX)
		buf_add(out, piece, len);
	if (ferror(file) || out->failed || out->len > CTL_UPLOAD_MAX) {
		fault_set(fault, FAULT_STATE, 0, "cannot read %s: %s", path,
			  out->len > CTL_UPLOAD_MAX ? "it is too long" : "read error");
		fclose(file);
		return VOS_EIO;
	}
	fclose(file);
	return VOS_OK;
}

/* The file's changes as a plan on base, checked. */
static enum vos_err plan_file(struct file_load *load, struct snapshot *base,
			      const struct start_report *to, struct commit_plan *plan,
			      struct vos_fault *fault)
{
	struct check_facts facts;
	enum vos_err err;

	while (file_load_step(load, LINES_A_STEP))
		;
	if (load->fault_count) {
		file_load_summary(load, to->path, fault);
		return VOS_EINVAL;
	}
	commit_facts(NULL, &facts);
	err = commit_plan_make(base, &load->candidate->changes, false, &facts, plan, fault);
	if (err)
		return err == VOS_ENOENT ? VOS_EINVAL : err;
	for (size_t i = 0; i < plan->report.warning_count; i++)
		report_to_log((void *)to, &plan->report.warnings[i], false);
	for (size_t i = 0; i < plan->report.error_count; i++)
		report_to_log((void *)to, &plan->report.errors[i], true);
	if (!plan->report.error_count)
		return VOS_OK;
	*fault = plan->report.errors[0];
	commit_plan_clear(plan);
	return VOS_EINVAL;
}

static enum vos_err commit_file(struct store *store, struct snapshot *base,
				struct commit_plan *plan, const char *author, const char *path,
				bool check_only, struct snapshot **out, struct vos_fault *fault)
{
	char comment[200];
	enum vos_err err;

	if (!plan->after) {
		*out = snapshot_ref(base);
		return VOS_OK;
	}
	snprintf(comment, sizeof(comment), "apply %s", path);
	if (!check_only) {
		err = store_commit(store, &plan->diff, base, plan->after, author, comment,
				   clock_wall_ms(), fault);
		if (err)
			return err;
	}
	*out = snapshot_ref(plan->after);
	return VOS_OK;
}

enum vos_err ctl_apply_file(struct store *store, struct snapshot *base, const char *path,
			    const char *author, bool check_only, const struct log *log,
			    struct snapshot **out, struct vos_fault *fault)
{
	struct file_load *load = calloc(1, sizeof(*load));
	struct grammar *grammar = grammar_create();
	struct config_candidate candidate = {0};
	struct start_report to = {.log = log, .path = path};
	struct commit_plan plan = {0};
	struct buf text = buf_new();
	enum vos_err err = VOS_ENOMEM;

	if (!load || !grammar) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		goto out;
	}
	err = read_file(path, &text, fault);
	if (err)
		goto out;
	candidate_open(&candidate, base);
	load->grammar = grammar;
	load->key = store_key(store);
	load->candidate = &candidate;
	load->report = report_to_log;
	load->context = &to;
	file_load_init(load, buf_span(&text));
	err = plan_file(load, base, &to, &plan, fault);
	if (!err)
		err = commit_file(store, base, &plan, author, path, check_only, out, fault);
out:
	commit_plan_clear(&plan);
	candidate_close(&candidate);
	if (text.len)
		secret_wipe(text.data, text.len);
	buf_free(&text);
	if (grammar)
		grammar_destroy(grammar);
	free(load);
	return err;
}
