/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reliable provisional answers of a callee (RFC 3262 section 4), and of several that a proxy has
 * called: early dialogs of one INVITE. */
#include "tests/support/early_call.h"

/* The caller knows nothing of it; each hop has its own. */
static void caller_without(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	expect_header(&bench->callee, "\r\n" REL);
	early_answer(&early, "183 Session Progress", "callee", 4711, "", BODY);
	early_pracked(&early, 4711, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	expect_no_header(&bench->caller, "RSeq");
	expect_no_header(&bench->caller, "100rel");
	assert_string_equal(body_of(bench->caller.text), BODY);
	/* Agreed on before: the 200 need not say it, the caller's has to. */
	early_finish(&early, "", BODY);
	early_hang_up(&early);
}

static void both(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_agree(&early, bench);
	early_finish(&early, "", "");
	early_hang_up(&early);
}

/* What comes again, or too early, is not for the caller, and has no PRACK. */
static void order(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 10, "", "");
	early_pracked(&early, 10, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	early_answer(&early, "180 Ringing", "callee", 10, "", "");
	early_answer(&early, "183 Session Progress", "callee", 12, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 9, "", "");
	peer_expect_nothing(&bench->callee);
	peer_expect_nothing(&bench->caller);
	early_answer(&early, "180 Ringing", "callee", 11, "", "");
	early_pracked(&early, 11, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	early_answer(&early, "183 Session Progress", "callee", 12, "", BODY);
	early_pracked(&early, 12, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	assert_string_equal(body_of(bench->caller.text), BODY);
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* RSeq that is none: as if it were not reliable. */
static void broken_rseq(void **state)
{
	static const char *const extras[] = {NEEDS_REL, NEEDS_REL "RSeq: 0\r\n",
					     NEEDS_REL "RSeq: 4294967296\r\n",
					     NEEDS_REL "RSeq: x\r\n", "RSeq: 7\r\n"};
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	for (int i = 0; i < 5; i++) {
		early_answer(&early, "180 Ringing", "callee", 0, extras[i], "");
		peer_expect(&bench->caller, "SIP/2.0 180 ");
		peer_expect_nothing(&bench->callee);
	}
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* PRACK is repeated on the list like any request, also once the call is up; that nobody answers it
 * does not end the call. */
static void prack_repeated(void **state)
{
	static const char *const params[] = {"SS_SIP_RESEND_INTERVAL", "0.3,0.7,2", NULL};
	static const uint64_t waits_ms[] = {300, 700, 2000};
	struct bench *bench = bench_open("off");
	struct early early;
	char first[8192];

	(void)state;
	bench_configure(bench, params);
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 1, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	peer_expect(&bench->callee, "PRACK ");
	snprintf(first, sizeof(first), "%s", bench->callee.text);
	for (int i = 0; i < 3; i++) {
		assert_in_range(wait_for(bench, &bench->callee, 5000), waits_ms[i],
				waits_ms[i] + 10);
		assert_string_equal(bench->callee.text, first);
		if (i == 1)
			early_finish(&early, BODY, BODY);
	}
	bench_advance(bench, 5000);
	peer_expect_nothing(&bench->callee);
	assert_int_equal(count_calls(bench), 1);
	early_hang_up(&early);
}

static void prack_refused(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 1, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	peer_expect(&bench->callee, "PRACK ");
	answer(bench, &bench->callee, "481 No", "", "");
	peer_expect_nothing(&bench->callee);
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* One that is not asked for reliable answers and gives them all the same is not left without. */
static void switched_off(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	bench->rel100 = "off";
	bench_configure(bench, NULL);
	early_dial(&early, bench, "", BODY);
	expect_no_header(&bench->callee, "100rel");
	early_answer(&early, "180 Ringing", "callee", 1, "", "");
	early_pracked(&early, 1, "callee", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* --- Several callees behind a proxy. --- */

/* Each has its own route set, target, and row of numbers; the caller has one dialog. */
static void dialog_for_each_tag(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char tag[64], record[256], route[256];

	(void)state;
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "183 Session Progress", "one", 100, "", BODY);
	peer_expect(&bench->callee, "PRACK sip:900@127.0.0.1:");
	expect_no_header(&bench->callee, "\r\nRoute: ");
	answer(bench, &bench->callee, "200 OK", "", "");
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	snprintf(record, sizeof(record),
		 "Record-Route: <sip:192.0.2.9;lr>, <sip:127.0.0.1:%u;lr;p=1>\r\n",
		 bench->callee.port);
	snprintf(route, sizeof(route),
		 "\r\nRoute: <sip:127.0.0.1:%u;lr;p=1>, <sip:192.0.2.9;lr>\r\n",
		 bench->callee.port);
	for (unsigned rseq = 7; rseq < 9; rseq++) {
		early_answer(&early, "183 Session Progress", "two", rseq, record, MOVED_BODY);
		peer_expect(&bench->callee, "PRACK sip:900@127.0.0.1:");
		expect_header(&bench->callee, route);
		expect_header(&bench->callee, ";tag=two\r\nCall-ID:");
		expect_header(&bench->callee,
			      rseq == 7 ? "\r\nRAck: 7 1 INVITE\r\n" : "\r\nRAck: 8 1 INVITE\r\n");
		answer(bench, &bench->callee, "200 OK", "", "");
		/* It has the media of the first. */
		while (peer_got(&bench->caller)) {
			assert_null(strstr(bench->caller.text, "m=audio"));
			assert_non_null(strstr(bench->caller.text, tag));
		}
	}
	early_answer(&early, "180 Ringing", "one", 101, "", "");
	early_pracked(&early, 101, "one", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	assert_non_null(strstr(bench->caller.text, tag));
	early_answer(&early, "486 Busy Here", "one", 0, "", "");
	peer_expect(&bench->callee, "ACK ");
	bench_close(bench);
}

/* Whose 2xx comes first is the callee, with the SDP of its own 183; who comes later gets ACK and
 * BYE, numbered behind its PRACK. */
static void other_tag_wins(void **state)
{
	(void)state;
	for (int is_relayed = 0; is_relayed < 2; is_relayed++) {
		struct bench *bench = bench_open(is_relayed ? "on" : "off");
		struct early early;
		char tag[64];

		early_dial(&early, bench, "", BODY);
		early_answer(&early, "183 Session Progress", "one", 1, "", BODY);
		early_pracked(&early, 1, "one", "");
		peer_expect(&bench->caller, "SIP/2.0 183 ");
		message_to_tag(bench->caller.text, tag, sizeof(tag));
		early_answer(&early, "183 Session Progress", "two", 1, "", MOVED_BODY);
		early_pracked(&early, 1, "two", "");
		while (peer_got(&bench->caller))
			assert_null(strstr(bench->caller.text, "m=audio"));
		early_answer(&early, "200 OK", "two", 0, "", "");
		peer_expect(&bench->callee, "ACK ");
		expect_header(&bench->callee, ";tag=two\r\nCall-ID:");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		assert_non_null(
			strstr(bench->caller.text, is_relayed ? "m=audio 20" : "m=audio 4400 "));
		/* With other media on its way to it, the caller has another dialog. */
		message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
		assert_int_equal(strcmp(early.tag, tag) == 0, is_relayed);
		caller_sends(bench, "ACK", 1, "ack1", early.tag, "");
		early_answer(&early, "200 OK", "one", 0, "", "");
		peer_expect(&bench->callee, "ACK ");
		expect_header(&bench->callee, ";tag=one\r\nCall-ID:");
		peer_expect(&bench->callee, "BYE ");
		expect_header(&bench->callee, ";tag=one\r\nCall-ID:");
		expect_header(&bench->callee, "\r\nCSeq: 4 BYE\r\n");
		answer(bench, &bench->callee, "200 OK", "", "");
		assert_int_equal(count_calls(bench), 1);
		early_hang_up(&early);
	}
}

/* The caller is bound to the first one's SDP by its PRACK: the winner's is another dialog, or has
 * to be offered. */
static void other_tag_wins_reliably(void **state)
{
	(void)state;
	for (int is_relayed = 0; is_relayed < 2; is_relayed++) {
		struct bench *bench = bench_open(is_relayed ? "on" : "off");
		struct early early;
		char first[64];

		early_dial(&early, bench, REL, BODY);
		early_answer(&early, "183 Session Progress", "one", 1, "", BODY);
		early_pracked(&early, 1, "one", "");
		peer_expect(&bench->caller, "SIP/2.0 183 ");
		early.rseq = rseq_in(bench->caller.text);
		message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
		snprintf(first, sizeof(first), "%s", early.tag);
		early_prack(&early, "");
		early_answer(&early, "200 OK", "two", 0, "", MOVED_BODY "a=sendonly\r\n");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		assert_int_equal(strstr(bench->caller.text, "a=sendonly") == NULL, is_relayed);
		message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
		assert_int_equal(strcmp(early.tag, first) == 0, is_relayed);
		caller_sends(bench, "ACK", 1, "ack1", early.tag, "");
		if (is_relayed) {
			peer_expect(&bench->caller, "INVITE ");
			expect_header(&bench->caller, "a=sendonly");
			answer(bench, &bench->caller, "200 OK", "", BODY);
			peer_expect(&bench->caller, "ACK ");
		}
		peer_expect_nothing(&bench->caller);
		early_hang_up(&early);
	}
}

/* A callee makes up as many tags as it likes; what is kept of them is bounded. */
static void many_tags(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char tag[16];

	(void)state;
	early_dial(&early, bench, "", BODY);
	for (int i = 0; i < 30; i++) {
		snprintf(tag, sizeof(tag), "tag%d", i);
		early_answer(&early, "180 Ringing", tag, 1, "", "");
		peer_expect(&bench->caller, "SIP/2.0 180 ");
		if (i < 8)
			early_pracked(&early, 1, tag, "");
		peer_expect_nothing(&bench->callee);
	}
	early_finish(&early, BODY, BODY); /* of yet another one */
	early_hang_up(&early);
}

TEST_MAIN(cmocka_unit_test(caller_without), cmocka_unit_test(both), cmocka_unit_test(order),
	  cmocka_unit_test(broken_rseq), cmocka_unit_test(prack_repeated),
	  cmocka_unit_test(prack_refused), cmocka_unit_test(switched_off),
	  cmocka_unit_test(dialog_for_each_tag), cmocka_unit_test(other_tag_wins),
	  cmocka_unit_test(other_tag_wins_reliably), cmocka_unit_test(many_tags))
