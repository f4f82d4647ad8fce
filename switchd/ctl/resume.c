/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/resume.h"

#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/ctl/commit.h"
#include "switchd/ctl/emit.h"
#include "switchd/store/journal.h"

#define KEPT_MS       ((int64_t)(KEPT_US / 1000))
#define JOURNAL_ALARM "candidates"

static struct kept_owner session_owner(const struct session *session)
{
	return (struct kept_owner){
		.uid = session->uid, .session = session->id, .token = session->token};
}

static struct journal_head head_of(const struct session *session, int64_t lost_ms)
{
	return (struct journal_head){
		.session = session->id,
		.uid = session->uid,
		.token = session->token,
		.lost_ms = lost_ms,
		.base = snapshot_generation(session->candidate.base),
	};
}

static void raise(struct ctl *ctl, const struct vos_fault *fault)
{
	log_warning(ctl->context.log, "ctl", "%s", fault->text);
	alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_DISK, JOURNAL_ALARM, "%s", fault->text);
}

void resume_begin(struct session *session)
{
	struct ctl *ctl = session->ctl;
	struct journal_head head = head_of(session, 0);
	struct vos_fault fault = {0};

	if (session->is_batch || !ctl->context.state_dir)
		return;
	if (journal_create(ctl->context.store, &head, &session->candidate.journal, &fault) !=
	    VOS_OK)
		raise(ctl, &fault);
}

void resume_flush(struct request *request)
{
	struct ctl *ctl = request->ctl;
	struct journal *journal = request->session->candidate.journal;
	struct vos_fault fault = {0};

	if (!journal)
		return;
	if (journal_flush(journal, &fault)) {
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_DISK, JOURNAL_ALARM);
	} else if (fault.code) {
		raise(ctl, &fault);
		emit_warning(request, &fault, false);
	}
}

void resume_lost(struct session *session)
{
	struct config_candidate *candidate = &session->candidate;
	struct kept_owner owner = session_owner(session);
	struct journal_head head;
	struct vos_fault fault = {0};

	if (!candidate->changes.count || session->is_batch) {
		candidate_close(candidate);
		return;
	}
	head = head_of(session, clock_wall_ms());
	journal_set_session(candidate->journal, &head);
	if (!journal_flush(candidate->journal, &fault) && fault.code)
		raise(session->ctl, &fault);
	kept_put(&session->ctl->kept, &owner, candidate, clock_mono_us() + KEPT_US);
}

bool resume_take(struct session *session)
{
	struct kept *kept = &session->ctl->kept;
	struct kept_candidate *item = kept_find(kept, session->uid, session->resume);
	struct journal_head head;

	/* Somebody who asks for it by hand gets what there is. */
	if (!item)
		item = kept_find(kept, session->uid, 0);
	if (!item)
		return false;
	candidate_close(&session->candidate);
	session->candidate = kept_take(item);
	session->resume = 0;
	head = head_of(session, 0);
	journal_set_session(session->candidate.journal, &head);
	return true;
}

/* How long it is still kept: as long as if switchd had been there. One whose connection was lost
 * with switchd has all of its time, since nobody could come for it. 0: it is over. */
static int64_t left_ms(const struct journal_head *head)
{
	int64_t left = head->lost_ms ? head->lost_ms + KEPT_MS - clock_wall_ms() : KEPT_MS;

	return left < 0 ? 0 : left > KEPT_MS ? KEPT_MS : left;
}

static bool found(void *context, const struct journal_head *head, struct change_list *changes,
		  struct journal *journal)
{
	struct ctl *ctl = context;
	const struct kept_owner owner = {
		.uid = head->uid, .session = head->session, .token = head->token};
	struct config_candidate candidate;
	struct snapshot *base;
	enum vos_err err;

	if (!left_ms(head))
		return false;
	err = head->base > snapshot_generation(ctl->conf->snapshot)
		      ? VOS_ENOENT
		      : commit_snapshot_at(ctl->context.store, ctl->conf->snapshot, head->base,
					   &base);
	if (err) {
		log_warning(ctl->context.log, "ctl",
			    "a candidate of session %llu is given up: generation %llu, on which it "
			    "stands: %s",
			    (unsigned long long)head->session, (unsigned long long)head->base,
			    vos_strerror(err));
		return false;
	}
	candidate_open(&candidate, base);
	snapshot_unref(base);
	if (candidate_add_list(&candidate, changes) != VOS_OK) {
		candidate_close(&candidate);
		return false;
	}
	candidate.journal = journal;
	/* Numbers of sessions tell which one is newer. */
	if (head->session > ctl->next_session)
		ctl->next_session = head->session;
	kept_put(&ctl->kept, &owner, &candidate, clock_mono_us() + (uint64_t)left_ms(head) * 1000);
	return true;
}

void resume_load(struct ctl *ctl)
{
	int count = 0;

	if (!ctl->context.state_dir)
		return;
	journals_load(ctl->context.store, found, ctl);
	for (int i = 0; i < KEPT_MAX; i++)
		count += ctl->kept.items[i].candidate.base != NULL;
	if (count)
		log_notice(ctl->context.log, "ctl",
			   "%d candidate%s can be taken up again with configure resume", count,
			   count == 1 ? "" : "s");
}

void resume_leave(struct ctl *ctl)
{
	struct session *session;

	DL_FOREACH (ctl->sessions, session)
		if (session->candidate.changes.count && !session->is_batch)
			candidate_leave(&session->candidate);
	kept_leave(&ctl->kept);
}
