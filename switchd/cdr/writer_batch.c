/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of calls as changes of the store. */
#include <stdlib.h>

#include "switchd/cdr/writer_private.h"

static void put_call(struct cdr_writer *writer, char space, uint64_t number, struct span record)
{
	char key[17];

	cdr_number_key(number, key);
	cdr_batch_put(&writer->batch, space, key, record);
}

void writer_add_record(struct cdr_writer *writer, const struct writer_settings *settings,
		       struct cdr *cdr)
{
	char memory[CDR_BYTES_MAX];
	struct buf bytes = buf_over(memory, sizeof(memory));

	cdr->flow = (int64_t)writer->next++;
	cdr->hold_s = cdr_hold_s(cdr->talk_ms, settings->precision_ms);
	cdr_encode(cdr, &bytes);
	put_call(writer, 'r', (uint64_t)cdr->flow, buf_span(&bytes));
	writer->records++;
	if (writer->seen)
		writer->seen(writer->seen_context, cdr, &writer->batch);
}

/* As it came, which is how it is stored if the call does not end before. */
static void begin(struct cdr_writer *writer, struct span record)
{
	struct writer_begun *begun;
	uint64_t key;

	if (!cdr_decode_key(record, &key))
		return;
	begun = malloc(sizeof(*begun) + record.len);
	if (!begun) {
		writer->batch.failed = true;
		return;
	}
	begun->key = key;
	begun->is_put = false;
	begun->len = record.len;
	memcpy(begun->record, record.ptr, record.len);
	HASH_ADD(hh, writer->begun, key, sizeof(begun->key), begun);
}

static bool take_stored(struct cdr_writer *writer, const char *key, struct cdr *out)
{
	struct buf bytes = buf_new();
	bool is_found = false;

	if (cdr_store_get(writer->store, 'o', key, &bytes) == VOS_OK)
		is_found = cdr_decode(buf_span(&bytes), out);
	buf_free(&bytes);
	return is_found;
}

/* What was known at the answer, which is known no longer: from memory or the store. False: neither
 * has it, as after a power cut; the end alone has to do. */
static bool take_begin(struct cdr_writer *writer, uint64_t call, struct cdr *out)
{
	struct writer_begun *begun;
	bool is_found;
	bool is_stored;
	char key[17];

	cdr_number_key(call, key);
	HASH_FIND(hh, writer->begun, &call, sizeof(call), begun);
	is_stored = !begun || begun->is_put;
	if (begun) {
		is_found = cdr_decode((struct span){begun->record, begun->len}, out);
		HASH_DEL(writer->begun, begun);
		free(begun);
	} else {
		is_found = take_stored(writer, key, out);
	}
	if (is_stored)
		cdr_batch_remove(&writer->batch, 'o', key);
	return is_found;
}

void writer_take(struct cdr_writer *writer, const struct writer_settings *settings,
		 const struct cdr_spooled *spooled)
{
	const struct span record = {spooled->record, spooled->len};
	struct cdr cdr;
	struct cdr whole;

	writer->events++;
	if (spooled->event == CDR_BEGIN)
		return begin(writer, record);
	if (!cdr_decode(record, &cdr))
		return;
	if (spooled->event == CDR_WHOLE || !take_begin(writer, (uint64_t)cdr.key, &whole))
		return writer_add_record(writer, settings, &cdr);
	cdr_merge(&whole, &cdr);
	writer_add_record(writer, settings, &whole);
}

/* Those that have ended meanwhile the store need not know. */
static void put_begun(struct cdr_writer *writer)
{
	for (struct writer_begun *begun = writer->begun; begun; begun = begun->hh.next) {
		if (!begun->is_put)
			put_call(writer, 'o', begun->key, (struct span){begun->record, begun->len});
		begun->is_put = true;
	}
}

enum vos_err writer_store_batch(struct cdr_writer *writer, struct vos_fault *fault)
{
	put_begun(writer);
	if (writer->commits && writer->records)
		writer->commits(writer->commits_context, &writer->batch);
	cdr_batch_put_number(&writer->batch, "next", writer->next);
	writer_put_places(writer);
	return cdr_store_write(writer->store, &writer->batch, fault);
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
