/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The full grammar check of a message by sofia-sip, and the only file that includes its headers.
 * Plain requests (plain.c) need none.
 *
 * Its list parser recurses once an element and walks a header's chain at every append, so the
 * number of list elements of the whole message is bounded here before it sees a byte. It works on a
 * copy in a msg_t of its own, which is freed before the return; msg_dup() and the SDP parser are
 * never used. Threads share nothing in it but the library's allocation statistics, which nobody
 * reads. */
#include "switchd/sip/syntax_private.h"

#include <sofia-sip/msg.h>
#include <sofia-sip/msg_buffer.h>
#include <sofia-sip/sip_header.h>
#include <sofia-sip/sip_parser.h>
#include <sofia-sip/sip_util.h>
#include <sofia-sip/su_alloc.h>

#define LIST_ELEMENTS_MAX 400  /* commas of all headers together */
#define PRELOAD_BYTES     6144 /* objects of an ordinary INVITE, in one allocation */

/* Headers that the switch neither acts on nor passes to its own parsers: a defect in one of them is
 * no reason to refuse a call. */
static const struct span tolerated[] = {
#define NAME(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}
	NAME("User-Agent"),   NAME("Server"),    NAME("Subject"),         NAME("s"),
	NAME("Organization"), NAME("Call-Info"), NAME("Alert-Info"),      NAME("Error-Info"),
	NAME("In-Reply-To"),  NAME("Priority"),  NAME("Accept-Language"), NAME("Timestamp"),
#undef NAME
};

static bool is_tolerated(struct span name)
{
	for (size_t i = 0; i < sizeof(tolerated) / sizeof(tolerated[0]); i++) {
		if (span_ieq(name, tolerated[i]))
			return true;
	}
	return false;
}

static bool has_many_elements(const struct sip_msg *msg)
{
	size_t commas = 0;

	for (int i = 0; i < msg->header_count; i++) {
		for (size_t j = 0; j < msg->headers[i].value.len; j++)
			commas += msg->headers[i].value.ptr[j] == ',';
	}
	return commas > LIST_ELEMENTS_MAX;
}

/* sofia-sip knows fewer characters in a method than RFC 3261 section 25.1's token has. */
static bool is_plain_method_char(char c)
{
	return sip_char_is(c, SIP_CHAR_HOST);
}

static void make_plain(char *method, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!is_plain_method_char(method[i]))
			method[i] = '-';
	}
}

/* Copies the message for sofia-sip. A NUL (the gate leaves it only in a quoted-pair) would end its
 * strings, so another character takes its place; so it goes with odd characters of an extension's
 * method, which the gate has checked to be a token, and the same one in the request line and CSeq.
 */
static void copy_text(const struct sip_msg *msg, struct span text, char *out)
{
	size_t header_len = msg->body.ptr ? (size_t)(msg->body.ptr - text.ptr) : text.len;
	char *nul = out;

	memcpy(out, text.ptr, text.len);
	while ((nul = memchr(nul, '\0', header_len - (size_t)(nul - out))))
		*nul++ = '0';
	if (msg->method != SIP_METHOD_UNKNOWN)
		return;
	if (msg->is_request)
		make_plain(out + (msg->method_text.ptr - text.ptr), msg->method_text.len);
	make_plain(out + (msg->cseq_method.ptr - text.ptr), msg->cseq_method.len);
}

/* NULL when out of memory. Free with msg_destroy(). */
static msg_t *extract(const struct sip_msg *msg)
{
	struct span text = msg->raw;
	msg_t *parsed;
	char *room;

	if (msg->body.ptr)
		text.len = (size_t)(msg->body.ptr + msg->body.len - text.ptr);
	while (text.len && (text.ptr[0] == '\r' || text.ptr[0] == '\n'))
		text = span_from(text, 1);
	parsed = msg_create(sip_default_mclass(), 0);
	if (!parsed)
		return NULL;
	su_home_preload(msg_home(parsed), 1, text.len + PRELOAD_BYTES);
	room = msg_buf_exact(parsed, text.len + 1);
	if (!room) {
		msg_destroy(parsed);
		return NULL;
	}
	copy_text(msg, text, room);
	msg_buf_commit(parsed, text.len, 1);
	(void)msg_extract(parsed); /* its verdict is in the flags */
	return parsed;
}

/* Header of an entry in the list of errors. A repeated single header is put there as what it is,
 * and only the rest as sip_error_t. */
static const char *error_header(const sip_error_t *error)
{
	const msg_hclass_t *class = error->er_common->h_class;

	return class == sip_error_class ? error->er_name : class->hc_name;
}

static bool is_sound(const msg_t *parsed, const char **why)
{
	const sip_t *sip = sip_object(parsed);

	if (!sip || (sip->sip_flags & (MSG_FLG_ERROR | MSG_FLG_TRUNC | MSG_FLG_TOOLARGE))) {
		*why = "Malformed Message";
		return false;
	}
	for (const sip_error_t *error = sip->sip_error; error; error = error->er_next) {
		const char *name = error_header(error);

		if (name && is_tolerated(span_of(name)))
			continue;
		*why = "Malformed Header";
		return false;
	}
	if (sip_sanity_check(sip) < 0) {
		*why = "Malformed Message";
		return false;
	}
	return true;
}

/* What sofia-sip is lenient about: a Contact outside <> with a '?' (RFC 3261 section 20.10), a URI
 * whose parts do not hold. */
static bool are_contacts_sound(const struct sip_msg *msg)
{
	const struct sip_header *header;
	struct sip_name_addr contact;
	struct span element;
	int index = 0;

	while ((header = sip_msg_header(msg, SIP_HDR_CONTACT, &index))) {
		struct span rest = header->value;

		while (sip_list_next(&rest, &element)) {
			if (!sip_name_addr_parse(element, &contact))
				return false;
		}
	}
	return true;
}

static bool is_grammatical(const struct sip_msg *msg, const char **why)
{
	struct sip_name_addr party;
	struct sip_uri uri;
	msg_t *parsed;
	bool is_ok;

	if (has_many_elements(msg)) {
		*why = "Too Many List Elements";
		return false;
	}
	if (msg->is_request && !sip_uri_parse(msg->request_uri, &uri)) {
		*why = "Bad Request-URI";
		return false;
	}
	if (!sip_name_addr_parse(msg->from, &party) || !sip_name_addr_parse(msg->to, &party)) {
		*why = "Bad From Or To";
		return false;
	}
	if (!are_contacts_sound(msg)) {
		*why = "Bad Contact";
		return false;
	}
	parsed = extract(msg);
	if (!parsed) {
		*why = "Out Of Memory";
		return false;
	}
	is_ok = is_sound(parsed, why);
	msg_destroy(parsed);
	return is_ok;
}

bool sip_msg_check_full(const struct sip_msg *msg, const char **why)
{
	return sip_msg_is_plain(msg) || is_grammatical(msg, why);
}

static bool is_same(struct span ours, const char *theirs)
{
	return span_eq(ours, span_of(theirs));
}

static bool is_same_method(struct span ours, const char *theirs)
{
	struct span text = span_of(theirs);

	if (text.len != ours.len)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] != ours.ptr[i] &&
		    (text.ptr[i] != '-' || is_plain_method_char(ours.ptr[i])))
			return false;
	}
	return true;
}

static const char *first_difference(const struct sip_msg *msg, const sip_t *sip)
{
	if (msg->is_request != (sip->sip_request != NULL))
		return "start line";
	if (msg->is_request && !is_same_method(msg->method_text, sip->sip_request->rq_method_name))
		return "method";
	if (!msg->is_request && msg->status != sip->sip_status->st_status)
		return "status";
	if (!is_same(msg->from_tag, sip->sip_from->a_tag))
		return "From tag";
	if (!is_same(msg->to_tag, sip->sip_to->a_tag))
		return "To tag";
	if (!is_same(msg->call_id, sip->sip_call_id->i_id))
		return "Call-ID";
	if (msg->cseq != sip->sip_cseq->cs_seq)
		return "CSeq number";
	if (!is_same_method(msg->cseq_method, sip->sip_cseq->cs_method_name))
		return "CSeq method";
	if (!is_same(msg->top_via.branch, sip->sip_via->v_branch))
		return "branch";
	return NULL;
}

bool sip_msg_agrees(const struct sip_msg *msg, const char **what)
{
	msg_t *parsed = extract(msg);
	const char *why;

	*what = NULL;
	if (parsed && is_sound(parsed, &why))
		*what = first_difference(msg, sip_object(parsed));
	if (sip_msg_is_plain(msg) && !is_grammatical(msg, &why))
		*what = why;
	if (parsed)
		msg_destroy(parsed);
	return *what == NULL;
}
