/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/loop/slots.h"

static struct span hex(uint32_t number, char out[16])
{
	snprintf(out, 16, "%08xrest", number);
	return span_of(out);
}

/* Many comings and goings: what is there is found by its number, what has gone is not. */
static void finds_what_is_there(void **state)
{
	struct slots slots = {.max = 5000};
	uint32_t numbers[5000];
	char text[16];
	uint32_t extra;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++)
		assert_true(slots_add(&slots, &numbers[i], &numbers[i]));
	assert_false(slots_add(&slots, &extra, &extra));
	for (uint32_t i = 0; i < 5000; i += 2)
		slots_remove(&slots, numbers[i]);
	assert_int_equal(slots.count, 2500);
	for (uint32_t i = 0; i < 5000; i++)
		assert_ptr_equal(slots_find(&slots, hex(numbers[i], text)),
				 i % 2 ? &numbers[i] : NULL);
	/* Numbers are used again before new ones are made. */
	assert_true(slots_add(&slots, &extra, &extra));
	assert_true(extra < 5000);
	assert_ptr_equal(slots_find(&slots, hex(extra, text)), &extra);
	slots_free(&slots);
}

static void refuses_what_is_no_number(void **state)
{
	static const char *const texts[] = {"",         "0000000",  "0000000g",
					    "-0000000", "0x000000", "0000000A",
					    "ffffffff", "00000001", " 0000000"};
	struct slots slots = {.max = 10};
	uint32_t number;

	(void)state;
	assert_null(slots_find(&slots, SPAN_LIT("00000000")));
	assert_true(slots_add(&slots, &number, &number));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_null(slots_find(&slots, span_of(texts[i])));
	assert_ptr_equal(slots_find(&slots, SPAN_LIT("00000000")), &number);
	slots_free(&slots);
}

TEST_MAIN(cmocka_unit_test(finds_what_is_there), cmocka_unit_test(refuses_what_is_no_number))
