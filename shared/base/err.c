/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shared/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *vos_strerror(enum vos_err err)
{
	switch (err) {
	case VOS_OK:
		return "success";
	case VOS_ENOMEM:
		return "out of memory";
	case VOS_EINVAL:
		return "invalid argument";
	case VOS_ENOENT:
		return "not found";
	case VOS_EEXIST:
		return "already exists";
	case VOS_EFULL:
		return "no room left";
	case VOS_EIO:
		return "input/output error";
	case VOS_EAGAIN:
		return "try again";
	case VOS_EPERM:
		return "not permitted";
	case VOS_ECORRUPT:
		return "stored data is damaged";
	case VOS_EINUSE:
		return "already in use";
	case VOS_ENOSPC:
		return "no space left on device";
	case VOS_ECLOSED:
		return "closed";
	}
	return "unknown error";
}

static const char *const code_names[FAULT_CODE_COUNT] = {
	[FAULT_NONE] = "none",
	[FAULT_SYNTAX_UNKNOWN_WORD] = "syntax.unknown-word",
	[FAULT_SYNTAX_AMBIGUOUS] = "syntax.ambiguous",
	[FAULT_SYNTAX_INCOMPLETE] = "syntax.incomplete",
	[FAULT_VALUE_RANGE] = "value.range",
	[FAULT_VALUE_FORMAT] = "value.format",
	[FAULT_REF_MISSING] = "ref.missing",
	[FAULT_REF_IN_USE] = "ref.in-use",
	[FAULT_CONFLICT_GENERATION] = "conflict.generation",
	[FAULT_STATE_PENDING_CONFIRM] = "state.pending-confirm",
	[FAULT_AUTH_ROLE] = "auth.role",
	[FAULT_NOT_FOUND] = "not-found",
	[FAULT_CONN_LOST] = "conn.lost",
	[FAULT_VERSION_SKEW] = "version.skew",
	[FAULT_STATE] = "state",
	[FAULT_INTERNAL] = "internal",
};

const char *fault_code_name(enum fault_code code)
{
	return code >= 0 && code < FAULT_CODE_COUNT ? code_names[code] : "internal";
}

enum fault_code fault_code_from_name(const char *name)
{
	for (int i = 0; i < FAULT_CODE_COUNT; i++)
		if (strcmp(code_names[i], name) == 0)
			return (enum fault_code)i;
	return FAULT_INTERNAL;
}

void fault_set(struct vos_fault *fault, enum fault_code code, int column, const char *format, ...)
{
	va_list args;

	if (!fault)
		return;
	fault->code = code;
	fault->column = column;
	va_start(args, format);
	vsnprintf(fault->text, sizeof(fault->text), format, args);
	va_end(args);
}
