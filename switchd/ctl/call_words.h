/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the configuration said of the media of a call's party: codecs and their form, fax, digits.
 */
#pragma once

#include "switchd/call/call.h"
#include "switchd/ctl/emit.h"

/* Nothing while nobody is called. */
void item_media_words(struct request *request, json_t *leg, const struct call_leg_info *info);
