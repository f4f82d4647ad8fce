/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/leg_route.h"

#include <stdlib.h>

#include "switchd/sip/leg_private.h"
#include "switchd/sip/worker_private.h"

/* As long as a transaction absorbs repeats: 64*T1. */
#define LINGER_US (32u * 1000u * 1000u)

void leg_route_free(struct leg_route *route)
{
	wheel_stop(&route->home->wheel, &route->timer);
	HASH_DELETE(hh, route->home->routes, route);
	free(route);
}

static void linger_fired(struct wheel_timer *timer, void *owner)
{
	(void)owner;
	leg_route_free((struct leg_route *)((char *)timer - offsetof(struct leg_route, timer)));
}

/* In the home thread: the dialog is over. */
static void run_end(struct mail *mail, void *receiver)
{
	struct leg_route *route = (struct leg_route *)mail;
	struct sip_worker *worker = receiver;

	wheel_start(&worker->wheel, &route->timer, linger_fired, worker->now_us, LINGER_US);
}

struct leg_route *leg_route_new(struct sip_worker *worker, struct span call_id, int thread)
{
	struct leg_route *route = calloc(1, sizeof(*route) + call_id.len);

	if (!route)
		return NULL;
	route->mail.run = run_end;
	route->home = worker;
	route->thread = thread;
	route->len = call_id.len;
	memcpy(route->call_id, call_id.ptr, call_id.len);
	HASH_ADD_KEYPTR(hh, worker->routes, route->call_id, route->len, route);
	return route;
}

static struct leg_route *without_own(struct leg_route *routes, const struct sip_worker *worker)
{
	struct leg_route **place = &routes;

	while (*place) {
		struct leg_route *route = *place;

		if (route->home == worker) {
			*place = route->next;
			leg_route_free(route);
		} else {
			place = &route->next;
		}
	}
	return routes;
}

bool leg_guest_enter(struct sip_leg *leg, struct leg_route *routes)
{
	struct sip_worker *worker = leg->worker;
	struct leg_guest *guest = calloc(1, sizeof(*guest));

	routes = without_own(routes, worker);
	if (!guest) {
		leg_routes_end(routes);
		return false;
	}
	guest->leg = leg;
	guest->routes = routes;
	leg->guest = guest;
	HASH_ADD_KEYPTR(hh, worker->guests, leg->local_tag, strlen(leg->local_tag), guest);
	return true;
}

struct leg_route *leg_guest_leave(struct sip_leg *leg)
{
	struct leg_guest *guest = leg->guest;
	struct leg_route *routes;

	if (!guest)
		return NULL;
	leg->guest = NULL;
	HASH_DEL(leg->worker->guests, guest);
	routes = guest->routes;
	free(guest);
	return routes;
}

void leg_routes_end(struct leg_route *routes)
{
	while (routes) {
		struct leg_route *next = routes->next;

		/* When the box is closed the route goes with its thread. */
		(void)mailbox_post(&routes->home->mailbox, &routes->mail);
		routes = next;
	}
}

void leg_routes_destroy(struct sip_worker *worker)
{
	struct leg_route *route;
	struct leg_route *next;

	HASH_ITER (hh, worker->routes, route, next)
		leg_route_free(route);
}

struct sip_leg *leg_guest_find(const struct sip_worker *worker, struct span local_tag)
{
	struct leg_guest *guest = NULL;

	if (worker->guests)
		HASH_FIND(hh, worker->guests, local_tag.ptr, local_tag.len, guest);
	return guest ? guest->leg : NULL;
}

static const struct leg_route *find(const struct sip_worker *worker, struct span call_id)
{
	const struct leg_route *route = NULL;

	/* Nearly always there is none at all. */
	if (worker->routes)
		HASH_FIND(hh, worker->routes, call_id.ptr, call_id.len, route);
	return route;
}

int leg_thread_of(const struct sip_worker *worker, struct span call_id)
{
	const struct leg_route *route = find(worker, call_id);

	return route ? route->thread : worker_of_call_id(worker->shared, call_id);
}

bool leg_moved_on(struct sip_worker *worker, const struct sip_rx *rx)
{
	const struct leg_route *route = find(worker, rx->msg->call_id);

	if (!route)
		return false;
	worker_hand_on(worker, route->thread, rx, false);
	return true;
}

bool leg_moved_here(const struct sip_leg *leg, const struct sip_rx *rx)
{
	if (!leg->guest || !leg->guest->routes)
		return false;
	worker_hand_on(leg->worker, leg->guest->routes->home->number, rx, true);
	return true;
}
