/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every handler of a command, and what several of them share. */
#pragma once

#include "switchd/call/call.h"
#include "switchd/ctl/commit.h"
#include "switchd/ctl/emit.h"
#include "switchd/sip/outbound.h"
#include "switchd/sip/stream.h"
#include "switchd/sip/txn.h"
#include "switchd/sip/worker.h"

#define CTL_SLICE 64 /* rows of one step */

/* --- config_cmds.c, commit_cmds.c --- */
step_fn cmd_configure, cmd_line, cmd_set, cmd_commit, cmd_commit_confirm, cmd_discard, cmd_rebase,
	cmd_rollback, cmd_load, cmd_exit, cmd_end;
/* --- show_config.c, show_configuration.c --- */
step_fn show_running_config, show_configuration, show_configuration_changes,
	show_configuration_history, show_configuration_diff, show_configuration_generation;
/* --- show_parameters.c --- */
step_fn show_parameters, show_parameter;
/* --- show_system.c --- */
step_fn show_version, show_status, show_uptime, show_clock, show_sessions, show_sip_statistics,
	cmd_shutdown;
/* --- show_log.c, show_capacity.c, show_firewall.c --- */
step_fn show_audit, show_logging, show_capacity, show_capacity_firewall;
/* --- monitor.c, monitor_counters.c --- */
step_fn cmd_terminal_monitor, cmd_terminal_no_monitor, cmd_monitor_log, cmd_monitor_counters;
/* --- tech_support.c, show_cdr.c, show_history.c --- */
step_fn show_tech_support, show_calls_history, show_cdr, show_cdr_status;
/* --- show_calls.c, show_call.c --- */
step_fn show_calls, show_call, show_advice, cmd_clear_call, cmd_clear_calls;
/* --- show_transactions.c --- */
step_fn show_sip_transactions, show_sip_transactions_list;
/* --- show_registrations.c, show_outbound.c --- */
step_fn show_registrations, cmd_clear_registration, show_registrations_outbound,
	cmd_clear_registration_outbound;
/* --- show_phones.c --- */
step_fn show_phones;
/* --- show_gateways.c, show_route.c, gateway_cmds.c --- */
step_fn show_mapping_gateways, show_routing_gateways, show_route, cmd_gateway;
/* --- backup_cmds.c --- */
step_fn cmd_backup_create, cmd_backup_list, cmd_backup_verify, cmd_backup_restore, cmd_backup_prune;
/* --- test_sip.c --- */
step_fn cmd_test_sip_options;
/* --- show_counters.c --- */
step_fn show_counters, cmd_clear_counters;
/* --- show_media.c, show_media_path.c --- */
step_fn show_media_ports, show_media_sessions, show_media_decision, show_media_decision_of_call,
	show_media_fast_path;
/* --- show_nat.c --- */
step_fn show_nat_keep_alive, show_nat_keep_alive_capacity, show_nat_keep_alive_phones;
/* --- show_sip.c --- */
step_fn show_sip_transports, show_sip_connections, cmd_certificates_reload;
/* --- show_trace.c, trace_media.c, show_hep.c --- */
step_fn show_trace_calls, show_trace_call, cmd_trace_export, cmd_monitor_calls;
step_fn show_trace_media, cmd_trace_media, show_trace_hep;
/* --- show_auth.c, show_black_list.c --- */
step_fn show_authentication_failures, show_authentication_suspended,
	cmd_clear_authentication_suspended, show_black_list, cmd_clear_black_list;
/* --- show_guard.c --- */
step_fn show_sip_guard, show_authentication_firewall;
/* --- show_statistics.c, show_report.c, show_growth.c, show_fraud.c, show_alarms.c --- */
step_fn show_statistics, show_statistics_causes, show_report, show_report_growth, show_fraud;
step_fn show_alarms, show_alarms_notices, cmd_clear_alarm, cmd_alarm_acknowledge;

/* --- commit_cmds.c --- */
struct commit_options {
	bool check_only;
	bool force;
	bool replace;
	int confirm_minutes; /* 0 = holds without confirmation */
	const char *comment;
	const char *author;
};

/* Conflicts, checks, write, swap; says what happened. Fills the request's fault when it is refused.
 * The candidate keeps its changes then; after success it has none and stands on the new generation.
 */
void commit_candidate(struct request *request, struct config_candidate *candidate,
		      const struct commit_options *options);
/* True, with the request refused, when another session has the lock. */
bool refuse_locked(struct request *request);
/* The same when a commit waits to be confirmed. */
bool refuse_pending(struct request *request);
/* Opens the session's candidate, with the lock if that is wanted; false: refused. */
bool open_candidate(struct request *request, bool is_exclusive);

/* --- show_config.c --- */
/* +/- lines of what turns one configuration into the other; rows of op and line. */
struct diff_rows {
	size_t at;
	struct change_list changes;
	struct snapshot *from;
	bool started;
};
enum step diff_rows_emit(struct request *request, struct diff_rows *rows);
void diff_rows_clear(struct diff_rows *rows);

/* --- ask.c: questions to the signalling threads by mail. --- */

/* Transactions of one method in one state. */
struct txn_count {
	struct txn_info of; /* start_us: of the oldest */
	uint64_t count;
};

#define CTL_TXN_KINDS 64 /* of them; all that occur are fewer */

/* What a part of a thread's table of transactions holds: counted, or one by one. */
struct txn_report {
	bool is_more;
	uint64_t cursor;
	uint64_t now_us;
	size_t kind_count;
	struct txn_count kinds[CTL_TXN_KINDS];
	size_t info_count;
	struct txn_info infos[CTL_SLICE];
};

/* One question in flight. Runs `work` in the worker's thread, then comes back here. */
struct ask {
	struct mail mail;
	struct ctl *ctl;
	uint64_t session;
	uint64_t serial;
	struct sip_worker *worker;
	void (*work)(struct ask *ask, struct sip_worker *worker);
	uint64_t low; /* work's arguments: ids of calls */
	uint64_t high;
	size_t max;
	bool is_found;
	size_t count;
	size_t calls, legs;
	uint64_t timers;
	char text[MODE_KEY_MAX]; /* work's argument: a name, "" = none */
	struct sip_counters counters;
	uint32_t after;   /* of a list of connections: where to go on */
	struct addr peer; /* the same: whose */
	union {
		struct sip_socket_counters sockets[SIP_LISTENS_MAX];
		struct stream_conn_info conns[CTL_SLICE];
		struct call_info infos[CTL_SLICE];
		struct call_detail detail;
		struct txn_report txns;
		struct outbound_info outbound[CTL_SLICE];
	};
};

/* The state of a handler that walks the workers; `reply` is the answer that just came, owned. */
struct walk_workers {
	int worker;
	uint64_t after;
	bool started;
	size_t total; /* the handler's count */
	struct ask *reply;
	void *more; /* the handler's own; freed with it */
};

/* Work of an ask: up to max calls with low < id <= high; the counters; the end of a call. */
void ask_list_calls(struct ask *ask, struct sip_worker *worker);
void ask_counters(struct ask *ask, struct sip_worker *worker);
void ask_socket_counters(struct ask *ask, struct sip_worker *worker);
void ask_clear_call(struct ask *ask, struct sip_worker *worker);
void ask_call_detail(struct ask *ask, struct sip_worker *worker);
/* The state of the request as a walk; NULL when out of memory. */
struct walk_workers *walk_state(struct request *request);
/* Sends the question to walk->worker: STEP_WAIT, or STEP_MORE with no reply when the worker is
 * gone. */
enum step walk_ask(struct request *request, struct walk_workers *walk,
		   void (*work)(struct ask *, struct sip_worker *), uint64_t low, uint64_t high,
		   size_t max);
/* The same with a name, NULL = none, for slices of CTL_SLICE. */
enum step walk_ask_text(struct request *request, struct walk_workers *walk,
			void (*work)(struct ask *, struct sip_worker *), uint64_t low,
			uint64_t high, const char *text);

/* The same to the stream thread: connections of that peer (or of all) from `after` on. */
enum step walk_ask_connections(struct request *request, struct walk_workers *walk,
			       const struct addr *peer, uint32_t after);
/* One step of a walk over all calls of all workers: emits those of the reply that came, asks for
 * the next slice. At the first step (!walk->started) the caller prints its columns before. */
typedef void walk_call_fn(struct request *request, const struct call_info *call);
enum step walk_calls(struct request *request, struct walk_workers *walk, walk_call_fn *emit);

/* --- show_call.c --- */
#define CALL_ID_TEXT 17
char *call_id_text(uint64_t id, char out[CALL_ID_TEXT]);
/* Looks for the one call that the argument <id> names, then has `work` done with its id in its
 * thread and goes on with `then`; or refuses. */
enum step find_call(struct request *request, step_fn *then,
		    void (*work)(struct ask *, struct sip_worker *));
/* In `then`: the answer; NULL, and refused, when the call is gone. */
const struct ask *found_call(struct request *request);
/* --- what several shows need --- */
/* A text argument, NULL when it was not given. */
const char *request_arg(const struct request *request, const char *name);
/* "1001" against "1*". */
bool text_matches(const char *pattern, const char *text);
