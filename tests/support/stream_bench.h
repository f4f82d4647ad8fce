/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A signalling thread on a clock that the test sets, with the streams beside it: real connections
 * on loopback, no thread of their own. The caller is a mapping gateway, the callee a routing
 * gateway, both over TCP. */
#pragma once

#include <stddef.h>

#include "switchd/sip/stream.h"
#include "switchd/sip/worker.h"

#define STREAM_BODY                                                                 \
	"v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

struct stream_peer {
	int listener;
	uint16_t port; /* of the listener */
	int fd;        /* its connection, -1 = none */
	size_t len;    /* of data that is not taken yet */
	char data[65536];
	char text[8192]; /* last message */
};

struct stream_bench {
	struct sip_shared shared;
	struct sip_worker *worker;
	struct sip_worker *workers[1];
	struct conf *conf;
	struct stream *stream;
	uint16_t port;
	struct stream_peer caller;
	struct stream_peer callee;
};

/* params: name, value, ..., NULL; may be NULL. */
struct stream_bench *stream_bench_open(const char *const *params);
/* Lets everything run out and frees; nothing may be left: no call, leg, transaction, timer or
 * connection. */
void stream_bench_close(struct stream_bench *bench);
/* Both loops, once. */
void stream_bench_turn(struct stream_bench *bench);
/* Moves the clock of the signalling thread, tick by tick. */
void stream_bench_advance(struct stream_bench *bench, uint64_t ms);

void stream_peer_connect(struct stream_bench *bench, struct stream_peer *peer);
/* Waits until the switch has connected to it. */
void stream_peer_accept(struct stream_bench *bench, struct stream_peer *peer);
/* Closes its connection; returns when the switch knows. */
void stream_peer_close(struct stream_bench *bench, struct stream_peer *peer);
/* Takes connections no longer. */
void stream_peer_refuse(struct stream_peer *peer);
void stream_peer_send(struct stream_bench *bench, struct stream_peer *peer, const char *text);
/* The next message starts like this, and stands in peer->text. */
void stream_peer_expect(struct stream_bench *bench, struct stream_peer *peer, const char *start);
void stream_peer_expect_nothing(struct stream_bench *bench, struct stream_peer *peer);
/* The switch ends the connection. */
void stream_peer_expect_end(struct stream_bench *bench, struct stream_peer *peer);

/* As in call_bench.h. */
void stream_caller_sends(struct stream_bench *bench, const char *method, int cseq,
			 const char *branch, const char *to_tag, const char *body);
void stream_callee_answers(struct stream_bench *bench, const char *request, const char *status,
			   const char *body);
void stream_callee_sends(struct stream_bench *bench, const char *invite, const char *method,
			 int cseq);
/* INVITE, 180, 200, ACK. */
void stream_set_up(struct stream_bench *bench, char invite[8192], char tag[64]);
void stream_header(const char *message, const char *name, char *out, size_t size);
