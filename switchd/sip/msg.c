/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gate and index of a received datagram: one pass over the lines, then a look at the few headers
 * that every handler needs.
 *
 * Line ends: RFC 3261 section 7 writes CRLF. A bare LF is taken as a line end too, as simple
 * senders write it; a bare CR is refused, since section 25.1 has CR nowhere else and parsers
 * disagree on it. A NUL stands only in a quoted-pair there ("\" NUL), so everywhere else in the
 * header it is refused.
 *
 * The first defect found gives the answer; the pass goes on, so that the answer's headers are
 * found. */
#include "switchd/sip/syntax_private.h"

#define CSEQ_MAX         0x7fffffffu /* RFC 3261 section 8.1.1.5 */
#define MAX_FORWARDS_MAX 255         /* section 20.22 */

struct scan {
	struct sip_msg *msg;
	char *at; /* start of the line to read next */
	char *end;
	uint64_t seen;          /* bit n: header id n stood in a line */
	struct span cseq_value; /* whole values; ptr NULL when there is none */
	struct span max_forwards;
	struct span content_length;
	bool is_end_found; /* the empty line */
	int status;        /* 0 = no defect so far */
	const char *why;
};

/* Headers of which there is one (RFC 3261 section 7.3.1) and which two parsers must read alike. */
#define BIT(id) (UINT64_C(1) << (id))
static const uint64_t single_headers = BIT(SIP_HDR_FROM) | BIT(SIP_HDR_TO) | BIT(SIP_HDR_CALL_ID) |
				       BIT(SIP_HDR_CSEQ) | BIT(SIP_HDR_MAX_FORWARDS) |
				       BIT(SIP_HDR_CONTENT_LENGTH) | BIT(SIP_HDR_CONTENT_TYPE) |
				       BIT(SIP_HDR_EXPIRES) | BIT(SIP_HDR_SESSION_EXPIRES) |
				       BIT(SIP_HDR_MIN_SE) | BIT(SIP_HDR_RACK) | BIT(SIP_HDR_RSEQ);

static void defect(struct scan *scan, int status, const char *why)
{
	if (scan->status)
		return;
	scan->status = status;
	scan->why = why;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Takes the next line without its end off the datagram. False at the end of the data. */
static bool take_line(struct scan *scan, struct span *line)
{
	char *start = scan->at;
	size_t left = (size_t)(scan->end - start);
	char *lf;
	size_t len;

	if (left == 0)
		return false;
	lf = memchr(start, '\n', left);
	if (lf) {
		len = (size_t)(lf - start);
		scan->at = lf + 1;
		if (len && start[len - 1] == '\r')
			len--;
	} else {
		len = left;
		scan->at = scan->end;
		defect(scan, 400, "Unfinished Header");
	}
	*line = (struct span){start, len};
	return true;
}

/* Overwrites the line end before the continuation line at `at` with blanks, as section 7.3.1
 * allows. */
static void blank_line_end(char *at)
{
	*--at = ' ';
	if (at[-1] == '\r')
		at[-1] = ' ';
}

static bool is_folded(const struct scan *scan)
{
	return scan->at < scan->end && is_blank(*scan->at);
}

/* --- Start line. --- */

/* "SIP/" 1*DIGIT "." 1*DIGIT */
static bool is_version(struct span text)
{
	size_t dot = span_find(text, '.');
	uint64_t number;

	return span_istarts_with(text, SPAN_LIT("SIP/")) && dot < text.len &&
	       span_to_u64((struct span){text.ptr + 4, dot - 4}, UINT32_MAX, &number) &&
	       span_to_u64(span_from(text, dot + 1), UINT32_MAX, &number);
}

static void check_request_uri(struct scan *scan, struct span uri)
{
	struct sip_uri parsed;

	if (!sip_span_is(uri, SIP_CHAR_URI)) {
		defect(scan, 400, "Bad Request-URI");
		return;
	}
	/* Section 19.1.1: no headers in a Request-URI; '?' may stand in the user part. */
	if (memchr(uri.ptr, '?', uri.len) && sip_uri_parse(uri, &parsed) && parsed.headers.ptr)
		defect(scan, 400, "Headers in Request-URI");
}

/* Method SP Request-URI SP SIP-Version, with one space each (section 7.1). */
static bool read_request_line(struct scan *scan, struct span line)
{
	struct sip_msg *msg = scan->msg;
	struct span trimmed = sip_trim(line);
	size_t version_at = trimmed.len;
	struct span version;
	size_t method_end;
	bool is_current;

	while (version_at > 0 && !is_blank(trimmed.ptr[version_at - 1]))
		version_at--;
	version = span_from(trimmed, version_at);
	is_current = span_eq(version, SPAN_LIT("SIP/2.0"));
	if (version_at == 0 || (!is_current && !is_version(version)))
		return false;
	if (trimmed.len != line.len)
		defect(scan, 400, "Blank Around Request Line");
	msg->is_request = true;
	method_end = span_find(trimmed, ' ');
	if (method_end + 1 >= version_at) {
		msg->method_text = sip_trim((struct span){trimmed.ptr, version_at});
		defect(scan, 400, "Missing Request-URI");
		return true;
	}
	msg->method_text = (struct span){trimmed.ptr, method_end};
	msg->request_uri =
		(struct span){trimmed.ptr + method_end + 1, version_at - 1 - method_end - 1};
	if (!sip_span_is(msg->method_text, SIP_CHAR_TOKEN))
		defect(scan, 400, "Bad Method");
	msg->method = sip_method_from(msg->method_text);
	check_request_uri(scan, msg->request_uri);
	if (!is_current && !span_ieq(version, SPAN_LIT("SIP/2.0")))
		defect(scan, 505, "Version Not Supported");
	return true;
}

/* SIP-Version SP 3DIGIT SP Reason-Phrase (section 7.2); the space before an empty phrase may lack.
 */
static bool read_status_line(struct scan *scan, struct span line)
{
	struct sip_msg *msg = scan->msg;
	struct span rest = span_from(line, 8);
	uint64_t status;

	if (!span_istarts_with(line, SPAN_LIT("SIP/2.0 ")) || rest.len < 3 ||
	    (rest.len > 3 && rest.ptr[3] != ' ') ||
	    !span_to_u64((struct span){rest.ptr, 3}, 699, &status) || status < 100)
		return false;
	msg->status = (int)status;
	if (rest.len > 4)
		msg->reason = span_from(rest, 4);
	return true;
}

static bool read_start_line(struct scan *scan)
{
	struct span line;

	/* Section 7.5 has CRLF before the start line ignored on streams; datagrams have it as well.
	 */
	while (scan->at < scan->end && (*scan->at == '\r' || *scan->at == '\n'))
		scan->at++;
	if (!take_line(scan, &line))
		return false;
	if (line.len > 8 && (line.ptr[0] | 0x20) == 's' &&
	    span_istarts_with(line, SPAN_LIT("SIP/")))
		return read_status_line(scan, line);
	return read_request_line(scan, line);
}

/* --- Header lines. --- */

static bool has_many_commas(struct span value)
{
	int count = 0;

	if (value.len <= SIP_COMMAS_MAX)
		return false;
	for (size_t i = 0; i < value.len; i++)
		count += value.ptr[i] == ',';
	return count > SIP_COMMAS_MAX;
}

static void note_header(struct scan *scan, enum sip_header_id id, struct span value)
{
	struct sip_msg *msg = scan->msg;
	bool is_repeated = scan->seen & BIT(id);

	scan->seen |= BIT(id);
	if (is_repeated && (single_headers & BIT(id)))
		defect(scan, 400, "Repeated Header");
	if (id == SIP_HDR_CONTACT)
		msg->contact_count++;
	if (is_repeated)
		return;
	switch (id) {
	case SIP_HDR_VIA:
		msg->via = value;
		break;
	case SIP_HDR_FROM:
		msg->from = value;
		break;
	case SIP_HDR_TO:
		msg->to = value;
		break;
	case SIP_HDR_CALL_ID:
		msg->call_id = value;
		break;
	case SIP_HDR_CSEQ:
		scan->cseq_value = value;
		break;
	case SIP_HDR_CONTACT:
		msg->contact = value;
		break;
	case SIP_HDR_MAX_FORWARDS:
		scan->max_forwards = value;
		break;
	case SIP_HDR_CONTENT_LENGTH:
		scan->content_length = value;
		break;
	case SIP_HDR_CONTENT_TYPE:
		msg->content_type = value;
		break;
	default:
		break;
	}
}

/* Joins the continuation lines that follow and returns the whole header line. */
static struct span join_folds(struct scan *scan, struct span line)
{
	struct span more;

	while (is_folded(scan)) {
		blank_line_end(scan->at);
		if (!take_line(scan, &more))
			break;
		line.len = (size_t)(more.ptr + more.len - line.ptr);
	}
	return line;
}

/* False when the index is full. */
static bool read_header(struct scan *scan, struct span line)
{
	struct sip_msg *msg = scan->msg;
	struct sip_header *header;
	size_t name_len = 0;
	size_t colon;

	while (name_len < line.len && sip_char_is(line.ptr[name_len], SIP_CHAR_TOKEN))
		name_len++;
	/* HCOLON has blanks before the colon, not a line end: so look before folds are joined. */
	colon = name_len;
	while (colon < line.len && is_blank(line.ptr[colon]))
		colon++;
	if (is_folded(scan))
		line = join_folds(scan, line);
	if (name_len == 0 || colon == line.len || line.ptr[colon] != ':') {
		defect(scan, 400, "Bad Header Line");
		return true;
	}
	if (msg->header_count == SIP_HEADERS_MAX) {
		defect(scan, 400, "Too Many Headers");
		return false;
	}
	header = &msg->headers[msg->header_count++];
	header->name = (struct span){line.ptr, name_len};
	header->value = sip_trim(span_from(line, colon + 1));
	header->id = sip_header_from_name(header->name);
	if (has_many_commas(header->value))
		defect(scan, 400, "Too Many List Elements");
	if (header->id != SIP_HDR_OTHER)
		note_header(scan, header->id, header->value);
	return true;
}

static void read_headers(struct scan *scan)
{
	struct span line;

	while (take_line(scan, &line)) {
		if (line.len == 0) {
			scan->is_end_found = true;
			return;
		}
		if (!read_header(scan, line))
			return;
	}
	defect(scan, 400, "Unfinished Header");
}

/* A CR that ends no line, and a NUL that is no quoted-pair. */
static void check_octets(struct scan *scan, const char *start)
{
	const char *at = start;
	const char *stop = scan->at;

	while ((at = memchr(at, '\0', (size_t)(stop - at)))) {
		if (at == start || at[-1] != '\\') {
			defect(scan, 400, "NUL In Header");
			return;
		}
		at++;
	}
	for (at = start; (at = memchr(at, '\r', (size_t)(stop - at))); at++) {
		if (at + 1 == stop || at[1] != '\n') {
			defect(scan, 400, "CR In Header");
			return;
		}
	}
}

/* --- The headers of every message. --- */

static bool read_name_addr(struct span value, struct span *tag)
{
	struct sip_name_addr party;
	enum sip_param_result result;
	struct sip_param param;

	if (!sip_name_addr_split(value, &party) || party.is_star)
		return false;
	while ((result = sip_param_next(&party.params, &param)) != SIP_PARAM_END) {
		if (result == SIP_PARAM_BAD)
			return false;
		if (!SIP_TOKEN_IS(param.name, "tag"))
			continue;
		/* One tag, a token: with two of them two parsers would see two dialogs. */
		if (tag->ptr || !param.is_token)
			return false;
		*tag = param.value;
	}
	return true;
}

static bool read_cseq(struct scan *scan)
{
	struct sip_msg *msg = scan->msg;
	struct span value = scan->cseq_value;
	size_t digits = 0;
	uint64_t number;

	while (digits < value.len && !is_blank(value.ptr[digits]))
		digits++;
	if (!span_to_u64((struct span){value.ptr, digits}, CSEQ_MAX, &number))
		return false;
	msg->cseq = (uint32_t)number;
	msg->cseq_method = sip_trim(span_from(value, digits));
	return sip_span_is(msg->cseq_method, SIP_CHAR_TOKEN);
}

static bool is_call_id(struct span text)
{
	if (sip_span_is(text, SIP_CHAR_URI))
		return true; /* as nearly all are, and nothing of that is refused below */
	for (size_t i = 0; i < text.len; i++) {
		if ((uint8_t)text.ptr[i] <= ' ' || text.ptr[i] == 0x7f)
			return false;
	}
	return text.len > 0;
}

static void read_via(struct scan *scan, bool *is_usable)
{
	struct sip_msg *msg = scan->msg;
	struct span rest = msg->via;
	bool is_strict = false;

	*is_usable = (!memchr(rest.ptr, ',', rest.len) || sip_list_next(&rest, &msg->via)) &&
		     sip_via_scan(msg->via, &msg->top_via, &is_strict);
	if (!is_strict)
		defect(scan, 400, "Bad Via");
}

static void read_body(struct scan *scan)
{
	struct sip_msg *msg = scan->msg;
	uint64_t length;

	if (!scan->is_end_found)
		return;
	msg->body = (struct span){scan->at, (size_t)(scan->end - scan->at)};
	if (!scan->content_length.ptr)
		return; /* section 18.3: the rest of the datagram */
	/* What stands after the body is no part of the message; a shorter rest is a cut message. */
	if (!span_to_u64(scan->content_length, msg->body.len, &length))
		defect(scan, 400, "Bad Content-Length");
	else
		msg->body.len = length;
}

static void read_fields(struct scan *scan)
{
	struct sip_msg *msg = scan->msg;
	uint64_t hops;

	if (!msg->from.ptr || !msg->to.ptr || !msg->call_id.ptr || !scan->cseq_value.ptr) {
		defect(scan, 400, "Missing Header");
	}
	if (msg->from.ptr && !read_name_addr(msg->from, &msg->from_tag))
		defect(scan, 400, "Bad From");
	if (msg->to.ptr && !read_name_addr(msg->to, &msg->to_tag))
		defect(scan, 400, "Bad To");
	if (msg->call_id.ptr && !is_call_id(msg->call_id))
		defect(scan, 400, "Bad Call-ID");
	if (scan->cseq_value.ptr && !read_cseq(scan))
		defect(scan, 400, "Bad CSeq");
	if (scan->max_forwards.ptr) {
		if (span_to_u64(scan->max_forwards, MAX_FORWARDS_MAX, &hops))
			msg->max_forwards = (int)hops;
		else
			defect(scan, 400, "Bad Max-Forwards");
	}
	if (msg->is_request && !span_eq(msg->cseq_method, msg->method_text))
		defect(scan, 400, "CSeq Method Differs");
	if (!msg->is_request)
		msg->method = sip_method_from(msg->cseq_method);
	read_body(scan);
}

enum sip_verdict sip_msg_parse(struct sip_msg *msg, char *data, size_t len, int *status,
			       const char **why)
{
	struct scan scan = {.msg = msg, .at = data, .end = data + len};
	bool is_via_usable = false;

	memset(msg, 0, offsetof(struct sip_msg, headers));
	msg->header_count = 0;
	msg->raw = (struct span){data, len};
	msg->max_forwards = -1;
	if (len < SIP_MSG_MIN || !read_start_line(&scan))
		return SIP_VERDICT_IGNORE;
	if (len > SIP_MSG_MAX)
		defect(&scan, 513, "Message Too Large");
	read_headers(&scan);
	check_octets(&scan, data);
	if (msg->via.ptr)
		read_via(&scan, &is_via_usable);
	read_fields(&scan);

	if (!is_via_usable || (scan.status && !msg->is_request))
		return SIP_VERDICT_IGNORE;
	if (scan.status == 0)
		return SIP_VERDICT_OK;
	/* An ACK is never answered (section 17). */
	if (span_eq(msg->method_text, SPAN_LIT("ACK")))
		return SIP_VERDICT_IGNORE;
	*status = scan.status;
	*why = scan.why;
	return SIP_VERDICT_REJECT;
}
