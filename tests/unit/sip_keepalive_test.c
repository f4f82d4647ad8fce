/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What leaves of the keepalives, and what becomes of those that the kernel does not take. sendmmsg
 * is the test's own here. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"
#include "switchd/sip/probe.h"
#include "tests/support/call_bench.h"

#define DEVICES 100u
#define T0      1000000000u

/* What the kernel says, call after call; the last one is repeated. 0 takes all. */
struct script {
	int answers[8]; /* taken so many, or -errno */
	unsigned at;
	unsigned calls;
	unsigned taken[DEVICES + 2]; /* by port */
	unsigned most;               /* datagrams of one call */
	char last[2048];
};

static struct script *script;

int sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
	int answer = script->answers[script->at];
	unsigned take = answer > 0 && (unsigned)answer < count ? (unsigned)answer : count;

	(void)fd;
	(void)flags;
	if (script->at + 1 < sizeof(script->answers) / sizeof(script->answers[0]))
		script->at++;
	script->calls++;
	if (count > script->most)
		script->most = count;
	if (answer < 0) {
		errno = -answer;
		return -1;
	}
	for (unsigned i = 0; i < take; i++) {
		const struct sockaddr_in *to = headers[i].msg_hdr.msg_name;
		const struct iovec *bytes = headers[i].msg_hdr.msg_iov;

		script->taken[ntohs(to->sin_port)]++;
		headers[i].msg_len = (unsigned)bytes->iov_len;
		snprintf(script->last, sizeof(script->last), "%.*s", (int)bytes->iov_len,
			 (const char *)bytes->iov_base);
	}
	return (int)take;
}

struct world {
	struct bench *bench;
	struct keepalive_sender sender;
	struct script script;
};

static void add(struct world *world, uint16_t port, uint8_t socket_index)
{
	struct keepalive_device one = {.socket_index = socket_index};

	assert_true(addr_parse(SPAN_LIT("127.0.0.1"), &one.address));
	one.address.port = port;
	assert_int_not_equal(keepalive_add(world->bench->shared.keepalive, &one), 0);
}

static int setup(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	script = &world->script;
	world->bench = bench_open("off");
	world->bench->worker->now_us = T0;
	*state = world;
	return 0;
}

static int teardown(void **state)
{
	struct world *world = *state;

	bench_close(world->bench);
	free(world);
	return 0;
}

/* Everything due is sent, or the socket is full; a turn may end before that. */
static uint64_t send_all(struct world *world)
{
	uint64_t wait_us;

	while ((wait_us = keepalive_send(world->bench->worker, &world->sender)) == 0) {
	}
	return wait_us;
}

static void expect_each_once(const struct world *world, unsigned but)
{
	for (unsigned port = 1; port <= DEVICES; port++)
		assert_int_equal(world->script.taken[port], port == but ? 0 : 1);
}

static void fill(struct world *world)
{
	for (uint16_t port = 1; port <= DEVICES; port++)
		add(world, port, 0);
}

static void batches_of_the_message(void **state)
{
	struct world *world = *state;
	const struct sip_worker *worker = world->bench->worker;

	fill(world);
	send_all(world);
	expect_each_once(world, 0);
	assert_int_equal(world->script.calls, 4);
	assert_int_equal(world->script.most, PROBE_BATCH);
	assert_string_equal(world->script.last, "HELLO");
	assert_int_equal(worker->counters.tx_datagrams, DEVICES);
	assert_int_equal(worker->socket_counters[0].tx_messages, DEVICES);
	assert_int_equal(worker->socket_counters[0].tx_bytes, DEVICES * 5);
	/* No more until the next round. */
	send_all(world);
	assert_int_equal(world->script.calls, 4);
}

static void a_batch_taken_in_part(void **state)
{
	struct world *world = *state;

	world->script.answers[0] = 5;
	world->script.answers[1] = 1;
	fill(world);
	send_all(world);
	expect_each_once(world, 0);
}

static void a_full_buffer_is_waited_for(void **state)
{
	struct world *world = *state;
	struct keepalive_status status;

	world->script.answers[0] = 7;
	world->script.answers[1] = -EAGAIN;
	world->script.answers[2] = -ENOBUFS;
	fill(world);
	assert_int_equal(send_all(world), 1000);
	assert_int_equal(world->script.calls, 2);
	assert_int_equal(send_all(world), 1000);
	/* The list is not asked for more meanwhile. */
	keepalive_status(world->bench->shared.keepalive, world->bench->conf->snapshot, T0, &status);
	assert_int_equal(status.sent_total, PROBE_BATCH);
	send_all(world);
	expect_each_once(world, 0);
	assert_int_equal(world->bench->worker->counters.tx_errors, 0);
}

static void what_cannot_be_sent_holds_nobody_up(void **state)
{
	struct world *world = *state;

	world->script.answers[0] = 2;
	world->script.answers[1] = -EHOSTUNREACH;
	world->script.answers[2] = -EINTR;
	fill(world);
	send_all(world);
	expect_each_once(world, 3);
	assert_int_equal(world->bench->worker->counters.tx_errors, 1);
	assert_int_equal(world->bench->worker->socket_counters[0].tx_errors, 1);
}

static void sockets_that_there_are_not(void **state)
{
	struct world *world = *state;

	add(world, 1, 0);
	add(world, 2, 9);
	add(world, 3, 0);
	add(world, 4, UINT8_MAX);
	send_all(world);
	assert_int_equal(world->script.taken[1], 1);
	assert_int_equal(world->script.taken[2], 0);
	assert_int_equal(world->script.taken[3], 1);
	assert_int_equal(world->script.taken[4], 0);
}

static void a_probe_whose_contact_has_gone(void **state)
{
	struct world *world = *state;
	struct keepalive_device one = {.is_probed = true, .owner = 4711};

	add(world, 1, 0);
	assert_true(addr_parse(SPAN_LIT("127.0.0.1:2"), &one.address));
	assert_int_not_equal(keepalive_add(world->bench->shared.keepalive, &one), 0);
	add(world, 3, 0);
	send_all(world);
	assert_int_equal(world->script.taken[1], 1);
	assert_int_equal(world->script.taken[2], 0);
	assert_int_equal(world->script.taken[3], 1);
}

/* The longest that a contact, a path and we ourselves can be. */
static void the_longest_probe_has_room(void **state)
{
	struct world *world = *state;
	struct binding binding = {.keepalive_kind = WORD_PHONE_KEEPALIVE_OPTIONS,
				  .expires_ms =
					  location_now_ms(world->bench->shared.location) + 60000};

	snprintf(binding.user, sizeof(binding.user), "1001");
	memset(binding.contact, 'c', sizeof(binding.contact) - 1);
	memcpy(binding.contact, "sip:c@", 6);
	memset(binding.path, 'p', sizeof(binding.path) - 1);
	memcpy(binding.path, "<sip:p;lr>, ", 12);
	assert_true(addr_parse(SPAN_LIT("127.0.0.1:7"), &binding.source));
	binding.local = world->bench->worker->sockets[0].local;
	assert_int_equal(location_restore(world->bench->shared.location, &binding, 0), VOS_OK);
	send_all(world);
	assert_int_equal(world->script.taken[7], 1);
	assert_non_null(strstr(world->script.last, "OPTIONS sip:c@cccc"));
	assert_non_null(strstr(world->script.last, "\r\nRoute: <sip:p;lr>, pppp"));
	assert_string_equal(world->script.last + strlen(world->script.last) - 4, "\r\n\r\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(batches_of_the_message), TEST(a_batch_taken_in_part),
	  TEST(a_full_buffer_is_waited_for), TEST(what_cannot_be_sent_holds_nobody_up),
	  TEST(sockets_that_there_are_not), TEST(a_probe_whose_contact_has_gone),
	  TEST(the_longest_probe_has_room))
