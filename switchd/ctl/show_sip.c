/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listen addresses with their traffic, TCP and TLS connections, and the certificates' reload. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"

static const char *const transport_words[] = {
	[CONF_UDP] = "udp", [CONF_TCP] = "tcp", [CONF_TLS] = "tls"};

static const struct column transports_columns[] = {
	{"listen", CELL_TEXT, "", "LISTEN", 8},
	{"transport", CELL_TEXT, "", "TRANSPORT", 9},
	{"local_address", CELL_TEXT, "", "ADDRESS", 21},
	{"connections", CELL_INT, "", "CONNS", 5},
	{"rx_messages", CELL_INT, "", "RECEIVED", 8},
	{"rx_bytes", CELL_INT, "", "RX-BYTES", -12},
	{"tx_messages", CELL_INT, "", "SENT", 8},
	{"tx_bytes", CELL_INT, "", "TX-BYTES", -12},
	{"errors", CELL_INT, "", "ERRORS", 6},
	{"accepted", CELL_INT, "", "ACCEPTED", -9},
	{"opened", CELL_INT, "", "OPENED", -7},
	{"refused", CELL_INT, "", "REFUSED", -8},
};

const struct schema schema_sip_transports = SCHEMA_OF_ROWS(transports_columns);

/* Sums of the signalling threads, by socket. */
struct udp_sums {
	struct sip_socket_counters sockets[SIP_LISTENS_MAX];
};

static void add(struct udp_sums *sums, const struct ask *reply)
{
	for (int i = 0; i < SIP_LISTENS_MAX; i++) {
		const struct sip_socket_counters *from = &reply->sockets[i];
		struct sip_socket_counters *to = &sums->sockets[i];

		to->rx_messages += from->rx_messages;
		to->rx_bytes += from->rx_bytes;
		to->tx_messages += from->tx_messages;
		to->tx_bytes += from->tx_bytes;
		to->tx_errors += from->tx_errors;
	}
}

/* By which name the configuration knows it; "" once it has gone from there. */
static const char *listen_name(const struct request *request, const struct sip_socket *socket)
{
	const struct conf *conf = request->ctl->conf;

	for (size_t i = 0; i < conf->listen_count; i++)
		if (conf->listens[i].transport == socket->transport &&
		    addr_eq(&conf->listens[i].address, &socket->bound))
			return conf->listens[i].name;
	return "";
}

static void emit_transport(struct request *request, const struct sip_socket *socket,
			   const struct sip_socket_counters *udp)
{
	struct stream_counters counters = {
		.rx_messages = udp->rx_messages,
		.rx_bytes = udp->rx_bytes,
		.tx_messages = udp->tx_messages,
		.tx_bytes = udp->tx_bytes,
		.errors = udp->tx_errors,
	};
	bool is_stream = request->ctl->context.stream &&
			 stream_counters_of(request->ctl->context.stream, socket->index, &counters);

	emit_str(request, listen_name(request, socket));
	emit_str(request, transport_words[socket->transport]);
	emit_addr(request, &socket->bound);
	if (is_stream)
		emit_int(request, (int64_t)counters.connections);
	else
		emit_null(request);
	emit_int(request, (int64_t)counters.rx_messages);
	emit_int(request, (int64_t)counters.rx_bytes);
	emit_int(request, (int64_t)counters.tx_messages);
	emit_int(request, (int64_t)counters.tx_bytes);
	emit_int(request, (int64_t)counters.errors);
	if (is_stream) {
		emit_int(request, (int64_t)counters.accepted);
		emit_int(request, (int64_t)counters.opened);
		emit_int(request, (int64_t)counters.refused);
	} else {
		emit_null(request);
		emit_null(request);
		emit_null(request);
	}
	emit_row_end(request);
}

enum step show_sip_transports(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	const struct ctl_context *context = &request->ctl->context;
	struct udp_sums *sums;

	if (walk && !walk->more)
		walk->more = calloc(1, sizeof(*sums));
	if (!walk || !walk->more)
		return request_no_memory(request);
	sums = walk->more;
	if (walk->started) {
		if (walk->reply)
			add(sums, walk->reply);
		walk->worker++;
	}
	walk->started = true;
	if (walk->worker < context->worker_count)
		return walk_ask(request, walk, ask_socket_counters, 0, 0, 0);
	EMIT_TABLE(request, transports_columns);
	/* What is looked at of a socket never changes. */
	for (int i = 0; context->worker_count && i < context->workers[0]->socket_count; i++)
		emit_transport(request, &context->workers[0]->sockets[i], &sums->sockets[i]);
	return STEP_DONE;
}

static const struct column connections_columns[] = {
	{"connection", CELL_INT, "", "NUMBER", -7},
	{"transport", CELL_TEXT, "", "TRANSPORT", 9},
	{"local_address", CELL_TEXT, "", "LOCAL", -21},
	{"remote_address", CELL_TEXT, "", "REMOTE", 21},
	{"state", CELL_TEXT, "", "STATE", 6},
	{"is_outgoing", CELL_BOOL, "", "OUT", 3},
	{"is_registered", CELL_BOOL, "", "REG", 3},
	{"tls_version", CELL_TEXT, "", "TLS", -7},
	{"tls_cipher", CELL_TEXT, "", "CIPHER", -28},
	{"age_s", CELL_INT, "s", "AGE", 5},
	{"idle_s", CELL_INT, "s", "IDLE", 5},
	{"rx_messages", CELL_INT, "", "RECEIVED", 8},
	{"tx_messages", CELL_INT, "", "SENT", -6},
	{"queued_bytes", CELL_INT, "", "QUEUED", -6},
};

const struct schema schema_sip_connections = SCHEMA_OF_ROWS(connections_columns);

static void emit_connection(struct request *request, const struct stream_conn_info *conn)
{
	const struct sip_socket *socket =
		&request->ctl->context.workers[0]->sockets[conn->socket_index];

	emit_int(request, conn->number);
	emit_str(request, transport_words[socket->transport]);
	emit_addr(request, &socket->bound);
	emit_addr(request, &conn->remote);
	emit_str(request, conn->state);
	emit_bool(request, conn->is_outgoing);
	emit_bool(request, conn->is_kept);
	emit_str(request, conn->tls_version);
	emit_str(request, conn->tls_cipher);
	emit_int(request, (int64_t)conn->age_s);
	emit_int(request, (int64_t)conn->idle_s);
	emit_int(request, (int64_t)conn->rx_messages);
	emit_int(request, (int64_t)conn->tx_messages);
	emit_int(request, conn->queued_bytes);
	emit_row_end(request);
}

enum step show_sip_connections(struct request *request)
{
	const char *text = request_arg(request, "address");
	struct walk_workers *walk = walk_state(request);
	struct addr peer = {0};

	if (!walk)
		return request_no_memory(request);
	if (text && !addr_parse(span_of(text), &peer))
		return request_refuse(request, FAULT_VALUE_FORMAT,
				      match_arg(&request->match, "address")->column,
				      "\"%s\" is no address", text);
	if (!walk->started)
		EMIT_TABLE(request, connections_columns);
	walk->started = true;
	for (size_t i = 0; walk->reply && i < walk->reply->count; i++)
		emit_connection(request, &walk->reply->conns[i]);
	if (!request->ctl->context.stream || (walk->reply && !walk->reply->is_found))
		return STEP_DONE;
	return walk_ask_connections(request, walk, &peer, walk->reply ? walk->reply->after : 0);
}

enum step cmd_certificates_reload(struct request *request)
{
	struct stream *stream = request->ctl->context.stream;
	struct vos_fault fault = {0};
	enum vos_err err;

	if (!stream)
		return request_refuse(request, FAULT_STATE, 0, "nothing listens on TLS");
	err = stream_reload_certificates(stream, &fault);
	if (err != VOS_OK && fault.code == FAULT_NONE)
		return request_no_memory(request);
	if (err != VOS_OK)
		return request_refuse(request, FAULT_STATE, 0,
				      "%s; the certificates read before stay in force", fault.text);
	emit_say(request, "certificates were read again");
	return STEP_DONE;
}
