/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call with session timers on the bench, for the tests of them. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "switchd/call/call.h"
#include "tests/support/call_bench.h"
#include "tests/support/test.h"

#define TIMER      "Supported: timer\r\n"
#define UPDATES    "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"
#define WE_REFRESH "Require: timer\r\nSession-Expires: 1800;refresher=uac\r\n"
#define THEY_DO    "Require: timer\r\nSession-Expires: 1800;refresher=uas\r\n"
#define MOVED_BODY                                                                  \
	"v=0\r\no=a 1 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 4400 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

struct session {
	struct bench *bench;
	char invite[8192]; /* that the callee got */
	char answer[8192]; /* that the caller got */
	char tag[64];
};

static inline void expect_header(const struct peer *peer, const char *line)
{
	if (!strstr(peer->text, line))
		fail_msg("no %s in %s", line, peer->text);
}

static inline void expect_no_header(const struct peer *peer, const char *text)
{
	if (strstr(peer->text, text))
		fail_msg("%s in %s", text, peer->text);
}

/* A call that is up; extra headers of the caller's INVITE and of the callee's 200. */
static inline void dial(struct session *session, struct bench *bench, const char *caller,
			const char *callee)
{
	session->bench = bench;
	bench->extra = caller;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(session->invite, sizeof(session->invite), "%s", bench->callee.text);
	bench->extra = callee;
	callee_answers(bench, session->invite, "200 OK", BODY);
	bench->extra = "";
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	snprintf(session->answer, sizeof(session->answer), "%s", bench->caller.text);
	message_to_tag(bench->caller.text, session->tag, sizeof(session->tag));
	caller_sends(bench, "ACK", 1, "ack1", session->tag, "");
}

static inline void answer(struct bench *bench, struct peer *peer, const char *status,
			  const char *extra, const char *body)
{
	char request[8192];

	snprintf(request, sizeof(request), "%s", peer->text);
	bench->extra = extra;
	peer_answers(bench, peer, request, status, "x", body);
	bench->extra = "";
}

static inline void copy_line(const char *message, const char *name, char *out, size_t size)
{
	const char *at = strstr(message, name);

	assert_non_null(at);
	snprintf(out, size, "%.*s", (int)strcspn(at, "\r"), at);
}

/* The ACK of a refusal that the peer has just got belongs to its transaction. */
static inline void acknowledge(struct bench *bench, struct peer *peer, int cseq)
{
	char via[256], from[256], to[256], call_id[128], text[2048];

	copy_line(peer->text, "Via: ", via, sizeof(via));
	copy_line(peer->text, "From: ", from, sizeof(from));
	copy_line(peer->text, "To: ", to, sizeof(to));
	copy_line(peer->text, "Call-ID: ", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "ACK sip:x@127.0.0.1 SIP/2.0\r\n%s\r\nMax-Forwards: 70\r\n%s\r\n%s\r\n%s\r\n"
		 "CSeq: %d ACK\r\nContent-Length: 0\r\n\r\n",
		 via, from, to, call_id, cseq);
	peer_send(bench, peer, text);
}

static inline void hang_up(struct session *session)
{
	caller_sends(session->bench, "BYE", 90, "bye", session->tag, "");
	peer_expect(&session->bench->caller, "SIP/2.0 200 ");
	peer_expect(&session->bench->callee, "BYE ");
	bench_close(session->bench);
}

/* Milliseconds until the peer gets something; fails after limit_ms. */
static inline uint64_t wait_for(struct bench *bench, struct peer *peer, uint64_t limit_ms)
{
	uint64_t start_us = bench->worker->now_us;

	while ((bench->worker->now_us - start_us) / 1000 < limit_ms) {
		bench_advance(bench, 10);
		if (peer_got(peer))
			return (bench->worker->now_us - start_us) / 1000;
	}
	fail_msg("nothing came in %llu ms", (unsigned long long)limit_ms);
	return 0;
}

static inline size_t count_calls(const struct bench *bench)
{
	size_t count = 0;

	for (int i = 0; i < bench->shared.worker_count; i++)
		count += call_table_count(bench->workers[i]->calls);
	return count;
}

static inline void expect_ended(struct bench *bench, const char *why)
{
	peer_expect(&bench->caller, "BYE ");
	expect_header(&bench->caller, why);
	peer_expect(&bench->callee, "BYE ");
	expect_header(&bench->callee, why);
	assert_int_equal(count_calls(bench), 0);
}

#define TIMED_OUT "session timer ran out"

static inline const char *body_of(const char *message)
{
	return strstr(message, "\r\n\r\n") + 4;
}
