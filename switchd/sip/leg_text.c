/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a leg keeps of the headers of its dialog: all texts in one block. What replaces another is
 * put behind the last; when the block is full, those in use move to a larger one. Once the dialog
 * is up the block is made as small as it can be. */
#include <stddef.h>
#include <stdlib.h>

#include "switchd/sip/leg_private.h"

#define TEXTS_START 384u /* enough for a usual call */
#define TEXTS_SPARE 128u /* when that was not enough */

static const size_t fields[] = {
	offsetof(struct sip_leg, call_id),       offsetof(struct sip_leg, local),
	offsetof(struct sip_leg, remote),        offsetof(struct sip_leg, remote_tag),
	offsetof(struct sip_leg, remote_target), offsetof(struct sip_leg, route),
	offsetof(struct sip_leg, user),          offsetof(struct sip_leg, number),
	offsetof(struct sip_leg, identity),      offsetof(struct sip_leg, session.sdp),
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static char **field_at(struct sip_leg *leg, size_t i)
{
	return (char **)((char *)leg + fields[i]);
}

/* Bytes in use without those of one that is to be replaced. */
static size_t live_bytes(struct sip_leg *leg, char *const *but)
{
	size_t bytes = 0;

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		char **field = field_at(leg, i);

		if (field != but && *field)
			bytes += strlen(*field) + 1;
	}
	return bytes;
}

/* From wherever the texts are. */
static void copy_to(struct sip_leg *leg, struct leg_texts texts, char *const *but)
{
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		char **field = field_at(leg, i);
		size_t len;

		if (field == but || !*field)
			continue;
		len = strlen(*field) + 1;
		*field = memcpy(texts.block + texts.used, *field, len);
		texts.used += (uint32_t)len;
	}
	leg->texts = texts;
}

/* The block before is the caller's to give back. */
static bool move(struct sip_leg *leg, char *const *but, size_t size)
{
	struct leg_texts texts = {.size = (uint32_t)pool_room(size)};

	texts.block = pool_take(leg_pool(leg->worker), texts.size);
	if (!texts.block)
		return false;
	copy_to(leg, texts, but);
	return true;
}

static size_t size_for(struct sip_leg *leg, char *const *field, size_t len)
{
	size_t size = live_bytes(leg, field) + len;

	return size <= TEXTS_START ? TEXTS_START : size + TEXTS_SPARE;
}

bool leg_set(struct sip_leg *leg, char **field, struct span value)
{
	const struct leg_texts before = leg->texts;
	bool is_full = before.size - before.used < value.len + 1;
	char *at;

	if (*field && span_eq(value, span_of(*field)))
		return true;
	if (is_full && !move(leg, field, size_for(leg, field, value.len + 1)))
		return false;
	at = leg->texts.block + leg->texts.used;
	leg->texts.used += (uint32_t)value.len + 1;
	if (value.len)
		memcpy(at, value.ptr, value.len);
	at[value.len] = '\0';
	*field = at;
	/* Not before: the value may stand in it. */
	if (is_full)
		pool_give(leg_pool(leg->worker), before.block, before.size);
	return true;
}

bool leg_text_from(struct sip_leg *leg, char **field, struct buf *text)
{
	return !text->failed && leg_set(leg, field, buf_span(text));
}

bool leg_route_from(struct sip_leg *leg, struct buf *text)
{
	if (text->failed || text->len)
		return leg_text_from(leg, &leg->route, text);
	leg->route = NULL;
	return true;
}

void leg_texts_pack(struct sip_leg *leg)
{
	const struct leg_texts before = leg->texts;
	size_t size = live_bytes(leg, NULL);

	if (pool_room(size) < before.size && move(leg, NULL, size))
		pool_give(leg_pool(leg->worker), before.block, before.size);
}

bool leg_texts_carry(struct sip_leg *copy)
{
	struct leg_texts texts = {.size = (uint32_t)live_bytes(copy, NULL)};

	texts.block = malloc(texts.size);
	if (texts.block)
		copy_to(copy, texts, NULL);
	return texts.block != NULL;
}

bool leg_texts_settle(struct sip_leg *leg, struct leg_texts *carried)
{
	if (!move(leg, NULL, carried->used))
		return false;
	free(carried->block);
	*carried = (struct leg_texts){0};
	return true;
}

void leg_texts_free(struct sip_leg *leg)
{
	pool_give(leg_pool(leg->worker), leg->texts.block, leg->texts.size);
	leg->texts = (struct leg_texts){0};
}

void buf_add_escaped_user(struct buf *out, const char *user)
{
	/* unreserved and user-unreserved of RFC 3261 25.1 */
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-_.!~*'()&=+$,;?/";

	for (;;) {
		size_t len = 0;

		/* Most are digits. */
		while ((user[len] >= '0' && user[len] <= '9') ||
		       (user[len] && strchr(allowed, user[len])))
			len++;
		buf_add(out, user, len);
		if (!user[len])
			return;
		buf_printf(out, "%%%02X", (unsigned char)user[len]);
		user += len + 1;
	}
}
