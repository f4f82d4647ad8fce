/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records: head and check sum, words and lines, keys. */
#include "switchd/store/keys.h"

#include <sodium.h>
#include <stdio.h>

#include "shared/base/secret.h"

void sum_key_derive(const struct secret_key *host, struct sum_key *out)
{
	static const char purpose[] = "switchd record check sum 1";

	_Static_assert(sizeof(host->bytes) >= crypto_generichash_KEYBYTES_MIN, "usable as a key");
	crypto_generichash(out->bytes, sizeof(out->bytes), (const unsigned char *)purpose,
			   sizeof(purpose) - 1, host->bytes, sizeof(host->bytes));
}

static void compute_sum(const struct sum_key *sum_key, struct span key, uint8_t format,
			struct span payload, uint8_t out[STORE_SUM_BYTES])
{
	crypto_generichash_state state;
	uint8_t key_len[2] = {(uint8_t)(key.len >> 8), (uint8_t)key.len};

	crypto_generichash_init(&state, sum_key->bytes, sizeof(sum_key->bytes), STORE_SUM_BYTES);
	crypto_generichash_update(&state, key_len, sizeof(key_len));
	crypto_generichash_update(&state, (const unsigned char *)key.ptr, key.len);
	crypto_generichash_update(&state, &format, 1);
	if (payload.len)
		crypto_generichash_update(&state, (const unsigned char *)payload.ptr, payload.len);
	crypto_generichash_final(&state, out, STORE_SUM_BYTES);
}

void record_begin(struct buf *record)
{
	static const char head[STORE_HEAD_BYTES] = {STORE_FORMAT};

	buf_reset(record);
	buf_add(record, head, sizeof(head));
}

void record_seal(struct buf *record, const struct sum_key *sum_key, struct span key)
{
	struct span payload;

	if (record->failed)
		return;
	payload.ptr = record->data + STORE_HEAD_BYTES;
	payload.len = record->len - STORE_HEAD_BYTES;
	compute_sum(sum_key, key, STORE_FORMAT, payload, (uint8_t *)record->data + 1);
}

enum vos_err record_open(struct span record, const struct sum_key *sum_key, struct span key,
			 struct span *payload)
{
	uint8_t sum[STORE_SUM_BYTES];
	struct span rest = {record.ptr + STORE_HEAD_BYTES, record.len - STORE_HEAD_BYTES};

	if (record.len < STORE_HEAD_BYTES)
		return VOS_ECORRUPT;
	compute_sum(sum_key, key, (uint8_t)record.ptr[0], rest, sum);
	if (sodium_memcmp(sum, record.ptr + 1, sizeof(sum)) != 0)
		return VOS_ECORRUPT;
	if (record.ptr[0] != STORE_FORMAT)
		return VOS_EINVAL;
	*payload = rest;
	return VOS_OK;
}

void record_add_word(struct buf *record, struct span word)
{
	for (size_t i = 0; i < word.len; i++) {
		char c = word.ptr[i];

		if (c == '\\')
			buf_add_lit(record, "\\\\");
		else if (c == '\t')
			buf_add_lit(record, "\\t");
		else if (c == '\n')
			buf_add_lit(record, "\\n");
		else
			buf_add_char(record, c);
	}
}

bool record_next_line(struct span *payload, struct span *line)
{
	size_t end;

	if (payload->len == 0)
		return false;
	end = span_find(*payload, '\n');
	*line = (struct span){payload->ptr, end};
	if (end < payload->len)
		end++;
	payload->ptr += end;
	payload->len -= end;
	return true;
}

bool record_next_word(struct span *line, struct buf *out)
{
	size_t end;

	buf_reset(out);
	if (!line->ptr)
		return false;
	end = span_find(*line, '\t');
	for (size_t i = 0; i < end; i++) {
		char c = line->ptr[i];

		if (c == '\\' && i + 1 < end) {
			c = line->ptr[++i];
			c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
		}
		buf_add_char(out, c);
	}
	if (end < line->len) {
		line->ptr += end + 1;
		line->len -= end + 1;
	} else {
		*line = SPAN_NONE;
	}
	return true;
}

bool record_next_number(struct span *line, struct buf *word, uint64_t max, uint64_t *out)
{
	return record_next_word(line, word) && span_to_u64(buf_span(word), max, out);
}

static enum vos_err key_done(const struct buf *out)
{
	if (out->failed)
		return VOS_ENOMEM;
	return out->len <= STORE_KEY_MAX ? VOS_OK : VOS_EINVAL;
}

enum vos_err key_of_param(enum param_id id, struct buf *out)
{
	buf_reset(out);
	buf_add_lit(out, "p/");
	buf_add_str(out, param_get(id)->name);
	return key_done(out);
}

enum vos_err key_of_object(enum object_kind kind, const char *key, struct buf *out)
{
	buf_reset(out);
	buf_add_lit(out, "o/");
	buf_add_str(out, object_type(kind)->keyword);
	buf_add_char(out, '/');
	buf_add_str(out, key);
	return key_done(out);
}

void key_of_generation(uint64_t generation, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "g/%016llx", (unsigned long long)generation);
}

enum vos_err key_of_mark(enum object_kind kind, const char *key, struct buf *out)
{
	buf_reset(out);
	buf_add_lit(out, "a/");
	buf_add_str(out, object_type(kind)->keyword);
	buf_add_char(out, '/');
	buf_add_str(out, key);
	return key_done(out);
}

enum vos_err key_of_user(const char *user, struct buf *out)
{
	buf_reset(out);
	buf_add_lit(out, "b/");
	buf_add_str(out, user);
	return key_done(out);
}
