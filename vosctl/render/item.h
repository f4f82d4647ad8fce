/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the printing of items: what item.c and item_table.c share. */
#pragma once

#include <stdbool.h>

#include "vosctl/render/table.h"

/* "is_relayed" -> "relayed", "period_s" -> "period" and unit "s", "" when there is none. */
struct span item_label(const char *name, const char **unit);
/* Prints the list as a table, set in; false, and nothing printed, when its entries differ in their
 * members, have lists of their own, or are too wide. */
bool item_table(struct table *outer, json_t *list, int indent);
