/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bindings of a user as the payload of a record. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/sip/location.h"

void binding_write(struct buf *record, const struct binding *binding);
/* One line; user is set from `user`. VOS_EINVAL when a word is missing or cannot be read. */
VOS_CHECK enum vos_err binding_parse(struct span line, struct span user, struct buf *word,
				     struct binding *out);
