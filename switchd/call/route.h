/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routing: which gateways a call may leave by, in which order, and why each is in or out.
 *
 * One function for a live call, `show route` and `test route`. It reads the configuration and the
 * live counters and changes neither: whoever dials a candidate counts it then (live_begin), and
 * goes on with the next one when another call was faster.
 *
 * Order (behaviour B6): longest prefix, priority, load (calls in thousandths of the capacity),
 * attempts so far, name. SS_GATEWAY_ASR_ROUTE_SORT_CONFIG, or the caller's own route policies in
 * its place, put the answer ratio at one of three places in it. Those that are out come last;
 * protected ones (C9) are in, and marked. */
#pragma once

#include "switchd/conf/conf.h"

enum route_verdict {
	ROUTE_IN,
	ROUTE_PROTECTED,     /* in, once the others have failed or set-up takes long */
	ROUTE_LOCKED,        /* its lock bars calls to it */
	ROUTE_DISABLED,      /* by the operator, or draining */
	ROUTE_NO_ADDRESS,    /* nothing to send to */
	ROUTE_OFFLINE,       /* no address answers, or it is not registered */
	ROUTE_RETRY_AFTER,   /* it asked to be left alone for a while */
	ROUTE_NOT_ALLOWED,   /* not among the mapping gateway's allow-routing-gateways */
	ROUTE_GROUP,         /* its groups are not the mapping gateway's */
	ROUTE_CALLER_PREFIX, /* the caller number's beginning is not let through */
	ROUTE_CALLER_LENGTH,
	ROUTE_CALLER_GROUP,
	ROUTE_CALLEE_PREFIX,
	ROUTE_CALLEE_LENGTH,
	ROUTE_CALLEE_GROUP,
	ROUTE_CALLEE_RESTRICT,
	ROUTE_PAIR,
	ROUTE_FORWARDED_PREFIX,
	ROUTE_PERIOD,         /* not at this time of the week */
	ROUTE_FULL,           /* capacity */
	ROUTE_TOO_FAST,       /* rate-limit */
	ROUTE_GROUP_FULL,     /* all lines of one of its groups are taken */
	ROUTE_GROUP_RESERVED, /* those that are left are others' */
	ROUTE_NO_TRUNK_LINE,  /* all lines of its registrations are taken */
	ROUTE_NO_POOL_NUMBER, /* found when it was dialled: every number of its pool is taken */
	ROUTE_PREFIX_STOPS,   /* a longer prefix is in mode terminate */
	ROUTE_VERDICT_COUNT,
};

struct route_query {
	const struct conf *conf;
	const char *caller; /* both after the rewriting on the way in */
	const char *callee;
	const char *forwarded; /* who sent the call on, "" = somebody; NULL: it was not forwarded */
	const struct conf_mapping_gateway *from; /* NULL: from a phone */
	uint8_t sort; /* WORD_ROUTE_SORT_... of the caller's policies; none: the parameter's */
	int week_min; /* conf_week_minute() */
	uint64_t now_us;
};

struct route_candidate {
	const struct conf_routing_gateway *gateway;
	size_t prefix_len;
	enum route_verdict verdict;
	uint32_t load;     /* thousandths of the capacity */
	uint32_t asr;      /* thousandths; 1000 while nothing is known */
	uint64_t attempts; /* so far */
};

/* All gateways whose prefixes the callee has, those that are in first. Returns how many there are:
 * when that is more than max, nothing of use was written, and there is to be room for so many. */
size_t route_find(const struct route_query *query, struct route_candidate *out, size_t max);

/* The same of one gateway, whatever its prefixes. */
enum route_verdict route_judge(const struct route_query *query,
			       const struct conf_routing_gateway *gateway);

/* What the gateway has for such a call now. */
void route_terms(const struct route_query *query, const struct conf_routing_gateway *gateway,
		 struct conf_terms *out);

static inline bool route_is_in(enum route_verdict verdict)
{
	return verdict == ROUTE_IN || verdict == ROUTE_PROTECTED;
}

/* "capacity", for JSON and filters; and the sentence for people. */
const char *route_verdict_name(enum route_verdict verdict);
const char *route_verdict_text(enum route_verdict verdict);
