/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The families SS_BLACK_LIST_* as rules of the dynamic black list. */
#pragma once

#include "shared/config/snapshot.h"
#include "switchd/auth/blacklist.h"

/* A kind of which one parameter is unset is off. */
void black_rules_read(const struct snapshot *config, struct black_rules *out);
