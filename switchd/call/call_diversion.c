/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_diversion.h"

#include "switchd/call/call_forward.h"
#include "switchd/call/call_trace.h"

const char *call_forwarded_number(const struct call_hunt *hunt)
{
	if (hunt->depth > 0)
		return hunt->forwards[hunt->depth - 1].from;
	return hunt->identity.diverted.count ? hunt->identity.diverted.number : NULL;
}

/* NULL: it stays as it is. */
static const char *take_number(struct call *call, const struct conf_number_group *group)
{
	const char *number = group ? conf_number_group_take(group, call_chance, NULL) : NULL;

	if (number)
		call_note(call, TRACE_DIVERSION, MEDIA_B, 0, 0, number);
	return number;
}

static void rewrite(struct call_diversion *diversion, const char *number)
{
	span_join(span_of(number), SPAN_NONE, diversion->number, sizeof(diversion->number));
}

void call_diversion_received(struct call *call)
{
	struct call_hunt *hunt = call->hunt;
	const char *number;

	if (!hunt->mapping || !hunt->identity.diverted.count)
		return;
	number = take_number(call, hunt->mapping->forward_numbers);
	if (number)
		rewrite(&hunt->identity.diverted, number);
}

void call_diversion_sent(struct call *call, const struct conf_routing_gateway *gateway,
			 struct call_diversions *diversions)
{
	const char *number;

	if (!gateway || !gateway->party.wants_diversion || !diversions->count)
		return;
	number = take_number(call, gateway->forward_numbers);
	for (unsigned i = 0; number && i < diversions->count; i++)
		rewrite(&diversions->list[i], number);
}
