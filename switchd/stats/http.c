/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/http.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_TYPE "text/plain; charset=utf-8"

struct http {
	struct MHD_Daemon *daemon;
	http_answer_fn *answer;
	void *context;
};

static enum MHD_Result send_text(struct MHD_Connection *connection, int status, const char *type,
				 const char *text, size_t len)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		len, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (!response)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	result = MHD_queue_response(connection, (unsigned)status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, int status, const char *text)
{
	return send_text(connection, status, TEXT_TYPE, text, strlen(text));
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *path,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	struct http *http = context;
	struct buf body = buf_new();
	const char *type = TEXT_TYPE;
	enum MHD_Result result;
	const char *accept;
	int status;

	(void)version;
	(void)upload;
	(void)state;
	/* What is uploaded is not read: the answer ends the connection. */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
	*upload_size = 0;
	accept = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT);
	status = http->answer(http->context, path, accept ? accept : "", &body, &type);
	if (body.failed)
		result = refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
	else
		result = send_text(connection, status, type, body.data ? body.data : "", body.len);
	buf_free(&body);
	return result;
}

enum vos_err http_start(const struct addr *address, http_answer_fn *answer, void *context,
			struct http **out)
{
	struct http *http = calloc(1, sizeof(*http));
	struct sockaddr_storage sockaddr;
	unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD;

	*out = NULL;
	if (!http)
		return VOS_ENOMEM;
	http->answer = answer;
	http->context = context;
	addr_to_sockaddr(address, &sockaddr);
	if (sockaddr.ss_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	http->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, handle, http, MHD_OPTION_SOCK_ADDR, &sockaddr,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_IP,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)HTTP_SILENCE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)16384, MHD_OPTION_END);
	if (!http->daemon) {
		free(http);
		return VOS_EINUSE;
	}
	*out = http;
	return VOS_OK;
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	MHD_stop_daemon(http->daemon);
	free(http);
}
