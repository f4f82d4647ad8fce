/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of a copy. For switchd/store/backup*.c only. */
#pragma once

#include "switchd/store/backup.h"
#include "switchd/store/store_private.h"

#define BACKUP_PATH_MAX 4096
#define BACKUP_HASH_HEX 64 /* BLAKE2b, 32 bytes */
#define BACKUP_HOST_HEX 16
#define BACKUP_INFO     "info"

enum backup_part { BACKUP_CONFIG, BACKUP_BINDINGS, BACKUP_PARTS };

/* "config.mdb" */
const char *backup_part_file(enum backup_part part);

/* The payload of `info`. */
struct backup_record {
	struct backup_info info;
	uint64_t sizes[BACKUP_PARTS];
	char hashes[BACKUP_PARTS][BACKUP_HASH_HEX + 1];
};

/* Names this host without telling its key. */
void backup_host(const struct store *store, char out[BACKUP_HOST_HEX + 1]);
/* Three parts, the last of which may be NULL; VOS_EINVAL: too long. */
VOS_CHECK enum vos_err backup_path(char out[BACKUP_PATH_MAX], const char *folder, const char *name,
				   const char *file, struct vos_fault *fault);
/* Keyed hash of a whole file. */
VOS_CHECK enum vos_err backup_hash(const struct store *store, const char *path,
				   char out[BACKUP_HASH_HEX + 1], uint64_t *size,
				   struct vos_fault *fault);

/* Writes and reads `info` in the folder of a copy. Reading: VOS_ENOENT no such copy, VOS_ECORRUPT
 * damaged or of another host. */
VOS_CHECK enum vos_err backup_info_write(const struct store *store, const char *path,
					 const struct backup_record *record,
					 struct vos_fault *fault);
VOS_CHECK enum vos_err backup_info_read(const struct store *store, const char *folder,
					const char *name, struct backup_record *out,
					struct vos_fault *fault);

/* backup_check.c: one file of a copy, its structure and every record; *count is how many there are.
 * snapshot may be NULL; else it gets the configuration. */
VOS_CHECK enum vos_err backup_check_part(struct store *store, const char *path,
					 enum backup_part part, uint64_t *count,
					 struct snapshot **snapshot, struct vos_fault *fault);
