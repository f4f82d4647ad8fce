/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the keepalive list costs at 10,000 to 1,000,000 devices: memory, a turn, add, change,
 * remove; and how long a signalling thread is kept by sending. Prints tables and judges nothing;
 * figures of a row that are those of the row above are what O(1) looks like, but for the caches. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared/config/change.h"
#include "switchd/sip/location.h"
#include "switchd/sip/probe.h"
#include "switchd/sip/worker.h"

#define BATCH  PROBE_BATCH /* as the sender asks for */
#define LISTEN "127.0.0.1:25060"

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static struct keepalive_device device(uint32_t number, bool is_probed)
{
	return (struct keepalive_device){
		.address = {.family = ADDR_IP4,
			    .ip = {10, (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				   (uint8_t)number},
			    .port = 5060},
		.is_probed = is_probed,
		.owner = number,
	};
}

/* All devices in an order of their own, so that memory is met as it is in a switch that has run for
 * long. */
static void shuffle(keepalive_id *ids, uint32_t count)
{
	for (uint32_t i = count - 1; i > 0; i--) {
		uint32_t j = (uint32_t)(drand48() * (i + 1));
		keepalive_id id = ids[i];

		ids[i] = ids[j];
		ids[j] = id;
	}
}

/* A round as one burst; nanoseconds a device, and of the longest single call. */
static void run_round(struct keepalive *keepalive, const struct snapshot *config, uint64_t at_us,
		      double *a_device, uint64_t *longest)
{
	struct keepalive_target targets[BATCH];
	uint64_t start_ns = now_ns();
	uint64_t last_ns = start_ns;
	uint64_t wait_us;
	uint64_t sent = 0;
	size_t count;

	*longest = 0;
	do {
		uint64_t ns;

		count = keepalive_turn(keepalive, config, at_us, targets, BATCH, &wait_us);
		sent += count;
		ns = now_ns();
		if (ns - last_ns > *longest)
			*longest = ns - last_ns;
		last_ns = ns;
	} while (count == BATCH);
	*a_device = (double)(last_ns - start_ns) / (double)sent;
}

static void measure(uint32_t count, const struct snapshot *config, bool is_probed)
{
	keepalive_id *ids = calloc(count, sizeof(*ids));
	struct keepalive_status status;
	struct keepalive *keepalive;
	uint64_t add_ns, change_ns, remove_ns, longest;
	double a_device;

	if (!ids || keepalive_create(&keepalive) != VOS_OK)
		exit(1);
	add_ns = now_ns();
	for (uint32_t i = 0; i < count; i++) {
		struct keepalive_device one = device(i, is_probed);

		ids[i] = keepalive_add(keepalive, &one);
	}
	add_ns = now_ns() - add_ns;
	keepalive_status(keepalive, config, 0, &status);
	/* Half of them go and come again elsewhere. */
	shuffle(ids, count);
	for (uint32_t i = 0; i < count / 2; i++)
		keepalive_remove(keepalive, ids[i]);
	for (uint32_t i = 0; i < count / 2; i++) {
		struct keepalive_device one = device(i, is_probed);

		ids[i] = keepalive_add(keepalive, &one);
	}
	run_round(keepalive, config, 1000000000u, &a_device, &longest);
	run_round(keepalive, config, 2000000000u, &a_device, &longest);
	shuffle(ids, count);
	change_ns = now_ns();
	for (uint32_t i = 0; i < count; i++) {
		struct keepalive_device one = device(i, is_probed);

		keepalive_change(keepalive, ids[i], &one);
	}
	change_ns = now_ns() - change_ns;
	remove_ns = now_ns();
	for (uint32_t i = 0; i < count; i++)
		keepalive_remove(keepalive, ids[i]);
	remove_ns = now_ns() - remove_ns;
	printf("%-8s %9u %9.1f %12.0f %14llu %9.0f %9.0f %9.0f\n",
	       is_probed ? "options" : "message", count,
	       (double)status.memory_bytes / (double)count, a_device, (unsigned long long)longest,
	       (double)add_ns / count, (double)change_ns / count, (double)remove_ns / count);
	keepalive_destroy(keepalive);
	free(ids);
}

static void need(bool is_good)
{
	if (!is_good)
		exit(1);
}

static void add_change(struct change_list *list, struct change change, const char *key)
{
	change.key = strdup(key);
	need(change.key && change_list_add(list, &change) == VOS_OK);
}

/* A burst takes everybody; one listen address on loopback. */
static struct snapshot *settings(void)
{
	struct snapshot *base = snapshot_new_empty();
	struct snapshot *after = NULL;
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct change udp = {.op = CHANGE_FIELD_SET,
			     .kind = OBJECT_LISTEN,
			     .field = FIELD_LISTEN_UDP,
			     .value = {.type = VALUE_ADDRESS}};

	need(base && addr_parse(SPAN_LIT(LISTEN), &udp.value.address));
	add_change(&list,
		   (struct change){
			   .op = CHANGE_PARAM_SET,
			   .param = PARAM_SS_SIP_NAT_KEEP_ALIVE_SEND_ONE_TIME,
			   .value = {.type = VALUE_INT, .number = 1000000},
		   },
		   "");
	add_change(&list, (struct change){.op = CHANGE_OBJECT_CREATE, .kind = OBJECT_LISTEN},
		   "bench");
	add_change(&list, udp, "bench");
	need(snapshot_apply(base, &list, 2, &after, &fault) == VOS_OK);
	change_list_clear(&list);
	snapshot_unref(base);
	return after;
}

/* --- A signalling thread that sends. --- */

static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* Phones behind one port of loopback that nobody reads. */
static void register_phones(struct location *location, const struct addr *local, uint16_t port,
			    bool is_probed, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct binding binding = {
			.keepalive_kind = is_probed ? WORD_PHONE_KEEPALIVE_OPTIONS
						    : WORD_PHONE_KEEPALIVE_MESSAGE,
			.source = {.family = ADDR_IP4, .ip = {127, 0, 0, 1}, .port = port},
			.local = *local,
			.is_nat = true,
			.expires_ms = location_now_ms(location) + 3600000,
		};

		snprintf(binding.user, sizeof(binding.user), "%u", 1000000 + i);
		snprintf(binding.contact, sizeof(binding.contact), "sip:%u@10.9.8.7:5060",
			 1000000 + i);
		need(location_restore(location, &binding, 0) == VOS_OK);
	}
}

/* A round in turns as a signalling thread takes them; CPU time, which other programs do not
 * lengthen. */
static void measure_turns(struct sip_worker *worker, uint32_t count, bool is_probed)
{
	struct keepalive_sender sender = {0};
	uint64_t start_us = cpu_us();
	uint64_t longest = 0;
	uint64_t wait_us;
	unsigned turns = 0;
	unsigned over_1_ms = 0;

	do {
		uint64_t turn_us = cpu_us();

		wait_us = keepalive_send(worker, &sender);
		turn_us = cpu_us() - turn_us;
		if (turn_us > longest)
			longest = turn_us;
		over_1_ms += turn_us > 1000;
		turns++;
	} while (wait_us <= 1000);
	printf("%-8s %9u %9u %14llu %9u %12.2f\n", is_probed ? "options" : "message", count, turns,
	       (unsigned long long)longest, over_1_ms, (double)(cpu_us() - start_us) / count);
}

static void measure_sending(struct conf *conf, uint32_t count, bool is_probed)
{
	struct sip_worker *workers[1] = {NULL};
	struct sip_shared shared = {.workers = workers, .worker_count = 1};
	struct sockaddr_in sink = {.sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	socklen_t len = sizeof(sink);
	struct vos_fault fault;

	need(fd >= 0 && bind(fd, (struct sockaddr *)&sink, len) == 0 &&
	     getsockname(fd, (struct sockaddr *)&sink, &len) == 0);
	need(keepalive_create(&shared.keepalive) == VOS_OK &&
	     location_create(shared.keepalive, &shared.location) == VOS_OK &&
	     worker_create(&shared, 0, conf, &workers[0], &fault) == VOS_OK);
	register_phones(shared.location, &workers[0]->sockets[0].local, ntohs(sink.sin_port),
			is_probed, count);
	measure_turns(workers[0], count, is_probed);
	worker_destroy(workers[0]);
	location_destroy(shared.location);
	keepalive_destroy(shared.keepalive);
	close(fd);
}

int main(void)
{
	static const uint32_t counts[] = {10000, 100000, 1000000};
	struct snapshot *config = settings();
	struct vos_fault fault = {0};
	struct secret_key key;
	struct conf *conf;

	printf("%-8s %9s %9s %12s %14s %9s %9s %9s\n", "kind", "devices", "bytes", "turn ns/dev",
	       "longest ns", "add ns", "change ns", "remove ns");
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		for (int probed = 0; probed < 2; probed++)
			measure(counts[i], config, probed);
	secret_key_random(&key);
	need(conf_build(config, &key, NULL, &conf, &fault) == VOS_OK); /* takes the reference */
	printf("\n%-8s %9s %9s %14s %9s %12s\n", "sent", "devices", "turns", "longest us CPU",
	       "> 1 ms", "us CPU/dev");
	for (int probed = 0; probed < 2; probed++)
		measure_sending(conf, 100000, probed);
	conf_unref(conf);
	return 0;
}
