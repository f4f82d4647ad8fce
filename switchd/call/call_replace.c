/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg that takes the place of another (RFC 3891): a phone goes on with its call on another
 * device, a gateway brings a call of its own in by another way. The other side gets the new leg's
 * offer; when it takes it, the old leg ends. */
#include <stdlib.h>

#include "switchd/call/call_transfer.h"

/* The same party; or a gateway for itself, by whichever of its two names. */
static bool may_replace(const struct leg *leg, const struct leg *replaced,
			const struct call_setup *setup)
{
	const char *party = call_party_of(replaced->call, replaced);
	bool may = setup->mapping ? setup->mapping->party.may_transfer
				  : setup->phone && setup->phone->party.may_transfer;

	if (!may)
		return false;
	return strcmp(party, setup->party) == 0 ||
	       (setup->mapping && strncmp(party, "phone ", 6) != 0 &&
		addr_ip_eq(&leg->signalling, &replaced->signalling));
}

static void put_back(struct call *call)
{
	struct call_transfer *transfer = call->transfer;
	struct leg *leg = transfer->target;

	call->legs[leg->side] = transfer->referrer;
	leg->call = NULL;
	call->transfer = NULL;
	free(transfer);
}

int call_replace(struct leg *leg, struct leg *replaced, const struct call_setup *setup)
{
	struct call *call = replaced->call;
	struct call_transfer *transfer;
	int status;

	if (!call)
		return 481;
	if (!may_replace(leg, replaced, setup))
		return 403;
	if (call->hunt || call->transfer || call->ack_pending || call->offer)
		return 491;
	/* The ports are where the leg before was told they are. */
	if (call->media.decision.relay && !addr_ip_eq(&leg->media.local, &replaced->media.local))
		return 488;
	transfer = calloc(1, sizeof(*transfer));
	if (!transfer)
		return 503;
	transfer->stage = TRANSFER_REPLACING;
	transfer->old = call;
	transfer->referrer = replaced;
	transfer->kept = call_other_leg(call, replaced);
	transfer->target = leg;
	leg->side = replaced->side;
	leg->call = call;
	call->legs[leg->side] = leg;
	call->transfer = transfer;
	status = call_offer(leg, setup->sdp);
	if (status)
		put_back(call);
	return status;
}

void call_replace_result(struct call *call, int status, struct span sdp)
{
	struct call_transfer *transfer = call->transfer;
	struct leg *leg = transfer->target;
	struct leg *replaced = transfer->referrer;

	if (status < 300) {
		call->transfer = NULL;
		call->replaced |= (uint8_t)(1u << leg->side);
		free(transfer);
		leg->ops->answer(leg, sdp);
		if (!replaced)
			return;
		replaced->call = NULL;
		replaced->ops->release(replaced, cause_of(CAUSE_REPLACED));
		return;
	}
	put_back(call);
	leg->ops->release(leg, cause_received(status));
	if (!replaced)
		call_end(call, NULL, cause_of(CAUSE_NORMAL));
}

bool call_replace_left(struct leg *leg)
{
	struct call *call = leg->call;
	struct call_transfer *transfer = call->transfer;

	if (leg == transfer->referrer) {
		transfer->referrer = NULL;
		leg->call = NULL;
		return true;
	}
	if (leg != transfer->target || !transfer->referrer)
		return false;
	/* It has given up. The offer's result, if it still comes, finds nobody who waits. */
	call_offer_withdrawn(leg);
	if (leg->call && leg->call->transfer)
		put_back(call);
	return true;
}

void call_replace_over(struct call_transfer *transfer, struct cause cause)
{
	struct leg *replaced = transfer->referrer;

	if (!replaced)
		return;
	replaced->call = NULL;
	replaced->ops->release(replaced, cause);
}
