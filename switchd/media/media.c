/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy as signalling sees it: sessions are opened here and handed to a media thread. */
#include <stdlib.h>
#include <time.h>

#include "shared/base/clock.h"
#include "switchd/media/descriptors.h"
#include "switchd/media/media.h"
#include "switchd/media/media_fast.h"
#include "switchd/media/media_private.h"
#include "switchd/media/media_steer.h"
#include "switchd/media/player.h"
#include "switchd/media/relay.h"
#include "switchd/media/relay_fast.h"
#include "switchd/media/srtp.h"
#include "switchd/trace/recorder.h"

/* Pairs bound in one turn of a media thread: about 0.1 ms during which packets wait. */
#define REFILL_STEP 4
/* A full relay fails many calls a second; one line tells. */
#define WARN_EVERY_US UINT64_C(10000000)

struct media {
	const struct log *log;
	struct ports *ports;
	struct ports *own_ports; /* IVR_RTP_PORT; NULL: none, as with the next */
	struct player *player;
	struct media_thread threads[MEDIA_THREADS_MAX];
	int thread_count;
	struct mail refill_mail;
	atomic_flag is_refilling; /* refill_mail is on its way */
	_Atomic uint64_t warned_us;
	struct media_fast fast;
	struct media_steer steer;
};

static void request_refill(struct media *media)
{
	if (atomic_flag_test_and_set(&media->is_refilling))
		return;
	if (!relay_mail(&media->threads[0], &media->refill_mail))
		atomic_flag_clear(&media->is_refilling);
}

static void refill_run(struct mail *mail, void *receiver)
{
	struct media *media = (struct media *)((char *)mail - offsetof(struct media, refill_mail));
	struct media_thread *thread = receiver;
	bool wants_more = ports_refill(media->ports, thread->now_us, REFILL_STEP);

	atomic_flag_clear(&media->is_refilling);
	/* The rest in the next turn, after the packets that came meanwhile. */
	if (wants_more)
		request_refill(media);
}

enum vos_err media_create_with(const struct log *log, const struct ports_options *options,
			       int thread_count, struct media **out, struct vos_fault *fault)
{
	struct media *media = calloc(1, sizeof(*media));
	enum vos_err err = VOS_ENOMEM;

	if (!media)
		goto out;
	media->log = log;
	media_fast_init(&media->fast, log);
	media_steer_init(&media->steer, log);
	media->refill_mail.run = refill_run;
	atomic_flag_clear(&media->is_refilling);
	err = ports_create(options, &media->ports);
	if (thread_count < 1)
		thread_count = 1;
	if (thread_count > MEDIA_THREADS_MAX)
		thread_count = MEDIA_THREADS_MAX;
	while (err == VOS_OK && media->thread_count < thread_count) {
		struct media_thread *thread = &media->threads[media->thread_count];

		err = relay_thread_init(thread, media->thread_count++, media->ports);
		if (err == VOS_OK)
			err = relay_thread_start(thread);
	}
out:
	if (err != VOS_OK) {
		fault_set(fault, FAULT_INTERNAL, 0, "the media relay does not start: %s",
			  vos_strerror(err));
		media_destroy(media);
		return err;
	}
	*out = media;
	return VOS_OK;
}

static struct ports_options options_of(const struct conf *conf, enum param_id ports)
{
	const struct value *range = snapshot_param(conf->snapshot, ports);
	struct ports_options options = {
		.low = range->ports.low,
		.high = range->ports.high,
		.tos = (uint8_t)snapshot_number(conf->snapshot, PARAM_SS_QOS_RTP),
		.rest_us =
			(uint64_t)snapshot_number(conf->snapshot, PARAM_SS_RTP_PORT_REST) * 1000000,
	};

	if (ports != PARAM_IVR_RTP_PORT)
		ports_set_open(&options);
	return options;
}

/* As many as the ports of the range on all addresses: one descriptor each. */
static void raise_descriptors(const struct conf *conf)
{
	const struct value *range = snapshot_param(conf->snapshot, PARAM_SS_RTP_PORT_RANGE);
	struct addr addresses[CONF_MEDIA_ADDRESSES_MAX];

	descriptors_raise(((uint64_t)(range->ports.high - range->ports.low) + 1) *
			  conf_media_addresses(conf, addresses));
}

/* Opens sockets ahead of the first call. An address that cannot be had shows with the first call on
 * it. */
static void prepare_addresses(struct media *media, const struct conf *conf)
{
	struct addr addresses[CONF_MEDIA_ADDRESSES_MAX];
	size_t count = conf_media_addresses(conf, addresses);

	for (size_t i = 0; i < count; i++)
		if (!addr_is_any(&addresses[i]))
			ports_prepare(media->ports, &addresses[i]);
	request_refill(media);
}

/* What plays audio of the switch's own; the ports for it are bound as they are needed. */
static enum vos_err create_player(struct media *media, const struct conf *conf,
				  struct vos_fault *fault)
{
	const struct ports_options ports = options_of(conf, PARAM_IVR_RTP_PORT);
	enum vos_err err = player_create(media->log, conf, &media->player);

	if (err == VOS_OK)
		err = ports_create(&ports, &media->own_ports);
	if (err != VOS_OK)
		fault_set(fault, FAULT_INTERNAL, 0, "no ring tone: %s", vos_strerror(err));
	for (int i = 0; i < media->thread_count; i++)
		media->threads[i].own_ports = media->own_ports;
	return err;
}

static void use_range(struct media *media, struct ports *ports, struct ports_options options)
{
	enum vos_err err = ports_configure(ports, &options);

	if (err != VOS_OK && media->log)
		log_error(media->log, "media", "port range %u,%u is not used: %s", options.low,
			  options.high, vos_strerror(err));
}

enum vos_err media_create(const struct log *log, struct conf *conf, int thread_count,
			  struct media **out, struct vos_fault *fault)
{
	struct ports_options options;
	struct media *media;
	enum vos_err err;

	raise_descriptors(conf);
	options = options_of(conf, PARAM_SS_RTP_PORT_RANGE);
	srtp_start();
	err = media_create_with(log, &options, thread_count, &media, fault);
	if (err != VOS_OK)
		return err;
	err = create_player(media, conf, fault);
	if (err == VOS_OK)
		err = media_fast_start(&media->fast, conf, fault);
	if (err == VOS_OK)
		err = media_steer_start(&media->steer, conf, media->threads, media->thread_count,
					fault);
	if (err == VOS_OK) {
		media_set_busy_poll(media,
				    snapshot_number(conf->snapshot, PARAM_SS_MEDIA_BUSY_POLL));
		prepare_addresses(media, conf);
		*out = media;
	} else {
		media_destroy(media);
	}
	return err;
}

void media_destroy(struct media *media)
{
	if (!media)
		return;
	for (int i = 0; i < media->thread_count; i++)
		relay_thread_destroy(&media->threads[i]);
	ports_destroy(media->ports);
	ports_destroy(media->own_ports);
	player_destroy(media->player);
	media_fast_destroy(&media->fast);
	media_steer_destroy(&media->steer);
	free(media);
}

void media_configure(struct media *media, struct conf *conf)
{
	raise_descriptors(conf);
	media_fast_configure(&media->fast, conf);
	media_set_busy_poll(media, snapshot_number(conf->snapshot, PARAM_SS_MEDIA_BUSY_POLL));
	use_range(media, media->ports, options_of(conf, PARAM_SS_RTP_PORT_RANGE));
	if (media->own_ports) {
		use_range(media, media->own_ports, options_of(conf, PARAM_IVR_RTP_PORT));
		player_configure(media->player, conf);
	}
	prepare_addresses(media, conf);
}

static void warn_open(struct media *media, const struct addr *local, enum vos_err err)
{
	uint64_t now_us = clock_mono_us();
	uint64_t before = atomic_load_explicit(&media->warned_us, memory_order_relaxed);
	char text[ADDR_TEXT_MAX];

	if (!media->log || (before && now_us - before < WARN_EVERY_US))
		return;
	if (!atomic_compare_exchange_strong(&media->warned_us, &before, now_us))
		return;
	log_warning(media->log, "media", "no RTP port on %s for a call: %s",
		    addr_print_ip(local, text), vos_strerror(err));
}

static struct media_thread *least_busy(struct media *media)
{
	struct media_thread *best = &media->threads[0];
	uint32_t best_count = atomic_load_explicit(&best->session_count, memory_order_relaxed);

	for (int i = 1; i < media->thread_count; i++) {
		uint32_t count = atomic_load_explicit(&media->threads[i].session_count,
						      memory_order_relaxed);

		if (count < best_count) {
			best = &media->threads[i];
			best_count = count;
		}
	}
	return best;
}

/* Fills the session's pairs; descriptors that no side uses are closed, their ports stay taken. */
static enum vos_err take_pairs(struct media *media, const struct addr locals[MEDIA_SIDES],
			       struct media_session *session, int fds[MEDIA_SIDES])
{
	bool is_one = !session->is_paired && addr_ip_eq(&locals[MEDIA_A], &locals[MEDIA_B]);
	uint64_t now_us = clock_mono_us();
	int wanted;

	if (session->own_ports &&
	    ports_take(session->own_ports, &locals[MEDIA_A], now_us, &session->pairs[0]) != VOS_OK)
		session->own_ports = NULL;
	session->pair_count = session->own_ports ? 1 : 0;
	wanted = is_one && !session->own_ports ? 1 : 2;
	for (int i = session->pair_count; i < wanted; i++) {
		enum vos_err err = ports_take(media->ports, &locals[i], now_us, &session->pairs[i]);

		if (err != VOS_OK) {
			warn_open(media, &locals[i], err);
			while (session->pair_count--)
				ports_release(session->own_ports ? session->own_ports
								 : media->ports,
					      &session->pairs[session->pair_count], now_us);
			return err;
		}
		session->pair_count++;
	}
	if (wanted == 2 && !session->is_paired) {
		ports_close_one(&session->pairs[MEDIA_A], 1);
		ports_close_one(&session->pairs[MEDIA_B], 0);
	}
	fds[MEDIA_A] = session->pairs[0].fds[0];
	fds[MEDIA_B] = session->pairs[wanted - 1].fds[session->is_paired ? 0 : 1];
	return VOS_OK;
}

static enum vos_err open_session(struct media *media, enum media_layout layout,
				 struct ports *own_ports, const struct addr *local_a,
				 const struct addr *local_b, struct media_session **out)
{
	const struct addr locals[MEDIA_SIDES] = {*local_a, *local_b};
	bool is_paired = layout == MEDIA_PAIRED;
	struct media_session *session;
	int fds[MEDIA_SIDES];
	enum vos_err err;

	session = calloc(1, sizeof(*session) +
				    (is_paired ? MEDIA_SIDES * sizeof(struct relay_side) : 0));
	if (!session)
		return VOS_ENOMEM;
	session->is_paired = is_paired;
	session->own_ports = own_ports;
	err = take_pairs(media, locals, session, fds);
	if (err != VOS_OK) {
		free(session);
		return err;
	}
	media_fast_bind(&media->fast, session, locals);
	err = relay_session_add(least_busy(media), session, locals, fds);
	if (ports_wants_refill(media->ports))
		request_refill(media);
	if (err == VOS_OK)
		*out = session;
	return err;
}

enum vos_err media_open_in(struct media *media, enum media_layout layout,
			   const struct addr *local_a, const struct addr *local_b,
			   struct media_session **out)
{
	return open_session(media, layout, NULL, local_a, local_b, out);
}

enum vos_err media_open_own(struct media *media, enum media_layout layout,
			    const struct addr *local_a, const struct addr *local_b,
			    struct media_session **out)
{
	return open_session(media, layout, media->own_ports, local_a, local_b, out);
}

struct player *media_player(struct media *media)
{
	return media->player;
}

enum vos_err media_open(struct media *media, const struct addr *local_a, const struct addr *local_b,
			struct media_session **out)
{
	return media_open_in(media, MEDIA_COMPACT, local_a, local_b, out);
}

uint16_t media_port(const struct media_session *session, enum media_side side)
{
	const struct port_pair *pair =
		&session->pairs[side == MEDIA_A ? 0 : session->pair_count - 1];

	return (uint16_t)(pair->port + (side == MEDIA_B && !session->is_paired));
}

enum media_layout media_layout_of(const struct media_session *session)
{
	return session->is_paired ? MEDIA_PAIRED : MEDIA_COMPACT;
}

void media_set_recorder(struct media *media, struct recorder *recorder)
{
	for (int i = 0; i < media->thread_count; i++)
		media->threads[i].capture = recorder_ring(recorder, i);
}

uint32_t media_captured(const struct media *media)
{
	uint32_t captured = 0;

	for (int i = 0; i < media->thread_count; i++)
		captured += atomic_load_explicit(&media->threads[i].captured, memory_order_relaxed);
	return captured / (2 * MEDIA_SIDES); /* that many copiers each */
}

void media_wake_late(struct media *media)
{
	for (int i = 0; i < media->thread_count; i++)
		media->threads[i].wakes_late = true;
}

void media_wake(struct media *media)
{
	for (int i = 0; i < media->thread_count; i++)
		mailbox_wake(&media->threads[i].mailbox);
}

static bool is_port_of(const struct media_thread *thread, const struct addr *addr)
{
	return ports_is_used(thread->ports, addr) ||
	       (thread->own_ports && ports_is_used(thread->own_ports, addr));
}

void media_set_peer(struct media_session *session, enum media_side side,
		    const struct media_peer *peer)
{
	struct media_thread *thread = session->thread;
	bool is_own = is_port_of(thread, &peer->rtp) || is_port_of(thread, &peer->rtcp) ||
		      is_port_of(thread, &peer->behind);
	bool is_other;

	pthread_mutex_lock(&thread->command_lock);
	/* A command that still waits becomes one with this. */
	is_other =
		peer->is_other || (session->commands >> side & 1u && session->peers[side].is_other);
	session->peers[side] = *peer;
	session->peers[side].is_other = is_other;
	session->is_own[side] = is_own;
	pthread_mutex_unlock(&thread->command_lock);
	relay_session_post(session, 1u << side);
}

void media_close(struct media_session *session)
{
	if (session)
		relay_session_post(session, RELAY_CLOSE);
}

/* Processor time that a media thread has used. */
static uint64_t thread_cpu_us(const struct media_thread *thread)
{
	struct timespec used;
	clockid_t clock;

	if (!thread->is_running || pthread_getcpuclockid(thread->thread, &clock) != 0 ||
	    clock_gettime(clock, &used) != 0)
		return 0;
	return (uint64_t)used.tv_sec * 1000000 + (uint64_t)used.tv_nsec / 1000;
}

size_t media_pools(struct media *media, struct ports_pool_status out[PORTS_ADDRESSES_MAX])
{
	return ports_pools(media->ports, clock_mono_us(), out);
}

void media_status(struct media *media, struct media_status *out)
{
	struct ports_status ports;

	ports_status(media->ports, clock_mono_us(), &ports);
	*out = (struct media_status){
		.ports_low = ports.low,
		.ports_high = ports.high,
		.pairs_total = ports.total,
		.pairs_used = ports.used,
		.pairs_resting = ports.resting,
		.pairs_high_water = ports.high_water,
		.bind_failures = ports.bind_failures,
		.pairs_taken = ports.taken,
		.refused = ports.refused,
		.threads = (uint32_t)media->thread_count,
	};
	if (media->own_ports) {
		ports_status(media->own_ports, clock_mono_us(), &ports);
		out->own_ports_low = ports.low;
		out->own_ports_high = ports.high;
		out->own_pairs_used = ports.used;
		out->own_pairs_high_water = ports.high_water;
		out->own_refused = ports.refused;
	}
	for (int i = 0; i < media->thread_count; i++) {
		const struct media_thread *thread = &media->threads[i];

		out->packets += atomic_load_explicit(&thread->packets, memory_order_relaxed);
		out->dropped += atomic_load_explicit(&thread->dropped, memory_order_relaxed);
		out->sessions += atomic_load_explicit(&thread->session_count, memory_order_relaxed);
		out->cpu_us += thread_cpu_us(thread);
	}
	out->by_threads = out->packets;
	out->packets += media_fast_packets(&media->fast);
}

void media_fast_path(struct media *media, struct media_fast_status *out)
{
	media_fast_status(&media->fast, out);
}

struct media_fast *media_fast_of(struct media *media)
{
	return &media->fast;
}

enum vos_err media_steer(struct media *media, struct vos_fault *fault)
{
	return media_steer_use(&media->steer, media->threads, media->thread_count, fault);
}

void media_steering(const struct media *media, struct media_steering *out)
{
	*out = (struct media_steering){.is_on = media->steer.steer != NULL,
				       .wanted = media->steer.wanted,
				       .reason = media->steer.reason};
	for (int i = 0; i < media->thread_count; i++) {
		const struct media_thread *thread = &media->threads[i];

		out->packets += atomic_load_explicit(&thread->steered, memory_order_relaxed);
		out->batched += atomic_load_explicit(&thread->batched, memory_order_relaxed);
	}
}

void media_set_busy_poll(struct media *media, long long us)
{
	for (int i = 0; i < media->thread_count; i++)
		atomic_store_explicit(&media->threads[i].busy_poll_us, (uint32_t)us,
				      memory_order_relaxed);
}
