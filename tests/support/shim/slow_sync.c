/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a program under test, this makes its disk a slow one: whatever brings bytes there
 * takes VOS_SYNC_MS milliseconds longer. */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static void take_time(void)
{
	const char *text = getenv("VOS_SYNC_MS");
	long ms = text ? strtol(text, NULL, 10) : 0;
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&left, &left) != 0) {
	}
}

int fsync(int fd)
{
	static int (*real)(int fd);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fsync");
	take_time();
	return real(fd);
}

int fdatasync(int fd)
{
	static int (*real)(int fd);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	take_time();
	return real(fd);
}

int msync(void *address, size_t length, int flags)
{
	static int (*real)(void *address, size_t length, int flags);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "msync");
	take_time();
	return real(address, length, flags);
}
