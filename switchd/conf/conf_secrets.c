/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed passwords of objects, opened when a conf is built. */
#include "switchd/conf/conf_private.h"

#include <stdio.h>

enum vos_err conf_open_secret(const struct object *object, enum field_id field,
			      const struct secret_key *key, char plain[SECRET_PLAIN_MAX + 1],
			      size_t *len, struct vos_fault *fault)
{
	const struct value *value = object_field(object, field);
	char path[FAULT_PATH_MAX];
	enum vos_err err;

	*len = 0;
	plain[0] = '\0';
	if (value->type != VALUE_SECRET)
		return VOS_OK;
	err = secret_open(key, span_of(value->text), plain, len);
	if (!err)
		return VOS_OK;
	snprintf(path, sizeof(path), "%s %s %s", object_type(object_kind_of(object))->keyword,
		 object_key(object), field_get(field)->keyword);
	if (fault)
		memcpy(fault->path, path, sizeof(fault->path));
	fault_set(fault, FAULT_VALUE_FORMAT, 0, "%s: %s; set the password again", path,
		  err == VOS_EPERM ? "it was sealed on another host, or altered"
				   : "it is not sealed text");
	return err;
}

enum vos_err conf_open_ha1(const struct conf *conf, const struct object *object,
			   enum field_id field, const struct secret_key *key, struct conf_ha1 *out,
			   bool *has_password, struct vos_fault *fault)
{
	char plain[SECRET_PLAIN_MAX + 1];
	size_t len;
	enum vos_err err;

	*has_password = object_field(object, field)->type == VALUE_SECRET;
	if (!*has_password)
		return VOS_OK;
	err = conf_open_secret(object, field, key, plain, &len, fault);
	if (!err)
		conf_ha1(span_of(object_key(object)), span_of(conf->realm),
			 (struct span){plain, len}, out);
	secret_wipe(plain, sizeof(plain));
	return err;
}
