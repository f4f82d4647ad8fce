/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/sdes.h"

#include <sodium.h>

#define KEY_TEXT 40 /* base64 of SDES_KEY_BYTES, which needs no padding */

static const char *const suites[SDES_SUITES] = {
	[SDES_AES_80] = "AES_CM_128_HMAC_SHA1_80",
	[SDES_AES_32] = "AES_CM_128_HMAC_SHA1_32",
};

/* Words are parted by one or more blanks or tabs. */
static struct span word(struct span *rest)
{
	struct span found;
	size_t len = 0;

	*rest = span_trim(*rest);
	while (len < rest->len && rest->ptr[len] != ' ' && rest->ptr[len] != '\t')
		len++;
	found = (struct span){rest->ptr, len};
	*rest = (struct span){rest->ptr + len, rest->len - len};
	return found;
}

static bool find_suite(struct span name, enum sdes_suite *out)
{
	for (int i = 0; i < SDES_SUITES; i++) {
		if (!span_ieq(name, span_of(suites[i])))
			continue;
		*out = (enum sdes_suite)i;
		return true;
	}
	return false;
}

/* "2^20" or a number, at most 2^48 (section 6.1). Calls do not last that long, and the peer keeps
 * its own count. */
static bool is_lifetime(struct span text)
{
	uint64_t number;

	if (span_starts_with(text, SPAN_LIT("2^"))) {
		text = (struct span){text.ptr + 2, text.len - 2};
		return span_to_u64(text, 48, &number);
	}
	return span_to_u64(text, UINT64_C(1) << 48, &number) && number > 0;
}

/* "inline:<key and salt>[|lifetime]"; with an MKI it is refused. */
static bool parse_key(struct span text, uint8_t key[SDES_KEY_BYTES])
{
	struct span method = SPAN_LIT("inline:");
	struct span rest;
	size_t len;

	if (!span_istarts_with(text, method))
		return false;
	text = (struct span){text.ptr + method.len, text.len - method.len};
	len = span_find(text, '|');
	rest = (struct span){text.ptr + len, text.len - len};
	if (rest.len && !is_lifetime((struct span){rest.ptr + 1, rest.len - 1}))
		return false;
	if (len != KEY_TEXT || sodium_base642bin(key, SDES_KEY_BYTES, text.ptr, len, NULL, &len,
						 NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	return len == SDES_KEY_BYTES;
}

/* Section 6.3: WSH is a hint, what begins with "-" may be ignored, the rest may not: an unencrypted
 * stream or another key derivation would not be understood. */
static bool may_ignore(struct span parameter)
{
	return parameter.ptr[0] == '-' || span_istarts_with(parameter, SPAN_LIT("WSH="));
}

bool sdes_parse(struct span value, struct sdes *out)
{
	struct span tag = word(&value);
	struct span suite = word(&value);
	struct span key = word(&value);
	struct sdes sdes;
	uint64_t number;

	if (!span_to_u64(tag, SDES_TAG_MAX, &number) || !find_suite(suite, &sdes.suite) ||
	    !parse_key(key, sdes.key))
		return false;
	for (struct span more = word(&value); more.len; more = word(&value))
		if (!may_ignore(more))
			return false;
	sdes.tag = (uint32_t)number;
	*out = sdes;
	return true;
}

void sdes_print(const struct sdes *sdes, struct buf *out)
{
	char key[KEY_TEXT + 1];

	sodium_bin2base64(key, sizeof(key), sdes->key, sizeof(sdes->key),
			  sodium_base64_VARIANT_ORIGINAL);
	buf_printf(out, "%u %s inline:%s", (unsigned)sdes->tag, suites[sdes->suite], key);
	sodium_memzero(key, sizeof(key));
}

void sdes_renew(struct sdes *sdes)
{
	randombytes_buf(sdes->key, sizeof(sdes->key));
}
