/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A DNS server on loopback that gives the same SRV records to every question. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/addr.h"

#define DNS_LOCALHOST "\x09localhost"

struct dns_row {
	unsigned priority, weight, port;
	const char *target; /* labels with lengths; "" = the root */
	unsigned ttl_s;
};

struct dns_server {
	int fd;
	struct addr address;
	pthread_t thread;
	atomic_bool is_over;
	atomic_uint asked;
	const struct dns_row *rows;
	size_t count;
	unsigned code;
};

/* rows, count and code (RCODE) are set; they may not change while it runs. */
void dns_server_start(struct dns_server *server);
void dns_server_stop(struct dns_server *server);

/* An answer to the question, which is a name with type and class. Returns its length. */
size_t dns_answer(uint8_t *out, const uint8_t *question, size_t question_len,
		  const struct dns_row *rows, size_t count, unsigned code);
