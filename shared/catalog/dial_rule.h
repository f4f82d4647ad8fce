/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One rule of a dial plan (behaviour C15): source[/min[-max]]->target.
 *
 * source  the beginning of a number: digits, + and #; * stands for any digits, also none. It takes
 *         as few as it can, at the end of the source all that are left.
 * /n-m    the whole number has n to m digits (one number: just as many).
 * target  what takes the place of the digits that source matched; those behind them stay. $ is the
 *         digit that was matched at that place, ? a random digit, the rest stands for itself.
 *         Alternatives are separated by ; and a-b is a range of numbers of the same length: one is
 *         picked at random for each call. Empty: the matched digits go. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/span.h"

#define DIAL_NUMBER_MAX       63
#define DIAL_ALTERNATIVES_MAX 32
#define DIAL_RANGE_DIGITS_MAX 18

/* Spans point into the text of the rule. */
struct dial_rule {
	struct span source;
	struct span target;
	uint8_t min_digits; /* of the whole number; 0 = any */
	uint8_t max_digits;
	bool has_star;
};

bool dial_rule_parse(struct span text, struct dial_rule *out);
/* How many bytes of the number the source takes; -1 when the rule does not fit. */
int dial_rule_match(const struct dial_rule *rule, struct span number);
/* The number with its first `matched` bytes rewritten. random is the rule's only source of chance:
 * called with n it returns 0..n-1. False when the result has no room in out. */
bool dial_rule_apply(const struct dial_rule *rule, struct span number, size_t matched,
		     uint64_t (*random)(void *context, uint64_t n), void *context, struct buf *out);
