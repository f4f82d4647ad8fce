/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAB for names of files, in a folder of the test's own. */
#include "vosctl/shell/files.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "vosctl/path.h"

static char root[64];

static void make(const char *name)
{
	char path[256];
	size_t len = strlen(name);
	int fd;

	snprintf(path, sizeof(path), "%s/%s", root, name);
	if (name[len - 1] == '/') {
		assert_int_equal(mkdir(path, 0700), 0);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

static int set_up(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/files-test-XXXXXX");
	assert_non_null(mkdtemp(root));
	make("site.conf");
	make("site.old");
	make("my file");
	make("quote\"d\\ one");
	make(".hidden");
	make("Bürö-ä");
	make("Bürö-ö");
	make("bad\xff"
	     "name");
	make("line\nbreak");
	make("empty/");
	make("folder of mine/");
	make("folder of mine/inner.conf");
	return 0;
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *ftw)
{
	(void)info;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What stands in the line after TAB behind `typed`, in which @ is the folder; with the list after a
 * colon. */
static void expect(const char *typed, const char *wanted)
{
	struct edit_completion out = {0};
	struct file_names names = {0};
	struct buf word = buf_new();
	struct buf result = buf_new();
	struct buf after = buf_new();

	for (const char *c = typed; *c; c++)
		*c == '@' ? buf_add_str(&word, root) : buf_add_char(&word, *c);
	if (files_complete(buf_span(&word), 10000, &names, &out)) {
		assert_int_equal(out.replace, word.len);
		buf_add_str(&result, out.insert);
		for (size_t i = 0; out.is_listing && i < names.count; i++)
			buf_printf(&result, "%s%s", i ? ", " : ": ", names.items[i]);
	}
	for (const char *c = wanted; *c; c++)
		*c == '@' ? buf_add_str(&after, root) : buf_add_char(&after, *c);
	assert_string_equal(buf_cstr(&result), buf_cstr(&after));
	files_clear(&names);
	buf_free(&word);
	buf_free(&result);
	buf_free(&after);
}

static void names_are_completed(void **state)
{
	(void)state;
	expect("@/site.c", "@/site.conf ");
	expect("@/s", "@/site.");
	expect("@/site.", ": site.conf, site.old");
	expect("@/none", "");
	expect("@/none/x", "");
	expect("@/site.conf/x", "");
	expect("@/site.conf", "@/site.conf ");
}

static void folders_have_a_slash(void **state)
{
	(void)state;
	expect("@/em", "@/empty/");
	expect("@/empty", "@/empty/");
	expect("@/empty/", "");
	expect("@/fo", "\"@/folder of mine/");
	expect("\"@/folder of mine/", "\"@/folder of mine/inner.conf\" ");
	expect("\"@/folder of mine/inner.conf\"", "\"@/folder of mine/inner.conf\" ");
}

static void blanks_and_quotes_are_quoted(void **state)
{
	(void)state;
	expect("@/my", "\"@/my file\" ");
	expect("\"@/my f", "\"@/my file\" ");
	expect("\"@/si", "@/site.");
	expect("@/quo", "\"@/quote\\\"d\\\\ one\" ");
	expect("\"@/quote\\\"d", "\"@/quote\\\"d\\\\ one\" ");
	expect("\"@/quote\\", "");
}

static void hidden_and_unreadable_names(void **state)
{
	(void)state;
	expect("@/.", "@/.hidden ");
	expect("@/.h", "@/.hidden ");
	/* The rest of the folder: no hidden one, none that is not text, none with control
	 * characters. */
	expect("@/",
	       ": Bürö-ä, Bürö-ö, empty/, folder of mine/, my file, quote\"d\\ one, site.conf, "
	       "site.old");
	expect("@/bad", "");
	expect("@/line", "");
	/* Cut between two characters, not within one. */
	expect("@/B", "@/Bürö-");
	expect("@/Bürö-", ": Bürö-ä, Bürö-ö");
}

static void relative_names_and_home(void **state)
{
	char here[4096];
	char *path;

	(void)state;
	assert_non_null(getcwd(here, sizeof(here)));
	assert_int_equal(chdir(root), 0);
	expect("site.c", "site.conf ");
	expect("empty/../my", "\"empty/../my file\" ");
	expect("./e", "./empty/");
	setenv("HOME", root, 1);
	expect("~/site.c", "@/site.conf ");
	expect("~/si", "@/site.");
	expect("~/", "@/");
	expect("~", "@/");
	assert_int_equal(chdir(here), 0);
	path = path_expand(SPAN_LIT("~/x y"));
	assert_int_equal(strncmp(path, root, strlen(root)), 0);
	assert_string_equal(path + strlen(root), "/x y");
	free(path);
	path = path_expand(SPAN_LIT("~root/x"));
	assert_true(path[0] == '/' && path[1] != '~');
	free(path);
	path = path_expand(SPAN_LIT("~no-such-user/x"));
	assert_string_equal(path, "~no-such-user/x");
	free(path);
	path = path_expand(SPAN_LIT("a~/x"));
	assert_string_equal(path, "a~/x");
	free(path);
}

static void no_time_offers_nothing(void **state)
{
	struct edit_completion out = {0};
	struct file_names names = {0};

	(void)state;
	for (int i = 0; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "empty/n%d", i);
		make(name);
	}
	assert_int_equal(chdir(root), 0);
	assert_false(files_complete(SPAN_LIT("empty/n"), 0, &names, &out));
	assert_true(files_complete(SPAN_LIT("empty/n1"), 10000, &names, &out));
	assert_true(out.is_listing);
	assert_int_equal(names.count, 111);
	files_clear(&names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_completed),
		cmocka_unit_test(folders_have_a_slash),
		cmocka_unit_test(blanks_and_quotes_are_quoted),
		cmocka_unit_test(hidden_and_unreadable_names),
		cmocka_unit_test(relative_names_and_home),
		cmocka_unit_test(no_time_offers_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
