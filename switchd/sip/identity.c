/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/identity.h"

#include <string.h>

#include "switchd/sip/leg_private.h"

#define WISHES_ANONYMITY (CALL_PRIVACY_ID | CALL_PRIVACY_USER)

static const struct {
	struct span word;
	uint8_t bit;
} priv_values[] = {
	{SPAN_LIT("header"), CALL_PRIVACY_HEADER}, {SPAN_LIT("session"), CALL_PRIVACY_SESSION},
	{SPAN_LIT("user"), CALL_PRIVACY_USER},     {SPAN_LIT("id"), CALL_PRIVACY_ID},
	{SPAN_LIT("none"), CALL_PRIVACY_NONE},     {SPAN_LIT("critical"), CALL_PRIVACY_CRITICAL},
};

#define PRIV_VALUES (sizeof(priv_values) / sizeof(priv_values[0]))

/* --- What the caller says. --- */

/* RFC 3323 section 4.2: values with semicolons between; some write commas. */
static uint8_t privacy_of(const struct sip_msg *msg)
{
	const struct sip_header *header;
	uint8_t privacy = 0;
	int index = 0;

	while ((header = sip_msg_header(msg, SIP_HDR_PRIVACY, &index))) {
		struct span rest = header->value;

		while (rest.len) {
			size_t end = 0;
			struct span word;

			while (end < rest.len && rest.ptr[end] != ';' && rest.ptr[end] != ',')
				end++;
			word = span_trim((struct span){rest.ptr, end});
			for (size_t i = 0; i < PRIV_VALUES; i++)
				if (span_ieq(word, priv_values[i].word))
					privacy |= priv_values[i].bit;
			end += end < rest.len;
			rest = (struct span){rest.ptr + end, rest.len - end};
		}
	}
	return privacy;
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if ((uint8_t)*text <= ' ' || *text == 0x7f)
			return false;
	return true;
}

/* The number of a URI; "" when there is none to be used. */
static void take_number(const struct sip_uri *uri, char *out, size_t size)
{
	struct span text = uri->user; /* of a tel: URI too */
	size_t len;

	/* RFC 3966: parameters of the number, in a user part as well (RFC 3261 section 19.1.6). */
	text.len = span_find(text, ';');
	if (!sip_unescape(text, out, size - 1, &len)) {
		out[0] = '\0';
		return;
	}
	out[len] = '\0';
	if (!is_clean(out))
		out[0] = '\0';
}

/* The first element of the first such header that has a number. */
static void number_in(const struct sip_msg *msg, struct span name, char *out, size_t size)
{
	out[0] = '\0';
	for (int i = 0; i < msg->header_count && !out[0]; i++) {
		const struct sip_header *header = &msg->headers[i];
		struct span rest = header->value;
		struct sip_name_addr value;
		struct span element;

		if (header->id != SIP_HDR_OTHER || !span_ieq(header->name, name))
			continue;
		while (!out[0] && sip_list_next(&rest, &element))
			if (sip_name_addr_parse(element, &value))
				take_number(&value.uri, out, size);
	}
}

/* A display name that is a number. */
static void number_of_display(const struct sip_msg *msg, char *out, size_t size)
{
	struct sip_name_addr from;

	out[0] = '\0';
	if (!sip_name_addr_parse(msg->from, &from) || from.display.len == 0)
		return;
	for (size_t i = 0; i < from.display.len; i++) {
		char c = from.display.ptr[i];

		if ((c < '0' || c > '9') && !(i == 0 && c == '+'))
			return;
	}
	if (!span_copy(from.display, out, size))
		out[0] = '\0';
}

void identity_of_gateway(const struct sip_msg *msg, const struct conf_mapping_gateway *gateway,
			 struct call_identity *out, char *number, size_t size)
{
	char other[64] = "";

	number_in(msg, SPAN_LIT("P-Asserted-Identity"), out->asserted, sizeof(out->asserted));
	number_in(msg, SPAN_LIT("P-Preferred-Identity"), out->preferred, sizeof(out->preferred));
	out->privacy = gateway->recognises_privacy ? privacy_of(msg) : 0;
	switch (gateway->caller_from) {
	case WORD_CALLER_FROM_P_ASSERTED:
		memcpy(other, out->asserted, sizeof(other));
		break;
	case WORD_CALLER_FROM_P_PREFERRED:
		memcpy(other, out->preferred, sizeof(other));
		break;
	case WORD_CALLER_FROM_REMOTE_PARTY_ID:
		number_in(msg, SPAN_LIT("Remote-Party-ID"), other, sizeof(other));
		break;
	case WORD_CALLER_FROM_DISPLAY:
		number_of_display(msg, other, sizeof(other));
		break;
	default:
		break;
	}
	/* Without it From serves. */
	if (other[0] && strlen(other) < size)
		memcpy(number, other, strlen(other) + 1);
}

void identity_of_phone(const struct sip_msg *msg, const struct conf_phone *phone,
		       struct call_identity *out)
{
	*out = (struct call_identity){.privacy = phone->recognises_privacy ? privacy_of(msg) : 0};
	if (!phone->recognises_identity)
		return;
	number_in(msg, SPAN_LIT("P-Asserted-Identity"), out->asserted, sizeof(out->asserted));
	number_in(msg, SPAN_LIT("P-Preferred-Identity"), out->preferred, sizeof(out->preferred));
}

void identity_quote(const char *text, char *out, size_t size)
{
	size_t len = 0;

	for (; *text && len + 3 < size; text++) {
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			continue;
		if (*text == '"' || *text == '\\')
			out[len++] = '\\';
		out[len++] = *text;
	}
	out[len] = '\0';
}

/* --- What the callee is told. --- */

static uint8_t privacy_towards(int64_t mode, const struct call_identity *caller)
{
	switch (mode) {
	case WORD_PRIVACY_PASSTHROUGH:
		return caller->privacy;
	case WORD_PRIVACY_ID:
		return CALL_PRIVACY_ID;
	case WORD_PRIVACY_NONE:
		return CALL_PRIVACY_NONE;
	default:
		return 0;
	}
}

static int64_t privacy_mode(const struct conf *conf, const struct conf_routing_gateway *gateway)
{
	if (gateway->presentation.privacy >= 0)
		return gateway->presentation.privacy;
	return gateway->reach == CONF_REACH_REGISTER
		       ? snapshot_number(conf->snapshot, PARAM_SS_SIP_USER_AGENT_PRIVACY)
		       : WORD_PRIVACY_IGNORE;
}

static const char *identity_by(uint8_t mode, const char *received, const char *number)
{
	const char *chosen = mode == WORD_IDENTITY_HEADER_CALLER        ? number
			     : mode == WORD_IDENTITY_HEADER_PASSTHROUGH ? received
									: "";

	return chosen[0] ? chosen : NULL;
}

static const char *display_by(int64_t mode, const struct call_dial *dial)
{
	switch (mode) {
	case WORD_DISPLAY_FROM_CALLER:
		return dial->target->caller;
	case WORD_DISPLAY_FROM_PASSTHROUGH:
		return dial->display;
	default:
		return "";
	}
}

static void add_numbers(const struct conf_presentation *presentation,
			const struct call_identity *caller, struct identity *out)
{
	out->asserted = identity_by(presentation->asserted_identity, caller->asserted, out->number);
	out->preferred =
		identity_by(presentation->preferred_identity, caller->preferred, out->number);
	out->has_remote_party = presentation->has_remote_party_id && out->number[0];
}

/* A phone is nobody's billing: who wants to be hidden from it is, and the headers that would tell
 * it nevertheless go to those only that are trusted to heed Privacy (RFC 3325 section 7). */
static void choose_for_phone(const struct conf_presentation *presentation,
			     const struct call_dial *dial, struct identity *out)
{
	bool is_wished = dial->identity->privacy & WISHES_ANONYMITY;

	out->privacy = privacy_towards(presentation->privacy, dial->identity);
	out->display = display_by(presentation->display_from, dial);
	if (is_wished && !(out->privacy & WISHES_ANONYMITY)) {
		/* None of it, and no word that there is nothing to hide. */
		out->privacy = 0;
		out->is_anonymous = true;
		return;
	}
	out->is_anonymous = out->privacy & WISHES_ANONYMITY;
	add_numbers(presentation, dial->identity, out);
}

void identity_choose(const struct conf *conf, const struct call_dial *dial, struct identity *out)
{
	static const struct conf_presentation plain = {
		.privacy = -1, .display_from = WORD_DISPLAY_FROM_PASSTHROUGH};
	const struct conf_routing_gateway *gateway = dial->target->gateway;
	int64_t display_from;

	*out = (struct identity){.number = dial->target->caller};
	if (!gateway) {
		choose_for_phone(dial->target->presentation ? dial->target->presentation : &plain,
				 dial, out);
		return;
	}
	out->privacy = privacy_towards(privacy_mode(conf, gateway), dial->identity);
	add_numbers(&gateway->presentation, dial->identity, out);
	display_from = gateway->presentation.display_from;
	if (display_from < 0)
		display_from = snapshot_number(conf->snapshot, PARAM_SS_SIP_E164_DISPLAY_FROM);
	out->display = display_by(display_from, dial);
	/* Else the callee could not tell whom to bill. */
	out->is_anonymous = (out->privacy & WISHES_ANONYMITY) && (out->asserted || out->preferred);
}

static void add_uri(const char *number, const char *host_port, struct buf *out)
{
	buf_add_lit(out, "<sip:");
	buf_add_escaped_user(out, number);
	if (number[0])
		buf_add_char(out, '@');
	buf_add_str(out, host_port);
	buf_add_char(out, '>');
}

static void add_display(const char *display, struct buf *out)
{
	if (!display[0])
		return;
	buf_add_char(out, '"');
	buf_add_str(out, display);
	buf_add_lit(out, "\" ");
}

void identity_add_from(const struct identity *identity, const char *host_port, struct buf *out)
{
	if (identity->is_anonymous) {
		/* RFC 3323 section 4.1.1.3 */
		buf_add_lit(out, "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
		return;
	}
	add_display(identity->display, out);
	add_uri(identity->number, host_port, out);
}

static void add_privacy(uint8_t privacy, struct buf *out)
{
	bool is_first = true;

	buf_add_lit(out, "Privacy: ");
	for (size_t i = 0; i < PRIV_VALUES; i++) {
		if (!(privacy & priv_values[i].bit))
			continue;
		if (!is_first)
			buf_add_char(out, ';');
		buf_add_span(out, priv_values[i].word);
		is_first = false;
	}
	buf_add_lit(out, "\r\n");
}

void identity_add_headers(const struct identity *identity, const char *host_port, struct buf *out)
{
	if (identity->privacy)
		add_privacy(identity->privacy, out);
	if (identity->asserted) {
		buf_add_lit(out, "P-Asserted-Identity: ");
		add_uri(identity->asserted, host_port, out);
		buf_add_lit(out, "\r\n");
	}
	if (identity->preferred) {
		buf_add_lit(out, "P-Preferred-Identity: ");
		add_uri(identity->preferred, host_port, out);
		buf_add_lit(out, "\r\n");
	}
	if (identity->has_remote_party) {
		buf_add_lit(out, "Remote-Party-ID: ");
		add_uri(identity->number, host_port, out);
		buf_add_lit(out, ";party=calling;screen=yes;privacy=");
		buf_add_str(out, identity->privacy & WISHES_ANONYMITY ? "full\r\n" : "off\r\n");
	}
}

const char *identity_to(const struct conf *conf, const struct call_dial *dial)
{
	bool keeps = dial->target->gateway &&
		     snapshot_bool(conf->snapshot, PARAM_SS_SIP_ROUTING_GATEWAY_INVITE_USE_CONTACT);

	return keeps ? dial->dialled : dial->target->number;
}
