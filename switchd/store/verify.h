/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads an LMDB data file without LMDB and says whether its structure holds together.
 *
 * LMDB maps the file and trusts it: a truncated or overwritten file ends the process with SIGBUS,
 * SIGSEGV or an assertion. So the pages that the newest meta page reaches are walked once before
 * the file is opened: page numbers, kinds, bounds, order of keys, counts, no page used twice. */
#pragma once

#include <stddef.h>

#include "shared/base/err.h"

/* VOS_OK also when there is no file, or an empty one (LMDB then makes a new database).
 * VOS_ECORRUPT: what is wrong stands in why[size]. VOS_EIO, VOS_EPERM, VOS_ENOMEM as they are. */
VOS_CHECK enum vos_err lmdb_file_verify(const char *path, char *why, size_t size);
