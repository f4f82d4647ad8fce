/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/refused.h"

#include <stddef.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/cdr/writer.h"
#include "switchd/sip/worker_private.h"

#define WAYS          8u
#define SETS          (REFUSED_MAX / WAYS)
#define SWEEP_US      1000000u
#define KEEP_US       32000000u /* for what is sent again */
#define BURST_SECONDS 60u

/* What its record says. */
struct attempt {
	struct addr source;
	int64_t start_ms;
	enum cause_id cause;
	int answered;
	char caller[64];
	char callee[64];
	char call_id[128];
};

struct place {
	uint64_t key; /* hash of the Call-ID; 0 = free */
	uint64_t due_us;
	bool is_done; /* it has been recorded, or left out */
};

struct refused {
	struct sip_worker *worker;
	struct wheel_timer timer; /* while a place is taken */
	size_t count;
	struct place places[REFUSED_MAX];
	struct attempt attempts[REFUSED_MAX];
};

struct refused *refused_create(struct sip_worker *worker)
{
	struct refused *refused = calloc(1, sizeof(*refused));

	if (refused)
		refused->worker = worker;
	return refused;
}

void refused_destroy(struct refused *refused)
{
	if (refused)
		wheel_stop(&refused->worker->wheel, &refused->timer);
	free(refused);
}

/* --- Records. --- */

static struct cdr_spool *spool_of(const struct sip_worker *worker)
{
	struct cdr_writer *cdr = worker->shared->cdr;
	struct cdr_spool *spool = cdr_writer_spool(cdr, worker->number);

	return spool && !cdr_writer_refuses(cdr) && !cdr_spool_is_full(spool) ? spool : NULL;
}

static bool may_record_stranger(struct sip_worker *worker)
{
	const struct snapshot *config = worker->conf->snapshot;
	const struct object *cdr = snapshot_object_find(config, OBJECT_CDR, SPAN_LIT(""));
	struct bucket_rule rule;

	if (!cdr)
		cdr = object_unset(OBJECT_CDR);
	rule.rate = (uint32_t)object_field(cdr, FIELD_CDR_ILLEGAL_RATE)->number;
	rule.burst = rule.rate * BURST_SECONDS;
	return bucket_take(&worker->shared->illegal_records, rule, worker->now_us);
}

static void write_record(struct sip_worker *worker, const struct attempt *attempt,
			 const char *party)
{
	const struct cause cause = cause_of(attempt->cause);
	struct cdr_spool *spool = spool_of(worker);
	struct cdr cdr = {
		.start_ms = attempt->start_ms,
		.stop_ms = attempt->start_ms,
		.caller_address = attempt->source,
		.cause = cause_number(cause),
		.q850 = cause_q850(cause),
		.side = CDR_BY_SWITCH,
		.told = attempt->answered,
		.billing_mode = party[0] ? 0 : -1,
		.caller_protocol = "sip",
	};

	if (!spool || (!party[0] && !may_record_stranger(worker))) {
		worker->counters.refused_left_out++;
		return;
	}
	worker->counters.refused_recorded++;
	cause_name(cause, cdr.cause_name, sizeof(cdr.cause_name));
	memcpy(cdr.caller_received, attempt->caller, sizeof(cdr.caller_received));
	memcpy(cdr.callee_received, attempt->callee, sizeof(cdr.callee_received));
	memcpy(cdr.caller, attempt->caller, sizeof(cdr.caller));
	memcpy(cdr.callee, attempt->callee, sizeof(cdr.callee));
	memcpy(cdr.caller_call_id, attempt->call_id, sizeof(cdr.caller_call_id));
	span_join(span_of(party), SPAN_NONE, cdr.caller_party, sizeof(cdr.caller_party));
	cdr_spool_put(spool, CDR_WHOLE, &cdr);
}

/* --- Places. --- */

/* The place with that key (0: a free one) in the set that the other key belongs to. */
static struct place *find_in(struct refused *refused, uint64_t of, uint64_t key)
{
	struct place *set = &refused->places[of % SETS * WAYS];

	for (size_t i = 0; i < WAYS; i++)
		if (set[i].key == key)
			return &set[i];
	return NULL;
}

static struct place *find(struct refused *refused, uint64_t key)
{
	return find_in(refused, key, key);
}

static uint64_t key_of(const struct sip_worker *worker, struct span call_id)
{
	uint64_t key = hash_bytes(&worker->hash_key, call_id.ptr, call_id.len);

	return key ? key : 1;
}

static void free_place(struct refused *refused, struct place *place)
{
	place->key = 0;
	refused->count--;
}

static void sweep(struct wheel_timer *timer, void *owner)
{
	struct refused *refused =
		(struct refused *)((char *)timer - offsetof(struct refused, timer));
	struct sip_worker *worker = refused->worker;

	(void)owner;
	for (size_t i = 0; i < REFUSED_MAX; i++) {
		struct place *place = &refused->places[i];

		if (!place->key || place->due_us > worker->now_us)
			continue;
		if (!place->is_done)
			write_record(worker, &refused->attempts[i], "");
		free_place(refused, place);
	}
	if (refused->count)
		wheel_start(&worker->wheel, timer, sweep, worker->now_us, SWEEP_US);
}

/* NULL: there is none, or the attempt is known (*known). */
static struct place *take_place(struct sip_worker *worker, const struct sip_rx *rx,
				struct place **known)
{
	struct refused *refused = worker->refused;
	uint64_t key = key_of(worker, rx->msg->call_id);
	struct place *place;

	*known = find(refused, key);
	if (*known)
		return NULL;
	place = find_in(refused, key, 0);
	if (!place)
		return NULL;
	*place = (struct place){.key = key};
	if (refused->count++ == 0)
		wheel_start(&worker->wheel, &refused->timer, sweep, worker->now_us, SWEEP_US);
	return place;
}

static void fill(struct attempt *attempt, const struct sip_rx *rx, const struct leg_caller *caller,
		 const char *callee)
{
	memset(attempt, 0, sizeof(*attempt));
	attempt->source = rx->source;
	attempt->start_ms = clock_wall_ms();
	span_join(span_of(caller->number), SPAN_NONE, attempt->caller, sizeof(attempt->caller));
	span_join(span_of(callee), SPAN_NONE, attempt->callee, sizeof(attempt->callee));
	span_join(rx->msg->call_id, SPAN_NONE, attempt->call_id, sizeof(attempt->call_id));
}

/* --- Attempts. --- */

static const struct {
	enum cause_id cause;
	bool may_repeat; /* with a password, or a better one */
} refusals[] = {
	[AUTH_MISSING] = {CAUSE_UNAUTHORIZED, true},
	[AUTH_STALE] = {CAUSE_AUTH_TIMEOUT, true},
	[AUTH_WRONG] = {CAUSE_WRONG_PASSWORD, true},
	[AUTH_MALFORMED] = {CAUSE_UNAUTHORIZED, false},
	[AUTH_FORBIDDEN] = {CAUSE_WRONG_PASSWORD, false},
	[AUTH_SUSPENDED] = {CAUSE_SUSPENDED, false},
};

void refused_stranger(struct sip_worker *worker, const struct sip_rx *rx,
		      const struct leg_caller *caller, const char *callee, enum auth_result result,
		      int answered)
{
	const struct snapshot *config = worker->conf->snapshot;
	struct attempt *attempt;
	struct place *known;
	struct place *place;

	if (!worker->shared->cdr || result == AUTH_OK ||
	    !snapshot_bool(config, PARAM_SERVER_BILLING_RECORD_ILLEGAL_CALL))
		return;
	place = take_place(worker, rx, &known);
	if (!place && !known) {
		worker->counters.refused_left_out++;
		return;
	}
	attempt = &worker->refused->attempts[(place ? place : known) - worker->refused->places];
	if (place)
		fill(attempt, rx, caller, callee);
	else if (known->is_done || result == AUTH_MISSING)
		return;
	else
		place = known;
	attempt->cause = refusals[result].cause;
	attempt->answered = answered;
	place->due_us =
		worker->now_us +
		(uint64_t)snapshot_number(config, PARAM_SS_SIP_AUTHENTICATION_TIMEOUT) * 1000000u;
	if (refusals[result].may_repeat)
		return;
	write_record(worker, attempt, "");
	place->is_done = true;
	place->due_us = worker->now_us + KEEP_US;
}

void refused_forget(struct sip_worker *worker, struct span call_id)
{
	struct refused *refused = worker->refused;
	struct place *place = refused->count ? find(refused, key_of(worker, call_id)) : NULL;

	if (place && !place->is_done)
		free_place(refused, place);
}

/* SERVER_BILLING_RECORD_* for calls that never connected. */
static bool is_wanted(const struct sip_worker *worker)
{
	const struct snapshot *config = worker->conf->snapshot;

	return worker->shared->cdr &&
	       snapshot_bool(config, PARAM_SERVER_BILLING_RECORD_ZERO_HOLD_TIME) &&
	       snapshot_bool(config, PARAM_SERVER_BILLING_RECORD_SERVER_HANG_UP);
}

void refused_party(struct sip_worker *worker, const struct sip_rx *rx,
		   const struct leg_caller *caller, const char *callee, enum cause_id cause)
{
	struct attempt attempt;
	struct place *known;
	struct place *place;

	if (!is_wanted(worker))
		return;
	place = take_place(worker, rx, &known);
	if (known)
		return;
	fill(&attempt, rx, caller, callee);
	attempt.cause = cause;
	attempt.answered = cause_status(cause_of(cause));
	write_record(worker, &attempt, caller->party);
	if (!place)
		return;
	place->is_done = true;
	place->due_us = worker->now_us + KEEP_US;
}
