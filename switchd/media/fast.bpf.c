/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RTP forwarded within the kernel, where a packet comes in: in the driver of the interface (XDP),
 * where that can send such packets on, and behind it (tc ingress). What is not plainly of a stream
 * that switchd has put into the table goes on to switchd's socket: RTCP, STUN, fragments, options,
 * other sources, another SSRC or payload type, the first after silence. So the program decides
 * nothing; it repeats what was decided.
 *
 * What XDP leaves to tc: packets to a next hop whose hardware address is not known, those with a
 * checksum that is yet to be filled in, and one of TO_TC, for by these the kernel sees that the
 * neighbour is in use and asks whether it is still there.
 *
 * A packet changes as if switchd had received and sent it: addresses, ports, ToS and TTL are those
 * of the socket it would have left by, the payload stays. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "switchd/media/fast_map.h"
#include "switchd/media/fast_stats.h"

#define FAMILY_IP4 2
#define FAMILY_IP6 10
#define PASS       TC_ACT_UNSPEC /* to whoever is next, in the end to switchd */
#define TO_TC      256           /* packets of a stream; a power of two */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct fast_config);
} fast_config SEC(".maps");

/* max_entries is set before it is loaded. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct fast_entry);
} fast_entries SEC(".maps");

struct rtp_head {
	uint8_t flags;
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;
};

struct ip4_frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct rtp_head rtp;
} __attribute__((packed));

struct ip6_frame {
	struct ethhdr eth;
	struct ipv6hdr ip;
	struct udphdr udp;
	struct rtp_head rtp;
} __attribute__((packed));

/* What is read of a packet before it changes. */
struct packet {
	uint32_t from_ip[4];
	uint32_t to_ip[4];
	uint16_t from_port;
	uint16_t to_port;
	uint32_t ip_bytes; /* with headers */
	uint32_t rtp_bytes;
	struct rtp_head rtp;
};

static __always_inline struct fast_config *config_of(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&fast_config, &zero);
}

static __always_inline bool is_rtp(const struct rtp_head *rtp)
{
	return rtp->flags >> 6 == 2 && (rtp->type & 0x60) != 0x40;
}

static __always_inline bool ip_eq(const uint32_t *a, const uint32_t *b, int family)
{
	return a[0] == b[0] && (family == 4 || (a[1] == b[1] && a[2] == b[2] && a[3] == b[3]));
}

static __always_inline struct fast_entry *find(const struct fast_config *config,
					       const struct packet *packet, uint32_t family)
{
	uint32_t offset = bpf_ntohs(packet->to_port) - config->low;
	uint32_t index;

	if (offset >= config->span)
		return NULL;
#pragma unroll
	for (int i = 0; i < FAST_LOCALS_MAX; i++) {
		const struct fast_local *local = &config->locals[i];

		if (local->family == 0)
			return NULL;
		if (local->family == family && ip_eq(local->ip, packet->to_ip, family)) {
			index = (uint32_t)i * config->span + offset;
			return bpf_map_lookup_elem(&fast_entries, &index);
		}
	}
	return NULL;
}

/* Not inlined: it is rare, and long. */
static __attribute__((noinline)) int count_other(struct stream_stats *stats,
						 const struct fast_arrival *arrival)
{
	if (!stats || !arrival)
		return 0;
	return fast_stats_other(stats, arrival);
}

/* The place that the rule names holds the addresses of its hop as long as its epoch holds. */
static __always_inline bool copy_hop(const struct fast_config *config, const struct fast_rule *rule,
				     struct fast_hop *hop)
{
	const struct fast_hop *at = &config->hops[rule->hop & (FAST_HOPS_MAX - 1)];

	hop->to = *(volatile uint64_t *)&at->to;
	hop->from = *(volatile uint64_t *)&at->from;
	return hop->to && rule->epoch == *(volatile uint32_t *)&config->epoch;
}

/* Copies the rule of a packet, and the hop if one is asked for; false when it goes up to switchd.
 * Counts it when not. */
static __always_inline bool decide(const struct packet *packet, uint32_t family, uint32_t device,
				   struct fast_rule *rule, struct fast_hop *hop)
{
	struct fast_config *config = config_of();
	struct fast_entry *entry;
	struct fast_total *total;
	struct fast_arrival arrival;
	uint64_t now_ns;
	uint32_t version;

	if (!config)
		return false;
	entry = find(config, packet, family);
	if (!entry)
		return false;
	version = *(volatile uint32_t *)&entry->version;
	if (!(version & 1))
		return false;
	asm volatile("" ::: "memory");
	*rule = entry->rule;
	asm volatile("" ::: "memory");
	/* switchd may have been about to change it. */
	if (*(volatile uint32_t *)&entry->version != version || rule->epoch != config->epoch)
		return false;
	if (rule->from_port != packet->from_port ||
	    !ip_eq(rule->from_ip, packet->from_ip, (int)family) || packet->ip_bytes > rule->mtu)
		return false;
	if ((rule->flags & FAST_TO_LOCAL) && rule->device != device)
		return false;
	if (hop && !copy_hop(config, rule, hop))
		return false;
	now_ns = bpf_ktime_get_ns();
	if (now_ns > config->alive_until_ns)
		return false;
	arrival = (struct fast_arrival){
		.now_us = now_ns / 1000,
		.timestamp = bpf_ntohl(packet->rtp.timestamp),
		.ssrc = bpf_ntohl(packet->rtp.ssrc),
		.bytes = packet->rtp_bytes,
		.sequence = bpf_ntohs(packet->rtp.sequence),
		.payload_type = packet->rtp.type & 0x7f,
	};
	if (!stream_stats_next(&entry->stats, arrival.sequence, arrival.timestamp, arrival.ssrc,
			       arrival.payload_type, arrival.bytes, arrival.now_us) &&
	    !count_other(&entry->stats, &arrival))
		return false;
	entry->packets++;
	entry->bytes += packet->rtp_bytes;
	entry->last_us = arrival.now_us;
	total = &config->totals[bpf_get_smp_processor_id() & (FAST_CPUS - 1)];
	total->packets++;
	total->bytes += packet->rtp_bytes;
	total->xdp_packets += hop != NULL;
	return true;
}

/* The UDP checksum for other addresses and ports; a checksum that is left to the network card, or
 * is none, stays that. */
static __always_inline bool fix_checksum(struct __sk_buff *skb, uint32_t offset,
					 const struct packet *packet, const struct fast_rule *rule)
{
	uint32_t before = (uint32_t)packet->from_port | (uint32_t)packet->to_port << 16;
	uint32_t after = (uint32_t)rule->source_port | (uint32_t)rule->to_port << 16;
	int64_t addresses;
	int64_t ports;

	/* Of both, source and destination stand side by side. */
	addresses = bpf_csum_diff((uint32_t *)packet->from_ip, sizeof(packet->from_ip) * 2,
				  (uint32_t *)rule->source_ip, sizeof(rule->source_ip) * 2, 0);
	ports = bpf_csum_diff(&before, sizeof(before), &after, sizeof(after), 0);
	return bpf_l4_csum_replace(skb, offset, 0, (uint64_t)addresses,
				   BPF_F_PSEUDO_HDR | BPF_F_MARK_MANGLED_0) == 0 &&
	       bpf_l4_csum_replace(skb, offset, 0, (uint64_t)ports, BPF_F_MARK_MANGLED_0) == 0;
}

static __always_inline int send(const struct fast_rule *rule)
{
	struct bpf_redir_neigh next = {0};

	/* On the loopback it is at its place already; only its addresses are other ones now. */
	if (rule->flags & FAST_TO_LOCAL)
		return TC_ACT_OK;
	next.nh_family = rule->hop_family;
#pragma unroll
	for (int i = 0; i < 4; i++)
		next.ipv6_nh[i] = rule->next_hop[i];
	return (int)bpf_redirect_neigh(rule->device, &next, sizeof(next), 0);
}

static __always_inline uint16_t ip4_checksum(const struct iphdr *ip)
{
	const uint16_t *words = (const uint16_t *)ip;
	uint32_t sum = 0;

#pragma unroll
	for (int i = 0; i < 10; i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static __always_inline bool read_ip4(const struct ip4_frame *frame, uint32_t frame_bytes,
				     struct packet *packet)
{
	uint32_t udp_bytes = bpf_ntohs(frame->udp.len);

	packet->ip_bytes = bpf_ntohs(frame->ip.tot_len);
	if (*(const uint8_t *)&frame->ip != 0x45 || frame->ip.protocol != IPPROTO_UDP ||
	    (frame->ip.frag_off & bpf_htons(0x3fff)) || frame->ip.ttl <= 1)
		return false;
	if (udp_bytes < 8 + sizeof(struct rtp_head) || packet->ip_bytes != udp_bytes + 20 ||
	    packet->ip_bytes + ETH_HLEN > frame_bytes || !is_rtp(&frame->rtp))
		return false;
	packet->from_ip[0] = frame->ip.saddr;
	packet->to_ip[0] = frame->ip.daddr;
	packet->from_port = frame->udp.source;
	packet->to_port = frame->udp.dest;
	packet->rtp_bytes = udp_bytes - 8;
	packet->rtp = frame->rtp;
	return true;
}

static __always_inline void write_ip4(struct ip4_frame *frame, const struct fast_rule *rule)
{
	frame->ip.tos = rule->tos;
	frame->ip.ttl = rule->ttl;
	frame->ip.saddr = rule->source_ip[0];
	frame->ip.daddr = rule->to_ip[0];
	frame->ip.check = 0;
	frame->ip.check = ip4_checksum(&frame->ip);
	frame->udp.source = rule->source_port;
	frame->udp.dest = rule->to_port;
}

/* Not inlined, as the other: each has a stack frame of its own. */
static __attribute__((noinline)) int forward_ip4(struct __sk_buff *skb)
{
	struct ip4_frame *frame = (void *)(long)skb->data;
	struct packet packet = {0};
	struct fast_rule rule;

	if ((void *)(frame + 1) > (void *)(long)skb->data_end ||
	    !read_ip4(frame, skb->len, &packet) || !decide(&packet, 4, skb->ifindex, &rule, NULL))
		return PASS;
	if (!fix_checksum(skb, offsetof(struct ip4_frame, udp.check), &packet, &rule))
		return TC_ACT_SHOT;
	frame = (void *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	write_ip4(frame, &rule);
	return send(&rule);
}

static __always_inline bool read_ip6(const struct ip6_frame *frame, uint32_t frame_bytes,
				     struct packet *packet)
{
	uint32_t udp_bytes = bpf_ntohs(frame->udp.len);

	packet->ip_bytes = bpf_ntohs(frame->ip.payload_len) + 40;
	if (frame->ip.version != 6 || frame->ip.nexthdr != IPPROTO_UDP || frame->ip.hop_limit <= 1)
		return false;
	if (udp_bytes < 8 + sizeof(struct rtp_head) || packet->ip_bytes != udp_bytes + 40 ||
	    packet->ip_bytes + ETH_HLEN > frame_bytes || !is_rtp(&frame->rtp))
		return false;
	__builtin_memcpy(packet->from_ip, &frame->ip.saddr, 16);
	__builtin_memcpy(packet->to_ip, &frame->ip.daddr, 16);
	packet->from_port = frame->udp.source;
	packet->to_port = frame->udp.dest;
	packet->rtp_bytes = udp_bytes - 8;
	packet->rtp = frame->rtp;
	return true;
}

static __always_inline void write_ip6(struct ip6_frame *frame, const struct fast_rule *rule)
{
	/* Version and traffic class; the flow label is 0, as from a socket. */
	*(uint32_t *)&frame->ip = bpf_htonl(6u << 28 | (uint32_t)rule->tos << 20);
	frame->ip.hop_limit = rule->ttl;
	__builtin_memcpy(&frame->ip.saddr, rule->source_ip, 16);
	__builtin_memcpy(&frame->ip.daddr, rule->to_ip, 16);
	frame->udp.source = rule->source_port;
	frame->udp.dest = rule->to_port;
}

static __attribute__((noinline)) int forward_ip6(struct __sk_buff *skb)
{
	struct ip6_frame *frame = (void *)(long)skb->data;
	struct packet packet = {0};
	struct fast_rule rule;

	if ((void *)(frame + 1) > (void *)(long)skb->data_end ||
	    !read_ip6(frame, skb->len, &packet) || !decide(&packet, 6, skb->ifindex, &rule, NULL))
		return PASS;
	if (!fix_checksum(skb, offsetof(struct ip6_frame, udp.check), &packet, &rule))
		return TC_ACT_SHOT;
	frame = (void *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end)
		return TC_ACT_SHOT;
	write_ip6(frame, &rule);
	return send(&rule);
}

SEC("tc")
int fast_forward(struct __sk_buff *skb)
{
	/* Several in one: the kernel takes them apart for a socket. */
	if (skb->gso_size)
		return PASS;
	/* Network cards may leave the headers outside of what can be read here. */
	if (skb->protocol == bpf_htons(ETH_P_IP)) {
		if (skb->data_end - skb->data < sizeof(struct ip4_frame) &&
		    (skb->len < sizeof(struct ip4_frame) ||
		     bpf_skb_pull_data(skb, sizeof(struct ip4_frame)) < 0))
			return PASS;
		return forward_ip4(skb);
	}
	if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
		if (skb->data_end - skb->data < sizeof(struct ip6_frame) &&
		    (skb->len < sizeof(struct ip6_frame) ||
		     bpf_skb_pull_data(skb, sizeof(struct ip6_frame)) < 0))
			return PASS;
		return forward_ip6(skb);
	}
	return PASS;
}

static __always_inline uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Whether XDP may take it at all. A sender on this host leaves the checksum to a network card, with
 * the sum of the pseudo-header (RFC 768) in its place; here nobody would fill it in. */
static __always_inline bool is_for_xdp(const struct packet *packet, const struct udphdr *udp)
{
	uint32_t rest = (uint32_t)bpf_htons(IPPROTO_UDP) + udp->len;
	int64_t sum = bpf_csum_diff(NULL, 0, (uint32_t *)packet->from_ip,
				    sizeof(packet->from_ip) * 2, rest);

	return udp->check != fold((uint32_t)sum) &&
	       (bpf_ntohs(packet->rtp.sequence) & (TO_TC - 1)) != 0;
}

/* As fix_checksum(); 0 is none. */
static __always_inline uint16_t checksum_after(uint16_t check, const struct packet *packet,
					       const struct fast_rule *rule)
{
	uint32_t before = (uint32_t)packet->from_port | (uint32_t)packet->to_port << 16;
	uint32_t after = (uint32_t)rule->source_port | (uint32_t)rule->to_port << 16;
	int64_t sum = (uint16_t)~check;

	if (!check)
		return 0;
	sum = bpf_csum_diff((uint32_t *)packet->from_ip, sizeof(packet->from_ip) * 2,
			    (uint32_t *)rule->source_ip, sizeof(rule->source_ip) * 2,
			    (uint32_t)sum);
	sum = bpf_csum_diff(&before, sizeof(before), &after, sizeof(after), (uint32_t)sum);
	check = (uint16_t)~fold((uint32_t)sum);
	return check ? check : 0xffff;
}

static __always_inline int send_to_hop(struct ethhdr *eth, const struct fast_rule *rule,
				       const struct fast_hop *hop)
{
	__builtin_memcpy(eth->h_dest, &hop->to, ETH_ALEN);
	__builtin_memcpy(eth->h_source, &hop->from, ETH_ALEN);
	return (int)bpf_redirect(rule->device, 0);
}

static __attribute__((noinline)) int xdp_ip4(struct xdp_md *context)
{
	struct ip4_frame *frame = (void *)(long)context->data;
	struct packet packet = {0};
	struct fast_rule rule;
	struct fast_hop hop;

	if ((void *)(frame + 1) > (void *)(long)context->data_end ||
	    !read_ip4(frame, context->data_end - context->data, &packet) ||
	    !is_for_xdp(&packet, &frame->udp) ||
	    !decide(&packet, 4, context->ingress_ifindex, &rule, &hop))
		return XDP_PASS;
	frame->udp.check = checksum_after(frame->udp.check, &packet, &rule);
	write_ip4(frame, &rule);
	return send_to_hop(&frame->eth, &rule, &hop);
}

static __attribute__((noinline)) int xdp_ip6(struct xdp_md *context)
{
	struct ip6_frame *frame = (void *)(long)context->data;
	struct packet packet = {0};
	struct fast_rule rule;
	struct fast_hop hop;

	if ((void *)(frame + 1) > (void *)(long)context->data_end ||
	    !read_ip6(frame, context->data_end - context->data, &packet) ||
	    !is_for_xdp(&packet, &frame->udp) ||
	    !decide(&packet, 6, context->ingress_ifindex, &rule, &hop))
		return XDP_PASS;
	frame->udp.check = checksum_after(frame->udp.check, &packet, &rule);
	write_ip6(frame, &rule);
	return send_to_hop(&frame->eth, &rule, &hop);
}

SEC("xdp")
int fast_forward_xdp(struct xdp_md *context)
{
	const struct ethhdr *eth = (void *)(long)context->data;

	if ((void *)(eth + 1) > (void *)(long)context->data_end)
		return XDP_PASS;
	if (eth->h_proto == bpf_htons(ETH_P_IP))
		return xdp_ip4(context);
	if (eth->h_proto == bpf_htons(ETH_P_IPV6))
		return xdp_ip6(context);
	return XDP_PASS;
}

char fast_license[] SEC("license") = "GPL";
