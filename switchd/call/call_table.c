/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls of a thread: by id, and in the order in which they began. */
#include <stdlib.h>
#include <utlist.h>

#include "shared/base/clock.h"
#include "switchd/call/call_transfer.h"
#include "switchd/conf/conf_registrations.h"

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
	struct call_attempt *attempt;

	if (!table)
		return;
	while (table->first) {
		struct call *call = table->first;

		if (call->transfer)
			call_transfer_drop(call);
		for (int side = 0; side < MEDIA_SIDES; side++)
			if (call->legs[side])
				call->legs[side]->call = NULL;
		DL_FOREACH (call->attempts, attempt)
			if (attempt->leg)
				attempt->leg->call = NULL;
		call_media_close(&call->media, 0);
		call_free(call);
	}
	key_table_free(&table->by_id);
	pool_end(&table->pool);
	pool_end(&table->setups_pool);
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

	if (call_table_count(table) >= CALL_TABLE_MAX)
		return NULL;
	call = pool_take_zeroed(&table->pool, sizeof(*call));
	if (!call)
		return NULL;
	call->id = table->next_id + 1;
	call->hunt = pool_take_zeroed(&table->setups_pool, sizeof(*call->hunt));
	if (!call->hunt || !key_table_add(&table->by_id, call->id, call)) {
		pool_give(&table->setups_pool, call->hunt, sizeof(*call->hunt));
		pool_give(&table->pool, call, sizeof(*call));
		return NULL;
	}
	table->next_id = call->id;
	call->hunt->conf = conf_ref(*table->env.conf);
	call->table = table;
	call->start_us = *table->env.now_us;
	call->start_ms = clock_wall_ms();
	DL_APPEND2(table->first, call, prev, next);
	atomic_store_explicit(&table->count, call_table_count(table) + 1, memory_order_relaxed);
	atomic_store_explicit(&table->begun, call_table_begun(table) + 1, memory_order_relaxed);
	return call;
}

bool call_lines_take(struct call_lines **out, const struct conf_membership *membership,
		     uint64_t now_us)
{
	struct call_lines *lines;

	if (membership->count == 0)
		return true;
	lines = malloc(sizeof(*lines));
	if (!lines ||
	    conf_groups_take(membership, lines->lines, &lines->count, now_us) != CONF_GROUP_OK) {
		free(lines);
		return false;
	}
	*out = lines;
	return true;
}

bool call_lines_take_trunk(struct call_lines **lines, const struct conf_registration *registration,
			   uint64_t now_us)
{
	if (!registration || !registration->live)
		return true;
	if (!*lines)
		*lines = calloc(1, sizeof(**lines));
	if (!*lines || live_begin(registration->live, registration->capacity, 0, now_us) != LIVE_OK)
		return false;
	(*lines)->lines[(*lines)->count++] = registration->live;
	return true;
}

void call_lines_end(struct call_lines **lines)
{
	for (size_t i = 0; *lines && i < (*lines)->count; i++)
		live_end((*lines)->lines[i]);
	free(*lines);
	*lines = NULL;
}

/* What an attempt that was answered has held since. */
static void end_line(const struct call *call, const struct call_attempt *attempt)
{
	if (attempt->pool_number)
		live_end(attempt->pool_number);
	if (!attempt->line)
		return;
	if (call->answer_us)
		atomic_fetch_add_explicit(&attempt->line->talk_ms,
					  (*call->table->env.now_us - call->answer_us) / 1000,
					  memory_order_relaxed);
	live_end(attempt->line);
}

void call_free(struct call *call)
{
	struct call_table *table = call->table;
	struct call_attempt *attempt;
	struct call_attempt *next;

	call_limit_stop(call);
	key_table_remove(&table->by_id, call->id, call);
	DL_DELETE2(table->first, call, prev, next);
	atomic_store_explicit(&table->count, call_table_count(table) - 1, memory_order_relaxed);
	call_hunt_end(call);
	if (call->caller_line)
		live_end(call->caller_line);
	if (call->callee_line)
		live_end(call->callee_line);
	call_lines_end(&call->caller_groups);
	DL_FOREACH_SAFE (call->attempts, attempt, next) {
		end_line(call, attempt);
		call_lines_end(&attempt->groups);
		call_attempt_free(call, attempt);
	}
	call_past_free(call);
	call_offer_free(call->offer);
	free(call->networks);
	call_texts_free(call);
	pool_give(&table->pool, call, sizeof(*call));
}

size_t call_table_count(const struct call_table *table)
{
	return atomic_load_explicit(&table->count, memory_order_relaxed);
}

struct call *call_find(const struct call_table *table, uint64_t id)
{
	return key_table_find(&table->by_id, id);
}

/* The first call with a higher id. */
struct call *call_after(const struct call_table *table, uint64_t after)
{
	struct call *call = after ? call_find(table, after) : NULL;

	/* The call that the last slice ended with may be gone; ids rise, so the place is still
	 * known. */
	call = call ? call->next : table->first;
	while (call && call->id <= after)
		call = call->next;
	return call;
}

uint64_t call_table_begun(const struct call_table *table)
{
	return atomic_load_explicit(&table->begun, memory_order_relaxed);
}

uint64_t call_table_newest(const struct call_table *table)
{
	return table->next_id;
}

bool call_table_clear(struct call_table *table, uint64_t id)
{
	struct call *call = call_find(table, id);

	if (!call)
		return false;
	call_end(call, NULL, cause_of(CAUSE_OPERATOR));
	return true;
}

/* "mapping-gateway a", "routing-gateway a" */
static bool is_gateway(const char *party, const char *name)
{
	const char *space = strchr(party, ' ');

	return space && space - party >= 8 && memcmp(space - 8, "-gateway", 8) == 0 &&
	       strcmp(space + 1, name) == 0;
}

static bool passes_gateway(const struct call *call, const char *name)
{
	const struct call_attempt *attempt;

	if (is_gateway(call->party, name))
		return true;
	DL_FOREACH (call->attempts, attempt)
		if ((attempt->leg || attempt == call->answered) && is_gateway(attempt->party, name))
			return true;
	return false;
}

bool call_table_clear_some(struct call_table *table, uint64_t *after, uint64_t until,
			   const char *gateway, size_t max, size_t *cleared)
{
	struct call *call = call_after(table, *after);

	for (size_t i = 0; i < max && call && call->id <= until; i++) {
		struct call *next = call->next;

		*after = call->id;
		if (!gateway || passes_gateway(call, gateway)) {
			call_end(call, NULL, cause_of(CAUSE_OPERATOR));
			++*cleared;
		}
		call = next;
	}
	return call && call->id <= until;
}
