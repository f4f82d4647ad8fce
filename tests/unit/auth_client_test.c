/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Challenges as servers send them, and whether a server would take the answer: it is worked out
 * again here from the formulas of RFC 7616 section 3.4 as text, and checked by our own server. */
#include "tests/support/test.h"

#include <md5.h>
#include <sha2.h>
#include <stdio.h>

#include "switchd/auth/client.h"
#include "switchd/auth/credentials.h"
#include "switchd/auth/digest.h"
#include "tests/support/config.h"

#define TEXT 2048

static const struct auth_client_secret MUFASA = {{"Mufasa", 6}, {"Circle of Life", 14}};
static const struct auth_client_request REGISTER = {"REGISTER", {"sip:example.org", 15}, {NULL, 0}};

static struct random_pool pool;

static enum auth_client_verdict take_from(struct auth_client *client, bool is_proxy,
					  const char *const *texts, const char *sent)
{
	struct span lines[8];
	struct auth_client_refusal refusal = {
		.is_proxy = is_proxy, .lines = lines, .sent = span_of(sent)};

	for (; *texts; texts++)
		lines[refusal.count++] = span_of(*texts);
	return auth_client_take(client, &refusal, &pool);
}

static enum auth_client_verdict take(struct auth_client *client, const char *text)
{
	const char *const texts[] = {text, NULL};

	return take_from(client, false, texts, "");
}

static const char *write_for(struct auth_client *client, const struct auth_client_request *request)
{
	static char text[TEXT];
	struct buf out = buf_over(text, sizeof(text) - 1);

	auth_client_write(client, &MUFASA, request, &out);
	assert_false(out.failed);
	text[out.len] = '\0';
	return text;
}

/* The value of the header line of that name in what was written. */
static struct credentials parse_line(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	struct credentials credentials;

	assert_non_null(at);
	assert_true(at == text || at[-1] == '\n');
	at += strlen(name);
	assert_int_equal(credentials_parse((struct span){at, strcspn(at, "\r")}, &credentials),
			 CREDENTIALS_OK);
	return credentials;
}

static void hash(bool is_sha, const char *text, char out[65])
{
	if (is_sha)
		SHA256Data((const uint8_t *)text, strlen(text), out);
	else
		MD5Data((const uint8_t *)text, strlen(text), out);
}

/* RFC 7616 3.4.1 to 3.4.3 by hand; realm as it is without its escapes. */
static void assert_right(const struct credentials *have, const char *realm, const char *method,
			 const char *body)
{
	bool is_sha = span_istarts_with(have->algorithm, SPAN_LIT("SHA-256"));
	char text[TEXT], ha1[65], ha2[65], expected[65];

	snprintf(text, sizeof(text), "Mufasa:%s:Circle of Life", realm);
	hash(is_sha, text, ha1);
	if (have->algorithm.len > 5 && strcasestr(have->algorithm.ptr, "-sess")) {
		snprintf(text, sizeof(text), "%s:%.*s:%.*s", ha1, SPAN_ARG(have->nonce),
			 SPAN_ARG(have->cnonce));
		hash(is_sha, text, ha1);
	}
	snprintf(text, sizeof(text), "%s:%.*s", method, SPAN_ARG(have->uri));
	if (have->qop_kind == QOP_AUTH_INT) {
		char hashed[65];

		hash(is_sha, body, hashed);
		snprintf(text, sizeof(text), "%s:%.*s:%s", method, SPAN_ARG(have->uri), hashed);
	}
	hash(is_sha, text, ha2);
	if (have->qop.ptr)
		snprintf(text, sizeof(text), "%s:%.*s:%.*s:%.*s:%.*s:%s", ha1,
			 SPAN_ARG(have->nonce), SPAN_ARG(have->nc), SPAN_ARG(have->cnonce),
			 SPAN_ARG(have->qop), ha2);
	else
		snprintf(text, sizeof(text), "%s:%.*s:%s", ha1, SPAN_ARG(have->nonce), ha2);
	hash(is_sha, text, expected);
	assert_true(span_eq(have->response, span_of(expected)));
}

static void each_algorithm_is_answered(void **state)
{
	static const struct {
		const char *challenge;
		const char *algorithm;
		enum credentials_qop qop;
	} rows[] = {
		{"Digest realm=\"r\", nonce=\"n1\"", "MD5", QOP_NONE},
		{"Digest realm=\"r\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"", "MD5", QOP_AUTH},
		{"Digest realm=\"r\",nonce=\"n1\",algorithm=md5,qop=auth", "MD5", QOP_AUTH},
		{"digest realm=\"r\", nonce=\"n1\", algorithm=MD5-sess, qop=\"auth\"", "MD5-sess",
		 QOP_AUTH},
		{"Digest realm=\"r\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth,auth-int\"",
		 "SHA-256", QOP_AUTH},
		{"Digest realm=\"r\", nonce=\"n1\", algorithm=SHA-256-sess, qop=\"auth-int, auth\"",
		 "SHA-256-sess", QOP_AUTH},
		{"Digest realm=\"r\", nonce=\"n1\", algorithm=\"SHA-256\", qop=\"auth-int\"",
		 "SHA-256", QOP_AUTH_INT},
		{"Digest realm=\"r\", , domain=\"sip:a\", stale=false, nonce=\"n1\" ,", "MD5",
		 QOP_NONE},
	};
	const struct auth_client_request request = {"INVITE", SPAN_LIT("sip:1@h"), SPAN_LIT("v=0")};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct auth_client client = {0};
		struct credentials have;

		assert_int_equal(take(&client, rows[i].challenge), AUTH_CLIENT_TAKEN);
		have = parse_line(write_for(&client, &request), "Authorization: ");
		assert_true(span_eq(have.algorithm, span_of(rows[i].algorithm)));
		assert_int_equal(have.qop_kind, rows[i].qop);
		assert_true(span_eq(have.username, SPAN_LIT("Mufasa")));
		assert_true(span_eq(have.nonce, SPAN_LIT("n1")));
		assert_true(span_eq(have.uri, SPAN_LIT("sip:1@h")));
		assert_null(have.opaque.ptr);
		assert_right(&have, "r", "INVITE", "v=0");
		auth_client_forget(&client);
	}
}

static void the_strongest_is_chosen(void **state)
{
	static const char *const lines[] = {
		"Basic realm=\"r\"",
		"Digest realm=\"r\", nonce=\"md5\", algorithm=MD5, qop=\"auth\"",
		"Digest realm=\"r\", nonce=\"future\", algorithm=SHA-512-256, qop=\"auth\"",
		"Digest realm=\"r\", nonce=\"sha\", algorithm=SHA-256, qop=\"auth\"",
		"Digest realm=\"r\", nonce=\"sess\", algorithm=MD5-sess, qop=\"auth\"",
		NULL,
	};
	struct auth_client client = {0};
	struct credentials have;

	(void)state;
	assert_int_equal(take_from(&client, false, lines, ""), AUTH_CLIENT_TAKEN);
	have = parse_line(write_for(&client, &REGISTER), "Authorization: ");
	assert_true(span_eq(have.nonce, SPAN_LIT("sha")));
	assert_right(&have, "r", "REGISTER", "");
	auth_client_forget(&client);
}

static void what_cannot_be_answered(void **state)
{
	static char long_nonce[700] = "Digest realm=\"r\", nonce=\"";
	static char many[40 * 40] = "Digest realm=\"r\", nonce=\"n\"";
	const char *const lines[] = {
		"",
		"Digest",
		"Basic realm=\"r\"",
		"Digest realm=\"r\"",
		"Digest nonce=\"n\"",
		"Digest realm=\"r\", nonce=\"\"",
		"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256",
		"Digest realm=\"r\", nonce=\"n\", qop=\"other\"",
		"Digest realm=\"r\", nonce=\"n\", qop=\"\"",
		"Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess",
		"Digest realm=\"r\", nonce=\"n\", nonce=\"m\"",
		"Digest realm=\"r\", nonce=\"n",
		"Digest realm=\"r\", nonce=\"a\\\"b\"",
		"Digest realm=\"r\" nonce=\"n\"",
		"Digest realm, nonce=\"n\"",
		long_nonce,
		many,
	};

	(void)state;
	memset(long_nonce + strlen(long_nonce), 'x', 600);
	strcat(long_nonce, "\"");
	for (int i = 0; i < 40; i++)
		snprintf(many + strlen(many), 20, ", x%d=y", i);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct auth_client client = {0};

		assert_int_equal(take(&client, lines[i]), AUTH_CLIENT_UNUSABLE);
		assert_false(auth_client_has_challenge(&client));
		assert_string_equal(write_for(&client, &REGISTER), "");
	}
}

/* A nonce is used again with a rising count, under one cnonce. */
static void the_nonce_is_used_again(void **state)
{
	struct auth_client client = {0};
	char cnonce[32] = "";

	(void)state;
	assert_int_equal(take(&client, "Digest realm=\"r\", nonce=\"n\", opaque=\"\", "
				       "algorithm=SHA-256-sess, qop=\"auth\""),
			 AUTH_CLIENT_TAKEN);
	for (unsigned count = 1; count <= 300; count++) {
		struct credentials have =
			parse_line(write_for(&client, &REGISTER), "Authorization: ");

		assert_int_equal(have.nonce_count, count);
		assert_non_null(have.opaque.ptr);
		assert_int_equal(have.opaque.len, 0);
		assert_right(&have, "r", "REGISTER", "");
		if (!cnonce[0])
			assert_true(span_copy(have.cnonce, cnonce, sizeof(cnonce)));
		assert_true(span_eq(have.cnonce, span_of(cnonce)));
	}
	auth_client_forget(&client);
}

static void a_body_may_be_signed(void **state)
{
	struct auth_client client = {0};

	(void)state;
	assert_true(auth_client_ignores_body(&client));
	assert_int_equal(take(&client, "Digest realm=\"r\", nonce=\"n\", qop=\"auth,auth-int\""),
			 AUTH_CLIENT_TAKEN);
	assert_true(auth_client_ignores_body(&client));
	assert_int_equal(take(&client, "Digest realm=\"r\", nonce=\"m\", qop=\"auth-int\""),
			 AUTH_CLIENT_TAKEN);
	assert_false(auth_client_ignores_body(&client));
	auth_client_forget(&client);
}

static void a_nonce_is_answered_once(void **state)
{
	const char *const same[] = {"Digest realm=\"r\", nonce=\"n\", qop=\"auth\"", NULL};
	const char *const fresh[] = {"Digest realm=\"r\", nonce=\"n2\", qop=\"auth\", stale=true",
				     NULL};
	struct auth_client client = {0};
	char sent[TEXT];
	struct credentials have;

	(void)state;
	assert_int_equal(take_from(&client, false, same, "REGISTER x\r\n\r\n"), AUTH_CLIENT_TAKEN);
	snprintf(sent, sizeof(sent), "REGISTER sip:x SIP/2.0\r\n%s\r\n",
		 write_for(&client, &REGISTER));
	assert_int_equal(take_from(&client, false, same, sent), AUTH_CLIENT_ANSWERED);
	assert_int_equal(take_from(&client, false, fresh, sent), AUTH_CLIENT_TAKEN);
	have = parse_line(write_for(&client, &REGISTER), "Authorization: ");
	assert_true(span_eq(have.nonce, SPAN_LIT("n2")));
	assert_int_equal(have.nonce_count, 1);
	/* What stands in a body is no header. */
	snprintf(sent, sizeof(sent), "INVITE sip:x SIP/2.0\r\n\r\nx: nonce=\"n\"\r\n");
	assert_int_equal(take_from(&client, false, same, sent), AUTH_CLIENT_TAKEN);
	auth_client_forget(&client);
}

/* RFC 3261 22.3: a proxy on the way and the server behind it each want their own. */
static void a_proxy_and_a_server(void **state)
{
	const char *const proxy[] = {"Digest realm=\"p\", nonce=\"np\", qop=\"auth\"", NULL};
	const char *const server[] = {"Digest realm=\"s\", nonce=\"ns\", qop=\"auth\"", NULL};
	struct auth_client client = {0};
	struct credentials have;
	const char *text;
	char sent[TEXT];

	(void)state;
	assert_int_equal(take_from(&client, true, proxy, ""), AUTH_CLIENT_TAKEN);
	text = write_for(&client, &REGISTER);
	assert_null(strstr(text, "\nAuthorization"));
	snprintf(sent, sizeof(sent), "X\r\n%s\r\n", text);
	assert_int_equal(take_from(&client, false, server, sent), AUTH_CLIENT_TAKEN);
	text = write_for(&client, &REGISTER);
	have = parse_line(text, "Authorization: ");
	assert_right(&have, "s", "REGISTER", "");
	have = parse_line(text, "Proxy-Authorization: ");
	assert_int_equal(have.nonce_count, 2);
	assert_right(&have, "p", "REGISTER", "");
	auth_client_forget(&client);
}

static void the_realm_may_be_held(void **state)
{
	const struct span first = SPAN_LIT("Digest realm=\"a\", nonce=\"n\"");
	const struct span other = SPAN_LIT("Digest realm=\"b\", nonce=\"m\"");
	struct auth_client client = {0};
	struct auth_client_refusal refusal = {.keeps_realm = true, .lines = &first, .count = 1};

	(void)state;
	assert_int_equal(auth_client_take(&client, &refusal, &pool), AUTH_CLIENT_TAKEN);
	refusal.lines = &other;
	assert_int_equal(auth_client_take(&client, &refusal, &pool), AUTH_CLIENT_FOREIGN);
	assert_non_null(strstr(write_for(&client, &REGISTER), "realm=\"a\""));
	refusal.keeps_realm = false;
	assert_int_equal(auth_client_take(&client, &refusal, &pool), AUTH_CLIENT_TAKEN);
	auth_client_forget(&client);
}

/* Quotes in a realm come back as they were, and go into the hash without their escapes; those in
 * our own name are written with escapes. */
static void quotes_are_escaped(void **state)
{
	const struct auth_client_secret odd = {SPAN_LIT("a\"b\\c"), SPAN_LIT("p")};
	struct auth_client client = {0};
	struct credentials have;
	char text[TEXT];
	struct buf out = buf_over(text, sizeof(text) - 1);

	(void)state;
	assert_int_equal(take(&client, "Digest realm=\"the \\\"r\\\"\", nonce=\"n\""),
			 AUTH_CLIENT_TAKEN);
	have = parse_line(write_for(&client, &REGISTER), "Authorization: ");
	assert_true(span_eq(have.realm, SPAN_LIT("the \\\"r\\\"")));
	assert_right(&have, "the \"r\"", "REGISTER", "");
	auth_client_write(&client, &odd, &REGISTER, &out);
	text[out.len] = '\0';
	assert_non_null(strstr(text, "username=\"a\\\"b\\\\c\""));
	auth_client_forget(&client);
}

/* Client and server of the house agree, under every algorithm and quality that the server can ask
 * for, and the second use of a nonce is no replay. */
static void our_server_takes_it(void **state)
{
	static const char *const algorithms[] = {"md5", "sha-256", "md5-sess", "sha-256-sess"};
	static const char *const qualities[] = {"auth", "auth-int", "auth,auth-int"};
	static const char *const fields[] = {"password", "Circle of Life", NULL};
	const struct test_object phone = {OBJECT_PHONE, "Mufasa", fields};

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		const char *const params[] = {"SS_SIP_AUTHENTICATION_ALGORITHMS", algorithms[i / 3],
					      "SS_SIP_AUTHENTICATION_QOP", qualities[i % 3], NULL};
		struct conf *conf = test_conf(params, &phone, 1);
		struct auth_client client = {0};
		struct auth_request request = {.method = "REGISTER",
					       .request_uri = REGISTER.uri,
					       .call_id = SPAN_LIT("c"),
					       .now_us = 1000000};
		const struct conf_phone *found;
		struct auth *auth;
		char text[TEXT];
		struct buf out = buf_over(text, sizeof(text) - 1);

		assert_true(addr_parse(SPAN_LIT("192.0.2.1:5060"), &request.source));
		assert_int_equal(auth_create(&auth), VOS_OK);
		auth_write_challenge(auth, conf, &request.source, false, request.now_us, &out);
		text[out.len] = '\0';
		*strchr(text, '\r') = '\0';
		assert_int_equal(take(&client, text + strlen("WWW-Authenticate: ")),
				 AUTH_CLIENT_TAKEN);
		for (request.cseq = 1; request.cseq < 4; request.cseq++) {
			const char *line = write_for(&client, &REGISTER);

			line += strlen("Authorization: ");
			request.credentials = (struct span){line, strcspn(line, "\r")};
			assert_int_equal(auth_check(auth, conf, &request, &found), AUTH_OK);
		}
		auth_client_forget(&client);
		auth_destroy(auth);
		conf_unref(conf);
	}
}

TEST_MAIN(cmocka_unit_test(each_algorithm_is_answered), cmocka_unit_test(the_strongest_is_chosen),
	  cmocka_unit_test(what_cannot_be_answered), cmocka_unit_test(the_nonce_is_used_again),
	  cmocka_unit_test(a_body_may_be_signed), cmocka_unit_test(a_nonce_is_answered_once),
	  cmocka_unit_test(a_proxy_and_a_server), cmocka_unit_test(the_realm_may_be_held),
	  cmocka_unit_test(quotes_are_escaped), cmocka_unit_test(our_server_takes_it))
