/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls over a registration, out and in, with a server that asks for credentials; and to a gateway
 * that registered here. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "switchd/auth/credentials.h"
#include "switchd/call/call.h"
#include "switchd/sip/location.h"
#include "switchd/sip/presence.h"
#include "switchd/sip/txn.h"
#include "tests/support/changes.h"
#include "tests/support/outbound_bench.h"

#define CHALLENGE(name, nonce) \
	name "-Authenticate: Digest realm=\"" REALM "\", nonce=\"" nonce "\", qop=\"auth\"\r\n"

/* Registered, and a call to 7001 begun: the server has its INVITE. */
static struct bench *open_call(const char *const *fields)
{
	struct bench *bench = outbound_bench_open(fields);

	server_expects(bench, 3600);
	server_grants(bench, 3600);
	bench->called = "7001";
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(outbound_server(bench), "INVITE sip:7001@127.0.0.1:");
	return bench;
}

/* An answer of the server to the last request, with a To tag and these lines. */
static void answer(struct bench *bench, const char *status, const char *extra)
{
	const char *before = bench->extra;

	bench->extra = extra;
	peer_answers(bench, outbound_server(bench), outbound_server(bench)->text, status, "server",
		     "");
	bench->extra = before;
}

/* The 200 with SDP. */
static void accept_call(struct bench *bench)
{
	peer_answers(bench, outbound_server(bench), outbound_server(bench)->text, "200 OK",
		     "server", BODY);
}

static void assert_credentials(struct bench *bench, const char *header, const char *nonce,
			       unsigned count)
{
	server_expects_credentials(bench, header, nonce, count);
}

static void an_invite_over_it(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	char own[64];

	(void)state;
	snprintf(own, sizeof(own), "<sip:alice@127.0.0.1:%u>", bench->port);
	assert_string_equal(server_value(server, "Contact"), own);
	assert_int_equal(strncmp(server_value(server, "From"), "<sip:100@127.0.0.1>;tag=", 24), 0);
	assert_string_equal(server_value(server, "To"), "<sip:7001@127.0.0.1>");
	answer(bench, "486 Busy Here", "");
	peer_expect(server, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	outbound_bench_close(bench);
}

static void from_the_account(void **state)
{
	static const char *const fields[] = {"from", "account", NULL};
	struct bench *bench = open_call(fields);

	(void)state;
	assert_int_equal(strncmp(server_value(outbound_server(bench), "From"),
				 "<sip:alice@127.0.0.1>;tag=", 26),
			 0);
	answer(bench, "486 Busy Here", "");
	outbound_bench_close(bench);
}

/* A challenge of either kind, and one with the next nonce. */
struct challenge {
	const char *status;
	const char *first;
	const char *renewed;
	const char *header;
};

static const struct challenge challenges[] = {
	{"401 Unauthorized", CHALLENGE("WWW", "n1"), CHALLENGE("WWW", "n2"), "Authorization"},
	{"407 Proxy Authentication Required", CHALLENGE("Proxy", "n1"), CHALLENGE("Proxy", "n2"),
	 "Proxy-Authorization"},
};

/* The refusal again, because our ACK was lost: another ACK, and no more. */
static void refuse_again(struct bench *bench, const char *first, const struct challenge *challenge)
{
	struct peer *server = outbound_server(bench);
	char second[8192];

	snprintf(second, sizeof(second), "%s", server->text);
	snprintf(server->text, sizeof(server->text), "%s", first);
	answer(bench, challenge->status, challenge->first);
	peer_expect(server, "ACK ");
	peer_expect_nothing(server);
	snprintf(server->text, sizeof(server->text), "%s", second);
}

/* In the dialog the nonce is used again; an old one is followed by the new. */
static void hang_up_challenged(struct bench *bench, const struct challenge *challenge)
{
	struct peer *server = outbound_server(bench);
	char tag[64];

	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(server, "BYE ");
	assert_string_equal(server_value(server, "CSeq"), "3 BYE");
	assert_credentials(bench, challenge->header, "n1", 2);
	answer(bench, challenge->status, challenge->renewed);
	peer_expect(server, "BYE ");
	assert_string_equal(server_value(server, "CSeq"), "4 BYE");
	assert_credentials(bench, challenge->header, "n2", 1);
	answer(bench, "200 OK", "");
	peer_expect_nothing(server);
}

/* 401 and 407: ACK, then the INVITE again with the same Call-ID and From tag, CSeq + 1. */
static void a_challenged_invite(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(challenges) / sizeof(challenges[0]); i++) {
		struct bench *bench = open_call(NULL);
		struct peer *server = outbound_server(bench);
		char call_id[128], from[256], via[256];
		char first[8192];

		snprintf(first, sizeof(first), "%s", server->text);
		snprintf(call_id, sizeof(call_id), "%s", server_value(server, "Call-ID"));
		snprintf(from, sizeof(from), "%s", server_value(server, "From"));
		snprintf(via, sizeof(via), "%s", server_value(server, "Via"));
		assert_string_equal(server_value(server, "CSeq"), "1 INVITE");
		answer(bench, "100 Trying", "");
		answer(bench, challenges[i].status, challenges[i].first);
		peer_expect(server, "ACK sip:7001@127.0.0.1:");
		assert_string_equal(server_value(server, "Via"), via);
		assert_string_equal(server_value(server, "CSeq"), "1 ACK");
		peer_expect(server, "INVITE sip:7001@127.0.0.1:");
		assert_string_equal(server_value(server, "CSeq"), "2 INVITE");
		assert_string_equal(server_value(server, "Call-ID"), call_id);
		assert_string_equal(server_value(server, "From"), from);
		assert_string_not_equal(server_value(server, "Via"), via);
		assert_credentials(bench, challenges[i].header, "n1", 1);
		assert_non_null(strstr(server->text, "\r\n\r\nv=0"));
		refuse_again(bench, first, &challenges[i]);
		answer(bench, "180 Ringing", "");
		peer_expect(&bench->caller, "SIP/2.0 180 ");
		accept_call(bench);
		peer_expect(server, "ACK sip:900@127.0.0.1:");
		assert_string_equal(server_value(server, "CSeq"), "2 ACK");
		assert_credentials(bench, challenges[i].header, "n1", 1);
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		hang_up_challenged(bench, &challenges[i]);
		outbound_bench_close(bench);
	}
}

/* The INVITE with credentials is another one: it has the time of an INVITE that nobody answered,
 * not what is left of the one before. */
static void silent_once_asked(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);

	(void)state;
	outbound_set_param(bench, "SS_SIP_RESEND_INTERVAL", "20");
	answer(bench, "100 Trying", "");
	bench_advance(bench, 15000);
	peer_expect_nothing(server);
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	bench_advance(bench, 9900);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 200);
	peer_expect(&bench->caller, "SIP/2.0 408 ");
	outbound_bench_close(bench);
}

/* Another gateway behind the trunk: it is tried when the server says nothing, unless the parameter
 * says that a registered trunk is to be the last one. */
static void silent_to_the_end(void **state)
{
	(void)state;
	for (int stops = 0; stops < 2; stops++) {
		struct bench *bench = outbound_bench_open(NULL);
		struct change_list list = {0};
		char address[32];

		snprintf(address, sizeof(address), "127.0.0.1:%u", bench->phones[1].port);
		changes_param(&list, "SS_SIP_RESEND_INTERVAL", "20");
		changes_param(&list, "SS_SIP_USER_AGENT_STOP_SWITCH_AFTER_INVITE_TIMEOUT",
			      stops ? "on" : "off");
		changes_create(&list, "routing-gateway", "zz");
		changes_field(&list, "routing-gateway", "zz", "address", address);
		changes_field(&list, "routing-gateway", "zz", "prefixes", "7");
		changes_field(&list, "routing-gateway", "zz", "priority", "9");
		outbound_commit(bench, &list);
		server_expects(bench, 3600);
		server_grants(bench, 3600);
		bench->called = "7001";
		caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(outbound_server(bench), "INVITE ");
		bench_advance(bench, 10040);
		if (stops) {
			peer_expect(&bench->caller, "SIP/2.0 408 ");
			peer_expect_nothing(&bench->phones[1]);
		} else {
			peer_expect(&bench->phones[1], "INVITE ");
			peer_answers(bench, &bench->phones[1], bench->phones[1].text, "486 Busy",
				     "t", "");
		}
		outbound_bench_close(bench);
	}
}

/* A wrong password: the same nonce again is not answered, and the caller is told. */
static void refused(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);

	(void)state;
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect_nothing(server);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	outbound_bench_close(bench);
}

static void challenges_end(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	char challenge[160];

	(void)state;
	outbound_set_param(bench, "SS_SIP_AUTHENTICATION_RETRY", "2");
	for (int i = 0; i < 3; i++) {
		snprintf(challenge, sizeof(challenge),
			 "WWW-Authenticate: Digest realm=\"" REALM "\", nonce=\"n%d\"\r\n", i);
		answer(bench, "401 Unauthorized", challenge);
		peer_expect(server, "ACK ");
		if (i < 2)
			peer_expect(server, "INVITE ");
	}
	peer_expect_nothing(server);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	outbound_bench_close(bench);
}

/* The realm stays what it was first. */
static void another_realm(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);

	(void)state;
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	answer(bench, "401 Unauthorized",
	       "WWW-Authenticate: Digest realm=\"bank.example\", nonce=\"n2\"\r\n");
	peer_expect(server, "ACK ");
	peer_expect_nothing(server);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	outbound_bench_close(bench);
}

/* A caller who gives up while the second INVITE is under way: nothing was heard of that one yet. */
static void given_up(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	char invite[8192];

	(void)state;
	answer(bench, "100 Trying", "");
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", server->text);
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect_nothing(server);
	answer(bench, "180 Ringing", "");
	peer_expect(server, "CANCEL ");
	assert_string_equal(server_value(server, "CSeq"), "2 CANCEL");
	/* A challenge that comes now is answered by nobody. */
	memcpy(server->text, invite, sizeof(invite));
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n2"));
	peer_expect(server, "ACK ");
	peer_expect_nothing(server);
	outbound_bench_close(bench);
}

/* Somebody else than the server that the dialog led to, and whose Contact now gets our requests:
 * it is sent no credentials, and its challenge is not answered (the attack of CVE-2021-41158). */
static void a_peer_that_is_not_the_server(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002)};
	struct peer thief = {.fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)};
	socklen_t len = sizeof(sin);
	char text[4096], tag[64];
	const char *contact;

	(void)state;
	assert_int_equal(bind(thief.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(thief.fd, (struct sockaddr *)&sin, &len), 0);
	thief.port = ntohs(sin.sin_port);
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	contact = strstr(server->text, "\r\nVia: ");
	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s;tag=server\r\nCall-ID: %s\r\n"
		 "CSeq: %s\r\nContact: <sip:premium@127.0.0.2:%u>\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" BODY,
		 server_value(server, "Via"), server_value(server, "From"),
		 server_value(server, "To"), server_value(server, "Call-ID"),
		 server_value(server, "CSeq"), thief.port, strlen(BODY));
	assert_non_null(contact);
	peer_send(bench, server, text);
	/* Not even the ACK has those of its INVITE. */
	peer_expect(&thief, "ACK sip:premium@127.0.0.2:");
	assert_null(strstr(thief.text, "uthorization: "));
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&thief, "BYE sip:premium@127.0.0.2:");
	assert_null(strstr(thief.text, "uthorization: "));
	bench->extra = CHALLENGE("WWW", "stolen");
	peer_answers(bench, &thief, thief.text, "401 Unauthorized", "server", "");
	bench->extra = "";
	peer_expect_nothing(&thief);
	peer_expect_nothing(server);
	outbound_bench_close(bench);
	close(thief.fd);
}

static void challenged_by_somebody(struct bench *bench, const char *method)
{
	struct peer *server = outbound_server(bench);

	peer_expect(server, method);
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
}

/* A call to a gateway without a registration has nothing to answer with. */
static void a_static_gateway_challenges(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	bench->extra = CHALLENGE("WWW", "n1");
	callee_answers(bench, bench->callee.text, "401 Unauthorized", "");
	bench->extra = "";
	peer_expect(&bench->callee, "ACK ");
	peer_expect_nothing(&bench->callee);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	outbound_bench_close(bench);
}

/* While it is failed nothing is sent, and the caller is told at once. */
static void offline(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);

	(void)state;
	bench->called = "7001";
	server_expects(bench, 3600);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(outbound_server(bench));
	outbound_bench_close(bench);
}

/* re-INVITE (hold by the caller) is challenged as well. */
static void a_challenged_reinvite(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	char tag[64];

	(void)state;
	accept_call(bench);
	peer_expect(server, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "INVITE", 2, "inv2", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	challenged_by_somebody(bench, "INVITE ");
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_string_equal(server_value(server, "CSeq"), "3 INVITE");
	assert_credentials(bench, "Authorization", "n1", 1);
	accept_call(bench);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "ack2", tag, "");
	peer_expect(server, "ACK ");
	assert_string_equal(server_value(server, "CSeq"), "3 ACK");
	assert_credentials(bench, "Authorization", "n1", 1);
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(server, "BYE ");
	answer(bench, "200 OK", "");
	outbound_bench_close(bench);
}

/* --- In. --- */

static void server_calls(struct bench *bench, const char *user, const char *to)
{
	struct peer *server = outbound_server(bench);
	char text[4096];

	snprintf(text, sizeof(text),
		 "INVITE sip:%s@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKin1\r\nMax-Forwards: 70\r\n"
		 "From: <sip:0301234@carrier.example>;tag=c\r\nTo: <sip:%s@carrier.example>\r\n"
		 "Call-ID: in-1\r\nCSeq: 1 INVITE\r\nContact: <sip:127.0.0.1:%u>\r\n"
		 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n" BODY,
		 user, bench->port, server->port, to, server->port, strlen(BODY));
	peer_send(bench, server, text);
}

static void a_call_in(void **state)
{
	static const struct {
		const char *user;
		const char *to;
		const char *party;
		const char *callee;
	} rows[] = {
		/* To the account: the number is in To, unless that is the account again. */
		{"alice", "300", "mapping-gateway from-carrier", "300"},
		{"alice", "alice", "mapping-gateway from-carrier", "alice"},
		/* Not to the account: as any other source. */
		{"300", "301", "mapping-gateway in", "300"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct bench *bench = outbound_bench_open(NULL);
		struct change_list list = {0};
		struct call_info info;

		changes_create(&list, "mapping-gateway", "from-carrier");
		changes_create(&list, "phone", "alice");
		outbound_set(&list, "carrier", "mapping-gateway", "from-carrier");
		outbound_commit(bench, &list);
		bench_register(bench, rows[i].callee, 1, 1000);
		server_expects(bench, 3600);
		server_grants(bench, 3600);
		server_calls(bench, rows[i].user, rows[i].to);
		peer_expect(outbound_server(bench), "SIP/2.0 100 ");
		peer_expect(&bench->phones[1], "INVITE ");
		assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
		assert_string_equal(info.legs[0].party, rows[i].party);
		assert_string_equal(info.caller, "0301234");
		assert_string_equal(info.callee, rows[i].callee);
		peer_answers(bench, &bench->phones[1], bench->phones[1].text, "200 OK", "p", BODY);
		peer_expect(&bench->phones[1], "ACK ");
		peer_expect(outbound_server(bench), "SIP/2.0 200 ");
		peer_requests(bench, &bench->phones[1], "p", bench->phones[1].text, "BYE", 1, "");
		outbound_bench_close(bench);
	}
}

/* Before the server ever answered, its address proves nothing. */
static void a_call_in_before_it_is_registered(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	struct call_info info;

	(void)state;
	changes_create(&list, "mapping-gateway", "from-carrier");
	changes_create(&list, "phone", "alice");
	outbound_set(&list, "carrier", "mapping-gateway", "from-carrier");
	outbound_commit(bench, &list);
	bench_register(bench, "alice", 1, 1000);
	server_expects(bench, 3600);
	server_calls(bench, "alice", "300");
	peer_expect(outbound_server(bench), "SIP/2.0 100 ");
	assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
	assert_string_equal(info.legs[0].party, "mapping-gateway in");
	outbound_bench_close(bench);
}

/* Our BYE to the server that called us is challenged. */
static void a_challenge_inside_a_call_in(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct peer *phone = &bench->phones[1];
	struct change_list list = {0};
	char invite[8192];

	(void)state;
	changes_create(&list, "mapping-gateway", "from-carrier");
	outbound_set(&list, "carrier", "mapping-gateway", "from-carrier");
	outbound_commit(bench, &list);
	bench_register(bench, "300", 1, 1000);
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	server_calls(bench, "alice", "300");
	peer_expect(outbound_server(bench), "SIP/2.0 100 ");
	peer_expect(phone, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", phone->text);
	peer_answers(bench, phone, invite, "200 OK", "p", BODY);
	peer_expect(phone, "ACK ");
	peer_expect(outbound_server(bench), "SIP/2.0 200 ");
	{
		char tag[64], text[1024];

		message_to_tag(outbound_server(bench)->text, tag, sizeof(tag));
		snprintf(text, sizeof(text),
			 "ACK sip:alice@127.0.0.1:%u SIP/2.0\r\n"
			 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKin2\r\n"
			 "From: <sip:0301234@carrier.example>;tag=c\r\n"
			 "To: <sip:300@carrier.example>;tag=%s\r\nCall-ID: in-1\r\n"
			 "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
			 bench->port, outbound_server(bench)->port, tag);
		peer_send(bench, outbound_server(bench), text);
	}
	peer_requests(bench, phone, "p", invite, "BYE", 1, "");
	peer_expect(phone, "SIP/2.0 200 ");
	challenged_by_somebody(bench, "BYE ");
	peer_expect(outbound_server(bench), "BYE ");
	assert_credentials(bench, "Authorization", "n1", 1);
	answer(bench, "200 OK", "");
	outbound_bench_close(bench);
}

/* --- A gateway that registers here. --- */

static void a_dynamic_gateway(void **state)
{
	struct bench *bench = outbound_bench_open(NULL);
	struct change_list list = {0};
	const struct conf_routing_gateway *gateway;
	char start[64];

	(void)state;
	server_expects(bench, 3600);
	server_grants(bench, 3600);
	changes_create(&list, "routing-gateway", "box");
	changes_field(&list, "routing-gateway", "box", "registration", "dynamic");
	changes_field(&list, "routing-gateway", "box", "prefixes", "8");
	outbound_commit(bench, &list);
	gateway = conf_routing_gateway_find(bench->conf, SPAN_LIT("box"));
	assert_int_equal(gateway->live->is_offline, LIVE_UNREGISTERED);
	bench->called = "8001";
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	bench_register(bench, "@box", 1, 1000);
	presence_update_all(bench->worker);
	assert_int_equal(gateway->live->is_offline, 0);
	bench->call_id = "call-2";
	caller_sends(bench, "INVITE", 1, "inv2", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	snprintf(start, sizeof(start), "INVITE sip:8001@127.0.0.1:%u SIP/2.0\r\n",
		 bench->phones[1].port);
	peer_expect(&bench->phones[1], start);
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "486 Busy Here", "p", "");
	peer_expect(&bench->phones[1], "ACK ");
	assert_int_equal(location_clear(bench->shared.location, SPAN_LIT("@box")), 1);
	presence_update_all(bench->worker);
	assert_int_equal(gateway->live->is_offline, LIVE_UNREGISTERED);
	outbound_bench_close(bench);
}

/* The next call to the server: what it sends at once. */
static void next_call(struct bench *bench, const char *call_id)
{
	static char branch[32];

	bench->call_id = call_id;
	snprintf(branch, sizeof(branch), "b-%s", call_id);
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(outbound_server(bench), "INVITE sip:7001@127.0.0.1:");
	assert_string_equal(server_value(outbound_server(bench), "CSeq"), "1 INVITE");
}

static void busy(struct bench *bench)
{
	answer(bench, "486 Busy Here", "");
	peer_expect(outbound_server(bench), "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
}

/* One round trip for the first call; all others answer from the start and count on. */
static void later_calls_are_not_asked(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);

	(void)state;
	assert_string_equal(server_value(server, "Authorization"), "");
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_credentials(bench, "Authorization", "n1", 1);
	busy(bench);
	next_call(bench, "second");
	assert_credentials(bench, "Authorization", "n1", 2);
	busy(bench);
	/* Its time is over: the new one is taken, and serves from there. */
	next_call(bench, "third");
	assert_credentials(bench, "Authorization", "n1", 3);
	answer(bench, "401 Unauthorized", CHALLENGE("WWW", "n2"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_credentials(bench, "Authorization", "n2", 1);
	busy(bench);
	next_call(bench, "fourth");
	assert_credentials(bench, "Authorization", "n2", 2);
	/* Another realm in another call is the server's affair. */
	answer(bench, "401 Unauthorized",
	       "WWW-Authenticate: Digest realm=\"moved\", nonce=\"n3\", qop=\"auth\"\r\n");
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_non_null(strstr(server->text, "realm=\"moved\", nonce=\"n3\""));
	busy(bench);
	/* Refused with what was sent: the next one has to be asked again. */
	next_call(bench, "fifth");
	assert_non_null(strstr(server->text, "nonce=\"n3\""));
	answer(bench, "401 Unauthorized",
	       "WWW-Authenticate: Digest realm=\"moved\", nonce=\"n3\", qop=\"auth\"\r\n");
	peer_expect(server, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 ");
	peer_expect_nothing(server);
	next_call(bench, "sixth");
	assert_string_equal(server_value(server, "Authorization"), "");
	busy(bench);
	outbound_bench_close(bench);
}

/* Two that were asked at once by the same nonce do not use a count twice. */
static void two_calls_at_once(void **state)
{
	struct bench *bench = open_call(NULL);
	struct peer *server = outbound_server(bench);
	char first[8192];

	(void)state;
	snprintf(first, sizeof(first), "%s", server->text);
	next_call(bench, "second");
	answer(bench, "407 Proxy", CHALLENGE("Proxy", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_credentials(bench, "Proxy-Authorization", "n1", 1);
	busy(bench);
	snprintf(server->text, sizeof(server->text), "%s", first);
	answer(bench, "407 Proxy", CHALLENGE("Proxy", "n1"));
	peer_expect(server, "ACK ");
	peer_expect(server, "INVITE ");
	assert_credentials(bench, "Proxy-Authorization", "n1", 2);
	busy(bench);
	outbound_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(later_calls_are_not_asked), cmocka_unit_test(two_calls_at_once),
	  cmocka_unit_test(an_invite_over_it), cmocka_unit_test(from_the_account),
	  cmocka_unit_test(a_challenged_invite), cmocka_unit_test(refused),
	  cmocka_unit_test(silent_once_asked), cmocka_unit_test(silent_to_the_end),
	  cmocka_unit_test(challenges_end), cmocka_unit_test(another_realm),
	  cmocka_unit_test(given_up), cmocka_unit_test(a_peer_that_is_not_the_server),
	  cmocka_unit_test(a_static_gateway_challenges), cmocka_unit_test(offline),
	  cmocka_unit_test(a_challenged_reinvite), cmocka_unit_test(a_call_in),
	  cmocka_unit_test(a_call_in_before_it_is_registered),
	  cmocka_unit_test(a_challenge_inside_a_call_in), cmocka_unit_test(a_dynamic_gateway))
