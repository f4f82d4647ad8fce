/* SPDX-License-Identifier: GPL-2.0-or-later */
/* New keys inside a call (RFC 4568 section 7.1.4): in a re-INVITE and in the answer to one, with
 * real packets through the relay. Each leg's keys are its own. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/media/srtp.h"
#include "tests/support/changes.h"
#include "tests/support/session_call.h"

#define WAIT_MS 20000
#define SUITE   "AES_CM_128_HMAC_SHA1_80"
#define PLAIN   52 /* bytes of a packet of ours */
#define SECURE  62 /* with its tag of ten */

static const char *const keys[] = {
	"1 " SUITE " inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz",
	"1 " SUITE " inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR",
	"1 " SUITE " inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj",
};

struct rtp {
	int fd;
	uint16_t port;
	uint16_t to;
	uint16_t sequence;
};

struct scene {
	struct session session;
	struct bench *bench;
	struct rtp secure; /* of the leg with keys: the caller's, or the callee's */
	struct rtp plain;
	struct sdes ours; /* that leg was told of */
};

static void open_rtp(struct rtp *rtp)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	*rtp = (struct rtp){.fd = socket(AF_INET, SOCK_DGRAM, 0), .sequence = 1};
	assert_int_equal(bind(rtp->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(getsockname(rtp->fd, (struct sockaddr *)&sin, &len), 0);
	rtp->port = ntohs(sin.sin_port);
}

/* key: NULL = plain. */
static const char *sdp_of(const struct rtp *rtp, const char *key, char out[1024])
{
	char line[128] = "";

	if (key)
		snprintf(line, sizeof(line), "a=crypto:%s\r\n", key);
	snprintf(out, 1024,
		 "v=0\r\no=x 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
		 "m=audio %u RTP/%s 0\r\na=rtpmap:0 PCMU/8000\r\n%s",
		 rtp->port, key ? "SAVP" : "AVP", line);
	return out;
}

static uint16_t port_in(const struct peer *peer)
{
	const char *media = strstr(peer->text, "m=audio ");

	assert_non_null(media);
	return (uint16_t)strtoul(media + 8, NULL, 10);
}

/* The key that the secure leg is told; the plain one is told none. */
static struct sdes key_in(const struct peer *peer)
{
	const char *line = strstr(peer->text, "a=crypto:");
	struct sdes sdes;

	assert_non_null(line);
	expect_header(peer, "RTP/SAVP ");
	line += strlen("a=crypto:");
	assert_true(sdes_parse((struct span){line, strcspn(line, "\r")}, &sdes));
	return sdes;
}

static void expect_plain(const struct peer *peer)
{
	expect_header(peer, "RTP/AVP ");
	expect_no_header(peer, "crypto");
}

static void send_to(struct rtp *from, const uint8_t *data, size_t len)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(from->to),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(sendto(from->fd, data, len, 0, (struct sockaddr *)&sin, sizeof(sin)),
			 (ssize_t)len);
}

static size_t packet_of(struct rtp *from, uint8_t mark, uint8_t data[200])
{
	memset(data, mark, PLAIN);
	memset(data, 0, 12);
	data[0] = 0x80;
	data[3] = (uint8_t)from->sequence++;
	data[11] = 9;
	return PLAIN;
}

static bool work_on(struct relay_work *work, uint8_t *data, size_t *len)
{
	struct relay_packet packet = {.data = data, .len = *len, .room = 200, .kind = PACKET_RTP};
	bool passes = work->ops->packet(work, NULL, NULL, &packet);

	*len = packet.len;
	return passes;
}

/* One packet of the secure leg under that key, with a sender of its own. */
static void send_secure(struct scene *scene, const char *key, uint8_t mark)
{
	struct relay_work *work;
	struct sdes sdes;
	uint8_t data[200];
	size_t len = packet_of(&scene->secure, mark, data);

	assert_true(sdes_parse(span_of(key), &sdes));
	assert_int_equal(srtp_protect_new(&sdes, &work), VOS_OK);
	assert_true(work_on(work, data, &len));
	work->ops->destroy(work);
	assert_int_equal(len, SECURE);
	send_to(&scene->secure, data, len);
}

static size_t receive(const struct rtp *at, uint8_t data[200])
{
	struct pollfd wait = {.fd = at->fd, .events = POLLIN};

	if (poll(&wait, 1, WAIT_MS) != 1)
		fail_msg("no packet came");
	return (size_t)recv(at->fd, data, 200, 0);
}

/* The next packet that the plain leg gets is that one: none before it has passed. */
static void passes(struct scene *scene, const char *key, uint8_t mark)
{
	uint8_t data[200];

	send_secure(scene, key, mark);
	assert_int_equal(receive(&scene->plain, data), PLAIN);
	assert_int_equal(data[PLAIN - 1], mark);
}

/* What the secure leg gets is under the key that it was told. */
static void is_protected(struct scene *scene, uint8_t mark)
{
	struct relay_work *work;
	uint8_t data[200];
	size_t len = packet_of(&scene->plain, mark, data);

	send_to(&scene->plain, data, len);
	len = receive(&scene->secure, data);
	assert_int_equal(len, SECURE);
	assert_int_equal(srtp_unprotect_new(&scene->ours, NULL, &work), VOS_OK);
	assert_true(work_on(work, data, &len));
	work->ops->destroy(work);
	assert_int_equal(len, PLAIN);
	assert_int_equal(data[PLAIN - 1], mark);
}

static void open_scene(struct scene *scene, const char *kind, const char *name)
{
	struct change_list list = {0};

	*scene = (struct scene){.bench = bench_open("on")};
	scene->session.bench = scene->bench;
	open_rtp(&scene->secure);
	open_rtp(&scene->plain);
	changes_field(&list, kind, name, "srtp", "required");
	changes_param(&list, "SS_SRTP_TLS_ONLY", "off");
	bench_change(scene->bench, &list);
}

static void end(struct scene *scene)
{
	close(scene->secure.fd);
	close(scene->plain.fd);
	hang_up(&scene->session);
}

/* The caller's leg has the keys. */
static void connect_caller(struct scene *scene)
{
	struct bench *bench = scene->bench;
	char sdp[1024];

	caller_sends(bench, "INVITE", 1, "inv1", "", sdp_of(&scene->secure, keys[0], sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_plain(&bench->callee);
	scene->plain.to = port_in(&bench->callee);
	callee_answers(bench, bench->callee.text, "200 OK", sdp_of(&scene->plain, NULL, sdp));
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	scene->secure.to = port_in(&bench->caller);
	scene->ours = key_in(&bench->caller);
	message_to_tag(bench->caller.text, scene->session.tag, sizeof(scene->session.tag));
	caller_sends(bench, "ACK", 1, "ack1", scene->session.tag, "");
	passes(scene, keys[0], 1);
	is_protected(scene, 2);
}

static void caller_offers(struct scene *scene, int cseq, const char *key)
{
	struct bench *bench = scene->bench;
	char branch[16], sdp[1024];

	snprintf(branch, sizeof(branch), "re%d", cseq);
	caller_sends(bench, "INVITE", cseq, branch, scene->session.tag,
		     sdp_of(&scene->secure, key, sdp));
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	peer_expect(&bench->callee, "INVITE ");
	expect_plain(&bench->callee);
}

static void by_the_caller(void **state)
{
	struct scene scene;
	struct bench *bench;
	char sdp[1024];

	(void)state;
	open_scene(&scene, "mapping-gateway", "in");
	bench = scene.bench;
	connect_caller(&scene);
	caller_offers(&scene, 2, keys[1]);
	answer(bench, &bench->callee, "200 OK", "", sdp_of(&scene.plain, NULL, sdp));
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	scene.ours = key_in(&bench->caller);
	caller_sends(bench, "ACK", 2, "re2", scene.session.tag, "");
	/* What was under way with the key before; then the new one, and the old one no more. */
	passes(&scene, keys[0], 3);
	passes(&scene, keys[1], 4);
	send_secure(&scene, keys[0], 5);
	passes(&scene, keys[1], 6);
	is_protected(&scene, 7);
	end(&scene);
}

static void refused(void **state)
{
	struct scene scene;
	struct bench *bench;

	(void)state;
	open_scene(&scene, "mapping-gateway", "in");
	bench = scene.bench;
	connect_caller(&scene);
	caller_offers(&scene, 2, keys[1]);
	answer(bench, &bench->callee, "488 No", "", "");
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 488 ");
	caller_sends(bench, "ACK", 2, "re2", scene.session.tag, "");
	send_secure(&scene, keys[1], 3);
	passes(&scene, keys[0], 4);
	is_protected(&scene, 5);
	end(&scene);
}

/* The callee's leg has the keys: its answer to the caller's offer tells a new one. */
static void by_the_callee(void **state)
{
	struct scene scene;
	struct bench *bench;
	char branch[16], sdp[1024];

	(void)state;
	open_scene(&scene, "routing-gateway", "out");
	bench = scene.bench;
	for (int i = 0; i < 3; i++) {
		snprintf(branch, sizeof(branch), "inv%d", i);
		caller_sends(bench, "INVITE", 1 + i, branch, scene.session.tag,
			     sdp_of(&scene.plain, NULL, sdp));
		peer_expect(&bench->caller, "SIP/2.0 100 ");
		peer_expect(&bench->callee, "INVITE ");
		scene.secure.to = port_in(&bench->callee);
		scene.ours = key_in(&bench->callee);
		answer(bench, &bench->callee, "200 OK", "", sdp_of(&scene.secure, keys[i], sdp));
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 200 ");
		expect_plain(&bench->caller);
		scene.plain.to = port_in(&bench->caller);
		message_to_tag(bench->caller.text, scene.session.tag, sizeof(scene.session.tag));
		caller_sends(bench, "ACK", 1 + i, branch, scene.session.tag, "");
		passes(&scene, keys[i], (uint8_t)(10 + i));
		is_protected(&scene, (uint8_t)(20 + i));
	}
	send_secure(&scene, keys[0], 30);
	passes(&scene, keys[2], 31);
	end(&scene);
}

TEST_MAIN(cmocka_unit_test(by_the_caller), cmocka_unit_test(refused),
	  cmocka_unit_test(by_the_callee))
