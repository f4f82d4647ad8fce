/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Headers by name (RFC 3261 sections 7.3.3 and 20; names are case-insensitive) and in the index. */
#include "switchd/sip/syntax_private.h"

/* Length and first letter leave at most two names. Almost everybody writes the canonical form, so
 * memcmp (inlined, as the length is known) mostly settles it. */
#define EQ(literal)  (memcmp(name.ptr, (literal), sizeof(literal) - 1) == 0)
#define IEQ(literal) sip_token_is(name, (literal), sizeof(literal) - 1)

#define KEY(len, first) ((unsigned)(len) << 8 | (unsigned)(first))

static enum sip_header_id compact_name(char letter)
{
	switch (letter | 0x20) {
	case 'v':
		return SIP_HDR_VIA;
	case 'f':
		return SIP_HDR_FROM;
	case 't':
		return SIP_HDR_TO;
	case 'i':
		return SIP_HDR_CALL_ID;
	case 'm':
		return SIP_HDR_CONTACT;
	case 'l':
		return SIP_HDR_CONTENT_LENGTH;
	case 'c':
		return SIP_HDR_CONTENT_TYPE;
	case 'k':
		return SIP_HDR_SUPPORTED;
	case 'x':
		return SIP_HDR_SESSION_EXPIRES;
	default:
		return SIP_HDR_OTHER;
	}
}

#define CASE(len, first, literal, id)                                               \
	case KEY(len, first):                                                       \
		_Static_assert(sizeof(literal) - 1 == (len), "length of " literal); \
		return EQ(literal) || IEQ(literal) ? (id) : SIP_HDR_OTHER

#define CASE2(len, first, literal, id, literal2, id2)                                      \
	case KEY(len, first):                                                              \
		_Static_assert(sizeof(literal) == sizeof(literal2), "length of " literal); \
		if (EQ(literal))                                                           \
			return (id);                                                       \
		if (EQ(literal2))                                                          \
			return (id2);                                                      \
		return IEQ(literal) ? (id) : IEQ(literal2) ? (id2) : SIP_HDR_OTHER

enum sip_header_id sip_header_from_name(struct span name)
{
	if (name.len == 1)
		return compact_name(name.ptr[0]);
	if (name.len == 0 || name.len > 19)
		return SIP_HDR_OTHER;
	switch (KEY(name.len, name.ptr[0] | 0x20)) {
		CASE(2, 't', "To", SIP_HDR_TO);
		CASE(3, 'v', "Via", SIP_HDR_VIA);
		CASE(4, 'c', "CSeq", SIP_HDR_CSEQ);
		CASE(4, 'f', "From", SIP_HDR_FROM);
		CASE2(4, 'r', "RAck", SIP_HDR_RACK, "RSeq", SIP_HDR_RSEQ);
		CASE(5, 'a', "Allow", SIP_HDR_ALLOW);
		CASE(5, 'r', "Route", SIP_HDR_ROUTE);
		CASE(6, 'm', "Min-SE", SIP_HDR_MIN_SE);
		CASE(6, 'r', "Reason", SIP_HDR_REASON);
		CASE2(7, 'c', "Call-ID", SIP_HDR_CALL_ID, "Contact", SIP_HDR_CONTACT);
		CASE(7, 'e', "Expires", SIP_HDR_EXPIRES);
		CASE(7, 'p', "Privacy", SIP_HDR_PRIVACY);
		CASE(7, 'r', "Require", SIP_HDR_REQUIRE);
		CASE(9, 's', "Supported", SIP_HDR_SUPPORTED);
		CASE(10, 'u', "User-Agent", SIP_HDR_USER_AGENT);
		CASE(11, 'm', "Min-Expires", SIP_HDR_MIN_EXPIRES);
		CASE(11, 'r', "Retry-After", SIP_HDR_RETRY_AFTER);
		CASE(12, 'c', "Content-Type", SIP_HDR_CONTENT_TYPE);
		CASE(12, 'm', "Max-Forwards", SIP_HDR_MAX_FORWARDS);
		CASE(12, 'r', "Record-Route", SIP_HDR_RECORD_ROUTE);
		CASE(13, 'a', "Authorization", SIP_HDR_AUTHORIZATION);
		CASE(13, 'p', "Proxy-Require", SIP_HDR_PROXY_REQUIRE);
		CASE(14, 'c', "Content-Length", SIP_HDR_CONTENT_LENGTH);
		CASE(15, 's', "Session-Expires", SIP_HDR_SESSION_EXPIRES);
		CASE(16, 'w', "WWW-Authenticate", SIP_HDR_WWW_AUTHENTICATE);
		CASE(18, 'p', "Proxy-Authenticate", SIP_HDR_PROXY_AUTHENTICATE);
		CASE(19, 'p', "Proxy-Authorization", SIP_HDR_PROXY_AUTHORIZATION);
	default:
		return SIP_HDR_OTHER;
	}
}

const struct sip_header *sip_msg_header(const struct sip_msg *msg, enum sip_header_id id,
					int *index)
{
	for (int i = *index; i < msg->header_count; i++) {
		if (msg->headers[i].id == id) {
			*index = i + 1;
			return &msg->headers[i];
		}
	}
	*index = msg->header_count;
	return NULL;
}

const struct sip_header *sip_msg_first(const struct sip_msg *msg, enum sip_header_id id)
{
	int index = 0;

	return sip_msg_header(msg, id, &index);
}

bool sip_msg_has_token(const struct sip_msg *msg, enum sip_header_id id, struct span token)
{
	const struct sip_header *header;
	struct span element;
	int index = 0;

	while ((header = sip_msg_header(msg, id, &index))) {
		struct span rest = header->value;

		while (sip_list_next(&rest, &element)) {
			/* Option tags are tokens without case; methods have one (section 7.1). */
			if (id == SIP_HDR_ALLOW ? span_eq(element, token)
						: span_ieq(element, token))
				return true;
		}
	}
	return false;
}
