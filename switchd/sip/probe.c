/* SPDX-License-Identifier: GPL-2.0-or-later */
/* OPTIONS as a probe (RFC 3261 section 11): its text, and its answer known again. */
#include "switchd/sip/probe.h"

#include "switchd/sip/location.h"
#include "switchd/sip/syntax_private.h"
#include "switchd/sip/worker_private.h"

/* Behind the cookie; no branch of a transaction has it there. */
#define PROBE_BRANCH "z9hG4bKk"
#define ID_DIGITS    8
#define MARK_DIGITS  16

static void add_hex(struct buf *out, uint64_t number, int digits)
{
	static const char HEX[] = "0123456789abcdef";

	while (digits-- > 0)
		buf_add_char(out, HEX[number >> (4 * digits) & 15]);
}

static void add_token(struct buf *out, const struct keepalive_target *target)
{
	add_hex(out, target->id, ID_DIGITS);
	add_hex(out, target->mark, MARK_DIGITS);
}

/* A Contact may have header fields after '?', a Request-URI may not: RFC 3261 section 19.1.1. */
static struct span without_headers(struct span text)
{
	struct sip_uri uri;

	if (sip_uri_parse(text, &uri) && uri.headers.ptr)
		text.len = (size_t)(uri.headers.ptr - text.ptr) - 1;
	return text;
}

bool probe_write(struct sip_worker *worker, const struct sip_socket *socket,
		 const struct keepalive_target *target, struct buf *out)
{
	static const char *const TRANSPORTS[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};
	struct binding binding;
	struct span uri;

	if (!location_of_target(worker->shared->location, target, &binding))
		return false;
	uri = without_headers(span_of(binding.contact));
	buf_add_lit(out, "OPTIONS ");
	buf_add_span(out, uri);
	buf_add_lit(out, " SIP/2.0\r\nVia: SIP/2.0/");
	buf_add_str(out, TRANSPORTS[socket->transport]);
	buf_add_char(out, ' ');
	buf_add_str(out, socket->host_port);
	buf_add_lit(out, ";rport;branch=" PROBE_BRANCH);
	add_token(out, target);
	buf_add_lit(out, "\r\nMax-Forwards: 70\r\n");
	if (binding.path[0]) {
		/* RFC 3327: what stands in between knows the way. */
		buf_add_lit(out, "Route: ");
		buf_add_str(out, binding.path);
		buf_add_lit(out, "\r\n");
	}
	buf_add_lit(out, "From: <sip:");
	buf_add_str(out, socket->host_port);
	buf_add_lit(out, ">;tag=");
	add_hex(out, target->mark, MARK_DIGITS);
	buf_add_lit(out, "\r\nTo: <");
	buf_add_span(out, uri);
	/* No Contact: it asks for nothing that would need one. The Call-ID names the thread, so
	 * that the answer comes back here. */
	buf_add_lit(out, ">\r\nCall-ID: v1-");
	add_hex(out, (uint64_t)worker->number, 2);
	buf_add_char(out, 'k');
	add_token(out, target);
	buf_add_lit(out,
		    "\r\nCSeq: 1 OPTIONS\r\nAccept: application/sdp\r\nContent-Length: 0\r\n\r\n");
	return !out->failed;
}

static bool take_hex(struct span *text, int digits, uint64_t *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++) {
		int digit = hex_digit(text->ptr[i]);

		if (digit < 0)
			return false;
		*out = *out << 4 | (uint64_t)digit;
	}
	*text = span_from(*text, (size_t)digits);
	return true;
}

bool probe_answer(struct sip_worker *worker, const struct sip_rx *rx)
{
	struct span branch = rx->msg->top_via.branch;
	uint64_t mark;
	uint64_t id;

	if (rx->msg->method != SIP_OPTIONS ||
	    branch.len != sizeof(PROBE_BRANCH) - 1 + ID_DIGITS + MARK_DIGITS ||
	    !span_starts_with(branch, SPAN_LIT(PROBE_BRANCH)))
		return false;
	branch = span_from(branch, sizeof(PROBE_BRANCH) - 1);
	if (take_hex(&branch, ID_DIGITS, &id) && take_hex(&branch, MARK_DIGITS, &mark))
		keepalive_answered(worker->shared->keepalive, (keepalive_id)id, mark);
	return true;
}
