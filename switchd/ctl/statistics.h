/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Figures of traffic as columns, for show statistics and show report. */
#pragma once

#include "switchd/ctl/emit.h"
#include "switchd/stats/stats.h"

/* asr, ner, response ratio and loss in thousandths. */
#define STATISTICS_COLUMNS                                                                    \
	{"attempts", CELL_INT, "", "ATTEMPTS", 8}, {"answered", CELL_INT, "", "ANSWERED", 8}, \
		{"abandoned", CELL_INT, "", "ABANDONED", -9},                                 \
		{"talk_s", CELL_INT, "s", "TALK", 8},                                         \
		{"asr_permille", CELL_INT, "permille", "ASR", 4},                             \
		{"acd_s", CELL_INT, "s", "ACD", 4},                                           \
		{"ner_permille", CELL_INT, "permille", "NER", 4},                             \
		{"response_permille", CELL_INT, "permille", "RESP", 4},                       \
		{"pdd_ms", CELL_INT, "ms", "PDD", 6},                                         \
		{"mos_hundredths", CELL_INT, "hundredths", "MOS", 4},                         \
	{                                                                                     \
		"loss_permille", CELL_INT, "permille", "LOSS", 4                              \
	}

/* Cells of these. */
void emit_sum(struct request *request, const struct stats_sum *sum);
/* Null when it is negative. */
void emit_known(struct request *request, int64_t number);
