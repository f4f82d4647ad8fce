/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules about the way between the parties and the switch: NAT, and what rewrites messages. */
#include "switchd/trace/doctor_rules.h"

static bool is_outside(const struct addr *address)
{
	return address->family != ADDR_NONE && !addr_is_private(address);
}

/* --- Media. --- */

static bool is_direct(const struct doctor_case *what)
{
	bool is_direct = false;

	for (size_t i = 0; i < what->count; i++) {
		const struct trace_event *event = &what->items[i]->event;

		if (event->kind == TRACE_NOTE && event->note == TRACE_MEDIA)
			is_direct = span_eq(event->data, SPAN_LIT("direct"));
	}
	return is_direct;
}

bool doctor_private_media(const struct doctor_case *what, struct doctor_finding *finding)
{
	if (!is_direct(what))
		return false;
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_event *event = &what->items[i]->event;
		char media_text[ADDR_TEXT_MAX];
		char peer_text[ADDR_TEXT_MAX];
		struct addr media;

		if (!doctor_is_message(what->items[i]) ||
		    !doctor_sdp_address(event->data, "c=", &media) || !addr_is_private(&media) ||
		    !is_outside(&event->peer))
			continue;
		doctor_say(finding, "c=%s", addr_print_ip(&media, media_text));
		doctor_say(finding, "%s %s", event->kind == TRACE_SENT ? "sent to" : "came from",
			   addr_print(&event->peer, peer_text));
		doctor_say(finding, "media=direct");
		return true;
	}
	return false;
}

/* --- INVITEs into the void. --- */

struct unanswered {
	const struct trace_event *invite;
	const struct trace_event *leg;
	size_t sent;
};

static bool find_unanswered(const struct doctor_case *what, uint8_t leg, struct unanswered *out)
{
	*out = (struct unanswered){0};
	for (size_t i = 0; i < what->count; i++) {
		const struct trace_item *item = what->items[i];

		if (item->leg != leg)
			continue;
		if (item->event.kind == TRACE_RECEIVED)
			return false;
		if (!doctor_is_message(item) && item->event.note == TRACE_LEG)
			out->leg = &item->event;
		if (!doctor_is(item, TRACE_SENT, "INVITE", 0))
			continue;
		out->invite = &item->event;
		out->sent++;
	}
	return out->sent >= 3 && out->leg;
}

/* A phone whose contact is not where it was heard from. */
static bool is_behind_nat(const struct doctor_case *what, const struct unanswered *one)
{
	struct addr contact;

	if (!span_starts_with(one->leg->data, SPAN_LIT("phone ")))
		return false;
	if (what->device && what->device->is_nat)
		return true;
	return doctor_uri_address(doctor_request_uri(one->invite->data), &contact) &&
	       !addr_ip_eq(&contact, &one->invite->peer);
}

static void say_unanswered(const struct unanswered *one, struct doctor_finding *finding)
{
	struct span uri = doctor_request_uri(one->invite->data);
	char peer[ADDR_TEXT_MAX];

	doctor_say(finding, "party=%.*s", (int)one->leg->data.len, one->leg->data.ptr);
	doctor_say(finding, "INVITE sent=%zu, answered=0", one->sent);
	doctor_say(finding, "to=%s", addr_print(&one->invite->peer, peer));
	doctor_say(finding, "Request-URI=%.*s", (int)(uri.len < 96 ? uri.len : 96), uri.ptr);
}

static bool look_unanswered(const struct doctor_case *what, struct doctor_finding *finding,
			    bool with_nat)
{
	for (uint32_t leg = 1; leg <= what->call->attempts && leg < TRACE_NO_SIDE; leg++) {
		struct unanswered one;

		if (!find_unanswered(what, (uint8_t)leg, &one) ||
		    is_behind_nat(what, &one) != with_nat)
			continue;
		say_unanswered(&one, finding);
		return true;
	}
	return false;
}

bool doctor_nat_binding(const struct doctor_case *what, struct doctor_finding *finding)
{
	const struct doctor_device *device = what->device;

	if (!look_unanswered(what, finding, true))
		return false;
	if (device && device->sent_ago_s >= 0)
		doctor_say(finding, "last keepalive=%d s ago", (int)device->sent_ago_s);
	if (device && device->unanswered)
		doctor_say(finding, "probes unanswered=%u", (unsigned)device->unanswered);
	return true;
}

bool doctor_no_response(const struct doctor_case *what, struct doctor_finding *finding)
{
	return look_unanswered(what, finding, false);
}

/* --- Who rewrites SIP. --- */

static void compare_length(const struct trace_event *event, struct doctor_finding *finding)
{
	int64_t told = doctor_number(doctor_header(event->data, "content-length", 'l'));
	size_t is = doctor_body(event->data).len;

	if (told >= 0 && (size_t)told != is)
		doctor_say(finding, "Content-Length=%d, body=%zu", (int)told, is);
}

/* The URI that was signed is the one that was sent (RFC 3261 section 22.4). Only the host: who puts
 * in a domain where it resolves to an address is no ALG. */
static void compare_signed(const struct trace_event *event, struct doctor_finding *finding)
{
	struct span line = doctor_header(event->data, "authorization", 0);
	struct span uri = doctor_request_uri(event->data);
	const char *at;
	char one[ADDR_TEXT_MAX];
	char other[ADDR_TEXT_MAX];
	struct addr was;
	struct addr is;

	if (!line.len)
		line = doctor_header(event->data, "proxy-authorization", 0);
	at = line.len ? memmem(line.ptr, line.len, " uri=\"", 6) : NULL;
	if (!at ||
	    !doctor_uri_address((struct span){at, line.len - (size_t)(at - line.ptr)}, &was) ||
	    !doctor_uri_address(uri, &is) || addr_ip_eq(&was, &is))
		return;
	doctor_say(finding, "signed uri=%s, Request-URI=%s", addr_print_ip(&was, one),
		   addr_print_ip(&is, other));
}

/* A phone that knows its address outside puts it everywhere, one that does not nowhere. */
static void compare_addresses(const struct trace_event *event, struct doctor_finding *finding)
{
	char one[ADDR_TEXT_MAX];
	char other[ADDR_TEXT_MAX];
	struct addr contact;
	struct addr via;
	struct addr media;
	struct addr origin;

	if (!is_outside(&event->peer) ||
	    !doctor_uri_address(doctor_header(event->data, "contact", 'm'), &contact) ||
	    !addr_is_private(&contact))
		return;
	if (trace_message_status(event->data) == 0 && doctor_via_address(event->data, &via) &&
	    addr_ip_eq(&via, &event->peer))
		doctor_say(finding, "Via=%s, Contact=%s", addr_print_ip(&via, one),
			   addr_print_ip(&contact, other));
	if (doctor_sdp_address(event->data, "c=", &media) &&
	    doctor_sdp_address(event->data, "o=", &origin) && addr_ip_eq(&media, &event->peer) &&
	    addr_ip_eq(&origin, &contact))
		doctor_say(finding, "c=%s, o=%s and Contact are not", addr_print_ip(&media, one),
			   addr_print_ip(&origin, other));
}

bool doctor_sip_alg(const struct doctor_case *what, struct doctor_finding *finding)
{
	for (size_t i = 0; i < what->count && !finding->evidence[0]; i++) {
		const struct trace_event *event = &what->items[i]->event;

		if (event->kind != TRACE_RECEIVED || event->transport == TRACE_TLS)
			continue;
		compare_length(event, finding);
		compare_signed(event, finding);
		compare_addresses(event, finding);
	}
	return finding->evidence[0] != '\0';
}
