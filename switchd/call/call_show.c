/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls as show sees them: momentary copies. */
#include <stdio.h>
#include <utlist.h>

#include "switchd/call/call_hunt.h"

/* The attempt that stands for the callee: the one that answered; else of those under way the one
 * that the caller hears, or that has come farthest; else the last. */
static const struct call_attempt *foremost(const struct call *call)
{
	const struct call_attempt *best = NULL;
	const struct call_attempt *attempt;

	if (call->answered)
		return call->answered;
	if (call->hunt && call->hunt->told)
		return call->hunt->told;
	DL_FOREACH (call->attempts, attempt)
		if (!best || !call_attempt_is_running(best) ||
		    (call_attempt_is_running(attempt) && attempt->state > best->state))
			best = attempt;
	return best;
}

static const char *state_name(const struct call_attempt *attempt)
{
	static const char *const names[] = {
		[ATTEMPT_CALLING] = "setup",   [ATTEMPT_TRYING] = "trying",
		[ATTEMPT_RINGING] = "ringing", [ATTEMPT_ANSWERED] = "connected",
		[ATTEMPT_FAILED] = "setup",    [ATTEMPT_ENDED] = "setup",
	};

	return attempt ? names[attempt->state] : "setup";
}

/* After the legs: theirs are told too. */
static void describe_timers(const struct call *call, struct call_info *out)
{
	static const char *const names[MEDIA_SIDES] = {"caller", "callee"};
	uint64_t now_tick = *call->table->env.now_us / WHEEL_TICK_US;
	struct buf text = buf_over(out->timers, sizeof(out->timers) - 1);

	if (call->answer_us)
		call_limit_describe(call, &text);
	else if (wheel_is_running(&call->limit))
		buf_printf(&text, "proceeding-timeout in %llu s; ",
			   (unsigned long long)((call->limit.due_tick - now_tick) / 100));
	for (int side = 0; side < MEDIA_SIDES; side++)
		if (out->legs[side].timers[0])
			buf_printf(&text, "%s %s; ", names[side], out->legs[side].timers);
	out->timers[text.len > 2 ? text.len - 2 : 0] = '\0';
}

static void describe_stream(const struct call_stream *stream, struct call_leg_info *out)
{
	snprintf(out->codec, sizeof(out->codec), "%s", stream->codec);
	snprintf(out->direction, sizeof(out->direction), "%s",
		 sdp_direction_name(stream->direction));
	out->media = stream->address;
}

static void describe_leg(const struct leg *leg, struct call_leg_info *out)
{
	if (!leg)
		return;
	out->signalling = leg->signalling;
	out->is_nat = leg->is_nat;
	out->relay = leg->media;
	leg->ops->describe(leg, out);
}

static void describe_media(const struct call_media *media, struct call_info *out)
{
	out->is_relayed = media->decision.relay;
	out->is_paired = media->decision.is_paired;
	out->media_step = media->decision.step;
	for (int side = 0; media->sessions[0] && side < MEDIA_SIDES; side++) {
		out->legs[side].relay_port = media_port(media->sessions[0], (enum media_side)side);
		media_read(media->sessions[0], (enum media_side)side, &out->legs[side].counters);
		snprintf(out->legs[side].cipher, sizeof(out->legs[side].cipher), "%s",
			 call_cipher_text(media->ciphers[0], (enum media_side)side));
	}
}

static void describe_words(const struct call_media *media, struct call_info *out)
{
	for (int side = 0; side < MEDIA_SIDES; side++) {
		struct call_leg_info *leg = &out->legs[side];

		leg->has_words = true;
		leg->allowed = media->codecs[side];
		leg->dtmf = media->dtmf.parties[side];
		leg->event_type = media->dtmf.own[side];
	}
}

/* The callee, as far as one is known. */
static void describe_callee(const struct call *call, const struct call_attempt *attempt,
			    struct call_info *out)
{
	const struct call_candidate *candidate = attempt ? attempt->candidate : NULL;
	struct call_leg_info *leg = &out->legs[MEDIA_B];

	describe_stream(candidate ? &candidate->heard : &call->streams[MEDIA_B], leg);
	if (!attempt)
		return;
	snprintf(leg->party, sizeof(leg->party), "%s", attempt->party);
	describe_leg(attempt->leg ? attempt->leg : call->legs[MEDIA_B], leg);
	describe_media(candidate ? &candidate->media : &call->media, out);
	if (candidate || !call->hunt)
		describe_words(candidate ? &candidate->media : &call->media, out);
}

static void describe(const struct call *call, struct call_info *out)
{
	const struct call_attempt *attempt = foremost(call);
	uint64_t now_us = *call->table->env.now_us;

	memset(out, 0, sizeof(*out));
	out->id = call->id;
	snprintf(out->caller, sizeof(out->caller), "%s", call->caller);
	snprintf(out->callee, sizeof(out->callee), "%s", call->callee);
	snprintf(out->state, sizeof(out->state), "%s", state_name(attempt));
	out->start_ms = call->start_ms;
	out->answer_ms = call->answer_ms;
	out->age_s = (uint32_t)((now_us - call->start_us) / 1000000);
	if (call->answer_us)
		out->talk_s = (uint32_t)((now_us - call->answer_us) / 1000000);
	snprintf(out->legs[MEDIA_A].party, sizeof(out->legs[MEDIA_A].party), "%s", call->party);
	describe_stream(&call->streams[MEDIA_A], &out->legs[MEDIA_A]);
	describe_leg(call->legs[MEDIA_A], &out->legs[MEDIA_A]);
	describe_callee(call, attempt, out);
	describe_timers(call, out);
}

static void describe_attempt(const struct call_attempt *attempt, struct call_attempt_info *out)
{
	static const char *const states[] = {
		[ATTEMPT_CALLING] = "invite",  [ATTEMPT_TRYING] = "trying",
		[ATTEMPT_RINGING] = "ringing", [ATTEMPT_ANSWERED] = "answered",
		[ATTEMPT_FAILED] = "failed",   [ATTEMPT_ENDED] = "ended",
	};
	struct call_leg_info leg = {0};

	memset(out, 0, sizeof(*out));
	snprintf(out->party, sizeof(out->party), "%s", attempt->party);
	snprintf(out->state, sizeof(out->state), "%s", states[attempt->state]);
	if (attempt->leg) {
		attempt->leg->ops->describe(attempt->leg, &leg);
		snprintf(out->state, sizeof(out->state), "%s", leg.state);
		out->stage_s = leg.stage_s;
	}
	if (attempt->state == ATTEMPT_FAILED || attempt->state == ATTEMPT_ENDED)
		cause_name(attempt->outcome, out->outcome, sizeof(out->outcome));
	out->address = attempt->address;
	out->start_ms = attempt->start_ms;
	out->ring_ms = attempt->ring_ms ? (int64_t)attempt->ring_ms : -1;
	out->end_ms = attempt->end_ms ? (int64_t)attempt->end_ms : -1;
}

static void describe_attempts(const struct call *call, struct call_detail *out)
{
	const struct call_attempt *attempt;
	struct call_attempt_info *info = out->attempts;
	size_t skip;

	out->attempt_count = 0;
	DL_FOREACH (call->attempts, attempt)
		out->attempt_count++;
	skip = out->attempt_count > CALL_ATTEMPTS_SHOWN ? out->attempt_count - CALL_ATTEMPTS_SHOWN
							: 0;
	DL_FOREACH (call->attempts, attempt) {
		if (skip > 0)
			skip--;
		else
			describe_attempt(attempt, info++);
	}
}

static void describe_party(const struct decide_party *decide, const char *network,
			   const char *party, struct call_party_info *out)
{
	memset(out, 0, sizeof(*out));
	out->decide = *decide;
	snprintf(out->party, sizeof(out->party), "%s", party);
	snprintf(out->network, sizeof(out->network), "%s", network);
	out->decide.network = "";
}

struct decide_party call_decided_party(const struct call *call, enum media_side side)
{
	const struct call_decided *decided = &call->decided[side];

	return (struct decide_party){
		.mode = (enum conf_media_mode)decided->mode,
		.has_local_ring = decided->has_local_ring,
		.has_encryption = decided->has_encryption,
		.is_dynamic = decided->is_dynamic,
		.is_nat = decided->is_nat,
		.port_layout = decided->port_layout,
		.learning = decided->learning,
		.rtp_detection = decided->rtp_detection,
		.source = decided->source,
	};
}

/* What the decision went by: kept at the answer, until then the hunt's own. */
static void describe_decision(const struct call *call, struct call_detail *out)
{
	const struct call_attempt *attempt = foremost(call);
	const char *callee = attempt ? attempt->party : "";
	const char *network = call->networks ? call->networks : "";
	struct decide_party parties[MEDIA_SIDES] = {
		call_decided_party(call, MEDIA_A),
		call_decided_party(call, MEDIA_B),
	};

	if (call->hunt) {
		const struct call_candidate *candidate = attempt ? attempt->candidate : NULL;

		describe_party(&call->hunt->caller, call->hunt->caller.network, call->party,
			       &out->decided[MEDIA_A]);
		if (candidate)
			describe_party(&candidate->target.decide, candidate->target.decide.network,
				       callee, &out->decided[MEDIA_B]);
		return;
	}
	describe_party(&parties[MEDIA_A], network, call->party, &out->decided[MEDIA_A]);
	network = call->networks ? network + strlen(network) + 1 : "";
	describe_party(&parties[MEDIA_B], network, callee, &out->decided[MEDIA_B]);
}

static void describe_quality(const struct call *call, struct call_detail *out)
{
	const struct call_attempt *attempt = foremost(call);

	call_quality_read(call,
			  attempt && attempt->candidate ? &attempt->candidate->media : &call->media,
			  &out->quality);
}

size_t call_table_list(struct call_table *table, uint64_t after, struct call_info *out, size_t max)
{
	const struct call *call = call_after(table, after);
	size_t count = 0;

	for (; call && count < max; call = call->next)
		describe(call, &out[count++]);
	return count;
}

bool call_table_detail(struct call_table *table, uint64_t id, struct call_detail *out)
{
	const struct call *call = call_find(table, id);

	if (!call)
		return false;
	describe(call, &out->info);
	describe_attempts(call, out);
	describe_decision(call, out);
	describe_quality(call, out);
	return true;
}
