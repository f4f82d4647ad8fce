/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/alarm/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/config/snapshot.h"
#include "switchd/alarm/alarm.h"

#define LOOK_MS     20
#define COMMAND_MAX 256
#define TOLD        "told"

struct hook_settings {
	char command[COMMAND_MAX]; /* "": none */
	int level;
	int time_limit_s;
};

struct alarm_hook {
	const struct log *log;
	struct alarms *alarms;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	struct hook_settings settings;
	bool is_stopping;
	bool is_overfull;                  /* one was not told since there was room last */
	struct alarm_notice_status status; /* how the ones before went */
	size_t first;
	size_t count;
	struct alarm waiting[ALARM_HOOK_WAITING_MAX]; /* a ring */
};

static void read_settings(const struct snapshot *config, struct hook_settings *out)
{
	const struct object *object = snapshot_object_find(config, OBJECT_ALARM_HOOK, SPAN_LIT(""));
	const struct value *command;

	memset(out, 0, sizeof(*out));
	if (!object)
		return;
	command = object_field(object, FIELD_ALARM_HOOK_COMMAND);
	if (command->type == VALUE_STRING)
		snprintf(out->command, sizeof(out->command), "%s", command->text);
	out->level = (int)object_field(object, FIELD_ALARM_HOOK_LEVEL)->number;
	out->time_limit_s = (int)object_field(object, FIELD_ALARM_HOOK_TIME_LIMIT)->number;
}

/* Under the lock of the alarms, in whatever thread. */
static void take_alarm(void *context, const struct alarm *alarm, enum alarm_event event)
{
	struct alarm_hook *hook = context;

	if (event == ALARM_ACKNOWLEDGED)
		return;
	pthread_mutex_lock(&hook->lock);
	if (!hook->settings.command[0] || alarm->level < hook->settings.level) {
		pthread_mutex_unlock(&hook->lock);
		return;
	}
	if (hook->count < ALARM_HOOK_WAITING_MAX) {
		hook->waiting[(hook->first + hook->count++) % ALARM_HOOK_WAITING_MAX] = *alarm;
		hook->is_overfull = false;
		pthread_cond_signal(&hook->news);
	} else {
		hook->status.lost++;
		if (!hook->is_overfull)
			log_warning(hook->log, "alarm",
				    "%d alarms wait for %s: further ones are not told",
				    ALARM_HOOK_WAITING_MAX, hook->settings.command);
		hook->is_overfull = true;
	}
	pthread_mutex_unlock(&hook->lock);
}

static bool is_stopping(struct alarm_hook *hook)
{
	bool stops;

	pthread_mutex_lock(&hook->lock);
	stops = hook->is_stopping;
	pthread_mutex_unlock(&hook->lock);
	return stops;
}

/* In a process group of its own, so that what it starts ends with it. */
static int spawn(const struct hook_settings *settings, const struct alarm *alarm, pid_t *out)
{
	char id[32];
	char at[48];
	char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *environment[] = {path, id, at, NULL};
	struct alarm copy = *alarm;
	char command[COMMAND_MAX];
	char raised[] = "raised";
	char cleared[] = "cleared";
	char kind[64];
	char level[32];
	char *words[] = {
		command, alarm->cleared_ms ? cleared : raised, kind, copy.subject, level, copy.text,
		NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t signals;
	int code;

	memcpy(command, settings->command, sizeof(command));
	snprintf(kind, sizeof(kind), "%s", alarm_kind_word(alarm->kind));
	snprintf(level, sizeof(level), "%s", alarm_level_word(alarm->level));
	snprintf(id, sizeof(id), "ALARM_ID=%u", (unsigned)alarm->id);
	snprintf(at, sizeof(at), "ALARM_TIME=%lld",
		 (long long)(alarm->cleared_ms ? alarm->cleared_ms : alarm->raised_ms) / 1000);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDWR, 0);
	posix_spawn_file_actions_adddup2(&files, 0, 1);
	posix_spawn_file_actions_adddup2(&files, 0, 2);
	posix_spawn_file_actions_addclosefrom_np(&files, 3);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	code = posix_spawn(out, command, &files, &attributes, words, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return code;
}

/* What became of one: TOLD, or what went wrong. */
static void VOS_PRINTF(3, 4) settle(struct alarm_hook *hook, const struct hook_settings *settings,
				    const char *format, ...)
{
	struct alarm_notice_status *status = &hook->status;
	char text[HTTP_TEXT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	pthread_mutex_lock(&hook->lock);
	status->answered_ms = clock_wall_ms();
	memcpy(status->answer, text, sizeof(text));
	if (strcmp(text, TOLD) == 0)
		status->told++;
	else
		status->failed++;
	pthread_mutex_unlock(&hook->lock);
	if (strcmp(text, TOLD) != 0)
		log_warning(hook->log, "alarm", "%s %s", settings->command, text);
}

static void wait_for(struct alarm_hook *hook, const struct hook_settings *settings, pid_t pid)
{
	const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
	uint64_t until_us = clock_mono_us() + (uint64_t)settings->time_limit_s * 1000000;
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_us() < until_us && !is_stopping(hook)) {
			nanosleep(&pause, NULL);
			continue;
		}
		kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		settle(hook, settings, "was ended: it took longer than %d s",
		       settings->time_limit_s);
		return;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		settle(hook, settings, "ended with %d",
		       WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	else
		settle(hook, settings, "%s", TOLD);
}

static bool next_alarm(struct alarm_hook *hook, struct hook_settings *settings, struct alarm *out)
{
	bool goes_on;

	pthread_mutex_lock(&hook->lock);
	while (!hook->is_stopping && !hook->count)
		pthread_cond_wait(&hook->news, &hook->lock);
	goes_on = !hook->is_stopping;
	if (goes_on) {
		*settings = hook->settings;
		*out = hook->waiting[hook->first];
		hook->first = (hook->first + 1) % ALARM_HOOK_WAITING_MAX;
		hook->count--;
	}
	pthread_mutex_unlock(&hook->lock);
	return goes_on;
}

static void *run(void *argument)
{
	struct alarm_hook *hook = argument;
	struct hook_settings settings;
	struct alarm alarm;

	while (next_alarm(hook, &settings, &alarm)) {
		pid_t pid;
		int code;

		if (!settings.command[0])
			continue;
		code = spawn(&settings, &alarm, &pid);
		if (code)
			settle(hook, &settings, "cannot be run: %s", strerror(code));
		else
			wait_for(hook, &settings, pid);
	}
	return NULL;
}

enum vos_err alarm_hook_start(const struct log *log, struct alarms *alarms,
			      const struct snapshot *config, struct alarm_hook **out)
{
	struct alarm_hook *hook = calloc(1, sizeof(*hook));

	*out = NULL;
	if (!hook)
		return VOS_ENOMEM;
	hook->log = log;
	hook->alarms = alarms;
	pthread_mutex_init(&hook->lock, NULL);
	pthread_cond_init(&hook->news, NULL);
	read_settings(config, &hook->settings);
	if (thread_start(&hook->thread, NULL, "alarm-hook", run, hook) != 0) {
		pthread_cond_destroy(&hook->news);
		pthread_mutex_destroy(&hook->lock);
		free(hook);
		return VOS_ENOMEM;
	}
	alarms_listen(alarms, take_alarm, hook);
	*out = hook;
	return VOS_OK;
}

void alarm_hook_configure(struct alarm_hook *hook, const struct snapshot *config)
{
	struct hook_settings settings;

	if (!hook)
		return;
	read_settings(config, &settings);
	pthread_mutex_lock(&hook->lock);
	hook->settings = settings;
	pthread_mutex_unlock(&hook->lock);
}

void alarm_hook_status(struct alarm_hook *hook, struct alarm_notice_status *out)
{
	pthread_mutex_lock(&hook->lock);
	*out = hook->status;
	snprintf(out->target, sizeof(out->target), "%s", hook->settings.command);
	out->waiting = hook->count;
	pthread_mutex_unlock(&hook->lock);
}

void alarm_hook_stop(struct alarm_hook *hook)
{
	if (!hook)
		return;
	alarms_unlisten(hook->alarms, take_alarm, hook);
	pthread_mutex_lock(&hook->lock);
	hook->is_stopping = true;
	pthread_cond_signal(&hook->news);
	pthread_mutex_unlock(&hook->lock);
	pthread_join(hook->thread, NULL);
	pthread_cond_destroy(&hook->news);
	pthread_mutex_destroy(&hook->lock);
	free(hook);
}
