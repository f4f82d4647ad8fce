/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a check. Each looks at the whole configuration after the change and adds to the
 * report; `failed` is set when there is no memory. For shared/config only. */
#pragma once

#include "shared/config/check.h"
#include "shared/config/snapshot_private.h"

struct check {
	const struct snapshot *before; /* may be NULL */
	const struct snapshot *after;
	struct check_facts facts;
	struct check_report *report;
	bool failed;
};

void check_error(struct check *check, enum fault_code code, const char *path, const char *format,
		 ...) VOS_PRINTF(4, 5);
void check_warning(struct check *check, const char *path, const char *format, ...) VOS_PRINTF(3, 4);
/* Whether the parameter's value is another than before (or there is no before and it is set). */
bool check_param_changed(const struct check *check, enum param_id id);
/* A walk over the objects of a kind that the change made or altered; those that both snapshots
 * share are passed by their pointer. */
struct check_walk {
	const struct object_set *before;
	const struct object_set *after;
	size_t before_at;
	size_t after_at;
};

struct check_walk check_walk_start(const struct check *check, enum object_kind kind);
/* NULL at the end. *before is the object as it was, NULL when it is new. */
const struct object *check_walk_next(struct check_walk *walk, const struct object **before);

void check_params(struct check *check);
void check_references(struct check *check);
void check_objects(struct check *check);
void check_phones(struct check *check);
void check_registrations(struct check *check);
void check_media(struct check *check);
void check_numbers(struct check *check);
void check_local_addresses(struct check *check);
void check_calls(struct check *check);
/* Whether anything listens by the transport of that field of listen. */
bool check_has_listen(const struct check *check, enum field_id id);
void check_not_in_effect(struct check *check);
