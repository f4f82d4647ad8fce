/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parties of calls as a conf describes them: what gateways and phones have in common, and
 * gateways. */
#pragma once

#include "switchd/conf/conf_rules.h"

#define CONF_MD5_BYTES    16
#define CONF_SHA256_BYTES 32

enum conf_media_mode { CONF_MEDIA_AUTO, CONF_MEDIA_ON, CONF_MEDIA_OFF, CONF_MEDIA_MUST_ON };
enum conf_lock { CONF_LOCK_NONE, CONF_LOCK_OUT, CONF_LOCK_IN, CONF_LOCK_ALL };

/* What a password becomes for digest authentication: H(user:realm:password), RFC 7616
 * section 3.4.2, under each hash, whichever algorithms are offered: to offer another is then a
 * cheap commit. */
struct conf_ha1 {
	uint8_t md5[CONF_MD5_BYTES];
	uint8_t sha256[CONF_SHA256_BYTES];
};

#define CONF_CODECS_MAX 16

/* What may stand in the SDP of a party; of all zero, everything as it comes. */
struct conf_codecs {
	uint8_t count;
	uint8_t list[CONF_CODECS_MAX]; /* WORD_CODEC_..., most wanted first; none: all */
	uint8_t g729_mode;             /* WORD_G729_MODE_... */
	uint8_t annexb;                /* WORD_ANNEX_...: of G.729 */
	uint8_t annexa;                /* the same of G.723 */
	bool has_no_fax;               /* by T.38 */
};

/* Digits of a party (behaviour C17). */
struct conf_dtmf {
	uint8_t send;    /* WORD_DTMF_...: how they are sent to it */
	uint8_t receive; /* WORD_DTMF_RECEIVE_...: which of its own count */
	uint8_t type;    /* payload type of telephone-event offered to it; 0 = as it comes */
};

/* What media and call need of either party, whatever its kind. */
struct conf_party {
	enum conf_media_mode media_mode;
	bool has_local_ring;
	bool has_encryption; /* of either kind that follows */
	uint8_t srtp;        /* WORD_PARTY_SRTP_... */
	uint8_t scramble;    /* WORD_RTP_ENCRYPTION_...; none where there is SRTP */
	bool is_dynamic;     /* registers here */
	bool has_session_timer;
	bool may_transfer;
	bool wants_diversion; /* as the callee of a call that was forwarded */
	uint8_t redirect;     /* WORD_REDIRECT_...: when it answers 3xx */
	bool has_100rel;      /* RFC 3262 */
	struct conf_dtmf dtmf;
	int8_t port_layout;    /* WORD_PORT_LAYOUT_...; -1 = not set */
	uint8_t learning;      /* WORD_RTP_LEARNING_... */
	uint8_t rtp_detection; /* WORD_RTP_DETECTION_... */
	uint8_t reply_address; /* WORD_PARTY_ADDRESS_..., as the next: sip/party_address.h */
	uint8_t request_address;
	struct conf_codecs codecs;
	uint16_t local_ring_delay_s; /* 0: when the callee rings */
	uint8_t remote_ringing;      /* WORD_REMOTE_RINGING_... */
	const char *network;         /* name of a network object, "" = by address */
};

/* How callers are presented to a party (behaviour C11). */
struct conf_presentation {
	int8_t privacy;            /* WORD_PRIVACY_...; -1 = not set, as with the next */
	int8_t display_from;       /* WORD_DISPLAY_FROM_... */
	uint8_t asserted_identity; /* WORD_IDENTITY_HEADER_..., as with the next */
	uint8_t preferred_identity;
	bool has_remote_party_id;
};

/* A list of names. */
struct conf_names {
	const char *const *names;
	size_t count;
};

/* Stages of an outgoing call (behaviour C6), in rising order. */
enum conf_stage {
	CONF_STAGE_INVITE,
	CONF_STAGE_TRYING,
	CONF_STAGE_PROGRESS,
	CONF_STAGE_PROGRESS_SDP,
	CONF_STAGE_RINGING,
	CONF_STAGES,
};

/* When another gateway may be tried after this one (behaviour C7), beside what the parameters say.
 */
struct conf_switching {
	bool after_ring;
	bool after_sdp;
	bool after_rtp;
	bool after_busy;
	const uint16_t *stop_codes;
	size_t stop_code_count;
};

/* A failure code, and what the caller is told in its place. 0 stands for any, or for as it is. */
struct conf_replacement {
	uint16_t code;
	uint16_t instead;
};

#define CONF_GATEWAY_ADDRESSES_MAX 8
#define CONF_GATEWAY_PREFIXES_MAX  64

struct conf_mapping_gateway {
	const char *name;
	bool wants_password; /* authentication password: its name and ha1 prove a call is from it */
	bool has_password;
	struct conf_ha1 ha1; /* of the name; unusable when !has_password */
	struct prefix sources[CONF_GATEWAY_ADDRESSES_MAX];
	uint16_t source_ports[CONF_GATEWAY_ADDRESSES_MAX]; /* 0 = any */
	uint8_t source_count;
	bool match_port; /* authentication ip-port */
	enum conf_lock lock;
	struct conf_party party;
	struct live *live;
	uint32_t capacity;                  /* 0 = no limit, as with the next */
	uint32_t rate_limit;                /* calls/s */
	struct conf_names allowed_gateways; /* none: all */
	struct conf_names groups;           /* none: any */
	struct conf_membership membership;
	int32_t priority; /* smaller first, of several with one address */
	bool groups_are_denied;
	struct conf_number_rule caller_rule;
	struct conf_number_rule callee_rule;
	uint8_t callee_restrict;                         /* WORD_CALLEE_RESTRICT_... */
	const struct conf_number_group *forward_numbers; /* for Diversion; NULL: as it is */
	const struct conf_dial_plan *caller_plan;        /* NULL: none, as with the next */
	const struct conf_dial_plan *callee_plan;
	uint16_t proceeding_s; /* longest set-up over all gateways tried; 0 = no limit */
	uint8_t caller_from;   /* WORD_CALLER_FROM_... */
	uint8_t callee_from;   /* WORD_CALLEE_FROM_... */
	bool recognises_privacy;
	bool has_black_list; /* the dynamic one */
	struct conf_duration max_duration;
	uint8_t route_sort; /* WORD_ROUTE_SORT_...: where its route policies put the answer ratio */
	struct conf_prefixing prefixing;
	const struct conf_replacement *replacements;
	size_t replacement_count;
};

enum conf_transport { CONF_UDP, CONF_TCP, CONF_TLS };

/* How a routing gateway is found. */
enum conf_reach {
	CONF_REACH_STATIC,   /* at its addresses */
	CONF_REACH_DYNAMIC,  /* it registers here, by its name and password */
	CONF_REACH_REGISTER, /* at the server of a registration of ours */
};

struct conf_registration; /* conf_registrations.h */

struct conf_routing_gateway {
	const char *name;
	enum conf_reach reach;
	bool has_password;
	struct conf_ha1 ha1; /* of the name; unusable when !has_password */
	const struct conf_registration *const *registrations; /* CONF_REACH_REGISTER */
	size_t registration_count;
	enum conf_transport transport;
	struct addr local_address; /* from which it is called; family ADDR_NONE: any */
	struct addr addresses[CONF_GATEWAY_ADDRESSES_MAX]; /* port 5060 (TLS: 5061) unless given */
	uint8_t address_count;
	const char *prefixes[CONF_GATEWAY_PREFIXES_MAX]; /* none: matches every number, length 0 */
	uint8_t prefix_count;
	int32_t priority; /* smaller first */
	enum conf_lock lock;
	struct conf_party party;
	struct live *live;
	uint32_t capacity;   /* 0 = no limit, as with the next */
	uint32_t rate_limit; /* calls/s */
	bool has_options_check;
	bool may_publish; /* its capacity, by PUBLISH */
	struct conf_presentation presentation;
	bool is_protected;         /* only when the others failed, or set-up takes long */
	bool shows_display_number; /* of phones that call */
	bool stops_prefix;         /* prefix-mode terminate: no shorter prefix after this one */
	struct conf_names groups;
	struct conf_membership membership;
	struct conf_number_rule caller_rule;
	struct conf_number_rule callee_rule;
	uint8_t callee_restrict; /* WORD_CALLEE_RESTRICT_... */
	struct conf_pair_rule pair_rule;
	struct conf_number_rule forwarded_rule;          /* on the number that forwarded */
	const struct conf_number_group *forward_numbers; /* for Diversion; NULL: as it is */
	struct conf_periods periods;
	const struct conf_dial_plan *caller_plan; /* NULL: none, as with the next two */
	const struct conf_dial_plan *callee_plan;
	const struct conf_pool *pool;
	struct conf_switching switching;
	uint16_t stage_s[CONF_STAGES]; /* 0: the parameter */
	struct conf_duration max_duration;
};
