/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in the state folder.
 *
 *   DIR/lock            flock(2) by the switchd that uses the folder; its pid inside
 *   DIR/host.key        32 random bytes: seals secrets, keys the check sums (mode 0600)
 *   DIR/running         there while switchd is, and after a crash (store_alarms.c)
 *   DIR/candidates/     what somebody has typed and not committed: see journal.h
 *   DIR/config/         LMDB, fully synced: configuration and its generations
 *   DIR/bindings/       LMDB, MDB_NOMETASYNC: where phones registered from
 *
 * Both environments use the unnamed database only. Keys are text; the letter in front says what
 * follows:
 *
 *   m/generation                  the number of the latest generation
 *   m/confirm                     what takes it back unless it is confirmed; may be missing
 *   p/<SS_NAME>                   a parameter that is not at its default
 *   o/<kind>/<key>                an object with its fields; a singleton's key is empty
 *   g/<generation, 16 hex>        one of the last 50 generations
 *   b/<user>                      (in bindings/) all bindings of a user
 *   s/<address>[ <user>]          (in bindings/) a suspension
 *   l/<side> <number>             (in bindings/) an entry of the dynamic black list
 *   t/<pool>                      (in bindings/) turns that were taken of a number pool
 *   e/<id, 8 hex>                 (in bindings/) an alarm, active or ended
 *   a/<kind>/<key>                (in bindings/) a word about an object beside its configuration
 *
 * A record is: format byte (1), check sum (16 bytes), payload. The check sum is BLAKE2b under a key
 * derived from host.key, over the record's key, the format byte and the payload, so that a record
 * can be neither altered nor put in another's place unseen. Payloads are lines of words set apart
 * by tabs; backslash, tab and line end inside a word are written \\ \t \n. Values stand in their
 * canonical text form. Words are those of the catalogue, so that a record means the same to every
 * version that knows them.
 *
 * Example, payloads only:
 *
 *   g/0000000000000001   time     1795219142000
 *                        author   alice
 *                        comment  first phones
 *                        count    3                         changes, not lines
 *                        do       create phone 1001
 *                        do       set phone 1001 name  Front desk
 *                        do       param SS_SIP_SESSION_TTL 600
 *                        undo     delete phone 1001
 *                        undo     no-param SS_SIP_SESSION_TTL
 *   m/confirm            generation  1
 *                        until       1795219442000
 *                        period      300000
 *                        author      alice
 *   m/generation         1
 *   o/phone/1001         name     Front desk
 *   p/SS_SIP_SESSION_TTL 600
 *   s/192.0.2.1 1001     <failures> <since ms> <until ms>
 *   l/caller 5551        <type> <calls> <since ms> <until ms>
 *   a/routing-gateway/carrier-a   draining
 *   t/callers    <turns>
 *   e/0000002a   <kind> <level> <subject> <text> <raised ms> <cleared ms> <acknowledged ms> <by>
 *                <comment>
 *   b/1001               <contact> <user agent> <source> <local> <socket> <nat> <q> <call-id hash>
 * <cseq> <registered ms> <expires ms>, one line a binding; then, unless all of them are as with
 * most phones, <transport> <instance> <reg-id> <path>. A gateway that registers is b/@<name>. */
#pragma once

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/config/change.h"

#define STORE_FORMAT        1
#define STORE_SUM_BYTES     16
#define STORE_SUM_KEY_BYTES 32
#define STORE_HEAD_BYTES    (1 + STORE_SUM_BYTES)
#define STORE_KEY_MAX       511 /* of LMDB */
#define STORE_GENERATIONS   50

struct sum_key {
	uint8_t bytes[STORE_SUM_KEY_BYTES];
};

struct secret_key;
void sum_key_derive(const struct secret_key *host, struct sum_key *out);

/* Starts a record: reserves its head in an empty buffer. Append the payload, then record_seal(). */
void record_begin(struct buf *record);
void record_seal(struct buf *record, const struct sum_key *sum_key, struct span key);
/* The payload of a stored record. VOS_ECORRUPT: too short or the check sum differs; VOS_EINVAL: of
 * a format that this version does not know. */
VOS_CHECK enum vos_err record_open(struct span record, const struct sum_key *sum_key,
				   struct span key, struct span *payload);

/* Words and lines of a payload. */
void record_add_word(struct buf *record, struct span word);
/* Takes the next line off; false at the end. */
bool record_next_line(struct span *payload, struct span *line);
/* Takes the next word off a line, unescaped, into `out` (reset before); false at the end of the
 * line. */
bool record_next_word(struct span *line, struct buf *out);
/* The same of a word that is a number of at most max. */
bool record_next_number(struct span *line, struct buf *word, uint64_t max, uint64_t *out);

/* Keys into a buffer (reset before). VOS_EINVAL when longer than LMDB takes. */
VOS_CHECK enum vos_err key_of_param(enum param_id id, struct buf *out);
VOS_CHECK enum vos_err key_of_object(enum object_kind kind, const char *key, struct buf *out);
void key_of_generation(uint64_t generation, struct buf *out);
VOS_CHECK enum vos_err key_of_user(const char *user, struct buf *out);
VOS_CHECK enum vos_err key_of_mark(enum object_kind kind, const char *key, struct buf *out);

/* -1 when there is none; "" is the switch itself. */
int record_find_kind(struct span keyword);
/* A value as payload text, unescaped, and back. A secret is its sealed text as it stands. */
void record_print_value(const struct value_spec *spec, const struct value *value, struct buf *out);
VOS_CHECK enum vos_err record_parse_value(const struct value_spec *spec, const char *label,
					  struct span text, struct value *out,
					  struct vos_fault *fault);
/* One change as words, without the line's end, and back. VOS_EINVAL: a word that this version does
 * not know. */
void record_add_change(struct buf *record, const struct change *change);
VOS_CHECK enum vos_err record_parse_change(struct span line, struct change *out);
