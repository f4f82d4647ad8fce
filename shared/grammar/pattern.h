/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Patterns of commands.def, compiled: sequences of keywords, values, choices and optional groups.
 *
 * Where a line stands inside a pattern is a small stack of frames; pattern_expect gives every word
 * that may come next together with the stack after it. That is all that matching, TAB and ? need.
 */
#pragma once

#include "shared/base/arena.h"
#include "shared/base/err.h"
#include "shared/grammar/grammar.h"

enum slot_how { HOW_WORD, HOW_REST, HOW_LINE };

/* A value that patterns name: a row VALUE of words.def. */
struct slot {
	const char *name;
	const char *label; /* what ? prints in angle brackets; NULL: from the spec */
	enum slot_how how;
	struct value_spec spec;
	enum value_source source;
	const char *help;
};

enum elem_kind { ELEM_WORD, ELEM_VALUE, ELEM_EITHER, ELEM_OPTIONAL };

struct pattern_seq {
	struct pattern_elem *elems;
	int count;
};

struct pattern_elem {
	enum elem_kind kind;
	const char *word;                 /* ELEM_WORD */
	const struct slot *slot;          /* ELEM_VALUE */
	const char *help;                 /* ELEM_WORD; filled by the tree */
	bool is_flag;                     /* ELEM_WORD: captured under its own name */
	struct pattern_seq *alternatives; /* ELEM_EITHER, ELEM_OPTIONAL */
	int alternative_count;
};

struct pattern_frame {
	const struct pattern_seq *seq;
	int index;
	unsigned used; /* bit i: the optional group at index + i was taken */
};

#define PATTERN_DEPTH_MAX    5
#define PATTERN_OPTIONAL_MAX 32 /* optional groups in a row: bits of `used` */

struct pattern_state {
	struct pattern_frame frames[PATTERN_DEPTH_MAX];
	int depth;
};

typedef const struct slot *slot_find_fn(const void *context, struct span name);
/* VOS_EINVAL: the row is malformed or names an unknown value. */
VOS_CHECK enum vos_err pattern_compile(struct arena *arena, const char *text, slot_find_fn *find,
				       const void *context, struct pattern_seq *out);

struct pattern_state pattern_start(const struct pattern_seq *seq, int index);

typedef void pattern_expect_fn(void *context, const struct pattern_elem *elem,
			       const struct pattern_state *next);
/* Calls fn for each keyword and value that may follow; true when the pattern may end here. */
bool pattern_expect(const struct pattern_state *state, pattern_expect_fn *fn, void *context);
