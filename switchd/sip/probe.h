/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keepalives as a signalling thread sends them: when and to whom is the list's to say
 * (switchd/nat/keepalive.h), here are the datagrams.
 *
 * A probe is an OPTIONS outside any dialog, to a registered contact at its observed address. No
 * transaction stands behind it: it is not repeated, since the next round is, and its branch carries
 * the device and a mark by which any answer is known. */
#pragma once

#include "switchd/nat/keepalive.h"

struct buf;
struct sip_rx;
struct sip_socket;
struct sip_worker;

#define PROBE_BATCH 32   /* datagrams of one sendmmsg */
#define PROBE_MAX   2048 /* bytes of a probe: contact twice, path, and what is ours */

struct keepalive_sender {
	uint64_t due_us;
	uint64_t round; /* that the recorder knows of */
	size_t at;      /* what stands from here on is still to be sent */
	size_t count;
	struct keepalive_target targets[PROBE_BATCH];
};

/* Sends what is due, for at most about half a millisecond; returns how long it can wait. What a
 * full socket buffer does not take now stays for the next turn. Signalling thread 0 only. */
uint64_t keepalive_send(struct sip_worker *worker, struct keepalive_sender *sender);

/* probe.c: the text; false when the contact has gone meanwhile. */
bool probe_write(struct sip_worker *worker, const struct sip_socket *socket,
		 const struct keepalive_target *target, struct buf *out);
/* True when the response is to a probe of ours, whatever it says; it is done with then. */
bool probe_answer(struct sip_worker *worker, const struct sip_rx *rx);
