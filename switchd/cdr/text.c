/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/cdr/text.h"

#include "shared/base/clock.h"

_Static_assert(CDR_TIME_TEXT >= CLOCK_TEXT_MAX, "a time with and without milliseconds");

char *cdr_time_text(int64_t wall_ms, char out[CDR_TIME_TEXT])
{
	unsigned ms = (unsigned)(wall_ms % 1000) % 1000;
	char *end = clock_print_utc(wall_ms, out);

	end += strlen(end) - 1;
	*end++ = '.';
	for (unsigned unit = 100; unit; unit /= 10)
		*end++ = (char)('0' + ms / unit % 10);
	memcpy(end, "Z", 2);
	return out;
}

/* Bytes that are no character of ASCII may be no UTF-8 either, which readers of JSON refuse. */
static char harmless(char c)
{
	return c < ' ' || c > '~' ? '?' : c;
}

/* A bit for each byte that goes as it is into a form: those that are harmless, but for the ones
 * that the form has a use for. */
struct plain {
	uint64_t bytes[4];
};

#define BIT(c)         (UINT64_C(1) << ((c)&63))
#define HARMLESS_TO_3F (UINT64_MAX << ' ')
#define HARMLESS_TO_7F (UINT64_MAX & ~BIT(0x7f))

static const struct plain csv = {{HARMLESS_TO_3F & ~BIT(',') & ~BIT('"'), HARMLESS_TO_7F}};
static const struct plain json = {{HARMLESS_TO_3F & ~BIT('"'), HARMLESS_TO_7F & ~BIT('\\')}};
static const struct plain bars = {{HARMLESS_TO_3F, HARMLESS_TO_7F & ~BIT('|')}};

static size_t plain_len(const char *text, const struct plain *plain)
{
	size_t len = 0;

	while (plain->bytes[(uint8_t)text[len] >> 6] >> (text[len] & 63) & 1)
		len++;
	return len;
}

/* Adds what goes as it is; the rest is left. */
static const char *add_plain(const char *text, const struct plain *plain, struct buf *out)
{
	size_t len = plain_len(text, plain);

	buf_add(out, text, len);
	return text + len;
}

/* --- CSV (RFC 4180), with a plain line feed. --- */

static void csv_text(const char *text, struct buf *out)
{
	size_t len = plain_len(text, &csv);
	bool is_quoted = text[len] && strpbrk(text + len, ",\"");

	if (is_quoted)
		buf_add_char(out, '"');
	buf_add(out, text, len);
	for (text += len; *text; text = add_plain(text + 1, &csv, out)) {
		if (*text == '"')
			buf_add_char(out, '"');
		buf_add_char(out, harmless(*text));
	}
	if (is_quoted)
		buf_add_char(out, '"');
}

/* --- JSON (RFC 8259). --- */

static void json_text(const char *text, struct buf *out)
{
	buf_add_char(out, '"');
	for (text = add_plain(text, &json, out); *text; text = add_plain(text + 1, &json, out)) {
		if (*text == '"' || *text == '\\')
			buf_add_char(out, '\\');
		buf_add_char(out, harmless(*text));
	}
	buf_add_char(out, '"');
}

/* --- Both. --- */

static void add_text(enum cdr_form form, const char *text, struct buf *out)
{
	if (form == CDR_CSV)
		csv_text(text, out);
	else if (*text)
		json_text(text, out);
	else
		buf_add_lit(out, "null");
}

/* Not from the network: nothing in it has a meaning in any form. */
static void add_own_text(enum cdr_form form, const char *text, struct buf *out)
{
	if (form == CDR_JSON)
		buf_add_char(out, '"');
	buf_add_str(out, text);
	if (form == CDR_JSON)
		buf_add_char(out, '"');
}

static void add_address(enum cdr_form form, const struct addr *addr, struct buf *out)
{
	char text[ADDR_TEXT_MAX];

	if (addr->family)
		add_own_text(form, addr_print(addr, text), out);
	else
		add_text(form, "", out);
}

static void add_time(enum cdr_form form, int64_t wall_ms, struct buf *out)
{
	char text[CDR_TIME_TEXT];

	if (wall_ms)
		add_own_text(form, cdr_time_text(wall_ms, text), out);
	else
		add_text(form, "", out);
}

static void add_field(enum cdr_form form, const struct cdr_field *field, const struct cdr *cdr,
		      struct buf *out)
{
	const char *at = (const char *)cdr + field->offset;

	switch (field->kind) {
	case CDR_NUMBER:
		buf_add_i64(out, *(const int64_t *)(const void *)at);
		break;
	case CDR_TEXT:
		add_text(form, at, out);
		break;
	case CDR_ADDRESS:
		add_address(form, (const struct addr *)(const void *)at, out);
		break;
	case CDR_TIME:
		add_time(form, *(const int64_t *)(const void *)at, out);
		break;
	}
}

static void add_fields(enum cdr_form form, const struct cdr *cdr, struct buf *out)
{
	if (form == CDR_JSON)
		buf_add_char(out, '{');
	for (size_t i = 0; i < cdr_field_count; i++) {
		if (i)
			buf_add_char(out, ',');
		if (form == CDR_JSON) {
			buf_add_char(out, '"');
			buf_add_str(out, cdr_fields[i].column);
			buf_add_lit(out, "\":");
		}
		add_field(form, &cdr_fields[i], cdr, out);
	}
	if (form == CDR_JSON)
		buf_add_char(out, '}');
	buf_add_char(out, '\n');
}

void cdr_text_heading(struct buf *out)
{
	for (size_t i = 0; i < cdr_field_count; i++)
		buf_printf(out, "%s%s", i ? "," : "", cdr_fields[i].column);
	buf_add_char(out, '\n');
}

/* --- The hourly file. --- */

static void add_bar(const char *text, struct buf *out)
{
	for (text = add_plain(text, &bars, out); *text; text = add_plain(text + 1, &bars, out))
		buf_add_char(out, *text == '|' ? '_' : '?');
	buf_add_char(out, '|');
}

static void add_bar_number(int64_t number, struct buf *out)
{
	buf_add_i64(out, number);
	buf_add_char(out, '|');
}

/* The name of a party if it is of that sort: "mapping-gateway a" is no phone. */
static const char *name_of(const char *party, bool is_phone)
{
	const char *blank = strchr(party, ' ');

	if (!blank || (strncmp(party, "phone ", 6) == 0) != is_phone)
		return "";
	return blank + 1;
}

static const char *ip_of(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	return addr->family ? addr_print_ip(addr, out) : "";
}

static void add_bars(const struct cdr *cdr, struct buf *out)
{
	char ip[ADDR_TEXT_MAX];
	/* From the answer on: of a call that failed the two are one (behaviour D2). */
	int64_t start_ms = cdr->answer_ms ? cdr->answer_ms : cdr->stop_ms;

	add_bar(cdr->caller, out);
	add_bar(cdr->callee, out);
	add_bar_number(start_ms, out);
	add_bar_number(cdr->stop_ms, out);
	add_bar_number(cdr->hold_s, out);
	add_bar_number(cdr->cause, out);
	add_bar_number(cdr->side, out);
	add_bar(name_of(cdr->caller_party, false), out);
	add_bar(name_of(cdr->callee_party, false), out);
	add_bar(ip_of(&cdr->caller_address, ip), out);
	add_bar(ip_of(&cdr->callee_address, ip), out);
	add_bar(name_of(cdr->caller_party, true), out);
	add_bar(name_of(cdr->callee_party, true), out);
	add_bar(cdr->caller_sent, out);
	add_bar(cdr->callee_sent, out);
	add_bar_number(cdr->ring_ms, out);
	add_bar_number(cdr->billing_mode, out);
	buf_add_i64(out, cdr->flow);
	buf_add_char(out, '\n');
}

void cdr_text_line(enum cdr_form form, const struct cdr *cdr, struct buf *out)
{
	if (form == CDR_BARS)
		add_bars(cdr, out);
	else
		add_fields(form, cdr, out);
}

static size_t after_last_bar(struct span line)
{
	size_t at = line.len;

	while (at && line.ptr[at - 1] != '|')
		at--;
	return at;
}

uint64_t cdr_text_flow(enum cdr_form form, struct span line)
{
	static const char member[] = "{\"flow\":";
	size_t at = 0;
	uint64_t flow = 0;

	if (form == CDR_BARS)
		at = after_last_bar(line);
	else if (form == CDR_JSON && line.len > sizeof(member) - 1 &&
		 memcmp(line.ptr, member, sizeof(member) - 1) == 0)
		at = sizeof(member) - 1;
	for (; at < line.len && line.ptr[at] >= '0' && line.ptr[at] <= '9'; at++)
		flow = flow * 10 + (uint64_t)(line.ptr[at] - '0');
	return flow;
}
