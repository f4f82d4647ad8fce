/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Responses written from the spans of their request (RFC 3261 section 8.2.6, RFC 3581). */
#include "switchd/sip/reply.h"

#include "shared/base/hash.h"
#include "switchd/sip/party_address.h"

bool sip_rx_is_nat(const struct sip_rx *rx)
{
	const struct sip_via *via = &rx->msg->top_via;
	uint16_t port = via->port ? via->port : 5060;
	struct addr advertised;

	if (!addr_parse(via->host, &advertised))
		return false; /* a name tells nothing */
	/* A connection comes from a port of its own, whatever the peer listens on. */
	if (sip_socket_is_stream(rx->socket))
		return !addr_ip_eq(&advertised, &rx->source);
	return !addr_ip_eq(&advertised, &rx->source) || port != rx->source.port;
}

struct addr sip_reply_target(const struct sip_worker *worker, const struct sip_rx *rx)
{
	/* RFC 3261 18.2.2: by the connection that the request came by. When it is gone, the stream
	 * thread opens one to what Via says. */
	if (sip_socket_is_stream(rx->socket))
		return rx->source;
	return party_reply_address(rx->reply, rx, worker->conf);
}

/* received and rport are ours to set. */
static bool is_ours(struct span param)
{
	struct span name;

	if (!param.len || (param.ptr[0] | 0x20) != 'r')
		return false;
	name = span_trim((struct span){param.ptr, span_find(param, '=')});
	return span_ieq(name, SPAN_LIT("rport")) || span_ieq(name, SPAN_LIT("received"));
}

/* The topmost Via element with received= and rport= filled in. */
static void write_top_via(const struct sip_rx *rx, struct buf *out)
{
	const struct sip_via *via = &rx->msg->top_via;
	struct span text = rx->msg->via;
	char ip[ADDR_TEXT_MAX];
	struct addr advertised;
	size_t at = span_find(text, ';');

	buf_add(out, text.ptr, at);
	/* Parameter by parameter. */
	while (at + 1 < text.len) {
		struct span rest = {text.ptr + at + 1, text.len - at - 1};
		size_t len = span_find(rest, ';');
		struct span param = span_trim((struct span){rest.ptr, len});

		if (!is_ours(param)) {
			buf_add_char(out, ';');
			buf_add_span(out, param);
		}
		at += 1 + len;
	}
	if (via->has_rport) {
		buf_add_lit(out, ";rport=");
		buf_add_u64(out, rx->source.port);
	}
	if (via->has_rport || !addr_parse(via->host, &advertised) ||
	    !addr_ip_eq(&advertised, &rx->source)) {
		buf_add_lit(out, ";received=");
		buf_add_str(out, addr_print_ip(&rx->source, ip));
	}
}

static void write_vias(const struct sip_rx *rx, struct buf *out)
{
	const struct sip_header *header;
	bool is_top = true;
	int index = 0;

	while ((header = sip_msg_header(rx->msg, SIP_HDR_VIA, &index))) {
		buf_add_lit(out, "Via: ");
		if (is_top) {
			struct span rest = header->value;
			struct span element;

			write_top_via(rx, out);
			if (span_find(rest, ',') < rest.len && sip_list_next(&rest, &element) &&
			    sip_list_next(&rest, &element)) {
				/* More elements on the same line pass as they are. */
				buf_add_lit(out, ", ");
				buf_add(out, element.ptr,
					(size_t)(header->value.ptr + header->value.len -
						 element.ptr));
			}
		} else {
			buf_add_span(out, header->value);
		}
		buf_add_lit(out, "\r\n");
		is_top = false;
	}
}

static void write_line(struct buf *out, const char *name, struct span value)
{
	if (value.len == 0)
		return;
	buf_add_str(out, name);
	buf_add_span(out, value);
	buf_add_lit(out, "\r\n");
}

void sip_write_status_line(struct buf *out, int status, const char *reason)
{
	buf_add_lit(out, "SIP/2.0 ");
	buf_add_u64(out, (uint64_t)status);
	buf_add_char(out, ' ');
	buf_add_str(out, reason ? reason : sip_reason_phrase(status));
	buf_add_lit(out, "\r\n");
}

void sip_write_response_head(const struct sip_rx *rx, struct buf *out)
{
	const struct sip_msg *msg = rx->msg;

	write_vias(rx, out);
	write_line(out, "From: ", msg->from);
	write_line(out, "Call-ID: ", msg->call_id);
	if (msg->cseq_method.len) {
		buf_add_lit(out, "CSeq: ");
		buf_add_u64(out, msg->cseq);
		buf_add_char(out, ' ');
		buf_add_span(out, msg->cseq_method);
		buf_add_lit(out, "\r\n");
	}
}

void sip_write_to(struct buf *out, struct span to, bool has_tag, struct span tag)
{
	if (to.len == 0)
		return;
	buf_add_lit(out, "To: ");
	buf_add_span(out, to);
	if (!has_tag && tag.len) {
		buf_add_lit(out, ";tag=");
		buf_add_span(out, tag);
	}
	buf_add_lit(out, "\r\n");
}

void sip_write_body(struct buf *out, struct span content_type, struct span body)
{
	if (body.len) {
		buf_add_lit(out, "Content-Type: ");
		buf_add_span(out, content_type);
		buf_add_lit(out, "\r\n");
	}
	buf_add_lit(out, "Content-Length: ");
	buf_add_u64(out, body.len);
	buf_add_lit(out, "\r\n\r\n");
	buf_add_span(out, body);
}

struct buf *sip_reply_begin(struct sip_worker *worker, const struct sip_rx *rx, int status,
			    const char *reason, struct span to_tag)
{
	struct buf *out = worker_send_begin(worker);

	worker_send_dialog(worker, rx->dialog);
	sip_write_status_line(out, status, reason);
	sip_write_response_head(rx, out);
	sip_write_to(out, rx->msg->to, rx->msg->to_tag.len > 0, to_tag);
	return out;
}

/* A source address costs nothing to forge. What is so short that its answer would be of three times
 * its size comes from no user agent, and is not worth one. */
static bool is_amplified(const struct sip_rx *rx, size_t len)
{
	return !sip_socket_is_stream(rx->socket) && len >= 3 * rx->msg->raw.len &&
	       !sip_msg_first(rx->msg, SIP_HDR_AUTHORIZATION) &&
	       !sip_msg_first(rx->msg, SIP_HDR_PROXY_AUTHORIZATION);
}

struct span sip_reply_end(struct sip_worker *worker, const struct sip_rx *rx,
			  struct span content_type, struct span body)
{
	struct addr target = sip_reply_target(worker, rx);

	sip_write_body(&worker->io->tx_open, content_type, body);
	if (is_amplified(rx, worker->io->tx_open.len)) {
		worker->counters.rx_ignored++;
		return SPAN_NONE;
	}
	return worker_send_commit(worker, rx->socket, &target);
}

struct span sip_stateless_tag(const struct sip_worker *worker, const struct sip_rx *rx,
			      char out[SIP_STATELESS_TAG_MAX])
{
	struct buf text = buf_over(out, SIP_STATELESS_TAG_MAX);
	uint64_t hash = hash_bytes(&worker->hash_key, rx->msg->call_id.ptr, rx->msg->call_id.len);

	/* The same request gets the same tag again (RFC 3261 8.2.7); the branch keeps two apart. */
	hash ^= hash_bytes(&worker->hash_key, rx->msg->top_via.branch.ptr,
			   rx->msg->top_via.branch.len) *
		0x9e3779b97f4a7c15u;
	buf_add_char(&text, 's');
	buf_add_hex(&text, (const uint8_t *)&hash, sizeof(hash));
	return buf_span(&text);
}

void sip_reply_stateless(struct sip_worker *worker, const struct sip_rx *rx, int status,
			 const char *reason)
{
	char tag[SIP_STATELESS_TAG_MAX];

	sip_reply_begin(worker, rx, status, reason, sip_stateless_tag(worker, rx, tag));
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}
