/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a conf derives from its snapshot. Strings point into the snapshot, which lives as long. */
#pragma once

#include <stdatomic.h>

#include "shared/base/hash.h"
#include "switchd/conf/conf.h"
#include "switchd/conf/prefix_table.h"

/* One prefix of one routing gateway. */
struct route_prefix {
	const char *text;
	uint32_t gateway; /* index */
};

struct conf_private {
	atomic_uint refs;
	struct conf_grave *grave; /* NULL: none */
	struct conf *next_dead;
	struct conf_phone *phones; /* in the snapshot's order */
	size_t phone_count;
	uint32_t *phone_slots;   /* open addressing: index + 1, 0 = free */
	size_t phone_slot_count; /* power of two */
	struct hash_key phone_hash;
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
	struct prefix_table trusted;
	struct prefix_table peers; /* addresses of gateways of either kind */
};

VOS_CHECK enum vos_err conf_build_phones(struct conf *conf, const struct secret_key *key,
					 const struct conf *previous, struct vos_fault *fault);
VOS_CHECK enum vos_err conf_build_gateways(struct conf *conf, struct vos_fault *fault);
/* What one gateway's object says of numbers, times and limits; after the rules were built. */
VOS_CHECK enum vos_err conf_build_mapping_rules(struct conf *conf, const struct object *object,
						struct conf_mapping_gateway *gateway);
VOS_CHECK enum vos_err conf_build_phone_rules(struct conf *conf, const struct object *object,
					      struct conf_phone *phone);
VOS_CHECK enum vos_err conf_build_routing_rules(struct conf *conf, const struct object *object,
						struct conf_routing_gateway *gateway);
VOS_CHECK enum vos_err conf_build_networks(struct conf *conf);
/* After the gateways. */
VOS_CHECK enum vos_err conf_build_known(struct conf *conf);
void conf_free_known(struct conf_private *private);
VOS_CHECK enum vos_err conf_build_listens(struct conf *conf);

/* "" when the field is unset. */
const char *conf_field_text(const struct object *object, enum field_id id);
