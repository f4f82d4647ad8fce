/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/http/client.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_MS     1000
#define HEADER_MAX  512
#define HEADERS_MAX 65536u /* bytes of all headers of an answer */

/* What curl needs, which takes descriptors, is made with the first request: most switches post
 * nothing. */
struct http_client {
	pthread_mutex_t lock; /* of the next, against who stops */
	CURLM *multi;
	CURL *easy;
	atomic_bool is_stopping;
	size_t header_bytes; /* of the answer, as the next */
	size_t body_bytes;
	char why[CURL_ERROR_SIZE];
};

/* Nobody reads what the server says beyond its status. */
static size_t count_body(char *data, size_t size, size_t count, void *context)
{
	struct http_client *client = context;

	(void)data;
	client->body_bytes += size * count;
	return client->body_bytes <= HTTP_ANSWER_MAX ? size * count : 0;
}

static size_t count_header(char *data, size_t size, size_t count, void *context)
{
	struct http_client *client = context;

	(void)data;
	client->header_bytes += size * count;
	return client->header_bytes <= HEADERS_MAX ? size * count : 0;
}

enum vos_err http_client_create(struct http_client **out)
{
	struct http_client *client;

	*out = NULL;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return VOS_ENOMEM;
	client = calloc(1, sizeof(*client));
	if (!client) {
		curl_global_cleanup();
		return VOS_ENOMEM;
	}
	pthread_mutex_init(&client->lock, NULL);
	*out = client;
	return VOS_OK;
}

static bool make_ready(struct http_client *client)
{
	pthread_mutex_lock(&client->lock);
	if (!client->multi)
		client->multi = curl_multi_init();
	pthread_mutex_unlock(&client->lock);
	if (!client->easy)
		client->easy = curl_easy_init();
	return client->multi && client->easy;
}

void http_client_destroy(struct http_client *client)
{
	if (!client)
		return;
	curl_easy_cleanup(client->easy);
	curl_multi_cleanup(client->multi);
	pthread_mutex_destroy(&client->lock);
	free(client);
	curl_global_cleanup();
}

void http_client_stop(struct http_client *client)
{
	atomic_store(&client->is_stopping, true);
	pthread_mutex_lock(&client->lock);
	if (client->multi)
		curl_multi_wakeup(client->multi);
	pthread_mutex_unlock(&client->lock);
}

/* Adds "name: value"; false when there is no memory. */
static bool add_header(struct curl_slist **list, const char *name, const char *value)
{
	char line[HEADER_MAX];
	struct curl_slist *longer;

	snprintf(line, sizeof(line), "%s%s", name, value);
	longer = curl_slist_append(*list, line);
	if (longer)
		*list = longer;
	memset(line, 0, sizeof(line));
	return longer != NULL;
}

static struct curl_slist *headers_of(const struct http_request *request)
{
	struct curl_slist *list = NULL;
	bool is_done = add_header(&list, "Content-Type: ", "application/json") &&
		       /* Else curl waits for a 100 before a body that is not small. */
		       add_header(&list, "Expect:", "");

	if (is_done && request->key[0])
		is_done = add_header(&list, "Idempotency-Key: ", request->key);
	if (is_done && request->token[0])
		is_done = add_header(&list, "Authorization: Bearer ", request->token);
	if (is_done)
		return list;
	curl_slist_free_all(list);
	return NULL;
}

static bool prepare(struct http_client *client, const struct http_request *request,
		    struct curl_slist *headers)
{
	CURL *easy = client->easy;
	long timeout_ms = request->timeout_s * 1000L;

	curl_easy_reset(easy);
	client->header_bytes = 0;
	client->body_bytes = 0;
	client->why[0] = '\0';
	return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "switchd/" VOS_VERSION) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->body.len) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.ptr) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout_ms) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, client->why) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, count_body) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, client) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, count_header) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HEADERDATA, client) == CURLE_OK;
}

/* Until there is an answer or there will be none. */
static CURLcode perform(struct http_client *client)
{
	CURLcode result = CURLE_ABORTED_BY_CALLBACK;
	CURLMsg *message;
	int running = 1;
	int left;

	while (running && !atomic_load(&client->is_stopping)) {
		if (curl_multi_perform(client->multi, &running) != CURLM_OK)
			return CURLE_FAILED_INIT;
		if (running && curl_multi_poll(client->multi, NULL, 0, LOOK_MS, NULL) != CURLM_OK)
			return CURLE_FAILED_INIT;
	}
	/* A name that is being looked up would be waited for. */
	if (running)
		curl_easy_setopt(client->easy, CURLOPT_QUICK_EXIT, 1L);
	while ((message = curl_multi_info_read(client->multi, &left)))
		if (message->msg == CURLMSG_DONE)
			result = message->data.result;
	return result;
}

/* The status is the verdict: what is wrong with the rest of the answer is the server's affair. */
static bool judge(struct http_client *client, CURLcode result, struct http_answer *answer)
{
	curl_off_t retry_after_s = 0;
	long status = 0;

	curl_easy_getinfo(client->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(client->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	answer->status = (int)status;
	answer->retry_after_s =
		retry_after_s > 0 ? (int)(retry_after_s < 86400 ? retry_after_s : 86400) : 0;
	if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && client->body_bytes))
		snprintf(answer->text, sizeof(answer->text), "HTTP %ld", status);
	else
		snprintf(answer->text, sizeof(answer->text), "%s",
			 client->why[0] ? client->why : curl_easy_strerror(result));
	return (result == CURLE_OK || client->body_bytes > HTTP_ANSWER_MAX) && status >= 200 &&
	       status < 300;
}

bool http_client_post(struct http_client *client, const struct http_request *request,
		      struct http_answer *answer)
{
	struct curl_slist *headers = headers_of(request);
	bool is_taken = false;

	*answer = (struct http_answer){.text = "out of memory"};
	if (headers && make_ready(client) && prepare(client, request, headers) &&
	    curl_multi_add_handle(client->multi, client->easy) == CURLM_OK) {
		is_taken = judge(client, perform(client), answer);
		curl_multi_remove_handle(client->multi, client->easy);
	}
	curl_slist_free_all(headers);
	return is_taken;
}
