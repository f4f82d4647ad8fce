/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that writes files of records, and its settings. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/config/snapshot.h"
#include "switchd/alarm/alarm.h"
#include "switchd/cdr/files_private.h"

#define BATCH_MAX 500 /* records of one write */
#define IDLE_MS   250
#define PAUSE_MS  200 /* between two writes, each of which is synced */
#define AGAIN_US  1000000u

static void read_settings(const struct cdr_files *files, const struct snapshot *config,
			  struct files_settings *out)
{
	const struct object *cdr = snapshot_object_find(config, OBJECT_CDR, SPAN_LIT(""));
	const struct value *folder;
	int64_t form;

	if (!cdr)
		cdr = object_unset(OBJECT_CDR);
	folder = object_field(cdr, FIELD_CDR_DIRECTORY);
	form = object_field(cdr, FIELD_CDR_FORMAT)->number;
	memset(out, 0, sizeof(*out));
	out->is_own = folder->type == VALUE_NONE;
	snprintf(out->folder, sizeof(out->folder), "%s",
		 out->is_own ? files->state_folder : folder->text);
	out->rotates = form != WORD_CDR_FORMAT_OFF;
	out->form = form == WORD_CDR_FORMAT_JSON ? CDR_JSON : CDR_CSV;
	out->interval_us =
		(uint64_t)snapshot_number(config, PARAM_SERVER_CDR_FILE_WRITE_INTERVAL) * 1000000u;
	out->kept = (size_t)snapshot_number(config, PARAM_SERVER_CDR_FILE_WRITE_MAX);
	out->is_hourly = snapshot_bool(config, PARAM_SS_CDR_RECORD_TO_FILE);
	out->with_failed = snapshot_bool(config, PARAM_SS_CDR_RECORD_NONCONNECT);
}

void cdr_files_configure(struct cdr_files *files, const struct snapshot *config)
{
	if (!files)
		return;
	pthread_mutex_lock(&files->lock);
	read_settings(files, config, &files->settings);
	pthread_mutex_unlock(&files->lock);
}

/* --- From the store. --- */

struct collect {
	uint64_t until;
	uint64_t last;
	size_t count;
	bool is_full;
	sink_choose_fn *choose;
	void *context;
	struct buf *text;
};

static bool collect_one(void *context, const char *key, struct span value)
{
	struct collect *collect = context;
	uint64_t flow = strtoull(key, NULL, 16);
	struct cdr cdr;

	if (flow > collect->until)
		return false;
	if (collect->count++ >= BATCH_MAX ||
	    (cdr_decode(value, &cdr) &&
	     collect->choose(collect->context, &cdr, collect->text) == SINK_ENOUGH)) {
		collect->is_full = true;
		return false;
	}
	collect->last = flow;
	return true;
}

uint64_t files_collect(struct cdr_files *files, struct sink *sink, uint64_t newest,
		       sink_choose_fn *choose, void *context)
{
	struct collect collect = {
		.until = newest, .choose = choose, .context = context, .text = &files->text};
	char from[17];

	buf_reset(&files->text);
	cdr_number_key(atomic_load(&sink->consumer.done) + 1, from);
	errno = EIO;
	if (cdr_store_walk(cdr_writer_store(files->writer), 'r', from, false, collect_one,
			   &collect) != VOS_OK)
		return 0;
	if (files->text.failed) {
		errno = ENOMEM;
		return 0;
	}
	return collect.is_full ? collect.last : newest;
}

/* --- The thread. --- */

/* What is left of a file is looked at again before it is gone on with. */
static void settle(struct cdr_files *files, struct sink *sink, bool is_good, const char *folder)
{
	int code = errno;

	if (is_good) {
		if (sink->is_failing) {
			alarms_clear(files->alarms, WORD_ALARM_KIND_DISK, sink->consumer.name);
			log_notice(files->log, "cdr", "files of records in %s are written again",
				   folder);
		}
		sink->is_failing = false;
		return;
	}
	files_close(sink);
	sink->is_known = false;
	sink->again_us = clock_mono_us() + AGAIN_US;
	alarms_raise(files->alarms, WORD_ALARM_KIND_DISK, sink->consumer.name,
		     "files of records in %s cannot be written, the records wait: %s", folder,
		     strerror(code));
	if (!sink->is_failing)
		log_error(files->log, "cdr",
			  "files of records in %s cannot be written, tried again each second: %s",
			  folder, strerror(code));
	sink->is_failing = true;
}

static bool is_time(const struct sink *sink, bool is_last)
{
	return is_last || !sink->is_failing || clock_mono_us() >= sink->again_us;
}

static void turn(struct cdr_files *files, uint64_t newest, bool is_last)
{
	struct files_settings settings;

	pthread_mutex_lock(&files->lock);
	settings = files->settings;
	pthread_mutex_unlock(&files->lock);
	if (is_time(&files->rotating, is_last))
		settle(files, &files->rotating, files_rotate(files, &settings, newest, is_last),
		       settings.folder);
	if (is_time(&files->hourly, is_last))
		settle(files, &files->hourly, files_hourly(files, &settings, newest),
		       settings.folder);
}

/* Records come each 50 ms when calls end all the time. Files are read by the minute, and the store
 * has the records until then. */
static void pause_between(struct cdr_files *files)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PAUSE_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&files->lock);
	while (!atomic_load(&files->is_stopping) &&
	       pthread_cond_timedwait(&files->stopping, &files->lock, &until) == 0)
		continue;
	pthread_mutex_unlock(&files->lock);
}

static void *run(void *argument)
{
	struct cdr_files *files = argument;
	struct cdr_status status;
	uint64_t newest;

	cdr_writer_status(files->writer, &status);
	newest = status.newest;
	while (!atomic_load(&files->is_stopping)) {
		newest = cdr_writer_wait(files->writer, newest, IDLE_MS);
		turn(files, newest, false);
		pause_between(files);
	}
	return NULL;
}

static void init_sink(struct cdr_files *files, struct sink *sink, const char *name, bool is_on)
{
	sink->fd = -1;
	sink->consumer.name = name;
	atomic_store(&sink->consumer.is_on, is_on);
	cdr_writer_add_consumer(files->writer, &sink->consumer);
}

enum vos_err cdr_files_create(struct cdr_writer *writer, const char *state_dir,
			      const struct log *log, struct alarms *alarms,
			      const struct snapshot *config, struct cdr_files **out)
{
	struct cdr_files *files = calloc(1, sizeof(*files));
	pthread_condattr_t attributes;

	*out = NULL;
	if (!files)
		return VOS_ENOMEM;
	files->writer = writer;
	files->log = log;
	files->alarms = alarms;
	snprintf(files->state_folder, sizeof(files->state_folder), "%s/cdr-files", state_dir);
	pthread_mutex_init(&files->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&files->stopping, &attributes);
	pthread_condattr_destroy(&attributes);
	read_settings(files, config, &files->settings);
	init_sink(files, &files->rotating, "files", files->settings.rotates);
	init_sink(files, &files->hourly, "hourly", files->settings.is_hourly);
	*out = files;
	return VOS_OK;
}

enum vos_err cdr_files_start(struct cdr_files *files)
{
	if (thread_start(&files->thread, NULL, "record-files", run, files) != 0)
		return VOS_ENOMEM;
	files->is_started = true;
	return VOS_OK;
}

void cdr_files_stop(struct cdr_files *files)
{
	struct cdr_status status;

	if (!files || !files->is_started)
		return;
	pthread_mutex_lock(&files->lock);
	atomic_store(&files->is_stopping, true);
	pthread_cond_broadcast(&files->stopping);
	pthread_mutex_unlock(&files->lock);
	cdr_writer_wake(files->writer);
	pthread_join(files->thread, NULL);
	files->is_started = false;
	cdr_writer_status(files->writer, &status);
	turn(files, status.newest, false);
	cdr_writer_keep_places(files->writer);
	turn(files, status.newest, true);
}

void cdr_files_destroy(struct cdr_files *files)
{
	if (!files)
		return;
	cdr_files_stop(files);
	files_close(&files->rotating);
	files_close(&files->hourly);
	buf_free(&files->text);
	pthread_cond_destroy(&files->stopping);
	pthread_mutex_destroy(&files->lock);
	free(files);
}
