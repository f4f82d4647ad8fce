/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Token buckets, one word each: the time at which the bucket will be full again (a "generic cell
 * rate algorithm"). Taking is an atomic exchange that is repeated when another thread was faster;
 * no lock.
 *
 * The table holds BUCKETS_MAX of them under keyed hashes, in sets of eight. A full set gives up the
 * bucket that is nearest to full, which is the one whose owner loses least: so a crowd of sources
 * that each come once does not free the one that floods, and whoever is forgotten starts with a
 * full bucket. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"

#define BUCKET_WAYS 8u
#define BUCKET_SETS 32768u
#define BUCKETS_MAX (BUCKET_SETS * BUCKET_WAYS)

struct bucket_rule {
	uint32_t rate;  /* tokens a second, at least 1 */
	uint32_t burst; /* tokens of a full bucket, at least 1 */
};

struct bucket {
	_Atomic uint64_t full_ns; /* 0: it is full */
};

/* A token of one bucket; false: there is none. */
bool bucket_take(struct bucket *bucket, struct bucket_rule rule, uint64_t now_us);
/* Whether there is one; nothing is taken. */
bool bucket_has(const struct bucket *bucket, struct bucket_rule rule, uint64_t now_us);

struct buckets;

VOS_CHECK enum vos_err buckets_create(struct buckets **out);
void buckets_destroy(struct buckets *buckets);
/* The same by key, which is not 0. */
bool buckets_take(struct buckets *buckets, uint64_t key, struct bucket_rule rule, uint64_t now_us);
/* Places that were ever used, at most BUCKETS_MAX. */
size_t buckets_used(const struct buckets *buckets);
