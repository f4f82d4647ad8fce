/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records in words: every template has a text, secrets never come through, descriptions in short.
 */
#include "tests/support/test.h"

#include "switchd/trace/words.h"

static void assert_masked(const char *message, const char *wanted)
{
	struct buf out = buf_new();

	trace_message_mask(span_of(message), &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_free(&out);
}

static void credentials_are_masked(void **state)
{
	(void)state;
	assert_masked("REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"response=1\", "
		      "response=\"0123abcd\", qop=auth\r\n\r\nresponse=\"body\"",
		      "REGISTER sip:a SIP/2.0\r\nAuthorization: Digest username=\"response=1\", "
		      "response=\"***\", qop=auth\r\n\r\nresponse=\"body\"");
	assert_masked("proxy-authorization : DIGEST Response = abc,uri=\"x\"\r\n",
		      "proxy-authorization : DIGEST Response =\"***\",uri=\"x\"\r\n");
	assert_masked(
		"Authorization: Digest a=1,\r\n\tresponse=\"secret\"\r\nTo: response=\"x\"\r\n",
		"Authorization: Digest a=1,\r\n\tresponse=\"***\"\r\nTo: response=\"x\"\r\n");
	assert_masked("Authentication-Info: rspauth=\"12\", nc=1\n",
		      "Authentication-Info: rspauth=\"***\", nc=1\n");
	assert_masked("Authorization: Digest response=\"cut",
		      "Authorization: Digest response=\"***\"");
	assert_masked("Authorization: Digest response=", "Authorization: Digest response=\"***\"");
	/* A scheme that carries the password itself, also when its line is folded. */
	assert_masked("Authorization: Basic YTpi\r\n c2Vj\r\nTo: x\r\n",
		      "Authorization: ***\r\n ***\r\nTo: x\r\n");
	assert_masked("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:KEYKEY|2^20\r\n",
		      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***\r\n");
	assert_masked("a=CRYPTO:1 x inline:K1;inline:K2\r\n", "a=CRYPTO:1 x inline:***\r\n");
	assert_masked("k=clear:KEY\r\nk=base64:S0VZ\r\nk=prompt\r\n",
		      "k=clear:***\r\nk=base64:***\r\nk=prompt\r\n");
	assert_masked("a=key-mgmt:mikey S0VZ\r\na=key-mgmt:\r\n",
		      "a=key-mgmt:mikey ***\r\na=key-mgmt:\r\n");
	assert_masked("", "");
	assert_masked("Authorization", "Authorization");
}

/* A password in an address; what only looks like one stays. */
static void passwords_in_addresses(void **state)
{
	(void)state;
	assert_masked("INVITE sip:1001:secret@192.0.2.1:5060;lr SIP/2.0\r\n",
		      "INVITE sip:1001:***@192.0.2.1:5060;lr SIP/2.0\r\n");
	assert_masked("Contact: \"a\" <SIPS:a:b@h>, <sip:c:d;e@h:1>\r\n",
		      "Contact: \"a\" <SIPS:a:***@h>, <sip:c:***@h:1>\r\n");
	assert_masked("Route: <sip:192.0.2.1:5060;lr>, <sip:p@h>\r\n",
		      "Route: <sip:192.0.2.1:5060;lr>, <sip:p@h>\r\n");
	assert_masked("To: <sip:h:5060>, sip:a@h\r\nX: sip:\r\nY: sip:a:",
		      "To: <sip:h:5060>, sip:a@h\r\nX: sip:\r\nY: sip:a:");
	assert_masked("Refer-To: <sip:a:@h>\r\n", "Refer-To: <sip:a:@h>\r\n");
}

static void call_ids(void **state)
{
	(void)state;
	assert_true(span_eq(trace_message_call_id(SPAN_LIT("BYE a\r\ni : x@y \r\n\r\n")),
			    SPAN_LIT("x@y")));
	assert_true(
		span_eq(trace_message_call_id(SPAN_LIT("BYE a\r\nCALL-ID:z\r\n")), SPAN_LIT("z")));
	assert_int_equal(trace_message_call_id(SPAN_LIT("BYE a\r\n\r\nCall-ID: no\r\n")).len, 0);
	assert_int_equal(trace_message_call_id(SPAN_NONE).len, 0);
}

static void assert_sdp(const char *body, const char *wanted)
{
	struct buf message = buf_new();
	struct buf out = buf_new();

	buf_printf(&message, "INVITE sip:a SIP/2.0\r\nTo: x\r\n\r\n%s", body);
	trace_message_sdp(buf_span(&message), &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_free(&message);
	buf_free(&out);
}

static void descriptions_in_short(void **state)
{
	(void)state;
	assert_sdp("v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 8 101\r\n"
		   "a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n",
		   "192.0.2.1:4000 PCMA telephone-event sendonly");
	assert_sdp(
		"v=0\r\nm=audio 4000 RTP/AVP 0\r\nc=IN IP6 2001:db8::1\r\nm=video 0 RTP/AVP 99\r\n",
		"2001:db8::1:4000 PCMU, 2001:db8::1:0 99");
	assert_sdp("v=0\r\nm=\r\na=\r\nc=\r\n", ":");
	assert_sdp("hello", "");
	assert_sdp("", "");
}

static void assert_note(const struct trace_event *event, const char *wanted)
{
	struct buf out = buf_new();

	trace_note_print(event, &out);
	assert_string_equal(buf_cstr(&out), wanted);
	buf_free(&out);
}

static void notes_are_filled_in(void **state)
{
	struct trace_event event = {.kind = TRACE_NOTE, .note = TRACE_CALL_END, .b = 0xff};

	(void)state;
	assert_note(&event, "ended by switch: normal release");
	event.a = 486;
	event.b = 1;
	assert_note(&event, "ended by callee: SIP 486");
	event.a = -999999; /* no cause of ours */
	assert_note(&event, "ended by callee: -999999");
	event = (struct trace_event){
		.note = TRACE_LEG, .a = 1, .b = 2, .data = SPAN_LIT("phone {a}")};
	assert_note(&event, "leg callee, attempt 2: phone {a}");
	event.note = TRACE_NOTES;
	assert_note(&event, "");
	/* Every row there is, with numbers of no meaning. */
	for (int note = 0; note < TRACE_NOTES; note++) {
		struct buf out = buf_new();

		event = (struct trace_event){
			.note = (uint8_t)note, .a = 1234567, .b = -7654321, .data = SPAN_LIT("x")};
		trace_note_print(&event, &out);
		assert_true(out.len > 0);
		assert_null(memchr(out.data, '{', out.len));
		assert_null(memchr(out.data, '}', out.len));
		buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credentials_are_masked),
		cmocka_unit_test(passwords_in_addresses),
		cmocka_unit_test(call_ids),
		cmocka_unit_test(descriptions_in_short),
		cmocka_unit_test(notes_are_filled_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
