/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table that switchd and the program in the kernel share: both map it, neither makes a system
 * call for it. An entry is that of a port of ours; it says from whom a packet must come, and what
 * becomes of it. Addresses and ports are in network order, an IPv4 address stands in the first
 * word. */
#pragma once

#include <stdint.h>

#include "switchd/media/stream_stats.h"

#define FAST_LOCALS_MAX 8   /* local addresses */
#define FAST_CPUS       256 /* a power of two */
/* A process that is gone or hangs must not be forwarded for: the program stops that long after the
 * last sign of life. */
#define FAST_ALIVE_NS UINT64_C(3000000000)

/* Next hops whose hardware address is known; streams to others cost no less than all did before. */
#define FAST_HOPS_MAX 256 /* a power of two */

#define FAST_TO_LOCAL 0x1u /* the destination is this host, reached by the loopback */

struct fast_local {
	uint32_t ip[4];
	uint32_t family; /* 4 or 6, 0: none */
};

struct fast_total {
	uint64_t packets;
	uint64_t bytes;
	uint64_t xdp_packets; /* among them, by the driver's hook */
	uint64_t unused[5];
};

/* Hardware addresses in the first six bytes. */
struct fast_hop {
	uint64_t to; /* 0: not known now */
	uint64_t from;
};

struct fast_config {
	uint64_t alive_until_ns; /* monotonic */
	uint32_t epoch;          /* of routes and interfaces; entries of another one do nothing */
	uint32_t low;            /* first port */
	uint32_t span;           /* number of ports; entry = local * span + port - low */
	uint32_t unused;
	struct fast_local locals[FAST_LOCALS_MAX];
	struct fast_total totals[FAST_CPUS];
	struct fast_hop hops[FAST_HOPS_MAX]; /* the first is never known */
};

struct fast_rule {
	uint32_t from_ip[4];
	uint32_t source_ip[4]; /* of what is sent */
	uint32_t to_ip[4];
	uint32_t next_hop[4];
	uint16_t from_port;
	uint16_t source_port;
	uint16_t to_port;
	uint16_t mtu;
	uint32_t device;
	uint32_t epoch;
	uint8_t hop_family; /* AF_INET, AF_INET6 */
	uint8_t tos;
	uint8_t ttl;
	uint8_t flags;
	uint32_t hop; /* place in hops; 0: none */
};

struct fast_entry {
	uint32_t version; /* odd: the rule holds; another number after every change */
	uint32_t unused;
	struct fast_rule rule;
	/* Counted by the kernel alone. */
	uint64_t packets;
	uint64_t bytes;
	uint64_t last_us;
	/* Of all packets, those that went through switchd too. */
	struct stream_stats stats;
};
