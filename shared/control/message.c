/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests, replies and notifications as JSON-RPC 2.0 objects, and faults in both directions. */
#include "shared/control/control.h"

#include <stdio.h>
#include <string.h>

#define RPC_ERROR (-32000) /* first of the codes that JSON-RPC leaves to the server */

static json_t *envelope(void)
{
	return json_pack("{s:s}", "jsonrpc", "2.0");
}

json_t *control_request(int64_t id, const char *method, json_t *params)
{
	json_t *message = envelope();

	if (json_object_set_new(message, "id", json_integer(id)) ||
	    json_object_set_new(message, "method", json_string(method)) ||
	    json_object_set_new(message, "params", params)) {
		json_decref(message);
		return NULL;
	}
	return message;
}

json_t *control_result(int64_t id, json_t *result)
{
	json_t *message = envelope();

	if (json_object_set_new(message, "id", json_integer(id)) ||
	    json_object_set_new(message, "result", result)) {
		json_decref(message);
		return NULL;
	}
	return message;
}

json_t *control_error(int64_t id, const struct vos_fault *fault)
{
	json_t *data = control_fault_to_json(fault);
	json_t *message = envelope();
	json_t *error = json_pack("{s:i, s:O, s:o}", "code", RPC_ERROR, "message",
				  json_object_get(data, "message"), "data", data);
	/* An id of -1 stands for a request whose id could not be read (JSON-RPC wants null there).
	 */
	json_t *number = id < 0 ? json_null() : json_integer(id);

	if (json_object_set_new(message, "id", number) ||
	    json_object_set_new(message, "error", error)) {
		json_decref(message);
		return NULL;
	}
	return message;
}

json_t *control_notice(const char *method, json_t *params)
{
	json_t *message = envelope();

	if (json_object_set_new(message, "method", json_string(method)) ||
	    json_object_set_new(message, "params", params)) {
		json_decref(message);
		return NULL;
	}
	return message;
}

json_t *control_fault_to_json(const struct vos_fault *fault)
{
	return json_pack("{s:s, s:o, s:o, s:i, s:i}", "code", fault_code_name(fault->code),
			 "message", control_text(span_of(fault->text)), "path",
			 fault->path[0] ? control_text(span_of(fault->path)) : json_null(), "line",
			 fault->line, "column", fault->column);
}

static void copy_text(json_t *object, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(object, name));

	snprintf(out, size, "%s", text ? text : "");
}

void control_fault_from_json(json_t *data, struct vos_fault *fault)
{
	const char *code = json_string_value(json_object_get(data, "code"));

	*fault = (struct vos_fault){0};
	fault->code = fault_code_from_name(code ? code : "");
	fault->line = (int)json_integer_value(json_object_get(data, "line"));
	fault->column = (int)json_integer_value(json_object_get(data, "column"));
	copy_text(data, "path", fault->path, sizeof(fault->path));
	copy_text(data, "message", fault->text, sizeof(fault->text));
}

/* Length of the UTF-8 sequence (RFC 3629) at the start of s, 0 when it is none or a NUL. */
static size_t utf8_length(struct span s)
{
	const unsigned char *b = (const unsigned char *)s.ptr;
	size_t len = b[0] >= 0xf0 ? 4 : b[0] >= 0xe0 ? 3 : 2;

	if (b[0] < 0x80)
		return b[0] != 0;
	if (b[0] < 0xc2 || b[0] > 0xf4 || s.len < len)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	/* Overlong forms, surrogates, and what lies beyond U+10FFFF. */
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) ||
	    (b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] > 0x8f))
		return 0;
	return len;
}

json_t *control_text(struct span text)
{
	struct buf clean = buf_new();
	struct span rest = text;
	json_t *json = NULL;

	if (!text.len || !memchr(text.ptr, '\0', text.len)) {
		json = json_stringn(text.len ? text.ptr : "", text.len);
		if (json)
			return json;
	}
	while (rest.len) {
		size_t len = utf8_length(rest);

		if (len)
			buf_add(&clean, rest.ptr, len);
		else
			buf_add_lit(&clean, "\xef\xbf\xbd");
		rest.ptr += len ? len : 1;
		rest.len -= len ? len : 1;
	}
	if (!clean.failed)
		json = json_stringn(clean.data, clean.len);
	buf_free(&clean);
	return json;
}
