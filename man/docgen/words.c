/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may follow a line, as TAB and ? of the shell have it. */
#include <stdio.h>

#include "man/docgen/docgen.h"

static void take_word(void *context, const struct candidate *candidate)
{
	struct offers *offers = context;
	struct offer *offer = &offers->items[offers->count];

	if (offers->count == OFFERS_MAX || strcmp(candidate->word, "|") == 0)
		return;
	snprintf(offer->word, sizeof(offer->word), "%s", candidate->word);
	snprintf(offer->help, sizeof(offer->help), "%s", candidate->help);
	offers->count++;
}

static void take_value(void *context, const struct candidate *candidate)
{
	struct offers *offers = context;

	/* "{on|off}" is a choice of words, which are offered one by one; "{auto|<1..9>}" is not. */
	if (!candidate->word[0] && strchr(candidate->type, '<'))
		offers->has_value = true;
}

void offers_after(const struct grammar *grammar, const char *line, struct offers *out)
{
	const struct mode mode = {.kind = MODE_EXEC};
	char typed[256];

	snprintf(typed, sizeof(typed), "%s%s", line, line[0] ? " " : "");
	*out = (struct offers){0};
	grammar_help(grammar, &mode, ROLE_ADMIN, span_of(typed), take_value, out);
	grammar_complete(grammar, &mode, ROLE_ADMIN, span_of(typed), &out->completion, take_word,
			 out);
}

bool offers_have(const struct offers *offers, const char *word)
{
	for (int i = 0; i < offers->count; i++)
		if (strcmp(offers->items[i].word, word) == 0)
			return true;
	return false;
}
