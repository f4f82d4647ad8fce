/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The running-config text (shell contract, section 5): canonical, the same configuration gives the
 * same bytes, and reading it back gives the same configuration. */
#pragma once

#include "shared/config/change.h"

struct config_text_options {
	bool all;    /* defaults too */
	bool names;  /* parameters as "SS_NAME = value" lines */
	bool redact; /* secrets as <redacted>, which loading refuses */
	/* Only one part: "softswitch-management", "additional-settings", a tab's keyword, or an
	 * object's keyword. NULL: all of it. */
	const char *section;
	const char *key; /* with an object's keyword: only that object; NULL: all */
	/* Second line of the header. */
	int64_t time_ms; /* of the generation; 0: unknown, left out */
	const char *author;
	const char *comment;
};

/* Whether `section` is one that config_write_text knows. */
bool config_text_is_section(struct span section);
void config_write_text(const struct snapshot *snapshot, const struct config_text_options *options,
		       struct buf *out);
/* One change as the line that an operator would type in config mode, without a line end. */
void config_write_change(const struct change *change, bool redact, struct buf *out);
/* A word as the shell reads it back: in quotes, with \" \\ \n \xNN, when it needs them. */
void config_write_word(struct span word, struct buf *out);
