/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record of a call (CDR): what there is to know of it once it is over. cdr.def lists the
 * fields; struct, stored form, files, JSON and manual come from that table.
 *
 * A call that is answered is written twice: what is known at the answer (CDR_BEGIN), so that a
 * crash cannot lose the call, and at its end the rest (CDR_CLOSE). A call that is never answered is
 * written once (CDR_WHOLE). */
#pragma once

#include "shared/base/addr.h"
#include "shared/base/buf.h"

enum cdr_event { CDR_BEGIN, CDR_CLOSE, CDR_WHOLE };

/* Hang-up side (behaviour D1 field 7). */
enum cdr_side { CDR_BY_CALLER, CDR_BY_CALLEE, CDR_BY_SWITCH };

struct cdr {
#define NUMBER(member, when, column, help)     int64_t member;
#define TEXT(member, size, when, column, help) char member[size];
#define ADDRESS(member, when, column, help)    struct addr member;
#define TIME(member, when, column, help)       int64_t member;
#include "switchd/cdr/cdr.def"
#undef NUMBER
#undef TEXT
#undef ADDRESS
#undef TIME
	uint64_t answer_us; /* monotonic; with boot_ms, for a call that a crash has cut */
};

enum cdr_kind { CDR_NUMBER, CDR_TEXT, CDR_ADDRESS, CDR_TIME };

struct cdr_field {
	enum cdr_kind kind;
	bool is_close; /* known at the end only */
	uint16_t offset;
	uint16_t size;
	const char *column;
	const char *help;
};

extern const struct cdr_field cdr_fields[];
extern const size_t cdr_field_count;

#define CDR_BYTES_MAX 4096u /* of the stored form */

/* Appends the stored form: a table of binary fields, little endian; most are short. */
void cdr_encode(const struct cdr *cdr, struct buf *out);
/* False: not a record. Fields that it does not have are empty; those that this version does not
 * know are passed over. */
bool cdr_decode(struct span data, struct cdr *out);
/* The key alone. */
bool cdr_decode_key(struct span data, uint64_t *key);
/* What CDR_CLOSE brought, into what CDR_BEGIN had. */
void cdr_merge(struct cdr *begin, const struct cdr *close);
/* Talk in whole seconds: a remainder of at least precision_ms counts as one more; 0 always drops
 * it (behaviour A13). */
int64_t cdr_hold_s(int64_t talk_ms, int64_t precision_ms);
