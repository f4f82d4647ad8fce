/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An attempt: one callee that is called, alone or together with others, until it answers, refuses,
 * or is given up. What the caller hears of it is decided here. */
#include <stddef.h>
#include <utlist.h>

#include "switchd/call/call_capture.h"
#include "switchd/call/call_early.h"
#include "switchd/call/call_diversion.h"
#include "switchd/call/call_forward.h"
#include "switchd/call/call_ringback.h"
#include "switchd/call/call_trace.h"

static uint32_t since_start_ms(const struct call *call)
{
	uint64_t ms = (*call->table->env.now_us - call->start_us) / 1000;

	/* 0 stands for "never"; a set-up does not last 49 days. */
	return ms ? (uint32_t)ms : 1;
}

static size_t size_for(const char *party)
{
	return offsetof(struct call_attempt, party) + strlen(party) + 1;
}

static struct call_attempt *new_record(struct call *call, const char *party,
				       const struct addr *address)
{
	struct call_attempt *attempt = pool_take_zeroed(&call->table->pool, size_for(party));

	if (!attempt)
		return NULL;
	attempt->address = *address;
	attempt->start_ms = since_start_ms(call);
	memcpy(attempt->party, party, strlen(party) + 1);
	DL_APPEND(call->attempts, attempt);
	return attempt;
}

static struct call_attempt *attempt_new(struct call *call, struct call_candidate *candidate)
{
	struct call_attempt *attempt =
		new_record(call, candidate->target.party, &candidate->target.address);

	if (attempt)
		attempt->candidate = candidate;
	return attempt;
}

struct call_attempt *call_attempt_joined(struct call *call, const char *party,
					 const struct addr *address)
{
	struct call_attempt *attempt = new_record(call, party, address);

	if (!attempt)
		return NULL;
	attempt->state = ATTEMPT_ANSWERED;
	attempt->end_ms = attempt->start_ms;
	return attempt;
}

void call_attempt_free(struct call *call, struct call_attempt *attempt)
{
	pool_give(&call->table->pool, attempt, size_for(attempt->party));
}

/* The ports of the attempt before, if they are where this one needs them; so the caller's side of
 * a relayed call stays where it is (behaviour C7). */
static void take_spare(struct call_hunt *hunt, struct call_candidate *candidate)
{
	struct call_media *media = &candidate->media;

	if (!candidate->is_fork && media->decision.relay && call_media_open_streams(&hunt->spare) &&
	    hunt->spare.decision.is_paired == media->decision.is_paired &&
	    addr_ip_eq(&hunt->spare_anchor.local, &candidate->anchor.local)) {
		call_media_move(media, &hunt->spare);
		call_media_forget(media);
		candidate->path = hunt->spare_path;
		return;
	}
	call_media_close(&hunt->spare, 0);
	candidate->path = ++hunt->paths;
}

/* The caller's offer as the candidate is to see it. */
static struct cause write_offer(struct call *call, struct call_candidate *candidate,
				struct buf *out)
{
	struct call_hunt *hunt = call->hunt;
	const struct call_pass pass = {
		.media = &candidate->media,
		.from = call->legs[MEDIA_A],
		.anchor = &candidate->anchor,
		.heard = &call->streams[MEDIA_A],
		.peers = candidate->is_held ? hunt->held : NULL,
	};

	return call_media_cause(
		call_media_forward(call, &pass, (struct span){hunt->sdp, hunt->sdp_len}, out));
}

/* What is asked of the media with either side, which codecs they are allowed, and whether it may be
 * played a tone. */
static void set_rules(struct call *call, struct call_candidate *candidate)
{
	const struct call_env *env = &call->table->env;
	const struct snapshot *config = call->hunt->conf->snapshot;
	const struct leg *caller = call->legs[MEDIA_A];
	struct call_media *media = &candidate->media;

	call_cipher_rules(config, &call->hunt->caller, caller->is_secure, &media->rules[MEDIA_A]);
	call_cipher_rules(config, &candidate->target.decide,
			  env->is_secure &&
				  env->is_secure(env->context, &candidate->target, caller),
			  &media->rules[MEDIA_B]);
	media->codecs[MEDIA_A] = call->hunt->caller.codecs;
	media->codecs[MEDIA_B] = candidate->target.decide.codecs;
	media->wants_own_port = candidate->target.decide.has_local_ring;
}

bool call_attempt_dial(struct call *call, struct call_candidate *candidate)
{
	const struct call_env *env = &call->table->env;
	struct leg *caller = call->legs[MEDIA_A];
	struct call_hunt *hunt = call->hunt;
	struct call_attempt *attempt = attempt_new(call, candidate);
	char memory[SDP_BYTES_MAX + 1024];
	struct buf sdp = buf_over(memory, sizeof(memory));
	struct call_diversions diversions;
	struct call_dial dial = {
		.diversions = &diversions,
		.target = &candidate->target,
		.display = hunt->display,
		.dialled = call->callee,
		.identity = &hunt->identity,
		.max_forwards = hunt->max_forwards,
		.may_be_reliable = hunt->sdp_len > 0 || (caller->takes_early_offer &&
							 !candidate->is_fork && !call->transfer),
	};
	struct cause cause;

	if (!attempt) {
		hunt->answer = cause_of(CAUSE_NO_MEMORY);
		return false;
	}
	call_note(call, TRACE_CHOICE, MEDIA_B, 0, call_attempt_number(call, attempt),
		  attempt->party);
	candidate->media.decision =
		media_decide(hunt->conf->snapshot, &hunt->caller, &candidate->target.decide);
	candidate->media.dtmf =
		(struct call_dtmf){.parties = {hunt->caller.dtmf, candidate->target.decide.dtmf}};
	call_note(call, TRACE_MEDIA, MEDIA_B, candidate->media.decision.step, 0,
		  candidate->media.decision.relay ? "relayed" : "direct");
	call_capture_choose(call, attempt->party, candidate->media.decision.relay);
	set_rules(call, candidate);
	candidate->anchor = env->media_place(env->context, &candidate->target, caller);
	candidate->is_held = candidate->is_fork && candidate->media.decision.relay;
	take_spare(hunt, candidate);
	hunt->running++;
	cause = call_gateways_take_line(call, attempt);
	if (cause.id == CAUSE_NORMAL)
		cause = write_offer(call, candidate, &sdp);
	if (cause.id == CAUSE_NORMAL) {
		dial.sdp = buf_span(&sdp);
		call_forward_diversions(hunt, &diversions);
		call_diversion_sent(call, candidate->target.gateway, &diversions);
		attempt->leg = env->dial(env->context, call, caller, &dial);
		if (attempt->leg) {
			attempt->leg->attempt = attempt;
			hunt->gateways.was_called = true;
			call_ringback_arm(call, attempt);
			call_note_leg(call, attempt->leg, call_attempt_number(call, attempt),
				      attempt->party);
			return true;
		}
		cause = cause_of(CAUSE_GATEWAY_UNREACHABLE);
	}
	call_attempt_over(call, attempt, ATTEMPT_FAILED, cause);
	return false;
}

/* A callee whose 18x had SDP may leave it out of its 200 (wrongly: RFC 3261 13.2.1). */
static void keep_early_sdp(struct call *call, struct call_candidate *candidate, struct span sdp)
{
	char *copy = sdp.len ? pool_take(&call->table->setups_pool, sdp.len) : NULL;

	if (!copy)
		return;
	call_early_sdp_drop(call, candidate);
	memcpy(copy, sdp.ptr, sdp.len);
	candidate->early_sdp = copy;
	candidate->early_sdp_len = sdp.len;
}

void call_early_sdp_drop(struct call *call, struct call_candidate *candidate)
{
	pool_give(&call->table->setups_pool, candidate->early_sdp, candidate->early_sdp_len);
	candidate->early_sdp = NULL;
	candidate->early_sdp_len = 0;
}

struct cause call_attempt_forward(struct call *call, struct call_attempt *attempt, struct span sdp,
				  struct buf *out)
{
	struct call_candidate *candidate = attempt->candidate;
	const struct call_pass pass = {
		.media = &candidate->media,
		.from = attempt->leg,
		.anchor = &call->legs[MEDIA_A]->media,
		.heard = &candidate->heard,
		.is_answer = !call->is_late_offer,
	};
	enum vos_err err = call_media_forward(call, &pass, sdp, out);

	if (err != VOS_OK)
		return call_media_cause(err);
	keep_early_sdp(call, candidate, buf_span(out));
	return cause_of(CAUSE_NORMAL);
}

void call_attempt_open(struct call *call, struct call_attempt *attempt, struct span sdp)
{
	struct leg *caller = call->legs[MEDIA_A];
	struct call_candidate *candidate = attempt->candidate;
	struct call_hunt *hunt = call->hunt;
	/* A callee behind a forking proxy answers from the same ports of ours when it is relayed.
	 */
	bool is_other =
		hunt->told_path != candidate->path ||
		(attempt->leg->is_other_callee && !candidate->media.decision.relay) ||
		(hunt->agreed && (hunt->agreed != attempt || attempt->leg->is_other_callee));

	if (candidate->is_held && hunt->held)
		call_media_set_peers(&candidate->media, MEDIA_A, hunt->held);
	candidate->is_held = false;
	if (!sdp.len)
		return;
	if (call_ringback_differs(call, attempt)) {
		call_ringback_stop(call, candidate);
		is_other = true;
	}
	if (hunt->told_path && is_other)
		caller->ops->new_dialog(caller);
	hunt->told_path = candidate->path;
}

void call_attempt_rings(struct call *call, struct call_attempt *attempt)
{
	attempt->state = ATTEMPT_RINGING;
	if (attempt->ring_ms == 0)
		attempt->ring_ms = since_start_ms(call);
	call->hunt->was_ringing = true;
}

/* Of several callees the caller hears the first; another one when it rings first, or is the first
 * with media, or when the first is gone. */
static bool is_news(const struct call_hunt *hunt, const struct call_attempt *attempt, int status,
		    bool has_sdp)
{
	if (!hunt->told || hunt->told == attempt)
		return true;
	if (hunt->told_path && hunt->told_path == hunt->told->candidate->path)
		return false;
	return has_sdp || !hunt->told_progress || (status == 180 && !hunt->told_ringing);
}

void call_attempt_tell(struct call *call, struct call_attempt *attempt, int status, struct span sdp)
{
	struct leg *caller = call->legs[MEDIA_A];
	struct call_hunt *hunt = call->hunt;

	if (!is_news(hunt, attempt, status, sdp.len > 0))
		return;
	if (sdp.len == 0 && call_ringback_covers(call, attempt))
		return;
	if (sdp.len)
		call_attempt_open(call, attempt, sdp);
	/* What the caller has asked the one before is left without an answer. */
	if (hunt->told && hunt->told != attempt)
		caller->ops->inside_result(caller, 0, 480);
	hunt->told = attempt;
	hunt->told_progress = true;
	if (status == 180)
		hunt->told_ringing = true;
	caller->wants_answer = sdp.len && attempt->leg->wants_answer;
	caller->ops->provisional(caller, call_ingress_ringing(hunt, status, sdp.len > 0), sdp);
}

/* Ports serve the next attempt as well, unless this callee may send there while the caller knows
 * nothing of them. Where the caller has been told of them the relay is made to forget the callee.
 */
static void leave_media(struct call_hunt *hunt, struct call_candidate *candidate)
{
	static const struct media_peer nobody = {.is_other = true};
	bool is_told = hunt->told_path == candidate->path;
	struct call_media *media = &candidate->media;

	if (candidate->early_sdp && !is_told) {
		call_media_close(media, 0);
		return;
	}
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++)
		if (media->sessions[i] && candidate->early_sdp)
			media_set_peer(media->sessions[i], MEDIA_B, &nobody);
	call_media_close(&hunt->spare, 0);
	hunt->spare = *media;
	hunt->spare_anchor = candidate->anchor;
	hunt->spare_path = candidate->path;
	memset(media->sessions, 0, sizeof(media->sessions));
	memset(media->ciphers, 0, sizeof(media->ciphers));
}

static bool has_sent_media(const struct call_media *media)
{
	struct media_counters counters;

	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		if (!media->sessions[i])
			continue;
		media_read(media->sessions[i], MEDIA_B, &counters);
		if (counters.packets)
			return true;
	}
	return false;
}

/* A gateway that had no line or number for the call, and was not called: what another one said
 * before is the last word. */
static bool is_passed_over(struct cause cause)
{
	return !cause.received &&
	       (cause.id == CAUSE_GATEWAY_FULL || cause.id == CAUSE_GATEWAY_RATE ||
		cause.id == CAUSE_GROUP_FULL || cause.id == CAUSE_REGISTRATION_FULL ||
		cause.id == CAUSE_POOL_EMPTY);
}

static void note_failure(struct call_hunt *hunt, const struct call_attempt *attempt,
			 struct cause cause)
{
	hunt->gateways.failed = (struct switch_input){
		.heard_18x = attempt->ring_ms > 0,
		.heard_sdp = attempt->candidate->early_sdp != NULL,
		.heard_rtp = has_sent_media(&attempt->candidate->media),
	};
	/* RFC 3261 16.7 step 6 for the contacts of one phone; of gateways the last one counts. */
	if (hunt->has_answer && is_passed_over(cause))
		return;
	if (!hunt->is_one_party || !hunt->has_answer || cause_is_better(cause, hunt->answer))
		hunt->answer = cause;
	hunt->has_answer = true;
}

void call_attempt_over(struct call *call, struct call_attempt *attempt,
		       enum call_attempt_state state, struct cause cause)
{
	struct call_candidate *candidate = attempt->candidate;
	struct call_hunt *hunt = call->hunt;

	call_early_over(call, attempt, state);
	if (attempt->leg) {
		attempt->leg->attempt = NULL;
		if (state != ATTEMPT_ANSWERED)
			attempt->leg->call = NULL;
	}
	attempt->leg = NULL;
	attempt->state = state;
	attempt->outcome = cause;
	attempt->end_ms = since_start_ms(call);
	if (state != ATTEMPT_ANSWERED)
		call_note(call, TRACE_ATTEMPT_OVER, MEDIA_B, cause_number(cause),
			  call_attempt_number(call, attempt), attempt->party);
	hunt->running--;
	call_gateways_give_line(call, attempt, state == ATTEMPT_ANSWERED);
	if (state == ATTEMPT_ANSWERED)
		return;
	if (state == ATTEMPT_FAILED)
		note_failure(hunt, attempt, cause);
	if (hunt->told == attempt)
		hunt->told = NULL;
	leave_media(hunt, candidate);
	call_early_sdp_drop(call, candidate);
	call_hunt_left(call, candidate);
	attempt->candidate = NULL; /* a gateway's serves the next one */
}

void call_attempts_end(struct call *call, struct cause cause)
{
	struct call_attempt *attempt;

	DL_FOREACH (call->attempts, attempt) {
		struct leg *leg = attempt->leg;

		if (!leg)
			continue;
		call_attempt_over(call, attempt, ATTEMPT_ENDED, cause);
		leg->ops->release(leg, cause);
	}
}
