/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HEP version 3: the bytes of a packet, and which call a message is said to be of. */
#include "tests/support/test.h"

#include <stdlib.h>

#include "switchd/trace/hep_calls.h"
#include "switchd/trace/hep_packet.h"

static struct addr at(const char *ip, uint16_t port)
{
	struct addr addr;

	assert_true(addr_parse(span_of(ip), &addr));
	addr.port = port;
	return addr;
}

static void bytes_of_a_packet(void **state)
{
	/* clang-format off */
	static const uint8_t wanted[] = {
		'H', 'E', 'P', '3', 0, 119,
		0, 0, 0, 0x01, 0, 7, 2,
		0, 0, 0, 0x02, 0, 7, 17,
		0, 0, 0, 0x03, 0, 10, 192, 0, 2, 1,
		0, 0, 0, 0x04, 0, 10, 203, 0, 113, 9,
		0, 0, 0, 0x07, 0, 8, 0x13, 0xc4,
		0, 0, 0, 0x08, 0, 8, 0x13, 0xc5,
		0, 0, 0, 0x09, 0, 10, 0x6d, 0x26, 0x92, 0x00,
		0, 0, 0, 0x0a, 0, 10, 0x00, 0x01, 0xe2, 0x40,
		0, 0, 0, 0x0b, 0, 7, 1,
		0, 0, 0, 0x0c, 0, 10, 0x00, 0x00, 0x08, 0x35,
		0, 0, 0, 0x0e, 0, 9, 'k', 'e', 'y',
		0, 0, 0, 0x11, 0, 8, 'i', 'd',
		0, 0, 0, 0x0f, 0, 9, 'S', 'I', 'P',
	};
	/* clang-format on */
	const struct hep_packet packet = {
		.from = at("192.0.2.1", 5060),
		.to = at("203.0.113.9", 5061),
		.wall_us = INT64_C(0x6d269200) * 1000000 + 123456,
		.capture_id = 2101,
		.password = SPAN_LIT("key"),
		.correlation = SPAN_LIT("id"),
		.message = SPAN_LIT("SIP"),
	};
	uint8_t out[256];

	(void)state;
	assert_int_equal(hep_packet_write(&packet, out, sizeof(out)), sizeof(wanted));
	assert_memory_equal(out, wanted, sizeof(wanted));
	/* All or nothing. */
	assert_int_equal(hep_packet_write(&packet, out, sizeof(wanted)), sizeof(wanted));
	for (size_t size = 0; size < sizeof(wanted); size++)
		assert_int_equal(hep_packet_write(&packet, out, size), 0);
}

static void ip6_over_tls_without_password_and_call(void **state)
{
	const struct hep_packet packet = {
		.from = at("2001:db8::1", 5061),
		.is_stream = true,
		.message = SPAN_LIT("x"),
	};
	uint8_t out[256];
	size_t len;

	(void)state;
	len = hep_packet_write(&packet, out, sizeof(out));
	assert_int_equal(len, 6 + 7 + 7 + 22 + 22 + 8 + 8 + 10 + 10 + 7 + 10 + 7);
	assert_int_equal(out[5], len);
	assert_int_equal(out[12], 10); /* family */
	assert_int_equal(out[19], 6);  /* TCP */
	assert_int_equal(out[23], 5);
	assert_memory_equal(out + 26, packet.from.ip, 16);
	assert_int_equal(out[45], 6);
}

static void no_message_is_too_long_for_its_length(void **state)
{
	char *message = malloc(70000);
	uint8_t *out = malloc(HEP_PACKET_MAX);
	struct hep_packet packet = {.from = at("192.0.2.1", 1), .to = at("192.0.2.2", 2)};
	size_t overhead;

	(void)state;
	assert_non_null(message);
	assert_non_null(out);
	memset(message, 'a', 70000);
	packet.message = (struct span){message, 1};
	overhead = hep_packet_write(&packet, out, HEP_PACKET_MAX) - 1;
	packet.message.len = HEP_PACKET_MAX - overhead;
	assert_int_equal(hep_packet_write(&packet, out, HEP_PACKET_MAX), HEP_PACKET_MAX);
	assert_int_equal(out[4] << 8 | out[5], HEP_PACKET_MAX);
	packet.message.len++;
	assert_int_equal(hep_packet_write(&packet, out, HEP_PACKET_MAX), 0);
	packet.message.len = 70000;
	assert_int_equal(hep_packet_write(&packet, out, HEP_PACKET_MAX), 0);
	free(message);
	free(out);
}

/* --- Calls. --- */

static void leg(struct hep_calls *calls, uint64_t key, uint64_t dialog)
{
	const struct trace_event event = {
		.key = key, .dialog = dialog, .kind = TRACE_NOTE, .note = TRACE_LEG};

	hep_calls_learn(calls, &event);
}

static void end(struct hep_calls *calls, uint64_t key, uint64_t now_us)
{
	const struct trace_event event = {
		.key = key, .time_us = now_us, .kind = TRACE_NOTE, .note = TRACE_CALL_END};

	hep_calls_learn(calls, &event);
}

static void legs_are_of_their_call_until_some_time_after_its_end(void **state)
{
	struct hep_calls *calls;

	(void)state;
	assert_int_equal(hep_calls_create(&calls), VOS_OK);
	assert_int_equal(hep_calls_find(calls, 1), 0);
	leg(calls, 7, 1);
	leg(calls, 7, 2);
	leg(calls, 8, 3);
	assert_int_equal(hep_calls_find(calls, 1), 7);
	assert_int_equal(hep_calls_find(calls, 2), 7);
	assert_int_equal(hep_calls_find(calls, 3), 8);
	assert_int_equal(hep_calls_find(calls, 0), 0);
	end(calls, 7, 1000);
	end(calls, 7, 5000);
	end(calls, 9, 5000);
	hep_calls_expire(calls, 1000 + HEP_CALL_LASTS_US - 1);
	assert_int_equal(hep_calls_find(calls, 2), 7);
	hep_calls_expire(calls, 1000 + HEP_CALL_LASTS_US);
	assert_int_equal(hep_calls_find(calls, 1), 0);
	assert_int_equal(hep_calls_find(calls, 2), 0);
	assert_int_equal(hep_calls_find(calls, 3), 8);
	/* A leg goes over to another call; the end of the first takes nothing of it along. */
	leg(calls, 10, 4);
	leg(calls, 11, 4);
	assert_int_equal(hep_calls_find(calls, 4), 11);
	end(calls, 10, 1000);
	hep_calls_expire(calls, UINT64_MAX);
	assert_int_equal(hep_calls_find(calls, 4), 11);
	hep_calls_destroy(calls);
}

static void of_too_many_the_oldest_are_forgotten(void **state)
{
	struct hep_calls *calls;

	(void)state;
	assert_int_equal(hep_calls_create(&calls), VOS_OK);
	for (uint64_t i = 1; i <= HEP_CALLS_MAX + 10; i++)
		leg(calls, i, i);
	for (uint64_t i = 1; i <= 2 * HEP_CALL_DIALOGS; i++)
		leg(calls, 1000, 1000000 + i);
	assert_int_equal(hep_calls_find(calls, 10), 0);
	assert_int_equal(hep_calls_find(calls, 11), 11);
	assert_int_equal(hep_calls_find(calls, HEP_CALLS_MAX + 10), HEP_CALLS_MAX + 10);
	assert_int_equal(hep_calls_find(calls, 1000000 + HEP_CALL_DIALOGS - 1), 1000);
	assert_int_equal(hep_calls_find(calls, 1000000 + HEP_CALL_DIALOGS), 0);
	hep_calls_destroy(calls);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_of_a_packet),
		cmocka_unit_test(ip6_over_tls_without_password_and_call),
		cmocka_unit_test(no_message_is_too_long_for_its_length),
		cmocka_unit_test(legs_are_of_their_call_until_some_time_after_its_end),
		cmocka_unit_test(of_too_many_the_oldest_are_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
