/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this folder share. */
#pragma once

#include "switchd/auth/blacklist.h"
#include "switchd/auth/digest.h"
#include "switchd/auth/lockout.h"
#include "switchd/auth/nonce.h"

struct auth {
	struct nonces *nonces;
	struct lockout *lockout;
	struct blacklist *blacklist;
	struct conf_ha1 dummy_ha1; /* of users that do not exist; no password leads to it */
	struct location *location; /* may be NULL */
};
