/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file on this machine, which goes to switchd as a whole: apply, load merge,
 * configure replace. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/grammar/grammar.h"
#include "vosctl/client.h"

/* "-" is standard input. VOS_EIO (FAULT_STATE): cannot be read; VOS_EINVAL: longer than switchd
 * takes. What was read may hold secrets: wipe it. */
VOS_CHECK enum vos_err config_file_read(const char *path, struct buf *out, struct vos_fault *fault);
/* JSON carries only UTF-8, so a bad byte is told here, with its place. */
bool config_file_is_text(struct span text, struct vos_fault *fault);

/* Whether the command is one whose file this side reads. */
bool config_file_is_load(const struct match *match);
/* Does it. As client_exec(), and VOS_EINVAL when the file cannot be read. */
VOS_CHECK enum vos_err config_file_load(struct client *client, const struct match *match,
					const char *mode, int timeout_ms,
					const struct client_sink *sink,
					struct client_status *status, struct vos_fault *fault);
