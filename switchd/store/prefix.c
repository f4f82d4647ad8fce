/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records whose keys begin alike: one kind of thing among others in a database. */
#include "switchd/store/store_private.h"

int store_each(MDB_txn *txn, MDB_dbi dbi, struct span prefix, store_record_fn *take, void *context)
{
	MDB_cursor *cursor;
	MDB_val key = env_val(prefix);
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	for (; !code && span_starts_with(env_span(key), prefix);
	     code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT))
		take(context, env_span(key), env_span(record));
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}

int store_remove_all(MDB_txn *txn, MDB_dbi dbi, struct span prefix)
{
	MDB_cursor *cursor;
	MDB_val key = env_val(prefix);
	MDB_val record;
	int code = mdb_cursor_open(txn, dbi, &cursor);

	if (code)
		return code;
	code = mdb_cursor_get(cursor, &key, &record, MDB_SET_RANGE);
	while (!code && span_starts_with(env_span(key), prefix)) {
		code = mdb_cursor_del(cursor, 0);
		if (!code)
			code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT);
	}
	mdb_cursor_close(cursor);
	return code == MDB_NOTFOUND ? 0 : code;
}
