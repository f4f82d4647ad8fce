/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones: their digest secrets, opened once a commit, and the table that finds them by number. */
#include "switchd/conf/conf_private.h"

#include <md5.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>

#define SIP_PORT  5060
#define SIPS_PORT 5061

void conf_ha1(struct span user, struct span realm, struct span password, struct conf_ha1 *out)
{
	const struct span parts[] = {user, SPAN_LIT(":"), realm, SPAN_LIT(":"), password};
	MD5_CTX md5;
	SHA2_CTX sha;

	MD5Init(&md5);
	SHA256Init(&sha);
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (!parts[i].len)
			continue;
		MD5Update(&md5, (const uint8_t *)parts[i].ptr, parts[i].len);
		SHA256Update(&sha, (const uint8_t *)parts[i].ptr, parts[i].len);
	}
	MD5Final(out->md5, &md5);
	SHA256Final(out->sha256, &sha);
	secret_wipe(&md5, sizeof(md5));
	secret_wipe(&sha, sizeof(sha));
}

static const char *sealed_password(const struct object *object)
{
	const struct value *value = object_field(object, FIELD_PHONE_PASSWORD);

	return value->type == VALUE_SECRET ? value->text : NULL;
}

static enum vos_err open_password(struct conf_phone *phone, const char *sealed, const char *realm,
				  const struct secret_key *key, struct vos_fault *fault)
{
	char plain[SECRET_PLAIN_MAX + 1];
	size_t len;
	enum vos_err err = secret_open(key, span_of(sealed), plain, &len);

	if (err) {
		if (fault)
			snprintf(fault->path, sizeof(fault->path), "phone %s password",
				 phone->number);
		fault_set(fault, FAULT_VALUE_FORMAT, 0,
			  "phone %s password: %s; set the password again", phone->number,
			  err == VOS_EPERM ? "it was sealed on another host, or altered"
					   : "it is not sealed text");
		return err;
	}
	conf_ha1(span_of(phone->number), span_of(realm), (struct span){plain, len}, &phone->ha1);
	secret_wipe(plain, sizeof(plain));
	return VOS_OK;
}

static void set_identity(struct conf_phone *phone, const struct object *object)
{
	const struct value *privacy = object_field(object, FIELD_PHONE_PRIVACY);

	phone->recognises_privacy = object_field(object, FIELD_PHONE_RECOGNISE_PRIVACY)->boolean;
	phone->recognises_identity = object_field(object, FIELD_PHONE_RECOGNISE_IDENTITY)->boolean;
	phone->presentation = (struct conf_presentation){
		.privacy = privacy->type == VALUE_NONE ? -1 : (int8_t)privacy->number,
		.display_from = (int8_t)object_field(object, FIELD_PHONE_DISPLAY_FROM)->number,
		.asserted_identity =
			(uint8_t)object_field(object, FIELD_PHONE_ASSERTED_IDENTITY)->number,
		.preferred_identity =
			(uint8_t)object_field(object, FIELD_PHONE_PREFERRED_IDENTITY)->number,
		.has_remote_party_id = object_field(object, FIELD_PHONE_REMOTE_PARTY_ID)->boolean,
	};
}

static void set_phone(struct conf_phone *phone, const struct object *object)
{
	const struct value *address = object_field(object, FIELD_PHONE_ADDRESS);
	const struct value *layout = object_field(object, FIELD_PHONE_RTP_PORT_LAYOUT);

	phone->number = object_key(object);
	phone->display_name = conf_field_text(object, FIELD_PHONE_NAME);
	phone->lock = (enum conf_lock)object_field(object, FIELD_PHONE_LOCK)->number;
	phone->keepalive = (uint8_t)object_field(object, FIELD_PHONE_KEEPALIVE)->number;
	phone->max_addresses = (uint8_t)object_field(object, FIELD_PHONE_MAX_ADDRESSES)->number;
	phone->is_static = object_field(object, FIELD_PHONE_REGISTRATION)->number ==
			   WORD_PHONE_REGISTRATION_STATIC;
	phone->has_black_list = object_field(object, FIELD_PHONE_DYNAMIC_BLACK_LIST)->boolean;
	phone->rings_at_once =
		object_field(object, FIELD_PHONE_RING)->number == WORD_PHONE_RING_AT_ONCE;
	phone->transport = (enum conf_transport)object_field(object, FIELD_PHONE_TRANSPORT)->number;
	phone->authentication = (uint8_t)object_field(object, FIELD_PHONE_AUTHENTICATION)->number;
	if (phone->is_static && address->type == VALUE_ADDRESS) {
		phone->static_address = address->address;
		if (phone->static_address.port == 0)
			phone->static_address.port =
				phone->transport == CONF_TLS ? SIPS_PORT : SIP_PORT;
		phone->local_address = conf_field_address(object, FIELD_PHONE_LOCAL_ADDRESS);
	}
	set_identity(phone, object);
	phone->party = (struct conf_party){
		.media_mode =
			(enum conf_media_mode)object_field(object, FIELD_PHONE_MEDIA_PROXY)->number,
		.has_local_ring = object_field(object, FIELD_PHONE_LOCAL_RING)->boolean,
		.local_ring_delay_s =
			(uint16_t)object_field(object, FIELD_PHONE_LOCAL_RING_DELAY)->number,
		.remote_ringing = (uint8_t)object_field(object, FIELD_PHONE_REMOTE_RINGING)->number,
		.is_dynamic = !phone->is_static,
		.has_session_timer = object_field(object, FIELD_PHONE_SESSION_TIMER)->boolean,
		.port_layout = layout->type == VALUE_ENUM ? (int8_t)layout->number : -1,
		.learning = (uint8_t)object_field(object, FIELD_PHONE_RTP_LEARNING)->number,
		.rtp_detection =
			(uint8_t)object_field(object, FIELD_PHONE_RTP_INTERRUPT_DETECTION)->number,
		.has_100rel = object_field(object, FIELD_PHONE_REL100)->boolean,
		.network = conf_field_text(object, FIELD_PHONE_NETWORK),
	};
}

/* A walk over the phones of the conf before, beside the one over the new phones. Both are in the
 * order of their numbers. */
struct old_phones {
	const struct conf *conf; /* NULL: nothing to take over */
	size_t next;
};

/* Takes HA1 over where number, realm and sealed password are what they were. */
static bool take_over(struct old_phones *old, struct conf_phone *phone, const struct object *object,
		      const char *sealed)
{
	if (!old->conf)
		return false;
	for (; old->next < old->conf->private->phone_count; old->next++) {
		const struct conf_phone *same = &old->conf->private->phones[old->next];
		const struct object *before;
		const char *sealed_before;
		int order = strcmp(same->number, phone->number);

		if (order > 0)
			return false;
		if (order < 0)
			continue;
		before = snapshot_object_at(old->conf->snapshot, OBJECT_PHONE, old->next);
		sealed_before = sealed_password(before);
		if (before != object && (!sealed_before || strcmp(sealed_before, sealed) != 0))
			return false;
		phone->ha1 = same->ha1;
		return true;
	}
	return false;
}

/* Where the phone of that number is, or would be. */
static struct conf_phone_slot *slot_of(const struct conf_private *private, struct span number,
				       uint32_t *hash)
{
	size_t mask = private->phone_slot_count - 1;
	uint64_t whole = hash_lookup(&private->phone_hash, number.ptr, number.len);
	size_t at = whole & mask;

	*hash = (uint32_t)(whole >> 32);
	for (;; at = (at + 1) & mask) {
		struct conf_phone_slot *slot = &private->phone_slots[at];

		if (!slot->index ||
		    (slot->hash == *hash &&
		     span_eq(span_of(private->phones[slot->index - 1].number), number)))
			return slot;
	}
}

static enum vos_err index_phones(struct conf_private *private)
{
	size_t count = 16;

	while (count < private->phone_count * 2)
		count *= 2;
	private->phone_slots = calloc(count, sizeof(*private->phone_slots));
	if (!private->phone_slots)
		return VOS_ENOMEM;
	private->phone_slot_count = count;
	hash_key_random(&private->phone_hash);
	for (size_t i = 0; i < private->phone_count; i++) {
		uint32_t hash;
		struct conf_phone_slot *slot =
			slot_of(private, span_of(private->phones[i].number), &hash);

		*slot = (struct conf_phone_slot){hash, (uint32_t)i + 1};
	}
	return VOS_OK;
}

enum vos_err conf_build_phones(struct conf *conf, const struct secret_key *key,
			       const struct conf *previous, struct vos_fault *fault)
{
	struct conf_private *private = conf->private;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_PHONE);
	struct old_phones old = {0};

	if (previous && strcmp(previous->realm, conf->realm) == 0)
		old.conf = previous;
	private->phones = calloc(count + 1, sizeof(*private->phones));
	if (!private->phones)
		return VOS_ENOMEM;
	private->phone_count = count;
	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_PHONE, i);
		struct conf_phone *phone = &private->phones[i];
		const char *sealed = sealed_password(object);

		set_phone(phone, object);
		conf_set_ciphers(conf->snapshot, object, FIELD_PHONE_ENCRYPTION, FIELD_PHONE_SRTP,
				 &phone->party);
		conf_set_media_words(object, &phone->party);
		conf_set_addresses(conf, object, FIELD_PHONE_REPLY_ADDRESS,
				   FIELD_PHONE_REQUEST_ADDRESS, &phone->party);
		if (conf_build_phone_rules(conf, object, phone) != VOS_OK)
			return VOS_ENOMEM;
		if (!sealed)
			continue;
		phone->has_password = true;
		if (!take_over(&old, phone, object, sealed)) {
			enum vos_err err = open_password(phone, sealed, conf->realm, key, fault);

			if (err)
				return err;
		}
	}
	if (index_phones(private) != VOS_OK)
		return VOS_ENOMEM;
	return conf_build_phone_index(conf);
}

const struct conf_phone *conf_phone_find(const struct conf *conf, struct span number)
{
	const struct conf_private *private = conf->private;
	uint32_t hash;
	uint32_t index = slot_of(private, number, &hash)->index;

	return index ? &private->phones[index - 1] : NULL;
}

bool conf_callee_check(const struct conf *conf, uint8_t restriction, const char *callee)
{
	if (restriction == WORD_CALLEE_RESTRICT_NONE)
		return true;
	return (conf_phone_called(conf, span_of(callee)) != NULL) ==
	       (restriction == WORD_CALLEE_RESTRICT_PHONE);
}
