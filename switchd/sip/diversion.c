/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/diversion.h"

#include <string.h>

#include "switchd/sip/leg_private.h"

#define COUNTER_MAX 100u /* of one element; a sum of more says no more */

static const struct span reasons[CALL_DIVERSION_REASONS] = {
	[CALL_DIVERSION_UNKNOWN] = SPAN_LIT("unknown"),
	[CALL_DIVERSION_UNCONDITIONAL] = SPAN_LIT("unconditional"),
	[CALL_DIVERSION_BUSY] = SPAN_LIT("user-busy"),
	[CALL_DIVERSION_NO_ANSWER] = SPAN_LIT("no-answer"),
	[CALL_DIVERSION_UNAVAILABLE] = SPAN_LIT("unavailable"),
	[CALL_DIVERSION_DEFLECTION] = SPAN_LIT("deflection"),
	[CALL_DIVERSION_TIME_OF_DAY] = SPAN_LIT("time-of-day"),
};

static void take_number(const struct sip_uri *uri, char *out, size_t size)
{
	struct span user = uri->user; /* of a tel: URI too */
	size_t len;

	user.len = span_find(user, ';');
	if (!sip_unescape(user, out, size - 1, &len))
		len = 0;
	out[len] = '\0';
	for (size_t i = 0; i < len; i++)
		if ((uint8_t)out[i] <= ' ' || out[i] == 0x7f)
			out[0] = '\0';
}

static void take_newest(const struct sip_name_addr *name, struct call_diversion *out)
{
	struct span value;

	take_number(&name->uri, out->number, sizeof(out->number));
	if (sip_param_get(name->params, SPAN_LIT("reason"), &value))
		for (int i = 0; i < CALL_DIVERSION_REASONS; i++)
			if (span_ieq(value, reasons[i]))
				out->reason = (uint8_t)i;
	out->is_private = sip_param_get(name->params, SPAN_LIT("privacy"), &value) &&
			  !span_ieq(value, SPAN_LIT("off"));
}

/* RFC 5806 section 4.1: one diversion, unless a counter says how many. */
static unsigned count_of(const struct sip_name_addr *name)
{
	struct span value;
	uint64_t count;

	if (!sip_param_get(name->params, SPAN_LIT("counter"), &value) ||
	    !span_to_u64(value, COUNTER_MAX, &count) || count == 0)
		return 1;
	return (unsigned)count;
}

void diversion_of(const struct sip_msg *msg, struct call_diversion *out)
{
	unsigned count = 0;

	*out = (struct call_diversion){0};
	for (int i = 0; i < msg->header_count; i++) {
		const struct sip_header *header = &msg->headers[i];
		struct span rest = header->value;
		struct sip_name_addr name;
		struct span element;

		if (header->id != SIP_HDR_OTHER || !span_ieq(header->name, SPAN_LIT("Diversion")))
			continue;
		while (sip_list_next(&rest, &element)) {
			if (!sip_name_addr_parse(element, &name))
				continue;
			if (count == 0)
				take_newest(&name, out);
			count += count_of(&name);
		}
	}
	out->count = count > COUNTER_MAX ? COUNTER_MAX : (uint8_t)count;
}

static void add_line(const struct call_diversion *diversion, const char *host, struct buf *out)
{
	buf_add_lit(out, "Diversion: <sip:");
	buf_add_escaped_user(out, diversion->number);
	if (diversion->number[0])
		buf_add_char(out, '@');
	buf_add_str(out, host);
	buf_add_lit(out, ">;reason=");
	buf_add_span(out, reasons[diversion->reason]);
	if (diversion->count > 1)
		buf_printf(out, ";counter=%u", (unsigned)diversion->count);
	buf_add_str(out, diversion->is_private ? ";privacy=full\r\n" : ";privacy=off\r\n");
}

void diversion_add_headers(const struct conf *conf, const struct call_dial *dial, const char *host,
			   struct buf *out)
{
	const struct conf_routing_gateway *gateway = dial->target->gateway;
	const struct conf_phone *phone =
		gateway ? NULL : conf_phone_called(conf, span_of(dial->target->number));

	if (!dial->diversions->count)
		return;
	if (gateway ? !gateway->party.wants_diversion : !phone || !phone->party.wants_diversion)
		return;
	for (unsigned i = 0; i < dial->diversions->count; i++) {
		const struct call_diversion *diversion = &dial->diversions->list[i];

		/* A phone is nobody to keep a secret. */
		if (gateway || !diversion->is_private)
			add_line(diversion, host, out);
	}
}
