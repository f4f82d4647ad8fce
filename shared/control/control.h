/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control protocol: JSON-RPC 2.0, one object a line, over a UNIX stream socket (shell contract
 * 11, vos-control(7)). This layer frames lines and builds and takes apart requests; it knows no
 * meaning.
 *
 * client -> switchd
 * {"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":"vosctl","version":"0.1.0"}} hello |
 * exec {line, mode, yes, batch, file, number} | complete {line, mode} | help {line, mode} | cancel
 * {id} | apply-part {text} ... then apply {name, text, comment, check, diff, replace}: a whole
 * file, the parts joined in order in front of the last text switchd -> client
 * {"jsonrpc":"2.0","id":1,"result":{...}}         ends request 1
 *                     {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"...","data":{fault}}}
 *                     {"jsonrpc":"2.0","method":"columns","params":{"id":1,"schema":"calls/1","columns":[...],
 *                      "generation":42}}
 *                     {"jsonrpc":"2.0","method":"rows","params":{"id":1,"rows":[[...],[...]]}}
 *                     {"jsonrpc":"2.0","method":"item","params":{"id":1,"schema":"call/1","item":{...}}}
 *                     {"jsonrpc":"2.0","method":"text","params":{"id":1,"text":"..."}}
 *                     {"jsonrpc":"2.0","method":"warning","params":{"id":1,"message":"...","path":"...",
 *                      "code":"...","line":0,"column":0,"error":false}}
 *                     {"jsonrpc":"2.0","method":"event","params":{...}}
 * exec's result:
 * {"status":"ok","mode":"config-sip-parameter","pending":3,"generation":42,"hostname":"sw1"} Fault
 * data: {"code":"value.range","message":"...","path":"...","line":0,"column":0}, and the members of
 * exec's result; "stage":"commit" when a conflict or check refused a commit.
 * A column: {"name":"expires_s","type":"int","unit":"s","header":"EXPIRES","width":7}; with
 * "show":"fits" a text table leaves it out when the terminal is too narrow, with "never" always. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/err.h"

#include <jansson.h>

#define CONTROL_LINE_MAX (1024u * 1024u)
#define CONTROL_PROTOCOL 1

/* A non-blocking buffered connection, both roles. */
struct control_conn {
	int fd;
	struct buf in;
	size_t in_at;      /* start of the next line in `in` */
	size_t in_scanned; /* no newline before this */
	struct buf out;
	size_t out_at;  /* first byte not yet written */
	size_t out_max; /* bound of the send buffer; 0 = none */
	bool is_broken;
};

void control_conn_init(struct control_conn *conn, int fd, size_t out_max);
void control_conn_close(struct control_conn *conn);
/* Reads what there is. VOS_ECLOSED at end of file, VOS_EIO on an error, VOS_OK else. */
VOS_CHECK enum vos_err control_conn_read(struct control_conn *conn);
/* Next whole line as JSON: VOS_OK with *out (the caller's reference), VOS_EAGAIN when there is none
 * yet, VOS_EINVAL for a line that is no JSON object (it is skipped), VOS_EFULL for a line over the
 * limit. */
VOS_CHECK enum vos_err control_conn_next(struct control_conn *conn, json_t **out);
/* Queues one object as a line; takes the reference. VOS_EFULL when the send buffer's bound is hit.
 */
VOS_CHECK enum vos_err control_conn_send(struct control_conn *conn, json_t *message);
/* Writes what the socket takes. VOS_EAGAIN while something is left. */
VOS_CHECK enum vos_err control_conn_flush(struct control_conn *conn);

/* Bytes that wait to be written. */
static inline size_t control_conn_backlog(const struct control_conn *conn)
{
	return conn->out.len - conn->out_at;
}

/* A JSON string of any bytes: what is no UTF-8 (a stranger's display name) becomes U+FFFD, a NUL
 * too. */
json_t *control_text(struct span text);

/* Messages; each returns a new reference or NULL when out of memory. `params`/`result` is taken. */
json_t *control_request(int64_t id, const char *method, json_t *params);
json_t *control_result(int64_t id, json_t *result);
json_t *control_error(int64_t id, const struct vos_fault *fault);
json_t *control_notice(const char *method, json_t *params);
json_t *control_fault_to_json(const struct vos_fault *fault);
void control_fault_from_json(json_t *data, struct vos_fault *fault);
