/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may come next in a line. */
#include "shared/grammar/walk.h"

static struct choice *add(struct choices *out, enum choice_kind kind, const char *word,
			  const char *help)
{
	struct choice *choice;

	if (out->count == CHOICES_MAX)
		return NULL;
	choice = &out->items[out->count++];
	choice->kind = kind;
	choice->word = word;
	choice->help = help ? help : "";
	choice->id = 0;
	choice->spec = NULL;
	choice->label = NULL;
	choice->source = SOURCE_NONE;
	choice->node = NULL;
	choice->elem = NULL;
	return choice;
}

/* A value: the words of its list one by one, and any text that value_parse may take (an alias of a
 * word, a number). `model` says what all of them have in common. */
static void add_value(struct choices *out, const struct choice *model)
{
	static const char *const bool_words[] = {"on", "off", NULL};
	const char *const *words = model->spec->words;
	struct choice *choice;

	if (model->spec->type == VALUE_BOOL)
		words = bool_words;
	else if (model->spec->type != VALUE_ENUM)
		words = NULL;
	for (; words && *words; words++) {
		choice = add(out, model->kind, *words, NULL);
		if (!choice)
			return;
		*choice = *model;
		choice->word = *words;
	}
	choice = add(out, model->kind, NULL, NULL);
	if (choice)
		*choice = *model;
}

static void expect_tree(const struct tree_node *parent, unsigned where, struct choices *out)
{
	for (const struct tree_node *node = parent->children; node; node = node->next) {
		struct choice *choice;

		if (!(node->where & where))
			continue;
		choice = add(out, CHOICE_NODE, node->word, node->help);
		if (choice)
			choice->node = node;
	}
}

static void expect_elem(void *context, const struct pattern_elem *elem,
			const struct pattern_state *next)
{
	struct choices *out = context;
	struct choice *choice;

	if (elem->kind == ELEM_WORD) {
		choice = add(out, CHOICE_ELEM, elem->word, elem->help);
		if (choice) {
			choice->elem = elem;
			choice->next = *next;
		}
		return;
	}
	add_value(out, &(struct choice){.kind = CHOICE_ELEM,
					.help = elem->slot->help,
					.spec = &elem->slot->spec,
					.label = elem->slot->label,
					.source = elem->slot->source,
					.elem = elem,
					.next = *next});
}

static void expect_pipe(const struct walk *walk, struct choices *out)
{
	if (walk->may_pipe && out->can_end && walk->match->pipe_count < MATCH_PIPES_MAX)
		add(out, CHOICE_PIPE, "|", word_help("", "|"));
}

static void add_place(struct choices *out, enum mode_kind kind, int tab)
{
	const char *word = kind == MODE_SOFTSWITCH_MANAGEMENT ? "softswitch-management"
			   : kind == MODE_ADDITIONAL_SETTINGS ? "additional-settings"
							      : tab_keyword((enum param_tab)tab);
	struct choice *choice = add(out, CHOICE_PLACE, word, word_help("", word));

	if (choice) {
		choice->id = (int)kind;
		choice->tab = tab;
	}
}

static void expect_places(const struct mode *place, struct choices *out)
{
	if (place->kind == MODE_CONFIG)
		add_place(out, MODE_SOFTSWITCH_MANAGEMENT, 0);
	if (place->kind == MODE_SOFTSWITCH_MANAGEMENT)
		add_place(out, MODE_ADDITIONAL_SETTINGS, 0);
	for (int tab = 0; tab < TAB_COUNT; tab++) {
		enum mode_kind parent =
			tab == TAB_SERVER ? MODE_SOFTSWITCH_MANAGEMENT : MODE_ADDITIONAL_SETTINGS;

		if (place->kind == MODE_CONFIG || place->kind == parent)
			add_place(out, MODE_TAB, tab);
	}
}

static void expect_params(enum param_tab tab, struct choices *out)
{
	for (int id = 0; id < PARAM_COUNT; id++) {
		const struct param *param = param_get((enum param_id)id);
		struct choice *choice;

		if (param->tab != tab)
			continue;
		choice = add(out, CHOICE_PARAM, param->keyword, param->help);
		if (choice)
			choice->id = id;
	}
}

static void expect_fields(enum object_kind kind, struct choices *out)
{
	const struct object_type *type = object_type(kind);

	for (int i = 0; i < type->field_count; i++) {
		int id = (int)type->first_field + i;
		const struct field *field = field_get((enum field_id)id);
		struct choice *choice = add(out, CHOICE_FIELD, field->keyword, field->help);

		if (choice)
			choice->id = id;
	}
}

static void expect_objects(struct choices *out)
{
	for (int kind = 0; kind < OBJECT_COUNT; kind++) {
		const struct object_type *type = object_type((enum object_kind)kind);
		struct choice *choice;

		/* The switch itself has no keyword: its fields stand at the top. */
		if (!type->keyword[0]) {
			expect_fields((enum object_kind)kind, out);
			continue;
		}
		choice = add(out, CHOICE_OBJECT, type->keyword, type->help);
		if (choice)
			choice->id = kind;
	}
}

/* What a place offers for configuring, without commands. */
static void expect_place(const struct mode *place, struct choices *out)
{
	expect_places(place, out);
	if (place->kind == MODE_TAB)
		expect_params(place->tab, out);
	else if (place->kind == MODE_OBJECT)
		expect_fields(place->object, out);
	else if (place->kind == MODE_CONFIG)
		expect_objects(out);
}

static void expect_line(const struct walk *walk, struct choices *out)
{
	bool is_exec = walk->place.kind == MODE_EXEC;

	if (is_exec) {
		expect_tree(&walk->grammar->root, walk->is_do ? BY_DO : IN_EXEC, out);
		return;
	}
	expect_place(&walk->place, out);
	out->has_names = true;
	if (walk->verb != VERB_SET)
		return;
	add(out, CHOICE_NO, "no", word_help("", "no"));
	add(out, CHOICE_DEFAULT, "default", word_help("", "default"));
	if (walk->is_set)
		return;
	add(out, CHOICE_DO, "do", word_help("", "do"));
	expect_tree(&walk->grammar->root, IN_CONFIG, out);
}

static void expect_tree_or_pattern(const struct walk *walk, struct choices *out)
{
	const struct tree_node *node = walk->node;
	unsigned where = walk->is_do ? BY_DO : walk->place.kind == MODE_EXEC ? IN_EXEC : IN_CONFIG;

	out->is_acting =
		node->command >= 0 && command_role((enum command_id)node->command) > ROLE_MONITOR;
	if (walk->phase == PHASE_PATTERN) {
		out->can_end = pattern_expect(&walk->pattern, expect_elem, out);
	} else {
		expect_tree(node, where, out);
		if (node->command >= 0 && (node->command_where & where)) {
			struct pattern_state start =
				pattern_start(node->pattern, node->pattern_index);

			out->can_end = pattern_expect(&start, expect_elem, out);
		}
	}
	expect_pipe(walk, out);
}

static enum value_source key_source(enum object_kind kind)
{
	return kind == OBJECT_PHONE             ? SOURCE_PHONES
	       : kind == OBJECT_MAPPING_GATEWAY ? SOURCE_MAPPING_GATEWAYS
	       : kind == OBJECT_ROUTING_GATEWAY ? SOURCE_ROUTING_GATEWAYS
						: SOURCE_OBJECT_KEYS;
}

static void expect_key(const struct walk *walk, struct choices *out)
{
	const struct object_type *type = object_type(walk->match->object);

	add_value(out, &(struct choice){.kind = CHOICE_KEY,
					.help = type->help,
					.spec = &type->key,
					.label = type->key_label,
					.source = key_source(walk->match->object)});
}

static void expect_value(const struct walk *walk, struct choices *out)
{
	const struct match *match = walk->match;
	struct choice model = {.kind = CHOICE_VALUE, .spec = walk->spec, .help = ""};

	if (walk->verb != VERB_SET)
		out->can_end = true;
	if (match->inner == COMMAND_FIELD_SET || match->inner == COMMAND_FIELD_RESET) {
		const struct field *field = field_get(match->field);

		model.help = field->help;
		if (field->refers_to != OBJECT_COUNT)
			model.source = key_source(field->refers_to);
	} else {
		model.help = param_get(match->param)->help;
	}
	/* Behind plain or sealed the secret itself; those words alone are no secret. */
	if (walk->spec->type == VALUE_SECRET && walk->phase == PHASE_VALUE) {
		add(out, CHOICE_PLAIN, "plain", word_help("", "plain"));
		add(out, CHOICE_SEALED, "sealed", word_help("", "sealed"));
	}
	add_value(out, &model);
}

static void expect_pipe_kind(struct choices *out)
{
	for (int kind = 0; kind < PIPE_KIND_COUNT; kind++) {
		struct choice *choice = add(out, CHOICE_PIPE_KIND, pipe_rows[kind].word,
					    word_help("|", pipe_rows[kind].word));

		if (choice)
			choice->id = kind;
	}
}

void walk_expect(const struct walk *walk, struct choices *out)
{
	out->count = 0;
	out->can_end = false;
	out->has_names = false;
	out->is_acting = false;
	switch (walk->phase) {
	case PHASE_LINE:
		expect_line(walk, out);
		break;
	case PHASE_TREE:
	case PHASE_PATTERN:
		expect_tree_or_pattern(walk, out);
		break;
	case PHASE_PLACE:
		expect_place(&walk->place, out);
		out->can_end = !walk->is_set && walk->verb == VERB_SET;
		break;
	case PHASE_KEY:
		expect_key(walk, out);
		break;
	case PHASE_FIELD:
		expect_fields(walk->place.object, out);
		out->can_end = walk->verb != VERB_DEFAULT;
		break;
	case PHASE_VALUE:
	case PHASE_SECRET:
		expect_value(walk, out);
		break;
	case PHASE_PIPE_KIND:
		expect_pipe_kind(out);
		break;
	case PHASE_PIPE_TEXT: {
		const struct slot *slot = pipe_rows[walk->pipe].slot;

		add_value(out, &(struct choice){.kind = CHOICE_PIPE_TEXT,
						.help = slot->help,
						.spec = &slot->spec,
						.label = slot->label,
						.source = slot->source});
		break;
	}
	case PHASE_PIPE_APPEND:
		out->can_end = true;
		add(out, CHOICE_PIPE_APPEND, "append", word_help("|", "save append"));
		expect_pipe(walk, out);
		break;
	case PHASE_DONE:
		out->can_end = true;
		expect_pipe(walk, out);
		break;
	}
}
