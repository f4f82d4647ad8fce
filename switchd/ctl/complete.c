/* SPDX-License-Identifier: GPL-2.0-or-later */
/* complete and help: candidates of the grammar, with the values that only the configuration, the
 * bindings and the calls know. A bounded number of them; the rest is counted. */
#include <stdio.h>
#include <stdlib.h>

#include "switchd/alarm/alarm.h"
#include "switchd/ctl/handlers.h"
#include "switchd/sip/location.h"
#include "switchd/store/backups.h"

#define CANDIDATES_MAX 256

struct gather {
	struct request *request;
	json_t *list;
	struct span prefix;
	int more;
};

static void print_present(const struct gather *gather, const struct candidate *candidate,
			  struct buf *out)
{
	const struct request *request = gather->request;
	const struct value_spec *spec;
	const struct value *value = NULL;
	const struct object *object;

	if (candidate->param != PARAM_COUNT) {
		spec = &param_get(candidate->param)->spec;
		value = snapshot_param(request_running(request), candidate->param);
	} else if (candidate->field != FIELD_COUNT && request->mode.kind == MODE_OBJECT) {
		spec = &field_get(candidate->field)->spec;
		object = snapshot_object_find(request_running(request), request->mode.object,
					      span_of(request->mode.key));
		if (object && !field_get(candidate->field)->is_list)
			value = object_field(object, candidate->field);
	} else {
		return;
	}
	if (value && value->type != VALUE_NONE && spec->type != VALUE_SECRET)
		value_print(spec, value, out);
}

static void add_candidate(void *context, const struct candidate *candidate)
{
	struct gather *gather = context;
	struct buf present = buf_new();
	json_t *item;

	if (json_array_size(gather->list) >= CANDIDATES_MAX) {
		gather->more++;
		return;
	}
	item = json_pack("{s:o}", "word", control_text(span_of(candidate->word)));
	json_object_set_new(item, "type", control_text(span_of(candidate->type)));
	json_object_set_new(item, "help", control_text(span_of(candidate->help)));
	json_object_set_new(item, "default", control_text(span_of(candidate->standard)));
	print_present(gather, candidate, &present);
	json_object_set_new(item, "current", control_text(span_of(buf_cstr(&present))));
	buf_free(&present);
	json_array_append_new(gather->list, item);
}

static void add_word(struct gather *gather, const char *word, const char *help)
{
	struct candidate candidate = {.param = PARAM_COUNT, .field = FIELD_COUNT};

	if (!span_starts_with(span_of(word), gather->prefix))
		return;
	snprintf(candidate.word, sizeof(candidate.word), "%s", word);
	snprintf(candidate.help, sizeof(candidate.help), "%s", help ? help : "");
	add_candidate(gather, &candidate);
}

/* Keys of the running configuration; they are in order, so the prefix could be searched for, but
 * the prefix test of a hundred thousand keys is well under the time of one TAB. */
static void add_keys(struct gather *gather, enum object_kind kind)
{
	const struct snapshot *snapshot = request_running(gather->request);
	size_t count = snapshot_object_count(snapshot, kind);

	for (size_t i = 0; i < count; i++) {
		const struct object *object = snapshot_object_at(snapshot, kind, i);
		const char *help = NULL;

		if (kind == OBJECT_PHONE) {
			const struct value *name = object_field(object, FIELD_PHONE_NAME);

			help = name && name->type == VALUE_STRING ? name->text : NULL;
		}
		add_word(gather, object_key(object), help);
	}
}

static void add_generations(struct gather *gather)
{
	struct generation_info infos[50];
	size_t count = store_generations(gather->request->ctl->context.store, infos, 50);

	for (size_t i = 0; i < count; i++) {
		char number[24];

		snprintf(number, sizeof(number), "%llu", (unsigned long long)infos[i].number);
		add_word(gather, number, infos[i].comment[0] ? infos[i].comment : infos[i].author);
	}
}

static void add_registrations(struct gather *gather)
{
	struct binding bindings[CTL_SLICE];
	uint64_t cursor = 0;
	size_t count = 0;
	bool is_more = gather->request->ctl->context.location != NULL;

	/* At most a few slices: this is for somebody who waits with the finger on TAB. */
	for (int i = 0; i < 64 && is_more; i++) {
		is_more = location_list(gather->request->ctl->context.location, &cursor, bindings,
					CTL_SLICE, &count);
		for (size_t k = 0; k < count; k++)
			add_word(gather, bindings[k].user, bindings[k].user_agent);
	}
}

static void add_alarms(struct gather *gather)
{
	struct alarms *alarms = gather->request->ctl->context.alarms;
	struct alarm *list = alarms ? calloc(ALARM_ACTIVE_MAX, sizeof(*list)) : NULL;
	size_t count = list ? alarms_list(alarms, true, list, ALARM_ACTIVE_MAX) : 0;

	for (size_t i = 0; i < count; i++) {
		char id[16];

		snprintf(id, sizeof(id), "%u", (unsigned)list[i].id);
		add_word(gather, id, list[i].text);
	}
	free(list);
}

static void add_backups(struct gather *gather)
{
	struct backups *backups = gather->request->ctl->context.backups;
	char(*names)[BACKUP_NAME_MAX] = calloc(CANDIDATES_MAX, sizeof(*names));
	size_t count = names && backups ? backups_names(backups, names, CANDIDATES_MAX) : 0;

	for (size_t i = 0; i < count; i++)
		add_word(gather, names[i], NULL);
	free(names);
}

static void add_source(struct gather *gather, const struct completion *completion)
{
	switch (completion->source) {
	case SOURCE_PHONES:
		add_keys(gather, OBJECT_PHONE);
		break;
	case SOURCE_MAPPING_GATEWAYS:
		add_keys(gather, OBJECT_MAPPING_GATEWAY);
		break;
	case SOURCE_ROUTING_GATEWAYS:
		add_keys(gather, OBJECT_ROUTING_GATEWAY);
		break;
	case SOURCE_GATEWAYS:
		add_keys(gather, OBJECT_MAPPING_GATEWAY);
		add_keys(gather, OBJECT_ROUTING_GATEWAY);
		break;
	case SOURCE_GATEWAY_GROUPS:
		add_keys(gather, OBJECT_GATEWAY_GROUP);
		break;
	case SOURCE_NUMBER_GROUPS:
		add_keys(gather, OBJECT_NUMBER_GROUP);
		break;
	case SOURCE_BACKUPS:
		add_backups(gather);
		break;
	case SOURCE_OUTBOUND:
		add_keys(gather, OBJECT_REGISTRATION);
		break;
	case SOURCE_OBJECT_KEYS:
		if (completion->object < OBJECT_COUNT)
			add_keys(gather, completion->object);
		break;
	case SOURCE_GENERATIONS:
		add_generations(gather);
		break;
	case SOURCE_REGISTRATIONS:
		add_registrations(gather);
		break;
	case SOURCE_ALARMS:
		add_alarms(gather);
		break;
	case SOURCE_PARAMETERS:
		for (int id = 0; id < PARAM_COUNT; id++)
			add_word(gather, param_get((enum param_id)id)->name,
				 param_get((enum param_id)id)->help);
		break;
	case SOURCE_NONE:
	case SOURCE_CALLS:
	case SOURCE_FILES:
		break;
	}
}

static enum step finish(struct request *request, struct gather *gather)
{
	request->result = json_pack("{s:o, s:i}", "candidates", gather->list, "more", gather->more);
	return STEP_DONE;
}

/* Ids of calls of one thread after the other, until there are enough. */
static enum step calls_answered(struct request *request)
{
	struct walk_workers *walk = request->state;
	const char *line = json_string_value(json_object_get(request->params, "line"));
	struct gather gather = {.request = request, .list = request->result};
	size_t len = strlen(line);

	while (len && line[len - 1] != ' ' && line[len - 1] != '\t')
		len--;
	gather.prefix = span_of(line + len);
	for (size_t i = 0; walk->reply && i < walk->reply->count; i++) {
		const struct call_info *call = &walk->reply->infos[i];
		char id[17];
		char help[160];

		snprintf(id, sizeof(id), "%016llx", (unsigned long long)call->id);
		snprintf(help, sizeof(help), "%s to %s, %s", call->caller, call->callee,
			 call->state);
		add_word(&gather, id, help);
	}
	walk->worker++;
	if (walk->worker < request->ctl->context.worker_count &&
	    json_array_size(request->result) < CANDIDATES_MAX)
		return walk_ask(request, walk, ask_list_calls, 0, UINT64_MAX, CTL_SLICE);
	request->result = NULL;
	return finish(request, &gather);
}

static enum step ask_calls(struct request *request, struct gather *gather)
{
	struct walk_workers *walk = walk_state(request);

	if (!walk || request->ctl->context.worker_count == 0)
		return finish(request, gather);
	request->result = gather->list; /* kept here until the last answer */
	request->step = calls_answered;
	return walk_ask(request, walk, ask_list_calls, 0, UINT64_MAX, CTL_SLICE);
}

static const char *line_of(struct request *request)
{
	const char *line = json_string_value(json_object_get(request->params, "line"));

	return line ? line : "";
}

enum step complete_method(struct request *request)
{
	struct gather gather = {.request = request, .list = json_array()};
	struct completion completion = {.object = OBJECT_COUNT};

	grammar_complete(request->ctl->grammar, &request->mode, session_role(request->session),
			 span_of(line_of(request)), &completion, add_candidate, &gather);
	gather.prefix = completion.word;
	if (completion.source == SOURCE_CALLS)
		return ask_calls(request, &gather);
	add_source(&gather, &completion);
	return finish(request, &gather);
}

enum step help_method(struct request *request)
{
	struct gather gather = {.request = request, .list = json_array()};

	grammar_help(request->ctl->grammar, &request->mode, session_role(request->session),
		     span_of(line_of(request)), add_candidate, &gather);
	return finish(request, &gather);
}
