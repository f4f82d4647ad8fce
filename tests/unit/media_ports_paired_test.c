/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The paired layout of relay ports: RTP on the even port and RTCP on the odd one, on each side.
 * Real packets over loopback. */
#include "tests/support/test.h"

#include <sched.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/relay.h"
#include "tests/support/phone.h"

#define PHONE_A "127.0.0.1"
#define PHONE_B "127.0.0.2"
#define RTCP    200

struct pair_of {
	struct phone rtp;
	struct phone rtcp; /* at the next port */
};

static struct pair_of pair_new(const char *ip)
{
	uint64_t until_us = clock_mono_us() + 20000000;

	/* The kernel names a port; the next one may be somebody's. */
	for (;;) {
		struct pair_of pair = {.rtp = phone_new(ip)};
		struct addr next = pair.rtp.addr;
		struct sockaddr_storage sa;
		socklen_t len;
		int probe = socket(AF_INET, SOCK_DGRAM, 0);
		bool is_free;

		next.port++;
		len = addr_to_sockaddr(&next, &sa);
		is_free = next.port && bind(probe, (struct sockaddr *)&sa, len) == 0;
		close(probe);
		if (is_free) {
			pair.rtcp = phone_new_on(next);
			return pair;
		}
		close(pair.rtp.fd);
		assert_true(clock_mono_us() < until_us);
	}
}

static void pair_close(struct pair_of *pair)
{
	close(pair->rtp.fd);
	close(pair->rtcp.fd);
}

static void set_peer(struct media_session *session, enum media_side side,
		     const struct pair_of *pair, bool is_muxed)
{
	const struct media_peer peer = {
		.rtp = pair->rtp.addr,
		.rtcp = is_muxed ? pair->rtp.addr : pair->rtcp.addr,
		.signalling = pair->rtp.addr,
	};

	media_set_peer(session, side, &peer);
}

struct call {
	struct media *media;
	struct media_session *session;
	struct pair_of a;
	struct pair_of b;
	uint16_t port_a; /* that A sends to */
	uint16_t port_b;
};

static struct call call_new(bool b_is_muxed)
{
	const struct addr local = relay_local();
	struct call call = {.media = relay_new(20000, 20999, 1),
			    .a = pair_new(PHONE_A),
			    .b = pair_new(PHONE_B)};

	assert_int_equal(media_open_in(call.media, MEDIA_PAIRED, &local, &local, &call.session),
			 VOS_OK);
	assert_int_equal(media_layout_of(call.session), MEDIA_PAIRED);
	call.port_a = media_port(call.session, MEDIA_A);
	call.port_b = media_port(call.session, MEDIA_B);
	assert_int_equal(call.port_a % 2, 0);
	assert_int_equal(call.port_b % 2, 0);
	assert_int_not_equal(call.port_a, call.port_b);
	set_peer(call.session, MEDIA_A, &call.a, false);
	set_peer(call.session, MEDIA_B, &call.b, b_is_muxed);
	return call;
}

static void call_close(struct call *call)
{
	struct media_status status;
	uint64_t until_us = clock_mono_us() + 20000000;

	media_status(call->media, &status);
	assert_int_equal(status.pairs_used, 2);
	media_close(call->session);
	do {
		media_status(call->media, &status);
		sched_yield();
	} while (status.pairs_used && clock_mono_us() < until_us);
	assert_int_equal(status.pairs_used, 0);
	assert_int_equal(status.pairs_resting, 2);
	media_destroy(call->media);
	pair_close(&call->a);
	pair_close(&call->b);
}

static void each_kind_on_its_port(void **state)
{
	struct call call = call_new(false);
	uint16_t rtcp_a = (uint16_t)(call.port_a + 1);
	uint16_t rtcp_b = (uint16_t)(call.port_b + 1);

	(void)state;
	phone_send_packet(&call.a.rtp, call.port_a, 0, 7, 1);
	phone_receives_mark(&call.b.rtp, 1, call.port_b);
	phone_send_packet(&call.b.rtp, call.port_b, 0, 8, 2);
	phone_receives_mark(&call.a.rtp, 2, call.port_a);
	phone_send_packet(&call.a.rtcp, rtcp_a, RTCP, 7, 3);
	phone_receives_mark(&call.b.rtcp, 3, rtcp_b);
	phone_send_packet(&call.b.rtcp, rtcp_b, RTCP + 1, 8, 4);
	phone_receives_mark(&call.a.rtcp, 4, rtcp_a);
	WAIT_FOR(call.session, MEDIA_A, packets, 1);
	WAIT_FOR(call.session, MEDIA_A, rtcp_packets, 1);
	WAIT_FOR(call.session, MEDIA_B, packets, 1);
	WAIT_FOR(call.session, MEDIA_B, rtcp_packets, 1);
	call_close(&call);
}

/* A port for reports is no door for media, nor for anybody else. */
static void nothing_else_gets_in(void **state)
{
	struct call call = call_new(false);
	struct phone stranger = phone_new("127.0.0.9");
	uint16_t rtcp_a = (uint16_t)(call.port_a + 1);

	(void)state;
	phone_send_packet(&call.a.rtp, rtcp_a, 0, 7, 1);
	WAIT_FOR(call.session, MEDIA_A, malformed, 1);
	phone_send_packet(&stranger, rtcp_a, RTCP, 7, 2);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	phone_send_packet(&stranger, call.port_a, RTCP, 7, 3);
	WAIT_FOR(call.session, MEDIA_A, foreign, 2);
	phone_send(&call.a.rtcp, rtcp_a, "no report", 9);
	WAIT_FOR(call.session, MEDIA_A, malformed, 2);
	phone_send_packet(&call.a.rtcp, rtcp_a, RTCP, 7, 4);
	phone_receives_mark(&call.b.rtcp, 4, (uint16_t)(call.port_b + 1));
	phone_is_silent(&call.b.rtp);
	close(stranger.fd);
	call_close(&call);
}

/* B has RTCP on its RTP port (RFC 5761), A has not. */
static void one_side_is_muxed(void **state)
{
	struct call call = call_new(true);
	uint16_t rtcp_a = (uint16_t)(call.port_a + 1);

	(void)state;
	phone_send_packet(&call.a.rtcp, rtcp_a, RTCP, 7, 1);
	phone_receives_mark(&call.b.rtp, 1, call.port_b);
	phone_send_packet(&call.b.rtp, call.port_b, RTCP, 8, 2);
	phone_receives_mark(&call.a.rtcp, 2, rtcp_a);
	WAIT_FOR(call.session, MEDIA_A, rtcp_packets, 1);
	WAIT_FOR(call.session, MEDIA_B, rtcp_packets, 1);
	call_close(&call);
}

/* Half as many calls fit, and none gets half a set of ports. */
static void two_pairs_or_none(void **state)
{
	struct media *media = relay_new(20100, 20105, 1);
	const struct addr local = relay_local();
	struct media_session *sessions[2];
	struct media_status status;

	(void)state;
	assert_int_equal(media_open_in(media, MEDIA_PAIRED, &local, &local, &sessions[0]), VOS_OK);
	assert_int_equal(media_open_in(media, MEDIA_PAIRED, &local, &local, &sessions[1]),
			 VOS_EFULL);
	media_status(media, &status);
	assert_int_equal(status.pairs_used, 2);
	assert_int_equal(status.refused, 1);
	/* What is left is enough for a compact one. */
	assert_int_equal(media_open(media, &local, &local, &sessions[1]), VOS_OK);
	media_status(media, &status);
	assert_int_equal(status.pairs_used, 3);
	assert_int_equal(status.sessions, 2);
	media_destroy(media);
}

/* A call may have 8 KiB, of which signalling takes half. */
static void a_session_is_small(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct media_session), 1, 4096);
	assert_in_range(sizeof(struct relay_side), 1, 1536);
}

TEST_MAIN(cmocka_unit_test(a_session_is_small), cmocka_unit_test(each_kind_on_its_port),
	  cmocka_unit_test(nothing_else_gets_in), cmocka_unit_test(one_side_is_muxed),
	  cmocka_unit_test(two_pairs_or_none))
