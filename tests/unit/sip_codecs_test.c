/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Codecs of gateways in calls on a set clock: what each side is offered and answered, relayed or
 * not, and a gateway that is passed over for them. */
#include "tests/support/test.h"

#include "tests/support/changes.h"
#include "tests/support/session_call.h"

#define OFFER                                                                                 \
	"v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"           \
	"m=audio 4000 RTP/AVP 0 8 18 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n" \
	"a=rtpmap:101 telephone-event/8000\r\n"
#define ANSWER                                                                      \
	"v=0\r\no=b 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n" \
	"m=audio 5000 RTP/AVP 18 101\r\na=rtpmap:101 telephone-event/8000\r\n"

/* Two codecs of a gateway, the first one wanted most. */
static void allow(struct bench *bench, const char *kind, const char *name, const char *first,
		  const char *second)
{
	struct change_list list = {0};

	changes_field(&list, kind, name, "codecs", first);
	changes_field(&list, kind, name, "codecs", second);
	bench_change(bench, &list);
}

static void expect_formats(const struct peer *peer, const char *formats)
{
	const char *at = strstr(peer->text, "RTP/AVP ");
	size_t len = strlen(formats);

	assert_non_null(at);
	at += strlen("RTP/AVP ");
	if (strncmp(at, formats, len) != 0 || at[len] != '\r')
		fail_msg("not the formats %s: %s", formats, peer->text);
}

static void call_with_offer(struct bench *bench)
{
	caller_sends(bench, "INVITE", 1, "i1", "", OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

static void offered_and_answered(const char *media_mode)
{
	struct bench *bench = bench_open(media_mode);
	char tag[64];

	allow(bench, "routing-gateway", "out", "g729", "g711a");
	call_with_offer(bench);
	peer_expect(&bench->callee, "INVITE ");
	expect_formats(&bench->callee, "18 8 101");
	assert_null(strstr(bench->callee.text, "PCMU"));
	assert_non_null(strstr(bench->callee.text, "a=fmtp:18 annexb=no\r\n"));
	callee_answers(bench, bench->callee.text, "200 OK", ANSWER);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	expect_formats(&bench->caller, "18 101");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack", tag, "");
	/* In the call as well: hold with all codecs again, and a codec that is not allowed. */
	caller_sends(bench, "INVITE", 2, "i2", tag, OFFER);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_formats(&bench->callee, "18 8 101");
	callee_answers(bench, bench->callee.text, "200 OK", ANSWER);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 2, "ack2", tag, "");
	caller_sends(bench, "INVITE", 3, "i3", tag, BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 3, "i3", tag, "");
	assert_int_equal(count_calls(bench), 1);
	caller_sends(bench, "BYE", 4, "bye", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	answer(bench, &bench->callee, "200 OK", "", "");
	bench_close(bench);
}

static void direct(void **state)
{
	(void)state;
	offered_and_answered("off");
}

static void relayed(void **state)
{
	(void)state;
	offered_and_answered("must-on");
}

static void lists_of_both_parties(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	allow(bench, "mapping-gateway", "in", "g711u", "g711a");
	allow(bench, "routing-gateway", "out", "g729", "g711a");
	call_with_offer(bench);
	peer_expect(&bench->callee, "INVITE ");
	expect_formats(&bench->callee, "8 101");
	answer(bench, &bench->callee, "486 Busy", "", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

static void nothing_in_common_is_488(void **state)
{
	struct bench *bench = bench_open("off");

	(void)state;
	allow(bench, "routing-gateway", "out", "gsm", "gsm");
	call_with_offer(bench);
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	peer_expect_nothing(&bench->callee);
	assert_int_equal(count_calls(bench), 0);
	bench_close(bench);
}

/* A gateway without the caller's codecs is passed over for the next one. */
static void the_next_gateway_is_tried(void **state)
{
	struct bench *bench = bench_open("off");
	struct change_list list = {0};
	char address[32];

	(void)state;
	snprintf(address, sizeof(address), "127.0.0.1:%u", bench->phones[0].port);
	changes_create(&list, "routing-gateway", "second");
	changes_field(&list, "routing-gateway", "second", "address", address);
	changes_field(&list, "routing-gateway", "second", "prefixes", "9");
	changes_field(&list, "routing-gateway", "second", "priority", "100");
	changes_field(&list, "routing-gateway", "out", "codecs", "gsm");
	bench_change(bench, &list);
	call_with_offer(bench);
	peer_expect(&bench->phones[0], "INVITE ");
	expect_formats(&bench->phones[0], "0 8 18 101");
	peer_expect_nothing(&bench->callee);
	answer(bench, &bench->phones[0], "486 Busy", "", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	bench_close(bench);
}

/* The caller's and the callee's words of G.729, what the callee is offered and what the caller is
 * told by an answer that leaves annexb out. */
static void annexb_as_each_party_has_it(void **state)
{
	static const struct {
		const char *in[3]; /* g729-annexb, g729-mode */
		const char *out[3];
		const char *offered;
		const char *told; /* NULL: nothing of annexb */
	} rows[] = {
		{{"passthrough", "auto"},
		 {"passthrough", "auto"},
		 "G729/8000\r\na=fmtp:18 annexb=no",
		 NULL},
		{{"auto", "auto"},
		 {"auto", "auto"},
		 "G729/8000\r\na=fmtp:18 annexb=no",
		 "annexb=no"},
		{{"yes", "auto"},
		 {"yes", "g729a"},
		 "G729a/8000\r\na=fmtp:18 annexb=yes",
		 "annexb=yes"},
		{{"no", "g729a"}, {"absent", "g729"}, "G729/8000\r\na=rtpmap:101", "annexb=no"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bench *bench = bench_open(i % 2 ? "must-on" : "off");
		struct change_list list = {0};
		char tag[64];

		changes_field(&list, "mapping-gateway", "in", "g729-annexb", rows[i].in[0]);
		changes_field(&list, "mapping-gateway", "in", "g729-mode", rows[i].in[1]);
		changes_field(&list, "routing-gateway", "out", "g729-annexb", rows[i].out[0]);
		changes_field(&list, "routing-gateway", "out", "g729-mode", rows[i].out[1]);
		bench_change(bench, &list);
		call_with_offer(bench);
		peer_expect(&bench->callee, "INVITE ");
		expect_formats(&bench->callee, "0 8 18 101");
		if (!strstr(bench->callee.text, rows[i].offered))
			fail_msg("not %s: %s", rows[i].offered, bench->callee.text);
		callee_answers(bench, bench->callee.text, "200 OK", ANSWER);
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		if (rows[i].told ? !strstr(bench->caller.text, rows[i].told)
				 : strstr(bench->caller.text, "annexb") != NULL)
			fail_msg("row %zu: %s", i, bench->caller.text);
		message_to_tag(bench->caller.text, tag, sizeof(tag));
		caller_sends(bench, "ACK", 1, "ack", tag, "");
		caller_sends(bench, "BYE", 2, "bye", tag, "");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		peer_expect(&bench->callee, "BYE ");
		answer(bench, &bench->callee, "200 OK", "", "");
		bench_close(bench);
	}
}

TEST_MAIN(cmocka_unit_test(direct), cmocka_unit_test(relayed),
	  cmocka_unit_test(lists_of_both_parties), cmocka_unit_test(nothing_in_common_is_488),
	  cmocka_unit_test(the_next_gateway_is_tried),
	  cmocka_unit_test(annexb_as_each_party_has_it))
