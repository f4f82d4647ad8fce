/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The check of a request's credentials against a configuration. */
#include "tests/support/auth_fixture.h"

#include <stdio.h>

static void the_right_password_is_who_it_is(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	const struct conf_phone *phone = NULL;
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	write_credentials(&client, credentials);
	request = request_of(credentials);
	assert_int_equal(auth_check(fixture->auth, fixture->conf, &request, &phone), AUTH_OK);
	assert_string_equal(phone->number, "1001");
	client = client_of(fixture, "1002", "p\"w\\d");
	assert_int_equal(check_client(fixture, &client), AUTH_OK);
}

static void upper_case_hex_and_named_algorithm_are_taken(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;
	char *response;

	client.algorithm = "md5";
	client.extra = ", opaque=\"x\", vendor=\"y\"";
	write_credentials(&client, credentials);
	response = strstr(credentials, "response=\"") + 10;
	for (int i = 0; i < 32; i++)
		response[i] = (char)(response[i] >= 'a' ? response[i] - 32 : response[i]);
	request = request_of(credentials);
	assert_int_equal(check(fixture, &request), AUTH_OK);
}

static void an_escaped_user_name_is_read(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	char credentials[AUTH_CLIENT_TEXT];
	char escaped[AUTH_CLIENT_TEXT];
	struct auth_request request;

	write_credentials(&client, credentials);
	snprintf(escaped, sizeof(escaped), "Digest username=\"\\1\\001\"%s",
		 strstr(credentials, ", realm"));
	request = request_of(escaped);
	assert_int_equal(check(fixture, &request), AUTH_OK);
}

static void wrong_and_unknown_are_the_same(void **state)
{
	static const char *const USERS[] = {
		"1001",
		"1003",
		"9999",
		"",
		"1001\\",
		"a-name-that-is-longer-than-any-phone-number-can-ever-be-"
		"in-this-switch"};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(USERS) / sizeof(USERS[0]); i++) {
		struct client client = client_of(fixture, USERS[i], "");

		if (i == 4)
			client.user = "1001\\\\";
		assert_int_equal(check_client(fixture, &client), AUTH_WRONG);
	}
	assert_int_equal(lockout_clear(fixture->auth, NULL, NULL), 1);
}

static void not_for_us_is_as_none(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	struct auth_request request = request_of("");

	assert_int_equal(check(fixture, &request), AUTH_MISSING);
	request = request_of("Basic MTAwMTpzZWNyZXQ=");
	assert_int_equal(check(fixture, &request), AUTH_MISSING);
	client.realm = "elsewhere";
	assert_int_equal(check_client(fixture, &client), AUTH_MISSING);
	client = client_of(fixture, "1001", "secret");
	request = request_of("Digest username=\"1001\"");
	assert_int_equal(check(fixture, &request), AUTH_MALFORMED);
}

static void an_old_or_foreign_nonce_is_stale_and_no_failure(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "wrong");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;
	struct auth *restarted;

	write_credentials(&client, credentials);
	request = request_of(credentials);
	request.now_us = NOW + 10001000;
	for (int i = 0; i < 20; i++)
		assert_int_equal(check(fixture, &request), AUTH_STALE);
	/* The time it may take comes from the configuration. */
	conf_unref(fixture->conf);
	fixture->conf = conf_with("SS_SIP_AUTHENTICATION_TIMEOUT", "300");
	assert_int_equal(check(fixture, &request), AUTH_WRONG);
	assert_int_equal(lockout_clear(fixture->auth, NULL, NULL), 1);
	/* After a restart. */
	assert_int_equal(auth_create(&restarted), VOS_OK);
	auth_destroy(fixture->auth);
	fixture->auth = restarted;
	request.now_us = NOW;
	for (int i = 0; i < 20; i++)
		assert_int_equal(check(fixture, &request), AUTH_STALE);
	assert_int_equal(lockout_clear(fixture->auth, NULL, NULL), 0);
}

static void a_replay_is_stale_and_a_retransmission_is_not(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	write_credentials(&client, credentials);
	request = request_of(credentials);
	assert_int_equal(check(fixture, &request), AUTH_OK);
	assert_int_equal(check(fixture, &request), AUTH_OK);
	request.cseq = 3;
	assert_int_equal(check(fixture, &request), AUTH_STALE);
	request.cseq = 2;
	request.call_id = SPAN_LIT("call-2");
	assert_int_equal(check(fixture, &request), AUTH_STALE);
	client.count = 2;
	assert_int_equal(check_client(fixture, &client), AUTH_OK);
	client.count = 1;
	assert_int_equal(check_client(fixture, &client), AUTH_STALE);
}

static void clients_without_qop_use_a_nonce_once(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	client.count = 0;
	write_credentials(&client, credentials);
	request = request_of(credentials);
	assert_int_equal(check(fixture, &request), AUTH_OK);
	assert_int_equal(check(fixture, &request), AUTH_OK);
	request.cseq = 3;
	assert_int_equal(check(fixture, &request), AUTH_STALE);
	challenge(fixture, NOW, &client);
	write_credentials(&client, credentials);
	request = request_of(credentials);
	request.cseq = 3;
	assert_int_equal(check(fixture, &request), AUTH_OK);
}

/* A wrong password must not use up the count of a nonce. */
static void a_failure_takes_no_count(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "wrong");

	client.count = 7;
	assert_int_equal(check_client(fixture, &client), AUTH_WRONG);
	client.password = "secret";
	client.count = 1;
	assert_int_equal(check_client(fixture, &client), AUTH_OK);
}

static void digest_uri_names_the_same_host_and_user(void **state)
{
	static const struct {
		const char *request_uri;
		const char *digest_uri;
		enum auth_result result;
	} CASES[] = {
		{"sip:h.example:5060", "sip:h.example:5060", AUTH_OK},
		{"sip:h.example:5060", "sip:H.Example", AUTH_OK},
		{"sip:h.example", "sip:h.example:5060", AUTH_OK},
		{"sip:h.example:5060", "h.example:5060", AUTH_OK},
		{"sip:1002@h.example", "sip:h.example:5060", AUTH_OK},
		{"sip:1002@h.example;user=phone", "sip:1002@h.example", AUTH_OK},
		{"sip:1002@h.example", "sip:1003@h.example", AUTH_WRONG},
		{"sip:h.example", "sip:1003@h.example", AUTH_WRONG},
		{"sip:h.example", "sip:other.example", AUTH_WRONG},
		{"sip:h.example:5060", "sip:h.example:5070", AUTH_WRONG},
		{"sip:h.example", "sip:", AUTH_WRONG},
		{"sip:h.example", "?", AUTH_WRONG},
		{"tel:1002", "tel:1002", AUTH_OK},
		{"tel:1002", "sip:1002", AUTH_WRONG},
	};
	struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		struct client client = client_of(fixture, "1001", "secret");
		char credentials[AUTH_CLIENT_TEXT];
		struct auth_request request;

		client.uri = CASES[i].digest_uri;
		write_credentials(&client, credentials);
		request = request_of(credentials);
		request.request_uri = span_of(CASES[i].request_uri);
		if (check(fixture, &request) != CASES[i].result)
			fail_msg("%s for %s", CASES[i].digest_uri, CASES[i].request_uri);
		lockout_clear(fixture->auth, NULL, NULL);
	}
}

static void another_method_is_another_answer(void **state)
{
	struct fixture *fixture = *state;
	struct client client = client_of(fixture, "1001", "secret");

	client.method = "INVITE";
	assert_int_equal(check_client(fixture, &client), AUTH_WRONG);
}

static void failures_lead_to_forbidden_and_suspension(void **state)
{
	struct fixture *fixture = *state;
	struct client wrong = client_of(fixture, "1001", "wrong");
	struct client right = client_of(fixture, "1001", "secret");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	conf_unref(fixture->conf);
	fixture->conf = conf_with("SS_SIP_AUTHENTICATION_RETRY", "2");
	assert_int_equal(check_client(fixture, &wrong), AUTH_WRONG);
	assert_int_equal(check_client(fixture, &wrong), AUTH_WRONG);
	assert_int_equal(check_client(fixture, &wrong), AUTH_FORBIDDEN);
	/* The right password still opens, and starts both counters over. */
	assert_int_equal(check_client(fixture, &right), AUTH_OK);
	assert_int_equal(check_client(fixture, &wrong), AUTH_WRONG);
	for (int i = 0; i < 5; i++)
		assert_int_not_equal(check_client(fixture, &wrong), AUTH_SUSPENDED);
	assert_int_equal(check_client(fixture, &wrong), AUTH_SUSPENDED);
	right.count = 2;
	write_credentials(&right, credentials);
	request = request_of(credentials);
	assert_int_equal(check(fixture, &request), AUTH_SUSPENDED);
	request.credentials = SPAN_NONE;
	assert_int_equal(check(fixture, &request), AUTH_SUSPENDED);
	request.source.ip[3]++; /* another source */
	assert_int_equal(check(fixture, &request), AUTH_MISSING);
	request.source.ip[3]--;
	request.now_us = NOW + 180 * S;
	assert_int_equal(check(fixture, &request), AUTH_MISSING);
	/* Switched off, suspensions do not hold either. */
	request.now_us = NOW;
	conf_unref(fixture->conf);
	fixture->conf = conf_with("SS_AUTHENTICATION_MAX_RETRY", "0");
	assert_int_equal(check(fixture, &request), AUTH_MISSING);
}

static void trusted_sources_are_never_suspended(void **state)
{
	struct fixture *fixture = *state;
	struct client wrong = client_of(fixture, "1001", "wrong");
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	wrong.source = address_of("203.0.113.77:5060");
	challenge(fixture, NOW, &wrong);
	write_credentials(&wrong, credentials);
	request = request_of(credentials);
	request.source = wrong.source;
	for (int i = 0; i < 20; i++)
		assert_int_equal(check(fixture, &request), i < 6 ? AUTH_WRONG : AUTH_FORBIDDEN);
}

static void the_challenge_follows_the_code(void **state)
{
	struct fixture *fixture = *state;
	struct addr source = address_of("192.0.2.1:5060");
	struct buf out = buf_new();

	assert_int_equal(auth_challenge_status(fixture->conf), 401);
	auth_write_challenge(fixture->auth, fixture->conf, &source, false, NOW, &out);
	assert_non_null(strstr(buf_cstr(&out), "WWW-Authenticate: Digest realm=\"sw1\", nonce=\""));
	assert_non_null(strstr(buf_cstr(&out), "\", qop=\"auth\", algorithm=MD5\r\n"));
	buf_reset(&out);
	auth_write_challenge(fixture->auth, fixture->conf, &source, true, NOW, &out);
	assert_non_null(strstr(buf_cstr(&out), ", stale=true\r\n"));
	buf_reset(&out);
	conf_unref(fixture->conf);
	fixture->conf = conf_with("SS_SIP_AUTHENTICATION_CODE", "407");
	assert_int_equal(auth_challenge_status(fixture->conf), 407);
	auth_write_challenge(fixture->auth, fixture->conf, &source, false, NOW, &out);
	assert_non_null(strstr(buf_cstr(&out), "Proxy-Authenticate: Digest realm=\"sw1\""));
	buf_free(&out);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(the_right_password_is_who_it_is), TEST(upper_case_hex_and_named_algorithm_are_taken),
	  TEST(an_escaped_user_name_is_read), TEST(wrong_and_unknown_are_the_same),
	  TEST(not_for_us_is_as_none), TEST(an_old_or_foreign_nonce_is_stale_and_no_failure),
	  TEST(a_replay_is_stale_and_a_retransmission_is_not),
	  TEST(clients_without_qop_use_a_nonce_once), TEST(a_failure_takes_no_count),
	  TEST(digest_uri_names_the_same_host_and_user), TEST(another_method_is_another_answer),
	  TEST(failures_lead_to_forbidden_and_suspension),
	  TEST(trusted_sources_are_never_suspended), TEST(the_challenge_follows_the_code))
