/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NAT keepalive (behaviour A1): one datagram a round to every device of the list, from the
 * listening socket that it registered to, to its observed address. Devices are those registered
 * over UDP from behind NAT, which get the message, and those that are probed with OPTIONS.
 *
 * SS_SIP_NAT_KEEP_ALIVE_PERIOD is the round, _SEND_ONE_TIME the burst, _SEND_INTERVAL the gap
 * between bursts, _MESSAGE the bytes (empty = all of it is off). A round that ends before it has
 * reached everyone leaves the rest out; the next one starts from the first device again, or, with
 * _FAIR, where this one stopped. The location table writes the list, signalling thread 0 calls
 * keepalive_turn(); both under one short lock. Pacing is a pure function of the passed time. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"

struct alarms;
struct keepalive;
struct log;
struct snapshot;

VOS_CHECK enum vos_err keepalive_create(struct keepalive **out);
void keepalive_destroy(struct keepalive *keepalive);
/* Where a round that missed devices is reported: one line a round, and an alarm until a round
 * finishes again. Before any thread uses the list; either may be NULL. */
void keepalive_set_reports(struct keepalive *keepalive, const struct log *log,
			   struct alarms *alarms);

/* Handle of a device; 0 is none. */
typedef uint32_t keepalive_id;

struct keepalive_device {
	struct addr address; /* observed */
	uint8_t socket_index;
	bool is_probed; /* with OPTIONS; else it gets the message */
	uint64_t owner; /* the caller's; comes back with a target */
};

/* All three are O(1). A device that is added waits for its first turn at the end: it has just
 * registered. One that is changed has registered again: it keeps its place and figures, and counts
 * as reachable. 0: out of memory. */
keepalive_id keepalive_add(struct keepalive *keepalive, const struct keepalive_device *device);
void keepalive_change(struct keepalive *keepalive, keepalive_id id,
		      const struct keepalive_device *device);
void keepalive_remove(struct keepalive *keepalive, keepalive_id id);

struct keepalive_target {
	struct addr device;
	uint8_t socket_index;
	bool is_probe;
	keepalive_id id;
	uint64_t owner;
	uint64_t mark; /* of a probe: what its answer must carry beside the id; cannot be guessed */
};

/* What to send now: fills up to max targets, returns how many; call again at once while it returns
 * max. *wait_us = time until there is more to send. Message empty: 0 and a long wait. */
size_t keepalive_turn(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_target *out, size_t max, uint64_t *wait_us);
/* An answer to the newest probe of that device: it is alive. False: there was no such probe. Any
 * thread. */
bool keepalive_answered(struct keepalive *keepalive, keepalive_id id, uint64_t mark);

struct keepalive_status {
	bool is_on;
	uint64_t device_count;
	uint64_t probed_count;      /* of them, with OPTIONS */
	uint64_t unreachable_count; /* of those */
	uint64_t capacity;          /* devices a round reaches */
	bool is_round_running;
	uint64_t round; /* number of the running round */
	uint64_t round_elapsed_ms;
	uint64_t sent_this_round;
	uint64_t sent_last_round;
	uint64_t missed_last_round; /* devices that the last finished round did not reach */
	uint64_t starved_count;     /* of them, those that are there and still wait */
	uint64_t sent_total;
	uint64_t missed_total;
	uint64_t needed_period_s; /* ceil(ceil(N/ONE_TIME)*INTERVAL/1000) */
	uint64_t memory_bytes;
};

void keepalive_status(struct keepalive *keepalive, const struct snapshot *config, uint64_t now_us,
		      struct keepalive_status *out);

size_t keepalive_count(struct keepalive *keepalive);

struct keepalive_view {
	uint64_t last_sent_us; /* 0 = never */
	uint32_t missed;       /* rounds that did not reach it */
	bool is_starved;       /* the last finished round did not, and this one has not yet */
	bool is_probed;
	bool is_unreachable;
	uint8_t unanswered; /* probes since its last sign of life */
};

/* False: no such device. */
bool keepalive_view(struct keepalive *keepalive, keepalive_id id, struct keepalive_view *out);
/* Whether its probes have met silence; false also when there is no such device. */
bool keepalive_is_unreachable(struct keepalive *keepalive, keepalive_id id);
/* True when the datagram is a keepalive payload of a switch (short, no SIP) and is to be swallowed.
 */
bool keepalive_is_payload(const char *data, size_t len);
