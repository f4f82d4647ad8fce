/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages of a signalling thread, as they come and go, into the flight recorder. */
#include "switchd/sip/worker_private.h"
#include "switchd/trace/recorder.h"

void worker_record(const struct sip_worker *worker, const struct sip_socket *socket,
		   const struct addr *peer, struct span message, bool is_sent)
{
	static const uint8_t transports[] = {
		[CONF_UDP] = TRACE_UDP, [CONF_TCP] = TRACE_TCP, [CONF_TLS] = TRACE_TLS};
	struct trace_event event = {
		.time_us = worker->now_us,
		.kind = is_sent ? TRACE_SENT : TRACE_RECEIVED,
		.transport = transports[socket->transport],
		.side = TRACE_NO_SIDE,
		.local = socket->local,
		.peer = *peer,
		.data = message,
	};
	struct span call_id;

	if (!worker->trace)
		return;
	call_id = sip_scan_call_id(message.ptr, message.len);
	event.dialog = call_id.len ? recorder_dialog(worker->trace, call_id) : 0;
	recorder_write(worker->trace, &event);
}
