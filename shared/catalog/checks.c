/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/catalog/checks.h"

#include <string.h>

#include "shared/base/digest_algorithm.h"
#include "shared/catalog/dial_rule.h"
#include "shared/catalog/period_rule.h"
#include "shared/catalog/weighted_prefix.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

#define NUMBER_PREFIX_MAX 32 /* as DIGITS of rows.h has it */

static bool only_of(struct span text, const char *allowed)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] == '\0' || !strchr(allowed, text.ptr[i]))
			return false;
	return true;
}

/* Cuts the part before the first c off *rest; without c it is all of it. False when nothing is
 * left. */
static bool cut(struct span *rest, char c, struct span *part)
{
	size_t at;

	if (!rest->ptr)
		return false;
	at = span_find(*rest, c);
	*part = (struct span){rest->ptr, at};
	if (at == rest->len)
		*rest = SPAN_NONE;
	else
		*rest = (struct span){rest->ptr + at + 1, rest->len - at - 1};
	return true;
}

static bool every_part(struct span text, char separator, bool (*is_valid)(struct span part))
{
	struct span rest = text;
	struct span part;

	while (cut(&rest, separator, &part))
		if (!is_valid(span_trim(part)))
			return false;
	return true;
}

/* Behaviour A2: the two readings of the number do not overlap. */
bool check_session_segment(const struct value *value)
{
	return (value->number >= 2 && value->number <= 10) || value->number >= 30;
}

/* A call takes an even/odd pair, so the range begins at an even port and holds a pair. */
bool check_even_pair(const struct value *value)
{
	return value->ports.low % 2 == 0 && value->ports.low < value->ports.high;
}

bool check_name(const struct value *value)
{
	return strpbrk(value->text, " \"\\|?") == NULL;
}

bool check_number(const struct value *value)
{
	return only_of(span_of(value->text), LETTERS DIGITS "+-._*#");
}

static bool is_number(struct span text)
{
	if (text.len && text.ptr[0] == '+')
		text = (struct span){text.ptr + 1, text.len - 1};
	return only_of(text, DIGITS "*#");
}

bool check_digits(const struct value *value)
{
	return is_number(span_of(value->text)) && strcmp(value->text, "+") != 0;
}

bool check_login(const struct value *value)
{
	return value->text[0] != '-' && only_of(span_of(value->text), LETTERS DIGITS "_.-@");
}

/* RFC 1123 section 2.1: labels of letters, digits and inner hyphens. */
static bool is_label(struct span label)
{
	return label.len > 0 && label.len <= 63 && only_of(label, LETTERS DIGITS "-") &&
	       label.ptr[0] != '-' && label.ptr[label.len - 1] != '-';
}

static bool is_hostname(struct span text)
{
	struct span rest = text;
	struct span label;

	while (cut(&rest, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

bool check_hostname(const struct value *value)
{
	return is_hostname(span_of(value->text));
}

/* The realm is written between quotes, and escaped characters there break some phones. */
bool check_realm(const struct value *value)
{
	return strpbrk(value->text, "\"\\") == NULL;
}

bool check_path(const struct value *value)
{
	return value->text[0] == '/';
}

bool check_ip_or_empty(const struct value *value)
{
	struct addr addr;

	return value->text[0] == '\0' || (addr_parse(span_of(value->text), &addr) && !addr.port);
}

static bool is_host_port(struct span text, bool needs_port)
{
	struct addr addr;
	size_t colon = span_find(text, ':');
	uint64_t port = 0;

	if (addr_parse(text, &addr))
		return addr.port != 0 || !needs_port;
	if (colon == text.len)
		return !needs_port && is_hostname(text);
	return is_hostname((struct span){text.ptr, colon}) &&
	       span_to_u64((struct span){text.ptr + colon + 1, text.len - colon - 1}, 65535,
			   &port) &&
	       port > 0;
}

bool check_host_port(const struct value *value)
{
	return is_host_port(span_of(value->text), false);
}

/* No user information (RFC 3986 section 3.2.1): what a URL says is shown to everybody. */
bool check_url(const struct value *value)
{
	struct span text = span_of(value->text);
	size_t end;

	if (span_starts_with(text, SPAN_LIT("https://")))
		text = (struct span){text.ptr + 8, text.len - 8};
	else if (span_starts_with(text, SPAN_LIT("http://")))
		text = (struct span){text.ptr + 7, text.len - 7};
	else
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || strchr("\"\\<>#", text.ptr[i]))
			return false;
	for (end = 0; end < text.len && text.ptr[end] != '/' && text.ptr[end] != '?'; end++)
		if (text.ptr[end] == '@')
			return false;
	return end > 0 && is_host_port((struct span){text.ptr, end}, false);
}

static bool is_host_with_port(struct span part)
{
	return is_host_port(part, true);
}

bool check_host_port_list(const struct value *value)
{
	return value->text[0] == '\0' || every_part(span_of(value->text), ',', is_host_with_port);
}

bool check_amount(const struct value *value)
{
	struct span text = span_of(value->text);
	size_t point = span_find(text, '.');
	struct span whole = {text.ptr, point};
	struct span decimals = SPAN_NONE;

	if (point < text.len) {
		decimals = (struct span){text.ptr + point + 1, text.len - point - 1};
		if (decimals.len == 0)
			return false;
	}
	return whole.len > 0 && only_of(whole, DIGITS) && only_of(decimals, DIGITS) &&
	       strpbrk(text.ptr, "123456789") != NULL;
}

static bool is_number_pattern(struct span part)
{
	return part.len > 0 && only_of(part, DIGITS "+*#?");
}

bool check_number_list(const struct value *value)
{
	return value->text[0] == '\0' || every_part(span_of(value->text), ',', is_number_pattern);
}

static bool is_hour(struct span part)
{
	uint64_t hour;

	return part.len > 0 && span_to_u64(part, 23, &hour);
}

bool check_hours(const struct value *value)
{
	struct span text = span_of(value->text);

	return text.len == 0 || span_ieq(text, SPAN_LIT("none")) || every_part(text, ',', is_hour);
}

bool check_ivr_codecs(const struct value *value)
{
	static const char *const names[] = {"g729a", "g729", "g723", "g711a", "g711u"};
	struct span rest = span_of(value->text);
	struct span part;
	unsigned seen = 0;

	while (cut(&rest, ',', &part)) {
		unsigned bit = 0;

		for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
			if (span_ieq(span_trim(part), span_of(names[i])))
				bit = 1u << i;
		if (!bit || (seen & bit))
			return false;
		seen |= bit;
	}
	return true;
}

bool check_dtmf_key(const struct value *value)
{
	return only_of(span_of(value->text), DIGITS "*#ABCDabcd");
}

bool check_rule(const struct value *value)
{
	struct dial_rule rule;

	return dial_rule_parse(span_of(value->text), &rule);
}

/* A failure that SIP can tell, or 0. */
static bool is_failure_or_none(struct span text)
{
	uint64_t code;

	return span_to_u64(text, 699, &code) && (code == 0 || code >= 400);
}

bool check_cause_pair(const struct value *value)
{
	struct span text = span_of(value->text);
	size_t colon = span_find(text, ':');

	return colon < text.len && is_failure_or_none((struct span){text.ptr, colon}) &&
	       is_failure_or_none((struct span){text.ptr + colon + 1, text.len - colon - 1});
}

bool check_period(const struct value *value)
{
	struct period_rule rule;

	return period_rule_parse(span_of(value->text), &rule);
}

bool check_times(const struct value *value)
{
	struct period_rule rule;

	return period_rule_parse(span_of(value->text), &rule) &&
	       (rule.action == PERIOD_ALLOW || rule.action == PERIOD_DENY);
}

bool check_weighted_prefix(const struct value *value)
{
	struct weighted_prefix row;

	return weighted_prefix_parse(span_of(value->text), &row);
}

bool canonical_source(struct span text, struct buf *out)
{
	char printed[ADDR_TEXT_MAX];
	struct prefix prefix;
	uint16_t port;

	if (!source_parse(text, &prefix, &port))
		return false;
	if (prefix.bits == (prefix.base.family == ADDR_IP4 ? 32 : 128)) {
		prefix.base.port = port;
		buf_add_str(out, addr_print(&prefix.base, printed));
	} else {
		buf_add_str(out, prefix_print(&prefix, printed));
	}
	return true;
}

/* One side of a pair: "" is any. */
static bool take_prefix(struct span text, struct span *out)
{
	*out = span_eq(text, SPAN_LIT("*")) ? SPAN_LIT("") : text;
	return out->len <= NUMBER_PREFIX_MAX && is_number(*out) && !span_eq(*out, SPAN_LIT("+"));
}

bool number_pair_parse(struct span text, struct span *caller, struct span *callee)
{
	size_t colon = span_find(text, ':');

	return colon < text.len && take_prefix((struct span){text.ptr, colon}, caller) &&
	       take_prefix((struct span){text.ptr + colon + 1, text.len - colon - 1}, callee) &&
	       caller->len + callee->len > 0;
}

bool canonical_pair(struct span text, struct buf *out)
{
	struct span caller;
	struct span callee;

	if (!number_pair_parse(text, &caller, &callee))
		return false;
	buf_add_span(out, caller.len ? caller : SPAN_LIT("*"));
	buf_add_char(out, ':');
	buf_add_span(out, callee.len ? callee : SPAN_LIT("*"));
	return true;
}

bool canonical_digest_algorithms(struct span text, struct buf *out)
{
	unsigned set;

	if (!digest_algorithms_parse(text, &set))
		return false;
	digest_algorithms_print(set, out);
	return true;
}

bool source_parse(struct span text, struct prefix *out, uint16_t *port)
{
	struct prefix prefix = {0};

	if (text.len == 0)
		return false;
	if (!prefix_parse(text, &prefix)) {
		if (!addr_parse_with_port(text, &prefix.base))
			return false;
		prefix.bits = prefix.base.family == ADDR_IP4 ? 32 : 128;
	}
	*port = prefix.base.port;
	prefix.base.port = 0;
	*out = prefix;
	return true;
}
