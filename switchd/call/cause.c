/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/call/cause.h"

#include <stdio.h>

struct cause_row {
	int number;
	const char *name;
	int status;
	int q850;
	const char *text;
};

static const struct cause_row rows[CAUSE_COUNT] = {
#define CAUSE(id, number, name, status, q850, text) \
	[CAUSE_##id] = {number, name, status, q850, text},
#include "switchd/call/cause.def"
#undef CAUSE
};

/* SIP status to Q.850: RFC 3398 section 8.2.6.1, which leaves 487, 488 and 606 to us. What is not
 * here is 31. */
static const struct {
	int status;
	int q850;
} received_q850[] = {
	{400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63}, {406, 79},
	{407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127},
	{420, 127}, {421, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},
	{484, 28},  {485, 1},   {486, 17},  {487, 16},  {488, 65},  {500, 41}, {501, 79},
	{502, 38},  {503, 41},  {504, 102}, {505, 127}, {513, 127}, {600, 17}, {603, 21},
	{604, 1},   {606, 65},
};

int cause_number(struct cause cause)
{
	return cause.received ? cause.received : rows[cause.id].number;
}

bool cause_from_number(int64_t number, struct cause *out)
{
	*out = number > 0 ? cause_received((int)number) : cause_of(CAUSE_NORMAL);
	for (int id = 0; number < 0 && id < CAUSE_COUNT; id++)
		if (rows[id].number == number)
			*out = cause_of((enum cause_id)id);
	return number >= 0 || out->id != CAUSE_NORMAL;
}

int cause_status(struct cause cause)
{
	int status = cause.received;

	if (status == 0)
		return rows[cause.id].status ? rows[cause.id].status : 500;
	/* What concerns only the switch and its peer is not the caller's business. */
	if (status < 400 || status == 401 || status == 407 || status == 422 || status == 481 ||
	    status == 487)
		return 480;
	return status;
}

/* Smaller is better: 6xx speaks for the whole party; then what the caller can mend; then that it
 * rang, which is more than that one contact is busy; then the other classes in rising order. */
static int rank(struct cause cause)
{
	int status = cause_status(cause);

	if (cause.received >= 600)
		return 0;
	if (status == 415 || status == 420 || status == 484 || status == 488)
		return 1;
	if (cause.received == 0 && cause.id == CAUSE_NO_ANSWER)
		return 2;
	if (status == 486)
		return 3;
	/* A contact that is not there says nothing of the others. */
	if (status == 408 || status == 480 || status == 404 || status == 410)
		return 5;
	if (status < 500)
		return 4;
	return status == 503 ? 7 : 6;
}

bool cause_is_better(struct cause cause, struct cause than)
{
	return rank(cause) < rank(than);
}

int cause_q850(struct cause cause)
{
	if (cause.received == 0)
		return rows[cause.id].q850;
	for (size_t i = 0; i < sizeof(received_q850) / sizeof(received_q850[0]); i++)
		if (received_q850[i].status == cause.received)
			return received_q850[i].q850;
	return 31;
}

void cause_name(struct cause cause, char *out, size_t size)
{
	if (cause.received)
		snprintf(out, size, "%d", cause.received);
	else
		span_join(span_of(rows[cause.id].name), SPAN_NONE, out, size);
}

const char *cause_text(struct cause cause)
{
	return cause.received ? "refused by the called side" : rows[cause.id].text;
}
