/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rings. Positions only grow; a record lies at position modulo size, in 8-byte words, and never
 * crosses the end of the ring (a pad fills what is left there).
 *
 * The writer first moves `tail` past what it is going to overwrite, then writes the words, then
 * moves `head`. A reader copies words and then looks at `tail`: was the record not yet given up,
 * the copy is whole. Words are written with release and read with acquire, so whoever sees one new
 * word also sees the `tail` before it; on x86 that is a plain move. */
#include "switchd/trace/recorder.h"

#include <endian.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "shared/base/hash.h"

#define WORD     sizeof(uint64_t)
#define RING_MIN (4u * TRACE_DATA_MAX)
#define LINE     64u   /* of the cache */
#define AHEAD    1024u /* a usual message with what stands before it */

/* What stands before the data. Fixed shape, in words. */
struct record {
	uint32_t size; /* of the whole record, pads included */
	uint32_t data_len;
	uint64_t key;
	uint64_t dialog;
	uint64_t time_us;
	int64_t a;
	int64_t b;
	uint8_t kind; /* enum trace_kind, or RECORD_PAD */
	uint8_t transport;
	uint8_t note;
	uint8_t side;
	struct addr local;
	struct addr peer;
	uint32_t rest; /* 0 */
};

#define RECORD_PAD   0xff
#define RECORD_WORDS (sizeof(struct record) / WORD)

_Static_assert(sizeof(struct record) % WORD == 0, "a record is written by words");

struct recorder_ring {
	atomic_uint_fast64_t *words;
	uint64_t size; /* bytes */
	struct hash_key key;
	_Alignas(64) atomic_uint_fast64_t head;
	atomic_uint_fast64_t tail;
	/* The writer's own. Where head and tail lie in the ring, as a division costs as much as a
	 * third of a record; and the record that is open. */
	uint64_t head_offset;
	uint64_t tail_offset;
	uint64_t open_size;
	uint64_t fetched; /* offset up to which the memory behind head was asked for */
};

struct recorder {
	int count;
	void *memory;
	size_t memory_len;
	struct recorder_ring rings[];
};

static enum vos_err create(int threads, size_t bytes, int memory_flags, struct recorder **out)
{
	size_t size = bytes / (size_t)threads / 4096 * 4096;
	size_t len = sizeof(struct recorder) + (size_t)threads * sizeof(struct recorder_ring);
	struct recorder *recorder = aligned_alloc(64, (len + 63) / 64 * 64);
	struct hash_key key;

	*out = NULL;
	if (!recorder)
		return VOS_ENOMEM;
	memset(recorder, 0, len);
	if (bytes == 0) {
		*out = recorder;
		return VOS_OK;
	}
	if (size < RING_MIN)
		size = RING_MIN;
	recorder->memory_len = size * (size_t)threads;
	recorder->memory = mmap(NULL, recorder->memory_len, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | memory_flags, -1, 0);
	if (recorder->memory == MAP_FAILED) {
		free(recorder);
		return VOS_ENOMEM;
	}
	recorder->count = threads;
	hash_key_random(&key);
	for (int i = 0; i < threads; i++) {
		struct recorder_ring *ring = &recorder->rings[i];

		ring->words = (void *)((char *)recorder->memory + size * (size_t)i);
		ring->size = size;
		ring->key = key;
		atomic_init(&ring->head, 0);
		atomic_init(&ring->tail, 0);
	}
	*out = recorder;
	return VOS_OK;
}

enum vos_err recorder_create(int threads, size_t bytes, struct recorder **out)
{
	return create(threads, bytes, MAP_POPULATE, out);
}

enum vos_err recorder_create_unused(int threads, size_t bytes, struct recorder **out)
{
	return create(threads, bytes, MAP_NORESERVE, out);
}

void recorder_touch(struct recorder *recorder)
{
	/* An older kernel cannot: then each page is taken when it is written to first. */
	if (recorder && recorder->memory)
		(void)madvise(recorder->memory, recorder->memory_len, MADV_POPULATE_WRITE);
}

void recorder_destroy(struct recorder *recorder)
{
	if (!recorder)
		return;
	if (recorder->memory)
		munmap(recorder->memory, recorder->memory_len);
	free(recorder);
}

int recorder_rings(const struct recorder *recorder)
{
	return recorder->count;
}

size_t recorder_bytes(const struct recorder *recorder)
{
	return recorder->memory_len;
}

struct recorder_ring *recorder_ring(struct recorder *recorder, int thread)
{
	return recorder && thread < recorder->count ? &recorder->rings[thread] : NULL;
}

uint64_t recorder_dialog(const struct recorder_ring *ring, struct span call_id)
{
	uint64_t hash;

	if (!ring)
		return 0;
	hash = hash_lookup(&ring->key, call_id.ptr, call_id.len);
	return hash ? hash : 1;
}

static atomic_uint_fast64_t *word_at(const struct recorder_ring *ring, uint64_t position)
{
	return &ring->words[position % ring->size / WORD];
}

static inline void put_word(atomic_uint_fast64_t *to, const char *from)
{
	uint64_t word;

	memcpy(&word, from, WORD);
	atomic_store_explicit(to, word, memory_order_release);
}

static void put_words(atomic_uint_fast64_t *to, const void *from, size_t count)
{
	const char *bytes = from;

	for (; count >= 4; count -= 4, to += 4, bytes += 4 * WORD) {
		put_word(to, bytes);
		put_word(to + 1, bytes + WORD);
		put_word(to + 2, bytes + 2 * WORD);
		put_word(to + 3, bytes + 3 * WORD);
	}
	for (; count > 0; count--, to++, bytes += WORD)
		put_word(to, bytes);
}

/* The ring is larger than any cache, so what comes next there is always cold: it is fetched while
 * the thread does something else. */
static void fetch_ahead(struct recorder_ring *ring)
{
	const char *memory = (const char *)ring->words;
	uint64_t head = ring->head_offset / LINE * LINE;
	uint64_t end = head + AHEAD < ring->size ? head + AHEAD : ring->size;
	uint64_t at = ring->fetched;

	if (at < head || at > end)
		at = head; /* a long record, or the ring has begun anew */
	for (; at < end; at += LINE)
		__builtin_prefetch(memory + at, 1);
	ring->fetched = at;
	__builtin_prefetch(memory + ring->tail_offset); /* how long that one is, is read first */
}

static void get_words(void *to, atomic_uint_fast64_t *from, size_t count)
{
	char *bytes = to;

	for (size_t i = 0; i < count; i++) {
		uint64_t word = atomic_load_explicit(&from[i], memory_order_acquire);

		memcpy(bytes + i * WORD, &word, WORD);
	}
}

static uint32_t size_at(const struct recorder_ring *ring, uint64_t offset)
{
	uint64_t word = atomic_load_explicit(&ring->words[offset / WORD], memory_order_acquire);
	uint32_t size;

	memcpy(&size, &word, sizeof(size));
	return size;
}

/* Where what follows a record of that size begins; records end where the ring does. */
static uint64_t offset_behind(const struct recorder_ring *ring, uint64_t offset, uint64_t size)
{
	return offset + size == ring->size ? 0 : offset + size;
}

/* Gives up the oldest records until [.., end) does not reach them. */
static void make_room(struct recorder_ring *ring, uint64_t end)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint64_t before = tail;

	while (end > tail + ring->size) {
		uint32_t size = size_at(ring, ring->tail_offset);

		tail += size;
		ring->tail_offset = offset_behind(ring, ring->tail_offset, size);
	}
	if (tail != before)
		atomic_store_explicit(&ring->tail, tail, memory_order_release);
}

static void move_head(struct recorder_ring *ring, uint64_t size)
{
	uint64_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

	ring->head_offset = offset_behind(ring, ring->head_offset, size);
	atomic_store_explicit(&ring->head, head + size, memory_order_release);
}

/* Fills what is left of the ring. */
static void pad(struct recorder_ring *ring, uint64_t left)
{
	struct record record = {.size = (uint32_t)left, .kind = RECORD_PAD};
	size_t words = left / WORD < RECORD_WORDS ? left / WORD : RECORD_WORDS;

	make_room(ring, atomic_load_explicit(&ring->head, memory_order_relaxed) + left);
	put_words(&ring->words[ring->head_offset / WORD], &record, words);
	move_head(ring, left);
}

/* Fewer bytes than a word has, with zeros behind them as they lie in memory. */
static uint64_t last_word(const char *bytes, size_t count)
{
	uint64_t word = 0;

	for (size_t i = 0; i < count; i++)
		word |= (uint64_t)(uint8_t)bytes[i] << 8 * i;
	return htole64(word);
}

static struct span open_record(struct recorder_ring *ring, const struct trace_event *event)
{
	size_t len = event->data.len < TRACE_DATA_MAX ? event->data.len : TRACE_DATA_MAX;
	size_t whole = len / WORD;
	size_t size = sizeof(struct record) + (len + WORD - 1) / WORD * WORD;
	uint64_t left = ring->size - ring->head_offset;
	struct record record = {
		.size = (uint32_t)size,
		.data_len = (uint32_t)len,
		.key = event->key,
		.dialog = event->dialog,
		.time_us = event->time_us,
		.a = event->a,
		.b = event->b,
		.kind = event->kind,
		.transport = event->transport,
		.note = event->note,
		.side = event->side,
		.local = event->local,
		.peer = event->peer,
	};
	atomic_uint_fast64_t *to;

	if (left < size)
		pad(ring, left);
	make_room(ring, atomic_load_explicit(&ring->head, memory_order_relaxed) + size);
	to = &ring->words[ring->head_offset / WORD];
	put_words(to, &record, RECORD_WORDS);
	to += RECORD_WORDS;
	put_words(to, event->data.ptr, whole);
	if (len % WORD)
		atomic_store_explicit(to + whole,
				      last_word(event->data.ptr + whole * WORD, len % WORD),
				      memory_order_release);
	ring->open_size = size;
	return (struct span){(const char *)to, len};
}

static void close_record(struct recorder_ring *ring)
{
	move_head(ring, ring->open_size);
	fetch_ahead(ring);
}

void recorder_write(struct recorder_ring *ring, const struct trace_event *event)
{
	if (!ring)
		return;
	open_record(ring, event);
	close_record(ring);
}

struct span recorder_open(struct recorder_ring *ring, const struct trace_event *event)
{
	return ring ? open_record(ring, event) : SPAN_NONE;
}

void recorder_close(struct recorder_ring *ring, uint64_t dialog)
{
	size_t at = offsetof(struct record, dialog) / WORD;

	if (!ring)
		return;
	atomic_store_explicit(&ring->words[ring->head_offset / WORD + at], dialog,
			      memory_order_release);
	close_record(ring);
}

void recorder_cursor_end(const struct recorder_ring *ring, struct recorder_cursor *cursor)
{
	cursor->position = atomic_load_explicit(&ring->head, memory_order_acquire);
}

/* True when what was read at the position was whole. */
static bool is_still_there(const struct recorder_ring *ring, uint64_t position)
{
	return atomic_load_explicit(&ring->tail, memory_order_acquire) <= position;
}

/* Moves a cursor that was overtaken to the oldest record. */
static void catch_up(const struct recorder_ring *ring, struct recorder_cursor *cursor)
{
	uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);

	if (cursor->position >= tail)
		return;
	if (cursor->position > 0)
		cursor->lost += tail - cursor->position;
	cursor->position = tail;
}

static void fill(struct trace_event *out, const struct record *record, const char *memory)
{
	*out = (struct trace_event){
		.key = record->key,
		.dialog = record->dialog,
		.time_us = record->time_us,
		.a = record->a,
		.b = record->b,
		.kind = record->kind,
		.transport = record->transport,
		.note = record->note,
		.side = record->side,
		.local = record->local,
		.peer = record->peer,
		.data = {memory, record->data_len},
	};
}

/* The data of the record at `from`, at most size bytes. */
static size_t get_data(char *memory, size_t size, atomic_uint_fast64_t *from, size_t len)
{
	size_t whole;

	if (len > size)
		len = size;
	whole = len / WORD;
	get_words(memory, from, whole);
	if (len % WORD) {
		char last[WORD];

		get_words(last, from + whole, 1);
		memcpy(memory + whole * WORD, last, len % WORD);
	}
	return len;
}

bool recorder_next(const struct recorder_ring *ring, struct recorder_cursor *cursor,
		   struct trace_event *out, char *memory, size_t size)
{
	struct record record;

	for (;;) {
		uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
		uint64_t position;
		uint64_t left;
		size_t copied = 0;

		catch_up(ring, cursor);
		position = cursor->position;
		if (position >= head)
			return false;
		left = ring->size - position % ring->size;
		if (left < sizeof(record)) {
			cursor->position += left; /* a pad with no room for more */
			continue;
		}
		get_words(&record, word_at(ring, position), RECORD_WORDS);
		if (!is_still_there(ring, position))
			continue;
		if (record.kind != RECORD_PAD && size)
			copied = get_data(memory, size, word_at(ring, position) + RECORD_WORDS,
					  record.data_len);
		if (!is_still_there(ring, position))
			continue;
		cursor->position = position + record.size;
		if (record.kind == RECORD_PAD)
			continue;
		fill(out, &record, memory);
		out->position = position;
		if (size)
			out->data.len = copied;
		return true;
	}
}

bool recorder_at(const struct recorder_ring *ring, uint64_t position, struct trace_event *out,
		 char *memory, size_t size)
{
	struct recorder_cursor cursor = {.position = position};

	return is_still_there(ring, position) && recorder_next(ring, &cursor, out, memory, size) &&
	       out->position == position;
}

uint64_t recorder_oldest(const struct recorder_ring *ring)
{
	return atomic_load_explicit(&ring->tail, memory_order_acquire);
}
