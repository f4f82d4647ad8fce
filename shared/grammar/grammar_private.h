/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of a grammar: the tree of command words, the values, and the rows of commands.def. */
#pragma once

#include "shared/base/arena.h"
#include "shared/grammar/grammar.h"
#include "shared/grammar/pattern.h"

enum command_where {
	IN_EXEC = 1,
	IN_CONFIG = 2,
	IN_ANY = IN_EXEC | IN_CONFIG,
	BY_DO = 4, /* computed: in exec, and not NOT_BY_DO */
	NOT_BY_DO = 8,
	ON_CLIENT = 16,
	IN_FULL = 32,
};

/* A row of commands.def. */
struct command_row {
	const char *pattern;
	enum role role;
	unsigned where;
	const char *schema;
	const char *help;
};

/* NULL for the grafted commands, which have no row. */
const struct command_row *command_row(enum command_id id);
/* Help of a keyword behind the words of `path` (may be empty); NULL when words.def has none. */
const char *word_help(const char *path, const char *word);

/* A keyword at the beginning of commands; the part of a pattern behind its leading keywords hangs
 * on the last of them. */
struct tree_node {
	const char *word;
	const char *help;
	struct tree_node *children; /* first child */
	struct tree_node *next;     /* sibling, in the order of commands.def */
	enum role role;             /* least role among the commands below */
	unsigned where;             /* enum command_where, of all commands below */
	bool is_full_only;          /* may not be abbreviated */
	int command;            /* enum command_id of a command whose keywords end here, else -1 */
	unsigned command_where; /* of that command alone */
	const struct pattern_seq *pattern; /* of that command */
	int pattern_index;                 /* first element behind the keywords */
};

#define GRAMMAR_HASH_TEXT 20

struct grammar {
	struct arena arena;
	struct tree_node root;
	struct slot *slots;
	int slot_count;
	const char **tab_words;
	const char **section_words;
	char hash[GRAMMAR_HASH_TEXT];
};

/* Builds the tree of all rows; VOS_EINVAL when a row is malformed. */
VOS_CHECK enum vos_err tree_build(struct grammar *grammar);

enum pipe_argument { PIPE_ARG_NONE, PIPE_ARG_RE, PIPE_ARG_NUMBER, PIPE_ARG_FILE };

struct pipe_row {
	const char *word;
	enum pipe_argument argument;
	const struct slot *slot; /* NULL for PIPE_ARG_NONE */
};

#define PIPE_KIND_COUNT (PIPE_SAVE + 1)
extern const struct pipe_row pipe_rows[PIPE_KIND_COUNT];
