/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/media/player.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "switchd/media/clip.h"
#include "switchd/media/relay.h"
#include "switchd/media/tone.h"
#include "switchd/media/wav.h"

#define PACKET_US UINT64_C(20000)
/* Tones are sent at one of these moments of the 20 ms, so that the media thread looks at all of
 * them only so often. */
#define GRID_US UINT64_C(5000)
/* Who is later than this does not catch up: a burst would not be heard in time either. */
#define LATE_MAX_US UINT64_C(200000)

struct player {
	const struct log *log;
	pthread_mutex_t lock; /* of clip: taken to begin a tone, and by a commit */
	struct clip *clip;
	_Atomic uint64_t started;
	_Atomic uint64_t playing;
	_Atomic uint64_t high_water;
	_Atomic uint64_t packets;
	_Atomic uint64_t unsendable;
};

struct tone_work {
	struct relay_work base; /* first */
	struct player *player;
	struct clip *clip;
	size_t next_packet;
	uint64_t due_us; /* 0: not begun */
	uint64_t heard;  /* packets from the other side when it began */
	uint32_t timestamp;
	uint32_t ssrc;
	uint16_t sequence;
	uint8_t payload_type;
	enum g711_law law;
};

static void count(_Atomic uint64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static uint64_t heard_of(const struct relay_side *side)
{
	return atomic_load_explicit(&side->counters.packets, memory_order_relaxed);
}

static void put_u16(uint8_t *out, unsigned number)
{
	out[0] = (uint8_t)(number >> 8);
	out[1] = (uint8_t)number;
}

static void put_u32(uint8_t *out, uint32_t number)
{
	put_u16(out, number >> 16);
	put_u16(out + 2, number & 0xffff);
}

static void send_packet(struct tone_work *work, struct media_thread *thread,
			struct relay_side *side)
{
	uint8_t data[RTP_HEADER_BYTES + CLIP_PACKET + RELAY_ROOM];
	struct relay_packet packet = {
		.data = data,
		.len = RTP_HEADER_BYTES + CLIP_PACKET,
		.room = sizeof(data),
		.kind = PACKET_RTP,
	};

	data[0] = 2 << 6;
	data[1] = (uint8_t)(work->payload_type | (work->due_us ? 0 : 0x80));
	put_u16(data + 2, work->sequence++);
	put_u32(data + 4, work->timestamp);
	put_u32(data + 8, work->ssrc);
	memcpy(data + RTP_HEADER_BYTES, clip_packet(work->clip, work->law, work->next_packet),
	       CLIP_PACKET);
	work->timestamp += CLIP_PACKET;
	work->next_packet = (work->next_packet + 1) % clip_packets(work->clip);
	count(relay_send(thread, side, &packet) ? &work->player->packets
						: &work->player->unsendable);
}

static uint64_t tick(struct relay_work *base, struct media_thread *thread, struct relay_side *side)
{
	struct tone_work *work = (struct tone_work *)base;

	if (!work->due_us)
		work->heard = heard_of(side->other);
	else if (heard_of(side->other) != work->heard)
		return 0;
	send_packet(work, thread, side);
	if (!work->due_us || thread->now_us > work->due_us + LATE_MAX_US)
		work->due_us = thread->now_us - thread->now_us % GRID_US;
	work->due_us += PACKET_US;
	return work->due_us;
}

static void destroy(struct relay_work *base)
{
	struct tone_work *work = (struct tone_work *)base;

	atomic_fetch_sub_explicit(&work->player->playing, 1, memory_order_relaxed);
	clip_put(work->clip);
	free(work);
}

static const struct relay_work_ops tone_ops = {.tick = tick, .destroy = destroy};

static struct clip *present_clip(struct player *player)
{
	struct clip *clip;

	pthread_mutex_lock(&player->lock);
	clip = clip_get(player->clip);
	pthread_mutex_unlock(&player->lock);
	return clip;
}

static void note_started(struct player *player)
{
	uint64_t playing = atomic_fetch_add_explicit(&player->playing, 1, memory_order_relaxed) + 1;
	uint64_t most = atomic_load_explicit(&player->high_water, memory_order_relaxed);

	count(&player->started);
	while (playing > most &&
	       !atomic_compare_exchange_weak_explicit(&player->high_water, &most, playing,
						      memory_order_relaxed, memory_order_relaxed))
		;
}

enum vos_err player_ring(struct player *player, struct media_session *session, enum g711_law law,
			 uint8_t payload_type)
{
	struct tone_work *work = calloc(1, sizeof(*work));

	if (!work)
		return VOS_ENOMEM;
	work->base.ops = &tone_ops;
	work->player = player;
	work->clip = present_clip(player);
	work->law = law;
	work->payload_type = payload_type & 0x7f;
	randombytes_buf(&work->sequence, sizeof(work->sequence));
	randombytes_buf(&work->timestamp, sizeof(work->timestamp));
	randombytes_buf(&work->ssrc, sizeof(work->ssrc));
	note_started(player);
	media_set_work(session, MEDIA_A, RELAY_PLAY, &work->base);
	return VOS_OK;
}

void player_stop(struct media_session *session)
{
	media_set_work(session, MEDIA_A, RELAY_PLAY, NULL);
}

static enum vos_err clip_of_tone(const struct tone *tone, struct clip **out)
{
	size_t samples_count = tone_samples(tone);
	int16_t *samples = calloc(samples_count, sizeof(*samples));
	enum vos_err err;

	if (!samples)
		return VOS_ENOMEM;
	tone_fill(tone, samples, samples_count);
	err = clip_new(samples, samples_count, out);
	free(samples);
	return err;
}

/* What rings: the file of the configuration, or the tone of its country. */
static enum vos_err clip_of(const struct log *log, const struct conf *conf, struct clip **out)
{
	const char *path = snapshot_text(conf->snapshot, PARAM_IVR_RING_FILE);
	int country = (int)snapshot_number(conf->snapshot, PARAM_IVR_RING_TONE);
	struct vos_fault fault = {0};
	struct wav wav;
	enum vos_err err;

	if (path[0] && wav_load(path, &wav, &fault) == VOS_OK) {
		err = clip_new(wav.samples, wav.count, out);
		wav_clear(&wav);
		return err;
	}
	if (path[0] && log)
		log_error(log, "media", "ring tone %s; the tone of the country rings instead",
			  fault.text);
	return clip_of_tone(tone_of(country), out);
}

enum vos_err player_create(const struct log *log, const struct conf *conf, struct player **out)
{
	struct player *player = calloc(1, sizeof(*player));
	enum vos_err err;

	if (!player)
		return VOS_ENOMEM;
	player->log = log;
	pthread_mutex_init(&player->lock, NULL);
	err = clip_of(log, conf, &player->clip);
	if (err != VOS_OK) {
		player_destroy(player);
		return err;
	}
	*out = player;
	return VOS_OK;
}

void player_destroy(struct player *player)
{
	if (!player)
		return;
	clip_put(player->clip);
	pthread_mutex_destroy(&player->lock);
	free(player);
}

void player_configure(struct player *player, const struct conf *conf)
{
	struct clip *clip;
	struct clip *before;

	/* Without memory the tone stays what it was. */
	if (clip_of(player->log, conf, &clip) != VOS_OK)
		return;
	pthread_mutex_lock(&player->lock);
	before = player->clip;
	player->clip = clip;
	pthread_mutex_unlock(&player->lock);
	clip_put(before);
}

void player_status(const struct player *player, struct player_status *out)
{
	*out = (struct player_status){
		.started = atomic_load_explicit(&player->started, memory_order_relaxed),
		.playing = atomic_load_explicit(&player->playing, memory_order_relaxed),
		.high_water = atomic_load_explicit(&player->high_water, memory_order_relaxed),
		.packets = atomic_load_explicit(&player->packets, memory_order_relaxed),
		.unsendable = atomic_load_explicit(&player->unsendable, memory_order_relaxed),
	};
}
