/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTP through a relay at a given rate, for relay.py: both parties of many calls, made and counted
 * within the kernel (kload.bpf.c), so that one core keeps any relay on another core busy.
 *
 * usage: kload INTERFACE RELAY-MAC RELAY-IP MAP CALLS A-BASE B-BASE PORT SECONDS RATE [xdp]
 *        kload stamp|turn INTERFACE
 * MAP has a line "index port-for-a port-for-b" for each call; endpoint i of a line is base + i,
 * PORT; a port for a or b that is 0 has its packets come back as they were sent. First every stream
 * speaks slowly, until the relay may know it well. Prints "sent N received M wrong W p50 US p99 US
 * inside50 US inside99 US": the last two since packets came to the relay's interface, where a kload
 * stamps them. With xdp it counts in the driver of INTERFACE. One that turns them there is a cable
 * without relay; both end with their input. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "tests/bench/kload.h"

/* Of newer headers than those of Debian 12. */
#define ATTACH_TCX_INGRESS 46
#define ATTACH_BEFORE      (1u << 3)

#define FRAME_BYTES (14 + 20 + 8 + KLOAD_RTP_BYTES)
#define HEAD_BYTES  (14 + 20 + 8 + 28)
#define WARM_ROUNDS 80
#define WARM_RATE   50000
#define BATCH       16 /* frames handed over at once, as a network card's interrupt would */

__asm__(".section .rodata\n"
	".balign 8\n"
	"kload_object:\n"
	".incbin \"" KLOAD_OBJECT "\"\n"
	"kload_object_end:\n"
	".byte 0\n"
	".previous\n");
extern const char kload_object[];
extern const char kload_object_end[];

struct load {
	volatile struct kload_state *state;
	struct kload_stream *streams;
	int make_fd;
	int count_fd;
	int count_xdp_fd;
	uint8_t frame[FRAME_BYTES];
};

static void die(const char *what)
{
	fprintf(stderr, "kload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint32_t ip_of(const char *text)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		die(text);
	return ntohl(in.s_addr);
}

static void *map_of(struct bpf_object *object, const char *name, size_t bytes)
{
	int fd = bpf_object__find_map_fd_by_name(object, name);
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (at == MAP_FAILED)
		die(name);
	return at;
}

static int program_of(const struct bpf_object *object, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(object, name));
}

static struct bpf_object *open_object(void)
{
	struct bpf_object *object =
		bpf_object__open_mem(kload_object, (size_t)(kload_object_end - kload_object), NULL);

	if (!object || bpf_object__load(object) < 0)
		die("load");
	return object;
}

static void open_programs(struct load *load)
{
	struct bpf_object *object = open_object();

	load->make_fd = program_of(object, "kload_make");
	load->count_fd = program_of(object, "kload_count");
	load->count_xdp_fd = program_of(object, "kload_count_xdp");
	load->state = map_of(object, "state_of", sizeof(*load->state));
	load->streams = map_of(object, "streams", KLOAD_STREAMS_MAX * sizeof(*load->streams));
}

static void attach_counter(const struct load *load, unsigned device, bool by_xdp)
{
	DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)device,
			    .attach_point = BPF_TC_INGRESS);
	DECLARE_LIBBPF_OPTS(bpf_tc_opts, filter, .prog_fd = load->count_fd, .handle = 1,
			    .priority = 1, .flags = BPF_TC_F_REPLACE);

	if (by_xdp) {
		if (bpf_link_create(load->count_xdp_fd, (int)device, BPF_XDP, NULL) < 0)
			die("attach");
		return;
	}
	(void)bpf_tc_hook_create(&hook);
	if (bpf_tc_attach(&hook, &filter) < 0)
		die("attach");
}

static void fill_state(struct load *load, char **argv)
{
	volatile struct kload_state *state = load->state;
	struct ifreq request = {0};
	unsigned mac[6];
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", argv[1]);
	if (ioctl(fd, SIOCGIFHWADDR, &request) < 0 ||
	    sscanf(argv[2], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
		   &mac[5]) != 6)
		die(argv[1]);
	close(fd);
	for (int i = 0; i < 6; i++) {
		state->source_mac[i] = (uint8_t)request.ifr_hwaddr.sa_data[i];
		state->relay_mac[i] = (uint8_t)mac[i];
	}
	state->device = if_nametoindex(argv[1]);
	state->stream_count = 2 * (uint32_t)atoi(argv[5]);
	for (int i = HEAD_BYTES; i < FRAME_BYTES; i++)
		load->frame[i] = (uint8_t)(0xd5 ^ i);
	for (int i = HEAD_BYTES; i < FRAME_BYTES; i += 2)
		state->payload_sum += (uint32_t)load->frame[i] | (uint32_t)load->frame[i + 1] << 8;
}

static void fill_streams(struct load *load, char **argv)
{
	const uint32_t bases[2] = {ip_of(argv[6]), ip_of(argv[7])};
	FILE *map = fopen(argv[4], "r");
	unsigned index;
	unsigned ports[2];

	if (!map)
		die(argv[4]);
	while (fscanf(map, "%u %u %u", &index, &ports[0], &ports[1]) == 3) {
		for (unsigned side = 0; side < 2 && index < KLOAD_STREAMS_MAX / 2; side++)
			load->streams[2 * index + side] = (struct kload_stream){
				.ip = bases[side] + index,
				.relay_ip = ip_of(argv[3]),
				.port = (uint16_t)atoi(argv[8]),
				.relay_port = (uint16_t)ports[side],
			};
	}
	fclose(map);
}

static void on_alarm(int number)
{
	(void)number;
}

/* One system call that a signal ends; its frames go on until then. */
static void run(const struct load *load, double seconds)
{
	struct itimerval timer = {
		.it_value = {(time_t)seconds,
			     (suseconds_t)((seconds - (double)(time_t)seconds) * 1e6)},
		.it_interval = {0, 20000}};
	struct xdp_md context = {.data_end = FRAME_BYTES};
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = load->frame,
			    .data_size_in = FRAME_BYTES, .ctx_in = &context,
			    .ctx_size_in = sizeof(context), .repeat = 2000000000,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);
	int failed;

	load->state->is_on = 1;
	setitimer(ITIMER_REAL, &timer, NULL);
	failed = bpf_prog_test_run_opts(load->make_fd, &options);
	timer = (struct itimerval){0};
	setitimer(ITIMER_REAL, &timer, NULL);
	load->state->is_on = 0;
	if (failed && failed != -EINTR)
		die("run");
	/* What is under way. */
	usleep(200000);
}

static void set_rate(const struct load *load, double rate, uint64_t limit)
{
	volatile struct kload_state *state = load->state;

	state->gap_ns = (uint64_t)(1e9 / rate);
	state->next_ns = now_ns();
	state->sent = state->received = state->wrong = 0;
	state->limit = limit;
	for (int i = 0; i < KLOAD_BUCKETS; i++)
		state->delays[i] = state->inside[i] = 0;
}

static double delay_us(const volatile uint32_t *delays, double part)
{
	uint64_t rest = 0;

	for (unsigned i = 0; i < KLOAD_BUCKETS; i++)
		rest += delays[i];
	rest = (uint64_t)(part * (double)rest);
	for (unsigned i = 0; i < KLOAD_BUCKETS; i++) {
		unsigned octave = i / KLOAD_STEPS;
		uint64_t count = delays[i];

		if (rest < count)
			return octave == 0 ? i / 1000.0
					   : (double)((uint64_t)(KLOAD_STEPS + i % KLOAD_STEPS)
						      << (octave - 1)) /
						     1000;
		rest -= count;
	}
	return 0;
}

/* Before all others there (Linux 6.6), until the input ends. */
static int stay_at(const char *what, const char *interface)
{
	const struct bpf_object *object = open_object();
	union bpf_attr attr = {0};
	char byte;

	attr.link_create.prog_fd =
		(uint32_t)program_of(object, strcmp(what, "turn") ? "kload_stamp" : "kload_turn");
	attr.link_create.target_ifindex = if_nametoindex(interface);
	attr.link_create.attach_type = ATTACH_TCX_INGRESS;
	attr.link_create.flags = ATTACH_BEFORE;
	if (syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr)) < 0)
		die("attach");
	printf("ready\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_alarm};
	struct load load = {0};
	uint64_t warm;

	if (argc == 3)
		return stay_at(argv[1], argv[2]);
	if (argc < 11) {
		fprintf(stderr, "usage: kload INTERFACE RELAY-MAC RELAY-IP MAP CALLS A-BASE B-BASE "
				"PORT SECONDS RATE [xdp], or stamp|turn INTERFACE\n");
		return 2;
	}
	sigaction(SIGALRM, &action, NULL);
	open_programs(&load);
	fill_state(&load, argv);
	fill_streams(&load, argv);
	attach_counter(&load, load.state->device, argc > 11);
	warm = (uint64_t)WARM_ROUNDS * load.state->stream_count;
	set_rate(&load, WARM_RATE, warm);
	while (load.state->sent < warm)
		run(&load, 0.5);
	set_rate(&load, atof(argv[10]), 0);
	run(&load, atof(argv[9]));
	printf("sent %llu received %llu wrong %llu p50 %.1f p99 %.1f inside50 %.1f inside99 %.1f\n",
	       (unsigned long long)load.state->sent, (unsigned long long)load.state->received,
	       (unsigned long long)load.state->wrong, delay_us(load.state->delays, 0.5),
	       delay_us(load.state->delays, 0.99), delay_us(load.state->inside, 0.5),
	       delay_us(load.state->inside, 0.99));
	return 0;
}
