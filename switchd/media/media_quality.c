/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told of a stream to other threads. */
#include "shared/base/clock.h"
#include "switchd/media/media.h"
#include "switchd/media/relay.h"

/* RFC 3551 table 4, of those that the E-model knows. */
static const char *codec_of(uint8_t payload_type, const char *codec)
{
	switch (payload_type) {
	case 0:
		return "PCMU";
	case 3:
		return "GSM";
	case 4:
		return "G723";
	case 8:
		return "PCMA";
	case 15:
		return "G728";
	case 18:
		return "G729";
	default:
		return codec;
	}
}

/* As its receiver reports it; what was lost on the way here is in it. */
static uint32_t reported_loss(const struct stream_quality *stream,
			      const struct rtcp_quality *reports)
{
	uint64_t expected = stream->packets - stream->duplicates + stream->lost;

	if (reports->lost <= 0 || expected == 0)
		return 0;
	if ((uint64_t)reports->lost >= expected)
		return 1000000;
	return (uint32_t)((uint64_t)reports->lost * 1000000 / expected);
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

void media_quality(const struct media_session *session, enum media_side side, const char *codec,
		   struct media_quality *out)
{
	const struct relay_side *sender = &session->sides[side];
	const struct relay_side *receiver = sender->other;
	struct stream_quality *stream = &out->stream;
	struct rtcp_quality heard;
	struct mos_input input;

	*out = (struct media_quality){.mos = {0}};
	quality_read(sender->stats, clock_mono_us(), stream);
	rtcp_read(&sender->reports, STREAM_GET(receiver->stats->clock_hz), &out->reports);
	if (stream->packets == 0)
		return;
	rtcp_read(&receiver->reports, STREAM_GET(sender->stats->clock_hz), &heard);
	input = (struct mos_input){
		.codec = codec_of(stream->payload_type, codec),
		.loss_ppm = larger(stream->loss_ppm, reported_loss(stream, &heard)),
		.run_milli = stream->run_milli,
		.jitter_us = larger(stream->jitter_us, heard.jitter_us),
		.round_trip_us = out->reports.round_trip_mean_us + heard.round_trip_mean_us,
	};
	out->mos = mos_estimate(&input);
}
