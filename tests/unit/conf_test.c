/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a conf derives from a snapshot: digest secrets, lookups, routes, listen addresses. */
#include <net/if.h>

#include "tests/support/test.h"

#include <stdio.h>
#include <unistd.h>

#include "switchd/conf/conf.h"
#include "tests/support/changes.h"

static const struct secret_key host_key = {{1, 2, 3}};

static void add_password(struct change_list *list, const char *number, const char *password,
			 const struct secret_key *key)
{
	struct change change = {
		.op = CHANGE_FIELD_SET, .kind = OBJECT_PHONE, .field = FIELD_PHONE_PASSWORD};
	char sealed[SECRET_SEALED_MAX];

	assert_int_equal(secret_seal(key, span_of(password), sealed), VOS_OK);
	change.key = strdup(number);
	change.value = (struct value){.type = VALUE_SECRET, .text = strdup(sealed)};
	assert_int_equal(change_list_add(list, &change), VOS_OK);
}

/* Takes the list; the conf owns the snapshot. */
static struct conf *build(struct change_list *list, const struct conf *previous)
{
	struct snapshot *snapshot = changes_apply(previous ? previous->snapshot : NULL, list);
	struct vos_fault fault = {0};
	struct conf *conf = NULL;

	if (conf_build(snapshot, &host_key, previous, &conf, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	return conf;
}

static const struct conf_phone *phone(const struct conf *conf, const char *number)
{
	return conf_phone_find(conf, span_of(number));
}

static struct addr address(const char *text)
{
	struct addr out;

	assert_true(addr_parse(span_of(text), &out));
	return out;
}

/* The matches that a call could use: not locked, with an address, not taken out of use. */
static size_t usable_routes(const struct conf *conf, struct span callee,
			    const struct conf_routing_gateway **out, size_t max)
{
	char *number = span_dup(callee);
	struct conf_match_walk walk = conf_match_start(conf, number);
	struct conf_match match;
	size_t count = 0;

	while (count < max && conf_match_next(&walk, &match)) {
		const struct conf_routing_gateway *gateway = match.gateway;

		if (gateway->lock != CONF_LOCK_ALL && gateway->address_count &&
		    atomic_load_explicit(&gateway->live->admin, memory_order_relaxed) ==
			    LIVE_ENABLED)
			out[count++] = gateway;
	}
	free(number);
	return count;
}

static void empty_configuration(void **state)
{
	struct change_list list = {0};
	struct conf *conf = build(&list, NULL);
	const struct conf_routing_gateway *found[4];
	struct addr local = address("127.0.0.1:5060");
	char hostname[256];

	(void)state;
	assert_int_equal(gethostname(hostname, sizeof(hostname)), 0);
	hostname[strcspn(hostname, ".")] = '\0';
	if (strlen(hostname) < sizeof(conf->hostname))
		assert_string_equal(conf->hostname, hostname);
	assert_string_equal(conf->realm, conf->hostname);
	assert_int_equal(conf->listen_count, 2);
	assert_int_equal(conf->listens[0].transport, CONF_UDP);
	assert_int_equal(conf->listens[1].transport, CONF_TCP);
	assert_true(addr_eq(&conf->listens[0].address, &local));
	assert_true(addr_eq(&conf->listens[1].address, &local));
	assert_int_equal(conf->listens[0].media_address.family, ADDR_NONE);
	assert_string_equal(conf->listens[0].network, "");
	assert_int_equal(conf->resend_count, 10);
	assert_int_equal(conf->resend_ms[0], 500);
	assert_int_equal(conf->resend_ms[9], 4000);
	assert_null(phone(conf, "1001"));
	assert_null(conf_phone_find(conf, SPAN_NONE));
	assert_null(conf_mapping_gateway_find(conf, &local));
	assert_null(conf_routing_gateway_find(conf, SPAN_LIT("a")));
	assert_int_equal(usable_routes(conf, SPAN_LIT("123"), found, 4), 0);
	assert_string_equal(conf_network_of(conf, &local, NULL), "");
	conf_unref(conf_ref(conf));
	conf_unref(conf);
}

/* The example of RFC 2617 section 3.5. */
static void ha1_of_the_rfc(void **state)
{
	static const struct conf_ha1 none;
	struct change_list list = {0};
	struct buf hex;
	struct conf *conf;

	(void)state;
	changes_param(&list, "SS_SIP_AUTHENTICATION_REALM", "testrealm@host.com");
	changes_create(&list, "phone", "Mufasa");
	add_password(&list, "Mufasa", "Circle Of Life", &host_key);
	changes_create(&list, "phone", "1002");
	conf = build(&list, NULL);
	assert_string_equal(conf->realm, "testrealm@host.com");
	assert_true(phone(conf, "Mufasa")->has_password);
	hex = buf_new();
	buf_add_hex(&hex, phone(conf, "Mufasa")->ha1.md5, CONF_MD5_BYTES);
	assert_string_equal(buf_cstr(&hex), "939e7578ed9e3c518a452acee763bce9");
	buf_free(&hex);
	assert_false(phone(conf, "1002")->has_password);
	assert_memory_equal(&phone(conf, "1002")->ha1, &none, sizeof(none));
	conf_unref(conf);
}

static void phone_fields(void **state)
{
	struct change_list list = {0};
	struct addr wanted = address("192.0.2.9:5060");
	const struct conf_phone *found;
	struct conf *conf;

	(void)state;
	changes_create(&list, "phone", "1001");
	changes_field(&list, "phone", "1001", "name", "Front desk");
	changes_field(&list, "phone", "1001", "lock", "in");
	changes_field(&list, "phone", "1001", "media-proxy", "must-on");
	changes_field(&list, "phone", "1001", "local-ring", "on");
	changes_field(&list, "phone", "1001", "encryption", "rc4");
	changes_create(&list, "network", "lan");
	changes_field(&list, "phone", "1001", "network", "lan");
	changes_create(&list, "phone", "1002");
	changes_field(&list, "phone", "1002", "registration", "static");
	changes_field(&list, "phone", "1002", "address", "192.0.2.9");
	changes_create(&list, "phone", "1003");
	changes_field(&list, "phone", "1003", "registration", "static");
	conf = build(&list, NULL);
	found = phone(conf, "1001");
	assert_string_equal(found->number, "1001");
	assert_string_equal(found->display_name, "Front desk");
	assert_int_equal(found->lock, CONF_LOCK_IN);
	assert_int_equal(found->party.media_mode, CONF_MEDIA_MUST_ON);
	assert_true(found->party.has_local_ring);
	assert_true(found->party.has_encryption);
	assert_true(found->party.is_dynamic);
	assert_false(found->is_static);
	assert_string_equal(found->party.network, "lan");
	found = phone(conf, "1002");
	assert_true(found->is_static);
	assert_false(found->party.is_dynamic);
	assert_true(addr_eq(&found->static_address, &wanted));
	assert_int_equal(phone(conf, "1003")->static_address.family, ADDR_NONE);
	assert_null(phone(conf, "100"));
	assert_null(phone(conf, "10011"));
	conf_unref(conf);
}

/* Words of the catalogue and numbers of the conf are the same lists. */
static void words_match(void **state)
{
	(void)state;
	assert_int_equal(WORD_MEDIA_PROXY_AUTO, CONF_MEDIA_AUTO);
	assert_int_equal(WORD_MEDIA_PROXY_ON, CONF_MEDIA_ON);
	assert_int_equal(WORD_MEDIA_PROXY_OFF, CONF_MEDIA_OFF);
	assert_int_equal(WORD_MEDIA_PROXY_MUST_ON, CONF_MEDIA_MUST_ON);
	assert_int_equal(WORD_LOCK_NONE, CONF_LOCK_NONE);
	assert_int_equal(WORD_LOCK_OUT, CONF_LOCK_OUT);
	assert_int_equal(WORD_LOCK_IN, CONF_LOCK_IN);
	assert_int_equal(WORD_LOCK_ALL, CONF_LOCK_ALL);
}

static void foreign_secret_is_refused(void **state)
{
	static const struct secret_key other = {{9}};
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct conf *conf = NULL;
	struct snapshot *snapshot;

	(void)state;
	changes_create(&list, "phone", "1001");
	add_password(&list, "1001", "x", &other);
	snapshot = changes_apply(NULL, &list);
	assert_int_equal(conf_build(snapshot, &host_key, NULL, &conf, &fault), VOS_EPERM);
	assert_null(conf);
	assert_string_equal(fault.path, "phone 1001 password");
	/* The snapshot is still the caller's. */
	snapshot_unref(snapshot);
}

static void ha1_is_taken_over_and_renewed(void **state)
{
	struct change_list list = {0};
	struct conf *one;
	struct conf *two;
	struct conf *three;
	struct conf_ha1 before;

	(void)state;
	changes_field(&list, "", "", "hostname", "sw1");
	changes_create(&list, "phone", "1001");
	add_password(&list, "1001", "a", &host_key);
	changes_create(&list, "phone", "1003");
	add_password(&list, "1003", "c", &host_key);
	one = build(&list, NULL);
	before = phone(one, "1003")->ha1;

	/* 1002 comes between, 1001 goes, 1003 is renamed but keeps its password. */
	changes_delete(&list, "phone", "1001");
	changes_create(&list, "phone", "1002");
	add_password(&list, "1002", "b", &host_key);
	changes_field(&list, "phone", "1003", "name", "x");
	two = build(&list, one);
	conf_unref(one);
	assert_null(phone(two, "1001"));
	assert_memory_equal(&phone(two, "1003")->ha1, &before, sizeof(before));
	assert_memory_not_equal(&phone(two, "1002")->ha1, &before, sizeof(before));

	/* New password: not the old HA1. Built without a previous conf it is the same. */
	add_password(&list, "1003", "new", &host_key);
	three = build(&list, two);
	assert_memory_not_equal(&phone(three, "1003")->ha1, &before, sizeof(before));
	{
		struct conf *fresh = NULL;

		assert_int_equal(
			conf_build(snapshot_ref(three->snapshot), &host_key, NULL, &fresh, NULL),
			VOS_OK);
		assert_memory_equal(&phone(fresh, "1003")->ha1, &phone(three, "1003")->ha1,
				    sizeof(before));
		assert_memory_equal(&phone(fresh, "1002")->ha1, &phone(three, "1002")->ha1,
				    sizeof(before));
		conf_unref(fresh);
	}
	conf_unref(two);

	/* New realm: all are reckoned anew. */
	before = phone(three, "1002")->ha1;
	changes_field(&list, "", "", "hostname", "sw2");
	one = build(&list, three);
	conf_unref(three);
	assert_string_equal(one->realm, "sw2");
	assert_memory_not_equal(&phone(one, "1002")->ha1, &before, sizeof(before));
	conf_unref(one);
}

static const char *mapping(const struct conf *conf, const char *source)
{
	struct addr from = address(source);
	const struct conf_mapping_gateway *found = conf_mapping_gateway_find(conf, &from);

	return found ? found->name : "";
}

static void add_mapping(struct change_list *list, const char *name, const char *source,
			const char *authentication)
{
	changes_create(list, "mapping-gateway", name);
	changes_field(list, "mapping-gateway", name, "address", source);
	changes_field(list, "mapping-gateway", name, "authentication", authentication);
}

static void sources_of_mapping_gateways(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	add_mapping(&list, "wide", "10.0.0.0/8", "ip");
	add_mapping(&list, "narrow", "10.1.0.0/16", "ip");
	add_mapping(&list, "one", "10.1.2.3", "ip");
	add_mapping(&list, "ported", "192.0.2.1:5080", "ip-port");
	add_mapping(&list, "any-port", "192.0.2.1", "ip-port");
	add_mapping(&list, "port-ignored", "192.0.2.2:5080", "ip");
	add_mapping(&list, "secret", "192.0.2.3", "password");
	add_mapping(&list, "six", "2001:db8::/32", "ip");
	add_mapping(&list, "all-six", "::/0", "ip");
	add_mapping(&list, "twin-b", "198.51.100.1", "ip");
	add_mapping(&list, "twin-a", "198.51.100.1", "ip");
	conf = build(&list, NULL);
	assert_string_equal(mapping(conf, "10.255.255.255:5060"), "wide");
	assert_string_equal(mapping(conf, "10.1.255.255:5060"), "narrow");
	assert_string_equal(mapping(conf, "10.1.2.3:9"), "one");
	assert_string_equal(mapping(conf, "10.1.2.2:9"), "narrow");
	assert_string_equal(mapping(conf, "11.0.0.0:9"), "");
	assert_string_equal(mapping(conf, "192.0.2.1:5080"), "ported");
	assert_string_equal(mapping(conf, "192.0.2.1:5081"), "any-port");
	assert_string_equal(mapping(conf, "192.0.2.2:1"), "port-ignored");
	assert_string_equal(mapping(conf, "192.0.2.3:5060"), "");
	assert_string_equal(mapping(conf, "[2001:db8::1]:5060"), "six");
	assert_string_equal(mapping(conf, "[2001:db9::1]:5060"), "all-six");
	assert_string_equal(mapping(conf, "198.51.100.1:5060"), "twin-a");
	conf_unref(conf);
}

static void add_routing(struct change_list *list, const char *name, const char *prefix,
			const char *priority)
{
	changes_create(list, "routing-gateway", name);
	changes_field(list, "routing-gateway", name, "address", "192.0.2.1");
	changes_field(list, "routing-gateway", name, "priority", priority);
	if (*prefix)
		changes_field(list, "routing-gateway", name, "prefixes", prefix);
}

/* The names of the candidates, a blank between. */
static void expect_route(const struct conf *conf, struct span callee, const char *wanted)
{
	const struct conf_routing_gateway *found[16];
	size_t count = usable_routes(conf, callee, found, 16);
	struct buf names = buf_new();

	for (size_t i = 0; i < count; i++)
		buf_printf(&names, "%s%s", i ? " " : "", found[i]->name);
	assert_string_equal(buf_cstr(&names), wanted);
	buf_free(&names);
	/* Less room: the first ones. */
	for (size_t max = 0; max < count; max++) {
		const struct conf_routing_gateway *few[16];

		assert_int_equal(usable_routes(conf, callee, few, max), max);
		assert_memory_equal(few, found, max * sizeof(few[0]));
	}
}

static void routes(void **state)
{
	struct change_list list = {0};
	struct conf *conf;

	(void)state;
	add_routing(&list, "uk-b", "44", "5");
	add_routing(&list, "uk-a", "44", "5");
	add_routing(&list, "uk-first", "44", "1");
	add_routing(&list, "london", "4420", "9");
	add_routing(&list, "both", "44", "7");
	changes_field(&list, "routing-gateway", "both", "prefixes", "4420");
	add_routing(&list, "any", "", "0");
	add_routing(&list, "barred", "44", "0");
	changes_field(&list, "routing-gateway", "barred", "lock", "all");
	changes_create(&list, "routing-gateway", "nowhere");
	conf = build(&list, NULL);
	expect_route(conf, SPAN_LIT("442012345"), "both london uk-first uk-a uk-b any");
	expect_route(conf, SPAN_LIT("4420"), "both london uk-first uk-a uk-b any");
	expect_route(conf, SPAN_LIT("442"), "uk-first uk-a uk-b both any");
	expect_route(conf, SPAN_LIT("44"), "uk-first uk-a uk-b both any");
	expect_route(conf, SPAN_LIT("4"), "any");
	expect_route(conf, SPAN_LIT(""), "any");
	expect_route(conf, SPAN_NONE, "any");
	expect_route(conf, SPAN_LIT("33"), "any");
	expect_route(conf, SPAN_LIT("4\0004"), "any");
	assert_string_equal(conf_routing_gateway_find(conf, SPAN_LIT("uk-a"))->name, "uk-a");
	assert_int_equal(conf_routing_gateway_find(conf, SPAN_LIT("barred"))->lock, CONF_LOCK_ALL);
	assert_int_equal(conf_routing_gateway_find(conf, SPAN_LIT("any"))->addresses[0].port, 5060);
	assert_null(conf_routing_gateway_find(conf, SPAN_LIT("uk")));
	assert_null(conf_routing_gateway_find(conf, SPAN_LIT("uk-ab")));
	assert_null(conf_routing_gateway_find(conf, SPAN_LIT("uk-a\0")));
	conf_unref(conf);
}

static void listens_and_networks(void **state)
{
	struct change_list list = {0};
	struct addr media = address("192.0.2.8");
	struct addr inside = address("10.1.2.3:5060");
	struct addr between = address("10.2.2.3:5060");
	struct addr outside = address("192.0.2.3:5060");
	struct conf *conf;

	(void)state;
	changes_create(&list, "network", "lan");
	changes_field(&list, "network", "lan", "prefix", "10.0.0.0/8");
	changes_field(&list, "network", "lan", "prefix", "fd00::/8");
	changes_create(&list, "network", "branch");
	changes_field(&list, "network", "branch", "prefix", "10.1.0.0/16");
	changes_create(&list, "network", "empty");
	changes_create(&list, "listen", "b");
	changes_field(&list, "listen", "b", "udp", "192.0.2.1:5060");
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "tcp", "10.0.0.1:5060");
	changes_field(&list, "listen", "a", "udp", "10.0.0.1:5060");
	changes_field(&list, "listen", "a", "network", "lan");
	changes_field(&list, "listen", "a", "media-address", "192.0.2.8");
	changes_field(&list, "listen", "a", "tls", "10.0.0.1:5061");
	changes_field(&list, "listen", "a", "certificate", "/etc/sw.pem");
	changes_field(&list, "listen", "a", "key", "/etc/sw.key");
	changes_field(&list, "listen", "a", "ca", "/etc/ca.pem");
	changes_field(&list, "listen", "a", "verify-peer", "on");
	conf = build(&list, NULL);
	assert_int_equal(conf->listen_count, 4);
	assert_string_equal(conf->listens[0].name, "a");
	assert_int_equal(conf->listens[0].transport, CONF_UDP);
	assert_int_equal(conf->listens[1].transport, CONF_TCP);
	assert_string_equal(conf->listens[1].network, "lan");
	assert_true(addr_eq(&conf->listens[0].media_address, &media));
	assert_int_equal(conf->listens[2].transport, CONF_TLS);
	assert_string_equal(conf->listens[2].certificate, "/etc/sw.pem");
	assert_string_equal(conf->listens[2].key, "/etc/sw.key");
	assert_string_equal(conf->listens[2].ca, "/etc/ca.pem");
	assert_true(conf->listens[2].verifies_peer);
	assert_string_equal(conf->listens[3].name, "b");
	assert_string_equal(conf->listens[3].certificate, "");
	assert_false(conf->listens[3].verifies_peer);
	assert_int_equal(conf->network_count, 3);
	assert_int_equal(conf->networks[2].prefix_count, 2);
	assert_string_equal(conf_network_of(conf, &inside, NULL), "branch");
	assert_string_equal(conf_network_of(conf, &between, NULL), "lan");
	assert_string_equal(conf_network_of(conf, &outside, NULL), "");
	/* Where the address says nothing, the listen address that it came in by does. */
	assert_string_equal(conf_network_of(conf, &outside, &conf->listens[0].address), "lan");
	assert_string_equal(conf_network_of(conf, &outside, &conf->listens[3].address), "");
	assert_string_equal(conf_network_of(conf, &inside, &conf->listens[0].address), "branch");
	conf_unref(conf);
}

static struct conf_media_place place_of(const struct conf *conf, const char *network,
					const char *usual)
{
	const struct addr local = address(usual);
	const struct conf_media_place place =
		conf_media_of_listen(&(struct conf_listen){0}, &local);

	return conf_media_place(conf, network, &place);
}

/* The loopback is the one that every machine has. */
static void networks_behind_interfaces(void **state)
{
	struct change_list list = {0};
	struct addr near = address("127.9.9.9:5060");
	struct addr special = address("127.7.0.1:5060");
	struct addr outside = address("192.0.2.3:5060");
	struct addr loopback = address("127.0.0.1");
	struct addr vip = address("192.0.2.8");
	struct addr public_one = address("203.0.113.8");
	struct addr usual = address("192.0.2.1");
	struct conf_media_place place;
	struct conf *conf;

	(void)state;
	changes_create(&list, "network", "inner");
	changes_field(&list, "network", "inner", "interface", "lo");
	changes_create(&list, "network", "named");
	changes_field(&list, "network", "named", "prefix", "127.7.0.0/16");
	changes_field(&list, "network", "named", "advertised-address", "203.0.113.8");
	changes_create(&list, "network", "vip");
	changes_field(&list, "network", "vip", "interface", "lo");
	changes_field(&list, "network", "vip", "media-address", "192.0.2.8");
	changes_field(&list, "network", "vip", "advertised-address", "203.0.113.8");
	changes_create(&list, "network", "absent");
	changes_field(&list, "network", "absent", "interface", "vosabsent0");
	changes_create(&list, "listen", "a");
	changes_field(&list, "listen", "a", "udp", "127.0.0.1:5060");
	changes_create(&list, "listen", "b");
	changes_field(&list, "listen", "b", "udp", "192.0.2.1:5060");
	conf = build(&list, NULL);
	/* Its subnet; but a longer prefix of another one is better. */
	assert_string_equal(conf_network_of(conf, &near, NULL), "inner");
	assert_string_equal(conf_network_of(conf, &special, NULL), "named");
	/* Its address, that a party from elsewhere came in by. */
	assert_string_equal(conf_network_of(conf, &outside, &conf->listens[0].address), "inner");
	assert_string_equal(conf_network_of(conf, &outside, &conf->listens[1].address), "");
	place = place_of(conf, "inner", "192.0.2.1");
	assert_true(addr_ip_eq(&place.local, &loopback));
	assert_true(addr_ip_eq(&place.shown, &loopback));
	assert_int_equal(place.device, if_nametoindex("lo"));
	place = place_of(conf, "vip", "192.0.2.1");
	assert_true(addr_ip_eq(&place.local, &vip));
	assert_true(addr_ip_eq(&place.shown, &public_one));
	assert_int_equal(place.device, if_nametoindex("lo"));
	/* As without it. */
	place = place_of(conf, "absent", "192.0.2.1");
	assert_true(addr_ip_eq(&place.local, &usual));
	assert_int_equal(place.device, 0);
	place = place_of(conf, "named", "192.0.2.1");
	assert_true(addr_ip_eq(&place.local, &usual));
	assert_true(addr_ip_eq(&place.shown, &public_one));
	/* Another version of IP cannot stand for it. */
	place = place_of(conf, "named", "2001:db8::1");
	assert_true(addr_ip_eq(&place.shown, &place.local));
	assert_true(conf_has_interfaces(conf));
	assert_false(conf_interfaces_changed(conf));
	conf_unref(conf);
}

/* What is advertised for a listen holds of its own address. */
static void media_of_listens(void **state)
{
	struct conf_listen listen = {.advertised_address = address("203.0.113.8:5070")};
	struct addr local = address("192.0.2.1:5060");
	struct addr shown = address("203.0.113.8");
	struct conf_media_place place = conf_media_of_listen(&listen, &local);

	(void)state;
	assert_true(addr_ip_eq(&place.local, &local));
	assert_true(addr_eq(&place.shown, &shown));
	listen.media_address = address("192.0.2.8");
	place = conf_media_of_listen(&listen, &local);
	assert_true(addr_eq(&place.local, &listen.media_address));
	assert_true(addr_eq(&place.shown, &listen.media_address));
}

static void gateways_have_a_transport(void **state)
{
	static const struct {
		const char *transport; /* "" = not given */
		const char *address;
		enum conf_transport expected;
		uint16_t port;
	} cases[] = {
		{"", "192.0.2.1", CONF_UDP, 5060},         {"udp", "192.0.2.1", CONF_UDP, 5060},
		{"tcp", "192.0.2.1", CONF_TCP, 5060},      {"tls", "192.0.2.1", CONF_TLS, 5061},
		{"tls", "192.0.2.1:5080", CONF_TLS, 5080},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct conf_routing_gateway *gateway;
		struct change_list list = {0};
		struct conf *conf;

		changes_create(&list, "routing-gateway", "out");
		changes_field(&list, "routing-gateway", "out", "address", cases[i].address);
		if (cases[i].transport[0])
			changes_field(&list, "routing-gateway", "out", "transport",
				      cases[i].transport);
		conf = build(&list, NULL);
		gateway = conf_routing_gateway_find(conf, SPAN_LIT("out"));
		assert_int_equal(gateway->transport, cases[i].expected);
		assert_int_equal(gateway->addresses[0].port, cases[i].port);
		conf_unref(conf);
	}
}

static void many_phones_are_all_found(void **state)
{
	struct change_list list = {0};
	struct conf *conf;
	char number[16];

	(void)state;
	for (int i = 0; i < 5000; i++) {
		snprintf(number, sizeof(number), "%d", 10000 + i);
		changes_create(&list, "phone", number);
	}
	conf = build(&list, NULL);
	for (int i = 0; i < 5000; i++) {
		snprintf(number, sizeof(number), "%d", 10000 + i);
		assert_string_equal(phone(conf, number)->number, number);
		snprintf(number, sizeof(number), "%d", 20000 + i);
		assert_null(phone(conf, number));
	}
	conf_unref(conf);
}

TEST_MAIN(cmocka_unit_test(empty_configuration), cmocka_unit_test(ha1_of_the_rfc),
	  cmocka_unit_test(phone_fields), cmocka_unit_test(words_match),
	  cmocka_unit_test(foreign_secret_is_refused),
	  cmocka_unit_test(ha1_is_taken_over_and_renewed),
	  cmocka_unit_test(sources_of_mapping_gateways), cmocka_unit_test(routes),
	  cmocka_unit_test(listens_and_networks), cmocka_unit_test(networks_behind_interfaces),
	  cmocka_unit_test(media_of_listens), cmocka_unit_test(gateways_have_a_transport),
	  cmocka_unit_test(many_phones_are_all_found))
