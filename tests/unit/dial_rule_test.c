/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a dial plan: what is a rule, what it fits, and what becomes of the number. */
#include "tests/support/test.h"

#include "shared/catalog/dial_rule.h"

/* A chance that the test sets: each draw takes the next of these, modulo n. */
struct draws {
	const uint64_t *values;
	size_t next;
};

static uint64_t draw(void *context, uint64_t n)
{
	struct draws *draws = context;

	assert_true(n > 0);
	return draws->values[draws->next++] % n;
}

static void expect(const char *rule_text, const char *number, const char *result,
		   const uint64_t *values)
{
	struct draws draws = {.values = values};
	struct dial_rule rule;
	char memory[128];
	struct buf out = buf_over(memory, sizeof(memory));
	int matched;

	assert_true(dial_rule_parse(span_of(rule_text), &rule));
	matched = dial_rule_match(&rule, span_of(number));
	if (!result) {
		assert_int_equal(matched, -1);
		return;
	}
	assert_true(matched >= 0);
	assert_true(dial_rule_apply(&rule, span_of(number), (size_t)matched, draw, &draws, &out));
	assert_string_equal(buf_cstr(&out), result);
}

static void test_not_a_rule(void **state)
{
	static const char *const texts[] = {
		"",
		"12",
		"12-3",
		"12>3",
		"a->1",
		"1->a",
		"1/->2",
		"1/0->2",
		"1/8-7->2",
		"1/64->2",
		"1/x->2",
		"1/8-->2",
		"1->5-",
		"1->-5",
		"1->9-10",
		"1->20-10",
		"1->1-2-3",
		"1->$-5",
		"1->?-5",
		"1 2->3",
		"1?->2",
		"1->1;2-;3",
		"1->1234567890123456789-1234567890123456790",
	};
	struct dial_rule rule;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (dial_rule_parse(span_of(texts[i]), &rule))
			fail_msg("\"%s\" was taken", texts[i]);
}

static void test_prefix(void **state)
{
	(void)state;
	expect("0->86", "0123", "86123", NULL);
	expect("00->", "0044", "44", NULL);
	expect("->9", "123", "9123", NULL);
	expect(" 0 -> 1 ", "05", "15", NULL);
	expect("12->3", "13", NULL, NULL);
	expect("123->4", "12", NULL, NULL);
	expect("+->00", "+49", "0049", NULL);
}

static void test_lengths(void **state)
{
	(void)state;
	expect("0/4->1", "0123", "1123", NULL);
	expect("0/4->1", "01234", NULL, NULL);
	expect("0/4->1", "012", NULL, NULL);
	expect("0/3-5->1", "01234", "11234", NULL);
	expect("0/3-5->1", "012345", NULL, NULL);
	expect("/3->", "123", "123", NULL);
}

static void test_star(void **state)
{
	(void)state;
	expect("*->55", "1234", "55", NULL);
	expect("*->55", "", "55", NULL);
	expect("86*->1", "8699", "1", NULL);
	expect("1*9->7", "1239456", "7456", NULL);
	expect("1*9->7", "19", "7", NULL);
	expect("1*9->7", "123", NULL, NULL);
	expect("*9->7", "1929", "729", NULL);
	expect("1*2*3->", "1a2b3c", "c", NULL);
	expect("1*1->", "1", NULL, NULL);
}

static void test_kept_digits(void **state)
{
	(void)state;
	expect("1234->$$99", "12345", "12995", NULL);
	expect("12->0$$", "125", "025", NULL); /* the third place is beyond what was matched */
	expect("*->9$$$", "1234", "9234", NULL);
}

static void test_chance(void **state)
{
	static const uint64_t draws[] = {7, 3, 1, 0};
	static const uint64_t second[] = {1};
	static const uint64_t third[] = {2, 5};
	static const uint64_t none[] = {0};

	(void)state;
	expect("1->???", "19", "7319", draws);
	expect("1->2;3;4", "19", "39", second);
	expect("1->2;3;100-109", "19", "1059", third);
	expect("1->;3", "19", "9", none);
	expect("1->0010-0019", "1", "0013", draws + 1);
}

static void test_range_reaches_both_ends(void **state)
{
	static const uint64_t low[] = {0};
	static const uint64_t high[] = {9};

	(void)state;
	expect("1->10-19", "1", "10", low);
	expect("1->10-19", "1", "19", high);
}

static void test_no_room(void **state)
{
	struct dial_rule rule;
	char memory[4];
	struct buf out = buf_over(memory, sizeof(memory));

	(void)state;
	assert_true(dial_rule_parse(SPAN_LIT("1->22222"), &rule));
	assert_false(dial_rule_apply(&rule, SPAN_LIT("1"), 1, draw, NULL, &out));
}

TEST_MAIN(cmocka_unit_test(test_not_a_rule), cmocka_unit_test(test_prefix),
	  cmocka_unit_test(test_lengths), cmocka_unit_test(test_star),
	  cmocka_unit_test(test_kept_digits), cmocka_unit_test(test_chance),
	  cmocka_unit_test(test_range_reaches_both_ends), cmocka_unit_test(test_no_room))
