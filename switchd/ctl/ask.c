/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to signalling threads. A request has at most one on its way; the answer finds its
 * request by session and serial, or is thrown away when that has ended meanwhile. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"
#include "switchd/sip/leg.h"

void ask_list_calls(struct ask *ask, struct sip_worker *worker)
{
	size_t got;

	ask->calls = call_table_count(worker->calls);
	got = call_table_list(worker->calls, ask->low, ask->infos, ask->max);
	while (ask->count < got && ask->infos[ask->count].id <= ask->high)
		ask->count++;
}

void ask_counters(struct ask *ask, struct sip_worker *worker)
{
	ask->counters = worker->counters;
	ask->calls = call_table_count(worker->calls);
	ask->legs = leg_table_count(worker);
	ask->timers = worker->wheel.count;
}

void ask_socket_counters(struct ask *ask, struct sip_worker *worker)
{
	memcpy(ask->sockets, worker->socket_counters, sizeof(ask->sockets));
}

void ask_clear_call(struct ask *ask, struct sip_worker *worker)
{
	ask->is_found = call_table_clear(worker->calls, ask->low);
}

void ask_call_detail(struct ask *ask, struct sip_worker *worker)
{
	ask->is_found = call_table_detail(worker->calls, ask->low, &ask->detail);
}

/* In the control thread. */
static void answer_arrived(struct mail *mail, void *receiver)
{
	struct ask *ask = (struct ask *)mail;
	struct ctl *ctl = receiver;
	struct session *session = session_find(ctl, ask->session);
	struct request *request = session ? session->active : NULL;
	struct walk_workers *walk;

	ctl->mail_out--;
	if (!request || request->serial != ask->serial || !request->is_waiting) {
		free(ask);
		return;
	}
	walk = request->state;
	free(walk->reply);
	walk->reply = ask;
	request->is_waiting = false;
}

/* In the worker's thread. */
static void run_in_worker(struct mail *mail, void *receiver)
{
	struct ask *ask = (struct ask *)mail;

	ask->work(ask, receiver);
	ask->mail.run = answer_arrived;
	/* The mailbox takes mail until every question has come back, see ctl_stop(). */
	if (!mailbox_post(&ask->ctl->mailbox, &ask->mail))
		free(ask);
}

/* In the stream thread. */
static void run_in_stream(struct mail *mail, void *receiver)
{
	struct ask *ask = (struct ask *)mail;

	ask->is_found =
		stream_list(receiver, &ask->after, &ask->peer, ask->conns, CTL_SLICE, &ask->count);
	ask->mail.run = answer_arrived;
	if (!mailbox_post(&ask->ctl->mailbox, &ask->mail))
		free(ask);
}

static void drop_walk(void *state)
{
	struct walk_workers *walk = state;

	free(walk->reply);
	free(walk->more);
	free(walk);
}

struct walk_workers *walk_state(struct request *request)
{
	request->drop_state = drop_walk;
	return request_state(request, sizeof(struct walk_workers));
}

/* A question of this request; the answer before it is not looked at any more. */
static struct ask *new_ask(struct request *request, struct walk_workers *walk,
			   void (*run)(struct mail *, void *))
{
	struct ask *ask = calloc(1, sizeof(*ask));

	free(walk->reply);
	walk->reply = NULL;
	if (!ask)
		return NULL;
	ask->mail.run = run;
	ask->ctl = request->ctl;
	ask->session = request->session->id;
	ask->serial = request->serial;
	return ask;
}

enum step walk_ask_connections(struct request *request, struct walk_workers *walk,
			       const struct addr *peer, uint32_t after)
{
	struct ask *ask = new_ask(request, walk, run_in_stream);

	if (!ask)
		return request_no_memory(request);
	ask->peer = *peer;
	ask->after = after;
	if (!mailbox_post(stream_mailbox(request->ctl->context.stream), &ask->mail)) {
		free(ask);
		return STEP_DONE;
	}
	request->ctl->mail_out++;
	return STEP_WAIT;
}

static enum step ask_worker(struct request *request, struct walk_workers *walk,
			    void (*work)(struct ask *, struct sip_worker *), uint64_t low,
			    uint64_t high, size_t max, const char *text)
{
	struct ctl *ctl = request->ctl;
	struct ask *ask = new_ask(request, walk, run_in_worker);

	if (!ask)
		return request_no_memory(request);
	ask->worker = ctl->context.workers[walk->worker];
	ask->work = work;
	ask->low = low;
	ask->high = high;
	ask->max = max < CTL_SLICE ? max : CTL_SLICE;
	if (text)
		span_copy(span_of(text), ask->text, sizeof(ask->text));
	if (!mailbox_post(&ask->worker->mailbox, &ask->mail)) {
		free(ask);
		return STEP_MORE;
	}
	ctl->mail_out++;
	return STEP_WAIT;
}

enum step walk_ask(struct request *request, struct walk_workers *walk,
		   void (*work)(struct ask *, struct sip_worker *), uint64_t low, uint64_t high,
		   size_t max)
{
	return ask_worker(request, walk, work, low, high, max, NULL);
}

enum step walk_ask_text(struct request *request, struct walk_workers *walk,
			void (*work)(struct ask *, struct sip_worker *), uint64_t low,
			uint64_t high, const char *text)
{
	return ask_worker(request, walk, work, low, high, CTL_SLICE, text);
}

enum step walk_calls(struct request *request, struct walk_workers *walk, walk_call_fn *emit)
{
	const struct ask *reply = walk->reply;
	size_t count = reply ? reply->count : 0;

	for (size_t i = 0; i < count; i++)
		emit(request, &reply->infos[i]);
	if (walk->started && count < CTL_SLICE) {
		walk->worker++;
		walk->after = 0;
	} else if (walk->started) {
		walk->after = reply->infos[count - 1].id;
	}
	walk->started = true;
	if (walk->worker >= request->ctl->context.worker_count)
		return STEP_DONE;
	return walk_ask(request, walk, ask_list_calls, walk->after, UINT64_MAX, CTL_SLICE);
}

const char *request_arg(const struct request *request, const char *name)
{
	return request_has(request, name) ? match_text(&request->match, name) : NULL;
}

bool text_matches(const char *pattern, const char *text)
{
	const char *star = NULL; /* behind the last * */
	const char *retry = text;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			retry = text;
		} else if (*pattern && (*pattern == '?' || *pattern == *text)) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star;
			text = ++retry;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
