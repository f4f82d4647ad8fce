/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a configuration file; the first bit of the first byte says whether it replaces
 * everything. Held: a file without faults is written as a text that is read without faults and
 * written the same again. */
#include <assert.h>
#include <stdlib.h>

#include "shared/base/secret.h"
#include "shared/config/text_write.h"
#include "switchd/ctl/file_load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct grammar *grammar;
static struct secret_key key;
static struct snapshot *empty;

static void count_fault(void *context, const struct vos_fault *fault, bool is_error)
{
	size_t *faults = context;

	assert(fault->text[0]);
	assert(!is_error || (fault->line >= 1 && fault->column >= 0));
	*faults += is_error;
}

/* The configuration of the text; NULL when it has faults. */
static struct snapshot *read_text(struct span text, bool replace)
{
	static struct file_load load;
	struct config_candidate candidate;
	struct snapshot *after = NULL;
	struct vos_fault fault = {0};
	size_t faults = 0;

	candidate_open(&candidate, empty);
	load = (struct file_load){
		.grammar = grammar,
		.key = &key,
		.candidate = &candidate,
		.report = count_fault,
		.context = &faults,
		.replace = replace,
	};
	file_load_init(&load, text);
	while (file_load_step(&load, 100))
		;
	assert((faults > 0) == (load.fault_count > 0));
	if (load.fault_count) {
		file_load_summary(&load, "file", &fault);
		assert(fault.code != FAULT_NONE);
	} else if (snapshot_apply(empty, &candidate.changes, 1, &after, &fault) != VOS_OK) {
		after = NULL;
	}
	candidate_close(&candidate);
	return after;
}

static void write_text(const struct snapshot *snapshot, struct buf *out)
{
	const struct config_text_options options = {0};

	config_write_text(snapshot, &options, out);
	assert(!out->failed);
}

static void check_round_trip(struct snapshot *snapshot)
{
	struct buf text = buf_new();
	struct buf other = buf_new();
	struct snapshot *again;

	write_text(snapshot, &text);
	again = read_text(buf_span(&text), true);
	assert(again);
	write_text(again, &other);
	assert(span_eq(buf_span(&text), buf_span(&other)));
	snapshot_unref(again);
	buf_free(&text);
	buf_free(&other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *snapshot;
	char *copy;

	if (!grammar) {
		grammar = grammar_create();
		empty = snapshot_new_empty();
	}
	if (!grammar || !empty || size < 1)
		return 0;
	/* Exactly as long as the text, so that a read behind it is seen. */
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	snapshot = read_text((struct span){copy, size - 1}, data[0] & 1);
	if (snapshot) {
		check_round_trip(snapshot);
		snapshot_unref(snapshot);
	}
	free(copy);
	return 0;
}
