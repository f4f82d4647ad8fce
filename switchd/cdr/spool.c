/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file: one page of head, then the ring. Positions only grow; the record at position p begins
 * at p modulo the ring's size and may go round its end. Before each: its length, its event, and a
 * sum of what follows, by which a ring that a power cut has left half written is told. */
#include "switchd/cdr/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "shared/base/hash.h"

#define MAGIC      UINT64_C(0x31306c6f6f707363) /* "cspool01" */
#define PAGE       4096u
#define FILE_BYTES (PAGE + CDR_SPOOL_BYTES)

struct head {
	uint64_t magic;
	uint64_t size;
	uint64_t id;
	_Alignas(64) atomic_uint_fast64_t put;
	_Alignas(64) atomic_uint_fast64_t done;
};

struct frame {
	uint32_t len;
	uint32_t event; /* with the bit of its kind of sum */
	uint64_t sum;
};

/* Without that bit the sum is a SipHash: what an earlier version has put. */
#define FRAME_QUICK 0x100u

/* A record that found no room. */
struct waiting {
	struct waiting *next;
	enum cdr_event event;
	size_t len;
	char data[];
};

struct cdr_spool {
	struct head *head;
	uint8_t *ring;
	struct waiting *waiting; /* the signalling thread's, oldest first */
	struct waiting *last;    /* of them, if there are any */
	atomic_bool has_waiting;
	atomic_bool *is_asleep;
	int wake_fd;
};

static void use(struct cdr_spool *spool, void *memory, bool is_file)
{
	spool->head = memory;
	spool->ring = (uint8_t *)memory + PAGE;
	if (spool->head->magic == MAGIC && spool->head->size == CDR_SPOOL_BYTES &&
	    spool->head->put - spool->head->done <= CDR_SPOOL_BYTES)
		return;
	memset(spool->head, 0, sizeof(*spool->head));
	spool->head->magic = MAGIC;
	spool->head->size = CDR_SPOOL_BYTES;
	spool->head->id =
		is_file ? ((uint64_t)clock_wall_ms() << 20) + clock_mono_us() % (1u << 20) : 0;
}

/* The file's memory; NULL with errno. */
static void *map_file(const char *path)
{
	void *memory = MAP_FAILED;
	struct stat st;
	int code = 0;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) != 0)
		code = errno;
	else if (st.st_size != FILE_BYTES)
		code = ftruncate(fd, 0) == 0 ? posix_fallocate(fd, 0, FILE_BYTES) : errno;
	if (!code)
		memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
			      fd, 0);
	if (!code && memory == MAP_FAILED)
		code = errno;
	if (code)
		unlink(path); /* half of it is of no use to the next start either */
	close(fd);
	errno = code;
	return memory == MAP_FAILED ? NULL : memory;
}

enum vos_err cdr_spool_open(const char *path, struct cdr_spool **out, struct vos_fault *fault)
{
	struct cdr_spool *spool = calloc(1, sizeof(*spool));
	void *memory = NULL;
	bool is_file;

	*out = NULL;
	if (!spool)
		return VOS_ENOMEM;
	if (path)
		memory = map_file(path);
	if (path && !memory)
		fault_set(fault, FAULT_STATE, 0,
			  "%s: %s; calls that end would not outlive a crash until they are stored",
			  path, strerror(errno));
	is_file = memory != NULL;
	if (!memory)
		memory = mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			      -1, 0);
	if (memory == MAP_FAILED) {
		free(spool);
		return VOS_ENOMEM;
	}
	use(spool, memory, is_file);
	*out = spool;
	return VOS_OK;
}

void cdr_spool_close(struct cdr_spool *spool)
{
	if (!spool)
		return;
	while (spool->waiting) {
		struct waiting *first = spool->waiting;

		LL_DELETE(spool->waiting, first);
		free(first);
	}
	munmap(spool->head, FILE_BYTES);
	free(spool);
}

static void copy_in(struct cdr_spool *spool, uint64_t position, const void *data, size_t len)
{
	size_t at = position % CDR_SPOOL_BYTES;
	size_t first = len < CDR_SPOOL_BYTES - at ? len : CDR_SPOOL_BYTES - at;

	memcpy(spool->ring + at, data, first);
	memcpy(spool->ring, (const char *)data + first, len - first);
}

static void copy_out(const struct cdr_spool *spool, uint64_t position, void *data, size_t len)
{
	size_t at = position % CDR_SPOOL_BYTES;
	size_t first = len < CDR_SPOOL_BYTES - at ? len : CDR_SPOOL_BYTES - at;

	memcpy(data, spool->ring + at, first);
	memcpy((char *)data + first, spool->ring, len - first);
}

/* Each step tells two words apart for certain, so none may be damaged alone. */
static uint64_t sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
	return sum ^ sum >> 32;
}

/* Of the frame's head and the record, in eights of bytes: strangers have nothing to gain here. */
static uint64_t sum_frame(const struct frame *frame, const char *data)
{
	uint64_t sum = sum_word((uint64_t)frame->event << 32, frame->len);
	size_t len = frame->len;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word), data += sizeof(word)) {
		memcpy(&word, data, sizeof(word));
		sum = sum_word(sum, word);
	}
	word = 0;
	memcpy(&word, data, len);
	return sum_word(sum, word);
}

static bool put_raw(struct cdr_spool *spool, enum cdr_event event, const char *data, size_t len)
{
	uint64_t put = atomic_load_explicit(&spool->head->put, memory_order_relaxed);
	uint64_t done = atomic_load_explicit(&spool->head->done, memory_order_acquire);
	struct frame frame = {
		.len = (uint32_t)len,
		.event = event | FRAME_QUICK,
	};

	if (put + sizeof(frame) + len > done + CDR_SPOOL_BYTES)
		return false;
	frame.sum = sum_frame(&frame, data);
	copy_in(spool, put, &frame, sizeof(frame));
	copy_in(spool, put + sizeof(frame), data, len);
	atomic_store_explicit(&spool->head->put, put + sizeof(frame) + len, memory_order_release);
	return true;
}

/* Those that wait go first, in their order. */
static bool put_waiting(struct cdr_spool *spool)
{
	while (spool->waiting) {
		struct waiting *first = spool->waiting;

		if (!put_raw(spool, first->event, first->data, first->len))
			return false;
		LL_DELETE(spool->waiting, first);
		free(first);
	}
	atomic_store_explicit(&spool->has_waiting, false, memory_order_relaxed);
	return true;
}

static void wait_in_memory(struct cdr_spool *spool, enum cdr_event event, struct span data)
{
	struct waiting *waiting = malloc(sizeof(*waiting) + data.len);

	if (!waiting)
		return; /* neither disk nor memory: there is nowhere left to put it */
	waiting->event = event;
	waiting->len = data.len;
	memcpy(waiting->data, data.ptr, data.len);
	waiting->next = NULL;
	if (spool->waiting)
		spool->last->next = waiting;
	else
		spool->waiting = waiting;
	spool->last = waiting;
	atomic_store_explicit(&spool->has_waiting, true, memory_order_relaxed);
}

void cdr_spool_set_wake(struct cdr_spool *spool, int fd, atomic_bool *is_asleep)
{
	spool->wake_fd = fd;
	spool->is_asleep = is_asleep;
}

/* A system call only when the thread sleeps: once a batch of it. */
static void wake(struct cdr_spool *spool)
{
	const uint64_t one = 1;

	if (!spool->is_asleep || !atomic_load(spool->is_asleep) ||
	    !atomic_exchange(spool->is_asleep, false))
		return;
	while (write(spool->wake_fd, &one, sizeof(one)) < 0 && errno == EINTR)
		continue;
}

void cdr_spool_put(struct cdr_spool *spool, enum cdr_event event, const struct cdr *cdr)
{
	char memory[CDR_BYTES_MAX];
	struct buf record = buf_over(memory, sizeof(memory));

	cdr_encode(cdr, &record);
	if (!put_waiting(spool) || !put_raw(spool, event, record.data, record.len))
		wait_in_memory(spool, event, buf_span(&record));
	wake(spool);
}

void cdr_spool_flush(struct cdr_spool *spool)
{
	if (spool->waiting)
		(void)put_waiting(spool);
}

bool cdr_spool_is_full(const struct cdr_spool *spool)
{
	return atomic_load_explicit(&spool->has_waiting, memory_order_relaxed) ||
	       cdr_spool_backlog(spool) > CDR_SPOOL_BYTES / 4 * 3;
}

uint64_t cdr_spool_backlog(const struct cdr_spool *spool)
{
	return atomic_load_explicit(&spool->head->put, memory_order_relaxed) -
	       atomic_load_explicit(&spool->head->done, memory_order_relaxed);
}

/* A ring that does not read as written is given up from there on: what follows a torn record
 * cannot be found. */
static bool give_up(struct cdr_spool *spool, uint64_t put)
{
	atomic_store_explicit(&spool->head->done, put, memory_order_release);
	return false;
}

static bool is_whole(const struct frame *frame, const char *data)
{
	const struct hash_key none = {0}; /* it tells damage, not strangers */

	return frame->sum == (frame->event & FRAME_QUICK ? sum_frame(frame, data)
							 : hash_bytes(&none, data, frame->len));
}

bool cdr_spool_next(struct cdr_spool *spool, uint64_t *position, struct cdr_spooled *out)
{
	uint64_t put = atomic_load_explicit(&spool->head->put, memory_order_acquire);
	uint64_t done = atomic_load_explicit(&spool->head->done, memory_order_relaxed);
	struct frame frame;

	if (*position < done)
		*position = done;
	if (*position >= put)
		return false;
	copy_out(spool, *position, &frame, sizeof(frame));
	if (frame.len > sizeof(out->record) || (frame.event & ~FRAME_QUICK) > CDR_WHOLE ||
	    frame.len + sizeof(frame) > put - *position)
		return give_up(spool, put);
	copy_out(spool, *position + sizeof(frame), out->record, frame.len);
	if (!is_whole(&frame, out->record))
		return give_up(spool, put);
	out->event = (enum cdr_event)(frame.event & ~FRAME_QUICK);
	out->len = frame.len;
	*position += sizeof(frame) + frame.len;
	return true;
}

uint64_t cdr_spool_id(const struct cdr_spool *spool)
{
	return spool->head->id;
}

void cdr_spool_skip(struct cdr_spool *spool, uint64_t position)
{
	if (position > spool->head->put)
		atomic_store(&spool->head->put, position);
	if (position > spool->head->done)
		atomic_store(&spool->head->done, position);
}

bool cdr_spool_has_more(const struct cdr_spool *spool, uint64_t position)
{
	return atomic_load_explicit(&spool->head->put, memory_order_acquire) > position;
}

void cdr_spool_done(struct cdr_spool *spool, uint64_t position)
{
	atomic_store_explicit(&spool->head->done, position, memory_order_release);
}
