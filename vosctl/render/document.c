/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON and NDJSON (shell contract, section 9). */
#include "shared/base/clock.h"
#include "vosctl/render/output_private.h"

static int append_json(const char *data, size_t len, void *context)
{
	buf_add(context, data, len);
	return 0;
}

/* jansson escapes C0 only; U+0080 to U+009F drive terminals too. */
void json_print(json_t *json, struct buf *out)
{
	struct buf text = buf_new();

	if (json_dump_callback(json, append_json, &text, JSON_COMPACT | JSON_ENCODE_ANY) != 0)
		out->failed = true;
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		unsigned char next = i + 1 < text.len ? (unsigned char)text.data[i + 1] : 0;

		if (c == 0xc2 && next >= 0x80 && next <= 0x9f) {
			buf_printf(out, "\\u%04x", next);
			i++;
		} else {
			buf_add_char(out, (char)c);
		}
	}
	buf_free(&text);
}

static bool is_ndjson(const struct output *output)
{
	return output->options.format == OUTPUT_NDJSON;
}

void document_head(const struct output *output, const char *schema, struct buf *out)
{
	const struct client_info *info = output->options.info;
	int64_t now_ms = output->options.now_ms ? output->options.now_ms : clock_wall_ms();
	char time[CLOCK_TEXT_MAX];

	buf_printf(out, "{\"schema\":\"%s\",\"generation\":%llu,\"time\":\"%s\"", schema,
		   (unsigned long long)(info ? info->generation : 0),
		   clock_print_utc(now_ms, time));
}

void document_begin(struct output *output, json_t *columns)
{
	struct buf head = buf_new();

	output->columns = json_incref(columns);
	if (is_ndjson(output))
		return;
	if (output->section_count)
		buf_printf(&head, ",\"schema\":\"%s\"", output->schema);
	else
		document_head(output, output->schema, &head);
	buf_add_lit(&head, ",\"rows\":[");
	output_put(output, buf_span(&head));
	buf_free(&head);
}

/* A copy with secrets and numbers hidden in every text. */
static json_t *redacted(json_t *json)
{
	struct buf clean = buf_new();
	json_t *copy;
	json_t *value;
	const char *name;
	size_t i;

	if (json_is_string(json)) {
		text_clean((struct span){json_string_value(json), json_string_length(json)}, true,
			   &clean);
		copy = control_text(buf_span(&clean));
		buf_free(&clean);
		return copy;
	}
	if (json_is_array(json)) {
		copy = json_array();
		json_array_foreach (json, i, value)
			json_array_append_new(copy, redacted(value));
		return copy;
	}
	if (json_is_object(json)) {
		copy = json_object();
		json_object_foreach (json, name, value)
			json_object_set_new(copy, name, redacted(value));
		return copy;
	}
	return json_incref(json);
}

static json_t *shown(const struct output *output, json_t *json)
{
	return output->table.redact ? redacted(json) : json_incref(json);
}

void document_row(struct output *output, json_t *row)
{
	struct buf line = buf_new();
	json_t *object = json_object();
	json_t *column;
	size_t i;

	json_array_foreach (output->columns, i, column) {
		const char *name = json_string_value(json_object_get(column, "name"));

		json_object_set_new(object, name ? name : "",
				    shown(output, json_array_get(row, i)));
	}
	json_print(object, &line);
	pipeline_line(output->pipeline, buf_span(&line), false);
	json_decref(object);
	buf_free(&line);
}

static void add_member(const char *name, json_t *value, struct buf *out)
{
	buf_printf(out, ",\"%s\":", name);
	json_print(value, out);
	json_decref(value);
}

static void add_error(const struct vos_fault *fault, struct buf *out)
{
	add_member("error", control_fault_to_json(fault), out);
}

static json_t *status_item(const struct client_status *status)
{
	return json_pack("{s:s, s:s, s:i}", "status", "ok", "mode", status ? status->mode : "exec",
			 "pending", status ? status->pending : 0);
}

void document_body(struct output *output, const struct client_status *status, struct buf *out)
{
	if (output->section_count)
		buf_printf(out, ",\"schema\":\"%s\"", output->schema);
	if (output->item)
		add_member("item", shown(output, output->item), out);
	else if (output->has_text)
		add_member("text", control_text(buf_span(&output->text)), out);
	else if (!output->section_count)
		add_member("item", status_item(status), out);
}

bool document_line(struct output *output, struct buf *out)
{
	json_t *item;

	if (output->item)
		item = shown(output, output->item);
	else if (output->has_text)
		item = json_pack("{s:o}", "text", control_text(buf_span(&output->text)));
	else
		return false;
	json_print(item, out);
	json_decref(item);
	buf_add_char(out, '\n');
	output->row_count++;
	return true;
}

static void end_json(struct output *output, const struct client_status *status,
		     const struct vos_fault *fault, struct buf *out)
{
	const char *schema = output->schema[0] ? output->schema : "text/1";

	if (output->section_count) {
		sections_end_part(output);
		buf_printf(out, "],\"count\":%llu,\"complete\":%s",
			   (unsigned long long)output->section_count, fault ? "false" : "true");
		if (fault)
			add_error(fault, out);
	} else if (output->has_table) {
		buf_printf(out, "],\"count\":%llu,\"complete\":%s",
			   (unsigned long long)output->row_count, fault ? "false" : "true");
		if (fault)
			add_error(fault, out);
	} else if (fault) {
		add_error(fault, out);
		out->data[0] = '{'; /* in place of the comma */
	} else {
		document_head(output, output->item || output->has_text ? schema : "done/1", out);
		document_body(output, status, out);
	}
	if (output->warnings)
		add_member("warnings", json_incref(output->warnings), out);
	buf_add_lit(out, "}\n");
}

static void end_ndjson(struct output *output, const struct client_status *status,
		       const struct vos_fault *fault, struct buf *out)
{
	if (output->section_count) {
		sections_end_part(output);
	} else if (!output->has_table && !fault && !document_line(output, out)) {
		json_t *item = status_item(status);

		json_print(item, out);
		json_decref(item);
		buf_add_char(out, '\n');
		output->row_count = 1;
	}
	buf_printf(
		out, "{\"status\":\"%s\",\"count\":%llu,\"complete\":%s,\"generation\":%llu",
		fault ? "error" : "ok", (unsigned long long)output->row_count,
		fault ? "false" : "true",
		(unsigned long long)(output->options.info ? output->options.info->generation : 0));
	if (fault)
		add_error(fault, out);
	if (output->warnings)
		add_member("warnings", json_incref(output->warnings), out);
	buf_add_lit(out, "}\n");
}

void document_end(struct output *output, const struct client_status *status,
		  const struct vos_fault *fault)
{
	struct buf out = buf_new();

	if (is_ndjson(output))
		end_ndjson(output, status, fault, &out);
	else
		end_json(output, status, fault, &out);
	output_put(output, buf_span(&out));
	buf_free(&out);
}
