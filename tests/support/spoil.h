/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record of the bindings' environment that nothing can read. */
#pragma once

#include "switchd/store/store_private.h"
#include "tests/support/test.h"

static inline int spoil_one(MDB_txn *txn, MDB_dbi dbi, void *context)
{
	MDB_val key = env_val(span_of(context));
	MDB_val value = env_val(SPAN_LIT("nonsense"));

	return mdb_put(txn, dbi, &key, &value, 0);
}

static inline void spoil(struct store *store, char *key)
{
	struct vos_fault fault = {0};

	assert_int_equal(env_write(&store->bindings, spoil_one, key, &fault), VOS_OK);
}
