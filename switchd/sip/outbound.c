/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registrations of a thread: which there are, and what the machine's actions do. */
#include "switchd/sip/outbound.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "switchd/sip/outbound_private.h"

#define SPREAD_US      5000000u /* over which many begin */
#define SPREAD_STEP_US 10000u   /* most between two of them */
#define STOP_US        2000000u /* for the answers when the switch stops */
#define STOP_BATCH     32       /* removals sent in a turn */
/* A server that closes each connection after its answer is not asked faster than this. */
#define LOST_WAIT_US 2000000u

static void perform(struct outbound_one *one, enum outbound_action action);

enum vos_err outbound_create(struct sip_worker *worker, struct outbound **out)
{
	struct outbound *outbound = calloc(1, sizeof(*outbound));

	if (!outbound)
		return VOS_ENOMEM;
	outbound->worker = worker;
	*out = outbound;
	return VOS_OK;
}

int outbound_owner(const struct sip_shared *shared, const char *name)
{
	return (int)(hash_bytes(&shared->owner_key, name, strlen(name)) %
		     (uint64_t)shared->worker_count);
}

static void drop_request(struct outbound_one *one)
{
	if (!one->txn)
		return;
	txn_client_stop_resend(one->worker, one->txn);
	txn_client_forget(one->txn);
	one->txn = NULL;
}

static void free_one(struct outbound_one **list, struct outbound_one *one)
{
	DL_DELETE(*list, one);
	drop_request(one);
	wheel_stop(&one->worker->wheel, &one->timer);
	auth_client_forget(&one->auth);
	if (one->conf)
		conf_unref(one->conf);
	free(one);
}

void outbound_destroy(struct outbound *outbound)
{
	if (!outbound)
		return;
	while (outbound->ones)
		free_one(&outbound->ones, outbound->ones);
	while (outbound->leaving)
		free_one(&outbound->leaving, outbound->leaving);
	free(outbound);
}

struct outbound_one *outbound_by_id(struct outbound *outbound, uint64_t id)
{
	struct outbound_one *one;

	DL_FOREACH (outbound->ones, one)
		if (one->id == id)
			return one;
	DL_FOREACH (outbound->leaving, one)
		if (one->id == id)
			return one;
	return NULL;
}

/* --- From events to actions. --- */

static void happened(struct outbound_one *one, enum outbound_event event,
		     const struct outbound_news *news)
{
	struct outbound_rules rules = outbound_rules_of(one);

	perform(one,
		outbound_machine_take(&one->machine, &rules, event, news, one->worker->now_us));
}

static void due_fired(struct wheel_timer *timer, void *owner)
{
	(void)owner;
	happened((struct outbound_one *)((char *)timer - offsetof(struct outbound_one, timer)),
		 OUTBOUND_DUE, NULL);
}

static void set_timer(struct outbound_one *one)
{
	struct sip_worker *worker = one->worker;
	uint64_t due_us = one->machine.due_us;

	wheel_stop(&worker->wheel, &one->timer);
	if (due_us)
		wheel_start(&worker->wheel, &one->timer, due_fired, worker->now_us,
			    due_us > worker->now_us ? due_us - worker->now_us : 0);
}

static void note_answer(struct outbound_one *one, const struct sip_rx *rx,
			const struct txn_client *txn)
{
	one->answered_us = one->worker->now_us;
	if (rx)
		snprintf(one->answer, sizeof(one->answer), "%d %.*s", rx->msg->status,
			 (int)(rx->msg->reason.len < 60 ? rx->msg->reason.len : 60),
			 rx->msg->reason.ptr ? rx->msg->reason.ptr : "");
	else
		snprintf(one->answer, sizeof(one->answer), "%s",
			 txn_client_is_unreachable(txn) ? "cannot be reached" : "no answer");
}

static void answered(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct outbound_one *one = user;
	struct outbound_news news = {0};
	enum outbound_event event = OUTBOUND_SILENT;

	if (rx && rx->msg->status < 200)
		return;
	one->txn = NULL;
	note_answer(one, rx, txn);
	if (rx) {
		event = outbound_read(one, rx, txn, &news);
		txn_client_forget(txn);
	}
	if (event == OUTBOUND_GRANTED)
		worker_keep_connection(worker, rx, news.granted_s);
	happened(one, event, &news);
}

static void unsent(struct outbound_one *one, const char *why)
{
	snprintf(one->answer, sizeof(one->answer), "%s", why);
	one->answered_us = one->worker->now_us;
	happened(one, OUTBOUND_REFUSED, NULL);
}

static void send_now(struct outbound_one *one)
{
	const char *why = NULL;

	drop_request(one);
	if (!outbound_send(one, answered, &why))
		unsent(one, why);
}

void outbound_found(struct outbound_one *one, bool has_server, const char *why)
{
	if (has_server)
		send_now(one);
	else
		unsent(one, why);
}

static void begin_request(struct outbound_one *one)
{
	const char *why = NULL;
	bool is_asked;

	drop_request(one);
	if (outbound_find_server(one, &is_asked, &why))
		send_now(one);
	else if (!is_asked)
		unsent(one, why);
}

static void end(struct outbound_one *one)
{
	struct outbound *outbound = one->worker->outbound;
	struct outbound_one **list = one->conf ? &outbound->leaving : &outbound->ones;

	/* One that was configured again meanwhile speaks for the name now. */
	if (!one->conf)
		outbound_report_down(one, false);
	free_one(list, one);
}

static void perform(struct outbound_one *one, enum outbound_action action)
{
	switch (action) {
	case OUTBOUND_NOTHING:
		break;
	case OUTBOUND_REGISTER:
		set_timer(one);
		begin_request(one);
		break;
	case OUTBOUND_REPEAT:
		send_now(one);
		break;
	case OUTBOUND_KEEP:
		one->has_failed = false;
		set_timer(one);
		outbound_report_up(one, one->worker->now_us);
		break;
	case OUTBOUND_FAIL:
		one->has_failed = true;
		auth_client_forget(&one->auth);
		set_timer(one);
		outbound_report_down(one, true);
		break;
	case OUTBOUND_UNREGISTER:
		set_timer(one);
		if (!one->conf)
			outbound_report_down(one, false);
		begin_request(one);
		break;
	case OUTBOUND_END:
		end(one);
		break;
	}
}

static void leave(struct outbound_one *one, bool removes)
{
	enum outbound_event event = outbound_machine_farewell(&one->machine, one->worker->now_us);

	/* What was never sent has not to be taken back. */
	if (!removes || one->cseq == 0)
		event = OUTBOUND_LEAVE;
	happened(one, event, NULL);
}

/* --- As configured. --- */

static void write_token(struct outbound_one *one, const char *prefix, size_t bytes,
			char out[OUTBOUND_TOKEN_MAX])
{
	struct buf text = buf_over(out, OUTBOUND_TOKEN_MAX - 1);
	uint8_t random[16];

	random_take(&one->worker->random, random, bytes);
	buf_add_str(&text, prefix);
	buf_add_hex(&text, random, bytes);
	out[text.len] = '\0';
}

/* NULL: out of memory; it is missing until the next commit. */
static struct outbound_one *begin(struct outbound *outbound, const struct conf_registration *row)
{
	struct sip_worker *worker = outbound->worker;
	struct outbound_one *one = calloc(1, sizeof(*one));
	char own[8];

	if (!one)
		return NULL;
	one->worker = worker;
	one->row = row;
	one->id = ++outbound->next_id;
	/* The Call-ID names the thread, so that the answers come back here. */
	snprintf(own, sizeof(own), "v1-%02x", (unsigned)worker->number);
	write_token(one, own, 12, one->call_id);
	write_token(one, "", 8, one->tag);
	atomic_store(&row->trunk->is_up, 0);
	return one;
}

/* Parts it from the names that are configured; it ends alone, with the conf it was of. */
static void part(struct outbound *outbound, struct outbound_one *one, struct conf *before)
{
	outbound_report_down(one, false);
	DL_DELETE(outbound->ones, one);
	DL_APPEND(outbound->leaving, one);
	one->conf = conf_ref(before);
	leave(one, true);
}

/* The next row of the thread at or behind *index. */
static const struct conf_registration *next_row(const struct outbound *outbound, size_t *index)
{
	const struct sip_worker *worker = outbound->worker;

	while (*index < conf_registration_count(worker->conf)) {
		const struct conf_registration *row =
			conf_registration_at(worker->conf, (*index)++);

		if (outbound_owner(worker->shared, row->name) == worker->number)
			return row;
	}
	return NULL;
}

/* Goes on with the new row, or begins anew when it is another registration. True: it went on. */
static bool go_on(struct outbound_one *one, const struct conf_registration *row)
{
	const struct conf_registration *before = one->row;
	bool asks_other;

	if (conf_registration_is_other(before, row))
		return false;
	asks_other = conf_registration_asks_other(before, row);
	if (conf_registration_goes_elsewhere(before, row)) {
		/* A letter that is out asks for the one before. */
		one->id = ++one->worker->outbound->next_id;
		one->is_looking_up = false;
		one->found_count = 0;
		one->found_at = 0;
	}
	one->row = row;
	if (!asks_other)
		return true;
	auth_client_forget(&one->auth);
	one->machine.min_expires_s = 0;
	happened(one, OUTBOUND_AGAIN, NULL);
	return true;
}

static void spread(struct outbound *outbound, size_t count)
{
	uint64_t now_us = outbound->worker->now_us;
	uint64_t step_us = count ? SPREAD_US / count : 0;
	struct outbound_one *one;
	uint64_t at_us = now_us;

	if (step_us > SPREAD_STEP_US)
		step_us = SPREAD_STEP_US;
	DL_FOREACH (outbound->ones, one) {
		if (one->machine.state != OUTBOUND_WAITING || one->machine.due_us)
			continue;
		one->machine.due_us = at_us;
		set_timer(one);
		at_us += step_us;
	}
}

/* Rows and registrations are both in the order of their names. */
void outbound_configure(struct outbound *outbound, struct conf *before)
{
	struct outbound_one *one = outbound->ones;
	const struct conf_registration *row;
	size_t begun = 0;
	size_t index = 0;

	/* While they are sorted in, new ones go to the end of a list of their own. */
	struct outbound_one *sorted = NULL;

	row = next_row(outbound, &index);
	while (row || one) {
		struct outbound_one *next = one ? one->next : NULL;
		int order = !row ? -1 : !one ? 1 : strcmp(one->row->name, row->name);

		if (order < 0 || (order == 0 && !go_on(one, row))) {
			part(outbound, one, before);
			one = next;
			continue;
		}
		if (order == 0) {
			DL_DELETE(outbound->ones, one);
			DL_APPEND(sorted, one);
			one = next;
		} else {
			struct outbound_one *made = begin(outbound, row);

			if (made) {
				DL_APPEND(sorted, made);
				begun++;
			}
		}
		row = next_row(outbound, &index);
	}
	outbound->ones = sorted;
	spread(outbound, begun);
	if (outbound->worker->number == 0)
		outbound_tell_gateways(outbound->worker);
}

size_t outbound_again(struct outbound *outbound, struct span name)
{
	struct outbound_one *one;
	struct outbound_one *next;
	size_t count = 0;

	DL_FOREACH_SAFE (outbound->ones, one, next) {
		if (name.len && !span_eq(name, span_of(one->row->name)))
			continue;
		happened(one, OUTBOUND_AGAIN, NULL);
		count++;
	}
	return count;
}

void outbound_peer_lost(struct outbound *outbound, const struct sip_socket *socket,
			const struct addr *peer)
{
	uint64_t due_us = outbound->worker->now_us + LOST_WAIT_US;
	struct outbound_one *one;

	DL_FOREACH (outbound->ones, one) {
		if (one->machine.state != OUTBOUND_REGISTERED || one->socket != socket ||
		    !addr_eq(&one->server, peer) || one->machine.due_us <= due_us)
			continue;
		one->machine.due_us = due_us;
		set_timer(one);
	}
}

bool outbound_stop(struct outbound *outbound)
{
	const struct snapshot *config = outbound->worker->conf->snapshot;
	bool removes = snapshot_bool(config, PARAM_SS_SIP_USER_AGENT_SEND_UNREGISTER);
	struct outbound_one *one;
	struct outbound_one *next;
	int left = STOP_BATCH;

	if (!outbound->is_stopping)
		outbound->stop_us = outbound->worker->now_us;
	outbound->is_stopping = true;
	DL_FOREACH_SAFE (outbound->ones, one, next) {
		if (one->machine.state == OUTBOUND_LEAVING)
			continue;
		if (left-- == 0)
			break;
		leave(one, removes);
	}
	return (!outbound->ones && !outbound->leaving) ||
	       outbound->worker->now_us - outbound->stop_us >= STOP_US;
}

/* --- For show. --- */

static void describe(const struct outbound_one *one, struct outbound_info *out)
{
	*out = (struct outbound_info){
		.state = one->machine.state,
		.server = one->server,
		.granted_s = one->machine.granted_s,
		.next_us = one->machine.due_us,
		.answered_us = one->answered_us,
		.since_us = one->since_us,
		.failures = one->machine.failures,
	};
	if (one->socket)
		out->local = one->socket->local;
	snprintf(out->name, sizeof(out->name), "%s", one->row->name);
	memcpy(out->answer, one->answer, sizeof(out->answer));
}

size_t outbound_list(const struct outbound *outbound, const char *after, struct outbound_info *out,
		     size_t max)
{
	const struct outbound_one *one;
	size_t count = 0;

	DL_FOREACH (outbound->ones, one) {
		if (count == max)
			break;
		if (strcmp(one->row->name, after) > 0)
			describe(one, &out[count++]);
	}
	return count;
}
