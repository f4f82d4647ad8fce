/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside of the control server: server, sessions, requests. All of it belongs to the control
 * thread. */
#pragma once

#include <pthread.h>
#include <sys/types.h>

#include "shared/control/control.h"
#include "shared/grammar/grammar.h"
#include "switchd/conf/conf.h"
#include "switchd/ctl/audit.h"
#include "switchd/ctl/candidate.h"
#include "switchd/ctl/confirm.h"
#include "switchd/ctl/counters.h"
#include "switchd/ctl/ctl.h"
#include "switchd/ctl/emitter.h"
#include "switchd/ctl/follow.h"
#include "switchd/ctl/kept.h"
#include "switchd/ctl/listen.h"
#include "switchd/ctl/media_watch.h"
#include "switchd/ctl/security.h"
#include "switchd/ctl/trace_watch.h"
#include "switchd/loop/mailbox.h"
#include "switchd/store/store.h"

#define CTL_SESSIONS_MAX  64
#define CTL_SESSIONS_KEPT 4  /* of these, only for root and the daemon's own user */
#define CTL_QUEUE_MAX     32 /* requests that wait behind the running one */
#define CTL_SEND_MAX      (4u * 1024u * 1024u)  /* bound of a session's send buffer */
#define CTL_SEND_SOFT     (128u * 1024u)        /* a list goes on when less than this waits */
#define CTL_UPLOAD_MAX    (16u * 1024u * 1024u) /* bytes of a file sent in parts */
#define CTL_LOGIN_MAX     64

struct request;

/* A handler says: again at the next turn (MORE), when its mail is back (WAIT), or never. */
enum step { STEP_DONE, STEP_MORE, STEP_WAIT };
typedef enum step step_fn(struct request *request);

struct ctl {
	struct ctl_context context;
	struct conf *conf; /* running */
	struct grammar *grammar;
	struct mailbox mailbox;
	struct session *sessions;
	struct session *exclusive; /* configure exclusive; NULL = nobody */
	int64_t exclusive_since_ms;
	struct confirm confirm; /* the commit that waits to be confirmed */
	uint64_t take_back_us;  /* not before this, after a failure */
	struct kept kept;       /* candidates of lost connections */
	struct counter_bases counters;
	struct ping_letter *pings; /* at the signalling threads (test_sip.c) */
	int session_count;
	uint64_t next_session;
	uint64_t next_serial;
	int mail_out; /* at the workers */
	struct mail stop_mail;
	int spare_fd; /* given up to refuse a connection when descriptors run out */
	struct control_listen listen;
	struct control_listen read_only; /* its sessions are monitors, whoever they are */
	uint64_t read_only_generation;   /* the configuration it was opened by */
	uint64_t read_only_again_us;     /* tried again then; 0 = it is as it should be */
	struct vos_fault read_only_fault;
	struct security security;
	struct media_watch media_watch;
	struct trace_watch trace_watch;
	struct audit audit;
	struct log_ring *log_ring; /* NULL = there is none to follow */
	bool is_followed;          /* somebody waits for its lines */
	bool has_events;           /* queued for sessions that had their turn already */
	int epoll_fd;
	bool is_stopping;
	pthread_t thread;
};

struct session {
	struct session *prev;
	struct session *next;
	struct ctl *ctl;
	uint64_t id;
	uint64_t token;  /* names it to its own client, also after a restart */
	uint64_t resume; /* token of the one before, whose candidate is kept; 0 = none */
	struct control_conn conn;
	uid_t uid;
	pid_t pid;
	bool is_group_member; /* of the socket's group */
	bool is_read_only;    /* came by the read-only socket */
	char login[CTL_LOGIN_MAX];
	char client[32]; /* what it calls itself in hello */
	int64_t since_ms;
	int64_t last_ms; /* of its newest request */
	struct config_candidate candidate;
	bool is_batch; /* asked no questions: its candidate ends with it */
	struct buf upload;
	bool upload_failed;
	struct follow follow;
	struct request *active;
	json_t *queue[CTL_QUEUE_MAX];
	int queue_len;
	uint32_t epoll_events;
	bool is_ended; /* the client sends no more; closed once everything is answered */
	bool is_dead;
};

struct request {
	struct ctl *ctl;
	struct session *session;
	int64_t id;
	uint64_t serial; /* mail that comes back names it */
	step_fn *step;
	void *state;                     /* the handler's */
	void (*drop_state)(void *state); /* NULL = free */
	bool is_waiting;
	bool is_cancelled;
	bool yes;
	bool batch;
	const char *file; /* borrowed from params */
	int line_number;
	json_t *params;
	struct mode mode; /* where the line was typed */
	struct mode mode_after;
	bool is_different;
	bool is_closing;
	bool is_audited;
	char question[128];     /* that -y would have answered; "" = none */
	bool is_commit_refused; /* a conflict or a check, not the line itself */
	bool has_fault;
	struct vos_fault fault;
	json_t *result; /* replaces the status when set (hello, complete) */
	struct emitter emit;
	size_t part;        /* of show tech-support: the one that is being shown */
	step_fn *part_step; /* its handler */
	struct match match;
};

/* --- server.c --- */
/* The read-only socket as the configuration in force wants it. Its sessions stay when it goes.
 * False, with an alarm and read_only_fault, when it was tried and cannot be; it is tried again. */
bool ctl_update_read_only(struct ctl *ctl);

/* --- session.c --- */
struct session *session_create(struct ctl *ctl, int fd, bool is_read_only);
void session_destroy(struct session *session);
/* Reads, parses, queues. */
void session_input(struct session *session);
/* One step of the running request, or the start of the next. True: there is more to do at once. */
bool session_turn(struct session *session);
void session_send(struct session *session, json_t *message);
/* Role by the current configuration, so that a change of it holds for sessions that are open. */
enum role session_role(const struct session *session);
struct session *session_find(struct ctl *ctl, uint64_t id);
const char *role_name(enum role role);

/* --- request.c --- */
struct request *request_create(struct session *session, json_t *message);
void request_destroy(struct request *request);
/* Sends result or error. */
void request_finish(struct request *request);
/* Refuses: fills the fault, returns STEP_DONE. */
enum step request_refuse(struct request *request, enum fault_code code, int column,
			 const char *format, ...) VOS_PRINTF(4, 5);
/* Refuses unless somebody has said yes: vosctl asks the question when a person is there. */
enum step request_ask(struct request *request, const char *format, ...) VOS_PRINTF(2, 3);
/* As above with a fault that is filled already. */
enum step request_fail(struct request *request, const struct vos_fault *fault);
enum step request_no_memory(struct request *request);
/* Zeroed memory that lives as long as the request; NULL when out of memory. */
void *request_state(struct request *request, size_t size);
void request_drop_state(struct request *request);
bool request_has(const struct request *request, const char *arg);
struct snapshot *request_running(const struct request *request);

/* --- dispatch.c, and the other methods --- */
enum step dispatch_exec(struct request *request);
enum step complete_method(struct request *request);
enum step help_method(struct request *request);
step_fn apply_method, apply_part_method;
enum step load_method(struct request *request);
/* NULL: the command has none. */
step_fn *dispatch_handler(enum command_id command);

/* --- peer.c: who is at the other end. --- */
void peer_identify(struct session *session, gid_t socket_gid);
/* Root or the daemon's own user, by a socket that lets them. */
bool session_is_owner(const struct session *session);

/* --- audit.c --- */
void audit_command(const struct request *request, const char *line, const char *result);
/* What switchd does by itself. */
void audit_own_act(struct ctl *ctl, const char *what);
