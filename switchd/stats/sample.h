/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the switch and each gateway are at a moment, into the statistics: calls at a time, calls
 * begun a second, and that they were up meanwhile. Belongs to one thread; a peak between two
 * samples is not seen. */
#pragma once

#include "switchd/stats/metrics.h"

struct sampler {
	uint64_t before_us; /* of the sample before; 0: there was none */
	uint64_t begun;     /* calls, by then */
};

void sample_look(struct sampler *sampler, const struct metrics_sources *sources,
		 const struct conf *conf, uint64_t now_us);
