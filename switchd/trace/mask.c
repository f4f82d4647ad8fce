/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A message as it may be shown: line by line, what is secret replaced, the session description in
 * short. Messages are a stranger's: nothing is expected of them. */
#include "switchd/trace/words.h"

#define HIDDEN "***"

/* Takes the next line of *rest, without its end but *end says what that was. */
static struct span take_line(struct span *rest, struct span *end)
{
	size_t at = span_find(*rest, '\n');
	struct span line = {rest->ptr, at < rest->len ? at : rest->len};
	size_t whole = at < rest->len ? at + 1 : rest->len;

	if (line.len && line.ptr[line.len - 1] == '\r')
		line.len--;
	*end = (struct span){line.ptr + line.len, whole - line.len};
	rest->ptr += whole;
	rest->len -= whole;
	return line;
}

static bool is_header(struct span line, const char *name)
{
	struct span wanted = span_of(name);
	size_t at = wanted.len;

	if (!span_istarts_with(line, wanted))
		return false;
	while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
		at++;
	return at < line.len && line.ptr[at] == ':';
}

/* Credentials, and what proves ours to a peer (rspauth is made of the same hash). */
static bool has_credentials(struct span line)
{
	return is_header(line, "Authorization") || is_header(line, "Proxy-Authorization") ||
	       is_header(line, "Authentication-Info") ||
	       is_header(line, "Proxy-Authentication-Info");
}

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_';
}

static bool is_secret_name(struct span name)
{
	return span_ieq(name, SPAN_LIT("response")) || span_ieq(name, SPAN_LIT("rspauth")) ||
	       span_ieq(name, SPAN_LIT("password"));
}

/* Length of the value at the start of text: a quoted string, or up to a comma or blank. */
static size_t value_length(struct span text)
{
	size_t at = 0;

	if (text.len && text.ptr[0] == '"') {
		for (at = 1; at < text.len && text.ptr[at] != '"'; at++)
			if (text.ptr[at] == '\\')
				at++;
		return at < text.len ? at + 1 : text.len;
	}
	while (at < text.len && text.ptr[at] != ',' && text.ptr[at] != ' ' && text.ptr[at] != '\t')
		at++;
	return at;
}

/* Blanks may stand around "=" (RFC 3261 25.1, EQUAL). */
static void mask_parameters(struct span line, struct buf *out)
{
	struct span name = SPAN_NONE; /* the newest word */
	bool is_within = false;       /* of that word */

	for (size_t at = 0; at < line.len;) {
		struct span rest = {line.ptr + at, line.len - at};
		char c = line.ptr[at];
		size_t len = c == '"' ? value_length(rest) : 1;

		if (is_name_char(c)) {
			if (!is_within)
				name = (struct span){rest.ptr, 0};
			name.len++;
		}
		is_within = is_name_char(c);
		buf_add(out, rest.ptr, len);
		at += len;
		if (c != '=' || !is_secret_name(name))
			continue;
		while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
			at++;
		at += value_length((struct span){line.ptr + at, line.len - at});
		buf_add_lit(out, "\"" HIDDEN "\"");
		name = SPAN_NONE;
	}
}

/* The scheme: anything but Digest carries the password itself, or as good as that. */
static bool is_plain_scheme(struct span line)
{
	size_t colon = span_find(line, ':');
	struct span value = {line.ptr + colon, line.len - colon};

	if (!span_istarts_with(line, SPAN_LIT("Authorization")) &&
	    !span_istarts_with(line, SPAN_LIT("Proxy-Authorization")))
		return false;
	if (value.len)
		value = span_trim((struct span){value.ptr + 1, value.len - 1});
	return !span_istarts_with(value, SPAN_LIT("Digest"));
}

static void mask_key(struct span line, struct buf *out)
{
	static const char word[] = "inline:";
	const char *key = line.len ? memmem(line.ptr, line.len, word, sizeof(word) - 1) : NULL;

	if (!key) {
		buf_add_span(out, line);
		return;
	}
	buf_add(out, line.ptr, (size_t)(key - line.ptr) + sizeof(word) - 1);
	buf_add_lit(out, HIDDEN);
}

/* "k=clear:KEY"; "prompt" has none. */
static void mask_old_key(struct span line, struct buf *out)
{
	size_t colon = span_find(line, ':');

	buf_add(out, line.ptr, colon < line.len ? colon + 1 : line.len);
	if (colon < line.len)
		buf_add_lit(out, HIDDEN);
}

/* "a=key-mgmt:mikey KEY" (RFC 4567). */
static void mask_key_mgmt(struct span line, struct buf *out)
{
	size_t blank = span_find(line, ' ');

	buf_add(out, line.ptr, blank < line.len ? blank + 1 : line.len);
	if (blank < line.len)
		buf_add_lit(out, HIDDEN);
}

static bool ends_user(char c)
{
	return c == '@' || c == ' ' || c == '<' || c == '>' || c == '"' || c == ',';
}

/* "sip:1001:secret@host" (RFC 3261 19.1.1); a colon in front of no @ is a port's. */
static void mask_uris(struct span line, struct buf *out)
{
	for (size_t at = 0; at < line.len;) {
		struct span rest = {line.ptr + at, line.len - at};
		size_t skip = span_istarts_with(rest, SPAN_LIT("sip:"))    ? 4
			      : span_istarts_with(rest, SPAN_LIT("sips:")) ? 5
									   : 0;
		size_t colon = skip;
		size_t end;

		while (skip && colon < rest.len && rest.ptr[colon] != ':' &&
		       !ends_user(rest.ptr[colon]))
			colon++;
		for (end = colon; skip && end < rest.len && !ends_user(rest.ptr[end]);)
			end++;
		if (skip && end > colon + 1 && end < rest.len && rest.ptr[end] == '@') {
			buf_add(out, rest.ptr, colon + 1);
			buf_add_lit(out, HIDDEN);
			at += end;
		} else {
			skip = skip ? skip : 1;
			buf_add(out, rest.ptr, skip);
			at += skip;
		}
	}
}

void trace_message_mask(struct span message, struct buf *out)
{
	bool is_secret = false; /* the header that a folded line goes on with */
	bool is_plain = false;
	struct span end;

	while (message.len) {
		struct span line = take_line(&message, &end);
		bool is_folded = line.len && (line.ptr[0] == ' ' || line.ptr[0] == '\t');

		if (!is_folded) {
			is_secret = has_credentials(line);
			is_plain = is_secret && is_plain_scheme(line);
		}
		if (is_plain) {
			size_t colon = is_folded ? 0 : span_find(line, ':') + 1;

			buf_add(out, line.ptr, colon < line.len ? colon : line.len);
			buf_add_lit(out, " " HIDDEN);
		} else if (is_secret) {
			mask_parameters(line, out);
		} else if (span_istarts_with(line, SPAN_LIT("a=crypto:"))) {
			mask_key(line, out);
		} else if (span_istarts_with(line, SPAN_LIT("a=key-mgmt:"))) {
			mask_key_mgmt(line, out);
		} else if (span_istarts_with(line, SPAN_LIT("k="))) {
			mask_old_key(line, out);
		} else {
			mask_uris(line, out);
		}
		buf_add_span(out, end);
	}
}

struct span trace_message_call_id(struct span message)
{
	struct span end;

	while (message.len) {
		struct span line = take_line(&message, &end);
		size_t colon = span_find(line, ':');

		if (!line.len)
			break;
		if (is_header(line, "Call-ID") || is_header(line, "i"))
			return span_trim((struct span){line.ptr + colon + 1, line.len - colon - 1});
	}
	return SPAN_NONE;
}

/* --- The session description in short. --- */

#define FORMATS_MAX 6

static struct span take_word(struct span *rest)
{
	struct span word;

	while (rest->len && rest->ptr[0] == ' ') {
		rest->ptr++;
		rest->len--;
	}
	word = (struct span){rest->ptr, span_find(*rest, ' ')};
	if (word.len > rest->len)
		word.len = rest->len;
	rest->ptr += word.len;
	rest->len -= word.len;
	return word;
}

/* "a=rtpmap:101 telephone-event/8000" for 101. */
static struct span mapped_name(struct span body, struct span format)
{
	static const struct {
		const char *number;
		const char *name;
	} known[] = {{"0", "PCMU"}, {"3", "GSM"},  {"4", "G723"},
		     {"8", "PCMA"}, {"9", "G722"}, {"18", "G729"}};
	struct span end;

	while (body.len) {
		struct span line = take_line(&body, &end);
		struct span name;

		if (!span_istarts_with(line, SPAN_LIT("a=rtpmap:")))
			continue;
		line.ptr += 9;
		line.len -= 9;
		if (!span_eq(take_word(&line), format))
			continue;
		name = take_word(&line);
		name.len = span_find(name, '/') < name.len ? span_find(name, '/') : name.len;
		return name;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (span_eq(format, span_of(known[i].number)))
			return span_of(known[i].name);
	return format;
}

static void print_media(struct span line, struct span body, struct span host, struct buf *out)
{
	struct span port;

	(void)take_word(&line); /* audio */
	port = take_word(&line);
	(void)take_word(&line); /* RTP/AVP */
	buf_printf(out, "%s%.*s:%.*s", out->len ? ", " : "", SPAN_ARG(host), SPAN_ARG(port));
	for (int i = 0; i < FORMATS_MAX; i++) {
		struct span format = take_word(&line);

		if (!format.len)
			break;
		buf_add_char(out, ' ');
		buf_add_span(out, mapped_name(body, format));
	}
}

static struct span body_of(struct span message)
{
	const char *blank = message.len ? memmem(message.ptr, message.len, "\r\n\r\n", 4) : NULL;

	if (!blank)
		return SPAN_NONE;
	return (struct span){blank + 4, message.len - (size_t)(blank + 4 - message.ptr)};
}

/* The address of "c=IN IP4 192.0.2.1". */
static struct span host_of(struct span line)
{
	struct span value = {line.ptr + 2, line.len - 2};

	(void)take_word(&value);
	(void)take_word(&value);
	return take_word(&value);
}

/* Of the session, or of its first medium that has one of its own. */
static struct span first_host(struct span body)
{
	struct span end;

	while (body.len) {
		struct span line = take_line(&body, &end);

		if (span_starts_with(line, SPAN_LIT("c=")))
			return host_of(line);
	}
	return SPAN_NONE;
}

void trace_message_sdp(struct span message, struct buf *out)
{
	struct span body = body_of(message);
	struct span rest = body;
	struct span host = first_host(body);
	struct span end;

	if (!span_starts_with(body, SPAN_LIT("v=0")))
		return;
	while (rest.len) {
		struct span line = take_line(&rest, &end);
		struct span value = {line.ptr + 2, line.len > 2 ? line.len - 2 : 0};

		if (span_starts_with(line, SPAN_LIT("m="))) {
			print_media(value, body, host, out);
		} else if (span_eq(value, SPAN_LIT("sendonly")) ||
			   span_eq(value, SPAN_LIT("recvonly")) ||
			   span_eq(value, SPAN_LIT("inactive"))) {
			buf_add_char(out, ' ');
			buf_add_span(out, value);
		}
	}
}
