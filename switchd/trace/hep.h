/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sends every SIP message, received and sent, to a HOMER collector (object `hep`), by HEP version 3
 * over UDP, in a thread of its own that reads the flight recorder like anybody else. The recorder
 * is the queue: who writes it never waits, and what is overwritten before it was read is counted.
 *
 * Credentials and keys of media are masked. All messages of a call, of both legs and all attempts,
 * bear its id as correlation; a message is held back a moment so that its call is known. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/log.h"
#include "shared/base/secret.h"

struct hep;
struct recorder;
struct snapshot;

struct hep_status {
	bool is_on;          /* by now: settings are taken over by the thread */
	struct addr address; /* as configured, family ADDR_NONE: none */
	uint32_t capture_id;
	bool has_password;
	uint64_t sent;       /* handed to the network */
	uint64_t dropped;    /* refused by the kernel or the collector's, or too long */
	uint64_t lost_bytes; /* overwritten in the recorder before it was read */
};

/* The recorder and the key must outlive it; they may be NULL with nothing to send. The thread
 * starts. */
VOS_CHECK enum vos_err hep_start(const struct log *log, struct recorder *recorder,
				 const struct secret_key *key, const struct snapshot *config,
				 struct hep **out);
/* Any thread. NULL is allowed, as below. */
void hep_configure(struct hep *hep, const struct snapshot *config);
void hep_status(struct hep *hep, struct hep_status *out);
/* What is recorded by now is sent before. */
void hep_stop(struct hep *hep);
