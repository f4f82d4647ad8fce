/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 3xx of a phone or gateway on a set clock: followed in the order of q to numbers and gateways of
 * ours and nowhere else, passed, or a failure; and what Diversion says of it, as of any forwarding.
 * 400 and 401 are phones, 900 a number of the bench's gateway, 800 one of another at phones[2]. */
#include "tests/support/test.h"

#include "tests/support/changes.h"
#include "tests/support/session_call.h"

static struct bench *open_bench(struct change_list *list)
{
	struct bench *bench = bench_open("off");
	char address[32];

	changes_create(list, "phone", "400");
	changes_create(list, "phone", "401");
	changes_create(list, "routing-gateway", "other");
	changes_field(list, "routing-gateway", "other", "prefixes", "8");
	snprintf(address, sizeof(address), "127.0.0.1:%u", bench->phones[2].port);
	changes_field(list, "routing-gateway", "other", "address", address);
	bench_change(bench, list);
	bench_register(bench, "400", 0, 1000);
	bench_register(bench, "401", 1, 1000);
	return bench;
}

static void call(struct bench *bench, const char *number, const char *extra)
{
	static int calls;
	static char call_id[32], branch[32];

	calls++;
	snprintf(call_id, sizeof(call_id), "call-%d", calls);
	snprintf(branch, sizeof(branch), "b%d", calls);
	bench->call_id = call_id;
	bench->called = number;
	bench->extra = extra;
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

/* The peer, which is called, answers 302 with these Contact lines and no other. */
static void redirect(struct bench *bench, struct peer *peer, const char *start,
		     const char *contacts)
{
	char via[256], from[256], to[256], call_id[128], text[4096];

	peer_expect(peer, start);
	copy_line(peer->text, "Via: ", via, sizeof(via));
	copy_line(peer->text, "From: ", from, sizeof(from));
	copy_line(peer->text, "To: ", to, sizeof(to));
	copy_line(peer->text, "Call-ID: ", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "SIP/2.0 302 Moved\r\n%s\r\n%s\r\n%s;tag=r\r\n%s\r\nCSeq: 1 INVITE\r\n%s"
		 "Content-Length: 0\r\n\r\n",
		 via, from, to, call_id, contacts);
	peer_send(bench, peer, text);
	peer_expect(peer, "ACK ");
}

static void refuse(struct bench *bench, struct peer *peer, const char *start)
{
	char invite[8192];

	peer_expect(peer, start);
	snprintf(invite, sizeof(invite), "%s", peer->text);
	answer(bench, peer, "486 Busy", "", "");
	peer_expect(peer, "ACK ");
	snprintf(peer->text, sizeof(peer->text), "%s", invite);
}

/* Numbers at the switch, in the order of q; then gateways by their addresses. */
static void in_order(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contacts[512];

	(void)state;
	call(bench, "400", "");
	snprintf(contacts, sizeof(contacts),
		 "Contact: <sip:777@127.0.0.1:%u>;q=0.25, <sip:401@127.0.0.1:%u>;q=0.5\r\n"
		 "Contact: <sip:900@127.0.0.1:%u>;q=0.7\r\nContact: <sip:888@192.0.2.9>\r\n",
		 bench->phones[2].port, bench->port, bench->port);
	redirect(bench, &bench->phones[0], "INVITE ", contacts);
	refuse(bench, &bench->callee, "INVITE sip:900@");
	expect_header(&bench->callee, "Diversion: <sip:400@127.0.0.1:");
	expect_header(&bench->callee, ">;reason=deflection;privacy=off\r\n");
	refuse(bench, &bench->phones[1], "INVITE sip:401@");
	/* Its prefixes do not matter: the contact names it. */
	refuse(bench, &bench->phones[2], "INVITE sip:777@");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* tel: names a number and no place. */
static void to_a_number(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);

	(void)state;
	call(bench, "400",
	     "Diversion: <tel:555;phone-context=carrier.example>;reason=no-answer\r\n");
	redirect(bench, &bench->phones[0], "INVITE ",
		 "Contact: <tel:900;phone-context=+49>;q=0.2, <tel:401>;q=0.5, <tel:>\r\n");
	refuse(bench, &bench->phones[1], "INVITE sip:401@");
	refuse(bench, &bench->callee, "INVITE sip:900@");
	expect_header(&bench->callee, "Diversion: <sip:400@127.0.0.1:");
	expect_header(&bench->callee, "Diversion: <sip:555@127.0.0.1:");
	expect_no_header(&bench->callee, "carrier.example");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* Anything else would make us call any host that a phone thinks of. */
static void not_elsewhere(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contacts[512];

	(void)state;
	snprintf(contacts, sizeof(contacts),
		 "Contact: <sip:888@127.0.0.1:%u>, <sip:888@example.net>, <sip:888@[::1]>, "
		 "<http://x>, <sip:@x>, <sip:1%%0d%%0aX@127.0.0.1:%u>, *\r\n",
		 bench->caller.port, bench->port);
	call(bench, "400", "");
	redirect(bench, &bench->phones[0], "INVITE ", contacts);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	expect_header(&bench->caller, "redirected to nowhere that calls may go to");
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", contacts);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", "");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

/* The caller's own rules hold for what it is redirected to. */
static void with_the_callers_rights(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contact[128];

	(void)state;
	changes_field(&list, "mapping-gateway", "in", "allow-routing-gateways", "out");
	bench_change(bench, &list);
	call(bench, "400", "");
	snprintf(contact, sizeof(contact), "Contact: <sip:888@127.0.0.1:%u>\r\n",
		 bench->phones[2].port);
	redirect(bench, &bench->phones[0], "INVITE ", contact);
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	peer_expect_nothing(&bench->phones[2]);
	bench_close(bench);
}

static void in_a_circle(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char to_400[128], to_401[128], to_other[128], to_out[128];

	(void)state;
	snprintf(to_400, sizeof(to_400), "Contact: <sip:400@127.0.0.1:%u>\r\n", bench->port);
	snprintf(to_401, sizeof(to_401), "Contact: <sip:401@127.0.0.1:%u>\r\n", bench->port);
	call(bench, "400", "");
	redirect(bench, &bench->phones[0], "INVITE ", to_401);
	redirect(bench, &bench->phones[1], "INVITE ", to_400);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	call(bench, "400", ""); /* to itself */
	redirect(bench, &bench->phones[0], "INVITE ", to_400);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	/* Two gateways, the same number. */
	snprintf(to_other, sizeof(to_other), "Contact: <sip:900@127.0.0.1:%u>\r\n",
		 bench->phones[2].port);
	snprintf(to_out, sizeof(to_out), "Contact: <sip:900@127.0.0.1:%u>\r\n", bench->callee.port);
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", to_other);
	redirect(bench, &bench->phones[2], "INVITE ", to_out);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

/* Another number every time. */
static void without_end(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contact[128];

	(void)state;
	call(bench, "900", "");
	for (int i = 0; i < 5; i++) {
		snprintf(contact, sizeof(contact), "Contact: <sip:90%d@127.0.0.1:%u>\r\n", i + 1,
			 bench->port);
		redirect(bench, &bench->callee, "INVITE ", contact);
	}
	redirect(bench, &bench->callee, "INVITE sip:905@", contact);
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

/* Every contact of a wide tree: only so many 3xx are followed for one call. */
static void without_number(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contacts[512];
	int invites = 0;

	(void)state;
	call(bench, "900", "");
	while (invites < 100) {
		snprintf(contacts, sizeof(contacts),
			 "Contact: <sip:91%02d@127.0.0.1:%u>, <sip:92%02d@127.0.0.1:%u>, "
			 "<sip:93%02d@127.0.0.1:%u>\r\n",
			 invites, bench->port, invites, bench->port, invites, bench->port);
		redirect(bench, &bench->callee, "INVITE ", contacts);
		invites++;
		if (peer_got(&bench->caller))
			break;
	}
	assert_true(strncmp(bench->caller.text, "SIP/2.0 482 ", 12) == 0);
	assert_true(invites <= 10 * 3 + 1);
	bench_close(bench);
}

static void passed(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char line[128];

	(void)state;
	changes_field(&list, "routing-gateway", "out", "redirect", "pass");
	bench_change(bench, &list);
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ",
		 "Contact: <sip:5551@10.1.2.3:9>;q=0.5, <sip:5552@carrier.example>\r\n");
	peer_expect(&bench->caller, "SIP/2.0 302 ");
	/* Numbers of ours, whose network it was is nobody's business. */
	snprintf(line, sizeof(line),
		 "Contact: <sip:5552@127.0.0.1:%u>;q=1.000\r\nContact: "
		 "<sip:5551@127.0.0.1:%u>;q=0.500\r\n",
		 bench->port, bench->port);
	expect_header(&bench->caller, line);
	expect_no_header(&bench->caller, "carrier.example");
	expect_no_header(&bench->caller, "10.1.2.3");
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

/* As a failure: the next gateway. */
static void a_failure(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	char contact[128];

	(void)state;
	snprintf(contact, sizeof(contact), "Contact: <sip:401@127.0.0.1:%u>\r\n", bench->port);
	changes_field(&list, "routing-gateway", "out", "redirect", "fail");
	changes_field(&list, "routing-gateway", "other", "prefixes", "9");
	changes_field(&list, "routing-gateway", "other", "priority", "9");
	bench_change(bench, &list);
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", contact);
	refuse(bench, &bench->phones[2], "INVITE sip:900@");
	expect_no_header(&bench->phones[2], "Diversion");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	peer_expect_nothing(&bench->phones[1]);
	/* So does a contact that is not followed, and a stop code ends it. */
	changes_field(&list, "routing-gateway", "out", "redirect", "follow");
	bench_change(bench, &list);
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", "Contact: <sip:1@192.0.2.1>\r\n");
	refuse(bench, &bench->phones[2], "INVITE sip:900@");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	changes_field(&list, "routing-gateway", "out", "stop-codes", "302");
	bench_change(bench, &list);
	call(bench, "900", "");
	redirect(bench, &bench->callee, "INVITE ", contact);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	peer_expect_nothing(&bench->phones[1]);
	bench_close(bench);
}

/* --- Diversion. --- */

static void reasons(void **state)
{
	static const struct {
		const char *field, *status, *line;
	} rows[] = {
		{"forward-always", NULL, ">;reason=unconditional;privacy=off\r\n"},
		{"forward-busy", "486 Busy", ">;reason=user-busy;privacy=off\r\n"},
		{"forward-no-answer", "480 Gone", ">;reason=no-answer;privacy=off\r\n"},
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct change_list list = {0};
		struct bench *bench = open_bench(&list);

		changes_field(&list, "phone", "400", rows[i].field, "900");
		bench_change(bench, &list);
		call(bench, "400", "");
		if (rows[i].status) {
			peer_expect(&bench->phones[0], "INVITE ");
			expect_no_header(&bench->phones[0], "Diversion");
			answer(bench, &bench->phones[0], rows[i].status, "", "");
			peer_expect(&bench->phones[0], "ACK ");
		}
		refuse(bench, &bench->callee, "INVITE sip:900@");
		expect_header(&bench->callee, "Diversion: <sip:400@127.0.0.1:");
		expect_header(&bench->callee, rows[i].line);
		peer_expect(&bench->caller, "SIP/2.0 486 ");
		changes_field(&list, "routing-gateway", "out", "diversion", "off");
		bench_change(bench, &list);
		call(bench, "400", "");
		if (rows[i].status) {
			peer_expect(&bench->phones[0], "INVITE ");
			answer(bench, &bench->phones[0], rows[i].status, "", "");
			peer_expect(&bench->phones[0], "ACK ");
		}
		refuse(bench, &bench->callee, "INVITE sip:900@");
		expect_no_header(&bench->callee, "Diversion");
		bench_close(bench);
	}
}

/* What the call brought along goes behind our own, without its host; a private number not to a
 * phone. */
static void received(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);
	const char *ours;

	(void)state;
	changes_field(&list, "phone", "401", "forward-always", "900");
	bench_change(bench, &list);
	call(bench, "401",
	     "Diversion: <sip:555@carrier.example>;reason=no-answer;counter=2;privacy=full\r\n"
	     "History-Info: <sip:1@carrier.example>;index=1\r\n");
	refuse(bench, &bench->callee, "INVITE sip:900@");
	ours = strstr(bench->callee.text, "Diversion: <sip:401@127.0.0.1:");
	assert_non_null(ours);
	ours = strstr(ours, "Diversion: <sip:555@127.0.0.1:");
	assert_non_null(ours);
	assert_non_null(strstr(ours, ">;reason=no-answer;counter=2;privacy=full\r\n"));
	expect_no_header(&bench->callee, "carrier.example");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	call(bench, "400",
	     "Diversion: <sip:555@carrier.example>;reason=no-answer;privacy=full\r\n");
	refuse(bench, &bench->phones[0], "INVITE ");
	expect_no_header(&bench->phones[0], "sip:555@");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	call(bench, "400", "Diversion: <sip:555@carrier.example>;reason=no-answer\r\n");
	refuse(bench, &bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "Diversion: <sip:555@127.0.0.1:");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	/* It has been sent on too often already. */
	call(bench, "401", "Diversion: <sip:555@carrier.example>;counter=5\r\n");
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	bench_close(bench);
}

/* A number of a group stands for all that forwarded: of what comes in by the mapping gateway, and
 * of what goes out by the routing gateway, whose rule has looked at the former. */
static void rewritten(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);

	(void)state;
	changes_create(&list, "number-group", "shown");
	changes_create(&list, "number-group", "taken");
	for (const char *const *number = (const char *const[]){"771", "772", NULL}; *number;
	     number++)
		changes_field(&list, "number-group", "shown", "number", *number);
	changes_field(&list, "number-group", "taken", "number", "666");
	changes_param(&list, "FORWARD_SIGNAL_REWRITE_SEQUENCE", "poll");
	changes_field(&list, "routing-gateway", "out", "forward-signal-rewrite", "shown");
	changes_field(&list, "routing-gateway", "out", "forwarded-prefixes", "666");
	changes_field(&list, "routing-gateway", "out", "forwarded-prefixes", "401");
	changes_field(&list, "mapping-gateway", "in", "forward-signal-rewrite", "taken");
	changes_field(&list, "phone", "401", "forward-always", "900");
	bench_change(bench, &list);
	call(bench, "401", "Diversion: <sip:555@carrier.example>;reason=no-answer\r\n");
	refuse(bench, &bench->callee, "INVITE sip:900@");
	expect_header(&bench->callee, "Diversion: <sip:771@127.0.0.1:");
	expect_header(&bench->callee, ">;reason=unconditional;privacy=off\r\nDiversion: <sip:771@");
	expect_header(&bench->callee, ">;reason=no-answer;privacy=off\r\n");
	expect_no_header(&bench->callee, "sip:555@");
	expect_no_header(&bench->callee, "sip:401@");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	call(bench, "900", "Diversion: <sip:555@carrier.example>;reason=no-answer\r\n");
	refuse(bench, &bench->callee, "INVITE sip:900@");
	expect_header(&bench->callee, "Diversion: <sip:772@127.0.0.1:");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	call(bench, "400", "Diversion: <sip:555@carrier.example>\r\n");
	refuse(bench, &bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "Diversion: <sip:666@127.0.0.1:");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	/* Not forwarded: neither is anything rewritten nor the rule asked. */
	call(bench, "900", "");
	refuse(bench, &bench->callee, "INVITE sip:900@");
	expect_no_header(&bench->callee, "Diversion");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	/* As it came, it is none that the gateway takes. */
	changes_field_reset(&list, "mapping-gateway", "in", "forward-signal-rewrite", NULL);
	bench_change(bench, &list);
	call(bench, "900", "Diversion: <sip:555@carrier.example>\r\n");
	peer_expect(&bench->caller, "SIP/2.0 403 ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

/* What a mapping gateway may not bring in for its numbers. */
static void with_the_callers_numbers(void **state)
{
	static const struct {
		const char *field, *value, *called;
		bool may;
	} rows[] = {
		{"caller-number-groups", "callers", "900", true},
		{"caller-number-group-rule", "deny", "900", false},
		{"callee-number-groups", "callees", "901", false},
		{"callee-number-group-rule", "deny", "901", true},
		{"callee-restrict", "phone", "901", false},
		{"callee-restrict", "no-phone", "901", true},
		{"callee-restrict", "no-phone", "400", false},
	};
	struct change_list list = {0};
	struct bench *bench = open_bench(&list);

	(void)state;
	changes_create(&list, "number-group", "callers");
	changes_create(&list, "number-group", "callees");
	changes_field(&list, "number-group", "callers", "number", "100");
	changes_field(&list, "number-group", "callees", "number", "900");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (i == 2)
			changes_field_reset(&list, "mapping-gateway", "in", "caller-number-groups",
					    NULL);
		changes_field(&list, "mapping-gateway", "in", rows[i].field, rows[i].value);
		bench_change(bench, &list);
		call(bench, rows[i].called, "");
		if (rows[i].may)
			refuse(bench, &bench->callee, "INVITE ");
		peer_expect(&bench->caller, rows[i].may ? "SIP/2.0 486 " : "SIP/2.0 403 ");
	}
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(in_order), cmocka_unit_test(to_a_number),
	  cmocka_unit_test(not_elsewhere), cmocka_unit_test(with_the_callers_rights),
	  cmocka_unit_test(in_a_circle), cmocka_unit_test(without_end),
	  cmocka_unit_test(without_number), cmocka_unit_test(passed), cmocka_unit_test(a_failure),
	  cmocka_unit_test(reasons), cmocka_unit_test(received), cmocka_unit_test(rewritten),
	  cmocka_unit_test(with_the_callers_numbers))
