/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/dns_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/test.h"

static size_t put16(uint8_t *out, unsigned value)
{
	out[0] = (uint8_t)(value >> 8);
	out[1] = (uint8_t)value;
	return 2;
}

size_t dns_answer(uint8_t *out, const uint8_t *question, size_t question_len,
		  const struct dns_row *rows, size_t count, unsigned code)
{
	size_t at = 12 + question_len;

	memset(out, 0, 12);
	out[2] = 0x81; /* answer, recursion desired */
	out[3] = (uint8_t)(0x80 | code);
	put16(out + 4, 1);
	put16(out + 6, (unsigned)count);
	memcpy(out + 12, question, question_len);
	for (size_t i = 0; i < count; i++) {
		size_t target_len = strlen(rows[i].target) + 1;

		at += put16(out + at, 0xc00c); /* the name of the question */
		at += put16(out + at, 33);
		at += put16(out + at, 1);
		at += put16(out + at, rows[i].ttl_s >> 16);
		at += put16(out + at, rows[i].ttl_s & 0xffff);
		at += put16(out + at, (unsigned)(6 + target_len));
		at += put16(out + at, rows[i].priority);
		at += put16(out + at, rows[i].weight);
		at += put16(out + at, rows[i].port);
		memcpy(out + at, rows[i].target, target_len);
		at += target_len;
	}
	return at;
}

static void *serve(void *argument)
{
	struct dns_server *server = argument;
	struct pollfd ready = {.fd = server->fd, .events = POLLIN};
	uint8_t data[512];
	uint8_t reply[1024];

	while (!atomic_load(&server->is_over)) {
		struct sockaddr_in from;
		socklen_t from_len = sizeof(from);
		ssize_t len;
		size_t end = 12;

		if (poll(&ready, 1, 50) <= 0)
			continue;
		len = recvfrom(server->fd, data, sizeof(data), 0, (struct sockaddr *)&from,
			       &from_len);
		while (len > 0 && end < (size_t)len && data[end])
			end += data[end] + 1u;
		end += 5;
		if (len < 0 || end > (size_t)len)
			continue;
		atomic_fetch_add(&server->asked, 1);
		end = dns_answer(reply, data + 12, end - 12, server->rows, server->count,
				 server->code);
		memcpy(reply, data, 2);
		(void)sendto(server->fd, reply, end, 0, (struct sockaddr *)&from, from_len);
	}
	return NULL;
}

void dns_server_start(struct dns_server *server)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);

	server->fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&sin, len), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&sin, &len), 0);
	assert_true(addr_from_sockaddr((struct sockaddr *)&sin, &server->address));
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

void dns_server_stop(struct dns_server *server)
{
	atomic_store(&server->is_over, true);
	pthread_join(server->thread, NULL);
	close(server->fd);
}
