/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of calls as changes of the store. */
#include <stdlib.h>

#include "switchd/cdr/writer_private.h"

static void put_cdr(struct cdr_writer *writer, char space, uint64_t number, const struct cdr *cdr)
{
	char memory[CDR_BYTES_MAX];
	struct buf bytes = buf_over(memory, sizeof(memory));
	char key[17];

	cdr_number_key(number, key);
	cdr_encode(cdr, &bytes);
	cdr_batch_put(&writer->batch, space, key, buf_span(&bytes));
}

void writer_add_record(struct cdr_writer *writer, const struct writer_settings *settings,
		       struct cdr *cdr)
{
	cdr->flow = (int64_t)writer->next++;
	cdr->hold_s = cdr_hold_s(cdr->talk_ms, settings->precision_ms);
	put_cdr(writer, 'r', (uint64_t)cdr->flow, cdr);
	writer->records++;
	if (writer->seen)
		writer->seen(writer->seen_context, cdr, &writer->batch);
}

static void begin(struct cdr_writer *writer, const struct cdr *cdr)
{
	struct writer_begun *begun = malloc(sizeof(*begun));

	put_cdr(writer, 'o', (uint64_t)cdr->key, cdr);
	if (!begun) {
		writer->batch.failed = true;
		return;
	}
	begun->key = (uint64_t)cdr->key;
	begun->cdr = *cdr;
	HASH_ADD(hh, writer->begun, key, sizeof(begun->key), begun);
}

/* What was known at the answer: from the batch or the store. False: neither has it, as after a
 * power cut; the end alone has to do. */
static bool take_begin(struct cdr_writer *writer, uint64_t key, struct cdr *out)
{
	struct writer_begun *begun = NULL;
	struct buf bytes = buf_new();
	bool is_found = false;
	char text[17];

	HASH_FIND(hh, writer->begun, &key, sizeof(key), begun);
	if (begun) {
		*out = begun->cdr;
		HASH_DEL(writer->begun, begun);
		free(begun);
		return true;
	}
	cdr_number_key(key, text);
	if (cdr_store_get(writer->store, 'o', text, &bytes) == VOS_OK)
		is_found = cdr_decode(buf_span(&bytes), out);
	buf_free(&bytes);
	return is_found;
}

static void close_call(struct cdr_writer *writer, const struct writer_settings *settings,
		       const struct cdr *cdr)
{
	struct cdr whole;
	char key[17];

	if (take_begin(writer, (uint64_t)cdr->key, &whole))
		cdr_merge(&whole, cdr);
	else
		whole = *cdr;
	cdr_number_key((uint64_t)cdr->key, key);
	cdr_batch_remove(&writer->batch, 'o', key);
	writer_add_record(writer, settings, &whole);
}

void writer_take(struct cdr_writer *writer, const struct writer_settings *settings,
		 enum cdr_event event, const struct cdr *cdr)
{
	struct cdr whole = *cdr;

	writer->events++;
	switch (event) {
	case CDR_BEGIN:
		begin(writer, cdr);
		break;
	case CDR_CLOSE:
		close_call(writer, settings, cdr);
		break;
	case CDR_WHOLE:
		writer_add_record(writer, settings, &whole);
		break;
	}
}

void writer_batch_reset(struct cdr_writer *writer)
{
	struct writer_begun *begun;
	struct writer_begun *next;

	HASH_ITER (hh, writer->begun, begun, next) {
		HASH_DEL(writer->begun, begun);
		free(begun);
	}
	cdr_batch_reset(&writer->batch);
	writer->records = 0;
	writer->events = 0;
}
