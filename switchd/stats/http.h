/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small HTTP server for monitoring systems: GET and HEAD of few paths, on one address. It has one
 * thread and HTTP_CONNECTIONS_MAX connections, each of which ends when it is silent. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/buf.h"

#define HTTP_CONNECTIONS_MAX 32
#define HTTP_CONNECTIONS_IP  16 /* of one address */
#define HTTP_SILENCE_S       10

struct http;

/* Fills body and *type, returns the status; 404 for a path that is unknown. In the server's thread.
 * accept: the header, "" when there is none. */
typedef int http_answer_fn(void *context, const char *path, const char *accept, struct buf *body,
			   const char **type);

VOS_CHECK enum vos_err http_start(const struct addr *address, http_answer_fn *answer, void *context,
				  struct http **out);
/* NULL is allowed. */
void http_stop(struct http *http);
