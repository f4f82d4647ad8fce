/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/mos.h"

#include <stddef.h>
#include <strings.h>

#define R_DEFAULT          93.2
#define DELAY_FIXED_MS     40.0
#define BUFFER_MIN_MS      20.0
#define BUFFER_PER_JITTER  4.0
#define DELAY_KNEE_MS      177.3
#define IMPAIRMENT_HIGHEST 95.0

/* ITU-T G.113 (11/2007) appendix I, tables I.1 and I.4. */
static const struct codec {
	const char *name;
	double ie;
	double bpl;
} CODECS[] = {
	{"PCMU", 0, 25.1},    {"PCMA", 0, 25.1},    {"G729", 11, 19.0}, {"G723", 15, 16.1},
	{"GSM", 20, 43.0},    {"GSM-EFR", 5, 10.0}, {"iLBC", 11, 32.0}, {"G728", 7, 17.0},
	{"G726-32", 7, 17.0}, {"AMR", 5, 10.0},
};

static const struct codec *codec_of(const char *name)
{
	for (size_t i = 0; name && i < sizeof(CODECS) / sizeof(CODECS[0]); i++)
		if (strcasecmp(CODECS[i].name, name) == 0)
			return &CODECS[i];
	return &CODECS[0];
}

static double delay_impairment(const struct mos_input *input)
{
	double buffer_ms = input->jitter_us / 1000.0 * BUFFER_PER_JITTER;
	double delay_ms = input->round_trip_us / 2000.0 + DELAY_FIXED_MS;

	delay_ms += buffer_ms > BUFFER_MIN_MS ? buffer_ms : BUFFER_MIN_MS;
	if (delay_ms > DELAY_KNEE_MS)
		return 0.024 * delay_ms + 0.11 * (delay_ms - DELAY_KNEE_MS);
	return 0.024 * delay_ms;
}

static double loss_impairment(const struct mos_input *input)
{
	const struct codec *codec = codec_of(input->codec);
	double loss = input->loss_ppm < 1000000 ? input->loss_ppm / 10000.0 : 100.0;
	double burst = input->run_milli / 1000.0 * (1.0 - loss / 100.0);

	/* Shorter than random is as good as random. */
	if (burst < 1.0)
		burst = 1.0;
	return codec->ie + (IMPAIRMENT_HIGHEST - codec->ie) * loss / (loss / burst + codec->bpl);
}

struct mos mos_estimate(const struct mos_input *input)
{
	double r = R_DEFAULT - delay_impairment(input) - loss_impairment(input);
	double mos;

	if (r < 0)
		r = 0;
	mos = 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6;
	/* The cubic dips below 1 for the smallest R. */
	if (mos < 1)
		mos = 1;
	return (struct mos){
		.r_tenths = (uint16_t)(r * 10 + 0.5),
		.centi = (uint16_t)(mos * 100 + 0.5),
	};
}
