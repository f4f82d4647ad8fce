/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records over HTTP: each as a POST of its own to `cdr push-url`, in order, by a thread that is a
 * consumer of the writer (writer.h).
 *
 * A record is sent until it is taken (any 2xx), so each arrives at least once, across restarts of
 * either side. What comes twice has the same Idempotency-Key: the identity of the records' store,
 * and the record's number. While nobody takes them the records wait in the store, and after some
 * failures there is the alarm `push`. */
#pragma once

#include "switchd/cdr/writer.h"
#include "switchd/http/delivery.h"

struct cdr_push;
struct conf;

/* Before the writer's start. alarms may be NULL. */
VOS_CHECK enum vos_err cdr_push_create(struct cdr_writer *writer, const struct log *log,
				       struct alarms *alarms, const struct conf *conf,
				       struct cdr_push **out);
VOS_CHECK enum vos_err cdr_push_start(struct cdr_push *push);
/* Before the writer's stop, which keeps its place; at once, whatever the server does. NULL is
 * allowed, as below. */
void cdr_push_stop(struct cdr_push *push);
/* After the writer is gone. */
void cdr_push_destroy(struct cdr_push *push);
/* Any thread. */
void cdr_push_configure(struct cdr_push *push, const struct conf *conf);
/* Returns the last record that was taken. */
uint64_t cdr_push_status(struct cdr_push *push, struct delivery_status *out);
