/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/guard_scan.h"

#include "switchd/sip/syntax_private.h"

struct method_class {
	struct span word;
	enum guard_class found;
};

/* With the blank behind it, so that INVITEX is another word. A BYE without a dialog is answered 481
 * by whoever gets it. */
static const struct method_class METHODS[] = {
	{{"SIP/2.0 ", 8}, GUARD_RESPONSE}, {{"REGISTER ", 9}, GUARD_REGISTER},
	{{"ACK ", 4}, GUARD_INSIDE},       {{"BYE ", 4}, GUARD_INSIDE},
	{{"CANCEL ", 7}, GUARD_INSIDE},    {{"PRACK ", 6}, GUARD_INSIDE},
	{{"UPDATE ", 7}, GUARD_INSIDE},    {{"INFO ", 5}, GUARD_INSIDE},
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Value of the line when it is "To:" or "t:". */
static bool take_to(struct span line, struct span *value)
{
	size_t at = line.len && (line.ptr[0] | 0x20) == 't' ? 1 : 0;

	if (!at)
		return false;
	if (line.len > 1 && (line.ptr[1] | 0x20) == 'o')
		at = 2;
	while (at < line.len && is_blank(line.ptr[at]))
		at++;
	if (at == line.len || line.ptr[at] != ':')
		return false;
	*value = span_trim(span_from(line, at + 1));
	return true;
}

static bool has_to_tag(struct span rest)
{
	for (;;) {
		size_t lf = span_find(rest, '\n');
		struct sip_name_addr to;
		struct span value;
		struct span tag;

		if (lf == rest.len)
			return false;
		rest = span_from(rest, lf + 1);
		if (!rest.len || rest.ptr[0] == '\r' || rest.ptr[0] == '\n')
			return false; /* end of the header */
		if (!take_to((struct span){rest.ptr, span_find(rest, '\n')}, &value))
			continue;
		return sip_name_addr_parse(value, &to) && !to.is_star &&
		       sip_param_get(to.params, SPAN_LIT("tag"), &tag) && tag.len > 0;
	}
}

enum guard_class guard_scan(const char *data, size_t len)
{
	struct span text = {data, len};

	while (text.len && (text.ptr[0] == '\r' || text.ptr[0] == '\n'))
		text = span_from(text, 1);
	for (size_t i = 0; i < sizeof(METHODS) / sizeof(METHODS[0]); i++)
		if (text.len && text.ptr[0] == METHODS[i].word.ptr[0] &&
		    span_starts_with(text, METHODS[i].word))
			return METHODS[i].found;
	if (has_to_tag(text))
		return GUARD_INSIDE;
	return span_starts_with(text, SPAN_LIT("INVITE ")) ? GUARD_INVITE : GUARD_OTHER;
}
