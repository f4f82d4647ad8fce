/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one context of the daemon, and its start and stop order.
 *
 * Start: state folder, configuration, shared tables, media threads, signalling threads (sockets
 * bound before anything is served), streams (TCP and TLS), stored bindings, storage thread, control
 * socket. Stop is the reverse: no more commands, calls ended with BYE, streams, media, pending
 * writes. */
#pragma once

#include "switchd/conf/conf.h"
#include "switchd/ctl/ctl.h"
#include "switchd/sip/worker.h"
#include "switchd/store/store.h"

/* Exit codes (switchd(8)). */
enum switchd_exit {
	EXIT_STOPPED = 0,
	EXIT_CONFIG = 1,
	EXIT_USAGE = 2,
	EXIT_BIND = 3,
	EXIT_STATE = 4,
};

struct switchd_options {
	const char *state_dir;
	const char *socket_path;
	const char *apply_path; /* NULL = none */
	bool is_foreground;
	bool check_only;
};

struct switchd {
	struct switchd_options options;
	struct log log;
	struct store *store;
	struct conf *conf; /* of the start; later ones live in the threads */
	struct conf_grave grave;
	struct alarms *alarms;
	struct backups *backups;
	struct auth *auth;
	struct firewall *firewall;
	struct location *location;
	struct keepalive *keepalive;
	struct media *media;
	struct recorder *recorder;
	struct hep *hep;
	struct recorder *media_recorder; /* RTP of calls traced with media */
	struct cdr_writer *cdr;
	struct stats *stats;
	struct fraud *fraud;
	struct reports *reports;
	struct monitor *monitor;
	struct alarm_notices *alarm_notices;
	struct cdr_files *cdr_files;
	struct cdr_push *cdr_push;
	struct sip_shared shared;
	int worker_started;
	bool store_thread_started;
	struct ctl *ctl;
	int shutdown_fd; /* eventfd: written by the control thread */
	int shutdown_grace_s;
	int64_t started_ms;
};

/* Each logs its own failure in one line and returns the exit code. */
enum switchd_exit switchd_load(struct switchd *switchd);
enum switchd_exit switchd_start(struct switchd *switchd);
void switchd_stop(struct switchd *switchd, int grace_ms);
/* switchd_restore.c: before the store's thread starts. */
VOS_CHECK enum vos_err switchd_restore(struct switchd *switchd);
/* Frees everything that load and start have made, in whatever state they stopped. */
void switchd_free(struct switchd *switchd);
