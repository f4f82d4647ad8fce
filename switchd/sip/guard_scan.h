/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a message is for, before it is parsed: as much as the guard needs to know. */
#pragma once

#include <stddef.h>

enum guard_class {
	GUARD_RESPONSE, /* to a request of ours */
	GUARD_INSIDE,   /* has a To tag, or can only belong to what was begun before */
	GUARD_REGISTER, /* whatever its To tag */
	GUARD_INVITE,   /* that would begin a call */
	GUARD_OTHER,    /* any other request outside a dialog, and what is no SIP */
	GUARD_CLASS_COUNT,
};

/* Reads the first word, and only where that leaves it open the To header. It never says more of a
 * message than the parser would: a To that it cannot read has no tag. */
enum guard_class guard_scan(const char *data, size_t len);
