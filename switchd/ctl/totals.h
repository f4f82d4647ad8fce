/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What all signalling threads have counted together. */
#pragma once

#include "switchd/ctl/handlers.h"

struct worker_total {
	size_t calls;
	struct sip_counters sip;
};

/* Asks one thread after the other: WAIT or MORE until *out is there, DONE then. Takes the request's
 * state as struct walk_workers. */
enum step sum_workers(struct request *request, struct worker_total **out);
