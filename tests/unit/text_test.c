/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses as text, and texts put behind each other where room is short. */
#include "shared/base/addr.h"
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

TEST_MAIN(cmocka_unit_test(addresses_come_back_as_they_were), cmocka_unit_test(parts_of_addresses),
	  cmocka_unit_test(joined_as_far_as_they_fit))
