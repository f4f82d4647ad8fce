/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/udp_head.h"

#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <string.h>

/* RFC 1071: a sum of 16-bit words, taken by fours of bytes; the order of bytes does not matter to
 * it. */
static uint64_t sum_of(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *at = data;
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		sum += word;
	}
	word = 0;
	memcpy(&word, at, len);
	return sum + word;
}

static uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* sum: of the addresses of the pseudo header (RFC 768, RFC 8200 section 8.1). */
static void write_udp(uint8_t *at, const struct endpoint *from, const struct endpoint *to,
		      uint64_t sum, const uint8_t *data, size_t len)
{
	struct udphdr udp = {.source = from->in4.sin_port,
			     .dest = to->in4.sin_port,
			     .len = htons((uint16_t)(sizeof(udp) + len))};

	sum += htons(IPPROTO_UDP) + (uint64_t)udp.len;
	sum = sum_of(sum_of(sum, &udp, sizeof(udp)), data, len);
	udp.check = fold(sum);
	/* 0 would say that there is none. */
	if (udp.check == 0)
		udp.check = 0xffff;
	memcpy(at, &udp, sizeof(udp));
}

static size_t write_ip4(uint8_t *head, const struct endpoint *from, const struct endpoint *to,
			uint8_t tos, uint8_t ttl, const uint8_t *data, size_t len)
{
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .tos = tos,
			   .tot_len = htons((uint16_t)(UDP_HEAD_IP4 + len)),
			   .frag_off = htons(IP_DF),
			   .ttl = ttl,
			   .protocol = IPPROTO_UDP,
			   .saddr = from->in4.sin_addr.s_addr,
			   .daddr = to->in4.sin_addr.s_addr};

	/* The kernel fills in the checksum of this one. */
	memcpy(head, &ip, sizeof(ip));
	write_udp(head + sizeof(ip), from, to, (uint64_t)ip.saddr + ip.daddr, data, len);
	return UDP_HEAD_IP4;
}

static size_t write_ip6(uint8_t *head, const struct endpoint *from, const struct endpoint *to,
			uint8_t tos, uint8_t ttl, const uint8_t *data, size_t len)
{
	struct ip6_hdr ip = {.ip6_src = from->in6.sin6_addr, .ip6_dst = to->in6.sin6_addr};

	ip.ip6_flow = htonl(6u << 28 | (uint32_t)tos << 20);
	ip.ip6_plen = htons((uint16_t)(sizeof(struct udphdr) + len));
	ip.ip6_nxt = IPPROTO_UDP;
	ip.ip6_hlim = ttl;
	memcpy(head, &ip, sizeof(ip));
	write_udp(head + sizeof(ip), from, to, sum_of(0, &ip.ip6_src, 2 * sizeof(ip.ip6_src)), data,
		  len);
	return UDP_HEAD_IP6;
}

size_t udp_head_write(uint8_t head[UDP_HEAD_BYTES], const struct endpoint *from,
		      const struct endpoint *to, uint8_t tos, uint8_t ttl, const uint8_t *data,
		      size_t len)
{
	return (to->sa.sa_family == AF_INET ? write_ip4 : write_ip6)(head, from, to, tos, ttl, data,
								     len);
}
