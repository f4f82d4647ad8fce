/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control server against clients good and bad, over its real socket. */
#include "tests/support/test.h"

#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "switchd/ctl/ctl_private.h"
#include "tests/support/ctl.h"
#include "tests/support/descriptors.h"
#include "vosctl/client.h"

static struct ctl_fixture fixture;

static int open_fixture(void **state)
{
	(void)state;
	ctl_fixture_open(&fixture);
	ctl_commit(&fixture, "setup", "phone 1\nname A\nexit\nhostname sw7");
	ctl_fixture_serve(&fixture);
	return 0;
}

static int close_fixture(void **state)
{
	(void)state;
	ctl_fixture_close(&fixture);
	return 0;
}

static struct client *connect_client(void)
{
	struct vos_fault fault = {0};
	struct client *client;

	if (client_connect(fixture.socket, 0, &client, &fault) != VOS_OK)
		fail_msg("%s", fault.text);
	return client;
}

static int connect_raw(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture.socket);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Bytes and calls of a sink. */
struct heard {
	struct buf text;
	size_t rows;
	int errors;
	int warnings;
};

static void hear_text(void *context, const char *text)
{
	struct heard *heard = context;

	buf_add_str(&heard->text, text);
}

static void hear_rows(void *context, json_t *rows)
{
	struct heard *heard = context;

	heard->rows += json_array_size(rows);
}

static void hear_warning(void *context, const struct vos_fault *fault, bool is_error)
{
	struct heard *heard = context;

	(void)fault;
	*(is_error ? &heard->errors : &heard->warnings) += 1;
}

static enum vos_err run(struct client *client, struct client_status *status, struct heard *heard,
			const char *line, struct vos_fault *fault)
{
	const struct client_request request = {.line = line, .mode = status->mode, .batch = true};
	const struct client_sink sink = {
		.context = heard,
		.text = hear_text,
		.rows = hear_rows,
		.warning = hear_warning,
	};

	*fault = (struct vos_fault){0};
	return client_exec(client, &request, &sink, status, fault);
}

static void run_ok(struct client *client, struct client_status *status, const char *line)
{
	struct heard heard = {0};
	struct vos_fault fault;

	if (run(client, status, &heard, line, &fault) != VOS_OK)
		fail_msg("%s: %s", line, fault.text);
	buf_free(&heard.text);
}

static struct client_status in_exec(void)
{
	return (struct client_status){.mode = "exec"};
}

static void hello_says_who_is_there(void **state)
{
	struct client *client = connect_client();
	const struct client_info *info = client_info(client);

	(void)state;
	assert_int_equal(info->protocol, CONTROL_PROTOCOL);
	assert_string_equal(info->hostname, "sw7");
	assert_string_equal(info->version, "test");
	assert_string_equal(info->grammar, grammar_hash(fixture.grammar));
	assert_int_equal(info->role, ROLE_ADMIN); /* the daemon's own user */
	assert_int_equal(info->generation, 1);
	client_close(client);
}

static void the_socket_is_for_the_group(void **state)
{
	struct stat info;

	(void)state;
	assert_int_equal(stat(fixture.socket, &info), 0);
	assert_int_equal(info.st_mode & 07777, 0660);
}

static void a_candidate_lives_until_its_commit(void **state)
{
	struct client *client = connect_client();
	struct client_status status = in_exec();
	struct vos_fault fault;
	struct heard heard = {0};

	(void)state;
	run_ok(client, &status, "configure");
	assert_string_equal(status.mode, "config");
	run_ok(client, &status, "phone 1");
	assert_string_equal(status.mode, "config-phone:1");
	assert_int_equal(status.pending, 0);
	run_ok(client, &status, "name B");
	assert_int_equal(status.pending, 1);
	assert_int_equal(run(client, &status, &heard, "end", &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_STATE);
	assert_string_equal(status.mode, "config-phone:1");
	run_ok(client, &status, "commit comment trial run");
	assert_int_equal(status.pending, 0);
	assert_int_equal(status.generation, 2);
	run_ok(client, &status, "end");
	assert_string_equal(status.mode, "exec");
	assert_int_equal(run(client, &status, &heard, "show running-config", &fault), VOS_OK);
	assert_non_null(strstr(buf_cstr(&heard.text), " name B\n"));
	assert_non_null(strstr(buf_cstr(&heard.text), "trial run"));
	buf_free(&heard.text);
	client_close(client);
	assert_int_equal(fixture.commits, 1);
}

static void the_second_to_commit_is_told(void **state)
{
	struct client *first = connect_client();
	struct client *second = connect_client();
	struct client_status one = in_exec();
	struct client_status two = in_exec();
	struct heard heard = {0};
	struct vos_fault fault;

	(void)state;
	run_ok(first, &one, "configure");
	run_ok(second, &two, "configure");
	run_ok(first, &one, "phone 1 name first");
	run_ok(second, &two, "phone 1 name second");
	run_ok(second, &two, "hostname other");
	run_ok(first, &one, "commit");
	assert_int_equal(run(second, &two, &heard, "commit", &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_CONFLICT_GENERATION);
	assert_string_equal(two.stage, "commit");
	assert_int_equal(heard.errors, 1);
	assert_int_equal(two.pending, 2); /* nothing is lost, nothing was done */
	assert_int_equal(two.generation, 2);
	run_ok(second, &two, "commit force");
	assert_int_equal(two.generation, 3);
	buf_free(&heard.text);
	client_close(first);
	client_close(second);
}

static void a_lock_keeps_others_out(void **state)
{
	struct client *first = connect_client();
	struct client *second = connect_client();
	struct client_status one = in_exec();
	struct client_status two = in_exec();
	struct heard heard = {0};
	struct vos_fault fault;

	(void)state;
	run_ok(first, &one, "configure exclusive");
	assert_int_equal(run(second, &two, &heard, "configure", &fault), VOS_EINVAL);
	assert_int_equal(run(second, &two, &heard, "set hostname x", &fault), VOS_EINVAL);
	client_close(first);
	/* The daemon frees the lock when it sees the end of the connection. */
	for (int i = 0; i < 1000 && run(second, &two, &heard, "configure", &fault) != VOS_OK; i++)
		usleep(1000);
	assert_string_equal(two.mode, "config");
	client_close(second);
}

static void a_failed_commit_changes_nothing(void **state)
{
	struct client *client = connect_client();
	struct client_status status = in_exec();
	struct heard heard = {0};
	struct vos_fault fault;

	(void)state;
	run_ok(client, &status, "configure");
	run_ok(client, &status, "phone 1 network nowhere");
	run_ok(client, &status, "hostname other");
	assert_int_equal(run(client, &status, &heard, "commit", &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_REF_MISSING);
	assert_string_equal(status.stage, "commit");
	assert_int_equal(status.generation, 1);
	assert_string_equal(status.hostname, "sw7");
	run_ok(client, &status, "discard");
	assert_int_equal(status.pending, 0);
	client_close(client);
	assert_int_equal(fixture.commits, 0);
}

static void rollback_loads_the_inverse(void **state)
{
	struct client *client = connect_client();
	struct client_status status = in_exec();
	struct heard heard = {0};
	struct vos_fault fault;

	(void)state;
	run_ok(client, &status, "set hostname b");
	run_ok(client, &status, "set phone 1 name B");
	run_ok(client, &status, "configure");
	assert_int_equal(run(client, &status, &heard, "rollback 3", &fault), VOS_EINVAL);
	assert_int_equal(fault.code, FAULT_NOT_FOUND);
	run_ok(client, &status, "rollback 1");
	run_ok(client, &status, "commit");
	assert_string_equal(status.hostname, "sw7");
	run_ok(client, &status, "end");
	assert_int_equal(run(client, &status, &heard, "show configuration diff 1 4", &fault),
			 VOS_OK);
	assert_int_equal(heard.rows, 0);
	assert_false(status.is_different);
	assert_int_equal(run(client, &status, &heard, "show configuration diff 1 3", &fault),
			 VOS_OK);
	assert_int_equal(heard.rows, 4);
	assert_true(status.is_different);
	buf_free(&heard.text);
	client_close(client);
}

static void garbage_gets_an_error_and_the_next_line_counts(void **state)
{
	static const char input[] =
		"garbage\n{}\n{\"id\":5,\"method\":\"no\"}\n[]\n\xff\xfe\n"
		"{\"id\":6,\"method\":\"exec\",\"params\":{\"line\":\"show clock\"}}\n";
	char answer[8192] = "";
	size_t len = 0;
	int fd = connect_raw();

	(void)state;
	assert_int_equal(send(fd, input, sizeof(input) - 1, 0), sizeof(input) - 1);
	while (!strstr(answer, "\"id\":6,\"result\"")) {
		ssize_t got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);

		assert_true(got > 0);
		len += (size_t)got;
		answer[len] = '\0';
	}
	assert_non_null(strstr(answer, "\"id\":null,\"error\""));
	assert_non_null(strstr(answer, "\"id\":5,\"error\""));
	close(fd);
}

/* Over 1 MiB without a newline: an error, then the end of the connection. */
static void an_endless_line_ends_the_session(void **state)
{
	static char chunk[64 * 1024];
	char answer[1024];
	int fd = connect_raw();
	ssize_t len = 1;
	size_t total = 0;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	for (int i = 0; i < 40 && len > 0; i++)
		len = send(fd, chunk, sizeof(chunk), MSG_NOSIGNAL);
	while ((len = recv(fd, answer, sizeof(answer), 0)) > 0)
		total += (size_t)len;
	/* Its own unread bytes may turn the end into a reset, which can swallow the message. */
	assert_true(total < sizeof(answer));
	close(fd);
	client_close(connect_client());
}

static void many_connections_do_no_harm(void **state)
{
	struct client *client = connect_client();
	struct client_status status = in_exec();
	int fds[200];

	(void)state;
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 200; i++)
			fds[i] = connect_raw();
		run_ok(client, &status, "show clock");
		for (int i = 0; i < 200; i++)
			close(fds[i]);
	}
	run_ok(client, &status, "show sessions");
	client_close(client);
}

/* It is out of epoll, although its descriptor has a copy somewhere. */
static void a_closed_connection_is_heard_of_no_more(void **state)
{
	int fd = connect_raw();
	struct client *client = connect_client();
	struct client_status status = in_exec();
	struct epoll_event events[8];
	struct descriptors held;
	int count;

	(void)state;
	descriptors_copy(&held, fd);
	close(fd);
	run_ok(client, &status, "show clock");
	count = epoll_wait(fixture.ctl->epoll_fd, events, 8, 0);
	for (int i = 0; i < count; i++)
		assert_false(events[i].events & EPOLLHUP);
	run_ok(client, &status, "show clock");
	client_close(client);
	descriptors_release(&held);
}

/* Lists for somebody who does not read cost a bounded buffer, and nobody else waits. */
static void a_slow_reader_delays_nobody(void **state)
{
	static const char ask[] =
		"{\"id\":1,\"method\":\"exec\",\"params\":{\"line\":\"show parameters\"}}\n";
	struct client *client;
	struct client_status status = in_exec();
	int fd = connect_raw();
	size_t sent = 0;

	(void)state;
	/* Until neither the daemon nor the kernel takes any more. */
	for (int i = 0; i < 100000; i++) {
		if (send(fd, ask, sizeof(ask) - 1, MSG_DONTWAIT) < 0)
			break;
		sent++;
	}
	assert_true(sent < 100000);
	client = connect_client();
	for (int i = 0; i < 20; i++)
		run_ok(client, &status, "show parameters");
	client_close(client);
	close(fd);
}

static void what_is_asked_before_the_end_is_answered(void **state)
{
	static const char ask[] =
		"{\"id\":1,\"method\":\"exec\",\"params\":{\"line\":\"show parameters\"}}\n"
		"{\"id\":2,\"method\":\"exec\",\"params\":{\"line\":\"show running-config\"}}\n";
	static char answer[1 << 20];
	size_t len = 0;
	ssize_t got;
	int fd = connect_raw();

	(void)state;
	assert_int_equal(send(fd, ask, sizeof(ask) - 1, 0), sizeof(ask) - 1);
	shutdown(fd, SHUT_WR);
	while ((got = recv(fd, answer + len, sizeof(answer) - 1 - len, 0)) > 0)
		len += (size_t)got;
	answer[len] = '\0';
	assert_int_equal(got, 0);
	assert_non_null(strstr(answer, "\"id\":1,\"result\""));
	assert_non_null(strstr(answer, "\"id\":2,\"result\""));
	close(fd);
}

static void apply_is_all_or_nothing(void **state)
{
	struct client *client = connect_client();
	struct client_status status = in_exec();
	struct heard heard = {0};
	struct vos_fault fault = {0};
	const struct client_sink sink = {
		.context = &heard, .warning = hear_warning, .text = hear_text};
	struct client_apply apply = {.name = "f", .text = "hostname x\nphone 2\n nme a\n foo\n"};

	(void)state;
	apply.len = strlen(apply.text);
	assert_int_equal(client_apply(client, &apply, &sink, &status, &fault), VOS_EINVAL);
	assert_int_equal(heard.errors, 2);
	assert_string_equal(status.hostname, "sw7");
	apply.text = "hostname x\nphone 2\n name a\n";
	apply.len = strlen(apply.text);
	apply.check = true;
	assert_int_equal(client_apply(client, &apply, &sink, &status, &fault), VOS_OK);
	assert_int_equal(status.generation, 1);
	apply.check = false;
	assert_int_equal(client_apply(client, &apply, &sink, &status, &fault), VOS_OK);
	assert_int_equal(status.generation, 2);
	assert_int_equal(client_apply(client, &apply, &sink, &status, &fault), VOS_OK);
	assert_int_equal(status.generation, 2);
	buf_free(&heard.text);
	client_close(client);
}

static void every_command_has_a_handler(void **state)
{
	(void)state;
	for (int id = 0; id < COMMAND_COUNT; id++)
		if (!dispatch_handler((enum command_id)id))
			fail_msg("%s", command_name((enum command_id)id));
}

static void a_second_server_is_refused(void **state)
{
	struct ctl_context context = {.log = NULL, .store = fixture.store, .conf = fixture.conf};
	struct vos_fault fault = {0};
	struct ctl *other = NULL;
	char path[256];

	(void)state;
	assert_int_equal(ctl_start(&context, fixture.socket, &other, &fault), VOS_EINUSE);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ctl_start(&context, path, &other, &fault), VOS_EINVAL);
	assert_int_equal(ctl_start(&context, "/nonexistent/socket", &other, &fault), VOS_EIO);
	assert_int_equal(ctl_start(&context, fixture.root, &other, &fault), VOS_EEXIST);
	assert_null(other);
	client_close(connect_client());
}

/* What a crashed switchd left behind. */
static void a_stale_socket_is_replaced(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	ctl_fixture_open(&fixture);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture.socket);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	ctl_fixture_serve(&fixture);
	client_close(connect_client());
	ctl_stop(fixture.ctl);
	fixture.ctl = NULL;
	assert_int_equal(access(fixture.socket, F_OK), -1);
	ctl_fixture_close(&fixture);
}

static void count_candidate(void *context, const struct candidate *candidate)
{
	int *count = context;

	if (strcmp(candidate->word, "1") == 0)
		*count += 1;
	if (strcmp(candidate->word, "nat-keep-alive-period") == 0)
		*count += strcmp(candidate->current, "30") == 0 ? 10 : 100;
}

static void candidates_come_with_values(void **state)
{
	struct client *client = connect_client();
	int count = 0;
	int more = -1;

	(void)state;
	assert_int_equal(
		client_complete(client, "exec", "show phones ", 0, count_candidate, &count, &more),
		VOS_OK);
	assert_int_equal(count, 1);
	assert_int_equal(more, 0);
	assert_int_equal(client_help(client, "config-sip-parameter", "nat-keep-alive-p", 0,
				     count_candidate, &count, &more),
			 VOS_OK);
	assert_int_equal(count, 11);
	client_close(client);
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, open_fixture, close_fixture)

TEST_MAIN(WITH_SERVER(hello_says_who_is_there), WITH_SERVER(the_socket_is_for_the_group),
	  WITH_SERVER(a_candidate_lives_until_its_commit),
	  WITH_SERVER(the_second_to_commit_is_told), WITH_SERVER(a_lock_keeps_others_out),
	  WITH_SERVER(a_failed_commit_changes_nothing), WITH_SERVER(rollback_loads_the_inverse),
	  WITH_SERVER(garbage_gets_an_error_and_the_next_line_counts),
	  WITH_SERVER(an_endless_line_ends_the_session), WITH_SERVER(many_connections_do_no_harm),
	  WITH_SERVER(a_closed_connection_is_heard_of_no_more),
	  WITH_SERVER(a_slow_reader_delays_nobody),
	  WITH_SERVER(what_is_asked_before_the_end_is_answered),
	  WITH_SERVER(apply_is_all_or_nothing), WITH_SERVER(a_second_server_is_refused),
	  WITH_SERVER(candidates_come_with_values), cmocka_unit_test(a_stale_socket_is_replaced),
	  cmocka_unit_test(every_command_has_a_handler))
