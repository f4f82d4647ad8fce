/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A capture file that was never captured: each message, and each packet of media that was kept, in
 * a UDP datagram made here, with the addresses and the time that were recorded. TCP and TLS come as
 * UDP too, in clear, since a stream would need all that was before. LINKTYPE_RAW (101): packets
 * begin with their IP header. */
#include <stdlib.h>

#include "shared/base/addr.h"
#include "vosctl/trace/trace.h"

#define LINKTYPE_RAW 101u
#define SNAP_BYTES   262144u
#define DATA_MAX     65000u
#define MEDIA_MAX    4096u /* bytes of a media packet: more than one frame holds */

struct packet {
	int64_t time_us;
	size_t order; /* of arrival, where times are equal */
	size_t len;
	uint8_t *bytes;
};

struct trace_pcap {
	struct packet *packets;
	size_t count;
	size_t room;
	size_t bytes;
	bool failed;
};

struct trace_pcap *trace_pcap_create(void)
{
	return calloc(1, sizeof(struct trace_pcap));
}

void trace_pcap_free(struct trace_pcap *pcap)
{
	if (!pcap)
		return;
	for (size_t i = 0; i < pcap->count; i++)
		free(pcap->packets[i].bytes);
	free(pcap->packets);
	free(pcap);
}

static void put16(uint8_t *to, uint32_t value)
{
	to[0] = (uint8_t)(value >> 8);
	to[1] = (uint8_t)value;
}

static uint32_t sum_of(const uint8_t *bytes, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len % 2)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* RFC 791. Returns the length of the header. */
static size_t ip4_header(uint8_t *to, const struct addr *from, const struct addr *dest,
			 size_t udp_len)
{
	memset(to, 0, 20);
	to[0] = 0x45;
	put16(to + 2, (uint32_t)(20 + udp_len));
	to[8] = 64;
	to[9] = 17;
	memcpy(to + 12, from->ip, 4);
	memcpy(to + 16, dest->ip, 4);
	put16(to + 10, fold(sum_of(to, 20, 0)));
	return 20;
}

/* RFC 8200. */
static size_t ip6_header(uint8_t *to, const struct addr *from, const struct addr *dest,
			 size_t udp_len)
{
	memset(to, 0, 40);
	to[0] = 0x60;
	put16(to + 4, (uint32_t)udp_len);
	to[6] = 17;
	to[7] = 64;
	memcpy(to + 8, from->ip, 16);
	memcpy(to + 24, dest->ip, 16);
	return 40;
}

/* Over the pseudo-header; both versions, so that nobody finds a wrong one. */
static void udp_checksum(uint8_t *udp, size_t len, const struct addr *from, const struct addr *dest)
{
	size_t ip_len = from->family == ADDR_IP6 ? 16 : 4;
	uint32_t sum = sum_of(from->ip, ip_len, 17 + (uint32_t)len);
	uint16_t folded;

	sum = sum_of(dest->ip, ip_len, sum);
	folded = fold(sum_of(udp, len, sum));
	put16(udp + 6, folded ? folded : 0xffff);
}

static bool make_packet(struct packet *packet, const struct addr *from, const struct addr *dest,
			struct span data)
{
	size_t udp_len = 8 + (data.len < DATA_MAX ? data.len : DATA_MAX);
	size_t head;

	packet->bytes = malloc(40 + udp_len);
	if (!packet->bytes)
		return false;
	head = from->family == ADDR_IP6 ? ip6_header(packet->bytes, from, dest, udp_len)
					: ip4_header(packet->bytes, from, dest, udp_len);
	put16(packet->bytes + head, from->port);
	put16(packet->bytes + head + 2, dest->port);
	put16(packet->bytes + head + 4, (uint32_t)udp_len);
	put16(packet->bytes + head + 6, 0);
	memcpy(packet->bytes + head + 8, data.ptr, udp_len - 8);
	udp_checksum(packet->bytes + head, udp_len, from, dest);
	packet->len = head + udp_len;
	return true;
}

static bool make_place(struct trace_pcap *pcap)
{
	size_t room = pcap->room ? pcap->room * 2 : 256;
	struct packet *packets;

	if (pcap->count < pcap->room)
		return true;
	packets = realloc(pcap->packets, room * sizeof(*packets));
	if (!packets)
		return false;
	pcap->packets = packets;
	pcap->room = room;
	return true;
}

/* Bytes of a cell in hexadecimal; what follows a fault in it is left out. */
static size_t unhex(const char *text, uint8_t *out, size_t size)
{
	size_t len = 0;

	while (len < size && hex_digit(text[0]) >= 0 && hex_digit(text[1]) >= 0) {
		out[len++] = (uint8_t)(hex_digit(text[0]) << 4 | hex_digit(text[1]));
		text += 2;
	}
	return len;
}

/* Media is told as bytes in hexadecimal, a message as text. */
static struct span data_of(const struct trace_cells *cells, json_t *row, uint8_t memory[MEDIA_MAX])
{
	const char *packet = trace_text(cells, row, "packet");
	const char *message = trace_text(cells, row, "message");

	if (packet)
		return (struct span){(const char *)memory, unhex(packet, memory, MEDIA_MAX)};
	return message ? span_of(message) : SPAN_NONE;
}

void trace_pcap_row(struct trace_pcap *pcap, const struct trace_cells *cells, json_t *row)
{
	uint8_t memory[MEDIA_MAX];
	struct span data = data_of(cells, row, memory);
	const char *kind = trace_text(cells, row, "kind");
	const char *local_text = trace_text(cells, row, "local_address");
	const char *peer_text = trace_text(cells, row, "peer_address");
	bool is_sent = kind && strcmp(kind, "sent") == 0;
	struct packet packet = {.time_us = trace_number(cells, row, "time_us"),
				.order = pcap->count};
	struct addr local;
	struct addr peer;

	if (!data.len || !peer_text || !addr_parse(span_of(peer_text), &peer))
		return;
	/* A socket of all addresses: which one it was is not known. */
	if (!local_text || !addr_parse(span_of(local_text), &local) || local.family != peer.family)
		local = (struct addr){.family = peer.family, .port = 5060};
	if (pcap->bytes > TRACE_PCAP_MAX || !make_place(pcap) ||
	    !make_packet(&packet, is_sent ? &local : &peer, is_sent ? &peer : &local, data)) {
		pcap->failed = true;
		return;
	}
	pcap->bytes += packet.len;
	pcap->packets[pcap->count++] = packet;
}

static int by_time(const void *a, const void *b)
{
	const struct packet *one = a;
	const struct packet *other = b;

	if (one->time_us != other->time_us)
		return one->time_us < other->time_us ? -1 : 1;
	return (one->order > other->order) - (one->order < other->order);
}

/* In the byte order of this machine, which the magic number tells. */
bool trace_pcap_write(struct trace_pcap *pcap, FILE *file)
{
	const struct {
		uint32_t magic;
		uint16_t major;
		uint16_t minor;
		uint32_t zone;
		uint32_t accuracy;
		uint32_t snap;
		uint32_t link;
	} head = {0xa1b2c3d4u, 2, 4, 0, 0, SNAP_BYTES, LINKTYPE_RAW};

	if (pcap->count)
		qsort(pcap->packets, pcap->count, sizeof(*pcap->packets), by_time);
	if (fwrite(&head, sizeof(head), 1, file) != 1)
		return false;
	for (size_t i = 0; i < pcap->count; i++) {
		const struct packet *packet = &pcap->packets[i];
		const uint32_t record[4] = {(uint32_t)(packet->time_us / 1000000),
					    (uint32_t)(packet->time_us % 1000000),
					    (uint32_t)packet->len, (uint32_t)packet->len};

		if (fwrite(record, sizeof(record), 1, file) != 1 ||
		    fwrite(packet->bytes, packet->len, 1, file) != 1)
			return false;
	}
	return !pcap->failed;
}
