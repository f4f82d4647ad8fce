/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether two URIs are the same (RFC 3261 section 19.1.4). */
#pragma once

#include "shared/base/span.h"

/* Two sip: or sips: URIs by all rules of that section; the same bytes are always equal, and what
 * cannot be read as such a URI equals nothing else. The relation is symmetric, not transitive. */
bool sip_uri_equal(struct span a, struct span b);
