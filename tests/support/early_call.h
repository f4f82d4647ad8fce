/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call on the bench before it is answered: reliable provisional answers and what belongs to them.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/session_call.h"

#define REL        "Supported: 100rel\r\n"
#define NEEDS_REL  "Require: 100rel\r\n"
#define OTHER_BODY MOVED_BODY "a=sendonly\r\n"

struct early {
	struct bench *bench;
	char invite[8192]; /* that the callee got */
	char tag[64];      /* of ours towards the caller, once early_expect() has seen it */
	unsigned rseq;     /* the same */
	int cseq;          /* last one of the caller */
};

/* INVITE with these header lines, up to where the callee has it. */
static inline void early_dial(struct early *early, struct bench *bench, const char *extra,
			      const char *body)
{
	*early = (struct early){.bench = bench, .cseq = 1};
	bench->extra = extra;
	caller_sends(bench, "INVITE", 1, "inv1", "", body);
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(early->invite, sizeof(early->invite), "%s", bench->callee.text);
}

/* An answer of the callee to the INVITE, as the one with that tag; rseq 0: not a reliable one. */
static inline void early_answer(struct early *early, const char *status, const char *tag,
				unsigned rseq, const char *extra, const char *body)
{
	char text[512];

	snprintf(text, sizeof(text), "%s", extra);
	if (rseq)
		snprintf(text, sizeof(text), NEEDS_REL "RSeq: %u\r\n%s", rseq, extra);
	early->bench->extra = text;
	peer_answers(early->bench, &early->bench->callee, early->invite, status, tag, body);
	early->bench->extra = "";
}

static inline unsigned rseq_in(const char *message)
{
	const char *at = strstr(message, "\r\nRSeq: ");

	assert_non_null(at);
	return (unsigned)strtoul(at + 8, NULL, 10);
}

/* The caller gets a reliable 18x. */
static inline void early_expect(struct early *early, const char *start, const char *body)
{
	struct peer *caller = &early->bench->caller;

	peer_expect(caller, start);
	expect_header(caller, "\r\n" NEEDS_REL);
	early->rseq = rseq_in(caller->text);
	message_to_tag(caller->text, early->tag, sizeof(early->tag));
	assert_string_equal(body_of(caller->text), body);
}

static inline void early_caller_sends(struct early *early, const char *method, const char *extra,
				      const char *body)
{
	char branch[64];

	early->cseq++;
	snprintf(branch, sizeof(branch), "%s%d", method, early->cseq);
	early->bench->extra = extra;
	caller_sends(early->bench, method, early->cseq, branch, early->tag, body);
	early->bench->extra = "";
}

/* PRACK for what early_expect() saw, or for what the text says. */
static inline void early_prack_as(struct early *early, const char *rack, const char *body)
{
	char extra[128];

	snprintf(extra, sizeof(extra), "RAck: %u 1 INVITE\r\n", early->rseq);
	early_caller_sends(early, "PRACK", rack ? rack : extra, body);
}

static inline void early_prack(struct early *early, const char *body)
{
	early_prack_as(early, NULL, body);
	peer_expect(&early->bench->caller, "SIP/2.0 200 ");
	expect_header(&early->bench->caller, " PRACK\r\n");
}

/* The callee gets PRACK, and answers it. */
static inline void early_pracked(struct early *early, unsigned rseq, const char *tag,
				 const char *body)
{
	struct peer *callee = &early->bench->callee;
	char line[64];

	peer_expect(callee, "PRACK ");
	snprintf(line, sizeof(line), "\r\nRAck: %u 1 INVITE\r\n", rseq);
	expect_header(callee, line);
	snprintf(line, sizeof(line), ";tag=%s\r\nCall-ID:", tag);
	expect_header(callee, line);
	assert_string_equal(body_of(callee->text), body);
	answer(early->bench, callee, "200 OK", "", "");
}

/* 200 of the callee, and what comes of it: the body that the caller gets. */
static inline void early_finish(struct early *early, const char *callee_body, const char *body)
{
	struct bench *bench = early->bench;

	early_answer(early, "200 OK", "callee", 0, "", callee_body);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_string_equal(body_of(bench->caller.text), body);
	message_to_tag(bench->caller.text, early->tag, sizeof(early->tag));
	caller_sends(bench, "ACK", 1, "ack1", early->tag, "");
}

static inline void early_hang_up(struct early *early)
{
	early_caller_sends(early, "BYE", "", "");
	peer_expect(&early->bench->caller, "SIP/2.0 200 ");
	peer_expect(&early->bench->callee, "BYE ");
	callee_answers(early->bench, early->bench->callee.text, "200 OK", "");
	peer_expect_nothing(&early->bench->callee);
	bench_close(early->bench);
}

/* Both sides agree in a reliable 183; each allows UPDATE. */
static inline void early_agree(struct early *early, struct bench *bench)
{
	early_dial(early, bench, REL UPDATES, BODY);
	early_answer(early, "183 Session Progress", "callee", 5, UPDATES, BODY);
	early_pracked(early, 5, "callee", "");
	early_expect(early, "SIP/2.0 183 ", BODY);
	early_prack(early, "");
}
