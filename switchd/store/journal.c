/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switchd/store/store_private.h"

#define FOLDER       "candidates"
#define PATH_LEN     4096
#define LENGTH_BYTES 4
#define FLUSH_BYTES  (256u * 1024u)
#define FILES_MAX    1024            /* that a start looks at */
#define ANEW_BYTES   (1024u * 1024u) /* of a file that starts anew when its changes are forgotten */
#define ANEW_SUFFIX  ".new"

struct journal {
	struct store *store;
	uint64_t number;
	uint64_t frames; /* in the file and in `out` */
	uint64_t size;
	int fd;         /* -1: given up */
	struct buf out; /* frames that are not written yet */
	bool is_anew;   /* they take the place of those in the file */
	struct journal_head head;
	bool is_told;
	int error;
	char path[PATH_LEN];
};

static bool make_path(const struct store *store, const char *name, char out[PATH_LEN])
{
	return snprintf(out, PATH_LEN, "%s/" FOLDER "%s%s", store->dir, *name ? "/" : "", name) <
	       PATH_LEN;
}

static void frame_key(const struct journal *journal, uint64_t place, struct buf *out)
{
	buf_reset(out);
	buf_printf(out, "c/%016" PRIx64 "/%" PRIu64, journal->number, place);
}

static void give_up(struct journal *journal, int error)
{
	if (journal->fd >= 0)
		close(journal->fd);
	journal->fd = -1;
	journal->error = error;
	journal->is_anew = false;
	unlink(journal->path);
	buf_free(&journal->out);
	journal->out = buf_new();
}

/* Takes the record, of which the payload is there. */
static void add_frame(struct journal *journal, struct buf *record)
{
	struct buf key = buf_new();
	uint8_t length[LENGTH_BYTES];

	if (journal->fd >= 0) {
		frame_key(journal, journal->frames++, &key);
		record_seal(record, &journal->store->sum_key, buf_span(&key));
		for (int i = 0; i < LENGTH_BYTES; i++)
			length[i] = (uint8_t)(record->len >> (8 * i));
		buf_add(&journal->out, (const char *)length, sizeof(length));
		buf_add_span(&journal->out, buf_span(record));
		if (record->failed || key.failed || journal->out.failed)
			give_up(journal, ENOMEM);
	}
	buf_free(&key);
	buf_free(record);
}

/* A new file, which takes the old one's place only once it is written. */
static void replace_file(struct journal *journal)
{
	struct buf path = buf_new();
	int fd = -1;
	bool is_done;

	buf_printf(&path, "%s" ANEW_SUFFIX, journal->path);
	if (!path.failed)
		fd = open(buf_cstr(&path),
			  O_WRONLY | O_APPEND | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	is_done = fd >= 0 &&
		  write(fd, journal->out.data, journal->out.len) == (ssize_t)journal->out.len &&
		  rename(buf_cstr(&path), journal->path) == 0;
	if (is_done) {
		close(journal->fd);
		journal->fd = fd;
		journal->size = journal->out.len;
		journal->is_anew = false;
		buf_reset(&journal->out);
	} else {
		int error = errno;

		if (fd >= 0) {
			close(fd);
			unlink(buf_cstr(&path));
		}
		give_up(journal, error);
	}
	buf_free(&path);
}

static void write_out(struct journal *journal)
{
	ssize_t len;

	if (journal->fd < 0 || !journal->out.len)
		return;
	if (journal->is_anew) {
		replace_file(journal);
		return;
	}
	len = write(journal->fd, journal->out.data, journal->out.len);
	if (len != (ssize_t)journal->out.len) {
		give_up(journal, len < 0 ? errno : ENOSPC);
		return;
	}
	journal->size += (uint64_t)len;
	buf_reset(&journal->out);
	if (journal->size > JOURNAL_MAX)
		give_up(journal, EFBIG);
}

void journal_set_session(struct journal *journal, const struct journal_head *head)
{
	struct buf record = buf_new();

	if (!journal)
		return;
	journal->head = *head;
	record_begin(&record);
	buf_printf(&record, "session\t%" PRIu64 "\t%u\t%" PRIx64 "\t%" PRId64, head->session,
		   (unsigned)head->uid, head->token, head->lost_ms);
	add_frame(journal, &record);
}

static void add_base(struct journal *journal, uint64_t base)
{
	struct buf record = buf_new();

	record_begin(&record);
	buf_printf(&record, "base\t%" PRIu64, base);
	add_frame(journal, &record);
}

void journal_restart(struct journal *journal, uint64_t base)
{
	if (!journal)
		return;
	if (journal->size > ANEW_BYTES) {
		buf_reset(&journal->out);
		journal->frames = 0;
		journal->is_anew = true;
		journal_set_session(journal, &journal->head);
	}
	add_base(journal, base);
}

void journal_add(struct journal *journal, const struct change *change)
{
	struct buf record = buf_new();

	if (!journal)
		return;
	record_begin(&record);
	buf_add_lit(&record, "change\t");
	record_add_change(&record, change);
	add_frame(journal, &record);
	/* What takes another's place does so as a whole. */
	if (journal->out.len > FLUSH_BYTES && !journal->is_anew)
		write_out(journal);
}

bool journal_flush(struct journal *journal, struct vos_fault *fault)
{
	if (!journal)
		return true;
	write_out(journal);
	if (journal->fd < 0 && !journal->is_told) {
		journal->is_told = true;
		fault_set(fault, FAULT_STATE, 0,
			  "the candidate would not outlive a restart of switchd: %s: %s",
			  journal->path, strerror(journal->error));
	}
	return journal->fd >= 0;
}

void journal_close(struct journal *journal, bool keep)
{
	if (!journal)
		return;
	write_out(journal);
	if (journal->fd >= 0)
		close(journal->fd);
	if (journal->fd >= 0 && !keep)
		unlink(journal->path);
	buf_free(&journal->out);
	free(journal);
}

static struct journal *allocate(struct store *store, uint64_t number)
{
	struct journal *journal = calloc(1, sizeof(*journal));
	char name[20];

	if (!journal)
		return NULL;
	journal->store = store;
	journal->number = number;
	journal->out = buf_new();
	snprintf(name, sizeof(name), "%016" PRIx64, number);
	if (!make_path(store, name, journal->path)) {
		free(journal);
		return NULL;
	}
	return journal;
}

enum vos_err journal_create(struct store *store, const struct journal_head *head,
			    struct journal **out, struct vos_fault *fault)
{
	struct journal *journal;
	char folder[PATH_LEN];
	uint64_t number;
	enum vos_err err;

	randombytes_buf(&number, sizeof(number));
	journal = allocate(store, number);
	if (!journal || !make_path(store, "", folder)) {
		free(journal);
		return file_fail(store->dir, ENOMEM, fault);
	}
	if (mkdir(folder, 0700) != 0 && errno != EEXIST) {
		err = file_fail(folder, errno, fault);
		free(journal);
		return err;
	}
	journal->fd = open(journal->path,
			   O_WRONLY | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (journal->fd < 0) {
		err = file_fail(journal->path, errno, fault);
		free(journal);
		return err;
	}
	journal_set_session(journal, head);
	add_base(journal, head->base);
	*out = journal;
	return VOS_OK;
}

/* --- What a start finds. --- */

struct found {
	char name[17];
	int64_t changed_ms;
};

/* One frame of the chain; VOS_EINVAL when this version does not know it. */
static enum vos_err take_frame(struct span payload, struct journal_head *head,
			       struct change_list *changes)
{
	struct buf word = buf_new();
	struct change change = {0};
	uint64_t numbers[4] = {0};
	bool is_session;
	enum vos_err err = VOS_EINVAL;

	if (!record_next_word(&payload, &word))
		goto out;
	if (span_eq(buf_span(&word), SPAN_LIT("change"))) {
		err = record_parse_change(payload, &change);
		if (!err)
			err = change_list_push(changes, &change);
		change_clear(&change);
		goto out;
	}
	is_session = span_eq(buf_span(&word), SPAN_LIT("session"));
	if (!is_session && !span_eq(buf_span(&word), SPAN_LIT("base")))
		goto out;
	for (int i = 0; i < 4 && record_next_word(&payload, &word); i++)
		numbers[i] = strtoull(buf_cstr(&word), NULL, i == 2 ? 16 : 10);
	if (is_session) {
		head->session = numbers[0];
		head->uid = (uid_t)numbers[1];
		head->token = numbers[2];
		head->lost_ms = (int64_t)numbers[3];
	} else {
		head->base = numbers[0];
		change_list_clear(changes);
	}
	err = VOS_OK;
out:
	buf_free(&word);
	return err;
}

/* Reads as far as the chain is whole and leaves the journal behind that. */
static enum vos_err read_chain(struct journal *journal, struct span data, struct journal_head *head,
			       struct change_list *changes)
{
	struct buf key = buf_new();
	size_t at = 0;
	enum vos_err err = VOS_OK;

	while (data.len - at > LENGTH_BYTES && !err) {
		const uint8_t *bytes = (const uint8_t *)data.ptr + at;
		size_t len = bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
			     (size_t)bytes[3] << 24;
		struct span payload;

		if (len > data.len - at - LENGTH_BYTES)
			break;
		frame_key(journal, journal->frames, &key);
		if (record_open((struct span){data.ptr + at + LENGTH_BYTES, len},
				&journal->store->sum_key, buf_span(&key), &payload) != VOS_OK)
			break;
		err = take_frame(payload, head, changes);
		journal->frames++;
		at += LENGTH_BYTES + len;
	}
	buf_free(&key);
	journal->size = at;
	return err;
}

static enum vos_err read_whole(int fd, struct buf *out)
{
	ssize_t len = 1;

	while (len > 0 && out->len <= JOURNAL_MAX + FLUSH_BYTES) {
		if (!buf_reserve(out, FLUSH_BYTES))
			return VOS_ENOMEM;
		len = read(fd, out->data + out->len, FLUSH_BYTES);
		if (len > 0)
			out->len += (size_t)len;
	}
	return len < 0 ? VOS_EIO : VOS_OK;
}

static void load_one(struct store *store, const struct found *found, journal_found_fn *fn,
		     void *context)
{
	struct journal *journal = allocate(store, strtoull(found->name, NULL, 16));
	struct journal_head head = {.changed_ms = found->changed_ms};
	struct change_list changes = {0};
	struct buf data = buf_new();
	enum vos_err err = VOS_ENOMEM;

	if (!journal)
		return;
	journal->fd = open(journal->path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (journal->fd >= 0)
		err = read_whole(journal->fd, &data);
	if (!err)
		err = read_chain(journal, buf_span(&data), &head, &changes);
	/* What is torn must not stand between this and what is written from now on. */
	if (!err && journal->size < data.len && ftruncate(journal->fd, (off_t)journal->size) != 0)
		err = VOS_EIO;
	buf_free(&data);
	if (err)
		log_warning(store->log, "store", "%s: a candidate that cannot be read: %s",
			    journal->path, vos_strerror(err));
	if (err || !changes.count || !fn(context, &head, &changes, journal))
		journal_close(journal, false);
	change_list_clear(&changes);
}

static int by_time(const void *a, const void *b)
{
	const struct found *one = a;
	const struct found *other = b;

	return (one->changed_ms > other->changed_ms) - (one->changed_ms < other->changed_ms);
}

void journals_load(struct store *store, journal_found_fn *fn, void *context)
{
	struct found *found = calloc(FILES_MAX, sizeof(*found));
	const struct dirent *entry;
	char folder[PATH_LEN];
	size_t count = 0;
	DIR *dir = NULL;

	if (found && make_path(store, "", folder))
		dir = opendir(folder);
	while (dir && count < FILES_MAX && (entry = readdir(dir))) {
		struct stat info;
		size_t len = strlen(entry->d_name);

		if (len > 4 && strcmp(entry->d_name + len - 4, ANEW_SUFFIX) == 0)
			unlinkat(dirfd(dir), entry->d_name, 0);
		if (len != 16 || strspn(entry->d_name, "0123456789abcdef") != 16 ||
		    fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		memcpy(found[count].name, entry->d_name, sizeof(found[count].name));
		found[count++].changed_ms =
			(int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000;
	}
	if (dir)
		closedir(dir);
	if (count)
		qsort(found, count, sizeof(*found), by_time);
	for (size_t i = 0; i < count; i++)
		load_one(store, &found[i], fn, context);
	free(found);
}
