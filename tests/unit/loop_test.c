/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ring and mailbox: what passes between threads arrives whole, in order, once. */
#include "tests/support/test.h"

#include <poll.h>
#include <pthread.h>

#include "switchd/loop/mailbox.h"
#include "switchd/loop/ring.h"

#define RECORDS 200000u

static void *produce(void *argument)
{
	struct ring *ring = argument;
	uint8_t body[300];

	for (uint32_t i = 0; i < RECORDS; i++) {
		size_t len = i % sizeof(body);

		memset(body, (int)(i & 0xff), len);
		while (!ring_push(ring, &i, sizeof(i), body, len))
			sched_yield();
	}
	return NULL;
}

static void ring_keeps_order(void **state)
{
	struct ring *ring = aligned_alloc(64, sizeof(*ring));
	pthread_t thread;
	uint8_t record[400];

	(void)state;
	assert_int_equal(ring_init(ring, 4096), VOS_OK);
	assert_int_equal(pthread_create(&thread, NULL, produce, ring), 0);
	for (uint32_t want = 0; want < RECORDS;) {
		size_t len = ring_pop(ring, record, sizeof(record));
		uint32_t number;

		if (len == 0) {
			sched_yield();
			continue;
		}
		memcpy(&number, record, sizeof(number));
		assert_int_equal(number, want);
		assert_int_equal(len, sizeof(number) + want % 300);
		for (size_t i = sizeof(number); i < len; i++)
			assert_int_equal(record[i], want & 0xff);
		want++;
	}
	pthread_join(thread, NULL);
	assert_true(ring_is_empty(ring));
	ring_destroy(ring);
	free(ring);
}

static void ring_refuses_when_full(void **state)
{
	struct ring *ring = aligned_alloc(64, sizeof(*ring));
	char data[100] = {0};
	char out[50];
	int count = 0;

	(void)state;
	assert_int_equal(ring_init(ring, 1024), VOS_OK);
	while (ring_push(ring, data, 4, data, sizeof(data)))
		count++;
	assert_int_equal(count, 1024 / (4 + 4 + 100));
	/* Records that do not fit the reader are dropped, not cut. */
	assert_int_equal(ring_pop(ring, out, sizeof(out)), 0);
	assert_true(ring_is_empty(ring));
	assert_true(ring_push(ring, data, 4, data, 10));
	assert_int_equal(ring_pop(ring, out, sizeof(out)), 14);
	ring_destroy(ring);
	free(ring);
}

struct letter {
	struct mail mail;
	int number;
};

struct receiver {
	struct mailbox box;
	int last;
	int count;
	struct letter *answer; /* posted from inside a run */
};

static void read_letter(struct mail *mail, void *context)
{
	struct receiver *receiver = context;
	struct letter *letter = (struct letter *)mail;

	assert_int_equal(letter->number, receiver->last + 1);
	receiver->last = letter->number;
	receiver->count++;
	if (receiver->answer) {
		struct letter *answer = receiver->answer;

		receiver->answer = NULL;
		answer->number = letter->number + 1;
		answer->mail.run = read_letter;
		assert_true(mailbox_post(&receiver->box, &answer->mail));
	}
	free(letter);
}

static void *post_all(void *argument)
{
	struct receiver *receiver = argument;

	for (int i = 1; i <= 10000; i++) {
		struct letter *letter = calloc(1, sizeof(*letter));

		letter->number = i;
		letter->mail.run = read_letter;
		assert_true(mailbox_post(&receiver->box, &letter->mail));
	}
	return NULL;
}

static void mail_arrives_in_order(void **state)
{
	struct receiver receiver = {0};
	struct pollfd poll_fd;
	pthread_t thread;

	(void)state;
	assert_int_equal(mailbox_init(&receiver.box, &receiver), VOS_OK);
	assert_int_equal(pthread_create(&thread, NULL, post_all, &receiver), 0);
	poll_fd = (struct pollfd){.fd = receiver.box.wake_fd, .events = POLLIN};
	while (receiver.count < 10000) {
		assert_int_equal(poll(&poll_fd, 1, -1), 1);
		mailbox_run(&receiver.box);
	}
	pthread_join(thread, NULL);
	mailbox_close(&receiver.box);
	mailbox_destroy(&receiver.box);
}

/* Mail posted while mail is run waits for the next run; a closed box takes none. */
static void mail_at_the_edges(void **state)
{
	struct receiver receiver = {0};
	struct letter *first = calloc(1, sizeof(*first));
	struct letter late = {.mail = {.run = read_letter}, .number = 3};

	(void)state;
	assert_int_equal(mailbox_init(&receiver.box, &receiver), VOS_OK);
	receiver.answer = calloc(1, sizeof(*receiver.answer));
	first->number = 1;
	first->mail.run = read_letter;
	assert_true(mailbox_post(&receiver.box, &first->mail));
	mailbox_run(&receiver.box);
	assert_int_equal(receiver.count, 1);
	mailbox_close(&receiver.box);
	assert_int_equal(receiver.count, 2);
	assert_false(mailbox_post(&receiver.box, &late.mail));
	mailbox_destroy(&receiver.box);
}

static bool is_awake(const struct receiver *receiver)
{
	struct pollfd poll_fd = {.fd = receiver->box.wake_fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) == 1;
}

static void put(struct receiver *receiver, int number)
{
	struct letter *letter = calloc(1, sizeof(*letter));

	letter->number = number;
	letter->mail.run = read_letter;
	assert_true(mailbox_put(&receiver->box, &letter->mail));
}

/* Mail that was put waits for mailbox_wake(), or for mail that is posted; it is never forgotten. */
static void mail_that_does_not_wake(void **state)
{
	struct receiver receiver = {0};
	struct letter *posted = calloc(1, sizeof(*posted));
	struct letter late = {.mail = {.run = read_letter}, .number = 6};

	(void)state;
	assert_int_equal(mailbox_init(&receiver.box, &receiver), VOS_OK);
	mailbox_wake(&receiver.box);
	assert_false(is_awake(&receiver));
	assert_false(mailbox_has_mail(&receiver.box));
	put(&receiver, 1);
	put(&receiver, 2);
	assert_false(is_awake(&receiver));
	assert_true(mailbox_has_mail(&receiver.box));
	mailbox_wake(&receiver.box);
	assert_true(is_awake(&receiver));
	mailbox_run(&receiver.box);
	assert_int_equal(receiver.count, 2);
	assert_false(is_awake(&receiver));

	put(&receiver, 3);
	posted->number = 4;
	posted->mail.run = read_letter;
	assert_true(mailbox_post(&receiver.box, &posted->mail));
	assert_true(is_awake(&receiver));
	mailbox_run(&receiver.box);
	assert_int_equal(receiver.count, 4);

	put(&receiver, 5);
	mailbox_close(&receiver.box);
	assert_int_equal(receiver.count, 5);
	assert_false(mailbox_has_mail(&receiver.box));
	assert_false(mailbox_put(&receiver.box, &late.mail));
	mailbox_destroy(&receiver.box);
}

TEST_MAIN(cmocka_unit_test(ring_keeps_order), cmocka_unit_test(ring_refuses_when_full),
	  cmocka_unit_test(mail_arrives_in_order), cmocka_unit_test(mail_at_the_edges),
	  cmocka_unit_test(mail_that_does_not_wake))
