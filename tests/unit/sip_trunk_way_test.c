/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of a registration of ours and of calls over it: a proxy before the server, a domain that
 * is not the server's name, the agent that it claims to be, and how many calls it takes. */
#include "tests/support/test.h"

#include <poll.h>
#include <stdio.h>

#include "switchd/call/call.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/sip/worker_private.h"
#include "tests/support/changes.h"
#include "tests/support/outbound_bench.h"

static struct peer *proxy_of(struct bench *bench)
{
	return &bench->phones[1];
}

static const char *address_of(const struct peer *peer)
{
	static char text[32];

	snprintf(text, sizeof(text), "127.0.0.1:%u", peer->port);
	return text;
}

static void answer(struct bench *bench, struct peer *peer, const char *status, const char *lines)
{
	bench->extra = lines;
	peer_answers(bench, peer, peer->text, status, "far", "");
	bench->extra = "";
}

static void expect_register(struct bench *bench, struct peer *peer)
{
	char start[64];

	snprintf(start, sizeof(start), "REGISTER sip:%s SIP/2.0\r\n",
		 address_of(outbound_server(bench)));
	peer_expect(peer, start);
}

/* A call of the caller's by the trunk; its INVITE is at the peer then. */
static void call(struct bench *bench, struct peer *peer, const char *call_id, const char *uri)
{
	char start[128];

	bench->called = "7001";
	bench->call_id = call_id;
	caller_sends(bench, "INVITE", 1, call_id, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	snprintf(start, sizeof(start), "INVITE %s SIP/2.0\r\n", uri);
	peer_expect(peer, start);
}

static void refuse(struct bench *bench, struct peer *peer)
{
	answer(bench, peer, "486 Busy Here", "");
	peer_expect(peer, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
}

/* Everything goes to the proxy, and names the server. */
static void a_proxy(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct peer *proxy = proxy_of(bench);
	struct change_list list = {0};
	char call_id[128], contact[128], uri[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	snprintf(call_id, sizeof(call_id), "%s", server_value(outbound_server(bench), "Call-ID"));
	snprintf(contact, sizeof(contact), "%s", server_value(outbound_server(bench), "Contact"));
	outbound_set(&list, "carrier", "proxy", address_of(proxy));
	outbound_commit(bench, &list);
	/* It is the same registration, which takes another way from now on. */
	expect_register(bench, proxy);
	assert_string_equal(server_value(proxy, "Call-ID"), call_id);
	assert_string_equal(server_value(proxy, "Contact"), contact);
	answer(bench, proxy, "407 Proxy Authentication Required",
	       "Proxy-Authenticate: Digest realm=\"p\", nonce=\"n1\"\r\n");
	expect_register(bench, proxy);
	assert_non_null(strstr(server_value(proxy, "Proxy-Authorization"), "username=\"alice\""));
	answer(bench, proxy, "200 OK", "Expires: 3600\r\n");
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	assert_int_equal(outbound_first(bench).server.port, proxy->port);
	snprintf(uri, sizeof(uri), "sip:7001@%s", address_of(outbound_server(bench)));
	call(bench, proxy, "by-proxy", uri);
	assert_string_equal(server_value(proxy, "To"), "<sip:7001@127.0.0.1>");
	refuse(bench, proxy);
	changes_field_reset(&list, "registration", "carrier", "proxy", NULL);
	outbound_commit(bench, &list);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	peer_expect_nothing(proxy);
	outbound_bench_close(bench);
}

/* Its mail is run by the test, as there is no thread that would. */
static void run_mail(struct bench *bench)
{
	struct pollfd pollfd = {.fd = bench->worker->mailbox.wake_fd, .events = POLLIN};

	assert_int_equal(poll(&pollfd, 1, 60000), 1);
	mailbox_run(&bench->worker->mailbox);
	worker_io_flush(bench->worker);
}

/* One that is a name, and another in its place while that is looked up: what comes back of the
 * first is not taken for the second's. */
static void a_proxy_by_name(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct peer *other = &bench->phones[2];
	struct change_list list = {0};
	char name[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	snprintf(name, sizeof(name), "localhost:%u", proxy_of(bench)->port);
	outbound_set(&list, "carrier", "proxy", name);
	outbound_commit(bench, &list);
	outbound_set(&list, "carrier", "proxy", address_of(other));
	outbound_commit(bench, &list);
	expect_register(bench, other);
	run_mail(bench);
	answer(bench, other, "200 OK", "Expires: 3600\r\n");
	assert_int_equal(outbound_first(bench).state, OUTBOUND_REGISTERED);
	assert_int_equal(outbound_first(bench).server.port, other->port);
	peer_expect_nothing(proxy_of(bench));
	outbound_set(&list, "carrier", "proxy", name);
	outbound_commit(bench, &list);
	run_mail(bench);
	expect_register(bench, proxy_of(bench));
	answer(bench, proxy_of(bench), "200 OK", "Expires: 3600\r\n");
	assert_int_equal(outbound_first(bench).server.port, proxy_of(bench)->port);
	changes_field_reset(&list, "registration", "carrier", "proxy", NULL);
	outbound_commit(bench, &list);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	outbound_bench_close(bench);
}

static void a_domain_and_an_agent(void **state)
{
	static const char *const fields[] = {"host", "carrier.example", "user-agent",
					     "PBX 9/1 (test)", NULL};
	struct bench *bench = outbound_bench_open(fields);
	struct peer *server = outbound_server(bench);

	(void)state;
	peer_expect(server, "REGISTER sip:carrier.example SIP/2.0\r\n");
	assert_int_equal(strncmp(server_value(server, "From"), "<sip:alice@carrier.example>;", 28),
			 0);
	assert_string_equal(server_value(server, "To"), "<sip:alice@carrier.example>");
	assert_string_equal(server_value(server, "User-Agent"), "PBX 9/1 (test)");
	server_grants(bench, 3600);
	call(bench, server, "by-name", "sip:7001@carrier.example");
	assert_int_equal(strncmp(server_value(server, "From"), "<sip:100@carrier.example>;", 26),
			 0);
	assert_string_equal(server_value(server, "To"), "<sip:7001@carrier.example>");
	assert_string_equal(server_value(server, "User-Agent"), "PBX 9/1 (test)");
	refuse(bench, server);
	outbound_bench_close(bench);
}

/* A domain that is an address too: nothing is sent there. */
static void a_domain_that_is_an_address(void **state)
{
	static const char *const fields[] = {"host", "192.0.2.77:5070", NULL};
	struct bench *bench = outbound_bench_open(fields);
	struct peer *server = outbound_server(bench);

	(void)state;
	peer_expect(server, "REGISTER sip:192.0.2.77:5070 SIP/2.0\r\n");
	assert_string_equal(server_value(server, "To"), "<sip:alice@192.0.2.77>");
	assert_string_equal(server_value(server, "User-Agent"), "");
	server_grants(bench, 3600);
	call(bench, server, "by-address", "sip:7001@192.0.2.77:5070");
	refuse(bench, server);
	outbound_bench_close(bench);
}

/* --- Lines. --- */

static uint32_t lines_of(const struct bench *bench, const char *name)
{
	return atomic_load(&conf_registration_find(bench->conf, span_of(name))->live->calls);
}

static void expect_cause(struct bench *bench, const char *call_id, const char *text)
{
	char branch[32];

	snprintf(branch, sizeof(branch), "b%s", call_id);
	bench->called = "7001";
	bench->call_id = call_id;
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	assert_non_null(strstr(bench->caller.text, text));
}

static void server_calls(struct bench *bench, const char *call_id)
{
	struct peer *server = outbound_server(bench);
	char text[4096];

	snprintf(text, sizeof(text),
		 "INVITE sip:alice@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		 "From: <sip:0301234@carrier.example>;tag=c\r\nTo: <sip:900@carrier.example>\r\n"
		 "Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:%u>\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" BODY,
		 bench->port, server->port, call_id, call_id, server->port, strlen(BODY));
	peer_send(bench, server, text);
	peer_expect(server, "SIP/2.0 100 ");
}

/* Calls out and in share the lines. */
static void as_many_as_it_has_lines(void **state)
{
	static const char *const fields[] = {"capacity", "1", "mapping-gateway", "in", NULL};
	struct bench *bench = outbound_bench_open(fields);
	struct peer *server = outbound_server(bench);
	char uri[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	snprintf(uri, sizeof(uri), "sip:7001@%s", address_of(server));
	call(bench, server, "out-1", uri);
	assert_int_equal(lines_of(bench, "carrier"), 1);
	expect_cause(bench, "out-2", "all lines of all gateways are taken");
	{
		struct peer kept = *server; /* the INVITE, to be answered */

		server_calls(bench, "in-1");
		peer_expect(server, "SIP/2.0 503 ");
		assert_non_null(strstr(server->text, "all lines of the registration are taken"));
		memcpy(server->text, kept.text, sizeof(kept.text));
	}
	bench->call_id = "out-1";
	refuse(bench, server);
	assert_int_equal(lines_of(bench, "carrier"), 0);
	server_calls(bench, "in-2");
	peer_expect(&bench->callee, "INVITE ");
	assert_int_equal(lines_of(bench, "carrier"), 1);
	expect_cause(bench, "out-3", "all lines of all gateways are taken");
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(server, "SIP/2.0 486 ");
	assert_int_equal(lines_of(bench, "carrier"), 0);
	outbound_bench_close(bench);
}

/* Of two registrations the second has the calls that the first one has no line for. */
static void the_next_one_has_lines(void **state)
{
	static const char *const fields[] = {"capacity", "1", NULL};
	struct bench *bench = outbound_bench_open(fields);
	struct peer *server = outbound_server(bench);
	struct change_list list = {0};
	char uri[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	outbound_add(bench, &list, "second", "bob");
	outbound_set(&list, "second", "routing-gateway", "trunk");
	outbound_set(&list, "second", "capacity", "1");
	outbound_commit(bench, &list);
	bench_advance(bench, 20);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	snprintf(uri, sizeof(uri), "sip:7001@%s", address_of(server));
	call(bench, server, "first", uri);
	assert_non_null(strstr(server_value(server, "Contact"), "sip:alice@"));
	call(bench, server, "second", uri);
	assert_non_null(strstr(server_value(server, "Contact"), "sip:bob@"));
	assert_int_equal(lines_of(bench, "carrier"), 1);
	assert_int_equal(lines_of(bench, "second"), 1);
	expect_cause(bench, "third", "all lines of all gateways are taken");
	bench->call_id = "second";
	refuse(bench, server);
	call(bench, server, "fourth", uri);
	assert_non_null(strstr(server_value(server, "Contact"), "sip:bob@"));
	refuse(bench, server);
	changes_delete(&list, "registration", "second");
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_grants(bench, 0);
	outbound_bench_close(bench);
}

/* Two numbers that are called at once take a line of either registration. */
static void at_once_by_two(void **state)
{
	static const char *const fields[] = {"capacity", "1", NULL};
	struct bench *bench = outbound_bench_open(fields);
	struct peer *server = outbound_server(bench);
	struct change_list list = {0};
	char first[8192];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	outbound_add(bench, &list, "second", "bob");
	outbound_set(&list, "second", "routing-gateway", "trunk");
	outbound_set(&list, "second", "capacity", "1");
	changes_create(&list, "phone", "500");
	changes_field(&list, "phone", "500", "forward-order", "all-at-once");
	changes_field(&list, "phone", "500", "forward-always", "7001");
	changes_field(&list, "phone", "500", "forward-always", "7002");
	outbound_commit(bench, &list);
	bench_advance(bench, 20);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	bench->called = "500";
	bench->call_id = "both";
	caller_sends(bench, "INVITE", 1, "both", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(server, "INVITE sip:7001@");
	assert_non_null(strstr(server_value(server, "Contact"), "sip:alice@"));
	memcpy(first, server->text, sizeof(first));
	peer_expect(server, "INVITE sip:7002@");
	assert_non_null(strstr(server_value(server, "Contact"), "sip:bob@"));
	assert_int_equal(lines_of(bench, "carrier"), 1);
	assert_int_equal(lines_of(bench, "second"), 1);
	answer(bench, server, "486 Busy Here", "");
	peer_expect(server, "ACK ");
	assert_int_equal(lines_of(bench, "second"), 0);
	memcpy(server->text, first, sizeof(first));
	refuse(bench, server);
	assert_int_equal(lines_of(bench, "carrier"), 0);
	changes_delete(&list, "registration", "second");
	outbound_commit(bench, &list);
	server_expects(bench, 0);
	server_grants(bench, 0);
	outbound_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(a_proxy), cmocka_unit_test(a_proxy_by_name),
	  cmocka_unit_test(a_domain_and_an_agent), cmocka_unit_test(a_domain_that_is_an_address),
	  cmocka_unit_test(as_many_as_it_has_lines), cmocka_unit_test(the_next_one_has_lines),
	  cmocka_unit_test(at_once_by_two))
