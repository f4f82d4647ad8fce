/* SPDX-License-Identifier: GPL-2.0-or-later */
/* docgen prints the documents that follow from the catalogue, the grammar and the declarations of
 * the show commands. What it prints is kept in the tree; a test says when that is out of date. */
#pragma once

#include "shared/grammar/grammar.h"

/* Each prints one document to standard output; false when out of memory. */
void docgen_parameters(void);
bool docgen_commands(const struct grammar *grammar);
bool docgen_bash(const struct grammar *grammar);
bool docgen_zsh(const struct grammar *grammar);
/* A VOS3000 screen: every parameter that has a default, with it. */
void docgen_screen(void);
/* The names of all schemas, one a line. */
void docgen_schema_names(void);
/* False when there is no such schema. */
bool docgen_schema(const char *name);

/* --- mdoc.c --- */
/* Head of a page of section 7, to the end of its NAME. name is in lower case. */
void mdoc_head(const char *name, const char *description);
/* Running text, broken into lines and escaped; each call starts a new line. */
void mdoc_text(const char *format, ...) VOS_PRINTF(1, 2);
/* A word or several as arguments of a macro: escaped, on the present line. */
void mdoc_words(const char *text);
/* ".It tag" and a line of text below it. Nothing for an empty text. */
void mdoc_row(const char *tag, const char *text);

/* --- words.c --- */
#define OFFERS_MAX 256

struct offer {
	char word[192];
	char help[160];
};

/* What may follow a line. */
struct offers {
	struct offer items[OFFERS_MAX];
	int count;
	bool has_value; /* a value that has no list of words may stand there */
	struct completion completion;
};

/* With everything that is offered for the empty word behind the line; "" is the beginning. */
void offers_after(const struct grammar *grammar, const char *line, struct offers *out);
bool offers_have(const struct offers *offers, const char *word);

/* --- table.c: the completion of vosctl as a table --- */
struct table_row {
	char line[128]; /* words typed before; "*" stands for any value */
	struct offers offers;
	char source[48]; /* "@phones", "@keys:phone", ...; "@" any value; "" for none */
	bool is_last;    /* nothing follows the word that comes here */
	bool is_values;  /* the offers are values, no keywords */
	bool is_printed;
};

#define TABLE_ROWS_MAX 2048

struct table {
	struct table_row *rows[TABLE_ROWS_MAX];
	int count;
	bool failed;
};

void table_build(const struct grammar *grammar, struct table *out);
void table_free(struct table *table);
/* Both rows offer the same. */
bool table_rows_equal(const struct table_row *a, const struct table_row *b);
