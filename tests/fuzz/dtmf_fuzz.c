/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Telephone events of strangers: packets of any shape are looked at without leaving them, what is
 * told is a digit, what is sent has room; and an SDP that is given or relieved of events says so to
 * whoever reads it again. */
#include <stdlib.h>
#include <string.h>

#include "switchd/media/dtmf.h"
#include "switchd/media/packet.h"
#include "switchd/media/sdp_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* A stream as the relay sees it: a length, then so many bytes. */
static void run_packets(const uint8_t *data, size_t size)
{
	const struct dtmf_rule rule = {.types = {101, 96},
				       .type = data[0] & 1 ? 97 : 0,
				       .reports = data[0] & 2,
				       .refuses = data[0] & 4,
				       .first_only = data[0] & 8,
				       .clock_hz = 8000};
	struct dtmf_stream stream;
	uint64_t now_us = 1;
	size_t at = 1;

	dtmf_init(&stream, &rule);
	while (at < size) {
		size_t len = data[at++];
		uint8_t *packet;
		struct dtmf_event event;

		now_us += 5000;
		if (len > size - at)
			len = size - at;
		packet = malloc(len ? len : 1); /* its end is where the sanitizer looks */
		require(packet != NULL);
		memcpy(packet, data + at, len);
		at += len;
		if (len >= 12 && packet_kind(packet, len) == PACKET_RTP) {
			dtmf_take(&stream, now_us, packet, len, &event);
			require(!event.digit || dtmf_code(event.digit) >= 0);
			if (event.digit)
				dtmf_insert(&stream, now_us, &event);
		} else if (len == 1) {
			dtmf_insert(&stream, now_us, &(struct dtmf_event){(char)packet[0], len});
		}
		free(packet);
		packet = malloc(DTMF_PACKET_BYTES);
		require(packet != NULL);
		dtmf_next(&stream, now_us, packet);
		free(packet);
	}
}

static void rewrite(struct span body, uint8_t type)
{
	const struct sdp_event wanted = {type, 8000};
	char memory[2 * SDP_BYTES_MAX];
	struct buf out = buf_over(memory, sizeof(memory));
	struct sdp_event found;
	struct sdp before;
	struct sdp after;
	const char *why;

	if (!sdp_scan(body, &before, &why))
		return;
	sdp_event_find(body, 0, &found);
	if (!sdp_event_write(body, 0, &wanted, &out) || out.len > SDP_BYTES_MAX)
		return;
	require(sdp_scan(buf_span(&out), &after, &why) || after.stream_count == 0 || why != NULL);
	require(after.stream_count == before.stream_count || why != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = {(const char *)data, size};

	if (size < 2)
		return 0;
	run_packets(data, size);
	rewrite(body, 0);
	rewrite(body, 101);
	return 0;
}
