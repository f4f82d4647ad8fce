/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The media proxy decision of behaviour A8 and C1, as a pure function: same input, same answer.
 *
 * How the ports of a relayed call are laid out (A5) is settled with it, as the two parties and the
 * parameters say it too: paired when either party asks for it. */
#pragma once

#include "shared/base/buf.h"
#include "switchd/conf/conf.h"

struct decide_party {
	enum conf_media_mode mode;
	bool has_local_ring;
	bool has_encryption;
	uint8_t srtp;       /* WORD_PARTY_SRTP_... */
	uint8_t scramble;   /* enum scramble_mode */
	bool is_dynamic;    /* registered here, not static */
	bool is_nat;        /* signalling source differs from what it advertises */
	int8_t port_layout; /* WORD_PORT_LAYOUT_...; -1 = the parameter says */
	/* Of no meaning for the decision; for what comes after it: */
	uint8_t learning;      /* WORD_RTP_LEARNING_... */
	uint8_t rtp_detection; /* WORD_RTP_DETECTION_... */
	struct conf_dtmf dtmf;
	struct conf_codecs codecs;
	uint16_t local_ring_delay_s; /* 0: when the callee rings */
	uint8_t remote_ringing;      /* WORD_REMOTE_RINGING_... */
	struct addr source;          /* observed signalling source */
	const char *network;         /* "" = none */
};

enum decide_step {
	DECIDE_GLOBAL_MUST_ON, /* global mode Must On */
	DECIDE_PARTY_MUST_ON,
	DECIDE_PARTY_OFF,
	DECIDE_PARTY_ON,
	DECIDE_GLOBAL_ON,
	DECIDE_GLOBAL_OFF,
	DECIDE_LOCAL_RING, /* the callee's */
	DECIDE_ENCRYPTION, /* dynamic registration and encryption on either party */
	DECIDE_BETWEEN_NET,
	DECIDE_SAME_NAT,
	DECIDE_BEHIND_NAT,
	DECIDE_DIRECT,         /* nothing asked for the relay */
	DECIDE_ADDRESS_FAMILY, /* IPv4 and IPv6: technically required */
	DECIDE_CIPHER,         /* nothing else asked, and a party's media is encrypted here */
};

struct decide_result {
	bool relay;
	bool is_paired; /* an RTP and RTCP pair for each side; meaningless without relay */
	enum decide_step step;
};

/* What the configuration says of a party; source and is_nat are the caller's to fill. */
void decide_party_from(const struct conf_party *conf, struct decide_party *out);
struct decide_result media_decide(const struct snapshot *config, const struct decide_party *caller,
				  const struct decide_party *callee);
const char *decide_step_name(enum decide_step step); /* "party-off" */
const char *decide_step_text(enum decide_step step); /* "one party's media-proxy is off" */
/* The same with the parties it was: "the callee's media-proxy is off". */
void decide_reason(enum decide_step step, const struct decide_party *caller,
		   const struct decide_party *callee, struct buf *out);
