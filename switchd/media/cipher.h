/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work on the packets of one side of a relay session: SRTP (srtp.h) or the scrambling between two
 * switches (scramble.h). What comes from the side's peer is opened, what goes to it is sealed; in
 * between, and on a side without a cipher, a packet is plain.
 *
 * A cipher belongs to the media thread once it is given to a session, and is used and freed there
 * alone. Nothing here waits, locks or logs. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What sealing may add to a packet: tag, SRTCP index. */
#define CIPHER_ROOM 64

struct cipher;

struct cipher_ops {
	/* A packet of the peer, in place; its plain length. 0: it does not pass. */
	size_t (*open)(struct cipher *cipher, bool is_rtcp, uint8_t *data, size_t len);
	/* A plain packet for the peer, in place; its new length, at most len + CIPHER_ROOM, for
	 * which there is room behind data. 0: it cannot be sent. */
	size_t (*seal)(struct cipher *cipher, bool is_rtcp, uint8_t *data, size_t len);
	void (*free)(struct cipher *cipher);
};

struct cipher {
	const struct cipher_ops *ops;
};

static inline size_t cipher_open(struct cipher *cipher, bool is_rtcp, uint8_t *data, size_t len)
{
	return cipher->ops->open(cipher, is_rtcp, data, len);
}

static inline size_t cipher_seal(struct cipher *cipher, bool is_rtcp, uint8_t *data, size_t len)
{
	return cipher->ops->seal(cipher, is_rtcp, data, len);
}

static inline void cipher_free(struct cipher *cipher)
{
	if (cipher)
		cipher->ops->free(cipher);
}
