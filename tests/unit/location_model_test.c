/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The location table against a plain array of bindings, under random operations and a set clock.
 *
 * The array knows a binding by user and contact number and does everything by looking at all of it;
 * the table gets each contact in one of several spellings. What storage was told is mirrored, too.
 */
#include "tests/support/location_fixture.h"

#define USERS    40u
#define CONTACTS 12u /* of a user; some share a host */
#define PLACES   4u
#define BINDINGS 2000u
#define STEPS    TEST_MANY(20000u)

struct entry {
	unsigned user;
	unsigned contact;
	unsigned source; /* of PLACES */
	uint16_t port;
	bool has_path;
	unsigned instance; /* 0 = none */
	uint16_t reg_id;
	uint64_t call_id;
	uint32_t cseq;
	uint16_t q;
	int64_t registered_ms;
	int64_t expires_ms;
	unsigned spelling;
};

struct model {
	struct entry entries[BINDINGS];
	size_t count;
	struct binding mirror[USERS][LOCATION_CONTACTS_MAX]; /* what storage has */
	size_t mirrored[USERS];
	unsigned seed;
	int64_t now_ms;
	uint32_t next_cseq;
};

static unsigned any(struct model *model, unsigned below)
{
	return (unsigned)rand_r(&model->seed) % below;
}

static void spell(const struct entry *entry, char out[LOCATION_CONTACT_LEN])
{
	static const char *const FORMS[] = {"sip:u%u@h%u.example:5060", "SIP:u%u@H%u.EXAMPLE:5060",
					    "sip:%%75%u@h%u.example:5060",
					    "sip:u%u@h%u.example:5060;x=1"};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(out, LOCATION_CONTACT_LEN, FORMS[entry->spelling], entry->contact,
		 entry->contact % 3);
#pragma GCC diagnostic pop
}

static struct addr address_of(const struct entry *entry)
{
	struct addr addr = {.family = ADDR_IP4, .port = entry->port, .ip = {203, 0, 113}};

	addr.ip[3] = (uint8_t)entry->source;
	return addr;
}

static struct binding binding_of(const struct entry *entry)
{
	struct binding binding = {.q_thousandths = entry->q,
				  .call_id_hash = entry->call_id,
				  .cseq = entry->cseq,
				  .registered_ms = entry->registered_ms,
				  .expires_ms = entry->expires_ms,
				  .is_nat = entry->source & 1,
				  .reg_id = entry->reg_id,
				  .source = address_of(entry)};

	snprintf(binding.user, sizeof(binding.user), "%u", entry->user);
	spell(entry, binding.contact);
	snprintf(binding.user_agent, sizeof(binding.user_agent), "agent %u", entry->spelling);
	if (entry->instance)
		snprintf(binding.instance, sizeof(binding.instance), "urn:%u", entry->instance);
	if (entry->has_path)
		snprintf(binding.path, sizeof(binding.path), "<sip:edge;lr>");
	return binding;
}

/* --- The naive table. --- */

static void model_remove(struct model *model, size_t i)
{
	model->entries[i] = model->entries[--model->count];
}

static void model_expire(struct model *model, int user)
{
	for (size_t i = model->count; i-- > 0;)
		if (model->entries[i].expires_ms <= model->now_ms &&
		    (user < 0 || model->entries[i].user == (unsigned)user))
			model_remove(model, i);
}

static bool same_place(const struct entry *a, const struct entry *b)
{
	if (a->has_path || b->has_path)
		return a->has_path && b->has_path && a->contact % 3 == b->contact % 3;
	return a->source == b->source;
}

static bool any_names(const struct entry *entry, const struct entry *wanted, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (wanted[k].contact == entry->contact)
			return true;
	return false;
}

static bool any_place(const struct entry *entry, const struct entry *wanted, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (same_place(entry, &wanted[k]))
			return true;
	return false;
}

static bool same_device(const struct entry *entry, const struct entry *wanted, size_t count)
{
	for (size_t k = 0; k < count; k++)
		if (entry->call_id == wanted[k].call_id ||
		    (entry->instance && entry->instance == wanted[k].instance))
			return true;
	return false;
}

/* Puts the places that are in the way in the order in which they give way, and marks those that
 * have to. False: refused. */
static bool model_rule(const struct model *model, const struct entry *wanted, size_t count,
		       const struct location_rule *rule, bool leaves[BINDINGS])
{
	bool counts[BINDINGS] = {false};
	bool gone[BINDINGS];
	bool adds = false;

	memcpy(gone, leaves, sizeof(gone));
	for (size_t k = 0; k < count; k++)
		adds = adds || wanted[k].expires_ms;
	for (;;) {
		size_t places = 0;
		size_t best = BINDINGS;
		bool best_own = false;
		int64_t best_ms = 0;

		for (size_t i = 0; i < model->count; i++) {
			const struct entry *entry = &model->entries[i];
			bool own = same_device(entry, wanted, count);

			counts[i] = entry->user == wanted->user && !gone[i] &&
				    !any_place(entry, wanted, count) &&
				    !((rule->replaces || own) && any_names(entry, wanted, count));
		}
		for (size_t i = 0; i < model->count; i++) {
			bool is_first = counts[i];
			bool own = counts[i];
			int64_t newest_ms = 0;

			for (size_t j = 0; j < model->count && counts[i]; j++) {
				if (!counts[j] ||
				    !same_place(&model->entries[i], &model->entries[j]))
					continue;
				is_first = is_first && j >= i;
				own = own && same_device(&model->entries[j], wanted, count);
				if (model->entries[j].registered_ms > newest_ms)
					newest_ms = model->entries[j].registered_ms;
			}
			if (!is_first)
				continue;
			places++;
			if (best == BINDINGS || (own && !best_own) ||
			    (own == best_own && newest_ms < best_ms)) {
				best = i;
				best_own = own;
				best_ms = newest_ms;
			}
		}
		if (places < rule->addresses)
			break;
		if (!rule->replaces && !best_own)
			return false;
		for (size_t j = 0; j < model->count; j++)
			if (counts[j] && same_place(&model->entries[best], &model->entries[j]))
				gone[j] = true;
	}
	if (adds)
		memcpy(leaves, gone, sizeof(gone));
	return true;
}

static enum location_result model_update(struct model *model, const struct entry *wanted,
					 size_t count, const struct location_rule *rule)
{
	bool leaves[BINDINGS] = {false};
	size_t total = 0;

	model_expire(model, (int)wanted->user);
	for (size_t i = 0; i < model->count; i++) {
		const struct entry *entry = &model->entries[i];

		for (size_t k = 0; k < count && entry->user == wanted->user; k++)
			if (entry->instance && wanted[k].expires_ms &&
			    entry->instance == wanted[k].instance &&
			    entry->reg_id == wanted[k].reg_id && !any_names(entry, wanted, count))
				leaves[i] = true;
	}
	if (!model_rule(model, wanted, count, rule, leaves))
		return LOCATION_ELSEWHERE;
	for (size_t i = 0; i < model->count; i++) {
		const struct entry *entry = &model->entries[i];
		bool named = entry->user == wanted->user && any_names(entry, wanted, count);

		if (entry->user == wanted->user && entry->call_id == wanted->call_id &&
		    ((leaves[i] && wanted->cseq <= entry->cseq) ||
		     (named && wanted->cseq < entry->cseq)))
			return LOCATION_STALE;
		total += entry->user == wanted->user && !leaves[i] && !named;
	}
	for (size_t k = 0; k < count; k++)
		total += wanted[k].expires_ms != 0;
	if (total > LOCATION_CONTACTS_MAX)
		return LOCATION_TOO_MANY;
	for (size_t i = model->count; i-- > 0;) {
		if (leaves[i]) {
			leaves[i] = leaves[model->count - 1];
			model_remove(model, i);
		}
	}
	for (size_t k = 0; k < count; k++) {
		size_t i = 0;

		while (i < model->count && (model->entries[i].user != wanted->user ||
					    model->entries[i].contact != wanted[k].contact))
			i++;
		if (i < model->count && model->entries[i].call_id == wanted[k].call_id &&
		    model->entries[i].cseq == wanted[k].cseq)
			continue;
		if (i < model->count)
			model_remove(model, i);
		if (wanted[k].expires_ms)
			model->entries[model->count++] = wanted[k];
	}
	return LOCATION_OK;
}

/* --- Both beside each other. --- */

static struct entry random_entry(struct model *model, unsigned user, bool has_path)
{
	struct entry entry = {.user = user,
			      .contact = any(model, CONTACTS),
			      .source = any(model, PLACES),
			      .port = (uint16_t)(1024 + any(model, 3)),
			      .has_path = has_path,
			      .instance = any(model, 3) ? 0 : 1 + any(model, 2),
			      .call_id = 1 + any(model, 4),
			      .cseq = model->next_cseq,
			      .q = (uint16_t)(100 * any(model, 11)),
			      .registered_ms = model->now_ms,
			      .spelling = any(model, 4)};

	if (entry.instance)
		entry.reg_id = (uint16_t)any(model, 3);
	if (any(model, 4))
		entry.expires_ms = model->now_ms + 1000 + (int64_t)any(model, 700000);
	return entry;
}

static void step_update(struct model *model, struct location *location)
{
	struct location_rule rule = {.addresses = (uint8_t)any(model, 4),
				     .replaces = any(model, 2)};
	struct location_update updates[4];
	struct entry wanted[4];
	bool has_path = any(model, 5) == 0;
	size_t count = 1;
	char user[16];

	/* No two at a time: which of two equally old places gives way is nobody's business. */
	model->now_ms += 4;
	/* Mostly in order, at times late or again. */
	model->next_cseq += any(model, 8) ? 1 : 0;
	wanted[0] = random_entry(model, any(model, USERS), has_path);
	if (any(model, 16) == 0)
		wanted[0].cseq -= any(model, 200) < wanted[0].cseq ? any(model, 200) : 0;
	for (; count < 4 && any(model, 3) == 0; count++) {
		wanted[count] = random_entry(model, wanted[0].user, has_path);
		/* What a request has in common. */
		wanted[count].source = wanted[0].source;
		wanted[count].port = wanted[0].port;
		wanted[count].call_id = wanted[0].call_id;
		wanted[count].cseq = wanted[0].cseq;
		wanted[count].registered_ms -= (int64_t)count;
		if (any_names(&wanted[count], wanted, count))
			break;
	}
	for (size_t k = 0; k < count; k++)
		updates[k].binding = binding_of(&wanted[k]);
	snprintf(user, sizeof(user), "%u", wanted[0].user);
	if (!rule.addresses)
		rule.addresses = UINT8_MAX;
	assert_int_equal(
		location_update(location, span_of(user), updates, count,
				rule.addresses == UINT8_MAX && any(model, 2) ? NULL : &rule,
				model->now_ms),
		model_update(model, wanted, count, &rule));
}

static void step_clear(struct model *model, struct location *location)
{
	unsigned user = any(model, USERS);
	size_t cleared = 0;
	char name[16];

	/* Those that the wheel has not met yet are cleared, too, but nobody knows how many. */
	model_expire(model, (int)user);
	for (size_t i = model->count; i-- > 0;) {
		if (model->entries[i].user == user) {
			model_remove(model, i);
			cleared++;
		}
	}
	snprintf(name, sizeof(name), "%u", user);
	assert_true(location_clear(location, span_of(name)) >= cleared);
}

/* Time goes on; slices of any size, and not always all of them. */
static void step_expire(struct model *model, struct location *location)
{
	size_t expired = 0;

	model->now_ms += any(model, 10) ? any(model, 5000) : any(model, 400000);
	for (unsigned i = any(model, 50); i > 0; i--)
		if (!location_expire_slice(location, model->now_ms, 1 + any(model, 9), &expired))
			break;
}

static void mirror_user(void *context, const char *user, const struct binding *bindings,
			size_t count)
{
	struct model *model = context;
	unsigned number = (unsigned)strtoul(user, NULL, 10);

	assert_true(number < USERS && count <= LOCATION_CONTACTS_MAX);
	memcpy(model->mirror[number], bindings, count * sizeof(*bindings));
	model->mirrored[number] = count;
}

static const struct entry *entry_of(const struct model *model, unsigned user, const char *contact)
{
	char text[LOCATION_CONTACT_LEN];

	for (size_t i = 0; i < model->count; i++) {
		spell(&model->entries[i], text);
		if (model->entries[i].user == user && strcmp(text, contact) == 0)
			return &model->entries[i];
	}
	return NULL;
}

static void assert_binding(const struct model *model, unsigned user, const struct binding *got)
{
	const struct entry *entry = entry_of(model, user, got->contact);
	struct binding want;

	assert_non_null(entry);
	want = binding_of(entry);
	assert_string_equal(got->user, want.user);
	assert_string_equal(got->user_agent, want.user_agent);
	assert_string_equal(got->path, want.path);
	assert_string_equal(got->instance, want.instance);
	assert_int_equal(got->reg_id, want.reg_id);
	assert_true(addr_eq(&got->source, &want.source));
	assert_int_equal(got->is_nat, want.is_nat);
	assert_int_equal(got->q_thousandths, want.q_thousandths);
	assert_int_equal(got->call_id_hash, want.call_id_hash);
	assert_int_equal(got->cseq, want.cseq);
	assert_int_equal(got->registered_ms, want.registered_ms);
	assert_int_equal(got->expires_ms, want.expires_ms);
}

static void check_user(const struct model *model, struct location *location, unsigned user)
{
	struct binding out[LOCATION_CONTACTS_MAX];
	size_t expected = 0;
	size_t count;
	char name[16];

	snprintf(name, sizeof(name), "%u", user);
	count = location_find(location, span_of(name), model->now_ms, out, LOCATION_CONTACTS_MAX);
	for (size_t i = 0; i < model->count; i++)
		expected += model->entries[i].user == user &&
			    model->entries[i].expires_ms > model->now_ms;
	assert_int_equal(count, expected);
	for (size_t i = 0; i < count; i++) {
		assert_binding(model, user, &out[i]);
		if (i > 0)
			assert_true(out[i - 1].q_thousandths > out[i].q_thousandths ||
				    (out[i - 1].q_thousandths == out[i].q_thousandths &&
				     out[i - 1].registered_ms >= out[i].registered_ms));
	}
}

/* Everything that can be asked, once all that is due has gone. */
static void check_all(struct model *model, struct location *location, struct keepalive *keepalive)
{
	struct entry source = {.port = 9};
	size_t nat = 0;

	/* The wheel turns by whole seconds. */
	model->now_ms = (model->now_ms / 1000 + 1) * 1000;
	location_expire(location, model->now_ms);
	model_expire(model, -1);
	assert_int_equal(location_count(location), model->count);
	for (size_t i = 0; i < model->count; i++)
		nat += model->entries[i].source & 1;
	assert_int_equal(location_nat_count(location), nat);
	for (source.source = 0; source.source < PLACES; source.source++) {
		struct addr addr = address_of(&source);
		bool is_there = false;

		for (size_t i = 0; i < model->count; i++)
			is_there = is_there || model->entries[i].source == source.source;
		assert_int_equal(location_source_is_registered(location, &addr), is_there);
	}
	while (location_drain_dirty(location, 7, mirror_user, model))
		;
	for (unsigned user = 0; user < USERS; user++) {
		size_t mine = 0;

		check_user(model, location, user);
		for (size_t i = 0; i < model->count; i++)
			mine += model->entries[i].user == user;
		assert_int_equal(model->mirrored[user], mine);
		for (size_t i = 0; i < mine; i++) {
			struct keepalive_view view;
			struct binding *binding = &model->mirror[user][i];

			assert_binding(model, user, binding);
			assert_int_equal(binding->keepalive_id != 0, binding->is_nat);
			if (binding->is_nat)
				assert_true(
					keepalive_view(keepalive, binding->keepalive_id, &view));
		}
	}
}

static void run_seed(struct fixture *fixture, unsigned seed)
{
	static struct model model;

	memset(&model, 0, sizeof(model));
	model.seed = seed;
	model.now_ms = NOW;
	model.next_cseq = 1000;
	location_expire(fixture->location, NOW);
	for (unsigned i = 0; i < STEPS; i++) {
		unsigned choice = any(&model, 100);

		if (choice < 80)
			step_update(&model, fixture->location);
		else if (choice < 82)
			step_clear(&model, fixture->location);
		else if (choice < 95)
			step_expire(&model, fixture->location);
		else if (choice < 99)
			check_user(&model, fixture->location, any(&model, USERS));
		else
			check_all(&model, fixture->location, fixture->keepalive);
	}
	check_all(&model, fixture->location, fixture->keepalive);
	/* All of it goes in the end. */
	model.now_ms += 1000000;
	check_all(&model, fixture->location, fixture->keepalive);
	assert_int_equal(location_count(fixture->location), 0);
}

static void random_operations_1(void **state)
{
	run_seed(*state, 1);
}

static void random_operations_2(void **state)
{
	run_seed(*state, 20261121);
}

TEST_MAIN(TEST(random_operations_1), TEST(random_operations_2))
