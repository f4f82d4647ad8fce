/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Phones as a conf describes them (behaviour B4). */
#pragma once

#include "switchd/conf/conf_party.h"

/* Where calls to a phone go instead; an empty list: nowhere. */
enum conf_forward {
	CONF_FORWARD_ALWAYS,
	CONF_FORWARD_PERIOD,
	CONF_FORWARD_BUSY,
	CONF_FORWARD_NO_ANSWER,
	CONF_FORWARD_OFFLINE,
	CONF_FORWARDS
};

struct conf_forwarding {
	struct conf_names numbers[CONF_FORWARDS];
	struct conf_periods periods; /* of CONF_FORWARD_PERIOD */
	uint16_t ring_s;             /* ringing before it counts as not answered */
	uint8_t order;               /* WORD_FORWARD_ORDER_... */
};

/* Calls to a phone, and those from it. */
enum conf_way { CONF_WAY_IN, CONF_WAY_OUT, CONF_WAYS };

struct conf_phone {
	const char *number;
	const char *display_name;   /* "" = none */
	const char *display_number; /* what those it calls are shown; "" = its number */
	struct conf_ha1 ha1;        /* of the number; unusable when !has_password */
	bool has_password;
	enum conf_lock lock;
	uint8_t keepalive; /* WORD_PHONE_KEEPALIVE_... */
	struct conf_party party;
	struct live *live;                 /* NULL: no capacity, so nothing to count */
	struct live *live_ways[CONF_WAYS]; /* NULL: no capacity of that way's own */
	uint32_t capacity;                 /* calls; 0 = no limit, as with the next */
	uint32_t capacity_ways[CONF_WAYS]; /* within the capacity */
	struct conf_duration max_duration;
	uint8_t route_sort; /* WORD_ROUTE_SORT_...: where its route policies put the answer ratio */
	const struct conf_dial_plan *caller_plan; /* NULL: none, as with the next */
	const struct conf_dial_plan *callee_plan;
	const struct conf_forwarding *forwarding; /* NULL: none */
	uint8_t max_addresses;                    /* that it may be registered from at a time */
	bool is_static;
	struct addr static_address;    /* is_static; family ADDR_NONE: none given; has a port */
	struct addr local_address;     /* the same: from which it is called; ADDR_NONE: any */
	enum conf_transport transport; /* to static_address */
	uint8_t authentication;        /* WORD_GATEWAY_AUTHENTICATION_... */
	struct conf_presentation presentation;
	int8_t forward_display; /* WORD_TRANSFER_DISPLAY_...; -1 = not set, as with the next two */
	int8_t transfer_display;
	int8_t ask_display;
	bool recognises_privacy;
	bool recognises_identity;
	bool has_black_list; /* the dynamic one */
	bool rings_at_once;  /* its contacts of equal q, instead of one after the other */
	bool is_busy;        /* do-not-disturb */
	bool tries_gateways; /* while it is not registered */
};

/* Its calls go elsewhere whatever it does: by which list, at that time; CONF_FORWARDS: they do not.
 */
enum conf_forward conf_phone_forwards(const struct conf_phone *phone, int64_t wall_ms,
				      const char *caller);
/* Not registered, and so its number is tried at routing gateways. */
bool conf_phone_goes_out(const struct conf_phone *phone);

enum conf_line_verdict {
	CONF_LINE_OK,
	CONF_LINE_FULL,     /* capacity */
	CONF_LINE_WAY_FULL, /* capacity-in, capacity-out */
};

/* A line of the phone for one more call, to be given back with live_end(); NULL where nothing
 * limits them. */
enum conf_line_verdict conf_phone_line_take(const struct conf_phone *phone, enum conf_way way,
					    uint64_t now_us, struct live **line);
/* The same question without counting. */
enum conf_line_verdict conf_phone_line_ask(const struct conf_phone *phone, enum conf_way way,
					   uint64_t now_us);
