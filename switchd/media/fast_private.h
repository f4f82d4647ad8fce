/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the fast path: what is loaded, where it is attached, and routes. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "switchd/media/fast.h"

struct fast_device {
	unsigned index; /* of the interface; 0: free */
	int link_fd;    /* tcx; -1: a filter of clsact */
	int xdp_fd;     /* -1: not in its driver */
};

/* What a place in the table of hops stands for. */
struct fast_hop_key {
	unsigned device;
	uint8_t family;
	uint32_t ip[4];
};

struct fast {
	const struct log *log;
	struct fast_options options;
	_Atomic unsigned refs;
	struct fast_program *program;
	struct fast_config *config; /* mapped */
	struct fast_entry *entries; /* mapped */
	struct fast_device devices[FAST_DEVICES_MAX];
	struct fast_hop_key hop_keys[FAST_HOPS_MAX];
	uint32_t hop_count;
	pthread_mutex_t lock; /* of devices, hops, is_stopped and the route socket */
	bool uses_clsact;
	bool is_stopped;
	int route_fd;
	int monitor_fd;
	int neighbour_fd;
	int stop_fd;
	bool has_thread;
	pthread_t thread;
};

/* fast_load.c: the program and its tables in the kernel. */
struct fast_program;
VOS_CHECK enum vos_err fast_load(uint32_t entry_count, struct fast_program **out,
				 struct vos_fault *fault);
int fast_program_fd(const struct fast_program *program);
int fast_xdp_program_fd(const struct fast_program *program);
VOS_CHECK enum vos_err fast_map_tables(const struct fast_program *program, struct fast *fast,
				       struct vos_fault *fault);
void fast_unload(struct fast_program *program);

/* fast_attach.c. Attaches where a local address is and it is not attached yet, lets go of
 * interfaces that are gone; true when something has changed. The fault says what did not work. */
bool fast_attach(struct fast *fast, struct vos_fault *fault);
void fast_detach(struct fast *fast);
unsigned fast_attached_count(const struct fast *fast);

/* fast_attach.c: hangs a program on an interface, until the descriptor that it returns is closed;
 * -1 with errno. */
int fast_link(int program_fd, unsigned device, unsigned type, uint32_t flags);

/* fast_xdp.c: the hook in the driver of an interface, beside the one behind it. With the lock. */
void fast_xdp_attach(struct fast *fast, struct fast_device *device);
void fast_xdp_detach(struct fast_device *device);
/* Lets go of interfaces that do not send by it any more; true when there was one. */
bool fast_xdp_check(struct fast *fast);

/* fast_route.c. */
struct fast_route {
	unsigned device;
	uint16_t mtu;
	uint8_t hop_family;
	uint32_t next_hop[4];
	bool is_local;
};

int fast_route_socket(void);
bool fast_route_find(int fd, const struct endpoint *source, const struct endpoint *to,
		     unsigned device, struct fast_route *out);
int fast_monitor_socket(void);
/* Reads what has come; true when routes, addresses or interfaces are others now. */
bool fast_monitor_read(int fd);
int fast_netlink_socket(unsigned groups, int flags);

/* fast_hops.c: next hops by their hardware address, for XDP. With the lock. */
/* Place of the hop of a route in the table; 0: it has none. */
uint32_t fast_hop_of(struct fast *fast, const struct fast_route *route);
/* Before the epoch is another one, so that no rule names a place that becomes another hop's. */
void fast_hops_clear(struct fast *fast);
int fast_neighbour_socket(void);
/* Reads what has come of neighbours. */
void fast_neighbour_read(struct fast *fast);
