/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Media of a call that is up, looked at every other second: a party that hears nothing, packets
 * that somebody else sends to its ports, and streams whose end is to end the call (behaviour B3,
 * RTP interrupt detection).
 *
 * Only of the first stream, and only of what the relay sees. A party that may be silent (the other
 * is on hold, sends only, has gone over to fax) is not missed. Alarms name the call; of each kind a
 * thread has at most ALARMS_UP_MAX, so that an attack on all calls does not fill the list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/call/call_hunt.h"
#include "switchd/call/call_trace.h"

#define SECOND_US UINT64_C(1000000)
#define LOOK_US   (2 * SECOND_US)
/* Speech pauses, also with silence suppression: comfort noise comes more often. */
#define DEAF_US (10 * SECOND_US)
/* A second of a stream that is not the call's. A stray packet is no attack. */
#define FOREIGN_MANY  50
#define FOREIGN_FEW   5
#define WINDOW_US     (10 * SECOND_US)
#define WINDOWS_QUIET 6
#define ALARMS_UP_MAX 16

enum { ALARM_DEAF, ALARM_FOREIGN };

static const int ALARM_KINDS[] = {
	[ALARM_DEAF] = WORD_ALARM_KIND_ONE_WAY_AUDIO,
	[ALARM_FOREIGN] = WORD_ALARM_KIND_FOREIGN_MEDIA,
};

/* The stream that a side sends. */
struct watched {
	uint64_t packets;
	uint64_t since_us;       /* the number is that */
	uint64_t missed_us;      /* in all, while the other side would have heard it */
	int64_t missed_since_ms; /* wall time; 0 = it comes */
	bool ends_call;
};

struct call_watch {
	struct wheel_timer timer;
	struct call *call;
	struct watched sides[MEDIA_SIDES];
	uint64_t refused; /* packets, at the beginning of the window */
	uint64_t window_us;
	uint32_t limit_s; /* of a stream that ends the call */
	uint8_t windows_quiet;
	bool has_alarm[2];
};

static uint64_t now_us(const struct call *call)
{
	return *call->table->env.now_us;
}

/* --- Alarms. --- */

static char *subject_of(const struct call *call, char out[ALARM_SUBJECT_MAX])
{
	snprintf(out, ALARM_SUBJECT_MAX, "%016llx", (unsigned long long)call->id);
	return out;
}

static void raise_alarm(struct call_watch *watch, int which, const char *text)
{
	struct call_table *table = watch->call->table;
	char subject[ALARM_SUBJECT_MAX];

	if (watch->has_alarm[which] || table->alarms_up[which] >= ALARMS_UP_MAX)
		return;
	watch->has_alarm[which] = true;
	table->alarms_up[which]++;
	alarms_raise(table->env.alarms, ALARM_KINDS[which], subject_of(watch->call, subject), "%s",
		     text);
}

static void clear_alarm(struct call_watch *watch, int which)
{
	struct call_table *table = watch->call->table;
	char subject[ALARM_SUBJECT_MAX];

	if (!watch->has_alarm[which])
		return;
	watch->has_alarm[which] = false;
	table->alarms_up[which]--;
	alarms_clear(table->env.alarms, ALARM_KINDS[which], subject_of(watch->call, subject));
}

/* --- Streams that are missing. --- */

static bool sends(const struct call_stream *stream)
{
	return stream->direction == SDP_SENDRECV || stream->direction == SDP_SENDONLY;
}

static bool hears(const struct call_stream *stream)
{
	return stream->direction == SDP_SENDRECV || stream->direction == SDP_RECVONLY;
}

/* Whether something should come from that side. */
static bool is_due(const struct call *call, int side)
{
	const struct call_stream *own = &call->streams[side];
	const struct call_stream *other = &call->streams[!side];

	return call->media.sessions[0] && sends(own) && hears(other) &&
	       strcasecmp(own->codec, "t38") != 0 && strcasecmp(other->codec, "t38") != 0;
}

static uint64_t missing_us(const struct call_watch *watch, int side)
{
	return now_us(watch->call) - watch->sides[side].since_us;
}

static void note_stream(struct call_watch *watch, int side)
{
	struct watched *watched = &watch->sides[side];
	const struct call *call = watch->call;
	struct media_counters counters = {0};

	if (call->media.sessions[0])
		media_read(call->media.sessions[0], (enum media_side)side, &counters);
	if (counters.packets == watched->packets && is_due(call, side))
		return;
	watched->packets = counters.packets;
	watched->since_us = now_us(call);
}

const char *call_watch_text(enum media_side deaf, int64_t since_ms, char out[CALL_DEAF_TEXT])
{
	char since[CLOCK_TEXT_MAX];

	clock_print_utc(since_ms, since);
	snprintf(out, CALL_DEAF_TEXT, "%s heard nothing since %.8s UTC",
		 deaf == MEDIA_A ? "caller" : "callee", strlen(since) > 11 ? since + 11 : since);
	return out;
}

/* The stream of `side` is missing, and the other one comes: who should hear it hears nothing. */
static bool note_missing(struct call_watch *watch, int side)
{
	struct watched *watched = &watch->sides[side];
	bool is_missing = missing_us(watch, side) >= DEAF_US && missing_us(watch, !side) < DEAF_US;
	char text[CALL_DEAF_TEXT];

	if (!is_missing) {
		watched->missed_since_ms = 0;
		return false;
	}
	if (!watched->missed_since_ms) {
		watched->missed_since_ms =
			clock_wall_ms() - (int64_t)(missing_us(watch, side) / 1000);
		watched->missed_us += missing_us(watch, side) - LOOK_US;
		call_note(watch->call, TRACE_MEDIA_SILENT, (uint8_t)side, side,
			  (int64_t)(missing_us(watch, side) / SECOND_US), "");
		raise_alarm(
			watch, ALARM_DEAF,
			call_watch_text((enum media_side) !side, watched->missed_since_ms, text));
	}
	watched->missed_us += LOOK_US;
	return true;
}

static bool is_interrupted(const struct call_watch *watch)
{
	for (int side = 0; side < MEDIA_SIDES; side++)
		if (watch->sides[side].ends_call &&
		    missing_us(watch, side) >= watch->limit_s * SECOND_US)
			return true;
	return false;
}

/* --- Packets of others. --- */

static uint64_t refused_of(const struct call *call)
{
	struct media_counters counters;
	uint64_t refused = 0;

	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		for (int side = 0; call->media.sessions[i] && side < MEDIA_SIDES; side++) {
			media_read(call->media.sessions[i], (enum media_side)side, &counters);
			refused += counters.foreign;
		}
	}
	return refused;
}

static void look_for_foreign(struct call_watch *watch)
{
	const struct call *call = watch->call;
	uint64_t refused = refused_of(call);
	uint64_t more = refused - watch->refused;
	char text[ALARM_TEXT_MAX];

	if (more >= FOREIGN_MANY) {
		watch->windows_quiet = 0;
		snprintf(text, sizeof(text),
			 "others send to the ports of the call from %.40s to %.40s: %llu packets "
			 "dropped",
			 call->caller, call->callee, (unsigned long long)refused);
		raise_alarm(watch, ALARM_FOREIGN, text);
	}
	if (now_us(call) - watch->window_us < WINDOW_US)
		return;
	if (more < FOREIGN_FEW && watch->windows_quiet < WINDOWS_QUIET)
		watch->windows_quiet++;
	else if (more >= FOREIGN_FEW)
		watch->windows_quiet = 0;
	if (watch->windows_quiet == WINDOWS_QUIET)
		clear_alarm(watch, ALARM_FOREIGN);
	watch->window_us = now_us(call);
	watch->refused = refused;
}

/* --- For the call. --- */

static void fired(struct wheel_timer *timer, void *owner);

static void look_again(struct call_watch *watch)
{
	const struct call_env *env = &watch->call->table->env;

	wheel_start(env->wheel, &watch->timer, fired, *env->now_us, LOOK_US);
}

static void fired(struct wheel_timer *timer, void *owner)
{
	struct call_watch *watch =
		(struct call_watch *)((char *)timer - offsetof(struct call_watch, timer));
	bool is_deaf;

	(void)owner;
	for (int side = 0; side < MEDIA_SIDES; side++)
		note_stream(watch, side);
	if (is_interrupted(watch)) {
		call_note(watch->call, TRACE_TIMER, TRACE_NO_SIDE, watch->limit_s, 0,
			  "media of one side");
		call_end(watch->call, NULL, cause_of(CAUSE_RTP_INTERRUPTED));
		return;
	}
	is_deaf = note_missing(watch, MEDIA_A);
	is_deaf = note_missing(watch, MEDIA_B) || is_deaf;
	if (!is_deaf)
		clear_alarm(watch, ALARM_DEAF);
	look_for_foreign(watch);
	look_again(watch);
}

/* Whether the end of the stream that `side` sends ends the call: as that party or the other one has
 * it. */
static bool ends_call(const struct call *call, int side)
{
	uint8_t own = call->decided[side].rtp_detection;
	uint8_t other = call->decided[!side].rtp_detection;

	return own == WORD_RTP_DETECTION_REMOTE_TO_SERVER || own == WORD_RTP_DETECTION_BOTH ||
	       other == WORD_RTP_DETECTION_SERVER_TO_REMOTE || other == WORD_RTP_DETECTION_BOTH;
}

void call_watch_start(struct call *call)
{
	const struct snapshot *config = (*call->table->env.conf)->snapshot;
	struct call_watch *watch;

	if (!call->media.decision.relay)
		return;
	/* Without memory for it the call is not watched, nothing else. */
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return;
	call->watch = watch;
	watch->call = call;
	watch->limit_s = (uint32_t)snapshot_number(config, PARAM_SS_RTP_INTERRUPT_TIME);
	watch->window_us = now_us(call);
	for (int side = 0; side < MEDIA_SIDES; side++) {
		watch->sides[side].since_us = now_us(call);
		watch->sides[side].ends_call = ends_call(call, side);
	}
	look_again(watch);
}

void call_watch_stop(struct call *call)
{
	struct call_watch *watch = call->watch;

	if (!watch)
		return;
	wheel_stop(call->table->env.wheel, &watch->timer);
	clear_alarm(watch, ALARM_DEAF);
	clear_alarm(watch, ALARM_FOREIGN);
	free(watch);
	call->watch = NULL;
}

void call_quality_read(const struct call *call, const struct call_media *media,
		       struct call_quality *out)
{
	*out = (struct call_quality){.is_relayed = media->sessions[0]};
	for (int side = 0; side < MEDIA_SIDES; side++) {
		const struct watched *missed = call->watch ? &call->watch->sides[!side] : NULL;

		if (media->sessions[0])
			media_quality(media->sessions[0], (enum media_side)side,
				      call->streams[side].codec, &out->sides[side]);
		if (!missed)
			continue;
		out->deaf_s[side] = (uint32_t)(missed->missed_us / SECOND_US);
		out->deaf_since_ms[side] = missed->missed_since_ms;
	}
}
