/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guard's look at a message against the parser's: what begins something must not pass for a
 * part of something that is there, or a flood would go through. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switchd/sip/guard_scan.h"
#include "switchd/sip/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside_by_method(enum sip_method method)
{
	return method == SIP_ACK || method == SIP_BYE || method == SIP_CANCEL ||
	       method == SIP_PRACK || method == SIP_UPDATE || method == SIP_INFO;
}

static bool agrees(const struct sip_msg *msg, enum guard_class class)
{
	if (!msg->is_request)
		return class == GUARD_RESPONSE;
	if (msg->method == SIP_REGISTER)
		return class == GUARD_REGISTER;
	if (is_inside_by_method(msg->method))
		return class == GUARD_INSIDE;
	if (msg->to_tag.len)
		return class == GUARD_INSIDE || class == GUARD_INVITE || class == GUARD_OTHER;
	return class == (msg->method == SIP_INVITE ? GUARD_INVITE : GUARD_OTHER);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sip_msg msg;
	enum guard_class class;
	const char *why;
	char *copy;
	int status;

	if (size > SIP_MSG_MAX)
		return 0;
	copy = malloc(size + 1);
	if (!copy)
		return 0;
	memcpy(copy, data, size);
	class = guard_scan(copy, size);
	if (sip_msg_parse(&msg, copy, size, &status, &why) == SIP_VERDICT_OK &&
	    !agrees(&msg, class)) {
		fprintf(stderr, "class %d of %.*s with tag \"%.*s\"\n", (int)class,
			SPAN_ARG(msg.method_text), SPAN_ARG(msg.to_tag));
		abort();
	}
	free(copy);
	return 0;
}
