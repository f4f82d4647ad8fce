/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/guard.h"

#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>

#include "switchd/auth/failure.h"
#include "switchd/auth/lockout.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/guard_scan.h"
#include "switchd/sip/location.h"
#include "switchd/sip/worker_private.h"

#define SAMPLE_US       5000u
#define LAG_NONSENSE_US 10000000u /* the clock was set */
#define OVERLOAD_WAIT_S 5         /* Retry-After, and up to as much again */
#define CPS_WAIT_S      1

/* Of a suspended source, a second: 403s, so that a person sees what is wrong and nobody is worth
 * reflecting by, and messages of calls that were up, enough for an office to end its calls. */
static const struct bucket_rule ANSWERED = {.rate = 2, .burst = 4};
static const struct bucket_rule INSIDE = {.rate = 50, .burst = 200};
/* 503s under overload, of a thread: one costs a fifth of a call. The rest is dropped, and comes
 * again when its timer says so. */
static const struct bucket_rule REFUSALS = {.rate = 10000, .burst = 500};

/* Told apart from the key of a source's first bucket. */
#define ANSWERED_BUCKET UINT64_C(0x9e3779b97f4a7c15)
#define INSIDE_BUCKET   UINT64_C(0xc2b2ae3d27d4eb4f)

struct guard_thread {
	_Alignas(64) struct overload overload;
	uint64_t sample_due_us;
	struct bucket refusals;
	_Atomic uint32_t lag_ms;
	_Atomic uint32_t queue_percent;
	_Atomic uint64_t counters[GUARD_COUNTERS];
};

struct guard {
	_Alignas(64) struct bucket calls; /* of the whole switch */
	struct buckets *sources;
	int thread_count;
	struct guard_thread threads[];
};

enum vos_err guard_create(int thread_count, struct guard **out)
{
	size_t size = sizeof(struct guard) + (size_t)thread_count * sizeof(struct guard_thread);
	struct guard *guard = aligned_alloc(64, (size + 63) / 64 * 64);

	if (!guard)
		return VOS_ENOMEM;
	memset(guard, 0, size);
	guard->thread_count = thread_count;
	if (buckets_create(&guard->sources)) {
		free(guard);
		return VOS_ENOMEM;
	}
	*out = guard;
	return VOS_OK;
}

void guard_destroy(struct guard *guard)
{
	if (!guard)
		return;
	buckets_destroy(guard->sources);
	free(guard);
}

/* Only its own thread writes a counter. */
static void count(struct guard_thread *thread, enum guard_counter counter)
{
	_Atomic uint64_t *value = &thread->counters[counter];

	atomic_store_explicit(value, atomic_load_explicit(value, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* --- Measuring. --- */

/* How long ago the kernel took the last datagram that was read from the socket; 0 when that cannot
 * be said. */
static uint64_t lag_us(int fd)
{
	struct timespec stamp;
	struct timespec now;
	int64_t lag;

	if (ioctl(fd, SIOCGSTAMPNS, &stamp) != 0 || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return 0;
	lag = (int64_t)(now.tv_sec - stamp.tv_sec) * 1000000 + (now.tv_nsec - stamp.tv_nsec) / 1000;
	return lag > 0 && lag < (int64_t)LAG_NONSENSE_US ? (uint64_t)lag : 0;
}

/* Permille of the receive buffer in use. */
static uint32_t queue_permille(int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) != 0 || !info[SK_MEMINFO_RCVBUF])
		return 0;
	return (uint32_t)((uint64_t)info[SK_MEMINFO_RMEM_ALLOC] * 1000 / info[SK_MEMINFO_RCVBUF]);
}

static void sample(struct guard_thread *thread, const struct sip_socket *socket, uint32_t limit_ms,
		   uint64_t now_us)
{
	uint64_t lag = lag_us(socket->fd);
	uint32_t queue = queue_permille(socket->fd);
	uint64_t pressure = lag / limit_ms; /* us by ms: permille */

	thread->sample_due_us = now_us + SAMPLE_US;
	/* A buffer that stays half full is soon to lose what comes. */
	if (pressure < 2 * queue)
		pressure = 2 * queue;
	atomic_store_explicit(&thread->lag_ms, (uint32_t)(lag / 1000), memory_order_relaxed);
	atomic_store_explicit(&thread->queue_percent, queue / 10, memory_order_relaxed);
	overload_sample(&thread->overload, now_us,
			pressure > UINT32_MAX ? UINT32_MAX : (uint32_t)pressure);
}

/* --- Deciding. --- */

static bool is_named(const struct sip_worker *worker, const struct addr *source)
{
	return conf_is_gateway(worker->conf, source) || conf_is_trusted(worker->conf, source);
}

static void refuse(struct sip_worker *worker, const struct sip_rx *rx, uint32_t wait_s)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out =
		sip_reply_begin(worker, rx, 503, NULL, sip_stateless_tag(worker, rx, tag));

	buf_add_lit(out, "Retry-After: ");
	buf_add_u64(out, wait_s);
	buf_add_lit(out, "\r\n");
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

/* Not all at the same second. */
static uint32_t overload_wait_s(struct sip_worker *worker)
{
	uint8_t random;

	random_take(&worker->random, &random, sizeof(random));
	return OVERLOAD_WAIT_S + random % (OVERLOAD_WAIT_S + 1);
}

static bool admits_suspended(struct sip_worker *worker, struct guard *guard, uint64_t key,
			     const char *data, size_t len)
{
	struct guard_thread *thread = &guard->threads[worker->number];
	enum guard_class class = guard_scan(data, len);

	switch (class) {
	case GUARD_RESPONSE:
	case GUARD_INSIDE:
		if (!buckets_take(guard->sources, (key ^ INSIDE_BUCKET) | 1, INSIDE,
				  worker->now_us))
			break;
		count(thread, GUARD_SUSPENDED_INSIDE);
		return true;
	case GUARD_REGISTER:
	case GUARD_INVITE:
		if (!snapshot_bool(worker->conf->snapshot, PARAM_SS_REPLY_UNAUTHORIZED) ||
		    !buckets_take(guard->sources, (key ^ ANSWERED_BUCKET) | 1, ANSWERED,
				  worker->now_us))
			break;
		count(thread, GUARD_SUSPENDED_ANSWERED);
		return true;
	default:
		break;
	}
	count(thread, GUARD_SUSPENDED_DROPPED);
	return false;
}

/* A stranger under overload: 503 while that can be afforded. An INVITE with credentials may be the
 * repetition of one that is being worked on, and is not to be answered here; it comes again. */
static void turn_away(struct sip_worker *worker, const struct sip_socket *socket,
		      const struct addr *source, char *data, size_t len)
{
	struct guard_thread *thread = &worker->shared->guard->threads[worker->number];
	struct sip_rx rx = {.msg = &worker->io->rx_msg, .source = *source, .socket = socket};
	const char *why;
	int status;

	count(thread, GUARD_OVERLOAD_STRANGERS);
	if (!bucket_take(&thread->refusals, REFUSALS, worker->now_us) ||
	    sip_msg_parse(rx.msg, data, len, &status, &why) != SIP_VERDICT_OK ||
	    !rx.msg->is_request)
		return;
	if (rx.msg->method == SIP_INVITE && (sip_msg_first(rx.msg, SIP_HDR_AUTHORIZATION) ||
					     sip_msg_first(rx.msg, SIP_HDR_PROXY_AUTHORIZATION)))
		return;
	refuse(worker, &rx, overload_wait_s(worker));
}

/* Of somebody who is known: guard_admits_call() decides, unless it could not even say no. */
static bool admits_invite(struct sip_worker *worker, struct guard_thread *thread)
{
	if (overload_would_take(&thread->overload, OVERLOAD_CALLS, worker->now_us) ||
	    bucket_has(&thread->refusals, REFUSALS, worker->now_us))
		return true;
	count(thread, GUARD_OVERLOAD_CALLS);
	return false;
}

static bool admits_new(struct sip_worker *worker, struct guard *guard, enum guard_class class,
		       const struct sip_socket *socket, const struct addr *source, uint64_t key,
		       char *data, size_t len)
{
	const struct snapshot *config = worker->conf->snapshot;
	struct guard_thread *thread = &guard->threads[worker->number];
	struct bucket_rule rule = {
		.rate = (uint32_t)snapshot_number(config, PARAM_SS_SIP_GUARD_RATE),
		.burst = (uint32_t)snapshot_number(config, PARAM_SS_SIP_GUARD_BURST),
	};

	if (rule.rate && !buckets_take(guard->sources, key, rule, worker->now_us) &&
	    !is_named(worker, source)) {
		count(thread, GUARD_FLOOD_DROPPED);
		return false;
	}
	if (!thread->overload.is_on)
		return true;
	if (is_named(worker, source) ||
	    location_source_is_registered(worker->shared->location, source))
		return class != GUARD_INVITE || admits_invite(worker, thread);
	if (overload_takes(&thread->overload, OVERLOAD_STRANGERS, worker->now_us))
		return true;
	turn_away(worker, socket, source, data, len);
	return false;
}

bool guard_admits(struct sip_worker *worker, const struct sip_socket *socket,
		  const struct addr *source, char *data, size_t len)
{
	struct guard *guard = worker->shared->guard;
	const struct lockout *lockout;
	struct guard_thread *thread;
	enum guard_class class;
	uint32_t limit_ms;
	uint64_t key = 0;

	if (!guard)
		return true;
	thread = &guard->threads[worker->number];
	lockout = auth_lockout(worker->shared->auth);
	limit_ms = (uint32_t)snapshot_number(worker->conf->snapshot, PARAM_SS_SIP_OVERLOAD_LAG);
	if (!limit_ms && thread->overload.is_on)
		overload_stop(&thread->overload);
	if (limit_ms && worker->now_us >= thread->sample_due_us && socket->fd >= 0)
		sample(thread, socket, limit_ms, worker->now_us);
	if (lockout_has_suspensions(lockout)) {
		key = lockout_key(lockout, source);
		if (lockout_holds(lockout, key, worker->now_us) &&
		    auth_is_lockable(worker->conf, source) &&
		    !conf_is_gateway(worker->conf, source))
			return admits_suspended(worker, guard, key, data, len);
	}
	class = guard_scan(data, len);
	if (class == GUARD_RESPONSE || class == GUARD_INSIDE)
		return true;
	if (!key)
		key = lockout_key(lockout, source);
	return admits_new(worker, guard, class, socket, source, key, data, len);
}

bool guard_admits_call(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct guard *guard = worker->shared->guard;
	uint32_t most = (uint32_t)snapshot_number(worker->conf->snapshot, PARAM_SS_MAX_CPS);
	struct bucket_rule rule = {.rate = most, .burst = most};
	struct guard_thread *thread;

	if (!guard)
		return true;
	thread = &guard->threads[worker->number];
	if (!overload_takes(&thread->overload, OVERLOAD_CALLS, worker->now_us)) {
		count(thread, GUARD_OVERLOAD_CALLS);
		if (bucket_take(&thread->refusals, REFUSALS, worker->now_us))
			refuse(worker, rx, overload_wait_s(worker));
		return false;
	}
	if (!bucket_take(&guard->calls, rule, worker->now_us)) {
		count(thread, GUARD_CPS_REFUSED);
		refuse(worker, rx, CPS_WAIT_S);
		return false;
	}
	count(thread, GUARD_CALLS_ADMITTED);
	return true;
}

/* --- From any thread. --- */

void guard_read(const struct guard *guard, int thread_number, uint64_t now_us,
		struct guard_state *out)
{
	const struct guard_thread *thread = &guard->threads[thread_number];

	*out = (struct guard_state){
		.overload = overload_read(&thread->overload, now_us),
		.lag_ms = atomic_load_explicit(&thread->lag_ms, memory_order_relaxed),
		.queue_percent = atomic_load_explicit(&thread->queue_percent, memory_order_relaxed),
	};
	for (int i = 0; i < GUARD_COUNTERS; i++)
		out->counters[i] = atomic_load_explicit(&thread->counters[i], memory_order_relaxed);
}

const char *guard_counter_name(enum guard_counter counter)
{
	static const char *const NAMES[GUARD_COUNTERS] = {
		[GUARD_SUSPENDED_DROPPED] = "suspended_dropped",
		[GUARD_SUSPENDED_ANSWERED] = "suspended_answered",
		[GUARD_SUSPENDED_INSIDE] = "suspended_inside",
		[GUARD_FLOOD_DROPPED] = "flood_dropped",
		[GUARD_CALLS_ADMITTED] = "calls_admitted",
		[GUARD_CPS_REFUSED] = "cps_refused",
		[GUARD_OVERLOAD_CALLS] = "overload_calls",
		[GUARD_OVERLOAD_STRANGERS] = "overload_strangers",
	};

	return NAMES[counter];
}

size_t guard_sources(const struct guard *guard)
{
	return buckets_used(guard->sources);
}
