/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/stream_bench.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/auth/digest.h"
#include "switchd/call/call.h"
#include "switchd/media/media.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/location.h"
#include "switchd/sip/stream_private.h"
#include "switchd/sip/txn.h"
#include "tests/support/config.h"
#include "tests/support/test.h"

#define PATIENCE_MS 10000 /* a guard against waiting for ever */

static int listen_any(uint16_t *port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	*port = ntohs(sin.sin_port);
	return fd;
}

static void peer_open(struct stream_peer *peer)
{
	peer->fd = -1;
	peer->listener = listen_any(&peer->port);
}

static void peer_free(struct stream_peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	if (peer->listener >= 0)
		close(peer->listener);
}

void stream_bench_turn(struct stream_bench *bench)
{
	stream_turn(bench->stream, 0);
	worker_receive_handover(bench->worker);
	wheel_run(&bench->worker->wheel, bench->worker->now_us);
	worker_io_flush(bench->worker);
	stream_turn(bench->stream, 0);
}

void stream_bench_advance(struct stream_bench *bench, uint64_t ms)
{
	uint64_t until_us = bench->worker->now_us + ms * 1000;

	while (bench->worker->now_us < until_us) {
		bench->worker->now_us += 10000;
		stream_bench_turn(bench);
	}
}

/* Turns until fd is readable. */
static bool wait_readable(struct stream_bench *bench, int fd, int patience_ms)
{
	struct pollfd pollfd = {.fd = fd, .events = POLLIN};

	for (int waited_ms = 0; waited_ms < patience_ms; waited_ms++) {
		stream_bench_turn(bench);
		if (poll(&pollfd, 1, 1) > 0)
			return true;
	}
	return false;
}

void stream_peer_connect(struct stream_bench *bench, struct stream_peer *peer)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(bench->port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint32_t before = bench->stream->conns.count;

	peer->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(peer->fd >= 0);
	assert_int_equal(connect(peer->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	while (bench->stream->conns.count == before)
		stream_bench_turn(bench);
}

void stream_peer_accept(struct stream_bench *bench, struct stream_peer *peer)
{
	if (!wait_readable(bench, peer->listener, PATIENCE_MS))
		fail_msg("nobody connected");
	peer->fd = accept(peer->listener, NULL, NULL);
	assert_true(peer->fd >= 0);
	peer->len = 0;
}

void stream_peer_close(struct stream_bench *bench, struct stream_peer *peer)
{
	uint32_t before = bench->stream->conns.count;

	close(peer->fd);
	peer->fd = -1;
	peer->len = 0;
	while (bench->stream->conns.count == before)
		stream_bench_turn(bench);
	stream_bench_turn(bench);
}

void stream_peer_refuse(struct stream_peer *peer)
{
	close(peer->listener);
	peer->listener = -1;
}

void stream_peer_send(struct stream_bench *bench, struct stream_peer *peer, const char *text)
{
	assert_int_equal(send(peer->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
	stream_bench_turn(bench);
	stream_bench_turn(bench);
}

/* The next message out of what has come. */
static bool take(struct stream_peer *peer)
{
	struct framer framer = {0};
	struct frame frame;
	size_t consumed;

	if (framer_next(&framer, peer->data, peer->len, &consumed, &frame) != FRAME_MESSAGE)
		return false;
	snprintf(peer->text, sizeof(peer->text), "%.*s", SPAN_ARG(frame.text));
	peer->len -= consumed;
	memmove(peer->data, peer->data + consumed, peer->len);
	return true;
}

static bool next_message(struct stream_bench *bench, struct stream_peer *peer, int patience_ms)
{
	while (!take(peer)) {
		ssize_t got;

		if (peer->fd < 0 || !wait_readable(bench, peer->fd, patience_ms))
			return false;
		got = recv(peer->fd, peer->data + peer->len, sizeof(peer->data) - peer->len, 0);
		if (got <= 0)
			return false;
		peer->len += (size_t)got;
	}
	return true;
}

void stream_peer_expect(struct stream_bench *bench, struct stream_peer *peer, const char *start)
{
	if (!next_message(bench, peer, PATIENCE_MS))
		fail_msg("nothing came, expected %s", start);
	if (strncmp(peer->text, start, strlen(start)) != 0)
		fail_msg("expected %s, got %s", start, peer->text);
}

void stream_peer_expect_nothing(struct stream_bench *bench, struct stream_peer *peer)
{
	if (next_message(bench, peer, 5))
		fail_msg("unexpected %s", peer->text);
}

void stream_peer_expect_end(struct stream_bench *bench, struct stream_peer *peer)
{
	char byte;

	if (!wait_readable(bench, peer->fd, PATIENCE_MS))
		fail_msg("the connection is still there");
	assert_true(recv(peer->fd, &byte, 1, 0) <= 0);
	close(peer->fd);
	peer->fd = -1;
}

void stream_header(const char *message, const char *name, char *out, size_t size)
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

void stream_caller_sends(struct stream_bench *bench, const char *method, int cseq,
			 const char *branch, const char *to_tag, const char *body)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "%s sip:900@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bK%s\r\n"
		 "Max-Forwards: 70\r\nFrom: <sip:100@127.0.0.1>;tag=caller\r\n"
		 "To: <sip:900@127.0.0.1>%s%s\r\nCall-ID: call-1\r\nCSeq: %d %s\r\n"
		 "Contact: <sip:100@127.0.0.1:%u;transport=tcp>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 method, bench->port, bench->caller.port, branch, to_tag[0] ? ";tag=" : "", to_tag,
		 cseq, method, bench->caller.port,
		 body[0] ? "Content-Type: application/sdp\r\n" : "", strlen(body), body);
	stream_peer_send(bench, &bench->caller, text);
}

void stream_callee_answers(struct stream_bench *bench, const char *request, const char *status,
			   const char *body)
{
	char via[256], from[256], to[256], call_id[128], cseq[64];
	char text[4096];

	stream_header(request, "Via", via, sizeof(via));
	stream_header(request, "From", from, sizeof(from));
	stream_header(request, "To", to, sizeof(to));
	stream_header(request, "Call-ID", call_id, sizeof(call_id));
	stream_header(request, "CSeq", cseq, sizeof(cseq));
	snprintf(text, sizeof(text),
		 "SIP/2.0 %s\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		 "Contact: <sip:900@127.0.0.1:%u;transport=tcp>\r\n%sContent-Length: %zu\r\n\r\n%s",
		 status, via, from, to, strstr(to, ";tag=") ? "" : ";tag=callee", call_id, cseq,
		 bench->callee.port, body[0] ? "Content-Type: application/sdp\r\n" : "",
		 strlen(body), body);
	stream_peer_send(bench, &bench->callee, text);
}

void stream_callee_sends(struct stream_bench *bench, const char *invite, const char *method,
			 int cseq)
{
	char from[256], to[256], call_id[128];
	char text[4096];

	stream_header(invite, "From", from, sizeof(from));
	stream_header(invite, "To", to, sizeof(to));
	stream_header(invite, "Call-ID", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "%s sip:100@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/TCP 127.0.0.1:%u;branch=z9hG4bKcallee%s%d\r\nMax-Forwards: 70\r\n"
		 "From: %s;tag=callee\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n"
		 "Content-Length: 0\r\n\r\n",
		 method, bench->port, bench->callee.port, method, cseq, to, from, call_id, cseq,
		 method);
	stream_peer_send(bench, &bench->callee, text);
}

struct stream_bench *stream_bench_open(const char *const *params)
{
	struct stream_bench *bench = calloc(1, sizeof(*bench));
	struct vos_fault fault = {0};
	char listen_on[32], gateway[32];

	assert_non_null(bench);
	close(listen_any(&bench->port)); /* a port that is free now */
	peer_open(&bench->caller);
	peer_open(&bench->callee);
	snprintf(listen_on, sizeof(listen_on), "127.0.0.1:%u", bench->port);
	snprintf(gateway, sizeof(gateway), "127.0.0.1:%u", bench->callee.port);
	{
		const char *const listen_fields[] = {"tcp", listen_on, NULL};
		const char *const in_fields[] = {"address", "127.0.0.1", NULL};
		const char *const out_fields[] = {"address",   gateway, "prefixes", "9",
						  "transport", "tcp",   NULL};
		const struct test_object objects[] = {
			{OBJECT_LISTEN, "main", listen_fields},
			{OBJECT_MAPPING_GATEWAY, "in", in_fields},
			{OBJECT_ROUTING_GATEWAY, "out", out_fields},
		};

		bench->conf = test_conf(params, objects, 3);
	}
	bench->shared.workers = bench->workers;
	bench->shared.worker_count = 1;
	assert_int_equal(keepalive_create(&bench->shared.keepalive), VOS_OK);
	assert_int_equal(location_create(bench->shared.keepalive, &bench->shared.location), VOS_OK);
	assert_int_equal(auth_create(&bench->shared.auth), VOS_OK);
	assert_int_equal(media_create(NULL, bench->conf, 1, &bench->shared.media, &fault), VOS_OK);
	if (worker_create(&bench->shared, 0, bench->conf, &bench->worker, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	bench->workers[0] = bench->worker;
	if (stream_create(&bench->shared, bench->conf, &bench->stream, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	assert_non_null(bench->stream);
	bench->shared.stream = bench->stream;
	return bench;
}

void stream_bench_close(struct stream_bench *bench)
{
	struct txn_stats stats;

	stream_bench_advance(bench, 70000);
	txn_stats(bench->worker->txns, &stats);
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	assert_true(leg_table_is_quiet(bench->worker));
	assert_int_equal(stats.servers, 0);
	assert_int_equal(stats.clients, 0);
	assert_int_equal(bench->worker->wheel.count, 0);
	if (bench->caller.fd >= 0)
		stream_peer_close(bench, &bench->caller);
	if (bench->callee.fd >= 0)
		stream_peer_close(bench, &bench->callee);
	assert_int_equal(bench->stream->conns.count, 0);
	assert_int_equal(bench->stream->table.count, 0);
	assert_int_equal(bench->stream->table.source_count, 0);
	assert_int_equal(bench->stream->memory, 0);
	assert_int_equal(bench->stream->wheel.count, 0);
	stream_destroy(bench->stream);
	worker_destroy(bench->worker);
	media_destroy(bench->shared.media);
	location_destroy(bench->shared.location);
	keepalive_destroy(bench->shared.keepalive);
	auth_destroy(bench->shared.auth);
	conf_unref(bench->conf);
	peer_free(&bench->caller);
	peer_free(&bench->callee);
	free(bench);
}

void stream_set_up(struct stream_bench *bench, char invite[8192], char tag[64])
{
	char to[256];

	stream_peer_connect(bench, &bench->caller);
	stream_caller_sends(bench, "INVITE", 1, "inv1", "", STREAM_BODY);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 100 ");
	stream_peer_accept(bench, &bench->callee);
	stream_peer_expect(bench, &bench->callee, "INVITE sip:900@127.0.0.1:");
	snprintf(invite, 8192, "%s", bench->callee.text);
	stream_callee_answers(bench, invite, "180 Ringing", "");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 180 ");
	stream_callee_answers(bench, invite, "200 OK", STREAM_BODY);
	stream_peer_expect(bench, &bench->callee, "ACK sip:900@127.0.0.1:");
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	stream_header(bench->caller.text, "To", to, sizeof(to));
	snprintf(tag, 64, "%s", strstr(to, ";tag=") + 5);
	stream_caller_sends(bench, "ACK", 1, "ack1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
}
