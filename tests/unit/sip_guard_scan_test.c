/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the guard reads of a message before it is parsed: the same as the parser, or less. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>

#include "switchd/sip/guard_scan.h"
#include "switchd/sip/msg.h"

#define VIA "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n"
#define REST                                                                        \
	"From: <sip:a@b>;tag=1\r\nCall-ID: c\r\nCSeq: 1 %s\r\nMax-Forwards: 70\r\n" \
	"Content-Length: 0\r\n\r\n"

struct sample {
	const char *method;
	const char *to; /* the whole line or lines */
	enum guard_class expected;
};

static const struct sample SAMPLES[] = {
	{"INVITE", "To: <sip:b@c>\r\n", GUARD_INVITE},
	{"INVITE", "To: <sip:b@c>;tag=2\r\n", GUARD_INSIDE},
	{"INVITE", "t:<sip:b@c>;x;tag=2\r\n", GUARD_INSIDE},
	{"INVITE", "T \t: sip:b@c;tag=2\r\n", GUARD_INSIDE},
	{"INVITE", "TO: \"a;tag=2\" <sip:b@c>\r\n", GUARD_INVITE},
	{"INVITE", "To: \"a>\" <sip:b@c;tag=2>\r\n", GUARD_INVITE},
	{"INVITE", "To: <sip:b@c>;tag=\r\n", GUARD_INVITE},
	{"INVITE", "To: <sip:b@c>;tagx=2\r\n", GUARD_INVITE},
	{"INVITE", "Timestamp: 1;tag=2\r\nTo: <sip:b@c>\r\n", GUARD_INVITE},
	{"OPTIONS", "To: <sip:b@c>\r\n", GUARD_OTHER},
	{"OPTIONS", "To: <sip:b@c>;tag=2\r\n", GUARD_INSIDE},
	{"SUBSCRIBE", "To: <sip:b@c>\r\n", GUARD_OTHER},
	{"NOTIFY", "To: <sip:b@c>;tag=2\r\n", GUARD_INSIDE},
	{"INVITEX", "To: <sip:b@c>\r\n", GUARD_OTHER},
	{"REGISTER", "To: <sip:b@c>\r\n", GUARD_REGISTER},
	{"REGISTER", "To: <sip:b@c>;tag=2\r\n", GUARD_REGISTER},
	{"ACK", "To: <sip:b@c>\r\n", GUARD_INSIDE},
	{"BYE", "To: <sip:b@c>\r\n", GUARD_INSIDE},
	{"CANCEL", "To: <sip:b@c>\r\n", GUARD_INSIDE},
};

static void it_agrees_with_the_parser(void **state)
{
	static struct sip_msg msg;
	size_t accepted = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(SAMPLES) / sizeof(SAMPLES[0]); i++) {
		const struct sample *sample = &SAMPLES[i];
		const char *why = NULL;
		char text[1024];
		int status = 0;
		int len = snprintf(text, sizeof(text), "%s sip:b@c SIP/2.0\r\n" VIA "%s" REST,
				   sample->method, sample->to, sample->method);
		enum guard_class found = guard_scan(text, (size_t)len);

		if (found != sample->expected)
			fail_msg("%s with %s: class %d, not %d", sample->method, sample->to,
				 (int)found, (int)sample->expected);
		/* What the parser refuses begins nothing. */
		if (sip_msg_parse(&msg, text, (size_t)len, &status, &why) != SIP_VERDICT_OK)
			continue;
		if ((found == GUARD_INVITE || found == GUARD_OTHER) && msg.to_tag.len)
			fail_msg("%s has the tag %.*s", sample->to, SPAN_ARG(msg.to_tag));
		accepted++;
	}
	assert_true(accepted >= sizeof(SAMPLES) / sizeof(SAMPLES[0]) - 2);
}

static void blank_lines_in_front_do_not_hide_it(void **state)
{
	static const char TEXT[] = "\r\n\r\nREGISTER sip:c SIP/2.0\r\n\r\n";

	(void)state;
	assert_int_equal(guard_scan(TEXT, sizeof(TEXT) - 1), GUARD_REGISTER);
}

static void a_response_is_one(void **state)
{
	static const char TEXT[] = "SIP/2.0 200 OK\r\n\r\n";

	(void)state;
	assert_int_equal(guard_scan(TEXT, sizeof(TEXT) - 1), GUARD_RESPONSE);
	assert_int_equal(guard_scan("SIP/2.0", 7), GUARD_OTHER);
}

/* Every prefix of a message, in memory of just that size: for the address sanitizer. */
static void it_never_reads_beyond_the_end(void **state)
{
	static const char TEXT[] =
		"\r\nINVITE sip:b@c SIP/2.0\r\n" VIA "To: \"x\\\" ;tag=1\" <sip:b@c>;tag=2\r\n\r\n";

	(void)state;
	for (size_t len = 0; len < sizeof(TEXT); len++) {
		char *copy = malloc(len ? len : 1);

		assert_non_null(copy);
		memcpy(copy, TEXT, len);
		assert_in_range(guard_scan(copy, len), GUARD_RESPONSE, GUARD_OTHER);
		free(copy);
	}
}

/* A To behind the header's end is the body's. */
static void the_body_is_not_read(void **state)
{
	static const char TEXT[] = "INVITE sip:b@c SIP/2.0\r\n" VIA "\r\nTo: <sip:b@c>;tag=2\r\n";

	(void)state;
	assert_int_equal(guard_scan(TEXT, sizeof(TEXT) - 1), GUARD_INVITE);
}

TEST_MAIN(cmocka_unit_test(it_agrees_with_the_parser),
	  cmocka_unit_test(blank_lines_in_front_do_not_hide_it),
	  cmocka_unit_test(a_response_is_one), cmocka_unit_test(it_never_reads_beyond_the_end),
	  cmocka_unit_test(the_body_is_not_read))
