/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration mode: the candidate's life, its lines, and the way back out. */
#include <stdlib.h>

#include "switchd/ctl/file_load.h"
#include "switchd/ctl/handlers.h"

enum step cmd_configure(struct request *request)
{
	struct session *session = request->session;
	struct session *holder = request->ctl->exclusive;

	if (holder && holder != session)
		return request_refuse(request, FAULT_STATE, 0,
				      "configuration is locked by %s, session %llu", holder->login,
				      (unsigned long long)holder->id);
	if (request_has(request, "exclusive"))
		request->ctl->exclusive = session;
	if (!session->candidate.base)
		candidate_open(&session->candidate, request_running(request));
	else if (session->candidate.changes.count)
		emit_say(request, "the candidate still has %zu changes",
			 session->candidate.changes.count);
	return STEP_DONE;
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
	struct session *holder = request->ctl->exclusive;

	request->mode_after = request->mode;
	if (holder && holder != request->session)
		return request_refuse(request, FAULT_STATE, 0,
				      "configuration is locked by %s, session %llu", holder->login,
				      (unsigned long long)holder->id);
	candidate_open(&candidate, request_running(request));
	if (candidate_apply_match(&candidate, &request->match,
				  store_key(request->ctl->context.store), 0, &fault) != VOS_OK)
		request_fail(request, &fault);
	else
		commit_candidate(request, &candidate, &options);
	candidate_close(&candidate);
	return STEP_DONE;
}

enum step cmd_commit(struct request *request)
{
	const struct commit_options options = {
		.check_only = request_has(request, "check"),
		.force = request_has(request, "force"),
		.comment = request_arg(request, "comment"),
		.author = request->session->login,
	};
	struct session *holder = request->ctl->exclusive;

	if (holder && holder != request->session)
		return request_refuse(request, FAULT_STATE, 0,
				      "configuration is locked by %s, session %llu", holder->login,
				      (unsigned long long)holder->id);
	commit_candidate(request, &request->session->candidate, &options);
	return STEP_DONE;
}

enum step cmd_discard(struct request *request)
{
	candidate_rebase(&request->session->candidate, request_running(request));
	return STEP_DONE;
}

/* The inverse of every generation after the wanted one, newest first, as changes of the candidate.
 */
enum step cmd_rollback(struct request *request)
{
	struct session *session = request->session;
	uint64_t newest = snapshot_generation(request_running(request));
	uint64_t wanted = strtoull(match_text(&request->match, "generation"), NULL, 10);

	if (wanted >= newest)
		return request_refuse(request, FAULT_NOT_FOUND, 0,
				      "generation %llu is not older than the running one, %llu",
				      (unsigned long long)wanted, (unsigned long long)newest);
	if (session->candidate.changes.count)
		return request_refuse(request, FAULT_STATE, 0,
				      "the candidate has %zu changes; commit or discard them first",
				      session->candidate.changes.count);
	candidate_rebase(&session->candidate, request_running(request));
	for (uint64_t g = newest; g > wanted; g--) {
		struct change_list inverse = {0};

		if (store_generation_changes(request->ctl->context.store, g, true, &inverse) !=
		    VOS_OK) {
			candidate_rebase(&session->candidate, request_running(request));
			return request_refuse(
				request, FAULT_NOT_FOUND, 0,
				"generation %llu is not kept any more; the last 50 are",
				(unsigned long long)g - 1);
		}
		if (candidate_add_list(&session->candidate, &inverse) != VOS_OK)
			return request_no_memory(request);
	}
	emit_say(request,
		 "candidate takes back generation %llu%s; show configuration changes, then commit",
		 (unsigned long long)wanted + 1, wanted + 1 == newest ? "" : " and the later ones");
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
	if (pending)
		return STEP_DONE; /* asked, and kept for the next configure */
	candidate_close(&session->candidate);
	if (request->ctl->exclusive == session)
		request->ctl->exclusive = NULL;
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
