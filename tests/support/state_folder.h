/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A state folder of a test's own, and short ways to open, load and commit. Each fails the test when
 * it cannot. */
#pragma once

#include "shared/base/log.h"
#include "switchd/store/store.h"

/* A log that goes nowhere. */
extern const struct log state_quiet;

/* For the setup and teardown of a test; the folder is in memory where there is one, since what is
 * tested is the order of writes, not the disk. Returns 0. */
int state_folder_make(void **state);
int state_folder_remove(void **state);
/* "" is the folder that holds the state folder, which is "state". Good until the next call. */
const char *state_path(const char *name);

struct store *state_open(const struct log *log);
struct snapshot *state_load(struct store *store);
/* Commits the list (which is then empty) on the snapshot, which is replaced. */
void state_commit(struct store *store, struct snapshot **current, struct change_list *list);
/* Opens and closes again. */
enum vos_err state_try_open(struct vos_fault *fault);
/* Changes that have every kind of value among them: 40 phones "1000" to "1039", gateways,
 * parameters. */
void state_fill(struct change_list *list);
