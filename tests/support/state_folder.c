/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/state_folder.h"

#include <ftw.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/support/changes.h"
#include "tests/support/test.h"

const struct log state_quiet = {.fd = -1, .threshold = LOG_LEVEL_ERROR};

static char root[64];

int state_folder_make(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "%s/switchd-test-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

int state_folder_remove(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *state_path(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s%s%s", root, *name ? "/" : "", name);
	return path;
}

struct store *state_open(const struct log *log)
{
	struct vos_fault fault = {0};
	struct store *store = NULL;

	if (store_open(log, state_path("state"), &store, &fault))
		fail_msg("%s", fault.text);
	return store;
}

enum vos_err state_try_open(struct vos_fault *fault)
{
	struct store *store = NULL;
	enum vos_err err = store_open(&state_quiet, state_path("state"), &store, fault);

	store_close(store);
	return err;
}

struct snapshot *state_load(struct store *store)
{
	struct vos_fault fault = {0};
	struct snapshot *snapshot = NULL;

	if (store_load_config(store, &snapshot, &fault))
		fail_msg("%s", fault.text);
	return snapshot;
}

void state_commit(struct store *store, struct snapshot **current, struct change_list *list)
{
	struct vos_fault fault = {0};
	struct snapshot *after = NULL;

	if (snapshot_apply(*current, list, snapshot_generation(*current) + 1, &after, &fault))
		fail_msg("%s", fault.text);
	if (store_commit(store, list, *current, after, "alice", "try\tthis\nout", 1795219142000,
			 &fault))
		fail_msg("%s", fault.text);
	change_list_clear(list);
	snapshot_unref(*current);
	*current = after;
}

void state_fill(struct change_list *list)
{
	changes_create(list, "network", "lan");
	changes_field(list, "network", "lan", "prefix", "10.0.0.0/8");
	for (int i = 0; i < 40; i++) {
		char key[16];

		snprintf(key, sizeof(key), "1%03d", i);
		changes_create(list, "phone", key);
		changes_field(list, "phone", key, "name", "back\\slash \\n Z\xc3\xbcrich");
		changes_field(list, "phone", key, "network", "lan");
	}
	changes_create(list, "routing-gateway", "a/b");
	changes_field(list, "routing-gateway", "a/b", "address", "192.0.2.1:5070");
	changes_field(list, "routing-gateway", "a/b", "address", "[2001:db8::1]:5060");
	changes_field(list, "", "", "hostname", "sw1");
	changes_field(list, "logging", "", "level", "debug");
	changes_param(list, "SS_SIP_NAT_KEEP_ALIVE_MESSAGE", "");
	changes_param(list, "SS_SIP_SESSION_TTL", "600");
	changes_param(list, "SS_SIP_RESEND_INTERVAL", "0.25,1,2.5");
	changes_param(list, "SS_ENDPOINT_EXPIRE", "60/120");
	changes_param(list, "SS_RTP_PORT_RANGE", "20000,20999");
}
