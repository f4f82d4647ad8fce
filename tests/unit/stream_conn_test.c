/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds of connections: how many, how much waits in them, and what an idle one costs. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/sip/stream_private.h"
#include "tests/support/descriptors.h"
#include "tests/support/stream_bench.h"
#include "tests/support/test.h"

#define REQUEST                                                                              \
	"OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK%d\r\n" \
	"From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>\r\nCall-ID: %d\r\nCSeq: 1 OPTIONS\r\n"       \
	"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"

static struct addr address(unsigned number, uint16_t port)
{
	struct addr addr = {.family = ADDR_IP4, .port = port};
	uint32_t ip = htonl(number);

	memcpy(addr.ip, &ip, sizeof(ip));
	return addr;
}

static void connections_are_found_by_listen_and_peer(void **state)
{
	enum { COUNT = 5000 };
	struct stream_listen listens[2] = {{.socket_index = 3}, {.socket_index = 4}};
	struct stream_conn *conns = calloc(COUNT, sizeof(*conns));
	struct stream_table table = {0};

	(void)state;
	assert_non_null(conns);
	assert_int_equal(stream_table_create(&table), VOS_OK);
	for (unsigned i = 0; i < COUNT; i++) {
		conns[i].listen = &listens[i % 2];
		conns[i].remote = address(0x0a000000u + i / 2, 5060);
		stream_table_add(&table, &conns[i]);
	}
	assert_true((size_t)1 << table.bits >= COUNT / 2); /* it has grown */
	for (unsigned i = 0; i < COUNT; i++)
		assert_ptr_equal(stream_table_find(&table, (uint8_t)(3 + i % 2), &conns[i].remote),
				 &conns[i]);
	for (unsigned i = 0; i < COUNT; i += 2)
		stream_table_remove(&table, &conns[i]);
	for (unsigned i = 0; i < COUNT; i++)
		assert_ptr_equal(stream_table_find(&table, (uint8_t)(3 + i % 2), &conns[i].remote),
				 i % 2 ? &conns[i] : NULL);
	assert_int_equal(table.count, COUNT / 2);
	stream_table_destroy(&table);
	free(conns);
}

static void sources_are_counted_by_address_and_network(void **state)
{
	struct stream_table table = {0};
	struct addr host, neighbour, other;

	(void)state;
	assert_int_equal(stream_table_create(&table), VOS_OK);
	assert_true(addr_parse(SPAN_LIT("[2001:db8::1]:1000"), &host));
	assert_true(addr_parse(SPAN_LIT("[2001:db8::ffff:2]:2000"), &neighbour));
	assert_true(addr_parse(SPAN_LIT("[2001:db8:0:1::1]:1000"), &other));
	assert_true(stream_source_enter(&table, &host, 2));
	assert_true(stream_source_enter(&table, &neighbour, 2)); /* of the same /64 */
	assert_false(stream_source_enter(&table, &host, 2));
	assert_true(stream_source_enter(&table, &host, 0)); /* no limit */
	assert_true(stream_source_enter(&table, &other, 2));
	stream_source_leave(&table, &host);
	stream_source_leave(&table, &host);
	assert_true(stream_source_enter(&table, &neighbour, 2));
	/* Many of them, and all gone again: nothing is left. */
	for (unsigned i = 0; i < 5000; i++) {
		struct addr source = address(i, 1);

		assert_true(stream_source_enter(&table, &source, 1));
		assert_false(stream_source_enter(&table, &source, 1));
	}
	assert_int_equal(table.source_count, 5002);
	for (unsigned i = 0; i < 5000; i++) {
		struct addr source = address(i, 2);

		stream_source_leave(&table, &source);
	}
	assert_int_equal(table.source_count, 2);
	stream_table_destroy(&table);
}

static void an_idle_connection_is_small(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	char text[1024];

	(void)state;
	assert_true(sizeof(struct stream_conn) <= 400);
	stream_peer_connect(bench, &bench->caller);
	snprintf(text, sizeof(text), REQUEST, 1, 1);
	stream_peer_send(bench, &bench->caller, text);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	assert_int_equal(bench->stream->memory, 0); /* no buffer while it rests */
	stream_peer_send(bench, &bench->caller, "OPTIONS sip:a SIP");
	stream_bench_turn(bench);
	assert_in_range(bench->stream->memory, 17, 64);
	stream_peer_close(bench, &bench->caller);
	assert_int_equal(bench->stream->memory, 0);
	stream_bench_close(bench);
}

/* It is out of epoll, although its descriptor has a copy somewhere. */
static void a_closed_connection_is_heard_of_no_more(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	struct descriptors held;
	struct epoll_event event;
	char text[1024];

	(void)state;
	stream_peer_connect(bench, &bench->caller);
	snprintf(text, sizeof(text), REQUEST, 1, 1);
	stream_peer_send(bench, &bench->caller, text);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	descriptors_copy(&held, bench->caller.fd);
	stream_peer_close(bench, &bench->caller);
	assert_int_equal(epoll_wait(bench->stream->epoll_fd, &event, 1, 0), 0);
	descriptors_release(&held);
	stream_bench_close(bench);
}

static int unacknowledged(int fd)
{
	int bytes = 0;

	assert_int_equal(ioctl(fd, SIOCOUTQ, &bytes), 0);
	return bytes;
}

/* What the peer of a connection reads when the switch has closed it. */
static int error_after_close(bool is_reset, bool is_owed)
{
	const char *const params[] = {"SS_TCP_CLOSE_RESET", is_reset ? "on" : "off", NULL};
	struct stream_bench *bench = stream_bench_open(params);
	struct pollfd pollfd = {.events = POLLIN};
	struct stream_conn *conn = NULL;
	char memory[65536];
	char text[1024];
	ssize_t got;
	int error;

	stream_peer_connect(bench, &bench->caller);
	snprintf(text, sizeof(text), REQUEST, 1, 1);
	stream_peer_send(bench, &bench->caller, text);
	stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	for (uint32_t i = 0; i < bench->stream->conns.used; i++)
		if (bench->stream->conns.items[i])
			conn = bench->stream->conns.items[i];
	assert_non_null(conn);
	memset(memory, ' ', sizeof(memory));
	/* As much as the kernel takes: more than the peer's has room for. */
	while (is_owed && send(conn->fd, memory, sizeof(memory), MSG_DONTWAIT) > 0) {
	}
	/* What the peer has read is acknowledged when the kernel likes. */
	for (int tries = 0; !is_owed && unacknowledged(conn->fd) && tries < 20000; tries++)
		poll(NULL, 0, 1);
	conn_close(bench->stream, conn);
	pollfd.fd = bench->caller.fd;
	do {
		assert_int_equal(poll(&pollfd, 1, 20000), 1);
		got = recv(bench->caller.fd, memory, sizeof(memory), 0);
		error = got < 0 ? errno : 0;
	} while (got > 0);
	close(bench->caller.fd);
	bench->caller.fd = -1;
	stream_bench_close(bench);
	return error;
}

static void closed_in_order_or_by_reset(void **state)
{
	(void)state;
	assert_int_equal(error_after_close(false, false), 0);
	assert_int_equal(error_after_close(true, false), ECONNRESET);
	assert_int_equal(error_after_close(true, true), 0);
}

/* The thread that owns the messages does not come along: nothing is lost, and the peer waits. */
static void a_full_ring_holds_the_peer_up(void **state)
{
	enum { COUNT = 6000 };
	struct stream_bench *bench = stream_bench_open(NULL);
	char *all = malloc(COUNT * 512);
	size_t len = 0;
	size_t sent = 0;
	struct stream_conn *conn;

	(void)state;
	assert_non_null(all);
	for (int i = 0; i < COUNT; i++)
		len += (size_t)sprintf(all + len, REQUEST, i, i);
	assert_true(len > HANDOVER_RING);
	stream_peer_connect(bench, &bench->caller);
	conn = bench->stream->conns.items[0];
	for (int i = 0; i < 100000 && !conn->is_blocked; i++) {
		ssize_t done =
			send(bench->caller.fd, all + sent, len - sent, MSG_DONTWAIT | MSG_NOSIGNAL);

		sent += done > 0 ? (size_t)done : 0;
		stream_turn(bench->stream, 0);
	}
	assert_true(conn->is_blocked);
	for (int i = 0; i < 10; i++)
		stream_turn(bench->stream, 0);
	assert_true(conn->is_blocked);
	assert_true(bench->stream->memory <= STREAM_SCRATCH);
	for (int answered = 0; answered < COUNT; answered++) {
		if (sent < len) {
			ssize_t done = send(bench->caller.fd, all + sent, len - sent,
					    MSG_DONTWAIT | MSG_NOSIGNAL);

			sent += done > 0 ? (size_t)done : 0;
		}
		stream_peer_expect(bench, &bench->caller, "SIP/2.0 200 ");
	}
	assert_false(conn->is_blocked);
	stream_peer_close(bench, &bench->caller);
	free(all);
	stream_bench_close(bench);
}

static void what_a_peer_does_not_read_is_bounded(void **state)
{
	struct stream_bench *bench = stream_bench_open(NULL);
	static char text[30000] = "OPTIONS sip:x SIP/2.0\r\nSubject: ";
	struct stream_counters counters;
	struct addr remote;
	size_t most = 0;

	(void)state;
	memset(text + strlen(text), 'x', sizeof(text) - strlen(text));
	stream_peer_connect(bench, &bench->caller);
	remote = ((struct stream_conn *)bench->stream->conns.items[0])->remote;
	/* More than the kernel takes for a peer that reads nothing. */
	for (int i = 0; i < 2000 && bench->stream->conns.count; i++) {
		worker_send(bench->worker, &bench->worker->sockets[0], &remote, text, sizeof(text));
		stream_bench_turn(bench);
		if (bench->stream->memory > most)
			most = bench->stream->memory;
	}
	assert_int_equal(bench->stream->conns.count, 0);
	assert_in_range(most, 1, STREAM_QUEUE_MAX);
	assert_true(stream_counters_of(bench->stream, 0, &counters));
	assert_int_equal(counters.errors, 1);
	assert_int_equal(counters.connections, 0);
	close(bench->caller.fd);
	bench->caller.fd = -1;
	stream_bench_close(bench);
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	return fd;
}

/* Not the next but one to the last opened: whoever started the test may have left gaps. */
static int second_free_fd(void)
{
	int first = dup(STDOUT_FILENO);
	int second = dup(STDOUT_FILENO);

	assert_true(first >= 0 && second > first);
	close(first);
	close(second);
	return second;
}

static void without_descriptors_nobody_is_accepted_for_a_while(void **state)
{
	enum { PEERS = 8 };
	struct stream_bench *bench = stream_bench_open(NULL);
	struct stream_listen *listen = &bench->stream->listens[0];
	struct rlimit before, small;
	struct pollfd epoll = {.fd = bench->stream->epoll_fd, .events = POLLIN};
	int peers[PEERS];

	(void)state;
	for (int i = 0; i < PEERS; i++)
		peers[i] = connect_to(bench->port); /* they wait in the backlog */
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)second_free_fd() + 1;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &small), 0);
	/* On a busy machine the kernel may not have put them all there yet. */
	while (!wheel_is_running(&listen->resume))
		stream_turn(bench->stream, 100);
	/* Some, but a thread of the relay may take or give back a descriptor in between. */
	assert_in_range(bench->stream->conns.count, 0, PEERS - 1);
	assert_true(wheel_is_running(&listen->resume));
	/* What waits does not wake the thread again and again. */
	assert_int_equal(poll(&epoll, 1, 0), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	while (bench->stream->conns.count < PEERS)
		stream_turn(bench->stream, 100);
	for (int i = 0; i < PEERS; i++)
		close(peers[i]);
	while (bench->stream->conns.count)
		stream_turn(bench->stream, 100);
	stream_bench_close(bench);
}

static void connections_are_listed_in_slices(void **state)
{
	enum { PEERS = 7 };
	struct stream_bench *bench = stream_bench_open(NULL);
	const struct addr all = {0};
	struct addr stranger = address(0x7f000002u, 0);
	struct stream_conn_info infos[3];
	uint32_t after = 0;
	size_t count;
	size_t total = 0;
	int peers[PEERS];

	(void)state;
	for (int i = 0; i < PEERS; i++)
		peers[i] = connect_to(bench->port);
	while (bench->stream->conns.count < PEERS)
		stream_turn(bench->stream, 100);
	while (stream_list(bench->stream, &after, &all, infos, 3, &count)) {
		assert_int_equal(count, 3);
		assert_int_equal(infos[0].number, total + 1);
		total += count;
	}
	assert_int_equal(total + count, PEERS);
	assert_string_equal(infos[0].state, "open");
	assert_string_equal(infos[0].tls_version, "");
	after = 0;
	assert_false(stream_list(bench->stream, &after, &stranger, infos, 3, &count));
	assert_int_equal(count, 0);
	for (int i = 0; i < PEERS; i++)
		close(peers[i]);
	while (bench->stream->conns.count)
		stream_turn(bench->stream, 100);
	stream_bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(closed_in_order_or_by_reset),
	  cmocka_unit_test(connections_are_found_by_listen_and_peer),
	  cmocka_unit_test(sources_are_counted_by_address_and_network),
	  cmocka_unit_test(an_idle_connection_is_small),
	  cmocka_unit_test(a_closed_connection_is_heard_of_no_more),
	  cmocka_unit_test(a_full_ring_holds_the_peer_up),
	  cmocka_unit_test(what_a_peer_does_not_read_is_bounded),
	  cmocka_unit_test(without_descriptors_nobody_is_accepted_for_a_while),
	  cmocka_unit_test(connections_are_listed_in_slices))
