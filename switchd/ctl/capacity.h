/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many relayed calls each resource allows: arithmetic over figures that others have read. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Memory of one relayed call, with what the kernel has for its sockets (tests/bench). */
#define CAPACITY_CALL_BYTES (16 * 1024)
/* Packets a second of a call while nothing was measured: 20 ms each, both directions. */
#define CAPACITY_CALL_PACKETS 100

struct capacity_input {
	int64_t calls_max; /* places for calls at the signalling threads */
	int64_t relayed_now;
	int64_t pairs_total; /* of all addresses, without those that others have */
	int64_t pairs_used;
	int64_t pairs_a_call; /* 1 compact, 2 paired */
	int64_t descriptors_used;
	int64_t descriptors_max;  /* < 0: no limit, or not known, as with the next */
	int64_t memory_available; /* bytes */
	int64_t packets_s;
	int64_t packets_core; /* that one core can relay a second; 0 = not measured */
	int64_t cores;        /* that relay */
};

enum capacity_limit {
	CAPACITY_CALLS,
	CAPACITY_PORTS,
	CAPACITY_DESCRIPTORS,
	CAPACITY_MEMORY,
	CAPACITY_PACKETS,
	CAPACITY_LIMITS
};

struct capacity {
	int64_t calls[CAPACITY_LIMITS]; /* relayed calls in all; -1 = no limit known */
	enum capacity_limit first;      /* the lowest of them */
};

void capacity_reckon(const struct capacity_input *input, struct capacity *out);
const char *capacity_limit_name(enum capacity_limit limit);
/* Memory that can be had without swapping, within the limit of the control group; -1: not known. */
int64_t capacity_memory(void);
/* The kernel's ephemeral ports; false: not known. */
bool capacity_ephemeral(uint16_t *low, uint16_t *high);
