/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control server: one thread that owns sessions, candidates and commits, and speaks the control
 * protocol (shared/control/control.h) on a UNIX socket.
 *
 * It reads signalling and media threads only through mail and their thread-safe public functions. A
 * session costs at most its send buffer, one candidate and one request in progress. */
#pragma once

#include "shared/base/log.h"
#include "shared/config/snapshot.h"

struct alarms;
struct auth;
struct backups;
struct conf;
struct conf_grave;
struct ctl;
struct firewall;
struct guard;
struct keepalive;
struct location;
struct hep;
struct media;
struct sip_worker;
struct stream;
struct fraud;
struct stats;
struct store;

struct ctl_context {
	const struct log *log;
	struct store *store;
	const char *state_dir; /* of the audit trail; NULL = it goes to the log only */
	struct sip_worker **workers;
	int worker_count;
	struct stream *stream; /* TCP and TLS; NULL = there is none */
	struct alarms *alarms; /* may be NULL, as the next */
	struct alarm_notices *alarm_notices;
	struct backups *backups;   /* may be NULL */
	struct location *location; /* this and the next three may be NULL: their shows say so */
	struct auth *auth;
	struct guard *guard; /* may be NULL, as the next one */
	struct firewall *firewall;
	struct keepalive *keepalive;
	struct media *media;
	struct recorder *recorder; /* may be NULL, as the next ones */
	struct recorder *media_recorder;
	struct hep *hep;
	struct cdr_writer *cdr;
	struct cdr_push *cdr_push;
	struct stats *stats; /* may be NULL, as the next */
	struct fraud *fraud;
	struct conf *conf;        /* the first one; ctl takes a reference of its own */
	struct conf_grave *grave; /* of all confs; the control thread sweeps it. NULL = none */
	const char *version;
	int64_t started_ms; /* wall time */
	/* Called in the control thread after a commit; conf is borrowed. NULL = nobody cares. */
	void (*conf_changed)(void *user, struct conf *conf);
	/* Called in the control thread: stop within grace_s seconds. Must not wait for ctl_stop().
	 */
	void (*shutdown)(void *user, int grace_s);
	void *user;
};

/* Binds the socket (mode 0660; a file that nobody answers on is replaced) and starts the thread.
 * Faults: VOS_EINUSE somebody answers on it, VOS_EINVAL the path is too long, VOS_EPERM/VOS_EIO
 * bind failed. */
VOS_CHECK enum vos_err ctl_start(const struct ctl_context *context, const char *socket_path,
				 struct ctl **out, struct vos_fault *fault);
/* Ends the thread and removes the socket. The workers must still run, or have closed their
 * mailboxes. */
void ctl_stop(struct ctl *ctl);

/* What became of a commit that waited to be confirmed when switchd stopped: taken back when its
 * time is over, as one commit; else ctl_start() lets the timer go on. *snapshot is the
 * configuration in force, and may be replaced. Before any thread runs. */
VOS_CHECK enum vos_err ctl_settle_confirm(struct store *store, struct snapshot **snapshot,
					  const struct log *log, struct vos_fault *fault);

/* What operators have said of gateways (`gateway ... disable`), as it was when switchd stopped.
 * Before any thread runs. */
VOS_CHECK enum vos_err ctl_restore_gateways(struct store *store, const struct conf *conf,
					    const struct log *log);

/* `switchd --apply`: merges the file at path into base as one commit, before any thread runs. Each
 * fault of the file is logged as FILE:LINE:COL and counted; on any, nothing is changed and
 * VOS_EINVAL returned with the first one in *fault. *out is a new reference: the new snapshot, or
 * base itself when the file changes nothing, or when another commit still waits to be confirmed
 * (logged). check_only commits nothing. */
VOS_CHECK enum vos_err ctl_apply_file(struct store *store, struct snapshot *base, const char *path,
				      const char *author, bool check_only, const struct log *log,
				      struct snapshot **out, struct vos_fault *fault);
