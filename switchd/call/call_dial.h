/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whom a call calls, and with what. */
#pragma once

#include "switchd/call/call.h"
#include "switchd/call/identity.h"

/* Whom to call: one binding of a phone or one address of a gateway. */
struct call_target {
	char party[CALL_PARTY_MAX]; /* "phone 1002", "routing-gateway a" */
	char request_uri[300];      /* Request-URI of the INVITE; empty: number at address */
	char number[64];            /* callee on this leg: To */
	char caller[64];            /* caller on this leg: From */
	char *route;                /* Route of the INVITE (RFC 3327), NULL = none */
	struct addr address;        /* where to send */
	struct addr local;          /* listen address to use; family ADDR_NONE = one of its kind */
	struct addr from;           /* the only one that may be, port 0 = any; ADDR_NONE = each */
	bool has_session_timer;     /* may be proposed */
	bool has_100rel;            /* the same */
	unsigned transports;        /* bits 1 << enum conf_transport: how it may be reached */
	bool is_nat;
	uint8_t reply_address; /* WORD_PARTY_ADDRESS_..., as the next */
	uint8_t request_address;
	struct decide_party decide;
	const struct conf_routing_gateway *gateway; /* NULL: a phone */
	uint32_t capacity;                          /* of the gateway, at this time; 0 = no limit */
	const struct conf_presentation *presentation; /* NULL: as a phone without one */
	/* By which it goes, with its account and password (conf_registrations.h); NULL = by none */
	const struct conf_registration *registration;
	uint16_t ring_s; /* longest ringing; 0: as the gateway or the parameter says */
	struct conf_duration max_duration;
};

struct call_dial {
	const struct call_target *target;
	const char *display; /* for between quotes; "" = none */
	const char *dialled; /* the number that the caller asked for */
	const struct call_identity *identity;
	const struct call_diversions *diversions;
	struct span sdp;      /* empty: late offer */
	bool may_be_reliable; /* an early offer of the callee would be answered */
	int max_forwards;
};
