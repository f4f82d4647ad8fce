/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The vocabulary of params.def and objects.def: what a value may be, and its default. Only
 * catalog.c includes it. */
#pragma once

#include "shared/catalog/checks.h"

/* clang-format off */
#define BOOL {.type = VALUE_BOOL}
#define TOS  {.type = VALUE_TOS, .min = 0, .max = 255}
#define INT(low, high, unit_) {.type = VALUE_INT, .min = low, .max = high, .unit = unit_}
#define INT_IF(low, high, unit_, check_, extra_) \
	{.type = VALUE_INT, .min = low, .max = high, .unit = unit_, .check = check_, .extra = extra_}
/* A number, or a word that stands for one outside the range. */
#define INT_OR(word, aliases, number, low, high, unit_)                                \
	{.type = VALUE_INT, .min = low, .max = high, .unit = unit_, .none_word = word, \
	 .none_aliases = aliases, .none_number = number}
#define DURATION(low, high, unit_) {.type = VALUE_DURATION, .min = low, .max = high, .unit = unit_}
#define DURATION_OR(word, aliases, number, low, high, unit_)                                \
	{.type = VALUE_DURATION, .min = low, .max = high, .unit = unit_, .none_word = word, \
	 .none_aliases = aliases, .none_number = number}
#define ENUM(list)                                            \
	{.type = VALUE_ENUM, .max = LAST_OF(words_##list),    \
	 .words = words_##list, .word_aliases = aliases_##list}
#define TEXT(low, high) {.type = VALUE_STRING, .min = low, .max = high}
#define TEXT_IF(low, high, check_, extra_) \
	{.type = VALUE_STRING, .min = low, .max = high, .check = check_, .extra = extra_}
/* Text of which one thing has several spellings; the value keeps the canonical one. */
#define TEXT_AS(low, high, canonical_, extra_) \
	{.type = VALUE_STRING, .min = low, .max = high, .canonical = canonical_, .extra = extra_}
#define NAME   TEXT_IF(1, 64, check_name, NAME_RULE)
#define DIGITS TEXT_IF(1, 32, check_digits, DIGITS_RULE)
#define PATH   TEXT_IF(1, 255, check_path, "an absolute path")
#define SECRET(low, high) {.type = VALUE_SECRET, .min = low, .max = high}
#define PORTS(low, high)  {.type = VALUE_PORT_RANGE, .min = low, .max = high}
#define PORTS_EVEN(low, high)                                \
	{.type = VALUE_PORT_RANGE, .min = low, .max = high,  \
	 .check = check_even_pair, .extra = "low even and below high"}
#define INTERVALS(least, most) {.type = VALUE_INTERVAL_LIST, .min = least, .max = most}
#define DEFAULT_MAX(low, high, unit_) \
	{.type = VALUE_DEFAULT_MAX, .min = low, .max = high, .unit = unit_}
#define ADDRESS      {.type = VALUE_ADDRESS, .port = VALUE_PORT_OPTIONAL}
#define ADDRESS_PORT {.type = VALUE_ADDRESS, .port = VALUE_PORT_REQUIRED}
#define ADDRESS_IP   {.type = VALUE_ADDRESS, .port = VALUE_PORT_NONE}
#define PREFIX       {.type = VALUE_PREFIX}
#define NO_KEY       {.type = VALUE_NONE}

#define DEFAULT(text) .default_text = text, .has_default = true
#define UNSET         .default_text = "", .has_default = false
#define IN_EFFECT     true
#define NOT_YET       false
/* clang-format on */

#define LAST_OF(words) ((int64_t)(sizeof(words) / sizeof((words)[0])) - 2)
