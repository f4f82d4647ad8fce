/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where parties are answered and asked: reply-address and request-address of each kind, beside a
 * plain statement of the rules, and with a whole signalling thread; and local-address. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "switchd/sip/party_address.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"
#include "tests/support/config.h"

/* --- The rules. --- */

#define GATEWAY  "198.51.100.7"
#define TRUSTED  "203.0.113.9"
#define STRANGER "192.0.2.66"
#define SOURCE   "10.1.1.1"

static struct conf *open_conf(void)
{
	static const char *const gateway[] = {"address", GATEWAY, NULL};
	static const struct test_object objects[] = {
		{OBJECT_MAPPING_GATEWAY, "in", gateway},
		{OBJECT_TRUSTED, "203.0.113.0/24", NULL},
	};

	return test_conf(NULL, objects, 2);
}

static struct addr at(const char *ip, uint16_t port)
{
	struct addr addr;

	assert_true(addr_parse(span_of(ip), &addr));
	addr.port = port;
	return addr;
}

static void assert_at(const struct addr *have, const char *ip, uint16_t port)
{
	struct addr wanted = at(ip, port);
	char text[ADDR_TEXT_MAX];

	if (!addr_eq(have, &wanted))
		fail_msg("%s, wanted %s:%u", addr_print(have, text), ip, port);
}

static const char *const hosts[] = {SOURCE,        GATEWAY,       TRUSTED,
				    STRANGER,      "pbx.example", "0.0.0.0",
				    "2001:db8::1", "224.0.1.75",  "255.255.255.255"};
#define HOSTS (sizeof(hosts) / sizeof(hosts[0]))

static bool is_known(const char *host)
{
	return strcmp(host, SOURCE) == 0 || strcmp(host, GATEWAY) == 0 ||
	       strcmp(host, TRUSTED) == 0;
}

/* Every combination of mode, sent-by, port and rport. */
static void replies(void **state)
{
	struct conf *conf = open_conf();
	static const uint16_t ports[] = {0, 1, 5060, 5062, 65535};

	(void)state;
	for (unsigned i = 0; i < 4 * HOSTS * 5 * 2; i++) {
		struct sip_msg *msg = calloc(1, sizeof(*msg));
		struct sip_rx rx = {.msg = msg, .source = at(SOURCE, 40001)};
		uint8_t how = (uint8_t)(i % 4);
		const char *host = hosts[i / 4 % HOSTS];
		uint16_t port = ports[i / 4 / HOSTS % 5];
		uint16_t via_port = port ? port : 5060;
		struct addr found;

		assert_non_null(msg);
		msg->top_via = (struct sip_via){
			.host = span_of(host), .port = port, .has_rport = i / 4 / HOSTS / 5};
		found = party_reply_address(how, &rx, conf);
		if (how == WORD_PARTY_ADDRESS_SOCKET ||
		    (how == WORD_PARTY_ADDRESS_AUTO && msg->top_via.has_rport))
			assert_at(&found, SOURCE, 40001);
		else if (how == WORD_PARTY_ADDRESS_FULL && is_known(host))
			assert_at(&found, host, via_port);
		else
			assert_at(&found, SOURCE, via_port);
		free(msg);
	}
	conf_unref(conf);
}

static void requests(void **state)
{
	struct conf *conf = open_conf();
	struct addr source = at(SOURCE, 40001);

	(void)state;
	for (unsigned i = 0; i < 4 * HOSTS * 2; i++) {
		uint8_t how = (uint8_t)(i % 4);
		const char *host = hosts[i / 4 % HOSTS];
		bool is_proven = i / 4 / HOSTS;
		struct party_contact contact = {.port = 5062};
		bool leads;
		struct addr found;

		if (addr_parse(span_of(host), &contact.address))
			contact.address.port = 5062;
		leads = is_known(host) || (is_proven && strcmp(host, STRANGER) == 0);
		if (how == WORD_PARTY_ADDRESS_AUTO)
			continue; /* is not asked here */
		found = party_request_address(how, &source, &contact, is_proven, conf);
		if (how == WORD_PARTY_ADDRESS_SOCKET)
			assert_at(&found, SOURCE, 40001);
		else
			assert_at(&found, how == WORD_PARTY_ADDRESS_FULL && leads ? host : SOURCE,
				  5062);
		/* A GRUU says nothing of where its party is. */
		contact.port = 0;
		found = party_request_address(how, &source, &contact, is_proven, conf);
		assert_at(&found, SOURCE, 40001);
	}
	conf_unref(conf);
}

/* A phone elsewhere does not reach what only this machine does, whatever it has proved. */
static void loopback_from_elsewhere(void **state)
{
	struct conf *conf = open_conf();
	struct addr source = at(SOURCE, 40001);
	struct party_contact contact = {.address = at("127.0.0.1", 5062), .port = 5062};
	struct addr found =
		party_request_address(WORD_PARTY_ADDRESS_FULL, &source, &contact, true, conf);

	(void)state;
	assert_at(&found, SOURCE, 5062);
	conf_unref(conf);
}

/* --- With a whole thread: three ports of one party. --- */

static struct peer *via_of(struct bench *bench)
{
	return &bench->phones[0];
}

static struct peer *contact_of(struct bench *bench)
{
	return &bench->phones[1];
}

static struct peer *route_of(struct bench *bench)
{
	return &bench->phones[2];
}

/* A request that leaves by the caller's port, and names the two others. */
static void sends_with(struct bench *bench, const char *method, int cseq, const char *tag,
		       const char *body, const char *lines)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s sip:900@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u%s;branch=z9hG4bK%s-%d\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@127.0.0.1>;tag=caller\r\n"
		 "To: <sip:900@127.0.0.1>%s%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:100@127.0.0.1:%u>\r\n%s%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->port, via_of(bench)->port, bench->extra, bench->call_id, cseq,
		 tag[0] ? ";tag=" : "", tag, bench->call_id, cseq, method, contact_of(bench)->port,
		 lines, body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	peer_send(bench, &bench->caller, text);
}

static void sends(struct bench *bench, const char *method, int cseq, const char *tag,
		  const char *body)
{
	sends_with(bench, method, cseq, tag, body, "");
}

/* Another call, of parties with this field. */
static void set(struct bench *bench, const char *kind, const char *field, const char *word)
{
	static char call_id[32];
	static int serial;
	const char *name = kind[0] == 'm' ? "in" : kind[0] == 'r' ? "out" : IN_TURN;
	struct change_list list = {0};

	snprintf(call_id, sizeof(call_id), "call-%d", ++serial);
	bench->call_id = call_id;
	changes_field(&list, kind, name, field, word);
	bench_change(bench, &list);
}

/* Where each mode answers: with and without rport. */
static void answers_of_a_call(void **state)
{
	static const struct {
		const char *word;
		const char *rport;
		bool at_source;
	} rows[] = {
		{"auto", "", false},        {"auto", ";rport", true}, {"socket", "", true},
		{"socket", ";rport", true}, {"port", "", false},      {"port", ";rport", false},
		{"full", ";rport", false},
	};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer *heard = rows[i].at_source ? &bench->caller : via_of(bench);
		char invite[8192];
		char tag[64];

		set(bench, "mapping-gateway", "reply-address", rows[i].word);
		bench->extra = rows[i].rport;
		sends(bench, "INVITE", 1, "", BODY);
		peer_expect(heard, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		snprintf(invite, sizeof(invite), "%s", bench->callee.text);
		/* A repetition is answered there too. */
		sends(bench, "INVITE", 1, "", BODY);
		peer_expect(heard, "SIP/2.0 100 ");
		bench->extra = "";
		callee_answers(bench, invite, "200 OK", BODY);
		peer_expect(&bench->callee, "ACK ");
		peer_expect(heard, "SIP/2.0 200 ");
		message_to_tag(heard->text, tag, sizeof(tag));
		bench->extra = rows[i].rport;
		sends(bench, "ACK", 1, tag, "");
		sends(bench, "OPTIONS", 2, tag, "");
		peer_expect(heard, "SIP/2.0 200 ");
		sends(bench, "BYE", 3, tag, "");
		peer_expect(heard, "SIP/2.0 200 ");
		bench->extra = "";
		peer_expect(&bench->callee, "BYE ");
		callee_answers(bench, bench->callee.text, "200 OK", "");
		peer_expect_nothing(&bench->caller);
		peer_expect_nothing(via_of(bench));
	}
	bench_close(bench);
}

/* The answer to CANCEL goes the way of those to its INVITE. */
static void answers_of_a_cancelled_call(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	set(bench, "mapping-gateway", "reply-address", "socket");
	sends(bench, "INVITE", 1, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	sends(bench, "CANCEL", 1, "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect_nothing(via_of(bench));
	bench_close(bench);
}

/* A refusal of who is known goes there as well. */
static void answers_of_a_locked_gateway(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	set(bench, "mapping-gateway", "reply-address", "socket");
	set(bench, "mapping-gateway", "lock", "all");
	sends(bench, "INVITE", 1, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	peer_expect_nothing(via_of(bench));
	bench_close(bench);
}

static void registers(struct bench *bench, const char *number)
{
	static int serial;
	char text[2048];

	serial++;
	snprintf(text, sizeof(text),
		 "REGISTER sip:127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKr%d\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:%s@127.0.0.1>;tag=p\r\nTo: <sip:%s@127.0.0.1>\r\n"
		 "Call-ID: r%d\r\nCSeq: 1 REGISTER\r\nContact: <sip:%s@127.0.0.1:%u>\r\n"
		 "Content-Length: 0\r\n\r\n",
		 bench->port, via_of(bench)->port, serial, number, number, serial, number,
		 contact_of(bench)->port);
	peer_send(bench, &bench->caller, text);
}

/* A phone behind NAT that knows no rport hears its challenge: by the name that it gives. */
static void challenges(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	set(bench, "phone", "reply-address", "socket");
	registers(bench, IN_TURN);
	peer_expect(&bench->caller, "SIP/2.0 401 ");
	registers(bench, AT_ONCE);
	peer_expect(via_of(bench), "SIP/2.0 401 ");
	registers(bench, "no-such-phone");
	peer_expect(via_of(bench), "SIP/2.0 401 ");
	peer_expect_nothing(&bench->caller);
	bench_close(bench);
}

/* --- Requests inside the call. --- */

static void up(struct bench *bench, char invite[8192], char tag[64])
{
	sends(bench, "INVITE", 1, "", BODY);
	peer_expect(via_of(bench), "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, 8192, "%s", bench->callee.text);
	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(via_of(bench), "SIP/2.0 200 ");
	message_to_tag(via_of(bench)->text, tag, 64);
	sends(bench, "ACK", 1, tag, "");
}

/* The callee hangs up: the BYE to the caller comes here. */
static void hang_up(struct bench *bench, const char *invite, struct peer *heard)
{
	static int cseq; /* its branch is made of it */

	callee_sends(bench, invite, "BYE", ++cseq, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	peer_expect(heard, "BYE ");
	peer_answers(bench, heard, heard->text, "200 OK", "", "");
	peer_expect_nothing(&bench->caller);
	peer_expect_nothing(contact_of(bench));
}

static void requests_to_a_caller(void **state)
{
	static const struct {
		const char *word;
		bool at_source;
	} rows[] = {{"auto", true}, {"socket", true}, {"port", false}, {"full", false}};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char invite[8192];
		char tag[64];

		set(bench, "mapping-gateway", "request-address", rows[i].word);
		up(bench, invite, tag);
		hang_up(bench, invite, rows[i].at_source ? &bench->caller : contact_of(bench));
	}
	bench_close(bench);
}

/* RFC 3261 12.2.1.1: a route set says where, whatever else does. */
static void a_route_comes_first(void **state)
{
	static const char *const words[] = {"auto", "socket", "port", "full"};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char invite[8192];
		char route[128];
		char tag[64];

		set(bench, "mapping-gateway", "request-address", words[i]);
		snprintf(route, sizeof(route), "Record-Route: <sip:127.0.0.1:%u;lr>\r\n",
			 route_of(bench)->port);
		sends_with(bench, "INVITE", 1, "", BODY, route);
		peer_expect(via_of(bench), "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		snprintf(invite, sizeof(invite), "%s", bench->callee.text);
		callee_answers(bench, invite, "200 OK", BODY);
		peer_expect(&bench->callee, "ACK ");
		peer_expect(via_of(bench), "SIP/2.0 200 ");
		message_to_tag(via_of(bench)->text, tag, sizeof(tag));
		sends(bench, "ACK", 1, tag, "");
		hang_up(bench, invite, route_of(bench));
	}
	bench_close(bench);
}

/* A re-INVITE from elsewhere moves the source. */
static void a_source_that_moves(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];
	char tag[64];
	int old = bench->caller.fd;
	uint16_t old_port = bench->caller.port;
	struct peer *moved = route_of(bench);

	(void)state;
	set(bench, "mapping-gateway", "request-address", "socket");
	up(bench, invite, tag);
	bench->caller.fd = moved->fd;
	sends(bench, "INVITE", 2, tag, BODY);
	bench->caller.fd = old;
	bench->caller.port = old_port;
	peer_expect(via_of(bench), "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(via_of(bench), "SIP/2.0 200 ");
	sends(bench, "ACK", 2, tag, "");
	hang_up(bench, invite, moved);
	bench_close(bench);
}

/* The callee's 200 names another port than it was called at. */
static void requests_to_a_callee(void **state)
{
	static const struct {
		const char *word;
		bool at_called;
	} rows[] = {{"auto", false}, {"socket", true}, {"port", false}, {"full", false}};
	struct bench *bench = bench_open("off");

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct peer *heard = rows[i].at_called ? &bench->callee : contact_of(bench);
		uint16_t port = bench->callee.port;
		char invite[8192];
		char tag[64];

		set(bench, "routing-gateway", "request-address", rows[i].word);
		caller_sends(bench, "INVITE", 1, bench->call_id, "", BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		snprintf(invite, sizeof(invite), "%s", bench->callee.text);
		bench->callee.port = contact_of(bench)->port;
		callee_answers(bench, invite, "200 OK", BODY);
		bench->callee.port = port;
		peer_expect(heard, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		message_to_tag(bench->caller.text, tag, sizeof(tag));
		caller_sends(bench, "ACK", 1, rows[i].word, tag, "");
		caller_sends(bench, "BYE", 2, rows[i].word, tag, "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		peer_expect(heard, "BYE ");
		peer_answers(bench, heard, heard->text, "200 OK", "", "");
		peer_expect_nothing(&bench->callee);
		peer_expect_nothing(contact_of(bench));
	}
	bench_close(bench);
}

/* --- From which of our addresses. --- */

/* Configured, but the socket is not there before the next start: no other is taken in its place. */
static void a_local_address_not_open(void **state)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};
	char own[32];

	(void)state;
	changes_field(&list, "routing-gateway", "out", "local-address", "127.0.0.9");
	bench_change(bench, &list);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(&bench->callee);
	bench->call_id = "call-2";
	snprintf(own, sizeof(own), "127.0.0.1:%u", bench->port);
	changes_field(&list, "routing-gateway", "out", "local-address", own);
	bench_change(bench, &list);
	caller_sends(bench, "INVITE", 1, "inv2", "", BODY);
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(replies), cmocka_unit_test(requests),
	  cmocka_unit_test(loopback_from_elsewhere), cmocka_unit_test(answers_of_a_call),
	  cmocka_unit_test(answers_of_a_cancelled_call),
	  cmocka_unit_test(answers_of_a_locked_gateway), cmocka_unit_test(challenges),
	  cmocka_unit_test(requests_to_a_caller), cmocka_unit_test(a_route_comes_first),
	  cmocka_unit_test(a_source_that_moves), cmocka_unit_test(requests_to_a_callee),
	  cmocka_unit_test(a_local_address_not_open))
