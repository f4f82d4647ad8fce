/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SRV records of the DNS (RFC 2782): where a service of a domain is, in which order its hosts are
 * to be tried, and a bounded memory of what was answered. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"

#define SRV_NAME_MAX    256
#define SRV_RECORDS_MAX 16

struct srv_record {
	uint16_t priority; /* smaller first */
	uint16_t weight;   /* share among those of one priority */
	uint16_t port;
	char target[SRV_NAME_MAX];
};

struct srv_set {
	size_t count;    /* 0: there are none */
	bool is_refused; /* the domain says that it has no such service */
	uint32_t ttl_s;
	struct srv_record records[SRV_RECORDS_MAX];
};

/* Reads an answer of a DNS server. False: it is none, or malformed; out is undefined then. More
 * records than there is room for are left out. */
bool srv_parse(const uint8_t *answer, size_t len, struct srv_set *out);

/* A number 0..n. */
typedef uint32_t srv_random_fn(void *context, uint32_t n);
/* Into the order in which they are to be tried: by priority, among equals at random by weight. */
void srv_order(struct srv_set *set, srv_random_fn *random, void *context);

/* Asks for the records of a name; server: whom, NULL = as the system does. Blocks for some seconds
 * at most. False: nobody answered. */
bool srv_query(const struct addr *server, const char *name, struct srv_set *out);

#define SRV_CACHE_MAX 128
/* However long a record says that it holds: a change is to be noticed the same hour. */
#define SRV_TTL_MAX_S 3600
/* That there are none, too, is known for a while. */
#define SRV_TTL_NONE_S 60

/* Not locked. */
struct srv_cache {
	struct srv_cached *entries[SRV_CACHE_MAX];
};

/* What was answered, while it holds. */
bool srv_cache_get(const struct srv_cache *cache, const char *name, uint64_t now_us,
		   struct srv_set *out);
/* In the place of what there was of the name; of a full one, what holds the shortest goes. Without
 * memory nothing is kept. */
void srv_cache_put(struct srv_cache *cache, const char *name, uint64_t now_us,
		   const struct srv_set *set);
void srv_cache_free(struct srv_cache *cache);
