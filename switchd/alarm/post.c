/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/alarm/post.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/thread.h"
#include "switchd/alarm/alarm_json.h"
#include "switchd/conf/conf.h"

#define SUBJECT "alarms"

struct notice {
	struct alarm alarm;
	enum alarm_event event;
};

struct post_settings {
	struct conf_post to;
	char hostname[64];
	int level;
};

struct alarm_post {
	const struct log *log;
	struct alarms *alarms;
	uint64_t identity;
	struct delivery *delivery;
	struct buf body; /* the thread's, as the next */
	bool is_grave;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	struct post_settings settings;
	bool is_stopping;
	uint64_t lost;
	bool is_overfull; /* one was lost since there was room last */
	uint64_t taken;   /* off the queue; which of them is first */
	size_t count;
	struct notice waiting[ALARM_POST_WAITING_MAX]; /* a ring, from taken on */
};

static struct notice *notice_at(struct alarm_post *post, uint64_t number)
{
	return &post->waiting[number % ALARM_POST_WAITING_MAX];
}

static void read_settings(const struct conf *conf, struct post_settings *out)
{
	const struct object *object =
		snapshot_object_find(conf->snapshot, OBJECT_ALARM_HOOK, SPAN_LIT(""));

	memset(out, 0, sizeof(*out));
	out->to = conf->alarm_post;
	snprintf(out->hostname, sizeof(out->hostname), "%s", conf->hostname);
	if (object)
		out->level = (int)object_field(object, FIELD_ALARM_HOOK_LEVEL)->number;
}

/* Under the lock of the alarms, in whatever thread. */
static void take_alarm(void *context, const struct alarm *alarm, enum alarm_event event)
{
	struct alarm_post *post = context;

	pthread_mutex_lock(&post->lock);
	if (!post->settings.to.url[0] || alarm->level < post->settings.level) {
		pthread_mutex_unlock(&post->lock);
		return;
	}
	if (post->count == ALARM_POST_WAITING_MAX) {
		if (!post->is_overfull)
			log_warning(post->log, "alarm",
				    "%d alarms wait to be posted: the oldest are not",
				    ALARM_POST_WAITING_MAX);
		post->is_overfull = true;
		post->lost++;
		post->taken++;
		post->count--;
	}
	*notice_at(post, post->taken + post->count++) = (struct notice){*alarm, event};
	pthread_cond_signal(&post->news);
	pthread_mutex_unlock(&post->lock);
}

/* The first one, which stays; false: it is to end. */
static bool first_notice(struct alarm_post *post, struct post_settings *settings,
			 struct notice *out, uint64_t *number)
{
	bool goes_on;

	pthread_mutex_lock(&post->lock);
	while (!post->is_stopping && !post->count)
		pthread_cond_wait(&post->news, &post->lock);
	goes_on = !post->is_stopping;
	if (goes_on) {
		*settings = post->settings;
		*number = post->taken;
		*out = *notice_at(post, post->taken);
	}
	pthread_mutex_unlock(&post->lock);
	return goes_on;
}

/* Unless it had to make room meanwhile. */
static void forget_notice(struct alarm_post *post, uint64_t number)
{
	pthread_mutex_lock(&post->lock);
	if (post->taken == number && post->count) {
		post->taken++;
		post->count--;
	}
	post->is_overfull = false;
	pthread_mutex_unlock(&post->lock);
}

static bool is_stopping(struct alarm_post *post)
{
	bool stops;

	pthread_mutex_lock(&post->lock);
	stops = post->is_stopping;
	pthread_mutex_unlock(&post->lock);
	return stops;
}

/* The alarm about it waits with the others, for when somebody takes them. */
static void report(struct alarm_post *post, const char *url, bool is_taken)
{
	struct delivery_status status;

	delivery_status(post->delivery, &status);
	if (is_taken && post->is_grave) {
		alarms_clear(post->alarms, WORD_ALARM_KIND_PUSH, SUBJECT);
		post->is_grave = false;
	} else if (!is_taken && status.failures >= DELIVERY_FAILURES_GRAVE) {
		alarms_raise(post->alarms, WORD_ALARM_KIND_PUSH, SUBJECT,
			     "alarms are not taken and wait: %s", status.text);
		if (!post->is_grave)
			log_warning(post->log, "alarm", "alarms are not taken by %s: %s", url,
				    status.text);
		post->is_grave = true;
	}
}

static bool send_notice(struct alarm_post *post, const struct post_settings *settings,
			const struct notice *notice)
{
	const struct alarm *alarm = &notice->alarm;
	char key[96];
	struct http_request request = {
		.url = settings->to.url,
		.token = settings->to.token,
		.key = key,
		.timeout_s = settings->to.timeout_s,
	};

	snprintf(key, sizeof(key), "%016" PRIx64 "-alarm-%u-%s-%lld", post->identity,
		 (unsigned)alarm->id, alarm_event_word(notice->event),
		 (long long)(notice->event == ALARM_ACKNOWLEDGED ? alarm->acknowledged_ms
								 : alarm->raised_ms));
	buf_reset(&post->body);
	alarm_json(alarm, notice->event, settings->hostname, &post->body);
	if (post->body.failed) {
		post->body.failed = false;
		return false;
	}
	request.body = buf_span(&post->body);
	return delivery_try(post->delivery, &request);
}

static void *run(void *argument)
{
	struct alarm_post *post = argument;
	struct post_settings settings = {0};
	struct notice notice;
	uint64_t number;

	while (first_notice(post, &settings, &notice, &number)) {
		bool is_taken;

		if (!settings.to.url[0]) {
			forget_notice(post, number);
			report(post, "", true);
			continue;
		}
		is_taken = send_notice(post, &settings, &notice);
		if (is_taken)
			forget_notice(post, number);
		if (is_stopping(post))
			break;
		report(post, settings.to.url, is_taken);
		if (!is_taken)
			delivery_pause(post->delivery);
	}
	secret_wipe(&settings, sizeof(settings));
	return NULL;
}

static void free_post(struct alarm_post *post)
{
	delivery_destroy(post->delivery);
	buf_free(&post->body);
	pthread_cond_destroy(&post->news);
	pthread_mutex_destroy(&post->lock);
	secret_wipe(&post->settings, sizeof(post->settings));
	free(post);
}

enum vos_err alarm_post_start(const struct log *log, struct alarms *alarms, const struct conf *conf,
			      uint64_t identity, struct alarm_post **out)
{
	struct alarm_post *post = calloc(1, sizeof(*post));

	*out = NULL;
	if (!post)
		return VOS_ENOMEM;
	post->log = log;
	post->alarms = alarms;
	post->identity = identity;
	pthread_mutex_init(&post->lock, NULL);
	pthread_cond_init(&post->news, NULL);
	read_settings(conf, &post->settings);
	if (delivery_create(&post->delivery) != VOS_OK ||
	    thread_start(&post->thread, NULL, "alarm-post", run, post) != 0) {
		free_post(post);
		return VOS_ENOMEM;
	}
	alarms_listen(alarms, take_alarm, post);
	*out = post;
	return VOS_OK;
}

void alarm_post_configure(struct alarm_post *post, const struct conf *conf)
{
	struct post_settings settings;
	bool is_other;

	if (!post)
		return;
	read_settings(conf, &settings);
	pthread_mutex_lock(&post->lock);
	is_other = !conf_post_eq(&settings.to, &post->settings.to);
	post->settings = settings;
	pthread_mutex_unlock(&post->lock);
	secret_wipe(&settings, sizeof(settings));
	if (is_other)
		delivery_hurry(post->delivery);
}

void alarm_post_status(struct alarm_post *post, struct alarm_notice_status *out)
{
	struct delivery_status status;

	delivery_status(post->delivery, &status);
	pthread_mutex_lock(&post->lock);
	memcpy(out->target, post->settings.to.url, sizeof(out->target));
	out->waiting = post->count;
	out->lost = post->lost;
	pthread_mutex_unlock(&post->lock);
	out->told = status.taken;
	out->failed = status.failed;
	out->answered_ms = status.answered_ms;
	out->next_ms = status.next_ms;
	memcpy(out->answer, status.text, sizeof(out->answer));
}

void alarm_post_stop(struct alarm_post *post)
{
	if (!post)
		return;
	alarms_unlisten(post->alarms, take_alarm, post);
	pthread_mutex_lock(&post->lock);
	post->is_stopping = true;
	pthread_cond_signal(&post->news);
	pthread_mutex_unlock(&post->lock);
	delivery_stop(post->delivery);
	pthread_join(post->thread, NULL);
	free_post(post);
}
