/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compiles the pattern texts of commands.def and finds what may come next in one. */
#include "shared/grammar/pattern.h"

#include <assert.h>

#define SEQ_MAX         24
#define ALTERNATIVE_MAX 12

struct compiler {
	struct arena *arena;
	const char *at;
	slot_find_fn *find;
	const void *context;
	int depth;
};

static enum vos_err compile_seq(struct compiler *compiler, bool is_group, struct pattern_seq *out);

static void skip_blanks(struct compiler *compiler)
{
	while (*compiler->at == ' ')
		compiler->at++;
}

static enum vos_err compile_group(struct compiler *compiler, char close, struct pattern_elem *out)
{
	struct pattern_seq alternatives[ALTERNATIVE_MAX];
	int count = 0;

	if (++compiler->depth >= PATTERN_DEPTH_MAX)
		return VOS_EINVAL;
	compiler->at++;
	for (;;) {
		enum vos_err err;

		if (count == ALTERNATIVE_MAX)
			return VOS_EINVAL;
		err = compile_seq(compiler, true, &alternatives[count]);
		if (err != VOS_OK)
			return err;
		/* An alternative must start with a word: what to offer has to be known at once. */
		if (alternatives[count].count == 0 ||
		    alternatives[count].elems[0].kind == ELEM_EITHER ||
		    alternatives[count].elems[0].kind == ELEM_OPTIONAL)
			return VOS_EINVAL;
		count++;
		if (*compiler->at == close)
			break;
		if (*compiler->at != '|')
			return VOS_EINVAL;
		compiler->at++;
	}
	compiler->at++;
	compiler->depth--;
	out->alternatives = arena_alloc(compiler->arena, sizeof(alternatives[0]) * (size_t)count);
	if (!out->alternatives)
		return VOS_ENOMEM;
	memcpy(out->alternatives, alternatives, sizeof(alternatives[0]) * (size_t)count);
	out->alternative_count = count;
	return VOS_OK;
}

static enum vos_err compile_elem(struct compiler *compiler, struct pattern_elem *out)
{
	const char *start = compiler->at;
	size_t len;

	*out = (struct pattern_elem){0};
	if (*start == '[' || *start == '{') {
		out->kind = *start == '[' ? ELEM_OPTIONAL : ELEM_EITHER;
		return compile_group(compiler, *start == '[' ? ']' : '}', out);
	}
	if (*start == '<') {
		len = strcspn(start, ">");
		if (start[len] != '>')
			return VOS_EINVAL;
		out->kind = ELEM_VALUE;
		out->slot = compiler->find(compiler->context, (struct span){start + 1, len - 1});
		compiler->at += len + 1;
		return out->slot ? VOS_OK : VOS_EINVAL;
	}
	len = strcspn(start, " |[]{}<>");
	if (len == 0)
		return VOS_EINVAL;
	out->kind = ELEM_WORD;
	out->word = arena_dup(compiler->arena, (struct span){start, len});
	compiler->at += len;
	return out->word ? VOS_OK : VOS_ENOMEM;
}

static enum vos_err compile_seq(struct compiler *compiler, bool is_group, struct pattern_seq *out)
{
	struct pattern_elem elems[SEQ_MAX];
	int count = 0;
	size_t size;

	for (skip_blanks(compiler); *compiler->at && !strchr("|]}", *compiler->at);
	     skip_blanks(compiler)) {
		enum vos_err err;

		if (count == SEQ_MAX)
			return VOS_EINVAL;
		err = compile_elem(compiler, &elems[count]);
		if (err != VOS_OK)
			return err;
		count++;
	}
	for (int i = 0; i < count; i++) {
		bool has_value = i + 1 < count && elems[i + 1].kind == ELEM_VALUE;

		elems[i].is_flag = is_group && elems[i].kind == ELEM_WORD && !has_value;
	}
	size = sizeof(elems[0]) * (size_t)count;
	out->elems = arena_alloc(compiler->arena, size ? size : 1);
	if (!out->elems)
		return VOS_ENOMEM;
	memcpy(out->elems, elems, size);
	out->count = count;
	return VOS_OK;
}

enum vos_err pattern_compile(struct arena *arena, const char *text, slot_find_fn *find,
			     const void *context, struct pattern_seq *out)
{
	struct compiler compiler = {arena, text, find, context, 0};
	struct pattern_seq seq;
	enum vos_err err = compile_seq(&compiler, false, &seq);

	if (err != VOS_OK)
		return err;
	if (*compiler.at || seq.count == 0 || seq.elems[0].kind != ELEM_WORD)
		return VOS_EINVAL;
	*out = seq;
	return VOS_OK;
}

struct pattern_state pattern_start(const struct pattern_seq *seq, int index)
{
	struct pattern_state state = {.depth = 1};

	state.frames[0].seq = seq;
	state.frames[0].index = index;
	return state;
}

/* The first words of the alternatives of elem; `after` is the state behind the whole group. */
static void expect_group(const struct pattern_elem *elem, const struct pattern_state *after,
			 pattern_expect_fn *fn, void *context)
{
	for (int i = 0; i < elem->alternative_count; i++) {
		const struct pattern_seq *seq = &elem->alternatives[i];
		struct pattern_state next = *after;

		assert(next.depth < PATTERN_DEPTH_MAX);
		next.frames[next.depth] = (struct pattern_frame){seq, 1, 0};
		next.depth++;
		fn(context, &seq->elems[0], &next);
	}
}

/* Offers the optional groups in a row that were not taken yet; returns the index behind the row. */
static int expect_optional(const struct pattern_state *state, pattern_expect_fn *fn, void *context)
{
	const struct pattern_frame *top = &state->frames[state->depth - 1];
	int end = top->index;

	for (; end < top->seq->count && top->seq->elems[end].kind == ELEM_OPTIONAL; end++) {
		unsigned bit = 1u << (end - top->index);
		struct pattern_state after = *state;

		if (top->used & bit)
			continue;
		after.frames[after.depth - 1].used |= bit;
		expect_group(&top->seq->elems[end], &after, fn, context);
	}
	return end;
}

bool pattern_expect(const struct pattern_state *state, pattern_expect_fn *fn, void *context)
{
	struct pattern_state at = *state;

	while (at.depth > 0) {
		struct pattern_frame *top = &at.frames[at.depth - 1];
		const struct pattern_elem *elem;

		if (top->index >= top->seq->count) {
			at.depth--;
			continue;
		}
		elem = &top->seq->elems[top->index];
		if (elem->kind == ELEM_OPTIONAL) {
			top->index = expect_optional(&at, fn, context);
			top->used = 0;
			continue;
		}
		top->index++;
		top->used = 0;
		if (elem->kind == ELEM_EITHER)
			expect_group(elem, &at, fn, context);
		else
			fn(context, elem, &at);
		return false;
	}
	return true;
}
