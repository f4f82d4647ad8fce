/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection: its requests one after the other, its bounded buffers, its candidate. */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/ctl/emit.h"
#include "switchd/ctl/resume.h"

struct session *session_create(struct ctl *ctl, int fd, bool is_read_only)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->ctl = ctl;
	session->id = ++ctl->next_session;
	randombytes_buf(&session->token, sizeof(session->token));
	session->is_read_only = is_read_only;
	session->since_ms = clock_wall_ms();
	session->last_ms = session->since_ms;
	control_conn_init(&session->conn, fd, CTL_SEND_MAX);
	peer_identify(session, ctl->listen.gid);
	DL_APPEND(ctl->sessions, session);
	ctl->session_count++;
	return session;
}

void session_destroy(struct session *session)
{
	struct ctl *ctl = session->ctl;

	request_destroy(session->active);
	debug_end(session);
	for (int i = 0; i < session->queue_len; i++)
		json_decref(session->queue[i]);
	if (ctl->exclusive == session)
		ctl->exclusive = NULL;
	resume_lost(session);
	buf_free(&session->upload);
	/* A program that is being started may hold a copy of the socket: closing alone would leave
	 * it in epoll, with a pointer to what is freed here. */
	(void)epoll_ctl(ctl->epoll_fd, EPOLL_CTL_DEL, session->conn.fd, NULL);
	control_conn_close(&session->conn);
	DL_DELETE(ctl->sessions, session);
	ctl->session_count--;
	free(session);
}

struct session *session_find(struct ctl *ctl, uint64_t id)
{
	struct session *session;

	DL_FOREACH (ctl->sessions, session)
		if (session->id == id)
			return session;
	return NULL;
}

void session_send(struct session *session, json_t *message)
{
	enum vos_err err = control_conn_send(&session->conn, message);

	/* Handlers stop at CTL_SEND_SOFT, so this is a peer that only sends, or no memory. */
	if (err != VOS_OK)
		session->is_dead = true;
}

static void reject(struct session *session, enum fault_code code, const char *text)
{
	struct vos_fault fault = {0};

	fault_set(&fault, code, 0, "%s", text);
	session_send(session, control_error(-1, &fault));
}

/* cancel {id}: ends the running request, or takes a waiting one out of the queue. */
static void cancel(struct session *session, json_t *message)
{
	json_t *target = json_object_get(json_object_get(message, "params"), "id");
	json_t *id = json_object_get(message, "id");

	if (session->active && json_is_integer(target) &&
	    session->active->id == json_integer_value(target))
		session->active->is_cancelled = true;
	for (int i = 0; i < session->queue_len; i++) {
		struct vos_fault fault = {0};

		if (!json_equal(json_object_get(session->queue[i], "id"), target))
			continue;
		fault_set(&fault, FAULT_STATE, 0, "cancelled");
		session_send(session, control_error(json_integer_value(target), &fault));
		json_decref(session->queue[i]);
		session->queue_len--;
		memmove(&session->queue[i], &session->queue[i + 1],
			(size_t)(session->queue_len - i) * sizeof(session->queue[0]));
		break;
	}
	if (json_is_integer(id))
		session_send(session, control_result(json_integer_value(id), json_object()));
}

static void take_message(struct session *session, json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));

	if (method && strcmp(method, "cancel") == 0) {
		cancel(session, message);
		json_decref(message);
		return;
	}
	session->queue[session->queue_len++] = message;
}

/* Parses what has been read, as far as the queue has room. */
static void take_lines(struct session *session)
{
	while (!session->is_dead && !session->is_ended && session->queue_len < CTL_QUEUE_MAX &&
	       control_conn_backlog(&session->conn) < CTL_SEND_SOFT) {
		json_t *message;
		enum vos_err err = control_conn_next(&session->conn, &message);

		if (err == VOS_OK) {
			take_message(session, message);
		} else if (err == VOS_EINVAL) {
			reject(session, FAULT_VALUE_FORMAT, "the line is no JSON object");
		} else if (err == VOS_EFULL) {
			reject(session, FAULT_VALUE_RANGE, "the line is longer than 1 MiB");
			/* Nobody knows where the next one starts. */
			session->is_ended = true;
			session->conn.in_at = session->conn.in_scanned = session->conn.in.len = 0;
			return;
		} else {
			return;
		}
	}
}

void session_input(struct session *session)
{
	enum vos_err err;

	if (session->is_ended)
		return;
	err = control_conn_read(&session->conn);
	if (err == VOS_ECLOSED)
		session->is_ended = true; /* it may still read what it asked for */
	else if (err != VOS_OK)
		session->is_dead = true;
	else
		take_lines(session);
}

static void start_next(struct session *session)
{
	json_t *message = session->queue[0];

	session->last_ms = clock_wall_ms();
	session->queue_len--;
	memmove(&session->queue[0], &session->queue[1],
		(size_t)session->queue_len * sizeof(session->queue[0]));
	session->active = request_create(session, message);
	json_decref(message);
	if (!session->active)
		session->is_dead = true;
}

static void end_active(struct session *session)
{
	request_finish(session->active);
	request_destroy(session->active);
	session->active = NULL;
}

static void run_step(struct session *session)
{
	struct request *request = session->active;
	enum step step = STEP_DONE;

	if (request->is_cancelled && !request->has_fault)
		request_refuse(request, FAULT_STATE, 0, "cancelled");
	if (!request->has_fault)
		step = request->step(request);
	emit_flush(request);
	request->is_waiting = step == STEP_WAIT;
	if (step == STEP_DONE)
		end_active(session);
}

static bool may_run(const struct session *session)
{
	if (session->is_dead || !session->active)
		return false;
	if (session->active->is_waiting && !session->active->is_cancelled)
		return false;
	return control_conn_backlog(&session->conn) < CTL_SEND_SOFT;
}

bool session_turn(struct session *session)
{
	enum vos_err err;

	if (!session->is_dead && !session->active && session->queue_len &&
	    control_conn_backlog(&session->conn) < CTL_SEND_SOFT)
		start_next(session);
	if (may_run(session))
		run_step(session);
	if (!session->is_dead) {
		err = control_conn_flush(&session->conn);
		if (err != VOS_OK && err != VOS_EAGAIN)
			session->is_dead = true;
	}
	take_lines(session);
	if (session->is_ended && !session->active && !session->queue_len &&
	    !control_conn_backlog(&session->conn))
		session->is_dead = true;
	if (session->is_dead)
		return false;
	return may_run(session) || (!session->active && session->queue_len &&
				    control_conn_backlog(&session->conn) < CTL_SEND_SOFT);
}
