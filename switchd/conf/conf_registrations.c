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
static enum vos_err read_server(struct conf *conf, struct conf_registration *registration,
				const char *server)
{
	struct arena *arena = &conf->private->rules.arena;
	uint16_t standard = registration->transport == CONF_TLS ? SIPS_PORT : SIP_PORT;
	struct span text = span_of(server);
	char printed[ADDR_TEXT_MAX];
	uint64_t port = 0;

	if (addr_parse(text, &registration->address)) {
		port = registration->address.port;
		registration->domain = arena_dup(
			arena, span_of(port ? addr_print(&registration->address, printed)
					    : addr_print_host(&registration->address, printed)));
		registration->host =
			arena_dup(arena, span_of(addr_print_host(&registration->address, printed)));
	} else {
		struct span host = {server, span_find(text, ':')};

		if (host.len < text.len)
			(void)span_to_u64(
				(struct span){server + host.len + 1, text.len - host.len - 1},
				UINT16_MAX, &port);
		registration->domain = arena_dup(arena, text);
		registration->host = arena_dup(arena, host);
	}
	registration->port = port ? (uint16_t)port : standard;
	registration->has_port = port != 0;
	if (registration->address.family != ADDR_NONE)
		registration->address.port = registration->port;
	return registration->domain && registration->host ? VOS_OK : VOS_ENOMEM;
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
	err = read_server(conf, out, text_of(object, FIELD_REGISTRATION_SERVER));
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

bool conf_registration_is_other(const struct conf_registration *before,
				const struct conf_registration *after)
{
	return strcmp(before->domain, after->domain) != 0 ||
	       before->transport != after->transport || before->port != after->port ||
	       strcmp(before->account, after->account) != 0;
}

bool conf_registration_asks_other(const struct conf_registration *before,
				  const struct conf_registration *after)
{
	return strcmp(before->auth_name, after->auth_name) != 0 ||
	       before->password_len != after->password_len ||
	       memcmp(before->password, after->password, after->password_len) != 0 ||
	       before->expire_s != after->expire_s || before->is_auto != after->is_auto;
}
