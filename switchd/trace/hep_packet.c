/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/hep_packet.h"

/* Chunks of vendor 0. */
enum chunk {
	CHUNK_FAMILY = 0x01,
	CHUNK_PROTOCOL = 0x02, /* of IP */
	CHUNK_IP4_FROM = 0x03,
	CHUNK_IP4_TO = 0x04,
	CHUNK_IP6_FROM = 0x05,
	CHUNK_IP6_TO = 0x06,
	CHUNK_PORT_FROM = 0x07,
	CHUNK_PORT_TO = 0x08,
	CHUNK_SECONDS = 0x09,
	CHUNK_MICROSECONDS = 0x0a,
	CHUNK_KIND = 0x0b,
	CHUNK_CAPTURE_ID = 0x0c,
	CHUNK_PASSWORD = 0x0e,
	CHUNK_PAYLOAD = 0x0f,
	CHUNK_CORRELATION = 0x11,
};

#define FAMILY_IP4   2 /* AF_INET and AF_INET6 of Linux, by the document */
#define FAMILY_IP6   10
#define PROTOCOL_TCP 6
#define PROTOCOL_UDP 17
#define KIND_SIP     1
#define HEAD_BYTES   6 /* of the packet, and of a chunk */

struct writer {
	uint8_t *at;
	size_t left;
	bool is_full;
};

static void put(struct writer *writer, const void *bytes, size_t len)
{
	if (writer->is_full || len > writer->left) {
		writer->is_full = true;
		return;
	}
	if (len)
		memcpy(writer->at, bytes, len);
	writer->at += len;
	writer->left -= len;
}

static void put_number(struct writer *writer, uint32_t value, size_t len)
{
	const uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16),
				  (uint8_t)(value >> 8), (uint8_t)value};

	put(writer, bytes + sizeof(bytes) - len, len);
}

static void chunk_head(struct writer *writer, enum chunk type, size_t len)
{
	put_number(writer, 0, 2);
	put_number(writer, type, 2);
	put_number(writer, (uint32_t)(HEAD_BYTES + len), 2);
}

static void chunk_number(struct writer *writer, enum chunk type, uint32_t value, size_t len)
{
	chunk_head(writer, type, len);
	put_number(writer, value, len);
}

static void chunk_bytes(struct writer *writer, enum chunk type, const void *bytes, size_t len)
{
	if (HEAD_BYTES + len > UINT16_MAX)
		writer->is_full = true;
	chunk_head(writer, type, len);
	put(writer, bytes, len);
}

static void chunk_text(struct writer *writer, enum chunk type, struct span text)
{
	if (text.len)
		chunk_bytes(writer, type, text.ptr, text.len);
}

static void chunk_addresses(struct writer *writer, const struct hep_packet *packet)
{
	bool is_ip6 = packet->from.family == ADDR_IP6 || packet->to.family == ADDR_IP6;
	size_t len = is_ip6 ? 16 : 4;

	chunk_number(writer, CHUNK_FAMILY, is_ip6 ? FAMILY_IP6 : FAMILY_IP4, 1);
	chunk_number(writer, CHUNK_PROTOCOL, packet->is_stream ? PROTOCOL_TCP : PROTOCOL_UDP, 1);
	chunk_bytes(writer, is_ip6 ? CHUNK_IP6_FROM : CHUNK_IP4_FROM, packet->from.ip, len);
	chunk_bytes(writer, is_ip6 ? CHUNK_IP6_TO : CHUNK_IP4_TO, packet->to.ip, len);
	chunk_number(writer, CHUNK_PORT_FROM, packet->from.port, 2);
	chunk_number(writer, CHUNK_PORT_TO, packet->to.port, 2);
}

size_t hep_packet_write(const struct hep_packet *packet, uint8_t *out, size_t size)
{
	struct writer writer = {.at = out, .left = size < UINT16_MAX ? size : UINT16_MAX};
	struct writer head = {.at = out, .left = HEAD_BYTES};
	size_t len;

	put(&writer, "HEP3\0\0", HEAD_BYTES);
	chunk_addresses(&writer, packet);
	chunk_number(&writer, CHUNK_SECONDS, (uint32_t)(packet->wall_us / 1000000), 4);
	chunk_number(&writer, CHUNK_MICROSECONDS, (uint32_t)(packet->wall_us % 1000000), 4);
	chunk_number(&writer, CHUNK_KIND, KIND_SIP, 1);
	chunk_number(&writer, CHUNK_CAPTURE_ID, packet->capture_id, 4);
	chunk_text(&writer, CHUNK_PASSWORD, packet->password);
	chunk_text(&writer, CHUNK_CORRELATION, packet->correlation);
	chunk_bytes(&writer, CHUNK_PAYLOAD, packet->message.ptr, packet->message.len);
	if (writer.is_full)
		return 0;
	len = (size_t)(writer.at - out);
	put(&head, "HEP3", 4);
	put_number(&head, (uint32_t)len, 2);
	return len;
}
