/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a lock: the receiver, woken by the sender's write, would only sleep again on a lock that
 * the sender still has. */
#include "switchd/loop/mailbox.h"

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* In the place of the newest mail: the box is closed. */
static struct mail *closed_mark(struct mailbox *box)
{
	return (struct mail *)(void *)box;
}

enum vos_err mailbox_init(struct mailbox *box, void *receiver)
{
	*box = (struct mailbox){.receiver = receiver};
	box->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	return box->wake_fd < 0 ? VOS_EIO : VOS_OK;
}

/* False: the box is closed. */
static bool push(struct mailbox *box, struct mail *mail, bool *was_empty)
{
	struct mail *newest = atomic_load(&box->newest);

	do {
		if (newest == closed_mark(box))
			return false;
		mail->next = newest;
	} while (!atomic_compare_exchange_weak(&box->newest, &newest, mail));
	*was_empty = newest == NULL;
	return true;
}

static void wake(struct mailbox *box)
{
	const uint64_t one = 1;

	atomic_store(&box->wants_wake, false);
	if (write(box->wake_fd, &one, sizeof(one)) < 0) {
		/* The counter is full, so the receiver is awake already. */
	}
}

bool mailbox_post(struct mailbox *box, struct mail *mail)
{
	bool was_empty = false;
	bool is_taken;

	atomic_fetch_add(&box->posting, 1);
	is_taken = push(box, mail, &was_empty);
	if (is_taken && (was_empty || atomic_load(&box->wants_wake)))
		wake(box);
	atomic_fetch_sub(&box->posting, 1);
	return is_taken;
}

bool mailbox_put(struct mailbox *box, struct mail *mail)
{
	bool was_empty = false;
	bool is_taken = push(box, mail, &was_empty);

	if (is_taken && was_empty)
		atomic_store(&box->wants_wake, true);
	return is_taken;
}

void mailbox_wake(struct mailbox *box)
{
	if (atomic_load(&box->wants_wake))
		wake(box);
}

bool mailbox_has_mail(const struct mailbox *box)
{
	const struct mail *newest = atomic_load(&box->newest);

	return newest && newest != (const void *)box;
}

/* In the order in which it came. */
static void run_all(struct mailbox *box, struct mail *newest)
{
	struct mail *oldest = NULL;

	while (newest) {
		struct mail *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	while (oldest) {
		struct mail *next = oldest->next;

		oldest->run(oldest, box->receiver);
		oldest = next;
	}
}

void mailbox_run(struct mailbox *box)
{
	struct mail *newest;
	uint64_t count;

	if (read(box->wake_fd, &count, sizeof(count)) < 0) {
		/* Nothing posted since the last run. */
	}
	newest = atomic_load(&box->newest);
	do {
		if (newest == closed_mark(box))
			return;
	} while (!atomic_compare_exchange_weak(&box->newest, &newest, NULL));
	run_all(box, newest);
}

void mailbox_close(struct mailbox *box)
{
	struct mail *newest = atomic_exchange(&box->newest, closed_mark(box));

	if (newest != closed_mark(box))
		run_all(box, newest);
}

void mailbox_destroy(struct mailbox *box)
{
	/* One that found the box empty just before it was closed. */
	while (atomic_load(&box->posting))
		sched_yield();
	if (box->wake_fd >= 0)
		close(box->wake_fd);
	box->wake_fd = -1;
}
