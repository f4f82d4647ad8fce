/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leg whose dialog runs over a registration of ours: credentials for what its server asks
 * (leg_trunk.c). */
#pragma once

#include "switchd/sip/txn.h"

struct conf_registration;
struct leg_trunk;
struct sip_leg;

/* The dialog runs over this registration, whose server is there. False: out of memory. */
bool leg_trunk_use(struct sip_leg *leg, const struct conf_registration *registration,
		   const struct addr *server);
/* As the other leg's does, if it does. */
bool leg_trunk_share(struct sip_leg *leg, const struct sip_leg *with);
void leg_trunk_end(struct sip_leg *leg);

/* What goes along when the leg goes to another thread. */
struct leg_trunk_parcel {
	struct addr server;
	bool has_answered;
	char *name; /* of the registration; NULL = it runs over none */
	char *credentials;
};

/* Each: false, out of memory. */
bool leg_trunk_pack(const struct sip_leg *leg, struct leg_trunk_parcel *out);
bool leg_trunk_unpack(struct sip_leg *leg, struct leg_trunk_parcel *parcel);
void leg_trunk_parcel_free(struct leg_trunk_parcel *parcel);
/* At the end of the worker, when no leg is left. */
void leg_trunks_destroy(struct sip_worker *worker);
/* Of a request that leg_begin_request() has begun. */
void leg_trunk_add_credentials(struct sip_leg *leg, enum sip_method method, struct span uri,
			       struct buf *out);
/* A final response to a request of the leg's that asks for credentials: true when the request was
 * sent again with them, on the same transaction, and nothing has happened so far. To be asked by
 * the function of each request first. */
bool leg_challenged(struct sip_leg *leg, struct txn_client *txn, const struct sip_rx *rx);
