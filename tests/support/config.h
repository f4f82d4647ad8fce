/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configurations for unit tests, made as switchd makes them: values parsed by the catalogue, a
 * change list, a snapshot, a conf. Whatever fails ends the test. */
#pragma once

#include "switchd/conf/conf.h"

/* params: name, value, name, value, ..., NULL; may be NULL. */
struct snapshot *test_snapshot(const char *const *params);

struct test_object {
	enum object_kind kind;
	const char *key;
	const char *const *fields; /* keyword, value, ..., NULL; may be NULL */
};

/* Secrets are given in clear. */
struct conf *test_conf(const char *const *params, const struct test_object *objects, size_t count);
