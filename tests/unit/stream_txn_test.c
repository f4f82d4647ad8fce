/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transactions and dialogs over TCP: nothing is repeated that need not be, and what cannot be sent
 * fails at once. */
#include <stdio.h>

#include "switchd/call/call.h"
#include "switchd/sip/stream_private.h"
#include "tests/support/stream_bench.h"
#include "tests/support/test.h"

/* Up to the callee's INVITE, which is copied. */
static void call_rings(struct stream_bench *bench, char invite[8192])
{
	stream_peer_connect(bench, &bench->caller);
	stream_caller_sends(bench, "INVITE", 1, "inv1", "", STREAM_BODY);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 100 ");
	stream_peer_accept(bench, &bench->callee);
	stream_peer_expect(bench, &bench->callee, "INVITE ");
	snprintf(invite, 8192, "%s", bench->callee.text);
}

static void messages_say_tcp(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192], tag[64], value[256], expected[64];

	(void)state;
	stream_set_up(bench, invite, tag);
	snprintf(expected, sizeof(expected), "INVITE sip:900@127.0.0.1:%u;transport=tcp SIP/2.0",
		 bench->callee.port);
	assert_memory_equal(invite, expected, strlen(expected));
	stream_header(invite, "Via", value, sizeof(value));
	snprintf(expected, sizeof(expected), "SIP/2.0/TCP 127.0.0.1:%u;", bench->port);
	assert_memory_equal(value, expected, strlen(expected));
	stream_header(invite, "Contact", value, sizeof(value));
	snprintf(expected, sizeof(expected), "<sip:100@127.0.0.1:%u;transport=tcp>", bench->port);
	assert_string_equal(value, expected);
	stream_header(invite, "To", value, sizeof(value));
	assert_null(strstr(value, "transport"));
	stream_caller_sends(bench, "BYE", 2, "bye1", tag, "");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_peer_expect(bench, &bench->callee, "BYE sip:900@127.0.0.1:");
	stream_callee_answers(bench, bench->callee.text, "200 OK", "");
	stream_bench_close(bench);
}

static void an_invite_is_sent_once_and_given_up_in_time(void **state)
{
	static const char *const params[] = {"SS_SIP_TIMEOUT_INVITE", "60", NULL};
	struct stream_bench *bench = stream_bench_open(params);
	uint64_t total_ms = bench->conf->resend_ms[0];
	char invite[8192];

	(void)state;
	for (int i = 0; i < bench->conf->resend_count; i++)
		total_ms += bench->conf->resend_ms[i];
	call_rings(bench, invite);
	stream_bench_advance(bench, total_ms - 100);
	stream_peer_expect_nothing(bench, &bench->callee);
	stream_peer_expect_nothing(bench, &bench->caller);
	stream_bench_advance(bench, 200);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 408 ");
	stream_caller_sends(bench, "ACK", 1, "inv1", "x", "");
	assert_int_equal(bench->worker->counters.retransmissions, 0);
	stream_bench_close(bench);
}

static void a_refusal_is_sent_once(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192];

	(void)state;
	call_rings(bench, invite);
	stream_callee_answers(bench, invite, "486 Busy Here", "");
	stream_peer_expect(bench, &bench->callee, "ACK ");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 486 ");
	/* Nobody acknowledges it: timer H ends it without a word. */
	stream_bench_advance(bench, 20000);
	stream_peer_expect_nothing(bench, &bench->caller);
	stream_bench_close(bench);
}

static void an_answer_is_repeated_until_ack(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192], tag[64], to[256];

	(void)state;
	call_rings(bench, invite);
	stream_callee_answers(bench, invite, "200 OK", STREAM_BODY);
	stream_peer_expect(bench, &bench->callee, "ACK ");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_header(bench->caller.text, "To", to, sizeof(to));
	snprintf(tag, sizeof(tag), "%s", strstr(to, ";tag=") + 5);
	stream_bench_advance(bench, 700);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_caller_sends(bench, "ACK", 1, "ack1", tag, "");
	stream_bench_advance(bench, 10000);
	stream_peer_expect_nothing(bench, &bench->caller);
	stream_callee_sends(bench, invite, "BYE", 1);
	stream_peer_expect(bench, &bench->callee, "SIP/2.0 200 ");
	stream_peer_expect(bench, &bench->caller, "BYE sip:100@127.0.0.1:");
	/* Nor is BYE repeated. */
	stream_bench_advance(bench, 10000);
	stream_peer_expect_nothing(bench, &bench->caller);
	stream_bench_close(bench);
}

static void a_cancel_is_sent_once(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192];

	(void)state;
	call_rings(bench, invite);
	stream_callee_answers(bench, invite, "180 Ringing", "");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 180 ");
	stream_caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 487 ");
	stream_peer_expect(bench, &bench->callee, "CANCEL ");
	stream_bench_advance(bench, 10000);
	stream_peer_expect_nothing(bench, &bench->callee);
	stream_bench_close(bench);
}

static void who_cannot_be_reached_fails_at_once(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);

	(void)state;
	stream_peer_refuse(&bench->callee);
	stream_peer_connect(bench, &bench->caller);
	stream_caller_sends(bench, "INVITE", 1, "inv1", "", STREAM_BODY);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 100 ");
	/* One tick, and not the timer of INVITE. */
	for (int i = 0; i < 200 && bench->stream->conns.count > 1; i++)
		stream_bench_turn(bench);
	stream_bench_advance(bench, 20);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 503 ");
	stream_bench_close(bench);
}

static void who_hangs_up_the_connection_has_not_answered(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192];

	(void)state;
	call_rings(bench, invite);
	stream_peer_close(bench, &bench->callee);
	stream_bench_advance(bench, 20);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 503 ");
	stream_bench_close(bench);
}

/* After a provisional answer the final one may come by another connection. */
static void a_ringing_call_outlives_its_connection(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192], tag[64], to[256];

	(void)state;
	call_rings(bench, invite);
	stream_callee_answers(bench, invite, "180 Ringing", "");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 180 ");
	stream_peer_close(bench, &bench->callee);
	stream_bench_advance(bench, 3000);
	stream_peer_expect_nothing(bench, &bench->caller);
	stream_peer_connect(bench, &bench->callee);
	stream_callee_answers(bench, invite, "200 OK", STREAM_BODY);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_header(bench->caller.text, "To", to, sizeof(to));
	snprintf(tag, sizeof(tag), "%s", strstr(to, ";tag=") + 5);
	stream_caller_sends(bench, "ACK", 1, "ack1", tag, "");
	/* ACK and BYE go where the gateway listens. */
	stream_peer_close(bench, &bench->callee);
	stream_peer_accept(bench, &bench->callee);
	stream_peer_expect(bench, &bench->callee, "ACK ");
	stream_caller_sends(bench, "BYE", 2, "bye1", tag, "");
	stream_peer_expect(bench, &bench->callee, "BYE ");
	stream_callee_answers(bench, bench->callee.text, "200 OK", "");
	stream_bench_close(bench);
}

/* RFC 3261 18.2.2: an answer without its connection goes to the port of Via. */
static void an_answer_opens_a_connection_of_its_own(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192];

	(void)state;
	call_rings(bench, invite);
	stream_peer_close(bench, &bench->caller);
	stream_callee_answers(bench, invite, "486 Busy Here", "");
	stream_peer_expect(bench, &bench->callee, "ACK ");
	stream_peer_accept(bench, &bench->caller);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 486 ");
	stream_bench_close(bench);
}

static void a_dialog_goes_on_without_its_connection(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192], tag[64];

	(void)state;
	stream_set_up(bench, invite, tag);
	stream_peer_close(bench, &bench->caller);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	stream_callee_sends(bench, invite, "BYE", 1);
	stream_peer_expect(bench, &bench->callee, "SIP/2.0 200 ");
	stream_peer_accept(bench, &bench->caller); /* where its Contact says */
	stream_peer_expect(bench, &bench->caller, "BYE ");
	stream_bench_close(bench);
}

static void a_dialog_whose_peer_is_gone_ends(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char invite[8192], tag[64];

	(void)state;
	stream_set_up(bench, invite, tag);
	stream_peer_refuse(&bench->caller);
	stream_peer_close(bench, &bench->caller);
	stream_callee_sends(bench, invite, "BYE", 1);
	stream_peer_expect(bench, &bench->callee, "SIP/2.0 200 ");
	for (int i = 0; i < 200 && bench->stream->conns.count > 1; i++)
		stream_bench_turn(bench);
	stream_bench_advance(bench, 50);
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	stream_bench_close(bench);
}

static void the_ring_to_the_streams_is_bounded(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	const struct addr nobody = {.family = ADDR_IP4, .port = 9, .ip = {127, 0, 0, 1}};
	static char text[8000] = "OPTIONS sip:x SIP/2.0\r\nSubject: ";
	uint64_t sent = 0;

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	while (bench->worker->counters.tx_errors == 0 && sent < STREAM_ORDER_RING / sizeof(text)) {
		worker_send(bench->worker, &bench->worker->sockets[0], &nobody, text, sizeof(text));
		sent++;
	}
	assert_int_equal(bench->worker->counters.tx_errors, 1);
	worker_io_flush(bench->worker);
	while (!stream_orders_are_empty(bench->stream))
		stream_bench_turn(bench);
	stream_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(messages_say_tcp),
	  cmocka_unit_test(an_invite_is_sent_once_and_given_up_in_time),
	  cmocka_unit_test(a_refusal_is_sent_once),
	  cmocka_unit_test(an_answer_is_repeated_until_ack),
	  cmocka_unit_test(a_cancel_is_sent_once),
	  cmocka_unit_test(who_cannot_be_reached_fails_at_once),
	  cmocka_unit_test(who_hangs_up_the_connection_has_not_answered),
	  cmocka_unit_test(a_ringing_call_outlives_its_connection),
	  cmocka_unit_test(an_answer_opens_a_connection_of_its_own),
	  cmocka_unit_test(a_dialog_goes_on_without_its_connection),
	  cmocka_unit_test(a_dialog_whose_peer_is_gone_ends),
	  cmocka_unit_test(the_ring_to_the_streams_is_bounded))
