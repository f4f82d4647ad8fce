/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A transferred call's media is as its parties have it set, whoever they came from: digits, and
 * encryption. On a set clock. */
#include "tests/support/test.h"

#include "tests/support/transfer_call.h"

#define CRYPTO                                \
	"a=crypto:1 AES_CM_128_HMAC_SHA1_80 " \
	"inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define SECURE_OFFER                                                                \
	"v=0\r\no=t 7 7 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 7000 RTP/SAVP 8\r\na=rtpmap:8 PCMA/8000\r\n" CRYPTO
#define EVENT_ANSWER                                                                \
	"v=0\r\no=k 8 8 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 8000 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"                    \
	"a=rtpmap:101 telephone-event/8000\r\n"

/* The caller's call with 400 is transferred to 401; 400 stays. */
struct scene {
	struct bench *bench;
	struct transfer first;
	struct transfer second; /* attended: the caller's with 401 */
	char invite[8192];      /* of the target's dialog, and */
	const char *tag;        /* the target's in it */
	bool is_attended;
};

static void open_scene(struct scene *scene, struct change_list *list, bool is_attended)
{
	*scene = (struct scene){.bench = open_transfer(list, "on"), .is_attended = is_attended};
	connect_to(&scene->first, scene->bench, "c1", "400", 0, "p");
	if (is_attended)
		connect_to(&scene->second, scene->bench, "c2", "401", 1, "q");
	scene->bench->call_id = "c1";
	scene->bench->called = "400";
}

/* Up to where the target is to make its offer. */
static void refer(struct scene *scene)
{
	struct bench *bench = scene->bench;
	char refer_to[512] = "Refer-To: <sip:401@x>\r\n";

	if (scene->is_attended)
		snprintf(refer_to, sizeof(refer_to),
			 "Refer-To: <sip:401@x?Replaces=c2%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dcaller>"
			 "\r\n",
			 scene->second.tag);
	caller_refers(&scene->first, 2, refer_to);
	peer_expect(&bench->caller, "SIP/2.0 202 ");
	expect_notify(bench, &bench->caller, "100", false);
	peer_expect(&bench->phones[1], "INVITE ");
	scene->tag = scene->is_attended ? "q" : "target";
	snprintf(scene->invite, sizeof(scene->invite), "%s",
		 scene->is_attended ? scene->second.invite : bench->phones[1].text);
}

/* The target offers, 400 is offered that, and answers. */
static void join(struct scene *scene, const char *offer, const char *answer)
{
	struct bench *bench = scene->bench;

	peer_answers(bench, &bench->phones[1], bench->phones[1].text, "200 OK", scene->tag, offer);
	if (scene->is_attended)
		end_by(bench, &bench->caller);
	peer_expect(&bench->phones[0], "INVITE ");
	agree(bench, &bench->phones[0], answer);
	expect_notify(bench, &bench->caller, "200", true);
	end_by(bench, &bench->caller);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
}

static void hang_up_both(struct scene *scene)
{
	struct bench *bench = scene->bench;

	assert_int_equal(count_calls(bench), 1);
	peer_requests(bench, &bench->phones[0], "p", scene->first.invite, "BYE", 17, "");
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	bench_close(bench);
}

static void target_sends_digit(struct scene *scene)
{
	static const char body[] = "Signal=5\r\nDuration=100\r\n";
	char from[256], to[256], call_id[128], text[2048];
	struct peer *phone = &scene->bench->phones[1];

	/* Its own side is in To of what called it. */
	copy_line(scene->invite, "To: ", from, sizeof(from));
	copy_line(scene->invite, "From: ", to, sizeof(to));
	copy_line(scene->invite, "Call-ID: ", call_id, sizeof(call_id));
	snprintf(text, sizeof(text),
		 "INFO sip:x@127.0.0.1 SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKdigit\r\nMax-Forwards: 70\r\n"
		 "From: %s;tag=%s\r\nTo: %s\r\n%s\r\nCSeq: 11 INFO\r\n"
		 "Content-Type: application/dtmf-relay\r\nContent-Length: %zu\r\n\r\n%s",
		 phone->port, from + 4, scene->tag, to + 6, call_id, sizeof(body) - 1, body);
	peer_send(scene->bench, phone, text);
}

/* The target sends its digits by INFO: 400 is offered events, and gets them from the relay. */
static void digits(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct change_list list = {0};
		struct scene scene;
		struct bench *bench;

		open_scene(&scene, &list, i);
		bench = scene.bench;
		changes_field(&list, "phone", "401", "dtmf", "info");
		changes_field(&list, "phone", "400", "dtmf", "rfc2833");
		bench_change(bench, &list);
		refer(&scene);
		join(&scene, OFFER, EVENT_ANSWER);
		expect_no_header(&bench->phones[1], "telephone-event"); /* in the ACK */
		target_sends_digit(&scene);
		peer_expect(&bench->phones[1], "SIP/2.0 200 ");
		peer_expect_nothing(&bench->phones[0]);
		hang_up_both(&scene);
	}
}

/* The target's media is encrypted, that of 400 is not. */
static void keys(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct change_list list = {0};
		struct scene scene;
		struct bench *bench;

		open_scene(&scene, &list, i);
		bench = scene.bench;
		changes_field(&list, "phone", "401", "srtp", "required");
		bench_change(bench, &list);
		refer(&scene);
		join(&scene, SECURE_OFFER, ANSWER);
		expect_header(&bench->phones[1], "RTP/SAVP "); /* in the ACK */
		expect_header(&bench->phones[1], "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:");
		expect_no_header(&bench->phones[1], "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz");
		hang_up_both(&scene);
	}
}

/* What 400 gets of it. */
static void keys_stay_with_the_target(void **state)
{
	struct change_list list = {0};
	struct scene scene;
	struct bench *bench;

	(void)state;
	open_scene(&scene, &list, false);
	bench = scene.bench;
	changes_field(&list, "phone", "401", "srtp", "required");
	bench_change(bench, &list);
	refer(&scene);
	peer_answers(bench, &bench->phones[1], scene.invite, "200 OK", scene.tag, SECURE_OFFER);
	peer_expect(&bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "RTP/AVP ");
	expect_no_header(&bench->phones[0], "crypto");
	agree(bench, &bench->phones[0], ANSWER);
	expect_notify(bench, &bench->caller, "200", true);
	end_by(bench, &bench->caller);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	hang_up_both(&scene);
}

/* 400 is out of the configuration by the time of the transfer: its digits still come by events. */
static void one_that_is_gone(void **state)
{
	struct change_list list = {0};
	struct scene scene;
	struct bench *bench;

	(void)state;
	scene = (struct scene){.bench = open_transfer(&list, "on")};
	bench = scene.bench;
	changes_field(&list, "phone", "400", "dtmf", "rfc2833");
	bench_change(bench, &list);
	connect_to(&scene.first, bench, "c1", "400", 0, "p");
	bench->called = "400";
	changes_delete(&list, "phone", "400");
	bench_change(bench, &list);
	refer(&scene);
	peer_answers(bench, &bench->phones[1], scene.invite, "200 OK", scene.tag, OFFER);
	peer_expect(&bench->phones[0], "INVITE ");
	expect_header(&bench->phones[0], "telephone-event");
	agree(bench, &bench->phones[0], EVENT_ANSWER);
	expect_notify(bench, &bench->caller, "200", true);
	end_by(bench, &bench->caller);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	hang_up_both(&scene);
}

/* A target that has to encrypt and does not: the call before goes on. */
static void no_keys(void **state)
{
	struct change_list list = {0};
	struct scene scene;
	struct bench *bench;

	(void)state;
	open_scene(&scene, &list, false);
	bench = scene.bench;
	changes_field(&list, "phone", "401", "srtp", "required");
	bench_change(bench, &list);
	refer(&scene);
	peer_answers(bench, &bench->phones[1], scene.invite, "200 OK", scene.tag, OFFER);
	peer_expect(&bench->phones[1], "ACK ");
	end_by(bench, &bench->phones[1]);
	expect_notify(bench, &bench->caller, "488", true);
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 8, "b1", scene.first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[0]);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(digits), cmocka_unit_test(keys),
	  cmocka_unit_test(keys_stay_with_the_target), cmocka_unit_test(one_that_is_gone),
	  cmocka_unit_test(no_keys))
