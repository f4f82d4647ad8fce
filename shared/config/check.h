/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cross rules of a whole configuration: references, port ranges that overlap, session segment,
 * listen addresses given twice, keepalive against NAT expiry. Single values were checked when
 * parsed. */
#pragma once

#include "shared/config/snapshot.h"

/* Bounds of one object that switchd holds in fixed room. */
#define CHECK_GATEWAY_ADDRESSES_MAX 8
#define CHECK_GATEWAY_PREFIXES_MAX  64

/* At most this many errors, and as many warnings, are reported; one fault for all objects of a kind
 * where the same is wrong with many. */
#define CHECK_REPORT_MAX 200

struct check_report {
	struct vos_fault *errors; /* refuse the commit */
	size_t error_count;
	struct vos_fault *warnings; /* are printed */
	size_t warning_count;
};

/* Facts of the running switch that some warnings need. */
struct check_facts {
	uint64_t nat_device_count; /* that are kept alive */
	uint16_t ephemeral_low;    /* 0 = unknown */
	uint16_t ephemeral_high;
	/* Whether a phone is registered through NAT now; NULL = unknown. */
	bool (*is_behind_nat)(void *context, const char *phone);
	void *context;
	/* Whether TLS can be served with these files ("" = none given), with what is wrong else;
	 * NULL = not looked at. */
	bool (*is_certificate_good)(const char *certificate, const char *key, const char *ca,
				    struct vos_fault *fault);
	/* Whether the ring tone can be read from this file; NULL = not looked at. */
	bool (*is_ring_file_good)(const char *path, struct vos_fault *fault);
	/* Whether the machine has an interface of that name now; NULL = unknown. */
	bool (*has_interface)(const char *name);
};

/* `before` may be NULL (everything counts as new); used to warn about what the change brought in
 * (parameters not in effect yet), and to skip what it did not touch. `facts` may be NULL. VOS_OK
 * also when there are errors in the report. */
VOS_CHECK enum vos_err snapshot_check(const struct snapshot *before, const struct snapshot *after,
				      const struct check_facts *facts, struct check_report *out);
void check_report_clear(struct check_report *report);
