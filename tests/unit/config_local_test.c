/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a local-address at a commit. */
#include "tests/support/test.h"

#include <stdio.h>

#include "shared/config/check.h"
#include "tests/support/changes.h"

#define LOCAL_PATH "routing-gateway a local-address"

struct checked {
	struct snapshot *after;
	struct check_report report;
};

/* The report of a change list on a base (NULL: the empty one); the list is then empty. */
static void check(struct checked *checked, struct snapshot *base, struct change_list *list)
{
	struct snapshot *before = base ? snapshot_ref(base) : snapshot_new_empty();

	checked->after = changes_apply(before, list);
	assert_int_equal(snapshot_check(before, checked->after, NULL, &checked->report), VOS_OK);
	snapshot_unref(before);
}

static void clear(struct checked *checked)
{
	check_report_clear(&checked->report);
	snapshot_unref(checked->after);
}

static void expect(const struct vos_fault *faults, size_t count, const char *path, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(faults[i].path, path) == 0 && strstr(faults[i].text, text))
			return;
	fail_msg("missing: [%s] %s; there are %zu, the first: %s", path, text, count,
		 count ? faults[0].text : "");
}

static void expect_error(const struct checked *checked, const char *path, const char *text)
{
	expect(checked->report.errors, checked->report.error_count, path, text);
}

static void expect_warning(const struct checked *checked, const char *path, const char *text)
{
	expect(checked->report.warnings, checked->report.warning_count, path, text);
}

/* Without a listen object there is only loopback. */
static void local_address_without_listens(void **state)
{
	struct change_list list = {0};
	struct checked checked;

	(void)state;
	changes_create(&list, "routing-gateway", "a");
	changes_field(&list, "routing-gateway", "a", "local-address", "10.0.0.1");
	check(&checked, NULL, &list);
	expect_error(&checked, LOCAL_PATH,
		     "10.0.0.1 is not listened on for udp; these addresses are: 127.0.0.1:5060");
	clear(&checked);
	changes_create(&list, "phone", "100");
	changes_field(&list, "phone", "100", "local-address", "127.0.0.1:5060");
	check(&checked, NULL, &list);
	expect_warning(&checked, "phone 100 local-address", "not used");
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
	check(&checked, NULL, &list);
	assert_int_equal(checked.report.error_count, 0);
	assert_int_equal(checked.report.warning_count, 0);
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
	check(&checked, base, &list);
	assert_int_equal(checked.report.error_count, 1);
	expect_error(&checked, LOCAL_PATH,
		     "10.0.0.1:5062 is not listened on for udp; these addresses are: "
		     "10.0.0.1:5060");
	clear(&checked);
	changes_field(&list, "routing-gateway", "a", "address", "2001:db8::1");
	check(&checked, base, &list);
	expect_error(&checked, LOCAL_PATH,
		     "nothing can be sent to [2001:db8::1]; it has to be an IPv6 address");
	clear(&checked);
	changes_field(&list, "routing-gateway", "a", "registration", "dynamic");
	changes_field(&list, "registration", "r", "local-address", "10.0.0.1:5060");
	check(&checked, base, &list);
	expect_warning(&checked, LOCAL_PATH, "not used");
	expect_error(&checked, "registration r local-address",
		     "10.0.0.1:5060 is not listened on for tcp");
	clear(&checked);
	/* Who was not touched loses its address all the same. */
	changes_field(&list, "listen", "main", "udp", "10.0.0.2:5060");
	check(&checked, base, &list);
	assert_int_equal(checked.report.error_count, 1);
	expect_error(&checked, LOCAL_PATH, "these addresses are: 10.0.0.2:5060");
	clear(&checked);
	changes_delete(&list, "listen", "main");
	check(&checked, base, &list);
	assert_int_equal(checked.report.error_count, 2);
	clear(&checked);
	snapshot_unref(base);
}

TEST_MAIN(cmocka_unit_test(local_address_without_listens), cmocka_unit_test(local_addresses))
