/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Printing and comparing of values, and of what a spec allows. */
#include <string.h>

#include "shared/catalog/value_text.h"

static void print_intervals(const struct value *value, struct buf *out)
{
	for (int i = 0; i < value->intervals.count; i++) {
		uint32_t ms = value->intervals.ms[i];
		uint32_t part = ms % 1000;
		int digits = 3;

		buf_printf(out, "%s%u", i ? "," : "", ms / 1000);
		if (part == 0)
			continue;
		for (; part % 10 == 0; part /= 10)
			digits--;
		buf_printf(out, ".%0*u", digits, part);
	}
}

static void print_number(const struct value_spec *spec, int64_t number, struct buf *out)
{
	if (spec->none_word && number == spec->none_number)
		buf_add_str(out, spec->none_word);
	else
		buf_printf(out, "%lld", (long long)number);
}

static void print_secret(const char *text, struct buf *out)
{
	if (text && value_text_is_sealed(span_of(text)))
		buf_add_str(out, text);
	else
		buf_add_lit(out, "<redacted>");
}

const char *value_word(const struct value_spec *spec, const struct value *value)
{
	if (value->type != VALUE_ENUM || value->number < 0 || value->number > spec->max)
		return "";
	return spec->words[value->number];
}

void value_print(const struct value_spec *spec, const struct value *value, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	switch (value->type) {
	case VALUE_NONE:
		break;
	case VALUE_BOOL:
		buf_add_str(out, value->boolean ? "on" : "off");
		break;
	case VALUE_INT:
	case VALUE_DURATION:
		print_number(spec, value->number, out);
		break;
	case VALUE_ENUM:
		buf_add_str(out, value_word(spec, value));
		break;
	case VALUE_STRING:
		buf_add_str(out, value->text ? value->text : "");
		break;
	case VALUE_SECRET:
		print_secret(value->text, out);
		break;
	case VALUE_PORT_RANGE:
		buf_printf(out, "%u,%u", value->ports.low, value->ports.high);
		break;
	case VALUE_INTERVAL_LIST:
		print_intervals(value, out);
		break;
	case VALUE_TOS:
		buf_printf(out, "0x%02x", (unsigned)value->number);
		break;
	case VALUE_DEFAULT_MAX:
		buf_printf(out, "%d/%d", value->expire.standard, value->expire.max);
		break;
	case VALUE_ADDRESS:
		buf_add_str(out, addr_print(&value->address, text));
		break;
	case VALUE_PREFIX:
		buf_add_str(out, prefix_print(&value->prefix, text));
		break;
	}
}

static void print_range(const struct value_spec *spec, struct buf *out)
{
	buf_printf(out, "%lld..%lld", (long long)spec->min, (long long)spec->max);
	if (spec->unit && spec->unit[0])
		buf_printf(out, " %s", spec->unit);
}

static void print_words(const struct value_spec *spec, struct buf *out)
{
	for (int i = 0; spec->words[i]; i++)
		buf_printf(out, "%s%s", i ? "|" : "", spec->words[i]);
}

static const char *address_form(enum value_port port)
{
	switch (port) {
	case VALUE_PORT_REQUIRED:
		return "ip:port";
	case VALUE_PORT_NONE:
		return "ip";
	case VALUE_PORT_OPTIONAL:
		break;
	}
	return "ip[:port]";
}

/* The form without brackets. */
static void print_form(const struct value_spec *spec, struct buf *out)
{
	switch (spec->type) {
	case VALUE_NONE:
		return;
	case VALUE_BOOL:
		buf_add_lit(out, "on|off");
		return;
	case VALUE_ENUM:
		print_words(spec, out);
		return;
	case VALUE_TOS:
		buf_add_lit(out, "0x00..0xff");
		return;
	case VALUE_ADDRESS:
		buf_add_str(out, address_form(spec->port));
		return;
	case VALUE_PREFIX:
		buf_add_lit(out, "ip[/bits]");
		return;
	case VALUE_INT:
	case VALUE_DURATION:
		break;
	case VALUE_STRING:
		buf_add_lit(out, "text ");
		break;
	case VALUE_SECRET:
		buf_add_lit(out, "secret ");
		break;
	case VALUE_PORT_RANGE:
		buf_add_lit(out, "low,high ");
		break;
	case VALUE_INTERVAL_LIST:
		buf_add_lit(out, "seconds,... ");
		break;
	case VALUE_DEFAULT_MAX:
		buf_add_lit(out, "default/max ");
		break;
	}
	print_range(spec, out);
}

void value_print_type(const struct value_spec *spec, struct buf *out)
{
	bool is_choice = spec->type == VALUE_BOOL || spec->type == VALUE_ENUM;

	if (spec->type == VALUE_NONE)
		return;
	if (spec->none_word)
		buf_printf(out, "{%s|", spec->none_word);
	buf_add_char(out, is_choice ? '{' : '<');
	print_form(spec, out);
	buf_add_char(out, is_choice ? '}' : '>');
	if (spec->none_word)
		buf_add_char(out, '}');
}

void value_print_allowed(const struct value_spec *spec, struct buf *out)
{
	if (spec->none_word)
		buf_printf(out, "%s or ", spec->none_word);
	print_form(spec, out);
	if (spec->type == VALUE_STRING || spec->type == VALUE_SECRET)
		buf_add_lit(out, " bytes");
	if (spec->type == VALUE_INTERVAL_LIST)
		buf_add_lit(out, " parts");
	if (spec->extra)
		buf_printf(out, ", %s", spec->extra);
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case VALUE_NONE:
		return true;
	case VALUE_BOOL:
		return a->boolean == b->boolean;
	case VALUE_INT:
	case VALUE_DURATION:
	case VALUE_ENUM:
	case VALUE_TOS:
		return a->number == b->number;
	case VALUE_STRING:
	case VALUE_SECRET:
		return span_eq(span_of(a->text), span_of(b->text));
	case VALUE_PORT_RANGE:
		return a->ports.low == b->ports.low && a->ports.high == b->ports.high;
	case VALUE_INTERVAL_LIST:
		return a->intervals.count == b->intervals.count &&
		       memcmp(a->intervals.ms, b->intervals.ms,
			      a->intervals.count * sizeof(a->intervals.ms[0])) == 0;
	case VALUE_DEFAULT_MAX:
		return a->expire.standard == b->expire.standard && a->expire.max == b->expire.max;
	case VALUE_ADDRESS:
		return addr_eq(&a->address, &b->address);
	case VALUE_PREFIX:
		return addr_eq(&a->prefix.base, &b->prefix.base) &&
		       a->prefix.bits == b->prefix.bits;
	}
	return false;
}
