/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nanoseconds a message for the gate with its index, for the Call-ID scan and for the full check.
 *
 * parse_bench [rounds] - prints one line a message; the best of five runs counts, since what
 * disturbs a run only ever makes it slower. */
#include "switchd/sip/msg.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 5

struct sample {
	const char *name;
	const char *text;
};

#define SDP                                      \
	"v=0\r\n"                                \
	"o=1001 8000 8000 IN IP4 192.0.2.10\r\n" \
	"s=call\r\n"                             \
	"c=IN IP4 192.0.2.10\r\n"                \
	"t=0 0\r\n"                              \
	"m=audio 40000 RTP/AVP 0 8 101\r\n"      \
	"a=rtpmap:0 PCMU/8000\r\n"               \
	"a=rtpmap:8 PCMA/8000\r\n"               \
	"a=rtpmap:101 telephone-event/8000\r\n"  \
	"a=sendrecv\r\n"

static const struct sample samples[] = {
	{"INVITE+SDP", "INVITE sip:1002@pbx.example.com SIP/2.0\r\n"
		       "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---7f3a;rport\r\n"
		       "Max-Forwards: 70\r\n"
		       "Contact: <sip:1001@192.0.2.10:5060>\r\n"
		       "To: <sip:1002@pbx.example.com>\r\n"
		       "From: \"Desk One\" <sip:1001@pbx.example.com>;tag=6b1c8f02\r\n"
		       "Call-ID: 84f3c1e0a7d94b52@192.0.2.10\r\n"
		       "CSeq: 1 INVITE\r\n"
		       "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, MESSAGE, INFO\r\n"
		       "Supported: replaces, timer\r\n"
		       "User-Agent: Bench Phone 1.0\r\n"
		       "Content-Type: application/sdp\r\n"
		       "Content-Length: 199\r\n"
		       "\r\n" SDP},
	{"REGISTER+digest",
	 "REGISTER sip:pbx.example.com SIP/2.0\r\n"
	 "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---81bd;rport\r\n"
	 "Max-Forwards: 70\r\n"
	 "Contact: <sip:1001@192.0.2.10:5060>;expires=3600\r\n"
	 "To: <sip:1001@pbx.example.com>\r\n"
	 "From: <sip:1001@pbx.example.com>;tag=19ce77ab\r\n"
	 "Call-ID: 0b6e2d914c@192.0.2.10\r\n"
	 "CSeq: 2 REGISTER\r\n"
	 "User-Agent: Bench Phone 1.0\r\n"
	 "Authorization: Digest username=\"1001\",realm=\"pbx.example.com\","
	 "nonce=\"5f1c0c1e9a3b4d77\",uri=\"sip:pbx.example.com\",qop=auth,nc=00000001,"
	 "cnonce=\"9f8e7d6c\",response=\"0123456789abcdef0123456789abcdef\",algorithm=MD5\r\n"
	 "Content-Length: 0\r\n"
	 "\r\n"},
	{"BYE", "BYE sip:1001@192.0.2.10:5060 SIP/2.0\r\n"
		"Via: SIP/2.0/UDP 192.0.2.20:5060;branch=z9hG4bK-9921-77\r\n"
		"Max-Forwards: 70\r\n"
		"To: <sip:1001@pbx.example.com>;tag=6b1c8f02\r\n"
		"From: <sip:1002@pbx.example.com>;tag=20ab41\r\n"
		"Call-ID: 84f3c1e0a7d94b52@192.0.2.10\r\n"
		"CSeq: 2 BYE\r\n"
		"Content-Length: 0\r\n"
		"\r\n"},
	{"200 OK", "SIP/2.0 200 OK\r\n"
		   "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-77;rport=5060\r\n"
		   "To: <sip:1002@pbx.example.com>;tag=20ab41\r\n"
		   "From: <sip:1001@pbx.example.com>;tag=6b1c8f02\r\n"
		   "Call-ID: 84f3c1e0a7d94b52@192.0.2.10\r\n"
		   "CSeq: 2 BYE\r\n"
		   "Content-Length: 0\r\n"
		   "\r\n"},
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static bool parse(struct sip_msg *msg, char *data, size_t len)
{
	const char *why;
	int status;

	return sip_msg_parse(msg, data, len, &status, &why) == SIP_VERDICT_OK;
}

/* What a run does to one message; false when it was refused. */
typedef bool bench_fn(struct sip_msg *msg, char *data, size_t len);

static bool run_scan(struct sip_msg *msg, char *data, size_t len)
{
	(void)msg;
	return sip_scan_call_id(data, len).len > 0;
}

static bool run_full(struct sip_msg *msg, char *data, size_t len)
{
	const char *why;

	(void)data;
	(void)len;
	return sip_msg_check_full(msg, &why);
}

static double best_ns(bench_fn *fn, struct sip_msg *msg, char *data, size_t len, long rounds)
{
	double best = 0;

	for (int run = 0; run < RUNS; run++) {
		double start = now_ns();
		double each;

		for (long i = 0; i < rounds; i++) {
			if (!fn(msg, data, len)) {
				fputs("parse_bench: message refused\n", stderr);
				exit(1);
			}
		}
		each = (now_ns() - start) / (double)rounds;
		if (run == 0 || each < best)
			best = each;
	}
	return best;
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 200000;
	static struct sip_msg msg;
	static char data[SIP_MSG_MAX];

	if (rounds < 20) {
		fputs("usage: parse_bench [rounds, 20 or more]\n", stderr);
		return 2;
	}
	printf("%-16s %6s %12s %12s %12s\n", "message", "bytes", "index ns", "call-id ns",
	       "full ns");
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		size_t len = strlen(samples[i].text);
		double index_ns;
		double scan_ns;

		memcpy(data, samples[i].text, len);
		index_ns = best_ns(parse, &msg, data, len, rounds);
		scan_ns = best_ns(run_scan, &msg, data, len, rounds);
		printf("%-16s %6zu %12.0f %12.0f %12.0f\n", samples[i].name, len, index_ns, scan_ns,
		       best_ns(run_full, &msg, data, len, rounds / 20));
	}
	return 0;
}
