/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_record.h"

#include <utlist.h>

#include "switchd/call/call_forward.h"
#include "switchd/call/call_transfer.h"
#include "switchd/cdr/writer.h"

#define REASON_BYTES 1024

struct cause call_record_room(const struct call_table *table)
{
	const struct call_env *env = &table->env;

	if (env->records && (cdr_writer_refuses(env->cdr) || cdr_spool_is_full(env->records)))
		return cause_of(CAUSE_CDR_FULL);
	return cause_of(CAUSE_NORMAL);
}

static void copy_text(char *out, size_t size, const char *text)
{
	span_join(span_of(text), SPAN_NONE, out, size);
}

#define COPY(cdr, member, text) copy_text((cdr)->member, sizeof((cdr)->member), text)

/* "routing-gateway a:503, routing-gateway b:answered"; as many as fit. */
static void fill_tried(const struct call *call, struct cdr *cdr)
{
	struct buf text = buf_over(cdr->tried, sizeof(cdr->tried) - 1);
	const struct call_attempt *attempt;

	DL_FOREACH (call->attempts, attempt) {
		char outcome[32];
		size_t before = text.len;

		cdr->attempts++;
		cause_name(attempt->outcome, outcome, sizeof(outcome));
		buf_add_str(&text, before ? ", " : "");
		buf_add_str(&text, attempt->party);
		buf_add_char(&text, ':');
		buf_add_str(&text, attempt->state == ATTEMPT_ANSWERED ? "answered" : outcome);
		if (text.failed) {
			text.len = before;
			text.failed = false;
		}
	}
	cdr->tried[text.len] = '\0';
}

static const struct call_attempt *last_attempt(const struct call *call)
{
	return call->attempts ? call->attempts->prev : NULL;
}

static void fill_caller(const struct call *call, struct cdr *cdr)
{
	const struct call_stream *stream = &call->streams[MEDIA_A];
	const struct leg *leg = call->legs[MEDIA_A];

	COPY(cdr, caller_received, call->caller);
	COPY(cdr, callee_received, call->callee);
	COPY(cdr, caller_party, call->party);
	COPY(cdr, caller_codec, stream->codec);
	cdr->caller_media = stream->address;
	if (!leg)
		return;
	cdr->caller_address = leg->signalling;
	span_copy(leg->ops->call_id(leg), cdr->caller_call_id, sizeof(cdr->caller_call_id));
	COPY(cdr, caller_protocol, "sip");
}

static void fill_callee(const struct call *call, const struct call_attempt *attempt,
			struct cdr *cdr)
{
	const struct call_stream *stream = &call->streams[MEDIA_B];
	const struct leg *leg = attempt->leg ? attempt->leg : call->legs[MEDIA_B];

	COPY(cdr, callee_party, attempt->party);
	COPY(cdr, callee_protocol, "sip");
	COPY(cdr, callee_codec, stream->codec);
	cdr->callee_media = stream->address;
	cdr->callee_address = attempt->address;
	cdr->ring_ms = attempt->ring_ms;
	if (leg)
		span_copy(leg->ops->call_id(leg), cdr->callee_call_id, sizeof(cdr->callee_call_id));
}

/* Numbers as they are routed, and as they are sent; only the set-up knows them. */
static void fill_numbers(const struct call_hunt *hunt, const struct call_target *target,
			 struct cdr *cdr)
{
	COPY(cdr, caller, hunt->caller_number);
	COPY(cdr, callee, hunt->forwarded[0] ? hunt->forwarded : hunt->callee_number);
	if (!target)
		return;
	COPY(cdr, caller_sent, target->caller);
	COPY(cdr, callee_sent, target->number);
}

/* How the call came to where it went, if not by what the caller dialled. */
static void fill_link(const struct call *call, struct cdr *cdr)
{
	const struct call_hunt *hunt = call->hunt;
	const struct call_forward *forward;

	if (call->past) {
		cdr->linked_from = (int64_t)call->past->from;
		COPY(cdr, diverted_by, call->past->by);
	}
	if (!hunt || hunt->depth == 0)
		return;
	forward = &hunt->forwards[hunt->depth - 1];
	/* `from` may be a did of the phone. */
	span_join(forward->via ? SPAN_LIT("routing-gateway ") : SPAN_LIT("phone "),
		  span_of(forward->via     ? forward->via->name
			  : forward->phone ? forward->phone->number
					   : forward->from),
		  cdr->diverted_by, sizeof(cdr->diverted_by));
}

static void fill_begin(const struct call *call, struct cdr *cdr)
{
	const struct call_attempt *attempt = call->answered ? call->answered : last_attempt(call);
	const struct call_hunt *hunt = call->hunt;
	const struct call_target *target = NULL;

	cdr->key = (int64_t)call->id;
	cdr->start_ms = call->start_ms;
	fill_caller(call, cdr);
	fill_link(call, cdr);
	if (attempt) {
		fill_callee(call, attempt, cdr);
		fill_tried(call, cdr);
	}
	if (!hunt) {
		/* Of an attended transfer: it was not routed. */
		COPY(cdr, caller, call->caller);
		COPY(cdr, callee, call->callee);
		return;
	}
	if (attempt && attempt->candidate)
		target = &attempt->candidate->target;
	else if (attempt && hunt->count)
		target = &hunt->candidates[0].target;
	fill_numbers(hunt, target, cdr);
}

static void fill_media(const struct call *call, struct cdr *cdr)
{
	struct call_quality quality;
	const struct media_quality *caller = &quality.sides[MEDIA_A];
	const struct media_quality *callee = &quality.sides[MEDIA_B];

	call_quality_read(call, &call->media, &quality);
	if (!quality.is_relayed)
		return;
	cdr->caller_packets = (int64_t)caller->stream.packets;
	cdr->callee_packets = (int64_t)callee->stream.packets;
	cdr->caller_lost = (int64_t)caller->stream.lost;
	cdr->callee_lost = (int64_t)callee->stream.lost;
	cdr->caller_jitter_us = caller->stream.jitter_us;
	cdr->callee_jitter_us = callee->stream.jitter_us;
	cdr->caller_mos = caller->mos.centi;
	cdr->callee_mos = callee->mos.centi;
}

void call_record_answered(struct call *call)
{
	const struct call_env *env = &call->table->env;
	struct cdr cdr = {0};

	if (!env->records)
		return;
	fill_begin(call, &cdr);
	cdr.answer_us = call->answer_us;
	/* By the monotonic clock, as with the end: a step of the wall clock bends neither. */
	cdr.answer_ms = call->start_ms + (int64_t)(call->answer_us - call->start_us) / 1000;
	cdr.is_relayed = call->media.decision.relay;
	COPY(&cdr, media_step, decide_step_name(call->media.decision.step));
	cdr_spool_put(env->records, CDR_BEGIN, &cdr);
	call->is_recorded = true;
}

/* SERVER_BILLING_RECORD_*: calls that never connected may be left out. */
static bool is_wanted(const struct call *call, struct cause cause)
{
	const struct snapshot *config = (*call->table->env.conf)->snapshot;

	if (call->is_recorded)
		return true;
	if (!snapshot_bool(config, PARAM_SERVER_BILLING_RECORD_ZERO_HOLD_TIME))
		return false;
	return cause_number(cause) >= 0 ||
	       snapshot_bool(config, PARAM_SERVER_BILLING_RECORD_SERVER_HANG_UP);
}

/* Who refuses a call is who hangs up. */
static enum cdr_side side_of(const struct call *call, const struct leg *by, struct cause cause)
{
	if (by)
		return by->side == MEDIA_A ? CDR_BY_CALLER : CDR_BY_CALLEE;
	return !call->is_recorded && cause.received ? CDR_BY_CALLEE : CDR_BY_SWITCH;
}

/* Of the message by which a party ends the call. */
static void fill_reason(const struct call *call, struct cdr *cdr)
{
	const struct call_env *env = &call->table->env;
	char memory[REASON_BYTES];
	struct buf text = buf_over(memory, sizeof(memory));

	if (env->reason)
		env->reason(env->context, &text);
	span_join(buf_span(&text), SPAN_NONE, cdr->reason, sizeof(cdr->reason));
	for (char *at = cdr->reason; *at; at++)
		if (*at < ' ' || *at > '~')
			*at = '?';
}

static void fill_replaced(const struct call *call, struct cdr *cdr)
{
	for (int side = 0; side < MEDIA_SIDES; side++) {
		const struct leg *leg = call->legs[side];

		if ((call->replaced >> side & 1) && leg)
			span_copy(leg->ops->call_id(leg), cdr->replaced_by,
				  sizeof(cdr->replaced_by));
	}
}

static void fill_close(const struct call *call, const struct leg *by, struct cause cause,
		       struct cdr *cdr)
{
	uint64_t now_us = *call->table->env.now_us;

	cdr->stop_ms = call->start_ms + (int64_t)(now_us - call->start_us) / 1000;
	if (call->is_recorded)
		cdr->talk_ms = (int64_t)(now_us - call->answer_us) / 1000;
	cdr->cause = cause_number(cause);
	cause_name(cause, cdr->cause_name, sizeof(cdr->cause_name));
	cdr->q850 = cause_q850(cause);
	cdr->side = side_of(call, by, cause);
	cdr->linked_to = (int64_t)call->went_to;
	if (by || cause.received)
		fill_reason(call, cdr);
	fill_replaced(call, cdr);
	fill_media(call, cdr);
}

void call_record_ended(const struct call *call, const struct leg *but, struct cause told)
{
	const struct call_env *env = &call->table->env;
	const struct call_hunt *hunt = call->hunt;
	struct cause cause = hunt && hunt->is_told_other ? hunt->cause : told;
	bool is_sent_on = but && told.received; /* the caller, by a 3xx */
	struct cdr cdr = {.key = (int64_t)call->id};

	if (!env->records || !is_wanted(call, cause))
		return;
	if (!call->is_recorded) {
		fill_begin(call, &cdr);
		cdr.told = is_sent_on ? told.received : cause_status(told);
	}
	fill_close(call, is_sent_on ? NULL : but, cause, &cdr);
	cdr_spool_put(env->records, call->is_recorded ? CDR_CLOSE : CDR_WHOLE, &cdr);
}
