/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What encryption of the media and the ring tone need to work. */
#include "shared/config/check_private.h"

#include <stdio.h>

static const struct cipher_fields {
	enum object_kind kind;
	enum field_id encryption;
	enum field_id srtp;
} parties[] = {
	{OBJECT_PHONE, FIELD_PHONE_ENCRYPTION, FIELD_PHONE_SRTP},
	{OBJECT_MAPPING_GATEWAY, FIELD_MAPPING_GATEWAY_ENCRYPTION, FIELD_MAPPING_GATEWAY_SRTP},
	{OBJECT_ROUTING_GATEWAY, FIELD_ROUTING_GATEWAY_ENCRYPTION, FIELD_ROUTING_GATEWAY_SRTP},
};

static bool is_scrambled(const struct check *check, const struct object *object,
			 const struct cipher_fields *fields)
{
	int64_t mode = object_field(object, fields->encryption)->number;

	if (mode == WORD_PARTY_ENCRYPTION_SYSTEM)
		return snapshot_number(check->after, PARAM_SS_RTP_ENCRYPTION_MODE) !=
		       WORD_RTP_ENCRYPTION_NONE;
	return mode != WORD_PARTY_ENCRYPTION_NONE;
}

static void check_party(struct check *check, const struct object *object,
			const struct cipher_fields *fields)
{
	bool has_srtp = object_field(object, fields->srtp)->number != WORD_PARTY_SRTP_OFF;
	bool scrambles = is_scrambled(check, object, fields);
	char path[FAULT_PATH_MAX];

	snprintf(path, sizeof(path), "%s %s encryption", object_type(object->kind)->keyword,
		 object->key);
	if (scrambles && !has_srtp &&
	    snapshot_param(check->after, PARAM_SS_RTP_ENCRYPTION_KEY)->type != VALUE_SECRET)
		check_error(check, FAULT_REF_MISSING, path,
			    "%s: there is no key; set SS_RTP_ENCRYPTION_KEY", path);
	if (scrambles && has_srtp)
		check_warning(check, path, "%s is not done where there is srtp", path);
	snprintf(path, sizeof(path), "%s %s srtp", object_type(object->kind)->keyword, object->key);
	if (has_srtp && !snapshot_bool(check->after, PARAM_SS_SRTP_TLS_ONLY))
		check_warning(check, path,
			      "%s: its keys can be read where its signalling is not TLS; see "
			      "SS_SRTP_TLS_ONLY",
			      path);
	else if (has_srtp && !check_has_listen(check, FIELD_LISTEN_TLS))
		check_warning(check, path,
			      "%s: keys pass over TLS only (SS_SRTP_TLS_ONLY), and no listen "
			      "address has tls",
			      path);
}

/* A key that is taken away, or a mode that comes, concerns parties that the change did not touch.
 */
static void check_all(struct check *check, const struct cipher_fields *fields)
{
	size_t count = snapshot_object_count(check->after, fields->kind);

	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(check->after, fields->kind, i);

		if (is_scrambled(check, object, fields) &&
		    object_field(object, fields->srtp)->number == WORD_PARTY_SRTP_OFF) {
			check_party(check, object, fields);
			return;
		}
	}
}

static void check_ring_file(struct check *check)
{
	const struct value *path = snapshot_param(check->after, PARAM_IVR_RING_FILE);
	struct vos_fault fault = {0};

	if (path->type != VALUE_STRING || !check_param_changed(check, PARAM_IVR_RING_FILE) ||
	    !check->facts.is_ring_file_good || check->facts.is_ring_file_good(path->text, &fault))
		return;
	check_error(check, FAULT_VALUE_RANGE, "param IVR_RING_FILE", "IVR_RING_FILE: %s",
		    fault.text);
}

/* It may come later, as that of a tunnel does. */
static void check_interfaces(struct check *check)
{
	struct check_walk walk = check_walk_start(check, OBJECT_NETWORK);
	const struct object *before;
	const struct object *object;
	char path[FAULT_PATH_MAX];

	while ((object = check_walk_next(&walk, &before))) {
		const struct value *name = object_field(object, FIELD_NETWORK_INTERFACE);

		if (name->type != VALUE_STRING || !check->facts.has_interface ||
		    check->facts.has_interface(name->text))
			continue;
		snprintf(path, sizeof(path), "network %s interface", object->key);
		check_warning(check, path,
			      "%s: the machine has no %s now; until it comes, media goes "
			      "as routes say",
			      path, name->text);
	}
}

void check_media(struct check *check)
{
	bool key_is_gone =
		snapshot_param(check->after, PARAM_SS_RTP_ENCRYPTION_KEY)->type != VALUE_SECRET &&
		(check_param_changed(check, PARAM_SS_RTP_ENCRYPTION_KEY) ||
		 check_param_changed(check, PARAM_SS_RTP_ENCRYPTION_MODE));

	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		struct check_walk walk = check_walk_start(check, parties[i].kind);
		const struct object *before;
		const struct object *object;

		if (key_is_gone) {
			check_all(check, &parties[i]);
			continue;
		}
		while ((object = check_walk_next(&walk, &before)))
			check_party(check, object, &parties[i]);
	}
	check_ring_file(check);
	check_interfaces(check);
}
