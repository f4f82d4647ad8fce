/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of several reasons is told. */
#include "tests/support/test.h"

#include "switchd/call/cause.h"

/* Better ones first; none of a line is better than another of it. */
static void order_of_answers(void **state)
{
	const struct cause lines[][4] = {
		{cause_received(600), cause_received(603), cause_received(606)},
		{cause_received(484), cause_received(488), cause_received(415),
		 cause_of(CAUSE_BAD_SDP)},
		{cause_of(CAUSE_NO_ANSWER)},
		{cause_received(486)},
		{cause_received(403), cause_received(400)},
		{cause_received(408), cause_received(480), cause_of(CAUSE_TIMEOUT_INVITE),
		 /* challenges and redirections are ours alone */
		 cause_received(401)},
		{cause_received(500), cause_received(504), cause_received(302 + 200)},
		{cause_received(503), cause_of(CAUSE_GATEWAY_UNREACHABLE),
		 cause_of(CAUSE_NO_RTP_PORT)},
	};
	const size_t count = sizeof(lines) / sizeof(lines[0]);

	(void)state;
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++)
			for (size_t k = 0; k < 16; k++) {
				struct cause a = lines[i][k / 4];
				struct cause b = lines[j][k % 4];

				if ((a.received || a.id) && (b.received || b.id))
					assert_int_equal(cause_is_better(a, b), i < j);
			}
}

/* A record tells causes apart by their number, an operator by their name. */
static void numbers_and_names_are_unique(void **state)
{
	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++)
		for (int j = 0; j < i; j++) {
			char one[64];
			char other[64];

			cause_name(cause_of((enum cause_id)i), one, sizeof(one));
			cause_name(cause_of((enum cause_id)j), other, sizeof(other));
			assert_string_not_equal(one, other);
			if (cause_number(cause_of((enum cause_id)i)) ==
			    cause_number(cause_of((enum cause_id)j)))
				fail_msg("%s and %s have one number", one, other);
		}
}

static void back_from_the_number(void **state)
{
	struct cause cause;

	(void)state;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		assert_true(cause_from_number(cause_number(cause_of((enum cause_id)i)), &cause));
		assert_int_equal(cause.id, i);
		assert_int_equal(cause.received, 0);
	}
	assert_true(cause_from_number(486, &cause));
	assert_int_equal(cause.received, 486);
	assert_false(cause_from_number(-9999, &cause));
}

/* RFC 3398 section 8.2.6.1; and what the switch decides by itself (behaviour D3). */
static void mapped(void **state)
{
	static const int received[][2] = {
		{401, 21},  {402, 21},  {404, 1},   {405, 63},  {406, 79}, {407, 21},
		{413, 127}, {415, 79},  {416, 127}, {423, 127}, {480, 18}, {481, 41},
		{482, 25},  {483, 25},  {484, 28},  {485, 1},   {486, 17}, {501, 79},
		{505, 127}, {513, 127}, {603, 21},  {299, 31},  {433, 31}, {699, 31},
	};
	static const struct {
		enum cause_id id;
		int status;
		int q850;
	} ours[] = {
		{CAUSE_NOT_FOUND, 404, 1},        {CAUSE_SUSPENDED, 403, 21},
		{CAUSE_BLACK_CALLER, 403, 21},    {CAUSE_CALLER_LENGTH, 403, 21},
		{CAUSE_CALLEE_LENGTH, 403, 21},   {CAUSE_GATEWAYS_FULL, 503, 34},
		{CAUSE_GATEWAY_RATE, 503, 42},    {CAUSE_CALLER_RATE, 503, 42},
		{CAUSE_NO_RTP_PORT, 503, 34},     {CAUSE_NO_ANSWER, 480, 19},
		{CAUSE_TIMEOUT_INVITE, 408, 102}, {CAUSE_NO_CODEC, 488, 65},
		{CAUSE_CALLEE_BUSY, 486, 17},     {CAUSE_CALLER_GROUP, 403, 21},
		{CAUSE_CALLEE_GROUP, 403, 21},    {CAUSE_CALLEE_RESTRICT, 403, 21},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(received) / sizeof(received[0]); i++)
		assert_int_equal(cause_q850(cause_received(received[i][0])), received[i][1]);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		assert_int_equal(cause_status(cause_of(ours[i].id)), ours[i].status);
		assert_int_equal(cause_q850(cause_of(ours[i].id)), ours[i].q850);
	}
	/* A reason without a cause would tell nobody anything. */
	for (int i = 0; i < CAUSE_COUNT; i++)
		assert_in_range(cause_q850(cause_of((enum cause_id)i)), 1, 127);
}

TEST_MAIN(cmocka_unit_test(mapped), cmocka_unit_test(order_of_answers),
	  cmocka_unit_test(numbers_and_names_are_unique), cmocka_unit_test(back_from_the_number))
