/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the DNS said of services, for as long as it holds. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "switchd/sip/srv.h"

struct srv_cached {
	uint64_t until_us;
	char name[SRV_NAME_MAX];
	size_t size; /* of set: no more than there are records */
	struct srv_set *set;
};

static size_t size_of(const struct srv_set *set)
{
	return offsetof(struct srv_set, records) + set->count * sizeof(set->records[0]);
}

static void drop(struct srv_cached *entry)
{
	if (entry)
		free(entry->set);
	free(entry);
}

bool srv_cache_get(const struct srv_cache *cache, const char *name, uint64_t now_us,
		   struct srv_set *out)
{
	for (size_t i = 0; i < SRV_CACHE_MAX; i++) {
		const struct srv_cached *entry = cache->entries[i];

		/* RFC 4343: the case of letters means nothing. */
		if (!entry || entry->until_us <= now_us || strcasecmp(entry->name, name) != 0)
			continue;
		memcpy(out, entry->set, entry->size);
		return true;
	}
	return false;
}

/* Where the name is, else a place that is free, else the one that is free first. */
static size_t place_for(const struct srv_cache *cache, const char *name)
{
	size_t best = 0;
	uint64_t best_us = UINT64_MAX;

	for (size_t i = 0; i < SRV_CACHE_MAX; i++) {
		const struct srv_cached *entry = cache->entries[i];
		uint64_t until_us = entry ? entry->until_us : 0;

		if (entry && strcasecmp(entry->name, name) == 0)
			return i;
		if (until_us < best_us) {
			best = i;
			best_us = until_us;
		}
	}
	return best;
}

void srv_cache_put(struct srv_cache *cache, const char *name, uint64_t now_us,
		   const struct srv_set *set)
{
	uint32_t ttl_s = set->ttl_s < SRV_TTL_MAX_S ? set->ttl_s : SRV_TTL_MAX_S;
	struct srv_cached *entry;
	size_t at;

	if (ttl_s == 0 || strlen(name) >= SRV_NAME_MAX)
		return;
	entry = calloc(1, sizeof(*entry));
	if (!entry)
		return;
	entry->size = size_of(set);
	entry->set = malloc(entry->size);
	if (!entry->set) {
		free(entry);
		return;
	}
	memcpy(entry->set, set, entry->size);
	memcpy(entry->name, name, strlen(name) + 1);
	entry->until_us = now_us + ttl_s * UINT64_C(1000000);
	at = place_for(cache, name);
	drop(cache->entries[at]);
	cache->entries[at] = entry;
}

void srv_cache_free(struct srv_cache *cache)
{
	for (size_t i = 0; i < SRV_CACHE_MAX; i++) {
		drop(cache->entries[i]);
		cache->entries[i] = NULL;
	}
}
