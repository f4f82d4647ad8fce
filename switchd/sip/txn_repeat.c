/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request once more with credentials (RFC 3261 22.2): the same text but for branch, CSeq and
 * Authorization. The user keeps its transaction; the answered one stays behind under another name
 * for repeats of the answer. */
#include <stdio.h>

#include "switchd/sip/txn_private.h"
#include "switchd/sip/worker_private.h"

/* "Via: ...;branch=OLD...": only the first is ours, and ours is the only one. */
static void add_via(struct buf *out, struct span line, const char *branch)
{
	const char *at = memmem(line.ptr, line.len, ";branch=", 8);
	size_t len = at ? (size_t)(at + 8 - line.ptr) : line.len;
	struct span rest = {line.ptr + len, line.len - len};
	size_t old = 0;

	buf_add(out, line.ptr, len);
	buf_add_str(out, branch);
	while (old < rest.len && rest.ptr[old] != ';' && rest.ptr[old] != '\r')
		old++;
	buf_add(out, rest.ptr + old, rest.len - old);
}

static void add_line(struct buf *out, struct span line, const char *branch, uint32_t cseq,
		     enum sip_method method, struct span credentials)
{
	if (span_starts_with(line, SPAN_LIT("Authorization: ")) ||
	    span_starts_with(line, SPAN_LIT("Proxy-Authorization: ")))
		return;
	if (span_starts_with(line, SPAN_LIT("Via: "))) {
		add_via(out, line, branch);
	} else if (span_starts_with(line, SPAN_LIT("CSeq: "))) {
		buf_add_lit(out, "CSeq: ");
		buf_add_u64(out, cseq);
		buf_add_char(out, ' ');
		buf_add_str(out, sip_method_text(method));
		buf_add_lit(out, "\r\n");
		buf_add_span(out, credentials);
	} else {
		buf_add_span(out, line);
	}
}

static void write_again(struct buf *out, const struct txn_client *txn, struct span request,
			uint32_t cseq, struct span credentials)
{
	const char *at = request.ptr;
	const char *end = request.ptr + request.len;

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		struct span line = {at, eol ? (size_t)(eol + 1 - at) : (size_t)(end - at)};

		add_line(out, line, txn->branch, cseq, txn->method, credentials);
		at += line.len;
		if (line.len <= 2)
			break; /* the blank line: a body follows */
	}
	buf_add(out, at, (size_t)(end - at));
}

/* The answered transaction goes on under the slot and branch that it has, as `behind`; the user's
 * takes the others. */
static void change_places(struct txn_client *txn, struct txn_client *behind)
{
	struct slots *slots = &txn->worker->txns->clients;
	uint32_t slot = txn->slot;
	char branch[TXN_BRANCH_MAX];

	memcpy(branch, txn->branch, sizeof(branch));
	memcpy(txn->branch, behind->branch, sizeof(branch));
	memcpy(behind->branch, branch, sizeof(branch));
	txn->slot = behind->slot;
	behind->slot = slot;
	slots->items[txn->slot] = txn;
	slots->items[behind->slot] = behind;
}

bool txn_client_repeat(struct sip_worker *worker, struct txn_client *txn, uint32_t cseq,
		       struct span credentials)
{
	struct txn_client *behind = txn_client_new(worker, txn->method, NULL, NULL);
	const struct sip_socket *socket = txn->socket;
	const struct addr target = txn->target;
	bool is_invite = txn->method == SIP_INVITE;

	if (!behind)
		return false;
	change_places(txn, behind);
	txn_client_leave_peer(txn);
	wheel_stop(&worker->wheel, &txn->timer);
	wheel_stop(&worker->wheel, &txn->cancel_timer);
	txn_schedule_end(&txn->schedule);
	txn_schedule_end(&txn->cancel_schedule);
	behind->socket = socket;
	behind->target = target;
	behind->request = txn->request;
	behind->request_len = txn->request_len;
	behind->state = CLIENT_COMPLETED;
	behind->cancel = txn->cancel;
	behind->cancel_len = txn->cancel_len;
	txn->cancel = NULL;
	txn->request = NULL;
	txn->state = CLIENT_CALLING;
	txn->repeats++;
	txn_client_linger(behind,
			  txn_client_absorb_us(behind, is_invite ? TXN_LINGER_US : TXN_T4_US));
	write_again(worker_send_begin(worker), txn, txn_client_sent(behind), cseq, credentials);
	txn_client_send(worker, txn, socket, &target);
	return true;
}

unsigned txn_client_repeats(const struct txn_client *txn)
{
	return txn->repeats;
}
