/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hourly text file. A batch never has records of two files, so the highest number at the end of
 * any file is that of the last record that was written. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "switchd/cdr/files_private.h"

#define HOUR_DIGITS 10

static void name_hour(int64_t wall_ms, char out[32])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm parts;

	localtime_r(&seconds, &parts);
	strftime(out, 32, "%Y%m%d%H.txt", &parts);
}

static bool is_hour(const char *name)
{
	for (int i = 0; i < HOUR_DIGITS; i++)
		if (!isdigit((unsigned char)name[i]))
			return false;
	return strcmp(name + HOUR_DIGITS, ".txt") == 0;
}

/* How far the files have come; UINT64_MAX with errno: they cannot be read. */
static uint64_t highest(const struct files_settings *settings)
{
	DIR *folder = opendir(settings->folder);
	const struct dirent *entry;
	uint64_t high = 0;

	if (!folder)
		return UINT64_MAX;
	while (high != UINT64_MAX && (entry = readdir(folder))) {
		struct sink file = {.fd = -1};
		uint64_t last;

		if (!is_hour(entry->d_name))
			continue;
		snprintf(file.path, sizeof(file.path), "%s/%s", settings->folder, entry->d_name);
		file.fd = files_open(file.path, CDR_BARS, &last);
		if (file.fd < 0)
			high = UINT64_MAX;
		else if (last > high)
			high = last;
		files_close(&file);
	}
	closedir(folder);
	return high;
}

struct hour {
	const struct files_settings *settings;
	int64_t minute; /* of the record before, whose file is that one too */
	char name[32];  /* "": none is chosen yet */
};

static enum sink_choice choose(void *context, const struct cdr *cdr, struct buf *text)
{
	struct hour *hour = context;
	int64_t minute = cdr->stop_ms / 60000;
	char name[32];

	if (!cdr->answer_ms && !hour->settings->with_failed)
		return SINK_TAKEN;
	if (!hour->name[0] || minute != hour->minute) {
		name_hour(cdr->stop_ms, name);
		if (hour->name[0] && strcmp(hour->name, name) != 0)
			return SINK_ENOUGH;
		memcpy(hour->name, name, sizeof(name));
		hour->minute = minute;
	}
	cdr_text_line(CDR_BARS, cdr, text);
	return SINK_TAKEN;
}

/* The file of the hour, open. */
static bool turn_to(struct sink *sink, const struct files_settings *settings, const char *name)
{
	char path[PATH_MAX];
	uint64_t last;

	snprintf(path, sizeof(path), "%s/%s", settings->folder, name);
	if (sink->fd >= 0 && strcmp(sink->path, path) == 0)
		return true;
	files_close(sink);
	memcpy(sink->path, path, sizeof(path));
	sink->fd = files_open(path, CDR_BARS, &last);
	return sink->fd >= 0 && files_sync_folder(settings->folder);
}

static bool see_folder(struct sink *sink, const struct files_settings *settings, uint64_t newest)
{
	uint64_t high;

	files_close(sink);
	if (!files_folder(settings))
		return false;
	high = highest(settings);
	if (high == UINT64_MAX)
		return false;
	/* Numbers that were never given out are of some other switch's files. */
	if (high > atomic_load(&sink->consumer.done) && high <= newest)
		atomic_store(&sink->consumer.done, high);
	memcpy(sink->folder, settings->folder, sizeof(sink->folder));
	sink->is_known = true;
	return true;
}

bool files_hourly(struct cdr_files *files, const struct files_settings *settings, uint64_t newest)
{
	struct sink *sink = &files->hourly;

	atomic_store(&sink->consumer.is_on, settings->is_hourly);
	if (!settings->is_hourly) {
		files_close(sink);
		atomic_store(&sink->consumer.done, newest);
		return true;
	}
	if (strcmp(sink->folder, settings->folder) != 0)
		sink->is_known = false;
	if (!sink->is_known && !see_folder(sink, settings, newest))
		return false;
	while (atomic_load(&sink->consumer.done) < newest) {
		struct hour hour = {.settings = settings};
		uint64_t last = files_collect(files, sink, newest, choose, &hour);

		if (!last)
			return false;
		if (hour.name[0] && (!turn_to(sink, settings, hour.name) ||
				     !files_append(sink, buf_span(&files->text))))
			return false;
		atomic_store(&sink->consumer.done, last);
	}
	return true;
}
