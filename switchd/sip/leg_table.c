/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The legs of a thread: slots, tags that carry them, life and end. */
#include <stdlib.h>

#include "switchd/auth/blacklist.h"
#include "switchd/cdr/writer.h"
#include "switchd/fraud/fraud.h"
#include "switchd/loop/key_table.h"
#include "switchd/loop/slots.h"
#include "switchd/sip/leg_early.h"
#include "switchd/sip/leg_pass.h"
#include "switchd/sip/leg_parcel.h"
#include "switchd/sip/leg_refer.h"
#include "switchd/sip/leg_route.h"

struct leg_table {
	struct slots slots;
	struct pool pool;
	struct key_table merge; /* legs by merge_key */
	bool is_ending;         /* other threads' tables may be gone */
};

enum vos_err leg_table_create(struct sip_worker *worker, struct leg_table **out)
{
	(void)worker;
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VOS_ENOMEM;
	(*out)->slots.max = LEG_TABLE_MAX;
	return VOS_OK;
}

enum vos_err leg_call_table_create(struct sip_worker *worker, struct call_table **out)
{
	struct call_env env = {
		.wheel = &worker->wheel,
		.mailbox = &worker->mailbox,
		.now_us = &worker->now_us,
		.conf = &worker->conf,
		.location = worker->shared->location,
		.media = worker->shared->media,
		.alarms = worker->shared->alarms,
		.log = worker->shared->log,
		.trace = worker->trace,
		.records = cdr_writer_spool(worker->shared->cdr, worker->number),
		.cdr = worker->shared->cdr,
		.blacklist = worker->shared->auth ? auth_blacklist(worker->shared->auth) : NULL,
		.fraud = fraud_feed_of(worker->shared->fraud, worker->number),
		.worker_number = worker->number,
		.context = worker,
		.reason = leg_received_reason,
		.media_place = leg_media_place,
		.is_secure = leg_is_secure,
		.unpack = leg_unpack,
		.send_far = leg_send_far,
		.dial = leg_dial,
	};

	return call_table_create(&env, out);
}

struct pool *leg_pool(const struct sip_worker *worker)
{
	return &worker->legs->pool;
}

void leg_renew_tag(struct sip_leg *leg)
{
	struct buf text = buf_over(leg->local_tag, sizeof(leg->local_tag) - 1);
	uint8_t bytes[12] = {(uint8_t)(leg->slot >> 24), (uint8_t)(leg->slot >> 16),
			     (uint8_t)(leg->slot >> 8), (uint8_t)leg->slot};

	random_take(&leg->worker->random, bytes + 4, sizeof(bytes) - 4);
	buf_add_hex(&text, bytes, sizeof(bytes));
	leg->local_tag[text.len] = '\0';
}

struct sip_leg *leg_new(struct sip_worker *worker)
{
	struct leg_table *table = worker->legs;
	struct sip_leg *leg;

	leg = pool_take_zeroed(&table->pool, sizeof(*leg));
	if (!leg)
		return NULL;
	if (!slots_add(&table->slots, leg, &leg->slot)) {
		pool_give(&table->pool, leg, sizeof(*leg));
		return NULL;
	}
	leg->base.ops = &sip_leg_ops;
	leg->worker = worker;
	leg_renew_tag(leg);
	return leg;
}

/* Parts the leg from a request of the peer; one still open is answered, or it would stay for ever.
 */
static void leg_close_txn(struct sip_leg *leg, struct txn_server *txn)
{
	if (!txn)
		return;
	txn_server_set_user(txn, NULL, NULL);
	if (!txn_server_is_final(txn))
		txn_server_respond(leg->worker, txn, 487, NULL, span_of(leg->local_tag), SPAN_NONE,
				   SPAN_NONE, SPAN_NONE);
}

uint64_t leg_merge_key(const struct sip_worker *worker, const struct sip_msg *msg)
{
	uint64_t key = hash_lookup(&worker->hash_key, msg->call_id.ptr, msg->call_id.len) ^
		       hash_lookup(&worker->hash_key, msg->from_tag.ptr, msg->from_tag.len) *
			       0x9e3779b97f4a7c15u ^
		       (uint64_t)msg->cseq * 0xc2b2ae3d27d4eb4fu;

	/* The hashes are keyed and 64 bits wide: they stand for the three by themselves. */
	return key ? key : 1;
}

void leg_merge_enter(struct sip_leg *leg, uint64_t key)
{
	/* Without memory for it, what comes again counts as another call. */
	if (key_table_add(&leg->worker->legs->merge, key, leg))
		leg->merge_key = key;
}

bool leg_merge_is_known(const struct sip_worker *worker, uint64_t key)
{
	return key_table_find(&worker->legs->merge, key) != NULL;
}

static void leg_free(struct sip_leg *leg)
{
	struct leg_table *table = leg->worker->legs;
	struct leg_route *routes;

	if (leg->merge_key)
		key_table_remove(&table->merge, leg->merge_key, leg);
	routes = leg_guest_leave(leg);
	if (!table->is_ending)
		leg_routes_end(routes);
	wheel_stop(&leg->worker->wheel, &leg->timer);
	leg_session_stop(leg);
	leg_early_end(leg);
	leg_close_txn(leg, leg->invite_in);
	leg_close_txn(leg, leg->offer_in);
	if (leg->invite_out) {
		txn_client_stop_resend(leg->worker, leg->invite_out);
		txn_client_forget(leg->invite_out);
	}
	if (leg->request_out)
		txn_client_forget(leg->request_out);
	leg_pass_stop(leg);
	leg_refer_stop(leg);
	leg_trunk_end(leg);
	slots_remove(&table->slots, leg->slot);
	leg_texts_free(leg);
	free(leg->ack);
	free(leg->late_offer);
	pool_give(&table->pool, leg, sizeof(*leg));
}

static void free_fired(struct wheel_timer *timer, void *owner)
{
	(void)owner;
	leg_free((struct sip_leg *)((char *)timer - offsetof(struct sip_leg, timer)));
}

void leg_free_soon(struct sip_leg *leg)
{
	leg->state = LEG_ENDED;
	wheel_start(&leg->worker->wheel, &leg->timer, free_fired, leg->worker->now_us, 0);
}

void leg_table_destroy(struct sip_worker *worker)
{
	struct leg_table *table = worker->legs;

	if (!table)
		return;
	table->is_ending = true;
	for (uint32_t i = 0; i < table->slots.used; i++)
		if (table->slots.items[i])
			leg_free(table->slots.items[i]);
	slots_free(&table->slots);
	key_table_free(&table->merge);
	pool_end(&table->pool);
	free(table);
	worker->legs = NULL;
}

bool leg_table_is_quiet(const struct sip_worker *worker)
{
	return worker->legs->slots.count == 0;
}

size_t leg_table_count(const struct sip_worker *worker)
{
	return worker->legs->slots.count;
}

struct sip_leg *leg_find_dialog(struct sip_worker *worker, struct span call_id,
				struct span local_tag, struct span remote_tag)
{
	struct sip_leg *leg = slots_find(&worker->legs->slots, local_tag);

	/* The tag is ours and random, Call-ID and the peer's tag are checked with it (RFC 3261 12).
	 */
	if (!leg || leg->has_moved || !span_eq(local_tag, span_of(leg->local_tag)))
		leg = leg_guest_find(worker, local_tag);
	if (!leg || leg->has_moved || !span_eq(local_tag, span_of(leg->local_tag)) ||
	    !span_eq(call_id, span_of(leg->call_id)))
		return NULL;
	if (!span_eq(remote_tag, span_of(leg->remote_tag ? leg->remote_tag : "")) &&
	    !leg_early_find(leg, remote_tag))
		return NULL;
	return leg;
}

struct sip_leg *leg_find(struct sip_worker *worker, const struct sip_msg *msg)
{
	return leg_find_dialog(worker, msg->call_id, msg->to_tag, msg->from_tag);
}
