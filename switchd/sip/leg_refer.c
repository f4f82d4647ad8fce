/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REFER inside a dialog (RFC 3515) and what its sender is told of it: the subscription that comes
 * with it, unless the sender wants none (RFC 4488), ends with the final status or the dialog.
 * Replaces (RFC 3891), in the URI of a REFER and of an INVITE, names a dialog of ours. */
#include <stdlib.h>

#include "switchd/sip/leg_caller.h"
#include "switchd/sip/leg_refer.h"
#include "switchd/sip/syntax_private.h"

#define NOTIFIES_MAX 3 /* under way at a time; what is not final may be left out */

/* Set expiry of the subscription: longer than any set-up takes. */
#define EXPIRES_S "600"

struct leg_refer {
	struct txn_client *notify[NOTIFIES_MAX];
	uint32_t id;  /* CSeq of the REFER */
	int last;     /* status told last */
	bool has_id;  /* not the first of its dialog */
	bool is_over; /* nothing is told any more */
};

static struct span value_of(const struct sip_msg *msg, struct span name, struct span compact,
			    int *count)
{
	struct span value = SPAN_NONE;

	*count = 0;
	for (int i = 0; i < msg->header_count; i++) {
		const struct sip_header *header = &msg->headers[i];

		if (header->id != SIP_HDR_OTHER ||
		    (!span_ieq(header->name, name) && !span_ieq(header->name, compact)))
			continue;
		++*count;
		value = header->value;
	}
	return value;
}

/* --- Replaces. --- */

struct sip_leg *leg_of_replaces(struct sip_worker *worker, struct span value, bool *early_only)
{
	size_t end = span_find(value, ';');
	struct span params, to_tag, from_tag, flag;

	if (end == value.len)
		return NULL;
	params = span_from(value, end + 1);
	if (!sip_param_get(params, SPAN_LIT("to-tag"), &to_tag) ||
	    !sip_param_get(params, SPAN_LIT("from-tag"), &from_tag))
		return NULL;
	*early_only = sip_param_get(params, SPAN_LIT("early-only"), &flag);
	return leg_find_dialog(worker, span_trim((struct span){value.ptr, end}), to_tag, from_tag);
}

bool leg_invite_replaces(const struct sip_msg *msg, struct span *value, int *count)
{
	*value = value_of(msg, SPAN_LIT("Replaces"), SPAN_LIT("Replaces"), count);
	return *count > 0;
}

/* --- What the sender is told. --- */

static void answered(struct sip_worker *worker, void *user, struct txn_client *txn,
		     const struct sip_rx *rx)
{
	struct sip_leg *leg = user;

	(void)worker;
	if (rx && (rx->msg->status < 200 || leg_challenged(leg, txn, rx)))
		return;
	for (int i = 0; i < NOTIFIES_MAX; i++)
		if (leg->refer->notify[i] == txn)
			leg->refer->notify[i] = NULL;
	/* RFC 6665 section 4.2.2: no answer, or 481, ends the subscription. */
	if (!rx || rx->msg->status >= 300)
		leg->refer->is_over = true;
	if (rx)
		txn_client_forget(txn);
}

static struct txn_client **free_place(struct leg_refer *refer)
{
	for (int i = 0; i < NOTIFIES_MAX; i++)
		if (!refer->notify[i])
			return &refer->notify[i];
	return NULL;
}

static void notify(struct sip_leg *leg, int status, bool is_last)
{
	struct leg_refer *refer = leg->refer;
	struct txn_client **place;
	struct txn_client *txn;
	char memory[64];
	struct buf body = buf_over(memory, sizeof(memory));
	struct buf *out;

	if (!refer || refer->is_over || leg->state != LEG_CONFIRMED)
		return;
	place = free_place(refer);
	refer->last = status;
	refer->is_over = is_last;
	if (!place && !is_last)
		return;
	txn = txn_client_new(leg->worker, SIP_NOTIFY, place ? answered : NULL, leg);
	if (!txn)
		return;
	if (place)
		*place = txn;
	out = leg_begin_request(leg, SIP_NOTIFY, ++leg->local_cseq, txn_client_branch(txn));
	leg_add_contact(leg, out);
	buf_add_lit(out, "Event: refer");
	if (refer->has_id)
		buf_printf(out, ";id=%u", (unsigned)refer->id);
	buf_add_str(out, is_last ? "\r\nSubscription-State: terminated;reason=noresource\r\n"
				 : "\r\nSubscription-State: active;expires=" EXPIRES_S "\r\n");
	buf_printf(&body, "SIP/2.0 %d %s\r\n", status, sip_reason_phrase(status));
	sip_write_body(out, SPAN_LIT("message/sipfrag;version=2.0"), buf_span(&body));
	txn_client_send(leg->worker, txn, leg->socket, &leg->peer);
	if (!place)
		txn_client_forget(txn);
}

void leg_op_referred(struct leg *base, int status)
{
	notify(leg_of(base), status, status >= 200);
}

void leg_refer_end(struct sip_leg *leg)
{
	if (leg->refer)
		notify(leg, leg->refer->last, true);
}

void leg_refer_stop(struct sip_leg *leg)
{
	if (!leg->refer)
		return;
	for (int i = 0; i < NOTIFIES_MAX; i++)
		if (leg->refer->notify[i])
			txn_client_forget(leg->refer->notify[i]);
	free(leg->refer);
	leg->refer = NULL;
}

/* --- The request. --- */

/* What Refer-To says, in our terms. */
struct wish {
	char number[64];
	char replaces[LEG_NAME_BYTES];
	size_t replaces_len;
	bool has_replaces;
};

/* A header field of the URI: "Replaces=...&Require=replaces". */
static bool read_fields(struct span fields, struct wish *wish)
{
	while (fields.len) {
		size_t end = span_find(fields, '&');
		struct span field = {fields.ptr, end};
		size_t equals = span_find(field, '=');

		fields = span_from(fields, end < fields.len ? end + 1 : end);
		if (equals == field.len ||
		    !span_ieq((struct span){field.ptr, equals}, SPAN_LIT("Replaces")))
			continue;
		if (!sip_unescape(span_from(field, equals + 1), wish->replaces,
				  sizeof(wish->replaces), &wish->replaces_len))
			return false;
		wish->has_replaces = true;
	}
	return true;
}

/* 0, or the status to refuse it with. */
static int read_refer_to(const struct sip_msg *msg, struct wish *wish)
{
	struct sip_name_addr name;
	struct span value, method, element, user;
	size_t len;
	int count;

	*wish = (struct wish){0};
	value = value_of(msg, SPAN_LIT("Refer-To"), SPAN_LIT("r"), &count);
	/* RFC 3515 section 2.4.2: exactly one. */
	if (count != 1 || !sip_list_next(&value, &element) || span_trim(value).len ||
	    !sip_name_addr_parse(element, &name))
		return 400;
	if (!span_ieq(name.uri.scheme, SPAN_LIT("sip")) &&
	    !span_ieq(name.uri.scheme, SPAN_LIT("sips")) &&
	    !span_ieq(name.uri.scheme, SPAN_LIT("tel")))
		return 416;
	/* To call somebody is all that can be asked for. */
	if (sip_param_get(name.uri.params, SPAN_LIT("method"), &method) &&
	    !span_ieq(method, SPAN_LIT("INVITE")))
		return 603;
	if (!read_fields(name.uri.headers, wish))
		return 400;
	user = name.uri.user; /* of a tel: URI too */
	user.len = span_find(user, ';');
	if (!sip_unescape(user, wish->number, sizeof(wish->number) - 1, &len))
		return 400;
	wish->number[len] = '\0';
	if (!leg_text_is_clean(wish->number) || (!len && !wish->has_replaces))
		return 400;
	return 0;
}

/* False: refused. */
static bool check_require(struct sip_worker *worker, const struct sip_rx *rx)
{
	const struct sip_header *require;
	int index = 0;

	while ((require = sip_msg_header(rx->msg, SIP_HDR_REQUIRE, &index))) {
		struct span rest = require->value;
		struct span token;

		while (sip_list_next(&rest, &token)) {
			struct buf *out;

			if (span_ieq(token, SPAN_LIT("norefersub")) ||
			    span_ieq(token, SPAN_LIT("replaces")) ||
			    span_ieq(token, SPAN_LIT("timer")))
				continue;
			out = sip_reply_begin(worker, rx, 420, NULL, SPAN_NONE);
			buf_add_lit(out, "Unsupported: ");
			buf_add_span(out, token);
			buf_add_lit(out, "\r\n");
			sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
			return false;
		}
	}
	return true;
}

/* RFC 4488 section 4. */
static bool wants_silence(const struct sip_msg *msg)
{
	int count;
	struct span value = value_of(msg, SPAN_LIT("Refer-Sub"), SPAN_LIT("Refer-Sub"), &count);

	value.len = span_find(value, ';');
	return count > 0 && span_ieq(span_trim(value), SPAN_LIT("false"));
}

/* A subscription like none before in the dialog; NULL: out of memory. */
static bool subscribe(struct sip_leg *leg, const struct sip_msg *msg)
{
	bool was_referred = leg->refer != NULL;

	leg_refer_stop(leg);
	leg->refer = calloc(1, sizeof(*leg->refer));
	if (!leg->refer)
		return false;
	leg->refer->id = msg->cseq;
	leg->refer->has_id = was_referred;
	leg->refer->is_over = wants_silence(msg);
	leg->refer->last = 100;
	return true;
}

static void accept_refer(struct sip_leg *leg, struct txn_server *txn, bool is_silent)
{
	char memory[512];
	struct buf extra = buf_over(memory, sizeof(memory));

	leg_add_contact(leg, &extra);
	if (is_silent)
		buf_add_lit(&extra, "Refer-Sub: false\r\n");
	txn_server_respond(leg->worker, txn, is_silent ? 200 : 202, NULL, SPAN_NONE,
			   buf_span(&extra), SPAN_NONE, SPAN_NONE);
}

void leg_refer_request(struct sip_worker *worker, struct sip_leg *leg, const struct sip_rx *rx)
{
	struct call_refer refer = {0};
	struct txn_server *txn;
	struct sip_leg *replaced;
	struct wish wish;
	bool early_only = false;
	int status;
	int thread;

	if (!check_require(worker, rx))
		return;
	status = read_refer_to(rx->msg, &wish);
	if (status == 0) {
		refer.number = wish.number;
		refer.has_replaced = wish.has_replaces;
		status = call_refer_check(&leg->base, &refer);
	}
	txn = txn_server_new(worker, rx, NULL, NULL);
	if (status == 0 && (!txn || !subscribe(leg, rx->msg)))
		status = 503;
	if (status && txn)
		txn_server_respond(worker, txn, status, NULL, SPAN_NONE, SPAN_NONE, SPAN_NONE,
				   SPAN_NONE);
	else if (status)
		sip_reply_stateless(worker, rx, status, NULL);
	if (status)
		return;
	accept_refer(leg, txn, leg->refer->is_over);
	notify(leg, 100, false);
	if (wish.has_replaces) {
		refer.dialog = (struct span){wish.replaces, wish.replaces_len};
		replaced = leg_of_replaces(worker, refer.dialog, &early_only);
		refer.replaced = replaced && !early_only ? &replaced->base : NULL;
		refer.is_far = !replaced && leg_is_far(worker, refer.dialog, &thread);
	}
	call_refer(&leg->base, &refer);
}

struct sip_leg *leg_replaced(struct sip_worker *worker, struct span value, int *status)
{
	bool early_only = false;
	struct sip_leg *leg = leg_of_replaces(worker, value, &early_only);

	/* RFC 3891 section 3. */
	if (!leg || !leg->base.call)
		*status = leg && leg->state == LEG_ENDED ? 603 : 481;
	else if (leg->state != LEG_CONFIRMED)
		*status = 481;
	else
		*status = early_only ? 486 : 0;
	return *status ? NULL : leg;
}
