/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gateways: whose source a request comes from, and which of them take a number. */
#include "switchd/conf/conf_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/config/check.h"

#define SIP_PORT  5060
#define SIPS_PORT 5061 /* RFC 3261 section 19.1.2 */

_Static_assert((int)CONF_UDP == (int)WORD_TRANSPORT_UDP &&
		       (int)CONF_TCP == (int)WORD_TRANSPORT_TCP &&
		       (int)CONF_TLS == (int)WORD_TRANSPORT_TLS,
	       "taken over as they are");

_Static_assert((int)CONF_REACH_STATIC == (int)WORD_GATEWAY_REGISTRATION_STATIC &&
		       (int)CONF_REACH_DYNAMIC == (int)WORD_GATEWAY_REGISTRATION_DYNAMIC &&
		       (int)CONF_REACH_REGISTER == (int)WORD_GATEWAY_REGISTRATION_REGISTER,
	       "taken over as they are");

_Static_assert(CONF_GATEWAY_ADDRESSES_MAX == CHECK_GATEWAY_ADDRESSES_MAX, "checked at commit");
_Static_assert(CONF_GATEWAY_PREFIXES_MAX == CHECK_GATEWAY_PREFIXES_MAX, "checked at commit");

static enum vos_err refuse(const struct object *object, enum field_id id, const char *why,
			   struct vos_fault *fault)
{
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "%s %s %s", object_type(object_kind_of(object))->keyword,
		 object_key(object), field_get(id)->keyword);
	if (fault)
		memcpy(fault->path, path, sizeof(fault->path));
	fault_set(fault, FAULT_VALUE_RANGE, 0, "%s: %s", path, why);
	return VOS_EINVAL;
}

static int8_t port_layout_of(const struct object *object, enum field_id field)
{
	const struct value *value = object_field(object, field);

	return value->type == VALUE_ENUM ? (int8_t)value->number : -1;
}

static struct conf_party party_of(const struct object *object, enum field_id media_proxy,
				  enum field_id network)
{
	return (struct conf_party){
		.media_mode = (enum conf_media_mode)object_field(object, media_proxy)->number,
		.network = conf_field_text(object, network),
	};
}

static enum vos_err build_mapping(struct conf_mapping_gateway *gateway, const struct object *object,
				  struct vos_fault *fault)
{
	size_t count = object_list_count(object, FIELD_MAPPING_GATEWAY_ADDRESS);

	gateway->name = object_key(object);
	gateway->match_port = object_field(object, FIELD_MAPPING_GATEWAY_AUTHENTICATION)->number ==
			      WORD_GATEWAY_AUTHENTICATION_IP_PORT;
	gateway->lock = (enum conf_lock)object_field(object, FIELD_MAPPING_GATEWAY_LOCK)->number;
	gateway->party =
		party_of(object, FIELD_MAPPING_GATEWAY_MEDIA_PROXY, FIELD_MAPPING_GATEWAY_NETWORK);
	gateway->party.port_layout = port_layout_of(object, FIELD_MAPPING_GATEWAY_RTP_PORT_LAYOUT);
	gateway->party.learning =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_RTP_LEARNING)->number;
	gateway->party.rtp_detection =
		(uint8_t)object_field(object, FIELD_MAPPING_GATEWAY_RTP_INTERRUPT_DETECTION)
			->number;
	gateway->party.has_session_timer =
		object_field(object, FIELD_MAPPING_GATEWAY_SESSION_TIMER)->boolean;
	gateway->party.has_100rel = object_field(object, FIELD_MAPPING_GATEWAY_REL100)->boolean;
	if (count > CONF_GATEWAY_ADDRESSES_MAX)
		return refuse(object, FIELD_MAPPING_GATEWAY_ADDRESS, "too many addresses", fault);
	for (size_t i = 0; i < count; i++) {
		const struct value *value =
			object_list_at(object, FIELD_MAPPING_GATEWAY_ADDRESS, i);

		if (value->type != VALUE_STRING ||
		    !source_parse(span_of(value->text), &gateway->sources[i],
				  &gateway->source_ports[i]))
			return refuse(object, FIELD_MAPPING_GATEWAY_ADDRESS, "not a source", fault);
		gateway->source_count++;
	}
	return VOS_OK;
}

static enum vos_err build_mappings(struct conf *conf, const struct secret_key *key,
				   struct vos_fault *fault)
{
	struct conf_private *private = conf->private;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_MAPPING_GATEWAY);

	private->mappings = calloc(count + 1, sizeof(*private->mappings));
	if (!private->mappings)
		return VOS_ENOMEM;
	private->mapping_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(conf->snapshot, OBJECT_MAPPING_GATEWAY, i);
		struct conf_mapping_gateway *gateway = &private->mappings[i];
		enum vos_err err = build_mapping(gateway, object, fault);

		conf_set_ciphers(conf->snapshot, object, FIELD_MAPPING_GATEWAY_ENCRYPTION,
				 FIELD_MAPPING_GATEWAY_SRTP, &gateway->party);
		conf_set_media_words(object, &gateway->party);
		conf_set_addresses(conf, object, FIELD_MAPPING_GATEWAY_REPLY_ADDRESS,
				   FIELD_MAPPING_GATEWAY_REQUEST_ADDRESS, &gateway->party);
		if (!err)
			err = conf_build_mapping_rules(conf, object, gateway);
		if (!err)
			err = conf_open_ha1(conf, object, FIELD_MAPPING_GATEWAY_PASSWORD, key,
					    &gateway->ha1, &gateway->has_password, fault);
		if (err)
			return err;
		/* An address alone must not stand in for the password it asks for. */
		gateway->wants_password =
			object_field(object, FIELD_MAPPING_GATEWAY_AUTHENTICATION)->number ==
			WORD_GATEWAY_AUTHENTICATION_PASSWORD;
		if (gateway->wants_password)
			continue;
		for (uint8_t at = 0; at < gateway->source_count; at++) {
			struct prefix_entry entry = {
				.prefix = gateway->sources[at],
				.port = gateway->match_port ? gateway->source_ports[at] : 0,
				.target = (uint32_t)i,
				.priority = gateway->priority,
			};

			if (prefix_table_add(&private->sources, &entry))
				return VOS_ENOMEM;
		}
	}
	prefix_table_sort(&private->sources);
	return VOS_OK;
}

static enum vos_err build_routing(struct conf_routing_gateway *gateway, const struct object *object,
				  struct vos_fault *fault)
{
	size_t addresses = object_list_count(object, FIELD_ROUTING_GATEWAY_ADDRESS);
	size_t prefixes = object_list_count(object, FIELD_ROUTING_GATEWAY_PREFIXES);

	gateway->name = object_key(object);
	gateway->priority = (int32_t)object_field(object, FIELD_ROUTING_GATEWAY_PRIORITY)->number;
	gateway->lock = (enum conf_lock)object_field(object, FIELD_ROUTING_GATEWAY_LOCK)->number;
	gateway->party =
		party_of(object, FIELD_ROUTING_GATEWAY_MEDIA_PROXY, FIELD_ROUTING_GATEWAY_NETWORK);
	gateway->party.has_local_ring =
		object_field(object, FIELD_ROUTING_GATEWAY_LOCAL_RING)->boolean;
	gateway->party.local_ring_delay_s =
		(uint16_t)object_field(object, FIELD_ROUTING_GATEWAY_LOCAL_RING_DELAY)->number;
	gateway->party.port_layout = port_layout_of(object, FIELD_ROUTING_GATEWAY_RTP_PORT_LAYOUT);
	gateway->party.learning =
		(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_RTP_LEARNING)->number;
	gateway->party.rtp_detection =
		(uint8_t)object_field(object, FIELD_ROUTING_GATEWAY_RTP_INTERRUPT_DETECTION)
			->number;
	gateway->party.has_session_timer =
		object_field(object, FIELD_ROUTING_GATEWAY_SESSION_TIMER)->boolean;
	gateway->party.has_100rel = object_field(object, FIELD_ROUTING_GATEWAY_REL100)->boolean;
	gateway->transport =
		(enum conf_transport)object_field(object, FIELD_ROUTING_GATEWAY_TRANSPORT)->number;
	gateway->party.has_local_ring =
		object_field(object, FIELD_ROUTING_GATEWAY_LOCAL_RING)->boolean;
	gateway->local_address = conf_field_address(object, FIELD_ROUTING_GATEWAY_LOCAL_ADDRESS);
	gateway->reach =
		(enum conf_reach)object_field(object, FIELD_ROUTING_GATEWAY_REGISTRATION)->number;
	gateway->party.is_dynamic = gateway->reach == CONF_REACH_DYNAMIC;
	if (addresses > CONF_GATEWAY_ADDRESSES_MAX)
		return refuse(object, FIELD_ROUTING_GATEWAY_ADDRESS, "too many addresses", fault);
	if (prefixes > CONF_GATEWAY_PREFIXES_MAX)
		return refuse(object, FIELD_ROUTING_GATEWAY_PREFIXES, "too many prefixes", fault);
	for (size_t i = 0; i < addresses; i++) {
		struct addr address =
			object_list_at(object, FIELD_ROUTING_GATEWAY_ADDRESS, i)->address;

		if (address.port == 0)
			address.port = gateway->transport == CONF_TLS ? SIPS_PORT : SIP_PORT;
		gateway->addresses[gateway->address_count++] = address;
	}
	for (size_t i = 0; i < prefixes; i++)
		gateway->prefixes[gateway->prefix_count++] =
			object_list_at(object, FIELD_ROUTING_GATEWAY_PREFIXES, i)->text;
	return VOS_OK;
}

/* A gateway as a sort key of the route table; the index keeps the order of the names. */
struct route_key {
	struct route_prefix route;
	int32_t priority;
};

static int compare_route(const void *a, const void *b)
{
	const struct route_key *left = a;
	const struct route_key *right = b;
	int order = strcmp(left->route.text, right->route.text);

	if (order != 0)
		return order;
	if (left->priority != right->priority)
		return left->priority < right->priority ? -1 : 1;
	return left->route.gateway < right->route.gateway ? -1 : 1;
}

static size_t fill_keys(const struct conf_private *private, struct route_key *keys)
{
	size_t count = 0;

	for (size_t i = 0; i < private->routing_count; i++) {
		const struct conf_routing_gateway *gateway = &private->routings[i];
		struct route_key key = {.priority = gateway->priority,
					.route.gateway = (uint32_t)i};

		for (uint8_t at = 0; at < gateway->prefix_count; at++) {
			key.route.text = gateway->prefixes[at];
			keys[count++] = key;
		}
		key.route.text = "";
		if (gateway->prefix_count == 0)
			keys[count++] = key;
	}
	return count;
}

static enum vos_err build_routes(struct conf_private *private)
{
	struct route_key *keys;
	size_t most = 1;

	for (size_t i = 0; i < private->routing_count; i++)
		most += private->routings[i].prefix_count + 1u;
	keys = calloc(most, sizeof(*keys));
	private->routes = calloc(most, sizeof(*private->routes));
	if (!keys || !private->routes) {
		free(keys);
		return VOS_ENOMEM;
	}
	private->route_count = fill_keys(private, keys);
	qsort(keys, private->route_count, sizeof(*keys), compare_route);
	for (size_t i = 0; i < private->route_count; i++) {
		size_t len = strlen(keys[i].route.text);

		private->routes[i] = keys[i].route;
		if (len > private->route_longest)
		private->route_longest = len;
	}
	free(keys);
	return VOS_OK;
}

enum vos_err conf_build_gateways(struct conf *conf, const struct secret_key *key,
				 struct vos_fault *fault)
{
	struct conf_private *private = conf->private;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_ROUTING_GATEWAY);
	enum vos_err err = build_mappings(conf, key, fault);

	if (err)
		return err;
	private->routings = calloc(count + 1, sizeof(*private->routings));
	if (!private->routings)
		return VOS_ENOMEM;
	private->routing_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(conf->snapshot, OBJECT_ROUTING_GATEWAY, i);

		err = build_routing(&private->routings[i], object, fault);
		conf_set_ciphers(conf->snapshot, object, FIELD_ROUTING_GATEWAY_ENCRYPTION,
				 FIELD_ROUTING_GATEWAY_SRTP, &private->routings[i].party);
		conf_set_media_words(object, &private->routings[i].party);
		conf_set_addresses(conf, object, FIELD_ROUTING_GATEWAY_REPLY_ADDRESS,
				   FIELD_ROUTING_GATEWAY_REQUEST_ADDRESS,
				   &private->routings[i].party);
		if (!err)
			err = conf_build_routing_rules(conf, object, &private->routings[i]);
		if (!err)
			err = conf_open_ha1(conf, object, FIELD_ROUTING_GATEWAY_PASSWORD, key,
					    &private->routings[i].ha1,
					    &private->routings[i].has_password, fault);
		if (err)
			return err;
		private->dynamic_count += private->routings[i].reach == CONF_REACH_DYNAMIC;
	}
	return build_routes(private);
}

const struct conf_mapping_gateway *conf_mapping_gateway_find(const struct conf *conf,
							     const struct addr *source)
{
	const struct prefix_entry *entry = prefix_table_find(&conf->private->sources, source);

	return entry ? &conf->private->mappings[entry->target] : NULL;
}

const struct conf_mapping_gateway *conf_mapping_named(const struct conf *conf, struct span name)
{
	const struct conf_private *private = conf->private;
	size_t low = 0;
	size_t high = private->mapping_count;

	/* In the order of their names. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = span_compare(span_of(private->mappings[middle].name), name);

		if (order == 0)
			return &private->mappings[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct conf_routing_gateway *conf_routing_gateway_find(const struct conf *conf,
							     struct span name)
{
	const struct conf_private *private = conf->private;
	size_t low = 0;
	size_t high = private->routing_count;

	if (strnlen(name.ptr ? name.ptr : "", name.len) < name.len)
		return NULL; /* a NUL inside; no name has one */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *have = private->routings[middle].name;
		int order = strncmp(have, name.ptr ? name.ptr : "", name.len);

		if (order == 0 && have[name.len] != '\0')
			order = 1;
		if (order == 0)
			return &private->routings[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

/* -1, 0, 1: the prefix in the table against the first len bytes of the callee. */
static int compare_callee(const char *text, const char *callee, size_t len)
{
	int order = strncmp(text, callee, len);

	if (order != 0)
		return order;
	return text[len] == '\0' ? 0 : 1;
}

static size_t first_route(const struct conf_private *private, const char *callee, size_t len)
{
	size_t low = 0;
	size_t high = private->route_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_callee(private->routes[middle].text, callee, len) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Bytes of the longest of its prefixes that the callee has. */
static size_t longest_prefix(const struct conf_routing_gateway *gateway, const char *callee)
{
	size_t longest = 0;

	for (uint8_t i = 0; i < gateway->prefix_count; i++) {
		size_t len = strlen(gateway->prefixes[i]);

		if (len > longest && strncmp(gateway->prefixes[i], callee, len) == 0)
			longest = len;
	}
	return longest;
}

struct conf_match_walk conf_match_start(const struct conf *conf, const char *callee)
{
	size_t len = strnlen(callee, conf->private->route_longest);

	return (struct conf_match_walk){
		.conf = conf,
		.callee = callee,
		.len = len,
		.at = first_route(conf->private, callee, len),
	};
}

bool conf_match_next(struct conf_match_walk *walk, struct conf_match *out)
{
	const struct conf_private *private = walk->conf->private;

	for (;;) {
		const struct route_prefix *route = &private->routes[walk->at];
		const struct conf_routing_gateway *gateway;

		if (walk->at == private->route_count ||
		    compare_callee(route->text, walk->callee, walk->len) != 0) {
			if (walk->len == 0)
				return false;
			walk->at = first_route(private, walk->callee, --walk->len);
			continue;
		}
		walk->at++;
		gateway = &private->routings[route->gateway];
		/* With a longer one it has come before. */
		if (gateway->prefix_count > 1 && longest_prefix(gateway, walk->callee) != walk->len)
			continue;
		*out = (struct conf_match){gateway, walk->len};
		return true;
	}
}

bool conf_matches(const struct conf_routing_gateway *gateway, const char *callee)
{
	return gateway->prefix_count == 0 || longest_prefix(gateway, callee) > 0;
}

size_t conf_dynamic_count(const struct conf *conf)
{
	return conf->private->dynamic_count;
}

const struct conf_routing_gateway *conf_dynamic_next(const struct conf *conf, size_t *index)
{
	while (*index < conf->private->routing_count) {
		const struct conf_routing_gateway *gateway = &conf->private->routings[(*index)++];

		if (gateway->reach == CONF_REACH_DYNAMIC)
			return gateway;
	}
	return NULL;
}

size_t conf_routing_gateway_count(const struct conf *conf)
{
	return conf->private->routing_count;
}

const struct conf_routing_gateway *conf_routing_gateway_at(const struct conf *conf, size_t index)
{
	return &conf->private->routings[index];
}
