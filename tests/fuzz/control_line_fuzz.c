/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes on the control socket, whole and cut in pieces of as many bytes as the first one says.
 * Held: the messages and refusals are the same, a fault that is read is one that can be written,
 * and what is sent is a line. */
#include <assert.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/control/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A fault comes back as it was sent, whatever a peer has put into it. */
static void check_fault(json_t *data)
{
	struct vos_fault fault;
	struct vos_fault again;
	json_t *json;

	control_fault_from_json(data, &fault);
	json = control_fault_to_json(&fault);
	assert(json);
	control_fault_from_json(json, &again);
	assert(fault.code == again.code && fault.line == again.line);
	json_decref(json);
}

static void take_messages(struct control_conn *conn, struct buf *seen, bool *is_over)
{
	for (;;) {
		json_t *message;
		enum vos_err err = control_conn_next(conn, &message);
		char *text;

		if (err == VOS_EAGAIN)
			return;
		if (err == VOS_EINVAL) {
			buf_add_lit(seen, "?\n");
			continue;
		}
		if (err != VOS_OK) {
			assert(err == VOS_EFULL || err == VOS_ENOMEM);
			*is_over = true;
			return;
		}
		assert(json_is_object(message));
		check_fault(json_object_get(json_object_get(message, "error"), "data"));
		text = json_dumps(message, JSON_COMPACT | JSON_SORT_KEYS);
		buf_add_str(seen, text ? text : "!");
		buf_add_char(seen, '\n');
		free(text);
		json_decref(message);
	}
}

static void run(const uint8_t *data, size_t size, size_t piece, struct buf *seen)
{
	struct control_conn conn;
	bool is_over = false;
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) != 0)
		abort();
	control_conn_init(&conn, fds[0], 0);
	for (size_t at = 0; at < size && !is_over;) {
		size_t part = size - at < piece ? size - at : piece;
		ssize_t len = write(fds[1], data + at, part);

		if (len < 0)
			abort();
		at += (size_t)len;
		if (control_conn_read(&conn) != VOS_OK)
			abort();
		take_messages(&conn, seen, &is_over);
	}
	control_conn_close(&conn);
	close(fds[1]);
}

static void check_text(const uint8_t *data, size_t size)
{
	json_t *text = control_text((struct span){(const char *)data, size});

	assert(json_is_string(text));
	assert(!memchr(json_string_value(text), '\0', json_string_length(text)));
	json_decref(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = buf_new();
	struct buf cut = buf_new();

	if (size < 2)
		return 0;
	run(data + 1, size - 1, 32 * 1024, &whole);
	run(data + 1, size - 1, data[0] ? data[0] : 1, &cut);
	assert(span_eq(buf_span(&whole), buf_span(&cut)));
	check_text(data + 1, size - 1);
	buf_free(&whole);
	buf_free(&cut);
	return 0;
}
