/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes mdoc(7): lines of at most 78 bytes, a new line for each sentence, nothing that roff would
 * take for its own. */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>

#include "man/docgen/docgen.h"

#define LINE_BYTES 78
#define PAGE_DATE  "November 21, 2026"

void mdoc_head(const char *name, const char *description)
{
	printf(".\\\" SPDX-License-Identifier: GPL-2.0-or-later\n"
	       ".\\\" Printed by docgen from the catalogue and the grammar; not edited by hand.\n"
	       ".Dd " PAGE_DATE "\n.Dt ");
	for (const char *at = name; *at; at++)
		putchar(toupper((unsigned char)*at));
	printf(" 7\n.Os\n.Sh NAME\n.Nm %s\n.Nd %s\n", name, description);
}

static int put_escaped(const char *word, size_t len, bool is_first)
{
	int column = 0;

	if (is_first && (word[0] == '.' || word[0] == '\''))
		column += printf("\\&");
	for (size_t i = 0; i < len; i++)
		column += word[i] == '\\' ? printf("\\e") : printf("%c", word[i]);
	return column;
}

/* "..." and "SS_..." end no sentence. */
static bool ends_sentence(const char *word, size_t len)
{
	if (len < 2 || !strchr(".?!", word[len - 1]))
		return false;
	return word[len - 2] != '.';
}

void mdoc_text(const char *format, ...)
{
	char text[4096];
	int column = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, " ");

		if (column && column + 1 + (int)len > LINE_BYTES) {
			putchar('\n');
			column = 0;
		}
		if (column)
			column += printf(" ");
		column += put_escaped(at, len, column == 0);
		if (ends_sentence(at, len)) {
			putchar('\n');
			column = 0;
		}
		at += len;
		at += strspn(at, " ");
	}
	if (column)
		putchar('\n');
}

/* Two and three letters may be the name of a macro; \& takes that from them. */
void mdoc_words(const char *text)
{
	for (const char *at = text; *at;) {
		size_t len = strcspn(at, " ");

		if (at != text)
			putchar(' ');
		if (len <= 3 && isupper((unsigned char)at[0]))
			printf("\\&");
		if (strchr(".,:;()[]?!|", at[0]))
			printf("\\&");
		put_escaped(at, len, false);
		at += len;
		at += strspn(at, " ");
	}
}

void mdoc_row(const char *tag, const char *text)
{
	if (!text[0])
		return;
	printf(".It ");
	mdoc_words(tag);
	putchar('\n');
	mdoc_text("%s", text);
}
