/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers that stand in for the one that was called: forwarding and redirection. */
#pragma once

#include "switchd/call/call_hunt.h"

#define CALL_FORWARDS_MAX  5  /* one out of the other */
#define CALL_REDIRECTS_MAX 10 /* 3xx that are followed for one call */

/* Numbers that stand in for the one that was called, one list of them. */
struct call_forward {
	const struct conf_names *numbers; /* of the phone's configuration; NULL: */
	struct call_redirect *contacts;   /* that the party answered with */
	size_t next;
	uint64_t taken;                 /* bit set of the numbers called so far, at random */
	uint8_t order;                  /* WORD_FORWARD_ORDER_..., of numbers */
	char from[64];                  /* the number that is forwarded */
	const struct conf_phone *phone; /* whose that is; NULL: a gateway's */
	const struct conf_routing_gateway *via; /* the gateway that sent it elsewhere, or NULL */
	enum call_diversion_reason reason;
	char caller[64];                /* who called that number, and: */
	const struct conf_phone *shown; /* as in the hunt */
};

/* The list by which that phone forwards all its calls now; CONF_FORWARDS: none. */
enum conf_forward call_forward_at_once(const struct call *call, const struct conf_phone *phone);
/* Aims at the next number after the present one ended like that; false: there is none, and *cause
 * says so when that is the reason. */
bool call_forward_next(struct call *call, struct cause *cause);
/* WORD_REDIRECT_...: what becomes of that 3xx of its party. */
int call_redirect_mode(const struct call *call, const struct call_attempt *attempt, int status);
/* The attempt was redirected: the contacts are the next numbers. False: they are not followed, and
 * *cause says so when that is the reason. */
bool call_forward_redirect(struct call *call, const struct call_attempt *attempt,
			   const struct call_redirect *to, struct cause *cause);
/* What the callee is to be told of that. */
void call_forward_diversions(const struct call_hunt *hunt, struct call_diversions *out);
void call_forward_end(struct call_hunt *hunt);
