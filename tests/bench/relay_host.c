/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media relay alone, for relay.py: opens sessions between two lines of endpoints, prints
 * "index port-for-a port-for-b" a line and an empty one, and runs until its input ends.
 *
 * usage: relay_host LOCAL CALLS A-BASE B-BASE PORT THREADS [fast|steer [BUSY-POLL-US]]
 * Endpoint i of a line has the address base + i and the port PORT. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switchd/media/media_fast.h"
#include "switchd/media/media_private.h"

static struct addr endpoint(const struct addr *base, uint32_t index, uint16_t port)
{
	struct addr addr = *base;
	uint32_t ip = (uint32_t)addr.ip[0] << 24 | (uint32_t)addr.ip[1] << 16 |
		      (uint32_t)addr.ip[2] << 8 | addr.ip[3];

	ip += index;
	for (int i = 0; i < 4; i++)
		addr.ip[i] = (uint8_t)(ip >> (24 - 8 * i));
	addr.port = port;
	return addr;
}

static int open_calls(struct media *media, const struct addr *local, const struct addr bases[2],
		      uint32_t calls, uint16_t port)
{
	for (uint32_t i = 0; i < calls; i++) {
		struct media_session *session;

		if (media_open(media, local, local, &session) != VOS_OK) {
			fprintf(stderr, "relay_host: no port for call %u\n", i);
			return 1;
		}
		for (int side = 0; side < MEDIA_SIDES; side++) {
			struct addr addr = endpoint(&bases[side], i, port);
			struct media_peer peer = {.rtp = addr, .rtcp = addr, .signalling = addr};

			media_set_peer(session, (enum media_side)side, &peer);
		}
		printf("%u %u %u\n", i, media_port(session, MEDIA_A), media_port(session, MEDIA_B));
	}
	printf("\n");
	fflush(stdout);
	return 0;
}

static int use_fast_path(struct media *media, const struct addr *local,
			 const struct ports_options *ports)
{
	const struct fast_options options = {.low = ports->low,
					     .high = ports->high,
					     .locals = {*local},
					     .local_count = 1,
					     .use_xdp = true};
	struct vos_fault fault = {0};

	if (media_fast_use(media_fast_of(media), &options, &fault) == VOS_OK)
		return 0;
	fprintf(stderr, "relay_host: no fast path: %s\n", fault.text);
	return 1;
}

static void print_status(struct media *media)
{
	struct media_status status;
	struct media_fast_status fast;

	media_status(media, &status);
	media_fast_path(media, &fast);
	fprintf(stderr,
		"relayed %llu, of these %llu by the kernel, %llu in the driver, dropped %llu\n",
		(unsigned long long)status.packets, (unsigned long long)fast.packets,
		(unsigned long long)fast.xdp_packets, (unsigned long long)status.dropped);
}

int main(int argc, char **argv)
{
	const struct ports_options options = {.low = 10000,
					      .high = 39999,
					      .tos = 0xa0,
					      .ready_target = PORTS_READY_TARGET,
					      .rest_us = PORTS_REST_US};
	struct addr local;
	struct addr bases[2];
	struct vos_fault fault = {0};
	struct media *media;
	char byte;

	if (argc < 7 || !addr_parse(span_of(argv[1]), &local) ||
	    !addr_parse(span_of(argv[3]), &bases[0]) || !addr_parse(span_of(argv[4]), &bases[1])) {
		fprintf(stderr,
			"usage: relay_host LOCAL CALLS A-BASE B-BASE PORT THREADS [fast|steer]\n");
		return 2;
	}
	if (media_create_with(NULL, &options, atoi(argv[6]), &media, &fault) != VOS_OK) {
		fprintf(stderr, "relay_host: %s\n", fault.text);
		return 1;
	}
	if (argc > 7 && strcmp(argv[7], "fast") == 0 && use_fast_path(media, &local, &options))
		return 1;
	if (argc > 7 && strcmp(argv[7], "steer") == 0 && media_steer(media, &fault) != VOS_OK) {
		fprintf(stderr, "relay_host: no steering: %s\n", fault.text);
		return 1;
	}
	if (argc > 8)
		media_set_busy_poll(media, atoi(argv[8]));
	if (open_calls(media, &local, bases, (uint32_t)atoi(argv[2]), (uint16_t)atoi(argv[5])))
		return 1;
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	print_status(media);
	media_destroy(media);
	return 0;
}
