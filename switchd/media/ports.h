/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports of the relay: even/odd pairs of one range, a pool of them for each local address.
 *
 * A pair is free, ready (bound ahead), used, or resting after its release. It is handed out in
 * random order, so that nobody can guess the port of the next call; it rests so that packets of the
 * call before, which the phones still send, find nobody. What waits in a socket when it is handed
 * out is thrown away. All functions may be called by any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/addr.h"
#include "shared/base/err.h"

struct ports;

#define PORTS_ADDRESSES_MAX 32 /* local addresses with a pool */

/* Phones stop within a second or two of the BYE, RTCP reports come up to 5 s apart (RFC 3550 6.2).
 */
#define PORTS_REST_US UINT64_C(5000000)

/* A burst of that many calls finds its sockets open; two descriptors each. */
#define PORTS_READY_TARGET 64

/* Pairs that keep their sockets through the rest, and need not be bound again after it. */
#define PORTS_KEPT_MAX 448

/* Opens the even port local->port and the odd one above. VOS_EINUSE: a port is taken, another pair
 * may do; VOS_EFULL: no descriptors or kernel memory; VOS_EIO: the address is not ours. */
typedef enum vos_err ports_bind_fn(void *context, const struct addr *local, uint8_t tos,
				   int fds[2]);

struct ports_options {
	uint16_t low;          /* inclusive; an odd one counts from the next */
	uint16_t high;         /* inclusive; an even one counts to the one before */
	uint8_t tos;           /* ToS or traffic class byte; the ECN bits are masked */
	uint32_t ready_target; /* pairs kept bound ahead for each address; as it was at first */
	uint32_t kept_max;     /* pairs of each address that rest with open sockets; the same */
	uint64_t rest_us;
	ports_bind_fn *bind; /* NULL: UDP sockets */
	void *bind_context;
};

struct port_pair {
	int fds[2];    /* even, odd; -1 when closed early */
	uint16_t port; /* the even one */
	bool is_muted; /* as ports_mute() has left it */
	uint32_t pool; /* which address */
	uint32_t epoch;
};

/* Fills in how many pairs are open without a call: few, or a quarter of the descriptors that this
 * process may have. */
void ports_set_open(struct ports_options *out);
VOS_CHECK enum vos_err ports_create(const struct ports_options *options, struct ports **out);
/* All pairs must have been released. */
void ports_destroy(struct ports *ports);
/* Another range, ToS or rest. Pairs taken from now on are of the new range; those in use stay what
 * they are, and are not given out a second time while they are. */
VOS_CHECK enum vos_err ports_configure(struct ports *ports, const struct ports_options *options);

/* Makes the pool of an address before its first pair is asked for, so that a refill binds ahead. */
void ports_prepare(struct ports *ports, const struct addr *local);

/* Hands out a pair on the address of local (its port is ignored): a ready one, else one that is
 * bound now. When nothing is free, the pair that has rested longest. VOS_EFULL: nothing left, or no
 * descriptors; VOS_EIO: the address cannot be bound. */
VOS_CHECK enum vos_err ports_take(struct ports *ports, const struct addr *local, uint64_t now_us,
				  struct port_pair *out);
/* Puts the pair to rest. Its sockets are closed, or are kept open for the next who takes it: no
 * epoll may watch them any more, and nothing may be set on them. */
void ports_release(struct ports *ports, const struct port_pair *pair, uint64_t now_us);
/* Closes one of the sockets of a pair that stays taken. */
void ports_close_one(struct port_pair *pair, int which);
/* Binds up to max pairs ahead, as long as more than the target are free. True when more are wanted
 * still. */
bool ports_refill(struct ports *ports, uint64_t now_us, int max);
/* True when some pool has less than half of what it should have ready. */
bool ports_wants_refill(struct ports *ports);
/* True when addr is a port of ours that is in use now. */
bool ports_is_used(struct ports *ports, const struct addr *addr);

struct ports_pool_status {
	struct addr address;
	uint32_t total;        /* pairs of the range */
	uint32_t used;         /* with those of the next line */
	uint32_t used_outside; /* by calls from before the range was changed */
	uint32_t free;         /* ready ones are among them */
	uint32_t ready;
	uint32_t resting;
	uint32_t taken;      /* someone else had a port of it when it was looked at last */
	uint32_t high_water; /* most used at one time */
	uint64_t skipped;    /* times that a pair was passed over because someone else had it */
	uint64_t refused;    /* times that none could be had */
};

/* Of each address; returns how many were written, at most PORTS_ADDRESSES_MAX. */
size_t ports_pools(struct ports *ports, uint64_t now_us,
		   struct ports_pool_status out[PORTS_ADDRESSES_MAX]);

/* Of all addresses together. */
struct ports_status {
	uint16_t low;
	uint16_t high;
	uint64_t total; /* of one address while there is no pool */
	uint64_t used;
	uint64_t ready;
	uint64_t resting;
	uint64_t taken;
	uint64_t high_water;
	uint64_t bind_failures; /* pairs skipped because someone else had a port of it */
	uint64_t refused;
};

void ports_status(struct ports *ports, uint64_t now_us, struct ports_status *out);

/* The default of ports_options.bind (ports_bind.c). */
ports_bind_fn ports_bind_udp;
/* Throws away what waits in a socket. */
void ports_drain(int fd);
/* Nobody is going to read the socket for a while: it holds next to nothing, whoever writes to it.
 */
void ports_mute(int fd);
void ports_unmute(int fd);
