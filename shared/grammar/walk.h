/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A walk through the grammar, word by word: where a line stands, what may come next, and one step
 * on.
 *
 * Matching, TAB and ? are the same walk: walk_expect lists the choices, walk_step takes the next
 * word. */
#pragma once

#include "shared/grammar/grammar_private.h"
#include "shared/grammar/token.h"

enum choice_kind {
	CHOICE_NODE, /* keyword of the command tree */
	CHOICE_ELEM, /* keyword or value of a pattern */
	CHOICE_DO,
	CHOICE_NO,
	CHOICE_DEFAULT,
	CHOICE_PLACE,      /* softswitch-management, ..., a tab */
	CHOICE_PARAM,      /* by keyword */
	CHOICE_PARAM_NAME, /* by SS_ name or alias; not listed, see has_names */
	CHOICE_OBJECT,
	CHOICE_KEY,
	CHOICE_FIELD,
	CHOICE_VALUE,
	CHOICE_PLAIN, /* "plain" before a secret */
	CHOICE_SEALED,
	CHOICE_PIPE, /* the | itself */
	CHOICE_PIPE_KIND,
	CHOICE_PIPE_TEXT,
	CHOICE_PIPE_APPEND,
};

struct choice {
	enum choice_kind kind;
	const char *word; /* keyword or word of an enum; NULL: any text that fits spec */
	const char *help;
	int id;  /* of param, object, field, pipe kind; mode kind of a place */
	int tab; /* CHOICE_PLACE with MODE_TAB */
	const struct value_spec *spec; /* of a value, also of one listed word by word */
	const char *label; /* for a value: what ? prints in angle brackets, NULL: the spec */
	enum value_source source;
	const struct tree_node *node;    /* CHOICE_NODE */
	const struct pattern_elem *elem; /* CHOICE_ELEM */
	struct pattern_state next;       /* CHOICE_ELEM */
};

#define CHOICES_MAX 192

struct choices {
	struct choice items[CHOICES_MAX];
	int count;
	bool can_end;
	bool has_names; /* parameters by SS_ name fit here too */
	bool is_acting; /* of a command that acts: no prefix where a free text fits too */
};

enum walk_phase {
	PHASE_LINE, /* first word, or behind no, default, do, set */
	PHASE_TREE, /* behind keywords of the tree */
	PHASE_PATTERN,
	PHASE_PLACE, /* behind words of a path */
	PHASE_KEY,
	PHASE_FIELD, /* behind the key: a field, or the end */
	PHASE_VALUE,
	PHASE_SECRET, /* behind plain or sealed */
	PHASE_PIPE_KIND,
	PHASE_PIPE_TEXT,
	PHASE_PIPE_APPEND,
	PHASE_DONE, /* nothing but a pipe may follow */
};

enum walk_verb { VERB_SET, VERB_NO, VERB_DEFAULT };

struct walk {
	const struct grammar *grammar;
	const struct mode *mode; /* where the line is typed */
	struct span line;
	size_t pos; /* behind the last word taken */
	struct match *match;
	struct buf storage; /* over match->storage */
	struct buf full;    /* over match->full_line */
	enum walk_phase phase;
	enum walk_verb verb;
	bool is_do;
	bool is_set;   /* behind exec's `set` */
	bool is_named; /* the parameter was given by its SS_ name */
	bool is_open;  /* the line is still being typed: an end of it says nothing */
	bool may_pipe;
	bool is_secret;    /* the rest of the line must not be shown */
	struct mode place; /* where the words stand: the mode, or what a path names */
	const struct tree_node *node;
	struct pattern_state pattern;
	const struct value_spec *spec;
	const char *label; /* of the value, for faults */
	enum pipe_kind pipe;
};

/* match and fault must outlive the walk. */
void walk_start(struct walk *walk, const struct grammar *grammar, const struct mode *mode,
		struct span line, struct match *match);
void walk_expect(const struct walk *walk, struct choices *out);
/* The next word: VOS_OK taken, VOS_ENOENT end of the line, else a fault. */
VOS_CHECK enum vos_err walk_step(struct walk *walk, struct choices *scratch,
				 struct vos_fault *fault);
/* Takes the word as the choice says. */
VOS_CHECK enum vos_err walk_take(struct walk *walk, const struct choice *choice,
				 const struct token *token, struct span text,
				 struct vos_fault *fault);

/* Takes the complete words of a line that is still being typed; the word at its end, which may be
 * empty, goes to *word, and what may stand there to choices. False when an earlier word is wrong.
 */
bool walk_to_cursor(struct walk *walk, struct choices *choices, struct span *word);
/* The keyword may not be abbreviated. */
bool choice_is_full_only(const struct choice *choice);
/* "<number>", "<10..86400 s>", "{on|off}": how ? shows a value. Cut with "..." when it does not
 * fit. */
void choice_type(const struct choice *choice, char *out, size_t size);

/* Faults about words (fault.c). */
void fault_unknown(struct vos_fault *fault, const struct choices *choices, const struct walk *walk,
		   const struct token *token);
void fault_ambiguous(struct vos_fault *fault, const struct choices *choices,
		     const struct token *token);
void fault_incomplete(struct vos_fault *fault, const struct choices *choices, int column);
