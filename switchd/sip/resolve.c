/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/resolve.h"

#include <netdb.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/sip/srv.h"

#define THREADS_MAX 4

struct resolver {
	pthread_mutex_t mutex;
	unsigned refs; /* the owner, and each thread */
	unsigned threads;
	bool is_closed;
	struct resolve_letter *first; /* not begun */
	struct resolve_letter **last;
	struct srv_cache services;
	struct addr server; /* of the DNS; family ADDR_NONE: the system's */
};

enum vos_err resolver_create(struct resolver **out)
{
	struct resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return VOS_ENOMEM;
	pthread_mutex_init(&resolver->mutex, NULL);
	resolver->refs = 1;
	resolver->last = &resolver->first;
	*out = resolver;
	return VOS_OK;
}

/* With the lock, which goes. */
static void leave(struct resolver *resolver)
{
	bool is_last = --resolver->refs == 0;

	pthread_mutex_unlock(&resolver->mutex);
	if (!is_last)
		return;
	pthread_mutex_destroy(&resolver->mutex);
	srv_cache_free(&resolver->services);
	free(resolver);
}

static void drop(struct resolve_letter *letters)
{
	while (letters) {
		struct resolve_letter *next = letters->next;

		free(letters);
		letters = next;
	}
}

void resolver_destroy(struct resolver *resolver)
{
	if (!resolver)
		return;
	pthread_mutex_lock(&resolver->mutex);
	resolver->is_closed = true;
	drop(resolver->first);
	resolver->first = NULL;
	resolver->last = &resolver->first;
	leave(resolver);
}

void resolver_use_server(struct resolver *resolver, const struct addr *server)
{
	resolver->server = *server;
}

static bool is_same_service(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The oldest question and all others for the same. With the lock. */
static struct resolve_letter *take(struct resolver *resolver)
{
	struct resolve_letter **at = &resolver->first;
	struct resolve_letter *taken = NULL;
	char name[RESOLVE_NAME_MAX];
	const char *service;

	if (!*at)
		return NULL;
	memcpy(name, (*at)->name, sizeof(name));
	service = (*at)->service;
	while (*at) {
		struct resolve_letter *letter = *at;

		if (strcmp(letter->name, name) != 0 || !is_same_service(letter->service, service)) {
			at = &letter->next;
			continue;
		}
		*at = letter->next;
		letter->next = taken;
		taken = letter;
	}
	resolver->last = at;
	return taken;
}

static size_t find_host(const char *name, uint16_t port, struct addr *out, size_t max)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM};
	struct addrinfo *found = NULL;
	size_t count = 0;

	if (max == 0 || getaddrinfo(name, NULL, &hints, &found) != 0)
		return 0;
	for (const struct addrinfo *info = found; info && count < max; info = info->ai_next) {
		if (!addr_from_sockaddr(info->ai_addr, &out[count]))
			continue;
		out[count++].port = port;
	}
	freeaddrinfo(found);
	return count;
}

static uint32_t chance(void *context, uint32_t n)
{
	(void)context;
	return randombytes_uniform(n + 1);
}

/* From memory, or from the DNS. False: nobody answers. */
static bool find_service(struct resolver *resolver, const char *name, struct srv_set *out)
{
	bool is_known;

	pthread_mutex_lock(&resolver->mutex);
	is_known = srv_cache_get(&resolver->services, name, clock_mono_us(), out);
	pthread_mutex_unlock(&resolver->mutex);
	if (is_known)
		return true;
	if (!srv_query(resolver->server.family == ADDR_NONE ? NULL : &resolver->server, name, out))
		return false;
	pthread_mutex_lock(&resolver->mutex);
	srv_cache_put(&resolver->services, name, clock_mono_us(), out);
	pthread_mutex_unlock(&resolver->mutex);
	return true;
}

static size_t look_up(struct resolver *resolver, const struct resolve_letter *letter,
		      struct addr *out, size_t max)
{
	char name[SRV_NAME_MAX];
	struct srv_set set;
	size_t count = 0;

	/* RFC 3263 section 4.2: without SRV records the addresses of the name itself serve. */
	if (!letter->service ||
	    (size_t)snprintf(name, sizeof(name), "%s.%s", letter->service, letter->name) >=
		    sizeof(name) ||
	    !find_service(resolver, name, &set) || (!set.count && !set.is_refused))
		return find_host(letter->name, 0, out, max);
	srv_order(&set, chance, NULL);
	for (size_t i = 0; i < set.count; i++)
		count += find_host(set.records[i].target, set.records[i].port, out + count,
				   max - count);
	return count;
}

/* With the lock: while the resolver is open the mailboxes are there. */
static void send_back(struct resolver *resolver, struct resolve_letter *letters,
		      const struct addr *found, size_t count)
{
	while (letters) {
		struct resolve_letter *letter = letters;

		letters = letter->next;
		letter->count = count;
		memcpy(letter->found, found, count * sizeof(*found));
		if (resolver->is_closed || !mailbox_post(letter->box, &letter->mail))
			free(letter);
	}
}

static void *run(void *argument)
{
	struct resolver *resolver = argument;
	struct resolve_letter *letters;

	pthread_mutex_lock(&resolver->mutex);
	while ((letters = take(resolver))) {
		struct addr found[RESOLVE_ADDRESSES_MAX];
		size_t count;

		pthread_mutex_unlock(&resolver->mutex);
		count = look_up(resolver, letters, found, RESOLVE_ADDRESSES_MAX);
		pthread_mutex_lock(&resolver->mutex);
		send_back(resolver, letters, found, count);
	}
	resolver->threads--;
	leave(resolver);
	return NULL;
}

/* With the lock. */
static bool start_thread(struct resolver *resolver)
{
	pthread_t thread;

	if (thread_start(&thread, NULL, "resolve", run, resolver) != 0)
		return false;
	pthread_detach(thread);
	resolver->threads++;
	resolver->refs++;
	return true;
}

bool resolver_ask(struct resolver *resolver, struct resolve_letter *letter)
{
	bool is_taken;

	pthread_mutex_lock(&resolver->mutex);
	/* One that runs already takes it, if no other can be started. */
	is_taken = !resolver->is_closed && (resolver->threads == THREADS_MAX ||
					    start_thread(resolver) || resolver->threads > 0);
	if (is_taken) {
		letter->next = NULL;
		*resolver->last = letter;
		resolver->last = &letter->next;
	}
	pthread_mutex_unlock(&resolver->mutex);
	return is_taken;
}
