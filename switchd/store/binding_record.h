/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bindings of a user as the payload of a record. Times in it are wall time. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/sip/location.h"

/* offset_ms is added to the binding's times. */
void binding_write(struct buf *record, const struct binding *binding, int64_t offset_ms);
/* One line; user is set from `user`. VOS_EINVAL when a word is missing or cannot be read. */
VOS_CHECK enum vos_err binding_parse(struct span line, struct span user, struct buf *word,
				     struct binding *out);
