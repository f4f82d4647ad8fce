/* SPDX-License-Identifier: GPL-2.0-or-later */
/* REGISTER without credentials from one address, at a rate: what bench/flood.py lets loose.
 *
 *   sipflood SERVER PORT SOURCE RATE SECONDS
 *
 * RATE 0 is as fast as it goes. Prints how many datagrams the kernel took. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 32

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int open_socket(const char *source, const char *server, int port)
{
	struct sockaddr_in from = {.sin_family = AF_INET};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, source, &from.sin_addr) != 1 ||
	    inet_pton(AF_INET, server, &to.sin_addr) != 1 ||
	    bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		return -1;
	return fd;
}

static int write_request(char *out, size_t size, const char *source)
{
	return snprintf(out, size,
			"REGISTER sip:bench.test SIP/2.0\r\n"
			"Via: SIP/2.0/UDP %s:5060;rport;branch=z9hG4bK776asdhds\r\n"
			"Max-Forwards: 70\r\n"
			"From: <sip:1001@bench.test>;tag=456248\r\n"
			"To: <sip:1001@bench.test>\r\n"
			"Call-ID: 843817637684230@998sdasdh09\r\n"
			"CSeq: 1826 REGISTER\r\n"
			"Contact: <sip:1001@%s:5060>\r\n"
			"Expires: 300\r\n"
			"Content-Length: 0\r\n\r\n",
			source, source);
}

int main(int argc, char **argv)
{
	struct mmsghdr messages[BATCH] = {0};
	struct iovec vector;
	char text[1024];
	unsigned long sent = 0;
	double start;
	double rate;
	double seconds;
	int fd;

	if (argc != 6) {
		fputs("usage: sipflood SERVER PORT SOURCE RATE SECONDS\n", stderr);
		return 2;
	}
	rate = strtod(argv[4], NULL);
	seconds = strtod(argv[5], NULL);
	fd = open_socket(argv[3], argv[1], atoi(argv[2]));
	if (fd < 0) {
		perror("sipflood");
		return 1;
	}
	vector.iov_base = text;
	vector.iov_len = (size_t)write_request(text, sizeof(text), argv[3]);
	for (int i = 0; i < BATCH; i++) {
		messages[i].msg_hdr.msg_iov = &vector;
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	start = now_s();
	for (double now = start; now < start + seconds; now = now_s()) {
		int count;

		if (rate > 0 && (double)sent > rate * (now - start)) {
			usleep(100);
			continue;
		}
		count = sendmmsg(fd, messages, BATCH, 0);
		sent += count > 0 ? (unsigned long)count : 0;
	}
	printf("%lu\n", sent);
	return 0;
}
