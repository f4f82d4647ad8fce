/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Completion of vosctl's command line for bash and zsh. Both walk the same table; values of the
 * switch are asked for with a time limit, and left out when it does not answer in time. */
#include <stdio.h>
#include <stdlib.h>

#include "man/docgen/docgen.h"

struct option_row {
	const char *name;
	const char *argument; /* "" none, "file", "seconds", "command", "text" */
	const char *help;
	bool is_of_apply;
};

static const struct option_row options[] = {
	{"-s", "file", "control socket", false},
	{"-j", "", "one JSON document", false},
	{"-J", "", "one JSON object a line", false},
	{"-t", "seconds", "longest time for a command", false},
	{"-q", "", "no warnings", false},
	{"-y", "", "answer questions with yes", false},
	{"-c", "command", "run a command", false},
	{"-f", "file", "run the commands of a file", false},
	{"--keep-going", "", "go on after a command that fails", false},
	{"--version", "", "print the version", false},
	{"--help", "", "print a summary", false},
	{"--replace", "", "the file is the whole configuration", true},
	{"--check", "", "check only", true},
	{"--diff", "", "print what would change", true},
	{"--confirm", "minutes", "go back unless confirmed in time", true},
	{"--comment", "text", "comment of the commit", true},
};

#define OPTION_COUNT ((int)(sizeof(options) / sizeof(options[0])))

static const char apply_help[] = "apply a configuration file";

static void put_options(bool is_of_apply)
{
	const char *blank = "";

	for (int i = 0; i < OPTION_COUNT; i++) {
		if (options[i].is_of_apply != is_of_apply)
			continue;
		printf("%s%s", blank, options[i].name);
		blank = " ";
	}
}

static void put_patterns(const struct table *table, int first)
{
	int column = printf("\t'%s'", table->rows[first]->line);

	for (int i = first + 1; i < table->count; i++) {
		struct table_row *row = table->rows[i];

		if (row->is_printed || !table_rows_equal(table->rows[first], row))
			continue;
		row->is_printed = true;
		if (column > 70) {
			printf(" | \\\n\t\t");
			column = 16;
		} else {
			column += printf(" | ");
		}
		column += printf("'%s'", row->line);
	}
	printf(")\n");
}

static void put_bash_row(const struct table_row *row)
{
	const char *blank = "";

	printf("\t\tnext='%s", row->is_values && row->offers.count ? "@ " : "");
	for (int i = 0; i < row->offers.count; i++, blank = " ")
		printf("%s%s", blank, row->offers.items[i].word);
	if (!row->line[0])
		printf(" apply");
	if (row->source[0]) {
		printf("%s%s", blank, row->source);
		blank = " ";
	}
	printf("%s'\n\t\t;;\n", row->is_last ? " !" : "");
}

static void put_zsh_text(const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			printf("'\\'");
		if (*text == ':' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
}

static void put_zsh_row(const struct table_row *row)
{
	printf("\t\tnext=(%s", row->is_values && row->offers.count ? "'@' " : "");
	for (int i = 0; i < row->offers.count; i++) {
		printf("%s'%s:", i ? "\n\t\t\t" : "", row->offers.items[i].word);
		put_zsh_text(row->offers.items[i].help);
		putchar('\'');
	}
	if (!row->line[0])
		printf("\n\t\t\t'apply:%s'", apply_help);
	if (row->source[0])
		printf(" '%s'", row->source);
	printf("%s)\n\t\t;;\n", row->is_last ? " '!'" : "");
}

static bool put_table(const struct grammar *grammar, void (*put_row)(const struct table_row *))
{
	struct table *table = calloc(1, sizeof(*table));
	bool is_done = false;

	if (!table)
		return false;
	table_build(grammar, table);
	for (int i = 0; i < table->count; i++) {
		if (table->rows[i]->is_printed)
			continue;
		put_patterns(table, i);
		put_row(table->rows[i]);
	}
	is_done = !table->failed;
	table_free(table);
	free(table);
	return is_done;
}

static void put_names(const char *separator)
{
	for (int id = 0; id < PARAM_COUNT; id++)
		printf("%s%s", id ? separator : "", param_get((enum param_id)id)->name);
}

static void put_head(const char *shell)
{
	printf("# SPDX-License-Identifier: GPL-2.0-or-later\n"
	       "# Completion of vosctl's command line for %s, printed by docgen from the grammar; "
	       "not\n"
	       "# edited by hand.\n"
	       "#\n"
	       "# _vosctl_next sets `next` to what may follow the words of a command, \"*\" being "
	       "any\n"
	       "# value: words; @ and where values come from; ! when the line ends with that "
	       "word.\n\n",
	       shell);
}

static const char bash_walk[] =
	"\n"
	"# Sets next for the words given.\n"
	"_vosctl_walk()\n"
	"{\n"
	"\tlocal path='' base='' word\n"
	"\n"
	"\t_vosctl_next ''\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tif [[ \" $next \" == *' ! '* ]]; then\n"
	"\t\t\tnext=''\n"
	"\t\t\treturn\n"
	"\t\telif _vosctl_next \"${path:+$path }$word\"; then\n"
	"\t\t\tpath=${path:+$path }$word\n"
	"\t\telif _vosctl_next \"$path *\"; then\n"
	"\t\t\tpath=\"$path *\"\n"
	"\t\telif _vosctl_next \"${base:+$base }$word\"; then\n"
	"\t\t\tpath=${base:+$base }$word\n"
	"\t\telif [[ $base && ( $next == *@* || \" $next \" == *\" $word \"* ) ]]; then\n"
	"\t\t\tpath=$base\n"
	"\t\telse\n"
	"\t\t\tnext=''\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\t_vosctl_next \"$path\"\n"
	"\t\t[[ $next == '@'* ]] || base=$path\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# What the switch says in 100 ms, or nothing.\n"
	"_vosctl_ask()\n"
	"{\n"
	"\tlocal answer\n"
	"\n"
	"\tanswer=$(\"${COMP_WORDS[0]}\" ${socket:+-s \"$socket\"} -q -t 0.1 \"$1\" 2>/dev/null) "
	"||\n"
	"\t\treturn\n"
	"\tprintf '%s\\n' \"$answer\"\n"
	"}\n"
	"\n"
	"_vosctl_values()\n"
	"{\n"
	"\tcase $1 in\n"
	"\t@keys:*) _vosctl_ask \"show running-config ${1#@keys:} | include ^${1#@keys:}\" |\n"
	"\t\tcut -d' ' -f2 ;;\n"
	"\t@generations) _vosctl_ask 'show configuration history | csv' | tail -n +2 | cut -d, -f1 "
	";;\n"
	"\t@gateways) _vosctl_ask 'show mapping-gateways | csv' | tail -n +2 | cut -d, -f1\n"
	"\t\t_vosctl_ask 'show routing-gateways | csv' | tail -n +2 | cut -d, -f1 ;;\n"
	"\t@backups) _vosctl_ask 'backup list | csv' | tail -n +2 | cut -d, -f1 ;;\n"
	"\t@?*) _vosctl_ask \"show ${1#@} | csv\" | tail -n +2 | cut -d, -f1 ;;\n"
	"\tesac\n"
	"}\n"
	"\n";

static const char bash_main[] =
	"_vosctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} socket='' next='' word i=1\n"
	"\tlocal -a words=()\n"
	"\n"
	"\tCOMPREPLY=()\n"
	"\tfor (( ; i < COMP_CWORD; i++ )); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\t[[ $word == -s ]] && socket=${COMP_WORDS[i + 1]}\n"
	"\t\tcase $word in\n"
	"\t\t-[sf])\n"
	"\t\t\t(( ++i == COMP_CWORD )) && mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") && "
	"return\n"
	"\t\t\t;;\n"
	"\t\t-[tc]) (( ++i == COMP_CWORD )) && return ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) break ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\twords=(\"${COMP_WORDS[@]:i:COMP_CWORD - i}\")\n"
	"\tif [[ ${words[0]} == apply ]]; then\n"
	"\t\tcase ${COMP_WORDS[COMP_CWORD - 1]} in\n"
	"\t\t--comment | --confirm) return ;;\n"
	"\t\tesac\n"
	"\t\tif [[ $cur == -* ]]; then\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -W \"$_vosctl_apply_options\" -- \"$cur\")\n"
	"\t\telse\n"
	"\t\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
	"\t\tfi\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tif (( ${#words[@]} == 0 )) && [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \"$_vosctl_options\" -- \"$cur\")\n"
	"\t\treturn\n"
	"\tfi\n"
	"\t_vosctl_walk \"${words[@]}\"\n"
	"\twords=()\n"
	"\tfor word in $next; do\n"
	"\t\tcase $word in\n"
	"\t\t'!') ;;\n"
	"\t\t# Nobody needs all names beside the keywords.\n"
	"\t\t@names) [[ $cur == [A-Z]* || $next == @* ]] && words+=($_vosctl_names) ;;\n"
	"\t\t@files) mapfile -t -O \"${#words[@]}\" words < <(compgen -f -- \"$cur\") ;;\n"
	"\t\t@*) mapfile -t -O \"${#words[@]}\" words < <(_vosctl_values \"$word\") ;;\n"
	"\t\t*) words+=(\"$word\") ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\tmapfile -t COMPREPLY < <(compgen -W \"${words[*]}\" -- \"$cur\")\n"
	"}\n"
	"\n"
	"complete -F _vosctl vosctl\n";

bool docgen_bash(const struct grammar *grammar)
{
	bool is_done;

	printf("# shellcheck shell=bash disable=SC2206\n");
	put_head("bash");
	printf("_vosctl_options='");
	put_options(false);
	printf("'\n_vosctl_apply_options='");
	put_options(true);
	printf("'\n_vosctl_names='");
	put_names("\n");
	printf("'\n\n_vosctl_next()\n{\n\tcase \"$1\" in\n");
	is_done = put_table(grammar, put_bash_row);
	printf("\t*) return 1 ;;\n\tesac\n}\n");
	fputs(bash_walk, stdout);
	fputs(bash_main, stdout);
	return is_done;
}

static const char zsh_walk[] =
	"\n"
	"_vosctl_walk()\n"
	"{\n"
	"\tlocal at='' base='' word\n"
	"\n"
	"\t_vosctl_next ''\n"
	"\tfor word in \"$@\"; do\n"
	"\t\tif (( ${next[(Ie)!]} )); then\n"
	"\t\t\tnext=()\n"
	"\t\t\treturn\n"
	"\t\telif _vosctl_next \"${at:+$at }$word\"; then\n"
	"\t\t\tat=\"${at:+$at }$word\"\n"
	"\t\telif _vosctl_next \"$at *\"; then\n"
	"\t\t\tat=\"$at *\"\n"
	"\t\telif _vosctl_next \"${base:+$base }$word\"; then\n"
	"\t\t\tat=\"${base:+$base }$word\"\n"
	"\t\telif [[ -n $base ]] && (( ${next[(I)@*]} || ${next[(I)${word}:*]} )); then\n"
	"\t\t\tat=$base\n"
	"\t\telse\n"
	"\t\t\tnext=()\n"
	"\t\t\treturn\n"
	"\t\tfi\n"
	"\t\t_vosctl_next \"$at\"\n"
	"\t\t[[ $next[1] == '@'* ]] || base=$at\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# What the switch says in 100 ms, or nothing.\n"
	"_vosctl_ask()\n"
	"{\n"
	"\tlocal answer\n"
	"\tlocal -a at\n"
	"\n"
	"\t(( ${+opt_args[-s]} )) && at=(-s \"${opt_args[-s]}\")\n"
	"\tanswer=$(\"${service:-vosctl}\" $at -q -t 0.1 \"$1\" 2>/dev/null) || return\n"
	"\tprint -r -- \"$answer\"\n"
	"}\n"
	"\n"
	"_vosctl_values()\n"
	"{\n"
	"\tcase $1 in\n"
	"\t(@keys:*) _vosctl_ask \"show running-config ${1#@keys:} | include ^${1#@keys:}\" |\n"
	"\t\tcut -d' ' -f2 ;;\n"
	"\t(@generations) _vosctl_ask 'show configuration history | csv' | tail -n +2 | cut -d, "
	"-f1 ;;\n"
	"\t(@gateways) _vosctl_ask 'show mapping-gateways | csv' | tail -n +2 | cut -d, -f1\n"
	"\t\t_vosctl_ask 'show routing-gateways | csv' | tail -n +2 | cut -d, -f1 ;;\n"
	"\t(@backups) _vosctl_ask 'backup list | csv' | tail -n +2 | cut -d, -f1 ;;\n"
	"\t(@?*) _vosctl_ask \"show ${1#@} | csv\" | tail -n +2 | cut -d, -f1 ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_vosctl_command()\n"
	"{\n"
	"\tlocal word\n"
	"\tlocal -a next offers values\n"
	"\n"
	"\t_vosctl_walk \"${(@)words[1,CURRENT-1]}\"\n"
	"\tfor word in $next; do\n"
	"\t\tcase $word in\n"
	"\t\t('!') ;;\n"
	"\t\t(@names) [[ $PREFIX == [A-Z]* || $next[1] == @* ]] && values+=($_vosctl_names) ;;\n"
	"\t\t(@files) _files ;;\n"
	"\t\t(@*) values+=(${(f)\"$(_vosctl_values $word)\"}) ;;\n"
	"\t\t(*) offers+=($word) ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\t(( $#offers )) && _describe word offers\n"
	"\t(( $#values )) && compadd -a values\n"
	"}\n"
	"\n"
	"_vosctl_line()\n"
	"{\n";

static void put_zsh_options(bool is_of_apply)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *option = &options[i];

		if (option->is_of_apply != is_of_apply)
			continue;
		printf("\t\t\t'%s[%s]", option->name, option->help);
		if (option->argument[0])
			printf(":%s:%s", option->argument,
			       strcmp(option->argument, "file") == 0 ? "_files" : "");
		printf("' \\\n");
	}
}

bool docgen_zsh(const struct grammar *grammar)
{
	bool is_done;

	printf("#compdef vosctl\n");
	put_head("zsh");
	printf("typeset -ga _vosctl_names=(");
	put_names("\n\t");
	printf(")\n\n_vosctl_next()\n{\n\tcase \"$1\" in\n");
	is_done = put_table(grammar, put_zsh_row);
	printf("\t*) return 1 ;;\n\tesac\n}\n");
	fputs(zsh_walk, stdout);
	printf("\tif [[ $words[1] == apply ]] && (( CURRENT > 1 )); then\n\t\t_arguments \\\n");
	put_zsh_options(true);
	printf("\t\t\t'1:file:_files'\n\telse\n\t\t_vosctl_command\n\tfi\n}\n\n"
	       "_vosctl()\n{\n\tlocal curcontext=$curcontext state line\n"
	       "\ttypeset -A opt_args\n\n\t_arguments -C \\\n");
	put_zsh_options(false);
	printf("\t\t\t'*::command:_vosctl_line'\n}\n\n_vosctl \"$@\"\n");
	return is_done;
}
