/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers that lie, repeat themselves or fall silent: what a signalling thread must survive, and end
 * in bounded time. */
#include "tests/support/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "switchd/call/call.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/txn.h"
#include "tests/support/call_bench.h"

/* An INVITE with free choice of what the helper fixes. */
struct invite {
	const char *uri_user;
	const char *from;
	const char *contact;
	const char *extra; /* header lines */
	const char *call_id;
	const char *branch;
	int hops;
};

static void send_invite(struct bench *bench, const struct invite *invite)
{
	char text[16384];
	int len;

	len = snprintf(text, sizeof(text),
		       "INVITE sip:%s@127.0.0.1 SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bK%s\r\n"
		       "Max-Forwards: %d\r\nFrom: %s;tag=caller\r\nTo: <sip:900@127.0.0.1>\r\n"
		       "Call-ID: %s\r\nCSeq: 1 INVITE\r\n"
		       "Contact: %s\r\n%sContent-Type: application/sdp\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       invite->uri_user ? invite->uri_user : "900", bench->caller.port,
		       invite->branch ? invite->branch : "inv1", invite->hops ? invite->hops : 70,
		       invite->from ? invite->from : "<sip:100@127.0.0.1>",
		       invite->call_id ? invite->call_id : "call-1",
		       invite->contact ? invite->contact : "<sip:100@127.0.0.1:9>",
		       invite->extra ? invite->extra : "", strlen(BODY), BODY);
	assert_in_range(len, 1, sizeof(text) - 1);
	peer_send(bench, &bench->caller, text);
}

static void last_hop_is_not_a_new_start(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	send_invite(bench, &(struct invite){.hops = 1});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "\r\nMax-Forwards: 0\r\n"));
	callee_answers(bench, bench->callee.text, "483 Too Many Hops", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 483 ");
	/* The largest count that there is does not lengthen a loop. */
	send_invite(bench, &(struct invite){.hops = 255, .call_id = "call-2", .branch = "inv2"});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "\r\nMax-Forwards: 69\r\n"));
	bench_close(bench);
}

static void dialled_line_ends_stay_out_of_headers(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	send_invite(bench, &(struct invite){.uri_user = "9%0d%0aX-Evil:%20y"});
	peer_expect(&bench->caller, "SIP/2.0 404 ");
	peer_expect_nothing(&bench->callee);
	/* Quotes, blanks and angle brackets are escaped again. */
	send_invite(bench, &(struct invite){.uri_user = "9%22%3E%20%40x", .branch = "inv2"});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE sip:9%22%3E%20%40x@127.0.0.1:");
	assert_non_null(strstr(bench->callee.text, "\r\nTo: <sip:9%22%3E%20%40x@127.0.0.1:"));
	bench_close(bench);
}

static void caller_names_stay_out_of_headers(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	send_invite(bench, &(struct invite){
				   .from = "\"a\\\" <sip:evil@h>;x=\" <sip:%22%3Cx%0d@127.0.0.1>"});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_null(strstr(bench->callee.text, "evil"));
	assert_null(strstr(bench->callee.text, "%0d"));
	bench_close(bench);
}

static void merged_invite(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	send_invite(bench, &(struct invite){.branch = "one"});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	send_invite(bench, &(struct invite){.branch = "two"});
	peer_expect(&bench->caller, "SIP/2.0 482 ");
	peer_expect_nothing(&bench->callee);
	/* A repeat of the first is none. */
	send_invite(bench, &(struct invite){.branch = "one"});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	bench_close(bench);
}

/* A branch so long that it does not fit a small buffer still finds its transaction. */
static void long_branch_is_one_transaction(void **state)
{
	struct bench *bench = bench_open("off");
	char branch[3001];

	(void)state;
	memset(branch, 'x', sizeof(branch) - 1);
	branch[sizeof(branch) - 1] = '\0';
	for (int i = 0; i < 2; i++) {
		send_invite(bench, &(struct invite){.branch = branch});
		peer_expect(&bench->caller, "SIP/2.0 100 ");
	}
	peer_expect(&bench->callee, "INVITE ");
	peer_expect_nothing(&bench->callee);
	bench_close(bench);
}

static void unusable_headers_are_refused(void **state)
{
	static char long_user[3000];
	static char routes[9000];
	char contact[3100], call_id[3000];
	struct bench *bench = bench_open("off");
	const struct invite cases[] = {
		{.contact = "*"},     {.contact = "<mailto:a@b.c>"},
		{.contact = contact}, {.call_id = call_id},
		{.from = contact},    {.extra = routes},
	};

	(void)state;
	memset(long_user, 'u', sizeof(long_user) - 1);
	snprintf(contact, sizeof(contact), "<sip:%s@127.0.0.1>", long_user);
	snprintf(call_id, sizeof(call_id), "%s", long_user);
	for (size_t at = 0; at + 64 < sizeof(routes);)
		at += (size_t)snprintf(routes + at, sizeof(routes) - at,
				       "Record-Route: <sip:p%03zu.example.net;lr>\r\n", at % 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct invite invite = cases[i];
		char branch[8];

		snprintf(branch, sizeof(branch), "b%zu", i);
		invite.branch = branch;
		send_invite(bench, &invite);
		peer_expect(&bench->caller, "SIP/2.0 400 ");
		peer_expect_nothing(&bench->caller);
		peer_expect_nothing(&bench->callee);
	}
	bench_close(bench);
}

/* 100 to a re-INVITE and then nothing: the asker gets an answer, and the call can go on. */
static void silent_after_trying(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], reinvite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(reinvite, sizeof(reinvite), "%s", bench->callee.text);
	callee_answers(bench, reinvite, "100 Trying", "");
	bench_advance(bench, 119000);
	peer_expect_nothing(&bench->caller);
	bench_advance(bench, 1200);
	peer_expect(&bench->callee, "CANCEL ");
	peer_expect(&bench->caller, "SIP/2.0 504 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	/* Its answer comes too late, but is acknowledged. */
	callee_answers(bench, reinvite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	caller_sends(bench, "INVITE", 3, "re2", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 3, "ack3", tag, "");
	caller_sends(bench, "BYE", 4, "bye1", tag, "");
	bench_close(bench);
}

/* The asker takes its offer back: the other side is told, and later offers are possible, whether
 * the CANCEL was in time or not. */
static void cancelled_reinvite(void **state)
{
	for (int is_late = 0; is_late < 2; is_late++) {
		struct bench *bench = bench_open("off");
		char invite[8192], reinvite[8192], tag[64];

		(void)state;
		bench_set_up(bench, invite, tag);
		caller_sends(bench, "INVITE", 2, "re1", tag, "");
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		snprintf(reinvite, sizeof(reinvite), "%s", bench->callee.text);
		callee_answers(bench, reinvite, "100 Trying", "");
		caller_sends(bench, "CANCEL", 2, "re1", tag, "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		peer_expect(&bench->caller, "SIP/2.0 487 ");
		peer_expect(&bench->callee, "CANCEL ");
		callee_answers(bench, bench->callee.text, "200 OK", "");
		caller_sends(bench, "ACK", 2, "re1", tag, "");
		callee_answers(bench, reinvite, is_late ? "200 OK" : "487 Terminated",
			       is_late ? BODY : "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect_nothing(&bench->caller);
		assert_int_equal(call_table_count(bench->worker->calls), 1);
		caller_sends(bench, "INVITE", 3, "re2", tag, BODY);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		callee_answers(bench, bench->callee.text, "200 OK", BODY);
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		caller_sends(bench, "ACK", 3, "ack3", tag, "");
		caller_sends(bench, "BYE", 4, "bye1", tag, "");
		bench_close(bench);
	}
}

/* What the callee needs a challenge for is not the asker's business. */
static void challenged_reinvite(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "407 Proxy Authentication Required", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	bench_close(bench);
}

/* Provisional answers that never end do not keep a cancelled leg. */
static void ringing_after_cancel(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192];

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	callee_answers(bench, invite, "180 Ringing", "");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	caller_sends(bench, "ACK", 1, "inv1", "", "");
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	for (int i = 0; i < 35; i++) {
		callee_answers(bench, invite, i % 2 ? "183 Progress" : "180 Ringing", "");
		bench_advance(bench, 1000);
	}
	assert_true(leg_table_is_quiet(bench->worker));
	bench_close(bench);
}

/* SDP in 18x and none in 200: the caller's 200 has what it was told before. The tag of the answer
 * counts, not that of what came before it. */
static void answer_without_its_early_sdp(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], answer[8300], tag[64];
	size_t to_end;

	(void)state;
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	callee_answers(bench, invite, "183 Session Progress", BODY);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	to_end = (size_t)(strstr(strstr(invite, "\r\nTo: ") + 2, "\r\n") - invite);
	snprintf(answer, sizeof(answer), "%.*s;tag=second%s", (int)to_end, invite, invite + to_end);
	callee_answers(bench, answer, "200 OK", "");
	peer_expect(&bench->callee, "ACK ");
	assert_non_null(strstr(bench->callee.text, ";tag=second"));
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 4000"));
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	bench_close(bench);
}

/* A re-INVITE without SDP: the callee's repeated 200 waits for the caller's answer. */
static void late_offer_in_reinvite(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], reinvite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(reinvite, sizeof(reinvite), "%s", bench->callee.text);
	for (int i = 0; i < 2; i++) {
		callee_answers(bench, reinvite, "200 OK", BODY);
		peer_expect_nothing(&bench->callee);
	}
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "ack2", tag, BODY);
	for (int i = 0; i < 2; i++) {
		peer_expect(&bench->callee, "ACK ");
		assert_non_null(strstr(bench->callee.text, "m=audio 4000"));
		callee_answers(bench, reinvite, "200 OK", BODY);
	}
	peer_expect(&bench->callee, "ACK ");
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	bench_close(bench);
}

/* The ACK of the first INVITE was lost and a re-INVITE is already under way. */
static void answer_repeated_under_reinvite(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64], ack[8192];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "INVITE", 2, "re1", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, invite, "200 OK", BODY);
	peer_expect(&bench->callee, "ACK ");
	snprintf(ack, sizeof(ack), "%s", bench->callee.text);
	assert_non_null(strstr(ack, "\r\nCSeq: 1 ACK\r\n"));
	caller_sends(bench, "BYE", 3, "bye1", tag, "");
	bench_close(bench);
}

/* Before any answer there is no dialog that the callee could end. */
static void request_of_callee_before_answer(void **state)
{
	struct bench *bench = bench_open("off");
	char text[1024], *from, *id;

	(void)state;
	send_invite(bench, &(struct invite){0});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	from = strstr(bench->callee.text, "\r\nFrom: ") + 8;
	id = strstr(bench->callee.text, "\r\nCall-ID: ") + 11;
	snprintf(
		text, sizeof(text),
		"BYE sip:100@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKb\r\n"
		"From: <sip:900@127.0.0.1>\r\nTo: %.*s\r\nCall-ID: %.*s\r\nCSeq: 1 BYE\r\n"
		"Content-Length: 0\r\n\r\n",
		bench->callee.port, (int)strcspn(from, "\r"), from, (int)strcspn(id, "\r"), id);
	peer_send(bench, &bench->callee, text);
	peer_expect_nothing(&bench->caller);
	assert_int_equal(call_table_count(bench->worker->calls), 1);
	bench_close(bench);
}

/* Every tag of a fork is a dialog to end, but not without bound. */
static void endless_fork(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64], fork[8300];
	size_t to_end;
	int byes = 0;

	(void)state;
	bench_set_up(bench, invite, tag);
	to_end = (size_t)(strstr(strstr(invite, "\r\nTo: ") + 2, "\r\n") - invite);
	for (int i = 0; i < 50; i++) {
		snprintf(fork, sizeof(fork), "%.*s;tag=fork%d%s", (int)to_end, invite, i,
			 invite + to_end);
		callee_answers(bench, fork, "200 OK", BODY);
	}
	while (peer_got(&bench->callee))
		byes += strncmp(bench->callee.text, "BYE ", 4) == 0;
	assert_int_equal(byes, 8);
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	bench_close(bench);
}

/* The peer's 200 names proxies beyond all use: the call fails, the peer is told. */
static void answer_with_too_many_routes(void **state)
{
	struct bench *bench = bench_open("off");
	char invite[8192], text[16000];
	size_t at;

	(void)state;
	send_invite(bench, &(struct invite){0});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	at = (size_t)(strstr(invite, "\r\nContact: ") + 2 - invite);
	snprintf(text, sizeof(text), "SIP/2.0 200 OK%s", strstr(invite, "\r\nVia: "));
	at = (size_t)(strstr(text, "\r\nContact: ") + 2 - text);
	for (int i = 0; i < 100; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "Record-Route: <sip:p%d.example.net;lr>\r\n", i);
	snprintf(text + at, sizeof(text) - at,
		 "Contact: <sip:900@127.0.0.1:%u>\r\nContent-Length: 0\r\n\r\n",
		 bench->callee.port);
	peer_send(bench, &bench->callee, text);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->callee, "BYE ");
	peer_expect(&bench->caller, "SIP/2.0 500 ");
	assert_int_equal(call_table_count(bench->worker->calls), 0);
	bench_close(bench);
}

/* A Contact that cannot be sent to from this leg's socket is not where its requests go. */
static void contact_of_another_family(void **state)
{
	struct bench *bench = bench_open("off");
	char tag[64], invite[8192], text[4096], *contact;

	(void)state;
	send_invite(bench, &(struct invite){0});
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(invite, sizeof(invite), "%s", bench->callee.text);
	contact = strstr(invite, "\r\nContact: ");
	assert_non_null(contact);
	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK%.*s\r\nContact: <sip:900@[2001:db8::1]>\r\nContent-Length: "
		 "0\r\n\r\n",
		 (int)(contact - strstr(invite, "\r\nVia: ")), strstr(invite, "\r\nVia: "));
	peer_send(bench, &bench->callee, text);
	peer_expect(&bench->callee, "ACK sip:900@[2001:db8::1] ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	caller_sends(bench, "BYE", 2, "bye1", tag, "");
	peer_expect(&bench->callee, "BYE sip:900@[2001:db8::1] ");
	bench_close(bench);
}

/* Call-IDs that look like ours and name no thread; the owner is always one that there is. */
static void foreign_call_id_names_no_thread(void **state)
{
	const char *const call_ids[] = {"v1--1abcdef",
					"v1-+1abcdef",
					"v1- 1abcdef",
					"v1-ffabcdef",
					"v1-0xabcdef",
					"v1-03abcdef",
					"v1-",
					"v1-0",
					"v1-00",
					"",
					"v1-\xff\xff"
					"00"};
	const struct sip_shared shared = {.worker_count = 3};

	(void)state;
	for (size_t i = 0; i < sizeof(call_ids) / sizeof(call_ids[0]); i++)
		assert_in_range(worker_of_call_id(&shared, span_of(call_ids[i])), 0, 2);
	assert_int_equal(worker_of_call_id(&shared, SPAN_LIT("v1-02abcdef")), 2);
	assert_int_equal(worker_of_call_id(&shared, SPAN_LIT("v1-01abcdef")), 1);
}

#define SHORT_SHAPES 3

/* Requests from hardly a header to just what there must be. */
static void fill(char *text, size_t size, size_t shape, const char *method, unsigned port)
{
	if (shape == 0)
		snprintf(text, size, "%s a SIP/2.0\r\nv:SIP/2.0/UDP a:%u\r\n\r\n", method, port);
	else if (shape == 1)
		snprintf(text, size,
			 "%s a SIP/2.0\r\nv:SIP/2.0/UDP a:%u\r\nf:a:\r\nt:a:\r\ni:1\r\n"
			 "CSeq:1 %s\r\n\r\n",
			 method, port, method);
	else
		snprintf(text, size,
			 "%s sip:a SIP/2.0\r\nv:SIP/2.0/UDP a:%u;rport\r\nf:<sip:a@b>\r\n"
			 "t:<sip:a@b>\r\ni:1\r\nm:<sip:a>\r\nCSeq:1 %s\r\n\r\n",
			 method, port, method);
}

/* Nobody gets three times what it sent, from whatever address it claims to be. */
static void answers_do_not_amplify(void **state)
{
	const char *const methods[] = {"OPTIONS", "REGISTER",  "INVITE", "BYE",
				       "O",       "SUBSCRIBE", "CANCEL"};
	struct bench *bench = bench_open("off");
	struct peer stranger = bench->callee;
	size_t answers = 0;

	(void)state;
	for (size_t m = 0; m < sizeof(methods) / sizeof(methods[0]); m++)
		for (size_t s = 0; s < SHORT_SHAPES; s++) {
			char text[512];
			size_t got = 0;

			fill(text, sizeof(text), s, methods[m], stranger.port);
			peer_send(bench, &stranger, text);
			bench_advance(bench, 10000);
			while (peer_got(&stranger))
				got += strlen(stranger.text);
			if (got >= 3 * strlen(text))
				fail_msg("%zu bytes for %zu: %s", got, strlen(text), text);
			answers += got > 0;
		}
	/* What is no shorter than a real request is answered. */
	assert_in_range(answers, sizeof(methods) / sizeof(methods[0]), 100);
	bench_close(bench);
}

/* The longest request, all of it Via in the short form, gets its answer. */
static void answer_longer_than_its_request(void **state)
{
	struct bench *bench = bench_open("off");
	char text[16385];
	static char got[65536];
	size_t at;
	ssize_t len;

	(void)state;
	at = (size_t)snprintf(text, sizeof(text),
			      "OPTIONS sip:a@127.0.0.1 SIP/2.0\r\n"
			      "v:SIP/2.0/UDP 127.0.0.9:%u;rport;branch=z9hG4bKo\r\n"
			      "f:<sip:a@b>;tag=1\r\nt:<sip:a@b>\r\ni:long\r\nCSeq:1 OPTIONS\r\n",
			      bench->caller.port);
	while (sizeof(text) - at > 100)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "v:SIP/2.0/UDP host%zu.example;branch=z9hG4bK%065d\r\n",
				       at % 1000, 7);
	snprintf(text + at, sizeof(text) - at, "l:0\r\n\r\n");
	peer_send(bench, &bench->caller, text);
	len = recv(bench->caller.fd, got, sizeof(got) - 1, 0);
	assert_true(len > (ssize_t)strlen(text));
	assert_memory_equal(got, "SIP/2.0 200 ", 12);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(last_hop_is_not_a_new_start),
	  cmocka_unit_test(dialled_line_ends_stay_out_of_headers),
	  cmocka_unit_test(caller_names_stay_out_of_headers), cmocka_unit_test(merged_invite),
	  cmocka_unit_test(long_branch_is_one_transaction),
	  cmocka_unit_test(unusable_headers_are_refused), cmocka_unit_test(silent_after_trying),
	  cmocka_unit_test(cancelled_reinvite), cmocka_unit_test(late_offer_in_reinvite),
	  cmocka_unit_test(answer_repeated_under_reinvite), cmocka_unit_test(challenged_reinvite),
	  cmocka_unit_test(ringing_after_cancel), cmocka_unit_test(answer_without_its_early_sdp),
	  cmocka_unit_test(request_of_callee_before_answer), cmocka_unit_test(endless_fork),
	  cmocka_unit_test(answer_with_too_many_routes),
	  cmocka_unit_test(contact_of_another_family),
	  cmocka_unit_test(foreign_call_id_names_no_thread),
	  cmocka_unit_test(answers_do_not_amplify),
	  cmocka_unit_test(answer_longer_than_its_request))
