/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SDP: what the scan reads and what it refuses. */
#include "tests/support/test.h"

#include <stdio.h>

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

static void refused(const char *body, const char *want)
{
	struct sdp sdp;
	const char *why = NULL;

	if (sdp_scan(span_of(body), &sdp, &why))
		fail_msg("taken: %s", body);
	if (!why || !strstr(why, want))
		fail_msg("refused with '%s', want '%s': %s", why ? why : "", want, body);
}

static void addr_is(const struct addr *addr, const char *want)
{
	char text[ADDR_TEXT_MAX];

	assert_string_equal(addr->family == ADDR_NONE ? "none" : addr_print(addr, text), want);
}

static void span_is(struct span got, const char *want)
{
	if (!span_eq(got, span_of(want)))
		fail_msg("'%.*s', want '%s'", SPAN_ARG(got), want);
}

static void reads_a_phone(void **state)
{
	struct sdp sdp = scan(HEAD "c=IN IP4 192.0.2.7\r\nb=AS:84\r\nt=0 0\r\n"
				   "m=audio 49170 RTP/AVP 8 0 101\r\n"
				   "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
				   "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n"
				   "a=ptime:20\r\na=sendrecv\r\n"
				   "m=video 0 RTP/AVP 99\r\na=inactive\r\n");
	const struct sdp_stream *audio = &sdp.streams[0];
	uint64_t types[2] = {0, 0};

	(void)state;
	assert_int_equal(sdp.stream_count, 2);
	assert_int_equal(sdp.origin_version, 2);
	span_is(audio->media, "audio");
	span_is(audio->proto, "RTP/AVP");
	span_is(audio->formats, "8 0 101");
	addr_is(&audio->rtp, "192.0.2.7:49170");
	addr_is(&audio->rtcp, "192.0.2.7:49171");
	assert_int_equal(audio->port, 49170);
	assert_int_equal(audio->direction, SDP_SENDRECV);
	assert_string_equal(audio->codec, "PCMA");
	assert_false(audio->has_rtcp_mux);
	assert_false(audio->is_null_address);
	assert_int_equal(sdp.streams[1].port, 0);
	assert_int_equal(sdp.streams[1].direction, SDP_INACTIVE);
	addr_is(&sdp.streams[1].rtcp, "none");
	sdp_payload_types(audio, types);
	assert_true(types[0] == ((UINT64_C(1) << 8) | 1));
	assert_true(types[1] == UINT64_C(1) << (101 - 64));
}

static void levels_and_line_ends(void **state)
{
	/* Bare LF, no end of the last line, stream over session, session over nothing. */
	struct sdp sdp = scan("v=0\no=- 0 18446744073709551615 IN IP6 2001:db8::1\ns=a b\n"
			      "c=IN IP6 2001:db8::1\na=recvonly\nt=0 0\n"
			      "m=audio 5000 RTP/SAVP 0\n"
			      "m=video 6000/2 RTP/AVP 34\nc=IN IP4 192.0.2.9\na=sendonly");

	(void)state;
	assert_true(sdp.origin_version == UINT64_MAX);
	addr_is(&sdp.streams[0].rtp, "[2001:db8::1]:5000");
	assert_int_equal(sdp.streams[0].direction, SDP_RECVONLY);
	addr_is(&sdp.streams[1].rtp, "192.0.2.9:6000");
	assert_int_equal(sdp.streams[1].direction, SDP_SENDONLY);
	assert_string_equal(sdp.streams[1].codec, "H263");
	/* A stream's own address alone is enough. */
	sdp = scan(HEAD TIME "m=audio 5000 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n");
	addr_is(&sdp.streams[0].rtp, "192.0.2.1:5000");
	/* Blank lines, also at the end. */
	sdp = scan(BASE "\r\nm=audio 5000 RTP/AVP 0\r\n\r\n\r\n");
	assert_int_equal(sdp.stream_count, 1);
}

static void rtcp_address(void **state)
{
	static const struct {
		const char *lines;
		const char *want;
	} rows[] = {
		{"", "10.0.0.5:5001"},
		{"a=rtcp:53020\r\n", "10.0.0.5:53020"},
		{"a=rtcp:53020 IN IP4 192.0.2.4\r\n", "192.0.2.4:53020"},
		{"a=rtcp:53020 IN IP6 2001:db8::4\r\n", "[2001:db8::4]:53020"},
		{"a=rtcp:53020 IN IP4 host.example\r\n", "none"},
		{"a=rtcp-mux\r\n", "10.0.0.5:5000"},
		{"a=rtcp-mux\r\na=rtcp:5000\r\n", "10.0.0.5:5000"},
		{"a=rtcp:7000\r\na=rtcp-mux\r\n", "10.0.0.5:7000"},
		{"a=rtcp:0\r\n", "10.0.0.5:5001"},
		{"a=rtcp:65536\r\n", "10.0.0.5:5001"},
		{"a=rtcp:\r\n", "10.0.0.5:5001"},
		{"a=rtcp\r\n", "10.0.0.5:5001"},
		{"c=IN IP4 0.0.0.0\r\n", "none"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[400];
		struct sdp sdp;

		snprintf(body, sizeof(body), BASE "m=audio 5000 RTP/AVP 0\r\n%s", rows[i].lines);
		sdp = scan(body);
		addr_is(&sdp.streams[0].rtcp, rows[i].want);
		assert_int_equal(sdp.streams[0].has_rtcp_mux, strstr(rows[i].lines, "mux") != NULL);
	}
	/* The port above the last one is none. */
	addr_is(&scan(BASE "m=audio 65535 RTP/AVP 0\r\n").streams[0].rtcp, "none");
}

static void addresses_that_are_none(void **state)
{
	static const struct {
		const char *connection;
		const char *want;
		bool is_null;
	} rows[] = {
		{"IN IP4 192.0.2.1", "192.0.2.1:5000", false},
		{"in ip4 192.0.2.1", "192.0.2.1:5000", false},
		{"IN IP6 2001:db8::1", "[2001:db8::1]:5000", false},
		{"IN IP4 0.0.0.0", "none", true},
		{"IN IP6 ::", "none", true},
		{"IN IP4 phone.example.com", "none", false},
		{"IN IP4 224.2.1.1/127/3", "none", false},
		{"IN IP4 224.2.1.1", "none", false},
		{"IN IP4 255.255.255.255", "none", false},
		{"IN IP6 ff15::101", "none", false},
		{"IN IP4 192.0.2.1/127", "none", false},
		{"IN IP4 192.0.2.1:99", "none", false},
		{"IN IP6 [2001:db8::1]", "none", false},
		{"IN IP6 [2001:db8::1]:99", "none", false},
		{"IN IP4 2001:db8::1", "none", false},
		{"IN IP6 192.0.2.1", "none", false},
		{"IN IP4 192.0.2", "none", false},
		{"IN IP4 0x7f.1", "none", false},
		{"ATM NSAP 47", "none", false},
		{"IN IP6 ::ffff:192.0.2.1", "192.0.2.1:5000", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[400];
		struct sdp sdp;

		snprintf(body, sizeof(body), HEAD "c=%s\r\n" TIME "m=audio 5000 RTP/AVP 0\r\n",
			 rows[i].connection);
		sdp = scan(body);
		addr_is(&sdp.streams[0].rtp, rows[i].want);
		assert_int_equal(sdp.streams[0].is_null_address, rows[i].is_null);
	}
}

static void codec_names(void **state)
{
	static const struct {
		const char *stream;
		const char *want;
	} rows[] = {
		{"m=audio 5000 RTP/AVP 0", "PCMU"},
		{"m=audio 5000 RTP/AVP 18 0\r\na=rtpmap:0 PCMU/8000", "G729"},
		{"m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 opus/48000/2", "opus"},
		{"m=audio 5000 RTP/AVP 96 97\r\na=rtpmap:97 opus/48000/2", "96"},
		{"m=audio 5000 RTP/AVP 2", "2"},
		{"m=audio 5000 RTP/AVP 0\r\na=rtpmap:0 X-\xc3\x84/8000", "PCMU"},
		{"m=audio 5000 RTP/AVP 96\r\na=rtpmap:96 abcdefghijklmnopqrstuvwxyz/8000",
		 "abcdefghijklmnopqrstuvw"},
		{"m=audio 5000 RTP/AVP 96\r\na=rtpmap:96", "96"},
		{"m=image 5000 udptl t38", "t38"},
		{"m=message 2855 TCP/MSRP *", "*"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char body[400];

		snprintf(body, sizeof(body), BASE "%s\r\n", rows[i].stream);
		assert_string_equal(scan(body).streams[0].codec, rows[i].want);
	}
}

static void refuses_what_cannot_be_read(void **state)
{
	(void)state;
	refused("", "no media");
	refused("v=0", "no media");
	refused(BASE, "no media");
	refused("o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", "v=0");
	refused("v=1\r\n", "v=0");
	refused("hello", "without a type");
	refused(BASE "m=audio 5000 RTP/AVP 0\r\nnonsense\r\n", "without a type");
	refused(BASE "M=audio 5000 RTP/AVP 0\r\n", "without a type");
	refused(BASE "m=audio 5000 RTP/AVP 0\r\n" BASE, "two descriptions");
	refused("v=0\r\no=- 1 IN IP4 192.0.2.1\r\n", "origin");
	refused("v=0\r\no=- 1 x IN IP4 192.0.2.1\r\n", "origin version");
	refused(HEAD "o=- 1 1 IN IP4 192.0.2.1\r\n", "origin");
	refused(HEAD "c=IN IP4\r\n", "connection");
	refused(HEAD "c=\r\n", "connection");
	refused(HEAD TIME "m=audio 5000 RTP/AVP 0\r\n", "without a connection");
	refused(HEAD TIME
		"m=audio 5000 RTP/AVP 0\r\nm=video 6 RTP/AVP 34\r\nc=IN IP4 192.0.2.1\r\n",
		"without a connection");
}

/* The lines that broke another parser, and their relatives. */
static void refuses_bad_media_lines(void **state)
{
	static const char *const lines[] = {
		"m=audio 1 FOO (",
		"m=audio 49152 TCP/\xc3\x84/MSRP *",
		"m=audio 49152 TCP/\xc4/MSRP *",
		"m=",
		"m=audio",
		"m=audio 5000",
		"m=audio 5000 RTP/AVP",
		"m=audio 5000 RTP/AVP ",
		"m=audio x RTP/AVP 0",
		"m=audio -1 RTP/AVP 0",
		"m=audio 65536 RTP/AVP 0",
		"m=audio 99999999999999999999 RTP/AVP 0",
		"m=audio 5000/0 RTP/AVP 0",
		"m=audio 5000/ RTP/AVP 0",
		"m=audio 5000/x RTP/AVP 0",
		"m=audio 5000 RTP/ 0",
		"m=audio 5000 /AVP 0",
		"m=audio 5000 RTP//AVP 0",
		"m=audio 5000 RTP/AVP 0,8",
		"m=audio 5000 RTP/AVP <script>",
		"m=aud\xffio 5000 RTP/AVP 0",
		"m=audio\t5000 RTP/AVP 0",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char body[400];

		snprintf(body, sizeof(body), BASE "%s\r\n", lines[i]);
		refused(body, "media line");
	}
}

static void refuses_control_characters(void **state)
{
	static const char with_nul[] = BASE "m=audio 5000 RTP/AVP 0\r\ni=a\0b\r\n";
	struct sdp sdp;
	const char *why = NULL;

	(void)state;
	refused("v=0\ro=- 1 1 IN IP4 192.0.2.1\rm=audio 5 RTP/AVP 0\r", "control");
	refused(BASE "m=audio 5000 RTP/AVP 0\r\na=x\rc=IN IP4 192.0.2.1\r\n", "control");
	refused(BASE "m=audio 5000 RTP/AVP 0\r\r\n", "control");
	refused(BASE "i=\x1b[2J\r\n", "control");
	assert_false(sdp_scan((struct span){with_nul, sizeof(with_nul) - 1}, &sdp, &why));
	assert_non_null(strstr(why, "control"));
}

/* head, then the line so often, then tail; freed by the caller. */
static char *repeated(const char *head, const char *line, size_t times, const char *tail)
{
	struct buf buf = buf_new();

	buf_add_str(&buf, head);
	for (size_t i = 0; i < times; i++)
		buf_add_str(&buf, line);
	buf_add_str(&buf, tail);
	assert_false(buf.failed);
	buf_cstr(&buf);
	return buf.data;
}

static void bounds(void **state)
{
	static const char stream[] = "m=audio 5000 RTP/AVP 0\r\n";
	struct {
		const char *line;
		size_t times;
		const char *why; /* NULL: taken */
	} rows[] = {
		{stream, SDP_STREAMS_MAX, NULL},
		{stream, SDP_STREAMS_MAX + 1, "streams"},
		{"m=audio 5000 RTP/AVP 0\r\na=sendrecv\r\n", 1, NULL},
		{"a=x\r\n", SDP_LINES_MAX - 6, NULL},
		{"a=x\r\n", SDP_LINES_MAX - 5, "too many lines"},
		{"a=x\r\n", 5000, "too long"},
		{"a=0123456789\r\n", 4700, "too long"}, /* 64 KB */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		/* BASE has five lines and the stream is one. */
		char *body = repeated(BASE, rows[i].line, rows[i].times,
				      rows[i].line[0] == 'a' ? stream : "");

		if (rows[i].why)
			refused(body, rows[i].why);
		else
			scan(body);
		free(body);
	}
	for (size_t excess = 0; excess < 2; excess++) {
		static const char head[] = BASE "m=audio 5000 RTP/AVP 0\r\ni=";
		char *body = repeated(head, "x", SDP_BYTES_MAX - (sizeof(head) - 1) + excess, "");

		assert_int_equal(strlen(body), SDP_BYTES_MAX + excess);
		if (excess)
			refused(body, "too long");
		else
			scan(body);
		free(body);
	}
}

static void same_addresses(void **state)
{
	const struct sdp base = scan(BASE "m=audio 5000 RTP/AVP 0\r\n");
	struct sdp other = scan(BASE "b=AS:9\r\nm=audio 5000 RTP/AVP 8 0\r\na=sendonly\r\n");

	(void)state;
	assert_true(sdp_same_addresses(&base, &other));
	other = scan(BASE "m=audio 5002 RTP/AVP 0\r\n");
	assert_false(sdp_same_addresses(&base, &other));
	other = scan(BASE "m=audio 5000 RTP/AVP 0\r\na=rtcp:9\r\n");
	assert_false(sdp_same_addresses(&base, &other));
	other = scan(HEAD "c=IN IP4 0.0.0.0\r\nm=audio 5000 RTP/AVP 0\r\n");
	assert_false(sdp_same_addresses(&base, &other));
	other = scan(BASE "m=audio 5000 RTP/AVP 0\r\nm=audio 5000 RTP/AVP 0\r\n");
	assert_false(sdp_same_addresses(&base, &other));
}

static void direction_names(void **state)
{
	(void)state;
	assert_string_equal(sdp_direction_name(SDP_SENDRECV), "sendrecv");
	assert_string_equal(sdp_direction_name(SDP_SENDONLY), "sendonly");
	assert_string_equal(sdp_direction_name(SDP_RECVONLY), "recvonly");
	assert_string_equal(sdp_direction_name(SDP_INACTIVE), "inactive");
}

TEST_MAIN(cmocka_unit_test(reads_a_phone), cmocka_unit_test(levels_and_line_ends),
	  cmocka_unit_test(rtcp_address), cmocka_unit_test(addresses_that_are_none),
	  cmocka_unit_test(codec_names), cmocka_unit_test(refuses_what_cannot_be_read),
	  cmocka_unit_test(refuses_bad_media_lines), cmocka_unit_test(refuses_control_characters),
	  cmocka_unit_test(bounds), cmocka_unit_test(same_addresses),
	  cmocka_unit_test(direction_names))
