/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP and UDP headers in front of a datagram, as a socket of the same address would write them, for
 * a raw socket that sends from many ports. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "switchd/media/endpoint.h"

#define UDP_HEAD_IP4   28
#define UDP_HEAD_IP6   48
#define UDP_HEAD_BYTES UDP_HEAD_IP6

/* Writes both headers; returns their length. from and to are of one family. */
size_t udp_head_write(uint8_t head[UDP_HEAD_BYTES], const struct endpoint *from,
		      const struct endpoint *to, uint8_t tos, uint8_t ttl, const uint8_t *data,
		      size_t len);
