/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/config_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/secret.h"
#include "vosctl/path.h"

#define FILE_MAX (16u * 1024u * 1024u) /* what switchd takes */

enum vos_err config_file_read(const char *path, struct buf *out, struct vos_fault *fault)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char piece[16384];
	size_t len;
	bool failed;

	if (!file) {
		fault_set(fault, FAULT_STATE, 0, "cannot read %s: %s", path, strerror(errno));
		return VOS_EIO;
	}
	while (out->len <= FILE_MAX && (len = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_add(out, piece, len);
	failed = ferror(file) || out->failed;
	if (!is_stdin)
		fclose(file);
	if (failed) {
		fault_set(fault, FAULT_STATE, 0, "cannot read %s: %s", path, strerror(errno));
		return VOS_EIO;
	}
	if (out->len > FILE_MAX) {
		fault_set(fault, FAULT_VALUE_RANGE, 0, "%s is longer than %u MiB", path,
			  FILE_MAX >> 20);
		return VOS_EINVAL;
	}
	return VOS_OK;
}

bool config_file_is_text(struct span text, struct vos_fault *fault)
{
	int line = 0;

	while (text.len) {
		size_t len = span_find(text, '\n');
		struct span row = {text.ptr, len};
		json_t *json = json_stringn(row.ptr, row.len);
		const char *nul = row.len ? memchr(row.ptr, '\0', row.len) : NULL;

		line++;
		if (!json || nul) {
			size_t at = nul ? (size_t)(nul - row.ptr) : 0;

			json_decref(json);
			while (!nul && at < row.len && (json = json_stringn(row.ptr, at + 1))) {
				json_decref(json);
				at++;
			}
			fault->line = line;
			fault_set(fault, FAULT_VALUE_FORMAT, (int)at + 1,
				  "the file is not UTF-8 text");
			return false;
		}
		json_decref(json);
		text.ptr += len < text.len ? len + 1 : len;
		text.len -= len < text.len ? len + 1 : len;
	}
	return true;
}

bool config_file_is_load(const struct match *match)
{
	return match->command == COMMAND_LOAD_MERGE || match->command == COMMAND_CONFIGURE_REPLACE;
}

enum vos_err config_file_load(struct client *client, const struct match *match, const char *mode,
			      int timeout_ms, const struct client_sink *sink,
			      struct client_status *status, struct vos_fault *fault)
{
	struct client_load load = {
		.name = match_text(match, "file"),
		.mode = mode,
		.replace = match->command == COMMAND_CONFIGURE_REPLACE,
		.timeout_ms = timeout_ms,
	};
	struct buf text = buf_new();
	char *path = path_expand(span_of(load.name));
	enum vos_err err = VOS_ENOMEM;

	if (path)
		err = config_file_read(path, &text, fault);
	else
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	free(path);
	if (!err && !config_file_is_text(buf_span(&text), fault))
		err = VOS_EINVAL;
	if (err) {
		err = VOS_EINVAL;
	} else {
		load.text = text.data;
		load.len = text.len;
		err = client_load(client, &load, sink, status, fault);
	}
	if (text.len)
		secret_wipe(text.data, text.len);
	buf_free(&text);
	return err;
}
