/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the gate and the full check say of odd messages: one row a behaviour. */
#include "tests/support/test.h"

#include "switchd/sip/msg.h"

#define START "OPTIONS sip:bob@example.com SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\r\n"
#define FROM  "From: <sip:ann@example.com>;tag=a1\r\n"
#define TO    "To: <sip:bob@example.com>\r\n"
#define CALL  "Call-ID: gate@192.0.2.7\r\n"
#define CSEQ  "CSeq: 7 OPTIONS\r\n"
#define PARTY FROM TO CALL
#define REST  PARTY CSEQ
#define REPLY "SIP/2.0 200 OK\r\n"
#define END   "\r\n"

enum expect {
	TAKEN,    /* by the gate and by the full check */
	FULL_BAD, /* by the gate only */
	IGNORED,
	REFUSED_400,
	REFUSED_505,
};

struct row {
	const char *name;
	const char *text;
	size_t len;
	enum expect expect;
};

#define ROW(name, text, expect)                            \
	{                                                  \
		(name), (text), sizeof(text) - 1, (expect) \
	}

/* A row on its own copy, so that the sanitizer sees a byte read too far. */
static enum expect judge(const struct row *row)
{
	struct sip_msg *msg = malloc(sizeof(*msg));
	char *data = malloc(row->len + !row->len);
	const char *why = NULL;
	const char *what;
	enum expect got = IGNORED;
	int status = 0;

	assert_non_null(msg);
	assert_non_null(data);
	memcpy(data, row->text, row->len);
	switch (sip_msg_parse(msg, data, row->len, &status, &why)) {
	case SIP_VERDICT_OK:
		got = sip_msg_check_full(msg, &why) ? TAKEN : FULL_BAD;
		if (!sip_msg_agrees(msg, &what))
			fail_msg("%s: index and full parse differ in %s", row->name, what);
		if (!span_eq(msg->call_id, sip_scan_call_id(row->text, row->len)))
			fail_msg("%s: the scan finds another Call-ID", row->name);
		break;
	case SIP_VERDICT_REJECT:
		got = status == 505 ? REFUSED_505 : REFUSED_400;
		if (status != 400 && status != 505)
			fail_msg("%s: status %d", row->name, status);
		if (!why || !msg->top_via.host.len)
			fail_msg("%s: refused without a reason or a Via", row->name);
		break;
	case SIP_VERDICT_IGNORE:
		break;
	}
	free(data);
	free(msg);
	return got;
}

static void judge_all(const struct row *rows, size_t count)
{
	static const char *const names[] = {
		[TAKEN] = "taken",
		[FULL_BAD] = "refused by the full check",
		[IGNORED] = "ignored",
		[REFUSED_400] = "refused with 400",
		[REFUSED_505] = "refused with 505",
	};

	for (size_t i = 0; i < count; i++) {
		enum expect got = judge(&rows[i]);

		if (got != rows[i].expect)
			fail_msg("%s: %s, expected: %s", rows[i].name, names[got],
				 names[rows[i].expect]);
	}
}

#define JUDGE(rows) judge_all((rows), sizeof(rows) / sizeof((rows)[0]))

static void test_no_sip(void **state)
{
	static const struct row rows[] = {
		ROW("empty datagram", "", IGNORED),
		ROW("one byte", "x", IGNORED),
		ROW("keepalive CRLF", "\r\n\r\n", IGNORED),
		ROW("long keepalive CRLF", "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n", IGNORED),
		ROW("keepalive word", "HELLO", IGNORED),
		ROW("long keepalive word", "HELLO HELLO HELLO", IGNORED),
		ROW("NUL bytes", "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", IGNORED),
		ROW("a STUN request",
		    "\0\1\0\0\x21\x12\xa4\x42"
		    "abcdefghijkl",
		    IGNORED),
		ROW("an HTTP request", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", IGNORED),
		ROW("no version", "OPTIONS sip:bob@example.com\r\n" VIA REST END, IGNORED),
		ROW("half a version", "OPTIONS sip:bob@example.com SIP/2\r\n" VIA REST END,
		    IGNORED),
		ROW("version without digits", "OPTIONS sip:b@example.com SIP/x.y\r\n" VIA REST END,
		    IGNORED),
	};

	(void)state;
	JUDGE(rows);
}

static void test_request_line(void **state)
{
	static const struct row rows[] = {
		ROW("plain", START VIA REST END, TAKEN),
		ROW("empty lines before it", "\r\n\r\n" START VIA REST END, TAKEN),
		ROW("two spaces", "OPTIONS  sip:bob@example.com SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("blank at its end", "OPTIONS sip:bob@example.com SIP/2.0 \r\n" VIA REST END,
		    REFUSED_400),
		ROW("blank at its start", " OPTIONS sip:bob@example.com SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("tabs", "OPTIONS\tsip:bob@example.com\tSIP/2.0\r\n" VIA REST END, REFUSED_400),
		ROW("no URI", "OPTIONS SIP/2.0\r\n" VIA REST END, REFUSED_400),
		ROW("URI in <>", "OPTIONS <sip:bob@example.com> SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("blank in the URI", "OPTIONS sip:bob@example.com ;lr SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("quote in the URI", "OPTIONS sip:\"bob\"@example.com SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("headers in the URI",
		    "OPTIONS sip:bob@example.com?Priority=urgent SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("'?' in the user part", "OPTIONS sip:who?@example.com SIP/2.0\r\n" VIA REST END,
		    TAKEN),
		ROW("service code in the user part",
		    "OPTIONS sip:*21#@example.com SIP/2.0\r\n" VIA REST END, TAKEN),
		ROW("unknown scheme", "OPTIONS gopher:hole SIP/2.0\r\n" VIA REST END, TAKEN),
		ROW("URI without host", "OPTIONS sip:bob@ SIP/2.0\r\n" VIA REST END, FULL_BAD),
		ROW("URI without scheme", "OPTIONS bob SIP/2.0\r\n" VIA REST END, FULL_BAD),
		ROW("version 3", "OPTIONS sip:bob@example.com SIP/3.0\r\n" VIA REST END,
		    REFUSED_505),
		ROW("version in small letters",
		    "OPTIONS sip:bob@example.com sip/2.0\r\n" VIA REST END, TAKEN),
		ROW("method is no token", "OPT(IONS sip:bob@example.com SIP/2.0\r\n" VIA REST END,
		    REFUSED_400),
		ROW("unknown method",
		    "DANCE sip:bob@example.com SIP/2.0\r\n" VIA PARTY "CSeq: 1 DANCE\r\n" END,
		    TAKEN),
		ROW("method of all token characters",
		    "a-.!%*_+`'~ sip:bob@example.com SIP/2.0\r\n" VIA PARTY
		    "CSeq: 1 a-.!%*_+`'~\r\n" END,
		    TAKEN),
		ROW("folded", "OPTIONS sip:bob@example.com\r\n SIP/2.0\r\n" VIA REST END, IGNORED),
		ROW("continuation after it", START " x\r\n" VIA REST END, REFUSED_400),
	};

	(void)state;
	JUDGE(rows);
}

static void test_lines(void **state)
{
	static const struct row rows[] = {
		ROW("compact names",
		    START "v: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\r\n"
			  "f: <sip:ann@example.com>;tag=a1\r\nt: <sip:bob@example.com>\r\n"
			  "i: gate@192.0.2.7\r\n" CSEQ "m: <sip:ann@192.0.2.7>\r\nl: 0\r\n" END,
		    TAKEN),
		ROW("names in odd case",
		    START "VIA: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\r\n"
			  "fRoM: <sip:ann@example.com>;tag=a1\r\ntO: <sip:bob@example.com>\r\n"
			  "CALL-id: gate@192.0.2.7\r\ncseq: 7 OPTIONS\r\n" END,
		    TAKEN),
		ROW("blanks before the colon",
		    START "Via \t : SIP/2.0/UDP 192.0.2.7\r\n" FROM TO
			  "Call-ID   :gate@192.0.2.7\r\n" CSEQ END,
		    TAKEN),
		ROW("folds",
		    START "Via:\r\n SIP/2.0/UDP\r\n\t192.0.2.7;\r\n  branch=z9hG4bKg1\r\n"
			  "From: <sip:ann@example.com>\r\n ;tag=a1\r\n" TO
			  "Call-ID:\r\n gate@192.0.2.7\r\n"
			  "CSeq: 7\r\n OPTIONS\r\n" END,
		    TAKEN),
		ROW("fold of blanks alone",
		    START VIA FROM TO "Call-ID: gate@192.0.2.7\r\n \t \r\n" CSEQ END, TAKEN),
		ROW("fold before the colon",
		    START VIA FROM TO "Call-ID\r\n : gate@192.0.2.7\r\n" CSEQ END, REFUSED_400),
		ROW("bare LF line ends",
		    "OPTIONS sip:bob@example.com SIP/2.0\n"
		    "Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKg1\nFrom: "
		    "<sip:a@example.com>;tag=a1\n"
		    "To: <sip:bob@example.com>\nCall-ID: gate\nCSeq: 7 OPTIONS\n\n",
		    TAKEN),
		ROW("CR within a value", START VIA REST "Subject: a\rVia: b\r\n" END, REFUSED_400),
		ROW("two CR at a line end", START VIA REST "Subject: a\r\r\n" END, REFUSED_400),
		ROW("NUL in a value", START VIA REST "Subject: a\0b\r\n" END, REFUSED_400),
		ROW("NUL in a name", START VIA REST "Sub\0ject: a\r\n" END, REFUSED_400),
		ROW("NUL as quoted-pair",
		    START VIA "From: \"a\\\0b\" <sip:ann@example.com>;tag=a1\r\n" TO CALL CSEQ END,
		    TAKEN),
		ROW("UTF-8 in a value", START VIA REST "Subject: gr\xc3\xbc\xc3\x9f\r\n" END,
		    TAKEN),
		ROW("empty value", START VIA REST "Subject:\r\nSupported:\r\n" END, TAKEN),
		ROW("line without a colon", START VIA REST "Nonsense\r\n" END, REFUSED_400),
		ROW("name is no token", START VIA REST "A b: c\r\n" END, REFUSED_400),
		ROW("empty name", START VIA REST ": c\r\n" END, REFUSED_400),
		ROW("no empty line at the end", START VIA REST, REFUSED_400),
		ROW("cut within a line", START VIA REST "Subject: cu", REFUSED_400),
		ROW("escaped header name is another header", START VIA REST "C%61ll-ID: x\r\n" END,
		    TAKEN),
	};

	(void)state;
	JUDGE(rows);
}

static void test_single_headers(void **state)
{
	static const struct row rows[] = {
		ROW("no From", START VIA TO CALL CSEQ END, REFUSED_400),
		ROW("no To", START VIA FROM CALL CSEQ END, REFUSED_400),
		ROW("no Call-ID", START VIA FROM TO CSEQ END, REFUSED_400),
		ROW("no CSeq", START VIA PARTY END, REFUSED_400),
		ROW("no Via", START REST END, IGNORED),
		ROW("Via without host", START "Via: SIP/2.0/UDP ;branch=z9hG4bK1\r\n" REST END,
		    IGNORED),
		ROW("Via of another protocol", START "Via: HTTP/1.1 192.0.2.7\r\n" REST END,
		    IGNORED),
		ROW("two From", START VIA REST FROM END, REFUSED_400),
		ROW("two To", START VIA REST "t: <sip:eve@example.com>\r\n" END, REFUSED_400),
		ROW("two Call-ID", START VIA REST "i: other\r\n" END, REFUSED_400),
		ROW("two CSeq", START VIA REST CSEQ END, REFUSED_400),
		ROW("two Max-Forwards", START VIA REST "Max-Forwards: 7\r\nMax-Forwards: 7\r\n" END,
		    REFUSED_400),
		ROW("no Max-Forwards", START VIA REST END, TAKEN),
		ROW("Max-Forwards 255", START VIA REST "Max-Forwards: 255\r\n" END, TAKEN),
		ROW("Max-Forwards 256", START VIA REST "Max-Forwards: 256\r\n" END, REFUSED_400),
		ROW("Max-Forwards -1", START VIA REST "Max-Forwards: -1\r\n" END, REFUSED_400),
		ROW("CSeq 2^31-1", START VIA PARTY "CSeq: 2147483647 OPTIONS\r\n" END, TAKEN),
		ROW("CSeq 2^31", START VIA PARTY "CSeq: 2147483648 OPTIONS\r\n" END, REFUSED_400),
		ROW("CSeq beyond 64 bits",
		    START VIA PARTY "CSeq: 18446744073709551617 OPTIONS\r\n" END, REFUSED_400),
		ROW("CSeq with leading zeros", START VIA PARTY "CSeq: 0007 OPTIONS\r\n" END, TAKEN),
		ROW("CSeq without method", START VIA PARTY "CSeq: 7\r\n" END, REFUSED_400),
		ROW("CSeq without number", START VIA PARTY "CSeq: OPTIONS\r\n" END, REFUSED_400),
		ROW("CSeq of another method", START VIA PARTY "CSeq: 7 INVITE\r\n" END,
		    REFUSED_400),
		ROW("CSeq method in small letters", START VIA PARTY "CSeq: 7 options\r\n" END,
		    REFUSED_400),
		ROW("empty Call-ID", START VIA FROM TO "Call-ID: \r\n" CSEQ END, REFUSED_400),
		ROW("blank in Call-ID", START VIA FROM TO "Call-ID: a b\r\n" CSEQ END, REFUSED_400),
		ROW("Call-ID of odd characters",
		    START VIA FROM TO "Call-ID: a%`~)(><:\\/\"][?}{@b!.*_+'\r\n" CSEQ END, TAKEN),
		ROW("branch twice",
		    START "Via: SIP/2.0/UDP 192.0.2.7;branch=a;branch=b\r\n" REST END, REFUSED_400),
		ROW("branch in quotes",
		    START "Via: SIP/2.0/UDP 192.0.2.7;branch=\"a\"\r\n" REST END, REFUSED_400),
		ROW("rport 65536", START "Via: SIP/2.0/UDP 192.0.2.7;rport=65536\r\n" REST END,
		    REFUSED_400),
		ROW("no branch", START "Via: SIP/2.0/UDP 192.0.2.7\r\n" REST END, TAKEN),
		ROW("empty Via parameters", START "Via: SIP/2.0/UDP 192.0.2.7;;\r\n" REST END,
		    REFUSED_400),
		ROW("a second Via that is broken", START VIA "Via: nonsense\r\n" REST END,
		    FULL_BAD),
	};

	(void)state;
	JUDGE(rows);
}

static void test_parties(void **state)
{
#define WITH_FROM(from) START VIA "From: " from "\r\n" TO CALL CSEQ END
	static const struct row rows[] = {
		ROW("addr-spec", WITH_FROM("sip:ann@example.com;tag=a"), TAKEN),
		ROW("no tag, as RFC 2543", WITH_FROM("sip:ann@example.com"), TAKEN),
		ROW("token name", WITH_FROM("Ann Lee <sip:ann@example.com>;tag=a"), TAKEN),
		ROW("token name next to <", WITH_FROM("Ann<sip:ann@example.com>;tag=a"), TAKEN),
		ROW("quoted name",
		    WITH_FROM("\"Lee, \\\"Ann\\\" <x>;tag=no\" "
			      "<sip:ann@example.com>;tag=a"),
		    TAKEN),
		ROW("quoted name ends in a backslash", WITH_FROM("\"\\\\\" <sip:ann@example.com>"),
		    TAKEN),
		ROW("open quote", WITH_FROM("\"Ann <sip:ann@example.com>;tag=a"), REFUSED_400),
		ROW("quote and no <>", WITH_FROM("\"Ann\" sip:ann@example.com"), REFUSED_400),
		ROW("open <", WITH_FROM("<sip:ann@example.com;tag=a"), REFUSED_400),
		ROW("text after >", WITH_FROM("<sip:ann@example.com> x;tag=a"), REFUSED_400),
		ROW("blanks in <>", WITH_FROM("< sip:ann@example.com >;tag=a"), REFUSED_400),
		ROW("comma in a token name", WITH_FROM("Lee, Ann <sip:ann@example.com>;tag=a"),
		    REFUSED_400),
		ROW("empty", WITH_FROM(""), REFUSED_400),
		ROW("star", WITH_FROM("*"), REFUSED_400),
		ROW("two tags", WITH_FROM("<sip:ann@example.com>;tag=a;tag=b"), REFUSED_400),
		ROW("tag in quotes", WITH_FROM("<sip:ann@example.com>;tag=\"a\""), REFUSED_400),
		ROW("tag without value", WITH_FROM("<sip:ann@example.com>;tag"), REFUSED_400),
		ROW("tag with an empty value", WITH_FROM("<sip:ann@example.com>;tag="),
		    REFUSED_400),
		ROW("empty parameter", WITH_FROM("<sip:ann@example.com>;;tag=a"), REFUSED_400),
		ROW("parameter in quotes", WITH_FROM("<sip:ann@example.com>;x=\"a;tag=b\";tag=a"),
		    TAKEN),
		ROW("tag in the URI is no tag", WITH_FROM("<sip:ann@example.com;tag=u>;tag=a"),
		    TAKEN),
		ROW("tel URI", WITH_FROM("<tel:+15551234;phone-context=example.com>;tag=a"), TAKEN),
		ROW("another scheme", WITH_FROM("<http://www.example.com>;tag=a"), TAKEN),
		ROW("port 0", WITH_FROM("<sip:ann@example.com:0>;tag=a"), FULL_BAD),
		ROW("port 65536", WITH_FROM("<sip:ann@example.com:65536>;tag=a"), FULL_BAD),
		ROW("two @", WITH_FROM("<sip:ann@example.com@example.net>;tag=a"), FULL_BAD),
	};

	(void)state;
	JUDGE(rows);
}

static void test_body_length(void **state)
{
	static const struct row rows[] = {
		ROW("none on a datagram", START VIA REST END "body", TAKEN),
		ROW("exact", START VIA REST "Content-Length: 4\r\n" END "body", TAKEN),
		ROW("more octets than it says", START VIA REST "Content-Length: 2\r\n" END "body",
		    TAKEN),
		ROW("fewer octets than it says", START VIA REST "Content-Length: 5\r\n" END "body",
		    REFUSED_400),
		ROW("negative", START VIA REST "Content-Length: -4\r\n" END "body", REFUSED_400),
		ROW("no number", START VIA REST "Content-Length: four\r\n" END "body", REFUSED_400),
		ROW("empty", START VIA REST "Content-Length:\r\n" END "body", REFUSED_400),
		ROW("beyond 64 bits",
		    START VIA REST "Content-Length: 18446744073709551620\r\n" END "body",
		    REFUSED_400),
		ROW("two that differ", START VIA REST "Content-Length: 4\r\nl: 2\r\n" END "body",
		    REFUSED_400),
		ROW("NUL in the body", START VIA REST "Content-Length: 4\r\n" END "b\0\0y", TAKEN),
	};

	(void)state;
	JUDGE(rows);
}

static void test_other_headers(void **state)
{
	static const struct row rows[] = {
		ROW("Contact addr-spec with '?'",
		    START VIA REST "Contact: sip:ann@example.com?Route=%3Csip:evil%3E\r\n" END,
		    FULL_BAD),
		ROW("Contact with '?' in <>",
		    START VIA REST
		    "Contact: <sip:ann@example.com?Route=%3Csip:x.example.com%3E>\r\n" END,
		    TAKEN),
		ROW("open quote in Contact",
		    START VIA REST "Contact: \"Ann <sip:a@example.com>\r\n" END, FULL_BAD),
		ROW("Date that is not GMT",
		    START VIA REST "Date: Sat, 13 Nov 2010 23:29:00 CET\r\n" END, FULL_BAD),
		ROW("unknown authorization scheme",
		    START VIA REST "Authorization: Riddle answer=\"blowing in the wind\"\r\n" END,
		    TAKEN),
		/* sofia-sip lists a repeated header among its errors, but not as an error object.
		 */
		ROW("repeated Min-Expires",
		    START VIA REST "Min-Expires: 60\r\nMin-Expires: 60\r\n" END, FULL_BAD),
		ROW("repeated Privacy", START VIA REST "Privacy: id\r\nPrivacy:\r\n" END, FULL_BAD),
		ROW("repeated User-Agent", START VIA REST "User-Agent: a\r\nUser-Agent: b\r\n" END,
		    TAKEN),
		ROW("odd Timestamp", START VIA REST "Timestamp: soon\r\n" END, TAKEN),
		ROW("odd Session-Expires", START VIA REST "Session-Expires: soon\r\n" END,
		    FULL_BAD),
		ROW("odd Expires", START VIA REST "Expires: soon\r\n" END, FULL_BAD),
		ROW("odd User-Agent", START VIA REST "User-Agent: Phone (unclosed\r\n" END, TAKEN),
		ROW("unknown header of odd value", START VIA REST "X-Any: ;;,,<\"\r\n" END, TAKEN),
		ROW("Require list", START VIA REST "Require: a, b\r\nRequire: c\r\n" END, TAKEN),
	};

	(void)state;
	JUDGE(rows);
}

static void test_ack_is_never_answered(void **state)
{
#define ACK "ACK sip:bob@example.com SIP/2.0\r\n"
	static const struct row rows[] = {
		ROW("good", ACK VIA PARTY "CSeq: 7 ACK\r\n" END, TAKEN),
		ROW("other CSeq method", ACK VIA REST END, IGNORED),
		ROW("no Call-ID", ACK VIA FROM TO "CSeq: 7 ACK\r\n" END, IGNORED),
		ROW("version 3",
		    "ACK sip:bob@example.com SIP/3.0\r\n" VIA PARTY "CSeq: 7 ACK\r\n" END, IGNORED),
		ROW("no URI", "ACK SIP/2.0\r\n" VIA PARTY "CSeq: 7 ACK\r\n" END, IGNORED),
	};

	(void)state;
	JUDGE(rows);
}

static void test_responses(void **state)
{
	static const struct row rows[] = {
		ROW("good", REPLY VIA REST END, TAKEN),
		ROW("no reason phrase", "SIP/2.0 100 \r\n" VIA REST END, TAKEN),
		ROW("UTF-8 reason phrase", "SIP/2.0 200 \xd0\xb4\xd0\xb0 = 2**3\r\n" VIA REST END,
		    TAKEN),
		ROW("status 99", "SIP/2.0 099 Low\r\n" VIA REST END, IGNORED),
		ROW("status 700", "SIP/2.0 700 High\r\n" VIA REST END, IGNORED),
		ROW("status of ten digits", "SIP/2.0 4294967496 OK\r\n" VIA REST END, IGNORED),
		ROW("status of two digits", "SIP/2.0 20 OK\r\n" VIA REST END, IGNORED),
		ROW("version 3", "SIP/3.0 200 OK\r\n" VIA REST END, IGNORED),
		ROW("no Via", REPLY REST END, IGNORED),
		ROW("no To", REPLY VIA FROM CALL CSEQ END, IGNORED),
		ROW("CSeq too high", REPLY VIA PARTY "CSeq: 9999999999 OPTIONS\r\n" END, IGNORED),
		ROW("Content-Length too high", REPLY VIA REST "Content-Length: 1\r\n" END, IGNORED),
		ROW("two Call-ID", REPLY VIA REST CALL END, IGNORED),
	};

	(void)state;
	JUDGE(rows);
}

/* RFC 5118: IPv6 in SIP, where brackets are needed and where they are in doubt. */
static void test_ipv6(void **state)
{
#define OPTIONS6(uri, via) \
	"OPTIONS " uri " SIP/2.0\r\nVia: SIP/2.0/UDP " via ";branch=z9hG4bKv6\r\n" REST END
	static const struct row rows[] = {
		ROW("in brackets", OPTIONS6("sip:[2001:db8::10]", "[2001:db8::9:1]"), TAKEN),
		ROW("with ports", OPTIONS6("sip:[2001:db8::10]:5070", "[2001:db8::9:1]:5080"),
		    TAKEN),
		ROW("URI without brackets", OPTIONS6("sip:2001:db8::10", "[2001:db8::9:1]"),
		    FULL_BAD),
		ROW("Via without brackets", OPTIONS6("sip:[2001:db8::10]", "2001:db8::9:1"),
		    IGNORED),
		ROW("port may be within the address",
		    OPTIONS6("sip:[2001:db8::10:5070]", "[2001:db8::9:1]"), TAKEN),
		ROW("IPv4-mapped", OPTIONS6("sip:[::ffff:192.0.2.10]", "[::ffff:192.0.2.2]"),
		    TAKEN),
		ROW("three colons", OPTIONS6("sip:[2001:db8:::192.0.2.1]", "[2001:db8::9:1]"),
		    FULL_BAD),
		ROW("open bracket", OPTIONS6("sip:[2001:db8::10", "[2001:db8::9:1]"), FULL_BAD),
		ROW("received without brackets",
		    OPTIONS6("sip:[2001:db8::10]", "[2001:db8::9:1];received=2001:db8::9:255"),
		    TAKEN),
		ROW("received in brackets",
		    OPTIONS6("sip:[2001:db8::10]", "[2001:db8::9:1];received=[2001:db8::9:255]"),
		    TAKEN),
	};

	(void)state;
	JUDGE(rows);
}

TEST_MAIN(cmocka_unit_test(test_no_sip), cmocka_unit_test(test_request_line),
	  cmocka_unit_test(test_lines), cmocka_unit_test(test_single_headers),
	  cmocka_unit_test(test_parties), cmocka_unit_test(test_body_length),
	  cmocka_unit_test(test_other_headers), cmocka_unit_test(test_ack_is_never_answered),
	  cmocka_unit_test(test_responses), cmocka_unit_test(test_ipv6))
