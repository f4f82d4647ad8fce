/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/client_private.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/clock.h"

#define DEFAULT_PATH     "/run/switchd/control.sock"
#define HELLO_TIMEOUT_MS 5000
#define CANCEL_WAIT_MS   2000 /* for the reply to a cancelled request */

const char *client_default_path(void)
{
	const char *path = getenv("VOSCTL_SOCKET");

	return path && *path ? path : DEFAULT_PATH;
}

static enum vos_err open_socket(struct client *client, struct vos_fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (!span_copy(span_of(client->path), address.sun_path, sizeof(address.sun_path))) {
		fault_set(fault, FAULT_CONN_LOST, 0, "socket path is longer than %zu bytes",
			  sizeof(address.sun_path) - 1);
		return VOS_EINVAL;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		int code = errno;

		if (fd >= 0)
			close(fd);
		if (code == EACCES || code == EPERM) {
			fault_set(fault, FAULT_AUTH_ROLE, 0,
				  "no right to use %s; root and the members of its group may",
				  client->path);
			return VOS_EPERM;
		}
		fault_set(fault, FAULT_CONN_LOST, 0,
			  "cannot connect to %s: %s; is switchd running? -s names another socket",
			  client->path, strerror(code));
		return VOS_ECLOSED;
	}
	control_conn_init(&client->conn, fd, 0);
	return VOS_OK;
}

void client_copy_member(json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text ? text : "");
}

static void warn(const struct client_sink *sink, json_t *params)
{
	struct vos_fault fault;

	control_fault_from_json(params, &fault);
	if (sink->warning)
		sink->warning(sink->context, &fault,
			      json_is_true(json_object_get(params, "error")));
}

static const char *schema_of(json_t *params)
{
	const char *schema = json_string_value(json_object_get(params, "schema"));

	return schema ? schema : "";
}

static void take_generation(struct client *client, json_t *object)
{
	json_t *generation = json_object_get(object, "generation");

	if (json_is_integer(generation))
		client->info.generation = (uint64_t)json_integer_value(generation);
}

/* A notification: output of the running request, or an event. */
static void take_notice(struct client *client, struct pending *pending, const char *method,
			json_t *params)
{
	const struct client_sink *sink = pending ? pending->sink : NULL;

	if (strcmp(method, "event") == 0) {
		if (client->on_event)
			client->on_event(client->event_context, params);
		return;
	}
	if (!sink || pending->is_cancelled ||
	    json_integer_value(json_object_get(params, "id")) != pending->id)
		return;
	take_generation(client, params);
	if (strcmp(method, "rows") == 0 && sink->rows)
		sink->rows(sink->context, json_object_get(params, "rows"));
	else if (strcmp(method, "columns") == 0 && sink->columns)
		sink->columns(sink->context, schema_of(params), json_object_get(params, "columns"));
	else if (strcmp(method, "item") == 0 && sink->item)
		sink->item(sink->context, schema_of(params), json_object_get(params, "item"));
	else if (strcmp(method, "text") == 0 && sink->text)
		sink->text(sink->context, json_string_value(json_object_get(params, "text")));
	else if (strcmp(method, "section") == 0 && sink->section)
		sink->section(sink->context, schema_of(params),
			      json_string_value(json_object_get(params, "command")));
	else if (strcmp(method, "warning") == 0)
		warn(sink, params);
}

static void take_message(struct client *client, struct pending *pending, json_t *message)
{
	const char *method = json_string_value(json_object_get(message, "method"));
	json_t *id = json_object_get(message, "id");

	if (method) {
		take_notice(client, pending, method, json_object_get(message, "params"));
		return;
	}
	/* An error without an id is the answer to a line that could not be read. */
	if (!pending ||
	    !(json_is_null(id) || (json_is_integer(id) && json_integer_value(id) == pending->id)))
		return;
	pending->result = json_incref(json_object_get(message, "result"));
	pending->error = json_incref(json_object_get(message, "error"));
}

static void drop_connection(struct client *client)
{
	control_conn_close(&client->conn);
	client->conn.fd = -1;
}

/* All whole lines that are there. Behind the reply there can only be events: they are taken too, as
 * nothing would tell of them later. */
static enum vos_err take_lines(struct client *client, struct pending *pending)
{
	for (;;) {
		bool is_answered = pending && (pending->result || pending->error);
		json_t *message;
		enum vos_err err = control_conn_next(&client->conn, &message);

		if (err == VOS_EAGAIN)
			return VOS_OK;
		if (err == VOS_EINVAL)
			continue; /* no line of ours; the daemon sends none such */
		if (err != VOS_OK)
			return VOS_ECLOSED;
		take_message(client, is_answered ? NULL : pending, message);
		json_decref(message);
	}
	return VOS_OK;
}

enum vos_err client_poll(struct client *client)
{
	enum vos_err err;

	if (client->conn.fd < 0)
		return VOS_ECLOSED;
	err = control_conn_read(&client->conn);
	if (err == VOS_OK)
		err = take_lines(client, NULL);
	if (err != VOS_OK)
		drop_connection(client);
	return err == VOS_OK ? VOS_OK : VOS_ECLOSED;
}

static int wait_ms(const struct pending *pending)
{
	uint64_t now_us = clock_mono_us();

	if (!pending->deadline_us)
		return -1;
	if (now_us >= pending->deadline_us)
		return 0;
	return (int)((pending->deadline_us - now_us + 999) / 1000);
}

static void send_cancel(struct client *client, struct pending *pending)
{
	pending->is_cancelled = true;
	pending->deadline_us = clock_mono_us() + CANCEL_WAIT_MS * 1000u;
	if (control_conn_send(
		    &client->conn,
		    control_notice("cancel", json_pack("{s:I}", "id", (json_int_t)pending->id))) !=
	    VOS_OK)
		return; /* no memory; the deadline ends it */
}

/* Until the reply is there. ECLOSED, EAGAIN: as client_exec. */
static enum vos_err wait_reply(struct client *client, struct pending *pending,
			       struct vos_fault *fault)
{
	while (!pending->result && !pending->error) {
		const struct client_sink *sink = pending->sink;
		enum vos_err flushed = control_conn_flush(&client->conn);
		struct pollfd poll_fd = {.fd = client->conn.fd, .events = POLLIN};
		enum vos_err err = VOS_OK;
		int count;

		if (flushed == VOS_EAGAIN)
			poll_fd.events |= POLLOUT;
		count = poll(&poll_fd, 1, wait_ms(pending));
		if (sink && sink->is_cancelled && !pending->is_cancelled &&
		    sink->is_cancelled(sink->context))
			send_cancel(client, pending);
		if (count == 0 && wait_ms(pending) == 0) {
			fault_set(fault, FAULT_STATE, 0, "timed out: %s", pending->what);
			/* The daemon need not go on with it; its late output is known by its id. */
			send_cancel(client, pending);
			return control_conn_flush(&client->conn) == VOS_ECLOSED ? VOS_ECLOSED
										: VOS_EAGAIN;
		}
		if (count > 0 && (poll_fd.revents & (POLLIN | POLLHUP | POLLERR)))
			err = control_conn_read(&client->conn);
		/* What arrived before the end of the stream still counts. */
		if (take_lines(client, pending) != VOS_OK)
			err = VOS_ECLOSED;
		if (err != VOS_OK && !pending->result && !pending->error) {
			drop_connection(client);
			fault_set(fault, FAULT_CONN_LOST, 0,
				  "the connection to switchd was lost during: %s", pending->what);
			return VOS_ECLOSED;
		}
	}
	return VOS_OK;
}

static void take_status(struct client *client, json_t *data, struct client_status *out)
{
	take_generation(client, data);
	if (!out)
		return;
	*out = (struct client_status){.generation = client->info.generation};
	client_copy_member(data, "mode", out->mode, sizeof(out->mode));
	client_copy_member(data, "hostname", out->hostname, sizeof(out->hostname));
	out->pending = (int)json_integer_value(json_object_get(data, "pending"));
	out->confirm_s = (int)json_integer_value(json_object_get(data, "confirm_s"));
	out->is_different = json_is_true(json_object_get(data, "different"));
	out->is_closing = json_is_true(json_object_get(data, "closing"));
	client_copy_member(data, "question", out->question, sizeof(out->question));
	client_copy_member(data, "stage", out->stage, sizeof(out->stage));
}

/* Sends the request, waits, and takes the reply apart. `params` is taken. *reply may be NULL. */
enum vos_err client_call(struct client *client, const char *method, json_t *params,
			 struct pending *pending, int timeout_ms, struct client_status *status,
			 json_t **reply, struct vos_fault *fault)
{
	enum vos_err err;

	if (client->conn.fd < 0) {
		json_decref(params);
		fault_set(fault, FAULT_CONN_LOST, 0, "not connected to switchd");
		return VOS_ECLOSED;
	}
	pending->id = ++client->next_id;
	if (timeout_ms > 0)
		pending->deadline_us = clock_mono_us() + (uint64_t)timeout_ms * 1000u;
	err = control_conn_send(&client->conn, control_request(pending->id, method, params));
	if (err == VOS_OK)
		err = wait_reply(client, pending, fault);
	else
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	if (err == VOS_OK && pending->error) {
		json_t *data = json_object_get(pending->error, "data");

		if (fault)
			control_fault_from_json(data, fault);
		take_status(client, data, status);
		err = VOS_EINVAL;
	} else if (err == VOS_OK) {
		take_status(client, pending->result, status);
	}
	json_decref(pending->error);
	if (err == VOS_OK && reply)
		*reply = pending->result;
	else
		json_decref(pending->result);
	return err;
}

static enum role role_from(const char *name)
{
	if (strcmp(name, "admin") == 0)
		return ROLE_ADMIN;
	return strcmp(name, "operator") == 0 ? ROLE_OPERATOR : ROLE_MONITOR;
}

static enum vos_err hello(struct client *client, int timeout_ms, struct vos_fault *fault)
{
	struct pending pending = {.what = "hello"};
	json_t *params = json_pack("{s:s, s:s, s:i}", "client", "vosctl", "version", VOS_VERSION,
				   "protocol", CONTROL_PROTOCOL);
	json_t *reply = NULL;
	enum vos_err err;
	char role[16];

	if (client->info.token[0])
		json_object_set_new(params, "resume", json_string(client->info.token));
	err = client_call(client, "hello", params, &pending,
			  timeout_ms > 0 ? timeout_ms : HELLO_TIMEOUT_MS, NULL, &reply, fault);
	if (err)
		return err == VOS_EINVAL ? VOS_ECLOSED : err;
	client->info = (struct client_info){0};
	client->info.protocol = (int)json_integer_value(json_object_get(reply, "protocol"));
	client_copy_member(reply, "version", client->info.version, sizeof(client->info.version));
	client_copy_member(reply, "grammar", client->info.grammar, sizeof(client->info.grammar));
	client_copy_member(reply, "hostname", client->info.hostname, sizeof(client->info.hostname));
	client_copy_member(reply, "session", client->info.session, sizeof(client->info.session));
	client_copy_member(reply, "token", client->info.token, sizeof(client->info.token));
	client_copy_member(reply, "role", role, sizeof(role));
	client->info.role = role_from(role);
	client->info.confirm_s = (int)json_integer_value(json_object_get(reply, "confirm_s"));
	client->info.kept = (int)json_integer_value(json_object_get(reply, "kept"));
	take_generation(client, reply);
	json_decref(reply);
	return VOS_OK;
}

enum vos_err client_reconnect(struct client *client, int timeout_ms, struct vos_fault *fault)
{
	enum vos_err err;

	drop_connection(client);
	err = open_socket(client, fault);
	if (err)
		return err;
	err = hello(client, timeout_ms, fault);
	if (err)
		drop_connection(client);
	return err;
}

enum vos_err client_connect(const char *path, int timeout_ms, struct client **out,
			    struct vos_fault *fault)
{
	struct client *client = calloc(1, sizeof(*client));
	enum vos_err err;

	if (!client) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	}
	client->conn.fd = -1;
	snprintf(client->path, sizeof(client->path), "%s", path);
	err = client_reconnect(client, timeout_ms, fault);
	if (err) {
		free(client);
		return err;
	}
	*out = client;
	return VOS_OK;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	drop_connection(client);
	free(client);
}

const struct client_info *client_info(const struct client *client)
{
	return &client->info;
}

const char *client_path(const struct client *client)
{
	return client->path;
}

int client_fd(const struct client *client)
{
	return client->conn.fd;
}

void client_on_event(struct client *client, client_event_fn *fn, void *context)
{
	client->on_event = fn;
	client->event_context = context;
}
