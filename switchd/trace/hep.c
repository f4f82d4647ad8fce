/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/hep.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "shared/config/snapshot.h"
#include "switchd/trace/hep_calls.h"
#include "switchd/trace/hep_packet.h"
#include "switchd/trace/recorder.h"
#include "switchd/trace/words.h"

#define LOOK_MS 50
/* A note says which call a message is of, some time behind the message. */
#define HELD_US UINT64_C(200000)

struct settings {
	struct addr address; /* family ADDR_NONE: off */
	uint32_t capture_id;
	char password[SECRET_PLAIN_MAX + 1];
	size_t password_len;
};

/* One ring of the recorder: what was read for its notes, and behind that what was sent. */
struct reading {
	struct recorder_cursor ahead;
	struct recorder_cursor sent;
};

struct hep {
	const struct log *log;
	struct recorder *recorder;
	const struct secret_key *key;
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t news;
	struct settings settings;
	bool is_changed;
	bool is_stopping;
	/* The thread's: */
	struct settings used;
	int fd; /* -1: off */
	struct hep_calls *calls;
	struct reading *readings;
	struct buf text;
	char *message; /* TRACE_DATA_MAX */
	uint8_t *packet;
	_Atomic bool is_on;
	_Atomic uint64_t sent_count;
	_Atomic uint64_t dropped;
	_Atomic uint64_t lost_bytes;
};

/* --- Settings. --- */

static void read_settings(const struct hep *hep, const struct snapshot *config,
			  struct settings *out)
{
	const struct object *object = snapshot_object_find(config, OBJECT_HEP, SPAN_LIT(""));
	const struct value *address;
	const struct value *password;

	memset(out, 0, sizeof(*out));
	if (!object)
		return;
	address = object_field(object, FIELD_HEP_ADDRESS);
	password = object_field(object, FIELD_HEP_PASSWORD);
	if (address->type == VALUE_ADDRESS)
		out->address = address->address;
	out->capture_id = (uint32_t)object_field(object, FIELD_HEP_CAPTURE_ID)->number;
	if (password->type != VALUE_SECRET || !hep->key)
		return;
	if (secret_open(hep->key, span_of(password->text), out->password, &out->password_len) !=
	    VOS_OK) {
		out->password_len = 0;
		log_error(hep->log, "hep",
			  "hep password: sealed on another host, or altered; set "
			  "the password again");
	}
}

void hep_configure(struct hep *hep, const struct snapshot *config)
{
	struct settings settings;

	if (!hep)
		return;
	read_settings(hep, config, &settings);
	pthread_mutex_lock(&hep->lock);
	hep->settings = settings;
	hep->is_changed = true;
	pthread_cond_signal(&hep->news);
	pthread_mutex_unlock(&hep->lock);
	secret_wipe(&settings, sizeof(settings));
}

void hep_status(struct hep *hep, struct hep_status *out)
{
	memset(out, 0, sizeof(*out));
	if (!hep)
		return;
	pthread_mutex_lock(&hep->lock);
	out->address = hep->settings.address;
	out->capture_id = hep->settings.capture_id;
	out->has_password = hep->settings.password_len > 0;
	pthread_mutex_unlock(&hep->lock);
	out->is_on = atomic_load_explicit(&hep->is_on, memory_order_relaxed);
	out->sent = atomic_load_explicit(&hep->sent_count, memory_order_relaxed);
	out->dropped = atomic_load_explicit(&hep->dropped, memory_order_relaxed);
	out->lost_bytes = atomic_load_explicit(&hep->lost_bytes, memory_order_relaxed);
}

/* --- The thread. --- */

static void open_socket(struct hep *hep)
{
	char text[ADDR_TEXT_MAX];
	struct sockaddr_storage to;
	socklen_t len = addr_to_sockaddr(&hep->used.address, &to);

	hep->fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (hep->fd >= 0 && connect(hep->fd, (const struct sockaddr *)&to, len) == 0)
		return;
	log_error(hep->log, "hep", "cannot send to %s: %m", addr_print(&hep->used.address, text));
	if (hep->fd >= 0)
		close(hep->fd);
	hep->fd = -1;
}

/* From now on; what was recorded before stays here. */
static void begin(struct hep *hep)
{
	for (int i = 0; i < recorder_rings(hep->recorder); i++) {
		struct reading *reading = &hep->readings[i];

		*reading = (struct reading){0};
		recorder_cursor_end(recorder_ring(hep->recorder, i), &reading->ahead);
		reading->sent = reading->ahead;
	}
}

static void move(struct hep *hep)
{
	bool was_on = hep->fd >= 0;

	if (was_on)
		close(hep->fd);
	hep->fd = -1;
	if (hep->used.address.family == ADDR_NONE || !hep->recorder ||
	    !recorder_rings(hep->recorder))
		return;
	open_socket(hep);
	if (!was_on)
		begin(hep);
}

/* Another address, or none; a capture id and a password hold for the next message. */
static void use_settings(struct hep *hep, const struct settings *settings)
{
	bool is_moved = !addr_eq(&hep->used.address, &settings->address);

	hep->used = *settings;
	if (is_moved)
		move(hep);
	atomic_store_explicit(&hep->is_on, hep->fd >= 0, memory_order_relaxed);
}

static void add(_Atomic uint64_t *counter, uint64_t more)
{
	atomic_fetch_add_explicit(counter, more, memory_order_relaxed);
}

/* That nobody took the one before shows at the next, which is sent all the same. */
static bool deliver(struct hep *hep, size_t len)
{
	if (send(hep->fd, hep->packet, len, 0) >= 0)
		return true;
	if (errno != ECONNREFUSED)
		return false;
	add(&hep->dropped, 1);
	return send(hep->fd, hep->packet, len, 0) >= 0;
}

static void send_message(struct hep *hep, const struct trace_event *event, int64_t wall_offset_us)
{
	bool is_sent = event->kind == TRACE_SENT;
	uint64_t key = hep_calls_find(hep->calls, event->dialog);
	struct hep_packet packet = {
		.from = is_sent ? event->local : event->peer,
		.to = is_sent ? event->peer : event->local,
		.is_stream = event->transport != TRACE_UDP,
		.wall_us = (int64_t)event->time_us + wall_offset_us,
		.capture_id = hep->used.capture_id,
		.password = {hep->used.password, hep->used.password_len},
	};
	char id[17];
	size_t len;

	if (key) {
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)key);
		packet.correlation = span_of(id);
	}
	buf_reset(&hep->text);
	trace_message_mask(event->data, &hep->text);
	packet.message = buf_span(&hep->text);
	len = hep->text.failed ? 0 : hep_packet_write(&packet, hep->packet, HEP_PACKET_MAX);
	if (len && deliver(hep, len))
		add(&hep->sent_count, 1);
	else
		add(&hep->dropped, 1);
}

static void learn(struct hep *hep, const struct recorder_ring *ring, struct reading *reading)
{
	struct trace_event event;

	while (recorder_next(ring, &reading->ahead, &event, NULL, 0))
		hep_calls_learn(hep->calls, &event);
}

/* Sends what is older than until_us. */
static void send_ring(struct hep *hep, const struct recorder_ring *ring, struct reading *reading,
		      uint64_t until_us, int64_t wall_offset_us)
{
	uint64_t lost = reading->sent.lost;
	struct trace_event event;

	for (;;) {
		struct recorder_cursor next = reading->sent;

		if (!recorder_next(ring, &next, &event, NULL, 0) || event.time_us > until_us)
			break;
		if (event.kind != TRACE_NOTE) {
			next = reading->sent;
			if (!recorder_next(ring, &next, &event, hep->message, TRACE_DATA_MAX))
				break;
			if (event.kind != TRACE_NOTE)
				send_message(hep, &event, wall_offset_us);
		}
		reading->sent = next;
	}
	add(&hep->lost_bytes, reading->sent.lost - lost);
}

static void look(struct hep *hep, uint64_t held_us)
{
	int64_t wall_offset_us = clock_wall_ms() * 1000 - (int64_t)clock_mono_us();
	uint64_t now_us = clock_mono_us();

	for (int i = 0; i < recorder_rings(hep->recorder); i++) {
		const struct recorder_ring *ring = recorder_ring(hep->recorder, i);

		learn(hep, ring, &hep->readings[i]);
		send_ring(hep, ring, &hep->readings[i], now_us - held_us, wall_offset_us);
	}
	hep_calls_expire(hep->calls, now_us);
}

/* Waits for the next look, or for news. False: the end. */
static bool wait(struct hep *hep, struct settings *settings, bool *is_changed)
{
	struct timespec until;
	bool goes_on;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&hep->lock);
	while (!hep->is_stopping && !hep->is_changed) {
		if (hep->fd < 0)
			pthread_cond_wait(&hep->news, &hep->lock);
		else if (pthread_cond_timedwait(&hep->news, &hep->lock, &until))
			break;
	}
	goes_on = !hep->is_stopping;
	*is_changed = hep->is_changed;
	*settings = hep->settings;
	hep->is_changed = false;
	pthread_mutex_unlock(&hep->lock);
	return goes_on;
}

static void *run(void *argument)
{
	struct hep *hep = argument;
	struct settings settings;
	bool is_changed;

	while (wait(hep, &settings, &is_changed)) {
		if (is_changed)
			use_settings(hep, &settings);
		if (hep->fd >= 0)
			look(hep, HELD_US);
	}
	if (hep->fd >= 0)
		look(hep, 0);
	secret_wipe(&settings, sizeof(settings));
	return NULL;
}

/* --- Life. --- */

static void destroy(struct hep *hep)
{
	if (hep->fd >= 0)
		close(hep->fd);
	hep_calls_destroy(hep->calls);
	free(hep->readings);
	free(hep->message);
	free(hep->packet);
	buf_free(&hep->text);
	pthread_cond_destroy(&hep->news);
	pthread_mutex_destroy(&hep->lock);
	secret_wipe(hep, sizeof(*hep));
	free(hep);
}

static void init_lock(struct hep *hep)
{
	pthread_condattr_t clock;

	pthread_mutex_init(&hep->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&hep->news, &clock);
	pthread_condattr_destroy(&clock);
}

static bool make_memory(struct hep *hep)
{
	size_t rings = hep->recorder ? (size_t)recorder_rings(hep->recorder) : 0;

	hep->readings = calloc(rings + 1, sizeof(*hep->readings));
	hep->message = malloc(TRACE_DATA_MAX);
	hep->packet = malloc(HEP_PACKET_MAX);
	return hep_calls_create(&hep->calls) == VOS_OK && hep->readings && hep->message &&
	       hep->packet;
}

enum vos_err hep_start(const struct log *log, struct recorder *recorder,
		       const struct secret_key *key, const struct snapshot *config,
		       struct hep **out)
{
	struct hep *hep = calloc(1, sizeof(*hep));
	sigset_t all;
	sigset_t before;
	int failed;

	*out = NULL;
	if (!hep)
		return VOS_ENOMEM;
	hep->log = log;
	hep->recorder = recorder;
	hep->key = key;
	hep->fd = -1;
	hep->text = buf_new();
	init_lock(hep);
	if (!make_memory(hep)) {
		destroy(hep);
		return VOS_ENOMEM;
	}
	hep_configure(hep, config);
	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = thread_start(&hep->thread, NULL, "hep", run, hep);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		destroy(hep);
		return VOS_EFULL;
	}
	*out = hep;
	return VOS_OK;
}

void hep_stop(struct hep *hep)
{
	if (!hep)
		return;
	pthread_mutex_lock(&hep->lock);
	hep->is_stopping = true;
	pthread_cond_signal(&hep->news);
	pthread_mutex_unlock(&hep->lock);
	pthread_join(hep->thread, NULL);
	destroy(hep);
}
