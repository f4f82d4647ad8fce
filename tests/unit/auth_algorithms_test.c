/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which credentials are taken when several algorithms and kinds of qop are offered, and from where.
 */
#include "tests/support/auth_fixture.h"

#include <stdio.h>

static void use_conf(struct fixture *fixture, const char *algorithms, const char *qop)
{
	const char *const params[] = {"SS_SIP_AUTHENTICATION_REALM",
				      "sw1",
				      "SS_SIP_AUTHENTICATION_ALGORITHMS",
				      algorithms,
				      "SS_SIP_AUTHENTICATION_QOP",
				      qop,
				      NULL};

	conf_unref(fixture->conf);
	fixture->conf = test_conf(params, OBJECTS, sizeof(OBJECTS) / sizeof(OBJECTS[0]));
}

static const char *const ALGORITHMS[] = {NULL,       "MD5",         "md5",       "MD5-sess",
					 "md5-SESS", "SHA-256",     "sha-256",   "SHA-256-sess",
					 "SHA-257",  "SHA-512-256", "AKAv1-MD5", "token"};

/* Every algorithm against every offer: what is offered opens and refuses, anything else is asked
 * for again and counts as nothing. */
static void only_what_is_offered_is_taken(void **state)
{
	static const char *const NAMES[] = {"SHA-256", "SHA-256-sess", "MD5", "MD5-sess"};
	struct fixture *fixture = *state;

	for (unsigned set = 1; set < 16; set++) {
		char offer[64] = "";

		for (unsigned i = 0; i < 4; i++)
			if (set & (1u << i))
				snprintf(offer + strlen(offer), sizeof(offer) - strlen(offer),
					 "%s%s", *offer ? "," : "", NAMES[i]);
		use_conf(fixture, offer, "auth");
		for (size_t i = 0; i < sizeof(ALGORITHMS) / sizeof(ALGORITHMS[0]); i++) {
			const char *name = ALGORITHMS[i] ? ALGORITHMS[i] : "MD5";
			struct client right = client_of(fixture, "1001", "secret");
			struct client wrong = client_of(fixture, "1001", "wrong");
			bool is_offered = false;

			for (unsigned k = 0; k < 4; k++)
				is_offered |= set & (1u << k) && strcasecmp(name, NAMES[k]) == 0;
			right.algorithm = wrong.algorithm = ALGORITHMS[i];
			if (check_client(fixture, &right) != (is_offered ? AUTH_OK : AUTH_MISSING))
				fail_msg("%s of %s, right", name, offer);
			if (check_client(fixture, &wrong) !=
			    (is_offered ? AUTH_WRONG : AUTH_MISSING))
				fail_msg("%s of %s, wrong", name, offer);
			assert_int_equal(lockout_clear(fixture->auth, NULL, NULL), is_offered);
		}
	}
}

/* The answer to one algorithm's challenge under the name of another is a wrong one; one that cannot
 * be an answer at all, by its length, is malformed. */
static void an_answer_belongs_to_its_algorithm(void **state)
{
	struct fixture *fixture = *state;
	struct client client;
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	use_conf(fixture, "sha-256,sha-256-sess,md5,md5-sess", "auth");
	client = client_of(fixture, "1001", "secret");
	write_credentials(&client, credentials);
	snprintf(credentials + strlen(credentials), sizeof(credentials) - strlen(credentials), "%s",
		 ", algorithm=MD5-sess");
	request = request_of(credentials);
	assert_int_equal(check(fixture, &request), AUTH_WRONG);
	write_credentials(&client, credentials);
	snprintf(credentials + strlen(credentials), sizeof(credentials) - strlen(credentials), "%s",
		 ", algorithm=SHA-256");
	assert_int_equal(check(fixture, &request), AUTH_MALFORMED);
	/* Without cnonce there is no session. */
	client.algorithm = "MD5-sess";
	client.count = 0;
	assert_int_equal(check_client(fixture, &client), AUTH_MALFORMED);
	client.extra = ", cnonce=\"cn1\"";
	assert_int_equal(check_client(fixture, &client), AUTH_OK);
}

static void the_body_is_signed_when_that_is_wanted(void **state)
{
	static const struct {
		const char *offer;
		const char *qop; /* NULL: none in the credentials */
		const char *body;
		enum auth_result result;
	} CASES[] = {
		{"auth", NULL, "v=0", AUTH_OK},
		{"auth", "auth", "v=0", AUTH_OK},
		{"auth", "auth", "v=1", AUTH_OK},
		{"auth", "auth-int", "v=0", AUTH_MISSING},
		{"auth", "auth-conf", "v=0", AUTH_MISSING},
		{"auth-or-auth-int", NULL, "v=1", AUTH_OK},
		{"auth-or-auth-int", "auth", "v=1", AUTH_OK},
		{"auth-or-auth-int", "auth-int", "v=0", AUTH_OK},
		{"auth-or-auth-int", "auth-int", "v=1", AUTH_WRONG},
		{"auth-int", NULL, "v=0", AUTH_MISSING},
		{"auth-int", "auth", "v=0", AUTH_MISSING},
		{"auth-int", "auth-int", "v=0", AUTH_OK},
		{"auth-int", "auth-int", "", AUTH_WRONG},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < 2 * sizeof(CASES) / sizeof(CASES[0]); i++) {
		size_t at = i / 2;
		struct client client;
		char credentials[AUTH_CLIENT_TEXT];
		struct auth_request request;

		use_conf(fixture, "sha-256,md5", CASES[at].offer);
		client = client_of(fixture, "1001", "secret");
		client.algorithm = i % 2 ? "SHA-256" : NULL;
		client.qop = CASES[at].qop;
		client.count = CASES[at].qop ? 1 : 0;
		client.body = CASES[at].body;
		write_credentials(&client, credentials);
		request = request_of(credentials);
		request.body = SPAN_LIT("v=0");
		if (check(fixture, &request) != CASES[at].result)
			fail_msg("%s for %s, body %s", CASES[at].qop, CASES[at].offer,
				 CASES[at].body);
		assert_int_equal(lockout_clear(fixture->auth, NULL, NULL),
				 CASES[at].result == AUTH_WRONG);
	}
	/* No body is a body of no bytes. */
	use_conf(fixture, "md5", "auth-int");
	{
		struct client client = client_of(fixture, "1001", "secret");

		client.qop = "auth-int";
		assert_int_equal(check_client(fixture, &client), AUTH_OK);
	}
}

/* A nonce that was sent elsewhere: whoever forges the source of a datagram has no other, so that
 * the owner of the address pays for nothing. */
static void a_nonce_of_another_address_counts_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct client spoofer = client_of(fixture, "1001", "guess");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	spoofer.source = address_of("198.51.100.66:5060");
	challenge(fixture, NOW, &spoofer);
	write_credentials(&spoofer, credentials);
	request = request_of(credentials);
	for (int i = 0; i < 100; i++)
		assert_int_equal(check(fixture, &request), AUTH_STALE);
	assert_int_equal(lockout_clear(fixture->auth, NULL, NULL), 0);
	/* The password is right, the address is not: no way in either, for an eavesdropper. */
	spoofer.password = "secret";
	assert_int_equal(check_client(fixture, &spoofer), AUTH_STALE);
	/* From another port of the same address it is good. */
	write_credentials(&spoofer, credentials);
	request = request_of(credentials);
	request.source = address_of("198.51.100.66:33000");
	assert_int_equal(check(fixture, &request), AUTH_OK);
}

static void the_best_of_several_lines_is_chosen(void **state)
{
	struct fixture *fixture = *state;
	struct client client;
	char md5[AUTH_CLIENT_TEXT];
	char sha[AUTH_CLIENT_TEXT];
	char foreign[AUTH_CLIENT_TEXT];
	char unknown[AUTH_CLIENT_TEXT];
	struct span lines[6];

	use_conf(fixture, "md5,sha-256", "auth");
	client = client_of(fixture, "1001", "secret");
	write_credentials(&client, md5);
	client.algorithm = "SHA-256";
	write_credentials(&client, sha);
	client.algorithm = "SHA-512-256";
	write_credentials(&client, unknown);
	client.realm = "elsewhere";
	client.algorithm = "SHA-256";
	write_credentials(&client, foreign);
	lines[0] = span_of("Digest garbage");
	lines[1] = span_of("Basic x");
	lines[2] = span_of(foreign);
	lines[3] = span_of(unknown);
	lines[4] = span_of(md5);
	lines[5] = span_of(sha);
	assert_int_equal(auth_choose(fixture->conf, lines, 0).len, 0);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 1).ptr, lines[0].ptr);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 3).ptr, lines[0].ptr);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 4).ptr, unknown);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 5).ptr, md5);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 6).ptr, sha);
	use_conf(fixture, "md5", "auth");
	assert_ptr_equal(auth_choose(fixture->conf, lines, 6).ptr, md5);
	/* Two of the same worth: the first. */
	lines[0] = span_of(md5);
	assert_ptr_equal(auth_choose(fixture->conf, lines, 6).ptr, lines[0].ptr);
}

/* Known and unknown users get the same answers, of the same bytes, under every algorithm. */
static void unknown_users_are_the_same_under_every_algorithm(void **state)
{
	static const char *const NAMES[] = {"MD5", "MD5-sess", "SHA-256", "SHA-256-sess"};
	static const char *const USERS[] = {"1001", "1003", "9999"};
	struct fixture *fixture = *state;

	use_conf(fixture, "sha-256,sha-256-sess,md5,md5-sess", "auth-or-auth-int");
	for (size_t i = 0; i < 4; i++) {
		for (size_t user = 0; user < 3; user++) {
			struct client client = client_of(fixture, USERS[user], "");

			client.algorithm = NAMES[i];
			for (int k = 0; k < 6; k++)
				assert_int_equal(check_client(fixture, &client), AUTH_WRONG);
			assert_int_equal(check_client(fixture, &client), AUTH_SUSPENDED);
			lockout_clear(fixture->auth, NULL, NULL);
			/* The Call-ID's count is cleared by success only. */
			client = client_of(fixture, "1001", "secret");
			assert_int_equal(check_client(fixture, &client), AUTH_OK);
		}
	}
}

static void challenges_are_offered_strongest_first(void **state)
{
	struct fixture *fixture = *state;
	struct addr source = address_of("192.0.2.1:5060");
	struct buf out = buf_new();
	const char *sha;
	const char *md5;

	use_conf(fixture, "md5, SHA-256", "auth-or-auth-int");
	auth_write_challenge(fixture->auth, fixture->conf, &source, true, NOW, &out);
	sha = strstr(buf_cstr(&out), "WWW-Authenticate: Digest realm=\"sw1\"");
	assert_ptr_equal(sha, buf_cstr(&out));
	md5 = strstr(sha + 1, "WWW-Authenticate: Digest realm=\"sw1\"");
	assert_non_null(md5);
	assert_null(strstr(md5 + 1, "WWW-Authenticate"));
	assert_non_null(strstr(md5, "qop=\"auth,auth-int\", algorithm=MD5, stale=true\r\n"));
	sha = strstr(sha, "qop=\"auth,auth-int\", algorithm=SHA-256, stale=true\r\n");
	assert_non_null(sha);
	assert_true(sha < md5);
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(only_what_is_offered_is_taken), TEST(an_answer_belongs_to_its_algorithm),
	  TEST(the_body_is_signed_when_that_is_wanted),
	  TEST(a_nonce_of_another_address_counts_nothing),
	  TEST(the_best_of_several_lines_is_chosen),
	  TEST(unknown_users_are_the_same_under_every_algorithm),
	  TEST(challenges_are_offered_strongest_first))
