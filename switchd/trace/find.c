/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One walk over each ring gathers records into groups; those that the filter chooses are the
 * result. A call that is asked for by its key is not looked for that way: what it consists of is
 * found by the heads of the records, and only its own are read. */
#include "switchd/trace/find.h"

#include <stdlib.h>

/* The one call that is looked for: its dialogs, and where what names any dialog stands, since the
 * first messages of a leg come before the note that says whose it is. */
struct search {
	uint64_t dialogs[TRACE_DIALOGS_MAX];
	size_t dialog_count;
	struct seen {
		uint64_t position;
		uint64_t dialog;
	} * seen;
	size_t count;
	size_t room;
};

static bool has_dialog(const struct search *search, uint64_t dialog)
{
	for (size_t i = 0; i < search->dialog_count; i++)
		if (search->dialogs[i] == dialog)
			return true;
	return false;
}

/* False: out of memory. */
static bool see(struct search *search, uint64_t position, uint64_t dialog)
{
	if (search->count == search->room) {
		size_t room = search->room ? search->room * 2 : 4096;
		struct seen *seen = realloc(search->seen, room * sizeof(*seen));

		if (!seen)
			return false;
		search->seen = seen;
		search->room = room;
	}
	search->seen[search->count++] = (struct seen){position, dialog};
	return true;
}

static bool see_ring(struct search *search, const struct recorder_ring *ring, uint64_t key)
{
	struct recorder_cursor cursor = {0};
	struct trace_event event;

	while (recorder_next(ring, &cursor, &event, NULL, 0)) {
		bool is_own = event.key == key;

		if (is_own && event.dialog && search->dialog_count < TRACE_DIALOGS_MAX &&
		    !has_dialog(search, event.dialog))
			search->dialogs[search->dialog_count++] = event.dialog;
		if ((is_own || (event.dialog && !event.key)) &&
		    !see(search, event.position, is_own ? 0 : event.dialog))
			return false;
	}
	return true;
}

static void walk_call(struct trace_groups *groups, const struct recorder_ring *ring, uint64_t key)
{
	struct search search = {0};
	struct trace_event event;
	char memory[TRACE_HEAD_BYTES];

	groups->failed = !see_ring(&search, ring, key);
	for (size_t i = 0; i < search.count && !groups->failed; i++) {
		const struct seen *seen = &search.seen[i];

		if ((!seen->dialog || has_dialog(&search, seen->dialog)) &&
		    recorder_at(ring, seen->position, &event, memory, sizeof(memory)))
			(void)trace_groups_take(groups, &event);
	}
	free(search.seen);
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
