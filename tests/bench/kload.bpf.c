/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Streams of RTP made and counted within the kernel: one core makes more of them than any relay on
 * another core forwards. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/kload.h"

#define SLACK_NS 200000 /* of lateness that is made up for */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, KLOAD_STREAMS_MAX);
	__type(key, uint32_t);
	__type(value, struct kload_stream);
} streams SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, uint32_t);
	__type(value, struct kload_state);
} state_of SEC(".maps");

struct head {
	uint8_t flags;
	uint8_t type;
	uint16_t sequence;
	uint32_t timestamp;
	uint32_t ssrc;     /* number of the stream */
	uint32_t sent_low; /* when it was sent, ns */
	uint32_t sent_high;
	uint32_t came_low; /* when it came to the relay's kernel, if that was asked for */
	uint32_t came_high;
};

struct frame {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	struct head rtp;
} __attribute__((packed));

static __always_inline struct kload_state *get_state(void)
{
	uint32_t zero = 0;

	return bpf_map_lookup_elem(&state_of, &zero);
}

static __always_inline uint32_t sum_of(uint32_t sum, const void *data, uint32_t bytes)
{
	const uint16_t *words = data;

#pragma unroll
	for (uint32_t i = 0; i < bytes / 2; i++)
		sum += words[i];
	return sum;
}

static __always_inline uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static __always_inline bool is_due(struct kload_state *state, uint64_t now_ns)
{
	if (!state->is_on || (state->limit && state->sent >= state->limit) ||
	    now_ns < state->next_ns)
		return false;
	if (now_ns - state->next_ns > SLACK_NS)
		state->next_ns = now_ns - SLACK_NS;
	state->next_ns += state->gap_ns;
	return true;
}

static __always_inline void fill(struct frame *frame, const struct kload_state *state,
				 const struct kload_stream *stream, uint32_t number,
				 uint64_t now_ns)
{
	const uint16_t ip_bytes = sizeof(struct iphdr) + sizeof(struct udphdr) + KLOAD_RTP_BYTES;
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .tot_len = bpf_htons(ip_bytes),
			   .frag_off = bpf_htons(0x4000),
			   .ttl = 64,
			   .protocol = IPPROTO_UDP,
			   .saddr = bpf_htonl(stream->ip),
			   .daddr = bpf_htonl(stream->relay_ip)};
	struct udphdr udp = {.source = bpf_htons(stream->port),
			     .dest = bpf_htons(stream->relay_port),
			     .len = bpf_htons(ip_bytes - sizeof(struct iphdr))};
	struct head rtp = {.flags = 0x80,
			   .sequence = bpf_htons((uint16_t)stream->sequence),
			   .timestamp = bpf_htonl(stream->sequence * 160),
			   .ssrc = bpf_htonl(number),
			   .sent_low = (uint32_t)now_ns,
			   .sent_high = (uint32_t)(now_ns >> 32)};
	uint32_t sum = sum_of(sum_of(state->payload_sum, &rtp, sizeof(rtp)), &udp, sizeof(udp));

	ip.check = fold(sum_of(0, &ip, sizeof(ip)));
	sum += (ip.saddr & 0xffff) + (ip.saddr >> 16) + (ip.daddr & 0xffff) + (ip.daddr >> 16);
	udp.check = fold(sum + bpf_htons(IPPROTO_UDP) + udp.len);
	if (!udp.check)
		udp.check = 0xffff;
	__builtin_memcpy(frame->eth.h_dest, state->relay_mac, ETH_ALEN);
	__builtin_memcpy(frame->eth.h_source, state->source_mac, ETH_ALEN);
	frame->eth.h_proto = bpf_htons(ETH_P_IP);
	frame->ip = ip;
	frame->udp = udp;
	frame->rtp = rtp;
}

SEC("xdp")
int kload_make(struct xdp_md *context)
{
	struct frame *frame = (void *)(long)context->data;
	struct kload_state *state = get_state();
	struct kload_stream *stream;
	uint64_t now_ns = bpf_ktime_get_ns();
	uint32_t number;

	if (!state || (void *)(frame + 1) > (void *)(long)context->data_end ||
	    !is_due(state, now_ns))
		return XDP_DROP;
	number = state->current < state->stream_count ? state->current : 0;
	state->current = number + 1;
	stream = bpf_map_lookup_elem(&streams, &number);
	if (!stream)
		return XDP_DROP;
	stream->sequence++;
	fill(frame, state, stream, number, now_ns);
	state->sent++;
	return (int)bpf_redirect(state->device, 0);
}

static __always_inline uint32_t bucket_of(uint64_t ns)
{
	uint32_t value = ns > 0xffffffff ? 0xffffffff : (uint32_t)ns;
	uint32_t rest = value;
	uint32_t octave = 0;

#pragma unroll
	for (uint32_t bits = 16; bits; bits /= 2) {
		if (rest >> bits) {
			octave += bits;
			rest >>= bits;
		}
	}
	if (octave < 5)
		return value;
	return (octave - 4) * KLOAD_STEPS + ((value >> (octave - 5)) & (KLOAD_STEPS - 1));
}

static __always_inline void note(uint32_t *delays, uint64_t now_ns, uint32_t low, uint32_t high)
{
	uint32_t bucket = bucket_of(now_ns - ((uint64_t)high << 32 | low));

	if (bucket < KLOAD_BUCKETS)
		delays[bucket]++;
}

/* False: not one of ours. */
static __always_inline bool count(const struct frame *frame, const void *end)
{
	const uint64_t now_ns = bpf_ktime_get_ns();
	struct kload_state *state = get_state();
	const struct kload_stream *partner;
	uint32_t other;

	if (!state || (void *)(frame + 1) > end || frame->eth.h_proto != bpf_htons(ETH_P_IP) ||
	    frame->ip.protocol != IPPROTO_UDP)
		return false;
	other = bpf_ntohl(frame->rtp.ssrc) ^ 1;
	partner = bpf_map_lookup_elem(&streams, &other);
	/* From a cable that is bent back it comes as it was sent. */
	if (!partner || (partner->relay_port && (frame->ip.daddr != bpf_htonl(partner->ip) ||
						 frame->udp.dest != bpf_htons(partner->port)))) {
		state->wrong++;
		return true;
	}
	state->received++;
	note(state->delays, now_ns, frame->rtp.sent_low, frame->rtp.sent_high);
	if (frame->rtp.came_high)
		note(state->inside, now_ns, frame->rtp.came_low, frame->rtp.came_high);
	return true;
}

SEC("tc")
int kload_count(struct __sk_buff *skb)
{
	if (bpf_skb_pull_data(skb, sizeof(struct frame)) < 0)
		return TC_ACT_UNSPEC;
	return count((void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT
									   : TC_ACT_UNSPEC;
}

SEC("xdp")
int kload_count_xdp(struct xdp_md *context)
{
	return count((void *)(long)context->data, (void *)(long)context->data_end) ? XDP_DROP
										   : XDP_PASS;
}

/* In the kernel of the relay, before anything else there. */
SEC("tc")
int kload_stamp(struct __sk_buff *skb)
{
	const uint64_t now_ns = bpf_ktime_get_ns();
	const uint32_t stamp[2] = {(uint32_t)now_ns, (uint32_t)(now_ns >> 32)};
	const uint32_t none[2] = {0};
	const uint32_t sum_at = offsetof(struct frame, udp.check);
	const struct frame *frame;

	if (bpf_skb_pull_data(skb, sizeof(struct frame)) < 0)
		return TC_ACT_UNSPEC;
	frame = (void *)(long)skb->data;
	if ((void *)(frame + 1) > (void *)(long)skb->data_end ||
	    frame->eth.h_proto != bpf_htons(ETH_P_IP) || frame->ip.protocol != IPPROTO_UDP ||
	    skb->len != sizeof(struct frame) - sizeof(struct head) + KLOAD_RTP_BYTES)
		return TC_ACT_UNSPEC;
	bpf_l4_csum_replace(skb, sum_at, 0,
			    (uint64_t)bpf_csum_diff((uint32_t *)none, sizeof(none),
						    (uint32_t *)stamp, sizeof(stamp), 0),
			    0);
	bpf_skb_store_bytes(skb, offsetof(struct frame, rtp.came_low), stamp, sizeof(stamp), 0);
	return TC_ACT_UNSPEC;
}

/* In place of a relay. */
SEC("tc")
int kload_turn(struct __sk_buff *skb)
{
	return skb->protocol == bpf_htons(ETH_P_IP) ? (int)bpf_redirect(skb->ifindex, 0)
						    : TC_ACT_UNSPEC;
}

char kload_license[] SEC("license") = "GPL";
