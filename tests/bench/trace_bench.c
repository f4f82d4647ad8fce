/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder: what a message costs that is recorded, what it costs to find a call in a
 * full ring and to read it, and what a follower takes for what happens.
 *
 * trace_bench [MiB] - prints figures and judges nothing. CPU time of the thread, so others on the
 * machine count less; the best of a few rounds. A call is that of a usual set-up: 14 messages of
 * 400 to 900 bytes on two legs, and the notes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "switchd/trace/find.h"
#include "switchd/trace/follow.h"

#define ROUNDS   5
#define MESSAGES 14
#define NOTES    9

struct bench {
	struct recorder *recorder;
	struct recorder_ring *ring;
	uint64_t now_us;
	uint64_t calls;
	char text[MESSAGES][1024];
	size_t len[MESSAGES];
};

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void make_messages(struct bench *bench)
{
	static const char *const first[] = {"INVITE sip:8001@192.0.2.9 SIP/2.0",
					    "SIP/2.0 100 Trying",
					    "SIP/2.0 180 Ringing",
					    "SIP/2.0 200 OK",
					    "ACK sip:8001@192.0.2.9 SIP/2.0",
					    "BYE sip:8001@192.0.2.9 SIP/2.0",
					    "SIP/2.0 200 OK"};
	static const unsigned body[] = {420, 0, 0, 420, 0, 0, 0};

	for (int i = 0; i < MESSAGES; i++) {
		int kind = i % 7;
		int len = snprintf(
			bench->text[i], sizeof(bench->text[i]),
			"%s\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK%d\r\n"
			"Max-Forwards: 70\r\nFrom: <sip:1001@192.0.2.9>;tag=a\r\n"
			"To: <sip:8001@192.0.2.9>\r\nCSeq: 1 INVITE\r\nUser-Agent: a phone\r\n"
			"Call-ID: of-a-usual-length-%d@192.0.2.1\r\nContact: "
			"<sip:1001@192.0.2.1:5060>\r\nContent-Length: %u\r\n\r\n",
			first[kind], i, i, body[kind]);

		memset(bench->text[i] + len, 'v', body[kind]);
		bench->len[i] = (size_t)len + body[kind];
	}
}

/* With the hash of its Call-ID, as the signalling thread does it. */
static void record_message(struct bench *bench, uint64_t call, int number)
{
	char id[40];
	int len = snprintf(id, sizeof(id), "%d-%llu@192.0.2.1", number >= MESSAGES / 2,
			   (unsigned long long)call);
	const struct trace_event event = {
		.dialog = recorder_dialog(bench->ring, (struct span){id, (size_t)len}),
		.time_us = ++bench->now_us,
		.kind = number % 2 ? TRACE_SENT : TRACE_RECEIVED,
		.side = TRACE_NO_SIDE,
		.peer = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, 1}},
		.data = {bench->text[number], bench->len[number]},
	};

	recorder_write(bench->ring, &event);
}

static void record_note(struct bench *bench, uint64_t call, enum trace_note note, int leg,
			const char *text)
{
	char id[40];
	int len = snprintf(id, sizeof(id), "%d-%llu@192.0.2.1", leg, (unsigned long long)call);
	const struct trace_event event = {
		.key = call,
		.dialog = note == TRACE_LEG
				  ? recorder_dialog(bench->ring, (struct span){id, (size_t)len})
				  : 0,
		.time_us = ++bench->now_us,
		.kind = TRACE_NOTE,
		.note = (uint8_t)note,
		.b = note == TRACE_LEG ? leg : 0,
		.side = TRACE_NO_SIDE,
		.data = span_of(text),
	};

	recorder_write(bench->ring, &event);
}

static void record_call(struct bench *bench)
{
	uint64_t call = ++bench->calls;

	record_message(bench, call, 0);
	record_note(bench, call, TRACE_LEG, 0, "phone 1001");
	record_note(bench, call, TRACE_CALL_START, 0, "1001");
	record_note(bench, call, TRACE_CALLED, 0, "8001");
	record_note(bench, call, TRACE_CANDIDATE_IN, 0, "routing-gateway carrier");
	record_note(bench, call, TRACE_CHOICE, 0, "routing-gateway carrier");
	record_note(bench, call, TRACE_MEDIA, 0, "relayed");
	for (int i = 1; i < MESSAGES; i++) {
		record_message(bench, call, i);
		if (i == MESSAGES / 2)
			record_note(bench, call, TRACE_LEG, 1, "routing-gateway carrier");
	}
	record_note(bench, call, TRACE_ANSWERED, 0, "routing-gateway carrier");
	record_note(bench, call, TRACE_CALL_END, 0, "");
}

static double best_of(double best, double value)
{
	return best == 0 || value < best ? value : best;
}

static void record(struct bench *bench, size_t bytes)
{
	uint64_t calls = bytes / 8000;
	double best = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = cpu_us();

		for (uint64_t i = 0; i < calls; i++)
			record_call(bench);
		best = best_of(best, (cpu_us() - start) / (double)calls);
	}
	printf("recorded: %.2f us a call of %d messages and %d notes, %.0f ns a record (bar "
	       "2,000)\n",
	       best, MESSAGES, NOTES, best * 1e3 / (MESSAGES + NOTES));
}

static void find_one(struct bench *bench)
{
	const struct trace_filter filter = {.key = bench->calls - 10};
	double best = 0;
	size_t items = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = cpu_us();
		size_t count;
		struct trace_call *call = trace_find(bench->recorder, &filter, 1, &count);
		struct trace_item **all;
		bool is_cut;

		if (!call)
			exit(1);
		all = trace_read(bench->recorder, call, 8u << 20, &items, &is_cut);
		trace_items_free(all, items);
		free(call);
		best = best_of(best, cpu_us() - start);
	}
	printf("one call found and read: %zu records in %.1f ms (bar 50, with its ladder)\n", items,
	       best / 1e3);
}

static void find_many(struct bench *bench, const char *what, const struct trace_filter *filter)
{
	double best = 0;
	size_t count = 0;

	for (int round = 0; round < ROUNDS; round++) {
		double start = cpu_us();

		free(trace_find(bench->recorder, filter, 50, &count));
		best = best_of(best, cpu_us() - start);
	}
	printf("%s: %.1f ms\n", what, best / 1e3);
}

static void follow(struct bench *bench)
{
	const struct trace_filter filter = {.is_failed = true, .calls_only = true};
	const struct trace_bounds bounds = {.records = 1000, .bytes = 1 << 20};
	double start = cpu_us();
	struct trace_follower *follower =
		trace_follower_create(bench->recorder, &filter, TRACE_TELL_ALL, &bounds);
	double best = 0;

	if (!follower)
		exit(1);
	while (trace_follower_run(follower))
		;
	printf("a follower begins: %.1f ms\n", (cpu_us() - start) / 1e3);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 200; i++)
			record_call(bench);
		start = cpu_us();
		while (trace_follower_run(follower))
			;
		best = best_of(best, (cpu_us() - start) / 200);
	}
	printf("a follower that chooses nothing: %.2f us a call, in the control thread\n", best);
	trace_follower_destroy(follower);
}

int main(int argc, char **argv)
{
	size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 20;
	struct bench *bench = calloc(1, sizeof(*bench));
	const struct trace_filter latest = {.calls_only = true};
	const struct trace_filter failed = {.calls_only = true, .is_failed = true};

	if (!bench || recorder_create(1, bytes, &bench->recorder) != VOS_OK)
		return 1;
	bench->ring = recorder_ring(bench->recorder, 0);
	bench->now_us = 1000000;
	make_messages(bench);
	record(bench, bytes);
	find_one(bench);
	find_many(bench, "the newest 50 calls", &latest);
	find_many(bench, "the newest 50 that failed", &failed);
	follow(bench);
	recorder_destroy(bench->recorder);
	free(bench);
	return 0;
}
