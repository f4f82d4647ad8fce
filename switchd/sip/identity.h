/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers about who calls: Privacy (RFC 3323), P-Asserted-Identity and P-Preferred-Identity
 * (RFC 3325), Remote-Party-ID, and what they make of From (behaviour C11, A14). Of a caller's URIs
 * only the number is taken over: its hosts stay on its side. */
#pragma once

#include "switchd/call/leg.h"
#include "switchd/sip/msg.h"

/* What an INVITE from that mapping gateway says; *number, with From's in it, and *display become
 * what the gateway's `caller-from` says they are. */
void identity_of_gateway(const struct sip_msg *msg, const struct conf_mapping_gateway *gateway,
			 struct call_identity *out, char *number, size_t size);
/* What an INVITE of a phone says. Its own claims of identity are nothing worth (RFC 3325 section
 * 5) unless the phone is trusted with them; its wish for privacy is. */
void identity_of_phone(const struct sip_msg *msg, const struct conf_phone *phone,
		       struct call_identity *out);
/* The text as it can stand between quotes. */
void identity_quote(const char *text, char *out, size_t size);

/* How a call presents itself to a callee. */
struct identity {
	uint8_t privacy;      /* of the Privacy header; 0 = none is sent */
	const char *asserted; /* numbers; NULL = no such header, as with the next */
	const char *preferred;
	bool has_remote_party; /* Remote-Party-ID is sent */
	bool is_anonymous;     /* From names nobody */
	const char *number;    /* of who calls, whatever From says */
	const char *display;   /* in From, for between quotes; "" = none */
};

void identity_choose(const struct conf *conf, const struct call_dial *dial, struct identity *out);
/* The From value without a tag. */
void identity_add_from(const struct identity *identity, const char *host_port, struct buf *out);
/* Header lines. */
void identity_add_headers(const struct identity *identity, const char *host_port, struct buf *out);
/* The number in To; the Request-URI's is the target's. */
const char *identity_to(const struct conf *conf, const struct call_dial *dial);
