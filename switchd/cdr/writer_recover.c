/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier run has left: spools that were not stored, and calls that were up when it ended.
 */
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "switchd/call/cause.h"
#include "switchd/cdr/writer_private.h"

/* Of this start of the machine, by which monotonic times compare. */
static uint64_t boot_number(void)
{
	char text[40] = "";
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	return len >= 8 ? strtoull(text, NULL, 16) : 0;
}

void writer_sign(struct cdr_writer *writer)
{
	writer->alive_us = clock_mono_us();
	cdr_batch_put_number(&writer->batch, "alive-us", writer->alive_us);
	cdr_batch_put_number(&writer->batch, "alive-ms", (uint64_t)clock_wall_ms());
	cdr_batch_put_number(&writer->batch, "boot", writer->boot);
	if (writer->signs)
		writer->signs(writer->signs_context, &writer->batch);
}

void cdr_writer_on_sign(struct cdr_writer *writer, cdr_batch_fn *fn, void *context)
{
	writer->signs = fn;
	writer->signs_context = context;
}

void writer_put_places(struct cdr_writer *writer)
{
	char name[64];

	for (int i = 0; i < writer->spool_count; i++) {
		snprintf(name, sizeof(name), "spool-%d", i);
		cdr_batch_put_number(&writer->batch, name, writer->positions[i]);
		snprintf(name, sizeof(name), "spool-%d-id", i);
		cdr_batch_put_number(&writer->batch, name, cdr_spool_id(writer->spools[i]));
	}
}

/* The run before may have ended between its last commit and the word to the spool. */
static void take_places(struct cdr_writer *writer)
{
	char name[64];

	for (int i = 0; i < writer->spool_count; i++) {
		snprintf(name, sizeof(name), "spool-%d-id", i);
		if (cdr_store_number(writer->store, name) != cdr_spool_id(writer->spools[i]))
			continue;
		snprintf(name, sizeof(name), "spool-%d", i);
		cdr_spool_skip(writer->spools[i], cdr_store_number(writer->store, name));
	}
}

static enum vos_err drain_spools(struct cdr_writer *writer, struct vos_fault *fault)
{
	for (int i = 0; i < writer->spool_count; i++) {
		struct cdr_spooled spooled;
		bool is_more = true;

		while (is_more) {
			enum vos_err err;

			while (writer->events < WRITER_EVENTS_MAX &&
			       (is_more = cdr_spool_next(writer->spools[i], &writer->positions[i],
							 &spooled)))
				writer_take(writer, &writer->settings, &spooled);
			if (!writer->events)
				break;
			err = writer_store_batch(writer, fault);
			if (err)
				return err;
			writer_batch_reset(writer);
			cdr_spool_done(writer->spools[i], writer->positions[i]);
		}
	}
	return VOS_OK;
}

#define CUT_MAX 256 /* calls of one transaction */

struct cut {
	uint64_t alive_us;
	int64_t alive_ms;
	bool is_same_boot;
	struct cdr *calls;
	char (*keys)[17];
	bool *is_good; /* else the row cannot be read, and only goes */
	size_t count;
};

static bool take_call(void *context, const char *key, struct span value)
{
	struct cut *cut = context;

	if (cut->count == CUT_MAX)
		return false;
	snprintf(cut->keys[cut->count], sizeof(cut->keys[0]), "%s", key);
	cut->is_good[cut->count] = cdr_decode(value, &cut->calls[cut->count]);
	cut->count++;
	return true;
}

static void cut_call(const struct cut *cut, struct cdr *cdr)
{
	const struct cause restart = cause_of(CAUSE_RESTART);

	if (cut->is_same_boot)
		cdr->talk_ms = cut->alive_us > cdr->answer_us
				       ? (int64_t)(cut->alive_us - cdr->answer_us) / 1000
				       : 0;
	else
		cdr->talk_ms = cut->alive_ms > cdr->answer_ms ? cut->alive_ms - cdr->answer_ms : 0;
	cdr->stop_ms = cdr->answer_ms + cdr->talk_ms;
	cdr->cause = cause_number(restart);
	cause_name(restart, cdr->cause_name, sizeof(cdr->cause_name));
	cdr->q850 = cause_q850(restart);
	cdr->side = CDR_BY_SWITCH;
}

/* Every call that was up becomes a record that ends at the last sign of life. */
static enum vos_err cut_some(struct cdr_writer *writer, struct cut *cut, struct vos_fault *fault)
{
	enum vos_err err;

	cut->count = 0;
	err = cdr_store_walk(writer->store, 'o', "", false, take_call, cut);
	if (err || !cut->count)
		return err;
	for (size_t i = 0; i < cut->count; i++) {
		cdr_batch_remove(&writer->batch, 'o', cut->keys[i]);
		if (!cut->is_good[i])
			continue;
		cut_call(cut, &cut->calls[i]);
		writer_add_record(writer, &writer->settings, &cut->calls[i]);
	}
	err = writer_store_batch(writer, fault);
	writer_batch_reset(writer);
	return err;
}

static enum vos_err cut_calls(struct cdr_writer *writer, struct vos_fault *fault)
{
	struct cut cut = {
		.alive_us = cdr_store_number(writer->store, "alive-us"),
		.alive_ms = (int64_t)cdr_store_number(writer->store, "alive-ms"),
		.is_same_boot = cdr_store_number(writer->store, "boot") == writer->boot,
		.calls = calloc(CUT_MAX, sizeof(struct cdr)),
		.keys = calloc(CUT_MAX, sizeof(cut.keys[0])),
		.is_good = calloc(CUT_MAX, sizeof(bool)),
	};
	enum vos_err err = cut.calls && cut.keys && cut.is_good ? VOS_OK : VOS_ENOMEM;
	size_t total = 0;

	while (!err) {
		err = cut_some(writer, &cut, fault);
		if (!cut.count)
			break;
		total += cut.count;
	}
	free(cut.calls);
	free(cut.keys);
	free(cut.is_good);
	if (!err && total)
		log_notice(writer->log, "cdr", "%zu calls were cut by the restart", total);
	return err;
}

uint64_t cdr_writer_identity(const struct cdr_writer *writer)
{
	return writer->identity;
}

/* A new one is stored together with the first record, if not before. */
static void take_identity(struct cdr_writer *writer)
{
	writer->identity = cdr_store_number(writer->store, "identity");
	if (writer->identity)
		return;
	randombytes_buf(&writer->identity, sizeof(writer->identity));
	writer->identity |= 1;
	cdr_batch_put_number(&writer->batch, "identity", writer->identity);
}

enum vos_err writer_resume(struct cdr_writer *writer)
{
	uint64_t first;
	uint64_t last;
	enum vos_err err = cdr_store_range(writer->store, &first, &last);

	if (err)
		return err;
	writer->boot = boot_number();
	writer->next = cdr_store_number(writer->store, "next");
	if (writer->next <= last)
		writer->next = last + 1;
	if (writer->next == 0)
		writer->next = 1;
	writer->oldest = first ? first : writer->next;
	take_identity(writer);
	return VOS_OK;
}

enum vos_err writer_recover(struct cdr_writer *writer, struct vos_fault *fault)
{
	enum vos_err err;

	take_places(writer);
	err = drain_spools(writer, fault);
	return err ? err : cut_calls(writer, fault);
}
