/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The catalogue: every parameter (params.def), every object kind and field (objects.def), every
 * list of words (enums.def). It is the only place where they are described; parser, ?,
 * running-config, JSON and man pages read it. */
#pragma once

#include <stdbool.h>

#include "shared/catalog/value.h"

/* WORD_MEDIA_PROXY_AUTO, ...: the number of an enumerated value. */
enum {
#define WORDS_BEGIN(list)          WORD_BEFORE_##list = -1,
#define WORD(list, id, text, more) WORD_##list##_##id,
#define WORDS_END
#include "shared/catalog/enums.def"
#undef WORDS_BEGIN
#undef WORD
#undef WORDS_END
};

enum param_tab { TAB_SYSTEM, TAB_SIP, TAB_H323, TAB_AUDIO, TAB_SERVER, TAB_COUNT };

enum apply_class { APPLY_NOW, APPLY_NEW_CALLS, APPLY_NEW_REGISTRATIONS, APPLY_RESTART };

/* PARAM_SS_SIP_SESSION_TTL, ... one a row of params.def, in its order. */
enum param_id {
#define PARAM(name, ...) PARAM_##name,
#include "shared/catalog/params.def"
#undef PARAM
	PARAM_COUNT
};

struct param {
	const char *name;    /* SS_SIP_SESSION_TTL */
	const char *aliases; /* "A|B", or "" */
	enum param_tab tab;
	const char *keyword; /* session-ttl */
	struct value_spec spec;
	const char *default_text; /* as value_parse takes it; "" with has_default false = unset */
	bool has_default;
	enum apply_class apply;
	bool in_effect;     /* false: nothing in switchd reads it yet */
	const char *help;   /* one line */
	const char *source; /* where default and reading come from */
};

const struct param *param_get(enum param_id id);
/* By SS_ name or alias, case-insensitive; -1 when there is none. */
int param_find_name(struct span name);
/* By keyword inside a tab; -1 when there is none. */
int param_find_keyword(enum param_tab tab, struct span keyword);
/* The parsed default; its type is VALUE_NONE when the catalogue has none. Lives as long as the
 * process and may be read by any thread. */
const struct value *param_default(enum param_id id);
const char *tab_keyword(enum param_tab tab);          /* "sip-parameter" */
const char *tab_title(enum param_tab tab);            /* "SIP" */
const char *apply_class_name(enum apply_class apply); /* "now", "new-calls", ... */

/* OBJECT_PHONE, ...: kinds in the order in which running-config prints them. */
enum object_kind {
#define OBJECT(id, ...) OBJECT_##id,
#define FIELD(...)
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
	OBJECT_COUNT
};

/* FIELD_PHONE_PASSWORD, ...: numbered through all kinds. */
enum field_id {
#define OBJECT(...)
#define FIELD(object, id, ...) FIELD_##object##_##id,
#include "shared/catalog/objects.def"
#undef OBJECT
#undef FIELD
	FIELD_COUNT
};

struct field {
	enum object_kind kind;
	const char *keyword; /* media-proxy */
	struct value_spec spec;
	const char *default_text;
	bool has_default;
	bool is_list; /* may be given several times: address, prefixes, codecs */
	/* OBJECT_COUNT: no reference; else the text names such an object. */
	enum object_kind refers_to;
	enum apply_class apply;
	bool in_effect;
	const char *help;
};

struct object_type {
	const char *keyword;   /* routing-gateway; "" for the switch itself (hostname) */
	struct value_spec key; /* what a key may be */
	const char *key_label; /* "number", "name", "prefix", "login" */
	bool is_singleton;     /* no key: trace, backup, logging */
	enum field_id first_field;
	int field_count;
	bool in_effect; /* false: nothing in switchd reads the kind yet */
	const char *help;
};

const struct object_type *object_type(enum object_kind kind);
const struct field *field_get(enum field_id id);
const struct value *field_default(enum field_id id);
int object_kind_find(struct span keyword);                  /* -1 when there is none */
int field_find(enum object_kind kind, struct span keyword); /* -1 when there is none */
