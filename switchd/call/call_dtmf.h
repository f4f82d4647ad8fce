/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digits of a call: telephone events (RFC 4733) or INFO, as each party wants them (behaviour C17).
 *
 *   auto     what comes for it passes as it is; an INFO of a party set to `info` becomes events if
 *            it takes them
 *   rfc2833  it is offered telephone-event, and INFO digits go to it as events
 *   info     it is offered none, and events go to it as INFO, each digit once
 *   off      no digits are sent to it
 *
 * and of those that a party sends, by its `dtmf-receive`:
 *
 *   auto     every kind; where they are converted, the kind that came first
 *   all      the kind that came first, in every call
 *   rfc2833  events; INFO is answered and goes no further
 *   info     INFO; events are taken out of the stream
 *   off      none
 *
 * To convert and to take out needs the relay (A8): in a direct call digits pass as they come, and
 * only INFO can be kept away. Where the parties number their events differently each one sees its
 * own number, and one with a dtmf-payload-type is offered that. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/conf/conf_party.h"
#include "switchd/media/dtmf_work.h"
#include "switchd/media/sdp.h"

struct call;
struct call_inside;
struct call_media;
struct call_pass;
struct leg;

/* Part of struct call_media. Indexed by the party. */
struct call_dtmf {
	struct dtmf_work *works[MEDIA_SIDES]; /* on packets from it; NULL = none */
	struct conf_dtmf parties[MEDIA_SIDES];
	uint8_t own[MEDIA_SIDES];  /* number of telephone-event in its SDP; 0 = none */
	uint8_t told[MEDIA_SIDES]; /* in the SDP that it was sent */
	uint8_t clock_khz[MEDIA_SIDES];
	uint8_t heard[MEDIA_SIDES]; /* enum dtmf_kind: the one that counts */
	uint8_t stream;             /* the one with the events */
};

/* sdp_rewrite(), and telephone-event in it as the receiver is to have it. An answer settles how
 * digits go from here. */
bool call_dtmf_forward(struct call *call, const struct call_pass *pass, const struct sdp *sdp,
		       struct span body, const struct sdp_anchor *anchors, struct buf *out);
/* An offer was refused: what it would have changed is as before. */
void call_dtmf_restore(struct call_dtmf *dtmf, const struct call_dtmf *before);
/* A request inside the call, or in its early dialogs: true when it was a digit that does not pass
 * as it is; the leg has its answer. */
bool call_dtmf_take(struct leg *from, struct call_media *media, const struct call_inside *inside);
