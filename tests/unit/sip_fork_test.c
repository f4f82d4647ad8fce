/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A phone with several contacts, called in turn or at once: who rings when, what the caller hears
 * of it, and every race between the contacts, on a set clock. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>

#include "switchd/call/call.h"
#include "tests/support/call_bench.h"

#define BODY_AT(port)                                                               \
	"v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio " port " RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"

struct fork {
	struct bench *bench;
	struct peer *phones; /* of the bench */
	char invites[BENCH_PHONES][8192];
	int count;
};

/* The caller calls AT_ONCE with so many contacts of equal q; each has its INVITE. */
static struct fork fork_open(const char *media_mode, int count)
{
	struct fork fork = {.bench = bench_open(media_mode), .count = count};

	fork.phones = fork.bench->phones;
	fork.bench->called = AT_ONCE;
	for (int i = 0; i < count; i++)
		bench_register(fork.bench, AT_ONCE, i, 1000);
	caller_sends(fork.bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&fork.bench->caller, "SIP/2.0 100 ");
	for (int i = 0; i < count; i++) {
		peer_expect(&fork.phones[i], "INVITE sip:" AT_ONCE "@127.0.0.1:");
		memcpy(fork.invites[i], fork.phones[i].text, sizeof(fork.invites[i]));
	}
	return fork;
}

static void says(struct fork *fork, int index, const char *status, const char *body)
{
	static const char *const tags[BENCH_PHONES] = {"one", "two", "three"};

	peer_answers(fork->bench, &fork->phones[index], fork->invites[index], status, tags[index],
		     body);
}

/* The phone gets CANCEL and ends its INVITE with 487. */
static void is_cancelled(struct fork *fork, int index, bool is_elsewhere)
{
	struct peer *phone = &fork->phones[index];

	peer_expect(phone, "CANCEL ");
	assert_int_equal(strstr(phone->text, "\r\nReason: SIP;cause=200;") != NULL, is_elsewhere);
	peer_answers(fork->bench, phone, phone->text, "200 OK", "x", "");
	says(fork, index, "487 Request Terminated", "");
	peer_expect(phone, "ACK ");
	peer_expect_nothing(phone);
}

/* The caller has its 200 and acknowledges. */
static void caller_acknowledges(struct fork *fork, char tag[64])
{
	struct bench *bench = fork->bench;

	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, 64);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
}

/* The caller hangs up; the phone gets BYE. */
static void caller_hangs_up(struct fork *fork, int index, const char *tag)
{
	struct bench *bench = fork->bench;

	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&fork->phones[index], "BYE ");
	peer_answers(bench, &fork->phones[index], fork->phones[index].text, "200 OK", "x", "");
	peer_expect_nothing(&bench->caller);
	peer_expect_nothing(&fork->phones[index]);
}

static void caller_talks(struct fork *fork, int index, char tag[64])
{
	caller_acknowledges(fork, tag);
	caller_hangs_up(fork, index, tag);
}

static struct call_detail detail_of(const struct bench *bench)
{
	struct call_detail detail;
	struct call_info info;

	assert_int_equal(call_table_list(bench->worker->calls, 0, &info, 1), 1);
	assert_true(call_table_detail(bench->worker->calls, info.id, &detail));
	return detail;
}

/* The attempt at that phone. Among equals the order is the registrar's. */
static const struct call_attempt_info *attempt_at(const struct call_detail *detail,
						  const struct peer *phone)
{
	for (size_t i = 0; i < detail->attempt_count; i++)
		if (detail->attempts[i].address.port == phone->port)
			return &detail->attempts[i];
	fail_msg("no attempt at port %u", phone->port);
	return NULL;
}

static void first_answer_wins(void **state)
{
	struct fork fork = fork_open("off", 3);
	struct bench *bench = fork.bench;
	const struct call_attempt_info *attempt;
	struct call_detail detail;
	char tag[64], early_tag[64];

	(void)state;
	says(&fork, 1, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	/* It rings; that it rings elsewhere, too, is no news. */
	says(&fork, 0, "180 Ringing", "");
	says(&fork, 2, "100 Trying", "");
	peer_expect_nothing(&bench->caller);
	detail = detail_of(bench);
	assert_string_equal(detail.info.state, "ringing");
	assert_int_equal(detail.attempt_count, 3);
	assert_string_equal(attempt_at(&detail, &fork.phones[0])->state, "ringing");
	attempt = attempt_at(&detail, &fork.phones[2]);
	assert_string_equal(attempt->state, "trying");
	assert_true(attempt->stage_s > 0 && attempt->stage_s <= 20);
	bench_advance(bench, 2000);
	says(&fork, 0, "200 OK", BODY);
	peer_expect(&fork.phones[0], "ACK ");
	is_cancelled(&fork, 1, true);
	is_cancelled(&fork, 2, true);
	detail = detail_of(bench);
	assert_string_equal(detail.info.state, "connected");
	assert_string_equal(detail.info.legs[1].party, "phone " AT_ONCE);
	attempt = attempt_at(&detail, &fork.phones[0]);
	assert_string_equal(attempt->state, "answered");
	assert_int_equal(attempt->end_ms, 2000);
	assert_string_equal(attempt->outcome, "");
	for (int i = 1; i < 3; i++) {
		attempt = attempt_at(&detail, &fork.phones[i]);
		assert_string_equal(attempt->state, "ended");
		assert_string_equal(attempt->outcome, "answered-elsewhere");
		assert_int_equal(attempt->ring_ms > 0, i == 1);
	}
	caller_talks(&fork, 0, tag);
	assert_string_equal(tag, early_tag);
	bench_close(bench);
}

static void two_answers_at_once(void **state)
{
	struct fork fork = fork_open("off", 2);
	struct bench *bench = fork.bench;
	char tag[64];

	(void)state;
	says(&fork, 0, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	says(&fork, 1, "180 Ringing", "");
	says(&fork, 1, "200 OK", BODY);
	peer_expect(&fork.phones[1], "ACK ");
	caller_acknowledges(&fork, tag);
	/* The other's 200 crosses the CANCEL. */
	peer_expect(&fork.phones[0], "CANCEL ");
	says(&fork, 0, "200 OK", BODY);
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect(&fork.phones[0], "BYE ");
	/* The ACK was lost: its 200 comes again, and gets another. */
	says(&fork, 0, "200 OK", BODY);
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect_nothing(&fork.phones[1]);
	/* It hangs up by itself at that moment: its BYE and ours cross. */
	peer_requests(bench, &fork.phones[0], "one", fork.invites[0], "BYE", 1, "");
	peer_expect(&fork.phones[0], "SIP/2.0 200 ");
	peer_expect_nothing(&fork.phones[0]);
	bench_advance(bench, 600);
	peer_expect(&fork.phones[0], "BYE "); /* until it is answered */
	peer_answers(bench, &fork.phones[0], fork.phones[0].text, "481 Gone", "one", "");
	caller_hangs_up(&fork, 1, tag);
	bench_close(bench);
}

/* BYE of a loser before it was told that it is one, and before its 200, which was overtaken. */
static void loser_hangs_up_first(void **state)
{
	struct fork fork = fork_open("off", 2);
	struct bench *bench = fork.bench;
	char tag[64];

	(void)state;
	says(&fork, 0, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	says(&fork, 1, "200 OK", BODY);
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect(&fork.phones[0], "CANCEL ");
	peer_requests(bench, &fork.phones[0], "one", fork.invites[0], "BYE", 1, "");
	peer_expect(&fork.phones[0], "SIP/2.0 481 ");
	says(&fork, 0, "200 OK", BODY);
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect(&fork.phones[0], "BYE ");
	peer_answers(bench, &fork.phones[0], fork.phones[0].text, "481 Gone", "one", "");
	caller_talks(&fork, 1, tag);
	bench_close(bench);
}

/* CANCEL to one that has said nothing waits for its first 18x; its 200 instead is ended. */
static void silent_losers(void **state)
{
	struct fork fork = fork_open("off", 3);
	struct bench *bench = fork.bench;
	char tag[64];

	(void)state;
	says(&fork, 2, "200 OK", BODY);
	peer_expect(&fork.phones[2], "ACK ");
	peer_expect_nothing(&fork.phones[0]);
	peer_expect_nothing(&fork.phones[1]);
	says(&fork, 0, "180 Ringing", "");
	is_cancelled(&fork, 0, true);
	says(&fork, 1, "200 OK", BODY);
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect(&fork.phones[1], "BYE ");
	assert_non_null(strstr(fork.phones[1].text, "\r\nReason: Q.850;cause=26;"));
	peer_answers(bench, &fork.phones[1], fork.phones[1].text, "200 OK", "x", "");
	caller_talks(&fork, 2, tag);
	bench_close(bench);
}

static void one_busy_one_without_answer(void **state)
{
	struct fork fork = fork_open("off", 2);
	struct bench *bench = fork.bench;
	struct call_detail detail;

	(void)state;
	says(&fork, 0, "486 Busy Here", "");
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect_nothing(&bench->caller);
	says(&fork, 1, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	detail = detail_of(bench);
	assert_string_equal(attempt_at(&detail, &fork.phones[0])->state, "failed");
	assert_string_equal(attempt_at(&detail, &fork.phones[0])->outcome, "486");
	bench_advance(bench, 119900);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 200);
	is_cancelled(&fork, 1, false);
	/* Somebody could have answered: that says more than that one contact was busy. */
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

/* Each branch has its own stage timer; the best answer is told when the last one is over. */
static void answers_are_weighed(const char *first, const char *second, const char *seen)
{
	struct fork fork = fork_open("off", 2);
	struct bench *bench = fork.bench;

	says(&fork, 0, first, "");
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect_nothing(&bench->caller);
	says(&fork, 1, second, "");
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect(&bench->caller, seen);
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	bench_close(bench);
}

static void best_answer(void **state)
{
	(void)state;
	answers_are_weighed("486 Busy Here", "486 Busy Here", "SIP/2.0 486 ");
	answers_are_weighed("503 Broken", "486 Busy Here", "SIP/2.0 486 ");
	answers_are_weighed("486 Busy Here", "500 Oops", "SIP/2.0 486 ");
	answers_are_weighed("486 Busy Here", "484 Incomplete", "SIP/2.0 484 ");
	answers_are_weighed("404 Unknown", "486 Busy Here", "SIP/2.0 486 ");
	answers_are_weighed("500 Oops", "503 Broken", "SIP/2.0 500 ");
	answers_are_weighed("503 Broken", "603 Decline", "SIP/2.0 603 ");
}

static void decline_ends_all(void **state)
{
	struct fork fork = fork_open("off", 3);
	struct bench *bench = fork.bench;

	(void)state;
	says(&fork, 0, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	says(&fork, 1, "180 Ringing", "");
	says(&fork, 2, "603 Decline", "");
	peer_expect(&fork.phones[2], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 603 ");
	is_cancelled(&fork, 0, false);
	/* This one answers at that moment. */
	peer_expect(&fork.phones[1], "CANCEL ");
	says(&fork, 1, "200 OK", BODY);
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect(&fork.phones[1], "BYE ");
	peer_answers(bench, &fork.phones[1], fork.phones[1].text, "200 OK", "x", "");
	bench_close(bench);
}

static void caller_gives_up_while_three_ring(void **state)
{
	struct fork fork = fork_open("on", 3);
	struct bench *bench = fork.bench;
	char cancel_tag[64], invite_tag[64], early_tag[64];

	(void)state;
	for (int i = 0; i < 3; i++)
		says(&fork, i, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, cancel_tag, sizeof(cancel_tag));
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	message_to_tag(bench->caller.text, invite_tag, sizeof(invite_tag));
	/* RFC 3261 9.2 */
	assert_string_equal(cancel_tag, invite_tag);
	assert_string_equal(early_tag, invite_tag);
	for (int i = 0; i < 3; i++)
		is_cancelled(&fork, i, false);
	/* CANCEL again, when the leg is gone: still the same tag. */
	bench_advance(bench, 100);
	peer_expect_nothing(&bench->caller);
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, cancel_tag, sizeof(cancel_tag));
	assert_string_equal(cancel_tag, invite_tag);
	caller_sends(bench, "ACK", 1, "inv1", invite_tag, "");
	bench_close(bench);
}

/* The same when the caller has heard nothing but 100. */
static void caller_gives_up_at_once(void **state)
{
	struct fork fork = fork_open("on", 2);
	struct bench *bench = fork.bench;
	char cancel_tag[64], invite_tag[64];

	(void)state;
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, cancel_tag, sizeof(cancel_tag));
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	message_to_tag(bench->caller.text, invite_tag, sizeof(invite_tag));
	assert_string_equal(cancel_tag, invite_tag);
	caller_sends(bench, "ACK", 1, "inv1", invite_tag, "");
	/* One rings now, the other never says anything. */
	says(&fork, 0, "180 Ringing", "");
	is_cancelled(&fork, 0, false);
	peer_expect_nothing(&fork.phones[1]);
	bench_close(bench);
}

/* Early media comes from one phone; the answer of another is another dialog for the caller. */
static void early_media_of_one(void **state)
{
	struct fork fork = fork_open("off", 3);
	struct bench *bench = fork.bench;
	char tag[64], early_tag[64], other_tag[64];

	(void)state;
	says(&fork, 0, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	says(&fork, 1, "183 Progress", BODY_AT("4100"));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 4100 "));
	message_to_tag(bench->caller.text, other_tag, sizeof(other_tag));
	assert_string_equal(early_tag, other_tag);
	says(&fork, 2, "183 Progress", BODY_AT("4200"));
	says(&fork, 2, "180 Ringing", BODY_AT("4200"));
	says(&fork, 0, "180 Ringing", "");
	peer_expect_nothing(&bench->caller);
	/* The one that is heard says more. */
	says(&fork, 1, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	/* Its SDP stood in its 18x only. */
	says(&fork, 2, "200 OK", "");
	peer_expect(&fork.phones[2], "ACK ");
	is_cancelled(&fork, 0, true);
	is_cancelled(&fork, 1, true);
	caller_talks(&fork, 2, tag);
	assert_string_not_equal(tag, early_tag);
	bench_close(bench);
}

/* The one that is heard gives up: the next that has something to say is heard. */
static void early_media_moves_on(void **state)
{
	struct fork fork = fork_open("off", 2);
	struct bench *bench = fork.bench;
	char tag[64], early_tag[64];

	(void)state;
	says(&fork, 0, "183 Progress", BODY_AT("4100"));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	says(&fork, 1, "183 Progress", BODY_AT("4200"));
	peer_expect_nothing(&bench->caller);
	says(&fork, 0, "480 Gone", "");
	peer_expect(&fork.phones[0], "ACK ");
	says(&fork, 1, "183 Progress", BODY_AT("4200"));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 4200 "));
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	assert_string_not_equal(tag, early_tag);
	snprintf(early_tag, sizeof(early_tag), "%s", tag);
	says(&fork, 1, "200 OK", BODY_AT("4200"));
	peer_expect(&fork.phones[1], "ACK ");
	caller_talks(&fork, 1, tag);
	assert_string_equal(tag, early_tag);
	bench_close(bench);
}

/* Behind one contact a proxy has called several phones. */
static void tags_of_one_branch(void **state)
{
	struct fork fork = fork_open("on", 2);
	struct bench *bench = fork.bench;
	char tag[64], early_tag[64];
	struct peer *proxy = &fork.phones[0];
	const char *invite = fork.invites[0];
	const char *port;

	(void)state;
	peer_answers(bench, proxy, invite, "183 Progress", "fork-a", BODY_AT("4100"));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	port = strstr(bench->caller.text, "m=audio ");
	assert_non_null(port);
	/* The SDP of the second is not the caller's: it has that of the first. */
	peer_answers(bench, proxy, invite, "180 Ringing", "fork-b", BODY_AT("4200"));
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	assert_null(strstr(bench->caller.text, "m=audio"));
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	assert_string_equal(tag, early_tag);
	peer_answers(bench, proxy, invite, "200 OK", "fork-b", BODY_AT("4200"));
	peer_expect(proxy, "ACK ");
	/* And the first answers, too. */
	peer_answers(bench, proxy, invite, "200 OK", "fork-a", BODY_AT("4100"));
	peer_expect(proxy, "ACK ");
	peer_expect(proxy, "BYE ");
	peer_answers(bench, proxy, proxy->text, "200 OK", "x", "");
	/* Nothing heard from the other contact: it is cancelled when it speaks. */
	says(&fork, 1, "180 Ringing", "");
	is_cancelled(&fork, 1, true);
	caller_talks(&fork, 0, tag);
	assert_string_equal(tag, early_tag); /* relayed: the same port of ours */
	bench_close(bench);
}

/* INVITE without SDP to several phones: whose offer is in the answer gets the caller's. */
static void late_offer_to_several(void **state)
{
	struct bench *bench = bench_open("on");
	char invites[2][8192], tag[64];

	(void)state;
	bench->called = AT_ONCE;
	for (int i = 0; i < 2; i++)
		bench_register(bench, AT_ONCE, i, 1000);
	caller_sends(bench, "INVITE", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	for (int i = 0; i < 2; i++) {
		peer_expect(&bench->phones[i], "INVITE ");
		memcpy(invites[i], bench->phones[i].text, sizeof(invites[i]));
		assert_null(strstr(invites[i], "m=audio"));
	}
	peer_answers(bench, &bench->phones[0], invites[0], "200 OK", "one", BODY);
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	peer_expect_nothing(&bench->phones[0]); /* ACK waits for the caller's answer */
	caller_sends(bench, "ACK", 1, "ack1", tag, BODY);
	peer_expect(&bench->phones[0], "ACK ");
	assert_non_null(strstr(bench->phones[0].text, "m=audio 20"));
	peer_answers(bench, &bench->phones[1], invites[1], "486 Busy Here", "two", "");
	peer_expect(&bench->phones[1], "ACK ");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->phones[0], "BYE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "x", "");
	bench_close(bench);
}

/* A branch whose SDP is none is out; the others ring on. */
static void broken_sdp_of_one(void **state)
{
	struct fork fork = fork_open("on", 2);
	struct bench *bench = fork.bench;
	char tag[64];

	(void)state;
	says(&fork, 0, "183 Progress", "this is no session description\r\n");
	peer_expect(&fork.phones[0], "CANCEL ");
	says(&fork, 0, "487 Request Terminated", "");
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect_nothing(&bench->caller);
	says(&fork, 1, "200 OK", BODY);
	peer_expect(&fork.phones[1], "ACK ");
	caller_talks(&fork, 1, tag);
	bench_close(bench);
}

/* Groups of equal q: the best at once, then the rest. */
static void groups_by_q(void **state)
{
	struct bench *bench = bench_open("off");
	struct fork fork = {.bench = bench, .phones = bench->phones, .count = 3};
	char tag[64];

	(void)state;
	bench->called = AT_ONCE;
	bench_register(bench, AT_ONCE, 0, 500);
	bench_register(bench, AT_ONCE, 1, 1000);
	bench_register(bench, AT_ONCE, 2, 1000);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	for (int i = 1; i < 3; i++) {
		peer_expect(&fork.phones[i], "INVITE ");
		memcpy(fork.invites[i], fork.phones[i].text, sizeof(fork.invites[i]));
	}
	peer_expect_nothing(&fork.phones[0]);
	says(&fork, 1, "486 Busy Here", "");
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect_nothing(&fork.phones[0]);
	says(&fork, 2, "486 Busy Here", "");
	peer_expect(&fork.phones[2], "ACK ");
	peer_expect(&fork.phones[0], "INVITE ");
	memcpy(fork.invites[0], fork.phones[0].text, sizeof(fork.invites[0]));
	says(&fork, 0, "200 OK", BODY);
	peer_expect(&fork.phones[0], "ACK ");
	caller_talks(&fork, 0, tag);
	bench_close(bench);
}

/* The line of an INVITE that says where its sender takes media. */
static struct span media_line(const char *invite)
{
	const char *at = strstr(invite, "m=audio ");

	assert_non_null(at);
	return (struct span){at, strcspn(at, "\r")};
}

/* By q, each until its stage timer. */
static void in_turn(void **state)
{
	struct bench *bench = bench_open("on");
	struct fork fork = {.bench = bench, .phones = bench->phones, .count = 3};
	struct call_detail detail;
	char tag[64], early_tag[64];

	(void)state;
	bench->called = IN_TURN;
	bench_register(bench, IN_TURN, 0, 900);
	bench_register(bench, IN_TURN, 1, 1000);
	bench_register(bench, IN_TURN, 2, 800);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&fork.phones[1], "INVITE ");
	memcpy(fork.invites[1], fork.phones[1].text, sizeof(fork.invites[1]));
	says(&fork, 1, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	bench_advance(bench, 119900);
	peer_expect_nothing(&fork.phones[0]);
	peer_expect_nothing(&fork.phones[1]);
	bench_advance(bench, 200);
	is_cancelled(&fork, 1, false);
	peer_expect(&fork.phones[0], "INVITE ");
	memcpy(fork.invites[0], fork.phones[0].text, sizeof(fork.invites[0]));
	/* Busy ends the attempt, not the call. */
	says(&fork, 0, "486 Busy Here", "");
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect(&fork.phones[2], "INVITE ");
	memcpy(fork.invites[2], fork.phones[2].text, sizeof(fork.invites[2]));
	peer_expect_nothing(&bench->caller);
	says(&fork, 2, "200 OK", BODY);
	peer_expect(&fork.phones[2], "ACK ");
	/* Neither has sent an SDP, so one pair of ports has done for all. */
	assert_true(span_eq(media_line(fork.invites[1]), media_line(fork.invites[0])));
	assert_true(span_eq(media_line(fork.invites[1]), media_line(fork.invites[2])));
	detail = detail_of(bench);
	assert_int_equal(detail.attempt_count, 3);
	assert_string_equal(detail.attempts[0].outcome, "no-answer");
	assert_true(detail.attempts[0].end_ms >= 120000 && detail.attempts[0].end_ms < 120200);
	assert_string_equal(detail.attempts[1].outcome, "486");
	assert_string_equal(detail.attempts[2].state, "answered");
	caller_talks(&fork, 2, tag);
	assert_string_equal(tag, early_tag);
	bench_close(bench);
}

/* The relay's port that the caller was told of stays when the next contact is called. */
static void in_turn_with_early_media(void **state)
{
	struct bench *bench = bench_open("on");
	struct fork fork = {.bench = bench, .phones = bench->phones, .count = 2};
	char tag[64], early_tag[64], media[2][32];

	(void)state;
	bench->called = IN_TURN;
	bench_register(bench, IN_TURN, 0, 1000);
	bench_register(bench, IN_TURN, 1, 900);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&fork.phones[0], "INVITE ");
	memcpy(fork.invites[0], fork.phones[0].text, sizeof(fork.invites[0]));
	says(&fork, 0, "183 Progress", BODY_AT("4100"));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	message_to_tag(bench->caller.text, early_tag, sizeof(early_tag));
	snprintf(media[0], sizeof(media[0]), "%.20s", strstr(bench->caller.text, "m=audio "));
	says(&fork, 0, "480 Gone", "");
	peer_expect(&fork.phones[0], "ACK ");
	peer_expect(&fork.phones[1], "INVITE ");
	memcpy(fork.invites[1], fork.phones[1].text, sizeof(fork.invites[1]));
	says(&fork, 1, "200 OK", BODY_AT("4200"));
	peer_expect(&fork.phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	snprintf(media[1], sizeof(media[1]), "%.20s", strstr(bench->caller.text, "m=audio "));
	assert_string_equal(media[0], media[1]);
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	assert_string_equal(tag, early_tag);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&fork.phones[1], "BYE ");
	peer_answers(bench, &fork.phones[1], fork.phones[1].text, "200 OK", "x", "");
	bench_close(bench);
}

static void in_turn_declined(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	bench->called = IN_TURN;
	bench_register(bench, IN_TURN, 0, 1000);
	bench_register(bench, IN_TURN, 1, 900);
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "603 Decline", "one", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 603 ");
	peer_expect_nothing(&bench->phones[1]);
	bench_close(bench);
}

/* The switch ends everything while phones ring. */
static void cleared_while_ringing(void **state)
{
	struct fork fork = fork_open("on", 2);
	struct bench *bench = fork.bench;
	uint64_t after = 0;
	size_t cleared = 0;

	(void)state;
	says(&fork, 0, "180 Ringing", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	says(&fork, 1, "180 Ringing", "");
	assert_false(call_table_clear_some(bench->worker->calls, &after, UINT64_MAX, "out", 64,
					   &cleared));
	assert_int_equal(cleared, 0);
	after = 0;
	assert_false(call_table_clear_some(bench->worker->calls, &after, UINT64_MAX, "in", 64,
					   &cleared));
	assert_int_equal(cleared, 1);
	bench_advance(bench, 10);
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	is_cancelled(&fork, 0, false);
	is_cancelled(&fork, 1, false);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(first_answer_wins), cmocka_unit_test(two_answers_at_once),
	  cmocka_unit_test(loser_hangs_up_first), cmocka_unit_test(silent_losers),
	  cmocka_unit_test(one_busy_one_without_answer), cmocka_unit_test(best_answer),
	  cmocka_unit_test(decline_ends_all), cmocka_unit_test(caller_gives_up_while_three_ring),
	  cmocka_unit_test(caller_gives_up_at_once), cmocka_unit_test(early_media_of_one),
	  cmocka_unit_test(early_media_moves_on), cmocka_unit_test(tags_of_one_branch),
	  cmocka_unit_test(late_offer_to_several), cmocka_unit_test(broken_sdp_of_one),
	  cmocka_unit_test(groups_by_q), cmocka_unit_test(in_turn),
	  cmocka_unit_test(in_turn_with_early_media), cmocka_unit_test(in_turn_declined),
	  cmocka_unit_test(cleared_while_ringing))
