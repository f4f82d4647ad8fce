/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writer of running-config text. Everything printed comes from the catalogue: tabs and kinds in its
 * order, objects by key, fields in the order of their rows. */
#include "shared/config/text_write.h"

#include "shared/base/clock.h"
#include "shared/config/snapshot_private.h"

struct writer {
	const struct snapshot *snapshot;
	const struct config_text_options *options;
	struct buf *out;
};

static void indent(struct buf *out, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_add_char(out, ' ');
}

static void write_line(struct buf *out, int depth, const char *text)
{
	indent(out, depth);
	buf_add_str(out, text);
	buf_add_char(out, '\n');
}

/* `value` in the form the shell reads back. */
static void write_value(const struct value_spec *spec, const struct value *value, bool redact,
			struct buf *out)
{
	struct buf text = buf_new();

	if (value->type == VALUE_SECRET) {
		if (redact) {
			buf_add_lit(out, "<redacted>");
			return;
		}
		buf_add_lit(out, "sealed ");
		config_write_word(span_of(value->text), out);
		return;
	}
	value_print(spec, value, &text);
	if (text.failed)
		out->failed = true;
	config_write_word(buf_span(&text), out);
	buf_free(&text);
}

static bool is_default(const struct value *value, const struct value *standard)
{
	return value->type == VALUE_NONE || value_equal(value, standard);
}

static bool param_is_shown(const struct writer *writer, enum param_id id)
{
	const struct value *value = snapshot_param(writer->snapshot, id);

	if (writer->options->all)
		return value->type != VALUE_NONE;
	return !is_default(value, param_default(id));
}

static bool tab_is_shown(const struct writer *writer, enum param_tab tab)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (param_get((enum param_id)i)->tab == tab &&
		    param_is_shown(writer, (enum param_id)i))
			return true;
	return false;
}

static void write_param(const struct writer *writer, enum param_id id, int depth)
{
	const struct param *param = param_get(id);

	indent(writer->out, depth);
	if (writer->options->names) {
		buf_add_str(writer->out, param->name);
		buf_add_lit(writer->out, " = ");
	} else {
		buf_add_str(writer->out, param->keyword);
		buf_add_char(writer->out, ' ');
	}
	write_value(&param->spec, snapshot_param(writer->snapshot, id), writer->options->redact,
		    writer->out);
	buf_add_char(writer->out, '\n');
}

static void write_tab_lines(const struct writer *writer, enum param_tab tab, int depth)
{
	for (int i = 0; i < PARAM_COUNT; i++)
		if (param_get((enum param_id)i)->tab == tab &&
		    param_is_shown(writer, (enum param_id)i))
			write_param(writer, (enum param_id)i, depth);
}

static void write_tab(const struct writer *writer, enum param_tab tab, int depth)
{
	if (!tab_is_shown(writer, tab))
		return;
	write_line(writer->out, depth, tab_keyword(tab));
	write_tab_lines(writer, tab, depth + 1);
	write_line(writer->out, depth + 1, "exit");
}

/* The server's own screen stands beside Additional settings, the other tabs inside. */
static bool is_additional(enum param_tab tab)
{
	return tab != TAB_SERVER;
}

/* What of the parameters the section asks for: every tab, those of Additional settings, or one. */
static bool tab_is_wanted(const struct config_text_options *options, enum param_tab tab)
{
	const char *section = options->section;

	if (!section || strcmp(section, "softswitch-management") == 0)
		return true;
	if (strcmp(section, "additional-settings") == 0)
		return is_additional(tab);
	return strcmp(section, tab_keyword(tab)) == 0;
}

static void write_params(const struct writer *writer)
{
	struct buf *out = writer->out;
	bool shown[TAB_COUNT];
	bool has_additional = false;
	bool has_any = false;

	for (int i = 0; i < TAB_COUNT; i++) {
		enum param_tab tab = (enum param_tab)i;

		shown[i] = tab_is_wanted(writer->options, tab) && tab_is_shown(writer, tab);
		has_any |= shown[i];
		has_additional |= shown[i] && is_additional(tab);
	}
	if (!has_any)
		return;
	if (writer->options->names) {
		for (int i = 0; i < TAB_COUNT; i++)
			if (shown[i])
				write_tab_lines(writer, (enum param_tab)i, 0);
		buf_add_lit(out, "!\n");
		return;
	}
	write_line(out, 0, "softswitch-management");
	if (has_additional)
		write_line(out, 1, "additional-settings");
	for (int i = 0; i < TAB_COUNT; i++)
		if (shown[i] && is_additional((enum param_tab)i))
			write_tab(writer, (enum param_tab)i, 2);
	if (has_additional)
		write_line(out, 2, "exit");
	for (int i = 0; i < TAB_COUNT; i++)
		if (shown[i] && !is_additional((enum param_tab)i))
			write_tab(writer, (enum param_tab)i, 1);
	write_line(out, 1, "exit");
	buf_add_lit(out, "!\n");
}

static bool field_is_shown(const struct writer *writer, const struct object *object,
			   enum field_id id)
{
	if (writer->options->all)
		return object_list_count(object, id) > 0 &&
		       object_field(object, id)->type != VALUE_NONE;
	return object_field_is_set(object, id);
}

static void write_field(const struct writer *writer, const struct object *object, enum field_id id,
			int depth)
{
	const struct field *field = field_get(id);
	size_t count = field->is_list ? object_list_count(object, id) : 1;

	for (size_t i = 0; i < count; i++) {
		indent(writer->out, depth);
		buf_add_str(writer->out, field->keyword);
		buf_add_char(writer->out, ' ');
		write_value(&field->spec, object_list_at(object, id, i), writer->options->redact,
			    writer->out);
		buf_add_char(writer->out, '\n');
	}
}

static bool object_is_shown(const struct writer *writer, const struct object *object)
{
	const struct object_type *type = object_type(object->kind);

	if (!type->is_singleton)
		return true;
	for (int i = 0; i < type->field_count; i++)
		if (field_is_shown(writer, object, (enum field_id)(type->first_field + i)))
			return true;
	return false;
}

static void write_object(const struct writer *writer, const struct object *object)
{
	const struct object_type *type = object_type(object->kind);
	bool has_header = *type->keyword != '\0';

	if (!object_is_shown(writer, object))
		return;
	if (has_header) {
		buf_add_str(writer->out, type->keyword);
		if (!type->is_singleton) {
			buf_add_char(writer->out, ' ');
			config_write_word(span_of(object->key), writer->out);
		}
		buf_add_char(writer->out, '\n');
	}
	for (int i = 0; i < type->field_count; i++) {
		enum field_id id = (enum field_id)(type->first_field + i);

		if (field_is_shown(writer, object, id))
			write_field(writer, object, id, has_header ? 1 : 0);
	}
	if (has_header)
		write_line(writer->out, 1, "exit");
	buf_add_lit(writer->out, "!\n");
}

/* The fields of the switch itself have no keyword of their own: each is a section. */
static bool kind_is_wanted(const struct config_text_options *options, enum object_kind kind)
{
	const char *keyword = object_type(kind)->keyword;

	if (!options->section)
		return true;
	if (*keyword)
		return strcmp(options->section, keyword) == 0;
	return field_find(kind, span_of(options->section)) >= 0;
}

static void write_kind(const struct writer *writer, enum object_kind kind)
{
	const struct config_text_options *options = writer->options;
	size_t count = snapshot_object_count(writer->snapshot, kind);
	bool is_singleton = object_type(kind)->is_singleton;
	const struct object *object;

	if (is_singleton || (options->section && options->key)) {
		const char *key = is_singleton || !options->key ? "" : options->key;

		object = snapshot_object_find(writer->snapshot, kind, span_of(key));
		if (object)
			write_object(writer, object);
		return;
	}
	for (size_t i = 0; i < count; i++)
		write_object(writer, snapshot_object_at(writer->snapshot, kind, i));
}

/* Comment text must stay on its line. */
static void write_comment_text(const char *text, struct buf *out)
{
	for (; *text; text++)
		buf_add_char(out, (unsigned char)*text < ' ' || *text == 0x7f ? ' ' : *text);
}

static void write_header(const struct writer *writer)
{
	const struct config_text_options *options = writer->options;
	char stamp[CLOCK_TEXT_MAX];

	buf_add_lit(writer->out, "! switchd configuration, format 1\n! generation ");
	buf_add_u64(writer->out, snapshot_generation(writer->snapshot));
	if (options->time_ms) {
		buf_add_lit(writer->out, ", ");
		buf_add_str(writer->out, clock_print_utc(options->time_ms, stamp));
	}
	if (options->author && *options->author) {
		buf_add_lit(writer->out, ", ");
		write_comment_text(options->author, writer->out);
		if (options->comment && *options->comment) {
			buf_add_lit(writer->out, ": ");
			write_comment_text(options->comment, writer->out);
		}
	}
	buf_add_lit(writer->out, "\n!\n");
}

bool config_text_is_section(struct span section)
{
	if (span_eq(section, SPAN_LIT("softswitch-management")) ||
	    span_eq(section, SPAN_LIT("additional-settings")))
		return true;
	for (int i = 0; i < TAB_COUNT; i++)
		if (span_eq(section, span_of(tab_keyword((enum param_tab)i))))
			return true;
	for (int i = 0; i < OBJECT_COUNT; i++) {
		enum object_kind kind = (enum object_kind)i;
		const char *keyword = object_type(kind)->keyword;

		if (*keyword ? span_eq(section, span_of(keyword)) : field_find(kind, section) >= 0)
			return true;
	}
	return false;
}

void config_write_text(const struct snapshot *snapshot, const struct config_text_options *options,
		       struct buf *out)
{
	struct writer writer = {.snapshot = snapshot, .options = options, .out = out};

	write_header(&writer);
	write_params(&writer);
	for (int i = 0; i < OBJECT_COUNT; i++)
		if (kind_is_wanted(options, (enum object_kind)i))
			write_kind(&writer, (enum object_kind)i);
	buf_add_lit(out, "end\n");
}

static void write_param_change(const struct change *change, bool redact, struct buf *out)
{
	const struct param *param = param_get(change->param);

	if (change->op == CHANGE_PARAM_RESET)
		buf_add_lit(out, "no ");
	buf_add_str(out, tab_keyword(param->tab));
	buf_add_char(out, ' ');
	buf_add_str(out, param->keyword);
	if (change->op == CHANGE_PARAM_SET) {
		buf_add_char(out, ' ');
		write_value(&param->spec, &change->value, redact, out);
	}
}

void config_write_change(const struct change *change, bool redact, struct buf *out)
{
	bool is_field = change->op == CHANGE_FIELD_SET || change->op == CHANGE_FIELD_RESET;
	const char *keyword;

	if (change->op == CHANGE_PARAM_SET || change->op == CHANGE_PARAM_RESET) {
		write_param_change(change, redact, out);
		return;
	}
	if (change->op == CHANGE_OBJECT_DELETE || change->op == CHANGE_FIELD_RESET)
		buf_add_lit(out, "no ");
	keyword = object_type(change->kind)->keyword;
	buf_add_str(out, keyword);
	if (!object_type(change->kind)->is_singleton) {
		buf_add_char(out, ' ');
		config_write_word(span_of(change->key), out);
	}
	if (!is_field)
		return;
	if (*keyword)
		buf_add_char(out, ' ');
	buf_add_str(out, field_get(change->field)->keyword);
	if (change->value.type != VALUE_NONE) {
		buf_add_char(out, ' ');
		write_value(&field_get(change->field)->spec, &change->value, redact, out);
	}
}
