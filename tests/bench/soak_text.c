/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "tests/bench/soak.h"

void soak_field(const char *data, const char *name, char *out, size_t size)
{
	char search[40];
	const char *from;
	size_t len;

	snprintf(search, sizeof(search), "\r\n%s: ", name);
	from = strstr(data, search);
	from = from ? from + strlen(search) : "";
	len = strcspn(from, "\r");
	snprintf(out, size, "%.*s", (int)len, from);
}

void soak_send_media(struct soak *soak, const char *data)
{
	static const char packet[172] = {(char)0x80, 8};
	const char *media = strstr(data, "\r\nm=audio ");
	struct sockaddr_in to = soak->server;

	if (!media)
		return;
	to.sin_port = htons((uint16_t)atoi(media + 10));
	if (to.sin_port)
		(void)sendto(soak->rtp_fd, packet, sizeof(packet), MSG_DONTWAIT,
			     (struct sockaddr *)&to, sizeof(to));
}

__attribute__((format(printf, 3, 4))) static void send_text(struct soak *soak, int end,
							    const char *format, ...)
{
	char text[MESSAGE];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len > 0 && len < MESSAGE)
		path_send(soak->path, end, soak->fds[end], text, (size_t)len, &soak->server,
			  soak->now_us);
}

const char *soak_sdp(const struct soak *soak, unsigned version, char *out, size_t size)
{
	char body[320];
	int len = snprintf(body, sizeof(body),
			   "v=0\r\no=soak 1 %u IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\n"
			   "m=audio %d RTP/AVP 8\r\na=%s\r\n",
			   version, soak->addresses[CALLER], soak->addresses[CALLER],
			   soak->rtp_port, version % 2 ? "sendrecv" : "sendonly");

	snprintf(out, size, "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len,
		 body);
	return out;
}

void soak_request(struct soak *soak, const struct call *call, int end, const char *method,
		  const char *branch, unsigned cseq, const char *more)
{
	const struct side *side = &call->sides[end];

	send_text(soak, end,
		  "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%s%d-%u\r\nMax-Forwards: "
		  "70\r\nFrom: %s\r\n"
		  "To: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\nContact: <sip:soak@%s:%d>\r\nSupported: "
		  "100rel\r\n%s",
		  method, side->target, soak->addresses[end], soak->ports[end], branch, end,
		  call->number, side->local, side->remote, side->call_id, cseq, method,
		  soak->addresses[end], soak->ports[end],
		  more ? more : "Content-Length: 0\r\n\r\n");
}

void soak_acknowledge(struct soak *soak, const struct call *call, int end, unsigned cseq,
		      int status)
{
	const char *branch = status < 300 ? (cseq == 1 ? "ka" : "kb") : (cseq == 1 ? "i" : "r");
	struct call acked;

	if (status >= 300 && cseq == 1 && end == CALLER) { /* to where the INVITE went */
		acked = *call;
		snprintf(acked.sides[end].target, sizeof(acked.sides[end].target), "sip:9%07u@%s",
			 call->number, soak->host);
		call = &acked;
	}
	soak_request(soak, call, end, "ACK", branch, cseq, NULL);
}

void soak_reply(struct soak *soak, int end, const char *data, int status, const char *local,
		const char *more)
{
	char via[224], from[160], to[160], call_id[112], cseq[40];

	soak_field(data, "Via", via, sizeof(via));
	soak_field(data, "From", from, sizeof(from));
	soak_field(data, "To", to, sizeof(to));
	soak_field(data, "Call-ID", call_id, sizeof(call_id));
	soak_field(data, "CSeq", cseq, sizeof(cseq));
	send_text(soak, end,
		  "SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n"
		  "Contact: <sip:soak@%s:%d>\r\n%s",
		  status, via, from, local ? local : to, call_id, cseq, soak->addresses[end],
		  soak->ports[end], more ? more : "Content-Length: 0\r\n\r\n");
}

void soak_answer(struct soak *soak, const struct call *call, int end, int status, bool has_sdp,
		 const char *headers)
{
	const struct side *side = &call->sides[end];
	char contact[64] = "", body[512];

	if (status < 300)
		snprintf(contact, sizeof(contact), "Contact: <sip:soak@%s:%d>\r\n",
			 soak->addresses[end], soak->ports[end]);
	send_text(soak, end,
		  "SIP/2.0 %d X\r\nVia: %s\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u "
		  "INVITE\r\n%s%s%s",
		  status, side->via, side->remote, side->local, side->call_id, side->cseq, contact,
		  headers,
		  has_sdp ? soak_sdp(soak, 1, body, sizeof(body)) : "Content-Length: 0\r\n\r\n");
}
