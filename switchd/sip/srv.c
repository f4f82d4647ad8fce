/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/srv.h"

#include <arpa/nameser.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#define ANSWER_MAX      4096
#define ASK_TIMEOUT_S   2
#define ASK_TIMES       2
#define SRV_FIXED_BYTES 6 /* priority, weight, port */

static bool parse_record(const ns_msg *msg, const ns_rr *rr, struct srv_record *out)
{
	const uint8_t *data = ns_rr_rdata(*rr);

	if (ns_rr_rdlen(*rr) <= SRV_FIXED_BYTES)
		return false;
	out->priority = (uint16_t)(data[0] << 8 | data[1]);
	out->weight = (uint16_t)(data[2] << 8 | data[3]);
	out->port = (uint16_t)(data[4] << 8 | data[5]);
	return ns_name_uncompress(ns_msg_base(*msg), ns_msg_end(*msg), data + SRV_FIXED_BYTES,
				  out->target, sizeof(out->target)) >= 0;
}

bool srv_parse(const uint8_t *answer, size_t len, struct srv_set *out)
{
	ns_msg msg;

	*out = (struct srv_set){.ttl_s = SRV_TTL_MAX_S};
	if (len > ANSWER_MAX || ns_initparse(answer, (int)len, &msg) != 0)
		return false;
	for (int i = 0; i < ns_msg_count(msg, ns_s_an); i++) {
		struct srv_record *record = &out->records[out->count];
		ns_rr rr;

		if (ns_parserr(&msg, ns_s_an, i, &rr) != 0)
			return false;
		if (ns_rr_type(rr) != ns_t_srv || out->count == SRV_RECORDS_MAX)
			continue; /* CNAME may come before */
		if (!parse_record(&msg, &rr, record))
			return false;
		if (ns_rr_ttl(rr) < out->ttl_s)
			out->ttl_s = ns_rr_ttl(rr);
		/* RFC 2782: a target of "." says that there is no such service. */
		if (record->target[0] == '\0' || strcmp(record->target, ".") == 0)
			out->is_refused = true;
		else
			out->count++;
	}
	if (out->count)
		out->is_refused = false;
	else if (!out->is_refused || out->ttl_s > SRV_TTL_NONE_S)
		out->ttl_s = SRV_TTL_NONE_S;
	return true;
}

/* One of records[0..count-1], all of one priority. */
static size_t choose(const struct srv_record *records, size_t count, srv_random_fn *random,
		     void *context)
{
	uint32_t sum = 0;
	uint32_t mark;
	size_t i;

	for (i = 0; i < count; i++)
		sum += records[i].weight;
	/* RFC 2782: those without weight have a very small chance beside others. */
	if (sum == 0)
		return random(context, (uint32_t)count - 1);
	mark = random(context, sum);
	for (i = 0; i + 1 < count; i++) {
		if (mark <= records[i].weight)
			break;
		mark -= records[i].weight;
	}
	return i;
}

static bool goes_before(const struct srv_record *a, const struct srv_record *b)
{
	if (a->priority != b->priority)
		return a->priority < b->priority;
	/* RFC 2782: the random choice wants those without weight first. */
	return a->weight == 0 && b->weight != 0;
}

static void move(struct srv_record *records, size_t from, size_t to)
{
	struct srv_record moved = records[from];

	memmove(&records[to + 1], &records[to], (from - to) * sizeof(*records));
	records[to] = moved;
}

void srv_order(struct srv_set *set, srv_random_fn *random, void *context)
{
	struct srv_record *records = set->records;
	size_t begin = 0;

	for (size_t i = 1; i < set->count; i++) {
		size_t to = i;

		while (to > 0 && goes_before(&records[i], &records[to - 1]))
			to--;
		move(records, i, to);
	}
	while (begin < set->count) {
		size_t end = begin;

		while (end < set->count && records[end].priority == records[begin].priority)
			end++;
		/* What is passed over stays in the order it has. */
		for (; begin < end; begin++)
			move(records, begin + choose(&records[begin], end - begin, random, context),
			     begin);
	}
}

static void set_server(struct __res_state *state, const struct addr *server)
{
	state->nscount = 1;
	state->nsaddr_list[0] = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(server->port),
	};
	memcpy(&state->nsaddr_list[0].sin_addr, server->ip, 4);
}

bool srv_query(const struct addr *server, const char *name, struct srv_set *out)
{
	struct __res_state state = {0};
	uint8_t answer[ANSWER_MAX];
	bool is_good = false;
	int len;

	if (res_ninit(&state) != 0)
		return false;
	state.retrans = ASK_TIMEOUT_S;
	state.retry = ASK_TIMES;
	if (server)
		set_server(&state, server);
	len = res_nquery(&state, name, ns_c_in, ns_t_srv, answer, sizeof(answer));
	if (len >= 0) {
		is_good = srv_parse(answer, (size_t)len, out);
	} else if (state.res_h_errno == HOST_NOT_FOUND || state.res_h_errno == NO_DATA) {
		*out = (struct srv_set){.ttl_s = SRV_TTL_NONE_S};
		is_good = true;
	}
	res_nclose(&state);
	return is_good;
}
