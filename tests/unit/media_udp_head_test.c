/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers that switchd writes by itself: their fields, and checksums by the book, a byte at a
 * time. */
#include "tests/support/test.h"

#include <string.h>

#include "switchd/media/udp_head.h"

static struct endpoint endpoint(const char *text)
{
	struct addr addr;

	assert_true(addr_parse(span_of(text), &addr));
	return endpoint_of(&addr);
}

/* RFC 1071, over bytes. */
static uint32_t add(uint32_t sum, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? data[i] : (uint32_t)data[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* 0xffff for a datagram whose checksum is good: UDP header and data with the pseudo header. */
static uint32_t sum_of(const uint8_t *addresses, size_t addresses_len, const uint8_t *udp,
		       const uint8_t *data, size_t len)
{
	const uint8_t rest[4] = {0, 17, (uint8_t)((8 + len) >> 8), (uint8_t)(8 + len)};
	uint32_t sum = add(0, addresses, addresses_len);

	return add(add(add(sum, rest, sizeof(rest)), udp, 8), data, len);
}

static void fields_of_ip4(void **state)
{
	const struct endpoint from = endpoint("192.0.2.1:30001");
	const struct endpoint to = endpoint("198.51.100.77:5004");
	const uint8_t expected[26] = {0x45, 0xb8, 0x00, 0x1f, 0,    0,    0x40, 0,   63,
				      17,   0,    0,    192,  0,    2,    1,    198, 51,
				      100,  77,   0x75, 0x31, 0x13, 0x8c, 0x00, 0x0b};
	const uint8_t data[3] = {1, 2, 3};
	uint8_t head[UDP_HEAD_BYTES];

	(void)state;
	assert_int_equal(udp_head_write(head, &from, &to, 0xb8, 63, data, sizeof(data)),
			 UDP_HEAD_IP4);
	assert_memory_equal(head, expected, sizeof(expected));
	assert_int_equal(sum_of(head + 12, 8, head + 20, data, sizeof(data)), 0xffff);
}

static void fields_of_ip6(void **state)
{
	const struct endpoint from = endpoint("[2001:db8::1]:30001");
	const struct endpoint to = endpoint("[2001:db8:1::77]:5004");
	const uint8_t expected[8] = {0x6b, 0x80, 0, 0, 0, 12, 17, 64};
	const uint8_t data[4] = {0xff, 0xff, 0xff, 0xff};
	uint8_t head[UDP_HEAD_BYTES];

	(void)state;
	assert_int_equal(udp_head_write(head, &from, &to, 0xb8, 64, data, sizeof(data)),
			 UDP_HEAD_IP6);
	assert_memory_equal(head, expected, sizeof(expected));
	assert_memory_equal(head + 8, &from.in6.sin6_addr, 16);
	assert_memory_equal(head + 24, &to.in6.sin6_addr, 16);
	assert_int_equal(sum_of(head + 8, 32, head + 40, data, sizeof(data)), 0xffff);
}

/* Of every length, odd ones among them, and of data that makes the sum wrap often. */
static void checksums_are_good(void **state)
{
	const struct endpoint from4 = endpoint("255.255.255.254:65535");
	const struct endpoint to4 = endpoint("255.255.255.253:65534");
	const struct endpoint from6 = endpoint("[ffff:ffff:ffff:ffff::ffff]:65535");
	const struct endpoint to6 = endpoint("[::1]:1");
	uint8_t data[1500];
	uint8_t head[UDP_HEAD_BYTES];

	(void)state;
	for (size_t len = 0; len <= sizeof(data); len++) {
		for (size_t i = 0; i < len; i++)
			data[i] = len % 3 ? (uint8_t)(i * 167 + len) : 0xff;
		udp_head_write(head, &from4, &to4, 0, 64, data, len);
		assert_int_equal(sum_of(head + 12, 8, head + 20, data, len), 0xffff);
		udp_head_write(head, &from6, &to6, 0, 64, data, len);
		assert_int_equal(sum_of(head + 8, 32, head + 40, data, len), 0xffff);
	}
}

/* One that comes out as 0 is sent as its other form: 0 would say that there is none. */
static void checksum_is_never_none(void **state)
{
	const struct endpoint from = endpoint("10.0.0.1:20000");
	const struct endpoint to = endpoint("10.0.0.2:20002");
	uint8_t head[UDP_HEAD_BYTES];
	uint8_t data[2];
	int wrapped = 0;

	(void)state;
	for (uint32_t word = 0; word <= 0xffff; word++) {
		data[0] = (uint8_t)(word >> 8);
		data[1] = (uint8_t)word;
		udp_head_write(head, &from, &to, 0, 64, data, sizeof(data));
		assert_true(head[26] || head[27]);
		wrapped += head[26] == 0xff && head[27] == 0xff;
	}
	assert_int_equal(wrapped, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_of_ip4),
		cmocka_unit_test(fields_of_ip6),
		cmocka_unit_test(checksums_are_good),
		cmocka_unit_test(checksum_is_never_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
