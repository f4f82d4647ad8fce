/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cross rules of phones: numbers that reach one of them, and fields that need each other. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/checked.h"

static void a_number_reaches_one_phone(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_create(&list, "phone", "1002");
	changes_field(&list, "phone", "1001", "did", "700");
	changes_field(&list, "phone", "1002", "did", "7000");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	/* The other one's, wherever it was set; its number; its own number. */
	changes_field(&list, "phone", "1002", "did", "700");
	changes_field(&list, "phone", "1001", "did", "1002");
	changes_field(&list, "phone", "1002", "did", "1002");
	snapshot_unref(checked.before);
	checked.before = checked.after;
	checked.after = changes_apply(checked.before, &list);
	assert_int_equal(snapshot_check(checked.before, checked.after, NULL, &checked.report),
			 VOS_OK);
	assert_int_equal(checked.report.error_count, 3);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "phone 1002 did",
		     "700 is a did of phone 1001 already");
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "phone 1001 did",
		     "1002 is the number of phone 1002 already");
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "phone 1002 did",
		     "1002 is the number of phone 1002 already");
	clear(&checked);
}

static void fields_of_phones_that_need_each_other(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	for (char digit = '1'; digit <= '5'; digit++)
		changes_create(&list, "phone", (char[]){digit, '\0'});
	changes_field(&list, "phone", "1", "forward-in-period", "9");
	changes_field(&list, "phone", "2", "forward-period", "sun 00:00-24:00 allow");
	changes_field(&list, "phone", "3", "authentication", "ip");
	changes_field(&list, "phone", "4", "authentication", "ip-port");
	changes_field(&list, "phone", "4", "registration", "static");
	changes_field(&list, "phone", "4", "transport", "tls");
	changes_field(&list, "phone", "5", "transport", "tcp");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 3);
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "phone 1 forward-in-period",
		     "set phone 1 forward-period");
	EXPECT_WARNING(checked, "phone 2 forward-period", "forwards nowhere");
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "phone 3 authentication",
		     "set registration static and address");
	EXPECT_ERROR(checked, FAULT_REF_MISSING, "phone 4 authentication", "set address");
	EXPECT_WARNING(checked, "phone 4 transport", "no listen address has tls");
	EXPECT_WARNING(checked, "phone 5 transport", "is reached as it registered");
	clear(&checked);
}

/* Fields that come to nothing are taken, with a word of warning. */
static void fields_of_phones_without_effect(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	for (char digit = '1'; digit <= '3'; digit++)
		changes_create(&list, "phone", (char[]){digit, '\0'});
	changes_field(&list, "phone", "1", "did", "70");
	changes_field(&list, "phone", "1", "forward-busy", "2");
	changes_field(&list, "phone", "1", "forward-busy", "70");
	changes_field(&list, "phone", "1", "forward-offline", "1");
	changes_field(&list, "phone", "2", "capacity", "2");
	changes_field(&list, "phone", "2", "capacity-in", "2");
	changes_field(&list, "phone", "2", "capacity-out", "3");
	changes_field(&list, "phone", "3", "capacity-in", "100000");
	check(&checked, NULL, &list, NULL);
	assert_int_equal(checked.report.error_count, 0);
	assert_int_equal(checked.report.warning_count, 3);
	EXPECT_WARNING(checked, "phone 1 forward-busy", "70 is its own number");
	EXPECT_WARNING(checked, "phone 1 forward-offline", "1 is its own number");
	EXPECT_WARNING(checked, "phone 2 capacity-out", "3 is above capacity 2");
	clear(&checked);
}

TEST_MAIN(cmocka_unit_test(a_number_reaches_one_phone),
	  cmocka_unit_test(fields_of_phones_without_effect),
	  cmocka_unit_test(fields_of_phones_that_need_each_other))
