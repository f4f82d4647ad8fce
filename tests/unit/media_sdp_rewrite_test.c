/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP: what the other side gets to see. */
#include "tests/support/test.h"

#include "switchd/media/sdp.h"

#define HEAD "v=0\r\no=alice 1 2 IN IP4 10.0.0.5\r\ns=-\r\n"
#define CONN "c=IN IP4 10.0.0.5\r\n"
#define TIME "t=0 0\r\n"
#define BASE HEAD CONN TIME

static struct sdp scan(const char *body)
{
	struct sdp sdp;
	const char *why = NULL;

	if (!sdp_scan(span_of(body), &sdp, &why))
		fail_msg("refused (%s): %s", why, body);
	return sdp;
}

static struct sdp_anchor anchor(const char *text, bool write_rtcp)
{
	struct sdp_anchor out = {.write_rtcp = write_rtcp};

	if (!addr_parse(span_of(text), &out.address))
		fail_msg("no address: %s", text);
	return out;
}

/* Every stream gets the anchors given, the last one for the rest. */
static void rewrites_to(const char *body, const struct sdp_anchor *anchors, const char *want)
{
	struct sdp sdp = scan(body);
	struct buf out = buf_new();

	assert_true(sdp_rewrite(span_of(body), &sdp, anchors, &out));
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void rewrites_a_phone(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1:20001", true)};

	(void)state;
	rewrites_to("v=0\no=alice 2890844526 2890844527 IN IP4 10.0.0.5\ns=call of alice\n"
		    "c=IN IP4 10.0.0.5\nt=0 0\na=ice-lite\na=tool:x\n"
		    "m=audio 49170/1 RTP/AVP 0 101\ni=title\nb=AS:64\n"
		    "a=rtpmap:0 PCMU/8000\na=rtcp:49999 IN IP4 10.0.0.5\na=ice-ufrag:abcd\n"
		    "a=ice-pwd:0123456789012345678901\na=candidate:1 1 UDP 1 10.0.0.5 9 typ host\n"
		    "a=end-of-candidates\na=remote-candidates:1 10.0.0.6 9\n"
		    "a=source-filter: incl IN IP4 * 10.0.0.5\na=rtcp-mux\na=sendrecv",
		    anchors,
		    "v=0\r\no=alice 2890844526 2890844527 IN IP4 192.0.2.1\r\n"
		    "s=call of alice\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=tool:x\r\n"
		    "m=audio 20001 RTP/AVP 0 101\r\ni=title\r\nb=AS:64\r\n"
		    "a=rtpmap:0 PCMU/8000\r\na=rtcp-mux\r\na=sendrecv\r\na=rtcp:20001\r\n");
}

static void rewrites_streams_apart(void **state)
{
	const struct sdp_anchor anchors[] = {
		anchor("192.0.2.1:20001", true),
		anchor("192.0.2.2:30001", true),
		anchor("192.0.2.1", true),
		anchor("192.0.2.1:40001", false),
	};

	(void)state;
	/* Another address than the session's gets a c= of its own, before anything but the title; a
	 * stream with port 0 keeps it; a c= that was there stays where it was; no a=rtcp for what
	 * is not RTP. */
	rewrites_to(HEAD CONN TIME "a=group:BUNDLE 0 1\r\na=group:LS 0 1\r\n"
				   "m=audio 5000 RTP/AVP 0\r\na=mid:0\r\n"
				   "m=video 6000 RTP/AVP 34\r\ni=title\r\nb=AS:1\r\na=mid:1\r\n"
				   "m=video 0 RTP/AVP 34\r\na=rtcp:7\r\n"
				   "m=image 7000 udptl t38\r\nb=AS:1\r\nc=IN IP4 10.0.0.9\r\n"
				   "c=IN IP4 10.0.0.10\r\na=T38FaxVersion:0\r\n",
		    anchors,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "a=group:LS 0 1\r\n"
		    "m=audio 20001 RTP/AVP 0\r\na=mid:0\r\na=rtcp:20001\r\n"
		    "m=video 30001 RTP/AVP 34\r\ni=title\r\nc=IN IP4 192.0.2.2\r\nb=AS:1\r\n"
		    "a=mid:1\r\na=rtcp:30001\r\n"
		    "m=video 0 RTP/AVP 34\r\n"
		    "m=image 40001 udptl t38\r\nb=AS:1\r\nc=IN IP4 192.0.2.1\r\n"
		    "a=T38FaxVersion:0\r\n");
	/* The c= goes to the end of a stream that has nothing else. */
	rewrites_to(HEAD TIME "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 10.0.0.5\r\n"
			      "m=video 6000 RTP/AVP 34\r\nc=IN IP4 10.0.0.5\r\n",
		    anchors,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\na=rtcp:20001\r\n"
		    "m=video 30001 RTP/AVP 34\r\nc=IN IP4 192.0.2.2\r\na=rtcp:30001\r\n");
	rewrites_to(HEAD CONN TIME "m=audio 5000 RTP/AVP 0\r\nm=video 6000 RTP/AVP 34\r\n", anchors,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\na=rtcp:20001\r\n"
		    "m=video 30001 RTP/AVP 34\r\nc=IN IP4 192.0.2.2\r\na=rtcp:30001\r\n");
}

static void rewrites_between_versions_of_ip(void **state)
{
	const struct sdp_anchor to6[] = {anchor("[2001:db8::1]:20001", false)};
	const struct sdp_anchor to4[] = {anchor("192.0.2.1:20000", false)};

	(void)state;
	rewrites_to(BASE "m=audio 5000 RTP/AVP 0\r\n", to6,
		    "v=0\r\no=alice 1 2 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 2001:db8::1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\n");
	rewrites_to("v=0\r\no=a b 1 2 IN IP6 2001:db8::9\r\ns=-\r\nc=IN IP6 2001:db8::9\r\n" TIME
		    "m=audio 5000 RTP/AVP 0\r\n",
		    to4,
		    "v=0\r\no=a b 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20000 RTP/AVP 0\r\n");
}

/* RFC 3264 8.4: the old hold is the null address. It stays one; the addresses around it do not
 * show. */
static void rewrites_hold(void **state)
{
	const struct sdp_anchor both[] = {anchor("192.0.2.1:20001", false),
					  anchor("192.0.2.1:20003", false)};
	const struct sdp_anchor to6[] = {anchor("[2001:db8::1]:20001", false)};

	(void)state;
	rewrites_to(HEAD "c=IN IP4 0.0.0.0\r\n" TIME "m=audio 5000 RTP/AVP 0\r\na=sendonly\r\n",
		    both,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 0.0.0.0\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\na=sendonly\r\n");
	rewrites_to(HEAD CONN TIME "m=audio 5000 RTP/AVP 0\r\n"
				   "m=video 6000 RTP/AVP 34\r\nc=IN IP4 0.0.0.0\r\n",
		    both,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\n"
		    "m=video 20003 RTP/AVP 34\r\nc=IN IP4 0.0.0.0\r\n");
	rewrites_to(HEAD "c=IN IP4 0.0.0.0\r\n" TIME "m=audio 5000 RTP/AVP 0\r\n", to6,
		    "v=0\r\no=alice 1 2 IN IP6 2001:db8::1\r\ns=-\r\nc=IN IP6 ::\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\n");
	/* The new hold is an attribute and passes. */
	rewrites_to(BASE "m=audio 5000 RTP/AVP 0\r\na=inactive\r\n", both,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\na=inactive\r\n");
}

static void names_are_replaced(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1:20001", false)};

	(void)state;
	rewrites_to(HEAD "c=IN IP4 phone.example.com\r\n" TIME "m=audio 5000 RTP/AVP 0\r\n",
		    anchors,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\n");
}

/* A stream with an anchor of no family is not the relay's. */
static void leaves_streams_that_are_not_anchored(void **state)
{
	const struct sdp_anchor none[] = {{.write_rtcp = true}, {.write_rtcp = true}};
	const struct sdp_anchor second[] = {{.write_rtcp = true}, anchor("192.0.2.1:20001", true)};
	const char *body = BASE "m=image 5000 udptl t38\r\na=rtcp:9\r\n"
				"m=audio 6000 RTP/AVP 0\r\n";

	(void)state;
	rewrites_to(body, none, body);
	rewrites_to(body, second,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=image 5000 udptl t38\r\nc=IN IP4 10.0.0.5\r\na=rtcp:9\r\n"
		    "m=audio 20001 RTP/AVP 0\r\na=rtcp:20001\r\n");
}

/* An anchor without a port switches the stream off. */
static void anchor_without_port(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1", true)};

	(void)state;
	rewrites_to(BASE "m=audio 5000 RTP/AVP 0\r\n", anchors,
		    "v=0\r\no=alice 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 0 RTP/AVP 0\r\n");
}

static void failures_of_the_rewrite(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1:20001", true),
					     anchor("192.0.2.1:20003", true)};
	const char *one = BASE "m=audio 5000 RTP/AVP 0\r\n";
	const char *two = BASE "m=audio 5000 RTP/AVP 0\r\nm=video 6000 RTP/AVP 34\r\n";
	struct sdp sdp = scan(one);
	char memory[300];
	struct buf out = buf_over(memory, sizeof(memory));
	size_t len;

	(void)state;
	/* The scan of another body. */
	assert_false(sdp_rewrite(span_of(two), &sdp, anchors, &out));
	sdp = scan(two);
	out = buf_over(memory, sizeof(memory));
	assert_false(sdp_rewrite(span_of(one), &sdp, anchors, &out));
	/* Room to the byte. */
	out = buf_over(memory, sizeof(memory));
	assert_true(sdp_rewrite(span_of(two), &sdp, anchors, &out));
	len = out.len;
	out = buf_over(memory, len);
	assert_true(sdp_rewrite(span_of(two), &sdp, anchors, &out));
	out = buf_over(memory, len - 1);
	assert_false(sdp_rewrite(span_of(two), &sdp, anchors, &out));
}

/* What was written reads back as the anchors, and writing it again changes nothing. */
static void rewrite_is_stable(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1:20001", true),
					     anchor("192.0.2.2:20003", true)};
	const char *body = HEAD CONN TIME "m=audio 5000 RTP/AVP 0\r\na=rtcp:9\r\n"
					  "m=video 6000 RTP/AVP 34\r\n";
	struct sdp sdp = scan(body);
	struct buf first = buf_new();
	struct buf second = buf_new();
	struct sdp again;

	(void)state;
	assert_true(sdp_rewrite(span_of(body), &sdp, anchors, &first));
	again = scan(buf_cstr(&first));
	for (int i = 0; i < 2; i++) {
		assert_true(addr_eq(&again.streams[i].rtp, &anchors[i].address));
		assert_true(addr_eq(&again.streams[i].rtcp, &anchors[i].address));
	}
	assert_false(sdp_same_addresses(&sdp, &again));
	assert_true(sdp_rewrite(buf_span(&first), &again, anchors, &second));
	assert_string_equal(buf_cstr(&first), buf_cstr(&second));
	buf_free(&first);
	buf_free(&second);
}

/* Wherever the far side's address stands, and what else would lead there. */
static void tells_no_place(void **state)
{
	const struct sdp_anchor anchors[] = {anchor("192.0.2.1:20001", false)};
	const struct sdp_anchor direct[] = {{{0}, false, NULL, {0}}};
	static const char *const telling =
		"v=0\r\no=me at 10.0.0.5 1 2 IN IP4 10.0.0.5\r\ns=call from 10.0.0.5\r\n"
		"i=10.0.0.5\r\nu=http://pbx.example/\r\ne=me@pbx.example\r\np=+49 30 1\r\n"
		"c=IN IP4 10.0.0.6\r\nt=0 0\r\na=tool:x at 10.0.0.6\r\n"
		"m=audio 4000 RTP/AVP 0\r\na=ssrc:1 cname:me@10.0.0.5\r\na=oldmediaip:10.0.0.6\r\n"
		"a=sendrecv\r\n";

	(void)state;
	rewrites_to(telling, anchors,
		    "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\na=sendrecv\r\n");
	rewrites_to(telling, direct, telling);
	/* Words that are no address hide nothing. */
	rewrites_to("v=0\r\no=host 1 2 IN IP4 host\r\ns=host\r\nc=IN IP4 10.0.0.5\r\n" TIME
		    "m=audio 4000 RTP/AVP 0\r\na=x:host\r\n",
		    anchors,
		    "v=0\r\no=host 1 2 IN IP4 192.0.2.1\r\ns=host\r\nc=IN IP4 192.0.2.1\r\n" TIME
		    "m=audio 20001 RTP/AVP 0\r\na=x:host\r\n");
}

TEST_MAIN(cmocka_unit_test(tells_no_place), cmocka_unit_test(rewrites_a_phone),
	  cmocka_unit_test(rewrites_streams_apart),
	  cmocka_unit_test(rewrites_between_versions_of_ip), cmocka_unit_test(rewrites_hold),
	  cmocka_unit_test(names_are_replaced),
	  cmocka_unit_test(leaves_streams_that_are_not_anchored),
	  cmocka_unit_test(anchor_without_port), cmocka_unit_test(failures_of_the_rewrite),
	  cmocka_unit_test(rewrite_is_stable))
