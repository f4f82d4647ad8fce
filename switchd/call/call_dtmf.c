/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_dtmf.h"

#include <stdio.h>
#include <stdlib.h>

#include "switchd/call/call_early.h"
#include "switchd/call/call_trace.h"
#include "switchd/media/sdp_event.h"

static enum media_side other_side(enum media_side side)
{
	return side == MEDIA_A ? MEDIA_B : MEDIA_A;
}

/* --- What is agreed on. --- */

/* The number of telephone-event in an offer to a party, 0 = none; *event is the sender's. */
static uint8_t offered(const struct call_dtmf *dtmf, enum media_side from, enum media_side to,
		       const struct sdp_stream *stream, struct sdp_event *event)
{
	uint8_t kind = dtmf->parties[to].send;
	uint8_t wanted = dtmf->parties[to].type;
	bool is_wanted = kind == WORD_DTMF_RFC2833 ||
			 (kind == WORD_DTMF_AUTO && dtmf->parties[from].send == WORD_DTMF_INFO);

	if (kind == WORD_DTMF_INFO || kind == WORD_DTMF_OFF)
		return 0;
	if (event->type)
		return wanted ? sdp_event_free_type(stream, wanted) : event->type;
	if (!is_wanted)
		return 0;
	event->clock_hz = 8000;
	return sdp_event_free_type(stream, wanted);
}

/* The same in an answer: the party sees its own number or none. */
static uint8_t answered(const struct call_dtmf *dtmf, enum media_side from, enum media_side to,
			struct sdp_event *event)
{
	uint8_t kind = dtmf->parties[from].send;
	bool becomes_info = kind == WORD_DTMF_INFO ||
			    (kind == WORD_DTMF_AUTO && dtmf->parties[to].send == WORD_DTMF_RFC2833);

	if (kind == WORD_DTMF_OFF || (!event->type && !becomes_info))
		return 0;
	if (!event->type)
		event->clock_hz = dtmf->clock_khz[to] * 1000u;
	return dtmf->own[to];
}

/* What is done to packets of that party; false: nothing. */
static bool rule_of(const struct call_dtmf *dtmf, enum media_side from, struct dtmf_rule *out)
{
	enum media_side to = other_side(from);
	uint8_t kind = dtmf->parties[to].send;
	uint8_t receive = dtmf->parties[from].receive;
	uint8_t first = dtmf->told[from] ? dtmf->told[from] : dtmf->own[from];
	uint8_t second = dtmf->own[from] != first ? dtmf->own[from] : 0;

	*out = (struct dtmf_rule){
		.types = {first, second},
		.clock_hz = (dtmf->own[to] ? dtmf->clock_khz[to] : dtmf->clock_khz[from]) * 1000u,
		.refuses = receive == WORD_DTMF_RECEIVE_INFO || receive == WORD_DTMF_RECEIVE_OFF,
	};
	if (kind == WORD_DTMF_OFF)
		return first;
	if (kind == WORD_DTMF_INFO || !dtmf->own[to]) {
		if (out->refuses)
			return first;
		out->reports = kind == WORD_DTMF_INFO ? first : dtmf->told[from];
		return out->reports;
	}
	out->type = dtmf->own[to];
	out->inserts = kind == WORD_DTMF_RFC2833 || dtmf->parties[from].send == WORD_DTMF_INFO;
	out->first_only = receive == WORD_DTMF_RECEIVE_ALL && !out->inserts;
	return out->inserts ||
	       (first && (out->refuses || out->first_only || first != out->type || second));
}

/* --- The relay. --- */

static void heard(struct mail *mail, void *receiver);

static void settle(struct call *call, struct call_media *media)
{
	struct call_dtmf *dtmf = &media->dtmf;
	struct media_session *session = media->sessions[dtmf->stream];

	for (int side = 0; session && side < MEDIA_SIDES; side++) {
		const struct dtmf_teller teller = {
			.box = call->table->env.mailbox,
			.run = heard,
			.context = call->table,
			.call = call->id,
		};
		struct dtmf_rule rule;
		bool is_needed = rule_of(dtmf, (enum media_side)side, &rule);

		if (dtmf->works[side])
			dtmf_work_change(session, dtmf->works[side], &rule);
		else if (is_needed)
			dtmf->works[side] =
				dtmf_work_start(session, (enum media_side)side, &rule, &teller);
		if (dtmf->works[side] && dtmf->heard[side] == DTMF_INFO)
			(void)dtmf_work_claim(dtmf->works[side]); /* before there was media */
	}
}

static size_t audio_of(const struct sdp *sdp)
{
	for (size_t i = 0; i < sdp->stream_count && i < CALL_STREAMS_MAX; i++)
		if (span_eq(sdp->streams[i].media, SPAN_LIT("audio")) && sdp->streams[i].port)
			return i;
	return SIZE_MAX;
}

static bool mentions_events(struct span body)
{
	return body.len && memmem(body.ptr, body.len, "telephone-event", 15) != NULL;
}

/* Of a stream, where it is and what the receiver is told of events. */
static uint8_t agree(struct call_dtmf *dtmf, const struct call_pass *pass,
		     const struct sdp_stream *stream, struct sdp_event *event)
{
	enum media_side from = pass->from->side;
	enum media_side to = other_side(from);

	dtmf->own[from] = event->type;
	if (event->type)
		dtmf->clock_khz[from] = (uint8_t)(event->clock_hz / 1000);
	return pass->is_answer ? answered(dtmf, from, to, event)
			       : offered(dtmf, from, to, stream, event);
}

bool call_dtmf_forward(struct call *call, const struct call_pass *pass, const struct sdp *sdp,
		       struct span body, const struct sdp_anchor *anchors, struct buf *out)
{
	struct call_dtmf *dtmf = &pass->media->dtmf;
	enum media_side to = other_side(pass->from->side);
	struct sdp_event event = {0};
	char memory[SDP_BYTES_MAX + 1024];
	struct buf rewritten = buf_over(memory, sizeof(memory));
	size_t stream = audio_of(sdp);
	uint8_t before;

	if (stream == SIZE_MAX) {
		/* Fax, or nothing: no digits that could be converted. */
		dtmf->own[pass->from->side] = 0;
		dtmf->told[to] = 0;
		if (pass->is_answer)
			settle(call, pass->media);
		return sdp_rewrite(body, sdp, anchors, out);
	}
	dtmf->stream = (uint8_t)stream;
	if (mentions_events(body))
		sdp_event_find(body, stream, &event);
	before = event.type;
	event.type = agree(dtmf, pass, &sdp->streams[stream], &event);
	dtmf->told[to] = event.type;
	if (pass->is_answer)
		settle(call, pass->media);
	if (event.type == before)
		return sdp_rewrite(body, sdp, anchors, out);
	return sdp_rewrite(body, sdp, anchors, &rewritten) &&
	       sdp_event_write(buf_span(&rewritten), stream, &event, out);
}

void call_dtmf_restore(struct call_dtmf *dtmf, const struct call_dtmf *before)
{
	*dtmf = *before;
}

/* --- INFO. --- */

/* "5", "#", or as a number: 10 is *, 11 is #, 12 to 15 are A to D, 16 is the hook flash. */
static char digit_of(struct span text)
{
	static const char digits[] = "0123456789*#ABCD!";
	uint64_t number;

	text = span_trim(text);
	if (text.len == 1 && dtmf_code(text.ptr[0]) >= 0)
		return digits[dtmf_code(text.ptr[0])];
	return text.len == 2 && span_to_u64(text, 16, &number) ? digits[number] : '\0';
}

static bool is_type(struct span content_type, struct span wanted)
{
	content_type.len = span_find(content_type, ';');
	return span_ieq(span_trim(content_type), wanted);
}

/* "Signal=5", "Duration= 160", one in a line. */
static void read_relay(struct span body, struct dtmf_event *out)
{
	while (body.len) {
		size_t end = span_find(body, '\n');
		struct span line = span_trim((struct span){body.ptr, end});
		size_t equals = span_find(line, '=');
		struct span name = span_trim((struct span){line.ptr, equals});
		uint64_t duration_ms;

		end += end < body.len;
		body = (struct span){body.ptr + end, body.len - end};
		if (equals == line.len)
			continue;
		line = span_trim((struct span){line.ptr + equals + 1, line.len - equals - 1});
		if (span_ieq(name, SPAN_LIT("Signal")))
			out->digit = digit_of(line);
		else if (span_ieq(name, SPAN_LIT("Duration")) &&
			 span_to_u64(line, DTMF_MAX_MS, &duration_ms))
			out->duration_ms = (unsigned)duration_ms;
	}
}

static struct dtmf_event event_of(const struct call_inside *inside)
{
	struct dtmf_event event = {.duration_ms = DTMF_DEFAULT_MS};

	if (inside->kind != CALL_INSIDE_INFO)
		return event;
	if (is_type(inside->content_type, SPAN_LIT("application/dtmf-relay")))
		read_relay(inside->body, &event);
	else if (is_type(inside->content_type, SPAN_LIT("application/dtmf")))
		event.digit = digit_of(inside->body);
	return event;
}

/* True when this kind of digits is the one that counts of the party. */
static bool counts(struct call_dtmf *dtmf, enum media_side from, enum dtmf_kind kind)
{
	if (dtmf->heard[from] == DTMF_UNHEARD)
		dtmf->heard[from] = (uint8_t)kind;
	return dtmf->heard[from] == kind;
}

/* Whether a digit by INFO goes any further. */
static bool info_counts(struct call_dtmf *dtmf, enum media_side from, const struct dtmf_rule *rule)
{
	uint8_t receive = dtmf->parties[from].receive;

	if (receive == WORD_DTMF_RECEIVE_RFC2833 || receive == WORD_DTMF_RECEIVE_OFF ||
	    dtmf->parties[other_side(from)].send == WORD_DTMF_OFF)
		return false;
	if (rule->first_only && dtmf->works[from] && !dtmf_work_claim(dtmf->works[from]))
		return false;
	return counts(dtmf, from, DTMF_INFO);
}

bool call_dtmf_take(struct leg *from, struct call_media *media, const struct call_inside *inside)
{
	struct call_dtmf *dtmf = &media->dtmf;
	struct dtmf_event event = event_of(inside);
	enum media_side side = from->side;
	struct dtmf_rule rule;
	int status = 200;

	if (!event.digit)
		return false;
	rule_of(dtmf, side, &rule);
	if (!info_counts(dtmf, side, &rule)) {
		call_note(from->call, TRACE_DIGIT_IGNORED, (uint8_t)side, side, 0, "");
		from->ops->inside_result(from, inside->number, 200);
		return true;
	}
	if (!dtmf->works[side] || !rule.inserts)
		return false;
	if (!dtmf_work_send(media->sessions[dtmf->stream], dtmf->works[side], &event))
		status = 503;
	from->ops->inside_result(from, inside->number, status);
	return true;
}

/* Who is told of a digit of that side, and in which media it was; NULL: nobody is there. */
static struct leg *listener(struct call *call, enum media_side from, struct call_media **media)
{
	struct call_attempt *attempt = NULL;

	if (call->hunt && call->legs[MEDIA_A])
		attempt = call_early_attempt(call, call->legs[MEDIA_A]);
	if (call->hunt && !attempt)
		return NULL;
	*media = attempt ? &attempt->candidate->media : &call->media;
	return attempt && from == MEDIA_A ? attempt->leg : call->legs[other_side(from)];
}

/* A digit that the relay has taken out of the stream of a party. */
static void heard(struct mail *mail, void *receiver)
{
	struct dtmf_letter *letter = (struct dtmf_letter *)mail;
	struct call *call = call_find(letter->context, letter->call);
	struct call_media *media = NULL;
	struct leg *to = call ? listener(call, letter->side, &media) : NULL;
	char body[64];
	int len;

	(void)receiver;
	if (to && counts(&media->dtmf, letter->side, DTMF_EVENTS)) {
		len = snprintf(body, sizeof(body), "Signal=%c\r\nDuration=%u\r\n",
			       letter->event.digit, letter->event.duration_ms);
		(void)to->ops->inside(to,
				      &(struct call_inside){
					      .kind = CALL_INSIDE_INFO,
					      .content_type = SPAN_LIT("application/dtmf-relay"),
					      .body = {body, (size_t)len},
				      });
	}
	free(letter);
}
