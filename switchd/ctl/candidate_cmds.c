/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The candidate beside what others committed, and beside what was in force before. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

struct drops {
	struct request *request;
	const struct change *first; /* of our list */
	bool *is_dropped;           /* by position in it */
};

static void drop_ours(void *context, const struct change *ours, const char *path,
		      uint64_t generation, const char *author)
{
	struct drops *drops = context;

	if (!drops->is_dropped[ours - drops->first])
		emit_say(drops->request, "dropped: %s, changed by %s in generation %llu", path,
			 *author ? author : "others", (unsigned long long)generation);
	drops->is_dropped[ours - drops->first] = true;
}

/* Our changes that do not conflict, moved out of the candidate. */
static enum vos_err remaining_changes(struct request *request, struct change_list *out)
{
	struct change_list *changes = &request->session->candidate.changes;
	struct drops drops = {.request = request, .first = changes->items};
	size_t count;
	enum vos_err err;

	drops.is_dropped = calloc(changes->count + 1, sizeof(bool));
	if (!drops.is_dropped)
		return VOS_ENOMEM;
	err = commit_conflicts(request->ctl->context.store, request->session->candidate.base,
			       request_running(request), changes, drop_ours, &drops, &count);
	for (size_t i = 0; i < changes->count && !err; i++)
		if (!drops.is_dropped[i])
			err = change_list_push(out, &changes->items[i]);
	free(drops.is_dropped);
	return err;
}

enum step cmd_rebase(struct request *request)
{
	struct config_candidate *candidate = &request->session->candidate;
	struct change_list changes = {0};
	enum vos_err err = remaining_changes(request, &changes);

	if (!err) {
		candidate_rebase(candidate, request_running(request));
		err = candidate_add_list(candidate, &changes);
	}
	change_list_clear(&changes);
	if (err)
		return request_refuse(request, FAULT_INTERNAL, 0, "cannot compare generations: %s",
				      vos_strerror(err));
	emit_say(request, "the candidate stands on generation %llu, with %zu change%s",
		 (unsigned long long)snapshot_generation(candidate->base), candidate->changes.count,
		 candidate->changes.count == 1 ? "" : "s");
	return STEP_DONE;
}

enum step cmd_discard(struct request *request)
{
	candidate_rebase(&request->session->candidate, request_running(request));
	return STEP_DONE;
}

/* What differs from an older generation, as changes of the candidate. */
static enum vos_err load_difference(struct request *request, uint64_t wanted)
{
	struct snapshot *running = request_running(request);
	struct config_candidate *candidate = &request->session->candidate;
	struct change_list changes = {0};
	struct snapshot *at;
	enum vos_err err = commit_snapshot_at(request->ctl->context.store, running, wanted, &at);

	if (err)
		return err;
	err = snapshot_diff(running, at, &changes);
	snapshot_unref(at);
	if (!err) {
		candidate_rebase(candidate, running);
		err = candidate_add_list(candidate, &changes);
	}
	change_list_clear(&changes);
	return err;
}

enum step cmd_rollback(struct request *request)
{
	struct config_candidate *candidate = &request->session->candidate;
	uint64_t newest = snapshot_generation(request_running(request));
	uint64_t wanted = strtoull(match_text(&request->match, "generation"), NULL, 10);

	if (wanted >= newest)
		return request_refuse(request, FAULT_NOT_FOUND, 0,
				      "generation %llu is not older than the running one, %llu",
				      (unsigned long long)wanted, (unsigned long long)newest);
	if (candidate->changes.count)
		return request_refuse(request, FAULT_STATE, 0,
				      "the candidate has %zu changes; commit or discard them first",
				      candidate->changes.count);
	switch (load_difference(request, wanted)) {
	case VOS_OK:
		break;
	case VOS_ENOENT:
		return request_refuse(
			request, FAULT_NOT_FOUND, 0,
			"generation %llu is not kept any more; one can go back %d generations",
			(unsigned long long)wanted, GENERATIONS_KEPT);
	default:
		return request_no_memory(request);
	}
	emit_say(
		request,
		"candidate takes back generation %llu%s: %zu change%s; show configuration changes, "
		"then commit",
		(unsigned long long)wanted + 1, wanted + 1 == newest ? "" : " and the later ones",
		candidate->changes.count, candidate->changes.count == 1 ? "" : "s");
	return STEP_DONE;
}
