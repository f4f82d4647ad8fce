/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/call_capture.h"

#include <utlist.h>

#include "switchd/call/call_trace.h"
#include "switchd/media/capture.h"

static const char *text_of(const struct object *wish, enum field_id field)
{
	const struct value *value = object_field(wish, field);

	return value->type == VALUE_STRING ? value->text : NULL;
}

/* NULL fits all, "10*" what begins so. */
static bool fits(const char *wanted, const char *number)
{
	size_t len = wanted ? strlen(wanted) : 0;

	if (!wanted || strcmp(wanted, number) == 0)
		return true;
	return len && wanted[len - 1] == '*' && strncmp(wanted, number, len - 1) == 0;
}

/* Whether "phone 1001" is that one. */
static bool is_party(const char *party, const char *kind, const char *name)
{
	size_t len = strlen(kind);

	return strncmp(party, kind, len) == 0 && strcmp(party + len, name) == 0;
}

static bool fits_call(const struct object *wish, const struct call *call, const char *party)
{
	const char *number = text_of(wish, FIELD_TRACE_MEDIA_NUMBER);
	const char *phone = text_of(wish, FIELD_TRACE_MEDIA_PHONE);
	const char *gateway = text_of(wish, FIELD_TRACE_MEDIA_GATEWAY);

	if (!fits(text_of(wish, FIELD_TRACE_MEDIA_CALLER), call->caller) ||
	    !fits(text_of(wish, FIELD_TRACE_MEDIA_CALLEE), call->callee) ||
	    (!fits(number, call->caller) && !fits(number, call->callee)))
		return false;
	if (phone && !is_party(call->party, "phone ", phone) && !is_party(party, "phone ", phone))
		return false;
	return !gateway || is_party(call->party, "mapping-gateway ", gateway) ||
	       is_party(party, "routing-gateway ", gateway);
}

static bool is_chosen(const struct call *call, const char *party)
{
	const struct snapshot *config = call->hunt->conf->snapshot;
	size_t count = snapshot_object_count(config, OBJECT_TRACE_MEDIA);

	for (size_t i = 0; i < count; i++)
		if (fits_call(snapshot_object_at(config, OBJECT_TRACE_MEDIA, i), call, party))
			return true;
	return false;
}

/* Each session that the call has by now; those that it opens later are captured as they open. */
static void set_media(const struct call *call, const struct call_media *media)
{
	for (unsigned i = 0; i < CALL_STREAMS_MAX; i++) {
		struct media_session *session = media->sessions[i];

		if (session && call->is_captured)
			(void)media_capture_start(session, call->id);
		else if (session)
			media_capture_stop(session);
	}
}

static void set(struct call *call, bool is_on)
{
	struct call_hunt *hunt = call->hunt;

	call->is_captured = is_on;
	set_media(call, &call->media);
	for (size_t i = 0; hunt && i < hunt->count; i++)
		set_media(call, &hunt->candidates[i].media);
	if (hunt)
		set_media(call, &hunt->spare);
}

static void note(const struct call *call, bool is_relayed)
{
	call_note(call, TRACE_MEDIA_CAPTURED, TRACE_NO_SIDE, 0, 0,
		  is_relayed ? "relayed" : "none, it does not pass by the switch");
}

void call_capture_choose(struct call *call, const char *party, bool is_relayed)
{
	if (!call->is_captured && !is_chosen(call, party))
		return;
	if (!call->is_captured)
		set(call, true);
	note(call, is_relayed);
}

bool call_table_capture(struct call_table *table, uint64_t id, bool is_on)
{
	struct call *call = call_find(table, id);

	if (!call)
		return false;
	if (call->is_captured == is_on)
		return true;
	set(call, is_on);
	if (is_on)
		note(call, !call->answered || call->media.decision.relay);
	return true;
}
