/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of each hash is put together first: one call of the library for it is cheaper than a
 * dozen. */
#include "switchd/auth/answer.h"

#include <md5.h>
#include <sha2.h>

#include "switchd/auth/credentials.h"

#define TEXT_MAX (CREDENTIALS_BYTES_MAX + 4 * DIGEST_HEX_MAX)

static bool is_sha(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_SHA256 || algorithm == DIGEST_SHA256_SESS;
}

static bool is_sess(enum digest_algorithm algorithm)
{
	return algorithm == DIGEST_SHA256_SESS || algorithm == DIGEST_MD5_SESS;
}

size_t digest_hex_len(enum digest_algorithm algorithm)
{
	return is_sha(algorithm) ? 2 * CONF_SHA256_BYTES : 2 * CONF_MD5_BYTES;
}

static void write_hex(const uint8_t *bytes, size_t hex_len, char *out)
{
	static const char DIGITS[] = "0123456789abcdef";

	for (size_t i = 0; i < hex_len / 2; i++) {
		out[2 * i] = DIGITS[bytes[i] >> 4];
		out[2 * i + 1] = DIGITS[bytes[i] & 15];
	}
}

static void hash_hex(enum digest_algorithm algorithm, struct span text, char out[DIGEST_HEX_MAX])
{
	uint8_t digest[CONF_SHA256_BYTES];

	if (is_sha(algorithm)) {
		SHA2_CTX sha;

		SHA256Init(&sha);
		if (text.len)
			SHA256Update(&sha, (const uint8_t *)text.ptr, text.len);
		SHA256Final(digest, &sha);
	} else {
		MD5_CTX md5;

		MD5Init(&md5);
		if (text.len)
			MD5Update(&md5, (const uint8_t *)text.ptr, text.len);
		MD5Final(digest, &md5);
	}
	write_hex(digest, digest_hex_len(algorithm), out);
}

static void join(struct buf *text, struct span part)
{
	buf_add_char(text, ':');
	buf_add_span(text, part);
}

/* RFC 7616 3.4.2: H(A1), which -sess ties to this nonce and cnonce. */
static bool hash_a1(const struct digest_input *input, char out[DIGEST_HEX_MAX])
{
	char memory[TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	size_t hex_len = digest_hex_len(input->algorithm);

	write_hex(is_sha(input->algorithm) ? input->ha1->sha256 : input->ha1->md5, hex_len, out);
	if (!is_sess(input->algorithm))
		return true;
	buf_add(&text, out, hex_len);
	join(&text, input->nonce);
	join(&text, input->cnonce);
	hash_hex(input->algorithm, buf_span(&text), out);
	return !text.failed;
}

/* RFC 7616 3.4.3. */
static bool hash_a2(const struct digest_input *input, char out[DIGEST_HEX_MAX])
{
	char memory[TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));

	buf_add_str(&text, input->method);
	join(&text, input->uri);
	if (span_ieq(input->qop, SPAN_LIT("auth-int"))) {
		char body[DIGEST_HEX_MAX];

		hash_hex(input->algorithm, input->body, body);
		join(&text, (struct span){body, digest_hex_len(input->algorithm)});
	}
	hash_hex(input->algorithm, buf_span(&text), out);
	return !text.failed;
}

bool digest_answer(const struct digest_input *input, char out[DIGEST_HEX_MAX])
{
	char memory[TEXT_MAX];
	struct buf text = buf_over(memory, sizeof(memory));
	size_t hex_len = digest_hex_len(input->algorithm);
	char ha1[DIGEST_HEX_MAX];
	char ha2[DIGEST_HEX_MAX];

	if (!hash_a1(input, ha1) || !hash_a2(input, ha2))
		return false;
	buf_add(&text, ha1, hex_len);
	join(&text, input->nonce);
	if (input->qop.len) {
		join(&text, input->nc);
		join(&text, input->cnonce);
		join(&text, input->qop);
	}
	join(&text, (struct span){ha2, hex_len});
	hash_hex(input->algorithm, buf_span(&text), out);
	return !text.failed;
}
