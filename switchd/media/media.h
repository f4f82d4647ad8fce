/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy: port pairs, relay sessions, counters.
 *
 * A session relays one media stream between the caller's side (A) and the callee's (B). In the
 * compact layout (behaviour A5) it has one even/odd pair of ports: the even one faces A, the odd
 * one B; RTP and RTCP of a side share its port. Media threads own the sockets and the packets; a
 * signalling thread owns the session handle, and changes it by commands through the media thread's
 * mailbox. Pairs are bound ahead, handed out in random order, and rest after release.
 *
 * Learning: a side's peer is the address of its SDP until the first packets come. The first RTP
 * packet from that address, or for a side behind NAT from the address that its signalling comes
 * from, locks the side to its source; packets from anyone else are dropped and counted, and a
 * stranger's address is never learned. A new offer opens learning again for the moved side only.
 * The rules in full: latch.h.
 *
 * A session's functions are called by one thread at a time; only media_read may run beside them. */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/err.h"
#include "switchd/conf/conf.h"
#include "switchd/media/mos.h"
#include "switchd/media/ports.h"
#include "switchd/media/quality.h"
#include "switchd/media/rtcp.h"

struct media;
struct media_session;
struct player;
struct recorder;

enum media_side { MEDIA_A, MEDIA_B, MEDIA_SIDES };

/* Starts thread_count relay threads for the port range and ToS of conf. */
VOS_CHECK enum vos_err media_create(const struct log *log, struct conf *conf, int thread_count,
				    struct media **out, struct vos_fault *fault);
/* Before anything is opened: what sessions are told does not wake the relay threads; whoever opens
 * and changes them calls media_wake() once it has done with all that it has at the moment. */
void media_wake_late(struct media *media);
void media_wake(struct media *media);
/* Before anything is opened: where copies of packets go (capture.h), a ring for each thread. */
void media_set_recorder(struct media *media, struct recorder *recorder);
/* Streams of which copies are kept now. */
uint32_t media_captured(const struct media *media);
/* Ends the threads and the sessions that are still open; their handles are dead. */
void media_destroy(struct media *media);
/* New configuration: range and ToS take effect for new sessions. Nothing of conf is kept. */
void media_configure(struct media *media, struct conf *conf);

/* Takes a bound pair: the even port on the address that faces A, the odd one on the address that
 * faces B (ports of both ignored; they are the same address unless the switch has two sides, and
 * may be of two families; then a pair of either is taken, and the numbers differ). VOS_EFULL: no
 * port is free. Any thread. */
VOS_CHECK enum vos_err media_open(struct media *media, const struct addr *local_a,
				  const struct addr *local_b, struct media_session **out);
/* What a session takes of the ports (behaviour A5); in the order of SS_RTP_PORT_LAYOUT's words. */
enum media_layout {
	MEDIA_COMPACT, /* one pair, as above */
	MEDIA_PAIRED,  /* a pair for each side, RTP at the even port and RTCP at the odd one */
};

VOS_CHECK enum vos_err media_open_in(struct media *media, enum media_layout layout,
				     const struct addr *local_a, const struct addr *local_b,
				     struct media_session **out);
/* The same with the caller's port out of IVR_RTP_PORT, from where a tone may be played to it
 * (player.h); while none is free there, as the others. */
VOS_CHECK enum vos_err media_open_own(struct media *media, enum media_layout layout,
				      const struct addr *local_a, const struct addr *local_b,
				      struct media_session **out);
/* What the switch plays; NULL: nothing, as in tests without a configuration. */
struct player *media_player(struct media *media);
enum media_layout media_layout_of(const struct media_session *session);
/* Port that stands in the SDP sent to that side. RTCP: the same one in the compact layout, else the
 * next. */
uint16_t media_port(const struct media_session *session, enum media_side side);

/* Which sources a side may be learned from (latch.h); in the order of rtp-learning's words. */
enum media_learning { MEDIA_LEARN_ONCE, MEDIA_STRICT, MEDIA_RELEARN };

struct media_peer {
	struct addr rtp;  /* from its SDP; family ADDR_NONE: not known yet, or held with 0.0.0.0 */
	struct addr rtcp; /* a=rtcp, or rtp port + 1, or rtp when muxed */
	struct addr behind; /* a local address of ours, where rtp is what stands for it outside */
	struct addr signalling; /* observed source of its signalling; port ignored */
	bool is_other;  /* not the party that was there: nothing learned of that one holds */
	bool may_learn; /* behind NAT: its SDP address is not where packets come from */
	uint64_t payload_types[2]; /* bit set of those of its SDP (sdp_payload_types); all 0: any */
	enum media_learning learning;
	bool is_raw;        /* no RTP, as T.38 over UDPTL: packets are taken as they come */
	bool is_audio;      /* one stream: what comes beside it is not its sender's */
	uint8_t event_type; /* telephone-event (RFC 4733); 0: none */
	uint32_t clock_hz;  /* of its timestamps; 0: 8,000 */
	unsigned device;    /* interface that leads to it; 0: as routes say */
};

/* Sets or moves a side; learning opens again when the address is another one. */
void media_set_peer(struct media_session *session, enum media_side side,
		    const struct media_peer *peer);
/* Closes; the pair rests, then is free again. The handle is dead. */
void media_close(struct media_session *session);

struct media_counters {
	uint64_t packets; /* RTP received from this side's peer and relayed */
	uint64_t bytes;   /* of their UDP payloads */
	uint64_t rtcp_packets;
	uint64_t foreign;    /* dropped: from someone else */
	uint64_t malformed;  /* dropped: neither RTP nor RTCP, from whomever */
	uint64_t unsendable; /* dropped: the other side is not known yet, or the send failed */
	uint64_t last_us;    /* monotonic time of the last relayed packet, 0 = none */
	struct addr learned; /* where packets come from, family ADDR_NONE until the first */
	uint32_t ssrc;
	uint8_t payload_type; /* of the last packet */
	bool is_fast;         /* forwarded within the kernel now */
	bool is_locked;
};

/* A momentary copy; may be read by any thread while the session is open. */
void media_read(const struct media_session *session, enum media_side side,
		struct media_counters *out);

/* A stream, and how its receiver gets on. */
struct media_quality {
	struct stream_quality stream; /* that the side sends, as it comes here */
	struct rtcp_quality reports;  /* of the side, on the stream that it is sent */
	struct mos mos;               /* as the other side hears it; centi 0: nothing has come */
};

/* The same of what it sounds like; codec is the name in the side's SDP. */
void media_quality(const struct media_session *session, enum media_side side, const char *codec,
		   struct media_quality *out);

struct media_status {
	uint32_t ports_low;
	uint32_t ports_high;
	uint64_t pairs_total;
	uint64_t pairs_used;
	uint64_t pairs_resting;
	uint64_t pairs_high_water;
	uint64_t bind_failures;
	uint64_t packets;
	uint64_t dropped;
	uint64_t pairs_taken; /* by someone else, when they were looked at last */
	uint64_t refused;     /* sessions for which there was no port */
	uint64_t sessions;    /* that are open */
	uint64_t cpu_us;      /* processor time of the threads */
	uint64_t by_threads;  /* of the packets, those that the kernel did not forward by itself */
	uint32_t threads;
	uint32_t own_ports_low; /* IVR_RTP_PORT; 0: there is none */
	uint32_t own_ports_high;
	uint64_t own_pairs_used;
	uint64_t own_pairs_high_water;
	uint64_t own_refused;
};

void media_status(struct media *media, struct media_status *out);

/* The fast path as a whole (fast.h). */
struct media_fast_status {
	bool is_on;
	int wanted;            /* WORD_FAST_PATH_...: the parameter at the start */
	char hook[16];         /* how it is attached: "tcx", "clsact" */
	char devices[276];     /* names of interfaces, separated by blanks */
	char xdp_devices[276]; /* those that forward in their drivers */
	uint64_t packets;      /* forwarded since the start */
	uint64_t xdp_packets;  /* of these, in drivers */
	uint64_t changes; /* of routes and interfaces, each of which brought all streams back */
	char reason[480]; /* why it is not on */
};

void media_fast_path(struct media *media, struct media_fast_status *out);

/* What comes to the threads by one socket each (steer.h). */
struct media_steering {
	bool is_on;
	int wanted;         /* WORD_FAST_PATH_...: the parameter at the start */
	uint64_t packets;   /* that came so */
	uint64_t batched;   /* of these, sent with others in one system call */
	const char *reason; /* why it is not on */
};

void media_steering(const struct media *media, struct media_steering *out);
/* How long a thread looks for the next packet before it sleeps (SS_MEDIA_BUSY_POLL). */
void media_set_busy_poll(struct media *media, long long us);
/* Ports of each address; returns how many were written. */
size_t media_pools(struct media *media, struct ports_pool_status out[PORTS_ADDRESSES_MAX]);
