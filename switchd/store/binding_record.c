/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/store/binding_record.h"

#include "switchd/store/keys.h"

static void add_word(struct buf *record, const char *text)
{
	record_add_word(record, span_of(text));
	buf_add_char(record, '\t');
}

static void add_number(struct buf *record, uint64_t number, char end)
{
	buf_add_u64(record, number);
	buf_add_char(record, end);
}

static void add_address(struct buf *record, const struct addr *address)
{
	char text[ADDR_TEXT_MAX];

	add_word(record, address->family == ADDR_NONE ? "" : addr_print(address, text));
}

/* Times are after 1970; an earlier one is as good as 0. */
static uint64_t time_of(int64_t wall_ms)
{
	return wall_ms > 0 ? (uint64_t)wall_ms : 0;
}

/* What most bindings do not have stands at the end, or not at all. */
static void add_rarities(struct buf *record, const struct binding *binding)
{
	if (!binding->instance[0] && !binding->reg_id && !binding->path[0])
		return;
	buf_add_char(record, '\t');
	add_word(record, binding->instance);
	add_number(record, binding->reg_id, '\t');
	record_add_word(record, span_of(binding->path));
}

void binding_write(struct buf *record, const struct binding *binding, int64_t offset_ms)
{
	add_word(record, binding->contact);
	add_word(record, binding->user_agent);
	add_address(record, &binding->source);
	add_address(record, &binding->local);
	add_number(record, binding->socket_index, '\t');
	add_number(record, binding->is_nat, '\t');
	add_number(record, binding->q_thousandths, '\t');
	add_number(record, binding->call_id_hash, '\t');
	add_number(record, binding->cseq, '\t');
	add_number(record, time_of(binding->registered_ms + offset_ms), '\t');
	add_number(record, time_of(binding->expires_ms + offset_ms), '\t');
	buf_add_u64(record, binding->is_stream);
	add_rarities(record, binding);
	buf_add_char(record, '\n');
}

static bool take_text(struct span *line, struct buf *word, char *out, size_t size)
{
	return record_next_word(line, word) && span_copy(buf_span(word), out, size);
}

static bool take_address(struct span *line, struct buf *word, struct addr *out)
{
	if (!record_next_word(line, word))
		return false;
	*out = (struct addr){0};
	return word->len == 0 || addr_parse(buf_span(word), out);
}

static bool take_rarities(struct span *line, struct buf *word, struct binding *out)
{
	uint64_t is_stream;
	uint64_t reg_id;

	if (!line->ptr)
		return true; /* of before there was TCP */
	if (!record_next_number(line, word, 1, &is_stream))
		return false;
	out->is_stream = is_stream != 0;
	if (!line->ptr)
		return true;
	if (!take_text(line, word, out->instance, sizeof(out->instance)) ||
	    !record_next_number(line, word, UINT16_MAX, &reg_id) ||
	    !take_text(line, word, out->path, sizeof(out->path)))
		return false;
	out->reg_id = (uint16_t)reg_id;
	return true;
}

enum vos_err binding_parse(struct span line, struct span user, struct buf *word,
			   struct binding *out)
{
	struct binding binding = {0};
	uint64_t socket_index;
	uint64_t is_nat;
	uint64_t q_thousandths;
	uint64_t cseq;
	uint64_t registered_ms;
	uint64_t expires_ms;

	if (!span_copy(user, binding.user, sizeof(binding.user)) ||
	    !take_text(&line, word, binding.contact, sizeof(binding.contact)) ||
	    !take_text(&line, word, binding.user_agent, sizeof(binding.user_agent)) ||
	    !take_address(&line, word, &binding.source) ||
	    !take_address(&line, word, &binding.local) ||
	    !record_next_number(&line, word, UINT8_MAX, &socket_index) ||
	    !record_next_number(&line, word, 1, &is_nat) ||
	    !record_next_number(&line, word, 1000, &q_thousandths) ||
	    !record_next_number(&line, word, UINT64_MAX, &binding.call_id_hash) ||
	    !record_next_number(&line, word, UINT32_MAX, &cseq) ||
	    !record_next_number(&line, word, INT64_MAX, &registered_ms) ||
	    !record_next_number(&line, word, INT64_MAX, &expires_ms) ||
	    !take_rarities(&line, word, &binding))
		return VOS_EINVAL;
	binding.socket_index = (uint8_t)socket_index;
	binding.is_nat = is_nat != 0;
	binding.q_thousandths = (uint16_t)q_thousandths;
	binding.cseq = (uint32_t)cseq;
	binding.registered_ms = (int64_t)registered_ms;
	binding.expires_ms = (int64_t)expires_ms;
	*out = binding;
	return VOS_OK;
}
