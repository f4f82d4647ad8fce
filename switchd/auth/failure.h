/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wrong passwords and suspensions as the configuration in force rules them: which addresses are
 * exempt, what is counted, who is at home where. */
#pragma once

#include "switchd/auth/credentials.h"
#include "switchd/auth/digest.h"

/* Trusted prefixes are never suspended, and nobody is while SS_AUTHENTICATION_MAX_RETRY is 0. */
bool auth_is_lockable(const struct conf *conf, const struct addr *source);
bool auth_source_is_suspended(const struct auth *auth, const struct conf *conf,
			      const struct addr *source, uint64_t now_us);
/* The user that the credentials name, at the source of the request. */
bool auth_user_is_suspended(struct auth *auth, const struct conf *conf,
			    const struct auth_request *request,
			    const struct credentials *credentials);
/* Counts it: AUTH_WRONG, AUTH_FORBIDDEN or AUTH_SUSPENDED. */
enum auth_result auth_failed(struct auth *auth, const struct conf *conf,
			     const struct auth_request *request,
			     const struct credentials *credentials);
/* The right password of that user. */
void auth_succeeded(struct auth *auth, const struct auth_request *request, const char *user);
