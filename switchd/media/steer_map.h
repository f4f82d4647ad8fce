/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program that steers packets and switchd have in common: how a stream is named. IPv4
 * addresses stand in the first word; addresses and the remote port are in network order, the local
 * port in that of the host, as the kernel hands them to the program. */
#pragma once

#include <stdint.h>

#define STEER_STREAMS_MAX                                                                     \
	65536               /* more go to the sockets of their ports, as all would without it \
			     */
#define STEER_INLETS_MAX 32 /* a media thread has one a family */

struct steer_key {
	uint32_t local_ip[4];
	uint32_t remote_ip[4];
	uint16_t local_port;
	uint16_t remote_port;
};
