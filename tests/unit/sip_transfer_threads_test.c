/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Transfers between calls of two signalling threads, which run: the target's leg goes from the one
 * to the other, with all that it has under way. */
#include "tests/support/test.h"

#include "tests/support/transfer_call.h"

/* Calls of the caller: to 400 in the first thread, and to 401 in the second. */
struct across {
	struct bench *bench;
	struct change_list list;
	char ids[3][16]; /* Call-IDs: of the first thread, and two of the second */
	struct transfer first;
	struct transfer second;
	char to_target[512]; /* Refer-To of the second one's party */
};

/* A Call-ID of that thread which was not used yet. */
static void choose_id(const struct bench *bench, int thread, int *next, char out[16])
{
	do
		snprintf(out, 16, "c%d", (*next)++);
	while (worker_of_call_id(&bench->shared, span_of(out)) != thread);
}

static void open_across(struct across *across, const char *media_mode)
{
	struct bench *bench;
	int next = 1;

	*across = (struct across){.bench = bench_open_two(media_mode)};
	/* Here time is the machine's: nothing is repeated because that is slow. */
	changes_param(&across->list, "SS_SIP_RESEND_INTERVAL", "20,20");
	changes_param(&across->list, "SS_CALL_TRANSFER_ASK_DISPLAY", "original-caller");
	bench = prepare_transfer(across->bench, &across->list);
	for (int i = 0; i < 3; i++)
		choose_id(bench, i > 0, &next, across->ids[i]);
	bench_run(bench);
	connect_to(&across->first, bench, across->ids[0], "400", 0, "p");
	connect_to(&across->second, bench, across->ids[1], "401", 1, "q");
	snprintf(across->to_target, sizeof(across->to_target),
		 "Refer-To: <sip:401@x?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller>\r\n",
		 across->ids[1], across->second.tag);
	bench->call_id = across->ids[0];
	bench->called = "400";
}

/* Until the target is asked for its offer. */
static void refer(struct across *across)
{
	caller_refers(&across->first, 2, across->to_target);
	peer_expect(&across->bench->caller, "SIP/2.0 202 ");
	expect_notify(across->bench, &across->bench->caller, "100", false);
	peer_expect(&across->bench->phones[1], "INVITE ");
	expect_header(&across->bench->phones[1], "P-Asserted-Identity: <sip:400@");
	assert_string_equal(body_of(across->bench->phones[1].text), "");
}

/* The target's leg goes over, and the kept party takes what it offers. */
static void join(struct across *across)
{
	struct bench *bench = across->bench;

	refer(across);
	agree(bench, &bench->phones[1], OFFER);
	end_by(bench, &bench->caller); /* of the second call */
	peer_expect(&bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "PCMA");
	agree(bench, &bench->phones[0], ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	expect_header(&bench->phones[1], "PCMA");
	expect_notify(bench, &bench->caller, "200", true);
	end_by(bench, &bench->caller);
	assert_int_equal(count_calls(bench), 1);
}

/* A request of the target's in its dialog, and the same again. */
static void target_asks_twice(struct bench *bench, const struct transfer *call, const char *method,
			      int cseq)
{
	for (int i = 0; i < 2; i++) {
		peer_requests(bench, &bench->phones[1], "q", call->invite, method, cseq, "");
		peer_expect(&bench->phones[1], "SIP/2.0 200 ");
	}
}

static void end_kept(struct across *across)
{
	struct bench *bench = across->bench;

	peer_requests(bench, &bench->phones[0], "p", across->first.invite, "BYE", 7, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

static void target_goes_over(void **state)
{
	static const char *const modes[] = {"off", "must-on"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct across across;

		open_across(&across, modes[i]);
		join(&across);
		end_kept(&across);
	}
}

/* Its dialog goes on there, either way; and what is sent twice is answered twice. */
static void dialog_goes_on(void **state)
{
	struct across across;
	struct bench *bench;

	(void)state;
	open_across(&across, "off");
	bench = across.bench;
	target_asks_twice(bench, &across.second, "OPTIONS", 4);
	target_asks_twice(bench, &across.second, "UPDATE", 5);
	join(&across);
	target_asks_twice(bench, &across.second, "UPDATE", 5); /* of before, again */
	target_asks_twice(bench, &across.second, "OPTIONS", 6);
	target_asks_twice(bench, &across.second, "UPDATE", 7);
	peer_requests(bench, &bench->phones[1], "q", across.second.invite, "UPDATE", 6, "");
	peer_expect(&bench->phones[1], "SIP/2.0 500 "); /* a number of before, not seen yet */
	peer_requests(bench, &bench->phones[1], "q", across.second.invite, "INVITE", 8,
		      OFFER "a=sendonly\r\n");
	peer_expect(&bench->phones[1], "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "a=sendonly");
	agree(bench, &bench->phones[0], ANSWER "a=recvonly\r\n");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "SIP/2.0 200 ");
	expect_header(&bench->phones[1], "a=recvonly");
	peer_requests(bench, &bench->phones[1], "q", across.second.invite, "ACK", 8, "");
	target_asks_twice(bench, &across.second, "BYE", 9);
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

/* 400 is called once more, by a call of the thread that the target came from, and joins the two:
 * the target is back where it was. What it was answered in the other thread, it is again. */
static void target_comes_back(void **state)
{
	struct across across;
	struct transfer third;
	struct bench *bench;
	char refer_to[512], tag[64], id[64];

	(void)state;
	open_across(&across, "off");
	bench = across.bench;
	join(&across);
	target_asks_twice(bench, &across.second, "UPDATE", 5);
	connect_to(&third, bench, across.ids[2], "400", 0, "p");
	copy_line(across.first.invite, "Call-ID: ", id, sizeof(id));
	snprintf(tag, sizeof(tag), "%s", strstr(across.first.invite, ";tag=") + 5);
	tag[strcspn(tag, "\r")] = '\0';
	snprintf(refer_to, sizeof(refer_to),
		 "Refer-To: <sip:401@x?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dp>\r\n", id + 9,
		 tag);
	phone_refers(&third, 2, refer_to);
	peer_expect(&bench->phones[0], "SIP/2.0 202 ");
	expect_notify(bench, &bench->phones[0], "100", false);
	peer_expect(&bench->phones[1], "INVITE ");
	agree(bench, &bench->phones[1], OFFER);
	end_by(bench, &bench->phones[0]);
	peer_expect(&bench->caller, "INVITE ");
	agree(bench, &bench->caller, ANSWER);
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	expect_notify(bench, &bench->phones[0], "200", true);
	end_by(bench, &bench->phones[0]);
	target_asks_twice(bench, &across.second, "UPDATE", 5);
	peer_requests(bench, &bench->phones[1], "q", across.second.invite, "UPDATE", 4, "");
	peer_expect(&bench->phones[1], "SIP/2.0 500 ");
	target_asks_twice(bench, &across.second, "UPDATE", 6);
	target_asks_twice(bench, &across.second, "BYE", 7);
	end_by(bench, &bench->caller);
	bench_close(bench);
}

/* Each call goes on as it was. */
static void target_refuses(void **state)
{
	struct across across;
	struct bench *bench;

	(void)state;
	open_across(&across, "must-on");
	bench = across.bench;
	refer(&across);
	answer(bench, &bench->phones[1], "488 No", "", "");
	peer_expect(&bench->phones[1], "ACK ");
	expect_notify(bench, &bench->caller, "488", true);
	assert_int_equal(count_calls(bench), 2);
	target_asks_twice(bench, &across.second, "BYE", 5);
	end_by(bench, &bench->caller);
	peer_requests(bench, &bench->phones[0], "p", across.first.invite, "BYE", 7, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	end_by(bench, &bench->caller);
	bench_close(bench);
}

/* Whom the target was for hangs up: what it offers then is answered with what it had. */
static void kept_hangs_up(void **state)
{
	struct across across;
	struct bench *bench;
	char asked[8192];

	(void)state;
	open_across(&across, "off");
	bench = across.bench;
	refer(&across);
	snprintf(asked, sizeof(asked), "%s", bench->phones[1].text);
	peer_requests(bench, &bench->phones[0], "p", across.first.invite, "BYE", 7, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->caller, "NOTIFY ");
	agree(bench, &bench->caller, "");
	end_by(bench, &bench->caller);
	/* The target's thread has heard of it once it answers what was sent afterwards. */
	target_asks_twice(bench, &across.second, "OPTIONS", 4);
	peer_answers(bench, &bench->phones[1], asked, "200 OK", "q", BODY);
	peer_expect(&bench->phones[1], "ACK ");
	expect_header(&bench->phones[1], "m=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n");
	target_asks_twice(bench, &across.second, "BYE", 5);
	end_by(bench, &bench->caller);
	bench_close(bench);
}

/* The referrer leaves both calls meanwhile. */
static void referrer_leaves(void **state)
{
	struct across across;
	struct bench *bench;

	(void)state;
	open_across(&across, "off");
	bench = across.bench;
	refer(&across);
	bench->call_id = across.ids[1];
	bench->called = "401";
	caller_sends(bench, "BYE", 8, "b2", across.second.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	bench->call_id = across.ids[0];
	bench->called = "400";
	caller_sends(bench, "BYE", 8, "b1", across.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "NOTIFY ");
	agree(bench, &bench->caller, "");
	agree(bench, &bench->phones[1], OFFER);
	peer_expect(&bench->phones[0], "INVITE ");
	agree(bench, &bench->phones[0], ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	end_kept(&across);
}

/* The caller goes on with its call by an INVITE whose Call-ID is the other thread's. */
static void leg_takes_over(void **state)
{
	struct across across;
	struct bench *bench;
	char replaces[256], tag[64];

	(void)state;
	open_across(&across, "must-on");
	bench = across.bench;
	snprintf(replaces, sizeof(replaces), "Replaces: %s;to-tag=%s;from-tag=caller\r\n",
		 across.ids[0], across.first.tag);
	bench->call_id = across.ids[2];
	bench->extra = replaces;
	for (int i = 0; i < 2; i++) /* repeated: one call only */
		caller_sends(bench, "INVITE", 1, "take", "", OFFER);
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	agree(bench, &bench->phones[0], ANSWER);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "took", tag, "");
	end_by(bench, &bench->caller); /* the leg before */
	caller_sends(bench, "OPTIONS", 2, "ask", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "BYE", 3, "bye", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	target_asks_twice(bench, &across.second, "BYE", 5);
	end_by(bench, &bench->caller);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(target_goes_over), cmocka_unit_test(dialog_goes_on),
	  cmocka_unit_test(target_comes_back), cmocka_unit_test(target_refuses),
	  cmocka_unit_test(kept_hangs_up), cmocka_unit_test(referrer_leaves),
	  cmocka_unit_test(leg_takes_over))
