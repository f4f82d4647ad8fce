/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The doctor's rules, each with a recorded call that has the fault and one that is near it and has
 * not. */
#include "tests/support/test.h"

#include <stdarg.h>
#include <stdio.h>

#include "switchd/call/cause.h"
#include "switchd/call/route.h"
#include "switchd/trace/doctor.h"

#define SECOND_US 1000000u
#define PRIVATE   "192.168.1.5"
#define OUTSIDE   "203.0.113.7"
#define FAR       "198.51.100.9"
#define OURS      "192.0.2.1"

struct tape {
	struct recorder *recorder;
	struct recorder_ring *ring;
	uint64_t now_us;
	const struct call_detail *live;
	const struct doctor_device *device;
};

static int setup(void **state)
{
	struct tape *tape = calloc(1, sizeof(*tape));

	assert_non_null(tape);
	assert_int_equal(recorder_create(1, 1 << 20, &tape->recorder), VOS_OK);
	tape->ring = recorder_ring(tape->recorder, 0);
	tape->now_us = SECOND_US;
	*state = tape;
	return 0;
}

static int teardown(void **state)
{
	struct tape *tape = *state;

	recorder_destroy(tape->recorder);
	free(tape);
	return 0;
}

/* Every call here is call 7: "a" is the caller's Call-ID, "b" that of attempt 1. */
static void write(struct tape *tape, struct trace_event *event, const char *call_id)
{
	tape->now_us += 10;
	event->time_us = tape->now_us;
	event->dialog = call_id ? recorder_dialog(tape->ring, span_of(call_id)) : 0;
	recorder_write(tape->ring, event);
}

static void note(struct tape *tape, enum trace_note kind, int64_t a, const char *text)
{
	struct trace_event event = {
		.key = 7,
		.kind = TRACE_NOTE,
		.note = (uint8_t)kind,
		.a = a,
		.b = 12,
		.side = TRACE_NO_SIDE,
		.data = span_of(text),
	};

	write(tape, &event, NULL);
}

static void leg(struct tape *tape, const char *call_id, int attempt, const char *party)
{
	struct trace_event event = {
		.key = 7,
		.kind = TRACE_NOTE,
		.note = TRACE_LEG,
		.a = attempt ? 1 : 0,
		.b = attempt,
		.data = span_of(party),
	};

	write(tape, &event, call_id);
}

static void message(struct tape *tape, enum trace_kind kind, const char *call_id, const char *peer,
		    const char *text)
{
	struct trace_event event = {.kind = (uint8_t)kind, .side = TRACE_NO_SIDE};

	assert_true(addr_parse(span_of(peer), &event.peer));
	assert_true(addr_parse(SPAN_LIT(OURS), &event.local));
	event.peer.port = 5060;
	event.local.port = 5060;
	event.data = span_of(text);
	write(tape, &event, call_id);
}

static void invite(struct tape *tape, enum trace_kind kind, const char *call_id, const char *peer,
		   const char *contact, const char *media)
{
	char text[1024];
	char body[256];

	snprintf(body, sizeof(body),
		 "v=0\r\no=- 1 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
		 "m=audio 4000 RTP/AVP 18 101\r\n",
		 media, media);
	snprintf(text, sizeof(text),
		 "INVITE sip:900@" OURS " SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK1\r\n"
		 "Contact: <sip:1001@%s:5060>\r\nCSeq: 1 INVITE\r\nContent-Length: %zu\r\n\r\n%s",
		 contact, contact, strlen(body), body);
	message(tape, kind, call_id, peer, text);
}

static void answer(struct tape *tape, enum trace_kind kind, const char *call_id, const char *peer,
		   const char *more, const char *media_line)
{
	char text[1024];
	char body[128];

	snprintf(body, sizeof(body), "v=0\r\nc=IN IP4 " FAR "\r\n%s\r\n", media_line);
	snprintf(text, sizeof(text),
		 "SIP/2.0 200 OK\r\nContact: <sip:900@" OURS ">\r\nCSeq: 1 INVITE\r\n%s"
		 "Content-Length: %zu\r\n\r\n%s",
		 more, strlen(body), body);
	message(tape, kind, call_id, peer, text);
}

static void request(struct tape *tape, enum trace_kind kind, const char *call_id, const char *peer,
		    const char *method, const char *uri)
{
	char text[512];

	snprintf(text, sizeof(text), "%s %s SIP/2.0\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		 method, uri, method);
	message(tape, kind, call_id, peer, text);
}

#define AUDIO "m=audio 5000 RTP/AVP 18"

/* The caller's INVITE, by way of attempt 1. */
static void begin(struct tape *tape, const char *contact, const char *media, const char *way)
{
	invite(tape, TRACE_RECEIVED, "a", OUTSIDE, contact, media);
	leg(tape, "a", 0, "phone 1001");
	note(tape, TRACE_CALL_START, 0, "1001");
	note(tape, TRACE_CALLED, 0, "900");
	note(tape, TRACE_MEDIA, 0, way);
	invite(tape, TRACE_SENT, "b", FAR, OURS, way[0] == 'd' ? media : OURS);
	leg(tape, "b", 1, "routing-gateway a");
}

static void answered(struct tape *tape, const char *more)
{
	answer(tape, TRACE_RECEIVED, "b", FAR, more, AUDIO);
	note(tape, TRACE_ANSWERED, 0, "routing-gateway a");
	request(tape, TRACE_SENT, "b", FAR, "ACK", "sip:900@" FAR);
	answer(tape, TRACE_SENT, "a", OUTSIDE, more, AUDIO);
}

static void acked(struct tape *tape)
{
	request(tape, TRACE_RECEIVED, "a", OUTSIDE, "ACK", "sip:900@" OURS);
}

static void end(struct tape *tape, uint64_t after_ms, int64_t cause)
{
	tape->now_us += after_ms * 1000;
	note(tape, TRACE_CALL_END, cause, "");
}

static int64_t number_of(enum cause_id id)
{
	return cause_number(cause_of(id));
}

/* What the doctor says, names and evidence, one a line. */
static void expect(struct tape *tape, const char *wanted)
{
	const struct trace_filter filter = {.key = 7};
	struct doctor_finding findings[DOCTOR_FINDINGS_MAX];
	struct doctor_case what = {.live = tape->live, .device = tape->device};
	struct trace_item **items;
	struct trace_call *calls;
	char text[2048] = "";
	size_t count;
	bool is_cut;

	calls = trace_find(tape->recorder, &filter, 1, &count);
	assert_int_equal(count, 1);
	items = trace_read(tape->recorder, calls, 1 << 20, &what.count, &is_cut);
	what.call = calls;
	what.items = items;
	count = doctor_look(&what, findings);
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(text);

		assert_true(strlen(findings[i].sentence) > 10);
		snprintf(text + len, sizeof(text) - len, "%s: %s\n", findings[i].name,
			 findings[i].evidence);
	}
	assert_string_equal(text, wanted);
	trace_items_free(items, what.count);
	free(calls);
}

static void a_good_call_has_no_fault(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	answered(tape, "Session-Expires: 1800;refresher=uac\r\n");
	acked(tape);
	expect(tape, "");
	end(tape, 60000, 0);
	expect(tape, "");
}

static void ack_that_does_not_come(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	answer(tape, TRACE_SENT, "a", OUTSIDE, "", AUDIO);
	expect(tape, "");
	answer(tape, TRACE_SENT, "a", OUTSIDE, "", AUDIO);
	expect(tape, "missing-ack: caller: 200 sent=3; ACK received=0; to=" OUTSIDE
		     ":5060; Contact=<sip:900@" OURS ">\n");
	end(tape, 32000, number_of(CAUSE_NO_ACK));
	expect(tape, "missing-ack: caller: 200 sent=3; ACK received=0; to=" OUTSIDE
		     ":5060; Contact=<sip:900@" OURS ">\n"
		     "cut-without-ack: caller: 200 sent=3; ACK received=0; talk=32.0 s\n");
}

static void ack_that_comes_late(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	for (int i = 0; i < 5; i++)
		answer(tape, TRACE_SENT, "a", OUTSIDE, "", AUDIO);
	acked(tape);
	end(tape, 32000, 0);
	expect(tape, "");
}

/* The ACK of a challenge is none of the answer, and a 200 to each of many offers is no repetition.
 */
static void acks_of_other_requests(void **state)
{
	struct tape *tape = *state;
	char text[128];

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	for (int i = 1; i < 10; i++) {
		snprintf(text, sizeof(text), "SIP/2.0 200 OK\r\nCSeq: %d INVITE\r\n\r\n", i);
		message(tape, TRACE_SENT, "a", OUTSIDE, text);
	}
	expect(tape, "");
	message(tape, TRACE_SENT, "a", OUTSIDE, text);
	message(tape, TRACE_SENT, "a", OUTSIDE, text);
	acked(tape);
	expect(tape,
	       "missing-ack: caller: 200 sent=3; ACK received=0; to=" OUTSIDE ":5060; Contact=\n");
	message(tape, TRACE_RECEIVED, "a", OUTSIDE, "ACK sip:x SIP/2.0\r\nCSeq: 9 ACK\r\n\r\n");
	expect(tape, "");
}

static void ack_that_the_callee_misses(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	acked(tape);
	for (int i = 0; i < 2; i++) {
		answer(tape, TRACE_RECEIVED, "b", FAR, "", AUDIO);
		request(tape, TRACE_SENT, "b", FAR, "ACK", "sip:900@" FAR);
	}
	end(tape, 31900, 0);
	expect(tape, "cut-without-ack: attempt 1: 200 received=3; ACK sent=3; talk=31.9 s\n");
}

static void ends_after_32_s_by_chance(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	acked(tape);
	end(tape, 32000, 0);
	expect(tape, "");
}

static void session_that_nobody_refreshed(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "Session-Expires: 90;refresher=uas\r\n");
	acked(tape);
	end(tape, 60000, 0);
	expect(tape, "cut-by-session-timer: caller: Session-Expires=90; last refresh 60 s before "
		     "the end\n");
}

static void session_that_was_refreshed(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "Session-Expires: 90;refresher=uas\r\n");
	acked(tape);
	tape->now_us += 45 * SECOND_US;
	answer(tape, TRACE_SENT, "a", OUTSIDE, "Session-Expires: 90;refresher=uas\r\n", AUDIO);
	answer(tape, TRACE_RECEIVED, "b", FAR, "x: 90\r\n", AUDIO);
	end(tape, 40000, 0);
	expect(tape, "");
}

static void limits(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	acked(tape);
	tape->now_us += 600 * SECOND_US;
	note(tape, TRACE_TIMER, 600, "max-call-duration");
	end(tape, 0, number_of(CAUSE_MAX_DURATION));
	expect(tape, "cut-by-limit: timer=max-call-duration; talk=600 s\n");
}

static void private_address_for_media(void **state)
{
	struct tape *tape = *state;

	begin(tape, PRIVATE, PRIVATE, "direct");
	expect(tape,
	       "private-media-address: c=" PRIVATE "; came from " OUTSIDE ":5060; media=direct\n");
}

static void private_address_behind_the_relay(void **state)
{
	struct tape *tape = *state;

	begin(tape, PRIVATE, PRIVATE, "relayed");
	expect(tape, "");
}

static void to_a_phone(struct tape *tape, const char *contact)
{
	char uri[64];

	snprintf(uri, sizeof(uri), "sip:1002@%s:5060", contact);
	invite(tape, TRACE_RECEIVED, "a", OUTSIDE, OUTSIDE, OUTSIDE);
	leg(tape, "a", 0, "phone 1001");
	note(tape, TRACE_CALL_START, 0, "1001");
	leg(tape, "b", 1, "phone 1002");
	for (int i = 0; i < 3; i++)
		request(tape, TRACE_SENT, "b", FAR, "INVITE", uri);
}

static void binding_of_a_nat_that_died(void **state)
{
	static const struct doctor_device device = {
		.is_nat = true, .is_unreachable = true, .unanswered = 4, .sent_ago_s = 25};
	struct tape *tape = *state;

	to_a_phone(tape, "10.0.0.4");
	expect(tape, "nat-binding-lost: party=phone 1002; INVITE sent=3, answered=0; to=" FAR
		     ":5060; Request-URI=sip:1002@10.0.0.4:5060\n");
	tape->device = &device;
	expect(tape, "nat-binding-lost: party=phone 1002; INVITE sent=3, answered=0; to=" FAR
		     ":5060; Request-URI=sip:1002@10.0.0.4:5060; last keepalive=25 s ago; "
		     "probes unanswered=4\n");
	message(tape, TRACE_RECEIVED, "b", FAR, "SIP/2.0 100 Trying\r\nCSeq: 1 INVITE\r\n\r\n");
	expect(tape, "");
}

static void nobody_there(void **state)
{
	struct tape *tape = *state;

	to_a_phone(tape, FAR);
	expect(tape, "no-response: party=phone 1002; INVITE sent=3, answered=0; to=" FAR
		     ":5060; Request-URI=sip:1002@" FAR ":5060\n");
}

static void received_by(struct tape *tape, const char *via, const char *contact, const char *origin,
			const char *media, const char *more)
{
	char text[1024];
	char body[256];

	snprintf(body, sizeof(body), "v=0\r\no=- 1 1 IN IP4 %s\r\nc=IN IP4 %s\r\n", origin, media);
	snprintf(text, sizeof(text),
		 "INVITE sip:900@" OURS " SIP/2.0\r\nVia: SIP/2.0/UDP %s:5060;branch=z9hG4bK1\r\n"
		 "m: <sip:1001@%s:5060>\r\nCSeq: 1 INVITE\r\n%sl: %zu\r\n\r\n%s",
		 via, contact, more, strlen(body), body);
	message(tape, TRACE_RECEIVED, "a", OUTSIDE, text);
	leg(tape, "a", 0, "phone 1001");
}

static void router_that_rewrites(void **state)
{
	struct tape *tape = *state;

	received_by(tape, OUTSIDE, PRIVATE, PRIVATE, OUTSIDE, "");
	expect(tape, "sip-alg: Via=" OUTSIDE ", Contact=" PRIVATE "; c=" OUTSIDE ", o=" PRIVATE
		     " and Contact are not\n");
}

static void length_that_is_wrong(void **state)
{
	struct tape *tape = *state;

	message(tape, TRACE_RECEIVED, "a", OUTSIDE,
		"INVITE sip:900@x SIP/2.0\r\nCSeq: 1 INVITE\r\nContent-Length: 9\r\n\r\nv=0\r\n");
	leg(tape, "a", 0, "phone 1001");
	expect(tape, "sip-alg: Content-Length=9, body=5\n");
}

static void uri_that_was_not_signed(void **state)
{
	struct tape *tape = *state;

	received_by(tape, OUTSIDE, OUTSIDE, OUTSIDE, OUTSIDE,
		    "Authorization: Digest username=\"1001\", uri=\"sip:900@10.0.0.1\"\r\n");
	expect(tape, "sip-alg: signed uri=10.0.0.1, Request-URI=" OURS "\n");
}

/* Behind NAT, and nobody helps: all addresses are inside. Or the phone knows its address. */
static void phones_that_nobody_rewrites(void **state)
{
	struct tape *tape = *state;

	received_by(tape, PRIVATE, PRIVATE, PRIVATE, PRIVATE,
		    "Authorization: Digest username=\"1001\", uri=\"sip:900@" OURS "\"\r\n");
	received_by(tape, PRIVATE, OUTSIDE, OUTSIDE, OUTSIDE, "");
	received_by(tape, OUTSIDE, OUTSIDE, PRIVATE, OUTSIDE, "");
	expect(tape, "");
}

static void codecs_that_differ(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	note(tape, TRACE_ATTEMPT_OVER, 488, "routing-gateway a");
	expect(tape, "codec-mismatch: cause=488; offered m=audio 4000 RTP/AVP 18 101\n");
}

static void stream_that_was_refused(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	answer(tape, TRACE_RECEIVED, "b", FAR, "", "m=audio 0 RTP/AVP 0");
	expect(tape, "codec-mismatch: answered m=audio 0 RTP/AVP 0; offered m=audio 4000 RTP/AVP "
		     "18 101\n");
}

static void call_that_becomes_a_fax(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	answer(tape, TRACE_RECEIVED, "b", FAR, "", "m=audio 0 RTP/AVP 0\r\nm=image 5002 udptl t38");
	expect(tape, "");
}

static void audio_of_one_way(void **state)
{
	static struct call_detail live = {
		.quality = {.is_relayed = true, .deaf_s = {14, 0}, .deaf_since_ms = {1000, 0}}};
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	answered(tape, "");
	acked(tape);
	live.quality.sides[0].stream.packets = 700;
	tape->live = &live;
	expect(tape, "one-way-audio: caller heard nothing for 14 s; packets from caller=700; "
		     "packets from callee=0\n");
	tape->live = NULL;
	expect(tape, "");
	note(tape, TRACE_MEDIA_SILENT, 1, "");
	expect(tape, "one-way-audio: caller heard nothing for 12 s\n");
}

static void media_that_stopped(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "relayed");
	end(tape, 1000, number_of(CAUSE_NO_MEDIA));
	expect(tape, "no-media: cause=-32\n");
}

static void ended(struct tape *tape, int64_t cause, const char *wanted)
{
	struct tape fresh = {.now_us = SECOND_US};

	(void)tape;
	assert_int_equal(recorder_create(1, 1 << 18, &fresh.recorder), VOS_OK);
	fresh.ring = recorder_ring(fresh.recorder, 0);
	begin(&fresh, OUTSIDE, OUTSIDE, "direct");
	expect(&fresh, "");
	end(&fresh, 1000, cause);
	expect(&fresh, wanted);
	recorder_destroy(fresh.recorder);
}

static void refusals(void **state)
{
	ended(*state, 486, "busy: status=486; party=routing-gateway a\n");
	ended(*state, 603, "refused-by-callee: status=603; party=routing-gateway a\n");
	ended(*state, 403, "credentials-refused: status=403; party=routing-gateway a\n");
	ended(*state, number_of(CAUSE_NO_ANSWER), "no-answer: party=routing-gateway a\n");
	ended(*state, number_of(CAUSE_LOCKED), "locked-out: cause=-2, the party's lock\n");
	ended(*state, 503, "");
	ended(*state, 0, "");
	ended(*state, number_of(CAUSE_ABANDONED), "");
}

static void lockout(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	note(tape, TRACE_AUTH_CHALLENGED, 0, "1001");
	note(tape, TRACE_AUTH_OK, 0, "1001");
	expect(tape, "");
	note(tape, TRACE_AUTH_FAILED, 0, "1001");
	expect(tape, "wrong-password: user=1001\n");
	note(tape, TRACE_AUTH_SUSPENDED, 0, "1001");
	expect(tape, "locked-out: suspended=1001\nwrong-password: user=1001\n");
}

static void no_way_out(void **state)
{
	struct tape *tape = *state;

	begin(tape, OUTSIDE, OUTSIDE, "direct");
	note(tape, TRACE_CANDIDATE_OUT, ROUTE_LOCKED, "a");
	note(tape, TRACE_CANDIDATE_OUT, 10000, "b");
	expect(tape, "");
	end(tape, 0, number_of(CAUSE_NO_ROUTE));
	expect(tape, "no-route: called=900; a: its lock bars calls to it\n");
}

/* What no message is. */
static void garbage(void **state)
{
	static const char *const texts[] = {
		"",
		"\r\n\r\n",
		"SIP/2.0 200",
		"INVITE",
		"INVITE ",
		"INVITE sip:",
		":\r\n\r\nc=",
		"INVITE sip:a@ SIP/2.0\r\nVia:\r\nContact: sip:\r\nl: 99999999999999\r\n\r\nc=IN "
		"IP4 ",
		"INVITE sip:[ SIP/2.0\r\nv: x [\r\nm: "
		"<sips:@[>\r\nCSeq:\r\n\r\no=\r\nc=[]\r\nm=audio ",
	};
	struct tape *tape = *state;

	leg(tape, "a", 0, "phone 1001");
	leg(tape, "b", 1, "phone 1002");
	note(tape, TRACE_MEDIA, 0, "direct");
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		message(tape, TRACE_RECEIVED, "a", OUTSIDE, texts[i]);
		message(tape, TRACE_SENT, "b", OUTSIDE, texts[i]);
		message(tape, TRACE_RECEIVED, "b", OUTSIDE, texts[i]);
	}
	expect(tape, "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_good_call_has_no_fault), TEST(ack_that_does_not_come), TEST(ack_that_comes_late),
	  TEST(acks_of_other_requests), TEST(ack_that_the_callee_misses),
	  TEST(ends_after_32_s_by_chance), TEST(session_that_nobody_refreshed),
	  TEST(session_that_was_refreshed), TEST(limits), TEST(private_address_for_media),
	  TEST(private_address_behind_the_relay), TEST(binding_of_a_nat_that_died),
	  TEST(nobody_there), TEST(router_that_rewrites), TEST(length_that_is_wrong),
	  TEST(uri_that_was_not_signed), TEST(phones_that_nobody_rewrites),
	  TEST(codecs_that_differ), TEST(stream_that_was_refused), TEST(call_that_becomes_a_fax),
	  TEST(audio_of_one_way), TEST(media_that_stopped), TEST(refusals), TEST(lockout),
	  TEST(no_way_out), TEST(garbage))
