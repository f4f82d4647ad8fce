/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ends of bench/soak_calls.c: what each knows of its calls, and the messages that it sends. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/bench/soak_path.h"

#define CALLS   16384u /* remembered at a time, by number; power of two */
#define MESSAGE 4096
#define T1_US   150000u
#define STEPS   5 /* of a repeat */
#define LOSS    50
#define TWICE   30
#define LATE    50

enum end_id { CALLER, FIRST, SECOND, ENDS };

enum act {
	REPEAT_INVITE, /* each up to 12: a message, until it is answered */
	REPEAT_AGAIN,
	REPEAT_BYE,
	REPEAT_CANCEL,
	REPEAT_FINAL,
	START,
	CANCEL,
	BYE,
	AGAIN, /* INVITE once more */
	VANISH,
	RING,
	PROGRESS,
	FINAL,
	ACTS,
};

/* What a gateway is going to do with an INVITE. */
struct plan {
	int status; /* final; 0: none ever */
	bool is_silent;
	bool rings;
	bool progresses;
	bool is_reliable;
	unsigned wait_us;
};

/* One end's side of a call. */
struct side {
	char call_id[112];
	char local[160]; /* with tag */
	char remote[160];
	char target[160];
	char via[224]; /* of the INVITE to answer */
	unsigned cseq;
	int status; /* final one sent, or got */
	struct plan plan;
	bool is_used;
	bool is_acked;
	bool is_provisional; /* got one */
	bool is_vanished;
	bool wants_cancel;
	bool is_over;
	bool is_open[FINAL + 1]; /* by repeat: still to be answered */
	unsigned again_cseq;
};

struct call {
	unsigned number;
	bool is_used;
	struct side sides[ENDS];
};

struct event {
	uint64_t due_us;
	unsigned number;
	uint8_t end;
	uint8_t act;
	uint8_t step;
};

struct soak {
	struct path *path;
	int fds[ENDS];
	int rtp_fd;
	int rtp_port;
	int ports[ENDS];
	char addresses[ENDS][32];
	char host[32]; /* of the switch */
	struct sockaddr_in server;
	struct call *calls;
	struct event *heap;
	size_t count;
	size_t room;
	uint64_t now_us;
	uint64_t seed;
	unsigned long answered, refused, cancelled, silent, byes[2], agains, vanished[2], seconds,
		redirected, reliable, unmatched;
};

/* --- soak_calls.c --- */
/* 0 .. below - 1, always the same for the same call and salt. */
unsigned soak_chance(const struct soak *soak, unsigned number, unsigned salt, unsigned below);
void soak_at(struct soak *soak, uint64_t delay_us, unsigned number, int end, enum act act,
	     unsigned step);
/* NULL: not remembered. */
struct call *soak_find(struct soak *soak, unsigned number);
/* Sends a message until it is answered. */
void soak_begin(struct soak *soak, struct call *call, int end, enum act act);
/* The final answer to the INVITE of a gateway, unless there was one. */
void soak_finish(struct soak *soak, struct call *call, int end, int status);
/* The caller gives up as soon as it may. */
void soak_cancel(struct soak *soak, struct call *call);

/* --- soak_hear.c --- */
path_fn soak_hear;

/* --- soak_text.c --- */
/* The value of a header field; empty when there is none. */
void soak_field(const char *data, const char *name, char *out, size_t size);
/* A packet to where the SDP of a message wants media. */
void soak_send_media(struct soak *soak, const char *data);
/* Header lines and body for an offer or answer; an even version holds the call. */
const char *soak_sdp(const struct soak *soak, unsigned version, char *out, size_t size);
/* A request of a side; more = further header lines and the body, NULL = none. */
void soak_request(struct soak *soak, const struct call *call, int end, const char *method,
		  const char *branch, unsigned cseq, const char *more);
/* ACK for the answer to an INVITE. */
void soak_acknowledge(struct soak *soak, const struct call *call, int end, unsigned cseq,
		      int status);
/* An answer to a request as it came. */
void soak_reply(struct soak *soak, int end, const char *data, int status, const char *local,
		const char *more);
/* An answer to the INVITE of a side that is a gateway. */
void soak_answer(struct soak *soak, const struct call *call, int end, int status, bool has_sdp,
		 const char *headers);
