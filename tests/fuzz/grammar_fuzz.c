/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any bytes as a line in any mode: matching, TAB and ? must neither crash nor disagree with
 * themselves. The first byte chooses the mode. */
#include <assert.h>
#include <stdlib.h>

#include "shared/grammar/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_candidate(void *context, const struct candidate *candidate)
{
	size_t *count = context;

	assert(memchr(candidate->word, 0, sizeof(candidate->word)));
	assert(memchr(candidate->type, 0, sizeof(candidate->type)));
	(*count)++;
}

/* A line that matched has a full form which matches as the same command, secrets aside. */
static void check_match(const struct grammar *grammar, const struct mode *mode,
			const struct match *match)
{
	static struct match again;
	size_t len = strlen(match->full_line);

	assert(match->command < COMMAND_COUNT);
	assert(match->arg_count <= MATCH_ARGS_MAX && match->pipe_count <= MATCH_PIPES_MAX);
	for (int i = 0; i < match->arg_count; i++)
		assert(match->args[i].text.ptr[match->args[i].text.len] == 0);
	if (match->has_secret || len > GRAMMAR_LINE_MAX)
		return;
	assert(grammar_match(grammar, mode, span_of(match->full_line), &again, NULL) == VOS_OK);
	assert(again.command == match->command && again.inner == match->inner);
	assert(again.param == match->param && again.field == match->field);
	assert(span_eq(again.value_text, match->value_text));
	assert(!again.is_abbreviated);
	assert(strcmp(again.full_line, match->full_line) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const modes[] = {"exec",
					    "config",
					    "config-softswitch-management",
					    "config-additional-settings",
					    "config-sip-parameter",
					    "config-system-parameter",
					    "config-phone:1001",
					    "config-routing-gateway:a",
					    "config-logging",
					    "config-alarm:cpu"};
	static struct grammar *grammar;
	static struct match match;
	struct completion completion;
	struct vos_fault fault = {0};
	struct mode mode;
	struct span line;
	size_t count = 0;
	char *copy;

	if (!grammar)
		grammar = grammar_create();
	if (!grammar || size < 1)
		return 0;
	if (!mode_parse(span_of(modes[data[0] % (sizeof(modes) / sizeof(modes[0]))]), &mode))
		abort();
	/* Exactly as long as the line, so that a read behind it is seen. */
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	line = (struct span){copy, size - 1};
	if (grammar_match(grammar, &mode, line, &match, &fault) == VOS_OK)
		check_match(grammar, &mode, &match);
	else
		assert(fault.code == FAULT_NONE ||
		       (fault.column >= 1 && fault.column <= GRAMMAR_LINE_MAX + 1));
	grammar_complete(grammar, &mode, ROLE_ADMIN, line, &completion, check_candidate, &count);
	grammar_help(grammar, &mode, ROLE_ADMIN, line, check_candidate, &count);
	free(copy);
	return 0;
}
