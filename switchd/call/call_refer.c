/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A peer's wish to have another party in its place: whether it may, and how that begins. The new
 * call is routed as one of the peer's own, with its rights, its rules and its rewriting of numbers;
 * a gateway's counts among its calls. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/call/call_far.h"
#include "switchd/call/call_trace.h"

/* As whom a party calls. */
struct rights {
	const struct conf_party *party;
	const struct conf_mapping_gateway *mapping; /* this, */
	const struct conf_phone *phone;             /* or this; neither: it cannot call */
	char number[64];
};

const char *call_party_of(const struct call *call, const struct leg *leg)
{
	if (leg->side == MEDIA_A)
		return call->party;
	return call->answered ? call->answered->party : "";
}

static bool is_kind(const char *party, const char *kind, struct span *name)
{
	size_t len = strlen(kind);

	if (strncmp(party, kind, len) != 0)
		return false;
	*name = span_of(party + len);
	return true;
}

static bool bars_out(enum conf_lock lock)
{
	return lock == CONF_LOCK_OUT || lock == CONF_LOCK_ALL;
}

/* A gateway that only takes calls may call if calls from its address are a mapping gateway's. */
static const struct conf_mapping_gateway *way_in(const struct conf *conf, const struct leg *leg)
{
	const struct conf_mapping_gateway *mapping =
		conf_mapping_gateway_find(conf, &leg->signalling);

	return mapping && !mapping->wants_password ? mapping : NULL;
}

/* False: the configuration knows the party no more. */
static bool find_rights(const struct conf *conf, const struct leg *leg, struct rights *out)
{
	const struct call *call = leg->call;
	const char *party = call_party_of(call, leg);
	struct span name;

	*out = (struct rights){0};
	snprintf(out->number, sizeof(out->number), "%s",
		 leg->side == MEDIA_A ? call->caller : call->callee);
	if (is_kind(party, "phone ", &name)) {
		const struct conf_phone *phone = conf_phone_find(conf, name);

		if (!phone)
			return false;
		out->party = &phone->party;
		out->phone = bars_out(phone->lock) ? NULL : phone;
		snprintf(out->number, sizeof(out->number), "%s", phone->number);
	} else if (is_kind(party, "mapping-gateway ", &name)) {
		out->mapping = conf_mapping_named(conf, name);
		out->party = out->mapping ? &out->mapping->party : NULL;
	} else if (is_kind(party, "routing-gateway ", &name)) {
		const struct conf_routing_gateway *routing = conf_routing_gateway_find(conf, name);

		out->party = routing ? &routing->party : NULL;
		out->mapping = way_in(conf, leg);
	}
	/* Of a mapping gateway `in` is the way in to us. */
	if (out->mapping &&
	    (out->mapping->lock == CONF_LOCK_IN || out->mapping->lock == CONF_LOCK_ALL ||
	     atomic_load_explicit(&out->mapping->live->admin, memory_order_relaxed) !=
		     LIVE_ENABLED))
		out->mapping = NULL;
	return out->party != NULL;
}

bool call_refer_has_remote_party_id(const struct conf *conf, const struct leg *leg)
{
	const char *party = call_party_of(leg->call, leg);
	const struct conf_routing_gateway *routing = NULL;
	const struct conf_phone *phone = NULL;
	struct span name;

	if (is_kind(party, "phone ", &name))
		phone = conf_phone_find(conf, name);
	else if (is_kind(party, "routing-gateway ", &name))
		routing = conf_routing_gateway_find(conf, name);
	return phone     ? phone->presentation.has_remote_party_id
	       : routing ? routing->presentation.has_remote_party_id
			 : false;
}

static const struct conf *conf_of(const struct call *call)
{
	return *call->table->env.conf;
}

bool call_is_whole(const struct call *call)
{
	return !call->hunt && !call->transfer && !call->ack_pending && call->legs[MEDIA_A] &&
	       call->legs[MEDIA_B];
}

int call_refer_check(struct leg *leg, const struct call_refer *refer)
{
	const struct call *call = leg->call;
	struct rights rights;

	if (!call)
		return 603;
	if (!find_rights(conf_of(call), leg, &rights) || !rights.party->may_transfer)
		return 603;
	if (!refer->has_replaced && !rights.mapping && !rights.phone)
		return 403;
	if (call->past && call->past->transfers >= CALL_TRANSFERS_MAX)
		return 403;
	return call_is_whole(call) ? 0 : 491;
}

/* --- What both kinds begin with. --- */

const char *call_number_of(const struct call *call, const struct leg *leg)
{
	return leg->side == MEDIA_A ? call->caller : call->callee;
}

/* The network by its name in the configuration, which lives as long as the new call's set-up. */
static const char *network_of(const struct conf *conf, const struct call *call,
			      enum media_side side)
{
	const char *name = call->networks ? call->networks : "";

	if (side == MEDIA_B && call->networks)
		name += strlen(name) + 1;
	for (size_t i = 0; i < conf->network_count; i++)
		if (strcmp(conf->networks[i].name, name) == 0)
			return conf->networks[i].name;
	return "";
}

struct decide_party call_refer_party(const struct conf *conf, const struct leg *leg)
{
	struct decide_party party = call_decided_party(leg->call, leg->side);
	const struct call_media *media = &leg->call->media;
	struct rights rights;

	/* One that the configuration knows no more goes on as it began. */
	party.dtmf = media->dtmf.parties[leg->side];
	party.srtp = media->rules[leg->side].srtp;
	party.scramble = media->rules[leg->side].scramble;
	if (find_rights(conf, leg, &rights))
		decide_party_from(rights.party, &party);
	party.is_nat = leg->is_nat;
	party.source = leg->signalling;
	if (!party.network || !party.network[0])
		party.network = network_of(conf, leg->call, leg->side);
	return party;
}

static struct call_transfer *begin(struct leg *referrer, const char *callee)
{
	struct call *old = referrer->call;
	struct leg *kept = call_other_leg(old, referrer);
	struct call_transfer *transfer = calloc(1, sizeof(*transfer));
	struct call_past *past = calloc(1, sizeof(*past));
	struct call *fresh = transfer && past ? call_new(old->table) : NULL;

	if (!fresh ||
	    !call_set_texts(fresh, call_number_of(old, kept), callee, call_party_of(old, kept))) {
		free(transfer);
		free(past);
		if (fresh)
			call_free(fresh);
		return NULL;
	}
	past->transfers = (old->past ? old->past->transfers : 0) + 1;
	past->from = old->id;
	snprintf(past->by, sizeof(past->by), "%s", call_party_of(old, referrer));
	fresh->past = past;
	fresh->privacy = kept->side == MEDIA_A ? old->privacy : 0;
	transfer->old = old;
	transfer->fresh = fresh;
	transfer->referrer = referrer;
	transfer->kept = kept;
	old->transfer = transfer;
	fresh->transfer = transfer;
	return transfer;
}

/* --- To a number. --- */

/* WORD_TRANSFER_DISPLAY_...: what the phone that transfers says, else the parameter; -1: nobody. */
static int shown_by(const struct conf *conf, int own, enum param_id param)
{
	const struct value *shown = snapshot_param(conf->snapshot, param);

	if (own >= 0)
		return own;
	return shown->type == VALUE_ENUM ? (int)shown->number : -1;
}

/* The phone of a caller, whose display-number stands in for it. */
static const struct conf_phone *phone_of(const struct conf *conf, const char *party)
{
	struct span name;

	return is_kind(party, "phone ", &name) ? conf_phone_find(conf, name) : NULL;
}

static struct cause fill(struct call *fresh, const struct leg *kept, const struct rights *rights,
			 const char *number)
{
	struct call_setup setup = {
		.caller = rights->number,
		.callee = number,
		.display = "",
		.mapping = rights->mapping,
		.phone = rights->phone,
		.decide = call_refer_party(fresh->hunt->conf, kept),
		.max_forwards = 70,
	};
	struct call_hunt *hunt = fresh->hunt;
	struct cause cause;

	setup.identity.privacy = fresh->privacy;
	cause = call_ingress_transfer(fresh, &setup);
	if (cause.id != CAUSE_NORMAL)
		return cause;
	if (shown_by(hunt->conf, rights->phone ? rights->phone->transfer_display : -1,
		     PARAM_SS_CALL_TRANSFER_NORMAL_DISPLAY) != WORD_TRANSFER_DISPLAY_LOCAL_NUMBER) {
		snprintf(hunt->caller_number, sizeof(hunt->caller_number), "%s", fresh->caller);
		hunt->shown = phone_of(hunt->conf, fresh->party);
	}
	return call_hunt_fill(fresh, &setup);
}

/* Whoever stays on would ring itself, by this number or a further one. */
static bool is_its_number(const struct call *call, const struct leg *kept, const char *number)
{
	const struct conf_phone *phone = phone_of(conf_of(call), call_party_of(call, kept));

	return strcmp(number, call_number_of(call, kept)) == 0 ||
	       (phone && phone == conf_phone_called(conf_of(call), span_of(number)));
}

static void to_number(struct leg *leg, const char *number)
{
	struct call_transfer *transfer;
	struct rights rights;
	struct call *fresh;
	struct cause cause;

	if (!find_rights(conf_of(leg->call), leg, &rights)) {
		leg->ops->referred(leg, 603);
		return;
	}
	transfer = begin(leg, number);
	if (!transfer) {
		leg->ops->referred(leg, 503);
		return;
	}
	fresh = transfer->fresh;
	fresh->legs[MEDIA_A] = transfer->kept;
	fresh->is_late_offer = true;
	fresh->streams[MEDIA_A] = leg->call->streams[transfer->kept->side];
	if (is_its_number(leg->call, transfer->kept, number))
		cause = cause_of(CAUSE_LOOP);
	else
		cause = fill(fresh, transfer->kept, &rights, number);
	if (cause.id != CAUSE_NORMAL || !call_dial_on(fresh, &cause))
		call_end(fresh, NULL, call_ingress_told(fresh->hunt, cause));
}

/* --- To the party of another call. --- */

/* A record of the target, as of one that was called. */
static bool note_target(struct call *fresh, struct call *consult, struct leg *target)
{
	struct call_attempt *attempt =
		call_attempt_joined(fresh, call_party_of(consult, target), &target->signalling);

	if (!attempt)
		return false;
	fresh->answered = attempt;
	return true;
}

/* As call_attempt_dial() does for one that is called. */
void call_refer_media(struct call_transfer *transfer, const struct decide_party *target)
{
	struct call *fresh = transfer->fresh;
	const struct conf *conf = fresh->hunt->conf;
	struct decide_party kept = call_refer_party(conf, transfer->kept);
	struct call_media *media = &fresh->media;

	media->decision = media_decide(conf->snapshot, &kept, target);
	media->dtmf = (struct call_dtmf){.parties = {kept.dtmf, target->dtmf}};
	call_cipher_rules(conf->snapshot, &kept, transfer->kept->is_secure, &media->rules[MEDIA_A]);
	call_cipher_rules(conf->snapshot, target, transfer->target->is_secure,
			  &media->rules[MEDIA_B]);
	media->codecs[MEDIA_A] = kept.codecs;
	media->codecs[MEDIA_B] = target->codecs;
	call_media_keep_decision(fresh, &kept, target);
}

void call_refer_up(struct call *fresh)
{
	const struct call_target limits = {.max_duration = {.max_s = CONF_DURATION_UNSET}};

	fresh->answer_us = *fresh->table->env.now_us;
	fresh->answer_ms = clock_wall_ms();
	call_limit_start(fresh, &limits);
	call_hunt_end(fresh);
}

/* What the target, which is in a call already, is told of its new peer. */
static void choose_shown(struct call_transfer *transfer, const struct rights *referrer)
{
	const struct call *fresh = transfer->fresh;
	const struct conf *conf = fresh->hunt->conf;
	const uint8_t hidden = CALL_PRIVACY_ID | CALL_PRIVACY_USER | CALL_PRIVACY_HEADER;
	const char *number = "";

	switch (shown_by(conf, referrer->phone ? referrer->phone->ask_display : -1,
			 PARAM_SS_CALL_TRANSFER_ASK_DISPLAY)) {
	case WORD_TRANSFER_DISPLAY_LOCAL_NUMBER:
		number = referrer->number;
		break;
	case WORD_TRANSFER_DISPLAY_ORIGINAL_CALLER:
		if (!(fresh->privacy & hidden))
			number = fresh->caller;
		break;
	default:
		break;
	}
	snprintf(transfer->shown, sizeof(transfer->shown), "%s", number);
}

/* The fresh call of an attended transfer; its limits are those of whoever asks for it. */
static struct call_transfer *begin_attended(struct leg *leg, const char *number)
{
	struct call_transfer *transfer = begin(leg, number);
	struct rights rights;

	if (!transfer) {
		leg->ops->referred(leg, 503);
		return NULL;
	}
	transfer->stage = TRANSFER_ASKING;
	transfer->is_attended = true;
	if (find_rights(transfer->fresh->hunt->conf, leg, &rights)) {
		transfer->fresh->hunt->mapping = rights.mapping;
		transfer->fresh->hunt->phone = rights.phone;
		choose_shown(transfer, &rights);
	}
	return transfer;
}

static void to_party(struct leg *leg, struct leg *replaced)
{
	struct call *consult = replaced->call;
	struct leg *target = call_other_leg(consult, replaced);
	struct call_transfer *transfer = begin_attended(leg, call_number_of(consult, target));
	struct decide_party decide;
	struct call *fresh;

	if (!transfer)
		return;
	fresh = transfer->fresh;
	transfer->consult = consult;
	transfer->target = target;
	consult->transfer = transfer;
	if (!note_target(fresh, consult, target)) {
		call_end(fresh, NULL, cause_of(CAUSE_NO_MEMORY));
		return;
	}
	decide = call_refer_party(fresh->hunt->conf, target);
	call_refer_media(transfer, &decide);
	call_refer_up(fresh);
	call_transfer_ask(transfer);
}

static void to_far_party(struct leg *leg, const struct call_refer *refer)
{
	struct call_transfer *transfer = begin_attended(leg, refer->number);

	if (transfer && !call_far_ask(transfer, call_party_of(leg->call, leg), refer))
		call_end(transfer->fresh, NULL, cause_of(CAUSE_NO_MEMORY));
}

/* Only a leg of the peer's own can be replaced, and only one of a call that is up. */
static bool is_own(const struct leg *leg, const struct leg *replaced)
{
	return replaced && replaced->call && replaced->call != leg->call &&
	       call_is_whole(replaced->call) &&
	       strcmp(call_party_of(leg->call, leg), call_party_of(replaced->call, replaced)) == 0;
}

void call_refer(struct leg *leg, const struct call_refer *refer)
{
	call_note(leg->call, TRACE_TRANSFER, (uint8_t)leg->side, leg->side, 0,
		  refer->has_replaced ? "the party of another call" : refer->number);
	if (!refer->has_replaced)
		to_number(leg, refer->number);
	else if (is_own(leg, refer->replaced))
		to_party(leg, refer->replaced);
	else if (refer->is_far)
		to_far_party(leg, refer);
	else
		leg->ops->referred(leg, 481);
}
