/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls through a whole signalling thread, driven by a clock that the test sets: real datagrams on
 * loopback, no thread, no wait. The caller is a mapping gateway, the callee a routing gateway. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/auth/digest.h"
#include "switchd/call/call.h"
#include "switchd/media/media.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/location.h"
#include "switchd/sip/txn.h"
#include "switchd/sip/worker_private.h"
#include "tests/support/config.h"

#define BODY                                                                        \
	"v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

struct peer {
	int fd;
	uint16_t port;
	char text[8192]; /* last datagram */
};

struct bench {
	struct sip_shared shared;
	struct sip_worker *worker;
	struct sip_worker *workers[1];
	struct conf *conf;
	struct peer caller;
	struct peer callee;
	uint16_t port;
};

static void open_peer(struct peer *peer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	peer->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(peer->fd >= 0);
	assert_int_equal(bind(peer->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(peer->fd, (struct sockaddr *)&sin, &len), 0);
	peer->port = ntohs(sin.sin_port);
}

static void turn(struct bench *bench)
{
	while (worker_io_receive(bench->worker, &bench->worker->sockets[0])) {
	}
	wheel_run(&bench->worker->wheel, bench->worker->now_us);
	worker_io_flush(bench->worker);
}

static void advance(struct bench *bench, uint64_t ms)
{
	uint64_t until_us = bench->worker->now_us + ms * 1000;

	while (bench->worker->now_us < until_us) {
		bench->worker->now_us += 10000;
		turn(bench);
	}
}

/* Next datagram a peer got; NULL when there is none. */
static const char *got(struct peer *peer)
{
	ssize_t len = recv(peer->fd, peer->text, sizeof(peer->text) - 1, 0);

	if (len < 0)
		return NULL;
	peer->text[len] = '\0';
	return peer->text;
}

static void expect(struct peer *peer, const char *start)
{
	const char *text = got(peer);

	if (!text)
		fail_msg("nothing came, expected %s", start);
	if (strncmp(text, start, strlen(start)) != 0)
		fail_msg("expected %s, got %s", start, text);
}

static void expect_nothing(struct peer *peer)
{
	const char *text = got(peer);

	if (text)
		fail_msg("unexpected %s", text);
}

static void header(const char *message, const char *name, char *out, size_t size)
{
	char start[64];
	const char *at;

	snprintf(start, sizeof(start), "\r\n%s: ", name);
	at = strstr(message, start);
	if (!at)
		fail_msg("no %s in %s", name, message);
	at += strlen(start);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

static void send_text(struct bench *bench, struct peer *peer, const char *text)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(bench->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(
		sendto(peer->fd, text, strlen(text), 0, (struct sockaddr *)&sin, sizeof(sin)),
		(ssize_t)strlen(text));
	turn(bench);
}

/* A request of the caller. tag: To tag, "" = none. */
static void caller_sends(struct bench *bench, const char *method, int cseq, const char *branch,
			 const char *to_tag, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s sip:900@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@127.0.0.1>;tag=caller\r\n"
		 "To: <sip:900@127.0.0.1>%s%s\r\nCall-ID: call-1\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:100@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->port, bench->caller.port, branch, to_tag[0] ? ";tag=" : "", to_tag,
		 cseq, method, bench->caller.port,
		 body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	send_text(bench, &bench->caller, text);
}

/* An answer of the callee to a request that it got. */
static void callee_answers(struct bench *bench, const char *request, const char *status,
			   const char *body)
{
	char via[256], from[256], to[256], call_id[128], cseq[64];
	char text[4096];

	header(request, "Via", via, sizeof(via));
	header(request, "From", from, sizeof(from));
	header(request, "To", to, sizeof(to));
	header(request, "Call-ID", call_id, sizeof(call_id));
	header(request, "CSeq", cseq, sizeof(cseq));
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Contact: <sip:900@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 status, via, from, to, strstr(to, ";tag=") ? "" : ";tag=callee", call_id, cseq,
		 bench->callee.port, body[0] ? "Content-Type: application/sdp\r\n" : "",
		 strlen(body), body);
	send_text(bench, &bench->callee, text);
}

/* A request of the callee inside the dialog whose INVITE is given. */
static void callee_sends(struct bench *bench, const char *invite, const char *method, int cseq,
			 const char *body)
{
	char from[256], to[256], call_id[128];
	char text[4096];

	header(invite, "From", from, sizeof(from));
	header(invite, "To", to, sizeof(to));
	header(invite, "Call-ID", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "%s sip:100@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKcallee%s%d\r\nMax-Forwards: 70\r\n"
		 "From: %s;tag=callee\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:900@127.0.0.1:%u>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->port, bench->callee.port, method, cseq, to, from, call_id, cseq,
		 method, bench->callee.port, body[0] ? "Content-Type: application/sdp\r\n" : "",
		 strlen(body), body);
	send_text(bench, &bench->callee, text);
}

static void to_tag(const char *message, char *out, size_t size)
{
	char to[256];

	header(message, "To", to, sizeof(to));
	assert_non_null(strstr(to, ";tag="));
	snprintf(out, size, "%s", strstr(to, ";tag=") + 5);
}

static struct bench *open_bench(const char *media_mode)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	struct vos_fault fault = {0};
	char listen[32], gateway[32];
	struct peer probe;

	assert_non_null(bench);
	open_peer(&probe); /* a port that is free now */
	bench->port = probe.port;
	close(probe.fd);
	open_peer(&bench->caller);
	open_peer(&bench->callee);
	snprintf(listen, sizeof(listen), "127.0.0.1:%u", bench->port);
	snprintf(gateway, sizeof(gateway), "127.0.0.1:%u", bench->callee.port);
	{
		const char *const params[] = {"SS_MEDIA_PROXY_MODE", media_mode,
					      "SS_RTP_PORT_RANGE", "20000,20999", NULL};
		const char *const listen_fields[] = {"udp", listen, NULL};
		const char *const in_fields[] = {"address", "127.0.0.1", NULL};
		const char *const out_fields[] = {"address", gateway, "prefixes", "9", NULL};
		const struct test_object objects[] = {
			{OBJECT_LISTEN, "main", listen_fields},
			{OBJECT_MAPPING_GATEWAY, "in", in_fields},
			{OBJECT_ROUTING_GATEWAY, "out", out_fields},
		};

		bench->conf = test_conf(params, objects, 3);
	}
	bench->workers[0] = NULL;
	bench->shared.workers = bench->workers;
	bench->shared.worker_count = 1;
	assert_int_equal(keepalive_create(&bench->shared.keepalive), VOS_OK);
	assert_int_equal(location_create(bench->shared.keepalive, &bench->shared.location), VOS_OK);
	assert_int_equal(auth_create(&bench->shared.auth), VOS_OK);
	assert_int_equal(media_create(NULL, bench->conf, 1, &bench->shared.media, &fault), VOS_OK);
	if (worker_create(&bench->shared, 0, bench->conf, &bench->worker, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	bench->workers[0] = bench->worker;
	return bench;
}

/* After everything has run out nothing may be left: no call, leg, transaction or timer. */
static void close_bench(struct bench *bench)
{
	struct txn_stats stats;

	advance(bench, 70000);
	txn_stats(bench->worker->txns, &stats);
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	assert_true(leg_table_is_quiet(bench->worker));
	assert_int_equal(stats.servers, 0);
	assert_int_equal(stats.clients, 0);
	assert_int_equal(bench->worker->wheel.count, 0);
	worker_destroy(bench->worker);
	media_destroy(bench->shared.media);
	location_destroy(bench->shared.location);
	keepalive_destroy(bench->shared.keepalive);
	auth_destroy(bench->shared.auth);
	conf_unref(bench->conf);
	close(bench->caller.fd);
	close(bench->callee.fd);
	free(bench);
}

/* INVITE, 180, 200, ACK; the callee's INVITE and the switch's To tag come back. */
static void set_up(struct bench *bench, char invite[8192], char tag[64])
{
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE sip:900@127.0.0.1:");
	snprintf(invite, 8192, "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	expect(&bench->caller, "SIP/2.0 180 ");
	callee_answers(bench, invite, "200 OK", BODY);
	expect(&bench->callee, "ACK sip:900@127.0.0.1:");
	expect(&bench->caller, "SIP/2.0 200 ");
	to_tag(bench->caller.text, tag, 64);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	expect_nothing(&bench->caller);
	expect_nothing(&bench->callee);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
}

static void caller_hangs_up(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64];

	(void)state;
	set_up(bench, invite, tag);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect(&bench->callee, "BYE sip:900@127.0.0.1:");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	/* The answer was lost: the repeat gets the same one, and nothing else happens. */
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect_nothing(&bench->callee);
	close_bench(bench);
}

static void callee_hangs_up(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64];

	(void)state;
	set_up(bench, invite, tag);
	callee_sends(bench, invite, "BYE", 1, "");
	expect(&bench->callee, "SIP/2.0 200 ");
	expect(&bench->caller, "BYE sip:100@127.0.0.1:");
	/* Nobody answers our BYE: it is repeated on the list, then given up; close_bench sees it
	 * gone. */
	advance(bench, 1600);
	expect(&bench->caller, "BYE ");
	expect(&bench->caller, "BYE ");
	expect_nothing(&bench->caller);
	close_bench(bench);
}

/* SS_SIP_RESEND_INTERVAL 0.5,1,2,4,... and SS_SIP_TIMEOUT_INVITE 10: five sends, then the caller is
 * told. */
static void silent_callee(void **state)
{
	static const int sends_at_ms[] = {0, 500, 1500, 3500, 7500};
	struct bench *bench = open_bench("off");
	int now_ms = 0;

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	for (size_t i = 0; i < 5; i++) {
		if (sends_at_ms[i]) {
			advance(bench, (uint64_t)(sends_at_ms[i] - now_ms - 20));
			expect_nothing(&bench->callee);
			advance(bench, 40);
			now_ms = sends_at_ms[i] + 20;
		}
		expect(&bench->callee, "INVITE ");
	}
	advance(bench, (uint64_t)(9980 - now_ms));
	expect_nothing(&bench->caller);
	advance(bench, 60);
	expect(&bench->caller, "SIP/2.0 408 ");
	expect_nothing(&bench->callee); /* nothing was heard, so no CANCEL (RFC 3261 9.1) */
	close_bench(bench);
}

static void cancel_while_ringing(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	expect(&bench->caller, "SIP/2.0 180 ");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect(&bench->caller, "SIP/2.0 487 ");
	to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "inv1", tag, "");
	expect(&bench->callee, "CANCEL ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	callee_answers(bench, invite, "487 Request Terminated", "");
	expect(&bench->callee, "ACK ");
	expect_nothing(&bench->callee);
	expect_nothing(&bench->caller);
	close_bench(bench);
}

/* CANCEL before anything was heard waits for the first provisional; the 200 that crosses it is
 * ended. */
static void answer_crosses_cancel(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect(&bench->caller, "SIP/2.0 487 ");
	expect_nothing(&bench->callee);
	callee_answers(bench, invite, "180 Ringing", "");
	expect(&bench->callee, "CANCEL ");
	callee_answers(bench, invite, "200 OK", BODY);
	expect(&bench->callee, "ACK ");
	expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	expect_nothing(&bench->callee);
	close_bench(bench);
}

/* The answer comes after the INVITE was given up for lack of any response. */
static void answer_after_timeout(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	advance(bench, 12000);
	while (got(&bench->callee)) {
	}
	callee_answers(bench, invite, "200 OK", BODY);
	expect(&bench->callee, "ACK ");
	expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	close_bench(bench);
}

static void refused(const char *status, const char *seen)
{
	struct bench *bench = open_bench("off");

	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, status, "");
	expect(&bench->callee, "ACK ");
	expect(&bench->caller, seen);
	/* The caller's ACK is lost: the answer is repeated on the list. */
	advance(bench, 520);
	expect(&bench->caller, seen);
	close_bench(bench);
}

static void callee_refuses(void **state)
{
	(void)state;
	refused("486 Busy Here", "SIP/2.0 486 ");
	refused("603 Decline", "SIP/2.0 603 ");
	refused("500 Oops", "SIP/2.0 500 ");
	/* What is between the switch and its gateway is not the caller's business. */
	refused("401 Unauthorized", "SIP/2.0 480 ");
	refused("302 Moved", "SIP/2.0 480 ");
}

static void unknown_number(void **state)
{
	struct bench *bench = open_bench("off");
	char text[2048];

	(void)state;
	snprintf(text, sizeof(text),
		 "INVITE sip:555@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP "
		 "127.0.0.1:%u;branch=z9hG4bKx\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@a>;tag=1\r\nTo: <sip:555@a>\r\nCall-ID: u\r\n"
		 "CSeq: 1 INVITE\r\nContact: <sip:100@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
		 bench->caller.port, bench->caller.port);
	send_text(bench, &bench->caller, text);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->caller, "SIP/2.0 404 ");
	expect_nothing(&bench->callee);
	close_bench(bench);
}

/* No ACK for the 200: repeated on the list, then both legs end. */
static void missing_ack(void **state)
{
	struct bench *bench = open_bench("off");
	int repeats = 0;

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	expect(&bench->callee, "ACK ");
	expect(&bench->caller, "SIP/2.0 200 ");
	advance(bench, 31900);
	while (got(&bench->caller)) {
		assert_memory_equal(bench->caller.text, "SIP/2.0 200 ", 12);
		repeats++;
	}
	assert_int_equal(repeats, 10);
	expect_nothing(&bench->callee);
	advance(bench, 200);
	expect(&bench->caller, "BYE ");
	expect(&bench->callee, "BYE ");
	close_bench(bench);
}

static void hold_and_resume(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64];

	(void)state;
	set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "hold", tag, BODY "a=sendonly\r\n");
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "a=sendonly"));
	callee_answers(bench, bench->callee.text, "200 OK", BODY "a=recvonly\r\n");
	expect(&bench->callee, "ACK ");
	expect(&bench->caller, "SIP/2.0 200 ");
	assert_non_null(strstr(bench->caller.text, "a=recvonly"));
	caller_sends(bench, "ACK", 2, "holdack", tag, "");
	/* The callee resumes. */
	callee_sends(bench, invite, "INVITE", 1, BODY);
	expect(&bench->callee, "SIP/2.0 100 ");
	expect(&bench->caller, "INVITE ");
	/* Another offer in the middle of it is refused, and leaves the first one alone. */
	callee_sends(bench, invite, "UPDATE", 2, BODY);
	expect(&bench->callee, "SIP/2.0 500 ");
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect(&bench->callee, "BYE ");
	close_bench(bench);
}

static void refused_reinvite_keeps_the_call(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64];

	(void)state;
	set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "488 Not Acceptable Here", "");
	expect(&bench->callee, "ACK ");
	expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	/* A peer that no longer knows the call ends it. */
	caller_sends(bench, "INVITE", 3, "re2", tag, BODY);
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "481 Gone", "");
	expect(&bench->callee, "ACK ");
	expect(&bench->caller, "SIP/2.0 481 ");
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	close_bench(bench);
}

/* INVITE without SDP: the callee's offer goes to the caller in 200, the caller's answer back in
 * ACK. */
static void late_offer(void **state)
{
	struct bench *bench = open_bench("off");
	char tag[64];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", "");
	expect(&bench->caller, "SIP/2.0 100 ");
	expect(&bench->callee, "INVITE ");
	assert_null(strstr(bench->callee.text, "m=audio"));
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	expect_nothing(&bench->callee);
	expect(&bench->caller, "SIP/2.0 200 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 4000"));
	to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, BODY);
	expect(&bench->callee, "ACK ");
	assert_non_null(strstr(bench->callee.text, "m=audio 4000"));
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	expect(&bench->caller, "SIP/2.0 200 ");
	expect(&bench->callee, "BYE ");
	close_bench(bench);
}

/* The 200 of a second branch of a fork is acknowledged and ended; the call stays. */
static void forked_answer(void **state)
{
	struct bench *bench = open_bench("off");
	char invite[8192], tag[64], fork[8192];
	char *at;

	(void)state;
	set_up(bench, invite, tag);
	snprintf(fork, sizeof(fork), "%s", invite);
	at = strstr(fork, "\r\nTo: ");
	assert_non_null(at);
	at = strstr(at + 2, "\r\n");
	memmove(at + 10, at, strlen(at) + 1);
	memcpy(at, ";tag=other", 10);
	callee_answers(bench, fork, "200 OK", BODY);
	expect(&bench->callee, "ACK ");
	assert_non_null(strstr(bench->callee.text, ";tag=other"));
	expect(&bench->callee, "BYE ");
	assert_non_null(strstr(bench->callee.text, ";tag=other"));
	expect_nothing(&bench->caller);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	close_bench(bench);
}

/* The network of one leg is not told to the other, and its headers stay behind. */
static void nothing_leaks(void **state)
{
	struct bench *bench = open_bench("on");
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
	send_text(bench, &bench->caller, text);
	expect(&bench->callee, "INVITE ");
	assert_null(strstr(bench->callee.text, "10.9.9.9"));
	assert_null(strcasestr(bench->callee.text, "secret"));
	assert_null(strstr(bench->callee.text, caller_port));
	assert_null(strstr(bench->callee.text, "m=audio 4000 ")); /* relayed: the port is ours */
	assert_non_null(strstr(bench->callee.text, "m=audio 20"));
	assert_non_null(strstr(bench->callee.text, "Max-Forwards: 69\r\n"));
	callee_answers(bench, bench->callee.text, "486 Busy Here", "");
	close_bench(bench);
}

TEST_MAIN(cmocka_unit_test(caller_hangs_up), cmocka_unit_test(callee_hangs_up),
	  cmocka_unit_test(silent_callee), cmocka_unit_test(cancel_while_ringing),
	  cmocka_unit_test(answer_crosses_cancel), cmocka_unit_test(answer_after_timeout),
	  cmocka_unit_test(callee_refuses), cmocka_unit_test(unknown_number),
	  cmocka_unit_test(missing_ack), cmocka_unit_test(hold_and_resume),
	  cmocka_unit_test(refused_reinvite_keeps_the_call), cmocka_unit_test(late_offer),
	  cmocka_unit_test(forked_answer), cmocka_unit_test(nothing_leaks))
