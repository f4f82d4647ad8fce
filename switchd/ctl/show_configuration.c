/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where configuring stands: what is in force, who has the lock, which commit waits to be confirmed,
 * and what this session and its lost ones have pending. */
#include "shared/base/clock.h"
#include "switchd/ctl/handlers.h"

static const struct member configuration_members[] = {
	{"generation", CELL_INT, MEMBER_ALWAYS, NULL},
	{"time", CELL_TIME, MEMBER_ALWAYS, NULL},
	{"author", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"comment", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_confirm_pending", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"confirm_generation", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"confirm_author", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"confirm_until_time", CELL_TIME, MEMBER_AT_TIMES, NULL},
	{"confirm_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"is_locked", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"lock_user", CELL_TEXT, MEMBER_AT_TIMES, NULL},
	{"lock_session", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"lock_since_time", CELL_TIME, MEMBER_AT_TIMES, NULL},
	{"pending_changes", CELL_INT, MEMBER_ALWAYS, NULL},
	{"base_generation", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"kept_changes", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"kept_session", CELL_INT, MEMBER_AT_TIMES, NULL},
	{"kept_s", CELL_INT, MEMBER_AT_TIMES, NULL},
	{0},
};

const struct schema schema_configuration = SCHEMA_OF_ITEM(configuration_members);

static void show_confirm(struct request *request)
{
	const struct confirm *confirm = &request->ctl->confirm;
	bool is_pending = confirm_is_pending(confirm);
	int64_t left_ms;

	item_bool(request, NULL, "is_confirm_pending", is_pending);
	if (!is_pending)
		return;
	left_ms = confirm_left_ms(confirm, clock_wall_ms(), clock_mono_us());
	item_int(request, NULL, "confirm_generation", (int64_t)confirm->record.generation);
	item_str(request, NULL, "confirm_author", confirm->record.author);
	item_time(request, NULL, "confirm_until_time", confirm->record.until_ms);
	item_int(request, NULL, "confirm_s", (left_ms + 999) / 1000);
}

static void show_lock(struct request *request)
{
	const struct session *holder = request->ctl->exclusive;

	item_bool(request, NULL, "is_locked", holder != NULL);
	if (!holder)
		return;
	item_str(request, NULL, "lock_user", holder->login);
	item_int(request, NULL, "lock_session", (int64_t)holder->id);
	item_time(request, NULL, "lock_since_time", request->ctl->exclusive_since_ms);
}

static void show_candidates(struct request *request)
{
	const struct session *session = request->session;
	const struct kept_candidate *kept = kept_find(&request->ctl->kept, session->uid, 0);
	uint64_t now_us = clock_mono_us();

	item_int(request, NULL, "pending_changes", (int64_t)session->candidate.changes.count);
	if (session->candidate.base)
		item_int(request, NULL, "base_generation",
			 (int64_t)snapshot_generation(session->candidate.base));
	if (!kept)
		return;
	item_int(request, NULL, "kept_changes", (int64_t)kept->candidate.changes.count);
	item_int(request, NULL, "kept_session", (int64_t)kept->owner.session);
	item_int(request, NULL, "kept_s",
		 kept->until_us > now_us ? (int64_t)((kept->until_us - now_us) / 1000000) : 0);
}

enum step show_configuration(struct request *request)
{
	uint64_t generation = snapshot_generation(request_running(request));
	struct generation_info newest = {0};

	if (store_generations(request->ctl->context.store, &newest, 1) != 1 ||
	    newest.number != generation)
		newest = (struct generation_info){0};
	item_begin(request);
	item_int(request, NULL, "generation", (int64_t)generation);
	item_time(request, NULL, "time", newest.time_ms);
	item_str(request, NULL, "author", newest.author);
	item_str(request, NULL, "comment", newest.comment);
	show_confirm(request);
	show_lock(request);
	show_candidates(request);
	item_end(request);
	return STEP_DONE;
}
