/* SPDX-License-Identifier: GPL-2.0-or-later */
/* 3xx, as it comes from a callee and as a caller gets it: there every contact is a number at the
 * switch itself, whatever host it had. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/sip/leg_caller.h"
#include "switchd/sip/leg_redirect.h"

#define SIP_PORT 5060

/* One of our addresses, or our name. */
static bool is_ours(const struct sip_worker *worker, const struct call_contact *contact)
{
	struct span host = span_of(contact->host);
	char text[ADDR_TEXT_MAX];

	if (contact->address.family == ADDR_NONE)
		return span_ieq(host, span_of(worker->conf->hostname)) ||
		       span_ieq(host, span_of(worker->conf->realm));
	addr_print(&contact->address, text);
	for (int i = 0; i < worker->socket_count; i++)
		if (addr_eq(&worker->sockets[i].local, &contact->address) ||
		    strcmp(worker->sockets[i].host_port, text) == 0)
			return true;
	return false;
}

/* RFC 3261 section 20.10: 1 when it is not given; at most three digits behind the point. */
static uint16_t q_of(struct span params)
{
	struct span value;
	unsigned q = 0;
	unsigned digit = 100;

	if (!sip_param_get(params, SPAN_LIT("q"), &value) || value.len == 0)
		return 1000;
	if (value.ptr[0] == '1')
		return 1000;
	for (size_t i = 2; i < value.len && digit && value.ptr[i] >= '0' && value.ptr[i] <= '9';
	     i++) {
		q += digit * (unsigned)(value.ptr[i] - '0');
		digit /= 10;
	}
	return (uint16_t)q;
}

static bool read_contact(const struct sip_worker *worker, struct span element,
			 struct call_contact *out)
{
	struct sip_name_addr name;
	bool is_tel;
	struct span user;
	size_t len;

	*out = (struct call_contact){0};
	if (!sip_name_addr_parse(element, &name))
		return false;
	is_tel = span_ieq(name.uri.scheme, SPAN_LIT("tel"));
	if (!is_tel && !span_ieq(name.uri.scheme, SPAN_LIT("sip")) &&
	    !span_ieq(name.uri.scheme, SPAN_LIT("sips")))
		return false;
	user = name.uri.user;
	user.len = span_find(user, ';');
	if (!sip_unescape(user, out->number, sizeof(out->number) - 1, &len) || len == 0)
		return false;
	out->number[len] = '\0';
	if (!leg_text_is_clean(out->number))
		return false;
	/* Without <> a URI's parameters are taken for the field's. */
	out->q_thousandths = q_of(name.params);
	out->is_ours = is_tel; /* a number, and no place */
	if (is_tel)
		return true;
	if (!span_copy(name.uri.host, out->host, sizeof(out->host)))
		return false;
	if (addr_parse(name.uri.host, &out->address))
		out->address.port = name.uri.port ? name.uri.port : SIP_PORT;
	out->is_ours = is_ours(worker, out);
	return true;
}

/* In the order of q, equals as they came. */
static void insert(struct call_redirect *to, const struct call_contact *contact)
{
	size_t at = to->count;

	while (at > 0 && to->contacts[at - 1].q_thousandths < contact->q_thousandths)
		at--;
	if (at == CALL_CONTACTS_MAX)
		return;
	if (to->count < CALL_CONTACTS_MAX)
		to->count++;
	for (size_t i = to->count - 1; i > at; i--)
		to->contacts[i] = to->contacts[i - 1];
	to->contacts[at] = *contact;
}

void leg_redirected(struct sip_leg *leg, const struct sip_msg *msg, struct cause cause)
{
	struct call_redirect to = {0};
	const struct sip_header *header;
	struct call_contact contact;
	struct span element;
	int index = 0;

	while ((header = sip_msg_header(msg, SIP_HDR_CONTACT, &index))) {
		struct span rest = header->value;

		while (sip_list_next(&rest, &element))
			if (read_contact(leg->worker, element, &contact))
				insert(&to, &contact);
	}
	call_leg_redirected(&leg->base, cause, &to);
}

void leg_op_redirect(struct leg *base, int status, const struct call_redirect *to)
{
	struct sip_leg *leg = leg_of(base);
	char memory[CALL_CONTACTS_MAX * 320];
	struct buf extra = buf_over(memory, sizeof(memory));

	for (size_t i = 0; i < to->count; i++) {
		buf_add_lit(&extra, "Contact: <sip:");
		buf_add_escaped_user(&extra, to->contacts[i].number);
		buf_printf(&extra, "@%s%s>;q=%u.%03u\r\n", leg->socket->host_port,
			   leg_uri_transport(leg), to->contacts[i].q_thousandths / 1000u,
			   to->contacts[i].q_thousandths % 1000u);
	}
	if (leg->invite_in && !txn_server_is_final(leg->invite_in))
		txn_server_respond(leg->worker, leg->invite_in, to->count ? status : 480, NULL,
				   span_of(leg->local_tag), buf_span(&extra), SPAN_NONE, SPAN_NONE);
	leg_free_soon(leg);
}
