/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and numbers as text, texts compared, hashed, and put behind each other where room is
 * short. */
#include "shared/base/addr.h"
#include "shared/base/hash.h"
#include "shared/base/span.h"
#include "tests/support/test.h"

static void addresses_come_back_as_they_were(void **state)
{
	static const char *const texts[] = {
		"0.0.0.0",     "1.2.3.4",     "10.100.200.255",    "255.255.255.255",
		"127.0.0.1:1", "127.0.0.1:9", "127.0.0.1:10",      "255.255.255.255:65535",
		"2001:db8::1", "[::1]:5060",  "[2001:db8::1]:100",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char out[ADDR_TEXT_MAX];
		struct addr addr;

		assert_true(addr_parse(span_of(texts[i]), &addr));
		assert_string_equal(addr_print(&addr, out), texts[i]);
	}
}

static void parts_of_addresses(void **state)
{
	char out[ADDR_TEXT_MAX];
	struct addr addr;

	(void)state;
	assert_true(addr_parse(SPAN_LIT("192.0.2.7:5060"), &addr));
	assert_string_equal(addr_print_ip(&addr, out), "192.0.2.7");
	assert_string_equal(addr_print_host(&addr, out), "192.0.2.7");
	assert_true(addr_parse(SPAN_LIT("[2001:db8::7]:5060"), &addr));
	assert_string_equal(addr_print_ip(&addr, out), "2001:db8::7");
	assert_string_equal(addr_print_host(&addr, out), "[2001:db8::7]");
	addr = (struct addr){0};
	assert_string_equal(addr_print_ip(&addr, out), "");
}

static void joined_as_far_as_they_fit(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		size_t size;
		const char *want;
	} rows[] = {
		{"phone ", "1001", 32, "phone 1001"},
		{"phone ", "1001", 11, "phone 1001"},
		{"phone ", "1001", 10, "phone 100"},
		{"phone ", "1001", 7, "phone "},
		{"phone ", "1001", 6, "phone"},
		{"phone ", "1001", 1, ""},
		{"", "1001", 4, "100"},
		{"", "", 1, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[33];

		memset(out, 'x', sizeof(out));
		span_join(span_of(rows[i].a), span_of(rows[i].b), out, rows[i].size);
		assert_string_equal(out, rows[i].want);
		assert_int_equal(out[rows[i].size], 'x');
	}
}

static void no_addresses(void **state)
{
	static const char *const texts[] = {
		"",           ".",         "1",         "1.2.3",     "1.2.3.",
		"1.2.3.4.",   "1.2.3.4.5", "1..2.3",    "256.1.1.1", "1.1.1.256",
		"1.1.1.1000", "01.1.1.1",  "1.1.1.00",  "1.1.1.-1",  " 1.1.1.1",
		"1.1.1.1 ",   "1.1.1.x",   "1.1.1.1:0", "1.1.1.1:",  "1.1.1.1:65536",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct addr addr;

		if (addr_parse(span_of(texts[i]), &addr))
			fail_msg("\"%s\" is an address", texts[i]);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
		bool is_number;
		uint64_t want;
	} rows[] = {
		{"0", 0, true, 0},
		{"65535", 65535, true, 65535},
		{"65536", 65535, false, 0},
		{"9999999999999999999", UINT64_MAX, true, 9999999999999999999u},
		{"18446744073709551615", UINT64_MAX, true, UINT64_MAX},
		{"18446744073709551616", UINT64_MAX, false, 0},
		{"99999999999999999999", UINT64_MAX, false, 0},
		{"0000000000000000000000000000007", 7, true, 7},
		{"0000000000000000000000000000008", 7, false, 0},
		{"", 7, false, 0},
		{"+1", 7, false, 0},
		{"1 ", 7, false, 0},
		{"0000000000000000000000000000/", 7, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t number = 0;

		assert_int_equal(span_to_u64(span_of(rows[i].text), rows[i].max, &number),
				 rows[i].is_number);
		assert_int_equal(number, rows[i].want);
	}
}

static void compared_without_case(void **state)
{
	(void)state;
	assert_true(span_ieq(SPAN_LIT("aZ-1"), SPAN_LIT("Az-1")));
	assert_true(span_ieq(SPAN_NONE, SPAN_LIT("")));
	assert_false(span_ieq(SPAN_LIT("aZ"), SPAN_LIT("aZ-")));
	/* They differ by the bit that makes a letter small, and are none. */
	assert_false(span_ieq(SPAN_LIT("@"), SPAN_LIT("`")));
	assert_false(span_ieq(SPAN_LIT("["), SPAN_LIT("{")));
	assert_false(span_ieq(SPAN_LIT("-"), SPAN_LIT("\r")));
	assert_false(span_ieq(SPAN_LIT("a\0b"), SPAN_LIT("a\0c")));
	assert_true(span_istarts_with(SPAN_LIT("sIp:a"), SPAN_LIT("SIP:")));
	assert_false(span_istarts_with(SPAN_LIT("sip"), SPAN_LIT("SIP:")));
}

/* With the key 0, the bytes 1, 2, 3 ...: as CPython 3.11 hashes them. */
static void hashed(void **state)
{
	static const struct {
		size_t len;
		uint64_t want;
	} rows[] = {
		{1, 0x44bc103b1f8540ed},  {7, 0xb1cd85cc334196fa},  {8, 0x884ccc87cb0e5fb0},
		{9, 0x027ed508fe95acb3},  {15, 0x75e46d4257851550}, {16, 0xe05d12a0a4b2d063},
		{33, 0x229e4c3e12208140},
	};
	const struct hash_key key = {{0}};
	uint8_t bytes[33];

	(void)state;
	for (uint8_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = i + 1;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(hash_lookup(&key, bytes, rows[i].len), rows[i].want);
}

static void spans_have_an_order(void **state)
{
	/* Each is below the next. */
	static const char *const words[] = {"", "1", "10", "100", "11", "2", "a"};
	const int count = sizeof(words) / sizeof(words[0]);

	(void)state;
	for (int i = 0; i < count; i++) {
		for (int j = 0; j < count; j++) {
			int order = span_compare(span_of(words[i]), span_of(words[j]));

			assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
		}
	}
	assert_int_equal(span_compare(SPAN_NONE, SPAN_LIT("")), 0);
}

TEST_MAIN(cmocka_unit_test(spans_have_an_order), cmocka_unit_test(addresses_come_back_as_they_were),
	  cmocka_unit_test(parts_of_addresses), cmocka_unit_test(joined_as_far_as_they_fit),
	  cmocka_unit_test(no_addresses), cmocka_unit_test(numbers),
	  cmocka_unit_test(compared_without_case), cmocka_unit_test(hashed))
