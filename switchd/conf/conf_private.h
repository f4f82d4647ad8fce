/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a conf derives from its snapshot. Strings point into the snapshot, which lives as long. */
#pragma once

#include <stdatomic.h>

#include "shared/base/hash.h"
#include "switchd/conf/conf.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/conf/prefix_table.h"

/* One prefix of one routing gateway. */
struct route_prefix {
	const char *text;
	uint32_t gateway; /* index */
};

/* A further number of a phone, and where one is that is known by it; each with its index. */
struct conf_did {
	const char *number;
	uint32_t phone;
};

struct conf_phone_source {
	struct addr address;
	uint32_t phone;
};

/* Open addressing. The hash tells nearly all others apart, so that just one phone is looked at. */
struct conf_phone_slot {
	uint32_t hash;
	uint32_t index; /* + 1; 0 = free */
};

struct conf_private {
	atomic_uint refs;
	struct conf_grave *grave; /* NULL: none */
	struct conf *next_dead;
	struct conf_phone *phones; /* in the snapshot's order */
	size_t phone_count;
	struct conf_phone_slot *phone_slots;
	size_t phone_slot_count; /* power of two */
	struct hash_key phone_hash;
	struct conf_did *dids; /* by number */
	size_t did_count;
	struct conf_phone_source *phone_sources; /* by address */
	size_t phone_source_count;
	struct live_table *live; /* the same one in all confs of a switch */
	struct conf_rules rules;
	struct conf_mapping_gateway *mappings;
	size_t mapping_count;
	struct prefix_table sources; /* target: index of mappings */
	struct conf_routing_gateway *routings;
	size_t routing_count;
	struct route_prefix *routes; /* by text, then priority, then name */
	size_t route_count;
	size_t route_longest; /* bytes of the longest prefix */
	struct conf_listen *listens;
	struct conf_network *networks;
	struct prefix_table network_table; /* target: index of networks */
	struct prefix_table subnet_table;  /* of their interfaces; the same */
	uint64_t interfaces_print;
	struct trunk_table *trunks; /* the same one in all confs of a switch */
	struct conf_registration *registrations;
	size_t registration_count;
	const struct conf_registration **callers; /* calls come in by them: by account */
	size_t caller_count;
	const struct conf_registration **by_gateway; /* what the gateways' lists point into */
	size_t dynamic_count;                        /* routing gateways that register here */
	struct prefix_table trusted;
	struct prefix_table peers; /* addresses of gateways of either kind */
};

VOS_CHECK enum vos_err conf_build_phones(struct conf *conf, const struct secret_key *key,
					 const struct conf *previous, struct vos_fault *fault);
/* conf_phone_index.c, after the phones. */
VOS_CHECK enum vos_err conf_build_phone_index(struct conf *conf);
void conf_free_phone_index(struct conf_private *private);
VOS_CHECK enum vos_err conf_build_gateways(struct conf *conf, const struct secret_key *key,
					   struct vos_fault *fault);
/* What one gateway's object says of numbers, times and limits; after the rules were built. */
VOS_CHECK enum vos_err conf_build_mapping_rules(struct conf *conf, const struct object *object,
						struct conf_mapping_gateway *gateway);
VOS_CHECK enum vos_err conf_build_phone_rules(struct conf *conf, const struct object *object,
					      struct conf_phone *phone);
VOS_CHECK enum vos_err conf_build_routing_rules(struct conf *conf, const struct object *object,
						struct conf_routing_gateway *gateway);
VOS_CHECK enum vos_err conf_build_networks(struct conf *conf);
/* What the machine has at the interfaces of networks (conf_interface.c). */
VOS_CHECK enum vos_err conf_read_interfaces(struct conf *conf);
/* After the gateways, as the next one. */
VOS_CHECK enum vos_err conf_build_registrations(struct conf *conf, const struct secret_key *key,
						struct vos_fault *fault);
void conf_free_registrations(struct conf_private *private);
/* The plain text of a secret field; empty when it is not set. */
VOS_CHECK enum vos_err conf_open_secret(const struct object *object, enum field_id field,
					const struct secret_key *key,
					char plain[SECRET_PLAIN_MAX + 1], size_t *len,
					struct vos_fault *fault);
/* What is posted over HTTP, and with which token. */
VOS_CHECK enum vos_err conf_open_posts(struct conf *conf, const struct secret_key *key,
				       struct vos_fault *fault);
/* H(key:realm:password) of one; *has_password is false when none is set. */
VOS_CHECK enum vos_err conf_open_ha1(const struct conf *conf, const struct object *object,
				     enum field_id field, const struct secret_key *key,
				     struct conf_ha1 *out, bool *has_password,
				     struct vos_fault *fault);
/* Digits of a party, and what may stand in its SDP. */
void conf_set_media_words(const struct object *object, struct conf_party *party);
/* Where a party is answered and asked. */
void conf_set_addresses(struct conf *conf, const struct object *object, enum field_id reply,
			enum field_id request, struct conf_party *party);
/* SRTP and scrambling of a party. */
void conf_set_ciphers(const struct snapshot *snapshot, const struct object *object,
		      enum field_id encryption, enum field_id srtp, struct conf_party *party);
/* SS_RTP_ENCRYPTION_KEY. */
VOS_CHECK enum vos_err conf_open_scramble_key(struct conf *conf, const struct secret_key *key,
					      struct vos_fault *fault);
VOS_CHECK enum vos_err conf_build_known(struct conf *conf);
void conf_free_known(struct conf_private *private);
VOS_CHECK enum vos_err conf_build_listens(struct conf *conf);

/* "" when the field is unset. */
const char *conf_field_text(const struct object *object, enum field_id id);
/* Family ADDR_NONE when it is. */
struct addr conf_field_address(const struct object *object, enum field_id id);
