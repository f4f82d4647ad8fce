/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The connection to switchd: one request at a time, its output handed to a sink as it arrives.
 *
 * Everything here blocks in poll(2) until the reply, the deadline or a cancel. Between requests the
 * owner watches client_fd() and calls client_poll() when it is readable. Not thread-safe. */
#pragma once

#include "shared/base/err.h"
#include "shared/control/control.h"
#include "shared/grammar/grammar.h"

struct client;

/* What hello said. */
struct client_info {
	int protocol;
	char version[32];
	char grammar[72]; /* grammar_hash() of the daemon */
	char hostname[64];
	enum role role;
	char session[32];
	char token[20]; /* names this session to the next one, which takes up what it left */
	uint64_t generation;
	int confirm_s; /* left to confirm the last commit in; 0 = none waits */
	int kept;      /* changes of a candidate that configure resume takes up */
};

/* State after a request; what the prompt is made of. */
struct client_status {
	char mode[MODE_KEY_MAX + 48]; /* mode_parse() reads it */
	char hostname[64];
	int pending;         /* changes in the candidate */
	uint64_t generation; /* running */
	bool is_different;   /* apply --diff, show configuration diff: there is a difference */
	int confirm_s;       /* left to confirm the last commit in; 0 = none waits */
	char question[128];  /* that yes would have answered, "" = none */
	char stage[12];      /* "commit": a conflict or check refused it, not the line itself */
	bool is_closing;     /* the daemon ends: exit of exec, or its shutdown */
};

/* Output of a request. Members may be NULL; the JSON is borrowed for the time of the call. */
struct client_sink {
	void *context;
	/* What follows is the output of this command, until the next section. */
	void (*section)(void *context, const char *schema, const char *command);
	/* Array of {"name","type","unit","header","width"}; comes once, before the rows. */
	void (*columns)(void *context, const char *schema, json_t *columns);
	void (*rows)(void *context,
		     json_t *rows); /* array of arrays, cells in order of the columns */
	void (*item)(void *context, const char *schema, json_t *item);
	void (*text)(void *context, const char *text); /* whole lines, with their newlines */
	/* Also used for every fault of a file (apply); is_error tells the two apart. */
	void (*warning)(void *context, const struct vos_fault *warning, bool is_error);
	/* Asked whenever poll(2) returns, also by a signal; true cancels the request once. */
	bool (*is_cancelled)(void *context);
};

struct client_request {
	const char *line;
	const char *mode; /* "exec", "config", ...; NULL = "exec" */
	bool yes;         /* -y: questions are answered with yes */
	bool batch;       /* no questions */
	const char *file; /* name and line number for the faults of a file; NULL, 0 */
	int number;
	int timeout_ms; /* 0 = none */
};

struct client_apply {
	const char *name; /* of the file, for messages and the audit */
	const char *text; /* whole file; sent in parts */
	size_t len;
	const char *comment; /* NULL = none */
	bool check;          /* parse and check, commit nothing */
	bool diff;           /* print what would change, commit nothing */
	bool replace;
	int confirm_minutes; /* commit confirmed; 0 = holds */
	int timeout_ms;
};

/* load merge, configure replace: a file into the candidate of this connection. */
struct client_load {
	const char *name; /* of the file */
	const char *text;
	size_t len;
	const char *mode; /* where the command was typed */
	bool replace;
	int timeout_ms;
};

/* Default socket: $VOSCTL_SOCKET, else /run/switchd/control.sock. */
const char *client_default_path(void);

/* Connects and says hello. VOS_ECLOSED: nobody answers (the fault says what to do); VOS_EPERM: the
 * socket may not be opened; VOS_EAGAIN: connected, but no answer within timeout_ms (0 = 5 s). */
VOS_CHECK enum vos_err client_connect(const char *path, int timeout_ms, struct client **out,
				      struct vos_fault *fault);
/* Again, after the connection was lost; the object stays the same. */
VOS_CHECK enum vos_err client_reconnect(struct client *client, int timeout_ms,
					struct vos_fault *fault);
void client_close(struct client *client);
const struct client_info *client_info(const struct client *client);
const char *client_path(const struct client *client);
/* For poll(2): readable when there is an event or the connection ended; -1 when not connected. */
int client_fd(const struct client *client);

/* `event` notifications; params are borrowed. */
typedef void client_event_fn(void *context, json_t *params);
void client_on_event(struct client *client, client_event_fn *fn, void *context);
/* Handles what has arrived, without waiting. VOS_ECLOSED when the connection is gone. */
VOS_CHECK enum vos_err client_poll(struct client *client);

/* One command. VOS_OK: done. VOS_EINVAL: refused, the fault says why. VOS_ECLOSED: connection lost.
 * VOS_EAGAIN: timed out. *status is filled on VOS_OK and VOS_EINVAL. */
VOS_CHECK enum vos_err client_exec(struct client *client, const struct client_request *request,
				   const struct client_sink *sink, struct client_status *status,
				   struct vos_fault *fault);
/* A configuration file as one commit; same results. All faults of the file go to sink->warning. */
VOS_CHECK enum vos_err client_apply(struct client *client, const struct client_apply *apply,
				    const struct client_sink *sink, struct client_status *status,
				    struct vos_fault *fault);
VOS_CHECK enum vos_err client_load(struct client *client, const struct client_load *load,
				   const struct client_sink *sink, struct client_status *status,
				   struct vos_fault *fault);
/* Candidates of the daemon for the end of line: keywords and values for TAB, with help, default and
 * current value for ?. VOS_EAGAIN after timeout_ms (a late answer is dropped); `more` = how many
 * were left out. */
VOS_CHECK enum vos_err client_complete(struct client *client, const char *mode, const char *line,
				       int timeout_ms, candidate_fn *fn, void *context, int *more);
VOS_CHECK enum vos_err client_help(struct client *client, const char *mode, const char *line,
				   int timeout_ms, candidate_fn *fn, void *context, int *more);
