/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTP through a relay at a given rate, for relay.py: both parties of many calls, as whole frames on
 * one interface, so that one core is enough to keep a relay on another core busy.
 *
 * usage: rtpload INTERFACE RELAY-MAC RELAY-IP MAP CALLS A-BASE B-BASE PORT RATE SECONDS
 * MAP has a line "index port-for-a port-for-b" for each call; endpoint i of a line is base + i,
 * PORT. Prints "sent N received M wrong W": received counts what came from the relay to the
 * endpoints, wrong what of a sample came to another endpoint than the partner. Packets are G.711 of
 * 20 ms (172 bytes of RTP); the UDP checksum is 0 (none). */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define RTP_BYTES 172
#define BATCH     32

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t rtp[RTP_BYTES];
} __attribute__((packed));

struct load {
	int tx;
	int rx;
	uint32_t stream_count;
	struct frame *frames; /* one a stream; even streams are A's */
	uint64_t wrong;
};

static void die(const char *what)
{
	perror(what);
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

	if (inet_pton(AF_INET, text, &in) != 1) {
		fprintf(stderr, "rtpload: %s is no IPv4 address\n", text);
		exit(2);
	}
	return ntohl(in.s_addr);
}

static uint16_t ip_checksum(const void *header)
{
	const uint8_t *bytes = header;
	uint32_t sum = 0;

	for (size_t i = 0; i < sizeof(struct iphdr); i += 2)
		sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

/* The stream's number stands in the SSRC, so that whoever receives it knows whose it is. */
static void make_frame(struct frame *frame, const uint8_t macs[2][ETH_ALEN], uint32_t from,
		       uint32_t to, uint16_t from_port, uint16_t to_port, uint32_t stream)
{
	uint32_t ssrc = htonl(stream);

	memset(frame, 0, sizeof(*frame));
	memcpy(frame->eth.h_dest, macs[1], ETH_ALEN);
	memcpy(frame->eth.h_source, macs[0], ETH_ALEN);
	frame->eth.h_proto = htons(ETH_P_IP);
	frame->ip.version = 4;
	frame->ip.ihl = 5;
	frame->ip.tot_len = htons(sizeof(*frame) - sizeof(frame->eth));
	frame->ip.frag_off = htons(0x4000);
	frame->ip.ttl = 64;
	frame->ip.protocol = IPPROTO_UDP;
	frame->ip.saddr = htonl(from);
	frame->ip.daddr = htonl(to);
	frame->ip.check = ip_checksum((uint8_t *)frame + sizeof(frame->eth));
	frame->udp.source = htons(from_port);
	frame->udp.dest = htons(to_port);
	frame->udp.len = htons(sizeof(frame->udp) + RTP_BYTES);
	frame->rtp[0] = 0x80;
	memcpy(frame->rtp + 8, &ssrc, sizeof(ssrc));
}

static void open_sockets(struct load *load, const char *interface, uint32_t relay,
			 uint8_t mac[ETH_ALEN])
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 26),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, relay, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 64),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = {sizeof(code) / sizeof(code[0]), code};
	struct sockaddr_ll ll = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(interface)};
	struct ifreq request = {0};
	const int yes = 1;

	load->tx = socket(AF_PACKET, SOCK_RAW, 0);
	load->rx = socket(AF_PACKET, SOCK_RAW, 0);
	if (load->tx < 0 || load->rx < 0)
		die("rtpload: packet socket");
	if (setsockopt(load->rx, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) < 0)
		die("rtpload: filter");
	setsockopt(load->tx, SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes));
	setsockopt(load->rx, SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
	if (bind(load->tx, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die("rtpload: bind");
	ll.sll_protocol = htons(ETH_P_ALL);
	if (bind(load->rx, (struct sockaddr *)&ll, sizeof(ll)) < 0)
		die("rtpload: bind");
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
	if (ioctl(load->tx, SIOCGIFHWADDR, &request) < 0)
		die("rtpload: address of the interface");
	memcpy(mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
}

static void make_frames(struct load *load, char **argv, const uint8_t macs[2][ETH_ALEN])
{
	uint32_t relay = ip_of(argv[3]);
	uint32_t calls = (uint32_t)atoi(argv[5]);
	uint32_t bases[2] = {ip_of(argv[6]), ip_of(argv[7])};
	uint16_t port = (uint16_t)atoi(argv[8]);
	FILE *map = fopen(argv[4], "r");
	unsigned index;
	unsigned ports[2];

	load->stream_count = 2 * calls;
	load->frames = calloc(load->stream_count, sizeof(*load->frames));
	if (!map || !load->frames)
		die("rtpload: map");
	while (fscanf(map, "%u %u %u", &index, &ports[0], &ports[1]) == 3)
		for (uint32_t side = 0; side < 2 && index < calls; side++)
			make_frame(&load->frames[2 * index + side], macs, bases[side] + index,
				   relay, port, (uint16_t)ports[side], 2 * index + side);
	fclose(map);
}

/* Looks at what waits in the socket; most packets only count in its statistics. */
static void sample(struct load *load)
{
	uint8_t data[64];

	while (recv(load->rx, data, sizeof(data), MSG_DONTWAIT) == (ssize_t)sizeof(data)) {
		uint32_t ssrc;
		uint32_t to;

		memcpy(&to, data + 30, sizeof(to));
		memcpy(&ssrc, data + 50, sizeof(ssrc));
		ssrc = ntohl(ssrc) ^ 1;
		if (ssrc >= load->stream_count || load->frames[ssrc].ip.saddr != to)
			load->wrong++;
	}
}

static uint64_t received_since(struct load *load)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	if (getsockopt(load->rx, SOL_PACKET, PACKET_STATISTICS, &stats, &len) < 0)
		die("rtpload: statistics");
	return stats.tp_packets;
}

static uint64_t send_batch(struct load *load, uint32_t *stream, uint16_t *sequence, unsigned count)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	unsigned done = 0;
	uint64_t sent = 0;

	for (unsigned i = 0; i < count; i++) {
		struct frame *frame = &load->frames[*stream];
		uint32_t timestamp = htonl((uint32_t)*sequence * 160);

		frame->rtp[2] = (uint8_t)(*sequence >> 8);
		frame->rtp[3] = (uint8_t)*sequence;
		memcpy(frame->rtp + 4, &timestamp, sizeof(timestamp));
		parts[i] = (struct iovec){frame, sizeof(*frame)};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		if (++*stream == load->stream_count) {
			*stream = 0;
			++*sequence;
		}
	}
	while (done < count) {
		int n = sendmmsg(load->tx, messages + done, count - done, 0);

		/* A frame that the relay's queue has no room for is lost at the relay. */
		if (n < 0 && errno != ENOBUFS && errno != EAGAIN)
			die("rtpload: send");
		done += n > 0 ? (unsigned)n : 1;
		sent += n > 0 ? (uint64_t)n : 1;
	}
	return sent;
}

/* Sends rate packets a second for that long, evenly. */
static uint64_t run(struct load *load, double rate, double seconds)
{
	static uint16_t sequence = 1;
	uint64_t start = now_ns();
	uint64_t sent = 0;
	uint32_t stream = 0;
	double elapsed;

	while ((elapsed = (double)(now_ns() - start) * 1e-9) < seconds) {
		double due = elapsed * rate - (double)sent;

		if (due >= 1)
			sent += send_batch(load, &stream, &sequence,
					   due < BATCH ? (unsigned)due : BATCH);
		else
			sample(load);
	}
	return sent;
}

int main(int argc, char **argv)
{
	const struct timespec tail = {.tv_nsec = 300000000};
	struct load load = {0};
	uint8_t macs[2][ETH_ALEN];
	uint64_t received;
	uint64_t sent;

	if (argc != 11 || sscanf(argv[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &macs[1][0], &macs[1][1],
				 &macs[1][2], &macs[1][3], &macs[1][4], &macs[1][5]) != 6) {
		fprintf(stderr,
			"usage: rtpload INTERFACE RELAY-MAC RELAY-IP MAP CALLS A-BASE B-BASE "
			"PORT RATE SECONDS\n");
		return 2;
	}
	open_sockets(&load, argv[1], ip_of(argv[3]), macs[0]);
	make_frames(&load, argv, (const uint8_t(*)[ETH_ALEN])macs);
	/* Every stream speaks once or twice, slowly, so that both sides are known. */
	run(&load, 20000, 2.0 * load.stream_count / 20000);
	nanosleep(&tail, NULL);
	sample(&load);
	received_since(&load);
	sent = run(&load, atof(argv[9]), atof(argv[10]));
	nanosleep(&tail, NULL);
	received = received_since(&load);
	sample(&load);
	printf("sent %llu received %llu wrong %llu\n", (unsigned long long)sent,
	       (unsigned long long)received, (unsigned long long)load.wrong);
	free(load.frames);
	return 0;
}
