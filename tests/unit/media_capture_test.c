/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of relayed packets: what comes and what goes, with the addresses of either, in the ring of
 * the media thread and nowhere else. */
#include "tests/support/test.h"

#include <unistd.h>

#include "switchd/media/capture.h"
#include "switchd/media/packet.h"
#include "switchd/trace/recorder.h"
#include "tests/support/phone.h"

#define PHONE_A "127.0.0.11"
#define PHONE_B "127.0.0.12"
#define EVIL    "127.0.0.66"
#define KEY     0x1234567890abcdefull

struct call {
	struct recorder *recorder;
	struct media *media;
	struct media_session *session;
	struct phone a;
	struct phone b;
	uint16_t port_a;
	uint16_t port_b;
	struct recorder_cursor cursor;
};

static void new_call(struct call *call, enum media_layout layout)
{
	struct addr local = relay_local();

	*call = (struct call){.media = relay_new(20000, 20999, 1),
			      .a = phone_new(PHONE_A),
			      .b = phone_new(PHONE_B)};
	assert_int_equal(recorder_create_unused(1, 1 << 20, &call->recorder), VOS_OK);
	recorder_touch(call->recorder);
	media_set_recorder(call->media, call->recorder);
	assert_int_equal(media_open_in(call->media, layout, &local, &local, &call->session),
			 VOS_OK);
	call->port_a = media_port(call->session, MEDIA_A);
	call->port_b = media_port(call->session, MEDIA_B);
	relay_set_peer(call->session, MEDIA_A, &call->a);
	relay_set_peer(call->session, MEDIA_B, &call->b);
}

static void end_call(struct call *call)
{
	media_close(call->session);
	media_destroy(call->media);
	recorder_destroy(call->recorder);
	close(call->a.fd);
	close(call->b.fd);
}

/* The next copy is that one, of a packet with the mark at its end. */
static void expect(struct call *call, enum trace_kind kind, enum media_side side,
		   enum packet_kind packet, uint16_t local, const struct addr *peer, uint8_t mark)
{
	char memory[TRACE_DATA_MAX];
	struct trace_event event;

	assert_true(recorder_next(recorder_ring(call->recorder, 0), &call->cursor, &event, memory,
				  sizeof(memory)));
	assert_int_equal(event.key, KEY);
	assert_int_equal(event.kind, kind);
	assert_int_equal(event.side, side);
	assert_int_equal(event.a, packet);
	assert_int_equal(event.local.port, local);
	assert_true(addr_eq(&event.peer, peer));
	assert_int_equal(event.data.len, 20);
	assert_int_equal((uint8_t)event.data.ptr[19], mark);
}

static void expect_nothing(struct call *call)
{
	struct trace_event event;

	assert_false(
		recorder_next(recorder_ring(call->recorder, 0), &call->cursor, &event, NULL, 0));
}

static void both_ways_with_addresses(void **state)
{
	struct call call;
	struct phone a_rtcp;
	struct phone b_rtcp;

	(void)state;
	new_call(&call, MEDIA_COMPACT);
	a_rtcp = phone_new_at(PHONE_A, (uint16_t)(call.a.addr.port + 1));
	b_rtcp = phone_new_at(PHONE_B, (uint16_t)(call.b.addr.port + 1));
	assert_true(media_capture_start(call.session, KEY));
	assert_int_equal(media_captured(call.media), 1);
	phone_send_packet(&call.a, call.port_a, 8, 1, 1);
	phone_receives_mark(&call.b, 1, call.port_b);
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_RTP, call.port_a, &call.a.addr, 1);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_RTP, call.port_b, &call.b.addr, 1);
	phone_send_packet(&call.b, call.port_b, 8, 2, 2);
	phone_receives_mark(&call.a, 2, call.port_a);
	expect(&call, TRACE_RECEIVED, MEDIA_B, PACKET_RTP, call.port_b, &call.b.addr, 2);
	expect(&call, TRACE_SENT, MEDIA_A, PACKET_RTP, call.port_a, &call.a.addr, 2);
	/* RTCP of the caller, also at the port above its own. */
	phone_send_packet(&a_rtcp, call.port_a, 200, 1, 3);
	phone_receives_mark(&b_rtcp, 3, call.port_b);
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_RTCP, call.port_a, &a_rtcp.addr, 3);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_RTCP, call.port_b, &b_rtcp.addr, 3);
	phone_send_packet(&a_rtcp, call.port_b, 200, 1, 4);
	phone_receives_mark(&b_rtcp, 4, call.port_b);
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_RTCP, call.port_b, &a_rtcp.addr, 4);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_RTCP, call.port_b, &b_rtcp.addr, 4);
	expect_nothing(&call);
	close(a_rtcp.fd);
	close(b_rtcp.fd);
	end_call(&call);
}

static void rtcp_of_the_paired_layout(void **state)
{
	struct call call;
	struct phone a_rtcp;
	struct phone b_rtcp;

	(void)state;
	new_call(&call, MEDIA_PAIRED);
	a_rtcp = phone_new_at(PHONE_A, (uint16_t)(call.a.addr.port + 1));
	b_rtcp = phone_new_at(PHONE_B, (uint16_t)(call.b.addr.port + 1));
	assert_true(media_capture_start(call.session, KEY));
	phone_send_packet(&a_rtcp, (uint16_t)(call.port_a + 1), 200, 1, 1);
	phone_receives_mark(&b_rtcp, 1, (uint16_t)(call.port_b + 1));
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_RTCP, (uint16_t)(call.port_a + 1),
	       &a_rtcp.addr, 1);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_RTCP, (uint16_t)(call.port_b + 1), &b_rtcp.addr,
	       1);
	close(a_rtcp.fd);
	close(b_rtcp.fd);
	end_call(&call);
}

static void only_while_it_is_on_and_only_of_the_stream(void **state)
{
	struct phone evil = phone_new(EVIL);
	struct call call;

	(void)state;
	new_call(&call, MEDIA_COMPACT);
	phone_send_packet(&call.a, call.port_a, 8, 1, 1);
	phone_receives_mark(&call.b, 1, call.port_b);
	expect_nothing(&call);
	assert_true(media_capture_start(call.session, KEY));
	/* Again is the same. */
	assert_true(media_capture_start(call.session, KEY));
	phone_send_packet(&evil, call.port_a, 8, 1, 2);
	WAIT_FOR(call.session, MEDIA_A, foreign, 1);
	expect_nothing(&call);
	phone_send_packet(&call.a, call.port_a, 8, 1, 3);
	phone_receives_mark(&call.b, 3, call.port_b);
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_RTP, call.port_a, &call.a.addr, 3);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_RTP, call.port_b, &call.b.addr, 3);
	assert_int_equal(media_captured(call.media), 1);
	media_capture_stop(call.session);
	phone_send_packet(&call.a, call.port_a, 8, 1, 4);
	phone_receives_mark(&call.b, 4, call.port_b);
	expect_nothing(&call);
	assert_int_equal(media_captured(call.media), 0);
	close(evil.fd);
	end_call(&call);
}

static void fax_is_copied_as_it_is(void **state)
{
	struct media_peer peer = {.is_raw = true};
	uint8_t data[20] = {0, 1, [19] = 7};
	struct call call;

	(void)state;
	new_call(&call, MEDIA_COMPACT);
	peer.rtp = call.a.addr;
	media_set_peer(call.session, MEDIA_A, &peer);
	peer.rtp = call.b.addr;
	media_set_peer(call.session, MEDIA_B, &peer);
	assert_true(media_capture_start(call.session, KEY));
	phone_send(&call.a, call.port_a, data, sizeof(data));
	phone_receives_mark(&call.b, 7, call.port_b);
	expect(&call, TRACE_RECEIVED, MEDIA_A, PACKET_OTHER, call.port_a, &call.a.addr, 7);
	expect(&call, TRACE_SENT, MEDIA_B, PACKET_OTHER, call.port_b, &call.b.addr, 7);
	end_call(&call);
}

static void without_a_ring_nothing_is_kept(void **state)
{
	struct call call;

	(void)state;
	new_call(&call, MEDIA_COMPACT);
	media_set_recorder(call.media, NULL);
	assert_false(media_capture_start(call.session, KEY));
	assert_int_equal(media_captured(call.media), 0);
	phone_send_packet(&call.a, call.port_a, 8, 1, 1);
	phone_receives_mark(&call.b, 1, call.port_b);
	end_call(&call);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_with_addresses),
		cmocka_unit_test(rtcp_of_the_paired_layout),
		cmocka_unit_test(only_while_it_is_on_and_only_of_the_stream),
		cmocka_unit_test(fax_is_copied_as_it_is),
		cmocka_unit_test(without_a_ring_nothing_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
