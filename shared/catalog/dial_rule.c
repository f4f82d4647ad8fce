/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/dial_rule.h"

#include <string.h>

#define SOURCE_BYTES "0123456789+#*"
#define TARGET_BYTES "0123456789+#*$?;-"

static bool only_of(struct span text, const char *allowed)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\0' || !strchr(allowed, text.ptr[i]))
			return false;
	return true;
}

static bool is_digits(struct span text)
{
	return text.len > 0 && only_of(text, "0123456789");
}

/* "8" or "8-11". */
static bool parse_lengths(struct span text, struct dial_rule *out)
{
	size_t dash = span_find(text, '-');
	uint64_t low;
	uint64_t high;

	if (!span_to_u64((struct span){text.ptr, dash}, DIAL_NUMBER_MAX, &low) || low == 0)
		return false;
	high = low;
	if (dash < text.len && !span_to_u64((struct span){text.ptr + dash + 1, text.len - dash - 1},
					    DIAL_NUMBER_MAX, &high))
		return false;
	out->min_digits = (uint8_t)low;
	out->max_digits = (uint8_t)high;
	return high >= low;
}

/* Cuts the next alternative off; false when none is left. *more tells the end from an empty one. */
static bool next_alternative(struct span *rest, bool *more, struct span *out)
{
	size_t end;

	if (!*more)
		return false;
	end = span_find(*rest, ';');
	*out = (struct span){rest->ptr, end};
	*more = end < rest->len;
	if (*more)
		*rest = (struct span){rest->ptr + end + 1, rest->len - end - 1};
	return true;
}

static bool parse_range(struct span text, uint64_t *low, uint64_t *high)
{
	size_t dash = span_find(text, '-');
	struct span from = {text.ptr, dash};
	struct span to;

	if (dash == text.len)
		return false;
	to = (struct span){text.ptr + dash + 1, text.len - dash - 1};
	return is_digits(from) && is_digits(to) && from.len == to.len &&
	       from.len <= DIAL_RANGE_DIGITS_MAX && span_to_u64(from, UINT64_MAX, low) &&
	       span_to_u64(to, UINT64_MAX, high) && *low <= *high;
}

static bool check_target(struct span target)
{
	struct span rest = target;
	struct span part;
	bool more = true;
	uint64_t low;
	uint64_t high;
	int count = 0;

	if (!only_of(target, TARGET_BYTES))
		return false;
	while (next_alternative(&rest, &more, &part)) {
		bool is_range = span_find(part, '-') < part.len;

		if (++count > DIAL_ALTERNATIVES_MAX)
			return false;
		if (is_range ? !parse_range(part, &low, &high) : part.len > DIAL_NUMBER_MAX)
			return false;
	}
	return true;
}

bool dial_rule_parse(struct span text, struct dial_rule *out)
{
	struct dial_rule rule = {0};
	size_t arrow = 0;
	size_t slash;

	while (arrow + 1 < text.len && memcmp(text.ptr + arrow, "->", 2) != 0)
		arrow++;
	if (arrow + 1 >= text.len)
		return false;
	rule.source = span_trim((struct span){text.ptr, arrow});
	rule.target = span_trim((struct span){text.ptr + arrow + 2, text.len - arrow - 2});
	slash = span_find(rule.source, '/');
	if (slash < rule.source.len) {
		struct span lengths = {rule.source.ptr + slash + 1, rule.source.len - slash - 1};

		if (!parse_lengths(lengths, &rule))
			return false;
		rule.source.len = slash;
	}
	rule.has_star = span_find(rule.source, '*') < rule.source.len;
	if (rule.source.len > DIAL_NUMBER_MAX || !only_of(rule.source, SOURCE_BYTES) ||
	    !check_target(rule.target))
		return false;
	*out = rule;
	return true;
}

static bool length_fits(const struct dial_rule *rule, struct span number)
{
	return rule->max_digits == 0 ||
	       (number.len >= rule->min_digits && number.len <= rule->max_digits);
}

/* Where the literal begins at or after `from`; number.len + 1 when nowhere. */
static size_t find_literal(struct span number, size_t from, struct span literal)
{
	for (size_t at = from; at + literal.len <= number.len; at++)
		if (memcmp(number.ptr + at, literal.ptr, literal.len) == 0)
			return at;
	return number.len + 1;
}

/* The pieces between stars one after the other, each at its first place: as few digits a star. */
static int match_stars(struct span source, struct span number)
{
	size_t used = 0;
	bool after_star = false;

	for (;;) {
		size_t end = span_find(source, '*');
		struct span literal = {source.ptr, end};
		size_t at = after_star ? find_literal(number, used, literal) : 0;

		if (at + literal.len > number.len ||
		    (literal.len && memcmp(number.ptr + at, literal.ptr, literal.len) != 0))
			return -1;
		used = at + literal.len;
		if (end == source.len)
			return (int)used;
		source = (struct span){source.ptr + end + 1, source.len - end - 1};
		after_star = true;
		if (source.len == 0)
			return (int)number.len;
	}
}

int dial_rule_match(const struct dial_rule *rule, struct span number)
{
	if (number.len > DIAL_NUMBER_MAX || !length_fits(rule, number))
		return -1;
	if (rule->has_star)
		return match_stars(rule->source, number);
	return span_starts_with(number, rule->source) ? (int)rule->source.len : -1;
}

static struct span pick_alternative(struct span target,
				    uint64_t (*random)(void *context, uint64_t n), void *context)
{
	struct span rest = target;
	struct span part = SPAN_NONE;
	bool more = true;
	uint64_t count = 1;
	uint64_t chosen;

	for (size_t i = 0; i < target.len; i++)
		count += target.ptr[i] == ';';
	chosen = count > 1 ? random(context, count) : 0;
	while (next_alternative(&rest, &more, &part) && chosen > 0)
		chosen--;
	return part;
}

static void add_range(struct span part, uint64_t (*random)(void *context, uint64_t n),
		      void *context, struct buf *out)
{
	int digits = (int)span_find(part, '-');
	uint64_t low = 0;
	uint64_t high = 0;

	if (parse_range(part, &low, &high))
		buf_printf(out, "%0*llu", digits,
			   (unsigned long long)(low + random(context, high - low + 1)));
}

bool dial_rule_apply(const struct dial_rule *rule, struct span number, size_t matched,
		     uint64_t (*random)(void *context, uint64_t n), void *context, struct buf *out)
{
	struct span part = pick_alternative(rule->target, random, context);

	if (span_find(part, '-') < part.len) {
		add_range(part, random, context, out);
	} else {
		for (size_t i = 0; i < part.len; i++) {
			if (part.ptr[i] == '?')
				buf_add_char(out, (char)('0' + random(context, 10)));
			else if (part.ptr[i] != '$')
				buf_add_char(out, part.ptr[i]);
			else if (i < matched)
				buf_add_char(out, number.ptr[i]);
		}
	}
	buf_add_span(out, (struct span){number.ptr + matched, number.len - matched});
	return !out->failed;
}
