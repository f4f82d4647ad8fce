/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call between the bench's caller and the phone 400, for the tests of transfer. The phones 400,
 * 401 and 402 are phones[0..2] of the bench; 900 is its gateway's number. */
#pragma once

#include <stdio.h>
#include <string.h>

#include "tests/support/changes.h"
#include "tests/support/session_call.h"

#define OFFER                                                                       \
	"v=0\r\no=t 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 7000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"
#define ANSWER                                                                      \
	"v=0\r\no=k 8 8 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 8000 RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\n"

struct transfer {
	struct bench *bench;
	char invite[8192]; /* that 400 got */
	char tag[64];      /* ours, towards the caller */
};

static inline struct bench *prepare_transfer(struct bench *bench, struct change_list *list)
{
	static const char *const phones[] = {"400", "401", "402"};

	bench->session_timer = "off";
	for (int i = 0; i < 3; i++) {
		changes_create(list, "phone", phones[i]);
		changes_field(list, "phone", phones[i], "session-timer", "off");
	}
	bench_change(bench, list);
	for (int i = 0; i < 3; i++)
		bench_register(bench, phones[i], i, 1000);
	return bench;
}

static inline struct bench *open_transfer(struct change_list *list, const char *media_mode)
{
	return prepare_transfer(bench_open(media_mode), list);
}

/* The caller calls a phone, which answers. */
static inline void connect_to(struct transfer *call, struct bench *bench, const char *call_id,
			      const char *number, int index, const char *phone_tag)
{
	struct peer *phone = &bench->phones[index];
	char branch[64];

	call->bench = bench;
	bench->call_id = call_id;
	bench->called = number;
	snprintf(branch, sizeof(branch), "i%s", call_id);
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(phone, "INVITE ");
	snprintf(call->invite, sizeof(call->invite), "%s", phone->text);
	peer_answers(bench, phone, call->invite, "200 OK", phone_tag, BODY);
	peer_expect(phone, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, call->tag, sizeof(call->tag));
	snprintf(branch, sizeof(branch), "a%s", call_id);
	caller_sends(bench, "ACK", 1, branch, call->tag, "");
}

/* A request of the peer's with further header lines. */
static inline void caller_refers(struct transfer *call, int cseq, const char *headers)
{
	char branch[64];

	snprintf(branch, sizeof(branch), "refer%s%d", call->bench->call_id, cseq);
	call->bench->extra = headers;
	caller_sends(call->bench, "REFER", cseq, branch, call->tag, "");
	call->bench->extra = "";
}

static inline void phone_refers(struct transfer *call, int cseq, const char *headers)
{
	call->bench->extra = headers;
	peer_requests(call->bench, &call->bench->phones[0], "p", call->invite, "REFER", cseq, "");
	call->bench->extra = "";
}

/* The request that the peer has just got is answered. */
static inline void agree(struct bench *bench, struct peer *peer, const char *body)
{
	answer(bench, peer, "200 OK", "", body);
}

static inline void expect_notify(struct bench *bench, struct peer *peer, const char *status,
				 bool is_last)
{
	char line[64];

	peer_expect(peer, "NOTIFY ");
	snprintf(line, sizeof(line), "\r\n\r\nSIP/2.0 %s", status);
	expect_header(peer, line);
	expect_header(peer, "Event: refer");
	expect_header(peer, "Content-Type: message/sipfrag");
	expect_header(peer, is_last ? "Subscription-State: terminated;reason=noresource"
				    : "Subscription-State: active;expires=");
	agree(bench, peer, "");
}

static inline void end_by(struct bench *bench, struct peer *peer)
{
	peer_expect(peer, "BYE ");
	agree(bench, peer, "");
}
