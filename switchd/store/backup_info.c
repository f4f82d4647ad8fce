/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record `info` of a copy, and the hash of a file. */
#include "switchd/store/backup_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define INFO_MAX  65536
#define READ_SIZE 65536
#define SEAL_KEY  SPAN_LIT("backup") /* not the name: a copy may be renamed */

const char *backup_part_file(enum backup_part part)
{
	return part == BACKUP_CONFIG ? "config.mdb" : "bindings.mdb";
}

void backup_host(const struct store *store, char out[BACKUP_HOST_HEX + 1])
{
	static const char purpose[] = "backup";
	uint8_t hash[BACKUP_HOST_HEX / 2 + crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, crypto_generichash_BYTES_MIN, (const uint8_t *)purpose,
			   sizeof(purpose) - 1, store->sum_key.bytes, sizeof(store->sum_key.bytes));
	sodium_bin2hex(out, BACKUP_HOST_HEX + 1, hash, BACKUP_HOST_HEX / 2);
}

enum vos_err backup_path(char out[BACKUP_PATH_MAX], const char *folder, const char *name,
			 const char *file, struct vos_fault *fault)
{
	int len = snprintf(out, BACKUP_PATH_MAX, "%s/%s%s%s", folder, name, file ? "/" : "",
			   file ? file : "");

	return len >= BACKUP_PATH_MAX ? file_fail(folder, ENAMETOOLONG, fault) : VOS_OK;
}

/* Reads to the end of the descriptor into the hash. 0 or errno. */
static int hash_all(int fd, crypto_generichash_state *state, uint64_t *size)
{
	uint8_t *bytes = malloc(READ_SIZE);
	ssize_t got = 0;
	int code = bytes ? 0 : ENOMEM;

	*size = 0;
	while (!code && (got = read(fd, bytes, READ_SIZE)) != 0) {
		if (got < 0 && errno != EINTR)
			code = errno;
		if (got <= 0)
			continue;
		crypto_generichash_update(state, bytes, (unsigned long long)got);
		*size += (uint64_t)got;
	}
	free(bytes);
	return code;
}

enum vos_err backup_hash(const struct store *store, const char *path, char out[BACKUP_HASH_HEX + 1],
			 uint64_t *size, struct vos_fault *fault)
{
	uint8_t hash[BACKUP_HASH_HEX / 2];
	crypto_generichash_state state;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int code;

	if (fd < 0)
		return file_fail(path, errno, fault);
	crypto_generichash_init(&state, store->sum_key.bytes, sizeof(store->sum_key.bytes),
				sizeof(hash));
	code = hash_all(fd, &state, size);
	close(fd);
	if (code)
		return file_fail(path, code, fault);
	crypto_generichash_final(&state, hash, sizeof(hash));
	sodium_bin2hex(out, BACKUP_HASH_HEX + 1, hash, sizeof(hash));
	return VOS_OK;
}

/* --- Writing. --- */

static void add_line(struct buf *out, const char *name, struct span text)
{
	buf_add_str(out, name);
	buf_add_char(out, '\t');
	record_add_word(out, text);
	buf_add_char(out, '\n');
}

static void add_number(struct buf *out, const char *name, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	add_line(out, name, span_of(text));
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = write(fd, data, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return errno;
		data += done;
		len -= (size_t)done;
	}
	return fsync(fd) != 0 ? errno : 0;
}

enum vos_err backup_info_write(const struct store *store, const char *path,
			       const struct backup_record *record, struct vos_fault *fault)
{
	struct buf out = buf_new();
	int code = 0;
	int fd;

	record_begin(&out);
	add_number(&out, "time", (uint64_t)record->info.time_ms);
	add_number(&out, "generation", record->info.generation);
	add_line(&out, "author", span_of(record->info.author));
	add_line(&out, "comment", span_of(record->info.comment));
	for (enum backup_part part = 0; part < BACKUP_PARTS; part++) {
		add_line(&out, "file", span_of(backup_part_file(part)));
		add_number(&out, "size", record->sizes[part]);
		add_line(&out, "hash", span_of(record->hashes[part]));
	}
	record_seal(&out, &store->sum_key, SEAL_KEY);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		code = errno;
	else if (out.failed)
		code = ENOMEM;
	else
		code = write_all(fd, out.data, out.len);
	if (fd >= 0)
		close(fd);
	buf_free(&out);
	return code ? file_fail(path, code, fault) : VOS_OK;
}

/* --- Reading. --- */

static bool take_line(struct backup_record *record, struct span name, struct span value,
		      enum backup_part *part)
{
	uint64_t number;

	if (span_eq(name, SPAN_LIT("author")))
		return span_copy(value, record->info.author, sizeof(record->info.author));
	if (span_eq(name, SPAN_LIT("comment")))
		return span_copy(value, record->info.comment, sizeof(record->info.comment));
	if (span_eq(name, SPAN_LIT("file"))) {
		*part = span_eq(value, span_of(backup_part_file(BACKUP_CONFIG))) ? BACKUP_CONFIG
										 : BACKUP_BINDINGS;
		return true;
	}
	if (span_eq(name, SPAN_LIT("hash")))
		return span_copy(value, record->hashes[*part], sizeof(record->hashes[*part]));
	if (!span_to_u64(value, UINT64_MAX, &number))
		return false;
	if (span_eq(name, SPAN_LIT("time")))
		record->info.time_ms = (int64_t)number;
	else if (span_eq(name, SPAN_LIT("generation")))
		record->info.generation = number;
	else if (span_eq(name, SPAN_LIT("size")))
		record->sizes[*part] = number;
	return true; /* a line of a later version: not for us */
}

static bool take_payload(struct span payload, struct backup_record *record)
{
	struct buf name = buf_new();
	struct buf value = buf_new();
	enum backup_part part = BACKUP_CONFIG;
	struct span line;
	bool is_good = true;

	while (is_good && record_next_line(&payload, &line))
		is_good = record_next_word(&line, &name) &&
			  (record_next_word(&line, &value) || (buf_reset(&value), true)) &&
			  take_line(record, buf_span(&name), buf_span(&value), &part);
	buf_free(&name);
	buf_free(&value);
	for (enum backup_part at = 0; at < BACKUP_PARTS; at++)
		record->info.size_bytes += record->sizes[at];
	return is_good;
}

static enum vos_err refuse_damaged(const char *name, struct vos_fault *fault)
{
	fault_set(fault, FAULT_STATE, 0,
		  "backup %s is damaged, or was made under another host.key; it cannot be used",
		  name);
	return VOS_ECORRUPT;
}

enum vos_err backup_info_read(const struct store *store, const char *folder, const char *name,
			      struct backup_record *out, struct vos_fault *fault)
{
	char path[BACKUP_PATH_MAX];
	struct span payload;
	enum vos_err err = backup_path(path, folder, name, BACKUP_INFO, fault);
	char *bytes;
	ssize_t len;
	int fd;

	*out = (struct backup_record){0};
	if (err)
		return err;
	span_copy(span_of(name), out->info.name, sizeof(out->info.name));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR)) {
		fault_set(fault, FAULT_NOT_FOUND, 0, "there is no backup %s", name);
		return VOS_ENOENT;
	}
	if (fd < 0)
		return file_fail(path, errno, fault);
	bytes = malloc(INFO_MAX);
	len = bytes ? read(fd, bytes, INFO_MAX) : 0;
	close(fd);
	if (!bytes)
		return file_fail(path, ENOMEM, fault);
	if (len <= 0 ||
	    record_open((struct span){bytes, (size_t)len}, &store->sum_key, SEAL_KEY, &payload) !=
		    VOS_OK ||
	    !take_payload(payload, out))
		err = refuse_damaged(name, fault);
	free(bytes);
	out->info.is_complete = !err;
	return err;
}
