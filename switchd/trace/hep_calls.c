/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/trace/hep_calls.h"

#include <stdlib.h>

/* Out of memory is no end of the program here: what cannot be kept is not known. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

struct known_call;

struct known_dialog {
	uint64_t dialog;
	struct known_call *call;
	struct known_dialog *next; /* of the same call */
	UT_hash_handle hh;
};

struct known_call {
	uint64_t key;
	uint64_t ended_us;
	struct known_dialog *dialogs;
	unsigned count;
	struct known_call *prev; /* among those that have ended, in that order */
	struct known_call *next;
	UT_hash_handle hh; /* in the order of their beginning */
};

struct hep_calls {
	struct known_call *calls;
	struct known_dialog *dialogs;
	struct known_call *ended;
};

enum vos_err hep_calls_create(struct hep_calls **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? VOS_OK : VOS_ENOMEM;
}

static void forget(struct hep_calls *calls, struct known_call *call)
{
	while (call->dialogs) {
		struct known_dialog *dialog = call->dialogs;

		LL_DELETE(call->dialogs, dialog);
		HASH_DEL(calls->dialogs, dialog);
		free(dialog);
	}
	if (call->ended_us)
		DL_DELETE(calls->ended, call);
	HASH_DEL(calls->calls, call);
	free(call);
}

void hep_calls_destroy(struct hep_calls *calls)
{
	if (!calls)
		return;
	while (calls->calls)
		forget(calls, calls->calls);
	free(calls);
}

static struct known_call *find_call(const struct hep_calls *calls, uint64_t key)
{
	struct known_call *call;

	HASH_FIND(hh, calls->calls, &key, sizeof(key), call);
	return call;
}

static struct known_dialog *find_dialog(const struct hep_calls *calls, uint64_t dialog)
{
	struct known_dialog *found;

	HASH_FIND(hh, calls->dialogs, &dialog, sizeof(dialog), found);
	return found;
}

static struct known_call *add_call(struct hep_calls *calls, uint64_t key)
{
	struct known_call *call = calloc(1, sizeof(*call));

	if (!call)
		return NULL;
	if (HASH_COUNT(calls->calls) >= HEP_CALLS_MAX)
		forget(calls, calls->calls);
	call->key = key;
	HASH_ADD(hh, calls->calls, key, sizeof(call->key), call);
	if (find_call(calls, key))
		return call;
	free(call);
	return NULL;
}

static void add_dialog(struct hep_calls *calls, struct known_call *call, uint64_t key)
{
	struct known_dialog *dialog;

	if (call->count >= HEP_CALL_DIALOGS)
		return;
	dialog = calloc(1, sizeof(*dialog));
	if (!dialog)
		return;
	dialog->dialog = key;
	dialog->call = call;
	HASH_ADD(hh, calls->dialogs, dialog, sizeof(dialog->dialog), dialog);
	if (!find_dialog(calls, key)) {
		free(dialog);
		return;
	}
	LL_PREPEND(call->dialogs, dialog);
	call->count++;
}

static void learn_leg(struct hep_calls *calls, const struct trace_event *event)
{
	struct known_dialog *dialog = find_dialog(calls, event->dialog);
	struct known_call *call = find_call(calls, event->key);

	if (!call)
		call = add_call(calls, event->key);
	if (!call)
		return;
	/* A leg that goes over to another call, as by a transfer, is that one's from now on. */
	if (dialog && dialog->call != call) {
		LL_DELETE(dialog->call->dialogs, dialog);
		dialog->call->count--;
		dialog->call = call;
		LL_PREPEND(call->dialogs, dialog);
		call->count++;
	} else if (!dialog) {
		add_dialog(calls, call, event->dialog);
	}
}

void hep_calls_learn(struct hep_calls *calls, const struct trace_event *event)
{
	struct known_call *call;

	if (event->kind != TRACE_NOTE)
		return;
	if (event->note == TRACE_LEG && event->dialog) {
		learn_leg(calls, event);
	} else if (event->note == TRACE_CALL_END) {
		call = find_call(calls, event->key);
		if (!call || call->ended_us)
			return;
		call->ended_us = event->time_us ? event->time_us : 1;
		DL_APPEND(calls->ended, call);
	}
}

uint64_t hep_calls_find(const struct hep_calls *calls, uint64_t dialog)
{
	const struct known_dialog *found = dialog ? find_dialog(calls, dialog) : NULL;

	return found ? found->call->key : 0;
}

void hep_calls_expire(struct hep_calls *calls, uint64_t now_us)
{
	while (calls->ended && calls->ended->ended_us + HEP_CALL_LASTS_US <= now_us)
		forget(calls, calls->ended);
}
