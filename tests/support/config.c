/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/support/config.h"

#include "shared/config/change.h"
#include "tests/support/test.h"

static void add(struct change_list *list, struct change change)
{
	assert_int_equal(change_list_add(list, &change), VOS_OK);
}

static void add_params(struct change_list *list, const char *const *params)
{
	for (; params && *params; params += 2) {
		struct change change = {.op = CHANGE_PARAM_SET};
		struct vos_fault fault = {0};
		int id = param_find_name(span_of(params[0]));

		assert_true(id >= 0);
		change.param = (enum param_id)id;
		change.key = strdup("");
		assert_non_null(change.key);
		assert_int_equal(value_parse(&param_get(change.param)->spec, params[0],
					     span_of(params[1]), &change.value, &fault),
				 VOS_OK);
		add(list, change);
	}
}

static void seal(const struct secret_key *key, struct value *value)
{
	char sealed[SECRET_SEALED_MAX];

	assert_int_equal(secret_seal(key, span_of(value->text), sealed), VOS_OK);
	free(value->text);
	value->text = strdup(sealed);
	assert_non_null(value->text);
}

static void add_object(struct change_list *list, const struct test_object *object,
		       const struct secret_key *key)
{
	struct change create = {.op = CHANGE_OBJECT_CREATE, .kind = object->kind};

	create.key = strdup(object->key);
	assert_non_null(create.key);
	add(list, create);
	for (const char *const *field = object->fields; field && *field; field += 2) {
		struct change change = {.op = CHANGE_FIELD_SET, .kind = object->kind};
		struct vos_fault fault = {0};
		int id = field_find(object->kind, span_of(field[0]));

		assert_true(id >= 0);
		change.field = (enum field_id)id;
		change.key = strdup(object->key);
		assert_non_null(change.key);
		assert_int_equal(value_parse(&field_get(change.field)->spec, field[0],
					     span_of(field[1]), &change.value, &fault),
				 VOS_OK);
		if (change.value.type == VALUE_SECRET)
			seal(key, &change.value);
		add(list, change);
	}
}

static struct snapshot *apply(struct change_list *list)
{
	struct snapshot *empty = snapshot_new_empty();
	struct snapshot *snapshot = NULL;
	struct vos_fault fault = {0};

	assert_non_null(empty);
	assert_int_equal(snapshot_apply(empty, list, 1, &snapshot, &fault), VOS_OK);
	snapshot_unref(empty);
	change_list_clear(list);
	return snapshot;
}

struct snapshot *test_snapshot(const char *const *params)
{
	struct change_list list = {0};

	add_params(&list, params);
	return apply(&list);
}

struct conf *test_conf(const char *const *params, const struct test_object *objects, size_t count)
{
	struct change_list list = {0};
	struct vos_fault fault = {0};
	struct secret_key key;
	struct conf *conf = NULL;

	secret_key_random(&key);
	add_params(&list, params);
	for (size_t i = 0; i < count; i++)
		add_object(&list, &objects[i], &key);
	assert_int_equal(conf_build(apply(&list), &key, NULL, &conf, &fault), VOS_OK);
	return conf;
}
