/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/backups.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/alarm/alarm.h"

#define FOLDER_MAX 4096
#define SUBJECT    "backup"
#define FIRST_S    60  /* the first copy at all: this after the start, or sooner */
#define AGAIN_S    600 /* after one that failed, or sooner */

struct settings {
	char folder[FOLDER_MAX];
	int64_t interval_s; /* 0: none by itself */
	size_t keep;
};

struct backups {
	struct store *store;
	const struct log *log;
	struct alarms *alarms;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct settings settings; /* under the lock, as the next three */
	bool is_changed;
	bool is_stopping;
	struct backup_job *jobs; /* first come, first served */
	int64_t due_ms;          /* the thread's own from here on; wall time, 0 = never */
};

static const struct value *field(const struct snapshot *config, enum field_id id)
{
	const struct object *object = snapshot_object_find(config, OBJECT_BACKUP, SPAN_LIT(""));

	return object_field(object ? object : object_unset(OBJECT_BACKUP), id);
}

static void read_settings(const struct backups *backups, const struct snapshot *config,
			  struct settings *out)
{
	const struct value *folder = field(config, FIELD_BACKUP_DIRECTORY);

	if (folder->type == VALUE_STRING && folder->text && *folder->text)
		snprintf(out->folder, sizeof(out->folder), "%s", folder->text);
	else
		snprintf(out->folder, sizeof(out->folder), "%s/backups", store_dir(backups->store));
	out->interval_s = field(config, FIELD_BACKUP_INTERVAL)->number;
	out->keep = (size_t)field(config, FIELD_BACKUP_KEEP)->number;
}

void backups_configure(struct backups *backups, const struct snapshot *config)
{
	struct settings settings;

	read_settings(backups, config, &settings);
	pthread_mutex_lock(&backups->lock);
	backups->is_changed = backups->is_changed ||
			      strcmp(backups->settings.folder, settings.folder) != 0 ||
			      backups->settings.interval_s != settings.interval_s;
	backups->settings = settings;
	pthread_cond_signal(&backups->wake);
	pthread_mutex_unlock(&backups->lock);
}

static struct settings settings_of(struct backups *backups)
{
	struct settings settings;

	pthread_mutex_lock(&backups->lock);
	settings = backups->settings;
	pthread_mutex_unlock(&backups->lock);
	return settings;
}

/* --- One job. --- */

static void report(struct backups *backups, enum vos_err err, const struct vos_fault *fault)
{
	if (err)
		alarms_raise(backups->alarms, WORD_ALARM_KIND_DISK, SUBJECT,
			     "no backup could be made: %s", fault->text);
	else
		alarms_clear(backups->alarms, WORD_ALARM_KIND_DISK, SUBJECT);
}

static void create(struct backups *backups, const struct settings *settings, struct backup_job *job)
{
	job->err = backup_create(backups->store, settings->folder, job->author, job->comment,
				 clock_wall_ms(), &job->report.info, &job->fault);
	report(backups, job->err, &job->fault);
}

static void carry_out(struct backups *backups, struct backup_job *job)
{
	const struct settings settings = settings_of(backups);
	struct store *store = backups->store;

	switch (job->action) {
	case BACKUP_CREATE:
		create(backups, &settings, job);
		break;
	case BACKUP_LIST:
		job->err =
			backup_list(store, settings.folder, &job->list, &job->count, &job->fault);
		break;
	case BACKUP_VERIFY:
		job->err =
			backup_verify(store, settings.folder, job->name, &job->report, &job->fault);
		break;
	case BACKUP_LOAD:
		job->err = backup_load(store, settings.folder, job->name, &job->snapshot,
				       &job->report.info, &job->fault);
		break;
	case BACKUP_PRUNE:
		job->err = backup_prune(store, settings.folder, settings.keep, &job->count,
					&job->fault);
		break;
	}
	job->done(job);
}

void backup_job_free(struct backup_job *job)
{
	if (!job)
		return;
	if (job->snapshot)
		snapshot_unref(job->snapshot);
	free(job->list);
	free(job);
}

/* --- By itself. --- */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* When the next copy is due: an interval after the newest one there is, which may be of an earlier
 * run, or soon when there is none. */
static void reckon(struct backups *backups, const struct settings *settings)
{
	int64_t now_ms = clock_wall_ms();
	int64_t newest_ms = 0;
	struct backup_info *list = NULL;
	struct vos_fault fault = {0};
	size_t count = 0;

	backups->due_ms = 0;
	if (!settings->interval_s)
		return;
	if (backup_list(backups->store, settings->folder, &list, &count, &fault) != VOS_OK)
		count = 0;
	for (size_t i = 0; i < count && !newest_ms; i++)
		if (list[i].is_complete)
			newest_ms = list[i].time_ms;
	free(list);
	if (newest_ms)
		/* A clock that was set back must not put the next one off for longer than usual. */
		backups->due_ms = least(newest_ms, now_ms) + settings->interval_s * 1000;
	else
		backups->due_ms = now_ms + least(settings->interval_s, FIRST_S) * 1000;
}

static void run_interval(struct backups *backups)
{
	const struct settings settings = settings_of(backups);
	struct backup_info info;
	struct vos_fault fault = {0};
	size_t removed = 0;
	enum vos_err err;

	err = backup_create(backups->store, settings.folder, "", "", clock_wall_ms(), &info,
			    &fault);
	report(backups, err, &fault);
	if (err) {
		log_error(backups->log, "backup", "no backup could be made: %s", fault.text);
		backups->due_ms = clock_wall_ms() + least(settings.interval_s, AGAIN_S) * 1000;
		return;
	}
	log_info(backups->log, "backup", "%s is made", info.name);
	if (backup_prune(backups->store, settings.folder, settings.keep, &removed, &fault) !=
	    VOS_OK)
		log_error(backups->log, "backup", "old backups cannot be removed: %s", fault.text);
	backups->due_ms = clock_wall_ms() + settings.interval_s * 1000;
}

/* Seconds at most: the wall clock may be set at any time. */
#define LOOK_S 1

/* Waits for something to do; false for the stop. *job is what somebody wants, or NULL. */
static bool wait_turn(struct backups *backups, struct backup_job **job, bool *is_changed)
{
	bool is_going;

	pthread_mutex_lock(&backups->lock);
	if (!backups->is_stopping && !backups->jobs && !backups->is_changed) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += LOOK_S;
		pthread_cond_timedwait(&backups->wake, &backups->lock, &until);
	}
	is_going = !backups->is_stopping;
	*is_changed = backups->is_changed;
	backups->is_changed = false;
	*job = is_going ? backups->jobs : NULL;
	if (*job)
		backups->jobs = (*job)->next;
	pthread_mutex_unlock(&backups->lock);
	return is_going;
}

static void *run(void *context)
{
	struct backups *backups = context;
	struct backup_job *job;
	bool is_changed;

	while (wait_turn(backups, &job, &is_changed)) {
		if (is_changed) {
			const struct settings settings = settings_of(backups);

			reckon(backups, &settings);
		}
		if (job)
			carry_out(backups, job);
		if (backups->due_ms && clock_wall_ms() >= backups->due_ms)
			run_interval(backups);
	}
	return NULL;
}

/* --- Life. --- */

enum vos_err backups_start(struct store *store, const struct log *log, struct alarms *alarms,
			   const struct snapshot *config, struct backups **out)
{
	struct backups *backups = calloc(1, sizeof(*backups));
	pthread_condattr_t attributes;

	if (!backups)
		return VOS_ENOMEM;
	backups->store = store;
	backups->log = log;
	backups->alarms = alarms;
	backups->is_changed = true;
	read_settings(backups, config, &backups->settings);
	pthread_mutex_init(&backups->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&backups->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	if (thread_start(&backups->thread, NULL, "backups", run, backups) != 0) {
		pthread_cond_destroy(&backups->wake);
		pthread_mutex_destroy(&backups->lock);
		free(backups);
		return VOS_ENOMEM;
	}
	*out = backups;
	return VOS_OK;
}

void backups_stop(struct backups *backups)
{
	if (!backups)
		return;
	pthread_mutex_lock(&backups->lock);
	backups->is_stopping = true;
	pthread_cond_signal(&backups->wake);
	pthread_mutex_unlock(&backups->lock);
	pthread_join(backups->thread, NULL);
	while (backups->jobs) {
		struct backup_job *job = backups->jobs;

		backups->jobs = job->next;
		backup_job_free(job);
	}
	pthread_cond_destroy(&backups->wake);
	pthread_mutex_destroy(&backups->lock);
	free(backups);
}

bool backups_order(struct backups *backups, struct backup_job *job)
{
	struct backup_job **last;
	bool is_going;

	pthread_mutex_lock(&backups->lock);
	is_going = !backups->is_stopping;
	for (last = &backups->jobs; *last; last = &(*last)->next)
		;
	job->next = NULL;
	if (is_going)
		*last = job;
	pthread_cond_signal(&backups->wake);
	pthread_mutex_unlock(&backups->lock);
	return is_going;
}

size_t backups_names(struct backups *backups, char (*out)[BACKUP_NAME_MAX], size_t max)
{
	const struct settings settings = settings_of(backups);
	DIR *dir = opendir(settings.folder);
	const struct dirent *entry;
	size_t count = 0;

	if (!dir)
		return 0;
	while (count < max && (entry = readdir(dir)) != NULL)
		/* What is longer than a name of ours is none. */
		count += entry->d_name[0] != '.' &&
			 span_copy(span_of(entry->d_name), out[count], BACKUP_NAME_MAX);
	closedir(dir);
	return count;
}
