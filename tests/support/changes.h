/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Change lists and snapshots from words, for tests. Each fails the test when it cannot. */
#pragma once

#include "shared/config/change.h"

void changes_param(struct change_list *list, const char *name, const char *text);
void changes_param_reset(struct change_list *list, const char *name);
void changes_create(struct change_list *list, const char *kind, const char *key);
void changes_delete(struct change_list *list, const char *kind, const char *key);
void changes_field(struct change_list *list, const char *kind, const char *key, const char *field,
		   const char *text);
/* text NULL: the whole field. */
void changes_field_reset(struct change_list *list, const char *kind, const char *key,
			 const char *field, const char *text);
/* base plus the list, which is then empty, as the generation after base's. base stays the caller's;
 * NULL: the empty snapshot. */
struct snapshot *changes_apply(struct snapshot *base, struct change_list *list);
/* The running-config text without header lines that differ by generation; free() it. */
char *changes_text(const struct snapshot *snapshot);
