/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as files, written by a thread that is two consumers of the writer (writer.h):
 *
 *   cdr-20261120T235902Z-17.csv   rotating: a new one every SERVER_CDR_FILE_WRITE_INTERVAL, named
 *                                 by its beginning and its first record; CSV or JSON lines
 *   2026112023.txt                hourly (SS_CDR_RECORD_TO_FILE, behaviour D1), by the local hour
 *                                 in which the call ended
 *
 * A rotating file has `.part` behind its name until it is closed: synced, and the place behind its
 * last record kept in the store, so that it may be taken away at once. At the start and after each
 * fault a file is gone on with: a line that was torn is cut off, and the number in the last whole
 * one says what it has. So each record stands in the files once, whenever a run ended. While a
 * folder cannot be written the records wait in the store (alarm `disk`). */
#pragma once

#include "switchd/cdr/writer.h"

struct cdr_files;

/* Before the writer's start, and its end after that of the writer. alarms may be NULL. */
VOS_CHECK enum vos_err cdr_files_create(struct cdr_writer *writer, const char *state_dir,
					const struct log *log, struct alarms *alarms,
					const struct snapshot *config, struct cdr_files **out);
VOS_CHECK enum vos_err cdr_files_start(struct cdr_files *files);
/* Writes what there is, if it can be written, and closes the files. */
void cdr_files_stop(struct cdr_files *files);
/* NULL is allowed in these two. */
void cdr_files_destroy(struct cdr_files *files);
void cdr_files_configure(struct cdr_files *files, const struct snapshot *config);
