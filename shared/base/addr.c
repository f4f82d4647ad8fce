/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>

static void unmap(struct addr *addr)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

	if (addr->family != ADDR_IP6 || memcmp(addr->ip, mapped, sizeof(mapped)) != 0)
		return;
	addr->family = ADDR_IP4;
	memmove(addr->ip, addr->ip + 12, 4);
	memset(addr->ip + 4, 0, 12);
}

/* Four numbers as inet_pton() takes them, which costs several times as much with what is around it;
 * every message has some. */
static bool parse_ip4(struct span text, uint8_t ip[4])
{
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		unsigned number = 0;
		size_t start;

		if (i > 0 && (at == text.len || text.ptr[at++] != '.'))
			return false;
		start = at;
		while (at < text.len && at - start < 3 && (uint8_t)(text.ptr[at] - '0') <= 9)
			number = number * 10 + (uint8_t)(text.ptr[at++] - '0');
		if (at == start || number > 255 || (at - start > 1 && text.ptr[start] == '0'))
			return false;
		ip[i] = (uint8_t)number;
	}
	return at == text.len;
}

static bool parse_ip(struct span text, struct addr *out)
{
	char host[INET6_ADDRSTRLEN];
	struct addr addr = {0};
	uint8_t ip4[4];

	if (parse_ip4(text, ip4)) {
		addr.family = ADDR_IP4;
		memcpy(addr.ip, ip4, sizeof(ip4));
		*out = addr;
		return true;
	}
	if (!span_copy(text, host, sizeof(host)) || memchr(text.ptr, '\0', text.len))
		return false;
	if (inet_pton(AF_INET6, host, addr.ip) != 1)
		return false;
	addr.family = ADDR_IP6;
	unmap(&addr);
	*out = addr;
	return true;
}

bool addr_parse(struct span text, struct addr *out)
{
	struct span host = text;
	struct span port = SPAN_NONE;
	struct addr addr;
	uint64_t number = 0;

	if (text.len == 0)
		return false;
	if (text.ptr[0] == '[') {
		size_t end = span_find(text, ']');

		if (end == text.len)
			return false;
		host = (struct span){text.ptr + 1, end - 1};
		if (end + 1 < text.len) {
			if (text.ptr[end + 1] != ':')
				return false;
			port = (struct span){text.ptr + end + 2, text.len - end - 2};
		}
		if (span_find(host, ':') == host.len)
			return false;
	} else {
		size_t colon = span_find(text, ':');

		/* More than one colon without brackets is a bare IPv6 address. */
		if (colon < text.len && !memchr(text.ptr + colon + 1, ':', text.len - colon - 1)) {
			host.len = colon;
			port = (struct span){text.ptr + colon + 1, text.len - colon - 1};
		}
	}
	if (!parse_ip(host, &addr))
		return false;
	if (port.ptr && (!span_to_u64(port, 65535, &number) || number == 0))
		return false;
	addr.port = (uint16_t)number;
	*out = addr;
	return true;
}

bool addr_parse_with_port(struct span text, struct addr *out)
{
	struct addr addr;

	if (!addr_parse(text, &addr) || addr.port == 0)
		return false;
	*out = addr;
	return true;
}

static bool bits_beyond_are_zero(const struct addr *addr, unsigned bits)
{
	unsigned total = addr->family == ADDR_IP4 ? 32 : 128;

	for (unsigned i = bits; i < total; i++)
		if (addr->ip[i / 8] & (0x80u >> (i % 8)))
			return false;
	return true;
}

bool prefix_parse(struct span text, struct prefix *out)
{
	size_t slash = span_find(text, '/');
	struct prefix prefix = {0};
	uint64_t bits;

	if (!parse_ip((struct span){text.ptr, slash}, &prefix.base))
		return false;
	bits = prefix.base.family == ADDR_IP4 ? 32 : 128;
	if (slash < text.len &&
	    !span_to_u64((struct span){text.ptr + slash + 1, text.len - slash - 1}, bits, &bits))
		return false;
	if (!bits_beyond_are_zero(&prefix.base, (unsigned)bits))
		return false;
	prefix.bits = (uint8_t)bits;
	*out = prefix;
	return true;
}

/* Both write digits behind `at` and return their end: every message has some of these, and
 * inet_ntop() and snprintf() take ten times as long. */
static char *put_number(char *at, unsigned number)
{
	char digits[5];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count)
		*at++ = digits[--count];
	return at;
}

static char *put_ip4(char *at, const uint8_t ip[4])
{
	for (int i = 0; i < 4; i++) {
		if (i)
			*at++ = '.';
		at = put_number(at, ip[i]);
	}
	return at;
}

char *addr_print_ip(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	out[0] = '\0';
	if (addr->family == ADDR_IP4)
		*put_ip4(out, addr->ip) = '\0';
	else if (addr->family == ADDR_IP6)
		inet_ntop(AF_INET6, addr->ip, out, ADDR_TEXT_MAX);
	return out;
}

char *addr_print_host(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_print_ip(addr, ip);
	if (addr->family == ADDR_IP6)
		snprintf(out, ADDR_TEXT_MAX, "[%.45s]", ip);
	else
		memcpy(out, ip, strlen(ip) + 1);
	return out;
}

char *addr_print(const struct addr *addr, char out[ADDR_TEXT_MAX])
{
	char *end;

	if (addr->port == 0)
		return addr_print_ip(addr, out);
	addr_print_host(addr, out);
	end = out + strlen(out);
	*end++ = ':';
	*put_number(end, addr->port) = '\0';
	return out;
}

char *prefix_print(const struct prefix *prefix, char out[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_print_ip(&prefix->base, ip);
	snprintf(out, ADDR_TEXT_MAX, "%.45s/%u", ip, prefix->bits);
	return out;
}

bool addr_from_sockaddr(const struct sockaddr *sa, struct addr *out)
{
	struct addr addr = {0};

	if (sa->sa_family == AF_INET) {
		struct sockaddr_in sin;

		memcpy(&sin, sa, sizeof(sin));
		addr.family = ADDR_IP4;
		addr.port = ntohs(sin.sin_port);
		memcpy(addr.ip, &sin.sin_addr, 4);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, sa, sizeof(sin6));
		addr.family = ADDR_IP6;
		addr.port = ntohs(sin6.sin6_port);
		memcpy(addr.ip, &sin6.sin6_addr, 16);
		unmap(&addr);
	} else {
		return false;
	}
	*out = addr;
	return true;
}

socklen_t addr_to_sockaddr(const struct addr *addr, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	if (addr->family == ADDR_IP4) {
		struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(addr->port)};

		memcpy(&sin.sin_addr, addr->ip, 4);
		memcpy(out, &sin, sizeof(sin));
		return sizeof(sin);
	}
	struct sockaddr_in6 sin6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};

	memcpy(&sin6.sin6_addr, addr->ip, 16);
	memcpy(out, &sin6, sizeof(sin6));
	return sizeof(sin6);
}

bool addr_ip_eq(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool addr_eq(const struct addr *a, const struct addr *b)
{
	return a->port == b->port && addr_ip_eq(a, b);
}

bool addr_is_any(const struct addr *addr)
{
	static const uint8_t zero[16];

	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

bool addr_is_host(const struct addr *addr)
{
	if (addr->family == ADDR_IP4)
		return addr->ip[0] > 0 && addr->ip[0] < 224;
	return addr->family == ADDR_IP6 && addr->ip[0] != 0xff && !addr_is_any(addr);
}

bool addr_is_loopback(const struct addr *addr)
{
	static const uint8_t one[16] = {[15] = 1};

	if (addr->family == ADDR_IP4)
		return addr->ip[0] == 127;
	return addr->family == ADDR_IP6 && memcmp(addr->ip, one, sizeof(one)) == 0;
}

bool addr_is_private(const struct addr *addr)
{
	const uint8_t *ip = addr->ip;

	if (addr->family == ADDR_IP4)
		return ip[0] == 10 || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
		       (ip[0] == 192 && ip[1] == 168) || (ip[0] == 100 && (ip[1] & 0xc0) == 64) ||
		       (ip[0] == 169 && ip[1] == 254);
	return addr->family == ADDR_IP6 &&
	       ((ip[0] & 0xfe) == 0xfc || (ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80));
}

bool prefix_contains(const struct prefix *prefix, const struct addr *addr)
{
	unsigned whole = prefix->bits / 8;
	unsigned rest = prefix->bits % 8;

	if (prefix->base.family != addr->family || memcmp(prefix->base.ip, addr->ip, whole) != 0)
		return false;
	return rest == 0 ||
	       ((prefix->base.ip[whole] ^ addr->ip[whole]) & (0xff00u >> rest) & 0xff) == 0;
}
