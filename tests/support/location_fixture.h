/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A location table with a keepalive list, and short ways to fill and drain it. */
#pragma once

#include "tests/support/test.h"

#include <stdio.h>

#include "switchd/nat/keepalive.h"
#include "switchd/sip/location.h"

#define NOW 1800000000000 /* wall ms */

struct fixture {
	struct location *location;
	struct keepalive *keepalive;
};

static inline int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(keepalive_create(&fixture->keepalive), VOS_OK);
	assert_int_equal(location_create(fixture->keepalive, &fixture->location), VOS_OK);
	*state = fixture;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *fixture = *state;

	location_destroy(fixture->location);
	keepalive_destroy(fixture->keepalive);
	free(fixture);
	return 0;
}

static inline struct location_update update_of(const char *user, const char *contact,
					       int64_t expires_ms)
{
	struct location_update update = {0};
	struct binding *binding = &update.binding;

	snprintf(binding->user, sizeof(binding->user), "%s", user);
	snprintf(binding->contact, sizeof(binding->contact), "%s", contact);
	snprintf(binding->user_agent, sizeof(binding->user_agent), "Softphone 1.2.3-45.6");
	assert_true(addr_parse(SPAN_LIT("198.51.100.7:5062"), &binding->source));
	assert_true(addr_parse(SPAN_LIT("192.0.2.1:5060"), &binding->local));
	binding->q_thousandths = 1000;
	binding->call_id_hash = 7;
	binding->cseq = 1;
	binding->registered_ms = NOW;
	binding->expires_ms = expires_ms;
	return update;
}

static inline enum location_result put(struct location *location, struct location_update update)
{
	return location_update(location, span_of(update.binding.user), &update, 1, NULL, NOW);
}

static inline size_t find(struct location *location, const char *user, struct binding *out)
{
	return location_find(location, span_of(user), NOW, out, LOCATION_CONTACTS_MAX);
}

struct drained {
	size_t users;
	size_t bindings;
	char last_user[LOCATION_USER_LEN];
	char last_contact[LOCATION_CONTACT_LEN];
	size_t last_count;
};

static inline void note_dirty(void *context, const char *user, const struct binding *bindings,
			      size_t count)
{
	struct drained *drained = context;

	drained->users++;
	drained->bindings += count;
	drained->last_count = count;
	snprintf(drained->last_user, sizeof(drained->last_user), "%s", user);
	drained->last_contact[0] = '\0';
	if (count)
		snprintf(drained->last_contact, sizeof(drained->last_contact), "%s",
			 bindings[0].contact);
}

static inline struct drained drain(struct location *location, size_t max)
{
	struct drained drained = {0};

	size_t taken = location_drain_dirty(location, max, note_dirty, &drained);

	assert_int_equal(taken, drained.users);
	return drained;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
