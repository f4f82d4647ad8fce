/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/shell/files.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "shared/base/clock.h"
#include "shared/grammar/token.h"
#include "vosctl/path.h"

#define FILES_MAX   10000 /* of one folder that are offered */
#define CLOCK_EVERY 64    /* entries between two looks at the clock */

void files_clear(struct file_names *names)
{
	for (size_t i = 0; i < names->count; i++)
		free(names->items[i]);
	free(names->items);
	*names = (struct file_names){0};
}

/* The text of a word whose closing quote may still be missing. */
static bool word_text(struct span word, struct buf *out)
{
	struct token token = {.raw = word, .column = 1, .is_closed = true};
	struct buf closed = buf_new();
	bool is_good;

	token.is_quoted = word.len && word.ptr[0] == '"';
	if (token.is_quoted) {
		size_t pos = 0;

		token_next(word, &pos, &token);
		buf_add_span(&closed, word);
		if (!token.is_closed)
			buf_add_char(&closed, '"');
		/* Still open when the word ends with a backslash. */
		pos = 0;
		token_next(buf_span(&closed), &pos, &token);
	}
	is_good = !closed.failed && token_text(&token, out, NULL) == VOS_OK;
	buf_free(&closed);
	return is_good;
}

static bool is_folder(const char *folder, const struct dirent *entry)
{
	struct buf path = buf_new();
	struct stat info;
	bool is = entry->d_type == DT_DIR;

	if (entry->d_type != DT_LNK && entry->d_type != DT_UNKNOWN)
		return is;
	buf_printf(&path, "%s/%s", folder, entry->d_name);
	is = !path.failed && stat(buf_cstr(&path), &info) == 0 && S_ISDIR(info.st_mode);
	buf_free(&path);
	return is;
}

static bool add(struct file_names *names, const char *name, bool with_slash)
{
	struct buf text = buf_new();
	char *copy = NULL;

	/* Doubled whenever the count is a power of two. */
	if ((names->count & (names->count - 1)) == 0) {
		size_t cap = names->count ? names->count * 2 : 1;
		char **more = realloc(names->items, cap * sizeof(*more));

		if (!more)
			return false;
		names->items = more;
	}
	buf_printf(&text, "%s%s", name, with_slash ? "/" : "");
	if (!text.failed)
		copy = span_dup(buf_span(&text));
	buf_free(&text);
	if (copy)
		names->items[names->count++] = copy;
	return copy != NULL;
}

static bool is_wanted(const char *name, struct span prefix)
{
	/* What is no text cannot be part of a line. */
	if (!span_starts_with(span_of(name), prefix) || strcmp(name, ".") == 0 ||
	    strcmp(name, "..") == 0)
		return false;
	if (name[0] == '.' && !prefix.len)
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
	return token_check_line(span_of(name), NULL) == VOS_OK;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False: the folder cannot be read, or not in time. */
static bool read_folder(const char *folder, struct span prefix, int budget_ms,
			struct file_names *names)
{
	uint64_t end_us = clock_mono_us() + (uint64_t)budget_ms * 1000;
	DIR *dir = opendir(*folder ? folder : ".");
	const struct dirent *entry;
	size_t seen = 0;
	bool is_in_time = true;

	if (!dir)
		return false;
	while (is_in_time && names->count < FILES_MAX && (entry = readdir(dir))) {
		if (is_wanted(entry->d_name, prefix) &&
		    !add(names, entry->d_name, is_folder(*folder ? folder : ".", entry)))
			break;
		if (++seen % CLOCK_EVERY == 0)
			is_in_time = clock_mono_us() < end_us;
	}
	closedir(dir);
	if (names->count)
		qsort(names->items, names->count, sizeof(names->items[0]), by_name);
	return is_in_time && names->count;
}

/* Length of what all names have in common, ending between two characters. */
static size_t common_length(const struct file_names *names)
{
	const char *first = names->items[0];
	size_t len = strlen(first);

	for (size_t i = 1; i < names->count; i++) {
		size_t same = 0;

		while (same < len && names->items[i][same] == first[same])
			same++;
		len = same;
	}
	while (len && ((unsigned char)first[len] & 0xc0) == 0x80)
		len--;
	return len;
}

/* The path as a word of the line; one that goes on keeps its quote open. */
static bool insert_path(struct span path, bool is_whole, struct edit_completion *out)
{
	struct buf insert = buf_over(out->insert, sizeof(out->insert) - 1);

	token_quote(path, &insert);
	if (is_whole)
		buf_add_char(&insert, ' ');
	else if (insert.len && insert.data[0] == '"')
		insert.len--;
	if (insert.failed)
		insert.len = 0;
	out->insert[insert.len] = '\0';
	return insert.len > 0;
}

static bool offer(const char *folder, struct span typed, const struct file_names *names,
		  struct edit_completion *out)
{
	size_t len = common_length(names);
	bool is_whole = names->count == 1 && names->items[0][len - 1] != '/';
	struct buf path = buf_new();
	bool is_done;

	buf_add_str(&path, folder);
	buf_add(&path, names->items[0], len);
	if (!is_whole && span_eq(buf_span(&path), typed)) {
		out->is_listing = true;
		is_done = true;
	} else {
		is_done = !path.failed && insert_path(buf_span(&path), is_whole, out);
	}
	buf_free(&path);
	return is_done;
}

bool files_complete(struct span word, int budget_ms, struct file_names *names,
		    struct edit_completion *out)
{
	struct buf text = buf_new();
	struct span typed;
	struct span prefix;
	size_t slash;
	char *folder = NULL;
	bool is_done = false;

	files_clear(names);
	if (!word_text(word, &text))
		goto out;
	if (text.len && text.data[0] == '~' && span_find(buf_span(&text), '/') == text.len)
		buf_add_char(&text, '/');
	typed = buf_span(&text);
	if (text.failed)
		goto out;
	slash = typed.len;
	while (slash && typed.ptr[slash - 1] != '/')
		slash--;
	prefix = (struct span){typed.ptr + slash, typed.len - slash};
	folder = slash ? path_expand((struct span){typed.ptr, slash}) : span_dup(SPAN_LIT(""));
	out->replace = word.len;
	if (folder && read_folder(folder, prefix, budget_ms, names))
		is_done = offer(folder, typed, names, out);
out:
	free(folder);
	buf_free(&text);
	return is_done;
}
