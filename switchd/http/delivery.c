/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/http/delivery.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"

#define PAUSE_FIRST_MS 100u
#define PAUSE_MAX_MS   60000u
#define RETRY_MAX_S    3600

struct delivery {
	struct http_client *client; /* the thread's */
	pthread_mutex_t lock;       /* of the following */
	pthread_cond_t news;
	struct delivery_status status;
	int retry_after_s; /* of the last answer */
	bool is_hurried;
	bool is_stopping;
};

uint64_t delivery_pause_ms(unsigned failures, int retry_after_s)
{
	uint64_t pause_ms = PAUSE_FIRST_MS;
	uint64_t asked_ms =
		(uint64_t)(retry_after_s < RETRY_MAX_S ? retry_after_s : RETRY_MAX_S) * 1000;

	for (unsigned i = 1; i < failures && pause_ms < PAUSE_MAX_MS; i++)
		pause_ms *= 2;
	if (pause_ms > PAUSE_MAX_MS)
		pause_ms = PAUSE_MAX_MS;
	return pause_ms > asked_ms ? pause_ms : asked_ms;
}

enum vos_err delivery_create(struct delivery **out)
{
	struct delivery *delivery = calloc(1, sizeof(*delivery));
	pthread_condattr_t attributes;

	*out = NULL;
	if (!delivery)
		return VOS_ENOMEM;
	if (http_client_create(&delivery->client) != VOS_OK) {
		free(delivery);
		return VOS_ENOMEM;
	}
	pthread_mutex_init(&delivery->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&delivery->news, &attributes);
	pthread_condattr_destroy(&attributes);
	*out = delivery;
	return VOS_OK;
}

void delivery_destroy(struct delivery *delivery)
{
	if (!delivery)
		return;
	http_client_destroy(delivery->client);
	pthread_cond_destroy(&delivery->news);
	pthread_mutex_destroy(&delivery->lock);
	free(delivery);
}

bool delivery_try(struct delivery *delivery, const struct http_request *request)
{
	struct delivery_status *status = &delivery->status;
	struct http_answer answer;
	bool is_taken;

	pthread_mutex_lock(&delivery->lock);
	delivery->is_hurried = false;
	pthread_mutex_unlock(&delivery->lock);
	is_taken = http_client_post(delivery->client, request, &answer);
	pthread_mutex_lock(&delivery->lock);
	if (!is_taken && delivery->is_stopping) {
		/* It was us who ended it. */
		pthread_mutex_unlock(&delivery->lock);
		return false;
	}
	status->taken += is_taken;
	status->failed += !is_taken;
	status->failures = is_taken ? 0 : status->failures + 1;
	status->answered_ms = clock_wall_ms();
	status->next_ms = 0;
	memcpy(status->text, answer.text, sizeof(status->text));
	delivery->retry_after_s = is_taken ? 0 : answer.retry_after_s;
	pthread_mutex_unlock(&delivery->lock);
	return is_taken;
}

void delivery_pause(struct delivery *delivery)
{
	struct timespec until;
	uint64_t until_ms;
	uint64_t pause_ms;
	int code = 0;

	pthread_mutex_lock(&delivery->lock);
	pause_ms = delivery_pause_ms(delivery->status.failures, delivery->retry_after_s);
	delivery->status.next_ms = clock_wall_ms() + (int64_t)pause_ms;
	until_ms = clock_mono_us() / 1000 + pause_ms;
	until.tv_sec = (time_t)(until_ms / 1000);
	until.tv_nsec = (long)(until_ms % 1000) * 1000000;
	while (!delivery->is_stopping && !delivery->is_hurried && !code)
		code = pthread_cond_timedwait(&delivery->news, &delivery->lock, &until);
	pthread_mutex_unlock(&delivery->lock);
}

void delivery_hurry(struct delivery *delivery)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->is_hurried = true;
	delivery->status.failures = 0;
	delivery->status.next_ms = 0;
	pthread_cond_broadcast(&delivery->news);
	pthread_mutex_unlock(&delivery->lock);
}

void delivery_stop(struct delivery *delivery)
{
	pthread_mutex_lock(&delivery->lock);
	delivery->is_stopping = true;
	pthread_cond_broadcast(&delivery->news);
	pthread_mutex_unlock(&delivery->lock);
	http_client_stop(delivery->client);
}

void delivery_status(struct delivery *delivery, struct delivery_status *out)
{
	pthread_mutex_lock(&delivery->lock);
	*out = delivery->status;
	pthread_mutex_unlock(&delivery->lock);
}
