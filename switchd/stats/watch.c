/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was seen of each subject before (its mean, whether its alarm is up) is remembered by kind
 * and name; one that is watched no more ends its alarm and is forgotten. */
#include "switchd/stats/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/cdr/writer.h"
#include "switchd/conf/conf.h"
#include "switchd/stats/machine.h"
#include "switchd/stats/threshold.h"
#include "switchd/store/cdr_store.h"

#define US_PER_S       1000000
#define CALLS_TOLD_MAX 32 /* long calls that have an alarm at a time */

struct seen {
	UT_hash_handle hh;
	int kind;
	bool is_raised;
	bool is_known; /* whether an earlier run has left it raised does not matter any more */
	bool has_mean;
	double mean;
	uint64_t round; /* it was looked at last */
	char key[96];   /* "KIND SUBJECT" */
	const char *subject;
};

struct watch {
	const struct metrics_sources *sources;
	const char *state_dir;
	struct seen *table;
	uint64_t round;
	uint64_t now_us;
	uint64_t before_us;    /* of the look before; 0: there was none */
	uint64_t durations_us; /* calls are not looked at before */
	struct machine now;
	struct machine before;
	int64_t skew_ms; /* wall clock less the monotonic one */
};

/* An `alarm` object as it is in force. */
struct rule {
	int kind;
	struct threshold threshold;
	uint32_t window_s;
	uint64_t attempts;
};

enum vos_err watch_create(const struct metrics_sources *sources, const char *state_dir,
			  struct watch **out)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return VOS_ENOMEM;
	(*out)->sources = sources;
	(*out)->state_dir = state_dir;
	return VOS_OK;
}

static void forget(struct watch *watch, struct seen *seen)
{
	HASH_DEL(watch->table, seen);
	free(seen);
}

void watch_destroy(struct watch *watch)
{
	struct seen *seen;
	struct seen *next;

	if (!watch)
		return;
	HASH_ITER (hh, watch->table, seen, next)
		forget(watch, seen);
	free(watch);
}

static struct seen *seen_of(struct watch *watch, int kind, const char *subject)
{
	char key[sizeof(((struct seen *)0)->key)];
	struct seen *seen;
	int at;

	at = snprintf(key, sizeof(key), "%d ", kind);
	snprintf(key + at, sizeof(key) - (size_t)at, "%s", subject);
	HASH_FIND_STR(watch->table, key, seen);
	if (!seen) {
		seen = calloc(1, sizeof(*seen));
		if (!seen)
			return NULL;
		memcpy(seen->key, key, sizeof(key));
		seen->subject = seen->key + at;
		seen->kind = kind;
		HASH_ADD_STR(watch->table, key, seen);
	}
	seen->round = watch->round;
	return seen;
}

static void judge(struct watch *watch, const struct rule *rule, struct seen *seen, int64_t value,
		  const char *what)
{
	const struct threshold *threshold = &rule->threshold;
	bool is_crossed = threshold_is_crossed(threshold, seen->is_raised, value);
	char limits[64];

	if (is_crossed) {
		int at = 0;

		limits[0] = '\0';
		if (threshold->has_lower)
			at = snprintf(limits, sizeof(limits), "; lower %lld",
				      (long long)threshold->lower);
		if (threshold->has_upper)
			snprintf(limits + at, sizeof(limits) - (size_t)at, "; upper %lld",
				 (long long)threshold->upper);
		alarms_raise(watch->sources->alarms, rule->kind, seen->subject, "%s is %lld%s",
			     what, (long long)value, limits);
	} else if (seen->is_raised || !seen->is_known) {
		alarms_clear(watch->sources->alarms, rule->kind, seen->subject);
	}
	seen->is_raised = is_crossed;
	seen->is_known = true;
}

/* Nothing to judge by: what is up ends. */
static void stay_quiet(struct watch *watch, struct seen *seen)
{
	if (seen->is_raised)
		alarms_clear(watch->sources->alarms, seen->kind, seen->subject);
	seen->is_raised = false;
}

/* Follows the value as a mean over the window would; the mean before. */
static double follow(const struct watch *watch, const struct rule *rule, struct seen *seen,
		     double value)
{
	double passed_s = (double)(watch->now_us - watch->before_us) / US_PER_S;
	double before = seen->has_mean ? seen->mean : value;
	double share = watch->before_us ? passed_s / rule->window_s : 1;

	seen->mean = before + (value - before) * (share < 1 ? share : 1);
	seen->has_mean = true;
	return before;
}

/* --- Gateways. --- */

static void look_at_ratio(struct watch *watch, const struct rule *rule, enum stats_scope scope,
			  const char *name, bool is_asr)
{
	struct seen *seen = seen_of(watch, rule->kind, name);
	struct stats_sum sum;

	if (!seen)
		return;
	stats_read(watch->sources->stats, scope, name, rule->window_s, watch->now_us, &sum);
	if (is_asr && sum.attempts >= rule->attempts)
		judge(watch, rule, seen, (int64_t)(sum.answered * 100 / sum.attempts),
		      "answer-seizure ratio in percent");
	else if (!is_asr && sum.answered >= rule->attempts)
		judge(watch, rule, seen, (int64_t)(sum.talk_ms / sum.answered / 1000),
		      "mean talk time in seconds");
	else
		stay_quiet(watch, seen);
}

static void look_at_calls(struct watch *watch, const struct rule *rule, const char *name,
			  const struct live *live, bool is_drop)
{
	struct seen *seen = seen_of(watch, rule->kind, name);
	double calls = atomic_load_explicit(&live->calls, memory_order_relaxed);
	double mean;

	if (!seen)
		return;
	mean = follow(watch, rule, seen, calls);
	if (mean < (double)rule->attempts)
		stay_quiet(watch, seen);
	else
		judge(watch, rule, seen,
		      (int64_t)((is_drop ? mean - calls : calls - mean) * 100 / mean),
		      is_drop ? "fall of concurrent calls in percent"
			      : "rise of concurrent calls in percent");
}

static void look_at_gateway(struct watch *watch, const struct rule *rule, enum stats_scope scope,
			    const char *name, const struct live *live)
{
	switch (rule->kind) {
	case WORD_ALARM_KIND_ROUTING_ASR:
	case WORD_ALARM_KIND_MAPPING_ASR:
		look_at_ratio(watch, rule, scope, name, true);
		break;
	case WORD_ALARM_KIND_ROUTING_ACD:
	case WORD_ALARM_KIND_MAPPING_ACD:
		look_at_ratio(watch, rule, scope, name, false);
		break;
	case WORD_ALARM_KIND_ROUTING_DROP:
	case WORD_ALARM_KIND_MAPPING_DROP:
		look_at_calls(watch, rule, name, live, true);
		break;
	default:
		look_at_calls(watch, rule, name, live, false);
		break;
	}
}

static void look_at_mapping(struct watch *watch, const struct rule *rule, const struct conf *conf)
{
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_MAPPING_GATEWAY);

	for (size_t i = 0; i < count; i++) {
		const struct conf_mapping_gateway *gateway = conf_mapping_named(
			conf, span_of(object_key(snapshot_object_at(conf->snapshot,
								    OBJECT_MAPPING_GATEWAY, i))));

		if (gateway && gateway->live)
			look_at_gateway(watch, rule, STATS_MAPPING, gateway->name, gateway->live);
	}
}

static void look_at_routing(struct watch *watch, const struct rule *rule, const struct conf *conf)
{
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_ROUTING_GATEWAY);

	for (size_t i = 0; i < count; i++) {
		const struct conf_routing_gateway *gateway = conf_routing_gateway_find(
			conf, span_of(object_key(snapshot_object_at(conf->snapshot,
								    OBJECT_ROUTING_GATEWAY, i))));

		if (gateway && gateway->live)
			look_at_gateway(watch, rule, STATS_ROUTING, gateway->name, gateway->live);
	}
}

/* --- Calls that last, by their records. --- */

struct long_calls {
	struct watch *watch;
	const struct rule *rule;
	size_t told;
};

static bool look_at_call(void *context, const char *key, struct span value)
{
	struct long_calls *calls = context;
	const struct watch *watch = calls->watch;
	struct cdr cdr;
	struct seen *seen;
	int64_t talk_s;

	if (!cdr_decode(value, &cdr) || cdr.answer_us > watch->now_us)
		return true;
	talk_s = (int64_t)(watch->now_us - cdr.answer_us) / US_PER_S;
	if (talk_s <= calls->rule->threshold.upper)
		return true;
	seen = seen_of(calls->watch, calls->rule->kind, key);
	if (!seen)
		return false;
	alarms_raise(watch->sources->alarms, calls->rule->kind, key,
		     "%.60s to %.60s talks for %lld s; upper %lld",
		     cdr.caller[0] ? cdr.caller : cdr.caller_received,
		     cdr.callee[0] ? cdr.callee : cdr.callee_received, (long long)talk_s,
		     (long long)calls->rule->threshold.upper);
	seen->is_raised = true;
	return ++calls->told < CALLS_TOLD_MAX;
}

/* To read 10,000 records takes some ms: no more than a twentieth of the time. */
static void look_at_durations(struct watch *watch, const struct rule *rule)
{
	struct long_calls calls = {.watch = watch, .rule = rule};
	uint64_t began_us = clock_mono_us();
	struct seen *seen;
	struct seen *next;

	if (!watch->sources->cdr || !rule->threshold.has_upper)
		return;
	if (began_us < watch->durations_us) {
		HASH_ITER (hh, watch->table, seen, next)
			if (seen->kind == rule->kind)
				seen->round = watch->round;
		return;
	}
	if (cdr_store_walk(cdr_writer_store(watch->sources->cdr), 'o', "", false, look_at_call,
			   &calls) == VOS_OK)
		watch->durations_us = began_us + (clock_mono_us() - began_us) * 20;
}

static void look_at_pending(struct watch *watch, const struct rule *rule)
{
	struct seen *seen = seen_of(watch, rule->kind, "");
	struct cdr_status status;

	if (!seen || !watch->sources->cdr)
		return;
	cdr_writer_status(watch->sources->cdr, &status);
	judge(watch, rule, seen, (int64_t)status.pending, "records that wait");
}

/* --- The machine. --- */

static void look_at_share(struct watch *watch, const struct rule *rule, int percent,
			  const char *subject, const char *what)
{
	struct seen *seen = seen_of(watch, rule->kind, subject);

	if (seen && percent >= 0)
		judge(watch, rule, seen, percent, what);
}

static void look_at_mean(struct watch *watch, const struct rule *rule, double value,
			 const char *what)
{
	struct seen *seen = seen_of(watch, rule->kind, "");

	if (!seen || !watch->before_us)
		return;
	follow(watch, rule, seen, value);
	judge(watch, rule, seen, (int64_t)seen->mean, what);
}

static void look_at_rate(struct watch *watch, const struct rule *rule, uint64_t before,
			 uint64_t now, const char *what)
{
	double passed_s = (double)(watch->now_us - watch->before_us) / US_PER_S;

	/* An interface that went away takes its counters with it. */
	if (passed_s > 0)
		look_at_mean(watch, rule, now > before ? (double)(now - before) / passed_s : 0,
			     what);
}

static void look_at_cpu(struct watch *watch, const struct rule *rule)
{
	uint64_t all = watch->now.cpu_all - watch->before.cpu_all;
	uint64_t busy = watch->now.cpu_busy - watch->before.cpu_busy;

	if (all && watch->now.cpu_all > watch->before.cpu_all)
		look_at_mean(watch, rule, (double)busy * 100 / (double)all,
			     "processor use in percent");
}

static void look_at_clock(struct watch *watch, const struct rule *rule)
{
	struct seen *seen = seen_of(watch, rule->kind, "");
	double step;

	if (!seen)
		return;
	step = (double)watch->skew_ms - follow(watch, rule, seen, (double)watch->skew_ms);
	judge(watch, rule, seen, (int64_t)(step < 0 ? -step : step),
	      "step of the wall clock in milliseconds");
}

static void look_by(struct watch *watch, const struct rule *rule, const struct conf *conf)
{
	const struct machine *now = &watch->now;
	const struct machine *before = &watch->before;

	switch (rule->kind) {
	case WORD_ALARM_KIND_ROUTING_ASR:
	case WORD_ALARM_KIND_ROUTING_ACD:
	case WORD_ALARM_KIND_ROUTING_DROP:
	case WORD_ALARM_KIND_ROUTING_RISE:
		return look_at_routing(watch, rule, conf);
	case WORD_ALARM_KIND_MAPPING_ASR:
	case WORD_ALARM_KIND_MAPPING_ACD:
	case WORD_ALARM_KIND_MAPPING_DROP:
	case WORD_ALARM_KIND_MAPPING_RISE:
		return look_at_mapping(watch, rule, conf);
	case WORD_ALARM_KIND_CPU:
		return look_at_cpu(watch, rule);
	case WORD_ALARM_KIND_MEMORY:
		return look_at_share(watch, rule, now->memory_percent, "",
				     "memory in use in percent");
	case WORD_ALARM_KIND_DISK:
		return look_at_share(watch, rule, now->disk_percent, "state folder",
				     "disk in use in percent");
	case WORD_ALARM_KIND_PENDING_CDR:
		return look_at_pending(watch, rule);
	case WORD_ALARM_KIND_CALL_DURATION:
		return look_at_durations(watch, rule);
	case WORD_ALARM_KIND_CLOCK_SKEW:
		return look_at_clock(watch, rule);
	case WORD_ALARM_KIND_PACKETS_IN:
		return look_at_rate(watch, rule, before->packets_in, now->packets_in,
				    "packets received a second");
	case WORD_ALARM_KIND_BYTES_IN:
		return look_at_rate(watch, rule, before->bytes_in, now->bytes_in,
				    "bytes received a second");
	case WORD_ALARM_KIND_PACKETS_OUT:
		return look_at_rate(watch, rule, before->packets_out, now->packets_out,
				    "packets sent a second");
	case WORD_ALARM_KIND_BYTES_OUT:
		return look_at_rate(watch, rule, before->bytes_out, now->bytes_out,
				    "bytes sent a second");
	default: /* raised by who knows of it */
		return;
	}
}

static bool read_rule(const struct object *object, int kind, struct rule *out)
{
	const struct value *lower = object_field(object, FIELD_ALARM_LOWER);
	const struct value *upper = object_field(object, FIELD_ALARM_UPPER);

	*out = (struct rule){
		.kind = kind,
		.threshold = {.has_lower = object_field_is_set(object, FIELD_ALARM_LOWER),
			      .has_upper = object_field_is_set(object, FIELD_ALARM_UPPER),
			      .hysteresis =
				      (int)object_field(object, FIELD_ALARM_HYSTERESIS)->number},
		.window_s = (uint32_t)object_field(object, FIELD_ALARM_WINDOW)->number,
		.attempts = (uint64_t)object_field(object, FIELD_ALARM_ATTEMPTS)->number,
	};
	if (out->threshold.has_lower)
		out->threshold.lower = lower->number;
	if (out->threshold.has_upper)
		out->threshold.upper = upper->number;
	return out->threshold.has_lower || out->threshold.has_upper;
}

static void end_unwatched(struct watch *watch)
{
	struct seen *seen;
	struct seen *next;

	HASH_ITER (hh, watch->table, seen, next) {
		if (seen->round == watch->round)
			continue;
		stay_quiet(watch, seen);
		forget(watch, seen);
	}
}

void watch_look(struct watch *watch, const struct conf *conf, uint64_t now_us)
{
	const char *const *words = object_type(OBJECT_ALARM)->key.words;
	struct rule rule;

	watch->round++;
	watch->now_us = now_us;
	watch->skew_ms = clock_wall_ms() - (int64_t)(clock_mono_us() / 1000);
	machine_read(watch->state_dir, &watch->now);
	for (int kind = 0; words[kind]; kind++) {
		const struct object *object =
			snapshot_object_find(conf->snapshot, OBJECT_ALARM, span_of(words[kind]));

		if (object && read_rule(object, kind, &rule))
			look_by(watch, &rule, conf);
	}
	end_unwatched(watch);
	watch->before = watch->now;
	watch->before_us = now_us;
}
