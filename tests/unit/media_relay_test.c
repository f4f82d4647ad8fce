/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The relay with real sockets on the loopback. What must not arrive is proven by counters and by a
 * packet sent after it that does arrive. */
#include "tests/support/test.h"

#include <unistd.h>

#include "tests/support/phone.h"

#define PHONE_A "127.0.0.11"
#define PHONE_B "127.0.0.12"
#define EVIL    "127.0.0.66"

struct call {
	struct media *media;
	struct media_session *session;
	struct phone a;
	struct phone b;
	uint16_t port_a; /* ours, that A talks to */
	uint16_t port_b;
};

static struct call new_call(void)
{
	struct call call = {.media = relay_new(20000, 20999, 1),
			    .a = phone_new(PHONE_A),
			    .b = phone_new(PHONE_B)};

	call.session = relay_open(call.media);
	call.port_a = media_port(call.session, MEDIA_A);
	call.port_b = media_port(call.session, MEDIA_B);
	relay_set_peer(call.session, MEDIA_A, &call.a);
	relay_set_peer(call.session, MEDIA_B, &call.b);
	return call;
}

static void end_call(struct call *call)
{
	media_close(call->session);
	media_destroy(call->media);
	close(call->a.fd);
	close(call->b.fd);
}

static void relays_both_ways(void **state)
{
	struct call call = new_call();
	struct received got;
	uint8_t data[172]; /* G.711, 20 ms */

	(void)state;
	assert_int_equal(call.port_a % 2, 0);
	assert_int_equal(call.port_b, call.port_a + 1);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	data[0] = 0x90;
	data[1] = 8;
	phone_send(&call.a, call.port_a, data, sizeof(data));
	got = phone_receive(&call.b);
	assert_int_equal(got.len, sizeof(data));
	assert_memory_equal(got.data, data, sizeof(data));
	assert_int_equal(got.from.port, call.port_b);
	assert_int_equal(got.tos, 0xb8);
	phone_send_packet(&call.b, call.port_b, 0x80 | 8, 0xdeadbeef, 1);
	phone_receives_mark(&call.a, 1, call.port_a);
	WAIT_FOR(call.session, MEDIA_A, packets, 1);
	WAIT_FOR(call.session, MEDIA_B, packets, 1);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).bytes, sizeof(data));
	assert_int_equal(relay_counters_of(call.session, MEDIA_B).bytes, 20);
	assert_int_equal(relay_counters_of(call.session, MEDIA_B).ssrc, 0xdeadbeef);
	assert_int_equal(relay_counters_of(call.session, MEDIA_B).payload_type, 8);
	assert_true(relay_counters_of(call.session, MEDIA_B).is_locked);
	assert_true(relay_counters_of(call.session, MEDIA_B).last_us > 0);
	assert_int_equal(relay_counters_of(call.session, MEDIA_B).learned.port, call.b.addr.port);
	end_call(&call);
}

static void rtcp_shares_the_port(void **state)
{
	struct call call = new_call();
	struct phone a_rtcp = phone_new_at(PHONE_A, (uint16_t)(call.a.addr.port + 1));
	struct phone b_rtcp = phone_new_at(PHONE_B, (uint16_t)(call.b.addr.port + 1));

	(void)state;
	phone_send_packet(&a_rtcp, call.port_a, 200, 1, 1);
	phone_receives_mark(&b_rtcp, 1, call.port_b);
	phone_send_packet(&b_rtcp, call.port_b, 201, 2, 2);
	phone_receives_mark(&a_rtcp, 2, call.port_a);
	/* A caller that does not know a=rtcp reports to the port above its RTP port. */
	phone_send_packet(&a_rtcp, call.port_b, 202, 1, 3);
	phone_receives_mark(&b_rtcp, 3, call.port_b);
	/* A callee that does not, to a port that is not this call's; and A's RTP has no business at
	 * P + 1. */
	phone_send_packet(&b_rtcp, call.port_a, 202, 1, 4);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	phone_send_packet(&call.a, call.port_b, 0, 1, 5);
	WAIT_FOR(call.session, MEDIA_B, foreign, 1);
	phone_is_silent(&a_rtcp);
	phone_is_silent(&b_rtcp);
	phone_is_silent(&call.a);
	phone_is_silent(&call.b);
	WAIT_FOR(call.session, MEDIA_A, rtcp_packets, 2);
	WAIT_FOR(call.session, MEDIA_B, rtcp_packets, 1);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).packets, 0);
	close(a_rtcp.fd);
	close(b_rtcp.fd);
	end_call(&call);
}

/* 100,000 packets of others, before and after the lock, at both ports: none passes. */
static void injected_packets_are_dropped(void **state)
{
	struct call call = new_call();
	struct phone evil = phone_new(EVIL);
	/* On the victim's own host, as another user or a NAT would be. */
	struct phone neighbour = phone_new(PHONE_A);
	uint64_t sent[MEDIA_SIDES] = {0, 0};
	const uint64_t total = 100000;

	(void)state;
	for (uint64_t i = 0; i < total; i++) {
		enum media_side side = i & 1 ? MEDIA_B : MEDIA_A;
		bool is_locked = i >= total / 2;
		bool is_near = is_locked && side == MEDIA_A && i % 4 == 0;

		if (i == total / 2) {
			phone_send_packet(&call.a, call.port_a, 0, 77, 1);
			phone_receives_mark(&call.b, 1, call.port_b);
			phone_send_packet(&call.b, call.port_b, 0, 78, 2);
			phone_receives_mark(&call.a, 2, call.port_a);
		}
		/* RTP with the right SSRC, and RTCP with another: both are what an attacker would
		 * try. */
		phone_send_packet(is_near ? &neighbour : &evil,
				  side == MEDIA_A ? call.port_a : call.port_b, i % 3 ? 0 : 200,
				  i % 3 ? 77 : (uint32_t)i + 1000, 99);
		sent[side]++;
		/* In steps, so that the kernel drops none for us. */
		if (i % 50 == 49) {
			WAIT_FOR(call.session, MEDIA_A, foreign, sent[MEDIA_A]);
			WAIT_FOR(call.session, MEDIA_B, foreign, sent[MEDIA_B]);
		}
	}
	phone_is_silent(&call.a);
	phone_is_silent(&call.b);
	phone_is_silent(&evil);
	phone_send_packet(&call.a, call.port_a, 0, 77, 3);
	phone_receives_mark(&call.b, 3, call.port_b);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).learned.port, call.a.addr.port);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).unsendable, 0);
	close(evil.fd);
	close(neighbour.fd);
	end_call(&call);
}

static void garbage_is_counted(void **state)
{
	struct call call = new_call();
	uint8_t data[2100] = {0x80, 0};
	uint64_t sent = 0;

	(void)state;
	for (size_t len = 0; len < 12; len++, sent++)
		phone_send(&call.a, call.port_a, data, len);
	data[1] = 200;
	for (size_t len = 0; len < 8; len++, sent++)
		phone_send(&call.a, call.port_a, data, len);
	data[1] = 0;
	/* STUN, DTLS, TURN, anything: not version 2. */
	for (unsigned first = 0; first < 256; first++) {
		data[0] = (uint8_t)first;
		if (first < 128 || first > 191) {
			phone_send(&call.a, call.port_a, data, 20);
			sent++;
		}
		WAIT_FOR(call.session, MEDIA_A, malformed, sent);
	}
	data[0] = 0x80;
	phone_send(&call.a, call.port_a, data, 2049);
	WAIT_FOR(call.session, MEDIA_A, malformed, sent + 1);
	phone_is_silent(&call.b);
	assert_false(relay_counters_of(call.session, MEDIA_A).is_locked);
	phone_send(&call.a, call.port_a, data, 2048);
	assert_int_equal(phone_receive(&call.b).len, 2048);
	phone_send(&call.a, call.port_a, data, 12);
	assert_int_equal(phone_receive(&call.b).len, 12);
	end_call(&call);
}

/* A phone behind NAT: its SDP says 10.x, its packets come from where its signalling does. */
static void phone_behind_nat(void **state)
{
	struct call call = new_call();
	struct phone evil = phone_new(EVIL);
	struct phone nat = phone_new("127.0.0.13");
	struct media_peer peer = {.rtp = phone_address("10.1.2.3:4000"),
				  .rtcp = phone_address("10.1.2.3:4001"),
				  .signalling = phone_address("127.0.0.13:5060"),
				  .may_learn = true};
	struct addr learned;

	(void)state;
	media_set_peer(call.session, MEDIA_A, &peer);
	phone_send_packet(&call.b, call.port_b, 0, 5, 1);
	WAIT_FOR(call.session, MEDIA_B, unsendable, 1);
	phone_send_packet(&evil, call.port_a, 0, 6, 2);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).learned.family, ADDR_NONE);
	phone_send_packet(&nat, call.port_a, 0, 7, 3);
	phone_receives_mark(&call.b, 3, call.port_b);
	phone_send_packet(&call.b, call.port_b, 0, 5, 4);
	phone_receives_mark(&nat, 4, call.port_a);
	learned = relay_counters_of(call.session, MEDIA_A).learned;
	assert_true(addr_eq(&learned, &nat.addr));
	phone_send_packet(&evil, call.port_a, 0, 7, 5);
	WAIT_FOR(call.session, MEDIA_A, foreign, 2);
	phone_is_silent(&call.b);
	/* Another stream of the same phone. */
	phone_send_packet(&nat, call.port_a, 0, 8, 6);
	phone_receives_mark(&call.b, 6, call.port_b);
	assert_int_equal(relay_counters_of(call.session, MEDIA_A).ssrc, 8);
	close(evil.fd);
	close(nat.fd);
	end_call(&call);
}

static void moved_side_is_learned_again(void **state)
{
	struct call call = new_call();
	struct phone moved = phone_new("127.0.0.14");

	(void)state;
	phone_send_packet(&call.a, call.port_a, 0, 1, 1);
	phone_receives_mark(&call.b, 1, call.port_b);
	relay_set_peer(call.session, MEDIA_A, &moved);
	phone_send_packet(&call.b, call.port_b, 0, 2, 2);
	phone_receives_mark(&moved, 2, call.port_a);
	phone_send_packet(&moved, call.port_a, 0, 3, 3);
	phone_receives_mark(&call.b, 3, call.port_b);
	phone_send_packet(&call.a, call.port_a, 0, 1, 4);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	phone_is_silent(&call.b);
	/* The other side was not touched. */
	assert_int_equal(relay_counters_of(call.session, MEDIA_B).learned.port, call.b.addr.port);
	close(moved.fd);
	end_call(&call);
}

/* Held with 0.0.0.0: nothing goes there, what comes from there does. */
static void held_side(void **state)
{
	struct call call = new_call();
	struct media_peer held = {.signalling = call.a.addr};

	(void)state;
	phone_send_packet(&call.a, call.port_a, 0, 1, 1);
	phone_receives_mark(&call.b, 1, call.port_b);
	media_set_peer(call.session, MEDIA_A, &held);
	phone_send_packet(&call.b, call.port_b, 0, 2, 2);
	WAIT_FOR(call.session, MEDIA_B, unsendable, 1);
	phone_send_packet(&call.a, call.port_a, 0, 1, 3);
	phone_receives_mark(&call.b, 3, call.port_b);
	relay_set_peer(call.session, MEDIA_A, &call.a);
	phone_send_packet(&call.b, call.port_b, 0, 2, 4);
	phone_receives_mark(&call.a, 4, call.port_a);
	end_call(&call);
}

static void between_versions_of_ip(void **state)
{
	struct media *media = relay_new(20000, 20999, 1);
	const struct addr local4 = relay_local();
	const struct addr local6 = phone_address("::1");
	struct phone a = phone_new(PHONE_A);
	struct phone b = phone_new("::1");
	struct media_session *session;
	struct media_status status;
	struct received got;

	(void)state;
	assert_int_equal(media_open(media, &local4, &local6, &session), VOS_OK);
	assert_int_equal(media_port(session, MEDIA_A) % 2, 0);
	assert_int_equal(media_port(session, MEDIA_B) % 2, 1);
	relay_set_peer(session, MEDIA_A, &a);
	relay_set_peer(session, MEDIA_B, &b);
	phone_send_packet(&a, media_port(session, MEDIA_A), 0, 1, 1);
	got = phone_receive(&b);
	assert_int_equal(got.data[19], 1);
	assert_int_equal(got.tos, 0xb8);
	assert_int_equal(got.from.family, ADDR_IP6);
	assert_int_equal(got.from.port, media_port(session, MEDIA_B));
	phone_send_packet(&b, media_port(session, MEDIA_B), 0, 1, 2);
	phone_receives_mark(&a, 2, media_port(session, MEDIA_A));
	WAIT_FOR(session, MEDIA_B, packets, 1);
	media_status(media, &status);
	assert_int_equal(status.pairs_used, 2);
	media_close(session);
	media_destroy(media);
	close(a.fd);
	close(b.fd);
}

/* Two calls that name each other's ports would pass a packet round for ever. */
static void no_loop_between_sessions(void **state)
{
	struct media *media = relay_new(20000, 20999, 1);
	struct media_session *first = relay_open(media);
	struct media_session *second = relay_open(media);
	struct phone spark = phone_new_on(relay_local());

	(void)state;
	for (int i = 0; i < MEDIA_SIDES; i++) {
		enum media_side side = (enum media_side)i;
		struct phone mine = {.addr = relay_local()};
		struct phone other = mine;

		mine.addr.port = media_port(first, side);
		other.addr.port = media_port(second, side);
		relay_set_peer(first, side, &other);
		relay_set_peer(second, side, &mine);
	}
	/* From the host of both, so that a port is all that is learned. */
	phone_send_packet(&spark, media_port(first, MEDIA_A), 0, 1, 1);
	WAIT_FOR(first, MEDIA_A, unsendable, 1);
	assert_int_equal(relay_counters_of(second, MEDIA_A).packets, 0);
	media_close(first);
	media_close(second);
	media_destroy(media);
	close(spark.fd);
}

/* The same when they name them by the address that stands for the switch outside. */
static void no_loop_by_way_of_a_nat(void **state)
{
	struct media *media = relay_new(20000, 20999, 1);
	struct media_session *session = relay_open(media);
	struct phone a = phone_new(PHONE_A);
	struct phone b = phone_new(PHONE_B);

	(void)state;
	for (int i = 0; i < MEDIA_SIDES; i++) {
		const struct addr outside = i ? b.addr : a.addr;
		struct media_peer peer = {.rtp = outside,
					  .rtcp = outside,
					  .behind = relay_local(),
					  .signalling = outside};

		peer.behind.port = media_port(session, (enum media_side)i);
		media_set_peer(session, (enum media_side)i, &peer);
	}
	phone_send_packet(&a, media_port(session, MEDIA_A), 0, 1, 1);
	WAIT_FOR(session, MEDIA_A, unsendable, 1);
	media_close(session);
	media_destroy(media);
	close(a.fd);
	close(b.fd);
}

/* A call that comes back to the same switch is no loop. */
static void chain_of_sessions_works(void **state)
{
	struct media *media = relay_new(20000, 20999, 2);
	struct media_session *first = relay_open(media);
	struct media_session *second = relay_open(media);
	struct phone a = phone_new(PHONE_A);
	struct phone b = phone_new(PHONE_B);
	struct phone link = {.addr = relay_local()};

	(void)state;
	relay_set_peer(first, MEDIA_A, &a);
	link.addr.port = media_port(second, MEDIA_A);
	relay_set_peer(first, MEDIA_B, &link);
	link.addr.port = media_port(first, MEDIA_B);
	relay_set_peer(second, MEDIA_A, &link);
	relay_set_peer(second, MEDIA_B, &b);
	phone_send_packet(&a, media_port(first, MEDIA_A), 0, 1, 1);
	phone_receives_mark(&b, 1, media_port(second, MEDIA_B));
	phone_send_packet(&b, media_port(second, MEDIA_B), 0, 1, 2);
	phone_receives_mark(&a, 2, media_port(first, MEDIA_A));
	media_close(first);
	media_close(second);
	media_destroy(media);
	close(a.fd);
	close(b.fd);
}

TEST_MAIN(cmocka_unit_test(relays_both_ways), cmocka_unit_test(rtcp_shares_the_port),
	  cmocka_unit_test(injected_packets_are_dropped), cmocka_unit_test(garbage_is_counted),
	  cmocka_unit_test(phone_behind_nat), cmocka_unit_test(moved_side_is_learned_again),
	  cmocka_unit_test(held_side), cmocka_unit_test(between_versions_of_ip),
	  cmocka_unit_test(no_loop_between_sessions), cmocka_unit_test(no_loop_by_way_of_a_nat),
	  cmocka_unit_test(chain_of_sessions_works))
