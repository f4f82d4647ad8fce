/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/phone.h"

#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/media_private.h"
#include "tests/support/test.h"

struct addr phone_address(const char *text)
{
	struct addr out;

	if (!addr_parse(span_of(text), &out))
		fail_msg("no address: %s", text);
	return out;
}

struct phone phone_new_on(struct addr addr)
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

struct phone phone_new_at(const char *ip, uint16_t port)
{
	struct addr addr = phone_address(ip);

	addr.port = port;
	return phone_new_on(addr);
}

struct phone phone_new(const char *ip)
{
	return phone_new_at(ip, 0);
}

struct addr relay_local(void)
{
	struct addr addr = phone_address("127.0.0.1");
	unsigned pid = (unsigned)getpid();

	addr.ip[1] = (uint8_t)(64 + (pid >> 16) % 64);
	addr.ip[2] = (uint8_t)(pid >> 8);
	addr.ip[3] = (uint8_t)(pid | 1);
	return addr;
}

struct media *relay_new(uint16_t low, uint16_t high, int threads)
{
	const struct ports_options options = {
		.low = low, .high = high, .tos = 0xb8, .ready_target = 8, .rest_us = 600000000};
	struct media *media;
	struct vos_fault fault = {0};

	if (media_create_with(NULL, &options, threads, &media, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	return media;
}

struct media_session *relay_open(struct media *media)
{
	const struct addr local = relay_local();
	struct media_session *session;

	assert_int_equal(media_open(media, &local, &local, &session), VOS_OK);
	return session;
}

void relay_set_peer(struct media_session *session, enum media_side side, const struct phone *phone)
{
	struct media_peer peer = {
		.rtp = phone->addr, .rtcp = phone->addr, .signalling = phone->addr};

	peer.rtcp.port++;
	media_set_peer(session, side, &peer);
}

void phone_send(const struct phone *phone, uint16_t port, const void *data, size_t len)
{
	struct addr to = phone->addr.family == ADDR_IP6 ? phone_address("::1") : relay_local();
	struct sockaddr_storage sa;
	socklen_t sa_len;

	to.port = port;
	sa_len = addr_to_sockaddr(&to, &sa);
	assert_int_equal(sendto(phone->fd, data, len, 0, (struct sockaddr *)&sa, sa_len), len);
}

void phone_send_packet(const struct phone *phone, uint16_t port, uint8_t second, uint32_t ssrc,
		       uint8_t mark)
{
	uint8_t data[20] = {0x80, second};
	size_t at = (second & 0x60) == 0x40 ? 4 : 8;

	for (int i = 0; i < 4; i++)
		data[at + (size_t)i] = (uint8_t)(ssrc >> (24 - 8 * i));
	data[19] = mark;
	phone_send(phone, port, data, sizeof(data));
}

struct received phone_receive(const struct phone *phone)
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

void phone_receives_mark(const struct phone *phone, uint8_t mark, uint16_t from_port)
{
	struct received got = phone_receive(phone);

	assert_int_equal(got.len, 20);
	assert_int_equal(got.data[19], mark);
	assert_int_equal(got.from.port, from_port);
}

void phone_is_silent(const struct phone *phone)
{
	struct pollfd wait = {.fd = phone->fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, 0), 0);
}

struct media_counters relay_counters_of(const struct media_session *session, enum media_side side)
{
	struct media_counters out;

	media_read(session, side, &out);
	return out;
}

void relay_wait_for(const struct media_session *session, enum media_side side, size_t field,
		    uint64_t want)
{
	uint64_t got = 0;
	uint64_t until_us = clock_mono_us() + 20000000;

	do {
		struct media_counters now = relay_counters_of(session, side);

		memcpy(&got, (char *)&now + field, sizeof(got));
		sched_yield();
	} while (got < want && clock_mono_us() < until_us);
	assert_int_equal(got, want);
}
