/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ladders against the files of tests/golden/trace (VOS_GOLDEN=write writes them anew, to be looked
 * at before they are committed), and captures byte by byte. */
#include "tests/support/test.h"

#include <stdio.h>

#include "vosctl/trace/trace.h"

static struct buf printed;

static void keep(void *context, struct span line, bool is_heading)
{
	(void)context;
	(void)is_heading;
	buf_add_span(&printed, line);
	buf_add_char(&printed, '\n');
}

static void assert_golden(const char *name)
{
	const char *root = getenv("VOS_SOURCE_DIR");
	const char *mode = getenv("VOS_GOLDEN");
	bool is_writing = mode && strcmp(mode, "write") == 0;
	char path[512];
	char text[16384];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/tests/golden/trace/%s", root ? root : ".", name);
	file = fopen(path, is_writing ? "w" : "r");
	if (!file)
		fail_msg("%s is missing", path);
	if (is_writing) {
		fwrite(printed.data, 1, printed.len, file);
	} else {
		len = fread(text, 1, sizeof(text) - 1, file);
		text[len] = '\0';
		assert_string_equal(buf_cstr(&printed), text);
	}
	fclose(file);
	buf_free(&printed);
}

static struct trace_cells make_cells(void)
{
	static const char *const names[] = {
		"time_us",       "offset_us",    "call", "leg",  "kind", "party",  "transport",
		"local_address", "peer_address", "name", "text", "sdp",  "message"};
	struct trace_cells cells = {.names = json_array()};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		json_array_append_new(cells.names, json_pack("{s:s}", "name", names[i]));
	return cells;
}

static void add(json_t *rows, int64_t time_us, const char *leg, const char *kind, const char *party,
		const char *via, const char *peer, const char *name, const char *text,
		const char *sdp)
{
	bool is_note = strcmp(kind, "note") == 0;
	const char *local = peer && peer[0] == '[' ? "[2001:db8::9]:5060" : "198.51.100.9:5060";

	json_array_append_new(rows,
			      json_pack("[I, I, s, s?, s, s?, s?, s, s?, s?, s, s?, s?]",
					(json_int_t)time_us + 1700000000000000, (json_int_t)time_us,
					"00000000000000ab", leg, kind, party, is_note ? NULL : via,
					local, peer, name, text, sdp, is_note ? NULL : text));
}

static void add_call(json_t *rows)
{
	const char *a = "192.0.2.1:5060";
	const char *b = "203.0.113.5:5060";
	const char *c = "[2001:db8::5]:5061";

	add(rows, 0, "a", "received", "phone 1001", "udp", a, "INVITE", "INVITE sip:8001@x SIP/2.0",
	    "192.0.2.1:4000 PCMU PCMA");
	add(rows, 120, "a", "sent", "phone 1001", "udp", a, "100", "100 Trying", NULL);
	add(rows, 130, NULL, "note", NULL, NULL, NULL, NULL, "call from 1001", NULL);
	add(rows, 150, "b1", "sent", "routing-gateway a", "udp", b, "INVITE", "INVITE sip:8001@b",
	    "198.51.100.9:20000 PCMU");
	add(rows, 500150, "b1", "sent", "routing-gateway a", "udp", b, "INVITE",
	    "INVITE sip:8001@b", "198.51.100.9:20000 PCMU");
	add(rows, 3500150, "b1", "received", "routing-gateway a", "udp", b, "503",
	    "503 Service Unavailable \x1b[31m", NULL);
	add(rows, 3500200, NULL, "note", NULL, NULL, NULL, NULL, "attempt 1 over: SIP 503", NULL);
	add(rows, 3500300, "b2", "sent", "routing-gateway backup-of-the-first-one", "tls", c,
	    "INVITE", "INVITE sip:8001@c", NULL);
}

static void ladders(void **state)
{
	struct trace_cells cells = make_cells();
	json_t *rows = json_array();

	(void)state;
	add_call(rows);
	assert_int_equal(json_array_size(rows), 8);
	trace_ladder(&cells, rows, 0, keep, NULL);
	assert_golden("ladder.txt");
	trace_ladder(&cells, rows, 100, keep, NULL);
	assert_golden("ladder-100.txt");
	for (size_t i = 0; i < json_array_size(rows); i++)
		trace_message(&cells, json_array_get(rows, i), keep, NULL);
	assert_golden("messages.txt");
	json_decref(rows);
	json_decref(cells.names);
}

/* Requests that belong to no call, more parties than there are columns. */
/* Row by row, two calls at a time: whose drawing goes on is said, and a party that comes late. */
static void live_ladders(void **state)
{
	struct trace_cells cells = make_cells();
	struct trace_ladders *ladders = trace_ladders_create(100, keep, NULL);
	json_t *rows = json_array();
	json_t *lost = json_array();

	(void)state;
	assert_non_null(ladders);
	add_call(rows);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		json_t *other = json_deep_copy(row);

		trace_ladders_row(ladders, &cells, row);
		json_array_set_new(other, 2, json_string("00000000000000cd"));
		if (i < 2)
			trace_ladders_row(ladders, &cells, other);
		json_decref(other);
	}
	add(lost, 0, NULL, "lost", NULL, NULL, NULL, NULL, "7 records were not shown", NULL);
	trace_ladders_row(ladders, &cells, json_array_get(lost, 0));
	assert_golden("live.txt");
	/* More calls than are drawn at a time, and each drawing with more rows than it keeps. */
	for (int call = 0; call < 100; call++) {
		char key[20];

		snprintf(key, sizeof(key), "%016d", call);
		for (int i = 0; i < 100; i++) {
			json_t *row = json_deep_copy(json_array_get(rows, 0));

			json_array_set_new(row, 2, json_string(key));
			trace_ladders_row(ladders, &cells, row);
			json_decref(row);
		}
	}
	assert_true(printed.len > 0);
	buf_free(&printed);
	trace_ladders_free(ladders);
	json_decref(rows);
	json_decref(lost);
	json_decref(cells.names);
}

static void strangers(void **state)
{
	struct trace_cells cells = make_cells();
	json_t *rows = json_array();
	char peer[32];

	(void)state;
	for (int i = 0; i < 14; i++) {
		snprintf(peer, sizeof(peer), "192.0.2.%d:5060", i);
		add(rows, i, NULL, i % 2 ? "sent" : "received", NULL, "udp", peer, "OPTIONS",
		    "OPTIONS sip:x", NULL);
	}
	trace_ladder(&cells, rows, 0, keep, NULL);
	assert_non_null(strstr(buf_cstr(&printed), "OPTIONS"));
	buf_free(&printed);
	json_decref(rows);
	json_decref(cells.names);
}

static uint32_t number(const char *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static void captures(void **state)
{
	struct trace_cells cells = make_cells();
	struct trace_pcap *pcap = trace_pcap_create();
	json_t *rows = json_array();
	json_t *row;
	size_t i;
	char bytes[4096];
	FILE *file = tmpfile();
	size_t len;

	(void)state;
	add(rows, 2000000, "b1", "sent", NULL, "tls", "[2001:db8::5]:5061", "ACK", "ACK", NULL);
	add(rows, 1000001, "a", "received", NULL, "udp", "192.0.2.1:5070", "BYE", "BYE x", NULL);
	add(rows, 1000001, NULL, "note", NULL, NULL, NULL, NULL, "nothing", NULL);
	json_array_foreach (rows, i, row)
		trace_pcap_row(pcap, &cells, row);
	assert_true(trace_pcap_write(pcap, file));
	rewind(file);
	len = fread(bytes, 1, sizeof(bytes), file);
	assert_int_equal(len, 24 + 16 + 20 + 8 + 5 + 16 + 40 + 8 + 3);
	assert_int_equal(number(bytes), 0xa1b2c3d4u);
	assert_int_equal(number(bytes + 20), 101);
	/* By time, not by arrival. */
	assert_int_equal(number(bytes + 24), 1700000001);
	assert_int_equal(number(bytes + 28), 1);
	assert_memory_equal(bytes + 40 + 12, "\xc0\x00\x02\x01\xc6\x33\x64\x09", 8);
	assert_memory_equal(bytes + 40 + 28, "BYE x", 5);
	assert_int_equal((uint8_t)bytes[73 + 16], 0x60);
	assert_memory_equal(bytes + 73 + 16 + 48, "ACK", 3);
	fclose(file);
	trace_pcap_free(pcap);
	json_decref(rows);
	json_decref(cells.names);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ladders),
		cmocka_unit_test(live_ladders),
		cmocka_unit_test(strangers),
		cmocka_unit_test(captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
