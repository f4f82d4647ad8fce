/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies of messages to a HOMER collector (trace/hep.h). */
#include "switchd/trace/hep.h"

#include "switchd/ctl/handlers.h"

/* lost_bytes: of records that were overwritten before they were read. */
static const struct member hep_members[] = {
	{"is_on", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"address", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"capture_id", CELL_INT, MEMBER_ALWAYS, NULL},
	{"has_password", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"sent", CELL_INT, MEMBER_ALWAYS, NULL},
	{"dropped", CELL_INT, MEMBER_ALWAYS, NULL},
	{"lost_bytes", CELL_INT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_trace_hep = SCHEMA_OF_ITEM(hep_members);

enum step show_trace_hep(struct request *request)
{
	struct hep_status status;

	hep_status(request->ctl->context.hep, &status);
	item_begin(request);
	item_bool(request, NULL, "is_on", status.is_on);
	item_addr(request, NULL, "address", &status.address);
	item_int(request, NULL, "capture_id", status.capture_id);
	item_bool(request, NULL, "has_password", status.has_password);
	item_int(request, NULL, "sent", (int64_t)status.sent);
	item_int(request, NULL, "dropped", (int64_t)status.dropped);
	item_int(request, NULL, "lost_bytes", (int64_t)status.lost_bytes);
	item_end(request);
	return STEP_DONE;
}
