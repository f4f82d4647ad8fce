/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of methods and the reason phrases of status codes (RFC 3261 sections 7.1 and 21). */
#include "switchd/sip/msg.h"

#define NAME(text)                       \
	{                                \
		(text), sizeof(text) - 1 \
	}

static const struct span names[SIP_METHOD_COUNT] = {
	[SIP_METHOD_UNKNOWN] = NAME("UNKNOWN"),
	[SIP_INVITE] = NAME("INVITE"),
	[SIP_ACK] = NAME("ACK"),
	[SIP_BYE] = NAME("BYE"),
	[SIP_CANCEL] = NAME("CANCEL"),
	[SIP_REGISTER] = NAME("REGISTER"),
	[SIP_OPTIONS] = NAME("OPTIONS"),
	[SIP_PRACK] = NAME("PRACK"),
	[SIP_UPDATE] = NAME("UPDATE"),
	[SIP_INFO] = NAME("INFO"),
	[SIP_REFER] = NAME("REFER"),
	[SIP_NOTIFY] = NAME("NOTIFY"),
	[SIP_SUBSCRIBE] = NAME("SUBSCRIBE"),
	[SIP_MESSAGE] = NAME("MESSAGE"),
	[SIP_PUBLISH] = NAME("PUBLISH"),
};

struct phrase {
	int status;
	const char *text;
};

/* Sorted by status. */
static const struct phrase phrases[] = {
	{100, "Trying"},
	{180, "Ringing"},
	{181, "Call Is Being Forwarded"},
	{182, "Queued"},
	{183, "Session Progress"},
	{199, "Early Dialog Terminated"},
	{200, "OK"},
	{202, "Accepted"},
	{204, "No Notification"},
	{300, "Multiple Choices"},
	{301, "Moved Permanently"},
	{302, "Moved Temporarily"},
	{305, "Use Proxy"},
	{380, "Alternative Service"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{402, "Payment Required"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{407, "Proxy Authentication Required"},
	{408, "Request Timeout"},
	{410, "Gone"},
	{412, "Conditional Request Failed"},
	{413, "Request Entity Too Large"},
	{414, "Request-URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Unsupported URI Scheme"},
	{420, "Bad Extension"},
	{421, "Extension Required"},
	{422, "Session Interval Too Small"},
	{423, "Interval Too Brief"},
	{433, "Anonymity Disallowed"},
	{480, "Temporarily Unavailable"},
	{481, "Call/Transaction Does Not Exist"},
	{482, "Loop Detected"},
	{483, "Too Many Hops"},
	{484, "Address Incomplete"},
	{485, "Ambiguous"},
	{486, "Busy Here"},
	{487, "Request Terminated"},
	{488, "Not Acceptable Here"},
	{489, "Bad Event"},
	{491, "Request Pending"},
	{493, "Undecipherable"},
	{500, "Server Internal Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Server Time-out"},
	{505, "Version Not Supported"},
	{513, "Message Too Large"},
	{580, "Precondition Failure"},
	{600, "Busy Everywhere"},
	{603, "Decline"},
	{604, "Does Not Exist Anywhere"},
	{606, "Not Acceptable"},
};

/* What an unknown status means (RFC 3261 section 8.1.3.2): the x00 of its class. */
static const char *const class_phrases[] = {
	[1] = "Progress",
	[2] = "OK",
	[3] = "Redirection",
	[4] = "Bad Request",
	[5] = "Server Internal Error",
	[6] = "Busy Everywhere",
};

const char *sip_method_text(enum sip_method method)
{
	return (unsigned)method < SIP_METHOD_COUNT ? names[method].ptr : names[0].ptr;
}

enum sip_method sip_method_from(struct span text)
{
	for (int method = SIP_METHOD_UNKNOWN + 1; method < SIP_METHOD_COUNT; method++) {
		if (span_eq(names[method], text))
			return (enum sip_method)method;
	}
	return SIP_METHOD_UNKNOWN;
}

const char *sip_reason_phrase(int status)
{
	size_t low = 0;
	size_t high = sizeof(phrases) / sizeof(phrases[0]);

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (phrases[middle].status == status)
			return phrases[middle].text;
		if (phrases[middle].status < status)
			low = middle + 1;
		else
			high = middle;
	}
	return status >= 100 && status < 700 ? class_phrases[status / 100] : "Unknown";
}
