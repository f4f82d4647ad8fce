/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/stats/monitor.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/alarm/alarm.h"
#include "switchd/conf/conf.h"
#include "switchd/fraud/fraud.h"
#include "switchd/stats/http.h"
#include "switchd/stats/sample.h"
#include "switchd/stats/watch.h"

#define OPEN_TYPE  "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PLAIN_TYPE "text/plain; version=0.0.4; charset=utf-8"

struct monitor {
	struct metrics_sources sources;
	const struct log *log;
	struct watch *watch; /* the thread's, as the next four */
	struct sampler sampler;
	struct http *http;
	struct addr address; /* that it is at, or was tried at */
	bool is_failing;
	pthread_t thread;
	pthread_mutex_t lock; /* of the following */
	pthread_cond_t news;
	struct conf *conf;
	bool is_changed;
	bool is_stopping;
};

static struct conf *conf_now(struct monitor *monitor)
{
	struct conf *conf;

	pthread_mutex_lock(&monitor->lock);
	conf = conf_ref(monitor->conf);
	pthread_mutex_unlock(&monitor->lock);
	return conf;
}

/* --- HTTP, in the server's thread. --- */

static int answer_metrics(struct monitor *monitor, const char *accept, struct buf *body,
			  const char **type)
{
	bool is_open = strstr(accept, "application/openmetrics-text") != NULL;
	struct conf *conf = conf_now(monitor);

	metrics_print(&monitor->sources, conf, is_open, body);
	conf_unref(conf);
	*type = is_open ? OPEN_TYPE : PLAIN_TYPE;
	return 200;
}

static int answer(void *context, const char *path, const char *accept, struct buf *body,
		  const char **type)
{
	struct monitor *monitor = context;
	const char *why;

	if (strcmp(path, "/metrics") == 0)
		return answer_metrics(monitor, accept, body, type);
	if (strcmp(path, "/healthz") == 0) {
		buf_printf(body, "ok\n");
		return 200;
	}
	if (strcmp(path, "/readyz") == 0) {
		why = metrics_unready(&monitor->sources);
		buf_printf(body, "%s\n", why ? why : "ready");
		return why ? 503 : 200;
	}
	buf_printf(body, "/metrics, /healthz, /readyz\n");
	return 404;
}

/* --- The thread. --- */

static struct addr wanted_address(const struct conf *conf)
{
	const struct object *metrics =
		snapshot_object_find(conf->snapshot, OBJECT_METRICS, SPAN_LIT(""));
	const struct value *value = metrics ? object_field(metrics, FIELD_METRICS_HTTP) : NULL;

	if (!value || value->type != VALUE_ADDRESS)
		return (struct addr){0};
	if (!addr_is_loopback(&value->address) &&
	    !object_field(metrics, FIELD_METRICS_REMOTE)->boolean)
		return (struct addr){0};
	return value->address;
}

static void open_http(struct monitor *monitor)
{
	char text[ADDR_TEXT_MAX];

	addr_print(&monitor->address, text);
	if (http_start(&monitor->address, answer, monitor, &monitor->http) == VOS_OK) {
		log_notice(monitor->log, "metrics", "served at http://%s/metrics", text);
		if (monitor->is_failing)
			alarms_clear(monitor->sources.alarms, WORD_ALARM_KIND_METRICS, "");
		monitor->is_failing = false;
		return;
	}
	alarms_raise(monitor->sources.alarms, WORD_ALARM_KIND_METRICS, "",
		     "metrics cannot be served at %s; tried again every %d s", text,
		     MONITOR_LOOK_S);
	monitor->is_failing = true;
}

static void update_http(struct monitor *monitor, const struct conf *conf)
{
	struct addr wanted = wanted_address(conf);

	if (!addr_eq(&wanted, &monitor->address) || wanted.family == ADDR_NONE) {
		http_stop(monitor->http);
		monitor->http = NULL;
		monitor->address = wanted;
	}
	if (wanted.family != ADDR_NONE && !monitor->http) {
		open_http(monitor);
	} else if (wanted.family == ADDR_NONE && monitor->is_failing) {
		alarms_clear(monitor->sources.alarms, WORD_ALARM_KIND_METRICS, "");
		monitor->is_failing = false;
	}
}

/* Until the next look, or a commit; false: it is to end. */
static bool wait_for_more(struct monitor *monitor)
{
	struct timespec until;
	bool goes_on;
	int code = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += MONITOR_LOOK_S;
	pthread_mutex_lock(&monitor->lock);
	while (!monitor->is_stopping && !monitor->is_changed && !code)
		code = pthread_cond_timedwait(&monitor->news, &monitor->lock, &until);
	monitor->is_changed = false;
	goes_on = !monitor->is_stopping;
	pthread_mutex_unlock(&monitor->lock);
	return goes_on;
}

static void *run(void *argument)
{
	struct monitor *monitor = argument;

	do {
		struct conf *conf = conf_now(monitor);

		update_http(monitor, conf);
		sample_look(&monitor->sampler, &monitor->sources, conf, clock_mono_us());
		fraud_look(monitor->sources.fraud, conf, clock_mono_us());
		watch_look(monitor->watch, conf, clock_mono_us());
		conf_unref(conf);
	} while (wait_for_more(monitor));
	http_stop(monitor->http);
	monitor->http = NULL;
	return NULL;
}

static void free_monitor(struct monitor *monitor)
{
	watch_destroy(monitor->watch);
	conf_unref(monitor->conf);
	pthread_cond_destroy(&monitor->news);
	pthread_mutex_destroy(&monitor->lock);
	free(monitor);
}

enum vos_err monitor_start(const struct metrics_sources *sources, const struct log *log,
			   const char *state_dir, struct conf *conf, struct monitor **out)
{
	struct monitor *monitor = calloc(1, sizeof(*monitor));
	pthread_condattr_t attributes;

	*out = NULL;
	if (!monitor)
		return VOS_ENOMEM;
	monitor->sources = *sources;
	monitor->log = log;
	monitor->conf = conf_ref(conf);
	pthread_mutex_init(&monitor->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&monitor->news, &attributes);
	pthread_condattr_destroy(&attributes);
	if (watch_create(&monitor->sources, state_dir, &monitor->watch) != VOS_OK ||
	    thread_start(&monitor->thread, NULL, "monitor", run, monitor) != 0) {
		free_monitor(monitor);
		return VOS_ENOMEM;
	}
	*out = monitor;
	return VOS_OK;
}

void monitor_configure(struct monitor *monitor, struct conf *conf)
{
	struct conf *before;

	if (!monitor)
		return;
	pthread_mutex_lock(&monitor->lock);
	before = monitor->conf;
	monitor->conf = conf_ref(conf);
	monitor->is_changed = true;
	pthread_cond_signal(&monitor->news);
	pthread_mutex_unlock(&monitor->lock);
	conf_unref(before);
}

void monitor_stop(struct monitor *monitor)
{
	if (!monitor)
		return;
	pthread_mutex_lock(&monitor->lock);
	monitor->is_stopping = true;
	pthread_cond_signal(&monitor->news);
	pthread_mutex_unlock(&monitor->lock);
	pthread_join(monitor->thread, NULL);
	free_monitor(monitor);
}
