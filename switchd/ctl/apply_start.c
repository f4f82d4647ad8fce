/* SPDX-License-Identifier: GPL-2.0-or-later */
/* At start, before any thread runs: what became of a commit that waited to be confirmed, and the
 * file of --apply as one commit. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/confirm.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/file_load.h"
#include "switchd/ctl/in_force.h"

#define LINES_A_STEP 250

static enum vos_err take_back(struct store *store, struct snapshot **snapshot,
			      const struct store_confirm *record, const struct log *log,
			      struct vos_fault *fault)
{
	struct commit_plan plan = {0};
	char comment[128];
	enum vos_err err = revert_plan(store, *snapshot, record->generation, &plan, fault);

	snprintf(comment, sizeof(comment), "takes back generation %llu of %s",
		 (unsigned long long)record->generation, record->author);
	if (!err && plan.after)
		err = store_commit(store, &plan.diff, *snapshot, plan.after, CONFIRM_AUTHOR,
				   comment, clock_wall_ms(), fault);
	else if (!err)
		err = store_confirm_set(store, NULL, fault);
	if (!err && plan.after) {
		snapshot_unref(*snapshot);
		*snapshot = snapshot_ref(plan.after);
		log_warning(log, "ctl",
			    "generation %llu was not confirmed in time and is taken back; in force "
			    "is generation %llu",
			    (unsigned long long)record->generation,
			    (unsigned long long)snapshot_generation(*snapshot));
		audit_start_act(store_dir(store), log, comment, snapshot_generation(*snapshot));
	}
	commit_plan_clear(&plan);
	return err;
}

enum vos_err ctl_settle_confirm(struct store *store, struct snapshot **snapshot,
				const struct log *log, struct vos_fault *fault)
{
	struct store_confirm record;
	char until[CLOCK_TEXT_MAX];
	enum vos_err err = store_confirm_get(store, &record);

	if (err == VOS_ENOENT)
		return VOS_OK;
	if (err) {
		fault_set(fault, FAULT_INTERNAL, 0,
			  "the record of the commit to be confirmed cannot be read: %s",
			  vos_strerror(err));
		return err;
	}
	switch (confirm_at_start(&record, snapshot_generation(*snapshot), clock_wall_ms())) {
	case CONFIRM_STALE:
		return store_confirm_set(store, NULL, fault);
	case CONFIRM_EXPIRED:
		return take_back(store, snapshot, &record, log, fault);
	case CONFIRM_GOES_ON:
		break;
	}
	log_notice(log, "ctl", "generation %llu of %s is taken back at %s unless it is confirmed",
		   (unsigned long long)record.generation, record.author,
		   clock_print_utc(record.until_ms, until));
	return VOS_OK;
}

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

/* True when another commit has to wait; a switch that starts without the file is better than one
 * that does not start. */
static bool waits_for_confirm(struct store *store, const char *path, const struct log *log)
{
	struct store_confirm record;
	struct confirm confirm = {0};
	struct vos_fault fault = {0};
	int64_t now_ms = clock_wall_ms();
	uint64_t now_us = clock_mono_us();

	if (store_confirm_get(store, &record) != VOS_OK)
		return false;
	confirm_arm(&confirm, &record, now_ms, now_us);
	confirm_refuse(&confirm, confirm_left_ms(&confirm, now_ms, now_us), &fault);
	log_error(log, "apply", "%s is not applied: %s", path, fault.text);
	return true;
}

static enum vos_err commit_file(struct store *store, struct snapshot *base,
				struct commit_plan *plan, const char *author, const char *path,
				bool check_only, const struct log *log, struct snapshot **out,
				struct vos_fault *fault)
{
	char comment[200];
	enum vos_err err;

	if (!plan->after || (!check_only && waits_for_confirm(store, path, log))) {
		*out = snapshot_ref(base);
		return VOS_OK;
	}
	snprintf(comment, sizeof(comment), "apply %s", path);
	if (!check_only) {
		err = store_commit(store, &plan->diff, base, plan->after, author, comment,
				   clock_wall_ms(), fault);
		if (err)
			return err;
		audit_start_act(store_dir(store), log, comment, snapshot_generation(plan->after));
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
		err = commit_file(store, base, &plan, author, path, check_only, log, out, fault);
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
