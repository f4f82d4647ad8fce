/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One HTTP client: posts a body to a URL and says what came of it. Third-party boundary: curl is
 * included only in client.c.
 *
 * It goes straight to the host (no proxy of the environment), checks certificates by the system's
 * authorities, follows no redirection, and reads no more of an answer than HTTP_ANSWER_MAX bytes.
 * The connection stays for the next request. A client belongs to one thread, except where said. */
#pragma once

#include <stdbool.h>

#include "shared/base/err.h"
#include "shared/base/span.h"

#define HTTP_ANSWER_MAX 65536u
#define HTTP_TEXT_MAX   256

struct http_client;

struct http_request {
	const char *url;
	const char *token; /* "": none; else sent as `Authorization: Bearer` */
	const char *key;   /* Idempotency-Key; "": none */
	struct span body;  /* JSON */
	int timeout_s;     /* of the whole */
};

struct http_answer {
	int status;               /* 0: there was none */
	int retry_after_s;        /* as the server asks; 0: it does not */
	char text[HTTP_TEXT_MAX]; /* "HTTP 503", "Connection refused": for people */
};

/* Before threads run, as the next. */
VOS_CHECK enum vos_err http_client_create(struct http_client **out);
/* NULL is allowed. */
void http_client_destroy(struct http_client *client);
/* Waits for the answer; true: it is a 2xx. */
bool http_client_post(struct http_client *client, const struct http_request *request,
		      struct http_answer *answer);
/* Any thread: ends what is going on at once, and all that is asked for later. */
void http_client_stop(struct http_client *client);
