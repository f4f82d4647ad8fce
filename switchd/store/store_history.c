/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Generations kept: who changed what and when, and what takes it back. */
#include "switchd/store/store_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static void parse_info(struct span payload, struct buf *word, struct generation_info *info)
{
	struct span line;

	while (record_next_line(&payload, &line)) {
		uint64_t number = 0;
		char name[16];

		if (!record_next_word(&line, word) ||
		    !span_copy(buf_span(word), name, sizeof(name)))
			return;
		if (strcmp(name, "do") == 0 || strcmp(name, "undo") == 0)
			return;
		if (!record_next_word(&line, word))
			return;
		if (strcmp(name, "author") == 0)
			snprintf(info->author, sizeof(info->author), "%s", buf_cstr(word));
		else if (strcmp(name, "comment") == 0)
			snprintf(info->comment, sizeof(info->comment), "%s", buf_cstr(word));
		else if (span_to_u64(buf_span(word), INT64_MAX, &number) &&
			 strcmp(name, "time") == 0)
			info->time_ms = (int64_t)number;
		else if (strcmp(name, "count") == 0)
			info->change_count = (size_t)number;
	}
}

struct history {
	struct store *store;
	struct generation_info *out;
	size_t max;
	size_t count;
	struct buf word;
};

static bool generation_of(struct span key, uint64_t *out)
{
	char text[17];
	char *end;

	if (!span_starts_with(key, SPAN_LIT("g/")) || key.len != 18)
		return false;
	span_copy((struct span){key.ptr + 2, 16}, text, sizeof(text));
	*out = strtoull(text, &end, 16);
	return *end == '\0';
}

/* From the end of the database backwards, past what sorts behind the generations. */
static int list_newest(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct history *history = context;
	MDB_cursor *cursor;
	MDB_val key = env_val(SPAN_LIT("h"));
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	code = mdb_cursor_get(cursor, &key, &record, code ? MDB_LAST : MDB_PREV);
	while (!code && history->count < history->max) {
		struct generation_info *info = &history->out[history->count];
		struct span payload;

		*info = (struct generation_info){0};
		if (!generation_of(env_span(key), &info->number))
			break;
		if (record_open(env_span(record), &history->store->sum_key, env_span(key),
				&payload))
			log_error(history->store->log, "store",
				  "%s: generation %llu fails its check sum",
				  history->store->config.path, (unsigned long long)info->number);
		else
			parse_info(payload, &history->word, info);
		history->count++;
		code = mdb_cursor_get(cursor, &key, &record, MDB_PREV);
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

size_t store_generations(struct store *store, struct generation_info *out, size_t max)
{
	struct history history = {.store = store, .out = out, .max = max};
	struct vos_fault fault = {0};

	if (env_read(&store->config, list_newest, &history, &fault)) {
		log_error(store->log, "store", "generations cannot be read: %s", fault.text);
		history.count = 0;
	}
	buf_free(&history.word);
	return history.count;
}

struct lookup {
	struct store *store;
	uint64_t generation;
	const char *name; /* "do" or "undo" */
	struct change_list changes;
	struct buf word;
	struct buf key;
	enum vos_err err;
};

static enum vos_err parse_changes(struct lookup *lookup, struct span payload)
{
	struct span line;

	while (record_next_line(&payload, &line)) {
		struct change change;
		enum vos_err err;

		if (!record_next_word(&line, &lookup->word))
			return VOS_ECORRUPT;
		if (!span_eq(buf_span(&lookup->word), span_of(lookup->name)))
			continue;
		err = record_parse_change(line, &change);
		if (err)
			return err;
		err = change_list_push(&lookup->changes, &change);
		if (err) {
			change_clear(&change);
			return err;
		}
	}
	return VOS_OK;
}

static int find_changes(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct lookup *lookup = context;
	struct span payload;
	MDB_val record;
	MDB_val key;
	int code;

	key_of_generation(lookup->generation, &lookup->key);
	if (lookup->key.failed)
		return ENOMEM;
	key = env_val(buf_span(&lookup->key));
	code = mdb_get(txn, dbi, &key, &record);
	if (code == MDB_NOTFOUND) {
		lookup->err = VOS_ENOENT;
		return 0;
	}
	if (code)
		return code;
	lookup->err = record_open(env_span(record), &lookup->store->sum_key, buf_span(&lookup->key),
				  &payload);
	if (!lookup->err)
		lookup->err = parse_changes(lookup, payload);
	return 0;
}

enum vos_err store_generation_changes(struct store *store, uint64_t generation, bool inverse,
				      struct change_list *out)
{
	struct lookup lookup = {
		.store = store, .generation = generation, .name = inverse ? "undo" : "do"};
	enum vos_err err = env_read(&store->config, find_changes, &lookup, NULL);

	if (!err)
		err = lookup.err;
	buf_free(&lookup.word);
	buf_free(&lookup.key);
	if (err)
		change_list_clear(&lookup.changes);
	else
		*out = lookup.changes;
	return err;
}
