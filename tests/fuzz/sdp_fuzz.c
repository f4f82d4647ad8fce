/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP from strangers: the scan ends and stays inside the body; what it takes can be rewritten,
 * reads back as the anchors, shows no address of the far side where the switch reads one, and is
 * stable. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "shared/catalog/catalog.h"
#include "switchd/media/sdp.h"
#include "switchd/media/sdp_codecs.h"
#include "switchd/media/sdp_forms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool is_inside(struct span part, struct span whole)
{
	return part.len == 0 ||
	       (part.ptr >= whole.ptr && part.ptr + part.len <= whole.ptr + whole.len);
}

static void make_anchors(struct sdp_anchor anchors[SDP_STREAMS_MAX], uint8_t seed)
{
	static const char *const addresses[] = {"192.0.2.1", "2001:db8::1", "192.0.2.2"};

	memset(anchors, 0, SDP_STREAMS_MAX * sizeof(*anchors));
	for (int i = 0; i < SDP_STREAMS_MAX; i++) {
		require(addr_parse(span_of(addresses[(seed >> i) % 3]), &anchors[i].address));
		anchors[i].address.port = (uint16_t)(20000 + i);
		anchors[i].write_rtcp = true;
	}
}

static size_t count_rtpmaps(const struct sdp_stream *stream)
{
	struct span lines = stream->lines;
	struct span value;
	size_t count = 0;

	while (sdp_next_attribute(&lines, SPAN_LIT("rtpmap"), &value))
		count++;
	return count;
}

static void check_stream(const struct sdp_stream *before, const struct sdp_stream *after,
			 const struct sdp_anchor *anchor)
{
	require(span_eq(before->media, after->media));
	require(span_eq(before->proto, after->proto));
	require(before->direction == after->direction);
	/* One with the far side's address in it does not pass. */
	require(count_rtpmaps(after) <= count_rtpmaps(before));
	require(count_rtpmaps(after) < count_rtpmaps(before) ||
		strcmp(before->codec, after->codec) == 0);
	require(before->is_null_address == after->is_null_address);
	require((before->port == 0) == (after->port == 0));
	if (after->is_null_address)
		require(after->rtp.family == ADDR_NONE);
	else
		require(addr_ip_eq(&after->rtp, &anchor->address));
	if (after->port)
		require(after->port == anchor->address.port);
	if (after->rtcp.family != ADDR_NONE)
		require(addr_ip_eq(&after->rtcp, &anchor->address));
}

static void check_rewrite(struct span body, const struct sdp *sdp, uint8_t seed)
{
	struct sdp_anchor anchors[SDP_STREAMS_MAX];
	struct buf first = buf_new();
	struct buf second = buf_new();
	struct sdp again;
	const char *why;

	make_anchors(anchors, seed);
	require(sdp_rewrite(body, sdp, anchors, &first));
	/* Addresses may be longer than those they replace, so a body near the limit can outgrow it.
	 */
	if (first.len <= SDP_BYTES_MAX && sdp_scan(buf_span(&first), &again, &why)) {
		require(again.stream_count == sdp->stream_count);
		require(again.origin_version == sdp->origin_version);
		for (size_t i = 0; i < again.stream_count; i++)
			check_stream(&sdp->streams[i], &again.streams[i], &anchors[i]);
		require(sdp_rewrite(buf_span(&first), &again, anchors, &second));
		require(span_eq(buf_span(&first), buf_span(&second)));
	} else {
		require(first.len > SDP_BYTES_MAX || strstr(why, "too many lines"));
	}
	buf_free(&first);
	buf_free(&second);
}

/* What is left has the same streams, and nothing more to take out or to bring into another form. */
static void check_codecs(struct span body, const struct sdp *sdp, uint8_t seed)
{
	const struct conf_codecs from = {
		.count = seed & 1,
		.list = {seed % (WORD_CODEC_OPUS + 1)},
		.g729_mode = seed / 64 % (WORD_G729_MODE_G729A + 1),
		.has_no_fax = seed >> 5 & 1,
	};
	const struct conf_codecs to = {
		.count = seed & 2,
		.list = {WORD_CODEC_G711U, seed / 2 % (WORD_CODEC_OPUS + 1)},
		.g729_mode = seed / 4 % (WORD_G729_MODE_G729A + 1),
		.annexb = seed / 2 % (WORD_ANNEX_ABSENT + 1),
		.annexa = seed / 8 % (WORD_ANNEX_ABSENT + 1),
	};
	const struct sdp_codecs codecs = {
		.from = &from,
		.to = &to,
		.is_answer = seed >> 7,
		.denied = seed >> 7 ? sdp_forms_denied(sdp) : 0,
	};
	struct buf first = buf_new();
	struct buf second = buf_new();
	struct sdp again;
	const char *why;

	if (sdp_codecs_write(body, sdp, &codecs, &first) && first.len <= SDP_BYTES_MAX &&
	    sdp_scan(buf_span(&first), &again, &why)) {
		require(again.stream_count == sdp->stream_count);
		require(sdp_codecs_write(buf_span(&first), &again, &codecs, &second));
		require(span_eq(buf_span(&first), buf_span(&second)));
	}
	buf_free(&first);
	buf_free(&second);
}

/* An answer of ours has the offer's streams. */
static void check_answer(struct span body, const struct sdp *sdp, uint8_t seed)
{
	struct sdp_anchor anchors[SDP_STREAMS_MAX];
	struct buf answer = buf_new();
	struct sdp again;
	const char *why;

	make_anchors(anchors, seed);
	if (seed & 1)
		anchors[0].address.port = 0;
	require(sdp_answer(body, &anchors[0], SDP_SENDONLY, &answer));
	if (sdp_scan(buf_span(&answer), &again, &why)) {
		require(again.stream_count == sdp->stream_count);
		for (size_t i = 0; i < again.stream_count; i++) {
			require(span_eq(sdp->streams[i].media, again.streams[i].media));
			require(span_eq(sdp->streams[i].formats, again.streams[i].formats));
			require(!again.streams[i].port || sdp->streams[i].port);
			if (again.streams[i].port && (i || seed & 1))
				require(again.streams[i].direction == SDP_INACTIVE);
		}
	} else {
		require(answer.len > SDP_BYTES_MAX || strstr(why, "too many lines"));
	}
	buf_free(&answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span body = {(const char *)data + 1, size ? size - 1 : 0};
	struct sdp sdp;
	const char *why = NULL;

	if (size == 0)
		return 0;
	if (!sdp_scan(body, &sdp, &why)) {
		require(why && *why);
		return 0;
	}
	require(sdp.stream_count >= 1 && sdp.stream_count <= SDP_STREAMS_MAX);
	for (size_t i = 0; i < sdp.stream_count; i++) {
		require(is_inside(sdp.streams[i].media, body));
		require(is_inside(sdp.streams[i].proto, body));
		require(is_inside(sdp.streams[i].formats, body));
		require(memchr(sdp.streams[i].codec, '\0', sizeof(sdp.streams[i].codec)));
	}
	check_rewrite(body, &sdp, data[0]);
	check_codecs(body, &sdp, data[0]);
	check_answer(body, &sdp, data[0]);
	return 0;
}
