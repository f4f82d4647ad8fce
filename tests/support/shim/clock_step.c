/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Preloaded into a program under test, this moves its wall clock: by the seconds that stand as
 * eight bytes in the file VOS_CLOCK_STEP, which may change at any time. Other clocks stay. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static int (*real_gettime)(clockid_t id, struct timespec *out);
static const volatile int64_t *step_s;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("VOS_CLOCK_STEP");
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	*(void **)&real_gettime = dlsym(RTLD_NEXT, "clock_gettime");
	if (fd < 0)
		return;
	map = mmap(NULL, sizeof(*step_s), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		step_s = map;
}

int clock_gettime(clockid_t id, struct timespec *out)
{
	int code;

	if (!real_gettime)
		begin();
	code = real_gettime(id, out);
	if (code == 0 && step_s && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		out->tv_sec += *step_s;
	return code;
}

time_t time(time_t *out)
{
	struct timespec now;
	time_t seconds = clock_gettime(CLOCK_REALTIME, &now) == 0 ? now.tv_sec : (time_t)-1;

	if (out)
		*out = seconds;
	return seconds;
}
