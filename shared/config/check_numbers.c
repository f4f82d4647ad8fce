/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sets of numbers, and those who take numbers of them: what comes to nothing is warned about, as it
 * may be on its way to be completed. */
#include "shared/config/check_private.h"

#include <stdio.h>

static void check_group(struct check *check, const struct object *object)
{
	char path[FAULT_PATH_MAX];

	if (object_field_is_set(object, FIELD_NUMBER_GROUP_NUMBER))
		return;
	snprintf(path, sizeof(path), "number-group %s", object->key);
	check_warning(check, path,
		      "%s has no number: rules that allow it let no call through, and none can be "
		      "taken from it",
		      path);
}

static void check_pool(struct check *check, const struct object *object)
{
	char path[FAULT_PATH_MAX];

	if (object_field_is_set(object, FIELD_NUMBER_POOL_NUMBER) ||
	    object_field_is_set(object, FIELD_NUMBER_POOL_NUMBER_GROUP))
		return;
	snprintf(path, sizeof(path), "number-pool %s", object->key);
	check_warning(check, path,
		      "%s has no number: no call can go by gateways that take theirs from it",
		      path);
}

static void check_rewriting(struct check *check, const struct object *object)
{
	char path[FAULT_PATH_MAX];

	if (!object_field_is_set(object, FIELD_ROUTING_GATEWAY_FORWARD_SIGNAL_REWRITE) ||
	    object_field(object, FIELD_ROUTING_GATEWAY_DIVERSION)->boolean)
		return;
	snprintf(path, sizeof(path), "routing-gateway %s forward-signal-rewrite", object->key);
	check_warning(check, path, "%s: it is sent no Diversion, as its diversion is off", path);
}

void check_numbers(struct check *check)
{
	static const struct {
		enum object_kind kind;
		void (*look)(struct check *check, const struct object *object);
	} kinds[] = {
		{OBJECT_NUMBER_GROUP, check_group},
		{OBJECT_NUMBER_POOL, check_pool},
		{OBJECT_ROUTING_GATEWAY, check_rewriting},
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct check_walk walk = check_walk_start(check, kinds[i].kind);
		const struct object *before;
		const struct object *object;

		while ((object = check_walk_next(&walk, &before)) != NULL)
			kinds[i].look(check, object);
	}
}
