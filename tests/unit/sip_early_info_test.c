/* SPDX-License-Identifier: GPL-2.0-or-later */
/* INFO and MESSAGE before the answer, in the early dialogs of caller and callee (RFC 6086 section
 * 4, RFC 3261 section 12): on a set clock. */
#include "tests/support/test.h"

#include "tests/support/changes.h"
#include "tests/support/early_call.h"

#define DIGIT "Signal=5\r\nDuration=160\r\n"

/* A request of the caller's that is not SDP. */
static void caller_informs(struct early *early, const char *method)
{
	early_caller_sends(early, method, "", DIGIT);
}

static void callee_informs(struct early *early, const char *tag, int cseq)
{
	peer_requests(early->bench, &early->bench->callee, tag, early->invite, "INFO", cseq, DIGIT);
}

static void expect_cseq(const struct peer *peer, int cseq, const char *method)
{
	char line[64];

	snprintf(line, sizeof(line), "\r\nCSeq: %d %s\r\n", cseq, method);
	expect_header(peer, line);
}

static void rings(struct early *early, const char *tag, const char *body)
{
	early_answer(early, *body ? "183 Session Progress" : "180 Ringing", tag, 0, "", body);
	peer_expect(&early->bench->caller, *body ? "SIP/2.0 183 " : "SIP/2.0 180 ");
	message_to_tag(early->bench->caller.text, early->tag, sizeof(early->tag));
}

/* Both ways, whether the 18x had SDP or not, and whatever becomes of it. */
static void passes_both_ways(void **state)
{
	static const char *const bodies[] = {"", BODY};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct bench *bench = bench_open("off");
		struct early early;

		early_dial(&early, bench, "", BODY);
		rings(&early, "callee", bodies[i]);
		caller_informs(&early, "INFO");
		peer_expect(&bench->callee, "INFO ");
		expect_header(&bench->callee, ";tag=callee\r\nCall-ID:");
		assert_string_equal(body_of(bench->callee.text), DIGIT);
		peer_expect_nothing(&bench->caller);
		answer(bench, &bench->callee, "200 OK", "", "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		expect_cseq(&bench->caller, early.cseq, "INFO");
		caller_informs(&early, "MESSAGE");
		peer_expect(&bench->callee, "MESSAGE ");
		answer(bench, &bench->callee, "415 No", "", "");
		peer_expect(&bench->caller, "SIP/2.0 415 ");
		callee_informs(&early, "callee", 10);
		peer_expect(&bench->caller, "INFO ");
		expect_header(&bench->caller, early.tag); /* From: our side of the early dialog */
		assert_string_equal(body_of(bench->caller.text), DIGIT);
		answer(bench, &bench->caller, "200 OK", "", "");
		peer_expect(&bench->callee, "SIP/2.0 200 ");
		expect_cseq(&bench->callee, 10, "INFO");
		/* The numbers of either side go on where these have left them. */
		early_finish(&early, BODY, BODY);
		callee_informs(&early, "callee", 9);
		peer_expect(&bench->callee, "SIP/2.0 500 ");
		early_hang_up(&early);
	}
}

/* One that is under way at the answer has its own answer afterwards. */
static void outlives_the_answer(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;
	char info[8192];

	(void)state;
	early_dial(&early, bench, "", BODY);
	rings(&early, "callee", "");
	caller_informs(&early, "INFO");
	peer_expect(&bench->callee, "INFO ");
	snprintf(info, sizeof(info), "%s", bench->callee.text);
	early_finish(&early, BODY, BODY);
	callee_answers(bench, info, "200 OK", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_cseq(&bench->caller, early.cseq, "INFO");
	early_hang_up(&early);
}

/* A callee that does not know the early dialog ends nothing: its INVITE does. */
static void unknown_dialog_ends_nothing(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	rings(&early, "callee", "");
	caller_informs(&early, "INFO");
	peer_expect(&bench->callee, "INFO ");
	answer(bench, &bench->callee, "481 Gone", "", "");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	assert_int_equal(count_calls(bench), 1);
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

static void what_belongs_to_no_early_dialog(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	callee_informs(&early, "callee", 5);
	peer_expect(&bench->callee, "SIP/2.0 481 ");
	rings(&early, "callee", "");
	callee_informs(&early, "other", 6);
	peer_expect(&bench->callee, "SIP/2.0 481 ");
	/* A second branch of a proxy: the caller hears of the first. */
	early_answer(&early, "180 Ringing", "other", 0, "", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	callee_informs(&early, "other", 7);
	peer_expect(&bench->callee, "SIP/2.0 480 ");
	callee_informs(&early, "callee", 8);
	peer_expect(&bench->caller, "INFO ");
	answer(bench, &bench->caller, "200 OK", "", "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	callee_informs(&early, "callee", 3);
	peer_expect(&bench->callee, "SIP/2.0 500 ");
	early_finish(&early, BODY, BODY);
	early_hang_up(&early);
}

/* The callee refuses while it is asked: the caller's request is answered, and a later one goes to
 * nobody. */
static void callee_is_gone(void **state)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};
	struct early early;

	(void)state;
	changes_create(&list, "phone", "400");
	changes_create(&list, "phone", "401");
	changes_field(&list, "phone", "400", "forward-busy", "401");
	bench_change(bench, &list);
	bench_register(bench, "400", 0, 1000);
	bench_register(bench, "401", 1, 1000);
	bench->called = "400";
	early = (struct early){.bench = bench, .cseq = 1};
	caller_sends(bench, "INVITE", 1, "inv1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	snprintf(early.invite, sizeof(early.invite), "%s", bench->phones[0].text);
	peer_answers(bench, &bench->phones[0], early.invite, "180 Ringing", "p", "");
	peer_expect(&bench->caller, "SIP/2.0 180 ");
	message_to_tag(bench->caller.text, early.tag, sizeof(early.tag));
	caller_informs(&early, "INFO");
	peer_expect(&bench->phones[0], "INFO ");
	peer_answers(bench, &bench->phones[0], early.invite, "486 Busy Here", "p", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	expect_cseq(&bench->caller, early.cseq, "INFO");
	peer_expect(&bench->phones[1], "INVITE ");
	caller_informs(&early, "INFO");
	peer_expect(&bench->caller, "SIP/2.0 480 ");
	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "486 Busy Here", "q", "");
	peer_expect(&bench->phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	acknowledge(bench, &bench->caller, 1);
	bench_close(bench);
}

/* The caller gives up while it is asked. */
static void caller_is_gone(void **state)
{
	struct bench *bench = bench_open("off");
	struct early early;

	(void)state;
	early_dial(&early, bench, "", BODY);
	rings(&early, "callee", "");
	callee_informs(&early, "callee", 10);
	peer_expect(&bench->caller, "INFO ");
	caller_sends(bench, "CANCEL", 1, "inv1", "", "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	acknowledge(bench, &bench->caller, 1);
	peer_expect(&bench->callee, "CANCEL ");
	answer(bench, &bench->callee, "200 OK", "", "");
	early_answer(&early, "487 Terminated", "callee", 0, "", "");
	peer_expect(&bench->callee, "ACK ");
	bench_advance(bench, 20);
	peer_expect(&bench->callee, "SIP/2.0 487 ");
	expect_cseq(&bench->callee, 10, "INFO");
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(passes_both_ways), cmocka_unit_test(outlives_the_answer),
	  cmocka_unit_test(unknown_dialog_ends_nothing),
	  cmocka_unit_test(what_belongs_to_no_early_dialog), cmocka_unit_test(callee_is_gone),
	  cmocka_unit_test(caller_is_gone))
