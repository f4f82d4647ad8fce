/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of a client: the connection (client.c) and the requests on it (client_requests.c). */
#pragma once

#include "vosctl/client.h"

struct client {
	struct control_conn conn;
	struct client_info info;
	client_event_fn *on_event;
	void *event_context;
	int64_t next_id;
	char path[256];
};

/* A request that is being waited for. */
struct pending {
	int64_t id;
	const char *what; /* for the message when the connection breaks */
	const struct client_sink *sink;
	uint64_t deadline_us; /* 0 = none */
	bool is_cancelled;
	json_t *result; /* reply: one of the two, owned */
	json_t *error;
};

/* Sends the request, waits, and takes the reply apart; `params` is taken. *reply and status may be
 * NULL. */
VOS_CHECK enum vos_err client_call(struct client *client, const char *method, json_t *params,
				   struct pending *pending, int timeout_ms,
				   struct client_status *status, json_t **reply,
				   struct vos_fault *fault);
/* Text of a member into out, "" when there is none. */
void client_copy_member(json_t *object, const char *name, char *out, size_t size);
