/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every unit test includes: cmocka and the headers it wants before it. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* So many rounds of a kind that a test repeats for the sake of their number. A sanitizer looks at
 * what each round does, not at what many add up to: a tenth is enough for it. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_MANY(n) ((n) / 10)
#else
#define TEST_MANY(n) (n)
#endif

/* Runs the tests of a file as its main. */
#define TEST_MAIN(...)                                            \
	int main(void)                                            \
	{                                                         \
		const struct CMUnitTest tests[] = {__VA_ARGS__};  \
		return cmocka_run_group_tests(tests, NULL, NULL); \
	}
