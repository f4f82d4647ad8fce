/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether media passes through the relay, decided anew for each gateway that is tried, and the
 * layout of its ports; as the gateways see it in the offers and show in the call. */
#include "tests/support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/call/call.h"
#include "switchd/media/media.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define CALLER_PORT 4000 /* in BODY */

static void field(struct change_list *list, const char *name, const char *what, const char *value)
{
	changes_field(list, "routing-gateway", name, what, value);
}

static void add_gateway(struct change_list *list, const char *name, const struct peer *peer,
			const char *priority, const char *media_proxy)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	changes_create(list, "routing-gateway", name);
	field(list, name, "address", address);
	field(list, name, "prefixes", "7");
	field(list, name, "priority", priority);
	field(list, name, "media-proxy", media_proxy);
}

/* Number 7...: gateways a, b, c in that order, each with its own word of media-proxy. */
static struct bench *open_three(struct change_list *list, const char *global, const char *a,
				const char *b, const char *c)
{
	struct bench *bench = bench_open(global);

	add_gateway(list, "a", &bench->callee, "1", a);
	add_gateway(list, "b", &bench->phones[0], "2", b);
	add_gateway(list, "c", &bench->phones[1], "3", c);
	bench->called = "700";
	return bench;
}

static unsigned media_port_in(const char *message)
{
	const char *at = strstr(message, "m=audio ");

	if (!at)
		fail_msg("no audio in %s", message);
	return (unsigned)strtoul(at + 8, NULL, 10);
}

static struct call_detail the_call(const struct bench *bench)
{
	struct call_table *table = bench->worker->calls;
	struct call_detail detail;
	struct call_info info;

	assert_int_equal(call_table_list(table, 0, &info, 1), 1);
	assert_true(call_table_detail(table, info.id, &detail));
	return detail;
}

static void check_reason(const struct bench *bench, bool is_relayed, enum decide_step step,
			 const char *reason)
{
	struct call_detail detail = the_call(bench);
	struct decide_party parties[2];
	struct buf text = buf_new();

	for (int i = 0; i < 2; i++) {
		parties[i] = detail.decided[i].decide;
		parties[i].network = detail.decided[i].network;
	}
	decide_reason(detail.info.media_step, &parties[0], &parties[1], &text);
	assert_int_equal(detail.info.is_relayed, is_relayed);
	assert_string_equal(decide_step_name(detail.info.media_step), decide_step_name(step));
	assert_string_equal(buf_cstr(&text), reason);
	buf_free(&text);
}

static void call(struct bench *bench)
{
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
}

static void refuse(struct bench *bench, struct peer *gateway)
{
	peer_answers(bench, gateway, gateway->text, "503 Down", "gw", "");
	peer_expect(gateway, "ACK ");
}

static void take(struct bench *bench, struct peer *gateway)
{
	char invite[8192];

	snprintf(invite, sizeof(invite), "%s", gateway->text);
	peer_answers(bench, gateway, invite, "200 OK", "gw", BODY);
	peer_expect(gateway, "ACK ");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
}

static void hang_up(struct bench *bench, struct peer *gateway)
{
	char answer[8192];
	char tag[64];

	snprintf(answer, sizeof(answer), "%s", bench->caller.text);
	message_to_tag(answer, tag, sizeof(tag));
	caller_sends(bench, "ACK", 1, "ack", tag, "");
	caller_sends(bench, "BYE", 2, "b1", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(gateway, "BYE ");
	peer_answers(bench, gateway, gateway->text, "200 OK", "gw", "");
}

static uint64_t pairs_used(const struct bench *bench)
{
	struct media_status status;

	media_status(bench->shared.media, &status);
	return status.pairs_used;
}

/* Off, then Must On, then On: the same call is direct, relayed, relayed. */
static void each_gateway_is_decided_for(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list, "auto", "off", "must-on", "on");
	unsigned port;

	(void)state;
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE ");
	assert_int_equal(media_port_in(bench->callee.text), CALLER_PORT);
	check_reason(bench, false, DECIDE_PARTY_OFF, "the callee's media-proxy is off");
	refuse(bench, &bench->callee);

	peer_expect(&bench->phones[0], "INVITE ");
	port = media_port_in(bench->phones[0].text);
	assert_in_range(port, 20000, 20999);
	check_reason(bench, true, DECIDE_PARTY_MUST_ON, "the callee's media-proxy is must-on");
	refuse(bench, &bench->phones[0]);

	/* The ports of the attempt before go on: the caller may have heard of them. */
	peer_expect(&bench->phones[1], "INVITE ");
	assert_int_equal(media_port_in(bench->phones[1].text), port);
	assert_int_equal(pairs_used(bench), 1);
	take(bench, &bench->phones[1]);
	assert_int_equal(media_port_in(bench->caller.text), port - 1);
	/* Kept with the call once it is up. */
	check_reason(bench, true, DECIDE_PARTY_ON, "the callee's media-proxy is on");
	hang_up(bench, &bench->phones[1]);
	bench_close(bench);
}

/* From a relayed gateway to a direct one: nothing of the relay is left in the offer or the books.
 */
static void relayed_then_direct(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list, "on", "auto", "off", "auto");

	(void)state;
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE ");
	assert_int_not_equal(media_port_in(bench->callee.text), CALLER_PORT);
	check_reason(bench, true, DECIDE_GLOBAL_ON,
		     "both parties are auto and media-proxy-mode is on");
	refuse(bench, &bench->callee);
	peer_expect(&bench->phones[0], "INVITE ");
	assert_int_equal(media_port_in(bench->phones[0].text), CALLER_PORT);
	take(bench, &bench->phones[0]);
	assert_int_equal(media_port_in(bench->caller.text), CALLER_PORT);
	check_reason(bench, false, DECIDE_PARTY_OFF, "the callee's media-proxy is off");
	hang_up(bench, &bench->phones[0]);
	bench_close(bench);
}

/* Parties in networks of the configuration: by their address, or by name; the caller is in "here".
 */
static void networks_decide(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list, "auto", "auto", "auto", "auto");

	(void)state;
	changes_create(&list, "network", "here");
	changes_field(&list, "network", "here", "prefix", "127.0.0.0/8");
	changes_create(&list, "network", "far");
	changes_field(&list, "network", "far", "prefix", "198.51.100.0/24");
	field(&list, "a", "network", "far");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE ");
	check_reason(bench, true, DECIDE_BETWEEN_NET,
		     "the caller is in network here, the callee in far");
	refuse(bench, &bench->callee);
	/* The next one is in "here" by its address. */
	peer_expect(&bench->phones[0], "INVITE ");
	assert_int_equal(media_port_in(bench->phones[0].text), CALLER_PORT);
	check_reason(bench, false, DECIDE_DIRECT, "nothing asks for the relay");
	take(bench, &bench->phones[0]);
	check_reason(bench, false, DECIDE_DIRECT, "nothing asks for the relay");
	hang_up(bench, &bench->phones[0]);
	bench_close(bench);
}

/* A gateway that insists on RTCP at the next port: two pairs, no a=rtcp; the next one has one. */
static void layout_of_each_gateway(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list, "on", "auto", "auto", "auto");
	unsigned port;

	(void)state;
	field(&list, "a", "rtp-port-layout", "paired");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE ");
	port = media_port_in(bench->callee.text);
	assert_int_equal(port % 2, 0);
	assert_null(strstr(bench->callee.text, "a=rtcp"));
	assert_int_equal(pairs_used(bench), 2);
	assert_true(the_call(bench).info.is_paired);
	refuse(bench, &bench->callee);
	peer_expect(&bench->phones[0], "INVITE ");
	port = media_port_in(bench->phones[0].text);
	assert_int_equal(port % 2, 1);
	assert_non_null(strstr(bench->phones[0].text, "a=rtcp:"));
	assert_false(the_call(bench).info.is_paired);
	take(bench, &bench->phones[0]);
	assert_int_equal(media_port_in(bench->caller.text), port - 1);
	hang_up(bench, &bench->phones[0]);
	bench_close(bench);
}

/* For all that say nothing themselves. */
static void layout_by_the_parameter(void **state)
{
	struct change_list list = {0};
	struct bench *bench = open_three(&list, "on", "auto", "auto", "auto");

	(void)state;
	changes_param(&list, "SS_RTP_PORT_LAYOUT", "paired");
	bench_change(bench, &list);
	call(bench);
	peer_expect(&bench->callee, "INVITE ");
	assert_true(the_call(bench).info.is_paired);
	refuse(bench, &bench->callee);
	peer_expect(&bench->phones[0], "INVITE ");
	take(bench, &bench->phones[0]);
	assert_int_equal(media_port_in(bench->caller.text) % 2, 0);
	assert_null(strstr(bench->caller.text, "a=rtcp"));
	hang_up(bench, &bench->phones[0]);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(each_gateway_is_decided_for), cmocka_unit_test(relayed_then_direct),
	  cmocka_unit_test(networks_decide), cmocka_unit_test(layout_of_each_gateway),
	  cmocka_unit_test(layout_by_the_parameter))
