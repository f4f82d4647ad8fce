/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateways, and where a called number would go. Their lists are short: one step. */
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"

static const struct column mapping_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"addresses", CELL_TEXT, "", "ADDRESSES", 24},
	{"authentication", CELL_TEXT, "", "AUTH", 8},
	{"lock", CELL_TEXT, "", "LOCK", 4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", 11},
};

const struct schema schema_mapping_gateways = SCHEMA_OF_ROWS(mapping_columns);

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

static void emit_field(struct request *request, const struct object *object, enum field_id id)
{
	struct buf text = buf_new();
	const struct value *value = object_field(object, id);

	if (value && value->type != VALUE_NONE)
		value_print(&field_get(id)->spec, value, &text);
	emit_str(request, buf_cstr(&text));
	buf_free(&text);
}

enum step show_mapping_gateways(struct request *request)
{
	const struct snapshot *snapshot = request_running(request);
	size_t count = snapshot_object_count(snapshot, OBJECT_MAPPING_GATEWAY);

	EMIT_TABLE(request, mapping_columns);
	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(snapshot, OBJECT_MAPPING_GATEWAY, i);

		emit_str(request, object_key(object));
		emit_list(request, object, FIELD_MAPPING_GATEWAY_ADDRESS);
		emit_field(request, object, FIELD_MAPPING_GATEWAY_AUTHENTICATION);
		emit_field(request, object, FIELD_MAPPING_GATEWAY_LOCK);
		emit_field(request, object, FIELD_MAPPING_GATEWAY_MEDIA_PROXY);
		emit_row_end(request);
	}
	return STEP_DONE;
}

static const struct column routing_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"addresses", CELL_TEXT, "", "ADDRESSES", 24},
	{"prefixes", CELL_TEXT, "", "PREFIXES", 16},
	{"priority", CELL_INT, "", "PRIORITY", 8},
	{"lock", CELL_TEXT, "", "LOCK", 4},
	{"media_proxy", CELL_TEXT, "", "MEDIA-PROXY", 11},
};

const struct schema schema_routing_gateways = SCHEMA_OF_ROWS(routing_columns);

enum step show_routing_gateways(struct request *request)
{
	const struct snapshot *snapshot = request_running(request);
	size_t count = snapshot_object_count(snapshot, OBJECT_ROUTING_GATEWAY);

	EMIT_TABLE(request, routing_columns);
	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(snapshot, OBJECT_ROUTING_GATEWAY, i);

		emit_str(request, object_key(object));
		emit_list(request, object, FIELD_ROUTING_GATEWAY_ADDRESS);
		emit_list(request, object, FIELD_ROUTING_GATEWAY_PREFIXES);
		emit_int(request, object_field(object, FIELD_ROUTING_GATEWAY_PRIORITY)->number);
		emit_field(request, object, FIELD_ROUTING_GATEWAY_LOCK);
		emit_field(request, object, FIELD_ROUTING_GATEWAY_MEDIA_PROXY);
		emit_row_end(request);
	}
	return STEP_DONE;
}

static const struct column route_columns[] = {
	{"order", CELL_INT, "", "#", 2},           {"party", CELL_TEXT, "", "CANDIDATE", 24},
	{"is_used", CELL_BOOL, "", "IN", 3},       {"prefix", CELL_TEXT, "", "PREFIX", 8},
	{"priority", CELL_INT, "", "PRIORITY", 8}, {"address", CELL_TEXT, "", "ADDRESS", 21},
	{"reason", CELL_TEXT, "", "WHY", 24},
};

const struct schema schema_route = SCHEMA_OF_ROWS(route_columns);

#define ROUTE_MAX 64

static void emit_route(struct request *request, int order, const char *kind, const char *name,
		       const char *prefix, const struct conf_routing_gateway *gateway,
		       const struct addr *address, const char *reason)
{
	struct buf party = buf_new();

	buf_printf(&party, "%s %s", kind, name);
	if (order)
		emit_int(request, order);
	else
		emit_null(request);
	emit_str(request, buf_cstr(&party));
	emit_bool(request, order != 0);
	emit_str(request, prefix);
	if (gateway)
		emit_int(request, gateway->priority);
	else
		emit_null(request);
	if (address)
		emit_addr(request, address);
	else
		emit_null(request);
	emit_str(request, reason);
	emit_row_end(request);
	buf_free(&party);
}

/* A phone of that number goes before every gateway. */
static bool emit_phone_route(struct request *request, const char *callee)
{
	const struct conf_phone *phone = conf_phone_find(request->ctl->conf, span_of(callee));
	struct location *location = request->ctl->context.location;
	struct binding binding;

	if (!phone)
		return false;
	if (phone->lock == CONF_LOCK_IN || phone->lock == CONF_LOCK_ALL)
		emit_route(request, 0, "phone", callee, NULL, NULL, NULL,
			   "locked for incoming calls");
	else if (phone->is_static)
		emit_route(request, 1, "phone", callee, NULL, NULL, &phone->static_address,
			   "static address");
	else if (location &&
		 location_find(location, span_of(callee), location_now_ms(location), &binding, 1))
		emit_route(request, 1, "phone", callee, NULL, NULL, &binding.source, "registered");
	else
		emit_route(request, 0, "phone", callee, NULL, NULL, NULL, "not registered");
	return true;
}

/* The longest of its prefixes that the number begins with; NULL when none does. */
static const char *matching_prefix(const struct conf_routing_gateway *gateway, const char *callee)
{
	const char *best = gateway->prefix_count ? NULL : "";

	for (int i = 0; i < gateway->prefix_count; i++) {
		const char *prefix = gateway->prefixes[i];

		if (strncmp(prefix, callee, strlen(prefix)) == 0 &&
		    (!best || strlen(prefix) > strlen(best)))
			best = prefix;
	}
	return best;
}

static bool is_listed(const struct conf_routing_gateway *const *routes, size_t count,
		      const struct conf_routing_gateway *gateway)
{
	for (size_t i = 0; i < count; i++)
		if (routes[i] == gateway)
			return true;
	return false;
}

static void emit_left_out(struct request *request, const char *callee,
			  const struct conf_routing_gateway *const *routes, size_t count)
{
	const struct conf *conf = request->ctl->conf;
	size_t all = snapshot_object_count(conf->snapshot, OBJECT_ROUTING_GATEWAY);

	for (size_t i = 0; i < all; i++) {
		const struct object *object =
			snapshot_object_at(conf->snapshot, OBJECT_ROUTING_GATEWAY, i);
		const struct conf_routing_gateway *gateway =
			conf_routing_gateway_find(conf, span_of(object_key(object)));
		const char *reason = "no prefix of it begins the number";

		if (!gateway || is_listed(routes, count, gateway))
			continue;
		if (gateway->lock == CONF_LOCK_ALL)
			reason = "locked";
		else if (!gateway->address_count)
			reason = "has no address";
		emit_route(request, 0, "routing-gateway", gateway->name,
			   matching_prefix(gateway, callee), gateway, NULL, reason);
	}
}

enum step show_route(struct request *request)
{
	const struct conf_routing_gateway *routes[ROUTE_MAX];
	const char *callee = match_text(&request->match, "callee");
	bool is_phone;
	size_t count;

	EMIT_TABLE(request, route_columns);
	is_phone = emit_phone_route(request, callee);
	count = is_phone ? 0 : conf_route(request->ctl->conf, span_of(callee), routes, ROUTE_MAX);
	for (size_t i = 0; i < count; i++)
		emit_route(request, (int)i + 1, "routing-gateway", routes[i]->name,
			   matching_prefix(routes[i], callee), routes[i], &routes[i]->addresses[0],
			   routes[i]->lock == CONF_LOCK_NONE ? "prefix fits"
							     : "prefix fits; locked in part");
	if (!is_phone)
		emit_left_out(request, callee, routes, count);
	return STEP_DONE;
}
