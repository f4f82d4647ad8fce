/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a datagram on a relay port is, from its first bytes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum packet_kind {
	PACKET_RTP,
	PACKET_RTCP,
	PACKET_OTHER, /* too short, STUN, DTLS, anything else */
};

#define RTP_HEADER_BYTES  12 /* RFC 3550 section 5.1 */
#define RAW_BYTES_MIN     2  /* a number (ITU-T T.38 9.1.2), or nothing that anybody sends */
#define RTCP_HEADER_BYTES 8  /* section 6.4: header and the sender's SSRC */

/* RFC 7983: RTP and RTCP are what begins with version 2. RFC 5761 section 4: RTCP where the second
 * byte without its top bit is 64 to 95. */
static inline enum packet_kind packet_kind(const uint8_t *data, size_t len)
{
	if (len < RTCP_HEADER_BYTES || data[0] >> 6 != 2)
		return PACKET_OTHER;
	if ((data[1] & 0x60) == 0x40)
		return PACKET_RTCP;
	return len >= RTP_HEADER_BYTES ? PACKET_RTP : PACKET_OTHER;
}

static inline uint32_t packet_u32(const uint8_t *data)
{
	return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static inline uint16_t packet_rtp_sequence(const uint8_t *data)
{
	return (uint16_t)(data[2] << 8 | data[3]);
}

static inline uint32_t packet_rtp_ssrc(const uint8_t *data)
{
	return packet_u32(data + 8);
}

static inline uint32_t packet_rtcp_ssrc(const uint8_t *data)
{
	return packet_u32(data + 4);
}

static inline uint8_t packet_payload_type(const uint8_t *data)
{
	return data[1] & 0x7f;
}
