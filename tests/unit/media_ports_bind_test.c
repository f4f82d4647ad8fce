/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of port pairs: bound, marked, emptied, and what is said when they cannot be had. */
#include "tests/support/test.h"

#include <net/if.h>
#include <sys/resource.h>
#include <unistd.h>

#include "switchd/media/device.h"
#include "switchd/media/ports.h"

static struct addr local(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return addr;
}

/* The lower of four free ports of this host to put a small range on: near one that the kernel
 * names. */
static uint16_t free_even_port(int family)
{
	struct addr addr = local(family == AF_INET6 ? "::1" : "127.0.0.1");

	for (;;) {
		struct sockaddr_storage sa;
		socklen_t len;
		int fds[4] = {-1, -1, -1, -1};
		int fd = socket(family, SOCK_DGRAM, 0);
		bool is_free;

		addr.port = 0;
		len = addr_to_sockaddr(&addr, &sa);
		assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
		assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
		close(fd);
		assert_true(addr_from_sockaddr((struct sockaddr *)&sa, &addr));
		addr.port &= 0xfffc;
		is_free = ports_bind_udp(NULL, &addr, 0, fds) == VOS_OK;
		addr.port += 2;
		is_free = is_free && ports_bind_udp(NULL, &addr, 0, fds + 2) == VOS_OK;
		for (int i = 0; i < 4; i++)
			if (fds[i] >= 0)
				close(fds[i]);
		if (is_free)
			return (uint16_t)(addr.port - 2);
	}
}

static enum vos_err counting_bind(void *context, const struct addr *local_addr, uint8_t tos,
				  int fds[2])
{
	(*(int *)context)++;
	return ports_bind_udp(NULL, local_addr, tos, fds);
}

static void sockets_are_bound_marked_and_drained(void **state)
{
	const char *const addresses[] = {"127.0.0.1", "::1"};

	(void)state;
	for (int f = 0; f < 2; f++) {
		const struct addr here = local(addresses[f]);
		uint16_t port = free_even_port(f ? AF_INET6 : AF_INET);
		int bound = 0;
		const struct ports_options options = {.low = port,
						      .high = (uint16_t)(port + 3),
						      .tos = 0xa3,
						      .ready_target = 1,
						      .bind = counting_bind,
						      .bind_context = &bound};
		struct ports *ports;
		struct addr target = here;
		struct sockaddr_storage sa;
		socklen_t sa_len;
		struct port_pair pair;
		int tos = 0;
		socklen_t len = sizeof(tos);
		int sender = socket(f ? AF_INET6 : AF_INET, SOCK_DGRAM, 0);
		char byte;

		assert_int_equal(ports_create(&options, &ports), VOS_OK);
		ports_prepare(ports, &here);
		assert_false(ports_refill(ports, 0, 4));
		assert_int_equal(bound, 1);
		/* One of the two pairs is open. */
		for (int i = 0; i < 4; i++) {
			target.port = (uint16_t)(port + i);
			sa_len = addr_to_sockaddr(&target, &sa);
			for (int n = 0; n < 20; n++)
				assert_int_equal(
					sendto(sender, "x", 1, 0, (struct sockaddr *)&sa, sa_len),
					1);
		}
		assert_int_equal(ports_take(ports, &here, 0, &pair), VOS_OK);
		assert_int_equal(bound, 1);
		for (int i = 0; i < 2; i++)
			assert_int_equal(recv(pair.fds[i], &byte, 1, 0), -1);
		assert_int_equal(getsockopt(pair.fds[0], f ? IPPROTO_IPV6 : IPPROTO_IP,
					    f ? IPV6_TCLASS : IP_TOS, &tos, &len),
				 0);
		assert_int_equal(tos, 0xa0);
		close(sender);
		ports_release(ports, &pair, 0);
		ports_destroy(ports);
	}
}

/* Both halves are needed, and a half that was had is given back. */
static void bound_port_of_another_fails_the_pair(void **state)
{
	struct addr here = local("127.0.0.1");
	struct addr odd;
	struct sockaddr_storage sa;
	socklen_t len;
	int fds[2];
	int other = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	here.port = free_even_port(AF_INET);
	odd = here;
	odd.port++;
	len = addr_to_sockaddr(&odd, &sa);
	assert_int_equal(bind(other, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(ports_bind_udp(NULL, &here, 0, fds), VOS_EINUSE);
	close(other);
	assert_int_equal(ports_bind_udp(NULL, &here, 0, fds), VOS_OK);
	close(fds[0]);
	close(fds[1]);
	here = local("192.0.2.1:20000"); /* TEST-NET-1: not an address of this host */
	assert_int_equal(ports_bind_udp(NULL, &here, 0, fds), VOS_EIO);
}

static void descriptor_limit_is_reported(void **state)
{
	struct addr here = local("127.0.0.1");
	struct rlimit before;
	struct rlimit limit;
	int probe;
	int fds[2];

	(void)state;
	here.port = free_even_port(AF_INET);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	probe = dup(0);
	close(probe);
	limit = before;
	limit.rlim_cur = (rlim_t)probe + 1; /* room for one of the two */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(ports_bind_udp(NULL, &here, 0, fds), VOS_EFULL);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(ports_bind_udp(NULL, &here, 0, fds), VOS_OK);
	close(fds[0]);
	close(fds[1]);
}

/* Fails as a process without descriptors does once the count is used up. */
static enum vos_err scarce_bind(void *context, const struct addr *local_addr, uint8_t tos,
				int fds[2])
{
	int *left = context;
	enum vos_err err = *left ? ports_bind_udp(NULL, local_addr, tos, fds) : VOS_EFULL;

	*left -= err == VOS_OK;
	return err;
}

#define SECOND UINT64_C(1000000)

struct kept {
	struct addr here;
	int left; /* pairs that can be bound still */
	struct ports_options options;
	struct ports *ports;
};

/* Four pairs, of which one can be bound; another program may have one of them. */
static void kept_setup(struct kept *kept)
{
	uint16_t port = free_even_port(AF_INET);

	*kept = (struct kept){.here = local("127.0.0.1"), .left = 1};
	kept->options = (struct ports_options){.low = port,
					       .high = (uint16_t)(port + 7),
					       .kept_max = 1,
					       .rest_us = 5 * SECOND,
					       .bind = scarce_bind,
					       .bind_context = &kept->left};
	assert_int_equal(ports_create(&kept->options, &kept->ports), VOS_OK);
}

static bool is_open(const struct kept *kept, uint16_t port)
{
	struct addr here = kept->here;
	int fds[2];

	here.port = port;
	if (ports_bind_udp(NULL, &here, 0, fds) != VOS_OK)
		return true;
	close(fds[0]);
	close(fds[1]);
	return false;
}

static int buffer_of(int fd)
{
	socklen_t len = sizeof(int);
	int bytes = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
	return bytes;
}

/* What is written to it meanwhile is not kept, and is nobody's. */
static void sockets_rest_open_and_are_used_again(void **state)
{
	struct sockaddr_storage sa;
	struct port_pair pair;
	struct port_pair again;
	struct kept kept;
	socklen_t sa_len;
	char bytes[1000] = "";
	int sender = socket(AF_INET, SOCK_DGRAM, 0);
	int buffer;

	(void)state;
	kept_setup(&kept);
	assert_int_equal(ports_take(kept.ports, &kept.here, 0, &pair), VOS_OK);
	buffer = buffer_of(pair.fds[0]);
	ports_release(kept.ports, &pair, 0);
	assert_true(is_open(&kept, pair.port));
	assert_true(buffer_of(pair.fds[0]) < 8192);
	kept.here.port = pair.port;
	sa_len = addr_to_sockaddr(&kept.here, &sa);
	for (int i = 0; i < 100; i++)
		assert_int_equal(
			sendto(sender, bytes, sizeof(bytes), 0, (struct sockaddr *)&sa, sa_len),
			sizeof(bytes));
	assert_int_equal(ports_take(kept.ports, &kept.here, 5 * SECOND, &again), VOS_OK);
	assert_int_equal(again.port, pair.port);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(again.fds[i], pair.fds[i]);
		assert_int_equal(recv(again.fds[i], bytes, sizeof(bytes), 0), -1);
		assert_int_equal(buffer_of(again.fds[i]), buffer);
	}
	close(sender);
	ports_release(kept.ports, &again, 5 * SECOND);
	ports_destroy(kept.ports);
	assert_false(is_open(&kept, pair.port));
}

/* A call that needs one has it before its rest is over. */
static void open_sockets_serve_in_need(void **state)
{
	struct port_pair pair;
	struct port_pair again;
	struct kept kept;

	(void)state;
	kept_setup(&kept);
	assert_int_equal(ports_take(kept.ports, &kept.here, 0, &pair), VOS_OK);
	assert_int_equal(ports_take(kept.ports, &kept.here, 0, &again), VOS_EFULL);
	ports_release(kept.ports, &pair, 0);
	assert_int_equal(ports_take(kept.ports, &kept.here, 1, &again), VOS_OK);
	assert_int_equal(again.port, pair.port);
	assert_int_equal(again.fds[0], pair.fds[0]);
	ports_release(kept.ports, &again, 1);
	ports_destroy(kept.ports);
}

/* As many as are allowed, and none of before a change of the range. */
static void open_sockets_are_bounded_and_dropped(void **state)
{
	struct port_pair pairs[2];
	struct kept kept;

	(void)state;
	kept_setup(&kept);
	kept.left = 2;
	for (int i = 0; i < 2; i++)
		assert_int_equal(ports_take(kept.ports, &kept.here, 0, &pairs[i]), VOS_OK);
	for (int i = 0; i < 2; i++)
		ports_release(kept.ports, &pairs[i], 0);
	assert_true(is_open(&kept, pairs[0].port));
	assert_false(is_open(&kept, pairs[1].port));
	kept.options.tos = 0xb8;
	assert_int_equal(ports_configure(kept.ports, &kept.options), VOS_OK);
	assert_false(is_open(&kept, pairs[0].port));
	ports_destroy(kept.ports);
}

/* What it leaves by is asked of the socket by the other ways that a packet may take. */
static void sockets_keep_their_device(void **state)
{
	static const enum addr_family families[] = {ADDR_IP4, ADDR_IP6};
	unsigned loopback = if_nametoindex("lo");

	(void)state;
	assert_int_not_equal(loopback, 0);
	for (int i = 0; i < 2; i++) {
		int fd = socket(families[i] == ADDR_IP4 ? AF_INET : AF_INET6, SOCK_DGRAM, 0);

		if (fd < 0 && families[i] == ADDR_IP6)
			continue; /* there is none here */
		assert_true(fd >= 0);
		assert_int_equal(device_of(fd, families[i]), 0);
		device_set(fd, families[i], loopback);
		assert_int_equal(device_of(fd, families[i]), loopback);
		device_set(fd, families[i], 0);
		assert_int_equal(device_of(fd, families[i]), 0);
		close(fd);
	}
}

TEST_MAIN(cmocka_unit_test(sockets_keep_their_device),
	  cmocka_unit_test(sockets_are_bound_marked_and_drained),
	  cmocka_unit_test(bound_port_of_another_fails_the_pair),
	  cmocka_unit_test(descriptor_limit_is_reported),
	  cmocka_unit_test(sockets_rest_open_and_are_used_again),
	  cmocka_unit_test(open_sockets_serve_in_need),
	  cmocka_unit_test(open_sockets_are_bounded_and_dropped))
