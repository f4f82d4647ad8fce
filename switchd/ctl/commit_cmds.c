/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A commit as a session sees it: conflicts listed, check printed, one generation, the new
 * configuration handed to everybody, and what that means said. */
#include <stdio.h>

#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"

#define NAMES_SHOWN 6 /* of one apply class; the others are counted */

static void conflict_found(void *context, const char *path, uint64_t generation, const char *author)
{
	struct request *request = context;
	struct vos_fault fault = {0};

	snprintf(fault.path, sizeof(fault.path), "%s", path);
	if (*author)
		fault_set(&fault, FAULT_CONFLICT_GENERATION, 0,
			  "%s: changed by %s in generation %llu", path, author,
			  (unsigned long long)generation);
	else
		fault_set(&fault, FAULT_CONFLICT_GENERATION, 0, "%s: changed meanwhile", path);
	emit_warning(request, &fault, true);
}

static bool has_conflicts(struct request *request, const struct config_candidate *candidate)
{
	size_t count;
	enum vos_err err;

	err = commit_conflicts(request->ctl->context.store, candidate->base,
			       request_running(request), &candidate->changes, conflict_found,
			       request, &count);
	if (err) {
		request_refuse(request, FAULT_INTERNAL, 0, "cannot compare generations: %s",
			       vos_strerror(err));
		return true;
	}
	if (!count)
		return false;
	request_refuse(request, FAULT_CONFLICT_GENERATION, 0,
		       "%zu path%s changed by others since generation %llu; "
		       "commit force overwrites, discard gives up",
		       count, count == 1 ? " was" : "s were",
		       (unsigned long long)snapshot_generation(candidate->base));
	request->is_commit_refused = true;
	return true;
}

static void report_check(struct request *request, const struct check_report *report)
{
	for (size_t i = 0; i < report->warning_count; i++)
		emit_warning(request, &report->warnings[i], false);
	for (size_t i = 0; i < report->error_count; i++)
		emit_warning(request, &report->errors[i], true);
	if (!report->error_count)
		return;
	request_fail(request, &report->errors[0]);
	request->is_commit_refused = true;
	if (report->error_count > 1)
		request_refuse(request, report->errors[0].code, 0,
			       "the check found %zu errors; nothing was changed",
			       report->error_count);
}

static enum apply_class class_of(const struct change *change)
{
	if (change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET)
		return param_get(change->param)->apply;
	if (change->op == CHANGE_FIELD_SET || change->op == CHANGE_FIELD_RESET)
		return field_get(change->field)->apply;
	/* An address that is added or taken away is bound or closed at the next start. */
	return change->kind == OBJECT_LISTEN ? APPLY_RESTART : APPLY_NOW;
}

/* "in force now: phone 1001, ...; for new calls: ...". */
static void say_effects(struct request *request, const struct change_list *changes)
{
	static const char *const heads[] = {
		[APPLY_NOW] = "in force now",
		[APPLY_NEW_CALLS] = "for new calls",
		[APPLY_NEW_REGISTRATIONS] = "for new registrations",
		[APPLY_RESTART] = "after a restart of switchd",
	};

	for (enum apply_class apply = APPLY_NOW; apply <= APPLY_RESTART; apply++) {
		struct buf line = buf_new();
		size_t count = 0;

		for (size_t i = 0; i < changes->count; i++) {
			char path[FAULT_PATH_MAX];

			if (class_of(&changes->items[i]) != apply)
				continue;
			if (++count > NAMES_SHOWN)
				continue;
			change_path(&changes->items[i], path);
			buf_printf(&line, "%s%s", count > 1 ? ", " : "",
				   strncmp(path, "param ", 6) == 0 ? path + 6 : path);
		}
		if (count > NAMES_SHOWN)
			buf_printf(&line, " and %zu more", count - NAMES_SHOWN);
		if (count)
			emit_say(request, "%s: %s", heads[apply], buf_cstr(&line));
		buf_free(&line);
	}
}

/* Writes the plan and puts it in force. */
static void carry_out(struct request *request, struct commit_plan *plan,
		      const struct commit_options *options)
{
	struct ctl *ctl = request->ctl;
	struct vos_fault fault = {0};
	struct conf *conf;
	enum vos_err err;

	err = conf_build(snapshot_ref(plan->after), store_key(ctl->context.store), ctl->conf, &conf,
			 &fault);
	if (err) {
		snapshot_unref(plan->after); /* the reference that conf_build did not take */
		request_fail(request, &fault);
		return;
	}
	err = store_commit(ctl->context.store, &plan->diff, request_running(request), plan->after,
			   options->author, options->comment ? options->comment : "",
			   clock_wall_ms(), &fault);
	if (err) {
		conf_unref(conf);
		request_fail(request, &fault);
		return;
	}
	conf_unref(ctl->conf);
	ctl->conf = conf;
	if (ctl->context.conf_changed)
		ctl->context.conf_changed(ctl->context.user, conf);
	emit_say(request, "committed generation %llu, %zu change%s",
		 (unsigned long long)snapshot_generation(conf->snapshot), plan->diff.count,
		 plan->diff.count == 1 ? "" : "s");
	say_effects(request, &plan->diff);
}

void commit_candidate(struct request *request, struct config_candidate *candidate,
		      const struct commit_options *options)
{
	struct commit_plan plan;
	struct check_facts facts;
	struct vos_fault fault = {0};

	if (!options->force && !options->replace && has_conflicts(request, candidate))
		return;
	commit_facts(request->ctl->context.location, &facts);
	if (commit_plan_make(request_running(request), &candidate->changes, options->replace,
			     &facts, &plan, &fault) != VOS_OK) {
		request_fail(request, &fault);
		request->is_commit_refused = true;
		return;
	}
	report_check(request, &plan.report);
	request->is_different = plan.after != NULL;
	if (!request->has_fault && options->check_only)
		emit_say(request,
			 plan.after ? "check passed, %zu change%s would be made"
				    : "check passed, nothing would change",
			 plan.diff.count, plan.diff.count == 1 ? "" : "s");
	else if (!request->has_fault && !plan.after)
		emit_say(request, "nothing to change; still generation %llu",
			 (unsigned long long)snapshot_generation(request_running(request)));
	else if (!request->has_fault)
		carry_out(request, &plan, options);
	if (!request->has_fault && !options->check_only)
		candidate_rebase(candidate, request_running(request));
	commit_plan_clear(&plan);
}
