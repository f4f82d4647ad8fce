/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sending of keepalives: one sendmmsg a batch and socket, the message's bytes not copied. */
#include "switchd/sip/probe.h"

#include <errno.h>

#include "shared/base/clock.h"
#include "switchd/sip/worker_private.h"
#include "switchd/sip/worker_record.h"

#define TURN_US  500  /* then the signalling gets its turn */
#define RETRY_US 1000 /* until a full socket buffer is tried again */

static const struct sip_socket *socket_of(const struct sip_worker *worker,
					  const struct keepalive_target *target)
{
	return &worker->sockets[target->socket_index];
}

/* What cannot be sent is left out; the rest is put in the order of the sockets, few as they are. */
static void arrange(const struct sip_worker *worker, struct keepalive_sender *sender)
{
	struct keepalive_target sorted[PROBE_BATCH];
	size_t count = 0;

	for (int i = 0; i < worker->socket_count; i++)
		for (size_t j = 0; j < sender->count; j++)
			if (sender->targets[j].socket_index == i)
				sorted[count++] = sender->targets[j];
	/* cppcheck-suppress uninitvar ; the first count of them are set */
	memcpy(sender->targets, sorted, count * sizeof(sorted[0]));
	sender->count = count;
}

/* A connection is the stream thread's to find. */
static void send_by_stream(struct sip_worker *worker, const struct keepalive_target *target)
{
	const struct sip_socket *socket = socket_of(worker, target);
	struct buf *out = worker_send_begin(worker);

	if (target->is_probe && probe_write(worker, socket, target, out))
		worker_send_commit(worker, socket, &target->device);
}

/* The bytes for a target; empty when it has gone. */
static struct iovec bytes_of(struct sip_worker *worker, const struct keepalive_target *target,
			     char memory[PROBE_MAX])
{
	const char *message =
		snapshot_text(worker->conf->snapshot, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE);
	struct buf text = buf_over(memory, PROBE_MAX);

	if (!target->is_probe)
		return (struct iovec){(char *)(uintptr_t)message, strlen(message)};
	if (!probe_write(worker, socket_of(worker, target), target, &text))
		return (struct iovec){0};
	return (struct iovec){text.data, text.len};
}

/* Sends from sender->at on, as far as it is one socket; false when that is full. */
static bool send_batch(struct sip_worker *worker, struct keepalive_sender *sender)
{
	const struct sip_socket *socket = socket_of(worker, &sender->targets[sender->at]);
	struct sip_socket_counters *counters = &worker->socket_counters[socket->index];
	char text[PROBE_BATCH][PROBE_MAX];
	struct sockaddr_storage to[PROBE_BATCH];
	struct mmsghdr headers[PROBE_BATCH];
	struct iovec bytes[PROBE_BATCH];
	size_t places[PROBE_BATCH];
	unsigned count = 0;
	size_t end;
	int sent;

	for (end = sender->at; end < sender->count; end++) {
		const struct keepalive_target *target = &sender->targets[end];

		if (target->socket_index != socket->index)
			break;
		bytes[count] = bytes_of(worker, target, text[count]);
		if (!bytes[count].iov_len)
			continue;
		headers[count].msg_hdr = (struct msghdr){
			.msg_name = &to[count],
			.msg_namelen = addr_to_sockaddr(&target->device, &to[count]),
			.msg_iov = &bytes[count],
			.msg_iovlen = 1,
		};
		places[count++] = end;
	}
	sent = count ? sendmmsg(socket->fd, headers, count, 0) : 0;
	if (sent < 0) {
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			return false;
		if (errno == EINTR)
			return true;
		/* The first one cannot be sent, nor could it be later. */
		worker->counters.tx_errors++;
		counters->tx_errors++;
		sender->at = places[0] + 1;
		return true;
	}
	for (int i = 0; i < sent; i++)
		counters->tx_bytes += headers[i].msg_len;
	counters->tx_messages += (unsigned)sent;
	worker->counters.tx_datagrams += (unsigned)sent;
	sender->at = (unsigned)sent < count ? places[sent] : end;
	return true;
}

/* False when a socket is full. */
static bool send_targets(struct sip_worker *worker, struct keepalive_sender *sender)
{
	while (sender->at < sender->count) {
		const struct keepalive_target *target = &sender->targets[sender->at];

		if (sip_socket_is_stream(socket_of(worker, target))) {
			send_by_stream(worker, target);
			sender->at++;
		} else if (!send_batch(worker, sender)) {
			return false;
		}
	}
	return true;
}

/* A new round, for the recorder. */
static void note_round(struct sip_worker *worker, struct keepalive_sender *sender)
{
	struct keepalive_status status;

	if (!worker->trace)
		return;
	keepalive_status(worker->shared->keepalive, worker->conf->snapshot, worker->now_us,
			 &status);
	if (!status.is_round_running || !status.device_count || status.round == sender->round)
		return;
	sender->round = status.round;
	worker_note(worker, NULL, TRACE_KEEPALIVE_ROUND, (int64_t)status.device_count, SPAN_NONE);
}

uint64_t keepalive_send(struct sip_worker *worker, struct keepalive_sender *sender)
{
	uint64_t wait_us = 0;
	uint64_t start_us;

	if (sender->at == sender->count && worker->now_us < sender->due_us)
		return sender->due_us - worker->now_us;
	start_us = clock_mono_us();
	do {
		if (!send_targets(worker, sender))
			return RETRY_US;
		sender->at = 0;
		sender->count =
			keepalive_turn(worker->shared->keepalive, worker->conf->snapshot,
				       worker->now_us, sender->targets, PROBE_BATCH, &wait_us);
		if (!sender->count) {
			note_round(worker, sender);
			sender->due_us = worker->now_us + wait_us;
			return wait_us;
		}
		arrange(worker, sender);
	} while (clock_mono_us() - start_us < TURN_US);
	return 0;
}
