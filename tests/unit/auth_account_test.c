/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateways that prove who they are by their name and password: which of them may, and for which
 * requests. */
#include "tests/support/auth_fixture.h"

static const char *const PASSWORD[] = {"password", "secret", NULL};
static const char *const DYNAMIC[] = {"password", "secret", "registration", "dynamic", NULL};
static const char *const DYNAMIC_ONLY[] = {"registration", "dynamic", NULL};
static const char *const STATIC[] = {"password", "secret", "address", "192.0.2.7", NULL};
static const char *const MAPPING[] = {"password", "secret", "authentication", "password", NULL};
static const char *const BY_IP[] = {"password", "secret", "address", "192.0.2.8", NULL};

static const struct test_object PARTIES[] = {
	{OBJECT_PHONE, "1001", PASSWORD},
	{OBJECT_PHONE, "both", PASSWORD},
	{OBJECT_ROUTING_GATEWAY, "both", DYNAMIC},
	{OBJECT_ROUTING_GATEWAY, "carrier", DYNAMIC},
	{OBJECT_ROUTING_GATEWAY, "fixed", STATIC},
	{OBJECT_ROUTING_GATEWAY, "bare", DYNAMIC_ONLY},
	{OBJECT_MAPPING_GATEWAY, "carrier", MAPPING},
	{OBJECT_MAPPING_GATEWAY, "source", BY_IP},
	{OBJECT_PHONE, "silent", NULL},
	{OBJECT_MAPPING_GATEWAY, "silent", MAPPING},
};

static const char *const REALM_PARAMS[] = {"SS_SIP_AUTHENTICATION_REALM", "sw1", NULL};

static enum auth_result ask(struct fixture *fixture, const char *user, const char *method,
			    const char *password, struct auth_account *account)
{
	struct client client = {.user = user,
				.password = password,
				.realm = "sw1",
				.uri = URI,
				.method = method,
				.extra = "",
				.count = 1,
				.source = address_of("198.51.100.20:5060")};
	struct auth_request request = {.method = method,
				       .request_uri = SPAN_LIT(URI),
				       .call_id = SPAN_LIT("c"),
				       .cseq = 1,
				       .source = client.source,
				       .now_us = NOW};
	char text[AUTH_CLIENT_TEXT];

	challenge(fixture, NOW, &client);
	write_credentials(&client, text);
	request.credentials = span_of(text);
	*account = (struct auth_account){0};
	return auth_check_account(fixture->auth, fixture->conf, &request, account);
}

static struct auth_account allowed(struct fixture *fixture, const char *user, const char *method)
{
	struct auth_account account;

	assert_int_equal(ask(fixture, user, method, "secret", &account), AUTH_OK);
	/* One of them it is, and only one. */
	assert_int_equal(!!account.phone + !!account.routing + !!account.mapping, 1);
	return account;
}

static void assert_nobody(struct fixture *fixture, const char *user, const char *method,
			  const char *password)
{
	struct auth_account account;

	assert_int_equal(ask(fixture, user, method, password, &account), AUTH_WRONG);
	assert_null(account.phone);
	assert_null(account.routing);
	assert_null(account.mapping);
}

static int setup_parties(void **state)
{
	setup(state);
	conf_unref(((struct fixture *)*state)->conf);
	((struct fixture *)*state)->conf = test_conf(REALM_PARAMS, PARTIES, 10);
	return 0;
}

static void who_registers(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(allowed(fixture, "1001", "REGISTER").phone->number, "1001");
	assert_string_equal(allowed(fixture, "carrier", "REGISTER").routing->name, "carrier");
	/* A phone's number comes before a gateway's name. */
	assert_string_equal(allowed(fixture, "both", "REGISTER").phone->number, "both");
	assert_nobody(fixture, "carrier", "REGISTER", "wrong");
	assert_nobody(fixture, "fixed", "REGISTER", "secret");
	assert_nobody(fixture, "bare", "REGISTER", "");
	assert_nobody(fixture, "source", "REGISTER", "secret");
}

static void who_calls(void **state)
{
	struct fixture *fixture = *state;

	assert_string_equal(allowed(fixture, "1001", "INVITE").phone->number, "1001");
	assert_string_equal(allowed(fixture, "carrier", "INVITE").mapping->name, "carrier");
	/* A phone without a password stands in nobody's way. */
	assert_string_equal(allowed(fixture, "silent", "INVITE").mapping->name, "silent");
	assert_nobody(fixture, "carrier", "INVITE", "wrong");
	assert_nobody(fixture, "source", "INVITE", "secret");
	assert_nobody(fixture, "fixed", "INVITE", "secret");
}

TEST_MAIN(cmocka_unit_test_setup_teardown(who_registers, setup_parties, teardown),
	  cmocka_unit_test_setup_teardown(who_calls, setup_parties, teardown))
