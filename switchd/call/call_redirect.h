/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a 3xx says, without its protocol. */
#pragma once

#include <stddef.h>

#include "shared/base/addr.h"

/* Where a call is to go instead (RFC 3261 8.1.3.4), best first. */
#define CALL_CONTACTS_MAX 5

struct call_contact {
	char number[64];
	char host[64];       /* as it was written */
	struct addr address; /* the same; family ADDR_NONE: it is a name */
	bool is_ours;        /* that is the switch itself */
	uint16_t q_thousandths;
};

struct call_redirect {
	size_t count;
	struct call_contact contacts[CALL_CONTACTS_MAX];
};
