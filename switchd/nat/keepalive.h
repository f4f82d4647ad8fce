/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT keepalive (behaviour A1): one raw datagram a cycle to every phone registered over UDP from
 * behind NAT, from the listening socket that it registered to, to its observed address.
 *
 * SS_SIP_NAT_KEEP_ALIVE_PERIOD is the cycle, _SEND_ONE_TIME the burst, _SEND_INTERVAL the gap
 * between bursts, _MESSAGE the bytes (empty = off). When a cycle ends before the list does, the
 * next one starts from the first device again; the rest counts as missed. The list is one array
 * under a short lock, written by the location table; signalling thread 0 calls keepalive_turn.
 * Pacing is a pure function of the passed time. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"

struct keepalive;
struct log;
struct snapshot;

VOS_CHECK enum vos_err keepalive_create(struct keepalive **out);
void keepalive_destroy(struct keepalive *keepalive);
/* Where a round that missed devices is reported, one line a round; before any thread uses the list.
 * Without it nothing is. */
void keepalive_set_log(struct keepalive *keepalive, const struct log *log);

/* Handle of an entry; 0 is none. */
typedef uint32_t keepalive_id;
keepalive_id keepalive_add(struct keepalive *keepalive, const struct addr *device,
			   uint8_t socket_index);
void keepalive_change(struct keepalive *keepalive, keepalive_id id, const struct addr *device,
		      uint8_t socket_index);
void keepalive_remove(struct keepalive *keepalive, keepalive_id id);

struct keepalive_target {
	struct addr device;
	uint8_t socket_index;
};

/* What to send now: fills up to max targets, returns how many; call again at once while it returns
 * max. *wait_us = time until there is more to send. Message empty: 0 and a long wait. */
size_t keepalive_turn(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_target *out, size_t max, uint64_t *wait_us);

struct keepalive_status {
	bool is_on;
	uint64_t device_count;
	uint64_t capacity; /* devices a cycle reaches: ceil(PERIOD*1000/INTERVAL)*ONE_TIME */
	uint64_t round;    /* number of the running cycle */
	uint64_t round_elapsed_ms;
	uint64_t sent_this_round;
	uint64_t sent_last_round;
	uint64_t missed_last_round; /* devices that the last finished cycle did not reach */
	uint64_t sent_total;
	uint64_t missed_total;
	uint64_t needed_period_s; /* ceil(ceil(N/ONE_TIME)*INTERVAL/1000) */
};

void keepalive_status(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_status *out);
/* Per device: when it was last sent to and in how many cycles it was missed. False: no such entry.
 */
bool keepalive_device(struct keepalive *keepalive, keepalive_id id, uint64_t *last_sent_us,
		      uint32_t *missed);
/* True when the datagram is a keepalive payload of a switch (short, no SIP) and is to be swallowed.
 */
bool keepalive_is_payload(const char *data, size_t len);
