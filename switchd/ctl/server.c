/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The socket and the thread: one epoll loop, in which every session gets one step a turn. */
#include "switchd/ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "shared/base/log_ring.h"
#include "shared/base/thread.h"
#include "switchd/alarm/alarm.h"
#include "switchd/auth/lockout.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/in_force.h"
#include "switchd/ctl/monitor.h"
#include "switchd/ctl/test_sip.h"
#include "switchd/ctl/resume.h"

#define EVENTS_MAX        32
#define STOP_WAIT_US      2000000u /* for mail that is still with the workers */
#define ACCEPTS_A_TURN    64
#define REFUSED_PAUSE_MS  20
#define SOCKET_MODE       0660
#define READ_ONLY_MODE    0666 /* the folder it lies in says who reaches it */
#define READ_ONLY_AGAIN_S 10   /* after a failure: somebody may have moved what is in the way */
#define READ_ONLY_ALARM   "read-only"

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
	bool is_owner = session_is_owner(session);

	return left >= (is_owner ? 0 : CTL_SESSIONS_KEPT);
}

/* Out of descriptors: the connection would stay readable for ever, so it is taken and closed. When
 * not even the spare helps (a limit lowered below it, another thread that was faster), the thread
 * pauses, or it would do nothing but ask again. */
static void refuse_by_spare(struct ctl *ctl, const struct control_listen *from)
{
	int fd;

	if (ctl->spare_fd >= 0)
		close(ctl->spare_fd);
	fd = accept4(from->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	ctl->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		(void)poll(NULL, 0, REFUSED_PAUSE_MS);
}

/* Somebody has gone, and the loop has not come to it yet. */
static bool is_room_near(const struct ctl *ctl)
{
	struct pollfd peers[CTL_SESSIONS_MAX];
	nfds_t count = 0;
	struct session *session;

	if (ctl->session_count < CTL_SESSIONS_MAX - CTL_SESSIONS_KEPT)
		return false;
	DL_FOREACH (ctl->sessions, session) {
		if (count < CTL_SESSIONS_MAX)
			peers[count++] = (struct pollfd){.fd = session->conn.fd};
	}
	if (poll(peers, count, 0) <= 0)
		return false;
	for (nfds_t i = 0; i < count; i++) {
		if (peers[i].revents & POLLHUP)
			return true;
	}
	return false;
}

/* Who comes while the places of those that left are being cleared waits in the kernel's queue for a
 * turn or two: a script that opens and closes connections in a row is not refused for its own past.
 */
static void accept_all(struct ctl *ctl, const struct control_listen *from)
{
	for (int i = 0; i < ACCEPTS_A_TURN && !is_room_near(ctl); i++) {
		int fd = accept4(from->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct session *session;

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				refuse_by_spare(ctl, from);
			return;
		}
		session = session_create(ctl, fd, from == &ctl->read_only);
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

	if (event->data.ptr == &ctl->listen) {
		accept_all(ctl, &ctl->listen);
	} else if (event->data.ptr == &ctl->read_only) {
		accept_all(ctl, &ctl->read_only);
	} else if (event->data.ptr == &ctl->mailbox) {
		mailbox_run(&ctl->mailbox);
	} else if (event->data.ptr == &ctl->security) {
		security_events_woken(lockout_events(ctl->context.auth));
		(void)security_run(ctl);
	} else if (event->data.ptr == ctl->log_ring) {
		log_ring_woken(ctl->log_ring);
	} else {
		if (event->events & EPOLLIN)
			session_input(session);
		else if (event->events & (EPOLLHUP | EPOLLERR))
			session->is_dead = true;
	}
}

static const char *read_only_path(const struct snapshot *snapshot)
{
	const struct object *object = snapshot_object_find(snapshot, OBJECT_CONTROL, SPAN_LIT(""));
	const struct value *value =
		object ? object_field(object, FIELD_CONTROL_READ_ONLY_SOCKET) : NULL;

	return value && value->type == VALUE_STRING ? value->text : "";
}

static bool open_read_only(struct ctl *ctl, const char *path, struct vos_fault *fault)
{
	if (control_listen_open(&ctl->read_only, path, READ_ONLY_MODE, fault) == VOS_OK) {
		if (watch(ctl, ctl->read_only.fd, &ctl->read_only, EPOLLIN, EPOLL_CTL_ADD) == 0)
			return true;
		fault_set(fault, FAULT_STATE, 0, "control socket %s: cannot watch it: %s", path,
			  strerror(errno));
	}
	control_listen_close(&ctl->read_only);
	return false;
}

bool ctl_update_read_only(struct ctl *ctl)
{
	const struct snapshot *snapshot = ctl->conf->snapshot;
	const char *path = read_only_path(snapshot);
	bool is_new = ctl->read_only_generation != snapshot_generation(snapshot);
	bool is_again = ctl->read_only_again_us && clock_mono_us() >= ctl->read_only_again_us;

	if (!is_new && !is_again)
		return true;
	ctl->read_only_generation = snapshot_generation(snapshot);
	if (!is_again && strcmp(path, ctl->read_only.path) == 0 && !ctl->read_only_again_us)
		return true;
	ctl->read_only_again_us = 0;
	(void)epoll_ctl(ctl->epoll_fd, EPOLL_CTL_DEL, ctl->read_only.fd, NULL);
	control_listen_close(&ctl->read_only);
	if (!*path || open_read_only(ctl, path, &ctl->read_only_fault)) {
		alarms_clear(ctl->context.alarms, WORD_ALARM_KIND_CONTROL_SOCKET, READ_ONLY_ALARM);
		return true;
	}
	if (is_new)
		log_error(ctl->context.log, "ctl", "no read-only socket: %s",
			  ctl->read_only_fault.text);
	alarms_raise(ctl->context.alarms, WORD_ALARM_KIND_CONTROL_SOCKET, READ_ONLY_ALARM, "%s",
		     ctl->read_only_fault.text);
	ctl->read_only_again_us = clock_mono_us() + READ_ONLY_AGAIN_S * 1000000ull;
	return false;
}

static void *run(void *argument)
{
	struct ctl *ctl = argument;
	struct epoll_event events[EVENTS_MAX];
	uint64_t deadline_us = 0;
	bool is_busy = false;
	int monitor_ms = -1;

	(void)ctl_update_read_only(ctl);
	while (!ctl->is_stopping || ctl->mail_out) {
		int timer_ms = ctl_run_timers(ctl);
		int wait_ms = is_busy || ctl->has_events ? 0 : timer_ms;
		int count;

		ctl->has_events = false;
		if (wait_ms && monitor_ms >= 0 && (wait_ms < 0 || monitor_ms < wait_ms))
			wait_ms = monitor_ms;
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
		monitor_ms = monitor_run(ctl);
		is_busy = turn_sessions(ctl);
		(void)ctl_update_read_only(ctl);
	}
	return NULL;
}

static void stop_requested(struct mail *mail, void *receiver)
{
	struct ctl *ctl = receiver;

	(void)mail;
	ctl->is_stopping = true;
	test_sip_cancel_all(ctl);
}

static void release(struct ctl *ctl)
{
	resume_leave(ctl);
	while (ctl->sessions)
		session_destroy(ctl->sessions);
	named_traces_destroy(&ctl->trace_watch.named);
	counters_free(&ctl->counters);
	control_listen_close(&ctl->read_only);
	control_listen_close(&ctl->listen);
	audit_close(&ctl->audit);
	if (ctl->epoll_fd >= 0)
		close(ctl->epoll_fd);
	if (ctl->spare_fd >= 0)
		close(ctl->spare_fd);
	if (ctl->grammar)
		grammar_destroy(ctl->grammar);
	if (ctl->mailbox.wake_fd >= 0)
		mailbox_destroy(&ctl->mailbox);
	conf_unref(ctl->conf);
	free(ctl);
}

/* A commit that waits to be confirmed goes on waiting. */
static void load_confirm(struct ctl *ctl)
{
	struct store_confirm record;

	if (store_confirm_get(ctl->context.store, &record) == VOS_OK &&
	    record.generation == snapshot_generation(ctl->conf->snapshot))
		confirm_arm(&ctl->confirm, &record, clock_wall_ms(), clock_mono_us());
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
	load_confirm(ctl);
	ctl->listen.fd = -1;
	ctl->read_only.fd = -1;
	ctl->read_only_generation = UINT64_MAX;
	audit_open(&ctl->audit, context->state_dir, context->log, context->alarms);
	ctl->log_ring = context->log ? context->log->ring : NULL;
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
	resume_load(ctl);
	err = control_listen_open(&ctl->listen, socket_path, SOCKET_MODE, fault);
	if (err) {
		release(ctl);
		return err;
	}
	if (watch(ctl, ctl->listen.fd, &ctl->listen, EPOLLIN, EPOLL_CTL_ADD) != 0 ||
	    watch(ctl, ctl->mailbox.wake_fd, &ctl->mailbox, EPOLLIN, EPOLL_CTL_ADD) != 0 ||
	    (context->auth && watch(ctl, security_events_fd(lockout_events(context->auth)),
				    &ctl->security, EPOLLIN, EPOLL_CTL_ADD) != 0) ||
	    (ctl->log_ring && watch(ctl, log_ring_wake_fd(ctl->log_ring), ctl->log_ring, EPOLLIN,
				    EPOLL_CTL_ADD) != 0) ||
	    thread_start(&ctl->thread, NULL, "control", run, ctl) != 0) {
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
		unlink(ctl->listen.path);
		return;
	}
	mailbox_close(&ctl->mailbox);
	release(ctl);
}
