/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has to have had a record before it may go, and how far each has come. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "switchd/cdr/writer_private.h"

void writer_put_consumers(struct cdr_writer *writer)
{
	for (int i = 0; i < writer->consumer_count; i++) {
		uint64_t done = atomic_load(&writer->consumers[i]->done);
		char name[64];

		if (done == writer->consumer_put[i])
			continue;
		snprintf(name, sizeof(name), "done-%s", writer->consumers[i]->name);
		cdr_batch_put_number(&writer->batch, name, done);
		writer->consumer_put[i] = done;
	}
}

void writer_consumers_kept(struct cdr_writer *writer)
{
	for (int i = 0; i < writer->consumer_count; i++)
		writer->consumer_kept[i] = writer->consumer_put[i];
}

uint64_t writer_first_pending(const struct cdr_writer *writer)
{
	uint64_t first = writer->next;

	for (int i = 0; i < writer->consumer_count; i++) {
		uint64_t done = writer->consumer_kept[i];

		if (atomic_load(&writer->consumers[i]->is_on) && done + 1 < first)
			first = done + 1;
	}
	return first;
}

void cdr_writer_add_consumer(struct cdr_writer *writer, struct cdr_consumer *consumer)
{
	struct buf text = buf_new();
	uint64_t done = writer->next - 1;
	char name[64];

	snprintf(name, sizeof(name), "done-%s", consumer->name);
	if (cdr_store_get(writer->store, 'n', name, &text) == VOS_OK)
		done = strtoull(buf_cstr(&text), NULL, 10);
	else /* together with the first record it will be asked for */
		cdr_batch_put_number(&writer->batch, name, done);
	buf_free(&text);
	atomic_store(&consumer->done, done);
	writer->consumer_kept[writer->consumer_count] = done;
	writer->consumer_put[writer->consumer_count] = done;
	writer->consumers[writer->consumer_count++] = consumer;
}

uint64_t cdr_writer_wait(struct cdr_writer *writer, uint64_t number, int timeout_ms)
{
	struct timespec until;
	uint64_t newest;
	int code = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	until.tv_sec += timeout_ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&writer->lock);
	while (writer->status.newest <= number && !code && !atomic_load(&writer->is_stopping))
		code = pthread_cond_timedwait(&writer->news, &writer->lock, &until);
	newest = writer->status.newest;
	pthread_mutex_unlock(&writer->lock);
	return newest;
}

void cdr_writer_wake(struct cdr_writer *writer)
{
	pthread_mutex_lock(&writer->lock);
	pthread_cond_broadcast(&writer->news);
	pthread_mutex_unlock(&writer->lock);
}

int cdr_writer_consumers(const struct cdr_writer *writer,
			 struct cdr_consumer_status out[CDR_CONSUMERS_MAX])
{
	for (int i = 0; i < writer->consumer_count; i++) {
		const struct cdr_consumer *consumer = writer->consumers[i];

		out[i].name = consumer->name;
		out[i].is_on = atomic_load(&consumer->is_on);
		out[i].done = atomic_load(&consumer->done);
	}
	return writer->consumer_count;
}
