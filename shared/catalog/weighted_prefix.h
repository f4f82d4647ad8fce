/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A prefix and its share of the calls: "70:99", or "30:" for calls that get none. */
#pragma once

#include "shared/base/span.h"

#define WEIGHTED_PREFIX_WEIGHT_MAX 1000
#define WEIGHTED_PREFIX_LEN_MAX    32

struct weighted_prefix {
	uint32_t weight;
	struct span prefix; /* in the text that was parsed */
};

bool weighted_prefix_parse(struct span text, struct weighted_prefix *out);
