/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `local-address` of gateways, phones and registrations: one of the addresses that are listened on.
 */
#include "shared/config/check_private.h"

#include <stdio.h>

static const enum field_id listen_fields[] = {
	[WORD_TRANSPORT_UDP] = FIELD_LISTEN_UDP,
	[WORD_TRANSPORT_TCP] = FIELD_LISTEN_TCP,
	[WORD_TRANSPORT_TLS] = FIELD_LISTEN_TLS,
};

/* FIELD_COUNT: it has none. */
static const struct local_fields {
	enum object_kind kind;
	enum field_id local;
	enum field_id transport;
	enum field_id address; /* where it is */
	enum field_id registration;
	int64_t fixed; /* of the latter: the one with which the field is used */
} kinds[] = {
	{OBJECT_ROUTING_GATEWAY, FIELD_ROUTING_GATEWAY_LOCAL_ADDRESS,
	 FIELD_ROUTING_GATEWAY_TRANSPORT, FIELD_ROUTING_GATEWAY_ADDRESS,
	 FIELD_ROUTING_GATEWAY_REGISTRATION, WORD_GATEWAY_REGISTRATION_STATIC},
	{OBJECT_PHONE, FIELD_PHONE_LOCAL_ADDRESS, FIELD_PHONE_TRANSPORT, FIELD_PHONE_ADDRESS,
	 FIELD_PHONE_REGISTRATION, WORD_PHONE_REGISTRATION_STATIC},
	{OBJECT_REGISTRATION, FIELD_REGISTRATION_LOCAL_ADDRESS, FIELD_REGISTRATION_TRANSPORT,
	 FIELD_COUNT, FIELD_COUNT, 0},
};

/* Whether something is listened on there; the addresses that are, for a message. */
static bool is_listened_on(const struct check *check, enum field_id id, const struct addr *local,
			   struct buf *known)
{
	size_t count = snapshot_object_count(check->after, OBJECT_LISTEN);
	bool is_found = false;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct value *value =
			object_field(snapshot_object_at(check->after, OBJECT_LISTEN, i), id);

		if (value->type != VALUE_ADDRESS)
			continue;
		is_found |= addr_ip_eq(&value->address, local) &&
			    (!local->port || local->port == value->address.port);
		if (known->len < known->cap / 2)
			buf_printf(known, "%s%s", known->len ? ", " : "",
				   addr_print(&value->address, text));
	}
	return is_found;
}

static void check_address(struct check *check, const struct object *object,
			  const struct local_fields *fields, const char *path)
{
	const struct addr *local = &object_field(object, fields->local)->address;
	int64_t transport = object_field(object, fields->transport)->number;
	enum field_id id = listen_fields[transport];
	char memory[FAULT_TEXT_MAX / 2] = "";
	struct buf known = buf_over(memory, sizeof(memory) - 1);
	char text[ADDR_TEXT_MAX];

	/* What is listened on without a listen object. */
	if (snapshot_object_count(check->after, OBJECT_LISTEN) == 0 && id != FIELD_LISTEN_TLS) {
		static const struct addr standard = {
			.family = ADDR_IP4, .port = 5060, .ip = {127, 0, 0, 1}};

		if (addr_ip_eq(local, &standard) && (!local->port || local->port == standard.port))
			return;
		buf_add_lit(&known, "127.0.0.1:5060");
	}
	if (is_listened_on(check, id, local, &known))
		return;
	check_error(check, FAULT_VALUE_RANGE, path,
		    "%s: %s is not listened on for %s; these addresses are: %s", path,
		    local->port ? addr_print(local, text) : addr_print_ip(local, text),
		    field_get(id)->keyword, known.len ? memory : "none");
}

/* Both ends of a way are of one family. */
static void check_family(struct check *check, const struct object *object,
			 const struct local_fields *fields, const char *path)
{
	const struct addr *local = &object_field(object, fields->local)->address;
	const struct field *field = field_get(fields->address);
	size_t count = field->is_list ? object_list_count(object, fields->address) : 1;
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < count; i++) {
		const struct value *value = field->is_list
						    ? object_list_at(object, fields->address, i)
						    : object_field(object, fields->address);

		if (value->type != VALUE_ADDRESS || value->address.family == local->family)
			continue;
		check_error(check, FAULT_VALUE_RANGE, path,
			    "%s: from it nothing can be sent to %s; it has to be an IPv%d address",
			    path, addr_print_host(&value->address, text),
			    value->address.family == ADDR_IP4 ? 4 : 6);
		return;
	}
}

static void check_object(struct check *check, const struct object *object,
			 const struct local_fields *fields)
{
	char path[FAULT_PATH_MAX];

	if (object_field(object, fields->local)->type != VALUE_ADDRESS)
		return;
	snprintf(path, sizeof(path), "%s %s local-address", object_type(object->kind)->keyword,
		 object->key);
	check_address(check, object, fields, path);
	if (fields->address != FIELD_COUNT)
		check_family(check, object, fields, path);
}

static void warn_unused(struct check *check, const struct object *object,
			const struct local_fields *fields)
{
	char path[FAULT_PATH_MAX];

	if (!object_field_is_set(object, fields->local) || fields->registration == FIELD_COUNT ||
	    object_field(object, fields->registration)->number == fields->fixed)
		return;
	snprintf(path, sizeof(path), "%s %s local-address", object_type(object->kind)->keyword,
		 object->key);
	check_warning(check, path, "%s: not used, as it is called by the way that was registered",
		      path);
}

/* A listen address that is taken away concerns those that the change did not touch. */
static bool listens_changed(const struct check *check)
{
	struct check_walk walk = check_walk_start(check, OBJECT_LISTEN);
	const struct object *before;

	return check_walk_next(&walk, &before) ||
	       (check->before && snapshot_object_count(check->before, OBJECT_LISTEN) !=
					 snapshot_object_count(check->after, OBJECT_LISTEN));
}

void check_local_addresses(struct check *check)
{
	bool is_for_all = listens_changed(check);

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct check_walk walk = check_walk_start(check, kinds[i].kind);
		size_t count = is_for_all ? snapshot_object_count(check->after, kinds[i].kind) : 0;
		const struct object *before;
		const struct object *object;

		for (size_t at = 0; at < count; at++)
			check_object(check, snapshot_object_at(check->after, kinds[i].kind, at),
				     &kinds[i]);
		while ((object = check_walk_next(&walk, &before)) != NULL) {
			if (!is_for_all)
				check_object(check, object, &kinds[i]);
			warn_unused(check, object, &kinds[i]);
		}
	}
}
