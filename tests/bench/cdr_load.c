/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls for bench/cdr_kills.py: caller and gateway of one switch, and the caller's own log of them.
 *
 *   cdr_load SWITCH-PORT CALLER-PORT GATEWAY-PORT RATE HOLD-MS TAG LOG
 *
 * The switch is at 127.0.0.1, the caller at 127.0.0.2, the gateway, which answers at once, at
 * 127.0.0.3. So many calls a second until the input is closed; each is hung up by the caller after
 * up to twice the hold time. A line of the log: what happened, Call-ID, monotonic microseconds.
 *   I INVITE sent   A answered   B BYE sent   E BYE answered   R refused   X hung up by the switch
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CALLS   65536u /* remembered at a time, by number; power of two */
#define MESSAGE 4096
#define TICK_MS 200u /* a call is looked at that often */
#define AGAIN   5u   /* ticks until what was not answered is sent again */
#define SDP                                                                         \
	"v=0\r\no=l 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n" \
	"m=audio 4000 RTP/AVP 8\r\n"

enum state { FREE, INVITED, UP, HANGING };

struct call {
	unsigned number;
	enum state state;
	bool is_waiting;  /* for its tick */
	unsigned next;    /* in its millisecond, +1; 0 = the last one */
	unsigned ticks;   /* since the last message of its own */
	uint64_t over_us; /* it hangs up then */
	char to[160];     /* with tag */
	char target[160];
};

struct load {
	int caller;
	int gateway;
	int ports[2];
	struct sockaddr_in server;
	const char *tag;
	FILE *log;
	unsigned hold_ms;
	unsigned count; /* begun */
	uint64_t now_us;
	uint64_t wheel_ms;
	struct call calls[CALLS];
	unsigned wheel[CALLS]; /* by millisecond: first call, +1 */
};

static uint64_t clock_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

static int open_socket(const char *address, int port)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int size = 8 << 20;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	inet_pton(AF_INET, address, &sin.sin_addr);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (fd < 0 || bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0) {
		perror(address);
		exit(1);
	}
	return fd;
}

static void note(struct load *load, char what, unsigned number)
{
	fprintf(load->log, "%c %s-%u %llu\n", what, load->tag, number,
		(unsigned long long)load->now_us);
}

static void send_text(const struct load *load, int fd, const char *text, int len)
{
	if (len > 0 && len < MESSAGE)
		(void)sendto(fd, text, (size_t)len, MSG_DONTWAIT, (struct sockaddr *)&load->server,
			     sizeof(load->server));
}

/* --- The caller. --- */

static void wait_tick(struct load *load, struct call *call)
{
	unsigned *first = &load->wheel[(load->wheel_ms + TICK_MS) & (CALLS - 1)];

	call->next = *first;
	*first = (call->number & (CALLS - 1)) + 1;
}

static void request(struct load *load, const struct call *call, const char *method, int cseq)
{
	bool has_body = strcmp(method, "INVITE") == 0;
	char text[MESSAGE];
	int len = snprintf(text, sizeof(text),
			   "%s %s SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.2:%d;branch=z9hG4bK%s%s%u\r\n"
			   "Max-Forwards: 70\r\nFrom: <sip:700@127.0.0.2>;tag=c%u\r\nTo: %s\r\n"
			   "Call-ID: %s-%u\r\nCSeq: %d %s\r\nContact: <sip:700@127.0.0.2:%d>\r\n"
			   "%sContent-Length: %zu\r\n\r\n%s",
			   method, call->target, load->ports[0], load->tag, method, call->number,
			   call->number, call->to, load->tag, call->number, cseq, method,
			   load->ports[0], has_body ? "Content-Type: application/sdp\r\n" : "",
			   has_body ? strlen(SDP) : 0, has_body ? SDP : "");

	send_text(load, load->caller, text, len);
}

static void begin(struct load *load)
{
	struct call *call = &load->calls[load->count & (CALLS - 1)];

	/* Who is still remembered there has waited for half a minute. */
	if (call->state == FREE && !call->is_waiting) {
		call->number = load->count;
		call->state = INVITED;
		snprintf(call->to, sizeof(call->to), "<sip:8%u@127.0.0.1>", call->number);
		snprintf(call->target, sizeof(call->target), "sip:8%u@127.0.0.1", call->number);
		note(load, 'I', call->number);
		call->ticks = 0;
		request(load, call, "INVITE", 1);
		call->is_waiting = true;
		wait_tick(load, call);
	}
	load->count++;
}

static void tick(struct load *load, struct call *call)
{
	if (call->state == UP && load->now_us >= call->over_us) {
		note(load, 'B', call->number);
		call->state = HANGING;
		call->ticks = AGAIN - 1;
	}
	if (call->state != UP && ++call->ticks % AGAIN == 0)
		request(load, call, call->state == HANGING ? "BYE" : "INVITE",
			call->state == HANGING ? 2 : 1);
	wait_tick(load, call);
}

static void run_wheel(struct load *load)
{
	for (; load->wheel_ms < load->now_us / 1000; load->wheel_ms++) {
		unsigned i = load->wheel[load->wheel_ms & (CALLS - 1)];

		load->wheel[load->wheel_ms & (CALLS - 1)] = 0;
		while (i) {
			struct call *call = &load->calls[i - 1];

			i = call->next;
			if (call->state != FREE)
				tick(load, call);
			else
				call->is_waiting = false;
		}
	}
}

static void field(const char *data, const char *name, char *out, size_t size)
{
	char search[40];
	const char *from;

	snprintf(search, sizeof(search), "\r\n%s: ", name);
	from = strstr(data, search);
	from = from ? from + strlen(search) : "";
	snprintf(out, size, "%.*s", (int)strcspn(from, "\r"), from);
}

/* NULL: none of this run. */
static struct call *call_of(struct load *load, const char *data)
{
	size_t len = strlen(load->tag);
	char call_id[112];
	struct call *call;
	unsigned number;

	field(data, "Call-ID", call_id, sizeof(call_id));
	if (strncmp(call_id, load->tag, len) != 0 || call_id[len] != '-')
		return NULL;
	number = (unsigned)strtoul(call_id + len + 1, NULL, 10);
	call = &load->calls[number & (CALLS - 1)];
	return call->number == number && call->state != FREE ? call : NULL;
}

static void answered(struct load *load, struct call *call, const char *data)
{
	char contact[160];

	if (call->state == INVITED) {
		field(data, "To", call->to, sizeof(call->to));
		field(data, "Contact", contact, sizeof(contact));
		snprintf(call->target, sizeof(call->target), "%.*s", (int)strcspn(contact + 1, ">"),
			 contact + 1);
		note(load, 'A', call->number);
		call->state = UP;
		call->over_us = load->now_us + (uint64_t)rand() % (2 * load->hold_ms + 1) * 1000;
	}
	request(load, call, "ACK", 1);
}

/* 200 to a request. */
static void reply(const struct load *load, int fd, const char *data)
{
	bool is_invite = strncmp(data, "INVITE ", 7) == 0;
	char via[224], from[160], to[160], call_id[112], cseq[40], text[MESSAGE];

	field(data, "Via", via, sizeof(via));
	field(data, "From", from, sizeof(from));
	field(data, "To", to, sizeof(to));
	field(data, "Call-ID", call_id, sizeof(call_id));
	field(data, "CSeq", cseq, sizeof(cseq));
	send_text(load, fd, text,
		  snprintf(text, sizeof(text),
			   "SIP/2.0 200 OK\r\nVia: %s\r\nFrom: %s\r\nTo: %s%s\r\nCall-ID: %s\r\n"
			   "CSeq: %s\r\nContact: <sip:g@127.0.0.3:%d>\r\n%sContent-Length: %zu\r\n"
			   "\r\n%s",
			   via, from, to, is_invite ? ";tag=g" : "", call_id, cseq, load->ports[1],
			   is_invite ? "Content-Type: application/sdp\r\n" : "",
			   is_invite ? strlen(SDP) : 0, is_invite ? SDP : ""));
}

/* A reply to what the caller has sent; or BYE. */
static void hear_caller(struct load *load, const char *data)
{
	struct call *call = call_of(load, data);
	int status = strncmp(data, "SIP/2.0 ", 8) == 0 ? atoi(data + 8) : 0;
	bool is_invite = strstr(data, "INVITE\r\n") != NULL;

	if (status == 0 && strncmp(data, "BYE ", 4) == 0)
		reply(load, load->caller, data);
	if (!call || (status > 0 && status < 200))
		return;
	if (status == 0) {
		note(load, 'X', call->number);
		call->state = FREE;
	} else if (is_invite && status < 300 && status) {
		answered(load, call, data);
	} else if (is_invite && status) {
		field(data, "To", call->to, sizeof(call->to));
		request(load, call, "ACK", 1);
		note(load, 'R', call->number);
		call->state = FREE;
	} else if (status && call->state == HANGING) {
		note(load, 'E', call->number);
		call->state = FREE;
	}
}

static void read_all(struct load *load, int fd)
{
	char data[MESSAGE];
	ssize_t len;

	while ((len = recv(fd, data, sizeof(data) - 1, 0)) > 0) {
		data[len] = '\0';
		load->now_us = clock_us();
		if (fd == load->caller)
			hear_caller(load, data);
		else if (strncmp(data, "INVITE ", 7) == 0 || strncmp(data, "BYE ", 4) == 0)
			reply(load, fd, data); /* the gateway remembers nothing */
	}
}

static void run(struct load *load, unsigned rate)
{
	uint64_t began_us = clock_us();

	load->wheel_ms = began_us / 1000;
	for (;;) {
		struct pollfd fds[] = {{.fd = load->caller, .events = POLLIN},
				       {.fd = load->gateway, .events = POLLIN},
				       {.fd = STDIN_FILENO, .events = POLLIN}};

		poll(fds, 3, 1);
		if (fds[2].revents)
			return;
		load->now_us = clock_us();
		for (unsigned i = 0;
		     i < 50 && load->count < (load->now_us - began_us) * rate / 1000000; i++)
			begin(load);
		read_all(load, load->caller);
		read_all(load, load->gateway);
		run_wheel(load);
	}
}

int main(int argc, char **argv)
{
	struct load *load = calloc(1, sizeof(*load));

	if (argc != 8 || !load) {
		fprintf(stderr, "usage: cdr_load SWITCH-PORT CALLER-PORT GATEWAY-PORT RATE HOLD-MS "
				"TAG LOG\n");
		return 2;
	}
	load->ports[0] = atoi(argv[2]);
	load->ports[1] = atoi(argv[3]);
	load->caller = open_socket("127.0.0.2", load->ports[0]);
	load->gateway = open_socket("127.0.0.3", load->ports[1]);
	load->server = (struct sockaddr_in){.sin_family = AF_INET,
					    .sin_port = htons((uint16_t)atoi(argv[1])),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	load->hold_ms = (unsigned)atoi(argv[5]);
	load->tag = argv[6];
	load->log = fopen(argv[7], "a");
	if (!load->log) {
		perror(argv[7]);
		return 1;
	}
	run(load, (unsigned)atoi(argv[4]));
	fclose(load->log);
	free(load);
	return 0;
}
