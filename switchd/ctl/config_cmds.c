/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration mode: the candidate's life, its lines, and the way back out. */
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/ctl/file_load.h"
#include "switchd/ctl/handlers.h"
#include "switchd/ctl/resume.h"

/* Whom the lock keeps from committing what they have already typed. */
static void name_others(struct request *request)
{
	const struct session *other;

	DL_FOREACH (request->ctl->sessions, other)
		if (other != request->session && other->candidate.changes.count)
			emit_say(request,
				 "session %llu of %s has %zu change%s that cannot be committed "
				 "meanwhile",
				 (unsigned long long)other->id, other->login,
				 other->candidate.changes.count,
				 other->candidate.changes.count == 1 ? "" : "s");
}

static void lock(struct request *request)
{
	if (request->ctl->exclusive == request->session)
		return;
	request->ctl->exclusive = request->session;
	request->ctl->exclusive_since_ms = clock_wall_ms();
	name_others(request);
}

bool open_candidate(struct request *request, bool is_exclusive)
{
	struct session *session = request->session;

	if (refuse_locked(request))
		return false;
	if (is_exclusive)
		lock(request);
	if (!session->candidate.base) {
		candidate_open(&session->candidate, request_running(request));
		resume_begin(session);
	}
	return true;
}

static void say_pending(struct request *request)
{
	const struct session *session = request->session;
	const struct kept_candidate *kept = kept_find(&request->ctl->kept, session->uid, 0);
	size_t pending = session->candidate.changes.count;

	if (pending)
		emit_say(request, "the candidate has %zu change%s", pending,
			 pending == 1 ? "" : "s");
	if (kept && !pending && !request->batch)
		emit_say(request,
			 "%zu change%s of your session %llu, whose connection was lost, can be had "
			 "with configure resume",
			 kept->candidate.changes.count,
			 kept->candidate.changes.count == 1 ? "" : "s",
			 (unsigned long long)kept->owner.session);
}

static bool resume(struct request *request)
{
	struct session *session = request->session;

	if (session->candidate.changes.count) {
		request_refuse(request, FAULT_STATE, 0,
			       "the candidate has %zu changes; commit or discard them first",
			       session->candidate.changes.count);
		return false;
	}
	if (!resume_take(session)) {
		request_refuse(
			request, FAULT_NOT_FOUND, 0,
			"no candidate of yours is kept; that of a lost connection is, for 10 "
			"minutes");
		return false;
	}
	return true;
}

enum step cmd_configure(struct request *request)
{
	if (refuse_locked(request))
		return STEP_DONE;
	if (request_has(request, "resume") && !resume(request))
		return STEP_DONE;
	if (open_candidate(request, request_has(request, "exclusive")))
		say_pending(request);
	return STEP_DONE;
}

/* The file is on the client's side: it comes with a request of its own. */
enum step cmd_load(struct request *request)
{
	return request_refuse(request, FAULT_STATE, 0,
			      "the client reads the file and sends it with the request load");
}

/* A line of configuration: a parameter, an object, a field, a mode. */
enum step cmd_line(struct request *request)
{
	struct vos_fault fault = {0};
	enum vos_err err;

	err = candidate_apply_match(&request->session->candidate, &request->match,
				    store_key(request->ctl->context.store), request->line_number,
				    &fault);
	if (err)
		return request_fail(request, &fault);
	if (request->batch && request->file &&
	    file_abbreviation(&request->match, request->line_number, &fault))
		emit_warning(request, &fault, false);
	return STEP_DONE;
}

/* The one-line form: a candidate of its own, one change, one commit. */
enum step cmd_set(struct request *request)
{
	const struct commit_options options = {.author = request->session->login};
	struct config_candidate candidate;
	struct vos_fault fault = {0};

	request->mode_after = request->mode;
	candidate_open(&candidate, request_running(request));
	if (candidate_apply_match(&candidate, &request->match,
				  store_key(request->ctl->context.store), 0, &fault) != VOS_OK)
		request_fail(request, &fault);
	else
		commit_candidate(request, &candidate, &options);
	candidate_close(&candidate);
	return STEP_DONE;
}

static enum step leave(struct request *request)
{
	struct session *session = request->session;
	size_t pending = session->candidate.changes.count;

	if (pending && (request->batch || !request->yes))
		return request_refuse(request, FAULT_STATE, 0,
				      "%zu change%s not committed; commit or discard first",
				      pending, pending == 1 ? " is" : "s are");
	if (request->ctl->exclusive == session)
		request->ctl->exclusive = NULL;
	if (!pending) /* else asked, and kept for the next configure */
		candidate_close(&session->candidate);
	return STEP_DONE;
}

enum step cmd_exit(struct request *request)
{
	if (request->mode.kind == MODE_EXEC)
		request->is_closing = true;
	else if (request->match.target.kind == MODE_EXEC)
		return leave(request);
	return STEP_DONE;
}

enum step cmd_end(struct request *request)
{
	return leave(request);
}
