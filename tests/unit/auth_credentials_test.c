/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parser of Authorization values. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/auth/credentials.h"

#define HEX32 "0123456789abcdef0123456789ABCDEF"
#define BASE \
	"Digest username=\"1001\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\", response=\"" HEX32 "\""
#define QOP BASE ", qop=auth, nc=0000000a, cnonce=\"c\""

static enum credentials_verdict parse(const char *text, struct credentials *out)
{
	return credentials_parse(span_of(text), out);
}

static void assert_span(struct span span, const char *text)
{
	assert_int_equal(span.len, strlen(text));
	assert_memory_equal(span.ptr, text, span.len);
}

static void all_parameters_are_found(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(parse("digest\tUSERNAME = \"10\\\"01\" ,realm=\"a b\",nonce=\"n/+=\",\r\n "
			       "uri=\"sip:x@h:5060;a=b\",response=" HEX32
			       ",algorithm=MD5,cnonce=\"\",opaque=\"o\",qop=\"auth\",nc=0000000A,"
			       "userhash=false,x-other=\"1,2\"  ",
			       &c),
			 CREDENTIALS_OK);
	assert_span(c.username, "10\\\"01");
	assert_span(c.realm, "a b");
	assert_span(c.nonce, "n/+=");
	assert_span(c.uri, "sip:x@h:5060;a=b");
	assert_span(c.response, HEX32);
	assert_span(c.algorithm, "MD5");
	assert_span(c.cnonce, "");
	assert_non_null(c.cnonce.ptr);
	assert_span(c.opaque, "o");
	assert_span(c.qop, "auth");
	assert_span(c.nc, "0000000A");
	assert_int_equal(c.nonce_count, 10);
}

static void old_clients_may_leave_qop_out(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(parse(BASE, &c), CREDENTIALS_OK);
	assert_null(c.qop.ptr);
	assert_int_equal(c.nonce_count, 0);
	assert_int_equal(c.qop_kind, QOP_NONE);
	assert_int_equal(parse(QOP, &c), CREDENTIALS_OK);
	assert_int_equal(c.nonce_count, 10);
	assert_int_equal(c.qop_kind, QOP_AUTH);
}

/* What is not known is told, not refused: a challenge says what is wanted. */
static void kinds_of_qop_and_answers_of_any_length(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(parse(BASE ", qop=\"Auth-Int\", nc=00000001, cnonce=\"\"", &c),
			 CREDENTIALS_OK);
	assert_int_equal(c.qop_kind, QOP_AUTH_INT);
	assert_int_equal(parse(BASE ", qop=\"auth,auth-int\", nc=FFFFffff, cnonce=\"\"", &c),
			 CREDENTIALS_OK);
	assert_int_equal(c.qop_kind, QOP_OTHER);
	assert_int_equal(c.nonce_count, UINT32_MAX);
	for (size_t len = 1; len <= CREDENTIALS_HEX_MAX; len++) {
		char text[512];

		snprintf(text, sizeof(text),
			 "Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\", "
			 "response=%.*s",
			 (int)len, HEX32 HEX32 HEX32 HEX32);
		assert_int_equal(parse(text, &c), CREDENTIALS_OK);
		assert_int_equal(c.response.len, len);
	}
}

/* What a client may put between quotes comes out as it went in, whatever it is. */
static void what_is_printed_is_parsed(void **state)
{
	static const char CHARS[] = "aZ09 ,=:;/+-_.!%*'~()<>@[]{}?&$#|^`\t\"\\\x80\xff";
	uint64_t seed = 88172645463325252u;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char plain[3][24];
		char quoted[3][48];
		char text[512];
		char out[48];
		struct credentials c;

		for (int i = 0; i < 3; i++) {
			size_t len, at = 0;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			len = seed % 23;
			for (size_t k = 0; k < len; k++) {
				char ch = CHARS[(seed >> (k + 3)) * 31 % (sizeof(CHARS) - 1)];

				plain[i][k] = ch;
				if (ch == '"' || ch == '\\')
					quoted[i][at++] = '\\';
				quoted[i][at++] = ch;
			}
			plain[i][len] = quoted[i][at] = '\0';
		}
		snprintf(text, sizeof(text),
			 "Digest cnonce=\"%s\",response=\"" HEX32 "\" , username=\"%s\",nc=%08x, "
			 "realm=\"%s\",uri=\"sip:h\",nonce=\"n\", qop=auth",
			 quoted[0], quoted[1], (unsigned)round + 1, quoted[2]);
		if (parse(text, &c) != CREDENTIALS_OK)
			fail_msg("refused: %s", text);
		assert_true(credentials_unquote(c.cnonce, out, sizeof(out)));
		assert_string_equal(out, plain[0]);
		assert_true(credentials_unquote(c.username, out, sizeof(out)));
		assert_string_equal(out, plain[1]);
		assert_true(credentials_unquote(c.realm, out, sizeof(out)));
		assert_string_equal(out, plain[2]);
		assert_int_equal(c.nonce_count, round + 1);
	}
}

static void garbage_is_malformed(void **state)
{
	static const char *const CASES[] = {
		"",
		" ",
		"\"Digest\"",
		"Digest",
		"Digest ",
		"Digest,",
		"Digest username",
		"Digest username=",
		"Digest =\"1\"",
		"Digest username=\"1",
		"Digest username=\"1\\",
		"Digest username=\"1\\\"",
		"Digest \x80=1",
		BASE ",",
		BASE ",,",
		BASE " x=1",
		BASE ", x",
		BASE ", x=",
		BASE ", x=\"a\nb\"",
		BASE ", username=\"1001\"", /* twice */
		BASE ", USERNAME=\"\"",
		BASE ", qop=auth", /* nc and cnonce go with it */
		BASE ", qop=auth, nc=00000001",
		BASE ", qop=auth, cnonce=\"c\"",
		BASE ", qop=auth-int, nc=00000001",
		BASE ", qop=other",
		BASE ", qop=\"\", nc=00000001, cnonce=\"c\"",
		BASE ", qop=auth, nc=1, cnonce=\"c\"",
		BASE ", qop=auth, nc=000000001, cnonce=\"c\"",
		BASE ", qop=auth, nc=0000000g, cnonce=\"c\"",
		BASE ", qop=auth, nc=00000000, cnonce=\"c\"",
		BASE ", nc=zz",
		"Digest realm=\"sw\", nonce=\"n\", uri=\"sip:h\", response=\"" HEX32 "\"",
		"Digest username=\"1\", nonce=\"n\", uri=\"sip:h\", response=\"" HEX32 "\"",
		"Digest username=\"1\", realm=\"sw\", uri=\"sip:h\", response=\"" HEX32 "\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", response=\"" HEX32 "\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"\", response=\"" HEX32
		"\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\", response=\"\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\", response=\"" HEX32
			HEX32 HEX32 HEX32 "0\"",
		"Digest username=\"1\", realm=\"sw\", nonce=\"n\", uri=\"sip:h\", "
		"response=\"g123456789abcdef0123456789abcdef\"",
		"Digest@username=\"1001\"",
	};
	struct credentials c;

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		if (parse(CASES[i], &c) != CREDENTIALS_MALFORMED)
			fail_msg("taken: %s", CASES[i]);
	}
	/* A NUL and other control characters inside quotes. */
	assert_int_equal(credentials_parse(SPAN_LIT("Digest username=\"1\0\""), &c),
			 CREDENTIALS_MALFORMED);
}

/* Cut anywhere, it is refused, not read beyond; each piece stands at the end of its memory. */
static void every_truncation_is_malformed(void **state)
{
	struct credentials c;

	(void)state;
	for (size_t len = 0; len < sizeof(QOP) - 1; len++) {
		char *piece = malloc(len ? len : 1);
		enum credentials_verdict verdict;

		assert_non_null(piece);
		memcpy(piece, QOP, len);
		verdict = credentials_parse((struct span){piece, len}, &c);
		/* After "Digest" only a whole BASE is complete. */
		if (len < 6 && len > 0)
			assert_int_equal(verdict, CREDENTIALS_OTHER_SCHEME);
		else if (len != sizeof(BASE) - 1)
			assert_int_equal(verdict, CREDENTIALS_MALFORMED);
		free(piece);
	}
}

/* Each byte between the quotes, by itself and after a backslash. */
static void what_may_stand_between_quotes(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 256; byte++) {
		bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
		struct credentials c;
		char text[256];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s, x=\"?\"", BASE);

		text[len - 2] = (char)byte;
		assert_int_equal(credentials_parse((struct span){text, len}, &c) == CREDENTIALS_OK,
				 !is_control && byte != '"' && byte != '\\');
		len = (size_t)snprintf(text, sizeof(text), "%s, x=\"\\?\"", BASE);
		text[len - 2] = (char)byte;
		assert_int_equal(credentials_parse((struct span){text, len}, &c), CREDENTIALS_OK);
	}
}

static void other_schemes_are_not_ours(void **state)
{
	struct credentials c;

	(void)state;
	assert_int_equal(parse("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", &c), CREDENTIALS_OTHER_SCHEME);
	assert_int_equal(parse("DigestX a=b", &c), CREDENTIALS_OTHER_SCHEME);
}

static void size_is_bounded(void **state)
{
	char text[CREDENTIALS_BYTES_MAX + 64];
	struct credentials c;
	size_t len;

	(void)state;
	len = (size_t)snprintf(text, sizeof(text), "%s", BASE);
	for (int i = 5; i < CREDENTIALS_PARAMS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",p%d=1", i);
	assert_int_equal(parse(text, &c), CREDENTIALS_OK);
	snprintf(text + len, sizeof(text) - len, ",one-more=1");
	assert_int_equal(parse(text, &c), CREDENTIALS_MALFORMED);
	len = (size_t)snprintf(text, sizeof(text), "%s,x=\"", BASE);
	memset(text + len, 'a', sizeof(text) - len);
	text[CREDENTIALS_BYTES_MAX - 1] = '"';
	assert_int_equal(credentials_parse((struct span){text, CREDENTIALS_BYTES_MAX}, &c),
			 CREDENTIALS_OK);
	text[CREDENTIALS_BYTES_MAX - 1] = 'a';
	text[CREDENTIALS_BYTES_MAX] = '"';
	assert_int_equal(credentials_parse((struct span){text, CREDENTIALS_BYTES_MAX + 1}, &c),
			 CREDENTIALS_MALFORMED);
}

static void escapes_are_undone(void **state)
{
	char out[8];

	(void)state;
	assert_true(credentials_unquote(SPAN_LIT("a\\\"b\\\\c"), out, sizeof(out)));
	assert_string_equal(out, "a\"b\\c");
	assert_true(credentials_unquote(SPAN_LIT("1234567"), out, sizeof(out)));
	assert_false(credentials_unquote(SPAN_LIT("12345678"), out, sizeof(out)));
	assert_true(credentials_unquote(SPAN_NONE, out, sizeof(out)));
	assert_string_equal(out, "");
}

static void realm_decides_between_lines(void **state)
{
	(void)state;
	assert_true(credentials_are_for(span_of(BASE), SPAN_LIT("sw")));
	assert_false(credentials_are_for(span_of(BASE), SPAN_LIT("SW")));
	assert_false(credentials_are_for(span_of(BASE), SPAN_LIT("sw2")));
	assert_false(credentials_are_for(SPAN_LIT("Basic x"), SPAN_LIT("sw")));
}

TEST_MAIN(cmocka_unit_test(all_parameters_are_found),
	  cmocka_unit_test(old_clients_may_leave_qop_out),
	  cmocka_unit_test(kinds_of_qop_and_answers_of_any_length),
	  cmocka_unit_test(what_is_printed_is_parsed),
	  cmocka_unit_test(what_may_stand_between_quotes), cmocka_unit_test(garbage_is_malformed),
	  cmocka_unit_test(every_truncation_is_malformed),
	  cmocka_unit_test(other_schemes_are_not_ours), cmocka_unit_test(size_is_bounded),
	  cmocka_unit_test(escapes_are_undone), cmocka_unit_test(realm_decides_between_lines))
