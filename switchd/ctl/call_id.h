/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How an operator names a call. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* "3f2a" -> all ids that begin so. False: it is no such text. */
bool call_id_range(const char *text, uint64_t *low, uint64_t *high);
