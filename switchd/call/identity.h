/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a caller said of itself beside its number, as it goes from its leg to that of the callee
 * (behaviour C11). */
#pragma once

#include <stdbool.h>
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

/* Why a number was not called itself (RFC 5806 section 4.1). */
enum call_diversion_reason {
	CALL_DIVERSION_UNKNOWN,
	CALL_DIVERSION_UNCONDITIONAL,
	CALL_DIVERSION_BUSY,
	CALL_DIVERSION_NO_ANSWER,
	CALL_DIVERSION_UNAVAILABLE,
	CALL_DIVERSION_DEFLECTION,
	CALL_DIVERSION_TIME_OF_DAY,
	CALL_DIVERSION_REASONS,
};

struct call_diversion {
	char number[64]; /* that was forwarded; "" = none */
	uint8_t reason;  /* enum call_diversion_reason */
	uint8_t count;   /* diversions that it stands for: this and those before */
	bool is_private; /* its number is not for everybody */
};

/* Diversions on the way to a callee, the newest first. */
#define CALL_DIVERSIONS_MAX 6

struct call_diversions {
	unsigned count;
	struct call_diversion list[CALL_DIVERSIONS_MAX];
};

struct call_identity {
	uint8_t privacy;    /* set of enum call_privacy; 0 = nothing was asked for */
	char asserted[64];  /* number in P-Asserted-Identity; "" = none, as with the next */
	char preferred[64]; /* number in P-Preferred-Identity */
	struct call_diversion diverted; /* before it came to us */
};
