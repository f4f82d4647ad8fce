/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where parties are answered and asked (sip/party_address.h). */
#include "switchd/conf/conf_private.h"

void conf_set_addresses(struct conf *conf, const struct object *object, enum field_id reply,
			enum field_id request, struct conf_party *party)
{
	party->reply_address = (uint8_t)object_field(object, reply)->number;
	party->request_address = (uint8_t)object_field(object, request)->number;
	conf->has_reply_addresses |= party->reply_address != WORD_PARTY_ADDRESS_AUTO;
}
