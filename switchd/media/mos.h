/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How good speech is likely to sound: the E-model of ITU-T G.107, with everything at its default
 * that the switch cannot know (noise, echo, sidetone, A = 0):
 *
 *   R = 93.2 - Id - Ie,eff
 *   Id = 0.024 d + 0.11 (d - 177.3) H(d - 177.3)         H(x) = 1 for x > 0, else 0
 *   Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl)
 *   MOS = 1 for R <= 0, 4.5 for R >= 100, else 1 + 0.035 R + R (R - 60)(100 - R) 7e-6
 *
 * d is the delay from mouth to ear in ms. Id is the approximation of G.107's delay impairment by
 * two straight lines, which holds for d < 400 ms and perfect echo cancellation. Ppl is the loss in
 * percent, BurstR the mean length of losses in a row over what random loss would give,
 * 1 / (1 - Ppl / 100). Ie and Bpl are the codec's, from ITU-T G.113 appendix I; a codec not in that
 * table is taken as G.711 with concealment. A narrowband scale: G.722 and Opus cannot come out
 * better than G.711, whatever they sound like.
 *
 * d is made of half the round trips to both parties, two packets for packetisation and look-ahead
 * (40 ms), and a jitter buffer of four times the jitter, of at least 20 ms. Where no RTCP tells the
 * round trip it counts as 0, so that the estimate is then too good rather than made up. */
#pragma once

#include <stdint.h>

struct mos_input {
	const char *codec;  /* name of the SDP's rtpmap, any case; NULL or "": not known */
	uint32_t loss_ppm;  /* of what should have come */
	uint32_t run_milli; /* mean losses in a row, in thousandths; 0: not known, random */
	uint32_t jitter_us;
	uint32_t round_trip_us; /* to both parties together */
};

struct mos {
	uint16_t r_tenths; /* 0 to 932 */
	uint16_t centi;    /* 100 to 450 */
};

struct mos mos_estimate(const struct mos_input *input);
