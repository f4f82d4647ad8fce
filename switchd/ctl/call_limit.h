/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `show capacity` says of calls, for those that say when it is reached. */
#pragma once

#include <stdint.h>

struct request;

/* Relayed calls that the switch can have, as it is configured and by what the machine has now. */
int64_t call_limit_now(const struct request *request);
