/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names to addresses off the signalling threads, in threads of its own, a few at most, that exist
 * while there is something to look up. Those who ask for one name at the same time share the
 * answer. A name of a service (RFC 3263 section 4.2) is looked up in the DNS first, SRV records
 * being kept while they hold; what they name, or the name itself without them, by getaddrinfo(3).
 *
 * A lookup may take as long as the system's resolver wants. Nobody waits for it: the end of the
 * resolver leaves a thread that is in one to itself, and what it finds reaches nobody. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "switchd/loop/mailbox.h"

#define RESOLVE_ADDRESSES_MAX 8
#define RESOLVE_NAME_MAX      256

struct resolver;

VOS_CHECK enum vos_err resolver_create(struct resolver **out);
/* Before the mailboxes go. */
void resolver_destroy(struct resolver *resolver);

/* Asks that server of the DNS for services, not those that the system asks; before any question. */
void resolver_use_server(struct resolver *resolver, const struct addr *server);

/* A question, and when it comes back its answer. The mail's run function owns it. */
struct resolve_letter {
	struct mail mail;
	struct mailbox *box; /* where it comes back */
	struct resolve_letter *next;
	uint64_t id; /* the asker's */
	char name[RESOLVE_NAME_MAX];
	const char *service; /* "_sip._udp" of it, static text; NULL: only the host is asked for */
	/* In the order to be tried; with the port that a service is at, else 0. */
	struct addr found[RESOLVE_ADDRESSES_MAX];
	size_t count; /* 0: it was not found */
};

/* Takes the letter over; false: it stays the asker's, no thread can be started. */
bool resolver_ask(struct resolver *resolver, struct resolve_letter *letter);
