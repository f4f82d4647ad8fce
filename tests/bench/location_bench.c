/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The location table at size: memory, rates, the turns that expire, storage and start.
 *
 * location_bench [bindings [folder]] - prints figures and judges nothing. Memory is what the
 * process grows by in resident pages, keepalive entries of all bindings included. With a folder
 * (which must not exist) the bindings are stored there and loaded again. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"
#include "switchd/store/store.h"

#define STEPS     10u
#define LIFE_MS   3600000
#define BURST     10000u
#define SLICE     256u /* as the signalling thread has it */
#define SLICES    100000u
#define SAMPLES_S 20

static const struct log quiet = {.fd = 2, .threshold = LOG_LEVEL_WARNING};

static double clock_us(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

/* What others do with the processor meanwhile does not count. */
static double work_us(void)
{
	return clock_us(CLOCK_THREAD_CPUTIME_ID);
}

static size_t resident(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file)
		return 0;
	if (fscanf(file, "%*s %lu", &pages) != 1)
		pages = 0;
	fclose(file);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A phone behind NAT as most are: a contact of some 40 bytes, a usual User-Agent. */
static void fill(struct location_update *update, unsigned number, uint32_t cseq, int64_t now_ms,
		 int64_t life_ms)
{
	struct binding *binding = &update->binding;

	snprintf(binding->user, sizeof(binding->user), "8613%07u", number);
	snprintf(binding->contact, sizeof(binding->contact), "sip:%s@192.168.1.%u:5060;ob",
		 binding->user, number % 250 + 1);
	snprintf(binding->user_agent, sizeof(binding->user_agent), "Softphone 1.2.3-45.6");
	binding->source =
		(struct addr){.family = ADDR_IP4, .port = (uint16_t)(1024 + number % 60000)};
	binding->source.ip[0] = 100;
	binding->source.ip[1] = (uint8_t)(number >> 16);
	binding->source.ip[2] = (uint8_t)(number >> 8);
	binding->source.ip[3] = (uint8_t)number;
	(void)addr_parse(SPAN_LIT("192.0.2.1:5060"), &binding->local);
	binding->socket_index = 0;
	binding->is_nat = true;
	binding->q_thousandths = 1000;
	binding->call_id_hash = number * 0x9e3779b97f4a7c15u;
	binding->cseq = cseq;
	binding->registered_ms = now_ms;
	binding->expires_ms = now_ms + life_ms;
}

/* Numbers in an order that is not the table's. */
static unsigned shuffled(unsigned i, unsigned count)
{
	return (unsigned)((uint64_t)i * 7919u % count);
}

static void put(struct location *location, unsigned number, uint32_t cseq, int64_t now_ms,
		int64_t life_ms)
{
	static const struct location_rule rule = {.addresses = 1, .replaces = true};
	static struct location_update update;

	fill(&update, number, cseq, now_ms, life_ms);
	if (location_update(location, span_of(update.binding.user), &update, 1, &rule, now_ms) !=
	    LOCATION_OK)
		abort();
}

static void drop_user(void *context, const char *user, const struct binding *bindings, size_t count)
{
	(void)user;
	(void)bindings;
	*(size_t *)context += count;
}

static void drain(struct location *location)
{
	size_t count = 0;

	while (location_drain_dirty(location, 10000, drop_user, &count))
		;
}

static struct location *make(struct keepalive **keepalive)
{
	struct location *location;

	if (keepalive_create(keepalive) || location_create(*keepalive, &location))
		abort();
	return location;
}

/* In steps, so that a rate which falls is seen. */
static void run_all(struct location *location, unsigned count, uint32_t cseq, int64_t now_ms,
		    const char *what)
{
	unsigned step = count / STEPS;

	printf("%s, ns each, by tenths:", what);
	for (unsigned i = 0; i < STEPS; i++) {
		double start = work_us();

		for (unsigned j = 0; j < step; j++)
			put(location, shuffled(i * step + j, count), cseq, now_ms,
			    LIFE_MS + (int64_t)(j % 3600) * 1000);
		printf(" %.0f", (work_us() - start) * 1e3 / step);
		drain(location);
	}
	printf("\n");
}

/* The one that met a growing table. */
static void run_longest(unsigned count)
{
	struct keepalive *keepalive;
	struct location *location = make(&keepalive);
	int64_t now_ms = location_now_ms(location);
	double longest = 0;

	for (unsigned i = 0; i < count; i++) {
		double start = work_us();
		double took;

		put(location, shuffled(i, count), 1, now_ms, LIFE_MS);
		took = work_us() - start;
		if (took > longest)
			longest = took;
	}
	printf("longest registration of %u: %.0f us\n", count, longest);
	location_destroy(location);
	keepalive_destroy(keepalive);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_spread(const char *what, double *samples, size_t count)
{
	qsort(samples, count, sizeof(*samples), by_size);
	if (count)
		printf("%s: %zu turns, median %.0f us, p99 %.0f us, longest %.0f us\n", what, count,
		       samples[count / 2], samples[count * 99 / 100], samples[count - 1]);
}

static size_t expire_in_turns(struct location *location, int64_t now_ms, double *samples,
			      size_t *count)
{
	size_t expired = 0;
	bool is_more = true;

	while (is_more && *count < SLICES) {
		double start = work_us();

		is_more = location_expire_slice(location, now_ms, SLICE, &expired);
		samples[(*count)++] = work_us() - start;
	}
	return expired;
}

static void run_expiry(struct location *location, unsigned count, int64_t now_ms)
{
	static double samples[SLICES];
	size_t turns = 0;
	size_t expired;

	expire_in_turns(location, now_ms, samples, &turns);
	/* Seconds in which none expires, but the wheel comes by. */
	turns = 0;
	for (int s = 1; s <= SAMPLES_S; s++)
		expire_in_turns(location, now_ms + 1000 * s, samples, &turns);
	print_spread("seconds without expiry", samples, turns);
	/* All these expire in one second. */
	for (unsigned i = 0; i < BURST && i < count; i++)
		put(location, shuffled(i, count), 3, now_ms + 30000, 20000);
	turns = 0;
	for (int s = 21; s < 50; s++)
		expire_in_turns(location, now_ms + 1000 * s, samples, &turns);
	turns = 0;
	expired = expire_in_turns(location, now_ms + 50000, samples, &turns);
	printf("%zu expire at once; ", expired);
	print_spread("turns of 256", samples, turns);
	drain(location);
	for (unsigned i = 0; i < BURST && i < count; i++)
		put(location, shuffled(i, count), 4, now_ms + 50000, LIFE_MS);
	/* The whole table. */
	turns = 0;
	expired = expire_in_turns(location, now_ms + 3 * LIFE_MS, samples, &turns);
	printf("%zu expire at once; ", expired);
	print_spread("turns of 256", samples, turns);
	drain(location);
}

static void run_find(struct location *location, unsigned count, int64_t now_ms)
{
	struct binding out[LOCATION_CONTACTS_MAX];
	double start = work_us();
	size_t found = 0;
	struct addr source;
	char user[32];

	for (unsigned i = 0; i < count; i++) {
		snprintf(user, sizeof(user), "8613%07u", shuffled(i, count));
		found += location_find(location, span_of(user), now_ms, out, LOCATION_CONTACTS_MAX);
	}
	printf("lookup: %.0f ns, %zu found\n", (work_us() - start) * 1e3 / count, found);
	start = work_us();
	found = 0;
	(void)addr_parse(SPAN_LIT("100.0.0.1:5060"), &source);
	for (unsigned i = 0; i < count; i++) {
		source.ip[1] = (uint8_t)(i * 5 >> 16);
		source.ip[2] = (uint8_t)(i * 5 >> 8);
		source.ip[3] = (uint8_t)(i * 5);
		found += location_source_is_registered(location, &source);
	}
	printf("is this source registered: %.0f ns, %zu are\n", (work_us() - start) * 1e3 / count,
	       found);
}

static void run_store(unsigned count, const char *folder)
{
	struct keepalive *keepalive;
	struct location *location = make(&keepalive);
	struct vos_fault fault = {0};
	struct store *store;
	size_t restored = 0;
	double start;
	int64_t now_ms = location_now_ms(location);

	if (store_open(&quiet, folder, &store, &fault)) {
		fprintf(stderr, "%s\n", fault.text);
		exit(1);
	}
	for (unsigned i = 0; i < count; i++)
		put(location, shuffled(i, count), 1, now_ms, LIFE_MS);
	start = now_us();
	if (store_thread_start(store, location))
		abort();
	store_thread_stop(store);
	printf("stored: %.2f s\n", (now_us() - start) / 1e6);
	/* The first second of a refresh wave: 10,000 that lie anywhere. */
	for (unsigned i = 0; i < BURST && i < count; i++)
		put(location, shuffled(i * 3, count), 2, now_ms, LIFE_MS);
	start = now_us();
	if (store_thread_start(store, location))
		abort();
	store_thread_stop(store);
	printf("%u of them again: %.2f s\n", BURST, (now_us() - start) / 1e6);
	store_close(store);
	location_destroy(location);
	keepalive_destroy(keepalive);

	start = now_us();
	if (store_open(&quiet, folder, &store, &fault))
		abort();
	printf("opened: %.2f s\n", (now_us() - start) / 1e6);
	location = make(&keepalive);
	start = now_us();
	if (store_load_bindings(store, location, now_ms, &restored))
		abort();
	printf("loaded: %.2f s, %zu bindings\n", (now_us() - start) / 1e6, restored);
	store_close(store);
	location_destroy(location);
	keepalive_destroy(keepalive);
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1000000;
	struct keepalive *keepalive;
	struct location *location = make(&keepalive);
	int64_t now_ms = location_now_ms(location) / 1000 * 1000;
	size_t before = resident();
	size_t grown;

	setvbuf(stdout, NULL, _IOLBF, 0);
	run_all(location, count, 1, now_ms, "new registrations");
	grown = resident() - before;
	printf("memory: %zu bytes resident a binding, of them %zu in the table (%zu KiB empty)\n",
	       grown / count, location_memory(location) / count, before / 1024);
	run_all(location, count, 2, now_ms, "refreshes");
	run_find(location, count, now_ms);
	run_expiry(location, count, now_ms);
	location_destroy(location);
	keepalive_destroy(keepalive);
	run_longest(count);
	if (argc > 2)
		run_store(count, argv[2]);
	return 0;
}
