/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a call writes into the flight recorder: each decision, once, in the order in which it was
 * taken. */
#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/call/cause.h"
#include "switchd/call/call_switch.h"
#include "switchd/call/route.h"
#include "switchd/media/decide.h"
#include "switchd/auth/digest.h"
#include "switchd/call/call_private.h"
#include "switchd/trace/find.h"
#include "tests/support/call_bench.h"
#include "tests/support/changes.h"

/* A note as it is expected; text NULL: any. */
struct wanted {
	enum trace_note note;
	int64_t a;
	const char *text;
};

static void expect_notes(struct trace_item *const *items, size_t count, const struct wanted *wanted,
			 size_t wanted_count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		const struct trace_event *event = &items[i]->event;

		if (event->kind != TRACE_NOTE)
			continue;
		if (at == wanted_count)
			fail_msg("a note too many: %s",
				 trace_note_text((enum trace_note)event->note));
		if (event->note != wanted[at].note || event->a != wanted[at].a ||
		    (wanted[at].text && !span_eq(event->data, span_of(wanted[at].text))))
			fail_msg("note %zu: expected %s %d '%s', got %s %d '%.*s'", at,
				 trace_note_text(wanted[at].note), (int)wanted[at].a,
				 wanted[at].text ? wanted[at].text : "",
				 trace_note_text((enum trace_note)event->note), (int)event->a,
				 (int)event->data.len, event->data.ptr);
		at++;
	}
	assert_int_equal(at, wanted_count);
}

/* Of the only call there was, or of the only dialog when there was none. */
static void expect(const struct bench *bench, bool is_call, const struct wanted *wanted,
		   size_t wanted_count)
{
	const struct trace_filter filter = {.calls_only = is_call};
	struct trace_item **items;
	struct trace_call *calls;
	size_t count;
	bool is_cut;

	calls = trace_find(bench->shared.recorder, &filter, 10, &count);
	assert_int_equal(count, 1);
	assert_int_equal(calls[0].key != 0, is_call);
	items = trace_read(bench->shared.recorder, &calls[0], 1 << 20, &count, &is_cut);
	assert_false(is_cut);
	expect_notes(items, count, wanted, wanted_count);
	trace_items_free(items, count);
	free(calls);
}

#define EXPECT(bench, is_call, wanted) \
	expect((bench), (is_call), (wanted), sizeof(wanted) / sizeof((wanted)[0]))

#define BEGIN(callee_)                                                                  \
	{TRACE_LEG, MEDIA_A, "mapping-gateway in"}, {TRACE_CALL_START, 0, "100"},       \
		{TRACE_CALLED, 0, (callee_)}, {TRACE_MATCHED, 0, "mapping-gateway in"}, \
	{                                                                               \
		TRACE_MATCHED_BY, 0, "its address"                                      \
	}

static int number_of(enum cause_id id)
{
	return cause_number(cause_of(id));
}

static void an_answered_call(void **state)
{
	const struct wanted wanted[] = {
		BEGIN("900"),
		{TRACE_CANDIDATE_IN, ROUTE_IN, "out"},
		{TRACE_CHOICE, 0, "routing-gateway out"},
		{TRACE_MEDIA, DECIDE_GLOBAL_OFF, "direct"},
		{TRACE_LEG, MEDIA_B, "routing-gateway out"},
		{TRACE_ANSWERED, 0, "routing-gateway out"},
		{TRACE_CALL_END, 0, ""},
	};
	struct bench *bench = bench_open("off");
	char invite[8192], tag[64];

	(void)state;
	bench_set_up(bench, invite, tag);
	caller_sends(bench, "BYE", 2, "bye", tag, "");
	peer_expect(&bench->caller, "SIP/2.0 200 ");
	peer_expect(&bench->callee, "BYE ");
	callee_answers(bench, bench->callee.text, "200 OK", "");
	EXPECT(bench, true, wanted);
	bench_close(bench);
}

static void a_second_gateway(struct bench *bench, struct change_list *list, const char *name,
			     const char *prefixes, const struct peer *peer)
{
	char address[32];

	snprintf(address, sizeof(address), "127.0.0.1:%u", peer->port);
	changes_create(list, "routing-gateway", name);
	changes_field(list, "routing-gateway", name, "address", address);
	changes_field(list, "routing-gateway", name, "prefixes", prefixes);
	(void)bench;
}

static void the_next_gateway(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");
	const struct wanted wanted[] = {
		BEGIN("900"),
		{TRACE_CANDIDATE_IN, ROUTE_IN, "best"},
		{TRACE_CANDIDATE_IN, ROUTE_IN, "out"},
		{TRACE_CANDIDATE_OUT, ROUTE_LOCKED, "shut"},
		{TRACE_CHOICE, 0, "routing-gateway best"},
		{TRACE_MEDIA, DECIDE_GLOBAL_OFF, "direct"},
		{TRACE_LEG, MEDIA_B, "routing-gateway best"},
		{TRACE_ATTEMPT_OVER, 404, "routing-gateway best"},
		{TRACE_SWITCH, SWITCH_GO_ON, NULL},
		{TRACE_CHOICE, 0, "routing-gateway out"},
		{TRACE_MEDIA, DECIDE_GLOBAL_OFF, "direct"},
		{TRACE_LEG, MEDIA_B, "routing-gateway out"},
		{TRACE_ATTEMPT_OVER, 486, "routing-gateway out"},
		{TRACE_NO_SWITCH, SWITCH_STOP_BUSY, NULL},
		{TRACE_CALL_END, 486, ""},
	};

	(void)state;
	a_second_gateway(bench, &list, "best", "90", &bench->phones[0]);
	a_second_gateway(bench, &list, "shut", "900", &bench->phones[1]);
	changes_field(&list, "routing-gateway", "shut", "lock", "all");
	bench_change(bench, &list);
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->phones[0], "INVITE ");
	peer_answers(bench, &bench->phones[0], bench->phones[0].text, "404 Unknown", "p", "");
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "486 Busy Here", "");
	EXPECT(bench, true, wanted);
	bench_close(bench);
}

static void no_route(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");
	const struct wanted wanted[] = {
		BEGIN("700"),
		{TRACE_CANDIDATE_OUT, ROUTE_LOCKED, "shut"},
		{TRACE_CALL_END, number_of(CAUSE_NO_ROUTE), ""},
	};

	(void)state;
	a_second_gateway(bench, &list, "shut", "7", &bench->phones[1]);
	changes_field(&list, "routing-gateway", "shut", "lock", "all");
	bench_change(bench, &list);
	bench->called = "700";
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	EXPECT(bench, true, wanted);
	bench_close(bench);
}

static void a_timer(void **state)
{
	static const char *const params[] = {"SS_SIP_TIMEOUT_RINGING", "20", NULL};
	struct bench *bench = bench_open("off");
	const struct wanted wanted[] = {
		BEGIN("900"),
		{TRACE_CANDIDATE_IN, ROUTE_IN, "out"},
		{TRACE_CHOICE, 0, "routing-gateway out"},
		{TRACE_MEDIA, DECIDE_GLOBAL_OFF, "direct"},
		{TRACE_LEG, MEDIA_B, "routing-gateway out"},
		{TRACE_TIMER, 20, "ringing"},
		{TRACE_ATTEMPT_OVER, number_of(CAUSE_NO_ANSWER), "routing-gateway out"},
		{TRACE_NO_SWITCH, SWITCH_STOP_RING, NULL},
		{TRACE_CALL_END, number_of(CAUSE_NO_ANSWER), ""},
	};

	(void)state;
	bench_configure(bench, params);
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "180 Ringing", "");
	bench_advance(bench, 21000);
	EXPECT(bench, true, wanted);
	bench_close(bench);
}

static void a_forward(void **state)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("off");
	const struct wanted wanted[] = {
		BEGIN("400"),
		{TRACE_FORWARD, 0, "900"},
		{TRACE_CANDIDATE_IN, ROUTE_IN, "out"},
		{TRACE_CHOICE, 0, "routing-gateway out"},
		{TRACE_MEDIA, DECIDE_GLOBAL_OFF, "direct"},
		{TRACE_LEG, MEDIA_B, "routing-gateway out"},
		{TRACE_ATTEMPT_OVER, 486, "routing-gateway out"},
		{TRACE_NO_SWITCH, SWITCH_STOP_BUSY, NULL},
		{TRACE_CALL_END, 486, ""},
	};

	(void)state;
	changes_create(&list, "phone", "400");
	changes_field(&list, "phone", "400", "forward-always", "900");
	bench_change(bench, &list);
	bench->called = "400";
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->callee, "INVITE ");
	callee_answers(bench, bench->callee.text, "486 Busy Here", "");
	EXPECT(bench, true, wanted);
	bench_close(bench);
}

/* Nobody's address: there is no call, and the notes are found by the request's Call-ID. */
static void no_credentials(void **state)
{
	static const struct wanted wanted[] = {
		{TRACE_AUTH_CHALLENGED, AUTH_MISSING, "100"},
		{TRACE_AUTH_FAILED, AUTH_WRONG, "100"},
	};
	struct change_list list = {0};
	struct bench *bench = bench_open("off");
	const char *nonce;
	char extra[512];

	(void)state;
	changes_delete(&list, "mapping-gateway", "in");
	bench_change(bench, &list);
	caller_sends(bench, "INVITE", 1, "i1", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 401 ");
	nonce = strstr(bench->caller.text, "nonce=\"");
	assert_non_null(nonce);
	nonce += 7;
	snprintf(extra, sizeof(extra),
		 "Authorization: Digest username=\"nobody\", realm=\"%s\", nonce=\"%.*s\", "
		 "uri=\"sip:900@127.0.0.1\", response=\"00000000000000000000000000000000\", "
		 "algorithm=MD5, qop=auth, nc=00000001, cnonce=\"1\"\r\n",
		 bench->conf->realm, (int)strcspn(nonce, "\""), nonce);
	bench->extra = extra;
	caller_sends(bench, "INVITE", 2, "i2", "", BODY);
	peer_expect(&bench->caller, "SIP/2.0 401 ");
	EXPECT(bench, false, wanted);
	bench_close(bench);
}

TEST_MAIN(cmocka_unit_test(an_answered_call), cmocka_unit_test(the_next_gateway),
	  cmocka_unit_test(no_route), cmocka_unit_test(a_timer), cmocka_unit_test(a_forward),
	  cmocka_unit_test(no_credentials))
