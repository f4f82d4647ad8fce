/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that end in every way, for bench/soak.py: a caller and two gateways at one switch, over a
 * bad path.
 *
 *   soak_calls NET SWITCH-PORT CALLER-PORT FIRST-PORT SECOND-PORT FIRST COUNT RATE SEED
 *
 * The switch is at host 1 of NET (127.0.0), the caller at 2, the gateways at 3 and 4.
 * Calls number FIRST to FIRST + COUNT - 1, so many a second; what each end does comes from the seed
 * and the number. Says "started" when the last call was, goes on answering until its input is
 * closed, and prints what it has seen. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/soak.h"

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

unsigned soak_chance(const struct soak *soak, unsigned number, unsigned salt, unsigned below)
{
	return (unsigned)(path_mix(soak->seed ^ path_mix(((uint64_t)salt << 32) | number)) % below);
}

/* --- Events. --- */

void soak_at(struct soak *soak, uint64_t delay_us, unsigned number, int end, enum act act,
	     unsigned step)
{
	size_t i = soak->count++;
	struct event event = {soak->now_us + delay_us, number, (uint8_t)end, (uint8_t)act,
			      (uint8_t)step};

	if (soak->count > soak->room) {
		soak->room = soak->room ? 2 * soak->room : 4096;
		soak->heap = realloc(soak->heap, soak->room * sizeof(*soak->heap));
		if (!soak->heap)
			exit(1);
	}
	for (; i > 0 && soak->heap[(i - 1) / 2].due_us > event.due_us; i = (i - 1) / 2)
		soak->heap[i] = soak->heap[(i - 1) / 2];
	soak->heap[i] = event;
}

static struct event take_first(struct soak *soak)
{
	struct event first = soak->heap[0];
	struct event moved = soak->heap[--soak->count];
	size_t i = 0;

	for (size_t child = 1; child < soak->count; child = 2 * i + 1) {
		if (child + 1 < soak->count &&
		    soak->heap[child + 1].due_us < soak->heap[child].due_us)
			child++;
		if (moved.due_us <= soak->heap[child].due_us)
			break;
		soak->heap[i] = soak->heap[child];
		i = child;
	}
	soak->heap[i] = moved;
	return first;
}

struct call *soak_find(struct soak *soak, unsigned number)
{
	struct call *call = &soak->calls[number & (CALLS - 1)];

	return call->is_used && call->number == number ? call : NULL;
}

/* --- What an end does. --- */

static void repeat(struct soak *soak, const struct call *call, int end, enum act act, unsigned step)
{
	const struct side *side = &call->sides[end];
	char more[640], body[512];

	if (side->is_vanished || !side->is_open[act] || step > STEPS)
		return;
	switch (act) {
	case REPEAT_INVITE:
		soak_request(soak, call, end, "INVITE", "i", 1,
			     soak_sdp(soak, 1, body, sizeof(body)));
		break;
	case REPEAT_AGAIN:
		soak_request(soak, call, end, "INVITE", "r", side->again_cseq,
			     soak_sdp(soak, 2, body, sizeof(body)));
		break;
	case REPEAT_BYE:
		soak_request(soak, call, end, "BYE", "b", 9, NULL);
		break;
	case REPEAT_CANCEL:
		soak_request(soak, call, end, "CANCEL", "i", 1, NULL);
		break;
	default:
		more[0] = '\0';
		if (side->status == 302)
			snprintf(more, sizeof(more), "Contact: <sip:9%07u@%s:%d>\r\n", call->number,
				 soak->addresses[end == FIRST ? SECOND : FIRST],
				 soak->ports[end == FIRST ? SECOND : FIRST]);
		soak_answer(soak, call, end, side->status, side->status == 200, more);
	}
	soak_at(soak, (uint64_t)T1_US << step, call->number, end, act, step + 1);
}

void soak_begin(struct soak *soak, struct call *call, int end, enum act act)
{
	call->sides[end].is_open[act] = true;
	repeat(soak, call, end, act, 0);
}

static void start(struct soak *soak, unsigned number)
{
	struct call *call = &soak->calls[number & (CALLS - 1)];
	struct side *side = &call->sides[CALLER];
	unsigned dice = soak_chance(soak, number, 1, 100);

	memset(call, 0, sizeof(*call));
	call->number = number;
	call->is_used = true;
	side->is_used = true;
	snprintf(side->call_id, sizeof(side->call_id), "soak-%u", number);
	snprintf(side->local, sizeof(side->local), "<sip:caller@%s>;tag=e0-%u", soak->host, number);
	snprintf(side->remote, sizeof(side->remote), "<sip:9%07u@%s>", number, soak->host);
	snprintf(side->target, sizeof(side->target), "sip:9%07u@%s", number, soak->host);
	soak_begin(soak, call, CALLER, REPEAT_INVITE);
	if (dice < 20)
		soak_at(soak, soak_chance(soak, number, 2, 900000), number, CALLER, CANCEL, 0);
	else if (dice < 24)
		soak_at(soak, soak_chance(soak, number, 2, 2500000), number, CALLER, VANISH, 0);
}

void soak_finish(struct soak *soak, struct call *call, int end, int status)
{
	struct side *side = &call->sides[end];

	if (side->status)
		return;
	side->status = status;
	soak->redirected += status == 302;
	soak_begin(soak, call, end, REPEAT_FINAL);
	if (status != 200)
		return;
	if (soak_chance(soak, call->number, 70, 100) < 40)
		soak_at(soak, soak_chance(soak, call->number, 71, 1200000), call->number, end, BYE,
			0);
	if (soak_chance(soak, call->number, 72, 100) < 10)
		soak_at(soak, soak_chance(soak, call->number, 73, 800000), call->number, end, AGAIN,
			0);
}

static void hang_up(struct soak *soak, struct call *call, int end)
{
	struct side *side = &call->sides[end];

	if (side->is_over || side->status != 200 || (end != CALLER && !side->is_acked))
		return;
	side->is_over = true;
	soak->byes[end != CALLER]++;
	soak_begin(soak, call, end, REPEAT_BYE);
}

void soak_cancel(struct soak *soak, struct call *call)
{
	struct side *side = &call->sides[CALLER];

	side->wants_cancel = true;
	if (!side->is_provisional || side->status || side->is_open[REPEAT_CANCEL])
		return;
	soak->cancelled++;
	soak_begin(soak, call, CALLER, REPEAT_CANCEL);
}

static void act(struct soak *soak, const struct event *event)
{
	struct call *call;
	struct side *side;

	if (event->act == START) {
		start(soak, event->number);
		return;
	}
	call = soak_find(soak, event->number);
	if (!call || call->sides[event->end].is_vanished)
		return;
	side = &call->sides[event->end];
	if (event->act <= REPEAT_FINAL) {
		repeat(soak, call, event->end, (enum act)event->act, event->step);
	} else if (event->act == CANCEL) {
		soak_cancel(soak, call);
	} else if (event->act == BYE) {
		hang_up(soak, call, event->end);
	} else if (event->act == AGAIN) {
		if (side->is_over || side->status != 200)
			return;
		side->again_cseq = 5;
		soak->agains++;
		soak_begin(soak, call, event->end, REPEAT_AGAIN);
	} else if (event->act == VANISH) {
		side->is_vanished = true;
		soak->vanished[event->end != CALLER]++;
	} else if (!side->status && event->act == FINAL) {
		soak_finish(soak, call, event->end, side->plan.status);
	} else if (!side->status) {
		bool is_progress = event->act == PROGRESS;

		soak->reliable += side->plan.is_reliable;
		soak_answer(soak, call, event->end, is_progress ? 183 : 180, is_progress,
			    !side->plan.is_reliable ? ""
			    : is_progress           ? "Require: 100rel\r\nRSeq: 2\r\n"
						    : "Require: 100rel\r\nRSeq: 1\r\n");
	}
}

/* --- The loop. --- */

static int open_socket(const char *address, int *port)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
	socklen_t len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int size = 4 << 20;

	if (fd < 0 || inet_pton(AF_INET, address, &own.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) != 0 ||
	    getsockname(fd, (struct sockaddr *)&own, &len) != 0) {
		perror("soak_calls");
		exit(1);
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	*port = ntohs(own.sin_port);
	return fd;
}

static void read_all(struct soak *soak, int end)
{
	char data[MESSAGE * 2];
	struct sockaddr_in from;

	for (int i = 0; i < 64; i++) {
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(soak->fds[end], data, sizeof(data) - 1, 0,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			return;
		data[len] = '\0';
		path_receive(soak->path, end, data, (size_t)len + 1, &from, soak->now_us);
	}
}

/* False: our input has ended. */
static bool turn(struct soak *soak)
{
	struct pollfd polls[ENDS + 1];
	char byte;

	for (int end = 0; end < ENDS; end++)
		polls[end] = (struct pollfd){.fd = soak->fds[end], .events = POLLIN};
	polls[ENDS] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	poll(polls, ENDS + 1, 2);
	soak->now_us = clock_us();
	for (int end = 0; end < ENDS; end++)
		if (polls[end].revents)
			read_all(soak, end);
	path_run(soak->path, soak->now_us);
	while (soak->count && soak->heap[0].due_us <= soak->now_us) {
		struct event event = take_first(soak);

		act(soak, &event);
	}
	return !(polls[ENDS].revents && read(STDIN_FILENO, &byte, 1) <= 0);
}

static void print(const struct soak *soak)
{
	const struct path_counts *counts = path_counts(soak->path);

	printf("answered=%lu refused=%lu cancelled=%lu silent=%lu bye_caller=%lu bye_callee=%lu "
	       "again=%lu "
	       "vanished_caller=%lu vanished_callee=%lu second=%lu redirected=%lu reliable=%lu "
	       "unmatched=%lu passed=%lu "
	       "lost=%lu doubled=%lu late=%lu\n",
	       soak->answered, soak->refused, soak->cancelled, soak->silent, soak->byes[0],
	       soak->byes[1], soak->agains, soak->vanished[0], soak->vanished[1], soak->seconds,
	       soak->redirected, soak->reliable, soak->unmatched, counts->passed, counts->lost,
	       counts->doubled, counts->late);
}

int main(int argc, char **argv)
{
	static struct soak soak = {.server = {.sin_family = AF_INET}};
	unsigned first, count;
	unsigned next = 0;
	uint64_t begin_us;
	double rate;

	if (argc != 10) {
		fputs("usage: soak_calls NET SWITCH-PORT CALLER-PORT FIRST-PORT SECOND-PORT FIRST "
		      "COUNT RATE SEED\n",
		      stderr);
		return 2;
	}
	soak.server.sin_port = htons((uint16_t)atoi(argv[2]));
	snprintf(soak.host, sizeof(soak.host), "%s.1", argv[1]);
	inet_pton(AF_INET, soak.host, &soak.server.sin_addr);
	first = (unsigned)atoi(argv[6]);
	count = (unsigned)atoi(argv[7]);
	rate = atof(argv[8]);
	soak.seed = strtoull(argv[9], NULL, 10);
	for (int end = 0; end < ENDS; end++) {
		snprintf(soak.addresses[end], sizeof(soak.addresses[end]), "%s.%d", argv[1],
			 end + 2);
		soak.ports[end] = atoi(argv[3 + end]);
		soak.fds[end] = open_socket(soak.addresses[end], &soak.ports[end]);
	}
	soak.rtp_fd = open_socket(soak.addresses[CALLER], &soak.rtp_port);
	soak.calls = calloc(CALLS, sizeof(*soak.calls));
	soak.path = path_new(path_mix(soak.seed + first), LOSS, TWICE, LATE, soak_hear, &soak);
	if (!soak.calls || !soak.path)
		return 1;
	begin_us = soak.now_us = clock_us();
	while (turn(&soak)) {
		for (; next < count && (double)next < rate * (double)(soak.now_us - begin_us) / 1e6;
		     next++)
			soak_at(&soak, 0, first + next, CALLER, START, 0);
		if (next == count) {
			puts("started");
			fflush(stdout);
			next++;
		}
	}
	print(&soak);
	path_free(soak.path);
	free(soak.heap);
	free(soak.calls);
	return 0;
}
