/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a request has said and not sent yet: emit.h fills it. */
#pragma once

#include <jansson.h>

#include "switchd/ctl/schema.h"

struct emitter {
	const struct column *columns;
	const struct column *more; /* behind them, NULL = none */
	size_t own_count;          /* of columns */
	size_t column_count;       /* of both */
	size_t column_at;          /* next cell of the row */
	json_t *heading;           /* the columns, until the first row or the end is sent */
	json_t *row;
	json_t *rows;
	json_t *item;
};
