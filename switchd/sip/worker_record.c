/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a signalling thread, as they come and go, into the flight recorder. */
#include "switchd/sip/worker_private.h"
#include "switchd/sip/worker_record.h"

#define NOTE_TEXT_MAX 96

uint64_t worker_dialog(const struct sip_worker *worker, struct span call_id)
{
	return call_id.len ? recorder_dialog(worker->trace, call_id) : 0;
}

static struct trace_event event_of(const struct sip_worker *worker, const struct sip_socket *socket,
				   const struct addr *peer, struct span message,
				   enum trace_kind kind)
{
	static const uint8_t transports[] = {
		[CONF_UDP] = TRACE_UDP, [CONF_TCP] = TRACE_TCP, [CONF_TLS] = TRACE_TLS};

	return (struct trace_event){
		.time_us = worker->now_us,
		.kind = (uint8_t)kind,
		.transport = transports[socket->transport],
		.side = TRACE_NO_SIDE,
		.local = socket->local,
		.peer = *peer,
		.data = message,
	};
}

uint64_t worker_record_sent(const struct sip_worker *worker, const struct sip_socket *socket,
			    const struct addr *peer, struct span message, uint64_t dialog)
{
	struct trace_event event;

	if (!worker->trace)
		return 0;
	if (!dialog)
		dialog = worker_dialog(worker, sip_scan_call_id(message.ptr, message.len));
	event = event_of(worker, socket, peer, message, TRACE_SENT);
	event.dialog = dialog;
	recorder_write(worker->trace, &event);
	return dialog;
}

struct span worker_record_received(const struct sip_worker *worker, const struct sip_socket *socket,
				   const struct addr *peer, struct span message)
{
	struct trace_event event;

	if (!worker->trace)
		return SPAN_NONE;
	event = event_of(worker, socket, peer, message, TRACE_RECEIVED);
	return recorder_open(worker->trace, &event);
}

void worker_record_end(const struct sip_worker *worker, uint64_t dialog)
{
	recorder_close(worker->trace, dialog);
}

void worker_note(const struct sip_worker *worker, const struct sip_rx *rx, enum trace_note note,
		 int64_t a, struct span text)
{
	struct trace_event event = {
		.time_us = worker->now_us,
		.a = a,
		.kind = TRACE_NOTE,
		.note = (uint8_t)note,
		.side = TRACE_NO_SIDE,
		.data = text,
	};

	if (!worker->trace)
		return;
	if (event.data.len > NOTE_TEXT_MAX)
		event.data.len = NOTE_TEXT_MAX;
	if (rx) {
		event.dialog = rx->dialog ? rx->dialog : worker_dialog(worker, rx->msg->call_id);
		event.peer = rx->source;
	}
	recorder_write(worker->trace, &event);
}
