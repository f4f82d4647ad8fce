/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a keepalive round reaches so many devices, and if not, which values would (behaviour A1).
 * Pure: the commit check, the alarm and show nat-keep-alive all reckon by it.
 *
 * A round of PERIOD has ceil(PERIOD / INTERVAL) bursts of ONE_TIME devices. */
#pragma once

#include "shared/config/snapshot.h"

struct keepalive_pace {
	uint64_t period_s;
	uint64_t interval_ms;
	uint64_t one_time;
};

struct keepalive_fit {
	uint64_t devices;
	uint64_t capacity; /* devices that a round reaches */
	bool fits;
	uint64_t starved;     /* devices that a round leaves out */
	uint64_t fair_rounds; /* rounds in which everybody has had a turn, when rounds are fair */
	uint64_t needed_period_s; /* ceil(ceil(devices / ONE_TIME) * INTERVAL / 1000) */

	/* When it does not fit: the value of one setting that would, the others left as they are;
	 * 0 = none in its range does. */
	uint64_t one_time;    /* the smallest */
	uint64_t interval_ms; /* the longest with which each burst has its whole pause */
	uint64_t period_s;    /* the shortest with which each burst has its whole pause */
	/* A burst and a pause that meet in the middle, with a longer period only where it takes
	 * that; all 0 = even together they cannot. */
	struct keepalive_pace together;
};

struct keepalive_pace keepalive_pace_of(const struct snapshot *config);
uint64_t keepalive_capacity(const struct keepalive_pace *pace);
void keepalive_fit(const struct keepalive_pace *pace, uint64_t devices, struct keepalive_fit *out);

#define KEEPALIVE_FIT_TEXT 160

/* "SS_..._ONE_TIME 3334, SS_..._INTERVAL 447 or SS_..._PERIOD 34" of one that does not fit. */
char *keepalive_fit_print(const struct keepalive_fit *fit, char out[KEEPALIVE_FIT_TEXT]);
