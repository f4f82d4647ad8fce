/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "vosctl/render/pipe.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

#define LAST_MAX 100000 /* lines that | last holds */

struct stage {
	enum pipe_kind kind;
	regex_t re;
	bool has_re;
	bool is_open;  /* begin: the line was seen; section: inside of one */
	size_t indent; /* section: of its head */
	uint64_t count;
	char **held; /* last: a ring */
	size_t held_cap;
	size_t held_at;
	size_t held_count;
};

struct pipeline {
	struct stage stages[MATCH_PIPES_MAX];
	int count;
	pipeline_fn *fn;
	void *context;
};

static bool is_filter(enum pipe_kind kind)
{
	switch (kind) {
	case PIPE_INCLUDE:
	case PIPE_EXCLUDE:
	case PIPE_BEGIN:
	case PIPE_SECTION:
	case PIPE_COUNT_LINES:
	case PIPE_LAST:
		return true;
	default:
		return false;
	}
}

static void free_stage(struct stage *stage)
{
	if (stage->has_re)
		regfree(&stage->re);
	for (size_t i = 0; i < stage->held_cap; i++)
		free(stage->held[i]);
	free(stage->held);
}

static enum vos_err open_stage(struct stage *stage, const struct match_pipe *pipe,
			       struct vos_fault *fault)
{
	char *text = span_dup(pipe->text);
	uint64_t number = 0;
	char why[128];
	int code = 0;

	if (!text)
		return VOS_ENOMEM;
	stage->kind = pipe->kind;
	if (pipe->kind == PIPE_LAST) {
		if (!span_to_u64(pipe->text, LAST_MAX, &number) || number == 0) {
			fault_set(fault, FAULT_VALUE_RANGE, 0, "last: allowed 1..%d lines",
				  LAST_MAX);
			code = -1;
		} else {
			stage->held_cap = (size_t)number;
			stage->held = calloc(stage->held_cap, sizeof(*stage->held));
		}
	} else if (pipe->kind != PIPE_COUNT_LINES) {
		code = regcomp(&stage->re, text, REG_EXTENDED | REG_NOSUB);
		stage->has_re = code == 0;
		if (code) {
			regerror(code, &stage->re, why, sizeof(why));
			fault_set(fault, FAULT_VALUE_FORMAT, 0, "\"%s\": %s", text, why);
		}
	}
	free(text);
	return code ? VOS_EINVAL : VOS_OK;
}

enum vos_err pipeline_open(const struct match *match, pipeline_fn *fn, void *context,
			   struct pipeline **out, struct vos_fault *fault)
{
	struct pipeline *pipeline = calloc(1, sizeof(*pipeline));
	enum vos_err err = VOS_OK;

	if (!pipeline) {
		fault_set(fault, FAULT_INTERNAL, 0, "out of memory");
		return VOS_ENOMEM;
	}
	pipeline->fn = fn;
	pipeline->context = context;
	for (int i = 0; match && i < match->pipe_count && !err; i++)
		if (is_filter(match->pipes[i].kind))
			err = open_stage(&pipeline->stages[pipeline->count++], &match->pipes[i],
					 fault);
	if (err) {
		for (int i = 0; i < pipeline->count; i++)
			free_stage(&pipeline->stages[i]);
		free(pipeline);
		return err;
	}
	*out = pipeline;
	return VOS_OK;
}

static bool fits(const struct stage *stage, const char *line)
{
	return regexec(&stage->re, line, 0, NULL, 0) == 0;
}

static void hold(struct stage *stage, const char *line)
{
	char *copy;

	if (!stage->held)
		return;
	copy = span_dup(span_of(line));
	free(stage->held[stage->held_at]);
	stage->held[stage->held_at] = copy;
	stage->held_at = (stage->held_at + 1) % stage->held_cap;
	if (stage->held_count < stage->held_cap)
		stage->held_count++;
}

/* A head that fits and the deeper lines under it. */
static bool in_section(struct stage *stage, const char *line)
{
	size_t indent = strspn(line, " \t");

	if (stage->is_open && indent > stage->indent)
		return true;
	stage->is_open = fits(stage, line);
	stage->indent = indent;
	return stage->is_open;
}

/* Whether the line goes on to the next stage. */
static bool pass(struct stage *stage, const char *line, bool is_heading)
{
	switch (stage->kind) {
	case PIPE_INCLUDE:
		return fits(stage, line);
	case PIPE_EXCLUDE:
		return !fits(stage, line);
	case PIPE_BEGIN:
		stage->is_open = stage->is_open || fits(stage, line);
		return stage->is_open;
	case PIPE_SECTION:
		return in_section(stage, line);
	case PIPE_COUNT_LINES:
		stage->count += !is_heading;
		return false;
	case PIPE_LAST:
		if (!is_heading)
			hold(stage, line);
		return is_heading;
	default:
		return true;
	}
}

static void push(struct pipeline *pipeline, int first, const char *line, bool is_heading)
{
	for (int i = first; i < pipeline->count; i++)
		if (!pass(&pipeline->stages[i], line, is_heading))
			return;
	pipeline->fn(pipeline->context, span_of(line), is_heading);
}

void pipeline_line(struct pipeline *pipeline, struct span line, bool is_heading)
{
	char *copy;

	if (!pipeline->count) {
		pipeline->fn(pipeline->context, line, is_heading);
		return;
	}
	copy = span_dup(line);
	if (!copy)
		return;
	push(pipeline, 0, copy, is_heading);
	free(copy);
}

void pipeline_close(struct pipeline *pipeline)
{
	for (int i = 0; i < pipeline->count; i++) {
		struct stage *stage = &pipeline->stages[i];
		size_t at = stage->held_cap
				    ? (stage->held_at + stage->held_cap - stage->held_count) %
					      stage->held_cap
				    : 0;
		char number[24];

		for (size_t k = 0; k < stage->held_count; k++)
			if (stage->held[(at + k) % stage->held_cap])
				push(pipeline, i + 1, stage->held[(at + k) % stage->held_cap],
				     false);
		if (stage->kind == PIPE_COUNT_LINES) {
			snprintf(number, sizeof(number), "%llu", (unsigned long long)stage->count);
			push(pipeline, i + 1, number, false);
		}
	}
	for (int i = 0; i < pipeline->count; i++)
		free_stage(&pipeline->stages[i]);
	free(pipeline);
}

bool pipeline_filters(const struct pipeline *pipeline)
{
	return pipeline->count > 0;
}

bool pipeline_counts(const struct pipeline *pipeline)
{
	for (int i = 0; i < pipeline->count; i++)
		if (pipeline->stages[i].kind == PIPE_COUNT_LINES)
			return true;
	return false;
}
