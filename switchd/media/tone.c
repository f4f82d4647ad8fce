/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/tone.h"

#include <math.h>

#include "shared/catalog/catalog.h"

#define PACKET_SAMPLES (G711_RATE / 50)
/* A tone that starts or ends at once clicks. */
#define RAMP_SAMPLES (G711_RATE / 200)
/* G.711: a sine that just reaches the top of the scale is 3.14 dBm0 (A-law; mu-law 3.17). */
#define FULL_SCALE_DBM0 3.14
#define FULL_SCALE      32767.0
/* How deep a modulated tone's amplitude swings. */
#define MODULATION_DEPTH 0.9

#define ONE(hz, ...)                                                \
	{                                                           \
		.frequency_hz = (hz), .cadence_ms = { __VA_ARGS__ } \
	}
#define TWO(hz, second, ...)                                                               \
	{                                                                                  \
		.frequency_hz = (hz), .second_hz = (second), .cadence_ms = { __VA_ARGS__ } \
	}
#define MODULATED(hz, by, ...)                                                                 \
	{                                                                                      \
		.frequency_hz = (hz), .second_hz = (by), .is_modulated = true, .cadence_ms = { \
			__VA_ARGS__                                                            \
		}                                                                              \
	}

static const struct tone tones[] = {
	[WORD_RING_TONE_ITU] = ONE(425, 1000, 4000), /* what E.180 recommends to new networks */
	[WORD_RING_TONE_AR] = ONE(425, 1000, 4500),
	[WORD_RING_TONE_AT] = ONE(420, 1000, 5000),
	[WORD_RING_TONE_AU] = TWO(413, 438, 400, 200, 400, 2000),
	[WORD_RING_TONE_BE] = ONE(425, 1000, 3000),
	[WORD_RING_TONE_BG] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_BR] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_CH] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_CL] = ONE(400, 1000, 3000),
	[WORD_RING_TONE_CN] = ONE(450, 1000, 4000),
	[WORD_RING_TONE_CZ] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_DE] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_DK] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_EE] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_ES] = ONE(425, 1500, 3000),
	[WORD_RING_TONE_FI] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_FR] = ONE(440, 1500, 3500),
	[WORD_RING_TONE_GB] = TWO(400, 450, 400, 200, 400, 2000),
	[WORD_RING_TONE_GR] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_HK] = TWO(440, 480, 400, 200, 400, 3000),
	[WORD_RING_TONE_HU] = ONE(425, 1250, 3750),
	[WORD_RING_TONE_ID] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_IE] = TWO(400, 450, 400, 200, 400, 2000),
	[WORD_RING_TONE_IL] = ONE(400, 1000, 3000),
	[WORD_RING_TONE_IN] = MODULATED(400, 25, 400, 200, 400, 2000),
	[WORD_RING_TONE_IT] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_JP] = MODULATED(400, 16, 1000, 2000),
	[WORD_RING_TONE_KR] = TWO(440, 480, 1000, 2000),
	[WORD_RING_TONE_LT] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_MX] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_MY] = ONE(425, 400, 200, 400, 2000),
	[WORD_RING_TONE_NL] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_NO] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_NZ] = TWO(400, 450, 400, 200, 400, 2000),
	[WORD_RING_TONE_PH] = TWO(425, 480, 1000, 4000),
	[WORD_RING_TONE_PL] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_PT] = ONE(425, 1000, 5000),
	[WORD_RING_TONE_RU] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_SE] = ONE(425, 1000, 5000),
	[WORD_RING_TONE_SG] = MODULATED(425, 24, 400, 200, 400, 2000),
	[WORD_RING_TONE_TH] = ONE(400, 1000, 4000),
	[WORD_RING_TONE_TR] = ONE(450, 2000, 4000),
	[WORD_RING_TONE_TW] = TWO(440, 480, 1000, 2000),
	[WORD_RING_TONE_US] = TWO(440, 480, 2000, 4000),
	[WORD_RING_TONE_VE] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_VN] = ONE(425, 1000, 4000),
	[WORD_RING_TONE_ZA] = MODULATED(400, 33, 400, 200, 400, 2000),
};

int tone_count(void)
{
	return (int)(sizeof(tones) / sizeof(tones[0]));
}

const struct tone *tone_of(int country)
{
	return &tones[country];
}

static size_t samples_of(unsigned ms)
{
	return (size_t)ms * G711_RATE / 1000;
}

size_t tone_samples(const struct tone *tone)
{
	size_t total = 0;

	for (int i = 0; i < TONE_CADENCE_MAX; i++)
		total += samples_of(tone->cadence_ms[i]);
	return (total + PACKET_SAMPLES - 1) / PACKET_SAMPLES * PACKET_SAMPLES;
}

/* -1 to 1. */
static double wave(const struct tone *tone, size_t sample)
{
	const double turn = 2 * acos(-1) / G711_RATE * (double)sample;
	double first = sin(turn * tone->frequency_hz);

	if (tone->is_modulated)
		return first * (1 + MODULATION_DEPTH * sin(turn * tone->second_hz)) /
		       (1 + MODULATION_DEPTH);
	if (tone->second_hz)
		return (first + sin(turn * tone->second_hz)) / 2;
	return first;
}

/* A sine of the level for one frequency; each of two has 3 dB less, so that their sum has the
 * level. */
static double amplitude(const struct tone *tone)
{
	double level = FULL_SCALE * pow(10, (TONE_LEVEL_DBM0 - FULL_SCALE_DBM0) / 20);

	if (tone->is_modulated)
		return level * (1 + MODULATION_DEPTH) /
		       sqrt(1 + MODULATION_DEPTH * MODULATION_DEPTH / 2);
	return tone->second_hz ? level * sqrt(2) : level;
}

static double ramp(size_t at, size_t len)
{
	size_t edge = at < len - at ? at : len - at;

	return edge < RAMP_SAMPLES ? (double)edge / RAMP_SAMPLES : 1;
}

void tone_fill(const struct tone *tone, int16_t *samples, size_t count)
{
	double peak = amplitude(tone);
	size_t at = 0;

	for (int i = 0; i < TONE_CADENCE_MAX; i++) {
		size_t len = samples_of(tone->cadence_ms[i]);

		for (size_t j = 0; j < len && at < count; j++, at++)
			samples[at] =
				i % 2 ? 0 : (int16_t)lround(peak * ramp(j, len) * wave(tone, j));
	}
	while (at < count)
		samples[at++] = 0;
}
