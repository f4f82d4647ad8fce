/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The changes of a candidate in a file of the state folder, so that they outlive switchd: what was
 * acknowledged is there again after a kill. A power cut may cost the last seconds, as the files are
 * not synced: nobody has been promised more of what is not committed.
 *
 * DIR/candidates/<number, 16 hex> is a chain of frames: 4 bytes of length (little endian), then a
 * record (keys.h) under the key "c/<number>/<place in the chain>", so that no frame can be altered,
 * moved or taken out unseen. A frame that is torn ends the chain. Secrets stand as sealed text.
 *
 *   session  17  1000  8c1f...  0     session, uid, token, wall ms when it was lost (0 = never)
 *   base     42                       generation; what was before is forgotten
 *   change   set  phone  1001  name  Front desk
 *
 * All functions belong to the control thread. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "switchd/store/store.h"

struct journal;

#define JOURNAL_MAX (32u * 1024u * 1024u) /* bytes of one file; a longer one is given up */

struct journal_head {
	uint64_t session;
	uid_t uid;
	uint64_t token; /* by which its client names the session later */
	int64_t lost_ms;
	uint64_t base;
	int64_t changed_ms; /* of the file; only read */
};

/* Faults as of files: VOS_EIO and the like. */
VOS_CHECK enum vos_err journal_create(struct store *store, const struct journal_head *head,
				      struct journal **out, struct vos_fault *fault);
/* Collected until the flush. journal may be NULL in all of these. */
void journal_add(struct journal *journal, const struct change *change);
/* Whose it is now: taken up by another session, or its connection lost. */
void journal_set_session(struct journal *journal, const struct journal_head *head);
/* Forgets the changes; they begin anew on this generation. */
void journal_restart(struct journal *journal, uint64_t base);
/* Writes what is collected. False when the file has been given up, with a fault the first time. */
VOS_CHECK bool journal_flush(struct journal *journal, struct vos_fault *fault);
/* Flushes; the file goes unless it is to be found by the next start. */
void journal_close(struct journal *journal, bool keep);

/* One of the files that a start finds. The function takes journal, and what changes owns; false:
 * it is of no use, and its file goes. */
typedef bool journal_found_fn(void *context, const struct journal_head *head,
			      struct change_list *changes, struct journal *journal);
/* The one that was changed last comes last. What cannot be read goes, and is logged. */
void journals_load(struct store *store, journal_found_fn *fn, void *context);
