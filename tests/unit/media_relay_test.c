/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The relay with real sockets on the loopback: phones are sockets on addresses of 127.0.0.0/8. What
 * must not arrive is proven by counters and by a packet sent after it that does arrive. */
#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/media_private.h"

#define PHONE_A "127.0.0.11"
#define PHONE_B "127.0.0.12"
#define EVIL    "127.0.0.66"

struct phone {
	int fd;
	struct addr addr;
};

static struct addr address(const char *text)
{
	struct addr out;

	if (!addr_parse(span_of(text), &out))
		fail_msg("no address: %s", text);
	return out;
}

static struct phone new_phone_on(struct addr addr)
{
	struct phone phone = {.addr = addr};
	struct sockaddr_storage sa;
	const int yes = 1;
	socklen_t len;

	len = addr_to_sockaddr(&phone.addr, &sa);
	phone.fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	assert_int_equal(bind(phone.fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(phone.fd, (struct sockaddr *)&sa, &len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &phone.addr));
	setsockopt(phone.fd, IPPROTO_IP, IP_RECVTOS, &yes, sizeof(yes));
	setsockopt(phone.fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &yes, sizeof(yes));
	return phone;
}

static struct phone new_phone_at(const char *ip, uint16_t port)
{
	struct addr addr = address(ip);

	addr.port = port;
	return new_phone_on(addr);
}

/* On a port of the kernel's choice. */
static struct phone new_phone(const char *ip)
{
	return new_phone_at(ip, 0);
}

/* The switch's address: one of this process alone, so that no other's ports are in the way. */
static struct addr local_addr(void)
{
	struct addr addr = address("127.0.0.1");
	unsigned pid = (unsigned)getpid();

	addr.ip[1] = (uint8_t)(64 + (pid >> 16) % 64);
	addr.ip[2] = (uint8_t)(pid >> 8);
	addr.ip[3] = (uint8_t)(pid | 1);
	return addr;
}

static struct media *new_media(uint16_t low, uint16_t high, int threads)
{
	const struct ports_options options = {
		.low = low, .high = high, .tos = 0xb8, .ready_target = 8, .rest_us = 1000000};
	struct media *media;
	struct vos_fault fault = {0};

	if (media_create_with(NULL, &options, threads, &media, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	return media;
}

static struct media_session *new_session(struct media *media)
{
	const struct addr local = local_addr();
	struct media_session *session;

	assert_int_equal(media_open(media, &local, &local, &session), VOS_OK);
	return session;
}

static void set_peer(struct media_session *session, enum media_side side, const struct phone *phone)
{
	struct media_peer peer = {
		.rtp = phone->addr, .rtcp = phone->addr, .signalling = phone->addr};

	peer.rtcp.port++;
	media_set_peer(session, side, &peer);
}

static void send_bytes(const struct phone *phone, uint16_t port, const void *data, size_t len)
{
	struct addr to = phone->addr.family == ADDR_IP6 ? address("::1") : local_addr();
	struct sockaddr_storage sa;
	socklen_t sa_len;

	to.port = port;
	sa_len = addr_to_sockaddr(&to, &sa);
	assert_int_equal(sendto(phone->fd, data, len, 0, (struct sockaddr *)&sa, sa_len), len);
}

/* Second byte of RTP (payload type) or RTCP (packet type), then the SSRC where that kind has it. */
static void send_packet(const struct phone *phone, uint16_t port, uint8_t second, uint32_t ssrc,
			uint8_t mark)
{
	uint8_t data[20] = {0x80, second};
	size_t at = (second & 0x60) == 0x40 ? 4 : 8;

	for (int i = 0; i < 4; i++)
		data[at + (size_t)i] = (uint8_t)(ssrc >> (24 - 8 * i));
	data[19] = mark;
	send_bytes(phone, port, data, sizeof(data));
}

struct received {
	uint8_t data[4096];
	ssize_t len;
	struct addr from;
	int tos;
};

static struct received receive(const struct phone *phone)
{
	struct received got = {.tos = -1};
	struct sockaddr_storage sa;
	struct iovec iov = {got.data, sizeof(got.data)};
	char control[200];
	struct msghdr msg = {.msg_name = &sa,
			     .msg_namelen = sizeof(sa),
			     .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct pollfd wait = {.fd = phone->fd, .events = POLLIN};

	/* Not a time limit of the relay: only so that a lost packet fails the test instead of
	 * hanging it. */
	if (poll(&wait, 1, 20000) != 1)
		fail_msg("nothing came");
	got.len = recvmsg(phone->fd, &msg, 0);
	assert_true(got.len >= 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &got.from));
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
			got.tos = *CMSG_DATA(c);
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS)
			memcpy(&got.tos, CMSG_DATA(c), sizeof(got.tos));
	}
	return got;
}

/* The next packet is the one with that mark: nothing came before it. */
static void receives_mark(const struct phone *phone, uint8_t mark, uint16_t from_port)
{
	struct received got = receive(phone);

	assert_int_equal(got.len, 20);
	assert_int_equal(got.data[19], mark);
	assert_int_equal(got.from.port, from_port);
}

static void is_silent(const struct phone *phone)
{
	struct pollfd wait = {.fd = phone->fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 0), 0);
}

static struct media_counters counters(const struct media_session *session, enum media_side side)
{
	struct media_counters out;

	media_read(session, side, &out);
	return out;
}

static void wait_for(const struct media_session *session, enum media_side side, size_t field,
		     uint64_t want)
{
	uint64_t got = 0;
	uint64_t until_us = clock_mono_us() + 20000000;

	do {
		struct media_counters now = counters(session, side);

		memcpy(&got, (char *)&now + field, sizeof(got));
		sched_yield();
	} while (got < want && clock_mono_us() < until_us);
	assert_int_equal(got, want);
}

#define WAIT_FOR(session, side, field, want) \
	wait_for(session, side, offsetof(struct media_counters, field), want)

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
	struct call call = {.media = new_media(20000, 20999, 1),
			    .a = new_phone(PHONE_A),
			    .b = new_phone(PHONE_B)};

	call.session = new_session(call.media);
	call.port_a = media_port(call.session, MEDIA_A);
	call.port_b = media_port(call.session, MEDIA_B);
	set_peer(call.session, MEDIA_A, &call.a);
	set_peer(call.session, MEDIA_B, &call.b);
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
	send_bytes(&call.a, call.port_a, data, sizeof(data));
	got = receive(&call.b);
	assert_int_equal(got.len, sizeof(data));
	assert_memory_equal(got.data, data, sizeof(data));
	assert_int_equal(got.from.port, call.port_b);
	assert_int_equal(got.tos, 0xb8);
	send_packet(&call.b, call.port_b, 0x80 | 8, 0xdeadbeef, 1);
	receives_mark(&call.a, 1, call.port_a);
	WAIT_FOR(call.session, MEDIA_A, packets, 1);
	WAIT_FOR(call.session, MEDIA_B, packets, 1);
	assert_int_equal(counters(call.session, MEDIA_A).bytes, sizeof(data));
	assert_int_equal(counters(call.session, MEDIA_B).bytes, 20);
	assert_int_equal(counters(call.session, MEDIA_B).ssrc, 0xdeadbeef);
	assert_int_equal(counters(call.session, MEDIA_B).payload_type, 8);
	assert_true(counters(call.session, MEDIA_B).is_locked);
	assert_true(counters(call.session, MEDIA_B).last_us > 0);
	assert_int_equal(counters(call.session, MEDIA_B).learned.port, call.b.addr.port);
	end_call(&call);
}

static void rtcp_shares_the_port(void **state)
{
	struct call call = new_call();
	struct phone a_rtcp = new_phone_at(PHONE_A, (uint16_t)(call.a.addr.port + 1));
	struct phone b_rtcp = new_phone_at(PHONE_B, (uint16_t)(call.b.addr.port + 1));

	(void)state;
	send_packet(&a_rtcp, call.port_a, 200, 1, 1);
	receives_mark(&b_rtcp, 1, call.port_b);
	send_packet(&b_rtcp, call.port_b, 201, 2, 2);
	receives_mark(&a_rtcp, 2, call.port_a);
	/* A caller that does not know a=rtcp reports to the port above its RTP port. */
	send_packet(&a_rtcp, call.port_b, 202, 1, 3);
	receives_mark(&b_rtcp, 3, call.port_b);
	/* A callee that does not, to a port that is not this call's; and A's RTP has no business at
	 * P + 1. */
	send_packet(&b_rtcp, call.port_a, 202, 1, 4);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	send_packet(&call.a, call.port_b, 0, 1, 5);
	WAIT_FOR(call.session, MEDIA_B, foreign, 1);
	is_silent(&a_rtcp);
	is_silent(&b_rtcp);
	is_silent(&call.a);
	is_silent(&call.b);
	WAIT_FOR(call.session, MEDIA_A, rtcp_packets, 2);
	WAIT_FOR(call.session, MEDIA_B, rtcp_packets, 1);
	assert_int_equal(counters(call.session, MEDIA_A).packets, 0);
	close(a_rtcp.fd);
	close(b_rtcp.fd);
	end_call(&call);
}

/* 100,000 packets of others, before and after the lock, at both ports: none passes. */
static void injected_packets_are_dropped(void **state)
{
	struct call call = new_call();
	struct phone evil = new_phone(EVIL);
	/* On the victim's own host, as another user or a NAT would be. */
	struct phone neighbour = new_phone(PHONE_A);
	uint64_t sent[MEDIA_SIDES] = {0, 0};
	const uint64_t total = 100000;

	(void)state;
	for (uint64_t i = 0; i < total; i++) {
		enum media_side side = i & 1 ? MEDIA_B : MEDIA_A;
		bool is_locked = i >= total / 2;
		bool is_near = is_locked && side == MEDIA_A && i % 4 == 0;

		if (i == total / 2) {
			send_packet(&call.a, call.port_a, 0, 77, 1);
			receives_mark(&call.b, 1, call.port_b);
			send_packet(&call.b, call.port_b, 0, 78, 2);
			receives_mark(&call.a, 2, call.port_a);
		}
		/* RTP with the right SSRC, and RTCP with another: both are what an attacker would
		 * try. */
		send_packet(is_near ? &neighbour : &evil,
			    side == MEDIA_A ? call.port_a : call.port_b, i % 3 ? 0 : 200,
			    i % 3 ? 77 : (uint32_t)i + 1000, 99);
		sent[side]++;
		/* In steps, so that the kernel drops none for us. */
		if (i % 50 == 49) {
			WAIT_FOR(call.session, MEDIA_A, foreign, sent[MEDIA_A]);
			WAIT_FOR(call.session, MEDIA_B, foreign, sent[MEDIA_B]);
		}
	}
	is_silent(&call.a);
	is_silent(&call.b);
	is_silent(&evil);
	send_packet(&call.a, call.port_a, 0, 77, 3);
	receives_mark(&call.b, 3, call.port_b);
	assert_int_equal(counters(call.session, MEDIA_A).learned.port, call.a.addr.port);
	assert_int_equal(counters(call.session, MEDIA_A).unsendable, 0);
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
		send_bytes(&call.a, call.port_a, data, len);
	data[1] = 200;
	for (size_t len = 0; len < 8; len++, sent++)
		send_bytes(&call.a, call.port_a, data, len);
	data[1] = 0;
	/* STUN, DTLS, TURN, anything: not version 2. */
	for (unsigned first = 0; first < 256; first++) {
		data[0] = (uint8_t)first;
		if (first < 128 || first > 191) {
			send_bytes(&call.a, call.port_a, data, 20);
			sent++;
		}
		WAIT_FOR(call.session, MEDIA_A, malformed, sent);
	}
	data[0] = 0x80;
	send_bytes(&call.a, call.port_a, data, 2049);
	WAIT_FOR(call.session, MEDIA_A, malformed, sent + 1);
	is_silent(&call.b);
	assert_false(counters(call.session, MEDIA_A).is_locked);
	send_bytes(&call.a, call.port_a, data, 2048);
	assert_int_equal(receive(&call.b).len, 2048);
	send_bytes(&call.a, call.port_a, data, 12);
	assert_int_equal(receive(&call.b).len, 12);
	end_call(&call);
}

/* A phone behind NAT: its SDP says 10.x, its packets come from where its signalling does. */
static void phone_behind_nat(void **state)
{
	struct call call = new_call();
	struct phone evil = new_phone(EVIL);
	struct phone nat = new_phone("127.0.0.13");
	struct media_peer peer = {.rtp = address("10.1.2.3:4000"),
				  .rtcp = address("10.1.2.3:4001"),
				  .signalling = address("127.0.0.13:5060"),
				  .may_learn = true};
	struct addr learned;

	(void)state;
	media_set_peer(call.session, MEDIA_A, &peer);
	send_packet(&call.b, call.port_b, 0, 5, 1);
	WAIT_FOR(call.session, MEDIA_B, unsendable, 1);
	send_packet(&evil, call.port_a, 0, 6, 2);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	assert_int_equal(counters(call.session, MEDIA_A).learned.family, ADDR_NONE);
	send_packet(&nat, call.port_a, 0, 7, 3);
	receives_mark(&call.b, 3, call.port_b);
	send_packet(&call.b, call.port_b, 0, 5, 4);
	receives_mark(&nat, 4, call.port_a);
	learned = counters(call.session, MEDIA_A).learned;
	assert_true(addr_eq(&learned, &nat.addr));
	send_packet(&evil, call.port_a, 0, 7, 5);
	WAIT_FOR(call.session, MEDIA_A, foreign, 2);
	is_silent(&call.b);
	/* Another stream of the same phone. */
	send_packet(&nat, call.port_a, 0, 8, 6);
	receives_mark(&call.b, 6, call.port_b);
	assert_int_equal(counters(call.session, MEDIA_A).ssrc, 8);
	close(evil.fd);
	close(nat.fd);
	end_call(&call);
}

static void moved_side_is_learned_again(void **state)
{
	struct call call = new_call();
	struct phone moved = new_phone("127.0.0.14");

	(void)state;
	send_packet(&call.a, call.port_a, 0, 1, 1);
	receives_mark(&call.b, 1, call.port_b);
	set_peer(call.session, MEDIA_A, &moved);
	send_packet(&call.b, call.port_b, 0, 2, 2);
	receives_mark(&moved, 2, call.port_a);
	send_packet(&moved, call.port_a, 0, 3, 3);
	receives_mark(&call.b, 3, call.port_b);
	send_packet(&call.a, call.port_a, 0, 1, 4);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	is_silent(&call.b);
	/* The other side was not touched. */
	assert_int_equal(counters(call.session, MEDIA_B).learned.port, call.b.addr.port);
	close(moved.fd);
	end_call(&call);
}

/* Held with 0.0.0.0: nothing goes there, what comes from there does. */
static void held_side(void **state)
{
	struct call call = new_call();
	struct media_peer held = {.signalling = call.a.addr};

	(void)state;
	send_packet(&call.a, call.port_a, 0, 1, 1);
	receives_mark(&call.b, 1, call.port_b);
	media_set_peer(call.session, MEDIA_A, &held);
	send_packet(&call.b, call.port_b, 0, 2, 2);
	WAIT_FOR(call.session, MEDIA_B, unsendable, 1);
	send_packet(&call.a, call.port_a, 0, 1, 3);
	receives_mark(&call.b, 3, call.port_b);
	set_peer(call.session, MEDIA_A, &call.a);
	send_packet(&call.b, call.port_b, 0, 2, 4);
	receives_mark(&call.a, 4, call.port_a);
	end_call(&call);
}

static void between_versions_of_ip(void **state)
{
	struct media *media = new_media(20000, 20999, 1);
	const struct addr local4 = local_addr();
	const struct addr local6 = address("::1");
	struct phone a = new_phone(PHONE_A);
	struct phone b = new_phone("::1");
	struct media_session *session;
	struct media_status status;
	struct received got;

	(void)state;
	assert_int_equal(media_open(media, &local4, &local6, &session), VOS_OK);
	assert_int_equal(media_port(session, MEDIA_A) % 2, 0);
	assert_int_equal(media_port(session, MEDIA_B) % 2, 1);
	set_peer(session, MEDIA_A, &a);
	set_peer(session, MEDIA_B, &b);
	send_packet(&a, media_port(session, MEDIA_A), 0, 1, 1);
	got = receive(&b);
	assert_int_equal(got.data[19], 1);
	assert_int_equal(got.tos, 0xb8);
	assert_int_equal(got.from.family, ADDR_IP6);
	assert_int_equal(got.from.port, media_port(session, MEDIA_B));
	send_packet(&b, media_port(session, MEDIA_B), 0, 1, 2);
	receives_mark(&a, 2, media_port(session, MEDIA_A));
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
	struct media *media = new_media(20000, 20999, 1);
	struct media_session *first = new_session(media);
	struct media_session *second = new_session(media);
	struct phone spark = new_phone_on(local_addr());

	(void)state;
	for (int i = 0; i < MEDIA_SIDES; i++) {
		enum media_side side = (enum media_side)i;
		struct phone mine = {.addr = local_addr()};
		struct phone other = mine;

		mine.addr.port = media_port(first, side);
		other.addr.port = media_port(second, side);
		set_peer(first, side, &other);
		set_peer(second, side, &mine);
	}
	/* From the host of both, so that a port is all that is learned. */
	send_packet(&spark, media_port(first, MEDIA_A), 0, 1, 1);
	WAIT_FOR(first, MEDIA_A, unsendable, 1);
	assert_int_equal(counters(second, MEDIA_A).packets, 0);
	media_close(first);
	media_close(second);
	media_destroy(media);
	close(spark.fd);
}

/* A call that comes back to the same switch is no loop. */
static void chain_of_sessions_works(void **state)
{
	struct media *media = new_media(20000, 20999, 2);
	struct media_session *first = new_session(media);
	struct media_session *second = new_session(media);
	struct phone a = new_phone(PHONE_A);
	struct phone b = new_phone(PHONE_B);
	struct phone link = {.addr = local_addr()};

	(void)state;
	set_peer(first, MEDIA_A, &a);
	link.addr.port = media_port(second, MEDIA_A);
	set_peer(first, MEDIA_B, &link);
	link.addr.port = media_port(first, MEDIA_B);
	set_peer(second, MEDIA_A, &link);
	set_peer(second, MEDIA_B, &b);
	send_packet(&a, media_port(first, MEDIA_A), 0, 1, 1);
	receives_mark(&b, 1, media_port(second, MEDIA_B));
	send_packet(&b, media_port(second, MEDIA_B), 0, 1, 2);
	receives_mark(&a, 2, media_port(first, MEDIA_A));
	media_close(first);
	media_close(second);
	media_destroy(media);
	close(a.fd);
	close(b.fd);
}

static void ports_run_out_and_come_back(void **state)
{
	struct media *media = new_media(20100, 20115, 1);
	const struct addr local = local_addr();
	struct media_session *sessions[9];
	struct media_status status;
	uint64_t until_us = clock_mono_us() + 20000000;
	int count = 0;

	(void)state;
	while (count < 9 && media_open(media, &local, &local, &sessions[count]) == VOS_OK)
		count++;
	/* Someone else may have had a port of the range. */
	media_status(media, &status);
	assert_int_equal(status.pairs_total, 8);
	assert_int_equal(status.pairs_used, count);
	assert_true(count >= 1 && count <= 8);
	assert_true(count == 8 || status.bind_failures > 0);
	assert_int_equal(media_open(media, &local, &local, &sessions[8]), VOS_EFULL);
	media_close(sessions[0]);
	do {
		media_status(media, &status);
		sched_yield();
	} while (status.pairs_used == (uint64_t)count && clock_mono_us() < until_us);
	assert_int_equal(status.pairs_used, count - 1);
	assert_true(status.pairs_resting >= 1);
	assert_int_equal(status.pairs_high_water, count);
	assert_int_equal(media_open(media, &local, &local, &sessions[0]), VOS_OK);
	/* Ends what is still open. */
	media_destroy(media);
}

static void address_of_another_host(void **state)
{
	struct media *media = new_media(20000, 20999, 1);
	const struct addr local = address("192.0.2.1");
	const struct addr here = local_addr();
	struct media_session *session;
	struct media_status status;

	(void)state;
	assert_int_equal(media_open(media, &local, &local, &session), VOS_EIO);
	/* The pair of the good side is given back. */
	assert_int_equal(media_open(media, &here, &local, &session), VOS_EIO);
	media_status(media, &status);
	assert_int_equal(status.pairs_used, 0);
	media_destroy(media);
}

struct worker {
	struct media *media;
	const char *ip_a;
	const char *ip_b;
	int rounds;
};

/* Opens, talks, reads, moves and closes as signalling threads do, all at once. */
static void *work(void *argument)
{
	struct worker *worker = argument;
	struct phone a = new_phone(worker->ip_a);
	struct phone b = new_phone(worker->ip_b);

	for (int i = 0; i < worker->rounds; i++) {
		struct media_session *session = new_session(worker->media);
		uint16_t port_a = media_port(session, MEDIA_A);
		uint16_t port_b = media_port(session, MEDIA_B);

		set_peer(session, MEDIA_A, &b);
		set_peer(session, MEDIA_A, &a);
		set_peer(session, MEDIA_B, &b);
		send_packet(&a, port_a, 0, (uint32_t)i, (uint8_t)i);
		receives_mark(&b, (uint8_t)i, port_b);
		send_packet(&b, port_b, 0, (uint32_t)i, (uint8_t)~i);
		receives_mark(&a, (uint8_t)~i, port_a);
		WAIT_FOR(session, MEDIA_A, packets, 1);
		/* Closed with a command and a packet on the way. */
		set_peer(session, MEDIA_B, &a);
		send_packet(&a, port_a, 0, 1, 1);
		media_close(session);
		while (poll(&(struct pollfd){.fd = b.fd, .events = POLLIN}, 1, 0) == 1)
			receive(&b);
		while (poll(&(struct pollfd){.fd = a.fd, .events = POLLIN}, 1, 0) == 1)
			receive(&a);
		/* Fresh sockets: what the last round sent late must not be taken for this one's. */
		close(a.fd);
		close(b.fd);
		a = new_phone(worker->ip_a);
		b = new_phone(worker->ip_b);
	}
	close(a.fd);
	close(b.fd);
	return NULL;
}

static void many_threads(void **state)
{
	struct media *media = new_media(20000, 20999, 3);
	struct worker workers[] = {{media, "127.0.1.1", "127.0.1.2", 100},
				   {media, "127.0.2.1", "127.0.2.2", 100},
				   {media, "127.0.3.1", "127.0.3.2", 100}};
	pthread_t threads[3];
	struct media_status status;
	uint64_t until_us = clock_mono_us() + 20000000;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	do {
		media_status(media, &status);
		sched_yield();
	} while (status.pairs_used && clock_mono_us() < until_us);
	assert_int_equal(status.pairs_used, 0);
	assert_true(status.packets >= 600 && status.dropped <= 600);
	media_destroy(media);
}

TEST_MAIN(cmocka_unit_test(relays_both_ways), cmocka_unit_test(rtcp_shares_the_port),
	  cmocka_unit_test(injected_packets_are_dropped), cmocka_unit_test(garbage_is_counted),
	  cmocka_unit_test(phone_behind_nat), cmocka_unit_test(moved_side_is_learned_again),
	  cmocka_unit_test(held_side), cmocka_unit_test(between_versions_of_ip),
	  cmocka_unit_test(no_loop_between_sessions), cmocka_unit_test(chain_of_sessions_works),
	  cmocka_unit_test(ports_run_out_and_come_back), cmocka_unit_test(address_of_another_host),
	  cmocka_unit_test(many_threads))
