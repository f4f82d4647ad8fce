/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Error codes of internal functions, and the fault record that travels to a user.
 *
 * A function returns enum vos_err or a value, never both meanings; out-parameters stay untouched on
 * failure. What a person is to read is a struct vos_fault: a stable code and one sentence that says
 * what, where, and what is allowed. */
#pragma once

#include <stddef.h>

#define VOS_CHECK        __attribute__((warn_unused_result))
#define VOS_PRINTF(f, a) __attribute__((format(printf, f, a)))

enum vos_err {
	VOS_OK = 0,
	VOS_ENOMEM = -1,
	VOS_EINVAL = -2,
	VOS_ENOENT = -3,
	VOS_EEXIST = -4,
	VOS_EFULL = -5, /* a bounded table, queue or pool has no room */
	VOS_EIO = -6,
	VOS_EAGAIN = -7,
	VOS_EPERM = -8,
	VOS_ECORRUPT = -9, /* stored data fails its check */
	VOS_EINUSE = -10,  /* address, port or state folder is taken */
	VOS_ENOSPC = -11,
	VOS_ECLOSED = -12,
};

const char *vos_strerror(enum vos_err err);

/* Stable codes, the JSON words of which are in fault_code_name(). */
enum fault_code {
	FAULT_NONE = 0,
	FAULT_SYNTAX_UNKNOWN_WORD,   /* syntax.unknown-word */
	FAULT_SYNTAX_AMBIGUOUS,      /* syntax.ambiguous */
	FAULT_SYNTAX_INCOMPLETE,     /* syntax.incomplete */
	FAULT_VALUE_RANGE,           /* value.range */
	FAULT_VALUE_FORMAT,          /* value.format */
	FAULT_REF_MISSING,           /* ref.missing */
	FAULT_REF_IN_USE,            /* ref.in-use */
	FAULT_CONFLICT_GENERATION,   /* conflict.generation */
	FAULT_STATE_PENDING_CONFIRM, /* state.pending-confirm */
	FAULT_AUTH_ROLE,             /* auth.role */
	FAULT_NOT_FOUND,             /* not-found */
	FAULT_CONN_LOST,             /* conn.lost */
	FAULT_VERSION_SKEW,          /* version.skew */
	FAULT_STATE,                 /* state: refused in the present state */
	FAULT_INTERNAL,              /* internal */
	FAULT_CODE_COUNT
};

#define FAULT_PATH_MAX 160
#define FAULT_TEXT_MAX 480

struct vos_fault {
	enum fault_code code;
	int line;                  /* 1-based line of a file, 0 when there is none */
	int column;                /* 1-based column of the offending word, 0 when there is none */
	char path[FAULT_PATH_MAX]; /* configuration path or object, may be empty */
	char text[FAULT_TEXT_MAX]; /* lower-case sentence without the leading "% " */
};

const char *fault_code_name(enum fault_code code);
/* Code of a JSON word; FAULT_INTERNAL when unknown. */
enum fault_code fault_code_from_name(const char *name);

/* Fills the fault (line and path are kept as they are). NULL fault is allowed and does nothing. */
void fault_set(struct vos_fault *fault, enum fault_code code, int column, const char *format, ...)
	VOS_PRINTF(4, 5);
