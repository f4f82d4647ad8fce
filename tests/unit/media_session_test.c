/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of the relay from open to close: ports that run out, configuration, many threads. */
#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/relay.h"
#include "tests/support/config.h"
#include "tests/support/phone.h"

static void ports_run_out_and_come_back(void **state)
{
	struct media *media = relay_new(20100, 20115, 1);
	const struct addr local = relay_local();
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
	struct media *media = relay_new(20000, 20999, 1);
	const struct addr local = phone_address("192.0.2.1");
	const struct addr here = relay_local();
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
	struct phone a = phone_new(worker->ip_a);
	struct phone b = phone_new(worker->ip_b);

	for (int i = 0; i < worker->rounds; i++) {
		struct media_session *session = relay_open(worker->media);
		uint16_t port_a = media_port(session, MEDIA_A);
		uint16_t port_b = media_port(session, MEDIA_B);

		relay_set_peer(session, MEDIA_A, &b);
		relay_set_peer(session, MEDIA_A, &a);
		relay_set_peer(session, MEDIA_B, &b);
		phone_send_packet(&a, port_a, 0, (uint32_t)i, (uint8_t)i);
		phone_receives_mark(&b, (uint8_t)i, port_b);
		phone_send_packet(&b, port_b, 0, (uint32_t)i, (uint8_t)~i);
		phone_receives_mark(&a, (uint8_t)~i, port_a);
		WAIT_FOR(session, MEDIA_A, packets, 1);
		/* Closed with a command and a packet on the way. */
		relay_set_peer(session, MEDIA_B, &a);
		phone_send_packet(&a, port_a, 0, 1, 1);
		media_close(session);
		while (poll(&(struct pollfd){.fd = b.fd, .events = POLLIN}, 1, 0) == 1)
			phone_receive(&b);
		while (poll(&(struct pollfd){.fd = a.fd, .events = POLLIN}, 1, 0) == 1)
			phone_receive(&a);
		/* Fresh sockets: what the last round sent late must not be taken for this one's. */
		close(a.fd);
		close(b.fd);
		a = phone_new(worker->ip_a);
		b = phone_new(worker->ip_b);
	}
	close(a.fd);
	close(b.fd);
	return NULL;
}

static void many_threads(void **state)
{
	struct media *media = relay_new(20000, 20999, 3);
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

/* More than one batch waits when the thread first looks: all of it passes, in order. */
static void backlog_of_several_batches(void **state)
{
	const struct ports_options options = {.low = 20400, .high = 20499, .rest_us = 1};
	const struct addr locals[MEDIA_SIDES] = {relay_local(), relay_local()};
	struct phone phones[MEDIA_SIDES] = {phone_new("127.0.0.11"), phone_new("127.0.0.12")};
	struct media_session *session = calloc(1, sizeof(*session));
	struct media_thread thread;
	struct ports *ports;
	const int count = 2 * RELAY_BATCH + 20;

	(void)state;
	assert_int_equal(ports_create(&options, &ports), VOS_OK);
	assert_int_equal(relay_thread_init(&thread, 0, ports), VOS_OK);
	assert_int_equal(ports_take(ports, &locals[0], 0, &session->pairs[0]), VOS_OK);
	session->pair_count = 1;
	assert_int_equal(relay_session_add(&thread, session, locals, session->pairs[0].fds),
			 VOS_OK);
	for (int i = 0; i < MEDIA_SIDES; i++)
		relay_set_peer(session, (enum media_side)i, &phones[i]);
	for (int i = 0; i < count; i++)
		phone_send_packet(&phones[0], media_port(session, MEDIA_A), 0, 1, (uint8_t)i);
	assert_int_equal(relay_thread_start(&thread), VOS_OK);
	for (int i = 0; i < count; i++)
		phone_receives_mark(&phones[1], (uint8_t)i, media_port(session, MEDIA_B));
	WAIT_FOR(session, MEDIA_A, packets, (uint64_t)count);
	relay_thread_destroy(&thread);
	ports_destroy(ports);
	for (int i = 0; i < MEDIA_SIDES; i++)
		close(phones[i].fd);
}

static struct conf *conf_with(const char *range)
{
	const char *const params[] = {"SS_RTP_PORT_RANGE", range, "SS_QOS_RTP", "0x60", NULL};

	return test_conf(params, NULL, 0);
}

/* Range and ToS come from the configuration; a new one is for new sessions. */
static void configuration_is_followed(void **state)
{
	struct conf *before = conf_with("20200,20299");
	struct conf *after = conf_with("20300,20399");
	const struct addr local = relay_local();
	struct phone a = phone_new("127.0.0.11");
	struct phone b = phone_new("127.0.0.12");
	struct vos_fault fault = {0};
	struct media_session *sessions[2];
	struct media_status status;
	struct media *media;

	(void)state;
	assert_int_equal(media_create(NULL, before, 2, &media, &fault), VOS_OK);
	assert_int_equal(media_open(media, &local, &local, &sessions[0]), VOS_OK);
	assert_in_range(media_port(sessions[0], MEDIA_A), 20200, 20298);
	media_configure(media, after);
	conf_unref(before);
	conf_unref(after);
	media_status(media, &status);
	assert_int_equal(status.ports_low, 20300);
	assert_int_equal(status.ports_high, 20399);
	assert_int_equal(status.pairs_used, 1);
	assert_int_equal(media_open(media, &local, &local, &sessions[1]), VOS_OK);
	assert_in_range(media_port(sessions[1], MEDIA_A), 20300, 20398);
	/* Both work. */
	for (int i = 0; i < 2; i++) {
		relay_set_peer(sessions[i], MEDIA_A, &a);
		relay_set_peer(sessions[i], MEDIA_B, &b);
		phone_send_packet(&a, media_port(sessions[i], MEDIA_A), 0, 1, (uint8_t)i);
		assert_int_equal(phone_receive(&b).tos, 0x60);
		media_close(sessions[i]);
	}
	media_destroy(media);
	close(a.fd);
	close(b.fd);
}

TEST_MAIN(cmocka_unit_test(ports_run_out_and_come_back), cmocka_unit_test(address_of_another_host),
	  cmocka_unit_test(many_threads), cmocka_unit_test(backlog_of_several_batches),
	  cmocka_unit_test(configuration_is_followed))
