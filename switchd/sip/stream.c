/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life and loop of the stream thread. */
#include "switchd/sip/stream.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/sip/stream_private.h"

#define EVENTS_A_TURN 256
#define MAX_WAIT_MS   500
#define BLOCKED_MS    2 /* until a full ring is tried again */
#define STOPPING_MS   10

/* Connections take at most half of the descriptors, so that calls have ports for their media. */
static uint32_t descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    limit.rlim_cur / 2 > STREAM_NUMBERS_MAX)
		return STREAM_NUMBERS_MAX;
	return (uint32_t)(limit.rlim_cur / 2);
}

static void read_limits(struct stream *stream)
{
	const struct snapshot *config = stream->conf->snapshot;
	struct stream_limits *limits = &stream->limits;
	uint32_t descriptors = descriptor_limit();

	limits->connections =
		(uint32_t)snapshot_number(config, PARAM_SS_SIP_STREAM_CONNECTIONS_MAX);
	if (limits->connections > descriptors)
		limits->connections = descriptors;
	limits->per_source =
		(uint32_t)snapshot_number(config, PARAM_SS_SIP_STREAM_CONNECTIONS_PER_SOURCE);
	limits->idle_us =
		(uint64_t)snapshot_number(config, PARAM_SS_SIP_STREAM_IDLE_TIMEOUT) * 1000000;
	limits->message_us =
		(uint64_t)snapshot_number(config, PARAM_SS_SIP_STREAM_MESSAGE_TIMEOUT) * 1000000;
	limits->tos = (int)snapshot_number(config, PARAM_SS_QOS_SIGNAL);
	limits->is_reset = snapshot_bool(config, PARAM_SS_TCP_CLOSE_RESET);
}

/* In the stream thread, after a commit. */
void stream_apply_conf(struct stream *stream, struct conf *conf)
{
	int tos = stream->limits.tos;

	conf_unref(stream->conf);
	stream->conf = conf;
	read_limits(stream);
	for (uint32_t i = 0; i < stream->conns.used; i++) {
		struct stream_conn *conn = stream->conns.items[i];

		if (!conn)
			continue;
		if (tos != stream->limits.tos)
			worker_set_tos(conn->fd, &conn->remote, stream->limits.tos);
		conn_update(stream, conn);
	}
}

static bool has_streams(const struct sip_worker *worker)
{
	for (int i = 0; i < worker->socket_count; i++)
		if (sip_socket_is_stream(&worker->sockets[i]))
			return true;
	return false;
}

static enum vos_err make_rings(struct stream *stream)
{
	size_t count = (size_t)stream->shared->worker_count;

	stream->taken = calloc(count, sizeof(*stream->taken));
	stream->orders = aligned_alloc(64, count * sizeof(*stream->orders));
	if (!stream->taken || !stream->orders)
		return VOS_ENOMEM;
	memset(stream->orders, 0, count * sizeof(*stream->orders));
	for (size_t i = 0; i < count; i++)
		if (ring_init(&stream->orders[i], STREAM_ORDER_RING) != VOS_OK)
			return VOS_ENOMEM;
	return VOS_OK;
}

static enum vos_err prepare(struct stream *stream, struct vos_fault *fault)
{
	struct epoll_event event = {.events = EPOLLIN};
	enum vos_err err = mailbox_init(&stream->mailbox, stream);

	if (err == VOS_OK)
		err = stream_table_create(&stream->table);
	if (err == VOS_OK)
		err = make_rings(stream);
	if (err != VOS_OK)
		return err;
	stream->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	stream->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	stream->scratch = malloc(STREAM_SCRATCH);
	if (stream->epoll_fd < 0 || stream->wake_fd < 0 || !stream->scratch)
		return VOS_ENOMEM;
	/* Reported once for each ring, so that it need not be read. */
	event.events = EPOLLIN | EPOLLET;
	event.data.ptr = &stream->wake_fd;
	if (epoll_ctl(stream->epoll_fd, EPOLL_CTL_ADD, stream->wake_fd, &event) != 0)
		return VOS_EIO;
	event.events = EPOLLIN;
	event.data.ptr = &stream->mailbox;
	if (epoll_ctl(stream->epoll_fd, EPOLL_CTL_ADD, stream->mailbox.wake_fd, &event) != 0)
		return VOS_EIO;
	read_limits(stream);
	return stream_listen_open(stream, fault);
}

enum vos_err stream_create(struct sip_shared *shared, struct conf *conf, struct stream **out,
			   struct vos_fault *fault)
{
	struct stream *stream;
	enum vos_err err;

	*out = NULL;
	if (!has_streams(shared->workers[0]))
		return VOS_OK;
	stream = aligned_alloc(64, (sizeof(*stream) + 63) / 64 * 64);
	if (!stream)
		return VOS_ENOMEM;
	memset(stream, 0, sizeof(*stream));
	stream->shared = shared;
	stream->conf = conf_ref(conf);
	stream->control_conf = conf_ref(conf);
	stream->epoll_fd = -1;
	stream->wake_fd = -1;
	stream->mailbox.wake_fd = -1;
	stream->now_us = clock_mono_us();
	stream->conns.max = STREAM_NUMBERS_MAX;
	pthread_mutex_init(&stream->control_lock, NULL);
	wheel_init(&stream->wheel, stream, stream->now_us);
	err = prepare(stream, fault);
	if (err != VOS_OK) {
		stream_destroy(stream);
		return err;
	}
	stream_certs_load_first(stream);
	*out = stream;
	return VOS_OK;
}

void stream_destroy(struct stream *stream)
{
	if (!stream)
		return;
	for (uint32_t i = 0; i < stream->conns.used; i++)
		if (stream->conns.items[i])
			conn_close(stream, stream->conns.items[i]);
	stream_flush(stream);
	stream_unblock(stream);
	conn_free_dead(stream);
	slots_free(&stream->conns);
	stream_listen_close(stream);
	if (stream->mailbox.wake_fd >= 0) {
		mailbox_close(&stream->mailbox);
		mailbox_destroy(&stream->mailbox);
	}
	stream_table_destroy(&stream->table);
	for (int i = 0; stream->orders && i < stream->shared->worker_count; i++)
		ring_destroy(&stream->orders[i]);
	free(stream->orders);
	free(stream->taken);
	free(stream->scratch);
	if (stream->epoll_fd >= 0)
		close(stream->epoll_fd);
	if (stream->wake_fd >= 0)
		close(stream->wake_fd);
	conf_unref(stream->conf);
	conf_unref(stream->control_conf);
	pthread_mutex_destroy(&stream->control_lock);
	free(stream);
}

static void handle_event(struct stream *stream, void *source, uint32_t events)
{
	if (source == &stream->wake_fd)
		return; /* the rings are looked at all the same */
	if (source == &stream->mailbox) {
		mailbox_run(&stream->mailbox);
	} else if ((struct stream_listen *)source >= stream->listens &&
		   (struct stream_listen *)source < stream->listens + SIP_LISTENS_MAX) {
		stream_accept(stream, source);
	} else {
		conn_event(stream, source, events);
	}
}

static int wait_for_events(struct stream *stream, struct epoll_event *events, int wait_ms)
{
	int timer_ms = wheel_wait_ms(&stream->wheel, stream->now_us, wait_ms);
	int count;

	atomic_store(&stream->is_sleeping, true);
	if (!stream_orders_are_empty(stream))
		timer_ms = 0;
	count = epoll_wait(stream->epoll_fd, events, EVENTS_A_TURN, timer_ms);
	atomic_store(&stream->is_sleeping, false);
	stream->now_us = clock_mono_us();
	return count < 0 ? 0 : count;
}

/* True when all is sent, or the time for that is over. */
static bool may_end(struct stream *stream, uint64_t *deadline_us)
{
	if (!atomic_load_explicit(&stream->stop_asked, memory_order_acquire))
		return false;
	if (!*deadline_us)
		*deadline_us = stream->now_us + (uint64_t)stream->stop_grace_ms * 1000;
	if (stream->now_us >= *deadline_us)
		return true;
	if (!stream_orders_are_empty(stream))
		return false;
	for (uint32_t i = 0; i < stream->conns.used; i++) {
		const struct stream_conn *conn = stream->conns.items[i];

		if (conn && conn->out_len)
			return false;
	}
	return true;
}

bool stream_turn(struct stream *stream, int wait_ms)
{
	struct epoll_event events[EVENTS_A_TURN];
	int count = wait_for_events(stream, events, wait_ms);
	bool is_more;

	stream->handshakes = 0;
	for (int i = 0; i < count; i++)
		handle_event(stream, events[i].data.ptr, events[i].events);
	stream_unblock(stream);
	is_more = stream_take_orders(stream);
	wheel_run(&stream->wheel, stream->now_us);
	stream_flush(stream);
	conn_free_dead(stream);
	stream_wake_workers(stream);
	return is_more;
}

static void *stream_main(void *argument)
{
	struct stream *stream = argument;
	uint64_t stop_deadline_us = 0;
	bool is_more = false;

	while (!may_end(stream, &stop_deadline_us))
		is_more = stream_turn(stream, is_more            ? 0
					      : stream->blocked  ? BLOCKED_MS
					      : stop_deadline_us ? STOPPING_MS
								 : MAX_WAIT_MS);
	return NULL;
}

enum vos_err stream_start(struct stream *stream)
{
	stream_certs_watch(stream);
	if (thread_start(&stream->thread, NULL, "sip-stream", stream_main, stream) != 0)
		return VOS_ENOMEM;
	stream->is_started = true;
	return VOS_OK;
}

void stream_wake(struct stream *stream)
{
	const uint64_t one = 1;

	if (atomic_load(&stream->is_sleeping) && write(stream->wake_fd, &one, sizeof(one)) < 0)
		return; /* counter full: it is awake */
}

void stream_stop(struct stream *stream, int grace_ms)
{
	const uint64_t one = 1;

	if (!stream->is_started)
		return;
	stream->stop_grace_ms = grace_ms;
	atomic_store_explicit(&stream->stop_asked, true, memory_order_release);
	if (write(stream->wake_fd, &one, sizeof(one)) < 0)
		return;
	pthread_join(stream->thread, NULL);
	stream->is_started = false;
}

struct mailbox *stream_mailbox(struct stream *stream)
{
	return &stream->mailbox;
}
