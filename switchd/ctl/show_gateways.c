/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateways: configured, their state, and what they carry. */
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/ctl/fields.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

#define LOAD_COLUMNS                                                                        \
	{"calls", CELL_INT, "", "CALLS", 5}, {"capacity", CELL_INT, "", "CAPACITY", -8},    \
		{"calls_peak", CELL_INT, "", "PEAK", -4}, {"cps", CELL_INT, "", "CPS", -3}, \
	{                                                                                   \
		"rate_limit", CELL_INT, "", "RATE-LIMIT", -10                               \
	}

static const struct column mapping_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"state", CELL_TEXT, "", "STATE", 8},
	{"addresses", CELL_TEXT, "", "ADDRESSES", 24},
	{"authentication", CELL_TEXT, "", "AUTH", 8},
	{"lock", CELL_TEXT, "", "LOCK", -4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", -11},
	LOAD_COLUMNS,
};

static const struct column routing_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"state", CELL_TEXT, "", "STATE", 8},
	{"addresses", CELL_TEXT, "", "ADDRESSES", 24},
	{"prefixes", CELL_TEXT, "", "PREFIXES", 16},
	{"priority", CELL_INT, "", "PRIORITY", 8},
	{"lock", CELL_TEXT, "", "LOCK", -4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", -11},
	LOAD_COLUMNS,
};

#define MORE_COLUMNS                                                                              \
	{"attempts_total", CELL_INT, "", "ATTEMPTS", 8}, {"rang_total", CELL_INT, "", "RANG", 6}, \
		{"answered_total", CELL_INT, "", "ANSWERED", 8},                                  \
		{"talk_s", CELL_INT, "s", "TALK", 6},                                             \
	{                                                                                         \
		"retry_after_s", CELL_INT, "s", "RETRY-AFTER", 11                                 \
	}

static const struct column more_columns[] = {
	MORE_COLUMNS,
	{"memo", CELL_TEXT, "", "MEMO", 24},
};

static const struct column routing_more_columns[] = {
	MORE_COLUMNS,
	{"address_checks", CELL_TEXT, "", "CHECKS", 24},
	{"published_capacity", CELL_INT, "", "PUBLISHED", 9},
	{"published_calls", CELL_INT, "", "PUB-CALLS", 9},
	{"publish_expires_s", CELL_INT, "s", "PUB-EXPIRES", 11},
	{"memo", CELL_TEXT, "", "MEMO", 24},
};

static const char *const brief[] = {"name", "state", NULL};
static const char *const capacity[] = {"name",       "state", "calls",      "capacity",
				       "calls_peak", "cps",   "rate_limit", NULL};

#define VIEW(kind_, columns_, more_)                                                \
	{                                                                           \
		.kind = (kind_), .columns = (columns_),                             \
		.count = sizeof(columns_) / sizeof((columns_)[0]), .more = (more_), \
		.more_count = sizeof(more_) / sizeof((more_)[0]), .brief = brief,   \
		.capacity = capacity                                                \
	}

static const struct list_view mapping_view =
	VIEW(OBJECT_MAPPING_GATEWAY, mapping_columns, more_columns);
static const struct list_view routing_view =
	VIEW(OBJECT_ROUTING_GATEWAY, routing_columns, routing_more_columns);

static const struct field_columns *mapping_detail(void)
{
	return view_detail(&mapping_view);
}

static const struct field_columns *routing_detail(void)
{
	return view_detail(&routing_view);
}

const struct schema schema_mapping_gateways = {
	.kind = SCHEMA_ROWS,
	.columns = mapping_columns,
	.column_count = sizeof(mapping_columns) / sizeof(mapping_columns[0]),
	.detail = mapping_detail,
};

const struct schema schema_routing_gateways = {
	.kind = SCHEMA_ROWS,
	.columns = routing_columns,
	.column_count = sizeof(routing_columns) / sizeof(routing_columns[0]),
	.detail = routing_detail,
};

/* calls, capacity (0 = null), peak and calls of the running second, as four cells. */
static void emit_load(struct request *request, const struct live *live, uint32_t limit)
{
	emit_int(request, atomic_load_explicit(&live->calls, memory_order_relaxed));
	if (limit)
		emit_int(request, limit);
	else
		emit_null(request);
	emit_int(request, atomic_load_explicit(&live->peak, memory_order_relaxed));
	emit_int(request, live_rate(live, clock_mono_us()));
}

static void emit_totals(struct request *request, const struct live *live)
{
	uint64_t down_us = atomic_load_explicit(&live->down_until_us, memory_order_relaxed);
	uint64_t now_us = clock_mono_us();

	emit_int(request, (int64_t)atomic_load_explicit(&live->attempts, memory_order_relaxed));
	emit_int(request, (int64_t)atomic_load_explicit(&live->rang, memory_order_relaxed));
	emit_int(request, (int64_t)atomic_load_explicit(&live->answered, memory_order_relaxed));
	emit_int(request,
		 (int64_t)(atomic_load_explicit(&live->talk_ms, memory_order_relaxed) / 1000));
	if (down_us > now_us)
		emit_int(request, (int64_t)((down_us - now_us + 999999) / 1000000));
	else
		emit_null(request);
}

/* The values of a list field in one cell, separated by blanks. */
static void emit_list(struct request *request, const struct object *object, enum field_id id)
{
	struct buf text = buf_new();
	size_t count = object_list_count(object, id);

	for (size_t i = 0; i < count; i++) {
		if (i)
			buf_add_char(&text, ' ');
		value_print(&field_get(id)->spec, object_list_at(object, id, i), &text);
	}
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

/* Where a gateway is that is at no addresses of its own: where it registered from, or the servers
 * of its registrations. */
static size_t addresses_now(const struct request *request,
			    const struct conf_routing_gateway *gateway,
			    struct addr out[LIVE_ADDRESSES_MAX])
{
	struct location *location = request->ctl->context.location;
	struct binding bindings[LIVE_ADDRESSES_MAX];
	char user[LOCATION_USER_LEN];
	size_t count = 0;

	if (gateway->reach == CONF_REACH_DYNAMIC && location &&
	    location_gateway_user(gateway->name, user))
		count = location_find(location, span_of(user), location_now_ms(location), bindings,
				      LIVE_ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++)
		out[i] = bindings[i].source;
	for (size_t i = 0; i < gateway->registration_count && count < LIVE_ADDRESSES_MAX; i++) {
		const struct trunk *trunk = gateway->registrations[i]->trunk;
		struct trunk_way way;

		if (atomic_load(&trunk->is_up) && trunk_get_way(trunk, &way))
			out[count++] = way.server;
	}
	return count;
}

/* Where calls go now. */
static void emit_addresses(struct request *request, const struct conf_routing_gateway *gateway,
			   const struct object *object)
{
	struct addr addresses[LIVE_ADDRESSES_MAX];
	char printed[ADDR_TEXT_MAX];
	struct buf text = buf_new();
	size_t count;

	if (gateway->reach == CONF_REACH_STATIC) {
		emit_list(request, object, FIELD_ROUTING_GATEWAY_ADDRESS);
		return;
	}
	count = addresses_now(request, gateway, addresses);
	for (size_t i = 0; i < count; i++)
		buf_printf(&text, "%s%s", i ? " " : "", addr_print(&addresses[i], printed));
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

static void emit_field(struct request *request, const struct object *object, enum field_id id)
{
	struct buf text = buf_new();
	const struct value *value = object_field(object, id);

	if (value && value->type != VALUE_NONE)
		value_print(&field_get(id)->spec, value, &text);
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

/* What keeps calls away comes before what lets them in. */
static void emit_state(struct request *request, enum conf_lock lock, const struct live *live)
{
	enum live_admin admin = gateway_admin(live);

	if (lock == CONF_LOCK_ALL)
		emit_str(request, "locked");
	else if (admin != LIVE_ENABLED)
		emit_str(request, gateway_admin_word(admin));
	else if (atomic_load_explicit(&live->is_offline, memory_order_relaxed))
		emit_str(request, "offline");
	else if (atomic_load_explicit(&live->down_until_us, memory_order_relaxed) > clock_mono_us())
		emit_str(request, "retry-after");
	else
		emit_str(request, "enabled");
}

static void emit_gateway_load(struct request *request, const struct live *live,
			      uint32_t capacity_limit, uint32_t rate_limit)
{
	emit_load(request, live, capacity_limit);
	if (rate_limit)
		emit_int(request, rate_limit);
	else
		emit_null(request);
	if (is_detailed(request))
		emit_totals(request, live);
}

static void add_check(const struct live *live, const struct addr *address, size_t place,
		      struct buf *text)
{
	char printed[ADDR_TEXT_MAX];
	uint32_t answer;

	if (place >= LIVE_ADDRESSES_MAX)
		return;
	answer = atomic_load(&live->check_answers[place]);
	if (!answer)
		return;
	buf_printf(text, "%s%s %s ", text->len ? ", " : "", addr_print(address, printed),
		   live_address_is_dead(live, place) ? "dead" : "alive");
	if (answer == LIVE_CHECK_NO_ANSWER)
		buf_add_lit(text, "(no answer)");
	else
		buf_printf(text, "(%u)", (unsigned)answer);
}

/* What each address last said to OPTIONS; null when none was asked. */
static void emit_checks(struct request *request, const struct conf_routing_gateway *gateway)
{
	const struct live *live = gateway->live;
	struct addr addresses[LIVE_ADDRESSES_MAX];
	struct buf text = buf_new();
	size_t count;

	for (uint8_t i = 0; i < gateway->address_count; i++)
		add_check(live, &gateway->addresses[i], i, &text);
	count = addresses_now(request, gateway, addresses);
	for (size_t i = 0; i < count; i++)
		add_check(live, &addresses[i], live_place_of(live, &addresses[i]), &text);
	if (text.len)
		emit_str(request, buf_cstr(&text));
	else
		emit_null(request);
	buf_free(&text);
}

/* What the gateway says of itself by PUBLISH; null when nothing is in force. */
static void emit_published(struct request *request, const struct live *live)
{
	uint64_t now_us = clock_mono_us();
	uint64_t until_us = atomic_load(&live->published_until_us);

	if (until_us <= now_us) {
		for (int i = 0; i < 3; i++)
			emit_null(request);
		return;
	}
	emit_int(request, atomic_load(&live->published_capacity));
	emit_int(request, atomic_load(&live->published_calls));
	emit_int(request, (int64_t)((until_us - now_us + 999999) / 1000000));
}

static void emit_mapping(struct request *request, const struct conf *conf,
			 const struct object *object)
{
	const struct conf_mapping_gateway *gateway =
		conf_mapping_named(conf, span_of(object_key(object)));

	if (!gateway)
		return;
	emit_str(request, gateway->name);
	emit_state(request, gateway->lock, gateway->live);
	emit_list(request, object, FIELD_MAPPING_GATEWAY_ADDRESS);
	emit_field(request, object, FIELD_MAPPING_GATEWAY_AUTHENTICATION);
	emit_field(request, object, FIELD_MAPPING_GATEWAY_LOCK);
	emit_field(request, object, FIELD_MAPPING_GATEWAY_MEDIA_PROXY);
	emit_gateway_load(request, gateway->live, gateway->capacity, gateway->rate_limit);
	if (is_detailed(request))
		emit_field(request, object, FIELD_MAPPING_GATEWAY_MEMO);
	emit_list_end(request, &mapping_view, object);
}

static void emit_routing(struct request *request, const struct conf *conf,
			 const struct object *object)
{
	const struct conf_routing_gateway *gateway =
		conf_routing_gateway_find(conf, span_of(object_key(object)));

	if (!gateway)
		return;
	emit_str(request, gateway->name);
	emit_state(request, gateway->lock, gateway->live);
	emit_addresses(request, gateway, object);
	emit_list(request, object, FIELD_ROUTING_GATEWAY_PREFIXES);
	emit_int(request, gateway->priority);
	emit_field(request, object, FIELD_ROUTING_GATEWAY_LOCK);
	emit_field(request, object, FIELD_ROUTING_GATEWAY_MEDIA_PROXY);
	emit_gateway_load(request, gateway->live, gateway->capacity, gateway->rate_limit);
	if (is_detailed(request)) {
		emit_checks(request, gateway);
		emit_published(request, gateway->live);
		emit_field(request, object, FIELD_ROUTING_GATEWAY_MEMO);
	}
	emit_list_end(request, &routing_view, object);
}

struct walk_gateways {
	struct conf *conf; /* one configuration for the whole list */
	struct object_range range;
};

static void drop_gateways(void *state)
{
	struct walk_gateways *walk = state;

	conf_unref(walk->conf);
	free(walk);
}

typedef void emit_gateway_fn(struct request *request, const struct conf *conf,
			     const struct object *object);

static enum step show_list(struct request *request, const struct list_view *view, const char *arg,
			   emit_gateway_fn *emit)
{
	struct walk_gateways *walk = request_state(request, sizeof(*walk));

	if (!walk)
		return request_no_memory(request);
	if (!walk->conf) {
		walk->conf = conf_ref(request->ctl->conf);
		request->drop_state = drop_gateways;
		if (!find_objects(request, walk->conf->snapshot, view->kind, arg, &walk->range))
			return STEP_DONE;
		emit_list_table(request, view);
	}
	for (int i = 0; i < CTL_SLICE && walk->range.at < walk->range.end; i++)
		emit(request, walk->conf,
		     snapshot_object_at(walk->conf->snapshot, view->kind, walk->range.at++));
	return walk->range.at < walk->range.end ? STEP_MORE : STEP_DONE;
}

enum step show_mapping_gateways(struct request *request)
{
	return show_list(request, &mapping_view, "mapping", emit_mapping);
}

enum step show_routing_gateways(struct request *request)
{
	return show_list(request, &routing_view, "routing", emit_routing);
}
