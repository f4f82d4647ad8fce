/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file: every fault with its place, and nothing of it when there is one. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/ctl/commit.h"
#include "switchd/ctl/file_load.h"
#include "tests/support/ctl.h"

static struct ctl_fixture fixture;

static int open_fixture(void **state)
{
	(void)state;
	ctl_fixture_open(&fixture);
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	ctl_fixture_close(&fixture);
	return 0;
}

/* What was reported: "line:column code" and "line warning", in order. */
static char seen[4096];

static void note(void *context, const struct vos_fault *fault, bool is_error)
{
	size_t len = strlen(seen);

	(void)context;
	if (is_error)
		snprintf(seen + len, sizeof(seen) - len, "%d:%d %s\n", fault->line, fault->column,
			 fault_code_name(fault->code));
	else
		snprintf(seen + len, sizeof(seen) - len, "%d warning\n", fault->line);
}

static size_t load_text(const char *text, bool replace, struct config_candidate *candidate)
{
	struct file_load *load = calloc(1, sizeof(*load));
	size_t faults;

	assert_non_null(load);
	seen[0] = '\0';
	candidate_open(candidate, fixture.running);
	load->grammar = fixture.grammar;
	load->key = store_key(fixture.store);
	load->candidate = candidate;
	load->report = note;
	load->replace = replace;
	file_load_init(load, span_of(text));
	while (file_load_step(load, 1))
		;
	faults = load->fault_count;
	free(load);
	return faults;
}

static void expect(const char *text, bool replace, const char *report)
{
	struct config_candidate candidate;

	load_text(text, replace, &candidate);
	assert_string_equal(seen, report);
	candidate_close(&candidate);
}

static void all_faults_in_one_go(void **state)
{
	(void)state;
	expect("phone 1001\n"
	       " nme x\n"
	       "! a comment\n"
	       "\n"
	       "sip-parameter\n"
	       " nat-keep-alive-period 5\r\n"
	       " nat-keep-alive-period\n"
	       "no phone 9\n"
	       "show calls\n",
	       false,
	       "2:2 syntax.unknown-word\n"
	       "6:24 value.range\n"
	       "7:23 syntax.incomplete\n"
	       "8:0 not-found\n"
	       "9:1 state\n");
}

static void a_list_of_names_is_a_file(void **state)
{
	struct config_candidate candidate;

	(void)state;
	assert_int_equal(load_text("\xef\xbb\xbfSS_SIP_NAT_KEEP_ALIVE_PERIOD = 20\n"
				   "ss_sip_nat_keep_alive_send_interval=250\n"
				   "SS_MEDIAPROXYMODE = Must On\n",
				   false, &candidate),
			 0);
	assert_int_equal(candidate.changes.count, 3);
	assert_string_equal(seen, "");
	candidate_close(&candidate);
}

static void a_block_ends_where_the_next_begins(void **state)
{
	struct config_candidate candidate;

	(void)state;
	assert_int_equal(
		load_text("phone 1\n name a\nphone 2\n name b\nhostname sw\nsip-parameter\n"
			  " nat-keep-alive-period 20\nphone 3\n name c\nend",
			  false, &candidate),
		0);
	assert_true(candidate_has_object(&candidate, OBJECT_PHONE, "3"));
	candidate_close(&candidate);
}

static void a_whole_configuration_ends_with_end(void **state)
{
	static const char head[] = "! switchd configuration, format 1\n";
	char text[256];

	(void)state;
	snprintf(text, sizeof(text), "%sphone 1\n name a\n exit\n", head);
	expect(text, false, "5:1 syntax.incomplete\n");
	snprintf(text, sizeof(text), "%sphone 1\n name a\n exit\nend\n", head);
	expect(text, false, "");
	expect(text, true, "");
	snprintf(text, sizeof(text), "%send\nphone 1\n", head);
	expect(text, false, "3:1 state\n");
	snprintf(text, sizeof(text), "%send\n! a comment, and blank lines\n\n", head);
	expect(text, false, "");
	expect("phone 1\nend\n", true, "1:1 state\n");
}

static void an_abbreviation_warns(void **state)
{
	(void)state;
	expect("phone 1\n nam a\n exit\n", false, "2 warning\n");
	expect("sip-par nat-keep-alive-period 20\n", false, "1 warning\n");
}

static void empty_files(void **state)
{
	(void)state;
	expect("", false, "");
	expect("! nothing\n\n", false, "");
	expect("", true, "1:1 state\n");
}

/* --- At start of the daemon. --- */

static const struct log quiet = {.fd = -1, .threshold = LOG_LEVEL_ERROR};

static enum vos_err apply_text(const char *text, bool check_only, struct snapshot **out,
			       struct vos_fault *fault)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", fixture.root);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	*fault = (struct vos_fault){0};
	return ctl_apply_file(fixture.store, fixture.running, path, "start", check_only, &quiet,
			      out, fault);
}

static void a_file_at_start_is_one_generation_once(void **state)
{
	static const char text[] = "phone 1\n password secret\nhostname sw\n";
	struct generation_info infos[4];
	struct snapshot *after;
	struct vos_fault fault;

	(void)state;
	assert_int_equal(apply_text(text, true, &after, &fault), VOS_OK);
	assert_int_equal(snapshot_generation(after), 1);
	snapshot_unref(after);
	assert_int_equal(store_generations(fixture.store, infos, 4), 0);

	assert_int_equal(apply_text(text, false, &after, &fault), VOS_OK);
	snapshot_unref(fixture.running);
	fixture.running = after;
	assert_int_equal(store_generations(fixture.store, infos, 4), 1);

	assert_int_equal(apply_text(text, false, &after, &fault), VOS_OK);
	assert_ptr_equal(after, fixture.running);
	snapshot_unref(after);
	assert_int_equal(store_generations(fixture.store, infos, 4), 1);
}

static void a_bad_file_at_start_changes_nothing(void **state)
{
	struct generation_info infos[4];
	struct snapshot *after = NULL;
	struct vos_fault fault;

	(void)state;
	assert_int_equal(apply_text("phone 1\n nme x\nhostname sw\n", false, &after, &fault),
			 VOS_EINVAL);
	assert_int_equal(fault.line, 2);
	assert_int_equal(apply_text("phone 1\n network nowhere\n", false, &after, &fault),
			 VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_REF_MISSING);
	assert_int_equal(store_generations(fixture.store, infos, 4), 0);
	assert_null(after);
	assert_int_equal(ctl_apply_file(fixture.store, fixture.running, "/nonexistent", "start",
					false, &quiet, &after, &fault),
			 VOS_ENOENT);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

TEST_MAIN(WITH_STORE(all_faults_in_one_go), WITH_STORE(a_list_of_names_is_a_file),
	  WITH_STORE(a_block_ends_where_the_next_begins),
	  WITH_STORE(a_whole_configuration_ends_with_end), WITH_STORE(an_abbreviation_warns),
	  WITH_STORE(empty_files), WITH_STORE(a_file_at_start_is_one_generation_once),
	  WITH_STORE(a_bad_file_at_start_changes_nothing))
