/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shell's language: one library parses a line in vosctl (help, TAB, caret) and in switchd (the
 * authority). Commands are rows of commands.def, help of keywords rows of words.def; parameters,
 * objects and fields are grafted in from the catalogue.
 *
 * A grammar is immutable after grammar_create() and may be shared by threads. */
#pragma once

#include "shared/catalog/catalog.h"

enum role { ROLE_MONITOR, ROLE_OPERATOR, ROLE_ADMIN };

/* Where a line is typed. Text form, as in the protocol and prompt: "exec", "config",
 * "config-softswitch-management", "config-additional-settings", "config-sip-parameter",
 * "config-routing-gateway:carrier-a". */
enum mode_kind {
	MODE_EXEC,
	MODE_CONFIG,
	MODE_SOFTSWITCH_MANAGEMENT,
	MODE_ADDITIONAL_SETTINGS,
	MODE_TAB,    /* with tab */
	MODE_OBJECT, /* with object kind and key */
};

#define MODE_KEY_MAX 128

struct mode {
	enum mode_kind kind;
	enum param_tab tab;
	enum object_kind object;
	char key[MODE_KEY_MAX];
};

bool mode_parse(struct span text, struct mode *out);
char *mode_print(const struct mode *mode, char out[MODE_KEY_MAX + 48]);
/* One mode up; exec stays exec. */
struct mode mode_parent(const struct mode *mode);

/* COMMAND_SHOW_CALLS, ...: one a row of commands.def; the last ones stand for what is grafted in:
 * COMMAND_PARAM_SET / _RESET, COMMAND_OBJECT_ENTER / _DELETE, COMMAND_FIELD_SET / _RESET,
 * COMMAND_MODE_ENTER (a path such as "softswitch-management additional-settings sip-parameter"). */
enum command_id {
#define COMMAND(id, ...) COMMAND_##id,
#include "shared/grammar/commands.def"
#undef COMMAND
	COMMAND_PARAM_SET,
	COMMAND_PARAM_RESET,
	COMMAND_OBJECT_ENTER,
	COMMAND_OBJECT_DELETE,
	COMMAND_FIELD_SET,
	COMMAND_FIELD_RESET,
	COMMAND_MODE_ENTER,
	COMMAND_COUNT
};

/* Stable word of a command ("show-calls"), for audit, JSON schema names and man pages. */
const char *command_name(enum command_id id);
enum role command_role(enum command_id id);
/* Schema of its rows ("calls/1"), NULL when it prints none. */
const char *command_schema(enum command_id id);
/* vosctl carries it out by itself when interactive; switchd only says ok. */
bool command_is_local(enum command_id id);

#define MATCH_ARGS_MAX   24
#define MATCH_PIPES_MAX  8
#define GRAMMAR_LINE_MAX 4096

/* A captured word: <phone>, <id>, "brief". Flags (plain optional keywords) are captured under their
 * own name with their full text. */
struct match_arg {
	const char *name; /* "phone"; static text of the grammar */
	struct span text; /* unquoted; points into match->storage */
	int column;       /* 1-based, of the word in the line */
	bool is_secret;
};

enum pipe_kind {
	PIPE_INCLUDE,
	PIPE_EXCLUDE,
	PIPE_BEGIN,
	PIPE_SECTION,
	PIPE_COUNT_LINES,
	PIPE_LAST,
	PIPE_NO_MORE,
	PIPE_JSON,
	PIPE_NDJSON,
	PIPE_CSV,
	PIPE_REDACT,
	PIPE_SAVE
};

struct match_pipe {
	enum pipe_kind kind;
	struct span text; /* RE, number or file name */
	bool append;      /* save FILE append */
};

struct match {
	enum command_id command;
	/* COMMAND_SET: what the configuration line after `set` does (PARAM_SET, FIELD_SET,
	 * OBJECT_ENTER,
	 * ...), with the fields below filled in as for that command; else the same as command. */
	enum command_id inner;
	struct match_arg args[MATCH_ARGS_MAX];
	int arg_count;
	struct match_pipe pipes[MATCH_PIPES_MAX];
	int pipe_count;
	/* What the grafted commands name. PARAM_SET: param and value; FIELD_*: object, key (of the
	 * mode, or of the line when given in one line: "phone 1001 password x"), field, value;
	 * MODE_ENTER: target. */
	enum param_id param;
	enum object_kind object;
	char key[MODE_KEY_MAX];
	enum field_id field;
	struct span
		value_text;   /* empty for a reset of the whole; without plain|sealed of a secret */
	bool has_value;       /* FIELD_RESET: only value_text goes from the list */
	bool has_secret;      /* the line holds a secret: show and store full_line, not the line */
	bool value_is_sealed; /* a secret given as "sealed v1:..." */
	int value_column;
	struct mode target;      /* mode after the command; differs from the present one only for
				  * MODE_ENTER,      OBJECT_ENTER, CONFIGURE, EXIT and END */
	bool is_abbreviated;     /* some word was not written in full */
	struct span abbreviated; /* the first such word, and its full form */
	const char *full_form;
	char full_line[GRAMMAR_LINE_MAX + 512]; /* the line with every keyword in full and secrets
						   masked: audit, history */
	char storage[2 * GRAMMAR_LINE_MAX +
		     64]; /* what the spans point into, so a match is not copied */
};

struct grammar;

struct grammar *grammar_create(void); /* NULL: out of memory */
void grammar_destroy(struct grammar *grammar);
/* Hash of the whole language; vosctl says so when the daemon's differs. */
const char *grammar_hash(const struct grammar *grammar);

/* Blank or comment line: VOS_ENOENT with fault->code FAULT_NONE. Any fault has the column, and for
 * an ambiguous word the candidates in its text; unknown words get one suggestion. "do CMD" and
 * "show ..." in a config mode match the exec command. Values are only checked for their own type
 * and range here. Columns count bytes. A quoted word is always a value, never a keyword. */
VOS_CHECK enum vos_err grammar_match(const struct grammar *grammar, const struct mode *mode,
				     struct span line, struct match *out, struct vos_fault *fault);
/* NULL when the argument was not given. */
const struct match_arg *match_arg(const struct match *match, const char *name);
/* Text of the argument or "" (NUL-terminated). */
const char *match_text(const struct match *match, const char *name);

/* One line of ?, one candidate of TAB. */
struct candidate {
	char word[192]; /* what would be typed: keyword, enum word; "<cr>" when the line may end
			 * here;
			 * "" for a value of which only the type is known */
	char type[96];  /* "<10..86400 s>", "" for a plain keyword */
	char help[160];
	char standard[96];   /* default, "" when there is none */
	char current[96];    /* filled by the caller that knows the configuration */
	enum param_id param; /* PARAM_COUNT when it is none */
	enum field_id field; /* FIELD_COUNT when it is none */
};

/* A value slot whose candidates only switchd knows. */
enum value_source {
	SOURCE_NONE,
	SOURCE_PHONES,
	SOURCE_MAPPING_GATEWAYS,
	SOURCE_ROUTING_GATEWAYS,
	SOURCE_GATEWAYS, /* of either kind */
	SOURCE_GATEWAY_GROUPS,
	SOURCE_NUMBER_GROUPS,
	SOURCE_CALLS,
	SOURCE_ALARMS,
	SOURCE_GENERATIONS,
	SOURCE_REGISTRATIONS,
	SOURCE_OBJECT_KEYS,
	SOURCE_PARAMETERS,
	SOURCE_FILES,
	SOURCE_BACKUPS,
	SOURCE_OUTBOUND, /* registrations of ours elsewhere */
};

typedef void candidate_fn(void *context, const struct candidate *candidate);

struct completion {
	struct span word;         /* the word being completed (may be empty), inside the line */
	enum value_source source; /* values to ask the daemon for, besides the static candidates */
	enum object_kind object;  /* SOURCE_OBJECT_KEYS */
};

/* Candidates for the word at the end of the line (the part before the cursor). */
void grammar_complete(const struct grammar *grammar, const struct mode *mode, enum role role,
		      struct span line, struct completion *out, candidate_fn *fn, void *context);
/* The same with help texts: what ? prints. "word?" lists words with that prefix, "word ?" what
 * follows. */
void grammar_help(const struct grammar *grammar, const struct mode *mode, enum role role,
		  struct span line, candidate_fn *fn, void *context);
/* All commands of a mode with pattern and help, for `help` and the man page generator. */
void grammar_list(const struct grammar *grammar, const struct mode *mode, enum role role,
		  candidate_fn *fn, void *context);
