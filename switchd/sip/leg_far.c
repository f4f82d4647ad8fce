/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attended transfers and Replaces whose dialog another signalling thread has: letters between the
 * threads' mailboxes. */
#include "switchd/call/call_far.h"
#include "switchd/sip/leg_refer.h"
#include "switchd/sip/leg_route.h"

static bool post_to(struct sip_worker *worker, int thread, struct mail *mail)
{
	struct sip_worker *to = worker->shared->workers[thread];

	return to && mailbox_post(&to->mailbox, mail);
}

bool leg_is_far(const struct sip_worker *worker, struct span replaces, int *thread)
{
	struct span call_id = {replaces.ptr, span_find(replaces, ';')};

	*thread = leg_thread_of(worker, span_trim(call_id));
	return *thread != worker->number;
}

static void run_ask(struct mail *mail, void *receiver)
{
	struct sip_worker *worker = receiver;
	struct call_far *far = (struct call_far *)mail;
	struct span replaces = {far->dialog, far->dialog_len};
	int status;
	struct sip_leg *leg = leg_replaced(worker, replaces, &status);
	int thread;

	/* It may have gone on meanwhile. */
	if (!leg && leg_is_far(worker, replaces, &thread) &&
	    ++far->hops < worker->shared->worker_count && post_to(worker, thread, mail))
		return;
	call_far_asked(worker->calls, leg ? &leg->base : NULL, far);
}

static void run_tell(struct mail *mail, void *receiver)
{
	call_far_told(((struct sip_worker *)receiver)->calls, (struct call_far *)mail);
}

static void run_drop(struct mail *mail, void *receiver)
{
	call_far_dropped(((struct sip_worker *)receiver)->calls, (struct call_far *)mail);
}

bool leg_send_far(void *context, enum call_far_letter letter, struct call_far *far)
{
	static void (*const runs[])(struct mail * mail, void *receiver) = {
		[CALL_FAR_ASK] = run_ask,
		[CALL_FAR_TELL] = run_tell,
		[CALL_FAR_DROP] = run_drop,
	};
	struct sip_worker *worker = context;
	int thread = far->thread;

	if (letter != CALL_FAR_TELL &&
	    !leg_is_far(worker, (struct span){far->dialog, far->dialog_len}, &thread))
		return false;
	far->mail.run = runs[letter];
	return post_to(worker, thread, &far->mail);
}
