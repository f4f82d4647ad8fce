/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests of the shape that nearly all have: each line is read once, by a grammar so narrow that
 * whatever it takes the full check takes as well. What it does not know goes there; so it decides
 * nothing but who reads a message, and sip_msg_agrees() holds it to that. */
#include "switchd/sip/syntax_private.h"

#define ELEMENTS_MAX 32 /* of a list; nothing else has commas, so all are less than may be */
#define DIGITS_MAX   9
#define WORD         (SIP_CHAR_SCHEME | SIP_CHAR_HOST) /* alphanum + - . _ */

/* What a value has to look like. */
enum form {
	FORM_UNKNOWN,
	FORM_VIA,
	FORM_NAME_ADDR,
	FORM_NAME_ADDRS,
	FORM_CALL_ID,
	FORM_CSEQ,
	FORM_NUMBER,
	FORM_LENGTH,
	FORM_INTERVAL,
	FORM_TOKENS,
	FORM_TYPE,
	FORM_TYPES,
	FORM_CREDENTIALS,
	FORM_TEXT,
};

static const uint8_t forms[SIP_HDR_COUNT] = {
	[SIP_HDR_VIA] = FORM_VIA,
	[SIP_HDR_FROM] = FORM_NAME_ADDR,
	[SIP_HDR_TO] = FORM_NAME_ADDR,
	[SIP_HDR_CALL_ID] = FORM_CALL_ID,
	[SIP_HDR_CSEQ] = FORM_CSEQ,
	[SIP_HDR_CONTACT] = FORM_NAME_ADDR,
	[SIP_HDR_MAX_FORWARDS] = FORM_NUMBER,
	[SIP_HDR_ROUTE] = FORM_NAME_ADDRS,
	[SIP_HDR_RECORD_ROUTE] = FORM_NAME_ADDR,
	[SIP_HDR_EXPIRES] = FORM_NUMBER,
	[SIP_HDR_AUTHORIZATION] = FORM_CREDENTIALS,
	[SIP_HDR_PROXY_AUTHORIZATION] = FORM_CREDENTIALS,
	[SIP_HDR_CONTENT_LENGTH] = FORM_LENGTH,
	[SIP_HDR_CONTENT_TYPE] = FORM_TYPE,
	[SIP_HDR_ALLOW] = FORM_TOKENS,
	[SIP_HDR_SUPPORTED] = FORM_TOKENS,
	[SIP_HDR_REQUIRE] = FORM_TOKENS,
	[SIP_HDR_SESSION_EXPIRES] = FORM_INTERVAL,
	[SIP_HDR_MIN_SE] = FORM_INTERVAL,
	[SIP_HDR_USER_AGENT] = FORM_TEXT,
};

/* Of those without a number in the index. */
static const struct {
	struct span name;
	uint8_t form;
} others[] = {
	{SPAN_LIT("P-Asserted-Identity"), FORM_NAME_ADDR},
	{SPAN_LIT("P-Preferred-Identity"), FORM_NAME_ADDR},
	{SPAN_LIT("Remote-Party-ID"), FORM_NAME_ADDR},
	{SPAN_LIT("Accept"), FORM_TYPES},
	{SPAN_LIT("Allow-Events"), FORM_TOKENS},
};

#define OTHERS (sizeof(others) / sizeof(others[0]))

#define BIT(number) (UINT64_C(1) << (number))
#define WANTED                                                                           \
	(BIT(SIP_HDR_VIA) | BIT(SIP_HDR_FROM) | BIT(SIP_HDR_TO) | BIT(SIP_HDR_CALL_ID) | \
	 BIT(SIP_HDR_CSEQ) | BIT(SIP_HDR_CONTENT_LENGTH))

/* --- Pieces. What each takes is taken off the front; false: it is not there. --- */

static bool take(struct span *rest, char c)
{
	if (rest->len == 0 || rest->ptr[0] != c)
		return false;
	*rest = span_from(*rest, 1);
	return true;
}

static bool take_text(struct span *rest, const char *text, size_t len)
{
	if (rest->len < len || memcmp(rest->ptr, text, len) != 0)
		return false;
	*rest = span_from(*rest, len);
	return true;
}

#define TAKE(rest, literal) take_text((rest), (literal), sizeof(literal) - 1)

static bool take_word(struct span *rest, unsigned classes)
{
	size_t len = 0;

	while (len < rest->len && sip_char_is(rest->ptr[len], classes))
		len++;
	*rest = span_from(*rest, len);
	return len > 0;
}

static bool take_number(struct span *rest, uint64_t *number)
{
	size_t len = 0;

	*number = 0;
	while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9')
		*number = *number * 10 + (uint64_t)(rest->ptr[len++] - '0');
	*rest = span_from(*rest, len);
	return len > 0 && len <= DIGITS_MAX;
}

/* Its opening quote is gone. */
static bool take_quoted(struct span *rest)
{
	size_t len = 0;

	while (len < rest->len && rest->ptr[len] >= ' ' && rest->ptr[len] <= '~' &&
	       rest->ptr[len] != '"' && rest->ptr[len] != '\\' && rest->ptr[len] != ',')
		len++;
	*rest = span_from(*rest, len);
	return take(rest, '"');
}

static bool take_value(struct span *rest)
{
	return take(rest, '"') ? take_quoted(rest) : take_word(rest, SIP_CHAR_TOKEN);
}

static bool take_params(struct span *rest)
{
	while (take(rest, ';'))
		if (!take_word(rest, SIP_CHAR_TOKEN) || (take(rest, '=') && !take_value(rest)))
			return false;
	return true;
}

static bool take_host_port(struct span *rest)
{
	uint64_t port;

	return take_word(rest, SIP_CHAR_HOST) &&
	       (!take(rest, ':') || (take_number(rest, &port) && port > 0 && port <= UINT16_MAX));
}

static bool take_uri(struct span *rest)
{
	struct span host;

	if (!TAKE(rest, "sip:") && !TAKE(rest, "sips:"))
		return false;
	host = *rest;
	if (!take_word(rest, WORD))
		return false;
	if (!take(rest, '@'))
		*rest = host; /* there is no user */
	if (!take_host_port(rest))
		return false;
	while (take(rest, ';'))
		if (!take_word(rest, WORD) || (take(rest, '=') && !take_word(rest, WORD)))
			return false;
	return true;
}

static bool take_name_addr(struct span *rest)
{
	if (take(rest, '"')) {
		if (!take_quoted(rest))
			return false;
		(void)take(rest, ' ');
	} else {
		while (take_word(rest, SIP_CHAR_TOKEN) && take(rest, ' '))
			;
	}
	return take(rest, '<') && take_uri(rest) && take(rest, '>') && take_params(rest);
}

static bool take_token(struct span *rest)
{
	return take_word(rest, SIP_CHAR_TOKEN);
}

static bool take_type(struct span *rest)
{
	return take_token(rest) && take(rest, '/') && take_token(rest);
}

static bool take_credential(struct span *rest)
{
	return take_token(rest) && take(rest, '=') && take_value(rest);
}

static bool take_list(struct span *rest, bool (*take_element)(struct span *rest))
{
	for (int i = 0; i < ELEMENTS_MAX; i++) {
		if (!take_element(rest))
			return false;
		if (!take(rest, ','))
			return true;
		while (take(rest, ' '))
			;
	}
	return false;
}

static bool take_printable(struct span *rest, char first)
{
	size_t len = 0;

	while (len < rest->len && rest->ptr[len] >= first && rest->ptr[len] <= '~' &&
	       rest->ptr[len] != ',')
		len++;
	*rest = span_from(*rest, len);
	return len > 0;
}

/* --- Lines. --- */

static bool is_value(const struct sip_msg *msg, enum form form, struct span rest)
{
	uint64_t number;
	bool is_good = false;

	switch (form) {
	case FORM_UNKNOWN:
		break;
	case FORM_VIA:
		is_good = TAKE(&rest, "SIP/2.0/") && take_word(&rest, SIP_CHAR_HOST) &&
			  take(&rest, ' ') && take_host_port(&rest) && take_params(&rest);
		break;
	case FORM_NAME_ADDR:
		is_good = take_name_addr(&rest);
		break;
	case FORM_NAME_ADDRS:
		is_good = take_list(&rest, take_name_addr);
		break;
	case FORM_CALL_ID:
		is_good = take_printable(&rest, '!');
		break;
	case FORM_CSEQ:
		is_good = take_number(&rest, &number) && take(&rest, ' ') &&
			  take_text(&rest, msg->method_text.ptr, msg->method_text.len);
		break;
	case FORM_NUMBER:
		is_good = take_number(&rest, &number);
		break;
	case FORM_LENGTH:
		is_good = take_number(&rest, &number) && number == msg->body.len;
		break;
	case FORM_INTERVAL:
		is_good = take_number(&rest, &number) && take_params(&rest);
		break;
	case FORM_TOKENS:
		is_good = take_list(&rest, take_token);
		break;
	case FORM_TYPE:
		is_good = take_type(&rest);
		break;
	case FORM_TYPES:
		is_good = take_list(&rest, take_type);
		break;
	case FORM_CREDENTIALS:
		is_good =
			take_token(&rest) && take(&rest, ' ') && take_list(&rest, take_credential);
		break;
	case FORM_TEXT:
		is_good = take_printable(&rest, ' ');
		break;
	}
	return is_good && rest.len == 0;
}

/* Its form, and a number of its own below 64. */
static enum form form_of(const struct sip_header *header, unsigned *number)
{
	*number = header->id;
	if (header->id != SIP_HDR_OTHER)
		return (enum form)forms[header->id];
	for (size_t i = 0; i < OTHERS; i++) {
		if (!span_ieq(header->name, others[i].name))
			continue;
		*number = (unsigned)(SIP_HDR_COUNT + i);
		return (enum form)others[i].form;
	}
	return FORM_UNKNOWN;
}

/* "Name: value" and a CRLF, with nothing else before, between or behind. */
static bool take_line(struct span *rest, const struct sip_header *header)
{
	if (header->name.ptr != rest->ptr)
		return false;
	*rest = span_from(*rest, header->name.len);
	if (!take(rest, ':'))
		return false;
	while (take(rest, ' '))
		;
	if (header->value.ptr != rest->ptr)
		return false;
	*rest = span_from(*rest, header->value.len);
	return TAKE(rest, "\r\n");
}

static bool take_request_line(const struct sip_msg *msg, struct span *rest)
{
	struct span uri = msg->request_uri;

	return msg->method != SIP_METHOD_UNKNOWN &&
	       take_text(rest, msg->method_text.ptr, msg->method_text.len) && take(rest, ' ') &&
	       rest->ptr == uri.ptr && take_uri(rest) && rest->ptr == uri.ptr + uri.len &&
	       TAKE(rest, " SIP/2.0\r\n");
}

bool sip_msg_is_plain(const struct sip_msg *msg)
{
	const uint64_t may_repeat = BIT(SIP_HDR_VIA) | BIT(SIP_HDR_RECORD_ROUTE);
	struct span rest = msg->raw;
	uint64_t seen = 0;

	if (!msg->is_request || !take_request_line(msg, &rest))
		return false;
	for (int i = 0; i < msg->header_count; i++) {
		const struct sip_header *header = &msg->headers[i];
		unsigned number;
		enum form form = form_of(header, &number);

		if ((seen & BIT(number) & ~may_repeat) || !take_line(&rest, header) ||
		    !is_value(msg, form, header->value))
			return false;
		seen |= BIT(number);
	}
	/* With an empty body nothing stands behind. */
	return (seen & WANTED) == WANTED && TAKE(&rest, "\r\n") &&
	       (msg->body.len ? msg->body.ptr == rest.ptr : rest.len == 0);
}
