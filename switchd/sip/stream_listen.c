/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets of TCP and TLS, and who is let in. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "switchd/auth/failure.h"
#include "switchd/sip/stream_private.h"

#define BACKLOG      4096
#define ACCEPT_BATCH 64 /* at a time, so that those who are in are served too */
/* How long nothing is accepted after the system has refused a descriptor. */
#define PAUSE_US    200000u
#define SAY_EACH_US 60000000u

static const char *kind_of(const struct stream_listen *listen)
{
	return listen->transport == CONF_TLS ? "tls" : "tcp";
}

static enum vos_err bind_socket(struct stream_listen *address)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(&address->bound, &sa);
	const int on = 1;
	int fd = socket(sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return VOS_EIO;
	address->fd = fd;
	/* Connections of the run before, in TIME_WAIT, are in nobody's way. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->bound.family == ADDR_IP6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sa, len) != 0 || listen(fd, BACKLOG) != 0)
		return errno == EADDRINUSE ? VOS_EINUSE : errno == EACCES ? VOS_EPERM : VOS_EIO;
	return VOS_OK;
}

enum vos_err stream_listen_open(struct stream *stream, struct vos_fault *fault)
{
	const struct sip_worker *worker = stream->shared->workers[0];

	for (int i = 0; i < worker->socket_count; i++) {
		const struct sip_socket *sock = &worker->sockets[i];
		struct stream_listen *listen = &stream->listens[stream->listen_count];
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = listen};
		char text[ADDR_TEXT_MAX];
		enum vos_err err;

		if (!sip_socket_is_stream(sock))
			continue;
		*listen = (struct stream_listen){
			.stream = stream,
			.fd = -1,
			.socket_index = sock->index,
			.transport = sock->transport,
			.bound = sock->bound,
		};
		stream->listen_count++;
		for (size_t at = 0; at < stream->conf->listen_count; at++)
			if (stream->conf->listens[at].transport == sock->transport &&
			    addr_eq(&stream->conf->listens[at].address, &sock->bound))
				snprintf(listen->name, sizeof(listen->name), "%s",
					 stream->conf->listens[at].name);
		err = bind_socket(listen);
		if (err != VOS_OK) {
			fault_set(fault, FAULT_STATE, 0, "cannot bind %s %s (listen %s): %s",
				  kind_of(listen), addr_print(&listen->bound, text), listen->name,
				  strerror(errno));
			return err;
		}
		if (epoll_ctl(stream->epoll_fd, EPOLL_CTL_ADD, listen->fd, &event) != 0)
			return VOS_EIO;
	}
	return VOS_OK;
}

void stream_listen_close(struct stream *stream)
{
	for (int i = 0; i < stream->listen_count; i++) {
		struct stream_listen *listen = &stream->listens[i];

		wheel_stop(&stream->wheel, &listen->resume);
		if (listen->fd >= 0)
			close(listen->fd);
		listen->fd = -1;
		tls_context_free(listen->tls);
		listen->tls = NULL;
	}
}

struct stream_listen *stream_listen_of(struct stream *stream, int socket_index)
{
	for (int i = 0; i < stream->listen_count; i++)
		if (stream->listens[i].socket_index == socket_index)
			return &stream->listens[i];
	return NULL;
}

static void set_accepting(struct stream_listen *listen, bool is_on)
{
	struct epoll_event event = {.events = is_on ? EPOLLIN : 0, .data.ptr = listen};

	epoll_ctl(listen->stream->epoll_fd, EPOLL_CTL_MOD, listen->fd, &event);
}

static void resume_fired(struct wheel_timer *timer, void *owner)
{
	(void)owner;
	set_accepting((struct stream_listen *)timer, true);
}

/* One line a minute, however many are turned away. */
static void say_full(struct stream *stream, const struct stream_listen *listen, const char *why)
{
	if (stream->full_said_us && stream->now_us - stream->full_said_us < SAY_EACH_US)
		return;
	stream->full_said_us = stream->now_us;
	log_warning(stream->shared->log, "sip",
		    "listen %s %s: connections wait or are refused: %s (%u are up)", listen->name,
		    kind_of(listen), why, stream->conns.count);
}

/* Why this peer is not let in; NULL when it is, and then it is counted. */
static const char *judge(struct stream *stream, const struct stream_listen *listen,
			 const struct addr *remote)
{
	/* A gateway may bring the connections of many. */
	bool is_named =
		conf_is_gateway(stream->conf, remote) || conf_is_trusted(stream->conf, remote);

	if (auth_source_is_suspended(stream->shared->auth, stream->conf, remote, stream->now_us))
		return "suspended";
	if (listen->transport == CONF_TLS && !listen->tls)
		return "no certificate";
	/* First its own limit: who is over it must not push others out. */
	if (!stream_source_enter(&stream->table, remote, is_named ? 0 : stream->limits.per_source))
		return "source";
	if (conn_make_room(stream))
		return NULL;
	stream_source_leave(&stream->table, remote);
	return "SS_SIP_STREAM_CONNECTIONS_MAX, or the limit of descriptors";
}

/* False: no more for now. */
static bool accept_one(struct stream *stream, struct stream_listen *listen)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	struct addr remote;
	const char *why;
	int fd = accept4(listen->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
		/* The peer stays in the backlog, and the listener readable: to ask again at once
		 * would only take the time of those who are in. */
		say_full(stream, listen, strerror(errno));
		set_accepting(listen, false);
		wheel_start(&stream->wheel, &listen->resume, resume_fired, stream->now_us,
			    PAUSE_US);
		return false;
	}
	if (fd < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK; /* or the peer has gone again */
	if (!addr_from_sockaddr((struct sockaddr *)&sa, &remote) || remote.port == 0) {
		close(fd);
		return true;
	}
	why = judge(stream, listen, &remote);
	if (why) {
		if (conn_is_full(stream))
			say_full(stream, listen, why);
		stream_count(&listen->totals.refused, 1);
		close(fd);
		return true;
	}
	if (conn_new(stream, listen, fd, &remote, false))
		stream_count(&listen->totals.accepted, 1);
	return true;
}

void stream_accept(struct stream *stream, struct stream_listen *listen)
{
	for (int i = 0; i < ACCEPT_BATCH; i++)
		if (!accept_one(stream, listen))
			return;
}
