/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/options_check.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/catalog/catalog.h"
#include "switchd/alarm/alarm.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/location.h"
#include "switchd/sip/ping.h"

#define OWN_PINGS      (UINT64_C(1) << 63) /* in our ids: apart from those that vosctl asked for */
#define MAX_TIMEOUT_MS 32000               /* as long as any transaction without an answer */
#define US_PER_S       UINT64_C(1000000)

_Static_assert(LIVE_ADDRESSES_MAX == CONF_GATEWAY_ADDRESSES_MAX, "one bit for each address");

struct checked;

struct check {
	struct checked *gateway;
	struct wheel_timer timer; /* until the next OPTIONS */
	uint64_t ping_id;
	bool is_asked; /* it has not been answered yet */
};

struct checked {
	UT_hash_handle hh;
	struct options_check *owner;
	struct live *live; /* by which it is found; lives longer than any conf */
	enum conf_reach reach;
	struct wheel_timer timer; /* of one that moves: until it is looked for again */
	enum conf_transport transport;
	struct addr local_address; /* of one that does not move; as in conf_routing_gateway */
	struct addr addresses[LIVE_ADDRESSES_MAX];
	uint8_t count;  /* places; of one that moves all of them, with gaps */
	bool is_wanted; /* while a conf is taken over */
	struct check checks[LIVE_ADDRESSES_MAX];
};

struct options_check {
	struct sip_worker *worker;
	struct checked *gateways;
	uint64_t period_s;
	uint64_t last_id;
};

/* --- What an answer means. --- */

/* Places in use, as bits. */
static uint32_t places_of(const struct checked *gateway)
{
	uint32_t places = 0;

	for (uint8_t i = 0; i < gateway->count && i < LIVE_ADDRESSES_MAX; i++)
		places |= (uint32_t)(gateway->addresses[i].family != ADDR_NONE) << i;
	return places;
}

/* The gateway as a whole: offline with the last address, and back with the first. */
static void tell_gateway(const struct checked *gateway)
{
	const struct sip_shared *shared = gateway->owner->worker->shared;
	struct live *live = gateway->live;
	uint32_t all = places_of(gateway);
	bool was_silent = atomic_load(&live->is_offline) & LIVE_SILENT;
	bool is_silent = all && (atomic_load(&live->dead_addresses) & all) == all;

	if (is_silent == was_silent)
		return;
	live_set_offline(live, LIVE_SILENT, is_silent);
	if (is_silent)
		alarms_raise(shared->alarms, WORD_ALARM_KIND_GATEWAY_OFFLINE, live->name,
			     "none of the %d addresses of routing-gateway %s answers OPTIONS",
			     __builtin_popcount(all), live->name);
	else
		alarms_clear(shared->alarms, WORD_ALARM_KIND_GATEWAY_OFFLINE, live->name);
}

static void log_change(const struct check *check, size_t index, bool is_alive, uint32_t answer)
{
	const struct checked *gateway = check->gateway;
	const struct log *log = gateway->owner->worker->shared->log;
	char address[ADDR_TEXT_MAX];

	if (!log)
		return;
	addr_print(&gateway->addresses[index], address);
	if (is_alive)
		log_notice(log, "sip", "routing-gateway %s: %s answers again", gateway->live->name,
			   address);
	else if (answer == LIVE_CHECK_NO_ANSWER)
		log_notice(log, "sip", "routing-gateway %s: %s does not answer OPTIONS",
			   gateway->live->name, address);
	else
		log_notice(log, "sip", "routing-gateway %s: %s answers OPTIONS with %u",
			   gateway->live->name, address, (unsigned)answer);
}

static void came_back(void *user, const struct ping_result *result)
{
	struct check *check = user;
	struct checked *gateway = check->gateway;
	size_t index = (size_t)(check - gateway->checks);
	uint32_t bit = 1u << index;
	bool is_alive =
		result->outcome == PING_ANSWERED && result->status != 408 && result->status != 503;
	uint32_t answer =
		result->outcome == PING_ANSWERED ? (uint32_t)result->status : LIVE_CHECK_NO_ANSWER;
	uint32_t before;

	check->is_asked = false;
	if (result->outcome == PING_CANCELLED)
		return;
	atomic_store(&gateway->live->check_answers[index], answer);
	before = is_alive ? atomic_fetch_and(&gateway->live->dead_addresses, ~bit)
			  : atomic_fetch_or(&gateway->live->dead_addresses, bit);
	if (is_alive != !(before & bit))
		log_change(check, index, is_alive, answer);
	tell_gateway(gateway);
}

/* --- The asking. --- */

static void ask_by(struct check *check, enum conf_transport transport)
{
	const struct checked *gateway = check->gateway;
	struct options_check *owner = gateway->owner;
	uint64_t period_ms = owner->period_s * 1000;
	const struct ping_order order = {
		.id = OWN_PINGS | ++owner->last_id,
		.to = gateway->addresses[check - gateway->checks],
		.from = gateway->local_address,
		.transport = transport,
		.timeout_ms = (uint32_t)(period_ms < MAX_TIMEOUT_MS ? period_ms : MAX_TIMEOUT_MS),
	};

	check->ping_id = order.id;
	check->is_asked = true;
	sip_ping_start(owner->worker, &order, came_back, check);
}

static void ask(struct check *check)
{
	ask_by(check, check->gateway->transport);
}

static void fired(struct wheel_timer *timer, void *owner)
{
	struct check *check = (struct check *)((char *)timer - offsetof(struct check, timer));
	struct sip_worker *worker = owner;

	wheel_start(&worker->wheel, timer, fired, wheel_due_us(timer),
		    check->gateway->owner->period_s * US_PER_S);
	/* Given up in this very tick, perhaps: the next round asks. */
	if (!check->is_asked)
		ask(check);
}

/* --- Those that register here, or at whose server we register. --- */

struct places {
	struct addr addresses[LIVE_ADDRESSES_MAX];
	enum conf_transport transports[LIVE_ADDRESSES_MAX];
	size_t count;
};

static enum conf_transport transport_of(const struct sip_worker *worker,
					const struct binding *binding)
{
	for (int i = 0; i < worker->socket_count; i++)
		if (sip_socket_is_stream(&worker->sockets[i]) == binding->is_stream &&
		    addr_eq(&worker->sockets[i].local, &binding->local))
			return worker->sockets[i].transport;
	return binding->is_stream ? CONF_TCP : CONF_UDP;
}

static void find_places(const struct sip_worker *worker, const struct conf_routing_gateway *gateway,
			struct places *out)
{
	struct location *location = worker->shared->location;
	struct binding bindings[LIVE_ADDRESSES_MAX];
	char user[LOCATION_USER_LEN];
	struct trunk_way way;

	out->count = 0;
	for (size_t i = 0; i < gateway->registration_count && out->count < LIVE_ADDRESSES_MAX;
	     i++) {
		const struct conf_registration *registration = gateway->registrations[i];

		if (!atomic_load(&registration->trunk->is_up) ||
		    !trunk_get_way(registration->trunk, &way))
			continue;
		out->transports[out->count] = registration->transport;
		out->addresses[out->count++] = way.server;
	}
	if (gateway->reach != CONF_REACH_DYNAMIC || !location_gateway_user(gateway->name, user))
		return;
	out->count = location_find(location, span_of(user), location_now_ms(location), bindings,
				   LIVE_ADDRESSES_MAX);
	for (size_t i = 0; i < out->count; i++) {
		out->addresses[i] = bindings[i].source;
		out->transports[i] = transport_of(worker, &bindings[i]);
	}
}

static void leave_place(struct checked *gateway, size_t index)
{
	struct live *live = gateway->live;

	if (gateway->checks[index].is_asked)
		sip_ping_cancel(gateway->owner->worker, gateway->checks[index].ping_id);
	atomic_store(&live->check_keys[index], 0);
	atomic_store(&live->check_answers[index], 0);
	atomic_fetch_and(&live->dead_addresses, ~(1u << index));
	gateway->addresses[index] = (struct addr){0};
}

static bool has_place(const struct places *places, const struct addr *address)
{
	for (size_t i = 0; i < places->count; i++)
		if (addr_eq(&places->addresses[i], address))
			return true;
	return false;
}

/* The place of the address, a free one made its own if it has none. */
static size_t take_place(struct checked *gateway, const struct addr *address)
{
	size_t free_place = LIVE_ADDRESSES_MAX;

	for (size_t i = 0; i < LIVE_ADDRESSES_MAX; i++) {
		if (addr_eq(&gateway->addresses[i], address))
			return i;
		if (gateway->addresses[i].family == ADDR_NONE && free_place == LIVE_ADDRESSES_MAX)
			free_place = i;
	}
	if (free_place < LIVE_ADDRESSES_MAX) {
		gateway->addresses[free_place] = *address;
		atomic_store(&gateway->live->check_keys[free_place], live_place_key(address));
	}
	return free_place;
}

static void ask_places(struct checked *gateway)
{
	const struct sip_worker *worker = gateway->owner->worker;
	const struct conf_routing_gateway *now =
		conf_routing_gateway_find(worker->conf, span_of(gateway->live->name));
	struct places places = {.count = 0};

	if (now)
		find_places(worker, now, &places);
	for (size_t i = 0; i < LIVE_ADDRESSES_MAX; i++)
		if (gateway->addresses[i].family != ADDR_NONE &&
		    !has_place(&places, &gateway->addresses[i]))
			leave_place(gateway, i);
	for (size_t i = 0; i < places.count; i++) {
		size_t at = take_place(gateway, &places.addresses[i]);

		if (at < LIVE_ADDRESSES_MAX && !gateway->checks[at].is_asked)
			ask_by(&gateway->checks[at], places.transports[i]);
	}
	tell_gateway(gateway);
}

static void places_fired(struct wheel_timer *timer, void *owner)
{
	struct checked *gateway =
		(struct checked *)((char *)timer - offsetof(struct checked, timer));
	struct sip_worker *worker = owner;

	wheel_start(&worker->wheel, timer, places_fired, wheel_due_us(timer),
		    gateway->owner->period_s * US_PER_S);
	ask_places(gateway);
}

/* --- Which gateways. --- */

static void stop(struct checked *gateway)
{
	struct sip_worker *worker = gateway->owner->worker;

	wheel_stop(&worker->wheel, &gateway->timer);
	for (uint8_t i = 0; i < gateway->count; i++) {
		wheel_stop(&worker->wheel, &gateway->checks[i].timer);
		if (gateway->checks[i].is_asked)
			sip_ping_cancel(worker, gateway->checks[i].ping_id);
	}
}

/* Nothing is known of it any more, so nothing keeps calls away. */
static void forget(struct options_check *check, struct checked *gateway)
{
	struct live *live = gateway->live;

	stop(gateway);
	atomic_store(&live->dead_addresses, 0);
	for (int i = 0; i < LIVE_ADDRESSES_MAX; i++) {
		atomic_store(&live->check_answers[i], 0);
		atomic_store(&live->check_keys[i], 0);
	}
	tell_gateway(gateway);
	HASH_DEL(check->gateways, gateway);
	free(gateway);
}

static bool is_same(const struct checked *gateway, const struct conf_routing_gateway *now)
{
	if (gateway->reach != now->reach)
		return false;
	if (gateway->reach != CONF_REACH_STATIC)
		return true;
	if (gateway->transport != now->transport || gateway->count != now->address_count ||
	    !addr_eq(&gateway->local_address, &now->local_address))
		return false;
	for (uint8_t i = 0; i < gateway->count; i++)
		if (!addr_eq(&gateway->addresses[i], &now->addresses[i]))
			return false;
	return true;
}

static bool is_checked(const struct conf_routing_gateway *gateway)
{
	return gateway->has_options_check && gateway->lock != CONF_LOCK_ALL &&
	       (gateway->reach != CONF_REACH_STATIC || gateway->address_count);
}

/* Out of memory it goes unchecked until the next commit. */
static void add(struct options_check *check, const struct conf_routing_gateway *gateway)
{
	struct checked *made = calloc(1, sizeof(*made));

	if (!made)
		return;
	made->owner = check;
	made->live = gateway->live;
	made->transport = gateway->transport;
	made->reach = gateway->reach;
	if (made->reach == CONF_REACH_STATIC)
		made->local_address = gateway->local_address;
	made->is_wanted = true;
	made->count = LIVE_ADDRESSES_MAX;
	if (made->reach == CONF_REACH_STATIC) {
		made->count = gateway->address_count;
		memcpy(made->addresses, gateway->addresses, sizeof(made->addresses));
	}
	for (uint8_t i = 0; i < made->count; i++)
		made->checks[i].gateway = made;
	HASH_ADD_PTR(check->gateways, live, made);
}

/* What has changed begins anew, as what is no longer there ends. */
static void take_over(struct options_check *check)
{
	const struct conf *conf = check->worker->conf;
	size_t count = check->period_s ? conf_routing_gateway_count(conf) : 0;
	struct checked *gateway;
	struct checked *next;

	HASH_ITER (hh, check->gateways, gateway, next)
		gateway->is_wanted = false;
	for (size_t i = 0; i < count; i++) {
		const struct conf_routing_gateway *now = conf_routing_gateway_at(conf, i);

		if (!is_checked(now))
			continue;
		HASH_FIND_PTR(check->gateways, &now->live, gateway);
		if (gateway && is_same(gateway, now)) {
			gateway->is_wanted = true;
			continue;
		}
		if (gateway)
			forget(check, gateway);
		add(check, now);
	}
	HASH_ITER (hh, check->gateways, gateway, next)
		if (!gateway->is_wanted)
			forget(check, gateway);
}

static size_t timers_of(const struct checked *gateway)
{
	return gateway->reach == CONF_REACH_STATIC ? gateway->count : 1;
}

/* Each at its place in the period, so that they do not all go out at once. */
static void start_timers(struct options_check *check, bool is_anew)
{
	struct sip_worker *worker = check->worker;
	struct checked *gateway;
	struct checked *next;
	uint64_t total = 0;
	uint64_t at = 0;

	HASH_ITER (hh, check->gateways, gateway, next)
		total += timers_of(gateway);
	HASH_ITER (hh, check->gateways, gateway, next) {
		bool is_static = gateway->reach == CONF_REACH_STATIC;

		for (size_t i = 0; i < timers_of(gateway); i++, at++) {
			struct wheel_timer *timer =
				is_static ? &gateway->checks[i].timer : &gateway->timer;

			if (is_anew || !wheel_is_running(timer))
				wheel_start(&worker->wheel, timer, is_static ? fired : places_fired,
					    worker->now_us,
					    check->period_s * US_PER_S * at / total);
		}
	}
}

void options_check_configure(struct options_check *check)
{
	uint64_t period_s = (uint64_t)snapshot_number(check->worker->conf->snapshot,
						      PARAM_SS_SIP_OPTIONS_CHECK_PERIOD);
	bool is_anew = period_s != check->period_s;

	if (check->worker->number != 0)
		return;
	check->period_s = period_s;
	take_over(check);
	start_timers(check, is_anew);
}

enum vos_err options_check_create(struct sip_worker *worker, struct options_check **out)
{
	struct options_check *check = calloc(1, sizeof(*check));

	if (!check)
		return VOS_ENOMEM;
	check->worker = worker;
	*out = check;
	return VOS_OK;
}

void options_check_destroy(struct options_check *check)
{
	struct checked *gateway;
	struct checked *next;

	if (!check)
		return;
	HASH_ITER (hh, check->gateways, gateway, next) {
		stop(gateway);
		HASH_DEL(check->gateways, gateway);
		free(gateway);
	}
	free(check);
}
