/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show tech-support: what somebody far away asks for first, in one output. Each part is an ordinary
 * show command, parsed and carried out as if it had been typed. */
#include "switchd/ctl/handlers.h"

static const char *const parts[] = {
	"show version",
	"show status",
	"show capacity",
	"show running-config redact",
	"show configuration history last 20",
	"show counters",
	"show mapping-gateways capacity",
	"show routing-gateways capacity",
	"show sip statistics",
	"show media ports",
	"show nat-keep-alive",
	"show registrations brief",
	"show authentication suspended",
	"show authentication firewall",
	"show sip guard",
	"show calls brief",
	"backup list",
	"show sessions",
	"show audit last 50",
	"show logging last 200",
};

#define PART_COUNT (sizeof(parts) / sizeof(parts[0]))

/* The request becomes one of that line. */
static bool begin_part(struct request *request)
{
	const char *line = parts[request->part];
	const struct mode exec = {.kind = MODE_EXEC};
	struct vos_fault fault = {0};

	request_drop_state(request);
	if (grammar_match(request->ctl->grammar, &exec, span_of(line), &request->match, &fault) !=
	    VOS_OK) {
		request_fail(request, &fault);
		return false;
	}
	request->part_step = dispatch_handler(request->match.command);
	emit_section(request, line);
	return true;
}

enum step show_tech_support(struct request *request)
{
	enum step step;

	if (!request->part_step && !begin_part(request))
		return STEP_DONE;
	step = request->part_step(request);
	if (request->has_fault) {
		/* The other parts are worth having all the same. */
		emit_warning(request, &request->fault, true);
		request->has_fault = false;
		step = STEP_DONE;
	}
	if (step != STEP_DONE)
		return step;
	request->part_step = NULL;
	return ++request->part < PART_COUNT ? STEP_MORE : STEP_DONE;
}
