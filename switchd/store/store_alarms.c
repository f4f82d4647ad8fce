/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Alarms outlive a restart: who has acknowledged what, and what there was in the night. They lie
 * beside the bindings and are written by the storage thread, or at once for who waits for it. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "switchd/alarm/alarm.h"
#include "switchd/store/store_private.h"

#define PREFIX SPAN_LIT("e/")

struct alarms_write {
	struct store *store;
	struct alarm_change *changes; /* ALARM_ALL_MAX of them */
	size_t count;
	bool is_all; /* whatever is stored goes first */
	struct buf record;
};

static void add_number(struct buf *record, int64_t number)
{
	buf_printf(record, "%lld\t", (long long)number);
}

static void add_text(struct buf *record, const char *text)
{
	record_add_word(record, span_of(text));
	buf_add_char(record, '\t');
}

static void print_alarm(struct buf *record, const struct alarm *alarm)
{
	add_text(record, alarm_kind_word(alarm->kind));
	add_text(record, alarm_level_word(alarm->level));
	add_text(record, alarm->subject);
	add_text(record, alarm->text);
	add_number(record, alarm->raised_ms);
	add_number(record, alarm->cleared_ms);
	add_number(record, alarm->acknowledged_ms);
	add_text(record, alarm->acknowledged_by);
	record_add_word(record, span_of(alarm->comment));
	buf_add_char(record, '\n');
}

static int write_one(struct alarms_write *write, MDB_txn *txn, MDB_dbi dbi,
		     const struct alarm_change *change)
{
	char text[32];
	struct span key = {
		text, (size_t)snprintf(text, sizeof(text), "e/%08x", (unsigned)change->alarm.id)};
	MDB_val db_key = env_val(key);
	MDB_val record;
	int code;

	if (change->is_gone) {
		code = mdb_del(txn, dbi, &db_key, NULL);
		return code == MDB_NOTFOUND ? 0 : code;
	}
	record_begin(&write->record);
	print_alarm(&write->record, &change->alarm);
	record_seal(&write->record, &write->store->sum_key, key);
	if (write->record.failed)
		return ENOMEM;
	record = env_val(buf_span(&write->record));
	return mdb_put(txn, dbi, &db_key, &record, 0);
}

static int write_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct alarms_write *write = context;
	int code = write->is_all ? store_remove_all(txn, dbi, PREFIX) : 0;

	for (size_t i = 0; !code && i < write->count; i++)
		code = write_one(write, txn, dbi, &write->changes[i]);
	return code;
}

bool store_keep_alarms(struct store *store, struct alarms *alarms, struct vos_fault *fault)
{
	struct alarms_write write = {.store = store};
	bool is_done = true;

	if (!alarms || !alarms_are_touched(alarms))
		return true;
	write.changes = calloc(ALARM_ALL_MAX, sizeof(*write.changes));
	if (!write.changes) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return false;
	}
	/* What is drained later is written later. */
	pthread_mutex_lock(&store->alarms_lock);
	write.count = alarms_drain(alarms, write.changes, &write.is_all);
	if (write.count || write.is_all)
		is_done = env_write(&store->bindings, write_all, &write, fault) == VOS_OK;
	if (!is_done)
		alarms_mark_all(alarms);
	pthread_mutex_unlock(&store->alarms_lock);
	buf_free(&write.record);
	free(write.changes);
	return is_done;
}

/* --- At start. --- */

struct alarms_read {
	struct store *store;
	struct alarm *list; /* ALARM_ALL_MAX of them */
	size_t count;
	size_t refused;
	struct buf word;
};

static int find_word(const char *const *words, const char *text)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -1;
}

static bool take_text(struct alarms_read *read, struct span *line, char *out, size_t size)
{
	return record_next_word(line, &read->word) && span_copy(buf_span(&read->word), out, size);
}

static bool take_word(struct alarms_read *read, struct span *line, const char *const *words,
		      int *out)
{
	if (!record_next_word(line, &read->word))
		return false;
	*out = find_word(words, buf_cstr(&read->word));
	return *out >= 0;
}

static bool take_number(struct alarms_read *read, struct span *line, int64_t *out)
{
	uint64_t number;

	if (!record_next_number(line, &read->word, INT64_MAX, &number))
		return false;
	*out = (int64_t)number;
	return true;
}

static bool parse_alarm(struct alarms_read *read, struct span key, struct span record,
			struct alarm *out)
{
	char id[16];
	struct span payload;
	struct span line;

	*out = (struct alarm){0};
	if (record_open(record, &read->store->sum_key, key, &payload) ||
	    !span_copy((struct span){key.ptr + 2, key.len - 2}, id, sizeof(id)) ||
	    !record_next_line(&payload, &line))
		return false;
	out->id = (uint32_t)strtoul(id, NULL, 16);
	return take_word(read, &line, object_type(OBJECT_ALARM)->key.words, &out->kind) &&
	       take_word(read, &line, field_get(FIELD_ALARM_LEVEL)->spec.words, &out->level) &&
	       take_text(read, &line, out->subject, sizeof(out->subject)) &&
	       take_text(read, &line, out->text, sizeof(out->text)) &&
	       take_number(read, &line, &out->raised_ms) &&
	       take_number(read, &line, &out->cleared_ms) &&
	       take_number(read, &line, &out->acknowledged_ms) &&
	       take_text(read, &line, out->acknowledged_by, sizeof(out->acknowledged_by)) &&
	       take_text(read, &line, out->comment, sizeof(out->comment));
}

static void read_one(void *context, struct span key, struct span record)
{
	struct alarms_read *read = context;

	if (read->count == ALARM_ALL_MAX)
		return;
	if (parse_alarm(read, key, record, &read->list[read->count]))
		read->count++;
	else
		read->refused++;
}

static int read_all(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	return store_each(txn, dbi, PREFIX, read_one, context);
}

/* --- Whether the run before was stopped: it would have taken its mark away. --- */

static void run_path(const struct store *store, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/running", store->dir);
}

void store_end_run(struct store *store)
{
	char path[PATH_MAX];

	run_path(store, path);
	if (store->has_run_mark && unlink(path) != 0)
		log_error(store->log, "store", "%s: %s; the next start will tell of a crash", path,
			  strerror(errno));
	store->has_run_mark = false;
}

/* Not worth refusing to start for. */
static void begin_run(struct store *store, struct alarms *alarms)
{
	char path[PATH_MAX];
	struct stat mark;
	int fd;

	run_path(store, path);
	if (stat(path, &mark) == 0)
		alarms_set_crash(alarms, (int64_t)mark.st_mtim.tv_sec * 1000);
	unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		log_error(store->log, "store", "%s: %s; a crash would not be told of", path,
			  strerror(errno));
	else
		close(fd);
	store->has_run_mark = fd >= 0;
}

enum vos_err store_load_alarms(struct store *store, struct alarms *alarms)
{
	struct alarms_read read = {.store = store};
	struct vos_fault fault = {0};
	enum vos_err err = VOS_ENOMEM;

	read.list = calloc(ALARM_ALL_MAX, sizeof(*read.list));
	if (read.list)
		err = env_read(&store->bindings, read_all, &read, &fault);
	if (err)
		log_error(store->log, "store", "alarms cannot be read: %s",
			  fault.text[0] ? fault.text : vos_strerror(err));
	else
		alarms_restore(alarms, read.list, read.count);
	if (!err)
		begin_run(store, alarms);
	/* They go with the next write. */
	if (read.refused) {
		log_error(store->log, "store", "%s: %zu alarms cannot be read, passed over",
			  store->bindings.path, read.refused);
		alarms_mark_all(alarms);
	}
	buf_free(&read.word);
	free(read.list);
	return err;
}
