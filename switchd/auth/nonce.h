/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nonces that need no memory until they are used with success, and the memory of those that were.
 *
 * A nonce is base64url of 6 bytes issue time (ms, monotonic, from a random origin), 4 bytes running
 * number, 8 bytes SipHash of both and of the address it is sent to, under a key of the process. A
 * restart makes a new key: what clients hold from before reads as altered, and both are answered
 * with stale=true, never counted as a failure.
 *
 * The address makes a nonce worthless to whoever did not receive it: a stranger who forges the
 * source of his datagrams cannot have wrong passwords counted against the owner of an address,
 * because he never sees a nonce sent there. The port is left out, since a NAT may change it from
 * one request to the next, and so is the half of an IPv6 address that a host chooses itself and
 * changes when it likes (RFC 8981). */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

#define NONCE_RAW_BYTES 18
#define NONCE_TEXT_LEN  24

struct nonces;

VOS_CHECK enum vos_err nonces_create(struct nonces **out);
void nonces_destroy(struct nonces *nonces);

/* Writes a fresh nonce for that address, NUL-terminated. */
void nonce_write(struct nonces *nonces, const struct addr *source, uint64_t now_us,
		 char out[NONCE_TEXT_LEN + 1]);

struct nonce {
	uint64_t id; /* its signature: unique to it */
	uint64_t issued_ms;
};

/* True when the text is a nonce that this process sent to that address, not older than life_s. */
bool nonce_read(const struct nonces *nonces, struct span text, const struct addr *source,
		uint64_t now_us, uint64_t life_s, struct nonce *out);

/* Who used a nonce: what a retransmission has in common with its first copy. */
struct nonce_use {
	uint32_t count; /* nc; NONCE_ONCE for a client without qop */
	struct span call_id;
	uint32_t cseq;
	const struct addr *source;
	uint64_t now_us;
};

#define NONCE_ONCE UINT32_MAX

/* Notes the use of a live nonce with the right password. False: the count was seen before (a
 * replay), or it cannot be told any more because the nonce had to be forgotten; both are answered
 * as stale. The same use again is true for as long as it may be a retransmission (64 * T1, RFC 3261
 * section 17.1.2.2); later somebody plays it back. The table is of fixed size: when a set
 * is full the oldest nonce goes, and with it every nonce of the set that is as old, so that
 * forgetting never lets a replay in. */
bool nonce_take(struct nonces *nonces, const struct nonce *nonce, const struct nonce_use *use);
