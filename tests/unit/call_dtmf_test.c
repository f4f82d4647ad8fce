/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digits between a caller and a gateway that want them in different ways: SDP, INFO and real
 * packets through the relay of a whole signalling thread. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/loop/mailbox.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define WAIT_MS 20000

struct rtp {
	int fd;
	uint16_t port;
	uint16_t sequence;
	uint16_t to;         /* relay port that it was told of */
	uint8_t packet[200]; /* that it got last */
	ssize_t len;
};

struct fixture {
	struct bench *bench;
	struct rtp a;
	struct rtp b;
	char invite[8192];
	char tag[64];
	int cseq;
};

static void open_rtp(struct rtp *rtp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	*rtp = (struct rtp){.fd = socket(AF_INET, SOCK_DGRAM, 0), .sequence = 100};
	assert_int_equal(bind(rtp->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(rtp->fd, (struct sockaddr *)&sin, &len), 0);
	rtp->port = ntohs(sin.sin_port);
}

static void send_rtp(struct rtp *rtp, uint8_t type, uint32_t timestamp, const uint8_t *payload,
		     size_t len)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(rtp->to),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t packet[200] = {0x80, type};

	packet[2] = (uint8_t)(rtp->sequence >> 8);
	packet[3] = (uint8_t)rtp->sequence++;
	for (int i = 0; i < 4; i++)
		packet[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
	packet[11] = (uint8_t)rtp->port;
	memcpy(packet + 12, payload, len);
	assert_int_equal(sendto(rtp->fd, packet, 12 + len, 0, (struct sockaddr *)&sin, sizeof(sin)),
			 (ssize_t)(12 + len));
}

static void send_audio(struct rtp *rtp, uint32_t timestamp)
{
	static const uint8_t silence[160] = {0xff};

	send_rtp(rtp, 0, timestamp, silence, sizeof(silence));
}

/* A whole digit as a phone sends it. */
static void send_digit(struct rtp *rtp, uint8_t type, uint32_t timestamp, uint8_t code)
{
	for (int i = 1; i <= 6; i++) {
		uint8_t units = (uint8_t)(i < 4 ? i * 50 : 200);
		const uint8_t payload[] = {code, (uint8_t)(10 | (i >= 4 ? 0x80 : 0)), 0, units};

		send_rtp(rtp, type, timestamp, payload, sizeof(payload));
	}
}

static void receive(struct rtp *rtp)
{
	struct pollfd wait = {.fd = rtp->fd, .events = POLLIN};

	if (poll(&wait, 1, WAIT_MS) != 1)
		fail_msg("no packet came");
	rtp->len = recv(rtp->fd, rtp->packet, sizeof(rtp->packet), 0);
	assert_true(rtp->len >= 12);
}

static unsigned type_of(const struct rtp *rtp)
{
	return rtp->packet[1] & 0x7f;
}

static unsigned number_of(const struct rtp *rtp)
{
	return (unsigned)rtp->packet[2] << 8 | rtp->packet[3];
}

static const char *sdp_of(const struct rtp *rtp, int event, char out[512])
{
	char formats[16] = "";
	char lines[64] = "";

	if (event) {
		snprintf(formats, sizeof(formats), " %d", event);
		snprintf(lines, sizeof(lines), "a=rtpmap:%d telephone-event/8000\r\n", event);
	}
	snprintf(out, 512,
		 "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0%s\r\na=rtpmap:0 PCMU/8000\r\n%s",
		 rtp->port, formats, lines);
	return out;
}

/* Port and telephone-event in the SDP of a message; 0 = none. */
static int read_sdp(const char *message, uint16_t *port)
{
	const char *media = strstr(message, "m=audio ");
	const char *event = strstr(message, " telephone-event/8000");
	int type = 0;

	assert_non_null(media);
	*port = (uint16_t)strtoul(media + 8, NULL, 10);
	if (!event)
		return 0;
	while (event[-1] != ':')
		event--;
	assert_int_equal(sscanf(event, "%d", &type), 1);
	return type;
}

/* One more field of either gateway for the calls that follow; NULL = none. */
static const char *in_field, *in_value, *out_field, *out_value;

/* What each side offers, up to where the callee has the INVITE. */
static void call_out(struct fixture *fixture, const char *kind_a, const char *kind_b, int a,
		     int told_b)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("on");
	char sdp[512];

	memset(fixture, 0, sizeof(*fixture));
	fixture->bench = bench;
	fixture->cseq = 1;
	open_rtp(&fixture->a);
	open_rtp(&fixture->b);
	changes_field(&list, "mapping-gateway", "in", "dtmf", kind_a);
	changes_field(&list, "routing-gateway", "out", "dtmf", kind_b);
	if (in_field)
		changes_field(&list, "mapping-gateway", "in", in_field, in_value);
	if (out_field)
		changes_field(&list, "routing-gateway", "out", out_field, out_value);
	bench_change(bench, &list);
	caller_sends(bench, "INVITE", 1, "inv1", "", sdp_of(&fixture->a, a, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(fixture->invite, sizeof(fixture->invite), "%s", bench->callee.text);
	assert_int_equal(read_sdp(fixture->invite, &fixture->b.to), told_b);
}

static void answered(struct fixture *fixture, int b, int told_a)
{
	struct bench *bench = fixture->bench;
	char sdp[512];

	callee_answers(bench, fixture->invite, "200 OK", sdp_of(&fixture->b, b, sdp));
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	assert_int_equal(read_sdp(bench->caller.text, &fixture->a.to), told_a);
	message_to_tag(bench->caller.text, fixture->tag, sizeof(fixture->tag));
	caller_sends(bench, "ACK", 1, "ack1", fixture->tag, "");
}

/* The same with early media. */
static void progresses(struct fixture *fixture, int b, int told_a)
{
	struct bench *bench = fixture->bench;
	char sdp[512];

	callee_answers(bench, fixture->invite, "183 Session Progress", sdp_of(&fixture->b, b, sdp));
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	assert_int_equal(read_sdp(bench->caller.text, &fixture->a.to), told_a);
	message_to_tag(bench->caller.text, fixture->tag, sizeof(fixture->tag));
}

/* A call with what each side offers and is told. */
static void set_up(struct fixture *fixture, const char *kind_a, const char *kind_b, int a, int b,
		   int told_b, int told_a)
{
	call_out(fixture, kind_a, kind_b, a, told_b);
	answered(fixture, b, told_a);
}

static void hang_up(struct fixture *fixture)
{
	struct bench *bench = fixture->bench;

	caller_sends(bench, "BYE", ++fixture->cseq, "bye", fixture->tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	close(fixture->a.fd);
	close(fixture->b.fd);
	bench_close(bench);
}

static void caller_info(struct fixture *fixture, const char *type, const char *body)
{
	struct bench *bench = fixture->bench;
	char text[2048];

	fixture->cseq++;
	snprintf(text, sizeof(text),
		 "INFO sip:900@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKi%d\r\nMax-Forwards: 70\r\n"
		 "From: <sip:100@127.0.0.1>;tag=caller\r\nTo: <sip:900@127.0.0.1>;tag=%s\r\n"
		 "Call-ID: call-1\r\nCSeq: %d INFO\r\nContent-Type: %s\r\n"
		 "Content-Length: %zu\r\n\r\n%s",
		 bench->port, bench->caller.port, fixture->cseq, fixture->tag, fixture->cseq, type,
		 strlen(body), body);
	peer_send(bench, &bench->caller, text);
}

/* What the relay told signalling has come through. */
static void run_mail(struct bench *bench)
{
	struct pollfd wait = {.fd = bench->worker->mailbox.wake_fd, .events = POLLIN};

	if (poll(&wait, 1, WAIT_MS) != 1)
		fail_msg("the relay told nothing");
	mailbox_run(&bench->worker->mailbox);
	bench_advance(bench, 10);
}

static void callee_hears(struct fixture *fixture, const char *body)
{
	struct bench *bench = fixture->bench;

	run_mail(bench);
	peer_expect(&bench->callee, "INFO ");
	if (!strstr(bench->callee.text, "\r\nContent-Type: application/dtmf-relay\r\n") ||
	    !strstr(bench->callee.text, body))
		fail_msg("no %s in %s", body, bench->callee.text);
	callee_answers(bench, bench->callee.text, "200 OK", "");
}

/* --- Events to INFO. --- */

static void events_become_info(void **state)
{
	struct fixture fixture;
	unsigned first;

	(void)state;
	/* The gateway is offered no events, and the caller is told that they are taken. */
	set_up(&fixture, "auto", "info", 101, 0, 0, 101);
	send_audio(&fixture.a, 160);
	receive(&fixture.b);
	first = number_of(&fixture.b);
	send_digit(&fixture.a, 101, 320, 5);
	callee_hears(&fixture, "\r\n\r\nSignal=5\r\nDuration=60\r\n");
	send_digit(&fixture.a, 101, 3200, 11);
	send_audio(&fixture.a, 4800);
	/* The next packet is the audio behind them, with the next number. */
	receive(&fixture.b);
	assert_int_equal(type_of(&fixture.b), 0);
	assert_int_equal(number_of(&fixture.b), first + 1);
	peer_expect_nothing(&fixture.bench->callee);
	hang_up(&fixture);
}

static void second_digit_is_told_too(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, "rfc2833", "info", 96, 0, 0, 96);
	send_digit(&fixture.a, 96, 320, 1);
	callee_hears(&fixture, "Signal=1\r\n");
	poll(NULL, 0, 50); /* digits are 40 ms apart at least */
	send_digit(&fixture.a, 96, 3200, 1);
	callee_hears(&fixture, "Signal=1\r\n");
	/* One that sends its digits by INFO as well is not heard twice. */
	caller_info(&fixture, "application/dtmf-relay", "Signal=1\r\nDuration=100\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	peer_expect_nothing(&fixture.bench->callee);
	hang_up(&fixture);
}

/* --- INFO to events. --- */

static void expect_event(struct fixture *fixture, uint8_t type, uint8_t code, uint16_t units)
{
	struct rtp *b = &fixture->b;
	unsigned last = 0;
	int ends = 0;
	int packets = 0;

	while (ends < 3) {
		receive(b);
		assert_int_equal(b->len, 16);
		assert_int_equal(type_of(b), type);
		assert_int_equal(b->packet[1] >> 7, packets == 0);
		assert_int_equal(b->packet[12], code);
		if (packets)
			assert_int_equal(number_of(b), (last + 1) & 0xffff);
		last = number_of(b);
		packets++;
		ends += b->packet[13] >> 7;
	}
	assert_int_equal(b->packet[14] << 8 | b->packet[15], units);
}

static void info_becomes_events(void **state)
{
	struct fixture fixture;
	unsigned last;

	(void)state;
	/* The caller has none; the gateway is offered them, and the caller not told. */
	set_up(&fixture, "info", "auto", 0, 101, 101, 0);
	send_audio(&fixture.a, 160);
	receive(&fixture.b);
	last = number_of(&fixture.b);
	caller_info(&fixture, "application/dtmf-relay", "Signal=#\r\nDuration=100\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	expect_event(&fixture, 101, 11, 800);
	assert_int_equal(number_of(&fixture.b), last + 7);
	caller_info(&fixture, "application/dtmf", "10\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	expect_event(&fixture, 101, 10, 1280);
	last = number_of(&fixture.b);
	send_audio(&fixture.a, 80000);
	receive(&fixture.b);
	assert_int_equal(type_of(&fixture.b), 0);
	assert_int_equal(number_of(&fixture.b), last + 1);
	peer_expect_nothing(&fixture.bench->callee);
	/* What is no digit passes as it is. */
	caller_info(&fixture, "application/media_control+xml", "<x/>");
	peer_expect(&fixture.bench->callee, "INFO ");
	callee_answers(fixture.bench, fixture.bench->callee.text, "200 OK", "");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	hang_up(&fixture);
}

/* --- In early media. --- */

/* To an announcement that is heard before the answer: it goes on as it began. */
static void events_become_info_early(void **state)
{
	struct fixture fixture;

	(void)state;
	call_out(&fixture, "auto", "info", 101, 0);
	progresses(&fixture, 0, 101);
	send_digit(&fixture.a, 101, 320, 5);
	callee_hears(&fixture, "Signal=5\r\n");
	answered(&fixture, 0, 101);
	poll(NULL, 0, 50); /* digits are 40 ms apart at least */
	send_digit(&fixture.a, 101, 3200, 6);
	callee_hears(&fixture, "Signal=6\r\n");
	hang_up(&fixture);
}

static void info_becomes_events_early(void **state)
{
	struct fixture fixture;

	(void)state;
	call_out(&fixture, "info", "auto", 0, 101);
	progresses(&fixture, 101, 0);
	caller_info(&fixture, "application/dtmf-relay", "Signal=#\r\nDuration=100\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	expect_event(&fixture, 101, 11, 800);
	answered(&fixture, 101, 0);
	caller_info(&fixture, "application/dtmf", "10\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	expect_event(&fixture, 101, 10, 1280);
	peer_expect_nothing(&fixture.bench->callee);
	hang_up(&fixture);
}

/* A gateway that does not take events gets the INFO itself. */
static void info_passes_where_events_do_not(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, "info", "rfc2833", 0, 0, 101, 0);
	caller_info(&fixture, "application/dtmf-relay", "Signal=3\r\nDuration=100\r\n");
	peer_expect(&fixture.bench->callee, "INFO ");
	callee_answers(fixture.bench, fixture.bench->callee.text, "200 OK", "");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	hang_up(&fixture);
}

/* --- Numbers. --- */

static void each_sees_its_own_number(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, "auto", "auto", 96, 101, 96, 96);
	send_digit(&fixture.a, 96, 160, 2);
	for (int i = 0; i < 6; i++) {
		receive(&fixture.b);
		assert_int_equal(type_of(&fixture.b), 101);
	}
	/* One that goes by the offer, and one that goes by its own. */
	send_digit(&fixture.b, 96, 160, 2);
	send_digit(&fixture.b, 101, 3200, 3);
	for (int i = 0; i < 12; i++) {
		receive(&fixture.a);
		assert_int_equal(type_of(&fixture.a), 96);
	}
	hang_up(&fixture);
}

static void nothing_is_done_where_both_agree(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, "auto", "rfc2833", 101, 101, 101, 101);
	send_digit(&fixture.a, 101, 160, 2);
	receive(&fixture.b);
	assert_int_equal(type_of(&fixture.b), 101);
	hang_up(&fixture);
	set_up(&fixture, "auto", "auto", 0, 0, 0, 0);
	caller_info(&fixture, "application/dtmf-relay", "Signal=3\r\n");
	peer_expect(&fixture.bench->callee, "INFO ");
	callee_answers(fixture.bench, fixture.bench->callee.text, "200 OK", "");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	hang_up(&fixture);
}

static void off_is_silence(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture, "auto", "off", 101, 0, 0, 0);
	caller_info(&fixture, "application/dtmf-relay", "Signal=3\r\n");
	peer_expect(&fixture.bench->caller, "SIP/2.0 200 ");
	peer_expect_nothing(&fixture.bench->callee);
	/* Sent all the same, they end here. */
	send_digit(&fixture.a, 101, 160, 2);
	send_audio(&fixture.a, 1600);
	receive(&fixture.b);
	assert_int_equal(type_of(&fixture.b), 0);
	hang_up(&fixture);
}

/* --- What of a party's digits counts. --- */

/* A call between gateways that pass digits as they come, with fields of the caller's. */
static void set_up_with(struct fixture *fixture, const char *field, const char *value)
{
	in_field = field;
	in_value = value;
	set_up(fixture, "auto", "auto", 101, 101, 101, 101);
	in_field = NULL;
}

/* Events reach the callee: the digit's six packets, and audio behind them. */
static void events_pass(struct fixture *fixture, uint32_t timestamp, bool expected)
{
	send_digit(&fixture->a, 101, timestamp, 5);
	send_audio(&fixture->a, timestamp + 1600);
	for (int i = 0; expected && i < 6; i++) {
		receive(&fixture->b);
		assert_int_equal(type_of(&fixture->b), 101);
	}
	receive(&fixture->b);
	assert_int_equal(type_of(&fixture->b), 0);
}

static void info_passes(struct fixture *fixture, bool expected)
{
	struct bench *bench = fixture->bench;

	caller_info(fixture, "application/dtmf-relay", "Signal=3\r\nDuration=100\r\n");
	if (expected) {
		peer_expect(&bench->callee, "INFO ");
		callee_answers(bench, bench->callee.text, "200 OK", "");
	}
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect_nothing(&bench->callee);
}

static void kinds_that_are_received(void **state)
{
	static const struct {
		const char *value;
		bool events;
		bool info;
	} rows[] = {
		{"auto", true, true}, /* as without the field */
		{"rfc2833", true, false},
		{"info", false, true},
		{"off", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fixture fixture;

		set_up_with(&fixture, "dtmf-receive", rows[i].value);
		events_pass(&fixture, 160, rows[i].events);
		info_passes(&fixture, rows[i].info);
		events_pass(&fixture, 16000, rows[i].events);
		/* It is the caller's alone. */
		send_digit(&fixture.b, 101, 160, 2);
		receive(&fixture.a);
		assert_int_equal(type_of(&fixture.a), 101);
		hang_up(&fixture);
	}
}

static void all_is_the_first_kind(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up_with(&fixture, "dtmf-receive", "all");
	events_pass(&fixture, 160, true);
	info_passes(&fixture, false);
	events_pass(&fixture, 16000, true);
	hang_up(&fixture);
	set_up_with(&fixture, "dtmf-receive", "all");
	info_passes(&fixture, true);
	events_pass(&fixture, 160, false);
	info_passes(&fixture, true);
	hang_up(&fixture);
}

/* What comes before there is media is the first as well. */
static void first_kind_before_the_answer(void **state)
{
	struct fixture fixture;

	(void)state;
	in_field = "dtmf-receive";
	in_value = "all";
	call_out(&fixture, "auto", "auto", 101, 101);
	in_field = NULL;
	callee_answers(fixture.bench, fixture.invite, "180 Ringing", "");
	peer_expect(&fixture.bench->caller, "SIP/2.0 180 ");
	message_to_tag(fixture.bench->caller.text, fixture.tag, sizeof(fixture.tag));
	info_passes(&fixture, true);
	answered(&fixture, 101, 101);
	events_pass(&fixture, 160, false);
	hang_up(&fixture);
}

/* Where they are converted, what is not received is not converted. */
static void refused_kinds_are_not_converted(void **state)
{
	struct fixture fixture;

	(void)state;
	in_field = "dtmf-receive";
	in_value = "info";
	set_up(&fixture, "auto", "info", 101, 0, 0, 101);
	events_pass(&fixture, 160, false);
	info_passes(&fixture, true);
	hang_up(&fixture);
	in_value = "rfc2833";
	set_up(&fixture, "info", "auto", 0, 101, 101, 0);
	info_passes(&fixture, false);
	send_audio(&fixture.a, 160);
	receive(&fixture.b);
	assert_int_equal(type_of(&fixture.b), 0);
	hang_up(&fixture);
	in_field = NULL;
}

/* --- The number that a party is offered. --- */

static void offered_by_its_number(void **state)
{
	struct fixture fixture;

	(void)state;
	/* What is added for it, and what comes by another number. */
	out_field = "dtmf-payload-type";
	out_value = "110";
	set_up(&fixture, "auto", "rfc2833", 0, 110, 110, 0);
	hang_up(&fixture);
	set_up(&fixture, "auto", "auto", 96, 110, 110, 96);
	send_digit(&fixture.a, 96, 160, 2);
	for (int i = 0; i < 6; i++) {
		receive(&fixture.b);
		assert_int_equal(type_of(&fixture.b), 110);
	}
	send_digit(&fixture.b, 110, 160, 2);
	for (int i = 0; i < 6; i++) {
		receive(&fixture.a);
		assert_int_equal(type_of(&fixture.a), 96);
	}
	hang_up(&fixture);
	/* Nothing is added where it is not asked for. */
	set_up(&fixture, "auto", "auto", 0, 0, 0, 0);
	hang_up(&fixture);
	out_field = NULL;
}

/* A new offer that is refused leaves the digits as they were. */
static void refused_offer_changes_nothing(void **state)
{
	struct fixture fixture;
	struct bench *bench;
	char sdp[512];

	(void)state;
	set_up(&fixture, "auto", "info", 101, 0, 0, 101);
	bench = fixture.bench;
	caller_sends(bench, "INVITE", ++fixture.cseq, "re", fixture.tag,
		     sdp_of(&fixture.a, 0, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "488 No", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", fixture.cseq, "re", fixture.tag, "");
	send_digit(&fixture.a, 101, 320, 9);
	callee_hears(&fixture, "Signal=9\r\n");
	hang_up(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(events_become_info),
		cmocka_unit_test(second_digit_is_told_too),
		cmocka_unit_test(info_becomes_events),
		cmocka_unit_test(events_become_info_early),
		cmocka_unit_test(info_becomes_events_early),
		cmocka_unit_test(info_passes_where_events_do_not),
		cmocka_unit_test(each_sees_its_own_number),
		cmocka_unit_test(nothing_is_done_where_both_agree),
		cmocka_unit_test(off_is_silence),
		cmocka_unit_test(kinds_that_are_received),
		cmocka_unit_test(all_is_the_first_kind),
		cmocka_unit_test(first_kind_before_the_answer),
		cmocka_unit_test(refused_kinds_are_not_converted),
		cmocka_unit_test(offered_by_its_number),
		cmocka_unit_test(refused_offer_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
