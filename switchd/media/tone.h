/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ringing tones of national networks, as in the supplement to ITU-T E.180 ("Various tones used in
 * national networks"), and audio made from them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "switchd/media/g711.h"

#define TONE_CADENCE_MAX 4

/* Two frequencies are added; with is_modulated the first carries, the second is what its amplitude
 * swings with. */
struct tone {
	unsigned frequency_hz;
	unsigned second_hz; /* 0 = none */
	bool is_modulated;
	unsigned cadence_ms[TONE_CADENCE_MAX]; /* on, off, on, off; ends with the first 0 */
};

/* The words of SS_LOCAL_RING_TONE are numbers here: WORD_RING_TONE_... */
const struct tone *tone_of(int country);
int tone_count(void);
/* Length of one round of the cadence, a whole number of 20 ms packets. */
size_t tone_samples(const struct tone *tone);
/* Fills one round. */
void tone_fill(const struct tone *tone, int16_t *samples, size_t count);

/* E.180 section 7: where a tone enters a digital network it is near -10 dBm0. */
#define TONE_LEVEL_DBM0 (-10)
