/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/descriptors.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* No process can have more, whatever its limit (proc_sys_fs(5)). */
static rlim_t most_of_a_process(void)
{
	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long most = 0;

	if (file) {
		if (fscanf(file, "%lu", &most) != 1)
			most = 0;
		fclose(file);
	}
	return most;
}

void descriptors_raise(uint64_t relay)
{
	rlim_t wanted = (rlim_t)relay + DESCRIPTORS_OTHERS;
	rlim_t most = most_of_a_process();
	struct rlimit limit;
	struct rlimit raised;

	if (most && wanted > most)
		wanted = most;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted) {
		raised = (struct rlimit){.rlim_cur = wanted, .rlim_max = wanted};
		if (setrlimit(RLIMIT_NOFILE, &raised) == 0)
			return;
	}
	if (limit.rlim_cur == limit.rlim_max)
		return;
	raised = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
	(void)setrlimit(RLIMIT_NOFILE, &raised);
}

/* The size of /proc/self/fd is their number since Linux 6.2; before, its entries but the one of the
 * listing itself. */
static int64_t count_open(void)
{
	const struct dirent *entry;
	int64_t count = -1;
	struct stat info;
	DIR *dir;

	if (stat("/proc/self/fd", &info) == 0 && info.st_size > 0)
		return info.st_size;
	dir = opendir("/proc/self/fd");
	if (!dir)
		return -1;
	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

void descriptors_read(struct descriptors *out)
{
	struct rlimit limit;

	*out = (struct descriptors){.used = count_open(), .limit = -1, .hard_limit = -1};
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur != RLIM_INFINITY)
		out->limit = (int64_t)limit.rlim_cur;
	if (limit.rlim_max != RLIM_INFINITY)
		out->hard_limit = (int64_t)limit.rlim_max;
}
