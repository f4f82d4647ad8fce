/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audio that the switch makes itself: the ring tone, sent to the caller's side of a relay session
 * from the port that the session has there (behaviour C8). It is work of the session, so the media
 * thread sends it, a packet every 20 ms, and it passes the encryption of that side.
 *
 * The tone ends by itself at the first packet of RTP from the other side. */
#pragma once

#include "shared/base/err.h"
#include "switchd/conf/conf.h"
#include "switchd/media/g711.h"
#include "switchd/media/media.h"

struct player;

/* The ring tone is made, or read from its file, here and in player_configure: by the control
 * thread. A file that cannot be read is logged, and the tone of the country rings instead. */
VOS_CHECK enum vos_err player_create(const struct log *log, const struct conf *conf,
				     struct player **out);
/* After the media threads have ended. */
void player_destroy(struct player *player);
/* For tones that begin from now on. */
void player_configure(struct player *player, const struct conf *conf);

/* Begins with the first packet of the tone, marked (RFC 3551 section 4.1). */
VOS_CHECK enum vos_err player_ring(struct player *player, struct media_session *session,
				   enum g711_law law, uint8_t payload_type);
void player_stop(struct media_session *session);

struct player_status {
	uint64_t started;
	uint64_t playing;
	uint64_t high_water; /* most at a time */
	uint64_t packets;
	uint64_t unsendable; /* the caller's address is not known yet, or the kernel refused */
};

void player_status(const struct player *player, struct player_status *out);
