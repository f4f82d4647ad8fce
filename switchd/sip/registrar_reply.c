/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a REGISTER is answered when all went well. */
#include "switchd/sip/registrar_private.h"

#include <time.h>

#include "shared/base/clock.h"
#include "switchd/sip/reply.h"

static void add_two_digits(struct buf *out, int number)
{
	buf_add_char(out, (char)('0' + number / 10 % 10));
	buf_add_char(out, (char)('0' + number % 10));
}

/* RFC 3261 20.17: always GMT, English, whatever the locale. */
static void write_date(struct buf *out, int64_t now_ms)
{
	static const char DAYS[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char MONTHS[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t seconds = (time_t)(now_ms / 1000);
	struct tm tm;

	if (!gmtime_r(&seconds, &tm))
		return;
	buf_add_lit(out, "Date: ");
	buf_add(out, DAYS[tm.tm_wday], 3);
	buf_add_lit(out, ", ");
	add_two_digits(out, tm.tm_mday);
	buf_add_char(out, ' ');
	buf_add(out, MONTHS[tm.tm_mon], 3);
	buf_add_char(out, ' ');
	buf_add_u64(out, (uint64_t)(tm.tm_year + 1900));
	buf_add_char(out, ' ');
	add_two_digits(out, tm.tm_hour);
	buf_add_char(out, ':');
	add_two_digits(out, tm.tm_min);
	buf_add_char(out, ':');
	add_two_digits(out, tm.tm_sec);
	buf_add_lit(out, " GMT\r\n");
}

/* RFC 5627 section 5.1: the address of record with the instance. A temporary one is not made: it
 * hides nobody from a switch that shows its own numbers anyway. */
static void write_gruu(struct buf *out, const struct sip_uri *aor, const char *instance)
{
	bool is_ip6 = span_find(aor->host, ':') < aor->host.len;

	buf_add_lit(out, ";pub-gruu=\"");
	buf_add_span(out, aor->scheme);
	buf_add_char(out, ':');
	buf_add_span(out, aor->user);
	buf_add_char(out, '@');
	if (is_ip6)
		buf_add_char(out, '[');
	buf_add_span(out, aor->host);
	if (is_ip6)
		buf_add_char(out, ']');
	if (aor->port) {
		buf_add_char(out, ':');
		buf_add_u64(out, aor->port);
	}
	buf_add_lit(out, ";gr=");
	buf_add_str(out, instance);
	buf_add_char(out, '"');
}

static void write_instance(const struct registration *reg, struct buf *out,
			   const struct binding *binding)
{
	buf_add_lit(out, ";+sip.instance=\"<");
	buf_add_str(out, binding->instance);
	buf_add_lit(out, ">\"");
	if (binding->reg_id) {
		buf_add_lit(out, ";reg-id=");
		buf_add_u64(out, binding->reg_id);
	}
	if (sip_msg_has_token(reg->rx->msg, SIP_HDR_SUPPORTED, SPAN_LIT("gruu")))
		write_gruu(out, &reg->aor, binding->instance);
}

static void write_contact(const struct registration *reg, struct buf *out,
			  const struct binding *binding)
{
	buf_add_lit(out, "Contact: <");
	buf_add_str(out, binding->contact);
	buf_add_lit(out, ">;expires=");
	buf_add_u64(out, (uint64_t)(binding->expires_ms - reg->now_ms + 999) / 1000);
	if (binding->q_thousandths < 1000)
		buf_printf(out, ";q=0.%03u", (unsigned)binding->q_thousandths);
	if (binding->instance[0])
		write_instance(reg, out, binding);
	buf_add_lit(out, "\r\n");
}

/* A TCP or TLS connection stays as long as a binding that leads to it. */
static void keep_connection(const struct registration *reg, const struct binding *bindings,
			    size_t count)
{
	int64_t kept_ms = 0;

	for (size_t i = 0; i < count; i++)
		if (addr_eq(&bindings[i].source, &reg->rx->source) &&
		    bindings[i].expires_ms - reg->now_ms > kept_ms)
			kept_ms = bindings[i].expires_ms - reg->now_ms;
	worker_keep_connection(reg->worker, reg->rx, (uint32_t)(kept_ms / 1000));
}

void registrar_reply_bindings(const struct registration *reg)
{
	struct binding bindings[LOCATION_CONTACTS_MAX];
	size_t count = location_find(reg->worker->shared->location,
				     (struct span){reg->user, reg->user_len}, reg->now_ms, bindings,
				     LOCATION_CONTACTS_MAX);
	char tag[SIP_STATELESS_TAG_MAX];
	struct buf *out = sip_reply_begin(reg->worker, reg->rx, 200, NULL,
					  sip_stateless_tag(reg->worker, reg->rx, tag));

	for (size_t i = 0; i < count; i++)
		write_contact(reg, out, &bindings[i]);
	if (reg->path[0]) {
		buf_add_lit(out, "Path: ");
		buf_add_str(out, reg->path);
		buf_add_lit(out, "\r\n");
	}
	write_date(out, clock_wall_ms());
	sip_reply_end(reg->worker, reg->rx, SPAN_NONE, SPAN_NONE);
	keep_connection(reg, bindings, count);
}
