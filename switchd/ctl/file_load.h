/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration file, line by line, into a candidate. Every line is read, so that all faults of
 * the file are known in one go; on any, the candidate is to be thrown away. */
#pragma once

#include "switchd/ctl/candidate.h"

#define FILE_FAULTS_SHOWN 1000 /* of one file; the others are counted */

typedef void file_report_fn(void *context, const struct vos_fault *fault, bool is_error);

struct file_load {
	const struct grammar *grammar;
	const struct secret_key *key;
	struct config_candidate *candidate;
	file_report_fn *report;
	void *context;
	struct mode mode;
	struct span rest;
	int line;
	bool replace; /* the text is to be a whole configuration: header and end */
	bool has_header;
	bool has_end;
	bool has_text; /* a line that is neither blank nor comment was seen */
	size_t fault_count;
	struct vos_fault first;
	struct match match;
};

void file_load_init(struct file_load *load, struct span text);
/* Reads up to max_lines. True while there are more; the last call also reports a missing end. */
bool file_load_step(struct file_load *load, int max_lines);
/* "3 errors in FILE; nothing was changed", with the code of the first one. */
void file_load_summary(const struct file_load *load, const char *name, struct vos_fault *fault);
/* Matches a line in its mode or, when its first word is unknown there, in the modes above. */
VOS_CHECK enum vos_err file_match(const struct grammar *grammar, const struct mode *mode,
				  struct span line, struct match *out, struct vos_fault *fault);
/* The warning for a word that was not written in full; false when there is none to give (the alias
 * of a parameter is a name of its own). */
bool file_abbreviation(const struct match *match, int line, struct vos_fault *warning);
