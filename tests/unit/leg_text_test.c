/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of a leg, which share a block: set, replaced, grown, packed. */
#include "switchd/sip/leg_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/support/test.h"

struct fixture {
	struct sip_worker worker;
	struct sip_leg leg;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	assert_int_equal(leg_table_create(&fixture->worker, &fixture->worker.legs), VOS_OK);
	fixture->leg.worker = &fixture->worker;
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	leg_texts_free(&fixture->leg);
	leg_table_destroy(&fixture->worker);
	free(fixture);
	return 0;
}

static void set(struct sip_leg *leg, char **field, const char *text)
{
	assert_true(leg_set(leg, field, span_of(text)));
	assert_string_equal(*field, text);
}

static void one_does_not_disturb_the_others(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;

	set(leg, &leg->call_id, "a call");
	set(leg, &leg->remote_tag, "");
	set(leg, &leg->remote_target, "sip:a@192.0.2.1");
	set(leg, &leg->remote_target, "sip:a@192.0.2.2:5080;transport=tcp");
	set(leg, &leg->remote_target, "sip:b");
	assert_string_equal(leg->call_id, "a call");
	assert_string_equal(leg->remote_tag, "");
	assert_null(leg->route);
}

static void grows_with_what_it_holds(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;
	char text[9001];

	memset(text, 'r', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	set(leg, &leg->call_id, "a call");
	set(leg, &leg->local, "<sip:9@192.0.2.1>");
	for (size_t len = 10; len < sizeof(text); len += 999) {
		assert_true(leg_set(leg, &leg->route, (struct span){text, len}));
		assert_int_equal(strlen(leg->route), len);
		assert_string_equal(leg->call_id, "a call");
		assert_string_equal(leg->local, "<sip:9@192.0.2.1>");
	}
}

/* What was replaced a thousand times takes no more room than what is there. */
static void what_was_replaced_takes_no_room(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;
	char text[40];

	set(leg, &leg->call_id, "a call");
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "sip:caller@192.0.2.1:%d", 10000 + i);
		set(leg, &leg->remote_target, text);
	}
	assert_true(leg->texts.size <= 512);
	assert_string_equal(leg->call_id, "a call");
}

/* A text that is set from a part of itself, or of another of the same leg. */
static void from_the_block_itself(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;
	char text[380];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	set(leg, &leg->remote, text);
	assert_true(leg_set(leg, &leg->local, (struct span){leg->remote, 300}));
	assert_int_equal(strlen(leg->local), 300);
	assert_int_equal(strspn(leg->local, "x"), 300);
	assert_true(leg_set(leg, &leg->remote, (struct span){leg->remote + 1, 200}));
	assert_int_equal(strspn(leg->remote, "x"), 200);
	assert_int_equal(strlen(leg->remote), 200);
}

static void packed_to_what_is_in_use(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;

	set(leg, &leg->call_id, "a call");
	set(leg, &leg->identity, "P-Asserted-Identity: <sip:1@192.0.2.1>\r\n");
	set(leg, &leg->session.sdp, "v=0\r\n");
	leg->identity = NULL;
	leg_texts_pack(leg);
	assert_int_equal(leg->texts.size, pool_room(sizeof("a call") + sizeof("v=0\r\n")));
	assert_string_equal(leg->call_id, "a call");
	assert_string_equal(leg->session.sdp, "v=0\r\n");
	set(leg, &leg->remote_tag, "a tag that no longer fits in there");
	assert_string_equal(leg->call_id, "a call");
}

static void an_empty_route_is_none(void **state)
{
	struct sip_leg *leg = &((struct fixture *)*state)->leg;
	char memory[16];
	struct buf text = buf_over(memory, sizeof(memory));

	buf_add_lit(&text, "<sip:p;lr>");
	assert_true(leg_route_from(leg, &text));
	assert_string_equal(leg->route, "<sip:p;lr>");
	buf_reset(&text);
	assert_true(leg_route_from(leg, &text));
	assert_null(leg->route);
	buf_add_lit(&text, "longer than there is room for");
	assert_false(leg_route_from(leg, &text));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

TEST_MAIN(TEST(one_does_not_disturb_the_others), TEST(grows_with_what_it_holds),
	  TEST(what_was_replaced_takes_no_room), TEST(from_the_block_itself),
	  TEST(packed_to_what_is_in_use), TEST(an_empty_route_is_none))
