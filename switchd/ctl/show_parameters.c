/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parameters: value, default, where they come from, when a change takes effect. */
#include <stdlib.h>
#include <strings.h>

#include "switchd/ctl/handlers.h"

static const struct column parameters_columns[] = {
	{"name", CELL_TEXT, "", "NAME", 40},
	{"value", CELL_VALUE, "", "VALUE", 12},
	{"default", CELL_VALUE, "", "DEFAULT", 12},
	{"is_changed", CELL_BOOL, "", "CHANGED", -7},
	{"unit", CELL_TEXT, "", "UNIT", 4},
	{"applies", CELL_TEXT, "", "APPLIES", 17},
	{"is_in_effect", CELL_BOOL, "", "IN-EFFECT", -9},
	{"note", CELL_TEXT, "", "NOTE", -18},
	{"tab", CELL_TEXT, "", "TAB", -20},
	{"keyword", CELL_TEXT, "", "KEYWORD", -30},
	{"source", CELL_TEXT, "", "SOURCE", -20},
};

const struct schema schema_parameters = SCHEMA_OF_ROWS(parameters_columns);

static const char *note_of(const struct param *param)
{
	return param->in_effect ? NULL : "not in effect yet";
}

static void emit_param(struct request *request, enum param_id id)
{
	const struct snapshot *snapshot = request_running(request);
	const struct param *param = param_get(id);
	const struct value *value = snapshot_param(snapshot, id);

	emit_str(request, param->name);
	emit_value(request, &param->spec, value);
	emit_value(request, &param->spec, param_default(id));
	emit_bool(request, !value_equal(value, param_default(id)));
	emit_str(request, param->spec.unit);
	emit_str(request, apply_class_name(param->apply));
	emit_bool(request, param->in_effect);
	emit_str(request, note_of(param));
	emit_str(request, tab_keyword(param->tab));
	emit_str(request, param->keyword);
	emit_str(request, param->source);
	emit_row_end(request);
}

static bool fits_pattern(const char *pattern, const struct param *param)
{
	char upper[MODE_KEY_MAX];
	size_t len = strlen(pattern);

	if (len >= sizeof(upper))
		return false;
	for (size_t i = 0; i <= len; i++)
		upper[i] = pattern[i] >= 'a' && pattern[i] <= 'z' ? (char)(pattern[i] - 32)
								  : pattern[i];
	if (text_matches(upper, param->name) || text_matches(pattern, param->keyword))
		return true;
	return strcasecmp(pattern, param->name) == 0 || strcasecmp(pattern, param->keyword) == 0;
}

enum step show_parameters(struct request *request)
{
	const char *tab = request_arg(request, "tab");
	const char *pattern = request_arg(request, "pattern");
	bool changed_only = request_has(request, "changed");
	size_t found = 0;

	EMIT_TABLE(request, parameters_columns);
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);

		if (tab && strcmp(tab, tab_keyword(param->tab)) != 0)
			continue;
		if (pattern && !fits_pattern(pattern, param) &&
		    param_find_name(span_of(pattern)) != id)
			continue;
		if (changed_only &&
		    value_equal(snapshot_param(request_running(request), (enum param_id)id),
				param_default((enum param_id)id)))
			continue;
		emit_param(request, (enum param_id)id);
		found++;
	}
	/* A name without wildcards is one named thing, and it is missing. */
	if (!found && pattern && !strpbrk(pattern, "*?") && !changed_only && !tab)
		return request_refuse(request, FAULT_NOT_FOUND,
				      match_arg(&request->match, "pattern")->column,
				      "there is no parameter %s", pattern);
	return STEP_DONE;
}

/* By SS_ name, alias, or a keyword that only one tab has. -1: none, -2: several. */
static int find_param(const char *name)
{
	int found = param_find_name(span_of(name));

	if (found >= 0)
		return found;
	for (enum param_tab tab = 0; tab < TAB_COUNT; tab++) {
		int id = param_find_keyword(tab, span_of(name));

		if (id >= 0)
			found = found == -1 ? id : -2;
	}
	return found;
}

static const struct member parameter_members[] = {
	{"name", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"value", CELL_VALUE, MEMBER_ALWAYS, NULL},
	{"default", CELL_VALUE, MEMBER_ALWAYS, NULL},
	{"is_changed", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"unit", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"type", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"tab", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"keyword", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"aliases", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"applies", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"is_in_effect", CELL_BOOL, MEMBER_ALWAYS, NULL},
	{"note", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"help", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{"source", CELL_TEXT, MEMBER_ALWAYS, NULL},
	{0},
};

const struct schema schema_parameter = SCHEMA_OF_ITEM(parameter_members);

enum step show_parameter(struct request *request)
{
	const char *name = match_text(&request->match, "name");
	const struct snapshot *snapshot = request_running(request);
	const struct param *param;
	struct buf type = buf_new();
	int id = find_param(name);
	int column = match_arg(&request->match, "name")->column;

	if (id == -1)
		return request_refuse(request, FAULT_NOT_FOUND, column, "there is no parameter %s",
				      name);
	if (id < 0)
		return request_refuse(request, FAULT_SYNTAX_AMBIGUOUS, column,
				      "several tabs have a parameter %s; give its SS_ name", name);
	param = param_get((enum param_id)id);
	value_print_type(&param->spec, &type);
	item_begin(request);
	item_str(request, NULL, "name", param->name);
	item_value(request, NULL, "value", &param->spec,
		   snapshot_param(snapshot, (enum param_id)id));
	item_value(request, NULL, "default", &param->spec, param_default((enum param_id)id));
	item_bool(request, NULL, "is_changed",
		  !value_equal(snapshot_param(snapshot, (enum param_id)id),
			       param_default((enum param_id)id)));
	item_str(request, NULL, "unit", param->spec.unit);
	item_str(request, NULL, "type", buf_cstr(&type));
	item_str(request, NULL, "tab", tab_keyword(param->tab));
	item_str(request, NULL, "keyword", param->keyword);
	item_str(request, NULL, "aliases", param->aliases);
	item_str(request, NULL, "applies", apply_class_name(param->apply));
	item_bool(request, NULL, "is_in_effect", param->in_effect);
	item_str(request, NULL, "note", note_of(param));
	item_str(request, NULL, "help", param->help);
	item_str(request, NULL, "source", param->source);
	item_end(request);
	buf_free(&type);
	return STEP_DONE;
}
