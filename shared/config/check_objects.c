/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules inside and between objects, and warnings about what has no effect yet. Only what the change
 * touched is warned about, so that an old finding is not repeated at every commit. */
#include "shared/config/check_private.h"

#include <stdio.h>

#include "shared/config/change.h"

/* Transports of a listen object; TCP and TLS share the ports of TCP. */
static const struct listen_field {
	enum field_id id;
	bool is_stream;
} listen_fields[] = {
	{FIELD_LISTEN_UDP, false},
	{FIELD_LISTEN_TCP, true},
	{FIELD_LISTEN_TLS, true},
};

#define LISTEN_FIELDS (sizeof(listen_fields) / sizeof(listen_fields[0]))

/* Looks for the same address in this object behind `from`, and in all later ones. */
static void find_twin(struct check *check, size_t index, size_t from)
{
	const struct object *object = snapshot_object_at(check->after, OBJECT_LISTEN, index);
	const struct value *wanted = object_field(object, listen_fields[from].id);
	size_t count = snapshot_object_count(check->after, OBJECT_LISTEN);

	for (size_t i = index; i < count; i++) {
		const struct object *other = snapshot_object_at(check->after, OBJECT_LISTEN, i);

		for (size_t j = i == index ? from + 1 : 0; j < LISTEN_FIELDS; j++) {
			const struct value *value = object_field(other, listen_fields[j].id);
			const char *keyword = field_get(listen_fields[j].id)->keyword;
			char path[FAULT_PATH_MAX];
			char text[ADDR_TEXT_MAX];

			if (value->type != VALUE_ADDRESS ||
			    listen_fields[j].is_stream != listen_fields[from].is_stream ||
			    !addr_eq(&value->address, &wanted->address))
				continue;
			snprintf(path, sizeof(path), "listen %s %s", other->key, keyword);
			check_error(check, FAULT_VALUE_RANGE, path,
				    "%s: %s is the address of listen %s %s already", path,
				    addr_print(&value->address, text), object->key,
				    field_get(listen_fields[from].id)->keyword);
		}
	}
}

static bool is_touched(const struct check *check, const struct object *object)
{
	return !check->before ||
	       snapshot_object_find(check->before, object->kind, span_of(object->key)) != object;
}

static const char *text_of(const struct object *object, enum field_id id)
{
	const struct value *value = object_field(object, id);

	return value->type == VALUE_STRING && value->text ? value->text : "";
}

/* TLS without its files would only turn everybody away. */
static void check_tls(struct check *check, const struct object *object)
{
	const char *certificate = text_of(object, FIELD_LISTEN_CERTIFICATE);
	const char *key = text_of(object, FIELD_LISTEN_KEY);
	const char *ca = text_of(object, FIELD_LISTEN_CA);
	bool verifies = object_field(object, FIELD_LISTEN_VERIFY_PEER)->boolean;
	struct vos_fault fault = {0};
	char path[FAULT_PATH_MAX];

	if (object_field(object, FIELD_LISTEN_TLS)->type != VALUE_ADDRESS)
		return;
	snprintf(path, sizeof(path), "listen %s tls", object->key);
	if (!*certificate || !*key) {
		check_error(check, FAULT_REF_MISSING, path,
			    "%s: TLS needs a certificate and a key; set listen %s %s", path,
			    object->key, *certificate ? "key" : "certificate");
		return;
	}
	if (verifies && !*ca) {
		snprintf(path, sizeof(path), "listen %s verify-peer", object->key);
		check_error(check, FAULT_REF_MISSING, path,
			    "%s on: whose signature counts? set listen %s ca", path, object->key);
		return;
	}
	/* What is configured already may have gone bad since, and holds up no other change. */
	if (is_touched(check, object) && check->facts.is_certificate_good &&
	    !check->facts.is_certificate_good(certificate, key, verifies ? ca : "", &fault))
		check_error(check, FAULT_VALUE_RANGE, path, "%s: %s", path, fault.text);
}

bool check_has_listen(const struct check *check, enum field_id id)
{
	size_t count = snapshot_object_count(check->after, OBJECT_LISTEN);

	for (size_t i = 0; i < count; i++)
		if (object_field(snapshot_object_at(check->after, OBJECT_LISTEN, i), id)->type ==
		    VALUE_ADDRESS)
			return true;
	/* Without any, loopback is listened on by UDP and TCP. */
	return count == 0 && id != FIELD_LISTEN_TLS;
}

static void check_transport(struct check *check, const struct object *object)
{
	int64_t transport = object_field(object, FIELD_ROUTING_GATEWAY_TRANSPORT)->number;
	enum field_id id = transport == WORD_TRANSPORT_TLS   ? FIELD_LISTEN_TLS
			   : transport == WORD_TRANSPORT_TCP ? FIELD_LISTEN_TCP
							     : FIELD_LISTEN_UDP;
	char path[FAULT_PATH_MAX];

	if (check_has_listen(check, id))
		return;
	snprintf(path, sizeof(path), "routing-gateway %s transport", object->key);
	check_warning(check, path, "%s %s: no listen address has %s, so that no call can go there",
		      path, field_get(id)->keyword, field_get(id)->keyword);
}

/* Whoever reaches the address reads names of gateways and their traffic. */
static void check_metrics(struct check *check)
{
	const struct object *metrics =
		snapshot_object_find(check->after, OBJECT_METRICS, SPAN_LIT(""));
	const struct value *http;

	if (!metrics || object_field(metrics, FIELD_METRICS_REMOTE)->boolean)
		return;
	http = object_field(metrics, FIELD_METRICS_HTTP);
	if (http->type == VALUE_ADDRESS && !addr_is_loopback(&http->address))
		check_error(check, FAULT_VALUE_RANGE, "metrics http",
			    "metrics http: other machines reach this address; set metrics remote "
			    "on, or take 127.0.0.1");
}

static void check_listens(struct check *check)
{
	size_t count = snapshot_object_count(check->after, OBJECT_LISTEN);

	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(check->after, OBJECT_LISTEN, i);
		bool has_address = false;

		for (size_t j = 0; j < LISTEN_FIELDS; j++) {
			if (object_field(object, listen_fields[j].id)->type != VALUE_ADDRESS)
				continue;
			has_address = true;
			find_twin(check, i, j);
		}
		check_tls(check, object);
		if (!has_address && is_touched(check, object)) {
			char path[FAULT_PATH_MAX];

			snprintf(path, sizeof(path), "listen %s", object->key);
			check_warning(check, path, "%s has no address; give it udp <ip:port>",
				      path);
		}
	}
}

/* The media fields of a kind that is a party of calls; FIELD_COUNT: it has none. */
static const struct party_fields {
	enum object_kind kind;
	enum field_id media_proxy;
	enum field_id local_ring;
	enum field_id encryption;
	enum field_id dtmf_receive;
} parties[] = {
	{OBJECT_PHONE, FIELD_PHONE_MEDIA_PROXY, FIELD_PHONE_LOCAL_RING, FIELD_PHONE_ENCRYPTION,
	 FIELD_PHONE_DTMF_RECEIVE},
	{OBJECT_MAPPING_GATEWAY, FIELD_MAPPING_GATEWAY_MEDIA_PROXY, FIELD_COUNT,
	 FIELD_MAPPING_GATEWAY_ENCRYPTION, FIELD_MAPPING_GATEWAY_DTMF_RECEIVE},
	{OBJECT_ROUTING_GATEWAY, FIELD_ROUTING_GATEWAY_MEDIA_PROXY,
	 FIELD_ROUTING_GATEWAY_LOCAL_RING, FIELD_ROUTING_GATEWAY_ENCRYPTION,
	 FIELD_ROUTING_GATEWAY_DTMF_RECEIVE},
};

static bool is_behind_nat(const struct check *check, const struct object *object)
{
	return object->kind == OBJECT_PHONE && check->facts.is_behind_nat &&
	       check->facts.is_behind_nat(check->facts.context, object->key);
}

static bool takes_events_out(const struct object *object, const struct party_fields *fields)
{
	int64_t receive = object_field(object, fields->dtmf_receive)->number;

	return receive == WORD_DTMF_RECEIVE_ALL || receive == WORD_DTMF_RECEIVE_INFO ||
	       receive == WORD_DTMF_RECEIVE_OFF;
}

/* A party's own off comes before every reason for the relay but the other side's must-on. */
static void check_media_off(struct check *check, const struct object *object,
			    const struct party_fields *fields)
{
	const char *keyword = object_type(object->kind)->keyword;
	char path[FAULT_PATH_MAX];
	bool has_ring;
	bool has_encryption;

	if (object_field(object, fields->media_proxy)->number != WORD_MEDIA_PROXY_OFF)
		return;
	has_ring = fields->local_ring != FIELD_COUNT &&
		   object_field(object, fields->local_ring)->boolean;
	has_encryption =
		object_field(object, fields->encryption)->number != WORD_PARTY_ENCRYPTION_NONE;
	snprintf(path, sizeof(path), "%s %s media-proxy", keyword, object->key);
	if (has_ring || has_encryption)
		check_warning(check, path,
			      "%s off: its %s%s%s cannot work, as its RTP does not pass here", path,
			      has_ring ? "local-ring" : "",
			      has_ring && has_encryption ? " and " : "",
			      has_encryption ? "encryption" : "");
	if (takes_events_out(object, fields))
		check_warning(check, path,
			      "%s off: its dtmf-receive holds back INFO only, as its RTP does not "
			      "pass here",
			      path);
	if (is_behind_nat(check, object))
		check_warning(
			check, path,
			"%s off: it is registered through NAT now, and RTP that does not pass "
			"here may not reach it",
			path);
}

static void check_static_phone(struct check *check, const struct object *object)
{
	char path[FAULT_PATH_MAX];

	if (object_field(object, FIELD_PHONE_REGISTRATION)->number !=
		    WORD_PHONE_REGISTRATION_STATIC ||
	    object_field_is_set(object, FIELD_PHONE_ADDRESS))
		return;
	snprintf(path, sizeof(path), "phone %s registration", object->key);
	check_warning(check, path, "%s static, but it has no address: it cannot be called", path);
}

static void check_count(struct check *check, const struct object *object, enum field_id id,
			size_t max)
{
	size_t count = object_list_count(object, id);
	char path[FAULT_PATH_MAX];

	if (count <= max)
		return;
	snprintf(path, sizeof(path), "%s %s %s", object_type(object->kind)->keyword, object->key,
		 field_get(id)->keyword);
	check_error(check, FAULT_VALUE_RANGE, path, "%s: %zu values; at most %zu are allowed", path,
		    count, max);
}

static void check_party(struct check *check, const struct object *object,
			const struct party_fields *fields)
{
	check_media_off(check, object, fields);
	if (object->kind == OBJECT_PHONE)
		check_static_phone(check, object);
	if (object->kind == OBJECT_MAPPING_GATEWAY)
		check_count(check, object, FIELD_MAPPING_GATEWAY_ADDRESS,
			    CHECK_GATEWAY_ADDRESSES_MAX);
	if (object->kind == OBJECT_ROUTING_GATEWAY) {
		check_transport(check, object);
		check_count(check, object, FIELD_ROUTING_GATEWAY_ADDRESS,
			    CHECK_GATEWAY_ADDRESSES_MAX);
		check_count(check, object, FIELD_ROUTING_GATEWAY_PREFIXES,
			    CHECK_GATEWAY_PREFIXES_MAX);
	}
}

void check_objects(struct check *check)
{
	check_metrics(check);
	check_listens(check);
	for (size_t i = 0; i < sizeof(parties) / sizeof(parties[0]); i++) {
		struct check_walk walk = check_walk_start(check, parties[i].kind);
		const struct object *before;
		const struct object *object;

		while ((object = check_walk_next(&walk, &before)) != NULL)
			check_party(check, object, &parties[i]);
	}
}

/* Fields set by the change, or kinds of objects touched by it, that nothing reads: the first, and
 * how many. */
struct idle {
	size_t count;
	const struct object *first;
};

static void add_idle(struct idle *idle, const struct object *object)
{
	if (idle->count++ == 0)
		idle->first = object;
}

static void count_idle(const struct object *before, const struct object *object, struct idle *kinds,
		       struct idle *fields)
{
	if (!object_type(object->kind)->in_effect) {
		add_idle(&kinds[object->kind], object);
		return;
	}
	for (uint32_t i = 0; i < object->count; i++) {
		enum field_id id = object->fields[i].id;

		if (field_get(id)->in_effect || (i > 0 && object->fields[i - 1].id == id) ||
		    (before && object_field_is_set(before, id)))
			continue;
		add_idle(&fields[id], object);
	}
}

/* field FIELD_COUNT: the object as a whole. */
static void warn_idle(struct check *check, const struct idle *idle, enum field_id field)
{
	struct change change = {.op = field == FIELD_COUNT ? CHANGE_OBJECT_CREATE
							   : CHANGE_FIELD_SET,
				.kind = idle->first->kind,
				.field = field,
				.key = idle->first->key};
	char path[FAULT_PATH_MAX];

	change_path(&change, path);
	if (idle->count == 1)
		check_warning(check, path, "%s: not in effect yet", path);
	else
		check_warning(check, path, "%s: not in effect yet (and %zu more)", path,
			      idle->count - 1);
}

static void warn_idle_params(struct check *check)
{
	for (int i = 0; i < PARAM_COUNT; i++) {
		const struct param *param = param_get((enum param_id)i);
		char path[FAULT_PATH_MAX];

		if (param->in_effect || !snapshot_param_is_set(check->after, (enum param_id)i) ||
		    !check_param_changed(check, (enum param_id)i))
			continue;
		snprintf(path, sizeof(path), "param %s", param->name);
		check_warning(check, path, "%s: not in effect yet", param->name);
	}
}

void check_not_in_effect(struct check *check)
{
	struct idle kinds[OBJECT_COUNT] = {{0}};
	struct idle fields[FIELD_COUNT] = {{0}};

	warn_idle_params(check);
	for (int i = 0; i < OBJECT_COUNT; i++) {
		struct check_walk walk = check_walk_start(check, (enum object_kind)i);
		const struct object *before;
		const struct object *object;

		while ((object = check_walk_next(&walk, &before)) != NULL)
			count_idle(before, object, kinds, fields);
	}
	for (int i = 0; i < OBJECT_COUNT; i++)
		if (kinds[i].count)
			warn_idle(check, &kinds[i], FIELD_COUNT);
	for (int i = 0; i < FIELD_COUNT; i++)
		if (fields[i].count)
			warn_idle(check, &fields[i], (enum field_id)i);
}
