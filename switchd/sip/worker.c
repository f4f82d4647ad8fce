/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life and loop of a signalling thread. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/call/call_table.h"
#include "switchd/cdr/writer.h"
#include "switchd/media/media.h"
#include "switchd/sip/leg.h"
#include "switchd/sip/leg_route.h"
#include "switchd/sip/leg_trunk.h"
#include "switchd/sip/location.h"
#include "switchd/sip/message_relay.h"
#include "switchd/sip/options_check.h"
#include "switchd/sip/outbound.h"
#include "switchd/sip/ping.h"
#include "switchd/sip/presence.h"
#include "switchd/sip/refused.h"
#include "switchd/sip/txn.h"
#include "switchd/sip/worker_private.h"
#include "switchd/trace/recorder.h"

#define THREAD_STACK (8u * 1024u * 1024u) /* sofia-sip's list parsing is recursive */
#define EXPIRY_SLICE 256                  /* bindings looked at in one turn: under 1 ms */
#define SECOND_US    1000000u
#define MAX_WAIT_MS  500
#define OWN_CALL_ID  "v1-" /* then two hex digits of the thread */

int worker_of_call_id(const struct sip_shared *shared, struct span call_id)
{
	const size_t prefix = sizeof(OWN_CALL_ID) - 1;

	if (shared->worker_count == 1)
		return 0;
	if (span_starts_with(call_id, SPAN_LIT(OWN_CALL_ID)) && call_id.len > prefix + 2) {
		int high = hex_digit(call_id.ptr[prefix]);
		int low = hex_digit(call_id.ptr[prefix + 1]);

		/* A stranger can write anything behind the prefix. */
		if (high >= 0 && low >= 0 && high * 16 + low < shared->worker_count)
			return high * 16 + low;
	}
	return (int)(hash_bytes(&shared->owner_key, call_id.ptr, call_id.len) %
		     (uint64_t)shared->worker_count);
}

enum vos_err worker_create(struct sip_shared *shared, int number, struct conf *conf,
			   struct sip_worker **out, struct vos_fault *fault)
{
	struct sip_worker *worker = calloc(1, sizeof(*worker));
	enum vos_err err = VOS_ENOMEM;

	if (!worker)
		return VOS_ENOMEM;
	worker->number = number;
	worker->shared = shared;
	worker->conf = conf_ref(conf);
	worker->now_us = clock_mono_us();
	worker->mailbox.wake_fd = -1;
	worker->trace = recorder_ring(shared->recorder, number);
	hash_key_random(&worker->hash_key);
	wheel_init(&worker->wheel, worker, worker->now_us);
	if ((err = mailbox_init(&worker->mailbox, worker)) != VOS_OK ||
	    (err = txn_table_create(conf, &worker->txns)) != VOS_OK ||
	    (err = leg_table_create(worker, &worker->legs)) != VOS_OK ||
	    (err = leg_call_table_create(worker, &worker->calls)) != VOS_OK ||
	    (err = worker_io_create(worker, fault)) != VOS_OK ||
	    (err = outbound_create(worker, &worker->outbound)) != VOS_OK ||
	    (err = options_check_create(worker, &worker->options_check)) != VOS_OK ||
	    (err = (worker->refused = refused_create(worker)) ? VOS_OK : VOS_ENOMEM) != VOS_OK) {
		worker_destroy(worker);
		return err;
	}
	outbound_configure(worker->outbound, NULL);
	options_check_configure(worker->options_check);
	*out = worker;
	return VOS_OK;
}

void worker_destroy(struct sip_worker *worker)
{
	if (!worker)
		return;
	if (worker->mailbox.wake_fd >= 0) {
		mailbox_close(&worker->mailbox);
		mailbox_destroy(&worker->mailbox);
	}
	refused_destroy(worker->refused);
	options_check_destroy(worker->options_check);
	sip_pings_destroy(worker);
	message_relays_destroy(worker);
	outbound_destroy(worker->outbound);
	call_table_destroy(worker->calls);
	leg_table_destroy(worker);
	leg_routes_destroy(worker);
	leg_trunks_destroy(worker);
	if (worker->txns)
		txn_table_destroy(worker->txns);
	worker_io_destroy(worker);
	conf_unref(worker->conf);
	if (worker->shared->workers && worker->shared->workers[worker->number] == worker)
		worker->shared->workers[worker->number] = NULL;
	free(worker);
}

/* Expires a slice of what is due; while there is more, every turn has one. */
static void run_expiry(struct sip_worker *worker)
{
	struct location *location = worker->shared->location;
	size_t expired = 0;
	bool is_more;

	if (worker->now_us < worker->io->second_due_us)
		return;
	is_more =
		location_expire_slice(location, location_now_ms(location), EXPIRY_SLICE, &expired);
	worker->io->second_due_us = worker->now_us + (is_more ? 0 : SECOND_US);
	if (!is_more)
		presence_update_all(worker);
}

/* Records that wait for room; and work of thread 0 for all: keepalive and the expiry of bindings.
 * Returns milliseconds to wait. */
static int run_shared_work(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	uint64_t wait_us;

	if (worker->shared->cdr)
		cdr_spool_flush(cdr_writer_spool(worker->shared->cdr, worker->number));
	if (worker->number != 0)
		return MAX_WAIT_MS;
	wait_us = keepalive_send(worker, &io->keepalive);
	run_expiry(worker);
	if (io->second_due_us - worker->now_us < wait_us)
		wait_us = io->second_due_us - worker->now_us;
	return wait_us / 1000 + 1 < MAX_WAIT_MS ? (int)((wait_us + 999) / 1000) : MAX_WAIT_MS;
}

/* The longest pause: as configured, and not what would look like overload. */
static uint32_t pause_max_us(const struct sip_worker *worker)
{
	const struct snapshot *config = worker->conf->snapshot;
	uint32_t pause_us = (uint32_t)snapshot_number(config, PARAM_SS_SIP_GATHER_TIME) * 1000;
	uint32_t lag_us = (uint32_t)snapshot_number(config, PARAM_SS_SIP_OVERLOAD_LAG) * 1000;

	return lag_us && pause_us > lag_us / 4 ? lag_us / 4 : pause_us;
}

/* Lets messages gather, if that is worth it and no timer is due. True when it has. */
static bool pause_to_gather(struct sip_worker *worker, int timer_ms)
{
	uint32_t pause_us = gather_pause_us(&worker->io->gather, worker->now_us,
					    worker->counters.rx_datagrams, pause_max_us(worker));
	struct timespec pause = {.tv_nsec = (long)pause_us * 1000};

	if (!pause_us || timer_ms * 1000 < (int)pause_us)
		return false;
	worker->counters.pauses++;
	nanosleep(&pause, NULL);
	return true;
}

/* Sleeps until a socket, a ring, mail or a timer has work. */
static int wait_for_events(struct sip_worker *worker, struct epoll_event *events, int max,
			   int wait_ms)
{
	struct worker_io *io = worker->io;
	int timer_ms = wheel_wait_ms(&worker->wheel, worker->now_us, wait_ms);
	int count;

	if (pause_to_gather(worker, timer_ms))
		timer_ms = 0;
	atomic_store(&io->is_sleeping, true);
	if (!worker_rings_are_empty(worker))
		timer_ms = 0;
	count = epoll_wait(io->epoll_fd, events, max, timer_ms);
	atomic_store(&io->is_sleeping, false);
	worker->now_us = clock_mono_us();
	return count < 0 ? 0 : count;
}

static void handle_event(struct sip_worker *worker, void *source)
{
	if (source == &worker->mailbox)
		mailbox_run(&worker->mailbox);
	else if (source != &worker->io->handover_fd)
		worker_io_receive(worker, source);
}

/* True when the thread may end: no call is left, or the time for that is up. */
static bool run_stop(struct sip_worker *worker)
{
	struct worker_io *io = worker->io;
	bool is_quiet;

	if (!atomic_load_explicit(&io->stop_asked, memory_order_acquire))
		return false;
	if (!io->is_stopping) {
		io->is_stopping = true;
		io->stop_deadline_us = worker->now_us + (uint64_t)io->stop_grace_ms * 1000;
		call_table_release_all(worker->calls);
	}
	/* Both are asked at every turn: removals go out some at a time. */
	is_quiet = outbound_stop(worker->outbound) && leg_table_is_quiet(worker);
	return is_quiet || worker->now_us >= io->stop_deadline_us;
}

/* What this turn has for the relay and for peers; the relay first, which is to know a call when its
 * SDP arrives. */
static void flush(struct sip_worker *worker)
{
	media_wake(worker->shared->media);
	worker_io_flush(worker);
}

static void *worker_main(void *argument)
{
	struct sip_worker *worker = argument;
	struct epoll_event events[SIP_LISTENS_MAX + 2];
	int wait_ms = 0;

	for (;;) {
		int count = wait_for_events(worker, events, SIP_LISTENS_MAX + 2, wait_ms);

		for (int i = 0; i < count; i++)
			handle_event(worker, events[i].data.ptr);
		worker_receive_handover(worker);
		wheel_run(&worker->wheel, worker->now_us);
		wait_ms = run_shared_work(worker);
		flush(worker);
		if (run_stop(worker))
			break;
		if (worker->io->is_stopping && wait_ms > 10)
			wait_ms = 10;
	}
	flush(worker);
	return NULL;
}

enum vos_err worker_start(struct sip_worker *worker)
{
	char name[THREAD_NAME_MAX];
	pthread_attr_t attributes;
	int error;

	snprintf(name, sizeof(name), "sip-%d", worker->number);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, THREAD_STACK);
	error = thread_start(&worker->thread, &attributes, name, worker_main, worker);
	pthread_attr_destroy(&attributes);
	return error ? VOS_ENOMEM : VOS_OK;
}

void worker_stop(struct sip_worker *worker, int grace_ms)
{
	const uint64_t one = 1;

	worker->io->stop_grace_ms = grace_ms;
	atomic_store_explicit(&worker->io->stop_asked, true, memory_order_release);
	if (write(worker->io->handover_fd, &one, sizeof(one)) < 0)
		return; /* counter full: it is awake */
}

void worker_swap_conf(struct sip_worker *worker, struct conf *conf)
{
	struct conf *before = worker->conf;

	worker->conf = conf;
	worker_io_configure(worker);
	outbound_configure(worker->outbound, before);
	options_check_configure(worker->options_check);
	conf_unref(before);
}

void worker_join(struct sip_worker *worker)
{
	pthread_join(worker->thread, NULL);
}
