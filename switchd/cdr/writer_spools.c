/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that the spools are in. */
#include <stdio.h>
#include <unistd.h>

#include "switchd/alarm/alarm.h"
#include "switchd/cdr/writer_private.h"

enum vos_err writer_spools_open(struct cdr_writer *writer, struct vos_fault *fault)
{
	for (int i = 0; i < writer->spool_count; i++) {
		struct vos_fault lack = {0};
		struct buf path = buf_new();
		enum vos_err err;

		buf_printf(&path, "%s/calls-%d.spool", store_dir(writer->base), i);
		err = path.failed ? VOS_ENOMEM
				  : cdr_spool_open(buf_cstr(&path), &writer->spools[i], &lack);
		buf_free(&path);
		if (err) {
			fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
			return err;
		}
		if (lack.text[0]) {
			log_warning(writer->log, "cdr", "%s", lack.text);
			alarms_raise(writer->alarms, WORD_ALARM_KIND_DISK, "calls", "%s",
				     lack.text);
		}
		cdr_spool_set_wake(writer->spools[i], writer->wake_fd, &writer->is_asleep);
	}
	return VOS_OK;
}

/* An earlier run may have had more threads: their spools are read, and are no more. */
int writer_spools_of(const struct store *store, int threads)
{
	char path[4096];
	int count = threads;

	for (;; count++) {
		snprintf(path, sizeof(path), "%s/calls-%d.spool", store_dir(store), count);
		if (access(path, F_OK) != 0)
			return count;
	}
}

void writer_spools_close(struct cdr_writer *writer, int from)
{
	for (int i = from; i < writer->spool_count; i++) {
		cdr_spool_close(writer->spools[i]);
		writer->spools[i] = NULL;
	}
	if (writer->spool_count > from)
		writer->spool_count = from;
}

void writer_spools_remove(struct cdr_writer *writer, int from)
{
	char path[4096];

	for (int i = from; i < writer->spool_count; i++) {
		snprintf(path, sizeof(path), "%s/calls-%d.spool", store_dir(writer->base), i);
		unlink(path);
	}
	writer_spools_close(writer, from);
}
