/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Audio ready to be sent: whole packets of 20 ms in each law, over which a stream goes round.
 * Immutable and shared by all that play it; freed by whoever puts it last, in any thread. */
#pragma once

#include <stddef.h>

#include "shared/base/err.h"
#include "switchd/media/g711.h"

#define CLIP_PACKET (G711_RATE / 50) /* bytes and samples of 20 ms */

struct clip;

/* Silence fills up the last packet. */
VOS_CHECK enum vos_err clip_new(const int16_t *samples, size_t count, struct clip **out);
struct clip *clip_get(struct clip *clip);
void clip_put(struct clip *clip);
size_t clip_packets(const struct clip *clip);
/* CLIP_PACKET bytes. */
const uint8_t *clip_packet(const struct clip *clip, enum g711_law law, size_t index);
