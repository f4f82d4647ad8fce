/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One walk over each ring gathers records into groups; those that the filter chooses are the
 * result. A call that is asked for by its key is not looked for that way: what it consists of is
 * found by the heads of the records, and only its own are read. */
#include "switchd/trace/find.h"

#include <stdlib.h>

/* Dialogs of the one call that is looked for. */
struct legs {
	uint64_t dialogs[TRACE_DIALOGS_MAX];
	size_t count;
};

static bool has_dialog(const struct legs *legs, uint64_t dialog)
{
	for (size_t i = 0; i < legs->count; i++)
		if (legs->dialogs[i] == dialog)
			return true;
	return false;
}

static void find_legs(const struct recorder_ring *ring, uint64_t key, struct legs *legs)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;

	while (recorder_next(ring, &cursor, &event, NULL, 0))
		if (event.key == key && event.dialog && legs->count < TRACE_DIALOGS_MAX &&
		    !has_dialog(legs, event.dialog))
			legs->dialogs[legs->count++] = event.dialog;
}

static void walk_call(struct trace_groups *groups, const struct recorder_ring *ring, uint64_t key)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	struct legs legs = {0};
	char memory[TRACE_HEAD_BYTES];

	find_legs(ring, key, &legs);
	while (!groups->failed && recorder_next(ring, &cursor, &event, NULL, 0)) {
		if ((event.key == key || (event.dialog && has_dialog(&legs, event.dialog))) &&
		    recorder_at(ring, event.position, &event, memory, sizeof(memory)))
			(void)trace_groups_take(groups, &event);
	}
}

static void walk_ring(struct trace_groups *groups, const struct recorder_ring *ring)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;
	char memory[TRACE_HEAD_BYTES];

	while (!groups->failed && recorder_next(ring, &cursor, &event, memory, sizeof(memory)))
		(void)trace_groups_take(groups, &event);
}

/* Appends those that are chosen; false when out of memory. */
static bool collect(const struct trace_groups *groups, struct trace_call **out, size_t *count,
		    size_t *room)
{
	for (const struct trace_group *group = groups->list; group; group = group->next) {
		if (!trace_filter_chooses(groups->filter, &group->call, group->met))
			continue;
		if (*count == *room) {
			size_t more = *room ? *room * 2 : 64;
			struct trace_call *calls = realloc(*out, more * sizeof(*calls));

			if (!calls)
				return false;
			*out = calls;
			*room = more;
		}
		(*out)[*count] = group->call;
		(*out)[(*count)++].group = group->call.begins_at;
	}
	return true;
}

static int by_time(const void *a, const void *b)
{
	const struct trace_call *one = a;
	const struct trace_call *other = b;

	return (one->first_us > other->first_us) - (one->first_us < other->first_us);
}

struct trace_call *trace_find(struct recorder *recorder, const struct trace_filter *filter,
			      size_t max, size_t *count)
{
	struct trace_call *out = NULL;
	size_t room = 0;
	bool is_good = true;

	*count = 0;
	for (int i = 0; is_good && i < recorder_rings(recorder); i++) {
		struct recorder_ring *ring = recorder_ring(recorder, i);
		struct trace_groups groups = {.filter = filter, .ring = i};

		if (filter->key)
			walk_call(&groups, ring, filter->key);
		else
			walk_ring(&groups, ring);
		is_good = !groups.failed && collect(&groups, &out, count, &room);
		trace_groups_clear(&groups);
	}
	if (!is_good || !*count) {
		free(out);
		*count = 0;
		return NULL;
	}
	qsort(out, *count, sizeof(*out), by_time);
	if (*count > max) {
		memmove(out, out + (*count - max), max * sizeof(*out));
		*count = max;
	}
	return out;
}
