/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of commands.def and words.def as tables. */
#include "shared/grammar/grammar_private.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>

static const struct command_row command_rows[] = {
#define COMMAND(id, pattern_, role_, where_, schema_, help_) \
	[COMMAND_##id] = {pattern_, role_, where_, schema_, help_},
#include "shared/grammar/commands.def"
#undef COMMAND
};

#define ROW_COUNT (sizeof(command_rows) / sizeof(command_rows[0]))

static const char *const command_ids[COMMAND_COUNT] = {
#define COMMAND(id, ...) [COMMAND_##id] = #id,
#include "shared/grammar/commands.def"
#undef COMMAND
	[COMMAND_PARAM_SET] = "PARAM_SET",       [COMMAND_PARAM_RESET] = "PARAM_RESET",
	[COMMAND_OBJECT_ENTER] = "OBJECT_ENTER", [COMMAND_OBJECT_DELETE] = "OBJECT_DELETE",
	[COMMAND_FIELD_SET] = "FIELD_SET",       [COMMAND_FIELD_RESET] = "FIELD_RESET",
	[COMMAND_MODE_ENTER] = "MODE_ENTER",
};

#define COMMAND_NAME_MAX 48

/* Derived from command_ids once, read-only from then on. */
static char command_names[COMMAND_COUNT][COMMAND_NAME_MAX];
static pthread_once_t command_names_once = PTHREAD_ONCE_INIT;

static void fill_command_names(void)
{
	for (int id = 0; id < COMMAND_COUNT; id++) {
		const char *from = command_ids[id];
		size_t i = 0;

		for (; from[i] && i + 1 < COMMAND_NAME_MAX; i++)
			command_names[id][i] = from[i] == '_' ? '-' : (char)tolower(from[i]);
		command_names[id][i] = 0;
	}
}

const char *command_name(enum command_id id)
{
	pthread_once(&command_names_once, fill_command_names);
	return command_names[id];
}

const struct command_row *command_row(enum command_id id)
{
	return (size_t)id < ROW_COUNT ? &command_rows[id] : NULL;
}

enum role command_role(enum command_id id)
{
	const struct command_row *row = command_row(id);

	return row ? row->role : ROLE_ADMIN;
}

const char *command_schema(enum command_id id)
{
	const struct command_row *row = command_row(id);

	return row ? row->schema : NULL;
}

bool command_is_local(enum command_id id)
{
	const struct command_row *row = command_row(id);

	return row && (row->where & ON_CLIENT);
}

struct word_row {
	const char *path;
	const char *help;
};

static const struct word_row word_rows[] = {
#define WORD(path_, help_) {path_, help_},
#define VALUE(...)
#include "shared/grammar/words.def"
#undef WORD
#undef VALUE
};

static const char *word_row_help(const char *path)
{
	for (size_t i = 0; i < sizeof(word_rows) / sizeof(word_rows[0]); i++) {
		if (strcmp(word_rows[i].path, path) == 0)
			return word_rows[i].help;
	}
	return NULL;
}

const char *word_help(const char *path, const char *word)
{
	char full[160];
	const char *help = NULL;

	if (path[0]) {
		snprintf(full, sizeof(full), "%s %s", path, word);
		help = word_row_help(full);
	}
	return help ? help : word_row_help(word);
}

static const struct slot pipe_re = {
	.name = "re",
	.label = "regular expression",
	.spec = {.type = VALUE_STRING, .min = 1, .max = 1024, .unit = ""},
	.help = "extended regular expression"};
static const struct slot pipe_number = {
	.name = "last",
	.spec = {.type = VALUE_INT, .min = 1, .max = 1000000, .unit = ""},
	.help = "how many lines"};
static const struct slot pipe_file = {
	.name = "file",
	.label = "file",
	.spec = {.type = VALUE_STRING, .min = 1, .max = 1024, .unit = ""},
	.source = SOURCE_FILES,
	.help = "name of a file on this machine"};

const struct pipe_row pipe_rows[PIPE_KIND_COUNT] = {
	[PIPE_INCLUDE] = {"include", PIPE_ARG_RE, &pipe_re},
	[PIPE_EXCLUDE] = {"exclude", PIPE_ARG_RE, &pipe_re},
	[PIPE_BEGIN] = {"begin", PIPE_ARG_RE, &pipe_re},
	[PIPE_SECTION] = {"section", PIPE_ARG_RE, &pipe_re},
	[PIPE_COUNT_LINES] = {"count", PIPE_ARG_NONE, NULL},
	[PIPE_LAST] = {"last", PIPE_ARG_NUMBER, &pipe_number},
	[PIPE_NO_MORE] = {"no-more", PIPE_ARG_NONE, NULL},
	[PIPE_JSON] = {"json", PIPE_ARG_NONE, NULL},
	[PIPE_NDJSON] = {"ndjson", PIPE_ARG_NONE, NULL},
	[PIPE_CSV] = {"csv", PIPE_ARG_NONE, NULL},
	[PIPE_REDACT] = {"redact", PIPE_ARG_NONE, NULL},
	[PIPE_SAVE] = {"save", PIPE_ARG_FILE, &pipe_file},
};
