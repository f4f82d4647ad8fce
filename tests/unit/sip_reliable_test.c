/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reliable provisional answers to a caller (RFC 3262 section 3), whatever the callee does. */
#include "tests/support/early_call.h"

static void plain_callee(void **state)
{
	static const char *const extras[] = {REL, NEEDS_REL, "Supported: timer, 100rel\r\n"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, extras[i], BODY);
		early_answer(&early, "180 Ringing", "callee", 0, "", "");
		peer_expect_nothing(&bench->callee);
		early_expect(&early, "SIP/2.0 180 ", "");
		assert_in_range(early.rseq, 1, INT32_MAX);
		expect_header(&bench->caller, ", PRACK, UPDATE");
		early_prack(&early, "");
		early_finish(&early, BODY, BODY);
		early_hang_up(&early);
	}
}

static void caller_without(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	expect_no_header(&bench->caller, "RSeq");
	expect_no_header(&bench->caller, "100rel");
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	early_prack_as(&early, "RAck: 1 1 INVITE\r\n", "");
	peer_expect(&bench->caller, "SIP/2.0 481 ");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

static void switched_off(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	bench->rel100 = "off";
	bench_configure(bench, NULL);
	bench->extra = NEEDS_REL;
	caller_sends(bench, "INVITE", 1, "inv0", "", BODY);
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 420 ");
	expect_header(&bench->caller, "\r\nUnsupported: 100rel\r\n");
	peer_expect_nothing(&bench->callee);
	bench->call_id = "call-2";
	early_dial(&early, bench, REL, BODY);
	expect_no_header(&bench->callee, "100rel");
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	expect_no_header(&bench->caller, "RSeq");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* Exactly on SS_SIP_RESEND_INTERVAL, and no more once PRACK has come. */
static void resent_on_the_list(void **state)
{
	static const char *const params[] = {"SS_SIP_RESEND_INTERVAL", "0.3,0.7,2", NULL};
	static const uint64_t waits_ms[] = {300, 700, 2000};

	(void)state;
	for (size_t n = 0; n <= 3; n++) {
		struct bench *bench = bench_open("off");
		struct early early;
		char first[8192];

		bench_configure(bench, params);
		early_dial(&early, bench, REL, BODY);
		early_answer(&early, "180 Ringing", "callee", 0, "", "");
		early_expect(&early, "SIP/2.0 180 ", "");
		snprintf(first, sizeof(first), "%s", bench->caller.text);
		for (size_t i = 0; i < n; i++) {
			assert_in_range(wait_for(bench, &bench->caller, 5000), waits_ms[i],
					waits_ms[i] + 10); /* a tick of the wheel */
			assert_string_equal(bench->caller.text, first);
		}
		bench_advance(bench, 100);
		early_prack(&early, "");
		bench_skip(bench, 10000);
		peer_expect_nothing(&bench->caller);
		early_finish(&early, BODY, BODY);
		early_hang_up(&early);
	}
}

/* The list and one first interval later the INVITE is refused, and the callee let go. */
static void never_acknowledged(void **state)
{
	static const char *const params[] = {"SS_SIP_RESEND_INTERVAL", "0.3,0.7,2", NULL};
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	bench_configure(bench, params);
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	early_expect(&early, "SIP/2.0 180 ", "");
	for (int i = 0; i < 3; i++) {
		(void)wait_for(bench, &bench->caller, 5000);
		assert_int_equal(strncmp(bench->caller.text, "SIP/2.0 180 ", 12), 0);
	}
	assert_int_equal(wait_for(bench, &bench->caller, 5000), 300);
	assert_int_equal(strncmp(bench->caller.text, "SIP/2.0 504 ", 12), 0);
	expect_header(&bench->caller, "no PRACK");
	peer_expect(&bench->callee, "CANCEL ");
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

/* The same when the callee has answered: its call is ended by BYE. */
static void never_acknowledged_answer(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
	early_expect(&early, "SIP/2.0 183 ", BODY);
	early_answer(&early, "200 OK", "callee", 0, "", BODY);
	peer_expect(&bench->callee, "ACK ");
	bench_advance(bench, 31980);
	while (peer_got(&bench->caller))
		assert_int_equal(strncmp(bench->caller.text, "SIP/2.0 183 ", 12), 0);
	peer_expect_nothing(&bench->callee);
	bench_advance(bench, 30);
	peer_expect(&bench->caller, "SIP/2.0 504 ");
	peer_expect(&bench->callee, "BYE ");
	bench_close(bench);
}

static void wrong_rack(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char texts[5][64];

	(void)state;
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	early_expect(&early, "SIP/2.0 180 ", "");
	snprintf(texts[0], sizeof(texts[0]), "RAck: %u 1 INVITE\r\n", early.rseq + 1);
	snprintf(texts[1], sizeof(texts[1]), "RAck: %u 2 INVITE\r\n", early.rseq);
	snprintf(texts[2], sizeof(texts[2]), "RAck: %u 1 UPDATE\r\n", early.rseq);
	snprintf(texts[3], sizeof(texts[3]), "RAck: %u\r\n", early.rseq);
	texts[4][0] = '\0';
	for (int i = 0; i < 5; i++) {
		early_prack_as(&early, texts[i], "");
		peer_expect(&bench->caller, "SIP/2.0 481 ");
	}
	/* Not one of them has stopped it. */
	assert_in_range(wait_for(bench, &bench->caller, 1000), 500, 510);
	early_prack(&early, "");
	/* The same request again has the same answer, another one is for nothing. */
	early.cseq--;
	early_prack(&early, "");
	early_prack_as(&early, NULL, "");
	peer_expect(&bench->caller, "SIP/2.0 481 ");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

static void one_at_a_time(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	unsigned first;

	(void)state;
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "180 Ringing", "callee", 0, "", "");
	early_expect(&early, "SIP/2.0 180 ", "");
	first = early.rseq;
	early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
	for (int i = 0; i < 10; i++)
		early_answer(&early, "180 Ringing", "callee", 0, "", "");
	peer_expect_nothing(&bench->caller);
	early_prack(&early, "");
	early_expect(&early, "SIP/2.0 183 ", BODY);
	assert_int_equal(early.rseq, first + 1);
	for (unsigned i = 2; i < 5; i++) {
		early_prack(&early, "");
		early_expect(&early, "SIP/2.0 180 ", "");
		assert_int_equal(early.rseq, first + i);
	}
	early_prack(&early, "");
	peer_expect_nothing(&bench->caller); /* those beyond the bound */
	early_finish(&early, BODY, "");
	early_hang_up(&early);
}

/* 2xx waits for the PRACK of an SDP, not for that of a plain 180; which may come afterwards. */
static void answer_waits_for_sdp(void **state)
{
	(void)state;
	for (int has_sdp = 0; has_sdp < 2; has_sdp++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, REL, BODY);
		early_answer(&early, "183 Session Progress", "callee", 0, "", has_sdp ? BODY : "");
		early_expect(&early, "SIP/2.0 183 ", has_sdp ? BODY : "");
		early_answer(&early, "180 Ringing", "callee", 0, "", "");
		early_answer(&early, "200 OK", "callee", 0, "", BODY);
		peer_expect(&bench->callee, "ACK ");
		if (has_sdp) {
			peer_expect_nothing(&bench->caller);
			early_prack(&early, "");
		}
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		assert_string_equal(body_of(bench->caller.text), has_sdp ? "" : BODY);
		caller_sends(bench, "ACK", 1, "ack1", early.tag, "");
		if (!has_sdp)
			early_prack(&early, "");
		bench_advance(bench, 5000);
		peer_expect_nothing(&bench->caller);
		early_hang_up(&early);
	}
}

static void gives_up_meanwhile(void **state)
{
	(void)state;
	for (int is_answered = 0; is_answered < 2; is_answered++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, REL, BODY);
		early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
		early_expect(&early, "SIP/2.0 183 ", BODY);
		if (is_answered) {
			early_answer(&early, "200 OK", "callee", 0, "", BODY);
			peer_expect(&bench->callee, "ACK ");
		}
		caller_sends(bench, "CANCEL", 1, "inv1", "", "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		peer_expect(&bench->caller, "SIP/2.0 487 ");
		caller_sends(bench, "ACK", 1, "inv1", early.tag, "");
		peer_expect(&bench->callee, is_answered ? "BYE " : "CANCEL ");
		bench_advance(bench, 5000);
		peer_expect_nothing(&bench->caller);
		bench_close(bench);
	}
}

/* The callee hangs up before the caller could be told that it had answered. */
static void callee_hangs_up_meanwhile(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
	early_expect(&early, "SIP/2.0 183 ", BODY);
	early_answer(&early, "200 OK", "callee", 0, "", BODY);
	peer_expect(&bench->callee, "ACK ");
	callee_sends(bench, early.invite, "BYE", 1, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	bench_close(bench);
}

/* What the callee says in its 200 is not what the caller has been bound to by a reliable 183, for
 * the callee was not: the caller is offered it once it has acknowledged. */
static void answer_differs(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, BODY);
	early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
	early_expect(&early, "SIP/2.0 183 ", BODY);
	early_prack(&early, "");
	early_finish(&early, OTHER_BODY, "");
	peer_expect(&bench->caller, "INVITE ");
	assert_string_equal(body_of(bench->caller.text), OTHER_BODY);
	answer(bench, &bench->caller, "200 OK", "", BODY);
	peer_expect(&bench->caller, "ACK ");
	peer_expect_nothing(&bench->callee); /* the caller's side has not changed */
	bench_advance(bench, 3000);
	peer_expect_nothing(&bench->caller);
	early_hang_up(&early);
}

/* INVITE without SDP: reliable is only what has an offer that the caller's PRACK can answer. */
static void late_offer_plain_callee(void **state)
{
	(void)state;
	for (int is_required = 0; is_required < 2; is_required++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, is_required ? NEEDS_REL : REL, "");
		early_answer(&early, "180 Ringing", "callee", 0, "", "");
		early_answer(&early, "183 Session Progress", "callee", 0, "", BODY);
		for (int i = 0; !is_required && i < 2; i++) {
			peer_expect(&bench->caller, "SIP/2.0 18");
			expect_no_header(&bench->caller, "RSeq");
		}
		peer_expect_nothing(&bench->caller);
		early_answer(&early, "200 OK", "callee", 0, "", BODY);
		peer_expect_nothing(&bench->callee);
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		assert_string_equal(body_of(bench->caller.text), BODY);
		message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
		caller_sends(bench, "ACK", 1, "ack1", early.tag, BODY);
		peer_expect(&bench->callee, "ACK ");
		assert_string_equal(body_of(bench->callee.text), BODY);
		early_hang_up(&early);
	}
}

/* The offer in the callee's reliable 183 is answered by the caller's PRACK, across the switch. */
static void late_offer_in_183(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, "");
	expect_header(&bench->callee, "\r\n" REL);
	early_answer(&early, "183 Session Progress", "callee", 7, "", BODY);
	peer_expect_nothing(&bench->callee); /* its PRACK has to have the answer */
	early_expect(&early, "SIP/2.0 183 ", BODY);
	early_answer(&early, "183 Session Progress", "callee", 7, "", BODY);
	peer_expect_nothing(&bench->caller);
	early_prack(&early, MOVED_BODY);
	early_pracked(&early, 7, "callee", MOVED_BODY);
	early_answer(&early, "180 Ringing", "callee", 8, "", "");
	early_pracked(&early, 8, "callee", "");
	early_expect(&early, "SIP/2.0 180 ", "");
	early_prack(&early, "");
	early_finish(&early, BODY, "");
	peer_expect_nothing(&bench->callee);
	early_hang_up(&early);
}

/* Without the caller's support it could not be answered in time: the callee is not told so. */
static void late_offer_caller_without(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", "");
	expect_no_header(&bench->callee, "100rel");
	early_answer(&early, "486 Busy Here", "callee", 0, "", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void late_offer_unanswered(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, "");
	early_answer(&early, "183 Session Progress", "callee", 7, "", BODY);
	early_expect(&early, "SIP/2.0 183 ", BODY);
	early_prack(&early, "");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	peer_expect(&bench->callee, "CANCEL ");
	bench_close(bench);
}

/* A relayed one: what each side gets has our ports. */
static void late_offer_relayed(void **state)
{
	struct bench *bench = bench_open("on");
	struct early early;

	(void)state;
	early_dial(&early, bench, REL, "");
	early_answer(&early, "183 Session Progress", "callee", 7, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	assert_non_null(strstr(bench->caller.text, "m=audio 20"));
	early.rseq = rseq_in(bench->caller.text);
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	early_prack(&early, MOVED_BODY);
	peer_expect(&bench->callee, "PRACK ");
	assert_non_null(strstr(bench->callee.text, "m=audio 20"));
	answer(bench, &bench->callee, "200 OK", "", "");
	early_finish(&early, "", "");
	early_hang_up(&early);
}

TEST_MAIN(cmocka_unit_test(plain_callee), cmocka_unit_test(caller_without),
	  cmocka_unit_test(switched_off), cmocka_unit_test(resent_on_the_list),
	  cmocka_unit_test(never_acknowledged), cmocka_unit_test(never_acknowledged_answer),
	  cmocka_unit_test(wrong_rack), cmocka_unit_test(one_at_a_time),
	  cmocka_unit_test(answer_waits_for_sdp), cmocka_unit_test(gives_up_meanwhile),
	  cmocka_unit_test(callee_hangs_up_meanwhile), cmocka_unit_test(answer_differs),
	  cmocka_unit_test(late_offer_plain_callee), cmocka_unit_test(late_offer_in_183),
	  cmocka_unit_test(late_offer_caller_without), cmocka_unit_test(late_offer_unanswered),
	  cmocka_unit_test(late_offer_relayed))
