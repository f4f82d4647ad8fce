/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nonces: signature, age, and the memory of used ones. */
#include "tests/support/test.h"

#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>

#include "switchd/auth/nonce.h"

#define NOW    (5000u * (uint64_t)1000000u)
#define LIFE_S 10u

/* 192.0.2.9:5060, where nonces go unless a test says otherwise. */
static const struct addr HOME = {.family = ADDR_IP4, .port = 5060, .ip = {192, 0, 2, 9}};

static int setup(void **state)
{
	return nonces_create((struct nonces **)state);
}

static int teardown(void **state)
{
	nonces_destroy(*state);
	return 0;
}

static struct nonce fresh(struct nonces *nonces, uint64_t now_us)
{
	char text[NONCE_TEXT_LEN + 1];
	struct nonce nonce;

	nonce_write(nonces, &HOME, now_us, text);
	assert_int_equal(strlen(text), NONCE_TEXT_LEN);
	assert_true(nonce_read(nonces, span_of(text), &HOME, now_us, LIFE_S, &nonce));
	return nonce;
}

static bool take(struct nonces *nonces, const struct nonce *nonce, uint32_t count,
		 const char *call_id, uint32_t cseq)
{
	struct addr source;
	struct nonce_use use = {
		.count = count, .call_id = span_of(call_id), .cseq = cseq, .source = &source};

	assert_true(addr_parse(SPAN_LIT("192.0.2.9:5060"), &source));
	return nonce_take(nonces, nonce, &use);
}

static void a_nonce_lives_its_time(void **state)
{
	char text[NONCE_TEXT_LEN + 1];
	struct nonce nonce;

	nonce_write(*state, &HOME, NOW, text);
	assert_true(nonce_read(*state, span_of(text), &HOME, NOW, LIFE_S, &nonce));
	assert_int_equal(nonce.issued_ms, NOW / 1000);
	assert_true(nonce_read(*state, span_of(text), &HOME, NOW + 10000000, LIFE_S, &nonce));
	assert_false(nonce_read(*state, span_of(text), &HOME, NOW + 10001000, LIFE_S, &nonce));
	assert_true(nonce_read(*state, span_of(text), &HOME, NOW + 10001000, LIFE_S + 1, &nonce));
	/* A thread that took the time a moment before the one that wrote it. */
	assert_true(nonce_read(*state, span_of(text), &HOME, NOW - 1000, LIFE_S, &nonce));
}

static bool is_good_for(struct nonces *nonces, const char *text, const char *source)
{
	struct addr address;
	struct nonce nonce;

	assert_true(addr_parse(span_of(source), &address));
	return nonce_read(nonces, span_of(text), &address, NOW, LIFE_S, &nonce);
}

static void a_nonce_is_for_the_address_it_was_sent_to(void **state)
{
	static const struct {
		const char *sent_to;
		const char *used_by;
		bool is_good;
	} CASES[] = {
		{"192.0.2.9:5060", "192.0.2.9:5060", true},
		{"192.0.2.9:5060", "192.0.2.9:61024", true}, /* a NAT took another port */
		{"192.0.2.9:5060", "192.0.2.8:5060", false},
		{"192.0.2.9:5060", "193.0.2.9:5060", false},
		{"[2001:db8:0:7::1]:5060", "[2001:db8:0:7::1]:5060", true},
		{"[2001:db8:0:7::1]:5060", "[2001:db8:0:7:ffff:ffff:ffff:ffff]:9", true},
		{"[2001:db8:0:7::1]:5060", "[2001:db8:0:6::1]:5060", false},
		{"[2001:db8:0:7::1]:5060", "[2001:db9:0:7::1]:5060", false},
		/* The same bytes in another family. */
		{"32.1.13.184:5060", "[2001:db8::1]:5060", false},
	};

	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
		char text[NONCE_TEXT_LEN + 1];
		struct addr source;

		assert_true(addr_parse(span_of(CASES[i].sent_to), &source));
		nonce_write(*state, &source, NOW, text);
		if (is_good_for(*state, text, CASES[i].used_by) != CASES[i].is_good)
			fail_msg("%s used by %s", CASES[i].sent_to, CASES[i].used_by);
	}
}

static void nonces_differ(void **state)
{
	char a[NONCE_TEXT_LEN + 1];
	char b[NONCE_TEXT_LEN + 1];

	nonce_write(*state, &HOME, NOW, a);
	nonce_write(*state, &HOME, NOW, b);
	assert_string_not_equal(a, b);
}

static void a_changed_nonce_is_refused(void **state)
{
	static const char ALPHABET[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	char text[NONCE_TEXT_LEN + 1];
	struct nonces *other;
	struct nonce nonce;

	nonce_write(*state, &HOME, NOW, text);
	for (size_t i = 0; i < NONCE_TEXT_LEN; i++) {
		char kept = text[i];

		for (size_t j = 0; j < 64; j++) {
			text[i] = ALPHABET[j];
			assert_int_equal(
				nonce_read(*state, span_of(text), &HOME, NOW, LIFE_S, &nonce),
				text[i] == kept);
		}
		text[i] = kept;
	}
	assert_false(nonce_read(*state, (struct span){text, NONCE_TEXT_LEN - 1}, &HOME, NOW, LIFE_S,
				&nonce));
	assert_false(nonce_read(*state, SPAN_NONE, &HOME, NOW, LIFE_S, &nonce));
	assert_false(nonce_read(*state, SPAN_LIT("************************"), &HOME, NOW, LIFE_S,
				&nonce));
	/* After a restart. */
	assert_int_equal(nonces_create(&other), VOS_OK);
	assert_false(nonce_read(other, span_of(text), &HOME, NOW, LIFE_S, &nonce));
	nonces_destroy(other);
}

static void counts_only_rise(void **state)
{
	struct nonce nonce = fresh(*state, NOW);

	assert_true(take(*state, &nonce, 1, "a", 1));
	assert_true(take(*state, &nonce, 1, "a", 1)); /* retransmission */
	assert_false(take(*state, &nonce, 1, "a", 2));
	assert_false(take(*state, &nonce, 1, "b", 1));
	assert_true(take(*state, &nonce, 2, "b", 1));
	assert_false(take(*state, &nonce, 1, "a", 1)); /* is over */
	assert_true(take(*state, &nonce, 9, "b", 2));
	assert_false(take(*state, &nonce, 8, "b", 3));
}

static void a_repeat_from_elsewhere_is_a_replay(void **state)
{
	struct nonce nonce = fresh(*state, NOW);
	struct addr source;
	struct nonce_use use = {.count = 1, .call_id = SPAN_LIT("a"), .cseq = 1, .source = &source};

	assert_true(addr_parse(SPAN_LIT("192.0.2.9:5060"), &source));
	assert_true(nonce_take(*state, &nonce, &use));
	assert_true(nonce_take(*state, &nonce, &use));
	source.port++;
	assert_false(nonce_take(*state, &nonce, &use));
	assert_true(addr_parse(SPAN_LIT("192.0.2.8:5060"), &source));
	assert_false(nonce_take(*state, &nonce, &use));
}

static void a_late_repeat_is_a_replay(void **state)
{
	struct nonce nonce = fresh(*state, NOW);
	struct nonce_use use = {
		.count = 1, .call_id = SPAN_LIT("a"), .cseq = 1, .source = &HOME, .now_us = NOW};

	assert_true(nonce_take(*state, &nonce, &use));
	/* Copies in between do not make it longer. */
	use.now_us = NOW + 20 * 1000000u;
	assert_true(nonce_take(*state, &nonce, &use));
	use.now_us = NOW + 32 * 1000000u;
	assert_true(nonce_take(*state, &nonce, &use));
	use.now_us = NOW + 33 * 1000000u;
	assert_false(nonce_take(*state, &nonce, &use));
	use.count = 2;
	assert_true(nonce_take(*state, &nonce, &use));
}

static void without_qop_a_nonce_is_good_once(void **state)
{
	struct nonce nonce = fresh(*state, NOW);

	assert_true(take(*state, &nonce, NONCE_ONCE, "a", 1));
	assert_true(take(*state, &nonce, NONCE_ONCE, "a", 1));
	assert_false(take(*state, &nonce, NONCE_ONCE, "a", 2));
	assert_false(take(*state, &nonce, 2, "a", 2));
}

/* A million uses in a table of a quarter: what was pushed out is refused, not taken for new. */
static void forgetting_lets_no_replay_in(void **state)
{
	enum { KEPT = 1000, MORE = 1000000 };

	static struct nonce kept[KEPT];
	unsigned refused = 0;

	for (unsigned i = 0; i < KEPT; i++) {
		kept[i] = fresh(*state, NOW + i * (uint64_t)1000);
		assert_true(take(*state, &kept[i], 1, "a", 1));
	}
	for (unsigned i = 0; i < MORE; i++) {
		struct nonce nonce = {.id = ((uint64_t)randombytes_random() << 32 | i) + 1,
				      .issued_ms = NOW / 1000 + KEPT + i / 100};

		refused += !take(*state, &nonce, 1, "a", 1);
	}
	/* Newer nonces find room, the older ones of their set give way. */
	assert_true(refused < MORE / 100);
	for (unsigned i = 0; i < KEPT; i++)
		assert_false(take(*state, &kept[i], 1, "b", 1));
}

struct crowd {
	struct nonces *nonces;
	const struct nonce *nonce;
	uint16_t port; /* each thread is another source, so that only one may have a count */
	atomic_uint *taken;
};

static void *take_counts(void *context)
{
	struct crowd *crowd = context;
	struct addr source = {.family = ADDR_IP4, .port = crowd->port};
	char text[NONCE_TEXT_LEN + 1];

	for (uint32_t i = 1; i <= 1000; i++) {
		struct nonce_use use = {
			.count = i, .call_id = SPAN_LIT("a"), .cseq = i, .source = &source};

		nonce_write(crowd->nonces, &HOME, NOW, text);
		if (nonce_take(crowd->nonces, crowd->nonce, &use))
			atomic_fetch_add(crowd->taken, 1);
	}
	return NULL;
}

static void a_count_is_taken_once_by_many_threads(void **state)
{
	struct nonce nonce = fresh(*state, NOW);
	struct crowd crowd[4];
	pthread_t threads[4];
	atomic_uint taken = 0;

	for (size_t i = 0; i < 4; i++) {
		crowd[i] = (struct crowd){.nonces = *state,
					  .nonce = &nonce,
					  .port = (uint16_t)(i + 1),
					  .taken = &taken};
		assert_int_equal(pthread_create(&threads[i], NULL, take_counts, &crowd[i]), 0);
	}
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_in_range(atomic_load(&taken), 1, 1000);
	assert_false(take(*state, &nonce, 1000, "x", 1));
	assert_true(take(*state, &nonce, 1001, "x", 1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(a_nonce_lives_its_time), TEST(a_nonce_is_for_the_address_it_was_sent_to),
	  TEST(nonces_differ), TEST(a_changed_nonce_is_refused), TEST(counts_only_rise),
	  TEST(a_late_repeat_is_a_replay), TEST(a_repeat_from_elsewhere_is_a_replay),
	  TEST(without_qop_a_nonce_is_good_once), TEST(forgetting_lets_no_replay_in),
	  TEST(a_count_is_taken_once_by_many_threads))
