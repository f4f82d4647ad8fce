/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP addresses, address:port pairs and prefixes. IPv4-mapped IPv6 addresses are stored as IPv4. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "shared/base/span.h"

enum addr_family { ADDR_NONE = 0, ADDR_IP4 = 4, ADDR_IP6 = 6 };

struct addr {
	uint8_t family; /* enum addr_family */
	uint8_t pad;    /* always 0, so that memcmp and hashing work on the whole struct */
	uint16_t port;  /* host order; 0 = none */
	uint8_t ip[16]; /* network order; an IPv4 address takes the first 4 bytes, the rest is 0 */
};

struct prefix {
	struct addr base; /* host bits cleared, port 0 */
	uint8_t bits;
};

/* "192.0.2.1", "192.0.2.1:5060", "2001:db8::1", "[2001:db8::1]:5060". Nothing may follow. */
bool addr_parse(struct span text, struct addr *out);
/* As addr_parse, port required to be present and not 0. */
bool addr_parse_with_port(struct span text, struct addr *out);
/* "10.0.0.0/8", or a plain address as /32 or /128. Host bits set is an error. */
bool prefix_parse(struct span text, struct prefix *out);

#define ADDR_TEXT_MAX 56 /* "[" 45 "]:65535" and NUL */

/* Canonical text. addr_print leaves a zero port out; both return out. */
char *addr_print(const struct addr *addr, char out[ADDR_TEXT_MAX]);
char *addr_print_ip(const struct addr *addr, char out[ADDR_TEXT_MAX]);
/* The address as it stands in a SIP URI or Via host: IPv6 in brackets, no port. */
char *addr_print_host(const struct addr *addr, char out[ADDR_TEXT_MAX]);
char *prefix_print(const struct prefix *prefix, char out[ADDR_TEXT_MAX]);

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out);
/* Returns the length of the socket address. */
socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out);

bool addr_eq(const struct addr *a, const struct addr *b);    /* with port */
bool addr_ip_eq(const struct addr *a, const struct addr *b); /* without port */
bool addr_is_any(const struct addr *addr);
/* One host may have it: no group, no broadcast, not "this network" (RFC 1122 section 3.2.1.3). */
bool addr_is_host(const struct addr *addr);
/* RFC 1918, RFC 6598, link local, unique local IPv6. Loopback is not private. */
bool addr_is_private(const struct addr *addr);
bool addr_is_loopback(const struct addr *addr);
bool prefix_contains(const struct prefix *prefix, const struct addr *addr);
