/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a caller said of itself beside its number, as it goes from its leg to that of the callee
 * (behaviour C11). */
#pragma once

#include <stdint.h>

/* Values of the Privacy header (RFC 3323 section 4.2, RFC 3325 section 9.3). */
enum call_privacy {
	CALL_PRIVACY_HEADER = 1,
	CALL_PRIVACY_SESSION = 2,
	CALL_PRIVACY_USER = 4,
	CALL_PRIVACY_ID = 8,
	CALL_PRIVACY_NONE = 16,
	CALL_PRIVACY_CRITICAL = 32,
};

struct call_identity {
	uint8_t privacy;    /* set of enum call_privacy; 0 = nothing was asked for */
	char asserted[64];  /* number in P-Asserted-Identity; "" = none, as with the next */
	char preferred[64]; /* number in P-Preferred-Identity */
};
