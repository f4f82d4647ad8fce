/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way in: who calls may call now, with these numbers, and what the numbers become before they
 * are routed (behaviour B2, C15). And the way back: how the caller is told of ringing and refusal.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_lists.h"
#include "switchd/call/call_trace.h"
#include "switchd/fraud/fraud.h"

uint64_t call_chance(void *context, uint64_t n)
{
	(void)context;
	if (n <= UINT32_MAX)
		return arc4random_uniform((uint32_t)n);
	return ((uint64_t)arc4random() << 32 | arc4random()) % n;
}

static struct cause take_line(struct call *call, struct live *live, uint32_t capacity,
			      uint32_t rate_limit)
{
	switch (live_begin(live, capacity, rate_limit, *call->table->env.now_us)) {
	case LIVE_OK:
		call->caller_line = live;
		break;
	case LIVE_FULL:
		return cause_of(CAUSE_CALLER_BUSY);
	case LIVE_TOO_FAST:
		return cause_of(CAUSE_CALLER_RATE);
	}
	return cause_of(CAUSE_NORMAL);
}

static struct cause take_phone_line(struct call *call, const struct conf_phone *phone)
{
	switch (conf_phone_line_take(phone, CONF_WAY_OUT, *call->table->env.now_us,
				     &call->caller_line)) {
	case CONF_LINE_FULL:
		return cause_of(CAUSE_CALLER_BUSY);
	case CONF_LINE_WAY_FULL:
		return cause_of(CAUSE_CALLER_OUT_BUSY);
	case CONF_LINE_OK:
		break;
	}
	return cause_of(CAUSE_NORMAL);
}

static void rewrite(struct call *call, const struct call_setup *setup)
{
	const struct conf_mapping_gateway *mapping = setup->mapping;
	const struct conf_phone *phone = setup->phone;
	struct call_hunt *hunt = call->hunt;

	conf_plan_apply(mapping ? mapping->caller_plan
			: phone ? phone->caller_plan
				: NULL,
			setup->caller, call_chance, NULL, hunt->caller_number,
			sizeof(hunt->caller_number));
	conf_plan_apply(mapping ? mapping->callee_plan
			: phone ? phone->callee_plan
				: NULL,
			setup->callee, call_chance, NULL, hunt->callee_number,
			sizeof(hunt->callee_number));
	if (!mapping || !mapping->prefixing.count)
		return;
	hunt->prefix = conf_prefixing_pick(&mapping->prefixing, call_chance, NULL);
}

/* The rules look at the numbers as they were received, but for callee-restrict: a phone of ours is
 * known by the number that is routed. */
static struct cause check_numbers(const struct call_hunt *hunt, const struct call_setup *setup)
{
	static const enum cause_id callers[] = {[CONF_NUMBER_OK] = CAUSE_NORMAL,
						[CONF_NUMBER_PREFIX] = CAUSE_CALLER_NUMBER,
						[CONF_NUMBER_LENGTH] = CAUSE_CALLER_LENGTH,
						[CONF_NUMBER_GROUP] = CAUSE_CALLER_GROUP};
	static const enum cause_id callees[] = {[CONF_NUMBER_OK] = CAUSE_NORMAL,
						[CONF_NUMBER_PREFIX] = CAUSE_CALLEE_NUMBER,
						[CONF_NUMBER_LENGTH] = CAUSE_CALLEE_LENGTH,
						[CONF_NUMBER_GROUP] = CAUSE_CALLEE_GROUP};
	const struct conf_mapping_gateway *mapping = setup->mapping;
	enum cause_id why = callers[conf_number_check(&mapping->caller_rule, setup->caller)];

	if (why == CAUSE_NORMAL)
		why = callees[conf_number_check(&mapping->callee_rule, setup->callee)];
	if (why == CAUSE_NORMAL &&
	    !conf_callee_check(hunt->conf, mapping->callee_restrict, hunt->callee_number))
		why = CAUSE_CALLEE_RESTRICT;
	return cause_of(why);
}

struct cause call_ingress_told(struct call_hunt *hunt, struct cause cause)
{
	int status = cause_status(cause);

	for (size_t i = 0; hunt->mapping && i < hunt->mapping->replacement_count; i++) {
		const struct conf_replacement *row = &hunt->mapping->replacements[i];

		if (row->code && row->code != status)
			continue;
		if (!row->instead)
			break;
		hunt->is_told_other = true;
		hunt->cause = cause;
		return cause_received(row->instead);
	}
	return cause;
}

static void proceeding_fired(struct wheel_timer *timer, void *owner)
{
	struct call *call = (struct call *)((char *)timer - offsetof(struct call, limit));

	(void)owner;
	call_note(call, TRACE_TIMER, MEDIA_A, call->hunt->mapping->proceeding_s, 0, "set-up");
	call_end(call, NULL, call_ingress_told(call->hunt, cause_of(CAUSE_TIMEOUT_SETUP)));
}

/* is_new: not asked for by a transfer, whose party has a call already. */
static struct cause admit(struct call *call, const struct call_setup *setup, bool is_new)
{
	const struct conf_mapping_gateway *mapping = setup->mapping;
	const struct call_env *env = &call->table->env;
	struct cause cause;

	call->hunt->mapping = mapping;
	call->hunt->phone = setup->phone;
	call->hunt->shown = setup->phone;
	rewrite(call, setup);
	cause = call_lists_check(call, is_new);
	if (!mapping || cause.id != CAUSE_NORMAL)
		return cause;
	cause = check_numbers(call->hunt, setup);
	if (cause.id == CAUSE_NORMAL)
		cause = take_line(call, mapping->live, is_new ? mapping->capacity : 0,
				  mapping->rate_limit);
	if (cause.id == CAUSE_NORMAL &&
	    !call_lines_take(&call->caller_groups, &mapping->membership, *env->now_us))
		cause = cause_of(CAUSE_GROUP_FULL);
	if (cause.id == CAUSE_NORMAL && is_new &&
	    !call_lines_take_trunk(&call->caller_groups, setup->registration, *env->now_us))
		cause = cause_of(CAUSE_REGISTRATION_FULL);
	if (cause.id == CAUSE_NORMAL && mapping->proceeding_s)
		wheel_start(env->wheel, &call->limit, proceeding_fired, *env->now_us,
			    (uint64_t)mapping->proceeding_s * 1000000);
	return cause;
}

struct cause call_ingress(struct call *call, const struct call_setup *setup)
{
	const struct conf_phone *phone = setup->phone;
	struct cause cause = admit(call, setup, true);

	if (cause.id == CAUSE_NORMAL && !setup->mapping && phone)
		cause = take_phone_line(call, phone);
	if (cause.id == CAUSE_NORMAL)
		call->fraud_held =
			fraud_feed_begins(call->table->env.fraud, call->party,
					  call->hunt->caller_number, call->hunt->callee_number);
	return cause;
}

struct cause call_ingress_transfer(struct call *call, const struct call_setup *setup)
{
	return admit(call, setup, false);
}

int call_ingress_ringing(const struct call_hunt *hunt, int status, bool has_sdp)
{
	/* Without SDP there is nothing that could be announced as early media. */
	if (!has_sdp)
		return status;
	switch (hunt->caller.remote_ringing) {
	case WORD_REMOTE_RINGING_183:
		return 183;
	case WORD_REMOTE_RINGING_180:
		return 180;
	default:
		return status;
	}
}
