/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of requests inside the dialog, where they go, and what of a peer's message is learned
 * for that (RFC 3261 section 12.2). */

#include "switchd/media/sdp.h"
#include "switchd/sip/leg_late.h"
#include "switchd/sip/party_address.h"

struct span leg_sdp(const struct sip_msg *msg)
{
	struct span type = msg->content_type;

	type.len = span_find(type, ';');
	return span_ieq(span_trim(type), SPAN_LIT("application/sdp")) ? msg->body : SPAN_NONE;
}

const char *leg_via_transport(const struct sip_leg *leg)
{
	static const char *const names[] = {
		[CONF_UDP] = "UDP", [CONF_TCP] = "TCP", [CONF_TLS] = "TLS"};

	return names[leg->socket->transport];
}

/* RFC 5630 3.1.4 calls transport=tls deprecated; without it a sip: URI says TCP or UDP, and what is
 * in use writes it. */
const char *leg_uri_transport(const struct sip_leg *leg)
{
	static const char *const texts[] = {
		[CONF_UDP] = "", [CONF_TCP] = ";transport=tcp", [CONF_TLS] = ";transport=tls"};

	return leg->is_sips ? "" : texts[leg->socket->transport];
}

void leg_add_contact(const struct sip_leg *leg, struct buf *out)
{
	buf_add_str(out, leg->is_sips ? "Contact: <sips:" : "Contact: <sip:");
	if (leg->user && leg->user[0]) {
		buf_add_str(out, leg->user);
		buf_add_char(out, '@');
	}
	buf_add_str(out, leg->socket->host_port);
	buf_add_str(out, leg_uri_transport(leg));
	buf_add_lit(out, ">\r\n");
}

/* A Contact may have header fields after '?', a Request-URI may not: RFC 3261 section 19.1.1. */
static void add_request_uri(const struct sip_leg *leg, struct buf *out)
{
	struct span text = span_of(leg->remote_target);
	struct sip_uri uri;

	if (span_find(text, '?') < text.len && sip_uri_parse(text, &uri) && uri.headers.ptr)
		text.len = (size_t)(uri.headers.ptr - text.ptr) - 1;
	buf_add_span(out, text);
}

struct buf *leg_begin_request(struct sip_leg *leg, enum sip_method method, uint32_t cseq,
			      const char *branch)
{
	struct buf *out = worker_send_begin(leg->worker);
	size_t uri_at;
	struct span uri;

	buf_add_str(out, sip_method_text(method));
	buf_add_char(out, ' ');
	uri_at = out->len;
	add_request_uri(leg, out);
	uri = (struct span){out->data + uri_at, out->len - uri_at};
	buf_add_lit(out, " SIP/2.0\r\nVia: SIP/2.0/");
	buf_add_str(out, leg_via_transport(leg));
	buf_add_char(out, ' ');
	buf_add_str(out, leg->socket->host_port);
	buf_add_lit(out, ";rport;branch=");
	buf_add_str(out, branch);
	buf_add_lit(out, "\r\nMax-Forwards: ");
	/* What the caller left over, or two switches that route to each other never end. */
	buf_add_u64(out, leg->state == LEG_OUTGOING ? (uint64_t)leg->max_forwards : 70);
	buf_add_lit(out, "\r\n");
	if (leg->route && leg->route[0]) {
		buf_add_lit(out, "Route: ");
		buf_add_str(out, leg->route);
		buf_add_lit(out, "\r\n");
	}
	buf_add_lit(out, "From: ");
	buf_add_str(out, leg->local);
	buf_add_lit(out, ";tag=");
	buf_add_str(out, leg->local_tag);
	buf_add_lit(out, "\r\nTo: ");
	buf_add_str(out, leg->remote);
	if (leg->remote_tag && leg->remote_tag[0]) {
		buf_add_lit(out, ";tag=");
		buf_add_str(out, leg->remote_tag);
	}
	buf_add_lit(out, "\r\nCall-ID: ");
	buf_add_str(out, leg->call_id);
	buf_add_lit(out, "\r\nCSeq: ");
	buf_add_u64(out, cseq);
	buf_add_char(out, ' ');
	buf_add_str(out, sip_method_text(method));
	buf_add_lit(out, "\r\n");
	leg_trunk_add_credentials(leg, method, uri, out);
	worker_send_dialog(leg->worker, leg->base.dialog);
	return out;
}

/* What a URI of the peer's says of its address: none when it is a name, or an address that nothing
 * can be sent to from this leg's socket. One of a GRUU (RFC 5627) says nothing: it is ours. */
static struct party_contact read_address(const struct sip_leg *leg,
					 const struct sip_name_addr *name)
{
	struct party_contact out = {0};
	struct addr addr;
	struct span gruu;

	/* Without <> a URI's parameters are taken for the field's. */
	if (!name->uri.host.len || sip_param_get(name->uri.params, SPAN_LIT("gr"), &gruu) ||
	    sip_param_get(name->params, SPAN_LIT("gr"), &gruu))
		return out;
	out.port = name->uri.port                       ? name->uri.port
		   : leg->socket->transport == CONF_TLS ? 5061
							: 5060;
	if (addr_parse(name->uri.host, &addr) && addr.family == leg->socket->local.family &&
	    addr_is_host(&addr)) {
		addr.port = out.port;
		out.address = addr;
	}
	return out;
}

/* False: it says none. */
static bool uri_address(const struct sip_leg *leg, const struct sip_name_addr *name,
			struct addr *out)
{
	struct party_contact contact = read_address(leg, name);

	if (contact.address.family == ADDR_NONE)
		return false;
	*out = contact.address;
	return true;
}

static bool text_address(const struct sip_leg *leg, struct span text, struct addr *out)
{
	struct sip_name_addr name;

	return sip_name_addr_parse(text, &name) && uri_address(leg, &name, out);
}

/* A URI is read alike with and without <> if it has nothing that would end it. */
static bool is_plain(const struct sip_name_addr *contact)
{
	struct span text = contact->uri_text;
	struct span before = {text.ptr, (size_t)(contact->uri.host.ptr - text.ptr)};

	return span_find(text, ',') == text.len && span_find(text, '?') == text.len &&
	       span_find(before, ';') == before.len;
}

/* As the party's `request-address` says, which is not auto. */
static struct addr configured_peer(const struct sip_leg *leg, const struct addr *source,
				   const struct sip_name_addr *contact)
{
	struct party_contact at = {0};
	struct sip_name_addr target;

	if (!contact && sip_name_addr_parse(span_of(leg->remote_target), &target))
		contact = &target;
	if (contact)
		at = read_address(leg, contact);
	return party_request_address(leg->request_address, source, &at, leg->is_proven,
				     leg->worker->conf);
}

/* contact: what the target has just been learned from; NULL: the target is looked into. */
void leg_choose_peer(struct sip_leg *leg, const struct addr *source,
		     const struct sip_name_addr *contact)
{
	struct span rest = span_of(leg->route ? leg->route : "");
	struct span first;
	struct addr next;

	leg->peer = *source;
	if (sip_list_next(&rest, &first)) {
		/* The connection to that very neighbour serves, whatever port it listens on. */
		if (text_address(leg, first, &next) &&
		    !(sip_socket_is_stream(leg->socket) && addr_ip_eq(&next, source)))
			leg->peer = next;
	} else if (sip_socket_is_stream(leg->socket)) {
		/* The connection it is. */
	} else if (leg->request_address != WORD_PARTY_ADDRESS_AUTO) {
		leg->peer = configured_peer(leg, source, contact);
	} else if (leg->base.is_nat) {
		/* The source it is. */
	} else if (contact && is_plain(contact)) {
		uri_address(leg, contact, &leg->peer);
	} else {
		text_address(leg, span_of(leg->remote_target), &leg->peer);
	}
}

bool leg_contact_of(const struct sip_msg *msg, struct sip_name_addr *out)
{
	struct span rest = msg->contact;
	struct span element;

	*out = (struct sip_name_addr){0};
	return sip_list_next(&rest, &element) && sip_name_addr_parse(element, out);
}

struct span leg_target_in(const struct sip_name_addr *contact)
{
	if (contact->uri_text.len <= LEG_NAME_BYTES &&
	    (span_ieq(contact->uri.scheme, SPAN_LIT("sip")) ||
	     span_ieq(contact->uri.scheme, SPAN_LIT("sips"))))
		return contact->uri_text;
	return SPAN_NONE;
}

void leg_learn_target(struct sip_leg *leg, const struct sip_msg *msg)
{
	struct sip_name_addr contact;
	struct span target;

	leg_contact_of(msg, &contact);
	target = leg_target_in(&contact);
	if (target.len)
		leg_set(leg, &leg->remote_target, target);
}

void leg_learn_peer(struct sip_leg *leg, const struct sip_name_addr *contact,
		    const struct addr *source)
{
	struct span target = leg_target_in(contact);
	bool is_learned = target.len && leg_set(leg, &leg->remote_target, target);

	leg_choose_peer(leg, source, is_learned ? contact : NULL);
}

/* RFC 3261 12.1.2: the route set of the caller's side is Record-Route in reverse. */
bool leg_write_route(const struct sip_msg *msg, struct buf *out)
{
	struct span elements[LEG_ROUTES_MAX];
	const struct sip_header *header;
	int index = 0;
	int count = 0;

	while ((header = sip_msg_header(msg, SIP_HDR_RECORD_ROUTE, &index))) {
		struct span rest = header->value;
		struct span element;

		while (sip_list_next(&rest, &element)) {
			if (count == LEG_ROUTES_MAX)
				return false;
			elements[count++] = element;
		}
	}
	while (count > 0) {
		if (out->len)
			buf_add_lit(out, ", ");
		buf_add_span(out, elements[--count]);
	}
	return !out->failed;
}

void leg_add_reason(struct buf *out, struct cause cause)
{
	if (cause.received == 0 && cause.id == CAUSE_NORMAL)
		return;
	buf_printf(out, "Reason: Q.850;cause=%d;text=\"%s\"\r\n", cause_q850(cause),
		   cause_text(cause));
}

void leg_received_reason(void *context, struct buf *out)
{
	const struct sip_worker *worker = context;
	const struct sip_msg *msg = worker->io->handled;
	const struct sip_header *header;
	int index = 0;

	while (msg && (header = sip_msg_header(msg, SIP_HDR_REASON, &index))) {
		if (out->len)
			buf_add_lit(out, ", ");
		buf_add_span(out, header->value);
	}
}

static void write_ack(struct sip_leg *leg, struct span sdp)
{
	char branch[TXN_BRANCH_MAX];
	struct buf text = buf_over(branch, sizeof(branch) - 1);
	struct buf *out;

	buf_add_lit(&text, "z9hG4bKa");
	buf_add_str(&text, leg->local_tag);
	buf_add_u64(&text, leg->invite_cseq);
	branch[text.len] = '\0';
	out = leg_begin_request(leg, SIP_ACK, leg->invite_cseq, branch);
	sip_write_body(out, SPAN_LIT("application/sdp"), sdp);
}

struct span leg_write_ack(struct sip_leg *leg)
{
	if (leg->ack)
		return (struct span){leg->ack, leg->ack_len};
	write_ack(leg, SPAN_NONE);
	return buf_span(&leg->worker->io->tx_open);
}

void leg_send_ack(struct sip_leg *leg, struct span sdp)
{
	char memory[SDP_BYTES_MAX + 1024];
	struct buf answer = buf_over(memory, sizeof(memory));
	struct span sent;

	leg->ack_held = false;
	if (leg->ack) {
		/* The 2xx came again: the same ACK (RFC 3261 13.2.2.4). */
		worker_send(leg->worker, leg->socket, &leg->peer, leg->ack, leg->ack_len);
		return;
	}
	/* Nobody has answered what the peer offers. */
	if (!sdp.len && leg->late_offer)
		sdp = leg_late_answer(leg, span_of(leg->late_offer), &answer);
	leg_late_end(leg);
	write_ack(leg, sdp);
	sent = worker_send_commit(leg->worker, leg->socket, &leg->peer);
	if (sdp.len && sent.len) {
		leg->ack = span_dup(sent);
		leg->ack_len = leg->ack ? sent.len : 0;
	}
}
