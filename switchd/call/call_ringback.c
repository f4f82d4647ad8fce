/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Local ring (behaviour C8): the switch plays the ring tone to the caller itself, from when the
 * callee rings (or a while after it was called) until media of the callee's own comes, or the
 * answer. The caller is told of the tone by 183 with an SDP of ours; the port in it stays the one
 * of the call, so nothing moves when the callee takes over but the SSRC. */
#include <stddef.h>
#include <stdio.h>
#include <utlist.h>

#include "shared/base/secret.h"
#include "switchd/call/call_ringback.h"
#include "switchd/call/call_hunt.h"
#include "switchd/media/player.h"

#define TEXT_MAX 512 /* key lines of one stream */

/* The caller's stream that the tone is for. */
struct ring_stream {
	size_t index;
	enum g711_law law;
};

static const char *codec_name(enum g711_law law)
{
	return law == G711_A ? "PCMA" : "PCMU";
}

/* RFC 3551 table 4: PCMU and PCMA have numbers of their own, so no a=rtpmap has to be read. The
 * caller's order is its preference. */
static bool find_law(const struct sdp_stream *stream, enum g711_law *out)
{
	struct span rest = stream->formats;

	while (rest.len) {
		size_t len = span_find(rest, ' ');
		struct span format = {rest.ptr, len};

		len += len < rest.len;
		rest = (struct span){rest.ptr + len, rest.len - len};
		if (span_eq(format, SPAN_LIT("0")) || span_eq(format, SPAN_LIT("8"))) {
			*out = format.ptr[0] == '8' ? G711_A : G711_MU;
			return true;
		}
	}
	return false;
}

/* The first audio stream on which the caller wants to hear something, in a codec that we have. */
static bool find_stream(const struct sdp *sdp, const struct call_media *media,
			struct ring_stream *out)
{
	for (size_t i = 0; i < sdp->stream_count && i < CALL_STREAMS_MAX; i++) {
		const struct sdp_stream *stream = &sdp->streams[i];
		bool wants = stream->direction == SDP_SENDRECV || stream->direction == SDP_RECVONLY;

		if (!media->sessions[i] || !wants || stream->is_null_address ||
		    !span_ieq(stream->media, SPAN_LIT("audio")) || !find_law(stream, &out->law))
			continue;
		out->index = i;
		return true;
	}
	return false;
}

static void add_stream(const struct sdp_stream *stream, const struct sdp_anchor *anchor,
		       enum g711_law law, struct buf *out)
{
	int number = law == G711_A ? 8 : 0;
	uint16_t port = anchor->address.port;

	buf_printf(out, "m=audio %u ", (unsigned)port);
	if (anchor->proto)
		buf_add_str(out, anchor->proto);
	else
		buf_add_span(out, stream->proto);
	buf_printf(out, " %d\r\na=rtpmap:%d %s/8000\r\na=ptime:20\r\na=%s\r\n", number, number,
		   codec_name(law), stream->direction == SDP_SENDRECV ? "sendrecv" : "sendonly");
	if (anchor->write_rtcp)
		buf_printf(out, "a=rtcp:%u\r\n", (unsigned)port);
	buf_add_span(out, anchor->attributes);
}

/* Our answer to the caller's offer: the tone's stream, and every other refused. */
static void write_sdp(const struct call *call, const struct sdp *offer,
		      const struct ring_stream *ring, const struct sdp_anchor *anchor,
		      struct buf *out)
{
	const char *kind = anchor->address.family == ADDR_IP6 ? "IP6" : "IP4";
	char ip[ADDR_TEXT_MAX];

	addr_print_ip(&anchor->address, ip);
	buf_printf(out, "v=0\r\no=- %llu 1 IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n",
		   (unsigned long long)call->id, kind, ip, kind, ip);
	for (size_t i = 0; i < offer->stream_count; i++) {
		const struct sdp_stream *stream = &offer->streams[i];

		if (i == ring->index) {
			add_stream(stream, anchor, ring->law, out);
			continue;
		}
		buf_add_lit(out, "m=");
		buf_add_span(out, stream->media);
		buf_add_lit(out, " 0 ");
		buf_add_span(out, stream->proto);
		buf_add_char(out, ' ');
		buf_add_span(out, stream->formats);
		buf_add_lit(out, "\r\n");
	}
}

/* The SDP for the caller; its encryption is in force from here on. */
static bool describe(struct call *call, struct call_candidate *candidate, const struct sdp *offer,
		     const struct ring_stream *ring, struct buf *out)
{
	struct media_session *session = candidate->media.sessions[ring->index];
	const struct call_cipher_step step = {
		.rules = candidate->media.rules,
		.key = span_of(call->hunt->conf->scramble_key),
		.from = MEDIA_B,
		.is_answer = true,
		.session = session,
	};
	struct sdp_anchor anchor = {.address = call->legs[MEDIA_A]->media.shown};
	char memory[TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	enum vos_err err;

	anchor.address.port = media_port(session, MEDIA_A);
	anchor.write_rtcp = media_layout_of(session) == MEDIA_COMPACT;
	err = call_cipher_answer(candidate->media.ciphers[ring->index], &step, &anchor, &text);
	if (err == VOS_OK)
		write_sdp(call, offer, ring, &anchor, out);
	if (text.len)
		secret_wipe(memory, sizeof(memory));
	return err == VOS_OK && !out->failed;
}

/* False: there is no tone for this caller. */
static bool play(struct call *call, struct call_attempt *attempt)
{
	struct call_candidate *candidate = attempt->candidate;
	struct player *player = media_player(call->table->env.media);
	struct call_hunt *hunt = call->hunt;
	struct leg *caller = call->legs[MEDIA_A];
	char memory[SDP_BYTES_MAX];
	struct buf out = buf_over(memory, sizeof(memory));
	struct ring_stream ring;
	struct sdp offer;
	const char *why;

	/* Without the relay there is no port; after a late offer no codec is agreed on. */
	if (!player || !candidate->media.decision.relay || !hunt->sdp_len ||
	    !sdp_scan((struct span){hunt->sdp, hunt->sdp_len}, &offer, &why) ||
	    !find_stream(&offer, &candidate->media, &ring) ||
	    !describe(call, candidate, &offer, &ring, &out))
		return false;
	call_attempt_open(call, attempt, buf_span(&out));
	if (player_ring(player, candidate->media.sessions[ring.index], ring.law,
			ring.law == G711_A ? 8 : 0) != VOS_OK)
		return false;
	hunt->ring_path = candidate->path;
	snprintf(hunt->ring_codec, sizeof(hunt->ring_codec), "%s", codec_name(ring.law));
	hunt->told = attempt;
	hunt->told_progress = true;
	caller->ops->provisional(caller, call_ingress_ringing(hunt, 183, true), buf_span(&out));
	return true;
}

static bool wants_tone(const struct call_attempt *attempt)
{
	const struct call_candidate *candidate = attempt->candidate;

	return candidate->target.decide.has_local_ring && !candidate->early_sdp;
}

bool call_ringback_covers(struct call *call, struct call_attempt *attempt)
{
	struct call_hunt *hunt = call->hunt;

	if (hunt->ring_path && hunt->ring_path == attempt->candidate->path)
		return true;
	/* With media told of once, that of another callee or none follows. */
	if (hunt->told_path || !wants_tone(attempt) ||
	    attempt->candidate->target.decide.local_ring_delay_s)
		return false;
	return play(call, attempt);
}

static void delay_over(struct wheel_timer *timer, void *owner)
{
	struct call_hunt *hunt =
		(struct call_hunt *)((char *)timer - offsetof(struct call_hunt, ring_timer));
	struct call *call = hunt->ring_call;
	struct call_attempt *attempt;

	(void)owner;
	DL_FOREACH (call->attempts, attempt) {
		if (!attempt->leg || !attempt->candidate || !wants_tone(attempt) || hunt->told_path)
			continue;
		if (play(call, attempt))
			return;
	}
}

void call_ringback_arm(struct call *call, const struct call_attempt *attempt)
{
	const struct call_env *env = &call->table->env;
	struct call_hunt *hunt = call->hunt;
	unsigned delay_s =
		wants_tone(attempt) ? attempt->candidate->target.decide.local_ring_delay_s : 0;

	wheel_stop(env->wheel, &hunt->ring_timer);
	if (delay_s == 0)
		return;
	hunt->ring_call = call;
	wheel_start(env->wheel, &hunt->ring_timer, delay_over, *env->now_us,
		    (uint64_t)delay_s * 1000000);
}

bool call_ringback_differs(const struct call *call, const struct call_attempt *attempt)
{
	const struct call_hunt *hunt = call->hunt;
	const struct call_candidate *candidate = attempt->candidate;

	return hunt->ring_path && hunt->ring_path == candidate->path && candidate->heard.codec[0] &&
	       strcmp(hunt->ring_codec, candidate->heard.codec) != 0;
}

void call_ringback_stop(struct call *call, const struct call_candidate *candidate)
{
	struct call_hunt *hunt = call->hunt;

	if (!hunt->ring_path || hunt->ring_path != candidate->path)
		return;
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++)
		if (candidate->media.sessions[i])
			player_stop(candidate->media.sessions[i]);
	hunt->ring_path = 0;
}

void call_ringback_end(struct call *call)
{
	wheel_stop(call->table->env.wheel, &call->hunt->ring_timer);
}
