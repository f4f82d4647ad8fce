/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fast path: streams that are locked and plain are forwarded by a program in the kernel
 * (fast.bpf.c), by a table that it shares with switchd (fast_map.h).
 *
 * One table is for one port range and a set of local addresses. It outlives its use: after
 * fast_stop() nothing is forwarded any more, and what was counted can be read until the last
 * session has let go of it. A thread of its own gives the sign of life, watches routes and
 * interfaces, and attaches the program where a local address is. When anything of that changes, all
 * entries are void with one store; their packets come through switchd, which enters them anew.
 *
 * Functions may be called by any thread; those of an entry, by the one that owns its port. */
#pragma once

#include <stdbool.h>

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "switchd/media/endpoint.h"
#include "switchd/media/fast_map.h"

struct fast;

struct fast_options {
	uint16_t low; /* inclusive */
	uint16_t high;
	struct addr locals[FAST_LOCALS_MAX]; /* ports ignored */
	size_t local_count;
	bool use_clsact; /* tests: the way of kernels before 6.6 */
	bool use_xdp;    /* where an interface's driver can */
};

/* VOS_EPERM, VOS_EIO and others with the reason in fault: there is no fast path here. log may be
 * NULL. */
VOS_CHECK enum vos_err fast_create(const struct log *log, const struct fast_options *options,
				   struct fast **out, struct vos_fault *fault);
struct fast *fast_ref(struct fast *fast);
void fast_unref(struct fast *fast); /* NULL is fine */
/* Ends the forwarding. */
void fast_stop(struct fast *fast);
/* True when it was made by the same options. */
bool fast_is_for(const struct fast *fast, const struct fast_options *options);

/* Entry of a port of ours, emptied for a new session; NULL: the table has none for it. */
struct fast_entry *fast_take(struct fast *fast, const struct addr *local, uint16_t port);

struct fast_flow {
	struct endpoint from;   /* the peer whose packets come to the entry's port */
	struct endpoint source; /* of ours, that they leave from */
	struct endpoint to;
	int fd; /* socket of source, for ToS, TTL and the interface it sends by */
};

/* Forwards from now on. False: there is no way there that the kernel could take by itself. */
bool fast_enter(struct fast *fast, struct fast_entry *entry, const struct fast_flow *flow);
/* Packets come through switchd again. */
void fast_clear(struct fast_entry *entry);
bool fast_is_on(const struct fast *fast, const struct fast_entry *entry);

/* What the kernel has counted; a momentary copy. */
struct fast_counts {
	uint64_t packets;
	uint64_t bytes;
	uint64_t last_us;
};

void fast_counts(const struct fast_entry *entry, struct fast_counts *out);

#define FAST_DEVICES_MAX 16

struct fast_status {
	char hook[16]; /* "tcx" or "clsact" */
	char devices[FAST_DEVICES_MAX * 17];
	char xdp_devices[FAST_DEVICES_MAX * 17]; /* those that forward in their drivers */
	uint64_t packets;
	uint64_t xdp_packets; /* of these, in drivers */
	uint64_t bytes;
	uint32_t epoch; /* changes of routes and interfaces that voided the table, and one */
};

void fast_status(struct fast *fast, struct fast_status *out);
