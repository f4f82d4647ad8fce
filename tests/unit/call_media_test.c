/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose RTP reaches whom while several phones ring and when an offer is refused: real packets
 * through the relay of a whole signalling thread on a set clock. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/media.h"
#include "tests/support/call_bench.h"

/* A place where RTP is sent from and received. */
struct rtp {
	int fd;
	uint16_t port;
};

static struct rtp rtp_open(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	struct rtp rtp = {.fd = socket(AF_INET, SOCK_DGRAM, 0)};

	assert_int_equal(bind(rtp.fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(rtp.fd, (struct sockaddr *)&sin, &len), 0);
	rtp.port = ntohs(sin.sin_port);
	return rtp;
}

static void rtp_send(const struct rtp *rtp, unsigned port, uint8_t mark)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t packet[20] = {0x80, 0};

	packet[11] = (uint8_t)rtp->port; /* SSRC */
	packet[19] = mark;
	assert_int_equal(
		sendto(rtp->fd, packet, sizeof(packet), 0, (struct sockaddr *)&sin, sizeof(sin)),
		sizeof(packet));
}

/* The next packet that comes is this one. */
static void rtp_expect(const struct rtp *rtp, uint8_t mark)
{
	struct pollfd wait = {.fd = rtp->fd, .events = POLLIN};
	uint8_t packet[100];

	if (poll(&wait, 1, 20000) != 1)
		fail_msg("no packet came, expected %u", mark);
	assert_int_equal(recv(rtp->fd, packet, sizeof(packet), 0), 20);
	assert_int_equal(packet[19], mark);
}

/* The relay has dropped so many packets by now; one that is under way is waited for. */
static void dropped(const struct bench *bench, uint64_t count)
{
	uint64_t give_up_us = clock_mono_us() + 20000000;
	struct media_status status;

	do
		media_status(bench->shared.media, &status);
	while (status.dropped < count && clock_mono_us() < give_up_us && poll(NULL, 0, 1) == 0);
	assert_int_equal(status.dropped, count);
}

static const char *sdp_of(const struct rtp *rtp, char out[512])
{
	snprintf(out, 512,
		 "v=0\r\no=a 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
		 rtp->port);
	return out;
}

static unsigned port_in(const char *message)
{
	const char *at = strstr(message, "m=audio ");

	if (!at)
		fail_msg("no SDP in %s", message);
	return (unsigned)strtoul(at + 8, NULL, 10);
}

struct ringing {
	struct bench *bench;
	struct rtp caller;
	struct rtp phones[2];
	char sdps[2][512];
	char invites[2][8192];
	unsigned ports[2]; /* where the phones send to */
};

/* Two contacts ring; media passes through the relay. */
static struct ringing ringing_open(const char *number)
{
	struct ringing all = {.bench = bench_open("on"), .caller = rtp_open()};
	struct bench *bench = all.bench;
	char sdp[512];

	bench->called = number;
	for (int i = 0; i < 2; i++) {
		all.phones[i] = rtp_open();
		sdp_of(&all.phones[i], all.sdps[i]);
		bench_register(bench, number, i, 1000 - 100 * (strcmp(number, IN_TURN) == 0) * i);
	}
	caller_sends(bench, "INVITE", 1, "inv1", "", sdp_of(&all.caller, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	return all;
}

static void rings(struct ringing *all, int index)
{
	struct peer *phone = &all->bench->phones[index];

	peer_expect(phone, "INVITE ");
	memcpy(all->invites[index], phone->text, sizeof(all->invites[index]));
	all->ports[index] = port_in(phone->text);
}

static void says(struct ringing *all, int index, const char *status, bool with_sdp)
{
	peer_answers(all->bench, &all->bench->phones[index], all->invites[index], status,
		     index ? "two" : "one", with_sdp ? all->sdps[index] : "");
}

static void ringing_close(struct ringing *all, int index, const char *tag)
{
	struct bench *bench = all->bench;

	caller_sends(bench, "BYE", 9, "bye1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->phones[index], "BYE ");
	peer_answers(bench, &bench->phones[index], bench->phones[index].text, "200 OK", "x", "");
	bench_close(bench);
	close(all->caller.fd);
	for (int i = 0; i < 2; i++)
		close(all->phones[i].fd);
}

static void phones_at_once_do_not_mix(void **state)
{
	struct ringing all = ringing_open(AT_ONCE);
	struct bench *bench = all.bench;
	unsigned early_port, port;
	char tag[64];

	(void)state;
	rings(&all, 0);
	rings(&all, 1);
	assert_int_not_equal(all.ports[0], all.ports[1]);
	says(&all, 0, "183 Progress", true);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	early_port = port_in(bench->caller.text);
	says(&all, 1, "183 Progress", true);
	/* The caller has been told of the first only, so it hears the first only; nor does the
	 * second get through by the port of the first. */
	rtp_send(&all.phones[1], all.ports[1], 1);
	dropped(bench, 1);
	rtp_send(&all.phones[0], all.ports[0], 2);
	rtp_expect(&all.caller, 2);
	rtp_send(&all.phones[1], all.ports[0], 3);
	dropped(bench, 2);
	rtp_send(&all.caller, early_port, 4);
	rtp_expect(&all.phones[0], 4);
	says(&all, 1, "200 OK", true);
	peer_expect(&bench->phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	port = port_in(bench->caller.text);
	assert_int_not_equal(port, early_port);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	peer_expect(&bench->phones[0], "CANCEL ");
	says(&all, 0, "487 Request Terminated", false);
	/* Now the second is heard, and the first no more by any port. */
	rtp_send(&all.phones[1], all.ports[1], 5);
	rtp_expect(&all.caller, 5);
	rtp_send(&all.phones[0], all.ports[1], 6);
	dropped(bench, 3);
	rtp_send(&all.caller, port, 7);
	rtp_expect(&all.phones[1], 7);
	ringing_close(&all, 1, tag);
}

static void phones_in_turn_do_not_mix(void **state)
{
	struct ringing all = ringing_open(IN_TURN);
	struct bench *bench = all.bench;
	char tag[64];
	unsigned port;

	(void)state;
	rings(&all, 0);
	says(&all, 0, "183 Progress", true);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	port = port_in(bench->caller.text);
	rtp_send(&all.phones[0], all.ports[0], 1);
	rtp_expect(&all.caller, 1);
	says(&all, 0, "480 Gone", false);
	peer_expect(&bench->phones[0], "ACK ");
	/* The same ports serve the next, and the first can be heard there no longer. */
	rings(&all, 1);
	assert_int_equal(all.ports[0], all.ports[1]);
	says(&all, 1, "200 OK", true);
	peer_expect(&bench->phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	assert_int_equal(port_in(bench->caller.text), port);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	rtp_send(&all.phones[1], all.ports[1], 2);
	rtp_expect(&all.caller, 2);
	rtp_send(&all.phones[0], all.ports[1], 3);
	dropped(bench, 1);
	rtp_send(&all.caller, port, 4);
	rtp_expect(&all.phones[1], 4);
	ringing_close(&all, 1, tag);
}

/* The same before the next one has answered. */
static void first_phone_is_silent_while_the_second_rings(void **state)
{
	struct ringing all = ringing_open(IN_TURN);
	struct bench *bench = all.bench;
	char tag[64];

	(void)state;
	rings(&all, 0);
	says(&all, 0, "183 Progress", true);
	peer_expect(&bench->caller, "SIP/2.0 183 ");
	rtp_send(&all.phones[0], all.ports[0], 1);
	rtp_expect(&all.caller, 1);
	says(&all, 0, "480 Gone", false);
	peer_expect(&bench->phones[0], "ACK ");
	rings(&all, 1);
	/* Whether the relay has heard of it already when this packet comes is its own affair; soon
	 * it has. */
	for (uint64_t give_up_us = clock_mono_us() + 20000000;;) {
		struct media_status status;

		rtp_send(&all.phones[0], all.ports[0], 2);
		poll(NULL, 0, 1);
		media_status(bench->shared.media, &status);
		if (status.dropped)
			break;
		assert_true(clock_mono_us() < give_up_us);
	}
	while (recv(all.caller.fd, (char[100]){0}, 100, MSG_DONTWAIT) > 0) {
	}
	says(&all, 1, "200 OK", true);
	peer_expect(&bench->phones[1], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	rtp_send(&all.phones[1], all.ports[1], 3);
	rtp_expect(&all.caller, 3);
	ringing_close(&all, 1, tag);
}

/* A call that is up, relayed, with the first phone. */
static struct ringing talking_open(char tag[64], unsigned *port)
{
	struct ringing all = ringing_open(IN_TURN);
	struct bench *bench = all.bench;

	rings(&all, 0);
	says(&all, 0, "200 OK", true);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	message_to_tag(bench->caller.text, tag, 64);
	*port = port_in(bench->caller.text);
	caller_sends(bench, "ACK", 1, "ack1", tag, "");
	rtp_send(&all.phones[0], all.ports[0], 1);
	rtp_expect(&all.caller, 1);
	return all;
}

/* RFC 3261 14.1: what was before the refused offer goes on. */
static void refused_offer_moves_nothing(void **state)
{
	struct rtp elsewhere = rtp_open();
	struct ringing all;
	struct bench *bench;
	struct media_status status;
	char tag[64], sdp[1024], one[512];
	unsigned port;

	(void)state;
	all = talking_open(tag, &port);
	bench = all.bench;
	/* Media elsewhere, and a second stream. */
	snprintf(sdp, sizeof(sdp), "%sm=video 5000 RTP/AVP 31\r\n", sdp_of(&elsewhere, one));
	caller_sends(bench, "INVITE", 2, "re1", tag, sdp);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	assert_non_null(strstr(bench->phones[0].text, "m=video 20"));
	/* While it waits, too, the old address holds. */
	rtp_send(&all.phones[0], all.ports[0], 2);
	rtp_expect(&all.caller, 2);
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "488 No", "one", "");
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	rtp_send(&all.phones[0], all.ports[0], 3);
	rtp_expect(&all.caller, 3);
	rtp_send(&all.caller, port, 4);
	rtp_expect(&all.phones[0], 4);
	/* The ports of the stream that did not come about are given back. */
	for (uint64_t give_up_us = clock_mono_us() + 20000000;;) {
		media_status(bench->shared.media, &status);
		if (status.pairs_used == 1 || clock_mono_us() > give_up_us)
			break;
		poll(NULL, 0, 1);
	}
	assert_int_equal(status.pairs_used, 1);
	/* The same offer, accepted. */
	caller_sends(bench, "INVITE", 3, "re2", tag, one);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "one", all.sdps[0]);
	peer_expect(&bench->phones[0], "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	caller_sends(bench, "ACK", 3, "ack3", tag, "");
	rtp_send(&elsewhere, port, 5);
	rtp_expect(&all.phones[0], 5);
	rtp_send(&all.phones[0], all.ports[0], 6);
	rtp_expect(&elsewhere, 6);
	ringing_close(&all, 0, tag);
	close(elsewhere.fd);
}

/* An offer that was taken back with CANCEL. */
static void withdrawn_offer_moves_nothing(void **state)
{
	struct rtp elsewhere = rtp_open();
	struct ringing all;
	struct bench *bench;
	char tag[64], sdp[512], reinvite[8192];
	unsigned port;

	(void)state;
	all = talking_open(tag, &port);
	bench = all.bench;
	caller_sends(bench, "INVITE", 2, "re1", tag, sdp_of(&elsewhere, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->phones[0], "INVITE ");
	memcpy(reinvite, bench->phones[0].text, sizeof(reinvite));
	peer_answers(bench, &bench->phones[0], reinvite, "100 Trying", "one", "");
	caller_sends(bench, "CANCEL", 2, "re1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->caller, "SIP/2.0 487 ");
	caller_sends(bench, "ACK", 2, "re1", tag, "");
	peer_expect(&bench->phones[0], "CANCEL ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "200 OK", "one", "");
	peer_answers(bench, &bench->phones[0], reinvite, "487 Terminated", "one", "");
	peer_expect(&bench->phones[0], "ACK ");
	rtp_send(&all.phones[0], all.ports[0], 2);
	rtp_expect(&all.caller, 2);
	ringing_close(&all, 0, tag);
	close(elsewhere.fd);
}

TEST_MAIN(cmocka_unit_test(phones_at_once_do_not_mix), cmocka_unit_test(phones_in_turn_do_not_mix),
	  cmocka_unit_test(first_phone_is_silent_while_the_second_rings),
	  cmocka_unit_test(refused_offer_moves_nothing),
	  cmocka_unit_test(withdrawn_offer_moves_nothing))
