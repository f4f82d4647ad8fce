/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What signalling threads have to tell about suspensions: a bounded queue, read by the control
 * thread, which writes log and audit.
 *
 * A push is a short lock and a copy, and happens when a state changes, never for each message. A
 * full queue drops the new event and counts it; a state that is told by a dropped event is still
 * found in its table. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"

#define SECURITY_EVENTS_MAX 256u
#define SECURITY_USER_MAX   64

enum security_event_kind {
	SECURITY_SUSPENDED,
	SECURITY_RELEASED, /* the time is over */
	SECURITY_CLEARED,  /* by an operator */
};

struct security_event {
	enum security_event_kind kind;
	struct addr source;
	char user[SECURITY_USER_MAX]; /* of the pair; "" = the whole source */
	char last[SECURITY_USER_MAX]; /* suspended: whom it claimed to be at last */
	uint32_t failures;
	uint32_t period_s;
};

struct security_events;

VOS_CHECK enum vos_err security_events_create(struct security_events **out);
void security_events_destroy(struct security_events *events);
void security_events_push(struct security_events *events, const struct security_event *event);
/* Takes the oldest; false: there is none. */
bool security_events_take(struct security_events *events, struct security_event *out);
/* How many were dropped since the last call. */
uint64_t security_events_lost(struct security_events *events);
/* Readable when there are some: for the reader's epoll. Call _woken() before taking. */
int security_events_fd(const struct security_events *events);
void security_events_woken(struct security_events *events);
