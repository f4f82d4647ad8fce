/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of catalog.h, made from the rows of enums.def, params.def and objects.def. Defaults
 * are parsed once a process; all else is constant. */
#include "shared/catalog/catalog.h"

#include <pthread.h>

#include "shared/catalog/rows.h"

/* clang-format off */
#define WORDS_BEGIN(list)             static const char *const words_##list[] = {
#define WORD(list, id, word, aliases) word,
#define WORDS_END                     NULL};
#include "shared/catalog/enums.def"
#undef WORDS_BEGIN
#undef WORD
#undef WORDS_END

#define WORDS_BEGIN(list)             static const char *const aliases_##list[] = {
#define WORD(list, id, word, aliases) aliases,
#define WORDS_END                     NULL};
#include "shared/catalog/enums.def"
#undef WORDS_BEGIN
#undef WORD
#undef WORDS_END
/* clang-format on */

static const struct param params[PARAM_COUNT] = {
#define PARAM(name_, aliases_, tab_, keyword_, spec_, default_, apply_, effect_, help_, source_) \
	[PARAM_##name_] = {.name = #name_,                                                       \
			   .aliases = aliases_,                                                  \
			   .tab = TAB_##tab_,                                                    \
			   .keyword = keyword_,                                                  \
			   .spec = spec_,                                                        \
			   default_,                                                             \
			   .apply = APPLY_##apply_,                                              \
			   .in_effect = effect_,                                                 \
			   .help = help_,                                                        \
			   .source = source_},
#include "shared/catalog/params.def"
#undef PARAM
};

enum {
	REFERENCE_NONE = OBJECT_COUNT,
#define OBJECT(id, ...) REFERENCE_##id = OBJECT_##id,
#define FIELD(...)
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
};

#define IS_LIST_ONE  false
#define IS_LIST_MANY true

static const struct field fields[FIELD_COUNT] = {
#define OBJECT(...)
#define FIELD(kind_, id_, keyword_, spec_, default_, many_, refers_, apply_, effect_, help_) \
	[FIELD_##kind_##_##id_] = {.kind = OBJECT_##kind_,                                   \
				   .keyword = keyword_,                                      \
				   .spec = spec_,                                            \
				   default_,                                                 \
				   .is_list = IS_LIST_##many_,                               \
				   .refers_to = (enum object_kind)REFERENCE_##refers_,       \
				   .apply = APPLY_##apply_,                                  \
				   .in_effect = effect_,                                     \
				   .help = help_},
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
};

/* Where each kind's fields begin: a field counts on, a kind does not. */
enum {
#define OBJECT(id, ...)        FIRST_OF_##id, BEFORE_##id = FIRST_OF_##id - 1,
#define FIELD(object, id, ...) PLACE_##object##_##id,
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
};

/* How many they are: one byte a field, and sizeof adds them up. */
struct fields_before_all {
	char unused;
/* clang-format off */
#define OBJECT(id, ...) }; struct fields_of_##id {
#define FIELD(object, id, ...) char object##_##id;
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
	/* clang-format on */
};

static const struct object_type objects[OBJECT_COUNT] = {
#define OBJECT(id_, keyword_, key_, label_, singleton_, effect_, help_)       \
	[OBJECT_##id_] = {.keyword = keyword_,                                \
			  .key = key_,                                        \
			  .key_label = label_,                                \
			  .is_singleton = singleton_,                         \
			  .first_field = (enum field_id)FIRST_OF_##id_,       \
			  .field_count = (int)sizeof(struct fields_of_##id_), \
			  .in_effect = effect_,                               \
			  .help = help_},
#define FIELD(...)
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
};

/* Written once, under pthread_once, before anything reads them. */
static struct value param_defaults[PARAM_COUNT];
static struct value field_defaults[FIELD_COUNT];
static pthread_once_t defaults_once = PTHREAD_ONCE_INIT;

static void parse_default(const struct value_spec *spec, const char *text, struct value *out)
{
	/* A default that its own spec refuses stays unset; the table's test finds it. */
	if (value_parse(spec, "default", span_of(text), out, NULL) != VOS_OK)
		*out = (struct value){.type = VALUE_NONE};
}

static void parse_defaults(void)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (params[i].has_default)
			parse_default(&params[i].spec, params[i].default_text, &param_defaults[i]);
	for (int i = 0; i < FIELD_COUNT; i++)
		if (fields[i].has_default)
			parse_default(&fields[i].spec, fields[i].default_text, &field_defaults[i]);
}

const struct param *param_get(enum param_id id)
{
	return &params[id];
}

static bool is_alias(const char *aliases, struct span name)
{
	struct span rest = span_of(aliases);

	while (rest.len) {
		size_t bar = span_find(rest, '|');

		if (span_ieq((struct span){rest.ptr, bar}, name))
			return true;
		if (bar == rest.len)
			break;
		rest = (struct span){rest.ptr + bar + 1, rest.len - bar - 1};
	}
	return false;
}

int param_find_name(struct span name)
{
	if (span_is_empty(name))
		return -1;
	for (int i = 0; i < PARAM_COUNT; i++)
		if (span_ieq(span_of(params[i].name), name) || is_alias(params[i].aliases, name))
			return i;
	return -1;
}

int param_find_keyword(enum param_tab tab, struct span keyword)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (params[i].tab == tab && span_ieq(span_of(params[i].keyword), keyword))
			return i;
	return -1;
}

const struct value *param_default(enum param_id id)
{
	pthread_once(&defaults_once, parse_defaults);
	return &param_defaults[id];
}

const char *tab_keyword(enum param_tab tab)
{
	static const char *const keywords[TAB_COUNT] = {
		[TAB_SYSTEM] = "system-parameter", [TAB_SIP] = "sip-parameter",
		[TAB_H323] = "h323-parameter",     [TAB_AUDIO] = "audio-service-parameter",
		[TAB_SERVER] = "server-parameter",
	};

	return keywords[tab];
}

const char *tab_title(enum param_tab tab)
{
	static const char *const titles[TAB_COUNT] = {
		[TAB_SYSTEM] = "System",       [TAB_SIP] = "SIP",       [TAB_H323] = "H323",
		[TAB_AUDIO] = "Audio service", [TAB_SERVER] = "Server",
	};

	return titles[tab];
}

const char *apply_class_name(enum apply_class apply)
{
	switch (apply) {
	case APPLY_NOW:
		return "now";
	case APPLY_NEW_CALLS:
		return "new-calls";
	case APPLY_NEW_REGISTRATIONS:
		return "new-registrations";
	case APPLY_RESTART:
		return "restart";
	}
	return "";
}

const struct object_type *object_type(enum object_kind kind)
{
	return &objects[kind];
}

const struct field *field_get(enum field_id id)
{
	return &fields[id];
}

const struct value *field_default(enum field_id id)
{
	pthread_once(&defaults_once, parse_defaults);
	return &field_defaults[id];
}

int object_kind_find(struct span keyword)
{
	for (int i = 0; i < OBJECT_COUNT; i++)
		if (span_ieq(span_of(objects[i].keyword), keyword))
			return i;
	return -1;
}

int field_find(enum object_kind kind, struct span keyword)
{
	const struct object_type *type = &objects[kind];

	for (int i = 0; i < type->field_count; i++)
		if (span_ieq(span_of(fields[(int)type->first_field + i].keyword), keyword))
			return (int)type->first_field + i;
	return -1;
}
