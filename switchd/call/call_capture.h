/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls whose media is kept for capture files (media/capture.h): those that a trace-media object
 * chooses when they are set up, and those that an operator names while they are up. */
#pragma once

#include "switchd/call/call_hunt.h"

/* An attempt at that party is about to be made, its media relayed or not. */
void call_capture_choose(struct call *call, const char *party, bool is_relayed);
