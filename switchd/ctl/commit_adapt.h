/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that were made on one configuration, for another in which objects they name are gone. */
#pragma once

#include "shared/config/change.h"

/* An object that is made again. */
typedef void remade_fn(void *context, const char *path);

/* A copy of `changes` for `running`: the deletion of what is gone already is left out; a change of
 * a field of an object that is gone first makes the object as it was in base, for which fn is
 * called. */
VOS_CHECK enum vos_err commit_adapt(const struct snapshot *base, const struct snapshot *running,
				    const struct change_list *changes, remade_fn *fn, void *context,
				    struct change_list *out);
