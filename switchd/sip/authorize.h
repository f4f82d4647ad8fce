/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Digest credentials of a request, for every handler that wants to know who sends it. */
#pragma once

#include "switchd/auth/digest.h"
#include "switchd/sip/worker.h"

/* The value of that Authorization or Proxy-Authorization line which auth_choose() takes (behaviour
 * A11: either header is good, whatever the challenge was); empty when there is none. */
struct span sip_credentials(const struct sip_msg *msg, const struct conf *conf);

/* auth_check_account() of the request, without an answer. from: its From, where that has been read;
 * or NULL. */
enum auth_result sip_authorize_account(struct sip_worker *worker, const struct sip_rx *rx,
				       const struct sip_name_addr *from,
				       struct auth_account *account);
/* The status of the following; 0: nothing is answered. */
int sip_unauthorized_status(const struct conf *conf, enum auth_result result);
/* The answer to anything but AUTH_OK, without a transaction: challenge, 400, 403 or, for a refused
 * source when SS_REPLY_UNAUTHORIZED is off, none. */
void sip_reply_unauthorized(struct sip_worker *worker, const struct sip_rx *rx,
			    enum auth_result result);
