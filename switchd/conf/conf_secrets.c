/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sealed passwords and tokens of objects, opened when a conf is built. */
#include "switchd/conf/conf_private.h"

#include <stdio.h>
#include <string.h>

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
	snprintf(path, sizeof(path), "%s%s%s %s", object_type(object_kind_of(object))->keyword,
		 object_key(object)[0] ? " " : "", object_key(object), field_get(field)->keyword);
	if (fault)
		memcpy(fault->path, path, sizeof(fault->path));
	fault_set(fault, FAULT_VALUE_FORMAT, 0, "%s: %s; set the password again", path,
		  err == VOS_EPERM ? "it was sealed on another host, or altered"
				   : "it is not sealed text");
	return err;
}

/* --- Tokens for HTTP. --- */

struct post_fields {
	enum object_kind kind;
	enum field_id url;
	enum field_id token;
	enum field_id timeout;
};

/* It becomes part of a header. */
static enum vos_err check_token(const char *token, const struct post_fields *fields,
				struct vos_fault *fault)
{
	for (; *token; token++) {
		if (*token > ' ' && *token <= '~')
			continue;
		fault_set(fault, FAULT_VALUE_FORMAT, 0,
			  "%s %s: a token has no blanks, and nothing but ASCII",
			  object_type(fields->kind)->keyword, field_get(fields->token)->keyword);
		return VOS_EINVAL;
	}
	return VOS_OK;
}

static enum vos_err open_post(const struct conf *conf, const struct post_fields *fields,
			      const struct secret_key *key, struct conf_post *out,
			      struct vos_fault *fault)
{
	const struct object *object =
		snapshot_object_find(conf->snapshot, fields->kind, SPAN_LIT(""));
	enum vos_err err;
	size_t len;

	if (!object)
		return VOS_OK;
	if (object_field(object, fields->url)->type == VALUE_STRING)
		snprintf(out->url, sizeof(out->url), "%s", object_field(object, fields->url)->text);
	out->timeout_s = (int)object_field(object, fields->timeout)->number;
	err = conf_open_secret(object, fields->token, key, out->token, &len, fault);
	return err ? err : check_token(out->token, fields, fault);
}

enum vos_err conf_open_posts(struct conf *conf, const struct secret_key *key,
			     struct vos_fault *fault)
{
	static const struct post_fields cdr = {OBJECT_CDR, FIELD_CDR_PUSH_URL, FIELD_CDR_PUSH_TOKEN,
					       FIELD_CDR_PUSH_TIMEOUT};
	static const struct post_fields alarm = {OBJECT_ALARM_HOOK, FIELD_ALARM_HOOK_POST,
						 FIELD_ALARM_HOOK_TOKEN,
						 FIELD_ALARM_HOOK_TIME_LIMIT};
	enum vos_err err = open_post(conf, &cdr, key, &conf->cdr_push, fault);

	return err ? err : open_post(conf, &alarm, key, &conf->alarm_post, fault);
}

bool conf_post_eq(const struct conf_post *a, const struct conf_post *b)
{
	return strcmp(a->url, b->url) == 0 && strcmp(a->token, b->token) == 0 &&
	       a->timeout_s == b->timeout_s;
}

/* --- Passwords. --- */

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
