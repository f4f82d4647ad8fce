/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Building and counting of confs, and what belongs to the switch as a whole: its name, realm,
 * schedules, listen addresses, networks. */
#include "switchd/conf/conf_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/digest_algorithm.h"

#define SIP_PORT 5060

const char *conf_field_text(const struct object *object, enum field_id id)
{
	const struct value *value = object_field(object, id);

	return value->type == VALUE_STRING && value->text ? value->text : "";
}

static void set_names(struct conf *conf)
{
	const struct object *own =
		snapshot_object_find(conf->snapshot, OBJECT_SWITCH, SPAN_LIT(""));
	const char *hostname = own ? conf_field_text(own, FIELD_SWITCH_HOSTNAME) : "";
	const char *realm = snapshot_text(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_REALM);

	if (*hostname) {
		snprintf(conf->hostname, sizeof(conf->hostname), "%s", hostname);
	} else if (gethostname(conf->hostname, sizeof(conf->hostname)) == 0) {
		conf->hostname[sizeof(conf->hostname) - 1] = '\0';
		conf->hostname[strcspn(conf->hostname, ".")] = '\0';
	}
	if (!*conf->hostname)
		snprintf(conf->hostname, sizeof(conf->hostname), "switchd");
	snprintf(conf->realm, sizeof(conf->realm), "%s", *realm ? realm : conf->hostname);
}

static void set_algorithms(struct conf *conf)
{
	struct span text =
		span_of(snapshot_text(conf->snapshot, PARAM_SS_SIP_AUTHENTICATION_ALGORITHMS));

	/* The catalogue lets nothing else in. */
	if (!digest_algorithms_parse(text, &conf->digest_algorithms))
		conf->digest_algorithms = DIGEST_BIT(DIGEST_MD5);
}

static void set_resend(struct conf *conf)
{
	const struct value *value = snapshot_param(conf->snapshot, PARAM_SS_SIP_RESEND_INTERVAL);

	memcpy(conf->resend_ms, value->intervals.ms, sizeof(conf->resend_ms));
	conf->resend_count = value->intervals.count;
}

struct addr conf_field_address(const struct object *object, enum field_id id)
{
	const struct value *value = object_field(object, id);

	return value->type == VALUE_ADDRESS ? value->address : (struct addr){0};
}

enum vos_err conf_build_networks(struct conf *conf)
{
	struct conf_private *private = conf->private;
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_NETWORK);

	private->networks = calloc(count + 1, sizeof(*private->networks));
	if (!private->networks)
		return VOS_ENOMEM;
	conf->networks = private->networks;
	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_NETWORK, i);
		struct conf_network *network = &private->networks[i];
		size_t prefixes = object_list_count(object, FIELD_NETWORK_PREFIX);

		network->name = object_key(object);
		network->media_address = conf_field_address(object, FIELD_NETWORK_MEDIA_ADDRESS);
		network->advertised_address =
			conf_field_address(object, FIELD_NETWORK_ADVERTISED_ADDRESS);
		network->interface = conf_field_text(object, FIELD_NETWORK_INTERFACE);
		network->prefixes = calloc(prefixes + 1, sizeof(*network->prefixes));
		if (!network->prefixes)
			return VOS_ENOMEM;
		conf->network_count = i + 1;
		for (size_t at = 0; at < prefixes; at++) {
			struct prefix_entry entry = {.target = (uint32_t)i};

			entry.prefix = object_list_at(object, FIELD_NETWORK_PREFIX, at)->prefix;
			network->prefixes[network->prefix_count++] = entry.prefix;
			if (prefix_table_add(&private->network_table, &entry))
				return VOS_ENOMEM;
		}
	}
	prefix_table_sort(&private->network_table);
	return conf_read_interfaces(conf);
}

static const struct listen_transport {
	enum field_id field;
	enum conf_transport transport;
} listen_transports[] = {
	{FIELD_LISTEN_UDP, CONF_UDP},
	{FIELD_LISTEN_TCP, CONF_TCP},
	{FIELD_LISTEN_TLS, CONF_TLS},
};

#define LISTEN_TRANSPORTS (sizeof(listen_transports) / sizeof(listen_transports[0]))

/* Without a listen object only the machine itself is served: opening a public address is the
 * operator's decision. */
static struct conf_listen loopback_listen(enum conf_transport transport)
{
	return (struct conf_listen){
		.name = "default",
		.transport = transport,
		.address = {.family = ADDR_IP4, .port = SIP_PORT, .ip = {127, 0, 0, 1}},
		.network = "",
		.certificate = "",
		.key = "",
		.ca = "",
	};
}

static struct conf_listen listen_from(const struct object *object, enum conf_transport transport)
{
	return (struct conf_listen){
		.name = object_key(object),
		.transport = transport,
		.network = conf_field_text(object, FIELD_LISTEN_NETWORK),
		.media_address = conf_field_address(object, FIELD_LISTEN_MEDIA_ADDRESS),
		.advertised_address = conf_field_address(object, FIELD_LISTEN_ADVERTISED_ADDRESS),
		.certificate = conf_field_text(object, FIELD_LISTEN_CERTIFICATE),
		.key = conf_field_text(object, FIELD_LISTEN_KEY),
		.ca = conf_field_text(object, FIELD_LISTEN_CA),
		.verifies_peer = object_field(object, FIELD_LISTEN_VERIFY_PEER)->boolean,
	};
}

enum vos_err conf_build_listens(struct conf *conf)
{
	size_t count = snapshot_object_count(conf->snapshot, OBJECT_LISTEN);
	struct conf_listen *listens = calloc(count * LISTEN_TRANSPORTS + 2, sizeof(*listens));

	if (!listens)
		return VOS_ENOMEM;
	conf->private->listens = listens;
	conf->listens = listens;
	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(conf->snapshot, OBJECT_LISTEN, i);

		for (size_t at = 0; at < LISTEN_TRANSPORTS; at++) {
			struct addr address =
				conf_field_address(object, listen_transports[at].field);

			if (address.family == ADDR_NONE)
				continue;
			listens[conf->listen_count] =
				listen_from(object, listen_transports[at].transport);
			listens[conf->listen_count++].address = address;
		}
	}
	if (conf->listen_count == 0) {
		listens[conf->listen_count++] = loopback_listen(CONF_UDP);
		listens[conf->listen_count++] = loopback_listen(CONF_TCP);
	}
	return VOS_OK;
}

const char *conf_network_of(const struct conf *conf, const struct addr *address,
			    const struct addr *local)
{
	const struct prefix_table *subnets = &conf->private->subnet_table;
	const struct prefix_entry *entry =
		prefix_table_find(&conf->private->network_table, address);
	const struct prefix_entry *subnet = prefix_table_find(subnets, address);

	if (subnet && (!entry || subnet->prefix.bits > entry->prefix.bits))
		entry = subnet;
	for (size_t i = 0; !entry && local && i < conf->listen_count; i++)
		if (addr_eq(&conf->listens[i].address, local) && conf->listens[i].network[0])
			return conf->listens[i].network;
	if (!entry && local)
		entry = prefix_table_find(subnets, local);
	return entry ? conf->networks[entry->target].name : "";
}

static void free_conf(struct conf *conf)
{
	struct conf_private *private = conf->private;

	secret_wipe(conf->scramble_key, sizeof(conf->scramble_key));
	secret_wipe(&conf->cdr_push, sizeof(conf->cdr_push));
	secret_wipe(&conf->alarm_post, sizeof(conf->alarm_post));
	if (private) {
		for (size_t i = 0; i < conf->network_count; i++)
			free(private->networks[i].prefixes);
		if (private->phones)
			secret_wipe(private->phones,
				    private->phone_count * sizeof(*private->phones));
		free(private->phones);
		free(private->phone_slots);
		conf_free_registrations(private);
		if (private->mappings)
			secret_wipe(private->mappings,
				    private->mapping_count * sizeof(*private->mappings));
		free(private->mappings);
		prefix_table_free(&private->sources);
		if (private->routings)
			secret_wipe(private->routings,
				    private->routing_count * sizeof(*private->routings));
		free(private->routings);
		free(private->routes);
		free(private->listens);
		free(private->networks);
		prefix_table_free(&private->network_table);
		prefix_table_free(&private->subnet_table);
		conf_free_known(private);
		conf_free_phone_index(private);
		conf_rules_free(&private->rules);
		live_table_unref(private->live);
		free(private);
	}
	free(conf);
}

static enum vos_err build_rules(struct conf *conf, const struct conf *previous)
{
	struct conf_private *private = conf->private;

	if (previous)
	private->live = live_table_ref(previous->private->live);
	else if (live_table_create(&private->live) != VOS_OK) return VOS_ENOMEM;
	if (previous)
	private->trunks = trunk_table_ref(previous->private->trunks);
	else if (trunk_table_create(&private->trunks) != VOS_OK) return VOS_ENOMEM;
	return conf_rules_build(&private->rules, conf->snapshot, private->live);
}

const struct conf_rules *conf_rules(const struct conf *conf)
{
	return &conf->private->rules;
}

struct live_table *conf_live(const struct conf *conf)
{
	return conf->private->live;
}

enum vos_err conf_build(struct snapshot *snapshot, const struct secret_key *key,
			const struct conf *previous, struct conf **out, struct vos_fault *fault)
{
	struct conf *conf = calloc(1, sizeof(*conf));
	enum vos_err err = VOS_ENOMEM;

	if (!conf)
		goto out;
	conf->snapshot = snapshot;
	conf->private = calloc(1, sizeof(*conf->private));
	if (!conf->private)
		goto out;
	atomic_init(&conf->private->refs, 1);
	set_names(conf);
	set_algorithms(conf);
	set_resend(conf);
	err = build_rules(conf, previous);
	if (!err)
		err = conf_open_scramble_key(conf, key, fault);
	if (!err)
		err = conf_open_posts(conf, key, fault);
	if (!err)
		err = conf_build_networks(conf);
	if (!err)
		err = conf_build_listens(conf);
	if (!err)
		err = conf_build_gateways(conf, key, fault);
	if (!err)
		err = conf_build_registrations(conf, key, fault);
	if (!err)
		err = conf_build_known(conf);
	if (!err)
		err = conf_build_phones(conf, key, previous, fault);
out:
	if (!err) {
		*out = conf;
		return VOS_OK;
	}
	if (err == VOS_ENOMEM)
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	if (conf)
		free_conf(conf);
	return err;
}

struct conf *conf_ref(struct conf *conf)
{
	atomic_fetch_add_explicit(&conf->private->refs, 1, memory_order_relaxed);
	return conf;
}

static void destroy(struct conf *conf)
{
	struct snapshot *snapshot = conf->snapshot;

	free_conf(conf);
	snapshot_unref(snapshot);
}

void conf_unref(struct conf *conf)
{
	struct conf_grave *grave;

	if (!conf || atomic_fetch_sub_explicit(&conf->private->refs, 1, memory_order_acq_rel) != 1)
		return;
	grave = conf->private->grave;
	if (!grave) {
		destroy(conf);
		return;
	}
	conf->private->next_dead = atomic_load_explicit(&grave->first, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&grave->first, &conf->private->next_dead,
						      conf, memory_order_release,
						      memory_order_relaxed))
		;
}

void conf_set_grave(struct conf *conf, struct conf_grave *grave)
{
	conf->private->grave = grave;
	atomic_fetch_add_explicit(&grave->alive, 1, memory_order_relaxed);
}

unsigned conf_grave_sweep(struct conf_grave *grave)
{
	struct conf *conf = atomic_exchange_explicit(&grave->first, NULL, memory_order_acquire);

	while (conf) {
		struct conf *next = conf->private->next_dead;

		destroy(conf);
		atomic_fetch_sub_explicit(&grave->alive, 1, memory_order_relaxed);
		conf = next;
	}
	return atomic_load_explicit(&grave->alive, memory_order_relaxed);
}
