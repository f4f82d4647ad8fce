/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Encryption of the media as parties and parameters ask for it. */
#include "switchd/conf/conf_private.h"

/* Words of PARTY_ENCRYPTION to those of RTP_ENCRYPTION. */
static uint8_t scramble_of(const struct snapshot *snapshot, int64_t encryption)
{
	switch (encryption) {
	case WORD_PARTY_ENCRYPTION_XOR:
		return WORD_RTP_ENCRYPTION_XOR;
	case WORD_PARTY_ENCRYPTION_RC4:
		return WORD_RTP_ENCRYPTION_RC4;
	case WORD_PARTY_ENCRYPTION_AES128:
		return WORD_RTP_ENCRYPTION_AES128;
	case WORD_PARTY_ENCRYPTION_SYSTEM:
		return (uint8_t)snapshot_number(snapshot, PARAM_SS_RTP_ENCRYPTION_MODE);
	default:
		return WORD_RTP_ENCRYPTION_NONE;
	}
}

void conf_set_ciphers(const struct snapshot *snapshot, const struct object *object,
		      enum field_id encryption, enum field_id srtp, struct conf_party *party)
{
	party->srtp = (uint8_t)object_field(object, srtp)->number;
	party->scramble = WORD_RTP_ENCRYPTION_NONE;
	if (party->srtp == WORD_PARTY_SRTP_OFF)
		party->scramble = scramble_of(snapshot, object_field(object, encryption)->number);
	party->has_encryption =
		party->srtp != WORD_PARTY_SRTP_OFF || party->scramble != WORD_RTP_ENCRYPTION_NONE;
}

enum vos_err conf_open_scramble_key(struct conf *conf, const struct secret_key *key,
				    struct vos_fault *fault)
{
	const struct value *value = snapshot_param(conf->snapshot, PARAM_SS_RTP_ENCRYPTION_KEY);
	char plain[SECRET_PLAIN_MAX + 1];
	enum vos_err err = VOS_OK;
	size_t len;

	if (value->type != VALUE_SECRET)
		return VOS_OK;
	err = secret_open(key, span_of(value->text), plain, &len);
	if (err == VOS_OK &&
	    !span_copy((struct span){plain, len}, conf->scramble_key, sizeof(conf->scramble_key)))
		err = VOS_EINVAL;
	secret_wipe(plain, sizeof(plain));
	if (err != VOS_OK)
		fault_set(fault, FAULT_VALUE_FORMAT, 0,
			  "SS_RTP_ENCRYPTION_KEY: %s; set the key again",
			  err == VOS_EPERM ? "it was sealed on another host, or altered"
					   : "it is not sealed text");
	return err;
}
