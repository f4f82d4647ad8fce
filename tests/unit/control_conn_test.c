/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Framing of the control protocol: any split, any length, any bytes. */
#include "tests/support/test.h"

#include <sys/socket.h>
#include <unistd.h>

#include "shared/control/control.h"

struct pair {
	struct control_conn conn;
	int peer;
};

static void open_pair(struct pair *pair, size_t out_max)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	control_conn_init(&pair->conn, fds[0], out_max);
	pair->peer = fds[1];
}

static void close_pair(struct pair *pair)
{
	control_conn_close(&pair->conn);
	if (pair->peer >= 0)
		close(pair->peer);
}

static void put(struct pair *pair, const char *data, size_t len)
{
	while (len) {
		ssize_t sent = send(pair->peer, data, len, 0);

		assert_true(sent > 0);
		data += sent;
		len -= (size_t)sent;
	}
}

static void put_text(struct pair *pair, const char *text)
{
	put(pair, text, strlen(text));
}

static void read_ok(struct pair *pair)
{
	assert_int_equal(control_conn_read(&pair->conn), VOS_OK);
}

static const char two_lines[] =
	"{\"id\":1,\"method\":\"exec\"}\n\r\n{\"id\":2,\"text\":\"\xc3\xa4\"}\n";

/* The same two messages come out wherever the stream is cut. */
static void split_at_every_byte(void **state)
{
	size_t len = sizeof(two_lines) - 1;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		struct pair pair;
		int ids[4] = {0};
		int count = 0;
		json_t *json;

		open_pair(&pair, 0);
		for (int part = 0; part < 2; part++) {
			if (part == 0 ? cut : len - cut)
				put(&pair, two_lines + (part ? cut : 0), part ? len - cut : cut);
			read_ok(&pair);
			while (control_conn_next(&pair.conn, &json) == VOS_OK) {
				assert_in_range(count, 0, 1);
				ids[count++] = (int)json_integer_value(json_object_get(json, "id"));
				json_decref(json);
			}
		}
		assert_int_equal(count, 2);
		assert_int_equal(ids[0], 1);
		assert_int_equal(ids[1], 2);
		assert_int_equal(control_conn_next(&pair.conn, &json), VOS_EAGAIN);
		close_pair(&pair);
	}
}

static void byte_by_byte(void **state)
{
	struct pair pair;
	int count = 0;
	json_t *json;

	(void)state;
	open_pair(&pair, 0);
	for (size_t i = 0; i < sizeof(two_lines) - 1; i++) {
		put(&pair, two_lines + i, 1);
		read_ok(&pair);
		if (control_conn_next(&pair.conn, &json) == VOS_OK) {
			json_decref(json);
			count++;
		}
	}
	assert_int_equal(count, 2);
	close_pair(&pair);
}

static void what_is_no_object_is_skipped(void **state)
{
	static const char *const wrong[] = {
		"garbage\n",
		"[1]\n",
		"7\n",
		"{\"a\":\n",
		"{\"a\":\"\xff\xfe\"}\n",
		"{\"a\":\"\\u0000\"}\n",
	};
	struct pair pair;
	json_t *json;

	(void)state;
	open_pair(&pair, 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		put_text(&pair, wrong[i]);
		put_text(&pair, "{\"good\":true}\n");
		read_ok(&pair);
		assert_int_equal(control_conn_next(&pair.conn, &json), VOS_EINVAL);
		assert_int_equal(control_conn_next(&pair.conn, &json), VOS_OK);
		assert_true(json_is_true(json_object_get(json, "good")));
		json_decref(json);
	}
	close_pair(&pair);
}

/* Writes into the pair as far as the reader takes it, until the line is whole or refused. */
static enum vos_err next_of_length(size_t len, json_t **json)
{
	static char line[CONTROL_LINE_MAX + 64];
	struct pair pair;
	enum vos_err err = VOS_EAGAIN;
	size_t at = 0;

	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"a\":\"", 6);
	memcpy(line + len - 2, "\"}\n", 3);
	open_pair(&pair, 0);
	while (err == VOS_EAGAIN) {
		ssize_t sent = send(pair.peer, line + at, len + 1 - at, MSG_DONTWAIT);

		at += sent > 0 ? (size_t)sent : 0;
		read_ok(&pair);
		err = control_conn_next(&pair.conn, json);
		if (at == len + 1 && err == VOS_EAGAIN)
			read_ok(&pair);
	}
	close_pair(&pair);
	return err;
}

static void length_limit(void **state)
{
	json_t *json;

	(void)state;
	assert_int_equal(next_of_length(CONTROL_LINE_MAX, &json), VOS_OK);
	json_decref(json);
	assert_int_equal(next_of_length(CONTROL_LINE_MAX + 1, &json), VOS_EFULL);
}

/* A peer that never ends its line costs a bounded buffer. */
static void endless_line_is_refused(void **state)
{
	static char chunk[64 * 1024];
	struct pair pair;
	enum vos_err err = VOS_EAGAIN;
	json_t *json;

	(void)state;
	memset(chunk, 'x', sizeof(chunk));
	open_pair(&pair, 0);
	for (int i = 0; i < 64 && err == VOS_EAGAIN; i++) {
		put(&pair, chunk, sizeof(chunk) / 2);
		read_ok(&pair);
		err = control_conn_next(&pair.conn, &json);
	}
	assert_int_equal(err, VOS_EFULL);
	assert_true(pair.conn.in.len <= CONTROL_LINE_MAX + 128 * 1024);
	close_pair(&pair);
}

static void end_of_stream(void **state)
{
	struct pair pair;
	json_t *json;

	(void)state;
	open_pair(&pair, 0);
	put_text(&pair, "{\"id\":1}\n{\"id\":");
	close(pair.peer);
	pair.peer = -1;
	read_ok(&pair);
	assert_int_equal(control_conn_next(&pair.conn, &json), VOS_OK);
	json_decref(json);
	assert_int_equal(control_conn_next(&pair.conn, &json), VOS_EAGAIN);
	assert_int_equal(control_conn_read(&pair.conn), VOS_ECLOSED);
	close_pair(&pair);
}

/* A reader that does not read: the backlog is bounded, and what was queued comes out whole and in
 * order. */
static void send_bound(void **state)
{
	static char drain[1 << 20];
	struct pair pair;
	int queued = 0;
	size_t newlines = 0;
	enum vos_err err = VOS_OK;

	(void)state;
	open_pair(&pair, 100000);
	while (err == VOS_OK) {
		err = control_conn_send(
			&pair.conn,
			control_result(queued, json_pack("{s:s}", "text",
							 "0123456789012345678901234567890")));
		if (err == VOS_OK)
			queued++;
		if (control_conn_flush(&pair.conn) == VOS_OK)
			continue;
		assert_true(control_conn_backlog(&pair.conn) <= 100000);
	}
	assert_int_equal(err, VOS_EFULL);
	assert_true(queued > 100);
	do {
		ssize_t len = recv(pair.peer, drain, sizeof(drain), MSG_DONTWAIT);

		for (ssize_t i = 0; i < len; i++)
			newlines += drain[i] == '\n';
		err = control_conn_flush(&pair.conn);
	} while (err == VOS_EAGAIN);
	assert_int_equal(err, VOS_OK);
	for (ssize_t len; (len = recv(pair.peer, drain, sizeof(drain), MSG_DONTWAIT)) > 0;)
		for (ssize_t i = 0; i < len; i++)
			newlines += drain[i] == '\n';
	assert_int_equal(newlines, queued);
	close_pair(&pair);
}

static void write_to_a_closed_peer(void **state)
{
	struct pair pair;

	(void)state;
	open_pair(&pair, 0);
	close(pair.peer);
	pair.peer = -1;
	assert_int_equal(control_conn_send(&pair.conn, control_notice("x", json_object())), VOS_OK);
	assert_int_equal(control_conn_flush(&pair.conn), VOS_ECLOSED);
	close_pair(&pair);
}

static void faults_round_trip(void **state)
{
	struct vos_fault fault = {.line = 7, .path = "phone 1001 password"};
	struct vos_fault back;
	json_t *json;

	(void)state;
	fault_set(&fault, FAULT_VALUE_RANGE, 12, "5 s is below the minimum");
	json = control_fault_to_json(&fault);
	control_fault_from_json(json, &back);
	json_decref(json);
	assert_int_equal(back.code, FAULT_VALUE_RANGE);
	assert_int_equal(back.line, 7);
	assert_int_equal(back.column, 12);
	assert_string_equal(back.path, fault.path);
	assert_string_equal(back.text, fault.text);
}

static void assert_text(const char *bytes, size_t len, const char *expected)
{
	json_t *json = control_text((struct span){bytes, len});

	assert_non_null(json);
	assert_string_equal(json_string_value(json), expected);
	json_decref(json);
}

static void text_of_strangers_becomes_utf8(void **state)
{
	(void)state;
	assert_text("plain", 5, "plain");
	assert_text("", 0, "");
	assert_text("\xc3\xa4", 2, "\xc3\xa4");
	assert_text("a\xff"
		    "b",
		    3,
		    "a\xef\xbf\xbd"
		    "b");
	assert_text("\xc3", 1, "\xef\xbf\xbd");
	assert_text("\xc0\x80", 2, "\xef\xbf\xbd\xef\xbf\xbd");                 /* overlong */
	assert_text("\xed\xa0\x80", 3, "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"); /* surrogate */
	assert_text("\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf");                 /* U+10FFFF */
	assert_text("a\0b", 3,
		    "a\xef\xbf\xbd"
		    "b");
}

TEST_MAIN(cmocka_unit_test(split_at_every_byte), cmocka_unit_test(byte_by_byte),
	  cmocka_unit_test(what_is_no_object_is_skipped), cmocka_unit_test(length_limit),
	  cmocka_unit_test(endless_line_is_refused), cmocka_unit_test(end_of_stream),
	  cmocka_unit_test(send_bound), cmocka_unit_test(write_to_a_closed_peer),
	  cmocka_unit_test(faults_round_trip), cmocka_unit_test(text_of_strangers_becomes_utf8))
