/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rotating files: which one is written, when it is closed, and which ones go. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/cdr/files_private.h"

#define PREFIX "cdr-"
#define PART   ".part"

static const char *const endings[] = {[CDR_CSV] = ".csv", [CDR_JSON] = ".json"};

static bool ends_with(const char *text, const char *ending)
{
	size_t len = strlen(text);

	return len >= strlen(ending) && strcmp(text + len - strlen(ending), ending) == 0;
}

/* The first record of a file by its name; 0: it is none of ours. */
static uint64_t first_of(const char *name)
{
	const char *at = strrchr(name, '-');
	char *end;
	uint64_t first;

	if (strncmp(name, PREFIX, sizeof(PREFIX) - 1) != 0 || at < name + sizeof(PREFIX))
		return 0;
	first = strtoull(at + 1, &end, 10);
	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
		if (strncmp(end, endings[i], strlen(endings[i])) == 0)
			return first;
	return 0;
}

/* The file that was not closed, of any form; the one with the highest numbers if there are more.
 * False with errno: the folder cannot be read. */
static bool find_part(struct sink *sink, const char *folder)
{
	DIR *entries = opendir(folder);
	const struct dirent *entry;
	uint64_t high = 0;

	sink->path[0] = '\0';
	if (!entries)
		return false;
	while ((entry = readdir(entries))) {
		uint64_t first = first_of(entry->d_name);

		if (first <= high || !ends_with(entry->d_name, PART))
			continue;
		high = first;
		sink->form = ends_with(entry->d_name, ".json" PART) ? CDR_JSON : CDR_CSV;
		snprintf(sink->path, sizeof(sink->path), "%s/%s", folder, entry->d_name);
	}
	closedir(entries);
	return true;
}

/* Goes on with what an earlier run, or the time before a fault, has left. */
static bool see_folder(struct sink *sink, const struct files_settings *settings, uint64_t newest)
{
	uint64_t last;

	files_close(sink);
	if (!files_folder(settings) || !find_part(sink, settings->folder))
		return false;
	memcpy(sink->folder, settings->folder, sizeof(sink->folder));
	if (sink->path[0]) {
		sink->fd = files_open(sink->path, sink->form, &last);
		if (sink->fd < 0)
			return false;
		if (last > atomic_load(&sink->consumer.done) && last <= newest)
			atomic_store(&sink->consumer.done, last);
		sink->opened_us = clock_mono_us();
	}
	sink->is_known = true;
	return true;
}

static bool begin_file(struct sink *sink, const struct files_settings *settings)
{
	uint64_t first = atomic_load(&sink->consumer.done) + 1;
	time_t now = (time_t)(clock_wall_ms() / 1000);
	struct tm parts;
	char stamp[32];
	uint64_t last;

	gmtime_r(&now, &parts);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &parts);
	snprintf(sink->path, sizeof(sink->path), "%s/" PREFIX "%s-%llu%s" PART, settings->folder,
		 stamp, (unsigned long long)first, endings[settings->form]);
	sink->form = settings->form;
	sink->opened_us = clock_mono_us();
	sink->fd = files_open(sink->path, sink->form, &last);
	return sink->fd >= 0 && files_sync_folder(settings->folder);
}

/* --- The end of a file. --- */

static int by_first(const void *a, const void *b)
{
	uint64_t first_a = first_of(*(const char *const *)a);
	uint64_t first_b = first_of(*(const char *const *)b);

	return first_a < first_b ? -1 : first_a > first_b;
}

static int is_closed(const struct dirent *entry)
{
	return first_of(entry->d_name) != 0 && !ends_with(entry->d_name, PART);
}

/* Never one that is not closed, so a record that waits is never removed. */
static void remove_oldest(const struct sink *sink, size_t kept)
{
	struct dirent **entries = NULL;
	int count = scandir(sink->folder, &entries, is_closed, NULL);
	const char **names = count > 0 ? calloc((size_t)count, sizeof(*names)) : NULL;

	for (int i = 0; names && i < count; i++)
		names[i] = entries[i]->d_name;
	if (names)
		qsort(names, (size_t)count, sizeof(*names), by_first);
	for (int i = 0; names && i + (int)kept < count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%s", sink->folder, names[i]);
		unlink(path);
	}
	free(names);
	for (int i = 0; i < count; i++)
		free(entries[i]);
	free(entries);
}

/* Until the store knows the place behind it, a file that was taken away would come again. */
static bool is_place_kept(const struct cdr_files *files, const struct sink *sink)
{
	char name[64];

	snprintf(name, sizeof(name), "done-%s", sink->consumer.name);
	return cdr_store_number(cdr_writer_store(files->writer), name) >=
	       atomic_load(&sink->consumer.done);
}

/* False with errno. With nothing wrong the file may still be open: its place is not kept yet. */
static bool close_file(struct cdr_files *files, const struct files_settings *settings)
{
	struct sink *sink = &files->rotating;
	char path[PATH_MAX];

	if (!is_place_kept(files, sink))
		return true;
	snprintf(path, sizeof(path), "%.*s", (int)(strlen(sink->path) - strlen(PART)), sink->path);
	if (rename(sink->path, path) != 0 || !files_sync_folder(sink->folder))
		return false;
	files_close(sink);
	remove_oldest(sink, settings->kept);
	return true;
}

/* --- One turn. --- */

static enum sink_choice choose(void *context, const struct cdr *cdr, struct buf *text)
{
	const struct sink *sink = context;

	cdr_text_line(sink->form, cdr, text);
	return SINK_TAKEN;
}

static bool is_empty(const struct sink *sink)
{
	return lseek(sink->fd, 0, SEEK_END) == 0;
}

static bool write_batch(struct cdr_files *files, uint64_t newest)
{
	struct sink *sink = &files->rotating;
	uint64_t last = files_collect(files, sink, newest, choose, sink);
	struct buf heading = buf_new();
	bool is_good = last != 0;

	if (is_good && sink->form == CDR_CSV && is_empty(sink)) {
		cdr_text_heading(&heading);
		is_good = !heading.failed && files_append(sink, buf_span(&heading));
	}
	if (is_good)
		is_good = files_append(sink, buf_span(&files->text));
	buf_free(&heading);
	if (is_good)
		atomic_store(&sink->consumer.done, last);
	return is_good;
}

static bool is_due(const struct sink *sink, const struct files_settings *settings, bool is_last)
{
	return is_last || !settings->rotates || sink->form != settings->form ||
	       strcmp(sink->folder, settings->folder) != 0 ||
	       clock_mono_us() - sink->opened_us >= settings->interval_us;
}

bool files_rotate(struct cdr_files *files, const struct files_settings *settings, uint64_t newest,
		  bool is_last)
{
	struct sink *sink = &files->rotating;

	atomic_store(&sink->consumer.is_on, settings->rotates || sink->fd >= 0);
	if (!sink->is_known && settings->rotates && !see_folder(sink, settings, newest))
		return false;
	for (;;) {
		bool is_behind = settings->rotates && atomic_load(&sink->consumer.done) < newest;

		if (sink->fd >= 0 && is_due(sink, settings, is_last && !is_behind)) {
			if (!close_file(files, settings))
				return false;
			if (sink->fd >= 0)
				return true;
			continue;
		}
		if (!is_behind)
			break;
		if (strcmp(sink->folder, settings->folder) != 0 &&
		    !see_folder(sink, settings, newest))
			return false;
		if (sink->fd < 0 && !begin_file(sink, settings))
			return false;
		if (!write_batch(files, newest))
			return false;
	}
	if (!settings->rotates)
		atomic_store(&sink->consumer.done, newest);
	return true;
}
