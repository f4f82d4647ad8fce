/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/conf/conf_registrations.h"

#include <stdio.h>
#include <stdlib.h>

#include "switchd/conf/conf_private.h"

#define SIP_PORT  5060
#define SIPS_PORT 5061 /* RFC 3261 section 19.1.2 */

static const char *text_of(const struct object *object, enum field_id id)
{
	return conf_field_text(object, id);
}

/* "host", "host:port", "[2001:db8::1]:5060": the catalogue lets nothing else in. */
struct place {
	struct addr address; /* family ADDR_NONE: host is a name */
	struct span host;    /* of a name */
	uint16_t port;       /* 0: none was given */
};

static struct place read_place(const char *text)
{
	struct span rest = span_of(text);
	struct place place = {.host = {text, span_find(rest, ':')}};
	uint64_t port = 0;

	if (addr_parse(rest, &place.address)) {
		place.port = place.address.port;
	} else if (place.host.len < rest.len) {
		rest = (struct span){text + place.host.len + 1, rest.len - place.host.len - 1};
		(void)span_to_u64(rest, UINT16_MAX, &port);
		place.port = (uint16_t)port;
	}
	return place;
}

static const char *keep_host(struct arena *arena, const struct place *place)
{
	char printed[ADDR_TEXT_MAX];

	return arena_dup(arena, place->address.family == ADDR_NONE
					? place->host
					: span_of(addr_print_host(&place->address, printed)));
}

/* What stands in URIs. */
static enum vos_err read_names(struct conf *conf, struct conf_registration *registration,
			       const char *text)
{
	struct arena *arena = &conf->private->rules.arena;
	struct place place = read_place(text);
	char printed[ADDR_TEXT_MAX];

	registration->host = keep_host(arena, &place);
	if (place.address.family == ADDR_NONE)
		registration->domain = arena_dup(arena, span_of(text));
	else if (place.port)
		registration->domain =
			arena_dup(arena, span_of(addr_print(&place.address, printed)));
	else
		registration->domain = registration->host;
	return registration->domain && registration->host ? VOS_OK : VOS_ENOMEM;
}

/* Where it is sent. */
static enum vos_err read_hop(struct conf *conf, struct conf_registration *registration,
			     const char *text)
{
	struct place place = read_place(text);

	registration->hop = keep_host(&conf->private->rules.arena, &place);
	registration->address = place.address;
	registration->has_port = place.port != 0;
	registration->port = place.port                            ? place.port
			     : registration->transport == CONF_TLS ? SIPS_PORT
								   : SIP_PORT;
	if (place.address.family != ADDR_NONE)
		registration->address.port = registration->port;
	return registration->hop ? VOS_OK : VOS_ENOMEM;
}

static enum vos_err read_way(struct conf *conf, struct conf_registration *registration,
			     const struct object *object)
{
	const char *server = text_of(object, FIELD_REGISTRATION_SERVER);
	const char *host = text_of(object, FIELD_REGISTRATION_HOST);
	const char *proxy = text_of(object, FIELD_REGISTRATION_PROXY);

	registration->server = server;
	registration->local_address = conf_field_address(object, FIELD_REGISTRATION_LOCAL_ADDRESS);
	registration->user_agent = text_of(object, FIELD_REGISTRATION_USER_AGENT);
	if (read_names(conf, registration, *host ? host : server) ||
	    read_hop(conf, registration, *proxy ? proxy : server))
		return VOS_ENOMEM;
	return VOS_OK;
}

static enum vos_err read_capacity(struct conf *conf, struct conf_registration *registration,
				  const struct object *object)
{
	registration->capacity =
		(uint32_t)object_field(object, FIELD_REGISTRATION_CAPACITY)->number;
	if (!registration->capacity)
		return VOS_OK;
	registration->live = live_get(conf->private->live, LIVE_REGISTRATION, registration->name);
	return registration->live ? VOS_OK : VOS_ENOMEM;
}

static void read_times(struct conf_registration *registration, const struct object *object,
		       const struct snapshot *config)
{
	const struct value *expire = object_field(object, FIELD_REGISTRATION_EXPIRE);
	const struct value *delay = object_field(object, FIELD_REGISTRATION_RETRY_DELAY);
	int64_t expire_s = expire->type == VALUE_NONE
				   ? snapshot_number(config, PARAM_SS_SIP_USER_AGENT_EXPIRE)
				   : expire->number;

	registration->is_auto = expire_s < 0;
	registration->expire_s = expire_s < 0 ? CONF_EXPIRE_AUTO_S : (uint32_t)expire_s;
	registration->retry_delay_s =
		(uint32_t)(delay->type == VALUE_NONE
				   ? snapshot_number(config, PARAM_SS_SIP_USER_AGENT_RETRY_DELAY)
				   : delay->number);
}

static enum vos_err build(struct conf *conf, const struct object *object,
			  const struct secret_key *key, struct conf_registration *out,
			  struct vos_fault *fault)
{
	const char *auth_name = text_of(object, FIELD_REGISTRATION_AUTH_NAME);
	const char *gateway = text_of(object, FIELD_REGISTRATION_ROUTING_GATEWAY);
	const char *mapping = text_of(object, FIELD_REGISTRATION_MAPPING_GATEWAY);
	enum vos_err err;

	out->name = object_key(object);
	out->transport =
		(enum conf_transport)object_field(object, FIELD_REGISTRATION_TRANSPORT)->number;
	out->account = text_of(object, FIELD_REGISTRATION_ACCOUNT);
	out->auth_name = *auth_name ? auth_name : out->account;
	out->from_account = object_field(object, FIELD_REGISTRATION_FROM)->number ==
			    WORD_REGISTRATION_FROM_ACCOUNT;
	read_times(out, object, conf->snapshot);
	if (*gateway)
		out->gateway = conf_routing_gateway_find(conf, span_of(gateway));
	if (*mapping)
		out->mapping = conf_mapping_named(conf, span_of(mapping));
	out->trunk = trunk_get(conf->private->trunks, out->name);
	if (!out->trunk)
		return VOS_ENOMEM;
	err = read_way(conf, out, object);
	if (!err)
		err = read_capacity(conf, out, object);
	return err ? err
		   : conf_open_secret(object, FIELD_REGISTRATION_PASSWORD, key, out->password,
				      &out->password_len, fault);
}

static int compare_account(const void *a, const void *b)
{
	const struct conf_registration *const *left = a;
	const struct conf_registration *const *right = b;
	int order = strcmp((*left)->account, (*right)->account);

	return order ? order : strcmp((*left)->name, (*right)->name);
}

/* Those by which calls come in, by account; and to each gateway its own. */
static enum vos_err index_all(struct conf *conf)
{
	struct conf_private *private = conf->private;
	size_t count = private->registration_count;

	private->callers = calloc(count + 1, sizeof(*private->callers));
	private->by_gateway = calloc(count + 1, sizeof(*private->by_gateway));
	if (!private->callers || !private->by_gateway)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (private->registrations[i].mapping)
	private->callers[private->caller_count++] = &private->registrations[i];
	qsort(private->callers, private->caller_count, sizeof(*private->callers), compare_account);
	count = 0;
	for (size_t i = 0; i < private->routing_count; i++) {
		struct conf_routing_gateway *gateway = &private->routings[i];

		if (gateway->reach != CONF_REACH_REGISTER)
			continue;
		gateway->registrations = &private->by_gateway[count];
		for (size_t at = 0; at < private->registration_count; at++)
			if (private->registrations[at].gateway == gateway) {
				private->by_gateway[count++] = &private->registrations[at];
				gateway->registration_count++;
			}
	}
	return VOS_OK;
}

enum vos_err conf_build_registrations(struct conf *conf, const struct secret_key *key,
				      struct vos_fault *fault)
{
	struct conf_private *private = conf->private;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_REGISTRATION);

	private->registrations = calloc(count + 1, sizeof(*private->registrations));
	if (!private->registrations)
		return VOS_ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct object *object =
			snapshot_object_at(conf->snapshot, OBJECT_REGISTRATION, i);
		enum vos_err err;

		if (!*text_of(object, FIELD_REGISTRATION_SERVER) ||
		    !*text_of(object, FIELD_REGISTRATION_ACCOUNT))
			continue;
		err = build(conf, object, key,
			    &private->registrations[private->registration_count++], fault);
		if (err)
			return err;
	}
	return index_all(conf);
}

void conf_free_registrations(struct conf_private *private)
{
	if (private->registrations)
		secret_wipe(private->registrations,
			    private->registration_count * sizeof(*private->registrations));
	free(private->registrations);
	free(private->callers);
	free(private->by_gateway);
	trunk_table_unref(private->trunks);
}

size_t conf_registration_count(const struct conf *conf)
{
	return conf->private->registration_count;
}

const struct conf_registration *conf_registration_at(const struct conf *conf, size_t index)
{
	return &conf->private->registrations[index];
}

static int compare_text(const char *have, struct span wanted)
{
	size_t len = strlen(have);
	size_t least = len < wanted.len ? len : wanted.len;
	int order = least ? memcmp(have, wanted.ptr, least) : 0;

	if (order)
		return order;
	return len < wanted.len ? -1 : len > wanted.len;
}

const struct conf_registration *conf_registration_find(const struct conf *conf, struct span name)
{
	const struct conf_private *private = conf->private;
	size_t low = 0;
	size_t high = private->registration_count;

	/* In the order of their names. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_text(private->registrations[middle].name, name);

		if (order == 0)
			return &private->registrations[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct conf_registration *
conf_registration_of_caller(const struct conf *conf, struct span account, const struct addr *source)
{
	const struct conf_private *private = conf->private;
	size_t low = 0;
	size_t high = private->caller_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_text(private->callers[middle]->account, account) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < private->caller_count; low++) {
		const struct conf_registration *registration = private->callers[low];
		struct trunk_way way;

		if (compare_text(registration->account, account) != 0)
			break;
		if (trunk_get_way(registration->trunk, &way) && addr_ip_eq(&way.server, source))
			return registration;
	}
	return NULL;
}

static bool has_line(const struct conf_registration *registration, uint64_t now_us)
{
	return !registration->live ||
	       live_would_admit(registration->live, registration->capacity, 0, now_us) == LIVE_OK;
}

const struct conf_registration *conf_registration_way(const struct conf_routing_gateway *gateway,
						      struct trunk_way *out)
{
	for (size_t i = 0; i < gateway->registration_count; i++) {
		const struct trunk *trunk = gateway->registrations[i]->trunk;

		if (atomic_load(&trunk->is_up) && trunk_get_way(trunk, out))
			return gateway->registrations[i];
	}
	return NULL;
}

const struct conf_registration *
conf_registration_free_way(const struct conf_routing_gateway *gateway, uint64_t now_us,
			   struct trunk_way *out)
{
	for (size_t i = 0; i < gateway->registration_count; i++) {
		const struct conf_registration *registration = gateway->registrations[i];

		if (atomic_load(&registration->trunk->is_up) && has_line(registration, now_us) &&
		    trunk_get_way(registration->trunk, out))
			return registration;
	}
	return NULL;
}

bool conf_registrations_are_full(const struct conf_routing_gateway *gateway, uint64_t now_us)
{
	bool is_full = false;

	for (size_t i = 0; i < gateway->registration_count; i++) {
		const struct conf_registration *registration = gateway->registrations[i];

		if (!atomic_load(&registration->trunk->is_up))
			continue;
		if (has_line(registration, now_us))
			return false;
		is_full = true;
	}
	return is_full;
}

/* The Contact and who has it: what another proxy leads to is still the same one. */
bool conf_registration_is_other(const struct conf_registration *before,
				const struct conf_registration *after)
{
	return strcmp(before->server, after->server) != 0 ||
	       strcmp(before->domain, after->domain) != 0 ||
	       before->transport != after->transport ||
	       strcmp(before->account, after->account) != 0 ||
	       !addr_eq(&before->local_address, &after->local_address);
}

bool conf_registration_goes_elsewhere(const struct conf_registration *before,
				      const struct conf_registration *after)
{
	return strcmp(before->hop, after->hop) != 0 || before->port != after->port ||
	       before->has_port != after->has_port;
}

bool conf_registration_asks_other(const struct conf_registration *before,
				  const struct conf_registration *after)
{
	return conf_registration_goes_elsewhere(before, after) ||
	       strcmp(before->user_agent, after->user_agent) != 0 ||
	       strcmp(before->auth_name, after->auth_name) != 0 ||
	       before->password_len != after->password_len ||
	       memcmp(before->password, after->password, after->password_len) != 0 ||
	       before->expire_s != after->expire_s || before->is_auto != after->is_auto;
}
