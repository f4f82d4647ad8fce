/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/clip.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

struct clip {
	_Atomic unsigned users;
	size_t packets;
	uint8_t bytes[]; /* all packets in the one law, then in the other */
};

enum vos_err clip_new(const int16_t *samples, size_t count, struct clip **out)
{
	size_t packets = (count + CLIP_PACKET - 1) / CLIP_PACKET;
	size_t padded = packets * CLIP_PACKET;
	struct clip *clip = malloc(offsetof(struct clip, bytes) + G711_LAWS * padded);

	if (!clip)
		return VOS_ENOMEM;
	atomic_init(&clip->users, 1);
	clip->packets = packets;
	for (int law = 0; law < G711_LAWS; law++)
		for (size_t i = 0; i < padded; i++)
			clip->bytes[(size_t)law * padded + i] =
				g711_encode((enum g711_law)law, i < count ? samples[i] : 0);
	*out = clip;
	return VOS_OK;
}

struct clip *clip_get(struct clip *clip)
{
	atomic_fetch_add_explicit(&clip->users, 1, memory_order_relaxed);
	return clip;
}

void clip_put(struct clip *clip)
{
	if (clip && atomic_fetch_sub_explicit(&clip->users, 1, memory_order_acq_rel) == 1)
		free(clip);
}

size_t clip_packets(const struct clip *clip)
{
	return clip->packets;
}

const uint8_t *clip_packet(const struct clip *clip, enum g711_law law, size_t index)
{
	return clip->bytes + ((size_t)law * clip->packets + index) * CLIP_PACKET;
}
