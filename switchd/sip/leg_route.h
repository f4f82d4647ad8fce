/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dialogs that have gone to another thread, because a call there wants their leg (leg_parcel.c).
 * Their messages still come to the thread that their Call-ID belongs to, their home, which hands
 * them on. */
#pragma once

#include <uthash.h>

#include "switchd/loop/mailbox.h"
#include "switchd/sip/worker.h"

struct sip_leg;

/* Of one dialog, in one thread that it has left. The leg has it; the thread looks it up. */
struct leg_route {
	struct mail mail;
	struct leg_route *next;  /* of the same leg */
	struct sip_worker *home; /* that hands on */
	struct wheel_timer timer;
	UT_hash_handle hh; /* in home->routes, by Call-ID */
	int thread;        /* that has the dialog, or knows who has */
	size_t len;
	char call_id[];
};

/* A leg in the thread that it has come to. */
struct leg_guest {
	UT_hash_handle hh; /* in worker->guests, by its tag, which is of another thread's making */
	struct sip_leg *leg;
	struct leg_route *routes; /* one or more */
};

/* What is sent for that Call-ID goes to that thread from here on. NULL: out of memory. */
struct leg_route *leg_route_new(struct sip_worker *worker, struct span call_id, int thread);
/* Puts a route that no leg has had yet out of use. */
void leg_route_free(struct leg_route *route);
/* The leg has come by these: it is found, and what led away from here leads no more. False: out of
 * memory. */
bool leg_guest_enter(struct sip_leg *leg, struct leg_route *routes);
/* The leg goes on, and takes them along; NULL: it was no guest. */
struct leg_route *leg_guest_leave(struct sip_leg *leg);
/* The dialog is over: the threads that it came by forget it, as soon as nothing of it can be
 * repeated. */
void leg_routes_end(struct leg_route *routes);
/* At the end of the worker, when no leg is left. */
void leg_routes_destroy(struct sip_worker *worker);
/* The leg that has come from elsewhere with this tag; NULL: none. */
struct sip_leg *leg_guest_find(const struct sip_worker *worker, struct span local_tag);
/* The thread that has the dialogs of that Call-ID, as far as this one knows. */
int leg_thread_of(const struct sip_worker *worker, struct span call_id);
/* Hands a message on to where its dialog has gone; false: it has not. */
bool leg_moved_on(struct sip_worker *worker, const struct sip_rx *rx);
/* Hands a request that is too old to where its dialog was before, which may have answered it: then
 * that is repeated, else it is refused there. False: the dialog has always been here. */
bool leg_moved_here(const struct sip_leg *leg, const struct sip_rx *rx);
