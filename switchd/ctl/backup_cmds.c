/* SPDX-License-Identifier: GPL-2.0-or-later */
/* backup create, list, verify, restore, prune: orders to the thread that has the copies
 * (switchd/store/backups.h), answered when it comes back. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/ctl/handlers.h"
#include "switchd/store/backups.h"

static const struct column backups_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 20},
	{"is_complete", CELL_BOOL, "", "COMPLETE", 8},
	{"time", CELL_TIME, "", "TIME", -20},
	{"generation", CELL_INT, "", "GENERATION", 10},
	{"size_bytes", CELL_INT, "bytes", "SIZE", 8},
	{"author", CELL_TEXT, "", "BY", -10},
	{"comment", CELL_TEXT, "", "COMMENT", 20},
};

const struct schema schema_backups = SCHEMA_OF_ROWS(backups_columns);

static const struct member backup_members[] = {
	{"name", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_good", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"generation", CELL_INT, MEMBER_ALWAYS, NULL},
	{"size_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"config_records", CELL_INT, MEMBER_ALWAYS, NULL},
	{"binding_records", CELL_INT, MEMBER_ALWAYS, NULL},
	{"author", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"comment", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_backup = SCHEMA_OF_ITEM(backup_members);

/* A job with the way back. */
struct errand {
	struct backup_job job; /* first: the thread knows only this */
	struct mail mail;
	struct ctl *ctl;
	uint64_t session;
	uint64_t serial;
};

struct backup_state {
	struct backup_job *answer;
};

static void drop_state(void *data)
{
	struct backup_state *state = data;

	backup_job_free(state->answer);
	free(state);
}

/* In the control thread. */
static void came_back(struct mail *mail, void *receiver)
{
	struct errand *errand = (struct errand *)((char *)mail - offsetof(struct errand, mail));
	struct ctl *ctl = receiver;
	struct session *session = session_find(ctl, errand->session);
	struct request *request = session ? session->active : NULL;
	struct backup_state *state;

	ctl->mail_out--;
	if (!request || request->serial != errand->serial || !request->is_waiting) {
		backup_job_free(&errand->job);
		return;
	}
	state = request->state;
	state->answer = &errand->job;
	request->is_waiting = false;
}

/* In the thread of the copies. */
static void done(struct backup_job *job)
{
	struct errand *errand = (struct errand *)job;

	errand->mail.run = came_back;
	/* The mailbox takes mail until every errand is back, see ctl_stop(). */
	if (!mailbox_post(&errand->ctl->mailbox, &errand->mail))
		backup_job_free(job);
}

/* Sends the job and goes on with `then` when it is back; NULL: with the same step. */
static enum step send_out(struct request *request, enum backup_action action, step_fn *then)
{
	struct backups *backups = request->ctl->context.backups;
	struct backup_state *state = request_state(request, sizeof(*state));
	struct errand *errand = calloc(1, sizeof(*errand));

	if (!state || !errand) {
		free(errand);
		return request_no_memory(request);
	}
	request->drop_state = drop_state;
	errand->job.action = action;
	errand->job.done = done;
	errand->ctl = request->ctl;
	errand->session = request->session->id;
	errand->serial = request->serial;
	snprintf(errand->job.author, sizeof(errand->job.author), "%s", request->session->login);
	if (!span_copy(span_of(match_text(&request->match, "comment")), errand->job.comment,
		       sizeof(errand->job.comment)))
		errand->job.comment[0] = '\0';
	if (!span_copy(span_of(match_text(&request->match, "backup")), errand->job.name,
		       sizeof(errand->job.name))) {
		free(errand);
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "backup")->column,
				      "there is no backup of that name");
	}
	if (!backups || !backups_order(backups, &errand->job)) {
		free(errand);
		return request_refuse(request, FAULT_STATE, 0, "backups are not made here");
	}
	request->ctl->mail_out++;
	if (then)
		request->step = then;
	return STEP_WAIT;
}

/* The answer; NULL, with the request refused, when the job has failed. */
static struct backup_job *take_answer(struct request *request)
{
	struct backup_state *state = request->state;
	struct backup_job *job = state->answer;

	if (job->err == VOS_OK)
		return job;
	request_fail(request, &job->fault);
	if (job->err == VOS_ENOENT && match_arg(&request->match, "backup"))
		request->fault.column = match_arg(&request->match, "backup")->column;
	return NULL;
}

/* --- create --- */

static enum step created(struct request *request)
{
	const struct backup_job *job = take_answer(request);

	if (job)
		emit_say(request, "backup %s is made, generation %llu, %llu bytes",
			 job->report.info.name, (unsigned long long)job->report.info.generation,
			 (unsigned long long)job->report.info.size_bytes);
	return STEP_DONE;
}

enum step cmd_backup_create(struct request *request)
{
	return send_out(request, BACKUP_CREATE, created);
}

/* --- list --- */

static enum step listed(struct request *request)
{
	const struct backup_job *job = take_answer(request);

	if (!job)
		return STEP_DONE;
	EMIT_TABLE(request, backups_columns);
	for (size_t i = 0; i < job->count; i++) {
		const struct backup_info *info = &job->list[i];

		emit_str(request, info->name);
		emit_bool(request, info->is_complete);
		emit_time(request, info->time_ms);
		if (info->time_ms) {
			emit_int(request, (int64_t)info->generation);
			emit_int(request, (int64_t)info->size_bytes);
		} else {
			emit_null(request);
			emit_null(request);
		}
		emit_str(request, info->author);
		emit_str(request, info->comment);
		emit_row_end(request);
	}
	return STEP_DONE;
}

/* Also a part of show tech-support, whose step has to stay. */
enum step cmd_backup_list(struct request *request)
{
	const struct backup_state *state = request->state;

	if (state && state->answer)
		return listed(request);
	return send_out(request, BACKUP_LIST, NULL);
}

/* --- verify --- */

static enum step verified(struct request *request)
{
	const struct backup_job *job = take_answer(request);
	const struct backup_report *report;

	if (!job)
		return STEP_DONE;
	report = &job->report;
	item_begin(request);
	item_str(request, NULL, "name", report->info.name);
	item_bool(request, NULL, "is_good", true);
	item_time(request, NULL, "time", report->info.time_ms);
	item_int(request, NULL, "generation", (int64_t)report->info.generation);
	item_int(request, NULL, "size_bytes", (int64_t)report->info.size_bytes);
	item_int(request, NULL, "config_records", (int64_t)report->config_records);
	item_int(request, NULL, "binding_records", (int64_t)report->binding_records);
	item_str(request, NULL, "author", report->info.author);
	item_str(request, NULL, "comment", report->info.comment);
	item_end(request);
	return STEP_DONE;
}

enum step cmd_backup_verify(struct request *request)
{
	return send_out(request, BACKUP_VERIFY, verified);
}

/* --- restore --- */

/* The configuration of the copy as changes of the one in force, and then an ordinary commit: what
 * went wrong with it can be rolled back. */
static void commit_snapshot(struct request *request, const struct backup_job *job)
{
	char comment[BACKUP_NAME_MAX + 32];
	const struct commit_options options = {.author = request->session->login,
					       .comment = comment};
	struct snapshot *running = request_running(request);
	struct config_candidate candidate = {0};
	struct change_list changes = {0};
	enum vos_err err = snapshot_diff(running, job->snapshot, &changes);

	snprintf(comment, sizeof(comment), "backup restore %s", job->report.info.name);
	candidate_open(&candidate, running);
	if (!err)
		err = candidate_add_list(&candidate, &changes);
	if (err)
		request_no_memory(request);
	else
		commit_candidate(request, &candidate, &options);
	candidate_close(&candidate);
	change_list_clear(&changes);
}

static enum step loaded(struct request *request)
{
	const struct backup_job *job = take_answer(request);

	if (job)
		commit_snapshot(request, job);
	return STEP_DONE;
}

enum step cmd_backup_restore(struct request *request)
{
	if (!request->yes)
		return request_ask(request, "the configuration of %s replaces the one in force",
				   match_text(&request->match, "backup"));
	return send_out(request, BACKUP_LOAD, loaded);
}

/* --- prune --- */

static enum step pruned(struct request *request)
{
	const struct backup_job *job = take_answer(request);

	if (job)
		emit_say(request, "%zu backup%s removed", job->count,
			 job->count == 1 ? " is" : "s are");
	return STEP_DONE;
}

enum step cmd_backup_prune(struct request *request)
{
	return send_out(request, BACKUP_PRUNE, pruned);
}
