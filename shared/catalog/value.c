/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of values. Each type has one function; value_parse() picks it and applies the spec's own
 * rule. Faults are one sentence: what was given, why not, what is allowed. */
#include "shared/catalog/value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/secret.h"
#include "shared/catalog/value_text.h"

#define QUOTE_MAX    48
#define ALLOWED_MAX  320
#define NUMBER_LIMIT INT64_C(1000000000000000)

/* What every parser needs; the fault is written through it. */
struct parse {
	const struct value_spec *spec;
	const char *label;
	struct span text;
	struct vos_fault *fault;
};

/* "label: what; allowed ..." */
static enum vos_err refuse(const struct parse *parse, enum fault_code code, const char *what)
{
	char memory[ALLOWED_MAX];
	struct buf allowed = buf_over(memory, sizeof(memory) - 1);

	if (!parse->fault)
		return VOS_EINVAL;
	value_print_allowed(parse->spec, &allowed);
	fault_set(parse->fault, code, 0, "%s: %s; allowed %.*s", parse->label, what,
		  (int)allowed.len, allowed.data);
	return VOS_EINVAL;
}

/* The same, with the given text quoted in front: "label: "x" is not a number; allowed ...". */
static enum vos_err refuse_text(const struct parse *parse, enum fault_code code, const char *why)
{
	char memory[3 * QUOTE_MAX + 128];
	struct buf what = buf_over(memory, sizeof(memory));

	buf_add_char(&what, '"');
	value_print_excerpt(parse->text, QUOTE_MAX, &what);
	buf_add_lit(&what, "\" ");
	buf_add_str(&what, why);
	return refuse(parse, code, buf_cstr(&what));
}

static enum vos_err refuse_number(const struct parse *parse, int64_t number, const char *why)
{
	char memory[128];
	struct buf what = buf_over(memory, sizeof(memory));
	const char *unit = parse->spec->unit ? parse->spec->unit : "";

	if (number >= NUMBER_LIMIT)
		return refuse_text(parse, FAULT_VALUE_RANGE, why);
	buf_printf(&what, "%lld%s%s %s", (long long)number, *unit ? " " : "", unit, why);
	return refuse(parse, FAULT_VALUE_RANGE, buf_cstr(&what));
}

static enum vos_err check_range(const struct parse *parse, int64_t number)
{
	if (number < parse->spec->min)
		return refuse_number(parse, number, "is below the minimum");
	if (number > parse->spec->max)
		return refuse_number(parse, number, "is above the maximum");
	return VOS_OK;
}

/* Takes a whole decimal number off the front; it stops growing at NUMBER_LIMIT. */
static bool take_number(struct span *text, int64_t *out)
{
	struct span rest = *text;
	bool is_negative = rest.len > 1 && rest.ptr[0] == '-';
	int64_t number = 0;
	size_t digits = 0;

	if (is_negative)
		rest = (struct span){rest.ptr + 1, rest.len - 1};
	for (; digits < rest.len && rest.ptr[digits] >= '0' && rest.ptr[digits] <= '9'; digits++) {
		number = number * 10 + (rest.ptr[digits] - '0');
		if (number > NUMBER_LIMIT)
			number = NUMBER_LIMIT;
	}
	if (digits == 0)
		return false;
	*out = is_negative ? -number : number;
	*text = span_trim((struct span){rest.ptr + digits, rest.len - digits});
	return true;
}

/* Milliseconds of a unit word; 0 when it is none. */
static int64_t unit_ms(struct span unit)
{
	static const struct {
		const char *word;
		int64_t ms;
	} units[] = {{"ms", 1},    {"s", 1000},    {"sec", 1000},
		     {"m", 60000}, {"min", 60000}, {"h", 3600000}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (span_ieq(unit, span_of(units[i].word)))
			return units[i].ms;
	return 0;
}

/* A number without suffix is in the spec's unit; "2m" is 120 where that is seconds. */
static enum vos_err convert_duration(const struct parse *parse, struct span suffix, int64_t *number)
{
	int64_t from = unit_ms(suffix);
	int64_t to = unit_ms(span_of(parse->spec->unit));

	if (from == 0)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "has an unknown unit");
	if (*number >= NUMBER_LIMIT / from)
		*number = NUMBER_LIMIT;
	else if (*number * from % to != 0)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not a whole number of the unit");
	else
		*number = *number * from / to;
	return VOS_OK;
}

static enum vos_err parse_number(const struct parse *parse, struct value *out)
{
	const struct value_spec *spec = parse->spec;
	struct span rest = parse->text;
	enum vos_err err = VOS_OK;
	int64_t number;

	out->type = spec->type;
	out->number = spec->none_number;
	if (spec->none_word && (value_words_equal(parse->text, span_of(spec->none_word)) ||
				value_is_alias(spec->none_aliases, parse->text)))
		return VOS_OK;
	if (!take_number(&rest, &number))
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not a whole number");
	if (rest.len && spec->type == VALUE_DURATION)
		err = convert_duration(parse, rest, &number);
	else if (rest.len && !(spec->unit && span_ieq(rest, span_of(spec->unit))))
		err = refuse_text(parse, FAULT_VALUE_FORMAT, "is not a whole number");
	if (err != VOS_OK)
		return err;
	out->number = number;
	if (spec->none_word && spec->none_word[0] >= '0' && spec->none_word[0] <= '9' &&
	    number == spec->none_number)
		return VOS_OK;
	return check_range(parse, number);
}

static enum vos_err parse_bool(const struct parse *parse, struct value *out)
{
	bool is_on = value_is_alias("on|yes|true|1|enable", parse->text);

	if (!is_on && !value_is_alias("off|no|false|0|disable", parse->text))
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is neither on nor off");
	out->type = VALUE_BOOL;
	out->boolean = is_on;
	return VOS_OK;
}

static enum vos_err parse_enum(const struct parse *parse, struct value *out)
{
	const struct value_spec *spec = parse->spec;

	for (int64_t i = 0; spec->words[i]; i++) {
		const char *aliases = spec->word_aliases ? spec->word_aliases[i] : NULL;

		if (!value_words_equal(parse->text, span_of(spec->words[i])) &&
		    !value_is_alias(aliases, parse->text))
			continue;
		out->type = VALUE_ENUM;
		out->number = i;
		return VOS_OK;
	}
	return refuse_text(parse, FAULT_VALUE_FORMAT, "is not one of the words");
}

static enum vos_err keep_text(enum value_type type, struct span text, struct value *out)
{
	out->text = span_dup(text.ptr ? text : SPAN_LIT(""));
	if (!out->text)
		return VOS_ENOMEM;
	out->type = type;
	return VOS_OK;
}

static enum vos_err check_length(const struct parse *parse)
{
	int64_t len = (int64_t)parse->text.len;
	char what[64];
	struct buf buf = buf_over(what, sizeof(what));

	if (len >= parse->spec->min && len <= parse->spec->max)
		return VOS_OK;
	buf_printf(&buf, "%lld bytes are too %s", (long long)len,
		   len < parse->spec->min ? "few" : "many");
	return refuse(parse, FAULT_VALUE_RANGE, buf_cstr(&buf));
}

static enum vos_err parse_string(const struct parse *parse, struct value *out)
{
	char canonical[128];
	struct buf buf = buf_over(canonical, sizeof(canonical));
	enum vos_err err;

	if (!value_text_is_clean(parse->text))
		return refuse(parse, FAULT_VALUE_FORMAT,
			      "text has control characters or is not UTF-8");
	err = check_length(parse);
	if (err != VOS_OK)
		return err;
	if (!parse->spec->canonical)
		return keep_text(VALUE_STRING, parse->text, out);
	if (!parse->spec->canonical(parse->text, &buf) || buf.failed)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not allowed");
	return keep_text(VALUE_STRING, buf_span(&buf), out);
}

/* No fault quotes the text. */
static enum vos_err parse_secret(const struct parse *parse, struct value *out)
{
	enum vos_err err;

	if (value_text_is_sealed(parse->text))
		return keep_text(VALUE_SECRET, parse->text, out);
	if (!value_text_is_clean(parse->text))
		return refuse(parse, FAULT_VALUE_FORMAT,
			      "text has control characters or is not UTF-8");
	err = check_length(parse);
	if (err != VOS_OK)
		return err;
	return keep_text(VALUE_SECRET, parse->text, out);
}

static enum vos_err parse_port_range(const struct parse *parse, struct value *out)
{
	struct span rest = parse->text;
	int64_t low, high;
	enum vos_err err;

	if (!take_number(&rest, &low) || rest.len == 0 ||
	    (rest.ptr[0] != ',' && rest.ptr[0] != '-'))
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not of the form low,high");
	rest = span_trim((struct span){rest.ptr + 1, rest.len - 1});
	if (!take_number(&rest, &high) || rest.len)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not of the form low,high");
	err = check_range(parse, low);
	if (err == VOS_OK)
		err = check_range(parse, high);
	if (err != VOS_OK)
		return err;
	if (low > high)
		return refuse_text(parse, FAULT_VALUE_RANGE, "has its ends in the wrong order");
	out->type = VALUE_PORT_RANGE;
	out->ports.low = (uint16_t)low;
	out->ports.high = (uint16_t)high;
	return VOS_OK;
}

/* "0.5" to 500; at most three decimals and one hour; 0 when it is not such a number. */
static uint32_t interval_ms(struct span text)
{
	size_t point = span_find(text, '.');
	struct span decimals = SPAN_NONE;
	uint64_t seconds = 0, thousandths = 0;

	if (point < text.len)
		decimals = (struct span){text.ptr + point + 1, text.len - point - 1};
	if (point == 0 || !span_to_u64((struct span){text.ptr, point}, 3600, &seconds))
		return 0;
	if (point < text.len &&
	    (decimals.len == 0 || decimals.len > 3 || !span_to_u64(decimals, 999, &thousandths)))
		return 0;
	for (size_t i = decimals.len; point < text.len && i < 3; i++)
		thousandths *= 10;
	return (uint32_t)(seconds * 1000 + thousandths);
}

static enum vos_err parse_intervals(const struct parse *parse, struct value *out)
{
	struct span rest = parse->text;
	struct value value = {.type = VALUE_INTERVAL_LIST};
	int64_t count = 0;

	for (;;) {
		size_t comma = span_find(rest, ',');
		uint32_t ms = interval_ms(span_trim((struct span){rest.ptr, comma}));

		if (ms == 0 || ms > 3600 * 1000)
			return refuse_text(parse, FAULT_VALUE_FORMAT,
					   "is not a list of positive seconds");
		if (count < VALUE_INTERVALS_MAX)
			value.intervals.ms[count] = ms;
		count++;
		if (comma == rest.len)
			break;
		rest = (struct span){rest.ptr + comma + 1, rest.len - comma - 1};
	}
	if (count < parse->spec->min || count > parse->spec->max || count > VALUE_INTERVALS_MAX)
		return refuse_text(parse, FAULT_VALUE_RANGE,
				   count < parse->spec->min ? "has too few parts"
							    : "has too many parts");
	value.intervals.count = (uint8_t)count;
	*out = value;
	return VOS_OK;
}

/* "0xa0" or "160". The low two bits are ECN's (RFC 3168 section 5) and not ours to set. */
static enum vos_err parse_tos(const struct parse *parse, struct value *out)
{
	struct span rest = parse->text;
	int64_t number = 0;

	if (span_istarts_with(rest, SPAN_LIT("0x")) && rest.len > 2) {
		for (size_t i = 2; i < rest.len; i++) {
			int digit = hex_digit(rest.ptr[i]);

			if (digit < 0)
				return refuse_text(parse, FAULT_VALUE_FORMAT, "is not a ToS byte");
			number = number > 0xff ? number : number * 16 + digit;
		}
	} else if (!take_number(&rest, &number) || rest.len) {
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not a ToS byte");
	}
	if (number < parse->spec->min || number > parse->spec->max)
		return refuse_text(parse, FAULT_VALUE_RANGE, "is out of range");
	out->type = VALUE_TOS;
	out->number = number & 0xfc;
	return VOS_OK;
}

static enum vos_err parse_default_max(const struct parse *parse, struct value *out)
{
	struct span rest = parse->text;
	int64_t standard, most;
	enum vos_err err;

	if (!take_number(&rest, &standard))
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not of the form default/max");
	most = standard;
	if (rest.len && rest.ptr[0] == '/') {
		rest = span_trim((struct span){rest.ptr + 1, rest.len - 1});
		if (!take_number(&rest, &most))
			rest = parse->text;
	}
	if (rest.len)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not of the form default/max");
	err = check_range(parse, standard);
	if (err == VOS_OK)
		err = check_range(parse, most);
	if (err != VOS_OK)
		return err;
	if (standard > most)
		return refuse_text(parse, FAULT_VALUE_RANGE, "has a default above its maximum");
	out->type = VALUE_DEFAULT_MAX;
	out->expire.standard = (int32_t)standard;
	out->expire.max = (int32_t)most;
	return VOS_OK;
}

static enum vos_err parse_address(const struct parse *parse, struct value *out)
{
	struct addr addr;

	if (!addr_parse(parse->text, &addr))
		return refuse_text(parse, FAULT_VALUE_FORMAT, "is not an address");
	if (parse->spec->port == VALUE_PORT_REQUIRED && addr.port == 0)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "lacks a port");
	if (parse->spec->port == VALUE_PORT_NONE && addr.port != 0)
		return refuse_text(parse, FAULT_VALUE_FORMAT, "has a port");
	out->type = VALUE_ADDRESS;
	out->address = addr;
	return VOS_OK;
}

static enum vos_err parse_prefix(const struct parse *parse, struct value *out)
{
	struct prefix prefix;

	if (parse->text.len == 0 || !prefix_parse(parse->text, &prefix))
		return refuse_text(parse, FAULT_VALUE_FORMAT,
				   "is not a prefix, or has bits beyond its length");
	out->type = VALUE_PREFIX;
	out->prefix = prefix;
	return VOS_OK;
}

static enum vos_err parse_type(const struct parse *parse, struct value *out)
{
	switch (parse->spec->type) {
	case VALUE_BOOL:
		return parse_bool(parse, out);
	case VALUE_INT:
	case VALUE_DURATION:
		return parse_number(parse, out);
	case VALUE_ENUM:
		return parse_enum(parse, out);
	case VALUE_STRING:
		return parse_string(parse, out);
	case VALUE_SECRET:
		return parse_secret(parse, out);
	case VALUE_PORT_RANGE:
		return parse_port_range(parse, out);
	case VALUE_INTERVAL_LIST:
		return parse_intervals(parse, out);
	case VALUE_TOS:
		return parse_tos(parse, out);
	case VALUE_DEFAULT_MAX:
		return parse_default_max(parse, out);
	case VALUE_ADDRESS:
		return parse_address(parse, out);
	case VALUE_PREFIX:
		return parse_prefix(parse, out);
	case VALUE_NONE:
		break;
	}
	return refuse(parse, FAULT_VALUE_FORMAT, "takes no value");
}

enum vos_err value_parse(const struct value_spec *spec, const char *label, struct span text,
			 struct value *out, struct vos_fault *fault)
{
	bool is_text = spec->type == VALUE_STRING || spec->type == VALUE_SECRET;
	struct parse parse = {spec, label, is_text ? text : span_trim(text), fault};
	struct value value = {0};
	enum vos_err err = parse_type(&parse, &value);

	if (err != VOS_OK)
		return err;
	if (spec->check && !spec->check(&value)) {
		value_clear(&value);
		return refuse_text(&parse, is_text ? FAULT_VALUE_FORMAT : FAULT_VALUE_RANGE,
				   "is not allowed");
	}
	*out = value;
	return VOS_OK;
}

enum vos_err value_copy(const struct value *from, struct value *to)
{
	struct value value = *from;

	if (from->type == VALUE_STRING || from->type == VALUE_SECRET) {
		value.text = span_dup(span_of(from->text ? from->text : ""));
		if (!value.text)
			return VOS_ENOMEM;
	}
	*to = value;
	return VOS_OK;
}

void value_clear(struct value *value)
{
	if (value->type == VALUE_SECRET && value->text)
		secret_wipe(value->text, strlen(value->text));
	if (value->type == VALUE_STRING || value->type == VALUE_SECRET)
		free(value->text);
	*value = (struct value){.type = VALUE_NONE};
}
