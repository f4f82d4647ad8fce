/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/changes.h"

#include "shared/config/text_write.h"
#include "tests/support/test.h"

static void parse(const struct value_spec *spec, const char *text, struct value *out)
{
	struct vos_fault fault = {0};

	if (value_parse(spec, "value", span_of(text), out, &fault))
		fail_msg("value \"%s\": %s", text, fault.text);
}

static void add(struct change_list *list, struct change *change, const char *key)
{
	change->key = span_dup(span_of(key));
	assert_non_null(change->key);
	assert_int_equal(change_list_add(list, change), VOS_OK);
}

static enum param_id param_of(const char *name)
{
	int id = param_find_name(span_of(name));

	assert_true(id >= 0);
	return (enum param_id)id;
}

static enum object_kind kind_of(const char *keyword)
{
	for (int i = 0; i < OBJECT_COUNT; i++)
		if (strcmp(object_type((enum object_kind)i)->keyword, keyword) == 0)
			return (enum object_kind)i;
	fail_msg("no kind \"%s\"", keyword);
	return OBJECT_COUNT;
}

static enum field_id field_of(enum object_kind kind, const char *keyword)
{
	int id = field_find(kind, span_of(keyword));

	if (id < 0)
		fail_msg("no field \"%s\"", keyword);
	return (enum field_id)id;
}

void changes_param(struct change_list *list, const char *name, const char *text)
{
	struct change change = {.op = CHANGE_PARAM_SET, .param = param_of(name)};

	parse(&param_get(change.param)->spec, text, &change.value);
	add(list, &change, "");
}

void changes_param_reset(struct change_list *list, const char *name)
{
	struct change change = {.op = CHANGE_PARAM_RESET, .param = param_of(name)};

	add(list, &change, "");
}

void changes_create(struct change_list *list, const char *kind, const char *key)
{
	struct change change = {.op = CHANGE_OBJECT_CREATE, .kind = kind_of(kind)};

	add(list, &change, key);
}

void changes_delete(struct change_list *list, const char *kind, const char *key)
{
	struct change change = {.op = CHANGE_OBJECT_DELETE, .kind = kind_of(kind)};

	add(list, &change, key);
}

void changes_field(struct change_list *list, const char *kind, const char *key, const char *field,
		   const char *text)
{
	struct change change = {.op = CHANGE_FIELD_SET, .kind = kind_of(kind)};

	change.field = field_of(change.kind, field);
	parse(&field_get(change.field)->spec, text, &change.value);
	add(list, &change, key);
}

void changes_field_reset(struct change_list *list, const char *kind, const char *key,
			 const char *field, const char *text)
{
	struct change change = {.op = CHANGE_FIELD_RESET, .kind = kind_of(kind)};

	change.field = field_of(change.kind, field);
	if (text)
		parse(&field_get(change.field)->spec, text, &change.value);
	add(list, &change, key);
}

struct snapshot *changes_apply(struct snapshot *base, struct change_list *list)
{
	struct snapshot *empty = base ? NULL : snapshot_new_empty();
	struct snapshot *after = NULL;
	struct vos_fault fault = {0};
	struct snapshot *from = base ? base : empty;

	if (snapshot_apply(from, list, snapshot_generation(from) + 1, &after, &fault))
		fail_msg("%s: %s", fault.path, fault.text);
	change_list_clear(list);
	snapshot_unref(empty);
	return after;
}

char *changes_text(const struct snapshot *snapshot)
{
	struct config_text_options options = {0};
	struct buf out = buf_new();
	char *text;

	config_write_text(snapshot, &options, &out);
	assert_false(out.failed);
	text = strdup(strstr(buf_cstr(&out), "\n!\n") + 3);
	assert_non_null(text);
	buf_free(&out);
	return text;
}
