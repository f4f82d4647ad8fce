/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of show counters about what is kept out. */
#pragma once

#include <stdint.h>

struct request;

typedef void guard_counter_fn(struct request *request, const char *group, const char *name,
			      uint64_t value);
void guard_counters(struct request *request, guard_counter_fn *emit);
