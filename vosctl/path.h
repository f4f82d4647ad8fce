/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of files as people type them. */
#pragma once

#include "shared/base/span.h"

/* A copy for free(), in which "~" or "~user" in front of the first slash is that home folder; other
 * names, and those of users that do not exist, stay as they are. NULL: out of memory. */
char *path_expand(struct span name);
