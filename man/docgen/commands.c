/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vos-commands(7): every row of commands.def with what ? says about its words, by mode. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "man/docgen/docgen.h"

struct command {
	const char *pattern;
	const char *help;
};

static const struct command commands[] = {
#define COMMAND(id, pattern_, role, where, schema, help_) {pattern_, help_},
#include "shared/grammar/commands.def"
#undef COMMAND
};

#define ROW_COUNT ((int)(sizeof(commands) / sizeof(commands[0])))

struct word_help {
	const char *name;
	const char *help;
};

static const struct word_help values[] = {
#define WORD(...)
#define VALUE(name_, label, how, type, min, max, unit, words, source, help_) {name_, help_},
#include "shared/grammar/words.def"
#undef WORD
#undef VALUE
};

enum section { IN_EVERY_MODE, ONLY_EXEC, ONLY_CONFIG };

/* Marks, by row, which commands grammar_list() knows in a mode. */
struct listing {
	bool *marks;
};

static void mark(void *context, const struct candidate *candidate)
{
	struct listing *listing = context;

	for (int i = 0; i < ROW_COUNT; i++)
		if (strncmp(commands[i].pattern, candidate->word, sizeof(candidate->word) - 1) == 0)
			listing->marks[i] = true;
}

static enum section section_of(const bool *exec, const bool *config, int row)
{
	if (exec[row] && config[row])
		return IN_EVERY_MODE;
	return exec[row] ? ONLY_EXEC : ONLY_CONFIG;
}

/* One element of a pattern as mdoc; `word` is what stands between blanks and brackets. */
static void put_element(const char *word, size_t len, bool is_leading)
{
	if (word[0] == '<')
		printf(" Ar %.*s", (int)len - 2, word + 1);
	else
		printf(" %s %.*s", is_leading ? "Ic" : "Cm", (int)len, word);
}

static void put_pattern(const char *pattern)
{
	bool is_leading = true;

	printf(".It");
	for (const char *at = pattern; *at;) {
		size_t len = at[0] == '<' ? strcspn(at, ">") + 1 : strcspn(at, " []{}|<");

		if (len) {
			is_leading = is_leading && at[0] != '<';
			put_element(at, len, is_leading);
			at += len;
			continue;
		}
		is_leading = is_leading && at[0] == ' ';
		if (at[0] == '[' || at[0] == ']')
			printf(" %s", at[0] == '[' ? "Oo" : "Oc");
		else if (at[0] == '|')
			printf(" |");
		else if (at[0] != ' ')
			printf(" No %c", at[0]);
		at++;
	}
	putchar('\n');
}

/* The words of a pattern up to its first value, choice or option. */
static void leading_words(const char *pattern, char *out, size_t size)
{
	size_t len = strcspn(pattern, "[{<");

	snprintf(out, size, "%.*s", (int)len, pattern);
	while (len && len < size && out[len - 1] == ' ')
		out[--len] = 0;
}

static void put_option(void *context, const struct candidate *candidate)
{
	bool *is_open = context;
	const char *tag = candidate->word[0] ? candidate->word : candidate->type;

	if (strcmp(tag, "<cr>") == 0 || strcmp(tag, "|") == 0)
		return;
	/* Words of an enum speak for themselves and have no help of their own. */
	if (!candidate->help[0])
		return;
	if (!*is_open)
		printf(".Bl -tag -width \"media-proxy\" -compact -offset indent\n");
	*is_open = true;
	printf(".It %s", candidate->word[0] ? "Cm " : "");
	mdoc_words(tag);
	putchar('\n');
	mdoc_text("%s", candidate->help);
}

static void put_options(const struct grammar *grammar, const char *pattern, bool in_config)
{
	const struct mode mode = {.kind = in_config ? MODE_CONFIG : MODE_EXEC};
	bool is_open = false;
	char line[160];

	/* Behind `set` stands the whole configuration language. */
	if (strstr(pattern, "<line>"))
		return;
	leading_words(pattern, line, sizeof(line) - 1);
	strcat(line, " ");
	grammar_help(grammar, &mode, ROLE_ADMIN, span_of(line), put_option, &is_open);
	if (is_open)
		printf(".El\n");
}

static void put_command(const struct grammar *grammar, int row, bool in_config)
{
	static const char *const roles[] = {"monitor", "operator", "admin"};
	enum command_id id = (enum command_id)row;
	char help[256];

	put_pattern(commands[row].pattern);
	snprintf(help, sizeof(help), "%s", commands[row].help);
	help[0] = (char)toupper((unsigned char)help[0]);
	mdoc_text("%s. Role %s.%s", help, roles[command_role(id)],
		  command_is_local(id) ? " vosctl does it by itself." : "");
	if (command_schema(id))
		printf("JSON schema\n.Ql %s .\n", command_schema(id));
	put_options(grammar, commands[row].pattern, in_config);
}

static void put_section(const struct grammar *grammar, const bool *exec, const bool *config,
			enum section section)
{
	printf(".Bl -tag -width Ds\n");
	for (int row = 0; row < ROW_COUNT; row++)
		if (section_of(exec, config, row) == section)
			put_command(grammar, row, section == ONLY_CONFIG);
	printf(".El\n");
}

/* Rows of a mode that are no commands: places, objects, no, default, do. */
static void put_line(void *context, const struct candidate *candidate)
{
	(void)context;
	for (int i = 0; i < ROW_COUNT; i++)
		if (strncmp(commands[i].pattern, candidate->word, sizeof(candidate->word) - 1) == 0)
			return;
	if (candidate->param != PARAM_COUNT || !candidate->word[0])
		return;
	printf(".It Ic %s", candidate->word);
	if (candidate->type[0] == '<' && !strchr(candidate->type, ' ') &&
	    !strchr(candidate->type, '.'))
		printf(" Ar %.*s", (int)strlen(candidate->type) - 2, candidate->type + 1);
	putchar('\n');
	mdoc_text("%s", candidate->help);
}

static void put_configuration(const struct grammar *grammar)
{
	const struct mode mode = {.kind = MODE_CONFIG};

	printf(".Ss Lines of configuration\n");
	mdoc_text("These enter a mode, an object or a tab, or turn a line around:");
	printf(".Bl -tag -width Ds\n");
	grammar_list(grammar, &mode, ROLE_ADMIN, put_line, NULL);
	printf(".It Ar parameter Ar value\n");
	mdoc_text("In the mode of a tab, its parameters by keyword; everywhere, any parameter by "
		  "its name or alias, with or without = between.");
	printf(".It Ar field Ar value\n");
	mdoc_text("In the mode of an object, its fields.");
	printf(".El\n.Pp\nAll parameters, objects and fields are listed in\n"
	       ".Xr vos-parameters 7 .\n"
	       "The mode of a tab or an object also takes the lines of the modes above it in a\n"
	       "file.\n");
}

static void put_filter_argument(void *context, const struct candidate *candidate)
{
	char *type = context;

	if (!candidate->word[0] && !type[0])
		snprintf(type, sizeof(candidate->type), "%s", candidate->type);
}

static void put_filter(void *context, const struct candidate *candidate)
{
	const struct grammar *grammar = context;
	const struct mode mode = {.kind = MODE_EXEC};
	char type[sizeof(candidate->type)] = "";
	char line[256];

	snprintf(line, sizeof(line), "show version | %s ", candidate->word);
	grammar_help(grammar, &mode, ROLE_ADMIN, span_of(line), put_filter_argument, type);
	printf(".It Cm %s", candidate->word);
	if (type[0]) {
		putchar(' ');
		mdoc_words(type);
	}
	putchar('\n');
	mdoc_text("%s", candidate->help);
}

static void put_filters(const struct grammar *grammar)
{
	static const struct span line = SPAN_LIT("show version | ");
	const struct mode mode = {.kind = MODE_EXEC};

	printf(".Sh OUTPUT FILTERS\n");
	mdoc_text("Behind a command that prints, | and one of these, several in a row if need be:");
	printf(".Bl -tag -width Ds -compact\n");
	grammar_help(grammar, &mode, ROLE_ADMIN, line, put_filter, (void *)grammar);
	printf(".El\n");
}

static void put_values(void)
{
	printf(".Sh VALUES\n");
	mdoc_text("The values that the patterns name:");
	printf(".Bl -tag -width Ds -compact\n");
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		printf(".It Ar %s\n", values[i].name);
		mdoc_text("%s", values[i].help);
	}
	printf(".El\n");
}

static void put_description(void)
{
	printf(".Sh DESCRIPTION\n");
	mdoc_text("Words are keywords and may be abbreviated as long as they stay unique; names in "
		  "angle brackets or underlined are values; brackets hold what may be left out, "
		  "braces a choice. Options of a command come in any order, each once.");
	printf(".Pp\n");
	mdoc_text("The role is the least that may run a command: monitor looks, operator acts on "
		  "calls and registrations, admin configures. A command with a JSON schema prints "
		  "rows or an item of that shape; the schema files are installed below "
		  "share/switchd/schema, calls/1 as calls.json.");
}

bool docgen_commands(const struct grammar *grammar)
{
	struct listing exec = {calloc((size_t)ROW_COUNT, sizeof(bool))};
	struct listing config = {calloc((size_t)ROW_COUNT, sizeof(bool))};
	const struct mode exec_mode = {.kind = MODE_EXEC};
	const struct mode config_mode = {.kind = MODE_CONFIG};
	bool is_done = exec.marks && config.marks;

	if (is_done) {
		grammar_list(grammar, &exec_mode, ROLE_ADMIN, mark, &exec);
		grammar_list(grammar, &config_mode, ROLE_ADMIN, mark, &config);
		mdoc_head("vos-commands", "commands of the shell vosctl");
		put_description();
		printf(".Sh COMMANDS\n.Ss \\&In every mode\n");
		put_section(grammar, exec.marks, config.marks, IN_EVERY_MODE);
		printf(".Ss \\&In exec mode\n");
		put_section(grammar, exec.marks, config.marks, ONLY_EXEC);
		printf(".Ss \\&In configuration modes\n");
		put_section(grammar, exec.marks, config.marks, ONLY_CONFIG);
		put_configuration(grammar);
		put_filters(grammar);
		put_values();
		printf(".Sh SEE ALSO\n.Xr vosctl 1 ,\n.Xr vos-config 5 ,\n.Xr vos-control 7 ,\n"
		       ".Xr vos-parameters 7 ,\n.Xr switchd 8\n");
	}
	free(exec.marks);
	free(config.marks);
	return is_done;
}
