/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same tests of the relay on all of its paths, with phones across a cable between two network
 * namespaces of the test's own, or on the loopback of the first. Without the rights for that, or
 * for the program in the kernel, what needs them is skipped. */
#include "tests/support/test.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/media/fast_private.h"
#include "switchd/media/media_fast.h"
#include "switchd/media/media_private.h"
#include "switchd/media/relay.h"
#include "tests/support/phone.h"

#define RTP_BYTES 172
/* More than go through switchd before a stream is left to the kernel. */
#define SETTLED 70
/* Until something that has to come is called missing. */
#define PATIENCE_US UINT64_C(20000000)

#define UNTIL(condition)                                                                     \
	for (uint64_t limit_us = clock_mono_us() + PATIENCE_US; !(condition); sched_yield()) \
	assert_true(clock_mono_us() < limit_us)

struct variant {
	const char *local_a;
	const char *local_b;
	const char *phone_a;
	const char *phone_b;
	const char *evil; /* of A's family */
	bool is_fast;
	bool use_clsact;
	bool is_crossed; /* two families: switchd's, even with a fast path */
	bool is_loopback;
	bool is_steered;
	bool is_unraw; /* switchd has no right to raw sockets */
	bool is_xdp;
	bool is_unsummed; /* phones leave checksums to a network card, which there is none */
};

/* clang-format off */
#define IP4          "10.0.0.1", "10.0.0.1", "10.0.0.11", "10.0.0.12", "10.0.0.66"
#define IP6          "fd00::1", "fd00::1", "fd00::11", "fd00::12", "fd00::66"
#define IP4_TO_IP6   "10.0.0.1", "fd00::1", "10.0.0.11", "fd00::12", "10.0.0.66"
#define IP6_TO_IP4   "fd00::1", "10.0.0.1", "fd00::11", "10.0.0.12", "fd00::66"
#define LOOPBACK     "127.0.0.1", "127.0.0.1", "127.0.0.11", "127.0.0.12", "127.0.0.66"

static const struct variant IP4_SLOW = {IP4, .is_fast = false};
static const struct variant IP4_FAST = {IP4, .is_fast = true};
static const struct variant IP4_CLSACT = {IP4, .is_fast = true, .use_clsact = true};
static const struct variant IP6_SLOW = {IP6, .is_fast = false};
static const struct variant IP6_FAST = {IP6, .is_fast = true};
static const struct variant CROSSED_SLOW = {IP4_TO_IP6, .is_crossed = true};
static const struct variant CROSSED_FAST = {IP6_TO_IP4, .is_fast = true, .is_crossed = true};
static const struct variant LOOPBACK_FAST = {LOOPBACK, .is_fast = true, .is_loopback = true};
static const struct variant IP4_STEERED = {IP4, .is_steered = true};
static const struct variant IP4_UNRAW = {IP4, .is_steered = true, .is_unraw = true};
static const struct variant IP6_STEERED = {IP6, .is_steered = true};
static const struct variant CROSSED_STEERED = {IP4_TO_IP6, .is_crossed = true, .is_steered = true};
static const struct variant LOOPBACK_STEERED = {LOOPBACK, .is_loopback = true, .is_steered = true};
static const struct variant IP4_BOTH = {IP4, .is_fast = true, .is_steered = true};
static const struct variant IP4_XDP = {IP4, .is_fast = true, .is_xdp = true};
static const struct variant IP6_XDP = {IP6, .is_fast = true, .is_xdp = true};
static const struct variant IP4_UNSUMMED = {IP4, .is_fast = true, .is_xdp = true,
					    .is_unsummed = true};
/* clang-format on */

static struct {
	pid_t phones; /* holds their namespace; 0: nothing is possible */
	int own_ns;
	int phones_ns;
} world;

/* --- The world. --- */

static void do_command(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static pid_t hold_namespace(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static int make_world(void **state)
{
	char command[2000];
	char path[64];

	(void)state;
	if (system("command -v ip nsenter >/dev/null") != 0 || unshare(CLONE_NEWNET) < 0)
		return 0;
	world.own_ns = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	world.phones = hold_namespace();
	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)world.phones);
	world.phones_ns = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(world.own_ns >= 0 && world.phones_ns >= 0);
	snprintf(command, sizeof(command),
		 "set -e; in='nsenter -t %d -n'; ip link set lo up\n"
		 "ip link add relay0 type veth peer name phone0 netns %d\n"
		 "ip addr add 10.0.0.1/24 dev relay0; ip addr add fd00::1/64 dev relay0 nodad\n"
		 "ip link set relay0 up; $in ip link set phone0 up\n"
		 "for i in 11 12 13 66; do $in ip addr add 10.0.0.$i/24 dev phone0\n"
		 "$in ip addr add fd00::$i/64 dev phone0 nodad; done",
		 (int)world.phones, (int)world.phones);
	do_command(command);
	return 0;
}

static int end_world(void **state)
{
	(void)state;
	if (!world.phones)
		return 0;
	kill(world.phones, SIGKILL);
	waitpid(world.phones, NULL, 0);
	close(world.own_ns);
	close(world.phones_ns);
	return 0;
}

/* --- A call. --- */

struct party {
	struct phone phone;
	struct addr port; /* of the relay's, that it sends to */
	uint32_t ssrc;
	uint16_t sequence;
	uint8_t type;
};

struct call {
	const struct variant *variant;
	struct media *media;
	struct media_session *session;
	struct party a;
	struct party b;
};

static struct phone phone_in(const struct variant *variant, const char *ip)
{
	struct phone phone;

	if (!variant->is_loopback)
		assert_int_equal(setns(world.phones_ns, CLONE_NEWNET), 0);
	phone = phone_new(ip);
	assert_int_equal(setns(world.own_ns, CLONE_NEWNET), 0);
	return phone;
}

static void set_feature(uint32_t command, bool on)
{
	struct ethtool_value value = {.cmd = command, .data = on};
	struct ifreq request = {.ifr_name = "phone0", .ifr_data = (void *)&value};
	int fd;

	assert_int_equal(setns(world.phones_ns, CLONE_NEWNET), 0);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(setns(world.own_ns, CLONE_NEWNET), 0);
	assert_int_equal(ioctl(fd, SIOCETHTOOL, &request), 0);
	close(fd);
}

/* The relay's end of the cable can send by XDP when the other polls, which it does with GRO. */
static void set_cable(const struct variant *variant)
{
	set_feature(ETHTOOL_SGRO, variant->is_xdp);
	set_feature(ETHTOOL_STXCSUM, !variant->is_xdp || variant->is_unsummed);
}

static void use_fast_path(const struct variant *variant, struct media *media)
{
	struct fast_options options = {.low = 20000,
				       .high = 20999,
				       .locals = {phone_address(variant->local_a)},
				       .local_count = 1,
				       .use_clsact = variant->use_clsact,
				       .use_xdp = variant->is_xdp};
	struct media_fast_status status;
	struct vos_fault fault = {0};

	if (strcmp(variant->local_a, variant->local_b) != 0)
		options.locals[options.local_count++] = phone_address(variant->local_b);
	set_cable(variant);
	if (media_fast_use(media_fast_of(media), &options, &fault) == VOS_OK) {
		media_fast_path(media, &status);
		assert_true(variant->is_xdp || !status.xdp_devices[0]);
		if (!variant->is_xdp || strcmp(status.xdp_devices, "relay0") == 0)
			return;
		snprintf(fault.text, sizeof(fault.text), "no XDP");
	}
	print_message("no fast path: %s\n", fault.text);
	media_destroy(media);
	skip();
}

/* The media thread gets the rights of the thread that makes it. */
static void set_right_to_raw(bool may)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	const uint32_t bit = UINT32_C(1) << CAP_NET_RAW;

	assert_int_equal(syscall(SYS_capget, &head, data), 0);
	data[0].effective = may ? data[0].effective | bit : data[0].effective & ~bit;
	assert_int_equal(syscall(SYS_capset, &head, data), 0);
}

static struct media *media_for(const struct variant *variant)
{
	struct vos_fault fault = {0};
	struct media *media;

	if (variant->is_unraw)
		set_right_to_raw(false);
	media = relay_new(20000, 20999, 1);
	if (variant->is_unraw)
		set_right_to_raw(true);
	if (variant->is_fast)
		use_fast_path(variant, media);
	if (variant->is_steered && media_steer(media, &fault) != VOS_OK) {
		print_message("no steering: %s\n", fault.text);
		media_destroy(media);
		skip();
	}
	return media;
}

static struct party party_new(struct call *call, enum media_side side, const char *local,
			      const char *ip)
{
	struct party party = {
		.phone = phone_in(call->variant, ip),
		.port = phone_address(local),
		.ssrc = side == MEDIA_A ? 0xaaaa0001 : 0xbbbb0001,
		.sequence = side == MEDIA_A ? 1000 : 65530,
	};

	party.port.port = media_port(call->session, side);
	relay_set_peer(call->session, side, &party.phone);
	return party;
}

static void open_session(struct call *call)
{
	const struct addr local_a = phone_address(call->variant->local_a);
	const struct addr local_b = phone_address(call->variant->local_b);

	assert_int_equal(media_open(call->media, &local_a, &local_b, &call->session), VOS_OK);
}

static struct call call_new(void **state)
{
	struct call call = {.variant = *state};

	if (!world.phones)
		skip();
	call.media = media_for(call.variant);
	open_session(&call);
	call.a = party_new(&call, MEDIA_A, call.variant->local_a, call.variant->phone_a);
	call.b = party_new(&call, MEDIA_B, call.variant->local_b, call.variant->phone_b);
	return call;
}

static void call_end(struct call *call)
{
	media_close(call->session);
	media_destroy(call->media);
	close(call->a.phone.fd);
	close(call->b.phone.fd);
}

/* --- Packets. --- */

static void make_packet(const struct party *party, uint8_t data[RTP_BYTES])
{
	uint32_t timestamp = (uint32_t)party->sequence * 160;

	memset(data, 0, RTP_BYTES);
	data[0] = 0x80;
	data[1] = party->type;
	data[2] = (uint8_t)(party->sequence >> 8);
	data[3] = (uint8_t)party->sequence;
	for (int i = 0; i < 4; i++) {
		data[4 + i] = (uint8_t)(timestamp >> (24 - 8 * i));
		data[8 + i] = (uint8_t)(party->ssrc >> (24 - 8 * i));
	}
	for (int i = 12; i < RTP_BYTES; i++)
		data[i] = (uint8_t)(i * 7 + party->sequence);
}

static void send_to(const struct phone *phone, const struct addr *to, const void *data, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(to, &sa);

	assert_int_equal(sendto(phone->fd, data, len, 0, (struct sockaddr *)&sa, sa_len), len);
}

/* One packet comes through as it is, from the port that the receiver sends to. */
static void pass_one(const struct party *from, const struct party *to)
{
	uint8_t data[RTP_BYTES];
	struct received got;

	make_packet(from, data);
	send_to(&from->phone, &from->port, data, sizeof(data));
	got = phone_receive(&to->phone);
	assert_int_equal(got.len, sizeof(data));
	assert_memory_equal(got.data, data, sizeof(data));
	assert_true(addr_eq(&got.from, &to->port));
	assert_int_equal(got.tos, 0xb8);
}

static void pass(struct party *from, const struct party *to, int count)
{
	for (int i = 0; i < count; i++) {
		pass_one(from, to);
		from->sequence++;
	}
}

static bool goes_fast(const struct call *call)
{
	return call->variant->is_fast && !call->variant->is_crossed;
}

/* Passes packets until the stream is where it belongs. */
static void settle(struct call *call, enum media_side side)
{
	struct party *from = side == MEDIA_A ? &call->a : &call->b;
	const struct party *to = side == MEDIA_A ? &call->b : &call->a;
	uint64_t until_us = clock_mono_us() + PATIENCE_US;

	pass(from, to, SETTLED);
	while (goes_fast(call) && !relay_counters_of(call->session, side).is_fast) {
		assert_true(clock_mono_us() < until_us);
		pass(from, to, 1);
	}
}

static struct media_fast_status status_of(const struct call *call)
{
	struct media_fast_status status;

	media_fast_path(call->media, &status);
	return status;
}

/* Of so many packets since then. One in 256 goes the other way, and of others a few whose checksum
 * looks as if it was to be filled in. */
static void was_by_xdp(const struct call *call, uint64_t before, uint64_t count)
{
	uint64_t found = status_of(call).xdp_packets - before;

	if (!call->variant->is_xdp || call->variant->is_unsummed)
		count = 0;
	assert_in_range(found, count - count / 15, count);
}

static struct media_steering steering_of(const struct call *call)
{
	struct media_steering steering;

	media_steering(call->media, &steering);
	return steering;
}

/* Since then so many packets were steered and, where that is allowed, sent by raw sockets. */
static void wait_for_steered(const struct call *call, uint64_t before, uint64_t count)
{
	uint64_t batched = call->variant->is_unraw ? 0 : before + count;

	assert_int_equal(steering_of(call).packets - before, count);
	UNTIL(steering_of(call).batched == batched);
}

/* --- Tests. --- */

static void streams_settle_and_are_counted(void **state)
{
	struct call call = call_new(state);
	struct media_counters a;
	uint64_t steered;
	uint64_t before;
	uint64_t xdp_before;

	settle(&call, MEDIA_A);
	settle(&call, MEDIA_B);
	/* With B's first packet A's had another place to go to. */
	settle(&call, MEDIA_A);
	before = status_of(&call).packets;
	xdp_before = status_of(&call).xdp_packets;
	steered = steering_of(&call).packets;
	pass(&call.a, &call.b, 100);
	pass(&call.b, &call.a, 50);
	assert_int_equal(status_of(&call).packets - before, goes_fast(&call) ? 150 : 0);
	was_by_xdp(&call, xdp_before, 150);
	wait_for_steered(&call, steered, call.variant->is_steered && !goes_fast(&call) ? 150 : 0);
	WAIT_FOR(call.session, MEDIA_A, packets, (uint16_t)(call.a.sequence - 1000));
	WAIT_FOR(call.session, MEDIA_B, packets, (uint16_t)(call.b.sequence - 65530));
	a = relay_counters_of(call.session, MEDIA_A);
	assert_int_equal(a.is_fast, goes_fast(&call));
	assert_int_equal(a.bytes, a.packets * RTP_BYTES);
	assert_int_equal(a.ssrc, call.a.ssrc);
	assert_true(a.last_us > 0 && a.is_locked);
	/* One stream, whichever way its packets went. */
	assert_int_equal(call.session->sides[MEDIA_A].stats->packets, a.packets);
	assert_int_equal(call.session->sides[MEDIA_A].stats->lost, 0);
	assert_int_equal(call.session->sides[MEDIA_A].stats->late, 0);
	call_end(&call);
}

static void strangers_are_dropped(void **state)
{
	struct call call = call_new(state);
	struct party evil = call.a;
	uint8_t data[RTP_BYTES];

	settle(&call, MEDIA_A);
	evil.phone = phone_in(call.variant, call.variant->evil);
	evil.sequence = call.a.sequence;
	for (int i = 0; i < 100; i++) {
		make_packet(&evil, data);
		send_to(&evil.phone, &evil.port, data, sizeof(data));
		evil.sequence++;
	}
	WAIT_FOR(call.session, MEDIA_A, foreign, 100);
	pass(&call.a, &call.b, 10);
	phone_is_silent(&call.b.phone);
	phone_is_silent(&evil.phone);
	close(evil.phone.fd);
	call_end(&call);
}

static void what_is_unusual_passes_as_well(void **state)
{
	struct call call = call_new(state);
	const uint8_t report[8] = {0x80, 200, 0, 1, 0xaa, 0xaa, 0, 1};
	const struct stream_stats *stats;

	settle(&call, MEDIA_A);
	/* A report; it goes to the peer's port for those. */
	send_to(&call.a.phone, &call.a.port, report, sizeof(report));
	WAIT_FOR(call.session, MEDIA_A, rtcp_packets, 1);
	/* A digit. */
	call.a.type = 101;
	pass(&call.a, &call.b, 3);
	call.a.type = 0;
	pass(&call.a, &call.b, 3);
	/* A gap, of which two come late; one of them twice. */
	call.a.sequence = (uint16_t)(call.a.sequence + 4);
	pass(&call.a, &call.b, 3);
	call.a.sequence = (uint16_t)(call.a.sequence - 5);
	pass(&call.a, &call.b, 2);
	call.a.sequence--;
	pass_one(&call.a, &call.b);
	call.a.sequence = (uint16_t)(call.a.sequence + 4);
	pass(&call.a, &call.b, SETTLED);
	stats = call.session->sides[MEDIA_A].stats;
	assert_int_equal(stats->lost, 2);
	assert_int_equal(stats->late, 2);
	assert_int_equal(stats->duplicates, 1);
	/* A gap that is longer than the history. */
	call.a.sequence = (uint16_t)(call.a.sequence + 200);
	pass(&call.a, &call.b, 3);
	assert_int_equal(stats->lost, 202);
	/* No RTP at all. */
	send_to(&call.a.phone, &call.a.port, "hello", 5);
	WAIT_FOR(call.session, MEDIA_A, malformed, 1);
	call_end(&call);
}

static void packets_follow_a_peer_that_moves(void **state)
{
	struct call call = call_new(state);
	struct party before;

	settle(&call, MEDIA_A);
	settle(&call, MEDIA_B);
	before = call.b;
	call.b.phone = phone_in(call.variant, call.variant->phone_b);
	relay_set_peer(call.session, MEDIA_B, &call.b.phone);
	/* Signalling waits for nothing; the first packet of the new place says that it is done. */
	call.b.ssrc++;
	pass(&call.b, &call.a, 1);
	settle(&call, MEDIA_A);
	settle(&call, MEDIA_B);
	pass(&call.a, &call.b, 20);
	phone_is_silent(&before.phone);
	close(before.phone.fd);
	call_end(&call);
}

struct listener {
	struct relay_work work;
	_Atomic int heard;
};

static bool hear(struct relay_work *work, struct media_thread *thread, struct relay_side *side,
		 struct relay_packet *packet)
{
	(void)thread;
	(void)side;
	(void)packet;
	atomic_fetch_add(&((struct listener *)work)->heard, 1);
	return true;
}

static void end_listener(struct relay_work *work)
{
	(void)work;
}

static uint64_t cpu_us(const struct call *call)
{
	struct media_status status;

	media_status(call->media, &status);
	return status.cpu_us;
}

/* Nothing comes, and the thread works all the same; with the next packet, no more. */
static void a_thread_that_polls_does_not_sleep(void **state)
{
	struct call call = call_new(state);
	uint64_t until_us = clock_mono_us() + PATIENCE_US;
	uint64_t before;

	settle(&call, MEDIA_A);
	media_set_busy_poll(call.media, 100000000);
	pass(&call.a, &call.b, 1);
	before = cpu_us(&call);
	UNTIL(cpu_us(&call) >= before + 5000);
	media_set_busy_poll(call.media, 0);
	pass(&call.a, &call.b, 1);
	do {
		assert_true(clock_mono_us() < until_us);
		before = cpu_us(&call);
		usleep(2000);
	} while (cpu_us(&call) != before);
	pass(&call.a, &call.b, SETTLED);
	call_end(&call);
}

static void work_brings_a_stream_back(void **state)
{
	static const struct relay_work_ops ops = {.packet = hear, .destroy = end_listener};
	struct call call = call_new(state);
	struct listener listener = {.work = {.ops = &ops}};
	uint64_t until_us = clock_mono_us() + PATIENCE_US;
	uint64_t before;

	settle(&call, MEDIA_A);
	media_set_work(call.session, MEDIA_A, RELAY_LISTEN, &listener.work);
	while (atomic_load(&listener.heard) == 0) {
		assert_true(clock_mono_us() < until_us);
		pass(&call.a, &call.b, 1);
	}
	before = status_of(&call).packets;
	atomic_store(&listener.heard, 0);
	pass(&call.a, &call.b, SETTLED);
	assert_int_equal(atomic_load(&listener.heard), SETTLED);
	assert_int_equal(status_of(&call).packets, before);
	media_set_work(call.session, MEDIA_A, RELAY_LISTEN, NULL);
	settle(&call, MEDIA_A);
	call_end(&call);
}

static void changes_of_routes_lose_nothing(void **state)
{
	struct call call = call_new(state);
	uint64_t before;

	settle(&call, MEDIA_A);
	before = status_of(&call).changes;
	do_command("ip route add 10.77.0.0/16 dev relay0");
	UNTIL(status_of(&call).changes > before);
	pass(&call.a, &call.b, 10);
	settle(&call, MEDIA_A);
	do_command("ip route del 10.77.0.0/16 dev relay0");
	pass(&call.a, &call.b, 100);
	call_end(&call);
}

static void hops_follow_their_neighbours(void **state)
{
	struct call call = call_new(state);
	const uint64_t mac = UINT64_C(0x770000000002);
	const struct fast_entry *entry = call.session->sides[MEDIA_A].entry;
	const struct fast_hop *hops = call.session->fast->config->hops;
	char command[300];
	uint64_t before;

	settle(&call, MEDIA_A);
	snprintf(command, sizeof(command),
		 "nsenter -t %d -n ip link set phone0 address 02:00:00:00:00:77\n"
		 "ip neigh replace %s lladdr 02:00:00:00:00:77 dev relay0 nud reachable",
		 (int)world.phones, call.variant->phone_b);
	do_command(command);
	UNTIL(__atomic_load_n(&hops[entry->rule.hop].to, __ATOMIC_RELAXED) == mac);
	before = status_of(&call).xdp_packets;
	pass(&call.a, &call.b, 30);
	was_by_xdp(&call, before, 30);
	/* Where it is not known the kernel has to find it. */
	do_command("ip neigh flush dev relay0");
	pass(&call.a, &call.b, 30);
	call_end(&call);
}

static void a_driver_that_stops_sending_is_left(void **state)
{
	struct call call = call_new(state);

	settle(&call, MEDIA_A);
	set_feature(ETHTOOL_SGRO, false);
	UNTIL(!status_of(&call).xdp_devices[0]);
	assert_true(status_of(&call).is_on);
	pass(&call.a, &call.b, 10);
	settle(&call, MEDIA_A);
	call_end(&call);
}

static void ends_of_the_fast_path_lose_nothing(void **state)
{
	struct call call = call_new(state);
	struct fast_options other = {.low = 21000,
				     .high = 21999,
				     .locals = {phone_address(call.variant->local_a)},
				     .local_count = 1};
	struct vos_fault fault = {0};
	uint64_t before;

	settle(&call, MEDIA_A);
	settle(&call, MEDIA_B);
	/* Another range: streams of the one before go on through switchd. */
	if (call.variant->is_fast)
		assert_int_equal(media_fast_use(media_fast_of(call.media), &other, &fault), VOS_OK);
	before = status_of(&call).packets;
	pass(&call.a, &call.b, SETTLED);
	pass(&call.b, &call.a, SETTLED);
	assert_int_equal(status_of(&call).packets, call.variant->is_fast ? before : 0);
	assert_false(relay_counters_of(call.session, MEDIA_A).is_fast);
	WAIT_FOR(call.session, MEDIA_A, packets, (uint16_t)(call.a.sequence - 1000));
	call_end(&call);
}

static void nothing_passes_after_the_end(void **state)
{
	struct call call = call_new(state);
	struct party a;
	uint64_t until_us = clock_mono_us() + PATIENCE_US;
	uint8_t data[RTP_BYTES];
	struct media_status status;

	settle(&call, MEDIA_A);
	a = call.a;
	media_close(call.session);
	do {
		assert_true(clock_mono_us() < until_us);
		media_status(call.media, &status);
	} while (status.sessions != 0);
	make_packet(&a, data);
	/* The first brings an ICMP error back, which the second call reports. */
	for (int i = 0; i < 3; i++) {
		struct sockaddr_storage sa;
		socklen_t len = addr_to_sockaddr(&a.port, &sa);

		(void)sendto(a.phone.fd, data, sizeof(data), 0, (struct sockaddr *)&sa, len);
	}
	/* The next call, on other ports: its packet is the first that comes. */
	open_session(&call);
	close(call.b.phone.fd);
	call.a = party_new(&call, MEDIA_A, call.variant->local_a, call.variant->phone_a);
	call.b = party_new(&call, MEDIA_B, call.variant->local_b, call.variant->phone_b);
	pass(&call.a, &call.b, 1);
	phone_is_silent(&call.b.phone);
	close(a.phone.fd);
	call_end(&call);
}

#define ON(test, which)                                                        \
	{                                                                      \
#test " " #which, test, NULL, NULL, (void *)(uintptr_t)&which, \
	}

#define ON_ALL(test)                                                                          \
	ON(test, IP4_SLOW), ON(test, IP4_FAST), ON(test, IP6_SLOW), ON(test, IP6_FAST),       \
		ON(test, CROSSED_SLOW), ON(test, CROSSED_FAST), ON(test, LOOPBACK_FAST),      \
		ON(test, IP4_CLSACT), ON(test, IP4_STEERED), ON(test, IP4_UNRAW),             \
		ON(test, IP6_STEERED), ON(test, CROSSED_STEERED), ON(test, LOOPBACK_STEERED), \
		ON(test, IP4_BOTH), ON(test, IP4_XDP), ON(test, IP6_XDP), ON(test, IP4_UNSUMMED)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_ALL(streams_settle_and_are_counted),
		ON_ALL(strangers_are_dropped),
		ON_ALL(what_is_unusual_passes_as_well),
		ON_ALL(packets_follow_a_peer_that_moves),
		ON_ALL(work_brings_a_stream_back),
		ON_ALL(ends_of_the_fast_path_lose_nothing),
		ON_ALL(nothing_passes_after_the_end),
		ON(a_thread_that_polls_does_not_sleep, IP4_SLOW),
		ON(a_thread_that_polls_does_not_sleep, IP4_STEERED),
		ON(changes_of_routes_lose_nothing, IP4_FAST),
		ON(changes_of_routes_lose_nothing, IP6_FAST),
		ON(changes_of_routes_lose_nothing, IP4_CLSACT),
		ON(changes_of_routes_lose_nothing, IP4_XDP),
		ON(hops_follow_their_neighbours, IP4_XDP),
		ON(hops_follow_their_neighbours, IP6_XDP),
		ON(a_driver_that_stops_sending_is_left, IP4_XDP),
	};

	return cmocka_run_group_tests(tests, make_world, end_world);
}
