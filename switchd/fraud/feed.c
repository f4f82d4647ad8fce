/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/fraud/feed.h"

#include <string.h>

enum vos_err feed_init(struct fraud_feed *feed, const atomic_bool *is_on,
		       const struct hash_key *hash_key)
{
	feed->is_on = is_on;
	feed->hash_key = hash_key;
	return ring_init(&feed->ring, FRAUD_RING_BYTES);
}

void feed_destroy(struct fraud_feed *feed)
{
	ring_destroy(&feed->ring);
}

/* As much as has room, with its NUL. */
static size_t put_text(char *out, const char *text)
{
	size_t len = strnlen(text, FRAUD_NAME_MAX - 1);

	memcpy(out, text, len);
	out[len] = '\0';
	return len + 1;
}

static bool push(struct fraud_feed *feed, const struct fraud_event *event, const char *text,
		 size_t len, atomic_uint_fast64_t *lost)
{
	if (ring_push(&feed->ring, event, sizeof(*event), text, len))
		return true;
	atomic_fetch_add_explicit(lost, 1, memory_order_relaxed);
	return false;
}

uint64_t fraud_feed_begins(struct fraud_feed *feed, const char *party, const char *caller,
			   const char *callee)
{
	struct fraud_event event = {.kind = FRAUD_BEGINS};
	char text[FRAUD_TEXT_MAX];
	size_t len;

	if (!feed || !atomic_load_explicit(feed->is_on, memory_order_relaxed))
		return 0;
	event.caller_key = hash_bytes(feed->hash_key, caller, strlen(caller));
	if (!event.caller_key)
		event.caller_key = 1;
	len = put_text(text, party);
	len += put_text(text + len, caller);
	len += put_text(text + len, callee);
	return push(feed, &event, text, len, &feed->lost_begins) ? event.caller_key : 0;
}

void fraud_feed_ends(struct fraud_feed *feed, uint64_t caller_key, int64_t talk_ms)
{
	const struct fraud_event event = {
		.kind = FRAUD_ENDS, .caller_key = caller_key, .talk_ms = talk_ms};

	if (feed && caller_key)
		push(feed, &event, "", 0, &feed->lost_ends);
}

bool feed_next(struct fraud_feed *feed, struct fraud_event *event, struct fraud_begin *begin,
	       char text[FRAUD_TEXT_MAX])
{
	char bytes[sizeof(*event) + FRAUD_TEXT_MAX];
	size_t len = ring_pop(&feed->ring, bytes, sizeof(bytes));

	if (len < sizeof(*event))
		return false;
	memcpy(event, bytes, sizeof(*event));
	if (event->kind != FRAUD_BEGINS)
		return true;
	memcpy(text, bytes + sizeof(*event), len - sizeof(*event));
	begin->party = text;
	begin->caller = begin->party + strlen(begin->party) + 1;
	begin->callee = begin->caller + strlen(begin->caller) + 1;
	begin->caller_key = event->caller_key;
	return true;
}
