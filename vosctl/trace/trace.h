/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of the flight recorder (schema trace/1) as people and other programs read them: a ladder,
 * messages in full, a capture file. Bounded: rows past TRACE_ROWS_MAX are counted, not kept. */
#pragma once

#include <jansson.h>
#include <stdio.h>

#include "shared/base/buf.h"

#define TRACE_ROWS_MAX 20000u
#define TRACE_PCAP_MAX (512u * 1024u * 1024u)

typedef void trace_line_fn(void *context, struct span line, bool is_heading);

/* Where the cells of a row stand. */
struct trace_cells {
	json_t *names;
};

/* NULL when the row has none, or it is no text. */
const char *trace_text(const struct trace_cells *cells, json_t *row, const char *name);
int64_t trace_number(const struct trace_cells *cells, json_t *row, const char *name);

/* Parties as columns, switchd in the middle. `rows` is an array; width 0: no limit. */
void trace_ladder(const struct trace_cells *cells, json_t *rows, int width, trace_line_fn *line,
		  void *context);
/* The same row by row, of several calls at a time: each time that another call goes on, or that one
 * gets another party, the parties are named again. NULL: out of memory. */
struct trace_ladders;
struct trace_ladders *trace_ladders_create(int width, trace_line_fn *line, void *context);
void trace_ladders_row(struct trace_ladders *ladders, const struct trace_cells *cells, json_t *row);
void trace_ladders_free(struct trace_ladders *ladders);
/* A message in full, or a note, with a line in front that says when and where. */
void trace_message(const struct trace_cells *cells, json_t *row, trace_line_fn *line,
		   void *context);

/* Packets for a capture file, each with the addresses of its message; sorted when written. */
struct trace_pcap;
struct trace_pcap *trace_pcap_create(void);
void trace_pcap_row(struct trace_pcap *pcap, const struct trace_cells *cells, json_t *row);
/* pcap with LINKTYPE_RAW. False: writing failed, or memory was short. */
bool trace_pcap_write(struct trace_pcap *pcap, FILE *file);
void trace_pcap_free(struct trace_pcap *pcap);
