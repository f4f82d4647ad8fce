/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CPU of the guard a datagram, without the system calls around it: what is dropped, what is let
 * through, and the tables it asks, alone. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/auth/digest.h"
#include "switchd/auth/lockout.h"
#include "switchd/sip/guard.h"
#include "switchd/sip/guard_scan.h"
#include "switchd/sip/location.h"
#include "switchd/sip/worker_private.h"

#define RUNS 5

static const char REGISTER[] =
	"REGISTER sip:192.0.2.10 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:1001@192.0.2.10>;tag=456248\r\n"
	"To: <sip:1001@192.0.2.10>\r\n"
	"Call-ID: 843817637684230@998sdasdh09\r\n"
	"CSeq: 1826 REGISTER\r\n"
	"Contact: <sip:1001@198.51.100.7:5060>\r\n"
	"Expires: 300\r\n"
	"Content-Length: 0\r\n\r\n";

static const char REINVITE[] =
	"INVITE sip:1001@192.0.2.10 SIP/2.0\r\n"
	"Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds\r\n"
	"Max-Forwards: 70\r\n"
	"From: <sip:1001@192.0.2.10>;tag=456248\r\n"
	"To: \"somebody\" <sip:1002@192.0.2.10>;tag=98asjd8\r\n"
	"Call-ID: 843817637684230@998sdasdh09\r\n"
	"CSeq: 2 INVITE\r\n"
	"Contact: <sip:1001@198.51.100.7:5060>\r\n"
	"Content-Length: 0\r\n\r\n";

static const char BYE[] = "BYE sip:1001@192.0.2.10 SIP/2.0\r\n"
			  "Via: SIP/2.0/UDP 198.51.100.7:5060;rport;branch=z9hG4bK776asdhds\r\n"
			  "From: <sip:1001@192.0.2.10>;tag=456248\r\n"
			  "To: <sip:1002@192.0.2.10>;tag=98asjd8\r\n"
			  "Call-ID: 843817637684230@998sdasdh09\r\n"
			  "CSeq: 3 BYE\r\nContent-Length: 0\r\n\r\n";

struct bench {
	struct sip_worker *worker;
	struct sip_socket socket;
	struct addr source;
	bool is_crowd; /* another source each time */
	const char *text;
	size_t len;
};

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void measure(const char *what, struct bench *bench, long rounds)
{
	char data[1024];
	double best = 0;
	long admitted = 0;

	memcpy(data, bench->text, bench->len);
	for (int run = 0; run < RUNS; run++) {
		double start = now_ns();
		double each;

		for (long i = 0; i < rounds; i++) {
			if (bench->is_crowd)
				memcpy(bench->source.ip, &(uint32_t){(uint32_t)i * 2654435761u}, 4);
			bench->worker->now_us++;
			admitted += guard_admits(bench->worker, &bench->socket, &bench->source,
						 data, bench->len);
		}
		each = (now_ns() - start) / (double)rounds;
		if (run == 0 || each < best)
			best = each;
	}
	printf("%-52s %8.0f %11.1f %%\n", what, best,
	       100.0 * (double)admitted / ((double)rounds * RUNS));
}

static void fill_suspensions(struct auth *auth, uint32_t count, uint64_t now_us)
{
	struct suspension suspension = {.source.family = ADDR_IP4,
					.until_ms = clock_wall_ms() + 3000000};

	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = 0x0a000000u + i;

		memcpy(suspension.source.ip, &number, sizeof(number));
		lockout_restore(auth, &suspension, now_us, clock_wall_ms());
	}
}

static void suspend(struct auth *auth, const struct addr *source, uint64_t now_us)
{
	struct suspension suspension = {.source = *source, .until_ms = clock_wall_ms() + 3000000};

	suspension.source.port = 0;
	lockout_restore(auth, &suspension, now_us, clock_wall_ms());
}

static bool make(struct bench *bench, struct sip_shared *shared)
{
	struct secret_key key = {0};
	struct vos_fault fault = {0};

	bench->worker = calloc(1, sizeof(*bench->worker));
	if (!bench->worker ||
	    conf_build(snapshot_new_empty(), &key, NULL, &bench->worker->conf, &fault) ||
	    location_create(NULL, &shared->location) || auth_create(&shared->auth) ||
	    guard_create(1, &shared->guard))
		return false;
	bench->worker->shared = shared;
	bench->worker->io = calloc(1, sizeof(*bench->worker->io));
	bench->worker->now_us = clock_mono_us();
	bench->socket.fd = -1;
	return bench->worker->io && addr_parse(SPAN_LIT("198.51.100.7:5060"), &bench->source);
}

int main(int argc, char **argv)
{
	long rounds = argc > 1 ? strtol(argv[1], NULL, 10) : 1000000;
	struct sip_shared shared = {.worker_count = 1};
	struct bench bench = {.text = BYE, .len = sizeof(BYE) - 1};
	struct bench crowd;

	if (rounds < 1 || !make(&bench, &shared)) {
		fputs("usage: guard_bench [rounds]\n", stderr);
		return 2;
	}
	printf("%-52s %8s %13s\n", "datagram", "ns", "let through");
	measure("BYE, nobody is suspended", &bench, rounds);
	bench.text = REINVITE;
	bench.len = sizeof(REINVITE) - 1;
	measure("INVITE within a dialog, nobody is suspended", &bench, rounds);
	bench.text = REGISTER;
	bench.len = sizeof(REGISTER) - 1;
	measure("REGISTER over the rate, nobody is suspended", &bench, rounds);
	crowd = bench;
	crowd.is_crowd = true;
	measure("REGISTER, a new source each, nobody is suspended", &crowd, rounds);
	fill_suspensions(shared.auth, SUSPENSIONS_MAX / 2, bench.worker->now_us);
	bench.text = BYE;
	bench.len = sizeof(BYE) - 1;
	measure("BYE, 32,768 others are suspended", &bench, rounds);
	crowd.text = REGISTER;
	measure("REGISTER, a new source each, 32,768 are suspended", &crowd, rounds);
	suspend(shared.auth, &bench.source, bench.worker->now_us);
	bench.text = REGISTER;
	bench.len = sizeof(REGISTER) - 1;
	measure("REGISTER of a suspended source", &bench, rounds);
	return 0;
}
