/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens inside a dialog: new offers, forks, what passes from leg to leg, through a whole
 * signalling thread on a set clock. */
#include "tests/support/test.h"

#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "switchd/call/call.h"
#include "tests/support/call_bench.h"
#include "tests/support/config.h"

static void hold_and_resume(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "hold", tag, BODY "a=sendonly\r\n");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "a=sendonly"));
	callee_answers(bench, bench->callee.text, "200 OK", BODY "a=recvonly\r\n");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_non_null(strstr(bench->caller.text, "a=recvonly"));
	caller_sends(bench, "ACK", 2, "holdack", tag, "");
	/* The callee resumes. */
	callee_sends(bench, invite, "INVITE", 1, BODY);
	peer_expect(&bench->callee, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "INVITE ");
	/* Another offer in the middle of it is refused, and leaves the first one alone. */
	callee_sends(bench, invite, "UPDATE", 2, BODY);
	peer_expect(&bench->callee, "SIP/2.0 500 ");
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

static void refused_reinvite_keeps_the_call(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "488 Not Acceptable Here", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	/* A peer that no longer knows the call ends it. */
	caller_sends(bench, "INVITE", 3, "re2", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "481 Gone", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 481 ");
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	bench_close(bench);
}

/* INVITE without SDP: the callee's offer goes to the caller in 200, the caller's answer back in
 * ACK. */
static void late_offer(void **state)
{
	struct bench *bench = bench_open("off");
	char tag[64];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_null(strstr(bench->callee.text, "m=audio"));
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect_nothing(&bench->callee);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 4000"));
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, BODY);
	peer_expect(&bench->callee, "ACK ");
	assert_non_null(strstr(bench->callee.text, "m=audio 4000"));
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

/* The 200 of a second branch of a fork is acknowledged and ended; the call stays. */
static void forked_answer(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64], fork[8192];
	char *at;

	(void)state;
	bench_set_up(bench, invite, tag);
	snprintf(fork, sizeof(fork), "%s", invite);
	at = strstr(fork, "\r\nTo: ");
	assert_non_null(at);
	at = strstr(at + 2, "\r\n");
	memmove(at + 10, at, strlen(at) + 1);
	memcpy(at, ";tag=other", 10);
	callee_answers(bench, fork, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	assert_non_null(strstr(bench->callee.text, ";tag=other"));
	peer_expect(&bench->callee, "BYE ");
	assert_non_null(strstr(bench->callee.text, ";tag=other"));
	peer_expect_nothing(&bench->caller);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	bench_close(bench);
}

/* The network of one leg is not told to the other, and its headers stay behind. */
static void nothing_leaks(void **state)
{
	struct bench *bench = bench_open("on");
	char text[4096], caller_port[32];

	(void)state;
	snprintf(caller_port, sizeof(caller_port), ":%u", bench->caller.port);
	snprintf(text, sizeof(text),
		 "INVITE sip:900@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKleak\r\n"
		 "Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bKinner\r\nRecord-Route: "
		 "<sip:127.0.0.1:%u;lr>\r\n"
		 "Max-Forwards: 70\r\nFrom: \"Secret\" <sip:100@10.9.9.9>;tag=caller\r\n"
		 "To: <sip:900@10.9.9.9>\r\nCall-ID: private@10.9.9.9\r\nCSeq: 1 INVITE\r\n"
		 "Contact: <sip:100@127.0.0.1:%u>\r\nUser-Agent: secret\r\nX-Secret: secret\r\n"
		 "Authorization: Basic secret\r\nContent-Type: application/sdp\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 bench->caller.port, bench->caller.port, bench->caller.port, strlen(BODY), BODY);
	peer_send(bench, &bench->caller, text);
	peer_expect(&bench->callee, "INVITE ");
	assert_null(strstr(bench->callee.text, "10.9.9.9"));
	assert_null(strcasestr(bench->callee.text, "secret"));
	assert_null(strstr(bench->callee.text, caller_port));
	assert_null(strstr(bench->callee.text, "m=audio 4000 ")); /* relayed: the port is ours */
	assert_non_null(strstr(bench->callee.text, "m=audio 20"));
	assert_non_null(strstr(bench->callee.text, "Max-Forwards: 69\r\n"));
	callee_answers(bench, bench->callee.text, "486 Busy Here", "");
	bench_close(bench);
}

/* A commit reaches sockets that stay open: ToS at once, addresses in what is written from then on.
 */
static void new_configuration(void **state)
{
	static const char *const params[] = {"SS_MEDIA_PROXY_MODE", "off", "SS_QOS_SIGNAL", "0xb8",
					     NULL};
	struct bench *bench = bench_open("off");
	char listen[32], gateway[32];
	socklen_t len = sizeof(int);
	int tos = 0;

	(void)state;
	assert_int_equal(getsockopt(bench->worker->sockets[0].fd, IPPROTO_IP, IP_TOS, &tos, &len),
			 0);
	assert_int_equal(tos, 0xa0);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", bench->port);
	snprintf(gateway, sizeof(gateway), "127.0.0.1:%u", bench->callee.port);
	{
		const char *const listen_fields[] = {"udp", listen, "advertised-address",
						     "192.0.2.7:5070", NULL};
		const char *const in_fields[] = {"address", "127.0.0.1", NULL};
		const char *const out_fields[] = {"address", gateway, "prefixes", "9", NULL};
		const struct test_object objects[] = {
			{OBJECT_LISTEN, "main", listen_fields},
			{OBJECT_MAPPING_GATEWAY, "in", in_fields},
			{OBJECT_ROUTING_GATEWAY, "out", out_fields},
		};

		worker_swap_conf(bench->worker, test_conf(params, objects, 3));
	}
	assert_int_equal(getsockopt(bench->worker->sockets[0].fd, IPPROTO_IP, IP_TOS, &tos, &len),
			 0);
	assert_int_equal(tos, 0xb8);
	caller_sends(bench, "INVITE", 1, "inv1", "", "");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "Via: SIP/2.0/UDP 192.0.2.7:5070;"));
	assert_non_null(strstr(bench->callee.text, "@192.0.2.7:5070>\r\n"));
	callee_answers(bench, bench->callee.text, "486 Busy Here", "");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(new_configuration), cmocka_unit_test(hold_and_resume),
	  cmocka_unit_test(refused_reinvite_keeps_the_call), cmocka_unit_test(late_offer),
	  cmocka_unit_test(forked_answer), cmocka_unit_test(nothing_leaks))
