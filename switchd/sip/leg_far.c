/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Attended transfers and Replaces whose dialog another signalling thread has: letters between the
 * threads' mailboxes. */
#include <stdlib.h>

#include "switchd/call/call_far.h"
#include "switchd/sip/leg_caller.h"
#include "switchd/sip/leg_refer.h"
#include "switchd/sip/leg_route.h"
#include "switchd/sip/worker_private.h"

static bool post_to(struct sip_worker *worker, int thread, struct mail *mail)
{
	struct sip_worker *to = worker->shared->workers[thread];

	return to && mailbox_post(&to->mailbox, mail);
}

bool leg_is_far(struct sip_worker *worker, struct span replaces, int *thread)
{
	struct span call_id = {replaces.ptr, span_find(replaces, ';')};
	bool early_only;

	/* It may be a guest here. */
	if (leg_of_replaces(worker, replaces, &early_only))
		return false;
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
		return false; /* it has come here meanwhile */
	far->mail.run = runs[letter];
	return post_to(worker, thread, &far->mail);
}

/* --- INVITE with Replaces. --- */

/* One on its way to the thread of the dialog. Who sent it has been asked already. */
struct far_invite {
	struct mail mail;
	struct leg_route *routes; /* by which the rest of its dialog will come */
	struct conf *conf;        /* reference: what the caller's pointers point into */
	struct leg_caller caller;
	char callee[LEG_CALLEE_MAX];
	struct addr source;
	uint8_t socket_index;
	int hops;
	size_t len;
	char data[];
};

static void free_invite(struct far_invite *invite)
{
	conf_unref(invite->conf);
	free(invite);
}

/* False: it stays, and so does what comes for it. */
static bool hand_invite(struct sip_worker *worker, struct far_invite *invite, struct span call_id,
			int thread)
{
	struct leg_route *route = leg_route_new(worker, call_id, thread);

	if (!route)
		return false;
	route->next = invite->routes;
	invite->routes = route;
	if (post_to(worker, thread, &invite->mail))
		return true;
	invite->routes = route->next;
	leg_route_free(route);
	return false;
}

static void run_invite(struct mail *mail, void *receiver)
{
	struct sip_worker *worker = receiver;
	struct far_invite *invite = (struct far_invite *)mail;
	struct sip_rx rx = {.msg = &worker->io->rx_msg,
			    .source = invite->source,
			    .socket = &worker->sockets[invite->socket_index]};
	struct sip_leg *leg = NULL;
	struct span replaces;
	const char *why;
	int status, count, thread;

	if (sip_msg_parse(rx.msg, invite->data, invite->len, &status, &why) == SIP_VERDICT_OK &&
	    leg_invite_replaces(rx.msg, &replaces, &count)) {
		/* It may have gone on meanwhile. */
		if (leg_is_far(worker, replaces, &thread) &&
		    ++invite->hops < worker->shared->worker_count &&
		    hand_invite(worker, invite, rx.msg->call_id, thread))
			return;
		leg = leg_invite_take(worker, &rx, &invite->caller, invite->callee);
	}
	if (!leg)
		leg_routes_end(invite->routes);
	else
		(void)leg_guest_enter(leg, invite->routes);
	free_invite(invite);
}

bool leg_invite_far(struct sip_worker *worker, const struct sip_rx *rx,
		    const struct leg_caller *caller, const char *callee)
{
	struct span raw = rx->msg->raw;
	struct far_invite *invite;
	struct span replaces;
	int count;
	int thread;

	if (worker->shared->worker_count == 1 || !leg_invite_replaces(rx->msg, &replaces, &count) ||
	    count != 1 || !leg_is_far(worker, replaces, &thread))
		return false;
	invite = calloc(1, sizeof(*invite) + raw.len);
	if (!invite)
		return false;
	invite->mail.run = run_invite;
	invite->conf = conf_ref(worker->conf);
	invite->caller = *caller;
	span_join(span_of(callee), SPAN_NONE, invite->callee, sizeof(invite->callee));
	invite->source = rx->source;
	invite->socket_index = rx->socket->index;
	invite->len = raw.len;
	memcpy(invite->data, raw.ptr, raw.len);
	if (hand_invite(worker, invite, rx->msg->call_id, thread))
		return true;
	free_invite(invite);
	return false;
}
