/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hunt: candidates for a callee (the contacts of a phone, or gateways by prefix), one attempt
 * after the other until one answers or the rules say stop (behaviour C7). */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/call/call_private.h"
#include "switchd/sip/location.h"

/* Makes room for the candidates once their number is known. */
static bool reserve_targets(struct call_hunt *hunt, size_t count)
{
	hunt->capacity = count < CALL_TARGETS_MAX ? count : CALL_TARGETS_MAX;
	hunt->targets = calloc(hunt->capacity ? hunt->capacity : 1, sizeof(*hunt->targets));
	return hunt->targets != NULL;
}

static struct call_target *add_target(struct call_hunt *hunt)
{
	return hunt->count < hunt->capacity ? &hunt->targets[hunt->count++] : NULL;
}

static void add_binding(struct call *call, const struct conf_phone *phone,
			const struct binding *binding)
{
	struct call_target *target = add_target(call->hunt);

	if (!target)
		return;
	snprintf(target->party, sizeof(target->party), "phone %s", phone->number);
	snprintf(target->request_uri, sizeof(target->request_uri), "%s", binding->contact);
	snprintf(target->number, sizeof(target->number), "%s", call->callee);
	target->address = binding->source;
	target->local = binding->local;
	target->is_nat = binding->is_nat;
	decide_party_from(&phone->party, &target->decide);
	target->decide.is_nat = binding->is_nat;
	target->decide.source = binding->source;
	if (!target->decide.network[0])
		target->decide.network =
			conf_network_of(call->hunt->conf, &binding->source, &binding->local);
}

static void add_address(struct call *call, const struct conf_party *party, const char *kind,
			const char *name, const struct addr *address)
{
	struct call_target *target = add_target(call->hunt);
	struct addr to = *address;

	if (!target)
		return;
	if (to.port == 0)
		to.port = 5060;
	snprintf(target->party, sizeof(target->party), "%s %s", kind, name);
	snprintf(target->number, sizeof(target->number), "%s", call->callee);
	target->address = to;
	decide_party_from(party, &target->decide);
	target->decide.source = to;
	if (!target->decide.network[0])
		target->decide.network = conf_network_of(call->hunt->conf, &to, NULL);
}

static struct cause fill_phone(struct call *call, const struct conf_phone *phone)
{
	struct binding bindings[LOCATION_CONTACTS_MAX];
	size_t count;

	if (phone->lock == CONF_LOCK_IN || phone->lock == CONF_LOCK_ALL)
		return cause_of(CAUSE_LOCKED);
	if (phone->is_static) {
		if (!reserve_targets(call->hunt, 1))
			return cause_of(CAUSE_NO_MEMORY);
		add_address(call, &phone->party, "phone", phone->number, &phone->static_address);
		return cause_of(CAUSE_NORMAL);
	}
	count = location_find(call->table->env.location, span_of(phone->number), clock_wall_ms(),
			      bindings, LOCATION_CONTACTS_MAX);
	if (!reserve_targets(call->hunt, count))
		return cause_of(CAUSE_NO_MEMORY);
	for (size_t i = 0; i < count; i++)
		add_binding(call, phone, &bindings[i]);
	return cause_of(count ? CAUSE_NORMAL : CAUSE_OFFLINE);
}

static struct cause fill_gateways(struct call *call)
{
	const struct conf_routing_gateway *gateways[CALL_TARGETS_MAX];
	size_t addresses = 0;
	size_t count;

	count = conf_route(call->hunt->conf, span_of(call->callee), gateways, CALL_TARGETS_MAX);
	for (size_t i = 0; i < count; i++)
		addresses += gateways[i]->address_count;
	if (!reserve_targets(call->hunt, addresses))
		return cause_of(CAUSE_NO_MEMORY);
	for (size_t i = 0; i < count; i++)
		for (size_t a = 0; a < gateways[i]->address_count; a++)
			add_address(call, &gateways[i]->party, "routing-gateway", gateways[i]->name,
				    &gateways[i]->addresses[a]);
	return cause_of(call->hunt->count ? CAUSE_NORMAL : CAUSE_NOT_FOUND);
}

struct cause call_hunt_fill(struct call *call, const struct call_setup *setup)
{
	const struct conf_phone *phone = conf_phone_find(call->hunt->conf, span_of(call->callee));
	struct call_hunt *hunt = call->hunt;

	snprintf(hunt->display, sizeof(hunt->display), "%s", setup->display);
	hunt->max_forwards = setup->max_forwards;
	hunt->caller = setup->decide;
	if (setup->sdp.len) {
		hunt->sdp = span_dup(setup->sdp);
		if (!hunt->sdp)
			return cause_of(CAUSE_NO_MEMORY);
		hunt->sdp_len = setup->sdp.len;
	}
	return phone ? fill_phone(call, phone) : fill_gateways(call);
}

/* Dials one candidate; VOS_OK, or why its leg could not start (hunt->last is set). */
static bool dial(struct call *call, const struct call_target *target)
{
	const struct call_env *env = &call->table->env;
	struct leg *caller = call->legs[MEDIA_A];
	struct call_hunt *hunt = call->hunt;
	char memory[SDP_BYTES_MAX + 1024];
	struct buf sdp = buf_over(memory, sizeof(memory));
	struct addr anchor = env->media_address(env->context, target, caller);
	struct call_dial dial = {
		.target = target,
		.caller = call->caller,
		.display = hunt->display,
		.max_forwards = hunt->max_forwards,
	};
	enum vos_err err;

	call->decision = media_decide(hunt->conf->snapshot, &hunt->caller, &target->decide);
	/* Ports are bound on the address that faces the callee. */
	if (!call->decision.relay || !addr_ip_eq(&hunt->anchor, &anchor))
		call_media_close(call);
	hunt->anchor = anchor;
	err = call_media_forward(call, caller, &anchor, (struct span){hunt->sdp, hunt->sdp_len},
				 &sdp);
	if (err != VOS_OK) {
		hunt->last = cause_of(err == VOS_EFULL    ? CAUSE_NO_RTP_PORT
				      : err == VOS_EINVAL ? CAUSE_BAD_SDP
							  : CAUSE_NO_MEMORY);
		return false;
	}
	snprintf(call->party[MEDIA_B], sizeof(call->party[MEDIA_B]), "%.39s", target->party);
	dial.sdp = buf_span(&sdp);
	call->legs[MEDIA_B] = env->dial(env->context, call, caller, &dial);
	if (!call->legs[MEDIA_B])
		hunt->last = cause_of(CAUSE_GATEWAY_UNREACHABLE);
	return call->legs[MEDIA_B] != NULL;
}

bool call_hunt_next(struct call *call)
{
	struct call_hunt *hunt = call->hunt;

	while (hunt->next < hunt->count) {
		struct call_target *target = &hunt->targets[hunt->next++];

		if (dial(call, target))
			return true;
		call_note_attempt(call, hunt->last);
	}
	return false;
}

/* Appends "phone 1002 -> 486" to the attempts; what does not fit is cut at a whole entry. */
void call_note_attempt(struct call *call, struct cause cause)
{
	char name[32];
	char entry[96];
	size_t used = call->attempts ? strlen(call->attempts) : 0;

	if (!call->attempts)
		call->attempts = calloc(1, CALL_ATTEMPTS_MAX);
	if (!call->attempts)
		return;
	cause_name(cause, name, sizeof(name));
	snprintf(entry, sizeof(entry), "%s%s -> %s", used ? ", " : "", call->party[MEDIA_B], name);
	if (used + strlen(entry) < CALL_ATTEMPTS_MAX)
		memcpy(call->attempts + used, entry, strlen(entry) + 1);
}

/* C7, as far as the gateways' own switches are not there yet: busy and 6xx end the hunt, and so
 * does ringing. */
bool call_hunt_may_go_on(const struct call *call, struct cause cause)
{
	if (cause.received == 486 || cause.received >= 600)
		return false;
	return !call->was_ringing;
}

void call_hunt_end(struct call *call)
{
	if (!call->hunt)
		return;
	conf_unref(call->hunt->conf);
	free(call->hunt->targets);
	free(call->hunt->sdp);
	free(call->hunt->early_sdp);
	free(call->hunt);
	call->hunt = NULL;
}
