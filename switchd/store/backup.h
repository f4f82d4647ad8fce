/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of configuration and bindings, taken while both are in use.
 *
 *   FOLDER/20261121T053620Z-g43/   a copy: when, and the generation of its configuration
 *     config.mdb  bindings.mdb     LMDB, compacted
 *     info                         when, by whom, sizes and hashes; sealed as a stored record
 *   FOLDER/.new-<host>-<name>/     one that is being made; FOLDER/.gone-<host>-<name>/ one that
 * goes
 *
 * A copy gets its name when it is complete, checked and on the disk. All but the host key is in it:
 * that has to be kept apart from it, once, as it opens the secrets. A folder may be shared by
 * switches: each touches only copies that its own key has sealed. Every function works on the disk
 * for as long as it takes, so none is for a signalling thread or the control thread. */
#pragma once

#include "switchd/store/store.h"

#define BACKUP_NAME_MAX    64
#define BACKUP_COMMENT_MAX 201
#define BACKUP_AUTHOR_MAX  64

struct backup_info {
	char name[BACKUP_NAME_MAX];
	bool is_complete; /* else it is damaged, or of another host: no more is known of it */
	int64_t time_ms;
	uint64_t generation;
	uint64_t size_bytes;
	char author[BACKUP_AUTHOR_MAX]; /* "" = the switch itself */
	char comment[BACKUP_COMMENT_MAX];
};

/* What a check of a copy has counted. */
struct backup_report {
	struct backup_info info;
	uint64_t config_records;
	uint64_t binding_records;
};

/* The folder is made when it is missing (its last component only). Faults: VOS_EPERM, VOS_ENOSPC,
 * VOS_ENOENT, VOS_EIO, VOS_ECORRUPT when the copy does not pass its check; nothing is left behind
 * then. */
VOS_CHECK enum vos_err backup_create(struct store *store, const char *folder, const char *author,
				     const char *comment, int64_t now_ms, struct backup_info *out,
				     struct vos_fault *fault);
/* Newest first; *out is the caller's to free. No folder is an empty list. */
VOS_CHECK enum vos_err backup_list(struct store *store, const char *folder,
				   struct backup_info **out, size_t *count,
				   struct vos_fault *fault);
/* Reads all of it: hashes, structure, every record. VOS_ENOENT, VOS_ECORRUPT. */
VOS_CHECK enum vos_err backup_verify(struct store *store, const char *folder, const char *name,
				     struct backup_report *out, struct vos_fault *fault);
/* Its configuration, after such a check. */
VOS_CHECK enum vos_err backup_load(struct store *store, const char *folder, const char *name,
				   struct snapshot **out, struct backup_info *info,
				   struct vos_fault *fault);
/* Removes the oldest complete ones beyond `keep`, and what a switchd that was killed has left. */
VOS_CHECK enum vos_err backup_prune(struct store *store, const char *folder, size_t keep,
				    size_t *removed, struct vos_fault *fault);
