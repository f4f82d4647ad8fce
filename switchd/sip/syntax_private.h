/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Characters and small pieces of RFC 3261 section 25.1's grammar that the parsers of this folder
 * share. */
#pragma once

#include "switchd/sip/msg.h"

enum sip_char {
	SIP_CHAR_TOKEN = 1,   /* token: alphanum and - . ! % * _ + ` ' ~ */
	SIP_CHAR_HOST = 2,    /* alphanum - . and _, which names in use have */
	SIP_CHAR_URI = 4,     /* printable ASCII but blanks, quotes, <>, \ and ^ { | } */
	SIP_CHAR_BLANK = 8,   /* space and tab */
	SIP_CHAR_SCHEME = 16, /* alphanum + - . */
	SIP_CHAR_NAME = 32,   /* of a parameter: what is of TOKEN or URI, without ; and = */
	SIP_CHAR_END = 64,  /* ends a parameter's value, or is not allowed there: blanks ; and " */
	SIP_CHAR_LIST = 128 /* , and what begins a text where it ends no element: " and < */
};

extern const uint8_t sip_char_class[256];

/* True when c is in one of the classes. */
static inline bool sip_char_is(char c, unsigned classes)
{
	return sip_char_class[(uint8_t)c] & classes;
}

/* Not empty, and every character is in the class. */
bool sip_span_is(struct span text, enum sip_char class);

/* Comparison without case of a token's characters with a literal of letters, digits and '-'. */
static inline bool sip_token_is(struct span token, const char *literal, size_t len)
{
	if (token.len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		if ((token.ptr[i] | 0x20) != (literal[i] | 0x20))
			return false;
	}
	return true;
}

#define SIP_TOKEN_IS(token, literal) sip_token_is((token), (literal), sizeof(literal) - 1)

/* Without spaces and tabs at both ends: what is left of LWS once folds are joined. */
static inline struct span sip_trim(struct span s)
{
	while (s.len > 0 && sip_char_is(s.ptr[0], SIP_CHAR_BLANK)) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && sip_char_is(s.ptr[s.len - 1], SIP_CHAR_BLANK))
		s.len--;
	return s;
}

/* The part of s from offset at on. */
static inline struct span span_from(struct span s, size_t at)
{
	return (struct span){s.ptr + at, s.len - at};
}

/* Offset after the closing quote of the quoted-string that starts at `at`; 0 when it never closes.
 */
size_t sip_quoted_end(struct span s, size_t at);

enum sip_param_result { SIP_PARAM_END, SIP_PARAM_OK, SIP_PARAM_BAD };

struct sip_param {
	struct span name;
	struct span value; /* without quotes; empty for a flag */
	bool is_quoted;
	bool is_token; /* the value is one; not a quoted one */
};

/* Takes the next parameter off a list without its first ';'; a list that is not there (ptr NULL)
 * has none. BAD: empty, or a broken quote or blank where none may be; the list then stands after
 * it. */
enum sip_param_result sip_param_next(struct span *rest, struct sip_param *out);

/* The header of that full or compact name. */
enum sip_header_id sip_header_from_name(struct span name);

/* As sip_name_addr_parse() without looking into the URI. */
bool sip_name_addr_split(struct span element, struct sip_name_addr *out);
/* As sip_via_parse(); *is_strict is cleared when it can be answered, but breaks the grammar. */
bool sip_via_scan(struct span element, struct sip_via *out, bool *is_strict);

/* plain.c: true only of requests that the full check takes. */
bool sip_msg_is_plain(const struct sip_msg *msg);
