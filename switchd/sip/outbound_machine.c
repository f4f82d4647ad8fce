/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/sip/outbound_machine.h"

#define US_PER_S      UINT64_C(1000000)
#define REFRESH_AHEAD 5 /* seconds: the latest moment for a refresh */
/* A Retry-After beyond it is a mistake, and nobody would notice until next year. */
#define RETRY_AFTER_MAX_S (24u * 3600u)

struct row {
	enum outbound_action action;
	enum outbound_state next;
};

/* Where nothing stands, nothing is done: NOTHING and a state that is not looked at. */
static const struct row TABLE[OUTBOUND_STATES][OUTBOUND_EVENTS] =
	{
		[OUTBOUND_WAITING] =
			{
				[OUTBOUND_DUE] = {OUTBOUND_REGISTER, OUTBOUND_REGISTERING},
				[OUTBOUND_AGAIN] = {OUTBOUND_REGISTER, OUTBOUND_REGISTERING},
				[OUTBOUND_LEAVE] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_LEAVE_BOUND] = {OUTBOUND_UNREGISTER, OUTBOUND_LEAVING},
			},
		[OUTBOUND_REGISTERING] =
			{
				[OUTBOUND_GRANTED] = {OUTBOUND_KEEP, OUTBOUND_REGISTERED},
				[OUTBOUND_CHALLENGED] = {OUTBOUND_REPEAT, OUTBOUND_REGISTERING},
				[OUTBOUND_TOO_BRIEF] = {OUTBOUND_REPEAT, OUTBOUND_REGISTERING},
				[OUTBOUND_REFUSED] = {OUTBOUND_FAIL, OUTBOUND_FAILED},
				[OUTBOUND_SILENT] = {OUTBOUND_FAIL, OUTBOUND_FAILED},
				[OUTBOUND_AGAIN] = {OUTBOUND_REGISTER, OUTBOUND_REGISTERING},
				[OUTBOUND_LEAVE] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_LEAVE_BOUND] = {OUTBOUND_UNREGISTER, OUTBOUND_LEAVING},
			},
		[OUTBOUND_REGISTERED] =
			{
				[OUTBOUND_DUE] = {OUTBOUND_REGISTER, OUTBOUND_REFRESHING},
				[OUTBOUND_AGAIN] = {OUTBOUND_REGISTER, OUTBOUND_REFRESHING},
				[OUTBOUND_LEAVE] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_LEAVE_BOUND] = {OUTBOUND_UNREGISTER, OUTBOUND_LEAVING},
			},
		[OUTBOUND_REFRESHING] =
			{
				[OUTBOUND_GRANTED] = {OUTBOUND_KEEP, OUTBOUND_REGISTERED},
				[OUTBOUND_CHALLENGED] = {OUTBOUND_REPEAT, OUTBOUND_REFRESHING},
				[OUTBOUND_TOO_BRIEF] = {OUTBOUND_REPEAT, OUTBOUND_REFRESHING},
				[OUTBOUND_REFUSED] = {OUTBOUND_FAIL, OUTBOUND_FAILED},
				[OUTBOUND_SILENT] = {OUTBOUND_FAIL, OUTBOUND_FAILED},
				[OUTBOUND_AGAIN] = {OUTBOUND_REGISTER, OUTBOUND_REFRESHING},
				[OUTBOUND_LEAVE] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_LEAVE_BOUND] = {OUTBOUND_UNREGISTER, OUTBOUND_LEAVING},
			},
		[OUTBOUND_FAILED] =
			{
				[OUTBOUND_DUE] = {OUTBOUND_REGISTER, OUTBOUND_REGISTERING},
				[OUTBOUND_AGAIN] = {OUTBOUND_REGISTER, OUTBOUND_REGISTERING},
				[OUTBOUND_LEAVE] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_LEAVE_BOUND] = {OUTBOUND_UNREGISTER, OUTBOUND_LEAVING},
			},
		[OUTBOUND_LEAVING] =
			{
				[OUTBOUND_GRANTED] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_CHALLENGED] = {OUTBOUND_REPEAT, OUTBOUND_LEAVING},
				[OUTBOUND_TOO_BRIEF] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_REFUSED] = {OUTBOUND_END, OUTBOUND_GONE},
				[OUTBOUND_SILENT] = {OUTBOUND_END, OUTBOUND_GONE},
			},
};

/* 90 % of the grant, at the latest 5 s before its end; of a grant that is hardly longer, half. */
uint64_t outbound_refresh_us(uint32_t granted_s)
{
	uint64_t granted_us = granted_s * US_PER_S;

	if (granted_s <= 2 * REFRESH_AHEAD)
		return granted_us / 2 > US_PER_S ? granted_us / 2 : US_PER_S;
	if (granted_us / 10 < REFRESH_AHEAD * US_PER_S)
		return granted_us - REFRESH_AHEAD * US_PER_S;
	return granted_us / 10 * 9;
}

uint32_t outbound_machine_proposes(const struct outbound_machine *machine,
				   const struct outbound_rules *rules)
{
	if (machine->state == OUTBOUND_LEAVING)
		return 0;
	return machine->min_expires_s > rules->expire_s ? machine->min_expires_s : rules->expire_s;
}

bool outbound_machine_may_answer(const struct outbound_machine *machine,
				 const struct outbound_rules *rules)
{
	/* Without any answer there would be no registration at all. */
	return machine->answers == 0 || machine->answers < rules->most_answers;
}

bool outbound_machine_may_lengthen(const struct outbound_machine *machine,
				   const struct outbound_rules *rules, uint32_t min_expires_s)
{
	return machine->briefs == 0 && min_expires_s > outbound_machine_proposes(machine, rules);
}

enum outbound_event outbound_machine_farewell(const struct outbound_machine *machine,
					      uint64_t now_us)
{
	/* One that is asked for may be granted without our hearing of it. */
	bool is_bound = machine->state == OUTBOUND_REGISTERING || machine->bound_us > now_us;

	return is_bound ? OUTBOUND_LEAVE_BOUND : OUTBOUND_LEAVE;
}

static void start_sequence(struct outbound_machine *machine)
{
	machine->answers = 0;
	machine->briefs = 0;
	machine->due_us = 0;
}

static void repeat(struct outbound_machine *machine, enum outbound_event event,
		   const struct outbound_news *news)
{
	if (event == OUTBOUND_CHALLENGED) {
		machine->answers++;
		return;
	}
	machine->briefs++;
	machine->min_expires_s = news->min_expires_s;
}

/* The grant decides with auto; else it is only taken when it is less than what was proposed. */
static void keep(struct outbound_machine *machine, const struct outbound_rules *rules,
		 const struct outbound_news *news, uint64_t now_us)
{
	uint32_t proposed_s = outbound_machine_proposes(machine, rules);

	machine->granted_s = news->granted_s;
	if (!rules->is_auto && machine->granted_s > proposed_s)
		machine->granted_s = proposed_s;
	machine->failures = 0;
	machine->bound_us = now_us + news->granted_s * US_PER_S;
	machine->due_us = now_us + outbound_refresh_us(machine->granted_s);
}

static void fail(struct outbound_machine *machine, const struct outbound_rules *rules,
		 const struct outbound_news *news, uint64_t now_us)
{
	uint32_t delay_s =
		news->retry_after_s < RETRY_AFTER_MAX_S ? news->retry_after_s : RETRY_AFTER_MAX_S;

	if (delay_s < rules->retry_delay_s)
		delay_s = rules->retry_delay_s;
	machine->granted_s = 0;
	machine->failures++;
	machine->due_us = now_us + delay_s * US_PER_S;
}

enum outbound_action outbound_machine_take(struct outbound_machine *machine,
					   const struct outbound_rules *rules,
					   enum outbound_event event,
					   const struct outbound_news *news, uint64_t now_us)
{
	static const struct outbound_news none;
	const struct row *row = &TABLE[machine->state][event];

	if (!news)
		news = &none;
	switch (row->action) {
	case OUTBOUND_NOTHING:
		return OUTBOUND_NOTHING;
	case OUTBOUND_REGISTER:
	case OUTBOUND_UNREGISTER:
		start_sequence(machine);
		break;
	case OUTBOUND_REPEAT:
		repeat(machine, event, news);
		break;
	case OUTBOUND_KEEP:
		keep(machine, rules, news, now_us);
		break;
	case OUTBOUND_FAIL:
		fail(machine, rules, news, now_us);
		break;
	case OUTBOUND_END:
		machine->due_us = 0;
		break;
	}
	machine->state = row->next;
	return row->action;
}

const char *outbound_state_word(enum outbound_state state)
{
	static const char *const words[OUTBOUND_STATES] = {
		[OUTBOUND_WAITING] = "waiting",
		[OUTBOUND_REGISTERING] = "registering",
		[OUTBOUND_REGISTERED] = "registered",
		[OUTBOUND_REFRESHING] = "refreshing",
		[OUTBOUND_FAILED] = "failed",
		[OUTBOUND_LEAVING] = "unregistering",
		[OUTBOUND_GONE] = "gone",
	};

	return words[state];
}
