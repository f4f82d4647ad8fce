/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/thread.h"

int thread_start(pthread_t *out, const pthread_attr_t *attributes, const char *name,
		 void *(*run)(void *), void *context)
{
	int error = pthread_create(out, attributes, run, context);

	/* Works as well without: where /proc is missing for instance. */
	if (!error)
		(void)pthread_setname_np(*out, name);
	return error;
}
