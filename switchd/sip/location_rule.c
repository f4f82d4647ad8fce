/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bindings give way to a REGISTER: those of the same device at another contact, and, when a
 * user is at more addresses than allowed, those of the others (behaviour C14).
 *
 * An address is the observed source without its port, which a NAT changes at will; an IPv6 one
 * counts by its /64, in which a phone changes its own. Behind a proxy that leaves a Path the source
 * is the proxy's, so there it is the host of the contact.
 *
 * A request of the same Call-ID or with the same instance comes from the same device, wherever that
 * is by now: its bindings at other addresses give way first, and it is never refused for them. Who
 * only removes makes nobody else give way. */
#include "switchd/sip/location_private.h"
#include "switchd/sip/msg.h"

#define PLACES_MAX LOCATION_CONTACTS_MAX

struct place {
	struct span host; /* empty: known by the source */
	struct addr source;
};

/* A place with bindings that are not the request's. */
struct other {
	struct place place;
	int64_t newest_ms;
	bool is_own; /* all of the same device */
	bool is_gone;
};

static struct place place_of(struct span contact, bool has_path, const struct addr *source)
{
	struct place place = {.source = *source};
	struct sip_uri uri;

	if (has_path && sip_uri_parse(contact, &uri))
		place.host = uri.host;
	return place;
}

static struct place place_of_slot(const struct slot *slot)
{
	return place_of(slot_contact(slot), slot->path_len > 0, &slot->source);
}

static bool source_equal(const struct addr *a, const struct addr *b)
{
	if (a->family == ADDR_IP6 && b->family == ADDR_IP6)
		return memcmp(a->ip, b->ip, 8) == 0;
	return addr_ip_eq(a, b);
}

static bool place_equal(const struct place *a, const struct place *b)
{
	if (a->host.len || b->host.len)
		return span_ieq(a->host, b->host);
	return source_equal(&a->source, &b->source);
}

static bool is_new(const struct location_update *update)
{
	return update->binding.expires_ms != 0;
}

static bool is_named(const struct user *user, const struct slot *slot,
		     const struct location_update *updates, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (slot_find(user, span_of(updates[i].binding.contact)) == slot)
			return true;
	return false;
}

static bool is_of_instance(const struct slot *slot, const struct binding *binding)
{
	return slot->instance_len && span_ieq(slot_instance(slot), span_of(binding->instance));
}

static bool is_of_device(const struct slot *slot, const struct location_update *updates,
			 size_t count, const struct binding *request)
{
	if (slot->call_id_hash == request->call_id_hash)
		return true;
	for (size_t i = 0; i < count; i++)
		if (is_of_instance(slot, &updates[i].binding))
			return true;
	return false;
}

static bool is_here(const struct place *place, const struct location_update *updates, size_t count,
		    const struct binding *request)
{
	struct place here = place_of(SPAN_NONE, false, &request->source);

	if (!request->path[0])
		return place_equal(place, &here);
	for (size_t i = 0; i < count; i++) {
		here = place_of(span_of(updates[i].binding.contact), true, &request->source);
		if (place_equal(place, &here))
			return true;
	}
	return count == 0; /* of Contact: * behind a proxy nothing is known */
}

bool location_plan_has(const struct location_plan *plan, const struct slot *slot)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->leaving[i] == slot)
			return true;
	return false;
}

static void leave(struct location_plan *plan, struct slot *slot)
{
	if (!location_plan_has(plan, slot))
		plan->leaving[plan->count++] = slot;
}

/* RFC 5626 section 6: one binding an instance and reg-id, whatever its contact is by now. */
static void leave_instances(const struct user *user, const struct location_update *updates,
			    size_t count, struct location_plan *plan)
{
	for (size_t i = 0; i < count; i++) {
		const struct binding *binding = &updates[i].binding;

		if (!binding->instance[0] || !is_new(&updates[i]))
			continue;
		for (struct slot *slot = user->slots; slot; slot = slot->next)
			if (is_of_instance(slot, binding) && slot->reg_id == binding->reg_id &&
			    !is_named(user, slot, updates, count))
				leave(plan, slot);
	}
}

static size_t note_other(struct other *others, size_t count, const struct slot *slot, bool is_own)
{
	struct place place = place_of_slot(slot);
	size_t i = 0;

	while (i < count && !place_equal(&others[i].place, &place))
		i++;
	if (i == count)
		others[count++] = (struct other){
			.place = place, .newest_ms = slot->registered_ms, .is_own = true};
	if (others[i].newest_ms < slot->registered_ms)
		others[i].newest_ms = slot->registered_ms;
	others[i].is_own = others[i].is_own && is_own;
	return count;
}

/* Who gives way next: the device's own place, then the one that has not registered for longest. */
static struct other *next_to_go(struct other *others, size_t count)
{
	struct other *best = NULL;

	for (size_t i = 0; i < count; i++) {
		struct other *other = &others[i];

		if (other->is_gone)
			continue;
		if (!best || (other->is_own && !best->is_own) ||
		    (other->is_own == best->is_own && other->newest_ms < best->newest_ms))
			best = other;
	}
	return best;
}

static void leave_place(const struct user *user, const struct other *other,
			const struct location_update *updates, size_t count,
			struct location_plan *plan)
{
	for (struct slot *slot = user->slots; slot; slot = slot->next) {
		struct place place = place_of_slot(slot);

		if (place_equal(&place, &other->place) && !is_named(user, slot, updates, count))
			leave(plan, slot);
	}
}

enum location_result location_make_plan(const struct user *user,
					const struct location_update *updates, size_t count,
					const struct binding *request,
					const struct location_rule *rule, struct location_plan *out)
{
	struct other others[PLACES_MAX];
	bool adds = false;
	size_t places = 0;

	out->count = 0;
	if (!user)
		return LOCATION_OK;
	leave_instances(user, updates, count, out);
	if (!rule || !rule->addresses)
		return LOCATION_OK;
	for (size_t i = 0; i < count; i++)
		adds = adds || is_new(&updates[i]);
	for (struct slot *slot = user->slots; slot; slot = slot->next) {
		struct place place = place_of_slot(slot);
		bool is_own = is_of_device(slot, updates, count, request);

		if (location_plan_has(out, slot) || is_here(&place, updates, count, request))
			continue;
		/* What the request names moves along with it, unless it is somebody else's. */
		if ((rule->replaces || is_own) && is_named(user, slot, updates, count))
			continue;
		places = note_other(others, places, slot, is_own);
	}
	for (size_t excess = places + 1; excess > rule->addresses; excess--) {
		struct other *other = next_to_go(others, places);

		if (!other)
			break;
		if (!rule->replaces && !other->is_own)
			return LOCATION_ELSEWHERE;
		other->is_gone = true;
		if (adds)
			leave_place(user, other, updates, count, out);
	}
	return LOCATION_OK;
}
