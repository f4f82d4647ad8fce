/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stored form of a record. A head (version, number of fields), then the fields in the order of
 * cdr.def: a number or time as eight bytes, a text as two bytes of length and its bytes, an address
 * as one byte of family, and unless that is 0 two of port and 4 or 16 of address. */
#include "switchd/cdr/cdr.h"

#include <stddef.h>

#define VERSION 1

_Static_assert(sizeof(struct cdr) + 256 <= CDR_BYTES_MAX, "a text has two bytes more than here");

#define IS_BEGIN false
#define IS_CLOSE true
#define FIELD(kind, member, when, column, help)                                              \
	{kind,   IS_##when, offsetof(struct cdr, member), sizeof(((struct cdr *)0)->member), \
	 column, help},

const struct cdr_field cdr_fields[] = {
#define NUMBER(member, when, column, help)     FIELD(CDR_NUMBER, member, when, column, help)
#define TEXT(member, size, when, column, help) FIELD(CDR_TEXT, member, when, column, help)
#define ADDRESS(member, when, column, help)    FIELD(CDR_ADDRESS, member, when, column, help)
#define TIME(member, when, column, help)       FIELD(CDR_TIME, member, when, column, help)
#include "switchd/cdr/cdr.def"
#undef NUMBER
#undef TEXT
#undef ADDRESS
#undef TIME
};
const size_t cdr_field_count = sizeof(cdr_fields) / sizeof(cdr_fields[0]);

static void add_le(struct buf *out, uint64_t number, int bytes)
{
	char raw[8];

	for (int i = 0; i < bytes; i++)
		raw[i] = (char)(number >> (8 * i));
	buf_add(out, raw, (size_t)bytes);
}

static bool take_le(struct span *data, int bytes, uint64_t *number)
{
	*number = 0;
	if (data->len < (size_t)bytes)
		return false;
	for (int i = 0; i < bytes; i++)
		*number |= (uint64_t)(uint8_t)data->ptr[i] << (8 * i);
	*data = (struct span){data->ptr + bytes, data->len - (size_t)bytes};
	return true;
}

static size_t ip_len(const struct addr *addr)
{
	return addr->family == ADDR_IP4 ? 4 : 16;
}

static void add_address(struct buf *out, const struct addr *addr)
{
	add_le(out, addr->family, 1);
	if (addr->family == ADDR_NONE)
		return;
	add_le(out, addr->port, 2);
	buf_add(out, (const char *)addr->ip, ip_len(addr));
}

static bool take_address(struct span *data, struct addr *out)
{
	uint64_t family;
	uint64_t port;

	memset(out, 0, sizeof(*out));
	if (!take_le(data, 1, &family))
		return false;
	if (family == ADDR_NONE)
		return true;
	if ((family != ADDR_IP4 && family != ADDR_IP6) || !take_le(data, 2, &port))
		return false;
	out->family = (uint8_t)family;
	out->port = (uint16_t)port;
	if (data->len < ip_len(out))
		return false;
	memcpy(out->ip, data->ptr, ip_len(out));
	*data = (struct span){data->ptr + ip_len(out), data->len - ip_len(out)};
	return true;
}

void cdr_encode(const struct cdr *cdr, struct buf *out)
{
	const char *base = (const char *)cdr;

	add_le(out, VERSION, 1);
	add_le(out, cdr_field_count, 2);
	add_le(out, cdr->answer_us, 8);
	for (size_t i = 0; i < cdr_field_count; i++) {
		const struct cdr_field *field = &cdr_fields[i];
		const char *at = base + field->offset;

		if (field->kind == CDR_TEXT) {
			size_t len = strnlen(at, field->size);

			add_le(out, len, 2);
			buf_add(out, at, len);
		} else if (field->kind == CDR_ADDRESS) {
			add_address(out, (const struct addr *)(const void *)at);
		} else {
			int64_t number;

			memcpy(&number, at, sizeof(number));
			add_le(out, (uint64_t)number, 8);
		}
	}
}

static bool take_field(struct span *data, const struct cdr_field *field, char *at)
{
	struct addr addr;
	uint64_t number;

	switch (field->kind) {
	case CDR_TEXT:
		if (!take_le(data, 2, &number) || number > data->len)
			return false;
		span_copy((struct span){data->ptr, number}, at, field->size);
		*data = (struct span){data->ptr + number, data->len - number};
		return true;
	case CDR_ADDRESS:
		if (!take_address(data, &addr))
			return false;
		memcpy(at, &addr, sizeof(addr));
		return true;
	default:
		if (!take_le(data, 8, &number))
			return false;
		memcpy(at, &number, sizeof(number));
		return true;
	}
}

bool cdr_decode(struct span data, struct cdr *out)
{
	uint64_t version;
	uint64_t count;

	memset(out, 0, sizeof(*out));
	if (!take_le(&data, 1, &version) || version != VERSION || !take_le(&data, 2, &count) ||
	    !take_le(&data, 8, &out->answer_us))
		return false;
	for (size_t i = 0; i < cdr_field_count && i < count; i++)
		if (!take_field(&data, &cdr_fields[i], (char *)out + cdr_fields[i].offset))
			return false;
	return true;
}

void cdr_merge(struct cdr *begin, const struct cdr *close)
{
	for (size_t i = 0; i < cdr_field_count; i++)
		if (cdr_fields[i].is_close)
			memcpy((char *)begin + cdr_fields[i].offset,
			       (const char *)close + cdr_fields[i].offset, cdr_fields[i].size);
}

int64_t cdr_hold_s(int64_t talk_ms, int64_t precision_ms)
{
	return talk_ms / 1000 + (precision_ms > 0 && talk_ms % 1000 >= precision_ms);
}
