/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LMDB does not tell where its map is, so it is found by the file behind it. */
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "switchd/store/env.h"

/* A line of proc_pid_maps(5) that maps this file for reading, shared. */
static bool is_map_of(const char *line, const struct stat *file, unsigned long *start,
		      unsigned long *end)
{
	unsigned major_number;
	unsigned minor_number;
	unsigned long inode;
	char mode[5];

	return sscanf(line, "%lx-%lx %4s %*x %x:%x %lu", start, end, mode, &major_number,
		      &minor_number, &inode) == 6 &&
	       mode[0] == 'r' && mode[1] == '-' && mode[3] == 's' && inode == file->st_ino &&
	       makedev(major_number, minor_number) == file->st_dev;
}

void env_forget_pages(struct env *env)
{
	unsigned long start;
	unsigned long end;
	struct stat file;
	char line[512];
	FILE *maps;
	int fd;

	pthread_mutex_lock(&env->lock);
	if (env->mdb && mdb_env_get_fd(env->mdb, &fd) == 0 && fstat(fd, &file) == 0 &&
	    (maps = fopen("/proc/self/maps", "re"))) {
		/* A map that cannot be found costs nothing but the figure. */
		while (fgets(line, sizeof(line), maps))
			if (is_map_of(line, &file, &start, &end))
				(void)madvise((void *)start, end - start, MADV_DONTNEED);
		fclose(maps);
	}
	pthread_mutex_unlock(&env->lock);
}
