/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Life of the fast path, and its entries. */
#include "switchd/media/fast.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/thread.h"
#include "switchd/media/device.h"
#include "switchd/media/fast_private.h"

#define LIFE_SIGN_MS 500
/* Word of changes comes in bursts; the table is voided with the first, and with what came since
 * after that time. */
#define SETTLE_MS     1000
#define ATTACH_ROUNDS 4

static uint32_t entry_count(const struct fast *fast)
{
	return fast->config->span * (uint32_t)fast->options.local_count;
}

static void sign_of_life(const struct fast *fast)
{
	__atomic_store_n(&fast->config->alive_until_ns, clock_mono_us() * 1000 + FAST_ALIVE_NS,
			 __ATOMIC_RELEASE);
}

/* With the lock. */
static void void_all(struct fast *fast)
{
	fast_hops_clear(fast);
	__atomic_fetch_add(&fast->config->epoch, 1, __ATOMIC_ACQ_REL);
}

static void reattach(struct fast *fast)
{
	struct vos_fault fault = {0};

	pthread_mutex_lock(&fast->lock);
	void_all(fast);
	pthread_mutex_unlock(&fast->lock);
	(void)fast_attach(fast, &fault);
	if (fault.code != FAULT_NONE && fast->log)
		log_warning(fast->log, "media", "fast path: %s", fault.text);
}

/* What streams by XDP hang on. */
static void follow_hops(struct fast *fast)
{
	pthread_mutex_lock(&fast->lock);
	if (fast_xdp_check(fast))
		void_all(fast);
	fast_neighbour_read(fast);
	pthread_mutex_unlock(&fast->lock);
}

static void *watch_main(void *argument)
{
	struct fast *fast = argument;
	struct pollfd polls[3] = {{.fd = fast->stop_fd, .events = POLLIN},
				  {.fd = fast->monitor_fd, .events = POLLIN},
				  {.fd = fast->neighbour_fd, .events = POLLIN}};
	uint64_t settled_us = 0;

	for (;;) {
		uint64_t now_us = clock_mono_us();
		bool is_settled = now_us >= settled_us;

		sign_of_life(fast);
		/* What comes meanwhile waits in the socket. */
		polls[1].fd = is_settled ? fast->monitor_fd : -1;
		(void)poll(polls, 3, LIFE_SIGN_MS);
		if (polls[0].revents)
			return NULL;
		follow_hops(fast);
		if (!is_settled || !polls[1].revents || !fast_monitor_read(fast->monitor_fd))
			continue;
		reattach(fast);
		settled_us = clock_mono_us() + SETTLE_MS * 1000;
	}
}

static enum vos_err start_thread(struct fast *fast)
{
	sigset_t all;
	sigset_t before;

	/* Signals are the main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	fast->has_thread = thread_start(&fast->thread, NULL, "media-fast", watch_main, fast) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return fast->has_thread ? VOS_OK : VOS_EFULL;
}

static void put_ip(uint32_t ip[4], const struct endpoint *endpoint)
{
	memset(ip, 0, 4 * sizeof(*ip));
	if (endpoint->sa.sa_family == AF_INET)
		memcpy(ip, &endpoint->in4.sin_addr, sizeof(endpoint->in4.sin_addr));
	else
		memcpy(ip, &endpoint->in6.sin6_addr, sizeof(endpoint->in6.sin6_addr));
}

static void fill_config(struct fast *fast)
{
	struct fast_config *config = fast->config;

	config->low = fast->options.low;
	config->span = (uint32_t)(fast->options.high - fast->options.low + 1);
	config->epoch = 1;
	for (size_t i = 0; i < fast->options.local_count; i++) {
		struct endpoint local = endpoint_of(&fast->options.locals[i]);

		put_ip(config->locals[i].ip, &local);
		config->locals[i].family = local.sa.sa_family == AF_INET ? 4 : 6;
	}
	sign_of_life(fast);
}

static enum vos_err open_sockets(struct fast *fast, struct vos_fault *fault)
{
	/* Before the first look, so that no change falls in between. */
	fast->monitor_fd = fast_monitor_socket();
	fast->neighbour_fd = fast_neighbour_socket();
	fast->route_fd = fast_route_socket();
	fast->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fast->monitor_fd >= 0 && fast->neighbour_fd >= 0 && fast->route_fd >= 0 &&
	    fast->stop_fd >= 0)
		return VOS_OK;
	fault_set(fault, FAULT_STATE, 0, "routes cannot be asked for: %s", strerror(errno));
	return VOS_EIO;
}

static void destroy(struct fast *fast)
{
	fast_stop(fast);
	if (fast->entries)
		munmap(fast->entries, entry_count(fast) * sizeof(*fast->entries));
	if (fast->config)
		munmap(fast->config, sizeof(*fast->config));
	pthread_mutex_destroy(&fast->lock);
	free(fast);
}

static enum vos_err start(struct fast *fast, struct vos_fault *fault)
{
	const struct fast_options *options = &fast->options;
	uint32_t span = (uint32_t)(options->high - options->low + 1);
	enum vos_err err;

	err = fast_load(span * (uint32_t)options->local_count, &fast->program, fault);
	if (err != VOS_OK)
		return err;
	err = fast_map_tables(fast->program, fast, fault);
	if (err != VOS_OK)
		return err;
	fill_config(fast);
	err = open_sockets(fast, fault);
	if (err != VOS_OK)
		return err;
	fast->uses_clsact = options->use_clsact;
	/* An interface may come later; but that it cannot be attached at all shows now. To attach
	 * is news itself, which need not void anything later. */
	for (int i = 0; i < ATTACH_ROUNDS; i++) {
		(void)fast_attach(fast, fault);
		if (!fast_monitor_read(fast->monitor_fd))
			break;
	}
	if (fast_attached_count(fast) == 0 && fault->code != FAULT_NONE)
		return VOS_EPERM;
	return start_thread(fast);
}

enum vos_err fast_create(const struct log *log, const struct fast_options *options,
			 struct fast **out, struct vos_fault *fault)
{
	struct fast *fast;
	enum vos_err err;

	if (options->local_count == 0 || options->local_count > FAST_LOCALS_MAX) {
		fault_set(fault, FAULT_STATE, 0,
			  "there are %zu local addresses for media, not 1 to %d",
			  options->local_count, FAST_LOCALS_MAX);
		return VOS_EINVAL;
	}
	fast = calloc(1, sizeof(*fast));
	if (!fast)
		return VOS_ENOMEM;
	fast->log = log;
	fast->options = *options;
	fast->monitor_fd = fast->neighbour_fd = fast->route_fd = fast->stop_fd = -1;
	atomic_init(&fast->refs, 1);
	pthread_mutex_init(&fast->lock, NULL);
	err = start(fast, fault);
	if (err != VOS_OK) {
		destroy(fast);
		return err;
	}
	*out = fast;
	return VOS_OK;
}

struct fast *fast_ref(struct fast *fast)
{
	atomic_fetch_add_explicit(&fast->refs, 1, memory_order_relaxed);
	return fast;
}

void fast_unref(struct fast *fast)
{
	if (fast && atomic_fetch_sub_explicit(&fast->refs, 1, memory_order_acq_rel) == 1)
		destroy(fast);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void fast_stop(struct fast *fast)
{
	const uint64_t one = 1;

	if (fast->has_thread && write(fast->stop_fd, &one, sizeof(one)) >= 0)
		pthread_join(fast->thread, NULL);
	fast->has_thread = false;
	pthread_mutex_lock(&fast->lock);
	fast->is_stopped = true;
	if (fast->config)
		void_all(fast);
	if (fast->program) {
		fast_detach(fast);
		fast_unload(fast->program);
		fast->program = NULL;
	}
	close_fd(&fast->route_fd);
	close_fd(&fast->monitor_fd);
	close_fd(&fast->neighbour_fd);
	close_fd(&fast->stop_fd);
	pthread_mutex_unlock(&fast->lock);
}

bool fast_is_for(const struct fast *fast, const struct fast_options *options)
{
	const struct fast_options *ours = &fast->options;

	if (ours->low != options->low || ours->high != options->high ||
	    ours->local_count != options->local_count)
		return false;
	for (size_t i = 0; i < ours->local_count; i++)
		if (!addr_ip_eq(&ours->locals[i], &options->locals[i]))
			return false;
	return true;
}

struct fast_entry *fast_take(struct fast *fast, const struct addr *local, uint16_t port)
{
	const struct fast_config *config = fast->config;

	if (port < config->low || port >= config->low + config->span)
		return NULL;
	for (size_t i = 0; i < fast->options.local_count; i++) {
		struct fast_entry *entry;
		uint32_t version;

		if (!addr_ip_eq(&fast->options.locals[i], local))
			continue;
		entry = &fast->entries[i * config->span + port - config->low];
		version = entry->version;
		memset(entry, 0, sizeof(*entry));
		/* Never a number that was there before. */
		__atomic_store_n(&entry->version, (version | 1) + 1, __ATOMIC_RELEASE);
		return entry;
	}
	return NULL;
}

static void fill_socket_options(const struct fast_flow *flow, struct fast_rule *rule)
{
	bool is_ip4 = flow->to.sa.sa_family == AF_INET;
	int level = is_ip4 ? IPPROTO_IP : IPPROTO_IPV6;
	int tos = 0;
	int ttl = IPDEFTTL;
	socklen_t len = sizeof(tos);

	(void)getsockopt(flow->fd, level, is_ip4 ? IP_TOS : IPV6_TCLASS, &tos, &len);
	len = sizeof(ttl);
	(void)getsockopt(flow->fd, level, is_ip4 ? IP_TTL : IPV6_UNICAST_HOPS, &ttl, &len);
	rule->tos = (uint8_t)tos;
	rule->ttl = (uint8_t)ttl;
}

static bool find_route(struct fast *fast, const struct fast_flow *flow, struct fast_route *route,
		       uint32_t *hop)
{
	unsigned device =
		device_of(flow->fd, flow->to.sa.sa_family == AF_INET ? ADDR_IP4 : ADDR_IP6);
	bool is_found;

	pthread_mutex_lock(&fast->lock);
	is_found = !fast->is_stopped &&
		   fast_route_find(fast->route_fd, &flow->source, &flow->to, device, route);
	*hop = is_found ? fast_hop_of(fast, route) : 0;
	pthread_mutex_unlock(&fast->lock);
	return is_found;
}

bool fast_enter(struct fast *fast, struct fast_entry *entry, const struct fast_flow *flow)
{
	/* Before the route is asked for: what changes from now on voids the entry. */
	uint32_t epoch = __atomic_load_n(&fast->config->epoch, __ATOMIC_ACQUIRE);
	struct fast_rule rule = {.epoch = epoch};
	struct fast_route route;

	if (flow->from.sa.sa_family != flow->to.sa.sa_family ||
	    !find_route(fast, flow, &route, &rule.hop))
		return false;
	put_ip(rule.from_ip, &flow->from);
	put_ip(rule.source_ip, &flow->source);
	put_ip(rule.to_ip, &flow->to);
	rule.from_port = flow->from.in4.sin_port;
	rule.source_port = flow->source.in4.sin_port;
	rule.to_port = flow->to.in4.sin_port;
	rule.mtu = route.mtu;
	rule.device = route.device;
	rule.hop_family = route.hop_family;
	memcpy(rule.next_hop, route.next_hop, sizeof(rule.next_hop));
	rule.flags = route.is_local ? FAST_TO_LOCAL : 0;
	fill_socket_options(flow, &rule);
	fast_clear(entry);
	entry->rule = rule;
	__atomic_store_n(&entry->version, entry->version + 1, __ATOMIC_RELEASE);
	return true;
}

void fast_clear(struct fast_entry *entry)
{
	uint32_t version = entry->version;

	/* An exchange, so that no change of the rule that follows is seen before it. */
	if (version & 1)
		(void)__atomic_exchange_n(&entry->version, version + 1, __ATOMIC_SEQ_CST);
}

bool fast_is_on(const struct fast *fast, const struct fast_entry *entry)
{
	return (__atomic_load_n(&entry->version, __ATOMIC_ACQUIRE) & 1) &&
	       __atomic_load_n(&entry->rule.epoch, __ATOMIC_RELAXED) ==
		       __atomic_load_n(&fast->config->epoch, __ATOMIC_RELAXED);
}

void fast_counts(const struct fast_entry *entry, struct fast_counts *out)
{
	out->packets = __atomic_load_n(&entry->packets, __ATOMIC_RELAXED);
	out->bytes = __atomic_load_n(&entry->bytes, __ATOMIC_RELAXED);
	out->last_us = __atomic_load_n(&entry->last_us, __ATOMIC_RELAXED);
}

void fast_status(struct fast *fast, struct fast_status *out)
{
	char name[IF_NAMESIZE];
	size_t len = 0;
	size_t xdp_len = 0;

	*out = (struct fast_status){
		.epoch = __atomic_load_n(&fast->config->epoch, __ATOMIC_RELAXED),
	};
	for (int i = 0; i < FAST_CPUS; i++) {
		const struct fast_total *total = &fast->config->totals[i];

		out->packets += __atomic_load_n(&total->packets, __ATOMIC_RELAXED);
		out->bytes += __atomic_load_n(&total->bytes, __ATOMIC_RELAXED);
		out->xdp_packets += __atomic_load_n(&total->xdp_packets, __ATOMIC_RELAXED);
	}
	pthread_mutex_lock(&fast->lock);
	strcpy(out->hook, fast->uses_clsact ? "clsact" : "tcx");
	for (int i = 0; i < FAST_DEVICES_MAX; i++) {
		if (!fast->devices[i].index || !if_indextoname(fast->devices[i].index, name))
			continue;
		len += (size_t)snprintf(out->devices + len, sizeof(out->devices) - len, "%s%s",
					len ? " " : "", name);
		if (fast->devices[i].xdp_fd >= 0)
			xdp_len += (size_t)snprintf(out->xdp_devices + xdp_len,
						    sizeof(out->xdp_devices) - xdp_len, "%s%s",
						    xdp_len ? " " : "", name);
	}
	pthread_mutex_unlock(&fast->lock);
}
