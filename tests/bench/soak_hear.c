/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the ends of bench/soak_calls.c do about a message. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/soak.h"

static struct plan make_plan(const struct soak *soak, unsigned number, int end)
{
	static const int refusals[] = {403, 404, 408, 480, 486, 488, 500, 503, 600, 603};
	unsigned dice = soak_chance(soak, number, 10 + (unsigned)end, 100);
	unsigned kind = soak_chance(soak, number, 20 + (unsigned)end, 8);
	struct plan plan = {.status = 200,
			    .rings = kind & 1,
			    .progresses = kind & 2,
			    .is_reliable = kind & 4,
			    .wait_us =
				    20000 + soak_chance(soak, number, 30 + (unsigned)end, 500000)};

	if (end == SECOND) /* which answers more often */
		dice = dice < 10 ? 4 * dice : 35 + dice * 65 / 100;
	if (dice < 8)
		plan.is_silent = true;
	else if (dice < 28)
		plan.status = refusals[soak_chance(soak, number, 40 + (unsigned)end, 10)];
	else if (dice < 35)
		plan.status = 302;
	else if (dice < 50)
		plan.status = 0; /* what it has said before, and no more */
	return plan;
}

static void invited(struct soak *soak, unsigned number, int end, const char *data)
{
	struct call *call = soak_find(soak, number);
	struct side *side;
	char to[160], cseq[40];
	unsigned half;

	if (!call)
		return;
	side = &call->sides[end];
	soak_field(data, "Call-ID", to, sizeof(to));
	if (side->is_used && strcmp(to, side->call_id) == 0) {
		if (side->is_open[REPEAT_FINAL])
			soak_answer(soak, call, end, side->status, side->status == 200, "");
		return;
	}
	if (side->is_used) { /* here once more, by a redirection: the call that was is over for us
			      */
		soak_reply(soak, end, data, 482, NULL, NULL);
		return;
	}
	side->is_used = true;
	snprintf(side->call_id, sizeof(side->call_id), "%.111s", to);
	soak_field(data, "Via", side->via, sizeof(side->via));
	soak_field(data, "From", side->remote, sizeof(side->remote));
	soak_field(data, "To", to, sizeof(to));
	snprintf(side->local, sizeof(side->local), "%.120s;tag=e%d-%u", to, end, number);
	soak_field(data, "CSeq", cseq, sizeof(cseq));
	side->cseq = (unsigned)atoi(cseq);
	soak_field(data, "Contact", to, sizeof(to));
	snprintf(side->target, sizeof(side->target), "%.*s", (int)strcspn(to + 1, ">"),
		 to[0] ? to + 1 : "");
	side->plan = make_plan(soak, number, end);
	soak->seconds += end == SECOND;
	if (side->plan.is_silent) {
		soak->silent++;
		side->is_vanished = true;
		return;
	}
	soak_reply(soak, end, data, 100, NULL, NULL);
	side->plan.is_reliable = side->plan.is_reliable && strstr(data, "100rel");
	half = side->plan.wait_us / 2;
	if (side->plan.rings)
		soak_at(soak, half / 2, number, end, RING, 0);
	if (side->plan.progresses)
		soak_at(soak, half, number, end, PROGRESS, 0);
	if (side->plan.status)
		soak_at(soak, side->plan.wait_us, number, end, FINAL, 0);
	if (soak_chance(soak, number, 50 + (unsigned)end, 100) < 4)
		soak_at(soak, soak_chance(soak, number, 60, 2000000), number, end, VANISH, 0);
}

static void pracked(struct soak *soak, struct call *call, int status, const char *data,
		    unsigned cseq)
{
	char rseq[24], more[96], branch[24];

	soak_field(data, "RSeq", rseq, sizeof(rseq));
	if (!rseq[0] || status >= 200)
		return;
	snprintf(more, sizeof(more), "RAck: %.20s %u INVITE\r\nContent-Length: 0\r\n\r\n", rseq,
		 cseq);
	snprintf(branch, sizeof(branch), "p%.20s", rseq);
	soak_request(soak, call, CALLER, "PRACK", branch, 2, more);
}

static void answered(struct soak *soak, struct call *call, const char *data)
{
	struct side *side = &call->sides[CALLER];
	unsigned number = call->number;

	soak->answered++;
	if (soak_chance(soak, number, 80, 100) < 60)
		soak_send_media(soak, data);
	if (side->wants_cancel || soak_chance(soak, number, 81, 100) < 70)
		soak_at(soak, soak_chance(soak, number, 82, 1200000), number, CALLER, BYE, 0);
	if (soak_chance(soak, number, 83, 100) < 10)
		soak_at(soak, soak_chance(soak, number, 84, 800000), number, CALLER, AGAIN, 0);
}

static void take_target(struct side *side, const char *data)
{
	char contact[200];

	soak_field(data, "To", side->remote, sizeof(side->remote));
	soak_field(data, "Contact", contact, sizeof(contact));
	if (contact[0])
		snprintf(side->target, sizeof(side->target), "%.*s", (int)strcspn(contact + 1, ">"),
			 contact + 1);
}

static void invite_answered(struct soak *soak, struct call *call, int end, const char *data,
			    int status, unsigned cseq)
{
	struct side *side = &call->sides[end];

	if (end == CALLER && cseq == 1) {
		side->is_provisional = true;
		if (status < 300 && status > 100 && !side->status)
			take_target(side, data);
		if (status < 200) {
			side->is_open[REPEAT_INVITE] = false;
			pracked(soak, call, status, data, cseq);
			if (side->wants_cancel)
				soak_cancel(soak, call);
			return;
		}
		if (status >= 300)
			soak_field(data, "To", side->remote, sizeof(side->remote));
		soak_acknowledge(soak, call, end, cseq, status);
		side->is_open[REPEAT_INVITE] = false;
		side->is_open[REPEAT_CANCEL] = false;
		if (side->status)
			return;
		side->status = status;
		if (status == 200)
			answered(soak, call, data);
		else
			soak->refused++;
		return;
	}
	if (status < 200)
		return;
	side->is_open[REPEAT_AGAIN] = false;
	soak_acknowledge(soak, call, end, cseq, status);
}

static void heard_answer(struct soak *soak, struct call *call, int end, const char *data)
{
	struct side *side = &call->sides[end];
	int status = atoi(data + 8);
	char cseq[40];
	const char *method;

	soak_field(data, "CSeq", cseq, sizeof(cseq));
	method = strchr(cseq, ' ');
	if (!method)
		return;
	if (strcmp(method, " INVITE") == 0)
		invite_answered(soak, call, end, data, status, (unsigned)atoi(cseq));
	else if (status >= 200 && strcmp(method, " BYE") == 0)
		side->is_open[REPEAT_BYE] = false;
	else if (status >= 200 && strcmp(method, " CANCEL") == 0)
		side->is_open[REPEAT_CANCEL] = false;
}

static void heard_request(struct soak *soak, struct call *call, int end, const char *data)
{
	struct side *side = &call->sides[end];
	char more[512];

	if (strncmp(data, "ACK ", 4) == 0) {
		side->is_acked = true;
		side->is_open[REPEAT_FINAL] = false;
	} else if (strncmp(data, "BYE ", 4) == 0) {
		side->is_over = true;
		side->is_open[REPEAT_FINAL] = false;
		side->is_open[REPEAT_AGAIN] = false;
		soak_reply(soak, end, data, 200, NULL, NULL);
	} else if (strncmp(data, "CANCEL ", 7) == 0) {
		soak_reply(soak, end, data, 200, side->local, NULL);
		soak_finish(soak, call, end, 487);
	} else if (strncmp(data, "INVITE ", 7) == 0) { /* again: an answer for every copy */
		soak_reply(soak, end, data, side->is_open[REPEAT_AGAIN] ? 491 : 200, NULL,
			   side->is_open[REPEAT_AGAIN] ? NULL
						       : soak_sdp(soak, 3, more, sizeof(more)));
	} else {
		soak_reply(soak, end, data, 200, NULL, NULL);
	}
}

void soak_hear(void *context, int end, const char *data, size_t len, const struct sockaddr_in *from)
{
	struct soak *soak = context;
	bool is_answer = strncmp(data, "SIP/2.0 ", 8) == 0;
	char tagged[200], mark[16];
	const char *tag;
	struct call *call;

	(void)len;
	(void)from;
	soak_field(data, is_answer ? "From" : "To", tagged, sizeof(tagged));
	snprintf(mark, sizeof(mark), ";tag=e%d-", end);
	tag = strstr(tagged, mark);
	if (tag) {
		call = soak_find(soak, (unsigned)strtoul(tag + strlen(mark), NULL, 10));
	} else {
		const char *user = strstr(data, "sip:9");

		call = user ? soak_find(soak, (unsigned)strtoul(user + 5, NULL, 10)) : NULL;
		if (call && strncmp(data, "INVITE ", 7) == 0) {
			if (!call->sides[end].is_vanished)
				invited(soak, call->number, end, data);
			return;
		}
	}
	if (!call || !call->sides[end].is_used) {
		soak->unmatched++;
		if (!is_answer && strncmp(data, "ACK ", 4) != 0)
			soak_reply(soak, end, data, 481, NULL, NULL);
		return;
	}
	if (call->sides[end].is_vanished)
		return;
	if (is_answer)
		heard_answer(soak, call, end, data);
	else
		heard_request(soak, call, end, data);
}
