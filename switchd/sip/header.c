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

#define CASE(first, literal, id)              \
	case KEY(sizeof(literal) - 1, first): \
		return EQ(literal) || IEQ(literal) ? (id) : SIP_HDR_OTHER

/* Two names of one length and first letter. */
#define CASE2(first, literal, id, literal2, id2) \
	case KEY(sizeof(literal) - 1, first):    \
		if (EQ(literal))                 \
			return (id);             \
		if (EQ(literal2))                \
			return (id2);            \
		return IEQ(literal) ? (id) : IEQ(literal2) ? (id2) : SIP_HDR_OTHER

enum sip_header_id sip_header_from_name(struct span name)
{
	if (name.len == 1)
		return compact_name(name.ptr[0]);
	if (name.len == 0 || name.len > 19)
		return SIP_HDR_OTHER;
	switch (KEY(name.len, name.ptr[0] | 0x20)) {
		CASE('t', "To", SIP_HDR_TO);
		CASE('v', "Via", SIP_HDR_VIA);
		CASE('c', "CSeq", SIP_HDR_CSEQ);
		CASE('f', "From", SIP_HDR_FROM);
		CASE2('r', "RAck", SIP_HDR_RACK, "RSeq", SIP_HDR_RSEQ);
		CASE('p', "Path", SIP_HDR_PATH);
		CASE('a', "Allow", SIP_HDR_ALLOW);
		CASE('r', "Route", SIP_HDR_ROUTE);
		CASE('m', "Min-SE", SIP_HDR_MIN_SE);
		CASE('r', "Reason", SIP_HDR_REASON);
		CASE2('c', "Call-ID", SIP_HDR_CALL_ID, "Contact", SIP_HDR_CONTACT);
		CASE('e', "Expires", SIP_HDR_EXPIRES);
		CASE('p', "Privacy", SIP_HDR_PRIVACY);
		CASE('r', "Require", SIP_HDR_REQUIRE);
		CASE('s', "Supported", SIP_HDR_SUPPORTED);
		CASE('u', "User-Agent", SIP_HDR_USER_AGENT);
		CASE('m', "Min-Expires", SIP_HDR_MIN_EXPIRES);
		CASE('r', "Retry-After", SIP_HDR_RETRY_AFTER);
		CASE('c', "Content-Type", SIP_HDR_CONTENT_TYPE);
		CASE('m', "Max-Forwards", SIP_HDR_MAX_FORWARDS);
		CASE('r', "Record-Route", SIP_HDR_RECORD_ROUTE);
		CASE('a', "Authorization", SIP_HDR_AUTHORIZATION);
		CASE('p', "Proxy-Require", SIP_HDR_PROXY_REQUIRE);
		CASE('c', "Content-Length", SIP_HDR_CONTENT_LENGTH);
		CASE('s', "Session-Expires", SIP_HDR_SESSION_EXPIRES);
		CASE('w', "WWW-Authenticate", SIP_HDR_WWW_AUTHENTICATE);
		CASE('p', "Proxy-Authenticate", SIP_HDR_PROXY_AUTHENTICATE);
		CASE('p', "Proxy-Authorization", SIP_HDR_PROXY_AUTHORIZATION);
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

bool sip_seconds_parse(struct span text, uint32_t *out)
{
	uint64_t seconds;
	size_t len = 0;

	text = span_trim(text);
	while (len < text.len && text.ptr[len] >= '0' && text.ptr[len] <= '9')
		len++;
	if (!len)
		return false;
	if (!span_to_u64((struct span){text.ptr, len}, UINT32_MAX, &seconds))
		seconds = UINT32_MAX;
	*out = (uint32_t)seconds;
	return true;
}

bool sip_msg_seconds(const struct sip_msg *msg, enum sip_header_id id, uint32_t *out)
{
	const struct sip_header *header = sip_msg_first(msg, id);

	return header && sip_seconds_parse(header->value, out);
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
