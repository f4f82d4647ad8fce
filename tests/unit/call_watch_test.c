/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A party that hears nothing, packets of others, and streams whose end is to end the call: on a set
 * clock, with real packets through the relay. */
#include "tests/support/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/catalog/catalog.h"
#include "switchd/alarm/alarm.h"
#include "switchd/call/call_private.h"
#include "tests/support/changes.h"
#include "tests/support/phone.h"
#include "tests/support/session_call.h"

#define HELD_BODY BODY "a=sendonly\r\n"

struct watched {
	struct bench *bench;
	struct session session;
	struct alarms *alarms;
	struct phone phones[MEDIA_SIDES];
	uint16_t sequence[MEDIA_SIDES];
};

static void open_call(struct watched *watched, const char *caller, const char *callee)
{
	struct change_list list = {0};
	struct bench *bench = bench_open("on");

	*watched = (struct watched){.bench = bench};
	assert_int_equal(alarms_create(NULL, &watched->alarms), VOS_OK);
	bench->worker->calls->env.alarms = watched->alarms;
	changes_param(&list, "SS_NO_MEDIA_HANGUP_TIME", "0");
	changes_param(&list, "SS_RTP_INTERRUPT_TIME", "30");
	changes_field(&list, "mapping-gateway", "in", "rtp-interrupt-detection", caller);
	changes_field(&list, "routing-gateway", "out", "rtp-interrupt-detection", callee);
	bench_change(bench, &list);
	dial(&watched->session, bench, "", "");
	for (int side = 0; side < MEDIA_SIDES; side++)
		watched->phones[side] = phone_new("127.0.0.1");
}

static void close_call(struct watched *watched)
{
	for (int side = 0; side < MEDIA_SIDES; side++)
		close(watched->phones[side].fd);
	bench_close(watched->bench);
	alarms_destroy(watched->alarms);
}

static struct call_detail detail_of(const struct watched *watched)
{
	struct call_table *calls = watched->bench->worker->calls;
	struct call_detail detail;
	struct call_info info;

	assert_int_equal(call_table_list(calls, 0, &info, 1), 1);
	assert_true(call_table_detail(calls, info.id, &detail));
	return detail;
}

static void send_to_relay(const struct phone *phone, uint16_t port, const uint8_t *data, size_t len)
{
	struct sockaddr_in sin = {.sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	assert_int_equal(sendto(phone->fd, data, len, 0, (struct sockaddr *)&sin, sizeof(sin)),
			 len);
}

/* `count` packets of a side, from `phone`; waits until they are counted. */
static void send_from(struct watched *watched, int side, const struct phone *phone, int count)
{
	struct call_detail before = detail_of(watched);
	const struct media_counters *old = &before.info.legs[side].counters;
	uint64_t give_up_us = clock_mono_us() + 20000000;
	struct call_detail now;
	uint8_t packet[172] = {0x80, 0};

	for (int i = 0; i < count; i++) {
		packet[3] = (uint8_t)watched->sequence[side];
		packet[2] = (uint8_t)(watched->sequence[side]++ >> 8);
		send_to_relay(phone, before.info.legs[side].relay_port, packet, sizeof(packet));
	}
	do
		now = detail_of(watched);
	while (now.info.legs[side].counters.packets + now.info.legs[side].counters.foreign <
		       old->packets + old->foreign + (uint64_t)count &&
	       clock_mono_us() < give_up_us && poll(NULL, 0, 1) == 0);
	assert_int_equal(now.info.legs[side].counters.packets +
				 now.info.legs[side].counters.foreign,
			 old->packets + old->foreign + (uint64_t)count);
}

static void speak(struct watched *watched, int side)
{
	send_from(watched, side, &watched->phones[side], 1);
}

/* Two seconds at a time, in which those of the bit set speak. */
static void talk(struct watched *watched, unsigned sides, unsigned seconds)
{
	for (unsigned s = 0; s < seconds; s += 2) {
		for (int side = 0; side < MEDIA_SIDES; side++)
			if (sides >> side & 1)
				speak(watched, side);
		bench_skip(watched->bench, 2000);
	}
}

static size_t count_alarms(const struct watched *watched, int kind, struct alarm *first)
{
	struct alarm list[8];
	size_t found = 0;
	size_t count = alarms_list(watched->alarms, true, list, 8);

	for (size_t i = 0; i < count; i++) {
		if (list[i].kind != kind)
			continue;
		if (found++ == 0 && first)
			*first = list[i];
	}
	return found;
}

#define BOTH      3u
#define CALLER    1u
#define CALLEE    2u
#define DEAF      WORD_ALARM_KIND_ONE_WAY_AUDIO
#define INTRUDERS WORD_ALARM_KIND_FOREIGN_MEDIA

static void end(struct watched *watched)
{
	caller_sends(watched->bench, "BYE", 90, "bye", watched->session.tag, "");
	peer_expect(&watched->bench->caller, "SIP/2.0 200 ");
	peer_expect(&watched->bench->callee, "BYE ");
}

static void one_way(void **state)
{
	char text[CALL_DEAF_TEXT];
	struct watched watched;
	struct call_detail detail;
	struct alarm alarm;
	char subject[32];

	(void)state;
	open_call(&watched, "none", "none");
	talk(&watched, BOTH, 20);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	detail = detail_of(&watched);
	assert_int_equal(detail.quality.deaf_since_ms[MEDIA_A], 0);
	assert_int_equal(detail.quality.sides[MEDIA_A].stream.packets, 10);
	assert_int_equal(detail.quality.sides[MEDIA_A].stream.lost, 0);
	assert_in_range(detail.quality.sides[MEDIA_B].mos.centi, 400, 450);
	/* The callee falls silent. */
	talk(&watched, CALLER, 8);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	talk(&watched, CALLER, 8);
	assert_int_equal(count_alarms(&watched, DEAF, &alarm), 1);
	detail = detail_of(&watched);
	snprintf(subject, sizeof(subject), "%016llx", (unsigned long long)detail.info.id);
	assert_string_equal(alarm.subject, subject);
	assert_true(detail.quality.deaf_since_ms[MEDIA_A] > 0);
	assert_int_equal(detail.quality.deaf_since_ms[MEDIA_B], 0);
	assert_string_equal(alarm.text,
			    call_watch_text(MEDIA_A, detail.quality.deaf_since_ms[MEDIA_A], text));
	assert_in_range(detail.quality.deaf_s[MEDIA_A], 10, 18);
	assert_int_equal(detail.quality.deaf_s[MEDIA_B], 0);
	/* And comes back. */
	talk(&watched, BOTH, 4);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	detail = detail_of(&watched);
	assert_int_equal(detail.quality.deaf_since_ms[MEDIA_A], 0);
	assert_in_range(detail.quality.deaf_s[MEDIA_A], 10, 20);
	/* Neither hears the other: that is not one-way. */
	bench_skip(watched.bench, 60000);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	/* One that is up goes with the call. */
	talk(&watched, CALLEE, 14);
	assert_int_equal(count_alarms(&watched, DEAF, &alarm), 1);
	assert_non_null(strstr(alarm.text, "callee heard nothing since "));
	end(&watched);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	close_call(&watched);
}

static void text_of_the_time(void **state)
{
	char text[CALL_DEAF_TEXT];

	(void)state;
	assert_string_equal(call_watch_text(MEDIA_A, INT64_C(1763765769000), text),
			    "caller heard nothing since 22:56:09 UTC");
	assert_string_equal(call_watch_text(MEDIA_B, 0, text),
			    "callee heard nothing since 00:00:00 UTC");
}

static void held_is_no_fault(void **state)
{
	struct watched watched;

	(void)state;
	open_call(&watched, "both", "both");
	caller_sends(watched.bench, "INVITE", 2, "hold", watched.session.tag, HELD_BODY);
	peer_expect(&watched.bench->caller, "SIP/2.0 100 ");
	peer_expect(&watched.bench->callee, "INVITE ");
	callee_answers(watched.bench, watched.bench->callee.text, "200 OK", BODY "a=recvonly\r\n");
	peer_expect(&watched.bench->caller, "SIP/2.0 200 ");
	caller_sends(watched.bench, "ACK", 2, "holdack", watched.session.tag, "");
	peer_expect(&watched.bench->callee, "ACK ");
	/* Music on hold. */
	talk(&watched, CALLER, 120);
	assert_int_equal(count_alarms(&watched, DEAF, NULL), 0);
	assert_int_equal(count_calls(watched.bench), 1);
	end(&watched);
	close_call(&watched);
}

/* Which side's silence ends the call, by what either party has. */
static void interrupts(void **state)
{
	static const struct {
		const char *caller;
		const char *callee;
		unsigned silent;
		bool ends;
	} rows[] = {
		{"none", "none", CALLER, false},
		{"remote-to-server", "none", CALLER, true},
		{"remote-to-server", "none", CALLEE, false},
		{"server-to-remote", "none", CALLER, false},
		{"server-to-remote", "none", CALLEE, true},
		{"both", "none", CALLER, true},
		{"both", "none", CALLEE, true},
		{"none", "remote-to-server", CALLEE, true},
		{"none", "server-to-remote", CALLER, true},
		{"none", "both", CALLEE, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct watched watched;

		open_call(&watched, rows[i].caller, rows[i].callee);
		talk(&watched, BOTH, 4);
		talk(&watched, BOTH & ~rows[i].silent, 28);
		assert_int_equal(count_calls(watched.bench), 1);
		speak(&watched, rows[i].silent == CALLER ? MEDIA_B : MEDIA_A);
		bench_skip(watched.bench, 6000);
		assert_int_equal(count_calls(watched.bench), !rows[i].ends);
		if (rows[i].ends)
			expect_ended(watched.bench, "media of one side stopped");
		else
			end(&watched);
		close_call(&watched);
	}
}

static void intruders(void **state)
{
	struct phone other = phone_new("127.0.0.66");
	struct watched watched;
	struct call_detail detail;
	struct alarm alarm;
	char subject[32];

	(void)state;
	open_call(&watched, "none", "none");
	talk(&watched, BOTH, 4);
	send_from(&watched, MEDIA_A, &other, 49);
	talk(&watched, BOTH, 2);
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 0);
	send_from(&watched, MEDIA_B, &other, 1);
	talk(&watched, BOTH, 2);
	assert_int_equal(count_alarms(&watched, INTRUDERS, &alarm), 1);
	detail = detail_of(&watched);
	snprintf(subject, sizeof(subject), "%016llx", (unsigned long long)detail.info.id);
	assert_string_equal(alarm.subject, subject);
	assert_non_null(strstr(alarm.text, "to 900: 50 packets"));
	assert_int_equal(detail.quality.sides[MEDIA_A].stream.refused_source, 49);
	assert_int_equal(detail.quality.sides[MEDIA_B].stream.refused_source, 1);
	assert_int_equal(detail.info.legs[MEDIA_A].counters.packets, 4);
	/* It goes on, then stays away for a minute. */
	for (int i = 0; i < 5; i++) {
		send_from(&watched, MEDIA_A, &other, 60);
		talk(&watched, BOTH, 10);
	}
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 1);
	talk(&watched, BOTH, 50);
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 1);
	talk(&watched, BOTH, 30);
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 0);
	send_from(&watched, MEDIA_A, &other, 50);
	talk(&watched, BOTH, 2);
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 1);
	end(&watched);
	assert_int_equal(count_alarms(&watched, INTRUDERS, NULL), 0);
	close(other.fd);
	close_call(&watched);
}

TEST_MAIN(cmocka_unit_test(one_way), cmocka_unit_test(text_of_the_time),
	  cmocka_unit_test(held_is_no_fault), cmocka_unit_test(interrupts),
	  cmocka_unit_test(intruders))
