/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a snapshot from another one, change by change, without a list in between: what
 * snapshot_apply and the loading of stored records use.
 *
 * Cost: a change costs a hash lookup, and the first on an object a copy of that object; finishing
 * costs one walk over the pointers of each kind that was touched. Not for several threads at once.
 */
#pragma once

#include "shared/config/change.h"

struct snapshot_builder;

/* base may be NULL (empty); a reference is kept until finish or free. NULL: out of memory. */
struct snapshot_builder *snapshot_builder_new(struct snapshot *base);
/* Does one change. VOS_ENOENT (delete or field of an object that is not there) fills the fault; the
 * builder stays usable. The change stays the caller's. */
VOS_CHECK enum vos_err snapshot_builder_apply(struct snapshot_builder *builder,
					      const struct change *change, struct vos_fault *fault);
/* Frees the builder, also on failure. */
VOS_CHECK enum vos_err snapshot_builder_finish(struct snapshot_builder *builder,
					       uint64_t generation, struct snapshot **out);
void snapshot_builder_free(struct snapshot_builder *builder);
