/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the patterns of fraud have found and goes on. */
#include "switchd/ctl/handlers.h"
#include "switchd/fraud/fraud.h"

static const struct column columns[] = {
	{"pattern", CELL_TEXT, "", "PATTERN", 11},
	{"party", CELL_TEXT, "", "PARTY", 20},
	{"destination", CELL_TEXT, "", "DESTINATION", 11},
	{"calls", CELL_INT, "", "CALLS", 6},
	{"limit", CELL_INT, "", "LIMIT", 6},
	{"caller", CELL_TEXT, "", "CALLER", 16},
	{"is_listed", CELL_BOOL, "", "LISTED", 6},
	{"since_time", CELL_TIME, "", "SINCE", 20},
	{"last_call_time", CELL_TIME, "", "LAST", -20},
};

const struct schema schema_fraud = SCHEMA_OF_ROWS(columns);

struct walk {
	size_t at;
	size_t count;
	struct fraud_finding findings[FRAUD_FINDINGS_MAX];
};

static void emit_finding(struct request *request, const struct fraud_finding *finding)
{
	emit_str(request, fraud_pattern_word(finding->pattern));
	emit_str(request, finding->party);
	emit_str(request, finding->destination);
	emit_int(request, finding->figure);
	emit_int(request, finding->limit);
	emit_str(request, finding->caller);
	emit_bool(request, finding->is_listed);
	emit_time(request, finding->since_ms);
	emit_time(request, finding->last_ms);
	emit_row_end(request);
}

enum step show_fraud(struct request *request)
{
	struct fraud *fraud = request->ctl->context.fraud;
	struct walk *walk = request->state;

	if (!walk) {
		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		EMIT_TABLE(request, columns);
		if (fraud)
			walk->count = fraud_list(fraud, walk->findings, FRAUD_FINDINGS_MAX);
	}
	for (int i = 0; i < CTL_SLICE && walk->at < walk->count; i++)
		emit_finding(request, &walk->findings[walk->at++]);
	return walk->at < walk->count ? STEP_MORE : STEP_DONE;
}
