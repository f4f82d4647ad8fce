/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that have names, by which `top -H`, gdb and perf tell them apart. */
#pragma once

#include <pthread.h>

#define THREAD_NAME_MAX 16 /* with the end; the kernel keeps no more */

/* As pthread_create; the thread is to be joined, or detached afterwards. */
int thread_start(pthread_t *out, const pthread_attr_t *attributes, const char *name,
		 void *(*run)(void *), void *context);
