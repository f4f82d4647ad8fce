/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/auth/failure.h"

#include <stdio.h>

#include "switchd/auth/auth_private.h"
#include "switchd/auth/source.h"
#include "switchd/sip/location.h"

/* Of a name that no phone can have: longer than any, or the mark of all strangers. */
#define OTHER_USER "(other)"

static uint32_t max_retry_of(const struct conf *conf, const struct addr *source)
{
	uint32_t max_retry =
		(uint32_t)snapshot_number(conf->snapshot, PARAM_SS_AUTHENTICATION_MAX_RETRY);

	return max_retry && conf_is_trusted(conf, source) ? 0 : max_retry;
}

bool auth_is_lockable(const struct conf *conf, const struct addr *source)
{
	return max_retry_of(conf, source) > 0;
}

bool auth_source_is_suspended(const struct auth *auth, const struct conf *conf,
			      const struct addr *source, uint64_t now_us)
{
	return lockout_is_suspended(auth->lockout, source, now_us) &&
	       auth_is_lockable(conf, source);
}

/* Without its escapes, or one name would have many. */
static void claimed_user(const struct credentials *credentials, char user[SUSPENSION_USER_MAX])
{
	if (!credentials_unquote(credentials->username, user, SUSPENSION_USER_MAX) || !*user ||
	    strcmp(user, STRANGERS_USER) == 0)
		snprintf(user, SUSPENSION_USER_MAX, "%s", OTHER_USER);
}

struct home_question {
	struct location *location;
	const struct addr *source;
	const char *user;
};

/* Whether the user has a live binding that came from the source. */
static bool is_own(void *context)
{
	const struct home_question *question = context;
	struct binding bindings[LOCATION_CONTACTS_MAX];
	struct addr home = source_of(question->source);
	size_t count;

	if (!question->location)
		return false;
	count = location_find(question->location, span_of(question->user),
			      location_now_ms(question->location), bindings, LOCATION_CONTACTS_MAX);
	for (size_t i = 0; i < count; i++) {
		struct addr other = source_of(&bindings[i].source);

		if (addr_ip_eq(&home, &other))
			return true;
	}
	return false;
}

bool auth_user_is_suspended(struct auth *auth, const struct conf *conf,
			    const struct auth_request *request,
			    const struct credentials *credentials)
{
	char user[SUSPENSION_USER_MAX];
	struct home_question question = {auth->location, &request->source, user};

	if (!lockout_has_suspensions(auth->lockout))
		return false;
	claimed_user(credentials, user);
	return lockout_user_is_suspended(auth->lockout, &request->source, user, request->now_us,
					 is_own, &question) &&
	       auth_is_lockable(conf, &request->source);
}

enum auth_result auth_failed(struct auth *auth, const struct conf *conf,
			     const struct auth_request *request,
			     const struct credentials *credentials)
{
	const struct snapshot *config = conf->snapshot;
	char user[SUSPENSION_USER_MAX];
	struct home_question question = {auth->location, &request->source, user};
	struct lockout_rules rules = {
		.max_retry = max_retry_of(conf, &request->source),
		.suspend_s =
			(uint32_t)snapshot_number(config, PARAM_SS_AUTHENTICATION_FAILED_SUSPEND),
		.call_retry = (uint32_t)snapshot_number(config, PARAM_SS_SIP_AUTHENTICATION_RETRY),
		.by_user = snapshot_number(config, PARAM_SS_AUTHENTICATION_LOCK_KEY) ==
			   WORD_LOCK_KEY_ADDRESS_USER,
	};
	struct lockout_failure failure = {
		.source = request->source,
		.user = user,
		.call_id = request->call_id,
		.is_home = auth->location &&
			   location_source_is_registered(auth->location, &request->source),
	};

	claimed_user(credentials, user);
	failure.is_own = failure.is_home && is_own(&question);
	switch (lockout_fail(auth->lockout, &rules, &failure, request->now_us)) {
	case LOCKOUT_SUSPENDED:
		return AUTH_SUSPENDED;
	case LOCKOUT_CALL_SPENT:
		return AUTH_FORBIDDEN;
	case LOCKOUT_COUNTED:
		break;
	}
	return AUTH_WRONG;
}

void auth_succeeded(struct auth *auth, const struct auth_request *request, const char *user)
{
	lockout_succeed(auth->lockout, &request->source, user, request->call_id);
}
