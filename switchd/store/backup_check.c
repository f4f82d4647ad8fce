/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One file of a copy, looked at as a whole: its structure before LMDB maps it, then every record
 * under its check sum. */
#include "switchd/store/backup_private.h"

#include <errno.h>

#include "switchd/store/verify.h"

static enum vos_err refuse(const char *path, const char *why, struct vos_fault *fault)
{
	fault_set(fault, FAULT_STATE, 0, "%s is damaged (%s)", path, why);
	return VOS_ECORRUPT;
}

struct count {
	struct store *store;
	uint64_t records;
	bool is_damaged;
};

static int count_records(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	struct count *count = context;
	MDB_cursor *cursor;
	MDB_val key;
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	while ((code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT)) == 0) {
		struct span payload;

		count->records++;
		if (record_open(env_span(record), &count->store->sum_key, env_span(key),
				&payload) == VOS_ECORRUPT)
			count->is_damaged = true;
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

enum vos_err backup_check_part(struct store *store, const char *path, enum backup_part part,
			       uint64_t *count, struct snapshot **snapshot, struct vos_fault *fault)
{
	struct count counted = {.store = store};
	struct env env;
	char why[128] = "";
	enum vos_err err = lmdb_file_verify(path, why, sizeof(why));

	if (err == VOS_ECORRUPT)
		return refuse(path, why, fault);
	if (err)
		return file_fail(path, err == VOS_ENOMEM ? ENOMEM : EIO, fault);
	err = env_open_copy(&env, store->log, path, fault);
	if (err)
		return err;
	err = env_read(&env, count_records, &counted, fault);
	if (!err && counted.is_damaged)
		err = refuse(path, "a record fails its check sum", fault);
	if (!err && part == BACKUP_CONFIG) {
		struct snapshot *loaded = NULL;

		err = store_load_config_from(store, &env, &loaded, fault);
		if (!err && snapshot)
			*snapshot = loaded;
		else if (!err)
			snapshot_unref(loaded);
	}
	env_close(&env);
	*count = counted.records;
	return err;
}
