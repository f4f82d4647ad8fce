/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the checks of a commit say of changes, and what a test expects them to say. */
#pragma once

#include "shared/config/check.h"
#include "tests/support/changes.h"
#include "tests/support/test.h"

/* The report of a change list on a base (NULL: the empty one); the list is then empty. */
struct checked {
	struct snapshot *before;
	struct snapshot *after;
	struct check_report report;
};

static inline void check(struct checked *checked, struct snapshot *base, struct change_list *list,
			 const struct check_facts *facts)
{
	checked->before = base ? snapshot_ref(base) : snapshot_new_empty();
	checked->after = changes_apply(checked->before, list);
	assert_int_equal(snapshot_check(checked->before, checked->after, facts, &checked->report),
			 VOS_OK);
}

static inline void clear(struct checked *checked)
{
	check_report_clear(&checked->report);
	snapshot_unref(checked->before);
	snapshot_unref(checked->after);
}

static inline void expect_one(const struct vos_fault *faults, size_t count, enum fault_code code,
			      const char *path, const char *text)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(faults[i].path, path) != 0 || !strstr(faults[i].text, text))
			continue;
		assert_int_equal(faults[i].code, code);
		return;
	}
	for (size_t i = 0; i < count; i++)
		print_message("have: [%s] %s\n", faults[i].path, faults[i].text);
	fail_msg("missing: [%s] %s", path, text);
}

#define EXPECT_ERROR(checked, code, path, text) \
	expect_one((checked).report.errors, (checked).report.error_count, code, path, text)
#define EXPECT_WARNING(checked, path, text)                                                     \
	expect_one((checked).report.warnings, (checked).report.warning_count, FAULT_NONE, path, \
		   text)
#define EXPECT_CLEAN(checked)                                        \
	do {                                                         \
		assert_int_equal((checked).report.error_count, 0);   \
		assert_int_equal((checked).report.warning_count, 0); \
	} while (0)
