/* SPDX-License-Identifier: GPL-2.0-or-later */
/* When a call that is up has to end, whatever its peers do: the longest talk time, the ceiling for
 * a caller without session timer (behaviour C5), and media that has stopped. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_hunt.h"
#include "switchd/call/call_trace.h"

#define SECOND_US 1000000u
/* The silence is looked at so many times: a call ends by that part of it late at most. */
#define SILENCE_LOOKS 10u

/* Of a relayed call: when packets were last seen to have come. */
struct call_silence {
	struct wheel_timer timer;
	struct call *call;
	uint64_t packets;  /* of all streams, both sides */
	uint64_t since_us; /* the number is that */
	uint32_t limit_s;
	bool is_held;
};

static uint64_t now_us(const struct call *call)
{
	return *call->table->env.now_us;
}

static int64_t param(const struct call *call, enum param_id id)
{
	const struct value *value = snapshot_param((*call->table->env.conf)->snapshot, id);

	return value->type == VALUE_NONE ? 0 : value->number;
}

/* --- Talk time. --- */

/* What a party allows this call; 0 = no limit. One that says nothing has the parameter's. */
static uint32_t draw_s(const struct call *call, const struct conf_duration *party, bool *is_drawn)
{
	int64_t max_s = party->max_s == CONF_DURATION_UNSET
				? param(call, PARAM_SS_MAX_CALL_DURATION)
				: party->max_s;

	if (party->from_s == 0 || party->from_s >= max_s)
		return (uint32_t)max_s;
	*is_drawn = true;
	return (uint32_t)party->from_s +
	       (uint32_t)call_chance(NULL, (uint64_t)(max_s - party->from_s + 1));
}

/* The shorter of what the two parties allow. */
static uint32_t longest_s(const struct call *call, const struct conf_duration *caller,
			  const struct conf_duration *callee)
{
	bool is_caller_drawn = false;
	bool is_callee_drawn = false;
	uint32_t caller_s = draw_s(call, caller, &is_caller_drawn);
	uint32_t callee_s = draw_s(call, callee, &is_callee_drawn);
	bool is_callee = caller_s == 0 || (callee_s && callee_s < caller_s);
	uint32_t longest_s = is_callee ? callee_s : caller_s;

	if (is_callee ? is_callee_drawn : is_caller_drawn)
		call_note(call, TRACE_LIMIT, TRACE_NO_SIDE, longest_s, 0, "");
	return longest_s;
}

static void limit_fired(struct wheel_timer *timer, void *owner);

static uint64_t talk_s(const struct call *call)
{
	return (now_us(call) - call->answer_us) / SECOND_US;
}

/* Talk time at which the ceiling is looked at next. One that has passed without effect is looked at
 * again after as long: the caller's timer may have been given up since. */
static uint64_t next_ceiling_s(const struct call *call)
{
	return (talk_s(call) / call->ceiling_s + 1) * call->ceiling_s;
}

static void wake(struct call *call)
{
	uint64_t due_s = call->max_s ? call->max_s : UINT64_MAX;

	if (call->ceiling_s && next_ceiling_s(call) < due_s)
		due_s = next_ceiling_s(call);
	if (due_s == UINT64_MAX)
		wheel_stop(call->table->env.wheel, &call->limit);
	else
		wheel_start(call->table->env.wheel, &call->limit, limit_fired, call->answer_us,
			    due_s * SECOND_US);
}

static void limit_fired(struct wheel_timer *timer, void *owner)
{
	struct call *call = (struct call *)((char *)timer - offsetof(struct call, limit));

	(void)owner;
	if (call->max_s && talk_s(call) >= call->max_s) {
		call_note(call, TRACE_TIMER, TRACE_NO_SIDE, call->max_s, 0, "max-call-duration");
		call_end(call, NULL, cause_of(CAUSE_MAX_DURATION));
	} else if (!call->legs[MEDIA_A]->has_session_timer) {
		call_note(call, TRACE_TIMER, MEDIA_A, call->ceiling_s, 0,
			  "ceiling without session timer");
		call_end(call, NULL, cause_of(CAUSE_NO_TIMER_CEILING));
	} else {
		wake(call);
	}
}

/* --- Media. --- */

/* Held calls may be silent: a side sends only, or neither does. So may one that has gone over to
 * fax by T.38, which does not pass by the relay. */
static bool is_silent_by_right(const struct call *call)
{
	for (int side = 0; side < MEDIA_SIDES; side++) {
		const struct call_stream *stream = &call->streams[side];

		if (stream->direction == SDP_SENDONLY || stream->direction == SDP_INACTIVE ||
		    strcasecmp(stream->codec, "t38") == 0)
			return true;
	}
	return call_media_open_streams(&call->media) == 0;
}

static uint64_t packets_of(const struct call_media *media)
{
	struct media_counters counters;
	uint64_t packets = 0;

	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		for (int side = 0; media->sessions[i] && side < MEDIA_SIDES; side++) {
			media_read(media->sessions[i], (enum media_side)side, &counters);
			packets += counters.packets + counters.rtcp_packets;
		}
	}
	return packets;
}

static void silence_fired(struct wheel_timer *timer, void *owner);

static void look_again(struct call_silence *silence)
{
	const struct call_env *env = &silence->call->table->env;
	uint64_t wait_us = (uint64_t)silence->limit_s * SECOND_US / SILENCE_LOOKS;

	wheel_start(env->wheel, &silence->timer, silence_fired, *env->now_us, wait_us);
}

static void silence_fired(struct wheel_timer *timer, void *owner)
{
	struct call_silence *silence =
		(struct call_silence *)((char *)timer - offsetof(struct call_silence, timer));
	struct call *call = silence->call;
	uint64_t packets = packets_of(&call->media);

	(void)owner;
	silence->is_held = is_silent_by_right(call);
	if (packets != silence->packets || silence->is_held) {
		silence->packets = packets;
		silence->since_us = now_us(call);
	}
	if (now_us(call) - silence->since_us >= (uint64_t)silence->limit_s * SECOND_US) {
		call_note(call, TRACE_TIMER, TRACE_NO_SIDE, silence->limit_s, 0, "no media");
		call_end(call, NULL, cause_of(CAUSE_NO_MEDIA));
	} else {
		look_again(silence);
	}
}

static void watch_media(struct call *call)
{
	int64_t limit_s = param(call, PARAM_SS_NO_MEDIA_HANGUP_TIME);

	if (limit_s <= 0 || !call->media.decision.relay)
		return;
	/* Without memory for it the call is not watched, nothing else. */
	call->silence = calloc(1, sizeof(*call->silence));
	if (!call->silence)
		return;
	call->silence->call = call;
	call->silence->limit_s = (uint32_t)limit_s;
	call->silence->since_us = now_us(call);
	look_again(call->silence);
}

/* --- For the call. --- */

void call_limit_start(struct call *call, const struct call_target *callee)
{
	const struct call_hunt *hunt = call->hunt;
	const struct conf_duration unset = {.max_s = CONF_DURATION_UNSET};
	const struct conf_duration *caller = hunt->mapping ? &hunt->mapping->max_duration
					     : hunt->phone ? &hunt->phone->max_duration
							   : &unset;

	call->max_s = longest_s(call, caller, &callee->max_duration);
	call->ceiling_s = (uint32_t)param(call, PARAM_SS_SIP_NO_TIMER_REINVITE_INTERVAL);
	wake(call);
	watch_media(call);
	call_watch_start(call);
}

void call_limit_stop(struct call *call)
{
	wheel_stop(call->table->env.wheel, &call->limit);
	call_watch_stop(call);
	if (!call->silence)
		return;
	wheel_stop(call->table->env.wheel, &call->silence->timer);
	free(call->silence);
	call->silence = NULL;
}

static unsigned left_s(const struct call *call, uint64_t at_us)
{
	return at_us > now_us(call) ? (unsigned)((at_us - now_us(call)) / SECOND_US) : 0;
}

void call_limit_describe(const struct call *call, struct buf *out)
{
	const struct call_silence *silence = call->silence;
	const struct leg *caller = call->legs[MEDIA_A];

	if (call->max_s)
		buf_printf(out, "max-call-duration %u s, ends in %u s; ", call->max_s,
			   left_s(call, call->answer_us + (uint64_t)call->max_s * SECOND_US));
	if (call->ceiling_s && caller && !caller->has_session_timer)
		buf_printf(out, "caller without timer, ends in %u s; ",
			   left_s(call, call->answer_us + next_ceiling_s(call) * SECOND_US));
	if (silence && !silence->is_held)
		buf_printf(
			out, "no media ends it in %u s; ",
			left_s(call, silence->since_us + (uint64_t)silence->limit_s * SECOND_US));
}
