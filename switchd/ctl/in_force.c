/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/ctl/in_force.h"

#include <stdio.h>

#include "shared/base/clock.h"
#include "switchd/ctl/ctl_private.h"
#include "switchd/ctl/gateway.h"
#include "switchd/ctl/monitor.h"
#include "switchd/ctl/security.h"

/* A wall clock may be set at any time, so a deadline is looked at once a second. */
#define LOOK_MS        1000
#define REVERT_AGAIN_S 10 /* after a failure: a full disk, say */

/* Everybody gets it. */
static void take_conf(struct ctl *ctl, struct conf *conf)
{
	if (ctl->context.grave)
		conf_set_grave(conf, ctl->context.grave);
	conf_unref(ctl->conf);
	ctl->conf = conf;
	if (ctl->context.conf_changed)
		ctl->context.conf_changed(ctl->context.user, conf);
}

enum vos_err ctl_put_in_force(struct ctl *ctl, const struct commit_plan *plan,
			      const struct commit_note *note, struct vos_fault *fault)
{
	uint64_t generation = snapshot_generation(plan->after);
	int64_t now_ms = clock_wall_ms();
	struct store_confirm record;
	struct conf *conf;
	enum vos_err err;

	record = confirm_record(generation, note->author, note->confirm_minutes, now_ms);
	err = conf_build(snapshot_ref(plan->after), store_key(ctl->context.store), ctl->conf, &conf,
			 fault);
	if (err) {
		snapshot_unref(plan->after); /* the reference that conf_build did not take */
		return err;
	}
	err = store_commit_confirmed(ctl->context.store, &plan->diff, ctl->conf->snapshot,
				     plan->after, note->author, note->comment ? note->comment : "",
				     now_ms, note->confirm_minutes ? &record : NULL, fault);
	if (err) {
		conf_unref(conf);
		return err;
	}
	confirm_clear(&ctl->confirm);
	if (note->confirm_minutes)
		confirm_arm(&ctl->confirm, &record, now_ms, clock_mono_us());
	gateways_forget(ctl, ctl->conf, &plan->diff);
	take_conf(ctl, conf);
	if (note->session)
		monitor_commit(ctl, note, generation);
	if (note->confirm_minutes)
		monitor_confirm(ctl, "waiting", &record, note->session);
	return VOS_OK;
}

enum vos_err revert_plan(struct store *store, struct snapshot *running, uint64_t generation,
			 struct commit_plan *out, struct vos_fault *fault)
{
	struct change_list inverse = {0};
	enum vos_err err = store_generation_changes(store, generation, true, &inverse);

	if (err)
		fault_set(fault, FAULT_INTERNAL, 0, "generation %llu cannot be read: %s",
			  (unsigned long long)generation, vos_strerror(err));
	else
		err = commit_plan_make(running, &inverse, false, NULL, out, fault);
	change_list_clear(&inverse);
	return err;
}

/* The commit that takes back what nobody confirmed. What was in force before it is not checked
 * anew: it has been in force. */
static void take_back(struct ctl *ctl, uint64_t now_us)
{
	const struct store_confirm record = ctl->confirm.record;
	uint64_t generation = record.generation;
	struct commit_plan plan = {0};
	struct vos_fault fault = {0};
	char comment[128];
	const struct commit_note note = {.author = CONFIRM_AUTHOR, .comment = comment};
	enum vos_err err;

	snprintf(comment, sizeof(comment), "takes back generation %llu of %s",
		 (unsigned long long)generation, record.author);
	err = revert_plan(ctl->context.store, ctl->conf->snapshot, generation, &plan, &fault);
	if (!err && plan.after) {
		err = ctl_put_in_force(ctl, &plan, &note, &fault);
	} else if (!err) {
		err = store_confirm_set(ctl->context.store, NULL, &fault);
		if (!err)
			confirm_clear(&ctl->confirm);
	}
	commit_plan_clear(&plan);
	if (err) {
		log_error(ctl->context.log, "ctl",
			  "generation %llu was not confirmed and cannot be taken back yet: %s",
			  (unsigned long long)generation, fault.text);
		ctl->take_back_us = now_us + REVERT_AGAIN_S * 1000000ull;
		return;
	}
	audit_own_act(ctl, comment);
	monitor_confirm(ctl, "reverted", &record, NULL);
	log_warning(ctl->context.log, "ctl",
		    "generation %llu was not confirmed and is taken back; in force is generation "
		    "%llu",
		    (unsigned long long)generation,
		    (unsigned long long)snapshot_generation(ctl->conf->snapshot));
}

/* Built anew from what is in force already: nothing is committed. */
static void follow_interfaces(struct ctl *ctl)
{
	struct snapshot *snapshot = ctl->conf->snapshot;
	struct vos_fault fault = {0};
	struct conf *conf;

	if (conf_build(snapshot_ref(snapshot), store_key(ctl->context.store), ctl->conf, &conf,
		       &fault) != VOS_OK) {
		snapshot_unref(snapshot);
		log_error(ctl->context.log, "ctl",
			  "interfaces have changed, media keeps to what "
			  "they were: %s",
			  fault.text);
		return;
	}
	log_info(ctl->context.log, "ctl", "interfaces of networks have changed");
	take_conf(ctl, conf);
}

static int sooner(int wait_ms, uint64_t other_ms)
{
	int other = other_ms > 60000 ? 60000 : (int)other_ms;

	return wait_ms < 0 || other < wait_ms ? other : wait_ms;
}

int ctl_run_timers(struct ctl *ctl)
{
	uint64_t now_us = clock_mono_us();
	int64_t left_ms = confirm_left_ms(&ctl->confirm, clock_wall_ms(), now_us);
	uint64_t kept_us = kept_expire(&ctl->kept, now_us);
	int wait_ms = -1;
	int security_ms;
	int media_ms;

	if (left_ms == 0 && now_us >= ctl->take_back_us)
		take_back(ctl, now_us);
	if (confirm_is_pending(&ctl->confirm))
		wait_ms = sooner(wait_ms,
				 left_ms > 0 && left_ms < LOOK_MS ? (uint64_t)left_ms : LOOK_MS);
	if (kept_us != UINT64_MAX)
		wait_ms = sooner(wait_ms, (kept_us - now_us) / 1000 + 1);
	if (ctl->read_only_again_us)
		wait_ms = sooner(wait_ms, now_us < ctl->read_only_again_us
						  ? (ctl->read_only_again_us - now_us) / 1000 + 1
						  : 0);
	security_ms = security_run(ctl);
	if (security_ms >= 0)
		wait_ms = sooner(wait_ms, (uint64_t)security_ms);
	media_ms = media_watch_run(ctl);
	if (media_ms >= 0)
		wait_ms = sooner(wait_ms, (uint64_t)media_ms);
	if (conf_has_interfaces(ctl->conf)) {
		if (conf_interfaces_changed(ctl->conf))
			follow_interfaces(ctl);
		wait_ms = sooner(wait_ms, LOOK_MS);
	}
	/* One is the conf in force; others go as calls and transactions end. */
	if (ctl->context.grave && conf_grave_sweep(ctl->context.grave) > 1)
		wait_ms = sooner(wait_ms, LOOK_MS);
	return wait_ms;
}
