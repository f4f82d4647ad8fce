/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of digest answers: the examples of the RFCs, and for what they have no example
 * values reckoned once with another library. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/auth/answer.h"
#include "switchd/auth/credentials.h"

static void assert_answer(const struct digest_input *input, const char *expected)
{
	char hex[DIGEST_HEX_MAX + 1] = "";

	assert_true(digest_answer(input, hex));
	assert_int_equal(digest_hex_len(input->algorithm), strlen(expected));
	hex[strlen(expected)] = '\0';
	assert_string_equal(hex, expected);
}

/* RFC 2617 section 3.5. */
static void the_example_of_rfc_2617(void **state)
{
	struct conf_ha1 ha1;
	struct digest_input input = {
		.algorithm = DIGEST_MD5,
		.ha1 = &ha1,
		.method = "GET",
		.uri = SPAN_LIT("/dir/index.html"),
		.nonce = SPAN_LIT("dcd98b7102dd2f0e8b11d0f600bfb0c093"),
		.qop = SPAN_LIT("auth"),
		.nc = SPAN_LIT("00000001"),
		.cnonce = SPAN_LIT("0a4f113b"),
	};

	(void)state;
	conf_ha1(SPAN_LIT("Mufasa"), SPAN_LIT("testrealm@host.com"), SPAN_LIT("Circle Of Life"),
		 &ha1);
	assert_answer(&input, "6629fae49393a05397450978507c4ef1");
	/* As before qop was there; the value is that of RFC 2069's formula. */
	input.qop = SPAN_NONE;
	assert_answer(&input, "670fd8c2df070c60b045671b8b24ff02");
}

static struct digest_input rfc_7616(const struct conf_ha1 *ha1, enum digest_algorithm algorithm)
{
	return (struct digest_input){
		.algorithm = algorithm,
		.ha1 = ha1,
		.method = "GET",
		.uri = SPAN_LIT("/dir/index.html"),
		.nonce = SPAN_LIT("7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"),
		.qop = SPAN_LIT("auth"),
		.nc = SPAN_LIT("00000001"),
		.cnonce = SPAN_LIT("f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"),
	};
}

/* RFC 7616 section 3.9.1, both algorithms; the values for -sess and auth-int are of Python's
 * hashlib over the same input. */
static void the_examples_of_rfc_7616(void **state)
{
	struct digest_input input;
	struct conf_ha1 ha1;

	(void)state;
	conf_ha1(SPAN_LIT("Mufasa"), SPAN_LIT("http-auth@example.org"), SPAN_LIT("Circle of Life"),
		 &ha1);
	input = rfc_7616(&ha1, DIGEST_MD5);
	assert_answer(&input, "8ca523f5e9506fed4657c9700eebdbec");
	input = rfc_7616(&ha1, DIGEST_SHA256);
	assert_answer(&input, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
	input = rfc_7616(&ha1, DIGEST_MD5_SESS);
	assert_answer(&input, "e783283f46242139c486a698fec7211d");
	input = rfc_7616(&ha1, DIGEST_SHA256_SESS);
	assert_answer(&input, "2fd51b3a77ad75bad6afad6003e818d767133c46d9e2749e7f5232ae1ea3efd7");
	input = rfc_7616(&ha1, DIGEST_MD5);
	input.qop = SPAN_LIT("auth-int");
	input.body = SPAN_LIT("v=0\r\n");
	assert_answer(&input, "d1b8e2ac3f6782372de4bf3d8735b406");
	input.body = SPAN_NONE;
	assert_answer(&input, "8804a53d3640a40a4f73cea12c5ba451");
	input = rfc_7616(&ha1, DIGEST_SHA256);
	input.qop = SPAN_LIT("auth-int");
	input.body = SPAN_LIT("v=0\r\n");
	assert_answer(&input, "385d2de062660ced11876f42d9497c69cacf5caaf3d951dd424aee9f7157d563");
	input.body = SPAN_NONE;
	assert_answer(&input, "8bdf6f15638e260831e905028de5450562816d093c9bfc5c13d3a46adcdde940");
}

/* RFC 8760 changes the algorithms of SIP and has no example of its own: a REGISTER, reckoned with
 * hashlib. */
static void a_register_with_each_algorithm(void **state)
{
	static const char *const EXPECTED[DIGEST_ALGORITHM_COUNT] = {
		[DIGEST_SHA256] =
			"bb82240d4d88ba70b9da2728d790278251506edfac083d84eb8a26032c6d8da0",
		[DIGEST_SHA256_SESS] =
			"1b9249d92bc6337866b47931dafa1031e3233bc490dc8028bdacab74e7a16431",
		[DIGEST_MD5] = "bcb15c9455958ce9cc10ba63165db3cb",
		[DIGEST_MD5_SESS] = "b557ccd8b540a8b873937d028b937bb9",
	};
	struct conf_ha1 ha1;

	(void)state;
	conf_ha1(SPAN_LIT("1001"), SPAN_LIT("sw1.example.com"), SPAN_LIT("s3cr\"t\\"), &ha1);
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		struct digest_input input = {
			.algorithm = (enum digest_algorithm)i,
			.ha1 = &ha1,
			.method = "REGISTER",
			.uri = SPAN_LIT("sip:sw1.example.com"),
			.nonce = SPAN_LIT("AAECAwQFBgcICQoLDA0ODxAR"),
			.qop = SPAN_LIT("auth"),
			.nc = SPAN_LIT("0000002a"),
			.cnonce = SPAN_LIT("c"),
		};

		assert_answer(&input, EXPECTED[i]);
	}
}

/* The longest that credentials can be is answered; what is longer is refused, not cut. */
static void length_is_bounded(void **state)
{
	static const struct conf_ha1 ha1;
	static char text[CREDENTIALS_BYTES_MAX + 1024];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++) {
		struct digest_input input = rfc_7616(&ha1, (enum digest_algorithm)i);
		char hex[DIGEST_HEX_MAX];

		input.uri = (struct span){text, CREDENTIALS_BYTES_MAX};
		assert_true(digest_answer(&input, hex));
		input.uri = (struct span){text, sizeof(text)};
		assert_false(digest_answer(&input, hex));
		input.uri = SPAN_LIT("sip:h");
		input.cnonce = (struct span){text, CREDENTIALS_BYTES_MAX - 100};
		assert_true(digest_answer(&input, hex));
		input.cnonce = (struct span){text, sizeof(text)};
		assert_false(digest_answer(&input, hex));
	}
}

static void names_are_found_and_printed(void **state)
{
	static const struct {
		const char *text;
		const char *canonical; /* NULL: refused */
	} CASES[] = {
		{"md5", "md5"},
		{"MD5", "md5"},
		{"sha-256", "sha-256"},
		{"md5,sha-256", "sha-256,md5"},
		{" MD5-SESS ,, sha-256-Sess,md5 SHA-256 ", "sha-256,sha-256-sess,md5,md5-sess"},
		{"", NULL},
		{" , ", NULL},
		{"md5,md5", NULL},
		{"md5;sha-256", NULL},
		{"md", NULL},
		{"md55", NULL},
		{"sha256", NULL},
		{"sha-512-256", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct buf out = buf_new();
		unsigned set = 0;

		assert_int_equal(digest_algorithms_parse(span_of(CASES[i].text), &set),
				 CASES[i].canonical != NULL);
		digest_algorithms_print(set, &out);
		assert_string_equal(buf_cstr(&out), CASES[i].canonical ? CASES[i].canonical : "");
		buf_free(&out);
	}
	for (int i = 0; i < DIGEST_ALGORITHM_COUNT; i++)
		assert_int_equal(digest_algorithm_find(
					 span_of(digest_algorithm_name((enum digest_algorithm)i))),
				 i);
	assert_int_equal(digest_algorithm_find(SPAN_NONE), DIGEST_ALGORITHM_COUNT);
	assert_int_equal(digest_algorithm_find(SPAN_LIT("SHA-512-256")), DIGEST_ALGORITHM_COUNT);
}

TEST_MAIN(cmocka_unit_test(the_example_of_rfc_2617), cmocka_unit_test(the_examples_of_rfc_7616),
	  cmocka_unit_test(a_register_with_each_algorithm), cmocka_unit_test(length_is_bounded),
	  cmocka_unit_test(names_are_found_and_printed))
