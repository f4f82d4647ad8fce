/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations of ours at other servers (behaviour C3), as signalling threads need them: the
 * server taken apart, the password opened, what the parameters say filled in. */
#pragma once

#include "shared/base/secret.h"
#include "switchd/conf/conf.h"
#include "switchd/conf/trunk.h"

#define CONF_EXPIRE_AUTO_S 3600 /* proposed when the grant decides */

struct conf_registration {
	const char *name;
	const char *server;        /* as configured */
	const char *host;          /* in URIs: a name, or an address as it stands there */
	const char *domain;        /* the same with its port, when one is given */
	const char *hop;           /* host that it is sent to: of its proxy, or of the server */
	struct addr address;       /* of the hop; family ADDR_NONE: it is a name, to be looked up */
	uint16_t port;             /* of the hop: as given, else 5060, with TLS 5061 */
	bool has_port;             /* it was given: no service of the DNS is asked for */
	struct addr local_address; /* from which it is sent; family ADDR_NONE: any */
	const char *user_agent;    /* "" = none is sent */
	uint32_t capacity;         /* calls through it, in and out; 0 = no limit */
	struct live *live;         /* counts them; NULL without a capacity */
	enum conf_transport transport;
	const char *account;
	const char *auth_name;
	char password[SECRET_PLAIN_MAX + 1];
	size_t password_len;
	uint32_t expire_s; /* proposed */
	bool is_auto;      /* a longer grant is good too */
	uint32_t retry_delay_s;
	bool from_account; /* From of its calls is the account, not the caller's number */
	const struct conf_routing_gateway *gateway; /* whose calls use it; NULL: none's */
	const struct conf_mapping_gateway *mapping; /* as which calls from there come in; NULL */
	struct trunk *trunk;
};

/* In the order of their names; those without server or account are left out. */
size_t conf_registration_count(const struct conf *conf);
const struct conf_registration *conf_registration_at(const struct conf *conf, size_t index);
/* NULL: there is none. */
const struct conf_registration *conf_registration_find(const struct conf *conf, struct span name);
/* The one whose account a request from this source was sent to: it has a mapping gateway, and its
 * server's address is the source, port apart. NULL: none. */
const struct conf_registration *conf_registration_of_caller(const struct conf *conf,
							    struct span account,
							    const struct addr *source);
/* The first registration of the gateway that is up, and how its server is reached; NULL: none. */
const struct conf_registration *conf_registration_way(const struct conf_routing_gateway *gateway,
						      struct trunk_way *out);
/* The same of those that have a free line. */
const struct conf_registration *
conf_registration_free_way(const struct conf_routing_gateway *gateway, uint64_t now_us,
			   struct trunk_way *out);
/* Some are up, and none of those has a free line. */
bool conf_registrations_are_full(const struct conf_routing_gateway *gateway, uint64_t now_us);
/* Whether it is another registration than before at the server: what was registered has to go, and
 * is registered anew. */
bool conf_registration_is_other(const struct conf_registration *before,
				const struct conf_registration *after);
/* Whether it would be registered with something else than before, or by another way. */
bool conf_registration_asks_other(const struct conf_registration *before,
				  const struct conf_registration *after);
/* Whether it is sent to another proxy than before. */
bool conf_registration_goes_elsewhere(const struct conf_registration *before,
				      const struct conf_registration *after);
