/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who sends an INVITE: a phone or gateway by its password, a gateway by its address, or the server
 * of a registration of ours, which calls as the mapping gateway that the registration names. */
#pragma once

#include "switchd/call/leg.h"
#include "switchd/sip/worker.h"

struct conf_registration;

struct leg_caller {
	char number[64];
	char display[64];
	char party[CALL_PARTY_MAX];
	struct call_identity identity;
	const struct conf_party *conf;
	const struct conf_mapping_gateway *mapping; /* this or the next */
	const struct conf_phone *phone;
	const struct conf_registration *registration; /* that it came by; NULL = none */
	const char *matched_by;                       /* "its address" */
	bool is_proven;                               /* by its password */
};

/* Whom and what the INVITE names, each read once. What cannot be read is empty. */
struct leg_named {
	struct sip_uri target; /* Request-URI */
	struct sip_name_addr from;
	struct sip_name_addr to;      /* this and the next: once it is known who calls */
	struct sip_name_addr contact; /* the first */
};

/* Target and From. */
void leg_named_read(const struct sip_msg *msg, struct leg_named *out);
void leg_named_read_rest(const struct sip_msg *msg, struct leg_named *named);

#define LEG_CALLEE_MAX 64

/* callee[size] is the user of the Request-URI; of a call to the account of a registration it
 * becomes the number that was dialled. Reads the rest of named. False: answered. */
bool leg_identify(struct sip_worker *worker, const struct sip_rx *rx, struct leg_named *named,
		  struct leg_caller *out, char *callee, size_t size);
/* Text that can stand in a header of ours and on an operator's screen. */
bool leg_text_is_clean(const char *text);
