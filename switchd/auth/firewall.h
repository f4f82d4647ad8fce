/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Suspended sources in the kernel too (SS_AUTHENTICATION_FIREWALL): a table `inet switchd` of
 * nftables with a set of IPv4 addresses and one of IPv6 /64s, whose elements end by themselves when
 * the suspension does.
 *
 * What is dropped there: datagrams to our SIP ports whose first word is a request that begins
 * something (REGISTER, OPTIONS, SUBSCRIBE, MESSAGE, PUBLISH), and new TCP connections. INVITE and
 * what belongs to calls goes through to the guard, which can tell a new call from one that is up;
 * RTP is not touched.
 *
 * A thread of its own compares the sets with the suspensions once a second and whenever the
 * configuration changes; nobody waits for it. Gateways and trusted prefixes are never put in. When
 * the kernel refuses (the right is missing, the table was flushed by somebody) it is said, and
 * tried again every ten seconds; the guard does without it meanwhile. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/log.h"
#include "switchd/conf/conf.h"

struct auth;
struct firewall;

#define FIREWALL_TABLE     "inet switchd"
#define FIREWALL_FAULT_MAX 200

VOS_CHECK enum vos_err firewall_create(const struct log *log, struct auth *auth,
				       struct firewall **out);
/* Removes the table. */
void firewall_destroy(struct firewall *firewall);
/* After each commit, and once at start; starts the thread when it is first wanted. */
void firewall_configure(struct firewall *firewall, struct conf *conf);

struct firewall_state {
	bool is_wanted;
	bool is_active;                 /* the table is there */
	char fault[FIREWALL_FAULT_MAX]; /* why not; "" = no reason yet */
	size_t elements;
	uint64_t packets; /* dropped, since the table was made */
	uint64_t bytes;
};

void firewall_read(struct firewall *firewall, struct firewall_state *out);
