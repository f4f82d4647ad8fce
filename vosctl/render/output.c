/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/render/output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vosctl/path.h"
#include "vosctl/render/output_private.h"

#define TEXT_MAX (64u * 1024u * 1024u) /* of a document that JSON wraps into one string */

void output_put(struct output *output, struct span text)
{
	if (output->file) {
		if (fwrite(text.ptr, 1, text.len, output->file) != text.len)
			output->is_broken = true;
	} else if (output->options.write) {
		output->options.write(output->options.context, text.ptr, text.len);
	}
}

static bool is_json(const struct output *output)
{
	return output->options.format == OUTPUT_JSON || output->options.format == OUTPUT_NDJSON;
}

/* How a line of text is set off: headings, and both sides of a difference. NULL: not at all. */
static const char *color_of(const struct output *output, struct span line, bool is_heading)
{
	if (!output->options.has_color || output->options.format != OUTPUT_TEXT || output->file ||
	    !line.len)
		return NULL;
	if (is_heading)
		return "\033[1m";
	if (output->has_table && !output->table.has_header)
		return line.ptr[0] == '+' ? "\033[32m" : line.ptr[0] == '-' ? "\033[31m" : NULL;
	return NULL;
}

/* What left the filters. */
static void line_out(void *context, struct span line, bool is_heading)
{
	struct output *output = context;
	const char *color = color_of(output, line, is_heading);
	struct buf whole = buf_new();

	if (is_json(output) && output->has_table && pipeline_counts(output->pipeline)) {
		/* No rows: the document's "count" says it. */
		if (!span_to_u64(line, UINT64_MAX, &output->row_count))
			output->row_count = 0;
	} else if (output->options.format == OUTPUT_JSON && output->has_table) {
		if (output->row_count++)
			buf_add_char(&whole, ',');
		buf_add_span(&whole, line);
		output_put(output, buf_span(&whole));
	} else if (is_json(output) && !output->has_table) {
		if (output->text.len + line.len < TEXT_MAX) {
			buf_add_span(&output->text, line);
			buf_add_char(&output->text, '\n');
		}
	} else {
		output->row_count++;
		buf_add_str(&whole, color ? color : "");
		buf_add_span(&whole, line);
		buf_add_str(&whole, color ? "\033[m" : "");
		buf_add_char(&whole, '\n');
		output_put(output, buf_span(&whole));
	}
	buf_free(&whole);
}

static void table_line(void *context, struct span line, bool is_heading)
{
	struct output *output = context;

	pipeline_line(output->pipeline, line, is_heading);
}

static void on_section(void *context, const char *schema, const char *command)
{
	struct output *output = context;

	sections_begin_part(output, schema, command ? command : "");
}

static void on_columns(void *context, const char *schema, json_t *columns)
{
	struct output *output = context;

	if (output->trace) {
		trace_view_columns(output->trace, columns);
		return;
	}
	if (output->has_table)
		return;
	output->has_table = true;
	snprintf(output->schema, sizeof(output->schema), "%s", schema);
	if (output->options.format == OUTPUT_TEXT) {
		table_begin(&output->table, columns);
		if (output->is_slow)
			table_at_once(&output->table);
		if (output->is_stream)
			table_stream(&output->table);
	} else if (output->options.format == OUTPUT_CSV) {
		csv_begin(&output->table, columns);
	} else {
		document_begin(output, columns);
	}
}

static void on_rows(void *context, json_t *rows)
{
	struct output *output = context;
	json_t *row;
	size_t i;

	json_array_foreach (rows, i, row) {
		if (output->trace)
			trace_view_row(output->trace, row);
		else if (output->options.format == OUTPUT_TEXT)
			table_row(&output->table, row);
		else if (output->options.format == OUTPUT_CSV)
			csv_row(&output->table, row);
		else
			document_row(output, row);
	}
}

/* An item as CSV: one row under the names of its members; lists as JSON. */
static void item_csv(struct output *output, json_t *item)
{
	json_t *columns = json_array();
	json_t *row = json_array();
	const char *name;
	json_t *value;

	json_object_foreach (item, name, value) {
		struct buf text = buf_new();

		json_array_append_new(columns, json_pack("{s:s}", "name", name));
		if (json_is_array(value)) {
			json_print(value, &text);
			json_array_append_new(row, control_text(buf_span(&text)));
		} else {
			json_array_append(row, value);
		}
		buf_free(&text);
	}
	csv_begin(&output->table, columns);
	csv_row(&output->table, row);
	json_decref(columns);
	json_decref(row);
}

static void on_item(void *context, const char *schema, json_t *item)
{
	struct output *output = context;

	output->has_item = true;
	snprintf(output->schema, sizeof(output->schema), "%s", schema);
	if (output->options.format == OUTPUT_TEXT)
		item_lines(&output->table, item);
	else if (output->options.format == OUTPUT_CSV)
		item_csv(output, item);
	else if (!output->item)
		output->item = json_incref(item);
}

static void on_text(void *context, const char *text)
{
	struct output *output = context;
	struct span rest;

	if (!text)
		return;
	output->has_text = true;
	if (is_json(output) && output->has_table)
		return; /* a sentence beside a table is for people */
	text_clean(span_of(text), output->table.redact, &output->part);
	rest = buf_span(&output->part);
	for (size_t at = span_find(rest, '\n'); at < rest.len; at = span_find(rest, '\n')) {
		pipeline_line(output->pipeline, (struct span){rest.ptr, at}, false);
		rest.ptr += at + 1;
		rest.len -= at + 1;
	}
	buf_consume(&output->part, output->part.len - rest.len);
}

static void on_warning(void *context, const struct vos_fault *warning, bool is_error)
{
	struct output *output = context;
	struct buf text = buf_new();

	if (is_json(output)) {
		json_t *json = control_fault_to_json(warning);

		json_object_set_new(json, "error", json_boolean(is_error));
		if (!output->warnings)
			output->warnings = json_array();
		json_array_append_new(output->warnings, json);
	}
	if (output->options.quiet && !is_error)
		return;
	if (output->options.warn) {
		output->options.warn(output->options.context, warning, is_error);
		return;
	}
	render_fault_batch(NULL, warning, is_error, &text);
	if (fwrite(text.data, 1, text.len, stderr) != text.len) {
		/* Nowhere left to say it. */
	}
	buf_free(&text);
}

static bool ask_cancelled(void *context)
{
	struct output *output = context;

	return output->options.is_cancelled &&
	       output->options.is_cancelled(output->options.context);
}

static enum vos_err open_file(struct output *output, const struct match_pipe *pipe,
			      struct vos_fault *fault)
{
	output->file_name = path_expand(pipe->text);
	if (output->file_name)
		output->file = fopen(output->file_name, pipe->append ? "ae" : "we");
	if (output->file)
		return VOS_OK;
	fault_set(fault, FAULT_STATE, 0, "cannot write %.*s: %s", SPAN_ARG(pipe->text),
		  strerror(errno));
	return VOS_EINVAL;
}

static enum vos_err take_pipes(struct output *output, const struct match *match,
			       struct vos_fault *fault)
{
	enum vos_err err = VOS_OK;

	for (int i = 0; match && i < match->pipe_count && !err; i++) {
		const struct match_pipe *pipe = &match->pipes[i];

		switch ((int)pipe->kind) {
		case PIPE_NO_MORE:
			output->unpaged = true;
			break;
		case PIPE_JSON:
			output->options.format = OUTPUT_JSON;
			break;
		case PIPE_NDJSON:
			output->options.format = OUTPUT_NDJSON;
			break;
		case PIPE_CSV:
			output->options.format = OUTPUT_CSV;
			break;
		case PIPE_REDACT:
			output->table.redact = true;
			break;
		case PIPE_SAVE:
			if (!output->file)
				err = open_file(output, pipe, fault);
			output->options.width = 0;
			output->unpaged = true;
			break;
		}
	}
	return err;
}

/* Rows of traces have forms of their own, and a command that writes them into a file. */
static enum vos_err take_trace(struct output *output, const struct match *match,
			       struct vos_fault *fault)
{
	const char *name = trace_export_file(match);
	enum trace_style style = trace_style_of(match);
	enum vos_err err;

	if (name) {
		if (output->file) {
			fault_set(fault, FAULT_STATE, 0, "trace export has a file already");
			return VOS_EINVAL;
		}
		err = trace_export_open(name, &output->file, &output->file_name, fault);
		if (err)
			return err;
		output->options.format = style == TRACE_AS_TABLE ? OUTPUT_JSON : OUTPUT_TEXT;
		output->options.width = 0;
	}
	if (style == TRACE_AS_TABLE || output->options.format != OUTPUT_TEXT)
		return VOS_OK;
	output->trace = trace_view_create(style, output->options.width, table_line, output);
	if (output->trace)
		return VOS_OK;
	fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
	return VOS_ENOMEM;
}

static void release(struct output *output)
{
	if (output->file)
		fclose(output->file);
	free(output->file_name);
	json_decref(output->item);
	json_decref(output->warnings);
	json_decref(output->columns);
	buf_free(&output->text);
	buf_free(&output->part);
	free(output);
}

bool output_is_followed(const struct match *match)
{
	return match &&
	       (match->command == COMMAND_MONITOR_LOG || match->command == COMMAND_MONITOR_CALLS ||
		match->command == COMMAND_MONITOR_COUNTERS ||
		match->command == COMMAND_MONITOR_TRACE);
}

enum vos_err output_open(const struct output_options *options, const struct match *match,
			 struct output **out, struct vos_fault *fault)
{
	struct output *output = calloc(1, sizeof(*output));
	enum vos_err err;

	if (!output) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	}
	output->options = *options;
	if (match && command_schema(match->command))
		snprintf(output->schema, sizeof(output->schema), "%s",
			 command_schema(match->command));
	output->is_stream = output_is_followed(match);
	output->is_slow = match && match->command == COMMAND_TEST_SIP_OPTIONS;
	output->unpaged = output->is_stream;
	err = pipeline_open(match, line_out, output, &output->pipeline, fault);
	if (err) {
		release(output);
		return err;
	}
	err = take_pipes(output, match, fault);
	if (!err)
		err = take_trace(output, match, fault);
	if (!err && is_json(output) && match && match->command == COMMAND_SHOW_TECH_SUPPORT &&
	    pipeline_filters(output->pipeline)) {
		fault_set(fault, FAULT_STATE, 0,
			  "show tech-support as JSON cannot be filtered; leave out one of the two");
		err = VOS_EINVAL;
	}
	if (err) {
		pipeline_close(output->pipeline);
		release(output);
		return err;
	}
	output->table.line = table_line;
	output->table.context = output;
	output->table.width = output->options.width;
	output->sink = (struct client_sink){
		.context = output,
		.section = on_section,
		.columns = on_columns,
		.rows = on_rows,
		.item = on_item,
		.text = on_text,
		.warning = on_warning,
		.is_cancelled = ask_cancelled,
	};
	*out = output;
	return VOS_OK;
}

const struct client_sink *output_sink(struct output *output)
{
	return &output->sink;
}

bool output_is_unpaged(const struct output *output)
{
	return output->unpaged;
}

enum vos_err output_close(struct output *output, const struct client_status *status,
			  const struct vos_fault *fault, struct vos_fault *save_fault)
{
	enum vos_err err = VOS_OK;

	if (output->part.len)
		pipeline_line(output->pipeline, buf_span(&output->part), false);
	buf_reset(&output->part);
	if (output->trace && !trace_view_close(output->trace, output->file))
		output->is_broken = true;
	if (output->has_table && output->options.format == OUTPUT_TEXT)
		table_end(&output->table);
	else
		table_drop(&output->table);
	pipeline_close(output->pipeline);
	if (is_json(output))
		document_end(output, status, fault);
	if (output->file && fclose(output->file) != 0)
		output->is_broken = true;
	output->file = NULL;
	if (output->is_broken) {
		fault_set(save_fault, FAULT_STATE, 0, "cannot write %s: %s", output->file_name,
			  strerror(errno));
		err = VOS_EIO;
	}
	release(output);
	return err;
}
