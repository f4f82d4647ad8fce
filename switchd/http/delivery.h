/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Delivery over HTTP with patience: one thing after the other, each tried until it is taken. Who
 * delivers is a thread of its own:
 *
 *   while (there is something)
 *           if (delivery_try(delivery, &request)) the next one;
 *           else delivery_pause(delivery);
 *
 * The pause doubles from a tenth of a second to a minute; what the server asks for (Retry-After)
 * counts up to an hour, if it is longer. */
#pragma once

#include <stdint.h>

#include "switchd/http/client.h"

/* So many failures in a row are no mishap: an alarm is raised. */
#define DELIVERY_FAILURES_GRAVE 5

struct delivery;

struct delivery_status {
	uint64_t taken;           /* since the start */
	uint64_t failed;          /* tries since the start */
	unsigned failures;        /* tries in a row, up to now */
	int64_t answered_ms;      /* wall time of the last one; 0: there was none */
	int64_t next_ms;          /* wall time of the next try; 0: none is waited for */
	char text[HTTP_TEXT_MAX]; /* of the last one */
};

/* Before threads run, as the next. */
VOS_CHECK enum vos_err delivery_create(struct delivery **out);
/* NULL is allowed. */
void delivery_destroy(struct delivery *delivery);
bool delivery_try(struct delivery *delivery, const struct http_request *request);
/* After a try that failed: until the next one is due, somebody hurries, or the stop. */
void delivery_pause(struct delivery *delivery);

/* Any thread. */
void delivery_hurry(struct delivery *delivery); /* something is different: try now */
void delivery_stop(struct delivery *delivery);  /* ends a try and a pause at once */
void delivery_status(struct delivery *delivery, struct delivery_status *out);

/* How long to wait after so many failures in a row. */
uint64_t delivery_pause_ms(unsigned failures, int retry_after_s);
