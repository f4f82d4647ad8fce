/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A record as one line of text, in each of the forms that its files have. A line never has a line
 * break or another control character within, whatever came over the network. */
#pragma once

#include "switchd/cdr/cdr.h"

enum cdr_form {
	CDR_CSV,
	CDR_JSON,
	CDR_BARS, /* the 18 fields of the hourly file (behaviour D1) */
};

/* The names of the columns, for the first line of a CSV file. */
void cdr_text_heading(struct buf *out);
/* With a line break at the end. */
void cdr_text_line(enum cdr_form form, const struct cdr *cdr, struct buf *out);
/* The number of the record that stands in a line; 0: in none (a heading). */
uint64_t cdr_text_flow(enum cdr_form form, struct span line);

#define CDR_TIME_TEXT 32
/* "2026-11-20T23:59:02.123Z" */
char *cdr_time_text(int64_t wall_ms, char out[CDR_TIME_TEXT]);
