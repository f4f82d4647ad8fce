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

	if (!begun) {
		writer->batch.failed = true;
		return;
	}
	begun->key = (uint64_t)cdr->key;
	begun->is_put = false;
	begun->cdr = *cdr;
	HASH_ADD(hh, writer->begun, key, sizeof(begun->key), begun);
}

/* What was known at the answer, if the store has it. It does not after a power cut; the end alone
 * has to do then. */
static bool take_stored(struct cdr_writer *writer, const char *key, struct cdr *out)
{
	struct buf bytes = buf_new();
	bool is_found = false;

	if (cdr_store_get(writer->store, 'o', key, &bytes) == VOS_OK)
		is_found = cdr_decode(buf_span(&bytes), out);
	buf_free(&bytes);
	return is_found;
}

static void close_call(struct cdr_writer *writer, const struct writer_settings *settings,
		       struct cdr *cdr)
{
	uint64_t call = (uint64_t)cdr->key;
	struct writer_begun *begun;
	struct cdr stored;
	char key[17];

	cdr_number_key(call, key);
	HASH_FIND(hh, writer->begun, &call, sizeof(call), begun);
	if (begun) {
		if (begun->is_put)
			cdr_batch_remove(&writer->batch, 'o', key);
		cdr_merge(&begun->cdr, cdr);
		writer_add_record(writer, settings, &begun->cdr);
		HASH_DEL(writer->begun, begun);
		free(begun);
		return;
	}
	if (take_stored(writer, key, &stored)) {
		cdr_merge(&stored, cdr);
		cdr = &stored;
	}
	cdr_batch_remove(&writer->batch, 'o', key);
	writer_add_record(writer, settings, cdr);
}

void writer_take(struct cdr_writer *writer, const struct writer_settings *settings,
		 enum cdr_event event, struct cdr *cdr)
{
	writer->events++;
	switch (event) {
	case CDR_BEGIN:
		begin(writer, cdr);
		break;
	case CDR_CLOSE:
		close_call(writer, settings, cdr);
		break;
	case CDR_WHOLE:
		writer_add_record(writer, settings, cdr);
		break;
	}
}

/* Those that have ended meanwhile the store need not know. */
static void put_begun(struct cdr_writer *writer)
{
	for (struct writer_begun *begun = writer->begun; begun; begun = begun->hh.next) {
		if (!begun->is_put)
			put_cdr(writer, 'o', begun->key, &begun->cdr);
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
