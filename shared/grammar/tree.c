/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a grammar: compiles the rows of commands.def into a tree of keywords with patterns behind
 * them, and takes a hash of the whole language. */
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/hash.h"
#include "shared/grammar/grammar_private.h"

static const char *const call_states[] = {"setup",     "trying",    "ringing",
					  "connected", "releasing", NULL};

static const char *const legs[] = {"a", "b", NULL};

enum slot_words { NO_WORDS, CALL_STATES, LEGS, TABS, SECTIONS };

struct value_row {
	struct slot slot;
	enum slot_words words;
};

static const struct value_row value_rows[] = {
#define WORD(...)
#define VALUE(name_, label_, how_, type_, min_, max_, unit_, words_, source_, help_) \
	{{.name = name_,                                                             \
	  .label = label_,                                                           \
	  .how = how_,                                                               \
	  .spec = {.type = type_, .min = min_, .max = max_, .unit = unit_},          \
	  .source = source_,                                                         \
	  .help = help_},                                                            \
	 words_},
#include "shared/grammar/words.def"
#undef WORD
#undef VALUE
};

#define VALUE_ROW_COUNT ((int)(sizeof(value_rows) / sizeof(value_rows[0])))

static enum vos_err build_word_lists(struct grammar *grammar)
{
	size_t size = sizeof(const char *) * (TAB_COUNT + OBJECT_COUNT + 1);
	int count = 0;

	grammar->tab_words = arena_alloc(&grammar->arena, size);
	grammar->section_words = arena_alloc(&grammar->arena, size);
	if (!grammar->tab_words || !grammar->section_words)
		return VOS_ENOMEM;
	for (int tab = 0; tab < TAB_COUNT; tab++) {
		grammar->tab_words[tab] = tab_keyword((enum param_tab)tab);
		grammar->section_words[count++] = tab_keyword((enum param_tab)tab);
	}
	for (int kind = 0; kind < OBJECT_COUNT; kind++) {
		const char *keyword = object_type((enum object_kind)kind)->keyword;

		if (keyword[0])
			grammar->section_words[count++] = keyword;
	}
	return VOS_OK;
}

static enum vos_err build_slots(struct grammar *grammar)
{
	struct slot *slots = arena_alloc(&grammar->arena, sizeof(*slots) * VALUE_ROW_COUNT);

	if (!slots)
		return VOS_ENOMEM;
	for (int i = 0; i < VALUE_ROW_COUNT; i++) {
		const char *const *words = NULL;

		slots[i] = value_rows[i].slot;
		if (value_rows[i].words == CALL_STATES)
			words = call_states;
		else if (value_rows[i].words == LEGS)
			words = legs;
		else if (value_rows[i].words == TABS)
			words = grammar->tab_words;
		else if (value_rows[i].words == SECTIONS)
			words = grammar->section_words;
		slots[i].spec.words = words;
		while (words && words[slots[i].spec.max + 1])
			slots[i].spec.max++;
	}
	grammar->slots = slots;
	grammar->slot_count = VALUE_ROW_COUNT;
	return VOS_OK;
}

static const struct slot *slot_find(const void *context, struct span name)
{
	const struct grammar *grammar = context;

	for (int i = 0; i < grammar->slot_count; i++) {
		if (span_eq(name, span_of(grammar->slots[i].name)))
			return &grammar->slots[i];
	}
	return NULL;
}

/* Help of the keywords of options; those with no text of their own show none. */
static void fill_help(const char *path, const struct pattern_seq *seq, int from)
{
	for (int i = from; i < seq->count; i++) {
		struct pattern_elem *elem = &seq->elems[i];

		if (elem->kind == ELEM_WORD)
			elem->help = word_help(path, elem->word);
		if (elem->kind == ELEM_WORD && !elem->help)
			elem->help = "";
		for (int j = 0; j < elem->alternative_count; j++)
			fill_help(path, &elem->alternatives[j], 0);
	}
}

static struct tree_node *child_of(struct grammar *grammar, struct tree_node *parent,
				  const char *word)
{
	struct tree_node **link = &parent->children;

	for (; *link; link = &(*link)->next) {
		if (strcmp((*link)->word, word) == 0)
			return *link;
	}
	*link = arena_alloc(&grammar->arena, sizeof(**link));
	if (*link) {
		(*link)->word = word;
		(*link)->command = -1;
		(*link)->role = ROLE_ADMIN;
	}
	return *link;
}

static unsigned where_mask(unsigned where)
{
	unsigned mask = where & IN_ANY;

	if ((where & IN_EXEC) && !(where & NOT_BY_DO))
		mask |= BY_DO;
	return mask;
}

static enum vos_err add_command(struct grammar *grammar, enum command_id id)
{
	const struct command_row *row = command_row(id);
	struct pattern_seq *seq = arena_alloc(&grammar->arena, sizeof(*seq));
	struct tree_node *node = &grammar->root;
	char path[160] = "";
	size_t path_len = 0;
	enum vos_err err;
	int i = 0;

	if (!seq)
		return VOS_ENOMEM;
	err = pattern_compile(&grammar->arena, row->pattern, slot_find, grammar, seq);
	if (err != VOS_OK)
		return err;
	for (; i < seq->count && seq->elems[i].kind == ELEM_WORD; i++) {
		const char *help = word_help(path, seq->elems[i].word);

		node = child_of(grammar, node, seq->elems[i].word);
		if (!node)
			return VOS_ENOMEM;
		/* A keyword with neither text of its own nor a command ending at it borrows the
		 * help of the first command below. */
		if (!node->help)
			node->help = help ? help : row->help;
		node->where |= where_mask(row->where);
		if (i == 0 && (row->where & IN_FULL))
			node->is_full_only = true;
		if (row->role < node->role)
			node->role = row->role;
		path_len += (size_t)snprintf(path + path_len, sizeof(path) - path_len, "%s%s",
					     path_len ? " " : "", seq->elems[i].word);
		if (path_len >= sizeof(path))
			return VOS_EINVAL;
	}
	if (node->command >= 0)
		return VOS_EINVAL;
	node->command = (int)id;
	node->command_where = where_mask(row->where);
	node->pattern = seq;
	node->pattern_index = i;
	if (!word_help("", path))
		node->help = row->help;
	fill_help(path, seq, i);
	return VOS_OK;
}

static void hash_text(struct buf *text, const char *part)
{
	buf_add_str(text, part ? part : "");
	buf_add_char(text, '\n');
}

/* Not a secret and not against an adversary: two builds of one language must agree, so the key is
 * fixed. */
static enum vos_err take_hash(struct grammar *grammar)
{
	struct hash_key key = {{0}};
	struct buf text = buf_new();
	enum vos_err err = VOS_OK;

	for (int id = 0; command_row((enum command_id)id); id++) {
		hash_text(&text, command_row((enum command_id)id)->pattern);
		hash_text(&text, command_schema((enum command_id)id));
	}
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);

		hash_text(&text, param->name);
		hash_text(&text, param->keyword);
		value_print_type(&param->spec, &text);
	}
	for (int id = 0; id < FIELD_COUNT; id++) {
		const struct field *field = field_get((enum field_id)id);

		hash_text(&text, object_type(field->kind)->keyword);
		hash_text(&text, field->keyword);
		value_print_type(&field->spec, &text);
	}
	if (text.failed)
		err = VOS_ENOMEM;
	else
		snprintf(grammar->hash, sizeof(grammar->hash), "%016llx",
			 (unsigned long long)hash_bytes(&key, text.data, text.len));
	buf_free(&text);
	return err;
}

enum vos_err tree_build(struct grammar *grammar)
{
	enum vos_err err = build_word_lists(grammar);

	grammar->root.command = -1;
	if (err == VOS_OK)
		err = build_slots(grammar);
	for (int id = 0; err == VOS_OK && command_row((enum command_id)id); id++)
		err = add_command(grammar, (enum command_id)id);
	if (err == VOS_OK)
		err = take_hash(grammar);
	return err;
}

struct grammar *grammar_create(void)
{
	struct grammar *grammar = calloc(1, sizeof(*grammar));

	if (!grammar)
		return NULL;
	if (tree_build(grammar) != VOS_OK) {
		grammar_destroy(grammar);
		return NULL;
	}
	return grammar;
}

void grammar_destroy(struct grammar *grammar)
{
	if (!grammar)
		return;
	arena_free(&grammar->arena);
	free(grammar);
}

const char *grammar_hash(const struct grammar *grammar)
{
	return grammar->hash;
}
