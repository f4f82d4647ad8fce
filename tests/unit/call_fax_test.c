/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fax in a call by T.38: the re-INVITE passes, UDPTL is relayed as it comes, and a refusal leaves
 * the voice. Real packets through the relay of a whole signalling thread. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/media.h"
#include "switchd/media/sdp.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define WAIT_MS 20000

struct place {
	int fd;
	uint16_t port;
	uint16_t to; /* relay port that it was told of */
};

struct fixture {
	struct bench *bench;
	struct place a;
	struct place b;
	struct place stranger;
	char invite[8192];
	char tag[64];
	int cseq;
};

static const uint8_t VOICE[20] = {0x80, 0, 0, 1, 0, 0, 0, 160, 1, 2, 3, 4, 0xff};
static const uint8_t FAX[] = {0x00, 0x01, 0x01, 0x00, 0x06};
/* Numbers that make it look like RTP, RTCP or STUN. */
static const uint8_t FAX_LATE[] = {0x80, 0xc8, 0x01, 0x06};

static void open_place(struct place *place)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	*place = (struct place){.fd = socket(AF_INET, SOCK_DGRAM, 0)};
	assert_int_equal(bind(place->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(place->fd, (struct sockaddr *)&sin, &len), 0);
	place->port = ntohs(sin.sin_port);
}

static void send_to(const struct place *place, uint16_t port, const uint8_t *data, size_t len)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(sendto(place->fd, data, len, 0, (struct sockaddr *)&sin, sizeof(sin)),
			 (ssize_t)len);
}

static void expect(const struct place *place, const uint8_t *data, size_t len)
{
	struct pollfd wait = {.fd = place->fd, .events = POLLIN};
	uint8_t packet[100];

	if (poll(&wait, 1, WAIT_MS) != 1)
		fail_msg("no packet came");
	assert_int_equal(recv(place->fd, packet, sizeof(packet), 0), (ssize_t)len);
	assert_memory_equal(packet, data, len);
}

static void both_ways(struct fixture *fixture, const uint8_t *data, size_t len)
{
	send_to(&fixture->a, fixture->a.to, data, len);
	expect(&fixture->b, data, len);
	send_to(&fixture->b, fixture->b.to, data, len);
	expect(&fixture->a, data, len);
}

static void dropped(const struct bench *bench, uint64_t count)
{
	uint64_t give_up_us = clock_mono_us() + UINT64_C(1000) * WAIT_MS;
	struct media_status status;

	do
		media_status(bench->shared.media, &status);
	while (status.dropped < count && clock_mono_us() < give_up_us && poll(NULL, 0, 1) == 0);
	assert_int_equal(status.dropped, count);
}

static const char *sdp_of(const struct place *place, const char *media, char out[512])
{
	snprintf(out, 512,
		 "v=0\r\no=a 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=%.*s %u%s",
		 media[0] == 'i' ? 2 : 1, (int)strcspn(media, " "), media, place->port,
		 media + strcspn(media, " "));
	return out;
}

#define AUDIO "audio RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n"
#define IMAGE "image udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"

#define BOTH AUDIO "m=image 6004 udptl t38\r\na=T38FaxVersion:0\r\n"

static uint16_t port_of(const char *message, const char *media)
{
	const char *at = strstr(message, media);

	assert_non_null(at);
	return (uint16_t)strtoul(at + strlen(media), NULL, 10);
}

/* A call that is up and carries voice, on the fixture's bench. */
static void answer_voice(struct fixture *fixture)
{
	struct bench *bench = fixture->bench;
	char sdp[512];

	fixture->cseq = 1;
	open_place(&fixture->a);
	open_place(&fixture->b);
	open_place(&fixture->stranger);
	caller_sends(bench, "INVITE", 1, "inv1", "", sdp_of(&fixture->a, AUDIO, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(fixture->invite, sizeof(fixture->invite), "%s", bench->callee.text);
	fixture->b.to = port_of(fixture->invite, "m=audio ");
	callee_answers(bench, fixture->invite, "200 OK", sdp_of(&fixture->b, AUDIO, sdp));
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	fixture->a.to = port_of(bench->caller.text, "m=audio ");
	message_to_tag(bench->caller.text, fixture->tag, sizeof(fixture->tag));
	caller_sends(bench, "ACK", 1, "ack1", fixture->tag, "");
	both_ways(fixture, VOICE, sizeof(VOICE));
}

static void set_up(struct fixture *fixture)
{
	*fixture = (struct fixture){.bench = bench_open("on")};
	answer_voice(fixture);
}

/* The callee's fax machine has heard the tone and asks for T.38. */
static void callee_offers(struct fixture *fixture, const char *media, const char *line,
			  const char *answer, const char *answer_media)
{
	struct bench *bench = fixture->bench;
	char status[32];
	char sdp[512];

	callee_sends(bench, fixture->invite, "INVITE", ++fixture->cseq,
		     sdp_of(&fixture->b, media, sdp));
	peer_expect(&bench->callee, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "INVITE ");
	assert_non_null(strstr(bench->caller.text, line));
	peer_answers(bench, &bench->caller, bench->caller.text, answer, "caller",
		     answer_media[0] ? sdp_of(&fixture->a, answer_media, sdp) : "");
	peer_expect(&bench->caller, "ACK ");
	snprintf(status, sizeof(status), "SIP/2.0 %.3s ", answer);
	peer_expect(&bench->callee, status);
	callee_sends(bench, fixture->invite, "ACK", fixture->cseq, "");
}

static void hang_up(struct fixture *fixture)
{
	struct bench *bench = fixture->bench;

	caller_sends(bench, "BYE", 9, "bye", fixture->tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	close(fixture->a.fd);
	close(fixture->b.fd);
	close(fixture->stranger.fd);
	bench_close(bench);
}

static void fax_after_voice_and_back(void **state)
{
	struct fixture fixture;
	struct bench *bench;
	char line[64];

	(void)state;
	set_up(&fixture);
	bench = fixture.bench;
	/* No fax yet: what is no RTP is dropped. */
	send_to(&fixture.a, fixture.a.to, FAX, sizeof(FAX));
	dropped(bench, 1);
	snprintf(line, sizeof(line), "m=image %u udptl t38\r\n", fixture.a.to);
	callee_offers(&fixture, IMAGE, line, "200 OK", IMAGE);
	/* Everything of T.38 has come across, and nothing of RTCP. */
	assert_non_null(strstr(bench->callee.text, "a=T38FaxUdpEC:t38UDPRedundancy\r\n"));
	assert_null(strstr(bench->callee.text, "a=rtcp"));
	snprintf(line, sizeof(line), "m=image %u udptl t38\r\n", fixture.b.to);
	assert_non_null(strstr(bench->callee.text, line));
	both_ways(&fixture, FAX, sizeof(FAX));
	both_ways(&fixture, FAX_LATE, sizeof(FAX_LATE));
	/* Of a stranger it is dropped as ever. */
	send_to(&fixture.stranger, fixture.a.to, FAX, sizeof(FAX));
	dropped(bench, 2);
	both_ways(&fixture, FAX, sizeof(FAX));
	snprintf(line, sizeof(line), "m=audio %u RTP/AVP 0\r\n", fixture.a.to);
	callee_offers(&fixture, AUDIO, line, "200 OK", AUDIO);
	both_ways(&fixture, VOICE, sizeof(VOICE));
	send_to(&fixture.a, fixture.a.to, FAX, sizeof(FAX));
	dropped(bench, 3);
	hang_up(&fixture);
}

static void refusal_keeps_the_voice(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	callee_offers(&fixture, IMAGE, "m=image ", "488 Not Acceptable Here", "");
	both_ways(&fixture, VOICE, sizeof(VOICE));
	send_to(&fixture.a, fixture.a.to, FAX, sizeof(FAX));
	dropped(fixture.bench, 1);
	hang_up(&fixture);
}

/* What is neither RTP nor UDPTL cannot be relayed, and is offered as refused. */
static void other_transports_are_switched_off(void **state)
{
	struct fixture fixture;

	(void)state;
	set_up(&fixture);
	callee_offers(&fixture, "image TCPTL t38\r\n", "m=image 0 TCPTL t38\r\n", "488 No", "");
	both_ways(&fixture, VOICE, sizeof(VOICE));
	hang_up(&fixture);
}

static void switch_off(struct fixture *fixture, const char *kind, const char *name)
{
	struct change_list list = {0};

	changes_field(&list, kind, name, "t38", "off");
	bench_change(fixture->bench, &list);
}

/* The party that asks, or the one that is asked; the voice goes on. */
static void party_without_fax(void **state)
{
	static const char *const parties[][2] = {{"mapping-gateway", "in"},
						 {"routing-gateway", "out"}};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct fixture fixture = {.bench = bench_open("on")};
		struct bench *bench = fixture.bench;
		char sdp[512];

		switch_off(&fixture, parties[i][0], parties[i][1]);
		answer_voice(&fixture);
		callee_sends(bench, fixture.invite, "INVITE", ++fixture.cseq,
			     sdp_of(&fixture.b, IMAGE, sdp));
		peer_expect(&bench->callee, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "SIP/2.0 488 ");
		callee_sends(bench, fixture.invite, "ACK", fixture.cseq, "");
		peer_expect_nothing(&bench->caller);
		both_ways(&fixture, VOICE, sizeof(VOICE));
		send_to(&fixture.a, fixture.a.to, FAX, sizeof(FAX));
		dropped(bench, 1);
		/* Beside voice it is offered as off, and answered so. */
		callee_offers(&fixture, BOTH, "m=image 0 udptl t38\r\n", "200 OK",
			      AUDIO "m=image 0 udptl t38\r\n");
		assert_non_null(strstr(bench->callee.text, "m=image 0 udptl t38\r\n"));
		both_ways(&fixture, VOICE, sizeof(VOICE));
		hang_up(&fixture);
	}
}

/* Also where the media passes by the switch; and a call that is nothing but fax has a cause. */
static void direct_calls_without_fax(void **state)
{
	struct fixture fixture = {.bench = bench_open("off")};
	struct bench *bench = fixture.bench;
	char sdp[512];

	(void)state;
	open_place(&fixture.a);
	switch_off(&fixture, "routing-gateway", "out");
	caller_sends(bench, "INVITE", 1, "fax", "", sdp_of(&fixture.a, IMAGE, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	peer_expect_nothing(&bench->callee);
	caller_sends(bench, "ACK", 1, "fax", "", "");
	bench->call_id = "call-2";
	caller_sends(bench, "INVITE", 1, "both", "", sdp_of(&fixture.a, BOTH, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, "m=image 0 udptl t38\r\n"));
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	close(fixture.a.fd);
	bench_close(bench);
}

/* What cannot be read passes a direct call, but not by a party that does without something. */
static void more_streams_than_are_read(void **state)
{
	struct fixture fixture = {.bench = bench_open("off")};
	struct bench *bench = fixture.bench;
	char faxes[1024] = "";
	char sdp[512];
	char body[sizeof(faxes) + sizeof(sdp)];

	(void)state;
	open_place(&fixture.a);
	for (size_t i = 0; i < SDP_STREAMS_MAX; i++)
		snprintf(faxes + strlen(faxes), sizeof(faxes) - strlen(faxes),
			 "m=image %zu udptl t38\r\n", 6000 + 2 * i);
	snprintf(body, sizeof(body), "%s%s", sdp_of(&fixture.a, "image udptl t38\r\n", sdp), faxes);
	caller_sends(bench, "INVITE", 1, "free", "", body);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	assert_non_null(strstr(bench->callee.text, faxes));
	callee_answers(bench, bench->callee.text, "486 Busy", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 486 ");
	caller_sends(bench, "ACK", 1, "free", "", "");
	for (int i = 0; i < 2; i++) {
		struct change_list list = {0};

		changes_field(&list, "mapping-gateway", "in", "t38", i == 0 ? "off" : "on");
		changes_field(&list, "routing-gateway", "out", "srtp", i == 0 ? "off" : "required");
		bench_change(bench, &list);
		bench->call_id = i == 0 ? "call-2" : "call-3";
		caller_sends(bench, "INVITE", 1, bench->call_id, "", body);
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->caller, "SIP/2.0 488 ");
		caller_sends(bench, "ACK", 1, bench->call_id, "", "");
	}
	peer_expect_nothing(&bench->callee);
	close(fixture.a.fd);
	bench_close(bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fax_after_voice_and_back),
		cmocka_unit_test(refusal_keeps_the_voice),
		cmocka_unit_test(other_transports_are_switched_off),
		cmocka_unit_test(party_without_fax),
		cmocka_unit_test(direct_calls_without_fax),
		cmocka_unit_test(more_streams_than_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
