/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report and the rules between parameters. */
#include "shared/config/check_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/config/keepalive_fit.h"

static struct vos_fault *add_fault(struct check *check, struct vos_fault **list, size_t *count,
				   const char *path)
{
	struct vos_fault *fault;

	if (*count >= CHECK_REPORT_MAX)
		return NULL;
	/* Room grows at powers of two: 1, 2, 4, ... */
	if ((*count & (*count - 1)) == 0) {
		size_t cap = *count ? *count * 2 : 1;
		struct vos_fault *grown = realloc(*list, cap * sizeof(*grown));

		if (!grown) {
			check->failed = true;
			return NULL;
		}
		*list = grown;
	}
	fault = &(*list)[(*count)++];
	*fault = (struct vos_fault){0};
	snprintf(fault->path, sizeof(fault->path), "%s", path);
	return fault;
}

void check_error(struct check *check, enum fault_code code, const char *path, const char *format,
		 ...)
{
	struct check_report *report = check->report;
	struct vos_fault *fault = add_fault(check, &report->errors, &report->error_count, path);
	va_list args;

	if (!fault)
		return;
	fault->code = code;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

void check_warning(struct check *check, const char *path, const char *format, ...)
{
	struct check_report *report = check->report;
	struct vos_fault *fault = add_fault(check, &report->warnings, &report->warning_count, path);
	va_list args;

	if (!fault)
		return;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}

bool check_param_changed(const struct check *check, enum param_id id)
{
	if (!check->before)
		return snapshot_param_is_set(check->after, id);
	return !value_equal(snapshot_param(check->before, id), snapshot_param(check->after, id));
}

struct check_walk check_walk_start(const struct check *check, enum object_kind kind)
{
	struct check_walk walk = {.after = check->after->sets[kind]};

	if (check->before)
		walk.before = check->before->sets[kind];
	/* The same set: nothing of it was touched. */
	if (walk.after && walk.after == walk.before)
		walk.after_at = walk.after->count;
	return walk;
}

const struct object *check_walk_next(struct check_walk *walk, const struct object **before)
{
	size_t before_count = walk->before ? walk->before->count : 0;

	while (walk->after && walk->after_at < walk->after->count) {
		const struct object *object = walk->after->items[walk->after_at++];
		const struct object *old = NULL;

		for (; walk->before_at < before_count; walk->before_at++) {
			old = walk->before->items[walk->before_at];
			if (old == object || strcmp(old->key, object->key) >= 0)
				break;
		}
		if (walk->before_at == before_count)
			old = NULL;
		if (old && old != object && strcmp(old->key, object->key) != 0)
			old = NULL;
		if (old)
			walk->before_at++;
		if (old == object)
			continue;
		*before = old;
		return object;
	}
	return NULL;
}

static bool any_changed(const struct check *check, const enum param_id *ids, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (check_param_changed(check, ids[i]))
			return true;
	return false;
}

#define ANY_CHANGED(check, ...)                                    \
	any_changed((check), (const enum param_id[]){__VA_ARGS__}, \
		    sizeof((const enum param_id[]){__VA_ARGS__}) / sizeof(enum param_id))

static bool overlap(unsigned low, unsigned high, unsigned other_low, unsigned other_high)
{
	return low <= other_high && other_low <= high;
}

static void check_ports(struct check *check)
{
	const struct value *rtp = snapshot_param(check->after, PARAM_SS_RTP_PORT_RANGE);
	const struct value *ivr = snapshot_param(check->after, PARAM_IVR_RTP_PORT);
	bool is_ivr_new = check_param_changed(check, PARAM_IVR_RTP_PORT) &&
			  !check_param_changed(check, PARAM_SS_RTP_PORT_RANGE);

	if (rtp->type != VALUE_PORT_RANGE || ivr->type != VALUE_PORT_RANGE)
		return;
	if (overlap(rtp->ports.low, rtp->ports.high, ivr->ports.low, ivr->ports.high))
		check_error(
			check, FAULT_VALUE_RANGE,
			is_ivr_new ? "param IVR_RTP_PORT" : "param SS_RTP_PORT_RANGE",
			"SS_RTP_PORT_RANGE %u,%u and IVR_RTP_PORT %u,%u overlap; keep them apart",
			rtp->ports.low, rtp->ports.high, ivr->ports.low, ivr->ports.high);
	if (check->facts.ephemeral_low && check_param_changed(check, PARAM_SS_RTP_PORT_RANGE) &&
	    overlap(rtp->ports.low, rtp->ports.high, check->facts.ephemeral_low,
		    check->facts.ephemeral_high))
		check_warning(
			check, "param SS_RTP_PORT_RANGE",
			"SS_RTP_PORT_RANGE %u,%u overlaps the system's ephemeral ports %u,%u; "
			"ports that others hold are passed over",
			rtp->ports.low, rtp->ports.high, check->facts.ephemeral_low,
			check->facts.ephemeral_high);
}

/* Keepalive is paced in bursts; what a round does not reach before the next one begins it misses.
 */
static void check_keepalive(struct check *check)
{
	const struct snapshot *after = check->after;
	struct keepalive_pace pace = keepalive_pace_of(after);
	uint64_t expire_s = (uint64_t)snapshot_number(after, PARAM_SS_ENDPOINT_NAT_EXPIRE);
	char settings[KEEPALIVE_FIT_TEXT];
	struct keepalive_fit fit;

	if (!*snapshot_text(after, PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE))
		return;
	if (pace.period_s * 5 > expire_s &&
	    ANY_CHANGED(check, PARAM_SS_SIP_NAT_KEEP_ALIVE_PERIOD, PARAM_SS_ENDPOINT_NAT_EXPIRE,
			PARAM_SS_SIP_NAT_KEEP_ALIVE_MESSAGE))
		check_warning(check, "param SS_SIP_NAT_KEEP_ALIVE_PERIOD",
			      "SS_SIP_NAT_KEEP_ALIVE_PERIOD %llu s is more than a fifth of "
			      "SS_ENDPOINT_NAT_EXPIRE %llu s; NAT bindings may close between two "
			      "keepalives, %llu s or less is safe",
			      (unsigned long long)pace.period_s, (unsigned long long)expire_s,
			      (unsigned long long)(expire_s / 5 < 10 ? 10 : expire_s / 5));
	keepalive_fit(&pace, check->facts.nat_device_count, &fit);
	if (fit.fits)
		return;
	check_warning(check, "param SS_SIP_NAT_KEEP_ALIVE_PERIOD",
		      "a keepalive round of %llu s reaches %llu of the %llu devices registered "
		      "now; %s would reach all",
		      (unsigned long long)pace.period_s, (unsigned long long)fit.capacity,
		      (unsigned long long)fit.devices, keepalive_fit_print(&fit, settings));
}

static void check_session(struct check *check)
{
	long long ttl_s = snapshot_number(check->after, PARAM_SS_SIP_SESSION_TTL);
	long long segment = snapshot_number(check->after, PARAM_SS_SIP_SESSION_UPDATE_SEGMENT);
	long long early_s =
		snapshot_number(check->after, PARAM_SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP);

	if (ttl_s == 0) /* session timer off */
		return;
	if (early_s > ttl_s / 2)
		check_error(check, FAULT_VALUE_RANGE, "param SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP",
			    "SS_SIP_SESSION_TIMEOUT_EARLY_HANGUP %lld s is more than half of "
			    "SS_SIP_SESSION_TTL %lld s; allowed 0..%lld s",
			    early_s, ttl_s, ttl_s / 2);
	/* Up to 10 it divides the TTL, from 30 on it is seconds. */
	if (segment >= 30 && segment >= ttl_s &&
	    ANY_CHANGED(check, PARAM_SS_SIP_SESSION_TTL, PARAM_SS_SIP_SESSION_UPDATE_SEGMENT))
		check_warning(
			check, "param SS_SIP_SESSION_UPDATE_SEGMENT",
			"SS_SIP_SESSION_UPDATE_SEGMENT %lld s is not below SS_SIP_SESSION_TTL "
			"%lld s; sessions would expire before they are refreshed",
			segment, ttl_s);
}

void check_params(struct check *check)
{
	check_ports(check);
	check_keepalive(check);
	check_session(check);
}

enum vos_err snapshot_check(const struct snapshot *before, const struct snapshot *after,
			    const struct check_facts *facts, struct check_report *out)
{
	struct check_report report = {0};
	struct check check = {.before = before, .after = after, .report = &report};

	if (facts)
		check.facts = *facts;
	check_references(&check);
	check_params(&check);
	check_objects(&check);
	check_phones(&check);
	check_registrations(&check);
	check_media(&check);
	check_numbers(&check);
	check_local_addresses(&check);
	check_calls(&check);
	check_not_in_effect(&check);
	if (check.failed) {
		check_report_clear(&report);
		return VOS_ENOMEM;
	}
	*out = report;
	return VOS_OK;
}

void check_report_clear(struct check_report *report)
{
	free(report->errors);
	free(report->warnings);
	*report = (struct check_report){0};
}
