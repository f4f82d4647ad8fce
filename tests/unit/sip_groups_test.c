/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of gateway groups, taken and given back by calls on a set clock. */
#include "tests/support/test.h"

#include "tests/support/changes.h"
#include "tests/support/session_call.h"

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

TEST_MAIN(cmocka_unit_test(of_a_routing_gateway), cmocka_unit_test(of_a_mapping_gateway))
