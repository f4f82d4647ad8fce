/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder: what came, what went, and what switchd decided about it, always on.
 *
 * One ring of bytes for each signalling thread, written by that thread only: a message or a note
 * is one copy into memory, no lock, no allocation, no formatting. Anybody may read, at any time: a
 * reader copies a record and then asks whether it was overwritten meanwhile. What a record means in
 * words is the reader's business (note.def).
 *
 * Which records belong to one call: every SIP message carries a Call-ID, and a record keeps its
 * keyed hash (`dialog`); a note TRACE_LEG says which dialog is which leg of which call. Notes about
 * a call carry its key. Credentials are recorded as they were sent, and masked by who prints. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

enum trace_kind {
	TRACE_RECEIVED, /* a SIP message; data holds it */
	TRACE_SENT,
	TRACE_NOTE, /* data holds the text that the note is about, such as a gateway's name */
};

enum trace_transport { TRACE_UDP, TRACE_TCP, TRACE_TLS };

enum trace_note {
#define NOTE(id, area, text) TRACE_##id,
#include "switchd/trace/note.def"
#undef NOTE
	TRACE_NOTES
};

/* Areas, as `debug` names them. */
enum trace_area {
	TRACE_AREA_CALL,
	TRACE_AREA_ROUTE,
	TRACE_AREA_MEDIA,
	TRACE_AREA_AUTHENTICATION,
	TRACE_AREA_REGISTRATION,
	TRACE_AREA_NAT,
	TRACE_AREAS
};

struct trace_event {
	uint64_t key;     /* of the call; 0 = none, or not known from the record itself */
	uint64_t dialog;  /* hash of the Call-ID; 0 = none */
	uint64_t time_us; /* monotonic (clock.h) */
	int64_t a;        /* of a note: as note.def says */
	int64_t b;
	uint8_t kind;      /* enum trace_kind */
	uint8_t transport; /* enum trace_transport, of a message */
	uint8_t note;      /* enum trace_note, of a note */
	uint8_t side;      /* enum media_side of the leg, or TRACE_NO_SIDE */
	struct addr local; /* of a message */
	struct addr peer;
	struct span data;  /* read: in the reader's memory */
	uint64_t position; /* read: where the record stands in its ring */
};

#define TRACE_NO_SIDE  0xff
#define TRACE_DATA_MAX 65536u /* longer messages are cut; none is allowed to be */

struct recorder;
struct recorder_ring;

/* `bytes` for all rings together, taken and touched at once, so that recording never waits for
 * memory; 0: nothing is recorded, and recorder_ring() is NULL. */
VOS_CHECK enum vos_err recorder_create(int threads, size_t bytes, struct recorder **out);
/* The same, but that the memory is not taken before recorder_touch(): of what few ever record. */
VOS_CHECK enum vos_err recorder_create_unused(int threads, size_t bytes, struct recorder **out);
/* Takes the memory, which may last some milliseconds; again costs little. NULL is allowed. */
void recorder_touch(struct recorder *recorder);
/* NULL is allowed. */
void recorder_destroy(struct recorder *recorder);
int recorder_rings(const struct recorder *recorder);
/* Memory of all rings. */
size_t recorder_bytes(const struct recorder *recorder);
/* Of a thread; NULL when nothing is recorded. What follows takes NULL and does nothing with it. */
struct recorder_ring *recorder_ring(struct recorder *recorder, int thread);
/* The hash that stands for a Call-ID; never 0. */
uint64_t recorder_dialog(const struct recorder_ring *ring, struct span call_id);

/* --- Written by the thread that owns the ring. --- */

/* Copies the event and its data. */
void recorder_write(struct recorder_ring *ring, const struct trace_event *event);
/* The same of a message whose dialog is only known when it has been read, which may change it in
 * place: nobody sees the record before the second, and no other may come between. Returned are the
 * data as they are recorded. */
struct span recorder_open(struct recorder_ring *ring, const struct trace_event *event);
void recorder_close(struct recorder_ring *ring, uint64_t dialog);

/* --- Read by anybody. --- */

struct recorder_cursor {
	uint64_t position; /* 0 = from the oldest record there is */
	uint64_t lost;     /* bytes that were overwritten before they were read; grows */
};

/* Behind everything that is recorded by now. */
void recorder_cursor_end(const struct recorder_ring *ring, struct recorder_cursor *cursor);
/* The next record into *out. Its data are copied to memory[size], as far as they go; with size 0
 * only their length is told, which costs no copy. False: there is none yet. */
bool recorder_next(const struct recorder_ring *ring, struct recorder_cursor *cursor,
		   struct trace_event *out, char *memory, size_t size);

/* The record at a place that an event had; false: it was overwritten. */
bool recorder_at(const struct recorder_ring *ring, uint64_t position, struct trace_event *out,
		 char *memory, size_t size);
/* Where the oldest record stands: what was in front of it is overwritten. */
uint64_t recorder_oldest(const struct recorder_ring *ring);

/* "call", "route" ... of a note, and its text with {a}, {b} and {text} to be filled in. */
enum trace_area trace_note_area(enum trace_note note);
const char *trace_area_name(enum trace_area area);
const char *trace_note_text(enum trace_note note);
