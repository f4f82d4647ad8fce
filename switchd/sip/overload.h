/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Overload of a signalling thread, and how much of what is new it takes meanwhile.
 *
 * What is measured is pressure: how long the youngest datagram of a batch has waited, against
 * SS_SIP_OVERLOAD_LAG, or how full the receive buffer is, against half of it; 1000 is the limit.
 * Looked at is the least of a window of 100 ms: a burst that is worked off within the window is no
 * overload, a queue that never gets shorter is. Two such windows in a row begin it.
 *
 * Then new calls, and requests of strangers, are taken at rates of their own: at first a little
 * less than was taken before, cut when the pressure does not go down (strangers harder), raised by
 * and by when there is none. It ends when nothing was refused and nothing pressed for two seconds.
 * What belongs to calls, and registrations of phones that are registered, is never asked for here.
 *
 * Belongs to one thread, except overload_read(). */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "switchd/auth/bucket.h"

#define OVERLOAD_LIMIT     1000u /* of pressure */
#define OVERLOAD_WINDOW_US 100000u

enum overload_share { OVERLOAD_CALLS, OVERLOAD_STRANGERS, OVERLOAD_SHARES };

struct overload_rate {
	struct bucket bucket;
	uint32_t rate;    /* a second, while overloaded */
	uint32_t taken;   /* in this window */
	uint32_t average; /* taken a second */
};

struct overload {
	uint64_t window_end_us;
	uint32_t window_least; /* pressure */
	uint32_t window_samples;
	bool window_refused;
	uint32_t last_least; /* of the window before */
	uint32_t pressed;    /* windows in a row */
	uint32_t calm;       /* windows in a row without pressure and refusals */
	uint32_t unpressed;  /* without pressure */
	uint32_t cooldown;   /* windows until rates may be cut again */
	struct overload_rate rates[OVERLOAD_SHARES];
	bool is_on;
	/* For others to read. */
	_Atomic bool shown_on;
	_Atomic uint32_t shown_pressure;
	_Atomic uint32_t shown_rates[OVERLOAD_SHARES];
	_Atomic uint32_t episodes;
	_Atomic uint64_t shown_us;
};

/* Pressure as measured now. */
void overload_sample(struct overload *overload, uint64_t now_us, uint32_t pressure);
/* Control was switched off. */
void overload_stop(struct overload *overload);
/* Whether overload_takes() would; nothing is taken. */
bool overload_would_take(const struct overload *overload, enum overload_share share,
			 uint64_t now_us);
/* False: to be refused. */
bool overload_takes(struct overload *overload, enum overload_share share, uint64_t now_us);

struct overload_state {
	bool is_on;
	uint32_t pressure; /* of the last window */
	uint32_t rates[OVERLOAD_SHARES];
	uint32_t episodes; /* times that it began */
};

/* From any thread. What was measured long before now_us is over: nothing has come since. */
struct overload_state overload_read(const struct overload *overload, uint64_t now_us);
