/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/cdr/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

char *cdr_time_text(int64_t wall_ms, char out[CDR_TIME_TEXT])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;
	size_t len;

	gmtime_r(&seconds, &parts);
	len = strftime(out, CDR_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(out + len, CDR_TIME_TEXT - len, ".%03uZ", (unsigned)(wall_ms % 1000) % 1000);
	return out;
}

/* Bytes that are no character of ASCII may be no UTF-8 either, which readers of JSON refuse. */
static char harmless(char c)
{
	return c < ' ' || c > '~' ? '?' : c;
}

/* --- CSV (RFC 4180), with a plain line feed. --- */

static void csv_text(const char *text, struct buf *out)
{
	bool is_quoted = strpbrk(text, ",\"") != NULL;

	if (is_quoted)
		buf_add_char(out, '"');
	for (; *text; text++) {
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
	for (; *text; text++) {
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

static void add_field(enum cdr_form form, const struct cdr_field *field, const struct cdr *cdr,
		      struct buf *out)
{
	const char *at = (const char *)cdr + field->offset;
	char memory[ADDR_TEXT_MAX > CDR_TIME_TEXT ? ADDR_TEXT_MAX : CDR_TIME_TEXT] = "";
	const struct addr *addr = (const struct addr *)at;
	int64_t number;

	switch (field->kind) {
	case CDR_NUMBER:
		memcpy(&number, at, sizeof(number));
		buf_printf(out, "%lld", (long long)number);
		break;
	case CDR_TEXT:
		add_text(form, at, out);
		break;
	case CDR_ADDRESS:
		add_text(form, addr->family ? addr_print(addr, memory) : "", out);
		break;
	case CDR_TIME:
		memcpy(&number, at, sizeof(number));
		add_text(form, number ? cdr_time_text(number, memory) : "", out);
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
		if (form == CDR_JSON)
			buf_printf(out, "\"%s\":", cdr_fields[i].column);
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
	for (; *text; text++)
		buf_add_char(out, *text == '|' ? '_' : harmless(*text));
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
	buf_printf(out, "%lld|%lld|%lld|%lld|%lld|", (long long)start_ms, (long long)cdr->stop_ms,
		   (long long)cdr->hold_s, (long long)cdr->cause, (long long)cdr->side);
	add_bar(name_of(cdr->caller_party, false), out);
	add_bar(name_of(cdr->callee_party, false), out);
	add_bar(ip_of(&cdr->caller_address, ip), out);
	add_bar(ip_of(&cdr->callee_address, ip), out);
	add_bar(name_of(cdr->caller_party, true), out);
	add_bar(name_of(cdr->callee_party, true), out);
	add_bar(cdr->caller_sent, out);
	add_bar(cdr->callee_sent, out);
	buf_printf(out, "%lld|%lld|%lld\n", (long long)cdr->ring_ms, (long long)cdr->billing_mode,
		   (long long)cdr->flow);
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
