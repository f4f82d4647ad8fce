/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes through gate, full check and look-ups. Held: every span lies in the datagram; what gate
 * and sofia-sip both accept they read alike; sofia-sip accepts what is plain; the Call-ID scan
 * finds what the index finds. */
#include "switchd/sip/msg.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "sip_msg_fuzz: does not hold: %s\n", what);
	abort();
}

static void check_inside(struct span text, struct span part, const char *what)
{
	check(!part.ptr || (part.ptr >= text.ptr && part.ptr + part.len <= text.ptr + text.len),
	      what);
}

static void check_spans(const struct sip_msg *msg)
{
	struct span parts[] = {msg->method_text, msg->request_uri,    msg->reason,
			       msg->via,         msg->from,           msg->to,
			       msg->from_tag,    msg->to_tag,         msg->call_id,
			       msg->cseq_method, msg->contact,        msg->content_type,
			       msg->body,        msg->top_via.branch, msg->top_via.host};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		check_inside(msg->raw, parts[i], "span in datagram");
	for (int i = 0; i < msg->header_count; i++) {
		check_inside(msg->raw, msg->headers[i].name, "header name in datagram");
		check_inside(msg->raw, msg->headers[i].value, "header value in datagram");
	}
}

/* The parsers of values, on every value: they must hold on what their header's own check never saw.
 */
static void walk_values(const struct sip_msg *msg)
{
	for (int i = 0; i < msg->header_count; i++) {
		struct span rest = msg->headers[i].value;
		struct sip_name_addr name;
		struct span element;
		struct span value;
		struct sip_via via;

		while (sip_list_next(&rest, &element)) {
			check_inside(msg->headers[i].value, element, "element in value");
			if (sip_name_addr_parse(element, &name)) {
				check_inside(element, name.uri_text, "URI in element");
				check_inside(name.uri_text, name.uri.host, "host in URI");
				check_inside(element, name.params, "parameters in element");
				sip_param_get(name.params, SPAN_LIT("expires"), &value);
			}
			if (sip_via_parse(element, &via))
				check_inside(element, via.branch, "branch in element");
		}
		sip_msg_has_token(msg, msg->headers[i].id, SPAN_LIT("timer"));
	}
}

static void check_unescape(struct span text)
{
	char out[64];
	size_t len;

	if (sip_unescape(text, out, sizeof(out), &len))
		check(len <= text.len && len <= sizeof(out), "unescaped text is no longer");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct sip_msg *msg = malloc(sizeof(*msg));
	char *data = malloc(size + !size);
	struct span call_id;
	const char *why = NULL;
	const char *what;
	int status = 0;

	if (!msg || !data)
		abort();
	if (size)
		memcpy(data, bytes, size);
	call_id = sip_scan_call_id(data, size);
	check_inside((struct span){data, size}, call_id, "scanned Call-ID in datagram");
	switch (sip_msg_parse(msg, data, size, &status, &why)) {
	case SIP_VERDICT_IGNORE:
		break;
	case SIP_VERDICT_REJECT:
		check_spans(msg);
		check(msg->is_request && msg->top_via.host.len, "refused request has a Via");
		check(why && (status == 400 || status == 505 || status == 513),
		      "status of refusal");
		break;
	case SIP_VERDICT_OK:
		check_spans(msg);
		check(msg->header_count <= SIP_HEADERS_MAX, "header count");
		check(span_eq(call_id, msg->call_id), "scan and index find one Call-ID");
		walk_values(msg);
		check_unescape(msg->request_uri);
		check(sip_msg_check_full(msg, &why) || why, "refusal has a reason");
		if (!sip_msg_agrees(msg, &what))
			check(false, what);
		break;
	}
	free(data);
	free(msg);
	return 0;
}
