/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A REGISTER on its way through registrar*.c. */
#pragma once

#include "switchd/sip/location.h"
#include "switchd/sip/worker.h"

/* What was read of it so far. */
struct registration {
	struct sip_worker *worker;
	const struct sip_rx *rx;
	const struct conf_phone *phone;
	const struct conf_routing_gateway *gateway; /* it or a phone, once that is known */
	struct sip_uri aor;                         /* of To */
	char user[LOCATION_USER_LEN]; /* of To, unescaped; then the address of record */
	size_t user_len;
	int64_t now_ms; /* of the location table */
	uint64_t call_id_hash;
	struct span user_agent;
	char path[LOCATION_PATH_LEN]; /* RFC 3327; "" = none */
	uint32_t expires_header_s;    /* valid with has_expires */
	bool has_expires;
	bool is_star;
	struct location_update updates[LOCATION_UPDATES_MAX];
	size_t count;
};

/* Reads Path and Contact into the updates. Answers itself when it returns false. */
bool registrar_read_contacts(struct registration *reg);
/* What all bindings of the request have in common. */
void registrar_fill_common(const struct registration *reg, struct binding *binding);
void registrar_refuse(const struct registration *reg, int status, const char *reason);
/* 200 with all bindings of the user (RFC 3261 10.3 step 8). */
void registrar_reply_bindings(const struct registration *reg);
