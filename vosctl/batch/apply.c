/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vosctl apply FILE: the whole file in one request, all its faults in one go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/secret.h"
#include "vosctl/batch/batch.h"
#include "vosctl/config_file.h"

static void write_stdout(void *context, const char *data, size_t len)
{
	struct batch *batch = context;

	if (len && fwrite(data, 1, len, stdout) != len)
		batch->is_unsaved = true;
}

static void print_warning(void *context, const struct vos_fault *fault, bool is_error)
{
	const struct batch *batch = context;
	struct buf text = buf_new();

	render_fault_batch(batch->name, fault, is_error, &text);
	fflush(stdout);
	if (fwrite(text.data, 1, text.len, stderr) != text.len) {
		/* Nowhere left to say it. */
	}
	buf_free(&text);
}

static int run_apply(struct batch *batch, const struct apply_options *options, struct span text)
{
	const struct client_apply apply = {
		.name = batch->name,
		.text = text.ptr,
		.len = text.len,
		.comment = options->comment,
		.check = options->check,
		.diff = options->diff,
		.replace = options->replace,
		.confirm_minutes = options->confirm_minutes,
		.timeout_ms = batch->options.timeout_ms,
	};
	const struct output_options output_options = {
		.format = batch->options.format,
		.width = batch->width,
		.quiet = batch->options.quiet,
		.write = write_stdout,
		.warn = print_warning,
		.context = batch,
		.info = client_info(batch->client),
	};
	struct client_status status = {0};
	struct vos_fault fault = {0};
	struct vos_fault saving = {0};
	struct output *output;
	enum vos_err err;

	err = output_open(&output_options, NULL, &output, &fault);
	if (!err) {
		err = client_apply(batch->client, &apply, output_sink(output), &status, &fault);
		if (output_close(output, &status, err ? &fault : NULL, &saving) != VOS_OK)
			batch->is_unsaved = true;
	}
	if (err) {
		fault.line = 0; /* each fault of a line has been printed with its place */
		batch_print_fault(batch->name, &fault);
		return batch_exit_code(err, &fault, &status);
	}
	return options->diff && status.is_different ? EXIT_DIFFERENT : EXIT_DONE;
}

int batch_apply(struct batch *batch, const struct apply_options *options)
{
	struct buf text = buf_new();
	struct vos_fault fault = {0};

	batch->name = strcmp(options->path, "-") == 0 ? "<stdin>" : options->path;
	if (config_file_read(options->path, &text, &fault) != VOS_OK) {
		batch_print_fault(NULL, &fault);
		batch->exit_code = fault.code == FAULT_STATE ? EXIT_WRONG_USAGE : EXIT_REFUSED;
	} else if (!config_file_is_text(buf_span(&text), &fault)) {
		batch_print_fault(batch->name, &fault);
		batch->exit_code = EXIT_REFUSED;
	} else {
		batch->exit_code = run_apply(batch, options, buf_span(&text));
	}
	if (text.len)
		secret_wipe(text.data, text.len);
	buf_free(&text);
	return batch_end(batch);
}
