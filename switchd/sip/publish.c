/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/publish.h"

#include "switchd/conf/conf_registrations.h"
#include "switchd/conf/live.h"
#include "switchd/sip/authorize.h"
#include "switchd/sip/dispatch.h"
#include "switchd/sip/location.h"
#include "switchd/sip/reply.h"
#include "switchd/sip/txn.h"

#define MIN_EXPIRES_S  30
#define MAX_EXPIRES_S  7200
#define CAPACITY_MAX   1000000
#define US_PER_S       UINT64_C(1000000)
#define TAG_HEX_DIGITS 16

/* What a request says. */
struct publication {
	uint32_t expires_s; /* 0: it is taken back */
	bool has_tag;       /* SIP-If-Match */
	bool is_known_tag;  /* one that can be ours */
	uint64_t tag;
	bool has_body;
	uint32_t capacity;
	uint32_t calls;
};

/* An answer and what it says besides. */
struct verdict {
	int status;
	const char *extra; /* header lines */
};

static struct span header_value(const struct sip_msg *msg, const char *name, const char *compact)
{
	for (int i = 0; i < msg->header_count; i++) {
		const struct sip_header *header = &msg->headers[i];

		if (span_ieq(header->name, span_of(name)) ||
		    (compact && span_ieq(header->name, span_of(compact))))
			return header->value;
	}
	return SPAN_NONE;
}

/* --- Who it is. --- */

static bool is_at(struct sip_worker *worker, const struct conf_routing_gateway *gateway,
		  const struct addr *source)
{
	struct location *location = worker->shared->location;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	char user[LOCATION_USER_LEN];
	struct trunk_way way;
	size_t count;

	for (uint8_t i = 0; i < gateway->address_count; i++)
		if (addr_ip_eq(&gateway->addresses[i], source))
			return true;
	if (gateway->reach == CONF_REACH_REGISTER)
		return conf_registration_way(gateway, &way) && addr_ip_eq(&way.server, source);
	if (gateway->reach != CONF_REACH_DYNAMIC || !location_gateway_user(gateway->name, user))
		return false;
	count = location_find(location, span_of(user), location_now_ms(location), bindings,
			      LOCATION_CONTACTS_MAX);
	for (size_t i = 0; i < count; i++)
		if (addr_ip_eq(&bindings[i].source, source))
			return true;
	return false;
}

/* Of several at one address the one that the Request-URI names, else the first; NULL: none. */
static const struct conf_routing_gateway *find_publisher(struct sip_worker *worker,
							 const struct sip_rx *rx)
{
	size_t count = conf_routing_gateway_count(worker->conf);
	const struct conf_routing_gateway *found = NULL;
	struct sip_uri uri = {0};

	(void)sip_uri_parse(rx->msg->request_uri, &uri);
	for (size_t i = 0; i < count; i++) {
		const struct conf_routing_gateway *gateway =
			conf_routing_gateway_at(worker->conf, i);
		bool is_named = span_eq(span_of(gateway->name), uri.user);

		if (!gateway->may_publish || gateway->lock == CONF_LOCK_ALL ||
		    (found && !is_named) || !is_at(worker, gateway, &rx->source))
			continue;
		found = gateway;
		if (is_named)
			break;
	}
	return found;
}

/* --- What it says. --- */

/* "gateway-load;id=1". */
static bool is_our_event(const struct sip_msg *msg)
{
	struct span event = header_value(msg, "Event", "o");

	event.len = span_find(event, ';');
	return span_ieq(span_trim(event), SPAN_LIT(PUBLISH_EVENT));
}

static struct verdict read_expires(const struct sip_worker *worker, const struct sip_msg *msg,
				   struct publication *out)
{
	const struct sip_header *header = sip_msg_first(msg, SIP_HDR_EXPIRES);
	uint64_t seconds =
		(uint64_t)snapshot_number(worker->conf->snapshot, PARAM_SS_SIP_PUBLISH_EXPIRE);

	if (header && !span_to_u64(header->value, UINT32_MAX, &seconds))
		return (struct verdict){400, ""};
	if (seconds > 0 && seconds < MIN_EXPIRES_S)
		return (struct verdict){423, "Min-Expires: 30\r\n"};
	out->expires_s = (uint32_t)(seconds < MAX_EXPIRES_S ? seconds : MAX_EXPIRES_S);
	return (struct verdict){0};
}

static void read_tag(const struct sip_msg *msg, struct publication *out)
{
	struct span value = span_trim(header_value(msg, "SIP-If-Match", NULL));

	out->has_tag = value.len > 0;
	out->is_known_tag = value.len == TAG_HEX_DIGITS;
	for (size_t i = 0; i < value.len && out->is_known_tag; i++) {
		int digit = hex_digit(value.ptr[i]);

		out->is_known_tag = digit >= 0;
		out->tag = out->tag << 4 | (uint64_t)(digit & 0xf);
	}
}

/* "capacity: 30". */
static bool read_line(struct span line, struct publication *out, bool *has_capacity)
{
	size_t colon = span_find(line, ':');
	struct span name = span_trim((struct span){line.ptr, colon});
	struct span value = colon < line.len
				    ? (struct span){line.ptr + colon + 1, line.len - colon - 1}
				    : SPAN_NONE;
	uint64_t number;
	bool is_capacity = span_ieq(name, SPAN_LIT("capacity"));

	if (!is_capacity && !span_ieq(name, SPAN_LIT("calls")))
		return true;
	if (!span_to_u64(span_trim(value), CAPACITY_MAX, &number))
		return false;
	*(is_capacity ? &out->capacity : &out->calls) = (uint32_t)number;
	*has_capacity |= is_capacity;
	return true;
}

static struct verdict read_body(const struct sip_msg *msg, struct publication *out)
{
	struct span type = msg->content_type;
	struct span rest = msg->body;
	bool has_capacity = false;

	out->has_body = msg->body.len > 0;
	if (!out->has_body)
		return (struct verdict){0};
	type.len = span_find(type, ';');
	if (!span_ieq(span_trim(type), SPAN_LIT(PUBLISH_TYPE)))
		return (struct verdict){415, "Accept: " PUBLISH_TYPE "\r\n"};
	while (rest.len) {
		size_t end = span_find(rest, '\n');

		if (!read_line(span_trim((struct span){rest.ptr, end}), out, &has_capacity))
			return (struct verdict){400, ""};
		end += end < rest.len;
		rest = (struct span){rest.ptr + end, rest.len - end};
	}
	return (struct verdict){has_capacity ? 0 : 400, ""};
}

/* --- What becomes of it. --- */

static void keep(struct sip_worker *worker, struct live *live,
		 const struct publication *publication)
{
	if (publication->expires_s == 0) {
		atomic_store(&live->published_until_us, 0);
		return;
	}
	if (publication->has_body) {
		atomic_store(&live->published_capacity, publication->capacity);
		atomic_store(&live->published_calls, publication->calls);
	}
	atomic_store(&live->published_until_us, worker->now_us + publication->expires_s * US_PER_S);
}

/* RFC 3903 section 6 steps 3 to 7. */
static struct verdict apply(struct sip_worker *worker, struct live *live,
			    const struct publication *publication, uint64_t *tag)
{
	uint64_t before = publication->tag;

	random_take(&worker->random, tag, sizeof(*tag));
	if (!publication->has_tag) {
		if (!publication->has_body && publication->expires_s)
			return (struct verdict){400, ""};
		atomic_store(&live->publish_tag, *tag);
	} else if (!publication->is_known_tag ||
		   atomic_load(&live->published_until_us) <= worker->now_us ||
		   !atomic_compare_exchange_strong(&live->publish_tag, &before, *tag)) {
		return (struct verdict){412, ""};
	}
	keep(worker, live, publication);
	return (struct verdict){200, ""};
}

static void refuse(struct sip_worker *worker, const struct sip_rx *rx, struct verdict verdict)
{
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = sip_reply_begin(worker, rx, verdict.status, NULL,
					  sip_stateless_tag(worker, rx, tag));

	buf_add_str(out, verdict.extra);
	sip_reply_end(worker, rx, SPAN_NONE, SPAN_NONE);
}

static struct verdict read_request(struct sip_worker *worker, const struct sip_msg *msg,
				   struct publication *out)
{
	struct verdict verdict;

	if (!is_our_event(msg))
		return (struct verdict){489, "Allow-Events: " PUBLISH_EVENT "\r\n"};
	verdict = read_expires(worker, msg, out);
	read_tag(msg, out);
	return verdict.status || out->expires_s == 0 ? verdict : read_body(msg, out);
}

void publish_request(struct sip_worker *worker, const struct sip_rx *rx)
{
	const struct conf_routing_gateway *gateway = find_publisher(worker, rx);
	struct publication publication = {0};
	struct sip_rx known = *rx;
	char memory[128];
	struct buf extra = buf_over(memory, sizeof(memory));
	struct verdict verdict;
	struct txn_server *txn;
	uint64_t tag = 0;

	if (!gateway) {
		sip_reply_unauthorized(worker, rx, AUTH_FORBIDDEN);
		return;
	}
	known.reply = gateway->party.reply_address;
	rx = &known;
	verdict = read_request(worker, rx->msg, &publication);
	if (verdict.status) {
		refuse(worker, rx, verdict);
		return;
	}
	/* Its repetition must not find another tag than it brought. */
	txn = txn_server_new(worker, rx, NULL, NULL);
	if (!txn) {
		sip_reply_stateless(worker, rx, 503, NULL);
		return;
	}
	verdict = apply(worker, gateway->live, &publication, &tag);
	if (verdict.status == 200)
		buf_printf(&extra, "SIP-ETag: %016llx\r\nExpires: %u\r\n", (unsigned long long)tag,
			   publication.expires_s);
	txn_server_respond(worker, txn, verdict.status, NULL, SPAN_NONE, buf_span(&extra),
			   SPAN_NONE, SPAN_NONE);
}
