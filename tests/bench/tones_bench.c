/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ring tones of many callers at once, by one media thread: processor time and memory a stream, how
 * well it keeps the 20 ms, and what a packet that is relayed meanwhile waits.
 *
 * tones_bench [seconds] - each of 500, 1,000, 2,000 and 4,000 streams for that long, 5 by default.
 * A few of them are listened to; the rest goes to a socket that nobody reads. */
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "switchd/media/descriptors.h"
#include "switchd/media/media_private.h"
#include "switchd/media/player.h"
#include "switchd/media/relay.h"

#define STREAMS_MAX 4000
#define HEARD       40
#define PACKET_US   20000

struct bench {
	struct media *media;
	struct player *player;
	struct media_session *sessions[STREAMS_MAX];
	int ears[HEARD]; /* sockets of the first callers */
	int deaf;        /* of all others */
	double last_us[HEARD];
	double first_us[HEARD];
	unsigned packets[HEARD];
	double *late_us; /* of intervals, by how much they are not 20 ms */
	size_t late_count;
	size_t late_max;
	/* A stream that is relayed meanwhile: */
	struct media_session *relayed;
	int from;
	int to;
	double *wait_us;
	size_t wait_count;
	size_t wait_max;
};

static void need(bool is_so)
{
	if (is_so)
		return;
	fprintf(stderr, "tones_bench: cannot go on\n");
	exit(1);
}

static double now_us(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return (double)at.tv_sec * 1e6 + (double)at.tv_nsec / 1e3;
}

static long resident_kib(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

static struct addr loopback(uint16_t port)
{
	struct addr addr;

	need(addr_parse(span_of("127.0.0.1"), &addr));
	addr.port = port;
	return addr;
}

static int open_socket(void)
{
	const struct addr any = loopback(0);
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&any, &sa);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	need(fd >= 0 && bind(fd, (const struct sockaddr *)&sa, len) == 0);
	return fd;
}

static struct addr address_of(int fd)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr addr;

	need(getsockname(fd, (struct sockaddr *)&sa, &len) == 0 &&
	     addr_from_sockaddr((const struct sockaddr *)&sa, &addr));
	return addr;
}

static void set_peer(struct media_session *session, enum media_side side, int fd)
{
	const struct addr addr = address_of(fd);
	const struct media_peer peer = {.rtp = addr, .rtcp = addr, .signalling = addr};

	media_set_peer(session, side, &peer);
}

static void hear(struct bench *bench, int i)
{
	char packet[256];

	while (recv(bench->ears[i], packet, sizeof(packet), MSG_DONTWAIT) > 0) {
		double at_us = now_us();

		if (bench->packets[i]++ == 0)
			bench->first_us[i] = at_us;
		else if (bench->late_count < bench->late_max)
			bench->late_us[bench->late_count++] =
				fabs(at_us - bench->last_us[i] - PACKET_US);
		bench->last_us[i] = at_us;
	}
}

/* A packet of the other stream every 20 ms, at other moments than the tones'. */
static void relay_one(struct bench *bench, uint16_t sequence)
{
	const struct addr port = loopback(media_port(bench->relayed, MEDIA_A));
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&port, &sa);
	uint8_t packet[172] = {0x80, 0, (uint8_t)(sequence >> 8), (uint8_t)sequence};
	double at_us = now_us();

	memcpy(packet + 12, &at_us, sizeof(at_us));
	(void)sendto(bench->from, packet, sizeof(packet), 0, (const struct sockaddr *)&sa, len);
}

static void take_relayed(struct bench *bench)
{
	uint8_t packet[256];
	double at_us;

	while (recv(bench->to, packet, sizeof(packet), MSG_DONTWAIT) == 172) {
		memcpy(&at_us, packet + 12, sizeof(at_us));
		if (bench->wait_count < bench->wait_max)
			bench->wait_us[bench->wait_count++] = now_us() - at_us;
	}
}

static void listen_for(struct bench *bench, double seconds)
{
	struct pollfd polls[HEARD + 1];
	double end_us = now_us() + seconds * 1e6;
	double next_us = now_us();
	uint16_t sequence = 0;

	for (int i = 0; i < HEARD; i++)
		polls[i] = (struct pollfd){.fd = bench->ears[i], .events = POLLIN};
	polls[HEARD] = (struct pollfd){.fd = bench->to, .events = POLLIN};
	while (now_us() < end_us) {
		if (now_us() >= next_us) {
			relay_one(bench, sequence++);
			next_us += 1000 + 37.0 * (sequence % 50);
		}
		(void)poll(polls, HEARD + 1, 1);
		for (int i = 0; i < HEARD; i++)
			if (polls[i].revents)
				hear(bench, i);
		take_relayed(bench);
	}
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static double part(double *all, size_t count, double share)
{
	qsort(all, count, sizeof(*all), by_size);
	return count ? all[(size_t)((double)(count - 1) * share)] : 0;
}

/* In parts of a million, of the worst of those heard. */
static double drift_ppm(const struct bench *bench)
{
	double worst = 0;

	for (int i = 0; i < HEARD; i++) {
		double expected_us = (double)(bench->packets[i] - 1) * PACKET_US;
		double ppm = (bench->last_us[i] - bench->first_us[i] - expected_us) / expected_us;

		if (bench->packets[i] > 1 && fabs(ppm * 1e6) > fabs(worst))
			worst = ppm * 1e6;
	}
	return worst;
}

static void start_streams(struct bench *bench, int streams)
{
	const struct addr local = loopback(0);

	for (int i = 0; i < streams; i++) {
		need(media_open(bench->media, &local, &local, &bench->sessions[i]) == VOS_OK);
		set_peer(bench->sessions[i], MEDIA_A, i < HEARD ? bench->ears[i] : bench->deaf);
		need(player_ring(bench->player, bench->sessions[i], G711_A, 8) == VOS_OK);
	}
}

/* Until all have ended; microseconds a stream. */
static double end_streams(struct bench *bench, int streams)
{
	double start_us = now_us();
	struct media_status status;

	for (int i = 0; i < streams; i++)
		media_close(bench->sessions[i]);
	do {
		usleep(1000);
		media_status(bench->media, &status);
	} while (status.sessions > 1);
	return (now_us() - start_us) / streams;
}

static void measure(struct bench *bench, int streams, double seconds)
{
	long kib = resident_kib();
	struct media_status status[2];
	struct player_status sent[2];
	double packets;

	start_streams(bench, streams);
	listen_for(bench, 0.5);
	kib = resident_kib() - kib;
	memset(bench->packets, 0, sizeof(bench->packets));
	bench->late_count = bench->wait_count = 0;
	media_status(bench->media, &status[0]);
	player_status(bench->player, &sent[0]);
	listen_for(bench, seconds);
	media_status(bench->media, &status[1]);
	player_status(bench->player, &sent[1]);
	packets = (double)(sent[1].packets - sent[0].packets);
	printf("%7d %8.1f%% %9.1f %7.2f %8.1f%% %7.0f %7.2f %7.2f %7.2f %8.2f %8.2f %7.1f\n",
	       streams, (double)(status[1].cpu_us - status[0].cpu_us) / seconds / 1e4,
	       (double)(status[1].cpu_us - status[0].cpu_us) / packets, (double)kib / streams,
	       100 * packets / (streams * seconds * 1e6 / PACKET_US), drift_ppm(bench),
	       part(bench->late_us, bench->late_count, 0.5) / 1e3,
	       part(bench->late_us, bench->late_count, 0.99) / 1e3,
	       part(bench->late_us, bench->late_count, 1) / 1e3,
	       part(bench->wait_us, bench->wait_count, 0.5) / 1e3,
	       part(bench->wait_us, bench->wait_count, 0.99) / 1e3, end_streams(bench, streams));
}

static void start(struct bench *bench, double seconds)
{
	const struct ports_options options = {.low = 10000,
					      .high = 39999,
					      .tos = 0xa0,
					      .ready_target = PORTS_READY_TARGET,
					      .rest_us = 0};
	const struct addr local = loopback(0);
	struct secret_key key;
	struct vos_fault fault = {0};
	struct conf *conf;

	secret_key_random(&key);
	need(conf_build(snapshot_new_empty(), &key, NULL, &conf, &fault) == VOS_OK);
	need(player_create(NULL, conf, &bench->player) == VOS_OK);
	need(media_create_with(NULL, &options, 1, &bench->media, &fault) == VOS_OK);
	conf_unref(conf);
	for (int i = 0; i < HEARD; i++)
		bench->ears[i] = open_socket();
	bench->deaf = open_socket();
	bench->from = open_socket();
	bench->to = open_socket();
	need(media_open(bench->media, &local, &local, &bench->relayed) == VOS_OK);
	set_peer(bench->relayed, MEDIA_A, bench->from);
	set_peer(bench->relayed, MEDIA_B, bench->to);
	bench->late_max = (size_t)(HEARD * 60 * seconds);
	bench->wait_max = (size_t)(1000 * seconds);
	bench->late_us = calloc(bench->late_max, sizeof(double));
	bench->wait_us = calloc(bench->wait_max, sizeof(double));
	need(bench->late_us && bench->wait_us);
}

int main(int argc, char **argv)
{
	static const int streams[] = {500, 1000, 2000, STREAMS_MAX};
	double seconds = argc > 1 ? atof(argv[1]) : 5;
	static struct bench bench;

	if (seconds < 1)
		return 2;
	descriptors_raise(UINT64_C(4) * STREAMS_MAX);
	start(&bench, seconds);
	printf("%7s %9s %9s %7s %9s %7s %23s %17s %7s\n", "", "", "us CPU", "KiB", "", "drift",
	       "ms off 20 ms", "relayed, ms", "us to");
	printf("%7s %9s %9s %7s %9s %7s %7s %7s %7s %8s %8s %7s\n", "streams", "a core", "a packet",
	       "each", "of due", "ppm", "p50", "p99", "most", "p50", "p99", "end");
	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		measure(&bench, streams[i], seconds);
	media_close(bench.relayed);
	media_destroy(bench.media);
	player_destroy(bench.player);
	return 0;
}
