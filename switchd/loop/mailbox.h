/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How threads speak to each other: a mailbox a thread, any sender. A piece of mail carries the
 * function that the receiving thread runs with its own context; the function owns the mail.
 *
 * Not for the path of a message or packet (that has rings); for configuration, show cursors, media
 * commands and shutdown. Bounded by its senders, each of which has at most a fixed number in
 * flight. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/base/err.h"

struct mail {
	struct mail *next;
	/* receiver = the context given to mailbox_init. */
	void (*run)(struct mail *mail, void *receiver);
};

struct mailbox {
	_Atomic(struct mail *) newest; /* the others behind it, back to the oldest */
	atomic_uint posting;           /* senders that are about to wake the receiver */
	atomic_bool wants_wake;        /* mail was put that nobody was woken for */
	int wake_fd;                   /* eventfd, readable while there is mail */
	void *receiver;
};

VOS_CHECK enum vos_err mailbox_init(struct mailbox *box, void *receiver);
/* False when the box is closed: the mail stays the sender's. */
bool mailbox_post(struct mailbox *box, struct mail *mail);
/* The same without waking the receiver, which mailbox_wake() does, or the next mail that is posted.
 */
bool mailbox_put(struct mailbox *box, struct mail *mail);
void mailbox_wake(struct mailbox *box);
/* Is there mail, also such whose sender has yet to wake the receiver? What else the receiver hears
 * of may depend on it: what one sender posted before it sent a packet, while the sender before it
 * was put aside between its mail and its wake-up. */
bool mailbox_has_mail(const struct mailbox *box);
/* Runs all mail that was there at the call. Receiver's thread only. */
void mailbox_run(struct mailbox *box);
/* No more mail is taken; what is queued runs at once. */
void mailbox_close(struct mailbox *box);
/* After mailbox_close(). */
void mailbox_destroy(struct mailbox *box);
