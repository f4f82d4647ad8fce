/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration as text, and differences between two of them as +/- lines. */
#include <stdlib.h>

#include "shared/config/text_write.h"
#include "switchd/ctl/handlers.h"

#define TEXT_PIECE (32u * 1024u)
struct walk_text {
	struct buf text;
	size_t at;
};

static void drop_text(void *state)
{
	struct walk_text *walk = state;

	buf_free(&walk->text);
	free(walk);
}

/* Sends one piece, which ends with a whole line. */
static enum step send_piece(struct request *request, struct walk_text *walk)
{
	struct span rest = {walk->text.data + walk->at, walk->text.len - walk->at};
	struct span piece = rest;

	if (piece.len > TEXT_PIECE) {
		piece.len = TEXT_PIECE;
		while (piece.len < rest.len && piece.ptr[piece.len - 1] != '\n')
			piece.len++;
	}
	emit_document(request, piece);
	walk->at += piece.len;
	return walk->at < walk->text.len ? STEP_MORE : STEP_DONE;
}

static enum step write_config(struct request *request, struct walk_text *walk)
{
	const struct snapshot *snapshot = request_running(request);
	const char *section = request_arg(request, "section");
	struct config_text_options options = {
		.all = request_has(request, "all"),
		.names = request_has(request, "names"),
		.redact = request_has(request, "redact"),
		.section = section,
		.key = request_arg(request, "key"),
	};
	struct generation_info newest;
	int kind = section ? object_kind_find(span_of(section)) : -1;

	if (section && !config_text_is_section(span_of(section)))
		return request_refuse(request, FAULT_SYNTAX_UNKNOWN_WORD,
				      match_arg(&request->match, "section")->column,
				      "\"%s\" is no section of the configuration", section);
	if (options.key && kind >= 0 &&
	    !snapshot_object_find(snapshot, (enum object_kind)kind, span_of(options.key)))
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "key")->column,
				      "there is no %s %s", section, options.key);
	if (store_generations(request->ctl->context.store, &newest, 1) == 1 &&
	    newest.number == snapshot_generation(snapshot)) {
		options.time_ms = newest.time_ms;
		options.author = newest.author;
		options.comment = newest.comment;
	}
	config_write_text(snapshot, &options, &walk->text);
	return walk->text.failed ? request_no_memory(request) : STEP_DONE;
}

enum step show_running_config(struct request *request)
{
	struct walk_text *walk = request->state;

	if (!walk) {
		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		request->drop_state = drop_text;
		write_config(request, walk);
		if (request->has_fault)
			return STEP_DONE;
	}
	return send_piece(request, walk);
}

/* No headers: as text these are plain +/- lines. */
static const struct column diff_columns[] = {
	{"op", CELL_TEXT, "", "", 1},
	{"line", CELL_TEXT, "", "", 0},
};

const struct schema schema_differences = SCHEMA_OF_ROWS(diff_columns);

static void emit_change(struct request *request, const char *op, const struct change *change)
{
	struct buf line = buf_new();

	config_write_change(change, false, &line);
	emit_str(request, op);
	emit_text(request, buf_span(&line));
	emit_row_end(request);
	buf_free(&line);
}

/* What was there before, as the line that would set it. */
static void emit_old(struct request *request, const struct snapshot *from,
		     const struct change *change)
{
	struct change old = *change;
	const struct object *object;

	if (change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET) {
		if (!snapshot_param_is_set(from, change->param))
			return;
		old.op = CHANGE_PARAM_SET;
		old.value = *snapshot_param(from, change->param);
		emit_change(request, "-", &old);
		return;
	}
	object = snapshot_object_find(from, change->kind, span_of(change->key ? change->key : ""));
	if (!object || !object_field_is_set(object, change->field))
		return;
	old.op = CHANGE_FIELD_SET;
	for (size_t i = 0; i < object_list_count(object, change->field); i++) {
		old.value = *object_list_at(object, change->field, i);
		emit_change(request, "-", &old);
	}
}

/* Everything that goes with a deleted object is part of the lines that go. */
static void emit_fields(struct request *request, const struct snapshot *from,
			const struct change *change)
{
	const struct object_type *type = object_type(change->kind);

	for (int i = 0; i < type->field_count; i++) {
		struct change field = *change;

		field.op = CHANGE_FIELD_RESET;
		field.field = (enum field_id)((int)type->first_field + i);
		emit_old(request, from, &field);
	}
}

static void emit_difference(struct request *request, const struct snapshot *from,
			    const struct change *change)
{
	struct change one = *change;

	switch (change->op) {
	case CHANGE_PARAM_SET:
		emit_old(request, from, change);
		emit_change(request, "+", change);
		break;
	case CHANGE_FIELD_SET:
		if (!field_get(change->field)->is_list)
			emit_old(request, from, change);
		emit_change(request, "+", change);
		break;
	case CHANGE_OBJECT_CREATE:
		emit_change(request, "+", change);
		break;
	case CHANGE_PARAM_RESET:
		emit_old(request, from, change);
		break;
	case CHANGE_FIELD_RESET:
		one.op = CHANGE_FIELD_SET;
		if (change->value.type != VALUE_NONE)
			emit_change(request, "-", &one);
		else
			emit_old(request, from, change);
		break;
	case CHANGE_OBJECT_DELETE:
		emit_fields(request, from, change);
		one.op = CHANGE_OBJECT_CREATE;
		emit_change(request, "-", &one);
		break;
	}
}

enum step diff_rows_emit(struct request *request, struct diff_rows *rows)
{
	if (!rows->started)
		EMIT_TABLE(request, diff_columns);
	rows->started = true;
	for (int i = 0; i < CTL_SLICE && rows->at < rows->changes.count; i++)
		emit_difference(request, rows->from, &rows->changes.items[rows->at++]);
	return rows->at < rows->changes.count ? STEP_MORE : STEP_DONE;
}

void diff_rows_clear(struct diff_rows *rows)
{
	change_list_clear(&rows->changes);
	if (rows->from)
		snapshot_unref(rows->from);
	*rows = (struct diff_rows){0};
}

static void drop_diff(void *state)
{
	diff_rows_clear(state);
	free(state);
}

/* A state that holds what leads from one to the other; NULL with the request refused. */
static struct diff_rows *diff_state(struct request *request, struct snapshot *from,
				    const struct snapshot *to)
{
	struct diff_rows *rows = request_state(request, sizeof(*rows));

	if (!rows) {
		request_no_memory(request);
		return NULL;
	}
	request->drop_state = drop_diff;
	rows->from = snapshot_ref(from);
	if (snapshot_diff(from, to, &rows->changes) != VOS_OK) {
		request_no_memory(request);
		return NULL;
	}
	request->is_different = rows->changes.count > 0;
	return rows;
}

enum step show_configuration_changes(struct request *request)
{
	struct config_candidate *candidate = &request->session->candidate;
	struct diff_rows *rows = request->state;
	struct vos_fault fault = {0};
	struct snapshot *after;

	if (!rows) {
		if (snapshot_apply(candidate->base, &candidate->changes,
				   snapshot_generation(candidate->base), &after, &fault) != VOS_OK)
			return request_fail(request, &fault);
		rows = diff_state(request, candidate->base, after);
		snapshot_unref(after);
		if (!rows)
			return STEP_DONE;
	}
	return diff_rows_emit(request, rows);
}

static const struct column history_columns[] = {
	{"generation", CELL_INT, "", "GENERATION", 10}, {"time", CELL_TIME, "", "TIME", 20},
	{"author", CELL_TEXT, "", "AUTHOR", 12},        {"changes", CELL_INT, "", "CHANGES", 7},
	{"comment", CELL_TEXT, "", "COMMENT", 0},
};

const struct schema schema_configuration_history = SCHEMA_OF_ROWS(history_columns);

enum step show_configuration_history(struct request *request)
{
	const char *last = request_arg(request, "last");
	size_t max = last ? strtoul(last, NULL, 10) : GENERATIONS_KEPT;
	struct generation_info *infos = calloc(GENERATIONS_KEPT, sizeof(*infos));
	size_t count;

	if (!infos)
		return request_no_memory(request);
	count = store_generations(request->ctl->context.store, infos,
				  max < GENERATIONS_KEPT ? max : GENERATIONS_KEPT);
	EMIT_TABLE(request, history_columns);
	for (size_t i = 0; i < count; i++) {
		emit_int(request, (int64_t)infos[i].number);
		emit_time(request, infos[i].time_ms);
		emit_str(request, infos[i].author);
		emit_int(request, (int64_t)infos[i].change_count);
		emit_str(request, infos[i].comment);
		emit_row_end(request);
	}
	free(infos);
	return STEP_DONE;
}

/* As commit_snapshot_at(); NULL with the request refused. */
static struct snapshot *snapshot_at(struct request *request, uint64_t generation)
{
	uint64_t newest = snapshot_generation(request_running(request));
	struct snapshot *at = NULL;

	if (generation > newest)
		request_refuse(request, FAULT_NOT_FOUND, 0, "the newest generation is %llu",
			       (unsigned long long)newest);
	else if (commit_snapshot_at(request->ctl->context.store, request_running(request),
				    generation, &at) != VOS_OK)
		request_refuse(request, FAULT_NOT_FOUND, 0,
			       "generation %llu is not kept any more; one can go back %d",
			       (unsigned long long)generation, GENERATIONS_KEPT);
	return at;
}

static uint64_t generation_arg(const struct request *request, const char *name, uint64_t standard)
{
	const char *text = request_arg(request, name);

	return text ? strtoull(text, NULL, 10) : standard;
}

enum step show_configuration_diff(struct request *request)
{
	uint64_t newest = snapshot_generation(request_running(request));
	uint64_t to = generation_arg(request, "to", newest);
	uint64_t from = generation_arg(request, "from", to ? to - 1 : 0);
	struct diff_rows *rows = request->state;
	struct snapshot *older;
	struct snapshot *newer;

	if (!rows) {
		older = snapshot_at(request, from);
		newer = older ? snapshot_at(request, to) : NULL;
		if (newer)
			rows = diff_state(request, older, newer);
		if (older)
			snapshot_unref(older);
		if (newer)
			snapshot_unref(newer);
		if (!rows)
			return STEP_DONE;
	}
	return diff_rows_emit(request, rows);
}

static bool write_generation(struct request *request, struct walk_text *walk)
{
	uint64_t number = generation_arg(request, "generation", 0);
	struct generation_info *infos = calloc(GENERATIONS_KEPT, sizeof(*infos));
	struct config_text_options options = {0};
	struct snapshot *at;
	size_t count;

	if (!infos) {
		request_no_memory(request);
		return false;
	}
	count = store_generations(request->ctl->context.store, infos, GENERATIONS_KEPT);
	for (size_t i = 0; i < count; i++) {
		if (infos[i].number != number)
			continue;
		options.time_ms = infos[i].time_ms;
		options.author = infos[i].author;
		options.comment = infos[i].comment;
	}
	at = snapshot_at(request, number);
	if (at) {
		config_write_text(at, &options, &walk->text);
		snapshot_unref(at);
		if (walk->text.failed)
			request_no_memory(request);
	}
	free(infos);
	return !request->has_fault;
}

enum step show_configuration_generation(struct request *request)
{
	struct walk_text *walk = request->state;

	if (!walk) {
		walk = request_state(request, sizeof(*walk));
		if (!walk)
			return request_no_memory(request);
		request->drop_state = drop_text;
		if (!write_generation(request, walk))
			return STEP_DONE;
	}
	return send_piece(request, walk);
}
