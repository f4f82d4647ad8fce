/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One typed value of a parameter or of an object's field: parse, print, compare, check.
 *
 * The same types serve parameters (params.def) and fields (objects.def). Text forms are those the
 * shell takes and running-config prints; value_print(value_parse(x)) is canonical. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/addr.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/span.h"

enum value_type {
	VALUE_NONE = 0, /* unset */
	VALUE_BOOL,     /* on | off (also On, Off, yes, no, true, false, 1, 0) */
	VALUE_INT,      /* whole number with a unit in its spec */
	VALUE_DURATION, /* whole number of the spec's unit (s or ms) */
	VALUE_ENUM,     /* a word of the spec's list; number = its index */
	VALUE_STRING,
	VALUE_SECRET,        /* plain or sealed text; never printed in clear */
	VALUE_PORT_RANGE,    /* low,high (low-high accepted) */
	VALUE_INTERVAL_LIST, /* positive decimals in seconds, up to VALUE_INTERVALS_MAX */
	VALUE_TOS,           /* 0x00..0xff, low two bits masked off */
	VALUE_DEFAULT_MAX,   /* default/max, or one integer for both */
	VALUE_ADDRESS,       /* ip[:port] */
	VALUE_PREFIX,        /* ip or ip/bits */
};

#define VALUE_INTERVALS_MAX 20

struct value {
	enum value_type type;
	union {
		bool boolean;
		int64_t number; /* INT, DURATION, ENUM index, TOS */
		char *text;     /* STRING, SECRET (sealed text form); owned */
		struct {
			uint16_t low;
			uint16_t high;
		} ports;
		struct {
			uint32_t ms[VALUE_INTERVALS_MAX];
			uint8_t count;
		} intervals;
		struct {
			int32_t standard; /* granted when nothing was asked */
			int32_t max;
		} expire;
		struct addr address;
		struct prefix prefix;
	};
};

/* Whether an address carries a port. */
enum value_port { VALUE_PORT_OPTIONAL, VALUE_PORT_REQUIRED, VALUE_PORT_NONE };

/* What a value may be. Ranges are inclusive. Filled by the rows of the .def tables. */
struct value_spec {
	enum value_type type;
	int64_t min; /* numbers, ports, parts; text: least bytes; list: least count */
	int64_t max;
	const char *unit; /* "s", "ms", "" */
	/* INT, DURATION: a word for one number outside the range, "none" or "auto" or "0" for off.
	 * The number itself is taken as input only when the word is that number. */
	const char *none_word;    /* NULL: there is none */
	const char *none_aliases; /* "alias1|alias2" or NULL */
	int64_t none_number;
	enum value_port port;     /* ADDRESS */
	const char *const *words; /* ENUM: canonical words, NULL-terminated */
	/* ENUM: for each word "alias1|alias2" or NULL; may be NULL. */
	const char *const *word_aliases;
	const char *extra; /* a rule beyond the range, as text for people; may be NULL */
	bool (*check)(const struct value *value); /* that rule; may be NULL */
	/* STRING: writes the canonical spelling, false when the text breaks the rule; or NULL. */
	bool (*canonical)(struct span text, struct buf *out);
};

/* Parses text as the spec says. The fault names the allowed range and, through `label`, what was
 * wrong: "nat-keep-alive-period: 5 s is below the minimum; allowed 10..86400 s". Column and
 * path are left to the caller. A SECRET is taken as it stands, plain or sealed, and never quoted in
 * a fault; sealing is the caller's business. *out is owned: value_clear(). VOS_EINVAL or
 * VOS_ENOMEM. */
VOS_CHECK enum vos_err value_parse(const struct value_spec *spec, const char *label,
				   struct span text, struct value *out, struct vos_fault *fault);
/* Canonical text, unquoted. A SECRET prints its sealed text ("v1:..."), or "<redacted>" while it is
 * still plain. VALUE_NONE prints nothing. */
void value_print(const struct value_spec *spec, const struct value *value, struct buf *out);
/* "<10..86400 s>", "{auto|<20..7200 s>}", "{off|on}", "<text 0..64>": the ? column. */
void value_print_type(const struct value_spec *spec, struct buf *out);
bool value_equal(const struct value *a, const struct value *b);
VOS_CHECK enum vos_err value_copy(const struct value *from, struct value *to);
/* Frees and wipes owned text; the type becomes VALUE_NONE. */
void value_clear(struct value *value);

/* Word of an ENUM value; "" when the number is outside the list. */
const char *value_word(const struct value_spec *spec, const struct value *value);
/* True when the text has the sealed form of shared/base/secret.h. */
bool value_text_is_sealed(struct span text);
/* A source of calls: "ip" (any port), "ip:port" or "ip/bits". *port is 0 for any. */
bool source_parse(struct span text, struct prefix *out, uint16_t *port);
/* Beginnings of two numbers, "caller:callee"; an empty one is any. */
bool number_pair_parse(struct span text, struct span *caller, struct span *callee);
