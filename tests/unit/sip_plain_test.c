/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which requests are plain, and that the full check takes all of them: what phones, gateways and
 * proxies send is; a message of which one line has been bent is only if it is still good. */
#include <stdio.h>

#include "tests/support/test.h"

#include "switchd/sip/syntax_private.h"

#define START "INVITE sip:2000@192.0.2.1:5060;user=phone SIP/2.0\r\n"
#define VIA   "Via: SIP/2.0/UDP 192.0.2.7:5070;rport;branch=z9hG4bK-1_a\r\n"
#define FROM  "From: \"Ann B.\" <sip:1000@example.com>;tag=a1\r\n"
#define TO    "To: <sip:2000@example.com>\r\n"
#define CALL  "Call-ID: plain-1@192.0.2.7\r\n"
#define CSEQ  "CSeq: 102 INVITE\r\n"
#define CORE  VIA FROM TO CALL CSEQ
#define EMPTY "Content-Length: 0\r\n\r\n"
#define SDP   "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n"

enum expect {
	PLAIN,
	GOOD,   /* not plain, but the full check takes it */
	BROKEN, /* and does not */
};

struct row {
	const char *name;
	const char *text;
	enum expect expect;
};

static enum expect judge(const struct row *row)
{
	struct sip_msg *msg = malloc(sizeof(*msg));
	size_t len = strlen(row->text);
	char *data = malloc(len);
	enum expect got = PLAIN;
	const char *what;
	const char *why;
	int status;

	assert_non_null(msg);
	assert_non_null(data);
	memcpy(data, row->text, len);
	if (sip_msg_parse(msg, data, len, &status, &why) != SIP_VERDICT_OK)
		fail_msg("%s: the gate refuses it: %s", row->name, why);
	if (!sip_msg_agrees(msg, &what))
		fail_msg("%s: %s", row->name, what);
	if (!sip_msg_is_plain(msg))
		got = sip_msg_check_full(msg, &why) ? GOOD : BROKEN;
	else if (!sip_msg_check_full(msg, &why))
		fail_msg("%s: plain, and refused", row->name);
	free(data);
	free(msg);
	return got;
}

static void judge_all(const struct row *rows, size_t count)
{
	static const char *const names[] = {"plain", "good", "broken"};

	for (size_t i = 0; i < count; i++) {
		enum expect got = judge(&rows[i]);

		if (got != rows[i].expect)
			fail_msg("%s: %s, expected: %s", rows[i].name, names[got],
				 names[rows[i].expect]);
	}
}

#define JUDGE(rows) judge_all((rows), sizeof(rows) / sizeof((rows)[0]))

static void test_what_is_sent_every_day(void **state)
{
	static const struct row rows[] = {
		{"least of all", START CORE EMPTY, PLAIN},
		{"with SDP", START CORE SDP, PLAIN},
		{"a phone's",
		 START VIA FROM TO CALL CSEQ
		 "Contact: <sip:1000@192.0.2.7:5070;transport=tcp;ob>;expires=60;"
		 "+sip.instance=\"<urn:uuid:0-1>\"\r\n"
		 "Max-Forwards: 70\r\nAllow: INVITE, ACK,BYE, CANCEL\r\n"
		 "Supported: replaces, 100rel, timer\r\nSession-Expires: 1800;refresher=uac\r\n"
		 "Min-SE: 90\r\nUser-Agent: Phone/1.0 (a; b=\"c\")\r\nAccept: application/sdp\r\n"
		 "Allow-Events: refer, dialog\r\n" SDP,
		 PLAIN},
		{"a gateway's",
		 START CORE "P-Asserted-Identity: \"A\" <sip:1@example.com>\r\n"
			    "P-Preferred-Identity: <sip:1@example.com>\r\n"
			    "Remote-Party-ID: <sip:1@h>;party=calling;privacy=off\r\n"
			    "Expires: 180\r\nRequire: timer\r\n" EMPTY,
		 PLAIN},
		{"by proxies",
		 START "Via: SIP/2.0/TCP p.example.com;branch=z9hG4bKp;i=1\r\n" CORE
		       "Record-Route: <sip:192.0.2.8;lr;ftag=x>\r\n"
		       "Record-Route: <sip:192.0.2.9;transport=tcp;lr=on>\r\n"
		       "Route: <sip:192.0.2.1;lr>, <sip:192.0.2.2;lr>\r\n" EMPTY,
		 PLAIN},
		{"with credentials",
		 START CORE "Proxy-Authorization: Digest username=\"u\", realm=\"r\",nonce=\"a:1\","
			    " uri=\"sip:x@h;y=1\", response=\"0a\", algorithm=MD5, qop=auth, "
			    "nc=00000001, cnonce=\"c\"\r\n" EMPTY,
		 PLAIN},
		{"compact names",
		 "INVITE sip:h SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
		 "f: <sips:h>;tag=1\r\nt: Bob <sip:b@h>\r\ni: 1\r\nCSeq: 1 INVITE\r\n"
		 "m: <sip:b@h>\r\nk: timer\r\nx: 90\r\nc: application/sdp\r\nl: 0\r\n\r\n",
		 PLAIN},
		{"a line that is folded", START CORE "Supported: timer,\r\n replaces\r\n" EMPTY,
		 PLAIN},
		{"text behind the body", START CORE "Content-Length: 3\r\n\r\nv=0\r\n", PLAIN},
		{"a REGISTER",
		 "REGISTER sip:example.com SIP/2.0\r\n" VIA FROM TO CALL
		 "CSeq: 1 REGISTER\r\nContact: <sip:1000@192.0.2.7>\r\nExpires: 60\r\n" EMPTY,
		 PLAIN},
	};

	(void)state;
	JUDGE(rows);
}

static void test_what_goes_to_the_full_check(void **state)
{
	static const struct row rows[] = {
		{"no Content-Length", START CORE "\r\n", GOOD},
		{"a second of a single header",
		 START CORE "User-Agent: a\r\nUser-Agent: b\r\n" EMPTY, GOOD},
		{"two lines of a list", START CORE "Allow: BYE\r\nAllow: ACK\r\n" EMPTY, GOOD},
		{"a header it does not know", START CORE "X-Vendor: 1\r\n" EMPTY, GOOD},
		{"a blank before the colon", START CORE "Supported : timer\r\n" EMPTY, GOOD},
		{"a line feed alone", START CORE "Supported: timer\n" EMPTY, GOOD},
		{"an empty value", START CORE "Supported:\r\n" EMPTY, GOOD},
		{"a port of six digits", START CORE "Contact: <sip:1000@h:123456>\r\n" EMPTY,
		 BROKEN},
		{"an URI of IPv6", START CORE "Contact: <sip:1000@[2001:db8::1]>\r\n" EMPTY, GOOD},
		{"an escaped user", START CORE "Contact: <sip:10%23@h>\r\n" EMPTY, GOOD},
		{"a password", START CORE "Contact: <sip:a:b@h>\r\n" EMPTY, GOOD},
		{"headers in a URI", START CORE "Contact: <sip:a@h?b=c>\r\n" EMPTY, GOOD},
		{"an escaped quote", START CORE "Contact: \"a\\\"b\" <sip:a@h>\r\n" EMPTY, GOOD},
		{"an open quote", START CORE "Allow: \"INVITE\r\n" EMPTY, BROKEN},
		{"a number and more", START CORE "Expires: 60 s\r\n" EMPTY, BROKEN},
		{"a number of many digits", START CORE "Expires: 4294967296\r\n" EMPTY, GOOD},
		{"a type without its second half", START CORE "Content-Type: application\r\n" EMPTY,
		 BROKEN},
		{"credentials without a value", START CORE "Authorization: Digest realm=\r\n" EMPTY,
		 GOOD},
		{"a number to dial in place of an address",
		 "REFER tel:+1 SIP/2.0\r\n" VIA FROM TO CALL "CSeq: 1 REFER\r\n" EMPTY, GOOD},
	};

	(void)state;
	JUDGE(rows);
}

/* As many elements as a list may have here, and one more. */
static void test_long_lists(void **state)
{
	char text[1024];
	struct row row = {"a list", text, PLAIN};

	(void)state;
	for (int count = 32; count <= 33; count++) {
		int len = snprintf(text, sizeof(text), START CORE "Supported: a");

		for (int i = 1; i < count; i++)
			len += snprintf(text + len, sizeof(text) - (size_t)len, ",a");
		snprintf(text + len, sizeof(text) - (size_t)len, "\r\n" EMPTY);
		row.expect = count <= 32 ? PLAIN : GOOD;
		judge_all(&row, 1);
	}
}

/* Every character at every place of a plain message: whatever the gate lets through, the two are of
 * one mind about. */
static void test_each_character_at_each_place(void **state)
{
	static const char text[] =
		START VIA FROM TO CALL CSEQ "Contact: <sip:1@h:5;a=b>;q=\"1\"\r\n"
					    "Allow: BYE, ACK\r\nRoute: <sip:h;lr>,<sip:i>\r\n"
					    "Authorization: Digest a=\"b\",c=d\r\n" SDP;
	static const char odd[] = "\r\n\t \"<>;:,@=?/\\()[]{}%*#+-.'0aZ\x01\x7f\x80";
	struct sip_msg *msg = malloc(sizeof(*msg));
	char data[sizeof(text)];
	unsigned plain = 0;

	(void)state;
	assert_non_null(msg);
	for (size_t at = 0; at < sizeof(text) - 1; at++) {
		for (size_t i = 0; i < sizeof(odd); i++) {
			const char *what;
			const char *why;
			int status;

			memcpy(data, text, sizeof(text));
			data[at] = odd[i];
			if (sip_msg_parse(msg, data, sizeof(text) - 1, &status, &why) !=
			    SIP_VERDICT_OK)
				continue;
			if (!sip_msg_agrees(msg, &what))
				fail_msg("character %d at %zu: %s", odd[i], at, what);
			plain += sip_msg_is_plain(msg);
		}
	}
	free(msg);
	/* Most are letters that may as well be others. */
	assert_true(plain > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_sent_every_day),
		cmocka_unit_test(test_what_goes_to_the_full_check),
		cmocka_unit_test(test_long_lists),
		cmocka_unit_test(test_each_character_at_each_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
