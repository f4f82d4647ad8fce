/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations in either direction: what lacks something that it cannot work without. All of it
 * may be on its way to be completed, so it is only warned about. */
#include "shared/config/check_private.h"

#include <stdio.h>

static void warn(struct check *check, const struct object *object, enum field_id id,
		 const char *what)
{
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "%s %s %s", object_type(object->kind)->keyword, object->key,
		 field_get(id)->keyword);
	check_warning(check, path, "%s: %s", path, what);
}

static const char *text_of(const struct object *object, enum field_id id)
{
	const struct value *value = object_field(object, id);

	return value->type == VALUE_STRING && value->text ? value->text : "";
}

/* --- Ours at other servers. --- */

static void check_gateway_of(struct check *check, const struct object *registration)
{
	const char *name = text_of(registration, FIELD_REGISTRATION_ROUTING_GATEWAY);
	const struct object *gateway =
		*name ? snapshot_object_find(check->after, OBJECT_ROUTING_GATEWAY, span_of(name))
		      : NULL;

	if (gateway && object_field(gateway, FIELD_ROUTING_GATEWAY_REGISTRATION)->number !=
			       WORD_GATEWAY_REGISTRATION_REGISTER)
		warn(check, registration, FIELD_REGISTRATION_ROUTING_GATEWAY,
		     "that gateway has not registration register, so its calls do not use it");
}

static void check_registration(struct check *check, const struct object *object)
{
	static const enum field_id listens[] = {
		[WORD_TRANSPORT_UDP] = FIELD_LISTEN_UDP,
		[WORD_TRANSPORT_TCP] = FIELD_LISTEN_TCP,
		[WORD_TRANSPORT_TLS] = FIELD_LISTEN_TLS,
	};
	int64_t transport = object_field(object, FIELD_REGISTRATION_TRANSPORT)->number;

	if (!*text_of(object, FIELD_REGISTRATION_SERVER))
		warn(check, object, FIELD_REGISTRATION_SERVER, "without it nothing is registered");
	if (!*text_of(object, FIELD_REGISTRATION_ACCOUNT))
		warn(check, object, FIELD_REGISTRATION_ACCOUNT, "without it nothing is registered");
	if (!check_has_listen(check, listens[transport]))
		warn(check, object, FIELD_REGISTRATION_TRANSPORT,
		     "no listen address has it, so that nothing can be sent");
	check_gateway_of(check, object);
}

/* --- Gateways. --- */

static bool has_registration(const struct check *check, const char *gateway)
{
	size_t count = snapshot_object_count(check->after, OBJECT_REGISTRATION);

	for (size_t i = 0; i < count; i++)
		if (strcmp(text_of(snapshot_object_at(check->after, OBJECT_REGISTRATION, i),
				   FIELD_REGISTRATION_ROUTING_GATEWAY),
			   gateway) == 0)
			return true;
	return false;
}

static void check_routing(struct check *check, const struct object *object)
{
	int64_t reach = object_field(object, FIELD_ROUTING_GATEWAY_REGISTRATION)->number;

	if (reach == WORD_GATEWAY_REGISTRATION_REGISTER && !has_registration(check, object->key))
		warn(check, object, FIELD_ROUTING_GATEWAY_REGISTRATION,
		     "no registration names this gateway, so that it cannot be called");
	if (reach == WORD_GATEWAY_REGISTRATION_DYNAMIC &&
	    !object_field_is_set(object, FIELD_ROUTING_GATEWAY_PASSWORD))
		warn(check, object, FIELD_ROUTING_GATEWAY_REGISTRATION,
		     "without a password it cannot register");
}

static void check_mapping(struct check *check, const struct object *object)
{
	if (object_field(object, FIELD_MAPPING_GATEWAY_AUTHENTICATION)->number ==
		    WORD_GATEWAY_AUTHENTICATION_PASSWORD &&
	    !object_field_is_set(object, FIELD_MAPPING_GATEWAY_PASSWORD))
		warn(check, object, FIELD_MAPPING_GATEWAY_AUTHENTICATION,
		     "without a password no call can be from it");
}

void check_registrations(struct check *check)
{
	static const struct {
		enum object_kind kind;
		void (*fn)(struct check *check, const struct object *object);
	} kinds[] = {
		{OBJECT_REGISTRATION, check_registration},
		{OBJECT_ROUTING_GATEWAY, check_routing},
		{OBJECT_MAPPING_GATEWAY, check_mapping},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct check_walk walk = check_walk_start(check, kinds[i].kind);
		const struct object *before;
		const struct object *object;

		while ((object = check_walk_next(&walk, &before)) != NULL)
			kinds[i].fn(check, object);
	}
}
