/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who frees a conf: never a thread that gives up the last reference, when there is a grave. */
#include "switchd/conf/conf.h"

#include "tests/support/test.h"

#include <pthread.h>

#define THREADS 4
#define ROUNDS  2000

static struct conf_grave grave;

static struct conf *new_conf(void)
{
	const struct secret_key key = {{0}};
	struct conf *conf = NULL;

	assert_int_equal(conf_build(snapshot_new_empty(), &key, NULL, &conf, NULL), VOS_OK);
	conf_set_grave(conf, &grave);
	return conf;
}

static void the_last_reference_frees_nothing(void **state)
{
	struct conf *conf = new_conf();
	struct conf *other = new_conf();

	(void)state;
	assert_ptr_equal(conf_ref(conf), conf);
	conf_unref(conf);
	assert_int_equal(conf_grave_sweep(&grave), 2);
	conf_unref(conf);
	/* Still readable: this would be caught by the sanitizers. */
	assert_int_equal(snapshot_generation(conf->snapshot), 0);
	assert_int_equal(conf_grave_sweep(&grave), 1);
	conf_unref(other);
	assert_int_equal(conf_grave_sweep(&grave), 0);
	assert_int_equal(conf_grave_sweep(&grave), 0);
}

static struct conf *shared[ROUNDS];

static void *drop_all(void *context)
{
	(void)context;
	for (int i = 0; i < ROUNDS; i++)
		conf_unref(shared[i]);
	return NULL;
}

static void threads_drop_while_one_sweeps(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		shared[i] = new_conf();
		for (int t = 1; t < THREADS; t++)
			conf_ref(shared[i]);
	}
	for (int t = 0; t < THREADS; t++)
		assert_int_equal(pthread_create(&threads[t], NULL, drop_all, NULL), 0);
	while (conf_grave_sweep(&grave))
		;
	for (int t = 0; t < THREADS; t++)
		pthread_join(threads[t], NULL);
	assert_int_equal(conf_grave_sweep(&grave), 0);
}

TEST_MAIN(cmocka_unit_test(the_last_reference_frees_nothing),
	  cmocka_unit_test(threads_drop_while_one_sweeps))
