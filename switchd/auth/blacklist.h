/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dynamic black list (behaviour C16): numbers that are refused because of what they did.
 *
 *   malicious    a caller's attempts in a window; the one after the last that is let through
 *   concurrent   a caller's calls at a time
 *   no-answer    a callee's calls in a window that were not answered
 *
 * A window begins with the first call that counts and starts over once it has passed. An entry
 * lasts a fixed time; calls that are refused meanwhile neither count nor prolong it.
 *
 * One table of fixed size (BLACKLIST_SLOTS_MAX numbers in sets of eight under keyed hashes), with a
 * short lock of the set's stripe and no allocation. A full set gives up the counter that rested
 * longest, those with calls up last; who is listed stays, except that one place of a set is always
 * left to counters: there the entry that ends first goes. So callers who make up numbers neither
 * use up memory nor free who is listed. Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/err.h"

#define BLACKLIST_WAYS      8u
#define BLACKLIST_SETS      16384u
#define BLACKLIST_SLOTS_MAX (BLACKLIST_SETS * BLACKLIST_WAYS)
#define BLACKLIST_NUMBER    64

enum black_type { BLACK_NONE, BLACK_MALICIOUS, BLACK_CONCURRENT, BLACK_NO_ANSWER, BLACK_TYPES };

struct black_rule {
	uint32_t limit; /* 0: this kind is off, its entries have no effect */
	uint32_t window_s;
	uint32_t expire_s;
};

struct black_rules {
	struct black_rule of[BLACK_TYPES];
};

struct black_entry {
	enum black_type type;
	char number[BLACKLIST_NUMBER];
	uint32_t count;   /* calls that led to it */
	uint32_t refused; /* since then */
	int64_t since_ms; /* wall time, for people and for the store */
	int64_t until_ms;
	uint64_t until_us; /* monotonic: what decides */
	uint64_t last_us;  /* of the last call, refused ones too; 0 = before the restart */
};

/* For the storage thread. */
struct black_change {
	struct black_entry entry;
	bool is_over; /* only side and number count */
};

#define BLACK_CHANGES_MAX   1024u
#define BLACK_RESTORE_MAX_S 31536000 /* the longest that an entry can be made for */

struct blacklist;
struct auth;

/* That of auth. */
struct blacklist *auth_blacklist(const struct auth *auth);

VOS_CHECK enum vos_err blacklist_create(struct blacklist **out);
void blacklist_destroy(struct blacklist *list);

/* A call of that caller begins: BLACK_NONE lets it in, and *held (0 = not counted) is to be given
 * back with blacklist_end() when it ends. Numbers that are nobody's ("", anonymous) do not count.
 */
enum black_type blacklist_begin(struct blacklist *list, const struct black_rules *rules,
				const char *caller, uint64_t now_us, uint64_t *held);
void blacklist_end(struct blacklist *list, uint64_t held);
/* Before a number is called. */
enum black_type blacklist_called(struct blacklist *list, const struct black_rules *rules,
				 const char *callee, uint64_t now_us);
/* It rang and nobody answered. */
void blacklist_unanswered(struct blacklist *list, const struct black_rules *rules,
			  const char *callee, uint64_t now_us);

/* Lists a number for what others have found out of it, as if that had been counted here: `count`
 * calls. False: the kind is off, or it is nobody's number. One that is listed stays as it is. */
bool blacklist_add(struct blacklist *list, const struct black_rules *rules, enum black_type type,
		   const char *number, uint32_t count, uint64_t now_us);

/* --- For the control thread and the storage thread. --- */

/* Changes nothing. False: not listed; out may be NULL. */
bool blacklist_find(struct blacklist *list, bool is_callee, const char *number, uint64_t now_us,
		    struct black_entry *out);
/* Entries that last beyond now_us; type BLACK_NONE: all, number NULL: all. Returns how many were
 * written. */
size_t blacklist_list(struct blacklist *list, enum black_type type, const char *number,
		      uint64_t now_us, struct black_entry *out, size_t max);
/* Forgets them, and what was counted for them. Returns how many there were. */
size_t blacklist_clear(struct blacklist *list, enum black_type type, const char *number);
/* Ends what is over. */
void blacklist_expire(struct blacklist *list, uint64_t now_us);
/* A stored entry, for the time it has left by the wall clock. False: that is over, or longer than
 * any entry lasts, as when the clock was set back. */
bool blacklist_restore(struct blacklist *list, const struct black_entry *stored, uint64_t now_us,
		       int64_t now_ms);
/* What began or ended since the last call. *is_all: more than could be noted; then nothing is
 * written to out, and the list is the truth. */
size_t blacklist_drain(struct blacklist *list, struct black_change *out, size_t max, bool *is_all);
/* After a write that failed: all of them are to be written anew. */
void blacklist_mark_all(struct blacklist *list);
size_t blacklist_count(const struct blacklist *list);
/* Numbers that are counted or listed. */
size_t blacklist_used(const struct blacklist *list);
/* "malicious", and whose calls it refuses: "caller" or "callee". */
const char *black_type_word(enum black_type type);
const char *black_type_side(enum black_type type);
