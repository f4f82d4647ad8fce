/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket and the thread: one epoll loop, in which every session gets one step a turn. */
#include "switchd/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/ctl/ctl_private.h"

#define EVENTS_MAX     32
#define STOP_WAIT_US   2000000u /* for mail that is still with the workers */
#define LISTEN_BACKLOG 64

static void set_errno_fault(struct vos_fault *fault, const char *what, const char *path)
{
	fault_set(fault, FAULT_STATE, 0, "control socket %s: cannot %s: %s", path, what,
		  strerror(errno));
}

/* Takes a file away that a crashed switchd left; VOS_EINUSE when somebody answers on it. */
static enum vos_err remove_stale(const struct sockaddr_un *address, struct vos_fault *fault)
{
	struct stat info;
	int fd;
	int failed;

	if (lstat(address->sun_path, &info) != 0)
		return VOS_OK;
	if (!S_ISSOCK(info.st_mode)) {
		fault_set(
			fault, FAULT_STATE, 0,
			"control socket %s: a file that is no socket is there; remove it or choose "
			"another path with --socket",
			address->sun_path);
		return VOS_EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		set_errno_fault(fault, "open", address->sun_path);
		return VOS_EIO;
	}
	failed = connect(fd, (const struct sockaddr *)address, sizeof(*address));
	/* EAGAIN: somebody listens, its backlog is full. */
	if (failed == 0 || errno != ECONNREFUSED) {
		close(fd);
		fault_set(
			fault, FAULT_STATE, 0,
			"control socket %s: another switchd answers on it; stop that one or choose "
			"another path with --socket",
			address->sun_path);
		return VOS_EINUSE;
	}
	close(fd);
	if (unlink(address->sun_path) != 0 && errno != ENOENT) {
		set_errno_fault(fault, "remove the old one", address->sun_path);
		return VOS_EPERM;
	}
	return VOS_OK;
}

static enum vos_err open_socket(struct ctl *ctl, const char *path, struct vos_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat info;
	enum vos_err err;

	if (!span_copy(span_of(path), address.sun_path, sizeof(address.sun_path))) {
		fault_set(fault, FAULT_STATE, 0,
			  "control socket: the path is longer than %zu bytes: %.200s",
			  sizeof(address.sun_path) - 1, path);
		return VOS_EINVAL;
	}
	err = remove_stale(&address, fault);
	if (err)
		return err;
	ctl->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ctl->listen_fd < 0 ||
	    bind(ctl->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		err = errno == EACCES || errno == EPERM || errno == EROFS ? VOS_EPERM : VOS_EIO;
		set_errno_fault(fault, "bind", path);
		return err;
	}
	/* From here on the file is ours to remove. Nobody can connect before listen(). */
	snprintf(ctl->path, sizeof(ctl->path), "%s", path);
	if (chmod(path, 0660) != 0 || stat(path, &info) != 0 ||
	    listen(ctl->listen_fd, LISTEN_BACKLOG) != 0) {
		set_errno_fault(fault, "listen", path);
		return VOS_EIO;
	}
	ctl->socket_gid = info.st_gid;
	return VOS_OK;
}

static int watch(struct ctl *ctl, int fd, void *who, uint32_t events, int op)
{
	struct epoll_event event = {.events = events, .data.ptr = who};

	return epoll_ctl(ctl->epoll_fd, op, fd, &event);
}

static void refuse_session(struct session *session)
{
	struct vos_fault fault = {0};

	fault_set(&fault, FAULT_STATE, 0, "too many sessions; %d are open", CTL_SESSIONS_MAX);
	session_send(session, control_error(-1, &fault));
	if (control_conn_flush(&session->conn) != VOS_OK)
		session->is_dead = true;
	session_destroy(session);
}

static bool has_room(const struct ctl *ctl, const struct session *session)
{
	int left = CTL_SESSIONS_MAX - ctl->session_count; /* the new one is counted */
	bool is_owner = session->uid == 0 || session->uid == geteuid();

	return left >= (is_owner ? 0 : CTL_SESSIONS_KEPT);
}

/* Out of descriptors: the connection would stay readable for ever, so it is taken and closed. */
static void refuse_by_spare(struct ctl *ctl)
{
	int fd;

	if (ctl->spare_fd < 0)
		return;
	close(ctl->spare_fd);
	fd = accept4(ctl->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	ctl->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void accept_all(struct ctl *ctl)
{
	for (int i = 0; i < LISTEN_BACKLOG; i++) {
		int fd = accept4(ctl->listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct session *session;

		if (fd < 0) {
			if (errno == EMFILE || errno == ENFILE)
				refuse_by_spare(ctl);
			return;
		}
		session = session_create(ctl, fd);
		if (!session) {
			close(fd);
			return;
		}
		if (!has_room(ctl, session)) {
			refuse_session(session);
			continue;
		}
		session->epoll_events = EPOLLIN;
		if (watch(ctl, fd, session, EPOLLIN, EPOLL_CTL_ADD) != 0)
			session_destroy(session);
	}
}

static void update_watch(struct session *session)
{
	size_t backlog = control_conn_backlog(&session->conn);
	uint32_t events = backlog ? EPOLLOUT : 0;

	if (!session->is_ended && session->queue_len < CTL_QUEUE_MAX && backlog < CTL_SEND_SOFT)
		events |= EPOLLIN;
	if (events == session->epoll_events)
		return;
	session->epoll_events = events;
	if (watch(session->ctl, session->conn.fd, session, events, EPOLL_CTL_MOD) != 0)
		session->is_dead = true;
}

/* One step for every session; true when somebody could go on at once. */
static bool turn_sessions(struct ctl *ctl)
{
	struct session *session;
	struct session *next;
	bool is_busy = false;

	DL_FOREACH_SAFE (ctl->sessions, session, next) {
		if (session_turn(session))
			is_busy = true;
		if (!session->is_dead)
			update_watch(session);
		if (session->is_dead)
			session_destroy(session);
	}
	return is_busy;
}

static void handle_event(struct ctl *ctl, const struct epoll_event *event)
{
	struct session *session = event->data.ptr;

	if (event->data.ptr == ctl) {
		accept_all(ctl);
	} else if (event->data.ptr == &ctl->mailbox) {
		mailbox_run(&ctl->mailbox);
	} else {
		if (event->events & EPOLLIN)
			session_input(session);
		else if (event->events & (EPOLLHUP | EPOLLERR))
			session->is_dead = true;
	}
}

static void *run(void *argument)
{
	struct ctl *ctl = argument;
	struct epoll_event events[EVENTS_MAX];
	uint64_t deadline_us = 0;
	bool is_busy = false;

	while (!ctl->is_stopping || ctl->mail_out) {
		int wait_ms = is_busy ? 0 : -1;
		int count;

		if (ctl->is_stopping) {
			uint64_t now_us = clock_mono_us();

			deadline_us = deadline_us ? deadline_us : now_us + STOP_WAIT_US;
			if (now_us >= deadline_us)
				break;
			wait_ms = (int)((deadline_us - now_us) / 1000) + 1;
		}
		count = epoll_wait(ctl->epoll_fd, events, EVENTS_MAX, wait_ms);
		/* Sessions die only in turn_sessions(), so the pointers of this batch stay good. */
		for (int i = 0; i < count; i++)
			handle_event(ctl, &events[i]);
		is_busy = turn_sessions(ctl);
	}
	return NULL;
}

static void stop_requested(struct mail *mail, void *receiver)
{
	struct ctl *ctl = receiver;

	(void)mail;
	ctl->is_stopping = true;
}

static void release(struct ctl *ctl)
{
	while (ctl->sessions)
		session_destroy(ctl->sessions);
	if (ctl->listen_fd >= 0)
		close(ctl->listen_fd);
	if (ctl->epoll_fd >= 0)
		close(ctl->epoll_fd);
	if (ctl->spare_fd >= 0)
		close(ctl->spare_fd);
	if (ctl->path[0])
		unlink(ctl->path);
	if (ctl->grammar)
		grammar_destroy(ctl->grammar);
	if (ctl->mailbox.wake_fd >= 0)
		mailbox_destroy(&ctl->mailbox);
	conf_unref(ctl->conf);
	free(ctl);
}

enum vos_err ctl_start(const struct ctl_context *context, const char *socket_path, struct ctl **out,
		       struct vos_fault *fault)
{
	struct ctl *ctl = calloc(1, sizeof(*ctl));
	enum vos_err err;

	if (!ctl) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	}
	ctl->context = *context;
	ctl->conf = conf_ref(context->conf);
	ctl->listen_fd = -1;
	ctl->stop_mail.run = stop_requested;
	ctl->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ctl->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ctl->grammar = grammar_create();
	err = mailbox_init(&ctl->mailbox, ctl);
	if (err || ctl->epoll_fd < 0 || !ctl->grammar) {
		fault_set(fault, FAULT_INTERNAL, 0, "control server: out of memory or descriptors");
		release(ctl);
		return VOS_ENOMEM;
	}
	err = open_socket(ctl, socket_path, fault);
	if (err) {
		release(ctl);
		return err;
	}
	if (watch(ctl, ctl->listen_fd, ctl, EPOLLIN, EPOLL_CTL_ADD) != 0 ||
	    watch(ctl, ctl->mailbox.wake_fd, &ctl->mailbox, EPOLLIN, EPOLL_CTL_ADD) != 0 ||
	    pthread_create(&ctl->thread, NULL, run, ctl) != 0) {
		fault_set(fault, FAULT_INTERNAL, 0, "control server: cannot start its thread");
		release(ctl);
		return VOS_EIO;
	}
	*out = ctl;
	return VOS_OK;
}

void ctl_stop(struct ctl *ctl)
{
	if (!ctl)
		return;
	mailbox_post(&ctl->mailbox, &ctl->stop_mail);
	pthread_join(ctl->thread, NULL);
	if (ctl->mail_out) {
		/* A worker that never answered may still write into the mailbox: it must outlive
		 * us. */
		log_warning(ctl->context.log, "ctl", "%d requests to signalling threads were lost",
			    ctl->mail_out);
		unlink(ctl->path);
		return;
	}
	mailbox_close(&ctl->mailbox);
	release(ctl);
}
