/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The requests: exec, apply, complete, help. */
#include "vosctl/client_private.h"

#include <stdio.h>

#define PART_BYTES (120u * 1024u) /* of a file; escaped at worst six times as long */

/* Names a line without telling what may be a password in it: its first word. */
static char *name_line(const char *line, char *out, size_t size)
{
	struct span rest = span_trim(span_of(line));
	size_t word = span_find(rest, ' ');

	snprintf(out, size, "%.*s%s", (int)word, rest.ptr, word < rest.len ? " ..." : "");
	return out;
}

enum vos_err client_exec(struct client *client, const struct client_request *request,
			 const struct client_sink *sink, struct client_status *status,
			 struct vos_fault *fault)
{
	char name[64];
	struct pending pending = {.what = name_line(request->line, name, sizeof(name)),
				  .sink = sink};
	json_t *params =
		json_pack("{s:o, s:s, s:b, s:b}", "line", control_text(span_of(request->line)),
			  "mode", request->mode ? request->mode : "exec", "yes", request->yes,
			  "batch", request->batch);

	if (request->file) {
		json_object_set_new(params, "file", control_text(span_of(request->file)));
		json_object_set_new(params, "number", json_integer(request->number));
	}
	return client_call(client, "exec", params, &pending, request->timeout_ms, status, NULL,
			   fault);
}

/* The first part of text that ends between two characters. */
static struct span next_part(struct span text)
{
	if (text.len <= PART_BYTES)
		return text;
	text.len = PART_BYTES;
	while (text.len > 1 && ((unsigned char)text.ptr[text.len] & 0xc0) == 0x80)
		text.len--;
	return text;
}

/* Sends all of a file but its last part, which is left in *rest for the request itself. */
static enum vos_err send_parts(struct client *client, struct span *rest, int timeout_ms,
			       struct client_status *status, struct vos_fault *fault)
{
	for (;;) {
		struct pending pending = {.what = "sending the file"};
		struct span part = next_part(*rest);
		enum vos_err err;

		if (part.len == rest->len)
			return VOS_OK;
		err = client_call(client, "apply-part",
				  json_pack("{s:o}", "text", control_text(part)), &pending,
				  timeout_ms, status, NULL, fault);
		if (err)
			return err;
		rest->ptr += part.len;
		rest->len -= part.len;
	}
}

enum vos_err client_apply(struct client *client, const struct client_apply *apply,
			  const struct client_sink *sink, struct client_status *status,
			  struct vos_fault *fault)
{
	struct span rest = {apply->text, apply->len};
	struct pending pending = {.what = "apply", .sink = sink};
	json_t *params;
	enum vos_err err = send_parts(client, &rest, apply->timeout_ms, status, fault);

	if (err)
		return err;
	params = json_pack("{s:o, s:o, s:b, s:b, s:b}", "name", control_text(span_of(apply->name)),
			   "text", control_text(rest), "check", apply->check, "diff", apply->diff,
			   "replace", apply->replace);
	if (apply->comment)
		json_object_set_new(params, "comment", control_text(span_of(apply->comment)));
	if (apply->confirm_minutes)
		json_object_set_new(params, "confirm", json_integer(apply->confirm_minutes));
	return client_call(client, "apply", params, &pending, apply->timeout_ms, status, NULL,
			   fault);
}

enum vos_err client_load(struct client *client, const struct client_load *load,
			 const struct client_sink *sink, struct client_status *status,
			 struct vos_fault *fault)
{
	struct span rest = {load->text, load->len};
	struct pending pending = {.what = "load", .sink = sink};
	json_t *params;
	enum vos_err err = send_parts(client, &rest, load->timeout_ms, status, fault);

	if (err)
		return err;
	params = json_pack("{s:o, s:o, s:s, s:b}", "name", control_text(span_of(load->name)),
			   "text", control_text(rest), "mode", load->mode ? load->mode : "exec",
			   "replace", load->replace);
	return client_call(client, "load", params, &pending, load->timeout_ms, status, NULL, fault);
}

static enum vos_err candidates(struct client *client, const char *method, const char *mode,
			       const char *line, int timeout_ms, candidate_fn *fn, void *context,
			       int *more)
{
	struct pending pending = {.what = method};
	struct vos_fault fault;
	json_t *reply = NULL;
	json_t *item;
	size_t i;
	enum vos_err err;

	err = client_call(client, method,
			  json_pack("{s:o, s:s}", "line", control_text(span_of(line)), "mode",
				    mode ? mode : "exec"),
			  &pending, timeout_ms, NULL, &reply, &fault);
	if (err)
		return err;
	json_array_foreach (json_object_get(reply, "candidates"), i, item) {
		struct candidate candidate = {.param = PARAM_COUNT, .field = FIELD_COUNT};

		client_copy_member(item, "word", candidate.word, sizeof(candidate.word));
		client_copy_member(item, "type", candidate.type, sizeof(candidate.type));
		client_copy_member(item, "help", candidate.help, sizeof(candidate.help));
		client_copy_member(item, "default", candidate.standard, sizeof(candidate.standard));
		client_copy_member(item, "current", candidate.current, sizeof(candidate.current));
		fn(context, &candidate);
	}
	if (more)
		*more = (int)json_integer_value(json_object_get(reply, "more"));
	json_decref(reply);
	return VOS_OK;
}

enum vos_err client_complete(struct client *client, const char *mode, const char *line,
			     int timeout_ms, candidate_fn *fn, void *context, int *more)
{
	return candidates(client, "complete", mode, line, timeout_ms, fn, context, more);
}

enum vos_err client_help(struct client *client, const char *mode, const char *line, int timeout_ms,
			 candidate_fn *fn, void *context, int *more)
{
	return candidates(client, "help", mode, line, timeout_ms, fn, context, more);
}
