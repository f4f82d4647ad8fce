/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/switchd.h"

#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/alarm/alarm.h"
#include "switchd/alarm/notices.h"
#include "switchd/auth/digest.h"
#include "switchd/auth/firewall.h"
#include "switchd/auth/blacklist.h"
#include "switchd/cdr/files.h"
#include "switchd/fraud/fraud.h"
#include "switchd/cdr/push.h"
#include "switchd/media/media.h"
#include "switchd/nat/keepalive.h"
#include "switchd/sip/guard.h"
#include "switchd/sip/location.h"
#include "switchd/sip/resolve.h"
#include "switchd/stats/monitor.h"
#include "switchd/stats/report.h"
#include "switchd/store/backups.h"
#include "switchd/sip/stream.h"
#include "switchd/switchd_trace.h"

#define STREAM_GRACE_MS 1000 /* for what waits in TCP and TLS connections */

/* One line that says what to do; the sentence is the fault's. */
static enum switchd_exit fail(struct switchd *switchd, enum switchd_exit code,
			      const struct vos_fault *fault, enum vos_err err)
{
	if (fault->text[0])
		log_error(&switchd->log, "switchd", "%s", fault->text);
	else
		log_error(&switchd->log, "switchd", "cannot start: %s", vos_strerror(err));
	return code;
}

static void set_log_level(struct switchd *switchd, const struct snapshot *snapshot)
{
	const struct object *logging = snapshot_object_find(snapshot, OBJECT_LOGGING, SPAN_LIT(""));
	const struct value *level = logging ? object_field(logging, FIELD_LOGGING_LEVEL) : NULL;

	if (level && level->type == VALUE_ENUM)
		log_set_threshold(&switchd->log, (enum log_level)level->number);
}

enum switchd_exit switchd_load(struct switchd *switchd)
{
	struct snapshot *snapshot = NULL;
	struct vos_fault fault = {0};
	enum vos_err err;

	err = store_open(&switchd->log, switchd->options.state_dir, &switchd->store, &fault);
	if (err == VOS_OK)
		err = store_load_config(switchd->store, &snapshot, &fault);
	if (err != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	if (!switchd->options.check_only)
		err = ctl_settle_confirm(switchd->store, &snapshot, &switchd->log, &fault);
	if (err != VOS_OK) {
		snapshot_unref(snapshot);
		return fail(switchd, EXIT_STATE, &fault, err);
	}
	if (switchd->options.apply_path) {
		struct snapshot *merged = NULL;

		err = ctl_apply_file(switchd->store, snapshot, switchd->options.apply_path,
				     "--apply", switchd->options.check_only, &switchd->log, &merged,
				     &fault);
		snapshot_unref(snapshot);
		if (err != VOS_OK)
			return fail(switchd, EXIT_CONFIG, &fault, err);
		snapshot = merged;
	}
	set_log_level(switchd, snapshot);
	err = conf_build(snapshot, store_key(switchd->store), NULL, &switchd->conf, &fault);
	if (err != VOS_OK) {
		snapshot_unref(snapshot);
		return fail(switchd, EXIT_CONFIG, &fault, err);
	}
	conf_set_grave(switchd->conf, &switchd->grave);
	err = ctl_restore_gateways(switchd->store, switchd->conf, &switchd->log);
	if (err != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	return EXIT_STOPPED;
}

struct conf_mail {
	struct mail mail;
	struct conf *conf;
};

/* In the signalling thread, between two messages. The conf before goes to the grave when nobody
 * else has it: freeing it is not for this thread. */
static void swap_conf(struct mail *mail, void *receiver)
{
	struct conf_mail *letter = (struct conf_mail *)mail;
	struct sip_worker *worker = receiver;

	worker_swap_conf(worker, letter->conf);
	free(letter);
}

/* In the control thread, after a commit. */
static void conf_changed(void *user, struct conf *conf)
{
	struct switchd *switchd = user;

	set_log_level(switchd, conf->snapshot);
	alarms_configure(switchd->alarms, conf->snapshot);
	alarm_notices_configure(switchd->alarm_notices, conf);
	fraud_configure(switchd->fraud, conf->snapshot);
	monitor_configure(switchd->monitor, conf);
	cdr_writer_configure(switchd->cdr, conf->snapshot);
	cdr_files_configure(switchd->cdr_files, conf->snapshot);
	cdr_push_configure(switchd->cdr_push, conf);
	backups_configure(switchd->backups, conf->snapshot);
	media_configure(switchd->media, conf);
	switchd_trace_configure(switchd, conf->snapshot);
	firewall_configure(switchd->firewall, conf);
	if (switchd->shared.stream)
		stream_configure(switchd->shared.stream, conf);
	for (int i = 0; i < switchd->shared.worker_count; i++) {
		struct conf_mail *letter = calloc(1, sizeof(*letter));

		if (!letter) {
			log_error(&switchd->log, "switchd",
				  "out of memory: signalling thread %d keeps generation %llu", i,
				  (unsigned long long)snapshot_generation(conf->snapshot) - 1);
			continue;
		}
		letter->mail.run = swap_conf;
		letter->conf = conf_ref(conf);
		if (!mailbox_post(&switchd->shared.workers[i]->mailbox, &letter->mail)) {
			conf_unref(letter->conf);
			free(letter);
		}
	}
}

static void shutdown_asked(void *user, int grace_s)
{
	struct switchd *switchd = user;
	const uint64_t one = 1;

	__atomic_store_n(&switchd->shutdown_grace_s, grace_s, __ATOMIC_RELAXED);
	if (write(switchd->shutdown_fd, &one, sizeof(one)) < 0)
		log_error(&switchd->log, "switchd", "cannot pass on the shutdown");
}

static enum switchd_exit make_tables(struct switchd *switchd)
{
	const struct snapshot *snapshot = switchd->conf->snapshot;
	int media_threads = (int)snapshot_number(snapshot, PARAM_SS_MEDIA_THREADS);
	struct vos_fault fault = {0};
	enum vos_err err;

	if ((err = alarms_create(&switchd->log, &switchd->alarms)) != VOS_OK ||
	    (err = store_load_alarms(switchd->store, switchd->alarms)) != VOS_OK ||
	    (err = keepalive_create(&switchd->keepalive)) != VOS_OK ||
	    (err = location_create(switchd->keepalive, &switchd->location)) != VOS_OK ||
	    (err = auth_create(&switchd->auth)) != VOS_OK ||
	    (err = firewall_create(&switchd->log, switchd->auth, &switchd->firewall)) != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	alarms_configure(switchd->alarms, snapshot);
	auth_set_location(switchd->auth, switchd->location);
	keepalive_set_reports(switchd->keepalive, &switchd->log, switchd->alarms);
	err = media_create(&switchd->log, switchd->conf, media_threads, &switchd->media, &fault);
	if (err != VOS_OK)
		return fail(switchd, EXIT_BIND, &fault, err);
	media_wake_late(switchd->media);
	return EXIT_STOPPED;
}

/* Calls that an earlier run has left become records here. */
static enum switchd_exit make_cdr(struct switchd *switchd, int threads)
{
	struct vos_fault fault = {0};
	enum vos_err err =
		cdr_writer_create(switchd->store, &switchd->log, switchd->alarms, threads,
				  switchd->conf->snapshot, &switchd->cdr, &fault);

	if (err == VOS_OK)
		err = stats_create(&switchd->stats);
	if (err == VOS_OK)
		err = reports_create(switchd->stats, switchd->cdr, &switchd->log,
				     &switchd->reports);
	if (err == VOS_OK)
		err = cdr_files_create(switchd->cdr, switchd->options.state_dir, &switchd->log,
				       switchd->alarms, switchd->conf->snapshot,
				       &switchd->cdr_files);
	if (err == VOS_OK)
		err = cdr_push_create(switchd->cdr, &switchd->log, switchd->alarms, switchd->conf,
				      &switchd->cdr_push);
	if (err == VOS_OK)
		err = cdr_writer_start(switchd->cdr, &fault);
	if (err == VOS_OK)
		err = cdr_files_start(switchd->cdr_files);
	if (err == VOS_OK)
		err = cdr_push_start(switchd->cdr_push);
	if (err == VOS_OK)
		err = alarm_notices_start(&switchd->log, switchd->alarms, switchd->conf,
					  cdr_writer_identity(switchd->cdr),
					  &switchd->alarm_notices);
	return err == VOS_OK ? EXIT_STOPPED : fail(switchd, EXIT_STATE, &fault, err);
}

static enum vos_err make_fraud(struct switchd *switchd, int threads)
{
	const struct fraud_sources sources = {
		.log = &switchd->log,
		.alarms = switchd->alarms,
		.blacklist = auth_blacklist(switchd->auth),
		.records = cdr_writer_store(switchd->cdr),
	};
	enum vos_err err = fraud_create(&sources, threads, &switchd->fraud);

	fraud_configure(switchd->fraud, switchd->conf->snapshot);
	return err;
}

static enum switchd_exit make_workers(struct switchd *switchd)
{
	struct sip_shared *shared = &switchd->shared;
	struct vos_fault fault = {0};

	shared->log = &switchd->log;
	shared->alarms = switchd->alarms;
	shared->location = switchd->location;
	shared->auth = switchd->auth;
	shared->keepalive = switchd->keepalive;
	shared->media = switchd->media;
	hash_key_random(&shared->owner_key);
	shared->worker_count =
		(int)snapshot_number(switchd->conf->snapshot, PARAM_SS_SIP_SIGNALLING_THREADS);
	shared->workers = calloc((size_t)shared->worker_count, sizeof(struct sip_worker *));
	if (switchd_trace_start(switchd, shared->worker_count) != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, VOS_ENOMEM);
	if (make_cdr(switchd, shared->worker_count) != EXIT_STOPPED)
		return EXIT_STATE;
	if (make_fraud(switchd, shared->worker_count) != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, VOS_ENOMEM);
	shared->fraud = switchd->fraud;
	shared->recorder = switchd->recorder;
	shared->cdr = switchd->cdr;
	if (!shared->workers || guard_create(shared->worker_count, &shared->guard) != VOS_OK ||
	    resolver_create(&shared->resolver) != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, VOS_ENOMEM);
	for (int i = 0; i < shared->worker_count; i++) {
		enum vos_err err =
			worker_create(shared, i, switchd->conf, &shared->workers[i], &fault);

		if (err != VOS_OK)
			return fail(switchd, EXIT_BIND, &fault, err);
	}
	return EXIT_STOPPED;
}

static enum switchd_exit make_stream(struct switchd *switchd)
{
	struct vos_fault fault = {0};
	enum vos_err err =
		stream_create(&switchd->shared, switchd->conf, &switchd->shared.stream, &fault);

	return err == VOS_OK ? EXIT_STOPPED : fail(switchd, EXIT_BIND, &fault, err);
}

static enum switchd_exit start_store(struct switchd *switchd)
{
	struct vos_fault fault = {0};
	enum vos_err err = switchd_restore(switchd);

	if (err == VOS_OK) {
		store_set_alarms(switchd->store, switchd->alarms);
		err = store_thread_start(switchd->store, switchd->location);
	}
	if (err != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	switchd->store_thread_started = true;
	err = backups_start(switchd->store, &switchd->log, switchd->alarms, switchd->conf->snapshot,
			    &switchd->backups);
	return err == VOS_OK ? EXIT_STOPPED : fail(switchd, EXIT_STATE, &fault, err);
}

static enum vos_err start_monitor(struct switchd *switchd)
{
	const struct metrics_sources sources = {
		.stats = switchd->stats,
		.alarms = switchd->alarms,
		.cdr = switchd->cdr,
		.media = switchd->media,
		.fraud = switchd->fraud,
		.location = switchd->location,
		.workers = switchd->shared.workers,
		.worker_count = switchd->shared.worker_count,
		.started_ms = switchd->started_ms,
		.version = VOS_VERSION,
	};

	return monitor_start(&sources, &switchd->log, switchd->options.state_dir, switchd->conf,
			     &switchd->monitor);
}

static enum switchd_exit start_threads(struct switchd *switchd)
{
	struct sip_shared *shared = &switchd->shared;
	struct vos_fault fault = {0};
	struct ctl_context context = {
		.log = &switchd->log,
		.store = switchd->store,
		.state_dir = switchd->options.state_dir,
		.workers = shared->workers,
		.stream = shared->stream,
		.worker_count = shared->worker_count,
		.alarms = switchd->alarms,
		.alarm_notices = switchd->alarm_notices,
		.backups = switchd->backups,
		.location = switchd->location,
		.auth = switchd->auth,
		.guard = shared->guard,
		.firewall = switchd->firewall,
		.keepalive = switchd->keepalive,
		.media = switchd->media,
		.recorder = switchd->recorder,
		.media_recorder = switchd->media_recorder,
		.hep = switchd->hep,
		.cdr = switchd->cdr,
		.cdr_push = switchd->cdr_push,
		.stats = switchd->stats,
		.fraud = switchd->fraud,
		.conf = switchd->conf,
		.grave = &switchd->grave,
		.version = VOS_VERSION,
		.started_ms = switchd->started_ms,
		.conf_changed = conf_changed,
		.shutdown = shutdown_asked,
		.user = switchd,
	};
	enum vos_err err;

	err = shared->stream ? stream_start(shared->stream) : VOS_OK;
	if (err != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	for (int i = 0; i < shared->worker_count; i++) {
		err = worker_start(shared->workers[i]);
		if (err != VOS_OK)
			return fail(switchd, EXIT_STATE, &fault, err);
		switchd->worker_started++;
	}
	err = start_monitor(switchd);
	if (err != VOS_OK)
		return fail(switchd, EXIT_STATE, &fault, err);
	err = ctl_start(&context, switchd->options.socket_path, &switchd->ctl, &fault);
	if (err != VOS_OK)
		return fail(switchd, EXIT_BIND, &fault, err);
	return EXIT_STOPPED;
}

enum switchd_exit switchd_start(struct switchd *switchd)
{
	enum switchd_exit code = make_tables(switchd);

	if (code == EXIT_STOPPED)
		code = make_workers(switchd);
	if (code == EXIT_STOPPED)
		code = make_stream(switchd);
	if (code == EXIT_STOPPED)
		code = start_store(switchd);
	if (code == EXIT_STOPPED)
		code = start_threads(switchd);
	return code;
}

void switchd_stop(struct switchd *switchd, int grace_ms)
{
	if (switchd->ctl)
		ctl_stop(switchd->ctl);
	switchd->ctl = NULL;
	monitor_stop(switchd->monitor);
	switchd->monitor = NULL;
	for (int i = 0; i < switchd->worker_started; i++)
		worker_stop(switchd->shared.workers[i], grace_ms);
	for (int i = 0; i < switchd->worker_started; i++)
		worker_join(switchd->shared.workers[i]);
	switchd->worker_started = 0;
	switchd_trace_stop(switchd);
	/* After those whose last messages it sends. */
	if (switchd->shared.stream)
		stream_stop(switchd->shared.stream, STREAM_GRACE_MS);
	cdr_push_stop(switchd->cdr_push);
	cdr_writer_stop(switchd->cdr);
	reports_stop(switchd->reports);
	cdr_files_stop(switchd->cdr_files);
	backups_stop(switchd->backups);
	switchd->backups = NULL;
	if (switchd->store_thread_started)
		store_thread_stop(switchd->store);
	switchd->store_thread_started = false;
}

void switchd_free(struct switchd *switchd)
{
	switchd_stop(switchd, 0);
	stream_destroy(switchd->shared.stream);
	resolver_destroy(switchd->shared.resolver);
	for (int i = 0; switchd->shared.workers && i < switchd->shared.worker_count; i++)
		worker_destroy(switchd->shared.workers[i]);
	free(switchd->shared.workers);
	cdr_files_destroy(switchd->cdr_files);
	cdr_writer_destroy(switchd->cdr);
	cdr_push_destroy(switchd->cdr_push);
	reports_destroy(switchd->reports);
	fraud_destroy(switchd->fraud);
	stats_destroy(switchd->stats);
	guard_destroy(switchd->shared.guard);
	if (switchd->media)
		media_destroy(switchd->media);
	switchd_trace_free(switchd);
	if (switchd->location)
		location_destroy(switchd->location);
	if (switchd->keepalive)
		keepalive_destroy(switchd->keepalive);
	firewall_destroy(switchd->firewall);
	if (switchd->auth)
		auth_destroy(switchd->auth);
	alarm_notices_stop(switchd->alarm_notices);
	alarms_destroy(switchd->alarms);
	if (switchd->conf)
		conf_unref(switchd->conf);
	conf_grave_sweep(&switchd->grave);
	if (switchd->store)
		store_close(switchd->store);
}
