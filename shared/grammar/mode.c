/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Modes and their text form. */
#include <stdio.h>

#include "shared/grammar/grammar.h"

static const struct {
	enum mode_kind kind;
	const char *text;
} plain_modes[] = {
	{MODE_EXEC, "exec"},
	{MODE_CONFIG, "config"},
	{MODE_SOFTSWITCH_MANAGEMENT, "config-softswitch-management"},
	{MODE_ADDITIONAL_SETTINGS, "config-additional-settings"},
};

bool mode_parse(struct span text, struct mode *out)
{
	struct mode mode = {0};
	struct span prefix = SPAN_LIT("config-");
	struct span word;
	size_t colon;
	int kind;

	for (size_t i = 0; i < sizeof(plain_modes) / sizeof(plain_modes[0]); i++) {
		if (span_eq(text, span_of(plain_modes[i].text))) {
			mode.kind = plain_modes[i].kind;
			*out = mode;
			return true;
		}
	}
	if (!span_starts_with(text, prefix))
		return false;
	word = (struct span){text.ptr + prefix.len, text.len - prefix.len};
	for (int tab = 0; tab < TAB_COUNT; tab++) {
		if (span_eq(word, span_of(tab_keyword((enum param_tab)tab)))) {
			mode.kind = MODE_TAB;
			mode.tab = (enum param_tab)tab;
			*out = mode;
			return true;
		}
	}
	colon = span_find(word, ':');
	kind = object_kind_find((struct span){word.ptr, colon});
	if (kind < 0 || colon == 0)
		return false;
	mode.kind = MODE_OBJECT;
	mode.object = (enum object_kind)kind;
	if (object_type(mode.object)->is_singleton != (colon == word.len))
		return false;
	if (colon < word.len) {
		struct span key = {word.ptr + colon + 1, word.len - colon - 1};

		if (key.len == 0 || !span_copy(key, mode.key, sizeof(mode.key)))
			return false;
	}
	*out = mode;
	return true;
}

char *mode_print(const struct mode *mode, char out[MODE_KEY_MAX + 48])
{
	const size_t size = MODE_KEY_MAX + 48;

	if (mode->kind == MODE_TAB) {
		snprintf(out, size, "config-%s", tab_keyword(mode->tab));
		return out;
	}
	if (mode->kind == MODE_OBJECT) {
		const struct object_type *type = object_type(mode->object);

		snprintf(out, size, "config-%s%s%s", type->keyword, type->is_singleton ? "" : ":",
			 type->is_singleton ? "" : mode->key);
		return out;
	}
	for (size_t i = 0; i < sizeof(plain_modes) / sizeof(plain_modes[0]); i++) {
		if (plain_modes[i].kind == mode->kind)
			snprintf(out, size, "%s", plain_modes[i].text);
	}
	return out;
}

struct mode mode_parent(const struct mode *mode)
{
	struct mode parent = {0};

	if (mode->kind == MODE_ADDITIONAL_SETTINGS ||
	    (mode->kind == MODE_TAB && mode->tab == TAB_SERVER))
		parent.kind = MODE_SOFTSWITCH_MANAGEMENT;
	else if (mode->kind == MODE_TAB)
		parent.kind = MODE_ADDITIONAL_SETTINGS;
	else if (mode->kind == MODE_OBJECT || mode->kind == MODE_SOFTSWITCH_MANAGEMENT)
		parent.kind = MODE_CONFIG;
	return parent;
}
