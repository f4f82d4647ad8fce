/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words of a line. The same rules hold for what is typed, for files and for arguments of vosctl.
 *
 * Words are split at blanks and tabs. A word that starts with a double quote goes to the closing
 * one and takes \" \\ \n and \xNN; a quote inside a word is an ordinary character. A | at the start
 * of a word is a word of its own. Columns count bytes, from 1. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

struct token {
	struct span raw; /* with its quotes, inside the line */
	int column;
	bool is_quoted;
	bool is_closed; /* the closing quote is there; true for plain words */
};

/* Refuses lines over GRAMMAR_LINE_MAX, control characters and what is not UTF-8. */
VOS_CHECK enum vos_err token_check_line(struct span line, struct vos_fault *fault);
/* Next word at or after *pos, which moves behind it; false at the end of the line. */
bool token_next(struct span line, size_t *pos, struct token *out);
/* Appends the word's text to out. A fault names the column of a bad escape or of an open quote. */
VOS_CHECK enum vos_err token_text(const struct token *token, struct buf *out,
				  struct vos_fault *fault);
bool token_is_pipe(const struct token *token);
/* First word is ! or #, or there is none. */
bool token_line_is_comment(struct span line);
/* Appends text so that token_next and token_text give it back: quoted when it has to be. */
void token_quote(struct span text, struct buf *out);
