/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one record of a generation that waits for its confirmation. It is written with the commit it
 * belongs to, so that no crash can keep the one and lose the other. */
#include <errno.h>
#include <stdio.h>

#include "switchd/store/store_private.h"

#define KEY_CONFIRM SPAN_LIT("m/confirm")

static void add_number(struct buf *record, const char *name, uint64_t number)
{
	buf_printf(record, "%s\t%llu\n", name, (unsigned long long)number);
}

static int erase(MDB_txn *txn, MDB_dbi dbi)
{
	MDB_val key = env_val(KEY_CONFIRM);
	int code = mdb_del(txn, dbi, &key, NULL);

	return code == MDB_NOTFOUND ? 0 : code;
}

int store_put_confirm(struct store *store, MDB_txn *txn, MDB_dbi dbi,
		      const struct store_confirm *confirm)
{
	MDB_val key = env_val(KEY_CONFIRM);
	struct buf record = buf_new();
	MDB_val value;
	int code = ENOMEM;

	if (!confirm)
		return erase(txn, dbi);
	record_begin(&record);
	add_number(&record, "generation", confirm->generation);
	add_number(&record, "until", (uint64_t)confirm->until_ms);
	add_number(&record, "period", (uint64_t)confirm->period_ms);
	buf_add_lit(&record, "author\t");
	record_add_word(&record, span_of(confirm->author));
	buf_add_char(&record, '\n');
	record_seal(&record, &store->sum_key, KEY_CONFIRM);
	if (!record.failed) {
		value = env_val(buf_span(&record));
		code = mdb_put(txn, dbi, &key, &value, 0);
	}
	buf_free(&record);
	return code;
}

struct confirm_work {
	struct store *store;
	const struct store_confirm *confirm;
	struct store_confirm found;
	enum vos_err err;
};

static enum vos_err parse(struct span payload, struct store_confirm *out)
{
	struct buf word = buf_new();
	struct span line;
	enum vos_err err = VOS_OK;

	while (!err && record_next_line(&payload, &line)) {
		uint64_t number = 0;
		char name[16];

		if (!record_next_word(&line, &word) ||
		    !span_copy(buf_span(&word), name, sizeof(name)) ||
		    !record_next_word(&line, &word)) {
			err = VOS_ECORRUPT;
		} else if (strcmp(name, "author") == 0) {
			snprintf(out->author, sizeof(out->author), "%s", buf_cstr(&word));
		} else if (!span_to_u64(buf_span(&word), INT64_MAX, &number)) {
			err = VOS_ECORRUPT;
		} else if (strcmp(name, "generation") == 0) {
			out->generation = number;
		} else if (strcmp(name, "until") == 0) {
			out->until_ms = (int64_t)number;
		} else if (strcmp(name, "period") == 0) {
			out->period_ms = (int64_t)number;
		}
	}
	buf_free(&word);
	return err ? err : out->generation ? VOS_OK : VOS_ECORRUPT;
}

static int read_confirm(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct confirm_work *work = context;
	MDB_val key = env_val(KEY_CONFIRM);
	struct span payload;
	MDB_val record;
	int code = mdb_get(txn, dbi, &key, &record);

	if (code) {
		work->err = VOS_ENOENT;
		return code == MDB_NOTFOUND ? 0 : code;
	}
	work->err = record_open(env_span(record), &work->store->sum_key, KEY_CONFIRM, &payload);
	if (!work->err)
		work->err = parse(payload, &work->found);
	return 0;
}

enum vos_err store_confirm_get(struct store *store, struct store_confirm *out)
{
	struct confirm_work work = {.store = store};
	enum vos_err err = env_read(&store->config, read_confirm, &work, NULL);

	if (!err)
		err = work.err;
	if (!err)
		*out = work.found;
	return err;
}

static int write_confirm(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct confirm_work *work = context;

	return store_put_confirm(work->store, txn, dbi, work->confirm);
}

enum vos_err store_confirm_set(struct store *store, const struct store_confirm *confirm,
			       struct vos_fault *fault)
{
	struct confirm_work work = {.store = store, .confirm = confirm};

	return env_write(&store->config, write_confirm, &work, fault);
}
