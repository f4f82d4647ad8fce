/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the shell and batch share about `watch`. */
#pragma once

#include "shared/grammar/grammar.h"

/* Matches the line that watch is to repeat; false with the fault when it is no show command. */
bool watch_match(const struct grammar *grammar, const struct mode *mode, const char *line,
		 struct match *out, struct vos_fault *fault);
