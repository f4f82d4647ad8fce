/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "switchd/loop/mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

enum vos_err mailbox_init(struct mailbox *box, void *receiver)
{
	*box = (struct mailbox){.receiver = receiver};
	box->last = &box->first;
	box->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (box->wake_fd < 0)
		return VOS_EIO;
	pthread_mutex_init(&box->lock, NULL);
	return VOS_OK;
}

bool mailbox_post(struct mailbox *box, struct mail *mail)
{
	const uint64_t one = 1;
	bool was_empty;

	mail->next = NULL;
	pthread_mutex_lock(&box->lock);
	if (box->is_closed) {
		pthread_mutex_unlock(&box->lock);
		return false;
	}
	was_empty = box->first == NULL;
	*box->last = mail;
	box->last = &mail->next;
	/* Written under the lock: mailbox_destroy() closes the descriptor only after
	 * mailbox_close(). */
	if (was_empty && write(box->wake_fd, &one, sizeof(one)) < 0) {
		/* The counter is full, so the receiver is awake already. */
	}
	pthread_mutex_unlock(&box->lock);
	return true;
}

void mailbox_run(struct mailbox *box)
{
	struct mail *mail;
	uint64_t count;

	if (read(box->wake_fd, &count, sizeof(count)) < 0) {
		/* Nothing posted since the last run. */
	}
	pthread_mutex_lock(&box->lock);
	mail = box->first;
	box->first = NULL;
	box->last = &box->first;
	pthread_mutex_unlock(&box->lock);
	while (mail) {
		struct mail *next = mail->next;

		mail->run(mail, box->receiver);
		mail = next;
	}
}

void mailbox_close(struct mailbox *box)
{
	pthread_mutex_lock(&box->lock);
	box->is_closed = true;
	pthread_mutex_unlock(&box->lock);
	mailbox_run(box);
}

void mailbox_destroy(struct mailbox *box)
{
	if (box->wake_fd >= 0)
		close(box->wake_fd);
	pthread_mutex_destroy(&box->lock);
	box->wake_fd = -1;
}
