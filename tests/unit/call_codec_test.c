/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call that goes over to other codecs: re-INVITE and UPDATE with other formats and other numbers
 * for them (RFC 3264 section 8.3.2), relayed and direct, from either side. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/session_call.h"

#define WAIT_MS 20000

struct rtp {
	int fd;
	uint16_t port;
	uint16_t to; /* where the SDP that its party got says */
};

/* What a party says of its stream. */
struct formats {
	const char *numbers; /* "0 101" */
	const char *lines;
};

static const struct formats narrow = {
	"0 101", "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"};
static const struct formats wide = {"96 97", "a=rtpmap:96 opus/48000/2\r\n"
					     "a=rtpmap:97 telephone-event/8000\r\n"};
/* The same codec under another number, as an answer may have it. */
static const struct formats wide_too = {"111 110", "a=rtpmap:111 opus/48000/2\r\n"
						   "a=rtpmap:110 telephone-event/8000\r\n"};
static const struct formats a_law = {"8", "a=rtpmap:8 PCMA/8000\r\n"};

struct scene {
	struct session session;
	struct bench *bench;
	struct rtp a;
	struct rtp b;
	bool is_relayed;
	int version;
};

static void open_rtp(struct rtp *rtp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	rtp->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(rtp->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(rtp->fd, (struct sockaddr *)&sin, &len), 0);
	rtp->port = ntohs(sin.sin_port);
}

static const char *sdp_of(struct scene *scene, const struct rtp *rtp, const struct formats *formats)
{
	static char text[1024];

	snprintf(text, sizeof(text),
		 "v=0\r\no=x 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/AVP %s\r\n%s",
		 ++scene->version, rtp->port, formats->numbers, formats->lines);
	return text;
}

/* The SDP that a party has got: with these formats, and another port when the call is relayed. */
static void told(const struct scene *scene, struct rtp *rtp, const struct rtp *other,
		 const struct peer *peer, const struct formats *formats)
{
	const char *media = strstr(peer->text, "m=audio ");
	char line[64];

	assert_non_null(media);
	rtp->to = (uint16_t)strtoul(media + 8, NULL, 10);
	snprintf(line, sizeof(line), " RTP/AVP %s\r\n", formats->numbers);
	expect_header(peer, line);
	expect_header(peer, formats->lines);
	assert_true((rtp->to == other->port) == !scene->is_relayed);
}

static void connect_with(struct scene *scene, const char *mode)
{
	struct bench *bench = bench_open(mode);
	char offer[1024];

	*scene = (struct scene){.bench = bench, .is_relayed = strcmp(mode, "off") != 0};
	scene->session.bench = bench;
	open_rtp(&scene->a);
	open_rtp(&scene->b);
	snprintf(offer, sizeof(offer), "%s", sdp_of(scene, &scene->a, &narrow));
	bench->extra = UPDATES;
	caller_sends(bench, "INVITE", 1, "inv1", "", offer);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	snprintf(scene->session.invite, sizeof(scene->session.invite), "%s", bench->callee.text);
	told(scene, &scene->b, &scene->a, &bench->callee, &narrow);
	callee_answers(bench, scene->session.invite, "200 OK", sdp_of(scene, &scene->b, &narrow));
	bench->extra = "";
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	told(scene, &scene->a, &scene->b, &bench->caller, &narrow);
	message_to_tag(bench->caller.text, scene->session.tag, sizeof(scene->session.tag));
	caller_sends(bench, "ACK", 1, "ack1", scene->session.tag, "");
}

static void send_packet(const struct rtp *from, uint8_t type, uint8_t mark)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(from->to),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	uint8_t packet[40] = {0x80, type, 0, mark, [11] = 7};

	packet[39] = mark;
	assert_int_equal(
		sendto(from->fd, packet, sizeof(packet), 0, (struct sockaddr *)&sin, sizeof(sin)),
		(ssize_t)sizeof(packet));
}

/* The next packet is that one: with the type that its receiver has been told of, and as long. */
static void expect_packet(const struct rtp *at, uint8_t type, uint8_t mark)
{
	struct pollfd wait = {.fd = at->fd, .events = POLLIN};
	uint8_t packet[200];

	if (poll(&wait, 1, WAIT_MS) != 1)
		fail_msg("no packet came");
	assert_int_equal(recv(at->fd, packet, sizeof(packet), 0), 40);
	assert_int_equal(packet[1] & 0x7f, type);
	assert_int_equal(packet[39], mark);
}

static void expect_codec(const struct scene *scene, const char *codec)
{
	struct call_info info;

	assert_int_equal(call_table_list(scene->bench->worker->calls, 0, &info, 1), 1);
	assert_string_equal(info.legs[0].codec, codec);
	assert_string_equal(info.legs[1].codec, codec);
}

static void end(struct scene *scene)
{
	close(scene->a.fd);
	close(scene->b.fd);
	hang_up(&scene->session);
}

/* The caller offers another codec, by whichever request. */
static void caller_offers(struct scene *scene, const char *method, int cseq,
			  const struct formats *offered, const struct formats *answered)
{
	struct bench *bench = scene->bench;
	bool is_invite = strcmp(method, "INVITE") == 0;
	char branch[32];

	snprintf(branch, sizeof(branch), "re%d", cseq);
	caller_sends(bench, method, cseq, branch, scene->session.tag,
		     sdp_of(scene, &scene->a, offered));
	if (is_invite)
		peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	told(scene, &scene->b, &scene->a, &bench->callee, offered);
	answer(bench, &bench->callee, "200 OK", "", sdp_of(scene, &scene->b, answered));
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	if (is_invite)
		caller_sends(bench, "ACK", cseq, branch, scene->session.tag, "");
}

static void other_codec(void **state)
{
	static const char *const modes[] = {"off", "must-on"};
	static const char *const methods[] = {"INVITE", "UPDATE"};

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct scene scene;

		connect_with(&scene, modes[i % 2]);
		expect_codec(&scene, "PCMU");
		caller_offers(&scene, methods[i / 2], 2, &a_law, &a_law);
		told(&scene, &scene.a, &scene.b, &scene.bench->caller, &a_law);
		expect_codec(&scene, "PCMA");
		send_packet(&scene.a, 8, 1);
		expect_packet(&scene.b, 8, 1);
		send_packet(&scene.b, 8, 2);
		expect_packet(&scene.a, 8, 2);
		/* And back again, over the same ports. */
		caller_offers(&scene, methods[i / 2], 3, &narrow, &narrow);
		expect_codec(&scene, "PCMU");
		send_packet(&scene.a, 0, 3);
		expect_packet(&scene.b, 0, 3);
		end(&scene);
	}
}

/* The callee offers a codec of a dynamic number, and the caller answers with another number for it;
 * each is then sent what it has said itself (RFC 3264 section 5.1). */
static void other_numbers(void **state)
{
	static const char *const modes[] = {"off", "must-on"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scene scene;
		struct bench *bench;

		connect_with(&scene, modes[i]);
		bench = scene.bench;
		callee_sends(bench, scene.session.invite, "INVITE", 7,
			     sdp_of(&scene, &scene.b, &wide));
		peer_expect(&bench->callee, "SIP/2.0 100 ");
		peer_expect(&bench->caller, "INVITE ");
		told(&scene, &scene.a, &scene.b, &bench->caller, &wide);
		answer(bench, &bench->caller, "200 OK", "", sdp_of(&scene, &scene.a, &wide_too));
		peer_expect(&bench->caller, "ACK ");
		peer_expect(&bench->callee, "SIP/2.0 200 ");
		callee_sends(bench, scene.session.invite, "ACK", 7, "");
		expect_codec(&scene, "opus");
		send_packet(&scene.b, 111, 1);
		expect_packet(&scene.a, 111, 1);
		send_packet(&scene.a, 96, 2);
		expect_packet(&scene.b, 96, 2);
		end(&scene);
	}
}

/* Refused: codec, ports and packets are what they were. */
static void refused(void **state)
{
	static const char *const modes[] = {"off", "must-on"};

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct scene scene;
		struct bench *bench;
		struct rtp before;

		connect_with(&scene, modes[i]);
		bench = scene.bench;
		before = scene.b;
		caller_sends(bench, "INVITE", 2, "re", scene.session.tag,
			     sdp_of(&scene, &scene.a, &wide));
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		answer(bench, &bench->callee, "488 No", "", "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 488 ");
		caller_sends(bench, "ACK", 2, "re", scene.session.tag, "");
		expect_codec(&scene, "PCMU");
		send_packet(&before, 0, 1);
		expect_packet(&scene.a, 0, 1);
		send_packet(&scene.a, 0, 2);
		expect_packet(&scene.b, 0, 2);
		end(&scene);
	}
}

TEST_MAIN(cmocka_unit_test(other_codec), cmocka_unit_test(other_numbers), cmocka_unit_test(refused))
