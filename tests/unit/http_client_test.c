/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The client for HTTP against servers that behave, and that do not; and the pauses between tries.
 */
#include "tests/support/test.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "switchd/http/delivery.h"

#define HEAD_ROOM 8192

/* What the server does with each connection in turn. */
struct server {
	const char *const
		*answers; /* NULL: says nothing; "*": never ends; "+": headers that never end */
	int count;
	int fd;
	char url[64];
	char heads[4][HEAD_ROOM]; /* of the requests */
	char bodies[4][64];
	atomic_int asked;
	atomic_bool is_over;
	pthread_t thread;
};

static bool write_all(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t wrote = send(fd, text, len, MSG_NOSIGNAL);

		if (wrote <= 0)
			return false;
		text += wrote;
		len -= (size_t)wrote;
	}
	return true;
}

static void read_request(struct server *server, int fd, int index)
{
	char *head = server->heads[index];
	char *end = NULL;
	size_t len = 0;

	while (len < HEAD_ROOM - 1 && (!(end = strstr(head, "\r\n\r\n")) || !strchr(end, '}'))) {
		ssize_t got = recv(fd, head + len, HEAD_ROOM - 1 - len, 0);

		if (got <= 0)
			return;
		len += (size_t)got;
	}
	if (!end)
		return;
	snprintf(server->bodies[index], sizeof(server->bodies[index]), "%s", end + 4);
	end[2] = '\0';
}

static void answer(struct server *server, int fd, const char *text)
{
	static const char forever[] = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n";
	static const char line[] = "X-More: and more and more and more\r\n";
	char nothing;

	if (!text) {
		/* Until the client goes. */
		while (recv(fd, &nothing, 1, 0) > 0)
			;
	} else if (*text == '*') {
		if (write_all(fd, forever, sizeof(forever) - 1))
			while (write_all(fd, line, sizeof(line) - 1))
				;
	} else if (*text == '+') {
		if (write_all(fd, forever, 17))
			while (write_all(fd, line, sizeof(line) - 1))
				;
	} else {
		write_all(fd, text, strlen(text));
	}
	(void)server;
}

static void *serve(void *argument)
{
	struct server *server = argument;

	for (int i = 0; i < server->count; i++) {
		int fd = accept(server->fd, NULL, NULL);

		if (fd < 0 || atomic_load(&server->is_over)) {
			if (fd >= 0)
				close(fd);
			return NULL;
		}
		read_request(server, fd, i);
		atomic_fetch_add(&server->asked, 1);
		answer(server, fd, server->answers[i]);
		close(fd);
	}
	return NULL;
}

static void start_server(struct server *server, const char *const *answers, int count)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);

	memset(server, 0, sizeof(*server));
	server->answers = answers;
	server->count = count;
	server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(server->fd >= 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->fd, 4), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &len), 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u/a?b=c",
		 ntohs(address.sin_port));
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

static void stop_server(struct server *server)
{
	atomic_store(&server->is_over, true);
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static struct http_request request_to(const char *url)
{
	return (struct http_request){.url = url,
				     .token = "word",
				     .key = "k-1",
				     .body = SPAN_LIT("{\"flow\":1}"),
				     .timeout_s = 60};
}

#define CLOSE "Connection: close\r\nContent-Length: 0\r\n\r\n"

static void statuses(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 204 No Content\r\n" CLOSE,
		"HTTP/1.1 503 Later\r\nRetry-After: 7\r\n" CLOSE,
		"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n" CLOSE,
		"HTTP/1.1 401 Who\r\nRetry-After: 99999999999\r\n" CLOSE,
	};
	static const struct {
		bool is_taken;
		int status;
		int retry_after_s;
		const char *text;
	} wanted[] = {
		{true, 204, 0, "HTTP 204"},
		{false, 503, 7, "HTTP 503"},
		{false, 302, 0, "HTTP 302"},
		{false, 401, 86400, "HTTP 401"},
	};
	struct http_client *client;
	struct http_request request;
	struct server *server = calloc(1, sizeof(*server));

	(void)state;
	assert_non_null(server);
	start_server(server, answers, 4);
	request = request_to(server->url);
	assert_int_equal(http_client_create(&client), VOS_OK);
	for (int i = 0; i < 4; i++) {
		struct http_answer got;

		if (i == 3)
			request.token = request.key = "";
		assert_int_equal(http_client_post(client, &request, &got), wanted[i].is_taken);
		assert_int_equal(got.status, wanted[i].status);
		assert_int_equal(got.retry_after_s, wanted[i].retry_after_s);
		assert_string_equal(got.text, wanted[i].text);
		assert_string_equal(server->bodies[i], "{\"flow\":1}");
	}
	assert_non_null(strstr(server->heads[0], "POST /a?b=c HTTP/1.1\r\n"));
	assert_non_null(strstr(server->heads[0], "\r\nAuthorization: Bearer word\r\n"));
	assert_non_null(strstr(server->heads[0], "\r\nIdempotency-Key: k-1\r\n"));
	assert_non_null(strstr(server->heads[0], "\r\nContent-Type: application/json\r\n"));
	assert_null(strstr(server->heads[0], "Expect"));
	assert_null(strstr(server->heads[3], "Authorization"));
	assert_null(strstr(server->heads[3], "Idempotency-Key"));
	http_client_destroy(client);
	stop_server(server);
	free(server);
}

static void broken_answers(void **state)
{
	static const char *const answers[] = {
		"",                                                   /* closes at once */
		"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", /* breaks off */
		"*", /* its body never ends: the status counts */
		"+", /* nor do its headers */
	};
	static const bool is_taken[] = {false, false, true, false};
	struct http_client *client;
	struct http_request request;
	struct server *server = calloc(1, sizeof(*server));

	(void)state;
	assert_non_null(server);
	start_server(server, answers, 4);
	request = request_to(server->url);
	assert_int_equal(http_client_create(&client), VOS_OK);
	for (int i = 0; i < 4; i++) {
		struct http_answer got;

		assert_int_equal(http_client_post(client, &request, &got), is_taken[i]);
		assert_true(got.text[0]);
	}
	stop_server(server);
	http_client_destroy(client);
	free(server);
}

/* A port that is taken, and at which nobody listens. */
static void nobody(void **state)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	struct http_request request;
	struct http_client *client;
	struct http_answer got;
	char url[64];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(address.sin_port));
	request = request_to(url);
	assert_int_equal(http_client_create(&client), VOS_OK);
	assert_false(http_client_post(client, &request, &got));
	assert_int_equal(got.status, 0);
	assert_true(got.text[0]);
	http_client_destroy(client);
	close(fd);
}

static void *stop_when_asked(void *argument)
{
	void **both = argument;
	struct server *server = both[0];

	while (!atomic_load(&server->asked))
		usleep(1000);
	delivery_stop(both[1]);
	return NULL;
}

/* A server that never answers does not hold up the stop. */
static void stopped(void **state)
{
	static const char *const answers[] = {NULL};
	struct delivery_status status;
	struct delivery *delivery;
	struct http_request request;
	struct server *server = calloc(1, sizeof(*server));
	void *both[2];
	pthread_t thread;

	(void)state;
	assert_non_null(server);
	start_server(server, answers, 1);
	request = request_to(server->url);
	assert_int_equal(delivery_create(&delivery), VOS_OK);
	both[0] = server;
	both[1] = delivery;
	assert_int_equal(pthread_create(&thread, NULL, stop_when_asked, both), 0);
	assert_false(delivery_try(delivery, &request));
	delivery_pause(delivery);
	assert_false(delivery_try(delivery, &request));
	pthread_join(thread, NULL);
	delivery_status(delivery, &status);
	assert_int_equal(status.failed, 0);
	delivery_destroy(delivery);
	stop_server(server);
	free(server);
}

static void tries(void **state)
{
	static const char *const answers[] = {
		"HTTP/1.1 500 No\r\n" CLOSE,
		"HTTP/1.1 503 No\r\nRetry-After: 3000\r\n" CLOSE,
		"HTTP/1.1 200 Yes\r\n" CLOSE,
	};
	struct delivery_status status;
	struct delivery *delivery;
	struct http_request request;
	struct server *server = calloc(1, sizeof(*server));

	(void)state;
	assert_non_null(server);
	start_server(server, answers, 3);
	request = request_to(server->url);
	assert_int_equal(delivery_create(&delivery), VOS_OK);
	assert_false(delivery_try(delivery, &request));
	delivery_pause(delivery);
	assert_false(delivery_try(delivery, &request));
	delivery_status(delivery, &status);
	assert_int_equal(status.failures, 2);
	assert_int_equal(status.failed, 2);
	assert_string_equal(status.text, "HTTP 503");
	assert_true(status.answered_ms > 0);
	/* Else this would take 50 minutes. */
	delivery_hurry(delivery);
	delivery_pause(delivery);
	assert_true(delivery_try(delivery, &request));
	delivery_status(delivery, &status);
	assert_int_equal(status.failures, 0);
	assert_int_equal(status.taken, 1);
	assert_int_equal(status.next_ms, 0);
	delivery_destroy(delivery);
	stop_server(server);
	free(server);
}

static void pauses(void **state)
{
	static const struct {
		unsigned failures;
		int retry_after_s;
		uint64_t pause_ms;
	} wanted[] = {
		{1, 0, 100},        {2, 0, 200},         {3, 0, 400},
		{10, 0, 51200},     {11, 0, 60000},      {4000000000u, 0, 60000},
		{1, 1, 1000},       {11, 59, 60000},     {1, 61, 61000},
		{1, 3600, 3600000}, {1, 86400, 3600000},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		assert_int_equal(delivery_pause_ms(wanted[i].failures, wanted[i].retry_after_s),
				 wanted[i].pause_ms);
}

TEST_MAIN(cmocka_unit_test(statuses), cmocka_unit_test(broken_answers), cmocka_unit_test(nobody),
	  cmocka_unit_test(stopped), cmocka_unit_test(tries), cmocka_unit_test(pauses))
