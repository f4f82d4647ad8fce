/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/cdr/push.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/thread.h"
#include "switchd/alarm/alarm.h"
#include "switchd/cdr/text.h"
#include "switchd/conf/conf.h"
#include "switchd/store/cdr_store.h"

#define IDLE_MS 250
#define SUBJECT "records"

struct cdr_push {
	struct cdr_writer *writer;
	const struct log *log;
	struct alarms *alarms;
	struct cdr_consumer consumer;
	struct delivery *delivery;
	struct buf body; /* the thread's, as the next */
	bool is_grave;
	pthread_t thread;
	bool is_started;
	atomic_bool is_stopping;
	pthread_mutex_t lock; /* of the following */
	struct conf_post settings;
};

/* The first record behind the place. */
struct next {
	bool is_found;
	uint64_t flow;
	struct cdr cdr;
};

static bool take_record(void *context, const char *key, struct span value)
{
	struct next *next = context;

	next->flow = strtoull(key, NULL, 16);
	next->is_found = cdr_decode(value, &next->cdr);
	return !next->is_found;
}

static bool find_next(struct cdr_push *push, struct next *next)
{
	char from[17];

	cdr_number_key(atomic_load(&push->consumer.done) + 1, from);
	next->is_found = false;
	return cdr_store_walk(cdr_writer_store(push->writer), 'r', from, false, take_record,
			      next) == VOS_OK;
}

/* One failure is a mishap, some in a row are an alarm. */
static void report(struct cdr_push *push, const struct conf_post *settings, bool is_taken)
{
	struct delivery_status status;

	delivery_status(push->delivery, &status);
	if (is_taken && push->is_grave) {
		alarms_clear(push->alarms, WORD_ALARM_KIND_PUSH, SUBJECT);
		log_notice(push->log, "cdr", "records are taken again by %s", settings->url);
		push->is_grave = false;
	} else if (!is_taken && status.failures >= DELIVERY_FAILURES_GRAVE) {
		alarms_raise(push->alarms, WORD_ALARM_KIND_PUSH, SUBJECT,
			     "records are not taken and wait: %s", status.text);
		if (!push->is_grave)
			log_warning(push->log, "cdr", "records are not taken by %s: %s",
				    settings->url, status.text);
		push->is_grave = true;
	}
}

static void send_one(struct cdr_push *push, const struct conf_post *settings,
		     const struct next *next)
{
	char key[64];
	struct http_request request = {
		.url = settings->url,
		.token = settings->token,
		.key = key,
		.timeout_s = settings->timeout_s,
	};
	bool is_taken;

	snprintf(key, sizeof(key), "%016" PRIx64 "-%" PRIu64, cdr_writer_identity(push->writer),
		 next->flow);
	buf_reset(&push->body);
	cdr_text_line(CDR_JSON, &next->cdr, &push->body);
	if (push->body.failed)
		return;
	request.body = buf_span(&push->body);
	is_taken = delivery_try(push->delivery, &request);
	if (is_taken)
		atomic_store(&push->consumer.done, next->flow);
	if (atomic_load(&push->is_stopping))
		return;
	report(push, settings, is_taken);
	if (!is_taken)
		delivery_pause(push->delivery);
}

/* Nobody wants them, or none can be read: nothing waits, and nothing is wrong. */
static void skip(struct cdr_push *push, uint64_t newest)
{
	atomic_store(&push->consumer.done, newest);
	if (push->is_grave)
		alarms_clear(push->alarms, WORD_ALARM_KIND_PUSH, SUBJECT);
	push->is_grave = false;
}

static void *run(void *argument)
{
	struct cdr_push *push = argument;
	struct conf_post settings;
	struct cdr_status status;
	struct next next;
	uint64_t newest;

	cdr_writer_status(push->writer, &status);
	newest = status.newest;
	while (!atomic_load(&push->is_stopping)) {
		pthread_mutex_lock(&push->lock);
		settings = push->settings;
		pthread_mutex_unlock(&push->lock);
		if (!settings.url[0])
			skip(push, newest);
		if (atomic_load(&push->consumer.done) >= newest || !find_next(push, &next))
			newest = cdr_writer_wait(push->writer, newest, IDLE_MS);
		else if (next.is_found)
			send_one(push, &settings, &next);
		else
			skip(push, newest);
	}
	secret_wipe(&settings, sizeof(settings));
	return NULL;
}

enum vos_err cdr_push_create(struct cdr_writer *writer, const struct log *log,
			     struct alarms *alarms, const struct conf *conf, struct cdr_push **out)
{
	struct cdr_push *push = calloc(1, sizeof(*push));

	*out = NULL;
	if (!push)
		return VOS_ENOMEM;
	if (delivery_create(&push->delivery) != VOS_OK) {
		free(push);
		return VOS_ENOMEM;
	}
	push->writer = writer;
	push->log = log;
	push->alarms = alarms;
	pthread_mutex_init(&push->lock, NULL);
	push->consumer.name = "push";
	cdr_push_configure(push, conf);
	cdr_writer_add_consumer(writer, &push->consumer);
	*out = push;
	return VOS_OK;
}

enum vos_err cdr_push_start(struct cdr_push *push)
{
	if (thread_start(&push->thread, NULL, "record-push", run, push) != 0)
		return VOS_ENOMEM;
	push->is_started = true;
	return VOS_OK;
}

void cdr_push_stop(struct cdr_push *push)
{
	if (!push || !push->is_started)
		return;
	atomic_store(&push->is_stopping, true);
	delivery_stop(push->delivery);
	cdr_writer_wake(push->writer);
	pthread_join(push->thread, NULL);
	push->is_started = false;
}

void cdr_push_destroy(struct cdr_push *push)
{
	if (!push)
		return;
	delivery_destroy(push->delivery);
	buf_free(&push->body);
	pthread_mutex_destroy(&push->lock);
	secret_wipe(&push->settings, sizeof(push->settings));
	free(push);
}

void cdr_push_configure(struct cdr_push *push, const struct conf *conf)
{
	bool is_other;

	if (!push)
		return;
	pthread_mutex_lock(&push->lock);
	is_other = !conf_post_eq(&push->settings, &conf->cdr_push);
	push->settings = conf->cdr_push;
	atomic_store(&push->consumer.is_on, push->settings.url[0] != '\0');
	pthread_mutex_unlock(&push->lock);
	if (is_other)
		delivery_hurry(push->delivery);
}

uint64_t cdr_push_status(struct cdr_push *push, struct delivery_status *out)
{
	*out = (struct delivery_status){0};
	if (!push)
		return 0;
	delivery_status(push->delivery, out);
	return atomic_load(&push->consumer.done);
}
