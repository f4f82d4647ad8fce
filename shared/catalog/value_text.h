/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words and texts as value.c and value_print.c both see them. Private to the catalogue. */
#pragma once

#include "shared/catalog/value.h"

/* "10..86400 s", "auto|on|off|must-on", ...: what a fault says is allowed. */
void value_print_allowed(const struct value_spec *spec, struct buf *out);
/* At most max bytes of the text, whole characters, with "?" for what cannot be shown. */
void value_print_excerpt(struct span text, size_t max, struct buf *out);
/* Case and the choice of blank, "-" or "_" do not count. */
bool value_words_equal(struct span a, struct span b);
/* One of "a|b|c" (NULL: none). */
bool value_is_alias(const char *aliases, struct span text);
/* UTF-8 without control characters. */
bool value_text_is_clean(struct span text);
