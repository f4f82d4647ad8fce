/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones: configured, and whether they can be reached. */
#include <stdlib.h>

#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

static const struct column phones_columns[] = {
	{"number", CELL_TEXT, "", "NUMBER", 12},
	{"name", CELL_TEXT, "", "NAME", 16},
	{"registration", CELL_TEXT, "", "KIND", 7},
	{"is_reachable", CELL_BOOL, "", "REACHABLE", 9},
	{"contacts", CELL_INT, "", "CONTACTS", 8},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"is_nat", CELL_BOOL, "", "NAT", 3},
	{"lock", CELL_TEXT, "", "LOCK", -4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", -11},
};

const struct schema schema_phones = SCHEMA_OF_ROWS(phones_columns);

static void emit_phone(struct request *request, const struct conf_phone *phone)
{
	struct location *location = request->ctl->context.location;
	static const char *const locks[] = {"none", "out", "in", "all"};
	static const char *const media[] = {"auto", "on", "off", "must-on"};
	struct binding bindings[LOCATION_CONTACTS_MAX];
	size_t count = 0;

	if (location && !phone->is_static)
		count = location_find(location, span_of(phone->number), location_now_ms(location),
				      bindings, LOCATION_CONTACTS_MAX);
	emit_str(request, phone->number);
	emit_str(request, phone->display_name);
	emit_str(request, phone->is_static ? "static" : "dynamic");
	/* The first one is the best: where it answers no probe, none does. */
	emit_bool(request, phone->is_static || (count > 0 && !bindings[0].is_unreachable));
	emit_int(request, (int64_t)count);
	if (phone->is_static)
		emit_addr(request, &phone->static_address);
	else if (count)
		emit_addr(request, &bindings[0].source);
	else
		emit_null(request);
	if (count)
		emit_bool(request, bindings[0].is_nat);
	else
		emit_null(request);
	emit_str(request, locks[phone->lock]);
	emit_str(request, media[phone->party.media_mode]);
	emit_row_end(request);
}

struct walk_phones {
	struct conf *conf; /* one configuration for the whole list */
	size_t at;
	size_t found;
};

static void drop_phones(void *state)
{
	struct walk_phones *walk = state;

	conf_unref(walk->conf);
	free(walk);
}

enum step show_phones(struct request *request)
{
	const char *wanted = request_arg(request, "phone");
	struct walk_phones *walk = request_state(request, sizeof(*walk));
	size_t count;

	if (!walk)
		return request_no_memory(request);
	if (!walk->conf) {
		walk->conf = conf_ref(request->ctl->conf);
		request->drop_state = drop_phones;
		EMIT_TABLE(request, phones_columns);
	}
	count = snapshot_object_count(walk->conf->snapshot, OBJECT_PHONE);
	for (int i = 0; i < CTL_SLICE && walk->at < count; i++) {
		const struct object *object =
			snapshot_object_at(walk->conf->snapshot, OBJECT_PHONE, walk->at++);
		const struct conf_phone *phone;

		if (wanted && !text_matches(wanted, object_key(object)))
			continue;
		phone = conf_phone_find(walk->conf, span_of(object_key(object)));
		if (phone)
			emit_phone(request, phone);
		walk->found++;
	}
	if (walk->at < count)
		return STEP_MORE;
	/* A number without wildcards is one named thing, and it is missing. */
	if (!walk->found && wanted && !strpbrk(wanted, "*?"))
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "phone")->column,
				      "there is no phone %s", wanted);
	return STEP_DONE;
}
