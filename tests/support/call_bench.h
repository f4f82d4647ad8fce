/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A whole signalling thread on a clock that the test sets: real datagrams on loopback, no thread,
 * no wait. The caller is a mapping gateway, the callee a routing gateway; both are sockets of the
 * test. */
#pragma once

#include <stddef.h>

#include "shared/config/change.h"
#include "switchd/sip/worker.h"

#define BODY                                                                        \
	"v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

struct peer {
	int fd;
	uint16_t port;
	char text[8192]; /* last datagram */
};

#define BENCH_PHONES  3
#define BENCH_WORKERS 2

struct bench {
	struct sip_shared shared;
	struct sip_worker *worker; /* the first */
	struct sip_worker *workers[BENCH_WORKERS];
	bool is_running; /* as threads */
	struct conf *conf;
	struct peer caller;
	struct peer callee;
	struct peer phones[BENCH_PHONES]; /* contacts of the phones below, once registered */
	const char *called;               /* whom the caller calls: "900", the gateway's */
	const char *call_id;              /* of the caller's requests: "call-1" */
	const char *extra;                /* header lines of all that the peers send */
	const char *media_mode;
	const char *session_timer; /* of both gateways: on, off */
	const char *rel100;        /* the same */
	uint16_t port;
};

/* Two phones without contacts. */
#define IN_TURN "300"
#define AT_ONCE "301"

/* Gives a phone the contact that phones[index] is. */
void bench_register(struct bench *bench, const char *number, int index, unsigned q_thousandths);

/* Puts the list (which is then empty) in force, as a commit does. */
void bench_change(struct bench *bench, struct change_list *list);

/* media_mode: a word of SS_MEDIA_PROXY_MODE. */
struct bench *bench_open(const char *media_mode);
/* The same of two signalling threads; they run, on the clock of the machine, from bench_run() on,
 * and nothing may be changed then. */
struct bench *bench_open_two(const char *media_mode);
void bench_run(struct bench *bench);
/* Lets everything run out and frees; nothing may be left: no call, leg, transaction or timer. */
void bench_close(struct bench *bench);
/* Moves the clock, tick by tick. */
void bench_advance(struct bench *bench, uint64_t ms);
/* Moves the clock from one tick with something due to the next: for hours. */
void bench_skip(struct bench *bench, uint64_t ms);
/* Further parameters: name, value, ..., NULL. */
void bench_configure(struct bench *bench, const char *const *params);
/* INVITE, 180, 200, ACK; the callee's INVITE and the switch's To tag come back. */
void bench_set_up(struct bench *bench, char invite[8192], char tag[64]);

/* Next datagram a peer got, in peer->text; NULL when there is none. */
const char *peer_got(struct peer *peer);
/* The next datagram starts like this; fails the test else. */
void peer_expect(struct peer *peer, const char *start);
void peer_expect_nothing(struct peer *peer);
void peer_send(struct bench *bench, struct peer *peer, const char *text);

/* A request of the caller. tag: To tag, "" = none. */
void caller_sends(struct bench *bench, const char *method, int cseq, const char *branch,
		  const char *tag, const char *body);
/* An answer of the callee to a request that it got. */
void callee_answers(struct bench *bench, const char *request, const char *status, const char *body);
/* The same of any peer, with the To tag that is to be in it. */
void peer_answers(struct bench *bench, struct peer *peer, const char *request, const char *status,
		  const char *tag, const char *body);
/* A request of a peer that was called by this INVITE, as the one with that tag. */
void peer_requests(struct bench *bench, struct peer *peer, const char *tag, const char *invite,
		   const char *method, int cseq, const char *body);
/* A request of the callee inside the dialog whose INVITE is given. */
void callee_sends(struct bench *bench, const char *invite, const char *method, int cseq,
		  const char *body);
void message_to_tag(const char *message, char *out, size_t size);
