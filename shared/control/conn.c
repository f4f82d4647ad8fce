/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines over a stream socket: bounded in both directions, never blocking. */
#include "shared/control/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK (64u * 1024u)

void control_conn_init(struct control_conn *conn, int fd, size_t out_max)
{
	*conn = (struct control_conn){.fd = fd, .out_max = out_max};
}

void control_conn_close(struct control_conn *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	buf_free(&conn->in);
	buf_free(&conn->out);
	*conn = (struct control_conn){.fd = -1};
}

/* Moves what is not yet used to the front of the buffer. */
static void compact_in(struct control_conn *conn)
{
	if (conn->in_at == 0)
		return;
	buf_consume(&conn->in, conn->in_at);
	conn->in_scanned -= conn->in_at;
	conn->in_at = 0;
}

enum vos_err control_conn_read(struct control_conn *conn)
{
	ssize_t len;

	if (conn->is_broken)
		return VOS_EIO;
	compact_in(conn);
	if (conn->in.len > CONTROL_LINE_MAX)
		return VOS_OK; /* control_conn_next() has a line, or the fault, to give first */
	if (!buf_reserve(&conn->in, READ_CHUNK))
		return VOS_ENOMEM;
	do
		len = recv(conn->fd, conn->in.data + conn->in.len, READ_CHUNK, MSG_DONTWAIT);
	while (len < 0 && errno == EINTR);
	if (len == 0)
		return VOS_ECLOSED;
	if (len < 0) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return VOS_OK;
		conn->is_broken = true;
		return errno == ECONNRESET ? VOS_ECLOSED : VOS_EIO;
	}
	conn->in.len += (size_t)len;
	return VOS_OK;
}

/* The next line without its newline; EAGAIN when it is not whole yet. */
static enum vos_err next_line(struct control_conn *conn, struct span *out)
{
	struct span rest = {conn->in.data + conn->in_scanned, conn->in.len - conn->in_scanned};
	size_t at = rest.len ? span_find(rest, '\n') : 0;

	conn->in_scanned += at;
	if (conn->in_scanned - conn->in_at > CONTROL_LINE_MAX)
		return VOS_EFULL;
	if (at == rest.len)
		return VOS_EAGAIN;
	*out = (struct span){conn->in.data + conn->in_at, conn->in_scanned - conn->in_at};
	conn->in_scanned++;
	conn->in_at = conn->in_scanned;
	return VOS_OK;
}

enum vos_err control_conn_next(struct control_conn *conn, json_t **out)
{
	struct span line;
	enum vos_err err;
	json_t *json;

	do {
		err = next_line(conn, &line);
		if (err != VOS_OK)
			return err;
	} while (span_is_empty(span_trim(line)));
	json = json_loadb(line.ptr, line.len, 0, NULL);
	if (!json_is_object(json)) {
		json_decref(json);
		return VOS_EINVAL;
	}
	*out = json;
	return VOS_OK;
}

static int append_json(const char *data, size_t len, void *context)
{
	struct buf *out = context;

	buf_add(out, data, len);
	return out->failed ? -1 : 0;
}

enum vos_err control_conn_send(struct control_conn *conn, json_t *message)
{
	size_t before = conn->out.len;
	enum vos_err err = VOS_OK;

	if (!message)
		return VOS_ENOMEM;
	if (json_dump_callback(message, append_json, &conn->out, JSON_COMPACT) != 0)
		err = VOS_ENOMEM;
	buf_add_char(&conn->out, '\n');
	json_decref(message);
	if (conn->out.failed)
		err = VOS_ENOMEM;
	else if (conn->out_max && control_conn_backlog(conn) > conn->out_max)
		err = VOS_EFULL;
	if (err != VOS_OK) {
		conn->out.len = before;
		conn->out.failed = false;
	}
	return err;
}

enum vos_err control_conn_flush(struct control_conn *conn)
{
	while (conn->out_at < conn->out.len) {
		ssize_t len = send(conn->fd, conn->out.data + conn->out_at,
				   conn->out.len - conn->out_at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			/* Keeps the buffer from growing at its front. */
			if (conn->out_at >= READ_CHUNK) {
				buf_consume(&conn->out, conn->out_at);
				conn->out_at = 0;
			}
			return VOS_EAGAIN;
		}
		if (len < 0) {
			conn->is_broken = true;
			return errno == EPIPE || errno == ECONNRESET ? VOS_ECLOSED : VOS_EIO;
		}
		conn->out_at += (size_t)len;
	}
	buf_reset(&conn->out);
	conn->out_at = 0;
	return VOS_OK;
}
