/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docgen: prints one document. */
#include <stdio.h>

#include "man/docgen/docgen.h"

static const char usage[] = "usage: docgen parameters|commands|bash|zsh|screen|schema [NAME]\n"
			    "schema without a name prints the names\n";

static bool print_document(const struct grammar *grammar, const char *what, const char *name)
{
	if (strcmp(what, "parameters") == 0)
		docgen_parameters();
	else if (strcmp(what, "commands") == 0)
		return docgen_commands(grammar);
	else if (strcmp(what, "bash") == 0)
		return docgen_bash(grammar);
	else if (strcmp(what, "zsh") == 0)
		return docgen_zsh(grammar);
	else if (strcmp(what, "screen") == 0)
		docgen_screen();
	else if (strcmp(what, "schema") == 0 && name)
		return docgen_schema(name);
	else if (strcmp(what, "schema") == 0)
		docgen_schema_names();
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct grammar *grammar = grammar_create();
	bool is_done;

	if (!grammar || argc < 2 || argc > 3) {
		fputs(usage, stderr);
		grammar_destroy(grammar);
		return 2;
	}
	is_done = print_document(grammar, argv[1], argc == 3 ? argv[2] : NULL);
	if (!is_done)
		fprintf(stderr, "docgen: there is no %s\n%s", argv[argc - 1], usage);
	grammar_destroy(grammar);
	return is_done && fflush(stdout) == 0 ? 0 : 1;
}
