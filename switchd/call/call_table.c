/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of a thread: by id, and in the order in which they began. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/call/call_private.h"

/* Id: 8 bits thread, 32 bits second of the start of the table, 24 bits count (which may carry into
 * the seconds: still unique and rising). So ids of an earlier run do not come again. */
enum vos_err call_table_create(const struct call_env *env, struct call_table **out)
{
	struct call_table *table = calloc(1, sizeof(*table));

	if (!table)
		return VOS_ENOMEM;
	table->env = *env;
	table->next_id = (uint64_t)env->worker_number << 56 |
			 ((uint64_t)(clock_wall_ms() / 1000) & 0xffffffffu) << 24;
	*out = table;
	return VOS_OK;
}

void call_table_destroy(struct call_table *table)
{
	if (!table)
		return;
	while (table->first) {
		struct call *call = table->first;

		for (int side = 0; side < MEDIA_SIDES; side++)
			if (call->legs[side])
				call->legs[side]->call = NULL;
		call_media_close(call);
		call_free(call);
	}
	free(table);
}

void call_table_release_all(struct call_table *table)
{
	while (table->first)
		call_end(table->first, NULL, cause_of(CAUSE_SHUTDOWN));
}

struct call *call_new(struct call_table *table)
{
	struct call *call;

	if (table->count >= CALL_TABLE_MAX)
		return NULL;
	call = calloc(1, sizeof(*call));
	if (!call)
		return NULL;
	call->hunt = calloc(1, sizeof(*call->hunt));
	if (!call->hunt) {
		free(call);
		return NULL;
	}
	call->hunt->conf = conf_ref(*table->env.conf);
	call->id = ++table->next_id;
	call->table = table;
	call->start_us = *table->env.now_us;
	call->start_ms = clock_wall_ms();
	HASH_ADD(hh, table->by_id, id, sizeof(call->id), call);
	DL_APPEND2(table->first, call, prev, next);
	table->count++;
	return call;
}

void call_free(struct call *call)
{
	struct call_table *table = call->table;

	wheel_stop(table->env.wheel, &call->duration);
	HASH_DEL(table->by_id, call);
	DL_DELETE2(table->first, call, prev, next);
	table->count--;
	call_hunt_end(call);
	free(call->caller);
	free(call->attempts);
	free(call);
}

size_t call_table_count(const struct call_table *table)
{
	return table->count;
}

static const char *state_name(const struct call *call)
{
	static const char *const names[] = {
		[CALL_SETUP] = "setup",
		[CALL_TRYING] = "trying",
		[CALL_RINGING] = "ringing",
		[CALL_CONNECTED] = "connected",
	};

	return names[call->state];
}

static void describe_timers(const struct call *call, struct call_info *out)
{
	uint64_t now_tick = *call->table->env.now_us / WHEEL_TICK_US;

	if (!wheel_is_running(&call->duration))
		return;
	snprintf(out->timers, sizeof(out->timers), "max-call-duration in %llu s",
		 (unsigned long long)((call->duration.due_tick - now_tick) / 100));
}

static void describe_leg(const struct call *call, enum media_side side, struct call_leg_info *out)
{
	const struct leg *leg = call->legs[side];

	snprintf(out->party, sizeof(out->party), "%s", call->party[side]);
	snprintf(out->codec, sizeof(out->codec), "%s", call->codec[side]);
	snprintf(out->direction, sizeof(out->direction), "%s",
		 sdp_direction_name(call->direction[side]));
	out->media = call->media[side];
	if (leg) {
		out->signalling = leg->signalling;
		out->is_nat = leg->is_nat;
		leg->ops->describe(leg, out);
	}
	if (call->sessions[0]) {
		out->relay_port = media_port(call->sessions[0], side);
		media_read(call->sessions[0], side, &out->counters);
	}
}

static void describe(const struct call *call, struct call_info *out)
{
	uint64_t now_us = *call->table->env.now_us;

	memset(out, 0, sizeof(*out));
	out->id = call->id;
	snprintf(out->caller, sizeof(out->caller), "%s", call->caller);
	snprintf(out->callee, sizeof(out->callee), "%s", call->callee);
	snprintf(out->state, sizeof(out->state), "%s", state_name(call));
	out->start_ms = call->start_ms;
	out->answer_ms = call->answer_ms;
	out->age_s = (uint32_t)((now_us - call->start_us) / 1000000);
	if (call->answer_us)
		out->talk_s = (uint32_t)((now_us - call->answer_us) / 1000000);
	out->is_relayed = call->decision.relay;
	out->media_step = call->decision.step;
	describe_timers(call, out);
	if (call->attempts)
		snprintf(out->attempts, sizeof(out->attempts), "%s", call->attempts);
	describe_leg(call, MEDIA_A, &out->legs[MEDIA_A]);
	describe_leg(call, MEDIA_B, &out->legs[MEDIA_B]);
}

static struct call *find(const struct call_table *table, uint64_t id)
{
	struct call *call = NULL;

	HASH_FIND(hh, table->by_id, &id, sizeof(id), call);
	return call;
}

size_t call_table_list(struct call_table *table, uint64_t after, struct call_info *out, size_t max)
{
	struct call *call = after ? find(table, after) : NULL;
	size_t count = 0;

	/* The call that the last slice ended with may be gone; ids rise, so the place is still
	 * known. */
	call = call ? call->next : table->first;
	while (call && call->id <= after)
		call = call->next;
	for (; call && count < max; call = call->next)
		describe(call, &out[count++]);
	return count;
}

bool call_table_clear(struct call_table *table, uint64_t id)
{
	struct call *call = find(table, id);

	if (!call)
		return false;
	call_end(call, NULL, cause_of(CAUSE_OPERATOR));
	return true;
}
