/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Output of several commands in one (show tech-support): each part under its command, in JSON as
 * {"schema":...,"sections":[{"command":...,"schema":...,"rows":[...],"count":2},...]}. */
#include "vosctl/render/output_private.h"

static void put(struct output *output, struct buf *text)
{
	output_put(output, buf_span(text));
	buf_free(text);
}

/* {"command":..., with the rows already behind it, or with what is held. */
static void end_json_part(struct output *output)
{
	struct buf out = buf_new();

	if (output->has_table)
		buf_printf(&out, "],\"count\":%llu", (unsigned long long)output->row_count);
	else
		document_body(output, NULL, &out);
	buf_add_char(&out, '}');
	put(output, &out);
}

static void end_ndjson_part(struct output *output)
{
	struct buf out = buf_new();

	if (!output->has_table && document_line(output, &out))
		put(output, &out);
}

void sections_end_part(struct output *output)
{
	if (!output->section_count)
		return;
	if (output->part.len)
		pipeline_line(output->pipeline, buf_span(&output->part), false);
	if (output->options.format == OUTPUT_JSON)
		end_json_part(output);
	else if (output->options.format == OUTPUT_NDJSON)
		end_ndjson_part(output);
	else if (output->options.format == OUTPUT_TEXT && output->has_table)
		table_end(&output->table);
	else
		table_drop(&output->table);
	json_decref(output->item);
	json_decref(output->columns);
	output->item = output->columns = NULL;
	output->has_table = output->has_text = false;
	buf_reset(&output->part);
	buf_reset(&output->text);
}

static void begin_json_part(struct output *output, const char *command)
{
	struct buf out = buf_new();
	json_t *name = control_text(span_of(command));

	if (!output->section_count) {
		document_head(output, output->schema[0] ? output->schema : "text/1", &out);
		buf_add_lit(&out, ",\"sections\":[");
	} else {
		buf_add_char(&out, ',');
	}
	buf_add_lit(&out, "{\"command\":");
	json_print(name, &out);
	json_decref(name);
	put(output, &out);
	output->row_count = 0;
}

static void begin_ndjson_part(struct output *output, const char *command)
{
	struct buf out = buf_new();
	json_t *line = json_pack("{s:o}", "section", control_text(span_of(command)));

	json_print(line, &out);
	json_decref(line);
	buf_add_char(&out, '\n');
	put(output, &out);
}

static void begin_text_part(struct output *output, const char *command)
{
	struct buf line = buf_new();

	if (output->section_count)
		pipeline_line(output->pipeline, SPAN_LIT(""), false);
	if (output->options.format == OUTPUT_CSV)
		buf_printf(&line, "# %s", command);
	else
		buf_printf(&line, "------ %s ------", command);
	pipeline_line(output->pipeline, buf_span(&line), false);
	buf_free(&line);
}

void sections_begin_part(struct output *output, const char *schema, const char *command)
{
	sections_end_part(output);
	if (output->options.format == OUTPUT_JSON)
		begin_json_part(output, command);
	else if (output->options.format == OUTPUT_NDJSON)
		begin_ndjson_part(output, command);
	else
		begin_text_part(output, command);
	output->section_count++;
	snprintf(output->schema, sizeof(output->schema), "%s", schema);
}
