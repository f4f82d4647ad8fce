/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones: configured, whether they can be reached, and what they carry. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/ctl/fields.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

static const struct column phones_columns[] = {
	{"number", CELL_TEXT, "", "NUMBER", 12},
	{"name", CELL_TEXT, "", "NAME", 16},
	{"state", CELL_TEXT, "", "STATE", 10},
	{"registration", CELL_TEXT, "", "KIND", -7},
	{"is_reachable", CELL_BOOL, "", "REACHABLE", -9},
	{"contacts", CELL_INT, "", "CONTACTS", -8},
	{"source_address", CELL_TEXT, "", "SOURCE", 21},
	{"is_nat", CELL_BOOL, "", "NAT", 3},
	{"lock", CELL_TEXT, "", "LOCK", -4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", -11},
	{"calls", CELL_INT, "", "CALLS", 5},
	{"capacity", CELL_INT, "", "CAPACITY", -8},
	{"calls_peak", CELL_INT, "", "PEAK", -4},
	{"cps", CELL_INT, "", "CPS", -3},
};

/* Of the best contact, null while there is none (but for the local address of a static phone); then
 * what is counted of it. */
static const struct column phones_more[] = {
	{"contact", CELL_TEXT, "", "CONTACT", 30},
	{"local_address", CELL_TEXT, "", "LOCAL", 19},
	{"user_agent", CELL_TEXT, "", "AGENT", 16},
	{"registered_time", CELL_TIME, "", "REGISTERED", 20},
	{"expires_s", CELL_INT, "s", "EXPIRES", 7},
	{"attempts_total", CELL_INT, "", "ATTEMPTS", 8},
	{"answered_total", CELL_INT, "", "ANSWERED", 8},
	{"talk_s", CELL_INT, "s", "TALK", 6},
	{"calls_in", CELL_INT, "", "IN", 3},
	{"calls_out", CELL_INT, "", "OUT", 3},
	{"memo", CELL_TEXT, "", "MEMO", 24},
};

static const char *const brief[] = {"number", "state", NULL};
static const char *const capacity[] = {"number",     "state", "calls", "capacity",
				       "calls_peak", "cps",   NULL};

static const struct list_view phones_view = {
	.kind = OBJECT_PHONE,
	.columns = phones_columns,
	.count = sizeof(phones_columns) / sizeof(phones_columns[0]),
	.more = phones_more,
	.more_count = sizeof(phones_more) / sizeof(phones_more[0]),
	.brief = brief,
	.capacity = capacity,
};

static const struct field_columns *phones_detail(void)
{
	return view_detail(&phones_view);
}

const struct schema schema_phones = {
	.kind = SCHEMA_ROWS,
	.columns = phones_columns,
	.column_count = sizeof(phones_columns) / sizeof(phones_columns[0]),
	.detail = phones_detail,
};

static const char *state_of(const struct conf_phone *phone, const struct binding *bindings,
			    size_t contacts)
{
	size_t silent = 0;

	for (size_t i = 0; i < contacts; i++)
		silent += bindings[i].is_unreachable;
	if (phone->lock == CONF_LOCK_ALL)
		return "locked";
	if (phone->is_static)
		return "static";
	if (!contacts)
		return "offline";
	return silent == contacts ? "unreachable" : "registered";
}

static void emit_totals(struct request *request, const struct live *live)
{
	if (!live) {
		for (int i = 0; i < 3; i++)
			emit_null(request);
		return;
	}
	emit_int(request, (int64_t)atomic_load_explicit(&live->attempts, memory_order_relaxed));
	emit_int(request, (int64_t)atomic_load_explicit(&live->answered, memory_order_relaxed));
	emit_int(request,
		 (int64_t)(atomic_load_explicit(&live->talk_ms, memory_order_relaxed) / 1000));
}

static void emit_more(struct request *request, const struct conf_phone *phone,
		      const struct binding *best, int64_t now_ms)
{
	int64_t left_ms = best ? best->expires_ms - now_ms : 0;

	if (best) {
		emit_str(request, best->contact);
		emit_addr(request, &best->local);
		emit_str(request, best->user_agent);
		emit_time(request, best->registered_ms);
		emit_int(request, left_ms > 0 ? (left_ms + 999) / 1000 : 0);
	} else {
		emit_null(request);
		emit_addr(request, &phone->local_address);
		for (int i = 0; i < 3; i++)
			emit_null(request);
	}
	emit_totals(request, phone->live);
}

/* Null without a capacity of that way's own. */
static void emit_way(struct request *request, const struct conf_phone *phone, enum conf_way way)
{
	const struct live *live = phone->live_ways[way];

	if (live)
		emit_int(request, atomic_load_explicit(&live->calls, memory_order_relaxed));
	else
		emit_null(request);
}

/* Null while nothing is counted of the phone. */
static void emit_load(struct request *request, const struct live *live, int64_t limit)
{
	if (live)
		emit_int(request, atomic_load_explicit(&live->calls, memory_order_relaxed));
	else
		emit_null(request);
	if (limit)
		emit_int(request, limit);
	else
		emit_null(request);
	if (live)
		emit_int(request, atomic_load_explicit(&live->peak, memory_order_relaxed));
	else
		emit_null(request);
	if (live)
		emit_int(request, live_rate(live, clock_mono_us()));
	else
		emit_null(request);
}

static void emit_phone(struct request *request, const struct conf_phone *phone,
		       const struct object *object, int64_t now_ms)
{
	static const char *const locks[] = {"none", "out", "in", "all"};
	static const char *const media[] = {"auto", "on", "off", "must-on"};
	struct binding bindings[LOCATION_CONTACTS_MAX];
	const struct live *live = phone->live; /* NULL: nothing is counted of it */
	size_t count = 0;

	if (request->ctl->context.location && !phone->is_static)
		count = location_find(request->ctl->context.location, span_of(phone->number),
				      now_ms, bindings, LOCATION_CONTACTS_MAX);
	emit_str(request, phone->number);
	emit_str(request, phone->display_name);
	emit_str(request, state_of(phone, bindings, count));
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
	emit_load(request, live, phone->capacity);
	if (is_detailed(request)) {
		emit_more(request, phone, count ? &bindings[0] : NULL, now_ms);
		emit_way(request, phone, CONF_WAY_IN);
		emit_way(request, phone, CONF_WAY_OUT);
		emit_value(request, &field_get(FIELD_PHONE_MEMO)->spec,
			   object_field(object, FIELD_PHONE_MEMO));
	}
	emit_list_end(request, &phones_view, object);
}

struct walk_phones {
	struct conf *conf; /* one configuration for the whole list */
	struct object_range range;
};

static void drop_phones(void *state)
{
	struct walk_phones *walk = state;

	conf_unref(walk->conf);
	free(walk);
}

static bool begin(struct request *request, struct walk_phones *walk)
{
	walk->conf = conf_ref(request->ctl->conf);
	request->drop_state = drop_phones;
	if (!find_objects(request, walk->conf->snapshot, OBJECT_PHONE, "phone", &walk->range))
		return false;
	emit_list_table(request, &phones_view);
	return true;
}

enum step show_phones(struct request *request)
{
	struct walk_phones *walk = request_state(request, sizeof(*walk));
	const struct location *location = request->ctl->context.location;
	int64_t now_ms = location ? location_now_ms(location) : 0;

	if (!walk)
		return request_no_memory(request);
	if (!walk->conf && !begin(request, walk))
		return STEP_DONE;
	for (int i = 0; i < CTL_SLICE && walk->range.at < walk->range.end; i++) {
		const struct object *object =
			snapshot_object_at(walk->conf->snapshot, OBJECT_PHONE, walk->range.at++);
		const struct conf_phone *phone =
			conf_phone_find(walk->conf, span_of(object_key(object)));

		if (phone)
			emit_phone(request, phone, object, now_ms);
	}
	return walk->range.at < walk->range.end ? STEP_MORE : STEP_DONE;
}
