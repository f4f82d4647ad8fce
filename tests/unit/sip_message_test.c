/* SPDX-License-Identifier: GPL-2.0-or-later */
/* MESSAGE to phones and inside calls, on a set clock. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/call/call_table.h"
#include "switchd/sip/message_relay.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

/* A MESSAGE of the caller's: to a number, with further header lines and a body. */
static void send_message(struct bench *bench, const char *to, const char *branch, const char *extra,
			 const char *body)
{
	char text[8192];

	snprintf(text, sizeof(text),
		 "MESSAGE sip:%s@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"
		 "From: \"Ann\" <sip:100@10.1.1.1>;tag=a\r\nTo: <sip:%s@127.0.0.1>\r\n"
		 "Call-ID: m-%s\r\nCSeq: 1 MESSAGE\r\n%sContent-Type: text/plain\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 to, bench->port, bench->caller.port, branch, to, branch, extra, strlen(body),
		 body);
	peer_send(bench, &bench->caller, text);
}

static void expect_text(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("no %s in %s", part, text);
}

static void quiet(struct bench *bench)
{
	peer_expect_nothing(&bench->caller);
	for (int i = 0; i < BENCH_PHONES; i++)
		peer_expect_nothing(&bench->phones[i]);
	assert_int_equal(bench->worker->message_count, 0);
}

static void delivered_once_and_answered(void **state)
{
	struct bench *bench = bench_open("off");
	char start[64];

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	send_message(bench, IN_TURN, "m1", "Subject: lunch\r\nX-Network: 10.1.1.1\r\n", "come");
	snprintf(start, sizeof(start), "MESSAGE sip:300@127.0.0.1:%u SIP/2.0",
		 bench->phones[0].port);
	peer_expect(&bench->phones[0], start);
	expect_text(bench->phones[0].text, "\r\nFrom: \"Ann\" <sip:100@127.0.0.1:");
	expect_text(bench->phones[0].text, "\r\nMax-Forwards: 69\r\n");
	expect_text(bench->phones[0].text, "\r\nSubject: lunch\r\n");
	expect_text(bench->phones[0].text, "\r\nContent-Type: text/plain\r\n");
	expect_text(bench->phones[0].text, "\r\n\r\ncome");
	assert_null(strstr(bench->phones[0].text, "10.1.1.1"));
	/* The same once more is no second message, and has no answer yet. */
	send_message(bench, IN_TURN, "m1", "", "come");
	peer_expect_nothing(&bench->phones[0]);
	peer_expect_nothing(&bench->caller);
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	quiet(bench);
	send_message(bench, IN_TURN, "m1", "", "come");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	quiet(bench);
	bench_close(bench);
}

/* All contacts have it at once; the first that takes it decides, the others still get theirs. */
static void first_success_wins(void **state)
{
	struct bench *bench = bench_open("off");
	char request[8192];

	(void)state;
	for (int i = 0; i < 3; i++)
		bench_register(bench, IN_TURN, i, 1000 - (unsigned)i * 100);
	send_message(bench, IN_TURN, "m1", "", "hello");
	for (int i = 0; i < 3; i++)
		peer_expect(&bench->phones[i], "MESSAGE sip:300@");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "415 Not Text", "p", "");
	peer_expect_nothing(&bench->caller);
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "202 Accepted", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	assert_int_equal(bench->worker->message_count, 0);
	bench_advance(bench, 600);
	peer_expect(&bench->phones[2], "MESSAGE sip:300@");
	snprintf(request, sizeof(request), "%s", bench->phones[2].text);
	peer_answers(bench, &bench->phones[2], request, "200 OK", "p", "");
	bench_advance(bench, 5000);
	quiet(bench);
	bench_close(bench);
}

/* Statuses of two contacts, and what the sender hears. */
static void answers(struct bench *bench, const char *branch, const char *first, const char *second,
		    const char *told)
{
	char start[32];

	send_message(bench, IN_TURN, branch, "", "hello");
	peer_expect(&bench->phones[0], "MESSAGE ");
	peer_expect(&bench->phones[1], "MESSAGE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "100 Trying", "p", "");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, first, "p", "");
	peer_expect_nothing(&bench->caller);
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, second, "p", "");
	snprintf(start, sizeof(start), "SIP/2.0 %s ", told);
	peer_expect(&bench->caller, start);
	quiet(bench);
}

static void best_refusal_is_told(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	bench_register(bench, IN_TURN, 1, 500);
	answers(bench, "a", "486 Busy", "415 No", "486");
	answers(bench, "b", "503 Down", "415 No", "415");
	answers(bench, "c", "404 Who", "603 Never", "603");
	answers(bench, "d", "600 Busy", "404 Who", "600");
	answers(bench, "e", "500 Oops", "302 Elsewhere", "480");
	answers(bench, "f", "401 Who", "500 Oops", "480");
	bench_close(bench);
}

static void silence_is_told_before_the_sender_gives_up(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	send_message(bench, IN_TURN, "m1", "", "hello");
	bench_advance(bench, 19900);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 200);
	peer_expect(&bench->caller, "SIP/2.0 408 ");
	assert_int_equal(bench->worker->message_count, 0);
	bench_close(bench);
}

static void refused(struct bench *bench, const char *to, const char *branch, const char *extra,
		    const char *status)
{
	char start[32];

	send_message(bench, to, branch, extra, "hello");
	snprintf(start, sizeof(start), "SIP/2.0 %s ", status);
	peer_expect(&bench->caller, start);
	quiet(bench);
}

static void nobody_there(void **state)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};

	(void)state;
	refused(bench, "555", "a", "", "404");
	refused(bench, "900", "b", "", "404"); /* a gateway's number: none of ours */
	refused(bench, IN_TURN, "c", "", "480");
	refused(bench, IN_TURN, "d", "Require: tea\r\n", "420");
	expect_text(bench->caller.text, "\r\nUnsupported: tea\r\n");
	changes_field(&list, "phone", IN_TURN, "lock", "in");
	bench_change(bench, &list);
	refused(bench, IN_TURN, "e", "", "403");
	/* Where the Request-URI points does not matter: nothing is relayed to strangers. */
	bench_close(bench);
}

/* RFC 3428 section 8. */
static void too_long_for_a_datagram(void **state)
{
	struct bench *bench = bench_open("off");
	char body[1400];

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	memset(body, 'x', sizeof(body));
	body[1300] = '\0';
	send_message(bench, IN_TURN, "m1", "", body);
	peer_expect(&bench->caller, "SIP/2.0 413 ");
	quiet(bench);
	body[800] = '\0';
	send_message(bench, IN_TURN, "m2", "", body);
	peer_expect(&bench->phones[0], "MESSAGE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench_close(bench);
}

/* Whoever may not call may not send either. */
static void strangers_are_challenged(void **state)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};

	(void)state;
	bench_register(bench, IN_TURN, 0, 1000);
	changes_field(&list, "mapping-gateway", "in", "address", "10.9.9.9");
	changes_field_reset(&list, "mapping-gateway", "in", "address", "127.0.0.1");
	bench_change(bench, &list);
	send_message(bench, IN_TURN, "m1", "", "hello");
	peer_expect(&bench->caller, "SIP/2.0 401 ");
	quiet(bench);
	bench_close(bench);
}

/* --- Inside a call. --- */

static void inside(struct bench *bench, const char *tag, const char *method, int cseq,
		   const char *body)
{
	char branch[32];

	snprintf(branch, sizeof(branch), "in%d", cseq);
	caller_sends(bench, method, cseq, branch, tag, body);
}

static void passes_to_the_other_leg(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];
	char tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	inside(bench, tag, "MESSAGE", 2, "hello");
	peer_expect(&bench->callee, "MESSAGE sip:900@127.0.0.1:");
	expect_text(bench->callee.text, "\r\n\r\nhello");
	peer_expect_nothing(&bench->caller);
	callee_answers(bench, bench->callee.text, "415 No Text", "");
	peer_expect(&bench->caller, "SIP/2.0 415 ");
	callee_sends(bench, invite, "MESSAGE", 1, "back");
	peer_expect(&bench->caller, "MESSAGE ");
	expect_text(bench->caller.text, "\r\n\r\nback");
	peer_answers(bench, &bench->caller, bench->caller.text, "200 OK", "x", "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	/* One after the other, and each has the answer that is its own. */
	inside(bench, tag, "INFO", 3, "one");
	inside(bench, tag, "INFO", 4, "two");
	peer_expect(&bench->callee, "INFO ");
	expect_text(bench->callee.text, "\r\n\r\none");
	peer_expect_nothing(&bench->callee);
	callee_answers(bench, bench->callee.text, "200 OK", "");
	peer_expect(&bench->callee, "INFO ");
	expect_text(bench->callee.text, "\r\n\r\ntwo");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_text(bench->caller.text, "CSeq: 3 INFO");
	callee_answers(bench, bench->callee.text, "469 Bad Info Package", "");
	peer_expect(&bench->caller, "SIP/2.0 469 ");
	expect_text(bench->caller.text, "CSeq: 4 INFO");
	inside(bench, tag, "BYE", 5, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	bench_close(bench);
}

static void what_waits_is_answered_at_the_end(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];
	char tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	inside(bench, tag, "INFO", 2, "one");
	inside(bench, tag, "MESSAGE", 3, "two");
	peer_expect(&bench->callee, "INFO ");
	callee_sends(bench, invite, "BYE", 1, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	peer_expect(&bench->caller, "BYE ");
	peer_answers(bench, &bench->caller, bench->caller.text, "200 OK", "x", "");
	bench_close(bench);
}

/* The far side does not know the dialog any more: the call is over, and both are told. */
static void lost_dialog_ends_the_call(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];
	char tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	inside(bench, tag, "INFO", 2, "one");
	peer_expect(&bench->callee, "INFO ");
	callee_answers(bench, bench->callee.text, "481 Gone", "");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	peer_expect(&bench->caller, "BYE ");
	peer_answers(bench, &bench->caller, bench->caller.text, "200 OK", "x", "");
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	bench_close(bench);
}

/* A sender that answers nothing cannot fill memory. */
static void too_many_at_once_are_refused(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];
	char tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	for (int i = 0; i < 16; i++)
		inside(bench, tag, "INFO", 2 + i, "x");
	peer_expect_nothing(&bench->caller);
	inside(bench, tag, "INFO", 18, "x");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	inside(bench, tag, "BYE", 19, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delivered_once_and_answered),
		cmocka_unit_test(first_success_wins),
		cmocka_unit_test(best_refusal_is_told),
		cmocka_unit_test(silence_is_told_before_the_sender_gives_up),
		cmocka_unit_test(nobody_there),
		cmocka_unit_test(too_long_for_a_datagram),
		cmocka_unit_test(strangers_are_challenged),
		cmocka_unit_test(passes_to_the_other_leg),
		cmocka_unit_test(what_waits_is_answered_at_the_end),
		cmocka_unit_test(lost_dialog_ends_the_call),
		cmocka_unit_test(too_many_at_once_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
