/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/outbound_bench.h"

#include <stdio.h>

#include "switchd/alarm/alarm.h"
#include "switchd/auth/credentials.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/resolve.h"
#include "switchd/sip/worker_private.h"
#include "tests/support/changes.h"
#include "tests/support/test.h"

/* The server is the first phone of the bench. */
struct peer *outbound_server(struct bench *bench)
{
	return &bench->phones[0];
}

void outbound_set(struct change_list *list, const char *name, const char *field, const char *value)
{
	changes_field(list, "registration", name, field, value);
}

/* With the key that bench_change() opens secrets with. */
void outbound_set_password(struct change_list *list, const char *name, const char *password)
{
	static const struct secret_key key = {{1}};
	char sealed[SECRET_SEALED_MAX];
	struct change *change;

	outbound_set(list, name, "password", password);
	change = &list->items[list->count - 1];
	assert_int_equal(secret_seal(&key, span_of(password), sealed), VOS_OK);
	free(change->value.text);
	change->value.text = strdup(sealed);
	assert_non_null(change->value.text);
}

void outbound_add(struct bench *bench, struct change_list *list, const char *name,
		  const char *account)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", outbound_server(bench)->port);
	changes_create(list, "registration", name);
	outbound_set(list, name, "server", address);
	outbound_set(list, name, "account", account);
	outbound_set_password(list, name, "secret");
}

/* One registration "carrier" of the account "alice", with these fields besides; a gateway "trunk"
 * that uses it. */
struct bench *outbound_bench_open(const char *const *fields)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};

	assert_int_equal(alarms_create(NULL, &bench->shared.alarms), VOS_OK);
	assert_int_equal(resolver_create(&bench->shared.resolver), VOS_OK);
	changes_create(&list, "routing-gateway", "trunk");
	changes_field(&list, "routing-gateway", "trunk", "registration", "register");
	changes_field(&list, "routing-gateway", "trunk", "prefixes", "7");
	outbound_add(bench, &list, "carrier", "alice");
	outbound_set(&list, "carrier", "routing-gateway", "trunk");
	for (; fields && *fields; fields += 2)
		outbound_set(&list, "carrier", fields[0], fields[1]);
	bench_change(bench, &list);
	bench_advance(bench, 10);
	return bench;
}

void outbound_commit(struct bench *bench, struct change_list *list)
{
	bench_change(bench, list);
	worker_io_flush(bench->worker);
}

size_t outbound_by_hand(struct bench *bench, struct span name)
{
	size_t count = outbound_again(bench->worker->outbound, name);

	worker_io_flush(bench->worker);
	return count;
}

void outbound_set_param(struct bench *bench, const char *name, const char *value)
{
	struct change_list list = {0};

	changes_param(&list, name, value);
	bench_change(bench, &list);
}

void outbound_bench_close(struct bench *bench)
{
	struct alarms *alarms = bench->shared.alarms;
	struct resolver *resolver = bench->shared.resolver;
	struct change_list list = {0};

	if (conf_registration_find(bench->conf, SPAN_LIT("carrier")))
		changes_delete(&list, "registration", "carrier");
	bench_change(bench, &list);
	resolver_destroy(resolver);
	bench_close(bench);
	alarms_destroy(alarms);
}

/* Value of a header of the last request that came; "" when it has none. */
const char *server_value(const struct peer *peer, const char *name)
{
	static char values[8][1024];
	static unsigned next;
	char *out = values[next++ % 8];
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(peer->text, start);
	out[0] = '\0';
	if (at)
		snprintf(out, 1024, "%.*s", (int)strcspn(at + strlen(start), "\r"),
			 at + strlen(start));
	return out;
}

/* The server answers the last REGISTER. extra: header lines. */
void server_answers(struct bench *bench, const char *status, const char *extra)
{
	struct peer *server = outbound_server(bench);
	char text[4096];

	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "%sContent-Length: 0\r\n\r\n",
		 status, server_value(server, "Via"), server_value(server, "From"),
		 server_value(server, "To"), server_value(server, "Call-ID"),
		 server_value(server, "CSeq"), extra);
	peer_send(bench, server, text);
}

void server_grants(struct bench *bench, unsigned seconds)
{
	struct peer *server = outbound_server(bench);
	char contact[600];
	char uri[512];

	snprintf(uri, sizeof(uri), "%s", server_value(server, "Contact"));
	*strchr(uri, '>') = '\0';
	snprintf(contact, sizeof(contact), "Contact: %s>;expires=%u\r\n", uri, seconds);
	server_answers(bench, "200 OK", contact);
}

void server_challenges(struct bench *bench, const char *status, const char *nonce)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "%s-Authenticate: Digest realm=\"" REALM "\", nonce=\"%s\", qop=\"auth\"\r\n",
		 status[2] == '1' ? "WWW" : "Proxy", nonce);
	server_answers(bench, status, line);
}

void server_expects(struct bench *bench, unsigned expires_s)
{
	char expires[16];

	peer_expect(outbound_server(bench), "REGISTER sip:127.0.0.1:");
	snprintf(expires, sizeof(expires), "%u", expires_s);
	assert_string_equal(server_value(outbound_server(bench), "Expires"), expires);
}

void server_expects_nothing(struct bench *bench, uint64_t ms)
{
	bench_skip(bench, ms);
	peer_expect_nothing(outbound_server(bench));
}

struct outbound_info outbound_first(struct bench *bench)
{
	struct outbound_info info = {0};

	assert_int_equal(outbound_list(bench->worker->outbound, "", &info, 1), 1);
	return info;
}

bool trunk_is_offline(struct bench *bench)
{
	return atomic_load(&conf_routing_gateway_find(bench->conf, SPAN_LIT("trunk"))
				    ->live->is_offline) != 0;
}

size_t outbound_alarms(struct bench *bench)
{
	struct alarm alarm;

	return alarms_list(bench->shared.alarms, true, &alarm, 1);
}

void server_expects_credentials(struct bench *bench, const char *header, const char *nonce,
				unsigned count)
{
	const char *value = server_value(outbound_server(bench), header);
	struct credentials credentials;

	assert_int_equal(credentials_parse(span_of(value), &credentials), CREDENTIALS_OK);
	assert_true(span_eq(credentials.username, SPAN_LIT("alice")));
	assert_true(span_eq(credentials.realm, SPAN_LIT(REALM)));
	assert_true(span_eq(credentials.nonce, span_of(nonce)));
	assert_int_equal(credentials.nonce_count, count);
}
