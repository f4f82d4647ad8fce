/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones for tests of the relay: sockets on addresses of 127.0.0.0/8 that send and expect single
 * packets. Whatever fails ends the test. */
#pragma once

#include <sys/types.h>

#include "switchd/media/media.h"

struct phone {
	int fd;
	struct addr addr;
};

struct received {
	uint8_t data[4096];
	ssize_t len;
	struct addr from;
	int tos;
};

struct addr phone_address(const char *text);
struct phone phone_new_on(struct addr addr);
struct phone phone_new_at(const char *ip, uint16_t port);
/* On a port of the kernel's choice. */
struct phone phone_new(const char *ip);
/* To a port of the switch. */
void phone_send(const struct phone *phone, uint16_t port, const void *data, size_t len);
/* 20 bytes: second byte of RTP (payload type) or RTCP (packet type), the SSRC where that kind has
 * it, and the mark at the end. */
void phone_send_packet(const struct phone *phone, uint16_t port, uint8_t second, uint32_t ssrc,
		       uint8_t mark);
struct received phone_receive(const struct phone *phone);
/* The next packet is the one with that mark: nothing came before it. */
void phone_receives_mark(const struct phone *phone, uint8_t mark, uint16_t from_port);
void phone_is_silent(const struct phone *phone);

/* The switch's address: one of this process alone, so that no other's ports are in the way. */
struct addr relay_local(void);
struct media *relay_new(uint16_t low, uint16_t high, int threads);
struct media_session *relay_open(struct media *media);
void relay_set_peer(struct media_session *session, enum media_side side, const struct phone *phone);
struct media_counters relay_counters_of(const struct media_session *session, enum media_side side);
/* Waits until a counter has that value, and for no longer than a lost packet would need to be
 * called one. */
void relay_wait_for(const struct media_session *session, enum media_side side, size_t field,
		    uint64_t want);
#define WAIT_FOR(session, side, field, want) \
	relay_wait_for(session, side, offsetof(struct media_counters, field), want)
