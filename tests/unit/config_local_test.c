/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a local-address at a commit. */
#include "tests/support/test.h"

#include <stdio.h>

#include "tests/support/checked.h"

#define LOCAL_PATH "routing-gateway a local-address"

/* Without a listen object there is only loopback. */
static void local_address_without_listens(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "local-address", "10.0.0.1");
	check(&checked, NULL, &list, NULL);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, LOCAL_PATH,
		     "10.0.0.1 is not listened on for udp; these addresses are: 127.0.0.1:5060");
	clear(&checked);
	changes_create(&list, "phone", "100");
	changes_field(&list, "phone", "100", "local-address", "127.0.0.1:5060");
	check(&checked, NULL, &list, NULL);
	EXPECT_WARNING(checked, "phone 100 local-address", "not used");
	assert_int_equal(checked.report.error_count, 0);
	clear(&checked);
}

/* A gateway by UDP and a registration by TCP, each at the listen address of its kind. */
static struct snapshot *with_local_addresses(void)
{
	struct change_list list = {0};
	struct checked checked;
	struct snapshot *after;

	changes_create(&list, "listen", "main");
	changes_field(&list, "listen", "main", "udp", "10.0.0.1:5060");
	changes_field(&list, "listen", "main", "tcp", "10.0.0.1:5062");
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "address", "192.0.2.1");
	changes_field(&list, "routing-gateway", "a", "local-address", "10.0.0.1");
	changes_create(&list, "registration", "r");
	changes_field(&list, "registration", "r", "server", "192.0.2.2");
	changes_field(&list, "registration", "r", "account", "bob");
	changes_field(&list, "registration", "r", "transport", "tcp");
	changes_field(&list, "registration", "r", "local-address", "10.0.0.1:5062");
	check(&checked, NULL, &list, NULL);
	EXPECT_CLEAN(checked);
	after = snapshot_ref(checked.after);
	clear(&checked);
	return after;
}

static void local_addresses(void **state)
{
	struct snapshot *base = with_local_addresses();
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	/* The port of the other transport is none of this one. */
	changes_field(&list, "routing-gateway", "a", "local-address", "10.0.0.1:5062");
	check(&checked, base, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, LOCAL_PATH,
		     "10.0.0.1:5062 is not listened on for udp; these addresses are: "
		     "10.0.0.1:5060");
	clear(&checked);
	changes_field(&list, "routing-gateway", "a", "address", "2001:db8::1");
	check(&checked, base, &list, NULL);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, LOCAL_PATH,
		     "nothing can be sent to [2001:db8::1]; it has to be an IPv6 address");
	clear(&checked);
	changes_field(&list, "routing-gateway", "a", "registration", "dynamic");
	changes_field(&list, "registration", "r", "local-address", "10.0.0.1:5060");
	check(&checked, base, &list, NULL);
	EXPECT_WARNING(checked, LOCAL_PATH, "not used");
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, "registration r local-address",
		     "10.0.0.1:5060 is not listened on for tcp");
	clear(&checked);
	/* Who was not touched loses its address all the same. */
	changes_field(&list, "listen", "main", "udp", "10.0.0.2:5060");
	check(&checked, base, &list, NULL);
	assert_int_equal(checked.report.error_count, 1);
	EXPECT_ERROR(checked, FAULT_VALUE_RANGE, LOCAL_PATH, "these addresses are: 10.0.0.2:5060");
	clear(&checked);
	changes_delete(&list, "listen", "main");
	check(&checked, base, &list, NULL);
	assert_int_equal(checked.report.error_count, 2);
	clear(&checked);
	snapshot_unref(base);
}

TEST_MAIN(cmocka_unit_test(local_address_without_listens), cmocka_unit_test(local_addresses))
