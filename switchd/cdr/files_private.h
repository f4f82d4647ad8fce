/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by files.c (thread, and the batch from the store into a file), files_rotate.c,
 * files_hourly.c (which file) and files_tail.c (one file). */
#pragma once

#include <limits.h>
#include <pthread.h>

#include "switchd/cdr/files.h"
#include "switchd/cdr/text.h"
#include "switchd/store/cdr_store.h"

struct files_settings {
	char folder[256];
	bool is_own; /* the folder is ours to make */
	bool rotates;
	enum cdr_form form;
	uint64_t interval_us;
	size_t kept;
	bool is_hourly;
	bool with_failed; /* calls that never connected, in the hourly file */
};

/* One way of writing. */
struct sink {
	struct cdr_consumer consumer;
	int fd; /* -1: no file is open */
	char path[PATH_MAX];
	char folder[256];
	enum cdr_form form;
	uint64_t opened_us;
	bool is_known; /* what the folder has of an earlier run has been seen */
	bool is_failing;
	uint64_t again_us; /* when it is tried again */
};

struct cdr_files {
	struct cdr_writer *writer;
	const struct log *log;
	struct alarms *alarms;
	char state_folder[256];
	struct sink rotating;
	struct sink hourly;
	struct buf text; /* of the batch */
	pthread_t thread;
	bool is_started;
	atomic_bool is_stopping;
	pthread_cond_t stopping;
	pthread_mutex_t lock; /* of the following */
	struct files_settings settings;
};

/* The records behind the sink's place that go into one write; the flow of the last one of them, or
 * 0: none can be read. choose says what to do with each; it may add to the text. */
enum sink_choice { SINK_TAKEN, SINK_ENOUGH };
typedef enum sink_choice sink_choose_fn(void *context, const struct cdr *cdr, struct buf *text);
uint64_t files_collect(struct cdr_files *files, struct sink *sink, uint64_t newest,
		       sink_choose_fn *choose, void *context);

/* files_tail.c. Opens or makes the file, cuts off a torn last line, and reads the number in the
 * last whole one (0: there is none). The descriptor, or -1 with errno. */
int files_open(const char *path, enum cdr_form form, uint64_t *last);
/* Writes and syncs; false with errno. Also when the file is no longer the one at that path. */
bool files_append(struct sink *sink, struct span text);
bool files_sync_folder(const char *folder);
/* The folder is there, made if it is ours; false with errno. */
bool files_folder(const struct files_settings *settings);
void files_close(struct sink *sink);

/* One turn; false with errno: the folder cannot be written. */
bool files_rotate(struct cdr_files *files, const struct files_settings *settings, uint64_t newest,
		  bool is_last);
bool files_hourly(struct cdr_files *files, const struct files_settings *settings, uint64_t newest);
