/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What kload.c and its programs in the kernel share. */
#pragma once

#include <stdint.h>

#define KLOAD_STREAMS_MAX 32768
#define KLOAD_RTP_BYTES   172 /* G.711, 20 ms */
#define KLOAD_STEPS       32  /* of the delays' histogram in an octave */
#define KLOAD_BUCKETS     (64 * KLOAD_STEPS)

/* Addresses and ports in host order. Even streams are A's, the next is their partner. */
struct kload_stream {
	uint32_t ip;
	uint32_t relay_ip;
	uint16_t port;
	uint16_t relay_port;
	uint32_t sequence;
};

struct kload_state {
	uint64_t gap_ns; /* between packets */
	uint64_t next_ns;
	uint64_t limit; /* packets, 0: none */
	uint64_t sent;
	uint64_t received;
	uint64_t wrong;
	uint32_t is_on;
	uint32_t device;
	uint32_t stream_count;
	uint32_t current;
	uint32_t payload_sum; /* of the bytes that stay the same, for the checksum */
	uint8_t source_mac[6];
	uint8_t relay_mac[6];
	uint32_t delays[KLOAD_BUCKETS]; /* ns, of the whole way */
	uint32_t inside[KLOAD_BUCKETS]; /* since it came to the relay's kernel */
};
