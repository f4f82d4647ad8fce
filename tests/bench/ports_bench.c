/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Microseconds to set up the relay ports of a call, and memory of the calls that are up.
 *
 * ports_bench [calls] - as many calls as the descriptors allow, 15,000 by default, on the default
 * range: opened one after the other in bursts, as calls come, with both peers told; then each
 * closed and another opened in its place. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "switchd/media/descriptors.h"
#include "switchd/media/media_private.h"
#include "switchd/media/relay.h"

#define CALLS_MAX 15000
/* Calls that begin at once, and the pause until the next: 500 a second. */
#define BURST    10
#define PAUSE_NS 20000000

static double now_us(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
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

static struct addr local_address(void)
{
	struct addr addr;

	if (!addr_parse(span_of("127.0.0.1"), &addr))
		exit(1);
	return addr;
}

static void set_peer(struct media_session *session, enum media_side side, uint16_t port)
{
	struct addr addr = local_address();
	struct media_peer peer;

	addr.port = port;
	peer = (struct media_peer){.rtp = addr, .rtcp = addr, .signalling = addr};
	media_set_peer(session, side, &peer);
}

/* Of the opened ones: time on the clock each, and processor time of this thread in all. */
struct times {
	double *us;
	size_t count;
	double cpu_us;
};

static void open_one(struct media *media, enum media_layout layout, struct media_session **out,
		     struct times *times)
{
	const struct addr local = local_address();
	double cpu_us = now_us(CLOCK_THREAD_CPUTIME_ID);
	double start_us = now_us(CLOCK_MONOTONIC);

	if (media_open_in(media, layout, &local, &local, out) != VOS_OK) {
		fprintf(stderr, "ports_bench: no port\n");
		exit(1);
	}
	set_peer(*out, MEDIA_A, 5000);
	set_peer(*out, MEDIA_B, 5002);
	times->us[times->count++] = now_us(CLOCK_MONOTONIC) - start_us;
	times->cpu_us += now_us(CLOCK_THREAD_CPUTIME_ID) - cpu_us;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct times times_new(size_t count)
{
	struct times times = {.us = calloc(count, sizeof(double))};

	if (!times.us)
		exit(1);
	return times;
}

static void report(const char *what, struct times *times)
{
	qsort(times->us, times->count, sizeof(*times->us), by_size);
	printf("%-26s median %5.1f us, 90 of 100 within %5.1f; processor %5.1f each\n", what,
	       times->us[times->count / 2], times->us[times->count * 9 / 10],
	       times->cpu_us / (double)times->count);
	free(times->us);
}

static void pause_after(size_t i)
{
	const struct timespec pause = {.tv_nsec = PAUSE_NS};

	if (i % BURST == BURST - 1)
		nanosleep(&pause, NULL);
}

static struct media *start(uint32_t ready)
{
	const struct ports_options options = {.low = 10000,
					      .high = 39999,
					      .tos = 0xa0,
					      .ready_target = ready,
					      .rest_us = PORTS_REST_US};
	struct vos_fault fault = {0};
	struct media *media;

	if (media_create_with(NULL, &options, 1, &media, &fault) != VOS_OK) {
		fprintf(stderr, "ports_bench: %s\n", fault.text);
		exit(1);
	}
	return media;
}

/* Ports that lie ready, as long as calls do not come faster than these are made. */
static void measure_ready(size_t calls)
{
	struct media *media = start(PORTS_READY_TARGET);
	struct media_session **sessions = calloc(calls, sizeof(struct media_session *));
	struct times times = times_new(calls);
	long before_kib;

	if (!sessions)
		exit(1);
	/* The first makes the pool; the rest find pairs of it bound ahead. */
	open_one(media, MEDIA_COMPACT, &sessions[0], &times);
	pause_after(BURST - 1);
	before_kib = resident_kib();
	for (size_t i = 1; i < calls; i++) {
		open_one(media, MEDIA_COMPACT, &sessions[i], &times);
		pause_after(i);
	}
	printf("%zu calls: %.2f KiB resident each\n", calls,
	       (double)(resident_kib() - before_kib) / (double)(calls - 1));
	report("bound ahead, 500 calls/s", &times);
	for (size_t i = 0; i < calls; i++)
		media_close(sessions[i]);
	media_destroy(media);
	free(sessions);
}

static void measure_cold(size_t calls, enum media_layout layout, const char *what)
{
	struct media *media = start(0);
	struct media_session *session;
	struct times times = times_new(calls);

	for (size_t i = 0; i < calls; i++)
		open_one(media, layout, &session, &times);
	report(what, &times);
	media_destroy(media);
}

int main(int argc, char **argv)
{
	size_t calls = argc > 1 ? (size_t)atoi(argv[1]) : CALLS_MAX;
	struct descriptors descriptors;

	if (calls < 100 || calls > CALLS_MAX)
		return 2;
	descriptors_raise(2 * CALLS_MAX);
	descriptors_read(&descriptors);
	if (descriptors.limit > 0 && calls > (size_t)(descriptors.limit - 512) / 2)
		calls = (size_t)(descriptors.limit - 512) / 2;
	printf("a session is %zu bytes, in the paired layout %zu\n", sizeof(struct media_session),
	       sizeof(struct media_session) + MEDIA_SIDES * sizeof(struct relay_side));
	measure_ready(calls);
	measure_cold(calls / 4, MEDIA_COMPACT, "bound when asked for");
	measure_cold(calls / 4, MEDIA_PAIRED, "the same, paired layout");
	return 0;
}
