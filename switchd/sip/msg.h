/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A SIP message as the rest of the program sees it: spans into the received buffer.
 *
 * sip_msg_parse() is the gate and the index (RFC 3261 section 7 and 25): it checks size, line and
 * comma counts, joins folded lines in place, and finds the headers that are used. It does no full
 * grammar check; sip_msg_check_full() (sofia-sip, in sofia.c) does, for what starts a dialog or
 * carries credentials. The two never disagree on a message that both accept; a fuzz target holds
 * them to that. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/span.h"

/* Gate limits. Over them a message is answered 400 or 513 and never reaches sofia-sip, whose list
 * parsing is recursive and quadratic. */
#define SIP_MSG_MAX     16384
#define SIP_HEADERS_MAX 200
#define SIP_COMMAS_MAX  200
#define SIP_MSG_MIN     12 /* shorter datagrams are no SIP */

enum sip_method {
	SIP_METHOD_UNKNOWN,
	SIP_INVITE,
	SIP_ACK,
	SIP_BYE,
	SIP_CANCEL,
	SIP_REGISTER,
	SIP_OPTIONS,
	SIP_PRACK,
	SIP_UPDATE,
	SIP_INFO,
	SIP_REFER,
	SIP_NOTIFY,
	SIP_SUBSCRIBE,
	SIP_MESSAGE,
	SIP_PUBLISH,
	SIP_METHOD_COUNT
};

enum sip_header_id {
	SIP_HDR_OTHER,
	SIP_HDR_VIA,
	SIP_HDR_FROM,
	SIP_HDR_TO,
	SIP_HDR_CALL_ID,
	SIP_HDR_CSEQ,
	SIP_HDR_CONTACT,
	SIP_HDR_MAX_FORWARDS,
	SIP_HDR_ROUTE,
	SIP_HDR_RECORD_ROUTE,
	SIP_HDR_EXPIRES,
	SIP_HDR_MIN_EXPIRES,
	SIP_HDR_AUTHORIZATION,
	SIP_HDR_PROXY_AUTHORIZATION,
	SIP_HDR_WWW_AUTHENTICATE,
	SIP_HDR_PROXY_AUTHENTICATE,
	SIP_HDR_CONTENT_LENGTH,
	SIP_HDR_CONTENT_TYPE,
	SIP_HDR_ALLOW,
	SIP_HDR_SUPPORTED,
	SIP_HDR_REQUIRE,
	SIP_HDR_PROXY_REQUIRE,
	SIP_HDR_SESSION_EXPIRES,
	SIP_HDR_MIN_SE,
	SIP_HDR_RACK,
	SIP_HDR_RSEQ,
	SIP_HDR_REASON,
	SIP_HDR_RETRY_AFTER,
	SIP_HDR_PRIVACY,
	SIP_HDR_PATH,
	SIP_HDR_USER_AGENT,
	SIP_HDR_COUNT
};

/* A value may hold a NUL, but only in a quoted-pair (backslash NUL, RFC 3261 section 25.1), so
 * never in a URI, tag, branch or Call-ID. */
struct sip_header {
	enum sip_header_id id;
	struct span name;
	struct span value; /* trimmed, folds joined */
};

struct sip_via {
	struct span transport; /* "UDP" */
	struct span host;      /* IPv6 without brackets */
	uint16_t port;         /* 0 = none given */
	struct span branch;
	bool has_rport; /* ;rport present, with or without a value */
	struct span received;
	uint16_t rport; /* value of ;rport=, 0 = none */
};

struct sip_uri {
	struct span scheme; /* "sip", "sips", "tel" */
	struct span user;   /* still escaped; empty when there is none */
	struct span password;
	struct span host;    /* IPv6 without brackets */
	uint16_t port;       /* 0 = none given */
	struct span params;  /* after the first ';', without it */
	struct span headers; /* after '?', without it */
};

/* name-addr or addr-spec with its header parameters (From, To, Contact, Route ...). */
struct sip_name_addr {
	struct span display;  /* without quotes, still escaped */
	struct span uri_text; /* inside <> or bare */
	struct sip_uri uri;
	struct span params; /* header parameters after the first ';' */
	bool is_star;       /* Contact: * */
};

struct sip_msg {
	struct span raw; /* whole datagram; folds are joined in place */
	bool is_request;
	enum sip_method method; /* of the request line; for a response, of CSeq */
	struct span method_text;
	struct span request_uri;
	int status; /* response */
	struct span reason;

	struct span via; /* first element of the topmost Via */
	struct sip_via top_via;
	struct span from; /* whole values */
	struct span to;
	struct span from_tag;
	struct span to_tag; /* empty: no tag */
	struct span call_id;
	uint32_t cseq;
	struct span cseq_method;
	struct span contact; /* first Contact line, whole value; empty when there is none */
	int contact_count;   /* Contact lines */
	int max_forwards;    /* -1 = absent */
	struct span content_type;
	struct span body;

	struct sip_header headers[SIP_HEADERS_MAX];
	int header_count;
};

/* What the gate says of a datagram. */
enum sip_verdict {
	SIP_VERDICT_OK,
	SIP_VERDICT_IGNORE, /* runt, CRLF, keepalive payload, a response that cannot be used: no
			       answer */
	SIP_VERDICT_REJECT, /* a request with enough of a Via to answer: *status and *why are set */
};

/* Parses data[len] (which must be writable; folds are joined in place). On REJECT the fields needed
 * for an answer (Via, From, To, Call-ID, CSeq) are filled as far as they were found; empty spans
 * else. */
enum sip_verdict sip_msg_parse(struct sip_msg *msg, char *data, size_t len, int *status,
			       const char **why);

/* Full grammar check through sofia-sip; false with *why (static text) when it must be refused with
 * 400. Never call it on what the gate did not accept. Thread-safe: no shared state. */
bool sip_msg_check_full(const struct sip_msg *msg, const char **why);

/* For tests: false with *what (static text) when sofia-sip accepts the message, but reads its
 * method, tags, Call-ID, CSeq or topmost branch otherwise than the index; or refuses it, though it
 * is plain. */
bool sip_msg_agrees(const struct sip_msg *msg, const char **what);

/* Next header of that id at or after *index (start at 0, is moved on); NULL when there is none. */
const struct sip_header *sip_msg_header(const struct sip_msg *msg, enum sip_header_id id,
					int *index);
/* First header of that id, or NULL. */
const struct sip_header *sip_msg_first(const struct sip_msg *msg, enum sip_header_id id);
/* True when a comma list header (Supported, Require, Allow) has the token, in any line. */
bool sip_msg_has_token(const struct sip_msg *msg, enum sip_header_id id, struct span token);

/* Splits the next element off a comma-separated list, respecting quotes and <>. False at the end.
 */
bool sip_list_next(struct span *rest, struct span *element);
bool sip_via_parse(struct span element, struct sip_via *out);
bool sip_uri_parse(struct span text, struct sip_uri *out);
bool sip_name_addr_parse(struct span element, struct sip_name_addr *out);
/* Value of ";name=value" in a parameter list ("a=1;b;c=2"); value empty for a flag. False when
 * absent. */
bool sip_param_get(struct span params, struct span name, struct span *value);
/* Seconds at the start of a value, "120 (overload);duration=60"; more than 32 bits of them are the
 * most there is. False, and *out as it was: it begins otherwise. */
bool sip_seconds_parse(struct span text, uint32_t *out);
/* The same of the first header of that id; false also when there is none. */
bool sip_msg_seconds(const struct sip_msg *msg, enum sip_header_id id, uint32_t *out);
/* Undoes %XX into out; false when it does not fit, has a bad escape or a NUL. */
bool sip_unescape(struct span text, char *out, size_t size, size_t *out_len);

/* Not sip_method_name(): libsofia-sip exports that one, and ours would take its place. */
const char *sip_method_text(enum sip_method method);
enum sip_method sip_method_from(struct span text);
const char *sip_reason_phrase(int status);
/* Value of Call-ID found by a scan of the first lines, for the thread hand-over, before any parse.
 */
struct span sip_scan_call_id(const char *data, size_t len);
