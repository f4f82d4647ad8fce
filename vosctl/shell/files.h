/* SPDX-License-Identifier: GPL-2.0-or-later */
/* TAB for names of files: those of the user who runs vosctl, since it is vosctl that reads and
 * writes them. */
#pragma once

#include "vosctl/shell/edit.h"

struct file_names {
	char **items; /* last part of the path, a folder with its slash; sorted */
	size_t count;
};

/* `word` is what stands in front of the cursor, with an open quote if there is one. Folders get a
 * slash, names with blanks are quoted, "~" becomes the home folder, hidden files are offered only
 * behind a dot. A folder that takes longer than budget_ms to read offers nothing. False: there is
 * nothing. */
bool files_complete(struct span word, int budget_ms, struct file_names *names,
		    struct edit_completion *out);
void files_clear(struct file_names *names);
