/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The stored form of a record. A head (version, number of fields), then the fields in the order of
 * cdr.def: a number or time as eight bytes, a text as two bytes of length and its bytes, an address
 * as one byte of family, and unless that is 0 two of port and 4 or 16 of address. */
#include "switchd/cdr/cdr.h"

#include <endian.h>
#include <stddef.h>

#define VERSION 1

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

/* What the stored form can need: a text has two bytes of length in the place of its NUL, which is
 * not stored, and an address at most what it has in memory. */
#define ENCODED_MAX (sizeof(struct cdr) + 256)
_Static_assert(ENCODED_MAX <= CDR_BYTES_MAX, "a record fits in what others have for it");

static char *put_le(char *at, uint64_t number, size_t bytes)
{
	number = htole64(number);
	memcpy(at, &number, bytes);
	return at + bytes;
}

static size_t ip_len(const struct addr *addr)
{
	return addr->family == ADDR_IP4 ? 4 : 16;
}

static char *put_address(char *at, const struct addr *addr)
{
	at = put_le(at, addr->family, 1);
	if (addr->family == ADDR_NONE)
		return at;
	at = put_le(at, addr->port, 2);
	memcpy(at, addr->ip, ip_len(addr));
	return at + ip_len(addr);
}

static char *put_text(char *at, const char *text, size_t size)
{
	size_t len;

	if (!text[0])
		return put_le(at, 0, 2); /* as most are */
	len = strnlen(text, size);
	at = put_le(at, len, 2);
	memcpy(at, text, len);
	return at + len;
}

static char *put_number(char *at, const char *number)
{
	uint64_t value;

	memcpy(&value, number, sizeof(value));
	return put_le(at, value, 8);
}

void cdr_encode(const struct cdr *cdr, struct buf *out)
{
	const char *base = (const char *)cdr;
	char *at;

	if (!buf_reserve(out, ENCODED_MAX))
		return;
	at = out->data + out->len;
	at = put_le(at, VERSION, 1);
	at = put_le(at, cdr_field_count, 2);
	at = put_le(at, cdr->answer_us, 8);
	for (size_t i = 0; i < cdr_field_count; i++) {
		const struct cdr_field *field = &cdr_fields[i];
		const char *from = base + field->offset;

		if (field->kind == CDR_TEXT)
			at = put_text(at, from, field->size);
		else if (field->kind == CDR_ADDRESS)
			at = put_address(at, (const struct addr *)(const void *)from);
		else
			at = put_number(at, from);
	}
	out->len = (size_t)(at - out->data);
}

static bool take_le(struct span *data, size_t bytes, uint64_t *number)
{
	*number = 0;
	if (data->len < bytes)
		return false;
	memcpy(number, data->ptr, bytes);
	*number = le64toh(*number);
	*data = (struct span){data->ptr + bytes, data->len - bytes};
	return true;
}

static bool take_address(struct span *data, struct addr *out)
{
	uint64_t family;
	uint64_t port;

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

static bool take_text(struct span *data, char *at, size_t size)
{
	uint64_t len;

	if (!take_le(data, 2, &len) || len > data->len)
		return false;
	if (len)
		span_copy((struct span){data->ptr, len}, at, size);
	*data = (struct span){data->ptr + len, data->len - len};
	return true;
}

static bool take_number(struct span *data, char *at)
{
	uint64_t number;

	if (!take_le(data, 8, &number))
		return false;
	memcpy(at, &number, sizeof(number));
	return true;
}

/* Into a field that is all zero. */
static bool take_field(struct span *data, const struct cdr_field *field, char *at)
{
	switch (field->kind) {
	case CDR_TEXT:
		return take_text(data, at, field->size);
	case CDR_ADDRESS:
		return take_address(data, (struct addr *)(void *)at);
	default:
		return take_number(data, at);
	}
}

static bool take_head(struct span *data, uint64_t *fields, uint64_t *answer_us)
{
	uint64_t version;

	return take_le(data, 1, &version) && version == VERSION && take_le(data, 2, fields) &&
	       take_le(data, 8, answer_us);
}

bool cdr_decode_key(struct span data, uint64_t *key)
{
	uint64_t other;

	return take_head(&data, &other, &other) && take_le(&data, 8, &other) &&
	       take_le(&data, 8, key);
}

bool cdr_decode(struct span data, struct cdr *out)
{
	uint64_t count;

	memset(out, 0, sizeof(*out));
	if (!take_head(&data, &count, &out->answer_us))
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
