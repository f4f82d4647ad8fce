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
	const char *host;    /* of its server: a name, or an address as it stands in URIs */
	const char *domain;  /* the same with its port, when one is given */
	struct addr address; /* family ADDR_NONE: host is a name, to be looked up */
	uint16_t port;       /* of host: as given, else 5060, with TLS 5061 */
	bool has_port;       /* it was given: no service of the DNS is asked for */
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
/* Whether it is another registration than before at the server: what was registered has to go, and
 * is registered anew. */
bool conf_registration_is_other(const struct conf_registration *before,
				const struct conf_registration *after);
/* Whether it would be registered with something else than before. */
bool conf_registration_asks_other(const struct conf_registration *before,
				  const struct conf_registration *after);
