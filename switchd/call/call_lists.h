/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether black lists refuse a call: those of the configuration (objects black-list, for every
 * call), and the dynamic one (switchd/auth/blacklist.h) for calls of mapping gateways and phones
 * that have it on. A number of the white-list is held by none. Numbers are compared as they are
 * routed, after the rewriting on the way in, so that one number is one whatever form it comes in.
 */
#pragma once

#include "switchd/call/call_hunt.h"

struct blacklist;

/* A question that changes nothing, for show. */
struct call_lists {
	const struct snapshot *config;
	struct blacklist *blacklist; /* NULL: only those of the configuration */
	const char *caller;
	const char *callee;
};

enum cause_id call_lists_ask(const struct call_lists *lists, uint64_t now_us);

/* Of a call whose numbers are known; is_new: it counts. CAUSE_NORMAL, or why it is refused. */
struct cause call_lists_check(struct call *call, bool is_new);
/* The call ends so; the set-up, if it was never answered, is still there. */
void call_lists_ended(struct call *call, struct cause cause);
