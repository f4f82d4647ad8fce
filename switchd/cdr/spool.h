/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of records from a signalling thread to the thread that stores them: one ring a signalling
 * thread, in a file of the state folder that is mapped into memory.
 *
 * To put a record is one copy; no system call, no lock. The kernel keeps the pages of the file when
 * the process is killed, so what was put is there at the next start; only a power cut costs what
 * the storing thread has not committed, at most 50 ms. Its blocks are had beforehand: a full disk
 * cannot touch it.
 *
 * A record is never dropped: what finds the ring full waits in memory, one for each call that is
 * up at most. cdr_spool_is_full() says when no new calls should be begun. */
#pragma once

#include <stdatomic.h>

#include "shared/base/err.h"
#include "switchd/cdr/cdr.h"

#define CDR_SPOOL_BYTES (4u * 1024u * 1024u) /* ~5,000 records */

struct cdr_spool;

/* Opens or makes the file; what an earlier run left in it is read like anything else. A path of
 * NULL, or a file that cannot be had (*fault says why, and the result is VOS_OK): memory only. */
VOS_CHECK enum vos_err cdr_spool_open(const char *path, struct cdr_spool **out,
				      struct vos_fault *fault);
void cdr_spool_close(struct cdr_spool *spool);

/* Whom to wake by a write to the eventfd when *is_asleep. */
void cdr_spool_set_wake(struct cdr_spool *spool, int fd, atomic_bool *is_asleep);

/* --- By the signalling thread. --- */

void cdr_spool_put(struct cdr_spool *spool, enum cdr_event event, const struct cdr *cdr);
/* Lets go of what waits in memory, as far as there is room by now; once a second or so. */
void cdr_spool_flush(struct cdr_spool *spool);
/* Three quarters are used, or records wait in memory. */
bool cdr_spool_is_full(const struct cdr_spool *spool);

/* --- By the storing thread. --- */

struct cdr_spooled {
	enum cdr_event event;
	size_t len;
	char record[CDR_BYTES_MAX]; /* as cdr_encode() has it */
};

/* The next record from *position on (0: the oldest one that is not done), which is moved behind it;
 * false: there is none. */
bool cdr_spool_next(struct cdr_spool *spool, uint64_t *position, struct cdr_spooled *out);
bool cdr_spool_has_more(const struct cdr_spool *spool, uint64_t position);
/* Of the file, never that of another one; 0: memory only. */
uint64_t cdr_spool_id(const struct cdr_spool *spool);
/* Before anything is put: what is before the position was stored by an earlier run. A power cut may
 * have set the file back behind it. */
void cdr_spool_skip(struct cdr_spool *spool, uint64_t position);
/* Everything before the position is stored. */
void cdr_spool_done(struct cdr_spool *spool, uint64_t position);
/* Bytes that are not done. */
uint64_t cdr_spool_backlog(const struct cdr_spool *spool);
