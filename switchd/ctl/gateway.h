/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What operators say of gateways beside the configuration (`gateway ... disable`), and groups of
 * gateways and of numbers. */
#pragma once

#include "shared/config/change.h"
#include "switchd/conf/conf.h"
#include "switchd/ctl/ctl_private.h"

/* show_groups.c */
step_fn show_gateway_groups;
/* show_number_groups.c */
step_fn show_number_groups;

/* What a gateway of the kind carries; NULL when there is none of the name, or it is no gateway. */
struct live *gateway_live(const struct conf *conf, enum object_kind kind, const char *name);
/* NULL: enabled. */
enum live_admin gateway_admin(const struct live *live);
/* "enabled", "draining", "disabled". */
const char *gateway_admin_word(enum live_admin admin);
/* After a commit: nothing is said of a gateway that is gone. */
void gateways_forget(struct ctl *ctl, const struct conf *before, const struct change_list *changes);
