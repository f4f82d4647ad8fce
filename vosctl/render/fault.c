/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Faults for people: with file and position in batch, with a caret at the prompt. */
#include "vosctl/render/output.h"
#include "vosctl/render/table.h"

void render_fault_batch(const char *file, const struct vos_fault *fault, bool is_error,
			struct buf *out)
{
	const char *kind = is_error ? "error" : "warning";

	if (file && fault->line > 0)
		buf_printf(out, "%s:%d:%d: %s: ", file, fault->line,
			   fault->column > 0 ? fault->column : 1, kind);
	else if (file)
		buf_printf(out, "%s: %s: ", file, kind);
	else
		buf_printf(out, "%% %s", is_error ? "" : "warning: ");
	text_clean(span_of(fault->text), false, out);
	buf_add_char(out, '\n');
}

void render_fault_caret(int prompt_width, const char *line, const struct vos_fault *fault,
			struct buf *out)
{
	size_t len = strlen(line);
	size_t at = fault->column > 0 ? (size_t)fault->column - 1 : 0;

	if (fault->column > 0) {
		/* The column counts bytes, the terminal characters. */
		struct span before = {line, at < len ? at : len};
		int width = prompt_width + render_width(before);

		for (int i = 0; i < width; i++)
			buf_add_char(out, ' ');
		buf_add_lit(out, "^\n");
	}
	buf_add_lit(out, "% ");
	text_clean(span_of(fault->text), false, out);
	buf_add_char(out, '\n');
}
