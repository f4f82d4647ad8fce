/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of a connection: begun by either side, handshake, deadlines, end. */
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "switchd/sip/stream_private.h"

/* A peer that vanished without a word is noticed: by the kernel's probes when nothing is sent, by
 * what it never acknowledges when something is. */
#define PROBE_IDLE_S     120
#define PROBE_INTERVAL_S 30
#define PROBE_COUNT      4
#define UNACKED_MS       32000u /* 64 * T1 */
/* A handshake costs a millisecond; those who are in are served between some of them. */
#define HANDSHAKES_A_TURN 8
#define TIMER_MAX_US      3600000000u

static void set_options(struct stream *stream, int fd, const struct addr *remote)
{
	const int on = 1;
	const int idle_s = PROBE_IDLE_S;
	const int interval_s = PROBE_INTERVAL_S;
	const int count = PROBE_COUNT;
	const unsigned unacked_ms = UNACKED_MS;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof(count));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
	worker_set_tos(fd, remote, stream->limits.tos);
}

bool conn_is_full(struct stream *stream)
{
	return stream->conns.count >= stream->limits.connections;
}

static void forget_stranger(struct stream *stream, struct stream_conn *conn)
{
	if (!conn->strange_prev)
		return;
	DL_DELETE2(stream->strangers, conn, strange_prev, strange_next);
	conn->strange_prev = NULL;
}

void conn_prove(struct stream *stream, struct stream_conn *conn)
{
	conn->is_proven = true;
	forget_stranger(stream, conn);
}

bool conn_make_room(struct stream *stream)
{
	if (conn_is_full(stream) && stream->strangers)
		conn_fail(stream, stream->strangers);
	return !conn_is_full(stream);
}

/* --- Deadlines. --- */

static void lower(uint64_t *deadline_us, uint64_t other_us)
{
	if (other_us < *deadline_us)
		*deadline_us = other_us;
}

static uint64_t open_deadline_us(const struct stream *stream, const struct stream_conn *conn)
{
	const struct stream_limits *limits = &stream->limits;
	uint64_t deadline_us = UINT64_MAX;

	if (conn->unfinished_us)
		lower(&deadline_us, conn->unfinished_us + limits->message_us);
	if (conn->unsent_us)
		lower(&deadline_us, conn->unsent_us + limits->message_us);
	if (!conn->is_proven && !conn->is_outgoing)
		lower(&deadline_us, conn->opened_us + limits->message_us);
	else if (limits->idle_us && conn->active_us + limits->idle_us > conn->keep_until_us)
		lower(&deadline_us, conn->active_us + limits->idle_us);
	else if (limits->idle_us)
		lower(&deadline_us, conn->keep_until_us);
	return deadline_us;
}

static uint64_t deadline_us(const struct stream *stream, const struct stream_conn *conn)
{
	switch (conn->state) {
	case CONN_CONNECTING:
		return conn->opened_us + STREAM_CONNECT_US;
	case CONN_HANDSHAKE:
		return conn->opened_us + stream->limits.message_us;
	case CONN_OPEN:
		return open_deadline_us(stream, conn);
	case CONN_DRAINING:
		return conn->drain_until_us;
	case CONN_CLOSED:
		break;
	}
	return UINT64_MAX;
}

static void timer_fired(struct wheel_timer *timer, void *owner);

/* The timer is only moved when it would be late; when it is early it finds out itself, so that
 * traffic does not touch it. */
static void arm(struct stream *stream, struct stream_conn *conn)
{
	uint64_t due_us = deadline_us(stream, conn);
	uint64_t wait_us = due_us > stream->now_us ? due_us - stream->now_us : 0;

	if (wait_us > TIMER_MAX_US)
		wait_us = TIMER_MAX_US;
	if (!wheel_is_running(&conn->timer) ||
	    wheel_due_us(&conn->timer) > stream->now_us + wait_us + WHEEL_TICK_US)
		wheel_start(&stream->wheel, &conn->timer, timer_fired, stream->now_us, wait_us);
}

static void timer_fired(struct wheel_timer *timer, void *owner)
{
	struct stream_conn *conn = (struct stream_conn *)timer;
	struct stream *stream = owner;
	bool is_quiet = conn->state == CONN_DRAINING ||
			(conn->state == CONN_OPEN && !conn->unsent_us && !conn->unfinished_us);

	if (deadline_us(stream, conn) > stream->now_us)
		arm(stream, conn);
	else if (is_quiet)
		conn_close(stream, conn);
	else
		conn_fail(stream, conn);
}

void conn_update(struct stream *stream, struct stream_conn *conn)
{
	struct epoll_event event = {.data.ptr = conn};

	if (conn->state == CONN_CLOSED)
		return;
	if (conn->state != CONN_CONNECTING && !conn->is_blocked)
		event.events |= EPOLLIN;
	if (conn->state == CONN_CONNECTING || conn->is_stuffed)
		event.events |= EPOLLOUT;
	if (event.events != conn->events) {
		conn->events = event.events;
		epoll_ctl(stream->epoll_fd, EPOLL_CTL_MOD, conn->fd, &event);
	}
	arm(stream, conn);
}

/* --- Begin. --- */

struct stream_conn *conn_new(struct stream *stream, struct stream_listen *listen, int fd,
			     const struct addr *remote, bool is_outgoing)
{
	struct stream_conn *conn = calloc(1, sizeof(*conn));
	struct epoll_event event = {.events = is_outgoing ? EPOLLOUT : EPOLLIN, .data.ptr = conn};

	if (conn && !slots_add(&stream->conns, conn, &conn->slot)) {
		free(conn);
		conn = NULL;
	}
	if (!conn) {
		if (!is_outgoing)
			stream_source_leave(&stream->table, remote);
		close(fd);
		return NULL;
	}
	conn->fd = fd;
	conn->listen = listen;
	conn->remote = *remote;
	conn->is_outgoing = is_outgoing;
	conn->opened_us = stream->now_us;
	conn->active_us = stream->now_us;
	conn->events = event.events;
	conn->state = is_outgoing                     ? CONN_CONNECTING
		      : listen->transport == CONF_TLS ? CONN_HANDSHAKE
						      : CONN_OPEN;
	stream_table_add(&stream->table, conn);
	stream_count(&listen->totals.connections, 1);
	set_options(stream, fd, remote);
	if (listen->transport == CONF_TLS)
		conn->tls = tls_session_new(listen->tls, fd, is_outgoing);
	if ((listen->transport == CONF_TLS && !conn->tls) ||
	    epoll_ctl(stream->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
		conn_fail(stream, conn);
		return NULL;
	}
	if (!is_outgoing)
		DL_APPEND2(stream->strangers, conn, strange_prev, strange_next);
	arm(stream, conn);
	return conn;
}

struct stream_conn *conn_open(struct stream *stream, struct stream_listen *listen,
			      const struct addr *remote)
{
	struct addr local = listen->bound;
	struct sockaddr_storage sa;
	const int on = 1;
	socklen_t len;
	int fd;

	if ((listen->transport == CONF_TLS && !listen->tls) ||
	    remote->family != listen->bound.family || remote->port == 0 || !conn_make_room(stream))
		return NULL;
	local.port = 0;
	len = addr_to_sockaddr(&local, &sa);
	fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return NULL;
	/* The port is chosen at connect(), so that one serves for many peers. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (!addr_is_any(&local) && bind(fd, (struct sockaddr *)&sa, len) != 0) {
		close(fd);
		return NULL;
	}
	len = addr_to_sockaddr(remote, &sa);
	if (connect(fd, (struct sockaddr *)&sa, len) != 0 && errno != EINPROGRESS) {
		close(fd);
		return NULL;
	}
	stream_count(&listen->totals.opened, 1);
	return conn_new(stream, listen, fd, remote, true);
}

/* --- Events. --- */

static void handshake(struct stream *stream, struct stream_conn *conn)
{
	/* One more has to wait for the next turn, in which epoll says that it may write. */
	conn->is_stuffed = stream->handshakes >= HANDSHAKES_A_TURN;
	if (conn->is_stuffed) {
		conn_update(stream, conn);
		return;
	}
	stream->handshakes++;
	switch (tls_session_handshake(conn->tls)) {
	case TLS_DONE:
		conn->state = CONN_OPEN;
		conn->active_us = stream->now_us;
		conn->opened_us = stream->now_us; /* the first message is waited for from here */
		/* The last flight may have brought the first message with it. */
		conn_read(stream, conn);
		conn_flush(stream, conn);
		return;
	case TLS_WANT_WRITE:
		conn->is_stuffed = true;
		break;
	case TLS_WANT_READ:
		break;
	case TLS_FAILED:
		log_debug(stream->shared->log, "sip", "listen %s tls: handshake: %s",
			  conn->listen->name, tls_failure());
		conn_fail(stream, conn);
		return;
	case TLS_ENDED:
		conn_fail(stream, conn);
		return;
	}
	conn_update(stream, conn);
}

static void connected(struct stream *stream, struct stream_conn *conn)
{
	socklen_t len = sizeof(int);
	int error = 0;

	if (getsockopt(conn->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error) {
		conn_fail(stream, conn);
		return;
	}
	if (conn->tls) {
		conn->state = CONN_HANDSHAKE;
		conn->opened_us = stream->now_us;
		handshake(stream, conn);
		return;
	}
	conn->state = CONN_OPEN;
	conn_flush(stream, conn);
}

void conn_event(struct stream *stream, struct stream_conn *conn, uint32_t events)
{
	switch (conn->state) {
	case CONN_CONNECTING:
		connected(stream, conn);
		break;
	case CONN_HANDSHAKE:
		handshake(stream, conn);
		break;
	case CONN_OPEN:
	case CONN_DRAINING:
		if (events & EPOLLOUT) {
			conn->is_stuffed = false;
			conn_flush(stream, conn);
		}
		if (conn->state == CONN_CLOSED)
			break;
		/* What is blocked learns so that its peer has gone. */
		if (conn->is_blocked && events & (EPOLLHUP | EPOLLERR))
			conn_close(stream, conn);
		else if (events & (EPOLLIN | EPOLLHUP | EPOLLERR) || conn->tls)
			conn_read(stream, conn);
		/* TLS may have waited for what was read now. */
		if (conn->tls && conn->out_len)
			conn_flush(stream, conn);
		break;
	case CONN_CLOSED:
		break; /* earlier in this turn */
	}
}

/* --- End. --- */

/* So that it is gone at once, on either side (SS_TCP_CLOSE_RESET). What the peer has not got yet
 * would go with it: then it ends in order. */
static void reset_at_close(int fd)
{
	const struct linger linger = {.l_onoff = 1, .l_linger = 0};
	int unacknowledged = 0;

	if (ioctl(fd, SIOCOUTQ, &unacknowledged) == 0 && unacknowledged == 0)
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

void conn_close(struct stream *stream, struct stream_conn *conn)
{
	struct stream_listen *listen = conn->listen;

	if (conn->state == CONN_CLOSED)
		return;
	conn->state = CONN_CLOSED;
	if (stream->limits.is_reset)
		reset_at_close(conn->fd);
	if (conn->tls)
		tls_session_say_end(conn->tls);
	tls_session_free(conn->tls);
	conn->tls = NULL;
	/* A program that is being started may hold a copy: closing alone would leave it in epoll.
	 */
	(void)epoll_ctl(stream->epoll_fd, EPOLL_CTL_DEL, conn->fd, NULL);
	close(conn->fd);
	wheel_stop(&stream->wheel, &conn->timer);
	stream_table_remove(&stream->table, conn);
	slots_remove(&stream->conns, conn->slot);
	forget_stranger(stream, conn);
	stream_count(&listen->totals.connections, (uint64_t)-1);
	if (!conn->is_outgoing)
		stream_source_leave(&stream->table, &conn->remote);
	stream->memory -= conn->in_cap + conn->out_cap;
	free(conn->in);
	free(conn->out);
	conn->in = NULL;
	conn->out = NULL;
	conn->dead_next = stream->dead;
	stream->dead = conn;
	stream_tell_lost(stream, listen, &conn->remote, conn->workers);
	if (conn->asked.family)
		stream_tell_lost(stream, listen, &conn->asked, conn->workers);
}

void conn_fail(struct stream *stream, struct stream_conn *conn)
{
	if (conn->state != CONN_CLOSED)
		stream_count(&conn->listen->totals.errors, 1);
	conn_close(stream, conn);
}

/* What still stands in another list waits until that has been walked. */
void conn_free_dead(struct stream *stream)
{
	struct stream_conn *list = stream->dead;

	stream->dead = NULL;
	while (list) {
		struct stream_conn *conn = list;

		list = conn->dead_next;
		if (conn->is_dirty || conn->is_blocked) {
			conn->dead_next = stream->dead;
			stream->dead = conn;
		} else {
			free(conn);
		}
	}
}
