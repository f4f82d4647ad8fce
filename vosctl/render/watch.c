/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/render/watch.h"

bool watch_match(const struct grammar *grammar, const struct mode *mode, const char *line,
		 struct match *out, struct vos_fault *fault)
{
	if (grammar_match(grammar, mode, span_of(line), out, fault) != VOS_OK) {
		fault->column = 0; /* it counts from the show, not from the watch */
		if (fault->code == FAULT_NONE)
			fault_set(fault, FAULT_SYNTAX_INCOMPLETE, 0, "watch what?");
		return false;
	}
	if (span_starts_with(span_of(command_name(out->command)), SPAN_LIT("show-")))
		return true;
	fault_set(fault, FAULT_STATE, 0, "watch repeats show commands only");
	return false;
}
