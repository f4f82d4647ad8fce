/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registrations of ours at other servers: what the threads that own them say, in the order of the
 * configuration. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/clock.h"
#include "switchd/conf/conf_registrations.h"
#include "switchd/ctl/fields.h"
#include "switchd/ctl/handlers.h"

/* What has no heading is in JSON all the same. */
static const struct column columns[] = {
	{"name", CELL_TEXT, "", "NAME", 16},
	{"account", CELL_TEXT, "", "ACCOUNT", 14},
	{"server", CELL_TEXT, "", "SERVER", 22},
	{"state", CELL_TEXT, "", "STATE", 13},
	{"granted_s", CELL_INT, "s", "GRANTED", 7},
	{"next_s", CELL_INT, "s", "NEXT", 6},
	{"last_answer", CELL_TEXT, "", "LAST-ANSWER", 20},
	{"last_answer_time", CELL_TIME, "", "AT", -20},
	{"failures", CELL_INT, "", "FAILURES", -8},
	{"registered_since_time", CELL_TIME, "", "SINCE", -20},
	{"transport", CELL_TEXT, "", "", 3},
	{"server_address", CELL_TEXT, "", "", 21},
	{"local_address", CELL_TEXT, "", "", 21},
	{"routing_gateway", CELL_TEXT, "", "GATEWAY", -16},
	{"mapping_gateway", CELL_TEXT, "", "", 16},
	{"proxy", CELL_TEXT, "", "PROXY", -22},
	{"host", CELL_TEXT, "", "HOST", -22},
	{"user_agent", CELL_TEXT, "", "", 16},
	{"calls", CELL_INT, "", "CALLS", -5},
	{"capacity", CELL_INT, "", "CAPACITY", -8},
	{"memo", CELL_TEXT, "", "", 24},
};

const struct schema schema_registrations_outbound = SCHEMA_OF_ROWS(columns);

/* What came back so far, by name. */
struct found {
	size_t count;
	size_t cap;
	struct outbound_info infos[];
};

/* --- In the signalling threads. --- */

static void ask_list(struct ask *ask, struct sip_worker *worker)
{
	ask->count = outbound_list(worker->outbound, ask->text, ask->outbound, ask->max);
}

static void ask_again(struct ask *ask, struct sip_worker *worker)
{
	ask->count = outbound_again(worker->outbound, span_of(ask->text));
}

/* --- In the control thread. --- */

static bool collect(struct walk_workers *walk)
{
	struct found *found = walk->more;
	size_t count = walk->reply->count;

	if (!found || found->count + count > found->cap) {
		size_t cap = found ? found->cap * 2 : 4 * CTL_SLICE;

		found = realloc(walk->more, sizeof(*found) + cap * sizeof(found->infos[0]));
		if (!found)
			return false;
		if (!walk->more)
			found->count = 0;
		found->cap = cap;
		walk->more = found;
	}
	memcpy(found->infos + found->count, walk->reply->outbound, count * sizeof(found->infos[0]));
	found->count += count;
	return true;
}

static int compare_info(const void *a, const void *b)
{
	const struct outbound_info *left = a;
	const struct outbound_info *right = b;

	return strcmp(left->name, right->name);
}

static const struct outbound_info *info_of(const struct found *found, const char *name)
{
	struct outbound_info wanted = {0};

	snprintf(wanted.name, sizeof(wanted.name), "%s", name);
	return found ? bsearch(&wanted, found->infos, found->count, sizeof(wanted), compare_info)
		     : NULL;
}

/* Of a time of the monotonic clock; 0 = never. */
static int64_t wall_of(uint64_t us)
{
	uint64_t now_us = clock_mono_us();

	if (!us)
		return 0;
	return clock_wall_ms() - ((int64_t)now_us - (int64_t)us) / 1000;
}

static void emit_text_field(struct request *request, const struct object *object, enum field_id id)
{
	const struct value *value = object_field(object, id);

	emit_str(request, value->type == VALUE_STRING ? value->text : NULL);
}

static void emit_transport(struct request *request, const struct object *object)
{
	static const char *const names[] = {
		[CONF_UDP] = "udp", [CONF_TCP] = "tcp", [CONF_TLS] = "tls"};

	emit_str(request, names[object_field(object, FIELD_REGISTRATION_TRANSPORT)->number]);
}

static void emit_positive(struct request *request, int64_t number)
{
	if (number > 0)
		emit_int(request, number);
	else
		emit_null(request);
}

/* Calls and capacity; without a limit nothing is counted. */
static void emit_lines(struct request *request, const struct object *object)
{
	const struct conf_registration *registration =
		conf_registration_find(request->ctl->conf, span_of(object_key(object)));

	if (registration && registration->live) {
		emit_int(request,
			 atomic_load_explicit(&registration->live->calls, memory_order_relaxed));
		emit_int(request, registration->capacity);
	} else {
		emit_null(request);
		emit_null(request);
	}
}

static void emit_registration(struct request *request, const struct object *object,
			      const struct outbound_info *info)
{
	static const struct outbound_info none;
	uint64_t now_us = clock_mono_us();
	bool is_known = info != NULL;

	if (!info)
		info = &none;
	emit_str(request, object_key(object));
	emit_text_field(request, object, FIELD_REGISTRATION_ACCOUNT);
	emit_text_field(request, object, FIELD_REGISTRATION_SERVER);
	emit_str(request, is_known ? outbound_state_word(info->state) : "incomplete");
	emit_positive(request, info->granted_s);
	if (info->next_us)
		emit_int(request, info->next_us > now_us
					  ? (int64_t)((info->next_us - now_us + 999999) / 1000000)
					  : 0);
	else
		emit_null(request);
	emit_str(request, info->answer);
	emit_time(request, wall_of(info->answered_us));
	emit_int(request, info->failures);
	emit_time(request, wall_of(info->since_us));
	emit_transport(request, object);
	emit_addr(request, &info->server);
	emit_addr(request, &info->local);
	emit_text_field(request, object, FIELD_REGISTRATION_ROUTING_GATEWAY);
	emit_text_field(request, object, FIELD_REGISTRATION_MAPPING_GATEWAY);
	emit_text_field(request, object, FIELD_REGISTRATION_PROXY);
	emit_text_field(request, object, FIELD_REGISTRATION_HOST);
	emit_text_field(request, object, FIELD_REGISTRATION_USER_AGENT);
	emit_lines(request, object);
	emit_text_field(request, object, FIELD_REGISTRATION_MEMO);
	emit_row_end(request);
}

static enum step emit_some(struct request *request)
{
	struct walk_workers *walk = request->state;
	struct snapshot *snapshot = request_running(request);
	struct object_range range;

	if (!find_objects(request, snapshot, OBJECT_REGISTRATION, "registration", &range))
		return STEP_DONE;
	/* walk->total rows were emitted. */
	range.at += walk->total;
	for (int i = 0; i < CTL_SLICE && range.at < range.end; i++, walk->total++) {
		const struct object *object =
			snapshot_object_at(snapshot, OBJECT_REGISTRATION, range.at++);

		emit_registration(request, object, info_of(walk->more, object_key(object)));
	}
	return range.at < range.end ? STEP_MORE : STEP_DONE;
}

enum step show_registrations_outbound(struct request *request)
{
	struct walk_workers *walk = walk_state(request);
	const char *after = NULL;

	if (!walk)
		return request_no_memory(request);
	if (!walk->started)
		EMIT_TABLE(request, columns);
	if (walk->reply && !collect(walk))
		return request_no_memory(request);
	if (walk->reply && walk->reply->count == CTL_SLICE)
		after = walk->reply->outbound[CTL_SLICE - 1].name;
	else if (walk->started)
		walk->worker++;
	walk->started = true;
	if (walk->worker < request->ctl->context.worker_count) {
		char text[MODE_KEY_MAX];

		/* The answer that it stands in goes with the next question. */
		snprintf(text, sizeof(text), "%s", after ? after : "");
		return walk_ask_text(request, walk, ask_list, 0, 0, text);
	}
	if (walk->more) {
		struct found *found = walk->more;

		qsort(found->infos, found->count, sizeof(found->infos[0]), compare_info);
	}
	request->step = emit_some;
	return emit_some(request);
}

static enum step say_again(struct request *request, const struct walk_workers *walk)
{
	if (walk->total == 1)
		emit_say(request, "a new REGISTER was sent");
	else
		emit_say(request, "%zu new REGISTERs were sent", walk->total);
	return STEP_DONE;
}

enum step cmd_clear_registration_outbound(struct request *request)
{
	const struct ctl_context *context = &request->ctl->context;
	const char *name = request_arg(request, "registration");
	struct walk_workers *walk = walk_state(request);

	if (!walk)
		return request_no_memory(request);
	if (!walk->started && name) {
		if (!snapshot_object_find(request_running(request), OBJECT_REGISTRATION,
					  span_of(name)))
			return request_refuse(request, FAULT_NOT_FOUND, 0,
					      "there is no registration %s", name);
		if (!conf_registration_find(request->ctl->conf, span_of(name)))
			return request_refuse(request, FAULT_STATE, 0,
					      "registration %s has no server or no account", name);
	}
	if (context->worker_count == 0)
		return request_refuse(request, FAULT_STATE, 0, "nothing is registered here");
	if (walk->reply)
		walk->total += walk->reply->count;
	if (walk->started && name)
		return say_again(request, walk);
	if (walk->started)
		walk->worker++;
	else if (name)
		walk->worker = outbound_owner(context->workers[0]->shared, name);
	walk->started = true;
	if (walk->worker == context->worker_count)
		return say_again(request, walk);
	return walk_ask_text(request, walk, ask_again, 0, 0, name ? name : "");
}
