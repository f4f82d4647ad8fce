/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A commit as a session sees it: conflicts listed, check printed, one generation, the new
 * configuration handed to everybody, and what that means said. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/commit_adapt.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/in_force.h"
#include "switchd/ctl/monitor.h"

#define NAMES_SHOWN 6 /* of one apply class; the others are counted */

static void conflict_found(void *context, const struct change *ours, const char *path,
			   uint64_t generation, const char *author)
{
	struct request *request = context;
	struct vos_fault fault = {0};
	const char *shown = strncmp(path, "param ", 6) == 0 ? path + 6 : path;

	(void)ours;
	snprintf(fault.path, sizeof(fault.path), "%s", path);
	if (*author)
		fault_set(&fault, FAULT_CONFLICT_GENERATION, 0,
			  "%s: changed by %s in generation %llu", shown, author,
			  (unsigned long long)generation);
	else
		fault_set(&fault, FAULT_CONFLICT_GENERATION, 0, "%s: changed meanwhile", shown);
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
		       "commit force overwrites, rebase drops ours",
		       count, count == 1 ? " was" : "s were",
		       (unsigned long long)snapshot_generation(candidate->base));
	request->is_commit_refused = true;
	return true;
}

static void report_check(struct request *request, const struct check_report *report)
{
	for (size_t i = 0; i < report->warning_count; i++)
		emit_warning(request, &report->warnings[i], false);
	/* A single error is the answer itself. */
	for (size_t i = 0; report->error_count > 1 && i < report->error_count; i++)
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

bool refuse_locked(struct request *request)
{
	const struct session *holder = request->ctl->exclusive;
	char since[CLOCK_TEXT_MAX];

	if (!holder || holder == request->session)
		return false;
	request_refuse(request, FAULT_STATE, 0,
		       "configuration is locked by %s, session %llu, since %s", holder->login,
		       (unsigned long long)holder->id,
		       clock_print_utc(request->ctl->exclusive_since_ms, since));
	return true;
}

bool refuse_pending(struct request *request)
{
	const struct confirm *confirm = &request->ctl->confirm;
	struct vos_fault fault = {0};

	if (!confirm_is_pending(confirm))
		return false;
	confirm_refuse(confirm, confirm_left_ms(confirm, clock_wall_ms(), clock_mono_us()), &fault);
	request_fail(request, &fault);
	return true;
}

static void say_until(struct request *request)
{
	const struct store_confirm *record = &request->ctl->confirm.record;
	char until[CLOCK_TEXT_MAX];

	emit_say(request, "generation %llu is taken back at %s unless commit confirm comes before",
		 (unsigned long long)record->generation, clock_print_utc(record->until_ms, until));
}

/* Writes the plan and puts it in force. */
static void carry_out(struct request *request, const struct commit_plan *plan,
		      const struct commit_options *options)
{
	const struct commit_note note = {
		.author = options->author,
		.comment = options->comment,
		.confirm_minutes = options->confirm_minutes,
		.session = request->session,
	};
	struct vos_fault fault = {0};

	if (ctl_put_in_force(request->ctl, plan, &note, &fault) != VOS_OK) {
		request_fail(request, &fault);
		return;
	}
	emit_say(request, "committed generation %llu, %zu change%s",
		 (unsigned long long)snapshot_generation(plan->after), plan->diff.count,
		 plan->diff.count == 1 ? "" : "s");
	say_effects(request, &plan->diff);
	if (options->confirm_minutes)
		say_until(request);
}

/* What the plan means: its check, and then the commit if that is wanted. */
static void judge_plan(struct request *request, const struct commit_plan *plan,
		       const struct commit_options *options)
{
	report_check(request, &plan->report);
	request->is_different = plan->after != NULL;
	if (request->has_fault)
		return;
	if (options->check_only && plan->after)
		emit_say(request, "check passed, %zu change%s would be made", plan->diff.count,
			 plan->diff.count == 1 ? "" : "s");
	else if (options->check_only)
		emit_say(request, "check passed, nothing would change");
	else if (!plan->after)
		emit_say(request, "nothing to change; still generation %llu",
			 (unsigned long long)snapshot_generation(request_running(request)));
	else if (!refuse_pending(request))
		carry_out(request, plan, options);
}

struct remade {
	struct request *request;
	const struct config_candidate *candidate;
};

static void say_remade(void *context, const char *path)
{
	const struct remade *remade = context;

	emit_say(remade->request,
		 "%s, deleted by others meanwhile, is made again as it was in generation %llu",
		 path, (unsigned long long)snapshot_generation(remade->candidate->base));
}

/* The plan on what is in force, which others may have changed since the candidate was opened. */
static enum vos_err make_plan(struct request *request, const struct config_candidate *candidate,
			      bool replace, struct commit_plan *plan, struct vos_fault *fault)
{
	struct snapshot *running = request_running(request);
	struct remade remade = {.request = request, .candidate = candidate};
	struct change_list adapted = {0};
	struct check_facts facts;
	enum vos_err err = VOS_OK;
	bool is_behind =
		!replace && snapshot_generation(candidate->base) != snapshot_generation(running);

	commit_facts(request->ctl->context.location, &facts);
	if (is_behind)
		err = commit_adapt(candidate->base, running, &candidate->changes, say_remade,
				   &remade, &adapted);
	if (err)
		fault_set(fault, FAULT_INTERNAL, 0, "%s", vos_strerror(err));
	else
		err = commit_plan_make(running, is_behind ? &adapted : &candidate->changes, replace,
				       &facts, plan, fault);
	change_list_clear(&adapted);
	return err;
}

void commit_candidate(struct request *request, struct config_candidate *candidate,
		      const struct commit_options *options)
{
	struct commit_plan plan;
	struct vos_fault fault = {0};

	if (!options->check_only && refuse_locked(request))
		return;
	if (!options->force && !options->replace && has_conflicts(request, candidate))
		return;
	if (make_plan(request, candidate, options->replace, &plan, &fault) != VOS_OK) {
		request_fail(request, &fault);
		request->is_commit_refused = true;
		return;
	}
	judge_plan(request, &plan, options);
	if (!request->has_fault && !options->check_only)
		candidate_rebase(candidate, request_running(request));
	commit_plan_clear(&plan);
}

/* --- Confirming. --- */

/* `commit confirmed` with nothing to commit, by the one who waits: more time. */
static enum step prolong(struct request *request, int minutes)
{
	struct ctl *ctl = request->ctl;
	int64_t now_ms = clock_wall_ms();
	struct store_confirm record = confirm_record(ctl->confirm.record.generation,
						     ctl->confirm.record.author, minutes, now_ms);
	struct vos_fault fault = {0};

	if (store_confirm_set(ctl->context.store, &record, &fault) != VOS_OK)
		return request_fail(request, &fault);
	confirm_arm(&ctl->confirm, &record, now_ms, clock_mono_us());
	monitor_confirm(ctl, "waiting", &record, request->session);
	say_until(request);
	return STEP_DONE;
}

enum step cmd_commit(struct request *request)
{
	struct config_candidate *candidate = &request->session->candidate;
	const struct confirm *confirm = &request->ctl->confirm;
	const char *minutes = request_arg(request, "minutes");
	const struct commit_options options = {
		.check_only = request_has(request, "check"),
		.force = request_has(request, "force"),
		.confirm_minutes = minutes ? atoi(minutes) : 0,
		.comment = request_arg(request, "comment"),
		.author = request->session->login,
	};

	if (options.confirm_minutes && !options.check_only && confirm_is_pending(confirm) &&
	    !candidate->changes.count &&
	    strcmp(confirm->record.author, request->session->login) == 0)
		return prolong(request, options.confirm_minutes);
	commit_candidate(request, candidate, &options);
	return STEP_DONE;
}

enum step cmd_commit_confirm(struct request *request)
{
	struct confirm *confirm = &request->ctl->confirm;
	const struct store_confirm record = confirm->record;
	struct vos_fault fault = {0};

	if (!confirm_is_pending(confirm))
		return request_refuse(
			request, FAULT_STATE, 0,
			"no commit waits to be confirmed; in force is generation %llu",
			(unsigned long long)snapshot_generation(request_running(request)));
	if (store_confirm_set(request->ctl->context.store, NULL, &fault) != VOS_OK)
		return request_fail(request, &fault);
	confirm_clear(confirm);
	monitor_confirm(request->ctl, "confirmed", &record, request->session);
	emit_say(request, "generation %llu is confirmed", (unsigned long long)record.generation);
	return STEP_DONE;
}
