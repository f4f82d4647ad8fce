/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The index of a message: fields, limits, look-ups, and the Call-ID scan that comes before it. */
#include "tests/support/test.h"

#include "shared/base/buf.h"
#include "switchd/sip/msg.h"

#define CORE                                     \
	"From: <sip:ann@example.com>;tag=a1\r\n" \
	"To: <sip:bob@example.com>\r\n"          \
	"Call-ID: index@192.0.2.7\r\n"           \
	"CSeq: 7 OPTIONS\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\r\n"
#define START "OPTIONS sip:bob@example.com SIP/2.0\r\n"

/* One parsed message and the bytes that it points into. */
struct fixture {
	struct sip_msg msg;
	struct buf data;
	enum sip_verdict verdict;
	int status;
	const char *why;
};

static struct fixture *parse(const char *text, size_t len)
{
	struct fixture *fixture = malloc(sizeof(*fixture));

	assert_non_null(fixture);
	/* What the previous message left must not show: nothing is cleared beyond the index. */
	memset(fixture, 0xa5, sizeof(*fixture));
	fixture->data = buf_new();
	buf_add(&fixture->data, text, len);
	fixture->verdict = sip_msg_parse(&fixture->msg, fixture->data.data, fixture->data.len,
					 &fixture->status, &fixture->why);
	return fixture;
}

static void drop(struct fixture *fixture)
{
	buf_free(&fixture->data);
	free(fixture);
}

#define PARSE(text) parse((text), sizeof(text) - 1)

static void assert_span(struct span got, const char *expected)
{
	char copy[256];

	assert_true(span_copy(got, copy, sizeof(copy)));
	assert_string_equal(copy, expected);
}

static void test_fields_of_a_request(void **state)
{
	struct fixture *fixture = PARSE("INVITE sip:bob@example.com;transport=udp SIP/2.0\r\n"
					"Via: SIP/2.0/UDP 192.0.2.7:5070;rport;branch=z9hG4bKtop, "
					"SIP/2.0/TCP h.example.com\r\n"
					"v: SIP/2.0/UDP other.example.com;branch=z9hG4bKlow\r\n"
					"Max-Forwards: 69\r\n"
					"From: \"Ann\" <sip:ann@example.com>;tag=f1\r\n"
					"To: <sip:bob@example.com>;tag=t1\r\n"
					"Call-ID: fields@192.0.2.7\r\n"
					"CSeq: 42 INVITE\r\n"
					"Contact: <sip:ann@192.0.2.7:5070>\r\n"
					"m: <sip:ann@192.0.2.8>\r\n"
					"c: application/sdp\r\n"
					"l: 4\r\n"
					"\r\n"
					"v=0\r\nleft over");
	struct sip_msg *msg = &fixture->msg;

	(void)state;
	assert_int_equal(fixture->verdict, SIP_VERDICT_OK);
	assert_true(msg->is_request);
	assert_int_equal(msg->method, SIP_INVITE);
	assert_span(msg->method_text, "INVITE");
	assert_span(msg->request_uri, "sip:bob@example.com;transport=udp");
	assert_int_equal(msg->status, 0);
	assert_span(msg->via, "SIP/2.0/UDP 192.0.2.7:5070;rport;branch=z9hG4bKtop");
	assert_span(msg->top_via.host, "192.0.2.7");
	assert_int_equal(msg->top_via.port, 5070);
	assert_span(msg->top_via.branch, "z9hG4bKtop");
	assert_true(msg->top_via.has_rport);
	assert_int_equal(msg->top_via.rport, 0);
	assert_span(msg->from, "\"Ann\" <sip:ann@example.com>;tag=f1");
	assert_span(msg->from_tag, "f1");
	assert_span(msg->to_tag, "t1");
	assert_span(msg->call_id, "fields@192.0.2.7");
	assert_int_equal(msg->cseq, 42);
	assert_span(msg->cseq_method, "INVITE");
	assert_span(msg->contact, "<sip:ann@192.0.2.7:5070>");
	assert_int_equal(msg->contact_count, 2);
	assert_int_equal(msg->max_forwards, 69);
	assert_span(msg->content_type, "application/sdp");
	assert_span(msg->body, "v=0\r");
	assert_int_equal(msg->header_count, 11);
	drop(fixture);
}

static void test_fields_of_a_response(void **state)
{
	struct fixture *fixture = PARSE("SIP/2.0 486 Busy, really\r\n" VIA CORE "\r\n");
	struct sip_msg *msg = &fixture->msg;

	(void)state;
	assert_int_equal(fixture->verdict, SIP_VERDICT_OK);
	assert_false(msg->is_request);
	assert_int_equal(msg->status, 486);
	assert_span(msg->reason, "Busy, really");
	assert_int_equal(msg->method, SIP_OPTIONS);
	assert_int_equal(msg->max_forwards, -1);
	assert_int_equal(msg->contact_count, 0);
	assert_int_equal(msg->contact.len, 0);
	assert_int_equal(msg->to_tag.len, 0);
	assert_int_equal(msg->body.len, 0);
	drop(fixture);
}

static void test_folds_are_joined(void **state)
{
	struct fixture *fixture = PARSE(START VIA CORE "Subject: one\r\n  two\r\n\tthree \r\n"
						       "X-Last: a\n b\r\n\r\n");

	(void)state;
	assert_int_equal(fixture->verdict, SIP_VERDICT_OK);
	assert_int_equal(fixture->msg.header_count, 7);
	assert_span(fixture->msg.headers[5].name, "Subject");
	assert_span(fixture->msg.headers[5].value, "one    two  \tthree");
	assert_span(fixture->msg.headers[6].value, "a  b");
	drop(fixture);
}

static void test_folded_and_spaced_values_are_read(void **state)
{
	struct fixture *fixture = PARSE(
		"INVITE sip:bob@example.com SIP/2.0\r\n"
		"TO :\r\n sip:bob@example.com ;   tag    = t77\r\n"
		"from   : \"A \\\\\\\"\"       <sip:ann@example.com>\r\n  ;\r\n  tag = f77\r\n"
		"MaX-fOrWaRdS: 0068\r\nCall-ID: spaced@192.0.2.1\r\nContent-Length   : 0\r\n"
		"cseq: 0009\r\n  INVITE\r\n"
		"Via  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5090;branch=old1\r\n"
		"v:  SIP  / 2.0  / TCP     host.example.com   ;\r\n  branch  =   z9hG4bKx  "
		"\r\n\r\n");
	struct sip_msg *msg = &fixture->msg;

	(void)state;
	assert_int_equal(fixture->verdict, SIP_VERDICT_OK);
	assert_span(msg->to_tag, "t77");
	assert_span(msg->from_tag, "f77");
	assert_int_equal(msg->cseq, 9);
	assert_int_equal(msg->max_forwards, 68);
	assert_span(msg->top_via.transport, "UDP");
	assert_span(msg->top_via.host, "192.0.2.2");
	assert_int_equal(msg->top_via.port, 5090);
	assert_span(msg->top_via.branch, "old1");
	drop(fixture);
}

static void test_rejected_request_keeps_what_the_answer_needs(void **state)
{
	struct fixture *fixture =
		PARSE("OPTIONS <sip:bob@example.com> SIP/2.0\r\n" VIA
		      "From: <sip:ann@example.com>;tag=a1\r\nTo: \"open\r\nCall-ID: r\r\n"
		      "CSeq: 7 OPTIONS\r\n\r\n");
	struct sip_msg *msg = &fixture->msg;

	(void)state;
	assert_int_equal(fixture->verdict, SIP_VERDICT_REJECT);
	assert_int_equal(fixture->status, 400);
	assert_string_equal(fixture->why, "Bad Request-URI"); /* the first defect */
	assert_span(msg->top_via.host, "192.0.2.7");
	assert_span(msg->from, "<sip:ann@example.com>;tag=a1");
	assert_span(msg->to, "\"open");
	assert_int_equal(msg->to_tag.len, 0);
	assert_span(msg->call_id, "r");
	assert_int_equal(msg->cseq, 7);
	assert_span(msg->cseq_method, "OPTIONS");
	drop(fixture);
}

/* A message with lines of an unknown header and a list of so many commas, padded to at least
 * `size`. */
static struct fixture *parse_sized(int lines, int commas, size_t size)
{
	struct buf text = buf_new();
	struct fixture *fixture;

	buf_add_lit(&text, START VIA CORE);
	for (int i = 0; i < lines; i++)
		buf_add_lit(&text, "X-Y: z\r\n");
	buf_add_lit(&text, "Accept: a/b");
	for (int i = 0; i < commas; i++)
		buf_add_lit(&text, ",a/b");
	buf_add_lit(&text, "\r\n\r\n");
	while (text.len < size)
		buf_add_char(&text, '.');
	assert_false(text.failed);
	fixture = parse(text.data, text.len);
	buf_free(&text);
	return fixture;
}

static void test_limits(void **state)
{
	static const struct {
		int lines;
		int commas;
		size_t size;
		int status; /* 0 = taken */
	} cases[] = {
		/* Via, CORE's four and Accept are six headers. */
		{SIP_HEADERS_MAX - 6, 0, 0, 0},
		{SIP_HEADERS_MAX - 5, 0, 0, 400},
		{0, SIP_COMMAS_MAX, 0, 0},
		{0, SIP_COMMAS_MAX + 1, 0, 400},
		{0, 0, SIP_MSG_MAX, 0},
		{0, 0, SIP_MSG_MAX + 1, 513},
		{0, 0, 65507, 513},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fixture *fixture =
			parse_sized(cases[i].lines, cases[i].commas, cases[i].size);

		int status = fixture->verdict == SIP_VERDICT_REJECT ? fixture->status : 0;

		assert_int_not_equal(fixture->verdict, SIP_VERDICT_IGNORE);
		if (status != cases[i].status)
			fail_msg("%d lines, %d commas, %zu bytes: %d", cases[i].lines,
				 cases[i].commas, cases[i].size, status);
		drop(fixture);
	}
}

static void test_full_check_bounds_list_elements(void **state)
{
	struct buf text = buf_new();
	struct fixture *fixture;
	const char *why;

	(void)state;
	buf_add_lit(&text, START VIA CORE);
	for (int i = 0; i < 20; i++)
		buf_add_lit(&text, "Contact: <sip:a@h>,<sip:b@h>,<sip:c@h>,<sip:d@h>,<sip:e@h>,"
				   "<sip:f@h>,<sip:g@h>,<sip:h@h>,<sip:i@h>,<sip:j@h>,"
				   "<sip:k@h>,<sip:l@h>,<sip:m@h>,<sip:n@h>,<sip:o@h>,"
				   "<sip:p@h>,<sip:q@h>,<sip:r@h>,<sip:s@h>,<sip:t@h>,"
				   "<sip:u@h>,<sip:v@h>\r\n");
	buf_add_lit(&text, "\r\n");
	fixture = parse(text.data, text.len);
	assert_int_equal(fixture->verdict, SIP_VERDICT_OK);
	assert_false(sip_msg_check_full(&fixture->msg, &why));
	assert_string_equal(why, "Too Many List Elements");
	drop(fixture);
	buf_free(&text);
}

static void test_header_look_up(void **state)
{
	struct fixture *fixture = PARSE(START VIA CORE "Require: 100rel , Timer\r\n"
						       "Allow: INVITE, BYE\r\n"
						       "require: \"a,b\", gruu\r\n\r\n");
	const struct sip_msg *msg = &fixture->msg;
	int index = 0;

	(void)state;
	assert_span(sip_msg_header(msg, SIP_HDR_REQUIRE, &index)->value, "100rel , Timer");
	assert_span(sip_msg_header(msg, SIP_HDR_REQUIRE, &index)->value, "\"a,b\", gruu");
	assert_null(sip_msg_header(msg, SIP_HDR_REQUIRE, &index));
	assert_null(sip_msg_header(msg, SIP_HDR_REQUIRE, &index));
	assert_span(sip_msg_first(msg, SIP_HDR_ALLOW)->value, "INVITE, BYE");
	assert_null(sip_msg_first(msg, SIP_HDR_ROUTE));

	assert_true(sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("timer")));
	assert_true(sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("gruu")));
	assert_false(sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("b\"")));
	assert_false(sip_msg_has_token(msg, SIP_HDR_REQUIRE, SPAN_LIT("100re")));
	assert_true(sip_msg_has_token(msg, SIP_HDR_ALLOW, SPAN_LIT("BYE")));
	assert_false(sip_msg_has_token(msg, SIP_HDR_ALLOW, SPAN_LIT("bye")));
	drop(fixture);
}

static void test_every_name_is_found(void **state)
{
	static const struct {
		const char *name;
		enum sip_header_id id;
	} cases[] = {
		{"Route", SIP_HDR_ROUTE},
		{"Record-Route", SIP_HDR_RECORD_ROUTE},
		{"Expires", SIP_HDR_EXPIRES},
		{"Min-Expires", SIP_HDR_MIN_EXPIRES},
		{"Authorization", SIP_HDR_AUTHORIZATION},
		{"Proxy-Authorization", SIP_HDR_PROXY_AUTHORIZATION},
		{"WWW-Authenticate", SIP_HDR_WWW_AUTHENTICATE},
		{"Proxy-Authenticate", SIP_HDR_PROXY_AUTHENTICATE},
		{"Content-Type", SIP_HDR_CONTENT_TYPE},
		{"Allow", SIP_HDR_ALLOW},
		{"Supported", SIP_HDR_SUPPORTED},
		{"k", SIP_HDR_SUPPORTED},
		{"Require", SIP_HDR_REQUIRE},
		{"Proxy-Require", SIP_HDR_PROXY_REQUIRE},
		{"Session-Expires", SIP_HDR_SESSION_EXPIRES},
		{"x", SIP_HDR_SESSION_EXPIRES},
		{"Min-SE", SIP_HDR_MIN_SE},
		{"RAck", SIP_HDR_RACK},
		{"rseq", SIP_HDR_RSEQ},
		{"Reason", SIP_HDR_REASON},
		{"Retry-After", SIP_HDR_RETRY_AFTER},
		{"Privacy", SIP_HDR_PRIVACY},
		{"User-Agent", SIP_HDR_USER_AGENT},
		{"CONTACT", SIP_HDR_CONTACT},
		{"Contacts", SIP_HDR_OTHER},
		{"Contacx", SIP_HDR_OTHER},
		{"Allow-Events", SIP_HDR_OTHER},
		{"u", SIP_HDR_OTHER},
		{"An-Unknown-Name-Longer-Than-All", SIP_HDR_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf text = buf_new();
		struct fixture *fixture;

		buf_printf(&text, "%s%s%s%s: 1\r\n\r\n", START, VIA, CORE, cases[i].name);
		fixture = parse(text.data, text.len);
		if (fixture->msg.headers[5].id != cases[i].id)
			fail_msg("%s is taken for %d", cases[i].name, fixture->msg.headers[5].id);
		drop(fixture);
		buf_free(&text);
	}
}

static void test_call_id_scan(void **state)
{
	static const struct {
		const char *text;
		const char *call_id;
	} cases[] = {
		{START VIA CORE "\r\n", "index@192.0.2.7"},
		{"\r\n" START "i: after-empty-line\r\n\r\n", "after-empty-line"},
		{START "I \t :\tx\r\n\r\n", "x"},
		{START "call-id:\r\n  folded\r\n\r\n", "folded"},
		{START "Call-ID: x \r\n \r\n\r\n", "x"},
		{START "Subject: a\r\n Call-ID: no\r\nCall-ID: yes\r\n\r\n", "yes"},
		{START "Call-IDs: no\r\nid: no\r\ni: yes\r\n\r\n", "yes"},
		{START "Subject: a\r\n\r\nCall-ID: body\r\n", ""},
		{"OPTIONS sip:b@example.com SIP/2.0\ni: lf\n\n", "lf"},
		{"Call-ID: in the start line", ""},
		{START "Call-ID:", ""},
		{START "Call-ID", ""},
		{"", ""},
		{"\r\n\r\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = strlen(cases[i].text);
		char *copy = malloc(len + !len);

		assert_non_null(copy);
		memcpy(copy, cases[i].text, len);
		assert_span(sip_scan_call_id(copy, len), cases[i].call_id);
		free(copy);
	}
}

static void test_methods_and_phrases(void **state)
{
	(void)state;
	for (int method = SIP_METHOD_UNKNOWN + 1; method < SIP_METHOD_COUNT; method++) {
		const char *name = sip_method_text((enum sip_method)method);

		assert_int_equal(sip_method_from(span_of(name)), method);
	}
	assert_int_equal(sip_method_from(SPAN_LIT("invite")), SIP_METHOD_UNKNOWN);
	assert_int_equal(sip_method_from(SPAN_LIT("UNKNOWN")), SIP_METHOD_UNKNOWN);
	assert_int_equal(sip_method_from(SPAN_LIT("")), SIP_METHOD_UNKNOWN);
	assert_string_equal(sip_reason_phrase(100), "Trying");
	assert_string_equal(sip_reason_phrase(486), "Busy Here");
	assert_string_equal(sip_reason_phrase(606), "Not Acceptable");
	assert_string_equal(sip_reason_phrase(499), "Bad Request");
	assert_string_equal(sip_reason_phrase(699), "Busy Everywhere");
	assert_string_equal(sip_reason_phrase(99), "Unknown");
	assert_string_equal(sip_reason_phrase(700), "Unknown");
}

TEST_MAIN(cmocka_unit_test(test_fields_of_a_request), cmocka_unit_test(test_fields_of_a_response),
	  cmocka_unit_test(test_folds_are_joined),
	  cmocka_unit_test(test_folded_and_spaced_values_are_read),
	  cmocka_unit_test(test_rejected_request_keeps_what_the_answer_needs),
	  cmocka_unit_test(test_limits), cmocka_unit_test(test_full_check_bounds_list_elements),
	  cmocka_unit_test(test_header_look_up), cmocka_unit_test(test_every_name_is_found),
	  cmocka_unit_test(test_call_id_scan), cmocka_unit_test(test_methods_and_phrases))
