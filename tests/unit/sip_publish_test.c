/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PUBLISH of a gateway about its capacity, on a set clock. The publisher is the bench's callee, the
 * routing gateway "out". */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/conf/live.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

#define TYPE "Content-Type: application/gateway-load\r\n"

struct fixture {
	struct bench *bench;
	struct live *live;
	int cseq;
	char tag[32];
};

static void open_fixture(struct fixture *fixture)
{
	struct change_list list = {0};

	*fixture = (struct fixture){.bench = bench_open("off")};
	changes_field(&list, "routing-gateway", "out", "allow-publish", "on");
	bench_change(fixture->bench, &list);
	fixture->live = conf_routing_gateway_find(fixture->bench->conf, SPAN_LIT("out"))->live;
}

/* A PUBLISH with these header lines and body; the answer begins like that. */
static void publish(struct fixture *fixture, const char *extra, const char *body,
		    const char *status)
{
	struct bench *bench = fixture->bench;
	struct peer *peer = &bench->callee;
	const char *tag;
	char start[32];
	char text[2048];

	fixture->cseq++;
	snprintf(text, sizeof(text),
		 "PUBLISH sip:out@127.0.0.1:%u SIP/2.0\r\n"
		 "Via: SIP/2.0/UDP 127.0.0.1:%u;branch=z9hG4bKp%d\r\nMax-Forwards: 70\r\n"
		 "From: <sip:out@127.0.0.1>;tag=p\r\nTo: <sip:out@127.0.0.1>\r\n"
		 "Call-ID: publish\r\nCSeq: %d PUBLISH\r\n%sContent-Length: %zu\r\n\r\n%s",
		 bench->port, peer->port, fixture->cseq, fixture->cseq, extra, strlen(body), body);
	peer_send(bench, peer, text);
	snprintf(start, sizeof(start), "SIP/2.0 %s ", status);
	peer_expect(peer, start);
	tag = strstr(peer->text, "\r\nSIP-ETag: ");
	assert_int_equal(tag != NULL, strcmp(status, "200") == 0);
	if (tag)
		snprintf(fixture->tag, sizeof(fixture->tag), "%.16s", tag + 12);
}

/* Of the answer. */
static void has_line(struct fixture *fixture, const char *line)
{
	if (!strstr(fixture->bench->callee.text, line))
		fail_msg("no %s in %s", line, fixture->bench->callee.text);
}

static const char *with_tag(const struct fixture *fixture, const char *more)
{
	static char text[256];

	snprintf(text, sizeof(text), "Event: gateway-load\r\nSIP-If-Match: %s\r\n%s", fixture->tag,
		 more);
	return text;
}

/* Whether a call goes to the gateway now; it is refused there. */
static void call(struct fixture *fixture, const char *call_id, bool goes)
{
	struct bench *bench = fixture->bench;
	char branch[32];

	bench->call_id = call_id;
	snprintf(branch, sizeof(branch), "c%s", call_id);
	caller_sends(bench, "INVITE", 1, branch, "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 100 ");
	if (goes) {
		peer_expect(&bench->callee, "INVITE ");
		callee_answers(bench, bench->callee.text, "486 Busy", "");
		peer_expect(&bench->callee, "ACK ");
	}
	peer_expect(&bench->caller, goes ? "SIP/2.0 486 " : "SIP/2.0 503 ");
	peer_expect_nothing(&bench->callee);
	caller_sends(bench, "ACK", 1, branch, "x", "");
}

static void capacity_until_it_expires(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	call(&fixture, "before", true);
	publish(&fixture, "Event: gateway-load\r\nExpires: 60\r\n" TYPE,
		"capacity: 0\r\ncalls: 7\r\n", "200");
	has_line(&fixture, "\r\nExpires: 60\r\n");
	assert_int_equal(fixture.live->published_calls, 7);
	call(&fixture, "none", false);
	bench_advance(fixture.bench, 59000);
	call(&fixture, "still-none", false);
	bench_advance(fixture.bench, 1500);
	call(&fixture, "expired", true);
	bench_close(fixture.bench);
}

static void refreshed_changed_and_removed(void **state)
{
	struct fixture fixture;
	char old[256];

	(void)state;
	open_fixture(&fixture);
	publish(&fixture, "o: gateway-load\r\n" TYPE, "Capacity:0\n", "200");
	has_line(&fixture, "\r\nExpires: 300\r\n"); /* SS_SIP_PUBLISH_EXPIRE */
	snprintf(old, sizeof(old), "%s", with_tag(&fixture, ""));
	bench_advance(fixture.bench, 200000);
	publish(&fixture, with_tag(&fixture, "Expires: 7201\r\n"), "", "200");
	has_line(&fixture, "\r\nExpires: 7200\r\n");
	bench_advance(fixture.bench, 200000);
	call(&fixture, "refreshed", false);
	publish(&fixture, old, "", "412");
	call(&fixture, "old-tag", false);
	publish(&fixture, with_tag(&fixture, TYPE), "capacity: 1\r\nweather: fine\r\n", "200");
	call(&fixture, "changed", true);
	publish(&fixture, with_tag(&fixture, TYPE), "capacity: 0\r\n", "200");
	call(&fixture, "closed", false);
	publish(&fixture, with_tag(&fixture, "Expires: 0\r\n"), "", "200");
	has_line(&fixture, "\r\nExpires: 0\r\n");
	call(&fixture, "removed", true);
	publish(&fixture, with_tag(&fixture, ""), "", "412");
	bench_close(fixture.bench);
}

/* A repetition finds the answer, not another tag. */
static void repetition_is_answered_alike(void **state)
{
	struct fixture fixture;
	char first[32];
	char extra[256];

	(void)state;
	open_fixture(&fixture);
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "capacity: 5\r\n", "200");
	snprintf(extra, sizeof(extra), "%s", with_tag(&fixture, ""));
	publish(&fixture, extra, "", "200");
	snprintf(first, sizeof(first), "%s", fixture.tag);
	fixture.cseq--;
	publish(&fixture, extra, "", "200");
	assert_string_equal(fixture.tag, first);
	bench_close(fixture.bench);
}

static void what_cannot_be_taken(void **state)
{
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	publish(&fixture, "Event: presence\r\n" TYPE, "capacity: 5\r\n", "489");
	has_line(&fixture, "\r\nAllow-Events: gateway-load\r\n");
	publish(&fixture, TYPE, "capacity: 5\r\n", "489");
	publish(&fixture, "Event: gateway-load\r\nExpires: 29\r\n" TYPE, "capacity: 5\r\n", "423");
	has_line(&fixture, "\r\nMin-Expires: 30\r\n");
	publish(&fixture, "Event: gateway-load\r\nExpires: soon\r\n" TYPE, "capacity: 5\r\n",
		"400");
	publish(&fixture, "Event: gateway-load\r\nContent-Type: text/plain\r\n", "capacity: 5\r\n",
		"415");
	has_line(&fixture, "\r\nAccept: application/gateway-load\r\n");
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "capacity: many\r\n", "400");
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "calls: 5\r\n", "400");
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "", "400");
	publish(&fixture, "Event: gateway-load\r\nSIP-If-Match: none-of-yours\r\n", "", "412");
	publish(&fixture, "Event: gateway-load\r\nSIP-If-Match: 0000000000000000\r\n", "", "412");
	assert_int_equal(fixture.live->published_until_us, 0);
	bench_close(fixture.bench);
}

static void only_who_is_allowed(void **state)
{
	struct change_list list = {0};
	struct fixture fixture;

	(void)state;
	open_fixture(&fixture);
	changes_field(&list, "routing-gateway", "out", "allow-publish", "off");
	bench_change(fixture.bench, &list);
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "capacity: 0\r\n", "403");
	changes_field(&list, "routing-gateway", "out", "allow-publish", "on");
	changes_field(&list, "routing-gateway", "out", "lock", "all");
	bench_change(fixture.bench, &list);
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "capacity: 0\r\n", "403");
	changes_field(&list, "routing-gateway", "out", "lock", "none");
	changes_field_reset(&list, "routing-gateway", "out", "address", NULL);
	changes_field(&list, "routing-gateway", "out", "address", "127.0.0.9");
	bench_change(fixture.bench, &list);
	publish(&fixture, "Event: gateway-load\r\n" TYPE, "capacity: 0\r\n", "403");
	bench_close(fixture.bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capacity_until_it_expires),
		cmocka_unit_test(refreshed_changed_and_removed),
		cmocka_unit_test(repetition_is_answered_alike),
		cmocka_unit_test(what_cannot_be_taken),
		cmocka_unit_test(only_who_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
