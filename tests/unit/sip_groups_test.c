/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of gateway groups, taken and given back by calls on a set clock. */
#include "tests/support/test.h"

#include "tests/support/transfer_call.h"

static void configure(struct bench *bench, const char *kind, const char *gateway,
		      const char *capacity)
{
	struct change_list list = {0};

	changes_create(&list, "gateway-group", "g");
	changes_field(&list, "gateway-group", "g", "capacity", capacity);
	changes_field(&list, kind, gateway, "groups", "g");
	bench_change(bench, &list);
}

static void call(struct bench *bench, const char *call_id)
{
	bench->call_id = call_id;
	caller_sends(bench, "INVITE", 1, call_id, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

static void one_line(const char *kind, const char *gateway)
{
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	configure(bench, kind, gateway, "1");
	bench_set_up(bench, invite, tag);
	call(bench, "call-2");
	peer_expect(&bench->caller, "SIP/2.0 503 ");
	peer_expect_nothing(&bench->callee);
	assert_int_equal(count_calls(bench), 1);
	bench->call_id = "call-1";
	caller_sends(bench, "BYE", 2, "bye", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	/* Refused calls give their lines back as well. */
	for (int i = 0; i < 3; i++) {
		static const char *const ids[] = {"call-3", "call-4", "call-5"};

		call(bench, ids[i]);
		peer_expect(&bench->callee, "INVITE ");
		answer(bench, &bench->callee, "486 Busy", "", "");
		peer_expect(&bench->callee, "ACK ");
		peer_expect(&bench->caller, "SIP/2.0 486 ");
	}
	bench_close(bench);
}

static void of_a_routing_gateway(void **state)
{
	(void)state;
	one_line("routing-gateway", "out");
}

static void of_a_mapping_gateway(void **state)
{
	(void)state;
	one_line("mapping-gateway", "in");
}

/* --- Calls that change their parties. --- */

static uint32_t lines_of(const struct bench *bench, const char *gateway)
{
	const struct conf_mapping_gateway *in = conf_mapping_named(bench->conf, span_of(gateway));
	const struct conf_routing_gateway *out =
		in ? NULL : conf_routing_gateway_find(bench->conf, span_of(gateway));

	return atomic_load(&(in ? &in->membership : &out->membership)->groups[0]->live->calls);
}

/* The caller leaves to 401: the line of the gateway that stays is still taken, beside that of whose
 * call it is now. */
static void of_the_party_that_stays(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	char invite[8192], tag[64];

	(void)state;
	configure(bench, "mapping-gateway", "in", "10");
	changes_create(&list, "gateway-group", "h");
	changes_field(&list, "gateway-group", "h", "capacity", "10");
	changes_field(&list, "routing-gateway", "out", "groups", "h");
	bench_change(bench, &list);
	bench_set_up(bench, invite, tag);
	assert_int_equal(lines_of(bench, "in"), 1);
	assert_int_equal(lines_of(bench, "out"), 1);
	bench->extra = "Refer-To: <sip:401@x>\r\nRefer-Sub: false\r\n";
	caller_sends(bench, "REFER", 2, "refer", tag, "");
	bench->extra = "";
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->phones[1], "INVITE ");
	answer(bench, &bench->phones[1], "200 OK", "", OFFER);
	peer_expect(&bench->callee, "INVITE ");
	agree(bench, &bench->callee, ANSWER);
	peer_expect(&bench->callee, "ACK ");
	peer_expect(&bench->phones[1], "ACK ");
	end_by(bench, &bench->caller);
	assert_int_equal(lines_of(bench, "in"), 1);
	assert_int_equal(lines_of(bench, "out"), 1);
	callee_sends(bench, invite, "BYE", 3, "");
	peer_expect(&bench->callee, "SIP/2.0 200 ");
	end_by(bench, &bench->phones[1]);
	assert_int_equal(lines_of(bench, "in"), 0);
	assert_int_equal(lines_of(bench, "out"), 0);
	bench_close(bench);
}

/* 400 joins two calls of the gateway, which has a line for either. */
static void of_both_parties(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_transfer(&list, "off");
	struct transfer first, second;
	char refer_to[512], tag[64], id[64];

	(void)state;
	configure(bench, "mapping-gateway", "in", "10");
	connect_to(&first, bench, "c1", "400", 0, "p");
	connect_to(&second, bench, "c2", "400", 0, "q");
	copy_line(second.invite, "Call-ID: ", id, sizeof(id));
	snprintf(tag, sizeof(tag), "%s", strstr(second.invite, ";tag=") + 5);
	tag[strcspn(tag, "\r")] = '\0';
	snprintf(refer_to, sizeof(refer_to),
		 "Refer-To: <sip:x@x?Replaces=%s%%3Bto-tag%%3D%s%%3Bfrom-tag%%3Dq>\r\n"
		 "Refer-Sub: false\r\n",
		 id + 9, tag);
	assert_int_equal(lines_of(bench, "in"), 2);
	phone_refers(&first, 2, refer_to);
	peer_expect(&bench->phones[0], "SIP/2.0 200 ");
	peer_expect(&bench->caller, "INVITE "); /* in its second call */
	agree(bench, &bench->caller, OFFER);
	end_by(bench, &bench->phones[0]);
	peer_expect(&bench->caller, "INVITE "); /* in its first one */
	agree(bench, &bench->caller, ANSWER);
	peer_expect(&bench->caller, "ACK ");
	peer_expect(&bench->caller, "ACK ");
	end_by(bench, &bench->phones[0]);
	assert_int_equal(count_calls(bench), 1);
	assert_int_equal(lines_of(bench, "in"), 2);
	bench->called = "400";
	bench->call_id = "c1";
	caller_sends(bench, "BYE", 9, "bye", first.tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	end_by(bench, &bench->caller);
	assert_int_equal(lines_of(bench, "in"), 0);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(of_a_routing_gateway), cmocka_unit_test(of_a_mapping_gateway),
	  cmocka_unit_test(of_the_party_that_stays), cmocka_unit_test(of_both_parties))
