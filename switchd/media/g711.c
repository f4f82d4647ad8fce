/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/g711.h"

#define MU_BIAS 33 /* in 14-bit steps: moves the first segment's start to a power of two */

/* Number of the highest bit that is set; magnitude is not 0. */
static int highest_bit(unsigned magnitude)
{
	return 31 - __builtin_clz(magnitude);
}

/* Segments 0 and 1 have the same step of 2 (in 13-bit terms 1), each further one twice that. */
static uint8_t encode_a(int16_t sample)
{
	unsigned magnitude = sample < 0 ? (unsigned)(-1 - sample) >> 3 : (unsigned)sample >> 3;
	unsigned segment = magnitude < 32 ? 0 : (unsigned)highest_bit(magnitude) - 4;
	unsigned step = segment ? segment - 1 : 0;
	unsigned code = segment << 4 | (magnitude >> (step + 1) & 15);

	/* The sign is 1 for positive samples; every second bit is turned over on the line. */
	return (uint8_t)((code | (sample < 0 ? 0 : 0x80)) ^ 0x55);
}

static int16_t decode_a(uint8_t code)
{
	unsigned bits = code ^ 0x55u;
	unsigned segment = bits >> 4 & 7;
	unsigned magnitude = (bits & 15) << 1 | 1;

	if (segment)
		magnitude = (magnitude + 32) << (segment - 1);
	magnitude <<= 3;
	return (int16_t)(bits & 0x80 ? (int)magnitude : -(int)magnitude);
}

static uint8_t encode_mu(int16_t sample)
{
	unsigned magnitude = (unsigned)(sample < 0 ? -1 - sample : sample) >> 2;
	unsigned segment;
	unsigned code;

	magnitude += MU_BIAS;
	if (magnitude > 0x1fff)
		magnitude = 0x1fff;
	segment = (unsigned)highest_bit(magnitude) - 5;
	code = segment << 4 | (magnitude >> (segment + 1) & 15);
	/* All bits are turned over on the line, the sign being 1 for negative samples before. */
	return (uint8_t) ~(code | (sample < 0 ? 0x80 : 0));
}

static int16_t decode_mu(uint8_t code)
{
	unsigned bits = (uint8_t)~code;
	unsigned segment = bits >> 4 & 7;
	unsigned magnitude = ((((bits & 15) << 1 | 1) + 32) << segment) - MU_BIAS;

	magnitude <<= 2;
	return (int16_t)(bits & 0x80 ? -(int)magnitude : (int)magnitude);
}

uint8_t g711_encode(enum g711_law law, int16_t sample)
{
	return law == G711_A ? encode_a(sample) : encode_mu(sample);
}

int16_t g711_decode(enum g711_law law, uint8_t code)
{
	return law == G711_A ? decode_a(code) : decode_mu(code);
}
