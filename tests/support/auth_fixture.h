/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration with phones, and clients that answer its challenges. */
#pragma once

#include "tests/support/test.h"

#include "switchd/auth/digest.h"
#include "switchd/auth/lockout.h"
#include "tests/support/auth_client.h"
#include "tests/support/config.h"

#define S   ((uint64_t)1000000u)
#define NOW (5000u * S)
#define URI "sip:198.51.100.1:5060"

struct fixture {
	struct auth *auth;
	struct conf *conf;
};

static const char *const PHONE_1001[] = {"password", "secret", NULL};
static const char *const PHONE_QUOTE[] = {"password", "p\"w\\d", NULL};
static const struct test_object OBJECTS[] = {
	{OBJECT_PHONE, "1001", PHONE_1001},
	{OBJECT_PHONE, "1002", PHONE_QUOTE},
	{OBJECT_PHONE, "1003", NULL}, /* no password */
	{OBJECT_TRUSTED, "203.0.113.0/24", NULL},
};

static inline struct conf *conf_with(const char *name, const char *value)
{
	const char *const params[] = {"SS_SIP_AUTHENTICATION_REALM", "sw1", name, value, NULL};

	return test_conf(params, OBJECTS, sizeof(OBJECTS) / sizeof(OBJECTS[0]));
}

static inline int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(auth_create(&fixture->auth), VOS_OK);
	fixture->conf = conf_with(NULL, NULL);
	*state = fixture;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *fixture = *state;

	conf_unref(fixture->conf);
	auth_destroy(fixture->auth);
	free(fixture);
	return 0;
}

static inline void challenge(const struct fixture *fixture, uint64_t now_us, struct client *client)
{
	struct buf out = buf_new();
	const char *start;
	size_t len;

	auth_write_challenge(fixture->auth, fixture->conf, &client->source, false, now_us, &out);
	start = strstr(buf_cstr(&out), "nonce=\"");
	assert_non_null(start);
	start += 7;
	len = strcspn(start, "\"");
	assert_true(len < sizeof(client->nonce));
	memcpy(client->nonce, start, len);
	client->nonce[len] = '\0';
	buf_free(&out);
}

static inline struct addr address_of(const char *text)
{
	struct addr address;

	assert_true(addr_parse(span_of(text), &address));
	return address;
}

static inline struct client client_of(const struct fixture *fixture, const char *user,
				      const char *password)
{
	struct client client = {
		.user = user,
		.password = password,
		.realm = "sw1",
		.uri = URI,
		.method = "REGISTER",
		.body = "",
		.extra = "",
		.count = 1,
		.source = address_of("192.0.2.1:5060"),
	};

	challenge(fixture, NOW, &client);
	return client;
}

static inline struct auth_request request_of(const char *credentials)
{
	struct auth_request request = {
		.method = "REGISTER",
		.request_uri = SPAN_LIT(URI),
		.credentials = span_of(credentials),
		.call_id = SPAN_LIT("call-1"),
		.cseq = 2,
		.source = address_of("192.0.2.1:5060"),
		.now_us = NOW,
	};

	return request;
}

static inline enum auth_result check(const struct fixture *fixture,
				     const struct auth_request *request)
{
	const struct conf_phone *phone = NULL;
	enum auth_result result = auth_check(fixture->auth, fixture->conf, request, &phone);

	assert_int_equal(phone != NULL, result == AUTH_OK);
	return result;
}

static inline enum auth_result check_client(const struct fixture *fixture,
					    const struct client *client)
{
	char credentials[AUTH_CLIENT_TEXT];
	struct auth_request request;

	write_credentials(client, credentials);
	request = request_of(credentials);
	return check(fixture, &request);
}
